//! `tenant`: whose scripts run apart from all others, and what they may use and reach.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use crate::diag::Diagnostic;
use crate::diag::Lead;
use crate::diag::Span;
use crate::diag::suggest;
use crate::script::LoadError;
use crate::script::policy::OnError;
use crate::script::policy::Policy;
use crate::script::policy::Target;
use crate::syntax::Line;
use crate::syntax::Section;
use crate::syntax::Word;
use crate::value::unit;

use super::Cx;
use super::draft::Draft;
use super::draft::Kind;
use super::table;
use super::table::Directive;
use super::timeout;
use super::tune;

#[rustfmt::skip]
pub(super) const TABLE: &[Directive] = &[
    Directive { name: "connect-allow", sections: "T", run: connect, args: "<target>...", doc: "Where sockets may connect to; nothing else can be reached. By default: nowhere." },
    Directive { name: "connect-deny", sections: "T", run: connect, args: "<target>...", doc: "Where they may not, though `connect-allow` lets them." },
    Directive { name: "connections-max", sections: "T", run: connections_max, args: "<number>", doc: "Sockets open at once, on all workers together. By default: 100." },
    Directive { name: "cpu-max", sections: "T", run: cpu_max, args: "<time>", doc: "CPU time of one call, in milliseconds; then it is ended. By default: 50." },
    Directive { name: "cpu-share", sections: "T", run: cpu_share, args: "<percent>", doc: "What the tenant may use of a worker in a sliding second; above it, everybody else goes first. By default: 50." },
    Directive { name: "cpu-slice", sections: "T", run: cpu_slice, args: "<time>", doc: "The longest run before a script gives way, in milliseconds, at most 1000. By default: `tune.lua.slice`." },
    Directive { name: "env", sections: "T", run: env, args: "<name>...", doc: "Variables of the environment that `os.getenv` knows. By default: none." },
    Directive { name: "jit", sections: "T", run: jit, args: "{ on | off }", doc: "Whether scripts are compiled to machine code. By default: `tune.lua.tenant-jit`." },
    Directive { name: "lua-load", sections: "T", run: lua_load, args: "<file> [ dialect { 5.4 | luajit } ] [ <arg>... ]", doc: "A script of the tenant, how it is read, and what it gets as `...`; may be repeated." },
    Directive { name: "lua-modules", sections: "T", run: lua_modules, args: "{ none | <library>[,<library>...] }", doc: "The libraries that `require` finds without a file. By default: those that reach nothing outside, and those for what the section grants." },
    Directive { name: "lua-path", sections: "T", run: lua_path, args: "<template>", doc: "Where `require` looks, with `?` for the module; may be repeated. By default: nowhere." },
    Directive { name: "memory-max", sections: "T", run: memory_max, args: "<size>", doc: "Bytes of a state, and of what the proxy holds for the tenant: `1m` to `1g`. By default: `16m`." },
    Directive { name: "nice", sections: "T", run: nice, args: "<nice>", doc: "The least niceness of the tenant's runs, -1024 to 1024: `core.set_nice` goes no lower. By default: 0." },
    Directive { name: "on-error", sections: "T", run: on_error, args: "{ deny [ status <status> ] | continue }", doc: "What becomes of an exchange whose script fails: it is refused, or goes on as in HAProxy. By default: `deny status 503`." },
    Directive { name: "read-dir", sections: "T", run: read_dir, args: "<folder> [ max <size> ]", doc: "The folder whose files can be read, and the bytes of the largest one. By default: none, and `1m`." },
    Directive { name: "tasks-max", sections: "T", run: tasks_max, args: "<number>", doc: "Tasks at once, on all workers together. By default: 16." },
];

/// The directives that add to what the lines before them say.
const REPEATED: &[&str] = &["connect-allow", "connect-deny", "env", "log", "lua-load", "lua-path"];

/// The longest slice: what runs for longer holds its worker.
const LONGEST_SLICE: Duration = Duration::from_secs(1);

/// A `tenant` section that has been compiled.
struct Tenant<'a> {
    section: &'a Section,
    /// Where its `lua-load` lines name their files.
    files: Vec<Span>,
    policy: Policy,
    /// Another begins with what it grants: it may have no script of its own.
    is_base: bool,
    /// It has a legal name of its own.
    is_named: bool,
}

/// Compiles the `tenant` sections, then loads their scripts in order.
pub(super) fn sections(cx: &mut Cx<'_>) {
    let mut list: Vec<Tenant<'_>> = Vec::new();
    let mut known: HashMap<&str, usize> = HashMap::new();
    let tree = cx.input.tree;
    for section in tree.sections.iter().filter(|section| section.keyword.text == "tenant") {
        let named = name(cx, section);
        let other = named.and_then(|name| known.get(name)).and_then(|index| list.get(*index));
        if let (Some(name), Some(other)) = (named, other) {
            clash(cx, section, name, other.section);
        }
        let is_named = named.is_some() && other.is_none();
        let base = base(cx, section, &known);
        let base = base.and_then(|index| list.get_mut(index)).map(|base| {
            base.is_base = true;
            &base.policy
        });
        let policy = begin(cx, section, base);
        let (policy, files) = body(cx, section, policy);
        if let Some(name) = named.filter(|_| is_named) {
            known.insert(name, list.len());
        }
        list.push(Tenant { section, files, policy, is_base: false, is_named });
    }
    for tenant in list {
        load(cx, tenant);
    }
}

/// Returns the name of a section, if it is a good one.
fn name<'a>(cx: &mut Cx<'_>, section: &'a Section) -> Option<&'a str> {
    let Some(word) = section.args.first() else {
        cx.alert(section.span, "'tenant' expects a <name> argument");
        return None;
    };
    // No colon: it ends the tenant's name in `lua.acme:check`.
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    match word.text.chars().find(|c| !legal(*c)) {
        Some(bad) => {
            let message =
                format!("character '{bad}' is not permitted in 'tenant' name '{}'.", word.text);
            cx.alert(word.span, message);
            None
        }
        None if word.text.is_empty() => {
            cx.alert(word.span, "'tenant' expects a <name> argument");
            None
        }
        None => Some(&word.text),
    }
}

fn clash(cx: &mut Cx<'_>, section: &Section, name: &str, other: &Section) {
    let (file, line) = cx.input.sources.place(section.span);
    let (other_file, other_line) = cx.input.sources.place(other.span);
    let message = format!(
        "Parsing [{file}:{line}]: tenant '{name}' has the same name as tenant '{name}' declared \
         at {other_file}:{other_line}."
    );
    cx.alert_bare(section.args.first().map_or(section.span, |word| word.span), message);
}

/// Finds the section named behind `from`.
fn base(cx: &mut Cx<'_>, section: &Section, known: &HashMap<&str, usize>) -> Option<usize> {
    let word = section.args.get(1)?;
    let (extra, name) = if word.text == "from" {
        (section.args.get(3), section.args.get(2))
    } else {
        (Some(word), None)
    };
    if let Some(extra) = extra {
        let message = format!("'tenant' cannot handle unexpected argument '{}'.", extra.text);
        cx.alert(extra.span, message);
        return None;
    }
    let Some(name) = name else {
        cx.alert(word.span, "'tenant' expects the name of a tenant after 'from'.");
        return None;
    };
    let found = known.get(name.text.as_str()).copied();
    if found.is_none() {
        let message = format!("tenant '{}' not found before this section.", name.text);
        let mut names: Vec<&str> = known.keys().copied().collect();
        names.sort_unstable();
        let hint = suggest::hint(&name.text, names);
        cx.push(Diagnostic { hint, ..Diagnostic::alert(name.span, message) });
    }
    found
}

/// Returns what a section grants before its first line.
fn begin(cx: &Cx<'_>, section: &Section, base: Option<&Policy>) -> Policy {
    let name = section.name().unwrap_or_default();
    let mut policy = base.cloned().unwrap_or_else(|| Policy::new(""));
    policy.name = name.to_owned();
    let (file, line) = cx.input.sources.place(section.span);
    policy.place = format!("{file}:{line}");
    policy.loads.clear();
    policy
}

/// Compiles the lines of a section; returns the places of its files too.
fn body<'a>(cx: &mut Cx<'a>, section: &'a Section, policy: Policy) -> (Policy, Vec<Span>) {
    cx.draft = Draft {
        kind: Kind::Tenant,
        name: policy.name.clone(),
        span: section.span,
        ..Draft::default()
    };
    cx.tenant = policy;
    let mut seen: Vec<&str> = Vec::new();
    for line in &section.lines {
        let keyword = line.text(0);
        if seen.contains(&keyword) && !REPEATED.contains(&keyword) {
            let message = format!("'{keyword}' already specified. The last one counts.");
            cx.push(Diagnostic::warning(line.span, message).lead(Lead::Reader));
        }
        seen.push(keyword);
        table::run(cx, line);
    }
    let draft = std::mem::take(&mut cx.draft);
    let mut policy = std::mem::replace(&mut cx.tenant, Policy::new(""));
    if draft.settings.log_global {
        policy.loggers.extend(cx.global.loggers.iter().cloned());
    }
    policy.loggers.extend(draft.settings.loggers);
    let loads = section.lines.iter().filter(|line| line.text(0) == "lua-load");
    let files = loads.filter_map(|line| line.words.get(1).map(|word| word.span)).collect();
    (policy, files)
}

fn load(cx: &mut Cx<'_>, tenant: Tenant<'_>) {
    let Tenant { section, files, policy, is_base, is_named } = tenant;
    if policy.loads.is_empty() {
        // A line that names no file has been reported.
        let tried = section.lines.iter().any(|line| line.text(0) == "lua-load");
        if !is_base && !tried {
            let message = format!("tenant '{}' has no 'lua-load' directive.", policy.name);
            let hint = "'lua-load <file>' names its script";
            cx.push(Diagnostic::alert(section.span, message).lead(Lead::Bare).hint(hint));
        }
        return;
    }
    if !is_named {
        return;
    }
    let policy = Arc::new(policy);
    if let Err(error) = cx.input.loader.load_tenant(Arc::clone(&policy)) {
        let span = place_of(&error, &policy, &files).unwrap_or(section.span);
        cx.load_error(Some(span), &error);
    }
}

/// Finds the line whose script an error is about.
fn place_of(error: &LoadError, policy: &Policy, files: &[Span]) -> Option<Span> {
    let mut loads = policy.loads.iter().zip(files);
    let named = loads.find(|(load, _)| error.message.contains(&load.file)).map(|(_, span)| *span);
    named.or(if let [only] = files { Some(*only) } else { None })
}

fn connect(cx: &mut Cx<'_>, line: &Line) {
    let keyword = line.text(0);
    if line.words.len() < 2 {
        let message = format!(
            "'{keyword}' expects {{ <address>[/<mask>] | <name> | * }}[:<ports>] or \
             unix@<path> as arguments."
        );
        cx.alert(line.span, message);
    }
    for word in line.rest(1) {
        match word.text.parse::<Target>() {
            Ok(target) if keyword == "connect-allow" => cx.tenant.connect_allow.push(target),
            Ok(target) => cx.tenant.connect_deny.push(target),
            Err(error) => cx.alert(word.span, format!("'{keyword}' {error}.")),
        }
    }
}

fn connections_max(cx: &mut Cx<'_>, line: &Line) {
    if let Some(count) = number(cx, line, 0..=1_000_000, "a number") {
        cx.tenant.connections_max = u32::try_from(count).unwrap_or_default();
    }
}

fn cpu_max(cx: &mut Cx<'_>, line: &Line) {
    if let Some(time) = time(cx, line) {
        cx.tenant.cpu_max = time;
    }
}

fn cpu_share(cx: &mut Cx<'_>, line: &Line) {
    let Some(word) = argument(cx, line, "<percent>") else { return };
    let digits = word.text.strip_suffix('%').unwrap_or(&word.text);
    match digits.parse().ok().filter(|percent| (1..=100).contains(percent)) {
        Some(percent) => cx.tenant.cpu_share = percent,
        None => {
            let message =
                format!("'cpu-share' takes a percentage between 1 and 100, not '{}'.", word.text);
            cx.alert(word.span, message);
        }
    }
}

fn cpu_slice(cx: &mut Cx<'_>, line: &Line) {
    let Some(time) = time(cx, line) else { return };
    if time > LONGEST_SLICE {
        let message = format!("'cpu-slice' takes a time of at most 1s, not '{}'.", line.text(1));
        cx.alert(line.span_from(1), message);
        return;
    }
    cx.tenant.slice = Some(time);
}

fn env(cx: &mut Cx<'_>, line: &Line) {
    if line.words.len() < 2 {
        cx.alert(line.span, "'env' expects the names of variables as arguments.");
    }
    for word in line.rest(1) {
        let legal = |byte: char| byte.is_ascii_alphanumeric() || byte == '_';
        let begins = word.text.starts_with(|first: char| !first.is_ascii_digit());
        if begins && word.text.chars().all(legal) {
            cx.tenant.env.push(word.text.clone());
        } else {
            let message =
                format!("'env' takes names of letters, digits and '_', not '{}'.", word.text);
            cx.alert(word.span, message);
        }
    }
}

fn jit(cx: &mut Cx<'_>, line: &Line) {
    if let Some(on) = tune::on_off(cx, line) {
        cx.tenant.jit = Some(on);
    }
}

fn lua_load(cx: &mut Cx<'_>, line: &Line) {
    if let Some((_, load)) = super::lua::script(cx, line, true) {
        cx.tenant.loads.push(load);
    }
}

fn lua_modules(cx: &mut Cx<'_>, line: &Line) {
    let Some(word) = argument(cx, line, "<library>[,<library>...]") else { return };
    let known = cx.input.loader.libraries();
    let mut modules = Vec::new();
    for name in word.text.split(',').filter(|name| *name != "none") {
        if known.contains(&name) {
            modules.push(name.to_owned());
            continue;
        }
        let message = format!("'lua-modules' knows no library '{name}'.");
        let hint = suggest::hint(name, known.iter().copied())
            .or_else(|| Some(format!("there are {}", known.join(", "))));
        cx.push(Diagnostic { hint, ..Diagnostic::alert(word.span, message) });
    }
    cx.tenant.modules = Some(modules);
}

fn lua_path(cx: &mut Cx<'_>, line: &Line) {
    let Some(word) = argument(cx, line, "<template>") else { return };
    for template in word.text.split(';').filter(|template| !template.is_empty()) {
        if !template.contains('?') {
            let message = format!("'lua-path' takes a path with a '?', not '{template}'.");
            let hint = format!("'{}/?.lua' finds modules there", template.trim_end_matches('/'));
            cx.push(Diagnostic::alert(word.span, message).hint(hint));
            continue;
        }
        let path = cx.path(template).to_string_lossy().into_owned();
        cx.tenant.paths.push(path);
    }
}

fn memory_max(cx: &mut Cx<'_>, line: &Line) {
    let Some(word) = argument(cx, line, "<size>") else { return };
    match unit::size(&word.text) {
        Ok(size) if (1 << 20..=1 << 30).contains(&size) => cx.tenant.memory_max = size,
        Ok(_) => {
            let message =
                format!("'memory-max' takes a size between 1m and 1g, not '{}'.", word.text);
            cx.alert(word.span, message);
        }
        Err(error) => wrong_size(cx, line, word, error),
    }
}

fn nice(cx: &mut Cx<'_>, line: &Line) {
    if let Some(nice) = number(cx, line, -1024..=1024, "a niceness") {
        cx.tenant.nice = i32::try_from(nice).unwrap_or_default();
    }
}

fn on_error(cx: &mut Cx<'_>, line: &Line) {
    let (policy, most) = match (line.text(1), line.text(2)) {
        ("continue", _) => (OnError::Continue, 1),
        ("deny", "status") => {
            let status = line.text(3).parse().ok();
            let Some(status) = status.filter(|status| (400..=599).contains(status)) else {
                let message = format!(
                    "'on-error deny' takes a status between 400 and 599, not '{}'.",
                    line.text(3)
                );
                cx.alert(line.span_from(3), message);
                return;
            };
            (OnError::Deny { status }, 3)
        }
        ("deny", _) => (OnError::Deny { status: OnError::STATUS }, 1),
        (other, _) => {
            let message = format!(
                "'on-error' takes 'deny [ status <status> ]' or 'continue', not '{other}'."
            );
            cx.alert(line.span_from(1), message);
            return;
        }
    };
    if cx.takes(line, most) {
        cx.tenant.on_error = policy;
    }
}

fn read_dir(cx: &mut Cx<'_>, line: &Line) {
    let Some(word) = line.words.get(1) else {
        cx.alert(line.span, "'read-dir' expects <folder> as argument.");
        return;
    };
    let path = cx.path(&word.text);
    if !path.is_dir() {
        cx.alert(word.span, format!("'read-dir' takes a folder that exists, not '{}'.", word.text));
    }
    cx.tenant.read_dir = Some(path);
    match (line.text(2), line.words.get(3)) {
        ("", _) => {}
        ("max", Some(word)) => match unit::size(&word.text) {
            Ok(size) => {
                if cx.takes(line, 3) {
                    cx.tenant.read_max = size;
                }
            }
            Err(error) => wrong_size(cx, line, word, error),
        },
        ("max", None) => {
            cx.alert(line.span, "'read-dir' expects a size after 'max'.");
        }
        _ => {
            cx.takes(line, 1);
        }
    }
}

fn tasks_max(cx: &mut Cx<'_>, line: &Line) {
    if let Some(count) = number(cx, line, 0..=1_000_000, "a number") {
        cx.tenant.tasks_max = u32::try_from(count).unwrap_or_default();
    }
}

/// Returns the one argument of a line.
fn argument<'l>(cx: &mut Cx<'_>, line: &'l Line, what: &str) -> Option<&'l Word> {
    let Some(word) = line.words.get(1) else {
        cx.alert(line.span, format!("'{}' expects {what} as argument.", line.text(0)));
        return None;
    };
    cx.takes(line, 1).then_some(word)
}

/// Reads a number of a range.
fn number(
    cx: &mut Cx<'_>,
    line: &Line,
    range: RangeInclusive<i64>,
    what: &'static str,
) -> Option<i64> {
    let word = argument(cx, line, "<number>")?;
    let value = word.text.parse().ok().filter(|value| range.contains(value));
    if value.is_none() {
        let (first, last) = range.into_inner();
        let (keyword, text) = (line.text(0), &word.text);
        let message = format!("'{keyword}' takes {what} between {first} and {last}, not '{text}'.");
        cx.alert(word.span, message);
    }
    value
}

/// Reads a time that is not zero.
fn time(cx: &mut Cx<'_>, line: &Line) -> Option<Duration> {
    let word = argument(cx, line, "<time>")?;
    let keyword = line.text(0);
    let time = timeout::read(cx, word, &format!("'{keyword}'"))?;
    if time.is_zero() {
        cx.alert(word.span, format!("'{keyword}' takes a time above zero, not '{}'.", word.text));
        return None;
    }
    Some(time)
}

fn wrong_size(cx: &mut Cx<'_>, line: &Line, word: &Word, error: unit::Error) {
    let why = match error {
        unit::Error::Overflow | unit::Error::Underflow => "too large".to_owned(),
        error => error.to_string(),
    };
    cx.alert(word.span, format!("'{}' : {why} in '{}'.", line.text(0), word.text));
}
