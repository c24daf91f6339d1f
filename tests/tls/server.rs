//! `server … ssl`: whom it trusts, what it asks for, and what follows where it does not.

use std::process::Command;

use super::Scenario;
use super::authority::Authority;
use super::authority::Kind;
use super::authority::run;
use crate::support::case::GLOBAL;
use crate::support::case::HTTP;
use crate::support::origin::Origin;
use crate::support::origin::Script;
use crate::support::peer::Tool;
use crate::support::proxy::Peer;
use crate::support::proxy::Proxy;
use crate::support::proxy::Setup;

#[rustfmt::skip]
pub(super) const LIST: &[Scenario] = &[
    ("large_bodies_pass_encrypted_on_both_sides", &[Tool::Curl], large),
    ("certificates_are_verified", &[], verified),
    ("a_connection_is_kept_for_its_name_and_shows_a_certificate", &[], kept),
];

/// A proxy that is the TLS server of its own backends, which all have other reasons to trust it.
const CONFIG: &str = "
frontend web
    bind \"fd@${web}\"
    use_backend %[path,field(2,/)]
frontend tls
    bind \"${dir}/tls\" ssl crt \"${dir}/good.pem\" crt \"${dir}/expired.pem\"
    http-request set-header x-sni %[ssl_fc_sni]
    default_backend app
backend app
    server s1 \"${s1}\"
backend trusted
    server s \"${dir}/tls\" ssl verify required ca-file \"${dir}/ca.pem\" sni str(x.good.test)
backend chain
    server s \"${dir}/tls\" ssl verify required ca-file \"${dir}/ca.pem\"
backend name
    server s \"${dir}/tls\" ssl verify required ca-file \"${dir}/ca.pem\" sni str(bad.test)
backend verifyhost
    server s \"${dir}/tls\" ssl verify required ca-file \"${dir}/ca.pem\" verifyhost y.good.test
backend otherhost
    server s \"${dir}/tls\" ssl verify required ca-file \"${dir}/ca.pem\" verifyhost bad.test
backend stranger
    server s \"${dir}/tls\" ssl verify required ca-file \"${dir}/other.pem\" sni str(x.good.test)
backend expired
    server s \"${dir}/tls\" ssl verify required ca-file \"${dir}/ca.pem\" sni str(expired.test)
backend revoked
    server s \"${dir}/tls\" ssl verify required ca-file \"${dir}/ca.pem\" crl-file \"${dir}/crl.pem\" sni str(x.good.test)
backend none
    server s \"${dir}/tls\" ssl verify none sni req.hdr(host)
";

fn start(peer: Peer, origin: &Origin) -> Proxy {
    let authority = Authority::new("test authority");
    let setup = Setup::new(peer).env("s1", origin.addr());
    setup
        .file("ca.pem", &authority.pem)
        .file("other.pem", Authority::new("another authority").pem)
        .file("crl.pem", authority.revoke(1))
        .file("good.pem", authority.sign(&["*.good.test"], Kind::Plain, 1).bundle())
        .file("expired.pem", authority.sign(&["expired.test"], Kind::Expired, 2).bundle())
        .start(&format!("{GLOBAL}{HTTP}    retries 0\n{CONFIG}"))
}

fn large(peer: Peer) {
    const SIZE: usize = 4_000_000;
    let origin = Origin::start(Script::Echo);
    let proxy = start(peer, &origin);
    let body: Vec<u8> = (0..SIZE).map(|at| b"0123456789abcdef\n"[at % 17]).collect();
    let (sent, got) = (proxy.folder().join("sent"), proxy.folder().join("got"));
    std::fs::write(&sent, &body).unwrap();
    let mut curl = Command::new("curl");
    curl.args(["-sS", "--data-binary"]).arg(format!("@{}", sent.display())).arg("-o").arg(&got);
    let said = run(curl.arg(format!("http://{}/trusted", proxy.addr("web"))));
    let answer = std::fs::read(&got).unwrap();
    assert!(answer.ends_with(&body), "{said}{} bytes; {}", answer.len(), proxy.said());
    proxy.stop();
}

fn verified(peer: Peer) {
    let origin = Origin::start(Script::Echo);
    let proxy = start(peer, &origin);
    for (backend, status, sni) in [
        ("trusted", 200, "x.good.test"),
        ("chain", 200, ""),
        ("name", 503, ""),
        ("verifyhost", 200, ""),
        ("otherhost", 503, ""),
        ("stranger", 503, ""),
        ("expired", 503, ""),
        ("revoked", 503, ""),
        ("none", 200, "h.test"),
    ] {
        let mut client = proxy.connect("web");
        client.send(format!("GET /{backend} HTTP/1.1\r\nhost: h.test\r\n\r\n"));
        let answer = client.message().unwrap();
        assert_eq!(answer.status(), status, "{backend}");
        assert_eq!(status == 503, !answer.text().contains(&format!("x-sni: {sni}")), "{backend}");
        let state = if status == 200 { "----" } else { "SC--" };
        proxy.process.stdout.wait_for(backend, |line| {
            line.contains(state) && line.contains(&format!(" {backend}/s "))
        });
    }
    proxy.stop();
}

fn kept(peer: Peer) {
    let config = "
frontend web
    bind \"fd@${web}\"
    default_backend app
backend app
    server s \"${dir}/tls\" ssl verify none sni req.hdr(host) crt \"${dir}/own.pem\"
frontend tls
    bind \"${dir}/tls\" ssl crt \"${dir}/own.pem\" verify required ca-file \"${dir}/ca.pem\"
    http-request set-var(sess.first) unique-id if !{ var(sess.first) -m found }
    unique-id-format %rt
    http-request return status 200 content-type text/plain lf-string \
     \"%[var(sess.first)] %[ssl_fc_sni] %[ssl_c_s_dn(CN)]\"
";
    let authority = Authority::new("test authority");
    let proxy = Setup::new(peer)
        .file("ca.pem", &authority.pem)
        .file("own.pem", authority.sign(&["own.test"], Kind::Plain, 1).bundle())
        .start(&format!("{GLOBAL}{HTTP}{config}"));
    let mut client = proxy.connect("web");
    let mut ask = |host: &str| {
        client.send(format!("GET / HTTP/1.1\r\nhost: {host}\r\n\r\n"));
        let text = client.message().unwrap().text();
        let (connection, rest) = text.split_once(' ').unwrap();
        assert_eq!(rest, format!("{host} own.test"));
        connection.to_owned()
    };
    let first = ask("a.test");
    assert_eq!(ask("a.test"), first);
    assert_ne!(ask("b.test"), first);
    assert_eq!(ask("a.test"), first);
    proxy.stop();
}
