//! Where a request goes: the parts of a URL.

use bytes::Bytes;

use crate::http::check;
use crate::http::uri;
use crate::lua::connect::Destination;
use crate::lua::tls::Wish;

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::lua) struct Target {
    pub(super) destination: Destination,
    /// How to speak TLS there, where it is spoken.
    pub tls: Option<Wish>,
    /// What `Host` says.
    pub authority: Bytes,
    /// What the request line says: the path with its query.
    pub uri: Bytes,
}

/// Why a request cannot go there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lua) enum Unusable {
    /// It is no URL of a host.
    Url,
    /// The scheme is none that is spoken here.
    Scheme,
    /// `dst` is no address.
    Destination,
}

impl Target {
    /// Reads a URL; `dst` is where to connect to in place of its host.
    pub(in crate::lua) fn parse(url: &[u8], dst: Option<&str>) -> Result<Self, Unusable> {
        let url = url.split(|byte| *byte == b'#').next().unwrap_or_default();
        let (before, query) = match memchr::memchr(b'?', url) {
            Some(mark) => url.split_at(mark),
            None => (url, &b""[..]),
        };
        let parts = uri::split(before);
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            return Err(Unusable::Url);
        };
        let (default, secure) = match &scheme.to_ascii_lowercase()[..] {
            b"http" => (80, false),
            b"https" => (443, true),
            _ => return Err(Unusable::Scheme),
        };
        let authority = uri::without_user(authority);
        let uri = [parts.pathq.unwrap_or(b"/"), query].concat();
        if !check::uri(&uri) || !check::uri(authority) {
            return Err(Unusable::Url);
        }
        let (host, port) = uri::host_port(authority);
        let digits = port.map(|port| std::str::from_utf8(port).ok()?.parse::<u16>().ok());
        let port = match digits {
            None => default,
            Some(Some(port)) if port != 0 => port,
            Some(_) => return Err(Unusable::Url),
        };
        let destination = match dst {
            Some(dst) => Destination::parse(dst, None)
                .or_else(|_| Destination::parse(dst, Some(port)))
                .map_err(|_| Unusable::Destination)?,
            None => of_host(host, port).ok_or(Unusable::Url)?,
        };
        let tls = secure.then(|| {
            // Whoever is connected to, the server is the one that the URL names.
            let host = String::from_utf8_lossy(host);
            let ip = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
            Wish::new(true).named(ip.unwrap_or(&host).to_owned())
        });
        let authority = Bytes::copy_from_slice(authority);
        Ok(Self { destination, tls, authority, uri: uri.into() })
    }

    /// Says whether a connection to one may carry requests to the other.
    pub(super) fn is_same_peer(&self, other: &Self) -> bool {
        self.destination == other.destination && self.tls == other.tls
    }
}

/// Returns the destination of a URL's host: a name or an address, and no other of HAProxy's forms.
fn of_host(host: &[u8], port: u16) -> Option<Destination> {
    let host = std::str::from_utf8(host).ok()?;
    let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    match inner {
        Some(ip) => {
            let ip: std::net::Ipv6Addr = ip.parse().ok()?;
            Destination::parse(&ip.to_string(), Some(port)).ok()
        }
        None => {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
            let is_name = !host.is_empty() && host.bytes().all(plain);
            is_name.then(|| Destination::parse(host, Some(port)).ok()).flatten()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(url: &str, dst: Option<&str>) -> Result<String, Unusable> {
        let target = Target::parse(url.as_bytes(), dst)?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let to = match target.destination {
            Destination::Addr(addr) => addr.to_string(),
            Destination::Name(name, _, port) => format!("{name}:{port}"),
        };
        Ok(format!("{to} {} {}", text(&target.authority), text(&target.uri)))
    }

    #[test]
    fn urls_say_where_a_request_goes() {
        for (url, dst, expected) in [
            ("http://127.0.0.1/", None, Ok("127.0.0.1:80 127.0.0.1 /")),
            ("HTTP://127.0.0.1:81/a?b=c#d", None, Ok("127.0.0.1:81 127.0.0.1:81 /a?b=c")),
            ("http://x.example", None, Ok("x.example:80 x.example /")),
            ("http://x.example?q", None, Ok("x.example:80 x.example /?q")),
            ("http://x.example?u=/a", None, Ok("x.example:80 x.example /?u=/a")),
            ("http://user:secret@x.example/", None, Ok("x.example:80 x.example /")),
            ("http://[::1]:8080/", None, Ok("[::1]:8080 [::1]:8080 /")),
            ("http://x.example/", Some("127.0.0.1:9"), Ok("127.0.0.1:9 x.example /")),
            ("http://x.example:7/", Some("127.0.0.1"), Ok("127.0.0.1:7 x.example:7 /")),
            ("http://x.example/", Some("fd@3"), Err(Unusable::Destination)),
            ("https://x.example/", None, Ok("x.example:443 x.example /")),
            ("HTTPS://x.example:8443/a", None, Ok("x.example:8443 x.example:8443 /a")),
            ("https://[::1]/", None, Ok("[::1]:443 [::1] /")),
            ("https://x.example/", Some("127.0.0.1"), Ok("127.0.0.1:443 x.example /")),
            ("https:///a", None, Err(Unusable::Url)),
            ("https://x y/", None, Err(Unusable::Url)),
            ("httpss://x.example/", None, Err(Unusable::Scheme)),
            ("ftp://x.example/", None, Err(Unusable::Scheme)),
            ("/a", None, Err(Unusable::Url)),
            ("x.example", None, Err(Unusable::Url)),
            ("http://", None, Err(Unusable::Url)),
            ("http:///a", None, Err(Unusable::Url)),
            ("http://unix@a/", None, Ok("a:80 a /")),
            ("http://x y/", None, Err(Unusable::Url)),
            ("http://x/a b", None, Err(Unusable::Url)),
            ("http://x/a\r\nb", None, Err(Unusable::Url)),
            ("http://x:0/", None, Err(Unusable::Url)),
            ("http://x:99999/", None, Err(Unusable::Url)),
            ("http://[::1/", None, Err(Unusable::Url)),
            ("http://a,b/", None, Err(Unusable::Url)),
        ] {
            assert_eq!(show(url, dst).as_deref(), expected.as_ref().map(|text| *text), "{url}");
        }
    }

    #[test]
    fn a_connection_carries_what_is_asked_of_the_same_server() {
        let parse = |url: &str| Target::parse(url.as_bytes(), Some("127.0.0.1:9")).unwrap();
        let first = parse("https://a.example/x");
        for (url, same) in [
            ("https://a.example/y", true),
            ("https://b.example/x", false),
            ("http://a.example/x", false),
        ] {
            assert_eq!(first.is_same_peer(&parse(url)), same, "{url}");
        }
        let mut trusting = parse("https://a.example/x");
        trusting.tls = trusting.tls.map(|wish| wish.verifying(false));
        assert!(!first.is_same_peer(&trusting));
    }
}
