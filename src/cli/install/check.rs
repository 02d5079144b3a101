//! The proof: a real `git commit` of a key, through the hooks that are installed.
//!
//! It is made in a worktree of its own, which the repository does not know of: a directory with a
//! `HEAD` and an index that names the repository as its common directory. So git takes the
//! configuration and the hooks of the repository, while new objects, `HEAD` and the index go to a
//! scratch directory. Refs, index, worktree and objects of the repository are not written.

use std::ffi::OsStr;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::Path;
use std::time::SystemTime;

use anyhow::Context as _;
use anyhow::bail;
use git_frisk::key_id::KeyId;
use git_frisk::rule::template;
use git_frisk::secret::Secret;

use crate::cli::install::git::Git;
use crate::cli::install::hooks::Site;

/// The file with the key.
const PLANTED: &str = "git_frisk_check.py";
/// What hook managers read at the top of the worktree.
const CONFIGURATION: [&str; 20] = [
    ".frisk.toml",
    ".pre-commit-config.yaml",
    "package.json",
    ".husky",
    ".lefthook",
    "lefthook.yml",
    "lefthook.yaml",
    "lefthook.toml",
    "lefthook.json",
    "lefthook.jsonc",
    ".lefthook.yml",
    ".lefthook.yaml",
    ".lefthook.toml",
    ".lefthook.json",
    ".lefthook.jsonc",
    ".config/lefthook.yml",
    ".config/lefthook.yaml",
    ".config/lefthook.toml",
    ".config/lefthook.json",
    ".config/lefthook.jsonc",
];
/// Options of git that keep it from doing more than to commit.
const QUIET: [&str; 10] = [
    "-c",
    "commit.gpgSign=false",
    "-c",
    "gc.auto=0",
    "-c",
    "maintenance.auto=false",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.logAllRefUpdates=false",
];

/// What became of the commit.
enum Outcome {
    /// Git-frisk stopped it. The object that held the key.
    Stopped(String),
    /// Something else did, which said this.
    Elsewhere(String),
}

/// Proves that a commit of a key is blocked, and that nothing is left behind.
pub(crate) fn check(site: &Site) -> anyhow::Result<()> {
    let own = Git::at(&site.top);
    let before = Traces::of(&own)?;
    // Where another hook misses its files, it gets them: all that is committed.
    let mut outcome = attempt(site, &own, false)?;
    if matches!(outcome, Outcome::Elsewhere(_)) {
        outcome = attempt(site, &own, true)?;
    }
    if Traces::of(&own)? != before {
        bail!("the repository changed in the meantime; was it used? run the check again");
    }
    let planted = match outcome {
        Outcome::Stopped(planted) => planted,
        Outcome::Elsewhere(said) => bail!(
            "the commit was stopped, but not by git-frisk, which was not asked; what was said is: {}",
            said.trim().lines().collect::<Vec<_>>().join(" | ")
        ),
    };
    let ask = ["cat-file", "-e", &planted].map(OsStr::new);
    if own.run(&ask)?.status.success() {
        bail!("the planted key came into the repository as object {planted}; please report it");
    }
    Ok(())
}

/// Commits a key in a scratch directory, which is gone when this ends.
fn attempt(site: &Site, own: &Git, whole: bool) -> anyhow::Result<Outcome> {
    let scratch = tempfile::Builder::new()
        .prefix("git-frisk-check-")
        .tempdir()
        .context("a scratch directory cannot be made")?;
    let outcome = commit(site, own, scratch.path(), whole);
    let path = scratch.path().to_owned();
    scratch
        .close()
        .with_context(|| format!("{} cannot be removed", path.display()))?;
    outcome
}

/// Commits a key, to a worktree that has the `whole` of what is committed or only what hook
/// managers read.
fn commit(site: &Site, own: &Git, scratch: &Path, whole: bool) -> anyhow::Result<Outcome> {
    let key = template::fill("sk-proj-{base64url:74}T3BlbkFJ{base64url:74}", seed());
    let key_id = KeyId::of(&Secret::new(key.as_bytes(), 0)).to_string();
    let worktree = scratch.join("worktree");
    fs::create_dir(&worktree).context("scratch directory")?;
    let git = worktree_of_its_own(site, own, scratch, &worktree)?;
    let say = |arguments: &[&str]| git.line(&[&QUIET[..], arguments].concat());

    if whole {
        let head = own.run(&["rev-parse", "--verify", "-q", "HEAD^{commit}"].map(OsStr::new))?;
        // Before the first commit there is none.
        if head.status.success() {
            let head = std::str::from_utf8(&head.stdout).context("git says what is no UTF-8")?;
            say(&["read-tree", head.trim()])?;
            say(&["checkout-index", "--all", "--quiet"])?;
        }
    }
    let files = configuration(site, &worktree)?;
    if !files.is_empty() {
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        say(&[&["update-index", "--add", "--"], &files[..]].concat())?;
    }
    let tree = say(&["write-tree"])?;
    let first = say(&["commit-tree", "-m", "Before the check", &tree])?;
    fs::write(scratch.join("git/HEAD"), format!("{first}\n")).context("scratch directory")?;
    fs::write(worktree.join(PLANTED), format!("api_key = \"{key}\"\n"))
        .context("scratch directory")?;
    say(&["update-index", "--add", "--", PLANTED])?;
    let planted = say(&["rev-parse", &format!(":{PLANTED}")])?;

    let arguments = [&QUIET[..], &["commit", "-q", "-m", "Check the hooks"]].concat();
    let arguments: Vec<&OsStr> = arguments.into_iter().map(OsStr::new).collect();
    let output = git.run(&arguments)?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    if output.status.success() || say(&["rev-parse", "HEAD"])? != first {
        bail!(
            "NOT protected: git let a commit with a key through ({} is where it looks for hooks)",
            site.hooks.display()
        );
    }
    Ok(if said.contains(&key_id) {
        Outcome::Stopped(planted)
    } else {
        Outcome::Elsewhere(said.into_owned())
    })
}

/// Git in a worktree in the scratch directory.
fn worktree_of_its_own(
    site: &Site,
    own: &Git,
    scratch: &Path,
    worktree: &Path,
) -> anyhow::Result<Git> {
    let common = site.top.join(own.path(&["rev-parse", "--git-common-dir"])?);
    let common = fs::canonicalize(&common)
        .with_context(|| format!("{} cannot be found", common.display()))?;
    let git_dir = own.path(&["rev-parse", "--absolute-git-dir"])?;
    let (new, objects) = (scratch.join("git"), scratch.join("objects"));
    let prepare = || -> io::Result<()> {
        fs::create_dir(&new)?;
        fs::create_dir(&objects)?;
        let mut line = common.clone().into_os_string();
        line.push("\n");
        fs::write(new.join("commondir"), line.as_encoded_bytes())?;
        // One that is not there yet, and would be this worktree's own.
        fs::write(new.join("HEAD"), "ref: refs/worktree/git-frisk-check\n")?;
        match fs::copy(git_dir.join("config.worktree"), new.join("config.worktree")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    };
    prepare().context("scratch directory")?;
    let mut git = Git::at(worktree)
        .with("GIT_DIR", new)
        .with("GIT_WORK_TREE", worktree)
        .with("GIT_OBJECT_DIRECTORY", objects)
        .with(
            "GIT_ALTERNATE_OBJECT_DIRECTORIES",
            listed(&common.join("objects")),
        );
    // What lies elsewhere is not fetched for this.
    git = git.with("GIT_LFS_SKIP_SMUDGE", "1");
    for who in ["AUTHOR", "COMMITTER"] {
        git = git
            .with(&format!("GIT_{who}_NAME"), "git-frisk")
            .with(&format!("GIT_{who}_EMAIL"), "git-frisk@localhost");
    }
    Ok(git)
}

/// A path as an item of a list of paths: quoted where it would be taken for two.
fn listed(path: &Path) -> OsString {
    match path.to_str() {
        Some(text) if text.contains(':') || text.starts_with('"') => {
            format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")).into()
        }
        _ => path.into(),
    }
}

/// Copies what hook managers need; gives the files that are to be in the first commit.
fn configuration(site: &Site, worktree: &Path) -> anyhow::Result<Vec<String>> {
    let mut files = Vec::new();
    for name in CONFIGURATION {
        copy(&site.top.join(name), &worktree.join(name))
            .with_context(|| format!("copying {name}"))?;
        if worktree.join(name).is_file() {
            files.push(name.to_owned());
        }
    }
    // Hooks that lie in the worktree are looked for in this one.
    if let Ok(inside) = site.hooks.strip_prefix(&site.top)
        && !inside.starts_with(".git")
    {
        copy(&site.hooks, &worktree.join(inside)).context("copying the hooks")?;
    }
    #[cfg(unix)]
    {
        let modules = site.top.join("node_modules");
        if modules.is_dir() && !worktree.join("node_modules").exists() {
            std::os::unix::fs::symlink(&modules, worktree.join("node_modules"))
                .context("scratch directory")?;
        }
    }
    Ok(files)
}

/// Copies a file, or a directory with all that is in it; what is not there is not copied.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let mut open = vec![(from.to_owned(), to.to_owned())];
    while let Some((from, to)) = open.pop() {
        if !from.exists() {
            continue;
        }
        if let Some(above) = to.parent() {
            fs::create_dir_all(above)?;
        }
        if from.is_dir() {
            fs::create_dir_all(&to)?;
            for entry in fs::read_dir(&from)? {
                let entry = entry?;
                open.push((entry.path(), to.join(entry.file_name())));
            }
        } else {
            fs::copy(&from, &to)?;
        }
    }
    Ok(())
}

/// A number that no other run has.
fn seed() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    // A clock from before 1970 gives a key as good as any.
    let nanoseconds = now.map_or(0, |time| {
        time.as_secs() ^ u64::from(time.subsec_nanos()) << 32
    });
    nanoseconds ^ u64::from(std::process::id()).rotate_left(20)
}

/// What a commit would change in a repository.
#[derive(PartialEq, Eq)]
struct Traces {
    refs: Vec<u8>,
    index: Option<Vec<u8>>,
    status: Vec<u8>,
    worktrees: Vec<u8>,
}

impl Traces {
    fn of(git: &Git) -> anyhow::Result<Self> {
        let index = git
            .path(&["rev-parse", "--absolute-git-dir"])?
            .join("index");
        Ok(Self {
            refs: git.say(&["for-each-ref"])?,
            index: match fs::read(&index) {
                Ok(index) => Some(index),
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                Err(error) => {
                    return Err(error)
                        .with_context(|| format!("{} cannot be read", index.display()));
                }
            },
            status: git.say(&["status", "--porcelain", "--untracked-files=no"])?,
            worktrees: git.say(&["worktree", "list", "--porcelain"])?,
        })
    }
}
