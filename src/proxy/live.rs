//! What of servers and frontends changes while the proxy runs: read when balancing and accepting.

use std::borrow::Cow;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU8;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Acquire;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::Ordering::Release;

use arc_swap::ArcSwapOption;
use event_listener::Event;
use event_listener::EventListener;

use super::Proxy;
use super::Server;
use super::event;
use super::event::Kind;
use crate::clock;
use crate::net::Addr;

/// What an administrator wants of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admin {
    /// It serves.
    Ready,
    /// It gets nothing new but what must go there.
    Drain,
    /// It gets nothing.
    Maint,
}

/// What has been changed of a server. Of what has not, the configuration holds.
#[derive(Debug, Default)]
pub struct Live {
    /// One more than the [`Admin`].
    admin: AtomicU8,
    /// It was said to be down (`health down`).
    down: AtomicBool,
    /// One more than the weight.
    weight: AtomicU32,
    /// One more than the limit.
    maxconn: AtomicU32,
    has_moved: AtomicBool,
    addr: ArcSwapOption<Addr>,
    /// When it was last told to serve or not to: seconds since 1970.
    changed: AtomicU64,
}

/// What has been changed of a frontend.
#[derive(Debug, Default)]
pub struct Doors {
    paused: AtomicBool,
    stopped: AtomicBool,
}

/// Told when frontends were changed.
static CHANGED: LazyLock<Event> = LazyLock::new(Event::new);

/// When this process began: what was never changed has been so since then.
static BEGUN: LazyLock<u64> = LazyLock::new(|| clock::date().as_secs());

/// Returns what is ready when a frontend is paused, resumed or stopped.
pub fn changed() -> EventListener {
    CHANGED.listen()
}

/// Returns for how many seconds the process has run.
pub fn uptime() -> u64 {
    clock::date().as_secs().saturating_sub(*BEGUN)
}

impl Server {
    /// Returns what the administrator wants of it.
    pub fn admin(&self) -> Admin {
        match self.live.admin.load(Relaxed) {
            0 if self.disabled => Admin::Maint,
            2 => Admin::Drain,
            3 => Admin::Maint,
            _ => Admin::Ready,
        }
    }

    /// Says whether it may be used by who asks for it.
    pub fn is_running(&self) -> bool {
        self.admin() != Admin::Maint && !self.live.down.load(Relaxed)
    }

    /// Says whether balancing may choose it.
    pub fn is_eligible(&self) -> bool {
        self.is_running() && self.admin() == Admin::Ready && self.current_weight() > 0
    }

    /// Returns the weight that it has now.
    pub fn current_weight(&self) -> u32 {
        self.live.weight.load(Relaxed).checked_sub(1).unwrap_or(self.weight)
    }

    /// Returns how many connections it may have now; 0 is no limit.
    pub fn current_maxconn(&self) -> u32 {
        self.live.maxconn.load(Relaxed).checked_sub(1).unwrap_or(self.maxconn)
    }

    /// Returns where it is now.
    pub fn current_addr(&self) -> Cow<'_, Addr> {
        if !self.live.has_moved.load(Acquire) {
            return Cow::Borrowed(&self.addr);
        }
        match &*self.live.addr.load() {
            Some(addr) => Cow::Owned(Addr::clone(addr)),
            None => Cow::Borrowed(&self.addr),
        }
    }

    /// Says whether it is elsewhere than the configuration says.
    pub fn has_moved(&self) -> bool {
        self.live.has_moved.load(Acquire)
    }

    /// Returns what `show stat` says of it; there are no health checks.
    pub fn status(&self) -> &'static str {
        match self.admin() {
            Admin::Maint => "MAINT",
            _ if self.live.down.load(Relaxed) => "DOWN",
            Admin::Drain => "DRAIN",
            Admin::Ready => "no check",
        }
    }

    /// Returns HAProxy's name of what it does.
    pub fn state(&self) -> &'static str {
        match (self.is_running(), self.admin()) {
            (false, _) => "STOPPED",
            (true, Admin::Drain) => "STOPPING",
            (true, _) => "RUNNING",
        }
    }

    /// Returns for how many seconds it has done what it does.
    pub fn since(&self) -> u64 {
        let changed = self.live.changed.load(Relaxed).max(*BEGUN);
        clock::date().as_secs().saturating_sub(changed)
    }
}

impl Proxy {
    /// Sets what the administrator wants of a server.
    pub fn set_admin(self: &Arc<Self>, server: &Arc<Server>, admin: Admin) {
        let (old, before) = (server.admin(), server.state());
        server.live.admin.store(admin as u8 + 1, Relaxed);
        if old != admin {
            event::publish(self, server, &Kind::Admin { old, new: admin });
        }
        self.note_state(server, before, true);
    }

    /// Says that a server is up or down, in place of a health check.
    pub fn set_up(self: &Arc<Self>, server: &Arc<Server>, up: bool) {
        let before = server.state();
        server.live.down.store(!up, Relaxed);
        self.note_state(server, before, false);
    }

    fn note_state(self: &Arc<Self>, server: &Arc<Server>, old: &'static str, admin: bool) {
        let new = server.state();
        if old == new {
            return;
        }
        server.live.changed.store(clock::date().as_secs(), Relaxed);
        event::publish(self, server, &Kind::State { old, new, admin });
        match (old, new) {
            ("STOPPED", _) => event::publish(self, server, &Kind::Up),
            (_, "STOPPED") => event::publish(self, server, &Kind::Down),
            _ => {}
        }
        self.queue.call_all();
    }

    /// Sets the weight of a server; relative to that of the configuration where it ends with `%`.
    pub fn set_weight(&self, server: &Server, text: &str) -> Result<(), &'static str> {
        let (digits, rest) = split_number(text);
        let number = digits.parse::<i64>();
        let number = number.map_err(|_| "Empty weight string empty or preceded by garbage")?;
        let weight = match rest {
            "%" if (0..=100).contains(&number) => i64::from(server.weight) * number / 100,
            "%" => return Err("Relative weight can only be between 0 and 100% inclusive."),
            "" if (0..=256).contains(&number) => number,
            "" => return Err("Absolute weight can only be between 0 and 256 inclusive."),
            _ => return Err("Trailing garbage in weight string"),
        };
        server.live.weight.store(u32::try_from(weight).unwrap_or(0) + 1, Relaxed);
        self.turn.forget_order();
        self.queue.call_all();
        Ok(())
    }

    /// Sets how many connections a server may have; 0 is no limit.
    pub fn set_maxconn(&self, server: &Server, text: &str) -> Result<(), &'static str> {
        let (digits, rest) = split_number(text);
        let number = digits.parse::<u32>().ok().and_then(|number| number.checked_add(1));
        let number = number.ok_or("maxconn string empty or preceded by garbage")?;
        if !rest.is_empty() {
            return Err("Trailing garbage in maxconn string");
        }
        server.live.maxconn.store(number, Relaxed);
        self.queue.call_all();
        Ok(())
    }

    /// Moves a server to another address; says what has changed, in HAProxy's words.
    pub fn set_addr(
        self: &Arc<Self>,
        server: &Arc<Server>,
        addr: &str,
        port: Option<&str>,
        by: &str,
    ) -> Result<String, String> {
        let ip: IpAddr = addr.parse().map_err(|_| format!("Invalid addr '{addr}'"))?;
        let port = match port.map(str::parse::<u16>) {
            None => None,
            Some(Ok(port)) => Some(port),
            Some(Err(_)) => return Err("provided port is not an integer".to_owned()),
        };
        let old = server.current_addr().into_owned();
        let (Some(old_ip), Some(old_port), false) = (old.ip(), old.port(), server.follows_client())
        else {
            return Err("Update for the current server address family is only supported through \
                        configuration file."
                .to_owned());
        };
        let new_port = port.unwrap_or(old_port);
        let mut said = match old_ip == ip {
            true => "no need to change the addr".to_owned(),
            false => format!("IP changed from '{old_ip}' to '{ip}'"),
        };
        match port {
            Some(port) if port == old_port => said.push_str(", no need to change the port"),
            Some(port) => {
                said.push_str(&format!(", port changed from '{old_port}' to '{port}'"));
            }
            None => {}
        }
        if (old_ip, old_port) != (ip, new_port) {
            let new = Addr::Inet(SocketAddr::new(ip, new_port));
            server.live.addr.store(Some(Arc::new(new.clone())));
            server.live.has_moved.store(true, Release);
            event::publish(self, server, &Kind::Addr { old, new });
        }
        Ok(format!("{said} by '{by}'"))
    }

    /// Lets a frontend accept nothing until it is resumed.
    pub fn pause(&self) {
        self.doors.paused.store(true, Release);
        CHANGED.notify(usize::MAX);
    }

    /// Lets a frontend that was paused accept again; says whether it was.
    pub fn resume(&self) -> bool {
        let was = self.doors.paused.swap(false, Release);
        CHANGED.notify(usize::MAX);
        was
    }

    /// Closes a frontend's sockets for good.
    pub fn stop(&self) {
        self.doors.stopped.store(true, Release);
        CHANGED.notify(usize::MAX);
    }

    /// Says whether a frontend is paused.
    pub fn is_paused(&self) -> bool {
        self.doors.paused.load(Acquire)
    }

    /// Says whether a frontend's sockets were closed.
    pub fn is_stopped(&self) -> bool {
        self.doors.stopped.load(Acquire)
    }

    /// Waits until a frontend's sockets shall be closed.
    pub async fn stopped(&self) {
        loop {
            let changed = changed();
            if self.is_stopped() {
                return;
            }
            changed.await;
        }
    }

    /// Says whether a backend has a server to send something to; one without servers has.
    pub fn is_up(&self) -> bool {
        self.servers.is_empty() || self.servers.iter().any(|server| server.is_eligible())
    }
}

/// Splits a text after the number that it begins with.
fn split_number(text: &str) -> (&str, &str) {
    let sign = usize::from(text.starts_with('-'));
    let digits = text.bytes().skip(sign).take_while(u8::is_ascii_digit).count();
    text.split_at(if digits == 0 { 0 } else { sign + digits })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::balance::Asking;
    use crate::proxy::balance::Choice;
    use crate::proxy::testing;

    fn names(proxy: &Arc<Proxy>, count: usize) -> String {
        let pick = |_| match proxy.choose_server(&Asking::default()) {
            Choice::Server(place) => place.server().name.clone(),
            Choice::Full => "full ".to_owned(),
            Choice::None => "none ".to_owned(),
        };
        (0..count).map(pick).collect()
    }

    #[test]
    fn the_administrator_takes_servers_out_and_puts_them_back() {
        let proxy = testing::backend(&[("a", 1, 0), ("b", 1, 0)]);
        let [a, b] = &proxy.servers[..] else { panic!() };
        proxy.set_admin(a, Admin::Drain);
        assert_eq!(
            (names(&proxy, 3).as_str(), a.status(), a.state()),
            ("bbb", "DRAIN", "STOPPING")
        );
        // Who must go there still may.
        assert!(matches!(proxy.choose_this(a, &Asking::default()), Choice::Server(_)));
        proxy.set_admin(a, Admin::Maint);
        assert!(matches!(proxy.choose_this(a, &Asking::default()), Choice::None));
        proxy.set_up(b, false);
        assert_eq!((names(&proxy, 1).as_str(), b.status()), ("none ", "DOWN"));
        assert!(!proxy.is_up());
        proxy.set_admin(a, Admin::Ready);
        proxy.set_up(b, true);
        assert_eq!(names(&proxy, 4).len(), 4);
        assert!(proxy.is_up());
    }

    #[test]
    fn weights_and_limits_change_what_is_chosen() {
        let proxy = testing::backend(&[("a", 10, 0), ("b", 10, 0)]);
        let [a, b] = &proxy.servers[..] else { panic!() };
        assert_eq!(names(&proxy, 4), "abab");
        for (text, expected, weight) in [
            ("50%", Ok(()), 5),
            ("30", Ok(()), 30),
            ("257", Err("Absolute weight can only be between 0 and 256 inclusive."), 30),
            ("-1", Err("Absolute weight can only be between 0 and 256 inclusive."), 30),
            ("101%", Err("Relative weight can only be between 0 and 100% inclusive."), 30),
            ("abc", Err("Empty weight string empty or preceded by garbage"), 30),
            ("", Err("Empty weight string empty or preceded by garbage"), 30),
            ("3x", Err("Trailing garbage in weight string"), 30),
        ] {
            assert_eq!(
                (proxy.set_weight(a, text), a.current_weight()),
                (expected, weight),
                "{text}"
            );
        }
        let chosen = names(&proxy, 40);
        assert_eq!(chosen.matches('a').count(), 30, "{chosen}");
        proxy.set_weight(a, "0").unwrap();
        assert_eq!(names(&proxy, 3), "bbb");
        proxy.set_maxconn(b, "1").unwrap();
        let held = proxy.choose_server(&Asking::default());
        assert_eq!(names(&proxy, 1), "full ");
        drop(held);
        assert!(proxy.set_maxconn(b, "x").is_err() && proxy.set_maxconn(b, "1 x").is_err());
        assert_eq!(b.current_maxconn(), 1);
    }

    #[test]
    fn a_server_moves() {
        let proxy = testing::backend(&[("a", 1, 0)]);
        let a = &proxy.servers[0];
        for (addr, port, expected) in [
            ("127.0.0.2", None, Ok("IP changed from '127.0.0.1' to '127.0.0.2' by 'x'")),
            ("127.0.0.2", None, Ok("no need to change the addr by 'x'")),
            (
                "::1",
                Some("80"),
                Ok("IP changed from '127.0.0.2' to '::1', port changed from '9' to '80' by 'x'"),
            ),
            (
                "::1",
                Some("80"),
                Ok("no need to change the addr, no need to change the port by 'x'"),
            ),
            ("abc", None, Err("Invalid addr 'abc'")),
            ("::1", Some("x"), Err("provided port is not an integer")),
        ] {
            let said = proxy.set_addr(a, addr, port, "x");
            assert_eq!(said.as_deref().map_err(String::as_str), expected);
        }
        assert_eq!(a.current_addr().to_string(), "[::1]:80");
        assert_eq!(a.addr.to_string(), "127.0.0.1:9");
    }

    #[test]
    fn who_listens_is_told_what_happens_to_servers() {
        let proxy = testing::backend(&[("a", 1, 0), ("b", 1, 0)]);
        let [a, b] = &proxy.servers[..] else { panic!() };
        let of = |server: &Arc<Server>| Some(Arc::clone(server));
        let all = event::Subscription::new(&["SERVER_UP", "SERVER_DOWN", "SERVER_ADMIN"], of(a));
        let all = all.unwrap();
        assert!(event::Subscription::new(&["SERVER_UP", "NONE"], None).is_none());
        proxy.set_admin(a, Admin::Maint);
        proxy.set_admin(b, Admin::Maint);
        proxy.set_admin(a, Admin::Ready);
        let told: Vec<_> = std::iter::from_fn(|| all.try_next()).map(|it| it.kind.name()).collect();
        assert_eq!(told, ["SERVER_ADMIN", "SERVER_DOWN", "SERVER_ADMIN", "SERVER_UP"]);
        drop(all);
        proxy.set_admin(a, Admin::Maint);
    }
}
