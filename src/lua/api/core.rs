//! `core`: registration, time, scheduling, messages.

use std::borrow::Cow;
use std::cell::Cell;
use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;
use mlua::Function;
use mlua::Lua;
use mlua::UserData;
use mlua::Value;

use super::Entries;
use super::Row;
use crate::clock;
use crate::http;
use crate::log::Level;
use crate::lua::account;
use crate::lua::book::Entry;
use crate::lua::book::Info;
use crate::lua::book::Init;
use crate::lua::book::command_name;
use crate::lua::book::log_text;
use crate::lua::current;
use crate::lua::current::Context;
use crate::lua::host::Args;
use crate::lua::host::Raise;
use crate::lua::host::Reply;
use crate::lua::raw::Ret;
use crate::lua::tasks;
use crate::net::timer;
use crate::script::Kind;
use crate::task;
use crate::txn;
use crate::txn::Scope;

pub(super) const TABLE: &[Row] = &[
    Row { name: "Alert", run: |args| say(args, Level::Alert, 1) },
    Row { name: "Debug", run: |args| say(args, Level::Debug, 1) },
    Row { name: "Info", run: |args| say(args, Level::Info, 1) },
    Row { name: "Warning", run: |args| say(args, Level::Warning, 1) },
    Row { name: "asctime_date", run: http_date },
    Row { name: "done", run: done },
    Row { name: "get_var", run: get_var },
    Row { name: "http_date", run: http_date },
    Row { name: "imf_date", run: http_date },
    Row { name: "log", run: log },
    Row { name: "match_addr", run: match_addr },
    Row { name: "msleep", run: msleep },
    Row { name: "now", run: now },
    Row { name: "parse_addr", run: parse_addr },
    Row { name: "register_action", run: register_action },
    Row { name: "register_cli", run: register_cli },
    Row { name: "register_converters", run: register_converters },
    Row { name: "register_fetches", run: register_fetches },
    Row { name: "register_init", run: register_init },
    Row { name: "register_service", run: register_service },
    Row { name: "register_task", run: register_task },
    Row { name: "rfc850_date", run: http_date },
    Row { name: "set_nice", run: set_nice },
    Row { name: "sleep", run: sleep },
    Row { name: "tokenize", run: tokenize },
    Row { name: "yield", run: give_way },
];

/// The rule sets an action may be registered for, as `core.register_action` names them.
const ENVIRONMENTS: &[&str] = &["http-after-res", "http-req", "http-res", "tcp-req", "tcp-res"];

/// An address or network of `core.parse_addr`.
#[derive(Clone, Debug)]
struct Network(IpNet);

impl UserData for Network {}

fn say(args: &Args<'_>, level: Level, index: usize) -> Result<Reply, Raise> {
    args.need(index)?;
    say_in(args, level, index, current::txn().as_ref())
}

/// Logs what a script says; of a tenant, not more than a line.
pub(super) fn say_in(
    args: &Args<'_>,
    level: Level,
    index: usize,
    txn: Option<&txn::Shared>,
) -> Result<Reply, Raise> {
    say_text(args.lua(), level, &args.lua_string(index)?.as_bytes(), txn)?;
    Ok(Reply::nothing())
}

/// Logs a text of a script.
pub(super) fn say_text(
    lua: &Lua,
    level: Level,
    text: &[u8],
    txn: Option<&txn::Shared>,
) -> Result<(), Raise> {
    let info = Info::of(lua)?;
    match info.tenant {
        Some(_) => info.say(level, &log_text(text), txn),
        None => info.say(level, &printable(text), txn),
    }
    Ok(())
}

fn http_date(args: &Args<'_>) -> Result<Reply, Raise> {
    args.need(1)?;
    let now = i64::try_from(clock::date().as_secs()).unwrap_or(i64::MAX);
    match http::date::parse(&args.string(1)?, now) {
        Some(seconds) => Reply::value(args.lua(), seconds),
        None => Ok(Reply::values([Value::Nil])),
    }
}

fn done(args: &Args<'_>) -> Result<Reply, Raise> {
    Ok(Reply::Finish(match args.value(1) {
        Value::Nil if args.count() == 0 => Ret::Nothing,
        Value::Nil => Ret::Nil,
        Value::Boolean(yes) => Ret::Bool(*yes),
        Value::Integer(_) | Value::Number(_) => Ret::Number(args.number(1)?),
        Value::String(text) => Ret::Str(text.as_bytes().to_vec()),
        _ => Ret::Other,
    }))
}

fn get_var(args: &Args<'_>) -> Result<Reply, Raise> {
    args.need(1)?;
    let name = args.text(1)?;
    match Scope::split(&name) {
        Some((Scope::Proc, name)) => {
            super::guard(args, Some(Scope::Proc))?;
            match txn::process_var(name) {
                Some(value) => Ok(Reply::values([super::to_lua(args.lua(), value)?])),
                None => Ok(Reply::values([Value::Nil])),
            }
        }
        _ => Err(args.bad(1, "Only 'proc' scope allowed in this context")),
    }
}

fn log(args: &Args<'_>) -> Result<Reply, Raise> {
    args.need(2)?;
    match args.integer(1)? {
        // `core.silent`
        -1 => Ok(Reply::nothing()),
        number => {
            let level = u8::try_from(number).ok().and_then(Level::from_number);
            say(args, level.ok_or_else(|| args.bad(1, "Invalid loglevel."))?, 2)
        }
    }
}

fn match_addr(args: &Args<'_>) -> Result<Reply, Raise> {
    args.need(2)?;
    let (one, other) = (args.data::<Network>(1)?, args.data::<Network>(2)?);
    Reply::value(args.lua(), one.0.contains(&other.0) || other.0.contains(&one.0))
}

fn msleep(args: &Args<'_>) -> Result<Reply, Raise> {
    pause(args, Duration::from_millis)
}

fn now(args: &Args<'_>) -> Result<Reply, Raise> {
    let date = clock::cached_date();
    let table = args.lua().create_table_with_capacity(0, 2)?;
    table.raw_set("sec", date.as_secs())?;
    table.raw_set("usec", date.subsec_micros())?;
    Reply::value(args.lua(), table)
}

fn parse_addr(args: &Args<'_>) -> Result<Reply, Raise> {
    args.need(1)?;
    let text = args.text(1)?;
    let network = text.parse::<IpNet>().ok();
    match network.or_else(|| Some(IpNet::from(text.parse::<IpAddr>().ok()?))) {
        Some(network) => Ok(Reply::values([Value::UserData(
            args.lua().create_userdata(Network(network.trunc()))?,
        )])),
        None => Ok(Reply::values([Value::Nil])),
    }
}

fn register_action(args: &Args<'_>) -> Result<Reply, Raise> {
    if !(3..=4).contains(&args.count()) {
        return Err(Raise::new("'register_action' needs between 3 and 4 arguments"));
    }
    let mut entry = entry(args, "register_action", 3, |entries| &entries.txn)?;
    for name in args.table(2)?.sequence_values::<mlua::LuaString>() {
        let name = name.map_err(|_| args.bad(2, "table of strings expected"))?;
        let known = ENVIRONMENTS.iter().find(|known| known.as_bytes() == &*name.as_bytes());
        entry.environments.push(*known.ok_or_else(|| {
            let name = log_text(&name.as_bytes());
            Raise::new(format!(
                "Lua action environment '{name}' is unknown. 'tcp-req', 'tcp-res', 'http-req', \
                 'http-res' or 'http-after-res' are expected."
            ))
        })?);
    }
    if args.count() == 4 {
        entry.arguments = usize::try_from(args.integer(4)?)
            .map_err(|_| args.bad(4, "number of arguments expected"))?;
    }
    Info::of(args.lua())?.book.register(Kind::Action, entry)?;
    Ok(Reply::nothing())
}

/// `register_cli(path, usage, function)`: a command of the runtime API.
fn register_cli(args: &Args<'_>) -> Result<Reply, Raise> {
    args.need(3)?;
    in_body("register_cli")?;
    let mut path = Vec::new();
    for word in args.table(1)?.sequence_values::<mlua::LuaString>() {
        let word = word.map_err(|_| args.bad(1, "1st argument is not an array of strings"))?;
        path.push(word.to_string_lossy());
    }
    let plain = |word: &String| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_graphic() && byte != b';')
    };
    if path.is_empty() || path.len() > PATH_MAX || !path.iter().all(plain) {
        return Err(args.bad(1, "1 to 5 words expected"));
    }
    let path = path.join(" ");
    let usage = args.text(2)?;
    let entry = named_entry(args, command_name(&path), 3, |entries| &entries.tcp)?;
    let book = Info::of(args.lua())?.book;
    book.register(Kind::Service, entry)?;
    let mut commands = book.commands.borrow_mut();
    commands.retain(|(known, _)| *known != path);
    commands.push((path, usage));
    Ok(Reply::nothing())
}

/// The most words of a command (HAProxy: `CLI_PREFIX_KW_NB`).
const PATH_MAX: usize = 5;

fn register_converters(args: &Args<'_>) -> Result<Reply, Raise> {
    args.need(2)?;
    let mut entry = entry(args, "register_converters", 2, |entries| &entries.txn)?;
    // A converter gets its input alone: nothing stands between it and the proxy.
    entry.function = Some(args.function(2)?);
    Info::of(args.lua())?.book.register(Kind::Converter, entry)?;
    Ok(Reply::nothing())
}

fn register_fetches(args: &Args<'_>) -> Result<Reply, Raise> {
    args.need(2)?;
    let entry = entry(args, "register_fetches", 2, |entries| &entries.txn)?;
    Info::of(args.lua())?.book.register(Kind::Fetch, entry)?;
    Ok(Reply::nothing())
}

fn register_init(args: &Args<'_>) -> Result<Reply, Raise> {
    args.need(1)?;
    in_body("register_init")?;
    count_registration(args)?;
    let info = Info::of(args.lua())?;
    let init = Init { place: info.place, function: args.function(1)?, used: info.enter() };
    info.book.inits.borrow_mut().push(init);
    Ok(Reply::nothing())
}

fn register_service(args: &Args<'_>) -> Result<Reply, Raise> {
    args.need(3)?;
    let http = match args.text(2)?.as_str() {
        "http" => true,
        "tcp" => false,
        other => {
            return Err(Raise::new(format!(
                "Lua service environment '{other}' is unknown. 'tcp' or 'http' are expected."
            )));
        }
    };
    let mut entry =
        entry(
            args,
            "register_service",
            3,
            |entries| {
                if http { &entries.http } else { &entries.tcp }
            },
        )?;
    entry.http = http;
    Info::of(args.lua())?.book.register(Kind::Service, entry)?;
    Ok(Reply::nothing())
}

fn register_task(args: &Args<'_>) -> Result<Reply, Raise> {
    if args.count() == 0 {
        return Err(Raise::new("register_task: <func> argument is required"));
    }
    if args.count() > 5 {
        return Err(Raise::new("register_task: no more that 4 optional arguments may be provided"));
    }
    let info = Info::of(args.lua())?;
    let arguments = (2..=args.count()).map(|index| args.value(index).clone()).collect();
    tasks::register(&info, args.function(1)?, arguments)?;
    Ok(Reply::nothing())
}

fn set_nice(args: &Args<'_>) -> Result<Reply, Raise> {
    args.need(1)?;
    let floor = Info::of(args.lua())?.tenant.map_or(task::NICE_MIN, |tenant| tenant.policy.nice);
    let nice = args.integer(1)?.clamp(floor.into(), task::NICE_MAX.into());
    if !matches!(current::context(), Context::Body | Context::Init) {
        task::set_nice(i32::try_from(nice).unwrap_or_default());
    }
    Ok(Reply::nothing())
}

fn sleep(args: &Args<'_>) -> Result<Reply, Raise> {
    pause(args, Duration::from_secs)
}

/// Each token takes its time: a tenant gets no more of them at once than do not keep the worker.
fn tokenize(args: &Args<'_>) -> Result<Reply, Raise> {
    let (text, separators) = (args.lua_string(1)?, args.lua_string(2)?);
    let no_blank = !matches!(args.value(3), Value::Nil | Value::Boolean(false));
    let most = account::of(args.lua()).map_or(usize::MAX, |_| TOKENS_MAX);
    let mut is_separator = [false; 256];
    for byte in &*separators.as_bytes() {
        is_separator[usize::from(*byte)] = true;
    }
    let (table, text) = (args.lua().create_table()?, text.as_bytes());
    for (count, token) in text.split(|byte| is_separator[usize::from(*byte)]).enumerate() {
        if count >= most {
            return Err(Raise::new(format!("tokenize: more than {most} tokens")));
        }
        if !(no_blank && token.is_empty()) {
            table.raw_push(args.lua().create_string(token)?)?;
        }
    }
    Reply::value(args.lua(), table)
}

/// The most tokens of a tenant's text.
const TOKENS_MAX: usize = 10_000;

fn give_way(_: &Args<'_>) -> Result<Reply, Raise> {
    if !current::context().may_wait() {
        return Ok(Reply::nothing());
    }
    Ok(Reply::wait(async {
        task::yield_now().await;
        Ok(Vec::new())
    }))
}

fn pause(args: &Args<'_>, unit: fn(u64) -> Duration) -> Result<Reply, Raise> {
    args.need(1)?;
    let duration = u64::try_from(args.integer(1)?)
        .map_err(|_| args.bad(1, "the delay must not be negative"))?;
    waits(args.name())?;
    let duration = unit(duration);
    Ok(Reply::wait(async move {
        timer::sleep(duration).await;
        Ok(Vec::new())
    }))
}

/// Raises where nothing may wait because no scheduler runs yet.
pub(in crate::lua) fn waits(name: &str) -> Result<(), Raise> {
    let context = current::context();
    if matches!(context, Context::Body | Context::Init) {
        let why = format!("{name}: not available in the {} context", context.name());
        return Err(Raise::new(why));
    }
    Ok(())
}

fn in_body(name: &str) -> Result<(), Raise> {
    if current::context() == Context::Body {
        return Ok(());
    }
    Err(Raise::new(format!("{name}: not available outside of body context")))
}

/// Raises where a tenant registers more than anybody needs, or under too long a name.
fn count_registration(args: &Args<'_>) -> Result<(), Raise> {
    let lua = args.lua();
    if account::of(lua).is_none() {
        return Ok(());
    }
    let count = lua.remove_app_data::<Registrations>().map_or(1, |Registrations(count)| count + 1);
    lua.set_app_data(Registrations(count));
    if count > REGISTRATIONS_MAX {
        let why =
            format!("{}: a script registers {REGISTRATIONS_MAX} functions at most", args.name());
        return Err(Raise::new(why));
    }
    if matches!(args.value(1), Value::String(name) if name.as_bytes().len() > NAME_MAX) {
        return Err(args.bad(1, "name too long"));
    }
    Ok(())
}

/// How many functions a state has registered.
struct Registrations(usize);

/// The most that a tenant registers in one state, and the longest name.
const REGISTRATIONS_MAX: usize = 1000;
const NAME_MAX: usize = 255;

fn entry(
    args: &Args<'_>,
    name: &str,
    function: usize,
    enter: impl Fn(&Entries) -> &Function,
) -> Result<Entry, Raise> {
    in_body(name)?;
    count_registration(args)?;
    named_entry(args, Info::of(args.lua())?.scoped(args.text(1)?), function, enter)
}

/// Makes the entry of a function under a name.
fn named_entry(
    args: &Args<'_>,
    name: String,
    function: usize,
    enter: impl Fn(&Entries) -> &Function,
) -> Result<Entry, Raise> {
    let script = args.function(function)?;
    let info = Info::of(args.lua())?;
    let entries = args.lua().app_data_ref::<Entries>().map(|entries| enter(&entries).clone());
    let function = match entries {
        Some(enter) => enter.call(script)?,
        None => script,
    };
    Ok(Entry {
        name,
        place: info.place,
        function: Some(function),
        environments: Vec::new(),
        arguments: 0,
        http: false,
        global: false,
        warned: Cell::new(false),
    })
}

/// Returns a message with what could forge a line of a log, or act on a terminal, replaced.
pub(super) fn printable(text: &[u8]) -> Cow<'_, str> {
    let safe = |byte: u8| !byte.is_ascii_control();
    match std::str::from_utf8(text) {
        Ok(text) if text.bytes().all(safe) => Cow::Borrowed(text),
        _ => {
            let clean = text.iter().map(|&byte| if safe(byte) { byte } else { b'.' });
            Cow::Owned(String::from_utf8_lossy(&clean.collect::<Vec<u8>>()).into_owned())
        }
    }
}
