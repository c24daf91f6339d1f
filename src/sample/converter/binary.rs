//! Converters of bytes.

use bytes::Bytes;

use crate::sample::argument::Argument;
use crate::sample::argument::Arguments;
use crate::sample::argument::Kind;
use crate::sample::argument::integer;
use crate::sample::context::Ctx;
use crate::sample::context::Env;
use crate::sample::error::Reason;
use crate::value::Type;
use crate::value::Value;

use super::Converter;
use super::bytes as content;
use super::number;

const CHUNKS: &[Kind] = &[Kind::Str, Kind::Int, Kind::Int];

pub(super) const TABLE: &[Converter] = &[
    Converter::new("be2dec", Type::Bin, Type::Str, be2dec, "chunks as decimal numbers")
        .takes(CHUNKS)
        .required(1)
        .checked(check_be2dec),
    Converter::new("be2hex", Type::Bin, Type::Str, be2hex, "chunks in hexadecimal")
        .takes(CHUNKS)
        .required(1)
        .checked(check_be2hex),
    Converter::new("bytes", Type::Bin, Type::Bin, bytes, "some bytes: from an offset, of a length")
        .takes(&[Kind::Str, Kind::Str])
        .required(1)
        .checked(check_bytes),
    Converter::new(
        "htonl",
        Type::Sint,
        Type::Bin,
        |v, _, _| htonl(&v),
        "the four bytes of a number",
    ),
    Converter::new("le2dec", Type::Bin, Type::Str, le2dec, "chunks as decimal numbers")
        .takes(CHUNKS)
        .required(1)
        .checked(check_be2dec),
];

fn check_be2dec(arguments: &mut Arguments, _: &Env<'_>) -> Result<(), Reason> {
    check_chunks(arguments, 8)
}

fn check_be2hex(arguments: &mut Arguments, _: &Env<'_>) -> Result<(), Reason> {
    check_chunks(arguments, i64::MAX)
}

fn check_chunks(arguments: &Arguments, most: i64) -> Result<(), Reason> {
    let custom = |text: String| Err(Reason::Custom(text));
    if let Some(size) = arguments.int(1)
        && !(1..=most).contains(&size)
    {
        return custom(format!("chunk_size value must be in range [1..{most}], got '{size}'"));
    }
    match arguments.int(2) {
        None | Some(0 | 1) => Ok(()),
        Some(other) => custom(format!("Unsupported truncate value ('{other}')")),
    }
}

/// Writes each chunk; a last one that is too short only where it is not to be cut off.
fn chunked(
    value: Value,
    arguments: &Arguments,
    write: fn(&[u8], &mut String),
    default: i64,
) -> Option<Value> {
    let content = content(value)?;
    let size = usize::try_from(arguments.int(1).unwrap_or(default)).ok()?;
    let cut = arguments.int(2) == Some(1);
    let separator = arguments.lossy(0);
    let mut out = String::new();
    for (index, chunk) in content.chunks(size.max(1)).enumerate() {
        if cut && chunk.len() < size {
            break;
        }
        if index > 0 {
            out.push_str(&separator);
        }
        write(chunk, &mut out);
    }
    Some(Value::Str(out.into()))
}

fn be2dec(value: Value, arguments: &Arguments, _: Option<&Ctx<'_>>) -> Option<Value> {
    let write = |chunk: &[u8], out: &mut String| {
        let number = chunk.iter().fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
        out.push_str(&number.to_string());
    };
    chunked(value, arguments, write, 2)
}

/// HAProxy: without a size there are no chunks, and no separators.
fn be2hex(value: Value, arguments: &Arguments, _: Option<&Ctx<'_>>) -> Option<Value> {
    let write = |chunk: &[u8], out: &mut String| out.push_str(&hex::encode_upper(chunk));
    chunked(value, arguments, write, 1)
}

/// Makes offset and length numbers or variables.
fn check_bytes(arguments: &mut Arguments, _: &Env<'_>) -> Result<(), Reason> {
    for index in 0..arguments.len() {
        if arguments.try_variable(index) {
            continue;
        }
        let text = arguments.lossy(index);
        let number = integer(&text).filter(|number| *number >= 0);
        let bad = || Reason::Custom(format!("invalid offset or length '{text}'"));
        arguments.set(index, Argument::Int(number.ok_or_else(bad)?));
    }
    Ok(())
}

fn size(arguments: &Arguments, index: usize, ctx: Option<&Ctx<'_>>) -> Option<usize> {
    let size = match arguments.get(index)? {
        Argument::Int(number) => *number,
        Argument::Variable(scope, name) => number(&ctx?.var(*scope, name)?.cast(Type::Sint)?)?,
        _ => return None,
    };
    usize::try_from(size).ok()
}

/// HAProxy: an offset behind the end gives no bytes, and a length that is too large the rest.
fn bytes(value: Value, arguments: &Arguments, ctx: Option<&Ctx<'_>>) -> Option<Value> {
    let content = content(value)?;
    let start = size(arguments, 0, ctx)?;
    if start >= content.len() {
        return Some(Value::Bin(Bytes::new()));
    }
    let end = match arguments.get(1) {
        Some(_) => start.saturating_add(size(arguments, 1, ctx)?).min(content.len()),
        None => content.len(),
    };
    Some(Value::Bin(content.slice(start..end)))
}

fn htonl(value: &Value) -> Option<Value> {
    let [_, _, _, _, low @ ..] = number(value)?.to_be_bytes();
    Some(Value::Bin(Bytes::copy_from_slice(&low)))
}

fn le2dec(value: Value, arguments: &Arguments, _: Option<&Ctx<'_>>) -> Option<Value> {
    let write = |chunk: &[u8], out: &mut String| {
        let number =
            chunk.iter().rev().fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
        out.push_str(&number.to_string());
    };
    chunked(value, arguments, write, 2)
}
