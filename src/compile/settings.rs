//! Directives that set one thing of a proxy.

use crate::diag::Diagnostic;
use crate::diag::Lead;
use crate::http;
use crate::proxy::Mode;
use crate::syntax::Line;

use super::Cx;
use super::draft::Kind;
use super::table::Directive;

#[rustfmt::skip]
pub(super) const TABLE: &[Directive] = &[
    Directive { name: "backlog", sections: "DFL", run: backlog, args: "<conns>", doc: "Connections that may wait to be accepted." },
    Directive { name: "description", sections: "GFBL", run: description, args: "<text>...", doc: "A text for people." },
    Directive { name: "disabled", sections: "DFBL", run: disabled, args: "", doc: "The proxy accepts nothing and has no servers." },
    Directive { name: "enabled", sections: "DFBL", run: enabled, args: "", doc: "Ends `disabled`." },
    Directive { name: "fullconn", sections: "DBL", run: fullconn, args: "<conns>", doc: "Connections at which a backend counts as full." },
    Directive { name: "http-reuse", sections: "DBL", run: http_reuse, args: "{ never | safe | aggressive | always }", doc: "Whether idle connections to servers serve other clients; all but `never` mean `safe`." },
    Directive { name: "id", sections: "FBL", run: id, args: "<number>", doc: "The numeric id of the proxy." },
    Directive { name: "maxconn", sections: "DFL", run: maxconn, args: "<conns>", doc: "Connections that a frontend serves at the same time." },
    Directive { name: "mode", sections: "DFBL", run: mode, args: "{ tcp | http }", doc: "What passes: bytes or HTTP messages." },
    Directive { name: "monitor-uri", sections: "DFL", run: monitor_uri, args: "<uri>", doc: "A target that is answered at once, for those who watch the proxy." },
    Directive { name: "retries", sections: "DBL", run: retries, args: "<number>", doc: "How often a failed connection to a server is tried again." },
    Directive { name: "unique-id-format", sections: "DFBL", run: unique_id_format, args: "<fmt>", doc: "How the unique id of a request is made." },
    Directive { name: "unique-id-header", sections: "DFL", run: unique_id_header, args: "<name>", doc: "The header that takes the unique id to the server." },
];

fn backlog(cx: &mut Cx<'_>, line: &Line) {
    if let Some(value) = number(cx, line, "expects an integer argument.") {
        cx.draft.settings.backlog = i32::try_from(value).ok();
    }
}

fn description(cx: &mut Cx<'_>, line: &Line) {
    let words: Vec<&str> = line.rest(1).iter().map(|word| word.text.as_str()).collect();
    if words.is_empty() {
        let report = Diagnostic::alert(line.span, "'description' expects a string argument.");
        cx.push(report.lead(Lead::Reader));
        return;
    }
    let text = Some(words.join(" "));
    if cx.draft.kind == Kind::Global {
        cx.global.description = text;
    } else {
        cx.draft.description = text;
    }
}

fn disabled(cx: &mut Cx<'_>, line: &Line) {
    if cx.takes(line, 0) {
        cx.draft.settings.disabled = true;
    }
}

fn enabled(cx: &mut Cx<'_>, line: &Line) {
    if cx.takes(line, 0) {
        cx.draft.settings.disabled = false;
    }
}

fn fullconn(cx: &mut Cx<'_>, line: &Line) {
    if let Some(value) = number(cx, line, "expects an integer argument.") {
        cx.draft.settings.fullconn = value;
    }
}

fn http_reuse(cx: &mut Cx<'_>, line: &Line) {
    match line.text(1) {
        mode @ ("never" | "safe" | "aggressive" | "always") => {
            if let Some(word) = line.words.get(2) {
                let message = format!(
                    "'http-reuse {mode}' cannot handle unexpected argument '{}'.",
                    word.text
                );
                cx.alert(word.span, message);
                return;
            }
            cx.draft.settings.options.never_reuse = mode == "never";
        }
        _ => {
            let message = "'http-reuse' only supports 'never', 'safe', 'aggressive', 'always'.";
            cx.alert(line.span_from(1), message);
        }
    }
}

fn id(cx: &mut Cx<'_>, line: &Line) {
    if !cx.takes(line, 1) {
        return;
    }
    let message = match line.words.get(1) {
        None => "'id' expects an integer argument.",
        Some(word) => match word.text.parse() {
            Ok(id) if id > 0 => {
                cx.draft.uuid = Some((id, word.span));
                return;
            }
            _ => "custom id has to be > 0.",
        },
    };
    cx.push(Diagnostic::alert(line.span_from(1), message).lead(Lead::Reader));
}

fn maxconn(cx: &mut Cx<'_>, line: &Line) {
    if let Some(value) = number(cx, line, "expects an integer argument.") {
        cx.draft.settings.maxconn = value;
    }
}

fn mode(cx: &mut Cx<'_>, line: &Line) {
    if !cx.takes(line, 1) || set_mode(cx, line.text(1)) {
        return;
    }
    let mode = line.text(1);
    if mode == "health" {
        let message = "mode 'health' doesn't exist anymore. Please use 'http-request return \
                       status 200' instead.";
        cx.alert(line.span_from(1), message);
    } else if matches!(mode, "log" | "haterm" | "spop") {
        let message = format!("'mode {mode}' is known to HAProxy but not supported yet");
        cx.alert(line.span_from(1), message);
    } else {
        cx.alert(line.span_from(1), format!("unknown proxy mode '{mode}'."));
    }
}

/// Sets the mode; false where there is none of this name. Then nothing is known of the proxy that
/// could be wrong in its mode, and it passes for one of HTTP, which may have every line.
pub(super) fn set_mode(cx: &mut Cx<'_>, name: &str) -> bool {
    cx.draft.settings.is_mode_wrong = !matches!(name, "tcp" | "http");
    cx.draft.settings.mode = if name == "tcp" { Mode::Tcp } else { Mode::Http };
    !cx.draft.settings.is_mode_wrong
}

fn monitor_uri(cx: &mut Cx<'_>, line: &Line) {
    let Some(word) = line.words.get(1) else {
        cx.alert(line.span, "'monitor-uri' expects an URI.");
        return;
    };
    if cx.takes(line, 1) {
        cx.draft.settings.monitor_uri = Some(word.text.clone());
    }
}

fn retries(cx: &mut Cx<'_>, line: &Line) {
    let message = "expects an integer argument (dispatch counts for one).";
    if let Some(value) = number(cx, line, message) {
        cx.draft.settings.retries = Some(value);
    }
}

fn unique_id_format<'a>(cx: &mut Cx<'a>, line: &'a Line) {
    let Some(word) = line.words.get(1) else {
        cx.alert(line.span, "unique-id-format expects an argument.");
        return;
    };
    if let Some(extra) = line.words.get(2) {
        let message = "unique-id-format expects only one argument, don't forget to escape spaces!";
        cx.alert(extra.span, message);
        return;
    }
    cx.draft.settings.unique_id = Some(word);
}

fn unique_id_header(cx: &mut Cx<'_>, line: &Line) {
    let Some(word) = line.words.get(1) else {
        cx.alert(line.span, "unique-id-header expects an argument.");
        return;
    };
    if !http::check::name(word.text.as_bytes()) {
        cx.alert(word.span, format!("invalid header name '{}'", word.text));
        return;
    }
    cx.draft.settings.unique_id_header = Some(word.text.to_ascii_lowercase());
}

/// Reads a number that is the one argument of a directive.
pub(super) fn number(cx: &mut Cx<'_>, line: &Line, message: &str) -> Option<u32> {
    if !cx.takes(line, 1) {
        return None;
    }
    let value = line.words.get(1).and_then(|word| word.text.parse().ok());
    if value.is_none() {
        cx.alert(line.span_from(1), format!("'{}' {message}", line.text(0)));
    }
    value
}
