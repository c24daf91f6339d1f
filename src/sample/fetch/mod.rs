//! Sample fetches: one table per family, each row all there is to know of a fetch.

mod buffer;
mod capture;
mod certificate;
mod client_hello;
mod connection;
mod constant;
mod cookie;
mod header;
mod process;
mod proxy;
mod request;
mod response;
mod timer;
mod tls;
mod url;

use crate::value::Type;
use crate::value::Value;

use super::argument::Arguments;
use super::argument::Check;
use super::argument::Kind;
use super::argument::Signature;
use super::checkpoint::Source;
use super::context::Ctx;
use super::context::Env;
use super::error::Reason;

/// A fetch.
#[derive(Debug)]
pub struct Fetch {
    /// Its name.
    pub name: &'static str,
    /// What it takes.
    pub signature: Signature,
    /// What it gives.
    pub out: Type,
    /// What it reads: one of them must be there.
    pub sources: &'static [Source],
    /// Gives the sample, if there is one.
    pub run: fn(&Ctx<'_>, &Arguments) -> Option<Value>,
    /// Gives all samples one by one, where an ACL tries each (such as the values of a header),
    /// until it is told that it is enough.
    pub each: Option<Each>,
    /// What it gives, in words.
    pub doc: &'static str,
}

/// Gives samples one by one until `true` comes back.
pub type Each = fn(&Ctx<'_>, &Arguments, &mut dyn FnMut(Value) -> bool);

impl Fetch {
    /// Returns a row without arguments.
    const fn new(
        name: &'static str,
        out: Type,
        sources: &'static [Source],
        run: fn(&Ctx<'_>, &Arguments) -> Option<Value>,
        doc: &'static str,
    ) -> Self {
        Self { name, signature: Signature::NONE, out, sources, run, each: None, doc }
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

    /// Says how an ACL gets all samples.
    const fn each(mut self, each: Each) -> Self {
        self.each = Some(each);
        self
    }

    /// Makes arguments of the values that a script gives; the error is about the value at an index.
    pub fn arguments(&self, values: &[Value], env: &Env<'_>) -> Result<Arguments, (usize, Reason)> {
        super::argument::from_values(&self.signature, values, env)
    }
}

/// The families.
const TABLES: &[&[Fetch]] = &[
    buffer::TABLE,
    capture::TABLE,
    certificate::TABLE,
    client_hello::TABLE,
    connection::TABLE,
    constant::TABLE,
    cookie::TABLE,
    header::TABLE,
    process::TABLE,
    proxy::TABLE,
    request::TABLE,
    response::TABLE,
    timer::TABLE,
    tls::TABLE,
    url::TABLE,
];

/// Returns all fetches.
pub fn fetches() -> impl Iterator<Item = &'static Fetch> {
    TABLES.iter().flat_map(|table| table.iter())
}

/// Finds a fetch.
pub fn find_fetch(name: &str) -> Option<&'static Fetch> {
    fetches().find(|fetch| fetch.name == name)
}

/// Reads nothing that changes.
const CONSTANT: &[Source] = &[Source::Constant];
/// Reads proxies and servers.
const INTERNAL: &[Source] = &[Source::Internal];
/// Reads the request's head.
const REQUEST: &[Source] = &[Source::RequestHttpHeaderVolatile];
/// Reads what is remembered of the request.
const REMEMBERED: &[Source] = &[Source::RequestHttpHeaderPersistent];
/// Reads the response's head.
const RESPONSE: &[Source] = &[Source::ResponseHttpHeaderVolatile];

/// Returns a count as a number.
fn count(count: usize) -> Value {
    Value::Int(i64::try_from(count).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;
