//! Byte offsets as lines and columns.

use std::fmt;
use std::ops::Range;

use memchr::memchr_iter;
use serde::Serialize;

/// A place in a text: 1-based line, and 1-based column in bytes of that line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Position {
    /// The line, counted from 1.
    pub line: u64,
    /// The byte in the line, counted from 1.
    pub column: u64,
}

/// Where a piece of a longer text begins, so that positions in the piece are positions in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Base {
    /// Bytes before the piece.
    pub offset: u64,
    /// Line ends before the piece.
    pub lines: u64,
    /// Bytes between the last of these line ends and the piece.
    pub column: u64,
    /// Bytes of a byte-order mark on the line that goes on: no column.
    pub mark: u64,
    /// The byte that ends a line in this text.
    pub line_end: LineEnd,
}

/// What ends a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineEnd {
    /// `\n`, also after `\r`.
    Lf,
    /// A lone `\r`, in a text that has no `\n` at all (classic Mac OS).
    Cr,
}

impl LineEnd {
    /// Tells what ends the lines of a text that begins with `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        if memchr::memchr(b'\n', bytes).is_none() && memchr::memchr(b'\r', bytes).is_some() {
            Self::Cr
        } else {
            Self::Lf
        }
    }

    fn byte(self) -> u8 {
        match self {
            Self::Lf => b'\n',
            Self::Cr => b'\r',
        }
    }
}

impl Base {
    /// The base of a whole text.
    pub fn start(text: &[u8]) -> Self {
        Self {
            offset: 0,
            lines: 0,
            column: 0,
            mark: if text.starts_with("\u{feff}".as_bytes()) {
                3
            } else {
                0
            },
            line_end: LineEnd::of(text),
        }
    }

    /// The base of what follows `bytes`, which stand at this base.
    #[must_use]
    pub fn after(self, bytes: &[u8]) -> Self {
        let end = self.line_end.byte();
        let lines = memchr_iter(end, bytes).count() as u64;
        let column = match memchr::memrchr(end, bytes) {
            Some(at) => (bytes.len() - at - 1) as u64,
            None => self.column + bytes.len() as u64,
        };
        Self {
            offset: self.offset + bytes.len() as u64,
            lines: self.lines + lines,
            column,
            mark: if lines == 0 { self.mark } else { 0 },
            line_end: self.line_end,
        }
    }
}

/// Bytes of which a [`LineIndex`] remembers the lines together.
const BLOCK: usize = 4096;

/// The lines of a piece of text: offset to position, and the line around an offset.
///
/// It remembers the lines before every 4096th byte and counts the rest when asked, so that a text
/// of nothing but line ends takes no more memory than any other.
pub struct LineIndex<'a> {
    text: &'a [u8],
    base: Base,
    /// For each block, the line ends before it, and where the line that it begins in begins.
    blocks: Vec<(u64, Option<usize>)>,
}

impl fmt::Debug for LineIndex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LineIndex")
            .field("base", &self.base)
            .field("len", &self.text.len())
            .finish_non_exhaustive()
    }
}

impl<'a> LineIndex<'a> {
    /// Finds the line ends of `text`, which stands at `base`.
    pub fn new(text: &'a [u8], base: Base) -> Self {
        let end = base.line_end.byte();
        let mut lines = 0;
        let mut start = None;
        let mut blocks = Vec::with_capacity(text.len() / BLOCK + 1);
        for (number, block) in text.chunks(BLOCK).enumerate() {
            blocks.push((lines, start));
            lines += memchr_iter(end, block).count() as u64;
            if let Some(at) = memchr::memrchr(end, block) {
                start = Some(number * BLOCK + at + 1);
            }
        }
        if blocks.is_empty() || text.len().is_multiple_of(BLOCK) {
            blocks.push((lines, start));
        }
        Self { text, base, blocks }
    }

    /// The position of a byte of the piece, or of its end.
    pub fn position(&self, offset: usize) -> Position {
        let (lines, start) = self.before(offset);
        let column = match start {
            Some(start) => (offset - start) as u64,
            None => (self.base.column + offset as u64).saturating_sub(self.base.mark),
        };
        Position {
            line: self.base.lines + lines + 1,
            column: column + 1,
        }
    }

    /// The line that holds `offset`, with its line end, as far as it lies in the piece and within
    /// `reach` bytes of `offset`.
    pub fn line(&self, offset: usize, reach: usize) -> Range<usize> {
        let start = self.before(offset).1.unwrap_or(0);
        let to = self.text.len().min(offset.saturating_add(reach));
        let end = memchr::memchr(self.base.line_end.byte(), &self.text[offset..to])
            .map_or(to, |at| offset + at + 1);
        start.max(offset.saturating_sub(reach))..end
    }

    /// Line ends before `offset`, and where its line begins, if in the piece.
    fn before(&self, offset: usize) -> (u64, Option<usize>) {
        let end = self.base.line_end.byte();
        let block = offset / BLOCK;
        let (lines, start) = self.blocks[block];
        let from = block * BLOCK;
        let passed = &self.text[from..offset];
        let start = memchr::memrchr(end, passed).map_or(start, |at| Some(from + at + 1));
        (lines + memchr_iter(end, passed).count() as u64, start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_counted_from_one() {
        let text = b"ab\ncd\r\n\nx";
        let index = LineIndex::new(text, Base::start(text));
        let at = |offset| {
            let p = index.position(offset);
            (p.line, p.column)
        };
        assert_eq!(at(0), (1, 1));
        assert_eq!(at(4), (2, 2));
        assert_eq!(at(7), (3, 1));
        assert_eq!(at(8), (4, 1));
        assert_eq!(at(9), (4, 2));
        assert_eq!(index.line(4, 100), 3..7);
        assert_eq!(index.line(8, 100), 8..9);
    }

    #[test]
    fn a_lone_carriage_return_ends_a_line_only_where_nothing_else_does() {
        assert_eq!(LineEnd::of(b"a\rb"), LineEnd::Cr);
        assert_eq!(LineEnd::of(b"a\rb\n"), LineEnd::Lf);
        assert_eq!(LineEnd::of(b"ab"), LineEnd::Lf);
    }

    #[test]
    fn a_piece_goes_on_where_the_last_ended() {
        let text = b"ab\ncdef\ngh";
        let whole = LineIndex::new(text, Base::start(text));
        for cut in 0..text.len() {
            let base = Base::start(text).after(&text[..cut]);
            let piece = LineIndex::new(&text[cut..], base);
            for offset in cut..text.len() {
                assert_eq!(piece.position(offset - cut), whole.position(offset));
            }
        }
    }
}
