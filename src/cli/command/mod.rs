//! The commands.

mod explain;
mod files;
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
            mut paths,
            files_from,
            null,
            no_ignore,
            max_filesize,
            options,
        } => {
            if let Some(file) = files_from {
                let end = if null { 0 } else { b'\n' };
                files::add_listed(&mut paths, &file, end)?;
            }
            let what = scan::What::Files {
                paths,
                no_ignore,
                max_filesize,
            };
            scan::run(&what, &options, opener)
        }
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
        Command::Explain {
            rule,
            rules,
            all_rules,
        } => explain::run(rule.as_deref(), &rules, all_rules),
    }
}
