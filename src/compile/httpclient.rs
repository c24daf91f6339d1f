//! `httpclient.*` of the `global` section: the HTTP client of scripts.

use crate::net::tls::Connector;
use crate::net::tls::connector;
use crate::script::Setting;
use crate::syntax::Line;
use crate::value::unit;

use super::Cx;
use super::settings;
use super::table::Directive;
use super::tls;

#[rustfmt::skip]
pub(super) const TABLE: &[Directive] = &[
    Directive { name: "httpclient.retries", sections: "G", run: retries, args: "<number>", doc: "How often `core.httpclient` tries a request again that was not answered. By default: 3." },
    Directive { name: "httpclient.ssl.ca-file", sections: "G", run: ca_file, args: "{ <file> | <folder> | @system-ca }", doc: "The authorities that `core.httpclient` verifies servers by, where a script gives none. By default: `@system-ca`." },
    Directive { name: "httpclient.ssl.verify", sections: "G", run: verify, args: "[ none | required ]", doc: "Whether `core.httpclient` verifies the server where a script does not say. By default, and without an argument: required." },
    Directive { name: "httpclient.timeout.connect", sections: "G", run: timeout_connect, args: "<time>", doc: "How long `core.httpclient` waits for a connection. By default: 5 s." },
];

fn retries(cx: &mut Cx<'_>, line: &Line) {
    if let Some(value) = settings::number(cx, line, "expects an integer argument.") {
        cx.input.loader.set(Setting::ClientRetries(value));
    }
}

fn ca_file(cx: &mut Cx<'_>, line: &Line) {
    let Some(word) = line.words.get(1) else {
        cx.alert(line.span, format!("'{}' expects a file as an argument.", line.text(0)));
        return;
    };
    if !cx.takes(line, 1) {
        return;
    }
    let authorities = Some(tls::authorities(cx, word));
    match Connector::new(&connector::Settings { authorities, ..Default::default() }) {
        Ok(made) => cx.input.loader.set(Setting::ClientTls(made)),
        Err(error) => cx.alert(word.span, format!("'{}' : {error}.", line.text(0))),
    }
}

fn verify(cx: &mut Cx<'_>, line: &Line) {
    let on = match line.text(1) {
        "" | "required" => true,
        "none" => false,
        other => {
            let name = line.text(0);
            let message = format!("'{name}' expects 'none' or 'required' but got '{other}'.");
            cx.alert(line.span_from(1), message);
            return;
        }
    };
    if cx.takes(line, 1) {
        cx.input.loader.set(Setting::ClientVerify(on));
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
