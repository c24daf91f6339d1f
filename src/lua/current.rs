//! Which call runs on this thread now: what host functions may do in it and whom it concerns.

use std::cell::Cell;
use std::cell::RefCell;

use crate::txn;

/// The contexts of HAProxy's Lua.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Context {
    /// The body of a file.
    Body,
    /// A function given to `core.register_init`.
    Init,
    /// A function given to `core.register_task`.
    Task,
    /// An action of a rule.
    Action,
    /// A sample fetch.
    Fetch,
    /// A converter.
    Converter,
    /// A service.
    Service,
}

/// What is known of the running call.
#[derive(Clone, Debug)]
pub(super) struct Current {
    pub context: Context,
    /// The exchange it is made for.
    pub txn: Option<txn::Handle>,
}

thread_local! {
    static CURRENT: RefCell<Option<Current>> = const { RefCell::new(None) };
    /// When an action that yields wants to be called again, in milliseconds.
    static WAKE: Cell<Option<u32>> = const { Cell::new(None) };
    /// How many sockets the running call has opened, less those it has closed.
    static OPENED: Cell<i32> = const { Cell::new(0) };
}

impl Context {
    /// Says whether a call in this context may wait.
    pub fn may_wait(self) -> bool {
        matches!(self, Self::Task | Self::Action | Self::Service)
    }

    /// Returns the name in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Body => "body",
            Self::Init => "init",
            Self::Task => "task",
            Self::Action => "action",
            Self::Fetch => "sample-fetch",
            Self::Converter => "converter",
            Self::Service => "service",
        }
    }
}

/// Runs a step of a call as the current one.
pub(super) fn with<T>(current: &Current, step: impl FnOnce() -> T) -> T {
    let outer = CURRENT.replace(Some(current.clone()));
    let result = step();
    CURRENT.set(outer);
    result
}

/// Returns the context of the running call; outside of any, that of a task.
pub(super) fn context() -> Context {
    CURRENT.with_borrow(|current| current.as_ref().map_or(Context::Task, |current| current.context))
}

/// Returns the exchange the running call is made for.
pub(super) fn txn() -> Option<txn::Shared> {
    CURRENT.with_borrow(|current| current.as_ref()?.txn.as_ref()?.upgrade())
}

pub(super) fn set_wake(milliseconds: Option<u32>) {
    WAKE.set(milliseconds);
}

pub(super) fn take_wake() -> Option<u32> {
    WAKE.take()
}

/// Takes note that the running call has opened a socket.
pub(super) fn note_opened() {
    OPENED.set(OPENED.get().saturating_add(1));
}

/// Takes note that the running call has closed a socket.
pub(super) fn note_closed() {
    OPENED.set(OPENED.get().saturating_sub(1));
}

/// Returns how many sockets have been opened since the last time, less those closed.
pub(super) fn take_opened() -> i32 {
    OPENED.take()
}
