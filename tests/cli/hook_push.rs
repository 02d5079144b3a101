//! `git frisk hook pre-push` and `pre-receive`, under real pushes to a bare repository.

use std::fs;

use crate::keys;
use crate::sandbox::Output;
use crate::sandbox::Sandbox;
use crate::sandbox::run;

const ZERO: &str = "0000000000000000000000000000000000000000";

/// A repository whose remote has its first commit, with a key in it that is long pushed.
fn pushed() -> Sandbox {
    let repo = Sandbox::new();
    repo.commit_file("old.py", keys::project(1));
    repo.git(&["init", "-q", "--bare", "-b", "main", "../remote"])
        .git(&["remote", "add", "origin", "../remote"])
        .git(&["push", "-q", "origin", "main"]);
    repo
}

/// The same, with the hook before a push.
fn guarded() -> Sandbox {
    let repo = pushed();
    repo.hook("pre-push", "exec \"$FRISK\" hook pre-push \"$@\"");
    repo
}

/// The same, with the hook on the server.
fn guarded_server() -> Sandbox {
    let repo = pushed();
    let hook = format!(
        "#!/bin/sh\nexec '{}' hook pre-receive\n",
        crate::sandbox::FRISK
    );
    let path = repo.path("../remote/hooks/pre-receive");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, hook).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&path, mode).unwrap();
    repo
}

/// Pushes; what is said of keys.
fn push(repo: &Sandbox, arguments: &[&str]) -> Output {
    repo.try_git(&[&["push", "-q"], arguments].concat())
}

#[track_caller]
fn is_blocked(output: &Output, key: &str) {
    // What the hook says goes through; of a server's it is `remote: …` on standard error.
    let said = format!("{}{}", output.stdout, output.stderr);
    assert_eq!(output.status, 1, "{output:?}");
    assert!(said.contains(&keys::id(key)), "{output:?}");
    assert!(!said.contains("not everything"), "{output:?}");
    assert!(!said.contains(key.get(20..).unwrap()), "the key is shown");
}

#[track_caller]
fn is_through(output: &Output) {
    assert_eq!((output.status, &*output.stderr), (0, ""), "{output:?}");
}

/// Both ways to guard a remote.
fn guards() -> [Sandbox; 2] {
    [guarded(), guarded_server()]
}

#[test]
fn only_what_is_new_counts() {
    for repo in guards() {
        is_through(&push(&repo, &["origin", "main"]));
        repo.commit_file("a.py", "x = 1");
        is_through(&push(&repo, &["origin", "main"]));

        // Taken out again, but in the history all the same.
        let key = keys::project(2);
        repo.commit_file("a.py", &key);
        repo.commit_file("a.py", "x = 2");
        is_blocked(&push(&repo, &["origin", "main"]), &key);
        is_blocked(&push(&repo, &["origin", "HEAD~1:refs/heads/other"]), &key);
        is_through(&push(&repo, &["origin", "HEAD~2:refs/heads/main"]));
    }
}

#[test]
fn a_new_branch_is_what_the_remote_lacks() {
    for repo in guards() {
        repo.git(&["checkout", "-q", "-b", "topic"]);
        is_through(&push(&repo, &["origin", "topic"]));
        repo.commit_file("b.py", "x = 1");
        is_through(&push(&repo, &["origin", "topic:refs/heads/second"]));
        let key = keys::project(3);
        repo.commit_file("b.py", &key);
        is_blocked(
            &push(&repo, &["-u", "origin", "HEAD:refs/heads/third"]),
            &key,
        );
    }
}

#[test]
fn a_deleted_branch_brings_nothing() {
    for repo in guards() {
        is_through(&push(&repo, &["origin", "main:refs/heads/gone"]));
        repo.commit_file("c.py", keys::project(4));
        is_through(&push(&repo, &["origin", ":gone"]));
        assert_eq!(repo.try_git(&["ls-remote", "origin", "gone"]).stdout, "");
    }
}

#[test]
fn a_forced_push_is_what_the_remote_lacks() {
    for repo in guards() {
        // Somebody else went on with it.
        repo.git(&["clone", "-q", "../remote", "../other"]);
        fs::write(repo.path("../other/d.py"), "x = 1").unwrap();
        repo.git_in("../other", &["add", "d.py"])
            .git_in("../other", &["commit", "-q", "-m", "Go on"])
            .git_in("../other", &["push", "-q", "origin", "main"]);

        repo.commit_file("e.py", "x = 2");
        is_through(&push(&repo, &["--force", "origin", "main"]));
        let key = keys::project(5);
        repo.commit_file("e.py", &key);
        repo.git(&["commit", "-q", "--amend", "-m", "Again"]);
        is_blocked(&push(&repo, &["--force", "origin", "main"]), &key);
    }
}

#[test]
fn a_tag_is_looked_at_with_its_message() {
    for repo in guards() {
        let key = keys::legacy(6);
        repo.git(&["tag", "light"])
            .git(&["tag", "-a", "-m", "Fine", "fine"])
            .git(&["tag", "-a", "-m", &format!("With {key}"), "bad"])
            .git(&["tag", "-a", "-m", "Of a tag", "outer", "bad"]);
        is_through(&push(&repo, &["origin", "light", "fine"]));
        is_blocked(&push(&repo, &["origin", "bad"]), &key);
        is_blocked(&push(&repo, &["origin", "outer"]), &key);
        is_blocked(&push(&repo, &["--tags", "origin"]), &key);
    }
}

#[test]
fn a_blob_or_a_tree_can_be_pushed_too() {
    for repo in guards() {
        let key = keys::project(7);
        repo.write("f.py", &key).git(&["add", "f.py"]);
        let (blob, tree) = (repo.oid(":f.py"), repo.git_says(&["write-tree"]));
        repo.git(&["tag", "blob", &blob])
            .git(&["tag", "tree", &tree]);
        is_blocked(&push(&repo, &["origin", "blob"]), &key);
        is_blocked(&push(&repo, &["origin", "tree"]), &key);
    }
}

#[test]
fn every_ref_of_a_push_is_looked_at() {
    for repo in guards() {
        repo.commit_file("g.py", "x = 1");
        repo.git(&["branch", "first"])
            .git(&["checkout", "-q", "-b", "second"]);
        let key = keys::project(8);
        repo.commit_file("h.py", &key);
        repo.git(&["branch", "third", "first"]);
        is_blocked(&push(&repo, &["origin", "first", "second", "third"]), &key);
        is_through(&push(&repo, &["origin", "first", "third"]));
    }
}

#[test]
fn the_name_of_a_branch_is_looked_at() {
    for repo in guards() {
        let key = keys::legacy(9);
        let output = push(&repo, &["origin", &format!("main:refs/heads/x-{key}")]);
        // Git itself says the name, so nothing can be said of whether the key is shown.
        let said = format!("{}{}", output.stdout, output.stderr);
        assert_eq!(output.status, 1, "{output:?}");
        assert!(said.contains(&keys::id(&key)), "{output:?}");
    }
}

#[test]
fn an_empty_remote_has_nothing_yet() {
    let repo = guarded();
    repo.git(&["init", "-q", "--bare", "../empty"])
        .git(&["remote", "add", "empty", "../empty"]);
    let key = keys::project(1);
    is_blocked(&push(&repo, &["empty", "main"]), &key);

    // Known by its path too, and one that is no remote in the configuration.
    is_blocked(&push(&repo, &["../empty", "main"]), &key);
    repo.git(&["branch", "again", "main"]);
    is_through(&push(&repo, &["../remote", "again"]));
    repo.git(&["remote", "remove", "origin"])
        .git(&["branch", "more", "main"]);
    is_blocked(&push(&repo, &["../empty", "more"]), &key);
}

#[test]
fn what_another_remote_has_is_new_to_this_one() {
    let repo = guarded();
    // Its refs look like those of the branches `x/…` of `origin`.
    repo.git(&["init", "-q", "--bare", "../second"])
        .git(&["remote", "add", "origin/x", "../second"])
        .git(&["checkout", "-q", "-b", "topic"]);
    let key = keys::project(10);
    repo.commit_file("i.py", &key);
    repo.git(&["push", "-q", "--no-verify", "origin/x", "topic"]);

    is_blocked(&push(&repo, &["origin", "topic"]), &key);
    repo.git(&["remote", "rename", "origin/x", "second"]);
    repo.git(&["fetch", "-q", "second"]);
    is_through(&push(&repo, &["second", "topic:refs/heads/twin"]));
    is_blocked(&push(&repo, &["origin", "topic"]), &key);
}

#[test]
fn a_mirror_s_own_refs_are_not_the_remote_s() {
    let repo = guarded();
    repo.git(&["config", "remote.origin.fetch", "+refs/*:refs/*"]);
    let key = keys::project(11);
    repo.commit_file("j.py", &key);
    is_blocked(&push(&repo, &["origin", "main"]), &key);
}

#[test]
fn a_shallow_clone_can_push() {
    let repo = pushed();
    repo.commit_file("k.py", "x = 1");
    let url = format!("file://{}", repo.path("../remote").display());
    repo.git(&["push", "-q", "origin", "main"]).git(&[
        "clone",
        "-q",
        "--depth",
        "1",
        &url,
        "../shallow",
    ]);
    let hook = format!(
        "#!/bin/sh\nexec '{}' hook pre-push \"$@\"\n",
        crate::sandbox::FRISK
    );
    let path = repo.path("../shallow/.git/hooks/pre-push");
    fs::write(&path, hook).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&path, mode).unwrap();
    let commit = |content: &str| {
        fs::write(repo.path("../shallow/l.py"), content).unwrap();
        repo.git_in("../shallow", &["add", "l.py"])
            .git_in("../shallow", &["commit", "-q", "-m", "More"]);
    };
    let push = |branch: &str| {
        let target = format!("HEAD:refs/heads/{branch}");
        run(&mut repo.git_command("../shallow", &["push", "-q", "origin", &target]))
    };

    commit("x = 1");
    is_through(&push("main"));
    is_through(&push("topic"));
    let key = keys::project(12);
    commit(&key);
    is_blocked(&push("main"), &key);
    is_blocked(&push("more"), &key);
}

#[test]
fn a_revision_with_blanks_can_be_pushed() {
    let repo = guarded();
    let key = keys::project(13);
    repo.commit_file("m.py", &key);
    // As git tells it of `git push origin 'HEAD@{1 second ago}:main'`.
    let line = format!(
        "HEAD@{{1 second ago}} {} refs/heads/main {}\n",
        repo.oid("HEAD"),
        repo.oid("HEAD~1")
    );
    let output = repo.frisk_fed(
        line.as_bytes(),
        &["hook", "pre-push", "origin", "../remote"],
    );
    assert_eq!(output.status, 1, "{output:?}");
    assert!(output.stdout.contains(&keys::id(&key)), "{output:?}");
}

#[test]
fn a_pushed_object_that_is_not_here_is_an_error() {
    let repo = guarded();
    let strange = "1".repeat(40);
    let line = format!("refs/heads/x {strange} refs/heads/x {ZERO}\n");
    repo.frisk_fed(line.as_bytes(), &["hook", "pre-push", "origin", "url"])
        .fails_with(&strange);
    let line = format!("{ZERO} {strange} refs/heads/x\n");
    repo.frisk_fed(line.as_bytes(), &["hook", "pre-receive"])
        .fails_with(&strange);
}

#[test]
fn what_git_would_not_write_is_an_error() {
    let repo = guarded();
    let head = repo.oid("HEAD");
    for line in [
        "refs/heads/main".to_owned(),
        "\n".to_owned(),
        format!("refs/heads/main {head} refs/heads/main"),
        format!("refs/heads/main {head} refs/heads/main 123\n"),
        format!("refs/heads/main {head}  {ZERO}\n"),
        format!("x {head} refs/heads/main {ZERO}\n\nx {head} refs/heads/x {ZERO}\n"),
    ] {
        repo.frisk_fed(line.as_bytes(), &["hook", "pre-push", "origin", "url"])
            .fails_with("standard input");
        repo.frisk_fed(line.as_bytes(), &["hook", "pre-receive"])
            .fails_with("standard input");
    }
    repo.frisk_fed(b"", &["hook", "pre-push"]).fails_with("$@");
    repo.frisk_fed(b"", &["hook", "pre-push", "a", "b", "c"])
        .fails_with("no more than 2");
}

#[test]
fn nothing_to_push_is_clean_but_no_input_is_an_error() {
    let repo = guarded();
    let arguments = ["hook", "pre-push", "origin", "url"];
    repo.frisk_fed(b"", &arguments).is_clean();
    repo.frisk(&arguments).fails_with("use_stdin");
    repo.frisk(&["hook", "pre-receive"])
        .fails_with("standard input");
    repo.frisk_fed(b"", &["hook", "pre-receive"])
        .fails_with("standard input");

    // lefthook keeps for itself what git tells, so that it seems to be nothing.
    let key = keys::project(14);
    repo.commit_file("n.py", &key);
    repo.frisk_fed(b"", &arguments).is_clean();
    repo.write("lefthook.yml", "");
    is_blocked(&repo.frisk_fed(b"", &arguments), &key);
    Sandbox::new().frisk_fed(b"", &arguments).is_clean();
}
