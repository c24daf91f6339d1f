//! What one byte is compared with: a byte, a class, a set.

use super::Error;
use super::SET_MAX;

/// A pattern item without its repetition.
#[derive(Clone, Copy, Debug)]
pub(super) enum Item<'a> {
    Any,
    Byte(u8),
    /// The bytes with one of these bits, or those with none.
    Class {
        bits: u16,
        inverted: bool,
    },
    /// What stands between the brackets.
    Set {
        body: &'a [u8],
        inverted: bool,
    },
}

const ALPHA: u16 = 1;
const CONTROL: u16 = 1 << 1;
const DIGIT: u16 = 1 << 2;
const LOWER: u16 = 1 << 3;
const PUNCTUATION: u16 = 1 << 4;
const SPACE: u16 = 1 << 5;
const UPPER: u16 = 1 << 6;
const HEXADECIMAL: u16 = 1 << 7;
const ZERO: u16 = 1 << 8;

/// The classes of each byte, as in the C locale.
static CLASSES: [u16; 256] = classes();

const fn classes() -> [u16; 256] {
    let mut table = [0; 256];
    let mut byte: u8 = 0;
    while byte < 128 {
        let mut bits = 0;
        if byte.is_ascii_lowercase() {
            bits |= ALPHA | LOWER;
        }
        if byte.is_ascii_uppercase() {
            bits |= ALPHA | UPPER;
        }
        if byte.is_ascii_digit() {
            bits |= DIGIT;
        }
        if byte.is_ascii_hexdigit() {
            bits |= HEXADECIMAL;
        }
        if byte.is_ascii_punctuation() {
            bits |= PUNCTUATION;
        }
        if byte == b' ' || (byte >= 9 && byte <= 13) {
            bits |= SPACE;
        }
        if byte.is_ascii_control() {
            bits |= CONTROL;
        }
        if byte == 0 {
            bits |= ZERO;
        }
        table[byte as usize] = bits;
        byte += 1;
    }
    table
}

/// Returns the byte at a place of a pattern, and zero beyond its end.
pub(super) fn peek(pattern: &[u8], at: usize) -> u8 {
    pattern.get(at).copied().unwrap_or(0)
}

/// Returns the place after the item that begins at `at`.
pub(super) fn end(pattern: &[u8], at: usize) -> Result<usize, Error> {
    match peek(pattern, at) {
        b'%' if peek(pattern, at + 1) == 0 => Err(Error::EndsWithEscape),
        b'%' => Ok(at + 2),
        b'[' => set_end(pattern, at),
        _ => Ok(at + 1),
    }
}

/// Returns the place after the set that begins at `at`: a `]` that comes first belongs to it.
fn set_end(pattern: &[u8], start: usize) -> Result<usize, Error> {
    let mut at = start + 1;
    if peek(pattern, at) == b'^' {
        at += 1;
    }
    loop {
        match peek(pattern, at) {
            0 => return Err(Error::OpenSet),
            b'%' if peek(pattern, at + 1) != 0 => at += 2,
            _ => at += 1,
        }
        if peek(pattern, at) == b']' {
            return Ok(at + 1);
        }
        if at - start > SET_MAX {
            return Err(Error::TooComplex);
        }
    }
}

/// Returns the class that a byte after `%` stands for.
fn class(name: u8) -> Item<'static> {
    let bits = match name.to_ascii_lowercase() {
        b'a' => ALPHA,
        b'c' => CONTROL,
        b'd' => DIGIT,
        b'g' => ALPHA | DIGIT | PUNCTUATION,
        b'l' => LOWER,
        b'p' => PUNCTUATION,
        b's' => SPACE,
        b'u' => UPPER,
        b'w' => ALPHA | DIGIT,
        b'x' => HEXADECIMAL,
        b'z' => ZERO,
        _ => return Item::Byte(name),
    };
    Item::Class { bits, inverted: name.is_ascii_uppercase() }
}

impl<'a> Item<'a> {
    /// Returns the item between two places.
    pub(super) fn new(pattern: &'a [u8], start: usize, end: usize) -> Self {
        match peek(pattern, start) {
            b'.' => Self::Any,
            b'%' => class(peek(pattern, start + 1)),
            b'[' => {
                let inverted = peek(pattern, start + 1) == b'^';
                let first = start + 1 + usize::from(inverted);
                Self::Set { body: pattern.get(first..end - 1).unwrap_or_default(), inverted }
            }
            byte => Self::Byte(byte),
        }
    }

    pub(super) fn matches(self, byte: u8) -> bool {
        match self {
            Self::Any => true,
            Self::Byte(own) => own == byte,
            Self::Class { bits, inverted } => (CLASSES[usize::from(byte)] & bits != 0) != inverted,
            Self::Set { body, inverted } => is_in(body, byte) != inverted,
        }
    }

    /// Returns what a comparison costs more than others, in steps.
    pub(super) fn weight(self) -> usize {
        if let Self::Set { body, .. } = self { body.len() / 8 } else { 0 }
    }

    /// Returns how many bytes match from the first on.
    pub(super) fn count(self, bytes: &[u8]) -> usize {
        let stop = match self {
            Self::Any => None,
            Self::Byte(own) => bytes.iter().position(|byte| *byte != own),
            Self::Class { bits, inverted } => {
                let is_other = |byte: &u8| (CLASSES[usize::from(*byte)] & bits != 0) == inverted;
                bytes.iter().position(is_other)
            }
            Self::Set { body, inverted } => {
                bytes.iter().position(|byte| is_in(body, *byte) == inverted)
            }
        };
        stop.unwrap_or(bytes.len())
    }
}

fn is_in(body: &[u8], byte: u8) -> bool {
    let mut rest = body;
    loop {
        rest = match *rest {
            [] => return false,
            [b'%', name, ref after @ ..] => {
                if class(name).matches(byte) {
                    return true;
                }
                after
            }
            [low, b'-', high, ref after @ ..] => {
                if low <= byte && byte <= high {
                    return true;
                }
                after
            }
            [own, ref after @ ..] => {
                if own == byte {
                    return true;
                }
                after
            }
        };
    }
}
