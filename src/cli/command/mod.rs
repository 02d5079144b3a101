//! The commands.

mod allow;
mod ci;
mod delivery;
mod event;
mod explain;
mod files;
mod hook;
mod install;
mod scan;

use git_frisk::git::Opener;
use git_frisk::report::Verdict;

use crate::cli::args::Command;

/// Runs a command.
pub(crate) fn run(command: Command, opener: &Opener) -> anyhow::Result<Verdict> {
    use git_frisk::source::history::Beyond;
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
        Command::History {
            mut ranges,
            not,
            reflog,
            unreachable,
            ci,
            options,
        } => {
            if ranges.is_empty() && !not.is_empty() {
                ranges.push("HEAD".to_owned());
            }
            // Which of them are left out is for the reader of ranges to say.
            ranges.extend(not.iter().map(|revision| format!("^{revision}")));
            let commits = if ci {
                ci::commits(opener)?
            } else if !ranges.is_empty() {
                Commits::Ranges(ranges)
            } else if reflog || unreachable {
                Commits::Beyond(Beyond {
                    reflog,
                    unreachable,
                })
            } else {
                Commits::Everything
            };
            scan::run(&scan::What::History(commits), &options, opener)
        }
        Command::Hook {
            name,
            arguments,
            options,
        } => hook::run(name, &arguments, &options, opener),
        Command::Install(what) => install::run(&what, opener),
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
        } => explain::run(rule.as_deref(), &rules, all_rules, opener),
        Command::Completions { shell } => delivery::completions(shell),
        Command::Man { directory } => delivery::man(directory.as_deref()),
    }
}
