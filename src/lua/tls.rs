//! TLS of scripts' connections: what a script wishes, and whom it trusts where it says nothing.

use std::sync::OnceLock;

use mlua::Table;
use mlua::Value;

use super::connect::Destination;
use super::host::Raise;
use crate::net::Addr;
use crate::net::Stream;
use crate::net::tls::Connector;
use crate::net::tls::Peer;
use crate::net::tls::connector::Settings;
use crate::net::tls::verify::Authorities;
use crate::task;

/// What a script wishes of a connection.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    verify: bool,
    /// PEM text; the system's authorities where it is `None`.
    authorities: Option<Vec<u8>>,
    sni: Option<String>,
    alpn: Vec<Vec<u8>>,
}

/// What most connections are made with, read once.
static VERIFYING: OnceLock<Connector> = OnceLock::new();
static TRUSTING: OnceLock<Connector> = OnceLock::new();

impl Wish {
    /// Returns the wish of a script that says nothing.
    pub(super) fn new(verify: bool) -> Self {
        Self { verify, authorities: None, sni: None, alpn: Vec::new() }
    }

    /// Reads `{ sni, verify, ca, alpn }`; `of` is the function that takes it.
    pub(super) fn read(mut self, table: &Table, of: &str) -> Result<Self, Raise> {
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
                self.authorities = Some(pem);
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

    /// Makes a connection to `destination` a TLS connection.
    pub(super) async fn secure(
        &self,
        stream: &mut Stream,
        destination: &Destination,
    ) -> Result<(), String> {
        let connector = self.connector().await?;
        let peer = match (&self.sni, destination) {
            (Some(name), _) | (None, Destination::Name(name, ..)) => Peer::named(name),
            (None, Destination::Addr(Addr::Inet(addr))) => Peer::named(&addr.ip().to_string()),
            (None, Destination::Addr(_)) if self.verify => {
                return Err("no name to verify: 'sni' is missing".to_owned());
            }
            (None, Destination::Addr(_)) => Peer::nameless(None),
        };
        let shaken = Box::pin(stream.connect_tls(&connector, &peer)).await;
        shaken.map_err(|error| error.to_string())
    }

    async fn connector(&self) -> Result<Connector, String> {
        let usual = if self.verify { &VERIFYING } else { &TRUSTING };
        let is_usual = self.authorities.is_none() && self.alpn.is_empty();
        if let Some(known) = usual.get().filter(|_| is_usual) {
            return Ok(known.clone());
        }
        let authorities = match &self.authorities {
            _ if !self.verify => None,
            Some(pem) => Some(Authorities::Text(pem.clone())),
            None => Some(Authorities::System),
        };
        let settings = Settings { authorities, alpn: self.alpn.clone(), ..Settings::default() };
        // Files are read, and keys are checked.
        let made = task::unblock(move || Connector::new(&settings)).await?;
        Ok(if is_usual { usual.get_or_init(|| made).clone() } else { made })
    }
}
