//! Patterns: what ACLs and maps compare samples with (HAProxy manual 7.1).

mod file;
mod list;
mod map;

pub(super) use file::Output;
pub use file::Probe;
pub use file::Refusal;
pub use file::UnknownFile;
pub(super) use file::Use;
pub use file::add_acl;
pub use file::append;
pub use file::contains;
pub use file::count;
pub use file::del_acl;
pub use file::del_map;
pub use file::entries;
pub use file::files;
pub use file::is_map;
pub use file::lookup;
pub(super) use file::open;
pub use file::preload;
pub use file::probe;
pub use file::remove;
pub use file::replace;
pub use file::set;
pub use file::set_map;
pub(super) use list::List;
pub use map::Map;

use crate::value::Type;

/// How a sample is compared with a pattern (`-m`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// Any sample matches.
    Found,
    /// True, and any number but 0.
    Bool,
    /// Numbers and ranges.
    Int,
    /// Addresses and networks.
    Ip,
    /// The same bytes.
    Bin,
    /// The length, as numbers and ranges.
    Len,
    /// The same text.
    Str,
    /// The beginning.
    Beg,
    /// Any part.
    Sub,
    /// A part between slashes.
    Dir,
    /// A part between dots, as of domain names.
    Dom,
    /// The end.
    End,
    /// A regular expression.
    Reg,
}

/// Name, method, the type that a sample must become.
const TABLE: &[(&str, Method, Type)] = &[
    ("found", Method::Found, Type::Any),
    ("bool", Method::Bool, Type::Sint),
    ("int", Method::Int, Type::Sint),
    ("ip", Method::Ip, Type::Addr),
    ("bin", Method::Bin, Type::Bin),
    ("len", Method::Len, Type::Str),
    ("str", Method::Str, Type::Str),
    ("beg", Method::Beg, Type::Str),
    ("sub", Method::Sub, Type::Str),
    ("dir", Method::Dir, Type::Str),
    ("dom", Method::Dom, Type::Str),
    ("end", Method::End, Type::Str),
    ("reg", Method::Reg, Type::Str),
];

impl Method {
    /// Returns the method of this name.
    pub fn find(name: &str) -> Option<Self> {
        TABLE.iter().find(|(known, ..)| *known == name).map(|(_, method, _)| *method)
    }

    /// Returns the method's name.
    pub fn name(self) -> &'static str {
        TABLE.iter().find(|(_, method, _)| *method == self).map_or("", |(name, ..)| name)
    }

    /// Returns the names of all methods.
    pub fn names() -> impl Iterator<Item = &'static str> {
        TABLE.iter().map(|(name, ..)| *name)
    }

    /// Returns the type that a sample must become to be compared.
    pub fn takes(self) -> Type {
        TABLE.iter().find(|(_, method, _)| *method == self).map_or(Type::Any, |(.., takes)| *takes)
    }

    /// Returns the method for samples of a type, where none is given.
    pub const fn of_type(kind: Type) -> Option<Self> {
        match kind {
            Type::Bool => Some(Self::Bool),
            Type::Sint => Some(Self::Int),
            Type::Addr | Type::Ipv4 | Type::Ipv6 => Some(Self::Ip),
            Type::Str | Type::Meth => Some(Self::Str),
            Type::Any | Type::Same | Type::Bin => None,
        }
    }
}

#[cfg(test)]
mod tests;
