//! A word with its way back to the source: which bytes of the file gave which bytes of the text.

use std::ops::Range;

use crate::diag::Span;

/// A word, unquoted and with its variables expanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// The text; what is no UTF-8 (an escape such as `\xff`) is replaced, see [`Word::bytes`].
    pub text: String,
    /// Where it is in the source, quotes included.
    pub span: Span,
    /// The bytes, where they are no UTF-8.
    raw: Option<Box<[u8]>>,
    /// Where the parts of the text come from, in order; empty when the source reads as the text.
    pieces: Vec<Piece>,
}

/// A part of a text and the part of the source that it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Piece {
    /// First byte in the text.
    text: u32,
    /// Length in the text.
    length: u32,
    /// First byte in the source.
    start: u32,
    /// One past the last byte in the source.
    end: u32,
    /// Whether the source has the same bytes; else it is an escape or a variable.
    same: bool,
}

impl Word {
    /// Returns a word that reads in the source as it is; for words that no text was read for.
    pub fn new(text: impl Into<String>, span: Span) -> Self {
        Self { text: text.into(), span, raw: None, pieces: Vec::new() }
    }

    /// Returns the exact bytes, which an escape may have made other than UTF-8.
    pub fn bytes(&self) -> &[u8] {
        self.raw.as_deref().unwrap_or(self.text.as_bytes())
    }

    /// Returns where a range of bytes of the text comes from. Any range will do: it is clamped.
    pub fn sub(&self, range: Range<usize>) -> Span {
        let start = self.text.floor_char_boundary(range.start);
        let end = self.text.ceil_char_boundary(range.end).max(start);
        let from = self.origin(to_u32(start));
        let until = if end > start { self.origin_end(to_u32(end)) } else { from };
        Span { source: self.span.source, start: from, end: until.max(from) }
    }

    /// Returns the byte of the source that a byte of the text comes from.
    fn origin(&self, at: u32) -> u32 {
        if self.pieces.is_empty() {
            return self.span.start.saturating_add(at).min(self.span.end);
        }
        let inside = |piece: &&Piece| at >= piece.text && at - piece.text < piece.length;
        match self.pieces.iter().find(inside) {
            Some(piece) if piece.same => piece.start + (at - piece.text),
            Some(piece) => piece.start,
            None => self.pieces.last().map_or(self.span.end, |piece| piece.end),
        }
    }

    /// Returns one past the byte of the source that the byte of the text before `at` comes from.
    fn origin_end(&self, at: u32) -> u32 {
        if self.pieces.is_empty() {
            return self.span.start.saturating_add(at).min(self.span.end);
        }
        let inside = |piece: &&Piece| at > piece.text && at - piece.text <= piece.length;
        match self.pieces.iter().find(inside) {
            Some(piece) if piece.same => piece.start + (at - piece.text),
            Some(piece) => piece.end,
            None => self.span.end,
        }
    }
}

/// A word that is being read.
#[derive(Debug, Default)]
pub(super) struct Builder {
    bytes: Vec<u8>,
    pieces: Vec<Piece>,
    /// Where it begins in the source; `None` while there is no word.
    start: Option<u32>,
}

impl Builder {
    /// Begins a word, unless one has begun: a quote does so, even when nothing is in it.
    pub(super) fn begin(&mut self, at: u32) {
        self.start.get_or_insert(at);
    }

    /// Returns whether a word has begun.
    pub(super) fn is_open(&self) -> bool {
        self.start.is_some()
    }

    /// Adds a byte that the source has at `at`.
    pub(super) fn push(&mut self, byte: u8, at: u32) {
        self.begin(at);
        let text = to_u32(self.bytes.len());
        self.bytes.push(byte);
        match self.pieces.last_mut() {
            Some(last) if last.same && last.end == at => {
                last.length += 1;
                last.end += 1;
            }
            _ => self.pieces.push(Piece { text, length: 1, start: at, end: at + 1, same: true }),
        }
    }

    /// Adds bytes that an escape or a variable in the source stands for.
    pub(super) fn replace(&mut self, bytes: &[u8], source: Range<u32>) {
        self.begin(source.start);
        let (text, length) = (to_u32(self.bytes.len()), to_u32(bytes.len()));
        self.bytes.extend_from_slice(bytes);
        let (start, end) = (source.start, source.end);
        self.pieces.push(Piece { text, length, start, end, same: false });
    }

    /// Ends the word, and leaves the builder ready for the next.
    pub(super) fn finish(&mut self, source: u32, end: u32) -> Option<Word> {
        let start = self.start.take()?;
        let bytes = std::mem::take(&mut self.bytes);
        let mut pieces = std::mem::take(&mut self.pieces);
        let span = Span { source, start, end };
        let (text, raw) = match String::from_utf8(bytes) {
            Ok(text) => (text, None),
            Err(error) => {
                // The replaced text has other offsets: any part of it stands for the whole word.
                let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
                let length = to_u32(text.len());
                pieces = vec![Piece { text: 0, length, start, end, same: false }];
                (text, Some(error.into_bytes().into_boxed_slice()))
            }
        };
        if pieces.len() == 1 && pieces.iter().all(|p| p.same && p.start == start && p.end == end) {
            pieces.clear();
        }
        Some(Word { text, span, raw, pieces })
    }
}

/// Returns a length or offset as spans hold it.
pub(super) fn to_u32(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
