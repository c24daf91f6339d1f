//! Headers that are read and written, and those that are refused.

use proptest::prelude::ProptestConfig;
use proptest::prelude::any;
use proptest::proptest;

use super::*;

fn v2(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap().to_be_bytes();
    [SIGNATURE, &[command, family], &length, body].concat()
}

fn addr(text: &str) -> Addr {
    Addr::Inet(text.parse().unwrap())
}

#[test]
fn lines_are_read() {
    let both = |src, dst| Some((addr(src), addr(dst)));
    for (line, addrs) in [
        ("PROXY TCP4 1.2.3.4 5.6.7.8 1 65535\r\n", both("1.2.3.4:1", "5.6.7.8:65535")),
        ("PROXY TCP6 ::1 ::2 1 2\r\n", both("[::1]:1", "[::2]:2")),
        ("PROXY UNKNOWN\r\n", None),
        ("PROXY UNKNOWN what ever\r\n", None),
    ] {
        let sent = format!("{line}rest");
        let (header, length) = parse(sent.as_bytes()).unwrap().unwrap();
        assert_eq!((header.addrs, length), (addrs, line.len()), "{line}");
        for cut in 0..line.len() {
            assert_eq!(parse(line.get(..cut).unwrap().as_bytes()), Ok(None), "{cut} of {line}");
        }
    }
}

#[test]
fn wrong_lines_are_refused() {
    for (line, error) in [
        ("GET / HTTP/1.1\r\n", Error::NotHeader),
        ("PROXY\tTCP4", Error::NotHeader),
        ("PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n", Error::Protocol),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n", Error::Invalid),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 1 +2\r\n", Error::Invalid),
        ("PROXY TCP4 1.2.3.4 ::1 1 2\r\n", Error::Invalid),
        ("PROXY TCP4 1.2.3.4  1.2.3.4 1 2\r\n", Error::Invalid),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n", Error::Invalid),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n", Error::Invalid),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n", Error::Invalid),
        ("PROXY TCP4 \u{e9}\r\n", Error::Invalid),
    ] {
        assert_eq!(parse(line.as_bytes()), Err(error), "{line}");
    }
    let long = format!("PROXY UNKNOWN {}", "x".repeat(LINE));
    assert_eq!(parse(long.as_bytes()), Err(Error::Truncated));
}

#[test]
fn binary_headers_are_read() {
    let body = [1, 2, 3, 4, 5, 6, 7, 8, 0, 9, 0, 10];
    let tlvs = b"\x02\0\x03foo\xe0\0\x01a\x04\0\0\xe0\0\x01b";
    let sent = v2(0x21, 0x11, &[&body[..], tlvs].concat());
    let (header, length) = parse(&[&sent[..], b"rest"].concat()).unwrap().unwrap();
    assert_eq!(length, sent.len());
    assert_eq!(header.addrs, Some((addr("1.2.3.4:9"), addr("5.6.7.8:10"))));
    let values = |kind| header.tlvs(kind).map(|value| value.to_vec()).collect::<Vec<_>>();
    assert_eq!(values(AUTHORITY), [b"foo"]);
    assert_eq!(values(0xe0), [b"a", b"b"]);
    assert_eq!(values(0xe1), Vec::<Vec<u8>>::new());
    for cut in 0..sent.len() {
        assert_eq!(parse(sent.get(..cut).unwrap()), Ok(None), "{cut}");
    }
    let local = v2(0x20, 0, b"what ever");
    assert_eq!(parse(&local), Ok(Some((Header::default(), local.len()))));
}

#[test]
fn wrong_binary_headers_are_refused() {
    let body = [0; 12];
    let with = |tlvs: &[u8]| v2(0x21, 0x11, &[&body[..], tlvs].concat());
    for (sent, error) in [
        (v2(0x31, 0x11, &body), Error::NotHeader),
        (v2(0x22, 0x11, &body), Error::Invalid),
        (v2(0x21, 0x00, b""), Error::Invalid),
        (v2(0x21, 0x12, &body), Error::Invalid),
        (v2(0x21, 0x31, &[0; 216]), Error::Invalid),
        (v2(0x21, 0x11, &body[1..]), Error::Invalid),
        (v2(0x21, 0x21, &body), Error::Invalid),
        (v2(0x21, 0x11, &vec![0; MOST + 1]), Error::Truncated),
        (with(b"\x02\0\x09x"), Error::Invalid),
        (with(b"\x02\0"), Error::Invalid),
        (with(b"\x03\0\x04abcd"), Error::Invalid),
        (with(b"\x03\0\x03abc"), Error::Invalid),
        (with(&[&b"\x05\0\x81"[..], &[0; 129]].concat()), Error::Invalid),
        (with(&[&b"\x02\x01\0"[..], &[0; 256]].concat()), Error::Invalid),
    ] {
        assert_eq!(parse(&sent), Err(error), "{sent:?}");
    }
}

#[test]
fn headers_are_written_as_haproxy_writes_them() {
    let (four, six) = (addr("1.2.3.4:5"), addr("[::5]:6"));
    assert_eq!(line(&four, &addr("5.6.7.8:9")), b"PROXY TCP4 1.2.3.4 5.6.7.8 5 9\r\n");
    assert_eq!(line(&four, &six), b"PROXY TCP6 ::ffff:1.2.3.4 ::5 5 6\r\n");
    assert_eq!(line(&Addr::Unnamed, &six), b"PROXY UNKNOWN\r\n");
    assert_eq!(binary(&Addr::Unnamed, &six, &[(AUTHORITY, "x".into())]), v2(0x20, 0, b""));
    // As HAProxy 2.6 has sent it, but for the client's port.
    let (src, dst) = (addr("127.0.0.1:50062"), addr("127.0.0.1:18102"));
    let ssl = Bytes::from_static(&[0; 5]);
    let tlvs = [(CRC32C, Bytes::new()), (UNIQUE_ID, "id-1".into()), (SSL, ssl)];
    assert_eq!(
        binary(&src, &dst, &tlvs),
        b"\r\n\r\n\0\r\nQUIT\n!\x11\0\"\x7f\0\0\x01\x7f\0\0\x01\xc3\x8eF\xb6\
          \x03\0\x04\x8dlR\x84\x05\0\x04id-1 \0\x05\0\0\0\0\0"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Whatever is written is read back, and no cut or changed byte panics.
    #[test]
    fn what_is_written_is_read(
        src: std::net::SocketAddr,
        dst: std::net::SocketAddr,
        tlvs in proptest::collection::vec((0x20_u8.., any::<[u8; 3]>()), 0..4),
        hurt: (usize, u8),
    ) {
        let plain = |addr: std::net::SocketAddr| Addr::Inet((addr.ip(), addr.port()).into());
        let (src, dst) = (plain(src), plain(dst));
        let mut tlvs: Vec<(u8, Bytes)> =
            tlvs.into_iter().map(|(kind, value)| (kind, value.to_vec().into())).collect();
        tlvs.push((CRC32C, Bytes::new()));
        for mut sent in [line(&src, &dst), binary(&src, &dst, &tlvs)] {
            let (header, length) = parse(&sent).unwrap().unwrap();
            assert_eq!(length, sent.len());
            let (read, _) = header.addrs.clone().unwrap();
            assert_eq!(read.port(), src.port());
            let (ip, sent_ip) = (read.ip().unwrap(), src.ip().unwrap());
            assert_eq!(ip.to_canonical(), sent_ip.to_canonical());
            let at = hurt.0.checked_rem(sent.len()).unwrap();
            *sent.get_mut(at).unwrap() ^= hurt.1;
            let _any = parse(&sent);
            let _any = parse(sent.get(..at).unwrap());
        }
    }

    #[test]
    fn no_bytes_panic(bytes: Vec<u8>, whole: bool) {
        let sent = if whole { bytes } else { [SIGNATURE, &bytes].concat() };
        if let Ok(Some((header, length))) = parse(&sent) {
            assert!(length <= sent.len());
            header.tlvs(AUTHORITY).for_each(drop);
        }
    }
}
