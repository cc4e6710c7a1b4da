//! When the newest backups were made: kept in the data directory, because a restart must not forget it.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use logothete_genesis::files;
use logothete_primitives::{ChainId, TimestampMs};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tracing::warn;

use crate::backup;

/// No record is longer.
const BYTES_MAX: u64 = 4 * 1024;

/// When the newest backups were made, as far as a node knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Newest {
    /// The newest that the node made; none before the first.
    pub made_ms: Option<TimestampMs>,
    /// The newest of its chain that was verified, as its manifest says; none before the first.
    pub verified_ms: Option<TimestampMs>,
}

/// Why a backup is not remembered, or only until the node ends.
#[derive(Debug, Error)]
pub enum RecordError {
    /// The backup is of another chain.
    #[error("the backup is of chain {found}, this node of chain {expected}")]
    ForeignChain {
        /// The chain of the node.
        expected: ChainId,
        /// The chain of the backup.
        found: ChainId,
    },
    /// The record cannot be written.
    #[error("{}: {source}", path.display())]
    Unwritten {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// The record of a running node; nobody else writes the file.
#[derive(Debug)]
pub struct BackupRecord {
    path: PathBuf,
    chain: ChainId,
    newest: Mutex<Newest>,
}

impl BackupRecord {
    /// The record in a file. One that cannot be read or is damaged is logged and taken for none: no node stops for figures.
    pub fn open(path: PathBuf, chain: ChainId) -> Self {
        let newest = read(&path).unwrap_or_else(|error| {
            if error.kind() != io::ErrorKind::NotFound {
                warn!(event = "backup.record.unreadable", path = %path.display(), %error);
            }
            Newest::default()
        });
        Self { path, chain, newest: Mutex::new(newest) }
    }

    /// What is known.
    pub fn newest(&self) -> Newest {
        *self.lock()
    }

    /// Remembers a backup that the node made.
    ///
    /// # Errors
    /// When the record cannot be written: then it is known only until the node ends.
    pub fn made(&self, created: TimestampMs) -> Result<(), RecordError> {
        self.change(|newest| newest.made_ms = Some(newer(newest.made_ms, created)))
    }

    /// Remembers that a backup of a chain was verified, by when it was made.
    ///
    /// # Errors
    /// When it is not our chain; when the record cannot be written: then it is known only until the node ends.
    pub fn verified(&self, chain: ChainId, created: TimestampMs) -> Result<(), RecordError> {
        if chain != self.chain {
            return Err(RecordError::ForeignChain { expected: self.chain, found: chain });
        }
        self.change(|newest| newest.verified_ms = Some(newer(newest.verified_ms, created)))
    }

    fn change(&self, change: impl FnOnce(&mut Newest)) -> Result<(), RecordError> {
        let mut newest = self.lock();
        change(&mut newest);
        // Under the lock, so that the file gets the newest last.
        let written = serde_json::to_vec(&*newest).map_err(io::Error::from);
        written
            .and_then(|text| files::replace(&self.path, &text, files::PUBLIC))
            .map_err(|source| RecordError::Unwritten { path: self.path.clone(), source })
    }

    fn lock(&self) -> MutexGuard<'_, Newest> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(path: &Path) -> io::Result<Newest> {
    let mut text = Vec::new();
    File::open(path)?.take(BYTES_MAX).read_to_end(&mut text)?;
    Ok(serde_json::from_slice(&text)?)
}

/// The newer of what is known and what is told. What is known does not count if it is not yet: a clock was wrong, and every
/// later backup would seem old until then.
fn newer(known: Option<TimestampMs>, told: TimestampMs) -> TimestampMs {
    let now = backup::now();
    known.filter(|known| *known <= now).map_or(told, |known| known.max(told))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use logothete_primitives::Digest;

    use super::*;

    fn chain(number: u8) -> ChainId {
        ChainId::new(Digest::new([number; 32]))
    }

    fn ms(number: u64) -> TimestampMs {
        TimestampMs::new(number)
    }

    /// A record in a directory, and what it knows after a restart.
    struct Place(tempfile::TempDir);

    impl Place {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn path(&self) -> PathBuf {
            self.0.path().join("backups.json")
        }

        fn open(&self) -> BackupRecord {
            BackupRecord::open(self.path(), chain(1))
        }
    }

    #[test]
    fn what_is_known_outlives_the_node() {
        let place = Place::new();
        let record = place.open();
        assert_eq!(record.newest(), Newest::default());
        record.made(ms(9)).unwrap();
        record.verified(chain(1), ms(7)).unwrap();
        let known = Newest { made_ms: Some(ms(9)), verified_ms: Some(ms(7)) };
        assert_eq!(record.newest(), known);
        assert_eq!(place.open().newest(), known);
        let files = std::fs::read_dir(place.0.path()).unwrap().count();
        assert_eq!(files, 1, "nothing stays beside it");
    }

    #[test]
    fn an_older_backup_moves_nothing_back() {
        let place = Place::new();
        let record = place.open();
        for created in [7, 5, 8, 6] {
            record.verified(chain(1), ms(created)).unwrap();
            record.made(ms(created)).unwrap();
        }
        let known = Newest { made_ms: Some(ms(8)), verified_ms: Some(ms(8)) };
        assert_eq!(record.newest(), known);
        assert_eq!(place.open().newest(), known);
    }

    #[test]
    fn a_time_that_has_not_come_yet_keeps_out_no_later_backup() {
        let place = Place::new();
        let record = place.open();
        record.verified(chain(1), TimestampMs::MAX).unwrap();
        record.verified(chain(1), ms(5)).unwrap();
        assert_eq!(record.newest().verified_ms, Some(ms(5)));
    }

    #[test]
    fn a_damaged_record_counts_as_none_and_is_replaced() {
        let long = [&b"{\"made_ms\":\"1\""[..], &[b' '; 5_000], b"}"].concat();
        let damaged: [&[u8]; 6] =
            [b"", b"{\"made_ms\":\"1\"", b"{\"made_ms\":1}", b"{\"other\":1}", b"\0\xff", &long];
        for text in damaged {
            let place = Place::new();
            std::fs::write(place.path(), text).unwrap();
            let record = place.open();
            assert_eq!(record.newest(), Newest::default());
            record.made(ms(3)).unwrap();
            assert_eq!(place.open().newest().made_ms, Some(ms(3)));
        }
    }

    #[test]
    fn a_backup_of_another_chain_is_refused() {
        let place = Place::new();
        let record = place.open();
        let refused = record.verified(chain(2), ms(7)).unwrap_err();
        assert!(
            matches!(refused, RecordError::ForeignChain { expected, found }
                if (expected, found) == (chain(1), chain(2))),
            "{refused}"
        );
        assert_eq!(record.newest(), Newest::default());
        assert!(!place.path().exists());
    }

    #[test]
    fn what_cannot_be_written_is_known_until_the_end() {
        let place = Place::new();
        let record = BackupRecord::open(place.0.path().join("missing/backups.json"), chain(1));
        assert!(matches!(record.made(ms(4)), Err(RecordError::Unwritten { .. })));
        assert_eq!(record.newest().made_ms, Some(ms(4)));
    }
}
