//! TLS on a connection, for both sides.
//!
//! A [`Stream`](super::Stream) becomes a TLS connection in place, and goes on being a `Stream`: it
//! is read, written, flushed, kept idle and closed as before. One without TLS pays for a pointer
//! that is null.
//!
//! - [`Acceptor`] is what a `bind` line offers: certificates by name, versions, ALPN.
//!   `stream.accept_tls(&acceptor).await?` does the handshake.
//! - [`Connector`] is how a `server` line, or anyone else who connects, does it:
//!   `stream.connect_tls(&connector, &Peer::named("example.com")).await?`.
//!   `Connector::new(&connector::Settings::default())` verifies by the system's authorities.
//! - [`Info`], from `stream.tls()`, tells what was agreed on: `is_alpn(b"h2")`, `version`, `sni`.
//!
//! Written bytes may wait inside the layer: who writes by `poll_write` must end with `poll_flush`;
//! `write`, `write_all` and [`AsyncWrite`](futures_lite::AsyncWrite) do as everywhere.
//! A handshake has no limit of time: bound it by a deadline. It runs to its end before
//! anything is read or written, and its error is [`Error`], in HAProxy's words.

pub mod acceptor;
pub mod agreement;
mod client_check;
pub mod connector;
mod error;
pub mod hello;
mod info;
mod layer;
mod pem;
pub mod store;
pub mod verify;
pub mod x509;

pub use acceptor::Acceptor;
pub use client_check::Found;
pub use client_check::Ignored;
pub use connector::Connector;
pub use connector::Peer;
pub use error::Error;
pub use info::Info;
pub(in crate::net) use layer::Layer;
