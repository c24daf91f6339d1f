//! The hook that suspends a script, and the signal that arms it.
//!
//! The hook is armed by a signal on the worker's own thread, since `lua_sethook` from another
//! thread corrupts the state, and disarms itself at once, since compiled code with an armed hook
//! is a hundred times slower. It yields; a yield is no error, so no pcall can catch it.

use std::cell::Cell;
use std::cell::RefCell;
use std::ffi::CStr;
use std::ffi::c_int;
use std::ffi::c_void;
use std::ptr;

use mlua::ffi;
use mlua::ffi::lua_Debug;
use mlua::ffi::lua_State;

use super::KILL;
use super::PREEMPT;
use super::frames;
use super::memory;
use super::memory::Heap;
use super::memory::Want;
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
    /// Where the hook ended the script: in which coroutine, and its frames.
    static PLACE: RefCell<Option<(usize, String)>> = const { RefCell::new(None) };
    /// For how many slices of a call the hook is armed from the start: the script is preempted at
    /// every instruction.
    static ZEAL: Cell<u32> = const { Cell::new(if cfg!(luaproxy_zeal) { 2000 } else { 0 }) };
}

unsafe extern "C" {
    fn lua_isyieldable(state: *mut lua_State) -> c_int;
}

/// Forgets where the hook has ended a script, if nobody asked.
pub(super) fn forget_place() {
    PLACE.with_borrow_mut(|place| *place = None);
}

/// Says whether the hook has ended the script that runs on this thread.
pub(in crate::lua) fn is_dying() -> bool {
    PLACE.with_borrow(Option::is_some)
}

/// Returns where a thread stands, or where the hook has just ended it, innermost frame first.
pub(in crate::lua) fn take_place(thread: &mlua::Thread) -> String {
    let outer = || frames::of(thread.state());
    match PLACE.take() {
        None => outer(),
        Some((state, inner)) if state == thread.state().addr() => inner,
        Some((_, inner)) => match outer() {
            outer if outer.is_empty() || inner.is_empty() => inner + &outer,
            outer => format!("{inner}, {outer}"),
        },
    }
}

/// Arms the hook of this thread's scripts at every resume from now on, or no longer.
#[cfg(test)]
pub(in crate::lua) fn set_zeal(on: bool) {
    ZEAL.set(if on { u32::MAX } else { 0 });
}

/// Says whether the running slice is to be as short as can be.
pub(super) fn is_zealous() -> bool {
    let zeal = ZEAL.get();
    zeal > 0 && meter::slices() < zeal
}

/// Says whether the script that runs on this thread allocates from a heap.
pub(super) fn is_running(heap: *const Heap) -> bool {
    let state = ACTIVE.get();
    !state.is_null() && memory::of(state).is_some_and(|active| ptr::eq(active, heap))
}

/// Has the hook run at the next instruction of the script that runs on this thread.
pub(super) fn arm_running() {
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
    // SAFETY: the state runs this hook.
    let yieldable = unsafe { lua_isyieldable(state) } != 0;
    let stop = judge(state, yieldable);
    if stop == Stop::Kill {
        note_place(state);
    }
    if yieldable {
        STOP.set(Some(stop));
        // SAFETY: allowed in a count hook; the frames it unwinds hold nothing.
        unsafe { ffi::lua_yield(state, 0) };
    } else if stop == Stop::Kill {
        // Stays armed, so that whatever catches this gets no further than one instruction.
        arm(state);
        fail(state, c"execution timeout");
    } else if is_zealous() || wants(state) == Some(Want::Collect) {
        arm(state);
    }
}

/// Decides what becomes of the script, by its time and its memory.
fn judge(state: *mut lua_State, yieldable: bool) -> Stop {
    let stop = meter::judge();
    if !yieldable
        && let Some(heap) = memory::of(state)
        && heap.want() == Some(Want::Collect)
    {
        // A call that cannot be suspended cannot wait for it.
        heap.collect(state);
    }
    if wants(state) == Some(Want::End) { Stop::Kill } else { stop }
}

fn wants(state: *mut lua_State) -> Option<Want> {
    memory::of(state).and_then(Heap::want)
}

/// Takes note of where a script stands that is to end; later it stands elsewhere.
fn note_place(state: *mut lua_State) {
    PLACE.with_borrow_mut(|place| {
        if place.is_none() {
            *place = Some((state.addr(), frames::of(state)));
        }
    });
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
