//! Dumps of bytes: lines with an offset, bytes in hex, and perhaps the same as text, as `xxd`, `hexdump -C`
//! and debuggers show them.

use std::ops::Range;

use memchr::memchr;
use memchr::memrchr;

use crate::decode::View;

/// Bytes of a line at the most.
const MAX_LINE: usize = 256;
/// Lines before the one that a dump is known by, and behind it.
const BEFORE: usize = 64;
const BEHIND: usize = 4096;
/// Lines at the end of one that was cut off that are to be looked at again: more than a key takes.
const AGAIN: usize = 512;

/// A line of a dump.
struct Line {
    /// Its offset, as written.
    offset: Range<usize>,
    /// Its bytes and whatever else looks like them, up to the end of the line.
    bytes: Vec<Range<usize>>,
    /// Where it ends.
    end: usize,
}

/// The bytes that the dump shows in which `at` stands, and up to where this is all there is to know of it.
/// It is known by its offsets, or by the text beside the bytes.
pub fn around(text: &[u8], at: usize) -> Option<(View, usize)> {
    let by_offset = by_offset(text, at);
    match &by_offset {
        Some((view, _)) if !view.bytes().is_empty() => by_offset,
        _ => by_text(text, at).or(by_offset),
    }
}

/// The bytes that the dump shows in which `at` stands, if it does, and up to where this is all there is to
/// know: what stands before that need not be asked about, which would take the whole dump each time.
fn by_offset(text: &[u8], at: usize) -> Option<(View, usize)> {
    let (lines, known) = lines_around(text, at, line)?;
    let mut view = View::default();
    // How many bytes a line has, and where in it they end.
    let mut length = 0;
    let mut column = 0;
    for (index, line) in lines.iter().enumerate() {
        if let Some(next) = lines.get(index + 1)
            && let Some(more) = distance(text, line, next)
        {
            length = more;
            let last = &line.bytes[length - 1];
            column = last.end - line.offset.start;
        }
        let shown = line.bytes.iter().take(length);
        for byte in shown.take_while(|byte| byte.start - line.offset.start < column) {
            let value = hex(&text[byte.clone()], 16)?;
            view.push(u8::try_from(value).ok()?, byte.clone(), 0);
        }
    }
    Some((view, known))
}

/// The same of a dump that is told by the text beside the bytes, whatever else a line has: no offset, one in
/// a box, the time or the mark of a comment before it.
fn by_text(text: &[u8], at: usize) -> Option<(View, usize)> {
    let (lines, known) = lines_around(text, at, line_with_text)?;
    let mut view = View::default();
    for byte in lines.iter().flat_map(|line| &line.bytes) {
        let value = hex(&text[byte.clone()], 16)?;
        view.push(u8::try_from(value).ok()?, byte.clone(), 0);
    }
    Some((view, known))
}

/// The lines of a dump, of which there are two at the least and `at` stands in one, and up to where they are
/// known.
fn lines_around(
    text: &[u8],
    at: usize,
    line: impl Fn(&[u8], usize) -> Option<Line>,
) -> Option<(Vec<Line>, usize)> {
    let start = line_start(text, at)?;
    let known = line(text, start)?;
    let mut before = Vec::new();
    let mut first = start;
    while before.len() < BEFORE
        && let Some(end) = first.checked_sub(1)
        && let Some(start) = line_start(text, end)
        && let Some(line) = line(text, start)
    {
        first = start;
        before.push(line);
    }
    before.reverse();
    let mut lines = before;
    let mut end = known.end;
    lines.push(known);
    for _ in 0..BEHIND {
        match line(text, end + 1) {
            Some(line) => {
                end = line.end;
                lines.push(line);
            }
            None => break,
        }
    }
    let is_cut = lines.len() > BEHIND;
    let again = lines.len().checked_sub(AGAIN).filter(|_| is_cut);
    let known = again.and_then(|at| lines.get(at));
    let known = known.map_or(end, |line| line.offset.start);
    (lines.len() > 1).then_some((lines, known))
}

/// Where the line begins in which `at` stands, if that is near enough for one of a dump.
fn line_start(text: &[u8], at: usize) -> Option<usize> {
    // With the end of the line before.
    let from = at.saturating_sub(MAX_LINE + 1);
    match memrchr(b'\n', &text[from..at]) {
        Some(line_end) => Some(from + line_end + 1),
        None => (at <= MAX_LINE).then_some(0),
    }
}

/// Where the line ends in which `at` stands, if that is near: whatever stands between, [`around`] says the
/// same of it, and what many places in a line are asked for takes a while.
pub fn line_end(text: &[u8], at: usize) -> usize {
    let Some(start) = line_start(text, at) else {
        return at;
    };
    let rest = &text[at..text.len().min(start + MAX_LINE)];
    at + memchr(b'\n', rest).unwrap_or(rest.len())
}

/// How many bytes a line shows, by its offset and that of the next. Either may count in octal.
fn distance(text: &[u8], line: &Line, next: &Line) -> Option<usize> {
    [16, 8].into_iter().find_map(|radix| {
        let offset = |line: &Line| hex(&text[line.offset.clone()], radix);
        let more = offset(next)?.checked_sub(offset(line)?)?;
        let more = usize::try_from(more).ok()?; // what is larger is no line
        (more > 0 && more <= line.bytes.len()).then_some(more)
    })
}

fn hex(digits: &[u8], radix: u32) -> Option<u64> {
    digits
        .iter()
        // A debugger's.
        .filter(|byte| **byte != b'`')
        .try_fold(0_u64, |value, byte| {
            let digit = char::from(*byte).to_digit(radix)?;
            value.checked_mul(radix.into())?.checked_add(digit.into())
        })
}

/// The line that begins at `start`, if it is one of a dump.
fn line(text: &[u8], start: usize) -> Option<Line> {
    let rest = text.get(start..)?;
    let rest = &rest[..rest.len().min(MAX_LINE)];
    let rest = &rest[..memchr(b'\n', rest).unwrap_or(rest.len())];
    let is_blank = |b: &&u8| matches!(b, b' ' | b'\t');
    let mut at = rest.iter().take_while(is_blank).count();
    if rest[at..].starts_with(b"0x") {
        at += 2;
    }
    let is_offset = |b: &&u8| b.is_ascii_hexdigit() || **b == b'`';
    let digits = rest[at..].iter().take_while(is_offset).count();
    let offset = start + at..start + at + digits;
    at += digits;
    at += usize::from(rest.get(at) == Some(&b':'));
    if !(4..=17).contains(&digits) || !matches!(rest.get(at), Some(b' ' | b'\t')) {
        return None;
    }
    let mut bytes = Vec::new();
    loop {
        at += rest[at..]
            .iter()
            .take_while(|b| matches!(b, b' ' | b'\t' | b'-'))
            .count();
        let digits = rest[at..]
            .iter()
            .take_while(|b| b.is_ascii_hexdigit())
            .count();
        let ends = matches!(
            rest.get(at + digits),
            None | Some(b' ' | b'\t' | b'-' | b'\r')
        );
        if digits == 0 || digits % 2 != 0 || !ends {
            break;
        }
        let pairs = (at..at + digits).step_by(2);
        bytes.extend(pairs.map(|at| start + at..start + at + 2));
        at += digits;
    }
    (!bytes.is_empty()).then_some(Line {
        offset,
        bytes,
        end: start + rest.len(),
    })
}

/// The line that begins at `start`, if it shows bytes in hex and behind them the same as text.
fn line_with_text(text: &[u8], start: usize) -> Option<Line> {
    let rest = text.get(start..)?;
    let rest = &rest[..rest.len().min(MAX_LINE)];
    let rest = &rest[..memchr(b'\n', rest).unwrap_or(rest.len())];
    let mut at = 0;
    let mut most = (0, 0, 0);
    let mut told = None;
    while let Some(groups) = hex_groups(rest, at) {
        at = groups.last().map_or(rest.len(), |group| group.end);
        // Numbers stand before the bytes, and the text may begin as they do: what most of it tells is meant.
        for end in (1..=groups.len()).rev().take(MAX_NUMBERS) {
            for skipped in 0..end.min(MAX_NUMBERS) {
                let part = &groups[skipped..end];
                let shown = characters_shown(rest, part);
                // Of equals, the one up to the text, and the one without a number before it.
                let shown = shown.map(|(seen, all)| (seen, all, groups[end - 1].end));
                if let Some(shown) = shown.filter(|shown| *shown >= most) {
                    most = shown;
                    told = Some(part.to_vec());
                }
            }
        }
    }
    let groups = told?;
    let pairs = groups.iter().flat_map(|group| {
        let pairs = group.clone().step_by(2);
        pairs.map(|at| start + at..start + at + 2)
    });
    Some(Line {
        offset: start..start,
        bytes: pairs.collect(),
        end: start + rest.len(),
    })
}

/// Groups of digits that may be numbers of their own, before the bytes or behind.
const MAX_NUMBERS: usize = 6;
/// Bytes between two groups at the most.
const MAX_BETWEEN: usize = 6;
/// Bytes between the bytes and the text at the most.
const MAX_MARGIN: usize = 64;

/// The next groups of pairs of hex digits in a line, from `at` on, that no word stands between.
fn hex_groups(line: &[u8], mut at: usize) -> Option<Vec<Range<usize>>> {
    let mut groups: Vec<Range<usize>> = Vec::new();
    loop {
        let before = line[at..].iter().position(u8::is_ascii_alphanumeric);
        let start = before.map_or(line.len(), |before| at + before);
        let word = line[start..]
            .iter()
            .take_while(|b| b.is_ascii_alphanumeric());
        let word = start..start + word.count();
        let is_hex = line[word.clone()].iter().all(u8::is_ascii_hexdigit);
        let is_group = !word.is_empty() && word.len() % 2 == 0 && is_hex;
        let is_near = groups
            .last()
            .is_none_or(|last| start - last.end <= MAX_BETWEEN);
        if is_group && is_near {
            at = word.end;
            groups.push(word);
        } else if !groups.is_empty() {
            return Some(groups);
        } else if word.is_empty() {
            return None;
        } else {
            at = word.end;
        }
    }
}

/// How many characters of what groups of digits stand for the text behind them shows, if it is the same: all
/// that are seen, and those with blanks and dots.
fn characters_shown(line: &[u8], groups: &[Range<usize>]) -> Option<(usize, usize)> {
    let last = groups.last()?;
    let bytes: Vec<u8> = groups
        .iter()
        .flat_map(|group| line[group.clone()].chunks(2))
        .filter_map(|pair| hex(pair, 16).and_then(|value| u8::try_from(value).ok())) // they are digits
        .collect();
    let behind = &line[last.end..];
    let margin = behind.len().min(MAX_MARGIN);
    let shown = (1..margin).filter_map(|at| characters_at(&bytes, &behind[at..]));
    shown.max()
}

/// How many characters bytes stand for, if they are what a text begins with. In its middle there may be a mark.
fn characters_at(bytes: &[u8], mut text: &[u8]) -> Option<(usize, usize)> {
    let mut marks = 1;
    let mut seen = 0;
    let mut others = 0;
    for byte in bytes {
        if !byte.is_ascii_graphic() {
            // One character, of as many bytes as it takes; blanks at the end may be left out. An offset
            // before the bytes has nothing that stands for it.
            match text.first() {
                Some(b' ') if *byte != b' ' => return None,
                Some(b' ' | b'.') => others += 1,
                _ => {}
            }
            let more = text.iter().skip(1).take_while(|b| **b & 0xc0 == 0x80);
            let length = 1 + more.count();
            text = &text[length.min(text.len())..];
            continue;
        }
        if text.first() != Some(byte) && marks > 0 {
            marks -= 1;
            let mark = match text {
                [b' ' | b'|', ..] => 1,
                [0xc0..=0xff, rest @ ..] => {
                    1 + rest.iter().take_while(|b| **b & 0xc0 == 0x80).count()
                }
                _ => 0,
            };
            text = &text[mark..];
        }
        if text.first() != Some(byte) {
            return None;
        }
        text = &text[1..];
        seen += 1;
    }
    (seen > 0).then_some((seen, seen + others))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "it is ab cd, and so T3BlbkFJ ef 01";

    fn bytes(dump: &str) -> Option<Vec<u8>> {
        let at = dump.find("54")?;
        let (view, known) = around(dump.as_bytes(), at)?;
        let (before, behind) = dump.as_bytes().split_at(known);
        assert!(before.ends_with(b"01") || behind.starts_with(b"\n"));
        let all = view.bytes().to_vec();
        for (index, byte) in all.iter().enumerate() {
            let at = view.source(&(index..index + 1));
            assert_eq!(dump.get(at).unwrap(), format!("{byte:02x}"));
        }
        Some(all)
    }

    fn lines(width: usize, line: impl Fn(usize, &[u8], &str) -> String) -> String {
        let chunks = TEXT.as_bytes().chunks(width).enumerate();
        let lines = chunks.map(|(index, chunk)| {
            let shown = std::str::from_utf8(chunk).unwrap();
            line(index * width, chunk, shown)
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    fn hex(bytes: &[u8], separator: &str) -> String {
        let all = bytes.iter().map(|byte| format!("{byte:02x}"));
        all.collect::<Vec<_>>().join(separator)
    }

    #[test]
    fn dumps_of_many_tools_are_read() {
        for width in [8, 16] {
            for dump in [
                lines(width, |at, bytes, text| {
                    let pairs: Vec<_> = bytes.chunks(2).map(|two| hex(two, "")).collect();
                    format!("{at:08x}: {:-39}  {text}", pairs.join(" "))
                }),
                lines(width, |at, bytes, text| {
                    format!("{at:08x}  {:-49} |{text}|", hex(bytes, " "))
                }),
                lines(width, |at, bytes, text| {
                    format!("00000000`{at:08x}  {:-47}  {text}", hex(bytes, "-"))
                }),
                lines(width, |at, bytes, _| {
                    format!("{at:07o} {}", hex(bytes, " "))
                }),
                lines(width, |at, bytes, text| {
                    format!("\t0x{at:04x}:  {:-47}  {text}", hex(bytes, " "))
                }),
            ] {
                let dump = format!("$ xxd\n{dump}\n\nend\n");
                assert_eq!(bytes(&dump).unwrap(), TEXT.as_bytes(), "{dump}");
            }
        }
    }

    #[test]
    fn dumps_are_read_by_the_text_beside_the_bytes() {
        let pairs = |bytes: &[u8]| {
            let pairs: Vec<_> = bytes.chunks(2).map(|two| hex(two, "")).collect();
            pairs.join(" ")
        };
        for dump in [
            lines(16, |at, bytes, text| {
                format!("+{at:08x}: {:-39}  {text}", pairs(bytes))
            }),
            lines(16, |at, bytes, text| {
                format!("// {at:08x}  {:-47}  |{text}|", hex(bytes, " "))
            }),
            lines(16, |at, bytes, text| {
                format!("|{at:08x}| {:-47} |{text:-16}|", hex(bytes, " "))
            }),
            lines(16, |at, bytes, text| {
                format!("[{at:04x}] {:-47}  {text}", hex(bytes, " "))
            }),
            lines(8, |at, bytes, text| {
                format!("[{at:04x}] {:-47}  {text}", hex(bytes, " "))
            }),
            lines(16, |at, bytes, text| {
                format!(
                    "2026-01-01 10:00:00.{at:03} DEBUG   {at:04x}  {:-47}  {text}",
                    hex(bytes, " ")
                )
            }),
            // The last line of it begins with what may be bytes too.
            lines(15, |_, bytes, text| {
                format!("# {:-47}  {text}", hex(bytes, " "))
            }),
            lines(16, |_, bytes, text| {
                format!("{:-47}  {text}", hex(bytes, " "))
            }),
            lines(16, |at, bytes, text| {
                let (first, second) = bytes.split_at(bytes.len().min(8));
                let (shown, more) = text.split_at(text.len().min(8));
                let (first, second) = (hex(first, " "), hex(second, " "));
                format!("│{at:08x}│ {first:-23} ┊ {second:-23} │{shown}┊{more}│")
            }),
        ] {
            let dump = format!("$ dump\n{dump}\n\nend\n");
            let at = dump.find("T3B").unwrap();
            let (view, known) = around(dump.as_bytes(), at).unwrap();
            assert_eq!(view.bytes(), TEXT.as_bytes(), "{dump}");
            assert!(dump.get(known..).unwrap().starts_with("\n\nend"));
        }
    }

    #[test]
    fn what_is_no_dump_is_so_to_the_end_of_the_line() {
        let line = "54 33 42 6c T3Bl";
        let text = format!("x\n{line}\ny\n");
        assert!(around(text.as_bytes(), 2).is_none());
        for at in 2..=2 + line.len() {
            assert_eq!(line_end(text.as_bytes(), at), 2 + line.len());
        }
        // Of a line that is too long for one, nothing is known but that it is none.
        let text = line.repeat(40);
        assert_eq!(line_end(text.as_bytes(), 3), MAX_LINE);
        assert_eq!(line_end(text.as_bytes(), MAX_LINE + 1), MAX_LINE + 1);
    }

    #[test]
    fn a_line_that_is_too_long_for_a_dump_is_none_of_it() {
        let line = "54 33 42 6c T3Bl";
        for long in (MAX_LINE..3 * MAX_LINE).step_by(7) {
            let text = format!("{line} {}{line}\n{line}\n{line}\n", " ".repeat(long));
            for at in 0..text.len() {
                if let Some((view, _)) = around(text.as_bytes(), at) {
                    let places = (0..view.bytes().len()).map(|at| view.source(&(at..at + 1)));
                    assert!(places.is_sorted_by_key(|place| place.start), "{long}, {at}");
                }
            }
            let (view, _) = around(text.as_bytes(), text.len() - 3).unwrap();
            assert_eq!(view.bytes(), b"T3BlT3Bl");
        }
    }

    #[test]
    fn a_dump_is_known_to_its_end_whatever_it_shows() {
        // Offsets that do not grow say nothing about what the lines hold.
        let line = "0000 54 33\n";
        let text = line.repeat(100);
        let (view, known) = around(text.as_bytes(), 5).unwrap();
        assert!(view.bytes().is_empty());
        assert_eq!(known, text.len() - 1);
        let text = line.repeat(2 * BEHIND);
        let (_, known) = around(text.as_bytes(), 5).unwrap();
        assert_eq!(known, (BEHIND + 1 - AGAIN) * line.len());
    }

    #[test]
    fn other_lines_are_none() {
        for text in [
            "54",
            "0000 54",
            "54 33\n42 6c",
            "deadbeef: T3\n54 33",
            "0000: 54 33\n\n",
        ] {
            assert!(bytes(text).is_none(), "{text}");
        }
    }
}
