//! Starting the workers, reaching them, and waiting for their end.

use std::fmt;
use std::future::Future;
use std::future::pending;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicU8;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::thread;

use async_signal::Signals;
use event_listener::Event;
use event_listener::listener;
use futures_lite::future;

use crate::log;
use crate::net::tls::store;
use crate::task;
use crate::task::Executor;
use crate::task::Remote;
use crate::worker::Level;
use crate::worker::Stop;
use crate::worker::Streams;
use crate::worker::signal;

/// How to run the workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Obeys signals. Off where several fleets live in one process, as in tests.
    pub signals: bool,
}

/// What happened to the process, for its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// A signal came that asks for this level, or for nothing that is done here.
    Signal { name: &'static str, asks: Option<Level> },
}

/// Runs a worker for each of `seeds`, until all have ended.
///
/// Worker 0 is the calling thread, since the scripts that only one worker has were loaded there;
/// it runs `first`. Each other one calls `others` on its own thread. There they build what belongs
/// to them, and accept. A worker ends when that future has ended and no stream is open, or when
/// the process stops at once.
pub fn run<S, First, FirstFut, Others, OthersFut>(
    seeds: Vec<S>,
    options: Options,
    first: First,
    others: Others,
    notice: impl Fn(Notice) + Send,
) -> io::Result<()>
where
    S: Send,
    First: FnOnce(Worker, S) -> FirstFut,
    FirstFut: Future<Output = ()>,
    Others: Fn(Worker, S) -> OthersFut + Sync,
    OthersFut: Future<Output = ()>,
{
    // Before there are threads, so that no signal finds the default action.
    let mut signals = options.signals.then(signal::catch).transpose()?;
    let threads = seeds.len();
    let mut seeds = seeds.into_iter().enumerate();
    let Some((_, seed)) = seeds.next() else { return Ok(()) };
    let own = Executor::new()?;
    let count = Arc::new(Running { threads: AtomicUsize::new(threads), ended: Event::new() });
    thread::scope(|scope| {
        let own_ends = Ends(Arc::clone(&count));
        let (ready, executors) = mpsc::channel();
        let mut starters = Vec::with_capacity(threads);
        let mut handles = Vec::with_capacity(threads);
        for (index, seed) in seeds {
            let (starter, fleet) = mpsc::channel();
            starters.push(starter);
            let (ready, others, ends) = (ready.clone(), &others, Ends(Arc::clone(&count)));
            let thread = thread::Builder::new().name(format!("worker-{index}")).stack_size(STACK);
            handles.push(thread.spawn_scoped(scope, move || {
                work(index, &ready, &fleet, |worker| others(worker, seed));
                drop(ends);
            })?);
        }
        drop(ready);
        let fleet = gather(own.remote(), &executors, threads)?;
        for starter in starters {
            // A worker that is gone already is counted as ended.
            drop(starter.send(fleet.clone()));
        }
        let watched = fleet.clone();
        scope.spawn(move || {
            async_io::block_on(future::or(count.all_ended(), async {
                match &mut signals {
                    Some(signals) => obey(signals, &watched, &notice).await,
                    None => pending().await,
                }
            }));
        });
        serve(&own, 0, fleet, |worker| first(worker, seed));
        drop(own_ends);
        for handle in handles {
            handle.join().map_err(|_| io::Error::other("a worker has panicked"))?;
        }
        Ok(())
    })
}

/// One worker, as its own tasks see it.
#[derive(Debug, Clone)]
pub struct Worker {
    index: usize,
    fleet: Fleet,
    stop: Stop,
    streams: Streams,
}

impl Worker {
    /// Returns which worker this is, from 0.
    pub fn index(&self) -> usize {
        self.index
    }

    /// Returns the workers together.
    pub fn fleet(&self) -> &Fleet {
        &self.fleet
    }

    /// Returns what tells that the end has come.
    pub fn stop(&self) -> &Stop {
        &self.stop
    }

    /// Returns the count of open streams.
    pub fn streams(&self) -> &Streams {
        &self.streams
    }
}

/// All workers of the process, from any thread.
#[derive(Clone)]
pub struct Fleet(Arc<Members>);

struct Members {
    /// In the order of the workers.
    remotes: Vec<Remote>,
    level: AtomicU8,
}

impl Fleet {
    /// Returns how many workers there are.
    pub fn len(&self) -> usize {
        self.0.remotes.len()
    }

    /// Returns `false`: there is always a worker.
    pub fn is_empty(&self) -> bool {
        self.0.remotes.is_empty()
    }

    /// Runs `call` on a worker's thread, between two tasks. Returns `false` if it has ended.
    pub fn post(&self, worker: usize, call: Box<dyn FnOnce() + Send>) -> bool {
        self.0.remotes.get(worker).is_some_and(|remote| remote.post(call))
    }

    /// Runs `call` on the thread of every worker that has not ended.
    pub fn post_all(&self, call: impl Fn() + Clone + Send + 'static) {
        for remote in &self.0.remotes {
            remote.post(Box::new(call.clone()));
        }
    }

    /// Stops the workers, softly or at once.
    pub fn stop(&self, level: Level) {
        let code = match level {
            Level::Run => 0,
            Level::Soft => 1,
            Level::Hard => 2,
        };
        self.0.level.fetch_max(code, Ordering::Relaxed);
        self.post_all(move || Stop::current().raise(level));
    }

    /// Returns what the workers were told last.
    pub fn level(&self) -> Level {
        match self.0.level.load(Ordering::Relaxed) {
            0 => Level::Run,
            1 => Level::Soft,
            _ => Level::Hard,
        }
    }
}

impl fmt::Debug for Fleet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fleet").field("workers", &self.len()).finish_non_exhaustive()
    }
}

/// What the stack of a worker should hold: scripts nest deeply, and LuaJIT does not watch it.
pub const STACK: usize = 16 << 20;

/// A worker's number, and how to reach it.
type Ready = (usize, io::Result<Remote>);

fn work<F, Fut>(index: usize, ready: &mpsc::Sender<Ready>, fleet: &mpsc::Receiver<Fleet>, main: F)
where
    F: FnOnce(Worker) -> Fut,
    Fut: Future<Output = ()>,
{
    let executor = match Executor::new() {
        Ok(executor) => executor,
        Err(error) => {
            // The receiver waits for every worker.
            drop(ready.send((index, Err(error))));
            return;
        }
    };
    if ready.send((index, Ok(executor.remote()))).is_err() {
        return;
    }
    // Fails when another worker could not start.
    let Ok(fleet) = fleet.recv() else { return };
    serve(&executor, index, fleet, main);
}

/// Runs the future of one worker to its end.
fn serve<F, Fut>(executor: &Executor, index: usize, fleet: Fleet, main: F)
where
    F: FnOnce(Worker) -> Fut,
    Fut: Future<Output = ()>,
{
    let worker = Worker { index, fleet, stop: Stop::current(), streams: Streams::new() };
    executor.run(async {
        let working = async {
            main(worker.clone()).await;
            worker.streams().drained().await;
        };
        future::or(worker.stop().hard(), working).await;
    });
}

fn gather(own: Remote, executors: &mpsc::Receiver<Ready>, threads: usize) -> io::Result<Fleet> {
    let mut remotes: Vec<Option<Remote>> = vec![None; threads];
    if let Some(place) = remotes.first_mut() {
        *place = Some(own);
    }
    for (index, remote) in executors.iter().take(threads.saturating_sub(1)) {
        if let Some(place) = remotes.get_mut(index) {
            *place = Some(remote?);
        }
    }
    let remotes: Option<Vec<Remote>> = remotes.into_iter().collect();
    let remotes = remotes.ok_or_else(|| io::Error::other("a worker has not started"))?;
    Ok(Fleet(Arc::new(Members { remotes, level: AtomicU8::new(0) })))
}

async fn obey(signals: &mut Signals, fleet: &Fleet, notice: &impl Fn(Notice)) {
    while let Some(signal::Came { name, asks, reloads }) =
        signal::next(signals, fleet.level()).await
    {
        notice(Notice::Signal { name, asks });
        if let Some(level) = asks {
            fleet.stop(level);
        }
        if reloads {
            reload_certificates().await;
        }
    }
    pending::<()>().await;
}

/// Loads the certificates in use from their files again; connections that stand keep the old ones.
async fn reload_certificates() {
    match task::unblock(store::reload).await {
        Ok(0) => {}
        Ok(count) => {
            log::program(log::Level::Notice, &format!("loaded {count} certificates anew"));
        }
        Err(wrong) => {
            for error in wrong {
                log::program(log::Level::Err, &format!("a certificate stays as it was: {error}"));
            }
        }
    }
}

/// How many workers have not ended.
struct Running {
    threads: AtomicUsize,
    ended: Event,
}

impl Running {
    async fn all_ended(&self) {
        while self.threads.load(Ordering::Acquire) > 0 {
            listener!(self.ended => ended);
            if self.threads.load(Ordering::Acquire) > 0 {
                ended.await;
            }
        }
    }
}

/// Counts a worker as ended, even if it panics.
struct Ends(Arc<Running>);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.threads.fetch_sub(1, Ordering::Release);
        self.0.ended.notify(usize::MAX);
    }
}
