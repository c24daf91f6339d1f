//! What surrounds an expression when it is parsed and when it is evaluated.

use std::cell::Cell;
use std::cell::RefCell;
use std::convert::Infallible;
use std::fmt;
use std::rc::Rc;

use bytes::Bytes;

use crate::proxy;
use crate::script;
use crate::txn;
use crate::txn::Direction;
use crate::txn::Held;
use crate::txn::Scope;
use crate::txn::Txn;
use crate::value::Value;

use super::acl;
use super::checkpoint::Checkpoint;

/// What is known where an expression is parsed.
#[derive(Clone, Copy)]
pub struct Env<'a> {
    /// What scripts have registered.
    pub scripts: &'a dyn script::Registry,
    /// The names of all proxies.
    pub proxies: &'a proxy::Directory,
    /// The proxy whose section this is.
    pub current: Option<proxy::Id>,
    /// The ACLs named so far in this section.
    pub acls: &'a acl::Table,
    /// Where the expression stands.
    pub checkpoint: Checkpoint,
    /// The section is in `mode http`.
    pub http: bool,
}

impl fmt::Debug for Env<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Env")
            .field("current", &self.current)
            .field("checkpoint", &self.checkpoint)
            .field("http", &self.http)
            .finish_non_exhaustive()
    }
}

/// What native fetches and converters see.
#[derive(Debug)]
pub struct Ctx<'a> {
    /// The exchange.
    pub txn: &'a Txn,
    /// The direction whose rules are evaluated.
    pub direction: Direction,
    /// No more data will come.
    pub is_final: bool,
    may_change: Cell<bool>,
    writes: RefCell<Writes>,
}

impl<'a> Ctx<'a> {
    /// Returns what an expression sees of this exchange.
    pub fn new(txn: &'a Txn, direction: Direction, is_final: bool) -> Self {
        let (may_change, writes) = Default::default();
        Self { txn, direction, is_final, may_change, writes }
    }

    /// Tells whether the last answer may change with more data: never once the data is final.
    pub fn may_change(&self) -> bool {
        self.may_change.get() && !self.is_final
    }

    /// Says whether the answer of a fetch may change with more data.
    pub fn set_may_change(&self, may_change: bool) {
        self.may_change.set(may_change);
    }

    /// Returns what converters have written; the caller applies it to the exchange.
    pub fn into_writes(self) -> Writes {
        self.writes.into_inner()
    }

    /// Returns the value of a variable, as converters before this one have left it.
    pub fn var(&self, scope: Scope, name: &str) -> Option<Value> {
        let writes = self.writes.borrow();
        let last = writes.0.iter().rev().find_map(|write| match write {
            Write::Var(at, known, value) if *at == scope && &**known == name => Some(value.clone()),
            Write::Var(..) | Write::Capture(..) => None,
        });
        last.unwrap_or_else(|| self.txn.var(scope, name))
    }

    /// Keeps a change of a variable for later; `None` removes it.
    pub(super) fn write_var(&self, scope: Scope, name: &str, value: Option<Value>) {
        self.writes.borrow_mut().0.push(Write::Var(scope, name.into(), value));
    }

    /// Keeps a change of a capture for later.
    pub(super) fn write_capture(&self, direction: Direction, slot: usize, value: Bytes) {
        self.writes.borrow_mut().0.push(Write::Capture(direction, slot, value));
    }
}

/// What converters have written (`set-var`, `unset-var`, `capture-req`), not yet applied.
#[derive(Debug, Default)]
pub struct Writes(Vec<Write>);

#[derive(Debug)]
enum Write {
    Var(Scope, Box<str>, Option<Value>),
    Capture(Direction, usize, Bytes),
}

impl Writes {
    /// Tells whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Makes the changes.
    pub fn apply(self, txn: &mut Txn) {
        let Ok(()) = self.apply_held(txn, |_, _, _, value| Ok::<_, Infallible>((value, None)));
    }

    /// Makes the changes up to one that is refused: `hold` gives what is kept with each variable.
    pub fn apply_held<E>(
        self,
        txn: &mut Txn,
        hold: impl Fn(&Txn, Scope, &str, Value) -> Result<(Value, Held), E>,
    ) -> Result<(), E> {
        for write in self.0 {
            match write {
                Write::Var(scope, name, Some(value)) => {
                    let (value, held) = hold(txn, scope, &name, value)?;
                    txn.hold_var(scope, &name, value, held);
                }
                Write::Var(scope, name, None) => {
                    txn.unset_var(scope, &name);
                }
                Write::Capture(direction, slot, value) => {
                    let captures = &mut txn.captures[direction as usize];
                    if let Some(place) = captures.get_mut(slot) {
                        *place = Some(value);
                    }
                }
            }
        }
        Ok(())
    }
}

/// What an expression is evaluated with where it may wait for a script.
#[derive(Clone, Copy, Debug)]
pub struct Eval<'a> {
    /// The exchange.
    pub txn: &'a txn::Shared,
    /// The direction whose rules are evaluated.
    pub direction: Direction,
    /// No more data will come.
    pub is_final: bool,
    /// The script host.
    pub scripts: &'a Rc<dyn script::Scripts>,
}

impl Eval<'_> {
    /// Runs what is native, and then makes the changes it has asked for.
    pub fn native<T>(&self, run: impl FnOnce(&Ctx<'_>) -> T) -> T {
        let txn = self.txn.borrow();
        let ctx = Ctx::new(&txn, self.direction, self.is_final);
        let result = run(&ctx);
        let writes = ctx.into_writes();
        drop(txn);
        if !writes.is_empty() {
            writes.apply(&mut self.txn.borrow_mut());
        }
        result
    }
}
