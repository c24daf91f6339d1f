//! Converters to and from JSON.

use bytes::Bytes;
use serde_json::Value as Json;

use crate::sample::argument::Arguments;
use crate::sample::argument::Kind;
use crate::sample::context::Ctx;
use crate::sample::context::Env;
use crate::sample::error::Reason;
use crate::value::Type;
use crate::value::Value;

use super::Converter;
use super::bytes;

pub(super) const TABLE: &[Converter] = &[
    Converter::new("json", Type::Str, Type::Str, json, "escapes text for JSON")
        .takes(&[Kind::Str])
        .required(0)
        .checked(check_json),
    Converter::new("json_query", Type::Str, Type::Any, json_query, "a value in a document")
        .takes(&[Kind::Str, Kind::Str])
        .required(1)
        .checked(check_json_query),
];

const FORMS: &[&str] = &["", "ascii", "utf8", "utf8s", "utf8p", "utf8ps"];

fn check_json(arguments: &mut Arguments, _: &Env<'_>) -> Result<(), Reason> {
    if FORMS.contains(&&*arguments.lossy(0)) {
        return Ok(());
    }
    let message = "Unexpected input code type. Allowed value are 'ascii', 'utf8', 'utf8s', \
                   'utf8p' and 'utf8ps'";
    Err(Reason::Custom(message.to_owned()))
}

/// HAProxy: `ascii` takes each byte for a character; of the UTF-8 forms those with `s` leave out
/// what is malformed, where the others fail.
fn json(value: Value, arguments: &Arguments, _: Option<&Ctx<'_>>) -> Option<Value> {
    let text = bytes(value)?;
    let form = arguments.lossy(0);
    let mut out = String::with_capacity(text.len());
    if form.is_empty() || form == "ascii" {
        text.iter().for_each(|byte| push(char::from(*byte), &mut out));
    } else {
        for chunk in text.utf8_chunks() {
            chunk.valid().chars().for_each(|c| push(c, &mut out));
            if !chunk.invalid().is_empty() && !form.ends_with('s') {
                return None;
            }
        }
    }
    Some(Value::Str(out.into()))
}

fn push(c: char, out: &mut String) {
    match c {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '/' => out.push_str("\\/"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        ' '..='~' => out.push(c),
        _ => {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
}

fn check_json_query(arguments: &mut Arguments, _: &Env<'_>) -> Result<(), Reason> {
    let custom = |text: &str| Err(Reason::Custom(text.to_owned()));
    if arguments.text(0).is_none_or(|path| path.first() != Some(&b'$')) {
        return custom("json_path must start with '$'");
    }
    match arguments.text(1).map(|kind| &kind[..]) {
        None | Some(b"" | b"int") => Ok(()),
        Some(_) => custom("output_type only supports \"int\" as argument"),
    }
}

/// HAProxy: numbers are text unless `int` is asked for, and objects and null are nothing.
fn json_query(value: Value, arguments: &Arguments, _: Option<&Ctx<'_>>) -> Option<Value> {
    let document: Json = serde_json::from_slice(&bytes(value)?).ok()?;
    let found = walk(&document, arguments.text(0)?.get(1..)?)?;
    let as_int = arguments.text(1).is_some_and(|kind| &kind[..] == b"int");
    match found {
        Json::Bool(yes) => Some(Value::Bool(*yes)),
        Json::String(text) => Some(Value::Str(Bytes::copy_from_slice(text.as_bytes()))),
        Json::Number(number) if as_int => {
            let whole = number.as_i64().or_else(|| number.as_f64().map(|float| float as i64));
            whole.map(Value::Int)
        }
        Json::Number(number) => number.as_f64().map(|float| Value::Str(general(float).into())),
        Json::Array(_) => Some(Value::Str(found.to_string().into())),
        Json::Null | Json::Object(_) => None,
    }
}

/// Follows a path such as `.a.b[1]`, where `\.` is a dot in a name.
fn walk<'a>(mut value: &'a Json, mut path: &[u8]) -> Option<&'a Json> {
    loop {
        match path {
            [] => return Some(value),
            [b'.', rest @ ..] => {
                let mut name = Vec::new();
                let mut at = 0;
                while let Some(byte) = rest.get(at) {
                    match (byte, rest.get(at + 1)) {
                        (b'.' | b'[', _) => break,
                        (b'\\', Some(escaped)) => {
                            name.push(*escaped);
                            at += 1;
                        }
                        _ => name.push(*byte),
                    }
                    at += 1;
                }
                value = value.get(std::str::from_utf8(&name).ok()?)?;
                path = rest.get(at..)?;
            }
            [b'[', rest @ ..] => {
                let end = memchr::memchr(b']', rest)?;
                let index = std::str::from_utf8(rest.get(..end)?).ok()?;
                value = value.get(index.parse::<usize>().ok()?)?;
                path = rest.get(end + 1..)?;
            }
            _ => return None,
        }
    }
}

/// Writes a number as C's `%g` does: six digits, and an exponent where that is shorter.
fn general(number: f64) -> String {
    if number == 0.0 {
        return "0".to_owned();
    }
    let scientific = format!("{number:.5e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let trimmed = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    };
    if (-4..6).contains(&exponent) {
        let digits = usize::try_from(5 - exponent).unwrap_or_default();
        return trimmed(&format!("{number:.digits$}"));
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", trimmed(mantissa), exponent.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_c_does() {
        for (number, text) in [
            (1.5, "1.5"),
            (-5.0, "-5"),
            (1000.0, "1000"),
            (12_345_678_901.0, "1.23457e+10"),
            (0.000_012, "1.2e-05"),
            (100_000.0, "100000"),
            (0.0, "0"),
        ] {
            assert_eq!(general(number), text);
        }
    }
}
