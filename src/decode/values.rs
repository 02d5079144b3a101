//! Keys put together from values that are neither literals nor neighbours: `A=sk-proj-…` and `B=…` in the
//! next line, arguments, columns, runs of a word processor.

use memchr::memmem;

use crate::decode::Layer;
use crate::decode::View;

/// Bytes between two pieces at the most.
const MAX_GAP: usize = 80;
/// Characters of a piece at the least: shorter ones are words of the code between.
const MIN_PIECE: usize = 8;

/// The words of a text that look random, and those that begin as a key does, run together; whatever
/// else stands between two of them is left out. `None` if there are no two.
///
/// What fills up a key that was cut off are words of prose, names and numbers: none of these counts.
pub fn values(view: &View, prefix: &[u8]) -> Option<View> {
    let text = view.bytes();
    let mut out = View::with_capacity(text.len());
    // Where the last piece ended.
    let mut end: Option<usize> = None;
    let mut is_broken = false;
    // Whether the last piece may be no more than a part of the prefix, and does not end as one does.
    let mut is_prefix = false;
    let mut is_cut = false;
    let mut at = 0;
    while at < text.len() {
        if !is_word(text[at]) {
            at += 1;
            continue;
        }
        let mut start = at;
        at += text[at..].iter().take_while(|b| is_word(**b)).count();
        let taken = escaped(&text[..start], &text[start..at]);
        start += taken;
        let word = &text[start..at];
        let before = &text[..start];
        let begins = memmem::find(word, prefix);
        let is_name = is_name(before, &text[at..]);
        if begins.is_none() && (!looks_random(word) || is_name) {
            // It may be a part of the prefix, without which the key would be another: words of the code
            // between are none, if the prefix ends with a hyphen.
            let is_escape = taken > 1 || before.ends_with(b"\\") || before.ends_with(b"&#");
            is_broken |= word.len() > 1 && word.ends_with(b"-")
                || is_prefix && (is_escape || is_cut && !is_name);
            continue;
        }
        let is_broken = std::mem::take(&mut is_broken);
        is_prefix = begins.is_some_and(|at| !has_body(&word[at..]));
        is_cut = !word.ends_with(b"-");
        let seam = match end {
            Some(end) if begins.is_none() && !is_broken && may_join(&text[end..start]) => {
                out.seams.push(out.bytes.len());
                true
            }
            Some(end) => {
                out.push_from(b'\n', view, end..start, 0);
                false
            }
            None => false,
        };
        for at in start..at {
            let layers = if seam && at == start {
                Layer::Concat.bit()
            } else {
                0
            };
            out.keep(view, at..at + 1, layers);
        }
        end = Some(at);
    }
    (!out.seams.is_empty()).then_some(out)
}

/// Whether the beginning of a key ends with a part of its body: names in prefixes have no capitals.
fn has_body(word: &[u8]) -> bool {
    let end = word.last_chunk::<MIN_PIECE>();
    end.is_some_and(|end| end.iter().any(u8::is_ascii_uppercase))
}

/// How much of the start of a word belongs to what stands before it: the letter of an escape or a format, the
/// digits of one, or the hyphen where TeX may break a line.
fn escaped(before: &[u8], word: &[u8]) -> usize {
    let hex =
        |digits: usize| word.len() > digits && word[1..=digits].iter().all(u8::is_ascii_hexdigit);
    let length = match (before, word) {
        ([.., b'\\', b'\\'], _) => 0,
        ([.., b'\\'], [b'u', ..]) if hex(4) => 5,
        ([.., b'\\'], [b'x', ..]) if hex(2) => 3,
        ([.., b'\\'], [b'-' | b'n' | b'r' | b't', ..]) => 1,
        // The place of a value in a format: `%s…`.
        ([name @ .., b'%'], [b's' | b'v', ..]) if !ends_with_variable(name) => 1,
        ([name @ .., b'%'], [a, b, ..]) if is_hex(*a, *b) && !ends_with_variable(name) => 2,
        _ => 0,
    };
    length.min(word.len())
}

fn is_hex(a: u8, b: u8) -> bool {
    a.is_ascii_hexdigit() && b.is_ascii_hexdigit()
}

/// Whether a variable of a batch file ends here, but for its last `%`: `%KEY`. Not what is escaped: `%4b`.
fn ends_with_variable(text: &[u8]) -> bool {
    const LONGEST: usize = 40;
    let name = text.iter().rev().take(LONGEST).take_while(|b| is_word(**b));
    let start = text.len() - name.count();
    let is_escape = matches!(text[start..], [a, b, ..] if is_hex(a, b));
    start < text.len() && !is_escape && text[..start].ends_with(b"%")
}

/// Whether it is neither a word nor a number: letters of both cases, not just the first one a capital, or
/// letters and digits.
fn looks_random(word: &[u8]) -> bool {
    let has = |of: fn(&u8) -> bool| word.iter().any(of);
    let lower = has(u8::is_ascii_lowercase);
    let inner = word.iter().skip(1).any(u8::is_ascii_uppercase);
    let digit = has(u8::is_ascii_digit);
    word.len() >= MIN_PIECE && (lower && inner || digit && (lower || inner))
}

/// Whether a word names something, by what stands around it: it is assigned to, called, or a command.
fn is_name(before: &[u8], after: &[u8]) -> bool {
    let closed = match after {
        [b'"' | b'\'' | b']', rest @ ..] => rest,
        _ => after,
    };
    let blanks = closed.iter().take_while(|b| matches!(b, b' ' | b'\t'));
    let next = &closed[blanks.count()..];
    let is_sigil = match before {
        // Quotes of SQL, and a backslash that is escaped.
        [.., b'$', b'$'] | [.., b'\\', b'\\'] => false,
        [.., b'\\' | b'$' | b'@'] => true,
        _ => false,
    };
    // Lua's brackets have any number of them.
    let is_assigned = matches!(next, [b'=' | b':', ..]) && !next.starts_with(b"==");
    is_sigil || is_assigned || matches!(after, [b'(', ..])
}

/// Whether what stands between two pieces may be left out; not where something was left out of a key.
fn may_join(gap: &[u8]) -> bool {
    let has = |mark: &[u8]| memmem::find(gap, mark).is_some();
    // "sk-…, then …" is a description.
    let is_prose = |b: &u8| b.is_ascii_alphanumeric() || *b == b' ';
    let is_code = gap == b" " || !gap.iter().all(is_prose);
    gap.len() <= MAX_GAP && is_code && !has(b"...") && !has(b"**") && !has("…".as_bytes())
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(text: &str) -> Option<String> {
        let view = values(&View::of(text.as_bytes()), b"ab-")?;
        Some(view.bytes().escape_ascii().to_string())
    }

    #[test]
    fn values_are_joined_over_names_and_code() {
        for text in [
            "A=ab-1Xyz2W3v\nB=X1y2z3W4\n",
            "export KEY_1=ab-1Xyz2W3v\nexport KEY_PART_2=X1y2z3W4\n",
            "first: ab-1Xyz2W3v\nsecond: X1y2z3W4\n",
            "{\"a\": \"ab-1Xyz2W3v\", \"b\": \"X1y2z3W4\"}",
            "q(ab-1Xyz2W3v) . q(X1y2z3W4)",
            "[(ab-1Xyz2W3v)-12(X1y2z3W4)] TJ",
            "\\texttt{ab-1Xyz2W3v\\allowbreak X1y2z3W4}",
            "\\texttt{ab-1Xyz2W3v\\-X1y2z3W4}",
            "{\\b ab-1Xyz2W3v}{\\rtlch\\fcs1\\insrsid12345678 X1y2z3W4}",
            "10  k=ab-1Xyz2W3v\n11    X1y2z3W4",
            "set(ab-1Xyz2W3v) setSecondHalf(X1y2z3W4)",
            "[==[ab-1Xyz2W3v]==] .. [==[X1y2z3W4]==]",
            "$$ab-1Xyz2W3v$$ || $$X1y2z3W4$$",
            "ab-1Xyz2W3v'\\n'X1y2z3W4",
            "'ab-1Xyz2W3v\\nX1y2z3W4'",
            "'ab-1Xyz2W3v\\u200bX1y2z3W4'",
            "a=ab-1Xyz2W3v%26%62=X1y2z3W4",
            "a=ab-1Xyz2W3v%26X1y2z3W4",
            "\"%s%s\" % (\"ab-1Xyz2W3v\", \"X1y2z3W4\")",
            "A=ab-\nB_2=1Xyz2W3vX1y2z3W4",
            "{\"a\": \"ab-\", \"b\": \"1Xyz2W3vX1y2z3W4\"}",
            "Sprintf(\"ab-%s\", \"1Xyz2W3vX1y2z3W4\")",
            "const prefix = \"ab-\";\nconst key = `${prefix}1Xyz2W3vX1y2z3W4`;",
            "P=ab-\nK=\"${P}1Xyz2W3vX1y2z3W4\"",
            "p = 'ab-1Xyz2W3v'\nk = '%sX1y2z3W4' % p",
        ] {
            assert_eq!(
                joined(text).as_deref(),
                Some("ab-1Xyz2W3vX1y2z3W4"),
                "{text}"
            );
        }
    }

    #[test]
    fn nothing_fills_up_what_is_cut_off() {
        for text in [
            "ab-1Xyz2W3v... X1y2z3W4",
            "ab-1Xyz2W3v*** X1y2z3W4",
            "ab-1Xyz2W3v… X1y2z3W4",
            &format!("ab-1Xyz2W3v{}X1y2z3W4", " ".repeat(81)),
        ] {
            assert_eq!(joined(text), None, "{text}");
        }
        for text in [
            "ab-1Xyz2W3v is Wrong, see 12345678 of CHAPTERS",
            "ab-1Xyz2W3v and X1y2z3W4",
            "ab-1Xyz2W3v ab-2",
            "ab- \\x2d\\&name- X1y2z3W4",
            "ab-na\u{200b}me\u{200b}-X1y2z3W4",
            "ab-\\x6e\\x61me-X1y2z3W4",
            "ab-\\u{6e}\\u{61}me-X1y2z3W4",
            "ab-&#110;&#97;me-X1y2z3W4",
            "ab-%6e%61me-X1y2z3W4",
            "ab-na<wbr>m<wbr>e-X1y2z3W4",
        ] {
            assert_eq!(joined(text), None, "{text}");
        }
    }
}
