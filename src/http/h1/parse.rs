//! Heads as they come: taken off a buffer when complete, refused as soon as they are wrong.

use std::mem::MaybeUninit;
use std::ops::Range;

use bytes::Buf;
use bytes::Bytes;
use bytes::BytesMut;
use httparse::ParserConfig;
use httparse::Status;

use super::Framing;
use super::Refused;
use super::facts::Facts;
use super::host;
use crate::http::Error;
use crate::http::Headers;
use crate::http::Limits;
use crate::http::Method;
use crate::http::Request;
use crate::http::Response;
use crate::http::Text;
use crate::http::Version;
use crate::http::check;
use crate::http::connection;
use crate::http::list;
use crate::http::offset;

/// Takes a request's head off the buffer; `None` if it is not complete.
///
/// Empty lines before it are skipped. What could be understood in two ways is refused or put right:
/// a length beside a transfer coding goes, equal lengths and hosts become one. What `Connection`
/// and `TE` say to this proxy goes too; it is in the framing. A refused head stays in the buffer.
pub fn parse_request(
    buf: &mut BytesMut,
    limits: &Limits,
) -> Result<Option<(Request, Framing)>, Refused> {
    skip_empty_lines(buf);
    let Some(window) = window(buf, limits) else { return Ok(None) };
    let mut few = [const { MaybeUninit::uninit() }; FEW];
    let mut many = Vec::new();
    let mut head = httparse::Request::new(&mut []);
    let lines = room(&mut few, &mut many, limits);
    let config = config();
    let end = match config.parse_request_with_uninit_headers(&mut head, window, lines) {
        Ok(Status::Complete(end)) => end,
        Ok(Status::Partial) => return partial(buf, limits),
        Err(httparse::Error::Version) => match newer_minor(window, 2) {
            Newer::Wait => return partial(buf, limits),
            Newer::At(at) => {
                set(buf, at, b'1');
                return parse_request(buf, limits);
            }
            Newer::No => return Err(refuse(window, httparse::Error::Version)),
        },
        Err(error) => return Err(refuse(window, error)),
    };
    let name = head.method.unwrap_or_default().as_bytes();
    let target = head.path.unwrap_or_default().as_bytes();
    let version = version(head.version);
    let method = Method::known(name).unwrap_or_else(|| Method::Other(Text::copy_from_slice(name)));
    let facts = facts(window, head.headers)?;
    check_request(&method, target, version, &facts)
        .map_err(|error| Refused { error, at: offset(window, target) })?;
    let framing = facts.request(&method, version);
    let mut repairs = Repairs::of(&facts, method == Method::Connect);
    repairs.upgrade = facts.upgrade && facts.has_payload();
    let target = range(window, target);
    let lines = Lines::of(window, head.headers);
    let (head, mut headers) = lines.take(buf, end);
    let mut uri = head.slice(target);
    repairs.run(&mut headers);
    let (short, short_host) = host::normalize(&uri, headers.first("host"));
    uri = short.unwrap_or(uri);
    if let Some(host) = short_host {
        headers.set_in_place("host", host);
    }
    Ok(Some((Request { method, uri, version, headers }, framing)))
}

/// Takes a response's head off the buffer; `None` if it is not complete.
///
/// `request` is the method of the request that is answered, which tells whether a body follows.
pub fn parse_response(
    buf: &mut BytesMut,
    request: &Method,
    limits: &Limits,
) -> Result<Option<(Response, Framing)>, Refused> {
    skip_empty_lines(buf);
    let Some(window) = window(buf, limits) else { return Ok(None) };
    let mut few = [const { MaybeUninit::uninit() }; FEW];
    let mut many = Vec::new();
    let mut head = httparse::Response::new(&mut []);
    let lines = room(&mut few, &mut many, limits);
    let config = config();
    let end = match config.parse_response_with_uninit_headers(&mut head, window, lines) {
        Ok(Status::Complete(end)) => end,
        Ok(Status::Partial) => return partial(buf, limits),
        Err(httparse::Error::Version) => match newer_minor(window, 0) {
            Newer::Wait => return partial(buf, limits),
            Newer::At(at) => {
                set(buf, at, b'1');
                return parse_response(buf, request, limits);
            }
            Newer::No => return Err(refuse(window, httparse::Error::Version)),
        },
        Err(error) => return Err(refuse(window, error)),
    };
    let status = head.code.unwrap_or_default();
    if !check::status(status) {
        return Err(refuse(window, httparse::Error::Status));
    }
    let version = version(head.version);
    let facts = facts(window, head.headers)?;
    let framing = facts.response(request, status, version);
    // HAProxy: these have no body, so they do not announce one (RFC 9110 8.6).
    let repairs = Repairs::of(&facts, matches!(status, 100..=199 | 204));
    let reason = range(window, reason(window));
    let lines = Lines::of(window, head.headers);
    let (head, mut headers) = lines.take(buf, end);
    repairs.run(&mut headers);
    let reason = head.slice(reason);
    Ok(Some((Response { version, status, reason, headers }, framing)))
}

/// Takes trailers and the empty line after them off the buffer; `None` if they are not complete.
pub(crate) fn parse_trailers(
    buf: &mut BytesMut,
    limits: &Limits,
) -> Result<Option<Headers>, Error> {
    if buf.starts_with(b"\r\n") {
        buf.advance(2);
        return Ok(Some(Headers::new()));
    }
    let Some(window) = window(buf, limits) else { return Ok(None) };
    let mut lines = vec![httparse::EMPTY_HEADER; limits.headers];
    let (end, found) = match httparse::parse_headers(window, &mut lines) {
        Ok(Status::Complete(found)) => found,
        Ok(Status::Partial) => return partial(buf, limits).map_err(Error::from),
        Err(error) => return Err(refuse(window, error).error),
    };
    let block = window.get(..end).unwrap_or_default();
    let bare = memchr::memchr_iter(b'\n', block)
        .any(|at| at.checked_sub(1).and_then(|before| block.get(before)) != Some(&b'\r'));
    if bare {
        return Err(Error::Line);
    }
    let lines = Lines::of(window, found);
    Ok(Some(lines.take(buf, end).1))
}

/// How many header lines are parsed without an allocation; HAProxy's default limit fits.
const FEW: usize = 128;

type Slot<'a> = MaybeUninit<httparse::Header<'a>>;

fn config() -> ParserConfig {
    let mut config = ParserConfig::default();
    config.allow_multiple_spaces_in_request_line_delimiters(true);
    config.allow_multiple_spaces_in_response_status_delimiters(true);
    config
}

fn room<'s, 'b>(
    few: &'s mut [Slot<'b>; FEW],
    many: &'s mut Vec<Slot<'b>>,
    limits: &Limits,
) -> &'s mut [Slot<'b>] {
    if limits.headers > FEW {
        many.resize_with(limits.headers, MaybeUninit::uninit);
        return many;
    }
    few.get_mut(..limits.headers).unwrap_or_default()
}

/// RFC 9112 2.2: a line end or two may come before a head.
fn skip_empty_lines(buf: &mut BytesMut) {
    loop {
        match buf.as_ref() {
            [b'\r', b'\n', ..] => buf.advance(2),
            [b'\n', ..] => buf.advance(1),
            _ => return,
        }
    }
}

/// Returns the bytes in which a head may lie, unless it is sure to be incomplete.
fn window<'a>(buf: &'a BytesMut, limits: &Limits) -> Option<&'a [u8]> {
    let window = buf.get(..buf.len().min(limits.head))?;
    (!window.is_empty() && window != b"\r").then_some(window)
}

fn partial<T>(buf: &BytesMut, limits: &Limits) -> Result<Option<T>, Refused> {
    if buf.len() >= limits.head {
        return Err(Refused { error: Error::TooLarge, at: limits.head });
    }
    Ok(None)
}

fn version(minor: Option<u8>) -> Version {
    if minor == Some(0) { Version::Http10 } else { Version::Http11 }
}

fn facts<'a>(window: &[u8], lines: &[httparse::Header<'a>]) -> Result<Facts<'a>, Refused> {
    let pairs = lines.iter().map(|line| (line.name.as_bytes(), line.value));
    Facts::of(pairs).map_err(|(error, index)| {
        let value = lines.get(index).map(|line| line.value).unwrap_or_default();
        Refused { error, at: offset(window, value) }
    })
}

fn check_request(
    method: &Method,
    target: &[u8],
    version: Version,
    facts: &Facts<'_>,
) -> Result<(), Error> {
    host::check(method, target, facts.host)?;
    if facts.chunked && version == Version::Http10 {
        return Err(Error::Encoding);
    }
    if facts.is_keyless_websocket() {
        return Err(Error::Upgrade);
    }
    Ok(())
}

/// What must be put right in the lines of a message.
#[derive(Clone, Copy, Debug)]
struct Repairs {
    length: Option<u64>,
    no_length: bool,
    no_encoding: bool,
    encoding: bool,
    host: bool,
    upgrade: bool,
    hop: bool,
}

impl Repairs {
    fn of(facts: &Facts<'_>, bodiless: bool) -> Self {
        Self {
            length: facts.length.filter(|_| facts.length_odd),
            no_length: facts.length.is_some() && (facts.chunked || bodiless),
            no_encoding: facts.chunked && bodiless,
            encoding: facts.chunked_odd,
            host: facts.host_again,
            upgrade: false,
            hop: facts.hop,
        }
    }

    fn run(self, headers: &mut Headers) {
        if let Some(length) = self.length {
            headers.set_in_place("content-length", length.to_string().into());
        }
        if self.no_length {
            headers.remove("content-length");
        }
        if self.encoding {
            headers.set_in_place("transfer-encoding", Text::from_static(b"chunked"));
        }
        if self.no_encoding {
            headers.remove("transfer-encoding");
        }
        if self.host
            && let Some(host) = headers.first("host").cloned()
        {
            headers.set_in_place("host", host);
        }
        if self.upgrade {
            headers.remove("upgrade");
        }
        if self.hop {
            connection::strip(headers);
        }
    }
}

/// Where the names and values of header lines lie in a head.
#[derive(Debug)]
struct Lines {
    spans: Vec<(Range<usize>, Range<usize>)>,
}

impl Lines {
    fn of(window: &[u8], lines: &[httparse::Header<'_>]) -> Self {
        let span = |line: &httparse::Header<'_>| {
            (range(window, line.name.as_bytes()), range(window, list::trim(line.value)))
        };
        Self { spans: lines.iter().map(span).collect() }
    }

    /// Takes the head off the buffer and returns it with its lines, which are slices of it.
    fn take(self, buf: &mut BytesMut, end: usize) -> (Bytes, Headers) {
        let mut head = buf.split_to(end.min(buf.len()));
        for (name, _) in &self.spans {
            head.get_mut(name.clone()).unwrap_or_default().make_ascii_lowercase();
        }
        let head = head.freeze();
        let mut headers = Headers::with_capacity(self.spans.len().saturating_add(4));
        for (name, value) in self.spans {
            headers.push(head.slice(name), head.slice(value));
        }
        (head, headers)
    }
}

fn range(text: &[u8], part: &[u8]) -> Range<usize> {
    if part.is_empty() {
        return 0..0;
    }
    let start = offset(text, part);
    start..start.saturating_add(part.len())
}

/// Returns the reason as it stands in a complete head.
fn reason(window: &[u8]) -> &[u8] {
    let line = first_line(window).unwrap_or_default();
    let status = line.iter().position(|&byte| byte == b' ').unwrap_or(line.len());
    let rest = list::trim(line.get(status..).unwrap_or_default());
    let reason = rest.iter().position(|&byte| byte == b' ').unwrap_or(rest.len());
    list::trim(rest.get(reason..).unwrap_or_default())
}

/// Returns the first line without its end, if it has one.
fn first_line(window: &[u8]) -> Option<&[u8]> {
    let line = window.get(..memchr::memchr(b'\n', window)?)?;
    Some(line.strip_suffix(b"\r").unwrap_or(line))
}

/// Whether a start line has a version 1.2 to 1.9, which is read as 1.1 (RFC 9110 2.5).
enum Newer {
    No,
    Wait,
    At(usize),
}

/// Looks at the word of the start line where its version stands: the third of a request, which has
/// no fourth, and the first of a response.
fn newer_minor(window: &[u8], place: usize) -> Newer {
    let complete = first_line(window);
    let line = complete.unwrap_or_else(|| window.strip_suffix(b"\r").unwrap_or(window));
    let mut words = line.split(|&byte| byte == b' ').filter(|word| !word.is_empty());
    let word = words.nth(place).unwrap_or_default();
    if line.starts_with(b" ") || (place > 0 && words.next().is_some()) {
        return Newer::No;
    }
    match word {
        [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'2'..=b'9'] if complete.is_some() => {
            Newer::At(offset(window, word).saturating_add(7))
        }
        [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'2'..=b'9'] => Newer::Wait,
        _ => Newer::No,
    }
}

fn set(buf: &mut BytesMut, at: usize, byte: u8) {
    if let Some(place) = buf.get_mut(at) {
        *place = byte;
    }
}

/// Returns what is wrong and where, for an error that only has a kind.
#[cold]
fn refuse(window: &[u8], error: httparse::Error) -> Refused {
    let error = match error {
        httparse::Error::HeaderName => Error::Name,
        httparse::Error::HeaderValue => Error::Value,
        httparse::Error::NewLine => Error::Line,
        httparse::Error::Status => Error::Status,
        httparse::Error::TooManyHeaders => Error::TooMany,
        httparse::Error::Version => Error::Version,
        httparse::Error::Token => Error::Method,
    };
    locate(window, error)
}

fn locate(window: &[u8], error: Error) -> Refused {
    let end = memchr::memchr(b'\n', window).unwrap_or(window.len());
    let line = window.get(..end).unwrap_or_default();
    let at = match error {
        Error::Method => {
            let word = line.iter().take_while(|&&byte| check::is_token_byte(byte)).count();
            let blanks = line.iter().skip(word).take_while(|&&byte| byte == b' ').count();
            if word == 0 || blanks == 0 {
                return Refused { error, at: word };
            }
            let start = word.saturating_add(blanks);
            let target = line.iter().skip(start).take_while(|byte| byte.is_ascii_graphic());
            return Refused { error: Error::Uri, at: start.saturating_add(target.count()) };
        }
        Error::Version if line.starts_with(b"HTTP") => 0,
        Error::Version => {
            line.iter().rposition(|&byte| byte == b' ').map_or(0, |at| at.saturating_add(1))
        }
        Error::Status => line.iter().position(|&byte| byte == b' ').unwrap_or_default(),
        Error::Name | Error::Value => wrong_header(window, end),
        Error::Line => memchr::memchr_iter(b'\r', window)
            .find(|at| window.get(at.saturating_add(1)).is_some_and(|&byte| byte != b'\n'))
            .unwrap_or(end),
        _ => window.len(),
    };
    Refused { error, at }
}

/// Returns where the first line after `end` that is no header goes wrong.
fn wrong_header(window: &[u8], end: usize) -> usize {
    let mut start = end.saturating_add(1);
    while let Some(rest) = window.get(start..).filter(|rest| !rest.is_empty()) {
        let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let line = rest.get(..length).unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let name = line.iter().take_while(|&&byte| check::is_token_byte(byte)).count();
        if name == 0 || line.get(name) != Some(&b':') {
            return start.saturating_add(name);
        }
        let wrong =
            line.iter().skip(name).position(|&byte| byte != b'\t' && byte.is_ascii_control());
        if let Some(wrong) = wrong {
            return start.saturating_add(name).saturating_add(wrong);
        }
        start = start.saturating_add(length).saturating_add(1);
    }
    window.len().min(start)
}
