//! A temporary directory with a repository in it, and a cleared environment to run programs in.

use std::cell::Cell;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;

use serde_json::Value;
use tempfile::TempDir;

/// The program under test.
pub(crate) const FRISK: &str = env!("CARGO_BIN_EXE_git-frisk");

/// The date of the first commit; each later one is a minute younger.
const BEGIN: u64 = 1_700_000_000;

/// A directory of its own, gone when the test ends.
pub(crate) struct Sandbox {
    directory: TempDir,
    commands: Cell<u64>,
}

/// What a program printed, and how it ended.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A JSON report, and how the program ended.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) status: i32,
    pub(crate) json: Value,
    pub(crate) stderr: String,
}

impl Sandbox {
    /// An empty repository on the branch `main`.
    pub(crate) fn new() -> Self {
        let sandbox = Self::without_repository();
        sandbox.git(&["init", "-q", "-b", "main"]);
        sandbox
    }

    /// A directory that is in no repository.
    pub(crate) fn without_repository() -> Self {
        let sandbox = Self {
            directory: tempfile::tempdir().unwrap(),
            commands: Cell::new(0),
        };
        fs::create_dir(sandbox.path("")).unwrap();
        fs::create_dir(sandbox.path("../home")).unwrap();
        sandbox
    }

    /// A path relative to the top of the repository.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.directory.path().join("repo").join(path)
    }

    /// Writes a file, and the directories above it.
    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) -> &Self {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    /// Removes a file.
    pub(crate) fn remove(&self, path: &str) -> &Self {
        fs::remove_file(self.path(path)).unwrap();
        self
    }

    /// Makes a symbolic link.
    pub(crate) fn link(&self, target: &str, path: &str) -> &Self {
        std::os::unix::fs::symlink(target, self.path(path)).unwrap();
        self
    }

    /// Makes a git hook of a shell command; `$FRISK` in it is the program.
    pub(crate) fn hook(&self, name: &str, command: &str) -> &Self {
        use std::os::unix::fs::PermissionsExt as _;

        let path = format!(".git/hooks/{name}");
        self.write(&path, format!("#!/bin/sh\nFRISK='{FRISK}'\n{command}\n"));
        fs::set_permissions(self.path(&path), fs::Permissions::from_mode(0o755)).unwrap();
        self
    }

    /// A command in a directory of the sandbox that knows nothing of the world outside.
    pub(crate) fn command(&self, program: &str, directory: &str, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(args)
            .current_dir(self.path(directory))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path("../home"))
            .env("LC_ALL", "C")
            .env("TZ", "UTC")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CEILING_DIRECTORIES", self.directory.path())
            .stdin(Stdio::null());
        command
    }

    /// A `git` command; commits that it makes are a minute younger than those before.
    pub(crate) fn git_command(&self, directory: &str, args: &[&str]) -> Command {
        let mut command = self.command("git", directory, args);
        let commands = self.commands.get() + 1;
        self.commands.set(commands);
        let date = format!("{} +0000", BEGIN + 60 * commands);
        command
            .env("GIT_AUTHOR_NAME", "Ada")
            .env("GIT_AUTHOR_EMAIL", "ada@example.org")
            .env("GIT_COMMITTER_NAME", "Ada")
            .env("GIT_COMMITTER_EMAIL", "ada@example.org")
            .env("GIT_AUTHOR_DATE", &date)
            .env("GIT_COMMITTER_DATE", &date);
        command
    }

    /// Runs `git`, which has to succeed.
    pub(crate) fn git(&self, args: &[&str]) -> &Self {
        self.git_in("", args)
    }

    /// Runs `git` in a directory, where it has to succeed.
    pub(crate) fn git_in(&self, directory: &str, args: &[&str]) -> &Self {
        let output = run(&mut self.git_command(directory, args));
        assert_eq!(output.status, 0, "git {args:?}: {}", output.stderr);
        self
    }

    /// What `git` prints, without the line end.
    pub(crate) fn git_says(&self, args: &[&str]) -> String {
        let output = run(&mut self.git_command("", args));
        assert_eq!(output.status, 0, "git {args:?}: {}", output.stderr);
        output.stdout.trim_end().to_owned()
    }

    /// Runs `git`, whether it succeeds or not.
    pub(crate) fn try_git(&self, args: &[&str]) -> Output {
        run(&mut self.git_command("", args))
    }

    /// The object id of a revision.
    pub(crate) fn oid(&self, revision: &str) -> String {
        self.git_says(&["rev-parse", "--verify", revision])
    }

    /// Commits everything that is in the worktree, and gives the commit.
    pub(crate) fn commit(&self, message: &str) -> String {
        self.git(&["add", "-A"])
            .git(&["commit", "-q", "--allow-empty", "-m", message])
            .oid("HEAD")
    }

    /// Writes a file, and commits it with all that is there.
    pub(crate) fn commit_file(&self, path: &str, content: impl AsRef<[u8]>) -> String {
        self.write(path, content).commit("Change a file")
    }

    /// Runs the program at the top of the repository.
    pub(crate) fn frisk(&self, args: &[&str]) -> Output {
        self.frisk_in("", args)
    }

    /// Runs the program in a directory.
    pub(crate) fn frisk_in(&self, directory: &str, args: &[&str]) -> Output {
        run(&mut self.command(FRISK, directory, args))
    }

    /// Runs the program with more in its environment.
    pub(crate) fn frisk_with(&self, variables: &[(&str, &str)], args: &[&str]) -> Output {
        run(self
            .command(FRISK, "", args)
            .envs(variables.iter().copied()))
    }

    /// Runs the program with something on its standard input.
    pub(crate) fn frisk_fed(&self, input: &[u8], args: &[&str]) -> Output {
        fed(&mut self.command(FRISK, "", args), input)
    }

    /// Runs `git` with something on its standard input; it has to succeed.
    pub(crate) fn git_fed(&self, input: &[u8], args: &[&str]) -> String {
        let output = fed(&mut self.git_command("", args), input);
        assert_eq!(output.status, 0, "git {args:?}: {}", output.stderr);
        output.stdout
    }

    /// Runs the program, and reads its JSON report.
    pub(crate) fn report(&self, args: &[&str]) -> Report {
        self.report_in("", args)
    }

    /// Runs the program in a directory, and reads its JSON report.
    pub(crate) fn report_in(&self, directory: &str, args: &[&str]) -> Report {
        let args = [args, &["--format", "json"]].concat();
        Report::from(self.frisk_in(directory, &args))
    }
}

fn fed(command: &mut Command, input: &[u8]) -> Output {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    Output::from(child.wait_with_output().unwrap())
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command) -> Output {
    Output::from(command.output().unwrap())
}

impl From<std::process::Output> for Output {
    fn from(output: std::process::Output) -> Self {
        let text = |bytes: &[u8]| std::str::from_utf8(bytes).unwrap().to_owned();
        Self {
            status: output.status.code().unwrap_or(-1),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }
}

impl Output {
    /// Fails unless all was scanned, nothing found and nothing said.
    #[track_caller]
    pub(crate) fn is_clean(&self) {
        assert_eq!(
            (self.status, &*self.stdout, &*self.stderr),
            (0, "", ""),
            "{self:?}"
        );
    }

    /// Fails unless the status is 2 and standard error says this.
    #[track_caller]
    pub(crate) fn fails_with(&self, message: &str) {
        assert_eq!(self.status, 2, "{self:?}");
        assert!(self.stderr.contains(message), "{message:?}: {self:?}");
    }
}

impl From<Output> for Report {
    fn from(output: Output) -> Self {
        let Ok(json) = serde_json::from_str(&output.stdout) else {
            panic!("no JSON: {output:?}");
        };
        Self {
            status: output.status,
            json,
            stderr: output.stderr,
        }
    }
}

impl Report {
    /// Fails unless exactly this was found, status 1 told, and nothing was left unscanned.
    #[track_caller]
    pub(crate) fn finds(&self, places: &[&str]) {
        assert_eq!(self.places(), places, "{self:#?}");
        assert_eq!((self.status, self.word()), (1, "findings"), "{self:#?}");
    }

    /// Fails unless nothing was found, and nothing left unscanned.
    #[track_caller]
    pub(crate) fn is_clean(&self) {
        assert_eq!(self.places(), [""; 0], "{self:#?}");
        assert_eq!((self.status, self.word()), (0, "clean"), "{self:#?}");
    }

    /// Fails unless exactly this was found, and something named so could not be scanned.
    #[track_caller]
    pub(crate) fn is_incomplete(&self, places: &[&str], error: &str) {
        assert_eq!(self.places(), places, "{self:#?}");
        assert_eq!((self.status, self.word()), (2, "incomplete"), "{self:#?}");
        let errors = self.remarks("errors");
        assert!(errors.iter().any(|e| e.contains(error)), "{errors:?}");
    }

    fn word(&self) -> &str {
        self.json["status"].as_str().unwrap()
    }

    /// Where the findings are: `path:line`, or `name path`, `ref path` for names, in their order.
    pub(crate) fn places(&self) -> Vec<String> {
        let findings = self.json["findings"].as_array().unwrap();
        let place = |finding: &Value| {
            let path = finding["path"].as_str().unwrap();
            match finding["line"].as_u64() {
                Some(line) => format!("{path}:{line}"),
                None => format!("{} {path}", finding["place"].as_str().unwrap()),
            }
        };
        findings.iter().map(place).collect()
    }

    /// A field of every finding, as text.
    pub(crate) fn each(&self, field: &str) -> Vec<String> {
        let findings = self.json["findings"].as_array().unwrap();
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        findings.iter().map(|f| text(&f[field])).collect()
    }

    /// What stands in `skipped` or `errors`: `path: reason`.
    pub(crate) fn remarks(&self, list: &str) -> Vec<String> {
        let remarks = self.json[list].as_array().unwrap();
        let remark = |remark: &Value| {
            let path = remark["path"].as_str().unwrap_or("-");
            format!("{path}: {}", remark["reason"].as_str().unwrap())
        };
        remarks.iter().map(remark).collect()
    }
}

/// Whether a path is there, be it a link to nowhere.
pub(crate) fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}
