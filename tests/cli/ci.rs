//! `git frisk history --ci`: the commits of a run of GitHub Actions and GitLab CI.

use std::path::Path;

use serde_json::Value;
use serde_json::json;

use crate::keys;
use crate::sandbox::FRISK;
use crate::sandbox::Output;
use crate::sandbox::Sandbox;
use crate::sandbox::run;

const ZERO: &str = "0000000000000000000000000000000000000000";

/// The script of the last step of the action.
fn scan_step() -> String {
    let action = Path::new(env!("CARGO_MANIFEST_DIR")).join("action.yml");
    let action = std::fs::read_to_string(action).unwrap();
    let (_, script) = action.rsplit_once("      run: |\n").unwrap();
    let lines: Vec<&str> = script.lines().map(str::trim).collect();
    lines.join(
        "
",
    )
}

/// A clone with the branch `main`, that has a key, and the branch `topic`, that brings another
/// one and takes it out again.
fn cloned() -> Sandbox {
    let repo = Sandbox::new();
    repo.commit_file("old.py", keys::project(1));
    repo.git(&["checkout", "-q", "-b", "topic"]);
    repo.commit_file("new.py", keys::project(2));
    repo.commit_file("new.py", "x = 1");
    repo.git(&["checkout", "-q", "main"]);
    repo.commit_file("more.py", keys::project(3));
    repo.git(&["update-ref", "refs/remotes/origin/main", "main"])
        .git(&["update-ref", "refs/remotes/origin/topic", "topic"]);
    repo
}

fn files(output: &Output) -> Vec<&str> {
    assert!([0, 1].contains(&output.status), "{output:?}");
    let lines = output.stdout.lines();
    lines
        .filter_map(|line| Some(line.split_once(':')?.0))
        .collect()
}

fn github(repo: &Sandbox, name: &str, event: &Value) -> Output {
    repo.write("../event.json", event.to_string());
    let path = repo.path("../event.json").display().to_string();
    let variables = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_EVENT_NAME", name),
        ("GITHUB_EVENT_PATH", &*path),
    ];
    repo.frisk_with(&variables, &["history", "--ci", "--format", "short"])
}

fn gitlab(repo: &Sandbox, variables: &[(&str, &str)]) -> Output {
    let variables = [&[("GITLAB_CI", "true")], variables].concat();
    repo.frisk_with(&variables, &["history", "--ci", "--format", "short"])
}

fn pushed(branch: &str, before: &str) -> Value {
    json!({
        "ref": format!("refs/heads/{branch}"), "before": before,
        "repository": {"default_branch": "main"},
    })
}

#[test]
fn on_github_a_pull_request_is_what_it_adds_to_its_base() {
    let repo = cloned();
    let event = json!({"pull_request": {
        "base": {"sha": repo.oid("main")}, "head": {"sha": repo.oid("topic")},
    }});
    // What is checked out is the merge that it would make.
    repo.git(&["checkout", "-q", "--detach", "main"])
        .git(&["merge", "-q", "--no-ff", "-m", "Merge", "topic"]);
    assert_eq!(files(&github(&repo, "pull_request", &event)), ["new.py"]);

    // Here it is the base.
    repo.git(&["checkout", "-q", "main"]);
    let output = github(&repo, "pull_request_target", &event);
    assert_eq!(files(&output), ["new.py"]);
    let strange = json!({"pull_request": {
        "base": {"sha": repo.oid("main")}, "head": {"sha": "1".repeat(40)},
    }});
    github(&repo, "pull_request_target", &strange).fails_with("fetch it");
}

#[test]
fn on_github_a_push_is_what_came_since() {
    let repo = cloned();
    let before = repo.oid("main~1");
    assert_eq!(
        files(&github(&repo, "push", &pushed("main", &before))),
        ["more.py"]
    );

    // New, or forced: against the default branch, which itself is taken whole.
    for before in [ZERO, &"1".repeat(40)] {
        repo.git(&["checkout", "-q", "topic"]);
        assert_eq!(
            files(&github(&repo, "push", &pushed("topic", before))),
            ["new.py"]
        );
        repo.git(&["checkout", "-q", "main"]);
        let all = github(&repo, "push", &pushed("main", before));
        assert_eq!(files(&all), ["more.py", "old.py"]);
    }
    let mut gone = pushed("main", ZERO);
    gone["deleted"] = json!(true);
    github(&repo, "push", &gone).is_clean();
}

#[test]
fn on_github_a_merge_group_has_a_base() {
    let repo = cloned();
    repo.git(&["checkout", "-q", "topic"]);
    let event = json!({"merge_group": {"base_sha": repo.oid("main"), "head_sha": "x"}});
    assert_eq!(files(&github(&repo, "merge_group", &event)), ["new.py"]);
}

#[test]
fn on_github_anything_else_is_everything() {
    let repo = cloned();
    let output = github(&repo, "schedule", &json!({}));
    assert_eq!(files(&output), ["more.py", "new.py", "old.py"]);
}

#[test]
fn on_github_an_event_that_cannot_be_read_is_an_error() {
    let repo = cloned();
    github(&repo, "push", &json!({})).fails_with("/ref");
    github(&repo, "pull_request", &json!({"pull_request": {}})).fails_with("/pull_request/base");
    github(&repo, "push", &json!({"deleted": false})).fails_with("event.json");
    repo.frisk_with(&[("GITHUB_ACTIONS", "true")], &["history", "--ci"])
        .fails_with("GITHUB_EVENT_PATH");
}

#[test]
fn on_gitlab_a_merge_request_is_what_it_adds_to_its_base() {
    let repo = cloned();
    let (base, main) = (repo.oid("main~1"), repo.oid("main"));
    repo.git(&["checkout", "-q", "topic"]);
    let variables = [
        ("CI_MERGE_REQUEST_DIFF_BASE_SHA", &*base),
        ("CI_COMMIT_BEFORE_SHA", ZERO),
    ];
    assert_eq!(files(&gitlab(&repo, &variables)), ["new.py"]);

    // Merged results, and a merge train: what the target got since is none of it.
    repo.git(&["checkout", "-q", "--detach", "main"])
        .git(&["merge", "-q", "--no-ff", "-m", "Merge", "topic"]);
    let target = ("CI_MERGE_REQUEST_TARGET_BRANCH_SHA", &*main);
    let output = gitlab(&repo, &[variables[0], variables[1], target]);
    assert_eq!(files(&output), ["new.py"]);
}

#[test]
fn on_gitlab_a_push_is_what_came_since() {
    let repo = cloned();
    let before = repo.oid("main~1");
    let default = ("CI_DEFAULT_BRANCH", "main");
    let main = ("CI_COMMIT_BRANCH", "main");
    let output = gitlab(&repo, &[("CI_COMMIT_BEFORE_SHA", &before), default, main]);
    assert_eq!(files(&output), ["more.py"]);

    let zero = ("CI_COMMIT_BEFORE_SHA", ZERO);
    assert_eq!(
        files(&gitlab(&repo, &[zero, default, main])),
        ["more.py", "old.py"]
    );
    repo.git(&["checkout", "-q", "topic"]);
    let topic = ("CI_COMMIT_BRANCH", "topic");
    assert_eq!(files(&gitlab(&repo, &[zero, default, topic])), ["new.py"]);
}

#[test]
fn a_shallow_clone_gets_the_cure() {
    let repo = cloned();
    let url = format!("file://{}", repo.path("").display());
    repo.git(&["clone", "-q", "--depth", "1", &url, "shallow"]);
    let base = repo.oid("main~1");
    let output = |variables: &[(&str, &str)]| {
        let arguments = ["-C", "shallow", "history", "--ci"];
        repo.frisk_with(&[&[("GITLAB_CI", "true")], variables].concat(), &arguments)
    };
    output(&[("CI_MERGE_REQUEST_DIFF_BASE_SHA", &base)]).fails_with("fetch-depth: 0");
    output(&[("CI_COMMIT_BEFORE_SHA", &base)]).fails_with("--unshallow");
    output(&[("CI_COMMIT_BEFORE_SHA", ZERO)]).fails_with("--unshallow");
}

#[test]
fn elsewhere_it_is_an_error() {
    let repo = cloned();
    repo.frisk(&["history", "--ci"]).fails_with("BASE..HEAD");
    repo.frisk(&["history", "--ci", "main"]).fails_with("--ci");
}

#[test]
fn the_action_scans_what_the_event_says() {
    let repo = cloned();
    repo.write("../temp/git-frisk/bin/.keep", "")
        .link(FRISK, "../temp/git-frisk/bin/git-frisk")
        .write(
            "../event.json",
            pushed("main", &repo.oid("main~1")).to_string(),
        );
    let step = |arguments: &str| {
        // As the runner runs it.
        let options = [
            "--noprofile",
            "--norc",
            "-eo",
            "pipefail",
            "-c",
            &scan_step(),
        ];
        run(repo
            .command("bash", "", &options)
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_EVENT_NAME", "push")
            .env("GITHUB_EVENT_PATH", repo.path("../event.json"))
            .env("RUNNER_TEMP", repo.path("../temp"))
            .env("ARGUMENTS", arguments))
    };

    assert_eq!(files(&step("--format short")), ["more.py"]);
    let plain = step("");
    assert_eq!(plain.status, 1, "{plain:?}");
    assert_eq!(step("--exclude more.py --format short").status, 0);
    step("--bogus").fails_with("--bogus");
}
