//! Where messages go: HAProxy's lines on stderr, answers on stdout, nothing at all when silent.

use std::io;
use std::io::IsTerminal as _;
use std::io::Write as _;

use crate::diag::Diagnostic;
use crate::diag::Severity;
use crate::diag::Sources;
use crate::diag::render;
use crate::diag::render::Style;

/// The terminal, or what stands for it.
#[derive(Clone, Copy, Debug)]
pub struct Console {
    style: Style,
    silent: bool,
}

impl Console {
    /// Returns the console of this process: with colours when stderr is a terminal that may have
    /// them.
    pub fn new() -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let colour = !plain && io::stderr().is_terminal();
        Self { style: Style { pid: std::process::id(), colour }, silent: false }
    }

    /// Returns the console that tells nothing, when `silent`.
    #[must_use]
    pub fn silent(self, silent: bool) -> Self {
        Self { silent, ..self }
    }

    /// Tells whether a person may be reading.
    pub fn is_terminal(&self) -> bool {
        !self.silent && io::stderr().is_terminal()
    }

    /// Shows all diagnostics, and then HAProxy's summary. Returns whether there is any alert.
    pub fn report(&self, sources: &Sources, diagnostics: &[Diagnostic]) -> bool {
        self.error(&render::report(sources, diagnostics, self.style));
        let alerts = || diagnostics.iter().filter(|it| it.severity == Severity::Alert);
        for (index, source) in sources.iter() {
            if alerts().any(|it| it.span.is_some_and(|span| span.source == index)) {
                let name = &source.name;
                let text = format!("config : Error(s) found in configuration file : {name}");
                self.line(Severity::Alert, &text);
            }
        }
        let refused = alerts().next().is_some();
        if refused {
            self.line(Severity::Alert, "config : Fatal errors found in configuration.");
        }
        refused
    }

    /// Shows one line as HAProxy prints it.
    pub fn line(&self, severity: Severity, text: &str) {
        self.error(&render::line(severity, text, self.style.pid));
    }

    /// Shows text on stderr.
    pub fn error(&self, text: &str) {
        if !self.silent {
            // Nothing is left to tell that stderr is gone to.
            io::stderr().lock().write_all(text.as_bytes()).ok();
        }
    }

    /// Shows an answer on stdout.
    pub fn answer(&self, text: &str) {
        if !self.silent {
            let mut out = io::stdout().lock();
            out.write_all(text.as_bytes()).and_then(|()| out.flush()).ok();
        }
    }
}
