//! `git frisk install`: hooks that real commits and pushes run through, and the way back.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use crate::keys;
use crate::sandbox::FRISK;
use crate::sandbox::Output;
use crate::sandbox::Sandbox;
use crate::sandbox::exists;
use crate::sandbox::run;

const NAMES: [&str; 4] = ["pre-commit", "pre-merge-commit", "commit-msg", "pre-push"];

/// A repository with a commit.
fn repository() -> Sandbox {
    let repo = Sandbox::new();
    repo.commit_file("a.py", "x = 1");
    repo
}

#[track_caller]
fn installed(repo: &Sandbox, arguments: &[&str]) -> Output {
    let output = repo.frisk(&[&["install"], arguments].concat());
    assert_eq!((output.status, &*output.stderr), (0, ""), "{output:?}");
    output
}

/// Every file below a directory with its mode and content, and every link.
fn everything(directory: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let metadata = path.symlink_metadata().unwrap();
            if metadata.is_dir() {
                open.push(path.clone());
            }
            let content = if metadata.is_file() {
                fs::read(&path).unwrap()
            } else if metadata.is_symlink() {
                fs::read_link(&path)
                    .unwrap()
                    .into_os_string()
                    .into_encoded_bytes()
            } else {
                Vec::new()
            };
            let mode = metadata.permissions().mode();
            found.push(format!("{} {mode:o} {content:?}", path.display()));
        }
    }
    found.sort();
    found
}

#[track_caller]
fn is_blocked(output: &Output, key: &str) {
    assert_ne!(output.status, 0, "{output:?}");
    let said = format!("{}{}", output.stdout, output.stderr);
    assert!(said.contains(&keys::id(key)), "{output:?}");
}

#[track_caller]
fn is_through(output: &Output) {
    assert_eq!((output.status, &*output.stderr), (0, ""), "{output:?}");
}

#[test]
fn what_brings_a_key_is_blocked_and_nothing_else() {
    let repo = repository();
    let said = installed(&repo, &[]).stdout;
    assert!(
        said.contains("--check") && said.contains("pre-push"),
        "{said}"
    );

    // A commit, one of all, an amended one.
    let key = keys::project(1);
    repo.write("b.py", "x = 2").git(&["add", "b.py"]);
    is_through(&repo.try_git(&["commit", "-q", "-m", "Fine"]));
    repo.write("b.py", &key);
    is_blocked(&repo.try_git(&["commit", "-q", "-a", "-m", "Key"]), &key);
    is_blocked(
        &repo.try_git(&["commit", "-q", "-a", "--amend", "-m", "Key"]),
        &key,
    );
    is_blocked(&repo.try_git(&["commit", "-q", "-m", "Key", "b.py"]), &key);
    repo.git(&["checkout", "-q", "b.py"]);

    // A message.
    let arguments = ["commit", "-q", "--allow-empty", "-m", &key];
    is_blocked(&repo.try_git(&arguments), &key);

    // A merge.
    repo.git(&["checkout", "-q", "-b", "side", "HEAD~1"])
        .write("c.py", &key)
        .git(&["add", "c.py"])
        .git(&["commit", "-q", "--no-verify", "-m", "Past the hook"])
        .git(&["checkout", "-q", "main"]);
    is_blocked(&repo.try_git(&["merge", "-q", "--no-edit", "side"]), &key);
    repo.git(&["merge", "--abort"]);

    // A rebase, then a push; a new branch.
    repo.git(&["init", "-q", "--bare", "../remote"])
        .git(&["remote", "add", "origin", "../remote"]);
    is_through(&repo.try_git(&["push", "-q", "origin", "main"]));
    repo.git(&["checkout", "-q", "side"])
        .git(&["rebase", "-q", "main"]);
    is_blocked(&repo.try_git(&["push", "-q", "origin", "HEAD:main"]), &key);
    is_blocked(&repo.try_git(&["push", "-q", "origin", "side"]), &key);
    repo.git(&["branch", "fresh", "main"]);
    is_through(&repo.try_git(&["push", "-q", "origin", "fresh"]));
}

#[test]
fn the_proof_leaves_nothing_behind() {
    let repo = repository();
    installed(&repo, &[]);
    repo.write("staged.py", "x = 1")
        .git(&["add", "staged.py"])
        .write("loose.py", "x = 2");
    repo.git(&["config", "commit.gpgSign", "true"]);
    let before = everything(&repo.path(""));

    let said = installed(&repo, &["--check"]).stdout;

    assert!(said.starts_with("protected"), "{said}");
    assert_eq!(everything(&repo.path("")), before);
}

#[test]
fn the_proof_fails_where_nothing_protects() {
    let repo = repository();
    let before = everything(&repo.path(""));
    repo.frisk(&["install", "--check"])
        .fails_with("NOT protected");
    assert_eq!(everything(&repo.path("")), before);

    repo.hook("pre-commit", "echo 'no tabs, please' >&2; exit 1");
    repo.frisk(&["install", "--check"])
        .fails_with("not by git-frisk");

    // Where hooks are switched off.
    installed(&repo, &[]);
    repo.git(&["config", "core.hooksPath", "/dev/null"]);
    repo.frisk(&["install", "--check"])
        .fails_with("NOT protected");
    repo.frisk(&["install"]).fails_with("core.hooksPath");
}

#[test]
fn the_proof_has_the_files_that_another_hook_needs() {
    let repo = repository();
    repo.commit_file("scripts/lint", "exit 0");
    repo.hook("pre-commit", "sh scripts/lint");
    installed(&repo, &[]);
    let before = everything(&repo.path(""));
    installed(&repo, &["--check"]);
    assert_eq!(everything(&repo.path("")), before);
}

#[test]
fn before_the_first_commit_it_works_too() {
    let repo = Sandbox::new();
    installed(&repo, &[]);
    installed(&repo, &["--check"]);
    assert!(!exists(&repo.path(".git/index")));
    let key = keys::project(2);
    repo.write("a.py", &key).git(&["add", "a.py"]);
    is_blocked(&repo.try_git(&["commit", "-q", "-m", "First"]), &key);
}

#[test]
fn a_hook_that_was_there_runs_first() {
    let repo = repository();
    repo.hook("pre-commit", "echo one >> log; exit ${STATUS:-0}")
        .hook("commit-msg", "test -s \"$1\" && echo two $# >> log")
        .hook("pre-push", "echo three \"$@\" >> log; cat >> log")
        .git(&["config", "core.excludesFile", "../ignored"])
        .write("../ignored", "log\n");
    let said = installed(&repo, &[]).stdout;
    assert!(said.contains("pre-commit.before-frisk"), "{said}");

    repo.write("b.py", "x = 2").git(&["add", "b.py"]);
    is_through(&repo.try_git(&["commit", "-q", "-m", "Fine"]));
    assert_eq!(
        fs::read_to_string(repo.path("log")).unwrap(),
        "one\ntwo 1\n"
    );

    // What it says no to is not asked again, and its status is git's.
    let mut command = repo.command("sh", "", &[".git/hooks/pre-commit"]);
    assert_eq!(run(command.env("STATUS", "7")).status, 7);

    // Both read what is pushed.
    repo.remove("log")
        .git(&["init", "-q", "--bare", "../remote"]);
    is_through(&repo.try_git(&["push", "-q", "../remote", "main"]));
    let head = repo.oid("HEAD");
    let line = format!(
        "refs/heads/main {head} refs/heads/main {}\n",
        "0".repeat(40)
    );
    let log = fs::read_to_string(repo.path("log")).unwrap();
    assert_eq!(log, format!("three ../remote ../remote\n{line}"));
    let key = keys::project(3);
    repo.write("c.py", &key).git(&["add", "c.py"]);
    is_blocked(&repo.try_git(&["commit", "-q", "-m", "Key"]), &key);
    repo.git(&["commit", "-q", "--no-verify", "-m", "Key"]);
    is_blocked(&repo.try_git(&["push", "-q", "../remote", "main"]), &key);
    installed(&repo, &["--check"]);
}

#[test]
fn removing_brings_back_what_was_there() {
    let repo = repository();
    repo.hook("pre-commit", "exit 0")
        .hook("commit-msg", "exit 0");
    let off = repo.path(".git/hooks/commit-msg");
    fs::set_permissions(&off, fs::Permissions::from_mode(0o640)).unwrap();
    repo.link("../../nowhere", ".git/hooks/pre-push");
    let before = everything(&repo.path(".git/hooks"));

    installed(&repo, &[]);
    let once = everything(&repo.path(".git/hooks"));
    installed(&repo, &[]);
    assert_eq!(everything(&repo.path(".git/hooks")), once);
    installed(&repo, &["--remove"]);
    assert_eq!(everything(&repo.path(".git/hooks")), before);
    let again = installed(&repo, &["--remove"]).stdout;
    assert_eq!(again, "there is nothing to remove\n");
}

#[test]
fn a_hook_that_came_later_is_left_alone() {
    let repo = repository();
    repo.hook("pre-commit", "exit 0");
    installed(&repo, &[]);
    repo.hook("pre-commit", "exit 3");

    let before = everything(&repo.path(".git/hooks"));
    repo.frisk(&["install"])
        .fails_with("pre-commit.before-frisk");
    assert_eq!(everything(&repo.path(".git/hooks")), before);
    let said = installed(&repo, &["--remove"]).stdout;
    assert!(said.contains("pre-commit: left alone"), "{said}");
    let kept = fs::read_to_string(repo.path(".git/hooks/pre-commit")).unwrap();
    assert!(kept.contains("exit 3"));
}

#[test]
fn a_tool_that_puts_itself_in_between_makes_no_circle() {
    let repo = repository();
    repo.hook("pre-commit", "echo first >> ../log");
    installed(&repo, &[]);
    // As pre-commit does: what was there is called by it, under another name.
    let hooks = repo.path(".git/hooks");
    fs::rename(hooks.join("pre-commit"), hooks.join("pre-commit.legacy")).unwrap();
    repo.hook("pre-commit", "exec \"$0.legacy\"");
    let key = keys::project(4);
    repo.write("b.py", &key).git(&["add", "b.py"]);

    is_blocked(&repo.try_git(&["commit", "-q", "-m", "Key"]), &key);
    assert_eq!(fs::read_to_string(repo.path("../log")).unwrap(), "first\n");

    fs::rename(
        hooks.join("pre-commit"),
        hooks.join("pre-commit.before-frisk"),
    )
    .unwrap();
    fs::copy(hooks.join("pre-commit.legacy"), hooks.join("pre-commit")).unwrap();
    fs::copy(
        hooks.join("pre-commit"),
        hooks.join("pre-commit.before-frisk.legacy"),
    )
    .unwrap();
    is_blocked(&repo.try_git(&["commit", "-q", "-m", "Key"]), &key);
}

#[test]
fn the_path_of_hooks_is_heeded() {
    let repo = repository();
    repo.git(&["config", "core.hooksPath", "my hooks"])
        .write("sub/x", "");
    let output = repo.frisk_in("sub", &["install"]);
    assert_eq!(output.status, 0, "{output:?}");
    for name in NAMES {
        assert!(exists(&repo.path("my hooks").join(name)), "{name}");
        assert!(!exists(&repo.path(".git/hooks").join(name)), "{name}");
    }
    installed(&repo, &["--check"]);
    let key = keys::project(5);
    repo.write("b.py", &key).git(&["add", "b.py"]);
    is_blocked(&repo.try_git(&["commit", "-q", "-m", "Key"]), &key);
    installed(&repo, &["--remove"]);
    assert!(!exists(&repo.path("my hooks")));
}

#[test]
fn a_linked_worktree_has_the_hooks_of_its_repository() {
    let repo = repository();
    repo.git(&["worktree", "add", "-q", "../linked"]);
    let before = everything(&repo.path(".git/worktrees"));
    for arguments in [&["install"][..], &["install", "--check"]] {
        let output = repo.frisk_in("../linked", arguments);
        assert_eq!(output.status, 0, "{output:?}");
    }
    assert_eq!(everything(&repo.path(".git/worktrees")), before);
    assert!(exists(&repo.path(".git/hooks/pre-commit")));
    let key = keys::project(6);
    fs::write(repo.path("../linked/b.py"), &key).unwrap();
    repo.git_in("../linked", &["add", "b.py"]);
    let commit = ["commit", "-q", "-m", "Key"];
    is_blocked(&run(&mut repo.git_command("../linked", &commit)), &key);
}

#[test]
fn a_path_may_hold_anything() {
    let outer = Sandbox::without_repository();
    let name = "it's \"a\" $HOME: dir";
    outer.git(&["init", "-q", name]);
    // The program too.
    let program = outer.path("bin 'x'/git-frisk");
    fs::create_dir_all(program.parent().unwrap()).unwrap();
    // By another process: what this one has open for writing, a process that another test starts may
    // hold a moment longer, and nothing runs that is written.
    let copied = Command::new("cp").arg(FRISK).arg(&program).status();
    assert!(copied.unwrap().success());
    let frisk = |arguments: &[&str]| {
        let output = run(&mut outer.command(program.to_str().unwrap(), name, arguments));
        assert_eq!(output.status, 0, "{output:?}");
    };
    frisk(&["install"]);
    let key = keys::project(7);
    outer
        .write(&format!("{name}/b.py"), &key)
        .git_in(name, &["add", "b.py"]);
    let commit = ["commit", "-q", "-m", "Key"];
    is_blocked(&run(&mut outer.git_command(name, &commit)), &key);
    frisk(&["install", "--check"]);

    // Gone: nothing passes in silence, and one on PATH does as well.
    fs::remove_file(&program).unwrap();
    let output = run(&mut outer.git_command(name, &commit));
    assert_ne!(output.status, 0);
    assert_eq!(output.stderr.lines().count(), 1, "{output:?}");
    assert!(output.stderr.contains("install it again"), "{output:?}");
    let path = format!(
        "{}:{}",
        Path::new(FRISK).parent().unwrap().display(),
        std::env::var("PATH").unwrap()
    );
    is_blocked(
        &run(outer.git_command(name, &commit).env("PATH", path)),
        &key,
    );
}

#[test]
fn a_hook_manager_gets_the_lines_instead() {
    for (file, name, line) in [
        (
            ".pre-commit-config.yaml",
            "pre-commit",
            "entry: git-frisk hook pre-commit",
        ),
        (".husky/pre-commit", "husky", ".husky/pre-push"),
        ("lefthook.yml", "lefthook", "use_stdin: true"),
        (".lefthook.toml", "lefthook", "use_stdin: true"),
        (".config/lefthook.json", "lefthook", "use_stdin: true"),
    ] {
        let repo = repository();
        repo.write(file, "");
        let before = everything(&repo.path(".git"));
        let output = repo.frisk(&["install"]);
        assert_eq!((output.status, &*output.stderr), (2, ""), "{output:?}");
        let first = output.stdout.lines().next().unwrap();
        assert!(first.contains(&format!("uses {name} (")), "{first}");
        assert!(output.stdout.contains(line), "{output:?}");
        assert_eq!(everything(&repo.path(".git")), before);

        installed(&repo, &["--native"]);
        installed(&repo, &["--check"]);
        installed(&repo, &[]);
        installed(&repo, &["--remove"]);
        assert_eq!(repo.frisk(&["install"]).status, 2);
    }
}

#[test]
fn a_server_gets_the_hook_of_a_server() {
    let repo = repository();
    repo.git(&["init", "-q", "--bare", "../remote"]);
    let output = repo.frisk_in("../remote", &["install"]);
    assert_eq!(output.status, 0, "{output:?}");
    is_through(&repo.try_git(&["push", "-q", "../remote", "main"]));
    let key = keys::project(8);
    repo.commit_file("b.py", &key);
    is_blocked(&repo.try_git(&["push", "-q", "../remote", "main"]), &key);
    let check = repo.frisk_in("../remote", &["install", "--check"]);
    check.fails_with("bare");
    let output = repo.frisk_in("../remote", &["install", "--remove"]);
    assert_eq!(output.stdout, "pre-receive: removed\n");
    is_through(&repo.try_git(&["push", "-q", "../remote", "main"]));
}

#[test]
fn outside_of_a_repository_it_is_an_error() {
    Sandbox::without_repository()
        .frisk(&["install"])
        .fails_with("not a git repository");
}

#[test]
fn everywhere_needs_a_git_that_can() {
    let sandbox = repository();
    // A git that is said to be of another version.
    let with_version = |version: &str, arguments: &[&str]| {
        let fake = sandbox.path("bin/git");
        let real = "PATH=${PATH#*:} exec git \"$@\"";
        let script = format!(
            "#!/bin/sh\n[ \"$1\" = version ] && {{ echo git version {version}; exit; }}\n{real}\n"
        );
        sandbox.write("bin/git", script);
        fs::set_permissions(&fake, fs::Permissions::from_mode(0o755)).unwrap();
        let path = std::env::var("PATH").unwrap();
        let bin = sandbox.path("bin").display().to_string();
        run(sandbox
            .command(FRISK, "", arguments)
            .env("PATH", format!("{bin}:{path}"))
            .env("GIT_CONFIG_GLOBAL", sandbox.path("gitconfig")))
    };
    let global = ["install", "--global"];
    with_version("2.53.9", &global).fails_with("need git 2.54, and this is 2.53");
    assert!(!exists(&sandbox.path("gitconfig")));

    let file = sandbox.path("gitconfig").display().to_string();
    sandbox.write("gitconfig", "[user]\n\tname = Ada\n");
    for _ in 0..2 {
        assert_eq!(with_version("2.54.0", &global).status, 0);
        let events = sandbox.git_says(&["config", "-f", &file, "--get-regexp", "event$"]);
        assert_eq!(events.lines().count(), 4, "{events}");
    }
    // As git runs it: a line of the shell, to which it adds the arguments.
    let command = sandbox.git_says(&["config", "-f", &file, "hook.git-frisk-commit-msg.command"]);
    let key = keys::project(9);
    sandbox.write("message", &key);
    let line = format!("{command} \"$@\"");
    let output = run(&mut sandbox.command("sh", "", &["-c", &line, "x", "message"]));
    assert_eq!(output.status, 1, "{output:?}");
    let line = line.replace(FRISK, "/nowhere/git-frisk");
    run(&mut sandbox.command("sh", "", &["-c", &line, "x", "message"])).fails_with("is gone");

    let removed = with_version("2.54.0", &["install", "--global", "--remove"]);
    assert_eq!(removed.status, 0, "{removed:?}");
    let left = fs::read_to_string(sandbox.path("gitconfig")).unwrap();
    assert_eq!(left, "[user]\n\tname = Ada\n");
}
