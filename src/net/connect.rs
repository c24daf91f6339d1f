//! Connecting to a server, without blocking the worker.

use std::future::poll_fn;
use std::io;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::io::Errno;
use socket2::Domain;
use socket2::SockAddr;
use socket2::Socket;
use socket2::Type;

use crate::net::addr::Addr;
use crate::net::stand_in;
use crate::net::stream::Keepalive;
use crate::net::stream::Stream;
use crate::net::timer;

/// How to connect.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The address to connect from; with port 0 the system chooses a port.
    pub source: Option<SocketAddr>,
    /// The interface to connect through.
    pub interface: Option<String>,
    /// Leaves Nagle's algorithm on, as no proxy wants it.
    pub delay: bool,
    pub keepalive: Option<Keepalive>,
    /// Waits with the acknowledgement, so that it travels with the first data.
    pub quick_ack_off: bool,
    /// How long sent data may stay without an answer (`tcp-ut`).
    pub user_timeout: Option<Duration>,
}

impl Stream {
    /// Connects to `addr`. It takes as long as the kernel takes: bound it by a deadline.
    pub async fn connect(addr: &Addr, options: &Options) -> io::Result<Self> {
        if let Some(stand_in) = stand_in::get() {
            return stand_in.connect(addr);
        }
        let target = addr.to_sock()?;
        let socket = open(addr, options)?;
        let mut pause = FIRST_PAUSE;
        loop {
            match start(&socket, &target) {
                Ok(()) => return Self::new(OwnedFd::from(socket)),
                Err(Errno::INPROGRESS | Errno::INTR) => break,
                // A UNIX socket whose listener has no room: there is no event to wait for.
                Err(Errno::AGAIN) if addr.is_unix() => {
                    timer::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                Err(error) => return Err(error.into()),
            }
        }
        let stream = Self::pending(OwnedFd::from(socket))?;
        poll_fn(|cx| stream.poll_writable(cx)).await;
        match stream.take_error()? {
            Some(error) => Err(error),
            None => Ok(stream),
        }
    }
}

const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

fn open(addr: &Addr, options: &Options) -> io::Result<Socket> {
    let domain = match addr {
        Addr::Inet(SocketAddr::V4(_)) => Domain::IPV4,
        Addr::Inet(SocketAddr::V6(_)) => Domain::IPV6,
        Addr::Unix(_) | Addr::Abstract(_) | Addr::Unnamed => Domain::UNIX,
    };
    let socket = Socket::new_raw(domain, Type::STREAM.nonblocking().cloexec(), None)?;
    let Addr::Inet(target) = addr else { return Ok(socket) };
    socket.set_tcp_nodelay(!options.delay)?;
    if let Some(keepalive) = options.keepalive {
        socket.set_tcp_keepalive(&keepalive.to_socket())?;
    }
    if options.quick_ack_off {
        socket.set_tcp_quickack(false)?;
    }
    if let Some(timeout) = options.user_timeout {
        socket.set_tcp_user_timeout(Some(timeout))?;
    }
    if let Some(interface) = &options.interface {
        socket.bind_device(Some(interface.as_bytes()))?;
    }
    if let Some(source) = options.source.filter(|source| fits(source.ip(), target.ip())) {
        if source.port() != 0 {
            socket.set_reuse_address(true)?;
        }
        socket.bind(&SockAddr::from(source))?;
    }
    Ok(socket)
}

/// HAProxy: a source address of another family than the server's is not used.
fn fits(source: IpAddr, target: IpAddr) -> bool {
    source.is_ipv4() == target.is_ipv4()
}

fn start(socket: &Socket, target: &SockAddr) -> rustix::io::Result<()> {
    match socket.connect(target) {
        Ok(()) => Ok(()),
        Err(error) => Err(Errno::from_io_error(&error).unwrap_or(Errno::INVAL)),
    }
}
