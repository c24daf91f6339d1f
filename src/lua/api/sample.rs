//! `Fetches` and `Converters` (`txn.f`, `txn.sf`, `txn.c`, `txn.sc`): HAProxy's own, as methods.

use std::sync::Arc;

use bytes::Bytes;
use mlua::Value;

use super::Row;
use super::from_lua;
use super::map::granted_map;
use super::to_lua;
use super::txn_class::TEXT_MAX;
use super::txn_class::hold;
use crate::lua::account;
use crate::lua::account::Account;
use crate::lua::book::Info;
use crate::lua::host;
use crate::lua::host::Args;
use crate::lua::host::Raise;
use crate::lua::host::Reply;
use crate::proxy::Directory;
use crate::proxy::Mode;
use crate::sample;
use crate::sample::Checkpoint;
use crate::sample::Converter;
use crate::sample::Ctx;
use crate::sample::Env;
use crate::sample::Fetch;
use crate::sample::Kind;
use crate::sample::Reason;
use crate::sample::Signature;
use crate::sample::acl;
use crate::script::NoScripts;
use crate::txn::Direction;
use crate::txn::Scope;
use crate::txn::Txn;
use crate::value;

/// What the objects ask for the methods they do not know yet: a name, and whether the method gives
/// a string in any case.
pub(super) const TABLE: &[Row] =
    &[Row { name: "converter", run: converter }, Row { name: "fetch", run: fetch }];

fn converter(args: &Args<'_>) -> Result<Reply, Raise> {
    let (name, safe) = (args.text(1)?, args.value(2) == &Value::Boolean(true));
    let found = sample::converters().find(|converter| is_method(converter.name, &name));
    let Some(converter) = found else { return Ok(Reply::values([Value::Nil])) };
    method(args, converter.name, move |args| convert(args, converter, safe))
}

fn fetch(args: &Args<'_>) -> Result<Reply, Raise> {
    let (name, safe) = (args.text(1)?, args.value(2) == &Value::Boolean(true));
    let found = sample::fetches().find(|fetch| is_method(fetch.name, &name));
    let Some(fetch) = found else { return Ok(Reply::values([Value::Nil])) };
    method(args, fetch.name, move |args| run(args, fetch, safe))
}

/// Says whether a name is written so as a method: `.`, `-` and `+` become `_`.
fn is_method(name: &str, method: &str) -> bool {
    let letter = |byte| if matches!(byte, b'.' | b'-' | b'+') { b'_' } else { byte };
    name.len() == method.len() && name.bytes().map(letter).eq(method.bytes())
}

fn method(
    args: &Args<'_>,
    name: &'static str,
    run: impl Fn(&Args<'_>) -> Result<Reply, Raise> + 'static,
) -> Result<Reply, Raise> {
    let Some(vm) = Info::of(args.lua())?.vm.upgrade() else {
        return Ok(Reply::values([Value::Nil]));
    };
    let function = host::function(&vm, name, run).map_err(|error| Raise::new(error.message))?;
    Ok(Reply::values([Value::Function(function)]))
}

fn run(args: &Args<'_>, fetch: &Fetch, safe: bool) -> Result<Reply, Raise> {
    let handle = super::handle(args, "Fetches")?;
    let values = values(args, 2)?;
    let tenant = account::of(args.lua());
    if let (Some(account), "env") = (&tenant, fetch.name)
        && !granted_variable(account, values.first())
    {
        return answer(args, None, safe);
    }
    guard(args, &values)?;
    let shared = handle.get()?;
    let txn = shared.borrow();
    let arguments =
        with_env(&txn, handle.direction, &fetch.signature, |env| fetch.arguments(&values, env));
    let arguments = arguments.map_err(|(index, reason)| wrong(args, index + 2, &reason))?;
    let ctx = Ctx::new(&txn, handle.direction, true);
    let value = (fetch.run)(&ctx, &arguments);
    answer(args, value, safe)
}

fn convert(args: &Args<'_>, converter: &Converter, safe: bool) -> Result<Reply, Raise> {
    let handle = super::handle(args, "Converters")?;
    let input = from_lua(args.value(2)).ok_or_else(|| no_text(args, 2))?;
    let mut values = values(args, 3)?;
    if let Some(account) = account::of(args.lua()) {
        bound(args, &account, converter, &input, &mut values)?;
    }
    guard(args, &values)?;
    let shared = handle.get()?;
    let txn = shared.borrow();
    let arguments = with_env(&txn, handle.direction, &converter.signature, |env| {
        converter.arguments(&values, env)
    });
    let arguments = arguments.map_err(|(index, reason)| wrong(args, index + 3, &reason))?;
    let ctx = Ctx::new(&txn, handle.direction, true);
    let value = converter.convert(input, &arguments, Some(&ctx));
    let writes = ctx.into_writes();
    drop(txn);
    let hold = |txn: &Txn, scope, name: &str, value| hold(args.lua(), txn, scope, name, value);
    writes.apply_held(&mut shared.borrow_mut(), hold)?;
    answer(args, value, safe)
}

/// Raises where a converter of a tenant would work for long or read what is not granted.
fn bound(
    args: &Args<'_>,
    account: &Arc<Account>,
    converter: &Converter,
    input: &value::Value,
    values: &mut [value::Value],
) -> Result<(), Raise> {
    let length = |value: &value::Value| value.clone().into_bytes().len();
    if length(input) + values.iter().map(length).sum::<usize>() > TEXT_MAX {
        return Err(Raise::new(format!("{}: longer than 64 KiB", args.name())));
    }
    if converter.name == "regsub" {
        // It compiles what the script gives, and looks through all of the text.
        return Err(Raise::new("regsub: not available to tenants: see Regex"));
    }
    if converter.signature.kinds.contains(&Kind::Map)
        && let Some(file) = values.first_mut()
    {
        let name = file.clone().into_bytes();
        let name = String::from_utf8_lossy(&name);
        *file = value::Value::Str(granted_map(args, account, &name)?.into());
    }
    Ok(())
}

fn granted_variable(account: &Account, name: Option<&value::Value>) -> bool {
    let Some(name) = name.map(|name| name.clone().into_bytes()) else { return false };
    account.policy.env.iter().any(|known| known.as_bytes() == name)
}

/// Raises where a tenant names a variable of the process.
fn guard(args: &Args<'_>, values: &[value::Value]) -> Result<(), Raise> {
    if !matches!(args.name(), "set-var" | "unset-var" | "var") {
        return Ok(());
    }
    let name = values.first().map(|name| name.clone().into_bytes()).unwrap_or_default();
    super::guard(args, Scope::split(&String::from_utf8_lossy(&name)).map(|(scope, _)| scope))
}

/// Returns the arguments from an index on.
fn values(args: &Args<'_>, first: usize) -> Result<Vec<value::Value>, Raise> {
    (first..=args.count())
        .map(|index| from_lua(args.value(index)).ok_or_else(|| no_text(args, index)))
        .collect()
}

/// Says that an argument is no text.
fn no_text(args: &Args<'_>, index: usize) -> Raise {
    let got = if index > args.count() { "no value" } else { args.value(index).type_name() };
    wrong(args, index, &Reason::Custom(format!("string expected, got {got}")))
}

fn wrong(args: &Args<'_>, index: usize, reason: &Reason) -> Raise {
    // A method's own object is not counted.
    let (index, name) = (index.saturating_sub(1), args.name().replace(['.', '-', '+'], "_"));
    Raise::new(format!("bad argument #{index} to '{name}' ({reason})"))
}

/// Returns a sample to the script; one that is not there is nil, or an empty string.
fn answer(args: &Args<'_>, value: Option<value::Value>, safe: bool) -> Result<Reply, Raise> {
    match value {
        Some(value) if safe => super::text(args.lua(), value.into_bytes()),
        Some(value) => Ok(Reply::values([to_lua(args.lua(), value)?])),
        None if safe => super::text(args.lua(), Bytes::new()),
        None => Ok(Reply::values([Value::Nil])),
    }
}

fn with_env<T>(
    txn: &Txn,
    direction: Direction,
    signature: &Signature,
    run: impl FnOnce(&Env<'_>) -> T,
) -> T {
    let is_named = |kind: &Kind| matches!(kind, Kind::Frontend | Kind::Backend | Kind::Server);
    let proxies =
        if signature.kinds.iter().any(is_named) { directory(txn) } else { Directory::default() };
    let http = txn.session.frontend.mode == Mode::Http;
    let checkpoint = match (direction, http) {
        (Direction::Request, false) => Checkpoint::FrontendTcpContent,
        (Direction::Request, true) => Checkpoint::FrontendHttpBody,
        (Direction::Response, false) => Checkpoint::FrontendTcpResponse,
        (Direction::Response, true) => Checkpoint::FrontendHttpResponseBody,
    };
    run(&Env {
        scripts: &NoScripts,
        proxies: &proxies,
        current: Some(txn.backend.id),
        acls: &acl::Table::new(),
        checkpoint,
        http,
    })
}

fn directory(txn: &Txn) -> Directory {
    let entries = txn.session.proxies.iter().map(|proxy| {
        let servers = proxy.servers.iter().map(|server| server.name.clone()).collect();
        (proxy.name.clone(), proxy.caps, servers)
    });
    Directory { entries: entries.collect() }
}
