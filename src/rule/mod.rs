//! Rule sets: conditions and what is done when they hold. Waits for scripts and for the message
//! they look at; does no I/O.

mod action;
mod capture;
mod connection;
mod header;
mod known;
mod parse;
mod redirect;
mod reply;
mod script;
mod table;
#[cfg(test)]
mod tests;
mod uri;
mod var;
mod wait;

pub use parse::Context;
pub use parse::SlotUse;
pub use parse::parse;
pub use parse::parse_redirect;
pub use parse::report;
pub use reply::ERROR_STATUSES;
pub use reply::read_message;
pub use table::Row;
pub use table::TABLE;
pub use var::wrong_name;

use crate::sample::Checkpoint;
use crate::sample::Condition;
use crate::sample::Eval;
use crate::sample::Truth;
use crate::script as host;
use crate::txn::Direction;

use action::Action;

/// The rule sets of HAProxy, in the order in which a message meets them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `tcp-request connection`
    TcpRequestConnection,
    /// `tcp-request session`
    TcpRequestSession,
    /// `tcp-request content`
    TcpRequestContent,
    /// `tcp-response content`
    TcpResponseContent,
    /// `http-request`
    HttpRequest,
    /// `http-response`
    HttpResponse,
    /// `http-after-response`
    HttpAfterResponse,
}

/// How a rule set ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All rules passed.
    Continue,
    /// `allow`, `accept`: no more rules of this set.
    Accept,
    /// `deny`: the answer is in `txn.reply`, where the mode is HTTP. With `txn.refused`, a script
    /// has failed and the exchange ends with that status.
    Deny,
    /// Close without a word.
    Reject,
    /// The answer is in `txn.reply`.
    Reply,
    /// Hold the client for `timeout tarpit`, then answer with `txn.reply`.
    Tarpit,
    /// Run this service in the place of a server.
    Service(host::Id),
    /// A script ended the exchange; `txn.reply` may hold an answer.
    Done,
    /// The message is invalid: 400, or 502 for a response.
    Invalid,
    /// An internal error: 500.
    Error,
    /// More data is needed: run the set again when a channel has changed.
    Wait,
}

/// One rule.
#[derive(Debug)]
pub struct Rule {
    action: Action,
    condition: Option<Condition>,
    /// Whether a script that lives on one worker alone is called.
    shared: bool,
}

/// The rules of one kind of one proxy, in order.
#[derive(Debug, Default)]
pub struct RuleSet {
    rules: Vec<Rule>,
}

impl Kind {
    /// All kinds.
    pub const ALL: &'static [Self] = &[
        Self::TcpRequestConnection,
        Self::TcpRequestSession,
        Self::TcpRequestContent,
        Self::TcpResponseContent,
        Self::HttpRequest,
        Self::HttpResponse,
        Self::HttpAfterResponse,
    ];

    /// Returns the words that begin such a rule.
    pub const fn keyword(self) -> &'static str {
        match self {
            Self::TcpRequestConnection => "tcp-request connection",
            Self::TcpRequestSession => "tcp-request session",
            Self::TcpRequestContent => "tcp-request content",
            Self::TcpResponseContent => "tcp-response content",
            Self::HttpRequest => "http-request",
            Self::HttpResponse => "http-response",
            Self::HttpAfterResponse => "http-after-response",
        }
    }

    /// Tells whether such a rule looks at HTTP messages.
    pub const fn is_http(self) -> bool {
        matches!(self, Self::HttpRequest | Self::HttpResponse | Self::HttpAfterResponse)
    }

    /// Returns the direction of the message that such a rule looks at.
    pub const fn direction(self) -> Direction {
        match self {
            Self::TcpRequestConnection
            | Self::TcpRequestSession
            | Self::TcpRequestContent
            | Self::HttpRequest => Direction::Request,
            Self::TcpResponseContent | Self::HttpResponse | Self::HttpAfterResponse => {
                Direction::Response
            }
        }
    }

    /// Returns what a fetch may read in such a rule: in a backend it may read more.
    pub const fn checkpoint(self, backend: bool) -> Checkpoint {
        match (self, backend) {
            (Self::TcpRequestConnection, _) => Checkpoint::FrontendTcpConnection,
            (Self::TcpRequestSession, _) => Checkpoint::FrontendTcpSession,
            (Self::TcpRequestContent, false) => Checkpoint::FrontendTcpContent,
            (Self::TcpRequestContent, true) => Checkpoint::BackendTcpContent,
            (Self::TcpResponseContent, _) => Checkpoint::BackendTcpResponse,
            (Self::HttpRequest, false) => Checkpoint::FrontendHttpHeader,
            (Self::HttpRequest, true) => Checkpoint::BackendHttpHeader,
            (Self::HttpResponse | Self::HttpAfterResponse, false) => {
                Checkpoint::FrontendHttpResponse
            }
            (Self::HttpResponse | Self::HttpAfterResponse, true) => Checkpoint::BackendHttpResponse,
        }
    }

    /// Returns the name by which scripts ask for such rules (`core.register_action`).
    pub const fn environment(self) -> Option<&'static str> {
        match self {
            Self::TcpRequestConnection | Self::TcpRequestSession => None,
            Self::TcpRequestContent => Some("tcp-req"),
            Self::TcpResponseContent => Some("tcp-res"),
            Self::HttpRequest => Some("http-req"),
            Self::HttpResponse => Some("http-res"),
            Self::HttpAfterResponse => Some("http-after-res"),
        }
    }
}

impl Rule {
    /// Tells whether this rule has a condition.
    pub fn is_conditional(&self) -> bool {
        self.condition.is_some()
    }

    /// Tells whether no rule of the set is looked at after this one.
    pub fn is_final(&self) -> bool {
        self.condition.is_none() && self.action.is_final()
    }
}

impl RuleSet {
    /// Tells whether there is no rule.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Returns how many rules there are.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Adds a rule at the end.
    pub fn push(&mut self, rule: Rule) {
        self.rules.push(rule);
    }

    /// Returns the last rule.
    pub fn last(&self) -> Option<&Rule> {
        self.rules.last()
    }

    /// Tells whether a rule calls a script that lives on one worker alone.
    pub fn needs_shared_state(&self) -> bool {
        self.rules.iter().any(|rule| rule.shared)
    }

    /// Runs the rules in order, until one of them ends the set.
    pub async fn run(&self, eval: Eval<'_>) -> Verdict {
        let mut strict = true;
        for rule in &self.rules {
            if let Some(condition) = &rule.condition {
                let truth = condition.eval(eval).await;
                if eval.txn.borrow().refused.is_some() {
                    return Verdict::Deny;
                }
                match truth {
                    Truth::Pass => {}
                    Truth::Miss if !eval.is_final => return Verdict::Wait,
                    Truth::Fail | Truth::Miss => continue,
                }
            }
            match rule.action.run(eval).await {
                action::Done::Verdict(Verdict::Continue) => {}
                action::Done::Verdict(verdict) => return verdict,
                action::Done::Unwritable if strict => return Verdict::Error,
                action::Done::Unwritable => {}
                action::Done::Strict(on) => strict = on,
            }
        }
        Verdict::Continue
    }
}
