//! What a registered function costs: time, allocations, and what LuaJIT made of it.

use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use mlua::Function;
use mlua::Table;

use super::Rehearsal;
use super::exchange;
use super::exchange::Job;
use crate::clock;
use crate::lua::error::Error;
use crate::lua::loader;
use crate::lua::vm::Tracer;
use crate::script::Kind;
use crate::script::LoadError;
use crate::script::Outcome;
use crate::script::Registry;
use crate::script::Scripts;

/// LuaJIT's own words for what it does, as it was built.
const WORDS: &str = include_str!(concat!(env!("OUT_DIR"), "/luajit-build/src/jit/vmdef.lua"));

/// How many exchanges are built ahead where each call needs a new one.
const AHEAD: u64 = 64;

/// How long a batch of calls shall take at least: reading the clock is nothing beside it.
const BATCH: Duration = Duration::from_micros(100);

/// The most calls of a batch.
const CALLS_MAX: u64 = 1 << 16;

/// A registered function to be measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// `converter`, `fetch`, `action` or `service`.
    pub kind: &'static str,
    /// Its name behind `lua.`.
    pub name: String,
}

/// What it is called with.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// Of a converter.
    pub input: String,
    /// Words behind the name.
    pub arguments: Vec<String>,
    /// A Lua table: the fields of the transaction; empty is the default one.
    pub transaction: String,
}

/// What was measured.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// Nanoseconds a call, of each batch.
    pub batches: Vec<f64>,
    /// How many calls a batch has.
    pub calls: u64,
    /// Allocations a call.
    pub allocations: f64,
    /// Bytes allocated a call.
    pub bytes: f64,
    /// How many traces were compiled.
    pub traces: u64,
    /// Where LuaJIT gave up: file, line and why.
    pub aborts: Vec<String>,
}

const KINDS: &[(Kind, &str)] = &[
    (Kind::Converter, "converter"),
    (Kind::Fetch, "fetch"),
    (Kind::Action, "action"),
    (Kind::Service, "service"),
];

/// Measures the functions of a rehearsal.
pub struct Bench<'a> {
    rehearsal: &'a Rehearsal,
    /// `watch(on)`, `traces()`
    tracer: Table,
}

impl<'a> Bench<'a> {
    /// Begins to look at what LuaJIT compiles.
    pub fn new(rehearsal: &'a Rehearsal) -> Result<Self, LoadError> {
        let tracer = tracer(rehearsal).map_err(|error| loader::failure(&error))?;
        Ok(Self { rehearsal, tracer })
    }

    /// Returns all functions that scripts have registered, by kind and name.
    pub fn subjects(&self) -> Vec<Subject> {
        let host = self.rehearsal.host();
        let mut all = Vec::new();
        for (kind, word) in KINDS {
            let mut names = host.names(*kind);
            names.sort();
            all.extend(names.into_iter().map(|name| Subject { kind: word, name }));
        }
        all
    }

    /// Measures a function for a time, after as long a warm-up, unless it fails.
    pub async fn measure(
        &self,
        subject: &Subject,
        given: &Given,
        time: Duration,
    ) -> Result<Measured, String> {
        let maker = Maker::new(self.rehearsal, subject, given)?;
        let scripts: Rc<dyn Scripts> = Rc::<crate::lua::Host>::clone(self.rehearsal.host());
        self.watch(true)?;
        // Warm: LuaJIT compiles what is hot, the caches fill.
        let (mut calls, begun) = (1, clock::now());
        loop {
            let took = self.batch(&maker, &scripts, calls).await?;
            if took < BATCH && calls < maker.calls_max() {
                calls *= 2;
            } else if clock::now().duration_since(begun) >= time {
                break;
            }
        }
        let mut measured = Measured { calls, ..Measured::default() };
        let begun = clock::now();
        while measured.batches.is_empty() || clock::now().duration_since(begun) < time {
            let took = self.batch(&maker, &scripts, calls).await?;
            measured.batches.push(took.as_secs_f64() * 1e9 / calls as f64);
        }
        let heap = self.rehearsal.vm.heap();
        let jobs = maker.jobs(calls)?;
        heap.count(true);
        for job in (0..calls).zip(jobs.iter().cycle()).map(|(_, job)| job) {
            self.check(&job.run(&scripts).await)?;
        }
        let (allocations, bytes) = heap.counted();
        heap.count(false);
        measured.allocations = allocations as f64 / calls as f64;
        measured.bytes = bytes as f64 / calls as f64;
        (measured.traces, measured.aborts) = self.traces()?;
        self.watch(false)?;
        Ok(measured)
    }

    /// Makes some calls, and returns how long they took.
    async fn batch(
        &self,
        maker: &Maker<'_>,
        scripts: &Rc<dyn Scripts>,
        calls: u64,
    ) -> Result<Duration, String> {
        let jobs = maker.jobs(calls)?;
        let mut last = Outcome::Served;
        let begun = clock::now();
        for job in (0..calls).zip(jobs.iter().cycle()).map(|(_, job)| job) {
            last = job.run(scripts).await;
            if matches!(last, Outcome::Failed | Outcome::Refused(_)) {
                break;
            }
        }
        let took = clock::now().duration_since(begun);
        self.check(&last)?;
        self.rehearsal.take_heard();
        Ok(took)
    }

    fn check(&self, outcome: &Outcome) -> Result<(), String> {
        if matches!(outcome, Outcome::Failed | Outcome::Refused(_)) {
            return Err(self.rehearsal.take_heard().join("\n"));
        }
        Ok(())
    }

    fn watch(&self, on: bool) -> Result<(), String> {
        let watch: Function = self.tracer.raw_get("watch").map_err(words)?;
        watch.call::<()>(on).map_err(words)
    }

    fn traces(&self) -> Result<(u64, Vec<String>), String> {
        let traces: Function = self.tracer.raw_get("traces").map_err(words)?;
        traces.call(()).map_err(words)
    }
}

/// Makes the calls of a function.
struct Maker<'a> {
    rehearsal: &'a Rehearsal,
    subject: &'a Subject,
    given: &'a Given,
    transaction: Function,
}

impl<'a> Maker<'a> {
    fn new(
        rehearsal: &'a Rehearsal,
        subject: &'a Subject,
        given: &'a Given,
    ) -> Result<Self, String> {
        let text = match (given.transaction.as_str(), subject.kind) {
            ("", _) => "return transaction()".to_owned(),
            (fields, _) => format!("return transaction({fields})"),
        };
        let transaction = rehearsal.vm.load("--transaction", text.as_bytes());
        let transaction = transaction.map_err(|error| error.message)?;
        Ok(Self { rehearsal, subject, given, transaction })
    }

    /// Returns how many calls a batch has at most: each needs an exchange of its own where one
    /// call changes it for the next.
    fn calls_max(&self) -> u64 {
        if self.needs_own() { AHEAD } else { CALLS_MAX }
    }

    fn needs_own(&self) -> bool {
        matches!(self.subject.kind, "action" | "service")
    }

    /// Returns the jobs of a batch; they may be done again and again if they are fewer.
    fn jobs(&self, calls: u64) -> Result<Vec<Job>, String> {
        let count = if self.needs_own() { calls } else { 1 };
        (0..count).map(|_| self.job()).collect()
    }

    fn job(&self) -> Result<Job, String> {
        let kind = KINDS.iter().find(|(_, word)| *word == self.subject.kind);
        let kind = kind.map_or(Kind::Fetch, |(kind, _)| *kind);
        let id = exchange::lookup(self.rehearsal.host(), kind, &self.subject.name);
        let id = id.map_err(|raise| String::from_utf8_lossy(raise.message()).into_owned())?;
        let arguments = self.given.arguments.iter().map(|text| text.clone().into()).collect();
        if kind == Kind::Converter {
            let input = crate::value::Value::Str(self.given.input.clone().into());
            return Ok(Job::Converter { id, input, arguments });
        }
        let transaction: Table = self.transaction.call(()).map_err(words)?;
        let exchange = exchange::of(&transaction).ok_or("--transaction: there is none")?;
        Ok(exchange.job(kind, id, arguments))
    }
}

fn tracer(rehearsal: &Rehearsal) -> Result<Table, Error> {
    let lua = rehearsal.vm.lua();
    let attach = lua.app_data_ref::<Tracer>().map(|tracer| tracer.0.clone());
    let words: Table = lua.load(WORDS).set_name("=vmdef").call(())?;
    let util: Option<Table> = lua.load("return require('jit.util')").call(()).ok();
    let chunk = lua.load(include_str!("trace.lua")).set_name("=luaproxy");
    Ok(chunk.call((attach, util, words))?)
}

fn words(error: mlua::Error) -> String {
    Error::from(error).message
}

impl fmt::Debug for Bench<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Bench").field("rehearsal", &self.rehearsal).finish_non_exhaustive()
    }
}
