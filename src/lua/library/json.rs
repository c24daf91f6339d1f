//! `json`, `cjson`, `dkjson`: what is read of JSON (RFC 8259), in pieces between which others run.

use std::cell::RefCell;
use std::ops::ControlFlow;
use std::rc::Rc;

use mlua::Lua;
use mlua::LuaString;
use mlua::Table;
use mlua::UserData;
use mlua::Value;

use super::Row;
use crate::lua::account;
use crate::lua::account::Charge;
use crate::lua::host::Args;
use crate::lua::host::Raise;
use crate::lua::host::Reply;

pub(super) const TABLE: &[Row] = &[
    Row { name: "decode", run: decode },
    Row { name: "go_on", run: go_on },
    Row { name: "null", run: null },
    Row { name: "quote", run: quote },
];

/// How many values are read at once: a tenth of a millisecond or so.
const PIECE: usize = 1000;

/// What a reader that waits for its next piece takes, and how much of it for each level.
const OBJECT: usize = 256;
const LEVEL: usize = 64;

/// How deep it may be, whatever a script says: levels are kept by the host.
const DEPTH_MAX: usize = 100_000;

/// A text that is being read.
#[derive(Clone, Debug)]
struct Reader(Rc<RefCell<(State, Option<Charge>)>>);

#[derive(Debug)]
struct State {
    text: LuaString,
    /// How much has been read.
    at: usize,
    open: Vec<Level>,
    depth_max: usize,
    /// What stands for `null`.
    null: Value,
    /// The metatables of objects and of arrays.
    metatables: (Option<Table>, Option<Table>),
}

/// A container that is not complete.
#[derive(Debug)]
enum Level {
    /// And how many values it has.
    Array(Table, usize),
    /// And the name of the value that comes.
    Object(Table, Option<LuaString>),
}

/// Why a text is not JSON.
#[derive(Debug)]
enum Wrong {
    /// What is expected, and where what else is found.
    Syntax(&'static str, usize),
    Depth,
    Lua(mlua::Error),
}

impl UserData for Reader {}

impl From<mlua::Error> for Wrong {
    fn from(error: mlua::Error) -> Self {
        Self::Lua(error)
    }
}

/// `decode(text, start, depth, null, object, array)`: true, the value and where it ends; nil, what
/// is wrong and where; or false and a reader for `go_on`.
fn decode(args: &Args<'_>) -> Result<Reply, Raise> {
    let (text, start) = (args.lua_string(1)?, args.integer(2)?);
    let metatable = |index| match args.value(index) {
        Value::Table(table) => Some(table.clone()),
        _ => None,
    };
    let depth_max = usize::try_from(args.integer(3)?).unwrap_or(0).min(DEPTH_MAX);
    let mut state = State {
        text,
        at: usize::try_from(start).unwrap_or(1).saturating_sub(1),
        open: Vec::new(),
        depth_max,
        null: args.value(4).clone(),
        metatables: (metatable(5), metatable(6)),
    };
    if let Some(reply) = result(args.lua(), &mut state)? {
        return Ok(reply);
    }
    let charge = account::charge_object(args.lua(), OBJECT)?;
    let reader = Reader(Rc::new(RefCell::new((state, charge))));
    let reader = Value::UserData(args.lua().create_userdata(reader)?);
    Ok(Reply::values([Value::Boolean(false), reader]))
}

/// `go_on(reader)`: the next piece.
fn go_on(args: &Args<'_>) -> Result<Reply, Raise> {
    let reader = args.data::<Reader>(1)?;
    let mut reader = reader.0.borrow_mut();
    let (state, charge) = &mut *reader;
    let levels = state.open.capacity();
    if let Some(reply) = result(args.lua(), state)? {
        return Ok(reply);
    }
    if let Some(charge) = charge {
        charge.grow(state.open.capacity().saturating_sub(levels) * LEVEL)?;
    }
    Ok(Reply::values([Value::Boolean(false), args.value(1).clone()]))
}

fn null(_: &Args<'_>) -> Result<Reply, Raise> {
    Ok(Reply::values([Value::NULL]))
}

/// `quote(text)`: the text as JSON has it.
fn quote(args: &Args<'_>) -> Result<Reply, Raise> {
    let text = args.lua_string(1)?;
    let text = text.as_bytes();
    let mut out = Vec::with_capacity(text.len() + 2);
    out.push(b'"');
    for &byte in &*text {
        let short = match byte {
            b'"' | b'\\' => byte,
            b'\x08' => b'b',
            b'\x0c' => b'f',
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            ..0x20 | 0x7f => {
                let mut digits = [b'0'; 2];
                hex::encode_to_slice([byte], &mut digits).unwrap_or_default();
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&digits);
                continue;
            }
            _ => {
                out.push(byte);
                continue;
            }
        };
        out.extend_from_slice(&[b'\\', short]);
    }
    out.push(b'"');
    crate::lua::api::text(args.lua(), out)
}

fn result(lua: &Lua, state: &mut State) -> Result<Option<Reply>, Raise> {
    let position = |at: usize| Value::Integer(i64::try_from(at + 1).unwrap_or(i64::MAX));
    let (why, at) = match state.piece(lua) {
        Ok(ControlFlow::Continue(())) => return Ok(None),
        Ok(ControlFlow::Break(value)) => {
            let end = position(state.at);
            return Ok(Some(Reply::values([Value::Boolean(true), value, end])));
        }
        Err(Wrong::Lua(error)) => return Err(error.into()),
        Err(Wrong::Depth) => {
            let why = format!("Found too many nested data structures ({})", state.depth_max + 1);
            (why, state.at)
        }
        Err(Wrong::Syntax(expected, at)) => {
            let found = if at < state.text.as_bytes().len() { "invalid token" } else { "T_END" };
            (format!("Expected {expected} but found {found} at character {}", at + 1), at)
        }
    };
    let why = Value::String(lua.create_string(why)?);
    Ok(Some(Reply::values([Value::Nil, why, position(at)])))
}

impl State {
    /// Reads some values; breaks with the whole when it is complete.
    fn piece(&mut self, lua: &Lua) -> Result<ControlFlow<Value>, Wrong> {
        let text = self.text.clone();
        let text = text.as_bytes();
        for _ in 0..PIECE {
            if let Some(value) = self.next(lua, &text)? {
                return Ok(ControlFlow::Break(value));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Reads a value, or the begin or end of a container; returns the whole when it is complete.
    fn next(&mut self, lua: &Lua, text: &[u8]) -> Result<Option<Value>, Wrong> {
        self.skip(text);
        match self.open.last() {
            Some(Level::Object(_, None)) => return self.name(lua, text),
            Some(Level::Array(_, 0)) if text.get(self.at) == Some(&b']') => return self.end(text),
            _ => {}
        }
        let value = match text.get(self.at) {
            Some(b'{') => {
                let table = self.container(lua, self.metatables.0.as_ref())?;
                return self.begin(Level::Object(table, None));
            }
            Some(b'[') => {
                let table = self.container(lua, self.metatables.1.as_ref())?;
                return self.begin(Level::Array(table, 0));
            }
            Some(b'"') => Value::String(self.string(lua, text)?),
            Some(b'-' | b'0'..=b'9') => self.number(text)?,
            _ => self.word(text)?,
        };
        self.put(value, text)
    }

    fn container(&self, lua: &Lua, metatable: Option<&Table>) -> Result<Table, Wrong> {
        let table = lua.create_table()?;
        if metatable.is_some() {
            table.set_metatable(metatable.cloned())?;
        }
        Ok(table)
    }

    fn begin(&mut self, level: Level) -> Result<Option<Value>, Wrong> {
        if self.open.len() >= self.depth_max {
            return Err(Wrong::Depth);
        }
        self.at += 1;
        self.open.push(level);
        Ok(None)
    }

    /// Ends a container, at its last byte.
    fn end(&mut self, text: &[u8]) -> Result<Option<Value>, Wrong> {
        self.at += 1;
        match self.open.pop() {
            Some(Level::Array(table, _) | Level::Object(table, _)) => {
                self.put(Value::Table(table), text)
            }
            None => Ok(None),
        }
    }

    /// Puts a value where it belongs, and reads what follows it.
    fn put(&mut self, value: Value, text: &[u8]) -> Result<Option<Value>, Wrong> {
        let (close, expected) = match self.open.last_mut() {
            None => return Ok(Some(value)),
            Some(Level::Array(table, count)) => {
                *count += 1;
                table.raw_set(*count, value)?;
                (b']', "comma or array end")
            }
            Some(Level::Object(table, name)) => {
                if let Some(name) = name.take() {
                    table.raw_set(name, value)?;
                }
                (b'}', "comma or object end")
            }
        };
        self.skip(text);
        match text.get(self.at) {
            Some(b',') => self.at += 1,
            Some(byte) if *byte == close => return self.end(text),
            _ => return Err(Wrong::Syntax(expected, self.at)),
        }
        self.skip(text);
        match (close, text.get(self.at)) {
            (b']', Some(b']')) => Err(Wrong::Syntax("value", self.at)),
            (b'}', Some(b'}')) => Err(Wrong::Syntax("object key string", self.at)),
            _ => Ok(None),
        }
    }

    /// Reads a name and its colon, or the end of an empty object.
    fn name(&mut self, lua: &Lua, text: &[u8]) -> Result<Option<Value>, Wrong> {
        match text.get(self.at) {
            Some(b'"') => {}
            Some(b'}') => return self.end(text),
            _ => return Err(Wrong::Syntax("object key string", self.at)),
        }
        let read = self.string(lua, text)?;
        self.skip(text);
        if text.get(self.at) != Some(&b':') {
            return Err(Wrong::Syntax("colon", self.at));
        }
        self.at += 1;
        if let Some(Level::Object(_, name)) = self.open.last_mut() {
            *name = Some(read);
        }
        Ok(None)
    }

    fn skip(&mut self, text: &[u8]) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = text.get(self.at) {
            self.at += 1;
        }
    }

    fn word(&mut self, text: &[u8]) -> Result<Value, Wrong> {
        let rest = text.get(self.at..).unwrap_or_default();
        let words = [
            ("true", Value::Boolean(true)),
            ("false", Value::Boolean(false)),
            ("null", Value::Nil),
        ];
        for (word, value) in words {
            if rest.starts_with(word.as_bytes()) {
                self.at += word.len();
                return Ok(if value.is_nil() { self.null.clone() } else { value });
            }
        }
        Err(Wrong::Syntax("value", self.at))
    }

    fn number(&mut self, text: &[u8]) -> Result<Value, Wrong> {
        let start = self.at;
        let rest = text.get(start..).unwrap_or_default();
        let length = number_length(rest).ok_or(Wrong::Syntax("value", start))?;
        self.at += length;
        let digits = rest.get(..length).and_then(|digits| std::str::from_utf8(digits).ok());
        let number = digits.and_then(|digits| digits.parse::<f64>().ok());
        number.map(Value::Number).ok_or(Wrong::Syntax("value", start))
    }

    fn string(&mut self, lua: &Lua, text: &[u8]) -> Result<LuaString, Wrong> {
        let start = self.at + 1;
        let special = |byte: &u8| matches!(byte, b'"' | b'\\' | ..0x20);
        let rest = text.get(start..).unwrap_or_default();
        let plain = rest.iter().position(special).unwrap_or(rest.len());
        if rest.get(plain) == Some(&b'"') {
            self.at = start + plain + 1;
            return Ok(lua.create_string(rest.get(..plain).unwrap_or_default())?);
        }
        let mut out = Vec::new();
        self.at = start;
        loop {
            let rest = text.get(self.at..).unwrap_or_default();
            let plain = rest.iter().position(special).unwrap_or(rest.len());
            out.extend_from_slice(rest.get(..plain).unwrap_or_default());
            self.at += plain;
            match rest.get(plain) {
                Some(b'"') => break,
                Some(b'\\') => self.escape(text, &mut out)?,
                _ => return Err(Wrong::Syntax("string end", self.at)),
            }
        }
        self.at += 1;
        Ok(lua.create_string(out)?)
    }

    fn escape(&mut self, text: &[u8], out: &mut Vec<u8>) -> Result<(), Wrong> {
        let byte = match text.get(self.at + 1) {
            Some(byte @ (b'"' | b'\\' | b'/')) => *byte,
            Some(b'b') => b'\x08',
            Some(b'f') => b'\x0c',
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'u') => return self.unicode(text, out),
            _ => return Err(Wrong::Syntax("escape sequence", self.at)),
        };
        out.push(byte);
        self.at += 2;
        Ok(())
    }

    fn unicode(&mut self, text: &[u8], out: &mut Vec<u8>) -> Result<(), Wrong> {
        let unit = |at: usize| -> Option<u32> {
            let digits = text.get(at..at + 6)?.strip_prefix(b"\\u")?;
            let all = digits.iter().all(u8::is_ascii_hexdigit);
            let digits = std::str::from_utf8(digits).ok().filter(|_| all)?;
            u32::from_str_radix(digits, 16).ok()
        };
        let wrong = Wrong::Syntax("escape sequence", self.at);
        let first = unit(self.at).ok_or(Wrong::Syntax("escape sequence", self.at))?;
        let (code, length) = match (first, unit(self.at + 6)) {
            // RFC 8259 7: beyond the basic plane it takes two.
            (0xd800..=0xdbff, Some(second @ 0xdc00..=0xdfff)) => {
                (0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00), 12)
            }
            _ => (first, 6),
        };
        let Some(char) = char::from_u32(code) else { return Err(wrong) };
        out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
        self.at += length;
        Ok(())
    }
}

/// Returns how long a number is, if it is one as JSON has it.
fn number_length(text: &[u8]) -> Option<usize> {
    let digits = |from: usize| {
        let rest = text.get(from..).unwrap_or_default();
        rest.iter().take_while(|byte| byte.is_ascii_digit()).count()
    };
    let mut at = usize::from(text.first() == Some(&b'-'));
    let whole = digits(at);
    if whole == 0 || (whole > 1 && text.get(at) == Some(&b'0')) {
        return None;
    }
    at += whole;
    if text.get(at) == Some(&b'.') {
        at += 1;
        at += Some(digits(at)).filter(|count| *count > 0)?;
    }
    if let Some(b'e' | b'E') = text.get(at) {
        at += 1;
        at += usize::from(matches!(text.get(at), Some(b'+' | b'-')));
        at += Some(digits(at)).filter(|count| *count > 0)?;
    }
    Some(at)
}
