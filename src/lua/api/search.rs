//! Regular expressions of scripts: PCRE2, and with bounds for those of tenants.

use std::cell::OnceCell;
use std::time::Duration;

use pcre2::bytes::CaptureLocations;
use pcre2::bytes::Regex;
use pcre2::bytes::RegexBuilder;

use crate::lua::host::Raise;
use crate::lua::meter;

/// A compiled expression.
#[derive(Debug)]
pub(super) struct Search {
    text: String,
    ignore_case: bool,
    /// As it stands; compiled to machine code where nothing bounds it.
    whole: Regex,
    /// Of a tenant: as it is run, for subjects up to each of [`CLASSES`].
    bounded: Option<[OnceCell<Option<Regex>>; CLASSES.len()]>,
}

/// Lengths of subjects, and how often an expression may go back at one place of such a subject:
/// each time it may look at the whole subject.
const CLASSES: [(usize, u32); 4] = [(256, 16384), (2 << 10, 2048), (16 << 10, 256), (64 << 10, 64)];

/// The longest expression of a tenant.
const TEXT_MAX: usize = 4 << 10;

/// Processor time that a tenant's search may take.
const TIME_MAX: Duration = Duration::from_millis(4);

impl Search {
    /// Compiles an expression.
    pub(super) fn new(text: &str, ignore_case: bool, tenant: bool) -> Result<Self, String> {
        if tenant && text.len() > TEXT_MAX {
            return Err(format!("the expression is longer than {TEXT_MAX} bytes"));
        }
        let whole = compile(text, ignore_case, !tenant)?;
        let search = Self {
            text: text.to_owned(),
            ignore_case,
            whole,
            bounded: tenant.then(Default::default),
        };
        if tenant && search.bound(0).is_none() {
            return Err("verbs are not available".to_owned());
        }
        Ok(search)
    }

    /// Finds the groups of the first match.
    pub(super) fn groups(&self, subject: &[u8]) -> Result<Option<CaptureLocations>, Raise> {
        self.groups_within(subject, TIME_MAX)
    }

    fn groups_within(
        &self,
        subject: &[u8],
        time: Duration,
    ) -> Result<Option<CaptureLocations>, Raise> {
        if self.bounded.is_none() {
            let mut groups = self.whole.capture_locations();
            let found = self.whole.captures_read(&mut groups, subject);
            return Ok(found.ok().flatten().map(|_| groups));
        }
        let class = CLASSES.iter().position(|(length, _)| subject.len() <= *length);
        let Some(regex) = class.and_then(|class| self.bound(class)) else {
            return Err(self.failure(subject, "the text is too long"));
        };
        let mut groups = regex.capture_locations();
        let mut start = 0;
        let begin = meter::cpu();
        while let Some(next) = self.next_start(subject, start) {
            match regex.captures_read_at(&mut groups, subject, next) {
                Ok(Some(_)) => return Ok(Some(groups)),
                Ok(None) => start = next + 1,
                Err(_) => return Err(self.failure(subject, "too many steps")),
            }
            // Between two places, because PCRE2 counts the steps of one place only.
            if meter::cpu().saturating_sub(begin) > time {
                return Err(self.failure(subject, "too many steps"));
            }
        }
        Ok(None)
    }

    /// Returns the next place where a match may begin.
    fn next_start(&self, subject: &[u8], from: usize) -> Option<usize> {
        let rest = subject.get(from..)?;
        // What has alternatives may begin with any of them.
        let text = self.text.as_bytes();
        match text {
            _ if text.contains(&b'|') => Some(from),
            [b'^', ..] => (from == 0).then_some(0),
            [first, rest_of_text @ ..]
                if first.is_ascii_alphanumeric()
                    && !self.ignore_case
                    && !matches!(rest_of_text, [b'*' | b'?' | b'{', ..]) =>
            {
                memchr::memchr(*first, rest).map(|at| from + at)
            }
            _ => Some(from),
        }
    }

    /// Returns the expression as it is tried at one place of a subject.
    fn bound(&self, class: usize) -> Option<&Regex> {
        let cell = self.bounded.as_ref()?.get(class)?;
        let make = || {
            let (_, limit) = CLASSES.get(class)?;
            // What the expression leaves open, a quotation or a remark, must not take the end.
            ["\\E)", "\n\\E)"].iter().find_map(|end| {
                let text =
                    format!("(*LIMIT_MATCH={limit})(*LIMIT_HEAP=1024)\\G(?:{}{end}", self.text);
                compile(&text, self.ignore_case, false).ok()
            })
        };
        cell.get_or_init(make).as_ref()
    }

    fn failure(&self, subject: &[u8], why: &str) -> Raise {
        let text: String = self.text.chars().take(60).collect();
        Raise::new(format!("regex '{text}' on {} bytes: {why}", subject.len()))
    }
}

fn compile(text: &str, ignore_case: bool, native: bool) -> Result<Regex, String> {
    let mut builder = RegexBuilder::new();
    builder.caseless(ignore_case).jit_if_available(native);
    builder.build(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(text: &str, subject: &[u8], tenant: bool) -> Result<Option<(usize, usize)>, String> {
        find_within(text, subject, tenant, Duration::MAX)
    }

    fn find_within(
        text: &str,
        subject: &[u8],
        tenant: bool,
        time: Duration,
    ) -> Result<Option<(usize, usize)>, String> {
        let search = Search::new(text, false, tenant)?;
        let groups = search.groups_within(subject, time);
        let text = |raise: Raise| String::from_utf8_lossy(raise.message()).into_owned();
        let Some(groups) = groups.map_err(text)? else { return Ok(None) };
        Ok(groups.get(0))
    }

    #[test]
    fn bounded_searches_find_the_same() {
        let long = [b"x".repeat(3000), b"abc=1".to_vec()].concat();
        for text in [
            "abc",
            "a.c",
            "^abc",
            "^x|b",
            "b|a",
            "(?x) a # remark",
            "\\Qa.c",
            "a*",
            "c$",
            "b?c",
            "(a)(b)?",
            "(?<=a)b",
            "\\bbc?",
            "[^a]+",
            "a{0}x",
            "(?i)ABC",
            "^",
            "$",
            "\\Ax",
            "(?m)^b",
        ] {
            let subjects: [&[u8]; 6] = [b"", b"abc", b"xxabc", b"a.c", b"x\nb", &long];
            for subject in subjects {
                let expected = find(text, subject, false);
                assert_eq!(find(text, subject, true), expected, "{text} in {}", subject.len());
            }
        }
    }

    #[test]
    fn what_would_hold_the_worker_is_given_up() {
        let subject = b"a".repeat(60_000);
        for text in ["(a+)+b", "(a|a)*c", "(.*)(.*)(.*)x", "a*+[bc]", "(?:a*+[bc]|a*+[de])*f"] {
            for length in [60, 2000, 60_000] {
                match find_within(text, &subject[..length], true, TIME_MAX) {
                    Ok(None) => {}
                    found => assert!(found.unwrap_err().ends_with("too many steps"), "{text}"),
                }
            }
        }
        let why = find("a", &b"b".repeat(70_000), true).unwrap_err();
        assert_eq!(why, "regex 'a' on 70000 bytes: the text is too long");
        assert!(find(&"a".repeat(5000), b"", true).is_err());
        assert!(find("(*UTF)a", b"a", true).is_err());
        assert!(find("(", b"", true).is_err());
    }
}
