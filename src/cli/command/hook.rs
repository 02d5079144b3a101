//! `git frisk hook`: what a hook host wants scanned.

use std::env;

use git_frisk::source::history;
use git_frisk::source::staged;

use crate::cli::args::HookName;
use crate::cli::command::scan::What;

/// Tells from the hook and the environment what is to be scanned.
///
/// pre-commit (the framework) runs one entry in every stage and says what is going on by
/// variables: `PRE_COMMIT_FROM_REF` and `PRE_COMMIT_TO_REF` name a range that is pushed or was
/// asked for, `PRE_COMMIT_LOCAL_BRANCH` alone a branch that is pushed from its root. In a commit
/// git sets `GIT_INDEX_FILE`. Without any of these it was started by hand, maybe with
/// `--all-files`, which it does not tell: then the whole index is scanned.
pub(crate) fn what(name: HookName) -> What {
    let framework = env::var_os("PRE_COMMIT").is_some();
    match name {
        HookName::PreCommit if framework => {
            let variable = |name| env::var(name).ok().filter(|value| !value.is_empty());
            let commits = |range| What::History(history::Selection::Ranges(vec![range]));
            match (
                variable("PRE_COMMIT_FROM_REF"),
                variable("PRE_COMMIT_TO_REF"),
                variable("PRE_COMMIT_LOCAL_BRANCH"),
            ) {
                (Some(from), Some(to), _) => commits(format!("{from}..{to}")),
                (_, _, Some(branch)) => commits(branch),
                _ if env::var_os("GIT_INDEX_FILE").is_some() => {
                    What::Staged(staged::Selection::Changed)
                }
                _ => What::Staged(staged::Selection::Everything),
            }
        }
        HookName::PreCommit | HookName::PreMergeCommit => What::Staged(staged::Selection::Changed),
    }
}
