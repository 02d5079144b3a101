//! Forms of repositories that are not read are refused with the cure; what is damaged is named.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::keys;
use crate::sandbox::FRISK;
use crate::sandbox::Output;
use crate::sandbox::Sandbox;
use crate::sandbox::run;

fn line(seed: u64) -> String {
    format!("KEY = '{}'\n", keys::project(seed))
}

/// Whether the git at hand knows a form of repositories; if it does, one of it.
fn repository(option: &str) -> Option<Sandbox> {
    let repo = Sandbox::without_repository();
    let made = repo.try_git(&["init", "-q", "-b", "main", option]);
    (made.status == 0).then_some(repo)
}

/// What was found, or status 2 and a sentence with the cure.
#[track_caller]
fn finds_or_cures(output: &Output, path: &str, cure: &str) {
    let finds = output.status == 1 && output.stdout.contains(path);
    let cures = output.status == 2 && output.stderr.contains(cure);
    assert!(finds || cures, "{output:?}");
}

/// The file of a loose object.
fn object(oid: &str) -> String {
    let (shard, file) = oid.split_at(2);
    format!(".git/objects/{shard}/{file}")
}

/// A repository with two commits that can be cloned in part.
fn origin() -> Sandbox {
    let repo = Sandbox::new();
    repo.git(&["config", "uploadpack.allowFilter", "true"]);
    repo.commit_file("dir/gone.py", line(1));
    repo.remove("dir/gone.py").commit("Take away");
    repo
}

#[test]
fn a_split_index_is_read() {
    let repo = Sandbox::new();
    repo.write(".gitignore", "*.log\n").write("a.log", line(2));
    repo.git(&["add", "-f", "a.log"]).commit_file("a.py", "a\n");
    repo.git(&["update-index", "--split-index"]);
    repo.write("b.py", line(1)).git(&["add", "b.py"]);

    repo.report(&["staged"]).finds(&["b.py:1"]);
    // What is tracked is not ignored.
    repo.report(&["scan", "."]).finds(&["a.log:1", "b.py:1"]);
    // The exceptions are those of the index, of which none is in the part that is its own.
    repo.write(".friskignore", "b.py\n")
        .git(&["add", ".friskignore"]);
    let after = repo.frisk(&["staged"]).status;
    repo.git(&["config", "splitIndex.maxPercentChange", "0"]);
    repo.git(&["update-index", "--split-index"]);
    assert_eq!(repo.frisk(&["staged"]).status, after);
    repo.git(&["update-index", "--no-split-index"]);
    assert_eq!(repo.frisk(&["staged"]).status, after);
}

#[test]
fn a_sparse_index_is_read() {
    let repo = Sandbox::new();
    repo.write("out/.gitignore", "*.log\n")
        .write("out/b.log", line(2));
    repo.git(&["add", "-f", "out"]);
    repo.write("in/a.py", "a\n").commit_file("out/b.py", "b\n");
    repo.git(&["sparse-checkout", "set", "--cone", "--sparse-index", "in"]);
    repo.write("in/c.py", line(1)).git(&["add", "in"]);

    repo.report(&["staged"]).finds(&["in/c.py:1"]);
    repo.report(&["scan", "."]).finds(&["in/c.py:1"]);
    // What is there though it should not be is tracked all the same.
    repo.write("out/.gitignore", "*.log\n")
        .write("out/b.log", line(2));
    repo.report(&["scan", "."])
        .finds(&["in/c.py:1", "out/b.log:1"]);
}

#[test]
fn a_reftable_is_read_or_its_cure_is_named() {
    let Some(repo) = repository("--ref-format=reftable") else {
        return;
    };
    repo.commit_file("a.py", line(1));
    repo.write("b.py", line(2)).git(&["add", "b.py"]);

    let cure = "`git refs migrate --ref-format=files`";
    finds_or_cures(
        &repo.frisk(&["staged", "--format", "short"]),
        "b.py:1",
        cure,
    );
    finds_or_cures(
        &repo.frisk(&["history", "--format", "short"]),
        "a.py:1",
        cure,
    );
    repo.report(&["scan"]).finds(&["a.py:1", "b.py:1"]);
}

#[test]
fn an_unknown_extension_is_refused() {
    let repo = Sandbox::new();
    repo.commit_file("a.py", line(1));
    repo.git(&["config", "core.repositoryformatversion", "1"])
        .git(&["config", "extensions.frobnicate", "true"]);

    for args in [&["staged"][..], &["history"]] {
        repo.frisk(args).fails_with("extensions.frobnicate");
    }
    repo.report(&["scan"]).finds(&["a.py:1"]);
}

#[test]
fn a_configuration_beside_a_repository_that_cannot_be_opened_is_not_passed_over() {
    let repo = Sandbox::new();
    repo.commit_file(".frisk.toml", "rules = [\"house.toml\"]\n");
    repo.git(&["config", "core.repositoryformatversion", "1"])
        .git(&["config", "extensions.frobnicate", "true"]);

    repo.report(&["scan"]).is_incomplete(&[], ".frisk.toml");
}

#[test]
fn a_partial_clone_is_incomplete_and_says_how_to_get_all() {
    for filter in ["--filter=blob:none", "--filter=tree:0"] {
        let origin = origin();
        let url = format!("file://{}", origin.path("").display());
        origin.git(&["clone", "-q", filter, "--no-checkout", &url, "../part"]);

        let output = origin.frisk_in("../part", &["history"]);

        output.fails_with("`git fetch --refetch`");
    }
}

#[test]
fn a_commit_whose_tree_is_missing_or_is_no_tree_is_incomplete() {
    let repo = Sandbox::new();
    repo.commit_file("a.py", "a\n");
    repo.commit_file("b.py", "b\n");
    let tree = repo.oid("HEAD~1^{tree}");
    let path = object(&tree);
    let kept = fs::read(repo.path(&path)).unwrap();
    repo.remove(&path);
    repo.frisk(&["history"]).fails_with(&tree);

    repo.write(&path, kept);
    assert_eq!(repo.frisk(&["history"]).status, 0);
    let blob = repo.oid("HEAD:a.py");
    let commit = format!("tree {blob}\nauthor a <b> 1 +0000\ncommitter a <b> 1 +0000\n\nm\n");
    repo.write("../commit", commit);
    let args = [
        "hash-object",
        "-t",
        "commit",
        "-w",
        "--literally",
        "../commit",
    ];
    let commit = repo.git_says(&args);
    repo.write(".git/refs/heads/odd", format!("{commit}\n"));
    repo.frisk(&["history"]).fails_with(&blob);
}

#[test]
fn an_entry_of_a_tree_that_names_another_kind_hides_nothing() {
    for (mode, what) in [("40000", "file"), ("100644", "directory")] {
        let repo = Sandbox::new();
        repo.write("directory/b.py", line(1));
        repo.commit_file("file", line(2));
        let oid = repo.oid(&format!("HEAD:{what}"));
        let raw = git2::Oid::from_str(&oid).unwrap();
        let raw = raw.as_bytes();
        repo.write(
            "../tree",
            [format!("{mode} odd\0").as_bytes(), raw].concat(),
        );
        let args = ["hash-object", "-t", "tree", "-w", "--literally", "../tree"];
        let tree = repo.git_says(&args);
        let commit = repo.git_says(&["commit-tree", "-m", "x", &tree]);
        repo.write("../empty", "");
        // Nothing else leads to the key.
        repo.git(&["update-ref", "HEAD", &commit]).git(&[
            "update-index",
            "--refresh",
            "-q",
            "--really-refresh",
        ]);

        let output = repo.frisk(&["history"]);

        assert!(matches!(output.status, 1 | 2), "{mode}: {output:?}");
    }
}

/// Makes a tree of any bytes.
fn raw_tree(repo: &Sandbox, bytes: &[u8]) -> String {
    repo.write("../tree", bytes);
    repo.git_says(&["hash-object", "-t", "tree", "-w", "--literally", "../tree"])
}

#[test]
fn what_is_unreadable_is_told_with_a_path_if_there_is_one() {
    let repo = Sandbox::new();
    repo.commit_file("a.py", "a\n");
    let broken = raw_tree(&repo, b"100644 a");
    let raw = git2::Oid::from_str(&broken).unwrap();
    let entry = |name: &str| [name.as_bytes(), b"\0", raw.as_bytes()].concat();
    let tree = raw_tree(
        &repo,
        &[entry("100644 as_file"), entry("40000 as_tree")].concat(),
    );
    let commit = repo.git_says(&["commit-tree", "-m", "x", &tree]);
    repo.git(&["update-ref", "refs/heads/odd", &commit]);

    let output = repo.frisk(&["history"]);

    output.fails_with(&format!("as_file: tree {broken} is malformed"));
}

#[test]
fn a_name_of_another_hash_is_refused() {
    let repo = Sandbox::new();
    repo.commit_file("a.py", "a\n");
    let (tree, head) = (repo.oid("HEAD^{tree}"), repo.oid("HEAD"));
    let long = "d".repeat(64);
    let made = |kind: &str, content: String| {
        repo.write("../made", content);
        repo.git_says(&["hash-object", "-t", kind, "-w", "--literally", "../made"])
    };
    let commit = |tree: &str, parent: &str| {
        let who = "a <b> 1 +0000";
        made(
            "commit",
            format!("tree {tree}\nparent {parent}\nauthor {who}\ncommitter {who}\n\nm\n"),
        )
    };
    for target in [
        commit(&tree, &long),
        commit(&long, &head),
        made("tag", format!("object {long}\ntype commit\ntag x\n\nm\n")),
        long.clone(),
    ] {
        repo.write(".git/refs/heads/odd", format!("{target}\n"));
        for args in [
            &["history"][..],
            &["history", "--exclude=nothing"],
            &["history", "HEAD..odd"],
            &["history", "--", &target],
        ] {
            let output = repo.frisk(args);
            assert_eq!(output.status, 2, "{target} {args:?}: {output:?}");
        }
    }
    let variables = [
        ("GITLAB_CI", "true"),
        ("CI_COMMIT_BEFORE_SHA", &*long),
        ("CI_COMMIT_BRANCH", "main"),
    ];
    repo.remove(".git/refs/heads/odd");
    let output = repo.frisk_with(&variables, &["history", "--ci"]);
    assert_eq!(output.status, 0, "{output:?}");
}

#[test]
fn a_tree_that_unfolds_to_too_much_hides_no_other_commit() {
    let repo = Sandbox::new();
    repo.commit_file("a.py", line(1));
    repo.write("b.py", line(2));
    let blob = repo.git_says(&["hash-object", "-w", "b.py"]);
    repo.remove("b.py");
    let name = "n".repeat(1 << 20);
    let mut entry = format!("100644 blob {blob}\tb.py\n");
    for _ in 0..22 {
        let tree = repo.git_fed(entry.as_bytes(), &["mktree"]);
        entry = format!("040000 tree {}\t{name}\n", tree.trim_end());
    }
    let tree = repo.git_fed(entry.as_bytes(), &["mktree"]);
    let commit = repo.git_says(&["commit-tree", "-m", "x", tree.trim_end()]);
    repo.git(&["update-ref", "refs/heads/odd", &commit]);

    let report = repo.report(&["history"]);

    report.is_incomplete(&["a.py:1"], "unfolds to too many files");
}

#[test]
fn the_path_of_what_is_missing_does_not_depend_on_the_threads() {
    const APART: usize = 24;
    let repo = Sandbox::new();
    let text = |n: usize| format!("text {n}\n");
    let first = repo.commit_file("a.txt", "a\n");
    for commit in 0..2 * APART {
        repo.write(&format!("f{commit}.txt"), text(commit));
        if let Some(earlier) = commit.checked_sub(APART) {
            repo.write(&format!("copy{commit}.txt"), text(earlier));
        }
        repo.commit("x");
    }
    for file in 0..2 * APART {
        repo.remove(&object(&repo.oid(&format!("HEAD:f{file}.txt"))));
    }
    let mut expected: Vec<String> = (0..2 * APART).map(|file| format!("f{file}.txt")).collect();
    expected.sort();
    let range = format!("{first}..HEAD");
    for args in [["history", "--exclude=nothing"], ["history", &range]] {
        for threads in ["-j1", "-j2", "-j4", "-j4"] {
            let report = repo.report(&[args[0], args[1], threads]);
            let errors = report.json["errors"].as_array().unwrap();
            let mut paths: Vec<&str> = errors.iter().map(|e| e["path"].as_str().unwrap()).collect();
            paths.sort_unstable();
            assert_eq!(paths, expected, "{args:?} {threads}");
        }
    }
}

#[test]
fn a_head_that_cannot_be_read_is_told_also_where_nothing_is_staged() {
    let repo = Sandbox::new();
    repo.commit_file("a.py", "a\n");
    assert_eq!(repo.frisk(&["staged"]).status, 0);
    let tree = repo.oid("HEAD^{tree}");
    repo.remove(&object(&tree));

    repo.frisk(&["staged"]).fails_with(&tree);
}

#[test]
fn a_list_of_alternates_that_is_a_pipe_is_an_error_and_no_wait() {
    let repo = Sandbox::new();
    repo.commit_file("a.py", "a\n");
    let base = repo.oid("HEAD");
    repo.commit_file("b.py", "b\n");
    let made = run(&mut repo.command("mkfifo", "", &[".git/objects/info/alternates"]));
    assert_eq!(made.status, 0);

    let range = format!("{base}..");
    for args in [&["staged"][..], &["history"], &["history", &range]] {
        let args = [&["30", FRISK], args].concat();
        run(&mut repo.command("timeout", "", &args)).fails_with("alternates");
    }
}

#[test]
fn a_pipe_in_the_place_of_a_file_of_git_is_no_wait() {
    let repo = Sandbox::new();
    repo.commit_file("a.py", "a\n");
    repo.git(&["repack", "-qad"]).commit_file("b.py", "b\n");
    repo.git(&["config", "include.path", "more"]);
    repo.write("c.py", line(1)).git(&["add", "c.py"]);
    for file in [
        "config",
        "config.worktree",
        "more",
        "commondir",
        "gitdir",
        "shallow",
        "packed-refs",
        "info/grafts",
        "info/exclude",
        "objects/pack/multi-pack-index",
        "objects/info/commit-graph",
        "refs/heads/main",
        "refs/heads/HEAD",
    ] {
        let path = repo.path(&format!(".git/{file}"));
        let saved = fs::read(&path).ok();
        let _: std::io::Result<()> = fs::remove_file(&path);
        let made = run(&mut repo.command("mkfifo", "", &[path.to_str().unwrap()]));
        assert_eq!(made.status, 0);
        for args in [
            &["staged"][..],
            &["scan", "."],
            &["history"],
            &["history", "HEAD~..HEAD"],
        ] {
            let args = [&["30", FRISK], args].concat();
            let output = run(&mut repo.command("timeout", "", &args));
            // What does not need the file may do without.
            assert!(output.status <= 2, "{file} {args:?}: {output:?}");
            let is_clean = output.status == 0;
            assert!(!is_clean || args.contains(&"history"), "{file} {args:?}");
        }
        fs::remove_file(&path).unwrap();
        if let Some(saved) = saved {
            fs::write(&path, saved).unwrap();
        }
    }
    repo.report(&["staged"]).finds(&["c.py:1"]);
}

#[test]
fn another_users_repository_is_refused_with_the_cure() {
    let repo = Sandbox::new();
    repo.commit_file("a.py", line(1));
    let chown = run(&mut repo.command("chown", "", &["-R", "65534", "."]));
    if chown.status != 0 {
        // Only root can give something away.
        return;
    }
    for args in [&["staged"][..], &["history"]] {
        repo.frisk(args).fails_with("safe.directory");
    }
    assert_eq!(repo.report(&["scan"]).places(), ["a.py:1"]);
}

#[test]
fn a_repository_that_cannot_be_written_is_scanned() {
    let repo = Sandbox::new();
    repo.commit_file("a.py", line(1));
    repo.write("b.py", line(2)).git(&["add", "b.py"]);
    let modes = |mode: &str| run(&mut repo.command("chmod", "", &["-R", mode, "."]));
    modes("a-w");
    let reports = [&["staged"][..], &["history"], &["scan"]].map(|args| repo.report(args));
    modes("u+w");

    reports[0].finds(&["b.py:1"]);
    reports[1].finds(&["a.py:1"]);
    reports[2].finds(&["a.py:1", "b.py:1"]);
}

#[test]
fn without_git_on_the_path_all_is_scanned_and_no_git_that_lies_about_is_run() {
    let repo = Sandbox::new();
    repo.commit_file("a.py", line(1));
    let trap = "#!/bin/sh\ntouch \"$HOME/ran\"\n";
    repo.write("git", trap);
    fs::set_permissions(repo.path("git"), fs::Permissions::from_mode(0o755)).unwrap();
    repo.write("b.py", line(2)).git(&["add", "b.py"]);
    for (key, value) in [
        ("core.fsmonitor", "./git"),
        ("core.pager", "./git"),
        ("diff.external", "./git"),
        ("filter.x.clean", "./git"),
        ("core.hooksPath", "."),
    ] {
        repo.git(&["config", key, value]);
    }
    for (args, status) in [(&["staged"][..], 1), (&["history"], 1), (&["scan"], 1)] {
        for path in ["/nonexistent", ".", ""] {
            let mut command = repo.command(FRISK, "", args);
            let output = run(command.env("PATH", path));
            assert_eq!(output.status, status, "{args:?}: {output:?}");
        }
    }
    assert!(!repo.path("../home/ran").exists());
}

#[test]
fn a_pack_or_its_index_that_is_a_pipe_is_an_error_and_no_wait() {
    let repo = Sandbox::new();
    repo.commit_file("a.py", "a\n");
    repo.git(&["repack", "-qad"]).commit_file("b.py", "b\n");
    let directory = repo.path(".git/objects/pack");
    for kind in ["idx", "pack"] {
        let mut files = fs::read_dir(&directory).unwrap();
        let path = files
            .find_map(|file| {
                let path = file.unwrap().path();
                path.extension()
                    .is_some_and(|known| known == kind)
                    .then_some(path)
            })
            .unwrap();
        let saved = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let made = run(&mut repo.command("mkfifo", "", &[path.to_str().unwrap()]));
        assert_eq!(made.status, 0);
        for args in [
            &["staged", "--all"][..],
            &["history"],
            &["history", "HEAD~..HEAD"],
            &["history", "HEAD~..HEAD^{commit}"],
        ] {
            let args = [&["-k", "1", "30", FRISK], args].concat();
            run(&mut repo.command("timeout", "", &args)).fails_with("is no regular file");
        }
        fs::remove_file(&path).unwrap();
        fs::write(&path, saved).unwrap();
    }
    assert_eq!(repo.frisk(&["history"]).status, 0);
}

#[test]
fn links_in_circles_among_the_refs_come_to_an_end() {
    let repo = Sandbox::new();
    repo.commit_file("a.py", "a\n");
    repo.git(&["checkout", "-q", "-b", "side"])
        .commit_file("k.py", line(1));
    repo.git(&["checkout", "-q", "main"]);
    fs::create_dir_all(repo.path("beside")).unwrap();
    fs::rename(
        repo.path(".git/refs/heads/side"),
        repo.path("beside/branch"),
    )
    .unwrap();
    for name in ["a", "b", "c"] {
        repo.link(".", &format!(".git/refs/heads/{name}"))
            .link(".", &format!(".git/logs/{name}"));
    }
    repo.link("../../../beside", ".git/refs/heads/linked");

    for args in [&["history"][..], &["history", "--reflog"]] {
        let args = [&["-k", "1", "30", FRISK], args].concat();
        let output = run(&mut repo.command("timeout", "", &args));
        assert_eq!(output.status, 1, "{output:?}");
    }
}
