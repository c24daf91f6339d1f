//! The example that reads a database of countries, which is made here by hand.

use std::fs;
use std::net::IpAddr;

use super::curl;
use super::start;
use crate::support::proxy::Setup;

/// Networks and the countries they are said to be in.
const NETWORKS: &[(&str, u8, &str)] = &[
    ("192.0.2.0", 24, "AA"),
    ("198.51.100.128", 25, "BB"),
    ("203.0.113.7", 32, "CC"),
    ("2001:db8::", 32, "DD"),
];

const ASKED: &[(&str, &str)] = &[
    ("192.0.2.1", "AA"),
    ("192.0.2.255", "AA"),
    ("192.0.3.0", ""),
    ("198.51.100.128", "BB"),
    ("198.51.100.127", ""),
    ("203.0.113.7", "CC"),
    ("203.0.113.8", ""),
    ("2001:db8::1", "DD"),
    ("2001:db8:ffff:0:0:0:0:1", "DD"),
    ("2001:db9::1", ""),
    ("::", ""),
];

pub(super) fn geoip(setup: Setup) {
    let peer = setup.peer();
    drop(setup);
    for record_size in [24, 28, 32] {
        let setup = Setup::new(peer);
        let file = setup.folder().join("test.mmdb");
        let bytes = database(record_size);
        // What is made by hand is read by others as well.
        let reader = maxminddb::Reader::from_source(bytes.clone()).unwrap();
        assert_eq!(reader.metadata().node_count as usize, nodes().len());
        fs::write(&file, bytes).unwrap();
        let proxy = start(setup.env("GEOIP_DATABASE", file.display()), "geoip", &["HTTP"]);
        let ask = |address: &str| {
            let answer = curl(&proxy, &format!("/?ip={address}"), &["-g"]);
            assert_eq!(answer.status, 200);
            answer.body
        };
        for (address, country) in ASKED {
            assert_eq!(ask(address), format!("{country}\n"), "{address} of {record_size}");
        }
        for wrong in
            ["", "x", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1:2", ":::", "2001:db8::1::2", "12345::"]
        {
            assert_eq!(ask(wrong), "\n", "{wrong}");
        }
        assert!(!proxy.said().contains("runtime error"), "{}", proxy.said());
        proxy.stop();
    }
}

/// What a record of a node leads to.
#[derive(Clone, Copy)]
enum Record {
    Nothing,
    Node(usize),
    /// One of the networks.
    Data(usize),
}

/// Returns the tree over the bits of the networks' addresses.
fn nodes() -> Vec<[Record; 2]> {
    let mut nodes = vec![[Record::Nothing; 2]];
    for (index, (address, length, _)) in NETWORKS.iter().enumerate() {
        let (bits, length) = match address.parse().unwrap() {
            // An IPv4 address stands behind 96 zero bits.
            IpAddr::V4(ip) => (u128::from(u32::from(ip)), usize::from(*length) + 96),
            IpAddr::V6(ip) => (u128::from(ip), usize::from(*length)),
        };
        let mut node = 0;
        for depth in 0..length {
            let bit = usize::from(bits >> (127 - depth) & 1 == 1);
            if depth + 1 == length {
                nodes[node][bit] = Record::Data(index);
                break;
            }
            node = match nodes[node][bit] {
                Record::Node(next) => next,
                _ => {
                    nodes.push([Record::Nothing; 2]);
                    let next = nodes.len() - 1;
                    nodes[node][bit] = Record::Node(next);
                    next
                }
            };
        }
    }
    nodes
}

fn database(record_size: usize) -> Vec<u8> {
    let nodes = nodes();
    let (data, places) = data();
    let mut out = Vec::new();
    for node in &nodes {
        let [left, right] = node.map(|record| match record {
            Record::Nothing => nodes.len(),
            Record::Node(index) => index,
            Record::Data(index) => nodes.len() + 16 + places[index],
        });
        let (l, r) = (
            u32::try_from(left).unwrap().to_be_bytes(),
            u32::try_from(right).unwrap().to_be_bytes(),
        );
        match record_size {
            24 => out.extend([&l[1..], &r[1..]].concat()),
            28 => out.extend([&l[1..], &[l[0] << 4 | r[0]], &r[1..]].concat()),
            _ => out.extend([l, r].concat()),
        }
    }
    out.extend([0; 16]);
    out.extend(data);
    out.extend(b"\xab\xcd\xefMaxMind.com");
    let number = |name: &str, kind: u8, value: usize| {
        let bytes = u16::try_from(value).unwrap().to_be_bytes();
        [text(name), vec![kind << 5 | 2], bytes.to_vec()].concat()
    };
    out.push(7 << 5 | 9);
    out.extend(number("node_count", 6, nodes.len()));
    out.extend(number("record_size", 5, record_size));
    out.extend(number("ip_version", 5, 6));
    out.extend(number("binary_format_major_version", 5, 2));
    out.extend(number("binary_format_minor_version", 5, 0));
    // An unsigned number of 64 bits, an array and a map: types beyond 7 have a byte of their own.
    out.extend([text("build_epoch"), vec![2, 2, 1, 0]].concat());
    out.extend([text("database_type"), text("Test")].concat());
    out.extend([text("languages"), vec![1, 4], text("en")].concat());
    out.extend([text("description"), vec![7 << 5]].concat());
    out
}

/// Returns what the tree leads to, and where each network's part begins. All but the first say
/// `country` and `iso_code` by pointing at the first.
fn data() -> (Vec<u8>, Vec<usize>) {
    let (mut out, mut places) = (Vec::new(), Vec::new());
    let (mut country, mut code) = (None, None);
    for (_, _, name) in NETWORKS {
        places.push(out.len());
        out.push(7 << 5 | 1);
        word(&mut out, &mut country, "country");
        out.push(7 << 5 | 1);
        word(&mut out, &mut code, "iso_code");
        out.extend(text(name));
    }
    (out, places)
}

/// Adds a text, or a pointer to where it stands already.
fn word(out: &mut Vec<u8>, known: &mut Option<usize>, word: &str) {
    match *known {
        Some(place) => out.extend([1 << 5, u8::try_from(place).unwrap()]),
        None => {
            *known = Some(out.len());
            out.extend(text(word));
        }
    }
}

/// Returns a text as the format has it: its type, its length, its bytes.
fn text(text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).unwrap();
    let head = if length < 29 { vec![2 << 5 | length] } else { vec![2 << 5 | 29, length - 29] };
    [head, text.as_bytes().to_vec()].concat()
}
