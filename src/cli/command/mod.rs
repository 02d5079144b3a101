//! The commands.

mod allow;
mod explain;
mod hook;
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
        Command::History { ranges, options } => {
            let commits = if ranges.is_empty() {
                Commits::Everything
            } else {
                Commits::Ranges(ranges)
            };
            scan::run(&scan::What::History(commits), &options, opener)
        }
        Command::Hook { name, options } => scan::run(&hook::what(name), &options, opener),
        Command::Allow {
            keys,
            all,
            strict,
            reason,
        } => {
            let which = if all {
                allow::Which::Standing { strict }
            } else {
                allow::Which::Named(keys)
            };
            allow::run(&which, &reason, opener)
        }
        Command::Explain {
            rule,
            rules,
            all_rules,
        } => explain::run(rule.as_deref(), &rules, all_rules),
    }
}
