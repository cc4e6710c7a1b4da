//! Runs simulated clusters of the production core, many seeds at a time.
//!
//! ```text
//! simulate chaos 0..10000              everything that can go wrong
//! simulate twins 0..100000             one key twice, cut networks
//! simulate chaos 0..10000 progress     goes on where the file `progress` says it was
//! ```
//!
//! Ends with status 1 if a seed failed, and names the command that shows it again.
#![allow(clippy::unwrap_used)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::fs;
use std::ops::Range;
use std::process::ExitCode;

use support::campaign::{self, Summary};
use support::scenario::Kind;

/// Seeds between two notes of progress.
const PIECE: u64 = 2000;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let Some((kind, seeds)) = parse(&words) else {
        eprintln!("usage: simulate chaos|twins A..B [FILE]");
        return ExitCode::from(2);
    };
    let file = words.get(2);
    let done = file.and_then(|file| fs::read_to_string(file).ok());
    let done = done.and_then(|text| text.trim().parse().ok()).unwrap_or(seeds.start);
    let mut start = done.max(seeds.start);
    let mut sum = Summary::default();
    while start < seeds.end && sum.failed.is_empty() {
        let end = (start + PIECE).min(seeds.end);
        let piece = campaign::run(kind, start..end);
        println!("{}..{end}: {:.1} s", start, piece.time.as_secs_f32());
        sum.absorb(piece);
        start = end;
        if let Some(file) = file.filter(|_| sum.failed.is_empty()) {
            fs::write(file, end.to_string()).unwrap();
        }
    }
    sum.print(kind);
    if sum.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn parse(words: &[String]) -> Option<(Kind, Range<u64>)> {
    let kind = match words.first()?.as_str() {
        "chaos" => Kind::Chaos,
        "twins" => Kind::Twins,
        _ => return None,
    };
    let (start, end) = words.get(1)?.split_once("..")?;
    Some((kind, start.parse().ok()?..end.parse().ok()?))
}
