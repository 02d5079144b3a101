//! Which trees lead to some objects or names: all that has to be known of a history to say which
//! commits brought these in.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::Mutex;

use git2::Oid;

use crate::git::GitError;
use crate::git::pack::Kinds;
use crate::git::pack::Store;
use crate::git::tree::Entry;
use crate::git::tree::EntryKind;
use crate::git::tree::Raw;
use crate::git::tree::RawEntry;
use crate::git::tree::Trees;
use crate::scan::history::locked;
use crate::scan::pool::Cancel;

/// What is looked for in trees.
#[derive(Default)]
pub(super) struct Targets {
    oids: HashSet<Vec<u8>>,
    names: HashSet<Vec<u8>>,
    /// The first two bytes of the objects: nearly every entry is through with one look at it.
    beginnings: Bits,
    /// Lengths and first bytes of the names.
    outlines: Bits,
}

impl Targets {
    pub(super) fn add(&mut self, oid: Oid) {
        self.beginnings.insert(beginning(oid.as_bytes()));
        self.oids.insert(oid.as_bytes().to_vec());
    }

    pub(super) fn add_name(&mut self, name: &[u8]) {
        self.outlines.insert(outline(name));
        self.names.insert(name.to_vec());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.oids.is_empty() && self.names.is_empty()
    }

    fn hold(&self, entry: &RawEntry<'_>) -> bool {
        self.beginnings.contains(beginning(entry.oid)) && self.oids.contains(entry.oid)
            || self.outlines.contains(outline(entry.name)) && self.names.contains(entry.name)
    }
}

/// A set of 16-bit numbers; empty and unallocated at first.
#[derive(Default)]
struct Bits(Vec<u64>);

impl Bits {
    fn insert(&mut self, number: u16) {
        self.0.resize(1 << 10, 0);
        self.0[usize::from(number >> 6)] |= 1 << (number & 63);
    }

    fn contains(&self, number: u16) -> bool {
        let word = self.0.get(usize::from(number >> 6));
        word.is_some_and(|word| word >> (number & 63) & 1 == 1)
    }
}

fn beginning(oid: &[u8]) -> u16 {
    oid.first_chunk().map_or(0, |two| u16::from_le_bytes(*two))
}

fn outline(name: &[u8]) -> u16 {
    let length = u8::try_from(name.len()).unwrap_or(u8::MAX);
    u16::from_le_bytes([length, name.first().copied().unwrap_or(0)])
}

/// A directory in a tree: the first bytes of its name, and the number of the tree.
fn edge(child: &[u8], tree: u32) -> u64 {
    let first = child
        .first_chunk()
        .map_or(0, |four| u32::from_be_bytes(*four));
    u64::from(first) << 32 | u64::from(tree)
}

/// The trees that lead to what was looked for, with only the entries that do.
pub(super) struct Hot<'a> {
    trees: HashMap<Oid, Vec<Entry>>,
    /// What cannot be read.
    unread: &'a BTreeMap<Oid, GitError>,
    /// What could be read first, and not again.
    lost: Vec<GitError>,
    /// What of it was come across, and where.
    met: RefCell<BTreeMap<Oid, Option<Vec<u8>>>>,
}

impl<'a> Hot<'a> {
    /// Goes over all trees once, and again over those that lead to a target. Trees that could not be
    /// read before are in `unread` already; those that only now cannot be are in [`Hot::lost`].
    pub(super) fn find(
        store: &Store,
        targets: &Targets,
        unread: &'a BTreeMap<Oid, GitError>,
        threads: usize,
        cancel: &Cancel,
    ) -> Self {
        let mut hot = Self {
            trees: HashMap::new(),
            unread,
            lost: Vec::new(),
            met: RefCell::default(),
        };
        let lost = Mutex::new(BTreeMap::new());
        let fails = |oid, error| {
            // What could not be read before either was said then.
            if !unread.contains_key(&oid) {
                locked(&lost).insert(oid, error);
            }
        };
        if targets.is_empty() {
            return hot;
        }
        let wanted = leading(store, targets, threads, cancel, fails);
        let trees = Mutex::new(HashMap::new());
        store.walk_some(
            Kinds::TREES,
            |number| wanted.contains(&number),
            threads,
            || cancel.is_cancelled(),
            |visit| {
                let raw = Raw::of(visit.data, visit.format());
                // Where a tree breaks off was told when it was read first.
                let entries = raw.flatten().filter_map(|entry| {
                    let is_tree = entry.kind == EntryKind::Tree;
                    let leads =
                        is_tree && store.find(entry.oid).is_some_and(|n| wanted.contains(&n));
                    if !leads && !targets.hold(&entry) {
                        return None;
                    }
                    // One that is looked for by its name alone counts as a file: what is in it
                    // is not known.
                    let by_name = is_tree && !leads && !targets.oids.contains(entry.oid);
                    Some(Entry {
                        kind: if by_name {
                            EntryKind::Gitlink
                        } else {
                            entry.kind
                        },
                        name: entry.name.to_vec(),
                        // It has the length of a name.
                        oid: Oid::from_bytes(entry.oid).ok()?,
                    })
                });
                let entries: Vec<Entry> = entries.collect();
                locked(&trees).insert(visit.oid(), entries);
                false
            },
            fails,
        );
        let lost = std::mem::take(&mut *locked(&lost));
        hot.lost = lost.into_values().collect();
        hot.trees = trees
            .into_inner()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        hot
    }

    /// Whether a tree leads anywhere, or cannot be read.
    pub(super) fn leads(&self, tree: Oid) -> bool {
        self.trees.contains_key(&tree) || self.unread.contains_key(&tree)
    }

    /// Notes that something leads to an object.
    fn meet(&self, oid: Oid, path: Option<&[u8]>) {
        if self.unread.contains_key(&oid) {
            let mut met = self.met.borrow_mut();
            met.entry(oid).or_insert_with(|| path.map(<[u8]>::to_vec));
        }
    }

    /// Trees that could be read first and not again, as where a disk fails or a collector of
    /// garbage was at work: what they lead to is not attributed.
    pub(super) fn lost(&self) -> &[GitError] {
        &self.lost
    }

    /// What cannot be read and something leads to.
    pub(super) fn met(&self) -> Vec<(Option<Vec<u8>>, &'a GitError)> {
        let met = self.met.borrow();
        let errors = met.iter();
        errors
            .filter_map(|(oid, path)| Some((path.clone(), self.unread.get(oid)?)))
            .collect()
    }
}

impl Trees for Hot<'_> {
    fn entries(&self, oid: Oid) -> Result<Vec<Entry>, GitError> {
        self.meet(oid, None);
        // A tree that leads nowhere is not kept.
        Ok(self.trees.get(&oid).cloned().unwrap_or_default())
    }

    fn come_across(&self, oid: Oid, path: &[u8]) {
        self.meet(oid, Some(path));
    }
}

/// The numbers of the trees that lead to a target, and perhaps of some more.
fn leading(
    store: &Store,
    targets: &Targets,
    threads: usize,
    cancel: &Cancel,
    fails: impl Fn(Oid, GitError) + Sync,
) -> HashSet<u32> {
    let edges = Mutex::new(Vec::new());
    let holders = Mutex::new(Vec::new());
    store.walk(
        Kinds::TREES,
        threads,
        || cancel.is_cancelled(),
        |visit| {
            let mut directories = Vec::new();
            let mut holds = false;
            // Where a tree breaks off was told when it was read first.
            for entry in Raw::of(visit.data, visit.format()).flatten() {
                if entry.kind == EntryKind::Tree {
                    directories.push(edge(entry.oid, visit.number));
                }
                holds |= targets.hold(&entry);
            }
            locked(&edges).append(&mut directories);
            if holds {
                locked(&holders).push(visit.number);
            }
            false
        },
        fails,
    );
    let mut edges = std::mem::take(&mut *locked(&edges));
    edges.sort_unstable();
    let mut open = std::mem::take(&mut *locked(&holders));
    let mut leading: HashSet<u32> = open.iter().copied().collect();
    while let Some(tree) = open.pop() {
        let oid = store.oid(tree);
        let from = edges.partition_point(|known| *known < edge(oid.as_bytes(), 0));
        let parents = edges[from..].iter().map(|known| edge_ends(*known));
        let first = edge_ends(edge(oid.as_bytes(), 0)).0;
        for (_, parent) in parents.take_while(|(child, _)| *child == first) {
            if leading.insert(parent) {
                open.push(parent);
            }
        }
    }
    leading
}

/// The first bytes of the directory's name, and the number of the tree.
#[expect(clippy::cast_possible_truncation, reason = "the two halves of it")]
fn edge_ends(edge: u64) -> (u32, u32) {
    ((edge >> 32) as u32, edge as u32)
}
