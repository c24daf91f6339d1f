//! The text of scripts: what Lua 5.3 and 5.4 read in it and LuaJIT does not, or otherwise. Reads and
//! rewrites text; knows no state and runs nothing.

use std::collections::HashSet;
use std::fs;

use full_moon::ast::Ast;
use full_moon::node::Node;
use full_moon::tokenizer::Position;

use crate::diag::Diagnostic;
use crate::diag::Sources;
use crate::diag::Span;

mod check;
mod depth;
mod lint;

mod number;
mod transform;

#[cfg(test)]
mod tests;

pub use lint::lint;
pub use transform::transform;

/// How scripts are read that do not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// As LuaJIT reads them.
    #[default]
    LuaJit,
    /// Lua 5.3 and 5.4: `//`, attributes, operators on 64 bits.
    Lua54,
}

/// The names of dialects in a configuration.
pub const DIALECTS: &[(&str, Dialect)] =
    &[("5.3", Dialect::Lua54), ("5.4", Dialect::Lua54), ("luajit", Dialect::LuaJit)];

/// Something about a script that its author should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule's name.
    pub rule: &'static str,
    /// First byte, and one past the last.
    pub place: (usize, usize),
    /// Lower case, no final stop.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// What rewrites it without changing what it does.
    pub fix: Vec<Edit>,
}

/// A part of a text and what stands there instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// First byte, and one past the last.
    pub place: (usize, usize),
    /// What stands there instead.
    pub text: String,
    /// In which order edits of one place are made.
    rank: u8,
}

/// Why a text cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The line, from 1.
    pub line: usize,
    /// First byte, and one past the last.
    pub place: (usize, usize),
    /// What is wrong.
    pub message: String,
}

/// What only a script has that is written for Lua 5.3 or later, or that should be looked at.
const SUSPICIOUS: &[&[u8]] =
    &[b"//", b"<<", b">>", b"&", b"|", b"<const", b"<close", b"< c", b"_ENV", b".ult", b"random(0"];

/// Returns warnings about files of scripts, each read once; what cannot be read is left to LuaJIT.
pub fn report(files: &[String], sources: &mut Sources) -> Vec<Diagnostic> {
    let mut seen = HashSet::new();
    let mut warnings = Vec::new();
    for file in files.iter().filter(|file| seen.insert(file.as_str())) {
        let Ok(bytes) = fs::read(file) else { continue };
        let text = String::from_utf8_lossy(&bytes);
        if !is_suspicious(text.as_bytes()) {
            continue;
        }
        let Ok(findings) = check(text.as_bytes()) else { continue };
        if findings.is_empty() {
            continue;
        }
        let source = sources.add(file, text);
        warnings.extend(findings.into_iter().map(|finding| {
            let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
            let (start, end) = finding.place;
            let span = Span { source, start: offset(start), end: offset(end) };
            let warning = Diagnostic::warning(span, finding.message);
            match finding.hint {
                Some(hint) => warning.hint(hint),
                None => warning,
            }
        }));
    }
    warnings
}

/// Returns what a script does otherwise here than under Lua 5.4, in the order of its places.
pub fn check(source: &[u8]) -> Result<Vec<Finding>, Error> {
    Ok(check::check(&parse(source)?))
}

/// Returns a text with some parts changed.
pub fn apply(source: &[u8], edits: &[Edit]) -> Vec<u8> {
    let mut edits: Vec<&Edit> = edits.iter().collect();
    edits.sort_by_key(|edit| (edit.place.0, edit.rank));
    let (mut out, mut at) = (Vec::with_capacity(source.len() + 64), 0);
    for edit in edits {
        let (start, end) = edit.place;
        out.extend_from_slice(source.get(at..start).unwrap_or_default());
        out.extend_from_slice(edit.text.as_bytes());
        at = at.max(end);
    }
    out.extend_from_slice(source.get(at..).unwrap_or_default());
    out
}

/// Whether a text has anything to look at: almost none has, and reading it takes long.
fn is_suspicious(source: &[u8]) -> bool {
    let mut digits = 0;
    let long = source.iter().any(|byte| {
        digits = if byte.is_ascii_hexdigit() { digits + 1 } else { 0 };
        digits >= 14
    });
    long || SUSPICIOUS.iter().any(|part| memchr::memmem::find(source, part).is_some())
        || source.windows(2).any(|pair| pair[0] == b'~' && pair[1] != b'=')
}

/// Reads a script; places are those of the bytes.
fn parse(source: &[u8]) -> Result<Ast, Error> {
    let text = masked(source);
    depth::check(&text)?;
    full_moon::parse_fallible(&text, depth::version()).into_result().map_err(|errors| {
        let Some(error) = errors.first() else {
            return Error { line: 1, place: (0, 0), message: "cannot be read".to_owned() };
        };
        let (start, end) = error.range();
        Error {
            line: start.line(),
            place: (start.bytes(), end.bytes()),
            message: error.error_message().into_owned(),
        }
    })
}

/// Returns a text whose bytes are characters at the same places: all that is not ASCII is in strings,
/// comments and names.
fn masked(source: &[u8]) -> String {
    let mut bytes = source.to_vec();
    if bytes.starts_with(b"\xef\xbb\xbf") {
        bytes[..3].fill(b' ');
    }
    let start = if source.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    if bytes.get(start) == Some(&b'#') {
        let end = memchr::memchr(b'\n', &bytes).unwrap_or(bytes.len());
        bytes[start..end].fill(b' ');
    }
    bytes.into_iter().map(|byte| if byte.is_ascii() { char::from(byte) } else { 'x' }).collect()
}

/// Returns the first byte of a node, and one past its last.
fn place(node: &impl Node) -> (usize, usize) {
    let start = node.start_position().map_or(0, Position::bytes);
    (start, node.end_position().map_or(start, Position::bytes))
}
