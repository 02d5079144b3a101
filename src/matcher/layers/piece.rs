//! Pieces of text, unescaped and joined.

use std::ops::Range;

use memchr::memchr_iter;
use memchr::memmem;

use crate::decode::View;
use crate::decode::escape::blank;
use crate::decode::escape::readings;
use crate::decode::escape::reread;
use crate::decode::escape::unescape;
use crate::decode::join::hyphenated;
use crate::decode::join::join;
use crate::decode::join::literals;
use crate::decode::values::values;
use crate::matcher::Candidate;
use crate::matcher::MatchError;
use crate::matcher::Matcher;
use crate::matcher::Matches;
use crate::matcher::layers::Depth;
use crate::matcher::layers::below::Below;
use crate::matcher::layers::needles::MARKER;
use crate::matcher::layers::needles::PREFIX;
use crate::rule::Confidence;

/// Times that escapes are taken off: percent-encoding and JSON are often applied twice.
const MAX_UNESCAPED: usize = 3;

impl Matcher {
    /// Searches a piece of text: joined, unescaped, unescaped and joined, and so on.
    pub(super) fn find_in_piece(
        &self,
        text: &[u8],
        piece: Range<usize>,
        depth: Depth<'_>,
        out: &mut Below,
    ) -> Result<(), MatchError> {
        let start = piece.start;
        let before = out.candidates.len();
        let mut view = View::of(&text[piece]);
        for round in 0..=MAX_UNESCAPED {
            if round > 0 {
                let inner = self.find_at_depth(view.bytes(), depth.deeper())?;
                out.add_view(inner, &view, start, |span| view.layers(span));
            }
            // What they may mean is looked at where the marker is not written in any of them.
            let readings = if round == 0 && has_marker(&view) {
                readings(&view)
            } else {
                Vec::new()
            };
            for reading in readings {
                if let Some(other) = reread(&view, reading).filter(has_marker) {
                    let inner = self.find_plain(other.bytes(), &[])?;
                    out.add_view(inner, &other, start, |span| other.layers(span));
                }
            }
            // Words that follow each other make up any length: only known ones around a marker
            // count, that end where a piece ends. A cut key would be filled up from what follows.
            let has_prefix = memmem::find(view.bytes(), PREFIX).is_some();
            let blank = blank(&view);
            let literals = has_prefix.then(|| literals(&view));
            let hyphenated = if round == 0 && has_marker(&view) {
                hyphenated(&view)
            } else {
                None
            };
            // What a value begins with may look like an escape: they are as they stand, or not at all.
            let values = if has_prefix && round == 0 {
                values(&view, PREFIX).filter(has_marker)
            } else {
                None
            };
            // As many as there are.
            let all = [Some(join(&blank)), literals, hyphenated];
            for joined in all.into_iter().flatten() {
                let inner = self.find_in_joined(&joined)?;
                out.add_view(inner, &joined, start, |span| joined.layers(span));
            }
            if let Some(values) = values {
                let mut inner = self.find_in_joined(&values)?;
                let known = &out.candidates[before..];
                inner.candidates.retain(|candidate| {
                    let span = values.source(&candidate.span);
                    let span = start + span.start..start + span.end;
                    let joined = &values.bytes()[candidate.span.clone()];
                    let length = candidate.secret.length();
                    let has_more =
                        |other: &Candidate| other.span == span && other.secret.length() > length;
                    hyphens(&text[span.clone()]) <= hyphens(joined) || !known.iter().any(has_more)
                });
                out.add_view(inner, &values, start, |span| values.layers(span));
            }
            match unescape(&view) {
                Some(next) => view = next,
                None => break,
            }
        }
        Ok(())
    }

    /// Searches what was joined for keys that are known for theirs.
    fn find_in_joined(&self, joined: &View) -> Result<Matches, MatchError> {
        let mut inner = self.find_plain(joined.bytes(), &joined.boundaries())?;
        inner.candidates.retain(|candidate| {
            candidate.confidence >= Confidence::High
                && self.rule(candidate).checks.marker.is_some()
                && joined.ends_piece(candidate.span.end)
        });
        Ok(inner)
    }
}

/// Values leave out the words of code. One with a hyphen is a part of the name in a key, if the literals
/// have it.
fn hyphens(text: &[u8]) -> usize {
    memchr_iter(b'-', text).count()
}

fn has_marker(view: &View) -> bool {
    memmem::find(view.bytes(), MARKER).is_some()
}
