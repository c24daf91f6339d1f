//! What host functions return to scripts: values, an error, or something to wait for.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::pin::Pin;

use mlua::FromLua;
use mlua::Function;
use mlua::IntoLua;
use mlua::Lua;
use mlua::LuaString;
use mlua::MultiValue;
use mlua::Value;
use mlua::debug::Debug;

use super::api::Row;
use super::error::Error;
use super::raw;
use super::raw::Ret;
use super::vm::Vm;

/// An error a host function raises in the script that called it.
#[derive(Debug)]
pub struct Raise {
    message: Vec<u8>,
}

/// What an awaited operation results in.
pub type Outcome = Result<Vec<Value>, Raise>;

/// Something a script waits for.
pub type Op = Pin<Box<dyn Future<Output = Outcome>>>;

/// What a host function does for its caller.
pub enum Reply {
    /// Returns values.
    Values(MultiValue),
    /// Waits, then returns the values.
    Wait(Op),
    /// Ends the whole call, however deep it is, with this as its first result.
    Finish(Ret),
}

/// What a thread that has just yielded to the host wants.
pub(super) enum Pending {
    Wait(Op),
    Finish(Ret),
}

impl fmt::Debug for Reply {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Values(values) => out.debug_tuple("Values").field(values).finish(),
            Self::Wait(_) => out.write_str("Wait"),
            Self::Finish(ret) => out.debug_tuple("Finish").field(ret).finish(),
        }
    }
}

/// How deep a library calls the host's functions.
const LEVELS_MAX: usize = 20;

thread_local! {
    /// What the function that is about to yield waits for.
    static PENDING: RefCell<Option<Pending>> = const { RefCell::new(None) };
}

/// The arguments of a host function, with HAProxy's words for wrong ones.
#[derive(Debug)]
pub struct Args<'a> {
    lua: &'a Lua,
    /// As the message names it.
    name: &'static str,
    values: MultiValue,
}

impl Raise {
    /// Returns an error with a message.
    pub fn new(message: impl Into<Vec<u8>>) -> Self {
        Self { message: message.into() }
    }

    pub(super) fn message(&self) -> &[u8] {
        &self.message
    }
}

impl From<mlua::Error> for Raise {
    fn from(error: mlua::Error) -> Self {
        Self::new(Error::from(error).message)
    }
}

impl Reply {
    /// Returns a reply of no values.
    pub fn nothing() -> Self {
        Self::Values(MultiValue::new())
    }

    /// Returns a reply of some values.
    pub fn values(values: impl IntoIterator<Item = Value>) -> Self {
        Self::Values(values.into_iter().collect())
    }

    /// Returns a reply of one value.
    pub fn value(lua: &Lua, value: impl IntoLua) -> Result<Self, Raise> {
        Ok(Self::values([value.into_lua(lua)?]))
    }

    /// Returns a reply that waits.
    pub fn wait(op: impl Future<Output = Outcome> + 'static) -> Self {
        Self::Wait(Box::pin(op))
    }
}

/// Makes a function for scripts: `name` is what its error messages call it.
pub fn function(
    vm: &Vm,
    name: &'static str,
    run: impl Fn(&Args<'_>) -> Result<Reply, Raise> + 'static,
) -> Result<Function, Error> {
    let inner = vm.lua().create_function(move |lua, values: MultiValue| {
        hand_back(lua, run(&Args { lua, name, values }))
    })?;
    vm.wrap(inner)
}

/// Makes a function for scripts of each row of a table: what is returned takes a row's number.
pub(super) fn functions(
    vm: &Vm,
    row: impl Fn(usize) -> Option<&'static Row> + 'static,
) -> Result<Function, Error> {
    let inner = vm.lua().create_function(move |lua, mut values: MultiValue| {
        let number = match values.pop_front() {
            Some(Value::Integer(number)) => usize::try_from(number).ok(),
            _ => None,
        };
        let result = match number.and_then(&row) {
            Some(row) => (row.run)(&Args { lua, name: row.name, values }),
            None => Err(Raise::new("no such function")),
        };
        hand_back(lua, result)
    })?;
    vm.share_function(inner)
}

/// Returns what the prelude makes a result, an error or a wait of.
fn hand_back(lua: &Lua, result: Result<Reply, Raise>) -> mlua::Result<MultiValue> {
    let pending = match result {
        Ok(Reply::Values(values)) => return Ok(values),
        Ok(Reply::Wait(op)) => Pending::Wait(op),
        Ok(Reply::Finish(ret)) => Pending::Finish(ret),
        Err(raise) => {
            return Ok(MultiValue::from_iter([
                Value::LightUserData(raw::fail_token()),
                Value::String(lua.create_string(raise.message)?),
                Value::Integer(blamed(lua)),
            ]));
        }
    };
    PENDING.set(Some(pending));
    Ok(MultiValue::from_iter([Value::LightUserData(raw::wait_token())]))
}

/// Returns the level of the stack whose line an error is about: the caller of the function, or of
/// the Lua part of a library that has called it.
fn blamed(lua: &Lua) -> i64 {
    let is_own = |level| {
        let source = |frame: &Debug<'_>| frame.source().source.as_deref() == Some(raw::PRELUDE);
        lua.inspect_stack(level, source).unwrap_or(false)
    };
    let level = (2..LEVELS_MAX).find(|level| !is_own(*level)).unwrap_or(2);
    i64::try_from(level).unwrap_or(2)
}

/// Takes what the call that just yielded waits for, or will wait for when it goes on.
pub(super) fn take_pending() -> Option<Pending> {
    PENDING.take()
}

/// Puts back what a call was about to wait for when it was preempted.
pub(super) fn put_pending(pending: Option<Pending>) {
    PENDING.set(pending);
}

impl<'a> Args<'a> {
    /// Returns the state.
    pub fn lua(&self) -> &'a Lua {
        self.lua
    }

    /// Returns the function's name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the host's data in an argument that is nothing else.
    pub fn data<T: Clone + 'static>(&self, index: usize) -> Result<T, Raise> {
        if let Value::UserData(data) = self.value(index)
            && let Ok(data) = data.borrow::<T>()
        {
            return Ok(T::clone(&data));
        }
        Err(self.wrong(index, "userdata"))
    }

    /// Returns how many there are.
    pub fn count(&self) -> usize {
        self.values.len()
    }

    /// Raises unless there are exactly so many.
    pub fn need(&self, count: usize) -> Result<(), Raise> {
        if self.values.len() == count {
            return Ok(());
        }
        Err(Raise::new(format!("'{}' needs {count} arguments", self.name)))
    }

    /// Raises unless there are so many.
    pub fn between(&self, least: usize, most: usize) -> Result<(), Raise> {
        if (least..=most).contains(&self.values.len()) {
            return Ok(());
        }
        Err(Raise::new(format!("'{}' needs between {least} and {most} arguments", self.name)))
    }

    /// Returns one, from 1; nil when it is missing.
    pub fn value(&self, index: usize) -> &Value {
        index.checked_sub(1).and_then(|index| self.values.get(index)).unwrap_or(&Value::Nil)
    }

    /// Says whether one is missing or nil.
    pub fn is_nil(&self, index: usize) -> bool {
        self.value(index).is_nil()
    }

    /// Returns the bytes of a string, or of a number as Lua 5.3 writes it.
    pub fn string(&self, index: usize) -> Result<Vec<u8>, Raise> {
        Ok(self.lua_string(index)?.as_bytes().to_vec())
    }

    /// Returns a string, or a number as Lua 5.3 writes it, where it lies.
    pub fn lua_string(&self, index: usize) -> Result<LuaString, Raise> {
        match self.value(index) {
            Value::String(text) => Ok(text.clone()),
            value @ (Value::Integer(_) | Value::Number(_)) => Ok(spell(self.lua, value)?),
            _ => Err(self.wrong(index, "string")),
        }
    }

    /// Returns a string as text; what is not UTF-8 is replaced.
    pub fn text(&self, index: usize) -> Result<String, Raise> {
        let bytes = self.string(index)?;
        Ok(match String::from_utf8_lossy(&bytes) {
            Cow::Borrowed(text) => text.to_owned(),
            Cow::Owned(text) => text,
        })
    }

    /// Returns a number, or a string that looks like one.
    pub fn number(&self, index: usize) -> Result<f64, Raise> {
        let value = self.value(index);
        let number = match value {
            Value::Integer(_) | Value::Number(_) | Value::String(_) => {
                self.lua.coerce_number(value.clone())?
            }
            _ => None,
        };
        number.ok_or_else(|| self.wrong(index, "number"))
    }

    /// Returns an integer; a fraction is an error, as in Lua 5.3.
    pub fn integer(&self, index: usize) -> Result<i64, Raise> {
        let number = self.number(index)?;
        // 2^53: every double below is exact.
        if number.fract() != 0.0 || number.abs() > 9_007_199_254_740_992.0 {
            return Err(self.bad(index, "number has no integer representation"));
        }
        #[expect(clippy::cast_possible_truncation, reason = "integral and below 2^53")]
        Ok(number as i64)
    }

    /// Returns a function.
    pub fn function(&self, index: usize) -> Result<Function, Raise> {
        match self.value(index) {
            Value::Function(function) => Ok(function.clone()),
            _ => Err(self.wrong(index, "function")),
        }
    }

    /// Returns a table.
    pub fn table(&self, index: usize) -> Result<mlua::Table, Raise> {
        match self.value(index) {
            Value::Table(table) => Ok(table.clone()),
            _ => Err(self.wrong(index, "table")),
        }
    }

    /// Returns what the object in an argument stands for.
    pub fn object<T: Clone + 'static>(&self, index: usize, class: &str) -> Result<T, Raise> {
        if let Value::Table(table) = self.value(index)
            && let Ok(Value::UserData(data)) = table.raw_get(0)
            && let Ok(data) = data.borrow::<T>()
        {
            return Ok(T::clone(&data));
        }
        Err(self.wrong(index, class))
    }

    /// Returns Lua's words for an argument of the wrong type.
    pub fn wrong(&self, index: usize, expected: &str) -> Raise {
        let got = if index > self.values.len() { "no value" } else { type_name(self.value(index)) };
        self.bad(index, &format!("{expected} expected, got {got}"))
    }

    /// Returns Lua's words for a bad argument.
    pub fn bad(&self, index: usize, why: &str) -> Raise {
        Raise::new(format!("bad argument #{index} to '{}' ({why})", self.name))
    }
}

/// Returns the text of a number: LuaJIT would give an exponent to what has more than 14 digits.
pub(super) fn spell(lua: &Lua, number: &Value) -> mlua::Result<LuaString> {
    // 2^53: every integer up to there is a number of its own.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let whole = match number {
        #[expect(clippy::cast_precision_loss, reason = "a number of Lua is a double")]
        Value::Integer(number) => Some(*number as f64),
        Value::Number(number) => Some(*number),
        _ => None,
    };
    match whole.filter(|number| number.fract() == 0.0 && number.abs() <= EXACT) {
        Some(number) => lua.create_string(format!("{number:.0}")),
        None => LuaString::from_lua(number.clone(), lua),
    }
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Integer(_) => "number",
        Value::LightUserData(_) => "userdata",
        other => other.type_name(),
    }
}
