//! Exceptions by key: `.friskignore`, `git frisk allow` and `FRISK_ALLOW`.

use std::fs;
use std::process::Command;

use serde_json::json;

use crate::keys;
use crate::sandbox::Report;
use crate::sandbox::Sandbox;
use crate::sandbox::exists;

const FILE: &str = ".friskignore";

/// An entry for the key made from a seed.
fn entry(seed: u64, reason: &str) -> String {
    format!("frisk:{} {reason}\n", keys::id(&keys::project(seed)))
}

fn line(seed: u64) -> String {
    format!("k = '{}'\n", keys::project(seed))
}

/// Fails unless there are findings, all allowed this way.
#[track_caller]
fn allowed(report: &Report, places: &[&str], by: &str, reason: &str) {
    assert_eq!(
        (report.status, report.places()),
        (0, places.iter().map(ToString::to_string).collect()),
        "{report:#?}"
    );
    for suppressed in report.json["findings"].as_array().unwrap() {
        assert_eq!(
            suppressed["suppressed"],
            json!({"by": by, "reason": reason})
        );
    }
}

/// Fails if anything of a key's body is in a text.
#[track_caller]
fn shows_nothing_of(key: &str, text: &str) {
    for part in key.as_bytes()[8..].windows(6) {
        let part = std::str::from_utf8(part).unwrap();
        assert!(!text.contains(part), "{text}");
    }
}

#[test]
fn an_entry_allows_its_key_in_every_scan_and_no_other() {
    let repo = Sandbox::new();
    repo.write(
        FILE,
        format!("\u{feff}# why\r\n\r\n{}", entry(1, "made up")),
    )
    .write("a.py", line(1))
    .git(&["add", "."]);
    allowed(
        &repo.report(&["scan"]),
        &["a.py:1"],
        "ignore-file",
        "made up",
    );
    allowed(
        &repo.report(&["staged"]),
        &["a.py:1"],
        "ignore-file",
        "made up",
    );
    repo.commit("One");
    allowed(
        &repo.report(&["history"]),
        &["a.py:1"],
        "ignore-file",
        "made up",
    );

    let output = repo.frisk(&["scan"]);
    assert_eq!(
        output.stderr,
        "git-frisk: 1 finding allowed (1 by .friskignore)\n"
    );
    for command in ["scan", "history"] {
        repo.report(&[command, "--no-allow"]).finds(&["a.py:1"]);
    }

    repo.write("b.py", line(2)).git(&["add", "."]);
    let report = repo.report(&["staged"]);
    report.finds(&["b.py:1"]);
    // The old key with another last character.
    let mut changed = line(1);
    let last = changed.len() - 3;
    let other = if changed.as_bytes()[last] == b'x' {
        "y"
    } else {
        "x"
    };
    changed.replace_range(last..=last, other);
    repo.write("b.py", changed).git(&["add", "."]);
    assert_eq!(repo.frisk(&["staged"]).status, 1);
}

#[test]
fn an_entry_survives_moves_renames_and_squashes() {
    let repo = Sandbox::new();
    repo.write(FILE, entry(1, "x")).commit_file("a.py", line(1));
    repo.git(&["checkout", "-q", "-b", "topic"])
        .git(&["mv", "a.py", "b.py"])
        .commit("Move");
    repo.commit_file("b.py", format!("\n\n\n{}", line(1)));
    repo.git(&["checkout", "-q", "main"])
        .git(&["merge", "-q", "--squash", "topic"]);
    assert_eq!(repo.frisk(&["staged"]).status, 0);
    repo.commit("Squash");
    assert_eq!(repo.frisk(&["history"]).status, 0);
    assert_eq!(repo.frisk(&["scan"]).status, 0);
}

#[test]
fn what_is_not_staged_lets_no_commit_pass() {
    let repo = Sandbox::new();
    repo.commit("Begin");
    repo.write("a.py", line(1))
        .git(&["add", "a.py"])
        .write(FILE, entry(1, "x"));

    repo.report(&["staged"]).finds(&["a.py:1"]);
    assert_eq!(repo.frisk(&["scan"]).status, 0);

    repo.git(&["add", "-N", FILE]);
    repo.report(&["staged"]).finds(&["a.py:1"]);

    repo.git(&["add", FILE]);
    assert_eq!(repo.frisk(&["staged"]).status, 0);

    // What is staged counts, also when it is gone from the worktree.
    repo.remove(FILE);
    assert_eq!(repo.frisk(&["staged"]).status, 0);
    assert_eq!(repo.frisk(&["scan"]).status, 1);
}

#[test]
fn the_hook_of_a_real_commit_heeds_what_the_commit_has() {
    let repo = Sandbox::new();
    repo.hook("pre-commit", "exec \"$FRISK\" hook pre-commit");
    repo.write("a.py", line(1))
        .write(FILE, entry(1, "x"))
        .git(&["add", "a.py"]);
    assert_ne!(repo.try_git(&["commit", "-q", "-m", "a"]).status, 0);
    repo.git(&["add", FILE]);
    assert_eq!(repo.try_git(&["commit", "-q", "-m", "a"]).status, 0);

    // Only a part of the index is committed.
    repo.write("b.py", line(2))
        .write(FILE, entry(1, "x") + &entry(2, "y"))
        .git(&["add", "b.py", FILE]);
    assert_ne!(repo.try_git(&["commit", "-q", "-m", "b", "b.py"]).status, 0);
    assert_eq!(
        repo.try_git(&["commit", "-q", "-m", "b", "b.py", FILE])
            .status,
        0
    );
}

#[test]
fn a_history_is_judged_by_what_is_committed() {
    let repo = Sandbox::new();
    let base = repo.commit("Begin");
    repo.commit_file("a.py", line(1));
    repo.write(FILE, entry(1, "x"));
    let range = format!("{base}..HEAD");

    assert_eq!(repo.frisk(&["history"]).status, 1);
    assert_eq!(repo.frisk(&["history", &range]).status, 1);

    repo.commit("Allow it");
    assert_eq!(repo.frisk(&["history"]).status, 0);
    assert_eq!(repo.frisk(&["history", &range]).status, 0);
}

#[test]
fn a_key_in_a_message_or_a_name_can_be_allowed_by_id() {
    let repo = Sandbox::new();
    let key = keys::legacy(1);
    repo.write(FILE, format!("frisk:{} x\n", keys::id(&key)))
        .write(&format!("{key}.txt"), "x")
        .commit(&format!("Use {key}"));
    assert_eq!(repo.frisk(&["history"]).status, 0);
    assert_eq!(repo.frisk(&["scan"]).status, 0);
}

#[test]
fn a_bad_line_is_named_and_not_shown() {
    let repo = Sandbox::new();
    let key = keys::project(1);
    for bad in [
        "*",
        "frisk:123 x",
        "frisk:ABCDEFGHIJKL",
        &key,
        &format!("frisk:{key} x"),
    ] {
        repo.write(FILE, format!("# x\n{bad}\n{}", entry(1, "x")))
            .write("a.py", line(2))
            .git(&["add", "."]);
        for args in [&["scan"][..], &["staged"], &["staged", "--all"]] {
            let output = repo.frisk(args);
            output.fails_with(".friskignore: line 2: ");
            shows_nothing_of(&key, &output.stderr);
            assert!(output.stdout.contains("a.py:1:"), "{output:?}");
        }
        let report = repo.report(&["scan"]);
        report.is_incomplete(
            &[".friskignore:2", "a.py:1"]
                .into_iter()
                .filter(|place| bad.contains(&key) || *place == "a.py:1")
                .collect::<Vec<_>>(),
            "line 2",
        );
    }
    repo.write(FILE, "*\n".repeat(50));
    repo.frisk(&["scan"]).fails_with("and 40 lines more");
}

#[test]
fn what_is_no_file_is_an_error_and_no_wait() {
    let repo = Sandbox::new();
    repo.write("a.py", line(1))
        .write("../outside", entry(1, "x"));
    let bad = |message: &str| {
        let output = repo.frisk(&["scan"]);
        output.fails_with(&format!(".friskignore: {message}"));
        assert!(output.stdout.contains("a.py:1:"), "{output:?}");
    };
    repo.link("../outside", FILE);
    bad("is a symbolic link");
    repo.git(&["add", "."]);
    repo.frisk(&["staged"])
        .fails_with(".friskignore: is a symbolic link");
    repo.commit("A link");
    repo.frisk(&["history"])
        .fails_with(".friskignore: is a symbolic link");
    repo.remove(FILE);

    let fifo = repo.path(FILE);
    assert!(
        Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .unwrap()
            .success()
    );
    bad("is no regular file");
    repo.remove(FILE);

    fs::create_dir(&fifo).unwrap();
    bad("is no regular file");
    fs::remove_dir(&fifo).unwrap();

    repo.write(FILE, "#\n".repeat(600_000));
    bad("is larger than 1048576 bytes");
    repo.git(&["add", "."]);
    repo.frisk(&["staged", "--all"])
        .fails_with(".friskignore: is larger");
}

#[test]
fn what_is_not_used_any_more_is_named_in_whole_scans() {
    let repo = Sandbox::new();
    repo.write(FILE, entry(1, "x") + &entry(2, "y"))
        .commit_file("a.py", line(1));
    let message = format!(
        ".friskignore: line 2: frisk:{} allows nothing",
        keys::id(&keys::project(2))
    );
    for args in [
        &["scan"][..],
        &["scan", "."],
        &["staged", "--all"],
        &["history"],
    ] {
        let output = repo.frisk(args);
        assert_eq!(output.status, 0, "{output:?}");
        assert!(
            output.stderr.contains(&format!("note: {message}")),
            "{output:?}"
        );
        let report = repo.report(args);
        assert!(
            report.remarks("skipped")[0].starts_with(&message),
            "{report:?}"
        );
    }
    for args in [
        &["scan", "a.py"][..],
        &["staged"],
        &["history", "HEAD"],
        &["scan", "--no-allow"],
    ] {
        let output = repo.frisk(args);
        assert!(!output.stderr.contains("allows nothing"), "{output:?}");
    }
    // It is used, if only beside a comment.
    repo.write("b.py", line(2).replace('\n', " # frisk:allow z\n"));
    assert!(!repo.frisk(&["scan"]).stderr.contains("allows nothing"));
}

#[test]
fn a_reason_is_masked() {
    let repo = Sandbox::new();
    let key = keys::project(1);
    repo.write(FILE, entry(2, &format!("as {key}\u{1b}[2J")))
        .write("a.py", line(2));
    let report = repo.report(&["scan", "a.py"]);
    assert_eq!(report.status, 0);
    let reason = report.json["findings"][0]["suppressed"]["reason"]
        .as_str()
        .unwrap();
    assert_eq!(reason, "as sk-proj-[164 characters hidden]\\x1b[2J");
}

#[test]
fn the_file_of_another_directory_means_nothing() {
    let outside = Sandbox::without_repository();
    outside
        .write("d/.friskignore", entry(1, "x"))
        .write("d/a.py", line(1));
    assert_eq!(outside.frisk(&["scan", "d"]).status, 1);
    assert_eq!(outside.frisk_in("d", &["scan"]).status, 0);
    assert_eq!(outside.frisk(&["-C", "d", "scan", "."]).status, 0);

    // Nor in a directory of a repository; the one at the top counts from everywhere.
    let repo = Sandbox::new();
    repo.write("d/.friskignore", entry(1, "x"))
        .write("d/a.py", line(1));
    assert_eq!(repo.frisk_in("d", &["scan"]).status, 1);
    repo.write(FILE, entry(1, "x"));
    assert_eq!(repo.frisk_in("d", &["scan"]).status, 0);
}

#[test]
fn a_variable_allows_for_once() {
    let repo = Sandbox::new();
    repo.write("a.py", line(1) + &line(2)).git(&["add", "."]);
    let id = |seed| keys::id(&keys::project(seed));
    let both = format!("{},{}", id(1), id(2));

    let output = repo.frisk_with(&[("FRISK_ALLOW", &both)], &["staged"]);
    assert_eq!(output.status, 0, "{output:?}");
    assert_eq!(
        output.stderr,
        "git-frisk: 2 findings allowed (2 by FRISK_ALLOW)\n"
    );
    let report =
        Report::from(repo.frisk_with(&[("FRISK_ALLOW", &both)], &["scan", "--format", "json"]));
    allowed(&report, &["a.py:1", "a.py:2"], "environment", "");
    assert_eq!(
        repo.frisk_with(&[("FRISK_ALLOW", &id(1))], &["staged"])
            .status,
        1
    );
    assert_eq!(
        repo.frisk_with(&[("FRISK_ALLOW", &both)], &["staged", "--no-allow"])
            .status,
        1
    );
    assert_eq!(
        repo.frisk_with(&[("FRISK_ALLOW", "")], &["staged"]).status,
        1
    );

    let key = keys::project(1);
    for bad in ["*", "all", &key, &format!("{both},x")] {
        let output = repo.frisk_with(&[("FRISK_ALLOW", bad)], &["staged"]);
        output.fails_with("FRISK_ALLOW: entry ");
        shows_nothing_of(&key, &output.stderr);
    }
}

#[test]
fn allow_writes_an_entry() {
    let repo = Sandbox::new();
    repo.write("src/a.py", line(1)).git(&["add", "."]);
    let id = keys::id(&keys::project(1));
    let output = repo.frisk_in("src", &["allow", &id, "--reason", "made up"]);
    assert_eq!((output.status, &*output.stderr), (0, ""));
    assert!(
        output
            .stdout
            .starts_with(&format!("allowed {id} in .friskignore")),
        "{output:?}"
    );
    assert_eq!(
        fs::read_to_string(repo.path(FILE)).unwrap(),
        format!("frisk:{id} made up\n")
    );
    assert_eq!(repo.frisk(&["scan"]).status, 0);
    assert_eq!(repo.frisk(&["staged"]).status, 1);
    repo.git(&["add", "."]);
    assert_eq!(repo.frisk(&["staged"]).status, 0);

    let again = repo.frisk(&["allow", &id.to_uppercase(), "--reason", "again"]);
    assert_eq!(again.status, 0);
    assert!(
        again.stdout.contains("is allowed already, by line 1"),
        "{again:?}"
    );
    repo.write(FILE, "# by hand");
    assert_eq!(
        repo.frisk(&["allow", &format!("frisk:{id}"), "--reason", "x"])
            .status,
        0
    );
    assert_eq!(
        fs::read_to_string(repo.path(FILE)).unwrap(),
        format!("# by hand\nfrisk:{id} x\n")
    );
    assert!(!exists(&repo.path(".friskignore.lock")));
}

#[test]
fn allow_refuses_what_it_cannot_write_and_shows_no_key() {
    let repo = Sandbox::new();
    let (key, id) = (keys::project(1), keys::id(&keys::project(1)));
    let part = |from: usize, to: usize| key.get(from..to).unwrap();
    let says = |args: &[&str], message: &str| {
        let output = repo.frisk(&[&["allow"], args].concat());
        output.fails_with(message);
        let all = output.stdout + &output.stderr;
        shows_nothing_of(&key, &all);
        assert!(!exists(&repo.path(FILE)));
        assert!(!exists(&repo.path(".friskignore.lock")));
    };
    says(&[&key, "--reason", "x"], "sha256sum");
    says(&[part(8, 60), "--reason", "x"], "may be a key");
    says(&["--reason", "x", part(0, 40)], "may be a key");
    says(&["123", "--reason", "x"], "is no key id");
    says(&[&id, &key, "--reason", "x"], "argument 2");
    says(&[&id], "--reason");
    says(&[&id, "--reason", " "], "--reason is empty");
    says(&[&id, "--reason", "a\nb"], "one line");
    says(&[&id, "--reason", &format!("it is {key}")], "holds a key");
    says(&["--reason", "x"], "KEY-ID");
    says(&[&id, "--all", "--reason", "x"], "cannot be used");

    repo.write(".friskignore.lock", "");
    repo.frisk(&["allow", &id, "--reason", "x"])
        .fails_with("another `git frisk allow`");
    repo.remove(".friskignore.lock").write(FILE, "nonsense\n");
    repo.frisk(&["allow", &id, "--reason", "x"])
        .fails_with("line 1");
    assert_eq!(fs::read_to_string(repo.path(FILE)).unwrap(), "nonsense\n");
    repo.remove(FILE).write("other", "x").link("other", FILE);
    repo.frisk(&["allow", &id, "--reason", "x"])
        .fails_with("symbolic link");
    assert_eq!(fs::read_to_string(repo.path("other")).unwrap(), "x");
}

#[test]
fn a_baseline_adopts_what_stands_and_no_more() {
    let repo = Sandbox::new();
    repo.write(".gitignore", "ignored.py\n")
        .write("ignored.py", line(9))
        .write("a.py", line(1) + &line(2))
        .write(
            "sub/b.py",
            line(1) + &line(3).replace('\n', " # frisk:allow x\n"),
        )
        .git(&["add", "."]);
    let output = repo.frisk_in("sub", &["allow", "--all", "--reason", "baseline"]);
    assert_eq!(output.status, 0, "{output:?}");
    assert!(
        output.stdout.starts_with("allowed 2 keys in .friskignore"),
        "{output:?}"
    );
    let mut wanted = [entry(1, "baseline"), entry(2, "baseline")];
    wanted.sort();
    let written = fs::read_to_string(repo.path(FILE)).unwrap();
    assert_eq!(written, wanted.concat());

    let again = repo.frisk(&["allow", "--all", "--reason", "other"]);
    assert_eq!(
        (again.status, &*again.stdout),
        (0, "no finding stands: nothing to allow\n")
    );
    assert_eq!(fs::read_to_string(repo.path(FILE)).unwrap(), written);
    assert_eq!(repo.frisk(&["scan"]).status, 0);

    repo.write("c.py", line(4));
    assert_eq!(repo.frisk(&["scan"]).status, 1);
}

#[test]
fn no_baseline_is_made_of_a_scan_that_is_not_complete() {
    let repo = Sandbox::new();
    repo.write("a.py", line(1))
        .write(".frisk.toml", "nonsense = 1\n");
    repo.frisk(&["allow", "--all", "--reason", "x"])
        .fails_with(".friskignore was not changed");
    assert!(!exists(&repo.path(FILE)));
}

#[test]
fn odd_repositories_have_exceptions_too() {
    for init in [&["--object-format=sha256"][..], &[]] {
        let repo = Sandbox::without_repository();
        repo.git(&[&["init", "-q", "-b", "main"], init].concat());
        repo.git(&["config", "index.version", "4"])
            .git(&["config", "feature.manyFiles", "true"]);
        repo.write("a.py", line(1))
            .write(FILE, entry(1, "x"))
            .git(&["add", "."]);
        assert_eq!(repo.frisk(&["staged"]).status, 0);
        repo.commit("One");
        repo.git(&["worktree", "add", "-q", "-b", "w", "../linked"]);
        assert_eq!(repo.frisk_in("../linked", &["scan"]).status, 0);
        assert_eq!(repo.frisk_in("../linked", &["history"]).status, 0);
        repo.git(&["clone", "-q", "--bare", ".", "../bare.git"]);
        assert_eq!(repo.frisk_in("../bare.git", &["history"]).status, 0);
        let id = keys::id(&keys::project(1));
        repo.frisk_in("../bare.git", &["allow", &id, "--reason", "x"])
            .fails_with("bare");
    }
}
