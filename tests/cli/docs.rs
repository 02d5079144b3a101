//! Every command that the documents show: run as it stands there, or named here with the reason
//! why it is not. What they name of git-frisk in passing is at least a command line of it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::keys;
use crate::markdown;
use crate::markdown::Code;
use crate::markdown::Kind;
use crate::sandbox::FRISK;
use crate::sandbox::Sandbox;
use crate::sandbox::run;

/// What is to be known of a command that begins so.
struct Known {
    begins: &'static str,
    how: How,
}

enum How {
    /// It is run, and has this status.
    Ends(i32),
    /// It is run with this in the place of its beginning.
    As(&'static str),
    /// It is not run, for this reason.
    Not(&'static str),
}

const BUILDS: &str = "builds the program or its tests, which is how this test came about";
const OTHER: &str = "another program, which may not be there";
const LARGE: &str = "clones a large repository, or works on it";

const RELEASE: &str = "publishes a version of this very repository";

/// The commands that do not just run and end with 0.
const KNOWN: [Known; 23] = [
    // What the others build on.
    known("cargo run --release --locked -- ", How::As("git-frisk ")),
    known("cargo run -- ", How::As("git-frisk ")),
    known("git commit -m \"Call the model\"", How::Ends(1)),
    known("FRISK_ALLOW=a74f3c077e70 git commit", How::Ends(0)),
    known("cargo build", How::Not(BUILDS)),
    known("cargo test", How::Not(BUILDS)),
    known("cargo install --path", How::Not(BUILDS)),
    known(".ci/", How::Not(BUILDS)),
    known("FUZZ_INPUT=", How::Not(BUILDS)),
    known("cargo install cargo-fuzz", How::Not(OTHER)),
    known("cargo install ripgrep", How::Not(OTHER)),
    known("cargo +nightly fuzz", How::Not(OTHER)),
    known("hyperfine", How::Not(OTHER)),
    known("/usr/bin/time", How::Not(OTHER)),
    known("pre-commit install", How::Not(OTHER)),
    known("pip install", How::Not(OTHER)),
    known("maturin ", How::Not(OTHER)),
    known("docker ", How::Not(OTHER)),
    known(
        "git tag --annotate --message=\"git-frisk",
        How::Not(RELEASE),
    ),
    known("git push origin main --follow-tags", How::Not(RELEASE)),
    known("cargo publish", How::Not(RELEASE)),
    known(
        "git clone --depth 1 https://github.com/PowerShell",
        How::Not(LARGE),
    ),
    known("cd tree", How::Not(LARGE)),
];

/// Options of other programs that the documents name, and whose they are.
const FOREIGN: [(&str, &str); 6] = [
    ("--get", ".ci/hosts"),
    ("--user", "docker run"),
    ("--all-files", "pre-commit run"),
    ("--from-ref", "pre-commit run"),
    ("--to-ref", "pre-commit run"),
    ("--sanitizer", "cargo fuzz"),
];

const fn known(begins: &'static str, how: How) -> Known {
    Known { begins, how }
}

/// What is known of a command, with its place in the table.
fn find(command: &str) -> Option<(usize, &'static Known)> {
    let mut all = KNOWN.iter().enumerate();
    all.find(|(_, known)| command.starts_with(known.begins))
}

/// The commands of a block of shell: lines, put together where the shell waits for more.
fn commands(sandbox: &Sandbox, block: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut command = String::new();
    for line in block.lines() {
        command.push_str(line);
        let options = ["-n", "-c", &command];
        let is_whole =
            !line.ends_with('\\') && run(&mut sandbox.command("bash", "", &options)).status == 0;
        command.push('\n');
        if is_whole {
            let whole = std::mem::take(&mut command);
            let text = whole.trim();
            if !text.is_empty() && !text.starts_with('#') {
                found.push(text.to_owned());
            }
        }
    }
    assert_eq!(command, "", "a command has no end");
    found
}

/// A repository as the documents take it: some branches, on one of which is work, and a remote.
fn scene() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.commit_file("src/app.py", "client = OpenAI()\n");
    sandbox
        .git(&["branch", "release"])
        .git(&["clone", "-q", "--bare", ".", "../remote"])
        .git(&["remote", "add", "origin", "../remote"])
        .git(&["fetch", "-q", "origin"])
        .git(&["checkout", "-q", "-b", "topic"]);
    sandbox.commit_file("app.log", "started\n");
    sandbox.write("new.py", "x = 1\n").git(&["add", "new.py"]);
    sandbox
}

/// A shell in a scene, as a user has it: with the program on its path.
fn shell(sandbox: &Sandbox, script: &str) -> Command {
    let program = Path::new(FRISK).parent().unwrap().display().to_string();
    let path = std::env::var("PATH").unwrap();
    let mut command = sandbox.git_command("", &[]);
    let variables: Vec<_> = command
        .get_envs()
        .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
        .collect();
    command = sandbox.command("bash", "", &["-c", script]);
    command
        .envs(variables)
        .env("PATH", format!("{program}:{path}"))
        .env("GIT_EDITOR", "echo Message >")
        // What is cloned of this project lies here.
        .env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", "url.../remote.insteadOf")
        .env(
            "GIT_CONFIG_VALUE_0",
            "https://github.com/git-frisk/git-frisk",
        );
    command
}

/// Runs the commands of a block one after the other in one shell; gives what they print. Notes
/// which entries of the table were used.
fn run_block(sandbox: &Sandbox, code: &Code, block: &str, used: &mut BTreeSet<usize>) -> String {
    let mut script = "exec 2>&1\n".to_owned();
    let mut expected = Vec::new();
    let statuses = sandbox.path("../statuses");
    for command in commands(sandbox, block) {
        let mut text = command.clone();
        let mut status = 0;
        if let Some((place, known)) = find(&command) {
            used.insert(place);
            match known.how {
                How::Ends(with) => status = with,
                How::As(other) => text = text.replacen(known.begins, other, 1),
                How::Not(_) => continue,
            }
        }
        let note = format!("\necho $? >> '{}'\n", statuses.display());
        script.extend([text, note]);
        expected.push((command, status));
    }
    if expected.is_empty() {
        return String::new();
    }
    let output = run(&mut shell(sandbox, &script));
    let found = fs::read_to_string(&statuses).unwrap();
    fs::remove_file(&statuses).unwrap();
    let found: Vec<i32> = found
        .lines()
        .map(|status| status.parse().unwrap())
        .collect();
    for ((command, status), found) in expected.iter().zip(&found) {
        assert_eq!(
            found, status,
            "{}: {command}\n{}",
            code.place, output.stdout
        );
    }
    assert_eq!(found.len(), expected.len(), "{}: {output:?}", code.place);
    output.stdout
}

#[test]
fn every_command_in_the_documents_works() {
    let mut used = BTreeSet::new();
    let mut ran = 0;
    for code in markdown::of_the_repository() {
        let is_shell = match &code.kind {
            Kind::Fenced(language) => language == "sh",
            Kind::Indented => true,
            Kind::Inline => false,
        };
        if is_shell {
            run_block(&scene(), &code, &code.text, &mut used);
            ran += 1;
        } else if code.kind == Kind::Fenced("console".to_owned()) {
            session(&code, &mut used);
            ran += 1;
        }
    }
    assert!(ran > 10, "only {ran} blocks were found");
    for (place, known) in KNOWN.iter().enumerate() {
        if let How::Not(reason) = known.how {
            assert!(!reason.is_empty());
        }
        assert!(
            used.contains(&place) || known.begins.starts_with("cargo run -- "),
            "no document shows `{}` any more",
            known.begins
        );
    }
}

/// A session: a key is about to be committed where the hooks are installed, and what is printed is
/// what stands there, but for the id of the key.
fn session(code: &Code, used: &mut BTreeSet<usize>) {
    let (shown, expected): (Vec<&str>, Vec<&str>) =
        code.text.lines().partition(|line| line.starts_with("$ "));
    let key = keys::project(1);
    let sandbox = scene();
    let app = format!("from openai import OpenAI\n\nclient = OpenAI(\n    api_key=\"{key}\",\n)\n");
    sandbox.write("src/app.py", app).git(&["add", "src/app.py"]);
    assert_eq!(sandbox.frisk(&["install"]).status, 0);

    let commands: Vec<&str> = shown
        .iter()
        .filter_map(|line| line.strip_prefix("$ "))
        .collect();
    let printed = run_block(&sandbox, code, &commands.join("\n"), used);
    assert_eq!(
        printed.replace(&keys::id(&key), "a74f3c077e70").trim_end(),
        expected.join("\n"),
        "{}",
        code.place
    );
}

/// Whether this is a command line of the program; `None` if it is none at all. A word in capitals
/// stands for something.
fn parses(sandbox: &Sandbox, text: &str) -> Option<Result<(), String>> {
    let text = text.trim_end_matches('…').replace(" … ", " ");
    let line = text.split_once("git-frisk ").or_else(|| {
        let ours = text.split_once("git frisk ");
        ours.or_else(|| text.split_once("cargo run -- "))
    });
    let (before, line) = line?;
    // In a sentence, a path or a longer command.
    let begins = before.is_empty() || before.ends_with(['"', '\'', ' ', ';']);
    let is_command = line.starts_with(|c: char| c == '-' || c.is_ascii_lowercase());
    if !begins || !is_command {
        return None;
    }
    let output = run(&mut shell(sandbox, &format!("git-frisk {line} --help")));
    let says = |text| output.stdout.contains(text) || line.starts_with("--version");
    if output.status == 0 && says("Usage:") {
        return Some(Ok(()));
    }
    let stands_for = output
        .stderr
        .split_once("invalid value '")
        .is_some_and(|(_, value)| {
            let value = value.split('\'').next().unwrap_or_default();
            value.chars().all(|c| c.is_ascii_uppercase() || c == '-')
        });
    Some(if stands_for {
        Ok(())
    } else {
        Err(output.stderr)
    })
}

#[test]
fn what_is_named_of_the_program_in_passing_is_there() {
    let sandbox = scene();
    let mut checked = BTreeSet::new();
    for code in markdown::of_the_repository() {
        if let Kind::Fenced(language) = &code.kind
            && (language == "sh" || language == "console")
        {
            continue; // These are run.
        }
        for line in code.text.lines() {
            // As in JSON and YAML: up to the end of the text or to a comment.
            let line = line.split(" #").next().unwrap_or_default();
            let line = match code.kind {
                Kind::Inline => line,
                _ => line.trim_end_matches(|c: char| !c.is_alphanumeric()),
            };
            if !checked.insert(line.to_owned()) {
                continue;
            }
            if let Some(Err(error)) = parses(&sandbox, line) {
                panic!("{}: `{line}`: {error}", code.place);
            }
        }
    }
}

#[test]
fn every_option_that_is_named_is_there() {
    let sandbox = Sandbox::without_repository();
    let mut there = BTreeSet::new();
    for command in [
        "scan", "staged", "history", "hook", "install", "allow", "explain",
    ] {
        let help = sandbox.frisk(&[command, "--help"]).stdout;
        there.extend(options(&help));
    }
    there.insert("-C".to_owned());
    let mut foreign: BTreeSet<&str> = FOREIGN.iter().map(|(option, _)| *option).collect();
    let mut missing = Vec::new();
    for code in markdown::of_the_repository() {
        if code.kind != Kind::Inline || !code.text.starts_with('-') {
            continue;
        }
        for option in options(&code.text) {
            let is_foreign = FOREIGN.iter().any(|(known, _)| *known == option);
            foreign.remove(option.as_str());
            if !is_foreign && !there.contains(&option) {
                missing.push(format!("{}: {option}", code.place));
            }
        }
        // What it may be: `--color auto|always|never`.
        let mut words = code.text.split(' ');
        if let (Some(option), Some(values), None) = (words.next(), words.next(), words.next())
            && values.contains('|')
        {
            for value in values.split('|') {
                let parsed = parses(&sandbox, &format!("git frisk scan {option} {value}"));
                assert!(matches!(parsed, Some(Ok(()))), "{}: {value}", code.place);
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
    assert!(foreign.is_empty(), "no document names {foreign:?} any more");
}

/// The options in a text: `--words`, and single letters.
fn options(text: &str) -> Vec<String> {
    let words = text.split(|c: char| c.is_whitespace() || ",=[".contains(c));
    let is_option = |word: &&str| {
        let name = word.trim_start_matches('-');
        match word.len() - name.len() {
            1 => name.len() == 1,
            2 => name.starts_with(|c: char| c.is_ascii_lowercase()),
            _ => false,
        }
    };
    words.filter(is_option).map(str::to_owned).collect()
}
