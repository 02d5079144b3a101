//! Turns bytes into hits: the only maker of secrets and excerpts.

use std::io;
use std::io::Read;

use crate::excerpt::Excerpt;
use crate::finding::Hit;
use crate::finding::SuppressedBy;
use crate::finding::Suppression;
use crate::key_id::KeyId;
use crate::matcher::Candidate;
use crate::matcher::MatchError;
use crate::matcher::Matcher;
use crate::policy::allow;
use crate::rule::MAX_REACH;
use crate::scan::redact::Redactor;
use crate::scan::redact::hidden_in;
use crate::scan::redact::secret;
use crate::span::Base;
use crate::span::LineIndex;
use crate::span::Position;
use crate::text::escape;

/// Bytes of a stream that are searched at a time.
const WINDOW: usize = 4 << 20;
/// Bytes at the end of a window that are searched again with the next: no match is longer.
const OVERLAP: usize = MAX_REACH;
/// Bytes before these that are kept too, for the excerpt, the boundary and the exception.
const CONTEXT: usize = 2 * MAX_REACH;
/// A line is indexed at most so far to either side of a secret.
const LINE_REACH: usize = 64 * 1024;

/// Why content was not searched to its end.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// It could not be read.
    #[error(transparent)]
    Read(#[from] io::Error),
    /// A rule could not be run.
    #[error(transparent)]
    Match(#[from] MatchError),
}

/// Hits, and what was rejected with the place and the reason.
#[derive(Debug, Default)]
pub struct Inspected {
    /// The secrets, by place.
    pub hits: Vec<Hit>,
    /// Where a match was rejected, and why. Only when asked for.
    pub rejected: Vec<(Position, String)>,
    /// Bytes read.
    pub bytes: u64,
}

/// Searches content. Holds one thread's buffer; the rest is shared.
#[derive(Debug)]
pub struct Inspector<'a> {
    matcher: &'a Matcher,
    exceptions: bool,
    explain: bool,
    buffer: Vec<u8>,
}

impl<'a> Inspector<'a> {
    /// Searches with `matcher`; heeds inline exceptions if `exceptions`, tells rejected matches if
    /// `explain`.
    pub fn new(matcher: &'a Matcher, exceptions: bool, explain: bool) -> Self {
        Self {
            matcher,
            exceptions,
            explain,
            buffer: Vec::new(),
        }
    }

    /// Searches bytes that are all there.
    pub fn bytes(&self, text: &[u8]) -> Result<Inspected, MatchError> {
        let mut inspected = Inspected {
            bytes: text.len() as u64,
            ..Inspected::default()
        };
        self.piece(text, || Base::start(text), 0..u64::MAX, &mut inspected)?;
        Ok(inspected)
    }

    /// Searches a stream window by window, so that memory does not grow with its length.
    pub fn stream(
        &mut self,
        stream: &mut impl Read,
        cancelled: impl Fn() -> bool,
    ) -> Result<Inspected, InspectError> {
        let mut inspected = Inspected::default();
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        let outcome = self.windows(stream, &mut buffer, &mut inspected, cancelled);
        self.buffer = buffer;
        outcome.map(|()| inspected)
    }

    fn windows(
        &self,
        stream: &mut impl Read,
        buffer: &mut Vec<u8>,
        inspected: &mut Inspected,
        cancelled: impl Fn() -> bool,
    ) -> Result<(), InspectError> {
        // None until the first window is read: a file of one window counts no lines.
        let mut base: Option<Base> = None;
        let mut told = 0;
        loop {
            let room = WINDOW - buffer.len();
            let read = stream.by_ref().take(room as u64).read_to_end(buffer)?;
            inspected.bytes += read as u64;
            let last = read < room;
            let offset = base.map_or(0, |base| base.offset);
            let until = if last {
                u64::MAX
            } else {
                offset + (buffer.len() - OVERLAP) as u64
            };
            let start = || base.unwrap_or_else(|| Base::start(buffer));
            self.piece(buffer, start, told..until, inspected)?;
            if last {
                return Ok(());
            }
            if cancelled() {
                return Err(io::Error::new(io::ErrorKind::Interrupted, "interrupted").into());
            }
            told = until;
            let kept = buffer.len() - OVERLAP - CONTEXT;
            base = Some(start().after(&buffer[..kept]));
            buffer.drain(..kept);
        }
    }

    /// Searches a piece of a text, and tells the hits that begin in `wanted` (offsets in the text).
    fn piece(
        &self,
        text: &[u8],
        base: impl Fn() -> Base,
        wanted: std::ops::Range<u64>,
        inspected: &mut Inspected,
    ) -> Result<(), MatchError> {
        let matches = self.matcher.find(text)?;
        let tell_rejected = self.explain && !matches.rejected.is_empty();
        if matches.candidates.is_empty() && !tell_rejected {
            return Ok(());
        }
        let base = base();
        let lines = LineIndex::new(text, base);
        let is_wanted = |at: usize| wanted.contains(&(base.offset + at as u64));
        for candidate in &matches.candidates {
            if is_wanted(candidate.span.start) {
                let hit = self.hit(text, candidate, &matches.candidates, &lines);
                inspected.hits.push(hit);
            }
        }
        if tell_rejected {
            let taken = |at: usize| matches.candidates.iter().any(|c| c.span.contains(&at));
            for rejected in &matches.rejected {
                if is_wanted(rejected.span.start) && !taken(rejected.span.start) {
                    let rule = &self.matcher.rules().rules()[rejected.rule].id;
                    inspected.rejected.push((
                        lines.position(rejected.span.start),
                        format!("not {rule}: {}", rejected.reason.reason()),
                    ));
                }
            }
        }
        Ok(())
    }

    fn hit(&self, text: &[u8], candidate: &Candidate, all: &[Candidate], lines: &LineIndex) -> Hit {
        let span = &candidate.span;
        let line = lines.line(span.start);
        let line = line.start.max(span.start.saturating_sub(LINE_REACH))
            ..line
                .end
                .min(span.end.saturating_add(LINE_REACH))
                .max(span.end);
        let hidden = hidden_in(self.matcher, text, all, &line);
        let primary = span.start - line.start..span.end - line.start;
        let secret = secret(self.matcher, text, candidate);
        let rule = self.matcher.rule(candidate);
        let suppressed = if self.exceptions {
            allow::reason(text, span).map(|reason| Suppression {
                by: SuppressedBy::Inline,
                reason: escape(&Redactor::new(self.matcher).bytes(reason)),
            })
        } else {
            None
        };
        Hit {
            start: lines.position(span.start),
            end: lines.position(span.end),
            rule: rule.id.clone(),
            provider: rule.provider.clone(),
            severity: rule.severity,
            confidence: candidate.confidence,
            key_id: KeyId::of(&secret),
            mask: secret.mask(),
            excerpt: Excerpt::new(&text[line], &primary, &hidden),
            suppressed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::RuleSet;
    use crate::rule::template::fill;

    fn key(seed: u64) -> String {
        fill("sk-proj-{base64url:74}T3BlbkFJ{base64url:74}", seed)
    }

    fn streamed(text: &[u8]) -> Vec<Hit> {
        let matcher = Matcher::new(RuleSet::built_in()).unwrap();
        let mut inspector = Inspector::new(&matcher, true, false);
        inspector.stream(&mut &text[..], || false).unwrap().hits
    }

    #[test]
    fn a_hit_says_where_and_hides_what() {
        let text = format!("one\n  key = '{}',\n", key(1));
        let hits = streamed(text.as_bytes());
        assert_eq!(hits.len(), 1);
        assert_eq!((hits[0].start.line, hits[0].start.column), (2, 10));
        assert_eq!((hits[0].end.line, hits[0].end.column), (2, 174));
        assert_eq!(
            hits[0].excerpt.text(),
            "  key = 'sk-proj-[164 characters hidden]',"
        );
    }

    #[test]
    fn a_stream_is_searched_like_the_whole_text() {
        let matcher = Matcher::new(RuleSet::built_in()).unwrap();
        let filler = b"a line of text, not long\n";
        let edge = WINDOW - OVERLAP;
        for place in [
            0,
            edge - 200,
            edge - 100,
            edge,
            WINDOW - 100,
            WINDOW,
            2 * WINDOW + 77,
        ] {
            let mut text: Vec<u8> = filler.iter().copied().cycle().take(place).collect();
            text.extend_from_slice(key(2).as_bytes());
            text.extend(filler.iter().cycle().take(WINDOW));
            let whole = Inspector::new(&matcher, true, false).bytes(&text).unwrap();
            let hits = streamed(&text);
            assert_eq!(hits, whole.hits, "at {place}");
            assert_eq!(hits.len(), 1, "at {place}");
        }
    }

    #[test]
    fn many_keys_over_window_edges_are_told_once() {
        let text: Vec<u8> = (0..60_000)
            .flat_map(|i| format!("{}\n", key(i % 50)).into_bytes())
            .collect();
        assert!(text.len() > 2 * WINDOW);
        assert_eq!(streamed(&text).len(), 60_000);
    }
}
