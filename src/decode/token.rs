//! Base64 and hex: long runs of their digits, decoded where they stand.

use std::ops::Range;

use memchr::memmem;

use crate::decode::Layer;
use crate::decode::container;
use crate::decode::wide::Wide;

/// The shortest run that can be a key: 51 bytes in base64.
const MIN_RUN: usize = 68;
/// The shortest run of hex digits that can be one.
const MIN_HEX: usize = 102;
/// Distance between the places that are looked at; no line of wrapped text is nearly as long, so that
/// the places do not fall on the same columns line after line.
const STRIDE: usize = 45;
/// Bytes from such a place on that must all be digits. Any run of `STRIDE + PROBE` bytes, so any
/// that is long enough, has such a place, and so has one of two shorter lines at least.
const PROBE: usize = 16;
/// A line of wrapped base64 has at least so many digits.
const MIN_LINE: usize = 40;
/// Bytes between two lines of wrapped base64 at the most.
const MAX_BREAK: usize = 40;

/// Base64 of the marker at the three places it can have in a group of three bytes, as far as it
/// does not depend on what is around it, and the digit of its group at which that begins.
const MARKER: [(&[u8], usize); 3] = [(b"VDNCbGJrRk", 0), (b"QzQmxia0ZK", 2), (b"UM0JsYmtGS", 3)];

const OTHER: u8 = 0xff;
/// The value of a base64 digit of either alphabet.
const BASE64: [u8; 256] = {
    let mut table = [OTHER; 256];
    let mut value = 0_u8;
    while value < 26 {
        table[(b'A' + value) as usize] = value;
        table[(b'a' + value) as usize] = value + 26;
        if value < 10 {
            table[(b'0' + value) as usize] = value + 52;
        }
        value += 1;
    }
    table[b'+' as usize] = 62;
    table[b'-' as usize] = 62;
    table[b'/' as usize] = 63;
    table[b'_' as usize] = 63;
    table
};

fn is_digit(byte: u8) -> bool {
    BASE64[usize::from(byte)] != OTHER
}

/// Whether all bytes are digits. In two steps, each done with one vector: the first leaves out
/// nearly all text, since blanks, quotes and brackets lie below the digits.
fn all_digits(bytes: &[u8; PROBE]) -> bool {
    all(bytes, |byte| byte.wrapping_sub(b'+') <= b'z' - b'+')
        && all(bytes, |byte| {
            let letter = (byte | 0x20).wrapping_sub(b'a') < 26;
            // `/` stands before `0`.
            let number = byte.wrapping_sub(b'/') < 11;
            letter || number || byte == b'+' || byte == b'-' || byte == b'_'
        })
}

#[inline]
fn all(bytes: &[u8; PROBE], is: impl Fn(u8) -> bool) -> bool {
    let mask = bytes.map(|byte| if is(byte) { 0xff } else { 0 });
    u128::from_ne_bytes(mask) == u128::MAX
}

/// Bytes that were written as digits.
pub struct Decoded {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Base64 or hex.
    pub layer: Layer,
    /// Where the digits lie, line by line.
    lines: Vec<Range<usize>>,
    /// Digits before the first that counts.
    skipped: usize,
}

impl std::fmt::Debug for Decoded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decoded")
            .field("len", &self.bytes.len())
            .field("layer", &self.layer)
            .finish_non_exhaustive()
    }
}

impl Decoded {
    /// The bytes of the text that hold the digits of a span of decoded bytes.
    pub fn source(&self, span: &Range<usize>) -> Range<usize> {
        let (first, last) = match self.layer {
            Layer::Hex => (span.start * 2, span.end * 2),
            _ => (span.start * 4 / 3, (span.end * 4).div_ceil(3)),
        };
        let start = self.offset(self.skipped + first);
        let end = self.offset(self.skipped + last.saturating_sub(1)) + 1;
        start..end.max(start)
    }

    /// All of the text that was decoded.
    pub fn whole(&self) -> Range<usize> {
        let start = self.lines.first().map_or(0, |line| line.start);
        start..self.lines.last().map_or(start, |line| line.end)
    }

    /// Where the digit with this number stands.
    fn offset(&self, mut digit: usize) -> usize {
        for line in &self.lines {
            if digit < line.len() {
                return line.start + digit;
            }
            digit -= line.len();
        }
        self.whole().end.saturating_sub(1)
    }
}

/// Calls `each` with every long run of digits in `text`, decoded in each way that may be meant.
/// `each` says whether that was it.
pub fn runs(text: &[u8], mut each: impl FnMut(Decoded) -> bool) {
    let mut at = 0;
    while let Some(probe) = text.get(at..).and_then(<[u8]>::first_chunk::<PROBE>) {
        if !all_digits(probe) {
            at += STRIDE;
            continue;
        }
        let start = at
            - text[..at]
                .iter()
                .rev()
                .take_while(|b| is_digit(**b))
                .count();
        let end = at + text[at..].iter().take_while(|b| is_digit(**b)).count();
        at = end.max(at + STRIDE);
        // Most are names and rulers.
        if end - start < MIN_LINE || !looks_encoded(&text[start..end]) {
            continue;
        }
        let lines = wrapped(text, start..end);
        at = lines.last().map_or(at, |line| line.end.max(at));
        run(text, &lines, &mut each);
    }
}

/// The lines of a run that goes on over line ends: all of one length but the last.
fn wrapped(text: &[u8], first: Range<usize>) -> Vec<Range<usize>> {
    let width = first.len();
    let mut lines = vec![first];
    // Lines before it may have been stepped over.
    while let Some(line) = line_before(text, lines[lines.len() - 1].start, width) {
        lines.push(line);
    }
    lines.reverse();
    while let Some(last) = lines.last()
        && width >= MIN_LINE
        && last.len() == width
        && let Some(skip) = line_break(&text[last.end..])
    {
        let start = last.end + skip;
        let length = text[start..]
            .iter()
            .take(width + 1)
            .take_while(|b| is_digit(**b))
            .count();
        if length == 0 || length > width {
            break;
        }
        lines.push(start..start + length);
    }
    lines
}

/// The line of exactly this many digits before the one that begins at `start`.
fn line_before(text: &[u8], start: usize, width: usize) -> Option<Range<usize>> {
    let from = start.saturating_sub(MAX_BREAK);
    let skipped = text[from..start]
        .iter()
        .rev()
        .take_while(|b| b" \t\"'`\\,.&#>*\n\r".contains(b))
        .count();
    let end = start - skipped;
    let line = end.checked_sub(width)?..end;
    let exact = text[line.clone()].iter().all(|b| is_digit(*b))
        && !line
            .start
            .checked_sub(1)
            .is_some_and(|before| is_digit(text[before]));
    (line_break(&text[end..start]) == Some(skipped) && exact).then_some(line)
}

/// The length of a line end and what may stand around it: quotes, an operator, indentation. It may
/// be written as `\n`.
fn line_break(text: &[u8]) -> Option<usize> {
    let mut ended = false;
    let mut at = 0;
    while at < text.len().min(MAX_BREAK) {
        match &text[at..] {
            [b'\n' | b'\r', ..] => ended = true,
            [b'\\', b'n' | b'r', ..] => {
                ended = true;
                at += 1;
            }
            [b'+', b' ' | b'\t' | b'\r' | b'\n', ..] => {}
            [byte, ..] if b" \t\"'`\\,.&#>*".contains(byte) => {}
            _ => break,
        }
        at += 1;
    }
    ended.then_some(at)
}

/// Decodes one run in each way that may be meant, until one was it.
fn run(text: &[u8], lines: &[Range<usize>], each: &mut impl FnMut(Decoded) -> bool) {
    let digits: Vec<u8> = lines
        .iter()
        .flat_map(|line| &text[line.clone()])
        .copied()
        .collect();
    if digits.len() < MIN_RUN {
        return;
    }
    let mut try_as = |layer, skipped: usize| {
        let bytes = match layer {
            Layer::Hex => hex(&digits[skipped..]),
            _ => base64(&digits[skipped..]),
        };
        each(Decoded {
            bytes,
            layer,
            lines: lines.to_vec(),
            skipped,
        })
    };
    let mut at = 0;
    for part in digits.chunk_by(|a, b| a.is_ascii_hexdigit() == b.is_ascii_hexdigit()) {
        // Two hex digits a byte, from the first or the second on. It could still be base64.
        if part.len() >= MIN_HEX
            && part[0].is_ascii_hexdigit()
            && (try_as(Layer::Hex, at) || try_as(Layer::Hex, at + 1))
        {
            return;
        }
        at += part.len();
    }
    // Lines of equal length may also be one token each.
    let one = lines.len() == 1;
    if looks_like_text(&digits) && try_as(Layer::Base64, 0) && one {
        return;
    }
    // Something else may be glued to its left end; then only the marker tells where it begins.
    let mut tried = [looks_like_text(&digits), false, false, false];
    for (marker, digit) in MARKER {
        for at in memmem::find_iter(&digits, marker) {
            let skipped = (at + 4 - digit) % 4;
            if !std::mem::replace(&mut tried[skipped], true)
                && try_as(Layer::Base64, skipped)
                && one
            {
                return;
            }
        }
    }
}

/// Whether digits may be an encoding of anything: no ruler, no path, no word.
fn looks_encoded(digits: &[u8]) -> bool {
    let head = &digits[..digits.len().min(256)];
    let hex = digits.len() >= MIN_HEX && head.iter().all(u8::is_ascii_hexdigit);
    let marked = || {
        let mut markers = MARKER.iter();
        markers.any(|(marker, _)| memmem::find(digits, marker).is_some())
    };
    if hex || marked() {
        return true;
    }
    head.iter().any(u8::is_ascii_digit)
        && head.iter().any(u8::is_ascii_alphabetic)
        && head.iter().filter(|b| !b.is_ascii_alphanumeric()).count() * 4 <= head.len()
}

/// Whether the first bytes that base64 digits stand for may be text, wide text or a container, and
/// not a hash. What holds a key among other bytes is told by the marker.
fn looks_like_text(digits: &[u8]) -> bool {
    let head = base64(&digits[..digits.len().min(64)]);
    let is_text = |b: &&u8| matches!(**b, b'\t' | b'\n' | b'\r' | b' '..=b'~' | 0x80..);
    let ascii = head.iter().filter(|b| b.is_ascii()).count();
    let zeros = memchr::memchr_iter(0, &head).count();
    container::kind(&head).is_some()
        || head.starts_with(b"PK")
        || Wide::sniff(&head).is_some()
        || zeros * 3 >= head.len()
        || head.iter().filter(is_text).count() * 10 >= head.len() * 9
            && ascii * 10 >= head.len() * 6
}

fn base64(digits: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(digits.len() / 4 * 3 + 3);
    for group in digits.chunks(4) {
        let bits = (0..4).fold(0_u32, |bits, index| {
            let digit = group.get(index).copied().unwrap_or(b'A');
            bits << 6 | u32::from(BASE64[usize::from(digit)])
        });
        let [_, bytes @ ..] = bits.to_be_bytes();
        out.extend_from_slice(&bytes[..group.len() * 6 / 8]);
    }
    out
}

fn hex(digits: &[u8]) -> Vec<u8> {
    let length = digits.iter().take_while(|b| b.is_ascii_hexdigit()).count();
    let digits = &digits[..length];
    let value = |digit: u8| match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20) - b'a' + 10,
    };
    digits
        .chunks_exact(2)
        .map(|pair| value(pair[0]) << 4 | value(pair[1]))
        .collect()
}

#[cfg(test)]
mod tests {
    use data_encoding::BASE64;
    use data_encoding::HEXUPPER;

    use super::*;

    const TEXT: &[u8] =
        b"some text that is long enough to be looked at: T3BlbkFJ, and a bit more of it";

    fn decoded(text: &str) -> Vec<(Vec<u8>, Range<usize>)> {
        let mut all = Vec::new();
        runs(text.as_bytes(), |decoded| {
            let at = memmem::find(&decoded.bytes, b"T3BlbkFJ");
            if let Some(at) = at {
                all.push((decoded.bytes.clone(), decoded.source(&(at..at + 8))));
            }
            at.is_some()
        });
        all
    }

    #[test]
    fn a_run_is_found_wherever_it_begins() {
        let run = BASE64.encode(TEXT);
        for before in 0..100 {
            let text = format!("{} {run} x", " ".repeat(before));
            let all = decoded(&text);
            assert_eq!(all.len(), 1, "{before}");
            assert_eq!(all[0].0, TEXT);
        }
    }

    #[test]
    fn lines_are_joined_and_lead_back() {
        let run = BASE64.encode(&TEXT.repeat(3));
        for (width, end) in [
            (76, "\r\n"),
            (64, "\n    "),
            (64, "\\n"),
            (76, "\" +\n  \""),
        ] {
            let lines: Vec<&str> = run
                .as_bytes()
                .chunks(width)
                .map(|line| std::str::from_utf8(line).unwrap())
                .collect();
            let text = format!("\"{}\"", lines.join(end));
            let all = decoded(&text);
            assert_eq!(all.len(), 1, "{width} {end:?}");
            assert_eq!(all[0].0, TEXT.repeat(3));
            let at = memmem::find(TEXT, b"T3BlbkFJ").unwrap() * 4 / 3;
            assert_eq!(all[0].1.start, 1 + at + at / width * end.len());
        }
    }

    #[test]
    fn what_is_glued_to_the_left_does_not_hide_it() {
        for glued in ["k", "k_", "key", "key-"] {
            let all = decoded(&format!("({glued}{})", BASE64.encode(TEXT)));
            assert_eq!(all.len(), 1, "{glued}");
            assert!(all[0].0.ends_with(TEXT), "{glued}");
        }
    }

    #[test]
    fn hex_at_either_parity() {
        for glued in ["", "0"] {
            let all = decoded(&format!("x {glued}{}", HEXUPPER.encode(TEXT)));
            assert_eq!(all.len(), 1);
            let at = memmem::find(TEXT, b"T3BlbkFJ").unwrap() * 2 + glued.len() + 2;
            assert_eq!(all[0].1, at..at + 16);
        }
    }

    #[test]
    fn rulers_paths_and_words_are_left_alone() {
        for text in ["-".repeat(200), "a/b/".repeat(50), "word".repeat(50)] {
            runs(text.as_bytes(), |_| panic!("decoded {text}"));
        }
    }
}
