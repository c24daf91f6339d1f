//! Servers that a test plays: every connection of a script ends at one of them, or is refused.

use std::cell::RefCell;
use std::io;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::rc::Rc;

use mlua::Function;
use mlua::UserData;
use mlua::Value;

use super::Scene;
use super::scene;
use super::script_host;
use crate::lua::api::Row;
use crate::lua::api::adopt;
use crate::lua::host::Args;
use crate::lua::host::Raise;
use crate::lua::host::Reply;
use crate::lua::tasks;
use crate::lua::vm::Vm;
use crate::lua::vm::WeakVm;
use crate::net::Addr;
use crate::net::Stream;
use crate::net::addr;
use crate::net::addr::Ports;
use crate::net::addr::Spec;
use crate::net::stand_in;
use crate::net::stand_in::StandIn;

pub(super) const TABLE: &[Row] =
    &[Row { name: "accept", run: accept }, Row { name: "server", run: listen }];

/// A server that a test plays.
pub(super) struct Server {
    addr: Addr,
    /// The name that it was given, if it was one.
    name: Option<String>,
    /// Gets each connection as a task.
    run: Function,
}

/// Leads connections to the servers of a scene.
struct Stage {
    vm: WeakVm,
    scene: Scene,
}

/// A connection that no task has taken yet.
struct Incoming(RefCell<Option<Stream>>);

impl UserData for Incoming {}

impl StandIn for Stage {
    fn connect(&self, addr: &Addr) -> io::Result<Stream> {
        let servers = self.scene.0.servers.borrow();
        let found = servers.iter().rev().find(|server| server.addr == *addr);
        let run = found.map(|server| server.run.clone()).ok_or(io::ErrorKind::ConnectionRefused)?;
        drop(servers);
        let (near, far) = Stream::pair()?;
        let gone = || io::Error::from(io::ErrorKind::ConnectionRefused);
        let vm = self.vm.upgrade().ok_or_else(gone)?;
        let incoming = Incoming(RefCell::new(Some(far)));
        let data = vm.lua().create_userdata(incoming).map_err(|_| gone())?;
        let info = vm.info().ok_or_else(gone)?;
        tasks::register(&info, run, vec![Value::UserData(data)]).map_err(|_| gone())?;
        Ok(near)
    }

    fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let servers = self.scene.0.servers.borrow();
        let found = servers.iter().find(|server| server.name.as_deref() == Some(name));
        let ip = found.and_then(|server| server.addr.ip()).ok_or(io::ErrorKind::NotFound)?;
        Ok(vec![ip])
    }
}

/// Plays all servers of this thread from now on.
pub(super) fn play(vm: &Vm, scene: &Scene) {
    stand_in::set(Some(Rc::new(Stage { vm: vm.downgrade(), scene: scene.clone() })));
}

/// Lets connections reach the world again.
pub(super) fn end() {
    stand_in::set(None);
}

/// `server(address, function)`: the function gets what [`accept`] makes a socket of.
fn listen(args: &Args<'_>) -> Result<Reply, Raise> {
    let (text, run) = (args.text(1)?, args.function(2)?);
    if script_host(args)?.book.heard.borrow().is_none() {
        return Err(Raise::new("servers are played where no network is reached (--offline)"));
    }
    let wrong = || args.bad(1, &format!("'{text}' is no address with a port"));
    let spec = Spec::parse(&text, &addr::CONNECT).map_err(|_| wrong())?;
    let scene = scene(args)?;
    let mut servers = scene.0.servers.borrow_mut();
    let (addr, name) = match (spec.name(), &spec.ports) {
        (Some((name, _)), Ports::Range(port, _)) => {
            let known = servers.iter().find(|server| server.name.as_deref() == Some(name));
            // Of those set aside for tests of networks (RFC 2544): nobody's.
            let next = u8::try_from(servers.len() + 1).map_err(|_| wrong())?;
            let made = || IpAddr::V4(Ipv4Addr::new(198, 18, 0, next));
            let ip = known.and_then(|server| server.addr.ip()).unwrap_or_else(made);
            (Addr::Inet(SocketAddr::new(ip, *port)), Some(name.to_owned()))
        }
        (Some(_), _) => return Err(wrong()),
        (None, _) => (spec.addrs().into_iter().next().ok_or_else(wrong)?, None),
    };
    if addr.port() == Some(0) {
        return Err(wrong());
    }
    servers.push(Server { addr, name, run });
    Ok(Reply::nothing())
}

/// `accept(incoming, socket)`: makes a socket that of a connection.
fn accept(args: &Args<'_>) -> Result<Reply, Raise> {
    let Value::UserData(data) = args.value(1) else { return Err(args.wrong(1, "userdata")) };
    let stream = data.borrow::<Incoming>()?.0.take();
    let stream = stream.ok_or_else(|| Raise::new("the connection has been taken"))?;
    adopt(args, 2, stream)?;
    Ok(Reply::nothing())
}
