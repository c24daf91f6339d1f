//! HAProxy's configuration language: text to sections, lines and words. Knows quoting, variables
//! and conditional blocks; knows no directive, and does no I/O.
//!
//! Variables and conditions are resolved line by line, while the text is read, as HAProxy does
//! (configuration.txt 2.3: "the changes immediately take effect so that the next line sees them").
//! So the four keywords of a `global` section that change the environment (`setenv`, `presetenv`,
//! `unsetenv`, `resetenv`) are the one exception to "knows no directive": they act on the [`Env`]
//! here. Their lines stay in the tree, for the compiler to check their arguments.

pub mod condition;
pub mod feature;

mod env;
mod parse;
mod token;
mod word;

#[cfg(test)]
mod tests;

pub use env::Env;
pub use parse::parse;
pub use word::Word;

use crate::diag::Span;

/// The HAProxy release whose configuration language this is.
pub const HAPROXY_VERSION: &str = "3.0.0";

/// The most words of a line, the keyword included.
pub const MAX_LINE_ARGS: usize = 64;

/// The keywords that begin a section; they are valid everywhere and mean nothing else anywhere.
pub const SECTIONS: &[&str] = &[
    "acme",
    "backend",
    "cache",
    "crt-store",
    "defaults",
    "fcgi-app",
    "frontend",
    "global",
    "healthcheck",
    "http-errors",
    "listen",
    "log-forward",
    "log-profile",
    "mailers",
    "peers",
    "program",
    "resolvers",
    "ring",
    "tenant",
    "traces",
    "userlist",
];

/// A whole configuration, in the order of its files and lines; what conditions leave out is not
/// in it.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// The sections, in order.
    pub sections: Vec<Section>,
}

/// A section: the line that begins it, and the lines up to the next one.
#[derive(Clone, Debug)]
pub struct Section {
    /// The keyword that begins it, one of [`SECTIONS`].
    pub keyword: Word,
    /// The other words of its first line: mostly a name.
    pub args: Vec<Word>,
    /// Where the words of its first line are.
    pub span: Span,
    /// Its lines.
    pub lines: Vec<Line>,
}

/// A statement: a keyword and its arguments.
#[derive(Clone, Debug)]
pub struct Line {
    /// Its words; there is at least one.
    pub words: Vec<Word>,
    /// From its first word to its last.
    pub span: Span,
}

impl Section {
    /// Returns the name, when the section has one.
    pub fn name(&self) -> Option<&str> {
        self.args.first().map(|word| word.text.as_str())
    }
}

impl Line {
    /// Returns the text of a word; empty where there is none, as in HAProxy.
    pub fn text(&self, index: usize) -> &str {
        self.words.get(index).map_or("", |word| word.text.as_str())
    }

    /// Returns the words from `index` on.
    pub fn rest(&self, index: usize) -> &[Word] {
        self.words.get(index..).unwrap_or_default()
    }

    /// Returns where the words from `index` on are; just behind the line where there are none.
    pub fn span_from(&self, index: usize) -> Span {
        match self.words.get(index) {
            Some(word) => Span { end: self.span.end.max(word.span.start), ..word.span },
            None => Span { start: self.span.end, ..self.span },
        }
    }
}
