//! A header of the PROXY protocol: what is read is complete, and is read alike when it is sent on.

#![no_main]

use libfuzzer_sys::fuzz_target;
use luaproxy::net::proxy_protocol;

fuzz_target!(|data: &[u8]| {
    let Ok(Some((header, length))) = proxy_protocol::parse(data) else { return };
    let whole = &data[..length];
    for cut in 0..length {
        assert_eq!(proxy_protocol::parse(&whole[..cut]), Ok(None));
    }
    header.tlvs(proxy_protocol::AUTHORITY).for_each(drop);
    let Some((src, dst)) = header.addrs else { return };
    for sent in [proxy_protocol::line(&src, &dst), proxy_protocol::binary(&src, &dst, &[])] {
        let again = proxy_protocol::parse(&sent).unwrap().unwrap().0;
        assert_eq!(again.addrs, Some((src.clone(), dst.clone())));
    }
});
