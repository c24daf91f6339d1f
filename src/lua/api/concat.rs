//! `core.concat()`: a string that grows.

use std::cell::RefCell;
use std::rc::Rc;

use mlua::UserData;

use super::Row;
use crate::lua::host::Args;
use crate::lua::host::Raise;
use crate::lua::host::Reply;

pub(super) const TABLE: &[Row] = &[
    Row { name: "add", run: add },
    Row { name: "dump", run: dump },
    Row { name: "new", run: new },
];

/// The longest result: what LuaJIT can hold as one string.
const LENGTH_MAX: usize = 1 << 30;

#[derive(Clone, Debug)]
struct Concat(Rc<RefCell<Vec<u8>>>);

impl UserData for Concat {}

fn add(args: &Args<'_>) -> Result<Reply, Raise> {
    let concat = args.object::<Concat>(1, "Concat")?;
    let text = args.string(2)?;
    let mut buffer = concat.0.borrow_mut();
    if buffer.len().saturating_add(text.len()) > LENGTH_MAX {
        return Err(Raise::new("Lua: out of memory error"));
    }
    buffer.extend_from_slice(&text);
    Ok(Reply::nothing())
}

fn dump(args: &Args<'_>) -> Result<Reply, Raise> {
    let concat = args.object::<Concat>(1, "Concat")?;
    let buffer = concat.0.borrow();
    super::text(args.lua(), &*buffer)
}

fn new(args: &Args<'_>) -> Result<Reply, Raise> {
    Reply::value(args.lua(), super::object(args.lua(), Concat(Rc::default()))?)
}
