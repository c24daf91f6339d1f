//! Sources to a tree: sections, conditional blocks, messages, and the environment on the way.

use crate::diag::Diagnostic;
use crate::diag::Lead;
use crate::diag::Severity;
use crate::diag::Source;
use crate::diag::Sources;
use crate::diag::Span;
use crate::diag::suggest;

use super::Env;
use super::Line;
use super::SECTIONS;
use super::Section;
use super::Tree;
use super::Word;
use super::condition;
use super::token;
use super::word::to_u32;

/// The keywords that act on the lines around them.
const DIRECTIVES: &[&str] =
    &[".alert", ".diag", ".elif", ".else", ".endif", ".if", ".notice", ".warning"];

/// Reads all sources, in order. What `global` sections set in the environment stays set.
pub fn parse(sources: &Sources, env: &mut Env) -> (Tree, Vec<Diagnostic>) {
    let mut tree = Tree::default();
    let mut diagnostics = Vec::new();
    for (index, source) in sources.iter() {
        let mut parser = Parser {
            index,
            source,
            env,
            first: tree.sections.len(),
            tree: &mut tree,
            diagnostics: &mut diagnostics,
            blocks: Vec::new(),
        };
        parser.run();
    }
    (tree, diagnostics)
}

/// The reading of one source.
struct Parser<'a> {
    index: u32,
    source: &'a Source,
    env: &'a mut Env,
    /// How many sections there were before this source: it cannot go on with one of them.
    first: usize,
    tree: &'a mut Tree,
    diagnostics: &'a mut Vec<Diagnostic>,
    blocks: Vec<Block>,
}

/// A conditional block that is open.
struct Block {
    branch: Branch,
    /// Whether its `.else` has been seen.
    last: bool,
    /// Where its `.if` is.
    span: Span,
}

/// What happens to the lines of a block.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Branch {
    /// They count.
    Taken,
    /// They do not, but a later branch may.
    Waiting,
    /// They do not, nor do those of any later branch.
    Over,
}

impl Parser<'_> {
    fn run(&mut self) {
        let mut start = self.byte_order_mark();
        let text = self.source.text.as_str();
        let mut number = 0;
        while start < text.len() {
            number += 1;
            let rest = text.get(start..).unwrap_or_default();
            let line = rest.split_once('\n').map_or(rest, |(line, _)| line);
            let end = start + line.len();
            self.line(line, start, number);
            if end == text.len() {
                let message = format!(
                    "Missing LF on last line, file might have been truncated at position {}.",
                    line.len() + 1
                );
                self.alert(self.span(end, end), message);
            }
            start = end + 1;
        }
        for block in std::mem::take(&mut self.blocks) {
            self.alert(block.span, "non-terminated '.if' block.");
        }
    }

    /// Refuses a byte order mark, as HAProxy does, but goes on behind it.
    fn byte_order_mark(&mut self) -> usize {
        let mark = "\u{feff}";
        let Some(rest) = self.source.text.strip_prefix(mark) else { return 0 };
        let first = rest.split_ascii_whitespace().next().unwrap_or_default();
        let span = self.span(0, mark.len());
        let message = format!("unknown keyword '{mark}{first}' out of section.");
        self.diagnostics.push(
            Diagnostic::alert(span, message)
                .lead(Lead::Reader)
                .hint("the file begins with a byte order mark: save it as UTF-8 without one"),
        );
        mark.len()
    }

    fn line(&mut self, line: &str, start: usize, number: usize) {
        if let Some(at) = line.find('\0') {
            let message = format!("Stray NUL character at position {}.", at + 1);
            self.alert(self.span(start + at, start + at + 1), message);
            return;
        }
        let section = self.tree.sections.get(self.first..).and_then(<[_]>::last);
        let tokens = token::tokenize(
            line,
            start,
            token::Context {
                env: self.env,
                source: self.index,
                file: &self.source.name,
                number,
                section: section.map_or("", |it| it.name().unwrap_or(&it.keyword.text)),
            },
        );
        let broken = !tokens.mistakes.is_empty();
        self.diagnostics.extend(tokens.mistakes);
        let mut words = tokens.words.into_iter();
        let Some(keyword) = words.next() else { return };
        let args: Vec<Word> = words.collect();
        if keyword.text.starts_with('.') {
            self.directive(&keyword, &args, broken);
        } else if self.is_active() {
            self.statement(keyword, args, broken);
        }
    }

    fn statement(&mut self, keyword: Word, args: Vec<Word>, broken: bool) {
        let end = args.last().unwrap_or(&keyword).span.end;
        let span = Span { end, ..keyword.span };
        if SECTIONS.contains(&keyword.text.as_str()) {
            // A mistake in its line does not move the lines of a section to the one before.
            self.tree.sections.push(Section { keyword, args, span, lines: Vec::new() });
            return;
        }
        let section = self.tree.sections.get_mut(self.first..).and_then(<[_]>::last_mut);
        let Some(section) = section else {
            if !broken {
                self.out_of_section(&keyword);
            }
            return;
        };
        if broken {
            return;
        }
        if section.keyword.text == "global" {
            apply(&keyword.text, &args, self.env);
        }
        let mut words = vec![keyword];
        words.extend(args);
        section.lines.push(Line { words, span });
    }

    fn out_of_section(&mut self, keyword: &Word) {
        let message = format!("unknown keyword '{}' out of section.", keyword.text);
        let mut diagnostic = Diagnostic::alert(keyword.span, message).lead(Lead::Reader);
        diagnostic.hint = suggest::hint(&keyword.text, SECTIONS.iter().copied());
        self.diagnostics.push(diagnostic);
    }

    fn directive(&mut self, keyword: &Word, args: &[Word], broken: bool) {
        match keyword.text.as_str() {
            ".if" => {
                let branch = if self.is_active() {
                    self.condition(keyword, args, broken)
                } else {
                    Branch::Over
                };
                self.blocks.push(Block { branch, last: false, span: keyword.span });
            }
            ".elif" => {
                if let Some(branch) = self.next_branch(keyword) {
                    let branch = match branch {
                        Branch::Waiting => self.condition(keyword, args, broken),
                        Branch::Taken | Branch::Over => Branch::Over,
                    };
                    self.set_branch(branch, false);
                }
            }
            ".else" => {
                self.no_argument(keyword, args, broken);
                if let Some(branch) = self.next_branch(keyword) {
                    let waiting = branch == Branch::Waiting;
                    self.set_branch(if waiting { Branch::Taken } else { Branch::Over }, true);
                }
            }
            ".endif" => {
                self.no_argument(keyword, args, broken);
                if self.blocks.pop().is_none() {
                    self.alert(keyword.span, "lone '.endif' with no matching '.if'.");
                }
            }
            // What to tell is not known when the line has a mistake.
            _ if broken || !self.is_active() => {}
            ".alert" => self.message(Severity::Alert, keyword, args),
            ".diag" => self.message(Severity::Diag, keyword, args),
            ".notice" => self.message(Severity::Notice, keyword, args),
            ".warning" => self.message(Severity::Warning, keyword, args),
            name => {
                let message = format!("unknown directive '{name}'.");
                let mut diagnostic = Diagnostic::alert(keyword.span, message).lead(Lead::Reader);
                diagnostic.hint = suggest::hint(name, DIRECTIVES.iter().copied());
                self.diagnostics.push(diagnostic);
            }
        }
    }

    /// Returns the branch that ends here, unless the block cannot go on.
    fn next_branch(&mut self, keyword: &Word) -> Option<Branch> {
        let name = &keyword.text;
        let (branch, last) = match self.blocks.last() {
            Some(block) => (block.branch, block.last),
            None => {
                self.alert(keyword.span, format!("lone '{name}' with no matching '.if'."));
                return None;
            }
        };
        if last {
            self.alert(keyword.span, format!("'{name}' after '.else' is not permitted."));
            return None;
        }
        Some(branch)
    }

    fn set_branch(&mut self, branch: Branch, last: bool) {
        if let Some(block) = self.blocks.last_mut() {
            block.branch = branch;
            block.last = last;
        }
    }

    /// Evaluates a condition. With a mistake in it no branch counts: what the author meant is not
    /// known, and one mistake is to be told once.
    fn condition(&mut self, keyword: &Word, args: &[Word], broken: bool) -> Branch {
        if broken {
            return Branch::Over;
        }
        let Some(word) = args.first() else { return Branch::Waiting };
        match condition::eval(&word.text, self.env) {
            Ok(true) => Branch::Taken,
            Ok(false) => Branch::Waiting,
            Err(error) => {
                let (what, position) = (error.message, error.at.start + 1);
                let name = &keyword.text;
                let message = format!("{what} in '{name}' at position {position}");
                let bad = word.text.get(error.at.clone()).unwrap_or_default();
                let mut diagnostic =
                    Diagnostic::alert(word.sub(error.at), message).lead(Lead::Reader);
                let name = bad.split(['(', ' ']).next().unwrap_or_default();
                diagnostic.hint = suggest::hint(name, condition::predicates());
                self.diagnostics.push(diagnostic);
                Branch::Over
            }
        }
    }

    fn no_argument(&mut self, keyword: &Word, args: &[Word], broken: bool) {
        if let Some(extra) = args.first().filter(|extra| !broken && !extra.text.is_empty()) {
            let message = format!("Unexpected argument '{}' for '{}'.", extra.text, keyword.text);
            self.alert(extra.span, message);
        }
    }

    fn message(&mut self, severity: Severity, keyword: &Word, args: &[Word]) {
        if let Some(extra) = args.get(1).filter(|extra| !extra.text.is_empty()) {
            let message = format!(
                "Unexpected argument '{}' for '{}'. Use quotes if the message should contain \
                 spaces.",
                extra.text, keyword.text
            );
            self.alert(extra.span, message);
            return;
        }
        let word = args.first().unwrap_or(keyword);
        let text = args.first().map_or("", |word| word.text.as_str());
        let diagnostic = Diagnostic::new(severity, Some(word.span), format!("'{text}'."));
        self.diagnostics.push(diagnostic.lead(Lead::Reader));
    }

    fn is_active(&self) -> bool {
        self.blocks.last().is_none_or(|block| block.branch == Branch::Taken)
    }

    fn alert(&mut self, span: Span, message: impl Into<String>) {
        self.diagnostics.push(Diagnostic::alert(span, message).lead(Lead::Reader));
    }

    fn span(&self, start: usize, end: usize) -> Span {
        Span { source: self.index, start: to_u32(start), end: to_u32(end) }
    }
}

/// Does what a keyword of a `global` section says to the environment; one with too few arguments
/// does nothing.
fn apply(keyword: &str, args: &[Word], env: &mut Env) {
    let texts: Vec<&str> = args.iter().map(|word| word.text.as_str()).collect();
    match (keyword, texts.as_slice()) {
        ("setenv", [name, value, ..]) => env.set(*name, *value),
        ("presetenv", [name, value, ..]) => env.preset(*name, *value),
        ("unsetenv", names) => names.iter().for_each(|name| env.unset(name)),
        ("resetenv", names) => env.reset(names),
        _ => {}
    }
}
