//! What a rule does: its inputs are evaluated first, which may wait for a script; then it acts at
//! once.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;

use crate::sample::Eval;
use crate::sample::Expr;
use crate::sample::Format;
use crate::script as host;
use crate::txn::Direction;
use crate::txn::Txn;
use crate::value::Value;

use super::Verdict;
use super::script;
use super::wait;

/// How many inputs an action has at most before they are kept on the heap.
const FEW: usize = 4;

/// The action of a rule.
#[derive(Debug)]
pub(super) enum Action {
    /// Ends the set.
    End(Verdict),
    /// Rewriting errors end the exchange from here on, or do not.
    Strict(bool),
    /// Evaluates the inputs, then acts.
    Native { inputs: Vec<Input>, act: Box<dyn Act> },
    /// Calls a script.
    Script { id: host::Id, arguments: Vec<Bytes> },
    /// Runs a service in the place of a server.
    Service { id: host::Id, name: std::sync::Arc<str> },
    /// Waits for the body of the message.
    WaitForBody { time: Duration, at_least: usize },
}

/// What an action is given.
#[derive(Debug)]
pub(super) enum Input {
    /// A sample expression.
    Expr(Expr),
    /// A log-format string.
    Format(Format),
}

/// How an action ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Done {
    /// With this verdict.
    Verdict(Verdict),
    /// What it should have written is not legal there: an internal error, in strict mode.
    Unwritable,
    /// `strict-mode`: on or off from here on.
    Strict(bool),
}

/// An action that needs no script, once its inputs are there.
pub(super) trait Act: fmt::Debug + Send + Sync {
    /// Does it. `inputs` are those of the rule, in order.
    fn run(&self, txn: &mut Txn, inputs: &mut [Option<Value>], direction: Direction) -> Done;

    /// Tells whether the rule set always ends here.
    fn is_final(&self) -> bool {
        false
    }
}

impl Done {
    /// The next rule.
    pub(super) const NEXT: Self = Self::Verdict(Verdict::Continue);

    /// Returns the next rule where `written`, and a rewriting error otherwise.
    pub(super) fn written(written: bool) -> Self {
        if written { Self::NEXT } else { Self::Unwritable }
    }
}

impl Action {
    /// Does it.
    pub(super) async fn run(&self, eval: Eval<'_>) -> Done {
        match self {
            Self::End(verdict) => Done::Verdict(*verdict),
            Self::Strict(on) => Done::Strict(*on),
            Self::Native { inputs, act } => {
                if inputs.len() <= FEW {
                    let mut values = [const { None }; FEW];
                    native(inputs, &mut values, &**act, eval).await
                } else {
                    let mut values = vec![None; inputs.len()];
                    native(inputs, &mut values, &**act, eval).await
                }
            }
            Self::Script { id, arguments } => {
                Done::Verdict(script::run(*id, arguments, eval).await)
            }
            Self::Service { id, name } => {
                eval.txn.borrow_mut().service = Some(std::sync::Arc::clone(name));
                Done::Verdict(Verdict::Service(*id))
            }
            Self::WaitForBody { time, at_least } => {
                wait::for_body(eval, *time, *at_least).await;
                Done::NEXT
            }
        }
    }

    /// Tells whether the rule set always ends here.
    pub(super) fn is_final(&self) -> bool {
        match self {
            Self::End(_) | Self::Service { .. } => true,
            Self::Native { act, .. } => act.is_final(),
            Self::Strict(_) | Self::Script { .. } | Self::WaitForBody { .. } => false,
        }
    }
}

async fn native(
    inputs: &[Input],
    values: &mut [Option<Value>],
    act: &dyn Act,
    eval: Eval<'_>,
) -> Done {
    for (input, value) in inputs.iter().zip(values.iter_mut()) {
        *value = input.eval(eval).await;
    }
    let mut txn = eval.txn.borrow_mut();
    if txn.refused.is_some() {
        // What an input would have been is not known.
        return Done::Verdict(Verdict::Deny);
    }
    act.run(&mut txn, values, eval.direction)
}

impl Input {
    async fn eval(&self, eval: Eval<'_>) -> Option<Value> {
        match self {
            Self::Expr(expr) => expr.eval(eval).await,
            Self::Format(format) => match format.as_constant() {
                Some(text) => Some(Value::Str(text.clone())),
                None => Some(Value::Str(format.eval(eval).await)),
            },
        }
    }
}

/// Takes an input out as text; empty where there is none.
pub(super) fn take_text(inputs: &mut [Option<Value>], index: usize) -> Bytes {
    inputs.get_mut(index).and_then(Option::take).map(Value::into_bytes).unwrap_or_default()
}

/// Takes an input out.
pub(super) fn take(inputs: &mut [Option<Value>], index: usize) -> Option<Value> {
    inputs.get_mut(index).and_then(Option::take)
}
