//! The digests that libraries know, and what keys them.

use hmac::Hmac;
use hmac::KeyInit;
use hmac::Mac;
use md5::Md5;
use sha1::Sha1;
use sha2::Sha224;
use sha2::Sha256;
use sha2::Sha384;
use sha2::Sha512;
use sha2::digest::DynDigest;

/// A digest.
#[derive(Debug)]
pub(super) struct Digest {
    /// In lower case.
    pub name: &'static str,
    pub make: fn() -> Box<dyn DynDigest>,
    pub keyed: fn(&[u8]) -> Box<dyn Keyed>,
}

pub(super) const TABLE: &[Digest] = &[
    Digest { name: "md5", make: plain::<Md5>, keyed: keyed::<Hmac<Md5>> },
    Digest { name: "sha1", make: plain::<Sha1>, keyed: keyed::<Hmac<Sha1>> },
    Digest { name: "sha224", make: plain::<Sha224>, keyed: keyed::<Hmac<Sha224>> },
    Digest { name: "sha256", make: plain::<Sha256>, keyed: keyed::<Hmac<Sha256>> },
    Digest { name: "sha384", make: plain::<Sha384>, keyed: keyed::<Hmac<Sha384>> },
    Digest { name: "sha512", make: plain::<Sha512>, keyed: keyed::<Hmac<Sha512>> },
];

/// An HMAC (RFC 2104) of any digest.
pub(super) trait Keyed {
    fn update(&mut self, bytes: &[u8]);
    fn finish(self: Box<Self>) -> Vec<u8>;
    fn copy(&self) -> Box<dyn Keyed>;
}

/// Finds a digest as libraries spell it: `SHA256`, `sha-256`, `RSA-SHA256`.
pub(super) fn find(name: &str) -> Option<&'static Digest> {
    let plain = name.to_ascii_lowercase().replace('-', "");
    let plain = plain.strip_prefix("rsa").unwrap_or(&plain);
    TABLE.iter().find(|digest| digest.name == plain)
}

impl<M: Mac + Clone + 'static> Keyed for M {
    fn update(&mut self, bytes: &[u8]) {
        Mac::update(self, bytes);
    }

    fn finish(self: Box<Self>) -> Vec<u8> {
        self.finalize().into_bytes().to_vec()
    }

    fn copy(&self) -> Box<dyn Keyed> {
        Box::new(self.clone())
    }
}

fn plain<D: DynDigest + Default + 'static>() -> Box<dyn DynDigest> {
    Box::new(D::default())
}

#[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
fn keyed<M: Mac + KeyInit + Clone + 'static>(key: &[u8]) -> Box<dyn Keyed> {
    Box::new(<M as KeyInit>::new_from_slice(key).expect("a key of any length"))
}
