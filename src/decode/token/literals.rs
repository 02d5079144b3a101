//! Digits in a literal that is cut into several: `"…" + "…"`.

use std::ops::Range;

use crate::decode::digits;
use crate::decode::digits::is_digit;
use crate::decode::token::MAX_BREAK;
use crate::decode::token::Piece;

/// The pieces of a run in a literal that is cut into several: `"…" + "…"`; `None` if there is but one.
pub(super) fn literals(text: &[u8], run: Range<usize>) -> Option<Vec<Piece>> {
    let mut before = joint_before(text, run.start);
    let mut after = joint(&text[run.end..]);
    if before.is_none() && after.is_none() {
        return None;
    }
    let mut head = run.clone();
    let mut pieces = Vec::new();
    while let Some(joint) = before {
        pieces.push(Piece::digits(head));
        head = digits::start_of(text, joint)..joint;
        before = joint_before(text, head.start);
    }
    pieces.push(Piece::digits(head));
    pieces.reverse();
    let mut end = run.end;
    while let Some(joint) = after {
        let start = end + joint;
        end = digits::end_of(text, start);
        pieces.push(Piece::digits(start..end));
        after = self::joint(&text[end..]);
    }
    Some(pieces)
}

/// The length of what stands between two literals that are one, at the start of `text`, if a digit
/// follows: a quote, blanks, line ends, perhaps an operator, and a quote. Commas stand between
/// literals of their own.
fn joint(text: &[u8]) -> Option<usize> {
    let text = &text[..text.len().min(MAX_BREAK)];
    // Most runs end here.
    let closed = match text {
        [b'?', b'=', ..] => return between_words(text),
        [b'"' | b'\'' | b'`', ..] => 1,
        [b'\\', b'"' | b'\'', ..] => 2,
        _ => return None,
    };
    let between = text[closed..].iter().take_while(|b| is_in_joint(**b));
    let mut open = closed + between.count();
    // Behind an empty line something else begins.
    let lines = text[closed..open].iter().filter(|b| **b == b'\n');
    if lines.count() > 1 {
        return None;
    }
    // Python's bytes.
    open += usize::from(text.get(open) == Some(&b'b'));
    let is_joint = is_quote(*text.get(open)?) && is_digit(*text.get(open + 1)?);
    is_joint.then_some(open + 1)
}

/// The length of what stands between two encoded words of a mail's header.
fn between_words(text: &[u8]) -> Option<usize> {
    let blanks = text[2..].iter().take_while(|b| b.is_ascii_whitespace());
    let charset = text[2 + blanks.count()..].strip_prefix(b"=?")?;
    let charset_end = charset.iter().position(|b| *b == b'?')?;
    let is_base64 =
        matches!(charset[charset_end..], [b'?', b'b' | b'B', b'?', digit, ..] if is_digit(digit));
    is_base64.then(|| text.len() - charset.len() + charset_end + 3)
}

/// Where what [`joint`] finds begins, if it ends at `start` and there is a digit before it.
fn joint_before(text: &[u8], start: usize) -> Option<usize> {
    let from = start.saturating_sub(MAX_BREAK);
    let [before @ .., open] = &text[from..start] else {
        return None;
    };
    if *open == b'?' {
        let closed = before.windows(2).rposition(|two| two == b"?=")?;
        let at = from + closed;
        let is_joint = joint(&text[at..]) == Some(start - at);
        return (is_joint && is_digit(*text.get(at.checked_sub(1)?)?)).then_some(at);
    }
    if !is_quote(*open) {
        return None;
    }
    let before = before.strip_suffix(b"b").unwrap_or(before);
    let between = before.iter().rev().take_while(|b| is_in_joint(**b)).count();
    let close = before.len().checked_sub(between + 1)?;
    let escaped = close > 0 && before[close - 1] == b'\\';
    let at = from + close - usize::from(escaped);
    let is_joint = joint(&text[at..]) == Some(start - at);
    (is_joint && is_digit(*text.get(at.checked_sub(1)?)?)).then_some(at)
}

fn is_quote(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'' | b'`')
}

/// Whether it may stand between two literals that are one: blanks, operators, parentheses, the
/// ends of an interpolation.
fn is_in_joint(byte: u8) -> bool {
    const TABLE: [bool; 256] = {
        let mut table = [false; 256];
        let mut all: &[u8] = b" \t\n\x0c\r+.&|~<_\\(){}$";
        while let [byte, rest @ ..] = all {
            table[*byte as usize] = true;
            all = rest;
        }
        table
    };
    TABLE[usize::from(byte)]
}
