//! `capture`: samples kept for the log.

use crate::proxy;
use crate::txn::Direction;
use crate::txn::Txn;
use crate::value::Value;

use super::Kind;
use super::action;
use super::action::Act;
use super::action::Action;
use super::action::Done;
use super::parse::Failed;
use super::parse::Parser;

/// `capture <sample> [ len <length> | id <id> ]`
pub(super) fn capture(parser: &mut Parser<'_>) -> Result<Action, Failed> {
    let kind = parser.kind();
    let message = match kind {
        Kind::HttpRequest => "expects <expression> [ 'len' <length> | id <idx> ]",
        Kind::HttpResponse | Kind::HttpAfterResponse => "expects <expression> id <idx>",
        _ => "missing fetch method",
    };
    if parser.peek().is_none() {
        return Err(parser.fail(message));
    }
    let _input = parser.expr()?;
    let direction = kind.direction();
    if direction == Direction::Request && parser.take_keyword("len") {
        let length = parser.next_argument().and_then(|word| word.text.parse().ok());
        let Some(length) = length.filter(|length| *length > 0) else {
            return Err(parser.fail_at_last("length must be > 0"));
        };
        let slot = add_slot(parser, direction, length);
        return Ok(parser.act(Capture { slot, length: Some(length) }));
    }
    if kind == Kind::TcpRequestContent {
        return Err(parser.fail("a positive 'len' argument is mandatory"));
    }
    if !parser.take_keyword("id") {
        let message = match (direction, parser.peek()) {
            (Direction::Response, Some(word)) => format!("expects 'id', found '{}'", word.text),
            _ => message.to_owned(),
        };
        return Err(parser.fail(message));
    }
    let Some(word) = parser.next_argument() else { return Err(parser.fail("missing id value")) };
    let Ok(slot) = word.text.parse::<usize>() else {
        return Err(parser.fail_at_last(format!("cannot parse id '{}'", word.text)));
    };
    parser.use_slot(slot, word.span);
    Ok(parser.act(Capture { slot, length: None }))
}

fn add_slot(parser: &Parser<'_>, direction: Direction, length: usize) -> usize {
    let mut captures = parser.context().captures.borrow_mut();
    let slots = &mut captures[direction as usize];
    slots.push(proxy::Capture { header: None, length });
    slots.len() - 1
}

/// Keeps its input in a slot.
#[derive(Debug)]
struct Capture {
    slot: usize,
    /// `None`: that of the slot, which the frontend has.
    length: Option<usize>,
}

impl Act for Capture {
    fn run(&self, txn: &mut Txn, inputs: &mut [Option<Value>], direction: Direction) -> Done {
        let Some(value) = action::take(inputs, 0) else { return Done::NEXT };
        let index = direction as usize;
        let slots = &txn.session.frontend.captures[index];
        let length = match (self.length, slots.get(self.slot)) {
            (Some(length), _) => length,
            (None, Some(slot)) => slot.length,
            (None, None) => return Done::NEXT,
        };
        let text = value.into_bytes();
        let captures = &mut txn.captures[index];
        if captures.len() <= self.slot {
            captures.resize(self.slot + 1, None);
        }
        captures[self.slot] = Some(text.slice(..text.len().min(length)));
        Done::NEXT
    }
}
