//! `luaproxy test`: runs test scripts offline and says what failed, to people and to build servers.

use std::fs;
use std::io;
use std::io::IsTerminal as _;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use std::time::Instant;

use argh::FromArgs;
use similar::ChangeTag;
use similar::TextDiff;

use crate::clock;
use crate::diag::Severity;
use crate::lua::rehearsal::Rehearsal;
use crate::lua::rehearsal::World;
use crate::lua::rehearsal::suite::Failure;
use crate::lua::rehearsal::suite::Suite;
use crate::script::LoadError;
use crate::script::Loader as _;
use crate::task;

use super::command::Input;
use super::command::USAGE;
use super::configuration::reason;
use super::console::Console;
use super::junit;
use super::offline;
use super::run::on_worker;

/// Runs test scripts on the real API, without a network: transactions are built, servers played,
/// and the clock stands still but for what waits. Exit status: 0 where all pass, 1 where one fails,
/// 2 where a script or a configuration cannot be loaded.
#[derive(Clone, Debug, FromArgs)]
#[argh(help_triggers("-h", "--help"))]
struct Arguments {
    /// test scripts, and folders below which *_test.lua are run; this folder where none is given
    #[argh(positional)]
    paths: Vec<PathBuf>,

    /// configuration whose scripts are loaded before each test script; may be repeated
    #[argh(option)]
    config: Vec<PathBuf>,

    /// run the tests alone whose name, behind those of its groups, contains this
    #[argh(option)]
    filter: Option<String>,

    /// write the results to this file as JUnit's XML
    #[argh(option)]
    junit: Option<PathBuf>,

    /// processor time that a test may take, in seconds (10)
    #[argh(option, default = "10.0")]
    timeout: f64,

    /// name each test
    #[argh(switch)]
    verbose: bool,
}

/// A test that was run, or left out.
struct Case {
    name: String,
    line: u32,
    result: Result<Outcome, Vec<Failure>>,
    time: Duration,
    log: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Passed,
    Skipped,
}

/// A test script that was run.
struct Report {
    file: String,
    cases: Vec<Case>,
}

pub(super) fn run(input: &Input<'_>) -> ExitCode {
    let mut arguments: Arguments = match input.parse() {
        Ok(arguments) => arguments,
        Err(code) => return code,
    };
    if arguments.paths.is_empty() {
        arguments.paths.push(PathBuf::from("."));
    }
    let mut files = Vec::new();
    for path in &arguments.paths {
        if let Err(error) = find(path, true, &mut files) {
            let (path, reason) = (path.display(), reason(&error));
            return input.wrong(&format!("test: cannot open '{path}': {reason}"));
        }
    }
    if files.is_empty() {
        return input.wrong("test: there is no *_test.lua here");
    }
    let limit = Duration::try_from_secs_f64(arguments.timeout);
    let Some(limit) = limit.ok().filter(|limit| !limit.is_zero()) else {
        let timeout = arguments.timeout;
        return input.wrong(&format!("test: --timeout takes seconds above 0, not '{timeout}'"));
    };
    let console = input.console;
    on_worker(console, move || {
        let runner = Runner { arguments: &arguments, console, screen: Screen::new(), limit };
        runner.run(&files)
    })
}

/// Collects a file, or the test scripts below a folder, in the order of their names.
fn find(path: &Path, named: bool, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if !fs::metadata(path)?.is_dir() {
        if named || path.to_string_lossy().ends_with("_test.lua") {
            files.push(path.to_owned());
        }
        return Ok(());
    }
    let entries: io::Result<Vec<_>> = fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect();
    let mut entries = entries?;
    entries.sort();
    for entry in entries {
        let hidden =
            entry.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if !hidden && !entry.is_symlink() {
            find(&entry, false, files)?;
        }
    }
    Ok(())
}

struct Runner<'a> {
    arguments: &'a Arguments,
    console: Console,
    screen: Screen,
    limit: Duration,
}

impl Runner<'_> {
    fn run(&self, files: &[PathBuf]) -> ExitCode {
        let begun = clock::now();
        let (mut reports, mut broken) = (Vec::new(), false);
        for file in files {
            match self.run_file(file) {
                Ok(report) => reports.push(report),
                Err(()) => broken = true,
            }
        }
        self.screen.clear();
        let cases = || reports.iter().flat_map(|report| &report.cases);
        let failed = cases().filter(|case| case.result.is_err()).count();
        let skipped = cases().filter(|case| case.result == Ok(Outcome::Skipped)).count();
        let passed = cases().count() - failed - skipped;
        let millis = clock::now().duration_since(begun).as_millis();
        self.console.answer(&format!(
            "{} tests: {passed} passed, {failed} failed, {skipped} skipped ({millis} ms)\n",
            cases().count()
        ));
        if let Some(path) = &self.arguments.junit
            && let Err(error) = fs::write(path, junit::document(&groups(&reports)))
        {
            let (path, reason) = (path.display(), reason(&error));
            let text = format!("test: cannot write '{path}': {reason}");
            self.console.line(Severity::Alert, &text);
            return ExitCode::from(USAGE);
        }
        match (broken, failed) {
            (true, _) => ExitCode::from(USAGE),
            (false, 0) => ExitCode::SUCCESS,
            (false, _) => ExitCode::FAILURE,
        }
    }

    fn run_file(&self, path: &Path) -> Result<Report, ()> {
        let file = path.display().to_string();
        // States end with the executor, and each script has its own.
        let ran = task::block_on(async {
            clock::stop(true);
            let host = offline::host(&self.arguments.config, self.console).map_err(|_| ())?;
            let told = |error: LoadError| self.cannot_load(&file, &error);
            let rehearsal = Rehearsal::new(&host, World::Played).map_err(told)?;
            let suite = Suite::new(&rehearsal).map_err(told)?;
            rehearsal.load(&file).map_err(told)?;
            host.run_init().map_err(told)?;
            host.run_tasks();
            Ok(self.run_suite(&file, &rehearsal, &suite).await)
        });
        ran.unwrap_or_else(|error| {
            self.console.line(Severity::Alert, &format!("test: {error}"));
            Err(())
        })
    }

    fn cannot_load(&self, file: &str, error: &LoadError) {
        self.screen.clear();
        self.console.line(Severity::Alert, &format!("test: {file}: {}", error.message));
        for line in &error.traceback {
            self.console.error(&format!("  {line}\n"));
        }
    }

    async fn run_suite(&self, file: &str, rehearsal: &Rehearsal, suite: &Suite<'_>) -> Report {
        let mut cases = Vec::new();
        let tests = suite.tests();
        let wanted = |name: &str| {
            self.arguments.filter.as_ref().is_none_or(|part| name.contains(part.as_str()))
        };
        for (number, test) in (1..).zip(&tests).filter(|(_, test)| wanted(&test.name)) {
            self.screen.progress(&format!("{file} [{number}/{}] {}", tests.len(), test.name));
            let begun: Instant = clock::now();
            rehearsal.take_heard();
            let failures = if test.runs { suite.run(number, self.limit).await } else { Vec::new() };
            let result = match test.runs {
                false => Ok(Outcome::Skipped),
                true if failures.is_empty() => Ok(Outcome::Passed),
                true => Err(failures),
            };
            let case = Case {
                name: test.name.clone(),
                line: test.line,
                result,
                time: clock::now().duration_since(begun),
                log: rehearsal.take_heard(),
            };
            self.tell(file, &case);
            cases.push(case);
        }
        Report { file: file.to_owned(), cases }
    }

    fn tell(&self, file: &str, case: &Case) {
        let (word, paint) = match &case.result {
            Ok(Outcome::Passed) if self.arguments.verbose => ("ok  ", Paint::Green),
            Ok(Outcome::Skipped) if self.arguments.verbose => ("skip", Paint::Yellow),
            Ok(_) => return,
            Err(_) => ("FAIL", Paint::Red),
        };
        self.screen.clear();
        let mut text =
            format!("{} {file}:{}: {}\n", self.screen.paint(paint, word), case.line, case.name);
        for failure in case.result.as_ref().err().into_iter().flatten() {
            text.push_str(&indent(&describe(failure, self.screen)));
        }
        if case.result.is_err() && !case.log.is_empty() {
            text.push_str(&indent(&format!("logged:\n{}\n", indent(&case.log.join("\n")))));
        }
        self.console.answer(&text);
    }
}

/// Says what is wrong, with the lines that differ.
fn describe(failure: &Failure, screen: Screen) -> String {
    let mut text = format!("{}\n", failure.message);
    if let Some((expected, got)) = &failure.difference {
        let (expected, got) = (format!("{expected}\n"), format!("{got}\n"));
        for change in TextDiff::from_lines(&expected, &got).iter_all_changes() {
            let line = change.value().trim_end_matches('\n');
            text.push_str(&match change.tag() {
                ChangeTag::Delete => screen.paint(Paint::Green, &format!("- {line}")),
                ChangeTag::Insert => screen.paint(Paint::Red, &format!("+ {line}")),
                ChangeTag::Equal => format!("  {line}"),
            });
            text.push('\n');
        }
        text.push_str("(- expected, + got)\n");
    }
    if !failure.place.is_empty() {
        text.push_str(&format!("at {}\n", failure.place));
    }
    text
}

fn indent(text: &str) -> String {
    text.lines().map(|line| format!("     {line}\n")).collect()
}

fn groups(reports: &[Report]) -> Vec<junit::Group<'_>> {
    let mut groups = Vec::new();
    for Report { file, cases } in reports {
        let cases = cases.iter().map(|case| junit::Case {
            name: &case.name,
            file,
            line: case.line,
            time: case.time,
            result: match &case.result {
                Ok(Outcome::Passed) => junit::Result::Passed,
                Ok(Outcome::Skipped) => junit::Result::Skipped,
                Err(failures) => {
                    let line = failures.first().map(|first| first.message.clone());
                    let plain = |failure| describe(failure, Screen::PLAIN);
                    let full = failures.iter().map(plain).collect();
                    junit::Result::Failed(line.unwrap_or_default(), full)
                }
            },
            log: case.log.join("\n"),
        });
        groups.push(junit::Group { name: file, cases: cases.collect() });
    }
    groups
}

/// What a terminal shows beyond text: colours, and a line that says how far the tests are.
#[derive(Clone, Copy, Debug)]
struct Screen {
    colours: bool,
    progress: bool,
}

#[derive(Clone, Copy, Debug)]
enum Paint {
    Green,
    Red,
    Yellow,
}

impl Screen {
    const PLAIN: Self = Self { colours: false, progress: false };

    fn new() -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { colours: !plain && io::stdout().is_terminal(), progress: io::stderr().is_terminal() }
    }

    fn paint(self, paint: Paint, text: &str) -> String {
        let code = match paint {
            Paint::Red => 31,
            Paint::Green => 32,
            Paint::Yellow => 33,
        };
        if self.colours { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// Shows where the tests are, in place of what was shown before.
    fn progress(self, text: &str) {
        if self.progress {
            // A longer one would wrap, and stay.
            let text: String = text.chars().filter(|it| !it.is_control()).take(78).collect();
            io::Write::write_all(&mut io::stderr(), format!("\r\x1b[K{text}").as_bytes()).ok();
        }
    }

    fn clear(self) {
        if self.progress {
            io::Write::write_all(&mut io::stderr(), b"\r\x1b[K").ok();
        }
    }
}
