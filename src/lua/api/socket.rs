//! `Socket` (`core.tcp()`): LuaSocket's contract over the worker's sockets.

use std::cell::RefCell;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::rc::Rc;
use std::rc::Weak;
use std::sync::Arc;
use std::task::Poll;
use std::task::ready;
use std::time::Duration;

use mlua::IntoLua;
use mlua::Lua;
use mlua::UserData;
use mlua::Value;

use super::Row;
use super::core::waits;
use super::miss;
use crate::log::Level;
use crate::lua::account;
use crate::lua::account::Account;
use crate::lua::account::Charge;
use crate::lua::account::What;
use crate::lua::book::Info;
use crate::lua::current;
use crate::lua::current::Close;
use crate::lua::current::Context;
use crate::lua::host::Args;
use crate::lua::host::Outcome;
use crate::lua::host::Raise;
use crate::lua::host::Reply;
use crate::lua::reach;
use crate::net::Addr;
use crate::net::Stream;
use crate::net::addr;
use crate::net::addr::Family;
use crate::net::addr::Ports;
use crate::net::addr::Spec;
use crate::net::connect;
use crate::net::listener;
use crate::net::resolve;
use crate::net::stream::Keepalive;
use crate::net::timer;

pub(super) const TABLE: &[Row] = &[
    Row { name: "close", run: close },
    Row { name: "connect", run: connect },
    Row { name: "connect_ssl", run: connect_ssl },
    Row { name: "getpeername", run: getpeername },
    Row { name: "getsockname", run: getsockname },
    Row { name: "new", run: new },
    Row { name: "receive", run: receive },
    Row { name: "send", run: send },
    Row { name: "setoption", run: setoption },
    Row { name: "settimeout", run: settimeout },
    Row { name: "shutdown", run: shutdown },
];

/// How long a connection may take to be made: HAProxy's `socket_proxy` has 5 seconds.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How much is read at once.
const READ_SIZE: usize = 16 << 10;

/// A socket of a script.
#[derive(Clone, Debug)]
struct Socket(Rc<RefCell<State>>);

#[derive(Debug, Default)]
struct State {
    stream: Option<Rc<Stream>>,
    /// Read, not received yet: at most what is read at once.
    buffer: Vec<u8>,
    timeout: Option<Duration>,
    /// `connect` has been called.
    used: bool,
    closed: bool,
    /// What a tenant is charged for the socket and its buffer.
    charges: Option<(Charge, Charge)>,
}

/// Where to connect to.
#[derive(Debug)]
enum Destination {
    Addr(Addr),
    Name(String, Family, u16),
}

/// What `receive` wants.
#[derive(Clone, Copy, Debug)]
enum Pattern {
    Line,
    All,
    Count(usize),
}

impl UserData for Socket {}

impl Close for RefCell<State> {
    fn is_open(&self) -> bool {
        self.borrow().stream.is_some()
    }

    fn close(&self) {
        let mut state = self.borrow_mut();
        *state =
            State { timeout: state.timeout, used: state.used, closed: true, ..State::default() };
    }
}

fn close(args: &Args<'_>) -> Result<Reply, Raise> {
    args.need(1)?;
    let socket = args.object::<Socket>(1, "Socket")?;
    socket.0.close();
    Reply::value(args.lua(), 1)
}

fn connect(args: &Args<'_>) -> Result<Reply, Raise> {
    if args.count() < 2 {
        return Err(Raise::new("connect: need at least 2 arguments"));
    }
    waits("connect")?;
    let socket = args.object::<Socket>(1, "Socket")?;
    let destination = destination(args)?;
    let (closed, timeout) = {
        let mut state = socket.0.borrow_mut();
        if state.used {
            return Err(Raise::new("connect: connect already performed\n"));
        }
        state.used = true;
        (state.closed, state.timeout.unwrap_or(CONNECT_TIMEOUT))
    };
    if closed {
        return miss(args.lua(), "closed");
    }
    let info = Info::of(args.lua())?;
    let charges = info.tenant.as_ref().map(charges).transpose();
    let charges = match charges {
        Ok(charges) => charges,
        Err(raise) => {
            socket.0.borrow_mut().used = false;
            return miss(args.lua(), &String::from_utf8_lossy(raise.message()));
        }
    };
    let lua = args.lua().clone();
    Ok(Reply::wait(async move {
        let why = match timer::timeout(timeout, open(&destination, &info)).await {
            Ok(Ok(stream)) => {
                let mut state = socket.0.borrow_mut();
                (state.stream, state.charges) = (Some(Rc::new(stream)), charges);
                drop(state);
                let opened: Weak<RefCell<State>> = Rc::downgrade(&socket.0);
                current::note_opened(opened);
                return Ok(vec![Value::Integer(1)]);
            }
            Ok(Err(why)) => why,
            Err(_) => "timeout",
        };
        socket.0.borrow_mut().used = false;
        failed(&lua, why)
    }))
}

fn connect_ssl(args: &Args<'_>) -> Result<Reply, Raise> {
    args.object::<Socket>(1, "Socket")?;
    Err(Raise::new("connect_ssl: TLS is not available"))
}

fn getpeername(args: &Args<'_>) -> Result<Reply, Raise> {
    name(args, Stream::peer_addr)
}

fn getsockname(args: &Args<'_>) -> Result<Reply, Raise> {
    name(args, Stream::local_addr)
}

fn new(args: &Args<'_>) -> Result<Reply, Raise> {
    if current::context() == Context::Body {
        return Err(Raise::new("core.tcp: sockets are not available in the body context"));
    }
    Reply::value(args.lua(), super::object(args.lua(), Socket(Rc::default()))?)
}

fn receive(args: &Args<'_>) -> Result<Reply, Raise> {
    if !(1..=3).contains(&args.count()) {
        return Err(Raise::new("The 'receive' function requires between 1 and 3 arguments."));
    }
    waits("receive")?;
    let socket = args.object::<Socket>(1, "Socket")?;
    let pattern = pattern(args)?;
    let prefix = match args.value(3) {
        Value::Nil => Vec::new(),
        Value::String(prefix) => prefix.as_bytes().to_vec(),
        _ => return Err(Raise::new("Expect a 'string' for the prefix")),
    };
    let lua = args.lua().clone();
    let prefix_length = prefix.len();
    // What is in the buffer already is given at once.
    let mut out = prefix;
    if take(&socket, pattern, &mut out) {
        return super::text(args.lua(), out);
    }
    let mut charge = account::charge(args.lua(), What::Memory, out.len())?;
    Ok(Reply::wait(async move {
        let timeout = socket.0.borrow().timeout;
        loop {
            let end = match within(timeout, read_some(&socket)).await {
                Ok(0) => Some("closed"),
                Ok(count) => {
                    charge.as_mut().map_or(Ok(()), |charge| charge.grow(count))?;
                    None
                }
                Err(error) => Some(reason(&error)),
            };
            if take(&socket, pattern, &mut out) {
                return string(&lua, &out);
            }
            match (end, pattern) {
                (None, _) => {}
                (Some("closed"), Pattern::All) if out.len() > prefix_length => {
                    return string(&lua, &out);
                }
                (Some(why), _) => {
                    let partial = lua.create_string(&out)?;
                    return Ok(vec![
                        Value::Nil,
                        Value::String(lua.create_string(why)?),
                        Value::String(partial),
                    ]);
                }
            }
        }
    }))
}

fn send(args: &Args<'_>) -> Result<Reply, Raise> {
    args.between(2, 4)?;
    waits("send")?;
    let socket = args.object::<Socket>(1, "Socket")?;
    // Not copied: many calls may wait with the same long text.
    let text = args.lua_string(2)?;
    let (start, end) = span(args, text.as_bytes().len())?;
    let Some(stream) = socket.0.borrow().stream.clone() else {
        return Ok(Reply::values([
            Value::Nil,
            "closed".into_lua(args.lua())?,
            Value::Integer(position(start)),
        ]));
    };
    let lua = args.lua().clone();
    Ok(Reply::wait(async move {
        let timeout = socket.0.borrow().timeout;
        let mut sent = start;
        while sent < end {
            let write = poll_fn(|cx| {
                stream.poll_write(cx, text.as_bytes().get(sent..end).unwrap_or_default())
            });
            match within(timeout, write).await {
                Ok(count) => sent += count,
                Err(error) => {
                    let why = Value::String(lua.create_string(reason(&error))?);
                    return Ok(vec![Value::Nil, why, Value::Integer(position(sent))]);
                }
            }
        }
        Ok(vec![Value::Integer(position(sent))])
    }))
}

fn setoption(args: &Args<'_>) -> Result<Reply, Raise> {
    let socket = args.object::<Socket>(1, "Socket")?;
    let state = socket.0.borrow();
    if let (Some(stream), Ok(option)) = (&state.stream, args.text(2)) {
        let on = !matches!(args.value(3), Value::Boolean(false));
        // As promised since 2015, an option that cannot be set is no error.
        match option.as_str() {
            "tcp-nodelay" => stream.set_nodelay(on).unwrap_or_default(),
            "keepalive" if on => {
                stream.set_keepalive(&Keepalive::default()).unwrap_or_default();
            }
            _ => {}
        }
    }
    Reply::value(args.lua(), 1)
}

fn settimeout(args: &Args<'_>) -> Result<Reply, Raise> {
    args.between(1, 3)?;
    let socket = args.object::<Socket>(1, "Socket")?;
    let timeout = match args.value(2) {
        Value::Nil => None,
        _ => Some(args.number(2)?).filter(|seconds| *seconds >= 0.0),
    };
    if timeout.is_some_and(|seconds| seconds > 2_147_483.647) {
        let why = "settimeout: cannot set values larger than 2147483647 ms";
        return Err(Raise::new(why));
    }
    socket.0.borrow_mut().timeout = timeout.map(Duration::from_secs_f64);
    Reply::value(args.lua(), 1)
}

fn shutdown(args: &Args<'_>) -> Result<Reply, Raise> {
    let socket = args.object::<Socket>(1, "Socket")?;
    let mode = if args.is_nil(2) { "both".to_owned() } else { args.text(2)? };
    if !matches!(mode.as_str(), "both" | "send" | "receive") {
        return Err(args.bad(2, "invalid shutdown method"));
    }
    let state = socket.0.borrow();
    let Some(stream) = &state.stream else {
        return miss(args.lua(), "closed");
    };
    if mode != "receive" {
        stream.shutdown_write().unwrap_or_default();
    }
    Reply::value(args.lua(), 1)
}

/// Charges a tenant for one more socket.
fn charges(account: &Arc<Account>) -> Result<(Charge, Charge), Raise> {
    Ok((account.charge(What::Sockets, 1)?, account.charge(What::Memory, READ_SIZE)?))
}

/// Returns where to connect to.
fn destination(args: &Args<'_>) -> Result<Destination, Raise> {
    let text = args.text(2)?;
    let port = match args.is_nil(3) {
        true => None,
        false => {
            let port = u16::try_from(args.integer(3)?);
            Some(port.map_err(|_| args.bad(3, "port out of range"))?)
        }
    };
    let wrong = |end: &str| {
        let why = format!("connect: cannot parse destination address '{text}{end}'");
        Raise::new(why)
    };
    let spec = Spec::parse(&text, &addr::CONNECT).map_err(|_| wrong(""))?;
    let written = match spec.ports {
        Ports::Range(port, _) => Some(port),
        Ports::None | Ports::Offset(_) => None,
    };
    let port = port.or(written).filter(|port| *port != 0);
    if let Some((name, family)) = spec.name() {
        // HAProxy resolves names while it reads the configuration, not after. A tenant's are
        // granted by name, and resolved here.
        if account::of(args.lua()).is_none() {
            return Err(wrong(":"));
        }
        let port = port.ok_or_else(|| Raise::new("connect: port missing"))?;
        return Ok(Destination::Name(name.to_owned(), family, port));
    }
    let found = spec.addrs().into_iter().next().ok_or_else(|| wrong(""))?;
    match port {
        None if found.port().is_some() => Err(Raise::new("connect: port missing")),
        None => Ok(Destination::Addr(found)),
        Some(port) => Ok(Destination::Addr(found.with_port(port))),
    }
}

/// Connects; for a tenant, only to where it may.
async fn open(destination: &Destination, info: &Info) -> Result<Stream, &'static str> {
    let Some(account) = &info.tenant else {
        return match destination {
            Destination::Addr(addr) => connect_to(addr).await,
            Destination::Name(..) => Err("host not found"),
        };
    };
    let policy = &account.policy;
    let refused = |what: &dyn fmt::Display| {
        let text = format!("tenant {}: connection to {what} refused by policy", policy.name);
        info.say(Level::Notice, &text, None);
        Err("refused by policy")
    };
    match destination {
        Destination::Addr(addr @ Addr::Inet(inet))
            if reach::permits(policy, None, inet.ip(), inet.port(), listener::is_own) =>
        {
            connect_to(addr).await
        }
        Destination::Addr(addr @ Addr::Unix(path)) if reach::permits_path(policy, path) => {
            connect_to(addr).await
        }
        Destination::Addr(Addr::Inet(inet)) => refused(inet),
        Destination::Addr(addr) => refused(&addr.to_config()),
        Destination::Name(name, _, port) if !reach::permits_name(policy, name, *port) => {
            refused(&format_args!("{name}:{port}"))
        }
        Destination::Name(name, family, port) => {
            let lookup = account.charge(What::Lookups, 1).map_err(|_| "too many lookups")?;
            let found = resolve::lookup(name.clone(), *family, lookup).await;
            let found = found.map_err(|_| "host not found")?;
            // Who asks again may get another answer: what was checked is what is connected.
            let permits =
                |ip: &IpAddr| reach::permits(policy, Some(name), *ip, *port, listener::is_own);
            if let Some(ip) = found.iter().find(|ip| !permits(ip)) {
                return refused(&format_args!("{name}:{port} at {ip}"));
            }
            let mut last = "host not found";
            for ip in found {
                match connect_to(&Addr::Inet(SocketAddr::new(ip, *port))).await {
                    Ok(stream) => return Ok(stream),
                    Err(why) => last = why,
                }
            }
            Err(last)
        }
    }
}

async fn connect_to(addr: &Addr) -> Result<Stream, &'static str> {
    Stream::connect(addr, &connect::Options::default()).await.map_err(|error| reason(&error))
}

fn name(args: &Args<'_>, read: impl FnOnce(&Stream) -> io::Result<Addr>) -> Result<Reply, Raise> {
    args.need(1)?;
    let socket = args.object::<Socket>(1, "Socket")?;
    let state = socket.0.borrow();
    let Some(addr) = state.stream.as_ref().and_then(|stream| read(stream).ok()) else {
        return miss(args.lua(), "closed");
    };
    let (ip, port) = (addr.ip(), addr.port());
    let lua = args.lua();
    match (ip, port) {
        (Some(ip), Some(port)) => Ok(Reply::values([
            ip.to_string().into_lua(lua)?,
            Value::Integer(port.into()),
            (if ip.is_ipv4() { "inet" } else { "inet6" }).into_lua(lua)?,
        ])),
        _ => super::text(lua, "unix"),
    }
}

fn pattern(args: &Args<'_>) -> Result<Pattern, Raise> {
    match args.value(2) {
        Value::Nil => Ok(Pattern::Line),
        Value::Integer(_) | Value::Number(_) => match usize::try_from(args.integer(2)?) {
            Ok(count) if count <= 1 << 30 => Ok(Pattern::Count(count)),
            _ => Err(Raise::new("Unsupported size.")),
        },
        Value::String(text) => match &*text.as_bytes() {
            b"*l" | b"l" | b"*L" => Ok(Pattern::Line),
            b"*a" | b"a" => Ok(Pattern::All),
            _ => match args.number(2) {
                Ok(count) if (0.0..1e9).contains(&count) => match super::whole(count) {
                    Some(count) => Ok(Pattern::Count(usize::try_from(count).unwrap_or(0))),
                    None => Err(Raise::new("Unsupported pattern.")),
                },
                _ => Err(Raise::new("Unsupported pattern.")),
            },
        },
        _ => Err(args.bad(2, "invalid receive pattern")),
    }
}

/// Moves what is buffered of what is wanted; says whether that is all.
fn take(socket: &Socket, pattern: Pattern, out: &mut Vec<u8>) -> bool {
    let mut state = socket.0.borrow_mut();
    let (length, complete) = match pattern {
        Pattern::All => (state.buffer.len(), false),
        Pattern::Count(count) => {
            let missing = count.saturating_sub(out.len());
            (missing.min(state.buffer.len()), missing <= state.buffer.len())
        }
        Pattern::Line => match memchr::memchr(b'\n', &state.buffer) {
            Some(end) => (end + 1, true),
            None => (state.buffer.len(), false),
        },
    };
    let taken = state.buffer.drain(..length);
    match pattern {
        // LuaSocket: every CR goes, and the LF.
        Pattern::Line => out.extend(taken.filter(|byte| !matches!(byte, b'\r' | b'\n'))),
        Pattern::All | Pattern::Count(_) => out.extend(taken),
    }
    complete
}

/// Reads into the buffer; returns how much came.
async fn read_some(socket: &Socket) -> io::Result<usize> {
    let Some(stream) = socket.0.borrow().stream.clone() else { return Ok(0) };
    poll_fn(|cx| {
        // On the stack: nothing is held while it waits.
        let mut chunk = [0; READ_SIZE];
        let count = ready!(stream.poll_read(cx, &mut chunk))?;
        let read = chunk.get(..count).unwrap_or_default();
        socket.0.borrow_mut().buffer.extend_from_slice(read);
        Poll::Ready(Ok(count))
    })
    .await
}

async fn within<T>(
    timeout: Option<Duration>,
    io: impl Future<Output = io::Result<T>>,
) -> io::Result<T> {
    match timeout {
        Some(timeout) => match timer::timeout(timeout, io).await {
            Ok(result) => result,
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        },
        None => io.await,
    }
}

/// Returns the range that `i` and `j` mean, clipped as `string.sub` does.
fn span(args: &Args<'_>, length: usize) -> Result<(usize, usize), Raise> {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    let place = |index: usize, default: i64| -> Result<i64, Raise> {
        let value = if args.is_nil(index) { default } else { args.integer(index)? };
        Ok(if value < 0 { length + value + 1 } else { value })
    };
    let first = place(3, 1)?.max(1) - 1;
    let last = place(4, -1)?.min(length).max(first);
    Ok((usize::try_from(first).unwrap_or(0), usize::try_from(last).unwrap_or(0)))
}

fn position(sent: usize) -> i64 {
    i64::try_from(sent).unwrap_or(i64::MAX)
}

fn failed(lua: &Lua, why: &str) -> Outcome {
    Ok(vec![Value::Nil, Value::String(lua.create_string(why)?)])
}

fn string(lua: &Lua, bytes: &[u8]) -> Outcome {
    Ok(vec![Value::String(lua.create_string(bytes)?)])
}

/// Returns LuaSocket's words for an error.
fn reason(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused",
        io::ErrorKind::TimedOut => "timeout",
        io::ErrorKind::NetworkUnreachable => "Network is unreachable",
        io::ErrorKind::HostUnreachable => "No route to host",
        io::ErrorKind::PermissionDenied => "permission denied",
        io::ErrorKind::NotFound => "host not found",
        _ => "closed",
    }
}
