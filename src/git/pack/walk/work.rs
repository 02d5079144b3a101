//! What there is to do in a walk, and in which order it is begun.

use std::ops::Range;

use git2::Oid;

use crate::git::pack::Damage;
use crate::git::pack::bits::Bits;
use crate::git::pack::file::Pack;
use crate::git::pack::plan::NONE;
use crate::git::pack::plan::Plan;
use crate::git::pack::plan::Root;
use crate::git::pack::store::Numbered;
use crate::git::pack::walk::Job;

/// Trees heavier than this part of all are begun first, lest one be all that is left to do.
const HEAVY: u64 = 1024;
/// How many of the others are taken at a time; they are next to each other in the pack.
const CHUNK: usize = 16;

/// A pack, and what is to be done in it.
pub(super) struct Field<'a> {
    pub(super) first: u32,
    pub(super) pack: &'a Pack,
    pub(super) plan: &'a Plan,
    /// `None` if it has no copies of what is visited elsewhere.
    parts: Option<Parts>,
    pub(super) lost: Vec<(u32, Damage)>,
}

/// Entries by their ranks.
struct Parts {
    wanted: Bits,
    /// Those that are wanted, and all they build on.
    needed: Bits,
}

impl<'a> Job<'a> {
    /// What is to be done in a pack.
    pub(super) fn field(&self, numbered: &'a Numbered) -> Field<'a> {
        let Numbered {
            first,
            pack,
            copies,
        } = numbered;
        let plan = pack.plan(self.threads);
        let wants = |position: u32| !copies.as_ref().is_some_and(|set| set.contains(position));
        let parts = copies.is_some().then(|| {
            let mut parts = Parts {
                wanted: Bits::new(plan.len()),
                needed: Bits::new(plan.len()),
            };
            for rank in plan.ranks().filter(|rank| wants(plan.position(*rank))) {
                parts.wanted.insert(rank);
                let mut rank = rank;
                while rank != NONE && parts.needed.insert(rank) {
                    rank = plan.parent(rank);
                }
            }
            parts
        });
        let lost = plan.lost.iter().copied();
        Field {
            first: *first,
            pack,
            plan,
            parts,
            lost: lost.filter(|(position, _)| wants(*position)).collect(),
        }
    }
}

impl Field<'_> {
    pub(super) fn is_wanted(&self, rank: u32) -> bool {
        let parts = self.parts.as_ref();
        parts.is_none_or(|parts| parts.wanted.contains(rank))
    }

    fn is_needed(&self, rank: u32) -> bool {
        let parts = self.parts.as_ref();
        parts.is_none_or(|parts| parts.needed.contains(rank))
    }

    /// Goes on to the next child that is needed, and takes it off the range.
    pub(super) fn next(&self, children: &mut Range<u32>) -> Option<u32> {
        children
            .map(|at| self.plan.child(at))
            .find(|rank| self.is_needed(*rank))
    }
}

/// All that is to be done, in the order in which it is begun.
pub(super) struct Work<'a> {
    fields: &'a [Field<'a>],
    /// The heavy ones, then the rest in the order of the packs.
    roots: Vec<(usize, Root)>,
    heavy: usize,
    loose: Vec<(u32, Oid)>,
}

/// What a thread takes at a time.
#[derive(Clone, Copy)]
pub(super) enum Unit<'a> {
    Trees(&'a [Field<'a>], &'a [(usize, Root)]),
    Lost(&'a Field<'a>),
    Loose(&'a [(u32, Oid)]),
}

impl<'a> Work<'a> {
    pub(super) fn new(job: &Job<'_>, fields: &'a [Field<'a>]) -> Self {
        let mut roots = Vec::new();
        for (at, field) in fields.iter().enumerate() {
            let wanted = field.plan.roots.iter().filter(|root| {
                root.kind.is_none_or(|kind| job.kinds.contains(kind)) && field.is_needed(root.rank)
            });
            roots.extend(wanted.map(|root| (at, *root)));
        }
        let total = roots
            .iter()
            .fold(0_u64, |sum, (_, root)| sum.saturating_add(root.weight));
        let is_heavy = |root: &Root| root.weight > total / HEAVY;
        roots.sort_unstable_by_key(|(at, root)| {
            let weight = if is_heavy(root) { root.weight } else { 0 };
            (std::cmp::Reverse(weight), *at, root.rank)
        });
        Self {
            fields,
            heavy: roots.partition_point(|(_, root)| is_heavy(root)),
            roots,
            loose: job.store.loose_objects().collect(),
        }
    }

    /// The unit of a number; `None` if all is done.
    pub(super) fn unit(&self, number: usize) -> Option<Unit<'_>> {
        let (heavy, light) = self.roots.split_at(self.heavy);
        if let Some(root) = heavy.get(number..=number) {
            return Some(Unit::Trees(self.fields, root));
        }
        let number = number - heavy.len();
        if let Some(roots) = light.chunks(CHUNK).nth(number) {
            return Some(Unit::Trees(self.fields, roots));
        }
        let number = number - light.chunks(CHUNK).len();
        if let Some(loose) = self.loose.chunks(CHUNK).nth(number) {
            return Some(Unit::Loose(loose));
        }
        let number = number - self.loose.chunks(CHUNK).len();
        self.fields.get(number).map(Unit::Lost)
    }
}
