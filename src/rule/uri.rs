//! Actions that change the first line of a message.

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
use super::header;
use super::parse::Failed;
use super::parse::Parser;

/// A part of the request's target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Path,
    PathAndQuery,
    Query,
    Uri,
}

/// `set-method <fmt>`
pub(super) fn set_method(parser: &mut Parser<'_>) -> Result<Action, Failed> {
    format(parser)?;
    Ok(parser.act(SetMethod))
}

/// `set-path <fmt>`
pub(super) fn set_path(parser: &mut Parser<'_>) -> Result<Action, Failed> {
    set(parser, Part::Path)
}

/// `set-pathq <fmt>`
pub(super) fn set_pathq(parser: &mut Parser<'_>) -> Result<Action, Failed> {
    set(parser, Part::PathAndQuery)
}

/// `set-query <fmt>`
pub(super) fn set_query(parser: &mut Parser<'_>) -> Result<Action, Failed> {
    set(parser, Part::Query)
}

/// `set-uri <fmt>`
pub(super) fn set_uri(parser: &mut Parser<'_>) -> Result<Action, Failed> {
    set(parser, Part::Uri)
}

/// `replace-path <regex> <fmt>`
pub(super) fn replace_path(parser: &mut Parser<'_>) -> Result<Action, Failed> {
    replace(parser, Part::Path)
}

/// `replace-pathq <regex> <fmt>`
pub(super) fn replace_pathq(parser: &mut Parser<'_>) -> Result<Action, Failed> {
    replace(parser, Part::PathAndQuery)
}

/// `replace-uri <regex> <fmt>`
pub(super) fn replace_uri(parser: &mut Parser<'_>) -> Result<Action, Failed> {
    replace(parser, Part::Uri)
}

/// `set-status <status> [reason <str>]`
pub(super) fn set_status(parser: &mut Parser<'_>) -> Result<Action, Failed> {
    let message = "expects 1 argument: <status>; or 3 arguments: <status> reason <fmt>";
    let [word] = parser.arguments(message)?;
    let status = word.text.parse().ok().filter(|status| (100..=999).contains(status));
    let Some(status) = status else {
        return Err(parser.fail_at_last("expects an integer status code between 100 and 999"));
    };
    let mut reason = None;
    if parser.take_keyword("reason") {
        let [word] = parser.arguments(message)?;
        if !http::check::reason(word.bytes()) {
            return Err(parser.fail_at_last(format!("invalid reason '{}'", word.text)));
        }
        reason = Some(Bytes::copy_from_slice(word.bytes()));
    }
    Ok(parser.act(SetStatus { status, reason }))
}

fn set(parser: &mut Parser<'_>, part: Part) -> Result<Action, Failed> {
    format(parser)?;
    Ok(parser.act(Set { part }))
}

fn replace(parser: &mut Parser<'_>, part: Part) -> Result<Action, Failed> {
    let message = "expects exactly 2 arguments <match-regex> and <replace-format>";
    let [regex, format] = parser.arguments(message)?;
    let compiled = Regex::new(&regex.text, false).map_err(|error| {
        parser.fail_at(regex.span, format!("failed to parse the regex : {}", error))
    })?;
    parser.format(format)?;
    Ok(parser.act(Replace { part, regex: compiled }))
}

fn format(parser: &mut Parser<'_>) -> Result<(), Failed> {
    let message = "expects exactly 1 argument <format>";
    let [format] = parser.arguments(message)?;
    if parser.peek().is_some() {
        return Err(parser.fail(message));
    }
    parser.format(format).map(|_| ())
}

#[derive(Debug)]
struct SetMethod;

impl Act for SetMethod {
    fn run(&self, txn: &mut Txn, inputs: &mut [Option<Value>], _: Direction) -> Done {
        let text = action::take_text(inputs, 0);
        let Some(request) = &mut txn.request else { return Done::NEXT };
        match http::Method::parse(&text) {
            Some(method) => request.method = method,
            None => return Done::Unwritable,
        }
        Done::NEXT
    }
}

#[derive(Debug)]
struct Set {
    part: Part,
}

impl Act for Set {
    fn run(&self, txn: &mut Txn, inputs: &mut [Option<Value>], _: Direction) -> Done {
        let text = action::take_text(inputs, 0);
        Done::written(write(txn, self.part, &text))
    }
}

#[derive(Debug)]
struct Replace {
    part: Part,
    regex: Regex,
}

impl Act for Replace {
    fn run(&self, txn: &mut Txn, inputs: &mut [Option<Value>], _: Direction) -> Done {
        let template = action::take_text(inputs, 0);
        let Some(request) = &txn.request else { return Done::NEXT };
        let old = match self.part {
            Part::Path => request.path(),
            Part::PathAndQuery => request.pathq(),
            Part::Query => request.query(),
            Part::Uri => Some(request.uri.clone()),
        };
        let new = old.and_then(|old| header::expand(&self.regex, &old, &template));
        match new {
            Some(new) => Done::written(write(txn, self.part, &new)),
            None => Done::NEXT,
        }
    }
}

/// Writes a part of the target; false where it may not stand there.
fn write(txn: &mut Txn, part: Part, text: &[u8]) -> bool {
    let Some(request) = &mut txn.request else { return true };
    if !text.is_empty() && !http::check::uri(text) {
        return false;
    }
    match part {
        Part::Path => request.set_path(text),
        Part::PathAndQuery => request.set_pathq(text),
        Part::Query => request.set_query(text),
        Part::Uri if text.is_empty() => return false,
        Part::Uri => {
            request.set_uri(Bytes::copy_from_slice(text));
            // RFC 9112 3.2.2: the authority of an absolute target is that of `Host`.
            if let Some(authority) = request.authority() {
                let host = match memchr::memrchr(b'@', &authority) {
                    Some(at) => authority.slice(at + 1..),
                    None => authority,
                };
                if request.headers.contains("host") {
                    request.headers.replace_lines("host", |_| Some(host.clone()));
                } else {
                    request.headers.add("host", host);
                }
            }
        }
    }
    !request.uri.is_empty()
}

#[derive(Debug)]
struct SetStatus {
    status: u16,
    reason: Option<Bytes>,
}

impl Act for SetStatus {
    fn run(&self, txn: &mut Txn, _: &mut [Option<Value>], _: Direction) -> Done {
        if let Some(response) = &mut txn.response {
            response.set_status(self.status, self.reason.clone());
        }
        Done::NEXT
    }
}
