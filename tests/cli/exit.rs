//! The exit status, whatever happens to the streams.

use std::fs::File;
use std::io::Write as _;
use std::process::Stdio;

use crate::keys;
use crate::sandbox::FRISK;
use crate::sandbox::Sandbox;
use crate::sandbox::run;

/// A directory with a key in it.
fn with_a_key() -> Sandbox {
    let directory = Sandbox::without_repository();
    directory.write("a.py", keys::project(1));
    directory
}

#[test]
fn clean_findings_and_incomplete_are_told_apart() {
    let directory = with_a_key();
    directory.write("clean.py", "a\n");

    for format in [
        "human", "short", "json", "jsonl", "sarif", "github", "gitlab", "junit",
    ] {
        for (paths, status) in [
            (&["clean.py"][..], 0),
            (&["clean.py", "a.py"], 1),
            (&["missing.py"], 2),
            (&["missing.py", "a.py"], 2),
        ] {
            let args = [&["scan", "--format", format], paths].concat();
            assert_eq!(directory.frisk(&args).status, status, "{args:?}");
        }
    }
}

#[test]
fn a_usage_error_is_2_and_on_standard_error() {
    let nowhere = Sandbox::without_repository();
    for args in [
        &[][..],
        &["frobnicate"],
        &["scan", "--frobnicate"],
        &["scan", "--format", "xml"],
        &["scan", "--max-filesize", "big"],
        &["scan", "-q", "-v"],
        &["staged", "a.py"],
        &["hook"],
        &["hook", "post-office"],
        &["-C", "missing", "scan"],
    ] {
        let output = nowhere.frisk(args);
        assert_eq!((output.status, &*output.stdout), (2, ""), "{args:?}");
        assert_ne!(output.stderr, "", "{args:?}");
    }
}

#[test]
fn help_and_version_are_no_errors() {
    let nowhere = Sandbox::without_repository();
    for args in [
        &["--help"][..],
        &["help"],
        &["scan", "--help"],
        &["staged", "-h"],
        &["--version"],
    ] {
        let output = nowhere.frisk(args);
        assert_eq!((output.status, &*output.stderr), (0, ""), "{args:?}");
        assert_ne!(output.stdout, "", "{args:?}");
    }
    let version = nowhere.frisk(&["--version"]).stdout;
    assert!(version.contains(env!("CARGO_PKG_VERSION")), "{version}");
}

#[test]
fn a_report_that_cannot_be_written_is_2() {
    let directory = with_a_key();
    for (format, path) in [
        ("human", "a.py"),
        ("short", "a.py"),
        ("json", "a.py"),
        ("json", "."),
    ] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let args = ["scan", path, "--format", format];
        let mut command = directory.command(FRISK, "", &args);
        let output = command
            .stdout(full)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
            .wait_with_output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        let stderr = std::str::from_utf8(&output.stderr).unwrap();
        assert!(stderr.contains("error: writing the report"), "{stderr}");
    }
}

#[test]
fn what_was_found_is_told_where_the_report_is_lost() {
    let directory = with_a_key();
    for path in ["/dev/full", ".", "not/there"] {
        let output = directory.frisk(&["scan", "--format", "json", "-o", path]);
        output.fails_with("error: writing the report to");
        assert!(output.stderr.contains("a.py:1:"), "{output:?}");
    }
}

#[test]
fn a_reader_that_has_seen_enough_does_not_turn_findings_into_success() {
    let directory = with_a_key();
    for format in [
        "human", "short", "json", "jsonl", "sarif", "github", "gitlab", "junit",
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let args = ["scan", "--format", format];
        let status = directory
            .command(FRISK, "", &args)
            .stdout(writer)
            .stderr(Stdio::null())
            .status()
            .unwrap();
        assert_eq!(status.code(), Some(1), "{format}");
    }
}

#[test]
fn a_broken_standard_error_changes_nothing() {
    let directory = with_a_key();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);

    let status = directory
        .command(FRISK, "", &["scan"])
        .stdout(Stdio::null())
        .stderr(writer)
        .status()
        .unwrap();

    assert_eq!(status.code(), Some(1));
}

#[test]
fn a_closed_standard_input_is_2() {
    let nowhere = Sandbox::without_repository();
    let script = format!("'{FRISK}' scan - <&-");

    let output = run(&mut nowhere.command("sh", "", &["-c", &script]));

    output.fails_with("standard input is closed");
    // An empty one is not closed.
    nowhere.frisk(&["scan", "-"]).is_clean();
}

#[test]
fn an_interrupted_scan_is_2() {
    let nowhere = Sandbox::without_repository();
    let mut child = nowhere
        .command(FRISK, "", &["scan", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // More than a pipe holds: once it is written, the program reads, and then it can be stopped.
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&vec![b'x'; 1 << 20]).unwrap();

    let pid = child.id().to_string();
    let killed = run(&mut nowhere.command("sh", "", &["-c", "kill -TERM \"$0\"", &pid]));
    assert_eq!(killed.status, 0);
    let output = child.wait_with_output().unwrap();
    drop(stdin);

    assert_eq!(output.status.code(), Some(2));
    let stderr = std::str::from_utf8(&output.stderr).unwrap();
    assert!(stderr.contains("interrupted"), "{stderr}");
}

/// It has no thread that waits for a signal, so the handler itself has to do.
#[cfg(target_os = "linux")]
#[test]
fn an_interrupted_scan_of_the_index_is_2() {
    let repo = Sandbox::new();
    repo.write("a.bin", vec![0; 256 << 20]) // takes a while
        .write("b.py", keys::project(1))
        .git(&["-c", "core.compression=1", "add", "."]);
    let child = repo
        .command(FRISK, "", &["staged"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let pid = child.id().to_string();
    let script = "while :; do \
        handled=$(sed -n 's/^SigCgt:.*\\(.\\)...$/\\1/p' \"/proc/$0/status\"); \
        case $handled in [4-7c-f]) kill -TERM \"$0\"; exit;; '') exit 1;; esac; \
    done";
    let killed = run(&mut repo.command("sh", "", &["-c", script, &pid]));
    assert_eq!(killed.status, 0);
    let output = child.wait_with_output().unwrap();

    assert_eq!(output.status.code(), Some(2));
    let stderr = std::str::from_utf8(&output.stderr).unwrap();
    assert!(stderr.contains("interrupted"), "{stderr}");
    // Behind what was being read, nothing is scanned any more.
    assert!(
        !std::str::from_utf8(&output.stdout)
            .unwrap()
            .contains("b.py")
    );
}
