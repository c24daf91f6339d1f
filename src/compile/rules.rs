//! ACLs and rules: `acl`, `http-request`, `tcp-request` and their siblings.

use crate::diag::Diagnostic;
use crate::diag::Lead;
use crate::diag::Severity;
use crate::rule;
use crate::sample;
use crate::sample::Checkpoint;
use crate::sample::Condition;
use crate::sample::Format;
use crate::sample::acl;
use crate::syntax::Line;
use crate::syntax::Word;
use crate::value::unit;

use super::Cx;
use super::draft::Kind;
use super::table::Directive;
use super::timeout;

#[rustfmt::skip]
pub(super) const TABLE: &[Directive] = &[
    Directive { name: "acl", sections: "DFBL", run: acl, args: "<name> <criterion> [ <flag>... ] [ <value>... ]", doc: "Gives a test a name; a name given again is true where either test is." },
    Directive { name: "http-after-response", sections: "DFBL", run: http, args: "<action> [ { if | unless } <condition> ]", doc: "A rule for every response, those of the proxy itself too." },
    Directive { name: "http-request", sections: "DFBL", run: http, args: "<action> [ { if | unless } <condition> ]", doc: "A rule for requests." },
    Directive { name: "http-response", sections: "DFBL", run: http, args: "<action> [ { if | unless } <condition> ]", doc: "A rule for responses of servers." },
    Directive { name: "monitor", sections: "FL", run: monitor, args: "fail { if | unless } <condition>", doc: "Makes `monitor-uri` answer 503 where the condition holds." },
    Directive { name: "redirect", sections: "FBL", run: redirect, args: "{ location | prefix | scheme } <fmt> [ <option>... ] [ { if | unless } <condition> ]", doc: "The same as `http-request redirect`." },
    Directive { name: "tcp-request", sections: "DFBL", run: tcp, args: "{ connection | session | content } <action> [ { if | unless } <condition> ] | inspect-delay <time>", doc: "A rule for connections, and for what clients send." },
    Directive { name: "tcp-response", sections: "DFBL", run: tcp, args: "content <action> [ { if | unless } <condition> ] | inspect-delay <time>", doc: "A rule for what servers send." },
];

/// The order in which HAProxy runs the rules of a proxy, wherever their lines stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    TcpConnection,
    TcpSession,
    TcpContent,
    Monitor,
    HttpRequest,
    Redirect,
    UseBackend,
    UseServer,
}

/// How HAProxy names them: `a 'x' rule placed after <this> rule`.
pub(super) const ORDERS: [(&str, &str); 8] = [
    ("a 'tcp-request' rule", "a 'tcp-request connection' rule"),
    ("a 'tcp-request' rule", "a 'tcp-request session' rule"),
    ("a 'tcp-request' rule", "a 'tcp-request content' rule"),
    ("a 'monitor fail' rule", "a 'monitor fail' rule"),
    ("a 'http-request' rule", "an 'http-request' rule"),
    ("a 'redirect' rule", "a 'redirect' rule"),
    ("a 'use_backend' rule", "a 'use_backend' rule"),
    ("a 'use-server' rule", "a 'use-server' rule"),
];

/// Notes a rule, and warns where one that runs later stands before it.
pub(super) fn order(cx: &mut Cx<'_>, order: Order, line: &Line) {
    let index = order as usize;
    let later = cx.draft.orders.iter().skip(index + 1).position(|count| *count > 0);
    if let Some(later) = later {
        let (this, _) = ORDERS[index];
        let that = ORDERS.get(index + 1 + later).map_or("", |(_, that)| *that);
        let message = format!("{this} placed after {that} will still be processed before.");
        cx.warn(line.span, message);
    }
    cx.draft.orders[index] += 1;
}

/// Tells whether a line of a `defaults` section is for proxies of this kind.
pub(super) fn applies(kind: Kind, line: &Line) -> bool {
    let caps = kind.caps();
    match (line.text(0), line.text(1)) {
        ("tcp-request", "connection" | "session") | ("monitor", _) => caps.frontend,
        ("tcp-response", _) => caps.backend,
        _ => true,
    }
}

/// Keeps a line of a `defaults` section for the proxies that begin with it.
fn keep<'a>(cx: &mut Cx<'a>, line: &'a Line) -> bool {
    if cx.draft.kind != Kind::Defaults {
        return false;
    }
    if cx.draft.name.is_empty() {
        let message = format!("'{}' not allowed in anonymous 'defaults' section.", line.text(0));
        cx.alert(line.span, message);
    } else {
        cx.draft.settings.lines.push(line);
        // Its mistakes are told even where no proxy begins with it.
        return false;
    }
    true
}

fn acl<'a>(cx: &mut Cx<'a>, line: &'a Line) {
    if keep(cx, line) {
        return;
    }
    let name = line.text(1);
    let words = line.rest(2);
    let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
    let mut acls = std::mem::take(&mut cx.draft.acls);
    let mut reports = Vec::new();
    let checkpoint = if cx.draft.caps().frontend {
        Checkpoint::FrontendHttpHeader
    } else {
        Checkpoint::BackendHttpHeader
    };
    let none = acl::Table::new();
    let env = sample::Env { acls: &none, ..env(cx, checkpoint) };
    let result = acls.define(name, &texts, &env);
    let named = |error: &sample::Error| {
        matches!(error.reason, sample::Reason::AclName { .. } | sample::Reason::AclNamedOr(_))
    };
    match result {
        Ok(warnings) => {
            for warning in &warnings {
                let report = rule::report(warning, words, line, "", "");
                reports.push(Diagnostic { severity: Severity::Warning, ..report });
            }
        }
        Err(errors) => {
            for error in &errors {
                let report = if named(error) {
                    rule::report(error, line.rest(1), line, "", ".")
                } else {
                    let before = format!("error detected while parsing ACL '{name}' : ");
                    rule::report(error, words, line, &before, ".")
                };
                reports.push(report);
            }
            // The name is known, so that what uses it is not reported too.
            let _defined = acls.define(name, &["always_false"], &env);
        }
    }
    cx.draft.acls = acls;
    for report in reports {
        cx.push(report);
    }
}

fn http<'a>(cx: &mut Cx<'a>, line: &'a Line) {
    if keep(cx, line) {
        return;
    }
    let (kind, keyword) = match line.text(0) {
        "http-request" => (rule::Kind::HttpRequest, "http-request"),
        "http-response" => (rule::Kind::HttpResponse, "http-response"),
        _ => (rule::Kind::HttpAfterResponse, "http-after-response"),
    };
    cx.draft.http_lines.push((keyword, line.span));
    let last = cx.draft.rules.of(kind).last();
    if last.is_some_and(rule::Rule::is_final) {
        let message = format!(
            "previous '{keyword}' action is final and has no condition attached, further entries \
             are NOOP."
        );
        cx.push(Diagnostic::warning(line.span, message).lead(Lead::Reader));
    }
    if kind == rule::Kind::HttpRequest {
        order(cx, Order::HttpRequest, line);
    }
    add(cx, kind, line, 1);
}

fn tcp<'a>(cx: &mut Cx<'a>, line: &'a Line) {
    if keep(cx, line) {
        return;
    }
    let keyword = line.text(0);
    let request = keyword == "tcp-request";
    let owner = cx.draft.owner();
    let (kind, order_of) = match line.text(1) {
        "" => {
            cx.alert(line.span, format!("missing argument for '{keyword}' in {owner}"));
            return;
        }
        "inspect-delay" | "content" if !request && !cx.draft.caps().backend => {
            let message = format!(
                "tcp-response {} is only allowed in 'backend' sections or 'defaults' section with \
                 a name",
                line.text(1)
            );
            cx.alert(line.span, message);
            return;
        }
        "inspect-delay" => {
            inspect_delay(cx, line, request);
            return;
        }
        "content" if request => (rule::Kind::TcpRequestContent, Some(Order::TcpContent)),
        "content" => (rule::Kind::TcpResponseContent, None),
        "connection" if request => (rule::Kind::TcpRequestConnection, Some(Order::TcpConnection)),
        "session" if request => (rule::Kind::TcpRequestSession, Some(Order::TcpSession)),
        other => {
            let expected = if request {
                "'inspect-delay', 'connection', or 'content'"
            } else {
                "'inspect-delay' or 'content'"
            };
            let message = format!("'{keyword}' expects {expected} in {owner} (got '{other}')");
            cx.alert(line.span_from(1), message);
            return;
        }
    };
    let early = matches!(kind, rule::Kind::TcpRequestConnection | rule::Kind::TcpRequestSession);
    if early && !cx.draft.caps().frontend {
        let message = format!(
            "{} is not allowed because {} {} is not a frontend",
            kind.keyword(),
            cx.draft.kind.noun(),
            cx.draft.name
        );
        cx.alert(line.span, message);
        return;
    }
    if let Some(value) = order_of {
        order(cx, value, line);
    }
    add(cx, kind, line, 2);
}

fn inspect_delay(cx: &mut Cx<'_>, line: &Line, request: bool) {
    let message = format!(
        "'{} inspect-delay' expects a positive delay in milliseconds, in {}",
        line.text(0),
        cx.draft.owner()
    );
    let Some(word) = line.words.get(2) else {
        cx.alert(line.span, message);
        return;
    };
    let delay = match unit::time(&word.text, unit::Unit::Millisecond) {
        Ok(delay) => delay,
        Err(unit::Error::Character(found)) => {
            cx.alert(word.span, format!("{message} (unexpected character '{found}')"));
            return;
        }
        Err(_) => {
            let _none = timeout::read(cx, word, &format!("'{} inspect-delay'", line.text(0)));
            return;
        }
    };
    let timeouts = &mut cx.draft.settings.timeouts;
    let place =
        if request { &mut timeouts.inspect_request } else { &mut timeouts.inspect_response };
    *place = Some(delay);
}

fn redirect(cx: &mut Cx<'_>, line: &Line) {
    cx.draft.http_lines.push(("redirect", line.span));
    order(cx, Order::Redirect, line);
    let rule = with_context(cx, rule::Kind::HttpRequest, |context, reports| {
        rule::parse_redirect(context, line, reports)
    });
    if let Some(rule) = rule {
        cx.draft.rules.http_request.push(rule);
    }
}

fn monitor(cx: &mut Cx<'_>, line: &Line) {
    if line.text(1) != "fail" {
        cx.alert(line.span_from(1), "'monitor' only supports 'fail'.");
        return;
    }
    if !matches!(line.text(2), "if" | "unless") {
        let message = "'monitor fail' requires either 'if' or 'unless' followed by a condition.";
        cx.alert(line.span_from(2), message);
        return;
    }
    order(cx, Order::Monitor, line);
    let before = "error detected while parsing a 'monitor fail' condition : ";
    let checkpoint = Checkpoint::FrontendHttpHeader;
    if let Some(condition) = condition(cx, line, 2, checkpoint, before) {
        cx.draft.monitor_fail.push(condition);
    }
}

/// Adds a rule whose action is the word `at` of the line.
fn add(cx: &mut Cx<'_>, kind: rule::Kind, line: &Line, at: usize) {
    let rule = with_context(cx, kind, |context, reports| rule::parse(context, line, at, reports));
    if let Some(rule) = rule {
        cx.draft.rules.of(kind).push(rule);
    }
}

fn with_context<T>(
    cx: &mut Cx<'_>,
    kind: rule::Kind,
    run: impl FnOnce(&rule::Context<'_>, &mut Vec<Diagnostic>) -> T,
) -> T {
    let owner = cx.draft.owner();
    let env = env(cx, kind.checkpoint(cx.draft.caps().backend));
    let read = |name: &str| std::fs::read(cx.path(name));
    let context = rule::Context {
        kind,
        env: &env,
        owner: &owner,
        name: &cx.draft.name,
        captures: &cx.draft.captures,
        slots: &cx.draft.slots,
        read: &read,
    };
    let mut reports = Vec::new();
    let result = run(&context, &mut reports);
    for report in reports {
        cx.push(report);
    }
    result
}

/// Returns what expressions of the section at hand may name and read.
pub(super) fn env<'a>(cx: &'a Cx<'_>, checkpoint: Checkpoint) -> sample::Env<'a> {
    sample::Env {
        scripts: cx.input.loader,
        proxies: &cx.directory,
        current: cx.draft.id,
        acls: &cx.draft.acls,
        checkpoint,
        http: cx.draft.is_http(),
    }
}

/// Reads the condition whose `if` or `unless` is the word `at` of the line.
pub(super) fn condition(
    cx: &mut Cx<'_>,
    line: &Line,
    at: usize,
    checkpoint: Checkpoint,
    before: &str,
) -> Option<Condition> {
    let words = line.rest(at + 1);
    let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
    let env = env(cx, checkpoint);
    match Condition::parse(&texts, line.text(at) == "unless", &env) {
        Ok(condition) => {
            for warning in condition.warnings() {
                let report = rule::report(warning, words, line, "", "");
                cx.push(Diagnostic { severity: Severity::Warning, ..report });
            }
            Some(condition)
        }
        Err(errors) => {
            for error in &errors {
                cx.push(rule::report(error, words, line, before, "."));
            }
            None
        }
    }
}

/// Reads a format string; HAProxy names the place in the message itself.
pub(super) fn format(
    cx: &mut Cx<'_>,
    line: &Line,
    word: &Word,
    checkpoint: Checkpoint,
    options: sample::Options,
    before: &str,
) -> Option<Format> {
    let env = env(cx, checkpoint);
    match Format::parse(&word.text, &env, options) {
        Ok(format) => Some(format),
        Err(errors) => {
            let (file, number) = cx.input.sources.place(word.span);
            let before = format!("Parsing [{file}:{number}]: {before}");
            for error in &errors {
                let report = rule::report(error, std::slice::from_ref(word), line, &before, ".");
                cx.push(report.lead(Lead::Bare));
            }
            None
        }
    }
}
