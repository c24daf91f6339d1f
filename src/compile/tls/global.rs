//! What the `global` section says of TLS.

use crate::syntax::Line;
use crate::syntax::Word;
use crate::value::unit;

use super::super::Cx;
use super::super::table::Directive;
use super::Said;
use super::Side;
use super::Verify;
use super::option;

/// What the `global` section says of TLS.
#[derive(Debug, Default)]
pub(in crate::compile) struct Globals {
    /// `ca-base`
    pub(super) ca_base: Option<String>,
    /// `crt-base`
    pub(super) crt_base: Option<String>,
    /// `ssl-default-bind-*`
    pub(super) bind: Said,
    /// `ssl-default-server-*`, `ssl-server-verify`
    pub(super) server: Said,
    /// `tune.ssl.capture-buffer-size`: how much of a client's first message is kept.
    pub(super) capture: usize,
    /// `tune.ssl.cachesize`: how many sessions of clients without tickets are kept.
    pub(super) sessions: Option<usize>,
    /// `tune.ssl.maxrecord`: most bytes of a record.
    pub(super) fragment: Option<usize>,
}

#[rustfmt::skip]
pub(in crate::compile) const TABLE: &[Directive] = &[
    Directive { name: "ca-base", sections: "G", run: base, args: "<folder>", doc: "Where relative names of authorities' files begin." },
    Directive { name: "crt-base", sections: "G", run: base, args: "<folder>", doc: "Where relative names of certificates' files begin." },
    Directive { name: "ssl-default-bind-ciphers", sections: "G", run: default, args: "<ciphers>", doc: "`ciphers` of `bind` lines that do not say." },
    Directive { name: "ssl-default-bind-ciphersuites", sections: "G", run: default, args: "<suites>", doc: "`ciphersuites` of `bind` lines that do not say." },
    Directive { name: "ssl-default-bind-curves", sections: "G", run: default, args: "<curves>", doc: "`curves` of `bind` lines that do not say." },
    Directive { name: "ssl-default-bind-options", sections: "G", run: default_options, args: "<option>...", doc: "TLS options of all `bind` lines." },
    Directive { name: "ssl-default-server-ciphers", sections: "G", run: default, args: "<ciphers>", doc: "`ciphers` of `server` lines that do not say." },
    Directive { name: "ssl-default-server-ciphersuites", sections: "G", run: default, args: "<suites>", doc: "`ciphersuites` of `server` lines that do not say." },
    Directive { name: "ssl-default-server-curves", sections: "G", run: default, args: "<curves>", doc: "`curves` of `server` lines that do not say." },
    Directive { name: "ssl-default-server-options", sections: "G", run: default_options, args: "<option>...", doc: "TLS options of all `server` lines." },
    Directive { name: "ssl-dh-param-file", sections: "G", run: accepted, args: "<file>", doc: "Accepted: no cipher suite needs it." },
    Directive { name: "ssl-load-extra-del-ext", sections: "G", run: accepted, args: "", doc: "Accepted: a key is looked for in both places." },
    Directive { name: "ssl-load-extra-files", sections: "G", run: accepted, args: "<type>...", doc: "Accepted: what lies beside a certificate is loaded." },
    Directive { name: "ssl-server-verify", sections: "G", run: server_verify, args: "{ none | required }", doc: "`verify` of `server` lines that do not say." },
    Directive { name: "ssl-skip-self-issued-ca", sections: "G", run: accepted, args: "", doc: "Accepted: what is in a certificate's file is sent." },
    Directive { name: "tune.ssl.cachesize", sections: "G", run: cache_size, args: "<number>", doc: "Sessions that are remembered for clients without tickets." },
    Directive { name: "tune.ssl.capture-buffer-size", sections: "G", run: capture, args: "<bytes>", doc: "How much of a client's first message is kept for `ssl_fc_*_bin`." },
    Directive { name: "tune.ssl.capture-cipherlist-size", sections: "G", run: capture, args: "<bytes>", doc: "The same, by its older name." },
    Directive { name: "tune.ssl.default-dh-param", sections: "G", run: accepted, args: "<bits>", doc: "Accepted: no cipher suite needs it." },
    Directive { name: "tune.ssl.force-private-cache", sections: "G", run: accepted, args: "", doc: "Accepted: there is one process." },
    Directive { name: "tune.ssl.hard-maxrecord", sections: "G", run: max_record, args: "<bytes>", doc: "Most bytes of a record." },
    Directive { name: "tune.ssl.keylog", sections: "G", run: keylog, args: "off", doc: "Accepted: keys are never told." },
    Directive { name: "tune.ssl.lifetime", sections: "G", run: accepted, args: "<time>", doc: "Accepted: a ticket is good for six to twelve hours." },
    Directive { name: "tune.ssl.maxrecord", sections: "G", run: max_record, args: "<bytes>", doc: "Most bytes of a record." },
    Directive { name: "tune.ssl.ssl-ctx-cache-size", sections: "G", run: accepted, args: "<number>", doc: "Accepted: no certificates are made here." },
];

fn accepted(_: &mut Cx<'_>, _: &Line) {}

fn argument<'a>(cx: &mut Cx<'_>, line: &'a Line, what: &str) -> Option<&'a Word> {
    let word = line.words.get(1);
    if word.is_none() {
        let message = format!("'{}' expects {what} as an argument.", line.text(0));
        cx.alert(line.span, message);
    }
    cx.takes(line, 1).then_some(word).flatten()
}

fn base(cx: &mut Cx<'_>, line: &Line) {
    let Some(word) = argument(cx, line, "a directory path") else { return };
    let base = if line.text(0) == "ca-base" { &mut cx.tls.ca_base } else { &mut cx.tls.crt_base };
    if base.is_some() {
        cx.alert(line.span, format!("'{}' already specified.", line.text(0)));
        return;
    }
    *base = Some(word.text.clone());
}

fn is_server(line: &Line) -> bool {
    line.text(0).starts_with("ssl-default-server")
}

fn defaults<'a>(cx: &'a mut Cx<'_>, line: &Line) -> &'a mut Said {
    if is_server(line) { &mut cx.tls.server } else { &mut cx.tls.bind }
}

fn default(cx: &mut Cx<'_>, line: &Line) {
    let keyword = line.text(0);
    let Some(word) = argument(cx, line, "a list") else { return };
    let name = keyword.rsplit('-').next().unwrap_or_default();
    let Some(option) = option::find(name, Side::List) else { return };
    if let Err(error) = (option.set)(defaults(cx, line), word) {
        cx.alert(word.span, format!("'{keyword}' : {error}."));
    }
}

fn default_options(cx: &mut Cx<'_>, line: &Line) {
    let keyword = line.text(0);
    let side = if is_server(line) { Side::Server } else { Side::Bind };
    if line.words.len() < 2 {
        cx.alert(line.span, format!("'{keyword}' expects an option as an argument."));
    }
    let none = Word::new("", line.span);
    let mut words = line.rest(1).iter();
    while let Some(word) = words.next() {
        let Some(option) = option::find(&word.text, side).filter(|row| may_be_default(row)) else {
            let message =
                format!("unknown option '{}' on global statement '{keyword}'.", word.text);
            cx.alert(word.span, message);
            continue;
        };
        let value = if option.args.is_empty() { &none } else { words.next().unwrap_or(&none) };
        if let Err(error) = (option.set)(defaults(cx, line), value) {
            cx.alert(word.span, format!("'{keyword}' '{}' : {error}.", word.text));
        }
    }
}

fn may_be_default(option: &option::Option_) -> bool {
    let name = option.name;
    option.args.is_empty() && !matches!(name, "ssl" | "no-ssl" | "no-verifyhost" | "no-check-ssl")
        || matches!(name, "ssl-min-ver" | "ssl-max-ver")
}

fn server_verify(cx: &mut Cx<'_>, line: &Line) {
    let verify = match line.text(1) {
        "none" => Verify::None,
        "required" => Verify::Required,
        _ => {
            let message = "'ssl-server-verify' expects 'none' or 'required' as argument.";
            cx.alert(line.span, message);
            return;
        }
    };
    if cx.takes(line, 1) {
        cx.tls.server.verify = Some(verify);
    }
}

fn number(cx: &mut Cx<'_>, line: &Line) -> Option<usize> {
    let word = argument(cx, line, "a number")?;
    let number = unit::size(&word.text).ok();
    if number.is_none() {
        cx.alert(word.span, format!("'{}' expects a number, not '{}'.", line.text(0), word.text));
    }
    number
}

fn cache_size(cx: &mut Cx<'_>, line: &Line) {
    if let Some(size) = number(cx, line) {
        cx.tls.sessions = Some(size);
    }
}

/// The most of a first message: a TLS record has no more.
const LONGEST_HELLO: usize = 16 * 1024;

fn capture(cx: &mut Cx<'_>, line: &Line) {
    // HAProxy counts what it keeps; here the whole message is kept, once any of it is wanted.
    if let Some(size) = number(cx, line) {
        cx.tls.capture = if size == 0 { 0 } else { LONGEST_HELLO };
    }
}

fn max_record(cx: &mut Cx<'_>, line: &Line) {
    const LEAST: usize = 32;
    const MOST: usize = 16384;
    if let Some(size) = number(cx, line) {
        cx.tls.fragment = (size > 0).then(|| size.clamp(LEAST, MOST));
    }
}

fn keylog(cx: &mut Cx<'_>, line: &Line) {
    if line.text(1) != "off" {
        let message = "'tune.ssl.keylog' : keys are never told; only 'off' is supported.";
        cx.alert(line.span, message);
    }
}
