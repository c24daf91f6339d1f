//! `Socket` (`core.tcp()`): LuaSocket's contract over the worker's sockets.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::rc::Rc;
use std::rc::Weak;
use std::task::Poll;
use std::task::ready;
use std::time::Duration;
use std::time::Instant;

use mlua::IntoLua;
use mlua::Lua;
use mlua::UserData;
use mlua::Value;

use super::Row;
use super::core::waits;
use super::miss;
use crate::clock;
use crate::lua::account;
use crate::lua::account::Charge;
use crate::lua::account::What;
use crate::lua::book::Info;
use crate::lua::connect;
use crate::lua::connect::Destination;
use crate::lua::connect::READ_SIZE;
use crate::lua::connect::Wrong;
use crate::lua::connect::reason;
use crate::lua::current;
use crate::lua::current::Close;
use crate::lua::current::Context;
use crate::lua::host::Args;
use crate::lua::host::Outcome;
use crate::lua::host::Raise;
use crate::lua::host::Reply;
use crate::lua::tls::Wish;
use crate::net::Addr;
use crate::net::Stream;
use crate::net::stream::Keepalive;
use crate::net::timer;

pub(in crate::lua) const TABLE: &[Row] = &[
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

/// A socket of a script.
#[derive(Clone, Debug)]
pub(in crate::lua) struct Socket(Rc<RefCell<State>>);

#[derive(Debug, Default)]
struct State {
    stream: Option<Rc<Stream>>,
    /// Read, not received yet: at most what is read at once.
    buffer: Vec<u8>,
    patience: Patience,
    /// `tune.lua.socket-compat haproxy`: what is returned has HAProxy's shapes.
    compat: bool,
    /// `connect` has been called.
    used: bool,
    closed: bool,
    /// What a tenant is charged for the socket and its buffer.
    charges: Option<(Charge, Charge)>,
}

/// How long a call waits.
#[derive(Clone, Copy, Debug, Default)]
struct Patience {
    /// For each read or write.
    each: Option<Duration>,
    /// For all it does.
    total: Option<Duration>,
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
        *state = State {
            compat: state.compat,
            patience: state.patience,
            used: state.used,
            closed: true,
            ..State::default()
        };
    }
}

impl Socket {
    /// Is ready when a call of `receive` has something to say: some bytes, or the end.
    pub(in crate::lua) fn poll_input(&self, cx: &mut std::task::Context<'_>) -> Poll<()> {
        if !self.0.borrow().buffer.is_empty() {
            return Poll::Ready(());
        }
        // What is wrong is told to who reads.
        self.poll_fill(cx).map(|_| ())
    }

    /// Is ready when a call of `send` need not wait.
    pub(in crate::lua) fn poll_output(&self, cx: &mut std::task::Context<'_>) -> Poll<()> {
        let stream = self.0.borrow().stream.clone();
        stream.map_or(Poll::Ready(()), |stream| stream.poll_writable(cx))
    }

    /// Says whether something has been read that nobody has received.
    pub(in crate::lua) fn is_dirty(&self) -> bool {
        !self.0.borrow().buffer.is_empty()
    }

    /// Reads into the buffer; says how much came.
    fn poll_fill(&self, cx: &mut std::task::Context<'_>) -> Poll<io::Result<usize>> {
        let Some(stream) = self.0.borrow().stream.clone() else { return Poll::Ready(Ok(0)) };
        // On the stack: nothing is held while it waits.
        let mut chunk = [0; READ_SIZE];
        let count = ready!(stream.poll_read(cx, &mut chunk))?;
        let read = chunk.get(..count).unwrap_or_default();
        self.0.borrow_mut().buffer.extend_from_slice(read);
        Poll::Ready(Ok(count))
    }
}

fn close(args: &Args<'_>) -> Result<Reply, Raise> {
    args.need(1)?;
    let socket = args.object::<Socket>(1, "Socket")?;
    socket.0.close();
    let compat = socket.0.borrow().compat;
    if compat { Ok(Reply::nothing()) } else { Reply::value(args.lua(), 1) }
}

fn connect(args: &Args<'_>) -> Result<Reply, Raise> {
    begin(args, "connect", None)
}

fn connect_ssl(args: &Args<'_>) -> Result<Reply, Raise> {
    let wish = Wish::new(Info::of(args.lua())?.book.settings.borrow().ssl_verify);
    let wish = match args.value(4) {
        Value::Nil => wish,
        Value::Table(table) => wish.read(args.lua(), table, "connect_ssl")?,
        _ => return Err(args.bad(4, "table expected")),
    };
    begin(args, "connect_ssl", Some(wish))
}

fn begin(args: &Args<'_>, name: &'static str, wish: Option<Wish>) -> Result<Reply, Raise> {
    if args.count() < 2 {
        return Err(Raise::new(format!("{name}: need at least 2 arguments")));
    }
    waits(name)?;
    let socket = args.object::<Socket>(1, "Socket")?;
    let destination = destination(args)?;
    let (closed, timeout) = {
        let mut state = socket.0.borrow_mut();
        if state.used {
            return Err(Raise::new("connect: connect already performed\n"));
        }
        state.used = true;
        (state.closed, state.patience.least().unwrap_or(CONNECT_TIMEOUT))
    };
    if closed {
        return miss(args.lua(), "closed");
    }
    let info = Info::of(args.lua())?;
    let weight = wish.as_ref().map_or(0, Wish::weight);
    let charges = info.tenant.as_ref().map(|account| connect::charges(account, weight));
    let charges = charges.transpose();
    let charges = match charges {
        Ok(charges) => charges,
        Err(raise) => {
            socket.0.borrow_mut().used = false;
            return miss(args.lua(), &String::from_utf8_lossy(raise.message()));
        }
    };
    let lua = args.lua().clone();
    Ok(Reply::wait(async move {
        let opening = async {
            let mut stream = connect::open(&destination, &info).await.map_err(str::to_owned)?;
            if let Some(wish) = &wish {
                let secured = wish.secure(&mut stream, &destination, None).await;
                secured.map_err(|failure| failure.why)?;
            }
            Ok(stream)
        };
        let why = match timer::timeout(timeout, opening).await {
            Ok(Ok(stream)) => {
                let mut state = socket.0.borrow_mut();
                (state.stream, state.charges) = (Some(Rc::new(stream)), charges);
                drop(state);
                let opened: Weak<RefCell<State>> = Rc::downgrade(&socket.0);
                current::note_opened(opened);
                return Ok(vec![Value::Integer(1)]);
            }
            Ok(Err(why)) => why,
            Err(_) => "timeout".to_owned(),
        };
        let mut state = socket.0.borrow_mut();
        state.used = false;
        failed(&lua, if state.compat { "Can't connect" } else { &why })
    }))
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
    // Only the library `socket` gives an argument: what it makes is LuaSocket's in any case.
    let compat = args.is_nil(1) && Info::of(args.lua())?.book.settings.borrow().socket_compat;
    let state = State { compat, ..State::default() };
    let socket = Socket(Rc::new(RefCell::new(state)));
    Reply::value(args.lua(), super::object(args.lua(), socket)?)
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
        let (patience, compat) = (socket.0.borrow().patience.begin(), socket.0.borrow().compat);
        loop {
            let end = match patience.wait(poll_fn(|cx| socket.poll_fill(cx))).await {
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
                // HAProxy: what has come is the result, and the reason is always the same.
                (Some(_), _) if compat && out.len() > prefix_length => {
                    return string(&lua, &out);
                }
                (Some(_), _) if compat => return failed(&lua, "connection closed."),
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
    let compat = socket.0.borrow().compat;
    let Some(stream) = socket.0.borrow().stream.clone() else {
        if compat {
            return Ok(Reply::values([Value::Integer(-1)]));
        }
        return Ok(Reply::values([
            Value::Nil,
            "closed".into_lua(args.lua())?,
            Value::Integer(position(start)),
        ]));
    };
    let lua = args.lua().clone();
    Ok(Reply::wait(async move {
        let patience = socket.0.borrow().patience.begin();
        let mut sent = start;
        while sent < end {
            let write = poll_fn(|cx| {
                stream.poll_write(cx, text.as_bytes().get(sent..end).unwrap_or_default())
            });
            match patience.wait(write).await {
                Ok(count) => sent += count,
                Err(_) if compat => return Ok(vec![Value::Integer(-1)]),
                Err(error) => {
                    let why = Value::String(lua.create_string(reason(&error))?);
                    return Ok(vec![Value::Nil, why, Value::Integer(position(sent))]);
                }
            }
        }
        let flushed = patience.wait(poll_fn(|cx| stream.poll_flush(cx))).await;
        if let Err(error) = flushed {
            if compat {
                return Ok(vec![Value::Integer(-1)]);
            }
            let why = Value::String(lua.create_string(reason(&error))?);
            return Ok(vec![Value::Nil, why, Value::Integer(position(start))]);
        }
        // HAProxy: how many bytes, not the place of the last one.
        let before = if compat { start } else { 0 };
        Ok(vec![Value::Integer(position(sent.saturating_sub(before)))])
    }))
}

fn setoption(args: &Args<'_>) -> Result<Reply, Raise> {
    let socket = args.object::<Socket>(1, "Socket")?;
    let state = socket.0.borrow();
    if state.compat {
        return Ok(Reply::nothing());
    }
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
    let compat = socket.0.borrow().compat;
    if compat {
        args.need(2)?;
    }
    let timeout = match args.value(2) {
        Value::Nil if !compat => None,
        _ => Some(args.number(2)?),
    };
    if compat && timeout.is_some_and(|seconds| seconds < 0.0) {
        return Err(Raise::new("settimeout: cannot set negatives values"));
    }
    let timeout = timeout.filter(|seconds| *seconds >= 0.0);
    if timeout.is_some_and(|seconds| seconds > 2_147_483.647) {
        let why = "settimeout: cannot set values larger than 2147483647 ms";
        return Err(Raise::new(why));
    }
    let timeout = timeout.map(Duration::from_secs_f64);
    let mode = if args.is_nil(3) { "b".to_owned() } else { args.text(3)? };
    let patience = &mut socket.0.borrow_mut().patience;
    match mode.as_str() {
        "b" => patience.each = timeout,
        "r" | "t" => patience.total = timeout,
        _ => return Err(args.bad(3, "invalid timeout mode")),
    }
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

/// Makes a socket that has not been connected that of a connection.
pub(in crate::lua) fn adopt(args: &Args<'_>, index: usize, stream: Stream) -> Result<(), Raise> {
    let socket = args.object::<Socket>(index, "Socket")?;
    let mut state = socket.0.borrow_mut();
    (state.stream, state.used) = (Some(Rc::new(stream)), true);
    drop(state);
    let opened: Weak<RefCell<State>> = Rc::downgrade(&socket.0);
    current::note_opened(opened);
    Ok(())
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
    let info = Info::of(args.lua())?;
    let may_resolve = info.tenant.is_some() || info.book.settings.borrow().runtime_dns;
    let wrong = |end: &str| {
        let why = format!("connect: cannot parse destination address '{text}{end}'");
        Raise::new(why)
    };
    match Destination::parse(&text, port) {
        // HAProxy resolves names while it reads the configuration, not after, unless
        // `tune.lua.runtime-dns` says so. A tenant's are granted by name, and resolved here.
        Ok(Destination::Name(..)) | Err(Wrong::Port { of_name: true }) if !may_resolve => {
            Err(wrong(":"))
        }
        Ok(destination) => Ok(destination),
        Err(Wrong::Port { .. }) => Err(Raise::new("connect: port missing")),
        Err(Wrong::Address) => Err(wrong("")),
    }
}

fn name(args: &Args<'_>, read: impl FnOnce(&Stream) -> io::Result<Addr>) -> Result<Reply, Raise> {
    args.need(1)?;
    let socket = args.object::<Socket>(1, "Socket")?;
    let state = socket.0.borrow();
    let Some(addr) = state.stream.as_ref().and_then(|stream| read(stream).ok()) else {
        return match state.compat {
            true => Ok(Reply::values([Value::Nil])),
            false => miss(args.lua(), "closed"),
        };
    };
    if state.compat {
        // HAProxy: one string, of a UNIX socket its kind.
        return match addr {
            Addr::Inet(addr) => super::text(args.lua(), addr.to_string()),
            _ => super::text(args.lua(), "unix"),
        };
    }
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
    let compat = state.compat;
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
        // HAProxy: the LF goes, and a CR before it.
        Pattern::Line if compat => {
            let taken: Vec<u8> = taken.collect();
            let line =
                taken.strip_suffix(b"\n").map(|line| line.strip_suffix(b"\r").unwrap_or(line));
            out.extend_from_slice(line.unwrap_or(&taken));
        }
        // LuaSocket: every CR goes, and the LF.
        Pattern::Line => out.extend(taken.filter(|byte| !matches!(byte, b'\r' | b'\n'))),
        Pattern::All | Pattern::Count(_) => out.extend(taken),
    }
    complete
}

/// The time that a call has left.
struct Waiting {
    each: Option<Duration>,
    until: Option<Instant>,
}

impl Patience {
    fn least(self) -> Option<Duration> {
        self.each.into_iter().chain(self.total).min()
    }

    fn begin(self) -> Waiting {
        let until = self.total.and_then(|total| clock::now().checked_add(total));
        Waiting { each: self.each, until }
    }
}

impl Waiting {
    async fn wait<T>(&self, io: impl Future<Output = io::Result<T>>) -> io::Result<T> {
        let left = self.until.map(|until| until.saturating_duration_since(clock::now()));
        match self.each.into_iter().chain(left).min() {
            Some(timeout) => match timer::timeout(timeout, io).await {
                Ok(result) => result,
                Err(_) => Err(io::ErrorKind::TimedOut.into()),
            },
            None => io.await,
        }
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
