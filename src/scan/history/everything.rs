//! Scans every object of a repository, reachable or not, and only then asks what leads to those that
//! hold something.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashSet;
use std::io;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;

use git2::Oid;
use git2::Repository;

use crate::finding::Finding;
use crate::git::GitError;
use crate::git::Opener;
use crate::git::commit::Commit;
use crate::git::pack::Store;
use crate::git::tree;
use crate::git::tree::Change;
use crate::key_id::KeyId;
use crate::place::Kind;
use crate::scan::Scan;
use crate::scan::history::History;
use crate::scan::history::Task;
use crate::scan::history::hot::Hot;
use crate::scan::history::locked;
use crate::scan::history::short;
use crate::scan::history::survey::Survey;
use crate::scan::inspect::Inspected;
use crate::scan::pool::threads_for;
use crate::source::history;
use crate::source::history::Beyond;
use crate::source::history::Selection;
use crate::threads;

/// Commits that a thread looks at before it takes the next.
const AT_A_TIME: usize = 1024;

/// Scans every object first, in the order in which that is cheapest; of those that hold something,
/// finds out whether and by which commits they came in.
pub(super) fn scan(
    scan: &Scan<'_>,
    opener: &Opener,
    repository: &Repository,
    selection: &Selection,
    beyond: Beyond,
) -> Result<(), GitError> {
    let store = Store::open(repository)?;
    for problem in store.problems() {
        scan.failed(None, problem);
    }
    let (mut survey, edges, walk) = Survey::of(scan, &store, |commits| {
        history::walk(repository, selection, commits)
    });
    let (commits, walk) = (std::mem::take(&mut survey.commits), walk?);
    for error in &walk.errors {
        scan.failed(None, error);
    }
    let mut history = History::new(scan, opener, &walk, &commits);
    history.ref_names();
    history.messages(&mut survey);
    history.tell_unseen(&store, &survey);
    history.take(std::mem::take(&mut survey.blobs));
    history.names = Mutex::new(std::mem::take(&mut survey.names));
    if scan.settings.cancel.is_cancelled() {
        history.report_unattributed();
        return Ok(());
    }

    let hits: Vec<Oid> = locked(&history.hits).keys().copied().collect();
    let others = history.remarks.keys().chain(survey.unread.keys());
    let hot = edges.leading(hits.iter().chain(others).copied(), &survey.unread);
    for index in history.that_bring_something(&hot) {
        let commit = &walk.commits[index];
        let parents = history.parents(commit);
        if let Err(error) = history.attribute(&hot, None, commit.tree, &parents, index) {
            scan.failed(Some(&history.name(Task::Commit(index))), &error);
        }
    }
    for (index, extra) in walk.extras.iter().enumerate() {
        if let Err(error) = history.attribute_extra(&hot, None, index) {
            scan.failed(Some(&extra.name), &error);
        }
    }
    history.tell_unread(&hot);
    if beyond.unreachable {
        history.unreachable(&hot, &survey);
    }
    if history.found_any() {
        let in_head = match history::head(repository, &commits) {
            Ok(head) => history.keys_of_tree(&hot, head.map(|head| head.tree)),
            Err(error) => {
                scan.failed(None, &error);
                HashSet::new()
            }
        };
        history.report(repository, &in_head);
    }
    drop(history);
    // There are hundreds of thousands, and to free each takes longer than all that is left to do:
    // nobody has to wait for it.
    let _: io::Result<JoinHandle<()>> = threads::spawn(move || drop((walk, commits)));
    Ok(())
}

impl History<'_> {
    /// Takes what was found in the messages of commits and tags that something leads to.
    fn messages(&self, survey: &mut Survey) {
        for (index, commit) in self.walk.commits.iter().enumerate() {
            if let Some(inspected) = survey.messages.remove(&commit.oid) {
                let name = self.name(Task::Commit(index));
                self.message(Kind::Commit, &name, Some(index), inspected);
            }
        }
        for extra in &self.walk.extras {
            if let Some(inspected) = survey.messages.remove(&extra.oid) {
                self.message(Kind::Tag, &extra.name, None, inspected);
            }
        }
    }

    /// Tells which commits, and which things that refs name, were not looked at: libgit2 may read what
    /// is damaged, and what came in only after the objects were listed.
    fn tell_unseen(&self, store: &Store, survey: &Survey) {
        if self.scan.settings.cancel.is_cancelled() {
            return;
        }
        let commits = self.walk.commits.iter().enumerate();
        let commits = commits.map(|(index, commit)| (Task::Commit(index), commit.oid));
        let extras = self.walk.extras.iter().enumerate();
        let extras = extras.map(|(index, extra)| (Task::Extra(index), extra.oid));
        for (task, oid) in commits.chain(extras) {
            if let Some(error) = survey.unread.get(&oid) {
                self.scan.failed(Some(&self.name(task)), error);
            } else if !self.known.contains_key(&oid) && store.find(oid.as_bytes()).is_none() {
                let late = "was not scanned: it came in meanwhile; scan again";
                self.scan.failed(Some(&self.name(task)), late);
            }
        }
    }

    /// The trees of a commit's parents, as far as these are here.
    fn parents(&self, commit: &Commit) -> Vec<Oid> {
        let parents = commit.parents.iter();
        let parents = parents.filter_map(|oid| self.known.get(oid));
        parents.map(|parent| parent.tree).collect()
    }

    /// The commits that bring anything in, or of which that cannot be told, in their order. Few do;
    /// all threads look for them.
    fn that_bring_something(&self, hot: &Hot<'_, '_>) -> BTreeSet<usize> {
        if hot.is_empty() {
            return BTreeSet::new();
        }
        let commits = &self.walk.commits;
        let next = AtomicUsize::new(0);
        let found = Mutex::new(BTreeSet::new());
        let look = || {
            loop {
                let first = next.fetch_add(AT_A_TIME, Ordering::Relaxed);
                let some = commits.iter().enumerate().skip(first).take(AT_A_TIME);
                for (index, commit) in some {
                    if !hot.leads(commit.tree) {
                        continue;
                    }
                    let mut brings = false;
                    let parents = self.parents(commit);
                    if parents
                        .iter()
                        .any(|other| hot.leads_as(commit.tree, *other))
                    {
                        continue;
                    }
                    let compared =
                        tree::compare(hot, commit.tree, &parents, &mut |_| brings = true);
                    if brings || compared.is_err() {
                        locked(&found).insert(index);
                    }
                }
                if first >= commits.len() {
                    return;
                }
            }
        };
        let threads = threads_for(self.scan.settings.threads);
        threads::beside(threads - 1, look, look);
        found.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what was found in blobs, wherever they are.
    fn take(&mut self, blobs: BTreeMap<Oid, Inspected>) {
        let hits = self.hits.get_mut().unwrap_or_else(PoisonError::into_inner);
        for (oid, mut inspected) in blobs {
            let found = std::mem::take(&mut inspected.hits);
            if !found.is_empty() {
                hits.insert(oid, found);
            }
            if !inspected.is_silent() {
                self.remarks.insert(oid, inspected);
            }
        }
    }

    /// Tells what cannot be read and something leads to.
    fn tell_unread(&self, hot: &Hot<'_, '_>) {
        for (path, error) in hot.met() {
            self.scan.failed(path.as_deref(), error);
        }
    }

    /// Takes what nothing leads to.
    fn unreachable(&self, hot: &Hot<'_, '_>, survey: &Survey) {
        let name = |kind: &str, oid: Oid| format!("unreachable {kind} {}", short(oid)).into_bytes();
        for (oid, inspected) in &survey.messages {
            let name = name("object", *oid);
            let place = self.scan.place(Kind::Commit, &name);
            self.scan.remarks(&place.label, inspected);
            for hit in &inspected.hits {
                self.introduce(place.clone(), hit.clone(), None);
            }
        }
        let seen = locked(&self.seen).clone();
        for (oid, hits) in locked(&self.hits).iter() {
            if !seen.contains(oid) {
                let place = self.scan.place(Kind::Content, &name("blob", *oid));
                for hit in hits {
                    self.introduce(place.clone(), hit.clone(), None);
                }
            }
        }
        for (oid, inspected) in &self.remarks {
            if !seen.contains(oid) {
                let label = self.scan.redactor().label(&name("blob", *oid));
                self.scan.remarks(&label, inspected);
            }
        }
        self.names_without_files();
        let met = hot.met();
        for error in survey.unread.values() {
            if !met.iter().any(|(_, known)| std::ptr::eq(*known, error)) {
                self.scan.failed(None, error);
            }
        }
    }

    /// Reports what was found before a cancellation, by the names of the objects.
    fn report_unattributed(&self) {
        for (oid, hits) in locked(&self.hits).iter() {
            let name = format!("blob {}", short(*oid));
            let place = self.scan.place(Kind::Content, name.as_bytes());
            for hit in hits {
                self.introduce(place.clone(), hit.clone(), None);
            }
        }
        let introductions = std::mem::take(&mut *locked(&self.introductions));
        self.scan.with_report(|report| {
            let findings = introductions.into_iter().map(|found| Finding {
                place: found.place,
                hit: found.hit,
                commit: None,
            });
            report.findings.extend(findings);
        });
    }

    /// The keys that a tree has.
    fn keys_of_tree(&self, hot: &Hot<'_, '_>, tree: Option<Oid>) -> HashSet<KeyId> {
        let mut keys = HashSet::new();
        let mut take = |change: Change| {
            let hits = self.hits_of(None, change.oid, &change.path);
            keys.extend(hits.iter().map(|hit| hit.key_id));
        };
        if let Some(tree) = tree
            && let Err(error) = tree::compare(hot, tree, &[], &mut take)
        {
            self.scan.failed(None, &error);
        }
        keys
    }
}
