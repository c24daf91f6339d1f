//! The parts of a request's target and of its query.

/// A target taken apart; what it does not have is `None`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Parts<'a> {
    /// The scheme, without `://`.
    pub scheme: Option<&'a [u8]>,
    /// The authority: of an absolute target, or of `CONNECT`.
    pub authority: Option<&'a [u8]>,
    /// The path with its query.
    pub pathq: Option<&'a [u8]>,
}

/// Takes a target apart: origin, absolute, authority and asterisk form (RFC 9112 3.2).
pub fn split(uri: &[u8]) -> Parts<'_> {
    match uri {
        [] | [b'*', ..] => Parts::default(),
        [b'/', ..] => Parts { pathq: Some(uri), ..Parts::default() },
        _ => match scheme(uri) {
            Some((scheme, rest)) => {
                let slash = memchr::memchr(b'/', rest).unwrap_or(rest.len());
                let (authority, pathq) = rest.split_at_checked(slash).unwrap_or((rest, b""));
                Parts {
                    scheme: Some(scheme),
                    authority: Some(authority),
                    pathq: Some(pathq).filter(|pathq| !pathq.is_empty()),
                }
            }
            None => Parts { authority: Some(uri), ..Parts::default() },
        },
    }
}

/// Returns the path without its query.
pub fn path(uri: &[u8]) -> Option<&[u8]> {
    let pathq = split(uri).pathq?;
    pathq.get(..memchr::memchr2(b'?', b'#', pathq).unwrap_or(pathq.len()))
}

/// Returns what follows the first `?`.
pub fn query(uri: &[u8]) -> Option<&[u8]> {
    let mark = memchr::memchr(b'?', uri)?;
    uri.get(mark.saturating_add(1)..)
}

/// Splits an authority into host and port; the user information stays with the host.
pub fn host_port(authority: &[u8]) -> (&[u8], Option<&[u8]>) {
    let digits = authority.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let end = authority.len().saturating_sub(digits);
    match authority.split_at_checked(end) {
        Some(([host @ .., b':'], port)) => (host, Some(port)),
        _ => (authority, None),
    }
}

/// Returns an authority without its user information.
pub fn without_user(authority: &[u8]) -> &[u8] {
    let at = memchr::memchr(b'@', authority).map_or(0, |at| at.saturating_add(1));
    authority.get(at..).unwrap_or_default()
}

/// Returns the value of a parameter in a query string (`a=1&b=2`).
///
/// `&`, `;` and the byte `delim` separate; with `icase` the name matches in any case. An empty
/// name matches the first parameter that has a value.
pub fn param<'a>(query: &'a [u8], name: &[u8], delim: u8, icase: bool) -> Option<&'a [u8]> {
    let same = |found: &[u8]| {
        name.is_empty() || if icase { found.eq_ignore_ascii_case(name) } else { found == name }
    };
    params(query, delim).find(|(found, _)| same(found)).map(|(_, value)| value)
}

/// Returns the parameters of a query string that have a `=`: names and values.
pub fn params(query: &[u8], delim: u8) -> impl Iterator<Item = (&[u8], &[u8])> {
    query.split(move |&byte| byte == b'&' || byte == b';' || byte == delim).filter_map(|pair| {
        let (name, value) = pair.split_at_checked(memchr::memchr(b'=', pair)?)?;
        Some((name, value.get(1..)?))
    })
}

/// Returns the scheme and what follows its `://`.
fn scheme(uri: &[u8]) -> Option<(&[u8], &[u8])> {
    let (scheme, rest) = uri.split_at_checked(memchr::memchr(b':', uri)?)?;
    let rest = rest.strip_prefix(b"://")?;
    let (first, others) = scheme.split_first()?;
    let valid = others.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte));
    (first.is_ascii_alphabetic() && valid).then_some((scheme, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Row = (&'static str, [Option<&'static str>; 5]);

    /// target | scheme, authority, pathq, path, query
    const TARGETS: &[Row] = &[
        ("", [None, None, None, None, None]),
        ("*", [None, None, None, None, None]),
        ("/", [None, None, Some("/"), Some("/"), None]),
        ("/a?b=1", [None, None, Some("/a?b=1"), Some("/a"), Some("b=1")]),
        ("/a?", [None, None, Some("/a?"), Some("/a"), Some("")]),
        ("/a;p=1?b?c", [None, None, Some("/a;p=1?b?c"), Some("/a;p=1"), Some("b?c")]),
        ("//x/y", [None, None, Some("//x/y"), Some("//x/y"), None]),
        ("http://x", [Some("http"), Some("x"), None, None, None]),
        ("http://x/", [Some("http"), Some("x"), Some("/"), Some("/"), None]),
        (
            "HTTPS://u@x:8/p?q=/",
            [Some("HTTPS"), Some("u@x:8"), Some("/p?q=/"), Some("/p"), Some("q=/")],
        ),
        ("x:80", [None, Some("x:80"), None, None, None]),
        ("[::1]:80", [None, Some("[::1]:80"), None, None, None]),
        ("1x://a/", [None, Some("1x://a/"), None, None, None]),
    ];

    #[test]
    fn targets_are_taken_apart() {
        for (target, expected) in TARGETS {
            let uri = target.as_bytes();
            let parts = split(uri);
            let found = [parts.scheme, parts.authority, parts.pathq, path(uri), query(uri)];
            assert_eq!(found, expected.map(|part| part.map(str::as_bytes)), "{target}");
        }
    }

    #[test]
    fn an_authority_is_host_and_port() {
        for (authority, host, port) in [
            ("x", "x", None),
            ("x:80", "x", Some("80")),
            ("x:", "x", Some("")),
            ("[::1]", "[::1]", None),
            ("[::1]:80", "[::1]", Some("80")),
            ("10.0.0.1", "10.0.0.1", None),
            ("", "", None),
        ] {
            let expected = (host.as_bytes(), port.map(str::as_bytes));
            assert_eq!(host_port(authority.as_bytes()), expected, "{authority}");
        }
        assert_eq!(without_user(b"u:p@x:80"), b"x:80");
        assert_eq!(without_user(b"x:80"), b"x:80");
    }

    #[test]
    fn parameters_are_found_as_haproxy_finds_them() {
        for (query, name, value) in [
            ("a=1&b", "a", Some("1")),
            ("b=1;a=3", "a", Some("3")),
            ("a", "a", None),
            ("a=", "a", Some("")),
            ("xa=1&a=2&a=3", "a", Some("2")),
            ("A=1", "a", None),
            ("a=1=2", "a", Some("1=2")),
            ("x&y=2", "", Some("2")),
            ("", "a", None),
        ] {
            let found = param(query.as_bytes(), name.as_bytes(), b'?', false);
            assert_eq!(found, value.map(str::as_bytes), "{query}");
        }
        assert_eq!(param(b"A=1", b"a", b'?', true), Some(&b"1"[..]));
        assert_eq!(param(b"x=1|a=2", b"a", b'|', false), Some(&b"2"[..]));
    }
}
