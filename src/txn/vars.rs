//! Variables: few and small, so a list is searched.

use std::any::Any;
use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::value::Value;

/// How long a variable lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// As long as the process.
    Proc,
    /// As long as the connection.
    Sess,
    /// As long as the exchange.
    Txn,
    /// While the request is processed.
    Req,
    /// While the response is processed.
    Res,
    /// As long as a health check.
    Check,
}

/// What is kept with a variable and dropped with it: whose memory it is.
pub type Held = Option<Arc<dyn Any + Send + Sync>>;

/// The variables of one scope.
#[derive(Clone, Debug, Default)]
pub struct Vars {
    list: Vec<Var>,
}

#[derive(Clone, Debug)]
struct Var {
    name: Arc<str>,
    value: Value,
    held: Held,
}

impl Scope {
    /// Splits `txn.name` into scope and name; `None` for an unknown scope or a name that is not
    /// made of letters, digits, `.` and `_`.
    pub fn split(text: &str) -> Option<(Self, &str)> {
        let (scope, name) = text.split_once('.')?;
        let scope = match scope {
            "proc" => Self::Proc,
            "sess" => Self::Sess,
            "txn" => Self::Txn,
            "req" => Self::Req,
            "res" => Self::Res,
            "check" => Self::Check,
            _ => return None,
        };
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.';
        (!name.is_empty() && name.bytes().all(legal)).then_some((scope, name))
    }
}

impl Vars {
    /// Returns the value of a variable.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.list.iter().find(|var| &*var.name == name).map(|var| &var.value)
    }

    /// Sets a variable, and what is dropped when it is changed or removed.
    pub fn set(&mut self, name: &str, value: Value, held: Held) {
        match self.list.iter_mut().find(|var| &*var.name == name) {
            Some(var) => (var.value, var.held) = (value, held),
            None => self.list.push(Var { name: name.into(), value, held }),
        }
    }

    /// Removes a variable.
    pub fn unset(&mut self, name: &str) {
        self.list.retain(|var| &*var.name != name);
    }

    /// Returns how many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Tells whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

/// The variables of scope `proc`, swapped as a whole: read often, written seldom.
static PROCESS: std::sync::LazyLock<ArcSwap<Vars>> = std::sync::LazyLock::new(ArcSwap::default);

/// Returns a variable of the process.
pub(super) fn process(name: &str) -> Option<Value> {
    PROCESS.load().get(name).cloned()
}

/// Returns how many variables the process has.
pub(super) fn process_len() -> usize {
    PROCESS.load().len()
}

/// Sets a variable of the process.
pub(super) fn set_process(name: &str, value: &Value, held: &Held) {
    change_process(|vars| vars.set(name, value.clone(), held.clone()));
}

/// Removes a variable of the process.
pub(super) fn unset_process(name: &str) {
    change_process(|vars| vars.unset(name));
}

fn change_process(change: impl Fn(&mut Vars)) {
    PROCESS.rcu(|vars| {
        let mut vars = Vars::clone(vars);
        change(&mut vars);
        Arc::new(vars)
    });
}
