//! What is wrong and where: diagnostics with spans in the sources they speak of.

pub mod render;
pub mod suggest;

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
    /// Where its lines end.
    ends: Vec<usize>,
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
    /// Suspicious; told in diagnostic mode (`-dD`) alone.
    Diag,
    /// Worth knowing.
    Notice,
    /// Probably not meant so.
    Warning,
    /// The configuration is refused.
    Alert,
}

/// How HAProxy's first line names the place of a diagnostic that has a span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lead {
    /// `parsing [a.cfg:7] : message`, as HAProxy's keywords do.
    #[default]
    Keyword,
    /// `parsing [a.cfg:7]: message`, as HAProxy's reader of lines does.
    Reader,
    /// `message` alone, as HAProxy's checks after the reading do.
    Bare,
}

/// One thing to tell the user about the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Where; `None` for what has no place in a file.
    pub span: Option<Span>,
    /// How the first line names the place.
    pub lead: Lead,
    /// HAProxy's words where HAProxy has them: lower case, no final stop.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Sources {
    /// Adds a source and returns its index.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> u32 {
        let (name, text) = (name.into(), text.into());
        let ends = text.match_indices('\n').map(|(end, _)| end).collect();
        self.list.push(Source { name, text, ends });
        u32::try_from(self.list.len() - 1).unwrap_or(u32::MAX)
    }

    /// Returns the source a span lies in.
    pub fn source(&self, index: u32) -> Option<&Source> {
        self.list.get(index as usize)
    }

    /// Returns every source with its index, in the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &Source)> {
        (0..).zip(&self.list)
    }

    /// Returns the name of the file and the line, from 1, that a span starts in.
    pub fn place(&self, span: Span) -> (&str, usize) {
        let Some(source) = self.source(span.source) else { return ("", 0) };
        let before = source.ends.partition_point(|&end| end < span.start as usize);
        (&source.name, 1 + before)
    }
}

impl Diagnostic {
    /// Returns an alert: the configuration is refused.
    pub fn alert(span: Span, message: impl Into<String>) -> Self {
        Self::new(Severity::Alert, Some(span), message)
    }

    /// Returns a warning.
    pub fn warning(span: Span, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, Some(span), message)
    }

    /// Returns a notice.
    pub fn notice(span: Span, message: impl Into<String>) -> Self {
        Self::new(Severity::Notice, Some(span), message)
    }

    /// Returns a diagnostic of any severity, with or without a place.
    pub fn new(severity: Severity, span: Option<Span>, message: impl Into<String>) -> Self {
        Self { severity, span, lead: Lead::Keyword, message: message.into(), hint: None }
    }

    /// Says how the first line names the place.
    #[must_use]
    pub fn lead(mut self, lead: Lead) -> Self {
        self.lead = lead;
        self
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
