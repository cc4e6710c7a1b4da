//! How many files and sockets the process may hold open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::check::Check;
use crate::cli::show;

const NAME: &str = "file_handles";
/// The database alone may hold a thousand; without room beside them for peers and clients, accepting fails.
const LEAST: u64 = 1_536;
const WISHED: u64 = 4_096;
const ADVICE: &str = "raise the hard limit: `ulimit -Hn 65536`, or LimitNOFILE=65536 in the unit";

/// Raises what the process may hold to what it is permitted at most. What cannot be raised stays as it is, and the
/// check tells it.
pub fn raise() {
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}

/// Judges what a node may hold once it has raised its limit.
pub(super) fn check() -> Check {
    judge(getrlimit(Resource::Nofile).maximum)
}

fn judge(maximum: Option<u64>) -> Check {
    let Some(maximum) = maximum else { return Check::ok(NAME, "no limit") };
    let detail = format!("{} at most", show::grouped(maximum));
    match maximum {
        few if few < LEAST => Check::fault(NAME, detail, ADVICE),
        few if few < WISHED => Check::warning(NAME, detail, ADVICE),
        _ => Check::ok(NAME, detail),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn few_handles_are_told() {
        assert_eq!(judge(None).verdict, Verdict::Ok);
        assert_eq!(judge(Some(1_024)).verdict, Verdict::Fault);
        assert_eq!(judge(Some(2_048)).verdict, Verdict::Warning);
        assert_eq!(judge(Some(65_536)).verdict, Verdict::Ok);
    }
}
