//! Converters of numbers and booleans.

use crate::sample::argument::Argument;
use crate::sample::argument::Arguments;
use crate::sample::argument::Kind;
use crate::sample::argument::integer;
use crate::sample::context::Ctx;
use crate::sample::context::Env;
use crate::sample::error::Reason;
use crate::value::Type;
use crate::value::Value;

use super::Converter;
use super::number;

/// Returns the row of an operation with a second number: a number or the name of a variable.
const fn with(
    name: &'static str,
    run: fn(Value, &Arguments, Option<&Ctx<'_>>) -> Option<Value>,
    doc: &'static str,
) -> Converter {
    Converter::new(name, Type::Sint, Type::Sint, run, doc).takes(&[Kind::Str]).checked(check)
}

pub(super) const TABLE: &[Converter] = &[
    with("add", |v, a, c| both(&v, a, c, i64::saturating_add), "adds"),
    with("and", |v, a, c| both(&v, a, c, |x, y| x & y), "keeps the bits that both have"),
    Converter::new(
        "bool",
        Type::Sint,
        Type::Bool,
        |v, _, _| one(&v, |n| Value::Bool(n != 0)),
        "true, unless it is 0",
    ),
    Converter::new(
        "cpl",
        Type::Sint,
        Type::Sint,
        |v, _, _| one(&v, |n| Value::Int(!n)),
        "inverts all bits",
    ),
    with("div", |v, a, c| both(&v, a, c, div), "divides; by 0 it is the largest number"),
    Converter::new(
        "even",
        Type::Sint,
        Type::Bool,
        |v, _, _| one(&v, |n| Value::Bool(n & 1 == 0)),
        "whether it is even",
    ),
    with("mod", |v, a, c| both(&v, a, c, modulo), "the rest of a division"),
    with("mul", |v, a, c| both(&v, a, c, mul), "multiplies"),
    Converter::new(
        "neg",
        Type::Sint,
        Type::Sint,
        |v, _, _| one(&v, |n| Value::Int(n.saturating_neg())),
        "changes the sign",
    ),
    Converter::new(
        "not",
        Type::Sint,
        Type::Bool,
        |v, _, _| one(&v, |n| Value::Bool(n == 0)),
        "true, if it is 0",
    ),
    Converter::new(
        "odd",
        Type::Sint,
        Type::Bool,
        |v, _, _| one(&v, |n| Value::Bool(n & 1 == 1)),
        "whether it is odd",
    ),
    with("or", |v, a, c| both(&v, a, c, |x, y| x | y), "the bits that one of both has"),
    with("sub", |v, a, c| both(&v, a, c, i64::saturating_sub), "subtracts"),
    with("xor", |v, a, c| both(&v, a, c, |x, y| x ^ y), "the bits in which both differ"),
];

/// Makes the argument a number or a variable.
fn check(arguments: &mut Arguments, _: &Env<'_>) -> Result<(), Reason> {
    if arguments.try_variable(0) {
        return Ok(());
    }
    let text = arguments.lossy(0);
    let number = integer(&text)
        .ok_or_else(|| Reason::Custom("expects an integer or a variable name".to_owned()))?;
    arguments.set(0, Argument::Int(number));
    Ok(())
}

/// Returns the number that an argument is, or that its variable has.
fn operand(arguments: &Arguments, ctx: Option<&Ctx<'_>>) -> Option<i64> {
    match arguments.get(0)? {
        Argument::Int(number) => Some(*number),
        Argument::Variable(scope, name) => {
            let value = ctx?.var(*scope, name)?.cast(Type::Sint)?;
            number(&value)
        }
        _ => None,
    }
}

fn one(value: &Value, run: fn(i64) -> Value) -> Option<Value> {
    number(value).map(run)
}

fn both(
    value: &Value,
    arguments: &Arguments,
    ctx: Option<&Ctx<'_>>,
    run: fn(i64, i64) -> i64,
) -> Option<Value> {
    Some(Value::Int(run(number(value)?, operand(arguments, ctx)?)))
}

/// HAProxy: the smallest number by -1 is the largest.
fn div(a: i64, b: i64) -> i64 {
    if b == 0 { i64::MAX } else { a.saturating_div(b) }
}

fn modulo(a: i64, b: i64) -> i64 {
    if b == 0 { 0 } else { a.wrapping_rem(b) }
}

fn mul(a: i64, b: i64) -> i64 {
    a.saturating_mul(b)
}
