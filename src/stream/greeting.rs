//! What a server hears of the client before anything else: a header of the PROXY protocol.

use bytes::Bytes;

use crate::net::Addr;
use crate::net::proxy_protocol;
use crate::program::Section;
use crate::proxy::SendProxy;
use crate::proxy::Server;
use crate::proxy::Tlvs;
use crate::sample::Eval;
use crate::txn::Direction;
use crate::txn::Shared;

use super::local::Local;

/// TLV of TLS: nothing is known of it, as the client has none. HAProxy sends it all the same.
const NO_SSL: [u8; 5] = [0; 5];

/// Returns what goes before the first byte to this server; empty where that is nothing.
pub(super) async fn of(local: &Local, section: &Section, server: &Server, txn: &Shared) -> Bytes {
    let tlvs = match &server.send_proxy {
        SendProxy::No => return Bytes::new(),
        SendProxy::Line => {
            let (src, dst) = ends(txn);
            return proxy_protocol::line(&src, &dst).into();
        }
        SendProxy::Binary(tlvs) => tlvs,
    };
    let mut values = known(tlvs, txn);
    for tlv in &section.server_tlvs {
        let here = section.proxy.servers.get(tlv.server);
        if here.is_some_and(|here| std::ptr::eq(&raw const **here, server)) {
            let direction = Direction::Request;
            let eval = Eval { txn, direction, is_final: true, scripts: &local.scripts };
            values.push((tlv.kind, Box::pin(tlv.value.eval(eval)).await));
        }
    }
    if tlvs.ssl {
        values.push((proxy_protocol::SSL, Bytes::from_static(&NO_SSL)));
    }
    let (src, dst) = ends(txn);
    proxy_protocol::binary(&src, &dst, &values).into()
}

fn ends(txn: &Shared) -> (Addr, Addr) {
    let session = &txn.borrow().session;
    (session.src.borrow().clone(), session.dst.borrow().clone())
}

/// Returns the TLVs of `proxy-v2-options`, in HAProxy's order.
fn known(tlvs: &Tlvs, txn: &Shared) -> Vec<(u8, Bytes)> {
    let mut values = Vec::new();
    let txn = txn.borrow();
    if tlvs.crc32c {
        values.push((proxy_protocol::CRC32C, Bytes::new()));
    }
    let heard = txn.session.proxy_header.get();
    let authority = heard.and_then(|header| header.tlvs(proxy_protocol::AUTHORITY).next());
    if let Some(authority) = authority.filter(|_| tlvs.authority) {
        values.push((proxy_protocol::AUTHORITY, authority));
    }
    if tlvs.unique_id {
        values.push((proxy_protocol::UNIQUE_ID, txn.unique_id.clone().unwrap_or_default()));
    }
    values
}
