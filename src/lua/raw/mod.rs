//! What safe Rust cannot say to LuaJIT: making a state, handing values in and out, resuming a
//! script, and stopping it. The one place of `lua` with unsafe code.

#![expect(unsafe_code, reason = "LuaJIT's C interface, below what mlua offers")]

use mlua::ffi;

mod frames;
mod hook;
mod memory;
mod resume;
mod stack;
mod string;
mod thread;
mod value;

pub(super) use frames::traceback;
pub(super) use hook::Stop;
pub(super) use hook::is_dying;
#[cfg(test)]
pub(super) use hook::set_zeal;
pub(super) use hook::take_place;
pub(super) use memory::Limit;
pub(super) use memory::Memory;
pub(super) use memory::Want;
pub(super) use memory::collect_some;
pub(super) use resume::Resumed;
pub(super) use resume::go_on;
pub(super) use resume::start;
#[cfg(test)]
pub(super) use string::set_steps;
pub(super) use thread::Thread;
pub use value::Arg;
pub use value::Ret;

/// The C functions and tokens the prelude works with, in the order of its parameters.
pub(super) type Tools = (
    mlua::LightUserData,
    mlua::LightUserData,
    mlua::LightUserData,
    mlua::LightUserData,
    mlua::Function,
    mlua::Function,
    mlua::Function,
);

/// The C functions and tokens the libraries work with, in the order of their parameters.
pub(super) type LibraryTools = (
    mlua::LightUserData,
    mlua::LightUserData,
    mlua::Function,
    mlua::Function,
    mlua::Function,
    mlua::Function,
    mlua::Function,
    mlua::Function,
);

/// The chunk name of the prelude, whose frames no traceback shows.
pub(super) const PRELUDE: &str = "=[luaproxy]";

/// HAProxy's words for an error that is no string.
pub(super) const UNKNOWN: &str = "unknown runtime error";

// The addresses are the tokens.
static WAIT: u8 = 1;
static PREEMPT: u8 = 2;
static KILL: u8 = 3;
static FAIL: u8 = 4;

/// Makes a state with some libraries.
pub(super) fn open(libraries: mlua::StdLib) -> (mlua::Lua, Memory) {
    let options = mlua::LuaOptions::default();
    // SAFETY: `debug`, `ffi` and C modules are the operator's own business in a global script; a
    // tenant's state has none of them (`environment::libraries`).
    let lua = unsafe { mlua::Lua::unsafe_new_with(libraries, options) };
    let memory = Memory::take_over(&lua);
    (lua, memory)
}

/// Returns the tokens and C functions for the prelude of a state.
pub(super) fn tools(lua: &mlua::Lua) -> mlua::Result<Tools> {
    let function = |function: ffi::lua_CFunction| {
        // SAFETY: the three functions below keep to their arguments and run in any state.
        unsafe { lua.create_c_function(function) }
    };
    Ok((
        token(&WAIT),
        token(&PREEMPT),
        token(&KILL),
        token(&FAIL),
        function(hook::forced)?,
        function(stack::roomy)?,
        function(hook::rearm)?,
    ))
}

/// Returns the tokens and C functions for the libraries of a state.
pub(super) fn library_tools(lua: &mlua::Lua) -> mlua::Result<LibraryTools> {
    let function = |function: ffi::lua_CFunction| {
        // SAFETY: the functions below keep to their arguments and run in any state.
        unsafe { lua.create_c_function(function) }
    };
    Ok((
        token(&string::PAUSED),
        token(&FAIL),
        function(string::find)?,
        function(string::match_)?,
        function(string::next)?,
        function(string::go_on)?,
        function(string::substitute)?,
        function(string::each)?,
    ))
}

/// Returns `collect()`: it goes on with collecting, and says whether a cycle is complete.
pub(super) fn collector(lua: &mlua::Lua) -> mlua::Result<mlua::Function> {
    // SAFETY: it takes no arguments and runs in any state.
    unsafe { lua.create_c_function(memory::go_on) }
}

/// Makes a thread that runs nothing.
pub(super) fn new_thread(lua: &mlua::Lua) -> mlua::Result<mlua::Thread> {
    let function = lua.create_function(|_, ()| Ok(()))?;
    let thread = lua.create_thread(function)?;
    value::clear(thread.state());
    Ok(thread)
}

/// Returns the value that tells the prelude to wait for the pending operation.
pub(super) fn wait_token() -> mlua::LightUserData {
    token(&WAIT)
}

/// Returns the value that tells the prelude to raise the string that follows.
pub(super) fn fail_token() -> mlua::LightUserData {
    token(&FAIL)
}

fn token(of: &'static u8) -> mlua::LightUserData {
    mlua::LightUserData(std::ptr::from_ref(of).cast_mut().cast())
}
