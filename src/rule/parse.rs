//! Words to rules, with HAProxy's words for what is wrong.

use std::cell::RefCell;
use std::fmt;

use crate::diag::Diagnostic;
use crate::diag::Lead;
use crate::diag::Severity;
use crate::diag::Span;
use crate::diag::suggest;
use crate::proxy;
use crate::sample;
use crate::sample::Condition;
use crate::sample::Expr;
use crate::sample::Format;
use crate::script as host;
use crate::syntax::Line;
use crate::syntax::Word;

use super::Kind;
use super::Rule;
use super::action::Act;
use super::action::Action;
use super::action::Input;
use super::known;
use super::redirect;
use super::script;
use super::table;

/// The compile-time surroundings of a rule.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Which rule set it belongs to.
    pub kind: Kind,
    /// What expressions may name and read.
    pub env: &'a sample::Env<'a>,
    /// The section, as messages name it: `frontend 'fe'`.
    pub owner: &'a str,
    /// The name of the proxy.
    pub name: &'a str,
    /// The capture slots of the proxy so far, for requests and responses.
    pub captures: &'a RefCell<[Vec<proxy::Capture>; 2]>,
    /// The capture slots that rules name by number; whether they are there is known at the end.
    pub slots: &'a RefCell<Vec<SlotUse>>,
    /// Reads a file.
    pub read: &'a dyn Fn(&str) -> std::io::Result<Vec<u8>>,
}

impl fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("kind", &self.kind)
            .field("owner", &self.owner)
            .finish_non_exhaustive()
    }
}

/// A rule that names a capture slot.
#[derive(Clone, Copy, Debug)]
pub struct SlotUse {
    /// Which rules.
    pub kind: Kind,
    /// Its number.
    pub slot: usize,
    /// Where it is named.
    pub span: Span,
}

/// Something was wrong, and has been reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Failed;

/// A rule that is being read.
pub(super) struct Parser<'a> {
    context: Context<'a>,
    line: &'a Line,
    at: usize,
    inputs: Vec<Input>,
    shared: bool,
    /// What HAProxy puts before and after the reason.
    frame: Frame,
    reports: &'a mut Vec<Diagnostic>,
}

/// What HAProxy puts around the reason of a mistake.
#[derive(Clone, Debug, Default)]
struct Frame {
    before: String,
    after: &'static str,
}

/// Reads a rule from a line whose word `at` names the action. `None` where something was wrong.
pub fn parse(
    context: &Context<'_>,
    line: &Line,
    at: usize,
    reports: &mut Vec<Diagnostic>,
) -> Option<Rule> {
    let mut parser = Parser::new(*context, line, at, reports);
    match parser.action() {
        Ok(action) => parser.finish(action).ok(),
        Err(Failed) => {
            parser.check_condition();
            None
        }
    }
}

/// Reads a `redirect` line: the same as `http-request redirect`.
pub fn parse_redirect(
    context: &Context<'_>,
    line: &Line,
    reports: &mut Vec<Diagnostic>,
) -> Option<Rule> {
    let mut parser = Parser::new(*context, line, 1, reports);
    let before = format!("error detected in {} while parsing redirect rule : ", context.owner);
    parser.frame = Frame { before, after: "." };
    let action = redirect::redirect(&mut parser).ok()?;
    parser.finish(action).ok()
}

impl<'a> Parser<'a> {
    fn new(
        context: Context<'a>,
        line: &'a Line,
        at: usize,
        reports: &'a mut Vec<Diagnostic>,
    ) -> Self {
        let (inputs, shared, frame) = (Vec::new(), false, Frame::default());
        Self { context, line, at, inputs, shared, frame, reports }
    }

    fn action(&mut self) -> Result<Action, Failed> {
        let name = self.line.text(self.at).to_owned();
        let keyword = self.kind().keyword();
        self.frame = if self.kind().is_http() {
            let owner = self.context.owner;
            let before =
                format!("error detected in {owner} while parsing '{keyword} {name}' rule : ");
            Frame { before, after: "." }
        } else {
            // HAProxy: only the actions it has built in say which one is wrong.
            let before =
                if name == "capture" { format!("'{keyword} {name}' : ") } else { String::new() };
            Frame { before, after: "" }
        };
        if let Some(row) = table::find(self.kind(), &name) {
            self.at += 1;
            return (row.parse)(self);
        }
        if let Some(name) = name.strip_prefix("lua.") {
            self.at += 1;
            if let Some(action) = script::registered(self, name) {
                return action;
            }
            self.at -= 1;
        }
        Err(self.unknown(&name))
    }

    /// Reports an action that there is not.
    fn unknown(&mut self, name: &str) -> Failed {
        let span = self.line.span_from(self.at);
        let span = self.line.words.get(self.at).map_or(span, |word| word.span);
        if known::is_known(self.kind(), name) {
            let message = format!(
                "'{} {name}' is known to HAProxy but not supported yet",
                self.kind().keyword()
            );
            self.reports.push(Diagnostic::alert(span, message));
            return Failed;
        }
        let expected = table::expected(self.kind());
        let keyword = self.kind().keyword();
        let scripted = name.strip_prefix("lua.");
        let names = || table::names(self.kind()).filter(|_| scripted.is_none());
        let report = if self.kind().is_http() {
            let got = if name.is_empty() { "'' (missing argument)" } else { &format!("'{name}'") };
            let mut message = format!("'{keyword}' expects {expected}, but got {got}.");
            let hint = suggest::suggest(name, names());
            if let Some(near) = hint {
                message.push_str(&format!(" Did you mean '{near}' maybe ?"));
            }
            Diagnostic::alert(span, message).lead(Lead::Reader)
        } else {
            let owner = self.context.owner;
            let message = format!("'{keyword}' expects {expected} in {owner} (got '{name}').");
            Diagnostic::alert(span, message)
        };
        let scripts = self.scripts();
        let hint = match scripted {
            None => suggest::hint(name, names()),
            Some(name) if scripts.find_action(name).is_some() => {
                Some(format!("no script has registered '{name}' as an action for '{keyword}'"))
            }
            Some(name) => Some(host::hint(|kind| scripts.names(kind), host::Kind::Action, name)),
        };
        self.reports.push(Diagnostic { hint, ..report });
        Failed
    }

    /// Reads the condition, and makes the rule.
    fn finish(mut self, action: Action) -> Result<Rule, Failed> {
        let condition = self.condition()?;
        Ok(Rule { action, condition, shared: self.shared })
    }

    /// Tells what is wrong in the condition too, where the action has gone wrong.
    fn check_condition(&mut self) {
        let rest = self.line.rest(self.at);
        let begins = |word: &Word| matches!(word.text.as_str(), "if" | "unless");
        if let Some(index) = rest.iter().position(begins) {
            self.at += index;
            let _reported = self.condition();
        }
    }

    fn condition(&mut self) -> Result<Option<Condition>, Failed> {
        let Some(word) = self.line.words.get(self.at) else { return Ok(None) };
        let keyword = self.kind().keyword();
        let name = self.line.text(if keyword.contains(' ') { 2 } else { 1 }).to_owned();
        let negate = match word.text.as_str() {
            "if" => false,
            "unless" => true,
            other => {
                let message = if self.kind().is_http() {
                    format!(
                        "'{keyword} {name}' expects either 'if' or 'unless' followed by a \
                         condition but found '{other}'."
                    )
                } else {
                    let owner = self.context.owner;
                    format!(
                        "'{keyword} {name}' only accepts 'if' or 'unless', in {owner} \
                         (got '{other}')"
                    )
                };
                let lead = if self.kind().is_http() { Lead::Reader } else { Lead::Keyword };
                self.reports.push(Diagnostic::alert(word.span, message).lead(lead));
                return Err(Failed);
            }
        };
        let frame = if self.line.text(0) == "redirect" {
            let before = format!("{}error in condition: ", self.frame.before);
            Frame { before, after: "." }
        } else if self.kind().is_http() {
            let article = "an";
            let before =
                format!("error detected while parsing {article} '{keyword} {name}' condition : ");
            Frame { before, after: "." }
        } else {
            let before = format!(
                "'{keyword} {name}' : error detected in {} while parsing '{}' condition : ",
                self.context.owner, word.text
            );
            Frame { before, after: "" }
        };
        self.at += 1;
        let kind = self.kind();
        let words = self.line.rest(self.at);
        let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
        match Condition::parse(&texts, negate, self.context.env) {
            Ok(condition) => {
                let warnings = condition.warnings().iter();
                self.reports.extend(warnings.map(|warning| {
                    let mut report = report(warning, words, self.line, "", "");
                    report.severity = Severity::Warning;
                    // HAProxy names the rules that have no message to read at all.
                    if matches!(kind, Kind::TcpRequestConnection | Kind::TcpRequestSession) {
                        let place = format!(" will never match in '{keyword}' because ");
                        report.message =
                            report.message.replace(" will never match because ", &place);
                    }
                    report
                }));
                self.shared |= condition.uses_shared_state(self.context.env.scripts);
                Ok(Some(condition))
            }
            Err(errors) => {
                for error in errors {
                    let report = report(&error, words, self.line, &frame.before, frame.after);
                    self.reports.push(report);
                }
                Err(Failed)
            }
        }
    }

    /// Returns the kind of the rule.
    pub(super) fn kind(&self) -> Kind {
        self.context.kind
    }

    /// Returns the surroundings.
    pub(super) fn context(&self) -> &Context<'a> {
        &self.context
    }

    /// Returns what scripts have registered.
    pub(super) fn scripts(&self) -> &'a dyn host::Registry {
        self.context.env.scripts
    }

    /// Notes that the rule calls a function of a script.
    pub(super) fn uses(&mut self, kind: host::Kind, id: host::Id) {
        self.shared |= self.scripts().is_shared(kind, id);
    }

    /// Notes that the rule names a capture slot.
    pub(super) fn use_slot(&mut self, slot: usize, span: Span) {
        let kind = self.kind();
        self.context.slots.borrow_mut().push(SlotUse { kind, slot, span });
    }

    /// Returns the name of the action, as it is written.
    pub(super) fn name(&self) -> &'a Word {
        let index = self.line.words.len().min(self.at).saturating_sub(1);
        &self.line.words[index.min(self.line.words.len() - 1)]
    }

    /// Returns the next word, unless it begins the condition.
    pub(super) fn peek(&self) -> Option<&'a Word> {
        let word = self.line.words.get(self.at)?;
        (!matches!(word.text.as_str(), "if" | "unless")).then_some(word)
    }

    /// Takes the next word, unless it begins the condition.
    pub(super) fn next_argument(&mut self) -> Option<&'a Word> {
        let word = self.peek()?;
        self.at += 1;
        Some(word)
    }

    /// Takes the next word where it is this keyword.
    pub(super) fn take_keyword(&mut self, keyword: &str) -> bool {
        let found = self.peek().is_some_and(|word| word.text == keyword);
        self.at += usize::from(found);
        found
    }

    /// Takes the next words, unless the condition comes first: as many as the action must have.
    pub(super) fn arguments<const N: usize>(
        &mut self,
        message: &str,
    ) -> Result<[&'a Word; N], Failed> {
        let found = (0..N).map_while(|_| self.next_argument()).collect::<Vec<_>>();
        <[&'a Word; N]>::try_from(found).map_err(|_| self.fail(message))
    }

    /// Reports what is wrong at the next word.
    pub(super) fn fail(&mut self, message: impl AsRef<str>) -> Failed {
        let span = match self.line.words.get(self.at) {
            Some(word) => word.span,
            None => self.line.words.last().map_or(self.line.span, |word| word.span),
        };
        self.fail_at(span, message)
    }

    /// Reports what is wrong with the word that was taken last.
    pub(super) fn fail_at_last(&mut self, message: impl AsRef<str>) -> Failed {
        let span = self.line.words.get(self.at.saturating_sub(1)).map(|word| word.span);
        self.fail_at(span.unwrap_or(self.line.span), message)
    }

    /// Reports what is wrong with a part of the line.
    pub(super) fn fail_at(&mut self, span: Span, message: impl AsRef<str>) -> Failed {
        let Frame { before, after } = &self.frame;
        let message = message.as_ref();
        let after = if message.ends_with('.') { "" } else { after };
        self.reports.push(Diagnostic::alert(span, format!("{before}{message}{after}")));
        Failed
    }

    /// Adds to the last report what may help.
    pub(super) fn hint(&mut self, hint: String) {
        if let Some(report) = self.reports.last_mut() {
            report.hint = Some(hint);
        }
    }

    /// Warns about the word that was taken last.
    pub(super) fn warn(&mut self, message: impl Into<String>) {
        let word = self.line.words.get(self.at.saturating_sub(1));
        let span = word.map_or(self.line.span, |word| word.span);
        self.reports.push(Diagnostic::warning(span, message));
    }

    /// Takes a sample expression that may go over several words, as HAProxy lets it; returns which
    /// input it became.
    pub(super) fn expr(&mut self) -> Result<usize, Failed> {
        if self.peek().is_none() {
            return Err(self.fail("missing fetch method"));
        }
        let words = self.line.rest(self.at);
        let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
        match Expr::parse_words(&texts, self.context.env) {
            Ok((expr, used)) => {
                self.at += used;
                self.shared |= expr.uses_shared_state(self.scripts());
                self.inputs.push(Input::Expr(expr));
                Ok(self.inputs.len() - 1)
            }
            Err(error) => {
                let Frame { before, after } = &self.frame;
                let report = report(&error, words, self.line, before, after);
                self.reports.push(report);
                Err(Failed)
            }
        }
    }

    /// Makes a word a log-format input; returns which one it became.
    pub(super) fn format(&mut self, word: &Word) -> Result<usize, Failed> {
        let format = self.format_value(word)?;
        self.inputs.push(Input::Format(format));
        Ok(self.inputs.len() - 1)
    }

    fn format_value(&mut self, word: &Word) -> Result<Format, Failed> {
        let options =
            if self.kind().is_http() { sample::Options::HTTP } else { sample::Options::PLAIN };
        match Format::parse(&word.text, self.context.env, options) {
            Ok(format) => {
                self.shared |= format.uses_shared_state(self.scripts());
                Ok(format)
            }
            Err(errors) => {
                let words = std::slice::from_ref(word);
                for error in errors {
                    let Frame { before, after } = &self.frame;
                    let report = report(&error, words, self.line, before, after);
                    self.reports.push(report);
                }
                Err(Failed)
            }
        }
    }

    /// Makes an action of what has been read.
    pub(super) fn act(&mut self, act: impl Act + 'static) -> Action {
        Action::Native { inputs: std::mem::take(&mut self.inputs), act: Box::new(act) }
    }
}

/// Returns the report of a mistake in an expression, found in `words`.
pub fn report(
    error: &sample::Error,
    words: &[Word],
    line: &Line,
    before: &str,
    after: &str,
) -> Diagnostic {
    let span = match words.get(error.word) {
        Some(word) => word.sub(error.range.clone()),
        None => words.last().map_or(line.span, |word| word.span),
    };
    let message = format!("{before}{}{after}", error.reason);
    let mut report = Diagnostic::alert(span, message.trim_end());
    if matches!(error.reason, sample::Reason::NoPattern(_)) {
        report = report.lead(Lead::Bare);
    }
    Diagnostic { hint: error.hint.clone(), ..report }
}
