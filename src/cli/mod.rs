//! The command line: arguments in, exit status out; holds what it calls together and no more.

mod bench;
mod bench_page;
mod command;
pub mod configuration;
pub mod console;
mod daemon;
mod junit;
mod lint;
mod offline;
pub mod options;
mod repl;
mod run;
mod test;
pub mod version;

use std::process::ExitCode;

use crate::diag::Severity;
use crate::lua;
use crate::syntax::condition;

use configuration::Configuration;
use console::Console;
use options::Exit;
use options::Options;

/// The exit status of a condition (`-cc`) that cannot be evaluated.
const UNDECIDED: u8 = 2;

/// Runs luaproxy with the arguments of the process.
pub fn main() -> ExitCode {
    let console = Console::new();
    let mut args = Vec::new();
    for arg in std::env::args_os().skip(1) {
        match arg.into_string() {
            Ok(arg) => args.push(arg),
            Err(arg) => {
                let text = format!("argument '{}' is no UTF-8", arg.display());
                console.line(Severity::Alert, &text);
                return ExitCode::FAILURE;
            }
        }
    }
    if let Some(code) = command::run(&args, console) {
        return code;
    }
    match Options::parse(&args) {
        Ok(options) => run(&options, console.silent(options.is_silent())),
        Err(Exit::Help(text)) => {
            console.answer(&(text + &command::usage()));
            ExitCode::SUCCESS
        }
        Err(Exit::Wrong { message, hint }) => {
            console.line(Severity::Alert, &message);
            if let Some(hint) = hint {
                console.error(&format!("  = help: {hint}\n"));
            }
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options, console: Console) -> ExitCode {
    if options.build_options {
        console.answer(&version::long(&lua::version()));
        return ExitCode::SUCCESS;
    }
    if options.version {
        console.answer(&version::short());
        return ExitCode::SUCCESS;
    }
    if let Some(text) = &options.condition {
        return decide(text, options, console);
    }
    if let Some(directory) = &options.directory
        && let Err(error) = std::env::set_current_dir(directory)
    {
        let reason = configuration::reason(&error);
        let text = format!("Could not change to directory {} : {reason}", directory.display());
        console.line(Severity::Alert, &text);
        return ExitCode::FAILURE;
    }
    if options.config.is_empty() {
        console.error(&(version::short() + &options::usage() + &command::usage()));
        return ExitCode::FAILURE;
    }
    if options.verbose {
        for letter in &options.ignored {
            let text = format!("option '{letter}' means nothing to luaproxy");
            console.line(Severity::Notice, &text);
        }
    }
    run::start(options, Configuration::read(options), console)
}

/// Answers `-cc` by the exit status: 0 where the condition holds, 1 where not, 2 on a mistake.
fn decide(text: &str, options: &Options, console: Console) -> ExitCode {
    match condition::check(text, &configuration::environment(options, "")) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            console.line(Severity::Alert, &format!("config : {}", error.message));
            ExitCode::from(UNDECIDED)
        }
    }
}
