//! How to connect with TLS: whom to trust, what to show.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::ClientConnection;
use rustls::Connection;
use rustls::client::Resumption;
use rustls::pki_types::ServerName;

use crate::net::stream::Stream;

use super::agreement::Agreement;
use super::error::Error;
use super::layer;
use super::layer::Layer;
use super::store;
use super::store::Certificate;
use super::verify;
use super::verify::Authorities;
use super::verify::Expected;
use super::verify::ServerCheck;

/// How to connect with TLS. Made once, used for all connections to a server.
#[derive(Clone, Debug)]
pub struct Connector {
    config: Arc<ClientConfig>,
}

/// Two are the same where one was made from the other.
impl PartialEq for Connector {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.config, &other.config)
    }
}

impl Eq for Connector {}

/// What a connector is made of. The default verifies by the system's authorities that the peer is
/// the one that was asked for.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Versions and suites.
    pub agreement: Agreement,
    /// Whom to trust; `None` is everyone (`verify none`).
    pub authorities: Option<Authorities>,
    /// Revocation lists (`crl-file`).
    pub revoked: Option<PathBuf>,
    /// Which name the certificate must be for.
    pub expected: Expected,
    /// `alpn`, best first.
    pub alpn: Vec<Vec<u8>>,
    /// The certificate to show (`crt`).
    pub certificate: Option<PathBuf>,
    /// Whether a session may go on in a new connection; without it: `no-ssl-reuse`.
    pub resumes: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            agreement: Agreement::default(),
            authorities: Some(Authorities::System),
            revoked: None,
            expected: Expected::Asked,
            alpn: Vec::new(),
            certificate: None,
            resumes: true,
        }
    }
}

/// How many sessions with one server are remembered.
const SESSIONS: usize = 256;

impl Connector {
    /// Reads all files; an error says which one is wrong.
    pub fn new(settings: &Settings) -> Result<Self, String> {
        let provider = settings.agreement.provider();
        let check = match &settings.authorities {
            None => ServerCheck::none(Arc::clone(&provider)),
            Some(authorities) => {
                let trust = authorities.load().map_err(|error| error.to_string())?;
                let revoked = settings.revoked.as_deref().map_or(Ok(Vec::new()), |file| {
                    verify::revocations(file).map_err(|error| error.to_string())
                })?;
                let expected = settings.expected.clone();
                ServerCheck::new(Arc::clone(&provider), trust, revoked, expected)?
            }
        };
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&settings.agreement.versions())
            .map_err(|error| error.to_string())?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(check));
        let mut config = match &settings.certificate {
            None => builder.with_no_client_auth(),
            Some(file) => {
                let certificate = Certificate::read(file).map_err(|error| error.to_string())?;
                builder.with_client_cert_resolver(Arc::new(store::Single(certificate)))
            }
        };
        config.alpn_protocols.clone_from(&settings.alpn);
        config.resumption = if settings.resumes {
            Resumption::in_memory_sessions(SESSIONS)
        } else {
            Resumption::disabled()
        };
        Ok(Self { config: Arc::new(config) })
    }
}

/// Who the server is: the name that it is asked for, or its address where none is.
#[derive(Clone, Debug)]
pub struct Peer(Result<ServerName<'static>, String>);

impl Peer {
    /// Returns the peer of this name, or of this address.
    pub fn named(name: &str) -> Self {
        Self(ServerName::try_from(name.to_owned()).map_err(|_| name.to_owned()))
    }

    /// Returns a peer that is asked for no name.
    pub fn nameless(addr: Option<IpAddr>) -> Self {
        // For what is no internet address rustls needs one all the same: it is not sent.
        let addr = addr.unwrap_or(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));
        Self(Ok(ServerName::IpAddress(addr.into())))
    }
}

impl Stream {
    /// Makes this a TLS connection, as its client.
    pub async fn connect_tls(&mut self, connector: &Connector, peer: &Peer) -> Result<(), Error> {
        let name = peer.0.clone().map_err(Error::Name)?;
        let conn =
            ClientConnection::new(Arc::clone(&connector.config), name).map_err(Error::Handshake)?;
        let mut made = Layer::new(Connection::Client(conn));
        let shaken = made.shake_hands(self.source()).await;
        shaken.map_err(|error| layer::failed(error, Error::of_server))?;
        made.finish(Vec::new(), None);
        self.set_tls(made);
        Ok(())
    }
}
