//! The commits of a history or a range, found by their raw parents: grafts, replacements and a
//! commit-graph hide none.

mod ancestors;
mod ranges;
mod revision;
mod tips;

use std::collections::HashSet;
use std::sync::Arc;

use git2::ErrorCode;
use git2::ObjectType;
use git2::Oid;
use git2::Repository;

use crate::git;
use crate::git::GitError;
use crate::git::commit::Commit;
use crate::git::commit::Commits;
use crate::git::object::Objects;
use crate::git::refs;
use crate::git::refs::Ref;
use crate::source::history::ancestors::ancestors;
use crate::source::history::ancestors::between;

/// Which commits count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// Those of every ref, `HEAD`, all worktrees and the stash.
    Everything,
    /// The same, and what only reflogs lead to, or nothing at all.
    Beyond(Beyond),
    /// Those that revisions like `BASE..HEAD`, `A...B`, `REV`, `^REV` name together.
    Ranges(Vec<String>),
    /// What a push or a fetch brings: all that the names lead to and that is not known yet.
    New {
        /// The names as they will be, and what they will stand for.
        tips: Vec<Ref>,
        /// What the receiver has, with all that leads from it. One that is not here leaves
        /// nothing out.
        known: Vec<Oid>,
    },
}

/// What counts beside that which a ref leads to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Beyond {
    /// What reflogs lead to.
    pub reflog: bool,
    /// Every object that is there.
    pub unreachable: bool,
}

impl Selection {
    /// What counts beside that which a ref leads to; `None` for a range.
    pub fn beyond(&self) -> Option<Beyond> {
        match self {
            Self::Everything => Some(Beyond::default()),
            Self::Beyond(beyond) => Some(*beyond),
            Self::Ranges(_) | Self::New { .. } => None,
        }
    }
}

/// A thing beside commits that refs name.
#[derive(Debug, Clone)]
pub struct Extra {
    /// The ref, or `ref` and the tag in it.
    pub name: Vec<u8>,
    /// The object.
    pub oid: Oid,
    /// What it is: a tag, a tree or a blob.
    pub kind: ObjectType,
}

/// What there is to scan.
#[derive(Debug, Default)]
pub struct Walk {
    /// The commits, by date, the oldest first.
    pub commits: Vec<Arc<Commit>>,
    /// Annotated tags, and trees and blobs that refs name directly.
    pub extras: Vec<Extra>,
    /// The full names of the refs; empty for a range.
    pub ref_names: Vec<Vec<u8>>,
    /// Whether some commits are left out on purpose: what these have is not new.
    pub is_range: bool,
    /// What could not be read.
    pub errors: Vec<GitError>,
}

/// Finds what there is to scan. The commits of `known` need not be read.
pub fn walk(
    repository: &Repository,
    selection: &Selection,
    known: &Commits,
) -> Result<Walk, GitError> {
    let odb = Objects::new(repository)?;
    let read = &mut reader(&odb, known);
    let mut walk = Walk::default();
    // What is left out, by its tips, and what is so already.
    let (include, exclude, left_out) = match selection {
        Selection::Everything => {
            let tips = walk.everything(repository, &odb, known);
            (tips, Vec::new(), HashSet::new())
        }
        Selection::Beyond(beyond) => {
            let mut tips = walk.everything(repository, &odb, known);
            if beyond.reflog {
                tips.extend(walk.reflogs(repository, known));
            }
            (tips, Vec::new(), HashSet::new())
        }
        Selection::Ranges(ranges) => {
            walk.is_range = true;
            walk.ranges(repository, &odb, ranges)?
        }
        Selection::New { tips, known } => {
            walk.is_range = true;
            let mut seen = known.iter().copied().collect();
            let none = Commits::new();
            let include = walk.named(&odb, tips.clone(), &mut seen, &none);
            (include, walk.known(&odb, known), HashSet::new())
        }
    };
    let mut shallow = 0;
    let mut failed = |error| {
        if is_shallow_boundary(repository, &error) {
            shallow += 1;
        } else {
            walk.errors.push(error);
        }
    };
    walk.commits = if exclude.is_empty() {
        ancestors(read, include, &left_out, &mut failed)
    } else {
        between(read, &include, &exclude, &left_out, &mut failed)
    };
    if shallow > 0 {
        walk.errors.push(GitError::Shallow { commits: shallow });
    }
    // To look at each of two commits takes longer than to compare them.
    let commits = std::mem::take(&mut walk.commits).into_iter();
    let mut dated: Vec<_> = commits.map(|commit| (commit.time, commit)).collect();
    dated.sort_unstable_by(|(a, one), (b, other)| {
        let by_name = || one.oid.as_bytes().cmp(other.oid.as_bytes());
        a.cmp(b).then_with(by_name)
    });
    walk.commits = dated.into_iter().map(|(_, commit)| commit).collect();
    Ok(walk)
}

/// Reads those commits that are not known.
fn reader<'a>(
    odb: &'a Objects<'_>,
    known: &'a Commits,
) -> impl FnMut(Oid) -> Result<Arc<Commit>, GitError> + 'a {
    move |oid| match known.get(&oid) {
        Some(commit) => Ok(Arc::clone(commit)),
        None => odb
            .read_as(oid, ObjectType::Commit)
            .and_then(|object| Commit::parse(oid, object.data()))
            .map(Arc::new),
    }
}

/// Whether an object is missing because the clone is shallow, not because it is damaged.
fn is_shallow_boundary(repository: &Repository, error: &GitError) -> bool {
    is_missing(error) && repository.is_shallow()
}

/// Whether an object could not be read because there is none.
fn is_missing(error: &GitError) -> bool {
    matches!(error, GitError::Object { error, .. } if error.code() == ErrorCode::NotFound)
}

/// The commits that remote-tracking refs reach.
pub fn pushed(repository: &Repository, known: &Commits) -> Result<HashSet<Oid>, GitError> {
    let odb = Objects::new(repository)?;
    let read = &mut reader(&odb, known);
    let tips = refs::all(repository)
        .refs
        .into_iter()
        .filter(|name| name.name.starts_with(b"refs/remotes/"))
        .map(|name| name.target)
        .collect();
    // What cannot be read here was told when it was scanned; it cannot be called pushed.
    let mut unread = 0;
    let commits = ancestors(read, tips, &HashSet::new(), &mut |_| unread += 1);
    Ok(commits.into_iter().map(|commit| commit.oid).collect())
}

/// The commit that is checked out.
pub fn head(repository: &Repository, known: &Commits) -> Result<Option<Arc<Commit>>, GitError> {
    let odb = Objects::new(repository)?;
    let head = git::head(repository)?;
    head.map(|oid| reader(&odb, known)(oid)).transpose()
}
