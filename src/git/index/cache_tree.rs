//! The cache-tree: for directories of the index that did not change since, the tree they make.

use std::ops::Range;

use git2::Oid;
use memchr::memmem;

use crate::git::index::IndexError;
use crate::git::index::be32;

/// Places that are tried for the beginning of the extension.
const CANDIDATES: usize = 16;
/// Extensions behind it.
const MAX_EXTENSIONS: usize = 64;
/// Directories in directories.
const MAX_DEPTH: usize = 4096;

/// The directories that the index knows of.
#[derive(Debug)]
pub struct CacheTree {
    /// Each before those in it.
    nodes: Vec<Stored>,
    /// The extension that the nodes point into.
    bytes: Vec<u8>,
    /// Bytes of an object id.
    hash: usize,
}

/// A directory: there may be a hundred thousand.
#[derive(Debug)]
struct Stored {
    name: Range<u32>,
    /// How many entries lie below it, and where the object id of their tree is.
    entries: Option<(u32, u32)>,
    /// The first node that is not below this one.
    end: u32,
}

/// A directory of the cache-tree.
#[derive(Debug, Clone, Copy)]
pub struct Node<'tree> {
    tree: &'tree CacheTree,
    at: usize,
}

impl CacheTree {
    /// Reads the extension.
    pub(super) fn parse(bytes: Vec<u8>, hash: usize) -> Result<Self, IndexError> {
        let unknown = || IndexError::Unknown("its cache-tree");
        let short = |at: usize| u32::try_from(at).map_err(|_| unknown());
        short(bytes.len())?;
        let mut nodes: Vec<Stored> = Vec::new();
        let mut open: Vec<(usize, u32)> = Vec::new();
        let mut at = 0;
        loop {
            // Directories that have all of theirs are complete.
            while let Some((node, 0)) = open.last() {
                nodes[*node].end = short(nodes.len())?;
                open.pop();
            }
            match open.last_mut() {
                Some((_, left)) => *left -= 1,
                None if nodes.is_empty() => {}
                None => break,
            }
            let name = at..until(&bytes, at, 0).ok_or_else(unknown)?;
            let count = name.end + 1..until(&bytes, name.end + 1, b' ').ok_or_else(unknown)?;
            let inner = count.end + 1..until(&bytes, count.end + 1, b'\n').ok_or_else(unknown)?;
            at = inner.end + 1;
            let inner = number(&bytes[inner]).ok_or_else(unknown)?;
            let entries = if bytes[count.clone()].starts_with(b"-") {
                None
            } else {
                let count = number(&bytes[count]).ok_or_else(unknown)?;
                let oid = at;
                at += hash;
                Some((count, short(oid)?))
            };
            if open.len() == MAX_DEPTH || name.is_empty() != nodes.is_empty() {
                return Err(unknown());
            }
            open.push((nodes.len(), inner));
            nodes.push(Stored {
                name: short(name.start)?..short(name.end)?,
                entries,
                end: 0,
            });
        }
        if at != bytes.len() {
            return Err(unknown());
        }
        Ok(Self { nodes, bytes, hash })
    }

    /// The root.
    pub fn root(&self) -> Node<'_> {
        Node { tree: self, at: 0 }
    }
}

impl<'tree> Node<'tree> {
    fn stored(self) -> Option<&'tree Stored> {
        self.tree.nodes.get(self.at)
    }

    /// How many entries of the index lie below it and what tree they make, if that is known.
    pub fn entries(self) -> Option<(u32, Oid)> {
        let (count, at) = self.stored()?.entries?;
        let oid = self.tree.bytes.get(at as usize..)?.get(..self.tree.hash)?;
        // What cannot be an object id is none that HEAD has.
        Some((count, Oid::from_bytes(oid).ok()?))
    }

    /// The directories in it, by name.
    pub fn children(self) -> Vec<(&'tree [u8], Node<'tree>)> {
        let tree = self.tree;
        let end = self.stored().map_or(0, |node| node.end as usize);
        let mut children = Vec::new();
        let mut at = self.at + 1;
        while at < end {
            let node = &tree.nodes[at];
            let name = node.name.start as usize..node.name.end as usize;
            children.push((&tree.bytes[name], Node { tree, at }));
            at = node.end as usize;
        }
        children.sort_unstable_by_key(|(name, _)| *name);
        children
    }
}

/// The place of a byte from `at` on.
fn until(bytes: &[u8], at: usize, byte: u8) -> Option<usize> {
    memchr::memchr(byte, bytes.get(at..)?).map(|found| at + found)
}

fn number(digits: &[u8]) -> Option<u32> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// The content of the extension in the end of an index without its checksum: where its name begins
/// extensions that end where the index does.
pub(super) fn find(tail: &[u8]) -> Option<Range<usize>> {
    memmem::find_iter(tail, b"TREE")
        .take(CANDIDATES)
        .find_map(|start| {
            let size = |at: usize| {
                let size = usize::try_from(be32(tail.get(at + 4..at + 8)?)).ok()?;
                at.checked_add(8)?.checked_add(size)
            };
            let first = size(start)?;
            let mut end = first;
            for _ in 0..MAX_EXTENSIONS {
                if end >= tail.len() {
                    break;
                }
                end = size(end)?;
            }
            (end == tail.len()).then_some(start + 8..first)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A node with an object id of sevens.
    fn node(name: &str, count: i32, inner: u32) -> Vec<u8> {
        let mut node = format!("{name}\0{count} {inner}\n").into_bytes();
        if count >= 0 {
            node.extend_from_slice(&[7; 20]);
        }
        node
    }

    #[test]
    fn directories_are_found_below_theirs() {
        let bytes = [
            node("", -1, 2),
            node("b", 3, 1),
            node("c", 2, 0),
            node("a", 1, 0),
        ]
        .concat();
        let tree = CacheTree::parse(bytes, 20).unwrap();
        let names = |node: Node<'_>| -> Vec<Vec<u8>> {
            node.children()
                .iter()
                .map(|(name, _)| name.to_vec())
                .collect()
        };
        assert_eq!(tree.root().entries(), None);
        assert_eq!(names(tree.root()), [b"a", b"b"]);
        let b = tree.root().children()[1].1;
        assert_eq!(b.entries().map(|(count, _)| count), Some(3));
        assert_eq!(names(b), [b"c"]);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let good = [node("", -1, 1), node("b", 3, 0)].concat();
        for length in 0..good.len() {
            assert!(CacheTree::parse(good[..length].to_vec(), 20).is_err());
        }
        for bad in [
            [&good[..], b"x"].concat(),
            [node("", -1, 4_000_000_000), node("b", 3, 0)].concat(),
            [node("", 2, 1), node("", 2, 0)].concat(),
            node("a", 1, 0),
            [b"\x0099999999999 0\n".to_vec(), vec![7; 20]].concat(),
        ] {
            assert!(CacheTree::parse(bad, 20).is_err());
        }
    }

    #[test]
    fn the_extension_is_found_from_the_end() {
        let body = node("", 3, 0);
        let extension = |name: &[u8], body: &[u8]| {
            let size = u32::try_from(body.len()).unwrap().to_be_bytes();
            [name, &size, body].concat()
        };
        let before = b"a path with TREE in it".to_vec();
        let tail = [
            before,
            extension(b"TREE", &body),
            extension(b"REUC", b"TREE"),
        ]
        .concat();
        assert_eq!(find(&tail).map(|range| tail[range].to_vec()), Some(body));
        assert_eq!(find(&tail[..tail.len() - 1]), None);
        assert_eq!(find(b""), None);
    }
}
