//! Many short calls of a hundred tenants, some of which are killed: each answer is what it must be,
//! and what the proxy holds does not grow.

use std::env;
use std::fmt::Write;
use std::fs;
use std::net::SocketAddr;
use std::thread;

use libtest_mimic::Trial;

use crate::support::case;
use crate::support::case::Scenario;
use crate::support::client::Client;
use crate::support::proxy::Peer;
use crate::support::proxy::Proxy;
use crate::support::proxy::Setup;

const LIST: &[Scenario] = &[("a_hundred_tenants_are_called_and_killed", called_and_killed)];

/// How many calls there are in all; `LUAPROXY_SOAK` says otherwise.
const CALLS: usize = 20_000;
const TENANTS: usize = 100;
const CLIENTS: usize = 4;

/// What the proxy may hold beyond what it held after a fifth of the calls, in KiB.
const GROWTH: usize = 16 * 1024;

/// A state counts its calls; each ends in one of four ways.
const SCRIPT: &str = "
local count = 0
core.register_fetches('f', function(txn)
    count = count + 1
    local what = txn.sf:path():match('%a+$')
    if what == 'spin' then
        while true do end
    elseif what == 'grow' then
        local list = {}
        while true do list[#list + 1] = ('x'):rep(4000) .. #list end
    elseif what == 'fail' then
        error('as it should')
    end
    return count
end)
";

const GLOBAL: &str = "
global
    nbthread 1
    tune.lua.idle-states 1000
defaults
    mode http
    timeout client 60s
";

pub(crate) fn trials() -> Vec<Trial> {
    // HAProxy has no tenants.
    let mut trials = case::scenarios("lua", LIST);
    trials.retain(|trial| trial.name().ends_with(Peer::Luaproxy.name()));
    trials
}

fn called_and_killed(peer: Peer) {
    let calls = env::var("LUAPROXY_SOAK").map_or(CALLS, |count| count.parse().unwrap());
    let mut config = GLOBAL.to_owned();
    let mut rules = String::new();
    for tenant in 0..TENANTS {
        writeln!(
            config,
            "tenant t{tenant}\n    lua-load script.lua\n    memory-max 2m\n    on-error continue"
        )
        .unwrap();
        writeln!(
            rules,
            "    http-request return status 200 content-type text/plain lf-string \
             %[lua.t{tenant}:f] if {{ path_beg /{tenant}/ }}"
        )
        .unwrap();
    }
    write!(config, "listen web\n    bind \"fd@${{web}}\"\n{rules}").unwrap();
    let proxy = Setup::new(peer).file("script.lua", SCRIPT).start(&config);
    let addr = proxy.addr("web");
    // Every state is made, and has been through each kind of end.
    run(addr, calls / 5, 1);
    let before = resident(&proxy);
    run(addr, calls - calls / 5, 2);
    let after = resident(&proxy);
    assert!(after < before + GROWTH, "{before} KiB before, {after} KiB after");
    proxy.stop();
}

/// Does so many calls by some clients at once, each with tenants of its own.
fn run(addr: SocketAddr, calls: usize, seed: u64) {
    let clients: Vec<_> = (0..CLIENTS)
        .map(|index| {
            let own: Vec<_> = (0..TENANTS).filter(|tenant| tenant % CLIENTS == index).collect();
            thread::spawn(move || call(addr, &own, calls / CLIENTS, seed + index as u64))
        })
        .collect();
    clients.into_iter().for_each(|client| client.join().unwrap());
}

fn call(addr: SocketAddr, tenants: &[usize], calls: usize, mut seed: u64) {
    let mut client = Client::connect(addr).unwrap();
    // What the state of each tenant may have counted, once an answer has said what it had.
    let mut counts: Vec<Vec<usize>> = vec![Vec::new(); TENANTS];
    let mut is_known = [false; TENANTS];
    for _ in 0..calls {
        let tenant = tenants[random(&mut seed) % tenants.len()];
        let what = match random(&mut seed) % 1000 {
            0..2 => "spin",
            2..5 => "grow",
            5..15 => "fail",
            _ => "go",
        };
        client.send(format!("GET /{tenant}/{what} HTTP/1.1\r\nhost: x\r\n\r\n"));
        let answer = client.message().expect("each call is answered");
        let fails = what != "go";
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.text().is_empty(), fails, "/{tenant}/{what}: {}", answer.text());
        let counted = &mut counts[tenant];
        counted.iter_mut().for_each(|count| *count += 1);
        if fails {
            if what == "grow" {
                // A script that will not let go of its memory takes the state with it.
                counted.push(0);
            }
            continue;
        }
        let count = answer.text().parse().unwrap();
        assert!(!is_known[tenant] || counted.contains(&count), "/{tenant}: {count}, {counted:?}");
        is_known[tenant] = true;
        *counted = vec![count];
    }
}

/// Returns a number that depends on nothing but the seed.
fn random(seed: &mut u64) -> usize {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 40) as usize
}

/// The resident memory in KiB.
fn resident(proxy: &Proxy) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", proxy.process.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse().unwrap()
}
