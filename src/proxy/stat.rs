//! The columns of `show stat`, one row each: HAProxy's names, and what is counted here.

use std::borrow::Cow;

use super::Balance;
use super::Counter;
use super::Counters;
use super::Mode;
use super::Proxy;
use super::Server;
use super::live;

/// What a line of `show stat` is about.
#[derive(Clone, Copy, Debug)]
pub enum Subject<'a> {
    Frontend(&'a Proxy),
    Backend(&'a Proxy),
    Server(&'a Proxy, &'a Server),
    /// A `bind` line: its name, its number and where it listens.
    Listener(&'a Proxy, &'a str, u32, &'a str),
}

/// What stands in a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell<'a> {
    Number(i64),
    Text(Cow<'a, str>),
}

/// A column.
#[derive(Debug)]
pub struct Column {
    pub name: &'static str,
    /// The subjects that have it, by their initials; `L` is a listener.
    of: &'static str,
    read: Read,
}

#[derive(Debug)]
enum Read {
    /// A counter.
    Count(Counter),
    /// HAProxy counts it, luaproxy does not.
    Fixed(i64),
    Of(for<'a> fn(Subject<'a>) -> Option<Cell<'a>>),
}

use Counter as C;
use Read::Count;
use Read::Fixed;
use Read::Of;

const fn column(name: &'static str, of: &'static str, read: Read) -> Column {
    Column { name, of, read }
}

/// All columns, in HAProxy's order.
pub const TABLE: &[Column] = &[
    column("pxname", "FBSL", Of(|it| text(&it.proxy().name))),
    column("svname", "FBSL", Of(svname)),
    column("qcur", "BS", Of(qcur)),
    column("qmax", "BS", Fixed(0)),
    column("scur", "FBSL", Of(scur)),
    column("smax", "FBSL", Fixed(0)),
    column("slim", "FBSL", Of(slim)),
    column("stot", "FBSL", Count(C::Total)),
    column("bin", "FBSL", Count(C::BytesIn)),
    column("bout", "FBSL", Count(C::BytesOut)),
    column("dreq", "FBL", Count(C::RequestsDenied)),
    column("dresp", "FBSL", Count(C::ResponsesDenied)),
    column("ereq", "FL", Count(C::RequestErrors)),
    column("econ", "BS", Count(C::ConnectErrors)),
    column("eresp", "BS", Count(C::ResponseErrors)),
    column("wretr", "BS", Count(C::Retries)),
    column("wredis", "BS", Fixed(0)),
    column("status", "FBSL", Of(status)),
    column("weight", "BS", Of(weight)),
    column("act", "BS", Of(|it| serving(it, false))),
    column("bck", "BS", Of(|it| serving(it, true))),
    column("chkfail", "", Fixed(0)),
    column("chkdown", "B", Fixed(0)),
    column("lastchg", "BS", Of(lastchg)),
    column("downtime", "B", Fixed(0)),
    column("qlimit", "S", Of(qlimit)),
    column("pid", "FBSL", Fixed(1)),
    column("iid", "FBSL", Of(|it| number(it.proxy().uuid))),
    column("sid", "FBSL", Of(sid)),
    column("throttle", "", Fixed(0)),
    column("lbtot", "BS", Count(C::Total)),
    column("tracked", "", Fixed(0)),
    column("type", "FBSL", Of(kind)),
    column("rate", "FBS", Fixed(0)),
    column("rate_lim", "F", Fixed(0)),
    column("rate_max", "FBS", Fixed(0)),
    column("check_status", "", Fixed(0)),
    column("check_code", "", Fixed(0)),
    column("check_duration", "", Fixed(0)),
    column("hrsp_1xx", "FBS", Count(C::Status1xx)),
    column("hrsp_2xx", "FBS", Count(C::Status2xx)),
    column("hrsp_3xx", "FBS", Count(C::Status3xx)),
    column("hrsp_4xx", "FBS", Count(C::Status4xx)),
    column("hrsp_5xx", "FBS", Count(C::Status5xx)),
    column("hrsp_other", "FBS", Count(C::StatusOther)),
    column("hanafail", "", Fixed(0)),
    column("req_rate", "F", Fixed(0)),
    column("req_rate_max", "F", Fixed(0)),
    column("req_tot", "FBS", Count(C::Requests)),
    column("cli_abrt", "BS", Fixed(0)),
    column("srv_abrt", "BS", Fixed(0)),
    column("comp_in", "FB", Fixed(0)),
    column("comp_out", "FB", Fixed(0)),
    column("comp_byp", "FB", Fixed(0)),
    column("comp_rsp", "FB", Fixed(0)),
    column("lastsess", "BS", Fixed(-1)),
    column("last_chk", "", Fixed(0)),
    column("last_agt", "", Fixed(0)),
    column("qtime", "BS", Fixed(0)),
    column("ctime", "BS", Fixed(0)),
    column("rtime", "BS", Fixed(0)),
    column("ttime", "BS", Fixed(0)),
    column("agent_status", "", Fixed(0)),
    column("agent_code", "", Fixed(0)),
    column("agent_duration", "", Fixed(0)),
    column("check_desc", "", Fixed(0)),
    column("agent_desc", "", Fixed(0)),
    column("check_rise", "", Fixed(0)),
    column("check_fall", "", Fixed(0)),
    column("check_health", "", Fixed(0)),
    column("agent_rise", "", Fixed(0)),
    column("agent_fall", "", Fixed(0)),
    column("agent_health", "", Fixed(0)),
    column("addr", "SL", Of(addr)),
    column("cookie", "", Fixed(0)),
    column("mode", "FBSL", Of(|it| text(it.proxy().mode_name()))),
    column("algo", "B", Of(|it| text(algo(it.proxy().balance)))),
    column("conn_rate", "F", Fixed(0)),
    column("conn_rate_max", "F", Fixed(0)),
    column("conn_tot", "F", Count(C::Total)),
    column("intercepted", "F", Fixed(0)),
    column("dcon", "FL", Fixed(0)),
    column("dses", "FL", Fixed(0)),
    column("wrew", "FBSL", Fixed(0)),
    column("connect", "BS", Fixed(0)),
    column("reuse", "BS", Fixed(0)),
    column("cache_lookups", "FB", Fixed(0)),
    column("cache_hits", "FB", Fixed(0)),
    column("srv_icur", "S", Fixed(0)),
    column("src_ilim", "", Fixed(0)),
    column("qtime_max", "BS", Fixed(0)),
    column("ctime_max", "BS", Fixed(0)),
    column("rtime_max", "BS", Fixed(0)),
    column("ttime_max", "BS", Fixed(0)),
    column("eint", "FBSL", Fixed(0)),
    column("idle_conn_cur", "S", Fixed(0)),
    column("safe_conn_cur", "S", Fixed(0)),
    column("used_conn_cur", "S", Fixed(0)),
    column("need_conn_est", "S", Fixed(0)),
    column("uweight", "BS", Of(weight)),
    column("agg_server_status", "B", Fixed(0)),
    column("agg_server_check_status", "B", Fixed(0)),
    column("agg_check_status", "B", Fixed(0)),
];

impl<'a> Subject<'a> {
    fn proxy(self) -> &'a Proxy {
        match self {
            Self::Frontend(proxy)
            | Self::Backend(proxy)
            | Self::Server(proxy, _)
            | Self::Listener(proxy, ..) => proxy,
        }
    }

    fn counters(self) -> Option<&'a Counters> {
        match self {
            Self::Frontend(proxy) | Self::Backend(proxy) => Some(&proxy.counters),
            Self::Server(_, server) => Some(&server.counters),
            Self::Listener(..) => None,
        }
    }

    fn initial(self) -> char {
        match self {
            Self::Frontend(_) => 'F',
            Self::Backend(_) => 'B',
            Self::Server(..) => 'S',
            Self::Listener(..) => 'L',
        }
    }
}

impl Column {
    /// Returns what stands in this column of a line; `None` where it is empty.
    pub fn of<'a>(&self, subject: Subject<'a>) -> Option<Cell<'a>> {
        if !self.of.contains(subject.initial()) {
            return None;
        }
        match &self.read {
            Count(counter) => {
                // A listener has no counters of its own.
                let counted = subject.counters().map_or(0, |counters| counters.sum(*counter));
                Some(Cell::Number(counted))
            }
            Fixed(value) => Some(Cell::Number(*value)),
            Of(read) => read(subject),
        }
    }
}

impl Proxy {
    /// Returns the mode's name.
    pub fn mode_name(&self) -> &'static str {
        match self.mode {
            Mode::Tcp => "tcp",
            Mode::Http => "http",
        }
    }

    /// Returns how many of its servers may be chosen: the active ones, or the backups.
    pub fn serving(&self, backup: bool) -> usize {
        let servers = self.servers.iter();
        servers.filter(|server| server.is_eligible() && server.backup == backup).count()
    }
}

fn algo(balance: Balance) -> &'static str {
    match balance {
        Balance::RoundRobin => "roundrobin",
        Balance::StaticRr => "static-rr",
        Balance::LeastConn => "leastconn",
        Balance::First => "first",
        Balance::Random => "random",
        Balance::Source => "source",
    }
}

#[expect(clippy::unnecessary_wraps, reason = "what a row takes")]
fn number<'a>(number: u32) -> Option<Cell<'a>> {
    Some(Cell::Number(number.into()))
}

#[expect(clippy::unnecessary_wraps, reason = "what a row takes")]
fn text(text: &str) -> Option<Cell<'_>> {
    Some(Cell::Text(text.into()))
}

fn count<'a>(count: usize) -> Option<Cell<'a>> {
    i64::try_from(count).ok().map(Cell::Number)
}

fn svname(subject: Subject<'_>) -> Option<Cell<'_>> {
    text(match subject {
        Subject::Frontend(_) => "FRONTEND",
        Subject::Backend(_) => "BACKEND",
        Subject::Server(_, server) => &server.name,
        Subject::Listener(_, name, ..) => name,
    })
}

fn qcur(subject: Subject<'_>) -> Option<Cell<'_>> {
    match subject {
        Subject::Server(_, server) => number(server.places.waiting()),
        _ => Some(Cell::Number(subject.proxy().counters.sum(C::Queued))),
    }
}

fn scur(subject: Subject<'_>) -> Option<Cell<'_>> {
    let counter = if matches!(subject, Subject::Backend(_)) { C::Serving } else { C::Current };
    Some(Cell::Number(subject.counters().map_or(0, |counters| counters.sum(counter))))
}

fn slim(subject: Subject<'_>) -> Option<Cell<'_>> {
    match subject {
        Subject::Frontend(proxy) | Subject::Listener(proxy, ..) => number(proxy.maxconn),
        Subject::Backend(proxy) => number(proxy.fullconn),
        Subject::Server(_, server) => number(server.current_maxconn()).filter(is_some_limit),
    }
}

fn is_some_limit(cell: &Cell<'_>) -> bool {
    *cell != Cell::Number(0)
}

fn status(subject: Subject<'_>) -> Option<Cell<'_>> {
    text(match subject {
        Subject::Frontend(proxy) | Subject::Listener(proxy, ..) if proxy.is_stopped() => "STOP",
        Subject::Frontend(_) | Subject::Listener(..) => "OPEN",
        Subject::Backend(proxy) => {
            if proxy.is_up() {
                "UP"
            } else {
                "DOWN"
            }
        }
        Subject::Server(_, server) => server.status(),
    })
}

fn weight(subject: Subject<'_>) -> Option<Cell<'_>> {
    match subject {
        Subject::Server(_, server) => number(server.current_weight()),
        _ => {
            let proxy = subject.proxy();
            let active = proxy.serving(false) > 0;
            let used = proxy.servers.iter().filter(|it| it.is_eligible() && it.backup != active);
            number(used.map(|server| server.current_weight()).sum())
        }
    }
}

fn serving(subject: Subject<'_>, backup: bool) -> Option<Cell<'_>> {
    match subject {
        Subject::Server(_, server) => number(u32::from(server.backup == backup)),
        _ => count(subject.proxy().serving(backup)),
    }
}

fn lastchg(subject: Subject<'_>) -> Option<Cell<'_>> {
    let since = match subject {
        Subject::Server(_, server) => server.since(),
        _ => live::uptime(),
    };
    i64::try_from(since).ok().map(Cell::Number)
}

fn qlimit(subject: Subject<'_>) -> Option<Cell<'_>> {
    match subject {
        Subject::Server(_, server) => number(server.maxqueue).filter(is_some_limit),
        _ => None,
    }
}

fn sid(subject: Subject<'_>) -> Option<Cell<'_>> {
    number(match subject {
        Subject::Frontend(_) | Subject::Backend(_) => 0,
        Subject::Server(_, server) => server.puid,
        Subject::Listener(_, _, id, _) => id,
    })
}

fn kind(subject: Subject<'_>) -> Option<Cell<'_>> {
    number(match subject {
        Subject::Frontend(_) => 0,
        Subject::Backend(_) => 1,
        Subject::Server(..) => 2,
        Subject::Listener(..) => 3,
    })
}

fn addr(subject: Subject<'_>) -> Option<Cell<'_>> {
    match subject {
        Subject::Server(_, server) => Some(Cell::Text(server.current_addr().to_string().into())),
        Subject::Listener(_, _, _, addr) => text(addr),
        Subject::Frontend(_) | Subject::Backend(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::testing;

    #[test]
    fn columns_are_haproxys() {
        assert_eq!(TABLE.len(), 103);
        let backend = testing::backend(&[("a", 5, 7), ("b", 1, 0)]);
        let line = |subject: Subject<'_>| -> String {
            let cells = TABLE.iter().map(|column| match column.of(subject) {
                Some(Cell::Number(number)) => number.to_string(),
                Some(Cell::Text(text)) => text.into_owned(),
                None => String::new(),
            });
            cells.collect::<Vec<_>>().join(",")
        };
        let front = line(Subject::Frontend(&backend));
        assert!(
            front.starts_with("b,FRONTEND,,,0,0,0,0,0,0,0,0,0,,,,,OPEN,,,,,,,,,1,1,0,,,,0,0,0,0")
        );
        let server = line(Subject::Server(&backend, &backend.servers[0]));
        assert!(
            server.starts_with("b,a,0,0,0,0,7,0,0,0,,0,,0,0,0,0,no check,5,1,0,,,"),
            "{server}"
        );
        let back = line(Subject::Backend(&backend));
        assert!(back.starts_with("b,BACKEND,0,0,0,0,0,0,0,0,0,0,,0,0,0,0,UP,6,2,0,,0,"), "{back}");
        let listener = line(Subject::Listener(&backend, "l1", 1, "127.0.0.1:80"));
        assert!(listener.starts_with("b,l1,,,0,0,0,0,0,0,0,0,0,,,,,OPEN,"), "{listener}");
    }
}
