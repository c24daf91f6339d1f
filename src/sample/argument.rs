//! The arguments of fetches and converters: how they are written, and what they become.

use std::fmt;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::sync::Arc;

use bytes::Bytes;

use crate::proxy;
use crate::proxy::Caps;
use crate::txn::Scope;
use crate::value::Type;
use crate::value::Value;

use super::context::Env;
use super::error::Error;
use super::error::Reason;
use super::pattern::Map;
use super::regex::Regex;

/// What an argument is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A number.
    Int,
    /// Text.
    Str,
    /// An IPv4 address.
    Ipv4,
    /// An IPv6 address.
    Ipv6,
    /// An IPv4 mask: an address or a number of bits.
    Mask4,
    /// An IPv6 mask: an address or a number of bits.
    Mask6,
    /// A duration; in milliseconds where it has no unit.
    Time,
    /// A number of bytes.
    Size,
    /// A regular expression.
    Regex,
    /// A frontend; the current one where it is left out.
    Frontend,
    /// A backend; the current one where it is left out.
    Backend,
    /// A server, as `backend/server`, or of the current backend.
    Server,
    /// A map file.
    Map,
}

impl Kind {
    /// Returns HAProxy's name of the kind.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Int => "integer",
            Self::Str => "string",
            Self::Ipv4 => "IPv4 address",
            Self::Ipv6 => "IPv6 address",
            Self::Mask4 => "IPv4 mask",
            Self::Mask6 => "IPv6 mask",
            Self::Time => "delay",
            Self::Size => "size",
            Self::Regex => "regex",
            Self::Frontend => "frontend",
            Self::Backend => "backend",
            Self::Server => "server",
            Self::Map => "map",
        }
    }

    /// Returns HAProxy's type of a value that can stand for the argument.
    const fn is_named(self) -> bool {
        matches!(self, Self::Frontend | Self::Backend | Self::Server)
    }
}

/// One argument, ready for use.
#[derive(Clone, Debug)]
pub enum Argument {
    /// A number: also of times (milliseconds) and sizes.
    Int(i64),
    /// Text.
    Text(Bytes),
    /// An IPv4 address or mask.
    Ipv4(Ipv4Addr),
    /// An IPv6 address or mask.
    Ipv6(Ipv6Addr),
    /// A proxy.
    Proxy(proxy::Id),
    /// A server by its place in its proxy.
    Server(proxy::Id, usize),
    /// A variable.
    Variable(Scope, Box<str>),
    /// A compiled expression.
    Regex(Arc<Regex>),
    /// A loaded map.
    Map(Arc<Map>),
}

/// The arguments of one fetch or converter.
#[derive(Clone, Debug, Default)]
pub struct Arguments(Vec<Argument>);

/// How the arguments of a row are checked once they are parsed; it may replace them.
pub type Check = fn(&mut Arguments, &Env<'_>) -> Result<(), Reason>;

impl Arguments {
    /// Returns how many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Tells whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns one of them.
    pub fn get(&self, index: usize) -> Option<&Argument> {
        self.0.get(index)
    }

    /// Returns a number.
    pub fn int(&self, index: usize) -> Option<i64> {
        match self.0.get(index) {
            Some(Argument::Int(number)) => Some(*number),
            _ => None,
        }
    }

    /// Returns text.
    pub fn text(&self, index: usize) -> Option<&Bytes> {
        match self.0.get(index) {
            Some(Argument::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// Returns text for a message; empty where there is none.
    pub fn lossy(&self, index: usize) -> String {
        self.text(index).map(|text| String::from_utf8_lossy(text).into_owned()).unwrap_or_default()
    }

    /// Replaces an argument, or adds it where it is the next.
    pub(super) fn set(&mut self, index: usize, argument: Argument) {
        match self.0.get_mut(index) {
            Some(place) => *place = argument,
            None => self.0.push(argument),
        }
    }

    /// Makes a text argument a variable.
    pub(super) fn set_variable(&mut self, index: usize) -> Result<(), Reason> {
        let name = self.lossy(index);
        let (scope, short) = Scope::split(&name).ok_or_else(|| bad_variable(&name))?;
        self.set(index, Argument::Variable(scope, short.into()));
        Ok(())
    }

    /// Makes a text argument a variable where it looks like one.
    pub(super) fn try_variable(&mut self, index: usize) -> bool {
        self.set_variable(index).is_ok()
    }
}

impl FromIterator<Argument> for Arguments {
    fn from_iter<T: IntoIterator<Item = Argument>>(iter: T) -> Self {
        Self(iter.into_iter().collect())
    }
}

/// Tells what is wrong with the name of a variable.
fn bad_variable(name: &str) -> Reason {
    let scope = name.split_once('.').map_or(name, |(scope, _)| scope);
    let known = ["proc", "sess", "txn", "req", "res", "check"].contains(&scope);
    let illegal = |c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '.';
    match name.find(illegal).and_then(|at| name.get(at..)) {
        Some(rest) if known => Reason::VariableSyntax(rest.to_owned()),
        _ => Reason::BadVariable(name.to_owned()),
    }
}

/// What a row says of its arguments.
#[derive(Clone, Copy, Debug)]
pub struct Signature {
    /// What they are, in order.
    pub kinds: &'static [Kind],
    /// How many must be there.
    pub required: usize,
    /// A check of its own.
    pub check: Option<Check>,
}

impl Signature {
    /// Returns the signature of a row without arguments.
    pub const NONE: Self = Self { kinds: &[], required: 0, check: None };
}

impl fmt::Display for Signature {
    /// Writes the arguments as HAProxy lists them: `(integer,string[,integer])`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.kinds.is_empty() {
            return Ok(());
        }
        f.write_str("(")?;
        for (index, kind) in self.kinds.iter().enumerate() {
            if index == self.required {
                f.write_str("[")?;
            }
            write!(f, "{}{}", if index > 0 { "," } else { "" }, kind.name())?;
        }
        f.write_str(if self.required < self.kinds.len() { "])" } else { ")" })
    }
}

/// The words of an argument list: each with its place, and the bytes that the list takes.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) words: Vec<(usize, Vec<u8>)>,
    pub(super) length: usize,
}

/// Reads an argument list at the start of a text: `(a,"b c",'d')`, or nothing.
///
/// At most `max` words are read; what then is no `)` is an error, as in HAProxy.
pub(super) fn read(text: &str, max: usize) -> Result<Written, Error> {
    let bytes = text.as_bytes();
    if bytes.first() != Some(&b'(') {
        return Ok(Written { words: Vec::new(), length: 0 });
    }
    let mut at = 1;
    let mut words = Vec::new();
    if bytes.get(at) != Some(&b')') {
        while words.len() < max {
            let (word, end) = read_word(bytes, at)?;
            words.push((at, word));
            at = end;
            if bytes.get(at) != Some(&b',') || words.len() == max {
                break;
            }
            at += 1;
        }
    }
    match bytes.get(at) {
        Some(b')') => Ok(Written { words, length: at + 1 }),
        _ => {
            let before = text.get(at..).unwrap_or_default().to_owned();
            let start = if before.is_empty() { 0 } else { at };
            Err(Error::new(start..bytes.len(), Reason::Unclosed { before }))
        }
    }
}

/// Reads one word up to a `,` or `)` that stands in no quotes.
fn read_word(bytes: &[u8], start: usize) -> Result<(Vec<u8>, usize), Error> {
    let mut word = Vec::new();
    let mut quote = None;
    let mut at = start;
    while let Some(&byte) = bytes.get(at) {
        match (byte, quote) {
            (b',' | b')', None) => break,
            (b'"' | b'\'', None) => quote = Some(byte),
            (_, Some(open)) if byte == open => quote = None,
            (b'\\', None | Some(b'"')) => match bytes.get(at + 1) {
                Some(escaped @ (b'\\' | b' ' | b'"' | b'\'')) => {
                    word.push(*escaped);
                    at += 1;
                }
                _ => word.push(byte),
            },
            _ => word.push(byte),
        }
        at += 1;
    }
    if quote.is_some() {
        return Err(Error::new(start..bytes.len(), Reason::UnmatchedQuote));
    }
    Ok((word, at))
}

/// Makes arguments of the words of a list; errors are about its bytes. `keyword` is what HAProxy
/// calls the place in messages about proxies.
pub(super) fn parse(
    signature: &Signature,
    written: Written,
    keyword: &str,
    env: &Env<'_>,
) -> Result<Arguments, Error> {
    let mut words = written.words;
    if words.is_empty() && signature.required > 0 {
        words.push((0, Vec::new()));
    }
    let mut arguments = Arguments::default();
    for (index, (kind, (at, word))) in signature.kinds.iter().zip(&words).enumerate() {
        // An empty one has no bytes of its own: the whole list is shown.
        let here = if word.is_empty() { 0..written.length } else { *at..at + word.len() };
        let argument = parse_one(*kind, word, index + 1, keyword, env);
        let argument = argument.map_err(|reason| Error::new(here, reason))?;
        arguments.0.push(argument);
    }
    if let Some(kind) = signature.kinds.get(arguments.len())
        && arguments.len() < signature.required
    {
        let (got, of, kind) = (arguments.len(), signature.required, kind.name());
        let reason = Reason::MissingArguments { got, of, kind };
        return Err(Error::new(0..written.length, reason));
    }
    Ok(arguments)
}

fn parse_one(
    kind: Kind,
    word: &[u8],
    position: usize,
    keyword: &str,
    env: &Env<'_>,
) -> Result<Argument, Reason> {
    let text = String::from_utf8_lossy(word);
    match kind {
        Kind::Str | Kind::Regex | Kind::Map => {
            return Ok(Argument::Text(Bytes::copy_from_slice(word)));
        }
        Kind::Frontend | Kind::Backend | Kind::Server => {
            return resolve(kind, &text, position, keyword, env);
        }
        _ => {}
    }
    if word.is_empty() {
        return Err(Reason::EmptyArgument { kind: kind.name(), position });
    }
    let argument = match kind {
        Kind::Int => integer(&text).map(Argument::Int),
        Kind::Ipv4 => text.parse().ok().map(Argument::Ipv4),
        Kind::Ipv6 => text.parse().ok().map(Argument::Ipv6),
        Kind::Mask4 => mask4(&text).map(Argument::Ipv4),
        Kind::Mask6 => mask6(&text).map(Argument::Ipv6),
        Kind::Time => time(&text).map(Argument::Int),
        Kind::Size => size(&text).map(Argument::Int),
        _ => None,
    };
    let text = text.into_owned();
    argument.ok_or_else(|| Reason::BadArgument { text, kind: kind.name(), position })
}

/// Finds the proxy or server that an argument names, or that is meant where it is left out.
fn resolve(
    kind: Kind,
    name: &str,
    position: usize,
    keyword: &str,
    env: &Env<'_>,
) -> Result<Argument, Reason> {
    let keyword = || format!("sample fetch keyword '{keyword}'").into_boxed_str();
    let (frontend, what) = (kind == Kind::Frontend, kind.name());
    let caps = Caps { frontend, backend: !frontend };
    let find = |name: &str| env.proxies.find(name, caps);
    let proxy_name = |id: proxy::Id| {
        env.proxies.entries.get(id.0 as usize).map(|entry| entry.0.clone()).unwrap_or_default()
    };
    if kind == Kind::Server {
        let (proxy, server) = name.rsplit_once('/').map_or((None, name), |(p, s)| (Some(p), s));
        let id = match proxy {
            Some(name) => find(name).ok_or_else(|| Reason::Unresolved {
                what: "proxy",
                name: name.to_owned(),
                position,
                keyword: keyword(),
            })?,
            None => env.current.ok_or_else(|| Reason::Unresolved {
                what,
                name: name.to_owned(),
                position,
                keyword: keyword(),
            })?,
        };
        let index = env.proxies.find_server(id, server).ok_or_else(|| Reason::NoServer {
            server: server.to_owned(),
            proxy: proxy_name(id).into(),
            position,
            keyword: keyword(),
        })?;
        return Ok(Argument::Server(id, index));
    }
    if !name.is_empty() {
        let missing =
            || Reason::Unresolved { what, name: name.to_owned(), position, keyword: keyword() };
        return find(name).map(Argument::Proxy).ok_or_else(missing);
    }
    let missing = || Reason::Unresolved { what, name: String::new(), position, keyword: keyword() };
    let id = env.current.ok_or_else(missing)?;
    let has = env.proxies.entries.get(id.0 as usize).map(|entry| entry.1).unwrap_or_default();
    if (frontend && !has.frontend) || (!frontend && !has.backend) {
        let (proxy, capability) = (proxy_name(id), what);
        return Err(Reason::NoCapability { proxy, position, keyword: keyword(), capability });
    }
    Ok(Argument::Proxy(id))
}

/// Makes arguments of the values that a script gives (`txn.f:hdr("host", 1)`).
///
/// The error is about the value at an index, in the words of HAProxy's Lua API.
pub fn from_values(
    signature: &Signature,
    values: &[Value],
    env: &Env<'_>,
) -> Result<Arguments, (usize, Reason)> {
    let custom = |text: &str| Reason::Custom(text.to_owned());
    if values.len() > signature.kinds.len() {
        return Err((signature.kinds.len(), custom("Last argument expected")));
    }
    let mut arguments = Arguments::default();
    for (index, kind) in signature.kinds.iter().enumerate() {
        let Some(value) = values.get(index) else {
            if index < signature.required {
                if !kind.is_named() || *kind == Kind::Server {
                    return Err((index, custom("Mandatory argument expected")));
                }
                let own = resolve(*kind, "", index + 1, "", env).map_err(|_| {
                    (index, Reason::Custom("Mandatory argument expected".to_owned()))
                })?;
                arguments.0.push(own);
                continue;
            }
            break;
        };
        let argument = match (kind, value) {
            (Kind::Int | Kind::Time | Kind::Size, Value::Int(number)) => Argument::Int(*number),
            (Kind::Int, _) => {
                let number = value.clone().cast(Type::Str).map(Value::into_bytes);
                let number = number.and_then(|text| std::str::from_utf8(&text).ok()?.parse().ok());
                Argument::Int(number.ok_or_else(|| (index, custom("integer expected")))?)
            }
            _ => {
                let text = value.clone().into_bytes();
                let argument = parse_one(*kind, &text, index + 1, "", env);
                argument.map_err(|reason| {
                    let why = match (kind, reason) {
                        (Kind::Server, Reason::Unresolved { .. }) => expectation(Kind::Backend),
                        _ => expectation(*kind),
                    };
                    (index, custom(why))
                })?
            }
        };
        arguments.0.push(argument);
    }
    if let Some(check) = signature.check {
        check(&mut arguments, env).map_err(|reason| (0, reason))?;
    }
    Ok(arguments)
}

/// Returns what HAProxy's Lua API says of an argument that is none.
const fn expectation(kind: Kind) -> &'static str {
    match kind {
        Kind::Int => "integer expected",
        Kind::Str | Kind::Regex | Kind::Map => "string expected",
        Kind::Ipv4 => "invalid IPv4 address",
        Kind::Ipv6 => "invalid IPv6 address",
        Kind::Mask4 => "invalid IPv4 mask",
        Kind::Mask6 => "invalid IPv6 mask",
        Kind::Time => "invalid time",
        Kind::Size => "invalid size",
        Kind::Frontend => "frontend doesn't exist",
        Kind::Backend => "backend doesn't exist",
        Kind::Server => "server doesn't exist",
    }
}

/// Reads a number; what is too large becomes the largest, as in HAProxy.
pub(super) fn integer(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let legal = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let saturated = if text.starts_with('-') { i64::MIN } else { i64::MAX };
    legal.then(|| text.parse().unwrap_or(saturated))
}

fn mask4(text: &str) -> Option<Ipv4Addr> {
    match text.parse::<u32>() {
        Ok(bits @ 0..=32) => Some(Ipv4Addr::from(bits_mask(bits, 32) as u32)),
        Ok(_) => None,
        Err(_) => text.parse().ok(),
    }
}

fn mask6(text: &str) -> Option<Ipv6Addr> {
    match text.parse::<u32>() {
        Ok(bits @ 0..=128) => Some(Ipv6Addr::from(bits_mask(bits, 128))),
        Ok(_) => None,
        Err(_) => text.parse().ok(),
    }
}

/// Returns a mask of `bits` ones at the top of the low `width` bits.
pub(super) fn bits_mask(bits: u32, width: u32) -> u128 {
    let zeros = width.saturating_sub(bits);
    let ones = u128::MAX.checked_shl(zeros).unwrap_or_default();
    if width >= 128 { ones } else { ones & ((1_u128 << width) - 1) }
}

/// Returns the milliseconds of a duration such as `10s`.
fn time(text: &str) -> Option<i64> {
    let end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(end)?;
    let number: i64 = number.parse().ok()?;
    match unit {
        "us" => Some(number / 1000),
        "" | "ms" => Some(number),
        "s" => number.checked_mul(1000),
        "m" => number.checked_mul(60_000),
        "h" => number.checked_mul(3_600_000),
        "d" => number.checked_mul(86_400_000),
        _ => None,
    }
}

/// Returns the bytes of a size such as `16k`.
fn size(text: &str) -> Option<i64> {
    let end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(end)?;
    let number: i64 = number.parse().ok()?;
    match unit {
        "" => Some(number),
        "k" | "K" => number.checked_mul(1 << 10),
        "m" | "M" => number.checked_mul(1 << 20),
        "g" | "G" => number.checked_mul(1 << 30),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let written = read(text, 9).unwrap();
        written.words.iter().map(|(_, word)| String::from_utf8_lossy(word).into_owned()).collect()
    }

    #[test]
    fn quotes_protect_commas_and_brackets() {
        assert_eq!(words("(a,b)x"), ["a", "b"]);
        assert_eq!(words("(\"a,b\",'c)')"), ["a,b", "c)"]);
        assert_eq!(words(r#"(a\ b,"\"",'\')"#), ["a b", "\"", "\\"]);
        assert_eq!(words("(,)"), ["", ""]);
        assert_eq!(words("((,a)"), ["(", "a"]);
        assert_eq!(words(""), Vec::<String>::new());
        assert_eq!(words("()"), Vec::<String>::new());
    }

    #[test]
    fn a_list_that_does_not_end_is_refused_where_it_should() {
        let error = read("(1,2)", 1).unwrap_err();
        assert_eq!(error.to_string(), "expected ')' before ',2)'");
        assert_eq!(error.range, 2..5);
        assert_eq!(read("(a", 1).unwrap_err().to_string(), "expected ')'");
        assert_eq!(read("(\"a)", 1).unwrap_err().reason, Reason::UnmatchedQuote);
    }

    #[test]
    fn masks_times_and_sizes_are_read() {
        assert_eq!(mask4("24"), Some(Ipv4Addr::new(255, 255, 255, 0)));
        assert_eq!(mask4("0"), Some(Ipv4Addr::UNSPECIFIED));
        assert_eq!(mask4("255.0.0.0"), Some(Ipv4Addr::new(255, 0, 0, 0)));
        assert_eq!(mask4("33"), None);
        assert_eq!(mask6("64").map(|mask| mask.to_string()), Some("ffff:ffff:ffff:ffff::".into()));
        assert_eq!((time("2s"), time("3"), time("1x")), (Some(2000), Some(3), None));
        assert_eq!((size("2k"), size("3"), size("1x")), (Some(2048), Some(3), None));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,40}") {
            if let Ok(written) = read(&text, 3) {
                assert!(written.length <= text.len());
                assert!(written.words.len() <= 3);
            }
        }
    }
}
