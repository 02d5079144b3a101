//! What once went wrong, or was about to.

use std::fs;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;

use crate::keys;
use crate::sandbox::FRISK;
use crate::sandbox::Output;
use crate::sandbox::Sandbox;
use crate::sandbox::run;

/// The program with a time limit: 124 is the status of one that hung.
fn frisk(sandbox: &Sandbox, args: &[&str]) -> Output {
    let args = [&["30", FRISK], args].concat();
    run(&mut sandbox.command("timeout", "", &args))
}

/// Runs a line of shell, in which `$0` is the program.
fn shell(sandbox: &Sandbox, line: &str) -> Output {
    run(&mut sandbox.command("sh", "", &["-c", line, FRISK]))
}

/// A file of the index and the path of its loose object.
fn staged_object() -> (Sandbox, String) {
    let repo = Sandbox::new();
    repo.write("a.py", format!("KEY = '{}'\n", keys::project(1)))
        .git(&["add", "."]);
    let oid = repo.oid(":a.py");
    let (directory, file) = oid.split_at(2);
    let path = format!(".git/objects/{directory}/{file}");
    (repo, path)
}

/// Puts other bytes in the place of an object, which git writes read-only.
fn damage(repo: &Sandbox, path: &str, content: &[u8]) {
    repo.remove(path).write(path, content);
}

#[test]
fn a_hook_that_changes_directory_scans_the_index_of_the_commit() {
    let repo = Sandbox::new();
    repo.write("sub/a.py", "a\n").commit("x");
    // A path from the top of the worktree, as git itself gives it to hooks.
    repo.hook(
        "pre-commit",
        "cd sub && export GIT_INDEX_FILE && exec \"$FRISK\" staged --format short",
    );
    repo.write("sub/a.py", format!("'{}'\n", keys::project(1)));

    for args in [
        &["commit", "-a", "-m", "x"][..],
        &["commit", "-m", "x", "--only", "sub/a.py"],
        &["commit", "-m", "x", "-i", "sub/a.py"],
    ] {
        let output = repo.try_git(args);
        assert_eq!(output.status, 1, "{args:?}: {output:?}");
        assert!(output.stderr.contains("sub/a.py:1:2:"), "{output:?}");
    }
}

#[test]
fn a_relative_index_file_is_relative_to_the_top() {
    let repo = Sandbox::new();
    repo.write("sub/a.py", "a\n").commit("x");
    repo.write("sub/a.py", format!("'{}'\n", keys::project(1)));
    let index = [("GIT_INDEX_FILE", ".git/other")];
    let mut add = repo.git_command("", &["add", "-A"]);
    assert_eq!(run(add.envs(index)).status, 0);

    for directory in ["", "sub"] {
        let mut command = repo.command(FRISK, directory, &["staged", "--format", "short"]);
        let output = run(command.envs(index));
        assert_eq!(output.status, 1, "{directory:?}: {output:?}");
    }
}

#[test]
fn an_object_that_was_cut_off_is_an_error_and_no_wait() {
    let (repo, path) = staged_object();
    let whole = fs::read(repo.path(&path)).unwrap();
    for length in [whole.len() - 1, whole.len() / 2, 20, 3, 0] {
        damage(&repo, &path, &whole[..length]);
        let output = frisk(&repo, &["staged"]);
        output.fails_with("a.py: object ");
    }
}

#[test]
fn an_object_that_lies_about_its_size_is_an_error() {
    let (repo, path) = staged_object();
    for header in [
        "blob 1\0",
        "blob 99999999\0",
        "blob 99999999999999999999999\0",
        "blob 18446744073709551615\0",
        "blob -1\0",
        "blob \0",
        "tree 4\0",
        "blob",
    ] {
        let mut object = ZlibEncoder::new(Vec::new(), Compression::default());
        object.write_all(header.as_bytes()).unwrap();
        object.write_all(b"text").unwrap();
        damage(&repo, &path, &object.finish().unwrap());

        let output = frisk(&repo, &["staged"]);
        assert_eq!(output.status, 2, "{header:?}: {output:?}");
        assert!(output.stderr.contains("a.py: "), "{header:?}: {output:?}");
    }
}

#[test]
fn an_object_with_the_content_of_another_is_an_error() {
    let (repo, path) = staged_object();
    let mut object = ZlibEncoder::new(Vec::new(), Compression::default());
    object.write_all(b"blob 4\0text").unwrap();
    damage(&repo, &path, &object.finish().unwrap());

    frisk(&repo, &["staged"]).fails_with("a.py: object ");
}

#[test]
fn an_object_that_is_a_pipe_is_an_error_and_no_wait() {
    let (repo, path) = staged_object();
    repo.remove(&path);
    assert_eq!(run(&mut repo.command("mkfifo", "", &[&path])).status, 0);

    frisk(&repo, &["staged"]).fails_with("a.py: object ");
}

#[test]
fn an_ignore_file_that_is_a_pipe_hides_nothing_and_is_not_waited_for() {
    let repo = Sandbox::new();
    repo.write("sub/a.py", keys::project(1));
    for path in [".gitignore", "sub/.gitignore", ".git/info/exclude"] {
        let made = shell(&repo, &format!("rm -f {path}; mkfifo {path}"));
        assert_eq!(made.status, 0, "{made:?}");

        let output = frisk(&repo, &["scan", "--format", "short"]);

        assert_eq!(output.status, 1, "{path}: {output:?}");
        assert!(output.stdout.starts_with("sub/a.py:1:1:"), "{output:?}");
        repo.remove(path);
    }
}

#[test]
fn an_ignore_file_that_is_a_link_hides_nothing_as_with_git() {
    let repo = Sandbox::new();
    repo.write("sub/a.env", keys::project(1))
        .write("ignored", "*.env\n")
        .link("../ignored", "sub/.gitignore");

    assert!(
        repo.git_says(&["status", "-uall", "--porcelain"])
            .contains("a.env")
    );
    repo.report(&["scan"]).finds(&["sub/a.env:1"]);
}

#[test]
fn braces_in_an_ignore_file_are_no_alternatives() {
    let repo = Sandbox::new();
    repo.write("sub/a.env", keys::project(1))
        .write("sub/.gitignore", "{a,b}.env\n");

    assert!(
        repo.git_says(&["status", "-uall", "--porcelain"])
            .contains("a.env")
    );
    repo.report(&["scan"]).finds(&["sub/a.env:1"]);
}

#[test]
fn a_name_is_no_command_to_the_host_of_a_workflow() {
    let directory = Sandbox::without_repository();
    for name in [
        "::error file=x::y",
        "::stop-commands::z",
        "##[error]a",
        "##vso[task.complete]b",
    ] {
        directory.write(name, keys::project(1));
    }
    for format in ["human", "short", "json"] {
        let Output { stdout, stderr, .. } = directory.frisk(&["scan", "--format", format]);
        for line in stdout.lines().chain(stderr.lines()) {
            assert!(!line.trim_start().starts_with("::"), "{format}: {line}");
            assert!(
                !line.contains("##[") && !line.contains("##vso["),
                "{format}: {line}"
            );
        }
    }
}

#[test]
fn an_option_does_not_eat_a_range() {
    let repo = Sandbox::new();
    repo.commit_file("a.py", keys::project(1));
    for range in [
        "--output=x..HEAD",
        "-o..HEAD",
        "-qv..HEAD",
        "-h..HEAD",
        "--help..HEAD",
    ] {
        let output = repo.frisk(&["history", range]);
        assert_eq!(
            (output.status, &*output.stdout),
            (2, ""),
            "{range}: {output:?}"
        );
    }
    assert!(!repo.path("x..HEAD").exists());
    assert!(!repo.path(".HEAD").exists());
    // A branch may be named so; behind `--` it is a revision.
    let output = repo.frisk(&["history", "--", "-h..HEAD"]);
    assert_eq!(output.status, 2, "{output:?}");
    assert!(output.stderr.contains("revision"), "{output:?}");
}

#[test]
fn a_closed_standard_output_is_2_unless_keys_were_found() {
    let directory = Sandbox::without_repository();
    directory.write("a.py", "a\n");
    for format in ["human", "short", "json"] {
        let output = shell(&directory, &format!("\"$0\" scan --format {format} >&-"));
        // With nothing to write, nothing is missed.
        let status = if format == "json" { 2 } else { 0 };
        assert_eq!(output.status, status, "{format}: {output:?}");
    }
    directory.write("a.py", keys::project(1));
    for format in ["human", "short", "json"] {
        let output = shell(&directory, &format!("\"$0\" scan --format {format} >&-"));
        assert_eq!(output.status, 1, "{format}: {output:?}");
    }
}

/// As Python's `subprocess.DEVNULL` is.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[test]
fn a_stream_that_is_open_both_ways_to_nowhere_is_not_closed() {
    let directory = Sandbox::without_repository();
    directory.write("a.py", "a\n");
    for command in ["scan . --format json", "scan - --format sarif"] {
        let output = shell(
            &directory,
            &format!("\"$0\" {command} 0<>/dev/null 1<>/dev/null"),
        );
        assert_eq!(output.status, 0, "{command}: {output:?}");
    }
}

#[test]
fn a_reader_that_leaves_early_does_not_change_the_status() {
    let directory = Sandbox::without_repository();
    for file in 0..2000 {
        directory.write(&format!("{file}.py"), keys::project(file));
    }
    let script = "(\"$0\" scan --format jsonl; echo $? >status) | head -c 10";
    shell(&directory, script);
    let status = fs::read_to_string(directory.path("status")).unwrap();
    assert_eq!(status.trim(), "1");
}

#[test]
fn no_file_is_taken_for_a_standard_stream_that_is_closed() {
    let repo = Sandbox::new();
    repo.write("a.py", keys::project(1));
    repo.git(&["add", "."]);
    for closed in ["<&-", ">&-", "2>&-", "<&- >&-", "<&- >&- 2>&-"] {
        let output = shell(&repo, &format!("\"$0\" staged {closed}"));
        assert_eq!(output.status, 1, "{closed}: {output:?}");
        repo.git(&["fsck", "--strict"]);
    }
}

#[test]
fn a_head_that_leads_out_of_the_refs_is_2() {
    let repo = Sandbox::new();
    repo.write("a.txt", "a\n");
    repo.git(&["add", "."]);
    repo.git(&["commit", "-qm", "a"]);
    let head = repo.git_says(&["rev-parse", "HEAD"]);
    for name in ["../outside", "refs/../outside", "outside"] {
        let path = repo.path(".git").join(name);
        fs::write(&path, &head).unwrap();
        repo.write(".git/HEAD", format!("ref: {name}\n"));
        let output = repo.frisk(&["staged"]);
        assert_eq!(output.status, 2, "{name}: {output:?}");
        fs::remove_file(path).unwrap();
    }
    repo.write(".git/HEAD", format!("{head}\n"));
    assert_eq!(repo.frisk(&["staged"]).status, 0);
}

#[test]
fn a_report_that_is_larger_than_a_file_may_be_is_2() {
    let directory = Sandbox::without_repository();
    directory.write("a.py", keys::project(1));

    let output = shell(&directory, "ulimit -f 0; \"$0\" scan -q -o report.json");

    assert_eq!(output.status, 2, "{output:?}");
}

#[test]
fn a_report_is_json_also_where_nothing_could_be_scanned() {
    let nowhere = Sandbox::without_repository();
    for command in ["staged", "history"] {
        let report = nowhere.report(&[command]);
        report.is_incomplete(&[], "is not in a git repository");
    }
    let bare = Sandbox::without_repository();
    bare.git(&["init", "-q", "--bare"]);
    bare.report(&["staged"]).is_incomplete(&[], "is bare");
    let repo = Sandbox::new();
    repo.commit_file("a.py", "a\n");
    repo.report(&["history", "nothing..HEAD"])
        .is_incomplete(&[], "revision `nothing`");
}

#[test]
fn a_key_in_the_name_of_a_gitlink_is_found_and_not_shown() {
    let repo = Sandbox::new();
    let oid = repo.commit_file("a.py", "a\n");
    let key = keys::legacy(1);
    let entry = format!("160000,{oid},vendor/{key}");
    repo.git(&["update-index", "--add", "--cacheinfo", &entry]);

    let staged = repo.report(&["staged"]);
    staged.finds(&["name vendor/sk-[51 characters hidden]"]);
    repo.git(&["commit", "-q", "-m", "x"]);
    repo.report(&["history", "HEAD~..HEAD"])
        .finds(&["name vendor/sk-[51 characters hidden]"]);
}

#[test]
fn a_key_in_the_name_of_an_empty_directory_is_found() {
    let directory = Sandbox::without_repository();
    fs::create_dir(directory.path(&keys::legacy(1))).unwrap();

    directory
        .report(&["scan"])
        .finds(&["name sk-[51 characters hidden]"]);
}

#[test]
fn a_bare_repository_with_a_worktree_elsewhere_is_scanned() {
    // As people keep their dotfiles.
    let home = Sandbox::without_repository();
    home.git(&["init", "-q", "--bare", "dotfiles"])
        .write(".netrc", keys::project(1));
    let git_dir = home.path("dotfiles");
    let variables = [
        ("GIT_DIR", git_dir.to_str().unwrap()),
        ("GIT_WORK_TREE", &*home.path("").display().to_string()),
    ];
    let mut add = home.git_command("", &["add", ".netrc"]);
    assert_eq!(run(add.envs(variables)).status, 0);

    let output = home.frisk_with(&variables, &["staged", "--format", "short"]);

    assert_eq!(output.status, 1, "{output:?}");
    assert!(output.stdout.starts_with(".netrc:1:1:"), "{output:?}");
}

#[test]
fn a_namespace_hides_no_ref() {
    let repo = Sandbox::new();
    repo.commit_file("a.py", keys::project(1));
    let namespace = [("GIT_NAMESPACE", "other")];

    for args in [&["history"][..], &["history", "HEAD"], &["staged", "--all"]] {
        let output = repo.frisk_with(&namespace, args);
        assert_eq!(output.status, 1, "{args:?}: {output:?}");
    }
    repo.git(&["commit", "-q", "--allow-empty", "-m", "x"]);
    let output = repo.frisk_with(&namespace, &["staged"]);
    assert_eq!(output.status, 0, "{output:?}");
}

#[test]
fn a_key_in_an_argument_is_not_shown_in_a_usage_error() {
    let nowhere = Sandbox::without_repository();
    let key = keys::project(1);
    for argument in [
        format!("--format={key}"),
        format!("--{key}"),
        format!("--max-filesize={key}"),
        format!("--format=\u{1b}[31m{key}"),
    ] {
        let output = nowhere.frisk(&["scan", &argument]);
        assert_eq!(output.status, 2);
        let part = key.get(20..30).unwrap();
        assert!(!output.stderr.contains(part) && !output.stdout.contains(part));
    }
}

#[test]
fn rules_without_end_are_refused() {
    let directory = Sandbox::without_repository();
    let rule = |id: usize, pattern: &str| {
        format!(
            "[[rule]]\nid = 'r{id}'\nsummary = 'x'\nkeywords = ['abc']\npattern = '{pattern}'\n"
        )
    };
    let many: String = (0..1001).map(|id| rule(id, "abc[0-9]{4}")).collect();
    for (content, message) in [
        (many, "more than 1000"),
        (
            rule(1, "abc(?:[a-z]{100}[0-9]{100}){100}"),
            "does not compile",
        ),
    ] {
        directory.write("../rules.toml", content);
        frisk(&directory, &["scan", "--rules", "../rules.toml"]).fails_with(message);
    }
}

#[test]
fn a_file_that_becomes_a_pipe_is_not_waited_for() {
    // It cannot be made to change just then; what stands for it is a pipe that is named.
    let directory = Sandbox::without_repository();
    assert_eq!(
        run(&mut directory.command("mkfifo", "", &["pipe"])).status,
        0
    );

    frisk(&directory, &["scan", "pipe"]).fails_with("pipe: is no regular file");
    assert_eq!(frisk(&directory, &["scan"]).status, 0);
}

#[cfg(target_os = "linux")]
#[test]
fn memory_that_is_not_to_be_had_is_2() {
    let directory = Sandbox::without_repository();
    let line = keys::project(1);
    directory.write("many", format!("{line}\n").repeat(20_000));
    let mut incomplete = 0;
    for kilobytes in [200_000, 100_000, 60_000] {
        for format in ["human", "json"] {
            let script = format!("ulimit -v {kilobytes}; exec \"$0\" scan . --format {format}");
            let output = shell(&directory, &script);
            assert!([1, 2].contains(&output.status), "{kilobytes}: {output:?}");
            incomplete += u32::from(output.status == 2);
        }
    }
    assert!(incomplete > 0);
}
