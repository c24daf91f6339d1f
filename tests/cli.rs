//! The command line: what it answers, what it refuses, how it ends.

use std::fs;
use std::io::Read as _;
use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::process::Output;

use libtest_mimic::Trial;
use rustix::process::Pid;
use rustix::process::Signal;
use rustix::process::kill_process;

use crate::support::case;
use crate::support::case::GLOBAL;
use crate::support::case::HTTP;
use crate::support::case::Scenario;
use crate::support::origin::Origin;
use crate::support::origin::Script;
use crate::support::peer;
use crate::support::proxy::Peer;
use crate::support::proxy::Setup;

const BOTH: &[Scenario] = &[
    ("check_of_a_valid_file_says_so", check_of_a_valid_file_says_so),
    ("check_of_a_wrong_file_fails", check_of_a_wrong_file_fails),
    ("missing_file_is_refused", missing_file_is_refused),
    ("files_and_directories_are_read_in_order", files_and_directories_are_read_in_order),
    ("server_is_found_by_its_name", server_is_found_by_its_name),
    ("soft_stop_lets_a_request_finish", soft_stop_lets_a_request_finish),
    ("term_stops_at_once", term_stops_at_once),
];

const OWN: &[(&str, fn())] = &[
    ("version_names_itself", version_names_itself),
    ("no_argument_is_a_usage_error", no_argument_is_a_usage_error),
    ("all_mistakes_are_reported_at_once", all_mistakes_are_reported_at_once),
    ("script_mistakes_are_reported_by_check", script_mistakes_are_reported_by_check),
    ("what_scripts_do_otherwise_is_shown", what_scripts_do_otherwise_is_shown),
    ("scripts_of_another_dialect_are_read_as_such", scripts_of_another_dialect_are_read_as_such),
    ("lint_shows_what_to_look_at", lint_shows_what_to_look_at),
    ("lint_rewrites_what_is_safe", lint_rewrites_what_is_safe),
    ("lint_of_what_cannot_be_read_fails", lint_of_what_cannot_be_read_fails),
    ("condition_is_answered_by_the_exit_status", condition_is_answered_by_the_exit_status),
    ("unknown_option_is_refused", unknown_option_is_refused),
    ("config_by_an_equals_sign", config_by_an_equals_sign),
    ("letters_that_mean_nothing_are_accepted", letters_that_mean_nothing_are_accepted),
    ("daemon_answers_from_the_background", daemon_answers_from_the_background),
    ("daemon_that_cannot_start_says_so", daemon_that_cannot_start_says_so),
];

const VALID: &str = "
defaults
    mode http
    timeout connect 5s
    timeout client 5s
    timeout server 5s
frontend web
    bind 127.0.0.1:64999
    http-request return
";

const LISTEN: &str = "
listen web
    bind \"fd@${web}\"
    server s1 \"${s1}\"
";

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = case::scenarios("cli", BOTH);
    for (name, run) in OWN {
        trials.push(peer::trial(format!("cli::{name}::luaproxy"), &[], run));
    }
    trials
}

fn check_of_a_valid_file_says_so(peer: Peer) {
    let output = peer.check(VALID);
    assert!(output.status.success(), "{}", text(&output));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "Configuration file is valid\n");
}

fn check_of_a_wrong_file_fails(peer: Peer) {
    let output = peer.check(&VALID.replace("http-request return", "log-sampel path"));
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    let said = text(&output);
    assert!(said.contains("[ALERT]"), "{said}");
    assert!(said.contains("unknown keyword 'log-sampel' in 'frontend' section"), "{said}");
    assert!(said.contains("Error(s) found in configuration file : test.cfg"), "{said}");
}

fn missing_file_is_refused(peer: Peer) {
    let output = Command::new(peer.program()).args(["-c", "-f", "/nowhere.cfg"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(text(&output).contains("/nowhere.cfg"), "{}", text(&output));
}

fn files_and_directories_are_read_in_order(peer: Peer) {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    };
    let first = write("z.cfg", ".notice first\n");
    write("many/b.cfg", ".notice third\n");
    write("many/a.cfg", ".notice second\n");
    write("many/ignored.txt", "nonsense\n");
    let last = write("a.cfg", &format!(".notice fourth\n{VALID}"));
    let mut command = Command::new(peer.program());
    command.arg("-c").arg("-f").arg(first).arg("-f").arg(folder.path().join("many"));
    let output = command.arg("-f").arg(last).output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    let said = text(&output);
    let places = ["first", "second", "third", "fourth"].map(|word| said.find(word).unwrap());
    assert!(places.is_sorted(), "{said}");
}

fn server_is_found_by_its_name(peer: Peer) {
    let origin = Origin::start(Script::Echo);
    let config = format!("{GLOBAL}{HTTP}{LISTEN}").replace("${s1}", "localhost:${port}");
    let setup = Setup::new(peer).env("port", origin.addr().port());
    let proxy = setup.start(&config);
    let mut client = proxy.connect("web");
    client.send("GET /by-name HTTP/1.1\r\nhost: x\r\n\r\n");
    assert!(client.message().unwrap().text().contains("/by-name"));
    proxy.stop();
}

fn soft_stop_lets_a_request_finish(peer: Peer) {
    let (tell, told) = std::sync::mpsc::channel();
    let (gate, pass) = std::sync::mpsc::channel::<()>();
    let pass = std::sync::Mutex::new(pass);
    let origin = Origin::with(move |client| {
        client.message();
        tell.send(()).unwrap();
        pass.lock().unwrap().recv().unwrap();
        client.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    });
    let config = format!("{GLOBAL}{HTTP}{LISTEN}");
    let mut proxy = Setup::new(peer).env("s1", origin.addr()).start(&config);
    let mut client = proxy.connect("web");
    client.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    told.recv().unwrap();
    proxy.process.signal(Signal::USR1);
    gate.send(()).unwrap();
    assert_eq!(client.message().unwrap().text(), "ok");
    assert_eq!(proxy.process.wait().code(), Some(0), "{}", proxy.said());
}

fn term_stops_at_once(peer: Peer) {
    let origin = Origin::start(Script::Silent);
    let config = format!("{GLOBAL}{HTTP}{LISTEN}");
    let proxy = Setup::new(peer).env("s1", origin.addr()).start(&config);
    let mut client = proxy.connect("web");
    client.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    origin.wait_for_request();
    proxy.stop();
    client.ended();
}

fn version_names_itself() {
    let output = luaproxy(&["-v"]);
    assert!(output.status.success());
    assert!(text(&output).contains("luaproxy version "), "{}", text(&output));
    let output = luaproxy(&["-vv"]);
    for word in ["LuaJIT", "+LUA"] {
        assert!(text(&output).contains(word), "-vv names {word}: {}", text(&output));
    }
}

fn no_argument_is_a_usage_error() {
    let output = luaproxy(&[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains("--config"), "{}", text(&output));
}

fn all_mistakes_are_reported_at_once() {
    let wrong = VALID.replace("mode http", "mode htpt").replace(
        "http-request return",
        "use_backend nobody\n    acl a path_begg /\n    http-request dney",
    );
    let output = Peer::Luaproxy.check(&wrong);
    let said = text(&output);
    assert_eq!(output.status.code(), Some(1));
    for word in ["htpt", "nobody", "path_begg", "dney"] {
        assert!(said.contains(word), "no word of {word} in:\n{said}");
    }
}

fn script_mistakes_are_reported_by_check() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("bad.lua"), "local x = = 1\n").unwrap();
    let config = format!("global\n    lua-load {}/bad.lua\n{VALID}", folder.path().display());
    let output = Peer::Luaproxy.check(&config);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(text(&output).contains("bad.lua:1:"), "{}", text(&output));
}

fn what_scripts_do_otherwise_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let script = "local function ring(h)\n    return h << 40\nend\n";
    fs::write(folder.path().join("ring.lua"), script).unwrap();
    let folder = folder.path().display();
    let config = format!(
        "global\n    lua-load {folder}/ring.lua\n    lua-load-per-thread {folder}/ring.lua\n\
         tenant acme\n    lua-load {folder}/ring.lua\n{VALID}"
    );
    let output = Peer::Luaproxy.check(&config);
    let said = text(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains(&format!("parsing [{folder}/ring.lua:2] : '<<' by 40 shifts by 8")));
    assert!(said.contains("ring.lua:2:14") && said.contains("^^") && said.contains("= help:"));
    assert_eq!(said.matches("[WARNING]").count(), 1, "once for a file: {said}");
    let output = Peer::Luaproxy.check(&config.replace("ring.lua", "ring.lua dialect 5.4"));
    assert!(!text(&output).contains("[WARNING]"), "{}", text(&output));
}

fn scripts_of_another_dialect_are_read_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.lua");
    for (script, expected) in [
        ("local a <const> = 7 // 2\nassert(a == 3 and 1 << 40 > 2 ^ 39)", ""),
        ("local a\nlocal b <close> = nil", "a.lua:2: '<close>' is not available"),
        ("local a\n\nlocal b = = 1", "a.lua:3: "),
        ("local a\nerror(7 // 0)", "a.lua:2: attempt to divide by zero"),
        ("return (...) == 'word' or error('no argument')", ""),
    ] {
        fs::write(&file, script).unwrap();
        for load in ["global\n    lua-load", "tenant acme\n    lua-load"] {
            let config = format!("{load} {} dialect 5.4 word\n{VALID}", file.display());
            let output = Peer::Luaproxy.check(&config);
            let said = text(&output);
            assert_eq!(output.status.success(), expected.is_empty(), "{script}: {said}");
            assert!(said.contains(expected), "{script}: {said}");
        }
    }
}

fn lint_shows_what_to_look_at() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.lua");
    let script = "core.register_fetches('a', function()\n    core.sleep(1)\nend)\n";
    fs::write(&file, script).unwrap();
    let file = file.to_str().unwrap();
    let output = luaproxy(&["lint", file]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("'core.sleep' waits, and is reached from a sample fetch [wait]"),
        "{said}"
    );
    assert!(said.contains("a.lua:2:5") && said.contains("^^^^"), "{said}");
    let output = luaproxy(&["lint", "--format", "json", file]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let object: serde_json::Value = serde_json::from_str(said.trim()).unwrap();
    assert_eq!(
        (&object["line"], &object["column"], &object["rule"]),
        (&2.into(), &5.into(), &"wait".into())
    );
    let output = luaproxy(&["lint", "--format", "github", file]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        said.starts_with("::warning file=") && said.contains(",line=2,col=5,title=wait::"),
        "{said}"
    );
    fs::write(file, "core.register_fetches('a', function() return 'a' end)\n").unwrap();
    let output = luaproxy(&["lint", file]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 0));
}

fn lint_rewrites_what_is_safe() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.lua");
    fs::write(&file, "local a <const> = 7 // 2\nreturn a << 40\n").unwrap();
    let output = luaproxy(&["lint", "--fix", file.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("[shift]") && !said.contains("[attribute]"), "{said}");
    let text = fs::read_to_string(&file).unwrap();
    assert_eq!(text, "local a         = math.floor(7 / 2)\nreturn a << 40\n");
}

fn lint_of_what_cannot_be_read_fails() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.lua");
    fs::write(&file, "local a\nlocal b = = 1\n").unwrap();
    let output = luaproxy(&["lint", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    assert!(text(&output).contains("a.lua:2: "), "{}", text(&output));
    for wrong in [&["lint"][..], &["lint", "missing.lua"], &["lint", "--format", "xml", "a.lua"]] {
        assert_eq!(luaproxy(wrong).status.code(), Some(2), "{wrong:?}");
    }
}

fn condition_is_answered_by_the_exit_status() {
    assert_eq!(luaproxy(&["-cc", "feature(LUA)"]).status.code(), Some(0));
    assert_eq!(luaproxy(&["-cc", "streq(a,b)"]).status.code(), Some(1));
}

fn unknown_option_is_refused() {
    let output = luaproxy(&["--confg", "x.cfg"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains("--config"), "a hint: {}", text(&output));
}

fn config_by_an_equals_sign() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.cfg");
    fs::write(&file, VALID).unwrap();
    let output = luaproxy(&["--check", &format!("--config={}", file.display())]);
    assert!(output.status.success(), "{}", text(&output));
}

fn letters_that_mean_nothing_are_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.cfg");
    fs::write(&file, VALID).unwrap();
    let file = file.to_str().unwrap();
    let output = luaproxy(&["-c", "-dM", "-de", "-dk", "-S", "x", "-f", file]);
    assert_eq!(text(&output), "Configuration file is valid\n");
    let output = luaproxy(&["-c", "-V", "-dM", "-f", file]);
    assert!(output.status.success());
    assert!(text(&output).contains("option '-dM' means nothing to luaproxy"), "{}", text(&output));
}

fn daemon_answers_from_the_background() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (config, socket, pidfile) = (file("a.cfg"), file("socket"), file("pid"));
    fs::write(&config, VALID.replace("127.0.0.1:64999", &format!("unix@{socket}"))).unwrap();
    let output = luaproxy(&["-D", "-p", &pidfile, "-f", &config]);
    assert!(output.status.success(), "{}", text(&output));
    // It accepts already: no waiting.
    let mut client = UnixStream::connect(&socket).unwrap();
    client.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    let pid = fs::read_to_string(&pidfile).unwrap().trim().parse().ok().and_then(Pid::from_raw);
    kill_process(pid.expect("a process number"), Signal::TERM).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

fn daemon_that_cannot_start_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("a.cfg");
    let bind = format!("unix@{}/none/socket", folder.path().display());
    fs::write(&config, VALID.replace("127.0.0.1:64999", &bind)).unwrap();
    let output = luaproxy(&["-D", "-f", config.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains("for frontend web: "), "{}", text(&output));
}

fn luaproxy(args: &[&str]) -> Output {
    Command::new(Peer::Luaproxy.program()).args(args).output().unwrap()
}

/// Everything a program said.
fn text(output: &Output) -> String {
    let parts = [&output.stdout, &output.stderr];
    parts.map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat()
}
