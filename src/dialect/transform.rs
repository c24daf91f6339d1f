//! Scripts of Lua 5.4 as LuaJIT reads them: what operators LuaJIT lacks, or has on 32 bits, becomes
//! calls of `bit64`; attributes go. Every line keeps its number.

use full_moon::ast::BinOp;
use full_moon::ast::Expression;
use full_moon::ast::LocalAssignment;
use full_moon::ast::UnOp;
use full_moon::visitors::Visitor;

use super::Edit;
use super::Error;
use super::parse;
use super::place;

/// What an operator becomes: the field of `bit64`, and the name it gets in the script.
const OPERATORS: &[(&str, &str)] = &[
    ("band", "__band"),
    ("bnot", "__bnot"),
    ("bor", "__bor"),
    ("bxor", "__bxor"),
    ("idiv", "__idiv"),
    ("lshift", "__shl"),
    ("rshift", "__shr"),
];

// In which order edits of one place are made.
const CLOSES: u8 = 0;
const SEPARATES: u8 = 1;
const OPENS: u8 = 2;
const STARTS: u8 = 3;

impl Edit {
    /// Leaves a part out; what follows keeps its place.
    pub(super) fn blank(start: usize, end: usize) -> Self {
        Self { place: (start, end), text: " ".repeat(end - start), rank: SEPARATES }
    }

    fn insert(at: usize, text: impl Into<String>, rank: u8) -> Self {
        Self { place: (at, at), text: text.into(), rank }
    }
}

/// Returns a script of Lua 5.4 as LuaJIT reads it.
pub fn transform(source: &[u8]) -> Result<Vec<u8>, Error> {
    let ast = parse(source)?;
    let mut transform = Transform::default();
    transform.visit_ast(&ast);
    if let Some(error) = transform.error {
        return Err(error);
    }
    let used = OPERATORS.iter().filter(|(field, _)| transform.used.contains(field));
    let (names, values): (Vec<_>, Vec<_>) =
        used.map(|(field, name)| (*name, format!("bit64.{field}"))).unzip();
    if !names.is_empty() {
        let text = format!("local {} = {} ", names.join(", "), values.join(", "));
        transform.edits.push(Edit::insert(start(source), text, CLOSES));
    }
    Ok(super::apply(source, &transform.edits))
}

/// Returns edits that make `math.floor(a / b)` of `a // b`.
pub(super) fn floor(lhs: &Expression, binop: &BinOp, rhs: &Expression) -> Vec<Edit> {
    let ((first, _), (_, last)) = (place(lhs), place(rhs));
    vec![
        Edit::insert(first, "math.floor(", OPENS),
        Edit { place: place(binop), text: "/".to_owned(), rank: SEPARATES },
        Edit::insert(last, ")", CLOSES),
    ]
}

#[derive(Default)]
struct Transform {
    edits: Vec<Edit>,
    used: Vec<&'static str>,
    error: Option<Error>,
}

impl Transform {
    /// Returns how a call begins: in parentheses, so that none is the last of its function, whose
    /// line errors would miss.
    fn call(&mut self, field: &'static str) -> String {
        self.used.push(field);
        let name = OPERATORS.iter().find(|(known, _)| *known == field);
        format!("({}(", name.map_or(field, |(_, name)| name))
    }
}

impl Visitor for Transform {
    fn visit_expression(&mut self, expression: &Expression) {
        match expression {
            Expression::BinaryOperator { lhs, binop, .. } => {
                let Some(field) = field(binop) else { return };
                let call = self.call(field);
                self.edits.push(Edit::insert(place(&**lhs).0, call, OPENS));
                let comma = Edit { place: place(binop), text: ",".to_owned(), rank: SEPARATES };
                self.edits.push(comma);
            }
            Expression::UnaryOperator { unop: UnOp::Tilde(token), .. } => {
                let at = token.token().start_position().bytes();
                let text = self.call("bnot");
                self.edits.push(Edit { place: (at, at + 1), text, rank: STARTS });
            }
            _ => {}
        }
    }

    /// Inner expressions close before outer ones that end at the same place.
    fn visit_expression_end(&mut self, expression: &Expression) {
        let last = match expression {
            Expression::BinaryOperator { binop, rhs, .. } if field(binop).is_some() => rhs,
            Expression::UnaryOperator { unop: UnOp::Tilde(_), expression } => expression,
            _ => return,
        };
        self.edits.push(Edit::insert(place(&**last).1, "))", CLOSES));
    }

    fn visit_local_assignment(&mut self, local: &LocalAssignment) {
        for attribute in local.attributes().flatten() {
            let name = attribute.name().token();
            let (start, end) = place(attribute);
            if name.to_string() == "const" {
                self.edits.push(Edit::blank(start, end));
                continue;
            }
            let message = match name.to_string().as_str() {
                "close" => {
                    "'<close>' is not available: close the value where its scope ends".to_owned()
                }
                other => format!("unknown attribute '{other}'"),
            };
            self.error.get_or_insert_with(|| Error {
                line: name.start_position().line(),
                place: (start, end),
                message,
            });
        }
    }
}

/// Returns what an operator becomes.
fn field(binop: &BinOp) -> Option<&'static str> {
    Some(match binop {
        BinOp::Ampersand(_) => "band",
        BinOp::DoubleGreaterThan(_) => "rshift",
        BinOp::DoubleLessThan(_) => "lshift",
        BinOp::DoubleSlash(_) => "idiv",
        BinOp::Pipe(_) => "bor",
        BinOp::Tilde(_) => "bxor",
        _ => return None,
    })
}

/// Returns where a script begins: behind a mark of its encoding and a line for the shell.
fn start(source: &[u8]) -> usize {
    let mark = if source.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    if source.get(mark) == Some(&b'#') {
        return memchr::memchr(b'\n', source).map_or(source.len(), |end| end + 1);
    }
    mark
}
