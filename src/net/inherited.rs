//! Descriptors that the process was started with: `fd@N`.
#![expect(unsafe_code, reason = "a number from the configuration becomes a descriptor")]

use std::io;
use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;
use std::os::fd::OwnedFd;
use std::os::fd::RawFd;

use rustix::io::FdFlags;

/// Returns a duplicate of an inherited descriptor, which stays open for the next reload.
pub(super) fn duplicate(number: RawFd) -> io::Result<OwnedFd> {
    if number < 0 {
        return Err(rustix::io::Errno::BADF.into());
    }
    // SAFETY: the number is not -1, and the borrow ends within this function, where no other
    // thread runs that could close it: descriptors are adopted before the workers start.
    let inherited = unsafe { BorrowedFd::borrow_raw(number) };
    // Fails with EBADF if nothing is open there.
    rustix::io::fcntl_getfd(inherited)?;
    let duplicate = inherited.as_fd().try_clone_to_owned()?;
    rustix::io::fcntl_setfd(&duplicate, FdFlags::CLOEXEC)?;
    Ok(duplicate)
}
