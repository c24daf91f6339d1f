//! The names that `log` lines use for facilities, levels and formats.

use super::Format;
use super::Level;

/// Facilities; a name's place is its number.
pub const FACILITIES: &[&str] = &[
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "auth2",
    "ftp", "ntp", "audit", "alert", "cron2", "local0", "local1", "local2", "local3", "local4",
    "local5", "local6", "local7",
];

/// Levels, most severe first.
pub const LEVELS: &[(&str, Level)] = &[
    ("emerg", Level::Emerg),
    ("alert", Level::Alert),
    ("crit", Level::Crit),
    ("err", Level::Err),
    ("warning", Level::Warning),
    ("notice", Level::Notice),
    ("info", Level::Info),
    ("debug", Level::Debug),
];

/// What `format` takes.
pub const FORMATS: &[(&str, Format)] = &[
    ("iso", Format::Iso),
    ("local", Format::Local),
    ("priority", Format::Priority),
    ("raw", Format::Raw),
    ("rfc3164", Format::Rfc3164),
    ("rfc5424", Format::Rfc5424),
    ("short", Format::Short),
    ("timed", Format::Timed),
];

/// Returns the number of the facility with this name.
pub fn find_facility(name: &str) -> Option<u8> {
    let place = FACILITIES.iter().position(|known| *known == name)?;
    u8::try_from(place).ok()
}

impl Level {
    /// Returns the level with this name.
    pub fn find(name: &str) -> Option<Self> {
        LEVELS.iter().find(|(known, _)| *known == name).map(|&(_, level)| level)
    }

    /// Returns the level with this number, 0 to 7.
    pub fn from_number(number: u8) -> Option<Self> {
        LEVELS.get(usize::from(number)).map(|&(_, level)| level)
    }

    /// Returns its number: 0 is the most severe.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// Returns its name.
    pub fn name(self) -> &'static str {
        LEVELS.get(usize::from(self.number())).map_or("", |&(name, _)| name)
    }
}

impl Format {
    /// Returns the format with this name.
    pub fn find(name: &str) -> Option<Self> {
        FORMATS.iter().find(|(known, _)| *known == name).map(|&(_, format)| format)
    }
}
