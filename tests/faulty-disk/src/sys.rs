//! The calls that really happen, past the C library, and its error number.

use std::ffi::{CStr, c_char, c_int, c_long};
use std::fs::File;
use std::mem::ManuallyDrop;
use std::os::fd::FromRawFd as _;
use std::path::{Path, PathBuf};

/// A call of the kernel; sets the error number as the C library does.
macro_rules! raw {
    ($number:ident $(, $argument:expr)* $(,)?) => {
        // SAFETY: the arguments are those that the caller of the replaced function gave.
        unsafe { libc::syscall(libc::$number $(, $argument)*) }
    };
}
pub(crate) use raw;

/// Sets the error number and gives what a failed call returns.
pub(crate) fn fail(errno: c_int) -> c_long {
    // SAFETY: the C library gives a valid pointer to the error number of this thread.
    unsafe { *libc::__errno_location() = errno };
    -1
}

/// A path as the C library is given it; none if it is relative, for ours never are.
pub(crate) fn path_of(path: *const c_char) -> Option<PathBuf> {
    if path.is_null() {
        return None;
    }
    // SAFETY: whoever calls a function of the C library with a path gives a terminated string.
    let path = Path::new(unsafe { CStr::from_ptr(path) }.to_str().ok()?);
    path.is_absolute().then(|| path.to_path_buf())
}

/// A descriptor of the caller, to look at; it stays open.
pub(crate) fn borrow(fd: c_int) -> ManuallyDrop<File> {
    // SAFETY: the caller uses the descriptor in this very call, and it is never closed here.
    ManuallyDrop::new(unsafe { File::from_raw_fd(fd) })
}

/// Ends the process as a loss of power does.
pub(crate) fn kill_self() -> ! {
    let own = raw!(SYS_getpid);
    raw!(SYS_kill, own, libc::SIGKILL);
    loop {
        std::hint::spin_loop();
    }
}
