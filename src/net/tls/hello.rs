//! The first message of a TLS client, as bytes: what it offers, in its order. Knows nothing else of
//! TLS.
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions)]

/// What a client offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hello<'a> {
    /// The version that older servers look at.
    pub version: (u8, u8),
    /// The client's random bytes.
    pub random: &'a [u8],
    /// The session that it would go on with.
    pub session: &'a [u8],
    /// The numbers of its cipher suites.
    pub ciphers: &'a [u8],
    extensions: &'a [u8],
}

/// Why there is no first message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// More bytes are needed.
    Short,
    /// It is something else.
    Other,
}

/// Numbers of extensions (IANA: TLS `ExtensionType` Values).
mod number {
    pub(super) const SERVER_NAME: u16 = 0;
    pub(super) const GROUPS: u16 = 10;
    pub(super) const POINT_FORMATS: u16 = 11;
    pub(super) const SIGNATURES: u16 = 13;
    pub(super) const ALPN: u16 = 16;
    pub(super) const TICKET: u16 = 35;
    pub(super) const VERSIONS: u16 = 43;
    pub(super) const KEY_SHARE: u16 = 51;
}

/// A record of handshake messages, and the most bytes that one has.
const HANDSHAKE: u8 = 22;
const LONGEST_RECORD: usize = 16384 + 2048;
const CLIENT_HELLO: u8 = 1;

impl<'a> Hello<'a> {
    /// Reads the message from the first record of a stream.
    pub fn of_stream(bytes: &'a [u8]) -> Result<Self, Error> {
        let (kind, rest) = bytes.split_first().ok_or(Error::Short)?;
        if *kind != HANDSHAKE {
            return Err(Error::Other);
        }
        let (major, rest) = rest.split_first().ok_or(Error::Short)?;
        if *major != 3 {
            return Err(Error::Other);
        }
        let (_, rest) = rest.split_first().ok_or(Error::Short)?;
        let (length, rest) = rest.split_first_chunk::<2>().ok_or(Error::Short)?;
        let length = usize::from(u16::from_be_bytes(*length));
        if !(6..=LONGEST_RECORD).contains(&length) {
            return Err(Error::Other);
        }
        match rest.first() {
            None => return Err(Error::Short),
            Some(&CLIENT_HELLO) => {}
            Some(_) => return Err(Error::Other),
        }
        let record = rest.get(..length).ok_or(Error::Short)?;
        Self::of_message(record).ok_or(Error::Other)
    }

    /// Reads the message itself.
    pub fn of_message(message: &'a [u8]) -> Option<Self> {
        let (kind, rest) = message.split_first()?;
        if *kind != CLIENT_HELLO {
            return None;
        }
        let (length, rest) = rest.split_first_chunk::<3>()?;
        let [high, middle, low] = *length;
        let length = usize::try_from(u32::from_be_bytes([0, high, middle, low])).ok()?;
        let mut rest = rest.get(..length)?;
        let version = take(&mut rest, 2)?;
        let random = take(&mut rest, 32)?;
        let session = prefixed8(&mut rest)?;
        let ciphers = prefixed16(&mut rest)?;
        let _compressions = prefixed8(&mut rest)?;
        let extensions = if rest.is_empty() { rest } else { prefixed16(&mut rest)? };
        let version = (*version.first()?, *version.last()?);
        Some(Self { version, random, session, ciphers, extensions })
    }

    /// Returns the extensions in their order: number and content.
    pub fn extensions(&self) -> impl Iterator<Item = (u16, &'a [u8])> {
        let mut rest = self.extensions;
        std::iter::from_fn(move || {
            let number = take(&mut rest, 2)?.first_chunk::<2>()?;
            Some((u16::from_be_bytes(*number), prefixed16(&mut rest)?))
        })
    }

    fn extension(&self, wanted: u16) -> Option<&'a [u8]> {
        self.extensions().find(|(number, _)| *number == wanted).map(|(_, content)| content)
    }

    /// Returns the name of the server that is asked for.
    pub fn server_name(&self) -> Option<&'a [u8]> {
        const HOST_NAME: u8 = 0;
        let mut names = prefixed16(&mut self.extension(number::SERVER_NAME)?)?;
        while let Some(kind) = take(&mut names, 1) {
            let name = prefixed16(&mut names)?;
            if kind == [HOST_NAME] {
                return Some(name);
            }
        }
        None
    }

    /// Returns the protocols that are offered by ALPN.
    pub fn alpn(&self) -> Option<impl Iterator<Item = &'a [u8]>> {
        let mut names = prefixed16(&mut self.extension(number::ALPN)?)?;
        Some(std::iter::from_fn(move || prefixed8(&mut names)))
    }

    /// Returns the numbers of the groups for the key exchange.
    pub fn groups(&self) -> Option<&'a [u8]> {
        prefixed16(&mut self.extension(number::GROUPS)?)
    }

    /// Returns the formats of points of elliptic curves.
    pub fn point_formats(&self) -> Option<&'a [u8]> {
        prefixed8(&mut self.extension(number::POINT_FORMATS)?)
    }

    /// Returns the numbers of the signature algorithms.
    pub fn signatures(&self) -> Option<&'a [u8]> {
        prefixed16(&mut self.extension(number::SIGNATURES)?)
    }

    /// Returns the numbers of the versions.
    pub fn versions(&self) -> Option<&'a [u8]> {
        prefixed8(&mut self.extension(number::VERSIONS)?)
    }

    /// Returns the session ticket, which is empty where the client only wants one.
    pub fn ticket(&self) -> Option<&'a [u8]> {
        self.extension(number::TICKET)
    }

    /// Returns the numbers of the groups that keys are offered of.
    pub fn key_shares(&self) -> Option<Vec<u8>> {
        let mut shares = prefixed16(&mut self.extension(number::KEY_SHARE)?)?;
        let mut groups = Vec::new();
        while let Some(group) = take(&mut shares, 2) {
            groups.extend_from_slice(group);
            prefixed16(&mut shares)?;
        }
        Some(groups)
    }

    /// Returns the numbers of the extensions.
    pub fn extension_numbers(&self) -> Vec<u8> {
        self.extensions().flat_map(|(number, _)| number.to_be_bytes()).collect()
    }
}

/// Returns numbers of two bytes without those that only keep servers tolerant (RFC 8701).
pub fn without_grease(numbers: &[u8]) -> Vec<u8> {
    let is_grease =
        |pair: &&[u8]| matches!(pair, [high, low] if high == low && high & 0x0f == 0x0a);
    numbers.chunks(2).filter(|pair| !is_grease(pair)).flatten().copied().collect()
}

/// Returns the message of a stream that begins with one, out of the records it may be cut into.
pub(super) fn message(mut stream: &[u8]) -> Vec<u8> {
    let mut message = Vec::new();
    while let Some([HANDSHAKE, ..]) = take(&mut stream, 3) {
        let Some(part) = prefixed16(&mut stream) else { break };
        message.extend_from_slice(part);
    }
    message
}

fn take<'a>(bytes: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(count)?;
    *bytes = rest;
    Some(taken)
}

fn prefixed8<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = *take(bytes, 1)?.first()?;
    take(bytes, usize::from(length))
}

fn prefixed16<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = take(bytes, 2)?.first_chunk::<2>()?;
    take(bytes, usize::from(u16::from_be_bytes(*length)))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

    use super::*;

    /// A message with a name, ALPN, groups with grease, and a ticket.
    fn sample() -> Vec<u8> {
        let mut extensions = Vec::new();
        let mut add = |number: u16, content: &[u8]| {
            extensions.extend(number.to_be_bytes());
            extensions.extend(u16::try_from(content.len()).unwrap().to_be_bytes());
            extensions.extend_from_slice(content);
        };
        add(0, b"\0\x08\0\0\x05a.com");
        add(16, b"\0\x0c\x02h2\x08http/1.1");
        add(10, b"\0\x04\x2a\x2a\0\x1d");
        add(35, b"");
        add(51, b"\0\x0a\0\x1d\0\x01x\0\x17\0\x01y");
        let mut body = vec![3, 3];
        body.extend([7; 32]);
        body.extend([0, 0, 4, 0x13, 0x01, 0x0a, 0x0a, 1, 0]);
        body.extend(u16::try_from(extensions.len()).unwrap().to_be_bytes());
        body.extend(extensions);
        let mut message = vec![1, 0];
        message.extend(u16::try_from(body.len()).unwrap().to_be_bytes());
        message.extend(body);
        let mut record = vec![22, 3, 1];
        record.extend(u16::try_from(message.len()).unwrap().to_be_bytes());
        record.extend(message);
        record
    }

    #[test]
    fn what_a_client_offers_is_read() {
        let bytes = sample();
        let hello = Hello::of_stream(&bytes).unwrap();
        assert_eq!((hello.version, hello.random), ((3, 3), &[7; 32][..]));
        assert_eq!(hello.server_name(), Some(&b"a.com"[..]));
        assert_eq!(hello.alpn().unwrap().collect::<Vec<_>>(), [&b"h2"[..], b"http/1.1"]);
        assert_eq!(hello.groups(), Some(&[0x2a, 0x2a, 0, 0x1d][..]));
        assert_eq!(without_grease(hello.groups().unwrap()), [0, 0x1d]);
        assert_eq!(without_grease(hello.ciphers), [0x13, 0x01]);
        assert_eq!((hello.ticket(), hello.versions()), (Some(&b""[..]), None));
        assert_eq!(hello.key_shares(), Some(vec![0, 0x1d, 0, 0x17]));
        assert_eq!(hello.extension_numbers(), [0, 0, 0, 16, 0, 10, 0, 35, 0, 51]);
        assert_eq!(message(&bytes), bytes[5..]);
    }

    #[test]
    fn every_beginning_needs_more_and_no_byte_panics() {
        let bytes = sample();
        for count in 0..bytes.len() {
            assert_eq!(Hello::of_stream(&bytes[..count]), Err(Error::Short), "{count}");
            let _may_be = Hello::of_message(&bytes[5..][..count.saturating_sub(5)]);
        }
        for at in 0..bytes.len() {
            for value in [0, 1, 0x7f, 0xff] {
                let mut other = bytes.clone();
                other[at] = value;
                if let Ok(hello) = Hello::of_stream(&other) {
                    let _any = (hello.server_name(), hello.key_shares(), hello.versions());
                    let _all = hello.alpn().map(Iterator::count);
                }
            }
        }
        assert_eq!(Hello::of_stream(b"GET / HTTP/1.1\r\n"), Err(Error::Other));
    }
}
