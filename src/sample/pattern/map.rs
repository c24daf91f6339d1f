//! Maps: what the `map_*` converters and Lua's `Map` class look keys up in.

use std::sync::Arc;

use bytes::Bytes;

use crate::sample::error::Reason;
use crate::value::Type;
use crate::value::Value;

use super::Method;
use super::Output;
use super::Use;
use super::open;

/// A map file with the way its keys are compared and its values are read.
#[derive(Clone, Debug)]
pub struct Map {
    used: Arc<Use>,
    method: Method,
    groups: bool,
    default: Option<Value>,
}

impl Map {
    /// Opens a map of text, as `Map.new(file, method)` does.
    pub fn load(file: &str, method: Method) -> Result<Self, Reason> {
        Self::open(file, method, Output::Str, None)
    }

    /// Opens a map of text whose values take the groups of the expression that has matched
    /// (`map_regm`).
    pub(in crate::sample) fn open_groups(
        file: &str,
        default: Option<&Bytes>,
    ) -> Result<Self, Reason> {
        let map = Self::open(file, Method::Reg, Output::Str, default)?;
        Ok(Self { groups: true, ..map })
    }

    /// Opens a map.
    pub(in crate::sample) fn open(
        file: &str,
        method: Method,
        output: Output,
        default: Option<&Bytes>,
    ) -> Result<Self, Reason> {
        let used = open(file, true, method, false, output)?;
        let default = default.map(|text| read_default(text, output)).transpose()?;
        Ok(Self { used, method, groups: false, default })
    }

    /// Returns the value for a sample, or the default.
    pub fn find(&self, sample: Value) -> Option<Value> {
        let sample = sample.cast(self.method.takes());
        let found = sample.and_then(|sample| match sample {
            Value::Str(text) if self.groups => self.used.expand(&text),
            sample => self.used.find(&sample),
        });
        found.or_else(|| self.default.clone())
    }

    /// Returns the text for a key, as `map:lookup(key)` does.
    pub fn lookup(&self, key: &Bytes) -> Option<Bytes> {
        self.find(Value::Str(key.clone())).map(Value::into_bytes)
    }
}

fn read_default(text: &Bytes, output: Output) -> Result<Value, Reason> {
    let value = Value::Str(text.clone());
    let shown = String::from_utf8_lossy(text);
    match output {
        Output::None | Output::Str | Output::Key => Ok(value),
        Output::Int => match shown.parse() {
            Ok(number) => Ok(Value::Int(number)),
            Err(_) => Err(Reason::Custom(format!("cannot parse '{shown}' as an integer"))),
        },
        Output::Ip => value
            .cast(Type::Addr)
            .ok_or_else(|| Reason::Custom(format!("cannot parse '{shown}' as an address"))),
    }
}
