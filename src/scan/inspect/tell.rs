//! Tells what the matcher found: hits with their excerpts, and what was rejected.

use std::ops::Range;

use memchr::memmem;

use crate::excerpt::Excerpt;
use crate::finding::Hit;
use crate::finding::SuppressedBy;
use crate::finding::Suppression;
use crate::key_id::KeyId;
use crate::matcher::Candidate;
use crate::matcher::Matches;
use crate::policy::allow;
use crate::scan::inspect::Inspector;
use crate::scan::inspect::inside::Inside;
use crate::scan::inspect::inspected::Inspected;
use crate::scan::inspect::inspected::Note;
use crate::scan::inspect::windows::Track;
use crate::scan::redact::Redactor;
use crate::scan::redact::hidden_in;
use crate::secret::Secret;
use crate::span::Base;
use crate::span::LineIndex;
use crate::text::escape;

/// Bytes to either side of the marker by which keys are told from each other.
const MIDDLE: usize = 8;
/// A line is shown at most so far to either side of a secret.
const LINE_REACH: usize = 4 * 1024;

impl Inspector<'_> {
    pub(super) fn tell(
        &self,
        text: &[u8],
        matches: &Matches,
        track: &mut Track,
        until: Option<usize>,
        inside: &Inside<'_>,
        inspected: &mut Inspected,
    ) {
        let from = std::mem::replace(
            &mut track.told,
            track.offset + until.unwrap_or(text.len()) as u64,
        );
        let tell_rejected = self.explain && !matches.rejected.is_empty();
        if matches.candidates.is_empty() && matches.unopened.is_empty() && !tell_rejected {
            return;
        }
        let base = *track.base.get_or_insert_with(|| Base::start(text));
        let lines = LineIndex::new(text, base);
        let is_new =
            |at: usize| track.offset + at as u64 >= from && until.is_none_or(|until| at < until);
        for candidate in &matches.candidates {
            if is_new(candidate.span.start) {
                let hit = self.hit(text, candidate, &matches.candidates, &lines, inside);
                inspected.hits.push(hit);
                inspected.middles.push(self.middle(text, candidate));
            }
        }
        for unopened in &matches.unopened {
            if is_new(unopened.at) {
                inspected.unopened.push(format!(
                    "line {}: {unopened}{}",
                    lines.position(unopened.at).line,
                    inside.suffix()
                ));
            }
        }
        if tell_rejected {
            let taken = |at: usize| matches.candidates.iter().any(|c| c.span.contains(&at));
            let mut said = 0..0;
            for rejected in &matches.rejected {
                let Range { start, end } = rejected.span;
                // What several rules reject, or one once more inside of it, is said once.
                let again = !said.is_empty() && said.contains(&start) && end <= said.end;
                if again || !is_new(start) || taken(start) {
                    continue;
                }
                said = start..end;
                let rule = &self.matcher.rules().rules()[rejected.rule].id;
                let why = rejected.reason.reason();
                inspected.rejected.push(Note {
                    position: lines.position(start),
                    reason: format!("not {rule}: {why}{}", inside.suffix()),
                    key_id: KeyId::of(&Secret::new(&text[start..end], 0)),
                });
            }
        }
    }

    /// What of a key stands around its marker: enough to tell it from all others, and little enough
    /// to be in every piece of it that is told for a key.
    fn middle(&self, text: &[u8], candidate: &Candidate) -> Option<KeyId> {
        let marker = self.matcher.rule(candidate).checks.marker.as_ref()?;
        let written = text.get(candidate.span.clone())?;
        let at = memmem::find(written, marker.as_bytes())?;
        let start = at.checked_sub(MIDDLE)?;
        let middle = written.get(start..at + marker.len() + MIDDLE)?;
        Some(KeyId::of(&Secret::new(middle, 0)))
    }

    fn hit(
        &self,
        text: &[u8],
        candidate: &Candidate,
        all: &[Candidate],
        lines: &LineIndex<'_>,
        inside: &Inside<'_>,
    ) -> Hit {
        let span = &candidate.span;
        let line = lines.line(span.start, LINE_REACH);
        let hidden = hidden_in(all, &line);
        let primary = span.start - line.start..span.end.min(line.end) - line.start;
        let rule = self.matcher.rule(candidate);
        let own = || allow::reason(text, span);
        let foreign = || allow::foreign(text, span).filter(|_| self.foreign);
        let reason = if self.exceptions {
            own().or_else(foreign)
        } else {
            None
        };
        let suppressed = reason.map(|reason| Suppression {
            by: SuppressedBy::Inline,
            reason: escape(&Redactor::new(self.matcher).bytes(reason)),
        });
        Hit {
            start: lines.position(span.start),
            end: lines.position(span.end),
            member: inside.member.clone(),
            rule: rule.id.clone(),
            provider: rule.provider.clone(),
            severity: rule.severity,
            confidence: candidate.confidence,
            key_id: KeyId::of(&candidate.secret),
            mask: candidate.secret.mask(),
            layers: [&inside.layers[..], &candidate.layers].concat(),
            excerpt: Excerpt::new(&text[line], &primary, &hidden),
            suppressed,
        }
    }
}
