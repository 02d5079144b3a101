//! Streams, searched window by window with the result of searching them whole.

use std::collections::HashSet;
use std::io;
use std::io::Read;

use crate::decode::Layer;
use crate::decode::container;
use crate::decode::container::HEAD;
use crate::decode::container::TAIL;
use crate::decode::wide::Wide;
use crate::matcher::Candidate;
use crate::matcher::MatchError;
use crate::rule::Confidence;
use crate::rule::MAX_REACH;
use crate::scan::inspect::InspectError;
use crate::scan::inspect::Inspector;
use crate::scan::inspect::buffer::Buffer;
use crate::scan::inspect::inside::Inside;
use crate::scan::inspect::inspected::Inspected;
use crate::secret::Secret;
use crate::span::Base;

/// Bytes at the end of a window that are searched again with the next: no match is longer.
pub(super) const OVERLAP: usize = MAX_REACH;
/// Bytes before these that are kept too, for the excerpt, the boundary and the exception.
const CONTEXT: usize = 2 * MAX_REACH;
/// Bytes of a window that are kept for the next; among them is the end of a zip.
const KEPT: usize = if OVERLAP + CONTEXT > TAIL {
    OVERLAP + CONTEXT
} else {
    TAIL
};

impl Inspector<'_> {
    /// Searches a stream, of which the size may be known; says what container it is. Where it cannot
    /// be read on, what was read is searched before the error is given.
    pub(super) fn windows(
        &self,
        stream: &mut impl Read,
        buffer: &mut Buffer,
        inside: &Inside<'_>,
        inspected: &mut Inspected,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Option<Layer>, InspectError> {
        let mut begun = None;
        loop {
            let filled = buffer.fill(stream);
            inspected.bytes += filled.read as u64;
            let kind = self.next_window(buffer, &mut begun, filled.is_end, inside, inspected)?;
            if let Some(error) = filled.error {
                return Err(error.into());
            }
            if filled.is_end {
                return Ok(kind);
            }
            if cancelled() {
                return Err(io::Error::new(io::ErrorKind::Interrupted, "interrupted").into());
            }
        }
    }

    /// Searches a buffer that is full, or at the end of a stream, and makes room in it; says at the end
    /// what container the stream is.
    pub(super) fn next_window(
        &self,
        buffer: &mut Buffer,
        begun: &mut Option<(Pass, Option<Layer>)>,
        is_end: bool,
        inside: &Inside<'_>,
        inspected: &mut Inspected,
    ) -> Result<Option<Layer>, MatchError> {
        let text = buffer.text();
        let (pass, container) = begun.get_or_insert_with(|| {
            let head = &text[..text.len().min(HEAD)];
            (Pass::new(text), container::kind(head))
        });
        let until = (!is_end).then(|| text.len() - OVERLAP);
        self.window(text, pass, until, inside, inspected)?;
        if is_end {
            return Ok(container.or_else(|| container::kind_at_end(text)));
        }
        let kept = pass.advance(text, text.len() - KEPT);
        buffer.drop_first(kept);
        Ok(None)
    }

    /// Searches a window of a text, and tells the hits that begin before `until` in it and were not
    /// told with the window before.
    pub(super) fn window(
        &self,
        text: &[u8],
        pass: &mut Pass,
        until: Option<usize>,
        inside: &Inside<'_>,
        inspected: &mut Inspected,
    ) -> Result<(), MatchError> {
        if let Some((wide, track)) = &mut pass.wide {
            let decoded = wide.decode(text);
            let mut matches = self.matcher.find_in_part(&decoded, inside.left)?;
            // What is no such text in spite of its looks, or is so from another byte on, is searched
            // as it is, too.
            let mut plain = self.matcher.find_in_part(text, inside.left)?;
            let known: HashSet<&Secret> = matches.candidates.iter().map(|c| &c.secret).collect();
            plain.candidates.retain(|c| !known.contains(&c.secret));
            // Read from another byte on, a key lacks its last character: the whole one is told.
            let is_whole = |c: &&Candidate| c.confidence > Confidence::Medium;
            let all = matches.candidates.iter().chain(&plain.candidates);
            let cut = all.filter(is_whole).map(|c| c.secret.shortened(1));
            let cut: Vec<Secret> = cut.collect();
            let cut: HashSet<&Secret> = cut.iter().collect();
            for matches in [&mut matches, &mut plain] {
                let candidates = &mut matches.candidates;
                candidates.retain(|c| is_whole(&c) || !cut.contains(&c.secret.shortened(0)));
            }
            self.tell(text, &plain, &mut pass.plain, until, inside, inspected);
            let until = until.map(|until| wide.decode(&text[..wide.boundary(text, until)]).len());
            let mut inside = inside.clone();
            inside.layers.push(wide.layer());
            self.tell(&decoded, &matches, track, until, &inside, inspected);
        } else {
            let matches = self.matcher.find_in_part(text, inside.left)?;
            self.tell(text, &matches, &mut pass.plain, until, inside, inspected);
        }
        Ok(())
    }
}

/// How far a text has been searched, as it is and as wide text.
pub(super) struct Pass {
    plain: Track,
    wide: Option<(Wide, Track)>,
}

/// How far one reading of a text has been searched.
#[derive(Default)]
pub(super) struct Track {
    /// Where the window begins.
    pub(super) offset: u64,
    /// The same with lines; made with the first hit or the second window, since most texts need
    /// neither.
    pub(super) base: Option<Base>,
    /// Up to where hits have been told.
    pub(super) told: u64,
}

impl Pass {
    pub(super) fn new(start: &[u8]) -> Self {
        Self {
            plain: Track::default(),
            wide: Wide::sniff(start).map(|wide| (wide, Track::default())),
        }
    }

    /// Moves the start of the window on by about `by` bytes; says by how many.
    fn advance(&mut self, window: &[u8], by: usize) -> usize {
        let by = match &mut self.wide {
            Some((wide, track)) => {
                let by = wide.boundary(window, by);
                track.advance(&wide.decode(&window[..by]));
                by
            }
            None => by,
        };
        self.plain.advance(&window[..by]);
        by
    }
}

impl Track {
    fn advance(&mut self, passed: &[u8]) {
        let base = self.base.unwrap_or_else(|| Base::start(passed));
        self.base = Some(base.after(passed));
        self.offset += passed.len() as u64;
    }
}
