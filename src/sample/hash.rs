//! HAProxy's hash functions, bit by bit: loads are balanced and keys are stored by them.

/// Spreads a hash over all bits (`full_hash` in HAProxy).
pub(super) fn avalanche(hash: u32) -> u32 {
    let mut a = hash;
    a = a.wrapping_add(0x7ed5_5d16).wrapping_add(a << 12);
    a = (a ^ 0xc761_c23c) ^ (a >> 19);
    a = a.wrapping_add(0x1656_67b1).wrapping_add(a << 5);
    a = a.wrapping_add(0xd3a2_646c) ^ (a << 9);
    a = a.wrapping_add(0xfd70_46c5).wrapping_add(a << 3);
    a = (a ^ 0xb55a_4f09) ^ (a >> 16);
    a.wrapping_mul(3_221_225_473)
}

/// Bernstein's hash.
pub(super) fn djb2(bytes: &[u8]) -> u32 {
    bytes.iter().fold(5381, |hash: u32, byte| hash.wrapping_mul(33).wrapping_add(u32::from(*byte)))
}

/// The hash of the sdbm library.
pub(super) fn sdbm(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |hash: u32, byte| {
        u32::from(*byte).wrapping_add(hash << 6).wrapping_add(hash << 16).wrapping_sub(hash)
    })
}

/// Willy Tarreau's hash of 2010.
pub(super) fn wt6(bytes: &[u8]) -> u32 {
    let (mut h0, mut h1) = (0xa53c_965a_u32, 0x5ca6_953a_u32);
    let (mut step0, mut step1) = (6, 18);
    for byte in bytes {
        let byte = u32::from(*byte);
        h0 = !(h0 ^ byte);
        h1 = !h1.wrapping_add(byte);
        let rotated = h1.rotate_left(step0);
        h1 = h0.rotate_left(step1);
        h0 = rotated;
        let step = ((h0 >> 16) ^ h1) & 0xffff;
        step0 = step & 0x1f;
        step1 = step >> 11;
    }
    h0 ^ h1
}

/// CRC-32 with the polynomial of Ethernet.
pub(super) fn crc32(bytes: &[u8]) -> u32 {
    crc32fast::hash(bytes)
}

/// CRC-32C with the polynomial of iSCSI (RFC 3720).
pub(super) fn crc32c(bytes: &[u8]) -> u32 {
    let crc = bytes.iter().fold(u32::MAX, |crc, byte| {
        let index = (crc ^ u32::from(*byte)) & 0xff;
        CRC32C[index as usize] ^ (crc >> 8)
    });
    !crc
}

static CRC32C: [u32; 256] = {
    let mut table = [0; 256];
    let mut index = 0;
    while index < table.len() {
        let mut crc = index as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0x82f6_3b78 } else { crc >> 1 };
            bit += 1;
        }
        table[index] = crc;
        index += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    /// What haproxy 2.6 gives for `str(abc),crc32` and so on, plain and with avalanche.
    #[test]
    fn hashes_are_those_of_haproxy() {
        type Row = (fn(&[u8]) -> u32, u32, Option<u32>);
        let rows: [Row; 5] = [
            (crc32, 891_568_578, Some(930_845_320)),
            (crc32c, 910_901_175, None),
            (djb2, 193_485_963, Some(2_235_766_107)),
            (sdbm, 807_794_786, Some(659_243_622)),
            (wt6, 2_483_038_440, Some(266_135_527)),
        ];
        for (hash, plain, spread) in rows {
            assert_eq!(hash(b"abc"), plain);
            if let Some(spread) = spread {
                assert_eq!(avalanche(plain), spread);
            }
        }
    }
}
