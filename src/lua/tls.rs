//! TLS of scripts' connections: what a script wishes, and whom it trusts where it says nothing.

use std::sync::OnceLock;

use bytes::Bytes;
use mlua::Lua;
use mlua::Table;
use mlua::Value;

use super::account;
use super::connect::Destination;
use super::host::Raise;
use crate::net::Addr;
use crate::net::Stream;
use crate::net::tls::Connector;
use crate::net::tls::Error;
use crate::net::tls::Peer;
use crate::net::tls::connector::Settings;
use crate::net::tls::verify::Authorities;
use crate::task;

/// What a script wishes of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wish {
    verify: bool,
    /// PEM text; the usual authorities where it is `None`.
    authorities: Option<Bytes>,
    sni: Option<String>,
    alpn: Vec<Vec<u8>>,
}

/// Why a connection is no TLS connection.
#[derive(Debug)]
pub(super) struct Failure {
    pub why: String,
    /// The peer just went: another try may end otherwise.
    pub is_broken: bool,
}

/// What most connections are made with, read once.
static VERIFYING: OnceLock<Connector> = OnceLock::new();
static TRUSTING: OnceLock<Connector> = OnceLock::new();

impl Wish {
    /// Returns the wish of a script that says nothing.
    pub(super) fn new(verify: bool) -> Self {
        Self { verify, authorities: None, sni: None, alpn: Vec::new() }
    }

    /// Meets the server of this name, where the script names no other.
    pub(super) fn named(self, name: String) -> Self {
        Self { sni: Some(name), ..self }
    }

    pub(super) fn verifying(self, verify: bool) -> Self {
        Self { verify, ..self }
    }

    /// Returns how much memory a connection takes for the authorities that the script gave: as text,
    /// as certificates, and as what is made of them.
    pub(super) fn weight(&self) -> usize {
        self.authorities.as_ref().map_or(0, |pem| pem.len().saturating_mul(3))
    }

    /// Reads `{ sni, verify, ca, alpn }`; `of` is the function that takes it.
    pub(super) fn read(mut self, lua: &Lua, table: &Table, of: &str) -> Result<Self, Raise> {
        let wrong = |what: &str| Raise::new(format!("{of}: {what}"));
        let get = |name: &str| table.raw_get::<Value>(name).unwrap_or(Value::Nil);
        let text = |value: &Value| value.as_string().map(|text| text.as_bytes().to_vec());
        match get("verify") {
            Value::Nil => {}
            Value::Boolean(verify) => self.verify = verify,
            value => match text(&value).as_deref() {
                Some(b"none") => self.verify = false,
                Some(b"required" | b"peer") => self.verify = true,
                _ => return Err(wrong("'verify' is true, false, 'required' or 'none'")),
            },
        }
        match get("sni") {
            Value::Nil => {}
            value => {
                let name = text(&value).and_then(|name| String::from_utf8(name).ok());
                self.sni = Some(name.ok_or_else(|| wrong("'sni' is a name"))?);
            }
        }
        match get("ca") {
            Value::Nil => {}
            value => {
                let pem = text(&value).ok_or_else(|| wrong("'ca' is text in PEM"))?;
                self.authorities = Some(account::bytes(lua, pem)?);
            }
        }
        match get("alpn") {
            Value::Nil => {}
            value => {
                let list =
                    text(&value).ok_or_else(|| wrong("'alpn' is a list as 'h2,http/1.1'"))?;
                self.alpn = list.split(|byte| *byte == b',').map(<[u8]>::to_vec).collect();
                if self.alpn.iter().any(|name| name.is_empty() || name.len() > 255) {
                    return Err(wrong("'alpn' is a list as 'h2,http/1.1'"));
                }
            }
        }
        Ok(self)
    }

    /// Makes a connection to `destination` a TLS connection. `usual` verifies by the authorities
    /// that the operator names; where there are none, the system's are trusted.
    pub(super) async fn secure(
        &self,
        stream: &mut Stream,
        destination: &Destination,
        usual: Option<Connector>,
    ) -> Result<(), Failure> {
        let connector = self.connector(usual).await?;
        let peer = match (&self.sni, destination) {
            (Some(name), _) | (None, Destination::Name(name, ..)) => Peer::named(name),
            (None, Destination::Addr(Addr::Inet(addr))) => Peer::named(&addr.ip().to_string()),
            (None, Destination::Addr(_)) if self.verify => {
                return Err("no name to verify: 'sni' is missing".to_owned().into());
            }
            (None, Destination::Addr(_)) => Peer::nameless(None),
        };
        let shaken = Box::pin(stream.connect_tls(&connector, &peer)).await;
        shaken.map_err(|error| Failure {
            why: error.to_string(),
            is_broken: error.is_silent() || matches!(error, Error::Truncated),
        })
    }

    async fn connector(&self, usual: Option<Connector>) -> Result<Connector, String> {
        let is_usual = self.authorities.is_none() && self.alpn.is_empty();
        if let Some(usual) = usual.filter(|_| is_usual && self.verify) {
            return Ok(usual);
        }
        let usual = if self.verify { &VERIFYING } else { &TRUSTING };
        if let Some(known) = usual.get().filter(|_| is_usual) {
            return Ok(known.clone());
        }
        let authorities = match &self.authorities {
            _ if !self.verify => None,
            Some(pem) => Some(Authorities::Text(pem.to_vec())),
            None => Some(Authorities::System),
        };
        let settings = Settings { authorities, alpn: self.alpn.clone(), ..Settings::default() };
        // Files are read, and keys are checked.
        let made = task::unblock(move || Connector::new(&settings)).await?;
        Ok(if is_usual { usual.get_or_init(|| made).clone() } else { made })
    }
}

impl From<String> for Failure {
    fn from(why: String) -> Self {
        Self { why, is_broken: false }
    }
}
