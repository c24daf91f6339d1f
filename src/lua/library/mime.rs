//! `mime`: the low-level filters of LuaSocket's library. Each takes what an earlier call has left
//! over and a chunk, or no chunk at the end, and returns what comes out and what is left over.

use base64::Engine;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::GeneralPurpose;
use base64::engine::GeneralPurposeConfig;
use mlua::Value;

use super::Row;
use super::base64::STANDARD;
use crate::lua::account;
use crate::lua::host::Args;
use crate::lua::host::Raise;
use crate::lua::host::Reply;

pub(super) const TABLE: &[Row] = &[
    Row { name: "b64", run: b64 },
    Row { name: "dot", run: dot },
    Row { name: "eol", run: eol },
    Row { name: "qp", run: qp },
    Row { name: "qpwrp", run: qpwrp },
    Row { name: "unb64", run: unb64 },
    Row { name: "unqp", run: unqp },
    Row { name: "wrp", run: wrp },
];

/// Reads what comes in pieces: bits that no byte needs are of no matter.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The length of a line.
const LINE: i64 = 76;

/// The longest text that is made for a tenant.
const RESULT_MAX: usize = 8 << 20;

/// `b64(left [, chunk])`
fn b64(args: &Args<'_>) -> Result<Reply, Raise> {
    let Some((bytes, is_last)) = joined(args)? else { return nothing() };
    let whole = if is_last { bytes.len() } else { bytes.len() / 3 * 3 };
    let (now, left) = bytes.split_at(whole);
    hand_back(args, STANDARD.encode(now).as_bytes(), left, is_last)
}

/// `unb64(left [, chunk])`: what is no digit is ignored.
fn unb64(args: &Args<'_>) -> Result<Reply, Raise> {
    let Some((mut bytes, is_last)) = joined(args)? else { return nothing() };
    bytes.retain(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='));
    // What comes after an end begins anew.
    let mut out = Vec::new();
    let mut rest = &bytes[..];
    while let Some(end) = memchr::memchr(b'=', rest) {
        let (digits, after) = rest.split_at(end);
        out.extend(LENIENT.decode(digits).unwrap_or_default());
        rest = after.get(1..).unwrap_or_default();
    }
    let (now, left) = rest.split_at(rest.len() / 4 * 4);
    out.extend(LENIENT.decode(now).unwrap_or_default());
    hand_back(args, &out, left, is_last)
}

/// `qp(left [, chunk [, marker]])`: quoted-printable (RFC 2045 6.7); line ends become the marker.
fn qp(args: &Args<'_>) -> Result<Reply, Raise> {
    let Some((bytes, is_last)) = joined(args)? else { return nothing() };
    let marker = if args.is_nil(3) { b"\r\n".to_vec() } else { args.string(3)? };
    let (mut out, mut rest) = (Vec::with_capacity(bytes.len()), &bytes[..]);
    loop {
        rest = match rest {
            [] | [b'\r' | b' ' | b'\t'] | [b' ' | b'\t', _] => break,
            [b'\r', b'\n', rest @ ..] => {
                out.extend_from_slice(&marker);
                rest
            }
            [space @ (b' ' | b'\t'), b'\r', b'\n', rest @ ..] => {
                quote(*space, &mut out);
                out.extend_from_slice(&marker);
                rest
            }
            [byte, rest @ ..] => {
                match byte {
                    b'\t' | b' ' | b'!'..=b'<' | b'>'..=b'~' => out.push(*byte),
                    _ => quote(*byte, &mut out),
                }
                rest
            }
        }
    }
    if is_last && !rest.is_empty() {
        for byte in rest {
            match byte {
                b'!'..=b'<' | b'>'..=b'~' => out.push(*byte),
                _ => quote(*byte, &mut out),
            }
        }
        // A line break that is none of the text's.
        out.extend_from_slice(b"=\r\n");
    }
    hand_back(args, &out, rest, is_last)
}

/// `unqp(left [, chunk])`
fn unqp(args: &Args<'_>) -> Result<Reply, Raise> {
    let Some((bytes, is_last)) = joined(args)? else { return nothing() };
    let (mut out, mut rest) = (Vec::with_capacity(bytes.len()), &bytes[..]);
    loop {
        rest = match rest {
            [] | [b'\r' | b'='] | [b'=', _] => break,
            [b'=', b'\r', b'\n', rest @ ..] => rest,
            [b'=', high, low, rest @ ..] => {
                match hex::decode([*high, *low]) {
                    Ok(byte) => out.extend(byte),
                    Err(_) => out.extend_from_slice(&[b'=', *high, *low]),
                }
                rest
            }
            [b'\r', b'\n', rest @ ..] => {
                out.extend_from_slice(b"\r\n");
                rest
            }
            [byte @ (b'\t' | b' '..=b'~'), rest @ ..] => {
                out.push(*byte);
                rest
            }
            [_, rest @ ..] => rest,
        }
    }
    hand_back(args, &out, rest, is_last)
}

/// `wrp(room [, chunk [, length]])`: breaks lines; `room` is what the last line has left.
fn wrp(args: &Args<'_>) -> Result<Reply, Raise> {
    wrap(args, b"\r\n", |_| 0)
}

/// `qpwrp(room [, chunk [, length]])`: the same for quoted-printable.
fn qpwrp(args: &Args<'_>) -> Result<Reply, Raise> {
    wrap(args, b"=\r\n", |byte| if byte == b'=' { 3 } else { 1 })
}

/// `eol(last [, chunk [, marker]])`: makes all line ends the marker.
fn eol(args: &Args<'_>) -> Result<Reply, Raise> {
    let mut last = args.integer(1)?;
    if args.is_nil(2) {
        return Ok(Reply::values([Value::Nil, Value::Integer(0)]));
    }
    let chunk = args.lua_string(2)?;
    let marker = if args.is_nil(3) { b"\r\n".to_vec() } else { args.string(3)? };
    // A long marker for each of many lines: more than a tenant has, more than there is.
    let most = account::of(args.lua()).map_or(usize::MAX, |_| RESULT_MAX);
    let mut out = Vec::with_capacity(chunk.as_bytes().len());
    for &byte in &*chunk.as_bytes() {
        if out.len() > most {
            return Err(Raise::new("eol: the result is too long"));
        }
        let is_end = |byte: i64| byte == 10 || byte == 13;
        let code = i64::from(byte);
        if !is_end(code) {
            out.push(byte);
            last = 0;
        } else if is_end(last) {
            // Of two that differ, the second belongs to the first.
            if code == last {
                out.extend_from_slice(&marker);
            }
            last = 0;
        } else {
            out.extend_from_slice(&marker);
            last = code;
        }
    }
    let out = args.lua().create_string(out)?;
    Ok(Reply::values([Value::String(out), Value::Integer(last)]))
}

/// `dot(state [, chunk])`: doubles the dots that begin a line, as SMTP wants (RFC 5321 4.5.2).
fn dot(args: &Args<'_>) -> Result<Reply, Raise> {
    // 2 is the begin of a line, 1 follows a CR.
    let mut state = if args.is_nil(1) { 2 } else { args.integer(1)? };
    if args.is_nil(2) {
        return Ok(Reply::values([Value::Nil, Value::Integer(2)]));
    }
    let chunk = args.lua_string(2)?;
    let mut out = Vec::with_capacity(chunk.as_bytes().len());
    for &byte in &*chunk.as_bytes() {
        out.push(byte);
        state = match byte {
            b'\r' => 1,
            b'\n' if state == 1 => 2,
            b'.' if state == 2 => {
                out.push(b'.');
                0
            }
            _ => 0,
        };
    }
    let out = args.lua().create_string(out)?;
    Ok(Reply::values([Value::String(out), Value::Integer(state)]))
}

/// Breaks lines that have no room, before bytes that need more of it.
fn wrap(args: &Args<'_>, mark: &[u8], needs: fn(u8) -> i64) -> Result<Reply, Raise> {
    let mut room = args.integer(1)?;
    let length = if args.is_nil(3) { LINE } else { args.integer(3)? };
    if args.is_nil(2) {
        let end = if room < length { string(args, mark)? } else { Value::Nil };
        return Ok(Reply::values([end, Value::Integer(length)]));
    }
    let chunk = args.lua_string(2)?;
    let mut out = Vec::with_capacity(chunk.as_bytes().len());
    for &byte in &*chunk.as_bytes() {
        match byte {
            b'\r' => {}
            b'\n' => {
                out.extend_from_slice(b"\r\n");
                room = length;
            }
            _ => {
                if room <= needs(byte) {
                    out.extend_from_slice(mark);
                    room = length;
                }
                out.push(byte);
                room -= 1;
            }
        }
    }
    Ok(Reply::values([string(args, &out)?, Value::Integer(room)]))
}

/// Returns what is left over and the chunk, and whether there is none: it is the end.
fn joined(args: &Args<'_>) -> Result<Option<(Vec<u8>, bool)>, Raise> {
    if args.is_nil(1) {
        return Ok(None);
    }
    let mut bytes = args.string(1)?;
    if args.is_nil(2) {
        return Ok(Some((bytes, true)));
    }
    bytes.extend_from_slice(&args.lua_string(2)?.as_bytes());
    Ok(Some((bytes, false)))
}

fn nothing() -> Result<Reply, Raise> {
    Ok(Reply::values([Value::Nil, Value::Nil]))
}

fn hand_back(args: &Args<'_>, out: &[u8], left: &[u8], is_last: bool) -> Result<Reply, Raise> {
    if !is_last {
        return Ok(Reply::values([string(args, out)?, string(args, left)?]));
    }
    let out = if out.is_empty() { Value::Nil } else { string(args, out)? };
    Ok(Reply::values([out, Value::Nil]))
}

fn quote(byte: u8, out: &mut Vec<u8>) {
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or_default();
    out.extend_from_slice(&[b'=', digit(byte >> 4), digit(byte & 15)]);
}

const DIGITS: &[u8; 16] = b"0123456789ABCDEF";

fn string(args: &Args<'_>, bytes: &[u8]) -> Result<Value, Raise> {
    Ok(Value::String(args.lua().create_string(bytes)?))
}
