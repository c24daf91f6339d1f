//! How much of the C stack a script may use: LuaJIT has no limit of its own.

use std::cell::Cell;
use std::ffi::c_int;
use std::mem;
use std::ptr;

use mlua::ffi;
use mlua::ffi::lua_State;

/// What must be left of the C stack before a script may enter one more coroutine.
const HEADROOM: usize = 256 << 10;

/// What a call may use of the C stack before it may enter one more coroutine: 200 coroutines in
/// each other, at 80 bytes each. Every preemption passes through all of them, and must not take long.
const NESTING: usize = 16 << 10;

thread_local! {
    /// The lowest address a script may bring the stack of this thread down to.
    static FLOOR: Cell<usize> = const { Cell::new(0) };
    /// Where the stack was when the running call was resumed.
    pub(super) static CEILING: Cell<usize> = const { Cell::new(0) };
}

/// Takes note of where the stack of the calling thread ends.
pub(super) fn enter_thread() {
    FLOOR.set(stack_bottom() + HEADROOM);
}

/// `roomy()`: whether the C stack has room for one more coroutine.
pub(super) unsafe extern "C-unwind" fn roomy(state: *mut lua_State) -> c_int {
    let here = stack_pointer();
    let roomy = here > FLOOR.get() && CEILING.get().saturating_sub(here) < NESTING;
    // SAFETY: a C function has free slots.
    unsafe { ffi::lua_pushboolean(state, c_int::from(roomy)) };
    1
}

/// Returns about where the stack of this thread is.
pub(super) fn stack_pointer() -> usize {
    let here = 0_u8;
    ptr::from_ref(&here).addr()
}

/// Returns the lowest address of this thread's stack.
fn stack_bottom() -> usize {
    // SAFETY: plain data, all of whose fields may be zero.
    let mut attributes: libc::pthread_attr_t = unsafe { mem::zeroed() };
    // SAFETY: always succeeds.
    let this = unsafe { libc::pthread_self() };
    // SAFETY: fills the record, which is ours.
    if unsafe { libc::pthread_getattr_np(this, &raw mut attributes) } != 0 {
        return 0;
    }
    let mut bottom = ptr::null_mut();
    let mut size = 0;
    // SAFETY: the record was just filled.
    unsafe { libc::pthread_attr_getstack(&raw const attributes, &raw mut bottom, &raw mut size) };
    // SAFETY: the record was filled and is not used again.
    unsafe { libc::pthread_attr_destroy(&raw mut attributes) };
    bottom.addr()
}
