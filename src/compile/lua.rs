//! `lua-*` and `tune.lua.*`: which scripts run, and what they may use.

use std::time::Duration;

use crate::diag::Span;
use crate::dialect::DIALECTS;
use crate::dialect::Dialect;
use crate::script::Load;
use crate::script::Setting;
use crate::syntax::Line;
use crate::value::unit;

use super::Cx;
use super::settings;
use super::table::Directive;

#[rustfmt::skip]
pub(super) const TABLE: &[Directive] = &[
    Directive { name: "lua-load", sections: "G", run: lua_load, args: "<file> [ dialect { 5.4 | luajit } ] [ <arg>... ]", doc: "Loads a script into the one state that all traffic shares, on one worker; `dialect 5.4` reads it as Lua 5.4 does." },
    Directive { name: "lua-load-per-thread", sections: "G", run: lua_load, args: "<file> [ dialect { 5.4 | luajit } ] [ <arg>... ]", doc: "Loads a script into a state of each worker." },
    Directive { name: "lua-prepend-path", sections: "G", run: lua_prepend_path, args: "<path> [ { path | cpath } ]", doc: "Where `require` looks first." },
    Directive { name: "tune.lua.bool-sample-conversion", sections: "G", run: bool_samples, args: "{ normal | pre-3.1-bug }", doc: "Whether boolean samples reach Lua as booleans or as integers." },
    Directive { name: "tune.lua.burst-timeout", sections: "G", run: timeout, args: "<time>", doc: "CPU time of a script between two waits." },
    Directive { name: "tune.lua.forced-yield", sections: "G", run: forced_yield, args: "<instructions>", doc: "Instructions after which a script gives way: a slice of 100 ns for each, 100 us to 10 ms; HAProxy's 10000 is the default of 1 ms. 0 is 10 ms. `tune.lua.slice` wins." },
    Directive { name: "tune.lua.idle-states", sections: "G", run: states, args: "<number>", doc: "States of tenants that a worker keeps while nobody calls them. By default: 1024." },
    Directive { name: "tune.lua.load-timeout", sections: "G", run: timeout, args: "<time>", doc: "CPU time of a script's body and of each init function; 0 is no limit. By default: 10 s." },
    Directive { name: "tune.lua.log.loggers", sections: "G", run: log_loggers, args: "{ on | off }", doc: "Whether a script's messages go to the loggers of its proxy." },
    Directive { name: "tune.lua.log.stderr", sections: "G", run: log_stderr, args: "{ on | auto | off }", doc: "Whether a script's messages go to stderr." },
    Directive { name: "tune.lua.maxmem", sections: "G", run: maxmem, args: "<megabytes>", doc: "Memory of all scripts together; 0 is no limit." },
    Directive { name: "tune.lua.nil-sample-conversion", sections: "G", run: nil_samples, args: "{ none | false }", doc: "Whether a nil that a fetch or converter returns is no sample or, as in HAProxy, false." },
    Directive { name: "tune.lua.openlibs", sections: "G", run: openlibs, args: "{ all | none | <lib>[,...] }", doc: "The libraries that scripts get. `ffi` and `bytecode`, which can crash the process, are not among `all`." },
    Directive { name: "tune.lua.runtime-dns", sections: "G", run: runtime_dns, args: "{ on | off }", doc: "Whether sockets of scripts may connect to names, which a thread of its own resolves. By default: off, as in HAProxy; tenants connect to the names that they are granted." },
    Directive { name: "tune.lua.service-timeout", sections: "G", run: timeout, args: "<time>", doc: "CPU time of a service." },
    Directive { name: "tune.lua.session-timeout", sections: "G", run: timeout, args: "<time>", doc: "CPU time of the scripts of an exchange." },
    Directive { name: "tune.lua.slice", sections: "G", run: slice, args: "<time>", doc: "The longest run of a script before it gives way." },
    Directive { name: "tune.lua.socket-compat", sections: "G", run: socket_compat, args: "{ haproxy | luasocket }", doc: "Whether what sockets return has HAProxy's shapes or those of LuaSocket, which HAProxy's manual promises. By default: luasocket." },
    Directive { name: "tune.lua.ssl-verify", sections: "G", run: ssl_verify, args: "{ required | none }", doc: "Whether `connect_ssl` verifies the server where a script does not say. By default: required; HAProxy's does not." },
    Directive { name: "tune.lua.spare-states", sections: "G", run: states, args: "<number>", doc: "States that a worker prepares ahead for tenants that have none. By default: 1." },
    Directive { name: "tune.lua.task-timeout", sections: "G", run: timeout, args: "<time>", doc: "CPU time of a task." },
    Directive { name: "tune.lua.tenant-jit", sections: "G", run: tenant_jit, args: "{ on | off }", doc: "Whether scripts of tenants are compiled to machine code. By default: on." },
];

/// Sets the slice, and loads the scripts that the global sections name, in order.
pub(super) fn load(cx: &mut Cx<'_>) {
    if let Some(slice) = cx.slices.into_iter().flatten().next() {
        cx.input.loader.set(Setting::Slice(slice));
    }
    for (span, load) in std::mem::take(&mut cx.loads) {
        if let Err(error) = cx.input.loader.load(&load) {
            cx.load_error(Some(span), &error);
        }
    }
}

fn lua_load(cx: &mut Cx<'_>, line: &Line) {
    let per_thread = line.text(0) == "lua-load-per-thread";
    if let Some((span, load)) = script(cx, line, per_thread) {
        cx.loads.push((span, load));
    }
}

/// Returns the script that a line names, and where.
pub(super) fn script(cx: &mut Cx<'_>, line: &Line, per_thread: bool) -> Option<(Span, Load)> {
    let Some(word) = line.words.get(1).filter(|word| !word.text.is_empty()) else {
        cx.alert(line.span, format!("'{}' expects a file name as parameter.", line.text(0)));
        return None;
    };
    let file = cx.path(&word.text).to_string_lossy().into_owned();
    let (mut dialect, mut next) = (Dialect::default(), 2);
    if line.text(2) == "dialect" {
        let Some((_, found)) = DIALECTS.iter().find(|(name, _)| *name == line.text(3)) else {
            let known: Vec<&str> = DIALECTS.iter().map(|(name, _)| *name).collect();
            let known = known.join("', '");
            let message = format!("'dialect' takes one of '{known}', not '{}'.", line.text(3));
            cx.alert(line.span_from(line.words.len().min(4) - 1), message);
            return None;
        };
        (dialect, next) = (*found, 4);
    }
    if dialect == Dialect::LuaJit && !cx.scripts.contains(&file) {
        cx.scripts.push(file.clone());
    }
    let arguments = line.rest(next).iter().map(|word| word.text.clone()).collect();
    Some((word.span, Load { file, arguments, per_thread, dialect }))
}

fn lua_prepend_path(cx: &mut Cx<'_>, line: &Line) {
    let Some(word) = line.words.get(1).filter(|word| !word.text.is_empty()) else {
        cx.alert(line.span, "'lua-prepend-path' expects to receive a <path> as argument");
        return;
    };
    let native = match line.text(2) {
        "" | "path" => false,
        "cpath" => true,
        _ => {
            let message = "'lua-prepend-path' expects <type> to either be 'path' or 'cpath'";
            cx.alert(line.span_from(2), message);
            return;
        }
    };
    if cx.takes(line, 2) {
        cx.input.loader.prepend_path(&word.text, native);
    }
}

fn bool_samples(cx: &mut Cx<'_>, line: &Line) {
    either(cx, line, ["normal", "pre-3.1-bug"], Setting::BoolSamples);
}

fn nil_samples(cx: &mut Cx<'_>, line: &Line) {
    either(cx, line, ["false", "none"], Setting::NilIsFalse);
}

/// Sets what the line's word says: the first of two is true.
fn either(cx: &mut Cx<'_>, line: &Line, words: [&str; 2], setting: fn(bool) -> Setting) {
    let Some(found) = words.iter().position(|word| *word == line.text(1)) else {
        let [yes, no] = words;
        let message = format!(
            "'{}' expects either '{yes}' or '{no}' but got '{}'.",
            line.text(0),
            line.text(1)
        );
        cx.alert(line.span_from(1), message);
        return;
    };
    if cx.takes(line, 1) {
        cx.input.loader.set(setting(found == 0));
    }
}

/// Compiled code counts no instructions: a count stands for the time that so many take, with
/// HAProxy's 10000 for the default slice.
fn forced_yield(cx: &mut Cx<'_>, line: &Line) {
    const INSTRUCTION: Duration = Duration::from_nanos(100);
    const SHORTEST: Duration = Duration::from_micros(100);
    const LONGEST: Duration = Duration::from_millis(10);
    match line.text(1).parse() {
        // HAProxy: a count of 0 never forces a yield.
        Ok(0) if cx.takes(line, 1) => cx.slices[1] = Some(LONGEST),
        Ok(number) => {
            if cx.takes(line, 1) {
                let slice = INSTRUCTION.saturating_mul(number).clamp(SHORTEST, LONGEST);
                cx.slices[1] = Some(slice);
            }
        }
        Err(_) => cx.alert(line.span_from(1), format!("{}: invalid number", line.text(0))),
    }
}

fn log_loggers(cx: &mut Cx<'_>, line: &Line) {
    if let Some(on) = super::tune::on_off(cx, line) {
        cx.input.loader.set(Setting::LogLoggers(on));
    }
}

fn log_stderr(cx: &mut Cx<'_>, line: &Line) {
    let value = match line.text(1) {
        "on" => Some(true),
        "off" => Some(false),
        "auto" => None,
        other => {
            let message = format!(
                "'{}' expects either 'on', 'auto', or 'off' but got '{other}'.",
                line.text(0)
            );
            cx.alert(line.span_from(1), message);
            return;
        }
    };
    cx.input.loader.set(Setting::LogStderr(value));
}

fn maxmem(cx: &mut Cx<'_>, line: &Line) {
    let megabytes: Option<usize> = line.text(1).parse().ok();
    match megabytes.and_then(|megabytes| megabytes.checked_mul(1024 * 1024)) {
        Some(bytes) => {
            if cx.takes(line, 1) {
                cx.input.loader.set(Setting::MaxMemory(bytes));
            }
        }
        None => wrong_number(cx, line),
    }
}

fn wrong_number(cx: &mut Cx<'_>, line: &Line) {
    let (keyword, text) = (line.text(0), line.text(1));
    let at = text.find(|byte: char| !byte.is_ascii_digit()).unwrap_or_default();
    let rest = text.get(at..).unwrap_or_default();
    let message = format!("{keyword}: invalid number {text} (error at '{rest}')");
    cx.alert(line.span_from(1), message);
}

fn openlibs(cx: &mut Cx<'_>, line: &Line) {
    const LIBRARIES: &[&str] =
        &["bit", "coroutine", "debug", "io", "math", "os", "package", "string", "table", "utf8"];
    // They can crash the process: nobody has them who does not name them.
    const DANGEROUS: &[&str] = &["bytecode", "ffi"];
    let Some(word) = line.words.get(1) else {
        cx.alert(line.span, format!("'{}' expects a list of libraries.", line.text(0)));
        return;
    };
    let (mut list, mut all) = (Vec::new(), false);
    let mut offset = 0;
    for name in word.text.split(',') {
        let span = word.sub(offset..offset + name.len());
        offset += name.len() + 1;
        match name {
            "all" => all = true,
            "none" => {}
            _ if LIBRARIES.contains(&name) || DANGEROUS.contains(&name) => {
                list.push(name.to_owned());
            }
            _ => {
                let message = format!("'{}': unknown library '{name}'", line.text(0));
                cx.alert(span, message);
            }
        }
    }
    if all {
        list.retain(|name| DANGEROUS.contains(&name.as_str()));
        if list.is_empty() {
            cx.input.loader.set(Setting::OpenLibs(None));
            return;
        }
        list.extend(LIBRARIES.iter().map(|name| (*name).to_owned()));
    }
    cx.input.loader.set(Setting::OpenLibs(Some(list)));
}

fn runtime_dns(cx: &mut Cx<'_>, line: &Line) {
    if let Some(on) = super::tune::on_off(cx, line) {
        cx.input.loader.set(Setting::RuntimeDns(on));
    }
}

fn socket_compat(cx: &mut Cx<'_>, line: &Line) {
    either(cx, line, ["haproxy", "luasocket"], Setting::SocketCompat);
}

fn ssl_verify(cx: &mut Cx<'_>, line: &Line) {
    either(cx, line, ["required", "none"], Setting::SslVerify);
}

fn slice(cx: &mut Cx<'_>, line: &Line) {
    match unit::time(line.text(1), unit::Unit::Millisecond) {
        Ok(time) if !time.is_zero() => cx.slices[0] = Some(time),
        _ => cx.alert(line.span_from(1), format!("{}: invalid timeout", line.text(0))),
    }
}

fn states(cx: &mut Cx<'_>, line: &Line) {
    let Some(count) = settings::number(cx, line, "expects an integer argument.") else { return };
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    cx.input.loader.set(match line.text(0) {
        "tune.lua.idle-states" => Setting::IdleStates(count),
        _ => Setting::SpareStates(count),
    });
}

fn tenant_jit(cx: &mut Cx<'_>, line: &Line) {
    if let Some(on) = super::tune::on_off(cx, line) {
        cx.input.loader.set(Setting::TenantJit(on));
    }
}

fn timeout(cx: &mut Cx<'_>, line: &Line) {
    let keyword = line.text(0);
    let Ok(time) = unit::time(line.text(1), unit::Unit::Millisecond) else {
        cx.alert(line.span_from(1), format!("{keyword}: invalid timeout"));
        return;
    };
    let time = (!time.is_zero()).then_some(time);
    cx.input.loader.set(match keyword {
        "tune.lua.burst-timeout" => Setting::BurstTimeout(time),
        "tune.lua.load-timeout" => Setting::LoadTimeout(time),
        "tune.lua.service-timeout" => Setting::ServiceTimeout(time),
        "tune.lua.session-timeout" => Setting::SessionTimeout(time),
        _ => Setting::TaskTimeout(time),
    });
}
