//! Ciphers of `crypto` and `openssl.cipher`: AES in four modes and 3DES, fed in pieces.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use aes::Aes128;
use aes::Aes192;
use aes::Aes256;
use aws_lc_rs::aead;
use cbc::cipher::Block;
use cbc::cipher::BlockModeDecrypt;
use cbc::cipher::BlockModeEncrypt;
use cbc::cipher::KeyInit;
use cbc::cipher::KeyIvInit;
use cbc::cipher::StreamCipher;
use ctr::Ctr128BE;
use des::TdesEde3;
use mlua::UserData;
use mlua::Value;

use super::Row;
use super::object;
use crate::lua::account;
use crate::lua::account::Charge;
use crate::lua::api::text;
use crate::lua::host::Args;
use crate::lua::host::Raise;
use crate::lua::host::Reply;

pub(super) const TABLE: &[Row] = &[
    Row { name: "final", run: finish },
    Row { name: "list", run: list },
    Row { name: "new", run: new },
    Row { name: "size", run: size },
    Row { name: "update", run: update },
];

/// A cipher.
struct Cipher {
    /// In lower case.
    name: &'static str,
    /// Bytes of the key and of the first vector.
    key: usize,
    vector: usize,
    make: Make,
}

/// Makes a cipher of a key and a first vector: to encrypt, or to decrypt; with padding or without.
type Make = fn(&[u8], &[u8], bool, bool) -> Option<Box<dyn Pieces>>;

#[rustfmt::skip]
const CIPHERS: &[Cipher] = &[
    Cipher { name: "aes-128-cbc", key: 16, vector: 16, make: chained::<cbc::Encryptor<Aes128>, cbc::Decryptor<Aes128>> },
    Cipher { name: "aes-128-ctr", key: 16, vector: 16, make: counted::<Ctr128BE<Aes128>> },
    Cipher { name: "aes-128-ecb", key: 16, vector: 0, make: plain::<ecb::Encryptor<Aes128>, ecb::Decryptor<Aes128>> },
    Cipher { name: "aes-128-gcm", key: 16, vector: 12, make: sealed_128 },
    Cipher { name: "aes-192-cbc", key: 24, vector: 16, make: chained::<cbc::Encryptor<Aes192>, cbc::Decryptor<Aes192>> },
    Cipher { name: "aes-192-ctr", key: 24, vector: 16, make: counted::<Ctr128BE<Aes192>> },
    Cipher { name: "aes-192-ecb", key: 24, vector: 0, make: plain::<ecb::Encryptor<Aes192>, ecb::Decryptor<Aes192>> },
    Cipher { name: "aes-192-gcm", key: 24, vector: 12, make: sealed_192 },
    Cipher { name: "aes-256-cbc", key: 32, vector: 16, make: chained::<cbc::Encryptor<Aes256>, cbc::Decryptor<Aes256>> },
    Cipher { name: "aes-256-ctr", key: 32, vector: 16, make: counted::<Ctr128BE<Aes256>> },
    Cipher { name: "aes-256-ecb", key: 32, vector: 0, make: plain::<ecb::Encryptor<Aes256>, ecb::Decryptor<Aes256>> },
    Cipher { name: "aes-256-gcm", key: 32, vector: 12, make: sealed_256 },
    Cipher { name: "des-ede3-cbc", key: 24, vector: 8, make: chained::<cbc::Encryptor<TdesEde3>, cbc::Decryptor<TdesEde3>> },
];

/// Other names of these.
const ALIASES: &[(&str, &str)] = &[
    ("aes128", "aes-128-cbc"),
    ("aes192", "aes-192-cbc"),
    ("aes256", "aes-256-cbc"),
    ("des3", "des-ede3-cbc"),
    ("id-aes128-gcm", "aes-128-gcm"),
    ("id-aes192-gcm", "aes-192-gcm"),
    ("id-aes256-gcm", "aes-256-gcm"),
];

/// What OpenSSL takes at most, of whatever cipher.
const KEY_MAX: usize = 64;
const VECTOR_MAX: usize = 16;

/// What a cipher holds.
const OBJECT: usize = 1 << 10;

/// A text that is encrypted or decrypted in pieces.
trait Pieces {
    /// Returns what can be said of all so far.
    fn update(&mut self, piece: &[u8]) -> Vec<u8>;
    /// Returns the rest, or what is wrong.
    fn finish(&mut self) -> Result<Vec<u8>, &'static str>;
}

#[derive(Clone)]
struct Object(Rc<RefCell<State>>);

struct State {
    pieces: Option<Box<dyn Pieces>>,
    charge: Option<Charge>,
}

impl UserData for Object {}

impl fmt::Debug for Object {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Cipher").finish_non_exhaustive()
    }
}

/// `final(cipher)`: the rest, or nil and what is wrong.
fn finish(args: &Args<'_>) -> Result<Reply, Raise> {
    let object = args.object::<Object>(1, "cipher")?;
    let Some(mut pieces) = object.0.borrow_mut().pieces.take() else {
        return Err(Raise::new("the cipher has ended"));
    };
    match pieces.finish() {
        Ok(rest) => text(args.lua(), rest),
        Err(why) => crate::lua::api::miss(args.lua(), why),
    }
}

fn list(args: &Args<'_>) -> Result<Reply, Raise> {
    Reply::value(args.lua(), CIPHERS.iter().map(|cipher| cipher.name).collect::<Vec<_>>())
}

/// `new(name, key, vector, encrypts, pads, is_exact)`: a short key or vector is filled with zeros,
/// unless they have to be exact.
fn new(args: &Args<'_>) -> Result<Reply, Raise> {
    let cipher = named(args)?;
    let (mut key, mut vector) = (args.string(2)?, Vec::new());
    if !args.is_nil(3) {
        vector = args.string(3)?;
    }
    let is = |index| matches!(args.value(index), Value::Boolean(true));
    if is(6) {
        for (what, found, wanted) in
            [("key", key.len(), cipher.key), ("iv", vector.len(), cipher.vector)]
        {
            if found != wanted {
                let why = format!("{wanted} bytes of {what} expected, got {found}");
                return Err(Raise::new(why));
            }
        }
    } else if key.len() > KEY_MAX {
        return Err(Raise::new("invalid encryption key length"));
    } else if vector.len() > VECTOR_MAX {
        return Err(Raise::new("invalid iv length"));
    }
    key.resize(cipher.key, 0);
    vector.resize(cipher.vector, 0);
    let charge = account::charge_object(args.lua(), OBJECT)?;
    let pieces = (cipher.make)(&key, &vector, is(4), is(5));
    let pieces = pieces.ok_or_else(|| Raise::new("the key cannot be used"))?;
    object(args.lua(), Object(Rc::new(RefCell::new(State { pieces: Some(pieces), charge }))))
}

/// `size(name)`: the bytes of a key and of a vector.
fn size(args: &Args<'_>) -> Result<Reply, Raise> {
    let cipher = named(args)?;
    let number = |count| Value::Integer(i64::try_from(count).unwrap_or(0));
    Ok(Reply::values([number(cipher.key), number(cipher.vector)]))
}

fn update(args: &Args<'_>) -> Result<Reply, Raise> {
    let (object, piece) = (args.object::<Object>(1, "cipher")?, args.lua_string(2)?);
    let mut state = object.0.borrow_mut();
    let State { pieces: Some(pieces), charge } = &mut *state else {
        return Err(Raise::new("the cipher has ended"));
    };
    let out = pieces.update(&piece.as_bytes());
    // What it keeps for the end is the tenant's.
    if out.is_empty() {
        charge.as_mut().map_or(Ok(()), |charge| charge.grow(piece.as_bytes().len()))?;
    }
    text(args.lua(), out)
}

fn named(args: &Args<'_>) -> Result<&'static Cipher, Raise> {
    let name = args.text(1)?;
    let lower = name.to_ascii_lowercase();
    let alias = ALIASES.iter().find(|(alias, _)| *alias == lower);
    let lower = alias.map_or(lower.as_str(), |(_, name)| name);
    CIPHERS
        .iter()
        .find(|cipher| cipher.name == lower)
        .ok_or_else(|| Raise::new(format!("cipher '{name}' is not available")))
}

/// A mode of blocks.
trait Mode {
    const SIZE: usize;
    /// Works on whole blocks.
    fn run(&mut self, bytes: &mut [u8]);
}

struct Encrypting<M>(M);
struct Decrypting<M>(M);

impl<M: BlockModeEncrypt> Mode for Encrypting<M> {
    const SIZE: usize = size_of::<Block<M>>();

    fn run(&mut self, bytes: &mut [u8]) {
        self.0.encrypt_blocks(Block::<M>::slice_as_chunks_mut(bytes).0);
    }
}

impl<M: BlockModeDecrypt> Mode for Decrypting<M> {
    const SIZE: usize = size_of::<Block<M>>();

    fn run(&mut self, bytes: &mut [u8]) {
        self.0.decrypt_blocks(Block::<M>::slice_as_chunks_mut(bytes).0);
    }
}

/// A mode of blocks, and what is not a whole block yet.
struct Blocks<M> {
    mode: M,
    rest: Vec<u8>,
    encrypts: bool,
    pads: bool,
}

impl<M: Mode> Pieces for Blocks<M> {
    fn update(&mut self, piece: &[u8]) -> Vec<u8> {
        self.rest.extend_from_slice(piece);
        let mut whole = self.rest.len() / M::SIZE * M::SIZE;
        // The last block has the padding.
        if !self.encrypts && self.pads && whole == self.rest.len() {
            whole = whole.saturating_sub(M::SIZE);
        }
        let mut out: Vec<u8> = self.rest.drain(..whole).collect();
        self.mode.run(&mut out);
        out
    }

    fn finish(&mut self) -> Result<Vec<u8>, &'static str> {
        let mut out = std::mem::take(&mut self.rest);
        if self.encrypts && self.pads {
            // RFC 5652 6.3
            let missing = M::SIZE - out.len() % M::SIZE;
            out.resize(out.len() + missing, u8::try_from(missing).unwrap_or(0));
        }
        if !out.len().is_multiple_of(M::SIZE) || (!self.encrypts && self.pads && out.is_empty()) {
            return Err("wrong final block length");
        }
        self.mode.run(&mut out);
        if !self.encrypts && self.pads {
            let count = usize::from(out.last().copied().unwrap_or(0));
            let start = out.len().checked_sub(count).filter(|_| (1..=M::SIZE).contains(&count));
            let is_padding = |start: usize| {
                out.get(start..).unwrap_or_default().iter().all(|byte| usize::from(*byte) == count)
            };
            match start.filter(|start| is_padding(*start)) {
                Some(start) => out.truncate(start),
                None => return Err("bad decrypt"),
            }
        }
        Ok(out)
    }
}

/// A key stream.
struct Stream<S>(S);

impl<S: StreamCipher> Pieces for Stream<S> {
    fn update(&mut self, piece: &[u8]) -> Vec<u8> {
        let mut out = piece.to_vec();
        // Nobody has as many bytes as a counter of 128 bits counts.
        self.0.try_apply_keystream(&mut out).unwrap_or_default();
        out
    }

    fn finish(&mut self) -> Result<Vec<u8>, &'static str> {
        Ok(Vec::new())
    }
}

/// GCM: all is there before anything is said of it; the tag of 16 bytes comes last.
struct Sealed {
    key: aead::LessSafeKey,
    vector: Vec<u8>,
    text: Vec<u8>,
    encrypts: bool,
}

impl Pieces for Sealed {
    fn update(&mut self, piece: &[u8]) -> Vec<u8> {
        self.text.extend_from_slice(piece);
        Vec::new()
    }

    fn finish(&mut self) -> Result<Vec<u8>, &'static str> {
        let mut text = std::mem::take(&mut self.text);
        let nonce = aead::Nonce::try_assume_unique_for_key(&self.vector);
        let nonce = nonce.map_err(|_| "wrong iv length")?;
        if self.encrypts {
            let sealed = self.key.seal_in_place_append_tag(nonce, aead::Aad::empty(), &mut text);
            return sealed.map(|()| text).map_err(|_| "cannot encrypt");
        }
        let opened = self.key.open_in_place(nonce, aead::Aad::empty(), &mut text);
        opened.map(|plain| plain.to_vec()).map_err(|_| "bad decrypt")
    }
}

fn chained<E, D>(key: &[u8], iv: &[u8], encrypts: bool, pads: bool) -> Option<Box<dyn Pieces>>
where
    E: BlockModeEncrypt + KeyIvInit + 'static,
    D: BlockModeDecrypt + KeyIvInit + 'static,
{
    let rest = Vec::new();
    Some(if encrypts {
        let mode = Encrypting(E::new_from_slices(key, iv).ok()?);
        Box::new(Blocks { mode, rest, encrypts, pads })
    } else {
        let mode = Decrypting(D::new_from_slices(key, iv).ok()?);
        Box::new(Blocks { mode, rest, encrypts, pads })
    })
}

fn plain<E, D>(key: &[u8], _: &[u8], encrypts: bool, pads: bool) -> Option<Box<dyn Pieces>>
where
    E: BlockModeEncrypt + KeyInit + 'static,
    D: BlockModeDecrypt + KeyInit + 'static,
{
    let rest = Vec::new();
    Some(if encrypts {
        let mode = Encrypting(E::new_from_slice(key).ok()?);
        Box::new(Blocks { mode, rest, encrypts, pads })
    } else {
        let mode = Decrypting(D::new_from_slice(key).ok()?);
        Box::new(Blocks { mode, rest, encrypts, pads })
    })
}

fn counted<S>(key: &[u8], iv: &[u8], _: bool, _: bool) -> Option<Box<dyn Pieces>>
where
    S: StreamCipher + KeyIvInit + 'static,
{
    Some(Box::new(Stream(S::new_from_slices(key, iv).ok()?)))
}

fn sealed_128(key: &[u8], vector: &[u8], encrypts: bool, _: bool) -> Option<Box<dyn Pieces>> {
    sealed(&aead::AES_128_GCM, key, vector, encrypts)
}

fn sealed_192(key: &[u8], vector: &[u8], encrypts: bool, _: bool) -> Option<Box<dyn Pieces>> {
    sealed(&aead::AES_192_GCM, key, vector, encrypts)
}

fn sealed_256(key: &[u8], vector: &[u8], encrypts: bool, _: bool) -> Option<Box<dyn Pieces>> {
    sealed(&aead::AES_256_GCM, key, vector, encrypts)
}

fn sealed(
    algorithm: &'static aead::Algorithm,
    key: &[u8],
    vector: &[u8],
    encrypts: bool,
) -> Option<Box<dyn Pieces>> {
    let key = aead::LessSafeKey::new(aead::UnboundKey::new(algorithm, key).ok()?);
    Some(Box::new(Sealed { key, vector: vector.to_vec(), text: Vec::new(), encrypts }))
}
