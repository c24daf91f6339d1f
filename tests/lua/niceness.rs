//! Niceness shares a worker as it says: counted in work done, not in time.

use libtest_mimic::Trial;

use crate::support::case;
use crate::support::client::Client;
use crate::support::proxy::Peer;
use crate::support::proxy::Proxy;
use crate::support::proxy::Setup;

/// Two loops that count their work until the end, and the turns they take, and who asks for it.
const SCRIPT: &str = r#"
local work, turns, over = { a = 0, b = 0 }, { a = 0, b = 0 }, false

local function count(own, other)
    local seen = -1
    while not over do
        -- The same work for each count, much less than a slice.
        for i = 1, 100 do work[own] = work[own] + 1 end
        if work[other] ~= seen then
            seen, turns[own] = work[other], turns[own] + 1
        end
    end
end

core.register_action("count", { "http-req" }, function(txn, own, other) count(own, other) end, 2)
core.register_fetches("counts", function()
    return ("%d %d %d %d"):format(work.a, work.b, turns.a, turns.b)
end)
core.register_action("end", { "http-req" }, function() over = true end)
"#;

/// Two tasks that count and are as nice as they are told to be.
const TASKS: &str = r#"
core.register_task(function() core.set_nice(NICE_A) count("a", "b") end)
core.register_task(function() core.set_nice(NICE_B) count("b", "a") end)
"#;

/// What asks for the counts; the counting itself comes behind it.
const FRONTEND: &str = "
    tune.lua.session-timeout 0
    tune.lua.task-timeout 0
    tune.lua.burst-timeout 0
    nbthread 1
    lua-load script.lua
";

const ASK: &str = "
frontend ask
    bind \"fd@${ask}\"
    http-request lua.end if { path /end }
    http-request return status 200 content-type text/plain lf-string %[lua.counts]
";

/// How many turns of the one that has fewer of them are compared.
const TURNS: u64 = 40;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test("lua::niceness::tasks_at_the_ends_differ_by_eight_at_least", || {
            let shares = tasks(-1024, 1024);
            assert!(shares.iter().all(|share| *share >= 8.0 && share.is_finite()), "{shares:?}");
            Ok(())
        }),
        Trial::test("lua::niceness::equal_tasks_are_served_equally", || {
            let mut shares = tasks(300, 300);
            shares.sort_by(f64::total_cmp);
            // One part may have been disturbed by what else the machine does.
            let middle = shares[shares.len() / 2];
            assert!((0.9..1.1).contains(&middle), "{shares:?}");
            Ok(())
        }),
        Trial::test("lua::niceness::set_nice_of_a_rule_is_honoured", || {
            rules(
                "frontend a
    bind \"fd@${a}\"
    http-request set-nice -1024
    http-request lua.count a b
frontend b
    bind \"fd@${b}\"
    http-request set-nice 1024
    http-request lua.count b a\n",
            );
            Ok(())
        }),
        Trial::test("lua::niceness::nice_of_a_bind_is_honoured", || {
            rules(
                "frontend a
    bind \"fd@${a}\" nice -1024
    http-request lua.count a b
frontend b
    bind \"fd@${b}\" nice 1024
    http-request lua.count b a\n",
            );
            Ok(())
        }),
    ]
}

/// Returns the shares of two tasks, as [`shares`] does.
fn tasks(first: i32, second: i32) -> Vec<f64> {
    let tasks = TASKS.replace("NICE_A", &first.to_string()).replace("NICE_B", &second.to_string());
    let proxy = start(&format!("{SCRIPT}{tasks}"), "");
    let shares = shares(&proxy);
    proxy.stop();
    shares
}

/// Checks the shares of two exchanges at -1024 and 1024.
fn rules(sections: &str) {
    let proxy = start(SCRIPT, sections);
    let mut clients = [proxy.connect("a"), proxy.connect("b")];
    clients.iter_mut().for_each(|client| client.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n"));
    let shares = shares(&proxy);
    assert!(shares.iter().all(|share| *share >= 8.0 && share.is_finite()), "{shares:?}");
    drop(clients);
    proxy.stop();
}

fn start(script: &str, sections: &str) -> Proxy {
    let config = format!("{}{FRONTEND}{}{ASK}{sections}", case::GLOBAL, case::HTTP);
    Setup::new(Peer::Luaproxy).file("script.lua", script).start(&config)
}

/// Returns how much more work `a` did than `b`, in each of some parts of the time.
fn shares(proxy: &Proxy) -> Vec<f64> {
    let mut client = proxy.connect("ask");
    let mut shares = Vec::new();
    let mut before = counts(&mut client);
    while before.turns == 0 {
        before = counts(&mut client);
    }
    while shares.len() < 5 {
        let now = counts(&mut client);
        if now.turns >= before.turns + TURNS {
            assert!(now.b > before.b, "b gets nothing");
            shares.push((now.a - before.a) / (now.b - before.b));
            before = now;
        }
    }
    client.send("GET /end HTTP/1.1\r\nhost: x\r\n\r\n");
    assert_eq!(client.message().unwrap().status(), 200);
    shares
}

struct Counts {
    a: f64,
    b: f64,
    turns: u64,
}

fn counts(client: &mut Client) -> Counts {
    client.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    let text = client.message().unwrap().text();
    let numbers: Vec<f64> = text.split(' ').map(|word| word.parse().expect(&text)).collect();
    let turns = numbers[2].min(numbers[3]) as u64;
    Counts { a: numbers[0], b: numbers[1], turns }
}
