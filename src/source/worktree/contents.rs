//! Goes through what lies in one directory: tells its files, and leaves directories for later.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::PoisonError;

use crate::git::path_of;
use crate::source::worktree::NOT_A_FILE;
use crate::source::worktree::Options;
use crate::source::worktree::Own;
use crate::source::worktree::Visitor;
use crate::source::worktree::Walk;
use crate::source::worktree::bytes;
use crate::source::worktree::cannot_read;
use crate::source::worktree::directory::Directory;
use crate::source::worktree::directory::Entries;
use crate::source::worktree::directory::EntryType;
use crate::source::worktree::item::Item;
use crate::source::worktree::item::ItemKind;
use crate::source::worktree::item::Place;
use crate::source::worktree::repository::Fate;
use crate::source::worktree::repository::Scope;
use crate::source::worktree::tasks::Task;

/// Files of one directory that are done in one go; more are shared.
const BATCH: usize = 128;

/// A directory that is open.
#[derive(Debug)]
pub(super) struct Open {
    root: usize,
    directory: Directory,
    /// What the paths of its entries begin with.
    pub(super) prefix: Vec<u8>,
    scope: Option<Scope>,
    entries: Entries,
}

impl Walk<'_> {
    /// Goes through a directory; says how many entries it has.
    pub(super) fn directory(
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
    pub(super) fn files(
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
    pub(super) fn tell(&self, root: usize, item: &Item<'_>, visitor: &mut impl Visitor) -> bool {
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

/// Whether a `.git` is really git's, and not a directory that borrows the name.
fn is_git_directory(path: &Path) -> bool {
    path.join("HEAD").symlink_metadata().is_ok()
        && (path.join("objects").is_dir() || path.join("commondir").is_file())
}
