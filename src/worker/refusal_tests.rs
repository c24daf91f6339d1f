//! What becomes of an exchange whose script fails, where its tenant's policy is to refuse:
//! whatever has called the script, nothing passes.

use std::io::Read;
use std::io::Write;
use std::net::UdpSocket;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use crate::compile;
use crate::diag::Severity;
use crate::diag::Sources;
use crate::http::Response;
use crate::program::Program;
use crate::script;
use crate::script::Call;
use crate::script::Id;
use crate::script::Outcome;
use crate::script::Step;
use crate::syntax;

use crate::stream::testing::connect;
use crate::stream::testing::head;
use crate::stream::testing::origin;
use crate::stream::testing::run_program;

/// A tenant `t` with a function of each kind, none of which ever works.
#[derive(Debug)]
struct Failing;

impl script::Registry for Failing {
    fn find_fetch(&self, name: &str) -> Option<Id> {
        (name == "t:fetch").then_some(Id(0))
    }

    fn find_converter(&self, name: &str) -> Option<Id> {
        (name == "t:converter").then_some(Id(0))
    }

    fn find_action(&self, name: &str) -> Option<script::Action> {
        let environments = vec!["tcp-req", "tcp-res", "http-req", "http-res", "http-after-res"];
        (name == "t:action").then_some(script::Action { id: Id(0), environments, arguments: 0 })
    }

    fn find_service(&self, name: &str) -> Option<script::Service> {
        match name {
            "t:http" => Some(script::Service { id: Id(0), http: true }),
            "t:late" => Some(script::Service { id: Id(1), http: true }),
            "t:tcp" => Some(script::Service { id: Id(0), http: false }),
            _ => None,
        }
    }

    fn global_function(&self, _: &str) -> Result<Id, script::FunctionError> {
        Err(script::FunctionError::NotFound)
    }

    fn is_shared(&self, _: script::Kind, _: Id) -> bool {
        false
    }
}

impl script::Loader for Failing {
    fn load(&self, _: &script::Load) -> Result<(), script::LoadError> {
        Ok(())
    }

    fn load_tenant(&self, _: Arc<script::policy::Policy>) -> Result<(), script::LoadError> {
        Ok(())
    }

    fn prepend_path(&self, _: &str, _: bool) {}

    fn set(&self, _: script::Setting) {}

    fn run_init(&self) -> Result<(), script::LoadError> {
        Ok(())
    }
}

impl script::Scripts for Failing {
    fn start(self: Rc<Self>, call: Call<'_>) -> Step {
        if let Call::HttpService { id: Id(1), txn } = call {
            // It has said what it will answer, and sent nothing.
            txn.borrow_mut().response = Some(Response::new(200));
        }
        Step::Ended(Outcome::Refused(451))
    }

    fn poll(&self, _: usize, _: &mut Context<'_>) -> Poll<Outcome> {
        Poll::Ready(Outcome::Refused(451))
    }

    fn cancel(&self, _: usize) {}
}

fn program(text: &str) -> Arc<Program> {
    let mut sources = Sources::default();
    sources.add("refusal.cfg", text);
    let mut env = syntax::Env::new();
    let (tree, _) = syntax::parse(&sources, &mut env);
    let input = compile::Input {
        sources: &sources,
        tree: &tree,
        env: &env,
        loader: &Failing,
        default_maxconn: 0,
    };
    let compiled = compile::compile(input);
    let alerts: Vec<_> = compiled
        .diagnostics
        .into_iter()
        .filter(|report| report.severity == Severity::Alert)
        .map(|report| report.message)
        .collect();
    assert!(alerts.is_empty(), "{text}\n{alerts:#?}");
    Arc::new(compiled.program.unwrap())
}

/// Sends a request through a section with these lines; gives the first line of the answer, what is
/// logged, and how many connections the server has seen.
fn outcome(mode: &str, lines: &str) -> (String, String, usize) {
    let (server, connections) = origin(|mut stream, _| {
        head(&mut stream);
        stream.get_ref().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
    });
    let log = UdpSocket::bind("127.0.0.1:0").unwrap();
    log.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let place = log.local_addr().unwrap();
    let text = format!(
        "listen l\n mode {mode}\n {lines}\n server s {server}\n log {place} format raw local0\n \
         log-format '%ts %[lua.t:fetch]'\n timeout client 20s\n timeout server 20s\n \
         timeout connect 20s\n\
         backend other\n mode {mode}\n server s {server}\n timeout server 20s\n \
         timeout connect 20s\n"
    );
    let (answer, line) = run_program(program(&text), Rc::new(Failing), move |place| {
        let mut answer = String::new();
        let mut stream = connect(place);
        // A connection that is refused may be reset.
        let _reset = stream
            .get_ref()
            .write_all(b"GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n")
            .and_then(|()| stream.read_to_string(&mut answer));
        let mut line = [0; 256];
        let length = log.recv(&mut line).unwrap();
        (answer, String::from_utf8_lossy(&line[..length]).trim().to_owned())
    });
    let status = answer.lines().next().unwrap_or_default().to_owned();
    (status, line, connections.load(Ordering::SeqCst))
}

#[test]
fn a_request_whose_script_fails_goes_nowhere() {
    for lines in [
        "http-request lua.t:action",
        "http-request set-header x %[lua.t:fetch]",
        "http-request set-header x %[str(a),lua.t:converter]",
        "http-request set-var(txn.x) lua.t:fetch",
        "http-request return status 200 if !{ lua.t:fetch -m found }",
        "http-request deny unless { lua.t:fetch -m found } or { path / }",
        "acl a str(x),lua.t:converter -m str y\n http-request allow if !a",
        "acl a lua.t:fetch -m found\n http-request set-var(txn.x) acl(!a)",
        "tcp-request content accept if !{ lua.t:fetch -m found }",
        "use_backend other if !{ lua.t:fetch -m found }",
        "use_backend %[lua.t:fetch]",
        "use-server s if !{ lua.t:fetch -m found }",
        "monitor-uri /\n monitor fail if !{ lua.t:fetch -m found }",
        "http-request use-service lua.t:http",
        "http-request use-service lua.t:late",
    ] {
        let expected = ("HTTP/1.1 451 Unavailable For Legal Reasons", "PR -", 0);
        let (status, line, connections) = outcome("http", lines);
        assert_eq!((status.as_str(), line.as_str(), connections), expected, "{lines}");
    }
}

#[test]
fn a_response_whose_script_fails_is_replaced() {
    for (lines, state, servers) in [
        ("http-response lua.t:action", "PH -", 1),
        ("http-response set-header x %[lua.t:fetch]", "PH -", 1),
        ("tcp-response content accept if !{ lua.t:fetch -m found }", "PH -", 1),
        ("http-after-response set-header x %[lua.t:fetch]", "PH -", 1),
        ("http-request deny\n http-after-response lua.t:action", "PR -", 0),
        ("http-request lua.t:action\n http-after-response lua.t:action", "PR -", 0),
    ] {
        let expected = ("HTTP/1.1 451 Unavailable For Legal Reasons", state, servers);
        let (status, line, connections) = outcome("http", lines);
        assert_eq!((status.as_str(), line.as_str(), connections), expected, "{lines}");
    }
}

#[test]
fn a_connection_whose_script_fails_is_closed() {
    for (lines, state, servers) in [
        ("tcp-request content lua.t:action", "PR -", 0),
        ("tcp-request content accept if !{ lua.t:fetch -m found }", "PR -", 0),
        ("use_backend other if !{ lua.t:fetch -m found }", "PR -", 0),
        ("use-server s if !{ lua.t:fetch -m found }", "PR -", 0),
        ("tcp-request content use-service lua.t:tcp", "PR -", 0),
        ("tcp-response content lua.t:action", "PD -", 1),
    ] {
        let (status, line, connections) = outcome("tcp", lines);
        assert_eq!((status.as_str(), line.as_str(), connections), ("", state, servers), "{lines}");
    }
}
