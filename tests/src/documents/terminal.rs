//! A reader's terminal: one shell, an empty home, the program on the path.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;

use super::{Step, missing};

/// How long a command may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long one may take that builds everything first.
const BUILDING: Duration = Duration::from_secs(3600);
/// How often what a command printed is looked at again.
const POLL: Duration = Duration::from_millis(100);
/// Ends the output of a command; its exit code follows.
const MARK: &str = "@@ done";
/// Commands that stay, which a reader gives a terminal of their own.
const STAY: [&str; 4] = ["scripts/devnet", "logothete devnet up", "logothete run", "curl -sN"];
/// Questions whose answer follows the network: a reader asks again until it has come round.
const ASK: [&str; 6] = [
    "logothete why",
    "logothete status",
    "logothete devnet status",
    "logothete validators",
    "logothete consensus",
    "curl",
];

/// A shell that runs the commands of a document. What it started ends with it.
pub struct Terminal {
    scratch: TempDir,
    shell: Child,
    input: ChildStdin,
    output: Receiver<String>,
    program: PathBuf,
    builds: bool,
    staying: usize,
}

impl Terminal {
    /// Opens a shell in an empty directory. `program` is the built `logothete`; where a document says
    /// `scripts/devnet`, that which it ends in is run.
    ///
    /// # Errors
    /// When there is no shell.
    pub fn open(program: &Path) -> anyhow::Result<Self> {
        Self::start(tempfile::tempdir()?, program.to_owned(), false)
    }

    /// Opens a shell in a fresh clone of a repository, where `scripts/devnet` has everything to build.
    ///
    /// # Errors
    /// When it cannot be cloned, or there is no shell.
    pub fn open_clone(repository: &Path) -> anyhow::Result<Self> {
        let scratch = tempfile::tempdir()?;
        let clone = scratch.path().join("work");
        let done = Command::new("git").arg("clone").arg("-q").arg(repository).arg(&clone).status();
        ensure!(
            done.context("git is missing")?.success(),
            "{} is not cloned",
            repository.display()
        );
        let program = clone.join("target/release/logothete");
        Self::start(scratch, program, true)
    }

    fn start(scratch: TempDir, program: PathBuf, builds: bool) -> anyhow::Result<Self> {
        let home = scratch.path().join("home");
        let work = scratch.path().join("work");
        let bin = scratch.path().join("bin");
        for directory in [&home, &work, &bin] {
            fs::create_dir_all(directory)?;
        }
        std::os::unix::fs::symlink(&program, bin.join("logothete"))?;
        let path = std::env::var("PATH")?;
        let of_cargo = ["CARGO_HOME", "RUSTUP_HOME"].map(|name| (name, tool_home(name)));
        let mut shell = Command::new("bash")
            .args(["-c", "exec 2>&1; exec bash --norc"])
            .current_dir(work)
            .env("HOME", &home)
            .env("PATH", format!("{}:{path}", bin.display()))
            .envs(of_cargo)
            .env_remove("CARGO_TARGET_DIR")
            .env_remove("XDG_STATE_HOME")
            .env_remove("XDG_DATA_HOME")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .context("bash is missing")?;
        let input = shell.stdin.take().context("the input is a pipe")?;
        let lines = BufReader::new(shell.stdout.take().context("the output is a pipe")?).lines();
        let (sender, output) = channel();
        // Ends with the shell, whose output it reads.
        thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Ok(Self { scratch, shell, input, output, program, builds, staying: 0 })
    }

    /// Runs a command and gives what it printed.
    ///
    /// # Errors
    /// When it fails, takes too long, or prints something else than the document shows.
    pub fn run(&mut self, step: &Step) -> anyhow::Result<String> {
        let Step { line, command, shown } = step;
        let command = if self.builds {
            command.clone()
        } else {
            command.replacen("scripts/devnet", "logothete devnet", 1)
        };
        let is = |words: &[&str]| words.iter().any(|word| step.command.starts_with(word));
        let detached = command.contains("--detach");
        let bare = command.split('#').next().unwrap_or("").trim() == "logothete devnet";
        let done = if (is(&STAY) || bare) && !detached {
            self.leave_running(&command, shown)
        } else if is(&ASK) {
            self.ask_until(&command, shown)
        } else {
            self.call(&command).and_then(|printed| shows(shown, printed))
        };
        done.with_context(|| format!("line {line}: {}", step.command))
    }

    /// Runs a command to its end.
    fn call(&mut self, command: &str) -> anyhow::Result<String> {
        let (code, printed) = self.type_in(&format!("{{ {command}\n}} </dev/null"))?;
        ensure!(code == "0", "exit code {code}, and it printed:\n{printed}");
        Ok(printed)
    }

    fn ask_until(&mut self, command: &str, shown: &[String]) -> anyhow::Result<String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = self.call(command).and_then(|printed| shows(shown, printed));
            if answer.is_ok() || Instant::now() > deadline {
                return answer;
            }
            thread::sleep(POLL);
        }
    }

    /// Starts a command that stays, and waits until it has printed what is shown.
    fn leave_running(&mut self, command: &str, shown: &[String]) -> anyhow::Result<String> {
        self.staying += 1;
        let file = self.scratch.path().join(format!("staying{}", self.staying));
        File::create(&file)?;
        let line = format!("{{ {command}\n}} </dev/null >'{}' 2>&1 &", file.display());
        self.type_in(&line)?;
        let deadline = Instant::now() + if self.builds { BUILDING } else { PATIENCE };
        loop {
            let printed = shows(shown, fs::read_to_string(&file)?);
            if printed.is_ok() || Instant::now() > deadline {
                return printed;
            }
            thread::sleep(POLL);
        }
    }

    /// Gives the shell a line, and reads until it has done it.
    fn type_in(&mut self, line: &str) -> anyhow::Result<(String, String)> {
        writeln!(self.input, "{line}\nprintf '\\n{MARK} %d\\n' $?")?;
        self.input.flush()?;
        let deadline = Instant::now() + PATIENCE;
        let mut printed = String::new();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.output.recv_timeout(left) {
                Ok(line) => match line.strip_prefix(MARK) {
                    Some(code) => return Ok((code.trim().to_owned(), printed)),
                    None => printed = printed + &line + "\n",
                },
                Err(RecvTimeoutError::Timeout) => bail!("not done in {PATIENCE:?}:\n{printed}"),
                Err(RecvTimeoutError::Disconnected) => bail!("the shell ended:\n{printed}"),
            }
        }
    }
}

/// Where cargo and rustup keep their things, which the empty home does not have.
fn tool_home(name: &str) -> PathBuf {
    let usual = || {
        let directory = if name == "CARGO_HOME" { ".cargo" } else { ".rustup" };
        std::env::home_dir().unwrap_or_default().join(directory)
    };
    std::env::var_os(name).map_or_else(usual, PathBuf::from)
}

fn shows(shown: &[String], printed: String) -> anyhow::Result<String> {
    match missing(shown, &printed) {
        None => Ok(printed),
        Some(line) => bail!("the document shows\n{line}\nbut it printed\n{printed}"),
    }
}

impl Drop for Terminal {
    /// A devnet's nodes are no children of the shell: they are told to stop.
    fn drop(&mut self) {
        let home = self.scratch.path().join("home");
        let down = Command::new(&self.program)
            .args(["devnet", "down", "--remove"])
            .env("HOME", home)
            .env_remove("XDG_STATE_HOME")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        // Without a devnet it fails, and nothing else can be done about it here.
        let _ = down;
        if let Some(group) = i32::try_from(self.shell.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.shell.wait();
    }
}
