//! What whoever runs a node does when it ended by itself.

use logothete_ledger::store::StoreError;

use crate::chain::ChainError;
use crate::driver::DriverError;
use crate::executor::ExecuteError;
use crate::recover::RecoverError;
use crate::supervise::Failure;

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// The disk is full.
    MakeRoom,
    /// What is stored is damaged: the database goes, the copy of the safety marks stays, the peers have the rest (R10).
    Heal,
    /// The disk failed a call.
    LookAtDisk,
    /// None of the above.
    ReadLog,
}

impl Remedy {
    /// What helps against the error that ended a node.
    pub fn of(error: &anyhow::Error) -> Self {
        if let Some(failure) = error.downcast_ref() {
            return Self::of_failure(failure);
        }
        if let Some(error) = error.downcast_ref() {
            return Self::of_store(error);
        }
        match (
            error.downcast_ref::<ChainError>(),
            error.downcast_ref::<DriverError>(),
            error.downcast_ref::<ExecuteError>(),
            error.downcast_ref::<RecoverError>(),
        ) {
            (Some(error), ..)
            | (_, Some(DriverError::Chain(error)), ..)
            | (_, _, Some(ExecuteError::Chain(error)), _)
            | (_, _, _, Some(RecoverError::Chain(error))) => Self::of_chain(error),
            (.., Some(RecoverError::DamagedState { .. } | RecoverError::DisorderedState(_))) => {
                Self::Heal
            }
            _ => Self::ReadLog,
        }
    }

    /// What helps against the failure of a stage.
    pub fn of_failure(failure: &Failure) -> Self {
        match failure {
            Failure::Failed { reason, .. } => Self::of(reason),
            _ => Self::ReadLog,
        }
    }

    fn of_chain(error: &ChainError) -> Self {
        match error {
            ChainError::Store(error) => Self::of_store(error),
            ChainError::Damaged { .. }
            | ChainError::DamagedBatch { .. }
            | ChainError::Missing { .. } => Self::Heal,
        }
    }

    fn of_store(error: &StoreError) -> Self {
        match error {
            StoreError::NoSpace => Self::MakeRoom,
            error if error.is_corruption() => Self::Heal,
            error if error.is_disk_failure() => Self::LookAtDisk,
            _ => Self::ReadLog,
        }
    }

    /// The same in words.
    pub const fn text(self) -> &'static str {
        match self {
            Self::MakeRoom => {
                "make room on the disk of paths.data, then start the node again; it said nothing that is not on the disk"
            }
            Self::Heal => {
                "the disk gives back something else than was written: replace it if it does so again. Remove `db` from the \
                 data directory, leave `marks`, and start the node again: it heals from its peers and votes once that is safe"
            }
            Self::LookAtDisk => {
                "the node said nothing after this, and did not try again: what a disk failed to write may be lost although \
                 a second try succeeds. Look at the disk (dmesg, smartctl), then start the node again; it looks what is there"
            }
            Self::ReadLog => {
                "the log lines before this one say more; `logothete config show` says what was configured"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use logothete_primitives::{Digest, Height, StateRoot};

    use super::*;

    #[test]
    fn a_full_disk_is_found_behind_the_stage_that_it_stopped() {
        let of_driver = DriverError::from(StoreError::NoSpace);
        let failure = Failure::Failed { stage: "driver", reason: of_driver.into() };
        assert_eq!(Remedy::of(&failure.into()), Remedy::MakeRoom);
        let at_start = anyhow::Error::from(RecoverError::from(StoreError::NoSpace));
        assert_eq!(Remedy::of(&at_start.context("starting")), Remedy::MakeRoom);
        assert_eq!(Remedy::of(&anyhow::anyhow!("no key")), Remedy::ReadLog);
    }

    #[test]
    fn damage_of_any_record_is_healed_from_the_peers() {
        let height = Height::new(7);
        let (found, expected) =
            (StateRoot::new(Digest::ZERO), StateRoot::new(Digest::new([1; 32])));
        let errors: [anyhow::Error; 5] = [
            RecoverError::DamagedState { height, found, expected }.into(),
            RecoverError::DisorderedState(height).into(),
            ExecuteError::from(ChainError::Missing { what: "batch", height }).into(),
            DriverError::from(StoreError::CorruptedFile("a block".into())).into(),
            StoreError::CorruptedFile("a log".into()).into(),
        ];
        for error in errors {
            assert_eq!(Remedy::of(&error), Remedy::Heal, "{error}");
        }
        assert!(Remedy::Heal.text().contains("leave `marks`"));
    }
}
