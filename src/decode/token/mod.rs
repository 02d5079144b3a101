//! Base64 and hex: long runs of their digits, decoded where they stand.

mod again;
mod bases;
mod escaped;
mod lines;
mod literals;
mod sniff;
mod ways;

use std::ops::Range;
use std::rc::Rc;

use crate::decode::Layer;
use crate::decode::columns;
use crate::decode::digits;
use crate::decode::digits::PROBE;
use crate::decode::digits::STRIDE;
use crate::decode::token::escaped::with_escapes;
use crate::decode::token::lines::line_before;
use crate::decode::token::lines::line_break;
use crate::decode::token::lines::wrapped;
use crate::decode::token::literals::literals;
use crate::decode::token::sniff::begins_as_text;
use crate::decode::token::sniff::looks_encoded;
use crate::decode::token::ways::run;

pub use crate::decode::token::again::SIGHT;
pub use crate::decode::token::again::affected_from;
pub use crate::decode::token::again::affected_to;
pub use crate::decode::token::again::any;
pub use crate::decode::token::again::run_end;

/// The shortest run that can be a key: 51 bytes in base64.
const MIN_RUN: usize = 68;
/// The shortest run of hex digits that can be one.
const MIN_HEX: usize = 102;
/// A line of wrapped base64 has at least so many digits.
const MIN_LINE: usize = 40;
/// Bytes between two lines of wrapped base64 at the most.
const MAX_BREAK: usize = 40;

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

#[cfg(test)]
mod tests {
    use data_encoding::BASE64;
    use data_encoding::HEXUPPER;
    use memchr::memmem;

    use super::*;
    use crate::decode::token::sniff::LONG;

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
