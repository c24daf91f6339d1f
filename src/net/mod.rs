//! Addresses, sockets, timers and the reactor: what touches the network.
//!
//! A socket and a timer belong to the thread that made them, and they move only while that
//! thread's executor runs.

pub mod addr;
pub mod connect;
pub mod datagram;
mod inherited;
pub mod listener;
pub mod proxy_protocol;
pub mod reactor;
pub mod resolve;
pub mod stand_in;
pub mod stream;
pub mod timer;
pub mod tls;

pub use addr::Addr;
pub use datagram::Datagram;
pub use listener::Listener;
pub use stream::Stream;
