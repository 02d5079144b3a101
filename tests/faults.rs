//! Every read that can fail is made to fail, one after the other: a scan ends with status 2 or with
//! the full answer, and never clean where there is a key.
//!
//! `strace` makes the system calls fail. Where it is not installed, or may not trace, nothing is
//! tested, and that is said. A run is quick, but there are thousands of calls: all of them are
//! tried where `FRISK_ALL_FAULTS` is set, otherwise a sample that differs by scan and by call.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use git_frisk::rule::template::fill;
use serde_json::Value;
use tempfile::TempDir;

/// The calls that read something. What a C library or an architecture does not have, `strace` is
/// told to pass over by the question mark.
const CALLS: [&str; 9] = [
    "openat",
    "read",
    "pread64",
    "getdents64",
    "statx",
    "newfstatat",
    "readlink",
    "access",
    "mmap",
];

/// What is scanned.
const SCANS: [&[&str]; 3] = [&["staged"], &["scan", "."], &["history"]];

/// Runs of one scan with one call, where not all are tried.
const SAMPLE: usize = 30;

/// A repository in which much has to be read: packed and loose objects, packed refs, a worktree
/// and a repository inside of it, tracked files that are ignored, a configuration, exceptions.
struct Fixture {
    directory: TempDir,
    /// The number of keys that were planted; `None` for a clean repository.
    keys: Option<AtomicUsize>,
}

/// How a run ended.
struct Run {
    status: Option<i32>,
    findings: Option<BTreeSet<String>>,
    stdout_is_empty: bool,
    stderr: String,
    /// The call that failed, if one did.
    failed: Option<String>,
}

impl Fixture {
    fn new(has_keys: bool) -> Self {
        let fixture = Self {
            directory: tempfile::tempdir().unwrap(),
            keys: has_keys.then(AtomicUsize::default),
        };
        fs::create_dir(fixture.path("")).unwrap();
        fixture.git("init -q -b main");
        fixture
            .write(".gitignore", "ignored/\n*.log\n")
            .write(".frisk.toml", "rules = [\"house.toml\"]\n")
            .write("house.toml", HOUSE)
            .write(".friskignore", "# nothing yet\n")
            .plant("ignored/tracked.py")
            .commit("Begin");
        fixture.plant("deep/er/gone.py").commit("Bring in");
        fixture.git("rm -q deep/er/gone.py").commit("Take away");
        fixture.git("checkout -q -b side");
        fixture.plant("side.py").commit(&fixture.secret());
        fixture.git_args(&["tag", "-a", "v1", "-m", &fixture.secret()]);
        fixture.git("checkout -q main").git("gc -q");
        fixture.git("checkout -q -b loose");
        fixture.plant("loose.py").commit("Stay loose");
        fixture.git("checkout -q main");
        fixture.git("worktree add -q --detach worktree");
        fixture.plant("worktree/detached.py");
        fixture.git("-C worktree add -A");
        fixture.git("-C worktree commit -q -m Elsewhere");
        fixture.plant("deep/er/staged.py");
        fixture.write("house.txt", fixture.house());
        fixture.git("add deep house.txt");
        fixture.git("init -q nested");
        fixture.write("nested/.gitignore", "*.log\n");
        fixture.plant("nested/tracked.log");
        fixture.git("-C nested add -A -f");
        fixture.plant("untracked/file.py");
        fixture
    }

    fn path(&self, path: &str) -> PathBuf {
        self.directory.path().join("repo").join(path)
    }

    fn write(&self, path: &str, content: impl AsRef<[u8]>) -> &Self {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    /// A new key, or what is none.
    fn secret(&self) -> String {
        self.keys.as_ref().map_or("nothing".to_owned(), |keys| {
            let seed = keys.fetch_add(1, Ordering::Relaxed) as u64;
            fill("sk-proj-{base64url:74}T3BlbkFJ{base64url:74}", seed)
        })
    }

    /// What only the rule in the repository finds.
    fn house(&self) -> String {
        match self.keys {
            Some(_) => fill("hs_{alnum:32}\n", 1),
            None => "nothing\n".to_owned(),
        }
    }

    /// Writes a file with a key in it.
    fn plant(&self, path: &str) -> &Self {
        self.write(path, format!("key = \"{}\"\n", self.secret()))
    }

    fn git(&self, words: &str) -> &Self {
        self.git_args(&words.split(' ').collect::<Vec<_>>())
    }

    fn git_args(&self, args: &[&str]) -> &Self {
        let mut command = self.command("git");
        let output = command.args(args).output().unwrap();
        assert!(output.status.success(), "git {args:?}: {output:?}");
        self
    }

    fn commit(&self, message: &str) {
        self.git("add -A -f")
            .git_args(&["commit", "-q", "-m", message]);
    }

    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.path(""))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.directory.path())
            .env("LC_ALL", "C")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CEILING_DIRECTORIES", self.directory.path())
            .envs([("GIT_AUTHOR_NAME", "Ada"), ("GIT_COMMITTER_NAME", "Ada")])
            .envs([("GIT_AUTHOR_EMAIL", "a@b"), ("GIT_COMMITTER_EMAIL", "a@b")])
            .stdin(Stdio::null());
        command
    }

    /// Runs a scan in which the `when`-th call of a kind fails in every thread, if any does.
    fn run(&self, scan: &[&str], fault: Option<(&str, usize)>) -> Run {
        let log = tempfile::NamedTempFile::new().unwrap();
        let frisk = env!("CARGO_BIN_EXE_git-frisk");
        let mut command = match fault {
            None => self.command(frisk),
            Some((call, when)) => {
                let mut command = self.command("strace");
                let inject = format!("inject={call}:error=EIO:when={when}");
                let trace = format!("trace={call}");
                command.args(["-f", "-qq", "-e", &trace, "-e", &inject, "-o"]);
                command.arg(log.path()).arg("--").arg(frisk);
                command
            }
        };
        command.args(scan).args(["--format", "json", "-j", "1"]);
        let output = command.output().unwrap();
        let report: Option<Value> = serde_json::from_slice(&output.stdout).ok();
        Run {
            status: output.status.code(),
            findings: report.map(|report| findings(&report)),
            stdout_is_empty: output.stdout.is_empty(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            failed: injected(log.path()),
        }
    }

    /// Tries the calls of one kind; says how many failed.
    fn try_all(&self, scan: &[&str], call: &str, calls: usize, good: &Run) -> usize {
        let all = std::env::var_os("FRISK_ALL_FAULTS").is_some();
        let step = if all {
            1
        } else {
            calls.div_ceil(SAMPLE).max(1)
        };
        // Not the same ones in every scan.
        let first = 1 + (scan.len() * 5 + call.len() * 3) % step;
        let mut tried = 0;
        for when in (first..=calls).step_by(step) {
            let run = self.run(scan, Some((call, when)));
            let Some(failed) = &run.failed else {
                continue;
            };
            tried += 1;
            Self::judge(&run, good, &format!("{scan:?}, {call} {when}: {failed}"));
        }
        tried
    }

    fn judge(run: &Run, good: &Run, what: &str) {
        let stderr = &run.stderr;
        match run.status {
            // The loader of programs, or the runtime before `main`.
            None | Some(126 | 127) => {}
            Some(2) => assert!(!stderr.is_empty(), "{what}: 2, and nothing said"),
            // The report could not be written, which is told, and what was found blocks.
            Some(1) if run.stdout_is_empty => {
                assert_eq!(good.status, Some(1), "{what}: {stderr}");
                assert!(!stderr.is_empty(), "{what}: 1, and nothing said");
            }
            // More may be found: where it is not known what is ignored, nothing is.
            Some(status) => {
                assert_eq!(Some(status), good.status, "{what}: {stderr}");
                let (Some(found), Some(all)) = (&run.findings, &good.findings) else {
                    panic!("{what}: no report: {stderr}");
                };
                let lost: Vec<_> = all.difference(found).collect();
                assert!(lost.is_empty(), "{what}: not found {lost:?}: {stderr}");
            }
        }
    }
}

/// A rule of the repository's own.
const HOUSE: &str = r#"[[rule]]
id = "house"
provider = "house"
summary = "House token"
keywords = ["hs_"]
pattern = 'hs_[A-Za-z0-9]{32}'
public-prefix = "hs_"
explanation = "It opens the house."
examples = ['hs_{alnum:32}']
counter-examples = ['hs_none']
"#;

/// What was found, and where.
fn findings(report: &Value) -> BTreeSet<String> {
    let findings = report["findings"].as_array().unwrap();
    let place = |finding: &Value| {
        let fields = ["path", "line", "commit", "key"].map(|field| finding[field].to_string());
        fields.join(" ")
    };
    findings.iter().map(place).collect()
}

/// The call that was made to fail.
fn injected(log: &Path) -> Option<String> {
    let log = fs::read(log).unwrap();
    let log = String::from_utf8_lossy(&log);
    log.lines()
        .find(|line| line.contains("(INJECTED)"))
        .map(str::to_owned)
}

/// How often each call is made, at most by one thread.
fn count(fixture: &Fixture, scan: &[&str], call: &str) -> usize {
    let log = tempfile::NamedTempFile::new().unwrap();
    let mut command = fixture.command("strace");
    command.args(["-f", "-qq", "-e", &format!("trace={call}"), "-o"]);
    command.arg(log.path()).arg("--");
    command.arg(env!("CARGO_BIN_EXE_git-frisk")).args(scan);
    command.args(["--format", "json", "-j", "1"]);
    command.output().unwrap();
    let log = fs::read(log.path()).unwrap();
    let log = String::from_utf8_lossy(&log);
    log.lines()
        .filter(|line| line.contains(&format!("{call}(")))
        .count()
}

/// Whether there is an `strace` that may make calls fail.
fn can_inject() -> bool {
    let args = [
        "-f",
        "-qq",
        "-e",
        "inject=chdir:error=EIO:when=9999",
        "true",
    ];
    let output = Command::new("strace").args(args).output();
    let can = output.is_ok_and(|output| output.status.success());
    if !can {
        #[expect(
            clippy::print_stderr,
            reason = "nothing is tested, which has to be seen"
        )]
        {
            eprintln!("skipped: there is no strace, or it may not trace");
        }
    }
    can
}

/// Tries every scan of a repository.
fn try_everything(has_keys: bool) {
    if !can_inject() {
        return;
    }
    let fixture = Fixture::new(has_keys);
    let mut tried = 0;
    for scan in SCANS {
        let good = fixture.run(scan, None);
        let status = i32::from(has_keys);
        assert_eq!(good.status, Some(status), "{scan:?}: {}", good.stderr);
        let found = good.findings.as_ref().unwrap().len();
        assert_eq!(found > 1, has_keys, "{scan:?}");
        for call in CALLS {
            let calls = count(&fixture, scan, call);
            tried += fixture.try_all(scan, call, calls, &good);
        }
    }
    assert!(tried > 100, "{tried}");
}

#[test]
fn no_failing_read_hides_a_key() {
    try_everything(true);
}

#[test]
fn no_failing_read_makes_a_clean_repository_anything_but_clean_or_incomplete() {
    try_everything(false);
}

/// Where a stream is closed and nothing can take its place, the next file that is opened would be
/// taken for it, and the report be written there.
#[test]
#[cfg(target_env = "gnu")]
fn a_closed_stream_without_a_null_device_is_2() {
    if !can_inject() {
        return;
    }
    let fixture = Fixture::new(false);
    let run = |script: &str| {
        let log = tempfile::NamedTempFile::new().unwrap();
        let mut command = fixture.command("strace");
        command.args(["-f", "-qq", "-P", "/dev/null", "-o"]);
        command.arg(log.path());
        command.args(["-e", "inject=open,openat:error=ENOENT", "--"]);
        command.args(["sh", "-c", script, env!("CARGO_BIN_EXE_git-frisk")]);
        let output = command.output().unwrap();
        assert!(injected(log.path()).is_some(), "{script}");
        output
    };
    for streams in ["scan - <&-", "scan . --format json >&-", "staged 2>&-"] {
        let output = run(&format!("exec timeout 20 \"$0\" {streams}"));
        assert_eq!(output.status.code(), Some(2), "{streams}: {output:?}");
    }
    let output = run("exec \"$0\" staged");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}
