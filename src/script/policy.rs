//! What the operator grants a tenant: a `tenant` section, compiled.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use ipnet::IpNet;

use super::Load;
use crate::log;

/// A `tenant` section: the scripts of one tenant, and what they may use and reach.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The section's name: what the tenant registers is `lua.NAME:what`.
    pub name: String,
    /// Where the section stands: `file:line`.
    pub place: String,
    /// The tenant's scripts, in order (`lua-load`).
    pub loads: Vec<Load>,
    /// Where `require` looks, with `?` for the module (`lua-path`); nothing else is found.
    pub paths: Vec<String>,
    /// The libraries that `require` finds without a file (`lua-modules`); `None` is those whose use
    /// is granted.
    pub modules: Option<Vec<String>>,
    /// The longest run before a forced yield (`cpu-slice`); `None` is `tune.lua.slice`.
    pub slice: Option<Duration>,
    /// Processor time of one call (`cpu-max`).
    pub cpu_max: Duration,
    /// Percent of a worker in a sliding second (`cpu-share`); beyond it, others go first.
    pub cpu_share: u8,
    /// Bytes of each state, and of what the host holds for the tenant (`memory-max`).
    pub memory_max: usize,
    /// The least niceness of the tenant's runs (`nice`).
    pub nice: i32,
    /// Where sockets may connect to (`connect-allow`); nothing else can be reached.
    pub connect_allow: Vec<Target>,
    /// Where they may not, though allowed (`connect-deny`).
    pub connect_deny: Vec<Target>,
    /// Sockets open at once, on all workers together (`connections-max`).
    pub connections_max: u32,
    /// Tasks at once, on all workers together (`tasks-max`).
    pub tasks_max: u32,
    /// The only folder whose files can be read (`read-dir`).
    pub read_dir: Option<PathBuf>,
    /// Bytes of the largest file that can be read (`read-dir ... max SIZE`).
    pub read_max: usize,
    /// The variables of the environment that `os.getenv` knows (`env`).
    pub env: Vec<String>,
    /// What becomes of an exchange whose script fails (`on-error`).
    pub on_error: OnError,
    /// Where the tenant's messages go (`log`); with none, to those of its proxy.
    pub loggers: Vec<log::Target>,
    /// Whether scripts are compiled to machine code (`jit`); `None` is `tune.lua.tenant-jit`.
    pub jit: Option<bool>,
}

/// What becomes of an exchange whose script fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnError {
    /// It ends with this status: the default.
    Deny {
        /// Of the answer, in mode http.
        status: u16,
    },
    /// It goes on, as HAProxy's does.
    Continue,
}

/// One word of `connect-allow` or `connect-deny`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Whom.
    pub host: Host,
    /// The first and last port.
    pub ports: (u16, u16),
}

/// Whom a [`Target`] names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// Every address that is not refused unless it is named.
    Any,
    /// An address or network.
    Net(IpNet),
    /// A name, as the script gives it; its addresses are checked after the host resolved it.
    Name(String),
    /// A UNIX socket.
    Unix(PathBuf),
}

impl Policy {
    /// Bytes a state may hold.
    pub const MEMORY_MAX: usize = 16 << 20;
    /// Processor time of one call.
    pub const CPU_MAX: Duration = Duration::from_millis(50);

    /// Returns a policy that grants nothing beyond running.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            place: String::new(),
            loads: Vec::new(),
            paths: Vec::new(),
            modules: None,
            slice: None,
            cpu_max: Self::CPU_MAX,
            cpu_share: 50,
            memory_max: Self::MEMORY_MAX,
            nice: 0,
            connect_allow: Vec::new(),
            connect_deny: Vec::new(),
            connections_max: 100,
            tasks_max: 16,
            read_dir: None,
            read_max: 1 << 20,
            env: Vec::new(),
            on_error: OnError::Deny { status: OnError::STATUS },
            loggers: Vec::new(),
            jit: None,
        }
    }
}

impl OnError {
    /// The status of `on-error deny`.
    pub const STATUS: u16 = 503;
}

impl Target {
    /// What stands for every port.
    const PORTS: (u16, u16) = (0, u16::MAX);

    /// Says whether an address and port are this target's; names are the caller's business.
    pub fn matches(&self, address: IpAddr, port: u16) -> bool {
        let (first, last) = self.ports;
        let host = match &self.host {
            Host::Any => true,
            Host::Net(net) => net.contains(&address),
            Host::Name(_) | Host::Unix(_) => false,
        };
        host && (first..=last).contains(&port)
    }
}

/// Why a word is no [`Target`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetError {
    /// This is neither an address nor a name.
    Host(String),
    /// These are no ports.
    Ports(String),
    /// This path is not absolute.
    Path(String),
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(text) => {
                write!(f, "takes an address, a network, a name or '*', not '{text}'")
            }
            Self::Ports(text) => {
                write!(f, "takes a port, '<first>-<last>' or '*' behind ':', not '{text}'")
            }
            Self::Path(text) => write!(f, "takes an absolute path behind 'unix@', not '{text}'"),
        }
    }
}

impl std::error::Error for TargetError {}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        if let Some(path) = text.strip_prefix("unix@") {
            if !path.starts_with('/') {
                return Err(TargetError::Path(path.to_owned()));
            }
            return Ok(Self { host: Host::Unix(path.into()), ports: Self::PORTS });
        }
        let (host, ports) = split(text)?;
        let ports = match ports {
            Some(text) => read_ports(text).ok_or_else(|| TargetError::Ports(text.to_owned()))?,
            None => Self::PORTS,
        };
        Ok(Self { host, ports })
    }
}

/// Cuts a word into the host and the ports.
fn split(text: &str) -> Result<(Host, Option<&str>), TargetError> {
    let wrong = || TargetError::Host(text.to_owned());
    if let Some(rest) = text.strip_prefix('[') {
        let (inner, rest) = rest.split_once(']').ok_or_else(wrong)?;
        let at = rest.find(':').unwrap_or(rest.len());
        let (mask, ports) = rest.split_at(at);
        let net = read_net(&format!("{inner}{mask}")).ok_or_else(wrong)?;
        return Ok((Host::Net(net), ports.strip_prefix(':')));
    }
    // The colons of an IPv6 address without brackets are its own.
    let colons = text.bytes().filter(|byte| *byte == b':').count();
    let (host, ports) = match text.split_once(':') {
        Some((host, ports)) if colons == 1 => (host, Some(ports)),
        _ => (text, None),
    };
    let host = if host == "*" {
        Host::Any
    } else if let Some(net) = read_net(host) {
        Host::Net(net)
    } else if is_name(host) {
        Host::Name(host.to_ascii_lowercase())
    } else {
        return Err(TargetError::Host(host.to_owned()));
    };
    Ok((host, ports))
}

/// Reads an address, with or without a mask.
fn read_net(text: &str) -> Option<IpNet> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(address.into());
    }
    let net = text.parse().ok().or_else(|| {
        let (address, mask) = text.split_once('/')?;
        IpNet::with_netmask(address.parse().ok()?, mask.parse().ok()?).ok()
    });
    net.map(|net: IpNet| net.trunc())
}

/// Tells whether a text can be the name of a host; one that ends with a number is a bad address.
fn is_name(text: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let last = text.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    text.len() <= 253 && text.bytes().all(legal) && last.bytes().any(|byte| !byte.is_ascii_digit())
}

/// Reads `PORT`, `FIRST-LAST` or `*`.
fn read_ports(text: &str) -> Option<(u16, u16)> {
    if text == "*" {
        return Some(Target::PORTS);
    }
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (first > 0 && first <= last).then_some((first, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(text: &str) -> Result<String, String> {
        let target: Target = text.parse().map_err(|error: TargetError| error.to_string())?;
        let host = match target.host {
            Host::Any => "any".to_owned(),
            Host::Net(net) => net.to_string(),
            Host::Name(name) => format!("name {name}"),
            Host::Unix(path) => format!("unix {}", path.display()),
        };
        let (first, last) = target.ports;
        Ok(format!("{host} {first}-{last}"))
    }

    #[test]
    fn targets_are_addresses_networks_names_and_paths() {
        for (text, read) in [
            ("*", "any 0-65535"),
            ("*:443", "any 443-443"),
            ("10.1.2.3", "10.1.2.3/32 0-65535"),
            ("10.1.2.3/8:6379", "10.0.0.0/8 6379-6379"),
            ("10.1.2.3/255.255.0.0:1-9", "10.1.0.0/16 1-9"),
            ("::1", "::1/128 0-65535"),
            ("fd00::/8", "fd00::/8 0-65535"),
            ("[::1]:80", "::1/128 80-80"),
            ("[fd00::]/8:*", "fd00::/8 0-65535"),
            ("[fd00::1/8]:80", "fd00::/8 80-80"),
            ("Redis.Example.com:6379", "name redis.example.com 6379-6379"),
            ("unix@/run/redis.sock", "unix /run/redis.sock 0-65535"),
        ] {
            assert_eq!(target(text).as_deref(), Ok(read), "{text}");
        }
    }

    #[test]
    fn what_is_no_target_says_what_one_is() {
        for text in ["", ":80", "10.0.0.256", "10.0.0.0/33", "1:2:3", "[::1", "[a]:1", "a b", "1"] {
            let wrong = target(text).unwrap_err();
            assert!(wrong.starts_with("takes an address, a network, a name"), "{text}: {wrong}");
        }
        for text in ["a:", "a:0", "a:65536", "a:9-1", "a:x", "*:1-", "[::1]:"] {
            let wrong = target(text).unwrap_err();
            assert!(wrong.starts_with("takes a port, '<first>-<last>'"), "{text}: {wrong}");
        }
        assert!(target("unix@run").unwrap_err().contains("absolute path"));
    }

    proptest::proptest! {
        #[test]
        fn any_word_is_a_target_or_is_refused(text: String) {
            let _read = text.parse::<Target>();
        }
    }
}
