//! Whom to trust: authorities, revocation lists, and the checks of both sides' certificates.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::CertificateError;
use rustls::DigitallySignedStruct;
use rustls::DistinguishedName;
use rustls::RootCertStore;
use rustls::SignatureScheme;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::client::danger::ServerCertVerified;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::CertificateRevocationListDer;
use rustls::pki_types::ServerName;
use rustls::pki_types::UnixTime;
use x509_parser::prelude::FromDer as _;
use x509_parser::prelude::X509Certificate;

use super::pem;

/// Where trusted authorities are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Authorities {
    /// `@system-ca`: where the system has them.
    System,
    /// A file, or a folder of files.
    File(PathBuf),
    /// PEM text.
    Text(Vec<u8>),
}

/// Trusted authorities.
#[derive(Debug)]
pub(super) struct Trust {
    pub(super) roots: Arc<RootCertStore>,
    /// Those certificates themselves: a peer that shows one of them is trusted.
    certificates: Vec<CertificateDer<'static>>,
}

impl Authorities {
    pub(super) fn load(&self) -> Result<Trust, pem::Error> {
        let certificates = match self {
            Self::System => rustls_native_certs::load_native_certs().certs,
            Self::File(path) if path.is_dir() => {
                let mut all = Vec::new();
                for file in pem::folder(path)? {
                    all.extend(read(&file)?);
                }
                all
            }
            Self::File(path) => {
                let found = read(path)?;
                if found.is_empty() {
                    return Err(pem::Error::NoCertificate(path.clone()));
                }
                found
            }
            Self::Text(text) => pem::certificates(Path::new("text"), text)?,
        };
        let mut roots = RootCertStore::empty();
        // HAProxy: one that cannot be used is passed over, as OpenSSL does.
        roots.add_parsable_certificates(certificates.iter().cloned());
        Ok(Trust { roots: Arc::new(roots), certificates })
    }
}

fn read(file: &Path) -> Result<Vec<CertificateDer<'static>>, pem::Error> {
    let text = fs::read(file).map_err(|error| pem::Error::Read(file.to_owned(), error))?;
    pem::certificates(file, &text)
}

/// Reads the revocation lists of a file.
pub(super) fn revocations(
    file: &Path,
) -> Result<Vec<CertificateRevocationListDer<'static>>, pem::Error> {
    let text = fs::read(file).map_err(|error| pem::Error::Read(file.to_owned(), error))?;
    let lists = pem::revocations(file, &text)?;
    if lists.is_empty() {
        return Err(pem::Error::Syntax(file.to_owned(), "no revocation list in it".to_owned()));
    }
    Ok(lists)
}

impl Trust {
    /// Trusts those of another one, too.
    pub(super) fn add(&mut self, other: Self) {
        let roots = Arc::make_mut(&mut self.roots);
        roots.roots.extend(other.roots.roots.iter().cloned());
        self.certificates.extend(other.certificates);
    }

    /// Tells whether a peer's certificate is trusted as it is, and within its time.
    pub(super) fn is_pinned(
        &self,
        der: &CertificateDer<'_>,
        now: UnixTime,
    ) -> Option<Result<(), rustls::Error>> {
        if !self.certificates.iter().any(|known| known == der) {
            return None;
        }
        let Ok((_, parsed)) = X509Certificate::from_der(der) else {
            return Some(Err(CertificateError::BadEncoding.into()));
        };
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        let validity = parsed.validity();
        Some(if now > validity.not_after.timestamp() {
            Err(CertificateError::Expired.into())
        } else if now < validity.not_before.timestamp() {
            Err(CertificateError::NotValidYet.into())
        } else {
            Ok(())
        })
    }
}

/// Which name a server's certificate must be for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// The one that the connection is made for.
    Asked,
    /// This one, whatever is asked for (`verifyhost`).
    Fixed(String),
    /// Any (HAProxy: `verify required` with neither `sni` nor `verifyhost`).
    Any,
}

/// Checks servers' certificates.
#[derive(Debug)]
pub(super) struct ServerCheck {
    provider: Arc<CryptoProvider>,
    /// `None` trusts everyone (`verify none`).
    trusted: Option<(Trust, Arc<WebPkiServerVerifier>)>,
    expected: Expected,
}

impl ServerCheck {
    pub(super) fn none(provider: Arc<CryptoProvider>) -> Self {
        Self { provider, trusted: None, expected: Expected::Any }
    }

    pub(super) fn new(
        provider: Arc<CryptoProvider>,
        trust: Trust,
        revoked: Vec<CertificateRevocationListDer<'static>>,
        expected: Expected,
    ) -> Result<Self, String> {
        if trust.roots.is_empty() {
            return Err("there is no trusted authority".to_owned());
        }
        let webpki = WebPkiServerVerifier::builder_with_provider(
            Arc::clone(&trust.roots),
            Arc::clone(&provider),
        )
        .with_crls(revoked)
        .allow_unknown_revocation_status()
        .build()
        .map_err(|error| error.to_string())?;
        Ok(Self { provider, trusted: Some((trust, webpki)), expected })
    }
}

impl ServerCertVerifier for ServerCheck {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some((trust, webpki)) = &self.trusted else {
            return Ok(ServerCertVerified::assertion());
        };
        let fixed;
        let name = match &self.expected {
            Expected::Asked | Expected::Any => server_name,
            Expected::Fixed(name) => {
                fixed = ServerName::try_from(name.as_str())
                    .map_err(|_| rustls::Error::from(CertificateError::NotValidForName))?;
                &fixed
            }
        };
        let checked = match trust.is_pinned(end_entity, now) {
            Some(within) => {
                within?;
                name_check(end_entity, name)
            }
            None => webpki
                .verify_server_cert(end_entity, intermediates, name, ocsp_response, now)
                .map(|_| ()),
        };
        match checked {
            // The name is looked at last: all else is as it should be.
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if self.expected == Expected::Any || is_common_name(end_entity, name) => Ok(()),
            other => other,
        }?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }

    fn root_hint_subjects(&self) -> Option<&[DistinguishedName]> {
        None
    }
}

fn name_check(der: &CertificateDer<'_>, name: &ServerName<'_>) -> Result<(), rustls::Error> {
    let parsed = rustls::server::ParsedCertificate::try_from(der)?;
    rustls::client::verify_server_name(&parsed, name)
}

/// HAProxy: a certificate without other names is for its common name.
fn is_common_name(der: &CertificateDer<'_>, name: &ServerName<'_>) -> bool {
    let ServerName::DnsName(name) = name else { return false };
    let Ok((_, parsed)) = X509Certificate::from_der(der) else { return false };
    if !matches!(parsed.subject_alternative_name(), Ok(None)) {
        return false;
    }
    let mut names = parsed.subject().iter_common_name().filter_map(|name| name.as_str().ok());
    names.any(|pattern| matches_host(pattern, name.as_ref()))
}

/// Tells whether a host's name fits a pattern, whose first label may be `*`.
fn matches_host(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix("*.") {
        Some(domain) => host
            .split_once('.')
            .is_some_and(|(label, rest)| !label.is_empty() && rest.eq_ignore_ascii_case(domain)),
        None => pattern.eq_ignore_ascii_case(host),
    }
}
