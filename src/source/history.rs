//! The commits of a history or a range, found by their raw parents: grafts, replacements and a
//! commit-graph hide none.

use std::collections::BinaryHeap;
use std::collections::HashMap;
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
use crate::git::commit::parse_oid;
use crate::git::commit::parse_tag;
use crate::git::object::Objects;
use crate::git::refs;
use crate::git::refs::Ref;

/// Tags that name tags, of which the last names a commit.
const MAX_NESTED_TAGS: usize = 100;

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

/// Reads commits, by their names.
type ReadCommit<'a> = dyn FnMut(Oid) -> Result<Arc<Commit>, GitError> + 'a;

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

/// Commits that count with all before them, those that do not with all before them, and some more
/// that do not.
type Bounds = (Vec<Oid>, Vec<Oid>, HashSet<Oid>);

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

impl Walk {
    /// The commits at the tips of all refs; the rest of what refs name goes into the walk.
    fn everything(
        &mut self,
        repository: &Repository,
        odb: &Objects<'_>,
        known: &Commits,
    ) -> Vec<Oid> {
        let refs = refs::all(repository);
        self.errors.extend(refs.errors);
        self.named(odb, refs.refs, &mut HashSet::new(), known)
    }

    /// The commits that refs lead to; the rest of what they lead to, without what was seen, goes
    /// into the walk.
    fn named(
        &mut self,
        odb: &Objects<'_>,
        refs: Vec<Ref>,
        seen: &mut HashSet<Oid>,
        known: &Commits,
    ) -> Vec<Oid> {
        let mut tips = Vec::new();
        for name in refs {
            let mut oid = name.target;
            // A tag may name a tag.
            while seen.insert(oid) {
                if known.contains_key(&oid) {
                    tips.push(oid);
                    break;
                }
                match self.tip(odb, &name.name, oid, &mut tips) {
                    Ok(Some(target)) => oid = target,
                    Ok(None) => break,
                    Err(error) => {
                        self.errors.push(error);
                        break;
                    }
                }
            }
            self.ref_names.push(name.name);
        }
        tips
    }

    /// The commits that reflogs name and that are still there: git forgets them in time.
    fn reflogs(&mut self, repository: &Repository, known: &Commits) -> Vec<Oid> {
        let logs = refs::reflogs(repository);
        self.errors.extend(logs.errors);
        let named = logs.refs.into_iter().map(|entry| entry.target);
        named.filter(|oid| known.contains_key(oid)).collect()
    }

    /// The commits that known objects are or lead to.
    fn known(&mut self, odb: &Objects<'_>, known: &[Oid]) -> Vec<Oid> {
        let mut commits = Vec::new();
        for &oid in known {
            match commit_of(odb, oid) {
                Ok(commit) => commits.extend(commit),
                // The other side has what this one never saw or has thrown away.
                Err(error) if is_missing(&error) => {}
                Err(error) => self.errors.push(error),
            }
        }
        commits
    }

    /// Takes one object that a ref leads to; gives the one it leads on to, if it is a tag.
    fn tip(
        &mut self,
        odb: &Objects<'_>,
        name: &[u8],
        oid: Oid,
        tips: &mut Vec<Oid>,
    ) -> Result<Option<Oid>, GitError> {
        let object = odb.read(oid).map_err(|error| GitError::Ref {
            name: name.to_owned(),
            reason: error.to_string(),
        })?;
        let mut extra = Extra {
            name: name.to_owned(),
            oid,
            kind: object.kind(),
        };
        let target = match object.kind() {
            ObjectType::Commit => {
                tips.push(oid);
                return Ok(None);
            }
            ObjectType::Tag => {
                let (target, tag) = parse_tag(oid, object.data())?;
                let own_name = [b"refs/tags/", tag].concat();
                if name != own_name {
                    extra.name = [name, b" (tag ", tag, b")"].concat();
                }
                Some(target)
            }
            _ => None,
        };
        self.extras.push(extra);
        Ok(target)
    }

    /// The commits that ranges name, those they leave out with all their ancestors, and commits that
    /// are left out without.
    fn ranges(
        &mut self,
        repository: &Repository,
        odb: &Objects<'_>,
        ranges: &[String],
    ) -> Result<Bounds, GitError> {
        let mut include = Vec::new();
        let mut exclude = Vec::new();
        let mut left_out = HashSet::new();
        for range in ranges {
            if let Some((a, b)) = range.split_once("...") {
                let (a, b) = (
                    resolve(repository, odb, a, range)?,
                    resolve(repository, odb, b, range)?,
                );
                include.extend([a, b]);
                let ours = self.all_before(odb, vec![a]);
                let theirs = self.all_before(odb, vec![b]);
                left_out.extend(ours.intersection(&theirs).copied());
            } else if let Some((base, tip)) = range.split_once("..") {
                exclude.push(resolve(repository, odb, base, range)?);
                let tip = if tip.is_empty() { "HEAD" } else { tip };
                include.push(resolve(repository, odb, tip, range)?);
            } else if let Some(base) = range.strip_prefix('^') {
                exclude.push(resolve(repository, odb, base, range)?);
            } else {
                include.push(resolve(repository, odb, range, range)?);
            }
        }
        if include.is_empty() {
            return Err(GitError::Revision {
                revision: ranges.join(" "),
                reason: "leaves commits out but names none to scan; write BASE..HEAD".to_owned(),
            });
        }
        Ok((include, exclude, left_out))
    }

    /// Commits and all their ancestors that are here. Where a shallow clone ends is no error:
    /// what lies before is left out as well.
    fn all_before(&mut self, odb: &Objects<'_>, tips: Vec<Oid>) -> HashSet<Oid> {
        let known = Commits::new();
        let read = &mut reader(odb, &known);
        ancestors(read, tips, &HashSet::new(), &mut |error| {
            if !is_missing(&error) {
                self.errors.push(error);
            }
        })
        .into_iter()
        .map(|commit| commit.oid)
        .collect()
    }
}

/// The commits from `tips` on, each once, without those in `exclude`.
fn ancestors(
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

/// How much younger than a commit its parent may claim to be, in seconds, and still be told for
/// one: clocks differ.
const CLOCKS: i64 = 2 * 24 * 60 * 60;
/// Commits that are looked at beyond the point where all is said, if the dates are true.
const MORE: usize = 64;

/// The commits from `include` on, without those from `exclude` on and those of `left_out`: the
/// youngest first, and no farther back than it takes to tell, so that the cost is that of the range
/// and not of the history. Where dates lie by more than [`CLOCKS`], it may be some more commits.
fn between(
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

/// Whether an object is missing because the clone is shallow, not because it is damaged.
fn is_shallow_boundary(repository: &Repository, error: &GitError) -> bool {
    is_missing(error) && repository.is_shallow()
}

/// The commit that a revision of `range` names.
fn resolve(
    repository: &Repository,
    odb: &Objects<'_>,
    revision: &str,
    range: &str,
) -> Result<Oid, GitError> {
    let fail = |reason: &str| GitError::Revision {
        revision: if revision.is_empty() { range } else { revision }.to_owned(),
        reason: reason.to_owned(),
    };
    if revision.is_empty() {
        return Err(fail("has an empty side; is a variable of the CI not set?"));
    }
    if revision.len() >= 40 && revision.bytes().all(|b| b == b'0') {
        return Err(fail(
            "is all zeros: the branch is new, so there is no base; use its merge base with the main branch",
        ));
    }
    let shallow = || {
        if repository.is_shallow() {
            "is not here, and the clone is shallow; run `git fetch --unshallow` (in CI: fetch-depth: 0)"
        } else {
            "is not known here; fetch it, or check its spelling"
        }
    };
    git::pipes::refs(repository, revision)?;
    odb.check_packs()?;
    let found = match named(repository, revision) {
        Some(oid) => Ok(oid),
        None => repository
            .revparse_single(revision)
            .map(|object| object.id())
            .map_err(|error| match error.code() {
                ErrorCode::NotFound => fail(shallow()),
                ErrorCode::Ambiguous => fail("is ambiguous; write more digits"),
                ErrorCode::InvalidSpec => fail("is no revision; see `git help revisions`"),
                _ => fail(&format!("does not name a commit: {}", error.message())),
            }),
    };
    let mut oid = found?;
    for _ in 0..MAX_NESTED_TAGS {
        let object = match odb.read(oid) {
            Ok(object) => object,
            Err(error) if is_missing(&error) => return Err(fail(shallow())),
            Err(error) => return Err(error),
        };
        match object.kind() {
            ObjectType::Commit => return Ok(oid),
            ObjectType::Tag => oid = parse_tag(oid, object.data())?.0,
            _ => break,
        }
    }
    Err(fail("does not name a commit"))
}

/// The commit that an object is, or that a tag leads to; `None` for other objects.
fn commit_of(odb: &Objects<'_>, mut oid: Oid) -> Result<Option<Oid>, GitError> {
    for _ in 0..MAX_NESTED_TAGS {
        let object = odb.read(oid)?;
        match object.kind() {
            ObjectType::Commit => return Ok(Some(oid)),
            ObjectType::Tag => oid = parse_tag(oid, object.data())?.0,
            _ => break,
        }
    }
    Ok(None)
}

/// The object that a full id, `HEAD` or the name of a ref stands for. libgit2 reads the object to
/// tell, and one that was cut off it would never get to the end of.
fn named(repository: &Repository, revision: &str) -> Option<Oid> {
    if revision == "HEAD" {
        return git::head(repository).ok().flatten();
    }
    if let Some(oid) = parse_oid(revision.as_bytes()) {
        return Some(oid);
    }
    ["", "refs/", "refs/tags/", "refs/heads/", "refs/remotes/"]
        .iter()
        .find_map(|prefix| {
            repository
                .find_reference(&format!("{prefix}{revision}"))
                .and_then(|reference| reference.resolve())
                // What is no ref of this name is tried under the next, and in the end told as unknown.
                .ok()?
                .target()
        })
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
