//! A section that is being compiled.

use std::cell::RefCell;

use crate::diag::Span;
use crate::log::Target;
use crate::program;
use crate::program::Bind;
use crate::proxy;
use crate::rule;
use crate::rule::RuleSet;
use crate::sample::acl;
use crate::syntax::Line;
use crate::syntax::Word;

use super::server;

/// The sections that are compiled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    #[default]
    Global,
    Defaults,
    Frontend,
    Backend,
    Listen,
    Tenant,
}

/// A section that is being compiled.
#[derive(Debug, Default)]
pub(super) struct Draft<'a> {
    pub(super) kind: Kind,
    pub(super) name: String,
    pub(super) id: Option<proxy::Id>,
    /// Where its first line is.
    pub(super) span: Span,
    /// What it has from its `defaults` section and has set itself.
    pub(super) settings: Settings<'a>,
    pub(super) uuid: Option<(u32, Span)>,
    pub(super) description: Option<String>,
    pub(super) binds: Vec<Bind>,
    pub(super) servers: Vec<server::Draft>,
    pub(super) acls: acl::Table,
    pub(super) captures: RefCell<[Vec<proxy::Capture>; 2]>,
    pub(super) slots: RefCell<Vec<rule::SlotUse>>,
    pub(super) rules: Rules,
    pub(super) switching: Vec<program::Switch<proxy::Id>>,
    pub(super) use_server: Vec<program::Switch<usize>>,
    /// Backends that are named: their modes are compared at the end.
    pub(super) targets: Vec<(proxy::Id, Span)>,
    pub(super) monitor_fail: Vec<crate::sample::Condition>,
    /// How many rules of each order there are so far.
    pub(super) orders: [usize; rule_orders()],
    /// The last line of rules that need `mode http`, by keyword.
    pub(super) http_lines: Vec<(&'static str, Span)>,
}

/// What a `defaults` section gives to the proxies after it.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings<'a> {
    pub(super) mode: proxy::Mode,
    /// Its `mode` line names none that there is.
    pub(super) is_mode_wrong: bool,
    pub(super) timeouts: proxy::Timeouts,
    pub(super) options: proxy::Options,
    pub(super) maxconn: u32,
    pub(super) fullconn: u32,
    pub(super) backlog: Option<i32>,
    pub(super) retries: Option<u32>,
    pub(super) balance: proxy::Balance,
    pub(super) disabled: bool,
    pub(super) log_global: bool,
    pub(super) loggers: Vec<Target>,
    pub(super) log_tag: Option<String>,
    pub(super) log_format: Option<LogFormat<'a>>,
    pub(super) error_log_format: Option<&'a Word>,
    pub(super) unique_id: Option<&'a Word>,
    pub(super) unique_id_header: Option<String>,
    pub(super) monitor_uri: Option<String>,
    pub(super) default_backend: Option<&'a Word>,
    pub(super) error_answers: Vec<(u16, bytes::Bytes)>,
    pub(super) server: server::Settings,
    /// ACLs and rules of a named `defaults` section: each proxy compiles them for itself.
    pub(super) lines: Vec<&'a Line>,
}

/// `log-format` and what stands for it.
#[derive(Clone, Copy, Debug)]
pub(super) enum LogFormat<'a> {
    Text(&'a Word),
    /// `option tcplog` and so on, and where it was asked for.
    Builtin {
        option: &'static str,
        format: &'static str,
        span: Span,
    },
}

/// The rule sets.
#[derive(Debug, Default)]
pub(super) struct Rules {
    pub(super) tcp_connection: RuleSet,
    pub(super) tcp_session: RuleSet,
    pub(super) tcp_request: RuleSet,
    pub(super) tcp_response: RuleSet,
    pub(super) http_request: RuleSet,
    pub(super) http_response: RuleSet,
    pub(super) http_after_response: RuleSet,
}

/// Returns how many orders of rules there are (see `rules::Order`).
const fn rule_orders() -> usize {
    super::rules::ORDERS.len()
}

impl Kind {
    pub(super) const ALL: &'static [Self] =
        &[Self::Global, Self::Defaults, Self::Frontend, Self::Backend, Self::Listen, Self::Tenant];

    pub(super) fn find(keyword: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.keyword() == keyword)
    }

    pub(super) const fn keyword(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::Defaults => "defaults",
            Self::Frontend => "frontend",
            Self::Backend => "backend",
            Self::Listen => "listen",
            Self::Tenant => "tenant",
        }
    }

    /// Returns the initial by which tables name it.
    pub(super) const fn initial(self) -> char {
        match self {
            Self::Global => 'G',
            Self::Defaults => 'D',
            Self::Frontend => 'F',
            Self::Backend => 'B',
            Self::Listen => 'L',
            Self::Tenant => 'T',
        }
    }

    /// Tells whether such a section holds settings of proxies.
    pub(super) const fn is_proxy(self) -> bool {
        !matches!(self, Self::Global | Self::Tenant)
    }

    /// Returns what such a proxy may do.
    pub(super) const fn caps(self) -> proxy::Caps {
        proxy::Caps {
            frontend: matches!(self, Self::Frontend | Self::Listen | Self::Defaults),
            backend: matches!(self, Self::Backend | Self::Listen | Self::Defaults),
        }
    }

    /// Returns what HAProxy calls such a proxy in its messages.
    pub(super) const fn noun(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::Defaults => "defaults",
            Self::Frontend => "frontend",
            Self::Backend => "backend",
            Self::Listen => "proxy",
            Self::Tenant => "tenant",
        }
    }
}

impl Draft<'_> {
    /// Returns the section as HAProxy's messages name it: `frontend 'fe'`.
    pub(super) fn owner(&self) -> String {
        format!("{} '{}'", self.kind.noun(), self.name)
    }

    pub(super) fn caps(&self) -> proxy::Caps {
        self.kind.caps()
    }

    pub(super) fn is_http(&self) -> bool {
        self.settings.mode == proxy::Mode::Http
    }
}

impl Rules {
    pub(super) fn of(&mut self, kind: rule::Kind) -> &mut RuleSet {
        match kind {
            rule::Kind::TcpRequestConnection => &mut self.tcp_connection,
            rule::Kind::TcpRequestSession => &mut self.tcp_session,
            rule::Kind::TcpRequestContent => &mut self.tcp_request,
            rule::Kind::TcpResponseContent => &mut self.tcp_response,
            rule::Kind::HttpRequest => &mut self.http_request,
            rule::Kind::HttpResponse => &mut self.http_response,
            rule::Kind::HttpAfterResponse => &mut self.http_after_response,
        }
    }

    pub(super) fn all(&self) -> [&RuleSet; 7] {
        [
            &self.tcp_connection,
            &self.tcp_session,
            &self.tcp_request,
            &self.tcp_response,
            &self.http_request,
            &self.http_response,
            &self.http_after_response,
        ]
    }
}
