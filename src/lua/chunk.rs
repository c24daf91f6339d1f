//! Chunks that are compiled before a state needs them, away from the worker that will run them.
//!
//! No hook runs in LuaJIT's compiler, and it takes the square of the time for branches that jump to
//! one place. What it makes is loaded in a fraction of that.

use mlua::Function;
use mlua::Lua;
use mlua::LuaOptions;
use mlua::LuaString;
use mlua::StdLib;
use mlua::Table;
use mlua::chunk::ChunkMode;

use super::error::Error;
use super::raw;
use super::vm;

/// The longest chunk of a tenant, in bytes: loading more would hold a worker.
pub(super) const LENGTH_MAX: usize = 1 << 20;

/// How many branches and exponents it may have: about a second.
const COSTLY_MAX: usize = 20_000;

/// What compiling may take.
const MEMORY_MAX: usize = 128 << 20;

/// A compiled chunk of a tenant. Only [`Chunk::compile`] makes one: bytecode can do anything.
#[derive(Clone, Debug)]
pub(super) struct Chunk {
    code: Vec<u8>,
}

impl Chunk {
    /// Compiles a chunk; `name` stands in its messages. It may take long.
    pub(super) fn compile(name: &str, source: &[u8]) -> Result<Self, Error> {
        if source.len() > LENGTH_MAX {
            return Err(Error::raised(format!("{name}: more than {LENGTH_MAX} bytes")));
        }
        let (branches, exponents) = costly(source);
        if branches.max(exponents) > COSTLY_MAX {
            let what = "branches or numbers with exponents";
            return Err(Error::raised(format!("{name}: more than {COSTLY_MAX} {what}")));
        }
        let lua = Lua::new_with(StdLib::NONE, LuaOptions::default())?;
        lua.set_memory_limit(MEMORY_MAX)?;
        let function = vm::text(&lua, name, source).into_function()?;
        Ok(Self { code: function.dump(false) })
    }

    /// Compiles a chunk of the host's own, without its lines and names.
    pub(super) fn compile_own(source: &str) -> Result<Self, Error> {
        let lua = Lua::new_with(StdLib::STRING, LuaOptions::default())?;
        let chunk = lua.load(source).set_name(raw::PRELUDE).set_mode(ChunkMode::Text);
        let dump: Function = lua.globals().get::<Table>("string")?.get("dump")?;
        let code: LuaString = dump.call((chunk.into_function()?, true))?;
        Ok(Self { code: code.as_bytes().to_vec() })
    }

    /// Makes the function of it in a state.
    pub(super) fn load(&self, lua: &Lua) -> Result<Function, Error> {
        let chunk = lua.load(&self.code[..]).set_name(raw::PRELUDE);
        Ok(chunk.set_mode(ChunkMode::Binary).into_function()?)
    }
}

/// Counts what LuaJIT may take long for: the words whose jumps it keeps in lists, and numbers with
/// exponents, each of which takes up to 40 microseconds.
pub(super) fn costly(source: &[u8]) -> (usize, usize) {
    let (mut branches, mut exponents) = (0, 0);
    for word in source.split(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_') {
        match word {
            b"and" | b"break" | b"elseif" | b"goto" | b"or" => branches += 1,
            [b'0', b'x' | b'X', ..] => {}
            [b'0'..=b'9', rest @ ..] if rest.iter().any(|byte| b"eE".contains(byte)) => {
                exponents += 1;
            }
            _ => {}
        }
    }
    (branches, exponents)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lua::Options;
    use crate::lua::Reach;
    use crate::lua::Vm;

    #[test]
    fn a_compiled_chunk_does_what_its_text_does_and_keeps_its_lines() {
        let chunk = Chunk::compile("x.lua", b"#!/usr/bin/lua\nlocal a = ...\nerror(a)").unwrap();
        let vm = Vm::new(Options { id: 0, jit: false, reach: Reach::Tenant }).unwrap();
        let error = chunk.load(vm.lua()).unwrap().call::<()>("why").unwrap_err();
        assert!(error.to_string().contains("x.lua:3: why"), "{error}");
        let error = Chunk::compile("x.lua", b"\n=").unwrap_err();
        assert_eq!(error.message, "x.lua:2: unexpected symbol near '='");
        assert!(Chunk::compile("x.lua", b"\x1bLJ\x02").is_err());
    }

    #[test]
    fn what_takes_too_long_to_compile_is_refused() {
        let long = format!("return a{}", " or a".repeat(COSTLY_MAX + 1));
        let error = Chunk::compile("x.lua", long.as_bytes()).unwrap_err();
        assert_eq!(error.message, "x.lua: more than 20000 branches or numbers with exponents");
        let error = Chunk::compile("x.lua", &vec![b' '; LENGTH_MAX + 1]).unwrap_err();
        assert_eq!(error.message, "x.lua: more than 1048576 bytes");
        assert_eq!(costly(b"a or b and{} elseif(x)goto y;break or"), (6, 0));
        assert_eq!(costly(b"order = android .. or_ a.for_ _or or1 1or"), (0, 0));
        assert_eq!(costly(b"1e9 + 1.5E+3 .. .2e-3, 0xfe, a1e3, 12"), (0, 3));
    }
}
