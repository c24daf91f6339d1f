//! A receiver of syslog datagrams.

use std::net::SocketAddr;
use std::net::UdpSocket;
use std::thread;

use super::process::Lines;

/// A UDP socket whose datagrams are kept as lines.
#[derive(Debug)]
pub(crate) struct Syslog {
    addr: SocketAddr,
    pub(crate) lines: Lines,
}

impl Syslog {
    pub(crate) fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let addr = socket.local_addr().unwrap();
        let lines = Lines::default();
        let kept = lines.clone();
        thread::spawn(move || {
            let mut bytes = [0; 65536];
            while let Ok(read) = socket.recv(&mut bytes) {
                kept.push(String::from_utf8_lossy(&bytes[..read]).into_owned());
            }
        });
        Self { addr, lines }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }
}
