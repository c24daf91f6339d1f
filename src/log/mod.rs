//! Log levels and where lines go: bytes in, no samples known.

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
    /// Longest line in bytes.
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
    /// `<PRI>Mon dd hh:mm:ss host tag[pid]: message`; HAProxy sends no host unless told.
    #[default]
    Rfc3164,
    /// As `rfc3164` without the host.
    Local,
    /// RFC 5424.
    Rfc5424,
    /// `<PRI>` and the message.
    Priority,
    /// `<N>` and the message, for systemd.
    Short,
    /// `[sec.usec]`, `<N>` and the message.
    Timed,
    /// `ISO date`, and the message.
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
