//! `bind`: where a proxy listens.

use crate::diag::suggest;
use crate::net::addr;
use crate::net::resolve;
use crate::program::Bind;
use crate::syntax::Line;
use crate::syntax::Word;
use crate::value::unit;

use super::Cx;
use super::table::Directive;
use super::tls;

#[rustfmt::skip]
pub(super) const TABLE: &[Directive] = &[
    Directive { name: "bind", sections: "FL", run: bind, args: "<address>[,...] [ <option>... ]", doc: "Listens on addresses: `[<ip>]:<port>[-<port>]`, a path, `abns@<name>`, `fd@<number>`." },
];

/// An option of a `bind` line.
#[derive(Clone, Copy)]
pub(super) struct Option_ {
    /// Its name.
    pub(super) name: &'static str,
    /// Its argument; empty where it has none.
    pub(super) args: &'static str,
    /// Sets it; gives what is wrong with the argument.
    pub(super) set: fn(&mut Bind, Option<&Word>) -> Result<(), String>,
    pub(super) doc: &'static str,
}

#[rustfmt::skip]
pub(super) const OPTIONS: &[Option_] = &[
    Option_ { name: "accept-proxy", args: "", set: accept_proxy, doc: "Each connection begins with a header of the PROXY protocol." },
    Option_ { name: "backlog", args: "<conns>", set: backlog, doc: "Connections that may wait to be accepted." },
    Option_ { name: "defer-accept", args: "", set: |_, _| Ok(()), doc: "Accepted: a matter of tuning." },
    Option_ { name: "gid", args: "<gid>", set: gid, doc: "The group of a UNIX socket, by number." },
    Option_ { name: "group", args: "<group>", set: group, doc: "The group of a UNIX socket." },
    Option_ { name: "id", args: "<number>", set: id, doc: "The numeric id of the listener." },
    Option_ { name: "interface", args: "<name>", set: interface, doc: "Listens on one network interface." },
    Option_ { name: "level", args: "<level>", set: ignored, doc: "Accepted: it is about sockets of the runtime API, which `stats socket` opens." },
    Option_ { name: "maxconn", args: "<conns>", set: maxconn, doc: "Connections that are open at the same time." },
    Option_ { name: "mode", args: "<mode>", set: mode, doc: "The permissions of a UNIX socket, in octal." },
    Option_ { name: "mss", args: "<bytes>", set: mss, doc: "The largest TCP segment." },
    Option_ { name: "name", args: "<name>", set: name, doc: "A name, for `so_name`." },
    Option_ { name: "nice", args: "<nice>", set: nice, doc: "The niceness of what comes in here, -1024 to 1024." },
    Option_ { name: "proto", args: "{ h1 | h2 }", set: proto, doc: "What clients speak from the first byte: `h2` is HTTP/2. Without it, a client that begins with HTTP/2 is understood too." },
    Option_ { name: "shards", args: "<shards>", set: ignored, doc: "Accepted: each worker has its own socket." },
    Option_ { name: "tcp-ut", args: "<time>", set: tcp_ut, doc: "How long sent data may stay without an answer." },
    Option_ { name: "tfo", args: "", set: |_, _| Ok(()), doc: "Accepted: a matter of tuning." },
    Option_ { name: "thread", args: "<threads>", set: ignored, doc: "Accepted: every worker listens." },
    Option_ { name: "transparent", args: "", set: transparent, doc: "Accepts what is sent to any address." },
    Option_ { name: "uid", args: "<uid>", set: uid, doc: "The user of a UNIX socket, by number." },
    Option_ { name: "user", args: "<user>", set: user, doc: "The user of a UNIX socket." },
    Option_ { name: "v4v6", args: "", set: v4v6, doc: "An IPv6 socket takes IPv4 too." },
    Option_ { name: "v6only", args: "", set: v6only, doc: "An IPv6 socket refuses IPv4." },
];

/// The options that HAProxy has beyond these.
pub(super) const KNOWN: &[&str] = &[
    "accept-netscaler-cip",
    "ca-sign-file",
    "ca-sign-pass",
    "cc",
    "client-sigalgs",
    "expose-fd",
    "force-sslv3",
    "force-tlsv10",
    "force-tlsv11",
    "generate-certificates",
    "guid-prefix",
    "idle-ping",
    "ktls",
    "label",
    "namespace",
    "nbconn",
    "npn",
    "process",
    "quic-cc-algo",
    "quic-force-retry",
    "quic-socket",
    "severity-output",
    "sigalgs",
    "tcp-md5sig",
    "tcp-ss",
    "tls-ticket-keys",
];

fn bind(cx: &mut Cx<'_>, line: &Line) {
    let Some(place) = line.words.get(1) else {
        let message = "'bind' expects {<path>|[addr1]:port1[-end1]}{,[addr]:port[-end]}... as \
                       arguments.";
        cx.alert(line.span, message);
        return;
    };
    let mut bind = Bind { name: place.text.clone(), line: line.span, ..Bind::default() };
    bind.options.backlog = cx.draft.settings.backlog;
    let mut good = true;
    let mut offset = 0;
    for part in place.text.split(',') {
        let span = place.sub(offset..offset + part.len());
        offset += part.len() + 1;
        if part.is_empty() && offset > 1 {
            // HAProxy: a comma at the end is nothing.
            continue;
        }
        match addr::Spec::parse(part, &addr::BIND) {
            Ok(spec) => {
                if let addr::Host::Name(name, family) = &spec.host
                    && resolve::blocking(name, *family).is_err()
                {
                    cx.alert(span, format!("'bind' : invalid address: '{name}' in '{part}'"));
                    good = false;
                }
                bind.addrs.push(spec);
            }
            Err(error) => {
                cx.alert(span, format!("'bind' : {error}"));
                good = false;
            }
        }
    }
    let mut said = tls::Said::default();
    good &= options(cx, line, &mut bind, &mut said);
    if good {
        bind.tls = tls::acceptor(cx, line, &said);
        let clash = cx.draft.binds.iter().find(|other| other.id == bind.id && bind.id != 0);
        if let Some(other) = clash {
            let (file, number) = cx.input.sources.place(other.line);
            let message = format!(
                "'bind {}' in section '{}' : 'id' : custom id {} already used at {file}:{number} \
                 ('bind {}')",
                place.text,
                cx.draft.kind.keyword(),
                bind.id,
                other.name
            );
            cx.alert(line.span, message);
            return;
        }
        cx.draft.binds.push(bind);
    }
}

fn options(cx: &mut Cx<'_>, line: &Line, bind: &mut Bind, said: &mut tls::Said) -> bool {
    let place = line.text(1);
    let before = format!("'bind {place}' in section '{}'", cx.draft.kind.keyword());
    let mut good = true;
    let mut at = 2;
    while let Some(word) = line.words.get(at) {
        at += 1;
        let name = word.text.as_str();
        if let Some(option) = OPTIONS.iter().find(|option| option.name == name) {
            let argument = (!option.args.is_empty()).then(|| line.words.get(at)).flatten();
            if let Err(message) = (option.set)(bind, argument) {
                let span = argument.map_or(word.span, |word| word.span);
                cx.alert(span, format!("{before} : '{name}' : {message}"));
                good = false;
            }
            at += usize::from(!option.args.is_empty());
            continue;
        }
        if let Some(option) = tls::find(name, tls::Side::Bind) {
            let takes = !option.args.is_empty();
            let argument = line.words.get(at).filter(|_| takes);
            let none = Word::new("", word.span);
            if let Err(message) = (option.set)(said, argument.unwrap_or(&none)) {
                let span = argument.map_or(word.span, |word| word.span);
                cx.alert(span, format!("{before} : '{name}' : {message}."));
                good = false;
            }
            at += usize::from(takes);
            continue;
        }
        good = false;
        if KNOWN.contains(&name) {
            let message = format!("{before} : '{name}' is known to HAProxy but not supported yet");
            cx.alert(word.span, message);
            // What stands behind it may belong to it.
            return false;
        }
        let near = suggest::suggest(name, OPTIONS.iter().map(|option| option.name));
        let tail =
            near.map_or_else(|| ".".to_owned(), |near| format!("; did you mean '{near}' maybe ?"));
        cx.alert(word.span, format!("{before}: unknown keyword '{name}'{tail}"));
        // What stands behind it may be its argument.
        let known = |word: &&Word| OPTIONS.iter().any(|option| option.name == word.text);
        at += line.rest(at).iter().take_while(|word| !known(word)).count();
    }
    good
}

fn ignored(_: &mut Bind, word: Option<&Word>) -> Result<(), String> {
    word.map(|_| ()).ok_or_else(|| "missing value".to_owned())
}

fn integer<T: std::str::FromStr>(word: Option<&Word>) -> Result<T, String> {
    let word = word.ok_or("missing value")?;
    word.text.parse().map_err(|_| format!("expects an integer argument, found '{}'", word.text))
}

#[expect(clippy::unnecessary_wraps, reason = "as all rows have it")]
fn accept_proxy(bind: &mut Bind, _: Option<&Word>) -> Result<(), String> {
    bind.accept_proxy = true;
    Ok(())
}

fn backlog(bind: &mut Bind, word: Option<&Word>) -> Result<(), String> {
    let value: i32 = integer(word)?;
    if value < 0 {
        return Err(format!("invalid value {value}, must be > 0"));
    }
    bind.options.backlog = (value > 0).then_some(value);
    Ok(())
}

fn gid(bind: &mut Bind, word: Option<&Word>) -> Result<(), String> {
    bind.options.gid = Some(integer(word)?);
    Ok(())
}

fn group(bind: &mut Bind, word: Option<&Word>) -> Result<(), String> {
    let name = &word.ok_or("missing group name")?.text;
    bind.options.gid =
        Some(number_of("/etc/group", name).ok_or_else(|| format!("unknown group name '{name}'"))?);
    Ok(())
}

fn id(bind: &mut Bind, word: Option<&Word>) -> Result<(), String> {
    let word = word.ok_or("expects an integer argument")?;
    let value: u32 = integer(Some(word))?;
    if value == 0 {
        return Err("custom id has to be > 0".to_owned());
    }
    bind.id = value;
    Ok(())
}

fn interface(bind: &mut Bind, word: Option<&Word>) -> Result<(), String> {
    bind.options.interface = Some(word.ok_or("missing interface name")?.text.clone());
    Ok(())
}

fn maxconn(bind: &mut Bind, word: Option<&Word>) -> Result<(), String> {
    bind.maxconn = integer(word)?;
    Ok(())
}

fn mode(bind: &mut Bind, word: Option<&Word>) -> Result<(), String> {
    let text = word.map_or("", |word| word.text.as_str());
    bind.options.mode = Some(
        u32::from_str_radix(text, 8)
            .map_err(|_| format!("missing or invalid mode '{text}' (octal integer expected)"))?,
    );
    Ok(())
}

fn mss(bind: &mut Bind, word: Option<&Word>) -> Result<(), String> {
    word.ok_or("missing MSS value")?;
    bind.options.mss = Some(integer(word)?);
    Ok(())
}

fn name(bind: &mut Bind, word: Option<&Word>) -> Result<(), String> {
    bind.name.clone_from(&word.ok_or("missing name")?.text);
    bind.is_named = true;
    Ok(())
}

fn nice(bind: &mut Bind, word: Option<&Word>) -> Result<(), String> {
    let value: i32 = integer(word)?;
    if !(-1024..=1024).contains(&value) {
        return Err(format!("invalid value {value}, allowed range is -1024..1024"));
    }
    bind.nice = value;
    Ok(())
}

fn proto(bind: &mut Bind, word: Option<&Word>) -> Result<(), String> {
    bind.http2 = is_http2(word)?;
    Ok(())
}

/// Reads the argument of `proto`.
pub(super) fn is_http2(word: Option<&Word>) -> Result<bool, String> {
    match word.ok_or("missing value")?.text.as_str() {
        "h2" => Ok(true),
        "h1" | "none" => Ok(false),
        other @ ("fcgi" | "quic" | "spop") => {
            Err(format!("MUX protocol '{other}' is known to HAProxy but not supported yet"))
        }
        other => Err(format!(" unknown MUX protocol '{other}'")),
    }
}

fn tcp_ut(bind: &mut Bind, word: Option<&Word>) -> Result<(), String> {
    let word = word.ok_or("missing TCP User Timeout value")?;
    let time = unit::time(&word.text, unit::Unit::Millisecond);
    bind.options.user_timeout = Some(time.map_err(|_| "expects a positive delay in milliseconds")?);
    Ok(())
}

#[expect(clippy::unnecessary_wraps, reason = "as all rows have it")]
fn transparent(bind: &mut Bind, _: Option<&Word>) -> Result<(), String> {
    bind.options.transparent = true;
    Ok(())
}

fn uid(bind: &mut Bind, word: Option<&Word>) -> Result<(), String> {
    bind.options.uid = Some(integer(word)?);
    Ok(())
}

fn user(bind: &mut Bind, word: Option<&Word>) -> Result<(), String> {
    let name = &word.ok_or("missing user name")?.text;
    bind.options.uid =
        Some(number_of("/etc/passwd", name).ok_or_else(|| format!("unknown user name '{name}'"))?);
    Ok(())
}

#[expect(clippy::unnecessary_wraps, reason = "as all rows have it")]
fn v4v6(bind: &mut Bind, _: Option<&Word>) -> Result<(), String> {
    bind.options.v6only = Some(false);
    Ok(())
}

#[expect(clippy::unnecessary_wraps, reason = "as all rows have it")]
fn v6only(bind: &mut Bind, _: Option<&Word>) -> Result<(), String> {
    bind.options.v6only = Some(true);
    Ok(())
}

/// Finds the number of a name in a file of lines `name:password:number:...`.
fn number_of(file: &str, name: &str) -> Option<u32> {
    let text = std::fs::read_to_string(file).ok()?;
    text.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(name)).then(|| fields.nth(1)?.parse().ok()).flatten()
    })
}
