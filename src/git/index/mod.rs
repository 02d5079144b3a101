//! The index, read as it lies on the disk: an entry at a time, and nothing kept that is passed by.
//!
//! libgit2 hashes an index with its slow, collision-proof SHA-1 and makes an object of every entry.
//! Here a large index goes by in a small buffer while another thread hashes it. One that is split or
//! sparse, which libgit2 cannot read, is read as a whole. What this reader does not know, it leaves to libgit2 ([`IndexError::Unknown`]); what is damaged it says.

mod cache_tree;
mod checksum;
mod input;
mod split;

use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::Path;

use git2::ObjectFormat;
use git2::Oid;

pub use crate::git::index::cache_tree::CacheTree;
pub use crate::git::index::cache_tree::Node;
pub use crate::git::index::checksum::Ahead;
use crate::git::index::checksum::Checksum;
use crate::git::index::input::Input;
use crate::git::index::split::Link;
use crate::git::index::split::Split;

/// Bytes of an index from which on it is not read as a whole.
const STREAMED: u64 = 1 << 20;
/// An index larger than this is left to libgit2.
const MAX_INDEX: u64 = 2 << 30;
/// An index larger than this, and of a form that git chooses to make indexes small, is left to
/// libgit2.
const MAX_ODD_INDEX: u64 = 256 << 20;
/// Bytes that are read at a time to look one path up: those that are, are near the beginning.
const LOOK_UP: usize = 16 << 10;
/// The end of an index in which the cache-tree is looked for, first and last.
const TAILS: [u64; 2] = [1 << 20, 16 << 20];
/// Bytes of the header: `DIRC`, the version, the number of entries.
const HEADER: usize = 12;
/// Bytes of an entry before its object id.
const STAT: usize = 40;
/// Of these, where the mode is.
const MODE: usize = 24;
/// Bytes of the padding that ends an entry, at most, and of the two words of flags.
const REST: usize = 12;
/// Set in the flags of an entry that has a second word of them.
const EXTENDED: u16 = 0x4000;
/// The bits of the flags that hold the merge stage.
pub const STAGE: u16 = 0x3000;
/// The bits of the flags that hold the length of the name; all set: it is at least as long.
const LENGTH: u16 = 0x0fff;
/// The mode of an entry that stands for a directory.
const DIRECTORY: u32 = 0o040_000;
/// Set in the second word of an entry that `git add -N` made: the file will not be in the commit.
pub const INTENT_TO_ADD: u16 = 1 << 13;

const MISFIT: IndexError = IndexError::Unknown("its cache-tree does not fit");
const WRONG_LENGTH: IndexError = IndexError::Damaged("a path is not as long as it says");

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

/// What of an entry counts for a commit.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'index> {
    /// Its path from the root of the worktree.
    pub path: &'index [u8],
    /// Its mode, as in a tree.
    pub mode: u32,
    /// Its object.
    pub oid: Oid,
    /// Whether it is one side of a merge that is not resolved.
    pub is_unmerged: bool,
    /// Whether it was only announced: the commit will not have it.
    pub is_intent_to_add: bool,
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

/// What follows the entries and says something about them.
#[derive(Debug, Default)]
struct Extensions {
    /// Where the cache-tree is.
    tree: Option<Range<u64>>,
    /// Where it is told what the shared index is.
    link: Option<Range<u64>>,
    /// Whether an entry may stand for a directory.
    is_sparse: bool,
}

/// What is believed to be the cache-tree.
#[derive(Debug)]
struct Found {
    place: Range<u64>,
    bytes: Vec<u8>,
}

/// The numbers of an entry.
#[derive(Debug, Clone, Copy)]
struct Raw {
    mode: u32,
    oid: [u8; 32],
    flags: u16,
    extended: u16,
}

impl Index {
    /// Opens an index and reads its first entry; `None` if there is no such file, which git takes
    /// for an empty one.
    pub fn open(path: &Path, format: ObjectFormat) -> Result<Option<Self>, IndexError> {
        Self::open_ahead(path, format, None)
    }

    /// The same, with the checksum of what was probably this index.
    pub fn open_ahead(
        path: &Path,
        format: ObjectFormat,
        ahead: Option<Ahead>,
    ) -> Result<Option<Self>, IndexError> {
        let Some((file, length, hash)) = Self::file(path, format)? else {
            return Ok(None);
        };
        let mut index = Self::begin(file, length, hash, STREAMED, ahead)?;
        index.tree = index.find_tree()?;
        index.advance()?;
        Ok(Some(index))
    }

    /// The same for an index of a form that [`Index::open`] does not know: one that is split, of
    /// which the shared part is in `directory`, the repository's, or beside it; or one that is
    /// sparse, in which an entry of which the path ends with a slash is a tree.
    pub fn open_any(
        path: &Path,
        directory: &Path,
        format: ObjectFormat,
    ) -> Result<Option<Self>, IndexError> {
        let Some((file, length, hash)) = Self::file(path, format)? else {
            return Ok(None);
        };
        if length > MAX_ODD_INDEX {
            return Err(IndexError::Unknown("its size"));
        }
        let mut index = Self::begin(file, length, hash, u64::MAX, None)?;
        index.each(|_, _| ())?;
        let extensions = index.extensions()?;
        index.is_surveyed = true;
        index.is_sparse = extensions.is_sparse;
        index.tree = extensions.tree.map(|place| Found {
            bytes: index.input.taken(&place).to_owned(),
            place,
        });
        let link = match extensions.link {
            Some(place) => Link::parse(index.input.taken(&place), hash)?,
            None => None,
        };
        index.again()?;
        if let Some(link) = link {
            // git makes none that is both.
            if index.is_sparse {
                return Err(IndexError::Unknown("it is split and sparse"));
            }
            let mut entries = Vec::new();
            index.each(|path, raw| entries.push((path.to_owned(), raw)))?;
            let beside = path.parent().unwrap_or(directory);
            index.split = Some(Box::new(link.open(
                &[directory, beside],
                format,
                entries,
            )?));
        }
        index.advance()?;
        Ok(Some(index))
    }

    /// Reads what is before the entries, and the checksum. An index that is shorter than
    /// `streamed` is read as a whole.
    fn begin(
        file: File,
        length: u64,
        hash: usize,
        streamed: u64,
        ahead: Option<Ahead>,
    ) -> Result<Self, IndexError> {
        let content = length - hash as u64;
        let mut all = [0; 32];
        let trailer = &mut all[..hash];
        let (input, checksum) = if length < streamed || cfg!(not(unix)) {
            input::read_at(&file, content, trailer)?;
            let input = Input::whole(file, content)?;
            let checksum = Checksum::of(input.buffered(), trailer)?;
            (input, checksum)
        } else {
            input::read_at(&file, content, trailer)?;
            let begun = ahead.and_then(|ahead| ahead.of(&file, content, trailer));
            let checksum = match begun {
                Some(begun) => begun,
                None => Checksum::begin(&file, content, trailer)?,
            };
            (Input::streamed(file, content, input::BUFFER), checksum)
        };
        let mut index = Self::over(input, hash, checksum);
        index.trailer = all;
        index.header()?;
        Ok(index)
    }

    fn over(input: Input, hash: usize, checksum: Checksum) -> Self {
        Self {
            input,
            version: 0,
            hash,
            left: 0,
            current: None,
            path: Vec::new(),
            previous: Vec::new(),
            trailer: [0; 32],
            checksum,
            tree: None,
            is_surveyed: false,
            is_sparse: false,
            split: None,
        }
    }

    /// Goes over the entries as they stand there.
    fn each(&mut self, mut each: impl FnMut(&[u8], Raw)) -> Result<(), IndexError> {
        while self.left > 0 {
            self.left -= 1;
            std::mem::swap(&mut self.path, &mut self.previous);
            let raw = self.entry()?;
            each(&self.path, raw);
        }
        Ok(())
    }

    /// Goes back to the first entry of an index that was read as a whole.
    fn again(&mut self) -> Result<(), IndexError> {
        self.input.rewind();
        self.path.clear();
        self.previous.clear();
        self.header()
    }

    /// Opens the file, and says how long it and an object id are; `None` if there is no such file.
    fn file(path: &Path, format: ObjectFormat) -> Result<Option<(File, u64, usize)>, IndexError> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let hash = match format {
            ObjectFormat::Sha1 => 20,
            ObjectFormat::Sha256 => 32,
        };
        let length = file.metadata()?.len();
        if length > MAX_INDEX {
            return Err(IndexError::Unknown("its size"));
        }
        if length < (hash + HEADER) as u64 {
            return Err(IndexError::Damaged("it is cut off"));
        }
        Ok(Some((file, length, hash)))
    }

    /// The mode and the object of one path, if the commit will have it. Reads no further than up to
    /// it, and leaves the checksum to those who scan the index, if it can be told beforehand that
    /// nothing behind the entries changes them.
    pub fn look_up(
        path: &Path,
        directory: &Path,
        format: ObjectFormat,
        name: &[u8],
    ) -> Result<Option<(u32, Oid)>, IndexError> {
        let beside = path.parent().filter(|beside| *beside != directory);
        if !split::is_possible(directory) && !beside.is_some_and(split::is_possible) {
            match Self::look_up_common(path, format, name) {
                Err(IndexError::Unknown(_)) => {}
                found => return found,
            }
        }
        let Some(mut index) = Self::open_any(path, directory, format)? else {
            return Ok(None);
        };
        let found = index.find(name)?;
        index.finish()?;
        Ok(found)
    }

    fn look_up_common(
        path: &Path,
        format: ObjectFormat,
        name: &[u8],
    ) -> Result<Option<(u32, Oid)>, IndexError> {
        let Some((file, length, hash)) = Self::file(path, format)? else {
            return Ok(None);
        };
        let input = Input::streamed(file, length - hash as u64, LOOK_UP);
        let mut index = Self::over(input, hash, Checksum::Right);
        index.header()?;
        index.advance()?;
        index.find(name)
    }

    /// Goes on to a path.
    fn find(&mut self, name: &[u8]) -> Result<Option<(u32, Oid)>, IndexError> {
        while self.path().is_some_and(|path| path < name) {
            // Those in a directory that is not written out are not looked for.
            if self.is_directory() && name.starts_with(&self.path) {
                return Err(IndexError::Unknown("it is sparse"));
            }
            self.advance()?;
        }
        let found = self
            .current()?
            .filter(|entry| entry.path == name && !entry.is_unmerged && !entry.is_intent_to_add);
        Ok(found.map(|entry| (entry.mode, entry.oid)))
    }

    fn header(&mut self) -> Result<(), IndexError> {
        let header = self.input.peek(HEADER)?;
        let word = |at: usize| header.get(at..at + 4).map_or(0, be32);
        if header.get(..4) != Some(b"DIRC") {
            return Err(IndexError::Damaged("it does not begin as an index does"));
        }
        let (version, count) = (word(4), word(8));
        if !(2..=4).contains(&version) {
            return Err(IndexError::Unknown("its version"));
        }
        (self.version, self.left) = (version, count);
        self.input.take(HEADER);
        Ok(())
    }

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

    /// Takes the cache-tree out, if there is one.
    pub fn cache_tree(&mut self) -> Result<Option<CacheTree>, IndexError> {
        self.tree
            .as_mut()
            .map(|tree| CacheTree::parse(std::mem::take(&mut tree.bytes), self.hash))
            .transpose()
    }

    /// Looks for the cache-tree from the end of the index, since it lies behind the entries.
    /// Whether it is one is told by [`Index::finish`].
    fn find_tree(&mut self) -> Result<Option<Found>, IndexError> {
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

impl Index {
    /// Reads what follows the entries.
    fn extensions(&mut self) -> Result<Extensions, IndexError> {
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

    /// The merge stage of the entry that is next.
    fn stage(&self) -> Option<u16> {
        self.current.map(|raw| raw.flags & STAGE)
    }

    /// How many entries are left, with the one that is next.
    fn count(&self) -> u64 {
        u64::from(self.left) + u64::from(self.current.is_some())
    }
}

impl Raw {
    /// Reads the numbers of an entry that was found to be whole.
    fn new(bytes: &[u8], hash: usize) -> Self {
        let mut oid = [0; 32];
        if let Some(bytes) = bytes.get(STAT..STAT + hash) {
            oid[..hash].copy_from_slice(bytes);
        }
        let flags = bytes.get(STAT + hash..).map_or(0, be16);
        Self {
            mode: bytes.get(MODE..).map_or(0, be32),
            oid,
            flags,
            extended: match flags & EXTENDED {
                0 => 0,
                _ => bytes.get(STAT + hash + 2..).map_or(0, be16),
            },
        }
    }
}

/// The size of the padded entry that `bytes` begin with, if it is whole, has no more flags than
/// most, and lies below `directory`.
fn plain_size(bytes: &[u8], flags: usize, directory: &[u8]) -> Option<usize> {
    let word = be16(bytes.get(flags..flags + 2)?);
    let length = usize::from(word & LENGTH);
    let name = bytes.get(flags + 2..)?;
    let is_plain = word & (STAGE | EXTENDED) == 0 && word & LENGTH != LENGTH;
    let ends = name.get(length) == Some(&0);
    let size = (flags + 2 + length + 8) & !7;
    let fits = is_plain && ends && length > directory.len() && name.starts_with(directory);
    (fits && size <= bytes.len()).then_some(size)
}

/// The size of the entry that `bytes` begin with, and its path; `None` if they end before it does.
fn parse(
    bytes: &[u8],
    hash: usize,
    version: u32,
    previous: &[u8],
    path: &mut Vec<u8>,
) -> Result<Option<usize>, IndexError> {
    let Some(flags) = bytes.get(STAT + hash..STAT + hash + 2).map(be16) else {
        return Ok(None);
    };
    let fixed = STAT + hash + if flags & EXTENDED == 0 { 2 } else { 4 };
    let Some(mut name) = bytes.get(fixed..) else {
        return Ok(None);
    };
    path.clear();
    let mut strip = 0;
    if version == 4 {
        let Some((cut, size)) = varint(name)? else {
            return Ok(None);
        };
        let kept = usize::try_from(cut)
            // `None` is told as a damaged index.
            .ok()
            .and_then(|cut| previous.len().checked_sub(cut))
            .ok_or(IndexError::Damaged("a path is cut more than it is long"))?;
        path.extend_from_slice(&previous[..kept]);
        name = &name[size..];
        strip = size;
    }
    // What says itself how long it is need not be searched for its end.
    let (told, kept) = (usize::from(flags & LENGTH), path.len());
    let within = match told.checked_sub(kept) {
        Some(length) if told < usize::from(LENGTH) => name.get(..=length).unwrap_or(name),
        _ => name,
    };
    let Some(length) = memchr::memchr(0, within) else {
        return if within.len() == name.len() {
            Ok(None)
        } else {
            Err(WRONG_LENGTH)
        };
    };
    path.extend_from_slice(&name[..length]);
    // libgit2 would read on to the length that is told, whatever is there.
    if path.len().min(usize::from(LENGTH)) != told {
        return Err(WRONG_LENGTH);
    }
    let size = match version {
        4 => fixed + strip + length + 1,
        // Padded with one to eight zeros.
        _ => (fixed + length + 8) & !7,
    };
    Ok((size <= bytes.len()).then_some(size))
}

/// Reads a number of which each byte but the last has its highest bit set; and its size.
fn varint(bytes: &[u8]) -> Result<Option<(u64, usize)>, IndexError> {
    let mut value = 0_u64;
    for (at, byte) in bytes.iter().enumerate() {
        value |= u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Ok(Some((value, at + 1)));
        }
        if at == 7 {
            return Err(IndexError::Damaged("a path is cut more than it is long"));
        }
        value = (value + 1) << 7;
    }
    Ok(None)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_are_those_of_git() {
        assert_eq!(varint(&[0]).unwrap(), Some((0, 1)));
        assert_eq!(varint(&[0x7f]).unwrap(), Some((127, 1)));
        assert_eq!(varint(&[0x80, 0]).unwrap(), Some((128, 2)));
        assert_eq!(varint(&[0x80, 0x80, 0]).unwrap(), Some((16_512, 3)));
        assert_eq!(varint(&[0x80]).unwrap(), None);
        assert!(varint(&[0xff; 20]).is_err());
    }
}
