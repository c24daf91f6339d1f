//! Commands against a set of proxies.

use std::sync::Arc;

use super::Level;
use super::TABLE;
use super::help;
use super::run;
use crate::proxy::Set;
use crate::proxy::testing;
use crate::sample::pattern;

fn say(set: &Arc<Set>, line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    run(set, Level::Admin, &words).unwrap_or_else(|| "unknown".to_owned())
}

#[test]
fn commands_answer_as_haproxys_do() {
    let set = Arc::new(Set::new(vec![testing::backend(&[("s1", 5, 7), ("s2", 1, 0)])]));
    pattern::preload("/admin/a.map", b"10.0.0.0/8 ten\n");
    for (line, expected) in [
        ("set server b/s1 state maint", ""),
        ("set server b/s1 state drain", ""),
        ("set server b/s1 state ready", ""),
        (
            "set server b/s1 state x",
            "'set server <srv> state' expects 'ready', 'drain' and 'maint'.\n",
        ),
        ("set server b/s1 weight 10", ""),
        ("get weight b/s1", "10 (initial 5)\n"),
        ("set weight b/s1 300", "Absolute weight can only be between 0 and 256 inclusive.\n"),
        ("set maxconn server b/s1 9", ""),
        ("set server b/nope weight 10", "No such server.\n"),
        ("set server nope/x weight 10", "No such backend.\n"),
        ("set server b", "Require 'backend/server'.\n"),
        (
            "set server b/s1 foo",
            "usage: set server <backend>/<server> addr | health | state | weight\n",
        ),
        (
            "set server b/s1 addr 127.0.0.3 port 99",
            "IP changed from '127.0.0.1' to '127.0.0.3', port changed from '9' to '99' by 'stats socket command'\n",
        ),
        (
            "set server b/s1 addr 127.0.0.3 port 99",
            "no need to change the addr, no need to change the port by 'stats socket command'\n",
        ),
        ("disable frontend b", ""),
        ("enable frontend b", ""),
        ("enable frontend b", "All sockets are already enabled.\n"),
        ("disable frontend x", "No such frontend.\n"),
        ("show backend", "# name\nb\n"),
        ("show cli level", "admin\n"),
        ("show map nope", "Unknown map identifier. Please use #<id> or <file>.\n"),
        ("show map /admin/a.map", "0x0 10.0.0.0/8 ten\n"),
        ("add map /admin/a.map 1.1.1.1 one", ""),
        ("set map /admin/a.map 1.1.1.1 two", ""),
        ("set map /admin/a.map 1.1.1.9 two", "entry not found.\n"),
        ("del map /admin/a.map 1.1.1.1", ""),
        ("del map /admin/a.map 1.1.1.1", "Key not found.\n"),
        (
            "add map /admin/a.map a",
            "'add map' expects three parameters (map identifier, key and value) or one parameter (map identifier) and a payload\n",
        ),
        ("clear map /admin/a.map", ""),
        ("show map /admin/a.map", ""),
        ("show info json", "'json' is not supported by 'show info'.\n"),
        ("show stat json", "'json' is not supported by 'show stat'.\n"),
        ("show stat b 4 2 typed", "'typed' is not supported by 'show stat'.\n"),
        ("show stat nope 4 2", "No such proxy.\n"),
        ("show stat b x 2", "Invalid type or server id.\n"),
        ("bogus", "unknown"),
        ("show", "unknown"),
    ] {
        assert_eq!(say(&set, line), expected, "{line}");
    }
    let state = say(&set, "show servers state");
    assert!(state.contains("\n1 b 1 s1 127.0.0.3 2 0 10 5 "), "{state}");
    assert!(say(&set, "show info").contains("Name: luaproxy\n"));
    let stat = say(&set, "show stat b 4 2");
    assert!(stat.starts_with("# pxname,svname,") && stat.contains("\nb,s2,"), "{stat}");
    assert_eq!(stat.lines().count(), 2);
}

#[test]
fn levels_hold_back_what_changes_something() {
    let set = Arc::new(Set::new(vec![testing::backend(&[("s1", 1, 0)])]));
    let denied = Some("Permission denied\n".to_owned());
    assert_eq!(run(&set, Level::Operator, &["set", "server", "b/s1", "state", "maint"]), denied);
    assert!(run(&set, Level::User, &["show", "backend"]).is_some());
    assert!(!help(&[], Level::User, &[]).contains("set server"));
    let scripts = [("show hello".to_owned(), "greets".to_owned())];
    assert!(help(&["show"], Level::Admin, &scripts).contains("  show hello "));
}

#[test]
fn rows_are_sorted() {
    assert!(TABLE.is_sorted_by(|one, other| one.words < other.words));
}
