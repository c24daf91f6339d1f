//! Digests and HMACs that take a text in pieces: `crypto`, `openssl.digest`, `openssl.hmac`.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use mlua::UserData;
use sha2::digest::DynDigest;

use super::Row;
use super::digest;
use super::digest::Digest;
use super::digest::Keyed;
use super::object;
use crate::lua::account;
use crate::lua::account::Charge;
use crate::lua::api::text;
use crate::lua::host::Args;
use crate::lua::host::Raise;
use crate::lua::host::Reply;

pub(super) const TABLE: &[Row] = &[
    Row { name: "clone", run: copy },
    Row { name: "digest", run: new },
    Row { name: "final", run: finish },
    Row { name: "hmac", run: keyed },
    Row { name: "list", run: list },
    Row { name: "name", run: name },
    Row { name: "reset", run: reset },
    Row { name: "update", run: update },
];

/// What a hasher holds.
const OBJECT: usize = 512;

/// Of a digest or an HMAC, what has been said so far.
#[derive(Clone)]
pub(super) struct Hasher(Rc<RefCell<State>>, &'static Digest);

struct State {
    /// As it was before any text.
    fresh: Running,
    now: Running,
    /// What a tenant is charged.
    _charge: Option<Charge>,
}

enum Running {
    Plain(Box<dyn DynDigest>),
    Keyed(Box<dyn Keyed>),
}

impl UserData for Hasher {}

impl fmt::Debug for Hasher {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Hasher").field(&self.1.name).finish()
    }
}

impl Clone for Running {
    fn clone(&self) -> Self {
        match self {
            Self::Plain(digest) => Self::Plain(digest.box_clone()),
            Self::Keyed(keyed) => Self::Keyed(keyed.copy()),
        }
    }
}

impl Running {
    fn finish(self) -> Vec<u8> {
        match self {
            Self::Plain(digest) => digest.finalize().into_vec(),
            Self::Keyed(keyed) => keyed.finish(),
        }
    }
}

impl Hasher {
    /// Returns the digest of what has been said so far, and which one it is.
    pub(super) fn sum(&self) -> (Vec<u8>, &'static Digest) {
        (self.0.borrow().now.clone().finish(), self.1)
    }
}

fn copy(args: &Args<'_>) -> Result<Reply, Raise> {
    let Hasher(state, digest) = args.object::<Hasher>(1, "digest")?;
    let state = state.borrow();
    make(args, digest, state.fresh.clone(), state.now.clone())
}

/// `digest(name)`
fn new(args: &Args<'_>) -> Result<Reply, Raise> {
    let digest = named(args)?;
    let fresh = Running::Plain((digest.make)());
    make(args, digest, fresh.clone(), fresh)
}

/// `final(hasher)`: bytes; more may be said all the same.
fn finish(args: &Args<'_>) -> Result<Reply, Raise> {
    text(args.lua(), args.object::<Hasher>(1, "digest")?.sum().0)
}

/// `hmac(name, key)`
fn keyed(args: &Args<'_>) -> Result<Reply, Raise> {
    let digest = named(args)?;
    let fresh = Running::Keyed((digest.keyed)(&args.lua_string(2)?.as_bytes()));
    make(args, digest, fresh.clone(), fresh)
}

fn list(args: &Args<'_>) -> Result<Reply, Raise> {
    Reply::value(args.lua(), digest::TABLE.iter().map(|row| row.name).collect::<Vec<_>>())
}

fn name(args: &Args<'_>) -> Result<Reply, Raise> {
    Reply::value(args.lua(), args.object::<Hasher>(1, "digest")?.1.name)
}

fn reset(args: &Args<'_>) -> Result<Reply, Raise> {
    let Hasher(state, _) = args.object::<Hasher>(1, "digest")?;
    let mut state = state.borrow_mut();
    state.now = state.fresh.clone();
    Ok(Reply::nothing())
}

fn update(args: &Args<'_>) -> Result<Reply, Raise> {
    let Hasher(state, _) = args.object::<Hasher>(1, "digest")?;
    let piece = args.lua_string(2)?;
    match &mut state.borrow_mut().now {
        Running::Plain(digest) => digest.update(&piece.as_bytes()),
        Running::Keyed(keyed) => keyed.update(&piece.as_bytes()),
    }
    Ok(Reply::nothing())
}

fn make(
    args: &Args<'_>,
    digest: &'static Digest,
    fresh: Running,
    now: Running,
) -> Result<Reply, Raise> {
    let state = State { fresh, now, _charge: account::charge_object(args.lua(), OBJECT)? };
    object(args.lua(), Hasher(Rc::new(RefCell::new(state)), digest))
}

fn named(args: &Args<'_>) -> Result<&'static Digest, Raise> {
    let name = args.text(1)?;
    digest::find(&name).ok_or_else(|| Raise::new(format!("digest '{name}' is not available")))
}
