//! The life of tenants' states, told by counts.

use std::fs;
use std::path::PathBuf;

use crate::script::Call;
use crate::script::Loader;
use crate::script::Registry;
use crate::script::Scripts;
use crate::script::Setting;
use crate::script::call;
use crate::value::Value;

use super::*;

/// Files of scripts, gone with the test.
struct Files(PathBuf);

impl Files {
    fn new() -> Self {
        let name =
            format!("luaproxy-tenants-{}-{:?}", std::process::id(), std::thread::current().id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn policy(&self, name: &str, source: &str) -> Policy {
        let file = self.0.join(format!("{name}.lua"));
        fs::write(&file, source).unwrap();
        let file = file.to_str().unwrap().to_owned();
        let load = Load {
            file,
            arguments: vec!["x".to_owned()],
            per_thread: true,
            dialect: crate::dialect::Dialect::LuaJit,
        };
        Policy { loads: vec![load], ..Policy::new(name) }
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

/// Returns a host that has loaded these tenants; the configuration is compiled.
fn host(policies: impl IntoIterator<Item = Policy>) -> Rc<Host> {
    let host = Host::new(0);
    for policy in policies {
        host.load_tenant(Arc::new(policy)).unwrap();
    }
    host.run_init().unwrap();
    host.book.running.set(true);
    host
}

async fn convert(host: &Rc<Host>, name: &str, input: &str) -> Outcome {
    let id = host.find_converter(name).unwrap();
    let scripts: Rc<dyn Scripts> = Rc::<Host>::clone(host);
    call(
        &scripts,
        Call::Converter {
            id,
            input: Value::Str(bytes::Bytes::copy_from_slice(input.as_bytes())),
            arguments: &[],
        },
    )
    .await
}

fn text(text: &str) -> Outcome {
    Outcome::Value(Some(Value::Str(bytes::Bytes::copy_from_slice(text.as_bytes()))))
}

fn open(host: &Host) -> usize {
    host.states.tenants.borrow().iter().filter(|tenant| tenant.is_open()).count()
}

/// Gives the only tenant another script, as would be one whose second run differs from its first.
fn change(host: &Host, source: &str) {
    let tenant = host.tenant(0).unwrap();
    let load = tenant.known.files[0].0.clone();
    let account = Arc::clone(&tenant.known.account);
    let chunk = Chunk::compile(&load.file, source.as_bytes()).unwrap();
    let files = vec![(load, chunk)].into();
    host.states.tenants.borrow_mut()[0] = Tenant::new(0, Known { account, files });
}

const ECHO: &str = "local n = 0
    core.register_converters('echo', function(s) n = n + 1 return s .. n end)";

#[test]
fn two_tenants_may_use_one_name_and_find_only_their_own() {
    let files = Files::new();
    let other = "core.register_converters('echo', function(s) return 'other ' .. s end)";
    let host = host([files.policy("acme", ECHO), files.policy("other", other)]);
    task::block_on(async {
        assert_eq!(convert(&host, "acme:echo", "a").await, text("a1"));
        assert_eq!(convert(&host, "acme:echo", "a").await, text("a2"));
        assert_eq!(convert(&host, "other:echo", "a").await, text("other a"));
    })
    .unwrap();
    assert!(host.find_converter("echo").is_none());
    assert!(host.find_fetch("acme:echo").is_none());
    assert_eq!(host.names(Kind::Converter), ["acme:echo", "other:echo"]);
}

#[test]
fn a_state_is_made_for_the_first_call_and_goes_when_there_are_too_many() {
    let files = Files::new();
    let host = host(["a", "b", "c"].map(|name| files.policy(name, ECHO)));
    assert_eq!(open(&host), 0, "none is kept for what it has registered");
    host.set(Setting::IdleStates(2));
    task::block_on(async {
        for (name, expected) in
            [("a:echo", "1"), ("b:echo", "1"), ("a:echo", "2"), ("c:echo", "1"), ("a:echo", "3")]
        {
            assert_eq!(convert(&host, name, "").await, text(expected), "{name}");
        }
        assert_eq!(open(&host), 2);
        // The least recently used has gone.
        assert_eq!(convert(&host, "b:echo", "").await, text("1"));
        assert_eq!(host.states.idle.borrow().len(), 2);
        host.set(Setting::IdleStates(0));
        assert_eq!(convert(&host, "a:echo", "").await, text("4"));
        assert_eq!(open(&host), 0);
        assert_eq!(convert(&host, "a:echo", "").await, text("1"));
    })
    .unwrap();
}

#[test]
fn calls_that_come_meanwhile_wait_for_the_same_state() {
    let files = Files::new();
    // It gives way many times before it has registered anything.
    let slow = "for i = 1, 50 do coroutine.yield() end ".to_owned() + ECHO;
    let host = host([files.policy("acme", &slow)]);
    let before = host.states.opened.get();
    task::block_on(async {
        let calls: Vec<_> = (0..5)
            .map(|_| {
                let host = Rc::clone(&host);
                task::spawn(async move { convert(&host, "acme:echo", "").await })
            })
            .collect();
        let mut outcomes = Vec::new();
        for call in calls {
            outcomes.push(call.await.unwrap());
        }
        // Each has been served, and in one state; who goes first is the run queue's business.
        let all = ["1", "2", "3", "4", "5"].map(text);
        assert!(all.iter().all(|one| outcomes.contains(one)), "{outcomes:?}");
    })
    .unwrap();
    assert_eq!(host.states.opened.get() - before, 1);
    assert_eq!(host.states.idle.borrow().len(), 1);
}

#[test]
fn a_body_that_fails_the_second_time_refuses_calls_for_a_while() {
    let files = Files::new();
    let host = host([files.policy("acme", ECHO)]);
    change(&host, "error('no')");
    let before = host.states.opened.get();
    task::block_on(async {
        for _ in 0..3 {
            let outcome = convert(&host, "acme:echo", "").await;
            assert_eq!(outcome, Outcome::Refused(503));
        }
    })
    .unwrap();
    assert_eq!(host.states.opened.get() - before, 1, "tried once");
}

#[test]
fn a_failed_call_has_the_outcome_the_policy_says() {
    let files = Files::new();
    let broken = "core.register_converters('f', function() error('x') end)";
    let deny = Policy { on_error: OnError::Deny { status: 418 }, ..files.policy("a", broken) };
    let go_on = Policy { on_error: OnError::Continue, ..files.policy("b", broken) };
    let host = host([deny, go_on]);
    task::block_on(async {
        assert_eq!(convert(&host, "a:f", "").await, Outcome::Refused(418));
        assert_eq!(convert(&host, "b:f", "").await, Outcome::Failed);
    })
    .unwrap();
}

#[test]
fn a_tenant_in_quarantine_runs_nothing() {
    let files = Files::new();
    let host = host([files.policy("acme", ECHO)]);
    let tenant = host.tenant(0).unwrap();
    task::block_on(async {
        assert_eq!(convert(&host, "acme:echo", "").await, text("1"));
        tenant.known.account.quarantine(Duration::from_secs(3600));
        assert_eq!(convert(&host, "acme:echo", "").await, Outcome::Refused(503));
    })
    .unwrap();
}

#[test]
fn a_doomed_state_is_replaced_and_its_other_calls_fail() {
    let files = Files::new();
    let source = "local begun = 'no'
        core.register_action('wait', {'http-req'}, function() begun = 'yes' core.sleep(3600) end)
        core.register_converters('begun', function() return begun end)";
    let host = host([files.policy("acme", source)]);
    let tenant = host.tenant(0).unwrap();
    task::block_on(async {
        let id = host.find_action("acme:wait").unwrap().id;
        let scripts: Rc<dyn Scripts> = Rc::<Host>::clone(&host);
        let txn = crate::lua::api::tests::txn(crate::proxy::Mode::Http);
        let waiting = task::spawn(async move {
            let direction = crate::txn::Direction::Request;
            call(&scripts, Call::Action { id, txn: &txn, direction, arguments: &[] }).await
        });
        while convert(&host, "acme:begun", "").await != text("yes") {
            task::yield_now().await;
        }
        let old = tenant.vm().unwrap();
        old.doom();
        host.discard(&tenant, &old);
        assert_eq!(waiting.await, Some(Outcome::Refused(503)));
        assert_eq!(convert(&host, "acme:begun", "").await, text("no"));
        assert!(!tenant.vm().unwrap().is(&old));
        assert_eq!(host.states.idle.borrow().len(), 1);
    })
    .unwrap();
}

#[test]
fn what_is_not_registered_again_is_refused_and_what_is_new_is_ignored() {
    let files = Files::new();
    let first = "core.register_converters('first', function() return '1' end) ".to_owned() + ECHO;
    let host = host([files.policy("acme", &first)]);
    change(&host, &first.replace("first", "second"));
    task::block_on(async {
        assert_eq!(convert(&host, "acme:echo", "").await, text("1"));
        assert_eq!(convert(&host, "acme:first", "").await, Outcome::Refused(503));
    })
    .unwrap();
    assert!(host.find_converter("acme:second").is_none());
}

#[test]
fn names_of_others_cannot_be_taken() {
    let files = Files::new();
    let host = host([files.policy("acme", ECHO)]);
    let global = files.policy("global", "core.register_converters('acme:echo', print)");
    let error = host.load(&global.loads[0]).unwrap_err();
    assert!(error.message.contains("'lua.acme:echo' is registered by another script"), "{error:?}");
}

#[test]
fn mistakes_are_told_at_start() {
    let files = Files::new();
    for (source, expected) in [
        ("error('boom')", "Lua runtime error: "),
        ("syntax error", "error in Lua file"),
        ("while true do end", "Lua execution timeout"),
        ("core.sleep(1)", "not available in the body context"),
    ] {
        let host = Host::new(0);
        host.set(Setting::LoadTimeout(Some(Duration::from_millis(20))));
        let error = host.load_tenant(Arc::new(files.policy("acme", source))).unwrap_err();
        assert!(error.message.contains(expected), "{source}: {error:?}");
        assert_eq!((open(&host), host.states.idle.borrow().len()), (0, 0));
    }
}

#[test]
fn tasks_live_on_the_first_worker_and_keep_the_state() {
    let files = Files::new();
    let source = "
        local runs = 0
        core.register_task(function() while true do runs = runs + 1 core.yield() end end)
        core.register_init(function() runs = 100 end)
        core.register_converters('runs', function() return tostring(runs) end)";
    let host = host([files.policy("acme", source)]);
    assert_eq!(open(&host), 1, "kept for its task");
    host.set(Setting::IdleStates(0));
    let plan = host.plan();
    let runs = |host: Rc<Host>| {
        task::block_on(async move {
            host.run_tasks();
            for _ in 0..5 {
                task::yield_now().await;
            }
            match convert(&host, "acme:runs", "").await {
                Outcome::Value(Some(Value::Str(runs))) => {
                    str::from_utf8(&runs).unwrap().parse::<u32>().unwrap()
                }
                other => panic!("{other:?}"),
            }
        })
        .unwrap()
    };
    assert!(runs(Rc::clone(&host)) > 100);
    assert_eq!(runs(Host::from_plan(&plan, 1).unwrap()), 100);
}

#[test]
fn a_global_script_is_stopped_at_load() {
    let files = Files::new();
    let host = Host::new(0);
    host.set(Setting::LoadTimeout(Some(Duration::from_millis(20))));
    let endless = files.policy("global", "while true do end");
    let error = host.load(&endless.loads[0]).unwrap_err();
    assert_eq!(error.message, "Lua execution timeout");
}

#[test]
fn a_tenant_above_its_share_lets_all_others_go_first() {
    let files = Files::new();
    let policy = Policy { cpu_share: 1, ..files.policy("acme", ECHO) };
    let host = host([policy]);
    let tenant = host.tenant(0).unwrap();
    task::block_on(async {
        assert_eq!(convert(&host, "acme:echo", "").await, text("1"));
        tenant.share.charge(super::super::watchdog::now(), 500_000);
        let order = Rc::new(RefCell::new(Vec::new()));
        let tasks: Vec<_> = ["acme", "one", "two"]
            .map(|name| {
                let (host, order) = (Rc::clone(&host), Rc::clone(&order));
                task::spawn(async move {
                    if name == "acme" {
                        assert_eq!(convert(&host, "acme:echo", "").await, text("2"));
                    }
                    order.borrow_mut().push(name);
                })
            })
            .into();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(*order.borrow(), ["one", "two", "acme"]);
    })
    .unwrap();
}

#[test]
fn niceness_never_falls_below_the_tenants() {
    let files = Files::new();
    let source = "core.register_converters('f', function(s) core.set_nice(-1000) return s end)";
    let host = host([Policy { nice: 100, ..files.policy("acme", source) }]);
    task::block_on(task::spawn_nice(-500, async move {
        assert_eq!(convert(&host, "acme:f", "a").await, text("a"));
        assert_eq!(task::nice(), 100);
    }))
    .unwrap();
}

#[test]
fn spare_states_are_made_ahead() {
    let files = Files::new();
    let host = host(["a", "b"].map(|name| files.policy(name, ECHO)));
    let spares = || host.states.spares.borrow().len();
    task::block_on(async {
        host.run_tasks();
        assert_eq!(spares(), 0);
        for name in ["a:echo", "b:echo"] {
            task::yield_last().await;
            while spares() == 0 {
                task::yield_now().await;
            }
            assert_eq!(convert(&host, name, "").await, text("1"));
        }
    })
    .unwrap();
}

/// What the machine code takes, where there is any, comes on top.
#[test]
fn a_state_of_a_small_script_holds_at_most_120_kib() {
    let files = Files::new();
    let source = "
        local function check(txn)
            local ip = txn.f:src()
            txn:set_var('txn.seen', ip)
        end
        core.register_action('check', {'http-req'}, check)
        core.register_fetches('who', function(txn) return 'me' end) "
        .to_owned()
        + ECHO;
    let host = host([files.policy("acme", &source)]);
    task::block_on(async {
        assert_eq!(convert(&host, "acme:echo", "a").await, text("a1"));
    })
    .unwrap();
    let vm = host.tenant(0).unwrap().vm().unwrap();
    vm.sweep();
    let held = vm.memory();
    assert!(held <= 120 << 10, "{held} bytes");
}

/// Prints what a state costs: `cargo test -- --ignored --nocapture the_cost_of_a_state`.
#[test]
#[ignore = "a measurement"]
fn the_cost_of_a_state() {
    let files = Files::new();
    let host = host([files.policy("acme", ECHO)]);
    let tenant = host.tenant(0).unwrap();
    let cpu = || rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let cpu = || Duration::try_from(cpu()).unwrap();
    for jit in [true, false] {
        let start = cpu();
        let states: Vec<Vm> = (0..200)
            .map(|_| Vm::new(Options { id: 1, jit, reach: Reach::Tenant }).unwrap())
            .collect();
        let made = cpu() - start;
        println!("jit {jit}: Vm::new {:?}, {} bytes", made / 200, states[0].memory());
        states[0].lua().gc_collect().unwrap();
        println!("  collected {} bytes", states[0].memory());
        let start = cpu();
        drop(states);
        println!("  close {:?}", (cpu() - start) / 200);
        let start = cpu();
        let blank: Vec<Vm> = (0..200).map(|_| host.make_blank(jit).unwrap()).collect();
        let made = cpu() - start;
        println!("  with the API {:?}, {} bytes", made / 200, blank[0].memory());
        let start = cpu();
        blank[0].lua().gc_collect().unwrap();
        println!("  collected {:?}, {} bytes", cpu() - start, blank[0].memory());
        let start = cpu();
        drop(blank);
        println!("  close {:?}", (cpu() - start) / 200);
    }
    for fill in [
        "t = {} for i = 1, 200000 do t[i] = {} end",
        "t = {} for i = 1, 90000 do t[i] = {i} end",
        "t = {} for i = 1, 300000 do t[i] = 'x' .. i end",
        "t = {} for i = 1, 150000 do t[i] = function() return t[i] end end",
    ] {
        let vm = host.make_blank(false).unwrap();
        vm.limit_tenant(16 << 20).unwrap();
        let full = vm.load("fill", fill.as_bytes()).unwrap();
        let result = vm.run(&full, &[], Limits::NONE);
        let held = vm.memory();
        let start = cpu();
        drop(full);
        drop(vm);
        println!("close of {held} bytes of {fill} ({}): {:?}", result.is_ok(), cpu() - start);
    }
    let start = cpu();
    let vm = host.make_tenant(&tenant).unwrap();
    println!("a tenant's {:?}", cpu() - start);
    let start = cpu();
    future::block_on(host.run_bodies(&tenant, &vm)).unwrap();
    println!("its body {:?}, {} bytes", cpu() - start, vm.memory());
}
