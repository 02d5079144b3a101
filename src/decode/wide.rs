//! UTF-16 and UTF-32.

use std::cmp::Ordering;
use std::ops::Range;

use crate::decode::Layer;
use crate::decode::View;

/// An encoding with units of two or four bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wide {
    unit: usize,
    big_endian: bool,
}

/// Bytes in which a text without a mark is told by its zero bytes.
const SNIFF: usize = 1024;
/// Characters of which a text of 16-bit units must have as many at least to be told by them alone.
const MIN_OTHER: usize = 32;

impl Wide {
    /// The layer it is.
    pub fn layer(self) -> Layer {
        match (self.unit, self.big_endian) {
            (2, false) => Layer::Utf16Le,
            (2, true) => Layer::Utf16Be,
            (_, false) => Layer::Utf32Le,
            (_, true) => Layer::Utf32Be,
        }
    }

    /// Tells from its start whether a text is wide throughout: by its byte-order mark, or since
    /// most of its characters have the zero bytes that ASCII has there.
    pub fn sniff(text: &[u8]) -> Option<Self> {
        let wide = |unit, big_endian| Some(Self { unit, big_endian });
        match text {
            [0xff, 0xfe, 0, 0, ..] => return wide(4, false),
            [0, 0, 0xfe, 0xff, ..] => return wide(4, true),
            [0xff, 0xfe, ..] => return wide(2, false),
            [0xfe, 0xff, ..] => return wide(2, true),
            _ => {}
        }
        let head = &text[..text.len().min(SNIFF) / 4 * 4];
        if head.len() < 8 || memchr::memchr(0, head).is_none() {
            return None;
        }
        let mut zeros = [0; 4];
        for quad in head.chunks_exact(4) {
            for (zeros, byte) in zeros.iter_mut().zip(quad) {
                *zeros += usize::from(*byte == 0);
            }
        }
        let quads = head.len() / 4;
        let mostly = |zeros: usize| zeros * 10 >= quads * 7;
        let hardly = |zeros: usize| zeros * 10 <= quads;
        match zeros.map(|zeros| (mostly(zeros), hardly(zeros))) {
            [(_, true), (true, _), (_, true), (true, _)] => wide(2, false),
            [(true, _), (_, true), (true, _), (_, true)] => wide(2, true),
            [(_, true), (true, _), (true, _), (true, _)] => wide(4, false),
            [(true, _), (true, _), (true, _), (_, true)] => wide(4, true),
            _ => Self::sniff_other(head),
        }
    }

    /// Tells a wide text of which most is not ASCII: all of it must be characters that texts have,
    /// and some must be ASCII after all, which tells the byte order.
    fn sniff_other(head: &[u8]) -> Option<Self> {
        let wide = |unit, big_endian| Self { unit, big_endian };
        let [le32, be32] = [false, true].map(|big| wide(4, big).ascii(head));
        let enough = head.len() / 2 >= MIN_OTHER;
        let [le16, be16] = [false, true].map(|big| enough.then(|| wide(2, big).ascii(head))?);
        let least = head.len() / 2 / 50;
        match (le32, be32, le16.unwrap_or(0), be16.unwrap_or(0)) {
            (Some(_), None, ..) => Some(wide(4, false)),
            (None, Some(_), ..) => Some(wide(4, true)),
            (.., le, be) if enough && le > least && le > 2 * be => Some(wide(2, false)),
            (.., le, be) if enough && be > least && be > 2 * le => Some(wide(2, true)),
            _ => None,
        }
    }

    /// How many characters are ASCII, if all are such as texts have. The last may be cut off.
    fn ascii(self, text: &[u8]) -> Option<usize> {
        let mut at = 0;
        let mut ascii = 0;
        while at + 4 <= text.len() {
            let (c, length) = self.text_at(text, at)?;
            ascii += usize::from(c.is_ascii());
            at += length;
        }
        Some(ascii)
    }

    /// The number at `at`. What is cut off at the end counts as zero.
    fn unit(self, text: &[u8], at: usize) -> Option<u32> {
        let bytes = text.get(at..).filter(|rest| !rest.is_empty())?;
        let bytes = bytes.iter().copied().chain([0; 4]).take(self.unit);
        let add = |value: u32, byte: u8| value << 8 | u32::from(byte);
        let mut unit = [0; 4];
        for (to, byte) in unit.iter_mut().zip(bytes) {
            *to = byte;
        }
        let unit = unit.into_iter().take(self.unit);
        Some(if self.big_endian {
            unit.fold(0, add)
        } else {
            unit.rev().fold(0, add)
        })
    }

    /// The character at `at`, if texts have it, and its length in bytes.
    fn text_at(self, text: &[u8], at: usize) -> Option<(char, usize)> {
        let first = self.unit(text, at)?;
        let high = self.unit == 2 && (0xd800..0xdc00).contains(&first);
        let (value, length) = if high {
            let low = self.unit(text, at + 2)?.checked_sub(0xdc00)?;
            let low = (low < 0x400).then_some(low)?;
            (0x1_0000 + ((first - 0xd800) << 10 | low), 4)
        } else {
            (first, self.unit)
        };
        char::from_u32(value)
            .filter(|c| is_text(*c))
            .map(|c| (c, length))
    }

    /// The character that ends at `at`, if texts have it, and its length in bytes.
    fn text_before(self, text: &[u8], at: usize) -> Option<(char, usize)> {
        let last = at.checked_sub(self.unit)?;
        let low = self.unit == 2 && (0xdc00..0xe000).contains(&self.unit(text, last)?);
        let start = if low { last.checked_sub(2)? } else { last };
        // One that begins here may go on behind `at`.
        self.text_at(text, start)
            .filter(|(_, length)| start + length == at)
    }

    /// Where the characters before `at` begin that `wanted` takes.
    fn run_before(
        self,
        text: &[u8],
        at: usize,
        reach: usize,
        mut wanted: impl FnMut(char) -> bool,
    ) -> usize {
        let mut start = at;
        while at - start < reach
            && let Some((c, length)) = self.text_before(text, start)
            && wanted(c)
        {
            start -= length;
        }
        start
    }

    /// Where the characters from `at` on end that `wanted` takes.
    fn run_after(
        self,
        text: &[u8],
        at: usize,
        reach: usize,
        mut wanted: impl FnMut(char) -> bool,
    ) -> usize {
        let mut end = at;
        while end - at < reach
            && let Some((c, length)) = self.text_at(text, end)
            && wanted(c)
        {
            end += length;
        }
        end
    }

    /// Adds the characters of a run to a view of what begins at `start`.
    fn push(self, text: &[u8], run: Range<usize>, start: usize, view: &mut View) {
        let mut at = run.start;
        while at < run.end
            && let Some((c, length)) = self.text_at(text, at)
        {
            // Of an ASCII character only the byte that is not zero.
            let source = match (c.is_ascii(), self.big_endian) {
                (false, _) => at..at + length,
                (true, true) => at + length - 1..at + length,
                (true, false) => at..at + 1,
            };
            let end = source.end.min(text.len());
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                view.push(byte, source.start - start..end - start, 0);
            }
            at += length;
        }
    }

    /// The place nearest before `at` at which the text may be cut: between two characters.
    pub fn boundary(self, text: &[u8], at: usize) -> usize {
        let at = at / self.unit * self.unit;
        let is_unit = |start: usize, range: Range<u32>| {
            self.unit(text, start)
                .is_some_and(|unit| range.contains(&unit))
        };
        match at.checked_sub(2) {
            Some(before)
                if self.unit == 2
                    && is_unit(at, 0xdc00..0xe000)
                    && is_unit(before, 0xd800..0xdc00) =>
            {
                before
            }
            _ => at,
        }
    }

    /// The text as UTF-8, without a byte-order mark at its start; what is no character becomes
    /// U+FFFD.
    pub fn decode(self, text: &[u8]) -> Vec<u8> {
        let mut out = String::with_capacity(text.len() / self.unit + 16);
        if self.unit == 2 {
            let units = text.chunks_exact(2).map(|unit| {
                let unit = [unit[0], unit[1]];
                if self.big_endian {
                    u16::from_be_bytes(unit)
                } else {
                    u16::from_le_bytes(unit)
                }
            });
            for c in char::decode_utf16(units) {
                out.push(c.unwrap_or(char::REPLACEMENT_CHARACTER));
            }
        } else {
            for unit in text.chunks_exact(4) {
                let unit = [unit[0], unit[1], unit[2], unit[3]];
                let value = if self.big_endian {
                    u32::from_be_bytes(unit)
                } else {
                    u32::from_le_bytes(unit)
                };
                out.push(char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
        }
        if out.starts_with('\u{feff}') {
            out.remove(0);
        }
        out.into_bytes()
    }
}

/// Takes characters up to two in a row that look like ASCII in the other byte order: there another
/// text begins, at another byte of a unit.
fn not_shifted() -> impl FnMut(char) -> bool {
    let mut before = false;
    move |c| {
        let shifted = u32::from(c).trailing_zeros() >= 8;
        !(std::mem::replace(&mut before, shifted) && shifted)
    }
}

/// Whether texts have a character: no control character, none that means nothing.
fn is_text(c: char) -> bool {
    let private = matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..);
    let none = u32::from(c) & 0xfffe == 0xfffe || matches!(c, '\u{fdd0}'..='\u{fdef}');
    matches!(c, '\t' | '\n' | '\r') || !(c.is_control() || private || none)
}

/// The run of wide text around the ASCII character at `at`, in a text that is something else, and
/// where it lies.
///
/// Each byte order has its own run of ASCII: at the wrong one it lacks a character at an end, unless
/// by chance what lies at the other end looks like one more. Then where in the file it lies decides,
/// and the characters of both are taken: nothing of a key is lost by a wrong guess.
pub fn run_around(
    text: &[u8],
    at: usize,
    unit: usize,
    reach: usize,
) -> (View, Range<usize>, Layer) {
    let last = unit - 1;
    let [little, big] = [false, true].map(|big_endian| Wide { unit, big_endian });
    // The first and the last character of each, by the byte that is not zero.
    let ascii = |wide: Wide, start: usize, byte: usize| {
        let end = wide.run_after(text, start + unit, reach, |c| c.is_ascii());
        let start = wide.run_before(text, start, reach, |c| c.is_ascii());
        (start + byte, end - unit + byte)
    };
    let of_little = ascii(little, at, 0);
    let of_big = at
        .checked_sub(last)
        .map_or((at, at), |start| ascii(big, start, last));
    let length = |(first, last): (usize, usize)| last - first;
    let (wide, own) = match length(of_big).cmp(&length(of_little)) {
        Ordering::Greater => (big, of_big),
        Ordering::Equal if at % unit == last => (big, of_big),
        _ => (little, of_little),
    };
    let all = if length(of_big) == length(of_little) {
        (of_little.0.min(of_big.0), of_little.1.max(of_big.1))
    } else {
        own
    };
    // What is around it goes on where the byte order is that of the end.
    let (before, after) = if wide.big_endian {
        (last, 1)
    } else {
        (0, unit)
    };
    let mut range = all.0..text.len().min(all.1 + 1);
    let mut left = 0..0;
    let mut right = 0..0;
    if all.0 == own.0
        && let Some(start) = all.0.checked_sub(before)
    {
        left = wide.run_before(text, start, reach, not_shifted())..start;
        range.start = left.start;
    }
    if all.1 == own.1 {
        let start = all.1 + after;
        right = start..wide.run_after(text, start, reach, not_shifted());
        range.end = right.end.clamp(range.end, text.len());
    }
    let mut view = View::default();
    wide.push(text, left, range.start, &mut view);
    for at in (all.0..=all.1).step_by(unit) {
        view.push(text[at], at - range.start..at - range.start + 1, 0);
    }
    wide.push(text, right, range.start, &mut view);
    (view, range, wide.layer())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16le(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn half_a_character_before_a_run_is_left_out() {
        // In the other byte order, a surrogate pair whose second half goes on in the run.
        let text = [b"\xd8\x3d\xde".to_vec(), utf16le("sk-abc")].concat();
        let (view, range, _) = run_around(&text, 3, 2, 100);
        assert_eq!((view.bytes(), range.end), (&b"sk-abc"[..], 14));
    }

    #[test]
    fn wide_texts_are_told_and_read() {
        let text = "key = 'ключ', and more of it\r\n";
        let le = utf16le(text);
        let be: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let le32: Vec<u8> = text
            .chars()
            .flat_map(|c| (c as u32).to_le_bytes())
            .collect();
        let be32: Vec<u8> = text
            .chars()
            .flat_map(|c| (c as u32).to_be_bytes())
            .collect();
        for (bytes, layer) in [
            (&le, Layer::Utf16Le),
            (&be, Layer::Utf16Be),
            (&le32, Layer::Utf32Le),
            (&be32, Layer::Utf32Be),
        ] {
            let wide = Wide::sniff(bytes).unwrap();
            assert_eq!(wide.layer(), layer);
            assert_eq!(wide.decode(bytes), text.as_bytes());
        }
        let marked = [b"\xff\xfe".as_slice(), &utf16le("ж")].concat();
        assert_eq!(
            Wide::sniff(&marked).unwrap().decode(&marked),
            "ж".as_bytes()
        );
    }

    #[test]
    fn other_bytes_are_not_wide() {
        assert!(Wide::sniff(b"plain text, nothing else").is_none());
        assert!(Wide::sniff(&[0; 64]).is_none());
        assert!(
            Wide::sniff(b"\x01\0\0\0\x02\0\0\0\x03\0\0\0\x7f\x45\x4c\x46\x02\x01\x01\0").is_none()
        );
    }

    #[test]
    fn a_run_in_a_binary_is_cut_out() {
        let text = [
            b"\x01\x02\x90\xff\xff".as_slice(),
            &utf16le("ab=cd"),
            b"\x07\0\xff",
        ]
        .concat();
        let (view, range, layer) = run_around(&text, 9, 2, 100);
        assert_eq!(view.bytes(), b"ab=cd");
        assert_eq!(range, 5..15);
        assert_eq!(layer, Layer::Utf16Le);
        assert_eq!(view.source(&(1..4)), 2..7);
    }

    #[test]
    fn texts_of_few_ascii_characters_are_told() {
        for text in [
            "鍵は秘密です。これは長い文章で、ほとんどの文字が日本語です。\n".repeat(12),
            "Это длинный текст на русском языке, и в нём есть ключ.\n".repeat(50),
            "這是一個很長的句子。\r\n密鑰 1：很多\u{3000}字。\r\n".repeat(9),
            "열쇠는 비밀입니다. 긴 글입니다.\n".repeat(9),
            "🔑🔑🔒🔒🔑🔑🔒🔒🔑🔑🔒🔒🔑🔑🔒🔒 \n".repeat(9),
        ] {
            for (unit, big_endian) in [(2, false), (2, true), (4, false), (4, true)] {
                let wide = Wide { unit, big_endian };
                let bytes = encoded(&text, wide);
                assert_eq!(Wide::sniff(&bytes), Some(wide), "{text}");
                assert_eq!(wide.decode(&bytes), text.as_bytes());
            }
        }
    }

    fn encoded(text: &str, wide: Wide) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut push = |value: u32| {
            let be = &value.to_be_bytes()[4 - wide.unit..];
            if wide.big_endian {
                bytes.extend(be);
            } else {
                bytes.extend(be.iter().rev());
            }
        };
        if wide.unit == 2 {
            text.encode_utf16().map(u32::from).for_each(&mut push);
        } else {
            text.chars().map(u32::from).for_each(&mut push);
        }
        bytes
    }

    #[test]
    fn a_run_goes_on_over_other_characters_in_its_byte_order() {
        let text = "鍵は秘密 'key=T3Bl'、これ 🔑\u{3000}鍵一";
        for (unit, big_endian) in [(2, false), (2, true), (4, false), (4, true)] {
            let wide = Wide { unit, big_endian };
            for before in 0..4 {
                let bytes = [&vec![1; before][..], &encoded(text, wide), &[1, 0, 1, 0]].concat();
                let at = memchr::memchr(b'T', &bytes).unwrap();
                let (view, range, layer) = run_around(&bytes, at, unit, 1000);
                assert_eq!(layer, wide.layer(), "{before}");
                let found = view.bytes();
                let found = memchr::memmem::find(found, text.as_bytes());
                assert!(found.is_some(), "{layer:?} {before} {range:?}");
            }
        }
    }
}
