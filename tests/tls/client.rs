//! Clients' certificates, lists of certificates, and first messages that pass by.

use std::process::Command;

use super::Scenario;
use super::authority::Authority;
use super::authority::Kind;
use super::authority::run;
use crate::support::case::GLOBAL;
use crate::support::case::HTTP;
use crate::support::case::TCP;
use crate::support::origin::Origin;
use crate::support::origin::Script;
use crate::support::peer::Tool;
use crate::support::proxy::Peer;
use crate::support::proxy::Proxy;
use crate::support::proxy::Setup;

#[rustfmt::skip]
pub(super) const LIST: &[Scenario] = &[
    ("certificates_are_asked_for_and_seen", &[Tool::Curl], certificates),
    ("a_list_has_names_and_options_of_its_own", &[Tool::Openssl], list),
    ("a_name_that_passes_by_is_seen", &[Tool::Openssl], passing),
];

const CONFIG: &str = "
frontend must
    bind \"fd@${must}\" name in ssl crt \"${dir}/web.pem\" verify required ca-file \"${dir}/ca.pem\"
    http-request return status 200 content-type text/plain lf-string \
     \"%[ssl_c_used] %[ssl_c_verify] %[ssl_c_s_dn(cn)] %[ssl_c_s_dn] %[ssl_c_i_dn(CN)] \
%[ssl_c_serial,hex] %[ssl_c_version] %[ssl_f_s_dn(CN)] %[ssl_c_notafter]\"
frontend may
    bind \"fd@${may}\" ssl crt \"${dir}/web.pem\" verify optional ca-file \"${dir}/ca.pem\" \
     crt-ignore-err all ca-ignore-err all
    http-request return status 200 content-type text/plain lf-string \"%[ssl_c_used] %[ssl_c_verify]\"
";

fn certificates(peer: Peer) {
    let authority = Authority::new("test authority");
    let other = Authority::new("another authority");
    let proxy = Setup::new(peer)
        .file("ca.pem", &authority.pem)
        .file("web.pem", authority.sign(&["web.test"], Kind::Plain, 1).bundle())
        .file("good.pem", authority.sign(&["good.test"], Kind::Plain, 0x77).bundle())
        .file("old.pem", authority.sign(&["old.test"], Kind::Expired, 3).bundle())
        .file("stranger.pem", other.sign(&["good.test"], Kind::Plain, 4).bundle())
        .start(&format!("{GLOBAL}{HTTP}{CONFIG}"));
    let good = "1 0 good.test /O=luaproxy/CN=good.test test authority 77 3 web.test 400203000000Z";
    for (frontend, certificate, answer) in [
        ("must", "good.pem", good),
        ("must", "", ""),
        ("must", "old.pem", ""),
        ("must", "stranger.pem", ""),
        ("may", "", "0 0"),
        ("may", "good.pem", "1 0"),
        ("may", "old.pem", "1 10"),
    ] {
        let seen = ask(&proxy, frontend, certificate);
        let seen = seen.replace("/CN=good.test/O=luaproxy", "/O=luaproxy/CN=good.test");
        let answered = if seen.contains("curl:") { "" } else { seen.as_str() };
        assert_eq!(answered, answer, "{frontend} {certificate}: {seen}");
    }
    proxy.wait_to_say("must/in: SSL client certificate not trusted");
    proxy.wait_to_say("must/in: SSL handshake failure");
    proxy.stop();
}

fn ask(proxy: &Proxy, frontend: &str, certificate: &str) -> String {
    let addr = proxy.addr(frontend);
    let mut curl = Command::new("curl");
    curl.args(["-sS", "-k"]);
    if !certificate.is_empty() {
        curl.arg("--cert").arg(proxy.folder().join(certificate));
    }
    run(curl.arg(format!("https://{addr}/")))
}

fn list(peer: Peer) {
    let authority = Authority::new("test authority");
    let bundle = |name: &str| authority.sign(&[name], Kind::Plain, 1).bundle();
    let setup = Setup::new(peer);
    let dir = setup.folder().display().to_string();
    let text = format!(
        "# remark\n{dir}/a.pem [alpn http/1.1] a.test *.a.test !no.a.test\n\n{dir}/b.pem\n\
         {dir}/c.pem [ssl-min-ver TLSv1.3] c.test\n"
    );
    let proxy = setup
        .file("list", text)
        .file("a.pem", bundle("one.test"))
        .file("b.pem", bundle("b.test"))
        .file("c.pem", bundle("two.test"))
        .start(&format!(
            "{GLOBAL}{HTTP}
frontend web
    bind \"fd@${{web}}\" ssl crt-list \"${{dir}}/list\" strict-sni
    http-request return status 200
"
        ));
    for (asked, version, shown) in [
        ("a.test", "-tls1_2", "CN = one.test"),
        ("x.a.test", "-tls1_3", "CN = one.test"),
        ("no.a.test", "-tls1_3", "alert"),
        ("one.test", "-tls1_3", "alert"),
        ("b.test", "-tls1_2", "CN = b.test"),
        ("c.test", "-tls1_3", "CN = two.test"),
        ("c.test", "-tls1_2", "alert"),
        ("other.test", "-tls1_3", "alert"),
    ] {
        let mut openssl = Command::new("openssl");
        openssl.args(["s_client", "-alpn", "http/1.1", version, "-servername", asked]);
        let said = run(openssl.args(["-connect", &proxy.addr("web").to_string()]));
        assert!(said.contains(shown), "{asked} {version}: {said}");
        let alpn = said.contains("ALPN protocol: http/1.1");
        assert_eq!(alpn, shown == "CN = one.test", "{asked}: {said}");
    }
    proxy.stop();
}

fn passing(peer: Peer) {
    let origin = Origin::start(Script::Close);
    let proxy = Setup::new(peer).env("s1", origin.addr()).start(&format!(
        "{GLOBAL}{TCP}    log-format \"%[var(sess.seen)]\"
frontend web
    bind \"fd@${{web}}\"
    tcp-request inspect-delay 5s
    tcp-request content set-var(sess.name) req.ssl_sni if {{ req.ssl_hello_type 1 }}
    tcp-request content set-var(sess.alpn) req.ssl_alpn if {{ req.ssl_hello_type 1 }}
    tcp-request content set-var-fmt(sess.seen) \"%[var(sess.name)] %[var(sess.alpn)] %[req.ssl_ec_ext]\" \
 if {{ req.ssl_hello_type 1 }}
    tcp-request content accept if {{ req.ssl_hello_type 1 }}
    default_backend app
backend app
    server s1 \"${{s1}}\"
"
    ));
    let mut openssl = Command::new("openssl");
    openssl.args(["s_client", "-alpn", "h2,http/1.1", "-servername", "passing.test"]);
    let _said = run(openssl.args(["-connect", &proxy.addr("web").to_string()]));
    proxy.wait_to_say("passing.test h2 1");
    proxy.stop();
}
