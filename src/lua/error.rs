//! Why a call of a script ended early.

use std::borrow::Cow;
use std::fmt;

use super::raw;

/// What ended the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The call used up its processor time.
    Time,
    /// There was no memory left for it.
    Memory,
    /// The script raised an error, or the host raised one in it.
    Raised,
}

/// A script's error; it ends the script's call, never the worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What ended the call.
    pub kind: Kind,
    /// The words, as HAProxy logs them.
    pub message: String,
    /// Where it happened, innermost first, on one line; may be empty.
    pub traceback: String,
    /// Whose script it was; `None` is the operator's own.
    pub tenant: Option<Box<str>>,
    /// Of a script that was ended: what it has used, of which limit.
    pub spent: Option<Box<str>>,
}

impl Error {
    /// Returns an error that the host raises.
    pub fn raised(message: impl Into<String>) -> Self {
        Self {
            kind: Kind::Raised,
            message: message.into(),
            traceback: String::new(),
            tenant: None,
            spent: None,
        }
    }

    /// Returns what is logged of it: HAProxy's words for a state of this number, ours for a tenant.
    pub fn to_log(&self, state: u32) -> String {
        let mut text = match (&self.tenant, &self.spent, self.kind) {
            (Some(tenant), Some(spent), _) => format!("tenant {tenant}: script stopped {spent}"),
            (Some(tenant), None, Kind::Raised) => {
                format!("tenant {tenant}: runtime error: {}", reworded(&self.message))
            }
            (Some(tenant), None, _) => format!("tenant {tenant}: {}", self.message),
            (None, _, Kind::Time | Kind::Memory) => self.message.clone(),
            (None, _, Kind::Raised) if self.message == raw::UNKNOWN => {
                format!("[state-id {state}] {}", self.message)
            }
            (None, _, Kind::Raised) => {
                format!("[state-id {state}] runtime error: {}", reworded(&self.message))
            }
        };
        if !self.traceback.is_empty() {
            let stopped = self.tenant.is_some() && self.spent.is_some();
            text.push_str(if stopped { " in " } else { " from " });
            text.push_str(&self.traceback);
        }
        if let (None, Some(spent)) = (&self.tenant, &self.spent) {
            text.push_str("; stopped ");
            text.push_str(spent);
        }
        text
    }

    /// Returns what is said of it where an init function fails, in HAProxy's words.
    pub(super) fn to_start(&self, state: u32) -> String {
        if self.tenant.is_some() || self.kind != Kind::Raised {
            return self.to_log(state);
        }
        let text = format!("runtime error: '{}'", reworded(&self.message));
        if self.traceback.is_empty() { text } else { format!("{text} from {}", self.traceback) }
    }

    /// Returns what tells failures of different places from one another: what failed, how, and the
    /// script's line.
    pub(super) fn place(&self, what: &str) -> String {
        let text = if self.traceback.is_empty() { &self.message } else { &self.traceback };
        let frames = text.split(", ").filter(|frame| !frame.starts_with("[C]"));
        let line = frames.map(|frame| frame.split(": in ").next()).next().flatten();
        format!("{what} {:?} {}", self.kind, line.unwrap_or_default())
    }

    /// Returns an error for a call that used up its time.
    pub(super) fn time(message: &str, traceback: String) -> Self {
        Self { kind: Kind::Time, traceback, ..Self::raised(message) }
    }

    /// Returns an error for a call that found no memory.
    pub(super) fn memory(traceback: String) -> Self {
        Self { kind: Kind::Memory, traceback, ..Self::raised("out of memory error") }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)?;
        if !self.traceback.is_empty() {
            write!(out, " from {}", self.traceback)?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

impl From<mlua::Error> for Error {
    fn from(error: mlua::Error) -> Self {
        match error {
            mlua::Error::MemoryError(_) => Self::memory(String::new()),
            mlua::Error::SyntaxError { message, .. } => Self::raised(message),
            mlua::Error::RuntimeError(message) => Self::raised(message),
            mlua::Error::CallbackError { cause, .. } => Self::from(cause.as_ref().clone()),
            other => Self::raised(other.to_string()),
        }
    }
}

/// Gives the innermost frame of a traceback the line that the message begins with: LuaJIT has
/// forgotten the line of the function that failed itself.
pub(super) fn place(message: &str, traceback: &mut String) {
    let Some(end) = traceback.find(": in ") else { return };
    let source = traceback.get(..end).unwrap_or_default();
    let line = message.strip_prefix(source).and_then(|rest| rest.strip_prefix(':'));
    let line = line.and_then(|rest| rest.split(':').next());
    if let Some(line) = line.filter(|line| !line.is_empty())
        && line.bytes().all(|byte| byte.is_ascii_digit())
    {
        let line = format!(":{line}");
        traceback.insert_str(end, &line);
    }
}

/// Returns a message of LuaJIT in the words of Lua 5.3, as HAProxy logs them:
/// `index local 't' (a nil value)` is `index a nil value (local 't')` there.
fn reworded(message: &str) -> Cow<'_, str> {
    let parts = || {
        let (before, rest) = message.split_once("attempt to ")?;
        let (variable, rest) = rest.split_once(" (a ")?;
        let (kind, after) = rest.split_once(" value)")?;
        let quote = variable.find(" '")?;
        let space = variable.get(..quote)?.rfind(' ')?;
        let (action, variable) = variable.split_at(space);
        let variable = variable.trim_start();
        Some(format!("{before}attempt to {action} a {kind} value ({variable}){after}"))
    };
    parts().map_or(Cow::Borrowed(message), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_read_as_those_of_lua_5_3() {
        for (luajit, lua) in [
            (
                "t.lua:3: attempt to index local 't' (a nil value)",
                "t.lua:3: attempt to index a nil value (local 't')",
            ),
            (
                "attempt to perform arithmetic on field 'x' (a table value)",
                "attempt to perform arithmetic on a table value (field 'x')",
            ),
            ("attempt to call a nil value", "attempt to call a nil value"),
            ("attempt to compare nil with number", "attempt to compare nil with number"),
            ("boom (a nil value)", "boom (a nil value)"),
        ] {
            assert_eq!(reworded(luajit), lua);
        }
    }

    #[test]
    fn the_failing_line_is_put_into_the_traceback() {
        for (message, traceback, expected) in [
            ("a.lua:3: x", "a.lua: in function line 1", "a.lua:3: in function line 1"),
            ("a.lua:3: x", "[C]: in global 'error'", "[C]: in global 'error'"),
            ("boom", "a.lua: in main chunk", "a.lua: in main chunk"),
            ("a.lua:x: y", "a.lua: in main chunk", "a.lua: in main chunk"),
            ("a.lua:3: x", "a.lua:5: in main chunk", "a.lua:5: in main chunk"),
            ("", "", ""),
        ] {
            let mut text = traceback.to_owned();
            place(message, &mut text);
            assert_eq!(text, expected);
        }
    }

    proptest::proptest! {
        #[test]
        fn no_message_is_too_strange(message in "\\PC*", at in 0usize..40, trace in "\\PC*: in \\PC*") {
            let mut text = trace.clone();
            place(&message, &mut text);
            proptest::prop_assert!(text.len() >= trace.len());
            let cut: String = message.chars().take(at).collect();
            let error = format!("{cut}attempt to {message} (a {cut} value){message}");
            proptest::prop_assert!(reworded(&error).len() + 8 >= error.len());
        }
    }
}
