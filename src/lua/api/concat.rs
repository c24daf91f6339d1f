//! `core.concat()`: a string that grows.

use std::cell::RefCell;
use std::rc::Rc;

use mlua::UserData;

use super::Row;
use crate::lua::account;
use crate::lua::account::Charge;
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

/// What an empty one takes.
const OBJECT: usize = 128;

#[derive(Clone, Debug)]
struct Concat(Rc<RefCell<Buffer>>);

#[derive(Debug, Default)]
struct Buffer {
    bytes: Vec<u8>,
    /// What a tenant is charged for the capacity.
    charge: Option<Charge>,
}

impl UserData for Concat {}

fn add(args: &Args<'_>) -> Result<Reply, Raise> {
    let concat = args.object::<Concat>(1, "Concat")?;
    let text = args.lua_string(2)?;
    let text = text.as_bytes();
    let mut buffer = concat.0.borrow_mut();
    let Buffer { bytes, charge } = &mut *buffer;
    let length = bytes.len().saturating_add(text.len());
    if length > LENGTH_MAX {
        return Err(Raise::new("Lua: out of memory error"));
    }
    if length > bytes.capacity() {
        let capacity = length.next_power_of_two();
        if let Some(charge) = charge {
            charge.grow(capacity - bytes.capacity())?;
        }
        bytes.reserve_exact(capacity - bytes.len());
    }
    bytes.extend_from_slice(&text);
    Ok(Reply::nothing())
}

fn dump(args: &Args<'_>) -> Result<Reply, Raise> {
    let concat = args.object::<Concat>(1, "Concat")?;
    let buffer = concat.0.borrow();
    super::text(args.lua(), &buffer.bytes)
}

fn new(args: &Args<'_>) -> Result<Reply, Raise> {
    let charge = account::charge_object(args.lua(), OBJECT)?;
    let buffer = Buffer { bytes: Vec::new(), charge };
    Reply::value(args.lua(), super::object(args.lua(), Concat(Rc::new(RefCell::new(buffer))))?)
}
