//! What a message says about its connection, and what it is made to say.

use super::Headers;
use super::Text;
use super::Version;
use super::list;

/// The tokens of `Connection` that matter here.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Tokens {
    /// `close`
    pub close: bool,
    /// `keep-alive`
    pub keep_alive: bool,
    /// `upgrade`
    pub upgrade: bool,
}

impl Tokens {
    /// Returns the tokens of all `Connection` lines.
    pub fn of(headers: &Headers) -> Self {
        let mut tokens = Self::default();
        headers.lines(b"connection").for_each(|line| tokens.add(line));
        tokens
    }

    /// Adds the tokens of one line.
    pub(super) fn add(&mut self, line: &[u8]) {
        for token in list::split(line) {
            self.close |= token.eq_ignore_ascii_case(b"close");
            self.keep_alive |= token.eq_ignore_ascii_case(b"keep-alive");
            self.upgrade |= token.eq_ignore_ascii_case(b"upgrade");
        }
    }

    /// Says whether the connection lives on after a message of this version (RFC 9112 9.3).
    pub fn keep(self, version: Version) -> bool {
        !self.close && (version >= Version::Http11 || self.keep_alive)
    }
}

/// Says whether the connection lives on after a message with these headers.
///
/// A parsed message has lost these tokens; its `h1::Framing` has the answer.
pub fn keep_alive(version: Version, headers: &Headers) -> bool {
    Tokens::of(headers).keep(version)
}

/// Says whether the message asks for, or grants, another protocol.
pub fn is_upgrade(headers: &Headers) -> bool {
    headers.contains("upgrade") && Tokens::of(headers).upgrade
}

/// Removes what was said to this proxy alone.
///
/// As in HAProxy that is `close` and `keep-alive` in `Connection`, and of `TE` all but `trailers`.
pub fn strip(headers: &mut Headers) {
    if headers.contains_token("te", "trailers") {
        headers.set_in_place("te", Text::from_static(b"trailers"));
    }
    let ours = |token: &[u8]| {
        token.eq_ignore_ascii_case(b"close") || token.eq_ignore_ascii_case(b"keep-alive")
    };
    headers.replace_lines("connection", |line| {
        if !list::split(line).any(ours) {
            return None;
        }
        let kept: Vec<_> = list::split(line).filter(|token| !ours(token)).collect();
        Some(kept.join(&b", "[..]).into())
    });
    headers.retain(|line| !(line.value.is_empty() && line.is(b"connection")));
}

/// Makes a request say whether the connection to the server shall live on.
pub fn write_request(headers: &mut Headers, version: Version, keep: bool) {
    match (version.over_http1(), keep) {
        (Version::Http11, false) => add(headers, b"close"),
        (Version::Http10, true) => add(headers, b"keep-alive"),
        _ => {}
    }
}

/// Makes a response say whether the client's connection lives on.
///
/// `version` is the response's, `asked` the one of the request that it answers.
pub fn write_response(headers: &mut Headers, version: Version, asked: Version, keep: bool) {
    if !keep {
        if version >= Version::Http11 {
            add(headers, b"close");
        }
    } else if version == Version::Http10 || asked == Version::Http10 {
        add(headers, b"keep-alive");
    }
}

fn add(headers: &mut Headers, token: &'static [u8]) {
    if !headers.contains_token("connection", token) {
        headers.push(Text::from_static(b"connection"), Text::from_static(token));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(line: &'static str) -> Headers {
        let mut headers = Headers::new();
        headers.add("Connection", line);
        headers
    }

    #[test]
    fn a_connection_lives_on_as_its_version_says() {
        for (line, http10, http11) in [
            ("", false, true),
            ("close", false, false),
            ("Keep-Alive", true, true),
            ("foo, CLOSE", false, false),
            ("keep-alive, close", false, false),
            ("closed", false, true),
        ] {
            let headers = connection(line);
            assert_eq!(keep_alive(Version::Http10, &headers), http10, "{line}");
            assert_eq!(keep_alive(Version::Http11, &headers), http11, "{line}");
        }
    }

    #[test]
    fn what_was_said_to_this_proxy_is_removed_and_the_rest_stays() {
        for (before, after) in [
            ("close", None),
            ("keep-alive, foo", Some("foo")),
            ("foo, bar,keep-alive , baz", Some("foo, bar, baz")),
            ("TE, close", Some("TE")),
            ("Upgrade", Some("Upgrade")),
        ] {
            let mut headers = connection(before);
            headers.add("TE", "gzip, trailers");
            strip(&mut headers);
            let found = headers.first("connection").map(|line| &line[..]);
            assert_eq!(found, after.map(str::as_bytes), "{before}");
            assert_eq!(headers.first("te").unwrap(), "trailers");
        }
        let mut headers = Headers::new();
        headers.add("TE", "gzip");
        strip(&mut headers);
        assert_eq!(headers.first("te").unwrap(), "gzip");
    }

    #[test]
    fn what_goes_without_saying_is_not_said() {
        use Version::Http10;
        use Version::Http11;
        for (version, keep, said) in [
            (Http11, true, None),
            (Http11, false, Some("close")),
            (Http10, true, Some("keep-alive")),
            (Http10, false, None),
        ] {
            let mut headers = Headers::new();
            write_request(&mut headers, version, keep);
            write_request(&mut headers, version, keep);
            let found: Vec<_> = headers.lines(b"connection").collect();
            assert_eq!(found, said.iter().collect::<Vec<_>>());
        }
        for (version, asked, keep, said) in [
            (Http11, Http11, true, None),
            (Http11, Http11, false, Some("close")),
            (Http11, Http10, true, Some("keep-alive")),
            (Http11, Http10, false, Some("close")),
            (Http10, Http11, true, Some("keep-alive")),
            (Http10, Http11, false, None),
        ] {
            let mut headers = Headers::new();
            write_response(&mut headers, version, asked, keep);
            let found: Vec<_> = headers.lines(b"connection").collect();
            assert_eq!(found, said.iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn an_upgrade_needs_both_headers() {
        let mut headers = connection("Upgrade");
        assert!(!is_upgrade(&headers));
        headers.add("Upgrade", "h2c");
        assert!(is_upgrade(&headers));
        headers.remove("Connection");
        assert!(!is_upgrade(&headers));
    }
}
