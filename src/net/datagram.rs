//! Sending datagrams that may be lost: syslog.

use std::io;
use std::io::IsTerminal;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::os::fd::RawFd;

use rustix::io::Errno;
use rustix::net::SendFlags;
use socket2::Domain;
use socket2::SockAddr;
use socket2::Socket;
use socket2::Type;

use crate::net::addr::Addr;
use crate::net::inherited;

/// A socket that sends datagrams to one address, over UDP or UNIX, and never waits.
///
/// It needs no reactor, and may be used from any thread.
#[derive(Debug)]
pub struct Datagram {
    socket: Socket,
    to: Target,
}

#[derive(Debug)]
enum Target {
    Address(SockAddr),
    /// An inherited descriptor, which may be a pipe or a terminal as well.
    Descriptor,
}

impl Datagram {
    /// Opens a socket for `addr`. The receiver need not be there yet, or may be restarted.
    pub fn new(addr: &Addr) -> io::Result<Self> {
        let (domain, any) = match addr {
            Addr::Inet(SocketAddr::V4(_)) => {
                (Domain::IPV4, Some(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0))))
            }
            Addr::Inet(SocketAddr::V6(_)) => {
                (Domain::IPV6, Some(SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0))))
            }
            Addr::Unix(_) | Addr::Abstract(_) | Addr::Unnamed => (Domain::UNIX, None),
        };
        let to = Target::Address(addr.to_sock()?);
        let socket = Socket::new_raw(domain, Type::DGRAM.nonblocking().cloexec(), None)?;
        if let Some(any) = any {
            socket.bind(&SockAddr::from(any))?;
        }
        Ok(Self { socket, to })
    }

    /// Takes over an inherited descriptor, `fd@1` for example.
    ///
    /// What is no terminal is made non-blocking, for all that share it, as HAProxy does.
    pub fn inherited(number: RawFd) -> io::Result<Self> {
        let socket = Socket::from(inherited::duplicate(number)?);
        if !socket.as_fd().is_terminal() {
            socket.set_nonblocking(true)?;
        }
        Ok(Self { socket, to: Target::Descriptor })
    }

    /// Sends one datagram. Returns `false` if it was dropped, as there was no room for it.
    pub fn send(&self, bytes: &[u8]) -> io::Result<bool> {
        loop {
            let sent = match &self.to {
                Target::Address(addr) => {
                    let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
                    let flags = i32::try_from(flags.bits()).unwrap_or_default();
                    self.socket.send_to_with_flags(bytes, addr, flags)
                }
                Target::Descriptor => rustix::io::write(&self.socket, bytes).map_err(Into::into),
            };
            match sent {
                Ok(_) => return Ok(true),
                Err(error) => match Errno::from_io_error(&error) {
                    Some(Errno::INTR) => {}
                    Some(Errno::AGAIN | Errno::NOBUFS) => return Ok(false),
                    _ => return Err(error),
                },
            }
        }
    }
}
