//! UTF-16 and UTF-32.

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
            _ => None,
        }
    }

    /// The place nearest before `at` at which the text may be cut: between two characters.
    pub fn boundary(self, text: &[u8], at: usize) -> usize {
        let at = at / self.unit * self.unit;
        let high = if self.big_endian { at } else { at + 1 };
        let low_surrogate = text
            .get(high)
            .is_some_and(|byte| (0xdc..0xe0).contains(byte));
        if self.unit == 2 && low_surrogate {
            at.saturating_sub(2)
        } else {
            at
        }
    }

    /// The text as UTF-8, without a byte-order mark at its start; what is no character becomes
    /// U+FFFD.
    pub fn decode(self, text: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(text.len() / self.unit + 16);
        let mut push = |c: char| out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
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
                push(c.unwrap_or(char::REPLACEMENT_CHARACTER));
            }
        } else {
            for unit in text.chunks_exact(4) {
                let unit = [unit[0], unit[1], unit[2], unit[3]];
                let value = if self.big_endian {
                    u32::from_be_bytes(unit)
                } else {
                    u32::from_le_bytes(unit)
                };
                push(char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
        }
        if out.starts_with("\u{feff}".as_bytes()) {
            out.drain(..3);
        }
        out
    }
}

/// The run of wide ASCII text around the character at `at`, in a text that is something else, and
/// where it lies.
pub fn run_around(
    text: &[u8],
    at: usize,
    unit: usize,
    reach: usize,
) -> (View, Range<usize>, Layer) {
    let is_text = |at: usize| {
        text.get(at)
            .is_some_and(|byte| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~'))
    };
    let zeros = |range: Range<usize>| {
        text.get(range)
            .is_some_and(|zeros| zeros.iter().all(|byte| *byte == 0))
    };
    let mut start = at;
    while at - start < reach
        && start >= unit
        && zeros(start + 1 - unit..start)
        && is_text(start - unit)
    {
        start -= unit;
    }
    let mut end = at + 1;
    while end - at < reach && zeros(end..end + unit - 1) && is_text(end + unit - 1) {
        end += unit;
    }
    let mut view = View::default();
    for at in (start..end).step_by(unit) {
        view.push(text[at], at - start..at - start + 1, 0);
    }
    // Only what surrounds the run could tell the byte order; without it, the usual one.
    let big_endian =
        start + 1 >= unit && zeros(start + 1 - unit..start) && !zeros(end..end + unit - 1);
    let layer = Wide { unit, big_endian }.layer();
    (view, start..end, layer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16le(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
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
            b"\x01\x02\x90".as_slice(),
            &utf16le("ab=cd"),
            b"\x07\xff\xff",
        ]
        .concat();
        let (view, range, layer) = run_around(&text, 7, 2, 100);
        assert_eq!(view.bytes(), b"ab=cd");
        assert_eq!(range, 3..12);
        assert_eq!(layer, Layer::Utf16Le);
    }
}
