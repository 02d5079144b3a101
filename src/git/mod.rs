//! Reading repositories: opening one, its refs, commits and trees. What cannot be read is an
//! error, never a guess.

pub mod commit;
pub mod index;
pub mod object;
pub mod pack;
pub mod pipes;
pub mod refs;
pub mod tree;

use std::ffi::OsString;
use std::path::Path;
use std::path::PathBuf;

use git2::ErrorCode;
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
    #[error("the repository cannot be opened: {}{}", .0.message(), cure(.0))]
    Open(#[source] git2::Error),
    /// Its index could not be read.
    #[error("the index cannot be read: {}{}", .0.message(), cure(.0))]
    Index(#[source] git2::Error),
    /// Its index could not be read, or is damaged.
    #[error("the index {} cannot be read: {error}", shown(path))]
    IndexFile {
        /// The index.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        error: index::IndexError,
    },
    /// Some paths still have to be merged.
    #[error("{} is not merged yet; resolve it, then `git add` it", shown_bytes(.0))]
    Unmerged(Vec<u8>),
    /// What cannot be in an index that has only files.
    #[error("the index has the directory {} among its files (`git read-tree HEAD` begins anew)", shown_bytes(.0))]
    DirectoryInIndex(Vec<u8>),
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
    /// A file of the repository is something else.
    #[error("{} is no regular file", shown(.0))]
    NotAFile(PathBuf),
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
    #[error("object {oid} {}", reason(error))]
    Object {
        /// Which object.
        oid: Oid,
        /// What libgit2 says.
        #[source]
        error: git2::Error,
    },
    /// A loose object is damaged, or its file cannot be read.
    #[error("object {oid} cannot be read: {error} (`git fsck` tells more)")]
    Loose {
        /// Which object.
        oid: Oid,
        /// What is wrong with it.
        #[source]
        error: std::io::Error,
    },
    /// An object of a pack cannot be read.
    #[error("object {oid} in {}: {damage} (`git fsck` tells more)", shown(pack))]
    Packed {
        /// Which object.
        oid: Oid,
        /// The pack.
        pack: PathBuf,
        /// What is wrong with it.
        #[source]
        damage: pack::Damage,
    },
    /// A pack or its index cannot be used, so that its objects are not even known.
    #[error(
        "{} cannot be read: {error} (an index is made anew by `git index-pack` of its pack; `git fsck` tells more)",
        shown(path)
    )]
    Pack {
        /// The pack or the index.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        error: std::io::Error,
    },
    /// Looking at an object failed in a way that nobody thought of.
    #[error("object {oid}: internal error")]
    Panic {
        /// Which object.
        oid: Oid,
    },
    /// There are more objects than can be numbered.
    #[error("the repository has more than four billion objects")]
    TooManyObjects,
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

/// What to do about a form of a repository that is not read here, as libgit2 names it.
fn cure(error: &git2::Error) -> &'static str {
    let message = error.message();
    let named = |name| message.contains(name);
    if named("extension: 'link'") {
        " (it is split; make it whole: `git update-index --no-split-index`)"
    } else if named("extension: 'sdir'") {
        " (it is sparse; write it out: `git sparse-checkout reapply --no-sparse-index`)"
    } else if named("extensions.refstorage") {
        " (its refs are a reftable; turn them into files: `git refs migrate --ref-format=files`)"
    } else if named("unsupported") {
        " (a newer git made it, and this version cannot know what it means)"
    } else {
        ""
    }
}

fn reason(error: &git2::Error) -> String {
    match error.code() {
        ErrorCode::NotFound => {
            "is missing (a partial clone? `git fetch --refetch` brings all; `git fsck` tells more)"
                .to_owned()
        }
        _ => format!(
            "cannot be read: {} (`git fsck` tells more)",
            error.message()
        ),
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
        match (self, std::env::var_os("GIT_DIR").map(PathBuf::from)) {
            (Self::Environment, Some(directory)) => pipes::check_named(&directory)?,
            (Self::Environment, None) => pipes::check(Path::new("."), true)?,
            (Self::From(directory), _) => pipes::check(directory, true)?,
        }
        let (opened, from) = match self {
            Self::Environment => (Repository::open_from_env(), Path::new(".")),
            Self::From(directory) => (
                Repository::open_ext(directory, RepositoryOpenFlags::empty(), ceilings()),
                directory.as_path(),
            ),
        };
        let repository = opened.map_err(|error| {
            // Only for a message.
            let directory = || std::path::absolute(from).unwrap_or_else(|_| from.to_owned());
            match error.code() {
                ErrorCode::NotFound => GitError::NoRepository(directory()),
                ErrorCode::Owner => GitError::Owner(directory()),
                _ => GitError::Open(error),
            }
        })?;
        // A namespace is for those who serve refs; here it would only hide some.
        repository.remove_namespace().map_err(GitError::Open)?;
        Ok(repository)
    }

    /// The file that holds the index. A relative `GIT_INDEX_FILE` is relative to the top of the
    /// worktree, wherever a hook went; libgit2 takes it from the current directory, and a file that
    /// is not there for an empty index.
    pub fn index_path(&self, repository: &Repository) -> PathBuf {
        let given = match self {
            Self::Environment => std::env::var_os("GIT_INDEX_FILE").filter(|path| !path.is_empty()),
            Self::From(_) => None,
        };
        match given {
            Some(path) => repository.workdir().unwrap_or(Path::new("")).join(path),
            None => repository.path().join("index"),
        }
    }

    /// The file that will most probably be [`Opener::index_path`], without opening a repository.
    pub fn probable_index(&self) -> Option<PathBuf> {
        let variable = |name| match self {
            Self::Environment => std::env::var_os(name).filter(|value| !value.is_empty()),
            Self::From(_) => None,
        };
        if let Some(path) = variable("GIT_INDEX_FILE") {
            return Some(path.into());
        }
        if let Some(directory) = variable("GIT_DIR") {
            return Some(Path::new(&directory).join("index"));
        }
        // Where that fails, it is no guess that counts.
        let here = std::env::current_dir().ok()?;
        let here = match self {
            Self::Environment => here,
            Self::From(directory) => here.join(directory),
        };
        let mut above = here.ancestors().map(|directory| directory.join(".git"));
        above
            .find(|directory| directory.exists())
            .map(|directory| directory.join("index"))
    }

    /// The index.
    pub fn index(&self, repository: &Repository) -> Result<git2::Index, GitError> {
        let path = self.index_path(repository);
        git2::Index::open_ext(&path, repository.object_format()).map_err(GitError::Index)
    }

    /// Whether the repository is used without a worktree.
    pub fn is_bare(&self, repository: &Repository) -> bool {
        let given =
            matches!(self, Self::Environment) && std::env::var_os("GIT_WORK_TREE").is_some();
        repository.is_bare() && !given
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
        // The variable need not be set.
        .unwrap_or_default()
}

/// The commit that is checked out; `None` before the first one.
pub fn head(repository: &Repository) -> Result<Option<Oid>, GitError> {
    if let Some(head) = pipes::head(repository)? {
        return Ok(Some(head));
    }
    match repository.head() {
        Ok(head) => head
            .target()
            .map(Some)
            .ok_or_else(|| GitError::Head("it names no commit".to_owned())),
        Err(error) if error.code() == ErrorCode::UnbornBranch => Ok(None),
        Err(error) => Err(GitError::Head(error.message().to_owned())),
    }
}

/// A path as git writes it.
#[cfg(unix)]
pub(crate) fn path_of(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt as _;
    PathBuf::from(std::ffi::OsStr::from_bytes(bytes))
}

/// A path as git writes it.
#[cfg(not(unix))]
pub(crate) fn path_of(bytes: &[u8]) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(bytes).into_owned())
}
