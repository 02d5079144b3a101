//! The files below some paths: everything that is tracked, and everything that is not ignored.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use git2::Repository;
use git2::RepositoryOpenFlags;
use ignore::WalkBuilder;
use ignore::WalkState;

use crate::git::index::Index;
use crate::git::index::IndexError;
use crate::git::path_of;
use crate::git::tree::EntryKind;
use crate::policy::exclude::Anchored;
use crate::policy::exclude::Exclude;

/// Bytes of an ignore file that is heeded.
const MAX_IGNORE_FILE: u64 = 1 << 20;

/// Why a pipe, a socket or a device was left out.
pub const NOT_A_FILE: &str = "is a pipe, a socket or a device";

/// What to list.
#[derive(Debug)]
pub struct Options {
    /// Whether files that are ignored and not tracked count too.
    pub no_ignore: bool,
    /// Files larger than this are left out.
    pub max_filesize: Option<u64>,
    /// What the user leaves out.
    pub exclude: Exclude,
    /// What the configuration of the repository leaves out.
    pub configured: Anchored,
    /// Threads that list.
    pub threads: usize,
}

/// What an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ItemKind {
    /// A symbolic link: its target is read, not followed.
    Link,
    /// A directory: only its name counts.
    Directory,
    /// A regular file.
    File,
    /// The same, named on the command line, where it may be a link to one.
    Named,
}

/// Something to scan.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Item {
    /// Its path, as it can be opened from the current directory.
    pub path: PathBuf,
    /// What it is.
    pub kind: ItemKind,
}

/// What there is to scan.
#[derive(Debug, Default)]
pub struct Listing {
    /// The items, by path, each once.
    pub items: Vec<Item>,
    /// What was left out, and why.
    pub skipped: Vec<(PathBuf, String)>,
    /// What could not be listed, and why.
    pub errors: Vec<(PathBuf, String)>,
}

/// Lists what is below `roots`. A file that is named itself is always on the list.
pub fn list(roots: &[PathBuf], options: &Options) -> Listing {
    let mut listing = Listing::default();
    for root in roots {
        match fs::metadata(root) {
            Err(error) => listing.errors.push((root.clone(), cannot_read(&error))),
            Ok(metadata) if metadata.is_dir() => {
                let before = listing.items.len();
                listing.items.push(Item {
                    path: root.clone(),
                    kind: ItemKind::Directory,
                });
                Lister {
                    root,
                    options,
                    listing: &mut listing,
                }
                .directory(root, true);
                listing.leave_out(before, root, options);
            }
            Ok(metadata) if metadata.is_file() => listing.items.push(Item {
                path: clean(root),
                kind: ItemKind::Named,
            }),
            Ok(_) => listing.errors.push((
                root.clone(),
                "is no regular file; to scan what comes out of it, use `scan -`".to_owned(),
            )),
        }
    }
    // A file that is also named counts as named.
    listing
        .items
        .sort_by(|a, b| bytes(a).cmp(bytes(b)).then(b.kind.cmp(&a.kind)));
    listing
        .items
        .dedup_by(|later, first| later.path == first.path);
    listing
}

impl Listing {
    /// Takes out what the options exclude. `.git` is no part of a worktree.
    fn leave_out(&mut self, from: usize, root: &Path, options: &Options) {
        let found = self.items.split_off(from);
        for item in found {
            let relative = item.path.strip_prefix(root).unwrap_or(&item.path);
            if options.exclude.contains(relative) || options.configured.contains(&item.path) {
                if item.kind != ItemKind::Directory {
                    self.skipped.push((item.path, "excluded".to_owned()));
                }
            } else {
                self.items.push(item);
            }
        }
    }
}

/// The path as bytes: comparing components takes ten times as long.
fn bytes(item: &Item) -> &[u8] {
    item.path.as_os_str().as_encoded_bytes()
}

/// Why a file was not read, in words.
pub fn cannot_read(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "is not there".to_owned(),
        io::ErrorKind::PermissionDenied => "cannot be read: permission denied".to_owned(),
        _ => format!("cannot be read: {error}"),
    }
}

/// Whether so many threads are to be had. Where one is not, those that the walk did get would wait
/// for it without end.
fn can_have(threads: usize) -> bool {
    let hold = Mutex::new(());
    let guard = hold.lock().unwrap_or_else(PoisonError::into_inner);
    std::thread::scope(|scope| {
        let wait = || drop(hold.lock().unwrap_or_else(PoisonError::into_inner));
        let all = (0..threads).all(|_| {
            let thread = std::thread::Builder::new();
            thread.spawn_scoped(scope, wait).is_ok()
        });
        drop(guard);
        all
    })
}

/// Whether an error only says that there is nothing at the path.
fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// Lists one root.
struct Lister<'a> {
    root: &'a Path,
    options: &'a Options,
    listing: &'a mut Listing,
}

impl Lister<'_> {
    /// Lists a directory that is named on the command line (`is_root`) or is a repository of its
    /// own inside of one that is.
    fn directory(&mut self, directory: &Path, is_root: bool) {
        let repository = if self.options.no_ignore {
            None
        } else {
            open(directory, is_root)
        };
        // Where the index cannot be told, no file can be called untracked: nothing is ignored.
        let tracked = repository
            .as_ref()
            .and_then(|repository| tracked_below(repository, directory));
        let ignored_itself = repository.as_ref().is_some_and(|repository| {
            !can_heed(repository, directory) || is_ignored(repository, directory)
        });
        let heed_ignore = tracked.is_some() && !ignored_itself;
        let mut found = self.walk(directory, heed_ignore);
        for odd in std::mem::take(&mut found.odd) {
            found.add_all(self.walk(&odd, false));
        }
        if heed_ignore {
            found.items.sort_by(|a, b| bytes(a).cmp(bytes(b)));
            // There is one: otherwise nothing would be ignored.
            let tracked = tracked.unwrap_or_default();
            for (path, kind) in tracked.not_among(&found.items, directory) {
                if kind == EntryKind::Gitlink {
                    self.submodule(&clean(&directory.join(&path)));
                } else {
                    self.tracked(directory, &path);
                }
            }
            for repository in &found.repositories {
                self.directory(repository, false);
            }
        }
        if self.listing.items.len() < 2 {
            // The items are most of the memory, and sorted.
            found.items.append(&mut self.listing.items);
            self.listing.items = found.items;
        } else {
            self.listing.items.append(&mut found.items);
        }
        self.listing.skipped.extend(found.skipped);
        self.listing.errors.extend(found.errors);
    }

    /// Walks a directory.
    fn walk(&self, directory: &Path, heed_ignore: bool) -> Found {
        let threads = self.options.threads;
        let odd = Arc::new(Mutex::new(Vec::new()));
        let odd_here = Arc::clone(&odd);
        let mut builder = WalkBuilder::new(directory);
        builder
            .standard_filters(false)
            .parents(heed_ignore)
            .git_ignore(heed_ignore)
            .git_exclude(heed_ignore)
            .require_git(true)
            .follow_links(false)
            .threads(threads)
            .filter_entry(move |entry| {
                if entry.depth() == 0 {
                    return true;
                }
                if entry.file_name() == OsStr::new(".git") && is_git_directory(entry.path()) {
                    return false;
                }
                let is_directory = entry.file_type().is_some_and(|kind| kind.is_dir());
                if heed_ignore && is_directory && !is_plain(&entry.path().join(".gitignore")) {
                    let mut odd = odd_here.lock().unwrap_or_else(PoisonError::into_inner);
                    odd.push(entry.path().to_owned());
                    return false;
                }
                true
            });
        if threads > 1 && can_have(threads) {
            let found = Mutex::new(Found::default());
            // It panics where no thread is to be had, which is no reason not to scan.
            let walked = catch_unwind(AssertUnwindSafe(|| {
                builder.build_parallel().run(|| {
                    let mut own = Share {
                        found: Found::default(),
                        all: &found,
                    };
                    Box::new(move |entry| {
                        own.found.add(entry, directory);
                        WalkState::Continue
                    })
                });
            }));
            if walked.is_ok() {
                let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
                found.odd = taken(&odd);
                return found;
            }
        }
        // Those of a walk that broke off would come twice.
        taken(&odd);
        let mut found = Found::default();
        for entry in builder.build() {
            found.add(entry, directory);
        }
        found.odd = taken(&odd);
        found
    }

    /// Adds a tracked file, which the walk may have passed over because it is ignored.
    fn tracked(&mut self, directory: &Path, path: &Path) {
        let whole = clean(&directory.join(path));
        // A path through a link leads out of the worktree; to git the file is gone.
        let mut prefix = directory.to_owned();
        let mut above = Vec::new();
        for component in path.parent().into_iter().flat_map(Path::components) {
            prefix.push(component);
            if fs::symlink_metadata(&prefix).is_ok_and(|metadata| metadata.is_symlink()) {
                return;
            }
            above.push(Item {
                path: clean(&prefix),
                kind: ItemKind::Directory,
            });
        }
        self.listing.items.extend(above);
        match fs::symlink_metadata(&whole) {
            Ok(metadata) if metadata.is_file() => self.listing.items.push(Item {
                path: whole,
                kind: ItemKind::File,
            }),
            Ok(metadata) if metadata.is_symlink() => self.listing.items.push(Item {
                path: whole,
                kind: ItemKind::Link,
            }),
            Ok(_) => {}
            // Deleted from the worktree, which is no reason to fail.
            Err(error) if is_absent(&error) => {}
            Err(error) => self.listing.errors.push((whole, cannot_read(&error))),
        }
    }

    /// Lists a submodule that the walk may have passed over.
    fn submodule(&mut self, directory: &Path) {
        if directory != self.root && directory.join(".git").exists() {
            self.directory(directory, false);
        }
    }
}

/// What is behind a lock, and nothing in its place.
fn taken<T: Default>(mutex: &Mutex<T>) -> T {
    std::mem::take(&mut *mutex.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Whether an ignore file means to us what it means to git, or is not there. git follows no link to
/// one, nobody should wait for a pipe, and braces are alternatives to the walk but not to git.
/// Where it is not, nothing is ignored.
fn is_plain(path: &Path) -> bool {
    match fs::symlink_metadata(path) {
        Err(error) => is_absent(&error),
        Ok(metadata) if metadata.is_file() && metadata.len() <= MAX_IGNORE_FILE => {
            fs::read(path).is_ok_and(|content| !content.contains(&b'{'))
        }
        Ok(_) => false,
    }
}

/// Whether the ignore files above a directory and in it are plain ones.
fn can_heed(repository: &Repository, directory: &Path) -> bool {
    let Some(below) = relative(repository, directory) else {
        return false;
    };
    let top = repository.workdir().unwrap_or(directory);
    let plain_above = below
        .ancestors()
        .all(|above| is_plain(&top.join(above).join(".gitignore")));
    plain_above && is_plain(&repository.commondir().join("info/exclude"))
}

/// What a walk found.
#[derive(Default)]
struct Found {
    /// Directories with an ignore file that is none, which were not entered.
    odd: Vec<PathBuf>,
    items: Vec<Item>,
    repositories: Vec<PathBuf>,
    skipped: Vec<(PathBuf, String)>,
    errors: Vec<(PathBuf, String)>,
}

/// What one thread of a walk finds; handed in when it ends.
struct Share<'a> {
    found: Found,
    all: &'a Mutex<Found>,
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.add_all(std::mem::take(&mut self.found));
    }
}

impl Found {
    fn add_all(&mut self, other: Self) {
        if self.items.is_empty() {
            self.items = other.items;
        } else {
            self.items.extend(other.items);
        }
        self.repositories.extend(other.repositories);
        self.skipped.extend(other.skipped);
        self.errors.extend(other.errors);
    }

    fn add(&mut self, entry: Result<ignore::DirEntry, ignore::Error>, directory: &Path) {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let path = path_in(&error).unwrap_or(directory).to_owned();
                let reason = match error.io_error() {
                    Some(error) => cannot_read(error),
                    None => format!("cannot be listed: {error}"),
                };
                self.errors.push((path, reason));
                return;
            }
        };
        let Some(kind) = entry.file_type() else {
            return;
        };
        let depth = entry.depth();
        let path = cleaned(entry.into_path());
        if kind.is_dir() {
            if depth > 0 {
                let git = path.join(".git");
                match git.symlink_metadata() {
                    Ok(_) => self.repositories.push(path.clone()),
                    Err(error) if is_absent(&error) => {}
                    // Whether it is a repository of its own, with tracked files that are ignored
                    // here, cannot be told.
                    Err(error) => self.errors.push((git, cannot_read(&error))),
                }
                self.items.push(Item {
                    path,
                    kind: ItemKind::Directory,
                });
            }
        } else if kind.is_file() {
            self.items.push(Item {
                path,
                kind: ItemKind::File,
            });
        } else if kind.is_symlink() {
            self.items.push(Item {
                path,
                kind: ItemKind::Link,
            });
        } else {
            self.skipped.push((path, NOT_A_FILE.to_owned()));
        }
    }
}

/// `./a` as `a`.
fn clean(path: &Path) -> PathBuf {
    match path.strip_prefix(".") {
        Ok(rest) if rest.as_os_str().is_empty() => path.to_owned(),
        Ok(rest) => rest.to_owned(),
        // It does not begin so.
        Err(_) => path.to_owned(),
    }
}

/// The same, without a copy where there is nothing to do.
fn cleaned(path: PathBuf) -> PathBuf {
    if path.as_os_str().as_encoded_bytes().starts_with(b".") {
        clean(&path)
    } else {
        path
    }
}

/// The path that a walk's error is about.
fn path_in(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => {
            path_in(err)
        }
        ignore::Error::Loop { child, .. } => Some(child),
        ignore::Error::Partial(errors) => errors.iter().find_map(path_in),
        _ => None,
    }
}

/// Whether a `.git` is really git's, and not a directory that borrows the name.
fn is_git_directory(path: &Path) -> bool {
    path.join("HEAD").symlink_metadata().is_ok()
        && (path.join("objects").is_dir() || path.join("commondir").is_file())
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
    Repository::open_ext(directory, flags, ceilings)
        // Without one more is scanned, not less.
        .ok()
        .filter(|repository| !repository.is_bare())
}

/// Entries of the index below a directory, relative to it, by path, each once.
#[derive(Default)]
struct Tracked {
    /// The paths, one behind the other.
    paths: Vec<u8>,
    /// Where each ends, and what it is.
    entries: Vec<(usize, EntryKind)>,
}

impl Tracked {
    /// Takes an entry of the index if it lies below a directory, of which the path ends with a
    /// slash.
    fn take(&mut self, path: &[u8], mode: u32, below: &[u8]) {
        let Some(path) = path.strip_prefix(below) else {
            return;
        };
        let plain = path
            .split(|byte| *byte == b'/')
            .all(|name| !matches!(name, b"" | b"." | b".."));
        // One that is not merged comes once a side.
        if plain && self.last() != Some(path) {
            self.paths.extend_from_slice(path);
            self.entries.push((self.paths.len(), EntryKind::of(mode)));
        }
    }

    fn last(&self) -> Option<&[u8]> {
        let (end, _) = self.entries.last()?;
        let before = self.entries.len().checked_sub(2);
        let start = before.map_or(0, |before| self.entries[before].0);
        Some(&self.paths[start..*end])
    }

    /// Those that are not among some items below the directory, which are sorted by path.
    fn not_among(&self, items: &[Item], directory: &Path) -> Vec<(PathBuf, EntryKind)> {
        // What `clean` makes of it, up to the name.
        let mut whole = clean(&directory.join("x"))
            .into_os_string()
            .into_encoded_bytes();
        whole.pop();
        let prefix = whole.len();
        let mut missing = Vec::new();
        let (mut at, mut start) = (0, 0);
        let mut is_sorted = true;
        for &(end, kind) in &self.entries {
            let path = &self.paths[start..end];
            start = end;
            is_sorted &= &whole[prefix..] <= path;
            whole.truncate(prefix);
            whole.extend_from_slice(path);
            if is_sorted {
                while items.get(at).is_some_and(|item| bytes(item) < &whole[..]) {
                    at += 1;
                }
            } else {
                at = items.partition_point(|item| bytes(item) < &whole[..]);
            }
            if items.get(at).is_none_or(|item| bytes(item) != whole) {
                missing.push((path_of(path), kind));
            }
        }
        missing
    }
}

/// The entries of the index below a directory; `None` if it cannot be read.
fn tracked_below(repository: &Repository, directory: &Path) -> Option<Tracked> {
    let mut below = slashed(&relative(repository, directory)?);
    if !below.is_empty() {
        below.push(b'/');
    }
    let path = repository.path().join("index");
    if path.metadata().is_ok_and(|metadata| !metadata.is_file()) {
        return None;
    }
    if let Ok(tracked) = read_tracked(&path, repository, &below) {
        return Some(tracked);
    }
    // One of a form that is not known here, or a damaged one, which libgit2 refuses too.
    let index = repository.index().ok()?;
    if index.is_empty() && !has_empty_index(repository) {
        return None;
    }
    let mut tracked = Tracked::default();
    for entry in index.iter() {
        tracked.take(&entry.path, entry.mode, &below);
    }
    Some(tracked)
}

fn read_tracked(path: &Path, repository: &Repository, below: &[u8]) -> Result<Tracked, IndexError> {
    let mut tracked = Tracked::default();
    if let Some(mut index) = Index::open(path, repository.object_format())? {
        while let Some(entry) = index.current()? {
            tracked.take(entry.path, entry.mode, below);
            index.advance()?;
        }
        // Until now nothing of it was sure.
        index.finish()?;
    }
    Ok(tracked)
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

/// Whether a directory inside of a repository is ignored, or below one that is.
fn is_ignored(repository: &Repository, directory: &Path) -> bool {
    relative(repository, directory).is_some_and(|path| {
        path.ancestors()
            .filter(|path| !path.as_os_str().is_empty())
            .any(|path| {
                // With a slash, so that patterns for directories count.
                let path = path.join("");
                // An error here only means that nothing is ignored.
                repository.is_path_ignored(&path).unwrap_or(true)
            })
    })
}

/// A directory's path from the top of its repository's worktree.
fn relative(repository: &Repository, directory: &Path) -> Option<PathBuf> {
    // Where it is not known what lies where, nothing is ignored.
    let top = repository.workdir()?.canonicalize().ok()?;
    let directory = directory.canonicalize().ok()?;
    directory.strip_prefix(&top).ok().map(Path::to_owned)
}
