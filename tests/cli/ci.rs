//! `git frisk history --ci`: the commits of a run of GitHub Actions and GitLab CI.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::Value;
use serde_json::json;

use crate::keys;
use crate::sandbox::FRISK;
use crate::sandbox::Output;
use crate::sandbox::Sandbox;
use crate::sandbox::run;

const ZERO: &str = "0000000000000000000000000000000000000000";

/// A file of this repository.
fn file(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The scripts of the action's steps.
fn steps() -> Vec<String> {
    let action = file("action.yml");
    let scripts = action.split("      run: |\n").skip(1);
    let lines = |script: &str| {
        let lines = script
            .lines()
            .map_while(|line| line.strip_prefix("        "));
        lines.collect::<Vec<_>>().join("\n")
    };
    scripts.map(lines).collect()
}

/// The lines of the script of the job for GitLab.
fn job() -> Vec<String> {
    let template = file("templates/git-frisk.gitlab-ci.yml");
    let (_, script) = template.split_once("  script:\n").unwrap();
    let lines = script.lines().map(|line| line.strip_prefix("    - "));
    lines.map(|line| line.unwrap().to_owned()).collect()
}

/// Puts a `cargo` into a directory that installs what was built already.
fn cargo_in(repo: &Sandbox, directory: &str) {
    let script = format!(
        "#!/bin/sh\nset -e\n[ \"$1\" = install ]\nroot={}\n\
         while [ $# -gt 0 ]; do case $1 in --path) [ -f \"$2/Cargo.toml\" ];; --root) root=$2;; esac; shift; done\n\
         mkdir -p \"$root/bin\"\nln -sf '{FRISK}' \"$root/bin/git-frisk\"\n",
        repo.path("../cargo").display()
    );
    let path = format!("{directory}/cargo");
    repo.write(&path, script);
    fs::set_permissions(repo.path(&path), fs::Permissions::from_mode(0o755)).unwrap();
}

/// What is put in front of `PATH` for the `cargo` and what it installs.
fn path_with(repo: &Sandbox) -> String {
    let own = ["../bin", "../cargo/bin"].map(|path| repo.path(path).display().to_string());
    format!("{}:{}", own.join(":"), std::env::var("PATH").unwrap())
}

/// Runs the steps of the action as the runner does, in a directory.
fn action(repo: &Sandbox, directory: &str, name: &str, event: &Value, arguments: &str) -> Output {
    cargo_in(repo, "../bin");
    repo.write("../event.json", event.to_string())
        .write("../temp/x", "");
    for script in steps() {
        let options = ["--noprofile", "--norc", "-eo", "pipefail", "-c", &script];
        let output = run(repo
            .command("bash", directory, &options)
            .env("PATH", path_with(repo))
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_EVENT_NAME", name)
            .env("GITHUB_EVENT_PATH", repo.path("../event.json"))
            .env("RUNNER_TEMP", repo.path("../temp"))
            .env("SOURCE", env!("CARGO_MANIFEST_DIR"))
            .env("ARGUMENTS", arguments));
        if output.status != 0 || script.contains("history") {
            return output;
        }
    }
    panic!("the last step scans");
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
    let short = |name: &str, event: &Value| action(&repo, "", name, event, "--format short");
    let event = pushed("main", &repo.oid("main~1"));
    assert_eq!(files(&short("push", &event)), ["more.py"]);
    let plain = action(&repo, "", "push", &event, "");
    assert_eq!(plain.status, 1, "{plain:?}");
    assert!(plain.stdout.contains("to rotate"), "{plain:?}");
    let excluded = action(
        &repo,
        "",
        "push",
        &event,
        "--exclude more.py --format short",
    );
    assert_eq!(excluded.status, 0);
    action(&repo, "", "push", &event, "--bogus").fails_with("--bogus");

    // The first push of all, and that of a branch.
    let first = short("push", &pushed("main", ZERO));
    assert_eq!(files(&first), ["more.py", "old.py"]);
    repo.git(&["checkout", "-q", "topic"]);
    assert_eq!(files(&short("push", &pushed("topic", ZERO))), ["new.py"]);

    let group = json!({"merge_group": {"base_sha": repo.oid("main"), "head_sha": "x"}});
    assert_eq!(files(&short("merge_group", &group)), ["new.py"]);
    repo.git(&["checkout", "-q", "--detach", "main"])
        .git(&["merge", "-q", "--no-ff", "-m", "Merge", "topic"]);
    let request = json!({"pull_request": {
        "base": {"sha": repo.oid("main")}, "head": {"sha": repo.oid("topic")},
    }});
    assert_eq!(files(&short("pull_request", &request)), ["new.py"]);

    // As actions/checkout leaves it without `fetch-depth: 0`.
    let url = format!("file://{}", repo.path("").display());
    repo.git(&["clone", "-q", "--depth", "1", &url, "../shallow"]);
    for (name, event) in [("pull_request", &request), ("push", &event)] {
        action(&repo, "../shallow", name, event, "").fails_with("fetch-depth: 0");
    }
}

#[test]
fn the_job_for_gitlab_scans_what_its_variables_say() {
    let repo = cloned();
    cargo_in(&repo, "../bin");
    // What the job clones.
    repo.git(&["init", "-q", "-b", "main", "../source"])
        .write("../source/Cargo.toml", "")
        .git_in("../source", &["add", "-A"])
        .git_in("../source", &["commit", "-q", "-m", "All"]);
    let run_job = |directory: &str, variables: &[(&str, &str)]| {
        // As the runner does, each line has to succeed.
        let mut script = job().join("\n");
        script.push_str(" --format short");
        let project = repo.path(directory);
        let output = run(repo
            .command("bash", directory, &["-eo", "pipefail", "-c", &script])
            .envs(variables.iter().copied())
            .env("PATH", path_with(&repo))
            .env("GITLAB_CI", "true")
            .env("CI_DEFAULT_BRANCH", "main")
            .env(
                "CI_PROJECT_DIR",
                project.display().to_string().trim_end_matches('/'),
            )
            .env("GIT_FRISK_REVISION", "HEAD")
            .env("GIT_CONFIG_COUNT", "1")
            .env(
                "GIT_CONFIG_KEY_0",
                format!("url.{}.insteadOf", repo.path("../source").display()),
            )
            .env(
                "GIT_CONFIG_VALUE_0",
                "https://github.com/git-frisk/git-frisk",
            ));
        let copy = format!(
            "{}.git-frisk",
            project.display().to_string().trim_end_matches('/')
        );
        fs::remove_dir_all(copy).unwrap();
        output
    };
    let (base, main) = (repo.oid("main~1"), ("CI_COMMIT_BRANCH", "main"));
    let output = run_job("", &[("CI_COMMIT_BEFORE_SHA", &base), main]);
    assert_eq!(files(&output), ["more.py"]);
    let output = run_job("", &[("CI_COMMIT_BEFORE_SHA", ZERO), main]);
    assert_eq!(files(&output), ["more.py", "old.py"]);

    repo.git(&["checkout", "-q", "topic"]);
    let request = [("CI_MERGE_REQUEST_DIFF_BASE_SHA", &*base)];
    assert_eq!(files(&run_job("", &request)), ["new.py"]);
    let url = format!("file://{}", repo.path("").display());
    repo.git(&["clone", "-q", "--depth", "1", &url, "../shallow"]);
    run_job("../shallow", &request).fails_with("shallow");
}
