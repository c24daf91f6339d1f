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

/// The bits of the class that a byte after `%` names, in either case; none where it stands for
/// itself.
static NAMED: [u16; 256] = named();

const fn named() -> [u16; 256] {
    let mut table = [0; 256];
    let mut name: u8 = 0;
    while name < 128 {
        table[name as usize] = match name.to_ascii_lowercase() {
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
            _ => 0,
        };
        name += 1;
    }
    table
}

/// Returns what a byte after `%` stands for.
fn escaped(name: u8) -> Item<'static> {
    match NAMED[usize::from(name)] {
        0 => Item::Byte(name),
        bits => Item::Class { bits, inverted: name.is_ascii_uppercase() },
    }
}

impl<'a> Item<'a> {
    /// Returns the item that begins at `at`, and the place after it.
    pub(super) fn read(pattern: &'a [u8], at: usize) -> Result<(Self, usize), Error> {
        match peek(pattern, at) {
            b'%' => match peek(pattern, at + 1) {
                0 => Err(Error::EndsWithEscape),
                name => Ok((escaped(name), at + 2)),
            },
            b'[' => {
                let end = set_end(pattern, at)?;
                let inverted = peek(pattern, at + 1) == b'^';
                let first = at + 1 + usize::from(inverted);
                let body = pattern.get(first..end - 1).unwrap_or_default();
                Ok((Self::Set { body, inverted }, end))
            }
            b'.' => Ok((Self::Any, at + 1)),
            byte => Ok((Self::Byte(byte), at + 1)),
        }
    }

    #[inline]
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
            Self::Class { bits, inverted } => position(bytes, bits, !inverted),
            Self::Set { body, inverted } => {
                bytes.iter().position(|byte| is_in(body, *byte) == inverted)
            }
        };
        stop.unwrap_or(bytes.len())
    }

    /// Returns the place of the first byte that matches.
    pub(super) fn find(self, bytes: &[u8]) -> Option<usize> {
        match self {
            Self::Any => Some(0).filter(|_| !bytes.is_empty()),
            Self::Byte(own) => memchr::memchr(own, bytes),
            Self::Class { bits, inverted } => position(bytes, bits, inverted),
            Self::Set { body, inverted } => {
                bytes.iter().position(|byte| is_in(body, *byte) != inverted)
            }
        }
    }
}

/// Returns the place of the first byte of some classes, or of none of them.
fn position(bytes: &[u8], bits: u16, inverted: bool) -> Option<usize> {
    bytes.iter().position(|byte| (CLASSES[usize::from(*byte)] & bits != 0) != inverted)
}

fn is_in(body: &[u8], byte: u8) -> bool {
    let mut rest = body;
    loop {
        rest = match *rest {
            [] => return false,
            [b'%', name, ref after @ ..] => {
                if escaped(name).matches(byte) {
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
