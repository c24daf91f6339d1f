//! What happens to servers, told to who has subscribed.

use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::mpsc;
use std::time::Duration;

use arc_swap::ArcSwap;
use event_listener::Event as Wake;

use super::Proxy;
use super::Server;
use super::live::Admin;
use crate::clock;
use crate::net::Addr;

/// Something that happened to a server.
#[derive(Clone, Debug)]
pub struct Event {
    pub kind: Kind,
    pub proxy: Arc<Proxy>,
    pub server: Arc<Server>,
    /// When: since 1970.
    pub when: Duration,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    Admin { old: Admin, new: Admin },
    State { old: &'static str, new: &'static str, admin: bool },
    Up,
    Down,
    Addr { old: Addr, new: Addr },
}

/// The names that may be subscribed to; not all of them happen here.
const NAMES: &[&str] = &[
    "SERVER_ADD",
    "SERVER_ADMIN",
    "SERVER_CHECK",
    "SERVER_DEL",
    "SERVER_DOWN",
    "SERVER_INETADDR",
    "SERVER_STATE",
    "SERVER_UP",
];

/// All events of servers at once.
const ALL: &str = "SERVER";

impl Kind {
    /// Returns HAProxy's name of it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Admin { .. } => "SERVER_ADMIN",
            Self::State { .. } => "SERVER_STATE",
            Self::Up => "SERVER_UP",
            Self::Down => "SERVER_DOWN",
            Self::Addr { .. } => "SERVER_INETADDR",
        }
    }
}

/// Events that wait to be taken, until it is dropped.
#[derive(Debug)]
pub struct Subscription {
    mailbox: Arc<Mailbox>,
    events: mpsc::Receiver<Event>,
}

#[derive(Debug)]
struct Mailbox {
    names: Vec<&'static str>,
    /// The one server whose events are wanted.
    server: Option<Arc<Server>>,
    sender: mpsc::Sender<Event>,
    wake: Wake,
}

static MAILBOXES: LazyLock<ArcSwap<Vec<Arc<Mailbox>>>> = LazyLock::new(ArcSwap::default);

impl Subscription {
    /// Subscribes to events by their names; `None` if one is unknown.
    pub fn new(names: &[&str], server: Option<Arc<Server>>) -> Option<Self> {
        let mut known = Vec::new();
        for name in names {
            match NAMES.iter().find(|known| *known == name) {
                Some(name) => known.push(*name),
                None if *name == ALL => known.extend_from_slice(NAMES),
                None => return None,
            }
        }
        let (sender, events) = mpsc::channel();
        let mailbox = Arc::new(Mailbox { names: known, server, sender, wake: Wake::new() });
        MAILBOXES.rcu(|list| {
            let mut list = Vec::clone(list);
            list.push(Arc::clone(&mailbox));
            list
        });
        Some(Self { mailbox, events })
    }

    /// Takes the next event, if there is one.
    pub fn try_next(&self) -> Option<Event> {
        self.events.try_recv().ok()
    }

    /// Waits for the next event.
    pub async fn next(&self) -> Event {
        loop {
            let wake = self.mailbox.wake.listen();
            if let Some(event) = self.try_next() {
                return event;
            }
            wake.await;
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        MAILBOXES.rcu(|list| {
            let mut list = Vec::clone(list);
            list.retain(|known| !Arc::ptr_eq(known, &self.mailbox));
            list
        });
    }
}

/// Tells what has happened.
pub(super) fn publish(proxy: &Arc<Proxy>, server: &Arc<Server>, kind: &Kind) {
    for mailbox in MAILBOXES.load().iter() {
        let wanted = mailbox.server.as_ref().is_none_or(|one| Arc::ptr_eq(one, server));
        if wanted && mailbox.names.contains(&kind.name()) {
            let (proxy, server) = (Arc::clone(proxy), Arc::clone(server));
            let event = Event { kind: kind.clone(), proxy, server, when: clock::date() };
            // Who has just unsubscribed hears nothing.
            mailbox.sender.send(event).unwrap_or_default();
            mailbox.wake.notify(usize::MAX);
        }
    }
}
