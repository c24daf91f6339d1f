//! Times and sizes as a configuration writes them: `500ms`, `10s`, `64k` (HAProxy: configuration.txt
//! 2.5).

use std::fmt;
use std::time::Duration;

/// The longest time: HAProxy counts milliseconds in 31 bits.
const LONGEST: u64 = i32::MAX as u64;

/// The unit of a time that is written without one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// `ms`
    Millisecond,
    /// `s`
    Second,
}

/// Why a text is no time or size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// There is no text.
    Empty,
    /// This character has no place there.
    Character(char),
    /// It is more than can be counted.
    Overflow,
    /// It is less than a millisecond and not zero.
    Underflow,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("missing value"),
            Self::Character(character) => write!(f, "unexpected character '{character}'"),
            Self::Overflow => {
                f.write_str("timer overflow (maximum value is 2147483647 ms or ~24.8 days)")
            }
            Self::Underflow => f.write_str("timer underflow (minimum non-null value is 1 ms)"),
        }
    }
}

/// Reads a time: digits and one of `us`, `ms`, `s`, `m`, `h`, `d`.
pub fn time(text: &str, default: Unit) -> Result<Duration, Error> {
    let (number, unit) = split(text)?;
    let default = match default {
        Unit::Millisecond => "ms",
        Unit::Second => "s",
    };
    let unit = if unit.is_empty() { default } else { unit };
    let factor: u64 = match unit {
        "us" => 1,
        "ms" => 1_000,
        "s" => 1_000_000,
        "m" => 60_000_000,
        "h" => 3_600_000_000,
        "d" => 86_400_000_000,
        _ => return Err(Error::Character(wrong(unit, &["us", "ms", "s", "m", "h", "d"]))),
    };
    let micros = number.checked_mul(factor).ok_or(Error::Overflow)?;
    // HAProxy rounds up to the next millisecond, and refuses what is less than one.
    if micros > 0 && micros < 1_000 {
        return Err(Error::Underflow);
    }
    let millis = micros.div_ceil(1_000);
    if millis > LONGEST { Err(Error::Overflow) } else { Ok(Duration::from_millis(millis)) }
}

/// Reads a size: digits and one of `k`, `m`, `g`, for powers of 1024.
pub fn size(text: &str) -> Result<usize, Error> {
    let (number, unit) = split(text)?;
    let shift = match unit {
        "" => 0,
        "k" | "K" => 10,
        "m" | "M" => 20,
        "g" | "G" => 30,
        _ => return Err(Error::Character(wrong(unit, &["k", "m", "g", "K", "M", "G"]))),
    };
    let bytes = number.checked_mul(1 << shift).ok_or(Error::Overflow)?;
    usize::try_from(bytes).map_err(|_| Error::Overflow)
}

fn split(text: &str) -> Result<(u64, &str), Error> {
    if text.is_empty() {
        return Err(Error::Empty);
    }
    let end = text.find(|byte: char| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    if digits.is_empty() {
        return Err(Error::Character(text.chars().next().unwrap_or(' ')));
    }
    Ok((digits.parse().map_err(|_| Error::Overflow)?, unit))
}

/// Returns the first character that makes a unit unknown.
fn wrong(unit: &str, known: &[&str]) -> char {
    let begun = known.iter().filter(|known| unit.starts_with(**known)).map(|known| known.len());
    let right = begun.max().unwrap_or_default();
    unit.get(right..).and_then(|rest| rest.chars().next()).unwrap_or(' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        let time = |text| time(text, Unit::Millisecond);
        assert_eq!(time("10"), Ok(Duration::from_millis(10)));
        assert_eq!(time("10s"), Ok(Duration::from_secs(10)));
        assert_eq!(time("2m"), Ok(Duration::from_secs(120)));
        assert_eq!(time("1500us"), Ok(Duration::from_millis(2)));
        assert_eq!(time("99d"), Err(Error::Overflow));
        assert_eq!(time("5us"), Err(Error::Underflow));
        assert_eq!(time("x"), Err(Error::Character('x')));
        assert_eq!(time("1x"), Err(Error::Character('x')));
        assert_eq!(time("1sx"), Err(Error::Character('x')));
        assert_eq!(time(""), Err(Error::Empty));
        assert_eq!(time("99999999999999999999999d"), Err(Error::Overflow));
    }

    #[test]
    fn sizes_are_powers_of_1024() {
        assert_eq!(size("64k"), Ok(65536));
        assert_eq!(size("1G"), Ok(1 << 30));
        assert_eq!(size("3x"), Err(Error::Character('x')));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(text: String) {
            let _time = time(&text, Unit::Second);
            let _size = size(&text);
        }
    }
}
