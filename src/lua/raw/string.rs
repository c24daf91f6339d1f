//! The C functions below `string.find` and its kin: they do a slice of the work and return.
//!
//! What they make of a wrong argument has no message: LuaJIT's own function says what is wrong.
//! A function of LuaJIT may raise an error for want of memory, which unwinds the frames here: they
//! hold nothing meanwhile that would have to be dropped.

use std::cell::RefCell;
use std::ffi::c_int;
use std::ffi::c_void;
use std::ptr;
use std::slice;

use mlua::ffi;
use mlua::ffi::lua_State;

use super::FAIL;
use super::token;
use crate::lua::pattern;
use crate::lua::pattern::Capture;
use crate::lua::pattern::Error;
use crate::lua::pattern::Progress;
use crate::lua::pattern::Search;
use crate::lua::pattern::Substitution;
use crate::lua::pattern::Want;

/// What a search gives the script.
#[derive(Clone, Copy)]
enum Gives {
    /// `find`: the range and the captures.
    Range,
    /// `match`: the captures, or the whole match.
    Captures,
    /// The range, and what `match` gives.
    Both,
}

/// A suspended search, as a userdata without finalizer.
#[derive(Clone, Copy)]
struct Paused {
    search: Search,
    gives: Gives,
}

/// The address is the token: a search goes on.
pub(super) static PAUSED: u8 = 5;

/// What it costs to look up a replacement, in steps.
const LOOKUP: usize = 8;

/// The longest result buffer that is kept for further calls.
const KEPT: usize = 128 << 10;

thread_local! {
    static SEARCH: RefCell<Search> = const { RefCell::new(Search::new()) };
    static SUBSTITUTION: RefCell<Substitution> = const { RefCell::new(Substitution::new()) };
    static OUT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

#[cfg(test)]
thread_local! {
    /// Overrides the steps of one call.
    static STEPS: std::cell::Cell<Option<usize>> = const { std::cell::Cell::new(None) };
}

/// Overrides the steps of one call on this thread.
#[cfg(test)]
pub(in crate::lua) fn set_steps(steps: Option<usize>) {
    STEPS.set(steps);
}

/// `find(subject, pattern, init, plain)`.
pub(super) unsafe extern "C-unwind" fn find(state: *mut lua_State) -> c_int {
    let (Some(subject), Some(pattern)) = (text(state, 1), text(state, 2)) else {
        return wrong(state);
    };
    let start = match start(state, 3, subject.len()) {
        Start::At(start) => start,
        Start::Beyond => return push_nil(state),
        Start::Wrong => return wrong(state),
    };
    if truth(state, 4) || !pattern::is_special(pattern) {
        let rest = subject.get(start..).unwrap_or_default();
        let Some(at) = memchr::memmem::find(rest, pattern) else { return push_nil(state) };
        push_number(state, start + at + 1);
        push_number(state, start + at + pattern.len());
        return 2;
    }
    begin(state, subject, pattern, start, Gives::Range)
}

/// `match(subject, pattern, init)`.
pub(super) unsafe extern "C-unwind" fn match_(state: *mut lua_State) -> c_int {
    let (Some(subject), Some(pattern)) = (text(state, 1), text(state, 2)) else {
        return wrong(state);
    };
    match start(state, 3, subject.len()) {
        Start::At(start) => begin(state, subject, pattern, start, Gives::Captures),
        Start::Beyond => push_nil(state),
        Start::Wrong => wrong(state),
    }
}

/// `next(subject, pattern, at, anchored)`: the match from a place on; `^` means itself.
pub(super) unsafe extern "C-unwind" fn next(state: *mut lua_State) -> c_int {
    let (Some(subject), Some(pattern)) = (text(state, 1), text(state, 2)) else {
        return wrong(state);
    };
    match start(state, 3, subject.len()) {
        Start::At(start) => {
            let anchored = truth(state, 4);
            SEARCH.with_borrow_mut(|search| search.begin(start, anchored));
            search_on(state, subject, pattern, Gives::Both)
        }
        Start::Beyond => push_nil(state),
        Start::Wrong => wrong(state),
    }
}

/// `each(subject, pattern)`: what `gmatch` returns, where no search takes long; else nothing.
pub(super) unsafe extern "C-unwind" fn each(state: *mut lua_State) -> c_int {
    let (Some(subject), Some(pattern)) = (text(state, 1), text(state, 2)) else { return 0 };
    if is_slowed() || !pattern::is_quick(pattern::until_zero(pattern), subject.len()) {
        return 0;
    }
    // SAFETY: the two arguments are there, and a C function has free slots.
    unsafe { ffi::lua_settop(state, 2) };
    push_number(state, 0);
    // SAFETY: three values are on top.
    unsafe { ffi::lua_pushcclosure(state, following, 3) };
    1
}

/// The next match of what [`each`] was given.
unsafe extern "C-unwind" fn following(state: *mut lua_State) -> c_int {
    let [subject, pattern, at] = [1, 2, 3].map(ffi::lua_upvalueindex);
    let (Some(subject), Some(pattern), Some(start)) =
        (text(state, subject), text(state, pattern), number(state, at, 0.0))
    else {
        return 0;
    };
    let Ok(start) = usize::try_from(to_integer(start, f64::from(i32::MIN))) else { return 0 };
    if start > subject.len() {
        return 0;
    }
    let progress = SEARCH.with_borrow_mut(|search| {
        search.begin(start, false);
        search.run(subject, pattern::until_zero(pattern), &mut (usize::MAX >> 8))
    });
    let range = match progress {
        Ok(Progress::Found(first, last)) => (first, last),
        Ok(_) => return 0,
        Err(error) => return fail(state, error),
    };
    push_number(state, range.1 + usize::from(range.0 == range.1));
    // SAFETY: the index is that of an upvalue, and its value is on top.
    unsafe { ffi::lua_replace(state, at) };
    let count = SEARCH.with_borrow(Search::level).max(1);
    for index in 0..count {
        match SEARCH.with_borrow(|search| search.capture(index, range)) {
            Ok(capture) => push_capture(state, subject, capture),
            Err(error) => return fail(state, error),
        }
    }
    c_int::try_from(count).unwrap_or(0)
}

/// Raises an error where the script called.
fn fail(state: *mut lua_State, error: Error) -> c_int {
    push_text(state, error.text().as_bytes());
    // SAFETY: a C function has free slots, and the caller is a level.
    unsafe { ffi::luaL_where(state, 1) };
    // SAFETY: the two are on top, and change places.
    unsafe { ffi::lua_insert(state, -2) };
    // SAFETY: two strings are on top.
    unsafe { ffi::lua_concat(state, 2) };
    // SAFETY: the error is on top; the frames it unwinds hold nothing.
    unsafe { ffi::lua_error(state) }
}

/// `go_on(subject, pattern, paused)`: goes on with a suspended search.
pub(super) unsafe extern "C-unwind" fn go_on(state: *mut lua_State) -> c_int {
    let (Some(subject), Some(pattern)) = (text(state, 1), text(state, 2)) else {
        return wrong(state);
    };
    let Some(paused) = load::<Paused>(state, 3) else { return wrong(state) };
    SEARCH.set(paused.search);
    pattern::forget_running();
    search_on(state, subject, pattern, paused.gives)
}

/// `substitute(subject, pattern, replacement, most, paused)`: a piece of the result, how many
/// matches were replaced, and what to go on with; or nil and a message.
///
/// The replacement is text, or a table that is read as it is.
pub(super) unsafe extern "C-unwind" fn substitute(state: *mut lua_State) -> c_int {
    let (Some(subject), Some(pattern)) = (text(state, 1), text(state, 2)) else { return 0 };
    let replacement = text(state, 3);
    let Some(most) = most(state, 4, subject.len()) else { return 0 };
    if replacement.is_none() && kind(state, 3) != ffi::LUA_TTABLE {
        return 0;
    }
    if let Some(paused) = load::<Substitution>(state, 5) {
        SUBSTITUTION.set(paused);
        pattern::forget_running();
    } else {
        let anchored = pattern.first() == Some(&b'^');
        SUBSTITUTION.with_borrow_mut(|substitution| substitution.begin(anchored, most));
    }
    let mut steps = steps();
    let pattern = effective(pattern, with_substitution(|it, _| it.search.is_anchored()));
    with_substitution(|_, out| out.clear());
    let done = loop {
        let want = with_substitution(|it, out| match replacement {
            Some(text) => it.replace(subject, pattern, text, out, &mut steps),
            None => it.run(subject, pattern, out, &mut steps),
        });
        match want {
            Ok(Want::Replacement(first, last)) => {
                steps = steps.saturating_sub(LOOKUP);
                if let Err(failure) = look_up(state, subject, (first, last)) {
                    return push_failure(state, failure);
                }
            }
            Ok(Want::Turn) => break false,
            Ok(Want::Nothing) => break true,
            Err(error) => return push_failure(state, error),
        }
    };
    push_out(state);
    push_number(state, with_substitution(|it, _| it.count()));
    if done {
        return 2;
    }
    pattern::set_running(pattern, subject);
    store(state, 5, &SUBSTITUTION.with_borrow(|it| *it));
    3
}

/// Begins `find` or `match`, where `^` at the beginning stands for the beginning.
fn begin(
    state: *mut lua_State,
    subject: &[u8],
    pattern: &[u8],
    start: usize,
    gives: Gives,
) -> c_int {
    let anchored = pattern.first() == Some(&b'^');
    SEARCH.with_borrow_mut(|search| search.begin(start, anchored));
    search_on(state, subject, pattern, gives)
}

/// Searches with the thread's [`SEARCH`] and gives the script what comes of it.
fn search_on(state: *mut lua_State, subject: &[u8], pattern: &[u8], gives: Gives) -> c_int {
    let progress = SEARCH.with_borrow_mut(|search| {
        let pattern = effective(pattern, search.is_anchored());
        search.run(subject, pattern, &mut steps())
    });
    let (first, last) = match progress {
        Ok(Progress::Found(first, last)) => (first, last),
        Ok(Progress::Missed) => return push_nil(state),
        Ok(Progress::Paused) => {
            pattern::set_running(pattern, subject);
            push_token(state, &PAUSED);
            let paused = Paused { search: SEARCH.with_borrow(|search| *search), gives };
            store(state, 3, &paused);
            return 2;
        }
        Err(error) => return push_error(state, error.text()),
    };
    let range = if matches!(gives, Gives::Captures) {
        0
    } else {
        push_number(state, first + 1);
        push_number(state, last);
        2
    };
    let level = SEARCH.with_borrow(Search::level);
    let captures = if matches!(gives, Gives::Range) { level } else { level.max(1) };
    for index in 0..captures {
        match SEARCH.with_borrow(|search| search.capture(index, (first, last))) {
            Ok(capture) => push_capture(state, subject, capture),
            Err(error) => return push_error(state, error.text()),
        }
    }
    range + c_int::try_from(captures).unwrap_or(0)
}

/// Writes what a table has for the match.
fn look_up(state: *mut lua_State, subject: &[u8], range: (usize, usize)) -> Result<(), Failure> {
    let key = with_substitution(|it, _| it.search.capture(0, range))?;
    push_capture(state, subject, key);
    // SAFETY: index 3 is a table, and the key is on top.
    unsafe { ffi::lua_rawget_(state, 3) };
    let value = if truth(state, -1) {
        let Some(value) = text(state, -1) else { return Err(Failure::Value(kind(state, -1))) };
        value
    } else {
        subject.get(range.0..range.1).unwrap_or_default()
    };
    with_substitution(|it, out| {
        out.extend_from_slice(value);
        it.finish(subject, out);
    });
    // SAFETY: the value is on top, and no longer needed.
    unsafe { ffi::lua_settop(state, -2) };
    Ok(())
}

/// Why a substitution fails.
enum Failure {
    Pattern(Error),
    /// A table had a value of this type.
    Value(c_int),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Pattern(error)
    }
}

fn with_substitution<T>(run: impl FnOnce(&mut Substitution, &mut Vec<u8>) -> T) -> T {
    SUBSTITUTION.with_borrow_mut(|substitution| OUT.with_borrow_mut(|out| run(substitution, out)))
}

/// Returns what is matched of a pattern.
fn effective(pattern: &[u8], anchored: bool) -> &[u8] {
    let pattern = pattern::until_zero(pattern);
    pattern.get(usize::from(anchored)..).unwrap_or_default()
}

/// Where a search begins.
enum Start {
    At(usize),
    Beyond,
    /// The argument is no number.
    Wrong,
}

/// Returns the place in a subject that an argument names, as LuaJIT understands it.
fn start(state: *mut lua_State, index: c_int, length: usize) -> Start {
    let Some(from) = number(state, index, 1.0) else { return Start::Wrong };
    let from = to_integer(from, f64::from(i32::MIN));
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    let start = if from < 0 { from + length } else { from - 1 };
    match usize::try_from(start.max(0)) {
        Ok(start) if start as i64 <= length => Start::At(start),
        _ => Start::Beyond,
    }
}

/// Returns how many matches `gsub` is to replace.
fn most(state: *mut lua_State, index: c_int, length: usize) -> Option<usize> {
    if is_nil(state, index) {
        return Some(length + 1);
    }
    let most = to_integer(number(state, index, 0.0)?, -9_223_372_036_854_775_808.0);
    #[expect(clippy::cast_possible_truncation, reason = "LuaJIT keeps 32 bits of it")]
    Some(usize::try_from(most as i32).unwrap_or(0))
}

/// Truncates as the processor does: beyond `-low` all becomes `low`.
fn to_integer(number: f64, low: f64) -> i64 {
    let fits = number >= low && number < -low;
    #[expect(clippy::cast_possible_truncation, reason = "the range was checked")]
    let integer = if fits { number as i64 } else { low as i64 };
    integer
}

/// Says whether searches are suspended as often as can be.
fn is_slowed() -> bool {
    #[cfg(test)]
    if STEPS.get().is_some() {
        return true;
    }
    cfg!(luaproxy_zeal)
}

fn steps() -> usize {
    #[cfg(test)]
    if let Some(steps) = STEPS.get() {
        return steps;
    }
    // Few enough that everything is suspended now and then.
    if cfg!(luaproxy_zeal) { 7 } else { pattern::STEPS }
}

/// Returns the text of an argument: of a string, or of a number.
fn text<'a>(state: *mut lua_State, index: c_int) -> Option<&'a [u8]> {
    let mut length = 0;
    // SAFETY: the index is acceptable; a number is replaced by its text in the frame of this call.
    let start = unsafe { ffi::lua_tolstring(state, index, &raw mut length) };
    if start.is_null() {
        return None;
    }
    // SAFETY: a string does not move, and stays where it is in the frame until the call returns.
    Some(unsafe { slice::from_raw_parts(start.cast(), length) })
}

/// Returns an optional argument that is a number, or reads as one.
fn number(state: *mut lua_State, index: c_int, default: f64) -> Option<f64> {
    if is_nil(state, index) {
        return Some(default);
    }
    // SAFETY: the index is acceptable.
    if unsafe { ffi::lua_isnumber(state, index) } == 0 {
        return None;
    }
    // SAFETY: the index is acceptable.
    Some(unsafe { ffi::lua_tonumber(state, index) })
}

fn kind(state: *mut lua_State, index: c_int) -> c_int {
    // SAFETY: the index is acceptable.
    unsafe { ffi::lua_type(state, index) }
}

fn is_nil(state: *mut lua_State, index: c_int) -> bool {
    kind(state, index) <= ffi::LUA_TNIL
}

fn truth(state: *mut lua_State, index: c_int) -> bool {
    // SAFETY: the index is acceptable.
    let truth = unsafe { ffi::lua_toboolean(state, index) };
    truth != 0
}

/// Reads what [`store`] has kept in an argument.
fn load<T: Copy>(state: *mut lua_State, index: c_int) -> Option<T> {
    let place = find_place::<T>(state, index)?;
    // SAFETY: only `store` makes a userdata of this size that has no metatable.
    Some(unsafe { ptr::read(place.cast()) })
}

/// Puts plain data on the stack, in the userdata of an argument if it is there.
fn store<T: Copy>(state: *mut lua_State, index: c_int, data: &T) {
    let place = if let Some(place) = find_place::<T>(state, index) {
        // SAFETY: the index is that of a value, and there is a free slot.
        unsafe { ffi::lua_pushvalue(state, index) };
        place
    } else {
        // SAFETY: there is a free slot.
        unsafe { ffi::lua_newuserdata(state, size_of::<T>()) }
    };
    // SAFETY: the userdata has this size, and LuaJIT aligns it for any of C's types.
    unsafe { ptr::write(place.cast(), *data) };
}

/// Returns where an argument has room for plain data.
fn find_place<T>(state: *mut lua_State, index: c_int) -> Option<*mut c_void> {
    // SAFETY: the index is acceptable.
    let size = unsafe { ffi::lua_objlen(state, index) };
    if kind(state, index) != ffi::LUA_TUSERDATA || size != size_of::<T>() {
        return None;
    }
    // SAFETY: the index is acceptable; without a metatable nothing is pushed.
    if unsafe { ffi::lua_getmetatable(state, index) } != 0 {
        return None;
    }
    // SAFETY: the index is acceptable.
    Some(unsafe { ffi::lua_touserdata(state, index) }).filter(|place| !place.is_null())
}

fn push_nil(state: *mut lua_State) -> c_int {
    // SAFETY: a C function has free slots.
    unsafe { ffi::lua_pushnil(state) };
    1
}

#[expect(clippy::cast_precision_loss, reason = "no string is that long")]
fn push_number(state: *mut lua_State, number: usize) {
    // SAFETY: a C function has free slots.
    unsafe { ffi::lua_pushnumber(state, number as f64) };
}

fn push_token(state: *mut lua_State, of: &'static u8) {
    // SAFETY: a C function has free slots.
    unsafe { ffi::lua_pushlightuserdata(state, token(of).0) };
}

fn push_text(state: *mut lua_State, text: &[u8]) {
    // SAFETY: the pointer and length are one slice's; there is a free slot.
    unsafe { ffi::lua_pushlstring_(state, text.as_ptr().cast(), text.len()) };
}

/// Puts a capture on the stack; the frame of a C function has 20 slots, a pattern more captures.
fn push_capture(state: *mut lua_State, subject: &[u8], capture: Capture) {
    // SAFETY: one slot is asked for; the stack of a C function may have 8,000.
    unsafe { ffi::lua_checkstack(state, 1) };
    match capture {
        Capture::Position(at) => push_number(state, at + 1),
        Capture::Text(first, last) => {
            push_text(state, subject.get(first..last).unwrap_or_default());
        }
    }
}

/// Puts the piece of a result on the stack.
fn push_out(state: *mut lua_State) {
    let (start, length) = OUT.with_borrow(|out| (out.as_ptr(), out.len()));
    // SAFETY: nothing writes to the buffer while LuaJIT copies it.
    unsafe { ffi::lua_pushlstring_(state, start.cast(), length) };
    OUT.with_borrow_mut(|out| {
        if out.capacity() > KEPT {
            *out = Vec::new();
        }
    });
}

/// Says that an argument is wrong.
fn wrong(state: *mut lua_State) -> c_int {
    push_token(state, &FAIL);
    1
}

/// Has the script raise an error in its own place.
fn push_error(state: *mut lua_State, message: &str) -> c_int {
    push_token(state, &FAIL);
    push_text(state, message.as_bytes());
    2
}

/// Puts nil and a message on the stack.
fn push_failure(state: *mut lua_State, failure: impl Into<Failure>) -> c_int {
    push_nil(state);
    match failure.into() {
        Failure::Pattern(error) => push_text(state, error.text().as_bytes()),
        Failure::Value(kind) => {
            // SAFETY: the type is one of a value.
            let name = unsafe { ffi::lua_typename(state, kind) };
            // SAFETY: the format takes one string, which LuaJIT keeps for ever.
            unsafe {
                ffi::lua_pushfstring(state, c"invalid replacement value (a %s)".as_ptr(), name)
            };
        }
    }
    2
}
