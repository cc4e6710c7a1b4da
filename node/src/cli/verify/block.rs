//! `verify block`: what `block export` wrote, against the chain file.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use logothete_client::rpc::types::{BlockCertificate, BlockView, ExecutedView, HeaderView};
use logothete_client::verify::{self, Certified};
use logothete_consensus::BlockHeader;
use logothete_genesis::Spec;
use logothete_primitives::Height;
use serde::Deserialize;
use serde_json::json;

use crate::cli::output::{Exit, Failure, Outcome, Printer, Reply};

/// Longest line: a block with the hashes of all its transactions, and the headers up to its certificate.
const LINE_BYTES_MAX: u64 = 64 << 20;

#[derive(Deserialize)]
struct Line {
    block: BlockView,
    certificate: BlockCertificate,
}

/// Verifies every line of a file; `-` is standard input.
///
/// # Errors
/// The file cannot be read, or the first thing that does not hold, with its height.
pub(super) fn perform(file: &Path, spec: &Spec, printer: Printer) -> Outcome {
    let mut input: Box<dyn BufRead> = if file == Path::new("-") {
        Box::new(BufReader::new(std::io::stdin()))
    } else {
        let opened = File::open(file);
        let unread = |error| Failure::new("io", format!("reading {}: {error}", file.display()));
        Box::new(BufReader::new(opened.map_err(unread)?))
    };
    let validators = spec.validator_set();
    let (mut count, mut first, mut last) = (0_u64, None, None);
    while let Some(line) = next(&mut input, count + 1)? {
        let certified = verify::block_certificate(&line.certificate, &spec.chain_id(), &validators)
            .map_err(|error| flawed(line.certificate.height, "certificate", &error))?;
        compare(&line.block, &certified, spec)?;
        verify::block_payload(&line.block, &certified.header, &validators)
            .map_err(|error| flawed(certified.height, "payload", &error))?;
        if let Some(before) = &last {
            follow(before, &certified)?;
        }
        count += 1;
        first.get_or_insert(certified.height);
        last = Some(certified);
    }
    let (Some(first), Some(last)) = (first, last) else { return Err(no_blocks(1)) };
    let text = format!(
        "{} {count} blocks from {first} to {} verified: certificates, hash links, headers, payloads",
        printer.tick(),
        last.height
    );
    Ok(Reply::new(json!({ "blocks": count, "from": first, "to": last.height }), text))
}

fn next(input: &mut dyn BufRead, number: u64) -> Result<Option<Line>, Failure> {
    let mut bytes = Vec::new();
    input.take(LINE_BYTES_MAX).read_until(b'\n', &mut bytes)?;
    if bytes.is_empty() {
        return Ok(None);
    }
    serde_json::from_slice(&bytes).map(Some).map_err(|_| no_blocks(number))
}

fn no_blocks(line: u64) -> Failure {
    Failure::usage(format!("line {line} holds no exported block"))
        .with_hint("it is what `logothete block export --out FILE` writes")
}

/// What is shown of a block beside its proof.
fn compare(block: &BlockView, certified: &Certified, spec: &Spec) -> Result<(), Failure> {
    let header = &certified.header;
    if block.hash != certified.block {
        return Err(flawed(certified.height, "block_hash", &"it is shown with another hash"));
    }
    if !shows(&block.header, header, spec) {
        return Err(flawed(certified.height, "header", &"it is shown with another header"));
    }
    Ok(())
}

fn shows(shown: &HeaderView, header: &BlockHeader, spec: &Spec) -> bool {
    let executed = ExecutedView {
        height: header.executed.height,
        state_root: header.executed.state_root,
        receipts_root: header.executed.receipts_root,
    };
    let proposer = spec.validators.get(header.proposer.as_usize());
    let place = (shown.epoch, shown.view, shown.height, shown.parent, shown.parent_view);
    let content = (shown.timestamp, shown.payload, shown.executed);
    place == (header.epoch, header.view, header.height, header.parent, header.parent_view)
        && content == (header.timestamp, header.payload, executed)
        && shown.proposer.index == header.proposer.get()
        && proposer.is_some_and(|validator| validator.name == shown.proposer.name)
}

/// A block after its predecessor names it; after a gap nothing is said.
fn follow(before: &Certified, after: &Certified) -> Result<(), Failure> {
    let adjacent = after.height == before.height.next();
    if adjacent && after.header.parent != before.block {
        return Err(flawed(after.height, "parent", &"it does not follow the block before it"));
    }
    Ok(())
}

fn flawed(height: Height, check: &str, fault: &dyn std::fmt::Display) -> Failure {
    Failure::new("bad_block", format!("height {height}: {check}: {fault}"))
        .with_exit(Exit::VerificationFailed)
        .with_hint("do not trust who exported it; is --genesis the chain file of these blocks?")
        .with_data(json!({ "height": height, "check": check }))
}
