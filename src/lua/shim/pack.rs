//! `string.pack`, `unpack` and `packsize`: values as bytes, by a format.

use mlua::MultiValue;
use mlua::Value;

use super::integer;
use super::optional;
use super::signed;
use crate::lua::account;
use crate::lua::api;
use crate::lua::api::Row;
use crate::lua::host::Args;
use crate::lua::host::Raise;
use crate::lua::host::Reply;

pub(in crate::lua) const TABLE: &[Row] = &[
    Row { name: "pack", run: pack },
    Row { name: "packsize", run: packsize },
    Row { name: "unpack", run: unpack },
];

/// What an option of a format stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Signed,
    Unsigned,
    Float,
    Double,
    /// A string of a fixed length.
    Fixed,
    /// A string after its length.
    Sized,
    /// A string that ends with a zero.
    Zero,
    /// A byte of padding.
    Padding,
    /// What is no data: an alignment, a setting.
    Nothing,
}

/// An option of a format and where it stands.
#[derive(Clone, Copy, Debug)]
struct Item {
    kind: Kind,
    size: usize,
    /// Bytes before it that align it.
    align: usize,
}

/// A format that is read.
struct Format<'a> {
    rest: &'a [u8],
    little: bool,
    align_max: usize,
}

/// The largest integer in bytes, and that of Lua.
const SIZE_MAX: usize = 16;
const INTEGER: usize = 8;

/// What the sizes in a format may come to: C's `int`.
const SIZE_TOTAL: usize = 0x7fff_ffff;

/// How many values `unpack` returns at most, as Lua does.
const RESULTS_MAX: usize = 7990;

/// The longest result: what LuaJIT can hold as one string, and of a tenant.
const LENGTH_MAX: usize = 1 << 30;
const TENANT_LENGTH_MAX: usize = 1 << 20;

fn pack(args: &Args<'_>) -> Result<Reply, Raise> {
    let text = args.lua_string(1)?;
    let text = text.as_bytes();
    let most = account::of(args.lua()).map_or(LENGTH_MAX, |_| TENANT_LENGTH_MAX);
    let mut format = Format::new(&text);
    let mut out = Vec::new();
    let mut index = 1;
    while let Some(item) = format.next(args, out.len())? {
        let fits = out.len().saturating_add(item.align).saturating_add(item.size) <= most;
        if !fits {
            return Err(args.bad(1, "format result too large"));
        }
        out.resize(out.len() + item.align, 0);
        if !matches!(item.kind, Kind::Padding | Kind::Nothing) {
            index += 1;
        }
        match item.kind {
            Kind::Signed | Kind::Unsigned => {
                let number = integer(args, index)?;
                if let Some(why) = overflow(number, item) {
                    return Err(args.bad(index, why));
                }
                let fill = item.kind == Kind::Signed && number < 0;
                format.write(&mut out, number, item.size, fill);
            }
            Kind::Float => {
                #[expect(clippy::cast_possible_truncation, reason = "the format asks for it")]
                let number = args.number(index)? as f32;
                let bytes = number.to_le_bytes();
                format.copy(&mut out, &bytes);
            }
            Kind::Double => format.copy(&mut out, &args.number(index)?.to_le_bytes()),
            Kind::Fixed => {
                let value = args.lua_string(index)?;
                let value = value.as_bytes();
                if value.len() > item.size {
                    return Err(args.bad(index, "string longer than given size"));
                }
                let end = out.len() + item.size;
                out.extend_from_slice(&value);
                out.resize(end, 0);
            }
            Kind::Sized | Kind::Zero => {
                let value = args.lua_string(index)?;
                let value = value.as_bytes();
                let length = signed(value.len());
                if out.len().saturating_add(value.len()) >= most {
                    return Err(args.bad(index, "string too long"));
                } else if item.kind == Kind::Zero {
                    if value.contains(&0) {
                        return Err(args.bad(index, "string contains zeros"));
                    }
                    out.extend_from_slice(&value);
                    out.push(0);
                    continue;
                } else if item.size < INTEGER && length >> (8 * item.size) > 0 {
                    return Err(args.bad(index, "string length does not fit in given size"));
                }
                format.write(&mut out, length, item.size, false);
                out.extend_from_slice(&value);
            }
            Kind::Padding => out.push(0),
            Kind::Nothing => {}
        }
    }
    api::text(args.lua(), out)
}

fn packsize(args: &Args<'_>) -> Result<Reply, Raise> {
    let text = args.lua_string(1)?;
    let text = text.as_bytes();
    let mut format = Format::new(&text);
    let mut total = 0_usize;
    while let Some(item) = format.next(args, total)? {
        if matches!(item.kind, Kind::Sized | Kind::Zero) {
            return Err(args.bad(1, "variable-length format"));
        }
        let size = item.size.saturating_add(item.align);
        total = total
            .checked_add(size)
            .filter(|total| *total <= SIZE_TOTAL)
            .ok_or_else(|| args.bad(1, "format result too large"))?;
    }
    Ok(api::count(total))
}

fn unpack(args: &Args<'_>) -> Result<Reply, Raise> {
    let (text, data) = (args.lua_string(1)?, args.lua_string(2)?);
    let (text, data) = (text.as_bytes(), data.as_bytes());
    let start = optional(args, 3, 1)?;
    let start = match usize::try_from(start) {
        Ok(start) => start.max(1) - 1,
        Err(_) => {
            data.len().saturating_sub(usize::try_from(start.unsigned_abs()).unwrap_or(data.len()))
        }
    };
    let mut rest =
        data.get(start..).ok_or_else(|| args.bad(3, "initial position out of string"))?;
    let mut format = Format::new(&text);
    let short = || args.bad(2, "data string too short");
    let mut values = Vec::new();
    while let Some(item) = format.next(args, data.len() - rest.len())? {
        rest = rest.get(item.align..).ok_or_else(short)?;
        let (own, after) = rest.split_at_checked(item.size).ok_or_else(short)?;
        rest = after;
        values.push(match item.kind {
            Kind::Signed | Kind::Unsigned => number(format.read(own, item)?),
            Kind::Float => {
                let bytes = format.ordered(own).try_into().unwrap_or_default();
                Value::Number(f32::from_le_bytes(bytes).into())
            }
            Kind::Double => {
                let bytes = format.ordered(own).try_into().unwrap_or_default();
                Value::Number(f64::from_le_bytes(bytes))
            }
            Kind::Fixed => Value::String(args.lua().create_string(own)?),
            Kind::Sized => {
                let length = format.read(own, Item { kind: Kind::Unsigned, ..item })?;
                let length = usize::try_from(length).map_err(|_| short())?;
                let (own, after) = rest.split_at_checked(length).ok_or_else(short)?;
                rest = after;
                Value::String(args.lua().create_string(own)?)
            }
            Kind::Zero => {
                let end = memchr::memchr(0, rest)
                    .ok_or_else(|| args.bad(2, "unfinished string for format 'z'"))?;
                let (own, after) = rest.split_at(end);
                rest = after.get(1..).unwrap_or_default();
                Value::String(args.lua().create_string(own)?)
            }
            Kind::Padding | Kind::Nothing => continue,
        });
        if values.len() > RESULTS_MAX {
            return Err(Raise::new("stack overflow (too many results)"));
        }
    }
    values.push(number(signed(data.len() - rest.len() + 1)));
    Ok(Reply::Values(MultiValue::from_vec(values)))
}

/// Returns why an integer does not fit.
fn overflow(number: i64, item: Item) -> Option<&'static str> {
    if item.size >= INTEGER {
        return None;
    }
    let bits = 8 * item.size;
    if item.kind == Kind::Signed {
        let limit = 1_i64 << (bits - 1);
        (number < -limit || number >= limit).then_some("integer overflow")
    } else {
        (number < 0 || number >> bits > 0).then_some("unsigned overflow")
    }
}

#[expect(clippy::cast_precision_loss, reason = "a number of Lua is a double")]
fn number(integer: i64) -> Value {
    Value::Number(integer as f64)
}

impl<'a> Format<'a> {
    /// Reads a format; as in C, a zero ends it.
    fn new(text: &'a [u8]) -> Self {
        let end = memchr::memchr(0, text).unwrap_or(text.len());
        Self { rest: text.get(..end).unwrap_or_default(), little: true, align_max: 1 }
    }

    /// Returns the next option, which stands after `total` bytes.
    fn next(&mut self, args: &Args<'_>, total: usize) -> Result<Option<Item>, Raise> {
        let Some(option) = self.take() else { return Ok(None) };
        let (kind, size) = self.option(option)?;
        let mut align = size;
        if option == b'X' {
            let why = || args.bad(1, "invalid next option for option 'X'");
            let next = self.take().ok_or_else(why)?;
            let (kind, size) = self.option(next)?;
            if kind == Kind::Fixed || size == 0 {
                return Err(why());
            }
            align = size;
        }
        let align = align.min(self.align_max);
        if align <= 1 || kind == Kind::Fixed {
            return Ok(Some(Item { kind, size, align: 0 }));
        } else if !align.is_power_of_two() {
            return Err(args.bad(1, "format asks for alignment not power of 2"));
        }
        Ok(Some(Item { kind, size, align: total.wrapping_neg() & (align - 1) }))
    }

    fn option(&mut self, option: u8) -> Result<(Kind, usize), Raise> {
        Ok(match option {
            b'b' => (Kind::Signed, 1),
            b'B' => (Kind::Unsigned, 1),
            b'h' => (Kind::Signed, 2),
            b'H' => (Kind::Unsigned, 2),
            b'i' => (Kind::Signed, self.limited(4)?),
            b'I' => (Kind::Unsigned, self.limited(4)?),
            b'j' | b'l' => (Kind::Signed, INTEGER),
            b'J' | b'L' | b'T' => (Kind::Unsigned, INTEGER),
            b'f' => (Kind::Float, 4),
            b'd' | b'n' => (Kind::Double, 8),
            b's' => (Kind::Sized, self.limited(INTEGER)?),
            b'c' => {
                let size = self.digits();
                (Kind::Fixed, size.ok_or_else(|| Raise::new("missing size for format option 'c'"))?)
            }
            b'z' => (Kind::Zero, 0),
            b'x' => (Kind::Padding, 1),
            b'X' | b' ' => (Kind::Nothing, 0),
            b'<' | b'=' | b'>' => {
                self.little = option != b'>';
                (Kind::Nothing, 0)
            }
            b'!' => {
                self.align_max = self.limited(8)?;
                (Kind::Nothing, 0)
            }
            other => {
                let mut why = b"invalid format option '".to_vec();
                why.extend([other, b'\'']);
                return Err(Raise::new(why));
            }
        })
    }

    /// Reads the size of an integer.
    fn limited(&mut self, default: usize) -> Result<usize, Raise> {
        let size = self.digits().unwrap_or(default);
        if (1..=SIZE_MAX).contains(&size) {
            return Ok(size);
        }
        Err(Raise::new(format!("integral size ({size}) out of limits [1,{SIZE_MAX}]")))
    }

    /// Reads a number, as far as it is one that could be meant.
    fn digits(&mut self) -> Option<usize> {
        let mut number = None;
        while let Some(digit) = self.rest.first().filter(|byte| byte.is_ascii_digit()) {
            let before = number.unwrap_or(0);
            if before > (SIZE_TOTAL - 9) / 10 {
                break;
            }
            number = Some(before * 10 + usize::from(digit - b'0'));
            self.take();
        }
        number
    }

    fn take(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    /// Appends an integer; `fill` says that bits beyond Lua's are ones.
    fn write(&self, out: &mut Vec<u8>, number: i64, size: usize, fill: bool) {
        let mut bytes = [if fill { 0xff } else { 0 }; SIZE_MAX];
        bytes[..INTEGER].copy_from_slice(&number.to_le_bytes());
        self.copy(out, bytes.get(..size).unwrap_or_default());
    }

    /// Appends bytes whose order is the little one.
    fn copy(&self, out: &mut Vec<u8>, bytes: &[u8]) {
        let start = out.len();
        out.extend_from_slice(bytes);
        if !self.little {
            out.get_mut(start..).unwrap_or_default().reverse();
        }
    }

    /// Returns bytes in the little order.
    fn ordered(&self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        if !self.little {
            bytes.reverse();
        }
        bytes
    }

    /// Reads an integer.
    fn read(&self, bytes: &[u8], item: Item) -> Result<i64, Raise> {
        let mut wide = [0; SIZE_MAX];
        let size = item.size.min(SIZE_MAX);
        wide[..size].copy_from_slice(bytes);
        if !self.little {
            wide[..size].reverse();
        }
        let wide = u128::from_le_bytes(wide);
        let unused = u32::try_from(8 * (SIZE_MAX - size)).unwrap_or(0);
        let value = if item.kind == Kind::Signed {
            (wide << unused).cast_signed() >> unused
        } else {
            wide.cast_signed()
        };
        #[expect(clippy::cast_possible_truncation, reason = "what is cut off is looked at")]
        let low = value as i64;
        let fits = match item.kind {
            Kind::Signed => value == i128::from(low),
            _ => wide >> 64 == 0,
        };
        if fits {
            return Ok(low);
        }
        Err(Raise::new(format!("{size}-byte integer does not fit into Lua Integer")))
    }
}
