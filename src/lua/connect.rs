//! Where scripts connect to: addresses and names, and of a tenant's only what it is granted.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::sync::Arc;

use super::account::Account;
use super::account::Charge;
use super::account::What;
use super::book::Info;
use super::host::Raise;
use super::reach;
use crate::log::Level;
use crate::net::Addr;
use crate::net::Stream;
use crate::net::addr;
use crate::net::addr::Family;
use crate::net::addr::Ports;
use crate::net::addr::Spec;
use crate::net::connect;
use crate::net::listener;
use crate::net::resolve;

/// How much is read at once; a tenant is charged for it with each connection.
pub(super) const READ_SIZE: usize = 16 << 10;

/// Where to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Destination {
    Addr(Addr),
    Name(String, Family, u16),
}

/// Why a text names no destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// It is no address.
    Address,
    /// There is no port, here or beside it.
    Port { of_name: bool },
}

impl Destination {
    /// Reads an address in any of HAProxy's forms; `port` counts before one that is written.
    pub(super) fn parse(text: &str, port: Option<u16>) -> Result<Self, Wrong> {
        // An IPv6 address alone would end in a port.
        if let (Ok(ip), Some(port @ 1..)) = (text.parse(), port) {
            return Ok(Self::Addr(Addr::Inet(SocketAddr::new(ip, port))));
        }
        let spec = Spec::parse(text, &addr::CONNECT).map_err(|_| Wrong::Address)?;
        let written = match spec.ports {
            Ports::Range(port, _) => Some(port),
            Ports::None | Ports::Offset(_) => None,
        };
        let port = port.or(written).filter(|port| *port != 0);
        if let Some((name, family)) = spec.name() {
            return Ok(Self::Name(
                name.to_owned(),
                family,
                port.ok_or(Wrong::Port { of_name: true })?,
            ));
        }
        let found = spec.addrs().into_iter().next().ok_or(Wrong::Address)?;
        match port {
            None if found.port().is_some() => Err(Wrong::Port { of_name: false }),
            None => Ok(Self::Addr(found)),
            Some(port) => Ok(Self::Addr(found.with_port(port))),
        }
    }
}

/// Charges a tenant for one more connection, and the memory it takes beside what is read.
pub(super) fn charges(account: &Arc<Account>, weight: usize) -> Result<(Charge, Charge), Raise> {
    let memory = READ_SIZE.saturating_add(weight);
    Ok((account.charge(What::Sockets, 1)?, account.charge(What::Memory, memory)?))
}

/// Connects; for a tenant, only to where it may.
pub(super) async fn open(destination: &Destination, info: &Info) -> Result<Stream, &'static str> {
    let Some(account) = &info.tenant else {
        return match destination {
            Destination::Addr(addr) => connect_to(addr).await,
            Destination::Name(name, family, port) => {
                let found = resolve::lookup(name.clone(), *family, ()).await;
                first_of(found.map_err(|_| UNKNOWN)?, *port).await
            }
        };
    };
    let policy = &account.policy;
    let refused = |what: &dyn fmt::Display| {
        let text = format!("tenant {}: connection to {what} refused by policy", policy.name);
        info.say(Level::Notice, &text, None);
        Err("refused by policy")
    };
    match destination {
        Destination::Addr(addr @ Addr::Inet(inet))
            if reach::permits(policy, None, inet.ip(), inet.port(), listener::is_own) =>
        {
            connect_to(addr).await
        }
        Destination::Addr(addr @ Addr::Unix(path)) if reach::permits_path(policy, path) => {
            connect_to(addr).await
        }
        Destination::Addr(Addr::Inet(inet)) => refused(inet),
        Destination::Addr(addr) => refused(&addr.to_config()),
        Destination::Name(name, _, port) if !reach::permits_name(policy, name, *port) => {
            refused(&format_args!("{name}:{port}"))
        }
        Destination::Name(name, family, port) => {
            let lookup = account.charge(What::Lookups, 1).map_err(|_| "too many lookups")?;
            let found = resolve::lookup(name.clone(), *family, lookup).await;
            let found = found.map_err(|_| UNKNOWN)?;
            // Who asks again may get another answer: what was checked is what is connected.
            let permits =
                |ip: &IpAddr| reach::permits(policy, Some(name), *ip, *port, listener::is_own);
            if let Some(ip) = found.iter().find(|ip| !permits(ip)) {
                return refused(&format_args!("{name}:{port} at {ip}"));
            }
            first_of(found, *port).await
        }
    }
}

const UNKNOWN: &str = "host not found";

/// Connects to the first of some addresses that answers.
async fn first_of(found: Vec<IpAddr>, port: u16) -> Result<Stream, &'static str> {
    let mut last = UNKNOWN;
    for ip in found {
        match connect_to(&Addr::Inet(SocketAddr::new(ip, port))).await {
            Ok(stream) => return Ok(stream),
            Err(why) => last = why,
        }
    }
    Err(last)
}

async fn connect_to(addr: &Addr) -> Result<Stream, &'static str> {
    Stream::connect(addr, &connect::Options::default()).await.map_err(|error| reason(&error))
}

/// Returns LuaSocket's words for an error.
pub(super) fn reason(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused",
        io::ErrorKind::TimedOut => "timeout",
        io::ErrorKind::NetworkUnreachable => "Network is unreachable",
        io::ErrorKind::HostUnreachable => "No route to host",
        io::ErrorKind::PermissionDenied => "permission denied",
        io::ErrorKind::NotFound => UNKNOWN,
        _ => "closed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destinations_are_read_in_haproxys_forms() {
        let inet = |text: &str| Ok(Destination::Addr(Addr::Inet(text.parse().unwrap())));
        let unix = Ok(Destination::Addr(Addr::Unix("/run/a".into())));
        let name = |port| Ok(Destination::Name("db.example".to_owned(), Family::Any, port));
        for (text, port, expected) in [
            ("127.0.0.1", Some(80), inet("127.0.0.1:80")),
            ("127.0.0.1:81", None, inet("127.0.0.1:81")),
            ("127.0.0.1:81", Some(80), inet("127.0.0.1:80")),
            ("::1", Some(80), inet("[::1]:80")),
            ("ipv6@[::1]:81", None, inet("[::1]:81")),
            ("unix@/run/a", None, unix.clone()),
            ("/run/a", Some(80), unix),
            ("db.example", Some(80), name(80)),
            ("db.example:81", None, name(81)),
            ("db.example", None, Err(Wrong::Port { of_name: true })),
            ("127.0.0.1", None, Err(Wrong::Port { of_name: false })),
            ("127.0.0.1", Some(0), Err(Wrong::Port { of_name: false })),
            ("fd@3", None, Err(Wrong::Address)),
            ("", Some(80), Err(Wrong::Address)),
        ] {
            assert_eq!(Destination::parse(text, port), expected, "{text} {port:?}");
        }
    }
}
