//! The libraries a script can require without a file: one table, of which a state loads what its
//! scripts ask for.

use std::sync::OnceLock;

use mlua::Function;
use mlua::Lua;
use mlua::Table;
use mlua::UserData;
use mlua::Value;

use super::api;
use super::api::Row;
use super::book::Info;
use super::chunk::Chunk;
use super::error::Error;
use super::host;
use super::host::Args;
use super::host::Raise;
use super::host::Reply;
use super::vm::Vm;
use crate::script::policy::Policy;

mod base64;
mod cipher;
mod digest;
mod hash;
mod hasher;
mod json;
mod key;
mod maxminddb;
mod mime;
mod socket;

#[cfg(test)]
mod crypto_tests;
#[cfg(test)]
mod json_tests;
#[cfg(test)]
mod socket_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod text_tests;

/// A library.
struct Library {
    /// As `require` takes it.
    name: &'static str,
    /// The word of `lua-modules` that grants it to a tenant.
    word: &'static str,
    needs: Needs,
    /// Elsewhere it is made in C: a file of that name would only look for that.
    before_files: bool,
    /// The Lua part: a chunk that takes the functions and returns the library.
    source: &'static str,
    /// The functions of the host, in groups.
    functions: &'static [Group],
}

/// Functions of the host, and what the Lua part calls the table they are in.
type Group = (&'static str, &'static [Row]);

/// What a library is for: tenants have by default those whose use they are granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Needs {
    /// It reaches nothing outside of the state.
    Nothing,
    /// Sockets: `connect-allow`.
    Network,
    /// Files: `read-dir`.
    Files,
}

/// The libraries, each in its own file.
#[rustfmt::skip]
const TABLE: &[Library] = &[
    Library { name: "base64", word: "base64", needs: Needs::Nothing, before_files: false, source: include_str!("base64.lua"), functions: &[("base64", base64::TABLE)] },
    Library { name: "cjson", word: "json", needs: Needs::Nothing, before_files: true, source: include_str!("json.lua"), functions: &[("json", json::TABLE)] },
    Library { name: "cjson.safe", word: "json", needs: Needs::Nothing, before_files: true, source: "return require('cjson').safe()", functions: &[] },
    Library { name: "crypto", word: "crypto", needs: Needs::Nothing, before_files: true, source: include_str!("crypto.lua"), functions: CRYPTO },
    Library { name: "dkjson", word: "json", needs: Needs::Nothing, before_files: false, source: include_str!("dkjson.lua"), functions: &[("json", json::TABLE)] },
    Library { name: "json", word: "json", needs: Needs::Nothing, before_files: false, source: "return require('cjson')", functions: &[] },
    Library { name: "ltn12", word: "ltn12", needs: Needs::Nothing, before_files: true, source: include_str!("ltn12.lua"), functions: &[] },
    Library { name: "maxminddb", word: "maxminddb", needs: Needs::Files, before_files: false, source: include_str!("maxminddb.lua"), functions: &[("maxminddb", maxminddb::TABLE)] },
    Library { name: "md5", word: "md5", needs: Needs::Nothing, before_files: false, source: include_str!("md5.lua"), functions: &[("hash", hash::TABLE)] },
    Library { name: "mime", word: "mime", needs: Needs::Nothing, before_files: true, source: include_str!("mime.lua"), functions: &[("mime", mime::TABLE)] },
    Library { name: "openssl", word: "openssl", needs: Needs::Nothing, before_files: true, source: include_str!("openssl.lua"), functions: CRYPTO },
    Library { name: "openssl.cipher", word: "openssl", needs: Needs::Nothing, before_files: true, source: "return require('openssl').cipher", functions: &[] },
    Library { name: "openssl.digest", word: "openssl", needs: Needs::Nothing, before_files: true, source: "return require('openssl').digest", functions: &[] },
    Library { name: "openssl.hmac", word: "openssl", needs: Needs::Nothing, before_files: true, source: "return require('openssl').hmac", functions: &[] },
    Library { name: "openssl.pkey", word: "openssl", needs: Needs::Nothing, before_files: true, source: "return require('openssl').pkey", functions: &[] },
    Library { name: "openssl.rand", word: "openssl", needs: Needs::Nothing, before_files: true, source: "return require('openssl').rand", functions: &[] },
    Library { name: "openssl.x509", word: "openssl", needs: Needs::Nothing, before_files: true, source: "return require('openssl').x509", functions: &[] },
    Library { name: "sha1", word: "sha1", needs: Needs::Nothing, before_files: false, source: include_str!("sha1.lua"), functions: &[("hash", hash::TABLE)] },
    Library { name: "sha2", word: "sha2", needs: Needs::Nothing, before_files: false, source: include_str!("sha2.lua"), functions: &[("base64", base64::TABLE), ("hash", hash::TABLE)] },
    Library { name: "socket", word: "socket", needs: Needs::Network, before_files: true, source: include_str!("socket.lua"), functions: SOCKET },
    Library { name: "socket.core", word: "socket", needs: Needs::Network, before_files: true, source: "return require('socket')", functions: &[] },
    Library { name: "socket.headers", word: "socket", needs: Needs::Network, before_files: true, source: include_str!("socket_headers.lua"), functions: &[] },
    Library { name: "socket.http", word: "socket", needs: Needs::Network, before_files: true, source: include_str!("socket_http.lua"), functions: &[] },
    Library { name: "socket.unix", word: "socket", needs: Needs::Network, before_files: true, source: "return require('socket').unix_library()", functions: &[] },
    Library { name: "socket.url", word: "socket", needs: Needs::Network, before_files: true, source: include_str!("socket_url.lua"), functions: &[] },
];

/// What `crypto` and `openssl` are made of.
const CRYPTO: &[Group] = &[
    ("cipher", cipher::TABLE),
    ("hash", hash::TABLE),
    ("hasher", hasher::TABLE),
    ("key", key::TABLE),
];

/// What `core.tcp` gives, and what LuaSocket has beside it.
const SOCKET: &[Group] = &[("functions", socket::TABLE), ("socket", api::socket::TABLE)];

/// The Lua parts that some state has loaded, compiled once for all.
static CODE: [OnceLock<Result<Chunk, Error>>; TABLE.len()] =
    [const { OnceLock::new() }; TABLE.len()];

/// Returns the words of `lua-modules`.
pub(super) fn words() -> Vec<&'static str> {
    let mut words: Vec<_> = TABLE.iter().map(|library| library.word).collect();
    words.sort_unstable();
    words.dedup();
    words
}

/// Returns the function that finds libraries in a state: given a name, and whether it is asked
/// before the files are searched, it returns the chunk and the functions the chunk takes.
pub(super) fn finder(vm: &Vm) -> Result<Function, Error> {
    host::function(vm, "require", find)
}

fn find(args: &Args<'_>) -> Result<Reply, Raise> {
    let (name, lua) = (args.lua_string(1)?, args.lua());
    let name = name.as_bytes();
    let early = matches!(args.value(2), Value::Boolean(true));
    let mut all = TABLE.iter().zip(&CODE);
    let found = all.find(|(library, _)| library.name.as_bytes() == &*name);
    let Some((library, code)) = found.filter(|(library, _)| library.before_files == early) else {
        return Ok(Reply::nothing());
    };
    let info = Info::of(lua)?;
    if info.tenant.as_ref().is_some_and(|account| !library.is_granted(&account.policy)) {
        return Ok(Reply::nothing());
    }
    let Some(vm) = info.vm.upgrade() else { return Ok(Reply::nothing()) };
    let chunk = code.get_or_init(|| Chunk::compile_own(library.source));
    let chunk = chunk.as_ref().map_err(Clone::clone).and_then(|chunk| chunk.load(lua));
    let (chunk, functions) = chunk
        .and_then(|chunk| Ok((chunk, library.make(&vm)?)))
        .map_err(|error| Raise::new(error.message))?;
    Ok(Reply::values([Value::Function(chunk), Value::Table(functions)]))
}

impl Library {
    fn is_granted(&self, policy: &Policy) -> bool {
        match &policy.modules {
            Some(words) => words.iter().any(|word| word == self.word),
            None => match self.needs {
                Needs::Nothing => true,
                Needs::Network => !policy.connect_allow.is_empty(),
                Needs::Files => policy.read_dir.is_some(),
            },
        }
    }

    /// Makes the functions of the host.
    fn make(&self, vm: &Vm) -> Result<Table, Error> {
        let all = vm.lua().create_table()?;
        let make = host::functions(vm, |number| {
            self.functions.iter().flat_map(|(_, rows)| rows.iter()).nth(number)
        })?;
        let mut number = 0;
        for (name, rows) in self.functions {
            let group = vm.lua().create_table_with_capacity(0, rows.len())?;
            for row in *rows {
                group.raw_set(row.name, make.call::<Function>(number)?)?;
                number += 1;
            }
            all.raw_set(*name, group)?;
        }
        Ok(all)
    }
}

/// Returns a reply of an object, with the data in its field 0.
fn object(lua: &Lua, data: impl UserData + 'static) -> Result<Reply, Raise> {
    Ok(Reply::values([Value::Table(api::object(lua, data)?)]))
}
