//! `timeout`: how long a proxy waits for what.

use std::time::Duration;

use crate::proxy::Timeouts;
use crate::syntax::Line;
use crate::value::unit;

use super::Cx;
use super::table::Directive;

#[rustfmt::skip]
pub(super) const TABLE: &[Directive] = &[
    Directive { name: "timeout", sections: "DFBL", run: timeout, args: "<event> <time>", doc: "How long to wait for an event." },
];

/// One event that is waited for.
#[derive(Clone, Copy)]
pub(super) struct Event {
    /// Its name.
    pub(super) name: &'static str,
    /// Whether frontends wait for it, and whether backends do.
    sides: (bool, bool),
    place: fn(&mut Timeouts) -> &mut Option<Duration>,
    pub(super) doc: &'static str,
}

#[rustfmt::skip]
pub(super) const EVENTS: &[Event] = &[
    Event { name: "client", sides: (true, false), place: |t| &mut t.client, doc: "The client sends nothing and takes nothing." },
    Event { name: "client-fin", sides: (true, false), place: |t| &mut t.client_fin, doc: "The same on a half-closed connection." },
    Event { name: "connect", sides: (false, true), place: |t| &mut t.connect, doc: "A server does not accept." },
    Event { name: "http-keep-alive", sides: (true, true), place: |t| &mut t.http_keep_alive, doc: "The next request does not come." },
    Event { name: "http-request", sides: (true, true), place: |t| &mut t.http_request, doc: "The head of a request is not complete." },
    Event { name: "queue", sides: (false, true), place: |t| &mut t.queue, doc: "No server has a free place." },
    Event { name: "server", sides: (false, true), place: |t| &mut t.server, doc: "The server sends nothing and takes nothing." },
    Event { name: "server-fin", sides: (false, true), place: |t| &mut t.server_fin, doc: "The same on a half-closed connection." },
    Event { name: "tarpit", sides: (true, true), place: |t| &mut t.tarpit, doc: "How long a client is held in the tarpit." },
    Event { name: "tunnel", sides: (false, true), place: |t| &mut t.tunnel, doc: "Neither side sends anything once bytes pass untouched." },
];

/// The events that HAProxy has beyond these.
const KNOWN: &[&str] = &["check", "client-hs", "server-hs"];

fn timeout(cx: &mut Cx<'_>, line: &Line) {
    let name = line.text(1);
    if name == "check" {
        // It is about health checks alone: nothing waits for it without them.
        return checked(cx, line, name).map_or((), |_| ());
    }
    if KNOWN.contains(&name) {
        let message = format!("'timeout {name}' is known to HAProxy but not supported yet");
        cx.alert(line.span_from(1), message);
        return;
    }
    let Some(event) = EVENTS.iter().find(|event| event.name == name) else {
        let message = format!(
            "'timeout' supports 'client', 'server', 'connect', 'check', 'queue', \
             'http-keep-alive', 'http-request', 'tunnel', 'tarpit', 'client-fin' and \
             'server-fin' (got '{name}')"
        );
        cx.alert(line.span_from(1), message);
        return;
    };
    let Some(value) = checked(cx, line, name) else { return };
    let caps = cx.draft.caps();
    let used = (event.sides.0 && caps.frontend) || (event.sides.1 && caps.backend);
    if !used {
        let lacks = if event.sides.0 { "frontend" } else { "backend" };
        let message = format!(
            "'timeout {name}' will be ignored because {} has no {lacks} capability",
            cx.draft.owner()
        );
        cx.warn(line.span_from(1), message);
    }
    *(event.place)(&mut cx.draft.settings.timeouts) = (!value.is_zero()).then_some(value);
}

/// Reads the time of a `timeout` line.
fn checked(cx: &mut Cx<'_>, line: &Line, name: &str) -> Option<Duration> {
    let Some(word) = line.words.get(2) else {
        let message = format!("'timeout {name}' expects an integer value (in milliseconds)");
        cx.alert(line.span, message);
        return None;
    };
    if let Some(extra) = line.words.get(3) {
        let message = format!(
            "'timeout {name}' : unexpected extra argument '{}' after value '{}'.",
            extra.text, word.text
        );
        cx.alert(extra.span, message);
        return None;
    }
    read(cx, word, &format!("'timeout {name}'"))
}

/// Reads a time, in milliseconds where it has no unit; `what` is how messages name its place.
pub(super) fn read(cx: &mut Cx<'_>, word: &crate::syntax::Word, what: &str) -> Option<Duration> {
    let message = match unit::time(&word.text, unit::Unit::Millisecond) {
        Ok(time) => return Some(time),
        Err(unit::Error::Overflow) => format!(
            "timer overflow in argument '{}' to {what} (maximum value is 2147483647 ms or ~24.8 \
             days)",
            word.text
        ),
        Err(unit::Error::Underflow) => format!(
            "timer underflow in argument '{}' to {what} (minimum non-null value is 1 ms)",
            word.text
        ),
        Err(error) => format!("{error} in {what}"),
    };
    cx.alert(word.span, message);
    None
}
