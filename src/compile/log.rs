//! `log`, `log-format` and what else is about log lines.

use crate::log as sink;
use crate::net::Addr;
use crate::net::addr;
use crate::net::resolve;
use crate::syntax::Line;
use crate::syntax::Word;

use super::Cx;
use super::draft::Kind;
use super::draft::LogFormat;
use super::table::Directive;

#[rustfmt::skip]
pub(super) const TABLE: &[Directive] = &[
    Directive { name: "error-log-format", sections: "DFL", run: error_log_format, args: "<fmt>", doc: "The format for connections that never became an exchange." },
    Directive { name: "log", sections: "GDFBLT", run: log, args: "{ global | <target> [ len <length> ] [ format <format> ] <facility> [ <level> [ <minlevel> ] ] }", doc: "Adds a log target: `stdout`, `stderr`, `fd@<n>`, an address for UDP, or the path of a UNIX socket." },
    Directive { name: "log-format", sections: "DFBL", run: log_format, args: "<fmt>", doc: "The format of log lines." },
    Directive { name: "log-send-hostname", sections: "G", run: log_send_hostname, args: "[ <name> ]", doc: "Puts the host's name into log lines." },
    Directive { name: "log-tag", sections: "GDFBL", run: log_tag, args: "<tag>", doc: "The name of the program in log lines." },
];

fn error_log_format<'a>(cx: &mut Cx<'a>, line: &'a Line) {
    if let Some(word) = format(cx, line) {
        cx.draft.settings.error_log_format = Some(word);
    }
}

fn log_format<'a>(cx: &mut Cx<'a>, line: &'a Line) {
    let Some(word) = format(cx, line) else { return };
    if cx.draft.kind == Kind::Backend {
        let owner = cx.draft.owner();
        cx.warn(line.span, format!("{owner} : 'log-format' directive is ignored in backends."));
        return;
    }
    cx.draft.settings.log_format = Some(LogFormat::Text(word));
}

fn format<'a>(cx: &mut Cx<'a>, line: &'a Line) -> Option<&'a Word> {
    let name = line.text(0);
    if let Some(extra) = line.words.get(2) {
        let message = format!("{name} expects only one argument, don't forget to escape spaces!");
        cx.alert(extra.span, message);
        return None;
    }
    let word = line.words.get(1);
    if word.is_none() {
        cx.alert(line.span, format!("{name} expects an argument."));
    }
    word
}

fn log_send_hostname(cx: &mut Cx<'_>, line: &Line) {
    if !cx.takes(line, 1) {
        return;
    }
    let name = match line.words.get(1) {
        Some(word) => word.text.clone(),
        None => rustix::system::uname().nodename().to_string_lossy().into_owned(),
    };
    cx.global.log_send_hostname = Some(name);
}

fn log_tag(cx: &mut Cx<'_>, line: &Line) {
    let Some(word) = line.words.get(1) else {
        cx.alert(line.span, "'log-tag' expects a tag for use in syslog.");
        return;
    };
    if cx.draft.kind == Kind::Global {
        cx.global.log_tag.clone_from(&word.text);
    } else {
        cx.draft.settings.log_tag = Some(word.text.clone());
    }
}

/// A `log` line.
fn log(cx: &mut Cx<'_>, line: &Line) {
    let global = cx.draft.kind == Kind::Global;
    if line.text(1) == "global" && (global || line.words.len() == 2) {
        if global {
            let message = "log : 'global' is not supported for a global syslog server";
            cx.alert(line.span_from(1), message);
        } else {
            cx.draft.settings.log_global = true;
        }
        return;
    }
    let Some(target) = target(cx, line) else { return };
    if global {
        cx.global.loggers.push(target);
    } else {
        cx.draft.settings.loggers.push(target);
    }
}

fn target(cx: &mut Cx<'_>, line: &Line) -> Option<sink::Target> {
    let mut target = sink::Target {
        sink: sink::Sink::Stderr,
        format: sink::Format::default(),
        facility: 0,
        max: sink::Level::Debug,
        min: sink::Level::Emerg,
        length: 1024,
    };
    let mut at = 2;
    loop {
        let argument = line.words.get(at + 1);
        match line.text(at) {
            "len" => {
                let text = argument.map_or("", |word| word.text.as_str());
                let length = text.parse().ok().filter(|length| (80..=65535).contains(length));
                let Some(length) = length else {
                    let message =
                        format!("log : invalid log length '{text}', must be between 80 and 65535");
                    cx.alert(line.span_from(at + 1), message);
                    return None;
                };
                target.length = length;
            }
            "format" => {
                let text = argument.map_or("", |word| word.text.as_str());
                let Some(format) = sink::Format::find(text) else {
                    cx.alert(line.span_from(at + 1), format!("log : unknown log format '{text}'"));
                    return None;
                };
                target.format = format;
            }
            "sample" | "profile" => {
                let message =
                    format!("log : '{}' is known to HAProxy but not supported yet", line.text(at));
                cx.alert(line.span_from(at), message);
                return None;
            }
            _ => break,
        }
        at += 2;
    }
    let (Some(place), Some(facility)) = (line.words.get(1), line.words.get(at)) else {
        let message = if cx.draft.kind == Kind::Global {
            "log : expects <address> and <facility>  as arguments"
        } else {
            "log : expects <address> and <facility> or global as arguments"
        };
        cx.alert(line.span, message);
        return None;
    };
    let Some(number) = sink::find_facility(&facility.text) else {
        cx.alert(facility.span, format!("log : unknown log facility '{}'", facility.text));
        return None;
    };
    target.facility = number;
    target.max = level(cx, line, at + 1, "optional log level")?.unwrap_or(sink::Level::Debug);
    target.min =
        level(cx, line, at + 2, "optional minimum log level")?.unwrap_or(sink::Level::Emerg);
    if let Some(extra) = line.words.get(at + 3) {
        cx.alert(extra.span, format!("log : cannot handle unexpected argument '{}'", extra.text));
        return None;
    }
    target.sink = place_of(cx, place)?;
    Some(target)
}

/// Reads a level that may be left out.
fn level(cx: &mut Cx<'_>, line: &Line, at: usize, what: &str) -> Option<Option<sink::Level>> {
    let Some(word) = line.words.get(at) else { return Some(None) };
    let level = sink::Level::find(&word.text);
    if level.is_none() {
        cx.alert(word.span, format!("log : unknown {what} '{}'", word.text));
    }
    level.map(Some)
}

fn place_of(cx: &mut Cx<'_>, word: &Word) -> Option<sink::Sink> {
    let text = word.text.as_str();
    match text {
        "stdout" => return Some(sink::Sink::Stdout),
        "stderr" => return Some(sink::Sink::Stderr),
        _ => {}
    }
    if text.starts_with("ring@") || text.starts_with("backend@") {
        let message = format!("log : '{text}' is known to HAProxy but not supported yet");
        cx.alert(word.span, message);
        return None;
    }
    let spec = match addr::Spec::parse(text, &addr::LOG) {
        Ok(spec) => spec,
        Err(error) => {
            cx.alert(word.span, format!("log : {error}"));
            return None;
        }
    };
    let port = match spec.ports {
        addr::Ports::Range(port, _) => port,
        addr::Ports::None | addr::Ports::Offset(_) => 514,
    };
    match &spec.host {
        addr::Host::Fd(number) => Some(sink::Sink::Fd(*number)),
        addr::Host::Unix(path) => Some(sink::Sink::Datagram(Addr::Unix(path.clone()))),
        addr::Host::Abstract(name) => Some(sink::Sink::Datagram(Addr::Abstract(name.clone()))),
        _ if !spec.datagram => {
            let message = format!("log : '{text}': TCP is known to HAProxy but not supported yet");
            cx.alert(word.span, message);
            None
        }
        addr::Host::Ip(ip) => Some(sink::Sink::Datagram(Addr::Inet((*ip, port).into()))),
        addr::Host::Name(name, family) => {
            let found =
                resolve::blocking(name, *family).ok().and_then(|list| list.first().copied());
            if found.is_none() {
                let message = format!("log : invalid address: '{name}' in '{text}'");
                cx.alert(word.span, message);
            }
            found.map(|ip| sink::Sink::Datagram(Addr::Inet((ip, port).into())))
        }
    }
}
