//! A wall clock that is wrong, in the same library: one preloaded library is enough.
//!
//! Only who asks for the time of day is lied to; timers run by the monotonic clock, and are right.

use std::ffi::{c_int, c_long};
use std::sync::OnceLock;

use libc::{clockid_t, timespec};

use crate::sys::raw;

/// Variable: by how many seconds the wall clock of this process is ahead.
pub const AHEAD: &str = "FAULTY_CLOCK_AHEAD_S";

fn ahead() -> c_long {
    static SECONDS: OnceLock<c_long> = OnceLock::new();
    *SECONDS.get_or_init(|| {
        let text = std::env::var(AHEAD).unwrap_or_default();
        if text.is_empty() { 0 } else { text.parse().expect("a whole number of seconds") }
    })
}

/// Replaces `clock_gettime`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clock_gettime(clock: clockid_t, time: *mut timespec) -> c_int {
    let done = c_int::try_from(raw!(SYS_clock_gettime, clock, time)).unwrap_or(-1);
    if done == 0 && clock == libc::CLOCK_REALTIME {
        // SAFETY: the kernel has just written to it.
        unsafe { (*time).tv_sec += ahead() };
    }
    done
}
