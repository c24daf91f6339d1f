//! Child processes: started with inherited sockets, their lines kept, ended with their owner.

use std::fmt::Debug;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::net::TcpListener;
use std::process::Child;
use std::process::Command;
use std::process::ExitStatus;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;
use std::time::Instant;

use rustix::io::FdFlags;
use rustix::process::Pid;
use rustix::process::Signal;

/// How long a test waits for what must happen; only a failing test waits that long.
pub(crate) const DEADLINE: Duration = Duration::from_secs(15);

/// The lines that a process wrote to one of its outputs.
#[derive(Clone, Default, Debug)]
pub(crate) struct Lines(Arc<(Mutex<Vec<String>>, Condvar)>);

impl Lines {
    /// Returns what came so far.
    pub(crate) fn all(&self) -> Vec<String> {
        self.0.0.lock().unwrap().clone()
    }

    /// Returns the first line that fits, and fails when none comes.
    pub(crate) fn wait_for(&self, what: &str, fits: impl Fn(&str) -> bool) -> String {
        self.wait_until(what, |lines| lines.iter().find(|line| fits(line)).cloned())
    }

    /// Returns the first line that contains the text, and fails when none comes.
    pub(crate) fn wait_for_text(&self, text: &str) -> String {
        self.wait_for(text, |line| line.contains(text))
    }

    /// Returns the lines once there are at least as many as asked for.
    pub(crate) fn wait_for_count(&self, count: usize) -> Vec<String> {
        self.wait_until("more lines", |lines| (lines.len() >= count).then(|| lines.to_vec()))
    }

    pub(crate) fn push(&self, line: String) {
        self.0.0.lock().unwrap().push(line);
        self.0.1.notify_all();
    }

    fn wait_until<T>(&self, what: &str, find: impl Fn(&[String]) -> Option<T>) -> T {
        let until = Instant::now() + DEADLINE;
        let mut lines = self.0.0.lock().unwrap();
        loop {
            if let Some(found) = find(&lines) {
                return found;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let seen = lines.join("\n");
                drop(lines);
                panic!("no line with {what:?}; seen:\n{seen}");
            }
            lines = self.0.1.wait_timeout(lines, left).unwrap().0;
        }
    }
}

/// A running program with its outputs read.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    readers: Vec<JoinHandle<()>>,
    pub(crate) stdout: Lines,
    pub(crate) stderr: Lines,
}

impl Process {
    /// Starts the command; the child inherits the listeners, and nobody else does.
    pub(crate) fn start(command: &mut Command, inherited: &[TcpListener]) -> Self {
        /// One child is born at a time: no other child inherits this one's sockets.
        static BIRTH: Mutex<()> = Mutex::new(());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let birth = BIRTH.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        inherited.iter().for_each(|socket| keep_open(socket, true));
        let child = command.spawn();
        inherited.iter().for_each(|socket| keep_open(socket, false));
        drop(birth);
        let mut child = child.unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let (stdout, stderr) = (Lines::default(), Lines::default());
        let readers = vec![
            read_lines(child.stdout.take().unwrap(), stdout.clone()),
            read_lines(child.stderr.take().unwrap(), stderr.clone()),
        ];
        Self { child, readers, stdout, stderr }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        let _gone = rustix::process::kill_process(pid, signal);
    }

    /// Waits until the process has ended by itself.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let until = Instant::now() + DEADLINE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                self.readers.drain(..).for_each(|reader| reader.join().unwrap());
                return status;
            }
            assert!(Instant::now() < until, "process {} does not end", self.id());
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Returns whether it still runs.
    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn keep_open(socket: &TcpListener, keep: bool) {
    let flags = if keep { FdFlags::empty() } else { FdFlags::CLOEXEC };
    rustix::io::fcntl_setfd(socket, flags).unwrap();
}

fn read_lines(output: impl Read + Send + Debug + 'static, lines: Lines) -> JoinHandle<()> {
    thread::spawn(move || {
        let mut output = BufReader::new(output);
        let mut line = Vec::new();
        while output.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            let text = String::from_utf8_lossy(&line);
            lines.push(text.trim_end_matches('\n').to_owned());
            line.clear();
        }
    })
}
