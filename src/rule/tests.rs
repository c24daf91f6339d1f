//! Rules against an exchange: what they leave behind, and how the set ends.

use std::cell::Cell;
use std::cell::OnceCell;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;

use crate::diag::Diagnostic;
use crate::diag::Sources;
use crate::http;
use crate::net::Addr;
use crate::proxy;
use crate::sample::Env;
use crate::sample::Eval;
use crate::sample::acl;
use crate::script;
use crate::syntax;
use crate::task;
use crate::txn;
use crate::txn::Direction;
use crate::txn::Session;
use crate::txn::Txn;

use super::Context;
use super::Kind;
use super::RuleSet;
use super::Verdict;

/// Compiles the rules of one kind, written without their first word.
fn rules(kind: Kind, lines: &[&str]) -> RuleSet {
    let (set, reports) = parse(kind, lines);
    assert!(reports.is_empty(), "{reports:?}");
    set
}

fn parse(kind: Kind, lines: &[&str]) -> (RuleSet, Vec<Diagnostic>) {
    let text: String = lines.iter().map(|line| format!("{} {line}\n", kind.keyword())).collect();
    let mut sources = Sources::default();
    sources.add("rules.cfg", format!("frontend fe\n{text}"));
    let (tree, mut reports) = syntax::parse(&sources, &mut syntax::Env::new());
    let (acls, proxies) = (acl::Table::new(), proxy::Directory::default());
    let env = Env {
        scripts: &script::NoScripts,
        proxies: &proxies,
        current: None,
        acls: &acls,
        checkpoint: kind.checkpoint(true),
        http: true,
    };
    let (captures, slots) = (RefCell::default(), RefCell::default());
    let context = Context {
        kind,
        env: &env,
        owner: "frontend 'fe'",
        name: "fe",
        captures: &captures,
        slots: &slots,
        read: &|_| Ok(b"HTTP/1.1 418 Teapot\ncontent-type: a/b\n\nshort\n".to_vec()),
    };
    let mut set = RuleSet::default();
    let at = kind.keyword().split(' ').count();
    for line in tree.sections.iter().flat_map(|section| &section.lines) {
        if let Some(rule) = super::parse(&context, line, at, &mut reports) {
            set.push(rule);
        }
    }
    (set, reports)
}

/// Returns an exchange with a request and its response.
fn exchange() -> txn::Shared {
    let mut frontend = proxy::Proxy::blank();
    frontend.captures[0].push(proxy::Capture { header: None, length: 3 });
    let session = Session {
        id: 0,
        worker: 0,
        frontend: Arc::new(frontend),
        proxies: Arc::new(proxy::Set::default()),
        listener: (1, Arc::from("main")),
        src: RefCell::new(Addr::Inet(([192, 0, 2, 1], 1024).into())),
        dst: RefCell::new(Addr::Inet(([192, 0, 2, 2], 80).into())),
        accepted: crate::clock::now(),
        accept_date: crate::clock::date(),
        vars: RefCell::default(),
        expect_proxy: Default::default(),
        proxy_header: Default::default(),
        requests: Cell::new(1),
        tls: OnceCell::new(),
        failure: OnceCell::new(),
    };
    let mut txn = Txn::new(Rc::new(session), 1, 0, 16384);
    let mut request = http::Request { uri: "/a/b?q=1".into(), ..http::Request::default() };
    request.headers.add("host", "example.org");
    request.headers.add("accept", "text/html, text/plain");
    txn.request = Some(request);
    let mut response = http::Response::new(200);
    response.headers.add("server", "old");
    txn.response = Some(response);
    txn.into_shared()
}

fn run(kind: Kind, lines: &[&str]) -> (Verdict, txn::Shared) {
    let (set, txn) = (rules(kind, lines), exchange());
    if kind.direction() == Direction::Response {
        txn.borrow_mut().begin_response();
    }
    let scripts: Rc<dyn script::Scripts> = Rc::new(script::NoScripts);
    let eval = Eval { txn: &txn, direction: kind.direction(), is_final: true, scripts: &scripts };
    let verdict = task::block_on(set.run(eval)).unwrap();
    (verdict, txn)
}

fn header(txn: &txn::Shared, direction: Direction, name: &str) -> Option<Bytes> {
    txn.borrow().headers(direction).and_then(|headers| headers.last(name).cloned())
}

fn uri(lines: &[&str]) -> Bytes {
    let (verdict, txn) = run(Kind::HttpRequest, lines);
    assert_eq!(verdict, Verdict::Continue);
    txn.borrow().request.as_ref().map(|request| request.uri.clone()).unwrap()
}

#[test]
fn headers_are_set_added_and_removed() {
    let lines = [
        "set-header Host other",
        "add-header X-A \"%[path] %[src]\"",
        "del-header ACC -m beg",
        "set-header x-b no if { path /other }",
        "set-header x-c yes unless { path /other }",
    ];
    let (verdict, txn) = run(Kind::HttpRequest, &lines);
    assert_eq!(verdict, Verdict::Continue);
    let header = |name| header(&txn, Direction::Request, name);
    assert_eq!(header("host").unwrap(), "other");
    assert_eq!(header("x-a").unwrap(), "/a/b 192.0.2.1");
    assert_eq!(header("accept"), None);
    assert_eq!(header("x-b"), None);
    assert_eq!(header("x-c").unwrap(), "yes");
}

#[test]
fn headers_and_values_are_replaced() {
    let (_, txn) = run(
        Kind::HttpRequest,
        &[
            "replace-header host ^(.*)\\.org$ \\1.net",
            "replace-value accept ^text/(.*) app/\\1",
            "replace-header none . x",
        ],
    );
    assert_eq!(header(&txn, Direction::Request, "host").unwrap(), "example.net");
    assert_eq!(header(&txn, Direction::Request, "accept").unwrap(), "app/html,app/plain");
}

#[test]
fn parts_of_the_target_are_set() {
    assert_eq!(uri(&["set-path /x"]), "/x?q=1");
    assert_eq!(uri(&["set-pathq /x?y"]), "/x?y");
    assert_eq!(uri(&["set-query z=%[src_port]"]), "/a/b?z=1024");
    assert_eq!(uri(&["replace-path ^/a(.*)$ /c\\1"]), "/c/b?q=1");
    assert_eq!(uri(&["replace-uri q=(.) r=\\1"]), "r=1");
    assert_eq!(uri(&["set-uri http://h/p", "set-path /q"]), "http://h/q");
}

#[test]
fn host_follows_an_absolute_target() {
    let (_, txn) = run(Kind::HttpRequest, &["set-uri http://user@h:81/p"]);
    assert_eq!(header(&txn, Direction::Request, "host").unwrap(), "h:81");
}

#[test]
fn what_may_not_stand_there_is_an_internal_error_in_strict_mode() {
    let broken = "set-path \"/%[str('a b')]\"";
    assert_eq!(run(Kind::HttpRequest, &[broken]).0, Verdict::Error);
    assert_eq!(run(Kind::HttpRequest, &["strict-mode off", broken]).0, Verdict::Continue);
    let method = "set-method \"G ET\"";
    assert_eq!(run(Kind::HttpRequest, &[method]).0, Verdict::Error);
}

#[test]
fn line_ends_in_samples_do_not_split_a_header() {
    let line = r#"set-header x "%[str('a\r\nb: c')]""#;
    let (verdict, txn) = run(Kind::HttpRequest, &[line]);
    assert_eq!(verdict, Verdict::Continue);
    assert_eq!(header(&txn, Direction::Request, "x").unwrap(), "a%0D%0Ab: c");
}

#[test]
fn sets_end_as_their_actions_say() {
    let verdict = |kind, line: &str| run(kind, &[line]).0;
    assert_eq!(verdict(Kind::HttpRequest, "allow"), Verdict::Accept);
    assert_eq!(verdict(Kind::HttpRequest, "deny"), Verdict::Deny);
    assert_eq!(verdict(Kind::HttpRequest, "tarpit"), Verdict::Tarpit);
    assert_eq!(verdict(Kind::HttpRequest, "reject"), Verdict::Reject);
    assert_eq!(verdict(Kind::HttpRequest, "silent-drop"), Verdict::Reject);
    assert_eq!(verdict(Kind::HttpRequest, "auth"), Verdict::Reply);
    assert_eq!(verdict(Kind::HttpRequest, "deny if { path /other }"), Verdict::Continue);
    assert_eq!(verdict(Kind::TcpRequestConnection, "accept"), Verdict::Accept);
    assert_eq!(verdict(Kind::TcpRequestContent, "reject"), Verdict::Reject);
    assert_eq!(verdict(Kind::HttpResponse, "deny"), Verdict::Deny);
}

#[test]
fn denied_exchanges_use_the_error_files() {
    let reply = |kind, line: &str| run(kind, &[line]).1.borrow_mut().reply.take().unwrap();
    let seen = reply(Kind::HttpRequest, "deny");
    assert_eq!((seen.status, seen.from_error_files), (403, true));
    let seen = reply(Kind::HttpResponse, "deny");
    assert_eq!((seen.status, seen.from_error_files), (502, true));
    let seen = reply(Kind::HttpRequest, "deny deny_status 429");
    assert_eq!((seen.status, seen.from_error_files), (429, true));
    let seen = reply(Kind::HttpRequest, "deny status 429");
    assert_eq!((seen.status, seen.from_error_files), (429, false));
    let seen = reply(Kind::HttpRequest, "deny deny_status 299");
    assert_eq!((seen.status, seen.from_error_files), (299, false));
}

#[test]
fn answers_have_headers_a_type_and_a_body() {
    let line = "return status 201 content-type text/plain lf-string \"p=%[path]\" hdr X-A %[src]";
    let reply = run(Kind::HttpRequest, &[line]).1.borrow_mut().reply.take().unwrap();
    assert_eq!(reply.status, 201);
    assert_eq!(reply.body, "p=/a/b");
    let lines: Vec<_> = reply.headers.iter().map(|(name, value)| (&name[..], &value[..])).collect();
    assert_eq!(
        lines,
        [(&b"x-a"[..], &b"192.0.2.1"[..]), (&b"content-type"[..], &b"text/plain"[..])]
    );
}

#[test]
fn an_error_file_is_a_whole_answer() {
    let reply =
        run(Kind::HttpRequest, &["return errorfile x"]).1.borrow_mut().reply.take().unwrap();
    assert_eq!(
        (reply.status, &reply.reason[..], &reply.body[..]),
        (418, &b"Teapot"[..], &b"short\n"[..])
    );
}

#[test]
fn redirects_are_built_from_the_request() {
    let location = |line: &str| {
        let (verdict, txn) = run(Kind::HttpRequest, &[line]);
        assert_eq!(verdict, Verdict::Reply);
        let reply = txn.borrow_mut().reply.take().unwrap();
        let (name, value) = reply.headers.first().cloned().unwrap();
        assert_eq!(name, "location");
        (reply.status, value)
    };
    assert_eq!(location("redirect location /x"), (302, "/x".into()));
    assert_eq!(location("redirect prefix http://o code 301"), (301, "http://o/a/b?q=1".into()));
    assert_eq!(
        location("redirect prefix http://o drop-query append-slash"),
        (302, "http://o/a/b/".into())
    );
    assert_eq!(location("redirect scheme https"), (302, "https://example.org/a/b?q=1".into()));
    let (verdict, _) = run(Kind::HttpRequest, &["redirect location %[hdr(none)] ignore-empty"]);
    assert_eq!(verdict, Verdict::Continue);
}

#[test]
fn variables_are_set_under_conditions() {
    let lines = [
        "set-var(txn.a) path",
        "set-var(txn.a,ifnotexists) str(second)",
        "set-var(txn.b,ifexists) str(b)",
        "set-var-fmt(txn.c) \"%[var(txn.a)]!\"",
        "set-var(txn.n) int(5)",
        "set-var(txn.n,ifgt) int(3)",
        "set-var(sess.d) src",
        "unset-var(txn.none)",
        "set-var(txn.e) str()",
        "set-var(txn.f,ifnotempty) str()",
    ];
    let (_, txn) = run(Kind::HttpRequest, &lines);
    let var =
        |scope, name: &str| txn.borrow().var(scope, name).map(crate::value::Value::into_bytes);
    assert_eq!(var(txn::Scope::Txn, "a").unwrap(), "/a/b");
    assert_eq!(var(txn::Scope::Txn, "b"), None);
    assert_eq!(var(txn::Scope::Txn, "c").unwrap(), "/a/b!");
    assert_eq!(var(txn::Scope::Txn, "n").unwrap(), "5");
    assert_eq!(var(txn::Scope::Sess, "d").unwrap(), "192.0.2.1");
    assert_eq!(var(txn::Scope::Txn, "f"), None);
}

#[test]
fn captures_are_cut_at_the_length_of_their_slot() {
    let (_, txn) = run(Kind::HttpRequest, &["capture path id 0", "capture hdr(host) len 5"]);
    // The second rule has the slot after those that the compiler knows of: none, here.
    assert_eq!(txn.borrow().captures[0], [Some(Bytes::from_static(b"examp"))]);
    let (_, txn) = run(Kind::HttpRequest, &["capture path id 0"]);
    assert_eq!(txn.borrow().captures[0], [Some(Bytes::from_static(b"/a/"))]);
}

#[test]
fn ends_of_the_connection_are_changed() {
    let lines = ["set-src hdr(host),bytes(0,0),concat(10.0.0.1)", "set-dst-port int(8080)"];
    let (_, txn) = run(Kind::TcpRequestContent, &["set-src str(10.0.0.1)", lines[1]]);
    assert_eq!(txn.borrow().session.src.borrow().to_config(), "10.0.0.1:0");
    assert_eq!(txn.borrow().session.dst.borrow().to_config(), "192.0.2.2:8080");
}

#[test]
fn status_and_levels_are_set() {
    let (_, txn) = run(
        Kind::HttpResponse,
        &["set-status 404 reason Gone", "set-nice 2000", "set-log-level silent"],
    );
    let txn = txn.borrow();
    let response = txn.response.as_ref().unwrap();
    assert_eq!((response.status, &response.reason[..]), (404, &b"Gone"[..]));
    assert_eq!(task::nice(), 1024);
    assert_eq!(txn.log_level, Some(-1));
}

#[test]
fn missing_data_is_waited_for_unless_it_is_final() {
    let set =
        rules(Kind::TcpRequestContent, &["accept if { req.payload(0,4) -m str abcd }", "reject"]);
    let txn = exchange();
    let scripts: Rc<dyn script::Scripts> = Rc::new(script::NoScripts);
    let verdict = |is_final| {
        let eval = Eval { txn: &txn, direction: Direction::Request, is_final, scripts: &scripts };
        task::block_on(set.run(eval)).unwrap()
    };
    assert_eq!(verdict(false), Verdict::Wait);
    assert_eq!(verdict(true), Verdict::Reject);
    txn.borrow_mut().req.push_input(b"abcd");
    assert_eq!(verdict(false), Verdict::Accept);
}

#[test]
fn bodies_are_waited_for_until_they_are_over() {
    let txn = exchange();
    let set = rules(Kind::HttpRequest, &["wait-for-body time 10s"]);
    let scripts: Rc<dyn script::Scripts> = Rc::new(script::NoScripts);
    let eval = Eval { txn: &txn, direction: Direction::Request, is_final: true, scripts: &scripts };
    let filler = async {
        task::yield_now().await;
        txn.borrow_mut().req.push_input(b"body");
        task::yield_now().await;
        txn.borrow_mut().req.end_input();
    };
    let (verdict, ()) = task::block_on(futures_lite::future::zip(set.run(eval), filler)).unwrap();
    assert_eq!(verdict, Verdict::Continue);
}

#[test]
fn tables_are_sorted_and_documented() {
    for pair in super::TABLE.windows(2) {
        assert!(pair[0].name < pair[1].name, "{} {}", pair[0].name, pair[1].name);
    }
    for row in super::TABLE {
        assert!(row.doc.ends_with('.') && !row.kinds.is_empty(), "{}", row.name);
    }
}

proptest::proptest! {
    #[test]
    fn any_words_are_a_rule_or_a_mistake(words in "[a-z(){}%\\[\\]. \"'0-9-]{0,60}") {
        for kind in Kind::ALL {
            let (set, reports) = parse(*kind, &[&words]);
            proptest::prop_assert!(set.len() <= 1 && (set.len() == 1 || !reports.is_empty()));
        }
    }

    #[test]
    fn any_bytes_are_a_message_or_a_mistake(bytes: Vec<u8>) {
        if let Ok(reply) = super::read_message(&bytes) {
            proptest::prop_assert!((200..600).contains(&reply.status));
        }
    }
}
