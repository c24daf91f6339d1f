//! Samples: tables of expressions, conditions, formats and mistakes, each row one case.
//!
//! `> HEAD` sets the request of the rows below, `< HEAD` the response, `= BODY` the body; other
//! rows say `EXPRESSION | VALUE`. What haproxy 2.6 gives stands in the tables without a mark; rows
//! under a `# 3.x` comment are of later versions.

use std::cell::Cell;
use std::cell::OnceCell;
use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use libtest_mimic::Failed;
use libtest_mimic::Trial;
use luaproxy::clock;
use luaproxy::http::Limits;
use luaproxy::http::Method;
use luaproxy::http::h1;
use luaproxy::net::Addr;
use luaproxy::proxy;
use luaproxy::proxy::Caps;
use luaproxy::proxy::Directory;
use luaproxy::proxy::Id;
use luaproxy::proxy::Mode;
use luaproxy::proxy::Proxy;
use luaproxy::proxy::Server;
use luaproxy::sample::Checkpoint;
use luaproxy::sample::Condition;
use luaproxy::sample::Ctx;
use luaproxy::sample::Env;
use luaproxy::sample::Expr;
use luaproxy::sample::Format;
use luaproxy::sample::Options;
use luaproxy::sample::Truth;
use luaproxy::sample::acl;
use luaproxy::script::NoScripts;
use luaproxy::txn::Direction;
use luaproxy::txn::Session;
use luaproxy::txn::Txn;
use luaproxy::txn::Vars;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for (folder, run) in RUNNERS {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sample").join(folder);
        let text = std::fs::read_to_string(&path).unwrap();
        let mut message = Message::default();
        for (number, line) in text.lines().enumerate() {
            match line.get(..2) {
                None | Some("# ") => {}
                Some("> ") => message = Message::new(&line[2..]),
                Some("< ") => message.response = unescaped(&line[2..]),
                Some("= ") => message.body = unescaped(&line[2..]),
                Some(_) => trials.push(row(folder, number + 1, line, &message, *run)),
            }
        }
    }
    trials
}

type Run = fn(&str, &Message) -> String;

const RUNNERS: &[(&str, Run)] = &[
    ("condition.txt", condition),
    ("converter.txt", expression),
    ("fetch.txt", expression),
    ("format.txt", format),
    ("mistake.txt", mistake),
    ("request.txt", expression),
    ("response.txt", expression),
];

fn row(folder: &str, number: usize, line: &str, message: &Message, run: Run) -> Trial {
    let (input, expected) = line.rsplit_once(" |").unwrap_or((line, ""));
    let (input, expected) = (input.to_owned(), expected.trim_start_matches(' ').to_owned());
    let message = message.clone();
    Trial::test(format!("sample::{folder}:{number}: {input}"), move || {
        let found = run(&input, &message);
        if found == expected {
            return Ok(());
        }
        Err(Failed::from(format!("gives   {found}\nnot     {expected}")))
    })
}

/// What the rows of a table are evaluated with.
#[derive(Clone, Default)]
struct Message {
    request: Vec<u8>,
    response: Vec<u8>,
    body: Vec<u8>,
}

impl Message {
    fn new(head: &str) -> Self {
        Self { request: unescaped(head), ..Self::default() }
    }

    fn direction(&self) -> Direction {
        if self.response.is_empty() { Direction::Request } else { Direction::Response }
    }

    fn txn(&self) -> Txn {
        let caps = Caps { frontend: true, backend: false };
        let frontend = Arc::new(Proxy {
            id: Id(0),
            uuid: 1,
            name: "f".into(),
            caps,
            mode: Mode::Http,
            ..Proxy::blank()
        });
        let server = Arc::new(Server { puid: 1, name: "s1".into(), ..Server::blank() });
        let backend = Arc::new(Proxy {
            id: Id(1),
            uuid: 2,
            name: "b".into(),
            caps: Caps { frontend: false, backend: true },
            mode: Mode::Http,
            servers: vec![Arc::clone(&server)],
            ..Proxy::blank()
        });
        let proxies = vec![Arc::clone(&frontend), Arc::clone(&backend)];
        let addr = |text: &str| Addr::Inet(text.parse().unwrap());
        let session = Session {
            id: 7,
            worker: 0,
            frontend,
            proxies: Arc::new(proxy::Set::new(proxies)),
            listener: (1, "lis".into()),
            src: RefCell::new(addr("127.0.0.1:40000")),
            dst: RefCell::new(addr("127.0.0.1:8080")),
            accepted: clock::now(),
            accept_date: Duration::from_millis(1_795_359_111_820),
            vars: RefCell::new(Vars::default()),
            expect_proxy: Default::default(),
            proxy_header: Default::default(),
            requests: Cell::new(1),
            tls: OnceCell::new(),
            failure: OnceCell::new(),
        };
        let mut txn = Txn::new(session.into(), 23, 0, 16384);
        if !self.request.is_empty() {
            let line = self.request.split(|byte| *byte == b'\r').next().unwrap();
            txn.request_line = line.to_vec().into();
            let mut bytes = BytesMut::from(&[&self.request[..], b"\r\n"].concat()[..]);
            let (request, _) = h1::parse_request(&mut bytes, &Limits::default()).unwrap().unwrap();
            txn.request = Some(request);
            txn.req.push_input(&self.body);
            txn.req.end_input();
        }
        if !self.response.is_empty() {
            let mut bytes = BytesMut::from(&[&self.response[..], b"\r\n"].concat()[..]);
            let parsed = h1::parse_response(&mut bytes, &Method::Get, &Limits::default());
            let (response, _) = parsed.unwrap().unwrap();
            txn.status = response.status;
            txn.response = Some(response);
            txn.res.push_input(&self.body);
            txn.res.end_input();
            txn.backend = backend;
            txn.server = Some(server);
            txn.server_addrs = Some((addr("127.0.0.1:50000"), addr("127.0.0.2:80")));
            txn.begin_response();
        }
        txn
    }

    fn with_env<T>(&self, run: impl FnOnce(&Env<'_>) -> T) -> T {
        let both = |frontend| Caps { frontend, backend: !frontend };
        let entries = vec![
            ("f".to_owned(), both(true), Vec::new()),
            ("b".to_owned(), both(false), vec!["s1".to_owned()]),
        ];
        let checkpoint = match self.direction() {
            Direction::Request => Checkpoint::FrontendHttpHeader,
            Direction::Response => Checkpoint::FrontendHttpResponse,
        };
        let (scripts, proxies, acls) = (&NoScripts, &Directory { entries }, &acl::Table::new());
        run(&Env { scripts, proxies, current: Some(Id(0)), acls, checkpoint, http: true })
    }
}

/// Evaluates an expression as a header's value would.
fn expression(text: &str, message: &Message) -> String {
    rendered(&format!("%[{text}]"), message, Options::HTTP)
}

/// Evaluates a log format.
fn format(text: &str, message: &Message) -> String {
    rendered(text, message, Options::LOG)
}

fn rendered(text: &str, message: &Message, options: Options) -> String {
    let text = text.replace("MAPS", &maps());
    let format = message.with_env(|env| Format::parse(&text, env, options));
    let format = match format {
        Ok(format) => format,
        Err(errors) => return errors.iter().map(|error| format!("!! {error}")).collect(),
    };
    let mut txn = message.txn();
    let ctx = Ctx::new(&txn, message.direction(), true);
    let mut out = Vec::new();
    format.render(&ctx, &mut out);
    ctx.into_writes().apply(&mut txn);
    shown(&out)
}

/// Writes bytes that are not printable as `\xHH`.
fn shown(bytes: &[u8]) -> String {
    let mut out = String::new();
    for byte in bytes {
        match byte {
            b' '..=b'~' => out.push(char::from(*byte)),
            byte => out.push_str(&format!("\\x{byte:02x}")),
        }
    }
    out
}

fn maps() -> String {
    format!("{}/tests/sample/maps", env!("CARGO_MANIFEST_DIR"))
}

/// Tells whether a condition holds.
fn condition(text: &str, message: &Message) -> String {
    let text = text.replace("MAPS", &maps());
    let words: Vec<&str> = text.split(' ').collect();
    let condition = match message.with_env(|env| Condition::parse(&words, false, env)) {
        Ok(condition) => condition,
        Err(errors) => return format!("!! {}", errors.first().unwrap()),
    };
    let txn = message.txn();
    let truth = condition.check(&Ctx::new(&txn, message.direction(), true));
    match truth {
        Truth::Pass => "pass",
        Truth::Fail => "fail",
        Truth::Miss => "miss",
    }
    .into()
}

/// Gives the error of an expression that must be the whole text.
fn mistake(text: &str, message: &Message) -> String {
    match message.with_env(|env| Expr::parse_words(&text.split(' ').collect::<Vec<_>>(), env)) {
        Ok(_) => "valid".to_owned(),
        Err(error) => {
            let hint = error.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
            format!("{}..{}: {error}{hint}", error.range.start, error.range.end)
        }
    }
}

/// Reads `\r`, `\n`, `\t`, `\xHH` and `\\`.
fn unescaped(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let byte = match byte {
            b'\\' => match rest.next().unwrap() {
                b'r' => b'\r',
                b'n' => b'\n',
                b't' => b'\t',
                b'x' => {
                    let digits = [rest.next().unwrap(), rest.next().unwrap()];
                    u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
                }
                other => other,
            },
            other => other,
        };
        out.push(byte);
    }
    out
}
