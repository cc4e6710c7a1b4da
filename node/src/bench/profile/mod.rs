//! Where the time of running processes goes: `perf` samples them, the samples become a flame graph.
//!
//! [`stacks`] reads what `perf script` prints and adds equal stacks up, [`picture`] draws them.

pub mod picture;
pub mod stacks;

use std::path::{Path, PathBuf};
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use self::stacks::Stacks;
use crate::cli::output::Failure;

/// Samples a second and core; no divisor of what timers in the nodes use, so as not to keep step with them.
const SAMPLES_PER_SECOND: &str = "199";
/// How stacks are found: the nodes have no frame pointers, so a piece of each stack is unwound later. Deeper ones are cut.
const CALL_GRAPH: &str = "dwarf,16384";
/// Bytes of what `perf` says that are shown when it fails.
const SHOWN_BYTES: usize = 600;

/// The sampling program and where the picture goes.
#[derive(Clone, Debug)]
pub struct Profiler {
    perf: PathBuf,
    picture: PathBuf,
}

impl Profiler {
    /// Looks for the sampling program, and whether the picture can be written.
    ///
    /// # Errors
    /// `perf` is not installed, or the file cannot be made.
    pub fn find(picture: &Path) -> Result<Self, Failure> {
        let paths = std::env::var_os("PATH").unwrap_or_default();
        let programs = std::env::split_paths(&paths).map(|directory| directory.join("perf"));
        let Some(perf) = programs.into_iter().find(|program| program.is_file()) else {
            return Err(Failure::new("no_perf", "a profile needs the program perf")
                .with_hint("install it; on Debian: apt-get install linux-perf"));
        };
        std::fs::write(picture, "")?;
        Ok(Self { perf, picture: picture.to_path_buf() })
    }

    /// Begins to sample processes.
    ///
    /// # Errors
    /// `perf` cannot be started.
    pub fn begin(self, pids: &[u32]) -> Result<Recording, Failure> {
        if pids.is_empty() {
            return Err(Failure::usage("a profile needs nodes on this machine"));
        }
        let samples = self.picture.with_extension("perf.data");
        let pids: Vec<String> = pids.iter().map(u32::to_string).collect();
        let perf = Command::new(&self.perf)
            .args(["record", "--freq", SAMPLES_PER_SECOND, "--call-graph", CALL_GRAPH])
            .args(["--pid", &pids.join(","), "--output"])
            .arg(&samples)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        Ok(Recording { profiler: self, perf, samples })
    }
}

/// Samples are being taken.
#[derive(Debug)]
pub struct Recording {
    profiler: Profiler,
    perf: Child,
    samples: PathBuf,
}

impl Recording {
    /// Ends the sampling, if there is any.
    ///
    /// # Errors
    /// What `perf` says when it could not sample.
    pub async fn end(recording: Option<Self>) -> Result<Option<Recorded>, Failure> {
        match recording {
            Some(recording) => recording.stop().await.map(Some),
            None => Ok(None),
        }
    }

    async fn stop(self) -> Result<Recorded, Failure> {
        let pid = self.perf.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
        if let Some(pid) = pid {
            // It may have ended by itself; then what it says tells why.
            let _ = kill_process(pid, Signal::INT);
        }
        let output = self.perf.wait_with_output().await?;
        let recorded = Recorded { profiler: self.profiler, samples: self.samples };
        if recorded.samples.metadata().is_ok_and(|file| file.len() > 0) {
            return Ok(recorded);
        }
        Err(failed(&output.stderr)
            .with_hint("run as root, or allow it: sysctl kernel.perf_event_paranoid=1"))
    }
}

/// Samples on the disk; they go when they were drawn.
#[derive(Debug)]
pub struct Recorded {
    profiler: Profiler,
    samples: PathBuf,
}

impl Recorded {
    /// Draws the samples.
    ///
    /// # Errors
    /// `perf` cannot read them, there are none, or the picture cannot be written.
    pub async fn draw(self, title: &str) -> Result<(), Failure> {
        // Inlined functions are left out: looking them up takes minutes.
        let output = Command::new(&self.profiler.perf)
            .args(["script", "--no-inline", "--fields", "comm,ip,sym", "--input"])
            .arg(&self.samples)
            .stdin(Stdio::null())
            .output()
            .await?;
        let stacks = Stacks::read(&output.stdout[..])?;
        if stacks.total() == 0 {
            return Err(failed(&output.stderr));
        }
        std::fs::write(&self.profiler.picture, picture::svg(&stacks, title))?;
        Ok(())
    }
}

impl Drop for Recorded {
    fn drop(&mut self) {
        // A file that stays does no harm.
        let _ = std::fs::remove_file(&self.samples);
    }
}

fn failed(said: &[u8]) -> Failure {
    let text = String::from_utf8_lossy(&said[..said.len().min(SHOWN_BYTES)]).trim().to_owned();
    Failure::new("no_samples", format!("perf took no samples: {text}"))
}
