//! The disk of the data directory: how much room it has, and how long a sync takes.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use logothete_ledger::store::{DiskSpace, disk_space};

use super::check::Check;
use crate::cli::show;
use crate::config::Config;
use crate::remedy::Remedy;

const SPACE: &str = "disk_space";
const SYNC: &str = "disk_sync";
/// Below this the next compaction may find the disk full: the database writes whole files before it removes old ones.
pub const FREE_LEAST: u64 = 512 << 20;
/// Below this somebody should make plans.
const FREE_WISHED: u64 = 5 << 30;
/// A vote waits for a sync; beyond this, views take noticeably longer.
const SYNC_WISHED: Duration = Duration::from_millis(20);
/// Beyond this views begin to fail.
const SYNC_MOST: Duration = Duration::from_millis(500);
/// Syncs that are measured.
const SYNCS: usize = 16;
/// Bytes that each sync makes durable.
const PROBE_BYTES: usize = 4_096;

/// Whether there is room.
pub(super) fn space(config: &Config) -> Check {
    let place = existing(&config.paths.data);
    match disk_space(place) {
        Ok(space) => judge_space(space),
        Err(error) => Check::fault(SPACE, error.to_string(), Remedy::LookAtDisk.text()),
    }
}

fn judge_space(space: DiskSpace) -> Check {
    let detail =
        format!("{} of {} free", mebibytes(space.free_bytes), mebibytes(space.total_bytes));
    match space.free_bytes {
        free if free < FREE_LEAST => Check::fault(SPACE, detail, Remedy::MakeRoom.text()),
        free if free < FREE_WISHED => {
            Check::warning(SPACE, detail, "make room on the disk of paths.data, or move it")
        }
        _ => Check::ok(SPACE, detail),
    }
}

/// How long a small write takes until it is durable, in the data directory itself.
pub(super) fn sync(config: &Config) -> Check {
    let place = existing(&config.paths.data);
    match probe(place) {
        Ok(median) => judge_sync(median),
        Err(error) => {
            let full = error.kind() == io::ErrorKind::StorageFull;
            let remedy = if full { Remedy::MakeRoom } else { Remedy::LookAtDisk };
            let detail = format!("writing in {}: {error}", place.display());
            Check::fault(SYNC, detail, remedy.text())
        }
    }
}

fn judge_sync(median: Duration) -> Check {
    let detail = format!("a sync takes {} µs", show::grouped(micros(median)));
    let advice = "every vote waits for a sync: put paths.data on a local solid-state disk";
    match median {
        slow if slow > SYNC_MOST => Check::fault(SYNC, detail, advice),
        slow if slow > SYNC_WISHED => Check::warning(SYNC, detail, advice),
        _ => Check::ok(SYNC, detail),
    }
}

/// The median of some syncs of a new file in a directory, which is removed again.
fn probe(place: &Path) -> io::Result<Duration> {
    let mut unique = [0; 8];
    getrandom::fill(&mut unique).map_err(io::Error::other)?;
    let path = place.join(format!("doctor-{}.probe", hex::encode(unique)));
    let file = File::options().create_new(true).write(true).mode(0o600).open(&path)?;
    let measured = measure(file);
    // What was measured is worth telling all the same.
    let _ = fs::remove_file(&path);
    measured
}

/// The median of some syncs.
fn measure(mut file: File) -> io::Result<Duration> {
    let mut took = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        let begun = Instant::now();
        file.write_all(&[0x5a; PROBE_BYTES])?;
        file.sync_data()?;
        took.push(begun.elapsed());
    }
    took.sort();
    Ok(took[SYNCS / 2])
}

/// The directory, or the nearest one above it that exists: a node makes its own at the first start.
fn existing(path: &Path) -> &Path {
    path.ancestors().find(|place| place.is_dir()).unwrap_or(path)
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", show::grouped(bytes >> 20))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn little_room_is_a_warning_and_next_to_none_a_fault() {
        let found =
            |free_bytes| judge_space(DiskSpace { free_bytes, total_bytes: 100 << 30 }).verdict;
        assert_eq!(found(FREE_LEAST - 1), Verdict::Fault);
        assert_eq!(found(FREE_LEAST), Verdict::Warning);
        assert_eq!(found(FREE_WISHED), Verdict::Ok);
    }

    #[test]
    fn what_lies_in_the_directory_stays_as_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let mine = directory.path().join("doctor.probe");
        fs::write(&mine, "mine").unwrap();
        probe(directory.path()).unwrap();
        assert_eq!(fs::read(&mine).unwrap(), b"mine");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_slow_sync_is_told_before_views_fail() {
        assert_eq!(judge_sync(Duration::from_millis(1)).verdict, Verdict::Ok);
        assert_eq!(judge_sync(Duration::from_millis(21)).verdict, Verdict::Warning);
        assert_eq!(judge_sync(Duration::from_millis(501)).verdict, Verdict::Fault);
    }
}
