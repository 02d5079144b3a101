//! Lines of wrapped base64 and hex, and what stands around their ends.

use std::ops::Range;

use crate::decode::digits;
use crate::decode::digits::is_digit;
use crate::decode::token::MAX_BREAK;
use crate::decode::token::Piece;

/// The lines of a run that goes on over line ends: all of one length but the last.
pub(super) fn wrapped(text: &[u8], first: Range<usize>) -> Vec<Piece> {
    let mut width = first.len();
    let mut lines = vec![Piece::digits(first)];
    // Lines before it may have been stepped over.
    while let Some(line) = line_before(text, lines[lines.len() - 1].at.start, width) {
        lines.push(Piece::digits(line));
    }
    lines.reverse();
    if let [first] = &lines[..]
        && let Some(line) = line_behind_name(text, &first.at)
    {
        width = line.len();
        lines.push(Piece::digits(line));
    }
    while let Some(last) = lines.last()
        && last.len() == width
        && let Some(skip) = line_break(&text[last.at.end..])
    {
        let start = last.at.end + skip;
        let length = digits::end_of(text, start) - start;
        // The next line may be another statement. A word behind a blank is no line, unless the ones before it are as lines are cut.
        let ends_line = |b: &u8| matches!(b, b'\n' | b'\r' | b'\\');
        let word = !text[last.at.end..start].iter().any(ends_line)
            && lines.len() == 1
            && !matches!(width, 64 | 76);
        let is_key = length < width && matches!(text.get(start + length), Some(b':' | b'(' | b'.'));
        if length == 0 || length > width || word && length < width || is_key {
            break;
        }
        lines.push(Piece::digits(start..start + length));
    }
    lines
}

/// The line behind one that is shorter by the name before it: LDIF folds at a column, and begins each
/// line that goes on with a blank.
fn line_behind_name(text: &[u8], first: &Range<usize>) -> Option<Range<usize>> {
    let line_end: &[u8] = if text[first.end..].starts_with(b"\r") {
        b"\r\n "
    } else {
        b"\n "
    };
    if !text[first.end..].starts_with(line_end) || !text[..first.start].ends_with(b": ") {
        return None;
    }
    let from = first.start.saturating_sub(MAX_BREAK);
    let name = text[from..first.start].iter().rev();
    let column = name.take_while(|b| **b != b'\n').count();
    let start = first.end + line_end.len();
    let line = start..digits::end_of(text, start);
    (line.len() > first.len() && line.len() < first.len() + column).then_some(line)
}

/// The line of exactly this many digits before the one that begins at `start`.
pub(super) fn line_before(text: &[u8], start: usize, width: usize) -> Option<Range<usize>> {
    let from = start.saturating_sub(MAX_BREAK);
    let between = |b: &u8| matches!(b, b' ' | b'\t' | b'\n' | b'\r') || is_beside_line(*b);
    let skipped = text[from..start].iter().rev().take_while(|b| between(b));
    let end = start - skipped.count();
    let line = end.checked_sub(width)?..end;
    // Most runs end here: what is before them is of another length.
    let is_start = is_digit(text[line.start])
        && line
            .start
            .checked_sub(1)
            .is_none_or(|at| !is_digit(text[at]));
    let is_break = || line_break(&text[end..start]) == Some(start - end);
    (end < start && is_start && is_break() && digits::start_of(text, end) == line.start)
        .then_some(line)
}

/// Whether it may stand beside a line of wrapped base64: a quote, an operator, the mark of a
/// comment, a backslash.
fn is_beside_line(byte: u8) -> bool {
    matches!(
        byte,
        b'"' | b'\''
            | b'`'
            | b'\\'
            | b','
            | b'.'
            | b'&'
            | b'#'
            | b'>'
            | b'*'
            | b';'
            | b'%'
            | b'|'
            | b'^'
            | b'!'
    )
}

/// The length of a line end or a blank, and of what may stand around it: quotes, an operator,
/// indentation. It may be written as `\n`.
pub(super) fn line_break(text: &[u8]) -> Option<usize> {
    let mut ended = false;
    let mut at = 0;
    while at < text.len().min(MAX_BREAK) {
        match &text[at..] {
            [b'\n' | b'\r', ..] => ended = true,
            [b' ' | b'\t', ..] => ended |= at == 0,
            [b'\\', b'n' | b'r', ..] => {
                ended = true;
                at += 1;
            }
            [b'+', b' ' | b'\t' | b'\r' | b'\n', ..] => {}
            // The marks of a comment, which are two digits as well.
            [b'/', b'/', b' ', ..] | [b'-', b'-', b' ', ..] if ended => at += 1,
            [byte, ..] if is_beside_line(*byte) => {}
            _ => break,
        }
        at += 1;
    }
    ended.then_some(at)
}

/// Lines that all begin with the mark of a patch, or two as one of a merge has, without it: `+` and `-` are
/// digits as well.
pub(super) fn without_marks(text: &[u8], lines: &[Piece]) -> Option<Vec<Piece>> {
    let [first, _, ..] = lines else {
        return None;
    };
    let mark = text[first.at.start];
    if !matches!(mark, b'+' | b'-') {
        return None;
    }
    let marks = text[first.at.clone()].iter().take_while(|b| **b == mark);
    let marks = marks.count();
    let all = |line: &Piece| {
        let digits = &text[line.at.clone()];
        line.escaped.is_none() && digits.len() > marks && digits[..marks].iter().all(|b| *b == mark)
    };
    let content = |line: &Piece| Piece::digits(line.at.start + marks..line.at.end);
    (marks <= 2 && lines.iter().all(all)).then(|| lines.iter().map(content).collect())
}
