//! What a worker does with a program: opens sockets, accepts, runs what comes in and the tasks.

use std::cell::Cell;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use futures_lite::future;

use crate::admin;
use crate::diag::Diagnostic;
use crate::diag::Lead;
use crate::diag::Sources;
use crate::log;
use crate::lua;
use crate::net::Addr;
use crate::net::Listener;
use crate::net::Stream;
use crate::net::listener;
use crate::net::listener::Bound;
use crate::net::timer;
use crate::program::Bind;
use crate::program::Program;
use crate::program::Section;
use crate::proxy;
use crate::proxy::Counter;
use crate::script::Scripts;
use crate::stream;
use crate::stream::Entry;
use crate::stream::Local;
use crate::task;

use super::Fleet;
use super::Level;
use super::Open;
use super::Worker;
use super::accept;
use super::accept::Gate;
use super::rescue::Rescue;

/// The sockets of one worker, and where what comes in there belongs.
#[derive(Debug, Default)]
pub struct Seed {
    doors: Vec<Door>,
    /// Of the runtime API.
    commands: Vec<(Bound, admin::Level)>,
}

/// One socket that accepts.
#[derive(Debug)]
struct Door {
    bound: Bound,
    entry: Entry,
    /// `maxconn` of the `bind` line; 0 is no limit.
    maxconn: u32,
    /// The same socket, for others to accept from while this worker is stuck.
    spare: Option<Bound>,
}

impl Door {
    /// Returns the door once more, for another worker.
    fn duplicate(&self) -> Result<Self, listener::Error> {
        let (bound, entry) = (self.bound.duplicate()?, self.entry.clone());
        Ok(Self { bound, entry, maxconn: self.maxconn, spare: None })
    }

    /// Takes what other workers accept from while this one is stuck.
    fn take_spare(&mut self) -> Option<Self> {
        let (bound, entry) = (self.spare.take()?, self.entry.clone());
        Some(Self { bound, entry, maxconn: self.maxconn, spare: None })
    }
}

impl Seed {
    /// Returns where this worker listens, and for which frontend.
    pub fn listeners(&self) -> impl Iterator<Item = (&Addr, proxy::Id)> {
        self.doors.iter().map(|door| (door.bound.addr(), door.entry.frontend))
    }
}

/// Opens the sockets of a program: a [`Seed`] for each worker, or what is wrong, all of it.
pub fn bind(program: &Program, sources: &Sources) -> Result<Vec<Seed>, Vec<Diagnostic>> {
    let mut seeds: Vec<Seed> = Vec::new();
    seeds.resize_with(program.global.nbthread.max(1), Seed::default);
    let mut wrong = Vec::new();
    for section in program.sections.iter().filter(|section| !section.disabled) {
        for line in &section.binds {
            if let Err(error) = open(section, line, &mut seeds) {
                wrong.push(refusal(section, line, &error, sources));
            }
        }
    }
    for line in &program.global.stats {
        match listener::bind(&line.spec, &line.options, 1) {
            Ok(bound) => {
                let all = bound.into_iter().flatten().map(|bound| (bound, line.level));
                // One worker has the scripts of `lua-load`, and so their commands.
                seeds.first_mut().map(|seed| seed.commands.extend(all)).unwrap_or_default();
            }
            Err(error) => {
                let (file, number) = sources.place(line.line);
                let text = format!("Binding [{file}:{number}] for stats socket: {error}");
                wrong.push(Diagnostic::alert(line.line, text).lead(Lead::Bare));
            }
        }
    }
    if wrong.is_empty() { Ok(seeds) } else { Err(wrong) }
}

/// Tells whether a program listens anywhere.
pub fn has_listener(program: &Program) -> bool {
    program.sections.iter().any(|section| !section.disabled && !section.binds.is_empty())
}

fn open(section: &Section, line: &Bind, seeds: &mut [Seed]) -> Result<(), listener::Error> {
    // Scripts that one worker alone has: what needs them is accepted there.
    let workers = if section.needs_shared_state { 1 } else { seeds.len() };
    for spec in &line.addrs {
        let bound = listener::bind(spec, &line.options, workers)?;
        for (seed, sockets) in seeds.iter_mut().zip(bound) {
            for mut bound in sockets {
                let spare = if workers > 1 { bound.spare()? } else { None };
                let entry = Entry {
                    frontend: section.proxy.id,
                    listener: (line.id, line.name.as_str().into()),
                    http2: line.http2,
                    accept_proxy: line.accept_proxy,
                    nice: line.nice,
                    tls: line.tls.clone(),
                };
                seed.doors.push(Door { bound, entry, maxconn: line.maxconn, spare });
            }
        }
    }
    Ok(())
}

fn refusal(
    section: &Section,
    line: &Bind,
    error: &listener::Error,
    sources: &Sources,
) -> Diagnostic {
    let (file, number) = sources.place(line.line);
    let kind = if section.proxy.caps.backend { "proxy" } else { "frontend" };
    let name = &section.proxy.name;
    let text = format!("Binding [{file}:{number}] for {kind} {name}: {error}");
    Diagnostic::alert(line.line, text).lead(Lead::Bare)
}

/// What the workers share of a running program.
#[derive(Debug)]
pub struct Shared {
    program: Arc<Program>,
    /// Some worker's gate has found a limit reached since a connection last ended.
    crowded: AtomicBool,
    rescue: Rescue<Door>,
}

impl Shared {
    /// Returns what the workers share of this program.
    pub fn new(program: Arc<Program>) -> Arc<Self> {
        let rescue = Rescue::new(program.global.nbthread.max(1));
        Arc::new(Self { program, crowded: AtomicBool::new(false), rescue })
    }

    /// Tells whether a frontend, and the process, may have one more connection.
    fn has_room(&self, frontend: &proxy::Proxy) -> bool {
        let below = |limit: u32, count: i64| limit == 0 || count < i64::from(limit);
        let current = |proxy: &proxy::Proxy| proxy.counters.sum(Counter::Current);
        below(frontend.maxconn, current(frontend))
            && (self.program.global.maxconn == 0
                || below(
                    self.program.global.maxconn,
                    self.program
                        .proxies
                        .iter()
                        .filter(|proxy| proxy.caps.frontend)
                        .map(|proxy| current(proxy))
                        .sum(),
                ))
    }
}

thread_local! {
    /// The gates of this worker, to be asked again when a connection has ended.
    static GATES: RefCell<Vec<Gate>> = const { RefCell::new(Vec::new()) };
}

/// Runs a worker until it stops.
pub async fn work(worker: Worker, mut seed: Seed, shared: Arc<Shared>, host: Rc<lua::Host>) {
    let program = Arc::clone(&shared.program);
    host.set_loggers(program.global.loggers.clone());
    host.run_tasks();
    let scripts: Rc<dyn Scripts> = host;
    let local = Local::new(worker.index(), program, scripts);
    let spares = seed.doors.iter_mut().filter_map(Door::take_spare).collect();
    shared.rescue.offer(worker.index(), spares);
    tell_when_stuck(&worker, &shared);
    task::spawn(resume_when_changed()).detach();
    for (bound, level) in seed.commands {
        task::spawn(take_commands(worker.clone(), bound, level, Rc::clone(&local))).detach();
    }
    for door in seed.doors {
        open_door(&worker, door, &shared, &local).detach();
    }
    let standing_in = shared.rescue.stand_in(worker.index(), |door| {
        let door = door.duplicate().inspect_err(refuse).ok()?;
        Some(open_door(&worker, door, &shared, &local))
    });
    future::or(worker.stop().soft(), standing_in).await;
    // The socket is closed when nobody has it any more.
    shared.rescue.offer(worker.index(), Vec::new());
    local.stop();
    // Each worker has one, as any of them may be the last.
    if let Some(limit) = shared.program.global.hard_stop_after {
        let fleet = worker.fleet().clone();
        task::spawn(async move {
            timer::sleep(limit).await;
            fleet.stop(Level::Hard);
        })
        .detach();
    }
}

/// Lets the others know when this worker does not come back from a script's call, and when it does.
fn tell_when_stuck(worker: &Worker, shared: &Arc<Shared>) {
    let (index, fleet, shared) = (worker.index(), worker.fleet().clone(), Arc::clone(shared));
    lua::on_stall(move || {
        shared.rescue.set_stuck(index, true);
        let shared = Arc::clone(&shared);
        // Runs when it is back.
        fleet.post(index, Box::new(move || shared.rescue.set_stuck(index, false)));
    });
}

fn refuse(error: &listener::Error) {
    log::program(log::Level::Alert, &format!("cannot accept for a worker that is stuck: {error}"));
}

/// Takes commands of the runtime API.
async fn take_commands(worker: Worker, bound: Bound, level: admin::Level, local: Rc<Local>) {
    let place = bound.addr().to_string();
    let handler = |conn: Stream, src: Addr| {
        task::spawn(stream::talk(Rc::clone(&local), conn, src, level)).detach();
    };
    let taken = async {
        let listener = Listener::new(bound)?;
        accept::serve(listener, worker.stop(), &Gate::open(), handler).await
    };
    if let Err(error) = taken.await {
        log::program(log::Level::Alert, &format!("cannot accept on {place}: {error}"));
    }
}

fn open_door(
    worker: &Worker,
    door: Door,
    shared: &Arc<Shared>,
    local: &Rc<Local>,
) -> task::Task<()> {
    let (worker, shared, local) = (worker.clone(), Arc::clone(shared), Rc::clone(local));
    task::spawn(async move {
        let place = door.bound.addr().to_string();
        if let Err(error) = accept(worker, door, shared, local).await {
            log::program(log::Level::Alert, &format!("cannot accept on {place}: {error}"));
        }
    })
}

async fn accept(
    worker: Worker,
    door: Door,
    shared: Arc<Shared>,
    local: Rc<Local>,
) -> std::io::Result<()> {
    let Some(section) = shared.program.section(door.entry.frontend) else { return Ok(()) };
    let here = Rc::new(Cell::new(0u32));
    let gate = gate(&shared, Arc::clone(&section.proxy), door.maxconn, Rc::clone(&here));
    GATES.with_borrow_mut(|gates| {
        gates.retain(Gate::is_in_use);
        gates.push(gate.clone());
    });
    let listener = Listener::new(door.bound)?;
    let entry = Rc::new(door.entry);
    let handler = |conn: Stream, src: Addr| {
        here.set(here.get().saturating_add(1));
        let taken = Taken {
            here: Rc::clone(&here),
            shared: Arc::clone(&shared),
            fleet: worker.fleet().clone(),
            _open: worker.streams().open(),
        };
        let served = stream::serve(Rc::clone(&local), conn, src, Rc::clone(&entry));
        task::spawn(async move {
            let _taken = taken;
            served.await;
        })
        .detach();
    };
    let frontend = Arc::clone(&section.proxy);
    let stopped = async {
        frontend.stopped().await;
        Ok(())
    };
    future::or(stopped, accept::serve(listener, worker.stop(), &gate, handler)).await
}

/// The place of a connection at its door: given back however the connection ends.
struct Taken {
    /// How many came through this door.
    here: Rc<Cell<u32>>,
    shared: Arc<Shared>,
    fleet: Fleet,
    _open: Open,
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.here.set(self.here.get().saturating_sub(1));
        if self.shared.crowded.swap(false, Ordering::AcqRel) {
            self.fleet.post_all(resume);
        }
    }
}

fn gate(
    shared: &Arc<Shared>,
    frontend: Arc<proxy::Proxy>,
    maxconn: u32,
    here: Rc<Cell<u32>>,
) -> Gate {
    let shared = Arc::clone(shared);
    let has_room = move |shared: &Shared| {
        (maxconn == 0 || here.get() < maxconn)
            && !frontend.is_paused()
            && shared.has_room(&frontend)
    };
    Gate::new(move || {
        has_room(&shared) || {
            shared.crowded.store(true, Ordering::Release);
            // A connection may have ended before it could see the flag.
            has_room(&shared)
        }
    })
}

/// Lets frontends accept again that were paused.
async fn resume_when_changed() {
    let mut next = proxy::live::changed();
    loop {
        next.await;
        next = proxy::live::changed();
        resume();
    }
}

fn resume() {
    GATES.with_borrow(|gates| gates.iter().for_each(Gate::resume));
}
