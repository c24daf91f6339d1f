//! Conversions between types, as HAProxy's matrix has them (`sample_casts`).

use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use bytes::Bytes;

use super::Type;
use super::Value;

/// Tells whether a value of type `from` may ever become one of type `to`.
pub const fn can_cast(from: Type, to: Type) -> bool {
    use Type::{Addr, Any, Bin, Bool, Ipv4, Ipv6, Meth, Same, Sint, Str};
    match (from, to) {
        (_, Any | Same | Str) | (Any | Same, _) => true,
        (Bool, Bool | Sint | Bin) => true,
        (Sint, Bool | Sint | Addr | Ipv4 | Ipv6 | Bin) => true,
        // What an address is turns out at run time: an IPv6 one has no number.
        (Addr | Ipv4, Bool | Sint | Addr | Ipv4 | Ipv6 | Bin) => true,
        (Ipv6, Addr | Ipv4 | Ipv6 | Bin) => true,
        (Str, Bool | Sint | Addr | Ipv4 | Ipv6 | Bin | Meth) => true,
        (Bin, Bin | Meth) => true,
        (Meth, Bin | Meth) => true,
        _ => false,
    }
}

impl Value {
    /// Returns this value as one of type `to`; `None` where it is not one.
    #[must_use]
    pub fn cast(self, to: Type) -> Option<Self> {
        if self.kind() == to || matches!(to, Type::Any | Type::Same) {
            return Some(self);
        }
        match to {
            Type::Str => Some(Self::Str(self.into_text())),
            Type::Bin => self.into_binary().map(Self::Bin),
            Type::Sint => self.to_int().map(Self::Int),
            Type::Bool => self.to_bool().map(Self::Bool),
            Type::Addr => self.to_address(),
            Type::Ipv4 => self.to_ipv4().map(Self::Ipv4),
            Type::Ipv6 => self.to_ipv6().map(Self::Ipv6),
            Type::Meth => Some(Self::Meth(self.into_bytes())),
            Type::Any | Type::Same => Some(self),
        }
    }

    /// Returns the text of this value, as logs and headers print it.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        match self {
            Self::Str(text) | Self::Bin(text) | Self::Meth(text) => text,
            Self::Bool(yes) => Bytes::from_static(if yes { b"1" } else { b"0" }),
            Self::Int(number) => Bytes::from(number.to_string()),
            Self::Ipv4(ip) => Bytes::from(ip.to_string()),
            Self::Ipv6(ip) => Bytes::from(ip.to_string()),
        }
    }

    /// Returns the number in this value.
    pub fn to_int(&self) -> Option<i64> {
        match self {
            Self::Bool(yes) => Some(i64::from(*yes)),
            Self::Int(number) => Some(*number),
            Self::Ipv4(ip) => Some(i64::from(u32::from(*ip))),
            Self::Str(text) => parse_int(text),
            Self::Ipv6(_) | Self::Bin(_) | Self::Meth(_) => None,
        }
    }

    fn to_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(yes) => Some(*yes),
            other => other.to_int().map(|number| number != 0),
        }
    }

    fn to_address(&self) -> Option<Self> {
        match self {
            Self::Ipv4(_) | Self::Ipv6(_) => Some(self.clone()),
            Self::Int(_) => self.to_ipv4().map(Self::Ipv4),
            Self::Str(text) => {
                let ip = std::str::from_utf8(text).ok()?.parse().ok()?;
                Some(Self::from_ip(ip))
            }
            Self::Bool(_) | Self::Bin(_) | Self::Meth(_) => None,
        }
    }

    fn to_ipv4(&self) -> Option<Ipv4Addr> {
        match self {
            Self::Ipv4(ip) => Some(*ip),
            Self::Ipv6(ip) => ip.to_ipv4(),
            Self::Int(number) => Some(Ipv4Addr::from(low_half(*number))),
            Self::Str(text) => std::str::from_utf8(text).ok()?.parse().ok(),
            Self::Bool(_) | Self::Bin(_) | Self::Meth(_) => None,
        }
    }

    fn to_ipv6(&self) -> Option<Ipv6Addr> {
        match self {
            Self::Ipv6(ip) => Some(*ip),
            Self::Str(text) => std::str::from_utf8(text).ok()?.parse().ok(),
            other => other.to_ipv4().map(|ip| ip.to_ipv6_mapped()),
        }
    }

    fn into_binary(self) -> Option<Bytes> {
        match self {
            Self::Str(bytes) | Self::Bin(bytes) | Self::Meth(bytes) => Some(bytes),
            Self::Int(number) => Some(Bytes::copy_from_slice(&number.to_be_bytes())),
            Self::Ipv4(ip) => Some(Bytes::copy_from_slice(&ip.octets())),
            Self::Ipv6(ip) => Some(Bytes::copy_from_slice(&ip.octets())),
            Self::Bool(yes) => Some(Bytes::copy_from_slice(&i64::from(yes).to_be_bytes())),
        }
    }

    /// HAProxy: bytes that become text end at the first NUL.
    fn into_text(self) -> Bytes {
        match self {
            Self::Bin(bytes) => {
                let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
                bytes.slice(..end)
            }
            other => other.into_bytes(),
        }
    }
}

/// The low 32 bits, as HAProxy takes them when an integer becomes an address.
fn low_half(number: i64) -> u32 {
    let [_, _, _, _, a, b, c, d] = number.to_be_bytes();
    u32::from_be_bytes([a, b, c, d])
}

/// HAProxy reads the digits at the start, and 0 where there are none (`read_int64`); no text at all
/// has no number.
fn parse_int(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    if text.is_empty() {
        return None;
    }
    let mut number: i64 = 0;
    for digit in digits.iter().take_while(|byte| byte.is_ascii_digit()) {
        let digit = i64::from(digit - b'0');
        let signed = if negative { -digit } else { digit };
        number = match number.checked_mul(10).and_then(|tens| tens.checked_add(signed)) {
            Some(number) => number,
            None if negative => return Some(i64::MIN),
            None => return Some(i64::MAX),
        };
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &'static str) -> Value {
        Value::Str(Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn text_becomes_a_number_by_its_leading_digits() {
        for (from, to) in [
            ("12", 12),
            ("-7x", -7),
            ("abc", 0),
            (" 5", 0),
            ("9223372036854775807", i64::MAX),
            ("99999999999999999999", i64::MAX),
            ("-99999999999999999999", i64::MIN),
        ] {
            assert_eq!(text(from).cast(Type::Sint), Some(Value::Int(to)), "{from}");
        }
    }

    #[test]
    fn addresses_convert_between_families() {
        let v4 = text("10.0.0.1").cast(Type::Ipv4);
        assert_eq!(v4, Some(Value::Ipv4(Ipv4Addr::new(10, 0, 0, 1))));
        let mapped = v4.and_then(|ip| ip.cast(Type::Ipv6));
        assert_eq!(mapped.clone().map(Value::into_bytes), Some("::ffff:10.0.0.1".into()));
        let back = mapped.and_then(|ip| ip.cast(Type::Ipv4));
        assert_eq!(back.and_then(|ip| ip.to_int()), Some(0x0a00_0001));
        assert_eq!(text("nonsense").cast(Type::Addr), None);
    }

    #[test]
    fn bytes_that_become_text_end_at_nul() {
        let bytes = Value::Bin(Bytes::from_static(b"ab\0c"));
        assert_eq!(bytes.cast(Type::Str), Some(text("ab")));
    }

    #[test]
    fn what_the_matrix_forbids_gives_nothing() {
        assert!(!can_cast(Type::Bin, Type::Sint));
        assert_eq!(Value::Bin(Bytes::from_static(b"1")).cast(Type::Sint), None);
        assert_eq!(text("").cast(Type::Sint), None);
        assert!(!can_cast(Type::Bool, Type::Ipv4));
        assert_eq!(Value::Bool(true).cast(Type::Ipv4), None);
    }
}
