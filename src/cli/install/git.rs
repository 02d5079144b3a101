//! Runs git.

use std::ffi::OsStr;
use std::ffi::OsString;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;

use anyhow::Context as _;
use anyhow::bail;
use git_frisk::git::Opener;

/// What ties git to a repository; `git rev-parse --local-env-vars` lists them.
const LOCAL: [&str; 12] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_QUARANTINE_PATH",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
];

/// Git, in a directory and an environment.
#[derive(Debug, Clone)]
pub(crate) struct Git {
    directory: PathBuf,
    is_free: bool,
    variables: Vec<(OsString, OsString)>,
}

impl Git {
    /// In the repository that the program was started in: the one that the environment names, if
    /// any, unless the user named one.
    pub(crate) fn here(opener: &Opener) -> Self {
        Self {
            directory: PathBuf::from("."),
            is_free: matches!(opener, Opener::From(_)),
            variables: Vec::new(),
        }
    }

    /// In a directory, in the repository there, whatever the environment says.
    pub(crate) fn at(directory: &Path) -> Self {
        Self {
            directory: directory.to_owned(),
            is_free: true,
            variables: Vec::new(),
        }
    }

    /// With a variable.
    pub(crate) fn with(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// Runs it, whether it succeeds or not.
    pub(crate) fn run(&self, arguments: &[&OsStr]) -> anyhow::Result<Output> {
        let mut command = Command::new("git");
        if self.is_free {
            for name in LOCAL {
                command.env_remove(name);
            }
        }
        command
            .args(arguments)
            .current_dir(&self.directory)
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            // To look is not to write.
            .env("GIT_OPTIONAL_LOCKS", "0")
            .stdin(Stdio::null())
            .output()
            .context("git cannot be run; is it installed?")
    }

    /// Runs it; it has to succeed.
    pub(crate) fn say(&self, arguments: &[&str]) -> anyhow::Result<Vec<u8>> {
        let arguments: Vec<&OsStr> = arguments.iter().map(OsStr::new).collect();
        let output = self.run(&arguments)?;
        if !output.status.success() {
            let words: Vec<_> = arguments
                .iter()
                .map(|word| word.to_string_lossy())
                .collect();
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("git {} failed: {}", words.join(" "), said.trim());
        }
        Ok(output.stdout)
    }

    /// The line that it prints, without the line end.
    pub(crate) fn line(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let said = self.say(arguments)?;
        let line = said.strip_suffix(b"\n").unwrap_or(&said);
        let line = std::str::from_utf8(line).context("git says what is no UTF-8")?;
        Ok(line.to_owned())
    }

    /// The path that it prints.
    pub(crate) fn path(&self, arguments: &[&str]) -> anyhow::Result<PathBuf> {
        let said = self.say(arguments)?;
        let path = said.strip_suffix(b"\n").unwrap_or(&said);
        #[cfg(unix)]
        {
            use std::os::unix::ffi::OsStrExt as _;
            Ok(PathBuf::from(OsStr::from_bytes(path)))
        }
        #[cfg(not(unix))]
        {
            let path = std::str::from_utf8(path).context("git says a path that is no UTF-8")?;
            Ok(PathBuf::from(path))
        }
    }
}
