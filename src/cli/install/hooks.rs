//! The directory of the hooks.

use std::fs;
use std::io;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;
use anyhow::bail;

use crate::cli::install::HOOKS;
use crate::cli::install::SERVER_HOOKS;
use crate::cli::install::git::Git;
use crate::cli::install::shim;

/// A repository as the installer sees it.
#[derive(Debug)]
pub(crate) struct Site {
    /// The top of the worktree; of a bare repository, the repository.
    pub(crate) top: PathBuf,
    /// Where git looks for hooks.
    pub(crate) hooks: PathBuf,
    /// Whether there is no worktree, so it is one to push to.
    pub(crate) is_bare: bool,
}

/// What a hook's name stands for.
enum State {
    Free,
    Ours(Vec<u8>),
    Other,
}

impl Site {
    /// Asks git.
    pub(crate) fn find(git: &Git) -> anyhow::Result<Self> {
        let is_bare = git.line(&["rev-parse", "--is-bare-repository"])? == "true";
        let what = if is_bare {
            "--absolute-git-dir"
        } else {
            "--show-toplevel"
        };
        let top = git.path(&["rev-parse", what])?;
        // From the top, since there a relative `core.hooksPath` begins.
        let hooks = Git::at(&top).path(&["rev-parse", "--git-path", "hooks"])?;
        Ok(Self {
            hooks: top.join(hooks),
            top,
            is_bare,
        })
    }

    /// The hooks to install here.
    pub(crate) fn names(&self) -> &'static [&'static str] {
        if self.is_bare { &SERVER_HOOKS } else { &HOOKS }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.hooks.join(name)
    }

    fn state(&self, name: &str) -> anyhow::Result<State> {
        let path = self.path(name);
        if !is_there(&path)? {
            return Ok(State::Free);
        }
        // A link is somebody's, wherever it leads, and need not lead anywhere.
        if path.is_symlink() {
            return Ok(State::Other);
        }
        let script = fs::read(&path)
            .with_context(|| format!("the hook {} cannot be read", path.display()))?;
        Ok(if shim::is_shim(&script) {
            State::Ours(script)
        } else {
            State::Other
        })
    }

    /// Writes the hooks; gives the names of those that were there before and run first.
    pub(crate) fn install(&self, program: &Path) -> anyhow::Result<Vec<&'static str>> {
        let made = !is_there(&self.hooks)?;
        if !made && !self.hooks.is_dir() {
            bail!(
                "git looks for hooks in {}, which is no directory: `core.hooksPath` switches them off",
                self.hooks.display()
            );
        }
        // First look at all, then touch any.
        let mut plan = Vec::new();
        for &name in self.names() {
            let state = self.state(name)?;
            let before = self.path(&shim::before(name));
            if matches!(state, State::Other) && is_there(&before)? {
                bail!(
                    "there is a hook {name}, and {} from an earlier time; put one of them away first",
                    before.display()
                );
            }
            plan.push((name, state));
        }
        fs::create_dir_all(&self.hooks)
            .with_context(|| format!("{} cannot be made", self.hooks.display()))?;
        let mut chained = Vec::new();
        for (name, state) in plan {
            let made = match &state {
                State::Ours(script) => shim::made_directory(script),
                _ => made,
            };
            let script = shim::script(name, program, made);
            match state {
                State::Ours(old) if old == script => {}
                State::Ours(_) | State::Free => self.put(name, &script, false)?,
                State::Other => self.put(name, &script, true)?,
            }
            if is_there(&self.path(&shim::before(name)))? {
                chained.push(name);
            }
        }
        Ok(chained)
    }

    /// Puts a script in its place, in one step.
    fn put(&self, name: &str, script: &[u8], move_away: bool) -> anyhow::Result<()> {
        let path = self.path(name);
        let attempt = || -> io::Result<()> {
            let mut file = tempfile::Builder::new()
                .prefix(".git-frisk-")
                .tempfile_in(&self.hooks)?;
            file.write_all(script)?;
            executable(file.path())?;
            let before = self.path(&shim::before(name));
            if move_away {
                fs::rename(&path, &before)?;
            }
            match file.persist(&path) {
                Ok(_) => Ok(()),
                Err(error) if move_away => {
                    fs::rename(&before, &path)?;
                    Err(error.error)
                }
                Err(error) => Err(error.error),
            }
        };
        attempt().with_context(|| format!("the hook {} cannot be written", path.display()))
    }

    /// Takes the hooks away and puts back what was there; gives what was done, a line each.
    pub(crate) fn remove(&self) -> anyhow::Result<Vec<String>> {
        let mut done = Vec::new();
        let mut made = false;
        for name in HOOKS.into_iter().chain(SERVER_HOOKS) {
            let path = self.path(name);
            let before = self.path(&shim::before(name));
            let state = self.state(name)?;
            let failed = || format!("the hook {} cannot be removed", path.display());
            match (state, is_there(&before)?) {
                (State::Ours(_) | State::Free, true) => {
                    fs::rename(&before, &path).with_context(failed)?;
                    done.push(format!("{name}: removed; the hook from before is back"));
                }
                (State::Ours(script), false) => {
                    made |= shim::made_directory(&script);
                    fs::remove_file(&path).with_context(failed)?;
                    done.push(format!("{name}: removed"));
                }
                (State::Other, true) => done.push(format!(
                    "{name}: left alone, since another hook is there now; {} is the one from before",
                    before.display()
                )),
                (State::Free | State::Other, false) => {}
            }
        }
        if made {
            match fs::remove_dir(&self.hooks) {
                Ok(()) => {}
                // Others have put something there.
                Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {}
                Err(error) => {
                    return Err(error)
                        .with_context(|| format!("{} cannot be removed", self.hooks.display()));
                }
            }
        }
        Ok(done)
    }

    /// Whether one of the hooks is installed here.
    pub(crate) fn is_installed(&self) -> anyhow::Result<bool> {
        for name in self.names() {
            if matches!(self.state(name)?, State::Ours(_)) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Whether a path is there, be it a link to nowhere.
fn is_there(path: &Path) -> anyhow::Result<bool> {
    match path.symlink_metadata() {
        Ok(_) => Ok(true),
        Err(error) => match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Ok(false),
            _ => Err(error).with_context(|| format!("{} cannot be read", path.display())),
        },
    }
}

#[cfg(unix)]
fn executable(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn executable(_path: &Path) -> io::Result<()> {
    Ok(())
}
