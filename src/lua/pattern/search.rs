//! The search for a match: what is tried next, and the choices to come back to.

use super::CAPTURES_MAX;
use super::CHOICES_MAX;
use super::Capture;
use super::Error;
use super::item;
use super::item::Item;
use super::item::peek;

/// How many bytes are compared in a row for one step.
const BYTES_A_STEP: usize = 8;

/// A search for a pattern in a subject; both are handed in again by whoever goes on with it.
#[derive(Clone, Copy, Debug)]
pub(in crate::lua) struct Search {
    /// Where the present attempt begins.
    start: usize,
    /// Whether there is but one attempt.
    anchored: bool,
    next: Next,
    level: usize,
    groups: [Group; CAPTURES_MAX],
    depth: usize,
    choices: [Choice; CHOICES_MAX],
}

/// How far a search has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lua) enum Progress {
    /// It matches from one place up to another.
    Found(usize, usize),
    /// It matches nowhere.
    Missed,
    /// The steps are used up.
    Paused,
}

/// What is done next; `at` is a place in the subject, `item` one in the pattern.
#[derive(Clone, Copy, Debug)]
enum Next {
    Attempt,
    Match {
        item: usize,
        at: usize,
    },
    /// Takes as many bytes as match an item, from `low` on.
    Take {
        item: usize,
        end: usize,
        low: usize,
        at: usize,
    },
    /// Looks for the byte that closes `%b`.
    Balance {
        item: usize,
        at: usize,
        open: usize,
    },
    Fail,
    Found(usize),
}

/// What can still be tried when the rest of the pattern fails.
#[derive(Clone, Copy, Debug)]
enum Choice {
    /// To take one byte less, down to `low`, before the item `next`.
    Less { next: usize, low: usize, at: usize },
    /// To take one byte more of an item.
    More { item: usize, end: usize, at: usize },
    /// To leave an item out.
    Without { next: usize, at: usize },
    /// Nothing: a capture was opened.
    Opened,
    /// Nothing: a capture was closed.
    Closed { group: usize },
}

/// A capture.
#[derive(Clone, Copy, Debug)]
struct Group {
    start: usize,
    end: End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Open,
    Position,
    At(usize),
}

impl Search {
    pub(in crate::lua) const fn new() -> Self {
        Self {
            start: 0,
            anchored: false,
            next: Next::Attempt,
            level: 0,
            groups: [Group { start: 0, end: End::Open }; CAPTURES_MAX],
            depth: 0,
            choices: [Choice::Opened; CHOICES_MAX],
        }
    }

    /// Begins anew at a place; an anchored search tries no other.
    pub(in crate::lua) fn begin(&mut self, start: usize, anchored: bool) {
        self.start = start;
        self.anchored = anchored;
        self.next = Next::Attempt;
    }

    /// Says whether there is but one attempt.
    pub(in crate::lua) fn is_anchored(&self) -> bool {
        self.anchored
    }

    /// Searches until it is known, or the steps are used up.
    pub(in crate::lua) fn run(
        &mut self,
        subject: &[u8],
        pattern: &[u8],
        steps: &mut usize,
    ) -> Result<Progress, Error> {
        let mut next = self.next;
        while let Some(left) = steps.checked_sub(1) {
            *steps = left;
            next = match next {
                Next::Attempt => {
                    self.level = 0;
                    self.depth = 0;
                    Next::Match { item: 0, at: self.start }
                }
                Next::Match { item, at } => self.step(subject, pattern, item, at, steps)?,
                Next::Take { item, end, low, at } => {
                    self.take(subject, pattern, (item, end), (low, at), steps)?
                }
                Next::Balance { item, at, open } => {
                    balance(subject, pattern, item, (at, open), steps)
                }
                Next::Fail if self.depth > 0 => self.back(subject, pattern, steps),
                Next::Fail if self.anchored || self.start >= subject.len() => {
                    return Ok(Progress::Missed);
                }
                Next::Fail => {
                    self.start += 1;
                    Next::Attempt
                }
                Next::Found(end) => return Ok(Progress::Found(self.start, end)),
            };
        }
        self.next = next;
        Ok(Progress::Paused)
    }

    /// Returns how many captures the match has.
    pub(in crate::lua) fn level(&self) -> usize {
        self.level
    }

    /// Returns a capture; the first is the whole match where there is none.
    pub(in crate::lua) fn capture(
        &self,
        index: usize,
        (first, last): (usize, usize),
    ) -> Result<Capture, Error> {
        match self.groups.get(index).filter(|_| index < self.level) {
            None if index == 0 => Ok(Capture::Text(first, last)),
            None => Err(Error::CaptureIndex),
            Some(group) => match group.end {
                End::Open => Err(Error::OpenCapture),
                End::Position => Ok(Capture::Position(group.start)),
                End::At(end) => Ok(Capture::Text(group.start, end)),
            },
        }
    }

    /// Matches one item.
    fn step(
        &mut self,
        subject: &[u8],
        pattern: &[u8],
        item: usize,
        at: usize,
        steps: &mut usize,
    ) -> Result<Next, Error> {
        match peek(pattern, item) {
            0 => return Ok(Next::Found(at)),
            b'(' if peek(pattern, item + 1) == b')' => {
                return self.open(End::Position, item + 2, at);
            }
            b'(' => return self.open(End::Open, item + 1, at),
            b')' => return self.close(item + 1, at),
            b'$' if item + 1 == pattern.len() => {
                return Ok(if at == subject.len() { Next::Found(at) } else { Next::Fail });
            }
            b'%' => match peek(pattern, item + 1) {
                b'b' => return begin_balance(subject, pattern, item + 2, at),
                b'f' => return frontier(subject, pattern, item + 2, at),
                digit @ b'0'..=b'9' => {
                    return self.repeat(subject, digit, item + 2, at, steps);
                }
                _ => {}
            },
            _ => {}
        }
        let end = item::end(pattern, item)?;
        let what = Item::new(pattern, item, end);
        let weight = what.weight();
        *steps = steps.saturating_sub(weight);
        let is_match = || subject.get(at).is_some_and(|byte| what.matches(*byte));
        match peek(pattern, end) {
            b'*' => self.take(subject, pattern, (item, end), (at, at), steps),
            b'+' if is_match() => self.take(subject, pattern, (item, end), (at + 1, at + 1), steps),
            b'-' => {
                self.push(Choice::More { item, end, at })?;
                Ok(Next::Match { item: end + 1, at })
            }
            b'?' if is_match() => {
                self.push(Choice::Without { next: end + 1, at })?;
                Ok(Next::Match { item: end + 1, at: at + 1 })
            }
            b'?' => Ok(Next::Match { item: end + 1, at }),
            b'+' => Ok(Next::Fail),
            _ if is_match() => Ok(Next::Match { item: end, at: at + 1 }),
            _ => Ok(Next::Fail),
        }
    }

    /// Takes as many bytes as match an item.
    fn take(
        &mut self,
        subject: &[u8],
        pattern: &[u8],
        (item, end): (usize, usize),
        (low, at): (usize, usize),
        steps: &mut usize,
    ) -> Result<Next, Error> {
        let what = Item::new(pattern, item, end);
        let each = 1 + what.weight();
        let most = steps.saturating_mul(BYTES_A_STEP) / each + 1;
        let high = subject.len().min(at.saturating_add(most));
        let taken = what.count(subject.get(at..high).unwrap_or_default());
        *steps = steps.saturating_sub(taken * each / BYTES_A_STEP);
        let at = at + taken;
        if at == high && high < subject.len() {
            return Ok(Next::Take { item, end, low, at });
        }
        self.push(Choice::Less { next: end + 1, low, at })?;
        Ok(Next::Match { item: end + 1, at })
    }

    /// Goes back to the last choice.
    fn back(&mut self, subject: &[u8], pattern: &[u8], steps: &mut usize) -> Next {
        let Some(choice) = self.choices.get_mut(self.depth - 1) else { return Next::Fail };
        match choice {
            Choice::Less { next, low, at } if *at > *low => {
                *at -= 1;
                return Next::Match { item: *next, at: *at };
            }
            Choice::More { item, end, at } => {
                let what = Item::new(pattern, *item, *end);
                *steps = steps.saturating_sub(what.weight());
                if subject.get(*at).is_some_and(|byte| what.matches(*byte)) {
                    *at += 1;
                    return Next::Match { item: *end + 1, at: *at };
                }
            }
            Choice::Without { next, at } => {
                self.depth -= 1;
                return Next::Match { item: *next, at: *at };
            }
            Choice::Opened => self.level -= 1,
            Choice::Closed { group } => {
                if let Some(group) = self.groups.get_mut(*group) {
                    group.end = End::Open;
                }
            }
            Choice::Less { .. } => {}
        }
        self.depth -= 1;
        Next::Fail
    }

    fn push(&mut self, choice: Choice) -> Result<(), Error> {
        let place = self.choices.get_mut(self.depth).ok_or(Error::TooComplex)?;
        *place = choice;
        self.depth += 1;
        Ok(())
    }

    fn open(&mut self, end: End, item: usize, at: usize) -> Result<Next, Error> {
        let group = self.groups.get_mut(self.level).ok_or(Error::TooManyCaptures)?;
        *group = Group { start: at, end };
        self.level += 1;
        self.push(Choice::Opened)?;
        Ok(Next::Match { item, at })
    }

    fn close(&mut self, item: usize, at: usize) -> Result<Next, Error> {
        let groups = self.groups.get_mut(..self.level).unwrap_or_default();
        let group = groups.iter().rposition(|group| group.end == End::Open);
        let group = group.ok_or(Error::CloseCapture)?;
        if let Some(group) = groups.get_mut(group) {
            group.end = End::At(at);
        }
        self.push(Choice::Closed { group })?;
        Ok(Next::Match { item, at })
    }

    /// Matches what a capture took, once more.
    fn repeat(
        &self,
        subject: &[u8],
        digit: u8,
        item: usize,
        at: usize,
        steps: &mut usize,
    ) -> Result<Next, Error> {
        let index = usize::from(digit).checked_sub(usize::from(b'1'));
        let index = index.filter(|index| *index < self.level).ok_or(Error::CaptureIndex)?;
        let group = self.groups.get(index).ok_or(Error::CaptureIndex)?;
        let end = match group.end {
            End::Open => return Err(Error::CaptureIndex),
            End::Position => return Ok(Next::Fail),
            End::At(end) => end,
        };
        let text = subject.get(group.start..end).unwrap_or_default();
        *steps = steps.saturating_sub(text.len() / (4 * BYTES_A_STEP));
        let rest = subject.get(at..).unwrap_or_default();
        Ok(if rest.starts_with(text) {
            Next::Match { item, at: at + text.len() }
        } else {
            Next::Fail
        })
    }
}

/// Matches the first byte of `%b`; `item` is the place of its two bytes.
fn begin_balance(subject: &[u8], pattern: &[u8], item: usize, at: usize) -> Result<Next, Error> {
    let open = peek(pattern, item);
    if open == 0 || peek(pattern, item + 1) == 0 {
        return Err(Error::Unbalanced);
    }
    Ok(if subject.get(at) == Some(&open) {
        Next::Balance { item, at: at + 1, open: 1 }
    } else {
        Next::Fail
    })
}

/// Goes on to the byte that closes `%b`.
fn balance(
    subject: &[u8],
    pattern: &[u8],
    item: usize,
    (from, mut open): (usize, usize),
    steps: &mut usize,
) -> Next {
    let (left, right) = (peek(pattern, item), peek(pattern, item + 1));
    let high = subject.len().min(from.saturating_add((*steps + 1) * BYTES_A_STEP));
    for (index, byte) in subject.get(from..high).unwrap_or_default().iter().enumerate() {
        if *byte == right {
            open -= 1;
            if open == 0 {
                *steps = steps.saturating_sub(index / BYTES_A_STEP);
                return Next::Match { item: item + 2, at: from + index + 1 };
            }
        } else if *byte == left {
            open += 1;
        }
    }
    *steps = steps.saturating_sub(high.saturating_sub(from) / BYTES_A_STEP);
    if high < subject.len() { Next::Balance { item, at: high, open } } else { Next::Fail }
}

/// Matches `%f`; `item` is the place of its set.
fn frontier(subject: &[u8], pattern: &[u8], item: usize, at: usize) -> Result<Next, Error> {
    if peek(pattern, item) != b'[' {
        return Err(Error::NoFrontierSet);
    }
    let end = item::end(pattern, item)?;
    let set = Item::new(pattern, item, end);
    let before = at.checked_sub(1).map_or(0, |before| peek(subject, before));
    Ok(if !set.matches(before) && set.matches(peek(subject, at)) {
        Next::Match { item: end, at }
    } else {
        Next::Fail
    })
}
