//! One walk over every object of a repository, reachable or not: which of them hold something, and
//! which cannot be read. Whether anything leads to these is asked afterwards, and only of them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Mutex;

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
use crate::scan::Scan;
use crate::scan::history::locked;
use crate::scan::history::roles::Roles;
use crate::scan::inspect::Inspected;
use crate::scan::inspect::Inspector;
use crate::scan::pool::threads_for;

/// Stands between names that are looked at together: no rule and no decoder knows it.
const BETWEEN_NAMES: u8 = 2;

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
    /// Looks at every object.
    pub(super) fn of(scan: &Scan<'_>, store: &Store) -> Self {
        let surveyor = Surveyor {
            scan,
            store,
            roles: Roles::new(store.len()),
            survey: Mutex::default(),
        };
        let settings = scan.settings;
        scan.progress.expect(store.size_hint().objects);
        store.walk(
            Kinds::ALL,
            threads_for(settings.threads),
            || settings.cancel.is_cancelled(),
            |visit| surveyor.visit(&visit),
            |oid, error| surveyor.unread(oid, error),
        );
        if !settings.cancel.is_cancelled() {
            surveyor.tell_wrong();
        }
        surveyor
            .survey
            .into_inner()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

struct Surveyor<'a> {
    scan: &'a Scan<'a>,
    store: &'a Store,
    roles: Roles,
    survey: Mutex<Survey>,
}

thread_local! {
    /// The new names of one tree.
    static NAMES: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

impl Surveyor<'_> {
    /// Looks at an object; says whether of those that are made from it only what is new has to be
    /// looked at.
    fn visit(&self, visit: &Visit<'_>) -> bool {
        self.scan.progress.visit();
        self.roles.is(visit.number, visit.kind);
        match visit.kind {
            ObjectType::Blob => return self.blob(visit),
            ObjectType::Tree => return NAMES.with_borrow_mut(|names| self.tree(visit, names)),
            ObjectType::Commit => {
                match Commit::parse(visit.oid(), visit.data) {
                    Ok(commit) => {
                        self.named(commit.tree.as_bytes(), true);
                        locked(&self.survey).commits.insert(visit.oid(), commit);
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
        locked(&self.survey).unread.insert(oid, error);
    }

    /// Notes that a commit or a tree names an object.
    fn named(&self, raw: &[u8], as_tree: bool) {
        if let Some(number) = self.store.find(raw) {
            self.roles.is_named(number, as_tree);
        } else if let Ok(oid) = Oid::from_bytes(raw) {
            let missing = "it is not there";
            let error = git2::Error::new(ErrorCode::NotFound, ErrorClass::Odb, missing);
            self.unread(oid, GitError::Object { oid, error });
        }
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
        if inspector.is_blank(visit.data, visit.fresh) {
            self.scan.count(visit.data.len() as u64);
            return true;
        }
        match inspector.bytes(visit.data) {
            Ok(inspected) => {
                self.scan.count(inspected.bytes);
                if !inspected.is_silent() {
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

    /// Looks at what a tree has and the one it is stored as a change of has not; says whether it is
    /// a tree up to its end.
    fn tree(&self, visit: &Visit<'_>, names: &mut Vec<u8>) -> bool {
        let mut fresh = Fresh(visit.fresh);
        let mut is_whole = true;
        names.clear();
        for entry in Raw::of(visit.data, visit.format()) {
            let Some(entry) = entry else {
                let (kind, oid) = ("tree", visit.oid());
                self.unread(oid, GitError::Malformed { kind, oid });
                is_whole = false;
                break;
            };
            if !fresh.touches(&entry.at) {
                // The other one was found to be whole.
                if fresh.is_over() {
                    break;
                }
                continue;
            }
            names.extend_from_slice(entry.name);
            names.push(BETWEEN_NAMES);
            if entry.kind != EntryKind::Gitlink {
                self.named(entry.oid, entry.kind == EntryKind::Tree);
            }
        }
        let inspector = Inspector::new(self.scan.matcher, false, false);
        match inspector.bytes(names) {
            Ok(inspected) if inspected.hits.is_empty() => {}
            Ok(_) => {
                // One by one, from the tree: a name may hold any byte, also that between them.
                // Where the tree breaks off is told above.
                let names = Raw::of(visit.data, visit.format()).flatten();
                let names = names.map(|entry| entry.name);
                let found = names.filter(|name| !self.scan.name_hits(name, name).is_empty());
                let found: Vec<Vec<u8>> = found.map(<[u8]>::to_vec).collect();
                locked(&self.survey).names.extend(found);
            }
            Err(error) => self.scan.failed(None, &error),
        }
        is_whole
    }
}

/// The ranges of a tree that are new, in order.
struct Fresh<'a>(Option<&'a [Range<u32>]>);

impl Fresh<'_> {
    /// Whether no more are to come.
    fn is_over(&self) -> bool {
        self.0.is_some_and(<[_]>::is_empty)
    }

    /// Whether an entry is new; asked of one after the other.
    fn touches(&mut self, entry: &Range<usize>) -> bool {
        let Some(ranges) = &mut self.0 else {
            return true;
        };
        while let Some((range, rest)) = ranges.split_first() {
            if range.end as usize > entry.start {
                return (range.start as usize) < entry.end;
            }
            *ranges = rest;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::single_range_in_vec_init, reason = "it is what is meant")]
    fn an_entry_is_new_that_a_new_range_touches_or_cuts() {
        let new = |ranges: &[Range<u32>]| {
            let mut fresh = Fresh(Some(ranges));
            [0..10, 10..20, 20..30].map(|entry| fresh.touches(&entry))
        };
        assert_eq!(new(&[]), [false; 3]);
        assert_eq!(new(&[9..10]), [true, false, false]);
        assert_eq!(new(&[9..11]), [true, true, false]);
        assert_eq!(new(&[10..10, 25..25]), [false, false, true]);
        assert_eq!(new(&[0..30]), [true; 3]);
        assert_eq!(new(&[3..4, 5..5, 29..30]), [true, false, true]);
        assert!(Fresh(None).touches(&(0..10)));
    }
}
