//! Why a call of a script ended early.

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
}

impl Error {
    /// Returns an error that the host raises.
    pub fn raised(message: impl Into<String>) -> Self {
        Self { kind: Kind::Raised, message: message.into(), traceback: String::new() }
    }

    /// Returns what HAProxy logs of it for a state of this number.
    pub fn to_log(&self, state: u32) -> String {
        let mut text = match self.kind {
            Kind::Time | Kind::Memory => self.message.clone(),
            Kind::Raised if self.message == raw::UNKNOWN => {
                format!("[state-id {state}] {}", self.message)
            }
            Kind::Raised => format!("[state-id {state}] runtime error: {}", self.message),
        };
        if !self.traceback.is_empty() {
            text.push_str(" from ");
            text.push_str(&self.traceback);
        }
        text
    }

    /// Returns an error for a call that used up its time.
    pub(super) fn time(message: &str, traceback: String) -> Self {
        Self { kind: Kind::Time, message: message.to_owned(), traceback }
    }

    /// Returns an error for a call that found no memory.
    pub(super) fn memory() -> Self {
        Self {
            kind: Kind::Memory,
            message: "out of memory error".to_owned(),
            traceback: String::new(),
        }
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
            mlua::Error::MemoryError(_) => Self::memory(),
            mlua::Error::SyntaxError { message, .. } => Self::raised(message),
            mlua::Error::RuntimeError(message) => Self::raised(message),
            mlua::Error::CallbackError { cause, .. } => Self::from(cause.as_ref().clone()),
            other => Self::raised(other.to_string()),
        }
    }
}
