//! A walk over every object of a repository, reachable or not, its trees last: which of them hold
//! something, and which cannot be read. Whether anything leads to these is asked afterwards, and only of them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use git2::ErrorClass;
use git2::ErrorCode;
use git2::ObjectType;
use git2::Oid;

use crate::git::GitError;
use crate::git::commit::Commit;
use crate::git::commit::Commits;
use crate::git::pack::Kinds;
use crate::git::pack::Store;
use crate::git::pack::Visit;
use crate::git::tree::EntryKind;
use crate::git::tree::Raw;
use crate::git::tree::RawEntry;
use crate::scan::Scan;
use crate::scan::history::difference::Difference;
use crate::scan::history::difference::Form;
use crate::scan::history::hot::Edges;
use crate::scan::history::locked;
use crate::scan::history::names::BETWEEN_NAMES;
use crate::scan::history::roles::Bits;
use crate::scan::history::roles::Roles;
use crate::scan::inspect::Inspected;
use crate::scan::inspect::Inspector;
use crate::scan::pool::threads_for;
use crate::threads;

/// Entries of which the objects are looked for together.
const AT_A_TIME: usize = 32;

/// What the objects of a repository hold.
#[derive(Default)]
pub(super) struct Survey {
    /// Every commit.
    pub(super) commits: Commits,
    /// The blobs that hold something, or of which something is to be said.
    pub(super) blobs: BTreeMap<Oid, Inspected>,
    /// The same of commits and tags.
    pub(super) messages: BTreeMap<Oid, Inspected>,
    /// The names in trees that hold a secret.
    pub(super) names: BTreeSet<Vec<u8>>,
    /// What is damaged, or named by a tree and not there.
    pub(super) unread: BTreeMap<Oid, GitError>,
}

impl Survey {
    /// Looks at every object; also says what is in what, and what `meanwhile` makes of the commits,
    /// which are all known before the trees are looked at.
    pub(super) fn of<'a, T>(
        scan: &'a Scan<'a>,
        store: &'a Store,
        meanwhile: impl FnOnce(&Commits) -> T,
    ) -> (Self, Edges<'a>, T) {
        let surveyor = Surveyor {
            scan,
            store,
            roles: Roles::new(store.len()),
            survey: Mutex::default(),
            asked: Asked::new(),
            edges: Edges::new(store),
        };
        let settings = scan.settings;
        scan.progress.expect(store.size_hint().objects);
        let threads = threads_for(settings.threads);
        let look_at = |kinds| {
            store.walk(
                kinds,
                threads,
                || settings.cancel.is_cancelled(),
                |visit, notes| surveyor.visit(&visit, notes),
                |oid, error| surveyor.unread(oid, error),
            );
        };
        look_at(Kinds::BLOBS | Kinds::COMMITS | Kinds::TAGS);
        let commits = std::mem::take(&mut locked(&surveyor.survey).commits);
        // Trees are last: which of the files in them have to be remembered is known then.
        let are_begun = AtomicBool::new(false);
        let look_at_trees = || {
            if !are_begun.swap(true, Ordering::Relaxed) {
                look_at(Kinds::TREES);
            }
        };
        let own = || meanwhile(&commits);
        let made = threads::beside(usize::from(threads > 1), look_at_trees, own);
        // If there was no other thread.
        look_at_trees();
        if !settings.cancel.is_cancelled() {
            surveyor.tell_wrong();
        }
        let survey = surveyor.survey.into_inner();
        let mut survey = survey.unwrap_or_else(PoisonError::into_inner);
        survey.commits = commits;
        (survey, surveyor.edges, made)
    }
}

struct Surveyor<'a> {
    scan: &'a Scan<'a>,
    store: &'a Store,
    roles: Roles,
    survey: Mutex<Survey>,
    /// The objects of which it will be asked what leads to them, beside all trees.
    asked: Asked,
    edges: Edges<'a>,
}

/// A set of objects by the first two bytes of their names, for all threads at once: few others are
/// taken for one of them.
#[derive(Debug)]
struct Asked(Bits);

impl Asked {
    fn new() -> Self {
        Self(Bits::new(1 << 16))
    }

    fn insert(&self, name: &[u8]) {
        self.0.insert(Self::beginning(name));
    }

    fn contains(&self, name: &[u8]) -> bool {
        self.0.contains(Self::beginning(name))
    }

    fn beginning(name: &[u8]) -> u32 {
        name.first_chunk()
            .map_or(0, |two| u16::from_le_bytes(*two).into())
    }
}

/// What is needed to look at one tree, used again for the next.
#[derive(Default)]
struct Scratch {
    difference: Difference,
    names: Vec<u8>,
    /// Where entries are of which it may be asked, and the numbers of their objects.
    added: Vec<(Range<usize>, Option<u32>)>,
    gone: Vec<(Range<usize>, Option<u32>)>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

impl Surveyor<'_> {
    /// Looks at an object; says whether of those that are made from it only what is new has to be
    /// looked at.
    fn visit(&self, visit: &Visit<'_>, notes: Option<&mut Vec<u32>>) -> bool {
        self.scan.progress.visit();
        self.roles.is(visit.number, visit.kind);
        match visit.kind {
            ObjectType::Blob => return self.blob(visit),
            ObjectType::Tree => {
                return SCRATCH.with_borrow_mut(|scratch| self.tree(visit, notes, scratch));
            }
            ObjectType::Commit => {
                match Commit::parse(visit.oid(), visit.data) {
                    Ok(commit) => {
                        self.named(commit.tree.as_bytes(), true);
                        locked(&self.survey)
                            .commits
                            .insert(visit.oid(), Arc::new(commit));
                    }
                    Err(error) => self.unread(visit.oid(), error),
                }
                self.message(visit);
            }
            _ => self.message(visit),
        }
        false
    }

    fn unread(&self, oid: Oid, error: GitError) {
        self.asked.insert(oid.as_bytes());
        locked(&self.survey).unread.insert(oid, error);
    }

    /// Notes that a commit or a tree names an object; returns its number if it is there.
    fn named(&self, raw: &[u8], as_tree: bool) -> Option<u32> {
        let number = self.store.find(raw);
        if let Some(number) = number {
            self.roles.is_named(number, as_tree);
            if !as_tree && !self.roles.is_blob(number) {
                // It will be told.
                self.asked.insert(raw);
            }
        } else if let Ok(oid) = Oid::from_bytes(raw) {
            let missing = "it is not there";
            let error = git2::Error::new(ErrorCode::NotFound, ErrorClass::Odb, missing);
            self.unread(oid, GitError::Object { oid, error });
        }
        number
    }

    /// Whether it may be asked what leads to an entry's object.
    fn is_asked_for(&self, entry: &RawEntry<'_>) -> bool {
        entry.kind == EntryKind::Tree || self.asked.contains(entry.oid)
    }

    /// Tells what is named as what it is not.
    fn tell_wrong(&self) {
        let unread = &mut locked(&self.survey).unread;
        for (number, kind) in self.roles.wrong() {
            let oid = self.store.oid(number);
            // What could not be read was said better.
            let wrong = || GitError::Malformed { kind, oid };
            unread.entry(oid).or_insert_with(wrong);
        }
    }

    /// Looks at a blob; says whether there is nothing in it that could be anything.
    fn blob(&self, visit: &Visit<'_>) -> bool {
        let inspector = self.scan.inspector();
        if inspector.is_blank(visit.data, visit.fresh()) {
            self.scan.count(visit.data.len() as u64);
            return true;
        }
        match inspector.bytes(visit.data) {
            Ok(inspected) => {
                self.scan.count(inspected.bytes);
                if !inspected.is_silent() {
                    self.asked.insert(visit.name);
                    locked(&self.survey).blobs.insert(visit.oid(), inspected);
                }
            }
            Err(error) => self.scan.failed(None, &error),
        }
        false
    }

    fn message(&self, visit: &Visit<'_>) {
        // An exception in a message would be one that no review sees.
        let inspector = Inspector::new(self.scan.matcher, false, self.scan.settings.explain);
        match inspector.bytes(visit.data) {
            Ok(inspected) => {
                self.scan.count(inspected.bytes);
                if !inspected.is_silent() {
                    locked(&self.survey).messages.insert(visit.oid(), inspected);
                }
            }
            Err(error) => self.scan.failed(None, &error),
        }
    }

    /// Looks at what a tree has and the one it is stored as a change of has not; says whether what
    /// is made from it can go on from there.
    fn tree(&self, visit: &Visit<'_>, notes: Option<&mut Vec<u32>>, scratch: &mut Scratch) -> bool {
        let Scratch {
            difference,
            names,
            added,
            gone,
        } = scratch;
        let form = difference.find(visit.data, visit.made, visit.format(), notes);
        if form == Form::Malformed {
            let (kind, oid) = ("tree", visit.oid());
            self.unread(oid, GitError::Malformed { kind, oid });
        }
        names.clear();
        added.clear();
        gone.clear();
        // They were parsed before.
        let entry = |tree, at: &Range<usize>| Raw::at(tree, at.clone(), visit.format());
        for some in difference.added.chunks(AT_A_TIME) {
            let names_of = some
                .iter()
                .map(|at| &visit.data[at.end - visit.name.len()..at.end]);
            self.store.will_find(names_of);
            for entry in some.iter().filter_map(|at| entry(visit.data, at)) {
                names.extend_from_slice(entry.name);
                names.push(BETWEEN_NAMES);
                if entry.kind != EntryKind::Gitlink {
                    let object = self.named(entry.oid, entry.kind == EntryKind::Tree);
                    if self.is_asked_for(&entry) {
                        added.push((entry.at, object));
                    }
                }
            }
        }
        let base = visit.made.map_or(&[][..], |made| made.base);
        for entry in difference.gone.iter().filter_map(|at| entry(base, at)) {
            if self.is_asked_for(&entry) {
                gone.push((entry.at, self.store.find(entry.oid)));
            }
        }
        if !added.is_empty() || !gone.is_empty() {
            let added = added
                .iter()
                .filter_map(|(at, object)| Some((entry(visit.data, at)?, *object)));
            let gone = gone
                .iter()
                .filter_map(|(at, object)| Some((entry(base, at)?, *object)));
            self.edges.change(visit.number, added, gone);
        }
        if difference.is_heir {
            self.edges.inherit(visit.number);
        }
        let inspector = Inspector::new(self.scan.matcher, false, false);
        match inspector.bytes(names) {
            Ok(inspected) if inspected.hits.is_empty() => {}
            Ok(_) => {
                // One by one, from the tree: a name may hold any byte, also that between them. Those
                // that were taken over were found where they were added.
                for entry in difference
                    .added
                    .iter()
                    .filter_map(|at| entry(visit.data, at))
                {
                    if !self.scan.name_hits(entry.name, entry.name).is_empty() {
                        locked(&self.survey).names.insert(entry.name.to_vec());
                        self.asked.insert(entry.oid);
                        self.edges.want(visit.number, &entry);
                    }
                }
            }
            Err(error) => self.scan.failed(None, &error),
        }
        form == Form::Sorted
    }
}
