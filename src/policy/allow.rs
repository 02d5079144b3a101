//! Inline exceptions: `frisk:allow REASON` on a key's own line, `frisk:allow-next-line REASON` on
//! the line before.

use std::ops::Range;

use memchr::memmem;

const HERE: &[u8] = b"frisk:allow";
const NEXT_LINE: &[u8] = b"frisk:allow-next-line";
/// What other tools take for an exception of a line, and of the next one. What means other things
/// too (`noqa`, `nosec`) is not among them.
const FOREIGN: [&[u8]; 9] = [
    b"gitleaks:allow",
    b"betterleaks:allow",
    b"trufflehog:ignore",
    b"kingfisher:ignore",
    b"ggignore",
    b"nosecret",
    b"secretlint-disable-line",
    b"pragma: allowlist secret",
    b"pragma: whitelist secret",
];
const FOREIGN_NEXT_LINE: [&[u8]; 2] = [
    b"pragma: allowlist nextline secret",
    b"secretlint-disable-next-line",
];
/// Bytes to either side of a key in which its marker is looked for.
const REACH: usize = 16 * 1024;

/// The reason that allows the key at `key` of `text`, if a marker does; it may be empty.
pub fn reason<'a>(text: &'a [u8], key: &Range<usize>) -> Option<&'a [u8]> {
    let around = Around::new(text, key);
    around
        .here(HERE)
        .or_else(|| around.on_line_before(NEXT_LINE))
}

/// The marker of another tool that stands where one of ours would allow the key.
pub fn foreign(text: &[u8], key: &Range<usize>) -> Option<&'static [u8]> {
    let around = Around::new(text, key);
    let here = FOREIGN.into_iter().find(|word| around.here(word).is_some());
    here.or_else(|| {
        FOREIGN_NEXT_LINE
            .into_iter()
            .find(|word| around.on_line_before(word).is_some())
    })
}

/// The lines on which a marker counts for a key.
struct Around<'a> {
    /// What of the key's line is before it. A marker is no part of the key, nor of the bytes that
    /// the key interrupts.
    before: &'a [u8],
    after: &'a [u8],
    previous: Option<&'a [u8]>,
}

impl<'a> Around<'a> {
    fn new(text: &'a [u8], key: &Range<usize>) -> Self {
        let from = key.start.saturating_sub(REACH);
        let to = text.len().min(key.end.saturating_add(REACH));
        let start = text[from..key.start]
            .iter()
            .rposition(|b| is_line_end(*b))
            .map_or(from, |at| from + at + 1);
        let end = text[key.end..to]
            .iter()
            .position(|b| is_line_end(*b))
            .map_or(to, |at| key.end + at);
        Self {
            before: &text[start..key.start],
            after: &text[key.end..end],
            previous: previous_line(text, start),
        }
    }

    fn here(&self, word: &[u8]) -> Option<&'a [u8]> {
        marker(self.before, word).or_else(|| marker(self.after, word))
    }

    fn on_line_before(&self, word: &[u8]) -> Option<&'a [u8]> {
        marker(self.previous?, word)
    }
}

/// A lone `\r` or a form feed ends a line here whatever the rest of the text does: a marker that a viewer shows
/// on another line allows nothing.
fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r' | b'\x0b' | b'\x0c')
}

/// The line before the one that begins at `start`.
fn previous_line(text: &[u8], start: usize) -> Option<&[u8]> {
    let before = text.get(start.saturating_sub(REACH)..start)?;
    let before = before
        .strip_suffix(b"\r\n")
        .or_else(|| before.strip_suffix(b"\n"))
        .or_else(|| before.strip_suffix(b"\r"))?;
    let from = before.iter().rposition(|b| is_line_end(*b));
    Some(&before[from.map_or(0, |at| at + 1)..])
}

/// What follows `word` in `line`, where `word` stands by itself.
fn marker<'a>(line: &'a [u8], word: &[u8]) -> Option<&'a [u8]> {
    memmem::find_iter(line, word).find_map(|at| {
        let before = at.checked_sub(1).and_then(|before| line.get(before));
        let after = &line[at + word.len()..];
        let is_word = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b':');
        if before.is_some_and(u8::is_ascii_alphanumeric) || after.first().is_some_and(is_word) {
            return None;
        }
        Some(trim_comment_end(after))
    })
}

/// Cuts what closes a comment off a reason.
fn trim_comment_end(reason: &[u8]) -> &[u8] {
    let mut reason = reason.trim_ascii();
    for end in [&b"*/"[..], b"-->", b"#>", b"--%>", b"*)", b"-}"] {
        reason = reason.strip_suffix(end).unwrap_or(reason).trim_ascii();
    }
    reason
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(text: &str) -> Option<String> {
        let at = text.find("KEY").unwrap();
        reason(text.as_bytes(), &(at..at + 3)).map(|r| r.escape_ascii().to_string())
    }

    #[test]
    fn on_the_own_line() {
        assert_eq!(
            allowed("k = KEY # frisk:allow made up"),
            Some("made up".into())
        );
        assert_eq!(allowed("k = KEY # frisk:allow"), Some(String::new()));
        assert_eq!(allowed("/* frisk:allow test */ KEY"), Some("test".into()));
        assert_eq!(
            allowed("a\r\nKEY <!-- frisk:allow x -->\r\nb"),
            Some("x".into())
        );
    }

    #[test]
    fn on_the_line_before() {
        assert_eq!(allowed("# frisk:allow-next-line x\nKEY"), Some("x".into()));
        assert_eq!(
            allowed("a\n# frisk:allow-next-line x\r\nKEY\n"),
            Some("x".into())
        );
    }

    #[test]
    fn nowhere_else() {
        for text in [
            "KEY",
            "# frisk:allow\nKEY",
            "KEY\n# frisk:allow",
            "KEY\r# frisk:allow",
            "# frisk:allow-next-line x\n\nKEY",
            "KEY # frisk:allow-next-line x",
            "KEY # frisk:allowed",
            "KEY # notfrisk:allow",
            "KEY # gitleaks:allow",
        ] {
            assert_eq!(allowed(text), None, "{text:?}");
        }
    }

    #[test]
    fn markers_of_other_tools_are_told_apart() {
        let told = |text: &str| {
            let at = text.find("KEY").unwrap();
            foreign(text.as_bytes(), &(at..at + 3))
        };
        assert_eq!(told("KEY # gitleaks:allow"), Some(&b"gitleaks:allow"[..]));
        assert_eq!(
            told("# pragma: allowlist nextline secret\nKEY"),
            Some(&b"pragma: allowlist nextline secret"[..])
        );
        for text in [
            "KEY # noqa nosec",
            "# gitleaks:allow\nKEY",
            "KEY",
            "KEY # frisk:allow x",
        ] {
            assert_eq!(told(text), None, "{text}");
        }
    }
}
