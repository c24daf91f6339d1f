//! `core.httpclient` over https: whom it trusts, what it keeps, and what it says where it does not.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use rustix::process::Signal;

use super::authority::Authority;
use super::authority::Kind;
use super::script::Own;
use crate::support::case::GLOBAL;
use crate::support::case::HTTP;
use crate::support::origin::Origin;
use crate::support::origin::Script;
use crate::support::proxy::Peer;
use crate::support::proxy::Proxy;
use crate::support::proxy::Setup;

/// What HAProxy cannot.
#[rustfmt::skip]
pub(super) const OWN: &[Own] = &[
    ("servers_are_verified_by_the_name_of_the_url", &[], verified),
    ("who_is_not_verified_gets_no_request", &[], refused),
    ("the_operator_says_whom_to_trust", &[], directives),
    ("a_directive_that_is_wrong_is_refused", &[], wrong),
    ("a_connection_is_kept_for_what_was_asked_of_it", &[], kept),
    ("a_large_body_goes_and_comes", &[], large),
    ("a_handshake_has_the_time_of_a_connection", &[], silent),
    ("a_handshake_that_is_closed_is_tried_again", &[], closed),
    ("an_answer_that_is_cut_off_is_no_answer", &[], cut),
    ("tenants_reach_what_they_are_granted", &[], tenant),
];

/// More than all buffers on the way.
const LARGE: usize = 8 << 20;

/// The servers: good, with its own certificate, too old, without TLS.
const SERVERS: &str = "
frontend good
    bind \"fd@${good}\" ssl crt \"${dir}/good.pem\"
    http-request return status 200 content-type text/plain lf-string \"%[ssl_fc_sni] %[src_port]\" if { path /look }
    http-request use-service lua.hold if { path /hold }
    default_backend app
frontend own
    bind \"fd@${own}\" ssl crt \"${dir}/own.pem\"
    http-request return status 200
frontend old
    bind \"fd@${old}\" ssl crt \"${dir}/old.pem\"
    http-request return status 200
frontend plain
    bind \"fd@${plain}\"
    http-request return status 200
backend app
    server s1 \"${s1}\"
";

/// An answer that ends with its connection, and is not ended.
const HOLD: &str = "core.register_service('hold', 'http', function(applet)
    applet:set_status(200)
    applet:start_response()
    applet:send(('x'):rep(100000))
    core.sleep(3600)
end)";

/// Servers, and who signed the good one.
struct World {
    authority: Authority,
    servers: Proxy,
}

impl World {
    fn new() -> Self {
        Self::before(&Origin::start(Script::Echo))
    }

    /// Starts the servers before one that they pass everything to.
    fn before(origin: &Origin) -> Self {
        let authority = Authority::new("test authority");
        // Nobody else knows who signed this one.
        let stranger = Authority::new("stranger");
        let servers = Setup::new(Peer::Luaproxy)
            .env("s1", origin.addr())
            .file("hold.lua", HOLD)
            .file("good.pem", authority.sign(&["a.test"], Kind::Plain, 1).bundle())
            .file("own.pem", stranger.sign(&["a.test"], Kind::Plain, 2).bundle())
            .file("old.pem", authority.sign(&["a.test"], Kind::Expired, 3).bundle())
            .start(&format!("{GLOBAL}    lua-load hold.lua\n{HTTP}{SERVERS}"));
        Self { authority, servers }
    }

    fn addr(&self, name: &str) -> String {
        self.servers.addr(name).to_string()
    }

    /// Starts a proxy with a service that says what the body returns.
    fn client(&self, global: &str, body: &str) -> Proxy {
        client(&self.authority.pem, global, &self.with_addresses(body))
    }

    /// Puts in the servers' addresses.
    fn with_addresses(&self, body: &str) -> String {
        let names = ["good", "own", "old", "plain"];
        names.iter().fold(body.to_owned(), |body, name| {
            body.replace(&format!("<{name}>"), &self.addr(name))
        })
    }

    /// Returns what the body returns in a proxy of its own.
    fn run(&self, global: &str, body: &str) -> String {
        let proxy = self.client(global, body);
        let said = ask(&proxy);
        proxy.stop();
        said
    }
}

/// Begins a service's body: `show` tells what came of a request.
const SHOW: &str = "
local client = core.httpclient()
local function show(options)
    local r = client:get(options)
    if r.error then
        return r.phase .. ': ' .. r.error
    end
    return r.status .. ' ' .. r.body:gsub(' .*', '')
end
";

fn client(ca: &str, global: &str, body: &str) -> Proxy {
    let script = format!(
        "local ca = [[{ca}]]
        core.register_service('s', 'http', function(applet)
            {SHOW}
            local function run() {body} end
            local said = tostring(run())
            applet:set_status(200)
            applet:start_response()
            applet:send(said)
        end)"
    );
    let web = "frontend web\n    bind \"fd@${web}\"\n    http-request use-service lua.s\n";
    let setup = Setup::new(Peer::Luaproxy).file("ca.pem", ca).file("script.lua", script);
    setup.start(&format!("{GLOBAL}    lua-load script.lua\n    {global}\n{HTTP}{web}"))
}

fn ask(proxy: &Proxy) -> String {
    let mut client = proxy.connect("web");
    client.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    let answer = client.message().unwrap();
    assert_eq!(answer.status(), 200, "{}", proxy.said());
    answer.text()
}

fn lines(text: &str) -> Vec<&str> {
    text.lines().collect()
}

fn verified() {
    let world = World::new();
    let said = world.run(
        "",
        "return table.concat({
            show({ url = 'https://a.test/look', dst = '<good>', ssl = { ca = ca } }),
            show({ url = 'HTTPS://A.test:7/look', dst = '<good>', ssl = { ca = ca } }),
            show({ url = 'https://<good>/look', ssl = { ca = ca, sni = 'a.test' } }),
            show({ url = 'https://<good>/look', ssl = { verify = false } }),
            show({ url = 'https://b.test/look', dst = '<good>', ssl = { verify = 'none' } }),
            show({ url = 'http://<plain>/', ssl = { ca = ca } }),
        }, '\\n')",
    );
    let expected = ["200 a.test", "200 a.test", "200 a.test", "200 ", "200 b.test", "200 "];
    assert_eq!(lines(&said), expected, "{said}");
    world.servers.stop();
}

fn refused() {
    let origin = Origin::start(Script::Echo);
    let world = World::before(&origin);
    let said = world.run(
        "",
        "local function why(options)
            local ok, why = pcall(client.get, client, options)
            return (tostring(why):gsub('^.-:%d+: ', ''))
        end
        return table.concat({
            show({ url = 'https://a.test/', dst = '<good>' }),
            show({ url = 'https://a.test/', dst = '<own>' }),
            show({ url = 'https://a.test/', dst = '<own>', ssl = { ca = ca } }),
            show({ url = 'https://b.test/', dst = '<good>', ssl = { ca = ca } }),
            show({ url = 'https://a.test/', dst = '<good>', ssl = { ca = ca, sni = 'b.test' } }),
            show({ url = 'https://<good>/', ssl = { ca = ca } }),
            show({ url = 'https://a.test/', dst = '<old>', ssl = { ca = ca } }),
            show({ url = 'https://a.test/', dst = '<plain>', ssl = { ca = ca } }),
            show({ url = 'https://a.test/', dst = '<good>', ssl = { sni = 'a b' } }),
            why({ url = 'https://a.test/', ssl = 3 }),
            why({ url = 'https://a.test/', ssl = { verify = 3 } }),
            why({ url = 'https://a.test/', ssl = { ca = 3 } }),
            why({ url = 'https://a.test/', ssl = { alpn = 'h2' } }),
        }, '\\n')",
    );
    let failure = |why: &str| format!("connect: SSL handshake failure ({why})");
    let unknown = failure("the certificate's issuer is not known");
    let another = "connect: Server presented an SSL certificate different from the expected one \
                   (the certificate is for another name)";
    let expected = [
        &unknown,
        &unknown,
        &unknown,
        another,
        another,
        another,
        &failure("the certificate has expired"),
        &failure("the peer does not speak TLS"),
        &failure("'a b' is no server name"),
        "'get': 'ssl' must be a table",
        "'get': 'verify' is true, false, 'required' or 'none'",
        "'get': 'ca' is text in PEM",
        "'get': 'alpn' is the client's to say",
    ];
    assert_eq!(lines(&said), expected, "{said}");
    assert_eq!(origin.requests().len(), 0, "a request came through");
    world.servers.stop();
}

fn directives() {
    let world = World::new();
    let body = "return table.concat({
        show({ url = 'https://a.test/look', dst = '<good>' }),
        show({ url = 'https://a.test/look', dst = '<own>' }),
        show({ url = 'https://a.test/look', dst = '<own>', ssl = { verify = true } }),
        show({ url = 'https://a.test/look', dst = '<own>', ssl = { verify = false } }),
    }, '\\n')";
    let unknown = "connect: SSL handshake failure (the certificate's issuer is not known)";
    for (global, expected) in [
        ("", [unknown, unknown, unknown, "200 "]),
        ("httpclient.ssl.verify none", ["200 a.test", "200 ", unknown, "200 "]),
        ("httpclient.ssl.verify", [unknown, unknown, unknown, "200 "]),
        ("httpclient.ssl.verify required", [unknown, unknown, unknown, "200 "]),
        // That one is of sockets.
        ("tune.lua.ssl-verify none", [unknown, unknown, unknown, "200 "]),
        ("httpclient.ssl.ca-file \"${dir}/ca.pem\"", ["200 a.test", unknown, unknown, "200 "]),
        (
            "ca-base \"${dir}\"\n    httpclient.ssl.ca-file ca.pem",
            ["200 a.test", unknown, unknown, "200 "],
        ),
        ("httpclient.ssl.ca-file @system-ca", [unknown, unknown, unknown, "200 "]),
    ] {
        assert_eq!(lines(&world.run(global, body)), expected, "{global}");
    }
    world.servers.stop();
}

fn wrong() {
    for (line, expected) in [
        ("httpclient.ssl.verify maybe", "expects 'none' or 'required' but got 'maybe'."),
        ("httpclient.ssl.verify none none", "none"),
        ("httpclient.ssl.ca-file", "'httpclient.ssl.ca-file' expects a file as an argument."),
        ("httpclient.ssl.ca-file /nosuch/ca.pem", "/nosuch/ca.pem"),
        ("httpclient.ssl.ca-file /dev/null", "/dev/null"),
    ] {
        let output = Peer::Luaproxy.check(&format!("global\n    {line}\n"));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "{line}: {said}");
        assert!(said.contains(expected), "{line}: {said}");
    }
}

/// The server tells which port of the client's it was asked from: another one is another connection.
fn kept() {
    let world = World::new();
    let said = world.run(
        "",
        "local ports, count = {}, 0
        local function ask(options)
            options.dst = '<good>'
            local port = client:get(options).body:match(' (%d+)$')
            if not ports[port] then
                count = count + 1
                ports[port] = count
            end
            return ports[port]
        end
        local same = ('%s'):rep(3, ' ')
        return same:format(
            ask({ url = 'https://a.test/look', ssl = { ca = ca } }),
            ask({ url = 'https://a.test/look?again', ssl = { ca = ca .. '' } }),
            ask({ url = 'https://a.test:443/look', ssl = { ca = ca, verify = true } }))
            .. '|' .. same:format(
            ask({ url = 'https://a.test/look', ssl = { verify = false } }),
            ask({ url = 'https://b.test/look', ssl = { verify = false } }),
            ask({ url = 'https://a.test/look', ssl = { ca = ca } }))
            .. '|' .. show({ url = 'https://a.test/look', dst = '<good>' })",
    );
    // What was verified less, or as another one, is not passed on.
    let unknown = "connect: SSL handshake failure (the certificate's issuer is not known)";
    assert_eq!(said, format!("1 1 1|2 3 1|{unknown}"));
    world.servers.stop();
}

fn large() {
    let origin = Origin::mirroring(LARGE);
    let world = World::before(&origin);
    let said = world.run(
        "",
        &format!(
            "local options = {{
                url = 'https://a.test/', dst = '<good>', ssl = {{ ca = ca }},
                body = ('0123456789abcdef'):rep({LARGE} / 16),
            }}
            local whole = client:post(options)
            local piece, left, got = options.body:sub(1, 65536), {LARGE} / 65536, {{}}
            options.body = function() if left > 0 then left = left - 1 return piece end end
            options.sink = function(piece) got[#got + 1] = piece end
            local pieces = client:post(options)
            return table.concat({{
                whole.status, #whole.body, pieces.status, #table.concat(got),
                tostring(whole.body == table.concat(got)), tostring(pieces.error),
            }}, ' ')"
        ),
    );
    assert_eq!(said, format!("200 {LARGE} 200 {LARGE} true nil"));
    world.servers.stop();
}

fn silent() {
    let origin = Origin::start(Script::Silent);
    let world = World::new();
    let body = format!(
        "return show({{ url = 'https://{}/', retries = 0, timeout = {{ connect = 50 }} }})",
        origin.addr()
    );
    assert_eq!(world.run("", &body), "connect: timeout");
    world.servers.stop();
}

fn closed() {
    let count = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&count);
    let origin = Origin::with(move |client| {
        seen.fetch_add(1, Ordering::SeqCst);
        // The first message is read, so that closing is no reset.
        client.take(5);
        client.shut_maybe();
        client.rest();
    });
    let world = World::new();
    let body = format!("return show({{ url = 'https://{}/', retries = 2 }})", origin.addr());
    assert_eq!(
        world.run("", &body),
        "connect: SSL handshake failure (the peer closed the connection)"
    );
    assert_eq!(count.load(Ordering::SeqCst), 3);
    world.servers.stop();
}

fn cut() {
    let mut world = World::new();
    let proxy = world.client(
        "",
        "local r = client:get({
            url = 'https://a.test/hold', dst = '<good>', ssl = { ca = ca },
            headers = { connection = 'close' },
            sink = function() core.log(core.alert, 'it has come') end,
        })
        return r.phase .. ': ' .. r.error",
    );
    let mut client = proxy.connect("web");
    client.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    proxy.wait_to_say("it has come");
    world.servers.process.signal(Signal::KILL);
    world.servers.process.wait();
    assert_eq!(client.message().unwrap().text(), "body: closed");
    drop(client);
    proxy.stop();
}

fn tenant() {
    let world = World::new();
    let script = world.with_addresses(&format!(
        "local ca = [[{}]]
        core.register_service('s', 'http', function(applet)
            {SHOW}
            local lines = {{
                show({{ url = 'https://a.test/look', dst = '<good>', ssl = {{ ca = ca }} }}),
                show({{ url = 'https://a.test/look', dst = '<good>' }}),
                show({{ url = 'https://a.test/look', dst = '<own>', ssl = {{ ca = ca }} }}),
                show({{ url = 'https://127.0.0.1/look', ssl = {{ verify = false }} }}),
                show({{ url = 'https://a.test/look', ssl = {{ ca = ca }} }}),
            }}
            applet:set_status(200)
            applet:start_response()
            applet:send(table.concat(lines, '\\n'))
        end)",
        world.authority.pem
    ));
    let config = format!(
        "tenant acme\n    lua-load acme.lua\n    connect-allow {}\nfrontend web\n    bind \
         \"fd@${{web}}\"\n    http-request use-service lua.acme:s\n",
        world.addr("good")
    );
    let setup = Setup::new(Peer::Luaproxy).file("acme.lua", script);
    let proxy = setup.start(&format!("{GLOBAL}{HTTP}{config}"));
    let said = ask(&proxy);
    let refused = "connect: refused by policy";
    let unknown = "connect: SSL handshake failure (the certificate's issuer is not known)";
    assert_eq!(lines(&said), ["200 a.test", unknown, refused, refused, refused], "{said}");
    proxy.stop();
    world.servers.stop();
}
