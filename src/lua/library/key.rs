//! Keys, signatures and certificates of `crypto` and `openssl`: RSA and ECDSA by aws-lc.

use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use aws_lc_rs::digest as hashes;
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::encoding::Pkcs8V1Der;
use aws_lc_rs::encoding::PublicKeyX509Der;
use aws_lc_rs::rand;
use aws_lc_rs::rsa;
use aws_lc_rs::signature;
use aws_lc_rs::signature::EcdsaKeyPair;
use aws_lc_rs::signature::KeyPair;
use aws_lc_rs::signature::UnparsedPublicKey;
use base64::Engine;
use mlua::IntoLua;
use mlua::Lua;
use mlua::UserData;
use mlua::Value;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::UnixTime;
use x509_parser::certificate::X509Certificate;
use x509_parser::pem::Pem;
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

use super::Row;
use super::base64::STANDARD;
use super::hasher::Hasher;
use super::object;
use crate::clock;
use crate::lua::account;
use crate::lua::account::Charge;
use crate::lua::api;
use crate::lua::api::miss;
use crate::lua::api::text;
use crate::lua::current;
use crate::lua::host::Args;
use crate::lua::host::Raise;
use crate::lua::host::Reply;
use crate::task;

pub(super) const TABLE: &[Row] = &[
    Row { name: "certificate", run: certificate },
    Row { name: "certificate_key", run: certificate_key },
    Row { name: "certificate_pem", run: certificate_pem },
    Row { name: "describe", run: describe },
    Row { name: "from_components", run: from_components },
    Row { name: "from_pem", run: from_pem },
    Row { name: "generate", run: generate },
    Row { name: "info", run: info },
    Row { name: "is_trusted", run: is_trusted },
    Row { name: "random", run: random },
    Row { name: "sign", run: sign },
    Row { name: "to_pem", run: to_pem },
    Row { name: "verify", run: verify },
];

/// What a key or certificate holds.
const OBJECT: usize = 8 << 10;

/// The longest text that may hold one.
const PEM_MAX: usize = 64 << 10;

/// The most random bytes at once.
const RANDOM_MAX: i64 = 1 << 20;

/// A key, its private part too where there is one.
#[derive(Clone, Debug)]
struct Key(Arc<(Parts, Option<Charge>)>);

#[derive(Debug)]
struct Parts {
    /// As X.509 has it.
    public: Vec<u8>,
    private: Option<Private>,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Rsa,
    P256,
    P384,
    P521,
}

/// As PKCS #8 has it, and ready for use.
enum Private {
    Rsa(Box<rsa::KeyPair>),
    Ec(Box<EcdsaKeyPair>),
}

/// A certificate.
#[derive(Clone, Debug)]
struct Certificate(Rc<(Vec<u8>, Option<Charge>)>);

impl UserData for Key {}
impl UserData for Certificate {}

impl fmt::Debug for Private {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Private")
    }
}

/// Which signatures there are: of a kind of key, over a digest.
struct Scheme {
    kind: Kind,
    digest: &'static str,
    hash: &'static hashes::Algorithm,
    check: &'static dyn signature::VerificationAlgorithm,
    /// Of RSA, what a signature is made with; of curves, the key knows.
    encoding: Option<&'static dyn signature::RsaEncoding>,
}

#[rustfmt::skip]
const SCHEMES: &[Scheme] = &[
    Scheme { kind: Kind::Rsa, digest: "sha1", hash: &hashes::SHA1_FOR_LEGACY_USE_ONLY, check: &signature::RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, encoding: None },
    Scheme { kind: Kind::Rsa, digest: "sha256", hash: &hashes::SHA256, check: &signature::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, encoding: Some(&signature::RSA_PKCS1_SHA256) },
    Scheme { kind: Kind::Rsa, digest: "sha384", hash: &hashes::SHA384, check: &signature::RSA_PKCS1_2048_8192_SHA384, encoding: Some(&signature::RSA_PKCS1_SHA384) },
    Scheme { kind: Kind::Rsa, digest: "sha512", hash: &hashes::SHA512, check: &signature::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY, encoding: Some(&signature::RSA_PKCS1_SHA512) },
    Scheme { kind: Kind::P256, digest: "sha256", hash: &hashes::SHA256, check: &signature::ECDSA_P256_SHA256_ASN1, encoding: None },
    Scheme { kind: Kind::P256, digest: "sha384", hash: &hashes::SHA384, check: &signature::ECDSA_P256_SHA384_ASN1, encoding: None },
    Scheme { kind: Kind::P384, digest: "sha256", hash: &hashes::SHA256, check: &signature::ECDSA_P384_SHA256_ASN1, encoding: None },
    Scheme { kind: Kind::P384, digest: "sha384", hash: &hashes::SHA384, check: &signature::ECDSA_P384_SHA384_ASN1, encoding: None },
    Scheme { kind: Kind::P521, digest: "sha512", hash: &hashes::SHA512, check: &signature::ECDSA_P521_SHA512_ASN1, encoding: None },
];

/// The digest that a curve's signatures are made over.
const CURVES: &[(Kind, &str, &signature::EcdsaSigningAlgorithm)] = &[
    (Kind::P256, "sha256", &signature::ECDSA_P256_SHA256_ASN1_SIGNING),
    (Kind::P384, "sha384", &signature::ECDSA_P384_SHA384_ASN1_SIGNING),
    (Kind::P521, "sha512", &signature::ECDSA_P521_SHA512_ASN1_SIGNING),
];

/// `certificate(pem)`: a certificate, or nil and what is wrong.
fn certificate(args: &Args<'_>) -> Result<Reply, Raise> {
    let pem = bounded(args)?;
    let der = match pem.starts_with(b"0") {
        true => Some(pem),
        false => {
            blocks(&pem).into_iter().find(|pem| pem.label == "CERTIFICATE").map(|pem| pem.contents)
        }
    };
    let Some(der) = der.filter(|der| X509Certificate::from_der(der).is_ok()) else {
        return miss(args.lua(), "no certificate can be read");
    };
    let charge = account::charge_object(args.lua(), OBJECT)?;
    object(args.lua(), Certificate(Rc::new((der, charge))))
}

/// `certificate_key(certificate)`
fn certificate_key(args: &Args<'_>) -> Result<Reply, Raise> {
    let certificate = args.object::<Certificate>(1, "certificate")?;
    let key = X509Certificate::from_der(&certificate.0.0).ok();
    let key = key.and_then(|(_, parsed)| Parts::public(parsed.public_key().raw));
    made(args.lua(), key.ok_or("the key of the certificate is of no known kind"))
}

fn certificate_pem(args: &Args<'_>) -> Result<Reply, Raise> {
    let certificate = args.object::<Certificate>(1, "certificate")?;
    text(args.lua(), pem("CERTIFICATE", &certificate.0.0))
}

/// `describe(certificate)`: subject, issuer, serial number, first and last second, names.
fn describe(args: &Args<'_>) -> Result<Reply, Raise> {
    let certificate = args.object::<Certificate>(1, "certificate")?;
    let Ok((_, parsed)) = X509Certificate::from_der(&certificate.0.0) else {
        return miss(args.lua(), "no certificate can be read");
    };
    let lua = args.lua();
    let table = lua.create_table()?;
    table.raw_set("subject", parsed.subject().to_string())?;
    table.raw_set("issuer", parsed.issuer().to_string())?;
    table.raw_set("serial", hex::encode(parsed.raw_serial()))?;
    table.raw_set("from", parsed.validity().not_before.timestamp())?;
    table.raw_set("to", parsed.validity().not_after.timestamp())?;
    Ok(Reply::values([Value::Table(table)]))
}

/// `from_components(modulus, exponent)`: of RSA, big-endian.
fn from_components(args: &Args<'_>) -> Result<Reply, Raise> {
    let (n, e) = (args.string(1)?, args.string(2)?);
    let components = rsa::PublicKeyComponents { n: &n[..], e: &e[..] };
    let der: Result<PublicKeyX509Der<'_>, _> = components.as_der();
    let key = der.ok().and_then(|der| Parts::public(der.as_ref()));
    made(args.lua(), key.ok_or("the numbers are no key"))
}

/// `from_pem(text, is_private)`: a key, or nil and what is wrong.
fn from_pem(args: &Args<'_>) -> Result<Reply, Raise> {
    let pem = bounded(args)?;
    let wants_private = match args.value(2) {
        Value::Boolean(yes) => Some(*yes),
        _ => None,
    };
    made(args.lua(), read(&pem, wants_private))
}

/// `generate(kind, bits)`: takes long, and so is done on a thread of its own where one can wait.
fn generate(args: &Args<'_>) -> Result<Reply, Raise> {
    let (kind, bits) = (args.text(1)?, if args.is_nil(2) { 2048 } else { args.integer(2)? });
    let make: Box<dyn FnOnce() -> Option<Parts> + Send> = match (kind.as_str(), bits) {
        ("rsa", 2048) => Box::new(|| Parts::rsa(rsa::KeySize::Rsa2048)),
        ("rsa", 3072) => Box::new(|| Parts::rsa(rsa::KeySize::Rsa3072)),
        ("rsa", 4096) => Box::new(|| Parts::rsa(rsa::KeySize::Rsa4096)),
        ("ec", 256) => Box::new(|| Parts::curve(Kind::P256)),
        ("ec", 384) => Box::new(|| Parts::curve(Kind::P384)),
        ("ec", 521) => Box::new(|| Parts::curve(Kind::P521)),
        ("rsa" | "ec", bits) => {
            let why = format!("keys of {bits} bits are not available");
            return Err(Raise::new(why));
        }
        (kind, _) => return Err(Raise::new(format!("keys of kind '{kind}' are not available"))),
    };
    let lua = args.lua().clone();
    if !current::context().may_wait() {
        if kind == "rsa"
            && matches!(current::context(), current::Context::Fetch | current::Context::Converter)
        {
            let why =
                format!("generate: not available in the {} context", current::context().name());
            return Err(Raise::new(why));
        }
        return made(&lua, make().ok_or("no key could be made"));
    }
    Ok(Reply::wait(async move {
        let key = task::unblock(make).await;
        match made(&lua, key.ok_or("no key could be made"))? {
            Reply::Values(values) => Ok(values.into_iter().collect()),
            Reply::Wait(_) | Reply::Finish(_) => Ok(Vec::new()),
        }
    }))
}

/// `info(key)`: its kind, its bits, whether it is private; of RSA, modulus and exponent.
fn info(args: &Args<'_>) -> Result<Reply, Raise> {
    let Key(key) = args.object::<Key>(1, "key")?;
    let lua = args.lua();
    let is_private = Value::Boolean(key.0.private.is_some());
    let kind = if key.0.kind == Kind::Rsa { "rsa" } else { "ec" }.into_lua(lua)?;
    if let Ok((_, info)) = SubjectPublicKeyInfo::from_der(&key.0.public)
        && let Ok(PublicKey::RSA(numbers)) = info.parsed()
    {
        let bits = i64::try_from(numbers.key_size()).unwrap_or(0);
        let number = |bytes: &[u8]| {
            let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(0);
            lua.create_string(bytes.get(start..).unwrap_or_default()).map(Value::String)
        };
        let (n, e) = (number(numbers.modulus)?, number(numbers.exponent)?);
        return Ok(Reply::values([kind, Value::Integer(bits), is_private, n, e]));
    }
    Ok(Reply::values([kind, Value::Integer(key.0.kind.bits()), is_private]))
}

/// `is_trusted(certificate, list)`: whether one of those has signed it, now.
fn is_trusted(args: &Args<'_>) -> Result<Reply, Raise> {
    let (certificate, list) = (args.object::<Certificate>(1, "certificate")?, args.table(2)?);
    let mut trusted = Vec::new();
    for value in list.sequence_values::<mlua::Table>() {
        let Value::UserData(data) = value?.raw_get(0)? else { continue };
        trusted.push(CertificateDer::from(data.borrow::<Certificate>()?.0.0.clone()));
    }
    let anchors: Vec<_> =
        trusted.iter().filter_map(|der| webpki::anchor_from_trusted_cert(der).ok()).collect();
    let der = CertificateDer::from(certificate.0.0.clone());
    let checked = webpki::EndEntityCert::try_from(&der).and_then(|end| {
        let now = UnixTime::since_unix_epoch(clock::date());
        let usage = webpki::KeyUsage::server_auth();
        let all = webpki::ALL_VERIFICATION_ALGS;
        end.verify_for_usage(all, &anchors, &[], now, usage, None, None).map(|_| ())
    });
    match checked {
        Ok(()) => Reply::value(args.lua(), true),
        Err(error) => Ok(Reply::values([
            Value::Boolean(false),
            error.to_string().to_lowercase().into_lua(args.lua())?,
        ])),
    }
}

fn random(args: &Args<'_>) -> Result<Reply, Raise> {
    let count = args.integer(1)?;
    if !(0..=RANDOM_MAX).contains(&count) {
        return Err(args.bad(1, "between 0 and 1048576 bytes expected"));
    }
    let mut bytes = vec![0; usize::try_from(count).unwrap_or(0)];
    rand::fill(&mut bytes).map_err(|_| Raise::new("no random bytes can be had"))?;
    text(args.lua(), bytes)
}

/// `sign(key, hasher)`: a signature over what the hasher was told, or nil and what is wrong.
fn sign(args: &Args<'_>) -> Result<Reply, Raise> {
    let Key(key) = args.object::<Key>(1, "key")?;
    let (sum, digest) = args.object::<Hasher>(2, "digest")?.sum();
    let Some(scheme) = key.0.scheme(digest.name).filter(|scheme| scheme.can_sign()) else {
        let why =
            format!("{} signatures over {} are not available", key.0.kind.name(), digest.name);
        return miss(args.lua(), &why);
    };
    if key.0.private.is_none() {
        return miss(args.lua(), "the key is not private");
    }
    let work = move || key.0.sign(scheme, &sum);
    // A millisecond of RSA is worth a thread of its own; where nothing can wait, it is done here.
    if !current::context().may_wait() {
        return match work() {
            Some(bytes) => text(args.lua(), bytes),
            None => miss(args.lua(), "cannot sign"),
        };
    }
    let lua = args.lua().clone();
    Ok(Reply::wait(async move {
        Ok(match task::unblock(work).await {
            Some(bytes) => vec![Value::String(lua.create_string(bytes)?)],
            None => vec![Value::Nil, "cannot sign".into_lua(&lua)?],
        })
    }))
}

/// `to_pem(key, is_private)`
fn to_pem(args: &Args<'_>) -> Result<Reply, Raise> {
    let Key(key) = args.object::<Key>(1, "key")?;
    if !matches!(args.value(2), Value::Boolean(true)) {
        return text(args.lua(), pem("PUBLIC KEY", &key.0.public));
    }
    match key.0.private.as_ref().and_then(Private::to_der) {
        Some(der) => text(args.lua(), pem("PRIVATE KEY", &der)),
        None => miss(args.lua(), "the key is not private"),
    }
}

/// `verify(key, hasher, signature)`
fn verify(args: &Args<'_>) -> Result<Reply, Raise> {
    let Key(key) = args.object::<Key>(1, "key")?;
    let (sum, digest) = args.object::<Hasher>(2, "digest")?.sum();
    let signature = args.lua_string(3)?;
    let Some(scheme) = key.0.scheme(digest.name) else {
        let why =
            format!("{} signatures over {} are not available", key.0.kind.name(), digest.name);
        return miss(args.lua(), &why);
    };
    let sum = hashes::Digest::import_less_safe(&sum, scheme.hash);
    let valid = sum.is_ok_and(|sum| {
        let public = UnparsedPublicKey::new(scheme.check, &key.0.public[..]);
        public.verify_digest(&sum, &signature.as_bytes()).is_ok()
    });
    Reply::value(args.lua(), valid)
}

impl Scheme {
    fn can_sign(&self) -> bool {
        self.encoding.is_some()
            || CURVES.iter().any(|(kind, digest, _)| *kind == self.kind && *digest == self.digest)
    }
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Rsa => "RSA",
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
        }
    }

    fn bits(self) -> i64 {
        match self {
            Self::Rsa => 0,
            Self::P256 => 256,
            Self::P384 => 384,
            Self::P521 => 521,
        }
    }
}

impl Private {
    fn to_der(&self) -> Option<Vec<u8>> {
        match self {
            Self::Rsa(pair) => {
                let der: Pkcs8V1Der<'_> = pair.as_der().ok()?;
                Some(der.as_ref().to_vec())
            }
            Self::Ec(pair) => Some(pair.to_pkcs8v1().ok()?.as_ref().to_vec()),
        }
    }
}

impl Parts {
    /// Reads a public key as X.509 has it.
    fn public(der: &[u8]) -> Option<Self> {
        let (_, info) = SubjectPublicKeyInfo::from_der(der).ok()?;
        let kind = match info.parsed().ok()? {
            PublicKey::RSA(_) => Kind::Rsa,
            PublicKey::EC(point) => match point.key_size() {
                256 => Kind::P256,
                384 => Kind::P384,
                // It is told in whole bytes.
                521 | 528 => Kind::P521,
                _ => return None,
            },
            _ => return None,
        };
        Some(Self { public: der.to_vec(), private: None, kind })
    }

    fn of_rsa(pair: rsa::KeyPair) -> Option<Self> {
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der().ok()?;
        let public = public.as_ref().to_vec();
        Some(Self { public, private: Some(Private::Rsa(Box::new(pair))), kind: Kind::Rsa })
    }

    fn of_curve(pair: EcdsaKeyPair, kind: Kind) -> Option<Self> {
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der().ok()?;
        let public = public.as_ref().to_vec();
        Some(Self { public, private: Some(Private::Ec(Box::new(pair))), kind })
    }

    fn rsa(size: rsa::KeySize) -> Option<Self> {
        Self::of_rsa(rsa::KeyPair::generate(size).ok()?)
    }

    fn curve(kind: Kind) -> Option<Self> {
        let (.., algorithm) = CURVES.iter().find(|(known, ..)| *known == kind)?;
        Self::of_curve(EcdsaKeyPair::generate(algorithm).ok()?, kind)
    }

    /// Reads a private key in whatever form it may have.
    fn private(der: &[u8]) -> Option<Self> {
        let pair = rsa::KeyPair::from_pkcs8(der).or_else(|_| rsa::KeyPair::from_der(der));
        if let Ok(pair) = pair {
            return Self::of_rsa(pair);
        }
        CURVES.iter().find_map(|(kind, _, algorithm)| {
            let pair = EcdsaKeyPair::from_private_key_der(algorithm, der).ok()?;
            Self::of_curve(pair, *kind)
        })
    }

    fn scheme(&self, digest: &str) -> Option<&'static Scheme> {
        SCHEMES.iter().find(|scheme| scheme.kind == self.kind && scheme.digest == digest)
    }

    fn sign(&self, scheme: &Scheme, sum: &[u8]) -> Option<Vec<u8>> {
        let sum = hashes::Digest::import_less_safe(sum, scheme.hash).ok()?;
        match self.private.as_ref()? {
            Private::Rsa(pair) => {
                let mut out = vec![0; pair.public_modulus_len()];
                pair.sign_digest(scheme.encoding?, &sum, &mut out).ok()?;
                Some(out)
            }
            Private::Ec(pair) => Some(pair.sign_digest(&sum).ok()?.as_ref().to_vec()),
        }
    }
}

/// Reads a key: the private one, the public one, or whichever there is.
fn read(text: &[u8], wants_private: Option<bool>) -> Result<Parts, &'static str> {
    if text.starts_with(b"0") {
        let parts = Parts::private(text).or_else(|| Parts::public(text));
        return parts.ok_or("no key can be read");
    }
    let mut last = "no key can be read";
    for block in blocks(text) {
        let parts = match block.label.as_str() {
            "PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY" => Parts::private(&block.contents),
            "PUBLIC KEY" => Parts::public(&block.contents),
            "RSA PUBLIC KEY" => Parts::of_numbers(&block.contents),
            "ENCRYPTED PRIVATE KEY" => {
                last = "keys with a password are not available";
                None
            }
            "DSA PRIVATE KEY" => {
                last = "keys of kind 'dsa' are not available";
                None
            }
            "CERTIFICATE" => X509Certificate::from_der(&block.contents)
                .ok()
                .and_then(|(_, parsed)| Parts::public(parsed.public_key().raw)),
            _ => continue,
        };
        match parts {
            Some(parts) if wants_private == Some(true) && parts.private.is_none() => {
                last = "the key is not private";
            }
            Some(parts) if wants_private == Some(false) => {
                return Ok(Parts { private: None, ..parts });
            }
            Some(parts) => return Ok(parts),
            None => {}
        }
    }
    Err(last)
}

impl Parts {
    /// Reads a public key of RSA as PKCS #1 has it.
    fn of_numbers(der: &[u8]) -> Option<Self> {
        let key = rsa::PublicKey::from_der(der).ok()?;
        let public: PublicKeyX509Der<'_> = key.as_der().ok()?;
        Self::public(public.as_ref())
    }
}

fn bounded(args: &Args<'_>) -> Result<Vec<u8>, Raise> {
    let text = args.lua_string(1)?;
    if text.as_bytes().len() > PEM_MAX {
        return Err(args.bad(1, "at most 65536 bytes expected"));
    }
    Ok(text.as_bytes().to_vec())
}

fn blocks(text: &[u8]) -> Vec<Pem> {
    Pem::iter_from_buffer(text).map_while(Result::ok).collect()
}

fn pem(label: &str, der: &[u8]) -> String {
    let digits = STANDARD.encode(der);
    let mut out = format!("-----BEGIN {label}-----\n");
    // RFC 7468 2
    for line in digits.as_bytes().chunks(64) {
        out.push_str(&String::from_utf8_lossy(line));
        out.push('\n');
    }
    out.push_str(&format!("-----END {label}-----\n"));
    out
}

fn made(lua: &Lua, parts: Result<Parts, &'static str>) -> Result<Reply, Raise> {
    match parts {
        Ok(parts) => {
            let charge = account::charge_object(lua, OBJECT)?;
            let key = api::object(lua, Key(Arc::new((parts, charge))))?;
            Ok(Reply::values([Value::Table(key)]))
        }
        Err(why) => miss(lua, why),
    }
}
