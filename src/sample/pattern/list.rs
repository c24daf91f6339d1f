//! Compiled patterns of one method, arranged for quick comparison.

use std::hash::Hash;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use bytes::Bytes;
use hashbrown::HashMap;

use crate::sample::argument::bits_mask;
use crate::sample::error::Reason;
use crate::sample::regex::Regex;
use crate::value::Value;

use super::Method;

/// Patterns of one method; each is known by its number, from 0 in the order they were added.
#[derive(Debug)]
pub(in crate::sample) struct List {
    method: Method,
    ignore_case: bool,
    count: usize,
    index: Index,
}

#[derive(Debug)]
enum Index {
    /// Methods without patterns.
    None,
    Ranges(Vec<(Option<i64>, Option<i64>)>),
    Exact(HashMap<Bytes, usize>),
    /// By length, the longest first.
    Prefixes(Vec<(usize, HashMap<Bytes, usize>)>),
    Networks(Networks),
    Texts(Vec<Bytes>),
    Regexes(Vec<Regex>),
}

/// Networks of both families; the longest prefix is found first.
#[derive(Debug, Default)]
struct Networks {
    v4: Vec<(u32, HashMap<u32, usize>)>,
    v6: Vec<(u32, HashMap<u128, usize>)>,
    /// Masks with holes: address, mask, number.
    odd: Vec<(u32, u32, usize)>,
}

impl List {
    /// Returns a list without patterns.
    pub(in crate::sample) fn new(method: Method, ignore_case: bool) -> Self {
        let index = match method {
            Method::Found | Method::Bool => Index::None,
            Method::Int | Method::Len => Index::Ranges(Vec::new()),
            Method::Str | Method::Bin => Index::Exact(HashMap::new()),
            Method::Beg => Index::Prefixes(Vec::new()),
            Method::Ip => Index::Networks(Networks::default()),
            Method::Sub | Method::Dir | Method::Dom | Method::End => Index::Texts(Vec::new()),
            Method::Reg => Index::Regexes(Vec::new()),
        };
        Self { method, ignore_case, count: 0, index }
    }

    /// Tells whether nothing can match.
    pub(in crate::sample) fn is_empty(&self) -> bool {
        self.count == 0 && !matches!(self.index, Index::None)
    }

    /// Adds a pattern.
    pub(in crate::sample) fn push(&mut self, text: &str) -> Result<(), Reason> {
        let number = self.count;
        let lower = self.ignore_case;
        match &mut self.index {
            Index::None => {}
            Index::Ranges(ranges) => ranges.push(range(text)?),
            Index::Exact(map) if self.method == Method::Bin => {
                map.entry(binary(text)?).or_insert(number);
            }
            Index::Exact(map) => {
                map.entry(folded(text, lower)).or_insert(number);
            }
            Index::Prefixes(groups) => {
                let prefix = folded(text, lower);
                let group = sorted(groups, prefix.len());
                group.entry(prefix).or_insert(number);
            }
            Index::Networks(networks) => networks.push(text, number)?,
            Index::Texts(texts) => texts.push(match self.method {
                Method::Dir => trimmed(&folded(text, lower), b"/?"),
                Method::Dom => trimmed(&folded(text, lower), b"/?.:"),
                _ => folded(text, lower),
            }),
            Index::Regexes(regexes) => regexes.push(Regex::new(text, self.ignore_case)?),
        }
        self.count += 1;
        Ok(())
    }

    /// Finds the pattern that matches; the sample has the type that the method takes.
    pub(in crate::sample) fn find(&self, sample: &Value) -> Option<usize> {
        match &self.index {
            Index::None => match (self.method, sample) {
                (Method::Bool, Value::Bool(false) | Value::Int(0)) => None,
                _ => Some(0),
            },
            Index::Ranges(ranges) => {
                let number = match sample {
                    Value::Int(number) => *number,
                    Value::Bool(yes) => i64::from(*yes),
                    other => i64::try_from(text_of(other)?.len()).ok()?,
                };
                ranges.iter().position(|(min, max)| {
                    min.is_none_or(|min| number >= min) && max.is_none_or(|max| number <= max)
                })
            }
            Index::Networks(networks) => match sample {
                Value::Ipv4(ip) => networks.find_v4(*ip),
                Value::Ipv6(ip) => networks.find_v6(*ip),
                _ => None,
            },
            Index::Regexes(regexes) => {
                let text = text_of(sample)?;
                regexes.iter().position(|regex| regex.is_match(text))
            }
            index => {
                let text = text_of(sample)?;
                if self.ignore_case && text.iter().any(u8::is_ascii_uppercase) {
                    self.find_text(index, &text.to_ascii_lowercase())
                } else {
                    self.find_text(index, text)
                }
            }
        }
    }

    /// Returns the expression that [`List::find`] has found, for its groups.
    pub(in crate::sample) fn regex(&self, number: usize) -> Option<&Regex> {
        match &self.index {
            Index::Regexes(regexes) => regexes.get(number),
            _ => None,
        }
    }

    fn find_text(&self, index: &Index, text: &[u8]) -> Option<usize> {
        match index {
            Index::Exact(map) => map.get(text).copied(),
            Index::Prefixes(groups) => {
                groups.iter().find_map(|(length, map)| map.get(text.get(..*length)?)).copied()
            }
            Index::Texts(texts) => texts.iter().position(|pattern| match self.method {
                Method::End => text.ends_with(pattern),
                Method::Dir => has_part(text, pattern, b"/?"),
                Method::Dom => has_part(text, pattern, b"/?.:"),
                _ => pattern.is_empty() || memchr::memmem::find(text, pattern).is_some(),
            }),
            _ => None,
        }
    }
}

impl Networks {
    fn push(&mut self, text: &str, number: usize) -> Result<(), Reason> {
        let bad = || Reason::BadAddress(text.to_owned());
        let (ip, mask) = text.split_once('/').map_or((text, None), |(ip, mask)| (ip, Some(mask)));
        match ip.parse().map_err(|_| bad())? {
            IpAddr::V4(ip) => {
                let mask = match mask {
                    None => u32::MAX,
                    Some(mask) => match mask.parse::<u32>() {
                        Ok(bits @ 0..=32) => bits_mask(bits, 32) as u32,
                        Ok(_) => return Err(bad()),
                        Err(_) => mask.parse::<Ipv4Addr>().map_err(|_| bad())?.into(),
                    },
                };
                let ip = u32::from(ip) & mask;
                if mask.leading_ones() == mask.count_ones() {
                    sorted(&mut self.v4, mask.count_ones()).entry(ip).or_insert(number);
                } else {
                    self.odd.push((ip, mask, number));
                }
            }
            IpAddr::V6(ip) => {
                let bits = mask.map_or(Ok(128), str::parse::<u32>).map_err(|_| bad())?;
                if bits > 128 {
                    return Err(bad());
                }
                let ip = u128::from(ip) & bits_mask(bits, 128);
                sorted(&mut self.v6, bits).entry(ip).or_insert(number);
            }
        }
        Ok(())
    }

    fn find_v4(&self, ip: Ipv4Addr) -> Option<usize> {
        self.in_v4(ip).or_else(|| self.in_v6(ip.to_ipv6_mapped()))
    }

    /// HAProxy: an IPv6 address that carries an IPv4 one is that too.
    fn find_v6(&self, ip: Ipv6Addr) -> Option<usize> {
        self.in_v6(ip).or_else(|| self.in_v4(ip.to_ipv4_mapped()?))
    }

    fn in_v4(&self, ip: Ipv4Addr) -> Option<usize> {
        let ip = u32::from(ip);
        let prefix = self.v4.iter().find_map(|(bits, map)| {
            let mask = bits_mask(*bits, 32) as u32;
            map.get(&(ip & mask)).copied()
        });
        let odd = || self.odd.iter().find(|(net, mask, _)| ip & mask == *net);
        prefix.or_else(|| odd().map(|(.., number)| *number))
    }

    fn in_v6(&self, ip: Ipv6Addr) -> Option<usize> {
        let ip = u128::from(ip);
        self.v6.iter().find_map(|(bits, map)| map.get(&(ip & bits_mask(*bits, 128))).copied())
    }
}

/// Returns the group with this key in a list that has the largest key first.
fn sorted<K: Ord + Copy, T: Eq + Hash>(
    groups: &mut Vec<(K, HashMap<T, usize>)>,
    key: K,
) -> &mut HashMap<T, usize> {
    let place = groups.partition_point(|(known, _)| *known > key);
    if groups.get(place).is_none_or(|(known, _)| *known != key) {
        groups.insert(place, (key, HashMap::new()));
    }
    &mut groups[place].1
}

fn text_of(sample: &Value) -> Option<&[u8]> {
    match sample {
        Value::Str(text) | Value::Bin(text) | Value::Meth(text) => Some(text),
        Value::Bool(_) | Value::Int(_) | Value::Ipv4(_) | Value::Ipv6(_) => None,
    }
}

fn folded(text: &str, lower: bool) -> Bytes {
    if lower { text.to_ascii_lowercase().into() } else { Bytes::copy_from_slice(text.as_bytes()) }
}

fn trimmed(text: &Bytes, delimiters: &[u8]) -> Bytes {
    let from = text.iter().position(|byte| !delimiters.contains(byte)).unwrap_or(text.len());
    let to = text.iter().rposition(|byte| !delimiters.contains(byte)).map_or(from, |at| at + 1);
    text.slice(from..to)
}

/// Tells whether a part of the text between delimiters is the pattern. The pattern may span several
/// parts, and an empty one is nowhere but at the start of a part.
fn has_part(text: &[u8], pattern: &[u8], delimiters: &[u8]) -> bool {
    let mut at_start = true;
    for (at, byte) in text.iter().enumerate() {
        if delimiters.contains(byte) {
            at_start = true;
            continue;
        }
        let rest = text.get(at..).unwrap_or_default();
        if at_start
            && let Some(after) = rest.strip_prefix(pattern)
            && after.first().is_none_or(|next| delimiters.contains(next))
        {
            return true;
        }
        at_start = false;
    }
    false
}

/// Reads `5`, `1:5`, `:5` and `1:`.
fn range(text: &str) -> Result<(Option<i64>, Option<i64>), Reason> {
    let number = |part: &str| part.parse::<i64>().map_err(|_| Reason::NotANumber(text.to_owned()));
    let optional = |part: &str| match part {
        "" => Ok(None),
        _ => number(part).map(Some),
    };
    let Some((min, max)) = text.split_once(':') else {
        let number = number(text)?;
        return Ok((Some(number), Some(number)));
    };
    let (min, max) = (optional(min)?, optional(max)?);
    match (min, max) {
        (Some(min), Some(max)) if min > max => Err(Reason::BadRange(text.to_owned())),
        (None, None) => Err(Reason::NotANumber(text.to_owned())),
        _ => Ok((min, max)),
    }
}

fn binary(text: &str) -> Result<Bytes, Reason> {
    if let Some(odd) = text.chars().find(|digit| !digit.is_ascii_hexdigit()) {
        return Err(Reason::BadHex(odd));
    }
    hex::decode(text).map(Bytes::from).map_err(|_| Reason::OddHex)
}
