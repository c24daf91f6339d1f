//! TLS of scripts: sockets that verify, and certificates that are changed while they are in use.

use std::process::Command;

use rustix::process::Signal;

use super::authority::Authority;
use super::authority::Kind;
use super::authority::run;
use crate::support::case::GLOBAL;
use crate::support::case::HTTP;
use crate::support::peer::Tool;
use crate::support::proxy::Peer;
use crate::support::proxy::Proxy;
use crate::support::proxy::Setup;

/// A case that is luaproxy's alone: its name, the tools it needs, and what to do.
pub(super) type Own = (&'static str, &'static [Tool], fn());

/// What HAProxy cannot.
#[rustfmt::skip]
pub(super) const OWN: &[Own] = &[
    ("sockets_verify_and_send_the_name", &[], sockets),
    ("sockets_trust_everyone_where_they_are_told_to", &[], trusting),
    ("a_certificate_is_changed_by_a_script_and_by_a_signal", &[Tool::Openssl], changed),
];

const SCRIPT: &str = r#"
local ca = io.open("ca.pem"):read("*a")
local function ask(options, port)
    local socket = core.tcp()
    socket:settimeout(5)
    local ok, why = socket:connect_ssl("127.0.0.1", port, options)
    if not ok then
        return "no: " .. why
    end
    socket:send("GET /tls HTTP/1.0\r\n\r\n")
    local answer = socket:receive("*a")
    socket:close()
    return "yes: " .. answer:match("\r\n\r\n(.*)$")
end

core.register_service("ask", "http", function(applet)
    local port = tonumber(applet.headers["x-port"][0])
    local lines = {}
    for _, options in ipairs({
        { sni = "a.test", ca = ca },
        { sni = "b.test", ca = ca },
        { sni = "a.test" },
        { sni = "b.test", verify = false },
        { sni = "a.test", ca = ca, alpn = "http/1.1" },
        {},
    }) do
        table.insert(lines, ask(options, port))
    end
    table.insert(lines, tostring(pcall(core.tcp().connect_ssl, core.tcp(), "127.0.0.1", port, { verify = 3 })))
    local text = table.concat(lines, "\n") .. "\n"
    applet:set_status(200)
    applet:add_header("content-length", #text)
    applet:start_response()
    applet:send(text)
end)

core.register_service("change", "http", function(applet)
    local function read(name)
        return io.open(name):read("*a")
    end
    local done, why = pcall(CertCache.set, { filename = "nosuch.pem", crt = read("b.pem") })
    assert(not done and tostring(why):find("no certificate in use was loaded from 'nosuch.pem'", 1, true), why)
    CertCache.set({ filename = applet.headers["x-file"][0], crt = read("b.pem") })
    applet:set_status(200)
    applet:add_header("content-length", 2)
    applet:start_response()
    applet:send("ok")
end)
"#;

const CONFIG: &str = "
frontend web
    bind \"fd@${web}\"
    http-request use-service lua.ask if { path /ask }
    http-request use-service lua.change if { path /change }
frontend tls
    bind \"fd@${tls}\" ssl crt \"${dir}/a.pem\" alpn http/1.1
    http-request return status 200 content-type text/plain lf-string \"%[ssl_fc_sni] %[ssl_fc_alpn]\"
";

fn start(verify: &str) -> (Authority, Proxy) {
    let authority = Authority::new("test authority");
    let proxy = Setup::new(Peer::Luaproxy)
        .file("ca.pem", &authority.pem)
        .file("a.pem", authority.sign(&["a.test"], Kind::Plain, 1).bundle())
        .file("b.pem", authority.sign(&["b.test"], Kind::Plain, 2).bundle())
        .file("t.lua", SCRIPT)
        .start(&format!("{GLOBAL}    {verify}\n    lua-load t.lua\n{HTTP}{CONFIG}"));
    (authority, proxy)
}

fn ask(proxy: &Proxy) -> Vec<String> {
    let mut client = proxy.connect("web");
    let port = proxy.addr("tls").port();
    client.send(format!("GET /ask HTTP/1.1\r\nhost: x\r\nx-port: {port}\r\n\r\n"));
    client.message().unwrap().text().lines().map(str::to_owned).collect()
}

fn sockets() {
    let (_, proxy) = start("");
    let lines = ask(&proxy);
    assert_eq!(lines.len(), 7, "{lines:#?}");
    assert_eq!(lines[0], "yes: a.test ");
    assert_eq!(
        lines[1],
        "no: Server presented an SSL certificate different from the expected one (the certificate \
         is for another name)"
    );
    assert_eq!(lines[2], "no: SSL handshake failure (the certificate's issuer is not known)");
    assert_eq!(lines[3], "yes: b.test ");
    assert_eq!(lines[4], "yes: a.test http/1.1");
    assert!(lines[5].starts_with("no: SSL handshake failure"), "{lines:#?}");
    assert_eq!(lines[6], "false");
    proxy.stop();
}

fn trusting() {
    let (_, proxy) = start("tune.lua.ssl-verify none");
    let lines = ask(&proxy);
    assert_eq!(lines[2], "yes: a.test ");
    assert_eq!(lines[5], "yes:  ");
    proxy.stop();
}

fn shown(proxy: &Proxy) -> String {
    let mut openssl = Command::new("openssl");
    openssl.args(["s_client", "-connect", &proxy.addr("tls").to_string()]);
    let said = run(&mut openssl);
    let line = said.lines().find(|line| line.contains("s:")).unwrap_or_default();
    line.trim().to_owned()
}

fn changed() {
    let (authority, proxy) = start("");
    assert!(shown(&proxy).contains("CN = a.test"));
    let mut client = proxy.connect("web");
    let file = proxy.folder().join("a.pem");
    client.send(format!("GET /change HTTP/1.1\r\nhost: x\r\nx-file: {}\r\n\r\n", file.display()));
    assert_eq!(client.message().unwrap().status(), 200, "{}", proxy.said());
    assert!(shown(&proxy).contains("CN = b.test"));
    std::fs::write(&file, authority.sign(&["c.test"], Kind::Plain, 3).bundle()).unwrap();
    proxy.process.signal(Signal::HUP);
    proxy.wait_to_say("loaded 1 certificates anew");
    assert!(shown(&proxy).contains("CN = c.test"));
    std::fs::write(&file, "nothing").unwrap();
    proxy.process.signal(Signal::HUP);
    proxy.wait_to_say("a certificate stays as it was: unable to load certificate from file");
    assert!(shown(&proxy).contains("CN = c.test"));
    proxy.stop();
}
