//! One server: where it is and what it is doing.

use std::borrow::Cow;
use std::net::SocketAddr;

use crate::net::Addr;
use crate::net::tls::Connector;

use super::Counters;
use super::Live;
use super::Places;

/// One `server` line.
#[derive(Debug)]
pub struct Server {
    /// HAProxy's numeric id, from 1 in each backend.
    pub puid: u32,
    /// Its name.
    pub name: String,
    /// Where it is.
    pub addr: Addr,
    /// Where the line has no port of its own: what is added to the port that the client connected
    /// to.
    pub port_offset: Option<i32>,
    /// `weight`, 0 to 256.
    pub weight: u32,
    /// `maxconn`; 0 is no limit.
    pub maxconn: u32,
    /// `maxqueue`: how many may wait for it alone; 0 is no limit.
    pub maxqueue: u32,
    /// `backup`: used only when no other is there.
    pub backup: bool,
    /// `disabled`: in maintenance from the start.
    pub disabled: bool,
    /// `proto h2`: it speaks HTTP/2 from the first byte.
    pub http2: bool,
    /// `send-proxy`, `send-proxy-v2`
    pub send_proxy: SendProxy,
    /// How it is connected to with TLS, where it is.
    pub tls: Option<Connector>,
    /// What it has counted.
    pub counters: Counters,
    /// Who uses it now.
    pub places: Places,
    /// What has been changed of it.
    pub live: Live,
}

/// Whether a server hears of the client by a header of the PROXY protocol.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SendProxy {
    /// It does not.
    #[default]
    No,
    /// `send-proxy`: version 1.
    Line,
    /// `send-proxy-v2`: version 2, with these.
    Binary(Tlvs),
}

/// `proxy-v2-options`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tlvs {
    /// `authority`
    pub authority: bool,
    /// `crc32c`
    pub crc32c: bool,
    /// `ssl`, and what stands in it of the client's certificate.
    pub ssl: bool,
    /// `unique-id`
    pub unique_id: bool,
}

impl Server {
    /// Tells whether anything is said to it before the first request.
    pub fn is_spoken_to(&self) -> bool {
        self.tls.is_some() || self.send_proxy != SendProxy::No
    }

    /// Whether it is where the client has connected to, at least in part.
    pub fn follows_client(&self) -> bool {
        self.port_offset.is_some() || self.addr.ip().is_some_and(|ip| ip.is_unspecified())
    }

    /// Returns where it is for a client that has connected there (HAProxy: an address of zeroes is
    /// the client's, and so is the port that the line leaves out, plus what the line adds).
    pub fn addr_for(&self, client: &Addr) -> Cow<'_, Addr> {
        let (Addr::Inet(own), true) = (&self.addr, self.follows_client()) else {
            return self.current_addr();
        };
        let ip = match client.ip() {
            Some(ip) if own.ip().is_unspecified() => ip,
            _ => own.ip(),
        };
        let port = match (self.port_offset, client.port()) {
            (Some(offset), Some(port)) => {
                u16::try_from(i32::from(port).saturating_add(offset)).unwrap_or_default()
            }
            _ => own.port(),
        };
        Cow::Owned(Addr::Inet(SocketAddr::new(ip, port)))
    }

    /// Returns a server that is nowhere.
    pub fn blank() -> Self {
        Self {
            puid: 0,
            name: String::new(),
            addr: Addr::Unnamed,
            port_offset: None,
            weight: 1,
            maxconn: 0,
            maxqueue: 0,
            backup: false,
            disabled: false,
            http2: false,
            send_proxy: SendProxy::No,
            tls: None,
            counters: Counters::new(1),
            places: Places::default(),
            live: Live::default(),
        }
    }
}
