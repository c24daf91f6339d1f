//! The rows against what states contain, and the files that are printed from them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;

use super::CLASSES;
use super::Class;
use super::Entry;
use super::Kind;
use super::manual;
use super::parameters;
use super::sample;
use super::split_top;
use super::types;
use crate::lua::Host;
use crate::lua::api;
use crate::lua::api::tests::txn;
use crate::proxy;
use crate::proxy::Mode;
use crate::proxy::testing;
use crate::script::Call;
use crate::script::Load;
use crate::script::Loader;
use crate::script::Outcome;
use crate::script::Registry;
use crate::script::Scripts;
use crate::script::call;
use crate::task;
use crate::txn::Direction;
use crate::txn::Scope;
use crate::txn::Shared;

/// What walks through a state: each function gives lines such as `core sleep function`.
const WALK: &str = include_str!("walk.lua");

/// Runs the walks, each in its context, and returns all lines.
fn walk() -> BTreeSet<String> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("m.map"), "key value\n").unwrap();
    let file = folder.path().join("walk.lua");
    fs::write(&file, WALK).unwrap();
    let host = Host::new(0);
    let names = api::names().iter().map(|(class, name)| format!("{class}.{name} ")).collect();
    host.load(&Load {
        file: file.display().to_string(),
        arguments: vec![folder.path().join("m.map").display().to_string(), names],
        per_thread: false,
        dialect: crate::dialect::Dialect::LuaJit,
    })
    .unwrap();
    let mut backend = testing::backend(&[("s", 1, 0)]);
    let listener = proxy::Listener { id: 1, name: "l".to_owned(), addr: String::new() };
    Arc::get_mut(&mut backend).unwrap().listeners.push(listener);
    host.set_proxies(Arc::new(proxy::Set::new(vec![backend])));
    host.run_init().unwrap();
    let action = host.find_action("walk").unwrap().id;
    let (http, tcp) = (host.find_service("http").unwrap().id, host.find_service("tcp").unwrap().id);
    let scripts: Rc<dyn Scripts> = host;
    let run = |order: Call<'_>, txn: &Shared| {
        let outcome = task::block_on(call(&scripts, order)).unwrap();
        assert_ne!(outcome, Outcome::Failed);
        let value = txn.borrow().var(Scope::Txn, "result").unwrap().into_bytes();
        String::from_utf8(value.to_vec()).unwrap()
    };
    let (first, second, third) = (txn(Mode::Http), txn(Mode::Http), txn(Mode::Tcp));
    if let Some(request) = &mut second.borrow_mut().request {
        request.headers.add("content-length", "0");
    }
    let arguments: &[Bytes] = &[];
    let direction = Direction::Request;
    let all = [
        run(Call::Action { id: action, txn: &first, direction, arguments }, &first),
        run(Call::HttpService { id: http, txn: &second }, &second),
        run(Call::TcpService { id: tcp, txn: &third }, &third),
    ];
    all.iter().flat_map(|text| text.lines()).map(str::to_owned).collect()
}

fn line(class: &Class, entry: &Entry) -> String {
    let kind = match entry.kind {
        Kind::Function => "function",
        Kind::Value => "value",
        Kind::Method => "method",
        Kind::Field => "field",
    };
    format!("{} {} {kind}", class.name, entry.name)
}

#[test]
fn the_lua_manual_has_what_a_state_has() {
    let rows: BTreeSet<String> = CLASSES
        .iter()
        .flat_map(|class| class.entries.iter().map(|entry| line(class, entry)))
        .collect();
    let found = walk();
    let missing: Vec<_> = found.difference(&rows).collect();
    assert!(missing.is_empty(), "add rows to src/lua/reference for these: {missing:#?}");
    let gone: Vec<_> = rows.difference(&found).collect();
    assert!(gone.is_empty(), "remove the rows from src/lua/reference of these: {gone:#?}");
}

#[test]
fn rows_of_the_lua_manual_are_sorted_and_whole() {
    let named: BTreeSet<&str> = CLASSES.iter().map(|class| class.name).collect();
    assert_eq!(named.len(), CLASSES.len());
    for class in CLASSES {
        let sorted = class.entries.is_sorted_by(|one, other| one.name < other.name);
        assert!(sorted, "the rows of {} are not in the order of their names", class.name);
        for entry in class.entries {
            let name = line(class, entry);
            assert!(!entry.doc.is_empty() && !entry.doc.ends_with('.'), "{name}: its words");
            let mut optional = false;
            for parameter in parameters(entry.takes) {
                assert!(!parameter.kind.is_empty() && parameter.name.is_ascii(), "{name}");
                assert!(parameter.optional >= optional || parameter.name == "...", "{name}");
                optional = parameter.optional;
            }
            let is_thing = matches!(entry.kind, Kind::Value | Kind::Field);
            assert!(!is_thing || split_top(entry.gives).len() == 1, "{name}: its type");
        }
    }
}

#[test]
fn samples_of_the_lua_manual_are_those_of_the_configuration() {
    let fetches = sample::fetches();
    let header = fetches.iter().find(|row| row.name == "req_hdr").unwrap();
    assert_eq!((&*header.takes, header.gives), ("text?: string, number?: integer", "string"));
    assert!(sample::converters().iter().any(|row| row.name == "field"));
    assert!(fetches.is_sorted_by(|one, other| one.name < other.name));
}

#[test]
fn parameters_are_split_where_no_brackets_are() {
    let split = parameters("a: fun(b: string, c: integer), d?: table<string, e>, ...: any");
    let names: Vec<_> = split.iter().map(|it| (it.name, it.optional, it.kind)).collect();
    assert_eq!(
        names,
        [
            ("a", false, "fun(b: string, c: integer)"),
            ("d", true, "table<string, e>"),
            ("...", false, "any")
        ]
    );
}

#[test]
fn the_lua_manual_is_current() {
    current("docs/lua.md", &manual::lua());
}

#[test]
fn the_types_beside_the_lua_manual_are_current() {
    let files = types::files();
    for (name, text) in &files {
        current(&format!("types/{name}"), text);
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("types");
    for entry in fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(files.iter().any(|(known, _)| *known == name), "types/{name} is no class's");
    }
}

#[test]
fn the_types_beside_the_lua_manual_are_lua() {
    let vm = crate::lua::Vm::new(crate::lua::Options {
        id: 0,
        jit: false,
        reach: crate::lua::Reach::GLOBAL,
    })
    .unwrap();
    for (name, text) in types::files().iter().filter(|(name, _)| name.ends_with(".lua")) {
        vm.load(name, text.as_bytes()).unwrap();
    }
}

/// Compares a printed file with the one that is committed.
fn current(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    if std::env::var_os("LUAPROXY_WRITE_DOCS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        return;
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    let message = "print it anew with `LUAPROXY_WRITE_DOCS=1 cargo test --lib lua_manual`";
    assert!(committed == text, "{name} is old: {message}");
}
