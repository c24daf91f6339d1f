//! The signals that end the process, or that HAProxy would answer.

use std::io;

use async_signal::Signal;
use async_signal::Signals;
use futures_lite::StreamExt;

use crate::worker::Level;

/// What the process catches. SIGPIPE is ignored from the start: writing says it with an error.
pub(super) fn catch() -> io::Result<Signals> {
    Signals::new(TABLE.iter().map(|row| row.signal))
}

/// A signal that came.
pub(super) struct Came {
    pub(super) name: &'static str,
    /// How it asks the process to stop; `None` where it does not.
    pub(super) asks: Option<Level>,
    /// It asks for the certificates to be loaded anew.
    pub(super) reloads: bool,
}

/// Returns the next signal that matters.
pub(super) async fn next(signals: &mut Signals, now: Level) -> Option<Came> {
    loop {
        let Ok(signal) = signals.next().await? else { continue };
        if let Some(row) = TABLE.iter().find(|row| row.signal == signal) {
            let Row { name, asks, reloads, .. } = *row;
            return Some(Came { name, asks: asks(now), reloads });
        }
    }
}

struct Row {
    signal: Signal,
    name: &'static str,
    asks: fn(Level) -> Option<Level>,
    reloads: bool,
}

const TABLE: &[Row] = &[
    Row { signal: Signal::Hup, name: "SIGHUP", asks: nothing, reloads: true },
    Row { signal: Signal::Int, name: "SIGINT", asks: hard, reloads: false },
    Row { signal: Signal::Term, name: "SIGTERM", asks: hard, reloads: false },
    Row { signal: Signal::Usr1, name: "SIGUSR1", asks: soft, reloads: false },
    Row { signal: Signal::Usr2, name: "SIGUSR2", asks: nothing, reloads: false },
];

fn nothing(_: Level) -> Option<Level> {
    None
}

fn hard(_: Level) -> Option<Level> {
    Some(Level::Hard)
}

/// The second one stops at once.
fn soft(now: Level) -> Option<Level> {
    Some(if now >= Level::Soft { Level::Hard } else { Level::Soft })
}
