//! Proxies for tests.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::net::Addr;

use super::Caps;
use super::Id;
use super::Mode;
use super::Proxy;
use super::Server;

/// Returns a backend with these servers: name, weight, maxconn.
pub(crate) fn backend(servers: &[(&str, u32, u32)]) -> Arc<Proxy> {
    let unused = Addr::Inet(SocketAddr::from(([127, 0, 0, 1], 9)));
    let servers = servers.iter().zip(1..).map(|(&(name, weight, maxconn), puid)| {
        Arc::new(Server { weight, maxconn, ..server(puid, name, unused.clone()) })
    });
    let servers = servers.collect();
    Arc::new(Proxy { servers, ..proxy(0, "b", Mode::Http) })
}

/// Returns a server.
pub(crate) fn server(puid: u32, name: &str, addr: Addr) -> Server {
    Server { puid, name: name.into(), addr, ..Server::blank() }
}

/// Returns a `listen` section without anything in it.
pub(crate) fn proxy(id: u32, name: &str, mode: Mode) -> Proxy {
    Proxy {
        id: Id(id),
        uuid: id.saturating_add(1),
        name: name.into(),
        caps: Caps { frontend: true, backend: true },
        mode,
        ..Proxy::blank()
    }
}
