//! Builds a program of a configuration: every mistake is reported, then nothing runs.
//!
//! Two passes: the first learns the names of all proxies and servers, so that a line may name what
//! comes later; the second compiles the lines of the sections in order.

mod balance;
mod bind;
mod capture;
mod draft;
mod error_file;
mod finish;
mod global;
mod http2;
mod httpclient;
mod known;
mod log;
mod lua;
pub mod manual;
mod option;
mod rules;
mod section;
mod server;
mod settings;
mod stats;
mod switch;
mod table;
mod tenant;
#[cfg(test)]
mod tests;
mod timeout;
mod tls;
mod tune;

use std::sync::Arc;

use crate::diag::Diagnostic;
use crate::diag::Lead;
use crate::diag::Severity;
use crate::diag::Sources;
use crate::diag::Span;
use crate::program::Global;
use crate::program::Program;
use crate::proxy;
use crate::script;
use crate::syntax::Env;
use crate::syntax::Line;
use crate::syntax::Tree;

use draft::Draft;

pub use table::Directive;
pub use table::directives;

/// What comes of a configuration.
#[derive(Debug)]
pub struct Compiled {
    /// The program; `None` where there is an alert.
    pub program: Option<Program>,
    /// What is to be said about the configuration.
    pub diagnostics: Vec<Diagnostic>,
    /// The files of scripts that are read as LuaJIT reads them.
    pub scripts: Vec<String>,
}

/// What the compiler is given.
#[derive(Clone, Copy)]
pub struct Input<'a> {
    /// The texts.
    pub sources: &'a Sources,
    /// What they say.
    pub tree: &'a Tree,
    /// The environment, as the reading has left it.
    pub env: &'a Env,
    /// The host of the scripts.
    pub loader: &'a dyn script::Loader,
    /// `maxconn` of the proxies that do not say; 0 is no limit of their own.
    pub default_maxconn: u32,
}

impl std::fmt::Debug for Input<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Input").field("tree", self.tree).finish_non_exhaustive()
    }
}

/// Compiles a configuration: loads its scripts, resolves its names, opens no socket.
pub fn compile(input: Input<'_>) -> Compiled {
    let mut cx = Cx::new(input);
    section::globals(&mut cx);
    let drafts = section::proxies(&mut cx);
    let mut program = finish::program(&mut cx, drafts);
    if let Some(program) = &program {
        input.loader.set_proxies(Arc::clone(&program.proxies));
    }
    if !cx.has_alerts()
        && let Err(error) = input.loader.run_init()
    {
        cx.load_error(None, &error);
    }
    if cx.has_alerts() {
        program = None;
    }
    Compiled { program, diagnostics: cx.reports, scripts: cx.scripts }
}

/// A configuration that is being compiled.
struct Cx<'a> {
    input: Input<'a>,
    reports: Vec<Diagnostic>,
    global: Global,
    /// All proxies, from the first pass.
    directory: proxy::Directory,
    /// The section whose lines are being compiled.
    draft: Draft<'a>,
    /// `lua-load` lines: they run once all else of the global sections is known.
    loads: Vec<(Span, script::Load)>,
    /// Their files that are read as LuaJIT reads them.
    scripts: Vec<String>,
    /// What the `tenant` section at hand grants.
    tenant: script::policy::Policy,
    /// `tune.lua.slice`, and what `tune.lua.forced-yield` stands for.
    slices: [Option<std::time::Duration>; 2],
    /// What the `global` section says of TLS.
    tls: tls::Globals,
    /// Where relative paths begin: `default-path`.
    base: Option<String>,
    /// The lines are those of a `defaults` section, whose mistakes have been told.
    replaying: bool,
}

impl<'a> Cx<'a> {
    fn new(input: Input<'a>) -> Self {
        Self {
            input,
            reports: Vec::new(),
            global: Global {
                nbthread: std::thread::available_parallelism().map_or(1, usize::from),
                ..Global::default()
            },
            directory: proxy::Directory::default(),
            draft: Draft::default(),
            loads: Vec::new(),
            scripts: Vec::new(),
            tenant: script::policy::Policy::new(""),
            slices: [None, None],
            tls: tls::Globals::default(),
            base: None,
            replaying: false,
        }
    }

    fn has_alerts(&self) -> bool {
        self.reports.iter().any(|report| report.severity == Severity::Alert)
    }

    /// Reports a mistake.
    fn alert(&mut self, span: Span, message: impl Into<String>) {
        self.push(Diagnostic::alert(span, message));
    }

    /// Reports a mistake that HAProxy finds after the reading: it names no line.
    fn alert_bare(&mut self, span: Span, message: impl Into<String>) {
        self.push(Diagnostic::alert(span, message).lead(Lead::Bare));
    }

    /// Warns.
    fn warn(&mut self, span: Span, message: impl Into<String>) {
        self.push(Diagnostic::warning(span, message));
    }

    /// Warns of what HAProxy finds after the reading: it names no line.
    fn warn_bare(&mut self, span: Span, message: impl Into<String>) {
        self.push(Diagnostic::warning(span, message).lead(Lead::Bare));
    }

    /// Adds a report, once: the lines of a `defaults` section may be compiled several times.
    fn push(&mut self, report: Diagnostic) {
        let told = self.replaying && self.reports.iter().any(|known| known.span == report.span);
        if !told && !self.reports.contains(&report) {
            self.reports.push(report);
        }
    }

    fn load_error(&mut self, span: Option<Span>, error: &script::LoadError) {
        let mut report = Diagnostic::new(Severity::Alert, span, error.message.clone());
        if !error.traceback.is_empty() {
            report = report.hint(error.traceback.join("\n"));
        }
        self.push(report);
    }

    /// Reports words beyond those that a directive takes: `most` words after the keyword.
    fn takes(&mut self, line: &Line, most: usize) -> bool {
        let Some(word) = line.words.get(most + 1) else { return true };
        let message =
            format!("'{}' cannot handle unexpected argument '{}'.", line.text(0), word.text);
        self.alert(line.span_from(most + 1), message);
        false
    }

    /// Returns the path of a file that a configuration names.
    fn path(&self, name: &str) -> std::path::PathBuf {
        match &self.base {
            Some(base) => std::path::Path::new(base).join(name),
            None => name.into(),
        }
    }
}
