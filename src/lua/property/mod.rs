//! Random programs give the same result wherever they are preempted, compiled or not.
//!
//! `LUAPROXY_PROGRAMS=100000 cargo test --lib lua::property` runs more of them than the usual
//! test does; `LUAPROXY_SEED=N` begins with another one.

use std::env;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;

use futures_lite::future;
use mlua::Value;

use super::Limits;
use super::Options;
use super::Reach;
use super::Ret;
use super::Step;
use super::Vm;
use super::host;
use super::host::Reply;
use super::raw;

mod program;

use program::Program;

/// How many programs the usual test runs.
const PROGRAMS: u64 = 100;

/// How many programs one state runs before it is made anew.
const PER_STATE: u64 = 25;

/// How often a run is preempted: what one instruction takes grows tenfold with each coroutine
/// that it is nested in, since the way to it is preempted too.
const PREEMPTIONS_MAX: u64 = 4_000;

/// Compiles what runs twice, so that short programs run as machine code.
const EAGER: &str = "if jit then jit.opt.start('hotloop=2', 'hotexit=2') end";

/// Where a run is preempted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    /// Nowhere.
    Never,
    /// Before every instruction.
    Always,
    /// Wherever a signal comes.
    Signalled,
}

/// What became of a program, and how often it was preempted.
#[derive(Debug)]
struct Outcome {
    result: Result<Ret, String>,
    preemptions: u64,
}

#[test]
fn random_programs_give_the_same_result_wherever_they_are_preempted() {
    let first = number("LUAPROXY_SEED").unwrap_or(1);
    let count = number("LUAPROXY_PROGRAMS").unwrap_or(PROGRAMS);
    let storm = Storm::start();
    let (mut preemptions, mut errors, mut signalled) = (0, 0, 0);
    let mut states = [vm(true), vm(false)];
    for seed in first..first + count {
        if seed % PER_STATE == 0 {
            states = [vm(true), vm(false)];
        }
        let program = Program::random(seed).to_string();
        let alone = run(&states[1], &program, When::Never, &storm);
        errors += u64::from(alone.result.is_err());
        for (vm, name) in states.iter().zip(["compiled", "interpreted"]) {
            for when in [When::Never, When::Always, When::Signalled] {
                let other = run(vm, &program, when, &storm);
                assert_eq!(other.result, alone.result, "seed {seed}, {name}, {when:?}:\n{program}");
                match when {
                    When::Always => preemptions += other.preemptions,
                    When::Signalled => signalled += other.preemptions,
                    When::Never => {}
                }
            }
        }
    }
    // Programs that are not preempted, or all end at once with an error, would show nothing.
    assert!(preemptions / count > 100, "{preemptions} preemptions of {count} programs");
    assert!(errors * 4 < count, "{errors} of {count} programs end with an error");
    assert!(signalled > 0 || count < PROGRAMS, "no signal has preempted a program");
}

#[test]
fn random_programs_do_not_look_alike() {
    let of = |seed| Program::random(seed).to_string();
    assert_eq!(of(7), of(7));
    assert_ne!(of(7), of(8));
}

fn run(vm: &Vm, source: &str, when: When, storm: &Storm) -> Outcome {
    let function = vm.load("program.lua", source.as_bytes()).unwrap();
    raw::set_zeal(when == When::Always);
    storm.blow(when == When::Signalled);
    let (mut call, mut step) = vm.start(&function, &[], Limits::NONE);
    let mut preemptions = 0;
    let result = loop {
        raw::set_zeal(when == When::Always && preemptions < PREEMPTIONS_MAX);
        step = match step {
            Step::Done(ret) => break Ok(ret),
            Step::Failed(error) => break Err(error.message),
            Step::Waiting(op) => call.answer(future::block_on(op)),
            Step::Preempted => {
                preemptions += 1;
                call.go_on()
            }
        };
    };
    storm.blow(false);
    raw::set_zeal(cfg!(luaproxy_zeal));
    Outcome { result, preemptions }
}

fn vm(jit: bool) -> Vm {
    let vm = Vm::new(Options { id: 0, jit, reach: Reach::GLOBAL }).unwrap();
    let later = host::function(&vm, "later", |args| {
        let value = args.value(1).clone();
        Ok(Reply::wait(async move {
            future::yield_now().await;
            match value {
                Value::Nil => Err(host::Raise::new("later: nothing")),
                value => Ok(vec![value]),
            }
        }))
    })
    .unwrap();
    vm.lua().globals().set("later", later).unwrap();
    let eager = vm.load("eager.lua", EAGER.as_bytes()).unwrap();
    vm.run(&eager, &[], Limits::NONE).unwrap();
    vm
}

fn number(variable: &str) -> Option<u64> {
    env::var(variable).ok().map(|text| text.parse().expect("a number"))
}

/// A thread that interrupts the test's own all the time.
#[derive(Debug)]
struct Storm {
    blows: Arc<AtomicBool>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Storm {
    fn start() -> Self {
        let target = raw::Thread::enter();
        let (blows, over) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let flags = (Arc::clone(&blows), Arc::clone(&over));
        let thread = thread::spawn(move || {
            let mut random = program::Random::new(1);
            while !flags.1.load(Ordering::Relaxed) {
                if flags.0.load(Ordering::Relaxed) {
                    target.interrupt();
                }
                thread::park_timeout(Duration::from_micros(random.below(80)));
            }
        });
        Self { blows, over, thread: Some(thread) }
    }

    fn blow(&self, on: bool) {
        self.blows.store(on, Ordering::Relaxed);
    }
}

impl Drop for Storm {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap_or_default();
        }
    }
}
