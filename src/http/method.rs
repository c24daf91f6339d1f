//! The methods of requests.

use std::fmt;

use super::Text;
use super::check;

/// A request's method; those that HAProxy knows by name, and any other.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub enum Method {
    /// `OPTIONS`
    Options,
    /// `GET`
    #[default]
    Get,
    /// `HEAD`
    Head,
    /// `POST`
    Post,
    /// `PUT`
    Put,
    /// `DELETE`
    Delete,
    /// `TRACE`
    Trace,
    /// `CONNECT`
    Connect,
    /// Another one, as it was written: methods are case-sensitive.
    Other(Text),
}

impl Method {
    /// Returns the method of this name, unless it is not a token.
    pub fn parse(name: &[u8]) -> Option<Self> {
        if !check::method(name) {
            return None;
        }
        Some(Self::known(name).unwrap_or_else(|| Self::Other(Text::copy_from_slice(name))))
    }

    /// Returns the method of this name, which the caller knows to be a token.
    pub fn from_text(name: Text) -> Self {
        Self::known(&name).unwrap_or(Self::Other(name))
    }

    /// Returns the method as it is written.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Options => b"OPTIONS",
            Self::Get => b"GET",
            Self::Head => b"HEAD",
            Self::Post => b"POST",
            Self::Put => b"PUT",
            Self::Delete => b"DELETE",
            Self::Trace => b"TRACE",
            Self::Connect => b"CONNECT",
            Self::Other(name) => name,
        }
    }

    /// Returns the method as text that can be kept.
    pub fn to_text(&self) -> Text {
        match self {
            Self::Options => Text::from_static(b"OPTIONS"),
            Self::Get => Text::from_static(b"GET"),
            Self::Head => Text::from_static(b"HEAD"),
            Self::Post => Text::from_static(b"POST"),
            Self::Put => Text::from_static(b"PUT"),
            Self::Delete => Text::from_static(b"DELETE"),
            Self::Trace => Text::from_static(b"TRACE"),
            Self::Connect => Text::from_static(b"CONNECT"),
            Self::Other(name) => name.clone(),
        }
    }

    /// Says whether a request of this method may be sent again (RFC 9110 9.2.2).
    pub fn is_idempotent(&self) -> bool {
        !matches!(self, Self::Post | Self::Connect | Self::Other(_))
    }

    pub(super) fn known(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"OPTIONS" => Self::Options,
            b"GET" => Self::Get,
            b"HEAD" => Self::Head,
            b"POST" => Self::Post,
            b"PUT" => Self::Put,
            b"DELETE" => Self::Delete,
            b"TRACE" => Self::Trace,
            b"CONNECT" => Self::Connect,
            _ => return None,
        })
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(self.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_name_is_known_in_its_case_only() {
        for name in ["OPTIONS", "GET", "HEAD", "POST", "PUT", "DELETE", "TRACE", "CONNECT"] {
            let method = Method::parse(name.as_bytes()).unwrap();
            assert!(!matches!(method, Method::Other(_)), "{name}");
            assert_eq!(method.as_bytes(), name.as_bytes());
            assert_eq!(method.to_text(), name.as_bytes());
            let lower = Method::parse(name.to_lowercase().as_bytes()).unwrap();
            assert!(matches!(lower, Method::Other(_)), "{name}");
        }
    }

    #[test]
    fn what_is_no_token_is_no_method() {
        for name in [&b""[..], b"G T", b"GET\0", b"G(T", b"\xff"] {
            assert_eq!(Method::parse(name), None, "{name:?}");
        }
    }
}
