//! TLS of `bind` and `server` lines: from their words to what accepts and what connects.

mod global;
mod list;
mod option;

use std::path::PathBuf;
use std::sync::Arc;

use crate::net::tls::Acceptor;
use crate::net::tls::Connector;
use crate::net::tls::Ignored;
use crate::net::tls::acceptor;
use crate::net::tls::acceptor::Clients;
use crate::net::tls::agreement::Agreement;
use crate::net::tls::agreement::Version;
use crate::net::tls::connector;
use crate::net::tls::verify::Authorities;
use crate::net::tls::verify::Expected;
use crate::syntax::Line;
use crate::syntax::Word;

use super::Cx;

pub(super) use global::Globals;
pub(super) use global::TABLE;
pub(super) use option::OPTIONS;
pub(super) use option::Side;
pub(super) use option::find;

/// What the words of a `bind` or `server` line, or of a line in a list of certificates, say of TLS.
#[derive(Clone, Debug, Default)]
pub(super) struct Said {
    /// `ssl`
    pub(super) enabled: bool,
    alpn: Option<Vec<Vec<u8>>>,
    min: Option<Version>,
    max: Option<Version>,
    ciphers: Option<String>,
    ciphersuites: Option<String>,
    curves: Option<String>,
    verify: Option<Verify>,
    ca_file: Option<Word>,
    /// `ca-verify-file`: trusted, too, but clients are not told so.
    ca_verify_file: Option<Word>,
    crl_file: Option<Word>,
    /// `crt` and `crt-list` in their order.
    certificates: Vec<Source>,
    ca_ignored: Ignored,
    crt_ignored: Ignored,
    strict_sni: Option<bool>,
    no_tickets: bool,
    no_ca_names: bool,
    client_order: bool,
    no_reuse: bool,
    verify_host: Option<String>,
    /// `sni`
    pub(super) sni: Option<Word>,
}

/// Where certificates come from.
#[derive(Clone, Debug)]
enum Source {
    File(Word),
    List(Word),
}

/// `verify`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verify {
    None,
    Optional,
    Required,
}

impl Said {
    /// Returns what is said here, and elsewhere where nothing is said here.
    fn or(mut self, defaults: &Self) -> Self {
        macro_rules! inherit {
            ($($field:ident),*) => {
                $(if self.$field.is_none() { self.$field.clone_from(&defaults.$field); })*
            };
        }
        inherit!(alpn, min, max, ciphers, ciphersuites, curves, verify, ca_file, ca_verify_file);
        inherit!(crl_file, strict_sni);
        self.no_tickets |= defaults.no_tickets;
        self.no_ca_names |= defaults.no_ca_names;
        self.client_order |= defaults.client_order;
        self.ca_ignored.add(&defaults.ca_ignored);
        self.crt_ignored.add(&defaults.crt_ignored);
        self
    }

    fn agreement(&self) -> Result<Agreement, String> {
        use crate::net::tls::agreement;
        let read = |list: &Option<String>, name: &str, read: fn(&str) -> Result<_, String>| {
            list.as_deref().map(read).transpose().map_err(|error| format!("'{name}' : {error}"))
        };
        let made = Agreement {
            min: self.min.unwrap_or(Version::V12),
            max: self.max.unwrap_or(Version::V13),
            ciphers: read(&self.ciphers, "ciphers", agreement::ciphers)?,
            ciphersuites: read(&self.ciphersuites, "ciphersuites", agreement::ciphersuites)?,
            groups: self
                .curves
                .as_deref()
                .map(agreement::groups)
                .transpose()
                .map_err(|error| format!("'curves' : {error}"))?,
        };
        if made.min > made.max {
            return Err("all TLS versions are disabled".to_owned());
        }
        Ok(made)
    }
}

/// Returns a file as HAProxy finds it: below a base where its name is relative and there is one.
fn path(cx: &Cx<'_>, base: Option<&String>, name: &str) -> PathBuf {
    match base {
        Some(base) if !name.starts_with(['/', '@']) => PathBuf::from(base).join(name),
        _ => cx.path(name),
    }
}

/// Returns the authorities that a `ca-file` names.
pub(super) fn authorities(cx: &Cx<'_>, word: &Word) -> Authorities {
    match word.text.as_str() {
        "@system-ca" => Authorities::System,
        name => Authorities::File(path(cx, cx.tls.ca_base.as_ref(), name)),
    }
}

/// Makes what a `bind` line accepts with; `None` where it is no TLS or something is wrong.
pub(super) fn acceptor(cx: &mut Cx<'_>, line: &Line, said: &Said) -> Option<Arc<Acceptor>> {
    let place = line.text(1);
    if !said.enabled {
        if !said.certificates.is_empty() {
            let (file, number) = cx.input.sources.place(line.span);
            let message = format!(
                "Proxy '{}': A certificate was specified but SSL was not enabled on bind '{place}' \
                 at [{file}:{number}] (use 'ssl').",
                cx.draft.name
            );
            cx.warn_bare(line.span, message);
        }
        return None;
    }
    let before = format!("'bind {place}' in section '{}'", cx.draft.kind.keyword());
    let merged = said.clone().or(&cx.tls.bind);
    let strict = merged.strict_sni.unwrap_or(false);
    let mut acceptor = Acceptor::new(strict, cx.tls.capture);
    let mut failed = false;
    for source in &said.certificates {
        let (word, keyword) = match source {
            Source::File(word) => (word, "crt"),
            Source::List(word) => (word, "crt-list"),
        };
        let added = match source {
            Source::File(word) => {
                let file = path(cx, cx.tls.crt_base.as_ref(), &word.text);
                terms(cx, &merged).and_then(|terms| add(&mut acceptor, &file, &terms, &[]))
            }
            Source::List(word) => list::add(cx, &mut acceptor, word, &merged),
        };
        if let Err(message) = added {
            let prefix = if keyword == "crt" || message.starts_with('\'') {
                String::new()
            } else {
                format!("'{keyword}' : ")
            };
            cx.alert(word.span, format!("{before} : {prefix}{message}."));
            failed = true;
        }
    }
    if failed {
        return None;
    }
    if acceptor.is_empty() {
        let (file, number) = cx.input.sources.place(line.span);
        let message = format!(
            "Proxy '{}': no SSL certificate specified for bind '{place}' at [{file}:{number}] (use \
             'crt').",
            cx.draft.name
        );
        cx.alert_bare(line.span, message);
        return None;
    }
    Some(Arc::new(acceptor))
}

/// Makes what belongs to certificates that are offered in the same way.
fn terms(cx: &Cx<'_>, said: &Said) -> Result<acceptor::Terms, String> {
    let verify = said.verify.unwrap_or(Verify::None);
    let clients = match verify {
        Verify::None => None,
        Verify::Optional | Verify::Required => {
            let Some(word) = &said.ca_file else {
                return Err(
                    "'verify' is enabled but no CA file specified (use 'ca-file')".to_owned()
                );
            };
            let more = said.ca_verify_file.as_ref().map(|word| authorities(cx, word));
            Some(Clients {
                required: verify == Verify::Required,
                authorities: authorities(cx, word),
                unnamed_authorities: more,
                revoked: revoked(cx, said),
                names: !said.no_ca_names,
                ca_ignored: said.ca_ignored.clone(),
                crt_ignored: said.crt_ignored.clone(),
            })
        }
    };
    acceptor::Terms::new(&acceptor::Settings {
        agreement: said.agreement()?,
        alpn: said.alpn.clone().unwrap_or_default(),
        clients,
        tickets: !said.no_tickets,
        client_order: said.client_order,
        sessions: cx.tls.sessions,
        fragment: cx.tls.fragment,
    })
}

fn revoked(cx: &Cx<'_>, said: &Said) -> Option<PathBuf> {
    said.crl_file.as_ref().map(|word| path(cx, cx.tls.ca_base.as_ref(), &word.text))
}

/// Adds what a file name stands for: a certificate, a folder of them, or one for each kind of key.
fn add(
    acceptor: &mut Acceptor,
    file: &std::path::Path,
    terms: &acceptor::Terms,
    filters: &[String],
) -> Result<(), String> {
    for file in Acceptor::files(file).map_err(|error| error.to_string())? {
        acceptor.add(&file, terms, filters.to_vec())?;
    }
    Ok(())
}

/// Makes what a `server` line connects with; `None` where it is no TLS. `owner` is the server.
pub(super) fn connector(
    cx: &Cx<'_>,
    said: &Said,
    owner: &str,
) -> Result<Option<Connector>, String> {
    if !said.enabled {
        return Ok(None);
    }
    let said = said.clone().or(&cx.tls.server);
    let settings = settings(cx, &said).map_err(|error| match error {
        Wrong::NoAuthority(explicit) => no_authority(explicit),
        Wrong::Text(error) => format!("{owner} : {error}"),
    })?;
    Connector::new(&settings).map(Some).map_err(|error| format!("{owner} : {error}"))
}

enum Wrong {
    /// `verify required` without `ca-file`; it was asked for explicitly.
    NoAuthority(bool),
    Text(String),
}

fn no_authority(explicit: bool) -> String {
    let mut text = "verify is enabled ".to_owned();
    text.push_str(if explicit {
        "but no CA file specified"
    } else {
        "by default but no CA file specified. If you're running on a LAN where you're certain to \
         trust the server's certificate, please set an explicit 'verify none' statement on the \
         'server' line, or use 'ssl-server-verify none' in the global section to disable \
         server-side verifications by default"
    });
    text
}

fn settings(cx: &Cx<'_>, said: &Said) -> Result<connector::Settings, Wrong> {
    let verify = said.verify.unwrap_or(Verify::Required);
    let authorities = match (verify, &said.ca_file) {
        (Verify::None, _) => None,
        (_, Some(word)) => Some(authorities(cx, word)),
        (_, None) => return Err(Wrong::NoAuthority(said.verify.is_some())),
    };
    let expected = match (&said.verify_host, &said.sni) {
        (Some(name), _) => Expected::Fixed(name.clone()),
        (None, Some(_)) => Expected::Asked,
        (None, None) => Expected::Any,
    };
    let certificate = said.certificates.iter().find_map(|source| match source {
        Source::File(word) => Some(path(cx, cx.tls.crt_base.as_ref(), &word.text)),
        Source::List(_) => None,
    });
    Ok(connector::Settings {
        agreement: said.agreement().map_err(Wrong::Text)?,
        authorities,
        revoked: revoked(cx, said),
        expected,
        alpn: said.alpn.clone().unwrap_or_default(),
        certificate,
        resumes: !said.no_reuse,
    })
}
