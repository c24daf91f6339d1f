//! The luaproxy program.

use std::process::ExitCode;

/// LuaJIT's memory, too, comes from here.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    luaproxy::cli::main()
}
