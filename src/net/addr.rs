//! Addresses: those of sockets, and those that a configuration writes. Opens no socket.

use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::os::fd::RawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use rustix::net::SocketAddrAny;
use rustix::net::SocketAddrUnix;
use socket2::SockAddr;

/// The address of one end of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Addr {
    Inet(SocketAddr),
    Unix(PathBuf),
    /// A name in Linux's abstract namespace, without the leading zero byte.
    Abstract(Vec<u8>),
    /// A UNIX socket that was bound to nothing, as clients are.
    Unnamed,
}

impl Addr {
    /// Returns the address without its port, if it is one of the Internet.
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Inet(addr) => Some(addr.ip()),
            Self::Unix(_) | Self::Abstract(_) | Self::Unnamed => None,
        }
    }

    /// Returns the port, if the address has one.
    pub fn port(&self) -> Option<u16> {
        match self {
            Self::Inet(addr) => Some(addr.port()),
            Self::Unix(_) | Self::Abstract(_) | Self::Unnamed => None,
        }
    }

    /// Returns the same address with another port; an address without ports stays as it is.
    #[must_use]
    pub fn with_port(mut self, port: u16) -> Self {
        if let Self::Inet(addr) = &mut self {
            addr.set_port(port);
        }
        self
    }

    /// Returns whether this is the address of a UNIX socket.
    pub fn is_unix(&self) -> bool {
        !matches!(self, Self::Inet(_))
    }

    /// Returns the address as a configuration writes it.
    pub fn to_config(&self) -> String {
        match self {
            Self::Inet(addr) => addr.to_string(),
            Self::Unix(path) => format!("unix@{}", path.display()),
            Self::Abstract(name) => {
                let padding = name.iter().rev().take_while(|byte| **byte == 0).count();
                let name = name.get(..name.len() - padding).unwrap_or_default();
                format!("abns@{}", String::from_utf8_lossy(name))
            }
            Self::Unnamed => "unix@".to_owned(),
        }
    }

    pub(super) fn from_sock(addr: &SockAddr) -> Self {
        if let Some(inet) = addr.as_socket() {
            Self::Inet(inet)
        } else if let Some(path) = addr.as_pathname() {
            Self::Unix(path.to_owned())
        } else if let Some(name) = addr.as_abstract_namespace() {
            Self::Abstract(name.to_owned())
        } else {
            Self::Unnamed
        }
    }

    pub(super) fn from_any(addr: &SocketAddrAny) -> Self {
        if let Ok(inet) = SocketAddr::try_from(addr.clone()) {
            return Self::Inet(inet);
        }
        let Ok(unix) = SocketAddrUnix::try_from(addr.clone()) else { return Self::Unnamed };
        if let Some(path) = unix.path_bytes() {
            Self::Unix(PathBuf::from(OsStr::from_bytes(path)))
        } else if let Some(name) = unix.abstract_name() {
            Self::Abstract(name.to_owned())
        } else {
            Self::Unnamed
        }
    }

    pub(super) fn to_sock(&self) -> io::Result<SockAddr> {
        match self {
            Self::Inet(addr) => Ok(SockAddr::from(*addr)),
            Self::Unix(path) => SockAddr::unix(path),
            Self::Abstract(name) => {
                let mut path = vec![0];
                path.extend_from_slice(name);
                SockAddr::unix(OsStr::from_bytes(&path))
            }
            Self::Unnamed => SockAddr::unix(""),
        }
    }
}

/// As HAProxy's logs have it: a client of a UNIX socket is `unix:1`.
impl fmt::Display for Addr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inet(addr) => addr.fmt(f),
            Self::Unix(_) | Self::Abstract(_) | Self::Unnamed => f.write_str("unix:1"),
        }
    }
}

impl From<SocketAddr> for Addr {
    fn from(addr: SocketAddr) -> Self {
        Self::Inet(addr)
    }
}

/// An address as a configuration writes it; a name is not resolved yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    pub host: Host,
    pub ports: Ports,
    /// Sends datagrams, for logs: `udp@`, or by default where only datagrams go.
    pub datagram: bool,
}

/// Where a [`Spec`] points to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    Ip(IpAddr),
    Name(String, Family),
    Unix(PathBuf),
    Abstract(Vec<u8>),
    /// A descriptor that the process was started with.
    Fd(RawFd),
}

/// Which addresses a name may stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    Any,
    V4,
    V6,
}

/// The ports of a [`Spec`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ports {
    /// None was written.
    None,
    /// From the first to the last, both included; one port is the range to itself.
    Range(u16, u16),
    /// Relative to the port that the client connected to.
    Offset(i32),
}

/// What the place where an address stands allows.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    pub port: PortRule,
    pub range: bool,
    pub offset: bool,
    pub fd: bool,
    pub stream: bool,
    pub datagram: bool,
}

/// Whether a port must, may or must not be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PortRule {
    Mandatory,
    Optional,
    Refused,
}

/// The address of a `bind`.
pub const BIND: Rules = Rules {
    port: PortRule::Mandatory,
    range: true,
    offset: false,
    fd: true,
    stream: true,
    datagram: false,
};

/// The address of a `server`.
pub const SERVER: Rules = Rules {
    port: PortRule::Optional,
    range: false,
    offset: true,
    fd: false,
    stream: true,
    datagram: false,
};

/// The address of a `source`.
pub const SOURCE: Rules = Rules { range: true, offset: false, ..SERVER };

/// The address of a `log`.
pub const LOG: Rules = Rules {
    port: PortRule::Optional,
    range: false,
    offset: false,
    fd: true,
    stream: true,
    datagram: true,
};

/// The address of a script's `connect`, or of a runtime command.
pub const CONNECT: Rules = Rules { offset: false, ..SERVER };

impl Spec {
    /// Reads an address as HAProxy writes it (HAProxy: configuration.txt 11).
    pub fn parse(text: &str, rules: &Rules) -> Result<Self, Error> {
        if text.is_empty() {
            return Err(Error::Empty(text.to_owned()));
        }
        let (prefix, rest) = Prefix::split(text);
        // HAProxy: `log 10.0.0.1:514` means UDP, though TCP is allowed there.
        let datagram = prefix.datagram.unwrap_or(rules.datagram);
        let (host, ports) = match prefix.kind {
            Kind::Fd => (descriptor(rest, text, rules)?, Ports::None),
            Kind::Unix => (Host::Unix(unix_path(rest, text)?), Ports::None),
            Kind::Abstract => (Host::Abstract(abstract_name(rest, text)?), Ports::None),
            Kind::Inet(family) => inet(rest, text, family, rules)?,
            Kind::Refused(what) => return Err(Error::Unsupported(what, text.to_owned())),
        };
        if datagram && !rules.datagram {
            return Err(Error::Datagram(text.to_owned()));
        }
        if !datagram && !rules.stream {
            return Err(Error::Stream(text.to_owned()));
        }
        Ok(Self { host, ports, datagram })
    }

    /// Returns the socket addresses of a host that is no name and no descriptor, a port each.
    pub fn addrs(&self) -> Vec<Addr> {
        match &self.host {
            Host::Ip(ip) => self.with_ports(*ip),
            Host::Unix(path) => vec![Addr::Unix(path.clone())],
            Host::Abstract(name) => vec![Addr::Abstract(name.clone())],
            Host::Name(..) | Host::Fd(_) => Vec::new(),
        }
    }

    /// Returns `ip` with each of the ports; port 0 if none was written.
    pub fn with_ports(&self, ip: IpAddr) -> Vec<Addr> {
        let (low, high) = match self.ports {
            Ports::Range(low, high) => (low, high),
            Ports::None | Ports::Offset(_) => (0, 0),
        };
        (low..=high).map(|port| Addr::Inet(SocketAddr::new(ip, port))).collect()
    }

    /// Returns the name to resolve, if the host is one.
    pub fn name(&self) -> Option<(&str, Family)> {
        match &self.host {
            Host::Name(name, family) => Some((name, *family)),
            Host::Ip(_) | Host::Unix(_) | Host::Abstract(_) | Host::Fd(_) => None,
        }
    }
}

/// Reads the addresses of a `bind`, separated by commas.
pub fn parse_list(text: &str, rules: &Rules) -> Result<Vec<Spec>, Error> {
    text.split(',').map(|part| Spec::parse(part, rules)).collect()
}

/// What is wrong with an address, in HAProxy's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    Empty(String),
    MissingPort(String),
    PortRefused(String),
    RangeRefused(String),
    OffsetRefused(String),
    Character { found: char, port: String, text: String },
    Port(String),
    Range(String, String),
    Address { host: String, text: String },
    PathTooLong { text: String, max: usize },
    Descriptor { fd: String, text: String },
    DescriptorRefused(String),
    Datagram(String),
    Stream(String),
    Unsupported(&'static str, String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty(text) => {
                write!(f, "'{text}' resolves to an empty address (environment variable missing?)")
            }
            Self::MissingPort(text) => write!(f, "missing port specification in '{text}'"),
            Self::PortRefused(text) => {
                write!(f, "port specification not permitted here in '{text}'")
            }
            Self::RangeRefused(text) => write!(f, "port range not permitted here in '{text}'"),
            Self::OffsetRefused(text) => write!(f, "port offset not permitted here in '{text}'"),
            Self::Character { found, port, text } => {
                write!(f, "invalid character '{found}' in port number '{port}' in '{text}'")
            }
            Self::Port(port) => write!(f, "invalid port '{port}'"),
            Self::Range(low, high) => write!(f, "invalid port range '{low}-{high}'"),
            Self::Address { host, text } => write!(f, "invalid address: '{host}' in '{text}'"),
            Self::PathTooLong { text, max } => {
                write!(f, "socket path '{text}' too long (max {max})")
            }
            Self::Descriptor { fd, text } => {
                write!(f, "file descriptor '{fd}' is not a valid integer in '{text}'")
            }
            Self::DescriptorRefused(text) => {
                write!(f, "a file descriptor is not acceptable here in '{text}'")
            }
            Self::Datagram(text) => write!(f, "dgram-type address not acceptable in '{text}'"),
            Self::Stream(text) => write!(f, "stream-type address not acceptable in '{text}'"),
            Self::Unsupported(what, text) => write!(f, "{what} not supported in '{text}'"),
        }
    }
}

impl std::error::Error for Error {}

/// What stands before the `@`.
struct Prefix {
    name: &'static str,
    kind: Kind,
    datagram: Option<bool>,
}

#[derive(Clone, Copy)]
enum Kind {
    Inet(Family),
    Unix,
    Abstract,
    Fd,
    Refused(&'static str),
}

const PREFIXES: &[Prefix] = &[
    Prefix { name: "abns@", kind: Kind::Abstract, datagram: None },
    Prefix { name: "dgram+ipv4@", kind: Kind::Inet(Family::V4), datagram: Some(true) },
    Prefix { name: "dgram+ipv6@", kind: Kind::Inet(Family::V6), datagram: Some(true) },
    Prefix { name: "dgram+unix@", kind: Kind::Unix, datagram: Some(true) },
    Prefix { name: "fd@", kind: Kind::Fd, datagram: None },
    Prefix { name: "ipv4@", kind: Kind::Inet(Family::V4), datagram: None },
    Prefix { name: "ipv6@", kind: Kind::Inet(Family::V6), datagram: None },
    Prefix { name: "mptcp4@", kind: Kind::Refused("MPTCP"), datagram: None },
    Prefix { name: "mptcp6@", kind: Kind::Refused("MPTCP"), datagram: None },
    Prefix { name: "mptcp@", kind: Kind::Refused("MPTCP"), datagram: None },
    Prefix { name: "quic4@", kind: Kind::Refused("QUIC"), datagram: None },
    Prefix { name: "quic6@", kind: Kind::Refused("QUIC"), datagram: None },
    Prefix { name: "rhttp@", kind: Kind::Refused("reverse HTTP"), datagram: None },
    Prefix { name: "sockpair@", kind: Kind::Refused("socket pair"), datagram: None },
    Prefix { name: "stream+ipv4@", kind: Kind::Inet(Family::V4), datagram: Some(false) },
    Prefix { name: "stream+ipv6@", kind: Kind::Inet(Family::V6), datagram: Some(false) },
    Prefix { name: "stream+unix@", kind: Kind::Unix, datagram: Some(false) },
    Prefix { name: "tcp4@", kind: Kind::Inet(Family::V4), datagram: Some(false) },
    Prefix { name: "tcp6@", kind: Kind::Inet(Family::V6), datagram: Some(false) },
    Prefix { name: "tcp@", kind: Kind::Inet(Family::Any), datagram: Some(false) },
    Prefix { name: "udp4@", kind: Kind::Inet(Family::V4), datagram: Some(true) },
    Prefix { name: "udp6@", kind: Kind::Inet(Family::V6), datagram: Some(true) },
    Prefix { name: "udp@", kind: Kind::Inet(Family::Any), datagram: Some(true) },
    Prefix { name: "unix@", kind: Kind::Unix, datagram: None },
    Prefix { name: "uxdg@", kind: Kind::Unix, datagram: Some(true) },
    Prefix { name: "uxst@", kind: Kind::Unix, datagram: Some(false) },
];

const NO_PREFIX: Prefix = Prefix { name: "", kind: Kind::Inet(Family::Any), datagram: None };
const PATH: Prefix = Prefix { name: "", kind: Kind::Unix, datagram: None };

impl Prefix {
    fn split(text: &str) -> (&'static Self, &str) {
        let found =
            PREFIXES.iter().find_map(|prefix| Some((prefix, text.strip_prefix(prefix.name)?)));
        match found {
            Some(found) => found,
            None if text.starts_with('/') => (&PATH, text),
            None => (&NO_PREFIX, text),
        }
    }
}

fn descriptor(digits: &str, text: &str, rules: &Rules) -> Result<Host, Error> {
    let fd = digits.parse().ok().filter(|fd: &RawFd| *fd >= 0);
    match fd {
        None => Err(Error::Descriptor { fd: digits.to_owned(), text: text.to_owned() }),
        Some(_) if !rules.fd => Err(Error::DescriptorRefused(text.to_owned())),
        Some(fd) => Ok(Host::Fd(fd)),
    }
}

/// `sun_path` with its final zero byte.
const PATH_MAX: usize = 107;
/// What `.<pid>.tmp` needs while a socket is bound beside its final name.
const PATH_SUFFIX: usize = 10;

fn unix_path(path: &str, text: &str) -> Result<PathBuf, Error> {
    let max = PATH_MAX - PATH_SUFFIX;
    if path.len() > max {
        return Err(Error::PathTooLong { text: text.to_owned(), max });
    }
    Ok(PathBuf::from(path))
}

fn abstract_name(name: &str, text: &str) -> Result<Vec<u8>, Error> {
    if name.len() > PATH_MAX {
        return Err(Error::PathTooLong { text: text.to_owned(), max: PATH_MAX });
    }
    // HAProxy: the name is padded with zero bytes to the whole length of `sun_path`.
    let mut name = name.as_bytes().to_owned();
    name.resize(PATH_MAX, 0);
    Ok(name)
}

fn inet(rest: &str, text: &str, family: Family, rules: &Rules) -> Result<(Host, Ports), Error> {
    // What comes first from the end: a colon before the port, or the bracket after an address.
    let (host, port) = match rest.rfind([':', ']']) {
        Some(at) if rest.as_bytes().get(at) == Some(&b':') => {
            (rest.get(..at).unwrap_or_default(), rest.get(at + 1..))
        }
        _ => (rest, None),
    };
    if port.is_some() && rules.port == PortRule::Refused {
        return Err(Error::PortRefused(text.to_owned()));
    }
    let ports = match port {
        Some(port) if !port.is_empty() => ports(port, text, rules)?,
        _ if rules.port == PortRule::Mandatory => return Err(Error::MissingPort(text.to_owned())),
        _ => Ports::None,
    };
    Ok((inet_host(host, text, family)?, ports))
}

fn inet_host(host: &str, text: &str, family: Family) -> Result<Host, Error> {
    let wrong = || Error::Address { host: host.to_owned(), text: text.to_owned() };
    if host.is_empty() || host == "*" {
        let any = match family {
            Family::V6 => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
            Family::V4 | Family::Any => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        };
        return Ok(Host::Ip(any));
    }
    let bare = match host.strip_prefix('[') {
        Some(open) => open.strip_suffix(']').ok_or_else(wrong)?,
        None => host,
    };
    match bare.parse() {
        Ok(ip @ IpAddr::V4(_)) if family != Family::V6 => Ok(Host::Ip(ip)),
        Ok(ip @ IpAddr::V6(_)) if family != Family::V4 => Ok(Host::Ip(ip)),
        Ok(_) => Err(wrong()),
        Err(_) if bare == host && is_name(host) => Ok(Host::Name(host.to_owned(), family)),
        Err(_) => Err(wrong()),
    }
}

/// A name has letters; `10.0.0.300` and `x@` are mistakes, and not worth a question to DNS.
fn is_name(host: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    host.len() <= 253
        && host.bytes().all(legal)
        && host.bytes().any(|byte| !byte.is_ascii_digit() && byte != b'.')
}

fn ports(written: &str, text: &str, rules: &Rules) -> Result<Ports, Error> {
    let offset = written.strip_prefix('-').map(|digits| (digits, -1));
    let offset = offset.or_else(|| written.strip_prefix('+').map(|digits| (digits, 1)));
    if let Some((digits, sign)) = offset {
        if !rules.offset {
            return Err(Error::OffsetRefused(text.to_owned()));
        }
        let size: u16 = number(digits, text)?;
        return Ok(Ports::Offset(sign * i32::from(size)));
    }
    let (low, high) = match written.split_once('-') {
        Some(_) if !rules.range => return Err(Error::RangeRefused(text.to_owned())),
        Some((low, high)) => (low, high),
        None => (written, written),
    };
    let first = number(low, text)?;
    let last = number(high, text)?;
    if first > last {
        return Err(Error::Range(low.to_owned(), high.to_owned()));
    }
    Ok(Ports::Range(first, last))
}

/// Port 0 lets the system choose one: HAProxy refuses it in a `bind`, and tests need it.
fn number(digits: &str, text: &str) -> Result<u16, Error> {
    if let Some(found) = digits.chars().find(|c| !c.is_ascii_digit()) {
        return Err(Error::Character { found, port: digits.to_owned(), text: text.to_owned() });
    }
    digits.parse().map_err(|_| Error::Port(digits.to_owned()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::any;
    use proptest::prop_assert_eq;
    use proptest::proptest;

    use super::*;

    fn ip(text: &str) -> Host {
        Host::Ip(text.parse().unwrap())
    }

    #[test]
    fn bind_addresses_are_read() {
        let cases = [
            (":80", ip("0.0.0.0"), Ports::Range(80, 80)),
            ("*:80", ip("0.0.0.0"), Ports::Range(80, 80)),
            ("127.0.0.1:8000-8010", ip("127.0.0.1"), Ports::Range(8000, 8010)),
            ("[::1]:80", ip("::1"), Ports::Range(80, 80)),
            ("::1:80", ip("::1"), Ports::Range(80, 80)),
            (":::80", ip("::"), Ports::Range(80, 80)),
            ("ipv6@:80", ip("::"), Ports::Range(80, 80)),
            ("ipv4@*:80", ip("0.0.0.0"), Ports::Range(80, 80)),
            ("tcp4@:80", ip("0.0.0.0"), Ports::Range(80, 80)),
            ("stream+ipv4@:80", ip("0.0.0.0"), Ports::Range(80, 80)),
            ("host:80", Host::Name("host".to_owned(), Family::Any), Ports::Range(80, 80)),
            ("/run/a.sock", Host::Unix("/run/a.sock".into()), Ports::None),
            ("unix@a.sock", Host::Unix("a.sock".into()), Ports::None),
            ("fd@3", Host::Fd(3), Ports::None),
        ];
        for (text, host, ports) in cases {
            let want = Spec { host, ports, datagram: false };
            assert_eq!(Spec::parse(text, &BIND), Ok(want), "{text}");
        }
    }

    #[test]
    fn wrong_addresses_are_refused_in_haproxys_words() {
        let cases = [
            ("80", BIND, "missing port specification in '80'"),
            ("[::1]", BIND, "missing port specification in '[::1]'"),
            ("127.0.0.1:", BIND, "missing port specification in '127.0.0.1:'"),
            (":90-80", BIND, "invalid port range '90-80'"),
            (":abc", BIND, "invalid character 'a' in port number 'abc' in ':abc'"),
            (":80x", BIND, "invalid character 'x' in port number '80x' in ':80x'"),
            (":80-", BIND, "invalid port ''"),
            (":+80", BIND, "port offset not permitted here in ':+80'"),
            (":-80", BIND, "port offset not permitted here in ':-80'"),
            (":70000", BIND, "invalid port '70000'"),
            ("x@:80", BIND, "invalid address: 'x@' in 'x@:80'"),
            ("[::1", BIND, "invalid address: '[:' in '[::1'"),
            ("10.0.0.300:80", BIND, "invalid address: '10.0.0.300' in '10.0.0.300:80'"),
            ("ipv4@::1:80", BIND, "invalid address: '::1' in 'ipv4@::1:80'"),
            ("ipv6@127.0.0.1:80", BIND, "invalid address: '127.0.0.1' in 'ipv6@127.0.0.1:80'"),
            ("udp@:80", BIND, "dgram-type address not acceptable in 'udp@:80'"),
            ("fd@x", BIND, "file descriptor 'x' is not a valid integer in 'fd@x'"),
            ("fd@3", SERVER, "a file descriptor is not acceptable here in 'fd@3'"),
            ("127.0.0.1:80-90", SERVER, "port range not permitted here in '127.0.0.1:80-90'"),
            ("sockpair@3", SERVER, "socket pair not supported in 'sockpair@3'"),
            ("", BIND, "'' resolves to an empty address (environment variable missing?)"),
        ];
        for (text, rules, want) in cases {
            assert_eq!(Spec::parse(text, &rules).unwrap_err().to_string(), want, "{text}");
        }
    }

    #[test]
    fn server_ports_may_be_relative_or_absent() {
        assert_eq!(Spec::parse("10.0.0.1", &SERVER).unwrap().ports, Ports::None);
        assert_eq!(Spec::parse("10.0.0.1:+10", &SERVER).unwrap().ports, Ports::Offset(10));
        assert_eq!(Spec::parse("10.0.0.1:-10", &SERVER).unwrap().ports, Ports::Offset(-10));
        assert!(Spec::parse("10.0.0.1:514", &LOG).unwrap().datagram);
        assert!(!Spec::parse("tcp@10.0.0.1:514", &LOG).unwrap().datagram);
    }

    #[test]
    fn lists_and_ranges_are_expanded() {
        let specs = parse_list("127.0.0.1:80-81,[::1]:90", &BIND).unwrap();
        let addrs: Vec<String> =
            specs.iter().flat_map(Spec::addrs).map(|addr| addr.to_string()).collect();
        assert_eq!(addrs, ["127.0.0.1:80", "127.0.0.1:81", "[::1]:90"]);
        let whole = Spec::parse(":1-65535", &BIND).unwrap();
        assert_eq!(whole.addrs().len(), 65535);
    }

    #[test]
    fn prefixes_are_sorted_and_unique() {
        assert!(PREFIXES.windows(2).all(|pair| pair[0].name < pair[1].name));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in any::<String>()) {
            for rules in [BIND, SERVER, SOURCE, LOG, CONNECT] {
                drop(Spec::parse(&text, &rules).map_err(|error| error.to_string()));
            }
        }

        #[test]
        fn an_inet_address_reads_back(addr in any::<SocketAddr>()) {
            let addr = SocketAddr::new(addr.ip(), addr.port());
            let spec = Spec::parse(&addr.to_string(), &BIND);
            prop_assert_eq!(spec.unwrap().addrs(), vec![Addr::Inet(addr)]);
        }
    }
}
