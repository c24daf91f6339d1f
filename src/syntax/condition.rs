//! Conditions of `.if`, `.elif` and `-cc` (configuration.txt 2.4): text to true or false.

use std::ops::Range;

use super::Env;
use super::feature;
use super::feature::Version;
use super::token;

/// The deepest nesting of parentheses.
const DEPTH: usize = 256;

/// What a condition may ask.
struct Predicate {
    name: &'static str,
    /// How many arguments it takes, all of them strings.
    args: usize,
    run: fn(&[String], &Env) -> bool,
}

/// The predicates. HAProxy has some on the TLS library it is built with: it is none of those here.
const TABLE: &[Predicate] = &[
    Predicate { name: "awslc_api_atleast", args: 1, run: never },
    Predicate { name: "awslc_api_before", args: 1, run: never },
    Predicate { name: "defined", args: 1, run: defined },
    Predicate { name: "enabled", args: 1, run: enabled },
    Predicate { name: "feature", args: 1, run: feature },
    Predicate { name: "openssl_version_atleast", args: 1, run: never },
    Predicate { name: "openssl_version_before", args: 1, run: never },
    Predicate { name: "ssllib_name_startswith", args: 1, run: never },
    Predicate { name: "streq", args: 2, run: streq },
    Predicate { name: "strneq", args: 2, run: strneq },
    Predicate { name: "strstr", args: 2, run: strstr },
    Predicate { name: "version_atleast", args: 1, run: version_atleast },
    Predicate { name: "version_before", args: 1, run: version_before },
];

/// Why a condition cannot be read, in HAProxy's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The words.
    pub message: String,
    /// Which bytes of the condition they speak of; an empty range at the end of what is missing.
    pub at: Range<usize>,
}

/// Returns whether a condition holds; an empty one does not. All of it is read, whatever holds.
pub fn eval(text: &str, env: &Env) -> Result<bool, Error> {
    if text.is_empty() {
        return Ok(false);
    }
    let mut parser = Parser { text, at: 0, depth: 0, env };
    let value = parser.any()?;
    parser.skip_blanks();
    match parser.rest().chars().next() {
        None => Ok(value),
        Some(char) => Err(Error {
            message: format!(
                "unexpected character '{char}' at the end of conditional expression '{text}'"
            ),
            at: parser.at..parser.at + char.len_utf8(),
        }),
    }
}

/// Returns whether a condition given on the command line (`-cc`) holds: its quotes and variables
/// are resolved first.
pub fn check(text: &str, env: &Env) -> Result<bool, Error> {
    let unquoted = token::unquote(text, env).map_err(|what| {
        let mut chars = what.chars();
        let first = chars.next().map_or(' ', |first| first.to_ascii_uppercase());
        let message = format!("Syntax Error in condition: {first}{}.", chars.as_str());
        Error { message, at: 0..text.len() }
    })?;
    eval(&unquoted, env).map_err(|error| Error {
        message: format!("Failed to evaluate condition: {}", error.message),
        at: 0..text.len(),
    })
}

/// Returns the names of the predicates, for suggestions.
pub fn predicates() -> impl Iterator<Item = &'static str> {
    TABLE.iter().map(|predicate| predicate.name)
}

/// Reads and evaluates at once: nothing that a condition asks has an effect.
struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    env: &'a Env,
}

impl<'a> Parser<'a> {
    /// Reads terms joined by `||`.
    fn any(&mut self) -> Result<bool, Error> {
        self.skip_blanks();
        let start = self.at;
        let mut value = self.all()?;
        while let Some(operator) = self.operator("||") {
            // HAProxy: the message shows the text from the first operand on.
            value |= self.operand(start, operator, Self::all)?;
        }
        Ok(value)
    }

    /// Reads terms joined by `&&`.
    fn all(&mut self) -> Result<bool, Error> {
        let mut value = self.term()?;
        while let Some(operator) = self.operator("&&") {
            value &= self.operand(operator, operator, Self::term)?;
        }
        Ok(value)
    }

    /// Takes an operator and returns where it is.
    fn operator(&mut self, operator: &str) -> Option<usize> {
        self.skip_blanks();
        let at = self.at;
        self.rest().starts_with(operator).then(|| self.at += operator.len())?;
        Some(at)
    }

    /// Reads what an operator joins; without any, it is the operator that cannot be read.
    fn operand(
        &mut self,
        shown: usize,
        operator: usize,
        read: fn(&mut Self) -> Result<bool, Error>,
    ) -> Result<bool, Error> {
        self.skip_blanks();
        if self.rest().is_empty() {
            return Err(Error { at: operator..self.text.len(), ..self.unparsable(shown) });
        }
        read(self)
    }

    /// Reads a number, a predicate, or an expression in parentheses, each maybe negated.
    fn term(&mut self) -> Result<bool, Error> {
        self.skip_blanks();
        let start = self.at;
        let mut negated = false;
        while self.rest().starts_with('!') {
            negated = !negated;
            self.at += 1;
            self.skip_blanks();
        }
        let value = if self.rest().starts_with('(') {
            self.group(start)?
        } else if let Some(value) = self.integer() {
            value
        } else if let Some(value) = self.predicate()? {
            value
        } else {
            return Err(self.unparsable(start));
        };
        Ok(value != negated)
    }

    fn group(&mut self, start: usize) -> Result<bool, Error> {
        if self.depth == DEPTH {
            let message = format!("conditional expression nested deeper than {DEPTH} levels");
            return Err(Error { message, at: self.at..self.at + 1 });
        }
        self.at += 1;
        self.depth += 1;
        self.skip_blanks();
        if self.rest().is_empty() {
            return Err(self.unparsable(start));
        }
        let value = self.any()?;
        self.depth -= 1;
        self.skip_blanks();
        if !self.rest().starts_with(')') {
            let shown = self.text.get(start..).unwrap_or_default();
            let message = format!("expected ')' after conditional expression '{shown}'");
            return Err(Error { message, at: start..self.text.len() });
        }
        self.at += 1;
        Ok(value)
    }

    /// Takes a number as C's strtol does: with a sign, hexadecimal or octal; true unless zero.
    fn integer(&mut self) -> Option<bool> {
        let rest = self.rest();
        let unsigned = rest.strip_prefix(['+', '-']).unwrap_or(rest);
        let hexadecimal = unsigned
            .strip_prefix("0x")
            .or_else(|| unsigned.strip_prefix("0X"))
            .filter(|digits| digits.starts_with(|digit: char| digit.is_ascii_hexdigit()));
        let (digits, radix) = match hexadecimal {
            Some(digits) => (digits, 16),
            None if unsigned.starts_with('0') => (unsigned, 8),
            None => (unsigned, 10),
        };
        let length = digits.find(|digit: char| !digit.is_digit(radix)).unwrap_or(digits.len());
        let number = digits.get(..length).filter(|number| !number.is_empty())?;
        let value = number.bytes().any(|digit| digit != b'0');
        self.at += rest.len() - digits.len() + length;
        Some(value)
    }

    /// Takes a predicate; without parentheses it has no arguments, and those it needs are empty.
    fn predicate(&mut self) -> Result<Option<bool>, Error> {
        let rest = self.rest();
        let inside = |char: char| char.is_ascii_lowercase() || char == '_';
        let length = rest.find(|char| !inside(char)).unwrap_or(rest.len());
        let name = rest.get(..length).unwrap_or_default();
        let Some(predicate) = TABLE.iter().find(|predicate| predicate.name == name) else {
            return Ok(None);
        };
        let after = rest.get(length..).unwrap_or_default();
        if !after.is_empty() && !after.starts_with([' ', '\t', '(']) {
            return Ok(None);
        }
        self.at += length;
        let open = after.starts_with('(');
        self.at += usize::from(open);
        let args = if open { self.arguments(predicate.args) } else { vec![String::new()] };
        let whose = format!("in argument 1 of predicate '{name}' used in conditional expression");
        if args.len() < predicate.args {
            let (got, needed) = (args.len(), predicate.args);
            let message =
                format!("missing arguments (got {got}/{needed}), type 'string' expected {whose}");
            return Err(Error { message, at: self.at..self.next_char() });
        }
        if open && !self.rest().starts_with(')') {
            let before = match self.rest() {
                "" => String::new(),
                rest => format!("before '{rest}' "),
            };
            let message = format!("expected ')' {before}{whose}");
            return Err(Error { message, at: self.at..self.text.len() });
        }
        self.at += usize::from(open);
        Ok(Some((predicate.run)(&args, self.env)))
    }

    /// Takes at most `most` arguments, and stops at what ends the last: `)`, `,` or the end.
    fn arguments(&mut self, most: usize) -> Vec<String> {
        let mut args = Vec::new();
        loop {
            args.push(self.argument());
            if args.len() == most || !self.rest().starts_with(',') {
                return args;
            }
            self.at += 1;
        }
    }

    /// Takes an argument: quotes as at the top level, and the escapes but `\#`, `\$`, `\x`.
    fn argument(&mut self) -> String {
        let mut arg = String::new();
        let mut quote = None;
        while let Some(char) = self.rest().chars().next() {
            let next = self.rest().chars().nth(1);
            match char {
                ')' | ',' if quote.is_none() => break,
                '\'' | '"' if quote.is_none() => quote = Some(char),
                _ if quote == Some(char) => quote = None,
                '\\' if quote != Some('\'') => {
                    let escaped = match next {
                        Some(char @ (' ' | '\\' | '\'' | '"')) => Some(char),
                        Some('n') => Some('\n'),
                        Some('r') => Some('\r'),
                        Some('t') => Some('\t'),
                        _ => None,
                    };
                    self.at += usize::from(escaped.is_some());
                    arg.push(escaped.unwrap_or('\\'));
                }
                _ => arg.push(char),
            }
            self.at += char.len_utf8();
        }
        arg
    }

    fn unparsable(&self, start: usize) -> Error {
        let shown = self.text.get(start..).unwrap_or_default();
        let message = format!("unparsable conditional expression '{shown}'");
        Error { message, at: start..self.text.len() }
    }

    fn next_char(&self) -> usize {
        self.at + self.rest().chars().next().map_or(0, char::len_utf8)
    }

    fn skip_blanks(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start_matches([' ', '\t']).len();
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }
}

fn never(_: &[String], _: &Env) -> bool {
    false
}

fn defined(args: &[String], env: &Env) -> bool {
    env.get(arg(args, 0)).is_some()
}

fn enabled(args: &[String], _: &Env) -> bool {
    feature::is_enabled(arg(args, 0))
}

fn feature(args: &[String], _: &Env) -> bool {
    // HAProxy: the empty name is found in any list.
    arg(args, 0).is_empty() || feature::is_present(arg(args, 0))
}

fn streq(args: &[String], _: &Env) -> bool {
    arg(args, 0) == arg(args, 1)
}

fn strneq(args: &[String], env: &Env) -> bool {
    !streq(args, env)
}

fn strstr(args: &[String], _: &Env) -> bool {
    arg(args, 0).contains(arg(args, 1))
}

fn version_atleast(args: &[String], _: &Env) -> bool {
    Version::current() >= Version::parse(arg(args, 0))
}

fn version_before(args: &[String], env: &Env) -> bool {
    !version_atleast(args, env)
}

fn arg(args: &[String], index: usize) -> &str {
    args.get(index).map_or("", String::as_str)
}
