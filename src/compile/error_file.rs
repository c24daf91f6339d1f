//! `errorfile` and `errorloc`: answers of the operator's own.

use bytes::Bytes;
use bytes::BytesMut;

use crate::rule;
use crate::syntax::Line;
use crate::txn::Reply;

use super::Cx;
use super::table::Directive;

#[rustfmt::skip]
pub(super) const TABLE: &[Directive] = &[
    Directive { name: "errorfile", sections: "DFBL", run: errorfile, args: "<code> <file>", doc: "A whole answer, from a file, in the place of the proxy's own for a status." },
    Directive { name: "errorloc", sections: "DFBL", run: errorloc, args: "<code> <url>", doc: "Sends the client to a URL, with status 302, in the place of an error." },
    Directive { name: "errorloc302", sections: "DFBL", run: errorloc, args: "<code> <url>", doc: "The same." },
    Directive { name: "errorloc303", sections: "DFBL", run: errorloc, args: "<code> <url>", doc: "The same with status 303: the client goes on with GET." },
];

fn errorfile(cx: &mut Cx<'_>, line: &Line) {
    let Some((status, name)) = arguments(cx, line, "file") else { return };
    let Ok(bytes) = std::fs::read(cx.path(&name)) else {
        cx.alert(line.span_from(2), format!("errorfile : error opening file '{name}'."));
        return;
    };
    if bytes.len() > cx.global.bufsize {
        let message = format!(
            "errorfile : '{name}': file is larger than a buffer ({} > {}).",
            bytes.len(),
            cx.global.bufsize
        );
        cx.alert(line.span_from(2), message);
        return;
    }
    if bytes.is_empty() {
        // HAProxy: an empty file makes the connection close without an answer.
        set(cx, status, Bytes::new());
        return;
    }
    match rule::read_message(&bytes) {
        Ok(reply) => {
            let version = if bytes.starts_with(b"HTTP/1.0") { "HTTP/1.0" } else { "HTTP/1.1" };
            set(cx, status, whole(&reply, version));
        }
        Err(offset) => {
            let message =
                format!("errorfile : '{name}': unable to parse headers (error offset: {offset})");
            cx.alert(line.span_from(2), message);
        }
    }
}

fn errorloc(cx: &mut Cx<'_>, line: &Line) {
    let Some((status, url)) = arguments(cx, line, "url") else { return };
    if !crate::http::check::value(url.as_bytes()) {
        cx.alert(line.span_from(2), format!("{} : invalid url '{url}'.", line.text(0)));
        return;
    }
    let header = |name: &'static str, value: &str| {
        (Bytes::from_static(name.as_bytes()), Bytes::copy_from_slice(value.as_bytes()))
    };
    let headers = vec![header("cache-control", "no-cache"), header("location", &url)];
    let (code, reason) =
        if line.text(0) == "errorloc303" { (303, "See Other") } else { (302, "Found") };
    let reason = Bytes::from_static(reason.as_bytes());
    set(
        cx,
        status,
        whole(&Reply { status: code, reason, headers, ..Reply::default() }, "HTTP/1.1"),
    );
}

/// Reads the status and what stands behind it.
fn arguments(cx: &mut Cx<'_>, line: &Line, what: &str) -> Option<(u16, String)> {
    let keyword = line.text(0);
    let (Some(code), Some(word)) = (line.words.get(1), line.words.get(2)) else {
        let message = format!("{keyword} : expects <status_code> and <{what}> as arguments.");
        cx.alert(line.span, message);
        return None;
    };
    let status = code.text.parse().unwrap_or_default();
    if !rule::ERROR_STATUSES.contains(&status) {
        cx.alert(code.span, format!("{keyword} : status code '{status}' not handled."));
        return None;
    }
    Some((status, word.text.clone()))
}

fn set(cx: &mut Cx<'_>, status: u16, answer: Bytes) {
    let answers = &mut cx.draft.settings.error_answers;
    answers.retain(|(known, _)| *known != status);
    answers.push((status, answer));
}

/// Writes a whole answer, with the length of its body.
///
/// HAProxy: an answer in HTTP/1.0 stays one, and ends with the connection.
fn whole(reply: &Reply, version: &str) -> Bytes {
    let reason = match reply.reason.is_empty() {
        true => Bytes::from_static(crate::http::status::reason(reply.status).as_bytes()),
        false => reply.reason.clone(),
    };
    let mut out = BytesMut::new();
    out.extend_from_slice(format!("{version} {} ", reply.status).as_bytes());
    out.extend_from_slice(&reason);
    out.extend_from_slice(b"\r\n");
    let length = match version {
        "HTTP/1.0" => String::new(),
        _ => format!("content-length: {}\r\n", reply.body.len()),
    };
    for (name, value) in &reply.headers {
        // HAProxy: the order of its own answers.
        if name == "location" {
            out.extend_from_slice(length.as_bytes());
        }
        out.extend_from_slice(name);
        out.extend_from_slice(b": ");
        out.extend_from_slice(value);
        out.extend_from_slice(b"\r\n");
    }
    if !reply.headers.iter().any(|(name, _)| name == "location") {
        out.extend_from_slice(length.as_bytes());
    }
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(&reply.body);
    out.freeze()
}
