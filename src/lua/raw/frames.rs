//! The walk over the frames of a script that failed.

use std::ffi::CStr;
use std::ffi::c_char;
use std::ffi::c_int;
use std::fmt::Write;
use std::mem;

use mlua::ffi;
use mlua::ffi::lua_Debug;
use mlua::ffi::lua_State;

/// How many frames a traceback shows.
const FRAMES_MAX: usize = 24;

/// Returns the frames of a thread that does not run, as [`of`] does.
pub(in crate::lua) fn traceback(thread: &mlua::Thread) -> String {
    of(thread.state())
}

/// Returns the frames of a thread, innermost first, on one line as HAProxy writes them.
pub(super) fn of(state: *mut lua_State) -> String {
    let mut out = String::new();
    let mut level = 0;
    while let Some(frame) = find_frame(state, level)
        && level < FRAMES_MAX
    {
        level += 1;
        describe(&frame, &mut out);
    }
    out
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
