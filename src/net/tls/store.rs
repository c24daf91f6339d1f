//! The certificates that this process shows, by the names of their files. One may be changed while
//! it is in use: connections that stand keep the old one.

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use arc_swap::ArcSwap;
use hashbrown::HashMap;
use rustls::SignatureAlgorithm;
use rustls::crypto::aws_lc_rs;
use rustls::server::ClientHello;
use rustls::server::ResolvesServerCert;
use rustls::sign::CertifiedKey;
use x509_parser::prelude::FromDer as _;
use x509_parser::prelude::GeneralName;
use x509_parser::prelude::X509Certificate;

use super::pem;

pub use super::pem::Beside;
pub use super::pem::Error;

/// A certificate with its key.
#[derive(Debug)]
pub struct Certificate {
    file: String,
    pub(super) key: Arc<CertifiedKey>,
    /// The names it is for, in lower case.
    pub(super) names: Vec<String>,
    pub(super) algorithm: SignatureAlgorithm,
}

impl Certificate {
    /// Returns the certificate, in DER.
    pub fn der(&self) -> &[u8] {
        self.key.cert.first().map_or(&[], |der| der.as_ref())
    }

    /// Returns the certificate and its issuers, in DER.
    pub fn chain(&self) -> impl Iterator<Item = &[u8]> {
        self.key.cert.iter().map(AsRef::as_ref)
    }

    /// Returns the name of the file it is from.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Loads a certificate from its file.
    pub(super) fn read(file: &Path) -> Result<Self, Error> {
        Self::new(file, pem::read(file)?)
    }

    fn new(file: &Path, bundle: pem::Bundle) -> Result<Self, Error> {
        let wrong = |error: rustls::Error| Error::Key(file.to_owned(), error.to_string());
        let key = aws_lc_rs::sign::any_supported_type(&bundle.key).map_err(wrong)?;
        let algorithm = key.algorithm();
        let mut certified = CertifiedKey::new(bundle.chain, key);
        if !bundle.ocsp.is_empty() {
            certified.ocsp = Some(bundle.ocsp);
        }
        match certified.keys_match() {
            Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => {}
            Err(rustls::Error::InconsistentKeys(_)) => {
                return Err(Error::Mismatch(file.to_owned()));
            }
            Err(error) => return Err(Error::Certificate(file.to_owned(), error.to_string())),
        }
        let der = certified.cert.first().map_or(&[][..], |der| der.as_ref());
        let names = names(der)
            .ok_or_else(|| Error::Certificate(file.to_owned(), "it is no certificate".into()))?;
        let file = file.display().to_string();
        Ok(Self { file, key: Arc::new(certified), names, algorithm })
    }
}

/// Returns the names that a certificate is for.
fn names(der: &[u8]) -> Option<Vec<String>> {
    let (_, parsed) = X509Certificate::from_der(der).ok()?;
    let mut names = Vec::new();
    if let Ok(Some(extension)) = parsed.subject_alternative_name() {
        for name in &extension.value.general_names {
            if let GeneralName::DNSName(name) = name {
                names.push(name.to_ascii_lowercase());
            }
        }
    }
    for name in parsed.subject().iter_common_name().filter_map(|name| name.as_str().ok()) {
        names.push(name.to_ascii_lowercase());
    }
    names.sort();
    names.dedup();
    Some(names)
}

/// The place of a certificate that may change.
#[derive(Debug)]
pub struct Slot {
    file: PathBuf,
    current: ArcSwap<Certificate>,
}

impl Slot {
    /// Returns the certificate as it is now.
    pub fn current(&self) -> Arc<Certificate> {
        self.current.load_full()
    }

    /// Returns the file it was loaded from.
    pub fn file(&self) -> &Path {
        &self.file
    }
}

/// Shows what is in a slot.
#[derive(Debug)]
pub(super) struct Resolver(pub(super) Arc<Slot>);

impl ResolvesServerCert for Resolver {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.current.load().key))
    }
}

static SLOTS: LazyLock<ArcSwap<HashMap<PathBuf, Arc<Slot>>>> = LazyLock::new(ArcSwap::default);
static GENERATION: AtomicU64 = AtomicU64::new(0);

/// Returns a number that grows whenever a certificate is changed.
pub(super) fn generation() -> u64 {
    GENERATION.load(Ordering::Acquire)
}

/// Loads a certificate from its file; all that use the same file share it.
pub(super) fn open(file: &Path) -> Result<Arc<Slot>, Error> {
    let certificate = Arc::new(Certificate::read(file)?);
    let slot = Arc::new(Slot { file: file.to_owned(), current: ArcSwap::from(certificate) });
    SLOTS.rcu(|slots| {
        let mut slots = HashMap::clone(slots);
        slots.insert(file.to_owned(), Arc::clone(&slot));
        slots
    });
    Ok(slot)
}

/// Replaces a certificate in use by what these texts hold.
pub fn replace(file: &Path, text: &[u8], beside: &Beside) -> Result<(), Error> {
    let slots = SLOTS.load();
    let Some(slot) = slots.get(file) else {
        return Err(Error::Unknown(file.display().to_string()));
    };
    let certificate = Certificate::new(file, pem::parse(file, text, beside)?)?;
    slot.current.store(Arc::new(certificate));
    GENERATION.fetch_add(1, Ordering::AcqRel);
    Ok(())
}

/// Loads all certificates in use from their files again. One that cannot be stays as it was.
pub fn reload() -> Result<usize, Vec<Error>> {
    let mut wrong = Vec::new();
    let slots = SLOTS.load();
    let mut files: Vec<_> = slots.values().collect();
    files.sort_by(|one, other| one.file.cmp(&other.file));
    for slot in &files {
        match Certificate::read(&slot.file) {
            Ok(certificate) => slot.current.store(Arc::new(certificate)),
            Err(error) => wrong.push(error),
        }
    }
    GENERATION.fetch_add(1, Ordering::AcqRel);
    if wrong.is_empty() { Ok(files.len()) } else { Err(wrong) }
}

/// What a client shows to a server that asks.
#[derive(Debug)]
pub(super) struct Single(pub(super) Certificate);

impl rustls::client::ResolvesClientCert for Single {
    fn resolve(&self, _: &[&[u8]], _: &[rustls::SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.key))
    }

    fn has_certs(&self) -> bool {
        true
    }
}
