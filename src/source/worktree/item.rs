//! Something to scan, as the walk comes across it, and how it is opened.

use std::fs::File;
use std::io;
use std::path::Path;

use crate::source::worktree::directory::Directory;
use crate::source::worktree::directory::open;

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
    pub(super) place: Place<'a>,
}

/// How an item is reached.
#[derive(Debug)]
pub(super) enum Place<'a> {
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
