//! What two peers may agree on: versions, cipher suites, groups. Names are OpenSSL's.

use std::sync::Arc;

use rustls::CipherSuite;
use rustls::NamedGroup;
use rustls::SupportedCipherSuite;
use rustls::SupportedProtocolVersion;
use rustls::crypto::CryptoProvider;
use rustls::crypto::SupportedKxGroup;
use rustls::crypto::aws_lc_rs;

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// TLS 1.2
    V12,
    /// TLS 1.3
    V13,
}

/// What a side agrees to.
#[derive(Clone, Debug)]
pub struct Agreement {
    /// `ssl-min-ver`
    pub min: Version,
    /// `ssl-max-ver`
    pub max: Version,
    /// `ciphers`: those of TLS 1.2, best first; `None` is all.
    pub ciphers: Option<Vec<CipherSuite>>,
    /// `ciphersuites`: those of TLS 1.3, best first; `None` is all.
    pub ciphersuites: Option<Vec<CipherSuite>>,
    /// `curves`: best first; `None` is all.
    pub groups: Option<Vec<NamedGroup>>,
}

impl Default for Agreement {
    fn default() -> Self {
        let (min, max) = (Version::V12, Version::V13);
        Self { min, max, ciphers: None, ciphersuites: None, groups: None }
    }
}

/// A cipher suite: OpenSSL's name, rustls' name, bits of its key, its TLS version.
struct Suite {
    name: &'static str,
    suite: &'static SupportedCipherSuite,
    bits: u16,
    version: Version,
}

#[rustfmt::skip]
const SUITES: &[Suite] = &[
    Suite { name: "TLS_AES_256_GCM_SHA384", suite: &aws_lc_rs::cipher_suite::TLS13_AES_256_GCM_SHA384, bits: 256, version: Version::V13 },
    Suite { name: "TLS_AES_128_GCM_SHA256", suite: &aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256, bits: 128, version: Version::V13 },
    Suite { name: "TLS_CHACHA20_POLY1305_SHA256", suite: &aws_lc_rs::cipher_suite::TLS13_CHACHA20_POLY1305_SHA256, bits: 256, version: Version::V13 },
    Suite { name: "ECDHE-ECDSA-AES256-GCM-SHA384", suite: &aws_lc_rs::cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, bits: 256, version: Version::V12 },
    Suite { name: "ECDHE-RSA-AES256-GCM-SHA384", suite: &aws_lc_rs::cipher_suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, bits: 256, version: Version::V12 },
    Suite { name: "ECDHE-ECDSA-AES128-GCM-SHA256", suite: &aws_lc_rs::cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, bits: 128, version: Version::V12 },
    Suite { name: "ECDHE-RSA-AES128-GCM-SHA256", suite: &aws_lc_rs::cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, bits: 128, version: Version::V12 },
    Suite { name: "ECDHE-ECDSA-CHACHA20-POLY1305", suite: &aws_lc_rs::cipher_suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, bits: 256, version: Version::V12 },
    Suite { name: "ECDHE-RSA-CHACHA20-POLY1305", suite: &aws_lc_rs::cipher_suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, bits: 256, version: Version::V12 },
];

/// A group for the key exchange, by all its names.
struct Group {
    names: &'static [&'static str],
    group: &'static dyn SupportedKxGroup,
}

#[rustfmt::skip]
const GROUPS: &[Group] = &[
    Group { names: &["X25519"], group: aws_lc_rs::kx_group::X25519 },
    Group { names: &["P-256", "secp256r1", "prime256v1"], group: aws_lc_rs::kx_group::SECP256R1 },
    Group { names: &["P-384", "secp384r1"], group: aws_lc_rs::kx_group::SECP384R1 },
    Group { names: &["X25519MLKEM768"], group: aws_lc_rs::kx_group::X25519MLKEM768 },
    Group { names: &["SecP256r1MLKEM768"], group: aws_lc_rs::kx_group::SECP256R1MLKEM768 },
];

/// Words of OpenSSL's cipher strings that add or order nothing here: the suites that are left all
/// have what they ask for.
const NOTHING: &[&str] = &["@STRENGTH", "@SECLEVEL=0", "@SECLEVEL=1", "@SECLEVEL=2"];

/// Words of OpenSSL's cipher strings, and what a suite's name has that they stand for.
const CLASSES: &[(&str, &str)] = &[
    ("ALL", ""),
    ("DEFAULT", ""),
    ("HIGH", ""),
    ("ECDH", "ECDHE"),
    ("ECDHE", "ECDHE"),
    ("EECDH", "ECDHE"),
    ("ECDSA", "ECDSA"),
    ("aECDSA", "ECDSA"),
    ("RSA", "RSA"),
    ("aRSA", "RSA"),
    ("AES", "AES"),
    ("AESGCM", "GCM"),
    ("AES128", "AES128"),
    ("AES256", "AES256"),
    ("CHACHA20", "CHACHA20"),
    ("SHA256", "SHA256"),
    ("SHA384", "SHA384"),
    ("TLSv1.2", ""),
];

/// Reads the list of a `ciphers` option. A word that adds a suite which is not there is refused by
/// name; one that removes (`!MD5`) may name what is not there.
pub fn ciphers(list: &str) -> Result<Vec<CipherSuite>, String> {
    let mut found: Vec<&Suite> = Vec::new();
    for word in list.split([':', ',', ' ']).filter(|word| !word.is_empty()) {
        if let Some(name) = word.strip_prefix(['!', '-']) {
            found.retain(|suite| !is_meant(name, suite));
            continue;
        }
        if NOTHING.contains(&word) {
            continue;
        }
        let name = word.strip_prefix('+').unwrap_or(word);
        let meant: Vec<&Suite> = SUITES
            .iter()
            .filter(|suite| suite.version == Version::V12 && is_meant(name, suite))
            .collect();
        if meant.is_empty() {
            return Err(refusal("cipher", name, &names(Version::V12)));
        }
        for suite in meant {
            if !found.iter().any(|known| known.name == suite.name) {
                found.push(suite);
            }
        }
    }
    if found.is_empty() {
        return Err(format!("no cipher of '{list}' is supported"));
    }
    Ok(found.into_iter().map(|suite| suite.suite.suite()).collect())
}

/// A word may join several by `+`: all of them are meant.
fn is_meant(word: &str, suite: &Suite) -> bool {
    word.split('+').all(|part| {
        part == suite.name
            || CLASSES.iter().any(|(name, holds)| *name == part && suite.name.contains(holds))
    })
}

/// Reads the list of a `ciphersuites` option.
pub fn ciphersuites(list: &str) -> Result<Vec<CipherSuite>, String> {
    let names_of = || names(Version::V13);
    let mut found = Vec::new();
    for word in list.split(':').filter(|word| !word.is_empty()) {
        let suite = SUITES.iter().find(|suite| suite.version == Version::V13 && suite.name == word);
        found.push(suite.ok_or_else(|| refusal("ciphersuite", word, &names_of()))?.suite.suite());
    }
    if found.is_empty() { Err("expects a list of cipher suites".to_owned()) } else { Ok(found) }
}

/// Reads the list of a `curves` option.
pub fn groups(list: &str) -> Result<Vec<NamedGroup>, String> {
    let mut found = Vec::new();
    for word in list.split(':').filter(|word| !word.is_empty()) {
        let is_it = |name: &&str| name.eq_ignore_ascii_case(word);
        let group = GROUPS.iter().find(|group| group.names.iter().any(is_it));
        let known: Vec<&str> =
            GROUPS.iter().filter_map(|group| group.names.first().copied()).collect();
        found.push(group.ok_or_else(|| refusal("curve", word, &known))?.group.name());
    }
    if found.is_empty() { Err("expects a list of curves".to_owned()) } else { Ok(found) }
}

fn names(version: Version) -> Vec<&'static str> {
    SUITES.iter().filter(|suite| suite.version == version).map(|suite| suite.name).collect()
}

fn refusal(what: &str, word: &str, known: &[&str]) -> String {
    let list = known.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
    format!("{what} '{word}' is not supported: there are {list}")
}

/// Reads the name of a version (`ssl-min-ver`).
pub fn version(name: &str) -> Result<Version, String> {
    match name {
        "TLSv1.2" => Ok(Version::V12),
        "TLSv1.3" => Ok(Version::V13),
        "SSLv3" | "TLSv1.0" | "TLSv1.1" => Err(format!(
            "'{name}' is not supported: it is no longer safe; use 'TLSv1.2' or 'TLSv1.3'"
        )),
        _ => Err(format!("unknown version '{name}': use 'TLSv1.2' or 'TLSv1.3'")),
    }
}

impl Agreement {
    /// Returns the cryptography for what was agreed to.
    pub(super) fn provider(&self) -> Arc<CryptoProvider> {
        let mut provider = aws_lc_rs::default_provider();
        let chosen = |list: &Option<Vec<CipherSuite>>, version| {
            let all = SUITES.iter().filter(move |suite| suite.version == version);
            match list {
                None => all.map(|suite| *suite.suite).collect::<Vec<_>>(),
                Some(list) => list
                    .iter()
                    .filter_map(|id| SUITES.iter().find(|suite| suite.suite.suite() == *id))
                    .map(|suite| *suite.suite)
                    .collect(),
            }
        };
        provider.cipher_suites = chosen(&self.ciphersuites, Version::V13);
        provider.cipher_suites.extend(chosen(&self.ciphers, Version::V12));
        if let Some(list) = &self.groups {
            provider.kx_groups = list
                .iter()
                .filter_map(|id| GROUPS.iter().find(|group| group.group.name() == *id))
                .map(|group| group.group)
                .collect();
        }
        Arc::new(provider)
    }

    /// Returns the versions from the least to the most.
    pub(super) fn versions(&self) -> Vec<&'static SupportedProtocolVersion> {
        let all =
            [(Version::V13, &rustls::version::TLS13), (Version::V12, &rustls::version::TLS12)];
        all.into_iter()
            .filter(|(version, _)| (self.min..=self.max).contains(version))
            .map(|(_, rustls)| rustls)
            .collect()
    }
}

/// Returns OpenSSL's name of a suite and the bits of its key.
pub(super) fn describe(suite: CipherSuite) -> (&'static str, u16) {
    SUITES
        .iter()
        .find(|known| known.suite.suite() == suite)
        .map_or(("", 0), |known| (known.name, known.bits))
}

/// Returns OpenSSL's name of a suite by its number, where it is one of those that there are.
pub fn name(number: u16) -> Option<&'static str> {
    let known = SUITES.iter().find(|known| u16::from(known.suite.suite()) == number);
    known.map(|known| known.name)
}

/// Returns OpenSSL's name of a group.
pub(super) fn describe_group(group: NamedGroup) -> &'static str {
    GROUPS
        .iter()
        .find(|known| known.group.name() == group)
        .and_then(|known| known.names.last().copied())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openssls_strings_choose_suites_and_unknown_ones_are_named() {
        let names = |list: &str| {
            ciphers(list).map(|found| {
                found.into_iter().map(|suite| describe(suite).0).collect::<Vec<_>>().join(":")
            })
        };
        for (list, expected) in [
            ("ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256"),
            ("ECDHE+AESGCM+AES128:!ECDSA", "ECDHE-RSA-AES128-GCM-SHA256"),
            (
                "ECDHE+CHACHA20:!aNULL:!MD5:!DSS",
                "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305",
            ),
        ] {
            assert_eq!(names(list).as_deref(), Ok(expected), "{list}");
        }
        assert_eq!(names("HIGH:!aNULL").map(|all| all.split(':').count()), Ok(6));
        let error = names("AES128-SHA").unwrap_err();
        assert!(error.starts_with("cipher 'AES128-SHA' is not supported"), "{error}");
        assert!(names("HIGH:!ECDHE").is_err());
        assert!(ciphersuites("TLS_AES_128_CCM_SHA256").is_err());
        assert_eq!(groups("P-256:x25519").map(|list| list.len()), Ok(2));
        assert!(groups("P-521").unwrap_err().contains("'P-521'"));
        assert!(version("TLSv1.0").unwrap_err().contains("no longer safe"));
    }
}
