//! The layers: a module uses those below it, and no other.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

/// The modules, layer by layer from below. A module may use those of the layers before its own.
const LAYERS: [&[&str]; 7] = [
    // Values.
    &["avx512", "secret", "span", "text", "place", "threads"],
    // Terms.
    &["decode", "rule", "excerpt", "key_id", "git"],
    // Results; a report holds findings.
    &["finding"],
    &["report"],
    // Parts.
    &["source", "matcher", "policy"],
    // Acts.
    &["scan", "reporter"],
    // The binary.
    &["main", "cli"],
];

/// Modules that use another of their own layer, and why.
const EXCEPTIONS: [(&str, &str, &str); 3] = [
    ("place", "text", "a label escapes itself when it is shown"),
    ("source", "policy", "what is excluded is not even listed"),
    ("main", "cli", "it is all that `main` does"),
];

/// Crates that only the binary knows.
const ONLY_BINARY: [&str; 3] = ["anyhow", "clap", "signal_hook"];

/// Which module uses which, and where.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Use {
    user: String,
    used: String,
    place: String,
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

/// Every source file, with the module at the top that it belongs to.
fn files() -> Vec<(String, PathBuf)> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    let mut open = vec![top.clone()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let inside = path.strip_prefix(&top).unwrap();
                let first = Path::new(inside.components().next().unwrap().as_os_str());
                let module = first.file_stem().unwrap().to_str().unwrap().to_owned();
                files.push((module, path));
            }
        }
    }
    files.sort();
    assert!(files.len() > 20, "where is the source?");
    files
}

/// The lines of a file before its tests, numbered, without comments.
fn code(path: &Path) -> Vec<(usize, String)> {
    let text = fs::read_to_string(path).unwrap();
    text.lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line))
        .take_while(|(_, line)| *line != "#[cfg(test)]")
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .map(|(number, line)| (number, line.to_owned()))
        .collect()
}

/// The names that follow `prefix` in a line: `crate::` gives the modules that it names.
fn names_after<'a>(line: &'a str, prefix: &'a str) -> impl Iterator<Item = &'a str> {
    line.split(prefix).skip(1).map(|rest| {
        rest.split(|c: char| c != '_' && !c.is_ascii_alphanumeric())
            .next()
            .unwrap_or_default()
    })
}

/// Every use of a module by another; `cli` and `main` see the library as `git_frisk`.
fn uses() -> Vec<Use> {
    let mut uses = Vec::new();
    for (module, path) in files() {
        if module == "lib" {
            continue;
        }
        for (number, line) in code(&path) {
            let place = format!("{}:{number}", path.display());
            let crates = names_after(&line, "crate::").chain(names_after(&line, "git_frisk::"));
            for used in crates.filter(|used| *used != module) {
                uses.push(Use {
                    user: module.clone(),
                    used: used.to_owned(),
                    place: place.clone(),
                });
            }
        }
    }
    uses.sort();
    assert!(uses.len() > 50, "the uses are not read: {uses:?}");
    uses
}

#[test]
fn every_module_has_a_layer_and_every_layer_modules() {
    let there: BTreeSet<String> = files()
        .into_iter()
        .map(|(module, _)| module)
        .filter(|module| module != "lib")
        .collect();
    let known: BTreeSet<String> = LAYERS.concat().into_iter().map(str::to_owned).collect();
    assert_eq!(there, known);
}

#[test]
fn a_module_uses_lower_layers_only() {
    for Use { user, used, place } in uses() {
        let below = layer(&used) < layer(&user);
        let excepted = EXCEPTIONS.iter().any(|(a, b, _)| *a == user && *b == used);
        assert!(layer(&used).is_some(), "{place}: `{used}` is no module");
        assert!(below || excepted, "{place}: `{user}` uses `{used}`");
    }
}

#[test]
fn every_exception_is_still_one() {
    let uses = uses();
    for (user, used, why) in EXCEPTIONS {
        // `main` names `cli` by a `mod` line.
        let is_used = uses.iter().any(|u| u.user == user && u.used == used) || user == "main";
        assert!(is_used, "`{user}` does not use `{used}`: {why}");
        assert_eq!(layer(user), layer(used), "`{user}` and `{used}`: {why}");
    }
}

#[test]
fn a_use_names_one_module() {
    for (_, path) in files() {
        for (number, line) in code(&path) {
            for prefix in ["crate::{", "git_frisk::{", "crate::*", "git_frisk::*"] {
                let place = format!("{}:{number}", path.display());
                assert!(
                    !line.contains(prefix),
                    "{place}: {prefix} hides what is used"
                );
            }
        }
    }
}

#[test]
fn super_stays_inside_of_its_module() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for (_, path) in files() {
        // How many modules lie between the file and the crate.
        let depth = path.strip_prefix(&top).unwrap().components().count()
            - usize::from(path.ends_with("mod.rs"));
        for (number, line) in code(&path) {
            let longest = if line.contains("super::super::") {
                2
            } else {
                usize::from(line.contains("super::"))
            };
            let place = format!("{}:{number}", path.display());
            assert!(longest < depth, "{place}: `super` leads to the crate");
        }
    }
}

#[test]
fn the_library_does_not_know_what_only_the_binary_may() {
    for (module, path) in files() {
        for (number, line) in code(&path) {
            for name in ONLY_BINARY {
                let uses = line.contains(&format!("{name}::"));
                let may = layer(&module) == Some(LAYERS.len() - 1);
                let place = format!("{}:{number}", path.display());
                assert!(may || !uses, "{place}: `{module}` uses {name}");
            }
        }
    }
}

#[test]
fn one_file_runs_other_programs() {
    for (_, path) in files() {
        let may = path.ends_with("cli/install/git.rs");
        for (number, line) in code(&path) {
            let place = format!("{}:{number}", path.display());
            assert!(
                may || !line.contains("Command::new("),
                "{place}: runs a program"
            );
        }
    }
}

#[test]
fn every_file_says_what_it_is_for() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let cli = fs::read_dir(tests.join("cli")).unwrap();
    let more = cli.chain(fs::read_dir(&tests).unwrap());
    let more = more.map(|entry| entry.unwrap().path());
    let rust = more.filter(|path| path.extension().is_some_and(|e| e == "rs"));
    for path in files().into_iter().map(|(_, path)| path).chain(rust) {
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("//! "), "{}", path.display());
    }
}

/// What makes nothing of an error.
const SWALLOWS: [&str; 8] = [
    ".ok()",
    ".flatten()",
    "Result::ok",
    "unwrap_or_default()",
    "unwrap_or_else(|_|",
    "let _ =",
    "let _:",
    "Err(_) =>",
];

/// What such a line may be about without a reason: no input or output, and nothing of git, can
/// fail there; that something is no number, no text or not in a list is all that is lost.
const NO_ERRORS: [&str; 7] = [
    "try_from(",
    "from_utf8(",
    "parse()",
    "parse::<",
    "binary_search",
    "Oid::from_bytes(",
    "file_name()",
];

/// Lines above one in which its reason may stand.
const NEAR: usize = 3;

#[test]
fn no_error_is_lost_without_a_reason() {
    let mut without = Vec::new();
    for (_, path) in files() {
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text
            .lines()
            .take_while(|line| *line != "#[cfg(test)]")
            .collect();
        for (at, line) in lines.iter().enumerate() {
            let is_comment = line.trim_start().starts_with("//");
            let swallows = SWALLOWS.iter().any(|what| line.contains(what));
            if is_comment || !swallows || NO_ERRORS.iter().any(|what| line.contains(what)) {
                continue;
            }
            let near = &lines[at.saturating_sub(NEAR)..=at];
            if !near.iter().any(|line| line.contains("// ")) {
                without.push(format!("{}:{}: {line}", path.display(), at + 1));
            }
        }
    }
    assert!(without.is_empty(), "no reason:\n{}", without.join("\n"));
}

#[test]
fn nothing_opens_a_connection() {
    for (_, path) in files() {
        for (number, line) in code(&path) {
            for name in [
                "std::net",
                "TcpStream",
                "UdpSocket",
                "FetchOptions",
                "RemoteCallbacks",
            ] {
                let place = format!("{}:{number}", path.display());
                assert!(!line.contains(name), "{place}: {name}");
            }
        }
    }
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock");
    let lock = fs::read_to_string(lock).unwrap();
    for name in [
        "openssl-sys",
        "libssh2-sys",
        "rustls",
        "curl",
        "hyper",
        "ureq",
    ] {
        assert!(!lock.contains(&format!("name = \"{name}\"\n")), "{name}");
    }
}
