//! The check of clients' certificates, with OpenSSL's numbers for what is wrong with them.

use std::cell::Cell;
use std::sync::Arc;

use rustls::CertificateError;
use rustls::DigitallySignedStruct;
use rustls::DistinguishedName;
use rustls::SignatureScheme;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::UnixTime;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerified;
use rustls::server::danger::ClientCertVerifier;
use x509_parser::prelude::FromDer as _;
use x509_parser::prelude::X509Certificate;

use super::acceptor::Clients;
use super::verify;
use super::verify::Trust;

/// Errors that do not end a handshake (`crt-ignore-err`, `ca-ignore-err`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ignored {
    all: bool,
    codes: Vec<u32>,
}

impl Ignored {
    /// Adds the errors of a list: `all`, numbers, or OpenSSL's names.
    pub fn read(&mut self, list: &str) -> Result<(), String> {
        for word in list.split(',').filter(|word| !word.is_empty()) {
            if word == "all" {
                self.all = true;
                continue;
            }
            let named = NAMES.iter().find(|(_, name)| *name == word).map(|(code, _)| *code);
            let code = named
                .or_else(|| word.parse().ok().filter(|code| (1..=HIGHEST).contains(code)))
                .ok_or_else(|| {
                    format!("ID '{word}' out of range (1..{HIGHEST}) in error IDs list '{list}'")
                })?;
            self.codes.push(code);
        }
        Ok(())
    }

    /// Adds those of another one.
    pub fn add(&mut self, other: &Self) {
        self.all |= other.all;
        self.codes.extend(&other.codes);
    }

    fn has(&self, code: u32) -> bool {
        self.all || self.codes.contains(&code)
    }
}

/// What the last check on this thread has found: the errors of the chain and of the certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// OpenSSL's number for what is wrong with the certificate, 0 if nothing is.
    pub certificate: u32,
    /// OpenSSL's number for what is wrong with the chain, 0 if nothing is, and at which depth.
    pub authority: (u32, u32),
}

thread_local! {
    static FOUND: Cell<Found> = const { Cell::new(Found { certificate: 0, authority: (0, 0) }) };
}

/// Takes what the last check on this thread has found.
pub(super) fn take_found() -> Found {
    FOUND.take()
}

/// Checks clients' certificates.
#[derive(Debug)]
pub(super) struct ClientCheck {
    webpki: Arc<dyn ClientCertVerifier>,
    trust: Trust,
    ca_ignored: Ignored,
    crt_ignored: Ignored,
}

impl ClientCheck {
    pub(super) fn new(clients: &Clients, provider: &Arc<CryptoProvider>) -> Result<Self, String> {
        let text = |error: super::store::Error| error.to_string();
        let named = clients.authorities.load().map_err(text)?;
        let mut trust = clients.authorities.load().map_err(text)?;
        if let Some(more) = &clients.unnamed_authorities {
            trust.add(more.load().map_err(text)?);
        }
        let mut builder = WebPkiClientVerifier::builder_with_provider(
            Arc::clone(&trust.roots),
            Arc::clone(provider),
        )
        .clear_root_hint_subjects();
        if clients.names {
            builder = builder.add_root_hint_subjects(named.roots.subjects());
        }
        if let Some(file) = &clients.revoked {
            builder = builder
                .with_crls(verify::revocations(file).map_err(text)?)
                .allow_unknown_revocation_status();
        }
        if !clients.required {
            builder = builder.allow_unauthenticated();
        }
        let webpki = builder.build().map_err(|error| error.to_string())?;
        let (ca_ignored, crt_ignored) = (clients.ca_ignored.clone(), clients.crt_ignored.clone());
        Ok(Self { webpki, trust, ca_ignored, crt_ignored })
    }
}

impl ClientCertVerifier for ClientCheck {
    fn offer_client_auth(&self) -> bool {
        true
    }

    fn client_auth_mandatory(&self) -> bool {
        self.webpki.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.webpki.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let checked = match self.trust.is_pinned(end_entity, now) {
            Some(within) => within,
            None => self.webpki.verify_client_cert(end_entity, intermediates, now).map(|_| ()),
        };
        let Err(error) = checked else { return Ok(ClientCertVerified::assertion()) };
        let code = code(&error);
        let of_chain = is_of_chain(&error, end_entity, now);
        let (found, ignored) = if of_chain {
            (Found { certificate: 0, authority: (code, 1) }, &self.ca_ignored)
        } else {
            (Found { certificate: code, authority: (0, 0) }, &self.crt_ignored)
        };
        FOUND.set(found);
        if ignored.has(code) { Ok(ClientCertVerified::assertion()) } else { Err(error) }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.webpki.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.webpki.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.webpki.supported_verify_schemes()
    }
}

/// Tells whether the fault is another certificate's than the client's own.
fn is_of_chain(error: &rustls::Error, end_entity: &CertificateDer<'_>, now: UnixTime) -> bool {
    use CertificateError as Wrong;
    let rustls::Error::InvalidCertificate(wrong) = error else { return false };
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    let validity = X509Certificate::from_der(end_entity).map(|(_, cert)| {
        (cert.validity().not_before.timestamp(), cert.validity().not_after.timestamp())
    });
    match (wrong, validity) {
        (Wrong::Expired | Wrong::ExpiredContext { .. }, Ok((_, after))) => now <= after,
        (Wrong::NotValidYet | Wrong::NotValidYetContext { .. }, Ok((before, _))) => now >= before,
        _ => false,
    }
}

/// OpenSSL's highest number.
const HIGHEST: u32 = 94;

/// OpenSSL's names of what a check can find.
const NAMES: &[(u32, &str)] = &[
    (7, "X509_V_ERR_CERT_SIGNATURE_FAILURE"),
    (9, "X509_V_ERR_CERT_NOT_YET_VALID"),
    (10, "X509_V_ERR_CERT_HAS_EXPIRED"),
    (12, "X509_V_ERR_CRL_HAS_EXPIRED"),
    (18, "X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT"),
    (19, "X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN"),
    (20, "X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY"),
    (21, "X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE"),
    (23, "X509_V_ERR_CERT_REVOKED"),
    (24, "X509_V_ERR_INVALID_CA"),
    (26, "X509_V_ERR_INVALID_PURPOSE"),
    (34, "X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION"),
    (50, "X509_V_ERR_APPLICATION_VERIFICATION"),
];

/// Returns OpenSSL's number for what is wrong.
pub(super) fn code(error: &rustls::Error) -> u32 {
    use CertificateError as Wrong;
    let rustls::Error::InvalidCertificate(wrong) = error else { return 50 };
    match wrong {
        Wrong::BadSignature => 7,
        Wrong::NotValidYet | Wrong::NotValidYetContext { .. } => 9,
        Wrong::Expired | Wrong::ExpiredContext { .. } => 10,
        Wrong::ExpiredRevocationList | Wrong::ExpiredRevocationListContext { .. } => 12,
        Wrong::UnknownIssuer => 20,
        Wrong::Revoked => 23,
        Wrong::InvalidPurpose | Wrong::InvalidPurposeContext { .. } => 26,
        Wrong::UnhandledCriticalExtension => 34,
        _ => 50,
    }
}
