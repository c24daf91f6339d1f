//! redis-lua as it is published, in scripts, against a Redis server.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use libtest_mimic::Trial;

use crate::support::peer;
use crate::support::peer::Tool;
use crate::support::proxy::Peer;
use crate::support::proxy::Setup;
use crate::support::redis::Redis;

/// The tests that come with the library.
const OWN: &str = "/usr/share/doc/lua-redis-dev/test_client.lua";

/// How many of its 149 are run.
const OWN_COUNT: usize = 145;

const TOOLS: &[Tool] = &[Tool::Redis, Tool::RedisLua];

pub(crate) fn trials() -> Vec<Trial> {
    let missing = !Path::new(OWN).is_file() || TOOLS.iter().any(|tool| tool.path().is_none());
    let own = peer::trial("lua::redis::its_own_tests_pass", TOOLS, its_own_tests_pass);
    vec![
        own.with_ignored_flag(missing),
        peer::trial("lua::redis::a_tenant_uses_it", TOOLS, a_tenant_uses_it),
    ]
}

const RUN: &str = r#"
core.register_service("run", "tcp", function(applet)
    local telescope = require("telescope")
    -- Why each is left out: it connects to where no machine is; LuaJIT writes -0 as "-0"; it asks
    -- for an option that servers of today have no more; it wants an id above 0.
    telescope.skip = { "timeout for connecting", "LINDEX", "CONFIG GET", "SLOWLOG GET" }
    socket = require("socket")
    assert(loadfile("own.lua"))()
    -- Who waits sees that it goes on.
    telescope.run(function() applet:send(".") end)
    applet:send(table.concat(telescope.failures, "\n") .. "\n" .. telescope.passed .. " passed\n")
end)"#;

fn its_own_tests_pass() {
    let redis = Redis::start();
    let own = fs::read_to_string(OWN).unwrap();
    let own = own.replace("port     = 6379", &format!("port = {}", redis.port));
    let setup = Setup::new(Peer::Luaproxy)
        .file("own.lua", own)
        .file("run.lua", RUN)
        .file("telescope.lua", include_str!("telescope.lua"));
    let config = format!(
        "global
            lua-prepend-path {}/?.lua
            lua-prepend-path ./?.lua
            lua-load run.lua
            tune.lua.service-timeout 60s
            tune.lua.burst-timeout 0
        defaults
            mode tcp
            timeout client 60s
            timeout connect 10s
            timeout server 60s
        frontend web
            bind \"fd@${{web}}\"
            tcp-request content use-service lua.run\n",
        folder()
    );
    let proxy = setup.start(&config);
    let said = proxy.connect("web").rest();
    let said = String::from_utf8_lossy(&said);
    let found = said.trim_start_matches('.').trim();
    assert_eq!(found, format!("{OWN_COUNT} passed"), "it said:\n{}", proxy.said());
    proxy.stop();
}

/// Each family of commands, over sockets of both kinds.
const TENANT: &str = r#"
local redis = require("redis")
core.register_service("run", "tcp", function(applet)
    local port = tonumber(os.getenv("REDIS_PORT"))
    local function eq(a, b) if a ~= b then error(tostring(a) .. " is not " .. tostring(b), 2) end end
    local client = redis.connect("127.0.0.1", port, 5)
    eq(client:ping(), true)
    eq(client:set("k", "a\0b\r\nc"), true)
    eq(client:get("k"), "a\0b\r\nc")
    local replies = client:pipeline(function(p)
        p:incr("n") p:incrby("n", 41) p:get("n")
    end)
    eq(replies[3], "42")
    replies = client:transaction(function(t) t:set("t", 1) t:incr("t") end)
    eq(replies[2], 2)
    replies = client:transaction({ watch = "t", cas = true, retry = 2 }, function(t)
        local old = tonumber(t:get("t"))
        t:multi()
        t:set("t", old + 1)
    end)
    eq(client:get("t"), "3")
    eq(client:eval("return { KEYS[1], ARGV[1] }", 1, "a", "b")[2], "b")
    local raw = core.tcp()
    eq(raw:connect("127.0.0.1", port), 1)
    local other, seen = redis.connect({ socket = raw }), {}
    for message, abort in client:pubsub({ subscribe = { "c" } }) do
        if message.kind == "subscribe" then
            other:publish("c", "first") other:publish("c", "last")
        elseif message.kind == "message" then
            seen[#seen + 1] = message.payload
            if message.payload == "last" then abort() end
        end
    end
    eq(table.concat(seen, ","), "first,last")
    local long = ("x"):rep(200000)
    other:set("long", long)
    eq(#other:get("long"), #long)
    local ok, why = pcall(other.incr, other, "long")
    eq(ok, false) assert(why:find("ERR value is not an integer", 1, true))
    client:quit()
    ok, why = pcall(redis.connect, "127.0.0.1", 1)
    assert(why:find("refused by policy", 1, true), why)
    applet:send("all is well\n")
end)"#;

fn a_tenant_uses_it() {
    let redis = Redis::start();
    let setup = Setup::new(Peer::Luaproxy).env("REDIS_PORT", redis.port).file("acme.lua", TENANT);
    let config = format!(
        "defaults
            mode tcp
            timeout client 20s
            timeout connect 10s
            timeout server 20s
        tenant acme
            lua-load acme.lua
            lua-path {}/?.lua
            connect-allow 127.0.0.1:{}
            env REDIS_PORT
            cpu-max 1s
        frontend web
            bind \"fd@${{web}}\"
            tcp-request content use-service lua.acme:run\n",
        folder(),
        redis.port
    );
    let proxy = setup.start(&config);
    let said = proxy.connect("web").rest();
    let said = String::from_utf8_lossy(&said);
    assert_eq!(said, "all is well\n", "it said:\n{}", proxy.said());
    proxy.stop();
}

/// Where the library is.
fn folder() -> String {
    let library: PathBuf = Tool::RedisLua.path().unwrap();
    library.parent().unwrap().display().to_string()
}
