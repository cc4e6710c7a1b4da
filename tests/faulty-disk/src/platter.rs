//! What of the files a loss of power would leave, kept in a directory beside them.
//!
//! | In the records | Is |
//! |---|---|
//! | `held/INODE` | a second link to a file, so that its content is at hand and its number not given away once it is removed |
//! | `bytes/INODE` | what is durable of the file; absent: all of it |
//! | `PATH.dir` | the names of a directory ([`Line`]); absent: all of them are durable |
//! | `failed` | the call that was made to fail, and every write and sync after it |
//!
//! Everything is written before the call that makes it true returns, so a kill at any moment leaves records that a
//! loss of power at that moment could have left.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::c_int;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::ops::Range;
use std::os::unix::fs::{DirEntryExt as _, FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::format::{Line, record_name};
use crate::plan::{Plan, Verdict};
use crate::sys;

/// A file that was opened for writing.
struct Tracked {
    name: String,
    /// Where it may differ from what is durable.
    unsynced: Vec<Range<u64>>,
}

/// What is about to be opened.
pub enum Opening {
    /// A file that is there, by its inode number.
    Existing(u64),
    /// One that is not.
    New(PathBuf),
}

/// The disk of this process.
pub struct Platter {
    plan: Plan,
    files: BTreeMap<u64, Tracked>,
    held: BTreeSet<u64>,
}

impl Platter {
    /// The disk that the environment describes, if it does.
    pub fn of_environment() -> Option<Self> {
        let plan = Plan::of_environment()?;
        for part in ["held", "bytes"] {
            fs::create_dir_all(plan.records.join(part)).expect("the records can be written");
        }
        Some(Self { plan, files: BTreeMap::new(), held: BTreeSet::new() })
    }

    /// Whether a path lies on this disk.
    pub fn has(&self, path: &Path) -> bool {
        path.starts_with(&self.plan.root)
    }

    /// To be called before a file is opened for writing, with what the call will do to it.
    pub fn before_open(&mut self, path: &Path) -> io::Result<Opening> {
        match fs::symlink_metadata(path) {
            Ok(metadata) => {
                let inode = metadata.ino();
                if metadata.is_file() && !self.files.contains_key(&inode) {
                    self.adopt(path, inode)?;
                }
                Ok(Opening::Existing(inode))
            }
            Err(_) => {
                self.record_directory_of(path)?;
                Ok(Opening::New(path.to_path_buf()))
            }
        }
    }

    /// To be called when the file was opened.
    pub fn after_open(&mut self, opening: &Opening, fd: c_int, truncated: bool) -> io::Result<()> {
        match opening {
            Opening::Existing(inode) => {
                if truncated && let Some(file) = self.files.get_mut(inode) {
                    file.unsynced.push(0..u64::MAX);
                }
            }
            Opening::New(path) => {
                let inode = sys::borrow(fd).metadata()?.ino();
                self.hold(path, inode)?;
                File::create(self.bytes(inode))?;
                let name = name_of(path);
                self.files.insert(inode, Tracked { name: name.clone(), unsynced: Vec::new() });
                self.log(path, &Line::Add { name, inode })?;
            }
        }
        Ok(())
    }

    /// Takes a file into the records as it is, before its first change by this process.
    fn adopt(&mut self, path: &Path, inode: u64) -> io::Result<()> {
        self.hold(path, inode)?;
        let bytes = self.bytes(inode);
        let mut unsynced = Vec::new();
        if bytes.exists() {
            // An earlier process wrote and did not sync, nobody knows where.
            unsynced.push(0..u64::MAX);
        } else {
            let part = bytes.with_extension("part");
            fs::copy(path, &part)?;
            fs::rename(part, bytes)?;
        }
        self.files.insert(inode, Tracked { name: name_of(path), unsynced });
        Ok(())
    }

    /// The error of a write that is to fail.
    pub fn refuse_write(&mut self, fd: c_int, bytes: usize) -> Option<c_int> {
        let metadata = sys::borrow(fd).metadata().ok()?;
        match self.files.get(&metadata.ino()).map(|file| file.name.clone()) {
            Some(name) => {
                let failed_before = self.plan.failed;
                let refusal = self.plan.on_write(&name, bytes);
                if failed_before || refusal.is_some() {
                    self.tell("write", &name);
                }
                refusal
            }
            None => {
                if self.plan.failed && metadata.is_file() {
                    self.tell("write", &path_of(fd).map(|path| name_of(&path)).unwrap_or_default());
                }
                None
            }
        }
    }

    /// Bytes of a file were changed.
    pub fn changed(&mut self, fd: c_int, range: Range<u64>) {
        let inode = sys::borrow(fd).metadata().map_or(0, |metadata| metadata.ino());
        let Some(file) = self.files.get_mut(&inode) else { return };
        match file.unsynced.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => file.unsynced.push(range),
        }
    }

    /// Bytes were written where the descriptor stood.
    pub fn written_before_position(&mut self, fd: c_int, bytes: u64) {
        use std::io::Seek as _;
        if self.is_tracked(fd)
            && let Ok(end) = (&*sys::borrow(fd)).stream_position()
        {
            self.changed(fd, end.saturating_sub(bytes)..end);
        }
    }

    /// Whether the file of a descriptor is known.
    pub fn is_tracked(&self, fd: c_int) -> bool {
        let metadata = sys::borrow(fd).metadata();
        metadata.is_ok_and(|metadata| self.files.contains_key(&metadata.ino()))
    }

    /// A sync of a file or a directory: none if it is not of this disk, else the error number or 0.
    pub fn sync(&mut self, fd: c_int) -> io::Result<Option<c_int>> {
        let metadata = sys::borrow(fd).metadata()?;
        let directory = if metadata.is_dir() {
            path_of(fd).filter(|path| self.has(path))
        } else if self.files.contains_key(&metadata.ino()) {
            None
        } else {
            return Ok(None);
        };
        let name = match &directory {
            Some(path) => name_of(path),
            None => match self.files.get(&metadata.ino()) {
                Some(file) => file.name.clone(),
                None => return Ok(None),
            },
        };
        if self.plan.failed {
            self.tell("sync", &name);
        }
        let verdict = self.plan.on_sync(&name);
        match verdict {
            Verdict::Die => sys::kill_self(),
            Verdict::Pretend => return Ok(Some(0)),
            Verdict::Fail(errno) => {
                self.tell("sync", &name);
                // The pages count as clean from now on, and are lost: a second sync would succeed.
                if let Some(file) = self.files.get_mut(&metadata.ino()) {
                    file.unsynced.clear();
                }
                return Ok(Some(errno));
            }
            Verdict::Do | Verdict::DoAndDie => {}
        }
        match &directory {
            Some(path) => self.record_names(path)?,
            None => self.record_bytes(metadata.ino())?,
        }
        if matches!(verdict, Verdict::DoAndDie) {
            sys::kill_self();
        }
        Ok(Some(0))
    }

    /// How long a sync takes, to be waited for when the disk is not locked.
    pub fn sync_takes(&self) -> Duration {
        self.plan.sync_takes()
    }

    /// To be called before a name is removed or replaced.
    pub fn before_unlink(&mut self, path: &Path) -> io::Result<()> {
        self.record_directory_of(path)?;
        match fs::symlink_metadata(path) {
            Ok(metadata) if metadata.is_file() => self.hold(path, metadata.ino()),
            _ => Ok(()),
        }
    }

    /// A name is gone.
    pub fn unlinked(&mut self, path: &Path) -> io::Result<()> {
        self.log(path, &Line::Remove { name: name_of(path) })
    }

    /// A name leads to a file now, or to a directory (inode 0).
    pub fn linked(&mut self, path: &Path, inode: u64) -> io::Result<()> {
        self.log(path, &Line::Add { name: name_of(path), inode })
    }

    /// A directory was made; nothing in it is durable.
    pub fn made_directory(&mut self, path: &Path) -> io::Result<()> {
        fs::write(self.record(path), Line::Synced.encode())?;
        self.linked(path, 0)
    }

    /// A file got another name.
    pub fn renamed(&mut self, from: &Path, to: &Path, inode: u64) -> io::Result<()> {
        if from.parent() != to.parent() {
            self.unlinked(from)?;
            return self.linked(to, inode);
        }
        if let Some(file) = self.files.get_mut(&inode) {
            file.name = name_of(to);
        }
        self.log(to, &Line::Rename { from: name_of(from), to: name_of(to), inode })
    }

    /// Writes down the names of a directory, before the first change to them.
    fn record_directory_of(&mut self, path: &Path) -> io::Result<()> {
        let directory = path.parent().unwrap_or(path);
        if self.record(directory).exists() { Ok(()) } else { self.record_names(directory) }
    }

    /// Writes down the names of a directory as durable.
    fn record_names(&mut self, directory: &Path) -> io::Result<()> {
        let mut text = String::new();
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let kind = entry.file_type()?;
            if kind.is_file() {
                self.hold(&entry.path(), entry.ino())?;
                text += &Line::Add { name, inode: entry.ino() }.encode();
            } else if kind.is_dir() {
                text += &Line::Add { name, inode: 0 }.encode();
            }
        }
        text += &Line::Synced.encode();
        let record = self.record(directory);
        let part = record.with_extension("part");
        fs::write(&part, text)?;
        fs::rename(part, record)
    }

    /// Writes down the content of a file as durable, where it was changed.
    fn record_bytes(&mut self, inode: u64) -> io::Result<()> {
        let from = File::open(self.plan.records.join("held").join(inode.to_string()))?;
        let to = OpenOptions::new().write(true).open(self.bytes(inode))?;
        let length = from.metadata()?.len();
        let ranges = self.files.get_mut(&inode).map(|file| std::mem::take(&mut file.unsynced));
        let mut buffer = vec![0; 64 * 1024];
        for range in ranges.unwrap_or_default() {
            let (mut at, end) = (range.start, range.end.min(length));
            while at < end {
                let most =
                    usize::try_from(end - at).map_or(buffer.len(), |rest| rest.min(buffer.len()));
                let count = from.read_at(&mut buffer[..most], at)?;
                if count == 0 {
                    break;
                }
                to.write_all_at(&buffer[..count], at)?;
                at += count as u64;
            }
        }
        to.set_len(length)
    }

    /// Keeps a file, whatever happens to its name.
    fn hold(&mut self, path: &Path, inode: u64) -> io::Result<()> {
        if !self.held.insert(inode) {
            return Ok(());
        }
        match fs::hard_link(path, self.plan.records.join("held").join(inode.to_string())) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            // It was removed since it was listed.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    fn bytes(&self, inode: u64) -> PathBuf {
        self.plan.records.join("bytes").join(inode.to_string())
    }

    fn record(&self, directory: &Path) -> PathBuf {
        let below = directory.strip_prefix(&self.plan.root).unwrap_or(directory);
        self.plan.records.join(record_name(&below.to_string_lossy()))
    }

    /// Appends to the record of the directory that holds a path.
    fn log(&self, path: &Path, line: &Line) -> io::Result<()> {
        let record = self.record(path.parent().unwrap_or(path));
        let mut file = OpenOptions::new().append(true).open(record)?;
        file.write_all(line.encode().as_bytes())
    }

    /// Writes down that a call failed, or what the process does after it.
    fn tell(&self, call: &str, name: &str) {
        let path = self.plan.records.join("failed");
        let file = OpenOptions::new().create(true).append(true).open(path);
        let told = file.and_then(|mut file| file.write_all(format!("{call} {name}\n").as_bytes()));
        told.expect("the records can be written");
    }
}

/// The path that a descriptor was opened at.
fn path_of(fd: c_int) -> Option<PathBuf> {
    fs::read_link(format!("/proc/self/fd/{fd}")).ok()
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
