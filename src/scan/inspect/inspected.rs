//! What was found in some bytes, and what was not searched of them.

use std::collections::HashSet;
use std::io;

use crate::decode::Layer;
use crate::finding::Hit;
use crate::key_id::KeyId;
use crate::span::Position;

/// Hits, and what was rejected with the place and the reason.
#[derive(Debug, Default)]
pub struct Inspected {
    /// The secrets, by place.
    pub hits: Vec<Hit>,
    /// Matches that were rejected. Only when asked for.
    pub rejected: Vec<Note>,
    /// Why archives, or members of them, were not opened. Their own bytes were searched.
    pub unopened: Vec<String>,
    /// Why the content was not read to its end; what was read was searched.
    pub cut: Option<io::Error>,
    /// Bytes read.
    pub bytes: u64,
    /// For each hit, the middle of it, by which a piece of a key is told for one.
    pub(super) middles: Vec<Option<KeyId>>,
}

/// A match that was rejected.
#[derive(Debug)]
pub struct Note {
    /// Where it is.
    pub position: Position,
    /// Why it was rejected, and what it lies inside of.
    pub reason: String,
    /// What was rejected.
    pub(super) key_id: KeyId,
}

impl Inspected {
    /// Whether there is nothing to tell.
    pub fn is_silent(&self) -> bool {
        let nothing_found = self.hits.is_empty() && self.rejected.is_empty();
        nothing_found && self.unopened.is_empty() && self.cut.is_none()
    }

    pub(super) fn too_deep(&mut self, kind: Layer) {
        let kind = kind.word();
        self.unopened.push(format!(
            "a {kind} lies too deep inside of others to be opened"
        ));
    }

    /// Takes out what was told from a place on.
    pub(super) fn split_off(&mut self, hits: usize, rejected: usize) -> Self {
        Self {
            hits: self.hits.split_off(hits),
            middles: self.middles.split_off(hits),
            rejected: self.rejected.split_off(rejected),
            ..Self::default()
        }
    }

    /// Adds what was told of the bytes of a container to what was told of its members, which are
    /// here from `hits` and `rejected` on: each key once, and a piece of a key not at all.
    pub(super) fn add_outer(&mut self, outer: Self, hits: usize, rejected: usize) {
        let keys: HashSet<KeyId> = self.hits[hits..].iter().map(|hit| hit.key_id).collect();
        let middles: HashSet<KeyId> = self.middles[hits..].iter().copied().flatten().collect();
        for (hit, middle) in outer.hits.into_iter().zip(outer.middles) {
            let piece = middle.is_some_and(|middle| middles.contains(&middle));
            if !piece && !keys.contains(&hit.key_id) {
                self.hits.push(hit);
                self.middles.push(middle);
            }
        }
        let known: HashSet<KeyId> = self.rejected[rejected..].iter().map(|n| n.key_id).collect();
        let only_outside = |note: &Note| !known.contains(&note.key_id);
        self.rejected
            .extend(outer.rejected.into_iter().filter(only_outside));
    }
}
