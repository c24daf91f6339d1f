//! `tune.h2.*` of the `global` section.

use crate::program::Http2;
use crate::program::Http2Side;
use crate::syntax::Line;
use crate::value::unit;

use super::Cx;
use super::table::Directive;

#[rustfmt::skip]
pub(super) const TABLE: &[Directive] = &[
    Directive { name: "tune.h2.be.glitches-threshold", sections: "G", run: set, args: "<number>", doc: "Accepted: a server's connection is given up at its first error." },
    Directive { name: "tune.h2.be.initial-window-size", sections: "G", run: set, args: "<size>", doc: "What a server may send ahead of one response." },
    Directive { name: "tune.h2.be.max-concurrent-streams", sections: "G", run: set, args: "<number>", doc: "Requests at a time on one connection to a server; fewer where the server says so." },
    Directive { name: "tune.h2.be.rxbuf", sections: "G", run: set, args: "<size>", doc: "What a server may send ahead on one connection." },
    Directive { name: "tune.h2.fe.glitches-threshold", sections: "G", run: set, args: "<number>", doc: "How many requests a client may break off, less those that end well, before its connection is closed; 1000." },
    Directive { name: "tune.h2.fe.initial-window-size", sections: "G", run: set, args: "<size>", doc: "What a client may send ahead of one request." },
    Directive { name: "tune.h2.fe.max-concurrent-streams", sections: "G", run: set, args: "<number>", doc: "Requests at a time on one connection of a client." },
    Directive { name: "tune.h2.fe.max-total-streams", sections: "G", run: set, args: "<number>", doc: "Requests after which a client is asked to come back on another connection." },
    Directive { name: "tune.h2.fe.rxbuf", sections: "G", run: set, args: "<size>", doc: "What a client may send ahead on one connection." },
    Directive { name: "tune.h2.header-table-size", sections: "G", run: set, args: "<size>", doc: "The table by which heads are compressed, 4096 to 65536 bytes." },
    Directive { name: "tune.h2.initial-window-size", sections: "G", run: set, args: "<size>", doc: "What either side may send ahead of one message." },
    Directive { name: "tune.h2.max-concurrent-streams", sections: "G", run: set, args: "<number>", doc: "Requests at a time on one connection." },
    Directive { name: "tune.h2.max-frame-size", sections: "G", run: set, args: "<size>", doc: "The largest frame that is read, 16384 to 16777215 bytes." },
    Directive { name: "tune.h2.zero-copy-fwd-send", sections: "G", run: |_, _| {}, args: "{ on | off }", doc: "Accepted: a matter of tuning." },
];

/// A number that can be set.
struct Setting {
    name: &'static str,
    range: std::ops::RangeInclusive<u32>,
    set: fn(&mut Http2, u32),
}

/// The largest window there is (RFC 9113 6.9.1).
const WINDOW: u32 = i32::MAX.unsigned_abs();

#[rustfmt::skip]
const SETTINGS: &[Setting] = &[
    Setting { name: "be.glitches-threshold", range: 0..=WINDOW, set: |s, n| s.be.glitches = some(n) },
    Setting { name: "be.initial-window-size", range: 1..=WINDOW, set: |s, n| s.be.initial_window = n },
    Setting { name: "be.max-concurrent-streams", range: 1..=WINDOW, set: |s, n| s.be.streams = n },
    Setting { name: "be.rxbuf", range: 65536..=WINDOW, set: |s, n| s.be.buffer = n },
    Setting { name: "fe.glitches-threshold", range: 0..=WINDOW, set: |s, n| s.fe.glitches = some(n) },
    Setting { name: "fe.initial-window-size", range: 1..=WINDOW, set: |s, n| s.fe.initial_window = n },
    Setting { name: "fe.max-concurrent-streams", range: 1..=WINDOW, set: |s, n| s.fe.streams = n },
    Setting { name: "fe.max-total-streams", range: 0..=WINDOW, set: |s, n| s.fe.total = some(n) },
    Setting { name: "fe.rxbuf", range: 65536..=WINDOW, set: |s, n| s.fe.buffer = n },
    Setting { name: "header-table-size", range: 4096..=65536, set: |s, n| s.header_table = n },
    Setting { name: "initial-window-size", range: 1..=WINDOW, set: |s, n| both(s, |side| side.initial_window = n) },
    Setting { name: "max-concurrent-streams", range: 1..=WINDOW, set: |s, n| both(s, |side| side.streams = n) },
    Setting { name: "max-frame-size", range: 16384..=16_777_215, set: |s, n| s.max_frame = n },
];

/// HAProxy: 0 is as if it were not set.
fn some(number: u32) -> Option<u32> {
    (number > 0).then_some(number)
}

fn both(settings: &mut Http2, set: impl Fn(&mut Http2Side)) {
    set(&mut settings.fe);
    set(&mut settings.be);
}

fn set(cx: &mut Cx<'_>, line: &Line) {
    let name = line.text(0).strip_prefix("tune.h2.").unwrap_or_default();
    let Some(setting) = SETTINGS.iter().find(|setting| setting.name == name) else { return };
    if !cx.takes(line, 1) {
        return;
    }
    let value = unit::size(line.text(1)).ok().and_then(|size| u32::try_from(size).ok());
    match value.filter(|value| setting.range.contains(value)) {
        Some(value) => (setting.set)(&mut cx.global.http2, value),
        None => {
            let (low, high) = setting.range.clone().into_inner();
            let message =
                format!("'{}' expects a numeric value between {low} and {high}.", line.text(0));
            cx.alert(line.span_from(1), message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_setting_has_its_directive() {
        let directives = TABLE.iter().map(|row| row.name).filter(|name| !name.contains("zero"));
        let settings = SETTINGS.iter().map(|setting| format!("tune.h2.{}", setting.name));
        assert_eq!(directives.collect::<Vec<_>>(), settings.collect::<Vec<_>>());
    }
}
