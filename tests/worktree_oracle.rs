//! The files of a worktree: the same that git lists, however they are tracked and ignored.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "cli/sandbox.rs"]
#[expect(dead_code, reason = "the end-to-end tests use the rest of it")]
mod sandbox;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use git_frisk::policy::exclude::Anchored;
use git_frisk::policy::exclude::Exclude;
use git_frisk::source::worktree::Item;
use git_frisk::source::worktree::ItemKind;
use git_frisk::source::worktree::Options;
use git_frisk::source::worktree::Visitor;
use git_frisk::source::worktree::Walk;

use crate::sandbox::Sandbox;
use crate::sandbox::run;

const DIRECTORIES: [&str; 8] = ["", "a/", "a/b/", "a/b/c/", "a-b/", "a.b/", "build/", "d/é/"];
const FILES: [&str; 6] = ["a", "a.log", "build", "keep.log", "x y", "z.tmp"];
const PATTERNS: [&str; 17] = [
    "*.log",
    "!keep.log",
    "build/",
    "build",
    "/a",
    "a/b",
    "a/",
    "*",
    "!*/",
    "**/c",
    "c/**",
    "*.tmp ",
    "*.tmp\t",
    "a[!z]b",
    "x\\ y",
    "[a-b].log",
    "# a",
];

/// Numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % end
    }

    fn of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }
}

/// What a walk told.
#[derive(Default)]
struct Told {
    files: Vec<String>,
    troubles: Vec<String>,
}

impl Visitor for Told {
    fn item(&mut self, item: &Item<'_>) {
        let path = std::str::from_utf8(item.path).unwrap().to_owned();
        match item.kind {
            ItemKind::Directory => {}
            ItemKind::Link => {
                item.target().unwrap();
                self.files.push(path);
            }
            ItemKind::File | ItemKind::Named => {
                assert!(item.open().unwrap().metadata().unwrap().is_file());
                self.files.push(path);
            }
        }
    }

    fn skipped(&mut self, path: &[u8], reason: &str) {
        self.failed(path, reason);
    }

    fn failed(&mut self, path: &[u8], reason: &str) {
        let path = String::from_utf8_lossy(path);
        self.troubles.push(format!("{path}: {reason}"));
    }

    fn broken(&mut self, path: &[u8]) {
        self.failed(path, "broken");
    }

    fn is_over(&self) -> bool {
        false
    }
}

/// The files below some roots, by so many threads; each is told once.
fn walk(roots: &[PathBuf], threads: usize) -> BTreeSet<String> {
    let options = Options {
        no_ignore: false,
        max_filesize: None,
        exclude: Exclude::nothing(),
        configured: Anchored::nothing(),
    };
    let mut first = Told::default();
    let walk = Walk::new(roots, &options, &mut first);
    walk.work(&mut first, Some(3));
    let mut all = vec![first];
    std::thread::scope(|scope| {
        let work = || {
            let mut told = Told::default();
            walk.work(&mut told, None);
            told
        };
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        all.extend(threads.into_iter().map(|thread| thread.join().unwrap()));
    });
    let troubles: Vec<_> = all.iter().flat_map(|told| &told.troubles).collect();
    assert!(troubles.is_empty(), "{troubles:?}");
    let files: Vec<_> = all.into_iter().flat_map(|told| told.files).collect();
    let once: BTreeSet<_> = files.iter().cloned().collect();
    assert_eq!(once.len(), files.len(), "some are told twice: {files:?}");
    once
}

/// What git lists, as far as it is there.
fn listed(repo: &Sandbox, at: &str) -> BTreeSet<String> {
    let listed = run(&mut repo.git_command(at, &["ls-files", "-z", "-co", "--exclude-standard"]));
    assert_eq!(listed.status, 0, "{}", listed.stderr);
    listed
        .stdout
        .split_terminator('\0')
        .map(|file| repo.path(at).join(file))
        .filter(|file| file.symlink_metadata().is_ok())
        .map(|file| file.to_str().unwrap().to_owned())
        .collect()
}

fn write_some(repo: &Sandbox, numbers: &mut Numbers, count: usize) {
    for _ in 0..count {
        let path = format!("{}{}", numbers.of(&DIRECTORIES), numbers.of(&FILES));
        let above = repo.path(&path).parent().map(ToOwned::to_owned).unwrap();
        // A name may be that of a file and of a directory, by turns.
        if fs::create_dir_all(above).is_ok() && !repo.path(&path).is_dir() {
            repo.write(&path, "x\n");
        }
    }
}

fn ignore_some(repo: &Sandbox, numbers: &mut Numbers) {
    for _ in 0..numbers.below(4) {
        let directory = numbers.of(&DIRECTORIES);
        if repo.path(directory).is_dir() {
            let count = 1 + numbers.below(3);
            let lines: Vec<_> = (0..count).map(|_| numbers.of(&PATTERNS)).collect();
            repo.write(&format!("{directory}.gitignore"), lines.join("\n"));
        }
    }
    if numbers.below(3) == 0 {
        repo.write(".git/info/exclude", numbers.of(&PATTERNS));
    }
}

#[test]
fn the_files_are_those_that_git_lists() {
    let (mut ignored, mut tracked) = (0, 0);
    for seed in 1_u64..=60 {
        let numbers = &mut Numbers(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let repo = Sandbox::new();
        write_some(&repo, numbers, 12);
        repo.git(&["add", "-f", "."]);
        write_some(&repo, numbers, 12);
        ignore_some(&repo, numbers);
        for root in ["", "a", "a/b", "build"] {
            let at = repo.path(root);
            if !at.is_dir() {
                continue;
            }
            // What is named counts though it is ignored.
            let is_ignored = !root.is_empty()
                && repo
                    .try_git(&["check-ignore", "-q", "--no-index", root])
                    .status
                    == 0;
            if is_ignored {
                ignored += 1;
                continue;
            }
            let wanted = listed(&repo, root);
            tracked += wanted.len();
            // With a slash, as `join` has it.
            let roots = [repo.path(root).components().collect::<PathBuf>()];
            for threads in [1, 3] {
                assert_eq!(walk(&roots, threads), wanted, "seed {seed}, {root:?}");
            }
        }
    }
    assert!(ignored > 3 && tracked > 500, "{ignored} {tracked}");
}

#[test]
fn a_directory_of_many_files_is_shared_and_each_told_once() {
    let repo = Sandbox::new();
    for file in 0..1000 {
        repo.write(&format!("many/{file}"), "x\n");
    }
    repo.write(".gitignore", "*7\n");
    let top = repo.path("many");
    let wanted = listed(&repo, "many");

    assert_eq!(wanted.len(), 900);
    for threads in [1, 2, 8] {
        assert_eq!(walk(std::slice::from_ref(&top), threads), wanted);
    }
}

#[test]
fn files_that_are_named_are_shared_too() {
    let repo = Sandbox::new();
    for file in 0..100 {
        repo.write(&file.to_string(), "x\n");
    }
    let roots: Vec<_> = (0..100).map(|file| repo.path(&file.to_string())).collect();
    let options = Options {
        no_ignore: false,
        max_filesize: None,
        exclude: Exclude::nothing(),
        configured: Anchored::nothing(),
    };
    let mut told = Told::default();
    let walk = Walk::new(&roots, &options, &mut told);

    assert!(walk.work(&mut told, Some(3)));
    assert!(told.files.len() < 100);
    walk.work(&mut told, None);
    assert_eq!(told.files.len(), 100);
}

#[test]
fn roots_in_each_other_tell_each_file_once() {
    let repo = Sandbox::new();
    repo.write("a/b/x", "x\n")
        .write("a/y", "x\n")
        .write("build/z", "x\n")
        .write(".gitignore", "build/\n");
    let roots = ["", "a/b", "a", "a/y", "build", "a"].map(|root| repo.path(root));
    let all = [".gitignore", "a/b/x", "a/y", "build/z"];
    let all = all.map(|path| repo.path(path).to_str().unwrap().to_owned());

    for threads in [1, 3] {
        assert_eq!(walk(&roots, threads), BTreeSet::from(all.clone()));
    }
}
