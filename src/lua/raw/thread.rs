//! A thread that runs scripts, as the watchdog sees it.

use std::ffi::c_int;
use std::mem;
use std::ptr;
use std::sync::OnceLock;
use std::time::Duration;

use super::hook;
use super::stack;

/// A thread that runs scripts.
#[derive(Clone, Copy, Debug)]
pub(in crate::lua) struct Thread {
    id: i32,
    clock: Option<libc::clockid_t>,
}

impl Thread {
    /// Readies the calling thread for running scripts.
    pub(in crate::lua) fn enter() -> Self {
        static HANDLER: OnceLock<()> = OnceLock::new();
        HANDLER.get_or_init(install_handler);
        stack::enter_thread();
        Self { id: rustix::thread::gettid().as_raw_nonzero().get(), clock: own_clock() }
    }

    /// Asks the thread to suspend the script it runs, if it runs one.
    pub(in crate::lua) fn interrupt(self) {
        let process = rustix::process::getpid().as_raw_nonzero().get();
        // SAFETY: the system call takes three integers; a thread that is gone is an error, ignored.
        unsafe {
            libc::syscall(libc::SYS_tgkill, process, self.id, signal_number());
        }
    }

    /// Returns how much processor time the thread has used.
    pub(in crate::lua) fn cpu(self) -> Option<Duration> {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the record is ours; the clock of a thread that is gone is an error.
        let status = unsafe { libc::clock_gettime(self.clock?, &raw mut time) };
        let (seconds, rest) = (u64::try_from(time.tv_sec).ok()?, u64::try_from(time.tv_nsec).ok()?);
        (status == 0)
            .then(|| Duration::from_secs(seconds).saturating_add(Duration::from_nanos(rest)))
    }
}

/// Returns the calling thread's processor clock, for others to read.
fn own_clock() -> Option<libc::clockid_t> {
    let mut clock = 0;
    // SAFETY: always succeeds.
    let this = unsafe { libc::pthread_self() };
    // SAFETY: the thread is the calling one; the number is ours.
    let status = unsafe { libc::pthread_getcpuclockid(this, &raw mut clock) };
    (status == 0).then_some(clock)
}

fn signal_number() -> c_int {
    libc::SIGRTMIN() + 3
}

fn install_handler() {
    // SAFETY: plain data, all of whose fields may be zero.
    let mut action: libc::sigaction = unsafe { mem::zeroed() };
    let handler: extern "C" fn(c_int) = on_signal;
    action.sa_sigaction = handler as usize;
    action.sa_flags = libc::SA_RESTART;
    // SAFETY: the handler touches this thread's cells and the state it runs, nothing else.
    unsafe { libc::sigaction(signal_number(), &raw const action, ptr::null_mut()) };
}

/// Arms the hook of the state that runs on this thread.
extern "C" fn on_signal(_: c_int) {
    hook::arm_running();
}
