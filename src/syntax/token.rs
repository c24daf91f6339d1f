//! One line to words: quotes, escapes, variables (configuration.txt 2.2 and 2.3).

use crate::diag::Diagnostic;
use crate::diag::Lead;
use crate::diag::Span;

use super::Env;
use super::MAX_LINE_ARGS;
use super::Word;
use super::word::Builder;
use super::word::to_u32;

/// What a line is read with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context<'a> {
    /// The environment that variables are looked up in.
    pub env: &'a Env,
    /// Index of the source.
    pub source: u32,
    /// Name of the source: the variable `.FILE`.
    pub file: &'a str,
    /// Number of the line: the variable `.LINE`.
    pub number: usize,
    /// Name of the section, or its keyword where it has none: the variable `.SECTION`.
    pub section: &'a str,
}

/// What a line holds.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    /// The words; with mistakes in the line, what could be made of it.
    pub words: Vec<Word>,
    /// The mistakes: with any of them, the line means nothing.
    pub mistakes: Vec<Diagnostic>,
}

/// Cuts a line, without its line feed, into words. `start` is where it begins in the source.
/// The condition behind `.if` and `.elif` is one word, with one blank for each run of them.
pub(super) fn tokenize(line: &str, start: usize, context: Context<'_>) -> Tokens {
    let mut scanner = Scanner::new(line, to_u32(start), context);
    scanner.run();
    let mut tokens = scanner.out;
    truncate(&mut tokens, start);
    tokens
}

/// Returns the text of a condition that is given outside of any file: variables and quotes as in a
/// line, but nothing begins a comment. Fails with what is wrong, without a position.
pub(super) fn unquote(text: &str, env: &Env) -> Result<String, String> {
    let context = Context { env, source: 0, file: "", number: 0, section: "" };
    let mut scanner = Scanner::new(text, 0, context);
    scanner.whole = true;
    scanner.comments = false;
    scanner.run();
    if let Some(mistake) = scanner.out.mistakes.first() {
        let what = mistake.message.split(" at position ").next().unwrap_or_default();
        return Err(what.to_owned());
    }
    Ok(scanner.out.words.into_iter().next().map_or_else(String::new, |word| word.text))
}

/// Refuses words beyond the most that a line may have.
fn truncate(tokens: &mut Tokens, start: usize) {
    if tokens.words.len() <= MAX_LINE_ARGS {
        return;
    }
    let extra = tokens.words.split_off(MAX_LINE_ARGS);
    if let (Some(kept), Some(first), Some(last)) =
        (tokens.words.last(), extra.first(), extra.last())
    {
        let position = (kept.span.start as usize).saturating_sub(start);
        let message = format!(
            "too many words, truncating after word {MAX_LINE_ARGS}, position {position}: <{}>.",
            kept.text
        );
        let span = Span { end: last.span.end, ..first.span };
        tokens.mistakes.push(Diagnostic::alert(span, message).lead(Lead::Reader));
    }
}

/// A place in a line.
struct Scanner<'a> {
    text: &'a str,
    line: &'a [u8],
    start: u32,
    at: usize,
    context: Context<'a>,
    word: Builder,
    /// Whether the place is inside double quotes.
    quoted: bool,
    /// Whether blanks belong to the word: in the condition of `.if` and `.elif`.
    whole: bool,
    /// Whether a hash begins a comment.
    comments: bool,
    out: Tokens,
}

impl<'a> Scanner<'a> {
    fn new(text: &'a str, start: u32, context: Context<'a>) -> Self {
        Self {
            text,
            line: text.as_bytes(),
            start,
            at: 0,
            context,
            word: Builder::default(),
            quoted: false,
            whole: false,
            comments: true,
            out: Tokens::default(),
        }
    }

    fn run(&mut self) {
        let mut quote = 0;
        while let Some(byte) = self.peek(0) {
            match byte {
                b'"' => {
                    self.word.begin(self.place(self.at));
                    quote = self.at;
                    self.quoted = !self.quoted;
                    self.at += 1;
                }
                b'\\' => self.escape(),
                b'$' if self.quoted => self.variable(),
                // HAProxy: a carriage return ends a line, unless it stands before a word.
                b'\r' if self.quoted || self.word.is_open() => break,
                b'\r' => self.at += 1,
                _ if self.quoted => self.take(byte),
                b'#' if self.comments => break,
                _ if is_blank(byte) => self.blanks(),
                b'\'' => {
                    if !self.strong() {
                        return;
                    }
                }
                _ => self.take(byte),
            }
        }
        if self.quoted {
            self.mistake("unmatched quote", quote, 1);
        }
        self.end_word(self.at);
    }

    /// Takes a run of blanks: it ends a word, or is one blank of a condition.
    fn blanks(&mut self) {
        let rest = self.line.get(self.at..).unwrap_or_default();
        let length = rest.iter().take_while(|&&byte| is_blank(byte)).count();
        if self.whole && self.word.is_open() {
            self.replace(b" ", length);
        } else {
            self.end_word(self.at);
            self.at += length;
        }
    }

    /// Takes a text in single quotes; returns false when it has no end.
    fn strong(&mut self) -> bool {
        let open = self.at;
        self.word.begin(self.place(open));
        let rest = self.line.get(open + 1..).unwrap_or_default();
        let end = |&byte: &u8| byte == b'\'' || byte == b'\r';
        let Some(length) = rest.iter().position(end).filter(|&at| rest.get(at) == Some(&b'\''))
        else {
            self.mistake("unmatched quote", open, 1);
            self.end_word(self.line.len());
            return false;
        };
        for (index, &byte) in rest.iter().take(length).enumerate() {
            self.word.push(byte, self.place(open + 1 + index));
        }
        self.at = open + length + 2;
        true
    }

    /// Takes a backslash and what it protects; it stands for itself where it protects nothing.
    fn escape(&mut self) {
        let value = match self.peek(1) {
            Some(byte @ (b' ' | b'\\' | b'#' | b'\'' | b'"')) => byte,
            Some(b'$') if self.quoted => b'$',
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'x') => return self.hexadecimal(),
            _ => return self.take(b'\\'),
        };
        self.replace(&[value], 2);
    }

    fn hexadecimal(&mut self) {
        let digit = |ahead| char::from(self.peek(ahead)?).to_digit(16);
        match (digit(2), digit(3)) {
            (Some(high), Some(low)) => {
                let byte = u8::try_from(high * 16 + low).unwrap_or_default();
                self.replace(&[byte], 4);
            }
            _ => {
                self.mistake("truncated or invalid hexadecimal sequence", self.at, 2);
                self.at += 2;
            }
        }
    }

    /// Takes a variable: `$NAME`, `${NAME}`, `${NAME-default}`, `${NAME[*]}`.
    fn variable(&mut self) {
        let open = self.at;
        let brace = self.peek(1) == Some(b'{');
        let first = open + 1 + usize::from(brace);
        let length = self.name_length(first);
        let name = self.slice(first, first + length);
        let Some(value) = self.lookup(&name) else {
            self.mistake("forbidden first char in environment variable name", first, 1);
            self.at = first + length;
            return;
        };
        self.at = first + length;
        if !brace {
            self.replace_from(open, value.unwrap_or_default().as_bytes());
            return;
        }
        let list = self.peek(0) == Some(b'[');
        if list {
            if (self.peek(1), self.peek(2)) != (Some(b'*'), Some(b']')) {
                self.mistake("truncated or invalid word expansion sequence", self.at, 1);
                return;
            }
            self.at += 3;
        }
        let mut default = None;
        if self.peek(0) == Some(b'-') {
            let rest = self.line.get(self.at..).unwrap_or_default();
            let end = rest.iter().position(|&byte| byte == b'}').unwrap_or(rest.len());
            default = Some(self.slice(self.at + 1, self.at + end));
            self.at += end;
        }
        if self.peek(0) != Some(b'}') {
            self.mistake("unmatched brace in environment variable name", first - 1, 1);
            return;
        }
        self.at += 1;
        let value = value.or(default).unwrap_or_default();
        if list {
            self.expand(&value, open);
        } else {
            self.replace_from(open, value.as_bytes());
        }
    }

    /// Returns the length of the name of a variable; a dot may begin it.
    fn name_length(&self, first: usize) -> usize {
        let rest = self.line.get(first..).unwrap_or_default();
        let dot = usize::from(rest.first() == Some(&b'.'));
        let name = rest.iter().skip(dot);
        dot + name.take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count()
    }

    /// Returns what a name stands for (`Some(None)`: not set); `None` where it is no name.
    fn lookup(&self, name: &str) -> Option<Option<String>> {
        match name.as_bytes().first() {
            Some(b'.') => match name {
                ".FILE" => Some(Some(self.context.file.to_owned())),
                ".LINE" => Some(Some(self.context.number.to_string())),
                ".SECTION" => Some(Some(self.context.section.to_owned())),
                _ => None,
            },
            Some(first) if !first.is_ascii_digit() => {
                Some(self.context.env.get(name).map(ToOwned::to_owned))
            }
            _ => None,
        }
    }

    /// Adds a value as words: a blank in it ends the word, and the next one begins.
    fn expand(&mut self, value: &str, open: usize) {
        for (index, part) in split_blanks(value).into_iter().enumerate() {
            if index > 0 {
                self.end_word(self.at);
            }
            self.word.begin(self.place(open));
            self.replace_from(open, part.as_bytes());
        }
    }

    fn end_word(&mut self, end: usize) {
        if let Some(word) = self.word.finish(self.context.source, self.place(end)) {
            self.whole |= self.out.words.is_empty() && matches!(&*word.text, ".if" | ".elif");
            self.out.words.push(word);
        }
    }

    /// Reports a mistake at a byte of the line, in HAProxy's words: positions are from 1.
    fn mistake(&mut self, what: &str, at: usize, length: usize) {
        let start = self.text.floor_char_boundary(at);
        let end = self.text.ceil_char_boundary(at + length);
        let span =
            Span { source: self.context.source, start: self.place(start), end: self.place(end) };
        let message = format!("{what} at position {}", at + 1);
        self.out.mistakes.push(Diagnostic::alert(span, message).lead(Lead::Reader));
    }

    fn take(&mut self, byte: u8) {
        self.word.push(byte, self.place(self.at));
        self.at += 1;
    }

    fn replace(&mut self, bytes: &[u8], length: usize) {
        let open = self.at;
        self.at += length;
        self.replace_from(open, bytes);
    }

    /// Adds bytes that the source from `open` to here stands for.
    fn replace_from(&mut self, open: usize, bytes: &[u8]) {
        let source = self.place(open)..self.place(self.at);
        self.word.replace(bytes, source);
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.line.get(self.at + ahead).copied()
    }

    fn slice(&self, from: usize, until: usize) -> String {
        let bytes = self.line.get(from..until).unwrap_or_default();
        String::from_utf8_lossy(bytes).into_owned()
    }

    fn place(&self, at: usize) -> u32 {
        self.start.saturating_add(to_u32(at))
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | 0x0b | 0x0c)
}

/// Cuts a value at its runs of blanks; one at an end leaves an empty part there, as in HAProxy.
fn split_blanks(value: &str) -> Vec<&str> {
    let blank = |byte: char| byte.is_ascii_whitespace() || byte == '\u{b}';
    let mut parts = Vec::new();
    let mut rest = value;
    while let Some(at) = rest.find(blank) {
        let (part, after) = rest.split_at(at);
        parts.push(part);
        rest = after.trim_start_matches(blank);
    }
    parts.push(rest);
    parts
}
