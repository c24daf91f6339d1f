//! Converters that leave something behind: variables, captures, traces.

use crate::sample::argument::Argument;
use crate::sample::argument::Arguments;
use crate::sample::argument::Kind;
use crate::sample::context::Ctx;
use crate::sample::context::Env;
use crate::sample::error::Reason;
use crate::txn::Direction;
use crate::txn::Scope;
use crate::value::Type;
use crate::value::Value;

use super::Converter;
use super::bytes;

pub(super) const TABLE: &[Converter] = &[
    Converter::new("capture-req", Type::Str, Type::Str, capture_req, "keeps it in a slot")
        .takes(&[Kind::Int])
        .checked(check_slot),
    Converter::new("capture-res", Type::Str, Type::Str, capture_res, "keeps it in a slot")
        .takes(&[Kind::Int])
        .checked(check_slot),
    Converter::new("debug", Type::Any, Type::Same, debug, "passes it on")
        .takes(&[Kind::Str, Kind::Str])
        .required(0),
    Converter::new("set-var", Type::Any, Type::Same, set_var, "keeps it in a variable")
        .takes(&[Kind::Str, Kind::Str, Kind::Str, Kind::Str, Kind::Str])
        .required(1)
        .checked(check_set_var),
    Converter::new("unset-var", Type::Any, Type::Same, unset_var, "removes a variable")
        .takes(&[Kind::Str])
        .checked(check_unset_var),
];

fn check_slot(arguments: &mut Arguments, _: &Env<'_>) -> Result<(), Reason> {
    match arguments.int(0) {
        Some(slot) if slot < 0 => Err(Reason::Custom("a slot is not negative".to_owned())),
        _ => Ok(()),
    }
}

fn capture(
    value: Value,
    arguments: &Arguments,
    ctx: Option<&Ctx<'_>>,
    direction: Direction,
) -> Option<Value> {
    let text = bytes(value)?;
    let slot = usize::try_from(arguments.int(0)?).ok()?;
    ctx?.write_capture(direction, slot, text.clone());
    Some(Value::Str(text))
}

fn capture_req(value: Value, arguments: &Arguments, ctx: Option<&Ctx<'_>>) -> Option<Value> {
    capture(value, arguments, ctx, Direction::Request)
}

fn capture_res(value: Value, arguments: &Arguments, ctx: Option<&Ctx<'_>>) -> Option<Value> {
    capture(value, arguments, ctx, Direction::Response)
}

/// HAProxy writes to its ring buffers, which are for its developers.
#[expect(clippy::unnecessary_wraps, reason = "a converter may give nothing")]
fn debug(value: Value, _: &Arguments, _: Option<&Ctx<'_>>) -> Option<Value> {
    Some(value)
}

const CONDITIONS: &[&str] = &[
    "ifempty",
    "ifexists",
    "ifget",
    "ifgt",
    "iflt",
    "ifnotempty",
    "ifnotexists",
    "ifnotset",
    "ifset",
];

fn check_set_var(arguments: &mut Arguments, _: &Env<'_>) -> Result<(), Reason> {
    arguments.set_variable(0)?;
    for index in 1..arguments.len() {
        let condition = arguments.lossy(index);
        if !CONDITIONS.contains(&&*condition) {
            let message = format!("variable '{condition}' : unknown condition");
            return Err(Reason::Custom(message));
        }
    }
    Ok(())
}

/// Tells whether all conditions hold that the arguments name (`ifexists` and so on).
fn holds(value: &Value, arguments: &Arguments, ctx: &Ctx<'_>, scope: Scope, name: &str) -> bool {
    let old = ctx.var(scope, name);
    let ordered = |wanted: std::cmp::Ordering| match (value, &old) {
        (Value::Int(new), Some(Value::Int(old))) => new.cmp(old) == wanted,
        _ => false,
    };
    let empty = matches!(value, Value::Str(text) | Value::Bin(text) if text.is_empty());
    (1..arguments.len()).all(|index| match arguments.text(index).map(|text| &text[..]) {
        Some(b"ifexists" | b"ifset") => old.is_some(),
        Some(b"ifnotexists" | b"ifnotset") => old.is_none(),
        Some(b"ifempty") => empty,
        Some(b"ifnotempty") => !empty,
        Some(b"ifgt") => ordered(std::cmp::Ordering::Greater),
        Some(b"iflt") => ordered(std::cmp::Ordering::Less),
        _ => true,
    })
}

fn set_var(value: Value, arguments: &Arguments, ctx: Option<&Ctx<'_>>) -> Option<Value> {
    let (Some(Argument::Variable(scope, name)), Some(ctx)) = (arguments.get(0), ctx) else {
        return None;
    };
    if holds(&value, arguments, ctx, *scope, name) {
        ctx.write_var(*scope, name, Some(value.clone()));
    }
    Some(value)
}

fn check_unset_var(arguments: &mut Arguments, _: &Env<'_>) -> Result<(), Reason> {
    arguments.set_variable(0)
}

fn unset_var(value: Value, arguments: &Arguments, ctx: Option<&Ctx<'_>>) -> Option<Value> {
    let (Some(Argument::Variable(scope, name)), Some(ctx)) = (arguments.get(0), ctx) else {
        return None;
    };
    ctx.write_var(*scope, name, None);
    Some(value)
}
