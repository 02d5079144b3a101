//! The index, read as it lies on the disk: an entry at a time, and nothing kept that is passed by.
//!
//! libgit2 hashes an index with its slow, collision-proof SHA-1 and makes an object of every entry.
//! Here a large index goes by in a small buffer while another thread hashes it. One that is split or
//! sparse, which libgit2 cannot read, is read as a whole. What this reader does not know, it leaves to libgit2 ([`IndexError::Unknown`]); what is damaged it says.

mod cache_tree;
mod checksum;
mod entry;
mod extensions;
mod input;
mod look_up;
mod open;
mod split;

use std::io;

use git2::Oid;

pub use crate::git::index::cache_tree::CacheTree;
pub use crate::git::index::cache_tree::Node;
pub use crate::git::index::checksum::Ahead;
use crate::git::index::checksum::Checksum;
use crate::git::index::entry::DIRECTORY;
pub use crate::git::index::entry::Entry;
pub use crate::git::index::entry::INTENT_TO_ADD;
use crate::git::index::entry::LENGTH;
use crate::git::index::entry::REST;
use crate::git::index::entry::Raw;
pub use crate::git::index::entry::STAGE;
use crate::git::index::entry::STAT;
use crate::git::index::entry::parse;
use crate::git::index::entry::plain_size;
use crate::git::index::extensions::Found;
use crate::git::index::input::Input;
use crate::git::index::split::Split;

const MISFIT: IndexError = IndexError::Unknown("its cache-tree does not fit");

/// Why an index could not be read here.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// Its file could not be read.
    #[error(transparent)]
    Read(#[from] io::Error),
    /// It is not as it was written.
    #[error("it is damaged: {0}")]
    Damaged(&'static str),
    /// It has a form that is not known here, or is put together as git would not do it.
    #[error("it has a form that is not known: {0}")]
    Unknown(&'static str),
}

/// An index that is being read.
#[derive(Debug)]
pub struct Index {
    input: Input,
    version: u32,
    /// Bytes of an object id.
    hash: usize,
    /// Entries behind the current one.
    left: u32,
    current: Option<Raw>,
    path: Vec<u8>,
    previous: Vec<u8>,
    trailer: [u8; 32],
    checksum: Checksum,
    tree: Option<Found>,
    /// Whether it is known what the extensions make of the entries.
    is_surveyed: bool,
    /// Whether an entry may stand for a directory.
    is_sparse: bool,
    /// The shared index that this one changes.
    split: Option<Box<Split>>,
}

impl Index {
    /// The entry that is next; `None` behind the last.
    pub fn current(&self) -> Result<Option<Entry<'_>>, IndexError> {
        let Some(raw) = &self.current else {
            return Ok(None);
        };
        let oid = Oid::from_bytes(&raw.oid[..self.hash])
            .map_err(|_| IndexError::Unknown("an object id"))?;
        Ok(Some(Entry {
            path: &self.path,
            mode: raw.mode,
            oid,
            is_unmerged: raw.flags & STAGE != 0,
            is_intent_to_add: raw.extended & INTENT_TO_ADD != 0,
        }))
    }

    /// The path of the entry that is next.
    pub fn path(&self) -> Option<&[u8]> {
        self.current.as_ref().map(|_| &*self.path)
    }

    /// Whether the entry that is next stands for all that is below its path.
    fn is_directory(&self) -> bool {
        self.current.is_some_and(|raw| raw.mode == DIRECTORY)
    }

    /// Passes the next `count` entries by, which all have to lie below `directory` and be what a
    /// tree can hold, and behind which none may lie below it any more.
    pub fn skip(&mut self, count: u32, directory: &[u8]) -> Result<(), IndexError> {
        if count > 0 {
            self.fits(directory)?;
            for _ in 1..count {
                self.pass(directory)?;
            }
            self.advance()?;
        }
        match self.path() {
            Some(path) if path.starts_with(directory) => Err(MISFIT),
            _ => Ok(()),
        }
    }

    /// Insists on a current entry that is part of the tree of `directory`.
    fn fits(&self, directory: &[u8]) -> Result<(), IndexError> {
        let plain = self
            .current
            .is_some_and(|raw| raw.flags & STAGE == 0 && raw.extended & INTENT_TO_ADD == 0);
        if plain && self.path.starts_with(directory) {
            Ok(())
        } else {
            Err(MISFIT)
        }
    }

    /// Goes on to an entry that is part of the tree of `directory`, and if it can, does not take
    /// its path out of the buffer.
    fn pass(&mut self, directory: &[u8]) -> Result<(), IndexError> {
        let flags = STAT + self.hash;
        let wanted = flags + REST + usize::from(LENGTH);
        let in_place = self.version < 4 && self.left > 0;
        if in_place && let Some(size) = plain_size(self.input.peek(wanted)?, flags, directory) {
            self.left -= 1;
            self.input.take(size);
            return Ok(());
        }
        self.advance()?;
        self.fits(directory)
    }

    /// Goes on to the next entry. Entries come in the order of their paths, each once, or once a
    /// stage.
    pub fn advance(&mut self) -> Result<(), IndexError> {
        let before = self.current.map(|raw| raw.flags & STAGE);
        let raw = if let Some(split) = &mut self.split {
            std::mem::swap(&mut self.path, &mut self.previous);
            split.next(&mut self.path)?
        } else if self.left > 0 {
            self.left -= 1;
            std::mem::swap(&mut self.path, &mut self.previous);
            Some(self.entry()?)
        } else {
            None
        };
        let Some(raw) = raw else {
            self.current = None;
            return Ok(());
        };
        if self.path.is_empty() {
            // In an index that is split, of one that has a name in the shared part.
            return Err(IndexError::Unknown("a path that stands elsewhere"));
        }
        if raw.mode & 0o170_000 == DIRECTORY {
            let plain = raw.flags & STAGE == 0 && raw.extended & INTENT_TO_ADD == 0;
            if !(self.is_sparse && plain && raw.mode == DIRECTORY && self.path.ends_with(b"/")) {
                return Err(IndexError::Unknown("a directory among its files"));
            }
        }
        if let Some(stage) = before {
            let order = self
                .path
                .cmp(&self.previous)
                .then((raw.flags & STAGE).cmp(&stage));
            if order.is_le() {
                return Err(IndexError::Unknown("the order of its entries"));
            }
        }
        self.current = Some(raw);
        Ok(())
    }

    /// Reads an entry; its path goes to `self.path`.
    fn entry(&mut self) -> Result<Raw, IndexError> {
        let fixed = STAT + self.hash + 2;
        let mut wanted = fixed + REST + usize::from(LENGTH);
        loop {
            let bytes = self.input.peek(wanted)?;
            let complete = bytes.len() < wanted;
            if let Some(size) = parse(
                bytes,
                self.hash,
                self.version,
                &self.previous,
                &mut self.path,
            )? {
                let raw = Raw::new(bytes, self.hash);
                self.input.take(size);
                return Ok(raw);
            }
            if complete {
                return Err(IndexError::Damaged("it is cut off within its entries"));
            }
            // A name that is longer than the buffer.
            wanted *= 2;
        }
    }

    /// The merge stage of the entry that is next.
    fn stage(&self) -> Option<u16> {
        self.current.map(|raw| raw.flags & STAGE)
    }

    /// How many entries are left, with the one that is next.
    fn count(&self) -> u64 {
        u64::from(self.left) + u64::from(self.current.is_some())
    }

    /// Reads what follows the entries and compares the checksum. Until then, nothing that was read
    /// is sure.
    pub fn finish(mut self) -> Result<(), IndexError> {
        while self.left > 0 || self.current.is_some() {
            self.advance()?;
        }
        let found = self.extensions()?;
        if (found.is_sparse || found.link.is_some()) && !self.is_surveyed {
            return Err(IndexError::Unknown("an extension"));
        }
        let believed = self.tree.map(|tree| tree.place);
        if believed.is_some() && believed != found.tree {
            return Err(IndexError::Unknown("its cache-tree is not where it seemed"));
        }
        if let Some(split) = self.split {
            split.finish()?;
        }
        self.checksum.finish()
    }
}

fn be16(bytes: &[u8]) -> u16 {
    bytes
        .first_chunk()
        .map_or(0, |bytes| u16::from_be_bytes(*bytes))
}

fn be32(bytes: &[u8]) -> u32 {
    bytes
        .first_chunk()
        .map_or(0, |bytes| u32::from_be_bytes(*bytes))
}
