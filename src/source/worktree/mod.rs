//! The files below some paths: everything that is tracked, and everything that is not ignored.
//!
//! A walk is shared by threads. What it finds goes to a [`Visitor`] of the thread that found it,
//! file by file, while the directory is open: nothing is listed first.

mod contents;
mod directory;
mod ignored;
mod item;
mod repository;
mod tasks;

use std::collections::HashSet;
use std::fmt;
use std::fs;
use std::io;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use crate::git::path_of;
use crate::policy::exclude::Anchored;
use crate::policy::exclude::Exclude;
use crate::source::worktree::directory::Entries;
pub(super) use crate::source::worktree::directory::open;
pub use crate::source::worktree::item::Item;
pub use crate::source::worktree::item::ItemKind;
use crate::source::worktree::item::Place;
use crate::source::worktree::repository::Scope;
use crate::source::worktree::tasks::Task;
use crate::source::worktree::tasks::Tasks;

/// Why a pipe, a socket or a device was left out.
pub const NOT_A_FILE: &str = "is a pipe, a socket or a device";

const IGNORE_FILE: &str = ".gitignore";
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
