//! The hook that suspends a script, and the signal that arms it.
//!
//! The hook is armed by a signal on the worker's own thread, since `lua_sethook` from another
//! thread corrupts the state, and disarms itself at once, since compiled code with an armed hook
//! is a hundred times slower. It yields; a yield is no error, so no pcall can catch it.

use std::cell::Cell;
use std::ffi::CStr;
use std::ffi::c_int;
use std::ffi::c_void;
use std::mem;
use std::ptr;
use std::sync::OnceLock;

use mlua::ffi;
use mlua::ffi::lua_Debug;
use mlua::ffi::lua_State;

use super::KILL;
use super::PREEMPT;
use super::stack;
use super::token;
use crate::lua::meter;

/// What the hook wants of the script it stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lua) enum Stop {
    /// To let others run.
    Preempt,
    /// To end.
    Kill,
}

thread_local! {
    /// The state that runs a script on this thread; the signal handler does nothing without one.
    pub(super) static ACTIVE: Cell<*mut lua_State> = const { Cell::new(ptr::null_mut()) };
    /// Whether the handler armed the hook since the resume began.
    pub(super) static ARMED: Cell<bool> = const { Cell::new(false) };
    /// What the hook wanted when it yielded.
    pub(super) static STOP: Cell<Option<Stop>> = const { Cell::new(None) };
    /// Whether the hook is armed at every resume.
    pub(super) static ZEAL: Cell<bool> = const { Cell::new(cfg!(luaproxy_zeal)) };
}

unsafe extern "C" {
    fn lua_isyieldable(state: *mut lua_State) -> c_int;
}

/// Readies the calling thread for running scripts and returns its id for the watchdog.
pub(in crate::lua) fn enter_thread() -> i32 {
    static HANDLER: OnceLock<()> = OnceLock::new();
    HANDLER.get_or_init(install_handler);
    stack::enter_thread();
    rustix::thread::gettid().as_raw_nonzero().get()
}

/// Asks a thread to suspend the script it runs, if it runs one.
pub(in crate::lua) fn interrupt(thread: i32) {
    let process = rustix::process::getpid().as_raw_nonzero().get();
    // SAFETY: the system call takes three integers; a thread that is gone is an error, ignored.
    unsafe {
        libc::syscall(libc::SYS_tgkill, process, thread, signal_number());
    }
}

/// Arms the hook of this thread's scripts at every resume from now on, or no longer.
#[cfg(test)]
pub(in crate::lua) fn set_zeal(on: bool) {
    ZEAL.set(on);
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
    let state = ACTIVE.get();
    if !state.is_null() {
        arm(state);
    }
}

pub(super) fn arm(state: *mut lua_State) {
    ARMED.set(true);
    // The dispatch table is not renewed for an unchanged mode, so it is changed twice.
    disarm(state);
    // SAFETY: on the thread that runs the state; LuaJIT allows this in a signal handler.
    unsafe { ffi::lua_sethook(state, Some(hook), ffi::LUA_MASKCOUNT, 1) };
}

pub(super) fn disarm(state: *mut lua_State) {
    // SAFETY: on the thread that runs the state; LuaJIT allows this in a signal handler.
    unsafe { ffi::lua_sethook(state, None, 0, 0) };
}

/// Suspends the script at the instruction it is about to run.
///
/// Holds nothing that would have to be dropped: the yield unwinds through it.
unsafe extern "C-unwind" fn hook(state: *mut lua_State, _: *mut lua_Debug) {
    disarm(state);
    if STOP.get().is_some() {
        // A coroutine was suspended and the one that resumed it has not seen why yet.
        return;
    }
    let stop = meter::judge();
    // SAFETY: the state runs this hook.
    if unsafe { lua_isyieldable(state) } != 0 {
        STOP.set(Some(stop));
        // SAFETY: allowed in a count hook; the frames it unwinds hold nothing.
        unsafe { ffi::lua_yield(state, 0) };
    } else if stop == Stop::Kill {
        // Stays armed, so that whatever catches this gets no further than one instruction.
        arm(state);
        fail(state, c"execution timeout");
    } else if ZEAL.get() {
        arm(state);
    }
}

fn fail(state: *mut lua_State, message: &CStr) {
    // SAFETY: the format takes no arguments; the frames it unwinds hold nothing.
    unsafe { ffi::luaL_error(state, message.as_ptr()) };
}

/// `forced()`: how the hook suspended the coroutine that was just resumed, or nil.
pub(super) unsafe extern "C-unwind" fn forced(state: *mut lua_State) -> c_int {
    let stop = match STOP.take() {
        Some(Stop::Preempt) => &PREEMPT,
        Some(Stop::Kill) => &KILL,
        None => return 0,
    };
    let token: *mut c_void = token(stop).0;
    // SAFETY: a C function has free slots.
    unsafe { ffi::lua_pushlightuserdata(state, token) };
    1
}

/// `rearm()`: has the hook run again at once.
pub(super) unsafe extern "C-unwind" fn rearm(state: *mut lua_State) -> c_int {
    arm(state);
    0
}
