//! `luaproxy bench`: measures functions that scripts register, offline, and compares with a saved
//! run.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use argh::FromArgs;
use hdrhistogram::Histogram;
use serde_json::Map;
use serde_json::Value;

use crate::clock;
use crate::diag::Severity;
use crate::diag::suggest;
use crate::lua::rehearsal::Rehearsal;
use crate::lua::rehearsal::World;
use crate::lua::rehearsal::measure::Bench;
use crate::lua::rehearsal::measure::Given;
use crate::lua::rehearsal::measure::Measured;
use crate::lua::rehearsal::measure::Subject;
use crate::script::LoadError;
use crate::script::Loader as _;
use crate::task;

use super::bench_page;
use super::command::Input;
use super::command::USAGE;
use super::configuration::reason;
use super::console::Console;
use super::offline;
use super::run::on_worker;

/// Where runs are saved, below the present folder.
const SAVED: &str = ".luaproxy-bench";

/// The longest call that is told from others, in nanoseconds.
const LONGEST: u64 = 60_000_000_000;

/// Measures the converters, fetches, actions and services that scripts register: time, allocations,
/// and what LuaJIT compiles. Exit status: 0, or 1 where a function fails or is slower than
/// --fail-above allows, 2 where nothing can be measured.
#[derive(Clone, Debug, FromArgs)]
#[argh(help_triggers("-h", "--help"))]
struct Arguments {
    /// scripts
    #[argh(positional)]
    files: Vec<String>,

    /// configuration whose scripts are loaded first; may be repeated
    #[argh(option)]
    config: Vec<PathBuf>,

    /// function to measure, as it is registered; may be repeated (all, where none is given)
    #[argh(option, short = 'e')]
    entry: Vec<String>,

    /// input of converters
    #[argh(option, default = "String::from(\"some text\")")]
    input: String,

    /// argument of the functions; may be repeated
    #[argh(option, short = 'a')]
    argument: Vec<String>,

    /// fields of the transaction, a table of Lua as `transaction` of a test takes it
    #[argh(option, default = "String::new()")]
    transaction: String,

    /// seconds to warm up, and to measure, for each function (1)
    #[argh(option, default = "1.0")]
    time: f64,

    /// keep the results under this name
    #[argh(option)]
    save: Option<String>,

    /// compare with the results of this name
    #[argh(option)]
    against: Option<String>,

    /// fail where a function is slower than before by more than so many percent
    #[argh(option)]
    fail_above: Option<f64>,

    /// write a report with plots to this file
    #[argh(option)]
    html: Option<PathBuf>,
}

/// A function with what was measured of it.
pub(super) struct Row {
    pub subject: Subject,
    pub measured: Measured,
    /// Nanoseconds of a call, one value a batch.
    pub spread: Histogram<u64>,
    /// What it took in the run that this one is compared with: the median, and how far the middle
    /// half of its batches lay apart.
    pub before: Option<(f64, f64)>,
}

pub(super) fn run(input: &Input<'_>) -> ExitCode {
    let arguments: Arguments = match input.parse() {
        Ok(arguments) => arguments,
        Err(code) => return code,
    };
    if arguments.files.is_empty() && arguments.config.is_empty() {
        return input.wrong("bench: a script is needed, or a configuration (--config)");
    }
    let time = Duration::try_from_secs_f64(arguments.time);
    let Some(time) = time.ok().filter(|time| !time.is_zero()) else {
        let time = arguments.time;
        return input.wrong(&format!("bench: --time takes seconds above 0, not '{time}'"));
    };
    for name in arguments.save.iter().chain(&arguments.against) {
        let legal = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        if name.is_empty() || name.starts_with('.') || !name.chars().all(legal) {
            return input.wrong(&format!("bench: '{name}' is no name of a run"));
        }
    }
    let before = match arguments.against.as_deref().map(saved).transpose() {
        Ok(before) => before,
        Err(why) => return input.wrong(&why),
    };
    let console = input.console;
    on_worker(console, move || {
        let runner = Runner { arguments: &arguments, console, time };
        match task::block_on(runner.measure(before.as_ref())) {
            Ok(Ok((rows, failed))) => runner.report(&rows, failed),
            Ok(Err(code)) => code,
            Err(error) => runner.broken(&format!("bench: {error}")),
        }
    })
}

struct Runner<'a> {
    arguments: &'a Arguments,
    console: Console,
    time: Duration,
}

impl Runner<'_> {
    /// Measures all that is asked for; says too whether a function has failed.
    async fn measure(
        &self,
        before: Option<&Map<String, Value>>,
    ) -> Result<(Vec<Row>, bool), ExitCode> {
        clock::stop(true);
        let host = offline::host(&self.arguments.config, self.console)?;
        let told = |error: LoadError| self.broken(&format!("bench: {}", error.message));
        let rehearsal = Rehearsal::new(&host, World::Played).map_err(told)?;
        for file in &self.arguments.files {
            rehearsal.load(file).map_err(told)?;
        }
        host.run_init().map_err(told)?;
        host.run_tasks();
        let bench = Bench::new(&rehearsal).map_err(told)?;
        let given = Given {
            input: self.arguments.input.clone(),
            arguments: self.arguments.argument.clone(),
            transaction: self.arguments.transaction.clone(),
        };
        let (mut rows, mut failed) = (Vec::new(), false);
        for subject in self.chosen(&bench.subjects())? {
            match bench.measure(&subject, &given, self.time).await {
                Ok(measured) => rows.push(Row::new(subject, measured, before)),
                Err(why) => {
                    failed = true;
                    let text = format!("bench: {} lua.{}: {why}", subject.kind, subject.name);
                    self.console.line(Severity::Alert, &text);
                }
            }
        }
        Ok((rows, failed))
    }

    fn chosen(&self, known: &[Subject]) -> Result<Vec<Subject>, ExitCode> {
        if known.is_empty() {
            return Err(self.broken("bench: the scripts register no function"));
        }
        if self.arguments.entry.is_empty() {
            return Ok(known.to_vec());
        }
        let mut chosen = Vec::new();
        for entry in &self.arguments.entry {
            let name = entry.strip_prefix("lua.").unwrap_or(entry);
            let before = chosen.len();
            chosen.extend(known.iter().filter(|it| it.name == name).cloned());
            if chosen.len() == before {
                let hint = suggest::hint(name, known.iter().map(|subject| &subject.name));
                let hint = hint.unwrap_or_default();
                let text = format!("bench: no script has registered 'lua.{name}' {hint}");
                return Err(self.broken(text.trim_end()));
            }
        }
        Ok(chosen)
    }

    fn report(&self, rows: &[Row], mut failed: bool) -> ExitCode {
        self.console.answer(&table(rows));
        if let Some(name) = &self.arguments.against {
            self.console.answer(&comparison(name, rows));
        }
        if let Some(limit) = self.arguments.fail_above {
            for row in rows.iter().filter(|row| row.change().is_some_and(|it| it > limit)) {
                failed = true;
                let (name, change) = (&row.subject.name, row.change().unwrap_or_default());
                let text =
                    format!("bench: lua.{name} is slower by {change:.1} % (above {limit} %)");
                self.console.line(Severity::Alert, &text);
            }
        }
        let save = self.arguments.save.as_deref().map_or(Ok(()), |name| save(name, rows));
        let page = self.arguments.html.as_ref().map_or(Ok(()), |path| {
            let against = self.arguments.against.as_deref();
            let written = fs::write(path, bench_page::page(rows, against));
            written.map_err(|error| {
                format!("bench: cannot write '{}': {}", path.display(), reason(&error))
            })
        });
        if let Err(why) = save.and(page) {
            return self.broken(&why);
        }
        if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }

    fn broken(&self, text: &str) -> ExitCode {
        self.console.line(Severity::Alert, text);
        ExitCode::from(USAGE)
    }
}

impl Row {
    fn new(subject: Subject, measured: Measured, before: Option<&Map<String, Value>>) -> Self {
        // Three digits, up to a minute a call.
        #[expect(clippy::expect_used, reason = "the bounds are right")]
        let mut spread = Histogram::new_with_bounds(1, LONGEST, 3).expect("legal bounds");
        for nanos in &measured.batches {
            spread.saturating_record((nanos.round() as u64).max(1));
        }
        let before = before.and_then(|run| {
            let row = run.get(&key(&subject))?;
            Some((row.get("p50")?.as_f64()?, row.get("middle")?.as_f64()?))
        });
        Self { subject, measured, spread, before }
    }

    pub(super) fn quantile(&self, quantile: f64) -> f64 {
        self.spread.value_at_quantile(quantile) as f64
    }

    /// How far the middle half of the batches lies apart.
    fn middle(&self) -> f64 {
        self.quantile(0.75) - self.quantile(0.25)
    }

    /// Returns by how many percent it is slower than before.
    pub(super) fn change(&self) -> Option<f64> {
        let (before, _) = self.before?;
        (before > 0.0).then(|| (self.quantile(0.5) - before) / before * 100.0)
    }

    /// Says whether the difference is more than the spread of either run.
    pub(super) fn is_clear(&self) -> bool {
        let Some((before, middle)) = self.before else { return false };
        (self.quantile(0.5) - before).abs() > self.middle().max(middle)
    }
}

fn table(rows: &[Row]) -> String {
    let mut text = format!(
        "{:40} {:>12} {:>10} {:>10} {:>10} {:>8} {:>11}\n",
        "", "calls/s", "ns/call", "fastest", "p99", "allocs", "bytes/call"
    );
    for row in rows {
        let Row { subject, measured, .. } = row;
        let name = format!("{:9}  lua.{}", subject.kind, subject.name);
        let median = row.quantile(0.5);
        text.push_str(&format!(
            "{name:40} {:>12} {:>10} {:>10} {:>10} {:>8.1} {:>11.0}\n",
            grouped(1e9 / median.max(1.0)),
            grouped(median),
            grouped(row.quantile(0.0)),
            grouped(row.quantile(0.99)),
            measured.allocations,
            measured.bytes,
        ));
        let compiled = match (measured.traces, measured.aborts.is_empty()) {
            (0, true) => "not compiled: nothing in it is hot".to_owned(),
            (0, false) => "not compiled".to_owned(),
            (count, true) => format!("compiled, {count} traces"),
            (count, false) => format!("compiled in part, {count} traces"),
        };
        text.push_str(&format!("           {compiled}\n"));
        for abort in &measured.aborts {
            text.push_str(&format!("           ! trace aborted: {abort}\n"));
        }
    }
    text
}

fn comparison(name: &str, rows: &[Row]) -> String {
    let mut text = format!("against '{name}':\n");
    for row in rows {
        let said = match row.change() {
            None => "was not measured then".to_owned(),
            Some(change) if !row.is_clear() => format!("{change:+.1} %, within the spread"),
            Some(change) if change > 0.0 => format!("{change:+.1} %, slower"),
            Some(change) => format!("{change:+.1} %, faster"),
        };
        text.push_str(&format!("{:9}  lua.{:25} {said}\n", row.subject.kind, row.subject.name));
    }
    text
}

/// Writes a number with a space between thousands.
pub(super) fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

fn key(subject: &Subject) -> String {
    format!("{} {}", subject.kind, subject.name)
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(SAVED).join(format!("{name}.json"))
}

/// Reads a saved run.
fn saved(name: &str) -> Result<Map<String, Value>, String> {
    let path = path(name);
    let shown = path.display();
    let text = fs::read_to_string(&path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => format!("bench: there is no saved run '{name}' ({shown})"),
        _ => format!("bench: cannot read '{shown}': {}", reason(&error)),
    })?;
    match serde_json::from_str(&text) {
        Ok(Value::Object(run)) => Ok(run),
        Ok(_) => Err(format!("bench: '{shown}' is no saved run")),
        Err(error) => Err(format!("bench: '{shown}' is no saved run: {error}")),
    }
}

/// Saves a run; functions that were not measured now keep what they had.
fn save(name: &str, rows: &[Row]) -> Result<(), String> {
    let mut run = saved(name).unwrap_or_default();
    for row in rows {
        let entry = serde_json::json!({
            "p50": row.quantile(0.5),
            "p99": row.quantile(0.99),
            "middle": row.middle(),
            "allocations": row.measured.allocations,
            "bytes": row.measured.bytes,
        });
        run.insert(key(&row.subject), entry);
    }
    let path = path(name);
    let text = format!("{:#}\n", Value::Object(run));
    let written = fs::create_dir_all(SAVED).and_then(|()| fs::write(&path, text));
    written.map_err(|error| format!("bench: cannot write '{}': {}", path.display(), reason(&error)))
}
