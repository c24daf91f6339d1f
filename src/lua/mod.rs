//! LuaJIT as a host for scripts: states, calls that can wait and be preempted, the Lua API.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

mod account;
mod api;
mod book;
pub mod call;
mod chunk;
mod client;
mod closing;
mod connect;
pub mod current;
mod driver;
mod environment;
pub mod error;
mod folder;
pub mod host;
mod library;
mod loader;
pub mod meter;
mod module;
mod order;
mod pattern;
mod raw;
mod reach;
mod reference;
pub mod rehearsal;
mod scripts;
mod share;
mod shim;
mod tasks;
mod tenants;
mod tls;
pub mod vm;
pub mod watchdog;

pub use call::Call;
pub use call::Step;
pub use error::Error;
pub use error::Kind;
pub use loader::Plan;
pub use meter::Limits;
pub use meter::end_all;
#[cfg(fuzzing)]
pub use pattern::fuzz;
pub use raw::Arg;
pub use raw::Ret;
pub use scripts::Host;
pub use vm::Options;
pub use vm::Reach;
pub use vm::Vm;
pub use watchdog::on_stall;

#[cfg(test)]
mod library_tests;
#[cfg(test)]
mod property;
#[cfg(test)]
mod stalls;
#[cfg(test)]
mod tests;

/// Returns `docs/lua.md`: all that scripts find.
pub fn manual() -> String {
    reference::manual::lua()
}

/// Returns the names and texts of the annotations for the Lua language server.
pub fn types() -> Vec<(String, String)> {
    reference::types::files()
}

/// A loop that is compiled before it ends.
const ENDLESS: &[u8] = b"local n = 0 while true do n = n + 1 end";

/// Makes sure that a script can be stopped: the program must not run on a LuaJIT where it cannot.
pub fn selftest() -> Result<(), Error> {
    let (sender, receiver) = mpsc::channel();
    // A loop that nothing stops stays behind in its thread; the program ends soon.
    thread::Builder::new()
        .name("selftest".to_owned())
        .spawn(move || sender.send(stop_endless_loop()).unwrap_or_default())
        .map_err(|error| Error::raised(format!("cannot start a thread: {error}")))?;
    match receiver.recv_timeout(Duration::from_secs(5)) {
        Ok(Err(Error { kind: Kind::Time, .. })) => Ok(()),
        Ok(Err(error)) => Err(error),
        Ok(Ok(_)) | Err(_) => Err(Error::raised(
            "this LuaJIT does not stop a compiled loop; it must be built with \
             LUAJIT_ENABLE_CHECKHOOK",
        )),
    }
}

/// Returns the version of LuaJIT.
pub fn version() -> String {
    let version = Vm::new(Options { id: 0, jit: true, reach: Reach::GLOBAL })
        .and_then(|vm| vm.run(&vm.load("version", b"return jit.version")?, &[], Limits::NONE));
    match version {
        Ok(Ret::Str(version)) => String::from_utf8_lossy(&version).into_owned(),
        _ => "LuaJIT".to_owned(),
    }
}

fn stop_endless_loop() -> Result<Ret, Error> {
    let vm = Vm::new(Options { id: 0, jit: true, reach: Reach::GLOBAL })?;
    let function = vm.load("selftest", ENDLESS)?;
    let limit = Some(Duration::from_millis(20));
    vm.run(&function, &[], Limits { total: limit, burst: limit, ..Limits::NONE })
}
