//! A Redis server for a case.

use std::net::TcpListener;
use std::process::Command;

use super::peer::Tool;
use super::process::Process;

/// A Redis server of the test's own, with nothing saved.
pub(crate) struct Redis {
    pub(crate) port: u16,
    _process: Process,
}

impl Redis {
    pub(crate) fn start() -> Self {
        // Redis cannot inherit a socket: a port is taken, given back, and asked for again.
        for _ in 0..5 {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let mut command = Command::new(Tool::Redis.path().unwrap());
            command.args(["--save", "", "--appendonly", "no", "--bind", "127.0.0.1"]);
            let process = Process::start(command.args(["--port", &port.to_string()]), &[]);
            let lines = process.stdout.wait_for("that it is ready", |line| {
                line.contains("eady to accept connections") || line.contains("bind: Address")
            });
            if lines.contains("eady to accept") {
                return Self { port, _process: process };
            }
        }
        panic!("no port for redis-server");
    }
}
