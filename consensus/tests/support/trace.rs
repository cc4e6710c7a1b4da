//! Actions in words, with the names that the test stand gave to blocks.

use logothete_consensus::{
    Action, Block, Certificate, EntryReason, Equivocation, Message, SafetyState, Timeout,
};
use logothete_primitives::{SignerSet, ValidatorIndex};

use super::stand::Stand;

/// One line per action.
pub(crate) fn lines(stand: &Stand, actions: &[Action]) -> Vec<String> {
    actions.iter().map(|action| line(stand, action)).collect()
}

fn line(stand: &Stand, action: &Action) -> String {
    match action {
        Action::StoreBlock { block, .. } => format!("store {}", stand.name(&block.hash())),
        Action::PersistSafety(state) => format!("persist {}", marks(state)),
        Action::Send { to, message } => format!("send {to:?} {}", message_line(stand, message)),
        Action::Broadcast(message) => format!("broadcast {}", message_line(stand, message)),
        Action::BuildPayload { view, parent, ancestors, executed_min, idle_expired, .. } => {
            format!(
                "build view={view} on={} ancestors=[{}] executed>={executed_min}{}",
                stand.name(parent),
                chain(stand, ancestors.iter().map(|block| &**block)),
                if *idle_expired { " now" } else { "" },
            )
        }
        Action::CheckPayload { block, ancestors, proposer } => format!(
            "check {} by={proposer:?} ancestors=[{}]",
            stand.name(&block.hash()),
            chain(stand, ancestors.iter().map(|block| &**block)),
        ),
        Action::FetchBlock { block, height, view, holders } => format!(
            "fetch {} height={height} view={view} holders={}",
            stand.name(block),
            set(holders)
        ),
        Action::Commit { blocks, cc } => format!(
            "commit [{}] by cc {}",
            chain(stand, blocks.iter().map(|block| &**block)),
            stand.name(&cc.block)
        ),
        Action::Behind { height_hint, cc } => format!(
            "behind cc {} height={}",
            stand.name(&cc.block),
            height_hint.map_or_else(|| "unknown".to_owned(), |height| height.to_string())
        ),
        Action::Evidence(evidence) => {
            format!("evidence {} {:?} view={}", kind(evidence), evidence.signer(), evidence.view())
        }
        Action::EnteredView { view, leader, reason, waited } => format!(
            "enter view={view} leader={} by={} after={}ms",
            leader.map_or_else(|| "unknown".to_owned(), |leader| format!("{leader:?}")),
            reason_name(*reason),
            waited.as_millis()
        ),
        Action::Rejected { from, rejection } => format!(
            "rejected {}: {} {}",
            from.map_or_else(|| "nobody's".to_owned(), |from| format!("{from:?}'s")),
            rejection.rule(),
            with_names(stand, rejection.to_string())
        ),
    }
}

fn with_names(stand: &Stand, text: String) -> String {
    stand.names.iter().fold(text, |text, (hash, name)| text.replace(&hash.to_string(), name))
}

fn message_line(stand: &Stand, message: &Message) -> String {
    match message {
        Message::Proposal(p) => format!(
            "proposal {} view={} on=qc({}){}",
            stand.name(&p.block.hash()),
            p.block.header.view,
            p.qc.view,
            p.tc.as_ref().map_or_else(String::new, |tc| format!(" tc({})", tc.view))
        ),
        Message::PrepareVote(vote) => format!("prepare {}", stand.name(&vote.block)),
        Message::CommitVote { vote, qc } => {
            format!("commit {} with qc({})", stand.name(&vote.block), qc.view)
        }
        Message::Timeout(timeout) => timeout_line(timeout),
        Message::Certificate(certificate) => certificate_name(certificate),
        Message::StatementRequest(_) => "statement-request".to_owned(),
        Message::Statement(statement) => format!(
            "statement view={} entry={}",
            statement.view,
            statement.entry.as_ref().map_or_else(|| "none".to_owned(), certificate_name)
        ),
    }
}

fn timeout_line(timeout: &Timeout) -> String {
    format!(
        "timeout view={} qc({}) entry={}",
        timeout.view,
        timeout.high_qc.view,
        timeout.entry.as_ref().map_or_else(|| "none".to_owned(), certificate_name)
    )
}

fn certificate_name(certificate: &Certificate) -> String {
    match certificate {
        Certificate::Quorum(qc) => format!("qc({})", qc.view),
        Certificate::Commit(cc) => format!("cc({})", cc.view),
        Certificate::Timeout(tc) => format!("tc({})+qc({})", tc.view, tc.high_qc.view),
    }
}

fn marks(state: &SafetyState) -> String {
    let marks = state.marks();
    format!(
        "prepared={} timed_out={} committed={} proposed={} hqc={}",
        marks.prepared, marks.timed_out, marks.committed, marks.proposed, marks.high_qc
    )
}

fn chain<'a>(stand: &Stand, blocks: impl Iterator<Item = &'a Block>) -> String {
    blocks.map(|block| stand.name(&block.hash())).collect::<Vec<_>>().join(" ")
}

fn set(set: &SignerSet) -> String {
    let names: Vec<String> = set.iter().map(|index: ValidatorIndex| format!("{index:?}")).collect();
    names.join(",")
}

const fn kind(evidence: &Equivocation) -> &'static str {
    match evidence {
        Equivocation::Proposal { .. } => "proposal",
        Equivocation::PrepareVote { .. } => "prepare",
        Equivocation::CommitVote { .. } => "commit",
        Equivocation::Timeout { .. } => "timeout",
    }
}

const fn reason_name(reason: EntryReason) -> &'static str {
    match reason {
        EntryReason::Qc => "qc",
        EntryReason::Tc => "tc",
        EntryReason::Cc => "cc",
        EntryReason::Start => "start",
    }
}
