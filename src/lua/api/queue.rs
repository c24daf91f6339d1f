//! What wakes a script that waits for another: queues, and `core.wait`.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use event_listener::Event;
use mlua::UserData;
use mlua::Value;

use super::Row;
use super::core::waits;
use crate::lua::account;
use crate::lua::host::Args;
use crate::lua::host::Raise;
use crate::lua::host::Reply;
use crate::net::timer;

pub(super) const TABLE: &[Row] = &[
    Row { name: "new", run: new },
    Row { name: "turn", run: turn },
    Row { name: "wait", run: wait },
    Row { name: "wake", run: wake },
];

/// What one takes.
const OBJECT: usize = 128;

#[derive(Clone, Debug)]
struct Signal(Rc<State>);

#[derive(Debug, Default)]
struct State {
    /// How often it was given: who has seen fewer need not wait.
    turn: Cell<i64>,
    event: Event,
}

impl UserData for Signal {}

fn new(args: &Args<'_>) -> Result<Reply, Raise> {
    account::charge_object(args.lua(), OBJECT)?;
    Reply::value(args.lua(), super::object(args.lua(), Signal(Rc::default()))?)
}

/// `turn(signal)`: what to give to `wait` later.
fn turn(args: &Args<'_>) -> Result<Reply, Raise> {
    let signal = args.object::<Signal>(1, "Queue")?;
    Ok(Reply::values([Value::Integer(signal.0.turn.get())]))
}

/// `wait(signal, turn, milliseconds, name)`: until it was given again, or the time is over.
fn wait(args: &Args<'_>) -> Result<Reply, Raise> {
    waits(&args.text(4)?)?;
    let signal = args.object::<Signal>(1, "Queue")?.0;
    let seen = args.integer(2)?;
    let limit = match args.is_nil(3) {
        true => None,
        false => {
            let limit = u64::try_from(args.integer(3)?);
            let negative = |_| args.bad(3, "the delay must not be negative");
            Some(Duration::from_millis(limit.map_err(negative)?))
        }
    };
    Ok(Reply::wait(async move {
        let given = async {
            while signal.turn.get() == seen {
                signal.event.listen().await;
            }
        };
        match limit {
            // Either way the script looks for itself.
            Some(limit) => timer::timeout(limit, given).await.unwrap_or_default(),
            None => given.await,
        }
        Ok(Vec::new())
    }))
}

fn wake(args: &Args<'_>) -> Result<Reply, Raise> {
    let signal = args.object::<Signal>(1, "Queue")?.0;
    signal.turn.set(signal.turn.get().wrapping_add(1));
    signal.event.notify(usize::MAX);
    Ok(Reply::nothing())
}
