//! Looks for secrets that are written in another way: escaped, split, wide, encoded, compressed.
//!
//! It costs nothing where there is nothing: what triggers it is found in the one pass for the
//! keywords, save for base64 and hex, whose long runs are told by looking at every 32 bytes.

mod allowance;
mod below;
mod encoded;
mod needles;
mod piece;

use std::collections::HashSet;
use std::ops::Range;

use memchr::memmem;

use crate::decode::Layer;
use crate::decode::View;
use crate::decode::dump;
use crate::decode::numbers;
use crate::decode::token;
use crate::decode::wide;
use crate::matcher::MatchError;
use crate::matcher::Matcher;
use crate::matcher::Matches;

pub use crate::matcher::layers::allowance::Allowance;
use crate::matcher::layers::below::Below;
pub use crate::matcher::layers::encoded::Unopened;
pub(super) use crate::matcher::layers::needles::MARKER;
pub(super) use crate::matcher::layers::needles::NEEDLES;
pub(super) use crate::matcher::layers::needles::Trigger;

/// Layers that are taken off each other.
const MAX_DEPTH: usize = 3;
/// Bytes to either side of a trigger that are decoded.
const REACH: usize = 1536;
/// Bytes of text that are decoded at once.
const MAX_PIECE: usize = 64 * 1024;

/// How many layers a text lies below the one that is searched, and what the containers of that one may still
/// expand to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Depth<'left> {
    layers: usize,
    left: &'left Allowance,
}

impl<'left> Depth<'left> {
    pub(super) fn surface(left: &'left Allowance) -> Self {
        Self { layers: 0, left }
    }

    fn deeper(self) -> Self {
        let layers = self.layers + 1;
        Self { layers, ..self }
    }
}

impl Matcher {
    /// Adds what is found below the surface of `text`. `triggers` are the places of [`NEEDLES`].
    ///
    /// Whatever is looked for without one of these has to be known to [`Matcher::is_blank`] too.
    pub(super) fn find_layered(
        &self,
        text: &[u8],
        triggers: &[(usize, Trigger)],
        depth: Depth<'_>,
        matches: &mut Matches,
    ) -> Result<(), MatchError> {
        if depth.layers >= MAX_DEPTH {
            return Ok(());
        }
        let mut deeper = Below::default();
        let mut error = None;
        token::runs(text, |decoded| {
            match self.find_in_decoded(&decoded, depth, &mut deeper) {
                Ok(found) => found,
                Err(failed) => {
                    error = Some(failed);
                    true
                }
            }
        });
        if let Some(error) = error {
            return Err(error);
        }
        deeper.give(matches);

        let none = matches.known_to_be_none();
        let mut piece: Option<Range<usize>> = None;
        let mut wide = (0, 0..0);
        let mut listed = HashSet::new();
        let mut dumped = 0;
        for &(at, trigger) in triggers {
            if matches.covers(at, &none) {
                continue;
            }
            if matches!(trigger, Trigger::Text | Trigger::Numbers) && at >= dumped {
                dumped = self.find_in_dump(text, at, depth, &mut deeper)?;
            }
            match trigger {
                Trigger::Wide(unit) => {
                    // One run holds many.
                    if wide.0 != unit || !wide.1.contains(&at) {
                        let run = self.find_in_wide(text, at, unit, depth, &mut deeper)?;
                        wide = (unit, run);
                    }
                }
                Trigger::Numbers => {
                    // So does one list.
                    if !listed.contains(&at) {
                        self.find_in_numbers(text, at, depth, &mut listed, &mut deeper)?;
                    }
                }
                Trigger::Text | Trigger::Characters => {
                    let around = at.saturating_sub(REACH)..text.len().min(at + REACH);
                    match &mut piece {
                        Some(piece) if around.start <= piece.end && piece.len() < MAX_PIECE => {
                            piece.end = around.end;
                        }
                        _ => {
                            if let Some(piece) = piece.replace(around) {
                                self.find_in_piece(text, piece, depth, &mut deeper)?;
                            }
                        }
                    }
                }
            }
        }
        if let Some(piece) = piece {
            self.find_in_piece(text, piece, depth, &mut deeper)?;
        }
        deeper.give(matches);
        Ok(())
    }

    /// Searches the run of wide text around `at`; gives what of the text need not be searched again.
    fn find_in_wide(
        &self,
        text: &[u8],
        at: usize,
        unit: usize,
        depth: Depth<'_>,
        out: &mut Below,
    ) -> Result<Range<usize>, MatchError> {
        let (view, range, layer) = wide::run_around(text, at, unit, MAX_PIECE);
        let inner = self.find_at_depth(view.bytes(), depth.deeper())?;
        out.add_view(inner, &view, range.start, |_| vec![layer]);
        // Where the run was cut off, its end is to be searched again.
        let cut = range.end - at >= MAX_PIECE;
        let end = if cut { range.end - REACH } else { range.end };
        Ok(range.start..end)
    }

    /// Searches the list of numbers around `at`; notes the places of markers for which it need not be
    /// searched again.
    fn find_in_numbers(
        &self,
        text: &[u8],
        at: usize,
        depth: Depth<'_>,
        listed: &mut HashSet<usize>,
        out: &mut Below,
    ) -> Result<(), MatchError> {
        let Some((view, layer)) = numbers::list_around(text, at, MARKER) else {
            return Ok(());
        };
        self.find_in_view(&view, layer, depth, out)?;
        let mut known = view.bytes();
        if known.len() > numbers::BEHIND {
            // Where it was cut off, its end is to be searched again.
            known = &known[..known.len() - REACH];
        }
        for marker in memmem::find_iter(known, MARKER) {
            listed.extend(view.source(&(marker..marker + 1)));
        }
        Ok(())
    }

    /// Searches the dump in which `at` stands, if it does; gives up to where it need not be searched again.
    fn find_in_dump(
        &self,
        text: &[u8],
        at: usize,
        depth: Depth<'_>,
        out: &mut Below,
    ) -> Result<usize, MatchError> {
        let Some((view, known)) = dump::around(text, at) else {
            return Ok(dump::line_end(text, at));
        };
        self.find_in_view(&view, Layer::Hex, depth, out)?;
        Ok(known)
    }

    /// Searches what was decoded of a layer.
    fn find_in_view(
        &self,
        view: &View,
        layer: Layer,
        depth: Depth<'_>,
        out: &mut Below,
    ) -> Result<(), MatchError> {
        let inner = self.find_at_depth(view.bytes(), depth.deeper())?;
        out.add_view(inner, view, 0, |_| vec![layer]);
        Ok(())
    }
}
