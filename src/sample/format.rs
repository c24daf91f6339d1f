//! Log formats: text with `%` aliases and `%[expressions]` (HAProxy manual 8.2.6).

use bytes::Bytes;

use crate::script;
use crate::value::Type;

use super::alias;
use super::alias::Alias;
use super::alias::Flags;
use super::checkpoint::is_available;
use super::checkpoint::source_names;
use super::context::Ctx;
use super::context::Env;
use super::context::Eval;
use super::error::Error;
use super::error::Reason;
use super::error::nearest;
use super::expr::Expr;

/// `option tcplog`.
pub const TCP_FORMAT: &str =
    "%ci:%cp [%t] %ft %b/%s %Tw/%Tc/%Tt %B %ts %ac/%fc/%bc/%sc/%rc %sq/%bq";

/// `option httplog`.
pub const HTTP_FORMAT: &str = "%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc \
                               %ac/%fc/%bc/%sc/%rc %sq/%bq %hr %hs %{+Q}r";

/// `option httpslog`, as far as a connection without TLS has it.
pub const HTTPS_FORMAT: &str = "%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc \
                                %ac/%fc/%bc/%sc/%rc %sq/%bq %hr %hs %{+Q}r \
                                %[fc_err]/%[ssl_fc_err,hex]/%[ssl_c_err]/%[ssl_c_ca_err]/\
                                %[ssl_fc_is_resumed] %[ssl_fc_sni]/%sslv/%sslc";

/// `option httplog clf`.
pub const CLF_FORMAT: &str = "%{+Q}o %{-Q}ci - - [%trg] %r %ST %B \"\" \"\" %cp %ms %ft %b %s %TR \
                              %Tw %Tc %Tr %Ta %tsc %ac %fc %bc %sc %rc %sq %bq %CC %CS %hrl %hsl";

/// The line of a frontend in `mode http` without a format.
pub const DEFAULT_HTTP_FORMAT: &str = "Connect from %ci:%cp to %fi:%fp (%f/HTTP)";

/// The line of a frontend in `mode tcp` without a format.
pub const DEFAULT_FORMAT: &str = "Connect from %ci:%cp to %fi:%fp (%f/TCP)";

/// The line of a connection that fails before there is an exchange, without the cause, which
/// follows after `: `.
pub const DEFAULT_ERROR_FORMAT: &str = "%ci:%cp [%t] %f/%[so_name]";

/// How a format is read and written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Samples are made fit for headers: control characters are written as `%XX`.
    pub http: bool,
    /// What is not there is written as `-`.
    pub mandatory: bool,
    /// Spaces that follow each other are one.
    pub merge_spaces: bool,
}

impl Options {
    /// `log-format`, `error-log-format`.
    pub const LOG: Self = Self { http: false, mandatory: true, merge_spaces: true };
    /// `unique-id-format`.
    pub const ID: Self = Self { http: true, mandatory: false, merge_spaces: true };
    /// `set-header`, `return`, `redirect` and what else ends up in a message.
    pub const HTTP: Self = Self { http: true, mandatory: false, merge_spaces: false };
    /// `set-var-fmt`: text as it is.
    pub const PLAIN: Self = Self { http: false, mandatory: false, merge_spaces: false };
}

/// A format, ready to be written.
#[derive(Clone, Debug)]
pub struct Format {
    parts: Vec<Part>,
    constant: Option<Bytes>,
}

#[derive(Clone, Debug)]
enum Part {
    Text(Bytes),
    /// Spaces between fields: none follows another, so that an empty field leaves no trace.
    Space,
    Alias(&'static Alias, Flags),
    Expr(Box<Expr>, Flags),
}

impl Format {
    /// Parses a format; all mistakes are reported.
    pub fn parse(text: &str, env: &Env<'_>, options: Options) -> Result<Self, Vec<Error>> {
        let global = Flags { http: options.http, mandatory: options.mandatory, ..Flags::default() };
        let mut parser = Parser {
            text,
            at: 0,
            env,
            global,
            literal: Vec::new(),
            parts: Vec::new(),
            errors: Vec::new(),
        };
        while let Some(byte) = text.as_bytes().get(parser.at) {
            match byte {
                b'%' => parser.variable(),
                b' ' if options.merge_spaces => {
                    parser.flush();
                    parser.parts.push(Part::Space);
                    parser.at += 1;
                }
                other => {
                    parser.literal.push(*other);
                    parser.at += 1;
                }
            }
        }
        parser.flush();
        if !parser.errors.is_empty() {
            return Err(parser.errors);
        }
        let constant = match &*parser.parts {
            [] => Some(Bytes::new()),
            [Part::Text(text)] => Some(text.clone()),
            _ => None,
        };
        Ok(Self { parts: parser.parts, constant })
    }

    /// Returns the text, where it is always the same.
    pub fn as_constant(&self) -> Option<&Bytes> {
        self.constant.as_ref()
    }

    /// Tells whether a script takes part, so that only [`Format::eval`] writes all of it.
    pub fn is_scripted(&self) -> bool {
        self.exprs().any(Expr::is_scripted)
    }

    /// Tells whether rules may change the text: it shows variables, or what scripts make of them.
    pub fn follows_rules(&self) -> bool {
        self.exprs().any(|expr| expr.is_scripted() || expr.name() == "var")
    }

    /// Tells whether a script takes part that lives in the one state all workers share.
    pub fn uses_shared_state(&self, scripts: &dyn script::Registry) -> bool {
        self.exprs().any(|expr| expr.uses_shared_state(scripts))
    }

    /// Writes the text; what scripts would give is left out.
    pub fn render(&self, ctx: &Ctx<'_>, out: &mut Vec<u8>) {
        let mut spaced = true;
        for part in &self.parts {
            spaced = part.render(spaced, ctx, out);
        }
    }

    /// Writes the text, and waits for scripts that take part.
    pub async fn eval(&self, eval: Eval<'_>) -> Bytes {
        if let Some(text) = &self.constant {
            return text.clone();
        }
        let mut out = Vec::new();
        if !self.is_scripted() {
            eval.native(|ctx| self.render(ctx, &mut out));
            return out.into();
        }
        let mut spaced = true;
        for part in &self.parts {
            match part {
                Part::Expr(expr, flags) if expr.is_scripted() => {
                    let text = expr.eval_as(eval, Type::Str).await;
                    let text = text.map(crate::value::Value::into_bytes).unwrap_or_default();
                    flags.sample(&text, &mut out);
                    spaced = false;
                }
                part => {
                    eval.native(|ctx| spaced = part.render(spaced, ctx, &mut out));
                }
            }
        }
        out.into()
    }

    fn exprs(&self) -> impl Iterator<Item = &Expr> {
        self.parts.iter().filter_map(|part| match part {
            Part::Expr(expr, _) => Some(&**expr),
            Part::Text(_) | Part::Space | Part::Alias(..) => None,
        })
    }
}

impl Part {
    /// Writes the part behind a space or not; tells whether what comes next is behind one.
    fn render(&self, spaced: bool, ctx: &Ctx<'_>, out: &mut Vec<u8>) -> bool {
        let before = out.len();
        match self {
            Self::Space if spaced => {}
            Self::Space => out.push(b' '),
            Self::Text(text) => out.extend_from_slice(text),
            Self::Alias(alias, flags) => (alias.run)(ctx, *flags, out),
            Self::Expr(expr, flags) => {
                let sample = expr.sample(ctx).and_then(|sample| sample.cast(Type::Str));
                let text = sample.map(crate::value::Value::into_bytes).unwrap_or_default();
                flags.sample(&text, out);
            }
        }
        match self {
            Self::Space => true,
            Self::Alias(..) => spaced && out.len() == before,
            Self::Text(_) | Self::Expr(..) => false,
        }
    }
}

struct Parser<'a, 'e> {
    text: &'a str,
    at: usize,
    env: &'a Env<'e>,
    global: Flags,
    literal: Vec<u8>,
    parts: Vec<Part>,
    errors: Vec<Error>,
}

impl<'a> Parser<'a, '_> {
    /// Reads what begins with a `%`.
    fn variable(&mut self) {
        let start = self.at;
        self.at += 1;
        if self.peek() == Some(b'%') {
            self.literal.push(b'%');
            self.at += 1;
            return;
        }
        let mut flags = self.global;
        // HAProxy: `%(name)` names the field for encoders that write names; text has none.
        for (open, close) in [(b'(', ')'), (b'{', '}')] {
            if self.peek() != Some(open) {
                continue;
            }
            let inner = self.rest(self.at + 1);
            let Some(length) = inner.find(close) else {
                return self.truncated(start, inner.to_owned());
            };
            if open == b'{' {
                flags.change(inner.get(..length).unwrap_or_default());
            }
            self.at += length + 2;
        }
        match self.peek() {
            None => self.truncated(start, "%".to_owned()),
            Some(b'[') => self.expression(start, flags),
            Some(byte) if byte.is_ascii_alphabetic() => self.alias(start, flags),
            Some(_) => self.unknown(start, String::new()),
        }
    }

    fn alias(&mut self, start: usize, flags: Flags) {
        let rest = self.rest(self.at);
        let length = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let name = rest.get(..length).unwrap_or_default();
        self.at += length;
        if name == "o" {
            self.global = flags;
            return;
        }
        let Some(alias) = alias::find(name) else {
            return self.unknown(start, name.to_owned());
        };
        if alias.http && !self.env.http {
            let reason = Reason::HttpAlias(name.to_owned());
            self.errors.push(Error::new(start..self.at, reason));
        }
        self.flush();
        self.parts.push(Part::Alias(alias, flags));
    }

    fn expression(&mut self, start: usize, flags: Flags) {
        let begin = self.at + 1;
        let rest = self.rest(begin);
        let expr = match Expr::parse_anywhere(rest, self.env) {
            Ok((expr, length)) => {
                self.at = begin + length;
                expr
            }
            Err(error) => {
                let expression = rest.to_owned();
                let error = error.shifted(begin);
                self.at = begin + rest.find(']').map_or(rest.len(), |at| at + 1);
                let wrapped = error.map(|reason| Reason::InFormat { expression, reason });
                self.errors.push(wrapped);
                return;
            }
        };
        if self.peek() != Some(b']') {
            let after = self.text.get(begin..self.at).unwrap_or_default().to_owned();
            let reason = Reason::MissingBracket(after);
            self.errors.push(Error::new(start..self.text.len(), reason));
            self.at = self.text.len();
            return;
        }
        if !is_available(expr.sources(), self.env.checkpoint) {
            let sources = source_names(expr.sources());
            let reason = Reason::NotHereInFormat { expression: rest.to_owned(), sources };
            self.errors.push(Error::new(begin..self.at, reason));
        }
        self.at += 1;
        self.flush();
        self.parts.push(Part::Expr(Box::new(expr), flags));
    }

    fn truncated(&mut self, start: usize, after: String) {
        let range = start..self.text.len();
        self.errors.push(Error::new(range, Reason::TruncatedFormat(after)));
        self.at = self.text.len();
    }

    fn unknown(&mut self, start: usize, name: String) {
        let hint = nearest(&name, alias::names());
        let error = Error::new(start..self.at, Reason::UnknownAlias(name)).with_hint(hint);
        self.errors.push(error);
    }

    /// Ends a run of plain text.
    fn flush(&mut self) {
        if !self.literal.is_empty() {
            self.parts.push(Part::Text(std::mem::take(&mut self.literal).into()));
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(&self, from: usize) -> &'a str {
        self.text.get(from..).unwrap_or_default()
    }
}
