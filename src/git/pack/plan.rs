//! In which order a pack is read: its delta trees, from the root of each.

use std::ops::Range;
use std::sync::Mutex;
use std::sync::OnceLock;
use std::sync::PoisonError;

use git2::ObjectType;

use crate::git::pack::Damage;
use crate::git::pack::entry::Form;
use crate::git::pack::file::Pack;
use crate::threads;

/// No entry.
pub(super) const NONE: u32 = u32::MAX;
/// What handling an entry costs, in bytes that are copied.
const COST: u64 = 256;
/// How many entries a thread looks at before it takes more.
const CHUNK: usize = 4096;

/// The delta trees of a pack. An entry is known by its rank, its place in the order of offsets.
#[derive(Debug)]
pub(super) struct Plan {
    /// Where each entry begins.
    offsets: Vec<u64>,
    /// The place of each in the index.
    positions: Vec<u32>,
    /// The rank of each place in the index, or [`NONE`]; made when it is first needed.
    ranks: OnceLock<Vec<u32>>,
    /// What each builds on, or [`NONE`].
    parents: Vec<u32>,
    /// Where the list of those that build on it begins in `children`; one more than there are.
    starts: Vec<u32>,
    /// Ranks, those with the same base together, the heaviest last.
    children: Vec<u32>,
    /// The entries that build on no other of the pack.
    pub(super) roots: Vec<Root>,
    /// Places in the index of those that no root leads to.
    pub(super) lost: Vec<(u32, Damage)>,
}

/// An entry that builds on no other of its pack.
#[derive(Debug, Clone, Copy)]
pub(super) struct Root {
    pub(super) rank: u32,
    /// What it is; `None` if that is not known yet, as it builds on an object elsewhere or is
    /// damaged.
    pub(super) kind: Option<ObjectType>,
    /// About what its tree costs.
    pub(super) weight: u64,
}

/// What is known of an entry before any is decompressed.
#[derive(Debug, Clone, Copy)]
struct Sketch {
    parent: u32,
    kind: Option<ObjectType>,
    /// Bytes of the content if it is a root.
    size: u32,
}

impl Plan {
    pub(super) fn new(pack: &Pack, threads: usize) -> Self {
        let mut lost = Vec::new();
        let mut places = Vec::with_capacity(pack.index.count() as usize);
        for position in 0..pack.index.count() {
            match pack.index.offset(position).filter(|at| pack.has(*at)) {
                Some(offset) => places.push((offset, position)),
                None => lost.push((position, Damage::Place)),
            }
        }
        places.sort_unstable();
        let mut plan = Self {
            offsets: places.iter().map(|place| place.0).collect(),
            positions: places.iter().map(|place| place.1).collect(),
            ranks: OnceLock::new(),
            parents: Vec::new(),
            starts: Vec::new(),
            children: Vec::new(),
            roots: Vec::new(),
            lost,
        };
        drop(places);
        let sketches = plan.sketch_all(pack, threads);
        plan.parents = sketches.iter().map(|sketch| sketch.parent).collect();
        plan.link();
        plan.weigh(&sketches);
        plan
    }

    /// Looks at every entry. That the bytes are those the index was made for is checked of all,
    /// since an entry of a kind that is not wanted may be a damaged one of a kind that is.
    fn sketch_all(&self, pack: &Pack, threads: usize) -> Vec<Sketch> {
        let nothing = Sketch {
            parent: NONE,
            kind: None,
            size: 0,
        };
        let count = self.offsets.len();
        let mut sketches = vec![nothing; count];
        let chunks = Mutex::new(sketches.chunks_mut(CHUNK).enumerate());
        let fill = || {
            // A guard that lived on would keep the others from their share.
            let next = || chunks.lock().unwrap_or_else(PoisonError::into_inner).next();
            while let Some((chunk, sketches)) = next() {
                for (at, sketch) in sketches.iter_mut().enumerate() {
                    *sketch = self.sketch(pack, chunk * CHUNK + at).unwrap_or(nothing);
                }
            }
        };
        let threads = threads.min(count.div_ceil(CHUNK));
        threads::beside(threads.saturating_sub(1), fill, fill);
        sketches
    }

    fn sketch(&self, pack: &Pack, at: usize) -> Result<Sketch, Damage> {
        let rank = u32::try_from(at).map_err(|_| Damage::Place)?;
        let entry = self.checked(pack, rank)?;
        let header = pack.header(entry)?;
        let (parent, kind) = match header.form {
            // Without a checksum the kind that it says is no more than a guess.
            Form::Whole(kind) => (NONE, pack.index.has_crc().then_some(kind)),
            Form::Near(back) => (self.before(rank, back)?, None),
            Form::Named(name) => {
                let base = pack.index.find(name).and_then(|at| self.rank(pack, at));
                (base.unwrap_or(NONE), None)
            }
        };
        Ok(Sketch {
            parent,
            kind,
            size: u32::try_from(header.size).unwrap_or(u32::MAX),
        })
    }

    /// The bytes of an entry, if they are those the index was made for. Reading them again to know
    /// that is not needed for what has a parent or a root with a kind: the plan was made so.
    pub(super) fn checked<'pack>(
        &self,
        pack: &'pack Pack,
        rank: u32,
    ) -> Result<&'pack [u8], Damage> {
        let entry = self.entry(pack, rank)?;
        match pack.index.crc(self.position(rank)) {
            Some(crc) if libdeflater::crc32(entry) != crc => Err(Damage::Checksum),
            _ => Ok(entry),
        }
    }

    /// The bytes of an entry.
    pub(super) fn entry<'pack>(&self, pack: &'pack Pack, rank: u32) -> Result<&'pack [u8], Damage> {
        let at = rank as usize;
        let start = self.offsets[at];
        // Two names for one entry are odd, but it has the same end.
        let end = match self.offsets.get(at + 1) {
            Some(next) if *next == start => {
                let later = self.offsets.partition_point(|offset| *offset <= start);
                self.offsets.get(later)
            }
            next => next,
        };
        pack.entry(start, end.copied())
    }

    /// The entry so many bytes before another one.
    pub(super) fn before(&self, rank: u32, back: u64) -> Result<u32, Damage> {
        let at = rank as usize;
        let wanted = self.offsets[at].checked_sub(back).ok_or(Damage::NoBase)?;
        // It is mostly near.
        let (mut start, mut step) = (at, 1);
        while start > 0 && self.offsets[start] > wanted {
            start = start.saturating_sub(step);
            step *= 2;
        }
        let found = self.offsets[start..=at].binary_search(&wanted);
        found
            // `None` is no base that is here, which is told as damage.
            .ok()
            .and_then(|found| u32::try_from(start + found).ok())
            .filter(|found| *found != rank)
            .ok_or(Damage::NoBase)
    }

    /// The rank of an object that is at a place in the index; `None` if it has none.
    pub(super) fn rank(&self, pack: &Pack, position: u32) -> Option<u32> {
        let offset = pack.index.offset(position)?;
        let start = self.offsets.partition_point(|at| *at < offset);
        let same = self.offsets[start..].partition_point(|at| *at == offset);
        let positions = &self.positions[start..start + same];
        let rank = start + positions.binary_search(&position).ok()?;
        u32::try_from(rank).ok()
    }

    /// The same, for who asks for many.
    pub(super) fn rank_at(&self, position: u32) -> Option<u32> {
        let ranks = self.ranks.get_or_init(|| {
            let last = self.positions.iter().max();
            let mut ranks = vec![NONE; last.map_or(0, |last| *last as usize + 1)];
            for (rank, position) in (0..).zip(&self.positions) {
                ranks[*position as usize] = rank;
            }
            ranks
        });
        let rank = ranks.get(position as usize).copied();
        rank.filter(|rank| *rank != NONE)
    }

    /// The place in the index of an entry.
    pub(super) fn position(&self, rank: u32) -> u32 {
        self.positions[rank as usize]
    }

    /// What an entry builds on, or [`NONE`].
    pub(super) fn parent(&self, rank: u32) -> u32 {
        self.parents[rank as usize]
    }

    /// How many entries there are.
    pub(super) fn len(&self) -> usize {
        self.offsets.len()
    }

    /// Every entry.
    pub(super) fn ranks(&self) -> Range<u32> {
        // An index has fewer than fit.
        0..u32::try_from(self.len()).unwrap_or(u32::MAX)
    }

    /// The entries that build on one: a range for [`Plan::child`].
    pub(super) fn children(&self, rank: u32) -> Range<u32> {
        self.starts[rank as usize]..self.starts[rank as usize + 1]
    }

    /// An entry of the range.
    pub(super) fn child(&self, at: u32) -> u32 {
        self.children[at as usize]
    }

    /// Turns the list of parents into lists of children.
    fn link(&mut self) {
        let count = self.parents.len();
        self.starts = vec![0; count + 1];
        let has_parent = |parent: &&u32| **parent != NONE;
        for parent in self.parents.iter().filter(has_parent) {
            self.starts[*parent as usize] += 1;
        }
        let mut total = 0;
        for start in &mut self.starts {
            total += *start;
            *start = total;
        }
        // Filled from behind, each start ends where its list begins.
        self.children = vec![0; total as usize];
        let last_first = self.ranks().rev();
        for (rank, parent) in last_first.zip(self.parents.iter().rev()) {
            if *parent != NONE {
                let start = &mut self.starts[*parent as usize];
                *start -= 1;
                self.children[*start as usize] = rank;
            }
        }
    }

    /// Finds the roots and the weights of their trees, puts the heaviest child of each entry last,
    /// and tells what no root leads to.
    ///
    /// With the heaviest last, a base that is let go before its last child is made costs memory
    /// below a lighter half only: as much is held as the logarithm of a tree is high.
    fn weigh(&mut self, sketches: &[Sketch]) {
        let count = sketches.len();
        let mut weights = vec![0_u64; count];
        let mut order = Vec::with_capacity(count);
        for (rank, sketch) in (0..).zip(sketches) {
            if sketch.parent == NONE {
                let (kind, weight) = (sketch.kind, 0);
                self.roots.push(Root { rank, kind, weight });
                weights[rank as usize] = u64::from(sketch.size) + COST;
                order.push(rank);
            }
        }
        let mut at = 0;
        while let Some(rank) = order.get(at).copied() {
            at += 1;
            // Versions of a file are about as long as each other.
            let weight = weights[rank as usize];
            for child in self.children(rank) {
                let child = self.child(child);
                weights[child as usize] = weight;
                order.push(child);
            }
        }
        for rank in order.iter().rev() {
            let parent = self.parent(*rank);
            if parent != NONE {
                let weight = weights[*rank as usize];
                let sum = &mut weights[parent as usize];
                *sum = sum.saturating_add(weight);
            }
        }
        for rank in &order {
            let range = self.children(*rank);
            let children = &mut self.children[range.start as usize..range.end as usize];
            let heaviest = (0..children.len()).max_by_key(|at| weights[children[*at] as usize]);
            if let Some(heaviest) = heaviest {
                children[heaviest..].rotate_left(1);
            }
        }
        for root in &mut self.roots {
            root.weight = weights[root.rank as usize];
        }
        if order.len() < count {
            let circle = (0..count).filter(|at| weights[*at] == 0);
            let circle = circle.map(|at| (self.positions[at], Damage::Cycle));
            self.lost.extend(circle);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(parents: &[u32]) -> Plan {
        let ranks = 0..u32::try_from(parents.len()).unwrap();
        let mut plan = Plan {
            offsets: ranks.clone().map(u64::from).collect(),
            positions: ranks.collect(),
            ranks: OnceLock::new(),
            parents: parents.to_vec(),
            starts: Vec::new(),
            children: Vec::new(),
            roots: Vec::new(),
            lost: Vec::new(),
        };
        let sketch = |parent: &u32| Sketch {
            parent: *parent,
            kind: None,
            size: 0,
        };
        let sketches: Vec<_> = parents.iter().map(sketch).collect();
        plan.link();
        plan.weigh(&sketches);
        plan
    }

    #[test]
    fn the_heaviest_child_is_the_last() {
        let plan = plan(&[NONE, 0, 0, 0, 2, NONE]);
        let children: Vec<_> = plan.children(0).map(|at| plan.child(at)).collect();
        assert_eq!(children, [1, 3, 2]);
        let roots: Vec<_> = plan.roots.iter().map(|r| (r.rank, r.weight)).collect();
        assert_eq!(roots, [(0, 5 * COST), (5, COST)]);
        assert!(plan.lost.is_empty());
    }

    #[test]
    fn a_circle_is_told() {
        let plan = plan(&[1, 0, NONE, 1, 4]);
        let lost: Vec<_> = plan.lost.iter().map(|lost| lost.0).collect();
        assert_eq!(lost, [0, 1, 3, 4]);
        assert_eq!(plan.roots.len(), 1);
    }
}
