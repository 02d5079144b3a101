//! One line of scanned text as it may be shown: every secret in it masked, cut to a width, escaped.

use std::ops::Range;

use unicode_width::UnicodeWidthChar as _;

use crate::text::escape_into;

/// Columns an excerpt takes at the most.
pub const WIDTH: usize = 100;
/// Columns before the secret that an excerpt keeps when the line is cut.
const LEFT: usize = 40;
/// Bytes to either side of the secret that are looked at; more than could be shown.
const REACH: usize = 2048;
/// What stands where a line was cut.
const CUT: char = '…';
/// A token of at least this length with digits and letters of both cases is hidden too.
const RANDOM_TOKEN: usize = 8;
/// A token of at least this length is hidden whatever it is made of.
const LONG_TOKEN: usize = 40;

/// A place in a line that must not be shown, and what is shown instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hidden {
    /// Bytes of the line.
    pub span: Range<usize>,
    /// What stands for them.
    pub mask: String,
}

/// A line, safe to print.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Excerpt {
    text: String,
    start: usize,
    end: usize,
}

impl Excerpt {
    /// Shows `line` around `primary`, the bytes of the secret the excerpt is for.
    ///
    /// Every part in `hidden` (sorted, not overlapping, `primary` among them) is masked, and so is
    /// each other token that looks random: it may be a secret that no rule knows, or a piece of one.
    pub fn new(line: &[u8], primary: &Range<usize>, hidden: &[Hidden]) -> Self {
        let from = primary.start.saturating_sub(REACH);
        let to = line.len().min(primary.end.saturating_add(REACH));
        let mut left = Columns::default();
        let mut marked = Columns::default();
        let mut right = Columns::default();
        let mut at = from;
        for part in hidden {
            if part.span.end <= from || part.span.start >= to {
                continue;
            }
            let start = part.span.start.clamp(at, to);
            let side = if at <= primary.start {
                &mut left
            } else {
                &mut right
            };
            side.push_bytes(&line[at..start]);
            let target = if part.span.end <= primary.start {
                &mut left
            } else if part.span.start >= primary.end {
                &mut right
            } else {
                &mut marked
            };
            target.push_text(&part.mask);
            at = part.span.end.clamp(start, to);
        }
        let side = if at <= primary.start {
            &mut left
        } else {
            &mut right
        };
        side.push_bytes(trim_line_end(&line[at..to]));

        marked.keep_first(WIDTH / 2);
        let room = WIDTH - marked.width();
        let (left_room, right_room) = if left.width() + right.width() <= room {
            (left.width(), right.width())
        } else {
            let left_room = left
                .width()
                .min(LEFT.max(room.saturating_sub(right.width())));
            (left_room.min(room), room - left_room.min(room))
        };
        left.keep_last(left_room);
        right.keep_first(right_room);
        let start = left.width();
        let end = start + marked.width();
        let text = [left, marked, right]
            .iter()
            .flat_map(|columns| columns.cells.iter())
            .map(|(c, _)| *c)
            .collect::<String>();
        Self {
            text: text.trim_end().to_owned(),
            start,
            end,
        }
    }

    /// The line as it may be shown, without a line end.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The columns of [`Excerpt::text`] that stand for the secret.
    pub fn mark(&self) -> Range<usize> {
        self.start..self.end
    }
}

/// Characters with the columns each takes.
#[derive(Default)]
struct Columns {
    cells: Vec<(char, usize)>,
}

impl Columns {
    fn width(&self) -> usize {
        self.cells.iter().map(|(_, width)| width).sum()
    }

    fn push_text(&mut self, text: &str) {
        for c in text.chars() {
            self.cells.push((c, c.width().unwrap_or(0)));
        }
    }

    /// Takes scanned bytes: escapes them, and hides what looks random.
    fn push_bytes(&mut self, bytes: &[u8]) {
        let mut at = 0;
        while at < bytes.len() {
            let token = bytes[at..].iter().take_while(|b| is_token(**b)).count();
            let plain = bytes[at + token..]
                .iter()
                .take_while(|b| !is_token(**b))
                .count();
            let (word, rest) = bytes[at..at + token + plain].split_at(token);
            if looks_random(word) {
                self.push_text(&format!("[{token} characters hidden]"));
            } else {
                self.push_escaped(word);
            }
            self.push_escaped(rest);
            at += token + plain;
        }
    }

    fn push_escaped(&mut self, bytes: &[u8]) {
        let mut text = String::new();
        for (index, part) in bytes.split(|&b| b == b'\t').enumerate() {
            if index > 0 {
                text.push_str("    ");
            }
            escape_into(&mut text, part);
        }
        self.push_text(&text);
    }

    fn keep_first(&mut self, room: usize) {
        if self.width() > room {
            let mut width = 0;
            let kept = self
                .cells
                .iter()
                .take_while(|(_, w)| {
                    width += w;
                    width < room
                })
                .count();
            self.cells.truncate(kept);
            if room > 0 {
                self.cells.push((CUT, 1));
            }
        }
    }

    fn keep_last(&mut self, room: usize) {
        if self.width() > room {
            self.cells.reverse();
            self.keep_first(room);
            self.cells.reverse();
        }
    }
}

fn trim_line_end(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    bytes.strip_suffix(b"\r").unwrap_or(bytes)
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+')
}

/// Whether a token may be a secret or a piece of one.
fn looks_random(token: &[u8]) -> bool {
    let all_kinds = token.iter().any(u8::is_ascii_digit)
        && token.iter().any(u8::is_ascii_lowercase)
        && token.iter().any(u8::is_ascii_uppercase);
    token.len() >= LONG_TOKEN
        || token.len() >= RANDOM_TOKEN && all_kinds
        || token.len() >= 12 && memchr::memmem::find(token, b"sk-").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden(span: Range<usize>, mask: &str) -> Hidden {
        Hidden {
            span,
            mask: mask.to_owned(),
        }
    }

    #[test]
    fn the_secret_is_masked_and_marked() {
        let line = b"key = 'SECRETSECRET', # x\r\n";
        let excerpt = Excerpt::new(line, &(7..19), &[hidden(7..19, "[12 hidden]")]);
        assert_eq!(excerpt.text(), "key = '[12 hidden]', # x");
        assert_eq!(excerpt.mark(), 7..18);
    }

    #[test]
    fn every_secret_on_the_line_is_masked() {
        let line = b"AAAA BBBB CCCC";
        let all = [
            hidden(0..4, "[a]"),
            hidden(5..9, "[b]"),
            hidden(10..14, "[c]"),
        ];
        let excerpt = Excerpt::new(line, &(5..9), &all);
        assert_eq!(excerpt.text(), "[a] [b] [c]");
        assert_eq!(excerpt.mark(), 4..7);
    }

    #[test]
    fn a_long_line_is_cut_on_both_sides() {
        let mut line = b"word ".repeat(1000);
        let at = line.len();
        line.extend_from_slice(b"SECRET");
        line.extend_from_slice(&b" word".repeat(1000));
        let excerpt = Excerpt::new(&line, &(at..at + 6), &[hidden(at..at + 6, "[6 hidden]")]);
        assert!(excerpt.text().starts_with('…') && excerpt.text().ends_with('…'));
        assert!(excerpt.text().contains(" [6 hidden] word"));
        assert!(excerpt.text().chars().count() <= WIDTH);
    }

    #[test]
    fn what_looks_random_is_hidden_too() {
        let line = b"a_plain_name Zx81qPmTTr4wQa9b = S";
        let excerpt = Excerpt::new(line, &(32..33), &[hidden(32..33, "[s]")]);
        assert_eq!(excerpt.text(), "a_plain_name [16 characters hidden] = [s]");
    }

    #[test]
    fn control_characters_are_escaped_before_the_cut() {
        let line = b"\x1b[2J\tS\r hidden \x9b2J";
        let excerpt = Excerpt::new(line, &(5..6), &[hidden(5..6, "[s]")]);
        assert_eq!(excerpt.text(), "\\x1b[2J    [s]\\r hidden \\x9b2J");
    }
}
