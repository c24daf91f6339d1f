//! The commands of script authors: `luaproxy test`, `types` and what else stands in place of a
//! configuration.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;

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
    ("a_bench_measures_each_kind", a_bench_measures_each_kind),
    ("a_bench_says_where_luajit_gave_up", a_bench_says_where_luajit_gave_up),
    ("a_bench_is_compared_with_a_saved_one", a_bench_is_compared_with_a_saved_one),
    ("a_bench_that_measures_nothing_says_why", a_bench_that_measures_nothing_says_why),
    ("a_prompt_runs_what_a_pipe_brings", a_prompt_runs_what_a_pipe_brings),
    ("a_prompt_on_a_terminal_has_a_history", a_prompt_on_a_terminal_has_a_history),
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
        for word in ["\n  bench ", "\n  manual ", "\n  repl ", "\n  test ", "\n  types "] {
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

const FUNCTIONS: &str = "
core.register_converters('slug', function(text, more) return (text:lower():gsub('[^%w]+', '-')) .. (more or '') end)
core.register_fetches('first', function(txn) return txn.f:req_hdr('x-a') .. txn.f:path() end)
core.register_action('tag', { 'http-req' }, function(txn)
    assert(not txn.f:req_hdr('x-tag'), 'each call has a transaction of its own')
    txn.http:req_set_header('x-tag', '1')
end)
core.register_service('hello', 'http', function(applet) applet:start_response() applet:send('hello') end)
core.register_converters('sum', function(text)
    local sum = 0
    for index = 1, 1000 do sum = sum + index end
    return sum
end)
core.register_converters('pieces', function(text)
    local all = {}
    for index = 1, 1000 do all[#all + 1] = string.char(index % 256) .. text end
    return #all
end)
core.register_fetches('broken', function() error('broken on purpose') end)
";

/// Runs `luaproxy bench` in a folder with the functions.
fn bench(folder: &Path, args: &[&str]) -> Output {
    fs::write(folder.join("f.lua"), FUNCTIONS).unwrap();
    let short: &[&str] = if args.contains(&"--time") { &[] } else { &["--time", "0.02"] };
    Command::new(Peer::Luaproxy.program())
        .current_dir(folder)
        .args([&["bench", "f.lua"], args, short].concat())
        .output()
        .unwrap()
}

fn a_bench_measures_each_kind() {
    let folder = tempfile::tempdir().unwrap();
    let args =
        ["-e", "slug", "-e", "lua.first", "-e", "tag", "-e", "hello", "--input", "A B", "-a", "x"];
    let fields = "{ path = '/p', headers = { ['x-a'] = '1' } }";
    let output = bench(folder.path(), &[&args[..], &["--transaction", fields]].concat());
    let said = text(&output);
    assert!(output.status.success(), "{said}");
    for (kind, name) in
        [("converter", "slug"), ("fetch", "first"), ("action", "tag"), ("service", "hello")]
    {
        let line = said.lines().find(|line| line.starts_with(&format!("{kind:9}  lua.{name} ")));
        let line = line.unwrap_or_else(|| panic!("no line of {name} in:\n{said}"));
        let bytes: f64 = line.split_whitespace().last().unwrap().parse().unwrap();
        // A converter gets and gives strings that LuaJIT knows by then; the others get an object.
        assert_eq!(bytes > 0.0, kind != "converter", "{line}");
    }
    // One that fails is told, the others are measured.
    let output = bench(folder.path(), &["-e", "broken", "-e", "slug"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(text(&output).contains("fetch lua.broken: "), "{}", text(&output));
    assert!(text(&output).contains("broken on purpose"), "{}", text(&output));
    assert!(text(&output).contains("lua.slug"), "{}", text(&output));
}

fn a_bench_says_where_luajit_gave_up() {
    let folder = tempfile::tempdir().unwrap();
    let output = bench(folder.path(), &["-e", "sum"]);
    assert!(text(&output).contains("           compiled"), "{}", text(&output));
    fs::write(
        folder.path().join("g.lua"),
        "core.register_converters('close', function(text)\n    local f\n    for index = 1, 1000 do\n        \
         f = function() return index end\n    end\n    return f()\nend)",
    )
    .unwrap();
    let output = Command::new(Peer::Luaproxy.program())
        .current_dir(folder.path())
        .args(["bench", "g.lua", "--time", "0.05"])
        .output()
        .unwrap();
    assert!(
        text(&output).contains("! trace aborted: g.lua:4: NYI: bytecode "),
        "{}",
        text(&output)
    );
}

fn a_bench_is_compared_with_a_saved_one() {
    let folder = tempfile::tempdir().unwrap();
    let output = bench(folder.path(), &["-e", "sum", "--save", "main"]);
    assert!(output.status.success(), "{}", text(&output));
    let output = bench(
        folder.path(),
        &["-e", "sum", "-e", "pieces", "--against", "main", "--html", "r.html"],
    );
    let said = text(&output);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("against 'main':\n"), "{said}");
    assert!(said.contains("lua.pieces") && said.contains("was not measured then"), "{said}");
    let page = fs::read_to_string(folder.path().join("r.html")).unwrap();
    for word in ["<svg ", "converter lua.sum", "<rect class=\"bar\"", "against main", "</html>"] {
        assert!(page.contains(word), "no {word}");
    }
    assert!(!page.contains("http://") && !page.contains("https://"), "it stands alone");
    // What was fast by a saved run of another machine is slow now.
    let saved = folder.path().join(".luaproxy-bench/main.json");
    let run = fs::read_to_string(&saved).unwrap();
    assert!(run.contains("\"converter sum\""), "{run}");
    fs::write(&saved, "{\"converter sum\":{\"p50\":1.0,\"middle\":0.0}}").unwrap();
    let output = bench(folder.path(), &["-e", "sum", "--against", "main", "--fail-above", "5"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(text(&output).contains("lua.sum is slower by "), "{}", text(&output));
    fs::write(&saved, "nonsense").unwrap();
    let output = bench(folder.path(), &["--against", "main"]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
}

fn a_bench_that_measures_nothing_says_why() {
    let folder = tempfile::tempdir().unwrap();
    for (args, word) in [
        (&["-e", "slgu"][..], "no script has registered 'lua.slgu' did you mean 'slug' ?"),
        (&["--against", "nothing"], "there is no saved run 'nothing'"),
        (&["--save", "../x"], "'../x' is no name of a run"),
        (&["--time", "-1"], "--time takes seconds above 0, not '-1'"),
        (&["--config", "/nowhere.cfg"], "/nowhere.cfg"),
        (&["nowhere.lua"], "nowhere.lua"),
    ] {
        let output = bench(folder.path(), args);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", text(&output));
        assert!(text(&output).contains(word), "{args:?}: {}", text(&output));
    }
    let output = bench(folder.path(), &["-e", "first", "--transaction", "{ metod = 1 }"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(text(&output).contains("unknown field 'metod'"), "{}", text(&output));
    assert_eq!(run(&["bench"]).status.code(), Some(2));
}

/// Runs `luaproxy repl` with what a pipe brings.
fn prompt(args: &[&str], lines: &str) -> Output {
    let mut child = Command::new(Peer::Luaproxy.program())
        .arg("repl")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn a_prompt_runs_what_a_pipe_brings() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("f.lua");
    fs::write(&script, FUNCTIONS).unwrap();
    let lines = "
x = 20
x + 1, 'two', nil
for index = 1, 2 do
    x = x + index
end
x
txn.f:method()
{ a = { 1 }, b = 'c' }
convert('slug', 'A B')
transaction({ path = '/q', headers = { ['x-a'] = '1' } }):fetch('first')
core.msleep(1)
";
    let output = prompt(&[script.to_str().unwrap()], lines);
    assert!(output.status.success(), "{}", text(&output));
    let said = String::from_utf8(output.stdout).unwrap();
    let table = "{\n    a = {\n        [1] = 1,\n    },\n    b = \"c\",\n}";
    let expected = format!("21\t\"two\"\tnil\n23\n\"GET\"\n{table}\n\"a-b\"\n\"1/q\"\n");
    assert_eq!(said, expected);
    // An hour that nobody waits for.
    let output = prompt(&["--offline"], "core.sleep(3600)\nfake_http('a:80', {})\n");
    assert!(output.status.success(), "{}", text(&output));
    for (lines, word) in [
        ("error('oops')\n1\n", "oops"),
        ("x = = 1\n", "unexpected symbol near '='"),
        ("for index = 1, 2 do\n", "the input ends in the middle of a statement"),
        ("while true do end\n", "--timeout 200ms"),
        ("convert('none', '')\n", "no script has registered the converter 'lua.none'"),
    ] {
        let output = prompt(&["--timeout", "0.2"], lines);
        assert_eq!(output.status.code(), Some(1), "{lines}: {}", text(&output));
        assert!(text(&output).contains(word), "{lines}: {}", text(&output));
    }
    assert_eq!(prompt(&["/nowhere.lua"], "").status.code(), Some(2));
}

fn a_prompt_on_a_terminal_has_a_history() {
    let folder = tempfile::tempdir().unwrap();
    let command = format!("{} repl", Peer::Luaproxy.program().display());
    let mut child = Command::new("script")
        .args(["-qec", &command, "/dev/null"])
        .env("XDG_STATE_HOME", folder.path())
        .env("TERM", "dumb")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"6 * 7\ncore.thread\n").unwrap();
    // Ctrl-D
    input.write_all(b"\x04").unwrap();
    let output = child.wait_with_output().unwrap();
    drop(input);
    assert!(text(&output).contains("42"), "{}", text(&output));
    let history = fs::read_to_string(folder.path().join("luaproxy/history")).unwrap();
    assert!(history.contains("6 * 7\ncore.thread"), "{history}");
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
