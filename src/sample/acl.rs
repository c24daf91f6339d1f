//! ACLs: a sample expression with the patterns it is compared with, and the table of their names.

use std::sync::Arc;
use std::sync::OnceLock;

use crate::script;
use crate::value::Type;
use crate::value::can_cast;

use super::condition::Truth;
use super::context::Ctx;
use super::context::Env;
use super::context::Eval;
use super::error::Error;
use super::error::Reason;
use super::error::nearest;
use super::expr::Expr;
use super::expr::keyword_end;
use super::fetch::find_fetch;
use super::pattern::List;
use super::pattern::Method;
use super::pattern::Output;
use super::pattern::Use;
use super::pattern::open;

/// ACL keywords: the fetch that each stands for, and how its samples are compared.
#[rustfmt::skip]
const KEYWORDS: &[(&str, &str, Method)] = &[
    ("base", "base", Method::Str),
    ("base_beg", "base", Method::Beg),
    ("base_dir", "base", Method::Dir),
    ("base_dom", "base", Method::Dom),
    ("base_end", "base", Method::End),
    ("base_len", "base", Method::Len),
    ("base_reg", "base", Method::Reg),
    ("base_sub", "base", Method::Sub),
    ("cook", "req.cook", Method::Str),
    ("cook_beg", "req.cook", Method::Beg),
    ("cook_dir", "req.cook", Method::Dir),
    ("cook_dom", "req.cook", Method::Dom),
    ("cook_end", "req.cook", Method::End),
    ("cook_len", "req.cook", Method::Len),
    ("cook_reg", "req.cook", Method::Reg),
    ("cook_sub", "req.cook", Method::Sub),
    ("hdr", "req.hdr", Method::Str),
    ("hdr_beg", "req.hdr", Method::Beg),
    ("hdr_dir", "req.hdr", Method::Dir),
    ("hdr_dom", "req.hdr", Method::Dom),
    ("hdr_end", "req.hdr", Method::End),
    ("hdr_len", "req.hdr", Method::Len),
    ("hdr_reg", "req.hdr", Method::Reg),
    ("hdr_sub", "req.hdr", Method::Sub),
    ("method", "method", Method::Str),
    ("path", "path", Method::Str),
    ("path_beg", "path", Method::Beg),
    ("path_dir", "path", Method::Dir),
    ("path_dom", "path", Method::Dom),
    ("path_end", "path", Method::End),
    ("path_len", "path", Method::Len),
    ("path_reg", "path", Method::Reg),
    ("path_sub", "path", Method::Sub),
    ("payload", "req.payload", Method::Bin),
    ("payload_lv", "req.payload_lv", Method::Bin),
    ("req_ver", "req.ver", Method::Str),
    ("resp_ver", "res.ver", Method::Str),
    ("scook", "res.cook", Method::Str),
    ("scook_beg", "res.cook", Method::Beg),
    ("scook_dir", "res.cook", Method::Dir),
    ("scook_dom", "res.cook", Method::Dom),
    ("scook_end", "res.cook", Method::End),
    ("scook_len", "res.cook", Method::Len),
    ("scook_reg", "res.cook", Method::Reg),
    ("scook_sub", "res.cook", Method::Sub),
    ("shdr", "res.hdr", Method::Str),
    ("shdr_beg", "res.hdr", Method::Beg),
    ("shdr_dir", "res.hdr", Method::Dir),
    ("shdr_dom", "res.hdr", Method::Dom),
    ("shdr_end", "res.hdr", Method::End),
    ("shdr_len", "res.hdr", Method::Len),
    ("shdr_reg", "res.hdr", Method::Reg),
    ("shdr_sub", "res.hdr", Method::Sub),
    ("ssl_fc_sni_end", "ssl_fc_sni", Method::End),
    ("ssl_fc_sni_reg", "ssl_fc_sni", Method::Reg),
    ("url", "url", Method::Str),
    ("url_beg", "url", Method::Beg),
    ("url_dir", "url", Method::Dir),
    ("url_dom", "url", Method::Dom),
    ("url_end", "url", Method::End),
    ("url_len", "url", Method::Len),
    ("url_reg", "url", Method::Reg),
    ("url_sub", "url", Method::Sub),
    ("urlp", "urlp", Method::Str),
    ("urlp_beg", "urlp", Method::Beg),
    ("urlp_dir", "urlp", Method::Dir),
    ("urlp_dom", "urlp", Method::Dom),
    ("urlp_end", "urlp", Method::End),
    ("urlp_len", "urlp", Method::Len),
    ("urlp_reg", "urlp", Method::Reg),
    ("urlp_sub", "urlp", Method::Sub),
];

/// ACLs that every configuration has (HAProxy manual 7.4).
#[rustfmt::skip]
const PREDEFINED: &[(&str, &[&str])] = &[
    ("FALSE", &["always_false"]),
    ("HTTP", &["req.proto_http"]),
    ("HTTP_1.0", &["req.ver", "1.0"]),
    ("HTTP_1.1", &["req.ver", "1.1"]),
    ("HTTP_2.0", &["req.ver", "2.0"]),
    ("HTTP_3.0", &["req.ver", "3.0"]),
    ("HTTP_CONTENT", &["req.hdr_val(content-length)", "gt", "0"]),
    ("HTTP_URL_ABS", &["url_reg", "^[^/:]*://"]),
    ("HTTP_URL_SLASH", &["url_beg", "/"]),
    ("HTTP_URL_STAR", &["url", "*"]),
    ("LOCALHOST", &["src", "127.0.0.1/8", "::1"]),
    ("METH_CONNECT", &["method", "CONNECT"]),
    ("METH_DELETE", &["method", "DELETE"]),
    ("METH_GET", &["method", "GET", "HEAD"]),
    ("METH_HEAD", &["method", "HEAD"]),
    ("METH_OPTIONS", &["method", "OPTIONS"]),
    ("METH_POST", &["method", "POST"]),
    ("METH_PUT", &["method", "PUT"]),
    ("METH_TRACE", &["method", "TRACE"]),
    ("REQ_CONTENT", &["req.len", "gt", "0"]),
    ("TRUE", &["always_true"]),
    ("WAIT_END", &["wait_end"]),
];

/// The ACLs named in a section, in the order of their names' first mention.
#[derive(Debug, Default)]
pub struct Table {
    acls: Vec<Arc<Acl>>,
}

impl Table {
    /// Returns a table without names.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `acl NAME WORDS...`; a name given again matches where either does, in conditions that
    /// use it already too. Returns warnings.
    pub fn define(
        &mut self,
        name: &str,
        words: &[&str],
        env: &Env<'_>,
    ) -> Result<Vec<Error>, Vec<Error>> {
        let legal = |c: &char| c.is_ascii_alphanumeric() || "_-.:".contains(*c);
        if let Some(character) = name.chars().find(|c| !legal(c)) {
            let reason = Reason::AclName { character, name: name.to_owned() };
            return Err(vec![Error::new(0..name.len(), reason)]);
        }
        if name == "or" {
            return Err(vec![Error::new(0..2, Reason::AclNamedOr(name.to_owned()))]);
        }
        let (test, warnings) = Test::parse(words, env).map_err(|error| vec![error])?;
        match self.find(name) {
            Some(acl) => acl.push(test),
            None => self.acls.push(Arc::new(Acl::new(Some(name.to_owned()), test))),
        }
        Ok(warnings)
    }

    /// Returns the names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.acls.iter().filter_map(|acl| acl.name())
    }

    pub(super) fn find(&self, name: &str) -> Option<&Arc<Acl>> {
        self.acls.iter().find(|acl| acl.name() == Some(name))
    }

    /// Finds an ACL of the section, or one that every configuration has.
    pub(super) fn resolve(&self, name: &str, env: &Env<'_>) -> Result<Arc<Acl>, Error> {
        if let Some(acl) = self.find(name) {
            return Ok(Arc::clone(acl));
        }
        if let Some((_, words)) = PREDEFINED.iter().find(|(known, _)| *known == name) {
            let (test, _) = Test::parse(words, env)?;
            return Ok(Arc::new(Acl::new(Some(name.to_owned()), test)));
        }
        let known = self.names().chain(PREDEFINED.iter().map(|(name, _)| *name));
        let hint = nearest(name, known);
        Err(Error::new(0..name.len(), Reason::UnknownAcl(name.to_owned())).with_hint(hint))
    }
}

/// One or more tests: it matches where one of them does.
#[derive(Debug)]
pub(super) struct Acl {
    name: Option<String>,
    first: Link,
}

/// A list that only grows, also while others read it.
#[derive(Debug)]
struct Link {
    test: Test,
    next: OnceLock<Box<Self>>,
}

impl Acl {
    pub(super) fn new(name: Option<String>, test: Test) -> Self {
        Self { name, first: Link { test, next: OnceLock::new() } }
    }

    pub(super) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn push(&self, test: Test) {
        let mut last = &self.first;
        while let Some(next) = last.next.get() {
            last = next;
        }
        let link = Box::new(Link { test, next: OnceLock::new() });
        let pushed = last.next.set(link);
        debug_assert!(pushed.is_ok(), "a section is compiled by one thread");
    }

    pub(super) fn tests(&self) -> impl Iterator<Item = &Test> {
        std::iter::successors(Some(&self.first), |link| link.next.get().map(|next| &**next))
            .map(|link| &link.test)
    }

    pub(super) fn is_scripted(&self) -> bool {
        self.tests().any(|test| test.expr.is_scripted())
    }

    pub(super) fn uses_shared_state(&self, scripts: &dyn script::Registry) -> bool {
        self.tests().any(|test| test.expr.uses_shared_state(scripts))
    }

    pub(super) fn check(&self, ctx: &Ctx<'_>) -> Truth {
        let mut truth = Truth::Fail;
        for test in self.tests() {
            truth = truth.or(test.check(ctx));
            if truth == Truth::Pass {
                break;
            }
        }
        truth
    }

    pub(super) async fn eval(&self, eval: Eval<'_>) -> Truth {
        let mut truth = Truth::Fail;
        for test in self.tests() {
            truth = truth.or(test.eval(eval).await);
            if truth == Truth::Pass {
                break;
            }
        }
        truth
    }
}

/// An expression and its patterns.
#[derive(Debug)]
pub(super) struct Test {
    pub(super) keyword: String,
    pub(super) expr: Expr,
    method: Method,
    list: List,
    files: Vec<Arc<Use>>,
}

/// The options before the patterns.
struct Flags {
    method: Option<Method>,
    ignore_case: bool,
    as_map: bool,
    files: Vec<(usize, String)>,
    /// Index of the first pattern.
    patterns: usize,
}

impl Test {
    /// Parses `FETCH [OPTIONS] PATTERNS...`; also returns warnings.
    pub(super) fn parse(words: &[&str], env: &Env<'_>) -> Result<(Self, Vec<Error>), Error> {
        let subject = words.first().copied().unwrap_or_default();
        let (keyword, expr, implied) = parse_subject(subject, env)?;
        let mut warnings = Vec::new();
        let implied = implied.or_else(|| Method::of_type(expr.out()));
        if implied.is_some() && expr.out() != Type::Bool && words.len() <= 1 {
            let reason = Reason::NoPattern(subject.to_owned());
            warnings.push(Error::new(0..subject.len(), reason));
        }
        let flags = parse_flags(words, &keyword, &expr, implied)?;
        let needed = || Error::new(0..subject.len(), Reason::MethodNeeded(keyword.clone()));
        let method = flags.method.ok_or_else(needed)?;
        let mut files = Vec::new();
        for (word, file) in &flags.files {
            let used = open(file, flags.as_map, method, flags.ignore_case, Output::None);
            let wrap = |reason| Error::new(0..file.len(), reason).in_word(*word);
            files.push(used.map_err(wrap)?);
        }
        let mut list = List::new(method, flags.ignore_case);
        let mut operator = "eq";
        for (index, word) in words.iter().enumerate().skip(flags.patterns) {
            let result = match (method, *word) {
                (Method::Int | Method::Len, "eq" | "ge" | "gt" | "le" | "lt") => {
                    operator = word;
                    Ok(())
                }
                (Method::Int | Method::Len, _) => {
                    compared(operator, word).and_then(|range| list.push(&range))
                }
                _ => list.push(word),
            };
            result.map_err(|reason| Error::new(0..word.len(), reason).in_word(index))?;
        }
        Ok((Self { keyword, expr, method, list, files }, warnings))
    }

    fn check(&self, ctx: &Ctx<'_>) -> Truth {
        ctx.set_may_change(false);
        let mut truth = None;
        self.expr.each(ctx, &mut |sample| {
            let compared = self.compare(sample);
            truth = Some(compared);
            compared == Truth::Pass
        });
        match truth {
            Some(truth) => truth,
            None if ctx.may_change() => Truth::Miss,
            None => Truth::Fail,
        }
    }

    async fn eval(&self, eval: Eval<'_>) -> Truth {
        let mut truth = Truth::Fail;
        for sampled in self.expr.eval_each(eval).await {
            truth = match sampled.value {
                Some(sample) => self.compare(sample),
                None if sampled.may_change => Truth::Miss,
                None => Truth::Fail,
            };
            if truth == Truth::Pass {
                break;
            }
        }
        truth
    }

    fn compare(&self, sample: crate::value::Value) -> Truth {
        if self.method == Method::Found {
            return Truth::Pass;
        }
        if self.files.is_empty() && self.list.is_empty() {
            return Truth::Fail;
        }
        let Some(sample) = sample.cast(self.method.takes()) else { return Truth::Fail };
        let found = self.list.find(&sample).is_some()
            || self.files.iter().any(|file| file.matches(&sample));
        if found { Truth::Pass } else { Truth::Fail }
    }
}

/// Parses the expression of an ACL: one that begins with an ACL keyword, or another. Returns what
/// messages call it, and the match method that comes with it.
fn parse_subject(subject: &str, env: &Env<'_>) -> Result<(String, Expr, Option<Method>), Error> {
    let end = keyword_end(subject, 0);
    let name = subject.get(..end).unwrap_or_default();
    let row = KEYWORDS.binary_search_by_key(&name, |(keyword, ..)| keyword).ok();
    if let Some((keyword, fetch, method)) = row.and_then(|index| KEYWORDS.get(index))
        && let Some(fetch) = find_fetch(fetch)
    {
        let expr = Expr::parse_after(fetch, subject, end, env)
            .map_err(|error| error.map(|reason| Reason::AclKeyword(name.to_owned(), reason)))?;
        if expr.is_converted() {
            return Ok((fetch.name.to_owned(), expr, None));
        }
        return Ok(((*keyword).to_owned(), expr, Some(*method)));
    }
    let in_acl = |error: Error| {
        let hint = error.hint.clone().or_else(|| {
            nearest(name, KEYWORDS.iter().map(|(keyword, ..)| *keyword))
                .filter(|_| matches!(error.reason, Reason::UnknownFetch(_)))
        });
        let expression = subject.to_owned();
        error.map(|reason| Reason::InAcl { reason, expression }).with_hint(hint)
    };
    let (expr, _) = Expr::parse_all(subject, env).map_err(in_acl)?;
    Ok((expr.name().to_owned(), expr, None))
}

fn parse_flags(
    words: &[&str],
    keyword: &str,
    expr: &Expr,
    implied: Option<Method>,
) -> Result<Flags, Error> {
    let mut flags = Flags {
        method: implied,
        ignore_case: false,
        as_map: false,
        files: Vec::new(),
        patterns: 1,
    };
    while let Some(word) = words.get(flags.patterns).filter(|word| word.starts_with('-')) {
        let at = flags.patterns;
        let fail = |reason| Err(Error::new(0..word.len(), reason).in_word(at));
        let value = words.get(at + 1).copied().unwrap_or_default();
        flags.patterns += 1;
        match *word {
            "-i" => flags.ignore_case = true,
            "-n" => {}
            "-M" => flags.as_map = true,
            "-u" => {
                flags.patterns += 1;
                if value.parse::<i32>().is_err() {
                    return fail(Reason::Custom("the argument of -u must be an integer".into()));
                }
            }
            "-f" => {
                flags.patterns += 1;
                if flags.method.is_none() {
                    return fail(Reason::MethodNeeded(keyword.to_owned()));
                }
                flags.files.push((at + 1, value.to_owned()));
            }
            "-m" => {
                flags.patterns += 1;
                if !flags.files.is_empty() {
                    return fail(Reason::LateMethod);
                }
                let Some(method) = Method::find(value) else {
                    let hint = nearest(value, Method::names());
                    let reason = Reason::UnknownMethod(value.to_owned());
                    return Err(Error::new(0..value.len(), reason).in_word(at + 1).with_hint(hint));
                };
                if !can_cast(expr.out(), method.takes()) {
                    let (method, keyword) = (value.to_owned(), keyword.to_owned());
                    return fail(Reason::MethodMismatch { method, keyword });
                }
                flags.method = Some(method);
            }
            "--" => break,
            other => return fail(Reason::UnknownAclOption(other.to_owned())),
        }
    }
    flags.patterns = flags.patterns.min(words.len().max(1));
    Ok(flags)
}

/// Returns a range for a number after an operator (`gt 5` is `6:`).
fn compared(operator: &str, word: &str) -> Result<String, Reason> {
    if operator == "eq" || word.contains(':') {
        return Ok(word.to_owned());
    }
    let unreadable = || Reason::NeitherNumberNorOperator(word.to_owned());
    let number: i64 = word.parse().map_err(|_| unreadable())?;
    Ok(match operator {
        "gt" => format!("{}:", number.saturating_add(1)),
        "ge" => format!("{number}:"),
        "lt" => format!(":{}", number.saturating_sub(1)),
        _ => format!(":{number}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_and_predefined_names_are_sorted_and_stand_for_something() {
        assert!(KEYWORDS.is_sorted_by(|a, b| a.0 < b.0));
        assert!(PREDEFINED.is_sorted_by(|a, b| a.0 < b.0));
        for (keyword, fetch, method) in KEYWORDS {
            let fetch = find_fetch(fetch).map(|fetch| fetch.out);
            assert!(fetch.is_some_and(|out| can_cast(out, method.takes())), "{keyword}");
        }
    }

    #[test]
    fn operators_become_ranges() {
        for (operator, range) in
            [("eq", "5"), ("gt", "6:"), ("ge", "5:"), ("lt", ":4"), ("le", ":5")]
        {
            assert_eq!(compared(operator, "5").as_deref(), Ok(range));
        }
        assert_eq!(compared("gt", "1:2").as_deref(), Ok("1:2"));
        let error = compared("gt", "a").unwrap_err().to_string();
        assert_eq!(error, "'a' is neither a number nor a supported operator");
    }
}
