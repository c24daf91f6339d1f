//! Runs client connections: accepts, applies rules, reaches servers, passes bytes on, logs.

mod accept;
mod backend;
mod command;
mod end;
mod greeting;
mod handshake;
mod http;
mod http2;
mod line;
mod local;
mod pump;
mod relay;
mod reply;
mod server;
mod tcp;
mod termination;
mod transfer;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use accept::serve;
pub use command::talk;
pub use local::Entry;
pub use local::Local;
pub use termination::Cause;
pub use termination::Error;
pub use termination::Phase;
pub use termination::Side;
