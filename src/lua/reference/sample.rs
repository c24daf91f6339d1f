//! `Fetches` and `Converters`: rows made of the tables of the configuration language.

use crate::sample;
use crate::sample::Kind;
use crate::sample::Signature;
use crate::value::Type;

/// A method made of a fetch or converter.
pub(super) struct Sample {
    /// As scripts call it.
    pub name: String,
    /// As the configuration calls it.
    pub original: &'static str,
    pub takes: String,
    pub gives: &'static str,
    pub doc: &'static str,
}

/// Returns the methods of `txn.f` and `txn.sf`.
pub(super) fn fetches() -> Vec<Sample> {
    let mut all: Vec<_> = sample::fetches()
        .map(|row| Sample {
            name: method(row.name),
            original: row.name,
            takes: takes(&row.signature, 0),
            gives: gives(row.out),
            doc: row.doc,
        })
        .collect();
    sort(&mut all);
    all
}

/// Returns the methods of `txn.c` and `txn.sc`.
pub(super) fn converters() -> Vec<Sample> {
    let mut all: Vec<_> = sample::converters()
        .map(|row| {
            let rest = takes(&row.signature, 1);
            let separator = if rest.is_empty() { "" } else { ", " };
            Sample {
                name: method(row.name),
                original: row.name,
                takes: format!("input: string|number|boolean{separator}{rest}"),
                gives: gives(row.out),
                doc: row.doc,
            }
        })
        .collect();
    sort(&mut all);
    all
}

/// Of two that are written alike, scripts get the first.
fn sort(all: &mut Vec<Sample>) {
    all.sort_by(|one, other| one.name.cmp(&other.name));
    all.dedup_by(|later, first| later.name == first.name);
}

/// Returns a name as scripts write it.
fn method(name: &str) -> String {
    name.replace(['.', '-', '+'], "_")
}

fn takes(signature: &Signature, before: usize) -> String {
    let parts = signature.kinds.iter().enumerate().map(|(index, kind)| {
        let optional = if index >= signature.required { "?" } else { "" };
        let (name, of) = match kind {
            Kind::Int => ("number", "integer"),
            Kind::Str => ("text", "string"),
            Kind::Ipv4 | Kind::Ipv6 => ("address", "string"),
            Kind::Mask4 | Kind::Mask6 => ("mask", "string|integer"),
            Kind::Time => ("delay", "string|integer"),
            Kind::Size => ("size", "string|integer"),
            Kind::Regex => ("regex", "string"),
            Kind::Frontend => ("frontend", "string"),
            Kind::Backend => ("backend", "string"),
            Kind::Server => ("server", "string"),
            Kind::Map => ("file", "string"),
        };
        // Two of a kind need two names.
        let place = index + before + 1;
        let again = signature.kinds.iter().filter(|other| *other == kind).count() > 1;
        let number = if again { place.to_string() } else { String::new() };
        format!("{name}{number}{optional}: {of}")
    });
    parts.collect::<Vec<_>>().join(", ")
}

fn gives(out: Type) -> &'static str {
    match out {
        Type::Bool => "boolean|integer",
        Type::Sint => "integer",
        Type::Any | Type::Same => "string|number|boolean",
        Type::Addr | Type::Ipv4 | Type::Ipv6 | Type::Str | Type::Bin | Type::Meth => "string",
    }
}
