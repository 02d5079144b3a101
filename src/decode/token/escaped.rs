//! Digits of base64 with escapes among them: of strings, addresses, pages and mail.

use std::ops::Range;

use crate::decode::Layer;
use crate::decode::digits;
use crate::decode::digits::is_digit;
use crate::decode::token::MIN_LINE;
use crate::decode::token::Piece;

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
pub(super) const LONGEST_ESCAPE: usize = {
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
pub(super) const SOFT_LINE: usize = 75;

/// The pieces of a run with escapes in it; `None` if it has none.
pub(super) fn with_escapes(text: &[u8], run: Range<usize>) -> Option<(Vec<Piece>, Layer)> {
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
