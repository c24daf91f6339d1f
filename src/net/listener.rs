//! Sockets that accept connections: bound before the workers start, then one per worker.

use std::fmt;
use std::fs;
use std::future::poll_fn;
use std::io;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::net::UdpSocket;
use std::os::fd::OwnedFd;
use std::os::fd::RawFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::LazyLock;
use std::time::Duration;

use arc_swap::ArcSwap;
use rustix::io::Errno;
use rustix::net::SocketFlags;
use rustix::net::SocketType;
use socket2::Domain;
use socket2::Socket;
use socket2::Type;

use crate::net::addr::Addr;
use crate::net::addr::Host;
use crate::net::addr::Spec;
use crate::net::inherited;
use crate::net::reactor::Source;
use crate::net::resolve;
use crate::net::stream::Stream;
use crate::net::timer;

/// How to listen.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// How many connections may wait to be accepted.
    pub backlog: Option<i32>,
    /// Whether an IPv6 socket refuses IPv4; `None` is the system's default.
    pub v6only: Option<bool>,
    pub interface: Option<String>,
    /// Accepts what is sent to any address.
    pub transparent: bool,
    /// The largest segment to announce, in bytes.
    pub mss: Option<u32>,
    /// How long sent data may stay without an answer (`tcp-ut`).
    pub user_timeout: Option<Duration>,
    /// The permissions of a UNIX socket's path.
    pub mode: Option<u32>,
    pub uid: Option<u32>,
    pub gid: Option<u32>,
}

/// A socket that listens, and belongs to no worker yet.
#[derive(Debug)]
pub struct Bound {
    socket: Socket,
    addr: Addr,
    /// Others accept from the same open socket: workers, or the process that it came from.
    shared: bool,
    path: Option<Arc<BoundPath>>,
}

impl Bound {
    /// Returns the address it listens on, with the port that the system chose.
    pub fn addr(&self) -> &Addr {
        &self.addr
    }

    /// Returns the same socket once more, for another worker to accept from; `None` where the workers
    /// share it anyway.
    pub fn spare(&mut self) -> Result<Option<Self>, Error> {
        if self.shared {
            return Ok(None);
        }
        self.shared = true;
        self.duplicate().map(Some)
    }

    /// Returns the same open socket under one more descriptor.
    pub fn duplicate(&self) -> Result<Self, Error> {
        let fail = |cause| {
            let what = "cannot duplicate socket";
            Error::Socket { what, cause, addr: self.addr.clone() }
        };
        Ok(Self {
            socket: self.socket.try_clone().map_err(fail)?,
            addr: self.addr.clone(),
            shared: true,
            path: self.path.clone(),
        })
    }
}

/// Binds every address that `spec` stands for, once per worker: `[worker][address]`.
///
/// Internet sockets are opened anew for each worker, and the kernel spreads the connections; the
/// workers share a UNIX or an inherited socket.
pub fn bind(spec: &Spec, options: &Options, workers: usize) -> Result<Vec<Vec<Bound>>, Error> {
    let mut all: Vec<Vec<Bound>> = (0..workers).map(|_| Vec::new()).collect();
    let first = match &spec.host {
        Host::Fd(number) => vec![adopt(*number, options)?],
        Host::Name(name, family) => {
            let found = resolve::blocking(name, *family)
                .map_err(|cause| Error::Name(name.clone(), cause))?;
            let ip: Option<IpAddr> = found.first().copied();
            open_all(&ip.map(|ip| spec.with_ports(ip)).unwrap_or_default(), options)?
        }
        Host::Ip(_) | Host::Unix(_) | Host::Abstract(_) => open_all(&spec.addrs(), options)?,
    };
    for bound in first {
        note(&bound.addr);
        for worker in all.iter_mut().skip(1) {
            worker.push(if bound.shared {
                bound.duplicate()?
            } else {
                open(&bound.addr, options)?
            });
        }
        if let Some(worker) = all.first_mut() {
            worker.push(bound);
        }
    }
    Ok(all)
}

/// Says whether this process listens at an address, or did so before.
pub fn is_own(ip: IpAddr, port: u16) -> bool {
    OWN.load().iter().any(|own| {
        let here = own.ip().to_canonical();
        own.port() == port && (here == ip.to_canonical() || here.is_unspecified() && is_local(ip))
    })
}

/// Where this process listens.
static OWN: LazyLock<ArcSwap<Vec<SocketAddr>>> = LazyLock::new(ArcSwap::default);

fn note(addr: &Addr) {
    let Addr::Inet(addr) = addr else { return };
    OWN.rcu(|own| {
        let mut own = Vec::clone(own);
        if !own.contains(addr) {
            own.push(*addr);
        }
        own
    });
}

/// Says whether an address is one of this machine: nothing else can be bound to.
fn is_local(ip: IpAddr) -> bool {
    let bound = UdpSocket::bind((ip, 0));
    bound.map_or_else(|error| error.kind() != io::ErrorKind::AddrNotAvailable, |_| true)
}

/// Why there is no listener, in HAProxy's words.
#[derive(Debug)]
pub enum Error {
    /// A system call failed for an address.
    Socket { what: &'static str, cause: io::Error, addr: Addr },
    /// An inherited descriptor cannot be used.
    Descriptor(RawFd, io::Error),
    /// An inherited descriptor is no stream socket.
    WrongType(RawFd),
    /// A name has no address.
    Name(String, io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket { what, cause, addr } => {
                write!(f, "{what} ({})", system_text(cause))?;
                match addr {
                    Addr::Inet(inet) => write!(f, " for [{}:{}]", inet.ip(), inet.port()),
                    Addr::Unix(path) => write!(f, " [{}]", path.display()),
                    Addr::Abstract(_) | Addr::Unnamed => write!(f, " [{}]", addr.to_config()),
                }
            }
            Self::Descriptor(number, cause) => {
                write!(f, "cannot use file descriptor '{number}' : {}.", system_text(cause))
            }
            Self::WrongType(number) => {
                write!(f, "socket on file descriptor '{number}' is of the wrong type.")
            }
            Self::Name(name, _) => write!(f, "could not resolve address '{name}'."),
        }
    }
}

impl std::error::Error for Error {}

/// Returns the system's words for an error alone: HAProxy prints no number.
pub fn system_text(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

/// A listening socket of this worker.
#[derive(Debug)]
pub struct Listener {
    source: Source,
    addr: Addr,
    /// Removes the path when the last worker stops listening.
    _path: Option<Arc<BoundPath>>,
}

impl Listener {
    /// Takes a bound socket to this worker.
    pub fn new(bound: Bound) -> io::Result<Self> {
        let Bound { socket, addr, shared, path } = bound;
        let fd = OwnedFd::from(socket);
        let source = if shared { Source::shared(fd)? } else { Source::new(fd)? };
        Ok(Self { source, addr, _path: path })
    }

    /// Returns the address it listens on.
    pub fn addr(&self) -> &Addr {
        &self.addr
    }

    /// Waits for the next connection.
    pub async fn accept(&self) -> io::Result<(Stream, Addr)> {
        loop {
            self.readable().await;
            if let Some(accepted) = self.try_accept().await? {
                return Ok(accepted);
            }
        }
    }

    /// Waits until accepting is worth a try.
    pub async fn readable(&self) {
        poll_fn(|cx| self.source.poll_readable(cx)).await;
    }

    /// Accepts a connection; `None` if nobody is there.
    ///
    /// A connection that ended before it was accepted is passed over. Where the process or the
    /// system has no descriptors left, it tries again after a pause.
    pub async fn try_accept(&self) -> io::Result<Option<(Stream, Addr)>> {
        loop {
            let error = match self.accept_one() {
                Ok((fd, addr)) => match Stream::new(fd) {
                    Ok(stream) => return Ok(Some((stream, addr))),
                    Err(error) => error,
                },
                Err(error) => error,
            };
            match Errno::from_io_error(&error) {
                _ if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM | Errno::NOSPC) => {
                    timer::sleep(PAUSE).await;
                }
                // Errors of the new connection, not of the listener (Linux: accept(2)).
                Some(
                    Errno::CONNABORTED
                    | Errno::PROTO
                    | Errno::PERM
                    | Errno::NETDOWN
                    | Errno::OPNOTSUPP
                    | Errno::NOPROTOOPT
                    | Errno::HOSTDOWN
                    | Errno::NONET
                    | Errno::HOSTUNREACH
                    | Errno::NETUNREACH,
                ) => {}
                _ => return Err(error),
            }
        }
    }

    fn accept_one(&self) -> io::Result<(OwnedFd, Addr)> {
        self.source.try_read(|fd| {
            let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
            let (fd, peer) = rustix::net::acceptfrom_with(fd, flags)?;
            Ok((fd, peer.map_or(Addr::Unnamed, |peer| Addr::from_any(&peer))))
        })
    }
}

/// How long to wait for descriptors when there are none left.
const PAUSE: Duration = Duration::from_millis(100);
/// HAProxy takes the backlog from maxconn; the kernel lowers it to its own limit.
const BACKLOG: i32 = 4096;

/// A path in the file system that names a socket of ours.
#[derive(Debug)]
struct BoundPath {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl Drop for BoundPath {
    fn drop(&mut self) {
        // After a reload the path is another process's socket, which must stay.
        let ours = fs::symlink_metadata(&self.path)
            .is_ok_and(|found| found.dev() == self.device && found.ino() == self.inode);
        if ours {
            drop(fs::remove_file(&self.path));
        }
    }
}

fn open_all(addrs: &[Addr], options: &Options) -> Result<Vec<Bound>, Error> {
    addrs.iter().map(|addr| open(addr, options)).collect()
}

fn open(addr: &Addr, options: &Options) -> Result<Bound, Error> {
    match addr {
        Addr::Inet(_) => open_inet(addr, options),
        Addr::Unix(path) => open_path(path, addr, options),
        Addr::Abstract(_) | Addr::Unnamed => {
            let socket = bind_unix(addr, options).map_err(|(what, cause)| Error::Socket {
                what,
                cause,
                addr: addr.clone(),
            })?;
            Ok(Bound { socket, addr: addr.clone(), shared: true, path: None })
        }
    }
}

fn open_inet(addr: &Addr, options: &Options) -> Result<Bound, Error> {
    let fail = |what| move |cause| Error::Socket { what, cause, addr: addr.clone() };
    let is_v6 = addr.ip().is_some_and(|ip| ip.is_ipv6());
    let domain = if is_v6 { Domain::IPV6 } else { Domain::IPV4 };
    let kind = Type::STREAM.nonblocking().cloexec();
    let socket =
        Socket::new_raw(domain, kind, None).map_err(fail("cannot create receiving socket"))?;
    let option = fail("cannot set socket option");
    socket.set_reuse_address(true).map_err(&option)?;
    socket.set_reuse_port(true).map_err(&option)?;
    if let Some(v6only) = options.v6only.filter(|_| is_v6) {
        socket.set_only_v6(v6only).map_err(&option)?;
    }
    if options.transparent {
        let done = if is_v6 {
            socket.set_ip_transparent_v6(true)
        } else {
            socket.set_ip_transparent_v4(true)
        };
        done.map_err(fail("cannot make receiving socket transparent"))?;
    }
    if let Some(interface) = &options.interface {
        socket
            .bind_device(Some(interface.as_bytes()))
            .map_err(fail("cannot bind receiver to device"))?;
    }
    if let Some(mss) = options.mss {
        socket.set_tcp_mss(mss).map_err(fail("cannot set MSS"))?;
    }
    if let Some(timeout) = options.user_timeout {
        socket.set_tcp_user_timeout(Some(timeout)).map_err(fail("cannot set TCP User Timeout"))?;
    }
    // Inherited by what is accepted, so that no connection costs a system call for it.
    socket.set_tcp_nodelay(true).map_err(&option)?;
    let sock = addr.to_sock().map_err(fail("cannot bind socket"))?;
    socket.bind(&sock).map_err(fail("cannot bind socket"))?;
    socket.listen(options.backlog.unwrap_or(BACKLOG)).map_err(fail("cannot listen to socket"))?;
    let local = socket.local_addr().map_err(fail("cannot bind socket"))?;
    Ok(Bound { socket, addr: Addr::from_sock(&local), shared: false, path: None })
}

/// Binds beside the path and renames, so that at no time clients find nothing there.
fn open_path(path: &Path, addr: &Addr, options: &Options) -> Result<Bound, Error> {
    let fail = |what| move |cause| Error::Socket { what, cause, addr: addr.clone() };
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}.tmp", std::process::id()));
    let beside = PathBuf::from(beside);
    match fs::remove_file(&beside) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
            return Err(fail("error when trying to unlink previous UNIX socket")(cause));
        }
        _ => {}
    }
    let socket = bind_unix(&Addr::Unix(beside.clone()), options)
        .map_err(|(what, cause)| fail(what)(cause))?;
    let placed = place(&beside, path, options);
    if placed.is_err() {
        drop(fs::remove_file(&beside));
    }
    let (device, inode) = placed.map_err(|(what, cause)| fail(what)(cause))?;
    let bound = BoundPath { path: path.to_owned(), device, inode };
    Ok(Bound { socket, addr: addr.clone(), shared: true, path: Some(Arc::new(bound)) })
}

type Failure = (&'static str, io::Error);

fn bind_unix(addr: &Addr, options: &Options) -> Result<Socket, Failure> {
    let kind = Type::STREAM.nonblocking().cloexec();
    let socket = Socket::new_raw(Domain::UNIX, kind, None)
        .map_err(|cause| ("cannot create receiving socket", cause))?;
    addr.to_sock()
        .and_then(|sock| socket.bind(&sock))
        .map_err(|cause| ("cannot bind UNIX socket", cause))?;
    socket
        .listen(options.backlog.unwrap_or(BACKLOG))
        .map_err(|cause| ("cannot listen to socket", cause))?;
    Ok(socket)
}

fn place(beside: &Path, path: &Path, options: &Options) -> Result<(u64, u64), Failure> {
    if options.uid.is_some() || options.gid.is_some() {
        std::os::unix::fs::chown(beside, options.uid, options.gid)
            .map_err(|cause| ("cannot change UNIX socket ownership", cause))?;
    }
    if let Some(mode) = options.mode {
        fs::set_permissions(beside, fs::Permissions::from_mode(mode))
            .map_err(|cause| ("cannot change UNIX socket ownership", cause))?;
    }
    let found = fs::symlink_metadata(beside).map_err(|cause| ("cannot bind UNIX socket", cause))?;
    fs::rename(beside, path)
        .map_err(|cause| ("cannot switch final and temporary UNIX sockets", cause))?;
    Ok((found.dev(), found.ino()))
}

fn adopt(number: RawFd, options: &Options) -> Result<Bound, Error> {
    let fail = |cause| Error::Descriptor(number, cause);
    let fd = inherited::duplicate(number).map_err(fail)?;
    let kind = rustix::net::sockopt::socket_type(&fd).map_err(|errno| fail(errno.into()))?;
    if kind != SocketType::STREAM {
        return Err(Error::WrongType(number));
    }
    let socket = Socket::from(fd);
    socket.set_nonblocking(true).map_err(fail)?;
    let local = socket.local_addr().map_err(fail)?;
    if !socket.is_listener().map_err(fail)? {
        socket.listen(options.backlog.unwrap_or(BACKLOG)).map_err(fail)?;
    }
    Ok(Bound { socket, addr: Addr::from_sock(&local), shared: true, path: None })
}
