//! How many files, and so connections, this process may have open.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Sees to it that so many files may be open, as far as the system lets it.
///
/// # Errors
/// The hard limit of this process is lower.
pub fn allow(files: u64) -> io::Result<()> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= files) {
        return Ok(());
    }
    if limit.maximum.is_some_and(|maximum| maximum < files) {
        let maximum = limit.maximum.unwrap_or_default();
        return Err(io::Error::other(format!(
            "{files} open files are needed and {maximum} are allowed: raise `ulimit -Hn` (systemd: LimitNOFILE)"
        )));
    }
    Ok(setrlimit(Resource::Nofile, Rlimit { current: Some(files), maximum: limit.maximum })?)
}

/// Allows as many as the system lets this process have, and says how many; none for no limit.
pub fn allow_most() -> Option<u64> {
    let maximum = getrlimit(Resource::Nofile).maximum;
    // If it fails, what was allowed before stays.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    getrlimit(Resource::Nofile).current
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_does_not_allow_is_refused_with_what_to_do() {
        let most = allow_most();
        if let Some(most) = most.filter(|most| *most < u64::MAX - 1) {
            assert!(allow(most).is_ok());
            let refused = allow(most + 1).map_err(|error| error.to_string());
            assert!(refused.is_err_and(|text| text.contains("ulimit")));
        }
    }
}
