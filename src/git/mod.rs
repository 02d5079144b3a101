//! Reading repositories: opening one, its refs, commits and trees. What cannot be read is an
//! error, never a guess.

pub mod commit;
pub mod refs;
pub mod tree;

use std::ffi::OsString;
use std::path::Path;
use std::path::PathBuf;

use git2::ErrorCode;
use git2::ObjectType;
use git2::Odb;
use git2::Oid;
use git2::Repository;
use git2::RepositoryOpenFlags;

/// Why something of a repository could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GitError {
    /// There is none.
    #[error("{} is not in a git repository; run it in one, or name one with -C", shown(.0))]
    NoRepository(PathBuf),
    /// It belongs to another user, and git itself would not touch it.
    #[error(
        "the repository belongs to another user; to trust it, run: git config --global --add safe.directory {}",
        shown(.0)
    )]
    Owner(PathBuf),
    /// It has no index to commit from.
    #[error("the repository is bare: it has no index, so nothing can be staged in it")]
    Bare,
    /// It could not be opened.
    #[error("the repository cannot be opened: {}", .0.message())]
    Open(#[source] git2::Error),
    /// Its index could not be read.
    #[error("the index cannot be read: {}", .0.message())]
    Index(#[source] git2::Error),
    /// Some paths still have to be merged.
    #[error("{} is not merged yet; resolve it, then `git add` it", shown_bytes(.0))]
    Unmerged(Vec<u8>),
    /// `HEAD` could not be read.
    #[error("HEAD cannot be read: {0}")]
    Head(String),
    /// A ref is not what a ref must be.
    #[error("ref {}: {reason}", shown_bytes(name))]
    Ref {
        /// The ref's full name.
        name: Vec<u8>,
        /// What is wrong with it.
        reason: String,
    },
    /// A file of the repository could not be read.
    #[error("{} cannot be read: {error}", shown(path))]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        error: std::io::Error,
    },
    /// An object is not there, or damaged.
    #[error("{kind} {oid}: {}", reason(error))]
    Object {
        /// What it should be.
        kind: &'static str,
        /// Which object.
        oid: Oid,
        /// What libgit2 says.
        #[source]
        error: git2::Error,
    },
    /// An object is there but not of the form its kind has.
    #[error("{kind} {oid} is malformed")]
    Malformed {
        /// What it should be.
        kind: &'static str,
        /// Which object.
        oid: Oid,
    },
    /// A tree is nested deeper, or unfolds to more, than any real one.
    #[error("tree {0} is nested too deep or unfolds to too many files")]
    Bomb(Oid),
    /// A revision does not name a commit.
    #[error("revision `{revision}` {reason}")]
    Revision {
        /// As the user wrote it.
        revision: String,
        /// What is wrong, and the cure.
        reason: String,
    },
    /// Commits are missing since the clone is shallow.
    #[error(
        "the clone is shallow: the parents of {commits} commit(s) are not here; run `git fetch --unshallow` (in CI: fetch-depth: 0), then scan again"
    )]
    Shallow {
        /// Commits at the boundary.
        commits: usize,
    },
}

fn shown(path: &Path) -> String {
    crate::text::escape(path.as_os_str().as_encoded_bytes())
}

fn shown_bytes(bytes: &[u8]) -> String {
    crate::text::escape(bytes)
}

fn reason(error: &git2::Error) -> String {
    match error.code() {
        ErrorCode::NotFound => {
            "is missing (a partial clone? fetch it with `git fetch --refetch`; `git fsck` tells more)"
                .to_owned()
        }
        _ => format!("cannot be read: {} (`git fsck` tells more)", error.message()),
    }
}

/// How a repository is found. Each thread opens its own.
#[derive(Debug, Clone)]
pub enum Opener {
    /// As git does: by `GIT_DIR` and its kin, else upwards from the current directory. What hooks
    /// need: `GIT_INDEX_FILE` names the index of the commit in the making.
    Environment,
    /// Upwards from a directory, whatever the environment says.
    From(PathBuf),
}

impl Opener {
    /// Opens the repository.
    pub fn open(&self) -> Result<Repository, GitError> {
        let (opened, from) = match self {
            Self::Environment => (Repository::open_from_env(), Path::new(".")),
            Self::From(directory) => (
                Repository::open_ext(directory, RepositoryOpenFlags::empty(), ceilings()),
                directory.as_path(),
            ),
        };
        opened.map_err(|error| {
            let directory = || std::path::absolute(from).unwrap_or_else(|_| from.to_owned());
            match error.code() {
                ErrorCode::NotFound => GitError::NoRepository(directory()),
                ErrorCode::Owner => GitError::Owner(directory()),
                _ => GitError::Open(error),
            }
        })
    }
}

/// The directories at which the search for a repository stops.
fn ceilings() -> Vec<OsString> {
    std::env::var_os("GIT_CEILING_DIRECTORIES")
        .map(|list| {
            std::env::split_paths(&list)
                .map(PathBuf::into_os_string)
                .collect()
        })
        .unwrap_or_default()
}

/// Reads an object and insists on its kind.
pub fn read<'odb>(
    odb: &'odb Odb<'_>,
    oid: Oid,
    kind: ObjectType,
) -> Result<git2::OdbObject<'odb>, GitError> {
    let word = kind.str();
    let object = odb.read(oid).map_err(|error| GitError::Object {
        kind: word,
        oid,
        error,
    })?;
    if object.kind() == kind {
        Ok(object)
    } else {
        Err(GitError::Malformed { kind: word, oid })
    }
}

/// The object database of an open repository.
pub fn odb(repository: &Repository) -> Result<Odb<'_>, GitError> {
    repository.odb().map_err(GitError::Open)
}

/// The commit that is checked out; `None` before the first one.
pub fn head(repository: &Repository) -> Result<Option<Oid>, GitError> {
    match repository.head() {
        Ok(head) => head
            .target()
            .map(Some)
            .ok_or_else(|| GitError::Head("it names no commit".to_owned())),
        Err(error) if error.code() == ErrorCode::UnbornBranch => Ok(None),
        Err(error) => Err(GitError::Head(error.message().to_owned())),
    }
}
