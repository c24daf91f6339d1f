//! Which call runs on this thread now: what host functions may do in it and whom it concerns.

use std::cell::Cell;
use std::cell::RefCell;
use std::rc::Weak;

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
    /// What the running call has opened since its last step.
    static OPENED: RefCell<Vec<Weak<dyn Close>>> = const { RefCell::new(Vec::new()) };
}

/// What a call opens: a script may leave it open, or be ended before it closes it.
pub(super) trait Close {
    fn is_open(&self) -> bool;
    /// Gives back what it holds of the host.
    fn close(&self);
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

/// Takes note of what the running call has opened.
pub(super) fn note_opened(opened: Weak<dyn Close>) {
    OPENED.with_borrow_mut(|list| list.push(opened));
}

/// Takes what has been opened since the last time.
pub(super) fn take_opened() -> Vec<Weak<dyn Close>> {
    OPENED.take()
}
