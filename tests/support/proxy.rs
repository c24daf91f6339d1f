//! The proxy under test and its oracle, started with a configuration.

use std::collections::BTreeMap;
use std::env;
use std::fmt::Display;
use std::fs;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::os::fd::AsRawFd;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Output;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use rustix::process::Signal;
use tempfile::TempDir;

use super::client::Client;
use super::peer::Tool;
use super::process::DEADLINE;
use super::process::Process;

/// Who runs the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    Luaproxy,
    /// Debian's haproxy: what it does, the other must do.
    Haproxy,
}

impl Peer {
    pub(crate) const BOTH: [Self; 2] = [Self::Luaproxy, Self::Haproxy];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Luaproxy => "luaproxy",
            Self::Haproxy => "haproxy",
        }
    }

    /// What must be installed for it.
    pub(crate) fn tools(self) -> &'static [Tool] {
        match self {
            Self::Luaproxy => &[],
            Self::Haproxy => &[Tool::Haproxy],
        }
    }

    pub(crate) fn program(self) -> PathBuf {
        match self {
            Self::Luaproxy => PathBuf::from(env!("CARGO_BIN_EXE_luaproxy")),
            Self::Haproxy => Tool::Haproxy.path().expect("the case is skipped without it"),
        }
    }

    /// Checks a configuration text with `-c` and returns what was said.
    pub(crate) fn check(self, config: &str) -> Output {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("test.cfg");
        fs::write(&file, config).unwrap();
        Command::new(self.program())
            .args(["-c", "-f", "test.cfg"])
            .current_dir(folder.path())
            .output()
            .unwrap()
    }
}

/// What a proxy is started with.
#[derive(Debug)]
pub(crate) struct Setup {
    peer: Peer,
    folder: TempDir,
    current: Option<PathBuf>,
    env: BTreeMap<String, String>,
}

impl Setup {
    pub(crate) fn new(peer: Peer) -> Self {
        Self { peer, folder: tempfile::tempdir().unwrap(), current: None, env: BTreeMap::new() }
    }

    /// Who will run.
    pub(crate) fn peer(&self) -> Peer {
        self.peer
    }

    /// The folder of this proxy, `${dir}` in the configuration, its working directory.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Sets a variable for `${NAME}` in the configuration.
    pub(crate) fn env(mut self, name: &str, value: impl Display) -> Self {
        self.env.insert(name.to_owned(), format!("{value}"));
        self
    }

    /// Writes a file beside the configuration.
    pub(crate) fn file(self, name: &str, text: impl AsRef<[u8]>) -> Self {
        fs::write(self.folder().join(name), text).unwrap();
        self
    }

    /// Runs in this folder instead of its own.
    pub(crate) fn current_dir(mut self, folder: &Path) -> Self {
        self.current = Some(folder.to_owned());
        self
    }

    /// Starts the proxy. Each `fd@${NAME}` of the configuration becomes a listening socket.
    pub(crate) fn start(self, config: &str) -> Proxy {
        let names = socket_names(config);
        let file = self.folder().join("test.cfg");
        fs::write(&file, config).unwrap();
        self.start_file(&file, &names)
    }

    /// Starts the proxy with a configuration file and listening sockets of these names.
    pub(crate) fn start_file(mut self, file: &Path, names: &[String]) -> Proxy {
        let folder = self.folder().to_str().unwrap().to_owned();
        self.env.insert("dir".to_owned(), folder);
        let mut addrs = BTreeMap::new();
        let mut sockets = Vec::new();
        for name in names {
            let socket = TcpListener::bind("127.0.0.1:0").unwrap();
            addrs.insert(name.clone(), socket.local_addr().unwrap());
            self.env.insert(name.clone(), socket_value(file, name, &socket));
            sockets.push(socket);
        }
        let mut command = Command::new(self.peer.program());
        match self.peer {
            Peer::Luaproxy => command.arg("--config").arg(file),
            Peer::Haproxy => command.args(["-db", "-f"]).arg(file),
        };
        let current = self.current.clone().unwrap_or_else(|| self.folder().to_owned());
        command.current_dir(current).envs(&self.env);
        let process = Process::start(&mut command, &sockets);
        Proxy { peer: self.peer, process, addrs, folder: self.folder }
    }
}

/// A running proxy.
#[derive(Debug)]
pub(crate) struct Proxy {
    pub(crate) peer: Peer,
    pub(crate) process: Process,
    addrs: BTreeMap<String, SocketAddr>,
    folder: TempDir,
}

impl Proxy {
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The address of the socket that the configuration calls `fd@${name}`.
    pub(crate) fn addr(&self, name: &str) -> SocketAddr {
        self.addrs[name]
    }

    /// Connects to the socket of that name. It listens since before the proxy was born.
    pub(crate) fn connect(&self, name: &str) -> Client {
        Client::connect(self.addr(name)).unwrap_or_else(|error| {
            panic!("{}: {error}; it said:\n{}", self.peer.name(), self.said());
        })
    }

    /// Connects to a UNIX socket that the proxy makes itself, waiting until it is there.
    pub(crate) fn connect_unix(&self, file: &str) -> Client {
        let path = self.folder().join(file);
        let until = Instant::now() + DEADLINE;
        loop {
            match Client::connect_unix(&path) {
                Ok(client) => return client,
                Err(error) => assert!(
                    Instant::now() < until,
                    "{}: {error}; it said:\n{}",
                    path.display(),
                    self.said()
                ),
            }
            thread::yield_now();
        }
    }

    /// Waits until there is something to find.
    pub(crate) fn until<T>(&self, find: impl Fn() -> Option<T>) -> T {
        let until = Instant::now() + DEADLINE;
        loop {
            if let Some(found) = find() {
                return found;
            }
            assert!(Instant::now() < until, "it does not come; the proxy said:\n{}", self.said());
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Waits until it has written a line with this text to one of its outputs.
    pub(crate) fn wait_to_say(&self, text: &str) {
        let until = Instant::now() + DEADLINE;
        while !self.said().contains(text) {
            assert!(Instant::now() < until, "no line with {text:?} in:\n{}", self.said());
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Everything it wrote so far.
    pub(crate) fn said(&self) -> String {
        [self.process.stderr.all(), self.process.stdout.all()].concat().join("\n")
    }

    /// Ends the proxy and checks that it was healthy until then.
    pub(crate) fn stop(mut self) {
        assert!(self.process.is_running(), "ended early:\n{}", self.said());
        self.process.signal(Signal::TERM);
        let status = self.process.wait();
        let said = self.said();
        assert!(!said.contains("panicked at"), "a panic:\n{said}");
        let signal = status.signal();
        assert!(matches!(signal, None | Some(15)), "ended by signal {signal:?}:\n{said}");
    }
}

/// Returns the names in all `fd@${NAME}` of a configuration.
fn socket_names(config: &str) -> Vec<String> {
    config
        .split("fd@${")
        .skip(1)
        .filter_map(|rest| rest.split_once('}'))
        .map(|(name, _)| name.to_owned())
        .collect()
}

/// Returns what the variable of a socket holds: the number after `fd@`, or the whole address.
fn socket_value(file: &Path, name: &str, socket: &TcpListener) -> String {
    let text = fs::read_to_string(file).unwrap();
    let number = socket.as_raw_fd();
    if text.contains(&format!("fd@${{{name}}}")) {
        number.to_string()
    } else {
        format!("fd@{number}")
    }
}
