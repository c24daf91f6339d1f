//! Scripts that try to hold, outgrow or leave their state, each a tenant of a real proxy.
//!
//! Each `hostile/GROUP/NAME.lua` says in its first line what must happen, and how it is called:
//!
//! ```text
//! -- killed: TEXT | action fetch      it is ended: 503, and its log line has the text
//! -- error: TEXT                      it fails: 503, and its log line has the text
//! -- returns: TEXT                    it comes back with this
//! -- ends                             it comes to an end, whichever
//! -- quarantined                      its tenant is left out for a while
//! -- refused at load: TEXT            the configuration is refused, for this reason
//! ```
//!
//! It is called as an action unless the line says otherwise; `task` waits for the log line of what
//! it does by itself. Lines below may say `-- policy: LINE`, a line of its tenant section, and
//! `-- never: TEXT`, which no log line may begin with.
//!
//! One proxy serves the scripts of a group, while another tenant's requests come all the time:
//! each of them must be answered, and rightly.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::symlink;
use std::panic;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::sync::mpsc;
use std::sync::mpsc::RecvTimeoutError;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;
use std::time::Instant;

use libtest_mimic::Trial;

use crate::support::case;
use crate::support::client::Client;
use crate::support::client::Message;
use crate::support::origin::Origin;
use crate::support::origin::Script;
use crate::support::proxy::Peer;
use crate::support::proxy::Proxy;
use crate::support::proxy::Setup;

/// How much memory the proxy may ever have had, in KiB: every tenant of a group at its limit.
const PEAK_MAX: u64 = 1 << 20;

/// How often the good tenant is asked.
const PACE: Duration = Duration::from_millis(2);

/// How long a log line may take to come; only a failing test waits that long.
const LOG_DEADLINE: Duration = Duration::from_secs(2);

const GOOD: &str = r#"
core.register_action("work", { "http-req" }, function(txn)
    local n = tonumber(txn.f:path():match("%d+$"))
    local sum = 0
    for i = 1, 100 do sum = sum + i * n end
    txn:set_var("txn.result", "good " .. sum)
end)
"#;

/// A script and what its first lines promise.
#[derive(Debug)]
struct Attack {
    name: String,
    file: PathBuf,
    promise: Promise,
    kinds: Vec<String>,
    policy: Vec<String>,
    never: Option<String>,
}

#[derive(Debug, PartialEq, Eq)]
enum Promise {
    Killed(String),
    Error(String),
    Returns(String),
    Ends,
    Quarantined,
    Refused(String),
}

pub(crate) fn trials() -> Vec<Trial> {
    let folder = folder();
    let mut groups: Vec<String> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().unwrap().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    groups.sort();
    let trial = |group: String| {
        Trial::test(format!("lua::hostile::{group}"), move || {
            run(&attacks(&folder_of(&group)));
            Ok(())
        })
    };
    groups.into_iter().map(trial).collect()
}

fn run(attacks: &[Attack]) {
    let (refused, running): (Vec<_>, Vec<_>) =
        attacks.iter().partition(|attack| matches!(attack.promise, Promise::Refused(_)));
    let mut failures = Vec::new();
    for attack in refused {
        note(&mut failures, attack, || check_refused(attack));
    }
    let origin = Origin::start(Script::Mirror);
    let setup = setup(&running, &origin);
    let mut proxy = setup.start(&config(&running));
    let traffic = Traffic::start(proxy.addr("web"));
    for attack in running {
        note(&mut failures, attack, || check(attack, &proxy));
        assert!(proxy.process.is_running(), "{} ended the proxy:\n{}", attack.name, proxy.said());
    }
    failures.extend(traffic.stop());
    let peak = peak_memory(proxy.process.id());
    assert!(failures.is_empty(), "{}\n{}", failures.join("\n"), tail(&proxy));
    assert!(peak < PEAK_MAX, "the proxy had {peak} KiB");
    proxy.stop();
}

/// Adds what a check fails with to the others' failures.
fn note(failures: &mut Vec<String>, attack: &Attack, check: impl FnOnce() -> Result<(), String>) {
    if let Err(why) = check() {
        failures.push(format!("{}: {why}", attack.name));
    }
}

/// Calls a script in each of its ways and checks what it promises, and that its tenant lives on.
fn check(attack: &Attack, proxy: &Proxy) -> Result<(), String> {
    for kind in &attack.kinds {
        if matches!(attack.promise, Promise::Quarantined) {
            check_quarantined(attack, proxy, kind)?;
            continue;
        }
        let answer = if kind == "task" { None } else { ask(proxy, &attack.name, kind) };
        let status = answer.as_ref().map_or(0, Message::status);
        match &attack.promise {
            Promise::Killed(text) | Promise::Error(text) => {
                let line = find_log(attack, proxy, text);
                ensure(line.is_some(), || format!("{kind}: no log line has {text:?}"))?;
                ensure(kind == "task" || status == 503, || format!("{kind}: answered {status}"))?;
            }
            Promise::Returns(text) => {
                let body = answer.unwrap_or_default().text();
                let seen = format!("{kind}: answered {status} {body:?}, not {text:?}");
                ensure(status == 200 && body == *text, || seen)?;
            }
            Promise::Ends | Promise::Quarantined => {}
            Promise::Refused(_) => return Err("it is loaded".to_owned()),
        }
        let after = ask(proxy, &attack.name, "well").unwrap_or_default();
        let seen =
            format!("after {kind}, its tenant answers {} {:?}", after.status(), after.text());
        ensure(after.status() == 200 && after.text() == "well", || seen)?;
    }
    let lines = proxy.process.stdout.all();
    let forged =
        attack.never.as_ref().filter(|never| lines.iter().any(|line| line.starts_with(*never)));
    ensure(forged.is_none(), || format!("a line is {forged:?}"))
}

/// Checks that a tenant is left out from when its call has held a worker: the call itself may go on
/// for longer than that lasts.
fn check_quarantined(attack: &Attack, proxy: &Proxy, kind: &str) -> Result<(), String> {
    thread::scope(|scope| {
        let call = scope.spawn(|| ask(proxy, &attack.name, kind));
        let line = loop {
            let has_ended = call.is_finished();
            let line = find_log(attack, proxy, "held worker");
            if line.is_some() || has_ended {
                break line;
            }
        };
        ensure(line.is_some(), || "no log line says so".to_owned())?;
        let after = ask(proxy, &attack.name, "well").unwrap_or_default().text();
        ensure(after != "well", || "its calls are not refused".to_owned())
    })
}

fn ensure(holds: bool, why: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(why()) }
}

fn ask(proxy: &Proxy, name: &str, kind: &str) -> Option<Message> {
    let mut client = proxy.connect("web");
    let port = proxy.addr("web").port();
    client.send(format!("GET /{name}/{kind} HTTP/1.1\r\nhost: x\r\nx-port: {port}\r\n\r\n"));
    // The client panics at an answer that ends in the middle.
    panic::catch_unwind(AssertUnwindSafe(|| client.message())).ok().flatten()
}

/// Waits for a log line of the tenant with this text.
fn find_log(attack: &Attack, proxy: &Proxy, text: &str) -> Option<String> {
    let tenant = format!("tenant {}:", attack.name);
    let until = Instant::now() + LOG_DEADLINE;
    loop {
        let lines = [proxy.process.stdout.all(), proxy.process.stderr.all()].concat();
        let found = lines
            .into_iter()
            .find(|line| line.find(&tenant).is_some_and(|at| line[at..].contains(text)));
        if found.is_some() || Instant::now() > until {
            return found;
        }
        thread::yield_now();
    }
}

/// Checks that a configuration with this tenant is refused, for its reason.
fn check_refused(attack: &Attack) -> Result<(), String> {
    let Promise::Refused(text) = &attack.promise else { return Ok(()) };
    let origin = Origin::start(Script::Refused);
    let setup = setup(&[attack], &origin);
    let file = setup.folder().join("test.cfg");
    fs::write(&file, config(&[attack]).replace("bind \"fd@${web}\"", "bind 127.0.0.1:0")).unwrap();
    let output = Command::new(Peer::Luaproxy.program())
        .args(["-c", "-f", "test.cfg"])
        .current_dir(setup.folder())
        .env("origin", origin.addr().to_string())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let code = output.status.code();
    ensure(code == Some(1), || format!("-c ends with {code:?}:\n{said}"))?;
    ensure(said.contains(text.as_str()), || format!("{text:?} is not in:\n{said}"))
}

/// Writes the scripts, and files that they may read and that they may not.
fn setup(attacks: &[&Attack], origin: &Origin) -> Setup {
    let mut setup = Setup::new(Peer::Luaproxy)
        .env("origin", origin.addr())
        .env("GRANTED", "granted")
        .env("SECRET", "SECRET")
        .file("good.lua", GOOD)
        .file("harness.lua", fs::read(folder().join("harness.lua")).unwrap())
        .file("secret.lua", "return 'SECRET'");
    for folder in ["lib", "data"] {
        fs::create_dir(setup.folder().join(folder)).unwrap();
    }
    setup = setup
        .file("lib/inner.lua", "return { name = 'in lib' }")
        .file("lib/ring.lua", "return require('ring')")
        .file("lib/spin.lua", "while true do end")
        .file(
            "lib/bytecode.lua",
            b"\x1bLJ\x02\x0a\x0f\x02\x00\x01\x00\x00\x00\x02K\x00\x01\x00\x00",
        )
        .file("data/open.txt", "open data")
        .file("data/large.txt", "x".repeat(100_000));
    for (target, link) in [("../secret.lua", "link"), ("..", "folder_link")] {
        for (folder, end) in [("lib", ".lua"), ("data", "")] {
            let link = setup.folder().join(folder).join(format!("{link}{end}"));
            symlink(target, link).unwrap();
        }
    }
    for attack in attacks {
        setup = setup.file(&format!("{}.lua", attack.name), fs::read(&attack.file).unwrap());
    }
    setup
}

fn config(attacks: &[&Attack]) -> String {
    let mut tenants = String::from("\ntenant good\n    lua-load good.lua\n");
    let mut rules = String::new();
    for attack in attacks {
        let name = &attack.name;
        tenants.push_str(&format!(
            "\ntenant {name}\n    lua-load harness.lua \"${{origin}}\"\n    lua-load {name}.lua\n"
        ));
        for line in &attack.policy {
            tenants.push_str(&format!("    {}\n", line.replace("${origin}", "\"${origin}\"")));
        }
        for kind in attack.kinds.iter().map(String::as_str).chain(["well"]) {
            let rule = match kind {
                "action" => format!("lua.{name}:attack"),
                "fetch" => format!("set-var(txn.result) lua.{name}:attack"),
                "converter" => format!("set-var(txn.result) str(x),lua.{name}:attack"),
                "service" => format!("use-service lua.{name}:attack"),
                "task" => continue,
                _ => format!("set-var(txn.result) lua.{name}:well"),
            };
            rules.push_str(&format!("    http-request {rule} if {{ path /{name}/{kind} }}\n"));
        }
    }
    format!(
        "{}    nbthread 2
    tune.lua.load-timeout 300ms
{tenants}{}
frontend web
    bind \"fd@${{web}}\"
    http-request set-log-level silent
    http-request lua.good:work if {{ path_beg /good/ }}
{rules}    http-request return status 200 content-type text/plain lf-string \"%[var(txn.result)]\"
",
        case::GLOBAL,
        case::HTTP
    )
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lua/hostile")
}

fn folder_of(group: &str) -> PathBuf {
    folder().join(group)
}

fn attacks(folder: &Path) -> Vec<Attack> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(Attack::read).collect()
}

impl Attack {
    fn read(file: PathBuf) -> Self {
        let text = fs::read(&file).unwrap();
        let text = String::from_utf8_lossy(&text).into_owned();
        let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
        let first = text.lines().next().and_then(|line| line.strip_prefix("-- "));
        let first = first.unwrap_or_else(|| panic!("{name}: no promise"));
        let (promise, kinds) = first.split_once(" | ").unwrap_or((first, "action"));
        let remarks = |keyword: &str| -> Vec<String> {
            let prefix = format!("-- {keyword}: ");
            text.lines().filter_map(|line| line.strip_prefix(&prefix)).map(str::to_owned).collect()
        };
        let (policy, never) = (remarks("policy"), remarks("never").pop());
        let kinds = kinds.split_whitespace().map(str::to_owned).collect();
        let promise = Promise::parse(promise).unwrap_or_else(|| panic!("{name}: {promise:?}"));
        Self { name, file, promise, kinds, policy, never }
    }
}

impl Promise {
    fn parse(text: &str) -> Option<Self> {
        let (word, detail) = text.split_once(':').unwrap_or((text, ""));
        let detail = detail.trim().to_owned();
        Some(match word.trim() {
            "killed" => Self::Killed(detail),
            "error" => Self::Error(detail),
            "returns" => Self::Returns(detail),
            "ends" => Self::Ends,
            "quarantined" => Self::Quarantined,
            "refused at load" => Self::Refused(detail),
            _ => return None,
        })
    }
}

/// Requests for the good tenant, one after the other, on connections that change.
#[derive(Debug)]
struct Traffic {
    stop: mpsc::Sender<()>,
    thread: JoinHandle<Vec<String>>,
}

impl Traffic {
    fn start(addr: SocketAddr) -> Self {
        let (stop, stopped) = mpsc::channel();
        let thread = thread::spawn(move || {
            let (mut failures, mut count, mut client) = (Vec::new(), 0_u64, None);
            while stopped.recv_timeout(PACE) == Err(RecvTimeoutError::Timeout) {
                count += 1;
                // A new connection now and then comes to the other worker.
                let mut open = match client.take().filter(|_| count % 10 != 0) {
                    Some(open) => open,
                    None => Client::connect(addr).unwrap(),
                };
                let asked = panic::catch_unwind(AssertUnwindSafe(|| {
                    open.send(format!("GET /good/{count} HTTP/1.1\r\nhost: x\r\n\r\n"));
                    open.message()
                }));
                match asked {
                    Ok(Some(message)) if message.text() == format!("good {}", 5050 * count) => {
                        client = Some(open);
                    }
                    Ok(message) => failures.push(format!("good request {count}: {message:?}")),
                    Err(_) => failures.push(format!("good request {count}: no answer")),
                }
            }
            assert!(count > 0, "no good request was made");
            failures
        });
        Self { stop, thread }
    }

    fn stop(self) -> Vec<String> {
        self.stop.send(()).unwrap();
        self.thread.join().unwrap()
    }
}

/// Returns the most memory a process has had, in KiB.
fn peak_memory(id: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Returns the last lines of what a proxy said.
fn tail(proxy: &Proxy) -> String {
    let said = proxy.said();
    let lines: Vec<String> = said.lines().map(|line| line.chars().take(300).collect()).collect();
    lines[lines.len().saturating_sub(60)..].join("\n")
}
