//! `server` and `default-server`: where exchanges go.

use crate::diag::Diagnostic;
use crate::diag::Lead;
use crate::diag::Span;
use crate::diag::suggest;
use crate::net::Addr;
use crate::net::addr;
use crate::net::proxy_protocol;
use crate::net::resolve;
use crate::net::tls::Connector;
use crate::proxy::SendProxy;
use crate::proxy::Tlvs;
use crate::rule;
use crate::sample;
use crate::sample::Checkpoint;
use crate::syntax::Line;
use crate::syntax::Word;

use super::Cx;
use super::bind;
use super::rules;
use super::section;
use super::table::Directive;
use super::tls;

#[rustfmt::skip]
pub(super) const TABLE: &[Directive] = &[
    Directive { name: "default-server", sections: "DBL", run: default_server, args: "<option>...", doc: "Options of the `server` lines that follow." },
    Directive { name: "server", sections: "BL", run: server, args: "<name> <address>[:<port>] [ <option>... ]", doc: "A server. Its name is resolved once, at start; without a port, it gets the port that the client connected to." },
];

/// What options set.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) weight: u32,
    pub(super) maxconn: u32,
    pub(super) maxqueue: u32,
    pub(super) backup: bool,
    pub(super) disabled: bool,
    pub(super) http2: bool,
    send_proxy: SendProxy,
    /// `proxy-v2-options`, wherever it stands.
    proxy_options: Tlvs,
    /// `set-proxy-v2-tlv-fmt`: ids and values, which are compiled at the end.
    pub(super) tlvs: Vec<(u8, Word)>,
    /// What is said of TLS.
    pub(super) tls: tls::Said,
    id: Option<u32>,
    /// `init-addr`: what to try, in order.
    init_addr: Vec<InitAddr>,
}

/// A server that is being compiled.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) name: String,
    pub(super) addr: Addr,
    /// Added to the port that the client connected to, where the line has no port of its own.
    pub(super) port_offset: Option<i32>,
    pub(super) puid: u32,
    pub(super) settings: Settings,
    /// How it is connected to with TLS.
    pub(super) connector: Option<Connector>,
    /// `sni`
    pub(super) sni: Option<sample::Expr>,
    pub(super) span: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum InitAddr {
    Libc,
    Last,
    None,
    Ip(std::net::IpAddr),
}

/// An option of a `server` line.
#[derive(Clone, Copy)]
pub(super) struct Option_ {
    /// Its name.
    pub(super) name: &'static str,
    /// Its argument; empty where it has none.
    pub(super) args: &'static str,
    /// Sets it; gives what is wrong with the argument.
    set: fn(&mut Settings, Option<&Word>) -> Result<(), String>,
    pub(super) doc: &'static str,
}

#[rustfmt::skip]
pub(super) const OPTIONS: &[Option_] = &[
    Option_ { name: "backup", args: "", set: |s, _| { s.backup = true; Ok(()) }, doc: "Used only when no other server is there." },
    Option_ { name: "disabled", args: "", set: |s, _| { s.disabled = true; Ok(()) }, doc: "In maintenance from the start." },
    Option_ { name: "enabled", args: "", set: |s, _| { s.disabled = false; Ok(()) }, doc: "Ends `disabled`." },
    Option_ { name: "id", args: "<number>", set: id, doc: "The numeric id of the server." },
    Option_ { name: "init-addr", args: "{ last | libc | none | <ip> }[,...]", set: init_addr, doc: "What to try for an address at start, in order." },
    Option_ { name: "maxconn", args: "<conns>", set: maxconn, doc: "Connections at the same time; more wait in the queue." },
    Option_ { name: "maxqueue", args: "<conns>", set: maxqueue, doc: "Requests that may wait for this server alone (`use-server`): with `option redispatch` more go to another one, else they are refused. 0 is no limit." },
    Option_ { name: "no-backup", args: "", set: |s, _| { s.backup = false; Ok(()) }, doc: "Ends `backup`." },
    Option_ { name: "no-check", args: "", set: |_, _| Ok(()), doc: "Accepted: there are no health checks." },
    Option_ { name: "no-send-proxy", args: "", set: no_proxy, doc: "Ends `send-proxy`." },
    Option_ { name: "no-send-proxy-v2", args: "", set: no_proxy, doc: "Ends `send-proxy-v2`." },
    Option_ { name: "no-send-proxy-v2-ssl", args: "", set: no_proxy, doc: "Ends `send-proxy-v2-ssl`." },
    Option_ { name: "no-send-proxy-v2-ssl-cn", args: "", set: no_proxy, doc: "Ends `send-proxy-v2-ssl-cn`." },
    Option_ { name: "no-tfo", args: "", set: |_, _| Ok(()), doc: "Accepted: it is so." },
    Option_ { name: "non-stick", args: "", set: |_, _| Ok(()), doc: "Accepted: there are no stick tables." },
    Option_ { name: "proto", args: "{ h1 | h2 }", set: proto, doc: "What the server speaks from the first byte: `h2` is HTTP/2, many requests on one connection." },
    Option_ { name: "proxy-v2-options", args: "<option>[,...]", set: proxy_v2_options, doc: "What `send-proxy-v2` adds: `authority`, `crc32c`, `unique-id`, `ssl` and what is known of the client's certificate." },
    Option_ { name: "send-proxy", args: "", set: |s, _| { s.send_proxy = SendProxy::Line; Ok(()) }, doc: "Tells the server of the client by a header of the PROXY protocol, version 1." },
    Option_ { name: "send-proxy-v2", args: "", set: |s, _| binary(s, false), doc: "The same by version 2." },
    Option_ { name: "send-proxy-v2-ssl", args: "", set: |s, _| binary(s, true), doc: "The same, with what is known of the client's TLS." },
    Option_ { name: "send-proxy-v2-ssl-cn", args: "", set: |s, _| binary(s, true), doc: "The same, with the common name of the client's certificate." },
    Option_ { name: TLV, args: "(<id>) <fmt>", set: |_, _| Err("'set-proxy-v2-tlv-fmt' expects the id of a TLV in parentheses".to_owned()), doc: "Adds a TLV to the header of `send-proxy-v2`." },
    Option_ { name: "stick", args: "", set: |_, _| Ok(()), doc: "Accepted: there are no stick tables." },
    Option_ { name: "weight", args: "<weight>", set: weight, doc: "Its share of the load, 0 to 256; 1 where it is not set." },
];

/// The options that HAProxy has beyond these.
const KNOWN: &[&str] = &[
    "addr",
    "agent-addr",
    "agent-check",
    "agent-inter",
    "agent-port",
    "agent-send",
    "cc",
    "check",
    "check-alpn",
    "check-pool-conn-name",
    "check-proto",
    "check-reuse-pool",
    "check-send-proxy",
    "check-sni",
    "check-sni-auto",
    "check-ssl",
    "check-via-socks4",
    "client-sigalgs",
    "cookie",
    "downinter",
    "error-limit",
    "fall",
    "fastinter",
    "force-sslv3",
    "force-tlsv10",
    "force-tlsv11",
    "guid",
    "hash-key",
    "healthcheck",
    "idle-ping",
    "init-state",
    "inter",
    "ktls",
    "log-bufsize",
    "log-proto",
    "max-reuse",
    "minconn",
    "namespace",
    "no-agent-check",
    "no-check-reuse-pool",
    "no-check-send-proxy",
    "no-check-sni-auto",
    "no-renegotiate",
    "no-sni-auto",
    "npn",
    "observe",
    "on-error",
    "on-marked-down",
    "on-marked-up",
    "pool-conn-name",
    "pool-low-conn",
    "pool-max-conn",
    "pool-purge-delay",
    "port",
    "redir",
    "renegotiate",
    "resolve-net",
    "resolve-opts",
    "resolve-prefer",
    "resolvers",
    "rise",
    "shard",
    "sigalgs",
    "slowstart",
    "sni-auto",
    "socks4",
    "source",
    "strict-maxconn",
    "tcp-md5sig",
    "tcp-ut",
    "tfo",
    "track",
    "usesrc",
    "ws",
];

/// An option whose first argument stands in parentheses.
const TLV: &str = "set-proxy-v2-tlv-fmt";

impl Default for Settings {
    fn default() -> Self {
        Self {
            weight: 1,
            maxconn: 0,
            maxqueue: 0,
            backup: false,
            disabled: false,
            http2: false,
            send_proxy: SendProxy::No,
            proxy_options: Tlvs::default(),
            tlvs: Vec::new(),
            tls: tls::Said::default(),
            id: None,
            init_addr: vec![InitAddr::Last, InitAddr::Libc],
        }
    }
}

fn default_server(cx: &mut Cx<'_>, line: &Line) {
    let mut settings = cx.draft.settings.server.clone();
    if options(cx, line, 1, &mut settings) {
        settings.id = None;
        cx.draft.settings.server = settings;
    }
}

fn server(cx: &mut Cx<'_>, line: &Line) {
    let (Some(name), Some(place)) = (line.words.get(1), line.words.get(2)) else {
        report(cx, line.span, "'server' expects <name> and <addr>[:<port>] as arguments.");
        return;
    };
    if let Some(bad) = name.text.chars().find(|c| !section::is_name_char(*c)) {
        let message = format!("character '{bad}' is not permitted in server name '{}'.", name.text);
        report(cx, name.span, &message);
        return;
    }
    let owner = format!("'server {}/{}'", cx.draft.name, name.text);
    let mut settings = cx.draft.settings.server.clone();
    let good = options(cx, line, 3, &mut settings);
    let Some((addr, port_offset)) = address(cx, place, &owner, &mut settings) else { return };
    if !good {
        return;
    }
    if let Some(other) = cx.draft.servers.iter().find(|other| other.name == name.text) {
        let (_, number) = cx.input.sources.place(other.span);
        let message = format!(
            "{}, another server named '{}' was already defined at line {number}, please use \
             distinct names.",
            cx.draft.owner(),
            name.text
        );
        cx.alert(name.span, message);
        return;
    }
    let puid = match settings.id {
        Some(id) => match cx.draft.servers.iter().find(|other| other.settings.id == Some(id)) {
            Some(other) => {
                let (file, number) = cx.input.sources.place(other.span);
                let message = format!(
                    "{owner} : 'id' : custom id {id} already used at {file}:{number} ('server \
                     {}').",
                    other.name
                );
                report(cx, line.span, &message);
                return;
            }
            None => id,
        },
        None => 0,
    };
    let connector = match tls::connector(cx, &settings.tls, &owner) {
        Ok(connector) => connector,
        Err(message) => {
            report(cx, line.span, &format!("{message}."));
            return;
        }
    };
    let Ok(sni) = sni(cx, &settings.tls, &owner) else { return };
    let (name, span) = (name.text.clone(), line.span);
    cx.draft.servers.push(Draft { name, addr, port_offset, puid, settings, connector, sni, span });
}

/// Reads the expression of `sni`.
fn sni(cx: &mut Cx<'_>, said: &tls::Said, owner: &str) -> Result<Option<sample::Expr>, ()> {
    let Some(word) = said.sni.as_ref().filter(|_| said.enabled) else { return Ok(None) };
    let env = rules::env(cx, Checkpoint::ServerSource);
    match sample::Expr::parse_words(&[&word.text], &env) {
        Ok((expr, _)) => Ok(Some(expr)),
        Err(error) => {
            let line = Line { words: vec![word.clone()], span: word.span };
            let before = format!("{owner} : error detected while parsing sni expression : ");
            let found = rule::report(&error, std::slice::from_ref(word), &line, &before, "");
            cx.push(found);
            Err(())
        }
    }
}

/// Reports as HAProxy does for servers: without the word "parsing".
fn report(cx: &mut Cx<'_>, span: Span, message: &str) {
    let (file, number) = cx.input.sources.place(span);
    let message = format!("[{file}:{number}] : {message}");
    cx.push(Diagnostic::alert(span, message).lead(Lead::Bare));
}

fn options(cx: &mut Cx<'_>, line: &Line, first: usize, settings: &mut Settings) -> bool {
    let default = line.text(0) == "default-server";
    let owner = if default {
        String::new()
    } else {
        format!("'server {}/{}' : ", cx.draft.name, line.text(1))
    };
    let mut good = true;
    let mut at = first;
    while let Some(word) = line.words.get(at) {
        at += 1;
        let name = word.text.as_str();
        if let Some(id) = name.strip_prefix(TLV).and_then(|rest| rest.strip_prefix('(')) {
            if let Err(message) = tlv(settings, id, line.words.get(at)) {
                report(cx, word.span, &format!("{owner}'{TLV}' : {message}."));
                good = false;
            }
            at += 1;
            continue;
        }
        if let Some(option) = OPTIONS.iter().find(|option| option.name == name) {
            let argument = (!option.args.is_empty()).then(|| line.words.get(at)).flatten();
            if let Err(message) = (option.set)(settings, argument) {
                let span = argument.map_or(word.span, |word| word.span);
                let message = message.replace("{}", if default { "" } else { line.text(1) });
                report(cx, span, &format!("{owner}{message}."));
                good = false;
            }
            at += usize::from(!option.args.is_empty());
            continue;
        }
        if let Some(option) = tls::find(name, tls::Side::Server) {
            let takes = !option.args.is_empty();
            let argument = line.words.get(at).filter(|_| takes);
            let none = Word::new("", word.span);
            if let Err(message) = (option.set)(&mut settings.tls, argument.unwrap_or(&none)) {
                let span = argument.map_or(word.span, |word| word.span);
                report(cx, span, &format!("{owner}'{name}' : {message}."));
                good = false;
            }
            at += usize::from(takes);
            continue;
        }
        good = false;
        if KNOWN.contains(&name) {
            let message = format!("{owner}'{name}' is known to HAProxy but not supported yet");
            report(cx, word.span, &message);
            // What stands behind it may belong to it.
            return false;
        }
        let near = suggest::suggest(name, OPTIONS.iter().map(|option| option.name));
        let end = if default { ". Hint: no address was expected for this server." } else { "." };
        let tail = match (near, default) {
            (Some(near), false) => format!("; did you mean '{near}' maybe ?"),
            (Some(near), true) => format!("; did you mean '{near}' maybe ?{}", &end[1..]),
            (None, _) => end.to_owned(),
        };
        report(cx, word.span, &format!("{owner}unknown keyword '{name}'{tail}"));
        // What stands behind it may be its argument.
        let known = |word: &&Word| OPTIONS.iter().any(|option| option.name == word.text);
        at += line.rest(at).iter().take_while(|word| !known(word)).count();
    }
    good
}

/// Finds where the server is; a name is resolved here.
fn address(
    cx: &mut Cx<'_>,
    place: &Word,
    owner: &str,
    settings: &mut Settings,
) -> Option<(Addr, Option<i32>)> {
    let spec = match addr::Spec::parse(&place.text, &addr::SERVER) {
        Ok(spec) => spec,
        Err(error) => {
            report(cx, place.span, &format!("{owner} : {error}"));
            return None;
        }
    };
    let (port, port_offset) = match spec.ports {
        // HAProxy: port 0 is none.
        addr::Ports::None | addr::Ports::Range(0, _) => (0, Some(0)),
        addr::Ports::Range(port, _) => (port, None),
        addr::Ports::Offset(offset) => (0, Some(offset)),
    };
    let ip = match spec.host {
        addr::Host::Unix(path) => return Some((Addr::Unix(path), None)),
        addr::Host::Abstract(name) => return Some((Addr::Abstract(name), None)),
        addr::Host::Fd(_) => {
            let message = format!("{owner} : 'fd@' is known to HAProxy but not supported yet");
            report(cx, place.span, &message);
            return None;
        }
        addr::Host::Ip(ip) => ip,
        addr::Host::Name(name, family) => match resolved(&name, family, settings) {
            Some(ip) => ip,
            None => {
                report(cx, place.span, &format!("{owner} : could not resolve address '{name}'."));
                return None;
            }
        },
    };
    Some((Addr::Inet((ip, port).into()), port_offset))
}

fn resolved(name: &str, family: addr::Family, settings: &mut Settings) -> Option<std::net::IpAddr> {
    for method in settings.init_addr.clone() {
        match method {
            InitAddr::Libc => {
                let found = resolve::blocking(name, family).ok();
                if let Some(ip) = found.and_then(|list| list.first().copied()) {
                    return Some(ip);
                }
            }
            // No state is kept from one start to the next.
            InitAddr::Last => {}
            InitAddr::None => {
                // HAProxy: a server without an address is in maintenance.
                settings.disabled = true;
                return Some(std::net::Ipv4Addr::UNSPECIFIED.into());
            }
            InitAddr::Ip(ip) => return Some(ip),
        }
    }
    None
}

fn number(name: &str, word: Option<&Word>) -> Result<u32, String> {
    let word = word.ok_or_else(|| format!("'{name}' expects an integer argument"))?;
    word.text
        .parse()
        .map_err(|_| format!("'{name}' expects an integer argument, found '{}'", word.text))
}

fn id(settings: &mut Settings, word: Option<&Word>) -> Result<(), String> {
    let word = word.ok_or("'id' : expects an integer argument")?;
    match word.text.parse() {
        Ok(id) if id > 0 => settings.id = Some(id),
        _ => return Err("'id' : custom id has to be > 0".to_owned()),
    }
    Ok(())
}

fn init_addr(settings: &mut Settings, word: Option<&Word>) -> Result<(), String> {
    let text = word.map_or("", |word| word.text.as_str());
    settings.init_addr.clear();
    for part in text.split(',') {
        settings.init_addr.push(match part {
            "libc" => InitAddr::Libc,
            "last" => InitAddr::Last,
            "none" => InitAddr::None,
            _ => InitAddr::Ip(part.parse().map_err(|_| {
                format!(
                    "'init-addr' : unknown init-addr method '{part}', supported methods are \
                     'libc', 'last', 'none'"
                )
            })?),
        });
    }
    Ok(())
}

fn maxconn(settings: &mut Settings, word: Option<&Word>) -> Result<(), String> {
    settings.maxconn = number("maxconn", word)?;
    Ok(())
}

fn maxqueue(settings: &mut Settings, word: Option<&Word>) -> Result<(), String> {
    settings.maxqueue = number("maxqueue", word)?;
    Ok(())
}

fn proto(settings: &mut Settings, word: Option<&Word>) -> Result<(), String> {
    settings.http2 = bind::is_http2(word).map_err(|message| format!("'proto' : {message}"))?;
    Ok(())
}

#[expect(clippy::unnecessary_wraps, reason = "as all rows have it")]
fn no_proxy(settings: &mut Settings, _: Option<&Word>) -> Result<(), String> {
    settings.send_proxy = SendProxy::No;
    Ok(())
}

#[expect(clippy::unnecessary_wraps, reason = "as all rows have it")]
fn binary(settings: &mut Settings, ssl: bool) -> Result<(), String> {
    settings.send_proxy = SendProxy::Binary(Tlvs { ssl, ..Tlvs::default() });
    Ok(())
}

fn proxy_v2_options(settings: &mut Settings, word: Option<&Word>) -> Result<(), String> {
    let text = word.map_or("", |word| word.text.as_str());
    let options = &mut settings.proxy_options;
    for part in text.split(',') {
        match part {
            "authority" => options.authority = true,
            "crc32c" => options.crc32c = true,
            "unique-id" => options.unique_id = true,
            "ssl" | "cert-cn" | "cert-key" | "cert-sig" | "ssl-cipher" => options.ssl = true,
            _ => {
                return Err("'proxy-v2-options' : this option is not implemented".to_owned());
            }
        }
    }
    Ok(())
}

fn tlv(settings: &mut Settings, id: &str, value: Option<&Word>) -> Result<(), String> {
    let id = id.strip_suffix(')').ok_or("expected ')'")?;
    let kind = proxy_protocol::parse_kind(id)
        .ok_or_else(|| format!("failed to parse TLV type: '{id}'"))?;
    let value = value.ok_or("expects a log format")?;
    settings.tlvs.push((kind, value.clone()));
    Ok(())
}

impl Settings {
    /// Returns how a server hears of the client.
    pub(super) fn send_proxy(&self) -> SendProxy {
        let SendProxy::Binary(own) = self.send_proxy else { return self.send_proxy.clone() };
        let Tlvs { authority, crc32c, ssl, unique_id } = self.proxy_options;
        SendProxy::Binary(Tlvs { authority, crc32c, ssl: ssl || own.ssl, unique_id })
    }
}

fn weight(settings: &mut Settings, word: Option<&Word>) -> Result<(), String> {
    let value = number("weight", word)?;
    if value > 256 {
        return Err(format!("weight of server {{}} is not within 0 and 256 ({value})"));
    }
    settings.weight = value;
    Ok(())
}
