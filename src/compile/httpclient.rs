//! `httpclient.*` of the `global` section: the HTTP client of scripts.

use crate::script::Setting;
use crate::syntax::Line;
use crate::value::unit;

use super::Cx;
use super::settings;
use super::table::Directive;

#[rustfmt::skip]
pub(super) const TABLE: &[Directive] = &[
    Directive { name: "httpclient.retries", sections: "G", run: retries, args: "<number>", doc: "How often `core.httpclient` tries a request again that was not answered. By default: 3." },
    Directive { name: "httpclient.timeout.connect", sections: "G", run: timeout_connect, args: "<time>", doc: "How long `core.httpclient` waits for a connection. By default: 5 s." },
];

fn retries(cx: &mut Cx<'_>, line: &Line) {
    if let Some(value) = settings::number(cx, line, "expects an integer argument.") {
        cx.input.loader.set(Setting::ClientRetries(value));
    }
}

fn timeout_connect(cx: &mut Cx<'_>, line: &Line) {
    match unit::time(line.text(1), unit::Unit::Millisecond) {
        Ok(time) if !time.is_zero() => {
            if cx.takes(line, 1) {
                cx.input.loader.set(Setting::ClientConnect(time));
            }
        }
        _ => cx.alert(line.span_from(1), format!("{}: invalid timeout", line.text(0))),
    }
}
