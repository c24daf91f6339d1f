//! What a handshake has agreed on: plain data, which outlives its connection.

use std::sync::Arc;

use rustls::Connection;
use rustls::HandshakeKind;
use rustls::ProtocolVersion;

use super::agreement;
use super::client_check::Found;
use super::store::Certificate;

/// What a handshake has agreed on.
#[derive(Clone, Debug, Default)]
pub struct Info {
    /// The version as OpenSSL names it: `TLSv1.3`.
    pub version: &'static str,
    /// The version's number on the wire.
    pub version_number: u16,
    /// The cipher suite as OpenSSL names it.
    pub cipher: &'static str,
    /// The bits of its key.
    pub bits: u16,
    /// The group of the key exchange as OpenSSL names it.
    pub group: &'static str,
    /// The protocol that was agreed on by ALPN.
    pub alpn: Option<Vec<u8>>,
    /// The name that the client has asked for.
    pub sni: Option<String>,
    /// It goes on with an earlier session.
    pub resumed: bool,
    /// The peer's certificates in DER, its own first.
    pub peer: Vec<Vec<u8>>,
    /// The certificate that this side has shown, as a server.
    pub shown: Option<Arc<Certificate>>,
    /// What the client has sent first, where that is kept: a `ClientHello` without its record.
    pub hello: Vec<u8>,
    /// What the check of the client's certificate has found.
    pub found: Found,
}

impl Info {
    pub(super) fn new(conn: &Connection) -> Self {
        let (cipher, bits) = conn
            .negotiated_cipher_suite()
            .map_or(("", 0), |suite| agreement::describe(suite.suite()));
        let (version, version_number) = match conn.protocol_version() {
            Some(ProtocolVersion::TLSv1_2) => ("TLSv1.2", 0x303),
            Some(ProtocolVersion::TLSv1_3) => ("TLSv1.3", 0x304),
            _ => ("", 0),
        };
        let chain = conn.peer_certificates().unwrap_or_default();
        Self {
            version,
            version_number,
            cipher,
            bits,
            group: conn
                .negotiated_key_exchange_group()
                .map_or("", |group| agreement::describe_group(group.name())),
            alpn: conn.alpn_protocol().map(<[u8]>::to_vec),
            sni: match conn {
                Connection::Server(conn) => conn.server_name().map(str::to_owned),
                Connection::Client(_) => None,
            },
            resumed: conn.handshake_kind() == Some(HandshakeKind::Resumed),
            peer: chain.iter().map(|cert| cert.to_vec()).collect(),
            ..Self::default()
        }
    }

    /// Tells whether this is the protocol that was agreed on by ALPN.
    pub fn is_alpn(&self, name: &[u8]) -> bool {
        self.alpn.as_deref() == Some(name)
    }
}
