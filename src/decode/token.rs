//! Base64 and hex: long runs of their digits, decoded where they stand.

use std::ops::Range;
use std::sync::LazyLock;

use memchr::memmem;

use crate::decode::Layer;
use crate::decode::container;
use crate::decode::wide::Wide;

/// The shortest run that can be a key: 51 bytes in base64.
const MIN_RUN: usize = 68;
/// The shortest run of hex digits that can be one.
const MIN_HEX: usize = 102;
/// Distance between the places that are looked at: the width of a vector.
const STRIDE: usize = 32;
/// Bytes from such a place on that must all be digits. Any run of `STRIDE + PROBE` bytes, so any
/// that is long enough, has such a place; of shorter lines, below each other, practically always
/// one has.
const PROBE: usize = 28;
/// A line of wrapped base64 has at least so many digits.
const MIN_LINE: usize = 40;
/// Bytes between two lines of wrapped base64 at the most.
const MAX_BREAK: usize = 40;

/// Base64 of the marker at the three places it can have in a group of three bytes, as far as it
/// does not depend on what is around it, and the digit of its group at which that begins.
const MARKER: [(&[u8], usize); 3] = [(b"VDNCbGJrRk", 0), (b"QzQmxia0ZK", 2), (b"UM0JsYmtGS", 3)];

static MARKERS: LazyLock<[memmem::Finder<'static>; 3]> =
    LazyLock::new(|| MARKER.map(|(marker, _)| memmem::Finder::new(marker)));

/// The marker in hex, either case.
static HEX_MARKERS: LazyLock<[memmem::Finder<'static>; 2]> =
    LazyLock::new(|| ["5433426c626b464a", "5433426C626B464A"].map(memmem::Finder::new));

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

const fn is_digit(byte: u8) -> bool {
    BASE64[byte as usize] != OTHER
}

/// The first place that is looked at, from `at` on, with nothing but digits.
fn next_probe(text: &[u8], at: usize) -> Option<usize> {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        #[expect(unsafe_code, reason = "safe once the processor is known to have it")]
        // SAFETY: the processor has the instructions.
        return unsafe { avx2::next_probe(text, at) };
    }
    next_probe_anywhere(text, at)
}

/// The same on any processor.
fn next_probe_anywhere(text: &[u8], mut at: usize) -> Option<usize> {
    while let Some(probe) = text.get(at..).and_then(<[u8]>::first_chunk::<PROBE>) {
        if probe.iter().all(|byte| is_digit(*byte)) {
            return Some(at);
        }
        at += STRIDE;
    }
    None
}

/// The same with vectors of 32 bytes: five times as fast.
#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::__m256i;
    use std::arch::x86_64::_mm256_and_si256;
    use std::arch::x86_64::_mm256_cmpeq_epi8;
    use std::arch::x86_64::_mm256_loadu_si256;
    use std::arch::x86_64::_mm256_movemask_epi8;
    use std::arch::x86_64::_mm256_set1_epi8;
    use std::arch::x86_64::_mm256_setzero_si256;
    use std::arch::x86_64::_mm256_shuffle_epi8;
    use std::arch::x86_64::_mm256_srli_epi16;

    use super::PROBE;
    use super::STRIDE;

    /// Bytes of a vector.
    const WIDTH: usize = 32;
    /// For each low half of a byte, which of the groups of [`HIGH`] hold it.
    const LOW: [u8; 16] = {
        let mut table = [0; 16];
        let mut byte = 0;
        while byte < 128 {
            if super::is_digit(byte) {
                table[byte as usize & 15] |= HIGH[byte as usize >> 4];
            }
            byte += 1;
        }
        table
    };
    /// For each high half of a byte, its group: punctuation, numbers, and four times letters.
    const HIGH: [u8; 16] = [0, 0, 1, 2, 4, 8, 16, 32, 0, 0, 0, 0, 0, 0, 0, 0];

    #[target_feature(enable = "avx2")]
    pub(super) fn next_probe(text: &[u8], mut at: usize) -> Option<usize> {
        let low = both_halves(&LOW);
        let high = both_halves(&HIGH);
        let nibble = _mm256_set1_epi8(15);
        while let Some(chunk) = text.get(at..).and_then(<[u8]>::first_chunk::<WIDTH>) {
            let bytes = load(chunk);
            let low = _mm256_shuffle_epi8(low, bytes);
            let above = _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), nibble);
            let digits = _mm256_and_si256(low, _mm256_shuffle_epi8(high, above));
            let others = _mm256_cmpeq_epi8(digits, _mm256_setzero_si256());
            if _mm256_movemask_epi8(others) & ((1 << PROBE) - 1) == 0 {
                return Some(at);
            }
            at += STRIDE;
        }
        super::next_probe_anywhere(text, at)
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn both_halves(table: &[u8; 16]) -> __m256i {
        let mut twice = [0; WIDTH];
        twice[..16].copy_from_slice(table);
        twice[16..].copy_from_slice(table);
        load(&twice)
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn load(bytes: &[u8; WIDTH]) -> __m256i {
        #[expect(unsafe_code, reason = "there is no safe load")]
        // SAFETY: the array has the 32 bytes, and the load needs no alignment.
        unsafe {
            _mm256_loadu_si256(bytes.as_ptr().cast())
        }
    }
}

/// A piece of a run, in its order.
#[derive(Debug, Clone)]
struct Piece {
    at: Range<usize>,
    /// The one digit that it stands for, if it is an escape and not digits itself.
    escaped: Option<u8>,
}

impl Piece {
    fn digits(at: Range<usize>) -> Self {
        Self { at, escaped: None }
    }

    fn len(&self) -> usize {
        self.escaped.map_or(self.at.len(), |_| 1)
    }
}

/// Bytes that were written as digits.
pub struct Decoded {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Base64 or hex.
    pub layer: Layer,
    /// What some of the digits were written in.
    pub escape: Option<Layer>,
    pieces: Vec<Piece>,
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
    /// The layers that were taken off, from outside in.
    pub fn layers(&self) -> Vec<Layer> {
        self.escape.into_iter().chain([self.layer]).collect()
    }

    /// The bytes of the text that hold the digits of a span of decoded bytes.
    pub fn source(&self, span: &Range<usize>) -> Range<usize> {
        let (first, last) = match self.layer {
            Layer::Hex => (span.start * 2, span.end * 2),
            _ => (span.start * 4 / 3, (span.end * 4).div_ceil(3)),
        };
        let start = self.place(self.skipped + first).start;
        let end = self.place(self.skipped + last.saturating_sub(1)).end;
        start..end.max(start)
    }

    /// All of the text that was decoded.
    pub fn whole(&self) -> Range<usize> {
        let start = self.pieces.first().map_or(0, |piece| piece.at.start);
        start..self.pieces.last().map_or(start, |piece| piece.at.end)
    }

    /// Where the digit with this number stands.
    fn place(&self, mut digit: usize) -> Range<usize> {
        for piece in &self.pieces {
            if digit < piece.len() {
                return match piece.escaped {
                    Some(_) => piece.at.clone(),
                    None => piece.at.start + digit..piece.at.start + digit + 1,
                };
            }
            digit -= piece.len();
        }
        let end = self.whole().end;
        end.saturating_sub(1)..end
    }
}

/// Calls `each` with every long run of digits in `text`, decoded in each way that may be meant.
/// `each` says whether that was it.
pub fn runs(text: &[u8], mut each: impl FnMut(Decoded) -> bool) {
    let mut at = 0;
    while let Some(probe) = next_probe(text, at) {
        at = probe;
        let head = &text[at..at + PROBE];
        // Rulers. What is encoded has other places to look at.
        if head.iter().all(|byte| *byte == head[0]) {
            at += STRIDE;
            continue;
        }
        let run = digits_before(text, at)..digits_after(text, at + PROBE);
        at = run.end.max(at + STRIDE);
        if let Some((pieces, escape)) = with_escapes(text, run.clone()) {
            at = pieces.last().map_or(at, |piece| piece.at.end.max(at));
            self::run(text, &pieces, Some(escape), &mut each);
        }
        // Most are names.
        if run.len() < MIN_LINE || !looks_encoded(&text[run.clone()]) {
            continue;
        }
        let lines = wrapped(text, run);
        at = lines.last().map_or(at, |line| line.at.end.max(at));
        self::run(text, &lines, None, &mut each);
    }
}

/// Where the digits that end at `at` begin.
fn digits_before(text: &[u8], at: usize) -> usize {
    let digits = text[..at].iter().rev().take_while(|b| is_digit(**b));
    at - digits.count()
}

/// Where the digits that begin at `at` end.
fn digits_after(text: &[u8], mut at: usize) -> usize {
    // By vectors as long as it lasts: some runs are megabytes.
    while let Some(probe) = text.get(at..).and_then(|rest| rest.get(..STRIDE))
        && next_probe(probe, 0).is_some()
    {
        at += PROBE;
    }
    at + text[at..].iter().take_while(|b| is_digit(**b)).count()
}

/// Digits and other bytes that base64 has, escaped as strings, addresses, pages and mail do it.
/// Zero stands for what is no digit: a line end, or padding.
const ESCAPED: [(&[u8], u8, Layer); 26] = [
    (b"\\/", b'/', Layer::Escape),
    (b"\\u002B", b'+', Layer::Escape),
    (b"\\u002b", b'+', Layer::Escape),
    (b"\\u002F", b'/', Layer::Escape),
    (b"\\u002f", b'/', Layer::Escape),
    (b"\\x2B", b'+', Layer::Escape),
    (b"\\x2b", b'+', Layer::Escape),
    (b"\\x2F", b'/', Layer::Escape),
    (b"\\x2f", b'/', Layer::Escape),
    (b"%2B", b'+', Layer::Percent),
    (b"%2b", b'+', Layer::Percent),
    (b"%2F", b'/', Layer::Percent),
    (b"%2f", b'/', Layer::Percent),
    (b"%252B", b'+', Layer::Percent),
    (b"%252F", b'/', Layer::Percent),
    (b"%0D", 0, Layer::Percent),
    (b"%0d", 0, Layer::Percent),
    (b"%0A", 0, Layer::Percent),
    (b"%0a", 0, Layer::Percent),
    (b"&#43;", b'+', Layer::Html),
    (b"&#47;", b'/', Layer::Html),
    (b"&#x2B;", b'+', Layer::Html),
    (b"&#x2F;", b'/', Layer::Html),
    (b"&plus;", b'+', Layer::Html),
    (b"=\n", 0, Layer::QuotedPrintable),
    (b"=\r\n", 0, Layer::QuotedPrintable),
];

/// Bytes of a line of quoted-printable text before the `=` that ends it.
const SOFT_LINE: usize = 75;

/// The pieces of a run with escapes in it; `None` if it has none.
fn with_escapes(text: &[u8], run: Range<usize>) -> Option<(Vec<Piece>, Layer)> {
    // Most runs end here.
    let may_begin = matches!(
        text[run.end..],
        [b'\\' | b'%' | b'&', ..] | [b'=', b'\n' | b'\r', ..]
    );
    let may_end = matches!(
        text[..run.start],
        [.., b'\\' | b'%' | b';'] | [.., b'=', b'\n'] | [.., b'=', b'\r', b'\n']
    );
    if !may_begin && !may_end {
        return None;
    }
    let mut layer = None;
    let mut pieces = Vec::new();
    // From the run on to the left, then to the right.
    let mut head = run.clone();
    while let Some(escape) = Escape::before(text, head.start) {
        layer = Some(escape.layer);
        pieces.push(Piece::digits(escape.at.end..head.end));
        pieces.extend(escape.piece());
        head = digits_before(text, escape.at.start)..escape.at.start;
    }
    pieces.push(Piece::digits(head));
    pieces.reverse();
    let mut end = run.end;
    while let Some(escape) = Escape::at(text, end) {
        layer = Some(escape.layer);
        pieces.extend(escape.piece());
        end = digits_after(text, escape.at.end);
        pieces.push(Piece::digits(escape.at.end..end));
    }
    pieces.retain(|piece| !piece.at.is_empty());
    Some((pieces, layer?))
}

/// An escape between digits.
struct Escape {
    at: Range<usize>,
    digit: Option<u8>,
    layer: Layer,
}

impl Escape {
    /// The one that begins at `at`.
    fn at(text: &[u8], at: usize) -> Option<Self> {
        let rest = text.get(at..)?;
        let found = ESCAPED
            .iter()
            .find(|(escape, ..)| rest.starts_with(escape))?;
        let &(escape, digit, layer) = found;
        // Base64 is padded with the same character: lines go on, before or behind it.
        let soft = || {
            let start = digits_before(text, at);
            let next = at + escape.len();
            at - start == SOFT_LINE
                && (digits_after(text, next) - next >= MIN_LINE
                    || matches!(text[..start], [.., b'=', b'\n'] | [.., b'=', b'\r', b'\n']))
        };
        let soft = layer != Layer::QuotedPrintable || soft();
        soft.then(|| Self {
            at: at..at + escape.len(),
            digit: (digit != 0).then_some(digit),
            layer,
        })
    }

    /// The one before the digits from `start` on; they may begin with its last characters: `2F` of
    /// `%2F` is digits too.
    fn before(text: &[u8], start: usize) -> Option<Self> {
        ESCAPED.iter().find_map(|(escape, ..)| {
            let tail = escape.iter().rev().take_while(|b| is_digit(**b)).count();
            let at = start.checked_sub(escape.len() - tail)?;
            let found = Self::at(text, at)?;
            (found.at.len() == escape.len()).then_some(found)
        })
    }

    fn piece(&self) -> Option<Piece> {
        let escaped = Some(self.digit?);
        let at = self.at.clone();
        Some(Piece { at, escaped })
    }
}

/// The lines of a run that goes on over line ends: all of one length but the last.
fn wrapped(text: &[u8], first: Range<usize>) -> Vec<Piece> {
    let width = first.len();
    let mut lines = vec![Piece::digits(first)];
    // Lines before it may have been stepped over.
    while let Some(line) = line_before(text, lines[lines.len() - 1].at.start, width) {
        lines.push(Piece::digits(line));
    }
    lines.reverse();
    while let Some(last) = lines.last()
        && last.len() == width
        && let Some(skip) = line_break(&text[last.at.end..])
    {
        let start = last.at.end + skip;
        let length = text[start..]
            .iter()
            .take(width + 1)
            .take_while(|b| is_digit(**b))
            .count();
        // The next line may be another statement. A word behind a blank is no line, unless the ones before it are as lines are cut.
        let ends_line = |b: &u8| b"\n\r\\".contains(b);
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

/// The length of a line end or a blank, and of what may stand around it: quotes, an operator,
/// indentation. It may be written as `\n`.
fn line_break(text: &[u8]) -> Option<usize> {
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
            [byte, ..] if b"\"'`\\,.&#>*".contains(byte) => {}
            _ => break,
        }
        at += 1;
    }
    ended.then_some(at)
}

/// Decodes one run in each way that may be meant, until one was it.
fn run(
    text: &[u8],
    pieces: &[Piece],
    escape: Option<Layer>,
    each: &mut impl FnMut(Decoded) -> bool,
) {
    let joined: Vec<u8>;
    let digits = if let [Piece { at, escaped: None }] = pieces {
        &text[at.clone()]
    } else {
        joined = pieces
            .iter()
            .flat_map(|piece| match &piece.escaped {
                Some(digit) => std::slice::from_ref(digit),
                None => &text[piece.at.clone()],
            })
            .copied()
            .collect();
        &joined
    };
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
            escape,
            pieces: pieces.to_vec(),
            skipped,
        })
    };
    // Two hex digits a byte, from the first or the second on. Most runs have too few, or are all hex.
    let hex = count(digits, |byte| byte.is_ascii_hexdigit());
    let mut at = if hex < MIN_HEX { digits.len() } else { 0 };
    while let Some(part) = hex_run(digits, hex, at) {
        at = part.end;
        if hex_may_hold(&digits[part.clone()])
            && (try_as(Layer::Hex, part.start) || try_as(Layer::Hex, part.start + 1))
        {
            return;
        }
    }
    // Base64 has other digits too.
    if hex == digits.len() {
        return;
    }
    // Lines of equal length may also be one token each.
    let one = pieces.len() == 1;
    let is_text = looks_like_text(digits);
    if is_text && try_as(Layer::Base64, 0) && one {
        return;
    }
    // Something else may be glued to its left end; then only the marker tells where it begins.
    let mut tried = [is_text, false, false, false];
    for (marker, (_, digit)) in MARKERS.iter().zip(MARKER) {
        for at in marker.find_iter(digits) {
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

/// The first run from `from` on of hex digits that is long enough for a key; of all digits, `hex`
/// are such.
fn hex_run(digits: &[u8], hex: usize, mut from: usize) -> Option<Range<usize>> {
    // Two in every one that is long enough are looked at.
    const STEP: usize = MIN_HEX / 2;
    if from == 0 && hex == digits.len() {
        return Some(0..hex);
    }
    loop {
        let at = from + STEP - 1;
        if !digits.get(at)?.is_ascii_hexdigit() {
            from = at + 1;
            continue;
        }
        let before = digits[from..at].iter().rev();
        let start = at - before.take_while(|b| b.is_ascii_hexdigit()).count();
        let after = digits[at..].iter();
        let end = at + after.take_while(|b| b.is_ascii_hexdigit()).count();
        if end - start >= MIN_HEX {
            return Some(start..end);
        }
        from = end;
    }
}

/// Whether hex digits may stand for text, or hold the marker.
fn hex_may_hold(digits: &[u8]) -> bool {
    let may_be_text = |skipped: usize| {
        let mut head = [0; 32];
        let mut length = 0;
        for (pair, byte) in digits[skipped..].chunks_exact(2).zip(&mut head) {
            *byte = hex_pair(pair);
            length += 1;
        }
        may_be_text(&head[..length])
    };
    let mut markers = HEX_MARKERS.iter();
    may_be_text(0) || may_be_text(1) || markers.any(|marker| marker.find(digits).is_some())
}

/// Whether digits may be an encoding of anything: no ruler, no path, no word.
fn looks_encoded(digits: &[u8]) -> bool {
    let head = &digits[..digits.len().min(256)];
    let numbers = count(head, |byte| byte.is_ascii_digit());
    let letters = count(head, |byte| byte.is_ascii_alphabetic());
    if numbers > 0 && letters > 0 && (numbers + letters) * 4 >= head.len() * 3 {
        return true;
    }
    let hex = digits.len() >= MIN_HEX && head.iter().all(u8::is_ascii_hexdigit);
    let marked = || MARKERS.iter().any(|marker| marker.find(digits).is_some());
    hex || digits.len() >= MIN_RUN && marked()
}

/// Whether the first bytes that base64 digits stand for may be text, wide text or a container, and
/// not a hash. What holds a key among other bytes is told by the marker.
fn looks_like_text(digits: &[u8]) -> bool {
    let mut head = [0; 48];
    let groups = digits.chunks(4).zip(head.chunks_exact_mut(3));
    let mut length = 0;
    for (group, bytes) in groups {
        let (decoded, count) = base64_group(group);
        bytes.copy_from_slice(&decoded);
        length += count;
    }
    may_be_text(&head[..length])
}

fn may_be_text(head: &[u8]) -> bool {
    let blank = |byte| matches!(byte, b'\t' | b'\n' | b'\r');
    let text = count(head, |byte| byte >= b' ' && byte != 0x7f || blank(byte));
    let is_text = text * 10 >= head.len() * 9
        && (count(head, |byte| byte.is_ascii()) * 10 >= head.len() * 9 || is_utf8(head));
    is_text
        || container::kind(head).is_some()
        || head.starts_with(b"PK")
        || count(head, |byte| byte == 0) * 3 >= head.len()
        || Wide::sniff(head).is_some()
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

/// How many of the bytes are so; written so that it is done with vectors.
fn count(bytes: &[u8], is: impl Fn(u8) -> bool) -> usize {
    let chunks = bytes.chunks(128);
    let counts = chunks.map(|chunk| chunk.iter().map(|byte| u8::from(is(*byte))).sum::<u8>());
    counts.map(usize::from).sum()
}

/// The bytes that up to four digits stand for, and how many they are.
fn base64_group(group: &[u8]) -> ([u8; 3], usize) {
    let bits = (0..4).fold(0_u32, |bits, index| {
        let digit = group.get(index).copied().unwrap_or(b'A');
        bits << 6 | u32::from(BASE64[usize::from(digit)])
    });
    let [_, bytes @ ..] = bits.to_be_bytes();
    (bytes, group.len() * 6 / 8)
}

fn base64(digits: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(digits.len() / 4 * 3 + 3);
    for group in digits.chunks(4) {
        let (bytes, count) = base64_group(group);
        out.extend_from_slice(&bytes[..count]);
    }
    out
}

fn hex(digits: &[u8]) -> Vec<u8> {
    let length = digits.iter().take_while(|b| b.is_ascii_hexdigit()).count();
    digits[..length].chunks_exact(2).map(hex_pair).collect()
}

/// The byte that two hex digits stand for.
fn hex_pair(pair: &[u8]) -> u8 {
    let value = |digit: u8| (digit & 15) + 9 * (digit >> 6);
    pair.iter().fold(0, |byte, digit| byte << 4 | value(*digit))
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
    fn lines_of_any_width_are_found_at_any_place() {
        let run = BASE64.encode(&TEXT.repeat(3));
        for width in MIN_LINE..=80 {
            let lines = run.as_bytes().chunks(width);
            let lines: Vec<_> = lines
                .map(|line| std::str::from_utf8(line).unwrap())
                .collect();
            for before in 0..STRIDE {
                let text = format!("{} {}", " ".repeat(before), lines.join("\n"));
                let all = decoded(&text);
                assert!(!all.is_empty(), "{width} {before}");
                assert_eq!(all[0].0, TEXT.repeat(3));
            }
        }
    }

    #[test]
    fn vectors_and_bytes_agree_on_what_digits_are() {
        for byte in 0..=u8::MAX {
            for at in [0, 15, 16, 31] {
                let mut text = [b'x'; STRIDE];
                text[at] = byte;
                let digits = (at >= PROBE || is_digit(byte)).then_some(0);
                assert_eq!(next_probe(&text, 0), digits, "{byte}");
                assert_eq!(next_probe_anywhere(&text, 0), digits, "{byte}");
            }
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
