//! Fetches that read no exchange: what their arguments say, and the environment.

use bytes::Bytes;

use crate::sample::argument::Argument;
use crate::sample::argument::Arguments;
use crate::sample::argument::Kind;
use crate::sample::context::Ctx;
use crate::sample::context::Env;
use crate::sample::error::Reason;
use crate::syntax;
use crate::value::Type;
use crate::value::Value;

use super::CONSTANT;
use super::Fetch;

pub(super) const TABLE: &[Fetch] = &[
    Fetch::new("always_false", Type::Bool, CONSTANT, always_false, "false"),
    Fetch::new("always_true", Type::Bool, CONSTANT, always_true, "true"),
    Fetch::new("bin", Type::Bin, CONSTANT, bin, "these bytes, given in hexadecimal")
        .takes(&[Kind::Str])
        .checked(check_bin),
    Fetch::new("bool", Type::Bool, CONSTANT, boolean, "this boolean")
        .takes(&[Kind::Str])
        .checked(check_bool),
    Fetch::new("env", Type::Str, CONSTANT, env, "a variable of the environment")
        .takes(&[Kind::Str]),
    Fetch::new("int", Type::Sint, CONSTANT, int, "this number").takes(&[Kind::Int]),
    Fetch::new("ipv4", Type::Ipv4, CONSTANT, ip, "this address").takes(&[Kind::Ipv4]),
    Fetch::new("ipv6", Type::Ipv6, CONSTANT, ip, "this address").takes(&[Kind::Ipv6]),
    Fetch::new("meth", Type::Meth, CONSTANT, meth, "this method").takes(&[Kind::Str]),
    Fetch::new("str", Type::Str, CONSTANT, str, "this text").takes(&[Kind::Str]),
    Fetch::new("var", Type::Any, CONSTANT, var, "a variable, or the default")
        .takes(&[Kind::Str, Kind::Str])
        .required(1)
        .checked(check_var),
];

fn always_false(_: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    Some(Value::Bool(false))
}

fn always_true(_: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    Some(Value::Bool(true))
}

fn check_bin(arguments: &mut Arguments, _: &Env<'_>) -> Result<(), Reason> {
    let text = arguments.lossy(0);
    let bytes = hex::decode(&text).map_err(|error| match error {
        hex::FromHexError::InvalidHexCharacter { c, .. } => Reason::BadHex(c),
        _ => Reason::OddHex,
    })?;
    arguments.set(0, Argument::Text(bytes.into()));
    Ok(())
}

fn bin(_: &Ctx<'_>, arguments: &Arguments) -> Option<Value> {
    arguments.text(0).cloned().map(Value::Bin)
}

fn check_bool(arguments: &mut Arguments, _: &Env<'_>) -> Result<(), Reason> {
    let yes = match &*arguments.lossy(0) {
        "true" | "1" => 1,
        "false" | "0" => 0,
        _ => return Err(Reason::Custom("Expects 'true', 'false', '0' or '1'".to_owned())),
    };
    arguments.set(0, Argument::Int(yes));
    Ok(())
}

fn boolean(_: &Ctx<'_>, arguments: &Arguments) -> Option<Value> {
    arguments.int(0).map(|number| Value::Bool(number != 0))
}

fn env(_: &Ctx<'_>, arguments: &Arguments) -> Option<Value> {
    let name = std::str::from_utf8(arguments.text(0)?).ok()?;
    if name.is_empty() || name.contains(['=', '\0']) {
        return None;
    }
    let value = syntax::Env::find_published(name)?;
    Some(Value::Str(Bytes::from(value)))
}

fn int(_: &Ctx<'_>, arguments: &Arguments) -> Option<Value> {
    arguments.int(0).map(Value::Int)
}

fn ip(_: &Ctx<'_>, arguments: &Arguments) -> Option<Value> {
    match arguments.get(0)? {
        Argument::Ipv4(ip) => Some(Value::Ipv4(*ip)),
        Argument::Ipv6(ip) => Some(Value::Ipv6(*ip)),
        _ => None,
    }
}

fn meth(_: &Ctx<'_>, arguments: &Arguments) -> Option<Value> {
    arguments.text(0).cloned().map(Value::Meth)
}

fn str(_: &Ctx<'_>, arguments: &Arguments) -> Option<Value> {
    arguments.text(0).cloned().map(Value::Str)
}

fn check_var(arguments: &mut Arguments, _: &Env<'_>) -> Result<(), Reason> {
    arguments.set_variable(0)
}

fn var(ctx: &Ctx<'_>, arguments: &Arguments) -> Option<Value> {
    let Some(Argument::Variable(scope, name)) = arguments.get(0) else { return None };
    let default = || arguments.text(1).cloned().map(Value::Str);
    ctx.var(*scope, name).or_else(default)
}
