//! `Socket` (`core.tcp()`): LuaSocket's contract over the worker's sockets.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use mlua::IntoLua;
use mlua::Lua;
use mlua::UserData;
use mlua::Value;

use super::Row;
use super::core::waits;
use super::miss;
use crate::lua::current;
use crate::lua::current::Context;
use crate::lua::host::Args;
use crate::lua::host::Outcome;
use crate::lua::host::Raise;
use crate::lua::host::Reply;
use crate::net::Addr;
use crate::net::Stream;
use crate::net::addr;
use crate::net::addr::Spec;
use crate::net::connect;
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
    /// Read, not received yet.
    buffer: Vec<u8>,
    timeout: Option<Duration>,
    /// `connect` has been called.
    used: bool,
    closed: bool,
}

/// What `receive` wants.
#[derive(Clone, Copy, Debug)]
enum Pattern {
    Line,
    All,
    Count(usize),
}

impl UserData for Socket {}

fn close(args: &Args<'_>) -> Result<Reply, Raise> {
    args.need(1)?;
    let socket = args.object::<Socket>(1, "Socket")?;
    let mut state = socket.0.borrow_mut();
    if state.stream.take().is_some() {
        current::note_closed();
    }
    state.closed = true;
    Reply::value(args.lua(), 1)
}

fn connect(args: &Args<'_>) -> Result<Reply, Raise> {
    if args.count() < 2 {
        return Err(Raise::new("connect: need at least 2 arguments"));
    }
    waits("connect")?;
    let socket = args.object::<Socket>(1, "Socket")?;
    let target = target(args)?;
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
    let lua = args.lua().clone();
    Ok(Reply::wait(async move {
        let options = connect::Options::default();
        match timer::timeout(timeout, Stream::connect(&target, &options)).await {
            Ok(Ok(stream)) => {
                current::note_opened();
                socket.0.borrow_mut().stream = Some(Rc::new(stream));
                Ok(vec![Value::Integer(1)])
            }
            Ok(Err(error)) => {
                socket.0.borrow_mut().used = false;
                failed(&lua, reason(&error))
            }
            Err(_) => {
                socket.0.borrow_mut().used = false;
                failed(&lua, "timeout")
            }
        }
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
    Ok(Reply::wait(async move {
        let timeout = socket.0.borrow().timeout;
        loop {
            let end = match read_some(&socket, timeout).await {
                Ok(true) => None,
                Ok(false) => Some("closed"),
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
    let bytes = args.string(2)?;
    let (start, end) = span(args, bytes.len())?;
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
            let rest = bytes.get(sent..end).unwrap_or_default();
            match within(timeout, stream.write(rest)).await {
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

/// Returns where to connect to.
fn target(args: &Args<'_>) -> Result<Addr, Raise> {
    let text = args.text(2)?;
    let port = match args.is_nil(3) {
        true => None,
        false => Some(args.integer(3)?),
    };
    let wrong = || {
        let why = format!("connect: cannot parse destination address '{text}'");
        Raise::new(why)
    };
    let spec = Spec::parse(&text, &addr::CONNECT).map_err(|_| wrong())?;
    if spec.name().is_some() {
        // Names are resolved while the configuration is read, not after.
        let why = format!("connect: cannot parse destination address '{text}:'");
        return Err(Raise::new(why));
    }
    let found = spec.addrs().into_iter().next().ok_or_else(wrong)?;
    match port {
        None if found.port() == Some(0) => Err(Raise::new("connect: port missing")),
        None => Ok(found),
        Some(port) => match u16::try_from(port) {
            Ok(port) => Ok(found.with_port(port)),
            Err(_) => Err(args.bad(3, "port out of range")),
        },
    }
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

/// Reads into the buffer; says whether anything came.
async fn read_some(socket: &Socket, timeout: Option<Duration>) -> io::Result<bool> {
    let Some(stream) = socket.0.borrow().stream.clone() else { return Ok(false) };
    let mut chunk = vec![0; READ_SIZE];
    let count = within(timeout, stream.read(&mut chunk)).await?;
    let mut state = socket.0.borrow_mut();
    state.buffer.extend_from_slice(chunk.get(..count).unwrap_or_default());
    Ok(count > 0)
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
