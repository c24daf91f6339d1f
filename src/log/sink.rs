//! Where lines end: a thread that writes to files, and a datagram socket for each address.
//!
//! A pipe or a terminal may block for as long as its reader likes, so workers hand their lines to
//! a thread and never write themselves. When it cannot follow, lines are dropped and counted.

use std::cell::RefCell;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::Write as _;
use std::sync::OnceLock;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::SyncSender;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use crate::clock;
use crate::net::Addr;
use crate::net::Datagram;

use super::Sink;

/// How many lines may wait for the thread.
const BACKLOG: usize = 8192;

/// How many bytes the thread writes at once.
const BATCH: usize = 64 * 1024;

/// How long a socket that could not be opened is left alone.
const REOPEN: Duration = Duration::from_secs(1);

/// Gives a line to its sink.
pub(super) fn write(sink: &Sink, line: Vec<u8>) {
    let sent = match sink {
        Sink::Stdout => hand_over(1, line),
        Sink::Stderr => hand_over(2, line),
        Sink::Fd(number) => hand_over(*number, line),
        Sink::Datagram(addr) => send_datagram(addr, &line),
    };
    if !sent {
        DROPPED.fetch_add(1, Relaxed);
    }
}

/// Returns how many lines were dropped because their sink could not take them.
pub fn dropped() -> u64 {
    DROPPED.load(Relaxed)
}

/// Waits until the lines given so far are written, but not longer than this.
pub fn flush(longest: Duration) {
    let Some(writer) = WRITER.get().and_then(Option::as_ref) else { return };
    let (done, wait) = mpsc::sync_channel(1);
    if writer.try_send(Job::Flush(done)).is_ok() {
        let _ = wait.recv_timeout(longest);
    }
}

static DROPPED: AtomicU64 = AtomicU64::new(0);
static WRITER: OnceLock<Option<SyncSender<Job>>> = OnceLock::new();

enum Job {
    Line(i32, Vec<u8>),
    Flush(SyncSender<()>),
}

fn hand_over(fd: i32, line: Vec<u8>) -> bool {
    let writer = WRITER.get_or_init(|| {
        let (sender, receiver) = mpsc::sync_channel(BACKLOG);
        let thread = thread::Builder::new().name("log".into()).spawn(move || run(&receiver));
        thread.ok().map(|_| sender)
    });
    writer.as_ref().is_some_and(|writer| writer.try_send(Job::Line(fd, line)).is_ok())
}

/// Writes what comes, as many lines at once as are there.
fn run(jobs: &Receiver<Job>) {
    let mut batch = Batch::default();
    while let Ok(job) = jobs.recv() {
        batch.take(job);
        while let Ok(job) = jobs.try_recv() {
            batch.take(job);
        }
        batch.write();
    }
}

/// Lines for one descriptor that are not written yet.
#[derive(Default)]
struct Batch {
    fd: i32,
    bytes: Vec<u8>,
    files: Vec<(i32, Option<File>)>,
}

impl Batch {
    fn take(&mut self, job: Job) {
        match job {
            Job::Line(fd, line) => {
                if fd != self.fd || self.bytes.len().saturating_add(line.len()) > BATCH {
                    self.write();
                    self.fd = fd;
                }
                self.bytes.extend_from_slice(&line);
            }
            Job::Flush(done) => {
                self.write();
                let _ = done.try_send(());
            }
        }
    }

    fn write(&mut self) {
        if self.bytes.is_empty() {
            return;
        }
        let written = match self.fd {
            1 => io::stdout().write_all(&self.bytes).and_then(|()| io::stdout().flush()),
            2 => io::stderr().write_all(&self.bytes),
            fd => find_file(&mut self.files, fd).map_or(Ok(()), |file| file.write_all(&self.bytes)),
        };
        if written.is_err() {
            DROPPED.fetch_add(1, Relaxed);
        }
        self.bytes.clear();
    }
}

/// Returns an inherited descriptor, opened anew so that nothing else's offset moves.
fn find_file(files: &mut Vec<(i32, Option<File>)>, fd: i32) -> Option<&mut File> {
    let known = files.iter().position(|(known, _)| *known == fd);
    let place = known.unwrap_or_else(|| {
        files.push((fd, OpenOptions::new().append(true).open(format!("/dev/fd/{fd}")).ok()));
        files.len().saturating_sub(1)
    });
    files.get_mut(place)?.1.as_mut()
}

/// A worker's socket for one address.
struct Socket {
    addr: Addr,
    state: Result<Datagram, Instant>,
}

thread_local! {
    static SOCKETS: RefCell<Vec<Socket>> = const { RefCell::new(Vec::new()) };
}

fn send_datagram(addr: &Addr, line: &[u8]) -> bool {
    SOCKETS.with_borrow_mut(|sockets| {
        let known = sockets.iter().position(|socket| socket.addr == *addr);
        let place = known.unwrap_or_else(|| {
            sockets.push(Socket { addr: addr.clone(), state: open(addr) });
            sockets.len().saturating_sub(1)
        });
        sockets.get_mut(place).is_some_and(|socket| socket.send(line))
    })
}

fn open(addr: &Addr) -> Result<Datagram, Instant> {
    Datagram::new(addr).map_err(|_| clock::now())
}

impl Socket {
    fn send(&mut self, line: &[u8]) -> bool {
        if self.state.as_ref().is_err_and(|failed| failed.elapsed() >= REOPEN) {
            self.state = open(&self.addr);
        }
        let Ok(socket) = &self.state else { return false };
        match socket.send(line) {
            Ok(sent) => sent,
            // The receiver of a UNIX socket was started anew, or a UDP port is not open yet: one
            // try on a new socket, as the error belongs to an earlier line.
            Err(_) => {
                self.state = open(&self.addr);
                self.state.as_ref().is_ok_and(|socket| socket.send(line).unwrap_or(false))
            }
        }
    }
}
