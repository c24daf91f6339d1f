//! Values on the stack of a thread.

use std::ffi::c_int;
use std::slice;

use mlua::ffi;
use mlua::ffi::lua_State;

use crate::lua::error::Error;
use crate::lua::vm::Vm;

/// A value given to a script.
#[derive(Clone, Copy, Debug)]
pub enum Arg<'a> {
    /// A string.
    Str(&'a [u8]),
    /// An integer, exact up to 2^53.
    Int(i64),
    /// A boolean.
    Bool(bool),
    /// Any value of the same state.
    Value(&'a mlua::Value),
}

/// The first value a script returned.
#[derive(Clone, Debug, PartialEq)]
pub enum Ret {
    /// It returned nothing at all.
    Nothing,
    /// `nil`.
    Nil,
    /// A boolean.
    Bool(bool),
    /// A number.
    Number(f64),
    /// A string.
    Str(Vec<u8>),
    /// A table, function, thread or userdata.
    Other,
}

/// The longest string that is handed to a script; LuaJIT raises outside any call beyond 2 GiB.
const STRING_MAX: usize = 1 << 30;

/// Returns the first value on the stack of a thread.
pub(super) fn first(state: *mut lua_State) -> Ret {
    // SAFETY: index 1 is acceptable whether or not a value is there.
    match unsafe { ffi::lua_type(state, 1) } {
        ffi::LUA_TNONE => Ret::Nothing,
        ffi::LUA_TNIL => Ret::Nil,
        // SAFETY: the type of index 1 is known.
        ffi::LUA_TBOOLEAN => Ret::Bool(unsafe { ffi::lua_toboolean(state, 1) } != 0),
        // SAFETY: the type of index 1 is known.
        ffi::LUA_TNUMBER => Ret::Number(unsafe { ffi::lua_tonumber(state, 1) }),
        ffi::LUA_TSTRING => Ret::Str(string(state, 1).to_vec()),
        _ => Ret::Other,
    }
}

/// Returns the string at an index that holds a string.
pub(super) fn string<'a>(state: *mut lua_State, index: c_int) -> &'a [u8] {
    let mut length = 0;
    // SAFETY: a string is not converted, so nothing is allocated.
    let start = unsafe { ffi::lua_tolstring(state, index, &raw mut length) };
    if start.is_null() {
        return &[];
    }
    // SAFETY: LuaJIT's strings do not move; the callers copy it before the stack changes.
    unsafe { slice::from_raw_parts(start.cast(), length) }
}

/// Puts a function and its arguments, or what a yield returns, on the stack of a thread.
#[expect(single_use_lifetimes, reason = "an impl in an argument cannot do without")]
pub(super) fn push_all<'a>(
    vm: &Vm,
    thread: &mlua::Thread,
    function: Option<&mlua::Function>,
    args: impl ExactSizeIterator<Item = Arg<'a>>,
) -> Result<(), Error> {
    let state = thread.state();
    grow(state, args.len())?;
    vm.heap().exempt(|| {
        vm.lua().exec_raw_lua(|raw| {
            if let Some(function) = function {
                // SAFETY: every host entry leaves the state's own stack its minimum of free slots.
                unsafe { raw.push(function) }?;
                hand_over(raw.state(), state);
            }
            for arg in args {
                if let Arg::Value(value) = arg {
                    // SAFETY: every host entry leaves the state's own stack its minimum of free slots.
                    unsafe { raw.push_value(value) }?;
                    hand_over(raw.state(), state);
                } else {
                    push(state, arg)?;
                }
            }
            Ok(())
        })
    })
}

/// Puts a plain value on the stack of a thread, where there is room for it.
fn push(state: *mut lua_State, arg: Arg<'_>) -> Result<(), Error> {
    match arg {
        Arg::Str(text) if text.len() > STRING_MAX => return Err(Error::memory(String::new())),
        Arg::Str(text) => {
            // SAFETY: the pointer and length are one slice's; no limit of memory makes it fail.
            unsafe { ffi::lua_pushlstring_(state, text.as_ptr().cast(), text.len()) };
        }
        #[expect(clippy::cast_precision_loss, reason = "a number of Lua is a double")]
        Arg::Int(value) => {
            // SAFETY: there is a free slot.
            unsafe { ffi::lua_pushnumber(state, value as f64) };
        }
        Arg::Bool(value) => {
            // SAFETY: there is a free slot.
            unsafe { ffi::lua_pushboolean(state, c_int::from(value)) };
        }
        Arg::Value(_) => {}
    }
    Ok(())
}

/// Makes room for some values and a function on a thread's stack.
pub(super) fn grow(state: *mut lua_State, count: usize) -> Result<(), Error> {
    let slots = c_int::try_from(count + 8).unwrap_or(c_int::MAX);
    // SAFETY: the state is alive; the call reports failure, it raises nothing.
    if unsafe { ffi::lua_checkstack(state, slots) } == 0 {
        Err(Error::memory(String::new()))
    } else {
        Ok(())
    }
}

/// Moves the top value of one thread to another of the same state.
pub(super) fn hand_over(from: *mut lua_State, to: *mut lua_State) {
    // SAFETY: there is a value on `from` and a free slot on `to`.
    unsafe { ffi::lua_xmove(from, to, 1) };
}

pub(super) fn clear(state: *mut lua_State) {
    // SAFETY: a thread that does not run may lose the values above its last yield.
    unsafe { ffi::lua_settop(state, 0) };
}
