//! Equal stacks, added up.

use std::collections::BTreeMap;
use std::io::{self, BufRead};

/// Frames of a stack that are kept, from its root.
const DEPTH_MAX: usize = 256;

/// A function in one place of the stacks, with those that it called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// Samples in it or in what it called.
    pub samples: u64,
    /// What it called, by name.
    pub called: BTreeMap<String, Frame>,
}

/// The stacks of all samples as a tree; below the root are the threads, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stacks(Frame);

impl Stacks {
    /// Reads what `perf script --fields comm,ip,sym` prints: for each sample the name of the thread in a line, then its
    /// frames, innermost first and indented, then an empty line.
    ///
    /// # Errors
    /// Those of the reader.
    pub fn read(text: impl BufRead) -> io::Result<Self> {
        let mut stacks = Self::default();
        let mut thread = String::new();
        let mut frames: Vec<String> = Vec::new();
        for line in text.split(b'\n') {
            let line = line?;
            let line = String::from_utf8_lossy(&line);
            if line.trim().is_empty() {
                stacks.add(&thread, &frames);
                thread.clear();
                frames.clear();
            } else if line.starts_with([' ', '\t']) && !thread.is_empty() {
                frames.push(function(&line));
            } else {
                thread = line.trim().trim_end_matches(':').trim().to_owned();
            }
        }
        stacks.add(&thread, &frames);
        Ok(stacks)
    }

    /// Number of samples.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.samples
    }

    /// The root of the tree: no function, but all of them.
    #[must_use]
    pub fn root(&self) -> &Frame {
        &self.0
    }

    /// Adds a stack, innermost frame first.
    fn add(&mut self, thread: &str, frames: &[String]) {
        if thread.is_empty() {
            return;
        }
        let mut frame = &mut self.0;
        frame.samples += 1;
        let thread = thread.to_owned();
        for name in std::iter::once(&thread).chain(frames.iter().rev()).take(DEPTH_MAX) {
            frame = frame.called.entry(name.clone()).or_default();
            frame.samples += 1;
        }
    }
}

/// The name of the function in a line that holds its address first; without the hash that the compiler adds.
fn function(line: &str) -> String {
    let name = line.trim().split_once(' ').map_or("", |(_, name)| name.trim());
    match name.rsplit_once("::h") {
        Some((path, hash)) if hash.len() == 16 && hash.bytes().all(|b| b.is_ascii_hexdigit()) => {
            path.to_owned()
        }
        _ if name.is_empty() => "[unknown]".to_owned(),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const PRINTED: &str = "driver \n\t     55d0 node::seal::h0123456789abcdef\n\t     55d1 node::run\n\n\
        driver \n\t     55d4 node::hash\n\t     55d1 node::run\n\n\
        rocksdb:low \n\t  7f00 [unknown]\n\t     7f01\n\n";

    #[test]
    fn equal_stacks_are_added_up_from_their_roots() {
        let stacks = Stacks::read(PRINTED.as_bytes()).unwrap();
        assert_eq!(stacks.total(), 3);
        let driver = &stacks.root().called["driver"];
        let run = &driver.called["node::run"];
        assert_eq!((driver.samples, run.samples), (2, 2));
        let called: Vec<_> =
            run.called.iter().map(|(name, f)| (name.as_str(), f.samples)).collect();
        assert_eq!(called, [("node::hash", 1), ("node::seal", 1)]);
        let other = &stacks.root().called["rocksdb:low"];
        assert_eq!(other.called["[unknown]"].called["[unknown]"].samples, 1);
    }

    #[test]
    fn what_is_no_sample_counts_for_nothing() {
        assert_eq!(Stacks::read(&b"\n\n \n"[..]).unwrap().total(), 0);
        let cut = Stacks::read(&b"driver \n\t 1 a"[..]).unwrap();
        assert_eq!(cut.total(), 1, "the last sample may lack its empty line");
    }

    #[test]
    fn the_depth_of_a_stack_is_bounded() {
        let deep: String = (0..1_000).map(|n| format!("\t{n} f{n}\n")).collect();
        let stacks = Stacks::read(format!("t\n{deep}").as_bytes()).unwrap();
        let mut depth = 0;
        let mut frame = stacks.root();
        while let Some(next) = frame.called.values().next() {
            (frame, depth) = (next, depth + 1);
        }
        assert_eq!(depth, DEPTH_MAX);
    }
}
