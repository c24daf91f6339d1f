//! Work that may block, on threads that may: no worker waits for a disk.

use smol::lock::Semaphore;

/// Slow disks must not take all the threads that may block.
static PERMITS: Semaphore = Semaphore::new(16);

/// Does some work on a thread that may block, and returns its result.
#[expect(clippy::disallowed_methods, reason = "bounded here")]
pub async fn unblock<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let permit = PERMITS.acquire().await;
    let done = smol::unblock(work).await;
    drop(permit);
    done
}
