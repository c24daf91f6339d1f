//! Actions that change headers.

use bytes::Bytes;

use crate::http;
use crate::sample::Regex;
use crate::txn::Direction;
use crate::txn::Txn;
use crate::value::Value;

use super::action;
use super::action::Act;
use super::action::Action;
use super::action::Done;
use super::parse::Failed;
use super::parse::Parser;

/// `add-header <name> <fmt>`
pub(super) fn add_header(parser: &mut Parser<'_>) -> Result<Action, Failed> {
    let name = named_format(parser)?;
    Ok(parser.act(Add { name }))
}

/// `set-header <name> <fmt>`
pub(super) fn set_header(parser: &mut Parser<'_>) -> Result<Action, Failed> {
    let name = named_format(parser)?;
    Ok(parser.act(Set { name }))
}

/// `del-header <name> [-m <meth>]`
pub(super) fn del_header(parser: &mut Parser<'_>) -> Result<Action, Failed> {
    let [name] = parser.arguments("expects at least 1 argument")?;
    if !parser.take_keyword("-m") {
        return Ok(parser.act(Delete { name: Name::Is(lower(&name.text)) }));
    }
    let [method] = parser.arguments("-m flag expects exactly 1 argument")?;
    let text = lower(&name.text);
    let name = match method.text.as_str() {
        "str" => Name::Is(text),
        "beg" => Name::Begins(text),
        "end" => Name::Ends(text),
        "sub" => Name::Contains(text),
        "reg" => Name::Matches(
            Regex::new(&name.text, true)
                .map_err(|error| parser.fail_at(name.span, error.to_string()))?,
        ),
        other => {
            let message = format!("-m with unsupported matching method '{other}'");
            return Err(parser.fail_at_last(message));
        }
    };
    Ok(parser.act(Delete { name }))
}

/// `replace-header <name> <regex> <fmt>`
pub(super) fn replace_header(parser: &mut Parser<'_>) -> Result<Action, Failed> {
    let (name, regex) = named_regex_format(parser)?;
    Ok(parser.act(Replace { name, regex, whole: true }))
}

/// `replace-value <name> <regex> <fmt>`
pub(super) fn replace_value(parser: &mut Parser<'_>) -> Result<Action, Failed> {
    let (name, regex) = named_regex_format(parser)?;
    Ok(parser.act(Replace { name, regex, whole: false }))
}

/// `strict-mode { on | off }`
pub(super) fn strict_mode(parser: &mut Parser<'_>) -> Result<Action, Failed> {
    let [word] = parser.arguments("expects exactly 1 arguments")?;
    match word.text.as_str() {
        "on" => Ok(Action::Strict(true)),
        "off" => Ok(Action::Strict(false)),
        other => {
            let message = format!("Unexpected value '{other}'. Only 'on' and 'off' are supported");
            Err(parser.fail_at_last(message))
        }
    }
}

fn named_format(parser: &mut Parser<'_>) -> Result<Bytes, Failed> {
    let [name, format] = parser.arguments("expects exactly 2 arguments")?;
    let name = header_name(parser, name)?;
    parser.format(format)?;
    Ok(name)
}

fn named_regex_format(parser: &mut Parser<'_>) -> Result<(Bytes, Regex), Failed> {
    let [name, regex, format] = parser.arguments("expects exactly 3 arguments")?;
    let name = header_name(parser, name)?;
    let compiled = Regex::new(&regex.text, false)
        .map_err(|error| parser.fail_at(regex.span, error.to_string()))?;
    parser.format(format)?;
    Ok((name, compiled))
}

/// Returns a header's name in lower case; only what may stand in a message is accepted.
pub(super) fn header_name(
    parser: &mut Parser<'_>,
    word: &crate::syntax::Word,
) -> Result<Bytes, Failed> {
    if !http::check::name(word.text.as_bytes()) {
        return Err(parser.fail_at(word.span, format!("invalid header name '{}'", word.text)));
    }
    Ok(lower(&word.text))
}

fn lower(text: &str) -> Bytes {
    Bytes::from(text.to_ascii_lowercase())
}

#[derive(Debug)]
struct Add {
    name: Bytes,
}

impl Act for Add {
    fn run(&self, txn: &mut Txn, inputs: &mut [Option<Value>], direction: Direction) -> Done {
        let value = action::take_text(inputs, 0);
        let Some(headers) = txn.headers_mut(direction) else { return Done::NEXT };
        let legal = http::check::value(&value);
        if legal {
            headers.push(self.name.clone(), value);
        }
        Done::written(legal)
    }
}

#[derive(Debug)]
struct Set {
    name: Bytes,
}

impl Act for Set {
    fn run(&self, txn: &mut Txn, inputs: &mut [Option<Value>], direction: Direction) -> Done {
        let value = action::take_text(inputs, 0);
        let Some(headers) = txn.headers_mut(direction) else { return Done::NEXT };
        let legal = http::check::value(&value);
        if legal {
            headers.remove(&self.name);
            headers.push(self.name.clone(), value);
        }
        Done::written(legal)
    }
}

/// Which names `del-header` is about.
#[derive(Debug)]
enum Name {
    Is(Bytes),
    Begins(Bytes),
    Ends(Bytes),
    Contains(Bytes),
    Matches(Regex),
}

#[derive(Debug)]
struct Delete {
    name: Name,
}

impl Act for Delete {
    fn run(&self, txn: &mut Txn, _: &mut [Option<Value>], direction: Direction) -> Done {
        if let Some(headers) = txn.headers_mut(direction) {
            headers.remove_if(|name| self.name.matches(name));
        }
        Done::NEXT
    }
}

impl Name {
    /// Compares with a name in lower case.
    fn matches(&self, name: &[u8]) -> bool {
        match self {
            Self::Is(text) => name == text,
            Self::Begins(text) => name.starts_with(text),
            Self::Ends(text) => name.ends_with(text),
            Self::Contains(text) => memchr::memmem::find(name, text).is_some(),
            Self::Matches(regex) => regex.is_match(name),
        }
    }
}

#[derive(Debug)]
struct Replace {
    name: Bytes,
    regex: Regex,
    /// Look at whole lines, not at comma-separated values.
    whole: bool,
}

impl Act for Replace {
    fn run(&self, txn: &mut Txn, inputs: &mut [Option<Value>], direction: Direction) -> Done {
        let template = action::take_text(inputs, 0);
        let Some(headers) = txn.headers_mut(direction) else { return Done::NEXT };
        let mut legal = true;
        let replace = |value: &[u8]| {
            let new = expand(&self.regex, value, &template)?;
            legal &= http::check::value(&new);
            legal.then(|| Bytes::from(new))
        };
        if self.whole {
            headers.replace_lines(&self.name, replace);
        } else {
            headers.replace_values(&self.name, replace);
        }
        Done::written(legal)
    }
}

/// Returns the template with its references filled in, where the text matches: as in HAProxy, it
/// stands for the whole text.
pub(super) fn expand(regex: &Regex, text: &[u8], template: &[u8]) -> Option<Vec<u8>> {
    let groups = regex.groups(text)?;
    let mut out = Vec::with_capacity(template.len());
    groups.expand(text, template, &mut out);
    Some(out)
}
