//! What was found below the surface of a text.

use std::ops::Range;

use crate::decode::Layer;
use crate::decode::View;
use crate::matcher::Candidate;
use crate::matcher::Matches;
use crate::matcher::layers::encoded::Unopened;

/// Remarks among which another one is sought: a text is looked at in no more readings.
const READINGS: usize = 64;

/// What was found below the surface of a text.
#[derive(Debug, Default)]
pub(super) struct Below {
    pub(super) candidates: Vec<Candidate>,
    pub(super) unopened: Vec<Unopened>,
}

impl Below {
    /// Adds what was found in a view of the text from `start` on.
    pub(super) fn add_view(
        &mut self,
        found: Matches,
        view: &View,
        start: usize,
        layers: impl Fn(&Range<usize>) -> Vec<Layer>,
    ) {
        let source = |span: &Range<usize>| {
            let span = view.source(span);
            start + span.start..start + span.end
        };
        for inner in found.candidates {
            let layers = layers(&inner.span);
            let span = source(&inner.span);
            let inner = inner.under(&layers);
            self.candidates.push(Candidate { span, ..inner });
        }
        for inner in found.unopened {
            let span = inner.at..inner.at + 1;
            let inner = inner.under(&layers(&span), source(&span).start);
            remark(&mut self.unopened, inner);
        }
    }

    /// Adds it to what was found above, and is empty then.
    pub(super) fn give(&mut self, matches: &mut Matches) {
        matches.add_deeper(&mut self.candidates);
        for inner in self.unopened.drain(..) {
            remark(&mut matches.unopened, inner);
        }
    }
}

/// Notes a container that was not read to its end, once: a text is looked at in several readings.
pub(super) fn remark(unopened: &mut Vec<Unopened>, inner: Unopened) {
    let mut last = unopened.iter().rev().take(READINGS);
    if !last.any(|known| *known == inner) {
        unopened.push(inner);
    }
}
