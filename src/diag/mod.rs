//! What is wrong and where: diagnostics with spans in the sources they speak of.

/// The files a configuration was read from, in order.
#[derive(Debug, Default)]
pub struct Sources {
    list: Vec<Source>,
}

/// One file (or environment text) that words come from.
#[derive(Debug)]
pub struct Source {
    /// The name as the user gave it.
    pub name: String,
    /// The whole text; invalid UTF-8 has been replaced.
    pub text: String,
}

/// A range of bytes in one source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// Index of the source.
    pub source: u32,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// How bad it is, with HAProxy's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing.
    Notice,
    /// Probably not meant so.
    Warning,
    /// The configuration is refused.
    Alert,
}

/// One thing to tell the user about the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Where; `None` for what has no place in a file.
    pub span: Option<Span>,
    /// HAProxy's words where HAProxy has them: lower case, no final stop.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Sources {
    /// Adds a source and returns its index.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> u32 {
        self.list.push(Source { name: name.into(), text: text.into() });
        u32::try_from(self.list.len() - 1).unwrap_or(u32::MAX)
    }

    /// Returns the source a span lies in.
    pub fn source(&self, index: u32) -> Option<&Source> {
        self.list.get(index as usize)
    }

    /// Returns the name of the file and the line, from 1, that a span starts in.
    pub fn place(&self, span: Span) -> (&str, usize) {
        let Some(source) = self.source(span.source) else { return ("", 0) };
        let before = source.text.as_bytes().get(..span.start as usize).unwrap_or_default();
        (&source.name, 1 + before.iter().filter(|&&byte| byte == b'\n').count())
    }
}

impl Diagnostic {
    /// Returns an alert: the configuration is refused.
    pub fn alert(span: Span, message: impl Into<String>) -> Self {
        Self { severity: Severity::Alert, span: Some(span), message: message.into(), hint: None }
    }

    /// Returns a warning.
    pub fn warning(span: Span, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, span: Some(span), message: message.into(), hint: None }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
