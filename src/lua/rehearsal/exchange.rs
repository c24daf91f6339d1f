//! Exchanges that a test builds, and the calls of registered functions on them.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use mlua::FromLua;
use mlua::Function;
use mlua::Lua;
use mlua::LuaString;
use mlua::Table;
use mlua::UserData;
use mlua::Value;

use super::script_host;
use crate::diag::suggest;
use crate::http;
use crate::lua::api;
use crate::lua::api::Entries;
use crate::lua::api::Handle;
use crate::lua::api::Row;
use crate::lua::book::Info;
use crate::lua::host::Args;
use crate::lua::host::Raise;
use crate::lua::host::Reply;
use crate::lua::scripts::Host;
use crate::net::Addr;
use crate::proxy;
use crate::proxy::Caps;
use crate::proxy::Mode;
use crate::script;
use crate::script::Call;
use crate::script::Id;
use crate::script::Kind;
use crate::script::Outcome;
use crate::script::Registry;
use crate::script::Scripts;
use crate::script::Verdict;
use crate::txn::Direction;
use crate::txn::Scope;
use crate::txn::Session;
use crate::txn::Shared;
use crate::txn::Txn;

pub(super) const TABLE: &[Row] = &[
    Row { name: "action", run: action },
    Row { name: "answer", run: answer },
    Row { name: "convert", run: convert },
    Row { name: "end_input", run: end_input },
    Row { name: "feed", run: feed },
    Row { name: "fetch", run: fetch },
    Row { name: "output", run: output },
    Row { name: "respond", run: respond },
    Row { name: "serve", run: serve },
    Row { name: "transaction", run: transaction },
];

/// What a transaction is built of.
const FIELDS: &[&str] = &[
    "backend", "body", "data", "dst", "frontend", "headers", "method", "mode", "open", "path",
    "response", "src", "vars", "version",
];

/// How much a channel of a built exchange holds: what is sent never waits for a reader.
const CAPACITY: usize = 16 << 20;

/// A built exchange, for as long as the script holds it.
#[derive(Clone, Debug)]
pub(super) struct Exchange {
    txn: Shared,
    direction: Direction,
}

impl UserData for Exchange {}

impl Exchange {
    /// Returns the call of a function on it; a converter knows no exchange.
    pub(super) fn job(self, kind: Kind, id: Id, arguments: Vec<Bytes>) -> Job {
        let Self { txn, direction } = self;
        match kind {
            Kind::Action => Job::Action { id, txn, direction, arguments },
            Kind::Service => {
                let http = txn.borrow().session.frontend.mode == Mode::Http;
                Job::Service { id, txn, http }
            }
            Kind::Fetch | Kind::Converter => Job::Fetch { id, txn, direction, arguments },
        }
    }
}

/// `transaction(fields)`: a `TXN` that owns its exchange.
fn transaction(args: &Args<'_>) -> Result<Reply, Raise> {
    let lua = args.lua();
    let fields = if args.is_nil(1) { lua.create_table()? } else { args.table(1)? };
    for pair in fields.pairs::<Value, Value>() {
        let name = pair?.0.to_string()?;
        if !FIELDS.contains(&name.as_str()) {
            let hint = suggest::hint(&name, FIELDS).unwrap_or_default();
            return Err(Raise::new(format!("transaction: unknown field '{name}' {hint}")));
        }
    }
    let txn = build(args, &fields)?;
    let direction = if txn.response.is_some() { Direction::Response } else { Direction::Request };
    let txn = txn.into_shared();
    let handle = Handle { txn: Rc::downgrade(&txn), direction };
    let make = lua.app_data_ref::<Entries>().map(|entries| entries.txn.clone());
    let make = make.ok_or_else(|| Raise::new("the state is not set up"))?;
    let same = lua.create_function(|_, value: Value| Ok(value))?;
    let object: Table = make.call::<Function>(same)?.call(lua.create_userdata(handle)?)?;
    object.raw_set(1, lua.create_userdata(Exchange { txn, direction })?)?;
    Reply::value(lua, object)
}

fn build(args: &Args<'_>, fields: &Table) -> Result<Txn, Raise> {
    let mode = match text(fields, "mode")?.as_deref() {
        None | Some("http") => Mode::Http,
        Some("tcp") => Mode::Tcp,
        Some(other) => {
            return Err(Raise::new(format!("transaction: mode takes http or tcp, not '{other}'")));
        }
    };
    let session = session(args, fields, mode)?;
    let proxies = Arc::clone(&session.proxies);
    let mut txn = Txn::new(Rc::new(session), 1, 0, CAPACITY);
    if let Some(name) = text(fields, "backend")? {
        txn.backend = find(&proxies, &name, Caps { backend: true, frontend: false }, "backend")?;
    }
    let input = if mode == Mode::Http { "body" } else { "data" };
    if let Some(input) = fields.raw_get::<Option<LuaString>>(input)? {
        txn.req.push_input(&input.as_bytes());
    }
    if !fields.raw_get::<Option<bool>>("open")?.unwrap_or(false) {
        txn.req.end_input();
    }
    if mode == Mode::Http {
        txn.request = Some(request(args.lua(), fields)?);
    }
    if let Some(vars) = fields.raw_get::<Option<Table>>("vars")? {
        for pair in vars.pairs::<String, Value>() {
            let (name, value) = pair?;
            let wrong = || Raise::new(format!("transaction: '{name}' is no variable"));
            let (scope, name) = Scope::split(&name).ok_or_else(wrong)?;
            let value = api::from_lua(&value).ok_or_else(wrong)?;
            if scope == Scope::Res {
                txn.begin_response();
            }
            txn.set_var(scope, name, value);
        }
    }
    if let Some(response) = fields.raw_get::<Option<Table>>("response")? {
        answer_with(args.lua(), &mut txn, &response)?;
    }
    Ok(txn)
}

/// Goes on to the response.
fn answer_with(lua: &Lua, txn: &mut Txn, fields: &Table) -> Result<(), Raise> {
    let status = fields.raw_get::<Option<u16>>("status")?.unwrap_or(200);
    if !http::check::status(status) {
        return Err(Raise::new(format!("transaction: '{status}' is no status")));
    }
    let mut response = http::Response::new(status);
    if let Some(reason) = fields.raw_get::<Option<LuaString>>("reason")? {
        response.set_status(status, Some(Bytes::copy_from_slice(&reason.as_bytes())));
    }
    headers(lua, fields, &mut response.headers)?;
    if let Some(body) = fields.raw_get::<Option<LuaString>>("body")? {
        txn.res.push_input(&body.as_bytes());
    }
    txn.res.end_input();
    txn.response = Some(response);
    txn.status = status;
    txn.begin_response();
    Ok(())
}

/// `txn:respond(fields)`: the server has answered; actions are those of the response from now on.
fn respond(args: &Args<'_>) -> Result<Reply, Raise> {
    let (lua, object) = (args.lua(), args.table(1)?);
    let Exchange { txn, .. } = exchange(args)?;
    let fields = if args.is_nil(2) { lua.create_table()? } else { args.table(2)? };
    answer_with(lua, &mut txn.borrow_mut(), &fields)?;
    let direction = Direction::Response;
    let handle = Handle { txn: Rc::downgrade(&txn), direction };
    object.raw_set(0, lua.create_userdata(handle)?)?;
    object.raw_set(1, lua.create_userdata(Exchange { txn, direction })?)?;
    // What was made of the request's handle.
    for name in ["c", "f", "http", "req", "res", "sc", "sf"] {
        object.raw_set(name, Value::Nil)?;
    }
    Ok(Reply::nothing())
}

fn session(args: &Args<'_>, fields: &Table, mode: Mode) -> Result<Session, Raise> {
    let known = Info::of(args.lua())?.book.proxies.borrow().clone();
    let caps = Caps { frontend: true, backend: false };
    let (frontend, proxies) = match (text(fields, "frontend")?, known) {
        (Some(name), Some(known)) => (find(&known, &name, caps, "frontend")?, known),
        (Some(name), None) => {
            let why = "there is no configuration (--config)";
            return Err(Raise::new(format!("transaction: unknown frontend '{name}': {why}")));
        }
        (None, known) => {
            let of_mode = |it: &&Arc<proxy::Proxy>| it.caps.frontend && it.mode == mode;
            let found = known.as_ref().and_then(|known| known.iter().find(of_mode)).cloned();
            let blank = || {
                let caps = Caps { frontend: true, backend: true };
                let name = "test".to_owned();
                Arc::new(proxy::Proxy { name, caps, mode, uuid: 1, ..proxy::Proxy::blank() })
            };
            let frontend = found.unwrap_or_else(blank);
            let proxies =
                known.unwrap_or_else(|| Arc::new(proxy::Set::new(vec![Arc::clone(&frontend)])));
            (frontend, proxies)
        }
    };
    let address = |name: &str, default: &str| -> Result<RefCell<Addr>, Raise> {
        let given = text(fields, name)?;
        let given = given.as_deref().unwrap_or(default);
        let found = given.parse::<SocketAddr>().ok().or_else(|| {
            Some(SocketAddr::new(given.parse().ok()?, if name == "src" { 50_000 } else { 80 }))
        });
        let wrong = || Raise::new(format!("transaction: {name} '{given}' is no address"));
        Ok(RefCell::new(Addr::Inet(found.ok_or_else(wrong)?)))
    };
    Ok(Session {
        src: address("src", "192.0.2.1:50000")?,
        dst: address("dst", "192.0.2.2:80")?,
        ..Session::blank(frontend, proxies)
    })
}

fn find(
    proxies: &proxy::Set,
    name: &str,
    caps: Caps,
    kind: &str,
) -> Result<Arc<proxy::Proxy>, Raise> {
    let found = proxies.find_named(name, caps).cloned();
    found.ok_or_else(|| Raise::new(format!("transaction: unknown {kind} '{name}'")))
}

fn request(lua: &Lua, fields: &Table) -> Result<http::Request, Raise> {
    let mut request = http::Request::default();
    if let Some(method) = text(fields, "method")? {
        if !http::check::method(method.as_bytes()) {
            return Err(Raise::new(format!("transaction: '{method}' is no method")));
        }
        request.method = http::Method::from_text(method.into());
    }
    let path = text(fields, "path")?.unwrap_or_else(|| "/".to_owned());
    if !http::check::uri(path.as_bytes()) {
        return Err(Raise::new(format!("transaction: '{path}' is no path")));
    }
    request.set_uri(path);
    match text(fields, "version")?.as_deref() {
        None | Some("1.1" | "HTTP/1.1") => {}
        Some("1.0" | "HTTP/1.0") => request.version = http::Version::Http10,
        Some(other) => {
            return Err(Raise::new(format!(
                "transaction: version takes 1.0 or 1.1, not '{other}'"
            )));
        }
    }
    headers(lua, fields, &mut request.headers)?;
    Ok(request)
}

/// Adds headers: `{ name = value, name = { value, value }, { name, value } }`.
fn headers(lua: &Lua, fields: &Table, headers: &mut http::Headers) -> Result<(), Raise> {
    let Some(table) = fields.raw_get::<Option<Table>>("headers")? else { return Ok(()) };
    let mut list: Vec<(String, Vec<LuaString>)> = Vec::new();
    let mut named: Vec<(String, Vec<LuaString>)> = Vec::new();
    for pair in table.sequence_values::<Table>() {
        let pair = pair?;
        list.push((pair.raw_get(1)?, vec![pair.raw_get(2)?]));
    }
    for pair in table.pairs::<Value, Value>() {
        let (Value::String(name), value) = pair? else { continue };
        let values = match value {
            Value::Table(values) => values.sequence_values().collect::<mlua::Result<Vec<_>>>()?,
            value => vec![LuaString::from_lua(value, lua)?],
        };
        named.push((name.to_string_lossy(), values));
    }
    // A table has no order of its own.
    named.sort_by(|one, other| one.0.cmp(&other.0));
    for (name, values) in list.into_iter().chain(named) {
        for value in values {
            let value = value.as_bytes();
            if !http::check::name(name.as_bytes()) || !http::check::value(&value) {
                return Err(Raise::new(format!("transaction: invalid header '{name}'")));
            }
            headers.add(&name, Bytes::copy_from_slice(&value));
        }
    }
    Ok(())
}

/// `txn:fetch(name, ..)`
fn fetch(args: &Args<'_>) -> Result<Reply, Raise> {
    run_on(args, Kind::Fetch)
}

/// `txn:action(name, ..)`
fn action(args: &Args<'_>) -> Result<Reply, Raise> {
    run_on(args, Kind::Action)
}

/// `txn:serve(name)`
fn serve(args: &Args<'_>) -> Result<Reply, Raise> {
    args.need(2)?;
    run_on(args, Kind::Service)
}

fn run_on(args: &Args<'_>, kind: Kind) -> Result<Reply, Raise> {
    let exchange = exchange(args)?;
    run(args, 2, kind, move |id, arguments| exchange.job(kind, id, arguments))
}

/// `convert(name, input, ..)`
fn convert(args: &Args<'_>) -> Result<Reply, Raise> {
    let input = api::from_lua(args.value(2)).ok_or_else(|| args.wrong(2, "string"))?;
    run(args, 1, Kind::Converter, move |id, mut arguments| {
        // Behind the name stands the input.
        drop(arguments.drain(..1));
        Job::Converter { id, input, arguments }
    })
}

/// A call with all that it lends.
pub(super) enum Job {
    Fetch { id: Id, txn: Shared, direction: Direction, arguments: Vec<Bytes> },
    Action { id: Id, txn: Shared, direction: Direction, arguments: Vec<Bytes> },
    Converter { id: Id, input: crate::value::Value, arguments: Vec<Bytes> },
    Service { id: Id, txn: Shared, http: bool },
}

impl Job {
    pub(super) async fn run(&self, scripts: &Rc<dyn Scripts>) -> Outcome {
        let order = match self {
            Self::Fetch { id, txn, direction, arguments } => {
                Call::Fetch { id: *id, txn, direction: *direction, arguments }
            }
            Self::Action { id, txn, direction, arguments } => {
                Call::Action { id: *id, txn, direction: *direction, arguments }
            }
            Self::Converter { id, input, arguments } => {
                Call::Converter { id: *id, input: input.clone(), arguments }
            }
            Self::Service { id, txn, http: true } => Call::HttpService { id: *id, txn },
            Self::Service { id, txn, http: false } => Call::TcpService { id: *id, txn },
        };
        script::call(scripts, order).await
    }
}

/// Runs the function whose name stands at an index, with what stands behind it.
fn run(
    args: &Args<'_>,
    index: usize,
    kind: Kind,
    job: impl FnOnce(Id, Vec<Bytes>) -> Job,
) -> Result<Reply, Raise> {
    let (host, name) = (script_host(args)?, args.text(index)?);
    let name = name.strip_prefix("lua.").unwrap_or(&name).to_owned();
    let id = lookup(&host, kind, &name)?;
    let arguments: Result<Vec<Bytes>, Raise> =
        (index + 1..=args.count()).map(|index| Ok(args.string(index)?.into())).collect();
    let (job, lua) = (job(id, arguments?), args.lua().clone());
    let book = Rc::clone(&host.book);
    let scripts: Rc<dyn Scripts> = host;
    let before = book.heard.borrow().as_ref().map_or(0, Vec::len);
    Ok(Reply::wait(async move {
        let outcome = job.run(&scripts).await;
        let value = match outcome {
            Outcome::Value(Some(value)) => api::to_lua(&lua, value)?,
            Outcome::Value(None) => Value::Nil,
            Outcome::Verdict(verdict) => Value::Integer(number(verdict)),
            Outcome::Served => match &job {
                Job::Service { txn, http: true, .. } => served(&lua, txn)?,
                Job::Service { txn, .. } => taken(&lua, txn)?,
                _ => Value::Nil,
            },
            Outcome::Failed | Outcome::Refused(_) => {
                let why = super::take(&book.heard, before).join("\n");
                let why = if why.is_empty() { format!("'lua.{name}' failed") } else { why };
                return Err(Raise::new(why));
            }
        };
        Ok(vec![value])
    }))
}

pub(super) fn lookup(host: &Host, kind: Kind, name: &str) -> Result<Id, Raise> {
    let (found, what) = match kind {
        Kind::Fetch => (host.find_fetch(name), "fetch"),
        Kind::Converter => (host.find_converter(name), "converter"),
        Kind::Action => (host.find_action(name).map(|action| action.id), "action"),
        Kind::Service => (host.find_service(name).map(|service| service.id), "service"),
    };
    found.ok_or_else(|| {
        let hint = suggest::hint(name, host.names(kind)).unwrap_or_default();
        let text = format!("no script has registered the {what} 'lua.{name}' {hint}");
        Raise::new(text.trim_end().to_owned())
    })
}

/// Returns the `act.*` of a verdict.
fn number(verdict: Verdict) -> i64 {
    match verdict {
        Verdict::Continue => 0,
        Verdict::Stop => 1,
        Verdict::Yield(_) => 2,
        Verdict::Error => 3,
        Verdict::Done => 4,
        Verdict::Deny => 5,
        Verdict::Abort => 6,
        Verdict::Invalid => 7,
    }
}

/// Returns the response of a service.
fn served(lua: &Lua, txn: &Shared) -> Result<Value, Raise> {
    let body = taken(lua, txn)?;
    let txn = txn.borrow();
    let Some(response) = &txn.response else { return Ok(Value::Nil) };
    let table = lua.create_table()?;
    table.raw_set("status", response.status)?;
    table.raw_set("reason", lua.create_string(&response.reason)?)?;
    let list = response.headers.iter().map(|header| (header.name.clone(), header.value.clone()));
    table.raw_set("headers", joined(lua, list)?)?;
    table.raw_set("body", body)?;
    Ok(Value::Table(table))
}

/// `txn:answer()`: what an action has answered in the server's place.
fn answer(args: &Args<'_>) -> Result<Reply, Raise> {
    let Exchange { txn, .. } = exchange(args)?;
    let (lua, txn) = (args.lua(), txn.borrow());
    let Some(reply) = &txn.reply else { return Ok(Reply::values([Value::Nil])) };
    let table = lua.create_table()?;
    table.raw_set("status", reply.status)?;
    table.raw_set("reason", lua.create_string(&reply.reason)?)?;
    table.raw_set("headers", joined(lua, reply.headers.iter().cloned())?)?;
    table.raw_set("body", lua.create_string(&reply.body)?)?;
    Reply::value(lua, table)
}

/// Returns headers by lower-case name; of several values a list with commas.
fn joined(lua: &Lua, headers: impl Iterator<Item = (Bytes, Bytes)>) -> Result<Table, Raise> {
    let table = lua.create_table()?;
    for (name, value) in headers {
        let name = lua.create_string(name.to_ascii_lowercase())?;
        let value = match table.raw_get::<Option<LuaString>>(&name)? {
            Some(before) => [&*before.as_bytes(), b", ", &value].concat(),
            None => value.to_vec(),
        };
        table.raw_set(name, lua.create_string(value)?)?;
    }
    Ok(table)
}

/// `txn:feed(bytes)`: they come from the client.
fn feed(args: &Args<'_>) -> Result<Reply, Raise> {
    let bytes = args.string(2)?;
    exchange(args)?.txn.borrow_mut().req.push_input(&bytes);
    Ok(Reply::nothing())
}

/// `txn:end_input()`: the client sends no more.
fn end_input(args: &Args<'_>) -> Result<Reply, Raise> {
    exchange(args)?.txn.borrow_mut().req.end_input();
    Ok(Reply::nothing())
}

/// `txn:output()`: takes what goes to the client.
fn output(args: &Args<'_>) -> Result<Reply, Raise> {
    let Exchange { txn, .. } = exchange(args)?;
    Ok(Reply::values([taken(args.lua(), &txn)?]))
}

fn taken(lua: &Lua, txn: &Shared) -> Result<Value, Raise> {
    let mut txn = txn.borrow_mut();
    let bytes = lua.create_string(txn.res.output())?;
    txn.res.drain_output(usize::MAX);
    Ok(Value::String(bytes))
}

fn exchange(args: &Args<'_>) -> Result<Exchange, Raise> {
    let found = match args.value(1) {
        Value::Table(table) => of(table),
        _ => None,
    };
    found.ok_or_else(|| args.wrong(1, "transaction"))
}

/// Returns the exchange that an object owns, if it was built.
pub(super) fn of(table: &Table) -> Option<Exchange> {
    match table.raw_get::<Value>(1).ok()? {
        Value::UserData(data) => Some(data.borrow::<Exchange>().ok()?.clone()),
        _ => None,
    }
}

fn text(fields: &Table, name: &str) -> Result<Option<String>, Raise> {
    Ok(fields.raw_get::<Option<String>>(name)?)
}
