//! Variables: few and small, so a list is searched.

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

/// The variables of one scope.
#[derive(Clone, Debug, Default)]
pub struct Vars {
    list: Vec<(Box<str>, Value)>,
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
        self.list.iter().find(|(known, _)| &**known == name).map(|(_, value)| value)
    }

    /// Sets a variable.
    pub fn set(&mut self, name: &str, value: Value) {
        match self.list.iter_mut().find(|(known, _)| &**known == name) {
            Some((_, old)) => *old = value,
            None => self.list.push((name.into(), value)),
        }
    }

    /// Removes a variable.
    pub fn unset(&mut self, name: &str) {
        self.list.retain(|(known, _)| &**known != name);
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

/// Sets or removes a variable of the process.
pub(super) fn set_process(name: &str, value: Option<&Value>) {
    PROCESS.rcu(|vars| {
        let mut vars = Vars::clone(vars);
        match value {
            Some(value) => vars.set(name, value.clone()),
            None => vars.unset(name),
        }
        Arc::new(vars)
    });
}
