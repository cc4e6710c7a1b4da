//! Processes of a devnet: started so that they outlive the command that starts them, and named by
//! pid and start time, so that a pid the system gave to somebody else is never signalled.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};
use serde::{Deserialize, Serialize};

/// A log longer than this is set aside when its process starts again.
const LOG_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// Clock ticks in a second, as `/proc` counts them; fixed on Linux.
const TICKS_PER_SECOND: u64 = 100;

/// A process that was started once.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Process {
    /// Its number, which the system may give away again.
    pub pid: u32,
    /// Its start in ticks since boot, which tells two bearers of one number apart.
    pub started: u64,
}

/// What `/proc/PID/stat` says about a process.
struct Stat {
    zombie: bool,
    started: u64,
    cpu: Duration,
}

impl Process {
    /// Starts `program` with its output appended to `log`, in a process group of its own: neither the
    /// end of this command nor an interrupt from the terminal reaches it.
    ///
    /// # Errors
    /// The program or the log cannot be opened.
    pub fn spawn(program: &Path, arguments: &[&str], log: &Path) -> io::Result<Self> {
        let log = open_log(log)?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0);
        // What a devnet's node does is in its files; variables meant for this command must not leak into it.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("LOGOTHETE_") {
                command.env_remove(name);
            }
        }
        let mut child = command.spawn()?;
        let pid = child.id();
        let started = stat(pid).map_or(0, |stat| stat.started);
        // A child that ends while this command lives must be waited for, or its number stays taken.
        std::thread::spawn(move || child.wait());
        Ok(Self { pid, started })
    }

    /// The process that bears a number now.
    #[must_use]
    pub fn find(pid: u32) -> Option<Self> {
        stat(pid).map(|stat| Self { pid, started: stat.started })
    }

    /// Whether it runs.
    #[must_use]
    pub fn is_alive(self) -> bool {
        stat(self.pid).is_some_and(|stat| stat.started == self.started && !stat.zombie)
    }

    /// CPU time used so far by all its threads; none if it does not run.
    #[must_use]
    pub fn cpu(self) -> Option<Duration> {
        stat(self.pid).filter(|stat| stat.started == self.started).map(|stat| stat.cpu)
    }

    /// CPU time of its threads that live, each with its name. Several may have the same one.
    #[must_use]
    pub fn threads(self) -> Vec<(String, Duration)> {
        let Ok(entries) = std::fs::read_dir(format!("/proc/{}/task", self.pid)) else {
            return Vec::new();
        };
        let thread = |entry: io::Result<std::fs::DirEntry>| {
            let path = entry.ok()?.path();
            let name = std::fs::read_to_string(path.join("comm")).ok()?;
            Some((name.trim_end().to_owned(), read_stat(&path)?.cpu))
        };
        entries.filter_map(thread).collect()
    }

    /// Bytes that it has had written to disks so far.
    #[must_use]
    pub fn written_bytes(self) -> Option<u64> {
        field(self.pid, "io", "write_bytes:")
    }

    /// Bytes of memory that it holds.
    #[must_use]
    pub fn resident_bytes(self) -> Option<u64> {
        resident_bytes(self.pid)
    }

    /// Stops it at once, as a power failure would (SIGKILL), and waits for its end.
    pub fn kill(self) {
        self.signal(Signal::KILL);
        self.wait(Duration::from_secs(10));
    }

    /// Asks it to stop (SIGTERM) and waits; true if it ended in time.
    #[must_use]
    pub fn terminate(self, patience: Duration) -> bool {
        self.signal(Signal::TERM);
        self.wait(patience)
    }

    /// Asks it to stop without waiting.
    pub fn ask_to_stop(self) {
        self.signal(Signal::TERM);
    }

    /// Waits for its end; true if it ended in time.
    #[must_use]
    pub fn ended_within(self, patience: Duration) -> bool {
        self.wait(patience)
    }

    fn wait(self, patience: Duration) -> bool {
        let start = Instant::now();
        while self.is_alive() {
            if start.elapsed() > patience {
                return false;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        true
    }

    fn signal(self, signal: Signal) {
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid.filter(|_| self.is_alive()) {
            // It may have ended since; then there is nothing to do.
            let _ = rustix::process::kill_process(pid, signal);
        }
    }
}

/// CPU time of this process so far.
#[must_use]
pub fn own_cpu() -> Duration {
    stat(std::process::id()).map_or(Duration::ZERO, |stat| stat.cpu)
}

/// Bytes of memory that this process holds.
#[must_use]
pub fn own_resident_bytes() -> Option<u64> {
    resident_bytes(std::process::id())
}

/// The last lines of a file, for an error that must show them.
#[must_use]
pub fn last_lines(path: &Path, count: usize) -> String {
    let text = std::fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines.get(lines.len().saturating_sub(count)..).unwrap_or_default().join("\n")
}

fn open_log(path: &Path) -> io::Result<File> {
    if std::fs::metadata(path).is_ok_and(|metadata| metadata.len() > LOG_BYTES_MAX) {
        std::fs::rename(path, path.with_extension("log.old"))?;
    }
    OpenOptions::new().create(true).append(true).open(path)
}

fn resident_bytes(pid: u32) -> Option<u64> {
    field(pid, "status", "VmRSS:").map(|kib| kib.saturating_mul(1_024))
}

/// The number behind a name in a file of a process under `/proc`.
fn field(pid: u32, file: &str, name: &str) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/{file}")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

fn stat(pid: u32) -> Option<Stat> {
    read_stat(Path::new(&format!("/proc/{pid}")))
}

/// Of a process or of one of its threads.
fn read_stat(directory: &Path) -> Option<Stat> {
    let text = std::fs::read_to_string(directory.join("stat")).ok()?;
    // The name in parentheses may hold anything, parentheses too: the fields begin after the last one.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
    let ticks = number(11)?.checked_add(number(12)?)?;
    // A process whose first thread has ended holds its files and ports until the last one has.
    let threads = number(17)?;
    Some(Stat {
        zombie: matches!(*fields.first()?, "Z" | "X") && threads <= 1,
        started: number(19)?,
        cpu: Duration::from_millis(ticks.saturating_mul(1000) / TICKS_PER_SECOND),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_process_is_known_by_its_start_too() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        let process =
            Process::spawn(Path::new("/bin/sh"), &["-c", "echo here; exec sleep 60"], &log)
                .unwrap();
        assert!(process.is_alive());
        while last_lines(&log, 5).is_empty() && process.is_alive() {
            std::thread::yield_now();
        }
        let impostor = Process { started: process.started + 1, ..process };
        assert!(!impostor.is_alive());
        impostor.kill();
        assert!(process.is_alive(), "a process with another start is not signalled");
        process.kill();
        assert!(!process.is_alive());
        assert_eq!(last_lines(&log, 5), "here");
    }

    #[test]
    fn cpu_time_of_this_process_is_read() {
        assert!(stat(std::process::id()).is_some());
    }

    #[test]
    fn what_this_process_uses_is_read() {
        let this = Process::find(std::process::id()).unwrap();
        let named = std::thread::Builder::new().name("a-thread".into());
        let (end, ended) = std::sync::mpsc::channel::<()>();
        let running = named.spawn(move || ended.recv()).unwrap();
        while !this.threads().iter().any(|(name, _)| name == "a-thread") {
            std::thread::yield_now();
        }
        drop(end);
        assert!(running.join().unwrap().is_err(), "it waited to the end");
        assert!(this.resident_bytes().unwrap() > 100_000);
        assert!(this.written_bytes().is_some());
    }
}
