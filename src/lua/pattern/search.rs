//! The search for a match: what is tried next, and the choices to come back to.

use super::CAPTURES_MAX;
use super::CHOICES_MAX;
use super::Capture;
use super::Error;
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
    More { item: usize, at: usize },
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
        let lead = if self.anchored { None } else { lead(pattern) };
        let mut next = self.next;
        while *steps > 0 {
            next = match next {
                Next::Attempt => {
                    self.level = 0;
                    self.depth = 0;
                    *steps -= 1;
                    match lead {
                        None => Next::Match { item: 0, at: self.start },
                        Some(lead) if !self.skip(subject, lead, steps) => Next::Attempt,
                        Some(_) if self.start < subject.len() => {
                            Next::Match { item: 0, at: self.start }
                        }
                        Some(_) => return Ok(Progress::Missed),
                    }
                }
                Next::Match { item, at } => self.advance(subject, pattern, item, at, steps)?,
                Next::Take { item, low, at } => {
                    let (what, end) = Item::read(pattern, item)?;
                    match self.take(subject, what, (item, end), (low, at), steps)? {
                        Some(at) => Next::Match { item: end + 1, at },
                        None => self.next,
                    }
                }
                Next::Balance { item, at, open } => {
                    *steps -= 1;
                    balance(subject, pattern, item, (at, open), steps)
                }
                Next::Fail if self.depth > 0 => self.back(subject, pattern, steps)?,
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

    /// Goes to the next place at which a match can begin, or to the end; says whether it got there.
    fn skip(&mut self, subject: &[u8], lead: Item<'_>, steps: &mut usize) -> bool {
        let each = 1 + lead.weight();
        let most = steps.saturating_mul(BYTES_A_STEP) / each + 1;
        let high = subject.len().min(self.start.saturating_add(most));
        let rest = subject.get(self.start..high).unwrap_or_default();
        let found = lead.find(rest);
        let passed = found.unwrap_or(rest.len());
        self.start += passed;
        *steps = steps.saturating_sub(passed * each / BYTES_A_STEP);
        found.is_some() || high == subject.len()
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

    /// Matches items as long as they do, and the steps last.
    fn advance(
        &mut self,
        subject: &[u8],
        pattern: &[u8],
        mut item: usize,
        mut at: usize,
        steps: &mut usize,
    ) -> Result<Next, Error> {
        while *steps > 0 {
            *steps -= 1;
            match peek(pattern, item) {
                0 => return Ok(Next::Found(at)),
                b'(' if peek(pattern, item + 1) == b')' => {
                    self.open(End::Position, at)?;
                    item += 2;
                    continue;
                }
                b'(' => {
                    self.open(End::Open, at)?;
                    item += 1;
                    continue;
                }
                b')' => {
                    self.close(at)?;
                    item += 1;
                    continue;
                }
                b'$' if item + 1 == pattern.len() => {
                    return Ok(if at == subject.len() { Next::Found(at) } else { Next::Fail });
                }
                b'%' => match peek(pattern, item + 1) {
                    b'b' => return begin_balance(subject, pattern, item + 2, at),
                    b'f' => {
                        let Some(end) = frontier(subject, pattern, item + 2, at)? else {
                            return Ok(Next::Fail);
                        };
                        item = end;
                        continue;
                    }
                    digit @ b'0'..=b'9' => {
                        let Some(length) = self.repeat(subject, digit, at, steps)? else {
                            return Ok(Next::Fail);
                        };
                        (item, at) = (item + 2, at + length);
                        continue;
                    }
                    _ => {}
                },
                _ => {}
            }
            let (what, end) = Item::read(pattern, item)?;
            *steps = steps.saturating_sub(what.weight());
            let is_match = subject.get(at).is_some_and(|byte| what.matches(*byte));
            match peek(pattern, end) {
                b'+' if !is_match => return Ok(Next::Fail),
                repeated @ (b'*' | b'+') => {
                    let low = at + usize::from(repeated == b'+');
                    match self.take(subject, what, (item, end), (low, low), steps)? {
                        Some(taken) => at = taken,
                        None => return Ok(self.next),
                    }
                    item = end + 1;
                }
                b'-' => {
                    self.push(Choice::More { item, at })?;
                    item = end + 1;
                }
                b'?' => {
                    if is_match {
                        self.push(Choice::Without { next: end + 1, at })?;
                        at += 1;
                    }
                    item = end + 1;
                }
                _ if is_match => {
                    item = end;
                    at += 1;
                }
                _ => return Ok(Next::Fail),
            }
        }
        Ok(Next::Match { item, at })
    }

    /// Takes as many bytes as match an item, and returns the place behind them; or none, with
    /// [`Search::next`] set, if the steps do not last.
    fn take(
        &mut self,
        subject: &[u8],
        what: Item<'_>,
        (item, end): (usize, usize),
        (low, at): (usize, usize),
        steps: &mut usize,
    ) -> Result<Option<usize>, Error> {
        let each = 1 + what.weight();
        let most = steps.saturating_mul(BYTES_A_STEP) / each + 1;
        let high = subject.len().min(at.saturating_add(most));
        let taken = what.count(subject.get(at..high).unwrap_or_default());
        *steps = steps.saturating_sub(taken * each / BYTES_A_STEP);
        let at = at + taken;
        if at == high && high < subject.len() {
            self.next = Next::Take { item, low, at };
            return Ok(None);
        }
        self.push(Choice::Less { next: end + 1, low, at })?;
        Ok(Some(at))
    }

    /// Goes back to the last choice that leaves something to be tried.
    fn back(&mut self, subject: &[u8], pattern: &[u8], steps: &mut usize) -> Result<Next, Error> {
        while let Some(choice) = self.choices.get_mut(..self.depth).and_then(<[_]>::last_mut) {
            if *steps == 0 {
                break;
            }
            *steps -= 1;
            match choice {
                Choice::Less { next, low, at } if *at > *low => {
                    *at -= 1;
                    return Ok(Next::Match { item: *next, at: *at });
                }
                Choice::More { item, at } => {
                    let (what, end) = Item::read(pattern, *item)?;
                    *steps = steps.saturating_sub(what.weight());
                    if subject.get(*at).is_some_and(|byte| what.matches(*byte)) {
                        *at += 1;
                        return Ok(Next::Match { item: end + 1, at: *at });
                    }
                }
                Choice::Without { next, at } => {
                    self.depth -= 1;
                    return Ok(Next::Match { item: *next, at: *at });
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
        }
        Ok(Next::Fail)
    }

    fn push(&mut self, choice: Choice) -> Result<(), Error> {
        let place = self.choices.get_mut(self.depth).ok_or(Error::TooComplex)?;
        *place = choice;
        self.depth += 1;
        Ok(())
    }

    fn open(&mut self, end: End, at: usize) -> Result<(), Error> {
        let group = self.groups.get_mut(self.level).ok_or(Error::TooManyCaptures)?;
        *group = Group { start: at, end };
        self.level += 1;
        self.push(Choice::Opened)
    }

    fn close(&mut self, at: usize) -> Result<(), Error> {
        let groups = self.groups.get_mut(..self.level).unwrap_or_default();
        let group = groups.iter().rposition(|group| group.end == End::Open);
        let group = group.ok_or(Error::CloseCapture)?;
        if let Some(group) = groups.get_mut(group) {
            group.end = End::At(at);
        }
        self.push(Choice::Closed { group })
    }

    /// Matches what a capture took, once more; returns its length.
    fn repeat(
        &self,
        subject: &[u8],
        digit: u8,
        at: usize,
        steps: &mut usize,
    ) -> Result<Option<usize>, Error> {
        let index = usize::from(digit).checked_sub(usize::from(b'1'));
        let index = index.filter(|index| *index < self.level).ok_or(Error::CaptureIndex)?;
        let group = self.groups.get(index).ok_or(Error::CaptureIndex)?;
        let end = match group.end {
            End::Open => return Err(Error::CaptureIndex),
            End::Position => return Ok(None),
            End::At(end) => end,
        };
        let text = subject.get(group.start..end).unwrap_or_default();
        *steps = steps.saturating_sub(text.len() / (4 * BYTES_A_STEP));
        let rest = subject.get(at..).unwrap_or_default();
        Ok(rest.starts_with(text).then_some(text.len()))
    }
}

/// Returns what every match of a pattern begins with, if that is one item: an attempt elsewhere
/// fails at once.
fn lead(pattern: &[u8]) -> Option<Item<'_>> {
    let mut at = 0;
    while peek(pattern, at) == b'(' && peek(pattern, at + 1) != b')' && at < CAPTURES_MAX {
        at += 1;
    }
    match peek(pattern, at) {
        0 | b'(' | b')' => return None,
        b'$' if at + 1 == pattern.len() => return None,
        b'%' if matches!(peek(pattern, at + 1), b'b' | b'f' | b'0'..=b'9') => return None,
        _ => {}
    }
    // What is wrong with it is found by the attempt.
    let (what, end) = Item::read(pattern, at).ok()?;
    (!matches!(peek(pattern, end), b'*' | b'?' | b'-')).then_some(what)
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

/// Matches `%f`, of which `item` is the place of its set; returns the place after that.
fn frontier(
    subject: &[u8],
    pattern: &[u8],
    item: usize,
    at: usize,
) -> Result<Option<usize>, Error> {
    if peek(pattern, item) != b'[' {
        return Err(Error::NoFrontierSet);
    }
    let (set, end) = Item::read(pattern, item)?;
    let before = at.checked_sub(1).map_or(0, |before| peek(subject, before));
    Ok((!set.matches(before) && set.matches(peek(subject, at))).then_some(end))
}
