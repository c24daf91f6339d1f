//! `use_backend`, `default_backend`, `use-server`: where an exchange goes.

use crate::diag::Diagnostic;
use crate::diag::Lead;
use crate::program::Switch;
use crate::program::Target;
use crate::proxy::Caps;
use crate::sample::Checkpoint;
use crate::sample::Condition;
use crate::sample::Format;
use crate::sample::Options;
use crate::syntax::Line;
use crate::syntax::Word;

use super::Cx;
use super::rules;
use super::rules::Order;
use super::table::Directive;

#[rustfmt::skip]
pub(super) const TABLE: &[Directive] = &[
    Directive { name: "default_backend", sections: "DFL", run: default_backend, args: "<backend>", doc: "The backend where no `use_backend` line holds." },
    Directive { name: "use-server", sections: "BL", run: use_server, args: "<server> { if | unless } <condition>", doc: "The server where the condition holds; its name may be a format." },
    Directive { name: "use_backend", sections: "FL", run: use_backend, args: "<backend> [ { if | unless } <condition> ]", doc: "The backend where the condition holds; its name may be a format." },
];

const BACKEND: Caps = Caps { frontend: false, backend: true };

fn default_backend<'a>(cx: &mut Cx<'a>, line: &'a Line) {
    let Some(word) = line.words.get(1) else {
        cx.alert(line.span, "'default_backend' expects a backend name.");
        return;
    };
    if cx.takes(line, 1) {
        cx.draft.settings.default_backend = Some(word);
    }
}

fn use_backend(cx: &mut Cx<'_>, line: &Line) {
    let Some(word) = line.words.get(1).filter(|word| !word.text.is_empty()) else {
        cx.alert(line.span, "'use_backend' expects a backend name.");
        return;
    };
    rules::order(cx, Order::UseBackend, line);
    let condition = match line.text(2) {
        "" => None,
        "if" | "unless" => match condition(cx, line, 2, Checkpoint::UseBackend) {
            Some(condition) => Some(condition),
            None => return,
        },
        other => {
            let message = format!(
                "unexpected keyword '{other}' after switching rule, only 'if' and 'unless' are \
                 allowed."
            );
            cx.alert(line.span_from(2), message);
            return;
        }
    };
    let prefix = format!("failed to parse use_backend rule '{}' : ", word.text);
    let Some(format) = format(cx, line, word, Checkpoint::UseBackend, &prefix) else { return };
    let target = match format.as_constant() {
        None => Target::Dynamic(format),
        Some(_) => match cx.directory.find(&word.text, BACKEND) {
            Some(id) => {
                cx.draft.targets.push((id, word.span));
                Target::Fixed(id)
            }
            None => {
                let message = format!(
                    "Proxy '{}': unable to find required use_backend: '{}'.",
                    cx.draft.name, word.text
                );
                missing(cx, word, &message);
                return;
            }
        },
    };
    cx.draft.switching.push(Switch { target, condition });
}

/// Reports a backend that is not there, with the one that was probably meant.
pub(super) fn missing(cx: &mut Cx<'_>, word: &Word, message: &str) {
    let backends = cx.directory.entries.iter().filter(|(_, caps, _)| caps.backend);
    let hint = crate::diag::suggest::hint(&word.text, backends.map(|(name, _, _)| name.as_str()));
    let report = Diagnostic::alert(word.span, message).lead(Lead::Bare);
    cx.push(Diagnostic { hint, ..report });
}

fn use_server(cx: &mut Cx<'_>, line: &Line) {
    let Some(word) = line.words.get(1) else {
        cx.alert(line.span, "'use-server' expects a server name.");
        return;
    };
    if !matches!(line.text(2), "if" | "unless") {
        let message = "'use-server' requires either 'if' or 'unless' followed by a condition.";
        cx.alert(line.span_from(2), message);
        return;
    }
    rules::order(cx, Order::UseServer, line);
    let Some(condition) = condition(cx, line, 2, Checkpoint::UseServer) else { return };
    let prefix = format!("use-server rule failed to parse log-format '{}' : ", word.text);
    let Some(format) = format(cx, line, word, Checkpoint::UseServer, &prefix) else { return };
    let target = match format.as_constant() {
        None => Target::Dynamic(format),
        Some(_) => {
            let found = cx.draft.id.and_then(|id| cx.directory.find_server(id, &word.text));
            let Some(index) = found else {
                let message = format!(
                    "{} : unable to find server '{}' referenced in a 'use-server' rule.",
                    cx.draft.owner(),
                    word.text
                );
                cx.alert_bare(word.span, message);
                return;
            };
            Target::Fixed(index)
        }
    };
    cx.draft.use_server.push(Switch { target, condition: Some(condition) });
}

fn condition(cx: &mut Cx<'_>, line: &Line, at: usize, checkpoint: Checkpoint) -> Option<Condition> {
    rules::condition(cx, line, at, checkpoint, "error detected while parsing switching rule : ")
}

fn format(
    cx: &mut Cx<'_>,
    line: &Line,
    word: &Word,
    checkpoint: Checkpoint,
    prefix: &str,
) -> Option<Format> {
    rules::format(cx, line, word, checkpoint, Options::PLAIN, prefix)
}
