//! What a `bind` line offers: certificates by name, each with its own settings.

use std::future::poll_fn;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use arc_swap::ArcSwap;
use hashbrown::HashMap;
use rustls::Connection;
use rustls::ServerConfig;
use rustls::SignatureAlgorithm;
use rustls::SignatureScheme;
use rustls::crypto::aws_lc_rs;
use rustls::server::Accepted;
use rustls::server::ClientHello;
use rustls::server::ResolvesServerCert;
use rustls::server::ServerSessionMemoryCache;
use rustls::sign::CertifiedKey;

use crate::net::reactor::Source;
use crate::net::stream::Stream;

use super::agreement::Agreement;
use super::client_check::ClientCheck;
use super::client_check::Ignored;
use super::error::Error;
use super::hello;
use super::layer;
use super::layer::Layer;
use super::layer::Wire;
use super::store;
use super::store::Resolver;
use super::store::Slot;
use super::verify::Authorities;

/// What a `bind` line offers.
#[derive(Debug)]
pub struct Acceptor {
    entries: Vec<Entry>,
    index: ArcSwap<Index>,
    /// `strict-sni`: nobody gets the default certificate.
    strict: bool,
    /// How much of the first message is kept.
    capture: usize,
}

/// How certificates are offered.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Versions and suites.
    pub agreement: Agreement,
    /// `alpn`, best first.
    pub alpn: Vec<Vec<u8>>,
    /// What is asked of clients.
    pub clients: Option<Clients>,
    /// Whether clients keep their sessions, in tickets.
    pub tickets: bool,
    /// `prefer-client-ciphers`
    pub client_order: bool,
    /// How many sessions are remembered here.
    pub sessions: Option<usize>,
    /// Most bytes of a record.
    pub fragment: Option<usize>,
}

/// What is asked of clients (`verify optional`, `verify required`).
#[derive(Clone, Debug)]
pub struct Clients {
    /// Who shows nothing is refused.
    pub required: bool,
    /// `ca-file`: whom to trust.
    pub authorities: Authorities,
    /// `ca-verify-file`: whom to trust, too, without saying so.
    pub unnamed_authorities: Option<Authorities>,
    /// `crl-file`
    pub revoked: Option<PathBuf>,
    /// Whether clients are told who is trusted.
    pub names: bool,
    /// `ca-ignore-err`
    pub ca_ignored: Ignored,
    /// `crt-ignore-err`
    pub crt_ignored: Ignored,
}

/// What certificates share that are offered in the same way: sessions among it.
#[derive(Debug)]
pub struct Terms(ServerConfig);

impl Terms {
    /// Reads the files that the settings name.
    pub fn new(settings: &Settings) -> Result<Self, String> {
        let provider = settings.agreement.provider();
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&settings.agreement.versions())
            .map_err(|error| error.to_string())?;
        let builder = match &settings.clients {
            None => builder.with_no_client_auth(),
            Some(clients) => {
                let check = ClientCheck::new(clients, &provider)?;
                builder.with_client_cert_verifier(Arc::new(check))
            }
        };
        let mut config = builder.with_cert_resolver(Arc::new(Nothing));
        config.alpn_protocols.clone_from(&settings.alpn);
        config.ignore_client_order = !settings.client_order;
        config.max_fragment_size = settings.fragment;
        config.session_storage =
            ServerSessionMemoryCache::new(settings.sessions.unwrap_or(SESSIONS));
        if settings.tickets {
            config.ticketer = aws_lc_rs::Ticketer::new().map_err(|error| error.to_string())?;
        }
        Ok(Self(config))
    }
}

/// How many sessions are remembered for clients without tickets, where nothing is said.
const SESSIONS: usize = 1024;

/// What stands in the place of a certificate.
#[derive(Debug)]
struct Nothing;

impl ResolvesServerCert for Nothing {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        None
    }
}

/// A certificate, for which names, and what is offered with it.
#[derive(Debug)]
struct Entry {
    slot: Arc<Slot>,
    config: Arc<ServerConfig>,
    /// The names that it is for; those in it where there is none. `!name` is none of them.
    filters: Vec<String>,
}

/// Which entries are for which names.
#[derive(Debug, Default)]
struct Index {
    /// Of the certificates it was made from.
    generation: u64,
    exact: HashMap<String, Vec<usize>>,
    /// By what stands behind `*`.
    wild: HashMap<String, Vec<usize>>,
}

impl Acceptor {
    /// Returns an acceptor without a certificate.
    pub fn new(strict: bool, capture: usize) -> Self {
        Self { entries: Vec::new(), index: ArcSwap::default(), strict, capture }
    }

    /// Tells whether there is no certificate.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns the files of a `crt` argument: one, all of a folder, or where there is none of this
    /// name, one for each kind of key.
    pub fn files(path: &Path) -> Result<Vec<PathBuf>, store::Error> {
        if path.is_dir() {
            return super::pem::folder(path);
        }
        let mut files = vec![path.to_owned()];
        if !path.exists() {
            let bundle: Vec<PathBuf> = ["rsa", "dsa", "ecdsa"]
                .iter()
                .map(|kind| super::pem::with_extension(path, kind))
                .filter(|path| path.exists())
                .collect();
            if !bundle.is_empty() {
                files = bundle;
            }
        }
        Ok(files)
    }

    /// Adds a certificate. The first one is the default.
    pub fn add(&mut self, file: &Path, terms: &Terms, filters: Vec<String>) -> Result<(), String> {
        let slot = store::open(file).map_err(|error| error.to_string())?;
        let mut config = terms.0.clone();
        config.cert_resolver = Arc::new(Resolver(Arc::clone(&slot)));
        self.entries.push(Entry { slot, config: Arc::new(config), filters });
        self.index.store(Arc::new(self.make_index()));
        Ok(())
    }

    fn make_index(&self) -> Index {
        let mut index = Index { generation: store::generation(), ..Index::default() };
        for (at, entry) in self.entries.iter().enumerate() {
            let current = entry.slot.current();
            let positive = |name: &&String| !name.starts_with('!');
            let names = if entry.filters.iter().any(|name| positive(&name)) {
                &entry.filters
            } else {
                &current.names
            };
            for name in names.iter().filter(positive) {
                let (map, key) = match name.strip_prefix('*') {
                    Some(rest) => (&mut index.wild, rest),
                    None => (&mut index.exact, name.as_str()),
                };
                map.entry(key.to_ascii_lowercase()).or_default().push(at);
            }
        }
        index
    }

    /// Finds what to show to a client.
    fn choose(&self, hello: &ClientHello<'_>) -> Option<&Entry> {
        let mut index = self.index.load();
        if index.generation != store::generation() {
            self.index.store(Arc::new(self.make_index()));
            index = self.index.load();
        }
        let found = hello.server_name().and_then(|name| self.find(&index, name));
        let found = found.filter(|list| !list.is_empty());
        let usable = |entry: &&Entry| suits(entry.slot.current().algorithm, hello);
        match found {
            Some(list) => {
                let mut entries = list.iter().filter_map(|at| self.entries.get(*at));
                // HAProxy: of a name's certificates, ECDSA for whom can check it.
                let ecdsa = |entry: &&Entry| {
                    entry.slot.current().algorithm == SignatureAlgorithm::ECDSA && usable(entry)
                };
                entries
                    .clone()
                    .find(ecdsa)
                    .or_else(|| entries.clone().find(usable))
                    .or_else(|| entries.next())
            }
            None if self.strict => None,
            None => self.entries.first(),
        }
    }

    fn find(&self, index: &Index, name: &str) -> Option<Vec<usize>> {
        if let Some(exact) = index.exact.get(name) {
            return Some(exact.clone());
        }
        let (_, domain) = name.split_once('.')?;
        let mut key = String::with_capacity(domain.len() + 1);
        key.push('.');
        key.push_str(domain);
        let list = index.wild.get(&key).or_else(|| index.wild.get(""))?;
        let is_excluded = |at: &usize| {
            self.entries.get(*at).is_some_and(|entry| {
                entry.filters.iter().any(|filter| filter.strip_prefix('!') == Some(name))
            })
        };
        Some(list.iter().copied().filter(|at| !is_excluded(at)).collect())
    }
}

/// Tells whether a client can check the signature of such a key.
fn suits(algorithm: SignatureAlgorithm, hello: &ClientHello<'_>) -> bool {
    hello.signature_schemes().iter().any(|scheme| match algorithm {
        SignatureAlgorithm::ECDSA => matches!(
            scheme,
            SignatureScheme::ECDSA_NISTP256_SHA256
                | SignatureScheme::ECDSA_NISTP384_SHA384
                | SignatureScheme::ECDSA_NISTP521_SHA512
        ),
        SignatureAlgorithm::ED25519 => *scheme == SignatureScheme::ED25519,
        _ => matches!(
            scheme,
            SignatureScheme::RSA_PSS_SHA256
                | SignatureScheme::RSA_PSS_SHA384
                | SignatureScheme::RSA_PSS_SHA512
                | SignatureScheme::RSA_PKCS1_SHA256
                | SignatureScheme::RSA_PKCS1_SHA384
                | SignatureScheme::RSA_PKCS1_SHA512
        ),
    })
}

impl Stream {
    /// Makes this a TLS connection, as its server.
    pub async fn accept_tls(&mut self, acceptor: &Acceptor) -> Result<(), Error> {
        let mut hello = Vec::with_capacity(acceptor.capture);
        let mut first = Greeting { acceptor: rustls::server::Acceptor::default(), begun: false };
        let accepted = poll_fn(|cx| first.poll(self.source(), cx, &mut hello)).await?;
        let Some(entry) = acceptor.choose(&accepted.client_hello()) else {
            refuse(self.source());
            return Err(Error::NoCertificate);
        };
        let shown = entry.slot.current();
        let conn =
            accepted.into_connection(Arc::clone(&entry.config)).map_err(|(error, alert)| {
                send_alert(self.source(), alert);
                Error::Handshake(error)
            })?;
        let mut made = Layer::new(Connection::Server(conn));
        let shaken = made.shake_hands(self.source()).await;
        shaken.map_err(|error| layer::failed(error, |error| made.client_error(error)))?;
        made.finish(hello::message(&hello), Some(shown));
        self.set_tls(made);
        Ok(())
    }
}

/// The client's first message on its way in.
struct Greeting {
    acceptor: rustls::server::Acceptor,
    begun: bool,
}

impl Greeting {
    fn poll(
        &mut self,
        source: &Source,
        cx: &mut Context<'_>,
        hello: &mut Vec<u8>,
    ) -> Poll<Result<Accepted, Error>> {
        loop {
            match self.acceptor.read_tls(&mut Wire { source, kept: Some(hello) }) {
                Ok(0) if self.begun => return Poll::Ready(Err(Error::Truncated)),
                Ok(0) => return Poll::Ready(Err(Error::Empty)),
                Ok(_) => self.begun = true,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    ready!(source.poll_readable(cx));
                    continue;
                }
                Err(_) if self.begun => return Poll::Ready(Err(Error::Truncated)),
                Err(_) => return Poll::Ready(Err(Error::Aborted)),
            }
            match self.acceptor.accept() {
                Ok(Some(accepted)) => return Poll::Ready(Ok(accepted)),
                Ok(None) => {}
                Err((error, alert)) => {
                    send_alert(source, alert);
                    return Poll::Ready(Err(Error::Handshake(error)));
                }
            }
        }
    }
}

fn send_alert(source: &Source, mut alert: rustls::server::AcceptedAlert) {
    // The connection ends here: what the socket does not take at once is lost.
    let _unused = alert.write_all(&mut Wire { source, kept: None });
}

/// Tells a client that there is nothing under the name it asks for: `unrecognized_name`, fatal.
fn refuse(source: &Source) {
    const ALERT: [u8; 7] = [21, 3, 3, 0, 2, 2, 112];
    let _unused = source.try_write(|fd| rustix::io::write(fd, &ALERT));
}
