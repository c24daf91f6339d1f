//! TLS with the clients and servers that people use: curl, openssl, Debian's haproxy.

mod authority;
mod bind;
mod client;
mod request;
mod script;
mod server;

use libtest_mimic::Trial;

use crate::support::peer;
use crate::support::peer::Tool;
use crate::support::proxy::Peer;

/// A case that is a function: its name, the tools it needs, and what to do with whom.
type Scenario = (&'static str, &'static [Tool], fn(Peer));

pub(crate) fn trials() -> Vec<Trial> {
    let lists = [("bind", bind::LIST), ("client", client::LIST), ("server", server::LIST)];
    let mut trials = Vec::new();
    for (family, list) in lists {
        for (name, tools, run) in list {
            for who in Peer::BOTH {
                let name = format!("tls::{family}::{name}::{}", who.name());
                let tools = [tools, who.tools()].concat();
                trials.push(peer::trial(name, &tools, move || run(who)));
            }
        }
    }
    for (family, list) in [("request", request::OWN), ("script", script::OWN)] {
        for (name, tools, run) in list {
            trials.push(peer::trial(format!("tls::{family}::{name}"), tools, *run));
        }
    }
    trials
}
