//! `tune.*` of the `global` section.

use crate::syntax::Line;
use crate::value::unit;

use super::Cx;
use super::table::Directive;

#[rustfmt::skip]
pub(super) const TABLE: &[Directive] = &[
    Directive { name: "tune.buffers.limit", sections: "G", run: accepted, args: "<number>", doc: "Accepted: buffers are allocated as needed." },
    Directive { name: "tune.buffers.reserve", sections: "G", run: accepted, args: "<number>", doc: "Accepted: buffers are allocated as needed." },
    Directive { name: "tune.bufsize", sections: "G", run: bufsize, args: "<size>", doc: "Bytes of a buffer; a message's head must fit in it." },
    Directive { name: "tune.comp.maxlevel", sections: "G", run: accepted, args: "<level>", doc: "Accepted: nothing is compressed." },
    Directive { name: "tune.disable-fast-forward", sections: "G", run: accepted, args: "", doc: "Accepted: a matter of tuning." },
    Directive { name: "tune.disable-zero-copy-forwarding", sections: "G", run: accepted, args: "", doc: "Accepted: a matter of tuning." },
    Directive { name: "tune.fd.edge-triggered", sections: "G", run: accepted, args: "{ on | off }", doc: "Accepted: it is on." },
    Directive { name: "tune.http.cookielen", sections: "G", run: accepted, args: "<bytes>", doc: "Accepted: cookies are not captured." },
    Directive { name: "tune.http.logurilen", sections: "G", run: accepted, args: "<bytes>", doc: "Accepted: a target is logged whole." },
    Directive { name: "tune.http.maxhdr", sections: "G", run: maxhdr, args: "<number>", doc: "Most headers of a message." },
    Directive { name: "tune.idle-pool.shared", sections: "G", run: idle_pool_shared, args: "{ on | off }", doc: "Whether workers share idle connections to servers." },
    Directive { name: "tune.idletimer", sections: "G", run: accepted, args: "<time>", doc: "Accepted: a matter of tuning." },
    Directive { name: "tune.listener.default-shards", sections: "G", run: accepted, args: "<shards>", doc: "Accepted: each worker has its own socket." },
    Directive { name: "tune.listener.multi-queue", sections: "G", run: accepted, args: "<mode>", doc: "Accepted: each worker has its own socket." },
    Directive { name: "tune.max-rules-at-once", sections: "G", run: accepted, args: "<number>", doc: "Accepted: a matter of tuning." },
    Directive { name: "tune.maxaccept", sections: "G", run: accepted, args: "<number>", doc: "Accepted: a matter of tuning." },
    Directive { name: "tune.maxpollevents", sections: "G", run: accepted, args: "<number>", doc: "Accepted: a matter of tuning." },
    Directive { name: "tune.maxrewrite", sections: "G", run: maxrewrite, args: "<size>", doc: "What of a buffer is kept for what rules add." },
    Directive { name: "tune.memory.hot-size", sections: "G", run: accepted, args: "<size>", doc: "Accepted: a matter of tuning." },
    Directive { name: "tune.pattern.cache-size", sections: "G", run: accepted, args: "<number>", doc: "Accepted: a matter of tuning." },
    Directive { name: "tune.pipesize", sections: "G", run: accepted, args: "<size>", doc: "Accepted: a matter of tuning." },
    Directive { name: "tune.pool-high-fd-ratio", sections: "G", run: accepted, args: "<percent>", doc: "Accepted: a matter of tuning." },
    Directive { name: "tune.pool-low-fd-ratio", sections: "G", run: accepted, args: "<percent>", doc: "Accepted: a matter of tuning." },
    Directive { name: "tune.rcvbuf.client", sections: "G", run: accepted, args: "<size>", doc: "Accepted: left to the system." },
    Directive { name: "tune.rcvbuf.server", sections: "G", run: accepted, args: "<size>", doc: "Accepted: left to the system." },
    Directive { name: "tune.recv_enough", sections: "G", run: accepted, args: "<size>", doc: "Accepted: a matter of tuning." },
    Directive { name: "tune.runqueue-depth", sections: "G", run: accepted, args: "<number>", doc: "Accepted: a matter of tuning." },
    Directive { name: "tune.sched.low-latency", sections: "G", run: accepted, args: "{ on | off }", doc: "Accepted: a matter of tuning." },
    Directive { name: "tune.sndbuf.client", sections: "G", run: accepted, args: "<size>", doc: "Accepted: left to the system." },
    Directive { name: "tune.sndbuf.server", sections: "G", run: accepted, args: "<size>", doc: "Accepted: left to the system." },
    Directive { name: "tune.vars.global-max-size", sections: "G", run: accepted, args: "<size>", doc: "Accepted: variables are not limited." },
    Directive { name: "tune.vars.proc-max-size", sections: "G", run: accepted, args: "<size>", doc: "Accepted: variables are not limited." },
    Directive { name: "tune.vars.reqres-max-size", sections: "G", run: accepted, args: "<size>", doc: "Accepted: variables are not limited." },
    Directive { name: "tune.vars.sess-max-size", sections: "G", run: accepted, args: "<size>", doc: "Accepted: variables are not limited." },
    Directive { name: "tune.vars.txn-max-size", sections: "G", run: accepted, args: "<size>", doc: "Accepted: variables are not limited." },
];

/// The smallest buffer: a head of a few headers fits.
const SMALLEST_BUFFER: usize = 1024;
/// The largest buffer: each connection has two.
const LARGEST_BUFFER: usize = 256 * 1024 * 1024;

fn accepted(_: &mut Cx<'_>, _: &Line) {}

fn bufsize(cx: &mut Cx<'_>, line: &Line) {
    if !cx.takes(line, 1) {
        return;
    }
    match unit::size(line.text(1)) {
        Ok(size) if (SMALLEST_BUFFER..=LARGEST_BUFFER).contains(&size) => cx.global.bufsize = size,
        Ok(size) if size > 0 => {
            let message = format!(
                "'tune.bufsize' must be between {SMALLEST_BUFFER} and {LARGEST_BUFFER} (was \
                 {size})."
            );
            cx.alert(line.span_from(1), message);
        }
        _ => cx.alert(line.span_from(1), "'tune.bufsize' expects a positive integer argument."),
    }
}

fn maxhdr(cx: &mut Cx<'_>, line: &Line) {
    let value = line.text(1).parse().ok().filter(|value| (1..=32767).contains(value));
    match value {
        Some(value) => cx.global.maxhdr = value,
        None => {
            let message = "'tune.http.maxhdr' expects a numeric value between 1 and 32767";
            cx.alert(line.span_from(1), message);
        }
    }
}

fn idle_pool_shared(cx: &mut Cx<'_>, line: &Line) {
    if let Some(on) = on_off(cx, line) {
        cx.global.share_idle = on;
    }
}

fn maxrewrite(cx: &mut Cx<'_>, line: &Line) {
    if !cx.takes(line, 1) {
        return;
    }
    match unit::size(line.text(1)) {
        Ok(size) => cx.global.maxrewrite = size,
        Err(_) => {
            cx.alert(line.span_from(1), "'tune.maxrewrite' expects an integer argument.");
        }
    }
}

/// Reads `on` or `off`, the one argument of a directive.
pub(super) fn on_off(cx: &mut Cx<'_>, line: &Line) -> Option<bool> {
    match line.text(1) {
        "on" => cx.takes(line, 1).then_some(true),
        "off" => cx.takes(line, 1).then_some(false),
        other => {
            let message =
                format!("'{}' expects either 'on' or 'off' but got '{other}'.", line.text(0));
            cx.alert(line.span_from(1), message);
            None
        }
    }
}
