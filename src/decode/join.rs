//! Keys put together from pieces: whatever stands between two pieces that is no part of a word is
//! left out.

use std::borrow::Cow;

use memchr::memmem;

use crate::decode::Layer;
use crate::decode::View;
use crate::decode::escape::ESCAPED;

/// Bytes between two pieces at the most; more means that they do not belong together.
const MAX_GAP: usize = 80;

/// Bytes of a tag that may stand between two pieces, or of a comment.
const MAX_TAG: usize = 120;

/// Bytes of all tags between two pieces: a word processor begins a new run of text, with all of its form,
/// for each word that it does not know.
const MAX_TAGS: usize = 640;

/// The words of a text run together: `"sk-a" + "b"` becomes `sk-ab`, and so do adjacent literals,
/// continued lines, folded scalars and words with invisible characters inside.
///
/// It would join any prose too. What makes it safe is that only keys of exact form are looked for
/// in it.
pub fn join(view: &View) -> View {
    let text = view.bytes();
    let mut out = View::with_capacity(text.len());
    let mut at = 0;
    let mut seam = false;
    while at < text.len() {
        // No gap begins with a part of a word, unless one stood before it.
        let words = text[at..].iter().take_while(|b| is_word(**b)).count();
        if words > 0 {
            let layers = if seam { Layer::Concat.bit() } else { 0 };
            out.keep(view, at..at + words, layers);
            seam = false;
            at += words;
        } else if let Some(length) = hyphen(&text[at..]) {
            out.push_from(b'-', view, at..at + length, Layer::Concat.bit());
            seam = false;
            at += length;
        } else {
            let gap = gap(&text[at..]);
            if !is_joint(&text[at..at + gap]) {
                out.push_from(b'\n', view, at..at + 1, 0);
            } else if !out.bytes.is_empty() {
                out.seams.push(out.bytes.len());
                seam = true;
            }
            at += gap;
        }
    }
    out
}

/// The length of a hyphen or dash that a word processor or a browser has made of a key's: one at which no
/// line may end, for the most part.
fn hyphen(text: &[u8]) -> Option<usize> {
    matches!(
        text,
        [0xe2, 0x80, 0x90..=0x95, after, ..] | [0xe2, 0x88, 0x92, after, ..] if is_word(*after) || *after == 0xe2
    )
    .then_some(3)
}

/// The contents of the literals of a text run together, whatever code stands between two of them:
/// `a = "sk-a"; b = "b"` becomes `sk-ab`. A literal ends on its line.
pub fn literals(view: &View) -> View {
    literals_with(view, None)
}

/// The same with hyphens between them, where one is a literal of its own: `"-".join(["sk", "a"])` becomes
/// `sk-a`. `None` where there is none.
pub fn hyphenated(view: &View) -> Option<View> {
    let has = |mark: &[u8]| memmem::find(view.bytes(), mark).is_some();
    (has(b"\"-\"") || has(b"'-'")).then(|| literals_with(view, Some(b'-')))
}

fn literals_with(view: &View, between: Option<u8>) -> View {
    let text = view.bytes();
    let mut out = View::with_capacity(text.len());
    let mut at = 0;
    // Where the last one ended.
    let mut end = None;
    // Up to where a quote has no other, for each kind of it.
    let mut alone = [(b'"', 0), (b'\'', 0), (b'`', 0)];
    while let Some(before) = text[at..].iter().position(|b| is_quote(*b)) {
        let start = at + before + 1;
        let quote = text[start - 1];
        at = start;
        let Some((_, alone)) = alone.iter_mut().find(|(kind, _)| *kind == quote) else {
            continue;
        };
        if start <= *alone {
            continue;
        }
        let (length, is_closed) = literal(&text[start..], quote);
        if !is_closed {
            *alone = start + length;
            continue;
        }
        if between.is_some_and(|between| text[start..start + length] == [between]) {
            at = start + length + 1;
            continue;
        }
        match end {
            Some(end) if start - end <= MAX_GAP => {
                out.seams.push(out.bytes.len());
                if let Some(between) = between {
                    out.push_from(between, view, end..start, Layer::Concat.bit());
                    out.seams.push(out.bytes.len());
                }
            }
            Some(end) => out.push_from(b'\n', view, end..start, 0),
            None => {}
        }
        let layers = end.map_or(0, |_| Layer::Concat.bit());
        out.keep(view, start..start + length, layers);
        at = start + length + 1;
        end = Some(at - 1);
    }
    out
}

/// The length of what is up to `quote`, or to the end of the line; and whether it is up to `quote`.
fn literal(text: &[u8], quote: u8) -> (usize, bool) {
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match byte {
            b'\n' => break,
            b'\\' => at += 2,
            byte if *byte == quote => return (at, true),
            _ => at += 1,
        }
    }
    (at.min(text.len()), false)
}

/// The length of what separates two pieces, at the start of `text`.
fn gap(text: &[u8]) -> usize {
    let mut length = 0;
    loop {
        let rest = &text[length..];
        let alone = length > 0 && text[length - 1].is_ascii_whitespace();
        let skipped = skip(rest, alone).max(comment(&text[..length], rest));
        if skipped > 0 {
            length += skipped;
        } else if length > 0
            && let Some(prefix) = literal_prefix(rest, text[length - 1])
        {
            length += prefix;
        } else {
            return length;
        }
    }
}

/// What may stand before an opening quote (`f"`, `rb'`, `u8"`), or as a continued line's `_`.
fn literal_prefix(rest: &[u8], before: u8) -> Option<usize> {
    if is_quote(before) {
        return None;
    }
    // Most words are longer.
    let letters = rest.iter().take(3).take_while(|b| is_word(**b)).count();
    let opens = rest.get(letters).is_some_and(|b| is_quote(*b));
    let known = || rest[..letters].iter().all(|b| b"fFrRbBuULnN8".contains(b));
    let continued = || rest.starts_with(b"_\n") || rest.starts_with(b"_\r\n");
    (letters <= 2 && (opens && known() || continued())).then_some(letters)
}

/// The length of one thing that is no part of a piece; `alone` after a blank.
fn skip(rest: &[u8], alone: bool) -> usize {
    if let Some(tag) = tag(rest) {
        return tag;
    }
    match rest {
        // A terminal's colour sequence.
        [0x1b, b'[', tail @ ..] => {
            let is_digit = |b: &&u8| b.is_ascii_digit() || **b == b';';
            let digits = tail.iter().take(20).take_while(is_digit).count();
            2 + digits + usize::from(tail.get(digits).is_some_and(u8::is_ascii_alphabetic))
        }
        _ if rest.starts_with(b".concat(") || rest.starts_with(b".append(") => 8,
        // The mark of a list, a comment or a removed line.
        [b'-', b'-', b' ', ..] if alone => 2,
        [b'-', b' ' | b'\t' | b'"' | b'\'' | b'-', ..] if alone => 1,
        _ if alone && rest.starts_with(b"REM ") => 4,
        [byte, ..] => usize::from(!is_word(*byte)),
        [] => 0,
    }
}

/// The length of a comment behind a piece, after what stands between them.
fn comment(before: &[u8], rest: &[u8]) -> usize {
    let ends_at = |end: &[u8]| {
        let rest = &rest[..rest.len().min(MAX_TAG)];
        memmem::find(rest, end).map_or(0, |at| at + end.len())
    };
    // A line that begins with it is not one behind a piece.
    let is_behind = || {
        before.len() <= MAX_GAP && before.iter().any(|b| is_quote(*b)) && !before.contains(&b'\n')
    };
    match rest {
        [b'/', b'*', ..] if is_behind() => ends_at(b"*/"),
        [b'/', b'/', ..] | [b'#', b' ', ..] | [b'-', b'-', b' ', ..]
            if before.ends_with(b" ") && is_behind() =>
        {
            ends_at(b"\n")
        }
        _ => 0,
    }
}

/// Whether what stands between two words can hold a literal together: a quote, Lua's `]]`, a line
/// end, a tag, something invisible. Blanks and punctuation alone only make up prose, and what ends a statement
/// or stands for an escaped character ends a piece.
fn is_joint(gap: &[u8]) -> bool {
    let tags = gap.len();
    let gap = without_tags(gap);
    let joins =
        |b: &u8| is_quote(*b) || matches!(b, 0 | b'\n' | b'\r' | b'<' | 0x1b) || !b.is_ascii();
    let ends = |(at, b): (usize, &u8)| match b {
        &ESCAPED | b'=' | b':' => true,
        // The mark of a comment in the next line ends nothing.
        b';' => !gap[..at].trim_ascii_end().is_empty() || !gap[..at].contains(&b'\n'),
        _ => false,
    };
    let has = |two: &[u8; 2]| gap.windows(2).any(|pair| pair == two);
    let joined = gap.iter().any(joins) || has(b"]]") && has(b"[[");
    let masked = has(b"**");
    let most = if gap.contains(&b'<') {
        2 * MAX_GAP
    } else {
        MAX_GAP
    };
    // A colour sequence has a `;` of its own.
    let ended = !gap.contains(&0x1b) && gap.iter().enumerate().any(ends);
    tags <= MAX_TAGS && gap.len() <= most && joined && !ended && !masked
}

/// A gap with nothing left of each tag but its first byte: attributes are no statements.
fn without_tags(gap: &[u8]) -> Cow<'_, [u8]> {
    if !gap.contains(&b'<') {
        return Cow::Borrowed(gap);
    }
    let mut out = Vec::with_capacity(gap.len());
    let mut at = 0;
    while at < gap.len() {
        out.push(gap[at]);
        at += tag(&gap[at..]).unwrap_or(1);
    }
    Cow::Owned(out)
}

/// The length of the tag at the start of `text`, one if it has no end.
fn tag(text: &[u8]) -> Option<usize> {
    const CDATA: &[u8] = b"<![CDATA[";
    // Most do not even begin with it.
    if text.first() != Some(&b'<') {
        return None;
    }
    if text.starts_with(CDATA) {
        return Some(CDATA.len());
    }
    let [b'<', b'a'..=b'z' | b'A'..=b'Z' | b'/' | b'!', tail @ ..] = text else {
        return None;
    };
    let end = tail
        .iter()
        .take(MAX_TAG)
        .position(|b| matches!(b, b'<' | b'>'))
        .filter(|at| tail[*at] == b'>');
    Some(end.map_or(1, |at| at + 3))
}

/// Bytes that [`begins_characters`] looks at, at the most.
pub const CHARACTERS_SIGHT: usize = 24;

/// Whether the first two characters of `marker` stand at the start of `text`, each in quotes, as in
/// `'T', '3'`.
pub fn begins_characters(text: &[u8], marker: &[u8]) -> bool {
    let text = &text[..text.len().min(CHARACTERS_SIGHT)];
    let ([quote, first, close, rest @ ..], [one, two, ..]) = (text, marker) else {
        return false;
    };
    let second = rest.iter().position(|b| b == quote);
    let second = second.and_then(|at| rest.get(at..at + 3));
    is_quote(*quote) && close == quote && first == one && second == Some(&[*quote, *two, *quote])
}

fn is_quote(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'' | b'`')
}

fn is_word(byte: u8) -> bool {
    // All of a text is asked about, some of it many times.
    const TABLE: [bool; 256] = {
        let mut table = [false; 256];
        let mut byte = 0_u8;
        while byte < 128 {
            table[byte as usize] = byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
            byte += 1;
        }
        table
    };
    TABLE[usize::from(byte)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(text: &str) -> String {
        join(&View::of(text.as_bytes()))
            .bytes()
            .escape_ascii()
            .to_string()
    }

    #[test]
    fn pieces_of_many_languages() {
        for text in [
            "'ab' + 'cd'",
            "\"ab\"\n    \"cd\"",
            "ab\\\ncd",
            "'ab' . 'cd'",
            "\"ab\" .. \"cd\"",
            "('ab'\n f'cd')",
            "\"ab\" & _\n    \"cd\"",
            "ab\u{200b}cd",
            "ab\u{ad}cd",
            "${'ab'}${'cd'}",
            "ab`\n  cd",
            "{\"ab\", \"cd\"}",
            "\"ab\" rb\"cd\"",
            "ab<br>\ncd",
            "'ab' +\n-  'cd'",
            "'ab'.concat('cd')",
            "ab]] .. [[cd",
            "ab\\\n    \\cd",
            "ab</span><span class=\"s1\">cd",
            "ab</w:t></w:r><w:proofErr w:type=\"spellStart\"/><w:r><w:t xml:space=\"preserve\">cd",
            "'ab' /* the first */ + 'cd'",
            "'ab' + // the first\n    'cd'",
            "('ab'  # the first\n 'cd')",
            "'ab' || -- the first\n 'cd'",
            "ab<BR>cd",
            "ab<!-- -->cd",
            "ab]]><![CDATA[cd",
            "ab\n; cd",
            "ab\n-- cd",
            "ab\nREM cd",
        ] {
            assert_eq!(joined(text), "abcd", "{text:?}");
        }
    }

    #[test]
    fn literals_are_joined_with_hyphens() {
        for text in [
            "\"-\".join([\"ab\", \"cd\", \"ef-gh\"])",
            "['ab', 'cd', 'ef-gh'].join('-')",
            "implode('-', ['ab', 'cd', 'ef-gh'])",
        ] {
            let view = hyphenated(&View::of(text.as_bytes())).unwrap();
            assert_eq!(view.bytes(), b"ab-cd-ef-gh", "{text}");
            let all = text.find("ab").unwrap()..text.find("gh").unwrap() + 2;
            assert_eq!(view.source(&(0..11)), all, "{text}");
            assert_eq!(view.layers(&(0..11)), [Layer::Concat]);
        }
        assert!(hyphenated(&View::of(b"'ab' + 'cd-'")).is_none());
    }

    #[test]
    fn hyphens_of_word_processors_are_hyphens() {
        for hyphen in ["\u{2010}", "\u{2011}", "\u{2013}", "\u{2212}"] {
            assert_eq!(joined(&format!("ab{hyphen}c{hyphen}{hyphen}d")), "ab-c--d");
        }
        assert_eq!(joined("ab\u{2013} cd"), "abcd");
        assert_eq!(joined("ab\u{200b}cd"), "abcd");
    }

    #[test]
    fn literals_are_joined_over_code() {
        for text in [
            "x = \"ab\"\ny = \"cd\"\n",
            "sb.Append(\"ab\")\n  .Append(\"cd\");",
            "std::string(\"ab\") + std::string('cd')",
            "  db 'ab'\n  db 'cd', 0",
            "`ab`, it's \"cd\"",
        ] {
            let view = literals(&View::of(text.as_bytes()));
            assert_eq!(view.bytes(), b"abcd", "{text}");
            let all = text.find("ab").unwrap()..text.find("cd").unwrap() + 2;
            assert_eq!(view.source(&(0..4)), all, "{text}");
            assert_eq!(view.layers(&(0..4)), [Layer::Concat]);
        }
        let far = format!("'ab'{}'c\\'d'", "\n".repeat(MAX_GAP + 1));
        assert_eq!(literals(&View::of(far.as_bytes())).bytes(), b"ab\nc\\'d");
    }

    #[test]
    fn what_is_far_apart_stays_apart() {
        let far = format!("ab{}cd", "\n".repeat(MAX_GAP + 1));
        assert_eq!(joined(&far), "ab\\ncd");
        assert_eq!(joined("ab, cd"), "ab\\ncd");
        assert_eq!(joined("'ab'; // cd\n'ef'"), "ab\\nef");
        assert_eq!(joined("x # ab\n# cd"), "x\\nabcd");
        assert_eq!(joined("<a b='c'>de</a>"), "de");
    }

    #[test]
    fn a_view_leads_back_over_the_gap() {
        let view = join(&View::of(b"x 'ab' + 'cd' y"));
        assert_eq!(view.bytes(), b"xabcdy");
        assert_eq!(view.source(&(1..5)), 3..12);
        assert_eq!(view.layers(&(1..5)), [Layer::Concat]);
        assert_eq!(view.layers(&(1..3)), []);
        assert!(view.seams().contains(&1));
    }
}
