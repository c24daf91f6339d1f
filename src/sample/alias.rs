//! The `%` aliases of log formats, and how text is written in them.

use std::io::Write;

use crate::http::Request;
use crate::net::Addr;
use crate::proxy::Counter;
use crate::proxy::Counters;
use crate::proxy::Proxy;
use crate::txn::Direction;
use crate::txn::Txn;

use super::context::Ctx;
use super::process;
use super::timing;
use super::timing::Millis;
use super::timing::Zone;

/// An alias: its name, whether it is of `mode http` only, what writes it, and what that is.
#[derive(Debug)]
pub(super) struct Alias {
    pub(super) name: &'static str,
    pub(super) http: bool,
    pub(super) run: fn(&Ctx<'_>, Flags, &mut Vec<u8>),
}

impl Alias {
    const fn new(name: &'static str, run: fn(&Ctx<'_>, Flags, &mut Vec<u8>)) -> Self {
        Self { name, http: false, run }
    }

    const fn http(name: &'static str, run: fn(&Ctx<'_>, Flags, &mut Vec<u8>)) -> Self {
        Self { name, http: true, run }
    }
}

/// HAProxy's aliases, sorted.
const TABLE: &[Alias] = &[
    Alias::new("B", |c, f, o| f.volume(c, c.txn.bytes[1], o)),
    Alias::http("CC", |_, f, o| f.text(b"", o)),
    Alias::http("CS", |_, f, o| f.text(b"", o)),
    Alias::new("H", |_, f, o| f.text(process::hostname().as_bytes(), o)),
    Alias::http("HM", |c, f, o| f.encoded(method(c.txn), URL, o)),
    Alias::http("HP", |c, f, o| f.encoded(&part(c.txn, Request::path), URL, o)),
    Alias::http("HPO", |c, f, o| f.encoded(&part(c.txn, Request::path), URL, o)),
    Alias::http("HQ", |c, f, o| f.encoded(&query(c.txn), URL, o)),
    Alias::http("HU", |c, f, o| f.encoded(&uri(c.txn), URL, o)),
    Alias::http("HV", |c, f, o| f.encoded(version(c.txn).as_bytes(), URL, o)),
    Alias::new("ID", |c, f, o| f.text(c.txn.unique_id.as_deref().unwrap_or_default(), o)),
    Alias::http("ST", |c, f, o| f.int(status(c.txn), o)),
    Alias::new("T", |c, f, o| f.quoted(o, |o| accept_date(c.txn, Zone::Utc, o))),
    Alias::http("TR", |c, f, o| f.millis(timing::request(c.txn), o)),
    Alias::new("Ta", |c, f, o| f.final_millis(c, timing::active_total(c.txn), o)),
    Alias::new("Tc", |c, f, o| f.millis(timing::connect(c.txn), o)),
    Alias::new("Td", |c, f, o| f.millis(timing::data(c.txn), o)),
    Alias::new("Th", |c, f, o| f.millis(timing::handshake(c.txn), o)),
    Alias::http("Ti", |c, f, o| f.millis(timing::idle(c.txn), o)),
    Alias::new("Tl", |c, f, o| f.quoted(o, |o| accept_date(c.txn, Zone::Local, o))),
    Alias::http("Tq", |c, f, o| f.millis(timing::request_total(c.txn), o)),
    Alias::http("Tr", |c, f, o| f.millis(timing::response(c.txn), o)),
    Alias::new("Ts", |c, f, o| f.hex_int(c.txn.session.accept_date.as_secs(), 0, o)),
    Alias::new("Tt", |c, f, o| f.final_millis(c, timing::total(c.txn), o)),
    Alias::new("Tu", |c, f, o| f.final_millis(c, timing::user(c.txn), o)),
    Alias::new("Tw", |c, f, o| f.millis(timing::queue(c.txn), o)),
    Alias::new("U", |c, f, o| f.volume(c, c.txn.bytes[0], o)),
    Alias::new("ac", |c, f, o| f.int(process::connections(c.txn), o)),
    Alias::new("b", |c, f, o| f.text(c.txn.backend.name.as_bytes(), o)),
    Alias::new("bc", |c, f, o| f.int(backend_connections(c.txn), o)),
    Alias::new("bi", |c, f, o| f.ip(server_addr(c.txn, 0), o)),
    Alias::new("bp", |c, f, o| f.port(server_addr(c.txn, 0), o)),
    Alias::new("bq", |c, f, o| f.int(i64::from(c.txn.queue), o)),
    Alias::new("ci", |c, f, o| f.ip(Some(&c.txn.session.src.borrow()), o)),
    Alias::new("cp", |c, f, o| f.port(Some(&c.txn.session.src.borrow()), o)),
    Alias::new("f", |c, f, o| f.text(c.txn.session.frontend.name.as_bytes(), o)),
    Alias::new("fc", |c, f, o| f.int(connections(&c.txn.session.frontend), o)),
    Alias::new("fi", |c, f, o| f.ip(Some(&c.txn.session.dst.borrow()), o)),
    Alias::new("fp", |c, f, o| f.port(Some(&c.txn.session.dst.borrow()), o)),
    Alias::new("ft", |c, f, o| f.text(c.txn.session.frontend.name.as_bytes(), o)),
    Alias::http("hr", |c, f, o| f.captures(c, Direction::Request, o)),
    Alias::http("hrl", |c, f, o| f.capture_list(c, Direction::Request, o)),
    Alias::http("hs", |c, f, o| f.captures(c, Direction::Response, o)),
    Alias::http("hsl", |c, f, o| f.capture_list(c, Direction::Response, o)),
    Alias::new("lc", |c, f, o| f.int(lines(&c.txn.session.frontend), o)),
    Alias::new("ms", |c, f, o| f.hex_int(c.txn.session.accept_date.subsec_millis(), 3, o)),
    Alias::new("pid", |_, f, o| f.hex_int(std::process::id(), 0, o)),
    Alias::http("r", |c, f, o| f.request_line(c.txn, o)),
    Alias::new("rc", |c, f, o| f.retries(c.txn, o)),
    Alias::new("rt", |c, f, o| f.hex_int(c.txn.id, 0, o)),
    Alias::new("s", |c, f, o| f.text(server(c.txn).as_bytes(), o)),
    Alias::new("sc", |c, f, o| f.int(server_connections(c.txn), o)),
    Alias::new("si", |c, f, o| f.ip(server_addr(c.txn, 1), o)),
    Alias::new("sp", |c, f, o| f.port(server_addr(c.txn, 1), o)),
    Alias::new("sq", |c, f, o| f.int(server_queue(c.txn), o)),
    Alias::new("sslc", |c, f, o| f.text(tls(c).map_or("", |tls| tls.cipher).as_bytes(), o)),
    Alias::new("sslv", |c, f, o| f.text(tls(c).map_or("", |tls| tls.version).as_bytes(), o)),
    Alias::new("t", |c, f, o| {
        f.quoted(o, |o| timing::write_millis(c.txn.session.accept_date, o));
    }),
    Alias::http("tr", |c, f, o| {
        f.quoted(o, |o| timing::write_millis(timing::request_date(c.txn), o));
    }),
    Alias::http("trg", |c, f, o| f.quoted(o, |o| request_date(c.txn, Zone::Utc, o))),
    Alias::http("trl", |c, f, o| f.quoted(o, |o| request_date(c.txn, Zone::Local, o))),
    Alias::new("ts", |c, f, o| f.text(&c.txn.termination, o)),
    Alias::http("tsc", |c, f, o| {
        let [who, when] = c.txn.termination;
        f.text(&[who, when, b'-', b'-'], o);
    }),
];

/// Finds an alias.
pub(super) fn find(name: &str) -> Option<&'static Alias> {
    TABLE.get(TABLE.binary_search_by_key(&name, |alias| alias.name).ok()?)
}

/// Returns the names of all aliases.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    TABLE.iter().map(|alias| alias.name)
}

fn method(txn: &Txn) -> &[u8] {
    match &txn.request {
        Some(request) => request.method.as_bytes(),
        None => b"<BADREQ>",
    }
}

fn part(txn: &Txn, part: fn(&Request) -> Option<bytes::Bytes>) -> bytes::Bytes {
    match &txn.request {
        Some(request) => part(request).unwrap_or_default(),
        None => bytes::Bytes::from_static(b"<BADREQ>"),
    }
}

fn query(txn: &Txn) -> bytes::Bytes {
    part(txn, |request| {
        let mark = memchr::memchr(b'?', &request.uri)?;
        Some(request.uri.slice(mark..))
    })
}

fn uri(txn: &Txn) -> bytes::Bytes {
    part(txn, |request| Some(request.uri.clone()))
}

fn version(txn: &Txn) -> &'static str {
    txn.request.as_ref().map_or("<BADREQ>", |request| request.version.as_str())
}

fn accept_date(txn: &Txn, zone: Zone, out: &mut Vec<u8>) {
    timing::write_offset(txn.session.accept_date, zone, out);
}

fn request_date(txn: &Txn, zone: Zone, out: &mut Vec<u8>) {
    timing::write_offset(timing::request_date(txn), zone, out);
}

fn current(counters: &Counters, counter: Counter) -> i64 {
    counters.sum(counter).max(0)
}

fn connections(proxy: &Proxy) -> i64 {
    current(&proxy.counters, Counter::Current)
}

fn lines(proxy: &Proxy) -> i64 {
    current(&proxy.counters, Counter::Logs)
}

/// A frontend that has chosen no backend counts as none.
fn backend_connections(txn: &Txn) -> i64 {
    current(&txn.backend.counters, Counter::Serving)
}

fn server(txn: &Txn) -> &str {
    match (&txn.service, &txn.server) {
        (Some(service), _) => service,
        (None, Some(server)) => &server.name,
        (None, None) => "<NOSRV>",
    }
}

/// Returns what TLS has agreed on with the client.
fn tls<'a>(ctx: &Ctx<'a>) -> Option<&'a crate::net::tls::Info> {
    ctx.txn.session.tls.get().map(AsRef::as_ref)
}

fn server_connections(txn: &Txn) -> i64 {
    txn.server.as_ref().map_or(0, |server| current(&server.counters, Counter::Current))
}

/// Returns the status of the answer; -1 where there was none.
fn status(txn: &Txn) -> i64 {
    if txn.status == 0 { -1 } else { txn.status.into() }
}

fn server_queue(txn: &Txn) -> i64 {
    txn.server.as_ref().map_or(0, |server| current(&server.counters, Counter::Queued))
}

fn server_addr(txn: &Txn, end: usize) -> Option<&Addr> {
    let (ours, theirs) = txn.server_addrs.as_ref()?;
    Some(if end == 0 { ours } else { theirs })
}

/// Bytes that are written as `#XX` in URLs, besides control characters.
const URL: &[u8] = b"\"#";
/// The same in captured headers.
const HEADER: &[u8] = b"\"#{|}";
/// Bytes that `E` escapes.
const ESCAPED: &[u8] = b"\"\\]";

/// What `%{+Q,+X}` and the like say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Flags {
    /// `Q`: quoted.
    pub(super) quote: bool,
    /// `X`: numbers and addresses in hexadecimal.
    pub(super) hex: bool,
    /// `E`: `"`, `\` and `]` are escaped by a `\`.
    pub(super) escape: bool,
    /// `M`: what is not there is written as `-`.
    pub(super) mandatory: bool,
    /// Samples go into HTTP messages.
    pub(super) http: bool,
}

impl Flags {
    /// Applies `+Q,-X` and the like; HAProxy passes over what it does not know.
    pub(super) fn change(&mut self, text: &str) {
        for word in text.split(',') {
            let (on, name) = match word.split_at_checked(1) {
                Some(("+", name)) => (true, name),
                Some(("-", name)) => (false, name),
                _ => (true, word),
            };
            match name {
                "Q" => self.quote = on,
                "X" => self.hex = on,
                "E" => self.escape = on,
                "M" => self.mandatory = on,
                _ => {}
            }
        }
    }

    /// Writes a sample.
    pub(super) fn sample(self, text: &[u8], out: &mut Vec<u8>) {
        if !self.http {
            return self.text(text, out);
        }
        for byte in text {
            match byte {
                0..=8 | 10..=31 | 127 => push_hex(b'%', *byte, out),
                _ => self.push_escaped(*byte, out),
            }
        }
    }

    /// Writes text as it is.
    fn text(self, text: &[u8], out: &mut Vec<u8>) {
        if text.is_empty() && self.mandatory && !self.quote {
            out.push(b'-');
            return;
        }
        self.quoted(out, |out| {
            if self.escape {
                text.iter().for_each(|byte| self.push_escaped(*byte, out));
            } else {
                out.extend_from_slice(text);
            }
        });
    }

    /// Writes text of a peer: what is not printable, and some more, as `#XX`.
    fn encoded(self, text: &[u8], special: &[u8], out: &mut Vec<u8>) {
        self.quoted(out, |out| self.encode(text, special, out));
    }

    fn encode(self, text: &[u8], special: &[u8], out: &mut Vec<u8>) {
        for byte in text {
            match byte {
                0..=31 | 127..=255 => push_hex(b'#', *byte, out),
                byte if special.contains(byte) => push_hex(b'#', *byte, out),
                byte => self.push_escaped(*byte, out),
            }
        }
    }

    fn push_escaped(self, byte: u8, out: &mut Vec<u8>) {
        if self.escape && ESCAPED.contains(&byte) {
            out.push(b'\\');
        }
        out.push(byte);
    }

    fn quoted(self, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
        if self.quote {
            out.push(b'"');
        }
        write(out);
        if self.quote {
            out.push(b'"');
        }
    }

    /// Writes a number; writing to memory does not fail.
    fn int(self, number: i64, out: &mut Vec<u8>) {
        self.quoted(out, |out| {
            write!(out, "{number}").ok();
        });
    }

    /// Writes a number that `X` makes hexadecimal.
    fn hex_int(self, number: impl Into<u64>, digits: usize, out: &mut Vec<u8>) {
        let number = number.into();
        self.quoted(out, |out| {
            if self.hex {
                write!(out, "{number:04X}").ok();
            } else {
                write!(out, "{number:0digits$}").ok();
            }
        });
    }

    fn millis(self, millis: Millis, out: &mut Vec<u8>) {
        self.int(millis, out);
    }

    /// Writes a total, with a `+` before it where the exchange is not over.
    fn final_millis(self, ctx: &Ctx<'_>, millis: Millis, out: &mut Vec<u8>) {
        self.quoted(out, |out| {
            push_plus(ctx, out);
            write!(out, "{millis}").ok();
        });
    }

    fn volume(self, ctx: &Ctx<'_>, bytes: u64, out: &mut Vec<u8>) {
        self.quoted(out, |out| {
            push_plus(ctx, out);
            write!(out, "{bytes}").ok();
        });
    }

    fn ip(self, addr: Option<&Addr>, out: &mut Vec<u8>) {
        match addr.map(|addr| (addr, addr.ip())) {
            Some((_, Some(std::net::IpAddr::V4(ip)))) if self.hex => {
                self.quoted(out, |out| {
                    write!(out, "{:08X}", u32::from(ip)).ok();
                });
            }
            Some((_, Some(std::net::IpAddr::V6(ip)))) if self.hex => {
                self.quoted(out, |out| {
                    write!(out, "{:032X}", u128::from(ip)).ok();
                });
            }
            Some((_, Some(ip))) => self.quoted(out, |out| {
                write!(out, "{ip}").ok();
            }),
            Some((_, None)) => self.text(b"unix", out),
            None => self.text(b"", out),
        }
    }

    fn port(self, addr: Option<&Addr>, out: &mut Vec<u8>) {
        match addr {
            Some(addr) => {
                let port = addr.port().unwrap_or_default();
                if self.hex {
                    self.hex_int(port, 0, out);
                } else {
                    self.int(i64::from(port), out);
                }
            }
            None => self.text(b"", out),
        }
    }

    fn retries(self, txn: &Txn, out: &mut Vec<u8>) {
        let (count, redispatched) = txn.retries;
        self.quoted(out, |out| {
            if redispatched {
                out.push(b'+');
            }
            write!(out, "{count}").ok();
        });
    }

    fn request_line(self, txn: &Txn, out: &mut Vec<u8>) {
        let bad = txn.request_line.is_empty();
        let line: &[u8] = if bad { b"<BADREQ>" } else { &txn.request_line };
        self.encoded(line, URL, out);
    }

    /// Writes `{one|two}`, where captures are configured.
    fn captures(self, ctx: &Ctx<'_>, direction: Direction, out: &mut Vec<u8>) {
        let list = &ctx.txn.captures[direction as usize];
        if list.is_empty() {
            return;
        }
        self.quoted(out, |out| {
            out.push(b'{');
            for (index, value) in list.iter().enumerate() {
                if index > 0 {
                    out.push(b'|');
                }
                self.encode(value.as_deref().unwrap_or_default(), HEADER, out);
            }
            out.push(b'}');
        });
    }

    /// Writes captures one by one.
    fn capture_list(self, ctx: &Ctx<'_>, direction: Direction, out: &mut Vec<u8>) {
        for (index, value) in ctx.txn.captures[direction as usize].iter().enumerate() {
            if index > 0 {
                out.push(b' ');
            }
            match value {
                None if !self.quote => out.push(b'-'),
                value => self.encoded(value.as_deref().unwrap_or_default(), HEADER, out),
            }
        }
    }
}

/// HAProxy: what is logged before the end (`option logasap`) may still grow.
fn push_plus(ctx: &Ctx<'_>, out: &mut Vec<u8>) {
    if ctx.txn.session.frontend.options.log_asap && ctx.txn.timers.end.is_none() {
        out.push(b'+');
    }
}

fn push_hex(sign: u8, byte: u8, out: &mut Vec<u8>) {
    write!(out, "{}{byte:02X}", char::from(sign)).ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_without_doubles() {
        assert!(TABLE.is_sorted_by(|a, b| a.name < b.name));
        assert!(find("ci").is_some() && find("nothing").is_none());
    }

    #[test]
    fn flags_are_read_and_change_what_is_written() {
        let mut flags = Flags::default();
        flags.change("+Q,+E,+Z");
        let mut out = Vec::new();
        flags.text(b"a\"b", &mut out);
        flags.change("-Q,-E,+M");
        flags.text(b"", &mut out);
        flags.encoded(b"\x01{\"", HEADER, &mut out);
        assert_eq!(String::from_utf8_lossy(&out), "\"a\\\"b\"-#01#7B#22");
    }
}
