//! Programs: what is in them, and that no text of any kind makes the compiler panic.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use crate::diag::Severity;
use crate::diag::Sources;
use crate::program::Program;
use crate::program::Target;
use crate::proxy::Balance;
use crate::proxy::Id;
use crate::script;
use crate::script::policy::OnError;
use crate::script::policy::Policy;
use crate::syntax;

use super::Compiled;
use super::Input;

fn compiled(text: &str, loader: &dyn script::Loader) -> Compiled {
    let mut sources = Sources::default();
    sources.add("test.cfg", text);
    let mut env = syntax::Env::new();
    let (tree, _) = syntax::parse(&sources, &mut env);
    super::compile(Input { sources: &sources, tree: &tree, env: &env, loader, default_maxconn: 77 })
}

fn program(text: &str) -> Program {
    let compiled = compiled(text, &script::NoScripts);
    let alerts = compiled.diagnostics.iter().filter(|report| report.severity == Severity::Alert);
    assert_eq!(alerts.count(), 0, "{:?}", compiled.diagnostics);
    compiled.program.unwrap()
}

#[test]
fn settings_come_from_the_defaults_section_that_is_named_or_last() {
    let program = program(
        "defaults a\n timeout client 1s\n mode http\n maxconn 7\n balance leastconn\n\
         defaults b\n timeout client 2s\n option abortonclose\n\
         listen one from a\n no option abortonclose\n\
         listen two\n timeout client 3s\n\
         listen three\n mode http\n",
    );
    let of = |index: usize| &program.sections[index].proxy;
    assert_eq!(of(0).timeouts.client, Some(Duration::from_secs(1)));
    assert_eq!((of(0).maxconn, of(0).balance), (7, Balance::LeastConn));
    assert!(!of(0).options.abort_on_close);
    assert_eq!(of(1).timeouts.client, Some(Duration::from_secs(3)));
    assert!(of(2).options.abort_on_close);
    assert_eq!(of(2).maxconn, 77, "`-N` is for those that do not say");
    assert_eq!(of(2).timeouts.client, Some(Duration::from_secs(2)));
}

#[test]
fn lines_may_name_what_comes_later() {
    let program = program(
        "frontend fe\n bind :1\n use_backend late if TRUE\n use_backend %[path]\n \
         default_backend last\n\
         backend late\n\
         backend last\n use-server two if TRUE\n server one 127.0.0.1:1\n server two 127.0.0.1:2\n",
    );
    let section = &program.sections[0];
    assert!(matches!(section.switching[0].target, Target::Fixed(Id(1))));
    assert!(matches!(section.switching[1].target, Target::Dynamic(_)));
    assert_eq!(section.default_backend, Some(Id(2)));
    assert!(matches!(program.sections[2].use_server[0].target, Target::Fixed(1)));
}

#[test]
fn proxies_servers_and_binds_get_the_ids_that_are_free() {
    let program = program(
        "frontend a\n bind :1\n bind :2 id 1\n bind :3\n\
         backend b\n id 1\n server x 127.0.0.1:1 id 2\n server y 127.0.0.1:1\n \
         server z 127.0.0.1:1\n\
         backend c\n",
    );
    let uuids: Vec<u32> = program.proxies.iter().map(|proxy| proxy.uuid).collect();
    assert_eq!(uuids, [2, 1, 3]);
    let binds: Vec<u32> = program.sections[0].binds.iter().map(|bind| bind.id).collect();
    assert_eq!(binds, [2, 1, 3]);
    let servers = &program.sections[1].proxy.servers;
    let puids: Vec<u32> = servers.iter().map(|server| server.puid).collect();
    assert_eq!(puids, [2, 1, 3]);
}

#[test]
fn servers_without_a_port_follow_the_clients() {
    let program = program(
        "backend b\n default-server weight 5 maxconn 9\n server x 127.0.0.1\n \
         server y 127.0.0.1:+10 weight 6\n server z 127.0.0.1:80 backup disabled\n",
    );
    let servers = &program.sections[0].proxy.servers;
    assert_eq!((servers[0].port_offset, servers[0].weight, servers[0].maxconn), (Some(0), 5, 9));
    assert_eq!((servers[1].port_offset, servers[1].weight), (Some(10), 6));
    assert_eq!(servers[2].port_offset, None);
    assert!(servers[2].backup && servers[2].disabled);
}

#[test]
fn rules_of_a_named_defaults_section_come_first() {
    let program = program(
        "defaults d\n mode http\n acl a path /\n http-request deny if a\n \
         tcp-request connection reject if FALSE\n\
         listen l from d\n http-request set-header a b unless a\n\
         backend b from d\n",
    );
    assert_eq!(program.sections[0].http_request.len(), 2);
    assert_eq!(program.sections[0].tcp_connection.len(), 1);
    assert_eq!(program.sections[1].http_request.len(), 1);
    assert!(program.sections[1].tcp_connection.is_empty());
}

#[test]
fn error_answers_are_whole_and_the_last_one_counts() {
    let program = program(
        "listen l\n errorloc 503 http://a/\n errorloc303 503 http://b/\n errorfile 500 /dev/null\n",
    );
    let answers = &program.sections[0].proxy.error_answers;
    let text = String::from_utf8_lossy(&answers[0].1).into_owned();
    assert_eq!(answers[0].0, 503);
    assert_eq!(
        text,
        "HTTP/1.1 303 See Other\r\ncache-control: no-cache\r\ncontent-length: 0\r\n\
         location: http://b/\r\n\r\n"
    );
    assert_eq!((answers[1].0, answers[1].1.len()), (500, 0));
}

#[test]
fn log_targets_of_the_process_come_first() {
    let program = program(
        "listen l\n log global\n log 127.0.0.1:514 local1 info\n\
         global\n log stderr format raw daemon\n",
    );
    let loggers = &program.sections[0].proxy.loggers;
    assert_eq!(loggers.len(), 2);
    assert_eq!(loggers[0].sink, crate::log::Sink::Stderr);
    assert_eq!((loggers[1].facility, loggers[1].max), (17, crate::log::Level::Info));
}

#[test]
fn what_calls_a_shared_script_needs_its_worker() {
    let text = "frontend own\n bind :1\n mode http\n http-request lua.x\n\
                frontend through\n bind :2\n mode http\n default_backend be\n\
                frontend any\n bind :3\n mode http\n use_backend %[path]\n\
                frontend free\n bind :4\n mode http\n default_backend other\n\
                backend be\n mode http\n http-response set-header a %[lua.x]\n\
                backend other\n mode http\n";
    let needs = |shared| {
        let compiled = compiled(text, &Shared { shared, ..Shared::default() });
        let program = compiled.program.unwrap();
        program.sections.iter().map(|section| section.needs_shared_state).collect::<Vec<_>>()
    };
    assert_eq!(needs(true), [true, true, true, false, true, false]);
    assert_eq!(needs(false), [false; 6]);
}

#[test]
fn variables_of_the_process_are_set_once() {
    let _program = program("global\n set-var proc.compile_test int(3),add(4)\n");
    let value = crate::txn::process_var("compile_test");
    assert_eq!(value, Some(crate::value::Value::Int(7)));
}

#[test]
fn tables_have_unique_names_and_documentation() {
    let mut names: Vec<&str> = Vec::new();
    for row in super::directives() {
        let again = names.iter().filter(|name| **name == row.name).count();
        // `maxconn` and `no` are in `global` and in proxies.
        assert!(again <= 1, "{}", row.name);
        assert!(row.doc.ends_with('.'), "{}", row.name);
        assert!(row.sections.chars().all(|initial| "GDFBLT".contains(initial)), "{}", row.name);
        names.push(row.name);
    }
}

#[test]
fn tenants_are_loaded_in_order_with_what_they_are_granted() {
    let text = "tenant base\n cpu-max 10\n memory-max 2m\n on-error continue\n log global\n\
                tenant acme from base\n lua-load a.lua x y\n cpu-share 20%\n cpu-slice 2\n \
                nice -5\n connect-allow 10.0.0.0/8:6379 *:443\n connect-deny [::1]:1\n \
                connections-max 3\n tasks-max 4\n env A B\n jit off\n read-dir src max 2k\n \
                lua-path lib/?.lua\n\
                tenant other\n lua-load b.lua\n on-error deny status 451\n\
                global\n log stderr format raw daemon\n default-path origin /srv\n";
    let host = Shared::default();
    let compiled = compiled(text, &host);
    let alerts = compiled.diagnostics.iter().filter(|report| report.severity == Severity::Alert);
    let alerts: Vec<_> = alerts.map(|report| report.message.as_str()).collect();
    assert_eq!(alerts, ["'read-dir' takes a folder that exists, not 'src'."]);
    let policies = host.policies.borrow();
    let [acme, other] = policies.as_slice() else { panic!("{policies:?}") };
    assert_eq!((acme.name.as_str(), acme.place.as_str()), ("acme", "test.cfg:6"));
    assert_eq!(acme.loads[0].file, "/srv/a.lua");
    assert_eq!(acme.loads[0].arguments, ["x", "y"]);
    assert_eq!(acme.paths, ["/srv/lib/?.lua"]);
    assert_eq!(acme.cpu_max, Duration::from_millis(10));
    assert_eq!(acme.slice, Some(Duration::from_millis(2)));
    assert_eq!((acme.cpu_share, acme.memory_max, acme.nice), (20, 2 << 20, -5));
    assert_eq!((acme.connect_allow.len(), acme.connect_deny.len()), (2, 1));
    assert_eq!((acme.connections_max, acme.tasks_max), (3, 4));
    assert_eq!(acme.env, ["A", "B"]);
    assert_eq!((acme.jit, acme.read_max), (Some(false), 2048));
    assert_eq!(acme.on_error, OnError::Continue);
    assert_eq!(acme.loggers.len(), 1);
    assert_eq!(other.on_error, OnError::Deny { status: 451 });
    assert_eq!((other.cpu_max, other.loggers.len()), (Policy::CPU_MAX, 0));
}

#[test]
fn a_forced_yield_stands_for_a_slice() {
    for (lines, micros) in [
        ("", None),
        ("tune.lua.forced-yield 10000", Some(1000)),
        ("tune.lua.forced-yield 20000", Some(2000)),
        ("tune.lua.forced-yield 1", Some(100)),
        ("tune.lua.forced-yield 4000000000", Some(10_000)),
        ("tune.lua.forced-yield 0", Some(10_000)),
        ("tune.lua.slice 3\n tune.lua.forced-yield 20000", Some(3000)),
        ("tune.lua.forced-yield 20000\n tune.lua.slice 3", Some(3000)),
    ] {
        let host = Shared::default();
        let compiled = compiled(&format!("global\n {lines}\n"), &host);
        assert_eq!(compiled.diagnostics, [], "{lines}");
        let slices = micros.map(|micros| script::Setting::Slice(Duration::from_micros(micros)));
        assert_eq!(*host.settings.borrow(), slices.into_iter().collect::<Vec<_>>(), "{lines}");
    }
}

/// A host with one action and one fetch.
#[derive(Debug, Default)]
struct Shared {
    shared: bool,
    policies: RefCell<Vec<Arc<Policy>>>,
    settings: RefCell<Vec<script::Setting>>,
}

impl script::Registry for Shared {
    fn find_fetch(&self, name: &str) -> Option<script::Id> {
        (name == "x").then_some(script::Id(0))
    }

    fn find_converter(&self, _: &str) -> Option<script::Id> {
        None
    }

    fn find_action(&self, name: &str) -> Option<script::Action> {
        let environments = vec!["http-req"];
        (name == "x").then_some(script::Action { id: script::Id(0), environments, arguments: 0 })
    }

    fn find_service(&self, _: &str) -> Option<script::Service> {
        None
    }

    fn global_function(&self, _: &str) -> Result<script::Id, script::FunctionError> {
        Err(script::FunctionError::NotFound)
    }

    fn is_shared(&self, _: script::Kind, _: script::Id) -> bool {
        self.shared
    }
}

impl script::Loader for Shared {
    fn load(&self, _: &script::Load) -> Result<(), script::LoadError> {
        Ok(())
    }

    fn load_tenant(&self, policy: Arc<Policy>) -> Result<(), script::LoadError> {
        self.policies.borrow_mut().push(policy);
        Ok(())
    }

    fn prepend_path(&self, _: &str, _: bool) {}

    fn set(&self, setting: script::Setting) {
        self.settings.borrow_mut().push(setting);
    }

    fn run_init(&self) -> Result<(), script::LoadError> {
        Ok(())
    }
}

/// A keyword of some table, with any words behind it.
fn line() -> impl proptest::strategy::Strategy<Value = String> {
    use proptest::prelude::Strategy;
    let names: Vec<&'static str> = super::directives().map(|row| row.name).collect();
    // Those that read files or ask for the addresses of names are left alone.
    let names: Vec<_> = names
        .into_iter()
        .filter(|name| !matches!(*name, "server" | "log" | "bind" | "errorfile" | "lua-load"))
        .collect();
    (proptest::sample::select(names), "[a-z(){}%\\[\\] \"'0-9:.-]{0,40}")
        .prop_map(|(name, words)| format!(" {name} {words}\n"))
}

proptest::proptest! {
    #[test]
    fn any_lines_compile_or_say_why_not(
        lines in proptest::collection::vec(line(), 1..8),
        section in proptest::sample::select(vec!["global", "defaults d", "frontend f", "backend b", "listen l", "tenant t"]),
    ) {
        let text = format!("{section}\n{}", lines.concat());
        let compiled = compiled(&text, &Shared { shared: true, ..Shared::default() });
        let alert = compiled.diagnostics.iter().any(|report| report.severity == Severity::Alert);
        proptest::prop_assert_eq!(compiled.program.is_none(), alert);
        for report in &compiled.diagnostics {
            if let Some(span) = report.span {
                proptest::prop_assert!(span.start <= span.end && span.end as usize <= text.len());
            }
        }
    }
}
