//! What lies before commits: all of it, or no more than it takes to tell a range.

use std::collections::BinaryHeap;
use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::Arc;

use git2::Oid;

use crate::git::GitError;
use crate::git::commit::Commit;
use crate::source::history::is_missing;

/// Reads commits, by their names.
type ReadCommit<'a> = dyn FnMut(Oid) -> Result<Arc<Commit>, GitError> + 'a;

/// How much younger than a commit its parent may claim to be, in seconds, and still be told for
/// one: clocks differ.
const CLOCKS: i64 = 2 * 24 * 60 * 60;
/// Commits that are looked at beyond the point where all is said, if the dates are true.
const MORE: usize = 64;

/// The commits from `tips` on, each once, without those in `exclude`.
pub(super) fn ancestors(
    read: &mut ReadCommit<'_>,
    tips: Vec<Oid>,
    exclude: &HashSet<Oid>,
    failed: &mut dyn FnMut(GitError),
) -> Vec<Arc<Commit>> {
    let mut seen: HashSet<Oid> = HashSet::new();
    let mut commits = Vec::new();
    let mut open = tips;
    while let Some(oid) = open.pop() {
        if exclude.contains(&oid) || !seen.insert(oid) {
            continue;
        }
        match read(oid) {
            Ok(commit) => {
                open.extend(&commit.parents);
                commits.push(commit);
            }
            Err(error) => failed(error),
        }
    }
    commits
}

/// A commit of a walk between others.
struct Seen {
    parents: Box<[Oid]>,
    is_left_out: bool,
    /// Kept if it turns out to count.
    commit: Option<Arc<Commit>>,
}

/// The commits from `include` on, without those from `exclude` on and those of `left_out`: the
/// youngest first, and no farther back than it takes to tell, so that the cost is that of the range
/// and not of the history. Where dates lie by more than [`CLOCKS`], it may be some more commits.
pub(super) fn between(
    read: &mut ReadCommit<'_>,
    include: &[Oid],
    exclude: &[Oid],
    left_out: &HashSet<Oid>,
    failed: &mut dyn FnMut(GitError),
) -> Vec<Arc<Commit>> {
    let mut seen: HashMap<Oid, Seen> = HashMap::new();
    let mut unread: Vec<(Option<Oid>, Oid, GitError)> = Vec::new();
    let mut open: BinaryHeap<(i64, Oid)> = BinaryHeap::new();
    let mut oldest = i64::MAX;
    let mut more = MORE;
    // What has to be looked at: a commit, the one whose parent it is, and whether it is left out.
    let mut next: Vec<(Oid, Option<Oid>, bool)> = Vec::new();
    next.extend(
        include
            .iter()
            .map(|oid| (*oid, None, left_out.contains(oid))),
    );
    next.extend(exclude.iter().map(|oid| (*oid, None, true)));
    // Commits in the queue that still count.
    let mut counting: HashSet<Oid> = HashSet::new();
    loop {
        while let Some((oid, child, is_left_out)) = next.pop() {
            let is_left_out = is_left_out || left_out.contains(&oid);
            if let Some(known) = seen.get_mut(&oid) {
                // All that comes before it is left out as well, as far as it was looked at.
                if is_left_out && !known.is_left_out {
                    known.is_left_out = true;
                    counting.remove(&oid);
                    let parents = known.parents.iter();
                    next.extend(parents.map(|parent| (*parent, Some(oid), true)));
                }
                continue;
            }
            match read(oid) {
                Ok(commit) => {
                    open.push((commit.time, oid));
                    if !is_left_out {
                        counting.insert(oid);
                    }
                    let known = Seen {
                        parents: Box::default(),
                        is_left_out,
                        commit: Some(commit),
                    };
                    seen.insert(oid, known);
                }
                // The other side may lack what it likes, but not hide what is damaged.
                Err(error) if is_left_out && is_missing(&error) => {}
                Err(error) => unread.push((child, oid, error)),
            }
        }
        let Some((time, oid)) = open.pop() else {
            break;
        };
        if counting.is_empty() && time < oldest.saturating_sub(CLOCKS) {
            if more == 0 {
                break;
            }
            more -= 1;
        } else {
            more = MORE;
        }
        counting.remove(&oid);
        if let Some(known) = seen.get_mut(&oid)
            && let Some(commit) = &known.commit
        {
            known.parents.clone_from(&commit.parents);
            if !known.is_left_out {
                oldest = oldest.min(time);
            }
            let parents = commit.parents.iter();
            next.extend(parents.map(|parent| (*parent, Some(oid), known.is_left_out)));
        }
    }
    let counts = |oid: &Oid| seen.get(oid).is_some_and(|known| !known.is_left_out);
    let mut told = HashSet::new();
    for (child, oid, error) in unread {
        let matters = child.is_none_or(|child| counts(&child)) || !is_missing(&error);
        if matters && told.insert(oid) {
            failed(error);
        }
    }
    let seen = seen.into_values().filter(|known| !known.is_left_out);
    seen.filter_map(|known| known.commit).collect()
}
