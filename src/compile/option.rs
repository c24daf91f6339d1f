//! `option` and `no option`: what is on or off for a proxy.

use crate::diag::Diagnostic;
use crate::diag::Lead;
use crate::diag::suggest;
use crate::http;
use crate::proxy::ForwardFor;
use crate::proxy::KeepAlive;
use crate::proxy::Options;
use crate::sample;
use crate::syntax::Line;

use super::Cx;
use super::draft::Kind;
use super::draft::LogFormat;
use super::table::Directive;

#[rustfmt::skip]
pub(super) const TABLE: &[Directive] = &[
    Directive { name: "default", sections: "DFBL", run: negated, args: "option <name>", doc: "Sets an option to its default." },
    Directive { name: "no", sections: "DFBL", run: negated, args: "{ option <name> | log }", doc: "Sets an option off; forgets the log targets." },
    Directive { name: "option", sections: "DFBL", run: option, args: "<name> [ <value>... ]", doc: "Sets an option on." },
];

/// An option that is on or off.
#[derive(Clone, Copy)]
pub(super) struct Flag {
    /// Its name.
    pub(super) name: &'static str,
    /// Whether frontends have it, and whether backends do.
    sides: (bool, bool),
    set: fn(&mut Options, bool),
    pub(super) doc: &'static str,
}

const NOTHING: fn(&mut Options, bool) = |_, _| {};
const FE: (bool, bool) = (true, false);
const BE: (bool, bool) = (false, true);
const BOTH: (bool, bool) = (true, true);

#[rustfmt::skip]
pub(super) const FLAGS: &[Flag] = &[
    Flag { name: "abortonclose", sides: BOTH, set: |o, on| o.abort_on_close = on, doc: "Gives up a request whose client has gone while it waits." },
    Flag { name: "clitcpka", sides: FE, set: |o, on| o.client_tcp_keep_alive = on, doc: "TCP keep-alive towards clients." },
    Flag { name: "contstats", sides: FE, set: NOTHING, doc: "Accepted: counters are always current." },
    Flag { name: "disable-h2-upgrade", sides: FE, set: |o, on| o.disable_h2_upgrade = on, doc: "A client that does not say so by TLS or `proto h2` speaks HTTP/1." },
    Flag { name: "dontlog-normal", sides: FE, set: |o, on| o.dont_log_normal = on, doc: "Logs only what went wrong." },
    Flag { name: "dontlognull", sides: FE, set: |o, on| o.dont_log_null = on, doc: "Does not log connections without a byte." },
    Flag { name: "http-buffer-request", sides: BOTH, set: |o, on| o.buffer_request = on, doc: "Waits for the request's body before it goes on." },
    Flag { name: "http-ignore-probes", sides: FE, set: |o, on| o.ignore_probes = on, doc: "Does not log connections that send nothing and does not answer them." },
    Flag { name: "http-keep-alive", sides: BOTH, set: |o, on| keep_alive(o, KeepAlive::Both, on), doc: "Keeps connections on both sides; the default." },
    Flag { name: "http-no-delay", sides: BOTH, set: NOTHING, doc: "Accepted: nothing is delayed." },
    Flag { name: "http-server-close", sides: BOTH, set: |o, on| keep_alive(o, KeepAlive::ClientOnly, on), doc: "Keeps connections of clients only." },
    Flag { name: "httpclose", sides: BOTH, set: |o, on| keep_alive(o, KeepAlive::Neither, on), doc: "Closes connections after each exchange." },
    Flag { name: "independent-streams", sides: BOTH, set: NOTHING, doc: "Accepted: each direction has its own inactivity." },
    Flag { name: "log-separate-errors", sides: FE, set: |o, on| o.log_separate_errors = on, doc: "Logs what went wrong at level `err`." },
    Flag { name: "logasap", sides: FE, set: |o, on| o.log_asap = on, doc: "Logs when the response's head is there." },
    Flag { name: "nolinger", sides: BOTH, set: NOTHING, doc: "Accepted: closing is left to the system." },
    Flag { name: "socket-stats", sides: FE, set: NOTHING, doc: "Accepted: nothing is counted by listener." },
    Flag { name: "splice-auto", sides: BOTH, set: NOTHING, doc: "Accepted: a matter of tuning." },
    Flag { name: "splice-request", sides: BOTH, set: NOTHING, doc: "Accepted: a matter of tuning." },
    Flag { name: "splice-response", sides: BOTH, set: NOTHING, doc: "Accepted: a matter of tuning." },
    Flag { name: "srvtcpka", sides: BE, set: |o, on| o.server_tcp_keep_alive = on, doc: "TCP keep-alive towards servers." },
    Flag { name: "tcp-smart-accept", sides: FE, set: NOTHING, doc: "Accepted: a matter of tuning." },
    Flag { name: "tcp-smart-connect", sides: BE, set: NOTHING, doc: "Accepted: a matter of tuning." },
];

/// Options with arguments of their own.
pub(super) const OTHERS: &[(&str, &str)] = &[
    (
        "forwardfor [ except <net> ] [ header <name> ] [ if-none ]",
        "Tells the server where the client is.",
    ),
    ("httplog [ clf ]", "Logs exchanges in HAProxy's format for HTTP."),
    ("httpslog", "Logs exchanges in HAProxy's format for HTTPS."),
    ("redispatch [ <interval> ]", "Tries another server when one does not accept."),
    ("tcpka", "TCP keep-alive towards clients and servers."),
    ("tcplog", "Logs connections in HAProxy's format for TCP."),
];

/// The options that HAProxy has beyond these.
const KNOWN: &[&str] = &[
    "accept-invalid-http-request",
    "accept-invalid-http-response",
    "accept-unsafe-violations-in-http-request",
    "accept-unsafe-violations-in-http-response",
    "allbackups",
    "checkcache",
    "external-check",
    "forwarded",
    "h1-case-adjust-bogus-client",
    "h1-case-adjust-bogus-server",
    "http-drop-request-trailers",
    "http-drop-response-trailers",
    "http-pretend-keepalive",
    "http-proxy",
    "http-restrict-req-hdr-names",
    "http-use-proxy-header",
    "httpchk",
    "idle-close-on-response",
    "ldap-check",
    "log-health-checks",
    "mysql-check",
    "originalto",
    "persist",
    "pgsql-check",
    "prefer-last-server",
    "redis-check",
    "smtpchk",
    "spop-check",
    "ssl-hello-chk",
    "tcp-check",
    "transparent",
    "use-small-buffers",
];

fn keep_alive(options: &mut Options, mode: KeepAlive, on: bool) {
    if on {
        options.keep_alive = mode;
    } else if options.keep_alive == mode {
        options.keep_alive = KeepAlive::default();
    }
}

fn option<'a>(cx: &mut Cx<'a>, line: &'a Line) {
    let name = line.text(1);
    if let Some(flag) = FLAGS.iter().find(|flag| flag.name == name) {
        if extra(cx, line, 2, name) && is_used(cx, line, 1, flag.sides, name) {
            (flag.set)(&mut cx.draft.settings.options, true);
        }
        return;
    }
    match name {
        "" => {
            let report = Diagnostic::alert(line.span, "'option' expects an option name.");
            cx.push(report.lead(Lead::Reader));
        }
        "forwardfor" => forwardfor(cx, line),
        "httplog" => httplog(cx, line),
        "httpslog" => builtin(cx, line, ("httpslog", sample::HTTPS_FORMAT), 2),
        "tcplog" => builtin(cx, line, ("tcplog", sample::TCP_FORMAT), 2),
        "redispatch" => {
            if is_used(cx, line, 1, BE, name) {
                cx.draft.settings.options.redispatch = true;
            }
        }
        "tcpka" => {
            if extra(cx, line, 2, name) {
                cx.draft.settings.options.client_tcp_keep_alive = true;
                cx.draft.settings.options.server_tcp_keep_alive = true;
            }
        }
        "http-tunnel" => {
            let message = "option 'http-tunnel' is not supported any more since HAProxy 2.1, \
                           please just remove it, it shouldn't be needed.";
            cx.push(Diagnostic::alert(line.span_from(1), message).lead(Lead::Reader));
        }
        "forceclose" => {
            let message = "option 'forceclose' is not supported any more since HAProxy 2.0, \
                           please just remove it, or use 'option httpclose' if absolutely needed.";
            cx.push(Diagnostic::alert(line.span_from(1), message).lead(Lead::Reader));
        }
        _ => unknown(cx, line, name),
    }
}

fn unknown(cx: &mut Cx<'_>, line: &Line, name: &str) {
    let span = line.words.get(1).map_or(line.span, |word| word.span);
    if KNOWN.contains(&name) {
        cx.alert(span, format!("'option {name}' is known to HAProxy but not supported yet"));
        return;
    }
    let names =
        FLAGS.iter().map(|flag| flag.name).chain(OTHERS.iter().map(|(name, _)| first(name)));
    let report = match suggest::suggest(name, names) {
        Some(near) => {
            let message = format!("unknown option '{name}'; did you mean '{near}' maybe ?");
            Diagnostic::alert(span, message).hint(format!("did you mean '{near}' ?"))
        }
        None => Diagnostic::alert(span, format!("unknown option '{name}'.")),
    };
    cx.push(report);
}

fn first(text: &'static str) -> &'static str {
    text.split(' ').next().unwrap_or(text)
}

/// `no option`, `default option` and `no log`.
fn negated(cx: &mut Cx<'_>, line: &Line) {
    if line.text(1) == "log" {
        if let Some(word) = line.words.get(2) {
            cx.alert(word.span, "log : 'no log' does not expect arguments");
            return;
        }
        cx.draft.settings.loggers.clear();
        cx.draft.settings.log_global = false;
        return;
    }
    let name = line.text(2);
    if name.is_empty() {
        let report = Diagnostic::alert(line.span, "'option' expects an option name.");
        cx.push(report.lead(Lead::Reader));
        return;
    }
    if let Some(flag) = FLAGS.iter().find(|flag| flag.name == name) {
        if extra(cx, line, 3, name) && is_used(cx, line, 2, flag.sides, name) {
            (flag.set)(&mut cx.draft.settings.options, false);
        }
        return;
    }
    let options = &mut cx.draft.settings.options;
    match name {
        "redispatch" => options.redispatch = false,
        "forwardfor" => options.forward_for = None,
        "tcpka" => {
            options.client_tcp_keep_alive = false;
            options.server_tcp_keep_alive = false;
        }
        // What is not there is off already.
        _ if KNOWN.contains(&name) => {}
        _ => {
            let message = format!("negation/default is not supported for option '{name}'.");
            cx.push(Diagnostic::alert(line.span_from(2), message).lead(Lead::Reader));
        }
    }
}

/// Reports words behind an option.
fn extra(cx: &mut Cx<'_>, line: &Line, most: usize, name: &str) -> bool {
    let Some(word) = line.words.get(most) else { return true };
    let message = format!("'option {name}' cannot handle unexpected argument '{}'.", word.text);
    cx.alert(word.span, message);
    false
}

/// Warns of an option that such a proxy does not have.
fn is_used(cx: &mut Cx<'_>, line: &Line, at: usize, sides: (bool, bool), name: &str) -> bool {
    let caps = cx.draft.caps();
    let used = (sides.0 && caps.frontend) || (sides.1 && caps.backend);
    if !used {
        let lacks = if sides.0 { "frontend" } else { "backend" };
        let owner = cx.draft.owner();
        let message = format!("'{name}' ignored because {owner} has no {lacks} capability.");
        cx.warn(line.span_from(at), message);
    }
    used
}

fn httplog<'a>(cx: &mut Cx<'a>, line: &'a Line) {
    match line.text(2) {
        "" => builtin(cx, line, ("httplog", sample::HTTP_FORMAT), 2),
        "clf" => builtin(cx, line, ("httplog", sample::CLF_FORMAT), 3),
        _ => {
            let message = "keyword 'httplog' only supports option 'clf'.";
            cx.alert(line.span_from(2), message);
        }
    }
}

fn builtin<'a>(
    cx: &mut Cx<'a>,
    line: &'a Line,
    (option, format): (&'static str, &'static str),
    most: usize,
) {
    if !extra(cx, line, most, option) {
        return;
    }
    if cx.draft.kind == Kind::Backend {
        let message =
            format!("{} : 'option {option}' directive is ignored in backends.", cx.draft.owner());
        cx.warn(line.span, message);
        return;
    }
    cx.draft.settings.log_format = Some(LogFormat::Builtin { option, format, span: line.span });
}

fn forwardfor(cx: &mut Cx<'_>, line: &Line) {
    let mut value =
        ForwardFor { except: None, header: "x-forwarded-for".to_owned(), if_none: false };
    let mut at = 2;
    while let Some(word) = line.words.get(at) {
        let argument = line.words.get(at + 1);
        match word.text.as_str() {
            "except" => {
                let net = argument.and_then(|word| network(&word.text));
                if net.is_none() {
                    let message =
                        "'option forwardfor except' expects <address>[/mask] as argument.";
                    cx.alert(line.span_from(at), message);
                    return;
                }
                value.except = net;
                at += 2;
            }
            "header" => {
                let Some(name) = argument.filter(|word| http::check::name(word.text.as_bytes()))
                else {
                    let message = "'option forwardfor header' expects <header_name> as argument.";
                    cx.alert(line.span_from(at), message);
                    return;
                };
                value.header = name.text.to_ascii_lowercase();
                at += 2;
            }
            "if-none" => {
                value.if_none = true;
                at += 1;
            }
            _ => {
                let message = "'option forwardfor' only supports optional values: 'except', \
                               'header' and 'if-none'.";
                cx.alert(word.span, message);
                return;
            }
        }
    }
    cx.draft.settings.options.forward_for = Some(value);
}

/// Reads an address with or without a mask.
fn network(text: &str) -> Option<ipnet::IpNet> {
    if let Ok(ip) = text.parse::<std::net::IpAddr>() {
        return Some(ip.into());
    }
    if let Ok(net) = text.parse::<ipnet::IpNet>() {
        return Some(net);
    }
    let (ip, mask) = text.split_once('/')?;
    ipnet::IpNet::with_netmask(ip.parse().ok()?, mask.parse().ok()?).ok()
}
