//! What is left to do in a walk, and how its threads share it.

use std::ops::Range;
use std::sync::Arc;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use crate::source::worktree::Walk;
use crate::source::worktree::bytes;
use crate::source::worktree::contents::Open;
use crate::source::worktree::repository::Scope;

/// What there is to do, and who does something from which more may come.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    pub(super) tasks: Vec<Task>,
    pub(super) busy: usize,
}

#[derive(Debug)]
pub(super) enum Task {
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
    pub(super) fn path<'a>(&'a self, walk: &'a Walk<'_>) -> &'a [u8] {
        match self {
            Self::Root(root) => bytes(&walk.roots[*root].path),
            Self::Named(files) => bytes(&walk.named[files.start]),
            Self::Directory { path, .. } => path,
            Self::Files { open, .. } => &open.prefix,
        }
    }
}

impl Walk<'_> {
    pub(super) fn lock(&self) -> MutexGuard<'_, Tasks> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a task, or waits for one; `None` if nobody does anything from which one could come.
    pub(super) fn take(&self) -> Option<Task> {
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
    pub(super) fn share(&self, own: &mut Vec<Task>) {
        let half = own.len() / 2;
        self.lock().tasks.extend(own.drain(..half));
        self.ready.notify_all();
    }
}
