//! `git frisk explain`: what a rule finds, offline. It knows the rules that a scan here would.

use std::path::PathBuf;

use anyhow::bail;
use git_frisk::git::Opener;
use git_frisk::report::Verdict;
use git_frisk::reporter::page::Page;
use git_frisk::reporter::rotation::usage_page;
use git_frisk::rule::Rule;
use git_frisk::rule::RuleSet;
use git_frisk::scan::Redactor;
use git_frisk::source::project::Version;

use crate::cli::args::Options;
use crate::cli::config::Plan;
use crate::cli::output;
use crate::cli::tell_error;

/// Explains a rule, or lists all. What is wrong with the configuration is said, since a rule may
/// be missing for it.
pub(crate) fn run(
    id: Option<&str>,
    files: &[PathBuf],
    all: bool,
    opener: &Opener,
) -> anyhow::Result<Verdict> {
    let options = Options {
        rules: files.to_vec(),
        all_rules: all,
        ..Options::default()
    };
    let plan = Plan::new(Version::Worktree, &options, opener)?;
    let redactor = Redactor::new(&plan.matcher);
    let mut verdict = Verdict::Clean;
    for trouble in plan.troubles() {
        tell_error(&trouble, redactor);
        verdict = Verdict::Incomplete;
    }
    let rules = plan.matcher.rules();
    let mut page = Page::new(false);
    match id {
        None => list(rules, &mut page),
        Some(id) => {
            // One that is optional may be known from a scan with all.
            let optional = RuleSet::all_built_in();
            match rules.get(id).or_else(|| optional.get(id)) {
                Some(rule) => explain(rule, &mut page),
                None => bail!("there is no rule `{id}`; `git frisk explain` lists them"),
            }
        }
    }
    output::to_stdout(page, redactor)?;
    Ok(verdict)
}

/// Each rule in a line.
fn list(rules: &RuleSet, page: &mut Page) {
    let rules = rules.rules();
    let width = rules.iter().map(|rule| rule.id.len()).max().unwrap_or(0);
    for rule in rules {
        page.text(format_args!("{:<width$}  {}", rule.id, rule.summary))
            .end();
    }
}

/// Lines of text, each at most as wide as a terminal.
fn lines(page: &mut Page, text: &str) {
    for line in text.lines() {
        page.text(line).end();
    }
}

/// What it is, and what to do from now to the end.
fn explain(rule: &Rule, page: &mut Page) {
    page.text(format_args!("{}: {}", rule.id, rule.summary))
        .end();
    page.end();
    lines(page, rule.explanation.trim_ascii());
    page.end();
    rotate(rule, page);
    remove(rule, page);
    keep(rule, page);
}

fn rotate(rule: &Rule, page: &mut Page) {
    page.text("1. Rotate it, before anything else").end();
    page.end();
    match &rule.revoke {
        Some(revoke) => page.text(format_args!("   Revoke it at {revoke}")),
        None => page.text("   Revoke it where it was made"),
    };
    page.text(", and make a new one.").end();
    if let Some(usage) = usage_page(&rule.provider) {
        page.text(format_args!(
            "   Look at {usage} for what you did not do yourself."
        ))
        .end();
    }
    lines(
        page,
        "   \
   A key that was pushed is known, also after the history was rewritten: hosts, forks and clones
   keep old commits, and public pushes are watched for keys. One that was never pushed need not be
   revoked if nobody else can read this machine and its backups.

",
    );
}

fn remove(rule: &Rule, page: &mut Page) {
    let line = filter(rule);
    lines(
        page,
        "\
2. Take it out of git

   Not committed yet: take it out of the file, and stage the file again.

     git add FILE
     git frisk staged

   If the file should not be in git at all, as `.env`:

     echo .env >> .gitignore
     git rm --cached .env

   Committed, and not pushed. In the last commit:

     git add FILE
     git commit --amend --no-edit

   In an older one, COMMIT: write `edit` before its line in the list, take the key out, then go on.

     git rebase -i COMMIT^
     git add FILE
     git commit --amend --no-edit
     git rebase --continue

   Then see that nothing is left, and let go of the old commits of BRANCH, which the reflog keeps:

     git frisk history @{upstream}..HEAD
     git reflog expire --expire=now HEAD BRANCH
     git gc --prune=now

   Pushed: step 1 is what counts. If you want it out of the history too, all who have a clone have
   to take part. In a fresh clone, with git-filter-repo (https://github.com/newren/git-filter-repo):

     git clone --mirror URL cleaned.git
     cd cleaned.git",
    );
    match line {
        Some(line) => {
            page.text(format_args!(
                "     printf '%s\\n' '{line}' > ../replacements.txt"
            ))
            .end();
        }
        None => lines(
            page,
            "     # in ../replacements.txt: the key, then `==>REMOVED`, on one line; delete the file afterwards",
        ),
    }
    lines(
        page,
        "     git filter-repo --replace-text ../replacements.txt --replace-message ../replacements.txt
     git frisk history
     git push --force --mirror URL

   Tell all who have a clone or a fork: they have to clone anew, or their next push brings it all
   back. Ask the host to remove old pull requests and cached commits; forks keep theirs.

   When it is rotated and stays in the history, a line in .friskignore lets the next scan pass:

     frisk:KEY-ID rotated

",
    );
}

/// A line of git-filter-repo's that replaces all keys of a kind, where its pattern says enough.
fn filter(rule: &Rule) -> Option<String> {
    let pattern = &rule.pattern;
    // The part of a match that is the secret cannot be told there, nor is a quote in a word.
    let plain = !pattern.contains("(?P<secret>")
        && !pattern.contains(['\'', '\n'])
        && !pattern.contains("==>");
    (plain && !rule.public_prefix.is_empty()).then(|| format!("regex:{pattern}==>REMOVED"))
}

fn keep(rule: &Rule, page: &mut Page) {
    page.text("3. Keep the new one elsewhere").end();
    page.end();
    match &rule.variable {
        Some(variable) => page.text(format_args!(
            "   In the environment, as {variable}, which the program reads at run time; on your machine"
        )),
        None => page.text(
            "   In the environment, which the program reads at run time; on your machine",
        ),
    }
    .end();
    lines(
        page,
        "   set by the shell, or by a file that git ignores.
   In production, in a key management service: AWS Secrets Manager, Azure Key Vault, Google Secret
   Manager, HashiCorp Vault. In CI, in a secret of the repository or of an environment.
   One key for each member of the team and each service, so that one can be revoked without the
   others and its use shows whose it was. Each with no more rights than it needs, and with a limit.

   None in a browser or an app: whoever has the page or the app has the key. Let a server of yours
   make the calls.",
    );
    page.end();
    lines(
        page,
        "\
If it is no real key: `git frisk allow KEY-ID --reason TEXT`, wherever it is; in a file also
`frisk:allow REASON` in a comment on its line.",
    );
}
