//! Reads what commits and refs lead to, commit by commit: what there is in it to find.

use git2::ObjectType;
use git2::Oid;

use crate::git::GitError;
use crate::git::commit::Commit;
use crate::git::object::Objects;
use crate::git::tree;
use crate::git::tree::EntryKind;
use crate::git::tree::Trees as _;
use crate::place::Kind;
use crate::scan::history::History;
use crate::scan::history::Task;
use crate::scan::history::locked;
use crate::scan::history::parent_trees;
use crate::scan::inspect::Inspector;
use crate::scan::staged;

impl History<'_> {
    /// Reads every commit, tag, tree and blob once.
    pub(super) fn read_all(&self) {
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
        match staged::blob(self.scan, odb, oid, path) {
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
}
