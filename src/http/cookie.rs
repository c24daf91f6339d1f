//! Cookies in `Cookie` and `Set-Cookie` lines, taken apart as HAProxy does.

use super::list;

/// Returns the values of a cookie in a line; with an empty name, those of all cookies.
///
/// In a request a line is a list; in a response only the first pair is a cookie, and what follows
/// are its attributes.
pub fn values<'a>(line: &'a [u8], name: &'a [u8], request: bool) -> impl Iterator<Item = &'a [u8]> {
    let shortest = name.len().saturating_add(1);
    Cookies { rest: Some(line), shortest, request }
        .filter(move |(found, _)| name.is_empty() || *found == name)
        .map(|(_, value)| value)
}

/// Returns the cookies of a line, names and values.
pub fn pairs(line: &[u8], request: bool) -> Cookies<'_> {
    Cookies { rest: Some(line), shortest: 1, request }
}

/// The cookies of one line.
#[derive(Clone, Debug)]
pub struct Cookies<'a> {
    rest: Option<&'a [u8]>,
    /// HAProxy stops where no more than this is left: a last `name=` has no value.
    shortest: usize,
    request: bool,
}

impl<'a> Iterator for Cookies<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let rest = self.rest.take().filter(|rest| rest.len() > self.shortest)?;
            let separators: &[u8] = if self.request { b"=;," } else { b"=;" };
            let stop = rest.iter().position(|byte| separators.contains(byte));
            let (name, after) = rest.split_at_checked(stop?)?;
            let [sign, after @ ..] = after else { return None };
            if *sign != b'=' {
                self.rest = self.request.then_some(after);
                continue;
            }
            let (value, after) = after.split_at_checked(list::end(after, b";,"))?;
            self.rest = after.get(1..).filter(|_| self.request);
            let name = list::trim(name);
            if !name.starts_with(b"$") {
                return Some((name, list::trim(value)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What haproxy 2.6 finds for `req.cook(a)`.
    const REQUEST: &[(&str, &[&str])] = &[
        ("a=1;a=2,a=3", &["1", "2", "3"]),
        ("a = 1 ; b=2", &["1"]),
        ("c; a; xa=1", &[]),
        ("a=\"x;y\"; b", &["\"x;y\""]),
        ("a=", &[]),
        ("a", &[]),
        ("", &[]),
        ("a=1=2; $a=3", &["1=2"]),
        ("A=1", &[]),
    ];

    #[test]
    fn request_cookies_are_found_as_haproxy_finds_them() {
        for (line, expected) in REQUEST {
            let found = values(line.as_bytes(), b"a", true).map(String::from_utf8_lossy);
            assert_eq!(&found.collect::<Vec<_>>(), expected, "{line}");
        }
    }

    #[test]
    fn a_set_cookie_line_has_one_cookie() {
        let line = b"sid=1; Path=/; a=2";
        assert_eq!(values(line, b"sid", false).collect::<Vec<_>>(), [b"1"]);
        assert_eq!(values(line, b"a", false).count(), 0);
        assert_eq!(pairs(line, false).count(), 1);
    }

    #[test]
    fn an_empty_name_means_any() {
        let found: Vec<_> = values(b"a=1; b=2", b"", true).collect();
        assert_eq!(found, [b"1", b"2"]);
    }
}
