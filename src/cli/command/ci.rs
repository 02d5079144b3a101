//! `git frisk history --ci`: the commits that a run of a CI is about, from what the CI says.

use std::env;
use std::path::Path;

use anyhow::Context as _;
use anyhow::bail;
use git_frisk::git::Opener;
use git_frisk::git::commit::parse_oid;
use git_frisk::git::object::Objects;
use git_frisk::git::pipes;
use git_frisk::source::history::Selection;
use git_frisk::source::project;
use git2::Repository;
use serde_json::Value;

/// Bytes of an event, at most.
const MAX_EVENT: u64 = 64 << 20;

/// The commits that this run is about.
pub(crate) fn commits(opener: &Opener) -> anyhow::Result<Selection> {
    let repository = opener.open()?;
    if variable("GITHUB_ACTIONS").is_some() {
        github(&repository)
    } else if variable("GITLAB_CI").is_some() {
        Ok(gitlab(&repository))
    } else {
        bail!(
            "--ci knows GitHub Actions and GitLab CI, and this is neither; write \
             `git frisk history BASE..HEAD` with the base that your CI names"
        )
    }
}

/// A variable that is set to something.
fn variable(name: &str) -> Option<String> {
    // What is no UTF-8 is no name of ours, and as a revision it is told as unknown.
    let value = env::var_os(name).filter(|value| !value.is_empty());
    value.map(|value| value.to_string_lossy().into_owned())
}

fn github(repository: &Repository) -> anyhow::Result<Selection> {
    let path = variable("GITHUB_EVENT_PATH").context("GITHUB_EVENT_PATH is not set")?;
    let event = project::read_named(Path::new(&path), MAX_EVENT)
        .with_context(|| format!("the event {path} cannot be read"))?;
    let event: Value = match serde_json::from_slice(&event) {
        Ok(event) => event,
        Err(error) => bail!("the event {path} is no JSON: {error}"),
    };
    let name = variable("GITHUB_EVENT_NAME").context("GITHUB_EVENT_NAME is not set")?;
    let text = |pointer: &str| {
        let text = event.pointer(pointer).and_then(Value::as_str);
        text.with_context(|| format!("the event {path} has no {pointer}"))
    };
    match &*name {
        "push" => {
            if event["deleted"].as_bool() == Some(true) {
                return Ok(nothing());
            }
            let branch = text("/ref")?.strip_prefix("refs/heads/");
            let default = text("/repository/default_branch")?;
            Ok(pushed(repository, text("/before")?, branch, Some(default)))
        }
        "merge_group" => Ok(range(&[text("/merge_group/base_sha")?], &["HEAD"])),
        // What is checked out is not the change but what it is to go into.
        "pull_request_target" => Ok(range(
            &[text("/pull_request/base/sha")?],
            &[text("/pull_request/head/sha")?],
        )),
        _ if event.get("pull_request").is_some() => {
            Ok(range(&[text("/pull_request/base/sha")?], &["HEAD"]))
        }
        // By hand, or by the clock.
        _ => Ok(Selection::Everything),
    }
}

fn gitlab(repository: &Repository) -> Selection {
    if let Some(base) = variable("CI_MERGE_REQUEST_DIFF_BASE_SHA") {
        // With merged results and in a merge train, what is checked out has the target in it.
        let target = variable("CI_MERGE_REQUEST_TARGET_BRANCH_SHA");
        let target = target.filter(|target| is_here(repository, target));
        let known: Vec<&str> = [&*base].into_iter().chain(target.as_deref()).collect();
        return range(&known, &["HEAD"]);
    }
    // Without it, it is a new branch: more is scanned.
    let before = variable("CI_COMMIT_BEFORE_SHA").unwrap_or_default();
    pushed(
        repository,
        &before,
        variable("CI_COMMIT_BRANCH").as_deref(),
        variable("CI_DEFAULT_BRANCH").as_deref(),
    )
}

/// The commits of a push. A branch that is new, or whose old commits are not here any more since
/// it was forced, is compared to the default branch; that one is scanned whole.
fn pushed(
    repository: &Repository,
    before: &str,
    branch: Option<&str>,
    default: Option<&str>,
) -> Selection {
    let is_new = before.bytes().all(|digit| digit == b'0');
    // What a shallow clone lacks is told, with the cure.
    if !is_new && (repository.is_shallow() || is_here(repository, before)) {
        return range(&[before], &["HEAD"]);
    }
    let default = default
        .filter(|default| branch != Some(default))
        .map(|default| format!("refs/remotes/origin/{default}"))
        .filter(|default| pipes::refs(repository, default).is_ok())
        .filter(|default| repository.refname_to_id(default).is_ok());
    range(default.as_deref().as_slice(), &["HEAD"])
}

/// Whether an object is in the repository.
fn is_here(repository: &Repository, oid: &str) -> bool {
    // libgit2 makes room for names of the repository's own kind only.
    let oid = parse_oid(oid.as_bytes());
    let oid = oid.filter(|oid| oid.object_format() == repository.object_format());
    // Where this cannot be told, it counts as not here, so more is scanned.
    let is_read = Objects::new(repository).and_then(|odb| odb.check_packs());
    match (oid, is_read, repository.odb()) {
        (Some(oid), Ok(()), Ok(odb)) => odb.exists(oid),
        _ => false,
    }
}

fn range(known: &[&str], tips: &[&str]) -> Selection {
    let known = known.iter().map(|known| format!("^{known}"));
    let tips = tips.iter().map(|tip| (*tip).to_owned());
    Selection::Ranges(known.chain(tips).collect())
}

fn nothing() -> Selection {
    Selection::New {
        tips: Vec::new(),
        known: Vec::new(),
    }
}
