//! Converters that hash.

use bytes::Bytes;
use md5::Digest;
use md5::Md5;
use sha1::Sha1;
use sha2::Sha224;
use sha2::Sha256;
use sha2::Sha384;
use sha2::Sha512;
use xxhash_rust::xxh3::xxh3_64_with_seed;
use xxhash_rust::xxh32::xxh32 as xxh32_of;
use xxhash_rust::xxh64::xxh64 as xxh64_of;

use crate::sample::argument::Argument;
use crate::sample::argument::Arguments;
use crate::sample::argument::Kind;
use crate::sample::context::Ctx;
use crate::sample::context::Env;
use crate::sample::error::Reason;
use crate::sample::hash;
use crate::value::Type;
use crate::value::Value;

use super::Converter;
use super::bytes;

const BIN: Type = Type::Bin;

/// Returns the row of a hash that is spread over all bits with the argument 1.
const fn spread(
    name: &'static str,
    run: fn(Value, &Arguments, Option<&Ctx<'_>>) -> Option<Value>,
) -> Converter {
    Converter::new(name, BIN, Type::Sint, run, "a hash of 32 bits").takes(&[Kind::Int]).required(0)
}

pub(super) const TABLE: &[Converter] = &[
    spread("crc32", |v, a, _| small(v, a, hash::crc32)),
    spread("crc32c", |v, a, _| small(v, a, hash::crc32c)),
    Converter::new("digest", BIN, BIN, digest, "a digest by its name")
        .takes(&[Kind::Str])
        .checked(check_digest),
    spread("djb2", |v, a, _| small(v, a, hash::djb2)),
    Converter::new("hmac", BIN, BIN, hmac, "a digest with a key in base64 or in a variable")
        .takes(&[Kind::Str, Kind::Str])
        .checked(check_hmac),
    spread("sdbm", |v, a, _| small(v, a, hash::sdbm)),
    Converter::new("sha1", BIN, BIN, sha1, "the digest SHA-1"),
    Converter::new("sha2", BIN, BIN, sha2, "the digest SHA-2 of some bits, 256 by default")
        .takes(&[Kind::Int])
        .required(0)
        .checked(check_sha2),
    spread("wt6", |v, a, _| small(v, a, hash::wt6)),
    seeded("xxh3", xxh3),
    seeded("xxh32", xxh32),
    seeded("xxh64", xxh64),
];

/// Returns the row of a hash with a seed.
const fn seeded(
    name: &'static str,
    run: fn(Value, &Arguments, Option<&Ctx<'_>>) -> Option<Value>,
) -> Converter {
    Converter::new(name, BIN, Type::Sint, run, "a hash with a seed").takes(&[Kind::Int]).required(0)
}

fn small(value: Value, arguments: &Arguments, run: fn(&[u8]) -> u32) -> Option<Value> {
    let hash = run(&bytes(value)?);
    let spread = arguments.int(0).is_some_and(|number| number != 0);
    Some(Value::Int(i64::from(if spread { hash::avalanche(hash) } else { hash })))
}

/// The digests, by their names in OpenSSL.
#[derive(Clone, Copy)]
enum Algorithm {
    Md5,
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

const ALGORITHMS: &[(&str, Algorithm)] = &[
    ("md5", Algorithm::Md5),
    ("sha1", Algorithm::Sha1),
    ("sha224", Algorithm::Sha224),
    ("sha256", Algorithm::Sha256),
    ("sha384", Algorithm::Sha384),
    ("sha512", Algorithm::Sha512),
];

impl Algorithm {
    fn at(index: i64) -> Option<Self> {
        ALGORITHMS.get(usize::try_from(index).ok()?).map(|(_, algorithm)| *algorithm)
    }

    fn run(self, parts: &[&[u8]]) -> Vec<u8> {
        match self {
            Self::Md5 => run::<Md5>(parts),
            Self::Sha1 => run::<Sha1>(parts),
            Self::Sha224 => run::<Sha224>(parts),
            Self::Sha256 => run::<Sha256>(parts),
            Self::Sha384 => run::<Sha384>(parts),
            Self::Sha512 => run::<Sha512>(parts),
        }
    }

    /// Bytes that are digested at once.
    fn block(self) -> usize {
        match self {
            Self::Md5 | Self::Sha1 | Self::Sha224 | Self::Sha256 => 64,
            Self::Sha384 | Self::Sha512 => 128,
        }
    }

    /// Digests with a key (RFC 2104).
    fn with_key(self, key: &[u8], text: &[u8]) -> Vec<u8> {
        let mut key = if key.len() > self.block() { self.run(&[key]) } else { key.to_vec() };
        key.resize(self.block(), 0);
        let inner: Vec<u8> = key.iter().map(|byte| byte ^ 0x36).collect();
        let outer: Vec<u8> = key.iter().map(|byte| byte ^ 0x5c).collect();
        self.run(&[&outer, &self.run(&[&inner, text])])
    }
}

fn run<D: Digest>(parts: &[&[u8]]) -> Vec<u8> {
    let mut digest = D::new();
    for part in parts {
        digest.update(part);
    }
    digest.finalize().to_vec()
}

fn check_digest(arguments: &mut Arguments, _: &Env<'_>) -> Result<(), Reason> {
    let name = arguments.lossy(0).to_ascii_lowercase().replace("sha-", "sha");
    let index = ALGORITHMS.iter().position(|(known, _)| *known == name);
    let index = index.and_then(|index| i64::try_from(index).ok()).ok_or_else(|| {
        Reason::Custom("algorithm must be a valid OpenSSL message digest name.".to_owned())
    })?;
    arguments.set(0, Argument::Int(index));
    Ok(())
}

fn digest(value: Value, arguments: &Arguments, _: Option<&Ctx<'_>>) -> Option<Value> {
    let digest = Algorithm::at(arguments.int(0)?)?.run(&[&bytes(value)?]);
    Some(Value::Bin(digest.into()))
}

fn check_hmac(arguments: &mut Arguments, env: &Env<'_>) -> Result<(), Reason> {
    check_digest(arguments, env)?;
    if !arguments.try_variable(1) {
        let key = super::encoding::decode(arguments.text(1).map_or(&[], |text| text));
        let key = key.ok_or_else(|| Reason::Custom("failed to parse the key".to_owned()))?;
        arguments.set(1, Argument::Text(key));
    }
    Ok(())
}

fn hmac(value: Value, arguments: &Arguments, ctx: Option<&Ctx<'_>>) -> Option<Value> {
    let key = match arguments.get(1)? {
        Argument::Variable(scope, name) => {
            let text = ctx?.var(*scope, name)?.cast(Type::Str)?.into_bytes();
            super::encoding::decode(&text)?
        }
        Argument::Text(key) => key.clone(),
        _ => return None,
    };
    let digest = Algorithm::at(arguments.int(0)?)?.with_key(&key, &bytes(value)?);
    Some(Value::Bin(digest.into()))
}

fn sha1(value: Value, _: &Arguments, _: Option<&Ctx<'_>>) -> Option<Value> {
    Some(Value::Bin(Bytes::from(run::<Sha1>(&[&bytes(value)?]))))
}

fn check_sha2(arguments: &mut Arguments, _: &Env<'_>) -> Result<(), Reason> {
    match arguments.int(0) {
        None | Some(224 | 256 | 384 | 512) => Ok(()),
        Some(bits) => Err(Reason::Custom(format!("Unsupported number of bits: '{bits}'"))),
    }
}

fn sha2(value: Value, arguments: &Arguments, _: Option<&Ctx<'_>>) -> Option<Value> {
    let algorithm = match arguments.int(0) {
        Some(224) => Algorithm::Sha224,
        Some(384) => Algorithm::Sha384,
        Some(512) => Algorithm::Sha512,
        _ => Algorithm::Sha256,
    };
    Some(Value::Bin(algorithm.run(&[&bytes(value)?]).into()))
}

/// Seeds are the bits of the number.
fn seed(arguments: &Arguments) -> u64 {
    u64::from_ne_bytes(arguments.int(0).unwrap_or_default().to_ne_bytes())
}

fn signed(hash: u64) -> Option<Value> {
    Some(Value::Int(i64::from_ne_bytes(hash.to_ne_bytes())))
}

fn xxh3(value: Value, arguments: &Arguments, _: Option<&Ctx<'_>>) -> Option<Value> {
    signed(xxh3_64_with_seed(&bytes(value)?, seed(arguments)))
}

fn xxh32(value: Value, arguments: &Arguments, _: Option<&Ctx<'_>>) -> Option<Value> {
    let seed = u32::try_from(seed(arguments) & 0xffff_ffff).ok()?;
    Some(Value::Int(i64::from(xxh32_of(&bytes(value)?, seed))))
}

fn xxh64(value: Value, arguments: &Arguments, _: Option<&Ctx<'_>>) -> Option<Value> {
    signed(xxh64_of(&bytes(value)?, seed(arguments)))
}
