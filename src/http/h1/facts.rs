//! What header lines say about framing; refuses what could be understood in two ways.

use super::Framing;
use crate::http::Body;
use crate::http::Error;
use crate::http::Method;
use crate::http::Version;
use crate::http::connection::Tokens;
use crate::http::list;

/// The framing that header lines ask for, and what must be put right in them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Facts<'a> {
    /// The first `Host`.
    pub(super) host: Option<&'a [u8]>,
    /// Whether the same `Host` is there again.
    pub(super) host_again: bool,
    /// The body's length.
    pub(super) length: Option<u64>,
    /// Whether the length is written in a way that others may read differently.
    pub(super) length_odd: bool,
    /// Whether the body is chunked.
    pub(super) chunked: bool,
    /// Whether that is written in a way that others may read differently.
    pub(super) chunked_odd: bool,
    /// Whether there is an `Upgrade`.
    pub(super) upgrade: bool,
    /// Whether `Connection` or `TE` has something for this proxy alone.
    pub(super) hop: bool,
    encoded: bool,
    coded: bool,
    websocket: bool,
    websocket_key: bool,
    connection: Tokens,
    expect: bool,
}

impl<'a> Facts<'a> {
    /// Returns the facts of these lines, names in any case; or what is wrong in which line.
    pub(super) fn of(
        lines: impl Iterator<Item = (&'a [u8], &'a [u8])>,
    ) -> Result<Self, (Error, usize)> {
        let mut facts = Self::default();
        let mut last_encoding = 0;
        for (index, (name, value)) in lines.enumerate() {
            if facts.add(name, value).map_err(|error| (error, index))? {
                last_encoding = index;
            }
        }
        if facts.encoded && !facts.chunked {
            // RFC 9112 6.3: the length of such a request cannot be known. HAProxy refuses such
            // responses too.
            return Err((Error::Encoding, last_encoding));
        }
        if facts.coded {
            return Err((Error::Coding, last_encoding));
        }
        Ok(facts)
    }

    /// Says whether a request asks for WebSocket without the key that proves it (RFC 6455 4.1).
    pub(super) fn is_keyless_websocket(&self) -> bool {
        self.websocket && self.connection.upgrade && !self.has_payload() && !self.websocket_key
    }

    /// Says whether a body is announced.
    pub(super) fn has_payload(&self) -> bool {
        self.chunked || self.length.is_some()
    }

    /// Returns the framing of a request.
    pub(super) fn request(&self, method: &Method, version: Version) -> Framing {
        let body = match self.length {
            // HAProxy: what follows the head of a CONNECT is the tunnel's.
            _ if *method == Method::Connect => Body::None,
            _ if self.chunked => Body::Chunked,
            Some(length) => Body::Length(length),
            None => Body::None,
        };
        Framing {
            body,
            keep_alive: self.keep_alive(version),
            upgrade: self.upgrade && self.connection.upgrade && !self.has_payload(),
            expect: self.expect && version == Version::Http11 && !body.is_empty(),
        }
    }

    /// Returns the framing of a response (RFC 9112 6.3).
    pub(super) fn response(&self, request: &Method, status: u16, version: Version) -> Framing {
        let body = match (status, self.length) {
            (101, _) => Body::Tunnel,
            (100..=199 | 204 | 304, _) => Body::None,
            _ if *request == Method::Head => Body::None,
            (200..=299, _) if *request == Method::Connect => Body::Tunnel,
            _ if self.chunked => Body::Chunked,
            (_, Some(length)) => Body::Length(length),
            (_, None) => Body::UntilClose,
        };
        let closes = matches!(body, Body::UntilClose | Body::Tunnel);
        let keep_alive = !closes && self.keep_alive(version);
        Framing { body, keep_alive, upgrade: status == 101, expect: false }
    }

    fn keep_alive(&self, version: Version) -> bool {
        // RFC 9112 6.1: a length beside a coding may be an attack, so no other message follows;
        // and a coding in HTTP/1.0 is faulty.
        let faulty = self.chunked && (self.length.is_some() || version == Version::Http10);
        !faulty && self.connection.keep(version)
    }

    /// Adds a line; says whether it is about the transfer coding.
    fn add(&mut self, name: &[u8], value: &'a [u8]) -> Result<bool, Error> {
        let is = |other: &str| name.eq_ignore_ascii_case(other.as_bytes());
        match name.len() {
            2 if is("te") => self.hop |= list::contains(value, b"trailers"),
            4 if is("host") => self.add_host(value)?,
            6 if is("expect") => self.expect |= value.eq_ignore_ascii_case(b"100-continue"),
            7 if is("upgrade") => {
                self.upgrade = true;
                self.websocket |= list::contains(value, b"websocket");
            }
            10 if is("connection") => {
                self.connection.add(value);
                self.hop |= self.connection.close | self.connection.keep_alive;
            }
            14 if is("content-length") => self.add_length(value)?,
            17 if is("transfer-encoding") => {
                self.add_encoding(value)?;
                return Ok(true);
            }
            // HAProxy: a key is 16 bytes in base64.
            17 if is("sec-websocket-key") => self.websocket_key |= value.len() == 24,
            _ => {}
        }
        Ok(false)
    }

    fn add_host(&mut self, value: &'a [u8]) -> Result<(), Error> {
        match self.host {
            None => self.host = Some(value),
            Some(host) if host.eq_ignore_ascii_case(value) => self.host_again = true,
            Some(_) => return Err(Error::Host),
        }
        Ok(())
    }

    fn add_length(&mut self, line: &[u8]) -> Result<(), Error> {
        for value in list::split(line) {
            let length = length(value).ok_or(Error::Length)?;
            self.length_odd |=
                self.length.is_some() || (value.starts_with(b"0") && value.len() > 1);
            if self.length.is_some_and(|other| other != length) {
                return Err(Error::Length);
            }
            self.length = Some(length);
        }
        Ok(())
    }

    fn add_encoding(&mut self, line: &[u8]) -> Result<(), Error> {
        self.encoded = true;
        self.chunked_odd |= line != b"chunked";
        for coding in list::split(line) {
            if coding.eq_ignore_ascii_case(b"chunked") && !self.chunked {
                self.chunked = true;
            } else if !self.chunked {
                self.coded = true;
            } else if !coding.is_empty() {
                // RFC 9112 6.1: chunked is the last coding and is not applied twice.
                return Err(Error::Encoding);
            } else {
                self.chunked_odd = true;
            }
        }
        Ok(())
    }
}

/// Returns a length: digits alone, below 2^63.
fn length(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    let length = text.iter().try_fold(0u64, |length, &byte| {
        let digit = char::from(byte).to_digit(10)?;
        length.checked_mul(10)?.checked_add(u64::from(digit))
    })?;
    i64::try_from(length).is_ok().then_some(length)
}
