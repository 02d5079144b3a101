//! The extensions that change what the entries of an index mean: `link`, with which an index only
//! says in what it differs from a shared one, and `sdir`, with which a directory may stand for all
//! that its tree holds.

use std::path::Path;

use git2::ObjectFormat;
use git2::Oid;

use crate::git::index::Index;
use crate::git::index::IndexError;
use crate::git::index::STAGE;
use crate::git::index::be32;
use crate::git::index::entry::Raw;

/// What the name of a shared index begins with.
const NAME: &str = "sharedindex.";
/// Bits of a word.
const WORD: u64 = 64;

const MALFORMED: IndexError = IndexError::Damaged("what it says about its shared part");
const MISSING: IndexError = IndexError::Damaged(
    "its shared part, the file sharedindex.…, is not there (`git read-tree HEAD` begins anew)",
);

/// A shared index and what is different from it.
#[derive(Debug)]
pub(super) struct Split {
    /// The shared index, at the entry that is next.
    base: Index,
    /// The number of that entry.
    at: u64,
    deleted: Bitmap,
    replaced: Bitmap,
    /// What the entries that are replaced have in their place, the last one first.
    replacements: Vec<Raw>,
    /// The entries that the shared index has not, the last one first.
    added: Vec<(Vec<u8>, Raw)>,
}

/// Whether an index could have a shared part in a directory.
pub(super) fn is_possible(directory: &Path) -> bool {
    let Ok(entries) = directory.read_dir() else {
        return true;
    };
    entries.into_iter().any(|entry| {
        // What cannot be told is possible.
        entry.map_or(true, |entry| {
            let name = entry.file_name();
            name.as_encoded_bytes().starts_with(NAME.as_bytes())
        })
    })
}

/// The content of the `link` extension.
#[derive(Debug)]
pub(super) struct Link {
    base: Vec<u8>,
    deleted: Bitmap,
    replaced: Bitmap,
}

impl Link {
    /// Reads the extension; `None` if there is no shared index.
    pub(super) fn parse(bytes: &[u8], hash: usize) -> Result<Option<Self>, IndexError> {
        let (base, mut rest) = bytes.split_at_checked(hash).ok_or(MALFORMED)?;
        // What was not hashed has no name, and is not shared then.
        if base.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        let (mut deleted, mut replaced) = (Bitmap::default(), Bitmap::default());
        if !rest.is_empty() {
            deleted = Bitmap::parse(&mut rest)?;
            replaced = Bitmap::parse(&mut rest)?;
        }
        if !rest.is_empty() {
            return Err(MALFORMED);
        }
        Ok(Some(Self {
            base: base.to_owned(),
            deleted,
            replaced,
        }))
    }

    /// Puts the entries of an index together with those of its shared part, which lies in the
    /// repository's directory or beside the index.
    pub(super) fn open(
        self,
        directories: &[&Path],
        format: ObjectFormat,
        entries: Vec<(Vec<u8>, Raw)>,
    ) -> Result<Split, IndexError> {
        let name = Oid::from_bytes(&self.base).map_err(|_| MALFORMED)?;
        let name = format!("{NAME}{name}");
        let mut base = None;
        for directory in directories {
            let path = directory.join(&name);
            // A pipe would be waited for.
            if path.metadata().is_ok_and(|metadata| !metadata.is_file()) {
                return Err(IndexError::Damaged("its shared part is no regular file"));
            }
            base = Index::open(&path, format)?;
            if base.is_some() {
                break;
            }
        }
        let base = base.ok_or(MISSING)?;
        if base.trailer[..base.hash] != self.base {
            return Err(IndexError::Damaged("its shared part is another one"));
        }
        let replacements = entries.iter().take_while(|(path, _)| path.is_empty());
        let replacements: Vec<Raw> = replacements.map(|(_, raw)| *raw).collect();
        let mut added = entries;
        added.drain(..replacements.len());
        let is_sorted = added.is_sorted_by(|(path, raw), (next, other)| {
            (path, raw.flags & STAGE) < (next, other.flags & STAGE)
        });
        if !is_sorted || added.first().is_some_and(|(path, _)| path.is_empty()) {
            return Err(IndexError::Unknown("the order of its entries"));
        }
        if self.replaced.count() != replacements.len() as u64
            || self.replaced.meets(&self.deleted)
            || self.replaced.end().max(self.deleted.end()) > base.count()
        {
            return Err(MALFORMED);
        }
        added.reverse();
        let mut split = Split {
            base,
            at: 0,
            deleted: self.deleted,
            replaced: self.replaced,
            replacements,
            added,
        };
        split.replacements.reverse();
        Ok(split)
    }
}

impl Split {
    /// The next entry; its path goes to `path`.
    pub(super) fn next(&mut self, path: &mut Vec<u8>) -> Result<Option<Raw>, IndexError> {
        loop {
            let shared = self.base.path();
            let added = self.added.last().map(|(path, raw)| (&**path, raw));
            if let Some((new, raw)) = added {
                let stage = raw.flags & STAGE;
                let theirs = match self.replacements.last() {
                    Some(raw) if self.replaced.has(self.at) => Some(raw.flags & STAGE),
                    _ => self.base.stage(),
                };
                let is_before = match (shared, theirs) {
                    (Some(shared), Some(theirs)) if shared == new => {
                        // What is merged takes the place of all that was not.
                        if stage == 0 || stage == theirs {
                            self.pass()?;
                            continue;
                        }
                        stage < theirs
                    }
                    (Some(shared), _) => new < shared,
                    (None, _) => true,
                };
                if is_before && let Some((new, raw)) = self.added.pop() {
                    *path = new;
                    return Ok(Some(raw));
                }
            }
            let Some(shared) = shared else {
                return Ok(None);
            };
            if self.deleted.has(self.at) {
                self.pass()?;
                continue;
            }
            path.clear();
            path.extend_from_slice(shared);
            let raw = if self.replaced.has(self.at) {
                self.replacements.pop()
            } else {
                self.base.current
            };
            self.base.advance()?;
            self.at += 1;
            return Ok(raw);
        }
    }

    /// Passes an entry of the shared index by.
    fn pass(&mut self) -> Result<(), IndexError> {
        if self.replaced.has(self.at) {
            self.replacements.pop();
        }
        self.at += 1;
        self.base.advance()
    }

    /// Reads the shared index to its end and compares its checksum.
    pub(super) fn finish(self) -> Result<(), IndexError> {
        self.base.finish()
    }
}

/// A set of numbers, as git packs it: runs of words that are all ones or all zeros, and words.
#[derive(Debug, Default)]
struct Bitmap {
    /// Numbers from one up to another, in order.
    runs: Vec<(u64, u64)>,
}

impl Bitmap {
    /// Reads a bitmap off the beginning.
    fn parse(bytes: &mut &[u8]) -> Result<Self, IndexError> {
        let mut take = |count: usize| {
            let (taken, rest) = bytes.split_at_checked(count)?;
            *bytes = rest;
            Some(taken)
        };
        let head = take(8).ok_or(MALFORMED)?;
        let size = usize::try_from(be32(&head[4..])).map_err(|_| MALFORMED)?;
        let words = size.checked_mul(8).and_then(&mut take).ok_or(MALFORMED)?;
        // Where the last marker is counts for those who append.
        take(4).ok_or(MALFORMED)?;
        let mut words = words.chunks_exact(8).map(|word| {
            word.first_chunk()
                .map_or(0, |word| u64::from_be_bytes(*word))
        });
        let mut bitmap = Self::default();
        let mut at = 0;
        while let Some(marker) = words.next() {
            let run = (marker >> 1 & 0xffff_ffff) * WORD;
            if marker & 1 == 1 {
                bitmap.push(at, at + run);
            }
            at += run;
            for _ in 0..marker >> 33 {
                let word = words.next().ok_or(MALFORMED)?;
                for bit in (0..WORD).filter(|bit| word >> bit & 1 == 1) {
                    bitmap.push(at + bit, at + bit + 1);
                }
                at += WORD;
            }
        }
        Ok(bitmap)
    }

    fn push(&mut self, start: u64, end: u64) {
        match self.runs.last_mut() {
            Some((_, last)) if *last == start => *last = end,
            _ if start == end => {}
            _ => self.runs.push((start, end)),
        }
    }

    fn has(&self, number: u64) -> bool {
        let run = self.runs.partition_point(|(_, end)| *end <= number);
        self.runs
            .get(run)
            .is_some_and(|(start, _)| *start <= number)
    }

    fn meets(&self, other: &Self) -> bool {
        let within = |(start, end): &(u64, u64)| {
            let run = other.runs.partition_point(|(_, last)| last <= start);
            other.runs.get(run).is_some_and(|(first, _)| first < end)
        };
        self.runs.iter().any(within)
    }

    /// How many numbers it has.
    fn count(&self) -> u64 {
        self.runs
            .iter()
            .fold(0, |count, (start, end)| count.saturating_add(end - start))
    }

    /// The number behind its last.
    fn end(&self) -> u64 {
        self.runs.last().map_or(0, |(_, end)| *end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(words: &[u64]) -> Vec<u8> {
        let mut bytes = 0_u32.to_be_bytes().to_vec();
        bytes.extend(u32::try_from(words.len()).unwrap().to_be_bytes());
        bytes.extend(words.iter().flat_map(|word| word.to_be_bytes()));
        bytes.extend([0; 4]);
        bytes
    }

    #[test]
    fn a_bitmap_is_runs_and_words() {
        // A word of zeros, a word of its own; two words of ones, and one more.
        let bytes = packed(&[1 << 33 | 1 << 1, 0b1011, 1 << 33 | 2 << 1 | 1, 1]);
        let bitmap = Bitmap::parse(&mut &bytes[..]).unwrap();
        assert_eq!(bitmap.runs, [(64, 66), (67, 68), (128, 257)]);
        assert_eq!((bitmap.count(), bitmap.end()), (132, 257));
        assert!(bitmap.has(64) && bitmap.has(67) && bitmap.has(256));
        assert!(!bitmap.has(0) && !bitmap.has(66) && !bitmap.has(257));
        let other = Bitmap {
            runs: vec![(0, 64), (66, 67), (300, 301)],
        };
        assert!(!bitmap.meets(&other) && !other.meets(&bitmap));
        let other = Bitmap {
            runs: vec![(10, 65)],
        };
        assert!(bitmap.meets(&other) && other.meets(&bitmap));
    }

    #[test]
    fn a_bitmap_that_is_cut_off_is_refused() {
        let bytes = packed(&[1 << 33, 5]);
        for length in 0..bytes.len() {
            assert!(Bitmap::parse(&mut &bytes[..length]).is_err());
        }
        assert!(Bitmap::parse(&mut &packed(&[2 << 33, 5])[..]).is_err());
        // As long as a run can be, a few times.
        let bitmap = Bitmap::parse(&mut &packed(&[0x1_ffff_ffff; 9])[..]).unwrap();
        assert_eq!(bitmap.runs.len(), 1);
    }
}
