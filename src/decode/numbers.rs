//! Lists of numbers, one for each byte: arrays of bytes in source text and JSON, values of the Windows
//! registry, bytes that a debugger shows.

use std::ops::Range;

use crate::decode::Layer;
use crate::decode::View;

/// Bytes from the first number of a marker on among which all of it has to stand.
pub const SIGHT: usize = 192;
/// Bytes between two numbers at the most, with line ends and blanks.
const MAX_GAP: usize = 40;
/// Digits of a number at the most: CSS and SQL fill up to six.
const MAX_DIGITS: usize = 6;
/// Numbers before a marker: a key has fewer.
const BEFORE: usize = 256;
/// Numbers behind it. More markers may be among them.
pub const BEHIND: usize = 16 * 1024;

/// How a list is written.
#[derive(Debug, Clone)]
struct Form<'a> {
    radix: u32,
    /// What stands between two numbers, without blanks; nothing if only blanks do.
    separator: Blankless<'a>,
}

/// Bytes of which the blanks, and the backslash that lets a line go on, do not count.
#[derive(Debug, Clone)]
struct Blankless<'a>(&'a [u8]);

impl Blankless<'_> {
    fn bytes(&self) -> impl DoubleEndedIterator<Item = u8> {
        let bytes = self.0.iter().enumerate();
        bytes
            .filter(|(at, _)| !is_blank(self.0, *at))
            .map(|(_, byte)| *byte)
    }
}

/// Whether a byte is white, a backslash at the end of its line, or of the name of an element.
fn is_blank(text: &[u8], at: usize) -> bool {
    match text[at] {
        b'\\' => matches!(text.get(at + 1), Some(b'\n' | b'\r')),
        b'"' | b':' | b'0'..=b'9' => is_name(text, at),
        byte => byte.is_ascii_whitespace(),
    }
}

/// Whether a byte is of the number of an element, as JSON names those of typed arrays: `"12":84`.
fn is_name(text: &[u8], at: usize) -> bool {
    let from = at.saturating_sub(MAX_DIGITS + 2);
    let quote = text[from..=at].iter().rposition(|b| *b == b'"');
    let holds = |start: usize| {
        let digits = Form::digits_at(text, start + 1, 10);
        let end = start + 1 + digits;
        text[start] == b'"' && digits > 0 && text[end..].starts_with(b"\":") && at < end + 2
    };
    quote.is_some_and(|quote| {
        let before = text[from..from + quote].iter().rposition(|b| *b == b'"');
        holds(from + quote) || before.is_some_and(|before| holds(from + before))
    })
}

/// The list of numbers around `at` that spells `marker` there, if one does, with the layer it is.
pub fn list_around(text: &[u8], at: usize, marker: &[u8]) -> Option<(View, Layer)> {
    let form = form(text, at, marker)?;
    let mut numbers = Vec::new();
    let mut first = form.number(text, at)?;
    for _ in 0..BEFORE {
        let Some(before) = form.before(text, first.start) else {
            break;
        };
        numbers.push(before.clone());
        first = before;
    }
    numbers.reverse();
    let mut last = form.number(text, at)?;
    numbers.push(last.clone());
    for _ in 0..BEHIND {
        let Some(after) = form.after(text, last.end) else {
            break;
        };
        numbers.push(after.clone());
        last = after;
    }
    let mut view = View::default();
    for number in numbers {
        view.push(form.value(&text[number.clone()])?, number, 0);
    }
    let layer = if form.radix == 16 {
        Layer::Hex
    } else {
        Layer::Decimal
    };
    Some((view, layer))
}

/// Whether the number at the start of `text` and those after it spell `marker`. Looks at [`SIGHT`]
/// bytes.
pub fn spells(text: &[u8], marker: &[u8]) -> bool {
    form(&text[..text.len().min(SIGHT)], 0, marker).is_some()
}

/// How the list is written that spells `marker` from the number at `at` on.
fn form<'a>(text: &'a [u8], at: usize, marker: &[u8]) -> Option<Form<'a>> {
    let [first, second, ..] = *marker else {
        return None;
    };
    let digits = Form::digits_at(text, at, 16);
    let radix = [16, 10]
        .into_iter()
        .find(|radix| value(&text[at..at + digits], *radix) == Some(first))?;
    let end = at + digits;
    // The second number tells what stands between them.
    let rest = &text[end..text.len().min(end + MAX_GAP)];
    let is_digit = |byte: &u8| char::from(*byte).is_digit(radix);
    let start = (1..rest.len()).find(|start| {
        let length = Form::digits_at(rest, *start, radix);
        !is_digit(&rest[start - 1])
            && length > 0
            && value(&rest[*start..start + length], radix) == Some(second)
    })?;
    let form = Form {
        radix,
        separator: Blankless(&rest[..start]),
    };
    let mut last = at..end;
    for wanted in &marker[1..] {
        last = form.after(text, last.end)?;
        if form.value(&text[last.clone()]) != Some(*wanted) {
            return None;
        }
    }
    Some(form)
}

fn value(digits: &[u8], radix: u32) -> Option<u8> {
    let digit = |byte: &u8| char::from(*byte).to_digit(radix);
    let add = |value: u32, byte| Some(value * radix + digit(byte)?);
    let all = digits.iter().try_fold(0, add)?;
    u8::try_from(all).ok().filter(|_| !digits.is_empty())
}

impl Form<'_> {
    fn value(&self, digits: &[u8]) -> Option<u8> {
        value(digits, self.radix)
    }

    /// How many digits there are from `at` on.
    fn digits_at(text: &[u8], at: usize, radix: u32) -> usize {
        let rest = text.get(at..).unwrap_or_default();
        let digits = rest.iter().take(MAX_DIGITS);
        digits
            .take_while(|byte| char::from(**byte).is_digit(radix))
            .count()
    }

    /// The number of which a digit stands at `at`.
    fn number(&self, text: &[u8], at: usize) -> Option<Range<usize>> {
        let end = at + Self::digits_at(text, at, self.radix);
        self.ending_at(text, end)
    }

    fn ending_at(&self, text: &[u8], end: usize) -> Option<Range<usize>> {
        let from = end.saturating_sub(MAX_DIGITS);
        let digits = text[from..end].iter().rev();
        let is_digit = |byte: &&u8| char::from(**byte).is_digit(self.radix);
        let start = end - digits.take_while(is_digit).count();
        self.value(&text[start..end]).map(|_| start..end)
    }

    /// The number after the one that ends at `end`.
    fn after(&self, text: &[u8], end: usize) -> Option<Range<usize>> {
        let mut wanted = self.separator.bytes();
        let mut at = end;
        // All of the separator, and the blanks around and in it.
        loop {
            while at < text.len() && is_blank(text, at) {
                at += 1;
            }
            match wanted.next() {
                Some(byte) if text.get(at) == Some(&byte) => at += 1,
                Some(_) => return None,
                None => break,
            }
        }
        let number = at..at + Self::digits_at(text, at, self.radix);
        (at > end && at - end <= MAX_GAP && self.value(text.get(number.clone())?).is_some())
            .then_some(number)
    }

    /// The number before the one that begins at `start`.
    fn before(&self, text: &[u8], start: usize) -> Option<Range<usize>> {
        let mut wanted = self.separator.bytes().rev();
        let mut at = start;
        loop {
            while at > 0 && is_blank(text, at - 1) {
                at -= 1;
            }
            match wanted.next() {
                Some(byte) if at > 0 && text[at - 1] == byte => at -= 1,
                Some(_) => return None,
                None => break,
            }
        }
        if at == start || start - at > MAX_GAP {
            return None;
        }
        self.ending_at(text, at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Option<(String, Layer, Range<usize>)> {
        let at = ["54", "84"].iter().find_map(|number| text.find(number))?;
        let (view, layer) = list_around(text.as_bytes(), at, b"T3Bl")?;
        let bytes = view.bytes().escape_ascii().to_string();
        let all = view.source(&(0..view.bytes().len()));
        Some((bytes, layer, all))
    }

    #[test]
    fn lists_of_many_languages_are_read() {
        for text in [
            "0x61, 0x54, 0x33, 0x42, 0x6c, 0x62",
            "0x61,0x54,0x33,0x42,\n    0x6C,0x62",
            "61 54 33 42 6c 62",
            "61:54:33:42:\n        6c:62",
            "61,00,54,00,33,00,42,\\\r\n  00,6c,00,62",
            "61h, 54h, 33h, 42h, 6ch, 62h",
            "\\61 \\54 \\33 \\42 \\6c \\62",
            "0x61 0x54 0x33 0x42 0x6c 0x62",
            "61;54;33;42;6c;62",
        ] {
            let (bytes, layer, all) = list(&format!("{{ {text} }}")).unwrap();
            assert_eq!((bytes.as_str(), layer), ("aT3Blb", Layer::Hex), "{text}");
            let first = text.find("61").unwrap() + 2;
            assert_eq!(all, first..text.rfind("62").unwrap() + 4, "{text}");
        }
        let (bytes, ..) = list("U+0061 U+0054 U+0033 U+0042 U+006C U+0062").unwrap();
        assert_eq!(bytes, "aT3Blb");
        for text in [
            "97,84,51,66,108,98",
            "97, 84, 51, 66, 108,\n  98",
            "97\n,84\n,51\n,66\n,108\n,98",
            "97  84  51  66 108  98",
            "97,  84,  51,  66, 108,  98",
            "\"9\":97,\"10\":84,\"11\":51,\"12\":66,\"13\":108,\"14\":98",
            "\"98\": 97,\n  \"99\": 84,\n  \"100\": 51,\n  \"101\": 66,\n  \"102\": 108,\n  \"103\": 98",
        ] {
            let (bytes, layer, _) = list(&format!("[{text}]")).unwrap();
            assert_eq!(
                (bytes.as_str(), layer),
                ("aT3Blb", Layer::Decimal),
                "{text}"
            );
        }
    }

    #[test]
    fn other_numbers_are_no_lists() {
        for text in [
            "84, 51, 66, 109",
            "54,33,42",
            "54 33 42 6d",
            "84, 51; 66, 108",
            "84,",
            "84",
        ] {
            assert!(list(text).is_none(), "{text}");
        }
        // What is no byte ends it.
        let (bytes, ..) = list("1, 300, 97, 84, 51, 66, 108, x").unwrap();
        assert_eq!(bytes, "aT3Bl");
    }
}
