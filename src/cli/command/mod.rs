//! The commands.

mod ci;
mod delivery;
mod event;
mod explain;
mod hook;
mod install;
mod scan;

use git_frisk::git::Opener;
use git_frisk::report::Verdict;

use crate::cli::args::Command;

/// Runs a command.
pub(crate) fn run(command: Command, opener: &Opener) -> anyhow::Result<Verdict> {
    use git_frisk::source::history::Selection as Commits;
    use git_frisk::source::staged::Selection as Entries;

    match command {
        Command::Scan {
            paths,
            no_ignore,
            max_filesize,
            options,
        } => scan::run(
            &scan::What::Files {
                paths,
                no_ignore,
                max_filesize,
            },
            &options,
            opener,
        ),
        Command::Staged { all, options } => {
            let entries = if all {
                Entries::Everything
            } else {
                Entries::Changed
            };
            scan::run(&scan::What::Staged(entries), &options, opener)
        }
        Command::History {
            ranges,
            ci,
            options,
        } => {
            let commits = match ranges.is_empty() {
                true if ci => ci::commits(opener)?,
                true => Commits::Everything,
                false => Commits::Ranges(ranges),
            };
            scan::run(&scan::What::History(commits), &options, opener)
        }
        Command::Hook {
            name,
            arguments,
            options,
        } => hook::run(name, &arguments, &options, opener),
        Command::Install(what) => install::run(&what, opener),
        Command::Explain {
            rule,
            rules,
            all_rules,
        } => explain::run(rule.as_deref(), &rules, all_rules),
        Command::Completions { shell } => delivery::completions(shell),
        Command::Man { directory } => delivery::man(directory.as_deref()),
    }
}
