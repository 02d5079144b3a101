//! `git frisk hook`: what is scanned under git's own hooks and under pre-commit.

use crate::keys;
use crate::sandbox::FRISK;
use crate::sandbox::Output;
use crate::sandbox::Sandbox;
use crate::sandbox::run;

/// A repository with an old key in its last but one commit, a new one in its last commit, and one
/// that is staged.
fn three_keys() -> Sandbox {
    let repo = Sandbox::new();
    repo.commit_file("old.py", keys::project(1));
    repo.commit_file("committed.py", keys::project(2));
    repo.write("staged.py", keys::project(3))
        .git(&["add", "staged.py"])
        .write("untracked.py", keys::project(4));
    repo
}

/// The files that keys were found in, when the hook runs in an environment.
fn files(repo: &Sandbox, name: &str, variables: &[(&str, &str)]) -> Vec<String> {
    let Output { status, stdout, .. } =
        repo.frisk_with(variables, &["hook", name, "--format", "short"]);
    assert_eq!(status, i32::from(!stdout.is_empty()), "{stdout}");
    stdout
        .lines()
        .filter_map(|line| Some(line.split_once(':')?.0.to_owned()))
        .collect()
}

#[test]
fn as_git_s_hook_it_scans_what_is_staged() {
    let repo = three_keys();

    for name in ["pre-commit", "pre-merge-commit"] {
        assert_eq!(files(&repo, name, &[]), ["staged.py"]);
    }
}

#[test]
fn under_pre_commit_a_commit_is_what_is_staged() {
    let repo = three_keys();
    let variables = [("PRE_COMMIT", "1"), ("GIT_INDEX_FILE", ".git/index")];

    assert_eq!(files(&repo, "pre-commit", &variables), ["staged.py"]);
}

#[test]
fn under_pre_commit_the_index_of_the_commit_counts() {
    let repo = three_keys();
    // As in `git commit --only`: an index of its own.
    let other = repo.path(".git/next-index.lock").display().to_string();
    std::fs::copy(repo.path(".git/index"), &other).unwrap();
    repo.git(&["rm", "-q", "--cached", "staged.py"]);
    let variables = [("PRE_COMMIT", "1"), ("GIT_INDEX_FILE", &*other)];

    assert_eq!(files(&repo, "pre-commit", &variables), ["staged.py"]);
    let variables = [("PRE_COMMIT", "1"), ("GIT_INDEX_FILE", ".git/index")];
    assert_eq!(files(&repo, "pre-commit", &variables), [""; 0]);
}

#[test]
fn under_pre_commit_two_refs_are_a_range() {
    let repo = three_keys();
    let (from, to) = (repo.oid("HEAD~1"), repo.oid("HEAD"));
    let variables = [
        ("PRE_COMMIT", "1"),
        ("PRE_COMMIT_FROM_REF", &*from),
        ("PRE_COMMIT_TO_REF", &*to),
        ("PRE_COMMIT_LOCAL_BRANCH", "refs/heads/main"),
    ];

    assert_eq!(files(&repo, "pre-commit", &variables), ["committed.py"]);
    assert_eq!(
        files(&repo, "pre-commit", &variables[..3]),
        ["committed.py"]
    );
}

#[test]
fn under_pre_commit_a_branch_alone_is_pushed_from_its_root() {
    let repo = three_keys();
    let variables = [
        ("PRE_COMMIT", "1"),
        ("PRE_COMMIT_LOCAL_BRANCH", "refs/heads/main"),
    ];

    assert_eq!(
        files(&repo, "pre-commit", &variables),
        ["committed.py", "old.py"]
    );
}

#[test]
fn under_pre_commit_by_hand_the_whole_index_is_scanned() {
    let repo = three_keys();

    assert_eq!(
        files(&repo, "pre-commit", &[("PRE_COMMIT", "1")]),
        ["committed.py", "old.py", "staged.py"]
    );
}

#[test]
fn under_pre_commit_a_ref_that_is_not_known_is_an_error() {
    let repo = three_keys();
    let variables = [
        ("PRE_COMMIT", "1"),
        ("PRE_COMMIT_FROM_REF", "origin/main"),
        ("PRE_COMMIT_TO_REF", "HEAD"),
    ];

    repo.frisk_with(&variables, &["hook", "pre-commit"])
        .fails_with("origin/main");
}

#[test]
fn pre_commit_s_variables_mean_nothing_to_git_s_own_merge_hook() {
    let repo = three_keys();
    let variables = [
        ("PRE_COMMIT_FROM_REF", "HEAD~1"),
        ("PRE_COMMIT_TO_REF", "HEAD"),
    ];

    assert_eq!(files(&repo, "pre-commit", &variables), ["staged.py"]);
}

/// A repository with the hook for messages.
fn with_message_hook() -> Sandbox {
    let repo = Sandbox::new();
    repo.commit_file("a.py", "x = 1");
    repo.hook("commit-msg", "exec \"$FRISK\" hook commit-msg \"$1\"");
    repo
}

#[test]
fn a_message_with_a_key_is_blocked() {
    let repo = with_message_hook();
    let key = keys::project(5);
    let commit = |message: &str| {
        repo.try_git(&[
            "commit",
            "-q",
            "--allow-empty",
            "--cleanup=strip",
            "-m",
            message,
        ])
    };

    assert_eq!(commit("Fine").status, 0);
    for message in [
        format!("Add {key}"),
        format!("Add it\n\n# {key}"),
        format!("Add it\n\n{key} # frisk:allow it is mine"),
        format!("# ------------------------ >8 ------------------------\n{key}"),
    ] {
        let output = commit(&message);
        assert_eq!(output.status, 1, "{output:?}");
        assert!(output.stderr.contains(&keys::id(&key)), "{output:?}");
        assert!(
            !output.stderr.contains(key.get(20..).unwrap()),
            "the key is shown"
        );
    }
}

#[test]
fn the_diff_below_a_message_is_none_of_it() {
    let repo = with_message_hook();
    let key = keys::project(6);
    repo.hook("pre-commit", "exit 0");
    repo.commit_file("b.py", &key);
    repo.write("b.py", "x = 2").git(&["add", "b.py"]);
    // The key goes; git shows that in the file with the message.
    let edited = run(repo.git_command("", &["commit", "-q", "-v"]).env(
        "GIT_EDITOR",
        "grep -q sk-proj .git/COMMIT_EDITMSG && sed -i '1i Take it out'",
    ));
    assert_eq!(edited.status, 0, "{edited:?}");
    assert_eq!(repo.git_says(&["log", "-1", "--format=%B"]), "Take it out");
}

#[test]
fn a_message_that_is_no_file_is_not_waited_for() {
    let repo = Sandbox::new();
    repo.commit("x");
    let made = run(&mut repo.command("mkfifo", "", &["pipe"]));
    assert_eq!(made.status, 0);

    for path in ["pipe", "/dev/zero", "."] {
        let args = ["30", FRISK, "hook", "commit-msg", path];
        run(&mut repo.command("timeout", "", &args)).fails_with("is no regular file");
    }
}

#[test]
fn a_message_that_cannot_be_read_is_an_error() {
    let repo = Sandbox::new();
    repo.frisk(&["hook", "commit-msg"]).fails_with("\"$1\"");
    repo.frisk(&["hook", "commit-msg", "nowhere"])
        .fails_with("nowhere");
    repo.frisk(&["hook", "commit-msg", "a", "b"])
        .fails_with("no more than 1");
}

#[test]
fn a_message_is_judged_by_the_exceptions_that_are_staged() {
    let repo = Sandbox::new();
    repo.commit_file("a.py", "a\n");
    let key = keys::project(1);
    repo.write("message", format!("x {key}\n"));
    let scan = || repo.frisk(&["hook", "commit-msg", "message"]).status;
    assert_eq!(scan(), 1);
    repo.write(".friskignore", format!("frisk:{} a test\n", keys::id(&key)));
    assert_eq!(scan(), 1);
    repo.git(&["add", ".friskignore"]);
    assert_eq!(scan(), 0);
}
