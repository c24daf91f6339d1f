//! `bind … ssl`: which certificate is shown, what is agreed on, and what is logged where nothing is.

use std::process::Command;

use super::Scenario;
use super::authority::Authority;
use super::authority::Kind;
use super::authority::run;
use crate::support::case::GLOBAL;
use crate::support::case::HTTP;
use crate::support::peer::Tool;
use crate::support::proxy::Peer;
use crate::support::proxy::Proxy;
use crate::support::proxy::Setup;

#[rustfmt::skip]
pub(super) const LIST: &[Scenario] = &[
    ("a_certificate_is_shown_by_name_exact_before_wildcard", &[Tool::Openssl], by_name),
    ("a_request_is_answered_and_its_connection_kept", &[Tool::Curl], answered),
    ("plaintext_and_early_ends_are_logged", &[], failures),
];

const FRONTEND: &str = "
frontend web
    bind \"fd@${web}\" name in ssl crt \"${dir}/default.pem\" crt \"${dir}/certs\" alpn http/1.1
    http-request return status 200 content-type text/plain lf-string \
     \"%[ssl_fc] %[ssl_fc_sni] %[ssl_fc_protocol] %[ssl_fc_alpn]\" if { path /tls }
    default_backend app
backend app
    http-request return status 200 content-type text/plain lf-string \"%[req.body_size]\"
";

fn start(peer: Peer, config: &str) -> (Authority, Proxy) {
    let authority = Authority::new("test authority");
    let setup = Setup::new(peer);
    std::fs::create_dir(setup.folder().join("certs")).unwrap();
    let bundle = |names: &[&str], kind| authority.sign(names, kind, 7).bundle();
    let proxy = setup
        .file("ca.pem", &authority.pem)
        .file("default.pem", bundle(&["default.test"], Kind::Plain))
        .file("certs/1.pem", bundle(&["*.a.test"], Kind::Plain))
        .file("certs/2.pem", bundle(&["exact.a.test"], Kind::Plain))
        .start(&format!("{GLOBAL}{HTTP}{config}"));
    (authority, proxy)
}

fn curl(proxy: &Proxy, host: &str, path: &str) -> Command {
    let port = proxy.addr("web").port();
    let mut command = Command::new("curl");
    command.args(["-sS", "--cacert"]).arg(proxy.folder().join("ca.pem"));
    command.args(["--resolve", &format!("{host}:{port}:127.0.0.1")]);
    command.arg(format!("https://{host}:{port}{path}"));
    command
}

fn by_name(peer: Peer) {
    let (_, proxy) = start(peer, FRONTEND);
    for (asked, shown) in [
        ("x.a.test", "*.a.test"),
        ("exact.a.test", "exact.a.test"),
        ("EXACT.A.TEST", "exact.a.test"),
        ("x.y.a.test", "default.test"),
        ("other.test", "default.test"),
    ] {
        let addr = proxy.addr("web").to_string();
        let mut openssl = Command::new("openssl");
        openssl.args(["s_client", "-connect", &addr, "-servername", asked]);
        let said = run(&mut openssl);
        assert!(said.contains(&format!("CN = {shown}, O = luaproxy\n")), "{asked}: {said}");
    }
    proxy.stop();
}

fn answered(peer: Peer) {
    let (_, proxy) = start(peer, FRONTEND);
    for versions in [["--tls-max", "1.2"], ["--tlsv1.3", "--http1.1"]] {
        let mut command = curl(&proxy, "exact.a.test", "/tls");
        command.args(versions);
        let again = format!("https://exact.a.test:{}/tls", proxy.addr("web").port());
        let said = run(command.arg(again).args(["-w", "\n%{num_connects}\n"]));
        let version = if versions[1] == "1.2" { "TLSv1.2" } else { "TLSv1.3" };
        let expected = format!("1 exact.a.test {version} http/1.1");
        assert_eq!(said, format!("{expected}\n1\n{expected}\n0\n"));
    }
    proxy.stop();
}

fn failures(peer: Peer) {
    let (_, proxy) = start(peer, FRONTEND);
    let mut plain = proxy.connect("web");
    plain.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    proxy.wait_to_say("web/in: SSL handshake failure");
    let quiet = proxy.connect("web");
    quiet.shut();
    proxy.wait_to_say("web/in: Connection closed during SSL handshake");
    proxy.stop();
}
