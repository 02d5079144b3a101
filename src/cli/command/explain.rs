//! `git frisk explain`: what a rule finds, offline.

use std::path::PathBuf;

use anyhow::bail;
use git_frisk::report::Verdict;
use git_frisk::reporter::page::Page;
use git_frisk::rule::Rule;
use git_frisk::scan::Redactor;

use crate::cli::matcher;
use crate::cli::output;

/// Explains a rule, or lists all.
pub(crate) fn run(id: Option<&str>, files: &[PathBuf], all: bool) -> anyhow::Result<Verdict> {
    let matcher = matcher(files, all)?;
    let rules = matcher.rules();
    let mut page = Page::new(false);
    match id {
        None => {
            let width = rules
                .rules()
                .iter()
                .map(|rule| rule.id.len())
                .max()
                .unwrap_or(0);
            for rule in rules.rules() {
                page.text(format_args!("{:<width$}  {}", rule.id, rule.summary))
                    .end();
            }
        }
        Some(id) => match rules.get(id) {
            Some(rule) => explain(rule, &mut page),
            None => bail!("there is no rule `{id}`; `git frisk explain` lists them"),
        },
    }
    output::to_stdout(page, Redactor::new(&matcher))?;
    Ok(Verdict::Clean)
}

fn explain(rule: &Rule, page: &mut Page) {
    page.text(format_args!("{}: {}", rule.id, rule.summary))
        .end();
    page.end();
    for line in rule.explanation.trim_ascii().lines() {
        page.text(line).end();
    }
    page.end();
    page.text("What to do, in this order:").end();
    match &rule.revoke {
        Some(revoke) => page.text(format_args!("1. Revoke it at {revoke}")),
        None => page.text("1. Revoke it where it was made"),
    };
    page.text(", and make a new one. A key that was pushed is")
        .end();
    page.text("   known, also after the history was rewritten.")
        .end();
    page.text("2. Take it out of the file, and read it from ");
    match &rule.variable {
        Some(variable) => page.text(variable),
        None => page.text("the environment"),
    };
    page.text(" at run time.").end();
    page.text(
        "3. Not committed yet: stage the file again. Committed but not pushed: amend or rebase.",
    )
    .end();
    page.text("   Pushed: step 1 is what counts.").end();
    page.text("4. Look at the usage page for what you did not do yourself.")
        .end();
}
