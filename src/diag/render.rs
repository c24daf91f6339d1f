//! Diagnostics as text: HAProxy's first line, then a picture of the place. Writes nothing itself.

use std::fmt::Write as _;
use std::ops::Range;

use annotate_snippets::AnnotationKind;
use annotate_snippets::Level;
use annotate_snippets::Renderer;
use annotate_snippets::Snippet;

use crate::diag::Diagnostic;
use crate::diag::Lead;
use crate::diag::Severity;
use crate::diag::Source;
use crate::diag::Sources;
use crate::diag::Span;

/// The most lines of a source that one picture shows.
const LINES: usize = 4;

/// The most bytes of one line that a picture shows.
const WIDTH: usize = 4096;

/// How diagnostics are printed.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// The process id that HAProxy's first line bears.
    pub pid: u32,
    /// Whether the picture has colours: only for a terminal.
    pub colour: bool,
}

impl Style {
    /// Returns a style without colours.
    pub fn plain(pid: u32) -> Self {
        Self { pid, colour: false }
    }
}

/// What HAProxy begins a message's further lines with.
const FURTHER: &str = "\n   | ";

/// Returns all diagnostics as text, in the order of their places; those without a place come last.
pub fn report(sources: &Sources, diagnostics: &[Diagnostic], style: Style) -> String {
    let mut sorted: Vec<&Diagnostic> = diagnostics.iter().collect();
    sorted.sort_by_key(|diagnostic| match diagnostic.span {
        Some(span) => (false, span.source, span.start),
        None => (true, 0, 0),
    });
    let mut text = String::new();
    for diagnostic in sorted {
        text.push_str(&one(sources, diagnostic, style));
    }
    text
}

/// Returns one diagnostic as text: the first line, and the picture when it has a place.
pub fn one(sources: &Sources, diagnostic: &Diagnostic, style: Style) -> String {
    let mut text = String::new();
    let message = paragraph(&diagnostic.message);
    let place = diagnostic.span.and_then(|span| Some((span, sources.source(span.source)?)));
    let lead = match (place, diagnostic.lead) {
        (None, _) | (_, Lead::Bare) => String::new(),
        (Some((span, _)), lead) => {
            let (name, line) = sources.place(span);
            let colon = if lead == Lead::Reader { ":" } else { " :" };
            format!("parsing [{}:{line}]{colon} ", printable(name))
        }
    };
    text.push_str(&line(diagnostic.severity, &format!("config : {lead}{message}"), style.pid));
    match place {
        Some((span, source)) => {
            let line = sources.place(Span { start: start_of(source, span), ..span }).1;
            text.push_str(&picture(source, span, line, diagnostic, style));
        }
        None => {
            if let Some(hint) = &diagnostic.hint {
                writeln!(text, "  = help: {}", printable(hint)).ok();
            }
        }
    }
    text
}

/// Returns the pictures alone of what has a place, without colours.
pub fn pictures(sources: &Sources, diagnostics: &[Diagnostic]) -> String {
    let mut text = String::new();
    for diagnostic in diagnostics {
        let place = diagnostic.span.and_then(|span| Some((span, sources.source(span.source)?)));
        if let Some((span, source)) = place {
            let line = sources.place(Span { start: start_of(source, span), ..span }).1;
            text.push_str(&picture(source, span, line, diagnostic, Style::plain(0)));
        }
    }
    text
}

/// Returns a line as HAProxy prints it: `[ALERT]    (7038) : text`.
pub fn line(severity: Severity, text: &str, pid: u32) -> String {
    let label = match severity {
        Severity::Diag => "[DIAG]",
        Severity::Notice => "[NOTICE]",
        Severity::Warning => "[WARNING]",
        Severity::Alert => "[ALERT]",
    };
    format!("{label:<10} ({pid}) : {text}\n")
}

/// Returns the excerpt of the source with a caret under the span.
fn picture(
    source: &Source,
    span: Span,
    first: usize,
    diagnostic: &Diagnostic,
    style: Style,
) -> String {
    let (excerpt, marked) = excerpt(source, span);
    let name = printable(&source.name);
    let title = diagnostic.message.split(FURTHER).next().unwrap_or_default();
    let title = printable(title.trim_end_matches(['.', ':']));
    let level = match diagnostic.severity {
        Severity::Alert => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Notice => Level::NOTE,
        Severity::Diag => Level::INFO,
    };
    let snippet = Snippet::source(excerpt)
        .line_start(first)
        .path(&*name)
        .annotation(AnnotationKind::Primary.span(marked));
    let mut group = level.primary_title(&*title).element(snippet);
    let hint = diagnostic.hint.as_deref().map(printable);
    if let Some(hint) = &hint {
        group = group.element(Level::HELP.message(hint.as_str()));
    }
    let renderer = if style.colour { Renderer::styled() } else { Renderer::plain() };
    let drawn = renderer.render(&[group]);
    let mut text = String::with_capacity(drawn.len() + 1);
    let lines: Vec<&str> = drawn.lines().collect();
    for (index, line) in lines.iter().enumerate() {
        // The bar between the carets and the help says nothing: leave it out.
        let next = lines.get(index + 1).is_some_and(|next| next.contains("= ") && hint.is_some());
        if !(next && index + 2 >= lines.len() && is_bar(line)) {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

/// Returns a message whose further lines stay lines, and nothing else unprintable is left.
fn paragraph(message: &str) -> String {
    message.split(FURTHER).map(printable).collect::<Vec<_>>().join(FURTHER)
}

/// Returns whether a drawn line holds the frame alone.
fn is_bar(line: &str) -> bool {
    let mut bare = String::new();
    let mut escape = false;
    for char in line.chars() {
        match char {
            '\u{1b}' => escape = true,
            'm' if escape => escape = false,
            _ if escape => {}
            _ => bare.push(char),
        }
    }
    bare.trim() == "|"
}

/// Returns the lines that a span covers, cut to what a picture can show, and the span in them.
fn excerpt(source: &Source, span: Span) -> (&str, Range<usize>) {
    let text = source.text.as_str();
    let start = start_of(source, span) as usize;
    let end = text.ceil_char_boundary((span.end as usize).clamp(start, text.len()));
    let from = text.get(..start).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    let from = from.max(text.ceil_char_boundary(start.saturating_sub(WIDTH)));
    let until = text
        .get(start..)
        .unwrap_or_default()
        .match_indices('\n')
        .map(|(at, _)| start + at)
        .filter(|&at| at >= end)
        .take(1)
        .next()
        .unwrap_or(text.len());
    let last = text
        .get(start..until)
        .unwrap_or_default()
        .match_indices('\n')
        .nth(LINES - 1)
        .map_or(until, |(at, _)| start + at);
    let last = last.min(text.floor_char_boundary(start.saturating_add(WIDTH)));
    (
        text.get(from..last).unwrap_or_default(),
        start - from..end.clamp(start, last.max(start)) - from,
    )
}

/// Returns where a span starts, moved into its source and onto a character.
fn start_of(source: &Source, span: Span) -> u32 {
    let at = source.text.floor_char_boundary(span.start as usize);
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// Returns the text without control characters, which could rewrite the terminal.
fn printable(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for char in text.chars() {
        if char.is_control() {
            clean.extend(char.escape_default());
        } else {
            clean.push(char);
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use proptest::prelude::ProptestConfig;
    use proptest::prop_assert;
    use proptest::proptest;

    use super::Style;
    use super::one;
    use super::report;
    use crate::diag::Diagnostic;
    use crate::diag::Lead;
    use crate::diag::Severity;
    use crate::diag::Sources;
    use crate::diag::Span;

    fn sources(text: &str) -> Sources {
        let mut sources = Sources::default();
        sources.add("fetch.cfg", text);
        sources
    }

    fn span(start: u32, end: u32) -> Span {
        Span { source: 0, start, end }
    }

    #[test]
    fn further_lines_of_a_message_stay_lines() {
        let sources = sources("frontend web\n");
        let message = "missing timeouts for frontend 'web'.\n   | While \u{7}not.";
        let diagnostic = Diagnostic::warning(span(0, 8), message).lead(Lead::Bare);
        let expected = "\
[WARNING]  (7) : config : missing timeouts for frontend 'web'.
   | While \\u{7}not.
warning: missing timeouts for frontend 'web'
 --> fetch.cfg:1:1
  |
1 | frontend web
  | ^^^^^^^^
";
        assert_eq!(one(&sources, &diagnostic, Style::plain(7)), expected);
    }

    #[test]
    fn unknown_keyword_is_shown_as_documented() {
        let sources = sources("1\n2\n3\n4\n5\n6\n    log-sampel path\n8\n");
        let message = "unknown keyword 'log-sampel' in 'frontend' section";
        let diagnostic =
            Diagnostic::alert(span(16, 26), message).hint("did you mean 'log-sample' ?");
        let expected = "\
[ALERT]    (7038) : config : parsing [fetch.cfg:7] : unknown keyword 'log-sampel' in 'frontend' section
error: unknown keyword 'log-sampel' in 'frontend' section
 --> fetch.cfg:7:5
  |
7 |     log-sampel path
  |     ^^^^^^^^^^
  = help: did you mean 'log-sample' ?
";
        assert_eq!(one(&sources, &diagnostic, Style::plain(7038)), expected);
    }

    #[test]
    fn leads_and_severities_are_haproxys() {
        let sources = sources("a b\n");
        let first = |diagnostic: &Diagnostic| {
            let text = one(&sources, diagnostic, Style::plain(1));
            text.lines().next().map(str::to_owned).unwrap_or_default()
        };
        let reader = Diagnostic::alert(span(0, 1), "x").lead(Lead::Reader);
        assert_eq!(first(&reader), "[ALERT]    (1) : config : parsing [fetch.cfg:1]: x");
        let bare = Diagnostic::warning(span(0, 1), "x").lead(Lead::Bare);
        assert_eq!(first(&bare), "[WARNING]  (1) : config : x");
        let notice = Diagnostic::notice(span(0, 1), "x");
        assert_eq!(first(&notice), "[NOTICE]   (1) : config : parsing [fetch.cfg:1] : x");
        let diag = Diagnostic::new(Severity::Diag, None, "x");
        assert_eq!(first(&diag), "[DIAG]     (1) : config : x");
    }

    #[test]
    fn report_is_in_order_of_places() {
        let sources = sources("a\nb\n");
        let list = [
            Diagnostic::new(Severity::Alert, None, "third"),
            Diagnostic::alert(span(2, 3), "second"),
            Diagnostic::warning(span(0, 1), "first"),
        ];
        let text = report(&sources, &list, Style::plain(1));
        let heads: Vec<&str> = text
            .lines()
            .filter(|line| line.starts_with('['))
            .filter_map(|line| line.rsplit(' ').next())
            .collect();
        assert_eq!(heads, ["first", "second", "third"]);
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        let mut sources = Sources::default();
        sources.add("a\u{1b}[2J.cfg", "x\u{1b}[2Jy\n");
        let diagnostic = Diagnostic::alert(span(0, 2), "bad \u{1b}[2J").hint("no \u{7}");
        let text = one(&sources, &diagnostic, Style::plain(1));
        assert!(!text.contains('\u{1b}') && !text.contains('\u{7}'), "{text:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_span_of_any_text_is_shown(
            text in "(\\PC|[\n\t\r\0\u{202e}]|é|漢){0,80}",
            source in 0..2_u32,
            start in 0..120_u32,
            end in 0..120_u32,
            colour in proptest::bool::ANY,
        ) {
            let sources = sources(&text);
            let diagnostic =
                Diagnostic::alert(Span { source, start, end }, "message").hint("hint");
            let shown = one(&sources, &diagnostic, Style { pid: 1, colour });
            prop_assert!(shown.starts_with("[ALERT]    (1) : config : "));
        }
    }
}
