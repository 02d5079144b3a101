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

/// The bytes that the dump shows in which `at` stands, if it does, and up to where this is all there is to
/// know: what stands before that need not be asked about, which would take the whole dump each time.
pub fn around(text: &[u8], at: usize) -> Option<(View, usize)> {
    let start = memrchr(b'\n', &text[at.saturating_sub(MAX_LINE)..at]);
    let start = at.saturating_sub(MAX_LINE) + start.map_or(0, |at| at + 1);
    let known = line(text, start)?;
    let mut before = Vec::new();
    let mut first = start;
    while before.len() < BEFORE
        && let Some(end) = first.checked_sub(1)
    {
        let from = end.saturating_sub(MAX_LINE);
        first = from + memrchr(b'\n', &text[from..end]).map_or(0, |at| at + 1);
        match line(text, first) {
            Some(line) => before.push(line),
            None => break,
        }
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
    let is_cut = lines.len() > BEHIND;
    let again = lines.len().checked_sub(AGAIN).filter(|_| is_cut);
    let known = again.and_then(|at| lines.get(at));
    let known = known.map_or(end, |line| line.offset.start);
    (lines.len() > 1).then_some((view, known))
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
