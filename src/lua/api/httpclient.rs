//! `HTTPClient` (`core.httpclient()`): requests of scripts, whole or piece by piece.

use std::cell::RefCell;
use std::rc::Rc;
use std::rc::Weak;
use std::time::Duration;

use bytes::Bytes;
use mlua::Lua;
use mlua::LuaString;
use mlua::Table;
use mlua::UserData;
use mlua::Value;

use super::Row;
use super::core::waits;
use super::http::fill;
use super::reply::headers_of;
use crate::http;
use crate::http::Method;
use crate::http::Response;
use crate::lua::account;
use crate::lua::account::What;
use crate::lua::book::Info;
use crate::lua::client::Exchange;
use crate::lua::client::Fault;
use crate::lua::client::Limits;
use crate::lua::client::Pool;
use crate::lua::client::Request;
use crate::lua::client::Target;
use crate::lua::client::Unusable;
use crate::lua::current;
use crate::lua::current::Close;
use crate::lua::host::Args;
use crate::lua::host::Outcome;
use crate::lua::host::Raise;
use crate::lua::host::Reply;
use crate::lua::tls::Wish;
use crate::task;

pub(super) const TABLE: &[Row] = &[
    Row { name: "begin", run: begin },
    Row { name: "close", run: close },
    Row { name: "finish", run: |args| send(args, None) },
    Row { name: "head", run: head },
    Row { name: "new", run: new },
    Row { name: "perform", run: perform },
    Row { name: "read", run: read },
    Row { name: "write", run: |args| send(args, Some(args.lua_string(2)?)) },
];

/// What scripts may not say of a request: how it is framed is the client's to know.
const OWN_HEADERS: &[&[u8]] = &[
    b"connection",
    b"content-length",
    b"expect",
    b"keep-alive",
    b"proxy-connection",
    b"te",
    b"transfer-encoding",
    b"upgrade",
];

/// `core.httpclient()`: an object for any number of requests.
#[derive(Clone, Debug)]
struct Client;

/// A request that is sent, or a response that is read, piece by piece.
#[derive(Clone, Debug)]
struct Flow(Rc<RefCell<State>>);

#[derive(Debug)]
enum State {
    Open(Box<Exchange>, Option<Response>),
    Failed(Fault),
    /// Some coroutine waits for a piece.
    Busy,
    Closed,
}

/// An exchange under way, and its response if that came already.
type Open = (Box<Exchange>, Option<Response>);

impl UserData for Client {}
impl UserData for Flow {}

impl Close for RefCell<State> {
    fn is_open(&self) -> bool {
        matches!(*self.borrow(), State::Open(..))
    }

    fn close(&self) {
        drop(self.replace(State::Closed));
    }
}

fn new(args: &Args<'_>) -> Result<Reply, Raise> {
    args.need(0)?;
    Reply::value(args.lua(), super::object(args.lua(), Client)?)
}

/// `perform(client, name, options)`: a whole exchange.
fn perform(args: &Args<'_>) -> Result<Reply, Raise> {
    let (request, info, pool) = ready(args)?;
    let lua = args.lua().clone();
    let mut charge = account::charge(args.lua(), What::Memory, 0)?;
    Ok(Reply::wait(async move {
        let (mut exchange, response) = match Exchange::begin(&request, &info, &pool).await {
            Ok((exchange, Some(response))) => (exchange, response),
            Ok((_, None)) => return Err(Raise::new("httpclient: no response was waited for")),
            Err(fault) => return failed(&lua, &fault, &[]),
        };
        let mut body = Vec::new();
        loop {
            match exchange.read().await {
                Ok(Some(piece)) => {
                    charge.as_mut().map_or(Ok(()), |charge| charge.grow(piece.len()))?;
                    body.extend_from_slice(&piece);
                    // Who gets much takes turns with the others.
                    task::yield_now().await;
                }
                Ok(None) => break,
                Err(fault) => return failed(&lua, &fault, &body),
            }
        }
        exchange.release(&pool);
        let table = to_table(&lua, &response)?;
        table.raw_set("body", lua.create_string(&body)?)?;
        Ok(vec![Value::Table(table)])
    }))
}

/// `begin(client, name, options)`: sends the head; the body too, where it is there.
fn begin(args: &Args<'_>) -> Result<Reply, Raise> {
    let (request, info, pool) = ready(args)?;
    let lua = args.lua().clone();
    Ok(Reply::wait(async move {
        let state = match Exchange::begin(&request, &info, &pool).await {
            Ok((exchange, response)) => State::Open(Box::new(exchange), response),
            Err(fault) => State::Failed(fault),
        };
        let flow = Flow(Rc::new(RefCell::new(state)));
        let opened: Weak<RefCell<State>> = Rc::downgrade(&flow.0);
        current::note_opened(opened);
        Ok(vec![Value::Table(super::object(&lua, flow)?)])
    }))
}

/// `write(flow, piece)`, `finish(flow)`: whether that was sent; nil where the answer must be read
/// before the rest can be.
fn send(args: &Args<'_>, piece: Option<LuaString>) -> Result<Reply, Raise> {
    let flow = args.object::<Flow>(1, "HTTPClient")?;
    let Some((mut exchange, response)) = flow.take()? else {
        return Reply::value(args.lua(), false);
    };
    Ok(Reply::wait(async move {
        let sent = match &piece {
            Some(piece) => exchange.write(&piece.as_bytes()).await,
            None => exchange.finish().await,
        };
        // An answer may have come before all was sent: that it could not be sent is no failure yet.
        flow.put(State::Open(exchange, response));
        Ok(match sent {
            Ok(true) => vec![Value::Boolean(true)],
            Ok(false) => vec![Value::Nil],
            Err(_) => vec![Value::Boolean(false)],
        })
    }))
}

/// `head(flow)`: the response without its body.
fn head(args: &Args<'_>) -> Result<Reply, Raise> {
    let flow = args.object::<Flow>(1, "HTTPClient")?;
    let lua = args.lua().clone();
    let Some((mut exchange, response)) = flow.take()? else {
        return Ok(Reply::values(failed(&lua, &flow.fault(), &[])?));
    };
    Ok(Reply::wait(async move {
        let found = match response {
            Some(response) => Ok(response),
            None => exchange.head().await,
        };
        match found {
            Ok(response) => {
                flow.put(State::Open(exchange, None));
                Ok(vec![Value::Table(to_table(&lua, &response)?)])
            }
            Err(fault) => {
                flow.put(State::Failed(fault.clone()));
                failed(&lua, &fault, &[])
            }
        }
    }))
}

/// `read(flow)`: the next piece of the body; nil at its end, and why if that came too early.
fn read(args: &Args<'_>) -> Result<Reply, Raise> {
    waits("read")?;
    let flow = args.object::<Flow>(1, "HTTPClient")?;
    let lua = args.lua().clone();
    let Some((mut exchange, response)) = flow.take()? else {
        return match &*flow.0.borrow() {
            State::Failed(fault) => super::miss(&lua, &fault.why),
            _ => Ok(Reply::values([Value::Nil])),
        };
    };
    let pool = pool(args.lua());
    Ok(Reply::wait(async move {
        match exchange.read().await {
            Ok(Some(piece)) => {
                flow.put(State::Open(exchange, response));
                Ok(vec![Value::String(lua.create_string(&piece)?)])
            }
            Ok(None) => {
                flow.put(State::Closed);
                exchange.release(&pool);
                Ok(vec![Value::Nil])
            }
            Err(fault) => {
                let why = lua.create_string(&*fault.why)?;
                flow.put(State::Failed(fault));
                Ok(vec![Value::Nil, Value::String(why)])
            }
        }
    }))
}

fn close(args: &Args<'_>) -> Result<Reply, Raise> {
    args.object::<Flow>(1, "HTTPClient")?.0.close();
    Ok(Reply::nothing())
}

impl Flow {
    /// Takes the exchange, for as long as something is waited for.
    fn take(&self) -> Result<Option<Open>, Raise> {
        let mut state = self.0.borrow_mut();
        match std::mem::replace(&mut *state, State::Busy) {
            State::Open(exchange, response) => Ok(Some((exchange, response))),
            State::Busy => Err(Raise::new("httpclient: another coroutine waits for this request")),
            other => {
                *state = other;
                Ok(None)
            }
        }
    }

    /// Puts back what was taken, unless it was closed meanwhile.
    fn put(&self, next: State) {
        let mut state = self.0.borrow_mut();
        if matches!(*state, State::Busy) {
            *state = next;
        }
    }

    fn fault(&self) -> Fault {
        match &*self.0.borrow() {
            State::Failed(fault) => fault.clone(),
            _ => Fault::CLOSED,
        }
    }
}

/// Returns what a request takes, or raises what is wrong with it.
fn ready(args: &Args<'_>) -> Result<(Request, Info, Rc<Pool>), Raise> {
    let name = args.text(2)?;
    waits(&name)?;
    args.object::<Client>(1, "HTTPClient")?;
    let Value::Table(options) = args.value(3) else {
        return Err(Raise::new(format!("'{name}' needs a table as argument")));
    };
    let info = Info::of(args.lua())?;
    let options = Options { args, name: &name, table: options };
    let request = options.request(&info)?;
    Ok((request, info, pool(args.lua())))
}

/// Returns the idle connections of a state.
fn pool(lua: &Lua) -> Rc<Pool> {
    if let Some(pool) = lua.app_data_ref::<Rc<Pool>>() {
        return Rc::clone(&pool);
    }
    let pool = Rc::<Pool>::default();
    drop(lua.set_app_data(Rc::clone(&pool)));
    pool
}

/// The table that a script gives.
struct Options<'a> {
    args: &'a Args<'a>,
    name: &'a str,
    table: &'a Table,
}

impl Options<'_> {
    fn request(&self, info: &Info) -> Result<Request, Raise> {
        let Some(url) = self.text("url")? else {
            return Err(Raise::new(format!("'{}' need a 'url' argument", self.name)));
        };
        let dst = self.text("dst")?.map(|dst| String::from_utf8_lossy(&dst).into_owned());
        let mut target = Target::parse(&url, dst.as_deref()).map_err(|unusable| {
            let (what, text) = match unusable {
                Unusable::Url => ("invalid url", String::from_utf8_lossy(&url).into_owned()),
                Unusable::Scheme => {
                    ("unsupported scheme in url", String::from_utf8_lossy(&url).into_owned())
                }
                Unusable::Destination => ("invalid dst", dst.unwrap_or_default()),
            };
            Raise::new(format!("'{}': {what} '{text}'", self.name))
        })?;
        target.tls = target.tls.map(|wish| self.tls(wish, info)).transpose()?;
        let method = self.method()?;
        let body = match self.table.raw_get::<Value>("body")? {
            Value::Nil => Some(Bytes::new()),
            Value::Function(_) => None,
            _ => Some(self.text("body")?.unwrap_or_default()),
        };
        let mut head = http::Request { method, uri: target.uri.clone(), ..Default::default() };
        if let Value::Table(headers) = self.table.raw_get::<Value>("headers")? {
            for (name, value) in headers_of(self.args, self.name, &headers)? {
                let name = name.to_ascii_lowercase();
                if !OWN_HEADERS.contains(&&name[..]) {
                    head.headers.add(name, value);
                }
            }
        }
        // As HAProxy's client does.
        for (name, value) in [
            ("host", target.authority.clone()),
            ("accept", Bytes::from_static(b"*/*")),
            ("user-agent", Bytes::from_static(b"HAProxy")),
        ] {
            if !head.headers.contains(name) {
                head.headers.add(name, value);
            }
        }
        let expected = [&b"POST"[..], b"PUT", b"PATCH"].contains(&head.method.as_bytes());
        match &body {
            None => head.headers.add("transfer-encoding", Bytes::from_static(b"chunked")),
            Some(body) if !body.is_empty() || expected => {
                head.headers.add("content-length", body.len().to_string());
            }
            Some(_) => {}
        }
        let limits = self.limits(info)?;
        Ok(Request { target, head, body, limits })
    }

    /// `ssl`: what is asked of the server that TLS is spoken with.
    fn tls(&self, wish: Wish, info: &Info) -> Result<Wish, Raise> {
        let wish = wish.verifying(info.book.settings.borrow().client_verify);
        let wrong = |what: &str| Err(Raise::new(format!("'{}': {what}", self.name)));
        match self.table.raw_get::<Value>("ssl")? {
            Value::Nil => Ok(wish),
            Value::Table(table) if table.raw_get::<Value>("alpn")?.is_nil() => {
                wish.read(self.args.lua(), &table, &format!("'{}'", self.name))
            }
            Value::Table(_) => wrong("'alpn' is the client's to say"),
            _ => wrong("'ssl' must be a table"),
        }
    }

    fn method(&self) -> Result<Method, Raise> {
        if self.name != "request" {
            return Ok(Method::from_text(self.name.to_ascii_uppercase().into()));
        }
        let name = self.text("method")?.unwrap_or_else(|| Bytes::from_static(b"GET"));
        Method::parse(&name).filter(|method| *method != Method::Connect).ok_or_else(|| {
            let text = String::from_utf8_lossy(&name);
            Raise::new(format!("'{}': invalid method '{text}'", self.name))
        })
    }

    /// `timeout`: of the whole in milliseconds, or a table of what may take how long.
    fn limits(&self, info: &Info) -> Result<Limits, Raise> {
        let mut limits = info.book.settings.borrow().client;
        match self.table.raw_get::<Value>("timeout")? {
            Value::Nil => {}
            Value::Table(phases) => {
                let of = |name: &str| self.duration(name, phases.raw_get(name)?);
                limits.total = of("total")?;
                limits.connect = of("connect")?.unwrap_or(limits.connect);
                limits.response = of("response")?.or(limits.response);
            }
            total => limits.total = self.duration("timeout", total)?,
        }
        if let Some(retries) = self.number("retries", self.table.raw_get("retries")?)? {
            limits.retries = u32::try_from(retries).unwrap_or(u32::MAX);
        }
        Ok(limits)
    }

    fn duration(&self, name: &str, value: Value) -> Result<Option<Duration>, Raise> {
        Ok(self.number(name, value)?.map(Duration::from_millis))
    }

    fn number(&self, name: &str, value: Value) -> Result<Option<u64>, Raise> {
        let Value::Nil = value else {
            let number = self.args.lua().coerce_number(value)?.and_then(super::whole);
            return match number.map(u64::try_from) {
                Some(Ok(number)) => Ok(Some(number)),
                _ => Err(Raise::new(format!("'{}': invalid '{name}'", self.name))),
            };
        };
        Ok(None)
    }

    fn text(&self, name: &str) -> Result<Option<Bytes>, Raise> {
        let lua = self.args.lua();
        match self.table.raw_get::<Value>(name)? {
            Value::Nil => Ok(None),
            value @ (Value::String(_) | Value::Integer(_) | Value::Number(_)) => {
                let text = lua.coerce_string(value)?;
                text.map(|text| account::bytes(lua, text.as_bytes().to_vec())).transpose()
            }
            _ => Err(Raise::new(format!("'{}': '{name}' must be a string", self.name))),
        }
    }
}

/// Returns a response without its body.
fn to_table(lua: &Lua, response: &Response) -> Result<Table, Raise> {
    let table = lua.create_table()?;
    table.raw_set("status", response.status)?;
    table.raw_set("reason", lua.create_string(&response.reason)?)?;
    let headers = lua.create_table()?;
    fill(lua, &headers, &response.headers)?;
    table.raw_set("headers", headers)?;
    table.raw_set("body", "")?;
    Ok(table)
}

/// Returns what there is where there is no response: no status is 0.
fn failed(lua: &Lua, fault: &Fault, body: &[u8]) -> Outcome {
    let table = to_table(lua, &Response { status: 0, ..Response::default() })?;
    table.raw_set("error", &*fault.why)?;
    table.raw_set("phase", fault.phase)?;
    table.raw_set("body", lua.create_string(body)?)?;
    Ok(vec![Value::Table(table)])
}
