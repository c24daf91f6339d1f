//! From a configuration to running workers, or to the list of what is wrong with it.

use std::fs;
use std::io;
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use rustix::process::Pid;
use rustix::process::Resource;
use rustix::process::Rlimit;
use rustix::process::Signal;

use crate::compile;
use crate::diag::Severity;
use crate::dialect;
use crate::log;
use crate::lua;
use crate::program::Program;
use crate::proxy::Mode;
use crate::worker;
use crate::worker::Level;
use crate::worker::Notice;
use crate::worker::Worker;
use crate::worker::service;
use crate::worker::service::Seed;

use super::configuration::Configuration;
use super::console::Console;
use super::daemon;
use super::options::Options;

/// The exit status of a configuration that is right and listens nowhere.
const NO_LISTENER: u8 = 2;

/// How many descriptors the process, and each worker, has for itself.
const OWN_DESCRIPTORS: u64 = 8;

/// How long the last log lines may take to leave.
const LAST_LINES: Duration = Duration::from_secs(1);

/// Checks a configuration and, unless that was all, runs it to its end.
pub(super) fn start(options: &Options, configuration: Configuration, console: Console) -> ExitCode {
    // Scripts of `lua-load` belong to the thread that loads them, and need its stack.
    on_worker(console, || Start { options, console }.run(configuration))
}

/// Runs a function on a thread with a worker's stack.
pub(super) fn on_worker(console: Console, run: impl FnOnce() -> ExitCode + Send) -> ExitCode {
    thread::scope(|scope| {
        let thread = thread::Builder::new().name("worker-0".to_owned()).stack_size(worker::STACK);
        match thread.spawn_scoped(scope, run).map(thread::ScopedJoinHandle::join) {
            Ok(Ok(code)) => code,
            Ok(Err(_)) => ExitCode::FAILURE,
            Err(error) => {
                console.line(Severity::Alert, &format!("cannot start a thread: {error}"));
                ExitCode::FAILURE
            }
        }
    })
}

/// A start of the program.
struct Start<'a> {
    options: &'a Options,
    console: Console,
}

impl Start<'_> {
    fn run(&self, mut configuration: Configuration) -> ExitCode {
        // Before scripts run, which they shall do once.
        if self.goes_to_background(&configuration) {
            return daemon::start().unwrap_or_else(|error| {
                self.console
                    .line(Severity::Alert, &format!("cannot go to the background: {error}"));
                ExitCode::FAILURE
            });
        }
        if let Err(error) = lua::selftest() {
            self.console.line(Severity::Alert, &format!("Lua : {}", error.message));
            return ExitCode::FAILURE;
        }
        configuration.env.clone().publish();
        let host = lua::Host::new(0);
        let compiled = compile::compile(compile::Input {
            sources: &configuration.sources,
            tree: &configuration.tree,
            env: &configuration.env,
            loader: &*host,
            default_maxconn: self.options.default_maxconn.unwrap_or_default(),
        });
        configuration.diagnostics.extend(compiled.diagnostics);
        let warnings = dialect::report(&compiled.scripts, &mut configuration.sources);
        configuration.diagnostics.extend(warnings);
        let refused = self.console.report(&configuration.sources, &configuration.diagnostics);
        let Some(mut program) = compiled.program.filter(|_| !refused) else {
            return ExitCode::FAILURE;
        };
        if let Some(code) = self.answer_check(&configuration, &program) {
            return code;
        }
        self.apply(&mut program);
        self.listen(&configuration, program, &host)
    }

    /// Says what comes of the check; with `-c` that is all, and so it is without a listener.
    fn answer_check(&self, configuration: &Configuration, program: &Program) -> Option<ExitCode> {
        let warned = configuration.diagnostics.iter().any(|it| it.severity == Severity::Warning);
        if warned && (self.options.zero_warning || program.global.zero_warning) {
            let text = "config : Some warnings were found and 'zero-warning' is set. Aborting.";
            self.console.line(Severity::Alert, text);
            return Some(ExitCode::FAILURE);
        }
        let listens = service::has_listener(program);
        if self.options.check {
            if warned {
                self.console.answer("Warnings were found.\n");
            }
            if !listens {
                let text = "Configuration file has no error but will not start (no listener) => \
                            exit(2).\n";
                self.console.answer(text);
                return Some(ExitCode::from(NO_LISTENER));
            }
            self.console.answer("Configuration file is valid\n");
            return Some(ExitCode::SUCCESS);
        }
        (!listens).then(|| {
            let text = "[luaproxy.main()] No enabled listener found (check for 'bind' \
                        directives) ! Exiting.";
            self.console.line(Severity::Alert, text);
            ExitCode::FAILURE
        })
    }

    /// Tells whether to start anew in the background.
    fn goes_to_background(&self, configuration: &Configuration) -> bool {
        let globals = configuration.tree.sections.iter().filter(|it| it.name() == Some("global"));
        let asked = self.options.daemon
            || globals.flat_map(|section| &section.lines).any(|line| line.text(0) == "daemon");
        let stays = self.options.check || self.stays_in_foreground();
        asked && !stays && !daemon::is_background()
    }

    fn stays_in_foreground(&self) -> bool {
        self.options.debug || self.options.foreground || self.options.systemd
    }

    /// Lets the command line overrule the configuration.
    fn apply(&self, program: &mut Program) {
        if let Some(maxconn) = self.options.maxconn {
            program.global.maxconn = maxconn;
        }
        log::set_ident(log::Ident {
            tag: program.global.log_tag.clone(),
            host: program.global.log_send_hostname.clone(),
        });
        raise_descriptors();
        if program.global.maxconn == 0 {
            program.global.maxconn = affordable_connections(program);
        }
        program.proxies.process.maxconn.store(program.global.maxconn, Ordering::Relaxed);
    }

    fn listen(
        &self,
        configuration: &Configuration,
        program: Program,
        host: &Rc<lua::Host>,
    ) -> ExitCode {
        let seeds = match service::bind(&program, &configuration.sources) {
            Ok(seeds) => seeds,
            Err(wrong) => {
                self.console.report(&configuration.sources, &wrong);
                return ExitCode::FAILURE;
            }
        };
        if let Err(error) = self.write_pid(&program) {
            self.console.line(Severity::Alert, &error);
            return ExitCode::FAILURE;
        }
        self.tell(&program);
        if self.console.is_terminal() && !program.global.quiet {
            self.console.error(&greeting(&seeds, &program));
        }
        self.relieve();
        if daemon::is_background()
            && let Err(error) = daemon::detach()
        {
            self.console.line(Severity::Alert, &format!("cannot leave the terminal: {error}"));
            return ExitCode::FAILURE;
        }
        match run_workers(seeds, program, host) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                self.console.line(Severity::Alert, &format!("{error}"));
                ExitCode::FAILURE
            }
        }
    }

    fn write_pid(&self, program: &Program) -> Result<(), String> {
        let configured = program.global.pidfile.as_ref().map(std::path::PathBuf::from);
        let Some(path) = self.options.pidfile.clone().or(configured) else { return Ok(()) };
        fs::write(&path, format!("{}\n", std::process::id()))
            .map_err(|error| format!("Cannot create pidfile {} : {error}", path.display()))
    }

    /// Says what a user may not expect.
    fn tell(&self, program: &Program) {
        if program.global.quiet && !self.options.verbose {
            return;
        }
        if program.global.nbthread < 2 {
            return;
        }
        for section in &program.sections {
            if section.needs_shared_state && !section.binds.is_empty() {
                let text = format!(
                    "'{}' calls scripts of 'lua-load', which one thread has: its connections are \
                     accepted there alone ('lua-load-per-thread' uses all {} threads)",
                    section.proxy.name, program.global.nbthread
                );
                self.console.line(Severity::Notice, &text);
            }
        }
    }

    /// Tells the old processes to finish (`-sf`) or to end (`-st`).
    fn relieve(&self) {
        let finish = self.options.finish.iter().map(|pid| (pid, Signal::USR1));
        let terminate = self.options.terminate.iter().map(|pid| (pid, Signal::TERM));
        for (pid, signal) in finish.chain(terminate) {
            let process = i32::try_from(*pid).ok().and_then(Pid::from_raw);
            if let Some(process) = process
                && let Err(error) = rustix::process::kill_process(process, signal)
            {
                let text = format!("cannot signal the old process {pid}: {error}");
                self.console.line(Severity::Warning, &text);
            }
        }
    }
}

/// Returns what a person at the terminal wants to know: who this is, where it listens, how to stop
/// it.
fn greeting(seeds: &[Seed], program: &Program) -> String {
    let (version, lua) = (env!("CARGO_PKG_VERSION"), lua::version());
    let threads = program.global.nbthread;
    let mut text = format!("luaproxy {version}  {lua}  {threads} thread(s)\n");
    for (addr, id) in seeds.first().iter().flat_map(|seed| seed.listeners()) {
        let Some(proxy) = program.proxies.find(id) else { continue };
        let scheme = if proxy.mode == Mode::Http { "http://" } else { "" };
        text.push_str(&format!("  listen  {:<32}  {}\n", format!("{scheme}{addr}"), proxy.name));
    }
    text + "ready; Ctrl-C stops it\n"
}

fn run_workers(seeds: Vec<Seed>, program: Program, host: &Rc<lua::Host>) -> io::Result<()> {
    let plan = host.plan();
    let shared = service::Shared::new(Arc::new(program));
    let first =
        |worker: Worker, seed| service::work(worker, seed, Arc::clone(&shared), Rc::clone(host));
    let others = |worker: Worker, seed| {
        let (shared, plan) = (Arc::clone(&shared), plan.clone());
        async move {
            match lua::Host::from_plan(&plan, worker.index()) {
                Ok(host) => service::work(worker, seed, shared, host).await,
                Err(error) => {
                    log::program(log::Level::Alert, &error.message);
                    lua::end_all();
                    worker.fleet().stop(Level::Hard);
                }
            }
        }
    };
    let ended = worker::run(seeds, worker::Options { signals: true }, first, others, tell_signal);
    log::flush(LAST_LINES);
    ended
}

fn tell_signal(notice: Notice) {
    let Notice::Signal { name, asks } = notice;
    if asks == Some(Level::Hard) {
        // A script that never gives way must not keep its worker from ending.
        lua::end_all();
    }
    let what = match asks {
        Some(Level::Soft) => "finishing what is open, then exiting",
        Some(Level::Hard) => "exiting now",
        Some(Level::Run) | None => "nothing to do: the configuration is read at start",
    };
    log::program(log::Level::Notice, &format!("received {name}: {what}"));
}

/// Returns how many connections the descriptors are enough for, with one to a server for each; 0 is
/// no limit. HAProxy does the same: one that was accepted must not fail for want of a descriptor.
fn affordable_connections(program: &Program) -> u32 {
    let Some(limit) = rustix::process::getrlimit(Resource::Nofile).current else { return 0 };
    let addrs = program.sections.iter().flat_map(|section| &section.binds);
    let listeners = addrs.fold(0_u64, |sum, bind| sum.saturating_add(bind.addrs.len() as u64));
    // Twice: others accept from them while their worker is stuck.
    let per_worker = listeners.saturating_mul(2).saturating_add(OWN_DESCRIPTORS);
    let own = per_worker.saturating_mul(program.global.nbthread.max(1) as u64);
    let left = limit.saturating_sub(own.saturating_add(OWN_DESCRIPTORS));
    u32::try_from(left / 2).unwrap_or(0).max(1)
}

/// Lets the process have as many descriptors as the system allows it.
fn raise_descriptors() {
    let limit = rustix::process::getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    // Where that is refused, the old limit stands, and accepting pauses when it is reached.
    rustix::process::setrlimit(Resource::Nofile, raised).ok();
}
