//! Typed values: what sample fetches give and converters take (HAProxy manual, section 7.3).

use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use bytes::Bytes;

mod cast;
pub mod unit;

pub use cast::can_cast;

/// The types of HAProxy's sample expressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// Nothing is known before run time.
    Any,
    /// Of a converter's output: the type of its input.
    Same,
    /// True or false.
    Bool,
    /// A signed 64-bit integer.
    Sint,
    /// An IPv4 or IPv6 address.
    Addr,
    /// An IPv4 address.
    Ipv4,
    /// An IPv6 address.
    Ipv6,
    /// Text, in whatever encoding the peer sent.
    Str,
    /// Arbitrary bytes.
    Bin,
    /// An HTTP method.
    Meth,
}

/// One value. Text is shared, never copied on the way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    /// True or false.
    Bool(bool),
    /// A signed 64-bit integer.
    Int(i64),
    /// An IPv4 address.
    Ipv4(Ipv4Addr),
    /// An IPv6 address.
    Ipv6(Ipv6Addr),
    /// Text.
    Str(Bytes),
    /// Arbitrary bytes.
    Bin(Bytes),
    /// An HTTP method, by its name.
    Meth(Bytes),
}

impl Type {
    /// Returns HAProxy's name of the type.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Same => "same",
            Self::Bool => "bool",
            Self::Sint => "sint",
            Self::Addr => "addr",
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
            Self::Str => "str",
            Self::Bin => "bin",
            Self::Meth => "meth",
        }
    }
}

impl Value {
    /// Returns the type of this value.
    pub const fn kind(&self) -> Type {
        match self {
            Self::Bool(_) => Type::Bool,
            Self::Int(_) => Type::Sint,
            Self::Ipv4(_) => Type::Ipv4,
            Self::Ipv6(_) => Type::Ipv6,
            Self::Str(_) => Type::Str,
            Self::Bin(_) => Type::Bin,
            Self::Meth(_) => Type::Meth,
        }
    }

    /// Returns the address as a value.
    pub const fn from_ip(ip: std::net::IpAddr) -> Self {
        match ip {
            std::net::IpAddr::V4(ip) => Self::Ipv4(ip),
            std::net::IpAddr::V6(ip) => Self::Ipv6(ip),
        }
    }
}
