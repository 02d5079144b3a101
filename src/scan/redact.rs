//! Masks secrets in names and messages, with the rules that find them in content.

use std::ops::Range;

use memchr::memmem;

use crate::excerpt::Hidden;
use crate::matcher::Candidate;
use crate::matcher::Matcher;
use crate::place::Label;
use crate::rule::check::Rejection;
use crate::secret::Mask;
use crate::secret::Secret;
use crate::text::escape;

/// What OpenAI's keys have in the middle.
const MARKER: &[u8] = b"T3BlbkFJ";
/// Bytes of a word with the marker from which on it is masked, whatever it is.
const LONG_WORD: usize = 20;

/// Masks whatever a matcher finds.
#[derive(Debug, Clone, Copy)]
pub struct Redactor<'a> {
    matcher: &'a Matcher,
}

impl<'a> Redactor<'a> {
    /// Masks what `matcher` finds.
    pub fn new(matcher: &'a Matcher) -> Self {
        Self { matcher }
    }

    /// `bytes` with every secret in them masked. Where a rule cannot be run, nothing is shown.
    pub fn bytes(&self, bytes: &[u8]) -> Vec<u8> {
        let Ok(matches) = self.matcher.find(bytes) else {
            return b"[hidden: a rule could not be run]".to_vec();
        };
        let mut parts: Vec<(Range<usize>, Mask)> = matches
            .candidates
            .iter()
            .map(|c| (c.span.clone(), c.secret.mask()))
            .collect();
        // What follows a letter is no finding, but it may be a key all the same.
        parts.extend(matches.rejected.iter().filter_map(|rejected| {
            let span = rejected.span.clone();
            let glued = rejected.reason == Rejection::PartOfWord;
            glued.then(|| (span.clone(), Secret::new(&bytes[span], 0).mask()))
        }));
        // So may what has the marker in the middle of a long word.
        let known: Vec<Range<usize>> = parts.iter().map(|(span, _)| span.clone()).collect();
        parts.extend(memmem::find_iter(bytes, MARKER).filter_map(|at| {
            if known.iter().any(|span| span.contains(&at)) {
                return None;
            }
            let word = |b: &&u8| b.is_ascii_alphanumeric() || matches!(**b, b'_' | b'-');
            let start = at - bytes[..at].iter().rev().take_while(word).count();
            let end = at + bytes[at..].iter().take_while(word).count();
            let long = end - start >= LONG_WORD;
            long.then(|| (start..end, Secret::new(&bytes[start..end], 0).mask()))
        }));
        parts.sort_by_key(|(span, _)| (span.start, span.end));
        let mut out = Vec::with_capacity(bytes.len());
        let mut at = 0;
        for (span, mask) in parts {
            if span.start >= at {
                out.extend_from_slice(&bytes[at..span.start]);
                out.extend_from_slice(mask.to_string().as_bytes());
            }
            at = at.max(span.end);
        }
        out.extend_from_slice(&bytes[at..]);
        out
    }

    /// A name that may be shown.
    pub fn label(&self, name: &[u8]) -> Label {
        Label::masked(self.bytes(name))
    }

    /// A message that may be shown: masked and escaped.
    pub fn message(&self, message: impl std::fmt::Display) -> String {
        escape(&self.bytes(message.to_string().as_bytes()))
    }
}

/// The candidates that touch `line`, as parts of that line to hide. `candidates` is
/// sorted and without overlaps.
pub(crate) fn hidden_in(candidates: &[Candidate], line: &Range<usize>) -> Vec<Hidden> {
    let first = candidates.partition_point(|c| c.span.end <= line.start);
    candidates[first..]
        .iter()
        .take_while(|c| c.span.start < line.end)
        .map(|candidate| Hidden {
            span: candidate.span.start.max(line.start) - line.start
                ..candidate.span.end.min(line.end) - line.start,
            mask: candidate.secret.mask().to_string(),
        })
        .collect()
}
