//! What safe Rust cannot say to LuaJIT: the hook that suspends a script, the signal that arms it,
//! the resume that goes on with it, and the walk over the frames of a script that failed.
//!
//! The hook is armed by a signal on the worker's own thread, since `lua_sethook` from another
//! thread corrupts the state, and disarms itself at once, since compiled code with an armed hook
//! is a hundred times slower. It yields; a yield is no error, so no pcall can catch it.

#![expect(unsafe_code, reason = "LuaJIT's C interface, below what mlua offers")]

use std::cell::Cell;
use std::ffi::CStr;
use std::ffi::c_char;
use std::ffi::c_int;
use std::ffi::c_void;
use std::fmt::Write;
use std::mem;
use std::ptr;
use std::slice;
use std::sync::OnceLock;
use std::sync::atomic::Ordering;
use std::sync::atomic::compiler_fence;

use mlua::ffi;
use mlua::ffi::lua_Debug;
use mlua::ffi::lua_State;

use super::error;
use super::error::Error;
use super::meter;
use super::vm::Vm;

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

/// How a resume came back.
#[derive(Debug)]
pub(super) enum Resumed {
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

/// What the hook wants of the script it stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// To let others run.
    Preempt,
    /// To end.
    Kill,
}

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

/// The longest string that is handed to a script; LuaJIT raises outside any call beyond 2 GiB.
const STRING_MAX: usize = 1 << 30;

/// What must be left of the C stack before a script may enter one more coroutine.
const HEADROOM: usize = 256 << 10;

/// What a call may use of the C stack before it may enter one more coroutine: a thousand
/// coroutines in each other. Each preemption passes through all of them, and must not take long.
const NESTING: usize = 96 << 10;

/// How many frames a traceback shows.
const FRAMES_MAX: usize = 24;

/// The chunk name of the prelude, whose frames no traceback shows.
pub(super) const PRELUDE: &str = "=[luaproxy]";

/// HAProxy's words for an error that is no string.
pub(super) const UNKNOWN: &str = "unknown runtime error";

// The addresses are the tokens.
static WAIT: u8 = 1;
static PREEMPT: u8 = 2;
static KILL: u8 = 3;
static FAIL: u8 = 4;

thread_local! {
    /// The state that runs a script on this thread; the signal handler does nothing without one.
    static ACTIVE: Cell<*mut lua_State> = const { Cell::new(ptr::null_mut()) };
    /// Whether the handler armed the hook since the resume began.
    static ARMED: Cell<bool> = const { Cell::new(false) };
    /// What the hook wanted when it yielded.
    static STOP: Cell<Option<Stop>> = const { Cell::new(None) };
    /// The lowest address a script may bring the stack of this thread down to.
    static FLOOR: Cell<usize> = const { Cell::new(0) };
    /// Where the stack was when the running call was resumed.
    static CEILING: Cell<usize> = const { Cell::new(0) };
    /// Whether the hook is armed at every resume.
    static ZEAL: Cell<bool> = const { Cell::new(cfg!(luaproxy_zeal)) };
}

unsafe extern "C" {
    fn lua_isyieldable(state: *mut lua_State) -> c_int;
}

/// Makes a state with all libraries but the FFI, and the JIT if asked for.
pub(super) fn open(jit: bool) -> mlua::Lua {
    let mut libs = mlua::StdLib::ALL ^ mlua::StdLib::FFI;
    if !jit {
        libs ^= mlua::StdLib::JIT;
    }
    let options = mlua::LuaOptions::default();
    // SAFETY: `debug` and C modules are the operator's own business in a global script; the FFI
    // is left out. Nothing here relies on scripts being unable to reach them.
    unsafe { mlua::Lua::unsafe_new_with(libs, options) }
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
        function(forced)?,
        function(roomy)?,
        function(rearm)?,
    ))
}

/// Makes a thread that runs nothing.
pub(super) fn new_thread(lua: &mlua::Lua) -> mlua::Result<mlua::Thread> {
    let function = lua.create_function(|_, ()| Ok(()))?;
    let thread = lua.create_thread(function)?;
    clear(thread.state());
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

/// Readies the calling thread for running scripts and returns its id for the watchdog.
pub(super) fn enter_thread() -> i32 {
    static HANDLER: OnceLock<()> = OnceLock::new();
    HANDLER.get_or_init(install_handler);
    FLOOR.set(stack_bottom() + HEADROOM);
    rustix::thread::gettid().as_raw_nonzero().get()
}

/// Asks a thread to suspend the script it runs, if it runs one.
pub(super) fn interrupt(thread: i32) {
    let process = rustix::process::getpid().as_raw_nonzero().get();
    // SAFETY: the system call takes three integers; a thread that is gone is an error, ignored.
    unsafe {
        libc::syscall(libc::SYS_tgkill, process, thread, signal_number());
    }
}

/// Starts a function on a thread that runs nothing.
pub(super) fn start(
    vm: &Vm,
    thread: &mlua::Thread,
    function: &mlua::Function,
    args: &[Arg<'_>],
) -> Resumed {
    let lua = vm.lua();
    match push_all(vm, thread, Some(function), args.iter().copied()) {
        Ok(()) => run(lua, thread, args.len()),
        Err(error) => {
            clear(thread.state());
            Resumed::Failed(error)
        }
    }
}

/// Goes on with a suspended thread; `values` are the results of what it waited for.
///
/// A thread that was preempted takes none.
pub(super) fn go_on(vm: &Vm, thread: &mlua::Thread, values: &[mlua::Value]) -> Resumed {
    let lua = vm.lua();
    match push_all(vm, thread, None, values.iter().map(Arg::Value)) {
        Ok(()) => run(lua, thread, values.len()),
        Err(error) => Resumed::Failed(error),
    }
}

/// Returns the frames of a thread, innermost first, on one line as HAProxy writes them.
pub(super) fn traceback(thread: &mlua::Thread) -> String {
    let mut out = String::new();
    let mut level = 0;
    while let Some(frame) = find_frame(thread.state(), level)
        && level < FRAMES_MAX
    {
        level += 1;
        describe(&frame, &mut out);
    }
    out
}

/// Arms the hook of this thread's scripts at every resume from now on, or no longer.
#[cfg(test)]
pub(super) fn set_zeal(on: bool) {
    ZEAL.set(on);
}

fn token(of: &'static u8) -> mlua::LightUserData {
    mlua::LightUserData(ptr::from_ref(of).cast_mut().cast())
}

/// Resumes a thread whose arguments lie on its stack.
fn run(lua: &mlua::Lua, thread: &mlua::Thread, count: usize) -> Resumed {
    let state = thread.state();
    STOP.set(None);
    CEILING.set(stack_pointer());
    let outer = ACTIVE.replace(state);
    if ZEAL.get() {
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
        ffi::LUA_ERRMEM => return Resumed::Failed(Error::memory()),
        _ => return Resumed::Failed(raised(lua, thread)),
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

/// Returns the first value on the stack of a thread.
fn first(state: *mut lua_State) -> Ret {
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
fn string<'a>(state: *mut lua_State, index: c_int) -> &'a [u8] {
    let mut length = 0;
    // SAFETY: a string is not converted, so nothing is allocated.
    let start = unsafe { ffi::lua_tolstring(state, index, &raw mut length) };
    if start.is_null() {
        return &[];
    }
    // SAFETY: LuaJIT's strings do not move; the callers copy it before the stack changes.
    unsafe { slice::from_raw_parts(start.cast(), length) }
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
    let mut traceback = traceback(thread);
    error::place(&message, &mut traceback);
    Error { traceback, ..Error::raised(message) }
}

/// Puts a function and its arguments, or what a yield returns, on the stack of a thread.
#[expect(single_use_lifetimes, reason = "an impl in an argument cannot do without")]
fn push_all<'a>(
    vm: &Vm,
    thread: &mlua::Thread,
    function: Option<&mlua::Function>,
    args: impl ExactSizeIterator<Item = Arg<'a>>,
) -> Result<(), Error> {
    let state = thread.state();
    grow(state, args.len())?;
    vm.without_limit(|| {
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
        Arg::Str(text) if text.len() > STRING_MAX => return Err(Error::memory()),
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
fn grow(state: *mut lua_State, count: usize) -> Result<(), Error> {
    let slots = c_int::try_from(count + 8).unwrap_or(c_int::MAX);
    // SAFETY: the state is alive; the call reports failure, it raises nothing.
    if unsafe { ffi::lua_checkstack(state, slots) } == 0 { Err(Error::memory()) } else { Ok(()) }
}

/// Moves the top value of one thread to another of the same state.
fn hand_over(from: *mut lua_State, to: *mut lua_State) {
    // SAFETY: there is a value on `from` and a free slot on `to`.
    unsafe { ffi::lua_xmove(from, to, 1) };
}

fn clear(state: *mut lua_State) {
    // SAFETY: a thread that does not run may lose the values above its last yield.
    unsafe { ffi::lua_settop(state, 0) };
}

/// A frame of a thread.
struct Frame {
    info: lua_Debug,
}

fn find_frame(state: *mut lua_State, level: usize) -> Option<Frame> {
    let level = c_int::try_from(level).ok()?;
    // SAFETY: plain data, all of whose fields may be zero.
    let mut info: lua_Debug = unsafe { mem::zeroed() };
    // SAFETY: the thread does not run, or runs this very call; the record is ours.
    if unsafe { ffi::lua_getstack(state, level, &raw mut info) } == 0 {
        return None;
    }
    // SAFETY: the record was just filled for this thread.
    unsafe { ffi::lua_getinfo(state, c"Sln".as_ptr(), &raw mut info) };
    Some(Frame { info })
}

/// Appends one frame to a traceback.
fn describe(frame: &Frame, out: &mut String) {
    let info = &frame.info;
    let name = text(info.name);
    let kind = text(info.namewhat);
    let what = text(info.what);
    let source = text(info.short_src.as_ptr());
    if source == "[luaproxy]" || (what == "C" && name.is_empty() && info.currentline < 0) {
        return;
    }
    if !out.is_empty() {
        out.push_str(", ");
    }
    out.push_str(&source);
    if info.currentline > 0 {
        write!(out, ":{}", info.currentline).unwrap_or_default();
    }
    let written = if !kind.is_empty() && !name.is_empty() {
        write!(out, ": in {kind} '{name}'")
    } else if what == "main" {
        write!(out, ": in main chunk")
    } else if what == "C" {
        write!(out, ": ?")
    } else {
        write!(out, ": in function line {}", info.linedefined)
    };
    written.unwrap_or_default();
}

fn text(from: *const c_char) -> String {
    if from.is_null() {
        return String::new();
    }
    // SAFETY: LuaJIT's names end with a zero and live as long as the frame.
    unsafe { CStr::from_ptr(from) }.to_string_lossy().into_owned()
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

fn arm(state: *mut lua_State) {
    ARMED.set(true);
    // The dispatch table is not renewed for an unchanged mode, so it is changed twice.
    disarm(state);
    // SAFETY: on the thread that runs the state; LuaJIT allows this in a signal handler.
    unsafe { ffi::lua_sethook(state, Some(hook), ffi::LUA_MASKCOUNT, 1) };
}

fn disarm(state: *mut lua_State) {
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
unsafe extern "C-unwind" fn forced(state: *mut lua_State) -> c_int {
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

/// `roomy()`: whether the C stack has room for one more coroutine.
unsafe extern "C-unwind" fn roomy(state: *mut lua_State) -> c_int {
    let here = stack_pointer();
    let roomy = here > FLOOR.get() && CEILING.get().saturating_sub(here) < NESTING;
    // SAFETY: a C function has free slots.
    unsafe { ffi::lua_pushboolean(state, c_int::from(roomy)) };
    1
}

/// `rearm()`: has the hook run again at once.
unsafe extern "C-unwind" fn rearm(state: *mut lua_State) -> c_int {
    arm(state);
    0
}

/// Returns about where the stack of this thread is.
fn stack_pointer() -> usize {
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
