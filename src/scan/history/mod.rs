//! Scans commits: each unique blob once, then, only if something was found, who brought it in.

mod attribute;
mod difference;
mod everything;
mod hot;
mod names;
mod read;
mod remarks;
mod result;
mod roles;
mod seen;
mod survey;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use git2::ObjectType;
use git2::Oid;
use git2::Repository;

use crate::finding::Hit;
use crate::git::GitError;
use crate::git::Opener;
use crate::git::commit::Commit;
use crate::git::commit::Commits;
use crate::git::object::Objects;
use crate::place::Kind;
use crate::place::Place;
use crate::scan::Scan;
use crate::scan::history::remarks::First;
use crate::scan::history::seen::Seen;
use crate::scan::inspect::Inspected;
use crate::scan::pool::Pool;
use crate::source::history;
use crate::source::history::Beyond;
use crate::source::history::Selection;
use crate::source::history::Walk;

/// Scans commits. An error means that nothing was scanned; what else went wrong is in the report.
pub fn scan(scan: &Scan<'_>, opener: &Opener, selection: &Selection) -> Result<(), GitError> {
    let repository = opener.open()?;
    // What is excluded is told by its path, and a walk over all objects knows none.
    if let Some(beyond) = selection.beyond()
        && (scan.settings.exclude.is_empty() || beyond != Beyond::default())
    {
        return everything::scan(scan, opener, &repository, selection, beyond);
    }
    let known = Commits::new();
    let walk = history::walk(&repository, selection, &known)?;
    for error in &walk.errors {
        scan.failed(None, error);
    }
    let mut history = History::new(scan, opener, &walk, &known);
    history.ref_names();
    history.read_all();
    history.firsts = history.room_for_firsts();
    let found_any = history.found_any();
    if found_any || !history.firsts.is_empty() {
        history.attribute_all();
    }
    history.tell_untold();
    if found_any {
        history.names_without_files();
        let in_head = history.keys_in_head(&repository);
        history.report(&repository, &in_head);
    }
    Ok(())
}

/// A lock that a panic elsewhere does not spoil: what it guards is changed in one step.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A secret that a commit brought in, or that lies in something a ref names.
struct Introduction {
    place: Place,
    hit: Hit,
    /// Index of the commit in the walk.
    commit: Option<usize>,
}

struct History<'a> {
    scan: &'a Scan<'a>,
    opener: &'a Opener,
    walk: &'a Walk,
    /// Commits that need not be read.
    known: &'a Commits,
    /// Trees that were read; with their paths where some paths are left out.
    trees: Seen<(Oid, Vec<u8>)>,
    blobs: Seen<Oid>,
    /// The hits of every blob that has any.
    hits: Mutex<BTreeMap<Oid, Vec<Hit>>>,
    /// The hits of blobs from before a range, once they were asked for.
    older_hits: Mutex<BTreeMap<Oid, Vec<Hit>>>,
    /// The names in trees that hold a secret.
    names: Mutex<BTreeSet<Vec<u8>>>,
    introductions: Mutex<Vec<Introduction>>,
    /// What is to be said of blobs beside hits, once it is known where they are.
    remarks: BTreeMap<Oid, Inspected>,
    /// The blobs of these, and of those with hits, that some tree leads to.
    seen: Mutex<HashSet<Oid>>,
    /// What is to be said of blobs beside hits, where these are read as they are come across.
    untold: Mutex<BTreeMap<Oid, Result<Inspected, GitError>>>,
    /// Where each of these is first: in which commit or extra, in their order, and at which path.
    firsts: BTreeMap<Oid, First>,
}

/// An item of the work: what is read first, by index.
#[derive(Debug, Clone, Copy)]
enum Task {
    Commit(usize),
    Extra(usize),
}

impl<'a> History<'a> {
    fn new(scan: &'a Scan<'a>, opener: &'a Opener, walk: &'a Walk, known: &'a Commits) -> Self {
        Self {
            scan,
            opener,
            walk,
            known,
            trees: Seen::new(),
            blobs: Seen::new(),
            hits: Mutex::default(),
            older_hits: Mutex::default(),
            names: Mutex::default(),
            introductions: Mutex::default(),
            remarks: BTreeMap::new(),
            seen: Mutex::default(),
            untold: Mutex::default(),
            firsts: BTreeMap::new(),
        }
    }

    fn message(&self, kind: Kind, name: &[u8], commit: Option<usize>, inspected: Inspected) {
        let place = self.scan.place(kind, name);
        self.scan.remarks(&place.label, &inspected);
        for hit in inspected.hits {
            self.introduce(place.clone(), hit, commit);
        }
    }

    fn introduce(&self, place: Place, hit: Hit, commit: Option<usize>) {
        locked(&self.introductions).push(Introduction { place, hit, commit });
    }

    fn found_any(&self) -> bool {
        !locked(&self.names).is_empty()
            || !locked(&self.hits).is_empty()
            || !locked(&self.introductions).is_empty()
    }

    fn each(&self, work: impl Fn(&Repository, Task) -> Result<(), GitError> + Sync) {
        let tasks: Vec<Task> = (0..self.walk.commits.len())
            .map(Task::Commit)
            .chain((0..self.walk.extras.len()).map(Task::Extra))
            .collect();
        let settings = self.scan.settings;
        Pool::new(settings.threads, tasks.len(), settings.cancel.clone()).each(
            &tasks,
            || self.opener.open(),
            |repository, task| {
                let outcome = match repository {
                    Ok(repository) => work(repository, *task).map_err(|error| error.to_string()),
                    Err(error) => Err(error.to_string()),
                };
                if let Err(reason) = outcome {
                    self.scan.failed(Some(&self.name(*task)), reason);
                }
            },
            |task| self.scan.broken(&self.name(*task)),
        );
    }

    /// What a task is called in messages.
    fn name(&self, task: Task) -> Vec<u8> {
        match task {
            Task::Commit(index) => {
                format!("commit {}", short(self.walk.commits[index].oid)).into_bytes()
            }
            Task::Extra(index) => self.walk.extras[index].name.clone(),
        }
    }
}

/// The trees of a commit's parents. One that a shallow clone lacks holds nothing, as far as
/// anyone can tell; that the clone is shallow is said elsewhere.
fn parent_trees(odb: &Objects<'_>, commit: &Commit) -> Result<Vec<Oid>, GitError> {
    let mut trees = Vec::with_capacity(commit.parents.len());
    for &parent in &commit.parents {
        match odb.read_as(parent, ObjectType::Commit) {
            Ok(object) => trees.push(Commit::parse(parent, object.data())?.tree),
            Err(GitError::Object { error, .. }) if error.code() == git2::ErrorCode::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(trees)
}

/// The first digits of an object id, enough for a person.
fn short(oid: Oid) -> String {
    oid.to_string().chars().take(12).collect()
}
