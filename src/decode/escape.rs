//! Escapes of programming languages, JSON, URLs, HTML and mail, all in one pass: where one of them
//! stands, the others may too.

use crate::decode::Layer;
use crate::decode::View;

/// Takes one layer of escapes off; `None` where there are none.
pub fn unescape(view: &View) -> Option<View> {
    let text = view.bytes();
    let mut out = View::with_capacity(text.len());
    let mut changed = false;
    // What was left out shows on the byte after it.
    let mut left_out = 0;
    let mut at = 0;
    while at < text.len() {
        let Some(escape) = escape(&text[at..]) else {
            let end = next_escape(text, at + 1);
            out.keep(view, at..end, std::mem::take(&mut left_out));
            at = end;
            continue;
        };
        changed = true;
        let span = at..at + escape.length;
        let layer = escape.layer.bit() | std::mem::take(&mut left_out);
        at = span.end;
        match escape.value {
            Value::Nothing => {
                out.seams.push(out.bytes.len());
                left_out = layer;
            }
            Value::Byte(byte) => out.push_from(byte, view, span, layer),
            Value::Char(c) => {
                for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                    out.push_from(byte, view, span.clone(), layer);
                }
            }
        }
    }
    changed.then_some(out)
}

/// What backslashes with digits may mean, beside what they do in most languages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// `\045` in Lua, `\45\&` in Haskell, `\u45?` in RTF, `\char45 ` in TeX.
    Decimal,
    /// `\2d ` in CSS, `\'2d` in RTF, `\x2d\&` in Haskell, `\x002d` in C#, `^^2d` in TeX.
    Hex,
    /// `\002d` and `\+00002d` in SQL.
    LongHex,
    /// `\0055` in the shell, `\o55\&` in Haskell, `\o{55}` in Perl.
    Octal,
}

impl Reading {
    const ALL: [Self; 4] = [Self::Decimal, Self::Hex, Self::LongHex, Self::Octal];

    /// The escape at the start of `text`: its length and what it stands for.
    fn escape(self, text: &[u8]) -> Option<(usize, u8)> {
        let (before, rest) = match text {
            [b'^', b'^', rest @ ..] if self == Self::Hex => (2, rest),
            [b'\\', rest @ ..] => (1, rest),
            _ => return None,
        };
        // What begins it, and how many digits follow.
        let (mark, digits, radix) = match (self, rest) {
            (Self::Decimal, [b'u', ..]) => (1, 1..=5, 10),
            (Self::Decimal, [b'c', b'h', b'a', b'r', ..]) => (4, 1..=3, 10),
            (Self::Decimal, _) => (0, 1..=3, 10),
            (Self::Hex, _) if before == 2 => (0, 2..=2, 16),
            (Self::Hex, [b'\'', ..]) => (1, 2..=2, 16),
            (Self::Hex, [b'x', ..]) => (1, 1..=4, 16),
            (Self::Hex, _) => (0, 1..=6, 16),
            (Self::LongHex, [b'+', ..]) => (1, 6..=6, 16),
            (Self::LongHex, _) => (0, 4..=4, 16),
            (Self::Octal, [b'o', b'{', ..]) => (2, 1..=3, 8),
            (Self::Octal, [b'o' | b'0', ..]) => (1, 1..=3, 8),
            (Self::Octal, _) => return None,
        };
        let rest = &rest[mark..];
        let is_digit = |b: &&u8| char::from(**b).is_digit(radix);
        let length = rest.iter().take(*digits.end()).take_while(is_digit).count();
        if !digits.contains(&length) {
            return None;
        }
        let value = char_of(&rest[..length], radix).and_then(|c| u8::try_from(c).ok())?; // others are in no key
        let end = match rest[length..] {
            [b'\\', b'&', ..] => 2,
            [b' ', ..] if mark == 4 || self == Self::Hex && mark == 0 => 1,
            [b'?', ..] if self == Self::Decimal && mark == 1 => 1,
            [b'}', ..] if mark == 2 => 1,
            _ => 0,
        };
        Some((before + mark + length + end, value))
    }
}

/// The readings in which some escape of `view` stands for the hyphen that every key has.
pub fn readings(view: &View) -> Vec<Reading> {
    let text = view.bytes();
    let mut found = Vec::new();
    for at in memchr::memchr2_iter(b'\\', b'^', text) {
        // Most stand before a letter that is none.
        if !matches!(
            text.get(at + 1),
            Some(
                b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F' | b'x' | b'u' | b'o' | b'\'' | b'+' | b'^',
            )
        ) {
            continue;
        }
        for reading in Reading::ALL {
            let escape = reading.escape(&text[at..]);
            let is_meant = escape.is_some_and(|(_, value)| value == b'-');
            if is_meant && !found.contains(&reading) {
                found.push(reading);
            }
        }
    }
    found
}

/// Takes the escapes off that there are in one reading; `None` where there are none.
pub fn reread(view: &View, reading: Reading) -> Option<View> {
    let text = view.bytes();
    let mut out = View::with_capacity(text.len());
    let mut changed = false;
    let mut at = 0;
    while at < text.len() {
        if let Some((length, value)) = reading.escape(&text[at..]) {
            out.push_from(value, view, at..at + length, Layer::Escape.bit());
            changed = true;
            at += length;
        } else {
            out.keep(view, at..at + 1, 0);
            at += 1;
        }
    }
    changed.then_some(out)
}

/// What [`blank`] makes of an escape: a control character that no text has.
pub const ESCAPED: u8 = 0x18;

/// A view with every escape that may stand for a part of a word made [`ESCAPED`], so that what
/// is around it is not joined over it: the unescaped view has it right.
pub fn blank(view: &View) -> View {
    let text = view.bytes();
    let mut out = View::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let (length, blanked) = match escape(&text[at..]) {
            None => (next_escape(text, at + 1) - at, false),
            Some(escape) => match escape.value {
                Value::Nothing => (escape.length, false),
                Value::Byte(b'\n' | b'\r' | b'\t' | b' ') => (escape.length, true),
                Value::Byte(_) | Value::Char(_) if escape.length > 2 => (escape.length, true),
                // The backslash may be that of another one.
                Value::Byte(_) | Value::Char(_) => (1, false),
            },
        };
        if blanked {
            out.push_from(ESCAPED, view, at..at + length, 0);
        } else {
            out.keep(view, at..at + length, 0);
        }
        at += length;
    }
    out
}

/// Where the first byte from `at` on stands that an escape may begin with.
fn next_escape(text: &[u8], at: usize) -> usize {
    let before = text[at..].iter().position(|byte| begins_escape(*byte));
    before.map_or(text.len(), |before| at + before)
}

/// Whether an escape may begin with a byte.
fn begins_escape(byte: u8) -> bool {
    matches!(byte, b'\\' | b'%' | b'&' | b'=' | b'`' | b'?')
}

/// Bytes that [`begins_escaped_word`] looks at, at the most.
pub const WORD_SIGHT: usize = 112;

/// Whether a word of so many characters begins at the start of `text`, of which two or more are
/// escaped, once or several times over.
///
/// Looks at [`WORD_SIGHT`] bytes: a word that takes more may be shorter.
pub fn begins_escaped_word(text: &[u8], length: usize) -> bool {
    let text = &text[..text.len().min(WORD_SIGHT)];
    let mut escaped = 0;
    let mut at = 0;
    for _ in 0..length {
        let rest = &text[at..];
        match rest.first() {
            Some(byte) if is_word(*byte) => {
                at += 1;
                continue;
            }
            Some(b'\\' | b'%' | b'&' | b'=') | None => {}
            // Most words end here.
            _ => return false,
        }
        let Some((taken, value)) = deep_escape(rest) else {
            // Perhaps it is one that is cut off here.
            return escaped > 1 && text.len() == WORD_SIGHT && rest.len() < LONGEST;
        };
        let value = match value {
            Value::Byte(byte) => byte,
            // What is beyond ASCII is no part of a word.
            Value::Char(c) => u8::try_from(c).unwrap_or(0),
            Value::Nothing => 0,
        };
        if !is_word(value) {
            return false;
        }
        escaped += 1;
        at += taken;
    }
    escaped > 1
}

/// Bytes of an escape at the most, with what escapes it.
const LONGEST: usize = 16;

/// Bytes between two encoded words at the most.
const MAX_BETWEEN: usize = 40;

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

/// The escape at the start of `text`, which may be escaped itself: `\\\\u0041`, `%2541`, `&amp;#65;`.
fn deep_escape(text: &[u8]) -> Option<(usize, Value)> {
    let first = text.first()?;
    let repeated = |again: &[u8]| {
        let all = text[1..].chunks_exact(again.len());
        all.take_while(|piece| *piece == again).count() * again.len()
    };
    match first {
        b'\\' => {
            let outer = repeated(b"\\");
            let inner = escape(&text[outer..])?;
            Some((outer + inner.length, inner.value))
        }
        b'%' => {
            let outer = repeated(b"25");
            let [a, b] = text[1 + outer..].first_chunk()?;
            Some((outer + 3, Value::Byte(hex_byte(*a, *b)?)))
        }
        b'&' => {
            let outer = repeated(b"amp;");
            let (length, value) = reference(&text[1 + outer..])?;
            Some((outer + 1 + length, value))
        }
        _ => escape(text).map(|escape| (escape.length, escape.value)),
    }
}

struct Escape {
    length: usize,
    value: Value,
    layer: Layer,
}

enum Value {
    Byte(u8),
    Char(char),
    /// A line that goes on.
    Nothing,
}

/// The escape at the start of `text`.
fn escape(text: &[u8]) -> Option<Escape> {
    text.first().filter(|byte| begins_escape(**byte))?;
    let (length, value, layer) = match text {
        [b'\\', rest @ ..] => {
            let (length, value) = backslash(rest)?;
            let layer = match value {
                Value::Nothing => Layer::Concat,
                Value::Byte(_) | Value::Char(_) => Layer::Escape,
            };
            (length + 1, value, layer)
        }
        // As JavaScript's `escape` writes it.
        [b'%', b'u', digits @ ..] => {
            let c = char_of(digits.get(..4)?, 16)?;
            (6, Value::Char(c), Layer::Percent)
        }
        [b'%', a, b, ..] => (3, Value::Byte(hex_byte(*a, *b)?), Layer::Percent),
        // PowerShell's.
        [b'`', b'u', b'{', ..] => {
            let (length, value) = backslash(&text[1..])?;
            (length + 1, value, Layer::Escape)
        }
        [b'=', b'\r', b'\n', ..] => (3, Value::Nothing, Layer::QuotedPrintable),
        [b'=', b'\n', ..] => (2, Value::Nothing, Layer::QuotedPrintable),
        // What begins a value: `id=desk-…`.
        [b'=', b'a'..=b'f', b'a'..=b'f', b's', b'k', ..] => return None,
        [b'=', a, b, ..] => (3, Value::Byte(hex_byte(*a, *b)?), Layer::QuotedPrintable),
        [b'&', rest @ ..] => {
            let (length, value) = reference(rest)?;
            (length + 1, value, Layer::Html)
        }
        [b'?', b'=', b'\r' | b'\n', ..] => {
            let length = between_words(text)?;
            (length, Value::Nothing, Layer::QuotedPrintable)
        }
        _ => return None,
    };
    Some(Escape {
        length,
        value,
        layer,
    })
}

/// The length of what stands between two encoded words of a mail's header: `?=`, a line end, `=?utf-8?q?`.
fn between_words(text: &[u8]) -> Option<usize> {
    let text = &text[..text.len().min(MAX_BETWEEN)];
    let blanks = text[2..].iter().take_while(|b| b.is_ascii_whitespace());
    let charset = text[2 + blanks.count()..].strip_prefix(b"=?")?;
    let end = charset.iter().position(|b| *b == b'?')?;
    let is_quoted = matches!(charset[end..], [b'?', b'q' | b'Q', b'?', ..]);
    is_quoted.then(|| text.len() - charset.len() + end + 3)
}

/// Characters of a key that have a name in Python and Perl.
const NAMES: [(&[u8], u8); 8] = [
    (b"HYPHEN-MINUS}", b'-'),
    (b"hyphen-minus}", b'-'),
    (b"U+002D}", b'-'),
    (b"LOW LINE}", b'_'),
    (b"low line}", b'_'),
    (b"U+005F}", b'_'),
    (b"U+2D}", b'-'),
    (b"U+5F}", b'_'),
];

fn backslash(rest: &[u8]) -> Option<(usize, Value)> {
    let control = |byte| Some((1, Value::Byte(byte)));
    if let Some(found) = hyphen_or_underscore(rest) {
        return Some(found);
    }
    match rest {
        [b'u' | b'x', b'{', digits @ ..] => {
            let length = digits.iter().take_while(|b| b.is_ascii_hexdigit()).count();
            if length > 8 || digits.get(length) != Some(&b'}') {
                return None;
            }
            Some((length + 3, Value::Char(char_of(&digits[..length], 16)?)))
        }
        [b'N', b'{', name @ ..] => {
            let (name, c) = NAMES.iter().find(|(known, _)| name.starts_with(known))?;
            Some((2 + name.len(), Value::Byte(*c)))
        }
        [b'u', ..] => {
            // Java takes any number of them.
            let us = rest.iter().take(8).take_while(|b| **b == b'u').count();
            let c = char_of(rest.get(us..us + 4)?, 16)?;
            Some((us + 4, Value::Char(c)))
        }
        // Four digits where eight are no character: Apple's lists of properties have no more.
        [b'U', digits @ ..] => [8, 4].into_iter().find_map(|length| {
            let c = char_of(digits.get(..length)?, 16)?;
            Some((1 + length, Value::Char(c)))
        }),
        [b'x' | b'X', a, b, ..] => Some((3, Value::Byte(hex_byte(*a, *b)?))),
        [b'0'..=b'7', ..] => {
            let length = rest
                .iter()
                .take(3)
                .take_while(|b| (b'0'..=b'7').contains(*b))
                .count();
            let value = rest[..length]
                .iter()
                .fold(0_u32, |value, digit| value * 8 + u32::from(digit - b'0'));
            Some((length, Value::Byte(u8::try_from(value).ok()?)))
        }
        [b'n', ..] => control(b'\n'),
        [b'r', ..] => control(b'\r'),
        [b't', ..] => control(b'\t'),
        [b'a' | b'b' | b'e' | b'f' | b'v', ..] => control(b' '),
        // Lua leaves out all blanks.
        [b'z', b'\n', ..] | [b'z', b'\r', b'\n', ..] => {
            let blanks = rest[1..].iter().take_while(|b| b.is_ascii_whitespace());
            Some((1 + blanks.count(), Value::Nothing))
        }
        [b'\r', b'\n', rest @ ..] => Some((2 + gap(rest), Value::Nothing)),
        [b'\n', rest @ ..] => Some((1 + gap(rest), Value::Nothing)),
        [c @ (b'"' | b'\'' | b'`' | b'/' | b'\\' | b'-' | b'_'), ..] => control(*c),
        _ => None,
    }
}

/// A hyphen or an underscore as CSS and RTF have them, which is no octal escape: `\\2d ` and `\\'5f`.
fn hyphen_or_underscore(rest: &[u8]) -> Option<(usize, Value)> {
    let before = match rest {
        [b'\'', ..] => 1,
        _ => rest.iter().take(4).take_while(|b| **b == b'0').count(),
    };
    let value = match rest[before..] {
        [b'2', b'd' | b'D', ..] => b'-',
        [b'5', b'f' | b'F', ..] => b'_',
        _ => return None,
    };
    let ends = before != 1 && rest.get(before + 2) == Some(&b' ');
    Some((before + 2 + usize::from(ends), Value::Byte(value)))
}

/// The indentation of a line that goes on at a backslash, with the backslash at which the string goes on
/// in Haskell and YAML. In properties, an escape may stand there.
fn gap(rest: &[u8]) -> usize {
    let is_blank = |b: &&u8| matches!(b, b' ' | b'\t');
    let blanks = rest.iter().take_while(is_blank).count();
    match rest[blanks..] {
        [b'\\', b'u', a, b, c, d, ..] if [a, b, c, d].iter().all(u8::is_ascii_hexdigit) => blanks,
        [b'\\', ..] if blanks > 0 => blanks + 1,
        _ => blanks,
    }
}

/// A character reference, after its `&`.
fn reference(rest: &[u8]) -> Option<(usize, Value)> {
    const NAMED: [(&[u8], char); 15] = [
        (b"quot;", '"'),
        (b"apos;", '\''),
        (b"amp;", '&'),
        (b"lt;", '<'),
        (b"gt;", '>'),
        (b"nbsp;", ' '),
        (b"lowbar;", '_'),
        (b"hyphen;", '-'),
        (b"dash;", '-'),
        (b"UnderBar;", '_'),
        (b"shy;", '\u{ad}'),
        (b"zwnj;", '\u{200c}'),
        (b"zwj;", '\u{200d}'),
        (b"ZeroWidthSpace;", '\u{200b}'),
        (b"NoBreak;", '\u{2060}'),
    ];
    if let Some((name, c)) = NAMED.iter().find(|(name, _)| rest.starts_with(name)) {
        return Some((name.len(), Value::Char(*c)));
    }
    let (prefix, radix) = match rest {
        [b'#', b'x' | b'X', ..] => (2, 16),
        [b'#', ..] => (1, 10),
        _ => return None,
    };
    let digits = &rest[prefix..rest.len().min(prefix + 9)];
    let length = digits
        .iter()
        .take_while(|b| char::from(**b).is_digit(radix))
        .count();
    let value = Value::Char(char_of(&digits[..length], radix)?);
    let semicolon = usize::from(digits.get(length) == Some(&b';'));
    Some((prefix + length + semicolon, value))
}

fn char_of(digits: &[u8], radix: u32) -> Option<char> {
    if digits.is_empty() {
        return None;
    }
    let mut value = 0_u32;
    for digit in digits {
        value = value
            .checked_mul(radix)?
            .checked_add(char::from(*digit).to_digit(radix)?)?;
    }
    char::from_u32(value)
}

fn hex_byte(a: u8, b: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(a)? * 16 + digit(b)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unescaped(text: &str) -> String {
        let view = unescape(&View::of(text.as_bytes())).unwrap();
        view.bytes().escape_ascii().to_string()
    }

    #[test]
    fn all_kinds_at_once() {
        assert_eq!(
            unescaped(r"\u0041\x42\103%44&#69;&#x46;=47\u{48}&lowbar;a\\b"),
            r"ABCDEFGH_a\\b"
        );
        assert_eq!(unescaped("a\\\nb=\r\nc"), "abc");
        assert_eq!(unescaped("a\\\n \t\\x41\\\n\\x42"), "ax41B");
        assert_eq!(unescaped("a\\\n  b\\\r\n\t\\u0041\\z\n \n c"), "abAc");
        assert_eq!(unescaped(r"a\2d b\00005Fc\'2dd\2"), "a-b_c-d\\x02");
        let names = r"%u0041`u{42}\uu0043\N{HYPHEN-MINUS}D\N{LOW LINE}";
        assert_eq!(unescaped(names), "ABC-D_");
        assert!(unescape(&View::of(b"100% \\q & =zz \\u12")).is_none());
    }

    #[test]
    fn words_with_escapes_are_told_from_others() {
        for text in [
            r"a\x62cd\u0065fgh",
            r"\\u0061bcdefg\\x68",
            "%2561bcdefg%68",
            "&amp;#97;bcdefg&#x68;",
            r"\U00000061\U00000062cdefgh",
        ] {
            assert!(begins_escaped_word(text.as_bytes(), 8), "{text}");
            assert!(!begins_escaped_word(text.as_bytes(), 9), "{text}");
        }
        for text in [
            "abcdefgh",
            r"ab\x63defgh",
            r"ab\x63d\x20fgh",
            "a%62c%20",
            "caf&#233;s&#97;&#98;",
            "\\",
            "%25",
            "&amp;",
            "",
        ] {
            assert!(!begins_escaped_word(text.as_bytes(), 8), "{text}");
        }
        // What is out of sight may go on.
        assert!(begins_escaped_word(r"\U00000061".repeat(20).as_bytes(), 20));
    }

    #[test]
    fn backslashes_may_mean_something_else() {
        for (reading, text) in [
            (Reading::Decimal, r"a\045b\45\&c\u45?d\char45 e"),
            (Reading::Hex, r"a\2d b\'2dc\x2d\&d^^2de"),
            (Reading::LongHex, r"a\002db\+00002dc\002Dd\002de"),
            (Reading::Octal, r"a\0055b\o55\&c\o{55}d\055e"),
        ] {
            let view = reread(&View::of(text.as_bytes()), reading).unwrap();
            assert_eq!(view.bytes(), b"a-b-c-d-e", "{text}");
            assert_eq!(view.source(&(8..9)), text.len() - 1..text.len());
            assert_eq!(view.layers(&(0..2)), [Layer::Escape]);
        }
        assert!(reread(&View::of(br"\q ^2d \d"), Reading::Decimal).is_none());
    }

    #[test]
    fn a_view_leads_back() {
        let text = br"x\u0041%42y";
        let view = unescape(&View::of(text)).unwrap();
        assert_eq!(view.bytes(), b"xABy");
        assert_eq!(view.source(&(1..3)), 1..10);
        assert_eq!(view.layers(&(1..3)), [Layer::Escape, Layer::Percent]);
        assert_eq!(view.layers(&(3..4)), []);
    }
}
