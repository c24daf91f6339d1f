//! The commands of script authors: `luaproxy test`, `types` and what else stands in place of a
//! configuration.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::process::Output;

use libtest_mimic::Trial;

use crate::support::proxy::Peer;

const TRIALS: &[(&str, fn())] = &[
    ("commands_are_listed_by_the_help", commands_are_listed_by_the_help),
    ("a_mistyped_command_gets_a_hint", a_mistyped_command_gets_a_hint),
    ("manual_of_lua_is_printed", manual_of_lua_is_printed),
    ("types_are_written", types_are_written),
    ("tests_of_the_examples_pass", tests_of_the_examples_pass),
    ("tests_find_what_a_configuration_loads", tests_find_what_a_configuration_loads),
    ("tests_that_cannot_be_run_are_told", tests_that_cannot_be_run_are_told),
    ("results_are_written_for_build_servers", results_are_written_for_build_servers),
    ("progress_is_shown_on_a_terminal_alone", progress_is_shown_on_a_terminal_alone),
];

/// Test scripts: what they begin with says how they are run and what must be said of them.
const SCRIPTS: &str = "tests/command";

pub(crate) fn trials() -> Vec<Trial> {
    let trial = |(name, run): &(&'static str, fn())| {
        let run = *run;
        Trial::test(format!("command::{name}"), move || {
            run();
            Ok(())
        })
    };
    let mut trials: Vec<_> = TRIALS.iter().map(trial).collect();
    for entry in fs::read_dir(root().join(SCRIPTS)).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        trials.push(Trial::test(format!("command::test::{file}"), move || {
            script_says(&file);
            Ok(())
        }));
    }
    trials
}

fn script_says(file: &str) {
    let folder = root().join(SCRIPTS);
    let script = fs::read_to_string(folder.join(file)).unwrap();
    let head = |word| {
        let prefix = format!("-- {word} ");
        script.lines().filter_map(move |line| line.strip_prefix(&prefix)).collect::<Vec<_>>()
    };
    let args: Vec<&str> = head("args").iter().flat_map(|line| line.split(' ')).collect();
    let output = Command::new(Peer::Luaproxy.program())
        .current_dir(folder)
        .args([&["test"], args.as_slice(), &[file]].concat())
        .output()
        .unwrap();
    let said = text(&output);
    assert_eq!(output.status.code(), head("exit").first().map(|it| it.parse().unwrap()), "{said}");
    assert!(!head("says").is_empty());
    for wanted in head("says") {
        let holds = |line: &str| {
            let mut rest = Some(line);
            for part in wanted.split(" .. ") {
                rest = rest.and_then(|text| text.split_once(part)).map(|(_, after)| after);
            }
            rest.is_some()
        };
        assert!(said.lines().any(holds), "no word of '{wanted}' in:\n{said}");
    }
}

fn commands_are_listed_by_the_help() {
    for args in [&["--help"][..], &["-h"], &[]] {
        let output = run(args);
        for word in ["\n  manual ", "\n  test ", "\n  types "] {
            assert!(text(&output).contains(word), "{args:?}: {}", text(&output));
        }
    }
    let output = run(&["types", "--help"]);
    assert!(output.status.success());
    assert!(text(&output).starts_with("Usage: luaproxy types "), "{}", text(&output));
}

fn a_mistyped_command_gets_a_hint() {
    let output = run(&["typse", "x"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output).contains("unknown command 'typse'"), "{}", text(&output));
    assert!(text(&output).contains("did you mean 'types' ?"), "{}", text(&output));
    let output = run(&["types"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output).contains("directory"), "{}", text(&output));
    let output = run(&["manual", "--luna"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output).contains("--luna"), "{}", text(&output));
}

fn manual_of_lua_is_printed() {
    let output = run(&["manual", "--lua"]);
    let committed = root().join("docs/lua.md");
    assert!(text(&output) == fs::read_to_string(committed).unwrap(), "docs/lua.md is old");
}

fn types_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("new/types");
    fs::create_dir_all(&to).unwrap();
    fs::write(to.join(".luarc.json"), "{}").unwrap();
    let output = run(&["types", to.to_str().unwrap()]);
    assert!(output.status.success(), "{}", text(&output));
    let core = fs::read_to_string(to.join("core.lua")).unwrap();
    assert!(core.contains("function core.register_action(name, rules, run, arguments) end"));
    assert_eq!(fs::read_to_string(to.join(".luarc.json")).unwrap(), "{}");
    let output = run(&["types", "/proc/nowhere"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains("'/proc/nowhere'"), "{}", text(&output));
}

fn tests_of_the_examples_pass() {
    let output = Command::new(Peer::Luaproxy.program())
        .current_dir(root().join("scripts"))
        .arg("test")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output));
    let scripts = fs::read_dir(root().join("scripts")).unwrap();
    let names = scripts.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let tests = names.filter(|name| name.ends_with("_test.lua")).count();
    assert!(tests > 4, "{tests}");
    assert!(text(&output).contains(" 0 failed, 0 skipped"), "{}", text(&output));
}

fn tests_find_what_a_configuration_loads() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let own =
        file("own.lua", "core.register_fetches('f', function(txn) return txn.f:fe_name() end)");
    let theirs = file(
        "theirs.lua",
        "core.register_action('loop', { 'http-req' }, function() while true do end end)
         core.register_converters('c', function(text) return type(io) .. text end)",
    );
    let config = file(
        "a.cfg",
        &format!(
            "global\n    lua-load-per-thread {own}\ntenant acme\n    lua-load {theirs}\n    cpu-max 20ms\n\
             frontend web\n    mode http\n    bind 127.0.0.1:64999\n    timeout client 1s\n"
        ),
    );
    let test = file(
        "a_test.lua",
        "it('finds the fetch', function()
             expect(transaction({ frontend = 'web' }):fetch('f')).to_be('web')
         end)
         it('runs a tenant as a tenant', function()
             expect(convert('acme:c', '!')).to_be('nil!')
             local txn = transaction()
             expect(function() txn:action('acme:loop') end).to_raise('cpu%-max 20ms')
         end)
         it('knows the proxies', function()
             expect(core.frontends.web:get_mode()).to_be('http')
             expect(function() transaction({ frontend = 'wbe' }) end).to_raise(\"unknown frontend 'wbe'\")
         end)",
    );
    let output = run(&["test", "--config", &config, &test]);
    assert!(output.status.success(), "{}", text(&output));
    let wrong = file("b.cfg", "global\n    lua-laod x\n");
    let output = run(&["test", "--config", &wrong, &test]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    assert!(text(&output).contains("lua-load"), "{}", text(&output));
}

fn tests_that_cannot_be_run_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().to_str().unwrap();
    for (args, word) in [
        (&["test", "/nowhere/x_test.lua"][..], "cannot open '/nowhere/x_test.lua'"),
        (&["test", empty], "no *_test.lua"),
        (&["test", "--timeout", "0"], "--timeout takes seconds above 0, not '0'"),
        (&["test", "--timeout", "soon"], "--timeout"),
        (&["test", "--colour"], "--colour"),
    ] {
        let output = run(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", text(&output));
        assert!(text(&output).contains(word), "{args:?}: {}", text(&output));
    }
}

fn results_are_written_for_build_servers() {
    let folder = tempfile::tempdir().unwrap();
    let xml = folder.path().join("junit.xml");
    let script = root().join(SCRIPTS).join("matchers.lua");
    let output = run(&["test", "--junit", xml.to_str().unwrap(), script.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    let xml = fs::read_to_string(xml).unwrap();
    for word in [
        "tests=\"14\" failures=\"10\" skipped=\"1\"",
        "<skipped/>",
        "<testcase name=\"what fails: to_be\"",
        "<failure message=\"expected to be\">expected to be\n- 2\n+ 1\n",
        "<system-out>before it failed</system-out>",
        "expected &quot;abc&quot; to match",
    ] {
        assert!(xml.contains(word), "no '{word}' in:\n{xml}");
    }
    let nowhere = ["test", "--junit", "/nowhere/j.xml", script.to_str().unwrap()];
    assert_eq!(run(&nowhere).status.code(), Some(2));
}

fn progress_is_shown_on_a_terminal_alone() {
    let script = root().join(SCRIPTS).join("network.lua");
    let script = script.to_str().unwrap();
    let output = run(&["test", script]);
    assert!(!text(&output).contains('\x1b'), "{}", text(&output));
    // util-linux's `script` gives a command a terminal.
    let command = format!("{} test {script}", Peer::Luaproxy.program().display());
    let shown = Command::new("script").args(["-qec", &command, "/dev/null"]).output().unwrap();
    assert!(text(&shown).contains("[5/5]"), "{}", text(&shown));
    let last = text(&shown).trim_end().rsplit("\x1b[K").next().map(str::to_owned);
    assert!(last.is_some_and(|last| last.starts_with("5 tests: 5 passed")), "{}", text(&shown));
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn run(args: &[&str]) -> Output {
    Command::new(Peer::Luaproxy.program()).args(args).output().unwrap()
}

/// Everything a program said.
fn text(output: &Output) -> String {
    let both = [output.stdout.as_slice(), &output.stderr].concat();
    String::from_utf8_lossy(&both).into_owned()
}
