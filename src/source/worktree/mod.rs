//! The files below some paths: everything that is tracked, and everything that is not ignored.
//!
//! A walk is shared by threads. What it finds goes to a [`Visitor`] of the thread that found it,
//! file by file, while the directory is open: nothing is listed first.

mod directory;
mod ignored;
mod repository;

use std::collections::HashSet;
use std::fmt;
use std::fs;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use crate::git::path_of;
use crate::policy::exclude::Anchored;
use crate::policy::exclude::Exclude;
use crate::source::worktree::directory::Directory;
use crate::source::worktree::directory::Entries;
use crate::source::worktree::directory::EntryType;
pub(super) use crate::source::worktree::directory::open;
use crate::source::worktree::repository::Fate;
use crate::source::worktree::repository::Scope;

/// Why a pipe, a socket or a device was left out.
pub const NOT_A_FILE: &str = "is a pipe, a socket or a device";

const IGNORE_FILE: &str = ".gitignore";
/// Files of one directory that are done in one go; more are shared.
const BATCH: usize = 128;
/// The same of files that are named, of which each may be large.
const NAMED_BATCH: usize = 16;

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
#[derive(Debug)]
pub struct Item<'a> {
    /// Its path, as it can be opened from the current directory.
    pub path: &'a [u8],
    /// What it is.
    pub kind: ItemKind,
    place: Place<'a>,
}

/// How an item is reached.
#[derive(Debug)]
enum Place<'a> {
    Path(&'a Path),
    /// By its name, which ends with a zero.
    In(&'a Directory, &'a [u8]),
}

impl Item<'_> {
    /// Opens it for reading. No link is followed but one that was named, and no pipe waited for.
    pub fn open(&self) -> io::Result<File> {
        match self.place {
            Place::Path(path) => open(path, self.kind == ItemKind::Named),
            Place::In(directory, name) => directory.file(self.path, name),
        }
    }

    /// Where it leads, if it is a link.
    pub fn target(&self) -> io::Result<Vec<u8>> {
        match self.place {
            Place::Path(path) => Ok(path.read_link()?.into_os_string().into_encoded_bytes()),
            Place::In(directory, name) => directory.target(self.path, name),
        }
    }
}

/// Who is told what a thread finds.
pub trait Visitor {
    /// Takes a file, a link or a directory.
    fn item(&mut self, item: &Item<'_>);
    /// Takes what was left out, and why.
    fn skipped(&mut self, path: &[u8], reason: &str);
    /// Takes what could not be listed, and why.
    fn failed(&mut self, path: &[u8], reason: &str);
    /// Takes a directory in which the walk itself broke down.
    fn broken(&mut self, path: &[u8]);
    /// Whether there is no use in going on.
    fn is_over(&self) -> bool;
}

/// A walk through what is below some roots.
#[derive(Debug)]
pub struct Walk<'a> {
    options: &'a Options,
    /// The roots that are walked.
    roots: Vec<Root>,
    /// The files that are named, in order: they are told as such, and not where they are met.
    named: Vec<PathBuf>,
    /// What was told, where some roots lie in others.
    told: Option<Mutex<HashSet<PathBuf>>>,
    tasks: Mutex<Tasks>,
    ready: Condvar,
    /// Threads that wait for tasks.
    hungry: AtomicUsize,
}

/// A directory that was named.
#[derive(Debug)]
struct Root {
    path: PathBuf,
    /// What the paths below it begin with.
    prefix: Vec<u8>,
}

/// What there is to do, and who does something from which more may come.
#[derive(Debug, Default)]
struct Tasks {
    tasks: Vec<Task>,
    busy: usize,
}

#[derive(Debug)]
enum Task {
    /// A root.
    Root(usize),
    /// A directory below one, with its path.
    Directory {
        root: usize,
        path: Vec<u8>,
        scope: Option<Scope>,
    },
    /// Some of the files that are named.
    Named(Range<usize>),
    /// Some files of a directory.
    Files {
        open: Arc<Open>,
        from: usize,
        to: usize,
    },
}

impl Task {
    fn path<'a>(&'a self, walk: &'a Walk<'_>) -> &'a [u8] {
        match self {
            Self::Root(root) => bytes(&walk.roots[*root].path),
            Self::Named(files) => bytes(&walk.named[files.start]),
            Self::Directory { path, .. } => path,
            Self::Files { open, .. } => &open.prefix,
        }
    }
}

/// A directory that is open.
#[derive(Debug)]
struct Open {
    root: usize,
    directory: Directory,
    /// What the paths of its entries begin with.
    prefix: Vec<u8>,
    scope: Option<Scope>,
    entries: Entries,
}

/// What a thread has of a walk.
#[derive(Default)]
struct Own {
    tasks: Vec<Task>,
    path: Vec<u8>,
    entries: Entries,
}

impl fmt::Debug for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Own({} tasks)", self.tasks.len())
    }
}

impl<'a> Walk<'a> {
    /// Begins a walk. Files that are named themselves are told first, whatever else leaves them out.
    pub fn new(roots: &[PathBuf], options: &'a Options, visitor: &mut impl Visitor) -> Self {
        let mut walked: Vec<Root> = Vec::new();
        let mut named = Vec::new();
        for root in roots {
            match fs::metadata(root) {
                Err(error) => visitor.failed(bytes(root), &cannot_read(&error)),
                Ok(metadata) if metadata.is_dir() => walked.push(Root {
                    path: root.clone(),
                    prefix: prefix(root),
                }),
                Ok(metadata) if metadata.is_file() => named.push(clean(root)),
                Ok(_) => visitor.failed(
                    bytes(root),
                    "is no regular file; to scan what comes out of it, use `scan -`",
                ),
            }
        }
        named.sort_unstable();
        named.dedup();
        let overlap = walked.iter().enumerate().any(|(at, root)| {
            let others = walked.iter().enumerate().filter(|(other, _)| *other != at);
            let here = path_of(&root.prefix);
            others
                .into_iter()
                .any(|(_, other)| path_of(&other.prefix).starts_with(&here))
        });
        let batches = (0..named.len()).step_by(NAMED_BATCH);
        let batches = batches.map(|from| Task::Named(from..named.len().min(from + NAMED_BATCH)));
        // The last is done first.
        let tasks = batches
            .chain((0..walked.len()).map(Task::Root))
            .collect::<Vec<_>>();
        let tasks = tasks.into_iter().rev().collect();
        Self {
            options,
            roots: walked,
            named,
            told: overlap.then(Mutex::default),
            tasks: Mutex::new(Tasks { tasks, busy: 0 }),
            ready: Condvar::new(),
            hungry: AtomicUsize::new(0),
        }
    }

    /// Walks on until nothing is left, or, with `most`, until so many entries were met: then it
    /// says whether there are more. Others may walk at the same time.
    pub fn work(&self, visitor: &mut impl Visitor, most: Option<usize>) -> bool {
        let mut own = Own::default();
        let mut met = 0;
        self.lock().busy += 1;
        while let Some(task) = own.tasks.pop().or_else(|| self.take()) {
            if visitor.is_over() {
                own.tasks.clear();
                continue;
            }
            let mut done =
                |task: &Task| catch_unwind(AssertUnwindSafe(|| self.run(task, &mut own, visitor)));
            if let Ok(more) = done(&task) {
                met += more;
            } else {
                // It panicked, which is told of the directory.
                own.path = Vec::new();
                own.entries = Entries::default();
                visitor.broken(task.path(self));
            }
            if most.is_some_and(|most| met >= most) {
                let mut tasks = self.lock();
                tasks.tasks.append(&mut own.tasks);
                tasks.busy -= 1;
                return !tasks.tasks.is_empty();
            }
            if self.hungry.load(Ordering::Relaxed) > 0 && own.tasks.len() > 1 {
                self.share(&mut own.tasks);
            }
        }
        false
    }

    fn lock(&self) -> MutexGuard<'_, Tasks> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a task, or waits for one; `None` if nobody does anything from which one could come.
    fn take(&self) -> Option<Task> {
        let mut tasks = self.lock();
        tasks.busy -= 1;
        loop {
            if let Some(task) = tasks.tasks.pop() {
                tasks.busy += 1;
                return Some(task);
            }
            if tasks.busy == 0 {
                self.ready.notify_all();
                return None;
            }
            self.hungry.fetch_add(1, Ordering::Relaxed);
            let waited = self.ready.wait(tasks);
            tasks = waited.unwrap_or_else(PoisonError::into_inner);
            self.hungry.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Gives away the older half of a thread's tasks: those nearer to the root, which lead to more.
    fn share(&self, own: &mut Vec<Task>) {
        let half = own.len() / 2;
        self.lock().tasks.extend(own.drain(..half));
        self.ready.notify_all();
    }

    /// Does a task; says how many entries it met.
    fn run(&self, task: &Task, own: &mut Own, visitor: &mut impl Visitor) -> usize {
        match task {
            Task::Root(root) => {
                let Root { path, prefix } = &self.roots[*root];
                self.tell(
                    *root,
                    &Item {
                        path: bytes(path),
                        kind: ItemKind::Directory,
                        place: Place::Path(path),
                    },
                    visitor,
                );
                let scope = if self.options.no_ignore {
                    None
                } else {
                    Scope::new(path, prefix, true)
                };
                self.directory(*root, path, prefix.clone(), scope, own, visitor)
            }
            Task::Directory { root, path, scope } => {
                let prefix = [path, &b"/"[..]].concat();
                let scope = scope.clone();
                self.directory(*root, &path_of(path), prefix, scope, own, visitor)
            }
            Task::Named(files) => {
                for path in &self.named[files.clone()] {
                    visitor.item(&Item {
                        path: bytes(path),
                        kind: ItemKind::Named,
                        place: Place::Path(path),
                    });
                }
                files.len()
            }
            Task::Files { open, from, to } => {
                self.files(open, *from..*to, &mut own.path, visitor);
                to - from
            }
        }
    }

    /// Goes through a directory; says how many entries it has.
    fn directory(
        &self,
        root: usize,
        path: &Path,
        prefix: Vec<u8>,
        scope: Option<Scope>,
        own: &mut Own,
        visitor: &mut impl Visitor,
    ) -> usize {
        let is_root = prefix == self.roots[root].prefix;
        let mut open = match Directory::open(path, is_root) {
            Ok(directory) => Open {
                root,
                directory,
                prefix,
                scope,
                entries: std::mem::take(&mut own.entries),
            },
            Err(error) => {
                visitor.failed(bytes(path), &cannot_read(&error));
                return 1;
            }
        };
        // What was read until then is scanned.
        if let Err(error) = open.directory.read(path, &mut open.entries) {
            visitor.failed(bytes(path), &cannot_read(&error));
        }
        let unknown = std::mem::take(&mut open.entries.unknown);
        for (name, error) in unknown {
            visitor.failed(&[&open.prefix, &name[..]].concat(), &cannot_read(&error));
        }
        open.heed_repository(path, is_root);
        let count = open.entries.len();
        self.directories(&open, own, visitor);
        if count <= BATCH {
            self.files(&open, 0..count, &mut own.path, visitor);
            own.entries = open.entries;
        } else {
            let open = Arc::new(open);
            let batches = (0..count).step_by(BATCH).map(|from| Task::Files {
                open: Arc::clone(&open),
                from,
                to: count.min(from + BATCH),
            });
            own.tasks.extend(batches);
        }
        count + 1
    }

    /// Tells the directories in a directory, and leaves them for later.
    fn directories(&self, open: &Open, own: &mut Own, visitor: &mut impl Visitor) {
        own.path.clear();
        own.path.extend_from_slice(&open.prefix);
        for at in 0..open.entries.len() {
            let (name, kind) = open.entries.get(at);
            if kind != EntryType::Directory {
                continue;
            }
            own.path.truncate(open.prefix.len());
            own.path.extend_from_slice(&name[..name.len() - 1]);
            if name == b".git\0" && is_git_directory(&path_of(&own.path)) {
                continue;
            }
            let scope = match open.scope.as_ref().map(|scope| scope.enter(&own.path)) {
                Some(Fate::Ignore) => continue,
                Some(Fate::Enter(scope)) => Some(scope),
                None => None,
            };
            let item = Item {
                path: &own.path,
                kind: ItemKind::Directory,
                place: Place::In(&open.directory, name),
            };
            if self.tell(open.root, &item, visitor) {
                own.tasks.push(Task::Directory {
                    root: open.root,
                    path: own.path.clone(),
                    scope,
                });
            }
        }
    }

    /// Tells files and links of a directory.
    fn files(
        &self,
        open: &Open,
        entries: Range<usize>,
        path: &mut Vec<u8>,
        visitor: &mut impl Visitor,
    ) {
        path.clear();
        path.extend_from_slice(&open.prefix);
        for at in entries {
            let (name, kind) = open.entries.get(at);
            let kind = match kind {
                EntryType::Directory => continue,
                EntryType::File => Some(ItemKind::File),
                EntryType::Link => Some(ItemKind::Link),
                EntryType::Other => None,
            };
            path.truncate(open.prefix.len());
            path.extend_from_slice(&name[..name.len() - 1]);
            if name == b".git\0" && kind == Some(ItemKind::Link) && is_git_directory(&path_of(path))
            {
                continue;
            }
            if open.scope.as_ref().is_some_and(|scope| !scope.holds(path)) {
                continue;
            }
            let Some(kind) = kind else {
                visitor.skipped(path, NOT_A_FILE);
                continue;
            };
            let item = Item {
                path,
                kind,
                place: Place::In(&open.directory, name),
            };
            self.tell(open.root, &item, visitor);
        }
    }

    /// Tells an item, unless it is left out; says whether it is new.
    fn tell(&self, root: usize, item: &Item<'_>, visitor: &mut impl Visitor) -> bool {
        let is_directory = item.kind == ItemKind::Directory;
        if !self.named.is_empty() && self.named.binary_search(&path_of(item.path)).is_ok() {
            return false;
        }
        if self.is_excluded(root, item.path) {
            if !is_directory {
                visitor.skipped(item.path, "excluded");
            }
            return true;
        }
        if let Some(told) = &self.told {
            let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
            // A directory may be told by one root and gone into by another.
            if !told.insert(path_of(item.path)) {
                return is_directory;
            }
        }
        visitor.item(item);
        true
    }

    fn is_excluded(&self, root: usize, path: &[u8]) -> bool {
        let Options {
            exclude,
            configured,
            ..
        } = self.options;
        if exclude.is_empty() && configured.is_empty() {
            return false;
        }
        let path = path_of(path);
        let top = path_of(&self.roots[root].prefix);
        let relative = path.strip_prefix(&top).unwrap_or(&path);
        exclude.contains(relative) || configured.contains(&path)
    }
}

impl Open {
    /// Takes into account what the entries say of ignored files: an ignore file, or that this is a
    /// repository of its own.
    fn heed_repository(&mut self, path: &Path, is_root: bool) {
        let Some(mut scope) = self.scope.take() else {
            return;
        };
        let (mut is_repository, mut has_rules) = (false, false);
        for at in 0..self.entries.len() {
            match self.entries.get(at).0 {
                b".git\0" => is_repository = true,
                b".gitignore\0" => has_rules = true,
                _ => {}
            }
        }
        if is_repository && !is_root && scope.can_nest() {
            // What both have a say in is not ignored by either.
            if !scope.tracks_nothing() {
                return;
            }
            match Scope::new(path, &self.prefix, false) {
                Some(own) => scope = own,
                None => return,
            }
        }
        if has_rules {
            scope.add_rules(&self.prefix);
        }
        self.scope = Some(scope);
    }
}

/// Why a file was not read, in words.
pub fn cannot_read(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "is not there".to_owned(),
        io::ErrorKind::PermissionDenied => "cannot be read: permission denied".to_owned(),
        _ => format!("cannot be read: {error}"),
    }
}

/// Whether an error only says that there is nothing at the path.
fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

fn bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_encoded_bytes()
}

/// What the paths of what is below a root begin with.
fn prefix(root: &Path) -> Vec<u8> {
    let mut prefix = clean(&root.join("x")).into_os_string().into_encoded_bytes();
    prefix.pop();
    prefix
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

/// Whether a `.git` is really git's, and not a directory that borrows the name.
fn is_git_directory(path: &Path) -> bool {
    path.join("HEAD").symlink_metadata().is_ok()
        && (path.join("objects").is_dir() || path.join("commondir").is_file())
}
