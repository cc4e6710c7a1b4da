//! The functions that stand in for those of the C library. Each does what the platter is told of before and after.

use std::cell::Cell;
use std::ffi::{c_char, c_int, c_long, c_uint, c_void};
use std::io;
use std::sync::{Mutex, OnceLock, PoisonError};

use libc::{iovec, mode_t, off_t, size_t, ssize_t};

use crate::platter::{Opening, Platter};
use crate::sys::{self, raw};

static PLATTER: OnceLock<Option<Mutex<Platter>>> = OnceLock::new();

thread_local! {
    /// Whether this thread works for the platter, whose own calls are not its business.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Works with the platter; none if there is no faulty disk or the call is the platter's own.
fn with<R>(work: impl FnOnce(&mut Platter) -> R) -> Option<R> {
    if INSIDE.try_with(|inside| inside.replace(true)).unwrap_or(true) {
        return None;
    }
    let platter = PLATTER.get_or_init(|| Platter::of_environment().map(Mutex::new));
    let done = platter
        .as_ref()
        .map(|platter| work(&mut platter.lock().unwrap_or_else(PoisonError::into_inner)));
    INSIDE.with(|inside| inside.set(false));
    done
}

/// What the records could not take ends the process: a test that goes on would prove nothing.
fn recorded<T>(result: io::Result<T>) -> T {
    result.expect("the records of the faulty disk can be written")
}

fn signed(number: c_long) -> c_int {
    c_int::try_from(number).unwrap_or(-1)
}

fn open_at(directory: c_int, path: *const c_char, flags: c_int, mode: c_uint) -> c_int {
    let opening = with(|platter| {
        let writes = flags & libc::O_ACCMODE != libc::O_RDONLY && flags & libc::O_DIRECTORY == 0;
        let path = sys::path_of(path).filter(|path| writes && platter.has(path))?;
        let opening = recorded(platter.before_open(&path));
        let is_made = flags & libc::O_CREAT != 0;
        (is_made || matches!(opening, Opening::Existing(_))).then_some(opening)
    });
    let fd = signed(raw!(SYS_openat, directory, path, flags, mode));
    if let Some(Some(opening)) = opening.filter(|_| fd >= 0) {
        with(|platter| recorded(platter.after_open(&opening, fd, flags & libc::O_TRUNC != 0)));
    }
    fd
}

/// Replaces `open`. On the processors that we run on, the optional argument is passed like any other.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn open(path: *const c_char, flags: c_int, mode: c_uint) -> c_int {
    open_at(libc::AT_FDCWD, path, flags, mode)
}

/// Replaces `open64`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn open64(path: *const c_char, flags: c_int, mode: c_uint) -> c_int {
    open_at(libc::AT_FDCWD, path, flags, mode)
}

/// Replaces `openat`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn openat(
    at: c_int,
    path: *const c_char,
    flags: c_int,
    mode: c_uint,
) -> c_int {
    open_at(at, path, flags, mode)
}

/// Replaces `openat64`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn openat64(
    at: c_int,
    path: *const c_char,
    flags: c_int,
    mode: c_uint,
) -> c_int {
    open_at(at, path, flags, mode)
}

/// A write of so many bytes: refused, or done and recorded.
fn write_of(
    fd: c_int,
    bytes: usize,
    place: Option<off_t>,
    write: impl FnOnce() -> c_long,
) -> ssize_t {
    if let Some(errno) = with(|platter| platter.refuse_write(fd, bytes)).flatten() {
        return sys::fail(errno) as ssize_t;
    }
    let written = write();
    if let Ok(count @ 1..) = u64::try_from(written) {
        with(|platter| match place.and_then(|place| u64::try_from(place).ok()) {
            Some(start) => platter.changed(fd, start..start + count),
            None => platter.written_before_position(fd, count),
        });
    }
    written as ssize_t
}

/// Replaces `write`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn write(fd: c_int, bytes: *const c_void, count: size_t) -> ssize_t {
    write_of(fd, count, None, || raw!(SYS_write, fd, bytes, count))
}

/// Replaces `writev`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn writev(fd: c_int, parts: *const iovec, count: c_int) -> ssize_t {
    write_of(fd, 1, None, || raw!(SYS_writev, fd, parts, count))
}

/// Replaces `pwrite`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pwrite(
    fd: c_int,
    bytes: *const c_void,
    count: size_t,
    at: off_t,
) -> ssize_t {
    write_of(fd, count, Some(at), || raw!(SYS_pwrite64, fd, bytes, count, at))
}

/// Replaces `pwrite64`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pwrite64(
    fd: c_int,
    bytes: *const c_void,
    count: size_t,
    at: off_t,
) -> ssize_t {
    // SAFETY: the same arguments, the same promise.
    unsafe { pwrite(fd, bytes, count, at) }
}

/// Replaces `ftruncate`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ftruncate(fd: c_int, length: off_t) -> c_int {
    let done = signed(raw!(SYS_ftruncate, fd, length));
    if done == 0 {
        with(|platter| platter.changed(fd, u64::try_from(length).unwrap_or(0)..u64::MAX));
    }
    done
}

/// Replaces `ftruncate64`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ftruncate64(fd: c_int, length: off_t) -> c_int {
    // SAFETY: the same arguments, the same promise.
    unsafe { ftruncate(fd, length) }
}

/// Replaces `fallocate`. Room beyond the end is a wish that need not be granted, and would cost the tests gigabytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fallocate(fd: c_int, mode: c_int, at: off_t, length: off_t) -> c_int {
    let is_ours = with(|platter| platter.is_tracked(fd)).unwrap_or(false);
    if is_ours && mode == libc::FALLOC_FL_KEEP_SIZE {
        return 0;
    }
    let done = signed(raw!(SYS_fallocate, fd, mode, at, length));
    with(|platter| platter.changed(fd, 0..u64::MAX));
    done
}

fn sync_of(fd: c_int, sync: impl FnOnce() -> c_long) -> c_int {
    let synced = with(|platter| (recorded(platter.sync(fd)), platter.sync_takes()));
    match synced {
        None | Some((None, _)) => signed(sync()),
        // Durable is what the records say; the disk of this machine need not be waited for.
        Some((Some(0), time)) => {
            std::thread::sleep(time);
            0
        }
        Some((Some(errno), _)) => signed(sys::fail(errno)),
    }
}

/// Replaces `fsync`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fsync(fd: c_int) -> c_int {
    sync_of(fd, || raw!(SYS_fsync, fd))
}

/// Replaces `fdatasync`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdatasync(fd: c_int) -> c_int {
    sync_of(fd, || raw!(SYS_fdatasync, fd))
}

/// Replaces `rename`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rename(from: *const c_char, to: *const c_char) -> c_int {
    use std::os::unix::fs::MetadataExt as _;
    let renaming = with(|platter| {
        let paths = (sys::path_of(from)?, sys::path_of(to)?);
        let metadata = std::fs::symlink_metadata(&paths.0).ok()?;
        if !(metadata.is_file() && platter.has(&paths.0) && platter.has(&paths.1)) {
            return None;
        }
        recorded(platter.before_unlink(&paths.0));
        recorded(platter.before_unlink(&paths.1));
        Some((paths, metadata.ino()))
    });
    let done = signed(raw!(SYS_renameat2, libc::AT_FDCWD, from, libc::AT_FDCWD, to, 0));
    if let Some(Some(((from, to), inode))) = renaming.filter(|_| done == 0) {
        with(|platter| recorded(platter.renamed(&from, &to, inode)));
    }
    done
}

/// Replaces `unlink`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn unlink(path: *const c_char) -> c_int {
    remove(libc::AT_FDCWD, path, 0)
}

/// Replaces `unlinkat`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn unlinkat(at: c_int, path: *const c_char, flags: c_int) -> c_int {
    remove(at, path, flags)
}

/// Replaces `rmdir`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmdir(path: *const c_char) -> c_int {
    remove(libc::AT_FDCWD, path, libc::AT_REMOVEDIR)
}

fn remove(at: c_int, path: *const c_char, flags: c_int) -> c_int {
    let removing = with(|platter| {
        let path = sys::path_of(path).filter(|path| platter.has(path) && path.exists())?;
        recorded(platter.before_unlink(&path));
        Some(path)
    });
    let done = signed(raw!(SYS_unlinkat, at, path, flags));
    if let Some(Some(path)) = removing.filter(|_| done == 0) {
        with(|platter| recorded(platter.unlinked(&path)));
    }
    done
}

/// Replaces `mkdir`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mkdir(path: *const c_char, mode: mode_t) -> c_int {
    let making = with(|platter| {
        let path = sys::path_of(path).filter(|path| platter.has(path) && !path.exists())?;
        recorded(platter.before_unlink(&path));
        Some(path)
    });
    let done = signed(raw!(SYS_mkdirat, libc::AT_FDCWD, path, mode));
    if let Some(Some(path)) = making.filter(|_| done == 0) {
        with(|platter| recorded(platter.made_directory(&path)));
    }
    done
}

/// Replaces `link`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn link(from: *const c_char, to: *const c_char) -> c_int {
    use std::os::unix::fs::MetadataExt as _;
    let linking = with(|platter| {
        let (from, to) = (sys::path_of(from)?, sys::path_of(to)?);
        let inode = std::fs::symlink_metadata(&from).ok().filter(std::fs::Metadata::is_file)?.ino();
        platter.has(&to).then(|| recorded(platter.before_unlink(&to)))?;
        Some((to, inode))
    });
    let done = signed(raw!(SYS_linkat, libc::AT_FDCWD, from, libc::AT_FDCWD, to, 0));
    if let Some(Some((to, inode))) = linking.filter(|_| done == 0) {
        with(|platter| recorded(platter.linked(&to, inode)));
    }
    done
}
