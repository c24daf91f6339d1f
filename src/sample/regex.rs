//! Regular expressions: PCRE2 with its compiler, and a limit on backtracking.

use bytes::Bytes;
use pcre2::bytes::CaptureLocations;
use pcre2::bytes::RegexBuilder;

use super::error::Reason;

/// Stops an expression that backtracks without end: then it does not match.
const LIMIT: &str = "(*LIMIT_MATCH=100000)";

/// A compiled expression.
#[derive(Clone, Debug)]
pub struct Regex {
    inner: pcre2::bytes::Regex,
}

/// Where the groups of a match are.
#[derive(Clone, Debug)]
pub struct Groups(CaptureLocations);

impl Regex {
    /// Compiles an expression.
    pub fn new(text: &str, ignore_case: bool) -> Result<Self, Reason> {
        let mut builder = RegexBuilder::new();
        builder.caseless(ignore_case).jit_if_available(true);
        let inner = builder.build(&format!("{LIMIT}{text}")).map_err(|error| {
            let offset = error.offset().unwrap_or_default().saturating_sub(LIMIT.len());
            let message = error.to_string();
            let error = message.rsplit_once(": ").map_or(&*message, |(_, cause)| cause);
            Reason::BadRegex { text: text.to_owned(), error: error.to_owned(), offset }
        })?;
        Ok(Self { inner })
    }

    /// Tells whether the expression matches somewhere in the text.
    pub fn is_match(&self, text: &[u8]) -> bool {
        self.inner.is_match(text).unwrap_or_default()
    }

    /// Finds the groups of the first match.
    pub fn groups(&self, text: &[u8]) -> Option<Groups> {
        self.groups_at(text, 0)
    }

    fn groups_at(&self, text: &[u8], start: usize) -> Option<Groups> {
        let mut locations = self.inner.capture_locations();
        self.inner.captures_read_at(&mut locations, text, start).ok()??;
        Some(Groups(locations))
    }

    /// Returns the text with the first match, or all, replaced (`regsub`).
    pub fn replace(&self, text: &Bytes, template: &[u8], all: bool) -> Bytes {
        let mut out = Vec::new();
        let mut copied = 0;
        let mut start = 0;
        while let Some(groups) = self.groups_at(text, start) {
            let Some((from, to)) = groups.0.get(0) else { break };
            out.extend_from_slice(text.get(copied..from).unwrap_or_default());
            groups.expand(text, template, &mut out);
            copied = to;
            // HAProxy: an empty match replaces nothing more, and a byte is passed.
            start = if to == from { to + 1 } else { to };
            if !all || start > text.len() {
                break;
            }
        }
        if copied == 0 && out.is_empty() && start == 0 {
            return text.clone();
        }
        out.extend_from_slice(text.get(copied..).unwrap_or_default());
        out.into()
    }
}

impl Groups {
    /// Returns the text of a group; empty where it has taken no part.
    pub fn get<'t>(&self, text: &'t [u8], group: usize) -> &'t [u8] {
        self.0.get(group).and_then(|(from, to)| text.get(from..to)).unwrap_or_default()
    }

    /// Writes a template: `\0` to `\9` are groups, `\xHH` is a byte, another `\c` is itself.
    pub fn expand(&self, text: &[u8], template: &[u8], out: &mut Vec<u8>) {
        let mut rest = template;
        while let Some(slash) = memchr::memchr(b'\\', rest) {
            let (before, after) = rest.split_at_checked(slash).unwrap_or_default();
            out.extend_from_slice(before);
            rest = match after {
                [_, digit @ b'0'..=b'9', rest @ ..] => {
                    out.extend_from_slice(self.get(text, usize::from(digit - b'0')));
                    rest
                }
                [_, b'x', high, low, rest @ ..]
                    if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
                {
                    let mut byte = [0];
                    if hex::decode_to_slice([*high, *low], &mut byte).is_ok() {
                        out.extend_from_slice(&byte);
                    }
                    rest
                }
                [_, other, rest @ ..] => {
                    out.push(*other);
                    rest
                }
                _ => b"",
            };
        }
        out.extend_from_slice(rest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_are_replaced_once_or_everywhere() {
        let text = Bytes::from_static(b"a-b-c");
        let regex = Regex::new("([a-c])-", false).unwrap();
        assert_eq!(regex.replace(&text, b"<\\1>", false), "<a>b-c");
        assert_eq!(regex.replace(&text, b"<\\1\\x41\\\\>", true), "<aA\\><bA\\>c");
        let none = Regex::new("z", false).unwrap();
        assert_eq!(none.replace(&text, b"y", true), "a-b-c");
        let empty = Regex::new("x*", false).unwrap();
        assert_eq!(empty.replace(&text, b"", true), "a-b-c");
    }

    #[test]
    fn an_error_names_the_place_in_the_expression() {
        let error = Regex::new("(", false).unwrap_err().to_string();
        assert_eq!(error, "regex '(' is invalid (error=missing closing parenthesis, erroffset=1)");
    }

    #[test]
    fn an_endless_search_is_given_up() {
        let regex = Regex::new("^(a+)+$", false).unwrap();
        assert!(!regex.is_match(&[b'a'; 60].into_iter().chain(*b"b").collect::<Vec<_>>()));
    }
}
