//! What shall go wrong, as the environment says it.

use std::ffi::c_int;
use std::path::PathBuf;
use std::time::Duration;

/// Variable: the directory whose files lie on the faulty disk.
pub const ROOT: &str = "FAULTY_DISK_ROOT";
/// Variable: the directory of the records, on the same file system and outside of the root.
pub const RECORDS: &str = "FAULTY_DISK_RECORDS";
/// Variable: the fault, in the words of [`Fault::parse`]; none without it.
pub const FAULT: &str = "FAULTY_DISK_FAULT";

/// What goes wrong. Counted are calls of this process to files under the root, from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// Syncs report success and do nothing.
    Lies,
    /// A sync fails with EIO; what it should have written is lost for good.
    FailSync(Nth),
    /// A write fails with EIO.
    FailWrite(Nth),
    /// After this many bytes every write fails with ENOSPC.
    Full(u64),
    /// Every sync takes this long.
    Slow(Duration),
    /// The process is killed before the n-th sync takes effect.
    KillBefore(u64),
    /// The process is killed when the n-th sync has taken effect, before its caller knows.
    KillAfter(u64),
}

/// The n-th call for a file whose name contains this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nth {
    at: u64,
    part: String,
}

impl Fault {
    /// Reads `lies`, `fail-sync N NAME`, `fail-write N NAME`, `full BYTES`, `slow MS`, `kill-before N`, `kill-after N`.
    pub fn parse(text: &str) -> Option<Self> {
        let words: Vec<&str> = text.split(' ').collect();
        let nth = |at: &str, part: &str| Some(Nth { at: at.parse().ok()?, part: part.into() });
        Some(match words[..] {
            [""] => Self::None,
            ["lies"] => Self::Lies,
            ["fail-sync", at, part] => Self::FailSync(nth(at, part)?),
            ["fail-write", at, part] => Self::FailWrite(nth(at, part)?),
            ["full", bytes] => Self::Full(bytes.parse().ok()?),
            ["slow", ms] => Self::Slow(Duration::from_millis(ms.parse().ok()?)),
            ["kill-before", at] => Self::KillBefore(at.parse().ok()?),
            ["kill-after", at] => Self::KillAfter(at.parse().ok()?),
            _ => return None,
        })
    }
}

/// The whole plan.
pub struct Plan {
    /// Files under it lie on the faulty disk.
    pub root: PathBuf,
    /// Where the records are.
    pub records: PathBuf,
    /// What goes wrong.
    pub fault: Fault,
    syncs: u64,
    writes: u64,
    written: u64,
    /// True from the first call that was made to fail.
    pub failed: bool,
}

/// What becomes of a sync.
pub enum Verdict {
    /// It takes effect.
    Do,
    /// It takes effect, and the process ends.
    DoAndDie,
    /// The process ends.
    Die,
    /// Success is reported.
    Pretend,
    /// It fails.
    Fail(c_int),
}

impl Plan {
    /// The plan of the environment; none if this process has no faulty disk.
    pub fn of_environment() -> Option<Self> {
        let root = PathBuf::from(std::env::var_os(ROOT)?);
        let records = PathBuf::from(std::env::var_os(RECORDS)?);
        let fault = Fault::parse(&std::env::var(FAULT).unwrap_or_default())
            .expect("the fault of the disk is one of those that Fault::parse names");
        Some(Self { root, records, fault, syncs: 0, writes: 0, written: 0, failed: false })
    }

    /// Counts a sync of a file of this name and says what becomes of it.
    pub fn on_sync(&mut self, name: &str) -> Verdict {
        let counts = match &self.fault {
            Fault::FailSync(nth) => name.contains(&nth.part),
            _ => true,
        };
        self.syncs += u64::from(counts);
        match &self.fault {
            Fault::Lies => Verdict::Pretend,
            Fault::FailSync(nth) if counts && self.syncs == nth.at => {
                self.failed = true;
                Verdict::Fail(libc::EIO)
            }
            Fault::KillBefore(at) if self.syncs == *at => Verdict::Die,
            Fault::KillAfter(at) if self.syncs == *at => Verdict::DoAndDie,
            _ => Verdict::Do,
        }
    }

    /// How long a sync takes besides.
    pub fn sync_takes(&self) -> Duration {
        match self.fault {
            Fault::Slow(time) => time,
            _ => Duration::ZERO,
        }
    }

    /// Counts a write to a file of this name; the error number if it fails.
    pub fn on_write(&mut self, name: &str, bytes: usize) -> Option<c_int> {
        let errno = match &self.fault {
            Fault::FailWrite(nth) if name.contains(&nth.part) => {
                self.writes += 1;
                (self.writes == nth.at).then_some(libc::EIO)
            }
            Fault::Full(limit) => {
                self.written += bytes as u64;
                (self.written > *limit).then_some(libc::ENOSPC)
            }
            _ => None,
        };
        self.failed |= errno.is_some();
        errno
    }
}
