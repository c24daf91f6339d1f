//! The PROXY protocol, versions 1 and 2: what another proxy says of a connection before its first
//! byte. Knows headers as bytes; knows no socket.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions)]

use std::fmt;
use std::iter::Skip;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::str::Split;

use bytes::Bytes;

use super::Addr;

mod receive;

pub use receive::receive;

/// TLV: the name of the server that the client has asked for.
pub const AUTHORITY: u8 = 0x02;
/// TLV: a checksum of the whole header.
pub const CRC32C: u8 = 0x03;
/// TLV: the connection's unique id.
pub const UNIQUE_ID: u8 = 0x05;
/// TLV: what is known of the client's TLS.
pub const SSL: u8 = 0x20;

/// What a header of version 2 begins with.
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// What a header of version 1 begins with.
const WORD: &[u8] = b"PROXY ";
/// The signature, the command, the family and the length.
const FIXED: usize = 16;
/// The longest header of version 1, with its line end.
const LINE: usize = 107;
/// The longest header of version 2 that is read (HAProxy: a buffer).
const MOST: usize = 16 * 1024;
/// The longest value that is kept or sent of a TLV.
const VALUE: usize = 1024;

/// What a header says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// Where the client is and where it has connected to; `None`: as the connection itself.
    pub addrs: Option<(Addr, Addr)>,
    /// The TLVs, as they came.
    tlvs: Bytes,
}

/// Why a header is refused, in HAProxy's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The client has closed before the first byte.
    Closed,
    /// The header did not come in time.
    Timeout,
    /// The client has closed within the header, or the header is too long.
    Truncated,
    /// The client says something else.
    NotHeader,
    /// The header contradicts itself.
    Invalid,
    /// A protocol that nobody here speaks.
    Protocol,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "Connection closed while waiting for PROXY protocol header",
            Self::Timeout => "Timeout while waiting for PROXY protocol header",
            Self::Truncated => "Truncated PROXY protocol header received",
            Self::NotHeader => {
                "Received something which does not look like a PROXY protocol header"
            }
            Self::Invalid => "Received an invalid PROXY protocol header",
            Self::Protocol => "Received an unhandled protocol in the PROXY protocol header",
        })
    }
}

impl std::error::Error for Error {}

impl Header {
    /// Returns the values of all TLVs of a kind, in order.
    pub fn tlvs(&self, kind: u8) -> impl Iterator<Item = Bytes> {
        Tlvs(&self.tlvs).filter(move |(known, _)| *known == kind).map(|(_, value)| {
            // A value is a part of what it was read from.
            self.tlvs.slice_ref(value)
        })
    }
}

/// Reads the number of a kind of TLV, as configurations write it.
pub fn parse_kind(text: &str) -> Option<u8> {
    match text.strip_prefix("0x") {
        Some(digits) => u8::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// Reads a header that `bytes` begin with: it and its length, or `None` where more is needed.
pub fn parse(bytes: &[u8]) -> Result<Option<(Header, usize)>, Error> {
    let begins = |known: &[u8]| bytes.iter().zip(known).all(|(byte, known)| byte == known);
    if begins(SIGNATURE) {
        // The first byte of what is no header decides, not the twelfth.
        parse_v2(bytes)
    } else if begins(WORD) {
        parse_v1(bytes)
    } else {
        Err(Error::NotHeader)
    }
}

fn parse_v2(bytes: &[u8]) -> Result<Option<(Header, usize)>, Error> {
    let Some((fixed, rest)) = bytes.split_at_checked(FIXED) else { return Ok(None) };
    let [.., command, family, high, low] = fixed else { return Ok(None) };
    if command >> 4 != 2 {
        return Err(Error::NotHeader);
    }
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    if length > MOST {
        return Err(Error::Truncated);
    }
    let Some(body) = rest.get(..length) else { return Ok(None) };
    let end = FIXED.saturating_add(length);
    let header = match command & 0xf {
        // The other proxy's own connection: a health check.
        0 => Header::default(),
        1 => {
            let (addrs, tlvs) = addresses(*family, body).ok_or(Error::Invalid)?;
            check_tlvs(tlvs, bytes.get(..end).unwrap_or_default())?;
            Header { addrs, tlvs: Bytes::copy_from_slice(tlvs) }
        }
        _ => return Err(Error::Invalid),
    };
    Ok(Some((header, end)))
}

type Addrs = (Addr, Addr);

/// Splits addresses of a family off; those of no family that is known here are passed over.
fn addresses(family: u8, body: &[u8]) -> Option<(Option<Addrs>, &[u8])> {
    let port = |bytes: &[u8; 2]| u16::from_be_bytes(*bytes);
    match family {
        0x11 => {
            let (src, rest) = body.split_first_chunk::<4>()?;
            let (dst, rest) = rest.split_first_chunk::<4>()?;
            let (sport, rest) = rest.split_first_chunk::<2>()?;
            let (dport, rest) = rest.split_first_chunk::<2>()?;
            let at = |ip: [u8; 4], port| Addr::Inet((Ipv4Addr::from(ip), port).into());
            Some((Some((at(*src, port(sport)), at(*dst, port(dport)))), rest))
        }
        0x21 => {
            let (src, rest) = body.split_first_chunk::<16>()?;
            let (dst, rest) = rest.split_first_chunk::<16>()?;
            let (sport, rest) = rest.split_first_chunk::<2>()?;
            let (dport, rest) = rest.split_first_chunk::<2>()?;
            let at = |ip: [u8; 16], port| Addr::Inet((Ipv6Addr::from(ip), port).into());
            Some((Some((at(*src, port(sport)), at(*dst, port(dport)))), rest))
        }
        // HAProxy takes addresses of TCP alone.
        _ => None,
    }
}

/// Refuses TLVs that do not fit, and a checksum that is wrong.
fn check_tlvs(tlvs: &[u8], header: &[u8]) -> Result<(), Error> {
    let mut rest = Tlvs(tlvs);
    while !rest.0.is_empty() {
        let (kind, value) = rest.next().ok_or(Error::Invalid)?;
        match kind {
            CRC32C => {
                let sum: [u8; 4] = value.try_into().map_err(|_| Error::Invalid)?;
                // The sum is taken with its own bytes zero.
                let after = rest.0.len().saturating_add(4);
                let at = header.len().saturating_sub(after);
                let mut zeroed = header.to_vec();
                zeroed.iter_mut().skip(at).take(4).for_each(|byte| *byte = 0);
                if crc32c(&zeroed) != u32::from_be_bytes(sum) {
                    return Err(Error::Invalid);
                }
            }
            // HAProxy: longer ones are none.
            UNIQUE_ID if value.len() > 128 => return Err(Error::Invalid),
            AUTHORITY if value.len() > 255 => return Err(Error::Invalid),
            _ => {}
        }
    }
    Ok(())
}

/// TLVs one by one, as far as they fit.
struct Tlvs<'a>(&'a [u8]);

impl<'a> Iterator for Tlvs<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let ([kind, high, low], rest) = self.0.split_first_chunk::<3>()?;
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let (value, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((*kind, value))
    }
}

fn parse_v1(bytes: &[u8]) -> Result<Option<(Header, usize)>, Error> {
    let line = bytes.get(..LINE).unwrap_or(bytes);
    let Some(end) = memchr::memchr(b'\n', line) else {
        return if bytes.len() < LINE { Ok(None) } else { Err(Error::Truncated) };
    };
    let line = line.get(..end).and_then(|line| line.strip_suffix(b"\r")).ok_or(Error::Invalid)?;
    let text = std::str::from_utf8(line).map_err(|_| Error::Invalid)?;
    let mut words = text.split(' ').skip(1);
    let addrs = match words.next() {
        Some("UNKNOWN") => None,
        Some("TCP4") => Some(line_addrs::<Ipv4Addr>(words).ok_or(Error::Invalid)?),
        Some("TCP6") => Some(line_addrs::<Ipv6Addr>(words).ok_or(Error::Invalid)?),
        _ => return Err(Error::Protocol),
    };
    Ok(Some((Header { addrs, tlvs: Bytes::new() }, end.saturating_add(1))))
}

fn line_addrs<Ip: std::str::FromStr + Into<IpAddr>>(
    mut words: Skip<Split<'_, char>>,
) -> Option<Addrs> {
    let mut ip = || words.next()?.parse::<Ip>().ok().map(Into::into);
    let (src, dst): (IpAddr, IpAddr) = (ip()?, ip()?);
    let mut port = || {
        let word = words.next()?;
        let plain = word.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| word.parse::<u16>().ok()).flatten()
    };
    let (sport, dport) = (port()?, port()?);
    let addrs = (Addr::Inet((src, sport).into()), Addr::Inet((dst, dport).into()));
    words.next().is_none().then_some(addrs)
}

/// Returns the header of version 1 for a client's addresses.
pub fn line(src: &Addr, dst: &Addr) -> Vec<u8> {
    match ends(src, dst) {
        None => b"PROXY UNKNOWN\r\n".to_vec(),
        Some((src, dst)) => {
            let family = if src.0.is_ipv4() { "TCP4" } else { "TCP6" };
            let (sport, dport) = (src.1, dst.1);
            format!("PROXY {family} {} {} {sport} {dport}\r\n", src.0, dst.0).into_bytes()
        }
    }
}

/// Returns the header of version 2 for a client's addresses and these TLVs, in this order. The
/// value of a checksum is filled in.
pub fn binary(src: &Addr, dst: &Addr, tlvs: &[(u8, Bytes)]) -> Vec<u8> {
    let mut header = Vec::with_capacity(64);
    header.extend_from_slice(SIGNATURE);
    let Some((src, dst)) = ends(src, dst) else {
        // HAProxy: a connection of another kind is said to be this proxy's own.
        header.extend_from_slice(&[0x20, 0, 0, 0]);
        return header;
    };
    header.extend_from_slice(&[0x21, if src.0.is_ipv4() { 0x11 } else { 0x21 }, 0, 0]);
    for (ip, _) in [src, dst] {
        match ip {
            IpAddr::V4(ip) => header.extend_from_slice(&ip.octets()),
            IpAddr::V6(ip) => header.extend_from_slice(&ip.octets()),
        }
    }
    header.extend_from_slice(&src.1.to_be_bytes());
    header.extend_from_slice(&dst.1.to_be_bytes());
    let mut sum_at = None;
    for (kind, value) in tlvs {
        let zeroes = Bytes::from_static(&[0; 4]);
        let value = if *kind == CRC32C { &zeroes } else { value };
        let value = value.get(..VALUE.min(value.len())).unwrap_or_default();
        header.push(*kind);
        header.extend_from_slice(&u16::try_from(value.len()).unwrap_or_default().to_be_bytes());
        if *kind == CRC32C {
            sum_at = Some(header.len());
        }
        header.extend_from_slice(value);
    }
    let length = u16::try_from(header.len().saturating_sub(FIXED)).unwrap_or(u16::MAX);
    put(&mut header, FIXED.saturating_sub(2), &length.to_be_bytes());
    if let Some(at) = sum_at {
        let sum = crc32c(&header);
        put(&mut header, at, &sum.to_be_bytes());
    }
    header
}

fn put(header: &mut [u8], at: usize, bytes: &[u8]) {
    for (place, byte) in header.iter_mut().skip(at).zip(bytes) {
        *place = *byte;
    }
}

type End = (IpAddr, u16);

/// Returns addresses of one family: of two, IPv4 is written as IPv6.
fn ends(src: &Addr, dst: &Addr) -> Option<(End, End)> {
    let (mut src, mut dst) = ((src.ip()?, src.port()?), (dst.ip()?, dst.port()?));
    if src.0.is_ipv4() != dst.0.is_ipv4() {
        for end in [&mut src, &mut dst] {
            if let IpAddr::V4(ip) = end.0 {
                end.0 = ip.to_ipv6_mapped().into();
            }
        }
    }
    Some((src, dst))
}

/// Castagnoli's checksum; `crc32fast` has another one.
fn crc32c(bytes: &[u8]) -> u32 {
    let step = |sum: u32, _| (sum >> 1) ^ (0x82f6_3b78 & 0_u32.wrapping_sub(sum & 1));
    !bytes.iter().fold(!0, |sum: u32, byte| (0..8).fold(sum ^ u32::from(*byte), step))
}

#[cfg(test)]
mod tests;
