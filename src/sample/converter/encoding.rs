//! Converters between bytes and their text forms.

use base64::Engine;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::GeneralPurpose;
use base64::engine::GeneralPurposeConfig;
use base64::engine::general_purpose::STANDARD;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;

use crate::sample::argument::Arguments;
use crate::sample::argument::Kind;
use crate::sample::context::Ctx;
use crate::sample::context::Env;
use crate::sample::error::Reason;
use crate::value::Type;
use crate::value::Value;

use super::Converter;
use super::bytes;

const STR: Type = Type::Str;
const BIN: Type = Type::Bin;

pub(super) const TABLE: &[Converter] = &[
    Converter::new("b64dec", STR, BIN, b64dec, "from base64"),
    Converter::new("base2", BIN, STR, base2, "to binary digits"),
    Converter::new("base64", BIN, STR, base64, "to base64"),
    Converter::new("hex", BIN, STR, hex, "to hexadecimal digits"),
    Converter::new("hex2i", STR, Type::Sint, hex2i, "from hexadecimal digits"),
    Converter::new("ub64dec", STR, BIN, ub64dec, "from base64 of URLs"),
    Converter::new("ub64enc", BIN, STR, ub64enc, "to base64 of URLs"),
    Converter::new("url_dec", STR, STR, url_dec, "from the form of URLs")
        .takes(&[Kind::Int])
        .required(0),
    Converter::new("url_enc", STR, STR, url_enc, "to the form of URLs")
        .takes(&[Kind::Str])
        .required(0)
        .checked(check_url_enc),
];

/// base64 as HAProxy reads it: bits that are left over are not looked at.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

const URL_LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Reads base64.
pub(super) fn decode(text: &[u8]) -> Option<Bytes> {
    LENIENT.decode(text).ok().map(Bytes::from)
}

fn b64dec(value: Value, _: &Arguments, _: Option<&Ctx<'_>>) -> Option<Value> {
    decode(&bytes(value)?).map(Value::Bin)
}

fn base2(value: Value, _: &Arguments, _: Option<&Ctx<'_>>) -> Option<Value> {
    let digits = bytes(value)?.iter().map(|byte| format!("{byte:08b}")).collect::<String>();
    Some(Value::Str(digits.into()))
}

fn base64(value: Value, _: &Arguments, _: Option<&Ctx<'_>>) -> Option<Value> {
    Some(Value::Str(STANDARD.encode(bytes(value)?).into()))
}

fn hex(value: Value, _: &Arguments, _: Option<&Ctx<'_>>) -> Option<Value> {
    Some(Value::Str(hex::encode_upper(bytes(value)?).into()))
}

/// HAProxy: what is no digit makes it none.
fn hex2i(value: Value, _: &Arguments, _: Option<&Ctx<'_>>) -> Option<Value> {
    let text = bytes(value)?;
    let mut number = 0_i64;
    for byte in &text {
        let digit = char::from(*byte).to_digit(16)?;
        number = (number << 4) | i64::from(digit);
    }
    Some(Value::Int(number))
}

fn ub64dec(value: Value, _: &Arguments, _: Option<&Ctx<'_>>) -> Option<Value> {
    URL_LENIENT.decode(bytes(value)?).ok().map(|bytes| Value::Bin(bytes.into()))
}

fn ub64enc(value: Value, _: &Arguments, _: Option<&Ctx<'_>>) -> Option<Value> {
    Some(Value::Str(URL_SAFE_NO_PAD.encode(bytes(value)?).into()))
}

/// HAProxy: `+` is a space after the first `?`, or everywhere with an argument that is not 0.
fn url_dec(value: Value, arguments: &Arguments, _: Option<&Ctx<'_>>) -> Option<Value> {
    let text = bytes(value)?;
    let mut in_form = arguments.int(0).is_some_and(|number| number != 0);
    if !text.iter().any(|byte| matches!(byte, b'%' | b'+')) {
        return Some(Value::Str(text));
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        let byte = match *byte {
            b'+' if in_form => b' ',
            b'%' => {
                let (high, low) = (digit(rest.next())?, digit(rest.next())?);
                (high << 4) | low
            }
            other => {
                in_form |= other == b'?';
                other
            }
        };
        out.push(byte);
    }
    Some(Value::Str(out.into()))
}

fn digit(byte: Option<&u8>) -> Option<u8> {
    u8::try_from(char::from(*byte?).to_digit(16)?).ok()
}

fn check_url_enc(arguments: &mut Arguments, _: &Env<'_>) -> Result<(), Reason> {
    match arguments.text(0).map(|kind| &kind[..]) {
        None | Some(b"" | b"query") => Ok(()),
        Some(_) => {
            let message = "Unexpected encode type. Allowed value is 'query'";
            Err(Reason::Custom(message.to_owned()))
        }
    }
}

fn url_enc(value: Value, _: &Arguments, _: Option<&Ctx<'_>>) -> Option<Value> {
    let text = bytes(value)?;
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    if text.iter().all(plain) {
        return Some(Value::Str(text));
    }
    let mut out = Vec::with_capacity(text.len() * 3);
    for byte in &text {
        if plain(byte) {
            out.push(*byte);
        } else {
            out.push(b'%');
            out.extend_from_slice(hex::encode_upper([*byte]).as_bytes());
        }
    }
    Some(Value::Str(Bytes::from(out)))
}
