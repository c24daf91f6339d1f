//! A compiled configuration: proxies paired with their rule sets. Shared by all workers.

use std::sync::Arc;
use std::time::Duration;

use crate::admin;
use crate::log;
use crate::net::addr::Spec;
use crate::net::listener;
use crate::net::tls::Acceptor;
use crate::proxy;
use crate::rule::RuleSet;
use crate::sample::Condition;
use crate::sample::Expr;
use crate::sample::Format;

/// A whole configuration, ready to run.
#[derive(Debug)]
pub struct Program {
    /// What `global` sections set.
    pub global: Global,
    /// The proxies, by their ids.
    pub proxies: Arc<proxy::Set>,
    /// The rules of the proxies, by the same ids.
    pub sections: Vec<Section>,
    /// The names of the files it was read from.
    pub files: Vec<String>,
}

/// What `global` sections set.
#[derive(Clone, Debug)]
pub struct Global {
    /// `nbthread`: how many workers.
    pub nbthread: usize,
    /// `maxconn`: connections of the process; 0 is no limit of its own.
    pub maxconn: u32,
    /// `tune.bufsize`: bytes of a buffer.
    pub bufsize: usize,
    /// `tune.maxrewrite`: what of it is kept for rewriting.
    pub maxrewrite: usize,
    /// `tune.http.maxhdr`: most headers of a message.
    pub maxhdr: usize,
    /// `log`
    pub loggers: Vec<log::Target>,
    /// `log-tag`
    pub log_tag: String,
    /// `log-send-hostname`: the host name of log lines, where it is asked for.
    pub log_send_hostname: Option<String>,
    /// `stats socket`
    pub stats: Vec<StatsSocket>,
    /// `hard-stop-after`: how long a soft stop may last.
    pub hard_stop_after: Option<Duration>,
    /// `pidfile`
    pub pidfile: Option<String>,
    /// `daemon`: go to the background.
    pub daemon: bool,
    /// `master-worker`: asked for; this proxy has one process.
    pub master_worker: bool,
    /// `quiet`: no messages at start.
    pub quiet: bool,
    /// `zero-warning`: refuse to start with warnings.
    pub zero_warning: bool,
    /// `node`
    pub node: String,
    /// `description`
    pub description: Option<String>,
    /// `localpeer`
    pub localpeer: Option<String>,
    /// `tune.h2.*`
    pub http2: Http2,
    /// `tune.idle-pool.shared`: idle connections to servers may go from worker to worker.
    pub share_idle: bool,
}

/// One `stats socket` line.
#[derive(Clone, Debug)]
pub struct StatsSocket {
    /// Where it listens.
    pub spec: Spec,
    /// What may be asked there.
    pub level: admin::Level,
    /// `mode` and the other options of its file.
    pub options: listener::Options,
    /// Where the line is.
    pub line: crate::diag::Span,
}

/// `tune.h2.*`
#[derive(Clone, Copy, Debug)]
pub struct Http2 {
    /// `header-table-size`: of the compression of heads.
    pub header_table: u32,
    /// `max-frame-size`: of what is received.
    pub max_frame: u32,
    /// `fe.*`: connections of clients.
    pub fe: Http2Side,
    /// `be.*`: connections to servers.
    pub be: Http2Side,
}

/// What `tune.h2.` sets for clients or servers.
#[derive(Clone, Copy, Debug)]
pub struct Http2Side {
    /// `initial-window-size`: what one stream may send ahead.
    pub initial_window: u32,
    /// `rxbuf`: what all streams of a connection may send ahead.
    pub buffer: u32,
    /// `max-concurrent-streams`
    pub streams: u32,
    /// `glitches-threshold`: how many streams a peer may break off.
    pub glitches: Option<u32>,
    /// `max-total-streams`: how many a connection carries in its life.
    pub total: Option<u32>,
}

impl Http2Side {
    const DEFAULT: Self = Self {
        initial_window: 65536,
        buffer: 1_638_400,
        streams: 100,
        glitches: None,
        total: None,
    };

    /// Returns how many streams there may be at a time.
    pub fn concurrent(&self) -> usize {
        usize::try_from(self.streams).unwrap_or(usize::MAX)
    }
}

impl Default for Http2 {
    fn default() -> Self {
        let (fe, be) = (Http2Side::DEFAULT, Http2Side::DEFAULT);
        Self { header_table: 4096, max_frame: 16384, fe, be }
    }
}

/// One `frontend`, `backend` or `listen` section.
#[derive(Debug)]
pub struct Section {
    /// Its settings and live state.
    pub proxy: Arc<proxy::Proxy>,
    /// Its `bind` lines.
    pub binds: Vec<Bind>,
    /// `disabled`: it accepts nothing.
    pub disabled: bool,
    /// `tcp-request connection`
    pub tcp_connection: RuleSet,
    /// `tcp-request session`
    pub tcp_session: RuleSet,
    /// `tcp-request content`
    pub tcp_request: RuleSet,
    /// `tcp-response content`
    pub tcp_response: RuleSet,
    /// `http-request`, and `redirect`
    pub http_request: RuleSet,
    /// `http-response`
    pub http_response: RuleSet,
    /// `http-after-response`
    pub http_after_response: RuleSet,
    /// `use_backend`
    pub switching: Vec<Switch<proxy::Id>>,
    /// `use-server`; a fixed target is an index into the proxy's servers.
    pub use_server: Vec<Switch<usize>>,
    /// `sni` of servers, by their numbers.
    pub sni: Vec<(u32, Expr)>,
    /// `default_backend`
    pub default_backend: Option<proxy::Id>,
    /// `log-format`, or what `option httplog` and its siblings stand for.
    pub log_format: Option<Format>,
    /// Nothing says what to log: each exchange is logged when it begins, and so its end is not.
    pub log_connect: bool,
    /// `error-log-format`
    pub error_log_format: Option<Format>,
    /// `log-tag`
    pub log_tag: Option<String>,
    /// `unique-id-format`
    pub unique_id: Option<Format>,
    /// `unique-id-header`
    pub unique_id_header: Option<String>,
    /// `set-proxy-v2-tlv-fmt` of its servers.
    pub server_tlvs: Vec<ServerTlv>,
    /// `monitor-uri`
    pub monitor_uri: Option<String>,
    /// `monitor fail`: any of them that holds makes the monitor fail.
    pub monitor_fail: Vec<Condition>,
    /// It calls scripts that live on one worker alone, or may use a backend that does: its
    /// connections are accepted there.
    pub needs_shared_state: bool,
}

/// `set-proxy-v2-tlv-fmt` of a server.
#[derive(Debug)]
pub struct ServerTlv {
    /// The server's place among those of its proxy.
    pub server: usize,
    /// The TLV's number.
    pub kind: u8,
    /// Its value.
    pub value: Format,
}

/// A `use_backend` or `use-server` line.
#[derive(Debug)]
pub struct Switch<T> {
    /// Where to.
    pub target: Target<T>,
    /// When; always, where there is none.
    pub condition: Option<Condition>,
}

/// Where a [`Switch`] leads.
#[derive(Debug)]
pub enum Target<T> {
    /// Known when the configuration was read.
    Fixed(T),
    /// By its name, built anew each time; one that is not there is passed over.
    Dynamic(Format),
}

/// One `bind` line.
#[derive(Clone, Debug, Default)]
pub struct Bind {
    /// The addresses, as they are written.
    pub addrs: Vec<Spec>,
    /// `name`, or the addresses as they are written.
    pub name: String,
    /// `name` is given.
    pub is_named: bool,
    /// `proto h2`: HTTP/2 from the first byte.
    pub http2: bool,
    /// `accept-proxy`: connections begin with a PROXY header.
    pub accept_proxy: bool,
    /// `id`, or its place in the section, from 1.
    pub id: u32,
    /// `nice`: of the exchanges that come in here.
    pub nice: i32,
    /// `maxconn`: connections that are open at the same time; 0 is no limit of its own.
    pub maxconn: u32,
    /// How the sockets are opened.
    pub options: listener::Options,
    /// How it accepts TLS, where it does.
    pub tls: Option<Arc<Acceptor>>,
    /// Where the line is.
    pub line: crate::diag::Span,
}

impl Program {
    /// Returns the rules of a proxy.
    pub fn section(&self, id: proxy::Id) -> Option<&Section> {
        self.sections.get(id.0 as usize)
    }
}

impl Default for Global {
    fn default() -> Self {
        Self {
            nbthread: 1,
            maxconn: 0,
            bufsize: 16384,
            maxrewrite: 1024,
            maxhdr: 101,
            loggers: Vec::new(),
            log_tag: "haproxy".to_owned(),
            log_send_hostname: None,
            stats: Vec::new(),
            hard_stop_after: None,
            pidfile: None,
            daemon: false,
            master_worker: false,
            quiet: false,
            zero_warning: false,
            node: String::new(),
            description: None,
            localpeer: None,
            http2: Http2::default(),
            share_idle: true,
        }
    }
}
