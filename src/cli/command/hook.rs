//! `git frisk hook`: what a hook host wants scanned.

use std::env;
use std::ffi::OsString;
use std::io;
use std::io::Read as _;
use std::path::Path;

use anyhow::Context as _;
use anyhow::bail;
use git_frisk::git::Opener;
use git_frisk::place::Kind;
use git_frisk::report::Verdict;
use git_frisk::scan::text::Text;
use git_frisk::source::history;
use git_frisk::source::project;
use git_frisk::source::project::Version;
use git_frisk::source::push;
use git_frisk::source::staged;

use crate::cli::args::HookName;
use crate::cli::args::Options;
use crate::cli::command::event;
use crate::cli::command::scan;
use crate::cli::command::scan::What;
use crate::cli::install::manager;
use crate::cli::install::manager::Manager;
use crate::cli::output;

/// Bytes of a message, or of what git tells a hook, at most.
const MAX_INPUT: u64 = 256 << 20;

/// Runs a hook.
pub(crate) fn run(
    name: HookName,
    arguments: &[OsString],
    options: &Options,
    opener: &Opener,
) -> anyhow::Result<Verdict> {
    let most = match name {
        HookName::CommitMsg => 1,
        HookName::PrePush => 2,
        HookName::PreCommit
        | HookName::PreMergeCommit
        | HookName::PreReceive
        | HookName::ClaudeCode => 0,
    };
    if arguments.len() > most {
        bail!("the hook takes no more than {most} arguments, as git gives it");
    }
    let what = match name {
        HookName::PreCommit | HookName::PreMergeCommit => commit(name),
        HookName::CommitMsg => {
            let Some(file) = arguments.first() else {
                bail!(
                    "commit-msg needs the file with the message: git frisk hook commit-msg \"$1\""
                );
            };
            // A commit is judged by what is part of it, its message too.
            What::Texts {
                texts: vec![message(Path::new(file))?],
                version: Version::Index,
            }
        }
        HookName::PrePush => {
            let Some(remote) = arguments.first() else {
                bail!("pre-push needs what git gives it: git frisk hook pre-push \"$@\"");
            };
            let input = told()?;
            let repository = opener.open()?;
            // A URL that is no UTF-8 is that of no remote in the configuration.
            let remote = remote.to_string_lossy();
            // lefthook passes nothing on unless it is told to.
            let manager = repository.workdir().and_then(manager::of);
            let kept = manager.is_some_and(|(manager, _)| manager == Manager::Lefthook);
            What::History(push::to_remote(&repository, &remote, &input, kept)?)
        }
        HookName::PreReceive => {
            let input = told()?;
            What::History(push::from_client(&opener.open()?, &input)?)
        }
        HookName::ClaudeCode => {
            let texts = event::texts(&told()?).context("the event on standard input")?;
            let version = Version::Worktree;
            let what = What::Texts { texts, version };
            return Ok(match scan::run(&what, options, opener)? {
                Verdict::Clean => Verdict::Clean,
                // To this host, status 1 would be an error that stops nothing.
                Verdict::Findings | Verdict::Incomplete => Verdict::Incomplete,
            });
        }
    };
    scan::run(&what, options, opener)
}

/// Tells from the hook and the environment what is to be scanned.
///
/// pre-commit (the framework) runs one entry in every stage and says what is going on by
/// variables: `PRE_COMMIT_FROM_REF` and `PRE_COMMIT_TO_REF` name a range that is pushed or was
/// asked for, `PRE_COMMIT_LOCAL_BRANCH` alone a branch that is pushed from its root. In a commit
/// git sets `GIT_INDEX_FILE`. Without any of these it was started by hand, maybe with
/// `--all-files`, which it does not tell: then the whole index is scanned.
fn commit(name: HookName) -> What {
    let framework = env::var_os("PRE_COMMIT").is_some();
    if name != HookName::PreCommit || !framework {
        return What::Staged(staged::Selection::Changed);
    }
    // What is no UTF-8 is told as an unknown revision, and not taken for unset.
    let variable = |name| {
        let value = env::var_os(name).filter(|value| !value.is_empty());
        value.map(|value| value.to_string_lossy().into_owned())
    };
    let commits = |range| What::History(history::Selection::Ranges(vec![range]));
    match (
        variable("PRE_COMMIT_FROM_REF"),
        variable("PRE_COMMIT_TO_REF"),
        variable("PRE_COMMIT_LOCAL_BRANCH"),
    ) {
        (Some(from), Some(to), _) => commits(format!("{from}..{to}")),
        (_, _, Some(branch)) => commits(branch),
        _ if env::var_os("GIT_INDEX_FILE").is_some() => What::Staged(staged::Selection::Changed),
        _ => What::Staged(staged::Selection::Everything),
    }
}

/// What git tells a hook on standard input. A terminal or `/dev/null` is not git: then the host
/// in between kept it for itself, and nothing is known of what is pushed.
fn told() -> anyhow::Result<Vec<u8>> {
    if let Some(trouble) = output::trouble(&io::stdin(), false) {
        bail!("standard input {trouble}");
    }
    if output::is_device(&io::stdin()) {
        bail!(
            "standard input is a device, not what git tells its hooks; let the hook manager pass \
             it on (lefthook: `use_stdin: true`)"
        );
    }
    let mut input = Vec::new();
    io::stdin()
        .lock()
        .take(MAX_INPUT + 1)
        .read_to_end(&mut input)
        .context("standard input was not read to its end")?;
    if input.len() as u64 > MAX_INPUT {
        bail!("standard input is longer than {MAX_INPUT} bytes");
    }
    Ok(input)
}

/// The message of a commit, with its comments: which of its lines will be taken out is not known.
fn message(path: &Path) -> anyhow::Result<Text> {
    let mut content = project::read_named(path, MAX_INPUT)
        .with_context(|| format!("the message {} cannot be read", path.display()))?;
    if let Some(end) = end_of_message(&content) {
        content.truncate(end);
    }
    Ok(Text {
        name: b"commit message".to_vec(),
        kind: Kind::Commit,
        content,
        before: Vec::new(),
        // One in a message would be seen by no review.
        exceptions: false,
    })
}

/// Where the diff begins that `git commit --verbose` shows below the message, and takes out again:
/// a key that the commit takes away would stand there. It is that only if a line of scissors, the
/// rest of the comment and a diff follow each other; a line of scissors alone ends nothing.
fn end_of_message(content: &[u8]) -> Option<usize> {
    const SCISSORS: &[u8] = b" ------------------------ >8 ------------------------";
    let mut at = 0;
    let mut found: Option<(usize, &[u8])> = None;
    for line in content.split_inclusive(|&byte| byte == b'\n') {
        let text = line.trim_ascii_end();
        match found {
            Some((start, _)) if text.starts_with(b"diff --") => return Some(start),
            Some((_, comment)) if text.starts_with(comment) => {}
            _ => {
                found = text
                    .strip_suffix(SCISSORS)
                    .filter(|comment| !comment.is_empty())
                    .map(|comment| (at, comment));
            }
        }
        at += line.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_ends_where_git_shows_the_diff() {
        let scissors = "# ------------------------ >8 ------------------------\n";
        let diff = "diff --git a/x b/x\n-old\n";
        let end = |text: String| end_of_message(text.as_bytes());

        assert_eq!(end(format!("a\n{scissors}# cut\n# cut\n{diff}")), Some(2));
        assert_eq!(
            end(format!("{}{diff}", scissors.replace('#', ";"))),
            Some(0)
        );
        assert_eq!(end(format!("a\n{scissors}b\n{diff}")), None);
        assert_eq!(end(format!("a\n{scissors}# cut\n")), None);
        assert_eq!(end(format!("a\n{diff}")), None);
    }
}
