//! `luaproxy repl`: a prompt in a state of the proxy, with a built transaction; also for a pipe.

use std::env;
use std::fs;
use std::io;
use std::io::BufRead as _;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use argh::FromArgs;
use rustyline::DefaultEditor;
use rustyline::error::ReadlineError;

use crate::clock;
use crate::diag::Severity;
use crate::lua;
use crate::lua::rehearsal::Rehearsal;
use crate::lua::rehearsal::World;
use crate::lua::rehearsal::prompt::Answer;
use crate::lua::rehearsal::prompt::Prompt;
use crate::script::LoadError;
use crate::script::Loader as _;
use crate::task;

use super::command::Input;
use super::command::USAGE;
use super::console::Console;
use super::offline;
use super::run::on_worker;

const HELP: &str = "Lua, with core, Map, Regex and a transaction `txn`; transaction{..}, convert(..), \
                    txn:fetch(..),\ntxn:action(..), txn:serve(..) run what scripts have registered. \
                    Ctrl-D ends.\n";

/// Reads lines of Lua and runs them in a state of the proxy, as a task. Exit status: 0, or 1 where
/// the input is no terminal and a line fails, 2 where a script or a configuration cannot be loaded.
#[derive(Clone, Debug, FromArgs)]
#[argh(help_triggers("-h", "--help"))]
struct Arguments {
    /// scripts to load first
    #[argh(positional)]
    files: Vec<String>,

    /// configuration whose scripts are loaded first; may be repeated
    #[argh(option)]
    config: Vec<PathBuf>,

    /// reach no network, and let the clock stand still, as in tests
    #[argh(switch)]
    offline: bool,

    /// processor time that a line may take, in seconds (60)
    #[argh(option, default = "60.0")]
    timeout: f64,
}

pub(super) fn run(input: &Input<'_>) -> ExitCode {
    let arguments: Arguments = match input.parse() {
        Ok(arguments) => arguments,
        Err(code) => return code,
    };
    let limit = Duration::try_from_secs_f64(arguments.timeout);
    let Some(limit) = limit.ok().filter(|limit| !limit.is_zero()) else {
        let timeout = arguments.timeout;
        return input.wrong(&format!("repl: --timeout takes seconds above 0, not '{timeout}'"));
    };
    let console = input.console;
    on_worker(console, move || {
        let session = Session { arguments: &arguments, console, limit };
        session.run().unwrap_or_else(|error| {
            console.line(Severity::Alert, &format!("repl: {error}"));
            ExitCode::from(USAGE)
        })
    })
}

struct Session<'a> {
    arguments: &'a Arguments,
    console: Console,
    limit: Duration,
}

impl Session<'_> {
    fn run(&self) -> io::Result<ExitCode> {
        // One executor for all lines: tasks and connections live on between them.
        let executor = task::Executor::new()?;
        if self.arguments.offline {
            clock::stop(true);
        }
        let opened = executor.run(async { self.open() });
        let rehearsal = match opened {
            Ok(rehearsal) => rehearsal,
            Err(code) => return Ok(code),
        };
        let prompt = match Prompt::new(&rehearsal) {
            Ok(prompt) => prompt,
            Err(error) => return Ok(self.cannot(&error)),
        };
        let run = |text: &str| executor.run(prompt.run(text, self.limit));
        Ok(match io::stdin().is_terminal() {
            true => self.converse(run),
            false => self.read(run),
        })
    }

    fn open(&self) -> Result<Rehearsal, ExitCode> {
        let host = offline::host(&self.arguments.config, self.console)?;
        let told = |error: LoadError| self.cannot(&error);
        let world = if self.arguments.offline { World::Played } else { World::Real };
        let rehearsal = Rehearsal::new(&host, world).map_err(told)?;
        for file in &self.arguments.files {
            rehearsal.load(file).map_err(told)?;
        }
        host.run_init().map_err(told)?;
        host.run_tasks();
        Ok(rehearsal)
    }

    fn cannot(&self, error: &LoadError) -> ExitCode {
        self.console.line(Severity::Alert, &format!("repl: {}", error.message));
        ExitCode::from(USAGE)
    }

    /// Talks to a person.
    fn converse(&self, run: impl Fn(&str) -> Answer) -> ExitCode {
        let Ok(mut editor) = DefaultEditor::new() else { return self.read(run) };
        let history = history();
        if let Some(history) = &history {
            // There is none at first.
            editor.load_history(history).ok();
        }
        let version = env!("CARGO_PKG_VERSION");
        self.console.answer(&format!("luaproxy {version}  {}\n{HELP}", lua::version()));
        let mut text = String::new();
        loop {
            match editor.readline(if text.is_empty() { "> " } else { ">> " }) {
                Ok(line) => {
                    text.push_str(&line);
                    if text.trim().is_empty() {
                        text.clear();
                        continue;
                    }
                    match run(&text) {
                        Answer::Incomplete => {
                            text.push('\n');
                            continue;
                        }
                        answer => self.tell(&answer),
                    };
                    editor.add_history_entry(text.as_str()).ok();
                    text.clear();
                }
                // Ctrl-C: this text is given up.
                Err(ReadlineError::Interrupted) => text.clear(),
                Err(_) => break,
            }
        }
        if let Some(history) = &history {
            history.parent().map_or(Ok(()), fs::create_dir_all).ok();
            editor.save_history(history).ok();
        }
        ExitCode::SUCCESS
    }

    /// Runs what comes through a pipe or out of a file.
    fn read(&self, run: impl Fn(&str) -> Answer) -> ExitCode {
        let (mut text, mut good) = (String::new(), true);
        for line in io::stdin().lock().lines() {
            let Ok(line) = line else {
                self.console.line(Severity::Alert, "repl: the input is no UTF-8");
                return ExitCode::FAILURE;
            };
            text.push_str(&line);
            if text.trim().is_empty() {
                text.clear();
                continue;
            }
            match run(&text) {
                Answer::Incomplete => text.push('\n'),
                answer => {
                    good &= self.tell(&answer);
                    text.clear();
                }
            }
        }
        if !text.is_empty() {
            self.console.line(Severity::Alert, "repl: the input ends in the middle of a statement");
            good = false;
        }
        if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    /// Shows what came of a text; says whether it did well.
    fn tell(&self, answer: &Answer) -> bool {
        match answer {
            Answer::Values(text) if text.is_empty() => {}
            Answer::Values(text) => self.console.answer(&format!("{text}\n")),
            Answer::Failed(why) => self.console.error(&format!("{why}\n")),
            Answer::Incomplete => {}
        }
        matches!(answer, Answer::Values(_))
    }
}

/// Returns where lines of former sessions are kept.
fn history() -> Option<PathBuf> {
    let state = env::var_os("XDG_STATE_HOME").map(PathBuf::from);
    let state = state.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".local/state")));
    Some(state?.join("luaproxy/history"))
}
