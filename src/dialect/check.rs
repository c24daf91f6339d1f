//! What a script does otherwise here than under Lua 5.4.

use full_moon::ast::Ast;
use full_moon::ast::BinOp;
use full_moon::ast::Call;
use full_moon::ast::Expression;
use full_moon::ast::FunctionArgs;
use full_moon::ast::FunctionCall;
use full_moon::ast::Index;
use full_moon::ast::LocalAssignment;
use full_moon::ast::Prefix;
use full_moon::ast::Suffix;
use full_moon::ast::Var;
use full_moon::ast::VarExpression;
use full_moon::tokenizer::Token;
use full_moon::tokenizer::TokenReference;
use full_moon::visitors::Visitor;

use super::Edit;
use super::Finding;
use super::number;
use super::number::EXACT;
use super::number::constant;
use super::place;
use super::transform;

const DIALECT: &str = "'lua-load <file> dialect 5.4' reads the script as Lua 5.4 does";

/// What an operator on 32 bits takes and gives.
const BITS: std::ops::Range<i128> = -(1 << 31)..1 << 31;

pub(super) fn check(ast: &Ast) -> Vec<Finding> {
    let mut check = Check { found: Vec::new() };
    check.visit_ast(ast);
    check.found.sort_by_key(|finding| finding.place);
    check.found
}

struct Check {
    found: Vec<Finding>,
}

impl Check {
    fn add(&mut self, rule: &'static str, place: (usize, usize), message: String, hint: &str) {
        let hint = (!hint.is_empty()).then(|| hint.to_owned());
        self.found.push(Finding { rule, place, message, hint, fix: Vec::new() });
    }

    fn binary(&mut self, lhs: &Expression, binop: &BinOp, rhs: &Expression) {
        let operator = binop.token().token().to_string();
        let at = token(binop.token());
        match binop {
            BinOp::DoubleSlash(_) => {
                self.found.push(Finding {
                    rule: "floor-division",
                    place: at,
                    message: "LuaJIT does not know '//'".to_owned(),
                    hint: Some(format!("write math.floor(a / b), or {DIALECT}")),
                    fix: transform::floor(lhs, binop, rhs),
                });
            }
            BinOp::DoubleLessThan(_) | BinOp::DoubleGreaterThan(_) => {
                let (left, right) = (constant(lhs), constant(rhs));
                let result = match (left, right, binop) {
                    (Some(left), Some(right @ 0..32), BinOp::DoubleLessThan(_)) => left << right,
                    (left, _, _) => left.unwrap_or(0),
                };
                if let Some(count) = right.filter(|count| !(0..32).contains(count)) {
                    let message =
                        format!("'{operator}' by {count} shifts by {} here: 32 bits", count & 31);
                    self.add("shift", at, message, DIALECT);
                } else if !BITS.contains(&result) {
                    let message = format!("'{operator}' keeps 32 bits here, with a sign");
                    self.add("bits", at, message, DIALECT);
                }
            }
            BinOp::Ampersand(_) | BinOp::Pipe(_) | BinOp::Tilde(_) => {
                let wide = [lhs, rhs].into_iter().filter_map(constant);
                if let Some(value) = wide.into_iter().find(|value| !BITS.contains(value)) {
                    let message =
                        format!("'{operator}' with {value} keeps 32 bits here, with a sign");
                    self.add("bits", at, message, DIALECT);
                }
            }
            _ => {}
        }
    }

    fn name(&mut self, name: &TokenReference) {
        if name.token().to_string() == "_ENV" {
            let hint = "setfenv changes the environment of a function";
            self.add("env", token(name), "'_ENV' is a name like any other here".to_owned(), hint);
        }
    }
}

impl Visitor for Check {
    fn visit_expression(&mut self, expression: &Expression) {
        match expression {
            Expression::BinaryOperator { lhs, binop, rhs } => self.binary(lhs, binop, rhs),
            Expression::Number(number) => {
                let text = number.token().to_string();
                if let Some(value) = number::integer(&text).filter(|value| value.abs() > EXACT) {
                    let message = format!("'{text}' is beyond 2^53: numbers are doubles here");
                    let hint = if value < 0 { "in Lua 5.4 it is negative" } else { "" };
                    self.add("integer", token(number), message, hint);
                }
            }
            _ => {}
        }
    }

    fn visit_local_assignment(&mut self, local: &LocalAssignment) {
        for attribute in local.attributes().flatten() {
            let name = attribute.name().token().to_string();
            let (start, end) = place(attribute);
            let is_const = name == "const";
            self.found.push(Finding {
                rule: "attribute",
                place: (start, end),
                message: format!("LuaJIT does not know the attribute '<{name}>'"),
                hint: Some(if is_const {
                    format!("leave it out, or {DIALECT}")
                } else {
                    "close the value where its scope ends".to_owned()
                }),
                fix: if is_const { vec![Edit::blank(start, end)] } else { Vec::new() },
            });
        }
    }

    fn visit_function_call(&mut self, call: &FunctionCall) {
        let mut suffixes = call.suffixes();
        let (Prefix::Name(library), Some(Suffix::Index(Index::Dot { name, .. }))) =
            (call.prefix(), suffixes.next())
        else {
            return;
        };
        let is_math = library.token().to_string() == "math";
        let place = (token(library).0, token(name).1);
        match name.token().to_string().as_str() {
            "ult" if is_math => {
                let message = "'math.ult' compares doubles: beyond 2^53 they are rounded";
                self.add("ult", place, message.to_owned(), "");
            }
            "random" if is_math => {
                let Some(Suffix::Call(Call::AnonymousCall(args))) = suffixes.next() else { return };
                let FunctionArgs::Parentheses { arguments, .. } = &**args else { return };
                if arguments.len() == 1 && arguments.iter().next().and_then(constant) == Some(0) {
                    let message = "'math.random(0)' is no random integer of 64 bits here";
                    let hint = "math.random(2^53) is one of 53 bits";
                    self.add("random", place, message.to_owned(), hint);
                }
            }
            _ => {}
        }
    }

    fn visit_var(&mut self, var: &Var) {
        if let Var::Name(name) = var {
            self.name(name);
        }
    }

    fn visit_var_expression(&mut self, var: &VarExpression) {
        if let Prefix::Name(name) = var.prefix() {
            self.name(name);
        }
    }

    fn visit_token(&mut self, _: &Token) {}
}

/// Returns the place of a token.
fn token(token: &TokenReference) -> (usize, usize) {
    (token.token().start_position().bytes(), token.token().end_position().bytes())
}
