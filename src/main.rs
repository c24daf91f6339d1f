//! The luaproxy program.

/// LuaJIT's memory, too, comes from here.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {}
