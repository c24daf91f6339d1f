//! Answers that a rule makes: `return`, `deny`, `tarpit`, `auth`.

use bytes::Bytes;

use crate::http;
use crate::syntax::Word;
use crate::txn::Direction;
use crate::txn::Reply;
use crate::txn::Txn;
use crate::value::Value;

use super::Kind;
use super::Verdict;
use super::action;
use super::action::Act;
use super::action::Action;
use super::action::Done;
use super::header;
use super::parse::Failed;
use super::parse::Parser;

/// The statuses that HAProxy has an answer of its own for.
pub const ERROR_STATUSES: &[u16] = &[
    200, 400, 401, 403, 404, 405, 407, 408, 410, 413, 421, 422, 425, 429, 500, 501, 502, 503, 504,
];

/// An answer and how the exchange ends with it.
#[derive(Debug)]
struct Answer {
    verdict: Verdict,
    status: u16,
    reason: Bytes,
    /// Headers that need no evaluation.
    fixed: Vec<(Bytes, Bytes)>,
    /// Headers whose values are inputs, in order.
    headers: Vec<(Bytes, usize)>,
    content_type: Option<Bytes>,
    body: Body,
    from_error_files: bool,
}

#[derive(Debug)]
enum Body {
    None,
    Fixed(Bytes),
    Input(usize),
}

/// `return ...`
pub(super) fn return_(parser: &mut Parser<'_>) -> Result<Action, Failed> {
    answer(parser, Verdict::Reply, 200)
}

/// `deny ...`
pub(super) fn deny(parser: &mut Parser<'_>) -> Result<Action, Failed> {
    let status = if parser.kind() == Kind::HttpResponse { 502 } else { 403 };
    answer(parser, Verdict::Deny, status)
}

/// `tarpit ...`
pub(super) fn tarpit(parser: &mut Parser<'_>) -> Result<Action, Failed> {
    answer(parser, Verdict::Tarpit, 500)
}

/// `auth [realm <realm>]`
pub(super) fn auth(parser: &mut Parser<'_>) -> Result<Action, Failed> {
    let mut realm = parser.context().name.to_owned();
    if parser.take_keyword("realm") {
        let Some(word) = parser.next_argument() else {
            return Err(parser.fail_at_last("missing realm value"));
        };
        realm.clone_from(&word.text);
    }
    // RFC 9110 5.6.4: within a quoted string, a quote and a backslash are escaped.
    let realm = realm.replace('\\', "\\\\").replace('"', "\\\"");
    if !http::check::value(realm.as_bytes()) {
        return Err(parser.fail_at_last("invalid realm value"));
    }
    Ok(parser.act(Auth { challenge: Bytes::from(format!("Basic realm=\"{realm}\"")) }))
}

/// What has been read of an answer.
struct Draft {
    answer: Answer,
    /// The word that says what the body is.
    payload: Option<String>,
    error_file: bool,
    named_headers: bool,
}

fn answer(parser: &mut Parser<'_>, verdict: Verdict, status: u16) -> Result<Action, Failed> {
    let answer = Answer {
        verdict,
        status,
        reason: Bytes::new(),
        fixed: Vec::new(),
        headers: Vec::new(),
        content_type: None,
        body: Body::None,
        from_error_files: false,
    };
    let mut draft = Draft { answer, payload: None, error_file: false, named_headers: false };
    let bare = parser.peek().is_none();
    while let Some(word) = parser.peek() {
        if !draft.read(parser, &word.text.clone(), verdict)? {
            break;
        }
    }
    // HAProxy: without any word, what denies uses the error files.
    draft.answer.from_error_files |= bare && verdict != Verdict::Reply;
    draft.finish(parser)
}

impl Draft {
    /// Reads one parameter; false where the word is none.
    fn read(
        &mut self,
        parser: &mut Parser<'_>,
        keyword: &str,
        verdict: Verdict,
    ) -> Result<bool, Failed> {
        match keyword {
            "status" => self.status(parser)?,
            "deny_status" if verdict != Verdict::Reply => {
                self.status(parser)?;
                self.answer.from_error_files = true;
            }
            "content-type" => {
                let word = argument(parser, "'content-type' expects <ctype> as argument")?;
                if !http::check::value(word.bytes()) {
                    return Err(parser.fail_at_last("invalid content type"));
                }
                self.answer.content_type = Some(Bytes::copy_from_slice(word.bytes()));
            }
            "default-errorfiles" => {
                parser.next_argument();
                self.payload(parser, keyword)?;
                self.answer.from_error_files = true;
                self.error_file = true;
            }
            "errorfiles" => {
                parser.next_argument();
                let message = "'errorfiles' is known to HAProxy but not supported yet";
                return Err(parser.fail_at_last(message));
            }
            "errorfile" => self.error_file(parser)?,
            "file" | "lf-file" => self.file(parser, keyword == "lf-file")?,
            "string" => {
                let word = argument(parser, "'string' expects <str> as argument")?;
                self.payload(parser, keyword)?;
                self.answer.body = Body::Fixed(Bytes::copy_from_slice(word.bytes()));
            }
            "lf-string" => {
                let word = argument(parser, "'lf-string' expects <fmt> as argument")?;
                self.payload(parser, keyword)?;
                self.answer.body = Body::Input(parser.format(word)?);
            }
            "hdr" => self.header(parser)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn status(&mut self, parser: &mut Parser<'_>) -> Result<(), Failed> {
        let word = argument(parser, "'status' expects <status_code> as argument")?;
        // HAProxy reads the digits and forgets what follows.
        let end = word.text.find(|byte: char| !byte.is_ascii_digit()).unwrap_or(word.text.len());
        let status = word.text.get(..end).and_then(|digits| digits.parse().ok());
        match status.filter(|status| (200..=599).contains(status)) {
            Some(status) => self.answer.status = status,
            None => {
                let message = format!("Unexpected status code '{}'", word.text);
                return Err(parser.fail_at_last(message));
            }
        }
        Ok(())
    }

    fn header(&mut self, parser: &mut Parser<'_>) -> Result<(), Failed> {
        parser.next_argument();
        let message = "'hdr' expects <name> and <value> as arguments";
        let [name, value] = parser.arguments(message)?;
        self.named_headers = true;
        let lower = name.text.to_ascii_lowercase();
        if matches!(lower.as_str(), "content-length" | "transfer-encoding" | "content-type") {
            parser.warn(format!("header '{}' always ignored by the http reply.", name.text));
            return Ok(());
        }
        let name = header::header_name(parser, name)?;
        let input = parser.format(value)?;
        self.answer.headers.push((name, input));
        Ok(())
    }

    fn error_file(&mut self, parser: &mut Parser<'_>) -> Result<(), Failed> {
        let word = argument(parser, "'errorfile' expects <fullpath> as argument")?;
        self.payload(parser, "errorfile")?;
        let bytes = read(parser, word)?;
        let Ok(reply) = read_message(&bytes) else {
            let message = format!("'{}': unable to parse headers (error offset: 0)", word.text);
            return Err(parser.fail_at_last(message));
        };
        self.answer.status = reply.status;
        self.answer.reason = reply.reason;
        self.answer.fixed = reply.headers;
        self.answer.body = Body::Fixed(reply.body);
        self.error_file = true;
        Ok(())
    }

    fn file(&mut self, parser: &mut Parser<'_>, format: bool) -> Result<(), Failed> {
        let what = if format { "lf-file" } else { "file" };
        let word = argument(parser, &format!("'{what}' expects <file> as argument"))?;
        self.payload(parser, what)?;
        let bytes = read(parser, word)?;
        self.answer.body = if format {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            Body::Input(parser.format(&Word::new(text, word.span))?)
        } else {
            Body::Fixed(Bytes::from(bytes))
        };
        Ok(())
    }

    /// Notes what the body is; there may be one such word only.
    fn payload(&mut self, parser: &mut Parser<'_>, keyword: &str) -> Result<(), Failed> {
        if let Some(first) = self.payload.replace(keyword.to_owned()) {
            let message = format!("unexpected '{keyword}' argument, '{first}' already defined");
            return Err(parser.fail_at_last(message));
        }
        Ok(())
    }

    fn finish(mut self, parser: &mut Parser<'_>) -> Result<Action, Failed> {
        if self.answer.from_error_files && !ERROR_STATUSES.contains(&self.answer.status) {
            self.answer.from_error_files = false;
        }
        let empty = match &self.answer.body {
            Body::None => true,
            Body::Fixed(bytes) => bytes.is_empty(),
            Body::Input(_) => false,
        };
        if self.error_file {
            if self.named_headers {
                parser
                    .warn("hdr parameters ignored by the http reply when used with an erorrfile.");
                self.answer.headers.clear();
            }
        } else if let Some(content_type) = self.answer.content_type.take_if(|_| empty) {
            parser.warn(format!(
                "content-type '{}' ignored by the http reply because neither errorfile nor \
                 payload defined.",
                String::from_utf8_lossy(&content_type)
            ));
        } else if !empty && self.answer.content_type.is_none() {
            let message = "a content type must be defined when non-empty payload is configured";
            return Err(parser.fail_at_last(message));
        }
        Ok(parser.act(self.answer))
    }
}

/// Takes the keyword and its argument.
fn argument<'a>(parser: &mut Parser<'a>, message: &str) -> Result<&'a Word, Failed> {
    parser.next_argument();
    // HAProxy: an empty argument is as good as none.
    let word = parser.next_argument().filter(|word| !word.text.is_empty());
    word.ok_or_else(|| parser.fail_at_last(message))
}

fn read(parser: &mut Parser<'_>, word: &Word) -> Result<Vec<u8>, Failed> {
    (parser.context().read)(&word.text)
        .map_err(|_| parser.fail_at_last(format!("error opening file '{}'", word.text)))
}

impl Act for Answer {
    fn run(&self, txn: &mut Txn, inputs: &mut [Option<Value>], _: Direction) -> Done {
        let mut headers = self.fixed.clone();
        for (name, input) in &self.headers {
            let value = action::take_text(inputs, *input);
            if !http::check::value(&value) {
                return Done::Unwritable;
            }
            headers.push((name.clone(), value));
        }
        let body = match &self.body {
            Body::None => Bytes::new(),
            Body::Fixed(bytes) => bytes.clone(),
            Body::Input(input) => action::take_text(inputs, *input),
        };
        if let Some(content_type) = &self.content_type {
            headers.push((Bytes::from_static(b"content-type"), content_type.clone()));
        }
        txn.reply = Some(Reply {
            status: self.status,
            reason: self.reason.clone(),
            headers,
            body,
            from_error_files: self.from_error_files,
        });
        Done::Verdict(self.verdict)
    }

    fn is_final(&self) -> bool {
        true
    }
}

/// The answer that asks for a name and a password.
#[derive(Debug)]
struct Auth {
    challenge: Bytes,
}

impl Act for Auth {
    fn run(&self, txn: &mut Txn, _: &mut [Option<Value>], _: Direction) -> Done {
        // HAProxy: a target with a scheme or an authority is a request to a proxy.
        let proxied = txn.request.as_ref().is_some_and(|request| request.authority().is_some());
        let (status, name) =
            if proxied { (407, "proxy-authenticate") } else { (401, "www-authenticate") };
        let headers = vec![(Bytes::from_static(name.as_bytes()), self.challenge.clone())];
        txn.reply = Some(Reply { status, headers, from_error_files: true, ..Reply::default() });
        Done::Verdict(Verdict::Reply)
    }

    fn is_final(&self) -> bool {
        true
    }
}

/// Reads a whole answer, as an `errorfile` has it; lines may end with a line feed alone. The
/// lengths in its headers are left out, for they are added when it is sent. Gives the offset of
/// what is wrong.
pub fn read_message(bytes: &[u8]) -> Result<Reply, usize> {
    let mut offset = 0;
    let mut reply = Reply::default();
    loop {
        let rest = bytes.get(offset..).unwrap_or_default();
        let Some(end) = memchr::memchr(b'\n', rest) else { return Err(offset) };
        let line = rest.get(..end).unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if reply.status == 0 {
            read_status(line, &mut reply).ok_or(offset)?;
        } else if line.is_empty() {
            offset += end + 1;
            break;
        } else {
            read_header(line, &mut reply).map_err(|at| offset + at)?;
        }
        offset += end + 1;
    }
    reply.body = Bytes::copy_from_slice(bytes.get(offset..).unwrap_or_default());
    Ok(reply)
}

fn read_status(line: &[u8], reply: &mut Reply) -> Option<()> {
    let line = std::str::from_utf8(line).ok()?;
    let (version, rest) = line.split_once(' ')?;
    let (status, reason) = rest.split_once(' ').unwrap_or((rest, ""));
    if !version.starts_with("HTTP/1.") || !http::check::reason(reason.as_bytes()) {
        return None;
    }
    reply.status = status.parse().ok().filter(|status| (200..=599).contains(status))?;
    reply.reason = Bytes::copy_from_slice(reason.as_bytes());
    Some(())
}

/// Reads a header; gives the offset of the first byte that has no place there.
fn read_header(line: &[u8], reply: &mut Reply) -> Result<(), usize> {
    let length = line.iter().take_while(|byte| http::check::is_token_byte(**byte)).count();
    let (name, rest) = line.split_at(length);
    let Some(value) = rest.strip_prefix(b":").filter(|_| length > 0) else { return Err(length) };
    let value = value.trim_ascii();
    if !http::check::value(value) {
        return Err(length);
    }
    let name = name.to_ascii_lowercase();
    if !matches!(name.as_slice(), b"content-length" | b"transfer-encoding" | b"connection") {
        reply.headers.push((Bytes::from(name), Bytes::copy_from_slice(value)));
    }
    Ok(())
}
