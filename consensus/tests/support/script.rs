//! Golden scripts: commands, `----`, and the trace they must give.
//!
//! A script is blocks of lines separated by blank lines. In each, commands come first, one a line,
//! then `----`, then the expected trace. Lines that begin with `#` tell the story. The commands:
//!
//! ```text
//! validator v0 of 1,1,1,1      a fresh validator; also `amnesiac v0 of …` and `follower of …`
//! start | restart | restart amnesia
//! block a v1 view=1 on=genesis [time=+500] [executed=3]     names a block, tells nobody
//! propose a [tc=2+genesis]     its proposal arrives, with TC(2) of highest QC genesis
//! prepare v1,v2 a              prepare votes arrive
//! commit v1,v2 a               commit votes arrive, each with the QC of a
//! timeout v1,v2 view=1 qc=genesis [entry=tc:…|qc:…|cc:…]
//! qc a | cc a | tc 2+a         a bare certificate arrives
//! checked a [bad]              the application has checked the payload
//! built 1 as b                 the application has built a payload for view 1
//! fetched a [bad-body]         a block arrives that was asked for
//! synced a,b cc=b              final blocks arrive from sync
//! pending | idle               there is work, or none
//! pass 500 | tick 500          so many milliseconds pass, without or with a tick
//! request v2 | statement v1,v2 view=3 entry=qc:b [nonce=old]
//! deadline | mode
//! ```

use std::time::Duration;

use logothete_consensus::{
    Action, Certificate, Event, Message, Mode, PayloadFault, Rejection, StatementRequest,
};
use logothete_primitives::TimestampMs;

use super::stage;
use super::stand::{Stand, v};
use super::trace;

/// Runs a script and gives it back with the traces that came out.
pub(crate) fn run(script: &str) -> String {
    let mut stand = None;
    let mut blocks = Vec::new();
    for block in script.trim_end().split("\n\n") {
        let input = block.split_once("\n----").map_or(block, |(input, _)| input);
        let commands: Vec<&str> =
            input.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).collect();
        if commands.is_empty() {
            blocks.push(input.to_owned());
            continue;
        }
        let mut lines = vec![input.to_owned(), "----".to_owned()];
        for command in commands {
            lines.extend(perform(&mut stand, command));
        }
        blocks.push(lines.join("\n"));
    }
    blocks.join("\n\n") + "\n"
}

/// The words of a command: positional ones first, then `key=value`.
struct Words<'a> {
    plain: Vec<&'a str>,
    keyed: Vec<(&'a str, &'a str)>,
}

impl<'a> Words<'a> {
    fn new(command: &'a str) -> Self {
        let words = command.split_whitespace();
        let (keyed, plain): (Vec<_>, Vec<_>) = words.partition(|word| word.contains('='));
        Self { plain, keyed: keyed.iter().map(|word| word.split_once('=').unwrap()).collect() }
    }

    fn at(&self, index: usize) -> &'a str {
        self.plain.get(index).unwrap_or_else(|| panic!("too few words: {:?}", self.plain))
    }

    fn key(&self, key: &str) -> Option<&'a str> {
        self.keyed.iter().find(|(name, _)| *name == key).map(|(_, value)| *value)
    }

    fn number(&self, key: &str) -> u64 {
        self.key(key).unwrap_or_else(|| panic!("needs {key}=")).parse().unwrap()
    }
}

fn validators(text: &str) -> Vec<u16> {
    text.split(',').map(|name| name.trim_start_matches('v').parse().unwrap()).collect()
}

fn perform(stand: &mut Option<Stand>, command: &str) -> Vec<String> {
    let words = Words::new(command);
    let powers = || -> Vec<u64> {
        words.plain.last().unwrap().split(',').map(|power| power.parse().unwrap()).collect()
    };
    match words.at(0) {
        "validator" => *stand = Some(Stand::new(&powers(), validators(words.at(1))[0])),
        "amnesiac" => *stand = Some(Stand::amnesiac(&powers(), validators(words.at(1))[0])),
        "follower" => *stand = Some(Stand::follower(&powers())),
        _ => {
            let stand = stand.as_mut().expect("a script begins with a replica");
            if matches!(words.at(0), "deadline" | "mode") {
                return vec![answer(stand, words.at(0))];
            }
            return match event(stand, &words) {
                Ok(actions) => trace::lines(stand, &actions),
                Err(rejection) => vec![format!("refused: {} {rejection}", rejection.rule())],
            };
        }
    }
    Vec::new()
}

fn event(stand: &mut Stand, words: &Words<'_>) -> Result<Vec<Action>, Rejection> {
    let mut actions = Vec::new();
    match words.at(0) {
        "start" => actions = stand.step(Event::Started),
        "restart" => {
            stand.restart(words.plain.len() > 1);
            actions = stand.step(Event::Started);
        }
        "block" => define_block(stand, words),
        "propose" => {
            let tc = words.key("tc").map(|text| timeout_cert(stand, text));
            let proposal = stand.proposal(words.at(1), tc);
            actions = stand.deliver(Message::Proposal(Box::new(proposal)))?;
        }
        "prepare" => {
            for signer in validators(words.at(1)) {
                let vote = stand.prepare(signer, words.at(2));
                actions.extend(stand.deliver(Message::PrepareVote(vote))?);
            }
        }
        "commit" => {
            for signer in validators(words.at(1)) {
                let message = stand.commit_message(signer, words.at(2));
                actions.extend(stand.deliver(message)?);
            }
        }
        "timeout" => {
            for signer in validators(words.at(1)) {
                let entry = words.key("entry").map(|text| certificate(stand, text));
                let qc = words.key("qc").unwrap_or("genesis");
                let timeout = stand.timeout(signer, words.number("view"), qc, entry);
                actions.extend(stand.deliver(Message::Timeout(Box::new(timeout)))?);
            }
        }
        kind @ ("qc" | "cc" | "tc") => {
            let certificate = certificate(stand, &format!("{kind}:{}", words.at(1)));
            actions = stand.deliver(Message::Certificate(Box::new(certificate)))?;
        }
        "statement" => {
            for signer in validators(words.at(1)) {
                let entry = words.key("entry").map(|text| certificate(stand, text));
                let mut nonce = stand.nonce;
                nonce[0] -= u8::from(words.key("nonce") == Some("old"));
                let statement = stand.statement(nonce, signer, words.number("view"), entry);
                actions.extend(stand.deliver(Message::Statement(Box::new(statement)))?);
            }
        }
        "request" => {
            let request =
                StatementRequest { nonce: [9; 32], signer: v(validators(words.at(1))[0]) };
            actions = stand.deliver(Message::StatementRequest(request))?;
        }
        _ => return Ok(driver_event(stand, words)),
    }
    Ok(actions)
}

/// What comes from the driver and not from a peer.
fn driver_event(stand: &mut Stand, words: &Words<'_>) -> Vec<Action> {
    match words.at(0) {
        "checked" => {
            let block = stand.header(words.at(1)).hash();
            let bad = words.plain.len() > 2;
            let verdict = if bad { Err(PayloadFault::Malformed) } else { Ok(()) };
            stand.step(Event::PayloadChecked { block, verdict })
        }
        "built" => {
            let name = words.at(3);
            let actions = stand.payload_built(words.at(1).parse().unwrap(), name.as_bytes());
            stand.name_own(name, &actions);
            actions
        }
        "fetched" => {
            let (mut block, qc) = stand.blocks[words.at(1)].clone();
            if words.plain.len() > 2 {
                block.payload = b"something else".to_vec().try_into().unwrap();
            }
            stand.fetched(block, qc)
        }
        "synced" => {
            let names: Vec<&str> = words.at(1).split(',').collect();
            let cc = stand.cc(words.key("cc").unwrap());
            stand.synced(&names, cc)
        }
        "pending" => stand.step(Event::PendingWork(true)),
        "idle" => stand.step(Event::PendingWork(false)),
        "pass" => {
            stand.now += Duration::from_millis(words.at(1).parse().unwrap());
            Vec::new()
        }
        "tick" => stand.tick_ms(words.at(1).parse().unwrap()),
        other => panic!("unknown command {other}"),
    }
}

/// Answers of `deadline` and `mode`, which are no events.
fn answer(stand: &Stand, question: &str) -> String {
    match question {
        "deadline" => match stand.replica.next_deadline() {
            Some(at) => format!("deadline in {}ms", at.saturating_sub(stand.now).as_millis()),
            None => "no deadline".to_owned(),
        },
        _ => {
            let status = stand.replica.status();
            match status.mode {
                Mode::Active => "active".to_owned(),
                Mode::Follower => "follower".to_owned(),
                Mode::Learner { statements, above } => format!(
                    "learner statements={statements:?} above={} amnesiacs={:?}",
                    above.map_or_else(|| "unknown".to_owned(), |above| above.to_string()),
                    status.amnesiacs
                ),
            }
        }
    }
}

fn define_block(stand: &mut Stand, words: &Words<'_>) {
    let name = words.at(1);
    let author = validators(words.at(2))[0];
    let mut block = stand.block(name, author, words.number("view"), words.key("on").unwrap());
    if let Some(shift) = words.key("time") {
        let shift: i64 = shift.parse().unwrap();
        let time = block.header.timestamp.get().checked_add_signed(shift).unwrap();
        block.header.timestamp = TimestampMs::new(time);
    }
    if let Some(height) = words.key("executed") {
        block.header.executed =
            stage::executed(logothete_primitives::Height::new(height.parse().unwrap()));
    }
    stand.define(name, block.header, block.payload.into_inner());
}

fn timeout_cert(stand: &Stand, text: &str) -> logothete_consensus::TimeoutCert {
    let (view, qc) = text.split_once('+').unwrap_or((text, "genesis"));
    stand.tc(view.parse().unwrap(), qc)
}

fn certificate(stand: &Stand, text: &str) -> Certificate {
    match text.split_once(':').unwrap() {
        ("qc", name) => Certificate::Quorum(stand.qc(name)),
        ("cc", name) => Certificate::Commit(stand.cc(name)),
        (_, rest) => Certificate::Timeout(timeout_cert(stand, rest)),
    }
}
