//! What luaproxy does beside running a configuration: `luaproxy COMMAND ..`, a row for each.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use argh::FromArgs;

use super::bench;
use super::configuration::reason;
use super::console::Console;
use super::lint;
use super::repl;
use super::test;
use crate::compile;
use crate::diag::Severity;
use crate::diag::suggest;
use crate::lua;

/// A command.
pub(super) struct Command {
    name: &'static str,
    /// What it does, in a line.
    doc: &'static str,
    run: fn(&Input<'_>) -> ExitCode,
}

/// What a command gets.
pub(super) struct Input<'a> {
    name: &'static str,
    args: &'a [&'a str],
    pub console: Console,
}

/// The exit status of a command line that is wrong.
pub(super) const USAGE: u8 = 2;

/// All commands, sorted. Each reads its arguments with [`Input::parse`].
const COMMANDS: &[Command] = &[
    Command {
        name: "bench",
        doc: "measure functions that scripts register: time, allocations, compilation",
        run: bench::run,
    },
    Command {
        name: "lint",
        doc: "show what an author should look at in a script (--fix, --format)",
        run: lint::run,
    },
    Command {
        name: "manual",
        doc: "print what there is of the configuration language, or of Lua (--lua)",
        run: manual,
    },
    Command {
        name: "repl",
        doc: "run lines of Lua in a state of the proxy, with a built transaction",
        run: repl::run,
    },
    Command {
        name: "test",
        doc: "run test scripts (*_test.lua) without a network, on built transactions",
        run: test::run,
    },
    Command {
        name: "types",
        doc: "write annotations of the Lua API for the Lua language server",
        run: types,
    },
];

/// Runs the command that the arguments begin with, if they begin with one.
pub(super) fn run(args: &[String], console: Console) -> Option<ExitCode> {
    let (name, rest) = args.split_first()?;
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        return mistyped(name, console);
    };
    let args: Vec<&str> = rest.iter().map(String::as_str).collect();
    Some((command.run)(&Input { name: command.name, args: &args, console }))
}

/// Returns what `luaproxy --help` says of the commands.
pub(super) fn usage() -> String {
    let mut text = String::from("\nCommands (luaproxy COMMAND --help says more):\n");
    for Command { name, doc, .. } in COMMANDS {
        text.push_str(&format!("  {name:<16}  {doc}\n"));
    }
    text
}

/// Refuses a word that is nearly a command.
fn mistyped(name: &str, console: Console) -> Option<ExitCode> {
    if name.starts_with('-') {
        return None;
    }
    let hint = suggest::hint(name, COMMANDS.iter().map(|command| command.name))?;
    console.line(Severity::Alert, &format!("unknown command '{name}'"));
    console.error(&format!("  = help: {hint}\n"));
    Some(ExitCode::from(USAGE))
}

impl Input<'_> {
    /// Reads the arguments; where there is nothing to do, returns the exit status.
    pub(super) fn parse<T: FromArgs>(&self) -> Result<T, ExitCode> {
        let split = |arg: &&'_ str| match arg.split_once('=').filter(|_| arg.starts_with("--")) {
            Some((name, value)) => vec![name.to_owned(), value.to_owned()],
            None => vec![(*arg).to_owned()],
        };
        let args: Vec<String> = self.args.iter().flat_map(split).collect();
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        T::from_args(&["luaproxy", self.name], &args).map_err(|early| match early.status {
            Ok(()) => {
                self.console.answer(&early.output);
                ExitCode::SUCCESS
            }
            Err(()) => {
                let text = early.output.trim_end().replace('\n', " ");
                self.wrong(&format!("{}: {text}", self.name))
            }
        })
    }

    /// Says what is wrong, and returns the exit status for that.
    pub(super) fn wrong(&self, message: &str) -> ExitCode {
        self.console.line(Severity::Alert, message);
        ExitCode::from(USAGE)
    }
}

/// Prints a manual from the tables it is made of.
#[derive(FromArgs)]
#[argh(help_triggers("-h", "--help"))]
struct Manual {
    /// the Lua API (docs/lua.md) in place of the configuration language (docs/configuration.md)
    #[argh(switch)]
    lua: bool,
}

fn manual(input: &Input<'_>) -> ExitCode {
    let arguments: Manual = match input.parse() {
        Ok(arguments) => arguments,
        Err(code) => return code,
    };
    let text = if arguments.lua { lua::manual() } else { compile::manual::configuration() };
    input.console.answer(&text);
    ExitCode::SUCCESS
}

/// Writes annotations of the Lua API for the Lua language server, a file for each class,
/// and a .luarc.json where there is none.
#[derive(FromArgs)]
#[argh(help_triggers("-h", "--help"))]
struct Types {
    /// where to: it is made if it is not there
    #[argh(positional)]
    directory: PathBuf,
}

fn types(input: &Input<'_>) -> ExitCode {
    let Types { directory } = match input.parse() {
        Ok(arguments) => arguments,
        Err(code) => return code,
    };
    let write = || {
        fs::create_dir_all(&directory)?;
        for (name, text) in lua::types() {
            let path = directory.join(&name);
            // Settings are the reader's own, once he has some.
            if !(name.ends_with(".json") && path.exists()) {
                fs::write(path, text)?;
            }
        }
        Ok(())
    };
    match write() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let (path, reason) = (directory.display(), reason(&error));
            input.console.line(Severity::Alert, &format!("types: cannot write '{path}': {reason}"));
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::COMMANDS;
    use super::usage;

    #[test]
    fn commands_are_sorted_and_listed() {
        assert!(COMMANDS.is_sorted_by(|one, other| one.name < other.name));
        let usage = usage();
        for command in COMMANDS {
            assert!(usage.contains(&format!("\n  {} ", command.name)), "{}", command.name);
            assert!(usage.lines().all(|line| line.len() <= 100), "{}", command.name);
        }
    }
}
