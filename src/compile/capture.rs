//! `capture` and `declare capture`: what is kept of messages, for the log.

use crate::http;
use crate::proxy::Capture;
use crate::syntax::Line;
use crate::txn::Direction;

use super::Cx;
use super::table::Directive;

#[rustfmt::skip]
pub(super) const TABLE: &[Directive] = &[
    Directive { name: "capture", sections: "FL", run: capture, args: "{ request | response } header <name> len <length>", doc: "Keeps the last value of a header." },
    Directive { name: "declare", sections: "FBL", run: declare, args: "capture { request | response } len <length>", doc: "Makes a slot that rules fill with `capture`." },
];

fn capture(cx: &mut Cx<'_>, line: &Line) {
    let direction = match (line.text(1), line.text(2)) {
        ("request", "header") => Direction::Request,
        ("response", "header") => Direction::Response,
        ("cookie", _) => {
            let message = "'capture cookie' is known to HAProxy but not supported yet";
            cx.alert(line.span_from(1), message);
            return;
        }
        _ => {
            let message = "'capture' expects 'cookie' or 'request header' or 'response header'.";
            cx.alert(line.span_from(1), message);
            return;
        }
    };
    let length = line.text(5).parse::<usize>().ok().filter(|_| line.text(4) == "len");
    let (Some(name), Some(length)) = (line.words.get(3), length) else {
        let message =
            format!("'capture {}' expects 'header' <header_name> 'len' <len>.", line.text(1));
        cx.alert(line.span_from(3), message);
        return;
    };
    if !http::check::name(name.text.as_bytes()) {
        cx.alert(name.span, format!("invalid header name '{}'", name.text));
        return;
    }
    if let Some(extra) = line.words.get(6) {
        let message = format!("'capture' cannot handle unexpected argument '{}'.", extra.text);
        cx.alert(extra.span, message);
        return;
    }
    let header = Some(name.text.to_ascii_lowercase());
    add(cx, direction, Capture { header, length });
}

fn declare(cx: &mut Cx<'_>, line: &Line) {
    if !cx.draft.caps().frontend {
        cx.alert(line.span, "'declare' only available in frontend or listen section");
        return;
    }
    let (at, message) = match (line.text(1), line.text(2)) {
        ("capture", "request" | "response") => match (line.text(3), line.text(4).parse()) {
            ("len", Ok(length)) if length > 0 => {
                let request = line.text(2) == "request";
                let direction = if request { Direction::Request } else { Direction::Response };
                add(cx, direction, Capture { header: None, length });
                return;
            }
            ("len", _) if line.words.len() < 5 => {
                let message = "'declare capture': 'len' requires a numeric value that represents \
                               the capture length";
                (3, message.to_owned())
            }
            ("len", _) => {
                (4, format!("'declare capture': cannot parse the length '{}'", line.text(4)))
            }
            _ => (2, "'declare capture' requires a capture length ('len')".to_owned()),
        },
        ("capture", _) => {
            (2, "'declare capture' requires a direction ('request' or 'response')".to_owned())
        }
        ("", _) => {
            let message = "'declare' needs a second keyword that specify the type of \
                           declaration ('capture')";
            (1, message.to_owned())
        }
        (other, _) => (1, format!("unknown declaration type '{other}' (supports 'capture')")),
    };
    cx.alert(line.span_from(at), message);
}

fn add(cx: &Cx<'_>, direction: Direction, capture: Capture) {
    cx.draft.captures.borrow_mut()[direction as usize].push(capture);
}
