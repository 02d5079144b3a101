//! Walks over every object of a repository.

use std::ops::Range;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use git2::ObjectFormat;
use git2::ObjectType;
use git2::Oid;

use crate::git::GitError;
use crate::git::pack::Damage;
use crate::git::pack::Kinds;
use crate::git::pack::Store;
use crate::git::pack::bits::Bits;
use crate::git::pack::delta::Copied;
use crate::git::pack::entry::Buffer;
use crate::git::pack::entry::Form;
use crate::git::pack::file::Pack;
use crate::git::pack::index::oid_of;
use crate::git::pack::plan::NONE;
use crate::git::pack::plan::Plan;
use crate::git::pack::plan::Root;
use crate::git::pack::read;
use crate::git::pack::read::Reader;
use crate::git::pack::store::Numbered;
use crate::threads;

/// Trees heavier than this part of all are begun first, lest one be all that is left to do.
const HEAVY: u64 = 1024;
/// How many of the others are taken at a time; they are next to each other in the pack.
const CHUNK: usize = 16;
/// How often an object is sought elsewhere. git writes none of which the base is in another pack,
/// and what is damaged has seldom a second copy; forged packs could make each of them cost a walk.
const PATIENCE: u32 = 10_000;

/// An object, for as long as it is looked at.
#[derive(Clone, Copy)]
pub struct Visit<'a> {
    /// Its number.
    pub number: u32,
    /// Its name, in bytes: most are never read from where they lie.
    pub name: &'a [u8],
    /// What it is.
    pub kind: ObjectType,
    /// Its content.
    pub data: &'a [u8],
    /// How it was made, if that was from an object that has been visited in the same walk before,
    /// and the visitor said then that it can go on from there. `None` if the whole object is new.
    pub made: Option<Made<'a>>,
}

/// How an object was made from another one, its base.
#[derive(Clone, Copy)]
pub struct Made<'a> {
    /// What is new: what is between two of these ranges is in the base as it is here, in one piece.
    /// An empty range is a place where two such pieces meet that do not in the base, or an end of
    /// this object that is none of the base. In order, and apart.
    pub fresh: &'a [Range<u32>],
    /// What is not, in order.
    pub copied: &'a [Copied],
    /// The content of the base.
    pub base: &'a [u8],
    /// What the visitor noted of the base.
    pub notes: &'a [u32],
}

impl std::fmt::Debug for Made<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Made({:?}, {:?})", self.fresh, self.copied)
    }
}

impl<'a> Visit<'a> {
    /// What is new in it; `None` if all is.
    pub fn fresh(&self) -> Option<&'a [Range<u32>]> {
        self.made.map(|made| made.fresh)
    }

    /// Its name.
    pub fn oid(&self) -> Oid {
        oid_of(self.name)
    }

    /// The kind of hash by which objects are named here.
    pub fn format(&self) -> ObjectFormat {
        match self.name.len() {
            20 => ObjectFormat::Sha1,
            _ => ObjectFormat::Sha256,
        }
    }
}

impl std::fmt::Debug for Visit<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (kind, oid) = (self.kind, self.oid());
        write!(f, "Visit({kind} {oid}, {} bytes)", self.data.len())
    }
}

impl Store {
    /// Visits every object of some kinds once, in any order and from any of `threads` threads. An
    /// object that cannot be read, or whose visit panics, is given to `failed`; its kind is perhaps
    /// not known. The others are visited nevertheless. Once `cancelled` says so, the rest is left.
    ///
    /// The visitor says whether it can go on from an object: whether, of those that are made from
    /// it, it is enough to be told what is new. If there are any, it is given room for notes,
    /// which it gets back with each of them.
    pub fn walk(
        &self,
        kinds: Kinds,
        threads: usize,
        cancelled: impl Fn() -> bool + Sync,
        visit: impl Fn(Visit<'_>, Option<&mut Vec<u32>>) -> bool + Sync,
        failed: impl Fn(Oid, GitError) + Sync,
    ) {
        self.run(&Job::new(self, kinds, threads, &cancelled, &visit, &failed));
    }

    fn run(&self, job: &Job<'_>) {
        let fields = self.packs().iter().map(|pack| job.field(pack));
        let fields: Vec<Field<'_>> = fields.collect();
        let work = Work::new(job, &fields);
        let next = AtomicUsize::new(0);
        let take = || {
            let mut worker = Worker::new(job);
            while let Some(unit) = work.unit(next.fetch_add(1, Ordering::Relaxed)) {
                worker.unit(unit);
                if (job.cancelled)() {
                    return;
                }
            }
        };
        threads::beside(job.threads.saturating_sub(1), take, take);
    }
}

/// Looks at an object.
type Visitor<'a> = dyn Fn(Visit<'_>, Option<&mut Vec<u32>>) -> bool + Sync + 'a;

/// What is asked for.
struct Job<'a> {
    store: &'a Store,
    kinds: Kinds,
    threads: usize,
    cancelled: &'a (dyn Fn() -> bool + Sync),
    visit: &'a Visitor<'a>,
    failed: &'a (dyn Fn(Oid, GitError) + Sync),
    /// How often objects were sought elsewhere.
    sought: AtomicU32,
}

impl<'a> Job<'a> {
    fn new(
        store: &'a Store,
        kinds: Kinds,
        threads: usize,
        cancelled: &'a (dyn Fn() -> bool + Sync),
        visit: &'a Visitor<'a>,
        failed: &'a (dyn Fn(Oid, GitError) + Sync),
    ) -> Self {
        Self {
            store,
            kinds,
            threads,
            cancelled,
            visit,
            failed,
            sought: AtomicU32::new(0),
        }
    }

    /// Whether it is still tried to find objects elsewhere.
    fn is_patient(&self) -> bool {
        self.sought.load(Ordering::Relaxed) < PATIENCE
            && self.sought.fetch_add(1, Ordering::Relaxed) < PATIENCE
    }

    /// An object of a pack that failed to give it, from elsewhere.
    fn rescue(&self, oid: Oid, failed: &Pack) -> Option<(ObjectType, Vec<u8>)> {
        let store = self.is_patient().then_some(self.store)?;
        store.rescue(oid, failed)
    }

    /// What is to be done in a pack.
    fn field(&self, numbered: &'a Numbered) -> Field<'a> {
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

    /// Gives an object to the visitor; says whether it can go on from there.
    fn visit(&self, visit: Visit<'_>, notes: Option<&mut Vec<u32>>) -> bool {
        catch_unwind(AssertUnwindSafe(|| (self.visit)(visit, notes))).unwrap_or_else(|_| {
            let oid = visit.oid();
            (self.failed)(oid, GitError::Panic { oid });
            false
        })
    }
}

/// A pack, and what is to be done in it.
struct Field<'a> {
    first: u32,
    pack: &'a Pack,
    plan: &'a Plan,
    /// `None` if it has no copies of what is visited elsewhere.
    parts: Option<Parts>,
    lost: Vec<(u32, Damage)>,
}

/// Entries by their ranks.
struct Parts {
    wanted: Bits,
    /// Those that are wanted, and all they build on.
    needed: Bits,
}

impl Field<'_> {
    fn is_wanted(&self, rank: u32) -> bool {
        let parts = self.parts.as_ref();
        parts.is_none_or(|parts| parts.wanted.contains(rank))
    }

    fn is_needed(&self, rank: u32) -> bool {
        let parts = self.parts.as_ref();
        parts.is_none_or(|parts| parts.needed.contains(rank))
    }

    /// Goes on to the next child that is needed, and takes it off the range.
    fn next(&self, children: &mut Range<u32>) -> Option<u32> {
        children
            .map(|at| self.plan.child(at))
            .find(|rank| self.is_needed(*rank))
    }
}

/// All that is to be done, in the order in which it is begun.
struct Work<'a> {
    fields: &'a [Field<'a>],
    /// The heavy ones, then the rest in the order of the packs.
    roots: Vec<(usize, Root)>,
    heavy: usize,
    loose: Vec<(u32, Oid)>,
}

/// What a thread takes at a time.
#[derive(Clone, Copy)]
enum Unit<'a> {
    Trees(&'a [Field<'a>], &'a [(usize, Root)]),
    Lost(&'a Field<'a>),
    Loose(&'a [(u32, Oid)]),
}

impl<'a> Work<'a> {
    fn new(job: &Job<'_>, fields: &'a [Field<'a>]) -> Self {
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
    fn unit(&self, number: usize) -> Option<Unit<'_>> {
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

/// An object that others build on.
struct Base {
    data: Buffer,
    /// Whether it was visited, and the visitor can go on from there.
    is_known: bool,
    /// What the visitor noted of it.
    notes: Vec<u32>,
    /// What is still to be made from it.
    children: Range<u32>,
}

/// What one thread has.
struct Worker<'a> {
    job: &'a Job<'a>,
    reader: Reader,
    bases: Vec<Base>,
    /// Room for notes of bases to come.
    free_notes: Vec<Vec<u32>>,
    /// Ranks of entries that were not made, and why.
    broken: Vec<(u32, Damage)>,
}

impl<'a> Worker<'a> {
    fn new(job: &'a Job<'a>) -> Self {
        Self {
            job,
            reader: Reader::new(),
            bases: Vec::new(),
            free_notes: Vec::new(),
            broken: Vec::new(),
        }
    }

    fn unit(&mut self, unit: Unit<'_>) {
        match unit {
            Unit::Trees(fields, roots) => {
                for (at, root) in roots {
                    self.tree(&fields[*at], *root);
                    if (self.job.cancelled)() {
                        return;
                    }
                }
            }
            Unit::Lost(field) => {
                for (position, damage) in &field.lost {
                    self.lost(field, *position, *damage);
                }
            }
            Unit::Loose(objects) => {
                for (number, oid) in objects {
                    self.loose(*number, *oid);
                    if (self.job.cancelled)() {
                        return;
                    }
                }
            }
        }
    }

    fn loose(&mut self, number: u32, oid: Oid) {
        match self.job.store.loose_of(number, self.job.kinds) {
            Ok(Some((kind, data))) => {
                let visit = Visit {
                    number,
                    name: oid.as_bytes(),
                    kind,
                    data: &data,
                    made: None,
                };
                self.job.visit(visit, None);
            }
            Ok(None) => {}
            Err(error) => (self.job.failed)(oid, error),
        }
    }

    /// Reads an object that has no rank from where else it is.
    fn lost(&mut self, field: &Field<'_>, position: u32, damage: Damage) {
        let oid = field.pack.oid(position);
        match self.job.rescue(oid, field.pack) {
            Some((kind, data)) if self.job.kinds.contains(kind) => {
                let visit = Visit {
                    number: field.first + position,
                    name: oid.as_bytes(),
                    kind,
                    data: &data,
                    made: None,
                };
                self.job.visit(visit, None);
            }
            Some(_) => {}
            None => (self.job.failed)(oid, field.pack.error(position, damage)),
        }
    }

    /// Visits a delta tree.
    fn tree(&mut self, field: &Field<'_>, root: Root) {
        match self.root(field, root) {
            Ok((kind, data)) => self.descend(field, root.rank, kind, data),
            Err(damage) => self.broken.push((root.rank, damage)),
        }
        while let Some((rank, damage)) = self.broken.pop() {
            if (self.job.cancelled)() {
                self.broken.clear();
                return;
            }
            let position = field.plan.position(rank);
            let oid = field.pack.oid(position);
            // Another pack may have it, or a file of its own.
            if let Some((kind, data)) = self.job.rescue(oid, field.pack) {
                self.descend(field, rank, kind, Buffer::of(data));
                continue;
            }
            if field.is_wanted(rank) {
                (self.job.failed)(oid, field.pack.error(position, damage));
            }
            let mut children = field.plan.children(rank);
            while let Some(child) = field.next(&mut children) {
                self.broken.push((child, Damage::Base(oid)));
            }
        }
    }

    /// Reads a root of a tree. What it builds on may be elsewhere.
    fn root(&mut self, field: &Field<'_>, root: Root) -> Result<(ObjectType, Buffer), Damage> {
        let rank = root.rank;
        let entry = if root.kind.is_some() {
            field.plan.entry(field.pack, rank)?
        } else {
            field.plan.checked(field.pack, rank)?
        };
        let header = field.pack.header(entry)?;
        match header.form {
            Form::Whole(kind) => Ok((kind, self.reader.whole(entry, &header)?)),
            Form::Near(_) => Err(Damage::NoBase),
            Form::Named(_) if !self.job.is_patient() => Err(Damage::NoBase),
            Form::Named(_) => {
                let position = field.plan.position(rank);
                let store = self.job.store;
                match read::object(store, field.pack, position, &mut self.reader) {
                    Ok(object) => Ok(object),
                    Err(GitError::Packed { oid, damage, .. })
                        if oid == field.pack.oid(position) =>
                    {
                        Err(damage)
                    }
                    Err(GitError::Packed { oid, .. } | GitError::Loose { oid, .. }) => {
                        Err(Damage::Base(oid))
                    }
                    // It is told as damage.
                    Err(_) => Err(Damage::NoBase),
                }
            }
        }
    }

    /// Visits an object and all that builds on it, depth first.
    fn descend(&mut self, field: &Field<'_>, rank: u32, kind: ObjectType, data: Buffer) {
        if !self.job.kinds.contains(kind) && field.pack.index.has_crc() {
            self.reader.release(data);
            return;
        }
        self.show(field, rank, kind, data, None);
        while let Some(mut base) = self.bases.pop() {
            if (self.job.cancelled)() {
                self.bases.clear();
                return;
            }
            let Some(child) = field.next(&mut base.children) else {
                self.release(base);
                continue;
            };
            match make(&mut self.reader, field, child, base.data.data()) {
                Ok(data) if field.next(&mut base.children.clone()).is_none() => {
                    // What is made from its last child need not wait for it.
                    self.show(field, child, kind, data, Some(&base));
                    self.release(base);
                }
                Ok(data) => {
                    let at = self.bases.len();
                    self.show(field, child, kind, data, Some(&base));
                    self.bases.insert(at, base);
                }
                Err(damage) => {
                    self.broken.push((child, damage));
                    self.bases.push(base);
                }
            }
        }
    }

    /// Lets go of a base.
    fn release(&mut self, base: Base) {
        self.reader.release(base.data);
        self.free_notes.push(base.notes);
    }

    /// Gives an object to the visitor if it is wanted; it is the next base then, if anything is to be
    /// made from it.
    fn show(
        &mut self,
        field: &Field<'_>,
        rank: u32,
        kind: ObjectType,
        data: Buffer,
        from: Option<&Base>,
    ) {
        let position = field.plan.position(rank);
        if !field.pack.index.has_crc() && !field.pack.is(position, kind, data.data()) {
            self.broken.push((rank, Damage::Checksum));
            self.reader.release(data);
            return;
        }
        let children = field.plan.children(rank);
        let is_base = field.next(&mut children.clone()).is_some();
        // Room that is not there is made.
        let notes = self.free_notes.pop().unwrap_or_default();
        let mut base = Base {
            data,
            is_known: false,
            notes,
            children,
        };
        if field.is_wanted(rank) && self.job.kinds.contains(kind) {
            base.notes.clear();
            let visit = Visit {
                number: field.first + position,
                name: field.pack.index.raw(position),
                kind,
                data: base.data.data(),
                made: from.filter(|from| from.is_known).map(|from| Made {
                    fresh: &self.reader.changes.fresh,
                    copied: &self.reader.changes.copied,
                    base: from.data.data(),
                    notes: &from.notes,
                }),
            };
            base.is_known = self.job.visit(visit, is_base.then_some(&mut base.notes));
        }
        if is_base {
            self.bases.push(base);
        } else {
            self.release(base);
        }
    }
}

/// Makes an entry from its base.
fn make(reader: &mut Reader, field: &Field<'_>, rank: u32, base: &[u8]) -> Result<Buffer, Damage> {
    let entry = field.plan.entry(field.pack, rank)?;
    let header = field.pack.header(entry)?;
    reader.delta(base, entry, &header)
}
