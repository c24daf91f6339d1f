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

/// Returns the next signal that matters, with its name and what it asks for.
///
/// `None` where there is nothing to do but to say so.
pub(super) async fn next(
    signals: &mut Signals,
    now: Level,
) -> Option<(&'static str, Option<Level>)> {
    loop {
        let Ok(signal) = signals.next().await? else { continue };
        if let Some(row) = TABLE.iter().find(|row| row.signal == signal) {
            return Some((row.name, (row.asks)(now)));
        }
    }
}

struct Row {
    signal: Signal,
    name: &'static str,
    asks: fn(Level) -> Option<Level>,
}

const TABLE: &[Row] = &[
    Row { signal: Signal::Hup, name: "SIGHUP", asks: nothing },
    Row { signal: Signal::Int, name: "SIGINT", asks: hard },
    Row { signal: Signal::Term, name: "SIGTERM", asks: hard },
    Row { signal: Signal::Usr1, name: "SIGUSR1", asks: soft },
    Row { signal: Signal::Usr2, name: "SIGUSR2", asks: nothing },
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
