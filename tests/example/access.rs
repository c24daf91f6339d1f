//! Examples that decide who may pass.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::Hmac;
use hmac::KeyInit;
use hmac::Mac;
use sha1::Digest;
use sha1::Sha1;
use sha2::Sha256;

use super::curl;
use super::start;
use crate::support::client::Client;
use crate::support::origin::Origin;
use crate::support::origin::Script;
use crate::support::proxy::Setup;

pub(super) fn acme(setup: Setup) {
    let proxy = start(setup.env("ACME_THUMBPRINT", "print_of-key"), "acme", &["HTTP"]);
    let ask = |path: &str| curl(&proxy, path, &["--path-as-is"]);
    let answer = ask("/.well-known/acme-challenge/a_token-1");
    assert_eq!((answer.status, answer.body.as_str()), (200, "a_token-1.print_of-key"));
    for wrong in ["", "a%3Cb", "a/b", "../a", "a.b", &"x".repeat(129)] {
        let answer = ask(&format!("/.well-known/acme-challenge/{wrong}"));
        assert_eq!((answer.status, answer.body.as_str()), (404, "not a token\n"), "{wrong}");
    }
    let other = ask("/page?a=1");
    assert_eq!(other.status, 302);
    assert!(other.header("location").unwrap().starts_with("https://"), "{}", other.head);
    proxy.stop();
}

pub(super) fn cors(setup: Setup) {
    const ORIGIN: &str = "access-control-allow-origin";
    const CREDENTIALS: &str = "access-control-allow-credentials";
    let answer = "HTTP/1.1 200 OK\r\naccess-control-allow-origin: *\r\ncontent-length: 2\r\n\r\nok";
    let origin = Origin::start(Script::Answer(answer.into()));
    let proxy = start(setup.env("SERVER", origin.addr()), "cors", &["HTTP"]);
    let ask = |origin: &str, options: &[&str]| {
        let header = format!("origin: {origin}");
        curl(&proxy, "/", &[&["-H", &header], options].concat())
    };
    let app = ask("https://app.example.com", &[]);
    assert_eq!(app.header(ORIGIN), Some("https://app.example.com"));
    assert_eq!((app.header(CREDENTIALS), app.header("vary")), (Some("true"), Some("origin")));
    let partner = ask("https://partner.example.net", &[]);
    assert_eq!(partner.header(ORIGIN), Some("https://partner.example.net"));
    assert_eq!(partner.header(CREDENTIALS), None);
    for stranger in ["https://evil.example", "null", "https://app.example.com.evil.example"] {
        assert_eq!(ask(stranger, &[]).header(ORIGIN), None, "{stranger}");
    }
    let preflight = |asked: &str| {
        let header = format!("access-control-request-headers: {asked}");
        let method = "access-control-request-method: PUT";
        ask("https://app.example.com", &["-X", "OPTIONS", "-H", method, "-H", &header])
    };
    let seen = origin.requests().len();
    let answer = preflight("x-one, X-Two");
    assert_eq!((answer.status, answer.header(ORIGIN)), (204, Some("https://app.example.com")));
    assert_eq!(answer.header("access-control-allow-headers"), Some("x-one, X-Two"));
    assert_eq!(preflight("<script>").header("access-control-allow-headers"), None);
    assert_eq!(origin.requests().len(), seen, "a preflight is answered by the proxy");
    proxy.stop();
}

pub(super) fn forward_auth(setup: Setup) {
    let auth = Origin::with(|client| {
        while let Some(question) = client.message() {
            let uri = question.header("x-forwarded-uri").unwrap_or_default();
            let known = question.header("authorization") == Some("Basic bWU6c2VjcmV0");
            client.send(match (uri, known) {
                ("/login", _) => {
                    "HTTP/1.1 302 Found\r\nlocation: /sso\r\ncontent-length: 0\r\n\r\n"
                }
                ("/broken", _) => "HTTP/1.1 500 Oops\r\ncontent-length: 6\r\n\r\nsecret",
                (_, true) => "HTTP/1.1 204 No Content\r\nx-auth-user: me\r\n\r\n",
                (_, false) => {
                    "HTTP/1.1 401 Unauthorized\r\nwww-authenticate: Basic realm=\"x\"\r\n\
                     content-length: 4\r\n\r\nwho?"
                }
            });
        }
    });
    let origin =
        Origin::start(Script::Answer(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".into()));
    let peer = setup.peer();
    let setup = setup.env("SERVER", origin.addr()).env("AUTH", auth.addr());
    let proxy = start(setup, "forward_auth", &["HTTP"]);
    let forged = ["-H", "x-auth-user: root"];
    assert_eq!(curl(&proxy, "/", &[&["-u", "me:secret"][..], &forged].concat()).status, 200);
    assert_eq!(origin.requests()[0].header("x-auth-user"), Some("me"));
    let refused = curl(&proxy, "/", &[&["-u", "me:wrong"][..], &forged].concat());
    assert_eq!((refused.status, refused.body.as_str()), (401, "who?"));
    assert_eq!(refused.header("www-authenticate"), Some("Basic realm=\"x\""));
    let login = curl(&proxy, "/login", &[]);
    assert_eq!((login.status, login.header("location")), (302, Some("/sso")));
    let broken = curl(&proxy, "/broken", &[]);
    assert_eq!((broken.status, broken.body.contains("secret")), (503, false));
    proxy.stop();

    // Who cannot be asked has not said yes.
    let dead = Origin::start(Script::Refused);
    let setup = Setup::new(peer).env("SERVER", origin.addr()).env("AUTH", dead.addr());
    let proxy = start(setup, "forward_auth", &["HTTP"]);
    assert_eq!(curl(&proxy, "/", &["-u", "me:secret"]).status, 503);
    assert_eq!(origin.requests().len(), 1);
    proxy.stop();
}

pub(super) fn ip_reputation(setup: Setup) {
    let answer =
        |list: &str| format!("HTTP/1.0 200 OK\r\nContent-Length: {}\r\n\r\n{list}", list.len());
    let now = Arc::new(Mutex::new(answer("# nobody\n")));
    let shared = Arc::clone(&now);
    let list = Origin::with(move |client: &mut Client| {
        drop(client.message());
        client.send_maybe(shared.lock().unwrap().as_bytes());
    });
    let setup = setup.env("REPUTATION", list.addr()).env("REPUTATION_INTERVAL", 20);
    let proxy = start(setup, "ip_reputation", &["HTTP"]);
    let until =
        |status: u16| proxy.until(|| (curl(&proxy, "/", &[]).status == status).then_some(()));
    let say = |text: String| *now.lock().unwrap() = text;
    until(200);
    say(answer("\r\nnot a line\n 127.0.0.0/8  90\r\n2001:db8::/32 10\n"));
    until(403);
    // A list that cannot be had changes nothing.
    say("HTTP/1.0 500 Oops\r\n\r\n".to_owned());
    proxy.wait_to_say("reputation: the answer is 'HTTP/1.0 500 Oops'");
    assert_eq!(curl(&proxy, "/", &[]).status, 403);
    say("HTTP/1.0 200 OK\r\ncontent-length: 100\r\n\r\n10.0.0.0/8 1\n".to_owned());
    proxy.wait_to_say("reputation: the answer is cut off");
    assert_eq!(curl(&proxy, "/", &[]).status, 403);
    say(answer("127.0.0.0/8 10\n"));
    until(200);
    say(answer("127.0.0.1 99\n"));
    until(403);
    say(answer("10.0.0.0/8 99\n"));
    until(200);
    proxy.stop();
}

pub(super) fn jwt(setup: Setup) {
    const KEY: &[u8] = b"a key that has thirty-two bytes.";
    let origin =
        Origin::start(Script::Answer(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".into()));
    let setup = setup
        .env("SERVER", origin.addr())
        .env("JWT_KEY", STANDARD.encode(KEY))
        .env("JWT_ISSUER", "tests");
    let proxy = start(setup, "jwt", &["HTTP"]);
    let ask = |authorization: &str| {
        let header = format!("authorization: {authorization}");
        curl(&proxy, "/", &["-H", &header, "-H", "x-jwt-subject: root"])
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let head = r#"{"alg":"HS256","typ":"JWT"}"#;
    let claims = |more: &str| format!(r#"{{"iss":"tests","sub":"me@example.com"{more}}}"#);
    let good = claims(&format!(r#","exp":{},"nbf":{}"#, now + 600, now - 600));
    let answer = ask(&format!("Bearer {}", token(head, &good, KEY)));
    assert_eq!(answer.status, 200, "{}", answer.head);
    assert_eq!(origin.requests()[0].header("x-jwt-subject"), Some("me@example.com"));

    let unsigned = token(r#"{"alg":"none"}"#, &good, KEY);
    let late = claims(&format!(r#","exp":{}"#, now - 1));
    let early = claims(&format!(r#","exp":{},"nbf":{}"#, now + 600, now + 300));
    let other = good.replace("tests", "others");
    let cut = token(head, &good, KEY);
    for (wrong, why) in [
        (unsigned.clone(), "algorithm"),
        (unsigned.rsplit_once('.').unwrap().0.to_owned() + ".", "malformed"),
        (token(r#"{"alg":"HS512"}"#, &good, KEY), "algorithm"),
        (token("{}", &good, KEY), "algorithm"),
        (token("not json", &good, KEY), "algorithm"),
        (token(head, &good, b"another key"), "signature"),
        (cut[..cut.len() - 1].to_owned(), "signature"),
        (token(head, &late, KEY), "time"),
        (token(head, &early, KEY), "time"),
        (token(head, &claims(""), KEY), "time"),
        (token(head, &other, KEY), "issuer"),
        ("a.b".to_owned(), "malformed"),
        ("x".repeat(9000), "too long"),
    ] {
        let answer = ask(&format!("Bearer {wrong}"));
        assert_eq!(answer.status, 401, "{why}: {}", answer.head);
        assert!(answer.header("www-authenticate").unwrap().contains(why), "{why}: {}", answer.head);
    }
    assert_eq!(ask("Basic bWU6c2VjcmV0").status, 401);
    assert_eq!(curl(&proxy, "/", &[]).status, 401);
    assert_eq!(origin.requests().len(), 1);
    proxy.stop();
}

pub(super) fn proof_of_work(setup: Setup) {
    const BITS: u32 = 10;
    let origin =
        Origin::start(Script::Answer(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok".into()));
    let setup = setup
        .env("SERVER", origin.addr())
        .env("POW_SECRET", "a secret of the tests")
        .env("POW_BITS", BITS);
    let proxy = start(setup, "proof_of_work", &["HTTP"]);
    let page = curl(&proxy, "/", &[]);
    assert_eq!((page.status, page.header("cache-control")), (429, Some("no-store")));
    let challenge = page.body.split("[\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let zeros = |number: u32| {
        let hash = Sha1::digest(format!("{challenge}.{number}"));
        u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]).leading_zeros()
    };
    let ask = |proof: &str| curl(&proxy, "/", &["-H", &format!("cookie: pow={proof}")]);
    let (proof, idle) = ((0..).find(|&n| zeros(n) >= BITS), (0..).find(|&n| zeros(n) < BITS));
    let (proof, idle) = (proof.unwrap(), idle.unwrap());
    assert_eq!(ask(&format!("{challenge}.{proof}")).status, 200);
    for wrong in [
        format!("{challenge}.{idle}"),
        format!("1{challenge}.{proof}"),
        format!("0.{}.{proof}", challenge.split('.').nth(1).unwrap()),
        challenge.clone(),
        "x".repeat(1000),
        String::new(),
    ] {
        assert_eq!(ask(&wrong).status, 429, "{wrong}");
    }
    proxy.stop();
}

/// Returns a token that is signed with HMAC-SHA-256, whatever its head says.
fn token(head: &str, claims: &str, key: &[u8]) -> String {
    let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(head), URL_SAFE_NO_PAD.encode(claims));
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text.as_bytes());
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}
