//! The ways in which a run of digits may be meant, tried one after the other.

use std::ops::Range;
use std::rc::Rc;

use crate::decode::Layer;
use crate::decode::token::Decoded;
use crate::decode::token::MIN_HEX;
use crate::decode::token::MIN_RUN;
use crate::decode::token::Piece;
use crate::decode::token::bases::base32;
use crate::decode::token::bases::base64;
use crate::decode::token::bases::hex;
use crate::decode::token::lines::without_marks;
use crate::decode::token::sniff::hex_may_hold;
use crate::decode::token::sniff::is_base32;
use crate::decode::token::sniff::marked;
use crate::decode::token::sniff::may_hold;

/// Decodes one run in each way that may be meant, until one was it.
pub(super) fn run(
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
