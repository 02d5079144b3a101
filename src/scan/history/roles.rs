//! What objects are, and what commits and trees take them for. A tree that is none would be passed
//! by in silence: what is below it, or would be, is not where anyone looks for it.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use git2::ObjectType;

/// The kinds of the objects of a store, and the kinds they are named as.
#[derive(Debug)]
pub(super) struct Roles {
    trees: Bits,
    blobs: Bits,
    named_trees: Bits,
    named_blobs: Bits,
}

impl Roles {
    /// For the numbers below `bound`.
    pub(super) fn new(bound: usize) -> Self {
        Self {
            trees: Bits::new(bound),
            blobs: Bits::new(bound),
            named_trees: Bits::new(bound),
            named_blobs: Bits::new(bound),
        }
    }

    /// Notes what an object is.
    pub(super) fn is(&self, number: u32, kind: ObjectType) {
        match kind {
            ObjectType::Tree => self.trees.insert(number),
            ObjectType::Blob => self.blobs.insert(number),
            _ => {}
        }
    }

    /// Whether it was noted that an object is a blob.
    pub(super) fn is_blob(&self, number: u32) -> bool {
        self.blobs.contains(number)
    }

    /// Notes that something names an object as a tree, or as a file.
    pub(super) fn is_named(&self, number: u32, as_tree: bool) {
        if as_tree {
            self.named_trees.insert(number);
        } else {
            self.named_blobs.insert(number);
        }
    }

    /// The objects that are not what they are named as, once all were seen, and those that were not
    /// seen at all.
    pub(super) fn wrong(&self) -> impl Iterator<Item = (u32, &'static str)> {
        let trees = self.named_trees.without(&self.trees);
        let blobs = self.named_blobs.without(&self.blobs);
        let trees = trees.map(|number| (number, "tree"));
        trees.chain(blobs.map(|number| (number, "blob")))
    }
}

/// A set of numbers below a bound, for all threads at once.
#[derive(Debug)]
pub(super) struct Bits(Vec<AtomicU64>);

impl Bits {
    pub(super) fn new(bound: usize) -> Self {
        let words = bound.div_ceil(64);
        Self((0..words).map(|_| AtomicU64::new(0)).collect())
    }

    pub(super) fn insert(&self, number: u32) {
        let (word, bit) = (&self.0[number as usize / 64], 1 << (number % 64));
        // Most trees name what another one named already: then nothing has to be written.
        if word.load(Ordering::Relaxed) & bit == 0 {
            word.fetch_or(bit, Ordering::Relaxed);
        }
    }

    pub(super) fn contains(&self, number: u32) -> bool {
        let word = self.0[number as usize / 64].load(Ordering::Relaxed);
        word >> (number % 64) & 1 != 0
    }

    fn without(&self, others: &Self) -> impl Iterator<Item = u32> {
        let words = (0_u32..).zip(self.0.iter().zip(&others.0));
        words.flat_map(|(at, (word, other))| {
            let left = word.load(Ordering::Relaxed) & !other.load(Ordering::Relaxed);
            let bits = (0..64).filter(move |bit| left >> bit & 1 != 0);
            bits.map(move |bit| at * 64 + bit)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_named_as_something_else_is_told() {
        let roles = Roles::new(200);
        for (number, kind) in [
            (0, ObjectType::Tree),
            (63, ObjectType::Blob),
            (64, ObjectType::Commit),
            (199, ObjectType::Blob),
        ] {
            roles.is(number, kind);
            roles.is_named(number, kind == ObjectType::Tree);
        }
        roles.is_named(199, true);
        roles.is_named(150, false);
        let wrong: Vec<_> = roles.wrong().collect();
        assert_eq!(wrong, [(199, "tree"), (64, "blob"), (150, "blob")]);
    }
}
