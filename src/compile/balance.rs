//! `balance`: how a server is chosen.

use crate::proxy::Balance;
use crate::syntax::Line;

use super::Cx;
use super::table::Directive;

#[rustfmt::skip]
pub(super) const TABLE: &[Directive] = &[
    Directive { name: "balance", sections: "DBL", run: balance, args: "<algorithm>", doc: "How a server is chosen." },
];

/// The algorithms.
#[rustfmt::skip]
pub(super) const ALGORITHMS: &[(&str, Balance, &str)] = &[
    ("first", Balance::First, "The first one with a free place."),
    ("leastconn", Balance::LeastConn, "The one with the fewest connections for its weight."),
    ("random", Balance::Random, "The less used of two drawn by weight."),
    ("roundrobin", Balance::RoundRobin, "Each in its turn, by weight; the default."),
    ("source", Balance::Source, "By the client's address."),
    ("static-rr", Balance::StaticRr, "As `roundrobin`."),
];

/// The algorithms that HAProxy has beyond these.
const KNOWN: &[&str] = &["hash", "hdr", "log-hash", "rdp-cookie", "sticky", "uri", "url_param"];

fn balance(cx: &mut Cx<'_>, line: &Line) {
    let Some(word) = line.words.get(1) else { return };
    let (name, draws) = match word.text.split_once('(') {
        Some((name, draws)) => (name, draws.strip_suffix(')')),
        None => (word.text.as_str(), None),
    };
    if name == "random" && draws.is_some_and(|draws| draws.parse::<u32>().unwrap_or(0) == 0) {
        cx.alert(word.span, "balance random : number of draws must be at least 1.");
        return;
    }
    if let Some((_, balance, _)) = ALGORITHMS.iter().find(|(known, _, _)| *known == name) {
        cx.draft.settings.balance = *balance;
        return;
    }
    if KNOWN.contains(&name) {
        let message = format!("'balance {name}' is known to HAProxy but not supported yet");
        cx.alert(word.span, message);
        return;
    }
    let message = "balance only supports 'roundrobin', 'static-rr', 'leastconn', 'source', \
                   'uri', 'url_param', 'hdr(name)' and 'rdp-cookie(name)' options.";
    cx.alert(word.span, message);
}
