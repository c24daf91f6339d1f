//! The lines of `show info`, one row each: HAProxy's names, and what is known here.

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;

use rustix::process::Resource;

use super::Counter;
use super::Set;
use super::live;
use super::stat::Cell;
use crate::clock;

/// What the proxies share of the process.
#[derive(Debug, Default)]
pub struct Process {
    /// `nbthread`
    pub workers: usize,
    /// `maxconn`; 0 is no limit.
    pub maxconn: AtomicU32,
    /// `node`
    pub node: String,
    /// `description`
    pub description: Option<String>,
}

/// A line.
#[derive(Debug)]
pub struct Line {
    pub name: &'static str,
    read: Read,
}

#[derive(Debug)]
enum Read {
    /// HAProxy counts it, luaproxy does not.
    Fixed(i64),
    Text(&'static str),
    Of(fn(&Set) -> Option<Cell<'_>>),
}

use Read::Fixed;
use Read::Of;
use Read::Text;

const fn line(name: &'static str, read: Read) -> Line {
    Line { name, read }
}

/// All lines, in HAProxy's order.
pub const TABLE: &[Line] = &[
    line("Name", Text("luaproxy")),
    line("Version", Text(env!("CARGO_PKG_VERSION"))),
    line("Release_date", Text("")),
    line("Nbthread", Of(|it| number(it.process.workers as u64))),
    line("Nbproc", Fixed(1)),
    line("Process_num", Fixed(1)),
    line("Pid", Of(|_| number(std::process::id().into()))),
    line("Uptime", Of(|_| Some(Cell::Text(uptime(live::uptime()).into())))),
    line("Uptime_sec", Of(|_| number(live::uptime()))),
    line("Start_time_sec", Of(|_| number(clock::date().as_secs() - live::uptime()))),
    line("Memmax_MB", Fixed(0)),
    line("PoolAlloc_MB", Fixed(0)),
    line("PoolUsed_MB", Fixed(0)),
    line("PoolFailed", Fixed(0)),
    line("Ulimit-n", Of(|_| descriptors())),
    line("Maxsock", Of(|_| descriptors())),
    line("Maxconn", Of(|it| number(it.process.maxconn.load(Relaxed).into()))),
    line("Hard_maxconn", Of(|it| number(it.process.maxconn.load(Relaxed).into()))),
    line("CurrConns", Of(|it| sum(it, Counter::Current))),
    line("CumConns", Of(|it| sum(it, Counter::Total))),
    line("CumReq", Of(|it| sum(it, Counter::Requests))),
    line("MaxSslConns", Fixed(0)),
    line("CurrSslConns", Fixed(0)),
    line("CumSslConns", Fixed(0)),
    line("Maxpipes", Fixed(0)),
    line("PipesUsed", Fixed(0)),
    line("PipesFree", Fixed(0)),
    line("ConnRate", Fixed(0)),
    line("ConnRateLimit", Fixed(0)),
    line("MaxConnRate", Fixed(0)),
    line("SessRate", Fixed(0)),
    line("SessRateLimit", Fixed(0)),
    line("MaxSessRate", Fixed(0)),
    line("SslRate", Fixed(0)),
    line("SslRateLimit", Fixed(0)),
    line("MaxSslRate", Fixed(0)),
    line("SslFrontendKeyRate", Fixed(0)),
    line("SslFrontendMaxKeyRate", Fixed(0)),
    line("SslFrontendSessionReuse_pct", Fixed(0)),
    line("SslBackendKeyRate", Fixed(0)),
    line("SslBackendMaxKeyRate", Fixed(0)),
    line("SslCacheLookups", Fixed(0)),
    line("SslCacheMisses", Fixed(0)),
    line("CompressBpsIn", Fixed(0)),
    line("CompressBpsOut", Fixed(0)),
    line("CompressBpsRateLim", Fixed(0)),
    line("Tasks", Fixed(0)),
    line("Run_queue", Fixed(0)),
    line("Idle_pct", Fixed(100)),
    line("node", Of(|it| Some(Cell::Text(it.process.node.as_str().into())))),
    line("description", Of(|it| Some(Cell::Text(it.process.description.as_deref()?.into())))),
    line("Stopping", Fixed(0)),
    line("Jobs", Of(|it| sum(it, Counter::Current))),
    line("Unstoppable Jobs", Fixed(0)),
    line("Listeners", Of(|it| number(it.iter().map(|proxy| proxy.listeners.len() as u64).sum()))),
    line("ActivePeers", Fixed(0)),
    line("ConnectedPeers", Fixed(0)),
    line("DroppedLogs", Fixed(0)),
    line("BusyPolling", Fixed(0)),
    line("FailedResolutions", Fixed(0)),
    line("TotalBytesOut", Of(|it| sum(it, Counter::BytesOut))),
    line("TotalSplicdedBytesOut", Fixed(0)),
];

impl Line {
    /// Returns what stands there; `None` where the line is left out.
    pub fn of<'a>(&self, set: &'a Set) -> Option<Cell<'a>> {
        match &self.read {
            Fixed(value) => Some(Cell::Number(*value)),
            Text(text) => Some(Cell::Text((*text).into())),
            Of(read) => read(set),
        }
    }
}

fn number<'a>(number: u64) -> Option<Cell<'a>> {
    i64::try_from(number).ok().map(Cell::Number)
}

/// Adds up what frontends have counted.
#[expect(clippy::unnecessary_wraps, reason = "what a row takes")]
fn sum<'a>(set: &Set, counter: Counter) -> Option<Cell<'a>> {
    let frontends = set.iter().filter(|proxy| proxy.caps.frontend);
    Some(Cell::Number(frontends.map(|proxy| proxy.counters.sum(counter)).sum()))
}

fn descriptors<'a>() -> Option<Cell<'a>> {
    number(rustix::process::getrlimit(Resource::Nofile).current?)
}

fn uptime(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    format!("{days}d {}h{:02}m{:02}s", hours % 24, minutes % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::proxy::testing;

    #[test]
    fn lines_have_haproxys_names() {
        let names: BTreeSet<_> = TABLE.iter().map(|line| line.name).collect();
        assert_eq!(names.len(), TABLE.len());
        let mut set = Set::new(vec![testing::backend(&[])]);
        set.process.node = "n1".to_owned();
        let found = |name: &str| TABLE.iter().find(|line| line.name == name).unwrap().of(&set);
        assert_eq!(found("node"), Some(Cell::Text("n1".into())));
        assert_eq!(found("description"), None);
        assert_eq!(found("CurrConns"), Some(Cell::Number(0)));
        assert_eq!(uptime(90_061), "1d 1h01m01s");
    }
}
