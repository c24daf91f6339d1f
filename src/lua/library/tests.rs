//! The libraries as scripts see them.

use std::fs;
use std::rc::Rc;
use std::sync::Arc;

use super::super::account::Account;
use super::super::book::Book;
use super::super::book::Info;
use super::super::book::Place;
use super::super::current;
use super::super::current::Context;
use super::super::current::Current;
use super::super::driver;
use super::super::meter::Limits;
use super::super::raw::Ret;
use super::super::vm::Options;
use super::super::vm::Reach;
use super::super::vm::Vm;
use super::*;
use crate::task;

/// Returns a state: a tenant's, or the operator's own.
pub(super) fn state(policy: Option<Policy>) -> Vm {
    let reach = if policy.is_some() { Reach::Tenant } else { Reach::GLOBAL };
    let vm = Vm::new(Options { id: 1, jit: true, reach }).unwrap();
    let tenant = policy.map(|policy| Account::new(Arc::new(policy)));
    let book = Rc::new(Book::default());
    let weak = vm.downgrade();
    vm.set_up(Info { book, place: Place::Own, number: 1, vm: weak, tenant }).unwrap();
    vm
}

/// Runs a script to its end as a task; returns what it returns, or its error.
pub(super) fn run(vm: &Vm, script: &str) -> String {
    run_in(vm, Context::Task, script)
}

pub(super) fn run_in(vm: &Vm, context: Context, script: &str) -> String {
    let function = vm.load("t.lua", script.as_bytes()).unwrap();
    let current = Current { context, txn: None };
    let (call, step) = current::with(&current, || vm.start(&function, &[], Limits::NONE));
    match task::block_on(driver::finish(call, step, &current)).unwrap() {
        Ok(Ret::Str(text)) => String::from_utf8_lossy(&text).into_owned(),
        Ok(other) => format!("{other:?}"),
        Err(error) => error.message,
    }
}

/// Returns what an expression gives, or its error, as text; `prelude` stands before it.
pub(super) fn eval(vm: &Vm, prelude: &str, expression: &str) -> String {
    let script = format!(
        "{prelude}
        local function show(ok, first, ...)
            if not ok then return first end
            local out = {{ ... }}
            for i = 1, select('#', ...) do out[i] = tostring(out[i]) end
            return table.concat(out, ' ')
        end
        return show(pcall(function() return nil, {expression} end))"
    );
    run(vm, &script)
}

/// Checks expressions in the operator's own state and in a tenant's.
pub(super) fn check(prelude: &str, cases: &[(&str, &str)]) {
    for policy in [None, Some(Policy::new("acme"))] {
        let vm = state(policy);
        let lines = prelude.lines().count() + 7;
        for (expression, expected) in cases {
            let expected = expected.replace("LINE", &format!("t.lua:{lines}"));
            assert_eq!(eval(&vm, prelude, expression), expected, "{expression}");
        }
    }
}

/// Runs a script that asserts, in the operator's own state and in a tenant's.
pub(super) fn script(source: &str) {
    for policy in [None, Some(Policy::new("acme"))] {
        let vm = state(policy);
        assert_eq!(run(&vm, &format!("{source}\nreturn 'done'")), "done");
    }
}

#[test]
fn the_table_is_sorted_and_each_library_loads() {
    let names: Vec<_> = TABLE.iter().map(|library| library.name).collect();
    assert!(names.is_sorted() && !names.windows(2).any(|two| two[0] == two[1]), "{names:?}");
    let vm = state(None);
    for library in TABLE {
        for (group, rows) in library.functions {
            assert!(rows.is_sorted_by_key(|row| row.name), "{}: {group}", library.name);
        }
        let script = format!("return type(require '{}')", library.name);
        assert_eq!(run(&vm, &script), "table", "{}", library.name);
    }
}

#[test]
fn the_documentation_names_each_library() {
    let text = include_str!("../../../docs/libraries.md");
    for library in TABLE {
        assert!(text.contains(&format!("`{}`", library.name)), "{}", library.name);
    }
}

#[test]
fn files_of_scripts_come_before_what_needs_no_c_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["json", "cjson", "own"] {
        let text = format!("return {{ file = '{name}' }}");
        fs::write(folder.path().join(format!("{name}.lua")), text).unwrap();
    }
    let path = folder.path().join("?.lua").display().to_string();
    let global = state(None);
    run(&global, &format!("package.path = '{path}'"));
    let tenant = state(Some(Policy { paths: vec![path], ..Policy::new("acme") }));
    for vm in [global, tenant] {
        for (name, expected) in [("json", "json"), ("cjson", "nil"), ("own", "own"), ("md5", "nil")]
        {
            let found = run(&vm, &format!("return tostring(require '{name}'.file)"));
            assert_eq!(found, expected, "{name}");
        }
        let found = run(
            &vm,
            "package.preload.cjson = nil package.loaded.cjson = nil
            package.preload.cjson = function() return { file = 'mine' } end
            return require 'cjson'.file",
        );
        assert_eq!(found, "mine");
    }
}

#[test]
fn a_tenant_finds_what_is_granted() {
    let granted = |modules: Option<&[&str]>, name: &str| {
        let modules =
            modules.map(|list| list.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        let vm = state(Some(Policy { modules, ..Policy::new("acme") }));
        run(&vm, &format!("return tostring((pcall(require, '{name}')))")) == "true"
    };
    assert!(granted(None, "json") && granted(None, "bit"));
    assert!(granted(Some(&["json"]), "json") && granted(Some(&["json"]), "dkjson"));
    assert!(granted(Some(&[]), "bit") && !granted(Some(&[]), "json"));
    assert!(!granted(Some(&["json"]), "md5"));
    // Where no file can be read, a library that needs none is found all the same.
    let vm = state(Some(Policy::new("acme")));
    let found = run_in(&vm, Context::Converter, "return require('json').encode({ 1 })");
    assert_eq!(found, "[1]");
    let paths = vec!["/nowhere/?.lua".to_owned()];
    let vm = state(Some(Policy { paths, ..Policy::new("acme") }));
    let found = run_in(&vm, Context::Converter, "local json = require 'json' return json");
    assert!(found.contains("no file can be read in the converter context"), "{found}");
}
