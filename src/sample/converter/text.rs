//! Converters of text.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use crate::sample::argument::Argument;
use crate::sample::argument::Arguments;
use crate::sample::argument::Kind;
use crate::sample::context::Ctx;
use crate::sample::context::Env;
use crate::sample::error::Reason;
use crate::sample::regex::Regex;
use crate::value::Type;
use crate::value::Value;

use super::Converter;
use super::bytes;
use super::number;

const STR: Type = Type::Str;
const PART: &[Kind] = &[Kind::Int, Kind::Str, Kind::Int];

pub(super) const TABLE: &[Converter] = &[
    Converter::new("add_item", STR, STR, add_item, "adds an item to a list")
        .takes(&[Kind::Str, Kind::Str, Kind::Str])
        .required(2)
        .checked(check_add_item),
    Converter::new("concat", STR, STR, concat, "adds text, a variable and more text")
        .takes(&[Kind::Str, Kind::Str, Kind::Str])
        .required(1)
        .checked(check_concat),
    Converter::new("cut_crlf", STR, STR, cut_crlf, "removes the end of the line"),
    Converter::new("field", STR, STR, field, "a field between separators")
        .takes(PART)
        .required(2)
        .checked(check_field),
    Converter::new("has_ctl", Type::Bin, Type::Bool, has_ctl, "whether it has control characters")
        .takes(&[Kind::Str])
        .required(0),
    Converter::new(
        "iif",
        Type::Bool,
        STR,
        |v, a, _| iif(&v, a),
        "one text if true, another if false",
    )
    .takes(&[Kind::Str, Kind::Str]),
    Converter::new("length", STR, Type::Sint, length, "how many bytes it has"),
    Converter::new("lower", STR, STR, lower, "in lower case"),
    Converter::new("ltrim", STR, STR, ltrim, "without some characters at the start")
        .takes(&[Kind::Str]),
    Converter::new("param", STR, STR, param, "a parameter of a query string")
        .takes(&[Kind::Str, Kind::Str])
        .required(1),
    Converter::new("regsub", STR, STR, regsub, "replaces what an expression matches")
        .takes(&[Kind::Regex, Kind::Str, Kind::Str])
        .required(2)
        .checked(check_regsub),
    Converter::new("reverse", STR, STR, reverse, "backwards"),
    Converter::new("reverse_dom", STR, STR, reverse_dom, "the labels of a domain name backwards"),
    Converter::new("rtrim", STR, STR, rtrim, "without some characters at the end")
        .takes(&[Kind::Str]),
    Converter::new("secure_memcmp", Type::Bin, Type::Bool, secure_memcmp, "equal to a variable")
        .takes(&[Kind::Str])
        .checked(check_variable),
    Converter::new("strcmp", STR, Type::Sint, strcmp, "compares with a variable")
        .takes(&[Kind::Str])
        .checked(check_variable),
    Converter::new("upper", STR, STR, upper, "in upper case"),
    Converter::new("word", STR, STR, word, "a word between separators")
        .takes(PART)
        .required(2)
        .checked(check_word),
];

/// Makes the first argument a variable.
fn check_variable(arguments: &mut Arguments, _: &Env<'_>) -> Result<(), Reason> {
    if arguments.try_variable(0) {
        return Ok(());
    }
    let name = arguments.lossy(0);
    let message = format!(
        "failed to register variable name '{name}': a variable name starts with its scope, such as \
         'txn.'"
    );
    Err(Reason::Custom(message))
}

/// Returns a variable that an argument names, as text.
fn variable(arguments: &Arguments, index: usize, ctx: Option<&Ctx<'_>>) -> Option<Bytes> {
    match arguments.get(index)? {
        Argument::Variable(scope, name) => ctx?.var(*scope, name)?.cast(STR).map(Value::into_bytes),
        _ => None,
    }
}

fn check_add_item(arguments: &mut Arguments, _: &Env<'_>) -> Result<(), Reason> {
    if arguments.text(1).is_some_and(|name| !name.is_empty()) && !arguments.try_variable(1) {
        return Err(Reason::BadVariable(arguments.lossy(1)));
    }
    Ok(())
}

/// HAProxy: the separator stands only between items that are there.
fn add_item(value: Value, arguments: &Arguments, ctx: Option<&Ctx<'_>>) -> Option<Value> {
    let text = bytes(value)?;
    let variable = variable(arguments, 1, ctx).unwrap_or_default();
    let suffix = arguments.text(2).cloned().unwrap_or_default();
    if variable.is_empty() && suffix.is_empty() {
        return Some(Value::Str(text));
    }
    let separator = arguments.text(0).filter(|_| !text.is_empty()).cloned().unwrap_or_default();
    Some(Value::Str([text, separator, variable, suffix].concat().into()))
}

fn check_concat(arguments: &mut Arguments, _: &Env<'_>) -> Result<(), Reason> {
    if arguments.text(1).is_some_and(|name| !name.is_empty()) && !arguments.try_variable(1) {
        return Err(Reason::BadVariable(arguments.lossy(1)));
    }
    Ok(())
}

fn concat(value: Value, arguments: &Arguments, ctx: Option<&Ctx<'_>>) -> Option<Value> {
    let variable = variable(arguments, 1, ctx).unwrap_or_default();
    let text = |index| arguments.text(index).cloned().unwrap_or_default();
    Some(Value::Str([bytes(value)?, text(0), variable, text(2)].concat().into()))
}

fn cut_crlf(value: Value, _: &Arguments, _: Option<&Ctx<'_>>) -> Option<Value> {
    let text = bytes(value)?;
    let end = memchr::memchr2(b'\r', b'\n', &text).unwrap_or(text.len());
    Some(Value::Str(text.slice(..end)))
}

fn check_field(arguments: &mut Arguments, _: &Env<'_>) -> Result<(), Reason> {
    if arguments.int(0) == Some(0) {
        return Err(Reason::Custom("Unexpected value 0 for index".to_owned()));
    }
    check_separators(arguments)
}

fn check_separators(arguments: &Arguments) -> Result<(), Reason> {
    if arguments.text(1).is_none_or(Bytes::is_empty) {
        return Err(Reason::Custom("Empty separators list".to_owned()));
    }
    Ok(())
}

/// HAProxy: a negative number counts from the end; with a count the part spans several fields, and
/// with a count of 0 all of them.
fn field(value: Value, arguments: &Arguments, _: Option<&Ctx<'_>>) -> Option<Value> {
    let text = bytes(value)?;
    let parts = parts(&text, arguments.text(1)?, false);
    span(&parts, arguments).map(|range| Value::Str(text.slice(range)))
}

/// Returns where the fields of a text are, or the words: the fields that are not empty.
fn parts(text: &[u8], separators: &[u8], words: bool) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut start = 0;
    for (at, byte) in text.iter().enumerate() {
        if separators.contains(byte) {
            parts.push(start..at);
            start = at + 1;
        }
    }
    parts.push(start..text.len());
    if words {
        parts.retain(|part| !part.is_empty());
    }
    parts
}

/// Returns the range from the first to the last part that the arguments ask for.
fn span(parts: &[Range<usize>], arguments: &Arguments) -> Option<Range<usize>> {
    let index = arguments.int(0)?;
    let count = usize::try_from(arguments.int(2).unwrap_or(1)).unwrap_or(1);
    let place = usize::try_from(index.unsigned_abs()).ok()?.checked_sub(1)?;
    let (first, last) = if index > 0 {
        let last = if count == 0 { parts.len() } else { place.saturating_add(count) };
        (place, last.min(parts.len()).checked_sub(1)?)
    } else {
        let last = parts.len().checked_sub(1)?.checked_sub(place)?;
        (if count == 0 { 0 } else { (last + 1).saturating_sub(count) }, last)
    };
    Some(parts.get(first)?.start..parts.get(last)?.end)
}

/// HAProxy: with an argument, only these characters are looked for.
fn has_ctl(value: Value, _: &Arguments, _: Option<&Ctx<'_>>) -> Option<Value> {
    let text = bytes(value)?;
    Some(Value::Bool(text.iter().any(|byte| *byte < 32 || *byte == 127)))
}

fn iif(value: &Value, arguments: &Arguments) -> Option<Value> {
    let index = if number(value)? != 0 { 0 } else { 1 };
    arguments.text(index).cloned().map(Value::Str)
}

fn length(value: Value, _: &Arguments, _: Option<&Ctx<'_>>) -> Option<Value> {
    i64::try_from(bytes(value)?.len()).ok().map(Value::Int)
}

fn lower(value: Value, _: &Arguments, _: Option<&Ctx<'_>>) -> Option<Value> {
    let text = bytes(value)?;
    if !text.iter().any(u8::is_ascii_uppercase) {
        return Some(Value::Str(text));
    }
    Some(Value::Str(text.to_ascii_lowercase().into()))
}

fn ltrim(value: Value, arguments: &Arguments, _: Option<&Ctx<'_>>) -> Option<Value> {
    let (text, drop) = (bytes(value)?, arguments.text(0)?);
    let start = text.iter().position(|byte| !drop.contains(byte)).unwrap_or(text.len());
    Some(Value::Str(text.slice(start..)))
}

fn param(value: Value, arguments: &Arguments, _: Option<&Ctx<'_>>) -> Option<Value> {
    let text = bytes(value)?;
    let delimiter = arguments.text(1).filter(|text| !text.is_empty());
    let delimiter = delimiter.map_or(&b"&"[..], |text| text);
    let name = arguments.text(0)?;
    let mut rest = &text[..];
    loop {
        let end = memchr::memmem::find(rest, delimiter);
        let pair = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        if let Some(after) = pair.strip_prefix(&name[..]) {
            match after {
                [] => return Some(Value::Str(Bytes::new())),
                [b'=', value @ ..] => return Some(Value::Str(text.slice_ref(value))),
                _ => {}
            }
        }
        rest = rest.get(end? + delimiter.len()..)?;
    }
}

fn check_regsub(arguments: &mut Arguments, _: &Env<'_>) -> Result<(), Reason> {
    let flags = arguments.lossy(2);
    if let Some(flag) = flags.chars().find(|flag| !"ig".contains(*flag)) {
        let message = format!("invalid regex flag '{flag}', only 'i' and 'g' are supported");
        return Err(Reason::Custom(message));
    }
    let regex = Regex::new(&arguments.lossy(0), flags.contains('i'))?;
    arguments.set(0, Argument::Regex(Arc::new(regex)));
    arguments.set(2, Argument::Int(i64::from(flags.contains('g'))));
    Ok(())
}

fn regsub(value: Value, arguments: &Arguments, _: Option<&Ctx<'_>>) -> Option<Value> {
    let Some(Argument::Regex(regex)) = arguments.get(0) else { return None };
    let all = arguments.int(2) == Some(1);
    Some(Value::Str(regex.replace(&bytes(value)?, arguments.text(1)?, all)))
}

fn reverse(value: Value, _: &Arguments, _: Option<&Ctx<'_>>) -> Option<Value> {
    let mut text = bytes(value)?.to_vec();
    text.reverse();
    Some(Value::Str(text.into()))
}

fn reverse_dom(value: Value, _: &Arguments, _: Option<&Ctx<'_>>) -> Option<Value> {
    let text = bytes(value)?;
    let name = text.strip_suffix(b".").unwrap_or(&text);
    let labels: Vec<&[u8]> = name.rsplit(|byte| *byte == b'.').collect();
    Some(Value::Str(labels.join(&b'.').into()))
}

fn rtrim(value: Value, arguments: &Arguments, _: Option<&Ctx<'_>>) -> Option<Value> {
    let (text, drop) = (bytes(value)?, arguments.text(0)?);
    let end = text.iter().rposition(|byte| !drop.contains(byte)).map_or(0, |at| at + 1);
    Some(Value::Str(text.slice(..end)))
}

/// Takes the same time wherever the bytes differ, so that a secret cannot be guessed piece by piece.
fn secure_memcmp(value: Value, arguments: &Arguments, ctx: Option<&Ctx<'_>>) -> Option<Value> {
    let text = bytes(value)?;
    let other = match arguments.get(0)? {
        Argument::Variable(scope, name) => {
            ctx?.var(*scope, name)?.cast(Type::Bin).map(Value::into_bytes)?
        }
        _ => return None,
    };
    let differences = text.iter().zip(other.iter()).fold(0, |all, (a, b)| all | (a ^ b));
    Some(Value::Bool(text.len() == other.len() && std::hint::black_box(differences) == 0))
}

/// HAProxy: how far the first different bytes lie apart, or else the lengths.
fn strcmp(value: Value, arguments: &Arguments, ctx: Option<&Ctx<'_>>) -> Option<Value> {
    let (text, other) = (bytes(value)?, variable(arguments, 0, ctx)?);
    let different = text.iter().zip(other.iter()).find(|(a, b)| a != b);
    let distance = match different {
        Some((a, b)) => i64::from(*a) - i64::from(*b),
        None => {
            let (a, b) = (i64::try_from(text.len()).ok()?, i64::try_from(other.len()).ok()?);
            a - b
        }
    };
    Some(Value::Int(distance))
}

fn upper(value: Value, _: &Arguments, _: Option<&Ctx<'_>>) -> Option<Value> {
    Some(Value::Str(bytes(value)?.to_ascii_uppercase().into()))
}

fn check_word(arguments: &mut Arguments, _: &Env<'_>) -> Result<(), Reason> {
    if arguments.int(0) == Some(0) {
        return Err(Reason::Custom("Unexpected value 0 for index".to_owned()));
    }
    check_separators(arguments)
}

/// HAProxy: a word that is not there is an empty text.
fn word(value: Value, arguments: &Arguments, _: Option<&Ctx<'_>>) -> Option<Value> {
    let text = bytes(value)?;
    let parts = parts(&text, arguments.text(1)?, true);
    let range = span(&parts, arguments).unwrap_or(0..0);
    Some(Value::Str(text.slice(range)))
}
