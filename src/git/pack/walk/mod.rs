//! Walks over every object of a repository.

mod visit;
mod work;
mod worker;

use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use git2::ObjectType;
use git2::Oid;

use crate::git::GitError;
use crate::git::pack::Kinds;
use crate::git::pack::Store;
use crate::git::pack::file::Pack;
pub use crate::git::pack::walk::visit::Made;
pub use crate::git::pack::walk::visit::Visit;
use crate::git::pack::walk::work::Field;
use crate::git::pack::walk::work::Work;
use crate::git::pack::walk::worker::Worker;
use crate::threads;

/// How often an object is sought elsewhere. git writes none of which the base is in another pack,
/// and what is damaged has seldom a second copy; forged packs could make each of them cost a walk.
const PATIENCE: u32 = 10_000;

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

    /// Gives an object to the visitor; says whether it can go on from there.
    fn visit(&self, visit: Visit<'_>, notes: Option<&mut Vec<u32>>) -> bool {
        catch_unwind(AssertUnwindSafe(|| (self.visit)(visit, notes))).unwrap_or_else(|_| {
            let oid = visit.oid();
            (self.failed)(oid, GitError::Panic { oid });
            false
        })
    }
}
