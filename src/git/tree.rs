//! Trees: what is in them, and in what a tree differs from others.

use std::ops::Range;

use git2::ObjectFormat;
use git2::ObjectType;
use git2::Oid;

use crate::git::GitError;
use crate::git::object::Objects;

/// Directories a path may have.
const MAX_DEPTH: usize = 4096;
/// Trees one comparison may read: a few times what the largest repositories have.
const MAX_TREES: usize = 2_000_000;

/// Bytes of all the paths one comparison may tell: a million files with long names.
const MAX_PATHS: usize = 200 << 20;

/// What an entry is, from its mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntryKind {
    /// A directory.
    Tree,
    /// A file.
    File,
    /// A symbolic link; its blob holds the target.
    Link,
    /// A commit of another repository.
    Gitlink,
}

impl EntryKind {
    /// The kind that a mode of a tree or an index stands for.
    pub fn of(mode: u32) -> Self {
        match mode & 0o170_000 {
            0o040_000 => Self::Tree,
            0o120_000 => Self::Link,
            0o160_000 => Self::Gitlink,
            // Whatever else it says, its object is a blob.
            _ => Self::File,
        }
    }
}

/// An entry of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it is.
    pub kind: EntryKind,
    /// Its name: one component of a path.
    pub name: Vec<u8>,
    /// Its object.
    pub oid: Oid,
}

/// Where trees are read from.
pub trait Trees {
    /// The entries of a tree, in any order.
    fn entries(&self, oid: Oid) -> Result<Vec<Entry>, GitError>;

    /// Is told of a file that a comparison comes across.
    fn come_across(&self, _oid: Oid, _path: &[u8]) {}
}

impl Trees for Objects<'_> {
    fn entries(&self, oid: Oid) -> Result<Vec<Entry>, GitError> {
        let object = self.read_as(oid, ObjectType::Tree)?;
        let entries = Raw::of(object.data(), oid.object_format()).map(|entry| {
            let entry = entry?;
            Some(Entry {
                kind: entry.kind,
                name: entry.name.to_owned(),
                oid: Oid::from_bytes(entry.oid).ok()?,
            })
        });
        let entries: Option<Vec<Entry>> = entries.collect();
        entries.ok_or(GitError::Malformed { kind: "tree", oid })
    }
}

/// An entry as it stands in a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawEntry<'a> {
    /// What it is.
    pub kind: EntryKind,
    /// Its name.
    pub name: &'a [u8],
    /// The name of its object, in bytes.
    pub oid: &'a [u8],
    /// Where it stands.
    pub at: Range<usize>,
}

/// The entries of a tree's bytes; ends after one that is malformed, which is `None`.
#[derive(Debug)]
pub struct Raw<'a> {
    tree: &'a [u8],
    at: usize,
    hash: usize,
}

impl<'a> Raw<'a> {
    /// The entries of a tree whose objects are named by a kind of hash.
    pub fn of(tree: &'a [u8], format: ObjectFormat) -> Self {
        Self::from(tree, 0, format)
    }

    /// The entries of a tree from that on which begins at a place.
    pub fn from(tree: &'a [u8], at: usize, format: ObjectFormat) -> Self {
        let hash = hash_of(format);
        Self { tree, at, hash }
    }

    /// The entry that was found at a place before.
    pub fn at(tree: &'a [u8], at: Range<usize>, format: ObjectFormat) -> Option<RawEntry<'a>> {
        let raw = tree.get(at.clone())?;
        let nul = raw.len().checked_sub(hash_of(format) + 1)?;
        let (kind, name) = mode(raw)?;
        Some(RawEntry {
            kind,
            name: raw.get(name..nul)?,
            oid: &raw[nul + 1..],
            at,
        })
    }

    #[inline]
    fn parse(&self) -> Option<RawEntry<'a>> {
        let raw = &self.tree[self.at..];
        let (kind, name) = mode(raw)?;
        let nul = name + nul(&raw[name..])?;
        let end = nul + 1 + self.hash;
        Some(RawEntry {
            kind,
            name: &raw[name..nul],
            oid: raw.get(nul + 1..end)?,
            at: self.at..self.at + end,
        })
    }
}

/// Bytes of the name of an object.
fn hash_of(format: ObjectFormat) -> usize {
    match format {
        ObjectFormat::Sha1 => 20,
        ObjectFormat::Sha256 => 32,
    }
}

/// What the mode at the beginning of an entry stands for, and where the name begins.
#[inline]
fn mode(entry: &[u8]) -> Option<(EntryKind, usize)> {
    match entry {
        [
            b'1',
            b'0',
            b'0',
            b'6' | b'7',
            b'4' | b'5',
            b'4' | b'5',
            b' ',
            ..,
        ] => {
            return Some((EntryKind::File, 7));
        }
        [b'4', b'0', b'0', b'0', b'0', b' ', ..] => return Some((EntryKind::Tree, 6)),
        _ => {}
    }
    let space = entry.iter().take(16).position(|byte| *byte == b' ')?;
    let mode = entry[..space].iter().try_fold(0_u32, |mode, digit| {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit < 8)?;
        mode.checked_mul(8)?.checked_add(u32::from(digit))
    })?;
    Some((EntryKind::of(mode), space + 1))
}

/// Where the first zero byte is. Names are short, and there are millions of them: eight bytes at a
/// time are faster than a vector.
#[inline]
fn nul(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::MAX / 255;
    let mut at = 0;
    while let Some(eight) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
        let eight = u64::from_le_bytes(*eight);
        // The lowest bit that is set is that of the first zero byte.
        let zeros = eight.wrapping_sub(ONES) & !eight & (ONES << 7);
        if zeros != 0 {
            return Some(at + zeros.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    let rest = bytes.get(at..)?.iter().position(|byte| *byte == 0)?;
    Some(at + rest)
}

impl<'a> Iterator for Raw<'a> {
    type Item = Option<RawEntry<'a>>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.at == self.tree.len() {
            return None;
        }
        let entry = self.parse();
        self.at = entry.as_ref().map_or(self.tree.len(), |entry| entry.at.end);
        Some(entry)
    }
}

/// Appends a component to a path.
pub fn join(directory: &[u8], name: &[u8]) -> Vec<u8> {
    if directory.is_empty() {
        name.to_owned()
    } else {
        [directory, b"/", name].concat()
    }
}

/// A file or a gitlink that a tree has and none of the trees it is compared with has at that path.
#[derive(Debug, Clone)]
pub struct Change {
    /// The path from the root of the tree.
    pub path: Vec<u8>,
    /// A file, a link or a gitlink.
    pub kind: EntryKind,
    /// Its blob; the commit of a gitlink, which is elsewhere.
    pub oid: Oid,
    /// What each of the other trees has at the path.
    pub old: Vec<Option<(EntryKind, Oid)>>,
    /// Bytes of the path up to which one of the others has something there.
    pub known: usize,
}

impl Change {
    /// Whether none of the other trees has anything at the path.
    pub fn is_new_path(&self) -> bool {
        self.known < self.path.len()
    }
}

/// Calls `each` with every file of `tree` that differs, at its path, from all of `others`; with
/// every file if there are none. Directories that one of the others has too are not read.
pub fn compare(
    odb: &impl Trees,
    tree: Oid,
    others: &[Oid],
    each: &mut dyn FnMut(Change),
) -> Result<(), GitError> {
    if others.contains(&tree) {
        return Ok(());
    }
    let mut open = vec![Pair {
        path: Vec::new(),
        depth: 0,
        known: 0,
        tree,
        others: others.iter().copied().map(Some).collect(),
    }];
    let mut trees = 0;
    let mut told = 0;
    while let Some(pair) = open.pop() {
        trees += 1;
        if trees > MAX_TREES || pair.depth > MAX_DEPTH {
            return Err(GitError::Bomb(tree));
        }
        let mut others = Vec::with_capacity(pair.others.len());
        for other in &pair.others {
            let mut entries = other.map_or_else(|| Ok(Vec::new()), |oid| odb.entries(oid))?;
            entries.sort_unstable_by(|a, b| a.name.cmp(&b.name));
            others.push(entries);
        }
        for entry in odb.entries(pair.tree)? {
            let old: Vec<Option<(EntryKind, Oid)>> = others
                .iter()
                .map(|entries| {
                    let at = entries
                        .binary_search_by(|other| other.name.cmp(&entry.name))
                        // It has none of this name.
                        .ok()?;
                    Some((entries[at].kind, entries[at].oid))
                })
                .collect();
            if old.contains(&Some((entry.kind, entry.oid))) {
                continue;
            }
            let path = join(&pair.path, &entry.name);
            told += path.len();
            if told > MAX_PATHS {
                return Err(GitError::Bomb(tree));
            }
            let is_new = old.iter().all(Option::is_none);
            let known = if is_new { pair.known } else { path.len() };
            if entry.kind == EntryKind::Tree {
                open.push(Pair {
                    path,
                    depth: pair.depth + 1,
                    known,
                    tree: entry.oid,
                    others: old
                        .into_iter()
                        .map(|old| old.filter(|(kind, _)| *kind == EntryKind::Tree))
                        .map(|old| old.map(|(_, oid)| oid))
                        .collect(),
                });
            } else {
                each(Change {
                    path,
                    kind: entry.kind,
                    oid: entry.oid,
                    old,
                    known,
                });
            }
        }
    }
    Ok(())
}

/// Directories at the same path that still have to be compared.
struct Pair {
    path: Vec<u8>,
    depth: usize,
    /// As in [`Change`].
    known: usize,
    tree: Oid,
    others: Vec<Option<Oid>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(raw: &[u8]) -> Option<Vec<RawEntry<'_>>> {
        Raw::of(raw, ObjectFormat::Sha1).collect()
    }

    #[test]
    fn a_tree_is_parsed_or_refused() {
        let mut raw = b"100644 a b\0".to_vec();
        raw.extend_from_slice(&[7; 20]);
        raw.extend_from_slice(b"40000 dir\0");
        raw.extend_from_slice(&[8; 20]);
        let entries = parse(&raw).unwrap();
        assert_eq!(entries.len(), 2);
        assert_eq!(entries[0].name, b"a b");
        assert_eq!(entries[0].at, 0..31);
        assert_eq!(entries[1].kind, EntryKind::Tree);
        assert_eq!(entries[1].oid, [8; 20]);
        assert!(parse(&raw[..raw.len() - 1]).is_none());
        assert!(parse(b"999999999999999 a\0").is_none());
        assert!(parse(b"").unwrap().is_empty());
    }
}
