//! What was taken on already, by whichever thread.

use std::collections::HashSet;
use std::hash::BuildHasher as _;
use std::hash::Hash;
use std::hash::RandomState;
use std::sync::Mutex;
use std::sync::MutexGuard;

use crate::scan::history::locked;

/// What some thread has taken on.
pub(super) struct Seen<T> {
    shards: [Mutex<HashSet<T>>; 32],
    hasher: RandomState,
}

impl<T: Eq + Hash> Seen<T> {
    pub(super) fn new() -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::default()),
            hasher: RandomState::new(),
        }
    }

    fn shard(&self, thing: &T) -> MutexGuard<'_, HashSet<T>> {
        let hash = self.hasher.hash_one(thing);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "any bits of a hash will do"
        )]
        let shard = hash as usize % self.shards.len();
        locked(&self.shards[shard])
    }

    /// Whether the caller is the first to come with it.
    pub(super) fn insert(&self, thing: T) -> bool {
        self.shard(&thing).insert(thing)
    }

    pub(super) fn contains(&self, thing: &T) -> bool {
        self.shard(thing).contains(thing)
    }
}
