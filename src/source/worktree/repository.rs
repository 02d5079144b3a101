//! The repository that a directory is part of: what it tracks, and what it ignores.

use std::ffi::OsStr;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use git2::Repository;
use git2::RepositoryOpenFlags;

use crate::git::GitError;
use crate::git::index::Entry;
use crate::git::index::Index;
use crate::git::index::IndexError;
use crate::git::object::Objects;
use crate::git::path_of;
use crate::git::pipes;
use crate::git::tree;
use crate::git::tree::EntryKind;
use crate::source::worktree::IGNORE_FILE;
use crate::source::worktree::ignored::Rules;

/// What a repository says of the files below a directory of its worktree.
#[derive(Debug)]
pub(super) struct Worktree {
    /// Bytes of the paths of items before what is below the directory.
    cut: usize,
    /// The directory's path from the top of the worktree, with a slash behind it if it has any.
    below: Vec<u8>,
    tracked: Tracked,
}

/// A directory of a worktree.
#[derive(Debug, Clone)]
pub(super) struct Scope {
    worktree: Arc<Worktree>,
    rules: Arc<Rules>,
    /// The entries of the index that are below it.
    tracked: Range<usize>,
    /// Whether git ignores all of it that it does not track.
    is_ignored: bool,
}

/// What becomes of a directory in another.
pub(super) enum Fate {
    /// It is gone into, and has a scope of its own.
    Enter(Scope),
    /// It is ignored.
    Ignore,
}

impl Scope {
    /// The scope of a directory that is named on the command line (`is_root`), or has a `.git`.
    /// The paths of items below it begin with `prefix`. `None` if nothing in it is ignored.
    pub(super) fn new(directory: &Path, prefix: &[u8], is_root: bool) -> Option<Self> {
        let repository = open(directory, is_root)?;
        let relative = relative(&repository, directory)?;
        let mut below = slashed(&relative);
        if !below.is_empty() {
            below.push(b'/');
        }
        // Where the index cannot be told, no file can be called untracked: nothing is ignored.
        let tracked = tracked_below(&repository, &below)?;
        if is_ignored(&repository, &relative) {
            return None;
        }
        let top = repository.workdir()?;
        let exclude = repository.commondir().join("info/exclude");
        let mut rules = Arc::new(Rules::new(None, exclude, 0));
        let mut above = top.to_owned();
        let mut depth = 0;
        // That of the directory itself comes with its entries.
        for component in relative.components() {
            rules = Arc::new(Rules::new(Some(rules), above.join(IGNORE_FILE), depth));
            above.push(component);
            depth += component.as_os_str().len() + 1;
        }
        Some(Self {
            rules,
            tracked: 0..tracked.ends.len(),
            is_ignored: false,
            worktree: Arc::new(Worktree {
                cut: prefix.len(),
                below,
                tracked,
            }),
        })
    }

    /// Whether the index has anything below the directory.
    pub(super) fn tracks_nothing(&self) -> bool {
        self.tracked.is_empty()
    }

    /// Takes the ignore file of the directory into account, of which the items' paths begin with
    /// `prefix`.
    pub(super) fn add_rules(&mut self, prefix: &[u8]) {
        let depth = self.worktree.below.len() + prefix.len().saturating_sub(self.worktree.cut);
        let file = path_of(&[prefix, IGNORE_FILE.as_bytes()].concat());
        let above = Some(Arc::clone(&self.rules));
        self.rules = Arc::new(Rules::new(above, file, depth));
    }

    /// Whether a file in the directory is tracked, or not ignored.
    pub(super) fn holds(&self, path: &[u8]) -> bool {
        self.tracks(path) || !self.ignores(path, false)
    }

    /// What becomes of a directory in it.
    pub(super) fn enter(&self, path: &[u8]) -> Fate {
        let inside = self.inside(path);
        let tracked = &self.worktree.tracked;
        let mut scope = self.clone();
        scope.tracked = tracked.below(inside, self.tracked.clone());
        if self.is_ignored || self.ignores(path, true) {
            // A submodule is tracked itself.
            if scope.tracked.is_empty() && !self.tracks(path) {
                return Fate::Ignore;
            }
            scope.is_ignored = true;
        }
        Fate::Enter(scope)
    }

    /// Whether what is at a path in the directory is tracked itself.
    fn tracks(&self, path: &[u8]) -> bool {
        let tracked = &self.worktree.tracked;
        tracked.has(self.inside(path), self.tracked.clone())
    }

    /// Whether the `.git` of the directory at a path, which this is the scope of, makes it a
    /// repository of its own: not among what is ignored, if it is no submodule.
    pub(super) fn can_nest(&self) -> bool {
        !self.is_ignored || self.tracked.is_empty()
    }

    fn ignores(&self, path: &[u8], is_directory: bool) -> bool {
        if self.is_ignored {
            return true;
        }
        let inside = self.inside(path);
        if self.worktree.below.is_empty() {
            self.rules.ignore(inside, is_directory)
        } else {
            let whole = [&self.worktree.below, inside].concat();
            self.rules.ignore(&whole, is_directory)
        }
    }

    /// A path from where the walk began.
    fn inside<'a>(&self, path: &'a [u8]) -> &'a [u8] {
        path.get(self.worktree.cut..).unwrap_or(path)
    }
}

/// The repository around a root, or at a directory inside of it. None there, or one that cannot
/// be opened: then no ignore file means anything.
fn open(directory: &Path, is_root: bool) -> Option<Repository> {
    let flags = if is_root {
        RepositoryOpenFlags::empty()
    } else {
        RepositoryOpenFlags::NO_SEARCH
    };
    let ceilings: [&OsStr; 0] = [];
    // Without one more is scanned, not less.
    pipes::check(directory, is_root).ok()?;
    Repository::open_ext(directory, flags, ceilings)
        // Without one more is scanned, not less.
        .ok()
        .filter(|repository| !repository.is_bare())
}

/// Entries of the index below a directory, relative to it, by path, each once.
#[derive(Debug, Default)]
struct Tracked {
    /// The paths, one behind the other.
    paths: Vec<u8>,
    /// Where each ends.
    ends: Vec<usize>,
}

impl Tracked {
    /// Takes an entry of the index if it lies below a directory, of which the path ends with a
    /// slash.
    fn take(&mut self, path: &[u8], below: &[u8]) {
        let Some(path) = path.strip_prefix(below) else {
            return;
        };
        let plain = path
            .split(|byte| *byte == b'/')
            .all(|name| !matches!(name, b"" | b"." | b".."));
        // One that is not merged comes once a side.
        if plain && self.last() != Some(path) {
            self.push(path);
        }
    }

    /// Takes what is in a directory of which the index only has the tree, if there is anything of
    /// it in the worktree.
    fn take_directory(
        &mut self,
        repository: &Repository,
        entry: &Entry<'_>,
        below: &[u8],
    ) -> Result<(), GitError> {
        if !entry.path.starts_with(below) && !below.starts_with(entry.path) {
            return Ok(());
        }
        let there = repository
            .workdir()
            .map(|top| top.join(path_of(entry.path)));
        let is_absent = |error: io::Error| error.kind() == io::ErrorKind::NotFound;
        if there.is_none_or(|there| there.symlink_metadata().is_err_and(is_absent)) {
            return Ok(());
        }
        let mut files = Vec::new();
        tree::compare(&Objects::new(repository)?, entry.oid, &[], &mut |file| {
            files.push([entry.path, &file.path].concat());
        })?;
        files.sort_unstable();
        for path in files {
            self.take(&path, below);
        }
        Ok(())
    }

    fn push(&mut self, path: &[u8]) {
        self.paths.extend_from_slice(path);
        self.ends.push(self.paths.len());
    }

    fn last(&self) -> Option<&[u8]> {
        let last = self.ends.len().checked_sub(1)?;
        Some(self.path(last))
    }

    fn path(&self, at: usize) -> &[u8] {
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.paths[start..self.ends[at]]
    }

    /// Brings the entries in order, which they have but for an index that git did not write.
    fn sort(&mut self) {
        let mut order: Vec<usize> = (0..self.ends.len()).collect();
        if order.is_sorted_by_key(|at| self.path(*at)) {
            return;
        }
        order.sort_unstable_by_key(|at| self.path(*at));
        let mut sorted = Self::default();
        for at in order {
            sorted.push(self.path(at));
        }
        *self = sorted;
    }

    /// Whether one of some entries, which are all below the directory that the path is in, has this
    /// path.
    fn has(&self, path: &[u8], among: Range<usize>) -> bool {
        let start = name_start(path);
        let name = &path[start..];
        let at = self.first(among.clone(), |entry| entry.get(start..) < Some(name));
        among.contains(&at) && self.path(at) == path
    }

    /// Those of some entries, which are all below the directory that this one is in, that are below
    /// this one.
    fn below(&self, directory: &[u8], among: Range<usize>) -> Range<usize> {
        let start = name_start(directory);
        let name = &directory[start..];
        // As they stand with a slash, and with the byte behind a slash, at the end.
        let is_before = |entry: &[u8], end: u8| {
            let rest = entry.get(start..).unwrap_or_default();
            match rest.get(..name.len()) {
                Some(first) => {
                    let next = rest.get(name.len());
                    first.cmp(name).then(next.cmp(&Some(&end))).is_lt()
                }
                None => rest < name,
            }
        };
        let first = self.first(among.clone(), |entry| is_before(entry, b'/'));
        let end = self.first(first..among.end, |entry| is_before(entry, b'/' + 1));
        first..end
    }

    /// The first of some entries that is not before a place.
    fn first(&self, among: Range<usize>, is_before: impl Fn(&[u8]) -> bool) -> usize {
        let (mut start, mut end) = (among.start, among.end);
        while start < end {
            let middle = start.midpoint(end);
            if is_before(self.path(middle)) {
                start = middle + 1;
            } else {
                end = middle;
            }
        }
        start
    }
}

/// The entries of the index below a directory; `None` if it cannot be read.
fn tracked_below(repository: &Repository, below: &[u8]) -> Option<Tracked> {
    let path = repository.path().join("index");
    if path.metadata().is_ok_and(|metadata| !metadata.is_file()) {
        return None;
    }
    let format = repository.object_format();
    if let Ok(tracked) = read_tracked(Index::open(&path, format), repository, below) {
        return Some(tracked);
    }
    // One that is split or sparse.
    let opened = Index::open_any(&path, repository.path(), format);
    if let Ok(tracked) = read_tracked(opened, repository, below) {
        return Some(tracked);
    }
    // One of a form that is not known here, or a damaged one, which libgit2 refuses too.
    let index = repository.index().ok()?;
    if index.is_empty() && !has_empty_index(repository) {
        return None;
    }
    let mut tracked = Tracked::default();
    for entry in index.iter() {
        tracked.take(&entry.path, below);
    }
    // It may be sorted without regard to case.
    tracked.sort();
    Some(tracked)
}

fn read_tracked(
    opened: Result<Option<Index>, IndexError>,
    repository: &Repository,
    below: &[u8],
) -> Result<Tracked, TrackedError> {
    let mut tracked = Tracked::default();
    if let Some(mut index) = opened? {
        let mut is_written_out = true;
        while let Some(entry) = index.current()? {
            if EntryKind::of(entry.mode) == EntryKind::Tree {
                is_written_out = false;
                tracked.take_directory(repository, &entry, below)?;
            } else {
                tracked.take(entry.path, below);
            }
            index.advance()?;
        }
        // Until now nothing of it was sure.
        index.finish()?;
        if !is_written_out {
            tracked.sort();
        }
    }
    Ok(tracked)
}

/// Why it is not known what is tracked: then nothing is ignored.
#[derive(Debug, thiserror::Error)]
enum TrackedError {
    #[error(transparent)]
    Index(#[from] IndexError),
    #[error(transparent)]
    Git(#[from] GitError),
}

/// Where the last part of a path begins.
fn name_start(path: &[u8]) -> usize {
    memchr::memrchr(b'/', path).map_or(0, |slash| slash + 1)
}

/// A path as git writes it.
fn slashed(path: &Path) -> Vec<u8> {
    let components = path.components().map(|c| c.as_os_str().as_encoded_bytes());
    components.collect::<Vec<_>>().join(&b'/')
}

/// Whether nothing is tracked indeed: libgit2 takes an index that it cannot look at for an empty
/// one.
fn has_empty_index(repository: &Repository) -> bool {
    match Index::open(&repository.path().join("index"), repository.object_format()) {
        Ok(None) => true,
        Ok(Some(index)) => index.path().is_none(),
        // Not known: then nothing is ignored.
        Err(_) => false,
    }
}

/// Whether a directory, by its path from the top, is ignored, or below one that is.
fn is_ignored(repository: &Repository, directory: &Path) -> bool {
    directory
        .ancestors()
        .filter(|path| !path.as_os_str().is_empty())
        .any(|path| {
            // With a slash, so that patterns for directories count.
            let path = path.join("");
            // An error here only means that nothing is ignored.
            repository.is_path_ignored(&path).unwrap_or(true)
        })
}

/// A directory's path from the top of its repository's worktree.
fn relative(repository: &Repository, directory: &Path) -> Option<PathBuf> {
    // Where it is not known what lies where, nothing is ignored.
    let top = repository.workdir()?.canonicalize().ok()?;
    let directory = directory.canonicalize().ok()?;
    directory.strip_prefix(&top).ok().map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tracked(paths: &[&str]) -> Tracked {
        let mut tracked = Tracked::default();
        for path in paths {
            tracked.take(path.as_bytes(), b"");
        }
        tracked
    }

    #[test]
    fn directories_are_told_from_what_sorts_beside_them() {
        let all = tracked(&[
            "a", "a!/x", "a-b", "a.b/y", "a/b", "a/b/c", "a/d", "a0", "b/c",
        ]);
        let whole = 0..9;
        let below = all.below(b"a", whole.clone());
        assert_eq!(below, 4..7);
        assert_eq!(all.below(b"a/b", below.clone()), 5..6);
        assert!(all.below(b"a/d", below.clone()).is_empty());
        assert!(all.below(b"c", whole.clone()).is_empty());
        assert!(all.has(b"a", whole.clone()));
        assert!(!all.has(b"a.b", whole.clone()));
        assert!(all.has(b"a/b", below.clone()));
        assert!(!all.has(b"a/c", below));
        assert!(!all.has(b"b", whole));
    }

    #[test]
    fn entries_out_of_order_are_sorted_and_those_that_lead_elsewhere_are_none() {
        let mut all = tracked(&["b", "a/x", "B", "../x", "a//x", "c/./d", "a"]);
        all.sort();
        let paths: Vec<&[u8]> = (0..all.ends.len()).map(|at| all.path(at)).collect();
        assert_eq!(paths, [&b"B"[..], b"a", b"a/x", b"b"]);
    }
}
