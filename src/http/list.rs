//! Comma-separated lists in header lines; knows quoted strings; knows no header.

/// Returns the values of a line, as HAProxy takes them apart.
///
/// A comma within quotes does not separate, blanks around a value are not part of it, and an empty
/// value counts: an empty line has one.
pub fn split(line: &[u8]) -> Split<'_> {
    Split { parts: parts(line) }
}

/// Returns what stands between the separating commas, blanks included.
pub fn parts(line: &[u8]) -> Parts<'_> {
    Parts { rest: Some(line) }
}

/// Returns the bytes without the spaces and tabs around them.
pub fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = text {
        text = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

/// Says whether a line has this value, upper and lower case being equal.
pub fn contains(line: &[u8], token: &[u8]) -> bool {
    split(line).any(|value| value.eq_ignore_ascii_case(token))
}

/// The values of one line.
#[derive(Clone, Debug)]
pub struct Split<'a> {
    parts: Parts<'a>,
}

impl<'a> Iterator for Split<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        self.parts.next().map(trim)
    }
}

/// The values of one line with the blanks around them.
#[derive(Clone, Debug)]
pub struct Parts<'a> {
    rest: Option<&'a [u8]>,
}

impl<'a> Iterator for Parts<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (part, after) = self.rest.and_then(|rest| rest.split_at_checked(end(rest, b",")))?;
        self.rest = after.get(1..);
        Some(part)
    }
}

/// Returns where the first part ends: at a separator out of quotes, or where the bytes end.
pub(super) fn end(text: &[u8], separators: &[u8]) -> usize {
    let mut quoted = false;
    let mut escaped = false;
    for (at, &byte) in text.iter().enumerate() {
        if escaped {
            escaped = false;
        } else if quoted {
            escaped = byte == b'\\';
            quoted = byte != b'"';
        } else if byte == b'"' {
            quoted = true;
        } else if separators.contains(&byte) {
            return at;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What haproxy 2.6 answers to `req.hdr(foo,N)` for these lines.
    const LINES: &[(&str, &[&str])] = &[
        ("", &[""]),
        ("a", &["a"]),
        ("a, b,,c,", &["a", "b", "", "c", ""]),
        ("\"q,r\" , z ", &["\"q,r\"", "z"]),
        ("\"a\\\",b\",c", &["\"a\\\",b\"", "c"]),
        ("a\"b,c", &["a\"b,c"]),
        (" \t a \t,\tb", &["a", "b"]),
    ];

    #[test]
    fn lines_are_taken_apart_as_haproxy_does() {
        for (line, values) in LINES {
            let found: Vec<_> = split(line.as_bytes()).map(String::from_utf8_lossy).collect();
            assert_eq!(&found, values, "{line:?}");
        }
    }

    #[test]
    fn a_token_is_found_in_any_case() {
        assert!(contains(b"Keep-Alive, CLOSE", b"close"));
        assert!(!contains(b"closed, x-close", b"close"));
        assert!(!contains(b"\"a, close, b\"", b"close"));
    }
}
