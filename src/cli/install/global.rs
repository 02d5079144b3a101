//! Hooks for every repository of a user, in git's own configuration.
//!
//! `core.hooksPath` would do with any git, but switches off the hooks of every repository.

use std::ffi::OsStr;

use anyhow::Context as _;
use anyhow::bail;

use crate::cli::install::HOOKS;
use crate::cli::install::git::Git;
use crate::cli::install::program;
use crate::cli::install::shim;

/// The first git that runs the hooks of its configuration.
const NEEDED: (u32, u32) = (2, 54);

/// Writes the hooks into the user's configuration.
pub(crate) fn install(git: &Git) -> anyhow::Result<()> {
    let said = git.line(&["version"])?;
    let version = version(&said).with_context(|| format!("`{said}` names no version of git"))?;
    if version < NEEDED {
        bail!(
            "hooks for every repository need git {}.{}, and this is {}.{}; run `git frisk install` in each repository",
            NEEDED.0,
            NEEDED.1,
            version.0,
            version.1
        );
    }
    let program = program()?;
    for hook in HOOKS {
        let command = shim::command(hook, &program);
        let command = std::str::from_utf8(&command).context("git-frisk's path is no UTF-8")?;
        // The event last: without a command it would be one that cannot be run.
        set(git, &key(hook, "command"), command)?;
        set(git, &key(hook, "event"), hook)?;
    }
    Ok(())
}

/// Takes them out again; gives the names of those that were there.
pub(crate) fn remove(git: &Git) -> anyhow::Result<Vec<&'static str>> {
    let mut removed = Vec::new();
    for hook in HOOKS {
        let section = format!("hook.git-frisk-{hook}");
        let key = key(hook, "command");
        let ask = ["config", "--global", "--get", &key].map(OsStr::new);
        let output = git.run(&ask)?;
        match output.status.code() {
            Some(0) => {
                git.say(&["config", "--global", "--remove-section", &section])?;
                removed.push(hook);
            }
            // It is not set.
            Some(1) => {}
            _ => bail!(
                "the configuration cannot be read: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            ),
        }
    }
    Ok(removed)
}

fn key(hook: &str, name: &str) -> String {
    format!("hook.git-frisk-{hook}.{name}")
}

fn set(git: &Git, key: &str, value: &str) -> anyhow::Result<()> {
    git.say(&["config", "--global", "--replace-all", key, value])?;
    Ok(())
}

/// The first two numbers of `git version 2.47.3`.
fn version(said: &str) -> Option<(u32, u32)> {
    let numbers = said.split(' ').nth(2)?;
    let mut numbers = numbers.split('.').map(str::parse::<u32>);
    // A version that cannot be read is none that is new enough.
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        assert_eq!(version("git version 2.47.3"), Some((2, 47)));
        assert_eq!(version("git version 2.54.0.rc1"), Some((2, 54)));
        assert_eq!(version("git version 2.39.5 (Apple Git-154)"), Some((2, 39)));
        assert_eq!(version("git"), None);
        assert!((2, 9) < NEEDED && (2, 54) >= NEEDED && (3, 0) > NEEDED);
    }
}
