//! What stands in a certificate, in OpenSSL's words.

use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer as _;
use x509_parser::time::ASN1Time;
use x509_parser::x509::AttributeTypeAndValue;
use x509_parser::x509::X509Name;

/// Whose name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// The certificate's owner.
    Subject,
    /// Who has signed it.
    Issuer,
}

/// A certificate that can be read.
#[derive(Debug)]
pub struct Parsed<'a>(X509Certificate<'a>);

impl<'a> Parsed<'a> {
    /// Reads a certificate.
    pub fn new(der: &'a [u8]) -> Option<Self> {
        X509Certificate::from_der(der).ok().map(|(_, parsed)| Self(parsed))
    }

    fn name(&self, whose: Whose) -> &X509Name<'_> {
        match whose {
            Whose::Subject => self.0.subject(),
            Whose::Issuer => self.0.issuer(),
        }
    }

    /// Returns a whole name: `/C=FR/CN=x`.
    pub fn dn(&self, whose: Whose) -> String {
        let mut text = String::new();
        for part in self.name(whose).iter_attributes() {
            text.push('/');
            text.push_str(&short_name(part));
            text.push('=');
            text.push_str(&value(part));
        }
        text
    }

    /// Returns a whole name as in RFC 2253: `CN=x,C=FR`.
    pub fn dn_rfc2253(&self, whose: Whose) -> String {
        let parts: Vec<_> = self.name(whose).iter_attributes().collect();
        let parts = parts.into_iter().rev();
        let texts: Vec<String> =
            parts.map(|part| format!("{}={}", short_name(part), escaped(&value(part)))).collect();
        texts.join(",")
    }

    /// Returns an entry of a name: the first where `nth` is 1, the last where it is -1, all where
    /// it is 0.
    pub fn entry(&self, whose: Whose, name: &str, nth: i64) -> Option<String> {
        let found = self
            .name(whose)
            .iter_attributes()
            .filter(|part| short_name(part).eq_ignore_ascii_case(name));
        let values: Vec<String> = found.map(value).collect();
        let index = usize::try_from(nth.unsigned_abs()).ok()?;
        match nth {
            0 if values.is_empty() => None,
            0 => Some(values.concat()),
            1.. => values.get(index.checked_sub(1)?).cloned(),
            _ => values.get(values.len().checked_sub(index)?).cloned(),
        }
    }

    /// Returns the other names that it is for, as OpenSSL prints them.
    pub fn alternative_names(&self) -> Option<String> {
        let found = self.0.subject_alternative_name().ok()??;
        let names = found.value.general_names.iter().filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(format!("DNS:{name}")),
            GeneralName::RFC822Name(name) => Some(format!("email:{name}")),
            GeneralName::URI(name) => Some(format!("URI:{name}")),
            GeneralName::IPAddress(bytes) => Some(format!("IP Address:{}", address(bytes)?)),
            _ => None,
        });
        Some(names.collect::<Vec<_>>().join(", "))
    }

    /// Returns the serial number.
    pub fn serial(&self) -> &[u8] {
        self.0.raw_serial()
    }

    /// Returns the version, from 1.
    pub fn version(&self) -> i64 {
        i64::from(self.0.version().0).saturating_add(1)
    }

    /// Returns when it begins: `YYMMDDhhmmssZ`.
    pub fn not_before(&self) -> Option<String> {
        date(self.0.validity().not_before)
    }

    /// Returns when it ends: `YYMMDDhhmmssZ`.
    pub fn not_after(&self) -> Option<String> {
        date(self.0.validity().not_after)
    }

    /// Returns OpenSSL's name of what it is signed with.
    pub fn signature_algorithm(&self) -> String {
        let oid = self.0.signature_algorithm.algorithm.to_id_string();
        known(SIGNATURES, oid)
    }

    /// Returns OpenSSL's name of the kind of its key.
    pub fn key_algorithm(&self) -> String {
        let oid = self.0.public_key().algorithm.algorithm.to_id_string();
        known(KEYS, oid)
    }
}

const SIGNATURES: &[(&str, &str)] = &[
    ("1.2.840.113549.1.1.5", "RSA-SHA1"),
    ("1.2.840.113549.1.1.10", "RSASSA-PSS"),
    ("1.2.840.113549.1.1.11", "RSA-SHA256"),
    ("1.2.840.113549.1.1.12", "RSA-SHA384"),
    ("1.2.840.113549.1.1.13", "RSA-SHA512"),
    ("1.2.840.10045.4.3.2", "ecdsa-with-SHA256"),
    ("1.2.840.10045.4.3.3", "ecdsa-with-SHA384"),
    ("1.2.840.10045.4.3.4", "ecdsa-with-SHA512"),
    ("1.3.101.112", "ED25519"),
];

const KEYS: &[(&str, &str)] = &[
    ("1.2.840.113549.1.1.1", "rsaEncryption"),
    ("1.2.840.10045.2.1", "id-ecPublicKey"),
    ("1.3.101.112", "ED25519"),
];

/// OpenSSL's short names of the parts of names.
const ATTRIBUTES: &[(&str, &str)] = &[
    ("0.9.2342.19200300.100.1.1", "UID"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("1.2.840.113549.1.9.1", "emailAddress"),
    ("2.5.4.3", "CN"),
    ("2.5.4.4", "SN"),
    ("2.5.4.5", "serialNumber"),
    ("2.5.4.6", "C"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.9", "street"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.12", "title"),
    ("2.5.4.13", "description"),
    ("2.5.4.42", "GN"),
    ("2.5.4.43", "initials"),
    ("2.5.4.46", "dnQualifier"),
];

fn known(table: &[(&str, &str)], oid: String) -> String {
    table.iter().find(|(id, _)| *id == oid).map_or(oid, |(_, name)| (*name).to_owned())
}

fn short_name(part: &AttributeTypeAndValue<'_>) -> String {
    known(ATTRIBUTES, part.attr_type().to_id_string())
}

fn value(part: &AttributeTypeAndValue<'_>) -> String {
    match part.as_str() {
        Ok(text) => text.to_owned(),
        Err(_) => String::from_utf8_lossy(part.as_slice()).into_owned(),
    }
}

fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for c in value.chars() {
        if matches!(c, ',' | '+' | '"' | '\\' | '<' | '>' | ';') {
            text.push('\\');
        }
        text.push(c);
    }
    text
}

/// HAProxy: two digits are enough for the years that there are; others have no date.
fn date(time: ASN1Time) -> Option<String> {
    let date = time.to_datetime();
    let year = Some(date.year()).filter(|year| (1950..2100).contains(year))?.rem_euclid(100);
    Some(format!(
        "{year:02}{:02}{:02}{:02}{:02}{:02}Z",
        u8::from(date.month()),
        date.day(),
        date.hour(),
        date.minute(),
        date.second()
    ))
}

fn address(bytes: &[u8]) -> Option<std::net::IpAddr> {
    match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok().map(Into::into),
        16 => <[u8; 16]>::try_from(bytes).ok().map(Into::into),
        _ => None,
    }
}
