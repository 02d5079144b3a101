//! What follows the entries of an index, and where its cache-tree is in that.

use std::ops::Range;

use crate::git::index::Index;
use crate::git::index::IndexError;
use crate::git::index::be32;
use crate::git::index::cache_tree;
use crate::git::index::cache_tree::CacheTree;

/// The end of an index in which the cache-tree is looked for, first and last.
const TAILS: [u64; 2] = [1 << 20, 16 << 20];

/// What follows the entries and says something about them.
#[derive(Debug, Default)]
pub(super) struct Extensions {
    /// Where the cache-tree is.
    pub(super) tree: Option<Range<u64>>,
    /// Where it is told what the shared index is.
    pub(super) link: Option<Range<u64>>,
    /// Whether an entry may stand for a directory.
    pub(super) is_sparse: bool,
}

/// What is believed to be the cache-tree.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) place: Range<u64>,
    pub(super) bytes: Vec<u8>,
}

impl Index {
    /// Takes the cache-tree out, if there is one.
    pub fn cache_tree(&mut self) -> Result<Option<CacheTree>, IndexError> {
        self.tree
            .as_mut()
            .map(|tree| CacheTree::parse(std::mem::take(&mut tree.bytes), self.hash))
            .transpose()
    }

    /// Looks for the cache-tree from the end of the index, since it lies behind the entries.
    /// Whether it is one is told by [`Index::finish`].
    pub(super) fn find_tree(&mut self) -> Result<Option<Found>, IndexError> {
        for length in TAILS {
            let (offset, mut tail) = self.input.tail(length)?;
            if let Some(range) = cache_tree::find(&tail) {
                tail.truncate(range.end);
                tail.drain(..range.start);
                let place = offset + range.start as u64..offset + range.end as u64;
                return Ok(Some(Found { place, bytes: tail }));
            }
            if offset == 0 {
                break;
            }
        }
        Ok(None)
    }

    /// Reads what follows the entries.
    pub(super) fn extensions(&mut self) -> Result<Extensions, IndexError> {
        let mut found = Extensions::default();
        while self.input.left() > 0 {
            let header = self.input.peek(8)?;
            let (Some(signature), Some(size)) = (header.first_chunk::<4>(), header.get(4..8))
            else {
                return Err(IndexError::Damaged("it is cut off"));
            };
            let (signature, size) = (*signature, u64::from(be32(size)));
            self.input.take(8);
            if size > self.input.left() {
                return Err(IndexError::Damaged("an extension is cut off"));
            }
            let place = self.input.offset()..self.input.offset() + size;
            match &signature {
                b"TREE" => found.tree = Some(place),
                b"link" => found.link = Some(place),
                b"sdir" => found.is_sparse = true,
                // What begins with a capital may be passed over by those who do not know it.
                [b'A'..=b'Z', ..] => {}
                _ => return Err(IndexError::Unknown("an extension")),
            }
            self.input.skip(size)?;
        }
        Ok(found)
    }
}
