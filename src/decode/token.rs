//! Base64 and hex: long runs of their digits, decoded where they stand.

use std::ops::Range;
use std::rc::Rc;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use crate::decode::Layer;
use crate::decode::columns;
use crate::decode::container;
use crate::decode::deflate;
use crate::decode::digits;
use crate::decode::digits::PROBE;
use crate::decode::digits::STRIDE;
use crate::decode::digits::is_digit;
use crate::decode::wide::Wide;

/// The shortest run that can be a key: 51 bytes in base64.
const MIN_RUN: usize = 68;
/// The shortest run of hex digits that can be one.
const MIN_HEX: usize = 102;
/// The shortest run of base32 digits that can be one.
const MIN_BASE32: usize = 82;
/// A run that is so long is not counted through.
const LONG: usize = 1024;
/// A line of wrapped base64 has at least so many digits.
const MIN_LINE: usize = 40;
/// Bytes between two lines of wrapped base64 at the most.
const MAX_BREAK: usize = 40;

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
    /// Shared by all that a run is decoded to: both may be many.
    pieces: Rc<[Piece]>,
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
            Layer::Base32 => (span.start * 8 / 5, (span.end * 8).div_ceil(5)),
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
        for piece in self.pieces.iter() {
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
    // Before them, literals and columns were put together.
    let mut joined = 0;
    let mut columned = 0;
    while let Some(probe) = digits::next_probe(text, at) {
        at = probe;
        let head = &text[at..at + PROBE];
        // Rulers. What is encoded has other places to look at.
        if head.iter().all(|byte| *byte == head[0]) {
            at += STRIDE;
            continue;
        }
        let run = digits::start_of(text, at)..digits::end_of(text, at + PROBE);
        at = run.end.max(at + STRIDE);
        if let Some((pieces, escape)) = with_escapes(text, run.clone()) {
            at = pieces.last().map_or(at, |piece| piece.at.end.max(at));
            self::run(text, &pieces, Some(escape), &mut each);
        }
        if run.start >= joined
            && let Some(pieces) = literals(text, run.clone())
        {
            // They are put together once, not from each of them again.
            joined = pieces.last().map_or(at, |piece| piece.at.end);
            if holds_any(text, &pieces, &mut each) {
                at = joined.max(at);
                continue;
            }
        }
        // Most are names.
        if run.len() < MIN_LINE {
            continue;
        }
        let digits = &text[run.clone()];
        let is_line = || {
            line_break(&text[run.end..]).is_some()
                || line_before(text, run.start, run.len()).is_some()
        };
        let may_be_column = run.start >= columned && may_be_column(digits);
        if run.len() < MIN_RUN && !may_be_column && !is_line() || !looks_encoded(digits) {
            continue;
        }
        let lines = is_line().then(|| wrapped(text, run.clone()));
        // The word that begins the next line may look like the last one.
        let is_one = lines.as_ref().is_none_or(|lines| {
            let of_its_length = lines.iter().filter(|line| line.at.len() == run.len());
            of_its_length.count() == 1
        });
        if may_be_column
            && is_one
            && let Some(pieces) = columns(text, &run, columned)
        {
            columned = pieces.last().map_or(at, |piece| piece.at.end);
            if holds_any(text, &pieces, &mut each) {
                at = columned.max(at);
                continue;
            }
        }
        if run.len() < MIN_RUN && lines.is_none() {
            continue;
        }
        if let Some(lines) = lines {
            at = lines.last().map_or(at, |line| line.at.end.max(at));
            self::run(text, &lines, None, &mut each);
        } else {
            self::run(text, &[Piece::digits(run)], None, &mut each);
        }
    }
}

/// Decodes pieces that may be one run; says whether something was found in it, which ends it.
fn holds_any(text: &[u8], pieces: &[Piece], each: &mut impl FnMut(Decoded) -> bool) -> bool {
    let mut found = false;
    run(text, pieces, None, &mut |decoded| {
        found |= each(decoded);
        found
    });
    found
}

/// How far from a run may stand what it is taken for because of: a line of it before, and the escape
/// before that, or the end of a list behind its last element.
pub const SIGHT: usize = columns::SHORTER_SIGHT;
const _: () = assert!(SIGHT >= MAX_BREAK + SOFT_LINE + LONGEST_ESCAPE && SIGHT > columns::MAX_GAP);

/// Where the runs begin that are to be looked at again if what stands at `at` is new, as far as they
/// are not before `floor`; `sight` is [`SIGHT`] at the least.
pub fn affected_from(text: &[u8], floor: usize, at: usize, sight: usize) -> usize {
    let text = &text[floor..];
    let start = digits::start_of(text, at - floor).saturating_sub(sight);
    floor + digits::start_of(text, start)
}

/// Where the run ends that `at` stands before or among.
pub fn run_end(text: &[u8], at: usize) -> usize {
    digits::end_of(text, at)
}

/// Where the runs end that are to be looked at again if what stands before `run_end`, where one ends,
/// is new.
pub fn affected_to(text: &[u8], run_end: usize, sight: usize) -> usize {
    digits::end_of(text, run_end.saturating_add(sight).min(text.len()))
}

/// Whether [`runs`] would find anything in a part of `text` that cuts no run: perhaps it finds even
/// less, but it never finds more.
pub fn any(text: &[u8], part: Range<usize>) -> bool {
    let mut at = part.start;
    while let Some(run) = next_run(&text[..part.end], at) {
        if is_any(text, run.clone()) {
            return true;
        }
        at = run.end;
    }
    false
}

/// The first run of digits from `at` on that is long enough to be looked at, to its end. No run may
/// begin before `at` and go on behind it.
fn next_run(text: &[u8], at: usize) -> Option<Range<usize>> {
    let start = digits::next_start(text, at)?;
    Some(start..digits::end_of(text, start + PROBE))
}

/// Whether anything is made of a run, or it is one of several that belong together.
fn is_any(text: &[u8], at: Range<usize>) -> bool {
    let first = text[at.start];
    if text[at.clone()].iter().all(|byte| *byte == first) {
        return false;
    }
    if with_escapes(text, at.clone()).is_some() || literals(text, at.clone()).is_some() {
        return true;
    }
    if at.len() < MIN_LINE || !looks_encoded(&text[at.clone()]) {
        return false;
    }
    let lines = wrapped(text, at.clone());
    let mut any = lines.len() > 1 || columns(text, &at, 0).is_some();
    if !any {
        run(text, &lines, None, &mut |_| {
            any = true;
            true
        });
    }
    any
}

/// Digits and other bytes that base64 has, escaped as strings, addresses, pages and mail do it.
/// Zero stands for what is no digit: a line end, or padding.
const ESCAPED: [(&[u8], u8, Layer); 36] = [
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
    // What comes first is taken: with the line end after it, if there is one.
    (b"&#13;\n", 0, Layer::Html),
    (b"&#xD;\n", 0, Layer::Html),
    (b"&#xd;\n", 0, Layer::Html),
    (b"&#13;", 0, Layer::Html),
    (b"&#xD;", 0, Layer::Html),
    (b"&#xd;", 0, Layer::Html),
    (b"&#10;", 0, Layer::Html),
    (b"&#xA;", 0, Layer::Html),
    (b"&#xa;", 0, Layer::Html),
    (b"&NewLine;", 0, Layer::Html),
    (b"=\n", 0, Layer::QuotedPrintable),
    (b"=\r\n", 0, Layer::QuotedPrintable),
];

/// Bytes of the longest of them.
const LONGEST_ESCAPE: usize = {
    let mut longest = 0;
    let mut at = 0;
    while at < ESCAPED.len() {
        if ESCAPED[at].0.len() > longest {
            longest = ESCAPED[at].0.len();
        }
        at += 1;
    }
    longest
};

/// Bytes of a line of quoted-printable text before the `=` that ends it.
const SOFT_LINE: usize = 75;

/// The pieces of a run with escapes in it; `None` if it has none.
fn with_escapes(text: &[u8], run: Range<usize>) -> Option<(Vec<Piece>, Layer)> {
    // Most runs end here.
    let may_begin = matches!(
        text[run.end..],
        [b'\\', b'/' | b'u' | b'x', ..]
            | [b'%', b'2' | b'0', ..]
            | [b'&', ..]
            | [b'=', b'\n' | b'\r', ..]
    );
    let may_end = match text[..run.start] {
        [.., b'\\'] => matches!(text[run.start], b'/' | b'u' | b'x'),
        [.., b'%'] => matches!(text[run.start], b'2' | b'0'),
        [.., b';'] | [.., b';', b'\n'] => {
            let from = run.start.saturating_sub(LONGEST_ESCAPE);
            text[from..run.start].contains(&b'&')
        }
        [.., b'=', b'\n'] | [.., b'=', b'\r', b'\n'] => true,
        _ => false,
    };
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
        head = digits::start_of(text, escape.at.start)..escape.at.start;
    }
    pieces.push(Piece::digits(head));
    pieces.reverse();
    let mut end = run.end;
    while let Some(escape) = Escape::at(text, end) {
        layer = Some(escape.layer);
        pieces.extend(escape.piece());
        end = digits::end_of(text, escape.at.end);
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
            .find(|(escape, ..)| begins_with(rest, escape))?;
        let &(escape, digit, layer) = found;
        // Base64 is padded with the same character: lines go on, before or behind it.
        let soft = || {
            let start = digits::start_of(text, at);
            let next = at + escape.len();
            at - start == SOFT_LINE
                && (digits::end_of(text, next) - next >= MIN_LINE
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
            // Nearly always it is none, which is to be known at once.
            let found = begins_with(&text[at..], escape).then(|| Self::at(text, at))??;
            (found.at.len() == escape.len()).then_some(found)
        })
    }

    fn piece(&self) -> Option<Piece> {
        let escaped = Some(self.digit?);
        let at = self.at.clone();
        Some(Piece { at, escaped })
    }
}

/// As `starts_with`, of which most calls are in vain.
fn begins_with(text: &[u8], escape: &[u8]) -> bool {
    text.first() == escape.first() && text.starts_with(escape)
}

/// The pieces of a run in a literal that is cut into several: `"…" + "…"`; `None` if there is but one.
fn literals(text: &[u8], run: Range<usize>) -> Option<Vec<Piece>> {
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

/// The runs of one length of which this is one, from `from` on. Names, paths and hashes are none.
fn columns(text: &[u8], run: &Range<usize>, from: usize) -> Option<Vec<Piece>> {
    if !may_be_column(&text[run.clone()]) {
        return None;
    }
    let all = columns::columns(text, run, from)?;
    Some(all.into_iter().map(Piece::digits).collect())
}

/// Whether digits may be one of several runs: a glance that nearly everything else does not stand.
fn may_be_column(digits: &[u8]) -> bool {
    columns::WIDTHS.contains(&digits.len()) && begins_as_text(digits)
}

/// What containers begin with in base64.
const CONTAINERS: [&[u8]; 7] = [b"H4sI", b"eJ", b"eN", b"KLUv", b"/Td6", b"Qlpo", b"UEsD"];

/// Whether the first few digits stand for text, or for a container.
fn begins_as_text(digits: &[u8]) -> bool {
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

/// The lines of a run that goes on over line ends: all of one length but the last.
fn wrapped(text: &[u8], first: Range<usize>) -> Vec<Piece> {
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
fn line_before(text: &[u8], start: usize, width: usize) -> Option<Range<usize>> {
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
            // The marks of a comment, which are two digits as well.
            [b'/', b'/', b' ', ..] | [b'-', b'-', b' ', ..] if ended => at += 1,
            [byte, ..] if is_beside_line(*byte) => {}
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
    if pieces.iter().map(Piece::len).sum::<usize>() < MIN_RUN {
        return;
    }
    let mut joined = Vec::new();
    let digits = if let [Piece { at, escaped: None }] = pieces {
        &text[at.clone()]
    } else {
        for piece in pieces {
            match &piece.escaped {
                Some(digit) => joined.push(*digit),
                None => joined.extend_from_slice(&text[piece.at.clone()]),
            }
        }
        &joined
    };
    if let Some(lines) = without_marks(text, pieces) {
        run(text, &lines, escape, each);
    }
    let mut shared = None;
    let mut try_as = |layer, skipped: usize| {
        let bytes = match layer {
            Layer::Hex => hex(&digits[skipped..]),
            Layer::Base32 => base32(&digits[skipped..]),
            _ => base64(&digits[skipped..]),
        };
        each(Decoded {
            bytes,
            layer,
            escape,
            pieces: Rc::clone(shared.get_or_insert_with(|| pieces.into())),
            skipped,
        })
    };
    // Two hex digits a byte, from the first or the second on. Most runs have too few, or are all hex.
    let all_hex = digits.iter().all(u8::is_ascii_hexdigit);
    let mut at = 0;
    while let Some(part) = hex_run(digits, all_hex, at) {
        at = part.end;
        if hex_may_hold(&digits[part.clone()])
            && (try_as(Layer::Hex, part.start) || try_as(Layer::Hex, part.start + 1))
        {
            return;
        }
    }
    // Base64 has other digits too.
    let may_be_base32 = || !digits[0].is_ascii_lowercase() && is_base32(digits);
    if all_hex || may_be_base32() && try_as(Layer::Base32, 0) {
        return;
    }
    // Lines of equal length may also be one token each.
    let one = pieces.len() == 1;
    // What is deflated is padded by all who do it; most runs are addresses.
    let is_padded = match digits.len() % 4 {
        0 => true,
        1 => false,
        _ => {
            let end = pieces.last().and_then(|piece| text.get(piece.at.end));
            matches!(end, Some(b'=' | b'%' | b'\\' | b'&'))
        }
    };
    let may_hold = may_hold(digits, is_padded);
    if may_hold && try_as(Layer::Base64, 0) && one {
        return;
    }
    // Something else may be glued to its left end; then only the marker tells where it begins.
    let mut meant = marked(digits);
    meant[0] &= !may_hold;
    for skipped in (0..4).filter(|skipped| meant[*skipped]) {
        if try_as(Layer::Base64, skipped) && one {
            return;
        }
    }
}

/// Lines that all begin with the mark of a patch, or two as one of a merge has, without it: `+` and `-` are
/// digits as well.
fn without_marks(text: &[u8], lines: &[Piece]) -> Option<Vec<Piece>> {
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

/// How many digits may stand before what is base64 of text with the marker in it.
fn marked(digits: &[u8]) -> [bool; 4] {
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

/// The first run from `from` on of hex digits that is long enough for a key.
fn hex_run(digits: &[u8], all_hex: bool, mut from: usize) -> Option<Range<usize>> {
    // One digit in every run that is long enough is looked at.
    const STEP: usize = MIN_HEX;
    if all_hex {
        return (from == 0 && digits.len() >= MIN_HEX).then_some(0..digits.len());
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
fn looks_encoded(digits: &[u8]) -> bool {
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
fn may_hold(digits: &[u8], may_be_deflated: bool) -> bool {
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
    fn count(&self, is: impl Fn(u8) -> bool) -> usize {
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

/// The bytes that up to four digits stand for, and how many they are.
fn base64_group(group: &[u8]) -> ([u8; 3], usize) {
    let bits = (0..4).fold(0_u32, |bits, index| {
        let digit = group.get(index).copied().unwrap_or(b'A');
        bits << 6 | u32::from(digits::value(digit))
    });
    let [_, bytes @ ..] = bits.to_be_bytes();
    (bytes, group.len() * 6 / 8)
}

fn base64(digits: &[u8]) -> Vec<u8> {
    let mut out = vec![0; digits.len() * 6 / 8];
    let (groups, rest) = digits.as_chunks::<4>();
    let (bytes, last) = out.as_chunks_mut::<3>();
    for (group, bytes) in groups.iter().zip(bytes) {
        (*bytes, _) = base64_group(group);
    }
    let (bytes, count) = base64_group(rest);
    last.copy_from_slice(&bytes[..count]);
    out
}

/// Whether the first of them, enough for a key, may be digits of base32, of one alphabet or the other, and
/// stand for text.
fn is_base32(digits: &[u8]) -> bool {
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

/// What a digit of base32 stands for: in the usual alphabet, or in the one that goes on from hex. Not being
/// `usual` is no reason to be none.
fn base32_value(digit: u8, usual: bool) -> Option<u8> {
    match digit {
        b'A'..=b'Z' if usual => Some(digit - b'A'),
        b'2'..=b'7' if usual => Some(digit - b'2' + 26),
        b'0'..=b'9' => Some(digit - b'0'),
        b'A'..=b'Z' => Some(digit - b'A' + 10),
        _ => None,
    }
}

fn base32_length(digits: &[u8]) -> usize {
    let all = digits.iter();
    all.take_while(|b| base32_value(**b, false).is_some())
        .count()
}

fn base32(digits: &[u8]) -> Vec<u8> {
    let digits = &digits[..base32_length(digits)];
    let is_usual = |b: &u8| b.is_ascii_uppercase() || (b'2'..=b'7').contains(b);
    let usual = digits.iter().all(is_usual);
    let mut out = Vec::with_capacity(digits.len() * 5 / 8);
    let (mut bits, mut count) = (0_u32, 0);
    for digit in digits {
        let Some(value) = base32_value(*digit, usual) else {
            break;
        };
        bits = bits << 5 | u32::from(value & 31);
        count += 5;
        if count >= 8 {
            count -= 8;
            let [.., byte] = (bits >> count).to_be_bytes();
            out.push(byte);
        }
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
    use memchr::memmem;

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
    fn lines_of_a_patch_and_of_a_comment_are_joined() {
        let run = BASE64.encode(&TEXT.repeat(3));
        for mark in ["+", "-", "// "] {
            for width in [64, 76] {
                let lines = run.as_bytes().chunks(width);
                let lines: Vec<String> = lines
                    .map(|line| format!("{mark}{}\n", std::str::from_utf8(line).unwrap()))
                    .collect();
                let all = decoded(&format!("@@ -1 +1 @@\n{}", lines.concat()));
                assert!(!all.is_empty(), "{mark}");
                assert_eq!(all[0].0, TEXT.repeat(3));
                let at = memmem::find(TEXT, b"T3BlbkFJ").unwrap() * 4 / 3;
                let marks = (1 + at / width) * mark.len() + at / width;
                assert_eq!(all[0].1.start, 12 + at + marks, "{mark} {width}");
            }
        }
    }

    #[test]
    fn lines_that_other_formats_fold_are_joined() {
        let run = BASE64.encode(&TEXT.repeat(3));
        let lines = |width, end: &str| {
            let lines = run.as_bytes().chunks(width);
            let lines: Vec<_> = lines
                .map(|line| std::str::from_utf8(line).unwrap())
                .collect();
            lines.join(end)
        };
        for end in [
            "&#13;\n",
            "&#xD;\n",
            "&#10;",
            "&#xD;&#xA;",
            "\n; ",
            "\n-- ",
            "\n% ",
            "\n    |",
            "^\n",
        ] {
            for width in [60, 64, 76] {
                let all = decoded(&format!("({})", lines(width, end)));
                assert_eq!(
                    all.first().map(|(bytes, _)| bytes.clone()),
                    Some(TEXT.repeat(3)),
                    "{end:?}"
                );
            }
        }
        // The first line of LDIF has a name in it.
        for end in ["\n ", "\r\n "] {
            let (first, rest) = run.split_at(71);
            let rest: Vec<_> = rest
                .as_bytes()
                .chunks(77)
                .map(|line| std::str::from_utf8(line).unwrap())
                .collect();
            let all = decoded(&format!(
                "dn: x{}config: {first}{end}{}\ncn: x",
                end.trim_end(),
                rest.join(end)
            ));
            assert_eq!(
                all.first().map(|(bytes, _)| bytes.clone()),
                Some(TEXT.repeat(3)),
                "{end:?}"
            );
        }
    }

    #[test]
    fn literals_of_any_lengths_are_joined_and_lead_back() {
        // One of the pieces has to be long enough to be seen.
        let text = [TEXT, TEXT].concat();
        let run = BASE64.encode(&text);
        let at = memmem::find(TEXT, b"T3BlbkFJ").unwrap() * 4 / 3;
        for joint in [
            "' + '",
            "\"+\"",
            "\" \"",
            "' . '",
            "\" ..\n    \"",
            "\" & _\r\n\"",
            "\\\" + \\\"",
            "'\n  b'",
            "\") + (\"",
            "'}${'",
        ] {
            for cuts in [vec![30], vec![41], vec![5, 60], vec![40, 71, 75], vec![61]] {
                let mut literal = format!("x = \"{run}\"");
                for cut in cuts.iter().rev() {
                    literal.insert_str(5 + cut, joint);
                }
                let all = decoded(&literal);
                assert_eq!(all.len(), 1, "{literal}");
                assert_eq!(all[0].0, [TEXT, TEXT].concat());
                let before = cuts.iter().filter(|cut| **cut <= at).count() * joint.len();
                assert_eq!(all[0].1.start, 5 + at + before, "{literal}");
            }
        }
        let apart = format!(
            "\"{}\", \"{}\"",
            run.get(..90).unwrap(),
            run.get(90..).unwrap()
        );
        assert!(decoded(&apart).iter().all(|(bytes, _)| *bytes != text));
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
    fn hex_in_the_middle_of_other_digits_is_found_wherever_it_stands() {
        let run = HEXUPPER.encode(TEXT);
        for before in 0..2 * MIN_HEX {
            for after in [1, LONG] {
                let text = format!("{}{run}{}", "x0y".repeat(before), "z1".repeat(after));
                let all = decoded(&text);
                assert_eq!(all.len(), 1, "{before} {after}");
            }
        }
    }

    #[test]
    fn rulers_paths_and_words_are_left_alone() {
        for text in ["-".repeat(200), "a/b/".repeat(50), "word".repeat(50)] {
            runs(text.as_bytes(), |_| panic!("decoded {text}"));
        }
    }

    #[test]
    fn base32_ends_where_the_next_line_is_a_word() {
        let bytes = b"a=12;".repeat(12);
        let digits = data_encoding::BASE32.encode(&bytes);
        for text in [
            digits.clone(),
            format!("{digits}\nthe next"),
            format!("x\n{digits}\nend"),
        ] {
            let mut found = Vec::new();
            runs(text.as_bytes(), |decoded| {
                found.push((decoded.layer, decoded.bytes.clone()));
                false
            });
            assert!(found.contains(&(Layer::Base32, bytes.clone())), "{text}");
        }
    }
}
