//! Requests and responses: start line and headers, without the body.

use super::Headers;
use super::Method;
use super::Text;
use super::cookie;
use super::offset;
use super::status;
use super::uri;

/// The version of a message.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum Version {
    /// HTTP/1.0
    Http10,
    /// HTTP/1.1
    #[default]
    Http11,
    /// HTTP/2
    Http2,
}

impl Version {
    /// Returns the version as it stands in a start line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http10 => "HTTP/1.0",
            Self::Http11 => "HTTP/1.1",
            Self::Http2 => "HTTP/2.0",
        }
    }

    /// Returns the version in which a message goes on over HTTP/1.
    pub fn over_http1(self) -> Self {
        self.min(Self::Http11)
    }

    /// Returns the number alone, as `req.ver` does.
    pub fn number(self) -> &'static str {
        match self {
            Self::Http10 => "1.0",
            Self::Http11 => "1.1",
            Self::Http2 => "2.0",
        }
    }
}

/// Where a message's body ends (RFC 9112 6.3).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Body {
    /// There is none.
    None,
    /// After this many bytes.
    Length(u64),
    /// With the last chunk.
    Chunked,
    /// Where the connection is closed.
    UntilClose,
    /// The connection belongs to another protocol from here on.
    Tunnel,
}

impl Body {
    /// Says whether no byte follows the head.
    pub fn is_empty(self) -> bool {
        matches!(self, Self::None | Self::Length(0))
    }
}

/// The head of a request.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The target as it was sent.
    pub uri: Text,
    /// The version.
    pub version: Version,
    /// The header lines.
    pub headers: Headers,
}

impl Request {
    /// Returns the path without its query; a target without a path has none.
    pub fn path(&self) -> Option<Text> {
        uri::path(&self.uri).map(|part| self.uri.slice_ref(part))
    }

    /// Returns the path with its query.
    pub fn pathq(&self) -> Option<Text> {
        uri::split(&self.uri).pathq.map(|part| self.uri.slice_ref(part))
    }

    /// Returns the query without its `?`.
    pub fn query(&self) -> Option<Text> {
        uri::query(&self.uri).map(|part| self.uri.slice_ref(part))
    }

    /// Returns the scheme of an absolute target.
    pub fn scheme(&self) -> Option<Text> {
        uri::split(&self.uri).scheme.map(|part| self.uri.slice_ref(part))
    }

    /// Returns the authority of an absolute target or of `CONNECT`.
    pub fn authority(&self) -> Option<Text> {
        uri::split(&self.uri).authority.map(|part| self.uri.slice_ref(part))
    }

    /// Returns the value of `Host`.
    pub fn host(&self) -> Option<&Text> {
        self.headers.first("host")
    }

    /// Returns the host and the path (`base`).
    pub fn base(&self) -> Text {
        let host = self.host().map(|host| &host[..]).unwrap_or_default();
        let path = uri::path(&self.uri).unwrap_or_default();
        [host, path].concat().into()
    }

    /// Replaces the whole target (`set-uri`).
    pub fn set_uri(&mut self, uri: impl Into<Text>) {
        self.uri = uri.into();
    }

    /// Replaces the path and keeps the query (`set-path`); a target without a path becomes one.
    pub fn set_path(&mut self, path: &[u8]) {
        let old = uri::path(&self.uri).unwrap_or(&self.uri);
        self.uri = with(&self.uri, old, path);
    }

    /// Replaces the path and the query (`set-pathq`).
    pub fn set_pathq(&mut self, pathq: &[u8]) {
        let old = uri::split(&self.uri).pathq.unwrap_or(&self.uri);
        self.uri = with(&self.uri, old, pathq);
    }

    /// Replaces the query (`set-query`), given without its `?`, which is there afterwards.
    pub fn set_query(&mut self, query: &[u8]) {
        let end = memchr::memchr(b'?', &self.uri).unwrap_or(self.uri.len());
        let before = self.uri.get(..end).unwrap_or_default();
        self.uri = [before, b"?", query].concat().into();
    }

    /// Returns the value of a parameter of the query (`url_param`).
    ///
    /// The query begins after the first `delim`, which is `?` unless the configuration says other.
    pub fn url_param(&self, name: &[u8], delim: u8, icase: bool) -> Option<Text> {
        let value = uri::param(self.params_text(delim)?, name, delim, icase)?;
        Some(self.uri.slice_ref(value))
    }

    /// Returns the parameters of the query, names and values.
    pub fn url_params(&self, delim: u8) -> impl Iterator<Item = (Text, Text)> {
        uri::params(self.params_text(delim).unwrap_or_default(), delim)
            .map(|(name, value)| (self.uri.slice_ref(name), self.uri.slice_ref(value)))
    }

    /// Returns the last value of a cookie (`req.cook`).
    pub fn cookie(&self, name: &[u8]) -> Option<Text> {
        self.cookies(name).last().cloned()
    }

    /// Returns all values of a cookie; with an empty name, of all cookies.
    pub fn cookies(&self, name: &[u8]) -> Vec<Text> {
        cookies(&self.headers, b"cookie", name, true)
    }

    fn params_text(&self, delim: u8) -> Option<&[u8]> {
        let start = memchr::memchr(delim, &self.uri)?;
        self.uri.get(start.saturating_add(1)..)
    }
}

/// The head of a response.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Response {
    /// The version.
    pub version: Version,
    /// The status: three digits.
    pub status: u16,
    /// The reason, which may be empty.
    pub reason: Text,
    /// The header lines.
    pub headers: Headers,
}

impl Response {
    /// Returns a response of this status without headers.
    pub fn new(status: u16) -> Self {
        let reason = Text::from_static(status::reason(status).as_bytes());
        Self { version: Version::Http11, status, reason, headers: Headers::new() }
    }

    /// Sets the status, and the reason or the usual one of that status (`set-status`).
    pub fn set_status(&mut self, status: u16, reason: Option<Text>) {
        self.status = status;
        self.reason =
            reason.unwrap_or_else(|| Text::from_static(status::reason(status).as_bytes()));
    }

    /// Says whether this is an interim response, after which another one comes.
    pub fn is_interim(&self) -> bool {
        (100..200).contains(&self.status) && self.status != 101
    }

    /// Returns the last value of a cookie that is set (`res.cook`).
    pub fn cookie(&self, name: &[u8]) -> Option<Text> {
        self.cookies(name).last().cloned()
    }

    /// Returns all values of a cookie that is set; with an empty name, of all cookies.
    pub fn cookies(&self, name: &[u8]) -> Vec<Text> {
        cookies(&self.headers, b"set-cookie", name, false)
    }
}

fn cookies(headers: &Headers, header: &[u8], name: &[u8], request: bool) -> Vec<Text> {
    let mut found = Vec::new();
    for line in headers.lines(header) {
        found.extend(cookie::values(line, name, request).map(|value| line.slice_ref(value)));
    }
    found
}

/// Returns the text with another part in place of one of its own.
fn with(text: &[u8], part: &[u8], new: &[u8]) -> Text {
    let start = offset(text, part);
    let before = text.get(..start).unwrap_or_default();
    let after = text.get(start.saturating_add(part.len())..).unwrap_or_default();
    [before, new, after].concat().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(uri: &'static str) -> Request {
        Request { uri: Text::from_static(uri.as_bytes()), ..Request::default() }
    }

    #[test]
    fn parts_of_the_target_are_replaced_as_haproxy_does() {
        type Case = (&'static str, fn(&mut Request), &'static str);
        let cases: &[Case] = &[
            ("/a?do", |r| r.set_path(b"/new"), "/new?do"),
            ("/a?do", |r| r.set_pathq(b"/new?z"), "/new?z"),
            ("/a?do", |r| r.set_query(b"qq"), "/a?qq"),
            ("/a", |r| r.set_query(b"qq"), "/a?qq"),
            ("/a?do", |r| r.set_query(b""), "/a?"),
            ("/a?do", |r| r.set_uri("/u"), "/u"),
            ("http://x/a?do", |r| r.set_path(b"/new"), "http://x/new?do"),
            ("http://x/a?do", |r| r.set_pathq(b"/new?z"), "http://x/new?z"),
            ("http://x/a?do", |r| r.set_query(b"qq"), "http://x/a?qq"),
            ("http://x", |r| r.set_path(b"/new"), "/new"),
            ("http://x", |r| r.set_query(b"qq"), "http://x?qq"),
            ("*", |r| r.set_path(b"/new"), "/new"),
            ("*", |r| r.set_query(b"qq"), "*?qq"),
        ];
        for (before, change, after) in cases {
            let mut request = get(before);
            change(&mut request);
            assert_eq!(request.uri, after, "{before}");
        }
    }

    #[test]
    fn base_is_the_host_and_the_path() {
        let mut request = get("/a?b");
        assert_eq!(request.base(), "/a");
        request.headers.add("Host", "x");
        assert_eq!(request.base(), "x/a");
        request.set_uri("*");
        assert_eq!(request.base(), "x");
    }

    #[test]
    fn the_last_cookie_wins() {
        let mut request = get("/");
        request.headers.add("Cookie", "a=1; b=2");
        request.headers.add("Cookie", "a=3");
        assert_eq!(request.cookie(b"a").unwrap(), "3");
        assert_eq!(request.cookies(b"a"), ["1", "3"]);
        assert_eq!(request.cookie(b"c"), None);
        let mut response = Response::new(200);
        response.headers.add("Set-Cookie", "a=1; Path=/");
        assert_eq!(response.cookie(b"a").unwrap(), "1");
        assert_eq!(response.cookie(b"Path"), None);
    }

    #[test]
    fn parameters_follow_the_delimiter() {
        assert_eq!(get("/a;a=2?b=1;a=3").url_param(b"a", b'?', false).unwrap(), "3");
        assert_eq!(get("/a;a=2").url_param(b"a", b';', false).unwrap(), "2");
        assert_eq!(get("/a=1").url_param(b"a", b'?', false), None);
        assert_eq!(get("/?a=1&b=2").url_params(b'?').count(), 2);
    }

    #[test]
    fn a_new_response_has_its_usual_reason() {
        let mut response = Response::new(404);
        assert_eq!(response.reason, "Not Found");
        response.set_status(200, None);
        assert_eq!(response.reason, "OK");
        response.set_status(299, Some(Text::from_static(b"Fine")));
        assert_eq!((response.status, &response.reason[..]), (299, &b"Fine"[..]));
        assert!(Response::new(103).is_interim() && !Response::new(101).is_interim());
    }
}
