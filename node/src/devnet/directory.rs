//! The directory of a devnet and the file in it that tells every command where everything is.
//!
//! Default: `$XDG_STATE_HOME/logothete/devnet` (else `~/.local/state/logothete/devnet`), so that
//! `logothete tx send` finds the devnet from any working directory. `--dir` and
//! `LOGOTHETE_DEVNET_DIR` name another one. `--ephemeral` puts it under the system's temporary
//! directory and leaves a pointer beside the default, removed when the devnet ends.

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::process::Process;

/// Version of the state file.
const SCHEMA: u32 = 1;
const STATE_FILE: &str = "devnet.json";
const LOCK_FILE: &str = "devnet.lock";
/// Beside the default directory: the path of the ephemeral devnet that runs.
const POINTER_FILE: &str = "devnet.current";

/// A devnet on disk.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct State {
    /// Version of this file.
    pub schema: u32,
    /// Chain id, hexadecimal.
    pub chain_id: String,
    /// Name of the chain, such as `devnet-7f3a`.
    pub chain_name: String,
    /// What keys and accounts were derived from.
    pub seed: u64,
    /// The port that was asked for.
    pub base_port: u16,
    /// Whether the directory goes when the devnet ends.
    pub ephemeral: bool,
    /// The process of the fault proxies, if the network runs through them.
    pub proxy: Option<Process>,
    /// Whether links run through fault proxies.
    pub proxied: bool,
    /// Whether the devnet as a whole was stopped, in contrast to nodes that were killed.
    pub down: bool,
    /// The nodes, by index.
    pub nodes: Vec<Node>,
}

/// One node of a devnet.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Node {
    /// `v0`, `v1`, …
    pub name: String,
    /// Validator key, `lgtval1…`.
    pub key: String,
    /// Voting power.
    pub power: u64,
    /// Home directory: configuration, key, data, log.
    pub home: PathBuf,
    /// Where JSON-RPC listens.
    pub rpc: SocketAddr,
    /// Where peers are listened for.
    pub p2p: SocketAddr,
    /// Its process, if it was started and not stopped.
    pub process: Option<Process>,
    /// Its height when it was last stopped on purpose.
    pub stopped_at: Option<u64>,
}

impl Node {
    /// Whether its process runs.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.process.is_some_and(Process::is_alive)
    }

    /// Its JSON-RPC address for the client.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.rpc)
    }

    /// Its log.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.home.join("node.log")
    }

    /// Its data directory: what a wipe removes.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.home.join("data")
    }
}

impl State {
    /// A state of the current version without processes.
    #[must_use]
    pub fn new(chain_id: String, chain_name: String, seed: u64, nodes: Vec<Node>) -> Self {
        Self {
            schema: SCHEMA,
            chain_id,
            chain_name,
            seed,
            base_port: 0,
            ephemeral: false,
            proxy: None,
            proxied: false,
            down: true,
            nodes,
        }
    }

    /// Whether any of its processes runs.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.nodes.iter().any(Node::is_alive)
    }

    /// The sum of all powers.
    #[must_use]
    pub fn total_power(&self) -> u64 {
        self.nodes.iter().map(|node| node.power).sum()
    }

    /// The power a certificate needs.
    #[must_use]
    pub fn quorum(&self) -> u64 {
        self.total_power() * 2 / 3 + 1
    }

    /// The power of the nodes whose processes run.
    #[must_use]
    pub fn alive_power(&self) -> u64 {
        self.nodes.iter().filter(|node| node.is_alive()).map(|node| node.power).sum()
    }

    /// JSON-RPC addresses of the nodes that run.
    #[must_use]
    pub fn urls(&self) -> Vec<String> {
        self.nodes.iter().filter(|node| node.is_alive()).map(Node::url).collect()
    }
}

/// The directory of a devnet.
#[derive(Clone, Debug)]
pub struct Directory {
    path: PathBuf,
}

/// Holds the right to change a devnet until dropped.
#[derive(Debug)]
pub struct Lock(#[allow(dead_code, reason = "the lock is the open file")] File);

impl Directory {
    /// A directory by path.
    #[must_use]
    pub fn at(path: PathBuf) -> Self {
        Self { path: std::path::absolute(&path).unwrap_or(path) }
    }

    /// The default place.
    #[must_use]
    pub fn default_place() -> Self {
        Self::at(state_home().join("devnet"))
    }

    /// Where a command looks: the given directory, else the ephemeral devnet that runs, else the default.
    #[must_use]
    pub fn locate(given: Option<PathBuf>) -> Self {
        if let Some(path) = given {
            return Self::at(path);
        }
        match std::fs::read_to_string(state_home().join(POINTER_FILE)) {
            Ok(path) if Path::new(path.trim()).join(STATE_FILE).is_file() => {
                Self::at(path.trim().into())
            }
            _ => Self::default_place(),
        }
    }

    /// A new directory under the system's temporary one, pointed at until [`Directory::forget`].
    ///
    /// # Errors
    /// It cannot be made.
    pub fn ephemeral() -> io::Result<Self> {
        let mut unique = [0; 6];
        getrandom::fill(&mut unique).map_err(io::Error::other)?;
        let path = std::env::temp_dir().join(format!("logothete-devnet-{}", hex::encode(unique)));
        std::fs::create_dir_all(&path)?;
        std::fs::create_dir_all(state_home())?;
        std::fs::write(state_home().join(POINTER_FILE), path.display().to_string())?;
        Ok(Self { path })
    }

    /// The path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The chain file.
    #[must_use]
    pub fn genesis(&self) -> PathBuf {
        self.path.join("genesis.toml")
    }

    /// The control socket of the fault proxies.
    #[must_use]
    pub fn proxy_socket(&self) -> PathBuf {
        self.path.join("faults.sock")
    }

    /// The ports of the fault proxies.
    #[must_use]
    pub fn proxy_ports(&self) -> PathBuf {
        self.path.join("proxy.json")
    }

    /// Reads the state; none if there is no devnet here.
    ///
    /// # Errors
    /// The file is unreadable, not ours or of a newer version.
    pub fn load(&self) -> io::Result<Option<State>> {
        let text = match std::fs::read_to_string(self.path.join(STATE_FILE)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            text => text?,
        };
        let state: State = serde_json::from_str(&text).map_err(io::Error::other)?;
        if state.schema > SCHEMA {
            return Err(io::Error::other(format!("devnet of a newer version ({})", state.schema)));
        }
        Ok(Some(state))
    }

    /// Writes the state, whole or not at all.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&self, state: &State) -> io::Result<()> {
        let text = serde_json::to_string_pretty(state).map_err(io::Error::other)?;
        let new = self.path.join("devnet.json.new");
        std::fs::write(&new, text)?;
        std::fs::rename(new, self.path.join(STATE_FILE))
    }

    /// Waits for the right to change the devnet.
    ///
    /// # Errors
    /// The lock file cannot be made.
    pub fn lock(&self) -> io::Result<Lock> {
        std::fs::create_dir_all(&self.path)?;
        let file = File::create(self.path.join(LOCK_FILE))?;
        file.lock()?;
        Ok(Lock(file))
    }

    /// Reads, changes and writes the state under the lock.
    ///
    /// # Errors
    /// There is no devnet here, or a file cannot be read or written.
    pub fn update<T>(&self, change: impl FnOnce(&mut State) -> T) -> io::Result<T> {
        let lock = self.lock()?;
        let mut state = self.load()?.ok_or_else(|| io::Error::other("there is no devnet here"))?;
        let result = change(&mut state);
        self.save(&state)?;
        drop(lock);
        Ok(result)
    }

    /// Removes everything in it. Refuses a directory that is not a devnet's.
    ///
    /// # Errors
    /// It holds something and no state file, or cannot be removed.
    pub fn remove(&self) -> io::Result<()> {
        if !self.path.exists() {
            return Ok(());
        }
        let foreign = |entry: &std::fs::DirEntry| entry.file_name() != LOCK_FILE;
        let holds_something = std::fs::read_dir(&self.path)?.flatten().any(|entry| foreign(&entry));
        if holds_something && !self.path.join(STATE_FILE).is_file() {
            let message =
                format!("{} is not a devnet's directory: not removed", self.path.display());
            return Err(io::Error::other(message));
        }
        std::fs::remove_dir_all(&self.path)
    }

    /// Removes the pointer to an ephemeral devnet, if it points here.
    pub fn forget(&self) {
        let pointer = state_home().join(POINTER_FILE);
        if std::fs::read_to_string(&pointer).is_ok_and(|path| Path::new(path.trim()) == self.path) {
            // A pointer that stays leads nowhere and is then ignored.
            let _ = std::fs::remove_file(pointer);
        }
    }
}

fn state_home() -> PathBuf {
    let absolute = |path: PathBuf| path.is_absolute().then_some(path);
    let given = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from).and_then(absolute);
    let home = std::env::home_dir().map(|home| home.join(".local/state"));
    given.or(home).unwrap_or_else(std::env::temp_dir).join("logothete")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn state(powers: &[u64]) -> State {
        let node = |(index, power): (usize, &u64)| Node {
            name: format!("v{index}"),
            key: String::new(),
            power: *power,
            home: PathBuf::new(),
            rpc: "127.0.0.1:1".parse().unwrap(),
            p2p: "127.0.0.1:2".parse().unwrap(),
            process: None,
            stopped_at: None,
        };
        State::new("00".into(), "devnet".into(), 7, powers.iter().enumerate().map(node).collect())
    }

    #[test]
    fn the_state_comes_back_as_it_was_saved() {
        let dir = tempfile::tempdir().unwrap();
        let directory = Directory::at(dir.path().join("net"));
        assert!(directory.load().unwrap().is_none());
        let lock = directory.lock().unwrap();
        directory.save(&state(&[1, 1, 1, 1])).unwrap();
        drop(lock);
        directory.update(|state| state.nodes[3].stopped_at = Some(9)).unwrap();
        let read = directory.load().unwrap().unwrap();
        assert_eq!(read.nodes[3].stopped_at, Some(9));
        assert_eq!((read.total_power(), read.quorum(), read.alive_power()), (4, 3, 0));
        directory.remove().unwrap();
        assert!(!directory.path().exists());
    }

    #[test]
    fn removes_only_what_is_a_devnet() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("thesis.tex"), "x").unwrap();
        assert!(Directory::at(dir.path().to_path_buf()).remove().is_err());
        assert!(dir.path().join("thesis.tex").exists());
    }

    #[test]
    fn a_state_of_a_newer_version_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let directory = Directory::at(dir.path().to_path_buf());
        directory.save(&State { schema: SCHEMA + 1, ..state(&[1]) }).unwrap();
        assert!(directory.load().is_err());
    }
}
