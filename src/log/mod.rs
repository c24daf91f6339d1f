//! Log levels and where lines go: bytes in, no samples known.

mod line;
mod name;
mod sink;

#[cfg(test)]
mod tests;

pub use name::FACILITIES;
pub use name::FORMATS;
pub use name::LEVELS;
pub use name::find_facility;
pub use sink::dropped;
pub use sink::flush;

use std::sync::Arc;

use arc_swap::ArcSwapOption;

use crate::clock;
use crate::net::Addr;

/// One `log` line of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Where lines go.
    pub sink: Sink,
    /// How a line is wrapped.
    pub format: Format,
    /// Facility number, `kern` 0 to `local7` 23.
    pub facility: u8,
    /// The least severe level that passes.
    pub max: Level,
    /// The most severe level that lines are sent at.
    pub min: Level,
    /// Longest line in bytes, its end of line included.
    pub length: usize,
}

/// Where lines go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sink {
    /// `stdout`.
    Stdout,
    /// `stderr`.
    Stderr,
    /// A datagram socket: `IP:PORT` over UDP, or the path of a UNIX socket.
    Datagram(Addr),
    /// `fd@N`.
    Fd(i32),
}

/// How a line is wrapped: `format ...`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// No `format` is set: as `local`, with the host in front of the tag where `log-send-hostname`
    /// is set.
    #[default]
    Unspecified,
    /// `<PRI>Mon dd hh:mm:ss host tag[pid]: message`.
    Rfc3164,
    /// As `rfc3164` without the host.
    Local,
    /// RFC 5424.
    Rfc5424,
    /// `<PRI>` and the message.
    Priority,
    /// `<LEVEL>` and the message, for systemd.
    Short,
    /// `<LEVEL>`, the ISO date and the message.
    Timed,
    /// The ISO date and the message.
    Iso,
    /// The message.
    Raw,
}

/// Severity, as syslog has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// System is unusable.
    Emerg,
    /// Someone must act now.
    Alert,
    /// Critical.
    Crit,
    /// An error.
    Err,
    /// Probably an error.
    Warning,
    /// Normal but significant.
    Notice,
    /// Normal.
    Info,
    /// For developers.
    Debug,
}

/// Who the lines are from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ident {
    /// `log-tag`.
    pub tag: String,
    /// `log-send-hostname`.
    pub host: Option<String>,
}

impl Default for Ident {
    fn default() -> Self {
        Self { tag: "haproxy".into(), host: None }
    }
}

/// Sets who the lines of this process are from.
pub fn set_ident(ident: Ident) {
    IDENT.store(Some(Arc::new(ident)));
}

/// Sends a line to every target whose filter it passes. Never waits.
pub fn send(targets: &[Target], level: Level, message: &[u8]) {
    send_tagged(targets, None, level, message);
}

/// Sends a line as [`send`] does, under a proxy's own `log-tag`.
pub fn send_tagged(targets: &[Target], tag: Option<&str>, level: Level, message: &[u8]) {
    if targets.iter().all(|target| level > target.max) {
        return;
    }
    let ident = IDENT.load();
    let (process_tag, host) =
        ident.as_deref().map_or(("haproxy", None), |ident| (&*ident.tag, ident.host.as_deref()));
    let origin = line::Origin { tag: tag.unwrap_or(process_tag), host, date: clock::date() };
    for target in targets.iter().filter(|target| level <= target.max) {
        let mut line = Vec::with_capacity(message.len().saturating_add(96).min(target.length));
        line::wrap(target, level.max(target.min), &origin, message, &mut line);
        sink::write(&target.sink, line);
    }
}

/// Writes a message of the program itself on stderr: `[NOTICE]   (PID) : text`.
pub fn program(level: Level, text: &str) {
    sink::write(&Sink::Stderr, line::program(level, text));
}

static IDENT: ArcSwapOption<Ident> = ArcSwapOption::const_empty();
