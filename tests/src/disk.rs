//! A faulty disk under a node: a preloaded library that keeps a record of what was synced, and the loss of the rest.
//!
//! While the process runs, its files are what the kernel shows. After its death [`Disk::lose_power`] replaces them by
//! what a disk could hold then: everything that was synced, and of the rest what [`Survivors`] draws.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail, ensure};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

#[path = "../faulty-disk/src/format.rs"]
pub mod format;
use format::{Line, record_name};

const SECTOR: usize = 512;
/// Files whose loss nobody would notice.
const UNINTERESTING: [&str; 2] = ["LOG", "node.lock"];
const LIBRARY: &str = "liblogothete_faulty_disk.so";

/// The faulty disk of one node.
///
/// Its faults, for `TestNet::start_with_fault`: `lies` (syncs do nothing), `fail-sync N NAME` and `fail-write N NAME`
/// (EIO at the n-th call for a file whose name contains this), `full BYTES` (ENOSPC after so many), `slow MS` (every sync
/// takes that long), `kill-before N` and `kill-after N` (the n-th sync).
#[derive(Debug)]
pub struct Disk {
    library: PathBuf,
    home: PathBuf,
}

/// What of the unsynced survives a loss of power.
pub struct Survivors(Option<ChaCha8Rng>);

impl Survivors {
    /// Nothing.
    pub fn none() -> Self {
        Self(None)
    }

    /// Some of it, by a seed.
    pub fn drawn(seed: u64) -> Self {
        Self(Some(ChaCha8Rng::seed_from_u64(seed)))
    }

    /// How many of `count` ordered changes survive: the first ones.
    fn first_of(&mut self, count: usize) -> usize {
        let Some(random) = &mut self.0 else { return 0 };
        match random.random_range(0..3) {
            0 => 0,
            1 => count,
            _ => random.random_range(0..=count),
        }
    }

    /// What survives of a file of which `synced` is durable and `seen` was what its readers saw, and a word for it.
    fn mix(&mut self, synced: &[u8], seen: Vec<u8>) -> (Vec<u8>, &'static str) {
        let Some(random) = &mut self.0 else { return (synced.to_vec(), "lost") };
        if !seen.starts_with(synced) {
            return (mix_sectors(random, synced, &seen), "mixed");
        }
        match random.random_range(0..5) {
            0 => (synced.to_vec(), "lost"),
            1 => (seen, "kept"),
            2 => (cut(random, synced.len(), seen), "cut"),
            kind => {
                let kept = cut(random, synced.len(), seen);
                (tear(random, synced.len(), kept, kind == 3), "torn")
            }
        }
    }
}

/// The file ends somewhere in what was appended.
fn cut(random: &mut ChaCha8Rng, synced: usize, mut seen: Vec<u8>) -> Vec<u8> {
    seen.truncate(random.random_range(synced..=seen.len()));
    seen
}

/// Of its last sector the file has only the length: zeros or noise where the data would be.
fn tear(random: &mut ChaCha8Rng, synced: usize, mut bytes: Vec<u8>, zeros: bool) -> Vec<u8> {
    let sector = bytes.len().saturating_sub(1) / SECTOR * SECTOR;
    let start = sector.max(synced).min(bytes.len());
    bytes[start..].fill_with(|| if zeros { 0 } else { random.random() });
    bytes
}

/// Each sector is the old or the new one, and the length is the old or the new one.
fn mix_sectors(random: &mut ChaCha8Rng, synced: &[u8], seen: &[u8]) -> Vec<u8> {
    let length = if random.random() { synced.len() } else { seen.len() };
    let mut bytes = synced.to_vec();
    bytes.resize(length, 0);
    for start in (0..length.min(seen.len())).step_by(SECTOR) {
        let end = (start + SECTOR).min(length).min(seen.len());
        if random.random() {
            bytes[start..end].copy_from_slice(&seen[start..end]);
        }
    }
    bytes
}

impl Disk {
    /// The disk under the data directory of a node's home.
    ///
    /// # Errors
    /// When the library was not built.
    pub fn new(home: &Path) -> anyhow::Result<Self> {
        Ok(Self { library: library()?, home: home.to_path_buf() })
    }

    /// Makes the program of a command live on this disk.
    ///
    /// # Errors
    /// When the directory of the records cannot be made.
    pub fn put_under(&self, command: &mut Command, fault: &str) -> anyhow::Result<()> {
        fs::create_dir_all(self.records())?;
        command.env("LD_PRELOAD", &self.library);
        command.env("FAULTY_DISK_ROOT", self.data());
        command.env("FAULTY_DISK_RECORDS", self.records());
        command.env("FAULTY_DISK_FAULT", fault);
        Ok(())
    }

    /// Makes the wall clock of the program of a command wrong.
    ///
    /// # Errors
    /// When the library was not built.
    pub fn set_clock(command: &mut Command, ahead_s: i64) -> anyhow::Result<()> {
        command.env("LD_PRELOAD", library()?);
        command.env("FAULTY_CLOCK_AHEAD_S", ahead_s.to_string());
        Ok(())
    }

    /// The call that was made to fail, and every write and sync of the process after it, as `sync 000008.log`.
    pub fn calls_since_failure(&self) -> Vec<String> {
        let text = fs::read_to_string(self.records().join("failed")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Leaves in the data directory what a loss of power could leave; says what became of the unsynced. To be called
    /// when the process is dead.
    ///
    /// # Errors
    /// When the records are not there or the files cannot be written.
    pub fn lose_power(&self, survivors: &mut Survivors) -> anyhow::Result<String> {
        let after = self.home.join("data.after");
        let mut told = Vec::new();
        self.restore("", &after, survivors, &mut told)?;
        fs::remove_dir_all(self.data())?;
        fs::rename(after, self.data())?;
        self.forget()?;
        Ok(told.join(", "))
    }

    /// Takes the files as they are for durable. To be called when the process is dead.
    ///
    /// # Errors
    /// When the records cannot be removed.
    pub fn forget(&self) -> anyhow::Result<()> {
        Ok(fs::remove_dir_all(self.records()).or_else(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Ok(()),
            _ => Err(error),
        })?)
    }

    fn data(&self) -> PathBuf {
        self.home.join("data")
    }

    fn records(&self) -> PathBuf {
        self.home.join("disk")
    }

    fn restore(
        &self,
        below: &str,
        into: &Path,
        survivors: &mut Survivors,
        told: &mut Vec<String>,
    ) -> anyhow::Result<()> {
        fs::create_dir(into)?;
        for (name, inode) in self.names(below, survivors, told)? {
            let below = if below.is_empty() { name.clone() } else { format!("{below}/{name}") };
            if inode == 0 {
                self.restore(&below, &into.join(&name), survivors, told)?;
                continue;
            }
            let (into, inode) = (into.join(&name), inode.to_string());
            let held = self.records().join("held").join(&inode);
            // A file that no record speaks of is as it is.
            let seen = if held.exists() { held } else { self.data().join(&below) };
            let synced = self.records().join("bytes").join(&inode);
            let bytes = fs::read(&seen).with_context(|| format!("{below} {}", seen.display()))?;
            match synced.exists().then(|| fs::read(&synced)).transpose()? {
                Some(synced) if synced != bytes => {
                    let lengths = (synced.len(), bytes.len());
                    let (bytes, what) = survivors.mix(&synced, bytes);
                    if !UNINTERESTING.iter().any(|known| name.starts_with(known)) {
                        told.push(format!("{name} {what} {lengths:?} {}", bytes.len()));
                    }
                    fs::write(into, bytes)?;
                }
                _ => fs::write(into, bytes)?,
            }
        }
        Ok(())
    }

    /// The names of a directory that survive, with the inodes of the files; 0 for directories.
    fn names(
        &self,
        below: &str,
        survivors: &mut Survivors,
        told: &mut Vec<String>,
    ) -> anyhow::Result<BTreeMap<String, u64>> {
        let record = self.records().join(record_name(below));
        if !record.exists() {
            return names_of(&self.data().join(below));
        }
        let text = fs::read_to_string(record)?;
        let lines: Vec<Line> = text.lines().map_while(Line::decode).collect();
        let Some(synced) = lines.iter().position(|line| *line == Line::Synced) else {
            bail!("the record of {below:?} has no end: {text}");
        };
        let (durable, since) = (&lines[..synced], &lines[synced + 1..]);
        let kept = survivors.first_of(since.len());
        if kept < since.len() {
            told.push(format!(
                "{} of {} changes of names in {below:?} lost",
                since.len() - kept,
                since.len()
            ));
        }
        let mut names = BTreeMap::new();
        for line in durable.iter().chain(&since[..kept]) {
            match line {
                Line::Add { name, inode } => drop(names.insert(name.clone(), *inode)),
                Line::Remove { name } => drop(names.remove(name)),
                Line::Rename { from, to, inode } => {
                    names.remove(from);
                    names.insert(to.clone(), *inode);
                }
                Line::Synced => {}
            }
        }
        Ok(names)
    }
}

fn library() -> anyhow::Result<PathBuf> {
    let test = std::env::current_exe()?;
    let library = test.parent().context("a test lies in a directory")?.join(LIBRARY);
    ensure!(library.exists(), "{} is missing: build the workspace first", library.display());
    Ok(library)
}

fn names_of(directory: &Path) -> anyhow::Result<BTreeMap<String, u64>> {
    let mut names = BTreeMap::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let metadata = entry.metadata()?;
        if metadata.is_dir() {
            names.insert(name, 0);
        } else if metadata.is_file() {
            names.insert(name, metadata.ino());
        }
    }
    Ok(names)
}
