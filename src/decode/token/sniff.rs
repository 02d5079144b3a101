//! Whether digits may stand for something that holds a key: by the first bytes of it, and by the marker.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use crate::decode::container;
use crate::decode::deflate;
use crate::decode::digits;
use crate::decode::token::MIN_HEX;
use crate::decode::token::MIN_RUN;
use crate::decode::token::bases::base32;
use crate::decode::token::bases::base32_length;
use crate::decode::token::bases::base64_group;
use crate::decode::token::bases::hex_pair;
use crate::decode::wide::Wide;

/// The shortest run of base32 digits that can be one.
const MIN_BASE32: usize = 82;
/// A run that is so long is not counted through.
pub(super) const LONG: usize = 1024;

/// Base64 of the marker at the three places it can have in a group of three bytes, as far as it
/// does not depend on what is around it, and the digit of its group at which that begins.
const MARKER: [(&[u8], usize); 3] = [(b"VDNCbGJrRk", 0), (b"QzQmxia0ZK", 2), (b"UM0JsYmtGS", 3)];

/// What they begin with.
const MARKER_PAIRS: [[u8; 2]; 3] = [*b"VD", *b"Qz", *b"UM"];

static MARKERS: LazyLock<[Finder<'static>; 3]> =
    LazyLock::new(|| MARKER.map(|(marker, _)| Finder::new(marker)));

/// The marker in hex, up to its one letter, and with it.
const HEX_MARKER: [&[u8]; 3] = [b"5433426", b"5433426c626b464a", b"5433426C626B464A"];

static HEX_MARKERS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(HEX_MARKER[0]));

/// What containers begin with in base64.
const CONTAINERS: [&[u8]; 7] = [b"H4sI", b"eJ", b"eN", b"KLUv", b"/Td6", b"Qlpo", b"UEsD"];

/// Whether the first few digits stand for text, or for a container.
pub(super) fn begins_as_text(digits: &[u8]) -> bool {
    let Some(head) = digits.first_chunk::<8>() else {
        return false;
    };
    let is_text = |b: &u8| matches!(b, b' '..=b'~' | b'\n' | b'\r' | b'\t' | 0);
    let (first, _) = base64_group(&head[..4]);
    let (second, _) = base64_group(&head[4..]);
    let is_hex = head.iter().all(u8::is_ascii_hexdigit);
    first.iter().chain(&second).all(is_text)
        || is_hex && head.chunks(2).all(|pair| is_text(&hex_pair(pair)))
        || CONTAINERS.iter().any(|start| digits.starts_with(start))
}

/// How many digits may stand before what is base64 of text with the marker in it.
pub(super) fn marked(digits: &[u8]) -> [bool; 4] {
    let mut meant = [false; 4];
    // Most have nothing that a marker could begin with.
    if digits.len() < LONG && !digits::has_pair(digits, MARKER_PAIRS) {
        return meant;
    }
    for (finder, (_, digit)) in MARKERS.iter().zip(MARKER) {
        for at in finder.find_iter(digits) {
            meant[(at + 4 - digit) % 4] = true;
        }
    }
    meant
}

/// Whether hex digits may stand for text, or hold the marker.
pub(super) fn hex_may_hold(digits: &[u8]) -> bool {
    let may_be_text = |skipped: usize| {
        let mut head = Head::default();
        for (pair, byte) in digits[skipped..].chunks_exact(2).zip(&mut head.bytes[..32]) {
            *byte = hex_pair(pair);
            head.length += 1;
        }
        head.may_be_text()
    };
    let is_marked = || {
        let mut places = HEX_MARKERS.find_iter(digits);
        places.any(|at| HEX_MARKER[1..].iter().any(|m| digits[at..].starts_with(m)))
    };
    may_be_text(0) || may_be_text(1) || is_marked()
}

/// Whether digits may be an encoding of anything: no ruler, no path, no word.
pub(super) fn looks_encoded(digits: &[u8]) -> bool {
    let head = &digits[..digits.len().min(256)];
    let others_are_few = || count(head, |byte| byte.is_ascii_alphanumeric()) * 4 >= head.len() * 3;
    if head.iter().any(u8::is_ascii_digit)
        && head.iter().any(u8::is_ascii_alphabetic)
        && others_are_few()
    {
        return true;
    }
    let hex = digits.len() >= MIN_HEX && head.iter().all(u8::is_ascii_hexdigit);
    hex || digits.len() >= MIN_RUN && marked(digits).contains(&true)
}

/// Whether the first bytes that base64 digits stand for may be text, wide text, a container or, if it
/// `may_be_deflated`, that, and not a hash. What holds a key among other bytes is told by the marker.
pub(super) fn may_hold(digits: &[u8], may_be_deflated: bool) -> bool {
    // Runs that are shorter are none.
    let head = digits.first_chunk().map(|digits| Head {
        bytes: digits::decode(digits),
        length: HEAD,
    });
    head.is_some_and(|head| head.may_be_text() || may_be_deflated && deflate::begins(&head.bytes))
}

/// Bytes that tell text from a hash.
const HEAD: usize = digits::GROUPS / 4 * 3;
const _: () = assert!(MIN_RUN >= digits::GROUPS);

/// The first bytes of what was decoded; behind them, blanks.
struct Head {
    bytes: [u8; HEAD],
    length: usize,
}

impl Default for Head {
    fn default() -> Self {
        Self {
            bytes: [b' '; HEAD],
            length: 0,
        }
    }
}

impl Head {
    fn may_be_text(&self) -> bool {
        let head = &self.bytes[..self.length];
        let tenth = head.len() / 10;
        let blank = |byte| matches!(byte, b'\t' | b'\n' | b'\r');
        let is_text = || {
            self.count(|byte| byte < b' ' && !blank(byte) || byte == 0x7f) <= tenth
                && (self.count(|byte| !byte.is_ascii()) <= tenth || is_utf8(head))
        };
        // They have many zero bytes too. A key that stands in one as it is has the marker.
        let is_picture = [&b"\x89PNG"[..], b"\xff\xd8\xff", b"GIF8", b"wOF"]
            .iter()
            .any(|magic| head.starts_with(magic));
        if is_picture {
            return false;
        }
        let zeros = self.count(|byte| byte == 0);
        let may_be_wide = zeros > 0 || matches!(head, [0xfe, 0xff, ..] | [0xff, 0xfe, ..]);
        is_text()
            || container::kind(head).is_some()
            || head.starts_with(b"PK")
            || zeros * 3 >= head.len()
            || may_be_wide && Wide::sniff(head).is_some()
    }

    /// How many bytes are so, which blanks are not. As many as a few vectors hold.
    pub(super) fn count(&self, is: impl Fn(u8) -> bool) -> usize {
        self.bytes
            .iter()
            .map(|byte| u8::from(is(*byte)))
            .sum::<u8>()
            .into()
    }
}

/// Whether bytes are UTF-8, save for a character that is cut off at either end.
fn is_utf8(bytes: &[u8]) -> bool {
    let cut = bytes
        .iter()
        .take(3)
        .take_while(|byte| **byte & 0xc0 == 0x80);
    let bytes = &bytes[cut.count()..];
    match std::str::from_utf8(bytes) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    }
}

/// How many of the bytes are so, of which zero is none; written so that it is done with vectors.
fn count(bytes: &[u8], is: impl Fn(u8) -> bool) -> usize {
    let count = |chunk: &[u8; 32]| {
        let all = chunk.iter().map(|byte| u8::from(is(*byte)));
        usize::from(all.sum::<u8>())
    };
    let (chunks, rest) = bytes.as_chunks();
    let mut last = [0; 32];
    last[..rest.len()].copy_from_slice(rest);
    chunks.iter().map(count).sum::<usize>() + count(&last)
}

/// Whether the first of them, enough for a key, may be digits of base32, of one alphabet or the other, and
/// stand for text.
pub(super) fn is_base32(digits: &[u8]) -> bool {
    // What follows in the next line is a word, and no digit of it.
    let digits = &digits[..base32_length(digits)];
    if digits.len() < MIN_BASE32 {
        return false;
    }
    let mut head = Head::default();
    let decoded = base32(&digits[..digits.len().min(64)]);
    for (byte, decoded) in head.bytes.iter_mut().zip(decoded) {
        *byte = decoded;
        head.length += 1;
    }
    head.may_be_text()
}
