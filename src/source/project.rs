//! The files of a repository that say how it is scanned, each in the version that counts.

use std::fmt;
use std::fs::File;
use std::io;
use std::io::Read as _;
use std::path::Path;
use std::path::PathBuf;

use git2::ObjectType;
use git2::Oid;
use git2::Repository;

use crate::git;
use crate::git::GitError;
use crate::git::Opener;
use crate::git::commit::Commit;
use crate::git::index::Index;
use crate::git::index::IndexError;
use crate::git::object::Objects;
use crate::git::tree::EntryKind;
use crate::git::tree::Trees as _;
use crate::source::worktree::open;

/// Which version of a file counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// The file itself: for scans of files.
    Worktree,
    /// What is staged: for a commit, of which it is part. What lies beside it in the worktree, not
    /// staged or not even tracked, lets nothing pass.
    Index,
    /// What is committed: for commits.
    Head,
}

/// Why a file could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// It is a pipe, a directory or the like.
    #[error("is no regular file")]
    NotAFile,
    /// It is a link, of which git stores where it leads, and not what is there.
    #[error("is a symbolic link, which is not followed")]
    Link,
    /// It is larger than such a file may be.
    #[error("is larger than {0} bytes")]
    TooLarge(u64),
    /// The system does not give it.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// The repository does not give it.
    #[error("cannot be read: {0}")]
    Git(#[from] GitError),
}

/// A repository, or a directory outside of one, with what it says of itself.
pub struct Project {
    opener: Opener,
    repository: Option<Repository>,
    version: Version,
    /// Where its worktree is, if it has one.
    top: Option<PathBuf>,
}

impl fmt::Debug for Project {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Project")
            .field("opener", &self.opener)
            .field("version", &self.version)
            .field("top", &self.top)
            .finish_non_exhaustive()
    }
}

impl Project {
    /// Opens the repository. Outside of one it is the current directory, for scans of files.
    pub fn open(opener: &Opener, version: Version) -> Result<Self, GitError> {
        let repository = match opener.open() {
            Ok(repository) => Some(repository),
            Err(GitError::NoRepository(_)) if version == Version::Worktree => None,
            Err(error) => return Err(error),
        };
        let top = match &repository {
            Some(repository) => repository.workdir().map(Path::to_owned),
            // Where one may not even look, as another user's directory, nothing was put for us.
            None => match std::fs::symlink_metadata("./.") {
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => None,
                Ok(_) | Err(_) => Some(PathBuf::from(".")),
            },
        };
        Ok(Self {
            opener: opener.clone(),
            repository,
            version,
            top,
        })
    }

    /// The repository, if there is one.
    pub fn repository(&self) -> Option<&Repository> {
        self.repository.as_ref()
    }

    /// The top of the worktree.
    pub fn top(&self) -> Option<&Path> {
        self.top.as_deref()
    }

    /// Reads a file of at most `most` bytes by its path from the top; `None` if there is none.
    pub fn read(&self, path: &str, most: u64) -> Result<Option<Vec<u8>>, ReadError> {
        match (self.version, &self.repository, &self.top) {
            (Version::Worktree, _, Some(top)) => read_file(&top.join(path), most),
            (Version::Worktree, _, None) | (_, None, _) => Ok(None),
            (Version::Index, Some(repository), _) => {
                let entry = self.staged(repository, path.as_bytes())?;
                blob(repository, entry, most)
            }
            (Version::Head, Some(repository), _) => {
                let entry = committed(repository, path.as_bytes())?;
                blob(repository, entry, most)
            }
        }
    }

    /// What the index has at a path.
    fn staged(
        &self,
        repository: &Repository,
        path: &[u8],
    ) -> Result<Option<(EntryKind, Oid)>, GitError> {
        if self.opener.is_bare(repository) {
            return Ok(None);
        }
        let file = self.opener.index_path(repository);
        if file.metadata().is_ok_and(|metadata| !metadata.is_file()) {
            return Err(GitError::NotAFile(file));
        }
        let format = repository.object_format();
        match Index::look_up(&file, repository.path(), format, path) {
            Ok(found) => Ok(found.map(|(mode, oid)| (EntryKind::of(mode), oid))),
            Err(IndexError::Unknown(_)) => {
                let index = self.opener.index(repository)?;
                let entry = index.iter().find(|entry| {
                    entry.path == path
                        && entry.flags & git::index::STAGE == 0
                        && entry.flags_extended & git::index::INTENT_TO_ADD == 0
                });
                Ok(entry.map(|entry| (EntryKind::of(entry.mode), entry.id)))
            }
            Err(error) => Err(GitError::IndexFile { path: file, error }),
        }
    }
}

/// What the commit that is checked out has at a path.
fn committed(repository: &Repository, path: &[u8]) -> Result<Option<(EntryKind, Oid)>, GitError> {
    let Some(head) = git::head(repository)? else {
        return Ok(None);
    };
    let odb = Objects::new(repository)?;
    let raw = odb.read_as(head, ObjectType::Commit)?;
    let mut found = (EntryKind::Tree, Commit::parse(head, raw.data())?.tree);
    for name in path.split(|byte| *byte == b'/') {
        if found.0 != EntryKind::Tree {
            return Ok(None);
        }
        let entries = odb.entries(found.1)?;
        match entries.into_iter().find(|entry| entry.name == name) {
            Some(entry) => found = (entry.kind, entry.oid),
            None => return Ok(None),
        }
    }
    Ok(Some(found))
}

fn blob(
    repository: &Repository,
    entry: Option<(EntryKind, Oid)>,
    most: u64,
) -> Result<Option<Vec<u8>>, ReadError> {
    let Some((kind, oid)) = entry else {
        return Ok(None);
    };
    match kind {
        EntryKind::File => {}
        EntryKind::Link => return Err(ReadError::Link),
        EntryKind::Tree | EntryKind::Gitlink => return Err(ReadError::NotAFile),
    }
    let odb = Objects::new(repository)?;
    if odb.size(oid)? > most {
        return Err(ReadError::TooLarge(most));
    }
    Ok(Some(odb.read_as(oid, ObjectType::Blob)?.data().to_vec()))
}

/// Reads a regular file of at most `most` bytes; `None` if it is not there. Waits for no pipe and
/// follows no link.
pub fn read_file(path: &Path, most: u64) -> Result<Option<Vec<u8>>, ReadError> {
    let metadata = match std::fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    };
    if metadata.is_symlink() {
        return Err(ReadError::Link);
    }
    if !metadata.is_file() {
        return Err(ReadError::NotAFile);
    }
    read_open(&open(path, false)?, most).map(Some)
}

/// Reads a regular file that was asked for by name, where it may be a link to one.
pub fn read_named(path: &Path, most: u64) -> Result<Vec<u8>, ReadError> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(ReadError::NotAFile);
    }
    read_open(&open(path, true)?, most)
}

fn read_open(mut file: &File, most: u64) -> Result<Vec<u8>, ReadError> {
    // It may have been replaced since it was looked at.
    if !file.metadata()?.is_file() {
        return Err(ReadError::NotAFile);
    }
    let mut content = Vec::new();
    file.by_ref().take(most + 1).read_to_end(&mut content)?;
    if content.len() as u64 > most {
        return Err(ReadError::TooLarge(most));
    }
    Ok(content)
}
