//! Converters: one table per family, each row all there is to know of a converter.

mod arithmetic;
mod binary;
mod date;
mod encoding;
mod hash;
mod json;
mod map;
mod network;
mod text;
mod variable;

use crate::value::Type;
use crate::value::Value;

use super::argument::Arguments;
use super::argument::Check;
use super::argument::Kind;
use super::argument::Signature;
use super::context::Ctx;
use super::context::Env;
use super::error::Reason;

/// A converter.
#[derive(Debug)]
pub struct Converter {
    /// Its name.
    pub name: &'static str,
    /// What it takes besides its input.
    pub signature: Signature,
    /// The type that its input is made.
    pub input: Type,
    /// What it gives.
    pub out: Type,
    /// Converts a value of type `input`; a script's may stand in no exchange.
    pub run: fn(Value, &Arguments, Option<&Ctx<'_>>) -> Option<Value>,
    /// What it does, in words.
    pub doc: &'static str,
}

impl Converter {
    /// Returns a row without arguments.
    const fn new(
        name: &'static str,
        input: Type,
        out: Type,
        run: fn(Value, &Arguments, Option<&Ctx<'_>>) -> Option<Value>,
        doc: &'static str,
    ) -> Self {
        Self { name, signature: Signature::NONE, input, out, run, doc }
    }

    /// Adds arguments that must be there.
    const fn takes(mut self, kinds: &'static [Kind]) -> Self {
        self.signature.kinds = kinds;
        self.signature.required = kinds.len();
        self
    }

    /// Says that only the first arguments must be there.
    const fn required(mut self, required: usize) -> Self {
        self.signature.required = required;
        self
    }

    /// Adds a check of the arguments.
    const fn checked(mut self, check: Check) -> Self {
        self.signature.check = Some(check);
        self
    }

    /// Casts the input and converts it.
    pub fn convert(
        &self,
        input: Value,
        arguments: &Arguments,
        ctx: Option<&Ctx<'_>>,
    ) -> Option<Value> {
        (self.run)(input.cast(self.input)?, arguments, ctx)
    }

    /// Makes arguments of the values that a script gives; the error is about the value at an index.
    pub fn arguments(&self, values: &[Value], env: &Env<'_>) -> Result<Arguments, (usize, Reason)> {
        super::argument::from_values(&self.signature, values, env)
    }
}

/// The families.
const TABLES: &[&[Converter]] = &[
    arithmetic::TABLE,
    binary::TABLE,
    date::TABLE,
    encoding::TABLE,
    hash::TABLE,
    json::TABLE,
    map::TABLE,
    network::TABLE,
    text::TABLE,
    variable::TABLE,
];

/// Returns all converters.
pub fn converters() -> impl Iterator<Item = &'static Converter> {
    TABLES.iter().flat_map(|table| table.iter())
}

/// Finds a converter.
pub fn find_converter(name: &str) -> Option<&'static Converter> {
    converters().find(|converter| converter.name == name)
}

/// Returns the bytes of a text or binary value.
fn bytes(value: Value) -> Option<bytes::Bytes> {
    match value {
        Value::Str(bytes) | Value::Bin(bytes) | Value::Meth(bytes) => Some(bytes),
        Value::Bool(_) | Value::Int(_) | Value::Ipv4(_) | Value::Ipv6(_) => None,
    }
}

/// Returns the number of an integer or boolean value.
fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Int(number) => Some(*number),
        Value::Bool(yes) => Some(i64::from(*yes)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_each_table_is_sorted() {
        for table in TABLES {
            assert!(table.is_sorted_by(|a, b| a.name < b.name), "{:?}", table.first());
        }
        let mut names: Vec<&str> = converters().map(|converter| converter.name).collect();
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
