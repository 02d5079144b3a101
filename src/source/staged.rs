//! The index against `HEAD`: what the next commit will contain, and what of it is new.

use std::collections::HashMap;
use std::collections::HashSet;

use git2::Index;
use git2::Oid;
use git2::Repository;

use crate::git;
use crate::git::GitError;
use crate::git::Opener;
use crate::git::object::Objects;
use crate::git::tree;
use crate::git::tree::EntryKind;

/// Set in an index entry that `git add -N` made: the file will not be in the commit.
const INTENT_TO_ADD: u16 = 1 << 13;
/// The bits of an index entry's flags that hold its merge stage.
const STAGE: u16 = 0x3000;

/// Which entries of the index count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selection {
    /// Those that `HEAD` has not.
    Changed,
    /// All.
    Everything,
}

/// A file of the index.
#[derive(Debug, Clone)]
pub struct Item {
    /// Its path from the root of the worktree.
    pub path: Vec<u8>,
    /// A file, a link or a gitlink, of which only the name counts.
    pub kind: EntryKind,
    /// Its blob.
    pub oid: Oid,
    /// The blob that `HEAD` has at the path, if both are files or both links.
    pub old: Option<Oid>,
    /// Whether `HEAD` has nothing at the path.
    pub is_new_path: bool,
}

/// What there is to scan, and what could not be told.
#[derive(Debug, Default)]
pub struct Listing {
    /// The files, in the order of the index.
    pub items: Vec<Item>,
    /// Paths that are not merged, and the like.
    pub errors: Vec<GitError>,
}

/// Lists the files of the index.
pub fn list(
    opener: &Opener,
    repository: &Repository,
    selection: Selection,
) -> Result<Listing, GitError> {
    if opener.is_bare(repository) {
        return Err(GitError::Bare);
    }
    let path = opener.index_path(repository);
    if path.metadata().is_ok_and(|metadata| !metadata.is_file()) {
        return Err(GitError::NotAFile(path));
    }
    let index = opener.index(repository)?;
    let mut head = match selection {
        Selection::Changed => head_files(repository)?,
        Selection::Everything => HashMap::new(),
    };
    let mut listing = Listing::default();
    for entry in entries(&index) {
        match entry {
            Err(error) => listing.errors.push(error),
            Ok((path, kind, oid)) => {
                let old = head.remove(&path);
                if old != Some((kind, oid)) {
                    listing.items.push(Item {
                        is_new_path: old.is_none(),
                        old: old.filter(|old| old.0 == kind).map(|old| old.1),
                        path,
                        kind,
                        oid,
                    });
                }
            }
        }
    }
    // What is left of HEAD is deleted. A blob that moved as it was brings nothing in.
    let deleted: HashSet<Oid> = head.into_values().map(|(_, oid)| oid).collect();
    for item in &mut listing.items {
        if item.is_new_path && deleted.contains(&item.oid) {
            item.old = Some(item.oid);
        }
    }
    Ok(listing)
}

/// What of the index a commit would take.
fn entries(
    index: &Index,
) -> impl Iterator<Item = Result<(Vec<u8>, EntryKind, Oid), GitError>> + '_ {
    index.iter().filter_map(|entry| {
        let kind = EntryKind::of(entry.mode);
        if entry.flags & STAGE != 0 {
            Some(Err(GitError::Unmerged(entry.path)))
        } else if entry.flags_extended & INTENT_TO_ADD != 0 {
            None
        } else {
            Some(Ok((entry.path, kind, entry.id)))
        }
    })
}

/// Every file, link and gitlink of the commit that is checked out.
fn head_files(repository: &Repository) -> Result<HashMap<Vec<u8>, (EntryKind, Oid)>, GitError> {
    let mut files = HashMap::new();
    if let Some(head) = git::head(repository)? {
        let odb = Objects::new(repository)?;
        let raw = odb.read_as(head, git2::ObjectType::Commit)?;
        let commit = git::commit::Commit::parse(head, raw.data())?;
        tree::compare(&odb, commit.tree, &[], &mut |file| {
            files.insert(file.path, (file.kind, file.oid));
        })?;
    }
    Ok(files)
}
