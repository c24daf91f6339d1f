//! The luaproxy program.

use std::process::ExitCode;

/// LuaJIT's memory, too, comes from here. `AddressSanitizer` sees the system's allocator only.
#[cfg(not(luaproxy_asan))]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    luaproxy::cli::main()
}
