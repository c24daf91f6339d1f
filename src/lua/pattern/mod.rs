//! Lua's patterns, matched in slices: a search that takes long is suspended and goes on later.
//!
//! The matcher does what LuaJIT's does, to the words of its errors, with a list of choices in place
//! of recursion. All of a [`Search`] is plain data that lies in the script's own memory meanwhile.

use std::cell::Cell;
use std::fmt;

#[cfg(fuzzing)]
pub mod fuzz;
mod item;
mod search;
mod substitution;

#[cfg(test)]
mod tests;

pub(super) use search::Progress;
pub(super) use search::Search;
pub(super) use substitution::Substitution;
pub(super) use substitution::Want;

/// How much one C call does before Lua may be preempted: about a third of a millisecond.
pub(super) const STEPS: usize = 30_000;

/// How much a search may do that is never suspended: about a millisecond.
const QUICK: usize = 120_000;

/// How many captures a pattern may have.
const CAPTURES_MAX: usize = 32;

/// How many choices may be open; LuaJIT's depth of recursion, less the first level.
const CHOICES_MAX: usize = 199;

/// The longest set: testing a byte against it takes that long, and is not suspended.
const SET_MAX: usize = 64 << 10;

/// How many bytes of a pattern are remembered for a message.
const SHOWN_MAX: usize = 64;

/// Why a pattern cannot be matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Error {
    /// The last byte is `%`.
    EndsWithEscape,
    /// A set has no end.
    OpenSet,
    /// `%b` lacks its two bytes.
    Unbalanced,
    /// `%f` lacks its set.
    NoFrontierSet,
    /// A `)` without `(`.
    CloseCapture,
    /// `%1` and no such capture.
    CaptureIndex,
    /// A `(` without `)`.
    OpenCapture,
    /// More than [`CAPTURES_MAX`].
    TooManyCaptures,
    /// More than [`CHOICES_MAX`] choices at a time, or a set of more than [`SET_MAX`] bytes.
    TooComplex,
}

/// What a capture took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Capture {
    /// The bytes of the subject from one place up to another.
    Text(usize, usize),
    /// The place itself.
    Position(usize),
}

/// A search that this thread has not finished.
#[derive(Clone, Copy, Debug)]
pub(super) struct Running {
    shown: [u8; SHOWN_MAX],
    /// The length of the pattern.
    pub pattern: usize,
    /// The length of what is searched.
    pub subject: usize,
}

thread_local! {
    static RUNNING: Cell<Option<Running>> = const { Cell::new(None) };
}

/// Returns the search that the script which runs on this thread has not finished.
pub(super) fn running() -> Option<Running> {
    RUNNING.get()
}

/// Takes note that the running script searches on.
pub(super) fn set_running(pattern: &[u8], subject: &[u8]) {
    let mut shown = [0; SHOWN_MAX];
    for (to, from) in shown.iter_mut().zip(pattern) {
        *to = *from;
    }
    RUNNING.set(Some(Running { shown, pattern: pattern.len(), subject: subject.len() }));
}

/// Takes note that another script runs, or that the search is over.
pub(super) fn forget_running() {
    RUNNING.set(None);
}

static SPECIAL: [bool; 256] = {
    let bytes = b"^$*+?.([%-";
    let mut table = [false; 256];
    let mut index = 0;
    while index < bytes.len() {
        table[bytes[index] as usize] = true;
        index += 1;
    }
    table
};

/// Says whether a pattern is more than its own text.
pub(super) fn is_special(pattern: &[u8]) -> bool {
    pattern.iter().any(|byte| SPECIAL[usize::from(*byte)])
}

/// Says whether a search in so many bytes is over within some turns, whatever the pattern makes of
/// them: each repetition but a last one may be tried with each length, at each place.
pub(super) fn is_quick(pattern: &[u8], subject: usize) -> bool {
    let is_repetition = |byte: &u8| b"*+-?".contains(byte);
    let end = pattern.iter().rposition(|byte| *byte != b')').map_or(0, |last| last + 1);
    let inner = pattern.get(..end.saturating_sub(1)).unwrap_or_default();
    let tries = inner.iter().filter(|byte| is_repetition(byte)).count() + 1;
    // Of what is compared otherwise, more at a time: %b, %f, captures.
    let others = pattern.iter().filter(|byte| **byte == b'%').count();
    let cost = u32::try_from(tries).ok().and_then(|tries| (subject + 1).checked_pow(tries));
    let each = pattern.len() + 1 + if others > 0 { subject / 8 * others } else { 0 };
    cost.and_then(|cost| cost.checked_mul(each)).is_some_and(|cost| cost <= QUICK)
}

/// Returns what LuaJIT sees of a pattern: the bytes before a zero.
pub(super) fn until_zero(pattern: &[u8]) -> &[u8] {
    let end = memchr::memchr(0, pattern).unwrap_or(pattern.len());
    pattern.get(..end).unwrap_or(pattern)
}

impl fmt::Display for Running {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.shown.get(..self.pattern).unwrap_or(&self.shown);
        let more = if self.pattern > SHOWN_MAX { ".." } else { "" };
        let shown = shown.escape_ascii();
        write!(out, "pattern '{shown}{more}' on {} bytes", self.subject)
    }
}

impl Error {
    /// Returns LuaJIT's words for it.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::EndsWithEscape => "malformed pattern (ends with '%')",
            Self::OpenSet => "malformed pattern (missing ']')",
            Self::Unbalanced => "unbalanced pattern",
            Self::NoFrontierSet => "missing '[' after '%f' in pattern",
            Self::CloseCapture => "invalid pattern capture",
            Self::CaptureIndex => "invalid capture index",
            Self::OpenCapture => "unfinished capture",
            Self::TooManyCaptures => "too many captures",
            Self::TooComplex => "pattern too complex",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.text())
    }
}
