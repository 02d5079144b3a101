//! `git frisk install`: the hooks, the proof that they work, and the way back.

use std::fmt::Display;

use anyhow::bail;
use git_frisk::git::Opener;
use git_frisk::report::Verdict;
use git_frisk::reporter::page::Page;
use git_frisk::scan::Redactor;

use crate::cli::args::Install;
use crate::cli::install::HOOKS;
use crate::cli::install::check;
use crate::cli::install::git::Git;
use crate::cli::install::global;
use crate::cli::install::hooks::Site;
use crate::cli::install::manager;
use crate::cli::install::program;
use crate::cli::install::shim;
use crate::cli::matcher;
use crate::cli::output;

/// Installs, checks or removes.
pub(crate) fn run(what: &Install, opener: &Opener) -> anyhow::Result<Verdict> {
    let git = Git::here(opener);
    if what.global {
        return everywhere(&git, what.remove);
    }
    let site = Site::find(&git)?;
    let mut told = Page::new(false);
    let mut verdict = Verdict::Clean;
    let mut line = |text: &dyn Display| told.text(text).end();
    if what.check {
        if site.is_bare {
            bail!("--check commits, which a bare repository cannot; push a key to it instead");
        }
        check::check(&site)?;
        line(&"protected: git stopped a commit with a key, and nothing of it was left behind");
    } else if what.remove {
        let done = site.remove()?;
        if done.is_empty() {
            line(&"there is nothing to remove");
        }
        for done in &done {
            line(done);
        }
    } else {
        let native = what.native || site.is_bare || site.is_installed()?;
        let manager = manager::of(&site.top).filter(|_| !native);
        if let Some((manager, known_by)) = manager {
            let name = manager.name();
            line(&format!(
                "this repository uses {name} ({known_by}), so nothing was installed; {}",
                // Each has at least one line.
                manager.lines().lines().next().unwrap_or_default()
            ));
            for text in manager.lines().lines().skip(1) {
                line(&text);
            }
            line(&"");
            line(
                &"prove it with `git frisk install --check`; git's own hooks: `git frisk install --native`",
            );
            verdict = Verdict::Incomplete;
        } else {
            let chained = site.install(&program()?)?;
            let names = site.names().join(", ");
            line(&format!("installed in {}: {names}", site.hooks.display()));
            for name in chained {
                let before = shim::before(name);
                line(&format!(
                    "{name}: the hook that was there runs first (it is {before} now)"
                ));
            }
            if !site.is_bare {
                line(&"prove it with: git frisk install --check");
            }
        }
    }
    tell(told)?;
    Ok(verdict)
}

/// For every repository of the user.
fn everywhere(git: &Git, remove: bool) -> anyhow::Result<Verdict> {
    let mut told = Page::new(false);
    if remove {
        let removed = global::remove(git)?;
        if removed.is_empty() {
            told.text("there is nothing to remove").end();
        } else {
            let names = removed.join(", ");
            told.text(format_args!("removed for every repository: {names}"))
                .end();
        }
    } else {
        global::install(git)?;
        let names = HOOKS.join(", ");
        told.text(format_args!("installed for every repository: {names}"))
            .end();
        told.text("prove it in one of them with: git frisk install --check")
            .end();
    }
    tell(told)?;
    Ok(Verdict::Clean)
}

fn tell(page: Page) -> anyhow::Result<()> {
    let matcher = matcher()?;
    output::to_stdout(page, Redactor::new(&matcher))?;
    Ok(())
}
