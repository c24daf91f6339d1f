//! Going to the background (`-D`): the program starts itself anew, and waits until that one is
//! ready or has given up.

use std::env;
use std::io;
use std::io::Read as _;
use std::io::Write as _;
use std::process::Command;
use std::process::ExitCode;
use std::process::Stdio;

/// Tells the process in the background that it is one.
const MARK: &str = "LUAPROXY_IN_BACKGROUND";

/// What it says when it is ready, before it closes its end.
const READY: u8 = 0;

/// Tells whether this is the process in the background.
pub(super) fn is_background() -> bool {
    env::var_os(MARK).is_some()
}

/// Starts the program in the background; returns its outcome once it is ready or has ended.
pub(super) fn start() -> io::Result<ExitCode> {
    let mut child = Command::new(env::current_exe()?)
        .args(env::args_os().skip(1))
        .env(MARK, "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut said = Vec::new();
    if let Some(mut out) = child.stdout.take() {
        out.read_to_end(&mut said)?;
    }
    if said.pop_if(|last| *last == READY).is_some() {
        io::stdout().lock().write_all(&said)?;
        return Ok(ExitCode::SUCCESS);
    }
    io::stdout().lock().write_all(&said)?;
    Ok(if child.wait()?.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Leaves the terminal: the process in the background is ready.
pub(super) fn detach() -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(&[READY])?;
    out.flush()?;
    rustix::process::setsid().ok();
    let null = std::fs::OpenOptions::new().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(&null)?;
    rustix::stdio::dup2_stderr(&null)?;
    Ok(())
}
