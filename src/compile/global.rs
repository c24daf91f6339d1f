//! Directives of the `global` section that are not about logs, scripts or tuning.

use std::cell::Cell;
use std::cell::OnceCell;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use crate::clock;
use crate::diag::Diagnostic;
use crate::diag::Lead;
use crate::net::Addr;
use crate::proxy;
use crate::rule;
use crate::sample;
use crate::sample::Checkpoint;
use crate::sample::Expr;
use crate::sample::Format;
use crate::sample::acl;
use crate::syntax::Line;
use crate::syntax::Word;
use crate::txn::Direction;
use crate::txn::Scope;
use crate::txn::Session;
use crate::txn::Txn;
use crate::value::Value;
use crate::value::unit;

use super::Cx;
use super::settings;
use super::table::Directive;

#[rustfmt::skip]
pub(super) const TABLE: &[Directive] = &[
    Directive { name: "daemon", sections: "G", run: daemon, args: "", doc: "Goes to the background." },
    Directive { name: "default-path", sections: "G", run: default_path, args: "{ current | config | parent | origin <path> }", doc: "Where relative paths of files begin." },
    Directive { name: "expose-deprecated-directives", sections: "G", run: bare, args: "", doc: "Accepted: nothing here is deprecated." },
    Directive { name: "expose-experimental-directives", sections: "G", run: bare, args: "", doc: "Accepted: nothing here is experimental." },
    Directive { name: "hard-stop-after", sections: "G", run: hard_stop_after, args: "<time>", doc: "How long a soft stop may last." },
    Directive { name: "insecure-fork-wanted", sections: "G", run: bare, args: "", doc: "Accepted: no process is started." },
    Directive { name: "insecure-setuid-wanted", sections: "G", run: bare, args: "", doc: "Accepted: no process is started." },
    Directive { name: "localpeer", sections: "G", run: localpeer, args: "<name>", doc: "The name of this process among its peers." },
    Directive { name: "master-worker", sections: "G", run: master_worker, args: "[ no-exit-on-failure ]", doc: "Accepted: there is one process; say so to the service manager." },
    Directive { name: "maxconn", sections: "G", run: maxconn, args: "<conns>", doc: "Connections of the process at the same time." },
    Directive { name: "nbproc", sections: "G", run: nbproc, args: "1", doc: "Accepted: there is one process." },
    Directive { name: "nbthread", sections: "G", run: nbthread, args: "<number>", doc: "How many workers; as many as there are CPUs where it is not set." },
    Directive { name: "no", sections: "G", run: negated, args: "{ busy-polling | insecure-fork-wanted | numa-cpu-mapping | set-dumpable | strict-limits }", doc: "Accepted: a matter of tuning." },
    Directive { name: "node", sections: "G", run: node, args: "<name>", doc: "The name of this process." },
    Directive { name: "numa-cpu-mapping", sections: "G", run: bare, args: "", doc: "Accepted: a matter of tuning." },
    Directive { name: "pidfile", sections: "G", run: pidfile, args: "<file>", doc: "The file that takes the number of the process." },
    Directive { name: "presetenv", sections: "G", run: setenv, args: "<name> <value>", doc: "Sets an environment variable that is not set." },
    Directive { name: "quiet", sections: "G", run: quiet, args: "", doc: "No messages at start." },
    Directive { name: "resetenv", sections: "G", run: resetenv, args: "[ <name>... ]", doc: "Removes all environment variables but these." },
    Directive { name: "set-dumpable", sections: "G", run: bare, args: "", doc: "Accepted: left to the system." },
    Directive { name: "set-var", sections: "G", run: set_var, args: "<var> <sample>", doc: "Sets a variable of the process." },
    Directive { name: "set-var-fmt", sections: "G", run: set_var, args: "<var> <fmt>", doc: "Sets a variable of the process to a formatted text." },
    Directive { name: "setenv", sections: "G", run: setenv, args: "<name> <value>", doc: "Sets an environment variable." },
    Directive { name: "spread-checks", sections: "G", run: spread_checks, args: "<percent>", doc: "Accepted: there are no health checks." },
    Directive { name: "strict-limits", sections: "G", run: bare, args: "", doc: "Accepted: limits that cannot be had are reported." },
    Directive { name: "thread-groups", sections: "G", run: thread_groups, args: "1", doc: "Accepted: there is one group of workers." },
    Directive { name: "ulimit-n", sections: "G", run: ignored_number, args: "<number>", doc: "Accepted: the limit of the process is raised as needed." },
    Directive { name: "unsetenv", sections: "G", run: unsetenv, args: "<name>...", doc: "Removes environment variables." },
    Directive { name: "zero-warning", sections: "G", run: zero_warning, args: "", doc: "Refuses to start with warnings." },
];

fn bare(cx: &mut Cx<'_>, line: &Line) {
    cx.takes(line, 0);
}

fn daemon(cx: &mut Cx<'_>, line: &Line) {
    if cx.takes(line, 0) {
        cx.global.daemon = true;
        let message = "'daemon' is set: the process goes to the background unless '-db' is given";
        cx.push(Diagnostic::notice(line.span, message));
    }
}

fn default_path(cx: &mut Cx<'_>, line: &Line) {
    let file = cx.input.sources.place(line.span).0.to_owned();
    let parent = |path: &str| {
        let parent = std::path::Path::new(path).parent();
        parent.map(|path| path.to_string_lossy().into_owned()).unwrap_or_default()
    };
    let base = match line.text(1) {
        "current" => None,
        "config" => Some(parent(&file)),
        "parent" => Some(format!("{}/..", parent(&file))),
        "origin" => {
            let Some(word) = line.words.get(2) else {
                let message = "'default-path origin' expects a directory as an argument.";
                cx.alert(line.span, message);
                return;
            };
            Some(word.text.clone())
        }
        other => {
            let message = format!(
                "unsupported default-path mode '{other}' for 'default-path', supported modes \
                 include 'current', 'config', 'parent', and 'origin'."
            );
            cx.alert(line.span_from(1), message);
            return;
        }
    };
    if cx.takes(line, if line.text(1) == "origin" { 2 } else { 1 }) {
        cx.base = base.map(|base| if base.is_empty() { ".".to_owned() } else { base });
    }
}

fn hard_stop_after(cx: &mut Cx<'_>, line: &Line) {
    let Some(word) = line.words.get(1) else {
        cx.alert(line.span, "'hard-stop-after' expects <time> as argument.");
        return;
    };
    if !cx.takes(line, 1) {
        return;
    }
    match unit::time(&word.text, unit::Unit::Millisecond) {
        Ok(time) => cx.global.hard_stop_after = Some(time),
        Err(unit::Error::Character(found)) => {
            let message =
                format!("unexpected character '{found}' in argument to <hard-stop-after>.");
            cx.alert(word.span, message);
        }
        Err(_) => {
            let _none = super::timeout::read(cx, word, "'hard-stop-after'");
        }
    }
}

fn localpeer(cx: &mut Cx<'_>, line: &Line) {
    match line.words.get(1) {
        Some(word) => cx.global.localpeer = Some(word.text.clone()),
        None => cx.alert(line.span, "'localpeer' expects a name as an argument."),
    }
}

fn master_worker(cx: &mut Cx<'_>, line: &Line) {
    match line.text(1) {
        "" | "no-exit-on-failure" => {
            cx.global.master_worker = true;
            let message = "'master-worker' is set: luaproxy has one process, which serves as both";
            cx.push(Diagnostic::notice(line.span, message));
        }
        _ => {
            let message = "'master-worker' only supports 'no-exit-on-failure' option.";
            cx.alert(line.span_from(1), message);
        }
    }
}

fn maxconn(cx: &mut Cx<'_>, line: &Line) {
    if let Some(value) = settings::number(cx, line, "expects an integer argument.") {
        cx.global.maxconn = value;
    }
}

fn nbproc(cx: &mut Cx<'_>, line: &Line) {
    if line.text(1) != "1" {
        let message = "nbproc is not supported any more since HAProxy 2.5. Threads will \
                       automatically be used on multi-processor machines if available.";
        cx.alert(line.span, message);
    }
}

fn nbthread(cx: &mut Cx<'_>, line: &Line) {
    const MOST: usize = 256;
    if !cx.takes(line, 1) {
        return;
    }
    let value = line.text(1).parse().unwrap_or_default();
    if !(1..=MOST).contains(&value) {
        let message =
            format!("'nbthread' value must be between 1 and {MOST} (was {})", line.text(1));
        cx.alert(line.span_from(1), message);
        return;
    }
    cx.global.nbthread = value;
}

fn negated(cx: &mut Cx<'_>, line: &Line) {
    let known = [
        "busy-polling",
        "insecure-fork-wanted",
        "numa-cpu-mapping",
        "set-dumpable",
        "strict-limits",
    ];
    if known.contains(&line.text(1)) {
        return;
    }
    let message = "negation/default currently supported only for options, log, busy-polling, \
                   set-dumpable, strict-limits, insecure-fork-wanted and numa-cpu-mapping.";
    cx.push(Diagnostic::alert(line.span, message).lead(Lead::Reader));
}

fn node(cx: &mut Cx<'_>, line: &Line) {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    let name = line.text(1);
    if name.is_empty() || !name.bytes().all(legal) {
        let message = "'node' requires valid node name - non-empty string with digits(0-9), \
                       letters(A-Z, a-z), dot(.), hyphen(-) or underscode(_).";
        cx.push(Diagnostic::alert(line.span_from(1), message).lead(Lead::Reader));
        return;
    }
    cx.global.node = name.to_owned();
}

fn pidfile(cx: &mut Cx<'_>, line: &Line) {
    let Some(word) = line.words.get(1) else {
        cx.alert(line.span, "'pidfile' expects a file name as an argument.");
        return;
    };
    if !cx.takes(line, 1) {
        return;
    }
    if cx.global.pidfile.is_some() {
        cx.alert(line.span, "'pidfile' already specified. Continuing.");
        return;
    }
    cx.global.pidfile = Some(word.text.clone());
}

fn quiet(cx: &mut Cx<'_>, line: &Line) {
    cx.global.quiet |= cx.takes(line, 0);
}

fn zero_warning(cx: &mut Cx<'_>, line: &Line) {
    cx.global.zero_warning |= cx.takes(line, 0);
}

/// `setenv`, `presetenv`: the reader has done it already.
fn setenv(cx: &mut Cx<'_>, line: &Line) {
    if line.words.len() < 3 {
        let message = format!("'{}' expects a name and a value.", line.text(0));
        cx.push(Diagnostic::alert(line.span, message).lead(Lead::Reader));
        return;
    }
    cx.takes(line, 2);
}

fn resetenv(_: &mut Cx<'_>, _: &Line) {}

fn unsetenv(cx: &mut Cx<'_>, line: &Line) {
    if line.words.len() < 2 {
        let message = "'unsetenv' expects at least one variable name.";
        cx.push(Diagnostic::alert(line.span, message).lead(Lead::Reader));
    }
}

fn spread_checks(cx: &mut Cx<'_>, line: &Line) {
    let value = line.text(1).parse::<u32>().ok();
    if value.is_none_or(|value| value > 50) {
        let message = "'spread-checks' needs a positive value in range 0..50.";
        cx.push(Diagnostic::alert(line.span_from(1), message).lead(Lead::Reader));
    }
}

fn thread_groups(cx: &mut Cx<'_>, line: &Line) {
    if line.text(1) != "1" {
        let message =
            format!("'thread-groups' value must be between 1 and 1 (was {})", line.text(1));
        cx.alert(line.span_from(1), message);
    }
}

fn ignored_number(cx: &mut Cx<'_>, line: &Line) {
    let _ignored = settings::number(cx, line, "expects an integer argument.");
}

/// `set-var`, `set-var-fmt`: evaluated once, here.
fn set_var(cx: &mut Cx<'_>, line: &Line) {
    let keyword = line.text(0);
    let (Some(name), true) = (line.words.get(1), line.words.len() > 2) else {
        let message = format!(
            "'{keyword}' requires a process-wide variable name ('proc.<name>') and a sample \
             expression."
        );
        cx.alert(line.span, message);
        return;
    };
    let Some((scope, variable)) = Scope::split(&name.text) else {
        cx.alert(name.span, format!("'{keyword}': {}", rule::wrong_name(&name.text)));
        return;
    };
    if scope != Scope::Proc {
        let message = format!(
            "'{keyword}': cannot set variable '{}', only scope 'proc' is permitted in the global \
             section.",
            name.text
        );
        cx.alert(name.span, message);
        return;
    }
    let mut txn = blank();
    let words = line.rest(2);
    let value = if keyword == "set-var" {
        expression(cx, line, words, &txn)
    } else {
        formatted(cx, line, words, &txn)
    };
    if let Some(value) = value {
        txn.set_var(Scope::Proc, variable, value);
    }
}

fn expression(cx: &mut Cx<'_>, line: &Line, words: &[Word], txn: &Txn) -> Option<Value> {
    let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
    let acls = acl::Table::new();
    match Expr::parse_words(&texts, &env(cx, &acls)) {
        Ok((expr, used)) => {
            if let Some(extra) = words.get(used) {
                let message = format!(
                    "'{}' cannot handle unexpected argument '{}'.",
                    line.text(0),
                    extra.text
                );
                cx.alert(extra.span, message);
                return None;
            }
            expr.sample(&sample::Ctx::new(txn, Direction::Request, true))
        }
        Err(error) => {
            cx.push(rule::report(&error, words, line, "", ""));
            None
        }
    }
}

fn formatted(cx: &mut Cx<'_>, line: &Line, words: &[Word], txn: &Txn) -> Option<Value> {
    let acls = acl::Table::new();
    let word = words.first()?;
    match Format::parse(&word.text, &env(cx, &acls), sample::Options::PLAIN) {
        Ok(format) => {
            let mut text = Vec::new();
            format.render(&sample::Ctx::new(txn, Direction::Request, true), &mut text);
            Some(Value::Str(text.into()))
        }
        Err(errors) => {
            for error in &errors {
                cx.push(rule::report(error, words, line, "", ""));
            }
            None
        }
    }
}

fn env<'a>(cx: &'a Cx<'_>, acls: &'a acl::Table) -> sample::Env<'a> {
    sample::Env {
        scripts: cx.input.loader,
        proxies: &cx.directory,
        current: None,
        acls,
        checkpoint: Checkpoint::Config,
        http: false,
    }
}

/// Returns an exchange in which nothing has happened, for expressions that need none.
fn blank() -> Txn {
    let (accepted, accept_date) = (clock::now(), clock::date());
    let session = Session {
        id: 0,
        worker: 0,
        frontend: Arc::new(proxy::Proxy::blank()),
        proxies: Arc::new(proxy::Set::default()),
        listener: (0, Arc::from("")),
        src: RefCell::new(Addr::Unnamed),
        dst: RefCell::new(Addr::Unnamed),
        accepted,
        accept_date,
        vars: RefCell::default(),
        expect_proxy: Default::default(),
        proxy_header: Default::default(),
        requests: Cell::new(0),
        tls: OnceCell::new(),
        failure: OnceCell::new(),
    };
    Txn::new(Rc::new(session), 0, 0, 0)
}
