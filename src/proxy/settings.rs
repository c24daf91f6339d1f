//! What a proxy section sets.

use std::time::Duration;

/// `mode`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Bytes in both directions.
    #[default]
    Tcp,
    /// HTTP messages.
    Http,
}

/// `timeout ...`: `None` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timeouts {
    /// `timeout client`: inactivity of the client.
    pub client: Option<Duration>,
    /// `timeout client-fin`: inactivity of a client of a half-closed connection.
    pub client_fin: Option<Duration>,
    /// `timeout connect`: until a server has accepted.
    pub connect: Option<Duration>,
    /// `timeout http-keep-alive`: between two requests.
    pub http_keep_alive: Option<Duration>,
    /// `timeout http-request`: until a request's head is complete.
    pub http_request: Option<Duration>,
    /// `timeout queue`: until a server has a free place.
    pub queue: Option<Duration>,
    /// `timeout server`: inactivity of the server.
    pub server: Option<Duration>,
    /// `timeout server-fin`: inactivity of a server of a half-closed connection.
    pub server_fin: Option<Duration>,
    /// `timeout tarpit`: how long a tarpitted client is held.
    pub tarpit: Option<Duration>,
    /// `timeout tunnel`: inactivity of both sides once bytes pass untouched.
    pub tunnel: Option<Duration>,
    /// `tcp-request inspect-delay`.
    pub inspect_request: Option<Duration>,
    /// `tcp-response inspect-delay`.
    pub inspect_response: Option<Duration>,
}

/// `balance`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Balance {
    /// `roundrobin`: each server in its turn, by weight.
    #[default]
    RoundRobin,
    /// `static-rr`: the same.
    StaticRr,
    /// `leastconn`: the one with the fewest connections for its weight.
    LeastConn,
    /// `first`: the first one with a free place.
    First,
    /// `random`: the less used of two drawn by weight.
    Random,
    /// `source`: by the client's address.
    Source,
}

/// How connections are kept, of `option http-keep-alive` and its siblings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeepAlive {
    /// Both sides (`option http-keep-alive`, the default).
    #[default]
    Both,
    /// The client's side only (`option http-server-close`).
    ClientOnly,
    /// Neither (`option httpclose`).
    Neither,
}

/// `option ...`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// `option http-keep-alive`, `http-server-close`, `httpclose`.
    pub keep_alive: KeepAlive,
    /// `option dontlognull`: no line for a connection without a byte.
    pub dont_log_null: bool,
    /// `option dontlog-normal`: no line for what went well.
    pub dont_log_normal: bool,
    /// `option logasap`: log when the response's head is there.
    pub log_asap: bool,
    /// `option log-separate-errors`.
    pub log_separate_errors: bool,
    /// `option forwardfor`.
    pub forward_for: Option<ForwardFor>,
    /// `option http-buffer-request`.
    pub buffer_request: bool,
    /// `option abortonclose`.
    pub abort_on_close: bool,
    /// `option redispatch`.
    pub redispatch: bool,
    /// `option http-ignore-probes`.
    pub ignore_probes: bool,
    /// `option tcp-smart-accept`, `clitcpka`.
    pub client_tcp_keep_alive: bool,
    /// `option srvtcpka`.
    pub server_tcp_keep_alive: bool,
    /// `option disable-h2-upgrade`: a client that begins with HTTP/1 goes on with it.
    pub disable_h2_upgrade: bool,
    /// `http-reuse never`: no request goes over a used connection.
    pub never_reuse: bool,
}

/// `option forwardfor [except NET] [header NAME] [if-none]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForwardFor {
    /// Addresses that get no header.
    pub except: Option<ipnet::IpNet>,
    /// The header's name, in lower case.
    pub header: String,
    /// Leave a header that is there.
    pub if_none: bool,
}

/// A place where a sample of a message is kept, for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capture {
    /// The header it is filled from (`capture request header`), in lower case; `None`: by rules.
    pub header: Option<String>,
    /// The most bytes kept.
    pub length: usize,
}
