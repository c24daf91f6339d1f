//! PEM files of certificates and keys, as HAProxy reads them: in any order, the key or the issuers
//! in a file beside. Knows files; knows no handshake.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::CertificateRevocationListDer;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::pem::SectionKind;

/// A certificate, its key, and what is sent with it.
#[derive(Debug)]
pub(super) struct Bundle {
    /// The certificate itself, then its issuers.
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
    /// What the issuer says of its validity (`.ocsp`).
    pub(super) ocsp: Vec<u8>,
}

/// What is wrong with a file.
#[derive(Debug)]
pub enum Error {
    /// It is not there.
    Missing(PathBuf, io::Error),
    /// It cannot be read.
    Read(PathBuf, io::Error),
    /// It is no PEM.
    Syntax(PathBuf, String),
    /// There is no certificate in it.
    NoCertificate(PathBuf),
    /// There is no private key in it, nor beside it.
    NoKey(PathBuf),
    /// The private key needs a password.
    Encrypted(PathBuf),
    /// The key cannot be used.
    Key(PathBuf, String),
    /// The key is another certificate's.
    Mismatch(PathBuf),
    /// The certificate cannot be read.
    Certificate(PathBuf, String),
    /// There is no such certificate in use.
    Unknown(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(file, cause) => write!(
                f,
                "unable to stat SSL certificate from file '{}' : {}",
                file.display(),
                crate::net::listener::system_text(cause)
            ),
            Self::Read(file, cause) => write!(
                f,
                "unable to load certificate from file '{}': {}",
                file.display(),
                crate::net::listener::system_text(cause)
            ),
            Self::Syntax(file, cause) => {
                write!(f, "unable to load certificate from file '{}': {cause}", file.display())
            }
            Self::NoCertificate(file) => {
                write!(f, "unable to load certificate from file '{}'", file.display())
            }
            Self::NoKey(file) => write!(f, "No Private Key found in '{}.key'", file.display()),
            Self::Encrypted(file) => write!(
                f,
                "the private key in '{}' is encrypted: it must be stored without a password",
                file.display()
            ),
            Self::Key(file, cause) => {
                write!(f, "unable to load private key from file '{}': {cause}", file.display())
            }
            Self::Mismatch(file) => write!(
                f,
                "inconsistencies between private key and certificate loaded '{}'",
                file.display()
            ),
            Self::Certificate(file, cause) => {
                write!(f, "the certificate in '{}' cannot be used: {cause}", file.display())
            }
            Self::Unknown(name) => write!(f, "no certificate in use was loaded from '{name}'"),
        }
    }
}

impl std::error::Error for Error {}

/// What may lie beside a certificate's file.
const BESIDE: &[&str] = &["key", "issuer", "ocsp", "sctl"];

/// Returns the files of a folder that hold certificates, in HAProxy's order.
pub(super) fn folder(path: &Path) -> Result<Vec<PathBuf>, Error> {
    let fail = |error| Error::Read(path.to_owned(), error);
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(fail)? {
        let file = entry.map_err(fail)?.path();
        let hidden = file.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
        let beside = file
            .extension()
            .is_some_and(|extension| BESIDE.iter().any(|known| extension == *known));
        if !hidden && !beside && file.is_file() {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

/// Reads the certificate, the key and the rest from a file and those beside it.
pub(super) fn read(file: &Path) -> Result<Bundle, Error> {
    let text = fs::read(file).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Error::Missing(file.to_owned(), error),
        _ => Error::Read(file.to_owned(), error),
    })?;
    let beside = |extension: &str| match read_beside(file, extension) {
        Some((path, found)) => found.map(Some).map_err(|error| Error::Read(path, error)),
        None => Ok(None),
    };
    parse(
        file,
        &text,
        &Beside { key: beside("key")?, issuer: beside("issuer")?, ocsp: beside("ocsp")? },
    )
}

/// What lies beside a certificate.
#[derive(Debug, Default)]
pub struct Beside {
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its issuers.
    pub issuer: Option<Vec<u8>>,
    /// What the issuer says of its validity, in DER.
    pub ocsp: Option<Vec<u8>>,
}

/// Takes the certificate, the key and the issuers from texts; `file` is for messages.
pub(super) fn parse(file: &Path, text: &[u8], beside: &Beside) -> Result<Bundle, Error> {
    let mut chain = certificates(file, text)?;
    if chain.is_empty() {
        return Err(Error::NoCertificate(file.to_owned()));
    }
    if let Some(issuer) = &beside.issuer
        && chain.len() == 1
    {
        chain.extend(certificates(file, issuer)?);
    }
    let mut key = private_key(file, text)?;
    if key.is_none()
        && let Some(text) = &beside.key
    {
        key = private_key(&with_extension(file, "key"), text)?;
    }
    let key = key.ok_or_else(|| Error::NoKey(file.to_owned()))?;
    Ok(Bundle { chain, key, ocsp: beside.ocsp.clone().unwrap_or_default() })
}

/// Returns the certificates of a text.
pub(super) fn certificates(
    file: &Path,
    text: &[u8],
) -> Result<Vec<CertificateDer<'static>>, Error> {
    CertificateDer::pem_slice_iter(text)
        .collect::<Result<_, _>>()
        .map_err(|error| syntax(file, &error))
}

/// Returns the revocation lists of a text.
pub(super) fn revocations(
    file: &Path,
    text: &[u8],
) -> Result<Vec<CertificateRevocationListDer<'static>>, Error> {
    CertificateRevocationListDer::pem_slice_iter(text)
        .collect::<Result<_, _>>()
        .map_err(|error| syntax(file, &error))
}

fn syntax(file: &Path, error: &pem::Error) -> Error {
    Error::Syntax(file.to_owned(), error.to_string())
}

fn private_key(file: &Path, text: &[u8]) -> Result<Option<PrivateKeyDer<'static>>, Error> {
    let encrypted = [&b"-----BEGIN ENCRYPTED PRIVATE KEY-----"[..], b"Proc-Type: 4,ENCRYPTED"];
    if encrypted.iter().any(|mark| memchr::memmem::find(text, mark).is_some()) {
        return Err(Error::Encrypted(file.to_owned()));
    }
    for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(text) {
        let (kind, der) = section.map_err(|error| syntax(file, &error))?;
        return Ok(Some(match kind {
            SectionKind::PrivateKey => PrivateKeyDer::Pkcs8(der.into()),
            SectionKind::RsaPrivateKey => PrivateKeyDer::Pkcs1(der.into()),
            SectionKind::EcPrivateKey => PrivateKeyDer::Sec1(der.into()),
            _ => continue,
        }));
    }
    Ok(None)
}

/// Reads `FILE.extension`, or `FILE` with this extension in place of its own.
fn read_beside(file: &Path, extension: &str) -> Option<(PathBuf, io::Result<Vec<u8>>)> {
    let added = with_extension(file, extension);
    let path = if added.exists() { added } else { file.with_extension(extension) };
    (path != file && path.exists()).then(|| {
        let read = fs::read(&path);
        (path, read)
    })
}

pub(super) fn with_extension(file: &Path, extension: &str) -> PathBuf {
    let mut path = file.as_os_str().to_owned();
    path.push(".");
    path.push(extension);
    path.into()
}
