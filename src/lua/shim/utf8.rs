//! `utf8`: characters of strings, as Lua 5.4 reads them.

use mlua::MultiValue;
use mlua::Value;

use super::integer;
use super::optional;
use super::signed;
use crate::lua::api;
use crate::lua::api::Row;
use crate::lua::host::Args;
use crate::lua::host::Raise;
use crate::lua::host::Reply;

pub(in crate::lua) const TABLE: &[Row] = &[
    Row { name: "char", run: char },
    Row { name: "codepoint", run: codepoint },
    Row { name: "codes", run: |args| step(args, true) },
    Row { name: "codes_lax", run: |args| step(args, false) },
    Row { name: "len", run: len },
    Row { name: "offset", run: offset },
];

const INVALID: &str = "invalid UTF-8 code";

/// The largest code of the original UTF-8, and that of Unicode.
const MAX: u32 = 0x7fff_ffff;
const UNICODE_MAX: u32 = 0x0010_ffff;

/// The least code that takes so many further bytes.
const LEAST: [u32; 6] = [u32::MAX, 0x80, 0x800, 0x1_0000, 0x20_0000, 0x400_0000];

/// How many values a call returns at most, as Lua does.
const RESULTS_MAX: usize = 7990;

fn char(args: &Args<'_>) -> Result<Reply, Raise> {
    let mut out = Vec::new();
    for index in 1..=args.count() {
        let code = u32::try_from(integer(args, index)?).ok().filter(|code| *code <= MAX);
        encode(code.ok_or_else(|| args.bad(index, "value out of range"))?, &mut out);
    }
    api::text(args.lua(), out)
}

fn codepoint(args: &Args<'_>) -> Result<Reply, Raise> {
    let text = args.lua_string(1)?;
    let text = text.as_bytes();
    let first = place(optional(args, 2, 1)?, text.len());
    let last = place(optional(args, 3, first)?, text.len());
    if first < 1 {
        return Err(args.bad(2, "out of bounds"));
    } else if last > signed(text.len()) {
        return Err(args.bad(3, "out of bounds"));
    }
    let (mut at, end) = (index(first) - 1, index(last));
    let mut codes = Vec::new();
    while at < end {
        let (code, size) = decode(&text, at, is_strict(args, 4)).ok_or_else(invalid)?;
        codes.push(Value::Integer(code.into()));
        at += size;
        if codes.len() > RESULTS_MAX {
            return Err(Raise::new("stack overflow (string slice too long)"));
        }
    }
    Ok(Reply::Values(MultiValue::from_vec(codes)))
}

/// Goes to the character behind the one at a place: the iterator of `codes`.
fn step(args: &Args<'_>, strict: bool) -> Result<Reply, Raise> {
    let text = args.lua_string(1)?;
    let text = text.as_bytes();
    let mut at = index(optional(args, 2, 0)?);
    while is_continuation(&text, at) {
        at += 1;
    }
    if at >= text.len() {
        return Ok(Reply::nothing());
    }
    match decode(&text, at, strict) {
        Some((code, size)) if !is_continuation(&text, at + size) => {
            let at = Value::Integer(signed(at + 1));
            Ok(Reply::values([at, Value::Integer(code.into())]))
        }
        _ => Err(invalid()),
    }
}

fn len(args: &Args<'_>) -> Result<Reply, Raise> {
    let text = args.lua_string(1)?;
    let text = text.as_bytes();
    let length = signed(text.len());
    let first = place(optional(args, 2, 1)?, text.len());
    let last = place(optional(args, 3, -1)?, text.len());
    if first < 1 || first > length + 1 {
        return Err(args.bad(2, "initial position out of bounds"));
    } else if last > length {
        return Err(args.bad(3, "final position out of bounds"));
    }
    let (mut at, end, mut count) = (index(first) - 1, index(last), 0);
    while at < end {
        let Some((_, size)) = decode(&text, at, is_strict(args, 4)) else {
            return Ok(Reply::values([Value::Nil, Value::Integer(signed(at + 1))]));
        };
        at += size;
        count += 1;
    }
    Ok(api::count(count))
}

fn offset(args: &Args<'_>) -> Result<Reply, Raise> {
    let text = args.lua_string(1)?;
    let text = text.as_bytes();
    let mut count = integer(args, 2)?;
    let from = if count >= 0 { 1 } else { signed(text.len()) + 1 };
    let from = place(optional(args, 3, from)?, text.len());
    if from < 1 || from > signed(text.len()) + 1 {
        return Err(args.bad(3, "position out of bounds"));
    }
    let mut at = index(from) - 1;
    let back = |mut at: usize| {
        while at > 0 && is_continuation(&text, at) {
            at -= 1;
        }
        at
    };
    if count == 0 {
        at = back(at);
    } else if is_continuation(&text, at) {
        return Err(Raise::new("initial position is a continuation byte"));
    }
    while count < 0 && at > 0 {
        at = back(at - 1);
        count += 1;
    }
    while count > 1 && at < text.len() {
        at += 1;
        while is_continuation(&text, at) {
            at += 1;
        }
        count -= 1;
    }
    Ok(Reply::values([match count {
        0 | 1 => Value::Integer(signed(at + 1)),
        _ => Value::Nil,
    }]))
}

/// Returns the code at a place and how many bytes it takes.
fn decode(text: &[u8], at: usize, strict: bool) -> Option<(u32, usize)> {
    let first = *text.get(at)?;
    if first.is_ascii() {
        return Some((first.into(), 1));
    }
    let more = usize::try_from(first.leading_ones()).ok()?.checked_sub(1)?;
    let least = *LEAST.get(more)?;
    let mut code = u32::from(first & (0x3f >> more));
    for byte in text.get(at + 1..=at + more)? {
        if byte & 0xc0 != 0x80 {
            return None;
        }
        code = code << 6 | u32::from(byte & 0x3f);
    }
    let is_valid =
        code >= least && (!strict || code <= UNICODE_MAX && !(0xd800..0xe000).contains(&code));
    is_valid.then_some((code, more + 1))
}

fn encode(code: u32, out: &mut Vec<u8>) {
    #[expect(clippy::cast_possible_truncation, reason = "the lowest bits are what is wanted")]
    let low = |shift: usize| (code >> (6 * shift)) as u8 & 0x3f;
    let more = LEAST.iter().skip(1).filter(|least| code >= **least).count();
    if more == 0 {
        #[expect(clippy::cast_possible_truncation, reason = "it is below 0x80")]
        out.push(code as u8);
        return;
    }
    out.push(!(0x7f >> more) | low(more));
    out.extend((0..more).rev().map(|shift| 0x80 | low(shift)));
}

/// Returns a place that may be counted from the end.
fn place(at: i64, length: usize) -> i64 {
    let length = signed(length);
    if at >= 0 {
        at
    } else if at < -length {
        0
    } else {
        length + at + 1
    }
}

/// Returns a place as an index; none is before the text.
fn index(place: i64) -> usize {
    usize::try_from(place).unwrap_or(0)
}

fn is_continuation(text: &[u8], at: usize) -> bool {
    text.get(at).is_some_and(|byte| byte & 0xc0 == 0x80)
}

fn is_strict(args: &Args<'_>, index: usize) -> bool {
    matches!(args.value(index), Value::Nil | Value::Boolean(false))
}

fn invalid() -> Raise {
    Raise::new(INVALID)
}
