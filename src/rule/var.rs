//! Actions on variables.

use crate::txn::Direction;
use crate::txn::Scope;
use crate::txn::Txn;
use crate::value::Value;

use super::action;
use super::action::Act;
use super::action::Action;
use super::action::Done;
use super::parse::Failed;
use super::parse::Parser;

/// When a variable is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    Exists,
    NotExists,
    Empty,
    NotEmpty,
    Set,
    NotSet,
    Greater,
    Less,
}

const CONDITIONS: &[(&str, When)] = &[
    ("ifempty", When::Empty),
    ("ifexists", When::Exists),
    ("ifgt", When::Greater),
    ("iflt", When::Less),
    ("ifnotempty", When::NotEmpty),
    ("ifnotexists", When::NotExists),
    ("ifnotset", When::NotSet),
    ("ifset", When::Set),
];

/// `set-var(<var>[,<cond>...]) <sample>`
pub(super) fn set_var(parser: &mut Parser<'_>) -> Result<Action, Failed> {
    let target = target(parser)?;
    let _input = parser.expr()?;
    Ok(parser.act(SetVar(target)))
}

/// `set-var-fmt(<var>[,<cond>...]) <fmt>`
pub(super) fn set_var_fmt(parser: &mut Parser<'_>) -> Result<Action, Failed> {
    let target = target(parser)?;
    let [format] = parser.arguments("missing format string")?;
    parser.format(format)?;
    Ok(parser.act(SetVar(target)))
}

/// `unset-var(<var>)`
pub(super) fn unset_var(parser: &mut Parser<'_>) -> Result<Action, Failed> {
    let target = target(parser)?;
    Ok(parser.act(UnsetVar(target)))
}

#[derive(Debug)]
struct Target {
    scope: Scope,
    name: Box<str>,
    when: Vec<When>,
}

/// Reads `(<var>[,<cond>...])`, which is a part of the action's word.
fn target(parser: &mut Parser<'_>) -> Result<Target, Failed> {
    const FORMS: &str =
        "Expects 'set-var(<var-name>)', 'set-var-fmt(<var-name>)' or 'unset-var(<var-name>)'";
    let word = parser.name();
    let text = word.text.as_str();
    let Some((_, rest)) = text.split_once('(') else {
        return Err(parser.fail_at_last(format!("invalid or incomplete action '{text}'. {FORMS}")));
    };
    let Some((inner, _)) = rest.split_once(')') else {
        let message = format!("incomplete argument after action '{text}'. {FORMS}");
        return Err(parser.fail_at_last(message));
    };
    let mut parts = inner.split(',');
    let name = parts.next().unwrap_or_default().trim();
    let start = text.len() - rest.len();
    let place = word.sub(start..start + inner.len());
    if name.is_empty() {
        return Err(parser.fail_at(place, "Empty variable name cannot be accepted"));
    }
    let Some((scope, name)) = Scope::split(name) else {
        return Err(parser.fail_at(place, wrong_name(name)));
    };
    let mut when = Vec::new();
    for part in parts {
        let Some((_, condition)) = CONDITIONS.iter().find(|(known, _)| *known == part.trim())
        else {
            let message = format!(
                "invalid condition '{}'. Supported conditions are: ifexists, ifnotexists, ifempty, \
                 ifnotempty, ifset, ifnotset, ifgt, iflt",
                part.trim()
            );
            return Err(parser.fail_at(place, message));
        };
        when.push(*condition);
    }
    Ok(Target { scope, name: name.into(), when })
}

/// Returns why this is no name of a variable, in HAProxy's words.
pub fn wrong_name(name: &str) -> String {
    let scopes = ["proc.", "sess.", "txn.", "req.", "res.", "check."];
    if scopes.iter().any(|scope| name.starts_with(scope)) {
        let legal = |byte: char| byte.is_ascii_alphanumeric() || byte == '_' || byte == '.';
        if let Some(at) = name.find(|byte| !legal(byte)) {
            return format!("invalid syntax at char '{}'", name.get(at..).unwrap_or_default());
        }
    }
    format!(
        "invalid variable name '{name}'. A variable name must be start by its scope. The scope \
         can be 'proc', 'sess', 'txn', 'req', 'res' or 'check'"
    )
}

#[derive(Debug)]
struct SetVar(Target);

impl Act for SetVar {
    fn run(&self, txn: &mut Txn, inputs: &mut [Option<Value>], _: Direction) -> Done {
        let Target { scope, name, when } = &self.0;
        let value = action::take(inputs, 0);
        let old = if when.is_empty() { None } else { txn.var(*scope, name) };
        if when.iter().all(|when| when.holds(old.as_ref(), value.as_ref())) {
            match value {
                Some(value) => txn.set_var(*scope, name, value),
                None => false,
            };
        }
        Done::NEXT
    }
}

impl When {
    fn holds(self, old: Option<&Value>, new: Option<&Value>) -> bool {
        let empty = |value: &Value| match value {
            Value::Str(text) | Value::Bin(text) | Value::Meth(text) => text.is_empty(),
            _ => false,
        };
        // HAProxy: only variables of the same type compare, and only integers and the like.
        let order = || match (new?, old?) {
            (Value::Int(new), Value::Int(old)) => Some(new.cmp(old)),
            _ => None,
        };
        match self {
            Self::Exists => old.is_some(),
            Self::NotExists => old.is_none(),
            Self::Empty => new.is_none_or(empty),
            Self::NotEmpty => new.is_some_and(|value| !empty(value)),
            Self::Set => old.is_some_and(|value| !empty(value)),
            Self::NotSet => old.is_none_or(empty),
            Self::Greater => order().is_none_or(std::cmp::Ordering::is_gt),
            Self::Less => order().is_none_or(std::cmp::Ordering::is_lt),
        }
    }
}

#[derive(Debug)]
struct UnsetVar(Target);

impl Act for UnsetVar {
    fn run(&self, txn: &mut Txn, _: &mut [Option<Value>], _: Direction) -> Done {
        txn.unset_var(self.0.scope, &self.0.name);
        Done::NEXT
    }
}
