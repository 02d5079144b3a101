//! `git frisk scan`: files and directories.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;

use crate::keys;
use crate::sandbox::Sandbox;
use crate::sandbox::run;

#[test]
fn a_directory_without_a_repository_is_scanned() {
    let directory = Sandbox::without_repository();
    directory
        .write("deep/down/app.py", format!("\n{}\n", keys::project(1)))
        .write("clean.py", "a\n");

    directory.report(&["scan"]).finds(&["deep/down/app.py:2"]);
    directory
        .report(&["scan", "deep"])
        .finds(&["deep/down/app.py:2"]);
}

#[test]
fn a_clean_directory_is_clean() {
    let directory = Sandbox::without_repository();
    directory.write("clean.py", "a\n");

    directory.frisk(&["scan"]).is_clean();
}

#[test]
fn hidden_files_count() {
    let repo = Sandbox::new();
    repo.write(".env", keys::project(1))
        .write(".config/app/.secrets", keys::project(2));

    repo.report(&["scan"])
        .finds(&[".config/app/.secrets:1", ".env:1"]);
}

#[test]
fn a_tracked_file_counts_though_it_is_ignored() {
    let repo = Sandbox::new();
    repo.write(".gitignore", ".env\nbuild/\n")
        .write(".env", keys::project(1))
        .write("build/out.txt", keys::project(2))
        .git(&["add", "-f", "."]);

    repo.report(&["scan"]).finds(&[".env:1", "build/out.txt:1"]);
}

#[test]
fn tracked_files_count_wherever_the_walk_begins_and_once() {
    let repo = Sandbox::new();
    let names = ["a", "a!/x", "a-b/x", "a.b", "a/x", "a0", ".d/x"];
    let names = names.map(|name| name.replace('a', "s/a").replace(".d", "s/.d"));
    repo.write("s/a-b/.gitignore", "x\n");
    for (seed, name) in (1..).zip(&names) {
        // `a` is a file and a directory, by turns.
        if name != "s/a" {
            repo.write(name, keys::project(seed));
        }
    }
    repo.git(&["add", "-f", "."])
        .write(".gitignore", "new\nx\na0\na.b\n")
        .write("s/new", keys::project(9));
    let all = [
        "s/.d/x:1",
        "s/a!/x:1",
        "s/a-b/x:1",
        "s/a.b:1",
        "s/a/x:1",
        "s/a0:1",
    ];

    repo.report(&["scan"]).finds(&all);
    for root in ["s", "./s", "s/", "././s", "../repo/s"] {
        let report = repo.report(&["scan", root]);
        assert_eq!(report.places().len(), all.len(), "{root}: {report:#?}");
    }
    let report = repo.report(&["-C", "s", "scan"]);
    assert_eq!(report.places().len(), all.len(), "{report:#?}");
}

#[test]
fn nothing_is_ignored_where_the_index_cannot_be_read() {
    let repo = Sandbox::new();
    repo.write(".gitignore", "*.env\n")
        .write("a.env", keys::project(1))
        .git(&["add", "."]);
    let index = fs::read(repo.path(".git/index")).unwrap();
    let last = index.len() - 1;

    repo.frisk(&["scan"]).is_clean();
    repo.write(".git/index", &index[..last]);
    repo.report(&["scan"]).finds(&["a.env:1"]);
    repo.write(".git/index", [&index[..last], &[!index[last]]].concat());
    repo.report(&["scan"]).finds(&["a.env:1"]);
}

#[test]
fn a_tracked_file_counts_in_every_form_of_the_index() {
    let repo = Sandbox::new();
    repo.write(".gitignore", "*.env\n")
        .write("a.env", keys::project(1))
        .write("b/c.env", keys::project(2))
        .git(&["add", "-f", "."])
        .write("d.env", keys::project(3));

    for form in [&["--index-version", "4"], &["--index-version", "2"]] {
        repo.git(&[&["update-index"], &form[..]].concat());
        repo.report(&["scan"]).finds(&["a.env:1", "b/c.env:1"]);
    }
    repo.git(&["update-index", "--split-index"]);
    let found = repo.report(&["scan"]).places();
    assert!(
        ["a.env:1", "b/c.env:1"]
            .iter()
            .all(|place| found.iter().any(|f| f == place))
    );
}

#[test]
fn an_untracked_file_that_is_ignored_is_left_out() {
    let repo = Sandbox::new();
    repo.write(".gitignore", ".env\nbuild/\n")
        .write(".git/info/exclude", "*.local\n")
        .write("sub/.gitignore", "*.tmp\n")
        .write(".env", keys::project(1))
        .write("build/out.txt", keys::project(2))
        .write("sub/a.tmp", keys::project(3))
        .write("settings.local", keys::project(4));

    repo.frisk(&["scan"]).is_clean();
    repo.report(&["scan", "--no-ignore"]).finds(&[
        ".env:1",
        "build/out.txt:1",
        "settings.local:1",
        "sub/a.tmp:1",
    ]);
}

#[test]
fn an_ignore_file_outside_of_a_repository_means_nothing() {
    let directory = Sandbox::without_repository();
    directory
        .write(".gitignore", "*\n")
        .write(".ignore", "*\n")
        .write(".rgignore", "*\n")
        .write("a.py", keys::project(1));

    directory.report(&["scan"]).finds(&["a.py:1"]);
}

#[test]
fn only_git_s_own_ignore_files_mean_something() {
    let repo = Sandbox::new();
    repo.write(".ignore", "*.py\n")
        .write(".rgignore", "*.py\n")
        .write("a.py", keys::project(1));

    repo.report(&["scan"]).finds(&["a.py:1"]);
}

#[test]
fn a_file_that_is_named_counts_though_it_is_ignored() {
    let repo = Sandbox::new();
    repo.write(".gitignore", ".env\nbuild/\n")
        .write(".env", keys::project(1))
        .write("build/out.txt", keys::project(2));

    repo.report(&["scan", ".env"]).finds(&[".env:1"]);
    repo.report(&["scan", "build"]).finds(&["build/out.txt:1"]);
}

#[test]
fn a_file_is_told_once_however_often_it_is_named() {
    let repo = Sandbox::new();
    repo.write("a.py", keys::project(1));

    repo.report(&["scan", ".", "a.py", "."]).finds(&["a.py:1"]);
}

#[test]
fn no_extension_and_no_content_is_exempt() {
    let repo = Sandbox::new();
    let names = [
        "Cargo.lock",
        "app.min.js",
        "data.bin",
        "image.png",
        "module.pyc",
        "photo.jpg",
        "dump.sql.gz",
        "node_modules/x/index.js",
        "font.woff2",
        "vendor/lib.go",
    ];
    for (seed, name) in (1..).zip(names) {
        let content = [
            b"\x89PNG\r\n\x1a\n\0\0\xff\xfe",
            keys::project(seed).as_bytes(),
        ]
        .concat();
        repo.write(name, content);
    }

    let report = repo.report(&["scan"]);

    assert_eq!(report.places().len(), names.len(), "{report:#?}");
}

#[test]
fn a_link_is_not_followed_but_its_target_is_read() {
    let repo = Sandbox::new();
    repo.write("../outside/key.txt", keys::project(1))
        .link("../outside", "directory")
        .link("../outside/key.txt", "file")
        .link(".", "loop")
        .link(&format!("/keys/{}", keys::legacy(2)), "target");

    repo.report(&["scan"]).finds(&["target:1"]);
}

#[test]
fn a_link_that_is_named_is_followed() {
    let repo = Sandbox::new();
    repo.write("../outside/key.txt", keys::project(1))
        .link("../outside/key.txt", "file");

    repo.report(&["scan", "file"]).finds(&["file:1"]);
}

#[test]
fn a_missing_path_is_an_error_and_the_rest_is_scanned() {
    let repo = Sandbox::new();
    repo.write("a.py", keys::project(1));

    let report = repo.report(&["scan", "missing.py", "a.py"]);

    report.is_incomplete(&["a.py:1"], "missing.py: is not there");
    assert!(
        report.stderr.contains("error: missing.py: is not there\n"),
        "{}",
        report.stderr
    );
}

#[test]
fn a_pipe_is_left_out_and_one_that_is_named_is_an_error() {
    let repo = Sandbox::new();
    repo.write("a.py", "a\n");
    let made = run(&mut repo.command("mkfifo", "", &["pipe"]));
    assert_eq!(made.status, 0);

    let report = repo.report(&["scan"]);
    report.is_clean();
    assert_eq!(
        report.remarks("skipped"),
        ["pipe: is a pipe, a socket or a device"]
    );
    repo.report(&["scan", "pipe"])
        .is_incomplete(&[], "pipe: is no regular file");
}

#[test]
fn standard_input_is_scanned() {
    let nowhere = Sandbox::without_repository();
    let input = format!("one\ntwo {}\n", keys::project(1));

    let output = nowhere.frisk_fed(input.as_bytes(), &["scan", "-", "--format", "short"]);

    assert_eq!(output.status, 1);
    assert!(output.stdout.starts_with("<stdin>:2:5: "), "{output:?}");
    nowhere.frisk_fed(b"nothing", &["scan", "-"]).is_clean();
    nowhere.frisk_fed(b"", &["scan", "-"]).is_clean();
}

#[test]
fn standard_input_and_files_are_scanned_together() {
    let nowhere = Sandbox::without_repository();
    nowhere.write("a.py", keys::project(1));
    let input = keys::project(2);

    let args = ["scan", "-", "a.py", "--format", "short"];
    let output = nowhere.frisk_fed(input.as_bytes(), &args);

    assert_eq!(output.status, 1);
    assert_eq!(output.stdout.lines().count(), 2, "{output:?}");
}

#[test]
fn what_a_list_names_is_scanned_and_no_more() {
    let repo = Sandbox::new();
    repo.write(".gitignore", "*.env\n")
        .write("a b.py", keys::project(1))
        .write("deep/c.env", keys::project(2))
        .write("other.py", keys::project(3))
        .write("-", keys::project(4))
        .write("list", "a b.py\n\ndeep/c.env\na b.py")
        .write("nul", b"-\0deep/c.env\0")
        .write("deep/list", "c.env\n");

    repo.report(&["scan", "--files-from", "list"])
        .finds(&["a b.py:1", "deep/c.env:1"]);
    repo.report(&["scan", "--files-from", "list", "other.py"])
        .finds(&["a b.py:1", "deep/c.env:1", "other.py:1"]);
    repo.report(&["scan", "-0", "--files-from", "nul"])
        .finds(&["-:1", "deep/c.env:1"]);
    repo.report(&["-C", "deep", "scan", "--files-from", "list"])
        .finds(&["c.env:1"]);
    let args = ["scan", "--null", "--files-from", "-", "--format", "short"];
    let output = repo.frisk_fed(b"deep/c.env\0other.py", &args);
    assert_eq!(
        (output.status, output.stdout.lines().count()),
        (1, 2),
        "{output:?}"
    );
}

#[test]
fn an_empty_list_is_clean() {
    let repo = Sandbox::new();
    repo.write("a.py", keys::project(1)).write("list", "\n\n");

    repo.frisk(&["scan", "--files-from", "/dev/null"])
        .is_clean();
    repo.frisk(&["scan", "--files-from", "list"]).is_clean();
    repo.frisk_fed(b"", &["scan", "--files-from", "-"])
        .is_clean();
}

#[test]
fn what_a_list_names_has_to_be_there() {
    let repo = Sandbox::new();
    repo.write("a.py", keys::project(1))
        .write("list", "gone.py\na.py\n");

    repo.report(&["scan", "--files-from", "list"])
        .is_incomplete(&["a.py:1"], "gone.py: is not there");
    repo.frisk(&["scan", "--files-from", "gone"])
        .fails_with("gone");
    repo.frisk(&["scan", "--files-from", "."])
        .fails_with("the list of files");
    repo.frisk(&["scan", "--null"]).fails_with("--files-from");
    repo.frisk_fed(b"", &["scan", "--files-from", "-", "-"])
        .fails_with("standard input");
}

#[test]
fn a_file_of_one_window_and_one_of_many_are_read_to_their_end() {
    let repo = Sandbox::new();
    for (seed, size) in (1..).zip([0, 65_000, 65_535, 65_536, 262_144, 4 << 20, 9 << 20]) {
        let text = [
            b"\0".repeat(size),
            b" ".to_vec(),
            keys::project(seed).into_bytes(),
        ];
        repo.write(&format!("{size}"), text.concat());
    }

    let report = repo.report(&["scan"]);

    assert_eq!(report.places().len(), 7, "{report:#?}");
}

#[test]
fn excluded_paths_are_left_out_and_named() {
    let repo = Sandbox::new();
    repo.write("tests/fixtures/a.py", keys::project(1))
        .write("b.snap", keys::project(2))
        .write("c.py", keys::project(3));

    let report = repo.report(&["scan", "--exclude", "fixtures/", "--exclude", "*.snap"]);

    report.finds(&["c.py:1"]);
    assert_eq!(
        report.remarks("skipped"),
        ["b.snap: excluded", "tests/fixtures/a.py: excluded"]
    );
    assert!(report.stderr.contains("left out: b.snap: excluded\n"));
    assert!(report.stderr.contains("2 paths left out"));
}

#[test]
fn a_bad_exclude_is_a_usage_error() {
    let repo = Sandbox::new();

    repo.frisk(&["scan", "--exclude", "a{"])
        .fails_with("--exclude");
}

#[test]
fn large_files_are_left_out_on_demand_and_named() {
    let repo = Sandbox::new();
    repo.write(
        "large.txt",
        format!("{}\n{}", "x".repeat(2000), keys::project(1)),
    )
    .write("small.txt", keys::project(2));

    repo.report(&["scan"])
        .finds(&["large.txt:2", "small.txt:1"]);
    let report = repo.report(&["scan", "--max-filesize", "1K"]);

    report.finds(&["small.txt:1"]);
    let size = 2001 + keys::project(1).len();
    assert_eq!(
        report.remarks("skipped"),
        [format!(
            "large.txt: has {size} bytes, more than --max-filesize"
        )]
    );
    assert!(report.stderr.contains("left out: large.txt: "));
}

#[test]
fn a_nested_repository_is_scanned_by_its_own_rules() {
    let repo = Sandbox::new();
    repo.git(&["init", "-q", "nested"])
        .write("nested/.gitignore", "*.env\n!ours.env\n")
        .write("nested/theirs.env", keys::project(1))
        .write("nested/tracked.env", keys::project(2))
        .write("nested/a.py", keys::project(3))
        .git_in("nested", &["add", "-f", "tracked.env"]);

    repo.report(&["scan"])
        .finds(&["nested/a.py:1", "nested/tracked.env:1"]);
}

#[test]
fn a_submodule_is_scanned() {
    let repo = Sandbox::new();
    repo.git(&["init", "-q", "../library"])
        .write("../library/.gitignore", "*.env\n")
        .write("../library/l.env", keys::project(1))
        .git_in("../library", &["add", "-f", "."])
        .git_in("../library", &["commit", "-q", "-m", "x"])
        .git(&[
            "-c",
            "protocol.file.allow=always",
            "submodule",
            "--quiet",
            "add",
            "../library",
            "sub",
        ])
        .write(".gitignore", "sub/\n");

    repo.report(&["scan"]).finds(&["sub/l.env:1"]);
}

#[test]
fn git_s_own_files_are_no_part_of_the_worktree() {
    let repo = Sandbox::new();
    repo.write(".git/description", keys::project(1));

    repo.frisk(&["scan"]).is_clean();
}

#[test]
fn a_directory_that_is_git_s_by_name_only_is_scanned() {
    let repo = Sandbox::new();
    repo.write("fake/.git/key.txt", keys::project(1))
        .write("other/.git", format!("no link: {}\n", keys::project(2)));

    repo.report(&["scan"])
        .finds(&["fake/.git/key.txt:1", "other/.git:1"]);
}

#[test]
fn a_key_in_a_directory_s_name_is_told_once() {
    let repo = Sandbox::new();
    let key = keys::legacy(1);
    for file in ["a.py", "b.py", "deep/c.py"] {
        repo.write(&format!("old/{key}/{file}"), "text\n");
    }

    let report = repo.report(&["scan"]);

    report.finds(&["name old/sk-[51 characters hidden]"]);
    assert_eq!(report.each("key_id"), [keys::id(&key)]);
}

#[test]
fn a_name_that_is_no_utf8_is_told_in_full() {
    let repo = Sandbox::new();
    let name = OsStr::from_bytes(b"caf\xe9.py");
    fs::write(repo.path("").join(name), keys::project(1)).unwrap();

    let report = repo.report(&["scan"]);

    report.finds(&["caf\u{fffd}.py:1"]);
    // printf 'caf\xe9.py' | base64
    assert_eq!(report.each("path_bytes"), ["Y2Fm6S5weQ=="]);
    let short = repo.frisk(&["scan", "--format", "short"]);
    assert!(short.stdout.starts_with("caf\\xe9.py:1:1: "), "{short:?}");
}

#[test]
fn every_kind_of_line_end_is_counted() {
    let repo = Sandbox::new();
    let key = keys::project(1);
    repo.write("bom.txt", format!("\u{feff}{key}"))
        .write("crlf.txt", format!("a\r\nb\r\n{key}\r\n"))
        .write("mac.txt", format!("a\rb\r{key}\r"))
        .write("none.txt", &key);

    repo.report(&["scan"])
        .finds(&["bom.txt:1", "crlf.txt:3", "mac.txt:3", "none.txt:1"]);
}

#[test]
fn a_key_deep_in_a_large_file_is_found() {
    let repo = Sandbox::new();
    let lines = 250_000;
    let text = "a line of some text\n".repeat(lines);
    repo.write("large.txt", format!("{text}{}\n{text}", keys::project(1)));

    repo.report(&["scan"])
        .finds(&[&format!("large.txt:{}", lines + 1)]);
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let repo = Sandbox::new();
    for file in 0..80 {
        repo.write(
            &format!("{}/{file}.py", file % 7),
            format!("{}\n{}\n", keys::project(file), keys::legacy(file % 5)),
        );
    }
    let args = ["scan", "--format", "short", "-j"];

    let one = repo.frisk(&[&args[..], &["1"]].concat());

    assert_eq!(one.stdout.lines().count(), 160);
    for threads in ["2", "4", "0"] {
        let many = repo.frisk(&[&args[..], &[threads]].concat());
        assert_eq!(many.stdout, one.stdout, "{threads} threads");
    }
}
