//! `bind … ssl`: which certificate is shown, what is agreed on, and what is logged where nothing is.

use std::process::Command;

use super::Scenario;
use super::authority::Authority;
use super::authority::Kind;
use super::authority::run;
use super::authority::talk;
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
    ("sessions_go_on_and_are_not_negotiated_anew", &[Tool::Openssl], sessions),
    ("an_answer_about_validity_is_stapled", &[Tool::Openssl], stapled),
    ("keys_with_passwords_and_other_keys_are_refused", &[Tool::Openssl], refused),
    ("what_a_client_offers_is_seen", &[Tool::Openssl], offered),
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

fn s_client(proxy: &Proxy, arguments: &[&str], input: &str) -> String {
    let mut openssl = Command::new("openssl");
    openssl.args(["s_client", "-connect", &proxy.addr("web").to_string()]).args(arguments);
    talk(&mut openssl, input)
}

fn sessions(peer: Peer) {
    let (_, proxy) = start(peer, FRONTEND);
    let session = proxy.folder().join("session");
    let session = session.to_str().unwrap();
    let request = "GET /tls HTTP/1.0\r\n\r\n";
    for version in ["-tls1_2", "-tls1_3"] {
        let first = s_client(&proxy, &[version, "-ign_eof", "-sess_out", session], request);
        assert!(first.contains("New, TLSv1."), "{version}: {first}");
        let again = s_client(&proxy, &[version, "-ign_eof", "-sess_in", session], request);
        assert!(again.contains("Reused, TLSv1."), "{version}: {again}");
    }
    let said = s_client(&proxy, &["-tls1_2"], "R\n");
    assert!(said.contains("no renegotiation"), "{said}");
    proxy.stop();
}

fn stapled(peer: Peer) {
    let authority = Authority::new("test authority");
    let setup = Setup::new(peer)
        .file("ca.pem", &authority.pem)
        .file("ca.key", authority.key())
        .file("index", "V\t400203000000Z\t\t07\tunknown\t/CN=a.test\n")
        .file("a.pem", authority.sign(&["a.test"], Kind::Plain, 7).bundle())
        .file("a.pem.issuer", &authority.pem);
    let mut openssl = Command::new("openssl");
    openssl.args(["ocsp", "-index", "index", "-CA", "ca.pem", "-rsigner", "ca.pem"]);
    openssl.args(["-rkey", "ca.key", "-issuer", "ca.pem", "-cert", "a.pem", "-ndays", "9"]);
    let made = run(openssl.args(["-respout", "a.pem.ocsp"]).current_dir(setup.folder()));
    assert!(setup.folder().join("a.pem.ocsp").exists(), "{made}");
    let config = "
frontend web
    bind \"fd@${web}\" ssl crt \"${dir}/a.pem\"
    http-request return status 200
";
    let proxy = setup.start(&format!("{GLOBAL}{HTTP}{config}"));
    let said = s_client(&proxy, &["-status"], "");
    assert!(said.contains("OCSP Response Status: successful"), "{said}");
    assert!(said.contains("Cert Status: good"), "{said}");
    proxy.stop();
}

fn refused(peer: Peer) {
    let authority = Authority::new("test authority");
    let folder = tempfile::tempdir().unwrap();
    let (one, other) =
        (authority.sign(&["a.test"], Kind::Plain, 1), authority.sign(&["b.test"], Kind::Plain, 2));
    let path = |name: &str| folder.path().join(name);
    let write = |name: &str, text: &str| std::fs::write(path(name), text).unwrap();
    write("plain.key", &one.key);
    let mut openssl = Command::new("openssl");
    openssl.args([
        "pkey",
        "-in",
        "plain.key",
        "-aes128",
        "-passout",
        "pass:x",
        "-out",
        "locked.key",
    ]);
    let made = run(openssl.current_dir(folder.path()));
    let locked = std::fs::read_to_string(path("locked.key")).unwrap_or_else(|_| panic!("{made}"));
    write("locked.pem", &format!("{}{locked}", one.cert));
    write("other.pem", &format!("{}{}", one.cert, other.key));
    write("none.pem", &one.cert);
    write("beside.pem", &one.cert);
    write("beside.pem.key", &one.key);
    write("reverse.pem", &format!("{}{}", one.key, one.cert));
    for (name, is_good, ours) in [
        ("locked.pem", false, "is encrypted: it must be stored without a password"),
        ("other.pem", false, "inconsistencies between private key and certificate loaded"),
        ("none.pem", false, "No Private Key found in"),
        ("missing.pem", false, "unable to stat SSL certificate from file"),
        ("beside.pem", true, ""),
        ("reverse.pem", true, ""),
    ] {
        let crt = path(name);
        let text = format!(
            "{HTTP}frontend web\n    bind 127.0.0.1:1 ssl crt {}\n    http-request deny\n",
            crt.display()
        );
        let output = peer.check(&text);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.success(), is_good, "{name}: {said}");
        assert!(peer == Peer::Haproxy || said.contains(ours), "{name}: {said}");
        assert!(is_good || said.contains(name), "{name}: {said}");
    }
}

fn offered(peer: Peer) {
    let config = "
frontend web
    bind \"fd@${web}\" ssl crt \"${dir}/default.pem\"
    http-request return status 200 content-type text/plain lf-string \
     \"%[ssl_fc_protocol_hello_id] %[ssl_fc_cipherlist_bin(1),hex] %[ssl_fc_eclist_bin(1),hex] \
%[ssl_fc_ecformats_bin,hex] end\"
";
    let authority = Authority::new("test authority");
    let proxy = Setup::new(peer)
        .file("default.pem", authority.sign(&["default.test"], Kind::Plain, 1).bundle())
        .start(&format!("{GLOBAL}    tune.ssl.capture-buffer-size 800\n{HTTP}{config}"));
    let arguments = ["-ign_eof", "-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"];
    let arguments = [&arguments[..], &["-curves", "P-256:X25519"]].concat();
    let said = s_client(&proxy, &arguments, "GET / HTTP/1.0\r\n\r\n");
    assert!(said.contains("771 C02B00FF 0017001D 000102 end"), "{said}");
    proxy.stop();
}
