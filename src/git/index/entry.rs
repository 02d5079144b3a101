//! An entry as it is written in an index: numbers of a fixed size, and its path.

use git2::Oid;

use crate::git::index::IndexError;
use crate::git::index::be16;
use crate::git::index::be32;

/// Bytes of an entry before its object id.
pub(super) const STAT: usize = 40;
/// Of these, where the mode is.
const MODE: usize = 24;
/// Bytes of the padding that ends an entry, at most, and of the two words of flags.
pub(super) const REST: usize = 12;
/// Set in the flags of an entry that has a second word of them.
const EXTENDED: u16 = 0x4000;
/// The bits of the flags that hold the merge stage.
pub const STAGE: u16 = 0x3000;
/// The bits of the flags that hold the length of the name; all set: it is at least as long.
pub(super) const LENGTH: u16 = 0x0fff;
/// The mode of an entry that stands for a directory.
pub(super) const DIRECTORY: u32 = 0o040_000;
/// Set in the second word of an entry that `git add -N` made: the file will not be in the commit.
pub const INTENT_TO_ADD: u16 = 1 << 13;

const WRONG_LENGTH: IndexError = IndexError::Damaged("a path is not as long as it says");

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

/// The numbers of an entry.
#[derive(Debug, Clone, Copy)]
pub(super) struct Raw {
    pub(super) mode: u32,
    pub(super) oid: [u8; 32],
    pub(super) flags: u16,
    pub(super) extended: u16,
}

impl Raw {
    /// Reads the numbers of an entry that was found to be whole.
    pub(super) fn new(bytes: &[u8], hash: usize) -> Self {
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
pub(super) fn plain_size(bytes: &[u8], flags: usize, directory: &[u8]) -> Option<usize> {
    let word = be16(bytes.get(flags..flags + 2)?);
    let length = usize::from(word & LENGTH);
    let name = bytes.get(flags + 2..)?;
    let is_plain = word & (STAGE | EXTENDED) == 0 && word & LENGTH != LENGTH;
    let ends = name.get(length) == Some(&0);
    let size = (flags + 2 + length + 8) & !7;
    let fits = is_plain && ends && length > directory.len() && begins_with(name, directory);
    (fits && size <= bytes.len()).then_some(size)
}

/// The same as `starts_with`, by words. That calls the C library, which reads 32 bytes and leaves out
/// those it does not want: thirty times slower than else where these lie on a page that was never used.
fn begins_with(name: &[u8], start: &[u8]) -> bool {
    let Some(name) = name.get(..start.len()) else {
        return false;
    };
    let ((words, rest), (wanted, wanted_rest)) = (name.as_chunks::<8>(), start.as_chunks::<8>());
    let are_same = |(one, other): (&[u8; 8], &[u8; 8])| one == other;
    words.iter().zip(wanted).all(are_same) && rest.iter().zip(wanted_rest).all(|(a, b)| a == b)
}

/// The size of the entry that `bytes` begin with, and its path; `None` if they end before it does.
pub(super) fn parse(
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_begins_with_its_directory() {
        let path = b"a/directory/with/a/long/name/file";
        for length in 0..=path.len() {
            assert!(begins_with(path, &path[..length]));
            for at in 0..length {
                let mut other = path[..length].to_vec();
                other[at] ^= 1;
                assert!(!begins_with(path, &other), "{at} of {length}");
            }
            assert!(!begins_with(&path[..length], path) || length == path.len());
        }
    }

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
