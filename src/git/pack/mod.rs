//! Reading whole packs: every object is decompressed once, deltas right after what they build on.
//!
//! Reading objects one by one resolves the chain below each of them anew, which costs many times
//! what is read. A walk goes through the delta trees of a pack instead: a base is decompressed
//! once, all that builds on it is made from it, and then it is forgotten. The kind of a delta is
//! that of its root, so that what is not wanted is not even decompressed.
//!
//! A repository is untrusted, and may be damaged. The checksum of an index, the order of its
//! names, the CRC-32 that it has of each entry and the Adler-32 of each stream are checked; sizes,
//! offsets and delta instructions are never believed. Objects are not hashed: who forges a name
//! changes what an object is called, not what it holds. Whatever cannot be read is an error that
//! names the object, or the pack.

mod bits;
mod delta;
mod entry;
mod file;
mod index;
mod map;
mod plan;
mod read;
mod store;
mod walk;

use git2::ObjectType;
use git2::Oid;

pub use self::delta::Copied;
pub use self::store::SizeHint;
pub use self::store::Store;
pub use self::walk::Made;
pub use self::walk::Visit;

/// A set of kinds of objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kinds(u8);

impl Kinds {
    /// Contents of files.
    pub const BLOBS: Self = Self(1);
    /// Directories.
    pub const TREES: Self = Self(2);
    /// Commits.
    pub const COMMITS: Self = Self(4);
    /// Annotated tags.
    pub const TAGS: Self = Self(8);
    /// Every object.
    pub const ALL: Self = Self(15);

    /// Whether objects of a kind are in the set.
    pub fn contains(self, kind: ObjectType) -> bool {
        let bit = match kind {
            ObjectType::Blob => Self::BLOBS,
            ObjectType::Tree => Self::TREES,
            ObjectType::Commit => Self::COMMITS,
            ObjectType::Tag => Self::TAGS,
            ObjectType::Any => return false,
        };
        self.0 & bit.0 != 0
    }
}

impl std::ops::BitOr for Kinds {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Why an object of a pack could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Damage {
    /// The index names a place outside of the pack.
    #[error("its place is not inside of the pack")]
    Place,
    /// What it is and how long cannot be told.
    #[error("its header is damaged")]
    Header,
    /// Its CRC-32, or for want of one its hash, is another.
    #[error("its bytes are not those the index was made for")]
    Checksum,
    /// Its compressed bytes make no sense.
    #[error("it cannot be decompressed")]
    Inflate,
    /// Its header or its delta lies about a length.
    #[error("it is not as long as it says")]
    Length,
    /// It is larger than what is read at most.
    #[error("it is larger than 1 GiB")]
    TooLarge,
    /// There is no memory for it.
    #[error("it does not fit into memory")]
    Memory,
    /// It copies what its base does not have, or its instructions break off.
    #[error("its delta is damaged")]
    Delta,
    /// What it builds on cannot be read itself.
    #[error("the object {0} that it builds on cannot be read")]
    Base(Oid),
    /// What it builds on is nowhere.
    #[error("the object that it builds on is not there")]
    NoBase,
    /// Its chain of deltas has no end.
    #[error("it builds on itself")]
    Cycle,
}
