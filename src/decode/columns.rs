//! Runs of digits of one length below or beside each other, whatever stands between them: the elements of a
//! list, values that are assigned in turn, lines with a number or a time before them.

use std::ops::Range;
use std::ops::RangeInclusive;

use crate::decode::digits;

/// Digits of a run at the least, and at the most.
pub(super) const WIDTHS: RangeInclusive<usize> = 40..=160;
/// Of so many digits, every run is looked at.
const PROBED: usize = digits::STRIDE + digits::PROBE;
/// Bytes between two runs at the most.
pub(super) const MAX_GAP: usize = 96;
/// Bytes behind a run among which a shorter one has to stand, with what ends it; in a line, to begin.
pub(super) const SHORTER_SIGHT: usize = 192;

/// The runs, from `from` on, of which `known` is one, if it has as many digits as the one after it or before.
/// The last may have fewer, behind what stands between the others.
pub(super) fn columns(text: &[u8], known: &Range<usize>, from: usize) -> Option<Vec<Range<usize>>> {
    let width = known.len();
    if !WIDTHS.contains(&width) {
        return None;
    }
    // Short ones may have been stepped over.
    let mut all = vec![known.clone()];
    let mut between = 0..0;
    while let Some(first) = all.last()
        && width < PROBED
        && let Some(before) = previous(text, first.start, width, from)
    {
        between = before.end..first.start;
        all.push(before);
    }
    all.reverse();
    while let Some(last) = all.last() {
        let end = last.end;
        // Padding ends it.
        if text.get(end) == Some(&b'=') {
            break;
        }
        if let Some(next) = next(text, end, width) {
            between = end..next.start;
            all.push(next);
            continue;
        }
        if let [first] = &all[..] {
            let last = shorter(text, end, width);
            if let Some(last) = last.or_else(|| shorter_line(text, first, width)) {
                all.push(last);
                break;
            }
        }
        if let Some(start) = like(&text[between.clone()], text, end) {
            let rest = start..digits::end_of(text, start);
            if !between.is_empty() && !rest.is_empty() && rest.len() < width {
                all.push(rest);
            }
        }
        break;
    }
    (all.len() > 1).then_some(all)
}

/// The first run of so many digits behind `end`, if it is near and no longer one stands before it.
fn next(text: &[u8], end: usize, width: usize) -> Option<Range<usize>> {
    let mut at = end;
    loop {
        let near = text.get(at..text.len().min(end + MAX_GAP))?;
        let start = at + near.iter().position(|b| digits::is_digit(*b))?;
        let run = start..digits::end_of(text, start);
        if run.len() >= width {
            return (run.len() == width).then_some(run);
        }
        at = run.end;
    }
}

/// The shorter element of a list behind its first one, which ends at `end`.
fn shorter(text: &[u8], end: usize, width: usize) -> Option<Range<usize>> {
    let text = &text[..text.len().min(end + SHORTER_SIGHT)];
    let near = &text[end..text.len().min(end + MAX_GAP)];
    let [quote @ (b'"' | b'\'' | b'`'), b',', rest @ ..] = near else {
        return None;
    };
    let blanks = rest.iter().take_while(|b| b.is_ascii_whitespace()).count();
    let start = end + 2 + blanks + 1;
    let last = start..digits::end_of(text, start.min(text.len()));
    let is_quoted = rest.get(blanks) == Some(quote);
    let behind = &text[last.end..text.len().min(last.end + MAX_GAP)];
    let behind = behind.trim_ascii_start();
    let behind = behind
        .strip_prefix(b"==")
        .or(behind.strip_prefix(b"="))
        .unwrap_or(behind);
    let closed = behind.strip_prefix(&[*quote]).map(<[u8]>::trim_ascii_start);
    // What goes on with a colon is the name of something else.
    let ends = closed.is_some_and(|rest| matches!(rest, [b',' | b']' | b')' | b'}' | b'.', ..]));
    (is_quoted && ends && !last.is_empty() && last.len() < width).then_some(last)
}

/// The shorter end of a line behind the first one, `line`, if both begin alike, as lines of a log do.
fn shorter_line(text: &[u8], line: &Range<usize>, width: usize) -> Option<Range<usize>> {
    // Most end here.
    let line_end = match text[line.end..] {
        [b'\n', ..] => 1,
        [b'\r', b'\n', ..] => 2,
        _ => return None,
    };
    let from = line.start.saturating_sub(MAX_GAP);
    let before = &text[from..line.start];
    let line_start = before.iter().rposition(|b| *b == b'\n');
    let line_start = line_start.map(|at| at + 1).or((from == 0).then_some(0))?;
    let prefix = &before[line_start..];
    // A mark beside every line is known without it.
    if !prefix.iter().any(u8::is_ascii_digit) {
        return None;
    }
    // The numbers in it may have any length, and it has to be known from where the line ends.
    let near = &text[..text.len().min(line.end + SHORTER_SIGHT)];
    let start = like(prefix, near, line.end + line_end)?;
    let last = start..digits::end_of(text, start);
    let is_all = matches!(text.get(last.end), None | Some(b'\n' | b'\r' | b'='));
    (is_all && !last.is_empty() && last.len() < width).then_some(last)
}

/// The last run of so many digits before `start`, if it is near and no longer one stands behind it.
fn previous(text: &[u8], start: usize, width: usize, from: usize) -> Option<Range<usize>> {
    let near = from.max(start.saturating_sub(MAX_GAP));
    let mut at = start;
    loop {
        let last = near
            + text
                .get(near..at)?
                .iter()
                .rposition(|b| digits::is_digit(*b))?;
        let run = digits::start_of(text, last)..last + 1;
        if run.len() >= width {
            let is_padded = text.get(run.end) == Some(&b'=');
            return (run.len() == width && run.start >= from && !is_padded).then_some(run);
        }
        at = run.start;
    }
}

/// Where what stands at `at` ends, if it is as `between`, but for the numbers in it.
fn like(between: &[u8], text: &[u8], mut at: usize) -> Option<usize> {
    let mut rest = between;
    let number = |bytes: &[u8]| bytes.iter().take_while(|b| b.is_ascii_digit()).count();
    while let Some(wanted) = rest.first() {
        let here = text.get(at..)?;
        let (skipped, matched) = if wanted.is_ascii_digit() {
            (number(rest), number(here))
        } else {
            (1, usize::from(here.first() == Some(wanted)))
        };
        if matched == 0 {
            return None;
        }
        rest = &rest[skipped..];
        at += matched;
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let from = |known: &str| {
            let known = text.find(known)?;
            let known = known..digits::end_of(text.as_bytes(), known);
            columns(text.as_bytes(), &known, 0)
        };
        let all = from("Aa").unwrap_or_default();
        if let Some(same) = from("Bb") {
            assert_eq!(same, all);
        }
        all.into_iter()
            .map(|at| text.get(at).unwrap().to_owned())
            .collect()
    }

    #[test]
    fn runs_are_found_over_whatever_stands_between() {
        let (a, b, c) = ("Aa1x".repeat(10), "Bb2y".repeat(10), "Cc3z".repeat(3));
        for text in [
            format!("[\"{a}\", \"{b}\", \"{c}\"]"),
            format!("p9 = '{a}';\np10 = '{b}';\np11 = '{c}';\n"),
            format!("\"{a}\" /* 1 */\n\"{b}\" /* 2 */\n\"{c}\""),
            format!("  9  {a}\n 10  {b}\n 11  {c}\n"),
            format!("<l>{a}</l>\n<l>{b}</l>\n<l>{c}</l>"),
        ] {
            assert_eq!(found(&text), [a.as_str(), &b, &c], "{text}");
        }
        assert_eq!(found(&format!("['{a}',\n '{c}=']")), [a.as_str(), &c]);
        for text in [
            format!("10:09 {a}\n10:10 {c}=\n10:11 x"),
            format!("x\n1. {a}\r\n2. {c}\r\n"),
        ] {
            assert_eq!(found(&text), [a.as_str(), &c], "{text}");
        }
        assert!(found(&format!("x\n10:09 {a}\n10:10 x {c}\n")).is_empty());
        assert!(found(&format!("x\nx {a}\nx {c}\n")).is_empty());
        assert!(found(&format!("['{a}', {c}]")).is_empty());
        assert!(found(&format!("x: '{a}', '{c}': y")).is_empty());
        assert!(found(&format!("{a}, x, {b}x")).is_empty());
        assert!(found(&format!("{a}==, {b}")).is_empty());
        assert!(found(&format!("{a}{}{b}", " ".repeat(100))).is_empty());
    }
}
