//! The index against `HEAD`: what the next commit will contain, and what of it is new.

use std::collections::HashMap;
use std::collections::HashSet;

use git2::Oid;
use git2::Repository;

use crate::git;
use crate::git::GitError;
use crate::git::Opener;
use crate::git::index::Ahead;
use crate::git::index::Entry;
use crate::git::index::Index;
use crate::git::index::IndexError;
use crate::git::index::Node;
use crate::git::object::Objects;
use crate::git::tree;
use crate::git::tree::EntryKind;
use crate::git::tree::Trees;

/// Set in an index entry that `git add -N` made: the file will not be in the commit.
const INTENT_TO_ADD: u16 = 1 << 13;
/// The bits of an index entry's flags that hold its merge stage.
const STAGE: u16 = 0x3000;
/// Directories in directories; what is deeper is compared as a list.
const MAX_DEPTH: usize = 512;

/// Which entries of the index count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selection {
    /// Those that `HEAD` has not.
    Changed,
    /// All.
    Everything,
}

/// A file of the index.
#[derive(Debug, Clone, PartialEq, Eq)]
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

impl Listing {
    /// Takes a file of the index if it is not what `HEAD` has at its path.
    fn compare(
        &mut self,
        path: &[u8],
        (kind, oid): (EntryKind, Oid),
        old: Option<(EntryKind, Oid)>,
    ) {
        if old != Some((kind, oid)) {
            self.items.push(Item {
                path: path.to_owned(),
                kind,
                oid,
                old: old.filter(|old| old.0 == kind).map(|old| old.1),
                is_new_path: old.is_none(),
            });
        }
    }

    /// Takes what of `HEAD` is deleted: a blob that moved as it was brings nothing in.
    fn excuse_moved(&mut self, deleted: &HashSet<Oid>) {
        for item in &mut self.items {
            if item.is_new_path && deleted.contains(&item.oid) {
                item.old = Some(item.oid);
            }
        }
    }
}

/// Lists the files of the index, of which the checksum may have been begun.
pub fn list(
    opener: &Opener,
    repository: &Repository,
    odb: &Objects<'_>,
    selection: Selection,
    ahead: Option<Ahead>,
) -> Result<Listing, GitError> {
    for form in [Form::Common(ahead), Form::Any, Form::WithoutTree] {
        match read(opener, repository, odb, selection, form) {
            Ok(listing) => return Ok(listing),
            Err(Stop::Git(error)) => return Err(error),
            Err(Stop::Unknown) => {}
        }
    }
    list_plainly(opener, repository, odb, selection)
}

/// What an index is expected to be.
#[derive(Debug)]
enum Form {
    /// Neither; its checksum may have been begun.
    Common(Option<Ahead>),
    /// It is split or sparse.
    Any,
    /// Of any form, and its cache-tree does not fit.
    WithoutTree,
}

/// The same as [`list`] by libgit2, which reads every entry and all of `HEAD`: what that has to
/// agree with, and what there is for an index that is not read here.
pub fn list_plainly(
    opener: &Opener,
    repository: &Repository,
    odb: &Objects<'_>,
    selection: Selection,
) -> Result<Listing, GitError> {
    check(opener, repository)?;
    let index = opener.index(repository)?;
    let mut head = match selection {
        Selection::Changed => head_files(repository, odb)?,
        Selection::Everything => HashMap::new(),
    };
    let mut listing = Listing::default();
    for entry in index.iter() {
        if entry.flags & STAGE != 0 {
            listing.errors.push(GitError::Unmerged(entry.path));
        } else if entry.flags_extended & INTENT_TO_ADD == 0 {
            let old = head.remove(&entry.path);
            let kind = EntryKind::of(entry.mode);
            if kind == EntryKind::Tree {
                return Err(GitError::DirectoryInIndex(entry.path));
            }
            listing.compare(&entry.path, (kind, entry.id), old);
        }
    }
    // What is left of HEAD is deleted.
    listing.excuse_moved(&head.into_values().map(|(_, oid)| oid).collect());
    Ok(listing)
}

/// Refuses what has no index, or no readable one.
fn check(opener: &Opener, repository: &Repository) -> Result<(), GitError> {
    if opener.is_bare(repository) {
        return Err(GitError::Bare);
    }
    let path = opener.index_path(repository);
    if path.metadata().is_ok_and(|metadata| !metadata.is_file()) {
        return Err(GitError::NotAFile(path));
    }
    Ok(())
}

/// The tree of the commit that is checked out.
fn head_tree(repository: &Repository, odb: &Objects<'_>) -> Result<Option<Oid>, GitError> {
    let Some(head) = git::head(repository)? else {
        return Ok(None);
    };
    let raw = odb.read_as(head, git2::ObjectType::Commit)?;
    Ok(Some(git::commit::Commit::parse(head, raw.data())?.tree))
}

/// Every file, link and gitlink of the commit that is checked out.
fn head_files(
    repository: &Repository,
    odb: &Objects<'_>,
) -> Result<HashMap<Vec<u8>, (EntryKind, Oid)>, GitError> {
    let mut files = HashMap::new();
    if let Some(tree) = head_tree(repository, odb)? {
        tree::compare(odb, tree, &[], &mut |file| {
            files.insert(file.path, (file.kind, file.oid));
        })?;
    }
    Ok(files)
}

/// Why the index is not compared here.
enum Stop {
    /// It cannot be read at all.
    Git(GitError),
    /// It, or `HEAD`, is of a form that is better looked at as a plain list.
    Unknown,
}

impl From<GitError> for Stop {
    fn from(error: GitError) -> Self {
        Self::Git(error)
    }
}

fn read(
    opener: &Opener,
    repository: &Repository,
    odb: &Objects<'_>,
    selection: Selection,
    form: Form,
) -> Result<Listing, Stop> {
    check(opener, repository)?;
    let path = opener.index_path(repository);
    let stop = |error| match error {
        IndexError::Unknown(_) => Stop::Unknown,
        error => Stop::Git(GitError::IndexFile {
            path: path.clone(),
            error,
        }),
    };
    // Without a file nothing is staged, and all that HEAD has is deleted.
    let format = repository.object_format();
    let has_tree = !matches!(form, Form::WithoutTree);
    let index = match form {
        Form::Common(ahead) => Index::open_ahead(&path, format, ahead),
        Form::Any | Form::WithoutTree => Index::open_any(&path, repository.path(), format),
    };
    let Some(mut index) = index.map_err(stop)? else {
        return Ok(Listing::default());
    };
    let head = match selection {
        Selection::Changed => head_tree(repository, odb)?,
        Selection::Everything => None,
    };
    let tree = match head {
        Some(_) if has_tree => index.cache_tree().map_err(stop)?,
        _ => None,
    };
    let mut comparison = Comparison {
        index,
        odb,
        directory: Vec::new(),
        deleted: Vec::new(),
        listing: Listing::default(),
    };
    let root = tree.as_ref().map(|tree| tree.root());
    match comparison.directory(root, head, 0) {
        Err(Wrong::Index(error)) => return Err(stop(error)),
        Err(Wrong::Stop(reason)) => return Err(reason),
        Ok(()) => {}
    }
    let Comparison {
        index,
        deleted,
        mut listing,
        ..
    } = comparison;
    index.finish().map_err(stop)?;
    if selection == Selection::Changed && listing.items.iter().any(|item| item.is_new_path) {
        listing.excuse_moved(&blobs(odb, &deleted)?);
    }
    Ok(listing)
}

/// The blobs of files, and of files in directories.
fn blobs(odb: &Objects<'_>, of: &[(EntryKind, Oid)]) -> Result<HashSet<Oid>, GitError> {
    let mut blobs = HashSet::new();
    for (kind, oid) in of {
        if *kind == EntryKind::Tree {
            tree::compare(odb, *oid, &[], &mut |file| {
                blobs.insert(file.oid);
            })?;
        } else {
            blobs.insert(*oid);
        }
    }
    Ok(blobs)
}

/// What ended a comparison.
enum Wrong {
    Index(IndexError),
    Stop(Stop),
}

impl From<IndexError> for Wrong {
    fn from(error: IndexError) -> Self {
        Self::Index(error)
    }
}

impl From<GitError> for Wrong {
    fn from(error: GitError) -> Self {
        Self::Stop(Stop::Git(error))
    }
}

/// A walk along the index, with the tree of `HEAD` beside it.
struct Comparison<'a, 'r> {
    index: Index,
    odb: &'a Objects<'r>,
    /// Where the walk is, with a slash at the end.
    directory: Vec<u8>,
    /// What `HEAD` has and the index has not.
    deleted: Vec<(EntryKind, Oid)>,
    listing: Listing,
}

impl Comparison<'_, '_> {
    /// Compares the entries below a directory. Where the cache-tree knows that they make the very
    /// tree that `HEAD` has, they are passed by.
    fn directory(
        &mut self,
        node: Option<Node<'_>>,
        head: Option<Oid>,
        depth: usize,
    ) -> Result<(), Wrong> {
        if depth > MAX_DEPTH {
            return Err(Wrong::Stop(Stop::Unknown));
        }
        if let Some((count, tree)) = node.and_then(Node::entries)
            && head == Some(tree)
        {
            if depth == 0 {
                // Nothing is compared, but a `HEAD` that cannot be read is told all the same.
                self.odb.entries(tree)?;
            }
            return Ok(self.index.skip(count, &self.directory)?);
        }
        if let Some(tree) = self.sparse()? {
            self.not_written_out(tree, head)?;
            return Ok(self.index.advance()?);
        }
        let mut old = match head {
            Some(head) => Directory::read(self.odb, head)?,
            None => Directory::default(),
        };
        // A directory need not be in the cache-tree.
        let nodes = node.map(Node::children).unwrap_or_default();
        let here = self.directory.len();
        while let Some(entry) = self.index.current()? {
            let Some(rest) = entry.path.strip_prefix(&*self.directory) else {
                break;
            };
            if let Some(end) = memchr::memchr(b'/', rest) {
                let old = old.take(&rest[..end], true);
                let node = nodes.binary_search_by_key(&&rest[..end], |(name, _)| name);
                // The same holds for those in it.
                let node = node.ok().map(|at| nodes[at].1);
                self.directory.extend_from_slice(&rest[..=end]);
                self.directory(node, old.map(|(_, oid)| oid), depth + 1)?;
                self.directory.truncate(here);
                continue;
            }
            self.listing.take(&entry, |_| old.take(rest, false));
            self.index.advance()?;
        }
        self.deleted.extend(old.left());
        Ok(())
    }
}

impl Comparison<'_, '_> {
    /// The tree that stands for all of the directory, if it is not written out.
    fn sparse(&self) -> Result<Option<Oid>, Wrong> {
        let entry = self.index.current()?;
        let stands_for_it = |entry: &Entry<'_>| {
            EntryKind::of(entry.mode) == EntryKind::Tree && entry.path == self.directory
        };
        Ok(entry.filter(stands_for_it).map(|entry| entry.oid))
    }

    /// Compares the tree of a directory with that of `HEAD`.
    fn not_written_out(&mut self, tree: Oid, head: Option<Oid>) -> Result<(), Wrong> {
        let path = |of: &tree::Change| [&self.directory[..], &of.path].concat();
        let mut files = Vec::new();
        tree::compare(self.odb, tree, head.as_slice(), &mut |file| {
            files.push((path(&file), file.kind, file.oid, file.old.first().copied()));
        })?;
        // In the order that an index has.
        files.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        if let Some(head) = head {
            tree::compare(self.odb, head, &[tree], &mut |file| {
                // What the tree has there, if anything.
                let now = file.old.first().copied().flatten();
                if now.is_none_or(|(kind, _)| kind == EntryKind::Tree) {
                    self.deleted.push((file.kind, file.oid));
                }
            })?;
        }
        for (path, kind, oid, old) in files {
            // A directory of `HEAD` is no file at the path.
            let old = old.flatten().filter(|old| old.0 != EntryKind::Tree);
            self.listing.compare(&path, (kind, oid), old);
        }
        Ok(())
    }
}

impl Listing {
    /// Takes an entry of the index, which `old` finds in `HEAD`.
    fn take(&mut self, entry: &Entry<'_>, old: impl FnOnce(&[u8]) -> Option<(EntryKind, Oid)>) {
        if entry.is_unmerged {
            self.errors.push(GitError::Unmerged(entry.path.to_owned()));
        } else if !entry.is_intent_to_add {
            let kind = EntryKind::of(entry.mode);
            self.compare(entry.path, (kind, entry.oid), old(entry.path));
        }
    }
}

/// A directory of `HEAD`: its entries by name, and which were met in the index.
#[derive(Default)]
struct Directory(Vec<(tree::Entry, bool)>);

impl Directory {
    fn read(odb: &Objects<'_>, oid: Oid) -> Result<Self, Wrong> {
        let mut entries = odb.entries(oid)?;
        entries.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        // No tree that git wrote; as a list of paths it can be compared all the same.
        let odd = |name: &[u8]| name.is_empty() || name.contains(&b'/');
        if entries.windows(2).any(|pair| pair[0].name == pair[1].name)
            || entries.iter().any(|entry| odd(&entry.name))
        {
            return Err(Wrong::Stop(Stop::Unknown));
        }
        Ok(Self(
            entries.into_iter().map(|entry| (entry, false)).collect(),
        ))
    }

    /// The entry of this name, if it is a directory or is none, as asked.
    fn take(&mut self, name: &[u8], is_directory: bool) -> Option<(EntryKind, Oid)> {
        let at = self.0.binary_search_by_key(&name, |(entry, _)| &entry.name);
        let (entry, met) = &mut self.0[at.ok()?];
        if (entry.kind == EntryKind::Tree) != is_directory {
            return None;
        }
        *met = true;
        Some((entry.kind, entry.oid))
    }

    /// The entries that were not met.
    fn left(self) -> impl Iterator<Item = (EntryKind, Oid)> {
        let left = self.0.into_iter().filter(|(_, met)| !met);
        left.map(|(entry, _)| (entry.kind, entry.oid))
    }
}
