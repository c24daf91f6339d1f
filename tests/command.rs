//! The commands of script authors: `luaproxy manual`, `types` and what else stands in place of a
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
];

pub(crate) fn trials() -> Vec<Trial> {
    let trial = |(name, run): &(&'static str, fn())| {
        let run = *run;
        Trial::test(format!("command::{name}"), move || {
            run();
            Ok(())
        })
    };
    TRIALS.iter().map(trial).collect()
}

fn commands_are_listed_by_the_help() {
    for args in [&["--help"][..], &["-h"], &[]] {
        let output = run(args);
        for word in ["\n  manual ", "\n  types "] {
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
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/lua.md");
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

fn run(args: &[&str]) -> Output {
    Command::new(Peer::Luaproxy.program()).args(args).output().unwrap()
}

/// Everything a program said.
fn text(output: &Output) -> String {
    let both = [output.stdout.as_slice(), &output.stderr].concat();
    String::from_utf8_lossy(&both).into_owned()
}
