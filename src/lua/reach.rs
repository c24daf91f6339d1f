//! Where a tenant's sockets may connect to: its grants, and what no grant of `*` includes.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::path::Path;

use ipnet::IpNet;
use ipnet::Ipv4Net;
use ipnet::Ipv6Net;

use crate::script::policy::Host;
use crate::script::policy::Policy;
use crate::script::policy::Target;

/// A network that `*` does not include: only a network within it grants an address of it.
struct Special {
    net: IpNet,
    /// A name that is granted may resolve to it: a service of the operator's own network.
    by_name: bool,
}

const fn v4(a: u8, b: u8, c: u8, prefix: u8, by_name: bool) -> Special {
    let net = IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, 0), prefix));
    Special { net, by_name }
}

const fn v6(first: u16, second: u16, third: u16, prefix: u8, by_name: bool) -> Special {
    let ip = Ipv6Addr::new(first, second, third, 0, 0, 0, 0, 0);
    Special { net: IpNet::V6(Ipv6Net::new_assert(ip, prefix)), by_name }
}

/// The registries of RFC 6890, and multicast.
const SPECIAL: &[Special] = &[
    v4(0, 0, 0, 8, false),
    v4(10, 0, 0, 8, true),
    v4(100, 64, 0, 10, true),
    v4(127, 0, 0, 8, false),
    v4(169, 254, 0, 16, false),
    v4(172, 16, 0, 12, true),
    v4(192, 0, 0, 24, false),
    v4(192, 0, 2, 24, false),
    v4(192, 88, 99, 24, false),
    v4(192, 168, 0, 16, true),
    v4(198, 18, 0, 15, false),
    v4(198, 51, 100, 24, false),
    v4(203, 0, 113, 24, false),
    v4(224, 0, 0, 4, false),
    v4(240, 0, 0, 4, false),
    // Unspecified, loopback, and what was once compatible with IPv4.
    v6(0, 0, 0, 8, false),
    v6(0x64, 0xff9b, 0x1, 48, false),
    v6(0x100, 0, 0, 64, false),
    // Teredo and others.
    v6(0x2001, 0, 0, 23, false),
    v6(0x2001, 0xdb8, 0, 32, false),
    v6(0x3fff, 0, 0, 20, false),
    v6(0x5f00, 0, 0, 16, false),
    v6(0xfc00, 0, 0, 7, true),
    v6(0xfe80, 0, 0, 10, false),
    v6(0xfec0, 0, 0, 10, false),
    v6(0xff00, 0, 0, 8, false),
];

/// Says whether the tenant may connect to an address, which `name` has resolved to if there is one.
/// `is_own` tells whether this process listens there.
pub(super) fn permits(
    policy: &Policy,
    name: Option<&str>,
    ip: IpAddr,
    port: u16,
    is_own: impl Fn(IpAddr, u16) -> bool,
) -> bool {
    let inner = embedded(ip);
    let denied = policy.connect_deny.iter().any(|target| {
        target.matches(ip, port)
            || target.matches(inner, port)
            || name.is_some_and(|name| names(target, name, port))
    });
    if denied {
        return false;
    }
    // What listens here is the operator's: one port of it must be named.
    let own = is_own(inner, port);
    let grants = |target: &Target| {
        has_port(target, port)
            && (!own || matches!(target.host, Host::Net(_)) && target.ports == (port, port))
            && grants(target, name, ip, inner)
    };
    policy.connect_allow.iter().any(grants)
}

/// Says whether it can depend on a name's addresses, so that it must be resolved.
pub(super) fn permits_name(policy: &Policy, name: &str, port: u16) -> bool {
    policy.connect_allow.iter().any(|target| match target.host {
        Host::Any => has_port(target, port),
        Host::Name(_) => names(target, name, port),
        // Nobody who is granted networks alone asks name servers.
        Host::Net(_) | Host::Unix(_) => false,
    })
}

/// Says whether the tenant may ask name servers for a name, be it for whatever port.
pub(super) fn asks_for(policy: &Policy, name: &str) -> bool {
    policy.connect_allow.iter().any(|target| permits_name(policy, name, target.ports.0))
}

/// Says whether the tenant may connect to a UNIX socket: one that is named as it names it.
pub(super) fn permits_path(policy: &Policy, path: &Path) -> bool {
    let named = |target: &Target| matches!(&target.host, Host::Unix(known) if known == path);
    policy.connect_allow.iter().any(named) && !policy.connect_deny.iter().any(named)
}

fn grants(target: &Target, name: Option<&str>, ip: IpAddr, inner: IpAddr) -> bool {
    let mut special = SPECIAL.iter().filter(|special| special.net.contains(&inner));
    match &target.host {
        Host::Any => special.next().is_none(),
        Host::Name(pattern) => {
            name.is_some_and(|name| is_named(pattern, name)) && special.all(|one| one.by_name)
        }
        Host::Net(net) if net.contains(&inner) => special.all(|special| special.net.contains(net)),
        // Written in the form that embeds IPv4: that form is what must be named.
        Host::Net(net) => ip != inner && net.contains(&ip) && net.prefix_len() >= form(ip),
        Host::Unix(_) => false,
    }
}

fn has_port(target: &Target, port: u16) -> bool {
    let (first, last) = target.ports;
    (first..=last).contains(&port)
}

fn names(target: &Target, name: &str, port: u16) -> bool {
    matches!(&target.host, Host::Name(pattern) if is_named(pattern, name)) && has_port(target, port)
}

/// Compares a name with one that was granted; `*.` stands for any names before the rest.
fn is_named(pattern: &str, name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    match pattern.strip_prefix("*.") {
        None => pattern.eq_ignore_ascii_case(name),
        Some(parent) => {
            let start = name.len().checked_sub(parent.len());
            let split = start.and_then(|start| name.split_at_checked(start));
            split.is_some_and(|(front, end)| {
                front.len() > 1 && front.ends_with('.') && end.eq_ignore_ascii_case(parent)
            })
        }
    }
}

/// Returns the IPv4 address that an IPv6 address leads to; any other address is itself.
fn embedded(ip: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = ip else { return ip };
    let at = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    };
    match v6.segments() {
        // Mapped, translated (RFC 2765), NAT64 (RFC 6052), 6to4 (RFC 3056).
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, _, _, _, _, _] => at(high, low),
        _ => ip,
    }
}

/// Returns the length of the prefix that all addresses of the embedding form share.
fn form(ip: IpAddr) -> u8 {
    match ip {
        IpAddr::V6(v6) if v6.segments().first() == Some(&0x2002) => 16,
        _ => 96,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads `HOST` or `HOST@PORT`.
    fn target(text: &str) -> Target {
        let (host, port) = match text.split_once('@') {
            Some((host, port)) => (host, Some(port.parse().unwrap())),
            None => (text, None),
        };
        let net = host.parse().or_else(|_| host.parse::<IpAddr>().map(IpNet::from));
        Target {
            host: match (host, net) {
                ("*", _) => Host::Any,
                (_, Ok(net)) => Host::Net(net),
                (name, Err(_)) => Host::Name(name.to_owned()),
            },
            ports: port.map_or((0, u16::MAX), |port| (port, port)),
        }
    }

    /// `allow`, `deny`: as [`target`] reads them; the proxy itself listens on port 1 of everything.
    fn check(allow: &str, deny: &str, name: Option<&str>, ip: &str, port: u16) -> bool {
        let targets = |text: &str| text.split_whitespace().map(target).collect();
        let policy = Policy {
            connect_allow: targets(allow),
            connect_deny: targets(deny),
            ..Policy::new("acme")
        };
        permits(&policy, name, ip.parse().unwrap(), port, |_, port| port == 1)
    }

    #[test]
    fn nothing_is_reached_that_is_not_granted() {
        let cases: &[(&str, &str, &str, bool)] = &[
            // allow, deny, address, permitted
            ("", "", "192.0.0.8", false),
            ("*", "", "8.8.8.8", true),
            ("*", "", "2606:4700::1", true),
            ("*", "8.8.0.0/16", "8.8.8.8", false),
            ("*", "8.8.0.0/16", "::ffff:8.8.8.8", false),
            ("*", "*", "8.8.8.8", false),
            ("*@443", "", "8.8.8.8", false),
            ("*@80", "", "8.8.8.8", true),
            // What `*` does not include.
            ("*", "", "0.0.0.0", false),
            ("*", "", "0.1.2.3", false),
            ("*", "", "10.0.0.1", false),
            ("*", "", "100.64.0.1", false),
            ("*", "", "127.0.0.1", false),
            ("*", "", "127.9.9.9", false),
            ("*", "", "169.254.169.254", false),
            ("*", "", "172.16.0.1", false),
            ("*", "", "172.32.0.1", true),
            ("*", "", "192.168.1.1", false),
            ("*", "", "198.18.0.1", false),
            ("*", "", "224.0.0.1", false),
            ("*", "", "255.255.255.255", false),
            ("*", "", "::", false),
            ("*", "", "::1", false),
            ("*", "", "::7f00:1", false),
            ("*", "", "fe80::1", false),
            ("*", "", "fd00::1", false),
            ("*", "", "ff02::1", false),
            ("*", "", "2001::1", false),
            ("*", "", "64:ff9b:1::1", false),
            // The same in other clothes.
            ("*", "", "::ffff:127.0.0.1", false),
            ("*", "", "::ffff:0:127.0.0.1", false),
            ("*", "", "64:ff9b::127.0.0.1", false),
            ("*", "", "64:ff9b::8.8.8.8", true),
            ("*", "", "2002:7f00:1::", false),
            ("*", "", "2002:a00:1::1", false),
            ("*", "", "2002:808:808::1", true),
            ("*", "", "fe80::5efe:8.8.8.8", false),
            // Named.
            ("127.0.0.1", "", "127.0.0.1", true),
            ("127.0.0.1", "", "127.0.0.2", false),
            ("127.0.0.0/8", "", "::ffff:127.0.0.1", true),
            ("10.0.0.0/8", "", "10.1.2.3", true),
            ("10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", false),
            ("10.0.0.0/8@6379", "", "10.1.2.3", false),
            ("::1", "", "::1", true),
            ("fd00::/8", "", "fd00::1", true),
            // A wide network does not name what it includes.
            ("0.0.0.0/0", "", "127.0.0.1", false),
            ("0.0.0.0/0", "", "10.0.0.1", false),
            ("0.0.0.0/0", "", "8.8.8.8", true),
            ("::/0", "", "::1", false),
            ("::/0", "", "::ffff:127.0.0.1", false),
            ("2000::/3", "", "2002:7f00:1::", false),
            ("2002:7f00:1::/48", "", "2002:7f00:1::", true),
            ("64:ff9b::/96", "", "64:ff9b::10.0.0.1", true),
            ("8.0.0.0/8", "", "2002:808:808::1", true),
            // A name grants nothing to one who gives an address.
            ("db.example", "", "8.8.8.8", false),
        ];
        for (allow, deny, ip, permitted) in cases {
            assert_eq!(
                check(allow, deny, None, ip, 80),
                *permitted,
                "allow {allow} deny {deny}: {ip}"
            );
        }
    }

    #[test]
    fn names_are_granted_with_their_addresses() {
        let cases: &[(&str, &str, &str, &str, bool)] = &[
            // allow, deny, name, address, permitted
            ("db.example", "", "db.example", "8.8.8.8", true),
            ("db.example", "", "DB.Example.", "8.8.8.8", true),
            ("db.example", "", "x.db.example", "8.8.8.8", false),
            ("*.example", "", "db.example", "8.8.8.8", true),
            ("*.example", "", "a.db.EXAMPLE", "8.8.8.8", true),
            ("*.example", "", "example", "8.8.8.8", false),
            ("*.example", "", ".example", "8.8.8.8", false),
            ("*.example", "", "badexample", "8.8.8.8", false),
            // The operator's network, but never this machine.
            ("db.example", "", "db.example", "10.0.0.1", true),
            ("db.example", "", "db.example", "127.0.0.1", false),
            ("db.example", "", "db.example", "::ffff:127.0.0.1", false),
            ("db.example", "", "db.example", "169.254.169.254", false),
            ("db.example 127.0.0.1", "", "db.example", "127.0.0.1", true),
            ("*", "", "db.example", "8.8.8.8", true),
            ("*", "", "db.example", "10.0.0.1", false),
            ("*", "*.example", "db.example", "8.8.8.8", false),
            ("*", "10.0.0.0/8", "db.example", "8.8.8.8", true),
            ("db.example", "10.0.0.0/8", "db.example", "10.0.0.1", false),
        ];
        for (allow, deny, name, ip, permitted) in cases {
            let found = check(allow, deny, Some(name), ip, 80);
            assert_eq!(found, *permitted, "allow {allow} deny {deny}: {name} at {ip}");
        }
    }

    #[test]
    fn the_proxys_own_sockets_are_granted_by_address_and_port_alone() {
        for (allow, permitted) in [
            ("*", false),
            ("*@1", false),
            ("10.0.0.0/8", false),
            ("10.0.0.1", false),
            ("10.0.0.1@1", true),
            ("10.0.0.0/8@1", true),
            ("db.example@1", false),
        ] {
            assert_eq!(check(allow, "", Some("db.example"), "10.0.0.1", 1), permitted, "{allow}");
        }
    }

    #[test]
    fn only_those_who_are_granted_names_ask_name_servers() {
        let asks = |allow: &str| {
            let connect_allow = allow.split_whitespace().map(target).collect();
            permits_name(&Policy { connect_allow, ..Policy::new("acme") }, "db.example", 80)
        };
        assert!(asks("*") && asks("db.example") && asks("*.example@80"));
        assert!(!asks("") && !asks("10.0.0.0/8") && !asks("*@443") && !asks("other.example"));
    }

    #[test]
    fn unix_sockets_are_granted_by_their_path() {
        let unix = |path: &str| Target { host: Host::Unix(path.into()), ports: (0, u16::MAX) };
        let mut policy = Policy::new("acme");
        policy.connect_allow = vec![target("*"), unix("/run/a"), unix("/run/b")];
        policy.connect_deny = vec![unix("/run/b")];
        let permits = |path: &str| permits_path(&policy, Path::new(path));
        assert!(permits("/run/a"));
        assert!(!permits("/run/b") && !permits("/run/x/../a") && !permits("run/a"));
    }

    proptest::proptest! {
        #[test]
        fn star_never_leads_into_this_machine(ip: Ipv4Addr, high: [u16; 4]) {
            let [a, b, c, d] = ip.octets();
            let (first, second) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
            let plain = check("*", "", None, &ip.to_string(), 80);
            let [p, q, r, s] = high;
            for form in [
                Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, first, second),
                Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, first, second),
                Ipv6Addr::new(0x2002, first, second, p, q, r, s, 1),
            ] {
                proptest::prop_assert_eq!(check("*", "", None, &form.to_string(), 80), plain);
            }
        }
    }
}
