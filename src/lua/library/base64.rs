//! `base64`: RFC 4648, with its two alphabets.

use base64::Engine;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::GeneralPurpose;
use base64::engine::GeneralPurposeConfig;

use super::Row;
use crate::lua::api::miss;
use crate::lua::api::text;
use crate::lua::host::Args;
use crate::lua::host::Raise;
use crate::lua::host::Reply;

pub(super) const TABLE: &[Row] = &[
    Row { name: "decode", run: decode },
    Row { name: "decode_url", run: decode_url },
    Row { name: "encode", run: encode },
    Row { name: "encode_url", run: encode_url },
];

/// Padding may be missing, as in tokens.
const CONFIG: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);

pub(super) const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, CONFIG);

/// For URLs: `-` and `_`, no padding.
const URL: GeneralPurpose =
    GeneralPurpose::new(&alphabet::URL_SAFE, CONFIG.with_encode_padding(false));

fn decode(args: &Args<'_>) -> Result<Reply, Raise> {
    read(args, &STANDARD)
}

fn decode_url(args: &Args<'_>) -> Result<Reply, Raise> {
    read(args, &URL)
}

fn encode(args: &Args<'_>) -> Result<Reply, Raise> {
    text(args.lua(), STANDARD.encode(args.lua_string(1)?.as_bytes()))
}

fn encode_url(args: &Args<'_>) -> Result<Reply, Raise> {
    text(args.lua(), URL.encode(args.lua_string(1)?.as_bytes()))
}

fn read(args: &Args<'_>, engine: &GeneralPurpose) -> Result<Reply, Raise> {
    let mut bytes = args.lua_string(1)?.as_bytes().to_vec();
    bytes.retain(|byte| !byte.is_ascii_whitespace());
    match engine.decode(bytes) {
        Ok(decoded) => text(args.lua(), decoded),
        Err(_) => miss(args.lua(), "invalid base64"),
    }
}
