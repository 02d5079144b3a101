//! Scans commits: each unique blob once, then, only if something was found, who brought it in.

mod difference;
mod everything;
mod hot;
mod result;
mod roles;
mod survey;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashSet;
use std::hash::BuildHasher as _;
use std::hash::Hash;
use std::hash::RandomState;
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
use crate::git::tree;
use crate::git::tree::Change;
use crate::git::tree::EntryKind;
use crate::git::tree::Trees;
use crate::key_id::KeyId;
use crate::place::Kind;
use crate::place::Place;
use crate::scan::Scan;
use crate::scan::added;
use crate::scan::inspect::Inspected;
use crate::scan::inspect::Inspector;
use crate::scan::pool::Pool;
use crate::source::history;
use crate::source::history::Beyond;
use crate::source::history::Selection;
use crate::source::history::Walk;

/// Stands between names that are looked at together: no rule and no decoder knows it.
const BETWEEN_NAMES: u8 = 2;
/// Names of refs that are looked at together.
const NAMES_AT_A_TIME: usize = 64;

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

/// What some thread has taken on.
struct Seen<T> {
    shards: [Mutex<HashSet<T>>; 32],
    hasher: RandomState,
}

impl<T: Eq + Hash> Seen<T> {
    fn new() -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::default()),
            hasher: RandomState::new(),
        }
    }

    fn shard(&self, thing: &T) -> MutexGuard<'_, HashSet<T>> {
        let hash = self.hasher.hash_one(thing);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "any bits of a hash will do"
        )]
        let shard = hash as usize % self.shards.len();
        locked(&self.shards[shard])
    }

    /// Whether the caller is the first to come with it.
    fn insert(&self, thing: T) -> bool {
        self.shard(&thing).insert(thing)
    }

    fn contains(&self, thing: &T) -> bool {
        self.shard(thing).contains(thing)
    }
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

/// The first place that is known, whichever thread came across it.
type First = Mutex<Option<(usize, Vec<u8>)>>;

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

    /// Tells what is to be said of a blob beside hits, at the first place it is seen at, which is in
    /// the commit or extra of this number.
    fn come_across(&self, number: usize, oid: Oid, path: &[u8]) {
        if let Some(first) = self.firsts.get(&oid)
            && !self.scan.is_excluded(path)
        {
            let first = &mut *locked(first);
            if first.as_ref().is_none_or(|(known, _)| number < *known) {
                *first = Some((number, path.to_owned()));
            }
        }
        let inspected = self.remarks.get(&oid);
        if (inspected.is_some() || self.has_hits(oid))
            && locked(&self.seen).insert(oid)
            && let Some(inspected) = inspected
        {
            let label = self.scan.redactor().label(path);
            self.scan.remarks(&label, inspected);
        }
    }

    /// Room for the first places of those of which something is to be said.
    fn room_for_firsts(&self) -> BTreeMap<Oid, First> {
        let untold = locked(&self.untold);
        untold.keys().map(|oid| (*oid, Mutex::default())).collect()
    }

    /// Tells what is to be said of the blobs that were read as they were come across.
    fn tell_untold(&self) {
        for (oid, outcome) in std::mem::take(&mut *locked(&self.untold)) {
            let first = self.firsts.get(&oid);
            let first = first.and_then(|first| locked(first).take());
            let path = first.map(|(_, path)| path);
            match outcome {
                Ok(inspected) => {
                    let unnamed = || format!("blob {}", short(oid)).into_bytes();
                    let label = self.scan.redactor().label(&path.unwrap_or_else(unnamed));
                    self.scan.remarks(&label, &inspected);
                }
                Err(error) => self.scan.failed(path.as_deref(), &error),
            }
        }
    }

    fn ref_names(&self) {
        let inspector = Inspector::new(self.scan.matcher, false, false);
        for some in self.walk.ref_names.chunks(NAMES_AT_A_TIME) {
            // There may be thousands, and nearly always there is nothing in any of them.
            let inspected = inspector.bytes(&some.join(&BETWEEN_NAMES));
            if inspected.is_ok_and(|inspected| inspected.hits.is_empty()) {
                continue;
            }
            for name in some {
                for (_, hit) in self.scan.name_hits(name, name) {
                    self.introduce(self.scan.place(Kind::Ref, name), hit, None);
                }
            }
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

    /// Reads every commit, tag, tree and blob once.
    fn read_all(&self) {
        self.each(|repository, task| {
            let odb = Objects::new(repository)?;
            match task {
                Task::Commit(index) => {
                    let commit = &self.walk.commits[index];
                    self.object(
                        &odb,
                        commit.oid,
                        ObjectType::Commit,
                        Kind::Commit,
                        &self.name(task),
                        Some(index),
                    )?;
                    if self.walk.is_range {
                        // The commits on the other side are not read: only what differs is.
                        self.read_changes(&odb, commit)
                    } else {
                        self.read_tree(&odb, commit.tree)
                    }
                }
                Task::Extra(index) => {
                    let extra = &self.walk.extras[index];
                    match extra.kind {
                        ObjectType::Tag => self.object(
                            &odb,
                            extra.oid,
                            ObjectType::Tag,
                            Kind::Tag,
                            &extra.name,
                            None,
                        ),
                        ObjectType::Tree => self.read_tree(&odb, extra.oid),
                        _ => {
                            self.read_blob(&odb, extra.oid, &extra.name);
                            Ok(())
                        }
                    }
                }
            }
        });
    }

    /// Inspects the bytes of a commit or a tag.
    fn object(
        &self,
        odb: &Objects<'_>,
        oid: Oid,
        object: ObjectType,
        kind: Kind,
        name: &[u8],
        commit: Option<usize>,
    ) -> Result<(), GitError> {
        let object = odb.read_as(oid, object)?;
        // An exception in a message would be one that no review sees.
        let inspector = Inspector::new(self.scan.matcher, false, self.scan.settings.explain);
        match inspector.bytes(object.data()) {
            Ok(inspected) => {
                self.scan.count(inspected.bytes);
                self.message(kind, name, commit, inspected);
            }
            Err(error) => self.scan.failed(Some(name), &error),
        }
        Ok(())
    }

    /// Reads what a tree holds and no thread has read yet.
    fn read_tree(&self, odb: &Objects<'_>, root: Oid) -> Result<(), GitError> {
        let mut open = vec![(Vec::new(), root)];
        let by_path = !self.scan.settings.exclude.is_empty();
        while let Some((path, oid)) = open.pop() {
            let seen_at = if by_path { path.clone() } else { Vec::new() };
            if !self.trees.insert((oid, seen_at)) || self.scan.settings.cancel.is_cancelled() {
                continue;
            }
            let entries = match odb.entries(oid) {
                Ok(entries) => entries,
                Err(error) if path.is_empty() => return Err(error),
                Err(error) => {
                    self.scan.failed(Some(&path), &error);
                    continue;
                }
            };
            for entry in entries {
                self.look_at_name(&entry.name);
                match entry.kind {
                    EntryKind::Tree => open.push((tree::join(&path, &entry.name), entry.oid)),
                    EntryKind::Gitlink => {}
                    EntryKind::File | EntryKind::Link => {
                        self.read_blob(odb, entry.oid, &tree::join(&path, &entry.name));
                    }
                }
            }
        }
        Ok(())
    }

    /// Reads what a commit of a range brings in.
    fn read_changes(&self, odb: &Objects<'_>, commit: &Commit) -> Result<(), GitError> {
        let parents = parent_trees(odb, commit)?;
        tree::compare(odb, commit.tree, &parents, &mut |change| {
            if change.is_new_path() {
                for component in change.path.split(|&byte| byte == b'/') {
                    self.look_at_name(component);
                }
            }
            if change.kind != EntryKind::Gitlink {
                self.read_blob(odb, change.oid, &change.path);
            }
        })
    }

    /// Inspects a blob that no thread has inspected yet.
    fn read_blob(&self, odb: &Objects<'_>, oid: Oid, path: &[u8]) {
        // The path first: the same blob may lie at another one too.
        if self.scan.is_excluded(path)
            || self.scan.settings.cancel.is_cancelled()
            || !self.blobs.insert(oid)
        {
            return;
        }
        match super::staged::blob(self.scan, odb, oid, path) {
            Ok(None) => {}
            Ok(Some(mut inspected)) => {
                self.scan.count(inspected.bytes);
                let hits = std::mem::take(&mut inspected.hits);
                if !hits.is_empty() {
                    locked(&self.hits).insert(oid, hits);
                }
                if !inspected.is_silent() {
                    locked(&self.untold).insert(oid, Ok(inspected));
                }
            }
            Err(error) => {
                locked(&self.untold).insert(oid, Err(error));
            }
        }
    }

    fn look_at_name(&self, name: &[u8]) {
        if !self.scan.name_hits(name, name).is_empty() {
            locked(&self.names).insert(name.to_owned());
        }
    }

    /// Finds, for every hit, the commits that brought it in.
    fn attribute_all(&self) {
        self.each(|repository, task| {
            let odb = Objects::new(repository)?;
            match task {
                Task::Commit(index) => {
                    let commit = &self.walk.commits[index];
                    let parents = parent_trees(&odb, commit)?;
                    self.attribute(&odb, Some(&odb), commit.tree, &parents, index)
                }
                Task::Extra(index) => self.attribute_extra(&odb, Some(&odb), index),
            }
        });
    }

    /// Finds what a commit with this tree brought in, by trees of which all that lead to hits are
    /// to be had.
    fn attribute(
        &self,
        trees: &impl Trees,
        odb: Option<&Objects<'_>>,
        tree: Oid,
        parents: &[Oid],
        index: usize,
    ) -> Result<(), GitError> {
        let want_names = !locked(&self.names).is_empty();
        let mut changes = Vec::new();
        tree::compare(trees, tree, parents, &mut |change| {
            trees.come_across(change.oid, &change.path);
            self.come_across(index, change.oid, &change.path);
            let wanted = change.is_new_path() && want_names;
            if wanted || self.has_hits(change.oid) {
                changes.push(change);
            }
        })?;
        if changes.is_empty() {
            return Ok(());
        }
        let deleted = if changes.iter().any(|change| self.is_first(change)) {
            self.deleted(trees, tree, parents)?
        } else {
            HashSet::new()
        };
        for change in changes {
            for (place, hit) in self.scan.path_hits(&change.path, change.known) {
                self.introduce(place, hit, Some(index));
            }
            if self.is_first(&change) && deleted.contains(&change.oid) {
                // It was moved as it was, which brings nothing in.
                continue;
            }
            if self.scan.is_excluded(&change.path) {
                continue;
            }
            let new = self.hits_of(odb, change.oid, &change.path);
            if new.is_empty() {
                continue;
            }
            let old: Vec<Vec<Hit>> = change
                .old
                .iter()
                // A parent may have nothing at the path.
                .flatten()
                .filter(|(kind, _)| *kind == change.kind)
                .map(|(_, oid)| self.hits_of(odb, *oid, &change.path))
                .collect();
            let old: Vec<&[Hit]> = old.iter().map(Vec::as_slice).collect();
            let place = self.scan.place(Kind::Content, &change.path);
            for hit in added(&new, &old) {
                self.introduce(place.clone(), hit.clone(), Some(index));
            }
        }
        Ok(())
    }

    /// Whether no parent has a blob with hits at the path: what else it may have there is not known
    /// to all that have trees.
    fn is_first(&self, change: &Change) -> bool {
        let mut old = change.old.iter().flatten();
        old.all(|(kind, oid)| *kind == EntryKind::Tree || !self.has_hits(*oid))
    }

    /// The blobs with hits at paths where a parent has one and the commit has none.
    fn deleted(
        &self,
        trees: &impl Trees,
        tree: Oid,
        parents: &[Oid],
    ) -> Result<HashSet<Oid>, GitError> {
        let mut deleted = HashSet::new();
        for &parent in parents {
            tree::compare(trees, parent, &[tree], &mut |change| {
                // What was left out there was never told.
                if self.has_hits(change.oid)
                    && self.is_first(&change)
                    && !self.scan.is_excluded(&change.path)
                {
                    deleted.insert(change.oid);
                }
            })?;
        }
        Ok(deleted)
    }

    fn attribute_extra(
        &self,
        trees: &impl Trees,
        odb: Option<&Objects<'_>>,
        index: usize,
    ) -> Result<(), GitError> {
        let extra = &self.walk.extras[index];
        let number = self.walk.commits.len() + index;
        let found = |path: &[u8], oid: Oid| {
            let name = if path.is_empty() {
                extra.name.clone()
            } else {
                [&extra.name[..], b":", path].concat()
            };
            let place = self.scan.place(Kind::Content, &name);
            for hit in self.hits_of(odb, oid, &name) {
                self.introduce(place.clone(), hit, None);
            }
        };
        match extra.kind {
            ObjectType::Tree => tree::compare(trees, extra.oid, &[], &mut |change| {
                trees.come_across(change.oid, &change.path);
                self.come_across(number, change.oid, &change.path);
                for (place, hit) in self.scan.path_hits(&change.path, 0) {
                    self.introduce(place, hit, None);
                }
                if self.has_hits(change.oid) {
                    found(&change.path, change.oid);
                }
            }),
            ObjectType::Blob => {
                self.come_across(number, extra.oid, &extra.name);
                found(b"", extra.oid);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn has_hits(&self, oid: Oid) -> bool {
        locked(&self.hits).contains_key(&oid)
    }

    /// The hits of a blob; of one from before the range, by inspecting it now.
    fn hits_of(&self, odb: Option<&Objects<'_>>, oid: Oid, path: &[u8]) -> Vec<Hit> {
        if let Some(hits) = locked(&self.hits).get(&oid) {
            return hits.clone();
        }
        let Some(odb) = odb else {
            return Vec::new();
        };
        if !self.walk.is_range || self.blobs.contains(&oid) {
            return Vec::new();
        }
        if let Some(hits) = locked(&self.older_hits).get(&oid) {
            return hits.clone();
        }
        let hits = match super::staged::blob(self.scan, odb, oid, path) {
            // What was excluded has none.
            Ok(inspected) => inspected.map(|i| i.hits).unwrap_or_default(),
            // What is not here any more cannot excuse what is.
            Err(_) => Vec::new(),
        };
        locked(&self.older_hits).insert(oid, hits.clone());
        hits
    }

    /// Tells the names that no file's path holds, as those of empty directories.
    fn names_without_files(&self) {
        let told: HashSet<KeyId> = locked(&self.introductions)
            .iter()
            .filter(|introduction| introduction.place.kind == Kind::Name)
            .map(|introduction| introduction.hit.key_id)
            .collect();
        let names = std::mem::take(&mut *locked(&self.names));
        for (place, hit) in names
            .iter()
            .flat_map(|name| self.scan.name_hits(name, name))
        {
            if !told.contains(&hit.key_id) {
                self.introduce(place, hit, None);
            }
        }
    }

    /// The keys that the checked-out commit has.
    fn keys_in_head(&self, repository: &Repository) -> HashSet<KeyId> {
        let read = || {
            let odb = Objects::new(repository)?;
            let head = history::head(repository, self.known)?;
            let mut keys = HashSet::new();
            if let Some(head) = head {
                tree::compare(&odb, head.tree, &[], &mut |change| {
                    let hits = self.hits_of(Some(&odb), change.oid, &change.path);
                    keys.extend(hits.iter().map(|hit| hit.key_id));
                })?;
            }
            Ok(keys)
        };
        read().unwrap_or_else(|error: GitError| {
            self.scan.failed(None, &error);
            HashSet::new()
        })
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
