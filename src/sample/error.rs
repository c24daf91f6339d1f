//! What is wrong in an expression, an ACL or a format, and where.

use std::fmt;
use std::ops::Range;

/// What is wrong, and which bytes of which word it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// Index of the word, from 0.
    pub word: usize,
    /// The bytes of that word.
    pub range: Range<usize>,
    /// What is wrong.
    pub reason: Reason,
    /// What may help: the name that was probably meant, and the like.
    pub hint: Option<String>,
}

impl Error {
    /// Returns an error about some bytes of the first word.
    pub fn new(range: Range<usize>, reason: Reason) -> Self {
        Self { word: 0, range, reason, hint: None }
    }

    /// Adds what may help.
    #[must_use]
    pub fn with_hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }

    /// Moves the error to another word.
    #[must_use]
    pub fn in_word(mut self, word: usize) -> Self {
        self.word = word;
        self
    }

    /// Moves the error to later bytes of its word.
    #[must_use]
    pub fn shifted(mut self, by: usize) -> Self {
        self.range = self.range.start.saturating_add(by)..self.range.end.saturating_add(by);
        self
    }

    /// Puts another reason around this one.
    #[must_use]
    pub fn map(mut self, wrap: impl FnOnce(Box<Reason>) -> Reason) -> Self {
        self.reason = wrap(Box::new(self.reason));
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(f)
    }
}

impl std::error::Error for Error {}

/// What is wrong; its text is HAProxy's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// There is no expression.
    MissingFetch,
    /// No fetch has this name.
    UnknownFetch(String),
    /// HAProxy has a fetch of this name; this proxy does not yet.
    UnsupportedFetch(String),
    /// No converter has this name.
    UnknownConverter(String),
    /// HAProxy has a converter of this name; this proxy does not yet.
    UnsupportedConverter(String),
    /// The arguments of a fetch do not parse.
    Fetch(String, Box<Self>),
    /// The arguments of a fetch are refused by it.
    FetchArguments(String, Box<Self>),
    /// An argument of a converter does not parse: its number, the converter.
    ConverterArgument(usize, String, Box<Self>),
    /// The arguments of a converter are refused by it.
    ConverterArguments(String, Box<Self>),
    /// The converter takes another type than it gets.
    CannotApply(String),
    /// Something follows a keyword that is neither `(` nor `,`.
    MissingComma { converter: bool, name: String },
    /// Arguments do not end.
    Unclosed { before: String },
    /// A quote within arguments does not end.
    UnmatchedQuote,
    /// An argument is empty.
    EmptyArgument { kind: &'static str, position: usize },
    /// An argument is not of its kind.
    BadArgument { text: String, kind: &'static str, position: usize },
    /// There are too few arguments.
    MissingArguments { got: usize, of: usize, kind: &'static str },
    /// A variable has no scope.
    BadVariable(String),
    /// A variable's name has a character that is not permitted.
    VariableSyntax(String),
    /// A regular expression among the arguments does not compile.
    InRegex { text: String, converter: &'static str, fetch: Box<str>, reason: Box<Self> },
    /// A proxy or server is not there.
    Unresolved { what: &'static str, name: String, position: usize, keyword: Box<str> },
    /// A server is not in the proxy.
    NoServer { server: String, proxy: Box<str>, position: usize, keyword: Box<str> },
    /// A proxy is there and is not of the kind that is asked for.
    NoCapability { proxy: String, position: usize, keyword: Box<str>, capability: &'static str },
    /// A regular expression does not compile.
    BadRegex { text: String, error: String, offset: usize },
    /// A check of a keyword's own has failed.
    Custom(String),
    /// Nothing that a fetch reads is there; `keyword` is what HAProxy names.
    NotHere { keyword: String, sources: String },
    /// The same in a format string.
    NotHereInFormat { expression: String, sources: String },
    /// An expression in a format string does not parse.
    InFormat { expression: String, reason: Box<Self> },
    /// A `%[` has no `]`.
    MissingBracket(String),
    /// No alias has this name.
    UnknownAlias(String),
    /// An alias is of `mode http`.
    HttpAlias(String),
    /// A format ends too early.
    TruncatedFormat(String),
    /// The expression of an ACL does not parse.
    InAcl { reason: Box<Self>, expression: String },
    /// The arguments of an ACL keyword do not parse.
    AclKeyword(String, Box<Self>),
    /// An ACL option is unknown.
    UnknownAclOption(String),
    /// A match method is unknown.
    UnknownMethod(String),
    /// `-m` comes too late.
    LateMethod,
    /// A match method does not take what the fetch gives.
    MethodMismatch { method: String, keyword: String },
    /// The type of a fetch leaves open how to match.
    MethodNeeded(String),
    /// A pattern is not a number.
    NotANumber(String),
    /// A pattern is not a number, nor `eq`, `gt` and so on.
    NeitherNumberNorOperator(String),
    /// A range of numbers is empty.
    BadRange(String),
    /// A pattern is not an address.
    BadAddress(String),
    /// A pattern is not made of hexadecimal digits.
    BadHex(char),
    /// A pattern has an odd number of hexadecimal digits.
    OddHex,
    /// A pattern file cannot be read.
    OpenFile(String),
    /// A line of a pattern file does not parse.
    InFile { file: String, line: usize, reason: Box<Self> },
    /// No ACL has this name.
    UnknownAcl(String),
    /// An anonymous ACL has no `}`.
    MissingBrace,
    /// A name has a character that is not permitted.
    AclName { character: char, name: String },
    /// `or` is no name.
    AclNamedOr(String),
    /// (Warning) An ACL without patterns never matches.
    NoPattern(String),
    /// (Warning) An ACL reads what is not there.
    NeverMatches { acl: Option<String>, keyword: String, checkpoint: &'static str },
}

impl fmt::Display for Reason {
    #[expect(clippy::too_many_lines, reason = "one line for each text")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingFetch => f.write_str("missing fetch method"),
            Self::UnknownFetch(name) => write!(f, "unknown fetch method '{name}'"),
            Self::UnsupportedFetch(name) => {
                write!(f, "sample fetch '{name}' is known to HAProxy but not supported yet")
            }
            Self::UnknownConverter(name) => write!(f, "unknown converter '{name}'"),
            Self::UnsupportedConverter(name) => {
                write!(f, "converter '{name}' is known to HAProxy but not supported yet")
            }
            Self::Fetch(name, reason) => write!(f, "fetch method '{name}' : {reason}"),
            Self::FetchArguments(name, reason) => {
                write!(f, "invalid args in fetch method '{name}' : {reason}")
            }
            Self::ConverterArgument(position, name, reason) => {
                write!(f, "invalid arg {position} in converter '{name}' : {reason}")
            }
            Self::ConverterArguments(name, reason) => {
                write!(f, "invalid args in converter '{name}' : {reason}")
            }
            Self::CannotApply(name) => write!(f, "converter '{name}' cannot be applied"),
            Self::MissingComma { converter: false, name } => {
                write!(f, "missing comma after fetch keyword '{name}'")
            }
            Self::MissingComma { converter: true, name } => {
                write!(f, "missing comma after converter '{name}'")
            }
            Self::Unclosed { before } if before.is_empty() => f.write_str("expected ')'"),
            Self::Unclosed { before } => write!(f, "expected ')' before '{before}'"),
            Self::UnmatchedQuote => f.write_str("unmatched quote"),
            Self::EmptyArgument { kind, position } => {
                write!(f, "expected type '{kind}' at position {position}, but got nothing")
            }
            Self::BadArgument { text, kind, position } => {
                write!(f, "failed to parse '{text}' as type '{kind}' at position {position}")
            }
            Self::MissingArguments { got, of, kind } => {
                write!(f, "missing arguments (got {got}/{of}), type '{kind}' expected")
            }
            Self::BadVariable(name) => write!(
                f,
                "invalid variable name '{name}'. A variable name must be start by its scope. The \
                 scope can be 'proc', 'sess', 'txn', 'req', 'res' or 'check'"
            ),
            Self::VariableSyntax(rest) => write!(f, "invalid syntax at char '{rest}'"),
            Self::InRegex { text, converter, fetch, reason } => write!(
                f,
                "error in regex '{text}' in arg 1 of conversion keyword '{converter}' for sample \
                 fetch keyword '{fetch}' : {reason}"
            ),
            Self::Unresolved { what, name, position, keyword } => {
                write!(
                    f,
                    "unable to find {what} '{name}' referenced in arg {position} of {keyword}"
                )
            }
            Self::NoServer { server, proxy, position, keyword } => write!(
                f,
                "unable to find server '{server}' in proxy '{proxy}', referenced in arg {position} \
                 of {keyword}"
            ),
            Self::NoCapability { proxy, position, keyword, capability } => write!(
                f,
                "proxy '{proxy}', referenced in arg {position} of {keyword}, has not {capability} \
                 capability"
            ),
            Self::BadRegex { text, error, offset } => {
                write!(f, "regex '{text}' is invalid (error={error}, erroffset={offset})")
            }
            Self::Custom(text) => f.write_str(text),
            Self::NotHere { keyword, sources } => write!(
                f,
                "fetch method '{keyword}' extracts information from '{sources}', none of which is \
                 available here"
            ),
            Self::NotHereInFormat { expression, sources } => write!(
                f,
                "sample fetch <{expression}> may not be reliably used here because it needs \
                 '{sources}' which is not available here"
            ),
            Self::InFormat { expression, reason } => {
                write!(f, "failed to parse sample expression <{expression}> : {reason}")
            }
            Self::MissingBracket(after) => write!(f, "missing ']' after '{after}'"),
            Self::UnknownAlias(name) => write!(
                f,
                "no such format variable '{name}'. If you wanted to emit the '%' character \
                 verbatim, you need to use '%%'"
            ),
            Self::HttpAlias(name) => {
                write!(f, "format variable '{name}' is reserved for HTTP mode")
            }
            Self::TruncatedFormat(after) => write!(f, "truncated line after '{after}'"),
            Self::InAcl { reason, expression } => {
                write!(f, "{reason} in ACL expression '{expression}'")
            }
            Self::AclKeyword(name, reason) => write!(f, "ACL keyword '{name}' : {reason}"),
            Self::UnknownAclOption(option) => write!(
                f,
                "'{option}' is not a valid ACL option. Please use '--' before any pattern \
                 beginning with a '-'"
            ),
            Self::UnknownMethod(name) => {
                write!(f, "unknown matching method '{name}' when parsing ACL expression")
            }
            Self::LateMethod => f.write_str(
                "'-m' must only be specified before patterns and files in parsing ACL expression",
            ),
            Self::MethodMismatch { method, keyword } => {
                write!(
                    f,
                    "matching method '{method}' cannot be used with fetch keyword '{keyword}'"
                )
            }
            Self::MethodNeeded(keyword) => write!(
                f,
                "matching method must be specified first (using '-m') when using a sample fetch of \
                 this type ('{keyword}')"
            ),
            Self::NotANumber(text) => write!(f, "'{text}' is not a number"),
            Self::NeitherNumberNorOperator(text) => {
                write!(f, "'{text}' is neither a number nor a supported operator")
            }
            Self::BadRange(text) => write!(f, "'{text}' is not a valid number range"),
            Self::BadAddress(text) => write!(f, "'{text}' is not a valid IPv4 or IPv6 address"),
            Self::BadHex(digit) => write!(f, "an hex digit is expected (found '{digit}')"),
            Self::OddHex => f.write_str("an even number of hex digit is expected"),
            Self::OpenFile(file) => write!(f, "failed to open pattern file <{file}>"),
            Self::InFile { file, line, reason } => {
                write!(f, "{reason} at line {line} of file '{file}'")
            }
            Self::UnknownAcl(name) => write!(f, "no such ACL : '{name}'"),
            Self::MissingBrace => f.write_str("missing closing '}' in condition"),
            Self::AclName { character, name } => {
                write!(f, "character '{character}' is not permitted in acl name '{name}'")
            }
            Self::AclNamedOr(name) => write!(
                f,
                "acl name '{name}' will never match. 'or' is used to express a logical disjunction \
                 within a condition"
            ),
            Self::NoPattern(keyword) => write!(
                f,
                "parsing acl keyword '{keyword}' :\n  no pattern to match against were provided, \
                 so this ACL will never match.\n  If this is what you intended, please add '--' to \
                 get rid of this warning.\n  If you intended to match only for existence, please \
                 use '-m found'.\n  If you wanted to force an int to match as a bool, please use \
                 '-m bool'.\n"
            ),
            Self::NeverMatches { acl: Some(name), keyword, checkpoint } => write!(
                f,
                "acl '{name}' will never match because it uses keyword '{keyword}' which is \
                 incompatible with '{checkpoint}'"
            ),
            Self::NeverMatches { acl: None, keyword, checkpoint } => write!(
                f,
                "anonymous acl will never match because it uses keyword '{keyword}' which is \
                 incompatible with '{checkpoint}'"
            ),
        }
    }
}

/// Returns the name that was probably meant.
pub(super) fn nearest<T: AsRef<str>>(name: &str, known: impl Iterator<Item = T>) -> Option<String> {
    let limit = (name.len() / 3).clamp(1, 3);
    known
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate.as_ref()), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| format!("did you mean '{}' ?", candidate.as_ref()))
}
