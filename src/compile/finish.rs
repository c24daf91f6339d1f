//! What is known only at the end: names against names, and the program itself.

use std::sync::Arc;

use crate::diag::Diagnostic;
use crate::diag::Lead;
use crate::diag::Span;
use crate::net::Addr;
use crate::program::Bind;
use crate::program::Program;
use crate::program::Section;
use crate::program::ServerTlv;
use crate::program::Target;
use crate::proxy;
use crate::proxy::Caps;
use crate::proxy::Counters;
use crate::proxy::Mode;
use crate::rule;
use crate::sample;
use crate::sample::Checkpoint;
use crate::sample::Format;
use crate::script::Registry;
use crate::syntax::Line;
use crate::syntax::Word;

use super::Cx;
use super::draft::Draft;
use super::draft::Kind;
use super::draft::LogFormat;
use super::rules;
use super::switch;

/// How often a connection to a server is tried again where nothing is said.
const RETRIES: u32 = 3;

/// Makes the program of the drafts, by proxy id.
pub(super) fn program<'a>(cx: &mut Cx<'a>, mut drafts: Vec<Draft<'a>>) -> Option<Program> {
    let mode = |draft: &Draft<'_>| {
        let mode = (!draft.settings.is_mode_wrong).then_some(draft.settings.mode);
        (draft.kind, mode, draft.span)
    };
    let modes: Vec<_> = drafts.iter().map(mode).collect();
    number(cx, &mut drafts);
    let mut sections = Vec::new();
    for draft in drafts {
        cx.draft = draft;
        sections.push(section(cx, &modes));
    }
    if cx.global.maxrewrite >= cx.global.bufsize / 2 {
        cx.global.maxrewrite = cx.global.bufsize / 2;
    }
    spread_shared_state(&mut sections);
    let proxies = sections.iter().map(|section| Arc::clone(&section.proxy)).collect();
    let process = proxy::info::Process {
        workers: cx.global.nbthread,
        maxconn: cx.global.maxconn.into(),
        node: cx.global.node.clone(),
        description: cx.global.description.clone(),
    };
    let mut proxies = proxy::Set::new(proxies);
    proxies.process = process;
    Some(Program {
        global: cx.global.clone(),
        proxies: Arc::new(proxies),
        sections,
        files: cx.input.sources.iter().map(|(_, source)| source.name.clone()).collect(),
    })
}

/// Gives proxies and servers without an `id` the first free one.
fn number(cx: &mut Cx<'_>, drafts: &mut [Draft<'_>]) {
    let mut taken: Vec<(u32, Span)> = Vec::new();
    for draft in drafts.iter() {
        let Some((id, span)) = draft.uuid else { continue };
        if let Some((_, other)) = taken.iter().find(|(known, _)| *known == id) {
            let (file, line) = cx.input.sources.place(*other);
            let message =
                format!("{}: custom id {id} is already used at {file}:{line}.", draft.owner());
            cx.alert(span, message);
        }
        taken.push((id, span));
    }
    let mut next = 1;
    for draft in drafts.iter_mut() {
        if draft.uuid.is_none() {
            while taken.iter().any(|(known, _)| *known == next) {
                next += 1;
            }
            draft.uuid = Some((next, draft.span));
            next += 1;
        }
        fill(draft.servers.iter_mut().map(|server| &mut server.puid).collect());
        fill(draft.binds.iter_mut().map(|bind| &mut bind.id).collect());
    }
}

/// Gives those that have no id the first free one.
fn fill(mut ids: Vec<&mut u32>) {
    let mut next = 1;
    for index in 0..ids.len() {
        while ids.iter().any(|id| **id == next) {
            next += 1;
        }
        if let Some(id) = ids.get_mut(index).filter(|id| ***id == 0) {
            **id = next;
        }
    }
}

/// Checks a section as a whole, and makes it.
fn section(cx: &mut Cx<'_>, modes: &[(Kind, Option<Mode>, Span)]) -> Section {
    let default_backend = default_backend(cx);
    compare_modes(cx, modes, default_backend);
    check_rules(cx);
    check_slots(cx);
    check_binds(cx);
    check_protocols(cx);
    check_timeouts(cx);
    let log_format = log_format(cx);
    let error_log_format =
        cx.draft.settings.error_log_format.and_then(|word| {
            format(cx, word, Checkpoint::Log, "failed to parse error-log-format : ")
        });
    let unique_id = cx.draft.settings.unique_id.and_then(|word| {
        format(cx, word, Checkpoint::FrontendHttpHeader, "failed to parse unique-id : ")
    });
    let server_tlvs = server_tlvs(cx);
    let mut draft = std::mem::take(&mut cx.draft);
    let binds = std::mem::take(&mut draft.binds);
    let listeners = listeners(&binds);
    let settings = draft.settings.clone();
    let needs_shared_state =
        uses_shared_state(
            cx.input.loader,
            &draft,
            [log_format.as_ref(), error_log_format.as_ref(), unique_id.as_ref()],
        ) || server_tlvs.iter().any(|tlv| tlv.value.uses_shared_state(cx.input.loader));
    let rules = std::mem::take(&mut draft.rules);
    Section {
        binds: if settings.disabled { Vec::new() } else { binds },
        disabled: settings.disabled,
        tcp_connection: rules.tcp_connection,
        tcp_session: rules.tcp_session,
        tcp_request: rules.tcp_request,
        tcp_response: rules.tcp_response,
        http_request: rules.http_request,
        http_response: rules.http_response,
        http_after_response: rules.http_after_response,
        switching: std::mem::take(&mut draft.switching),
        use_server: std::mem::take(&mut draft.use_server),
        default_backend: default_backend.map(|(id, _)| id),
        log_format,
        log_connect: settings.log_format.is_none(),
        error_log_format,
        log_tag: settings.log_tag,
        unique_id,
        unique_id_header: settings.unique_id_header,
        server_tlvs,
        monitor_uri: settings.monitor_uri,
        monitor_fail: std::mem::take(&mut draft.monitor_fail),
        needs_shared_state,
        proxy: Arc::new(proxy::Proxy { listeners, ..proxy(cx, &draft) }),
        sni: draft
            .servers
            .iter_mut()
            .filter_map(|server| Some((server.puid, server.sni.take()?)))
            .collect(),
    }
}

/// Returns the addresses of `bind` lines, named as HAProxy names them.
fn listeners(binds: &[Bind]) -> Vec<proxy::Listener> {
    let each = binds.iter().flat_map(|bind| bind.addrs.iter().map(move |spec| (bind, spec)));
    each.map(|(bind, spec)| {
        let addr = spec.addrs().first().map_or_else(String::new, Addr::to_config);
        let named = !bind.name.is_empty() && bind.is_named;
        let name = if named { bind.name.clone() } else { format!("sock-{}", bind.id) };
        proxy::Listener { id: bind.id, name, addr }
    })
    .collect()
}

/// Reports HTTP/2 where there is no HTTP.
fn check_protocols(cx: &mut Cx<'_>) {
    if cx.draft.is_http() {
        return;
    }
    let wrong = "MUX protocol 'h2' is not usable for";
    let binds = cx.draft.binds.iter().filter(|bind| bind.http2);
    let binds = binds.map(|bind| (bind.line, format!("{wrong} 'bind {}'", bind.name)));
    let servers = cx.draft.servers.iter().filter(|server| server.settings.http2);
    let servers = servers.map(|server| (server.span, format!("{wrong} server '{}'", server.name)));
    for (span, message) in binds.chain(servers).collect::<Vec<_>>() {
        let message = format!(
            "{} : {message} at [{}] (needs 'mode http').",
            cx.draft.owner(),
            place(cx, span)
        );
        cx.push(Diagnostic::alert(span, message).lead(Lead::Bare));
    }
}

/// Compiles `set-proxy-v2-tlv-fmt` of the servers.
fn server_tlvs(cx: &mut Cx<'_>) -> Vec<ServerTlv> {
    let wanted = |(server, draft): (usize, &super::server::Draft)| {
        let tlvs = draft.settings.tlvs.iter();
        tlvs.map(|(kind, word)| (server, *kind, word.clone())).collect::<Vec<_>>()
    };
    let wanted: Vec<_> = cx.draft.servers.iter().enumerate().flat_map(wanted).collect();
    let before = "failed to parse set-proxy-v2-tlv-fmt : ";
    let compile = |(server, kind, word): (usize, u8, Word)| {
        let value = format(cx, &word, Checkpoint::UseServer, before)?;
        Some(ServerTlv { server, kind, value })
    };
    wanted.into_iter().filter_map(compile).collect()
}

fn default_backend(cx: &mut Cx<'_>) -> Option<(proxy::Id, Span)> {
    let word = cx.draft.settings.default_backend?;
    if !cx.draft.caps().frontend {
        return None;
    }
    let wanted = Caps { frontend: false, backend: true };
    let found = cx.directory.find(&word.text, wanted);
    if found.is_none() {
        let message = format!(
            "Proxy '{}': unable to find required default_backend: '{}'.",
            cx.draft.name, word.text
        );
        switch::missing(cx, word, &message);
    }
    found.map(|id| (id, word.span))
}

/// Reports backends whose mode is not that of the frontend.
fn compare_modes(
    cx: &mut Cx<'_>,
    modes: &[(Kind, Option<Mode>, Span)],
    default_backend: Option<(proxy::Id, Span)>,
) {
    let mode = cx.draft.settings.mode;
    let rules = std::mem::take(&mut cx.draft.targets);
    let rules = rules.into_iter().map(|target| (target, "in a 'use_backend' rule"));
    let default = default_backend.map(|target| (target, "as its default backend"));
    for ((id, span), how) in rules.chain(default) {
        if cx.draft.id == Some(id) {
            let keyword = if how.starts_with("as") { "default_backend" } else { "use_backend" };
            let name = cx.draft.name.clone();
            let message = format!("Proxy '{name}': loop detected for {keyword}: '{name}'.");
            cx.alert_bare(span, message);
            continue;
        }
        let Some(&(kind, other, at)) = modes.get(id.0 as usize) else { continue };
        let Some(other) = other.filter(|_| !cx.draft.settings.is_mode_wrong) else { continue };
        // HAProxy: a connection of `mode tcp` may become one of HTTP.
        if other == mode || (mode, other) == (Mode::Tcp, Mode::Http) {
            continue;
        }
        let place = |span| {
            let (file, line) = cx.input.sources.place(span);
            format!("{file}:{line}")
        };
        let name = cx.directory.entries.get(id.0 as usize).map_or("", |(name, ..)| name.as_str());
        let message = format!(
            "{} {} ({}) tries to use incompatible {} {} '{name}' ({}) {how} (see 'mode').",
            mode_name(mode),
            cx.draft.owner(),
            place(cx.draft.span),
            mode_name(other),
            kind.noun(),
            place(at)
        );
        cx.alert_bare(span, message);
    }
}

fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Tcp => "tcp",
        Mode::Http => "http",
    }
}

/// Warns of rules that need `mode http`.
fn check_rules(cx: &mut Cx<'_>) {
    if cx.draft.is_http() {
        return;
    }
    let mut seen: Vec<&str> = Vec::new();
    for (keyword, span) in std::mem::take(&mut cx.draft.http_lines) {
        if !seen.contains(&keyword) {
            seen.push(keyword);
            let message = format!(
                "'{keyword}' rules ignored for {} as they require HTTP mode.",
                cx.draft.owner()
            );
            cx.warn_bare(span, message);
        }
    }
    let owner = cx.draft.owner();
    let at = cx.draft.span;
    if cx.draft.settings.monitor_uri.take().is_some() {
        cx.warn_bare(at, format!("monitor-uri will be ignored for {owner} (needs 'mode http')."));
    }
    if cx.draft.settings.options.forward_for.take().is_some() {
        let message = format!("'option forwardfor' ignored for {owner} as it requires HTTP mode.");
        cx.warn_bare(at, message);
    }
    // Redirects are among the `http-request` rules.
    let rules = &mut cx.draft.rules;
    for kind in [rule::Kind::HttpRequest, rule::Kind::HttpResponse, rule::Kind::HttpAfterResponse] {
        *rules.of(kind) = rule::RuleSet::default();
    }
}

/// Reports capture slots that are not there; those of a backend's rules are its frontends'.
fn check_slots(cx: &mut Cx<'_>) {
    let uses = cx.draft.slots.take();
    if !cx.draft.caps().frontend {
        return;
    }
    for slot_use in uses {
        let there = cx.draft.captures.borrow()[slot_use.kind.direction() as usize].len();
        if slot_use.slot >= there {
            let message = format!(
                "Proxy '{}': unable to find capture id '{}' referenced by {} capture rule.",
                cx.draft.name,
                slot_use.slot,
                slot_use.kind.keyword()
            );
            cx.alert_bare(slot_use.span, message);
        }
    }
}

fn check_binds(cx: &mut Cx<'_>) {
    if cx.draft.kind == Kind::Frontend
        && cx.draft.binds.is_empty()
        && !cx.draft.settings.disabled
        && !cx.has_alerts()
    {
        let message = format!(
            "{} has no 'bind' directive. Please declare it as a backend if this was intended.",
            cx.draft.owner()
        );
        cx.warn_bare(cx.draft.span, message);
    }
}

/// Warns of waiting without end.
fn check_timeouts(cx: &mut Cx<'_>) {
    let timeouts = &cx.draft.settings.timeouts;
    let caps = cx.draft.caps();
    let server = timeouts.server.is_some()
        || (cx.draft.settings.mode == Mode::Tcp && timeouts.tunnel.is_some());
    let client = caps.frontend && timeouts.client.is_none();
    let backend =
        caps.backend && !cx.draft.servers.is_empty() && (timeouts.connect.is_none() || !server);
    if (client || backend) && !cx.draft.settings.disabled {
        let message = format!(
            "missing timeouts for {}.\n   | While not properly invalid, you will certainly \
             encounter various problems\n   | with such a configuration. To fix this, please \
             ensure that all following\n   | timeouts are set to a non-zero value: 'client', \
             'connect', 'server'.",
            cx.draft.owner()
        );
        cx.warn_bare(cx.draft.span, message);
    }
}

fn log_format(cx: &mut Cx<'_>) -> Option<Format> {
    if !cx.draft.caps().frontend {
        return None;
    }
    let http = cx.draft.is_http();
    let (made, span) = match cx.draft.settings.log_format {
        Some(LogFormat::Text(word)) => {
            (format(cx, word, Checkpoint::Log, "failed to parse log-format : "), word.span)
        }
        Some(LogFormat::Builtin { option, format, span }) => {
            (named_format(cx, option, format, span), span)
        }
        None => {
            let text = if http { sample::DEFAULT_HTTP_FORMAT } else { sample::DEFAULT_FORMAT };
            return builtin(cx, text, cx.draft.span);
        }
    };
    let logs = !cx.draft.settings.loggers.is_empty()
        || (cx.draft.settings.log_global && !cx.global.loggers.is_empty());
    // HAProxy: what was asked for in a `defaults` section is not worth a warning.
    if made.is_some() && !logs && is_within(span, cx) {
        let owner = cx.draft.owner();
        let message = format!("log format ignored for {owner} since it has no log address.");
        cx.warn_bare(span, message);
    }
    made
}

/// Makes the format that an option stands for; one for HTTP is one for TCP in `mode tcp`.
fn named_format(
    cx: &mut Cx<'_>,
    option: &'static str,
    text: &'static str,
    span: Span,
) -> Option<Format> {
    let mut text = text;
    if text != sample::TCP_FORMAT && !cx.draft.is_http() {
        let message = format!(
            "parsing [{}] : 'option {option}' not usable with {} (needs 'mode http'). Falling \
             back to 'option tcplog'.",
            place(cx, span),
            cx.draft.owner()
        );
        cx.warn_bare(span, message);
        text = sample::TCP_FORMAT;
    }
    let made = {
        let env = rules::env(cx, Checkpoint::Log);
        Format::parse(text, &env, sample::Options::LOG)
    };
    if made.is_err() {
        cx.alert(span, format!("'option {option}' is known to HAProxy but not supported yet"));
    }
    made.ok()
}

/// Tells whether a place lies in the section at hand, not in a `defaults` section before it.
fn is_within(span: Span, cx: &Cx<'_>) -> bool {
    span.source == cx.draft.span.source && span.start >= cx.draft.span.start
}

fn place(cx: &Cx<'_>, span: Span) -> String {
    let (file, line) = cx.input.sources.place(span);
    format!("{file}:{line}")
}

fn builtin(cx: &mut Cx<'_>, text: &str, span: Span) -> Option<Format> {
    format(cx, &Word::new(text, span), Checkpoint::Log, "failed to parse log-format : ")
}

fn format(cx: &mut Cx<'_>, word: &Word, checkpoint: Checkpoint, before: &str) -> Option<Format> {
    let line = Line { words: vec![word.clone()], span: word.span };
    let options = match checkpoint {
        Checkpoint::Log => sample::Options::LOG,
        _ => sample::Options::ID,
    };
    rules::format(cx, &line, word, checkpoint, options, before)
}

fn uses_shared_state(
    scripts: &dyn Registry,
    draft: &Draft<'_>,
    formats: [Option<&Format>; 3],
) -> bool {
    let condition = |condition: &Option<sample::Condition>| {
        condition.as_ref().is_some_and(|c| c.uses_shared_state(scripts))
    };
    let switching = draft.switching.iter().any(|switch| {
        condition(&switch.condition)
            || matches!(&switch.target, Target::Dynamic(f) if f.uses_shared_state(scripts))
    });
    let use_server = draft.use_server.iter().any(|switch| {
        condition(&switch.condition)
            || matches!(&switch.target, Target::Dynamic(f) if f.uses_shared_state(scripts))
    });
    switching
        || use_server
        || draft.rules.all().iter().any(|rules| rules.needs_shared_state())
        || draft.monitor_fail.iter().any(|condition| condition.uses_shared_state(scripts))
        || formats.into_iter().flatten().any(|format| format.uses_shared_state(scripts))
}

/// A frontend needs what the backends that it may use need.
fn spread_shared_state(sections: &mut [Section]) {
    let needs: Vec<bool> = sections.iter().map(|section| section.needs_shared_state).collect();
    let any_backend =
        sections.iter().zip(&needs).any(|(section, needs)| section.proxy.caps.backend && *needs);
    for section in sections {
        let need = |id: proxy::Id| needs.get(id.0 as usize).copied().unwrap_or_default();
        section.needs_shared_state |= section.default_backend.is_some_and(need)
            || section.switching.iter().any(|switch| match &switch.target {
                Target::Fixed(id) => need(*id),
                Target::Dynamic(_) => any_backend,
            });
    }
}

fn proxy(cx: &Cx<'_>, draft: &Draft<'_>) -> proxy::Proxy {
    let workers = cx.global.nbthread;
    let settings = &draft.settings;
    let servers = if settings.disabled { &[] } else { draft.servers.as_slice() };
    let servers = servers.iter().map(|server| {
        Arc::new(proxy::Server {
            puid: server.puid,
            name: server.name.clone(),
            addr: server.addr.clone(),
            port_offset: server.port_offset,
            weight: server.settings.weight,
            maxconn: server.settings.maxconn,
            maxqueue: server.settings.maxqueue,
            backup: server.settings.backup,
            disabled: server.settings.disabled,
            http2: server.settings.http2,
            send_proxy: server.settings.send_proxy(),
            tls: server.connector.clone(),
            counters: Counters::new(workers),
            ..proxy::Server::blank()
        })
    });
    let mut loggers = Vec::new();
    if settings.log_global {
        loggers.extend(cx.global.loggers.iter().cloned());
    }
    loggers.extend(settings.loggers.iter().cloned());
    proxy::Proxy {
        id: draft.id.unwrap_or(proxy::Id(0)),
        uuid: draft.uuid.map_or(0, |(id, _)| id),
        name: draft.name.clone(),
        caps: draft.caps(),
        mode: settings.mode,
        timeouts: settings.timeouts,
        options: settings.options.clone(),
        maxconn: if settings.maxconn > 0 { settings.maxconn } else { cx.input.default_maxconn },
        fullconn: settings.fullconn,
        retries: settings.retries.unwrap_or(RETRIES),
        balance: settings.balance,
        servers: servers.collect(),
        captures: draft.captures.borrow().clone(),
        error_answers: settings.error_answers.clone(),
        loggers,
        description: draft.description.clone(),
        counters: Counters::new(workers),
        ..proxy::Proxy::blank()
    }
}
