//! The replacing of all matches, as `gsub` does it, in slices.

use super::Capture;
use super::Error;
use super::Progress;
use super::Search;

/// How many bytes of the result are made before Lua takes them.
const PIECE: usize = 64 << 10;

/// What `gsub` has to do yet.
#[derive(Clone, Copy, Debug)]
pub(in crate::lua) struct Substitution {
    pub(in crate::lua) search: Search,
    /// How many matches may still be replaced.
    left: usize,
    /// How many have been.
    count: usize,
    /// How much of the subject is in the result already.
    copied: usize,
    /// The match being replaced, and where in the replacement it stands.
    replaced: Option<(usize, usize, usize)>,
}

/// What a substitution needs next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lua) enum Want {
    /// What stands for the match between two places.
    Replacement(usize, usize),
    /// To be called again, once the result so far is taken.
    Turn,
    /// Nothing more.
    Nothing,
}

impl Substitution {
    pub(in crate::lua) const fn new() -> Self {
        Self { search: Search::new(), left: 0, count: 0, copied: 0, replaced: None }
    }

    /// Begins anew.
    pub(in crate::lua) fn begin(&mut self, anchored: bool, most: usize) {
        self.search.begin(0, anchored);
        self.left = most;
        self.count = 0;
        self.copied = 0;
        self.replaced = None;
    }

    /// Returns how many matches were replaced.
    pub(in crate::lua) fn count(&self) -> usize {
        self.count
    }

    /// Goes on to the next match, if it comes to it.
    pub(in crate::lua) fn run(
        &mut self,
        subject: &[u8],
        pattern: &[u8],
        out: &mut Vec<u8>,
        steps: &mut usize,
    ) -> Result<Want, Error> {
        if let Some((first, last, _)) = self.replaced {
            return Ok(Want::Replacement(first, last));
        }
        if out.len() >= PIECE {
            return Ok(Want::Turn);
        }
        if self.left > 0 {
            match self.search.run(subject, pattern, steps)? {
                Progress::Paused => return Ok(Want::Turn),
                Progress::Missed => self.left = 0,
                Progress::Found(first, last) => {
                    self.left -= 1;
                    self.count += 1;
                    out.extend_from_slice(subject.get(self.copied..first).unwrap_or_default());
                    self.replaced = Some((first, last, 0));
                    return Ok(Want::Replacement(first, last));
                }
            }
        }
        out.extend_from_slice(subject.get(self.copied..).unwrap_or_default());
        self.copied = subject.len();
        Ok(Want::Nothing)
    }

    /// Replaces matches by what a replacement of text makes of them.
    pub(in crate::lua) fn replace(
        &mut self,
        subject: &[u8],
        pattern: &[u8],
        replacement: &[u8],
        out: &mut Vec<u8>,
        steps: &mut usize,
    ) -> Result<Want, Error> {
        loop {
            let want = self.run(subject, pattern, out, steps)?;
            if !matches!(want, Want::Replacement(..))
                || self.expand(subject, replacement, out, steps)? == Want::Turn
            {
                return Ok(if want == Want::Nothing { Want::Nothing } else { Want::Turn });
            }
        }
    }

    /// Writes what a replacement of text makes of the match; goes on later if that gets long.
    fn expand(
        &mut self,
        subject: &[u8],
        replacement: &[u8],
        out: &mut Vec<u8>,
        steps: &mut usize,
    ) -> Result<Want, Error> {
        let Some((first, last, mut at)) = self.replaced else { return Ok(Want::Nothing) };
        while let Some(rest) = replacement.get(at..).filter(|rest| !rest.is_empty()) {
            if out.len() >= PIECE {
                self.replaced = Some((first, last, at));
                return Ok(Want::Turn);
            }
            *steps = steps.saturating_sub(1);
            let plain = memchr::memchr(b'%', rest).unwrap_or(rest.len());
            out.extend_from_slice(rest.get(..plain).unwrap_or(rest));
            at += plain;
            if plain == rest.len() {
                break;
            }
            // LuaJIT reads the zero behind a last `%`.
            match rest.get(plain + 1).copied().unwrap_or(0) {
                b'0' => out.extend_from_slice(subject.get(first..last).unwrap_or_default()),
                digit @ b'1'..=b'9' => {
                    let capture = self.search.capture(usize::from(digit - b'1'), (first, last))?;
                    write(subject, capture, out);
                }
                other => out.push(other),
            }
            at += 2;
        }
        self.finish(subject, out);
        Ok(Want::Nothing)
    }

    /// Goes on behind a match whose replacement is written.
    pub(in crate::lua) fn finish(&mut self, subject: &[u8], out: &mut Vec<u8>) {
        let Some((first, last, _)) = self.replaced.take() else { return };
        self.copied = last;
        let mut start = last;
        if last == first {
            // An empty match: the next is looked for behind the byte that follows.
            if let Some(byte) = subject.get(first) {
                out.push(*byte);
                start = first + 1;
                self.copied = start;
            } else {
                self.left = 0;
            }
        }
        if self.search.is_anchored() {
            self.left = 0;
        }
        self.search.begin(start, self.search.is_anchored());
    }
}

/// Writes a capture as `gsub` puts it into the result.
fn write(subject: &[u8], capture: Capture, out: &mut Vec<u8>) {
    match capture {
        Capture::Text(start, end) => {
            out.extend_from_slice(subject.get(start..end).unwrap_or_default());
        }
        Capture::Position(at) => out.extend_from_slice((at + 1).to_string().as_bytes()),
    }
}
