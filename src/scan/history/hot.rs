//! What leads to some objects or names: all that has to be known of a history's trees to say which
//! commits brought these in. It is noted while the trees are read for the first and only time.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::PoisonError;

use git2::Oid;

use crate::git::GitError;
use crate::git::pack::Store;
use crate::git::tree::Entry;
use crate::git::tree::EntryKind;
use crate::git::tree::RawEntry;
use crate::git::tree::Trees;
use crate::scan::history::locked;
use crate::scan::history::roles::Bits;

/// An entry of a tree, in numbers. Those of objects are those of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Edge {
    object: u32,
    /// The kind and the name.
    label: u32,
    tree: u32,
}

/// Which entries trees have as against those they are made from, and which they have no more.
#[derive(Debug)]
pub(super) struct Edges<'a> {
    store: &'a Store,
    /// The trees that have all other entries of the ones they are made from.
    heirs: Bits,
    noted: Mutex<Noted>,
}

#[derive(Debug, Default)]
struct Noted {
    added: Vec<Edge>,
    gone: Vec<Edge>,
    /// Entries that are looked for themselves.
    wanted: Vec<Edge>,
    labels: Vec<(EntryKind, Vec<u8>)>,
    label_numbers: HashMap<Vec<u8>, u32>,
    /// Room for a key of these.
    key: Vec<u8>,
    /// Objects that are named and not there. Their numbers follow those of the store.
    missing: Vec<Oid>,
    missing_numbers: HashMap<Oid, u32>,
}

impl<'a> Edges<'a> {
    pub(super) fn new(store: &'a Store) -> Self {
        Self {
            store,
            heirs: Bits::new(store.len()),
            noted: Mutex::default(),
        }
    }

    /// Notes what a tree got and lost: entries, with the numbers of their objects if they are there.
    pub(super) fn change<'e>(
        &self,
        tree: u32,
        added: impl Iterator<Item = (RawEntry<'e>, Option<u32>)>,
        gone: impl Iterator<Item = (RawEntry<'e>, Option<u32>)>,
    ) {
        let noted = &mut *locked(&self.noted);
        for (entry, object) in added {
            let edge = noted.edge(self.store, tree, &entry, object);
            noted.added.push(edge);
        }
        for (entry, object) in gone {
            let edge = noted.edge(self.store, tree, &entry, object);
            noted.gone.push(edge);
        }
    }

    /// Notes that a tree has all other entries of the one it is made from.
    pub(super) fn inherit(&self, tree: u32) {
        self.heirs.insert(tree);
    }

    /// Notes an entry that is looked for itself.
    pub(super) fn want(&self, tree: u32, entry: &RawEntry<'_>) {
        let noted = &mut *locked(&self.noted);
        let edge = noted.edge(self.store, tree, entry, self.store.find(entry.oid));
        noted.wanted.push(edge);
    }

    /// Finds which trees lead to some objects and to wanted entries. Of what cannot be read there is
    /// more to tell where something leads to it.
    pub(super) fn leading<'u>(
        self,
        objects: impl Iterator<Item = Oid>,
        unread: &'u BTreeMap<Oid, GitError>,
    ) -> Hot<'a, 'u> {
        let Self {
            store,
            heirs,
            noted,
        } = self;
        let mut noted = noted.into_inner().unwrap_or_else(PoisonError::into_inner);
        let numbered = |oid: Oid| {
            let number = store.find(oid.as_bytes());
            number.or_else(|| noted.missing_numbers.get(&oid).copied())
        };
        // What has no number is named by nothing.
        let targets: HashSet<u32> = objects.filter_map(numbered).collect();
        let mut wanted = std::mem::take(&mut noted.wanted);
        noted.added.extend(&wanted);
        if targets.is_empty() && wanted.is_empty() {
            return Hot::of(store, unread);
        }
        let count = store.len() + noted.missing.len();
        // Each is looked for once, in however many trees it was added.
        wanted.sort_unstable();
        wanted.dedup_by_key(|edge| edge.entry());
        noted.added.sort_unstable();
        noted.added.dedup();
        noted.gone.sort_unstable();
        let mut search = Search {
            store,
            heirs: &heirs,
            gone: &noted.gone,
            found: Vec::new(),
            open: targets.iter().copied().collect(),
            known: targets,
        };
        let added = ByObject::new(&noted.added, count);
        for entry in wanted {
            search.holders(slice_of(added.of(entry.object), |edge| {
                edge.entry().cmp(&entry.entry())
            }));
        }
        while let Some(object) = search.open.pop() {
            search.holders(added.of(object));
        }
        let Search {
            mut found, known, ..
        } = search;
        drop(added);
        (noted.added, noted.gone) = (Vec::new(), Vec::new());
        let ranks = noted.sort_labels();
        for edge in &mut found {
            edge.label = ranks[edge.label as usize];
        }
        found.sort_unstable_by_key(|edge| (edge.tree, edge.label, edge.object));
        found.dedup();
        let name = |edge: &Edge| &noted.labels[edge.label as usize].1;
        let has_twins = found
            .windows(2)
            .any(|two| two[0].tree == two[1].tree && name(&two[0]) == name(&two[1]));
        let mut starts = vec![0; store.len() + 1];
        let mut at = 0;
        for (tree, start) in starts.iter_mut().enumerate() {
            at += found[at..]
                .iter()
                .take_while(|edge| (edge.tree as usize) < tree)
                .count();
            *start = number(at);
        }
        Hot {
            store,
            noted,
            entries: found,
            starts,
            has_twins,
            known,
            ..Hot::of(store, unread)
        }
    }
}

impl Noted {
    fn edge(
        &mut self,
        store: &Store,
        tree: u32,
        entry: &RawEntry<'_>,
        object: Option<u32>,
    ) -> Edge {
        let object = object.unwrap_or_else(|| self.missing(store, entry.oid));
        self.key.clear();
        self.key.extend_from_slice(entry.name);
        self.key.push(entry.kind as u8);
        // Most were seen before.
        let known = self.label_numbers.get(&self.key[..]).copied();
        let label = known.unwrap_or_else(|| {
            let next = number(self.labels.len());
            self.label_numbers.insert(self.key.clone(), next);
            self.labels.push((entry.kind, entry.name.to_vec()));
            next
        });
        Edge {
            object,
            label,
            tree,
        }
    }

    /// Numbers the labels in their own order; returns the new numbers by the old ones, which depend
    /// on which thread came first. Of several paths the first is told.
    fn sort_labels(&mut self) -> Vec<u32> {
        self.label_numbers = HashMap::new();
        let mut labels: Vec<_> = std::mem::take(&mut self.labels)
            .into_iter()
            .enumerate()
            .collect();
        labels.sort_unstable_by(|(_, (a, a_name)), (_, (b, b_name))| (a_name, a).cmp(&(b_name, b)));
        let mut ranks = vec![0; labels.len()];
        for (old, label) in labels {
            ranks[old] = number(self.labels.len());
            self.labels.push(label);
        }
        ranks
    }

    fn missing(&mut self, store: &Store, name: &[u8]) -> u32 {
        // It has the length of a name.
        let oid = Oid::from_bytes(name).unwrap_or(Oid::ZERO_SHA1);
        let next = number(store.len() + self.missing.len());
        let missing = *self.missing_numbers.entry(oid).or_insert(next);
        if missing == next {
            self.missing.push(oid);
        }
        missing
    }
}

/// A number for one thing more. There is no memory for as many as would need others.
fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

impl Edge {
    /// What tells entries apart, whatever tree they are in.
    fn entry(&self) -> (u32, u32) {
        (self.object, self.label)
    }
}

/// Those of some sorted edges that are equal to what is looked for.
fn slice_of(edges: &[Edge], compare: impl Fn(&Edge) -> Ordering) -> &[Edge] {
    let start = edges.partition_point(|edge| compare(edge).is_lt());
    let count = edges[start..].partition_point(|edge| compare(edge).is_eq());
    &edges[start..start + count]
}

/// Sorted edges, to be had by their objects.
struct ByObject<'a> {
    edges: &'a [Edge],
    /// For each object, where its edges begin, and then where all end.
    starts: Vec<u32>,
}

impl<'a> ByObject<'a> {
    /// For objects of numbers below `count`.
    fn new(edges: &'a [Edge], count: usize) -> Self {
        let mut starts = Vec::with_capacity(count + 1);
        for (at, edge) in edges.iter().enumerate() {
            if starts.len() <= edge.object as usize {
                starts.resize(edge.object as usize + 1, number(at));
            }
        }
        starts.resize(count + 1, number(edges.len()));
        Self { edges, starts }
    }

    /// Those of an object.
    fn of(&self, object: u32) -> &'a [Edge] {
        let object = object as usize;
        &self.edges[self.starts[object] as usize..self.starts[object + 1] as usize]
    }
}

/// A search for the trees that lead to something.
struct Search<'a> {
    store: &'a Store,
    heirs: &'a Bits,
    gone: &'a [Edge],
    found: Vec<Edge>,
    /// The objects of which it is to be asked what has them, and all that were ever.
    open: Vec<u32>,
    known: HashSet<u32>,
}

impl Search<'_> {
    /// Takes all trees that have entries of one object: those that got it, and what is made from them until one
    /// has it no more.
    fn holders(&mut self, added: &[Edge]) {
        let object = added.first().map(|edge| edge.object);
        let gone = slice_of(self.gone, |edge| Some(edge.object).cmp(&object));
        let mut holders = added.to_vec();
        while let Some(holder) = holders.pop() {
            self.found.push(holder);
            if self.known.insert(holder.tree) {
                self.open.push(holder.tree);
            }
            let made = self.store.made_from(holder.tree);
            let made = made.filter(|tree| self.heirs.contains(*tree));
            let made = made.map(|tree| Edge { tree, ..holder });
            holders.extend(made.filter(|edge| gone.binary_search(edge).is_err()));
        }
    }
}

/// The trees that lead to what was looked for, with only the entries that do.
pub(super) struct Hot<'a, 'u> {
    store: &'a Store,
    noted: Noted,
    /// By tree.
    entries: Vec<Edge>,
    /// For each object of the store, where its entries begin, and then where all end.
    starts: Vec<u32>,
    /// Whether a tree has two entries of one name.
    has_twins: bool,
    /// What was looked for, and the trees that lead there.
    known: HashSet<u32>,
    /// What cannot be read.
    unread: &'u BTreeMap<Oid, GitError>,
    /// What of it was come across, and where.
    met: Mutex<BTreeMap<Oid, Option<Vec<u8>>>>,
}

impl<'a, 'u> Hot<'a, 'u> {
    /// Nothing leads anywhere.
    fn of(store: &'a Store, unread: &'u BTreeMap<Oid, GitError>) -> Self {
        Self {
            store,
            noted: Noted::default(),
            entries: Vec::new(),
            starts: Vec::new(),
            has_twins: false,
            known: HashSet::new(),
            unread,
            met: Mutex::default(),
        }
    }

    /// Whether no tree leads anywhere, and all can be read.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.unread.is_empty()
    }

    /// Whether a tree leads anywhere, or cannot be read.
    pub(super) fn leads(&self, tree: Oid) -> bool {
        !self.edges(tree).is_empty() || self.unread.contains_key(&tree)
    }

    /// Whether a tree that can be read leads to the same as another one, by the same entries. Those
    /// that are not in order are not known to be compared.
    pub(super) fn leads_as(&self, tree: Oid, other: Oid) -> bool {
        let entries = |tree| self.edges(tree).iter().map(Edge::entry);
        !self.has_twins && !self.unread.contains_key(&tree) && entries(tree).eq(entries(other))
    }

    fn edges(&self, tree: Oid) -> &[Edge] {
        let number = self.store.find(tree.as_bytes());
        let ends = number.and_then(|tree| self.starts.get(tree as usize..)?.first_chunk());
        // What is not there has none.
        ends.map_or(&[], |[start, end]| {
            &self.entries[*start as usize..*end as usize]
        })
    }

    fn entry(&self, edge: &Edge) -> Entry {
        let (kind, name) = &self.noted.labels[edge.label as usize];
        let object = edge.object as usize;
        let missing = object.checked_sub(self.store.len());
        // One that is looked for by its name alone counts as a file: what is in it is not known.
        let by_name = *kind == EntryKind::Tree && !self.known.contains(&edge.object);
        Entry {
            kind: if by_name { EntryKind::Gitlink } else { *kind },
            name: name.clone(),
            oid: missing.map_or_else(|| self.store.oid(edge.object), |at| self.noted.missing[at]),
        }
    }

    /// Notes that something leads to an object.
    fn meet(&self, oid: Oid, path: Option<&[u8]>) {
        if self.unread.contains_key(&oid) {
            let mut met = locked(&self.met);
            let known = met.entry(oid).or_default();
            // Those who only look for commits know none.
            if known.is_none() {
                *known = path.map(<[u8]>::to_vec);
            }
        }
    }

    /// What cannot be read and something leads to.
    pub(super) fn met(&self) -> Vec<(Option<Vec<u8>>, &'u GitError)> {
        let met = locked(&self.met);
        let errors = met.iter();
        errors
            .filter_map(|(oid, path)| Some((path.clone(), self.unread.get(oid)?)))
            .collect()
    }
}

impl Trees for Hot<'_, '_> {
    fn entries(&self, oid: Oid) -> Result<Vec<Entry>, GitError> {
        self.meet(oid, None);
        // A tree that leads nowhere has none here.
        Ok(self
            .edges(oid)
            .iter()
            .map(|edge| self.entry(edge))
            .collect())
    }

    fn come_across(&self, oid: Oid, path: &[u8]) {
        self.meet(oid, Some(path));
    }
}
