//! A devnet of real processes, as a user starts it.

#![allow(clippy::unwrap_used, dead_code, reason = "each test program uses what it needs")]

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

/// A devnet of its own, stopped and removed at the end, also of a failed test.
pub(crate) struct Devnet {
    pub(crate) home: tempfile::TempDir,
}

impl Devnet {
    pub(crate) fn up(flags: &[&str]) -> Self {
        let devnet = Self { home: tempfile::tempdir().unwrap() };
        let mut arguments = vec!["devnet", "up", "--base-port", "0", "--detach"];
        arguments.extend(flags);
        let output = devnet.run(&arguments);
        // The first line is the event that scripts wait for.
        let ready: Value = serde_json::from_str(output.lines().next().unwrap()).unwrap();
        assert_eq!(ready["event"], "ready");
        assert!(ready["explorer"].is_string());
        assert_eq!(ready["explorer"], ready["nodes"][0]["rpc"]);
        devnet
    }

    pub(crate) fn dir(&self) -> PathBuf {
        self.home.path().join("net")
    }

    /// Standard output of a command that must succeed.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        let (code, text) = self.attempt(arguments);
        assert_eq!(code, 0, "{arguments:?}: {text}");
        text
    }

    pub(crate) fn attempt(&self, arguments: &[&str]) -> (i32, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_logothete"))
            .args(arguments)
            .args(["--json", "--dir", self.dir().to_str().unwrap()])
            .env("HOME", self.home.path())
            .env_remove("XDG_STATE_HOME")
            .env_remove("XDG_DATA_HOME")
            .output()
            .unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    }

    /// The data of the envelope of a command that must succeed.
    pub(crate) fn data(&self, arguments: &[&str]) -> Value {
        let text = self.run(arguments);
        let envelope: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(envelope["success"], true, "{text}");
        envelope["data"].clone()
    }
}

impl Drop for Devnet {
    fn drop(&mut self) {
        self.attempt(&["devnet", "down", "--remove"]);
    }
}
