//! Finds, for what was found, the commits that brought it in.

use std::collections::HashSet;

use git2::ObjectType;
use git2::Oid;

use crate::finding::Hit;
use crate::git::GitError;
use crate::git::object::Objects;
use crate::git::tree;
use crate::git::tree::Change;
use crate::git::tree::EntryKind;
use crate::git::tree::Trees;
use crate::place::Kind;
use crate::scan::added;
use crate::scan::history::History;
use crate::scan::history::Task;
use crate::scan::history::locked;
use crate::scan::history::parent_trees;
use crate::scan::staged;

impl History<'_> {
    /// Finds, for every hit, the commits that brought it in.
    pub(super) fn attribute_all(&self) {
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
    pub(super) fn attribute(
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

    pub(super) fn attribute_extra(
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

    pub(super) fn has_hits(&self, oid: Oid) -> bool {
        locked(&self.hits).contains_key(&oid)
    }

    /// The hits of a blob; of one from before the range, by inspecting it now.
    pub(super) fn hits_of(&self, odb: Option<&Objects<'_>>, oid: Oid, path: &[u8]) -> Vec<Hit> {
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
        let hits = match staged::blob(self.scan, odb, oid, path) {
            // What was excluded has none.
            Ok(inspected) => inspected.map(|i| i.hits).unwrap_or_default(),
            // What is not here any more cannot excuse what is.
            Err(_) => Vec::new(),
        };
        locked(&self.older_hits).insert(oid, hits.clone());
        hits
    }
}
