//! `redirect`: an answer that sends the client elsewhere.

use bytes::Bytes;

use crate::http;
use crate::txn::Direction;
use crate::txn::Reply;
use crate::txn::Txn;
use crate::value::Value;

use super::Verdict;
use super::action;
use super::action::Act;
use super::action::Action;
use super::action::Done;
use super::parse::Failed;
use super::parse::Parser;

/// What the target is built from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum To {
    /// The whole target.
    Location,
    /// What comes before the path of the request.
    Prefix,
    /// What replaces the scheme of the request.
    Scheme,
}

#[derive(Debug)]
struct Redirect {
    to: To,
    status: u16,
    drop_query: bool,
    append_slash: bool,
    ignore_empty: bool,
    cookie: Option<Bytes>,
}

/// `redirect { location | prefix | scheme } <fmt> [ options ]`
pub(super) fn redirect(parser: &mut Parser<'_>) -> Result<Action, Failed> {
    let mut to = None;
    let (mut status, mut cookie) = (302, None);
    let (mut drop_query, mut append_slash, mut ignore_empty) = (false, false, false);
    while let Some(word) = parser.next_argument() {
        match word.text.as_str() {
            "location" => to = Some((To::Location, argument(parser, "location")?)),
            "prefix" => to = Some((To::Prefix, argument(parser, "prefix")?)),
            "scheme" => to = Some((To::Scheme, argument(parser, "scheme")?)),
            "set-cookie" => {
                let text = &argument(parser, "set-cookie")?.text;
                cookie = Some(cookie_line(parser, &format!("{text}; path=/;"))?);
            }
            "clear-cookie" => {
                let text = &argument(parser, "clear-cookie")?.text;
                let end = if text.ends_with('=') { "" } else { "=" };
                cookie = Some(cookie_line(parser, &format!("{text}{end}; path=/; Max-Age=0;"))?);
            }
            "code" => status = code(parser)?,
            "drop-query" => drop_query = true,
            "append-slash" => append_slash = true,
            "ignore-empty" => ignore_empty = true,
            other => {
                let message = format!(
                    "expects 'code', 'prefix', 'location', 'scheme', 'set-cookie', \
                     'clear-cookie', 'drop-query', 'ignore-empty' or 'append-slash' (was '{other}')"
                );
                return Err(parser.fail_at_last(message));
            }
        }
    }
    let Some((to, format)) = to else {
        let message = "redirection type expected ('prefix', 'location', or 'scheme')";
        return Err(parser.fail_at_last(message));
    };
    if parser.kind().direction() == Direction::Response && to != To::Location {
        return Err(parser.fail_at_last("response only supports redirect type 'location'"));
    }
    parser.format(format)?;
    Ok(parser.act(Redirect { to, status, drop_query, append_slash, ignore_empty, cookie }))
}

fn argument<'a>(parser: &mut Parser<'a>, name: &str) -> Result<&'a crate::syntax::Word, Failed> {
    parser
        .next_argument()
        .ok_or_else(|| parser.fail_at_last(format!("missing argument for '{name}'")))
}

fn code(parser: &mut Parser<'_>) -> Result<u16, Failed> {
    let word = argument(parser, "code")?;
    let status = word.text.parse().unwrap_or_default();
    if matches!(status, 301 | 302 | 303 | 307 | 308) {
        return Ok(status);
    }
    let message = format!(
        "'code': unsupported HTTP code '{}' (must be one of 301, 302, 303, 307 or 308)",
        word.text
    );
    Err(parser.fail_at_last(message))
}

fn cookie_line(parser: &mut Parser<'_>, text: &str) -> Result<Bytes, Failed> {
    if http::check::value(text.as_bytes()) {
        return Ok(Bytes::copy_from_slice(text.as_bytes()));
    }
    Err(parser.fail_at_last(format!("invalid cookie '{text}'")))
}

impl Act for Redirect {
    fn run(&self, txn: &mut Txn, inputs: &mut [Option<Value>], _: Direction) -> Done {
        let given = action::take_text(inputs, 0);
        if given.is_empty() && self.ignore_empty {
            return Done::NEXT;
        }
        let Some(location) = self.location(txn, &given) else { return Done::Unwritable };
        if !http::check::value(&location) {
            return Done::Unwritable;
        }
        let mut headers = vec![
            (Bytes::from_static(b"location"), location),
            (Bytes::from_static(b"cache-control"), Bytes::from_static(b"no-cache")),
        ];
        // RFC 9110 15.4.2: 301, 302, 303, 307 and 308 differ in what may be cached; HAProxy tells
        // caches nothing about the permanent ones.
        if matches!(self.status, 301 | 308) {
            headers.truncate(1);
        }
        // HAProxy: its own word for 302 is "Moved Temporarily", but not here.
        let reason = if self.status == 302 { Bytes::from_static(b"Found") } else { Bytes::new() };
        if let Some(cookie) = &self.cookie {
            headers.push((Bytes::from_static(b"set-cookie"), cookie.clone()));
        }
        txn.reply = Some(Reply { status: self.status, reason, headers, ..Reply::default() });
        Done::Verdict(Verdict::Reply)
    }

    fn is_final(&self) -> bool {
        !self.ignore_empty
    }
}

impl Redirect {
    fn location(&self, txn: &Txn, given: &[u8]) -> Option<Bytes> {
        if self.to == To::Location {
            return Some(Bytes::copy_from_slice(given));
        }
        let request = txn.request.as_ref()?;
        let path = if self.drop_query { request.path() } else { request.pathq() };
        let mut path = path.unwrap_or_default().to_vec();
        if self.append_slash {
            let end = memchr::memchr(b'?', &path).unwrap_or(path.len());
            if end == 0 || path.get(end - 1) != Some(&b'/') {
                path.insert(end, b'/');
            }
        }
        let mut location = given.to_vec();
        match self.to {
            To::Scheme => {
                location.extend_from_slice(b"://");
                if let Some(host) = request.host() {
                    location.extend_from_slice(host);
                }
            }
            // HAProxy: the prefix `/` stands for no prefix, to turn absolute targets relative.
            To::Prefix if given == b"/" => location.clear(),
            To::Prefix | To::Location => {}
        }
        location.extend_from_slice(&path);
        Some(Bytes::from(location))
    }
}
