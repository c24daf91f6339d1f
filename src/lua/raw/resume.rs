//! Resuming a thread, and why it came back.

use std::ffi::c_int;
use std::sync::atomic::Ordering;
use std::sync::atomic::compiler_fence;

use mlua::ffi;
use mlua::ffi::lua_State;

use super::KILL;
use super::UNKNOWN;
use super::WAIT;
use super::hook::ACTIVE;
use super::hook::ARMED;
use super::hook::STOP;
use super::hook::Stop;
use super::hook::arm;
use super::hook::disarm;
use super::hook::forget_place;
use super::hook::is_zealous;
use super::hook::take_place;
use super::stack::CEILING;
use super::stack::stack_pointer;
use super::token;
use super::value::Arg;
use super::value::Ret;
use super::value::clear;
use super::value::first;
use super::value::hand_over;
use super::value::push_all;
use super::value::string;
use crate::lua::error;
use crate::lua::error::Error;
use crate::lua::pattern;
use crate::lua::vm::Vm;

/// How a resume came back.
#[derive(Debug)]
pub(in crate::lua) enum Resumed {
    /// The function returned.
    Done(Ret),
    /// It waits for an operation of the host.
    Waiting,
    /// The hook took the processor away, or the script gave it back.
    Preempted,
    /// The hook ended the call: it must not be resumed.
    Killed,
    /// It raised an error.
    Failed(Error),
}

/// Starts a function on a thread that runs nothing.
pub(in crate::lua) fn start(
    vm: &Vm,
    thread: &mlua::Thread,
    function: &mlua::Function,
    args: &[Arg<'_>],
) -> Resumed {
    match push_all(vm, thread, Some(function), args.iter().copied()) {
        Ok(()) => run(vm, thread, args.len()),
        Err(error) => {
            clear(thread.state());
            Resumed::Failed(error)
        }
    }
}

/// Goes on with a suspended thread; `values` are the results of what it waited for.
///
/// A thread that was preempted takes none.
pub(in crate::lua) fn go_on(vm: &Vm, thread: &mlua::Thread, values: &[mlua::Value]) -> Resumed {
    match push_all(vm, thread, None, values.iter().map(Arg::Value)) {
        Ok(()) => run(vm, thread, values.len()),
        Err(error) => Resumed::Failed(error),
    }
}

/// Resumes a thread whose arguments lie on its stack.
fn run(vm: &Vm, thread: &mlua::Thread, count: usize) -> Resumed {
    let state = thread.state();
    STOP.set(None);
    forget_place();
    pattern::forget_running();
    CEILING.set(stack_pointer());
    let outer = ACTIVE.replace(state);
    if is_zealous() || vm.heap().want().is_some() {
        arm(state);
    }
    let count = c_int::try_from(count).unwrap_or(0);
    // SAFETY: the thread is new, finished or suspended (its owner, `Call`, sees to that) and has
    // `count` values above its function or its yield.
    let status = unsafe { ffi::lua_resume_(state, count) };
    ACTIVE.set(outer);
    compiler_fence(Ordering::SeqCst);
    if ARMED.replace(false) {
        disarm(state);
    }
    let resumed = match status {
        ffi::LUA_OK => Resumed::Done(first(state)),
        ffi::LUA_YIELD => yielded(state),
        ffi::LUA_ERRMEM => return Resumed::Failed(Error::memory(take_place(thread))),
        _ => return Resumed::Failed(raised(vm.lua(), thread)),
    };
    clear(state);
    resumed
}

/// Says why a thread yielded.
fn yielded(state: *mut lua_State) -> Resumed {
    match STOP.take() {
        Some(Stop::Preempt) => return Resumed::Preempted,
        Some(Stop::Kill) => return Resumed::Killed,
        None => {}
    }
    // SAFETY: index 1 is acceptable whether or not a value is there.
    let value = unsafe { ffi::lua_touserdata(state, 1) };
    if value == token(&WAIT).0 {
        Resumed::Waiting
    } else if value == token(&KILL).0 {
        Resumed::Killed
    } else {
        // PREEMPT, or a yield of the script itself, which has no other meaning here.
        Resumed::Preempted
    }
}

/// Takes the error off a thread that failed.
fn raised(lua: &mlua::Lua, thread: &mlua::Thread) -> Error {
    let state = thread.state();
    // SAFETY: a failed thread has its error on top.
    let message = match unsafe { ffi::lua_type(state, -1) } {
        ffi::LUA_TSTRING => String::from_utf8_lossy(string(state, -1)).into_owned(),
        ffi::LUA_TNUMBER => {
            // SAFETY: the type of the top is known.
            unsafe { ffi::lua_tonumber(state, -1) }.to_string()
        }
        ffi::LUA_TUSERDATA => lua.exec_raw_lua(|raw| {
            hand_over(state, raw.state());
            // SAFETY: the value was just put there.
            match unsafe { raw.pop_value() } {
                mlua::Value::Error(error) => Error::from(*error).message,
                _ => UNKNOWN.to_owned(),
            }
        }),
        _ => UNKNOWN.to_owned(),
    };
    let mut traceback = take_place(thread);
    error::place(&message, &mut traceback);
    Error { traceback, ..Error::raised(message) }
}
