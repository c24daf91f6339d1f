//! What rules can see and change: one exchange and the connection it came on. Plain data.

mod channel;
mod reply;
mod session;
mod timers;
mod vars;

pub use channel::Channel;
pub use reply::Reply;
pub use session::Failure;
pub use session::Session;
pub use timers::Timers;
pub use vars::Held;
pub use vars::Scope;
pub use vars::Vars;

use std::any::Any;
use std::cell::RefCell;
use std::rc::Rc;
use std::rc::Weak;
use std::sync::Arc;

use bytes::Bytes;

use crate::http;
use crate::proxy;

/// A transaction shared by the stream that runs it, its rules, and the scripts they call.
///
/// No borrow is held across an await: a script that waits lets the stream go on.
pub type Shared = Rc<RefCell<Txn>>;

/// A transaction that may have ended: what a script keeps.
pub type Handle = Weak<RefCell<Txn>>;

/// One of the two ways bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the client to the server.
    Request,
    /// From the server to the client.
    Response,
}

/// One exchange: a TCP stream, or an HTTP request with its response.
#[derive(Debug)]
pub struct Txn {
    /// The client's connection.
    pub session: Rc<Session>,
    /// Number of this stream in the process.
    pub id: u64,
    /// Number of this exchange on its connection, from 0.
    pub nth: u32,
    /// The proxy that is responsible for servers; the frontend until one has been chosen.
    pub backend: Arc<proxy::Proxy>,
    /// The server, once chosen.
    pub server: Option<Arc<proxy::Server>>,
    /// What runs in the server's place (`use-service`): its name in the log, such as `<lua.hello>`.
    pub service: Option<Arc<str>>,
    /// The address this proxy connected from and the one it connected to.
    pub server_addrs: Option<(crate::net::Addr, crate::net::Addr)>,
    /// What the TLS handshake with the server has agreed on.
    pub server_tls: Option<Rc<crate::net::tls::Info>>,
    /// Why the last connection to a server failed.
    pub server_failure: Option<Failure>,
    /// The request's head, once parsed.
    pub request: Option<http::Request>,
    /// The request line as it came, for the log.
    pub request_line: Bytes,
    /// The response's head, once parsed or made.
    pub response: Option<http::Response>,
    /// Bytes from the client: the stream in `mode tcp`, the body in `mode http`.
    pub req: Channel,
    /// Bytes to the client.
    pub res: Channel,
    /// Variables of scope `txn`.
    pub vars: Vars,
    /// Variables of scope `req` while the request is processed, `res` after.
    pub message_vars: Vars,
    /// Which of `req` and `res` [`Txn::message_vars`] holds.
    pub phase: Direction,
    /// An answer made by a rule or a script, not sent yet.
    pub reply: Option<Reply>,
    /// Captured request and response values, by slot.
    pub captures: [Vec<Option<Bytes>>; 2],
    /// When what happened.
    pub timers: Timers,
    /// Level this exchange is logged at, 0 (emergency) to 7; `None` is the default. -1 is silent.
    pub log_level: Option<i8>,
    /// `unique-id`, once made.
    pub unique_id: Option<Bytes>,
    /// Status sent to the client; 0 when there is none.
    pub status: u16,
    /// Bytes received from the client and sent to it: request, response.
    pub bytes: [u64; 2],
    /// Termination state of the log (HAProxy manual 8.5): who, when.
    pub termination: [u8; 2],
    /// Times a connection to a server was tried again, and whether to another server.
    pub retries: (u32, bool),
    /// Its place in the backend's queue when it joined it, from 1; 0 where it never waited.
    pub queue: u32,
    /// A script that the exchange depends on has failed, and its tenant's policy is to refuse: the
    /// status. Whoever runs the exchange takes it, and ends the exchange.
    pub refused: Option<u16>,
    /// What scripts keep with the exchange (`txn:set_priv`).
    pub private: Option<Box<dyn Any>>,
}

/// Returns a variable of the process, which needs no exchange.
pub fn process_var(name: &str) -> Option<crate::value::Value> {
    vars::process(name)
}

impl Txn {
    /// Returns a new exchange of a session.
    pub fn new(session: Rc<Session>, id: u64, nth: u32, capacity: usize) -> Self {
        let backend = Arc::clone(&session.frontend);
        let timers = Timers::new(session.accepted, session.accept_date);
        Self {
            session,
            id,
            nth,
            backend,
            server: None,
            service: None,
            server_addrs: None,
            server_tls: None,
            server_failure: None,
            request: None,
            request_line: Bytes::new(),
            response: None,
            req: Channel::new(capacity),
            res: Channel::new(capacity),
            vars: Vars::default(),
            message_vars: Vars::default(),
            phase: Direction::Request,
            reply: None,
            captures: [Vec::new(), Vec::new()],
            timers,
            log_level: None,
            unique_id: None,
            status: 0,
            bytes: [0, 0],
            termination: *b"--",
            retries: (0, false),
            queue: 0,
            refused: None,
            private: None,
        }
    }

    /// Returns this exchange for its stream, its rules and their scripts.
    pub fn into_shared(self) -> Shared {
        Rc::new(RefCell::new(self))
    }

    /// Returns the channel of a direction.
    pub fn channel(&self, direction: Direction) -> &Channel {
        match direction {
            Direction::Request => &self.req,
            Direction::Response => &self.res,
        }
    }

    /// Returns the channel of a direction.
    pub fn channel_mut(&mut self, direction: Direction) -> &mut Channel {
        match direction {
            Direction::Request => &mut self.req,
            Direction::Response => &mut self.res,
        }
    }

    /// Returns the headers of a direction, if that message is there.
    pub fn headers(&self, direction: Direction) -> Option<&http::Headers> {
        match direction {
            Direction::Request => self.request.as_ref().map(|head| &head.headers),
            Direction::Response => self.response.as_ref().map(|head| &head.headers),
        }
    }

    /// Returns the headers of a direction, if that message is there.
    pub fn headers_mut(&mut self, direction: Direction) -> Option<&mut http::Headers> {
        match direction {
            Direction::Request => self.request.as_mut().map(|head| &mut head.headers),
            Direction::Response => self.response.as_mut().map(|head| &mut head.headers),
        }
    }

    /// Goes on to the response: variables of scope `req` end here.
    pub fn begin_response(&mut self) {
        if self.phase == Direction::Request {
            self.phase = Direction::Response;
            self.message_vars = Vars::default();
        }
    }

    /// Returns the value of a variable.
    pub fn var(&self, scope: Scope, name: &str) -> Option<crate::value::Value> {
        match scope {
            Scope::Proc => vars::process(name),
            Scope::Sess => self.session.vars.borrow().get(name).cloned(),
            Scope::Txn => self.vars.get(name).cloned(),
            Scope::Req | Scope::Res if self.in_scope(scope) => self.message_vars.get(name).cloned(),
            Scope::Req | Scope::Res | Scope::Check => None,
        }
    }

    /// Sets a variable; false where its scope does not exist now.
    pub fn set_var(&mut self, scope: Scope, name: &str, value: crate::value::Value) -> bool {
        self.hold_var(scope, name, value, None)
    }

    /// Sets a variable, and what is dropped with it; false where its scope does not exist now.
    pub fn hold_var(
        &mut self,
        scope: Scope,
        name: &str,
        value: crate::value::Value,
        held: Held,
    ) -> bool {
        match scope {
            Scope::Proc => vars::set_process(name, &value, &held),
            Scope::Sess => self.session.vars.borrow_mut().set(name, value, held),
            Scope::Txn => self.vars.set(name, value, held),
            Scope::Req | Scope::Res if self.in_scope(scope) => {
                self.message_vars.set(name, value, held);
            }
            Scope::Req | Scope::Res | Scope::Check => return false,
        }
        true
    }

    /// Returns how many variables a scope has.
    pub fn var_count(&self, scope: Scope) -> usize {
        match scope {
            Scope::Proc => vars::process_len(),
            Scope::Sess => self.session.vars.borrow().len(),
            Scope::Txn => self.vars.len(),
            Scope::Req | Scope::Res => self.message_vars.len(),
            Scope::Check => 0,
        }
    }

    /// Removes a variable; false where its scope does not exist now.
    pub fn unset_var(&mut self, scope: Scope, name: &str) -> bool {
        match scope {
            Scope::Proc => vars::unset_process(name),
            Scope::Sess => self.session.vars.borrow_mut().unset(name),
            Scope::Txn => self.vars.unset(name),
            Scope::Req | Scope::Res if self.in_scope(scope) => self.message_vars.unset(name),
            Scope::Req | Scope::Res | Scope::Check => return false,
        }
        true
    }

    fn in_scope(&self, scope: Scope) -> bool {
        (scope == Scope::Req) == (self.phase == Direction::Request)
    }
}
