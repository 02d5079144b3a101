//! What is staged, by the index reader and the cache-tree: the same as libgit2 and git say.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "cli/sandbox.rs"]
#[expect(dead_code, reason = "the end-to-end tests use the rest of it")]
mod sandbox;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::Stdio;

use git_frisk::git::GitError;
use git_frisk::git::Opener;
use git_frisk::git::index::Ahead;
use git_frisk::git::index::Index;
use git_frisk::git::index::IndexError;
use git_frisk::git::object::Objects;
use git_frisk::git::tree::EntryKind;
use git_frisk::source::staged::Item;
use git_frisk::source::staged::Listing;
use git_frisk::source::staged::Selection;
use git_frisk::source::staged::list;
use git_frisk::source::staged::list_plainly;
use git2::ObjectFormat;
use git2::Repository;
use sha1::Digest as _;
use sha1::Sha1;

use crate::sandbox::Sandbox;
use crate::sandbox::run;

/// Names that sort in more than one way, since a directory sorts with a slash behind it.
const DIRECTORIES: [&str; 9] = [
    "", "a/", "a/b/", "a/b/c/", "a-b/", "a.b/", "a0/", "d/é/", "z/",
];
const FILES: [&str; 7] = ["a", "a.b", "a-b", "a0", "b", "file with a longer name", "z"];

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

    fn path(&mut self) -> String {
        format!("{}{}", self.of(&DIRECTORIES), self.of(&FILES))
    }
}

/// What both ways of listing say, in a form that can be compared.
type Said = Result<(Vec<Item>, Vec<String>), String>;

fn said(listing: Result<Listing, GitError>) -> Said {
    let listing = listing.map_err(|error| error.to_string())?;
    let errors = listing.errors.iter().map(ToString::to_string).collect();
    Ok((listing.items, errors))
}

/// Opens a repository, which takes longer than to list what is staged.
fn with_open<T>(repo: &Sandbox, ask: impl FnOnce(&Opener, &Repository, &Objects<'_>) -> T) -> T {
    let opener = Opener::From(repo.path(""));
    let repository = opener.open().unwrap();
    let odb = Objects::new(&repository).unwrap();
    ask(&opener, &repository, &odb)
}

/// The listing as it is made and the plain one.
fn both(repo: &Sandbox, selection: Selection) -> (Said, Said) {
    with_open(repo, |opener, repository, odb| {
        (
            said(list(opener, repository, odb, selection, None)),
            said(list_plainly(opener, repository, odb, selection)),
        )
    })
}

/// The listing as it is made.
fn fast(repo: &Sandbox) -> Said {
    with_open(repo, |opener, repository, odb| {
        said(list(opener, repository, odb, Selection::Changed, None))
    })
}

/// The listings of a repository with each of some indexes.
fn fast_with(
    repo: &Sandbox,
    indexes: impl IntoIterator<Item = Vec<u8>>,
    mut each: impl FnMut(usize, Said),
) {
    let path = repo.path(".git/index");
    with_open(repo, |opener, repository, odb| {
        for (number, bytes) in indexes.into_iter().enumerate() {
            // A file that is cut and written again is flushed to the disk by some file systems.
            fs::remove_file(&path).unwrap();
            fs::write(&path, bytes).unwrap();
            each(
                number,
                said(list(opener, repository, odb, Selection::Changed, None)),
            );
        }
    });
}

/// How the index reader gets through the index alone: with a cache-tree or without.
fn read(repo: &Sandbox) -> Result<bool, IndexError> {
    match read_by(repo, |path, _, format| Index::open(path, format)) {
        Err(IndexError::Unknown(_)) => read_by(repo, Index::open_any),
        other => other,
    }
}

fn read_by(
    repo: &Sandbox,
    open: fn(&Path, &Path, ObjectFormat) -> Result<Option<Index>, IndexError>,
) -> Result<bool, IndexError> {
    let opener = Opener::From(repo.path(""));
    let repository = opener.open().unwrap();
    let path = opener.index_path(&repository);
    let Some(mut index) = open(&path, repository.path(), repository.object_format())? else {
        return Ok(false);
    };
    let has_tree = index.cache_tree()?.is_some();
    index.finish()?;
    Ok(has_tree)
}

/// What git says is staged: for each path the object and whether `HEAD` has something there.
fn by_git(repo: &Sandbox) -> (BTreeMap<Vec<u8>, (String, bool)>, usize) {
    let output = repo
        .git_command(
            "",
            &[
                // git 2.47 makes the shared part sparse as it reads it, and cannot use it then.
                "-c",
                "index.sparse=false",
                "diff",
                "--cached",
                "--raw",
                "-z",
                "--no-renames",
                "--abbrev=64",
                "--ignore-submodules=none",
            ],
        )
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let mut changes = BTreeMap::new();
    let mut unmerged = 0;
    let mut fields = output.stdout.split(|byte| *byte == 0);
    while let (Some(change), Some(path)) = (fields.next(), fields.next()) {
        let words: Vec<&str> = str::from_utf8(change).unwrap().split(' ').collect();
        let kind = |mode: &str| EntryKind::of(u32::from_str_radix(mode, 8).unwrap());
        let (old, new) = (kind(words[0].trim_start_matches(':')), kind(words[1]));
        match words[4] {
            "U" => unmerged += 1,
            "D" => {}
            // A change of the mode alone.
            "M" if words[2] == words[3] && old == new => {}
            status => {
                changes.insert(path.to_vec(), (words[3].to_owned(), status == "A"));
            }
        }
    }
    (changes, unmerged)
}

/// Compares all there is to compare, in one state of a repository. Tells whether the index was
/// read here, and had a cache-tree.
fn agree(repo: &Sandbox, what: &str) -> Option<bool> {
    for selection in [Selection::Changed, Selection::Everything] {
        let (fast, plain) = both(repo, selection);
        // libgit2 reads none that is split or sparse.
        if !plain
            .as_ref()
            .is_err_and(|error| error.contains("(it is sp"))
        {
            assert_eq!(fast, plain, "{what}: {selection:?}");
        }
        if selection == Selection::Everything {
            continue;
        }
        let (items, errors) = match fast {
            Ok(said) => said,
            Err(error) => {
                assert!(!error.contains("(it is sp"), "{what}: {error}");
                continue;
            }
        };
        let (changes, unmerged) = by_git(repo);
        let items: BTreeMap<Vec<u8>, (String, bool)> = items
            .into_iter()
            .map(|item| (item.path, (item.oid.to_string(), item.is_new_path)))
            .collect();
        assert_eq!(items, changes, "{what}");
        assert_eq!(errors.is_empty(), unmerged == 0, "{what}: {errors:?}");
    }
    match read(repo) {
        Ok(has_tree) => Some(has_tree),
        Err(IndexError::Unknown(_)) => None,
        Err(error) => panic!("{what}: {error}"),
    }
}

/// Gives lines to `git update-index --index-info`.
fn index_info(repo: &Sandbox, lines: &str) {
    let mut child = repo
        .git_command("", &["update-index", "--index-info"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(lines.as_bytes())
        .unwrap();
    assert!(child.wait().unwrap().success(), "{lines}");
}

/// A path of the index.
fn staged_path(repo: &Sandbox, numbers: &mut Numbers) -> Option<String> {
    let output = repo.git_command("", &["ls-files", "-z"]).output().unwrap();
    let paths: Vec<&[u8]> = output
        .stdout
        .split(|byte| *byte == 0)
        .filter(|path| !path.is_empty())
        .collect();
    let count = paths.len();
    let path = paths.get(numbers.below(count.max(1)))?;
    Some(str::from_utf8(path).unwrap().to_owned())
}

/// Changes something, and says what. What git refuses is left as it is.
fn change(repo: &Sandbox, numbers: &mut Numbers) -> String {
    let any = numbers.path();
    let content = format!("content {}\n", numbers.below(9));
    let write = |path: &str| {
        // A file may stand where a directory would have to be, and the other way round.
        let file = repo.path(path);
        let _: std::io::Result<()> = fs::create_dir_all(file.parent().unwrap());
        fs::write(file, &content).is_ok()
    };
    let git = |args: &[&str]| {
        repo.try_git(args);
        args.join(" ")
    };
    match numbers.below(24) {
        0..=5 => {
            write(&any);
            git(&["add", "--", &any])
        }
        6 => {
            let count = numbers.below(40);
            for _ in 0..count {
                write(&numbers.path());
            }
            git(&["add", "-A"])
        }
        7 => match staged_path(repo, numbers) {
            Some(path) => git(&["rm", "-q", "-f", "--cached", "--", &path]),
            None => String::new(),
        },
        8 => match staged_path(repo, numbers) {
            Some(path) => git(&["mv", "-f", "--", &path, &any]),
            None => String::new(),
        },
        9 => git(&["mv", "-k", "--", "a", "moved"]),
        10 => match staged_path(repo, numbers) {
            Some(path) => git(&["update-index", "--chmod=+x", "--", &path]),
            None => String::new(),
        },
        11 => {
            let _: std::io::Result<()> = fs::remove_file(repo.path(&any));
            let link = std::os::unix::fs::symlink(&content, repo.path(&any));
            format!("{link:?} {}", git(&["add", "--", &any]))
        }
        12 => {
            let oid = repo.git_says(&["hash-object", "-t", "tree", "/dev/null"]);
            git(&[
                "update-index",
                "--add",
                "--cacheinfo",
                &format!("160000,{oid},{any}"),
            ])
        }
        13 => {
            write(&any);
            git(&["add", "-N", "--", &any])
        }
        14 => git(&[
            "update-index",
            "--index-version",
            numbers.of(&["2", "3", "4"]),
        ]),
        15 => git(&[
            "update-index",
            numbers.of(&["--split-index", "--no-split-index"]),
        ]),
        16 => git(&["commit", "-q", "--allow-empty", "-m", "x"]),
        17 => git(&["write-tree"]),
        18 => git(&["read-tree", numbers.of(&["HEAD", "HEAD~", "--empty"])]),
        19 => git(&[
            "symbolic-ref",
            "HEAD",
            numbers.of(&["refs/heads/main", "refs/heads/new"]),
        ]),
        20 => git(&[
            "reset",
            "-q",
            numbers.of(&["--soft", "--mixed", "--hard"]),
            "HEAD~",
        ]),
        21 => {
            let oid = repo.git_says(&["hash-object", "-w", "-t", "blob", "/dev/null"]);
            let mut lines = String::new();
            for stage in 1..=3 {
                writeln!(lines, "100644 {oid} {stage}\t{any}").unwrap();
            }
            index_info(repo, &lines);
            format!("stages of {any}")
        }
        22 => match staged_path(repo, numbers) {
            Some(path) => {
                let flag = numbers.of(&["--assume-unchanged", "--skip-worktree"]);
                git(&["update-index", flag, "--", &path])
            }
            None => String::new(),
        },
        _ => {
            let only = staged_path(repo, numbers).unwrap_or_default();
            write(&only);
            partial_commit(repo, &only)
        }
    }
}

/// Puts the index in place that `git commit --only` makes, as its hook sees it.
fn partial_commit(repo: &Sandbox, only: &str) -> String {
    repo.hook("pre-commit", "cp \"$GIT_INDEX_FILE\" .git/captured; exit 1");
    // Nothing is captured where git refuses before the hook.
    let captured = repo.path(".git/captured");
    let _: std::io::Result<()> = fs::remove_file(&captured);
    repo.try_git(&["commit", "-q", "-m", "x", "--only", "--", only]);
    let _: std::io::Result<u64> = fs::copy(captured, repo.path(".git/index"));
    repo.remove(".git/hooks/pre-commit");
    format!("commit --only {only}")
}

/// What git is asked to make of the index now and then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Any,
    Split,
    Sparse,
}

/// Makes the index one of a form, or does not.
fn form(repo: &Sandbox, numbers: &mut Numbers, form: Form) -> String {
    let git = |args: &[&str]| {
        repo.try_git(args);
        args.join(" ")
    };
    match form {
        Form::Any => String::new(),
        Form::Split => git(&["update-index", "--split-index"]),
        Form::Sparse if numbers.below(9) == 0 => git(&["sparse-checkout", "disable"]),
        Form::Sparse => {
            let (one, other) = (numbers.of(&DIRECTORIES[1..]), numbers.of(&DIRECTORIES[1..]));
            git(&[
                "sparse-checkout",
                "set",
                "--cone",
                "--sparse-index",
                one,
                other,
            ])
        }
    }
}

/// Begins anew where commands of git 2.47 that know nothing of sparse indexes made more than one
/// entry of a directory, and a cache-tree that counts them, or nothing that git itself reads.
fn heal(repo: &Sandbox, form: Form) {
    if form != Form::Sparse {
        return;
    }
    let listing = repo
        .git_command("", &["ls-files", "-s", "--sparse"])
        .output()
        .unwrap();
    let lines: Vec<&[u8]> = listing.stdout.split(|byte| *byte == b'\n').collect();
    if !listing.status.success() || lines.windows(2).any(|pair| pair[0] == pair[1]) {
        repo.remove(".git/index").try_git(&["read-tree", "HEAD"]);
    }
}

/// Whether the index is of the form.
fn has(repo: &Sandbox, form: Form) -> bool {
    let extension: &[u8] = match form {
        Form::Any => return true,
        Form::Split => b"link",
        Form::Sparse => b"sdir\0\0\0\0",
    };
    let index = fs::read(repo.path(".git/index")).unwrap_or_default();
    index
        .windows(extension.len())
        .any(|bytes| bytes == extension)
}

/// Goes through states of one repository.
fn history(seed: u64, format: &str) {
    history_of(seed, format, Form::Any);
}

fn history_of(seed: u64, format: &str, wanted: Form) {
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15 ^ seed);
    let repo = Sandbox::without_repository();
    repo.git(&[
        "init",
        "-q",
        "-b",
        "main",
        &format!("--object-format={format}"),
    ]);
    agree(&repo, "nothing");
    if wanted == Form::Split {
        // Otherwise a shared index is hardly ever used twice.
        repo.git(&["config", "core.splitIndex", "true"]).git(&[
            "config",
            "splitIndex.maxPercentChange",
            "100",
        ]);
    }
    let mut of_the_form = 0;
    let mut log = String::new();
    let (mut read, mut with_tree) = (0, 0);
    for state in 0..30 {
        for _ in 0..=numbers.below(2) {
            log = format!("{log}\n{state}: {}", change(&repo, &mut numbers));
            heal(&repo, wanted);
        }
        if state % 8 == 3 {
            repo.try_git(&["add", "-A"]);
            repo.try_git(&["commit", "-q", "-m", "x"]);
            log = format!("{log}\n{state}: commit");
        }
        if state % 10 == 0 || wanted == Form::Sparse && numbers.below(3) == 0 {
            log = format!("{log}\n{state}: {}", form(&repo, &mut numbers, wanted));
        }
        of_the_form += usize::from(has(&repo, wanted));
        if let Some(has_tree) = agree(&repo, &log) {
            read += 1;
            with_tree += usize::from(has_tree);
        }
    }
    // Otherwise libgit2 was compared with itself.
    assert!(read > 3 && with_tree > 1, "{read}, {with_tree}: {log}");
    assert!(of_the_form > 5, "{of_the_form}: {log}");
}

#[test]
fn random_states_agree_1() {
    history(1, "sha1");
}

#[test]
fn random_states_agree_2() {
    history(2, "sha1");
}

#[test]
fn random_states_agree_3() {
    history(3, "sha1");
}

#[test]
fn random_states_agree_4() {
    history(4, "sha1");
}

#[test]
fn random_states_agree_5() {
    history(5, "sha256");
}

#[test]
fn random_split_indexes_agree_1() {
    history_of(11, "sha1", Form::Split);
}

#[test]
fn random_split_indexes_agree_2() {
    history_of(12, "sha1", Form::Split);
}

#[test]
fn random_split_indexes_agree_3() {
    history_of(13, "sha256", Form::Split);
}

#[test]
fn random_sparse_indexes_agree_1() {
    history_of(21, "sha1", Form::Sparse);
}

#[test]
fn random_sparse_indexes_agree_2() {
    history_of(22, "sha1", Form::Sparse);
}

#[test]
fn random_sparse_indexes_agree_3() {
    history_of(23, "sha256", Form::Sparse);
}

/// A repository with a few directories and two of them changed in the index.
fn changed() -> Sandbox {
    let repo = Sandbox::new();
    for directory in DIRECTORIES {
        for file in ["f", "g"] {
            repo.write(
                &format!("{directory}{file}"),
                format!("{directory}{file}\n"),
            );
        }
    }
    repo.commit("x");
    repo.write("a/b/f", "other\n")
        .write("z/new", "new\n")
        // Not all: files as young as the index would be taken for changed.
        .git(&["add", "a/b/f", "z/new"]);
    repo
}

fn paths(items: &[Item]) -> Vec<&str> {
    items
        .iter()
        .map(|item| str::from_utf8(&item.path).unwrap())
        .collect()
}

#[test]
fn a_directory_that_did_not_change_is_not_even_read() {
    let repo = changed();
    for tree in ["HEAD:a/b/c", "HEAD:a0", "HEAD:d"] {
        let oid = repo.oid(tree);
        let (shard, file) = oid.split_at(2);
        repo.remove(&format!(".git/objects/{shard}/{file}"));
    }

    let (fast, plain) = both(&repo, Selection::Changed);

    let (items, _) = fast.unwrap();
    assert_eq!(paths(&items), ["a/b/f", "z/new"]);
    assert!(plain.is_err());
}

#[test]
fn without_a_cache_tree_all_is_compared() {
    let repo = changed();
    let listing = repo.git_says(&["ls-files", "-s"]);
    repo.remove(".git/index");
    index_info(&repo, &listing);

    assert!(!read(&repo).unwrap(), "there is a cache-tree");
    agree(&repo, "no cache-tree");
    let fast = fast(&repo);
    assert_eq!(paths(&fast.unwrap().0), ["a/b/f", "z/new"]);
}

#[test]
fn an_index_larger_than_the_buffer_is_read_in_pieces() {
    let repo = Sandbox::new();
    let blob = repo.git_says(&["hash-object", "-w", "-t", "blob", "/dev/null"]);
    let mut lines = String::new();
    for file in 0..12_000 {
        let (outer, inner) = (file % 7, file % 91);
        // The longest that libgit2 reads in version 4, of which the flags cannot tell the length.
        let long = "long/".repeat(if file % 4000 == 0 { 815 } else { 2 });
        writeln!(
            lines,
            "100644 {blob}\tdirectory {outer}/{inner}/{long}x{file}"
        )
        .unwrap();
    }
    index_info(&repo, &lines);
    for version in ["2", "4"] {
        repo.git(&[
            "-c",
            "index.skipHash=false",
            "update-index",
            "--index-version",
            version,
        ]);
        assert!(
            fs::metadata(repo.path(".git/index")).unwrap().len()
                > (if version == "2" { 1 << 20 } else { 1 << 18 })
        );
        agree(&repo, version);
        let tree = repo.git_says(&["write-tree"]);
        let commit = repo.git_says(&["commit-tree", &tree, "-m", "x"]);
        repo.git(&["update-ref", "refs/heads/main", &commit]);
        assert_eq!(agree(&repo, version), Some(true));
        index_info(
            &repo,
            &format!("100755 {blob}\tdirectory 3/new\n0 {blob}\tdirectory 3/3/long/long/x3\n"),
        );
        assert_eq!(agree(&repo, version), Some(true));
        repo.git(&["update-ref", "-d", "refs/heads/main"]);

        let whole = fs::read(repo.path(".git/index")).unwrap();
        let mut bytes = whole.clone();
        bytes[whole.len() / 2] ^= 1;
        fs::write(repo.path(".git/index"), bytes).unwrap();
        let fast = fast(&repo);
        assert!(fast.unwrap_err().contains("index"), "{version}");
        fs::write(repo.path(".git/index"), whole).unwrap();
    }
}

/// A repository with an index that is not read as a whole.
fn large() -> Sandbox {
    let repo = Sandbox::new();
    let blob = repo.git_says(&["hash-object", "-w", "-t", "blob", "/dev/null"]);
    let line = |file| format!("100644 {blob}\tdirectory {}/{file}\n", file % 7);
    index_info(&repo, &(0..15_000).map(line).collect::<String>());
    repo
}

#[test]
fn a_checksum_that_was_begun_ahead_counts_for_this_very_index() {
    let repo = large();
    let index = repo.path(".git/index");
    let whole = fs::read(&index).unwrap();
    assert!(whole.len() > 1 << 20);
    let mut damaged = whole.clone();
    damaged[whole.len() / 2] ^= 1;
    let other = repo.path("other");
    let put = |path: &Path, bytes: &[u8]| {
        let new = repo.path("new");
        fs::write(&new, bytes).unwrap();
        fs::rename(new, path).unwrap();
    };
    let listed = |ahead: Option<Ahead>| {
        assert!(cfg!(not(unix)) || ahead.is_some());
        with_open(&repo, |opener, repository, odb| {
            said(list(opener, repository, odb, Selection::Changed, ahead))
        })
    };

    let all = fast(&repo).unwrap();
    assert_eq!(all.0.len(), 15_000);
    assert_eq!(listed(Ahead::begin(&index)).unwrap(), all);

    put(&other, &whole);
    put(&index, &damaged);
    for guess in [&index, &other] {
        let error = listed(Ahead::begin(guess)).unwrap_err();
        assert!(error.contains("checksum"), "{error}");
    }

    let ahead = Ahead::begin(&index);
    put(&index, &whole);
    assert_eq!(listed(ahead).unwrap(), all);

    put(&other, &whole[..1000]);
    assert!(Ahead::begin(&other).is_none());
    assert!(Ahead::begin(&repo.path("nothing")).is_none());
}

#[test]
fn the_index_is_guessed_where_it_mostly_is() {
    let repo = changed();
    repo.git(&["worktree", "add", "-q", "--detach", "linked"]);
    fs::create_dir(repo.path("a/deep")).unwrap();
    for (from, guess) in [
        ("", Some(".git/index")),
        ("a/deep", Some(".git/index")),
        // Not looked for: the file would have to be read first.
        ("linked", Some("linked/.git/index")),
    ] {
        let guessed = Opener::From(repo.path(from)).probable_index();
        assert_eq!(guessed, guess.map(|guess| repo.path(guess)), "{from}");
    }
}

/// The same index with a checksum that fits.
fn signed(mut bytes: Vec<u8>) -> Vec<u8> {
    let content = bytes.len() - 20;
    let checksum = Sha1::digest(&bytes[..content]);
    bytes[content..].copy_from_slice(&checksum);
    bytes
}

#[test]
fn a_damaged_index_is_an_error() {
    let repo = changed();
    for version in ["2", "4"] {
        repo.git(&["update-index", "--index-version", version]);
        let whole = fs::read(repo.path(".git/index")).unwrap();
        let damaged = (0..whole.len())
            .map(|at| {
                let mut bytes = whole.clone();
                bytes[at] ^= 1 << (at % 8);
                bytes
            })
            .chain((0..whole.len()).map(|length| whole[..length].to_vec()));
        fast_with(&repo, damaged, |_, said| {
            assert!(said.unwrap_err().contains("index"));
        });
        fs::write(repo.path(".git/index"), whole).unwrap();
    }
}

#[test]
fn an_index_made_by_hand_is_an_error_or_read_as_libgit2_does() {
    let repo = changed();
    let listing = repo.git_says(&["ls-files", "-s"]);
    for version in ["2", "4"] {
        repo.remove(".git/index");
        // Without a cache-tree, which is believed.
        index_info(&repo, &listing);
        repo.git(&["update-index", "--index-version", version]);
        let whole = fs::read(repo.path(".git/index")).unwrap();
        let mut read = 0;
        let mut numbers = Numbers(7);
        let made: Vec<Vec<u8>> = (0..whole.len() - 20)
            .map(|at| {
                let mut bytes = whole.clone();
                bytes[at] = u8::try_from(numbers.below(256)).unwrap();
                if numbers.below(4) == 0 {
                    let most = bytes.len() - at - 21;
                    bytes.drain(at..at + 1 + numbers.below(20).min(most));
                }
                signed(bytes)
            })
            .collect();
        fast_with(&repo, made, |at, fast| {
            // libgit2 makes room for as many entries as it is told of: not asked without need. It
            // refuses paths that git would not make either, as `a/..`.
            if fast.is_ok()
                && let (_, plain @ Ok(_)) = both(&repo, Selection::Changed)
            {
                assert_eq!(fast, plain, "{version}: byte {at}");
                read += 1;
            }
        });
        assert!(read > 100, "{read}");
    }
}

#[test]
fn a_cache_tree_that_does_not_fit_is_not_believed() {
    let repo = changed();
    let (_, expected) = both(&repo, Selection::Changed);
    let whole = fs::read(repo.path(".git/index")).unwrap();
    let tree = whole
        .windows(4)
        .rposition(|bytes| bytes == b"TREE")
        .unwrap();
    let made = (tree..whole.len() - 20).flat_map(|at| {
        [1, 2, 3, 4, 0x20].map(|change| {
            let mut bytes = whole.clone();
            bytes[at] ^= change;
            signed(bytes)
        })
    });
    fast_with(&repo, made, |number, fast| {
        if fast.is_ok() {
            assert_eq!(fast, expected, "byte {}", number / 5);
        }
    });
}

#[test]
fn an_index_without_a_checksum_is_read_and_a_pipe_is_not_waited_for() {
    let repo = changed();
    repo.git(&[
        "-c",
        "index.skipHash=true",
        "update-index",
        "--force-write-index",
    ]);
    let bytes = fs::read(repo.path(".git/index")).unwrap();
    assert_eq!(bytes[bytes.len() - 20..], [0; 20]);
    assert_eq!(agree(&repo, "no checksum"), Some(true));

    repo.remove(".git/index");
    let path = repo.path(".git/index");
    let name = str::from_utf8(path.as_os_str().as_bytes()).unwrap();
    run(&mut repo.command("mkfifo", "", &[name]));
    let fast = fast(&repo);
    assert!(fast.unwrap_err().contains("no regular file"));
}

#[test]
fn a_shared_index_that_is_missing_or_another_one_is_an_error() {
    let repo = changed();
    repo.git(&["update-index", "--split-index"]);
    repo.write("z/late", "late\n").git(&["add", "z/late"]);
    assert!(has(&repo, Form::Split));
    agree(&repo, "split");
    let (items, _) = fast(&repo).unwrap();
    assert_eq!(paths(&items), ["a/b/f", "z/late", "z/new"]);

    let shared = fs::read_dir(repo.path(".git"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.file_name().unwrap().as_bytes().starts_with(b"shared"))
        .unwrap();
    let whole = fs::read(&shared).unwrap();
    for at in (0..whole.len()).step_by(7) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        fs::write(&shared, &bytes).unwrap();
        assert!(fast(&repo).unwrap_err().contains("index"), "byte {at}");
        fs::write(&shared, &whole[..at]).unwrap();
        assert!(fast(&repo).unwrap_err().contains("index"), "cut at {at}");
    }
    // One that is right, but not the one that is meant.
    let mut other = whole.clone();
    other[8 + 4] ^= 1;
    fs::write(&shared, signed(other)).unwrap();
    assert!(fast(&repo).unwrap_err().contains("another one"));
    fs::remove_file(&shared).unwrap();
    assert!(fast(&repo).unwrap_err().contains("is not there"));
    run(&mut repo.command("mkfifo", "", &[shared.to_str().unwrap()]));
    assert!(fast(&repo).unwrap_err().contains("no regular file"));
}

#[test]
fn a_split_index_made_by_hand_is_an_error_or_no_more_than_it_has() {
    let repo = changed();
    repo.git(&["update-index", "--split-index"]);
    repo.write("z/late", "late\n").write("a/f", "x\n");
    repo.git(&["add", "z/late", "a/f"])
        .git(&["rm", "-q", "--cached", "d/é/g"]);
    agree(&repo, "split");
    let whole = fs::read(repo.path(".git/index")).unwrap();
    let made = (0..whole.len() - 20).flat_map(|at| {
        [1, 0x80, 0xff].map(|change| {
            let mut bytes = whole.clone();
            bytes[at] ^= change;
            signed(bytes)
        })
    });
    let mut read = 0;
    fast_with(&repo, made, |_, fast| read += usize::from(fast.is_ok()));
    // Most bytes are times and numbers of files.
    assert!(read > 100, "{read}");
}

#[test]
fn a_directory_that_is_not_written_out_is_compared_by_its_tree() {
    let repo = Sandbox::new();
    for state in ["one", "two"] {
        for path in ["in/a", "out/deep/b", "out/c", "out/same", "other/d"] {
            let state = if path == "out/same" { "" } else { state };
            repo.write(path, format!("{path} {state}\n"));
        }
        repo.write(&format!("out/{state}"), state).commit("x");
        repo.try_git(&["rm", "-q", "--cached", "out/one"]);
    }
    repo.git(&["sparse-checkout", "set", "--cone", "--sparse-index", "in"]);
    repo.git(&["reset", "-q", "--soft", "HEAD~"]);
    assert!(has(&repo, Form::Sparse));

    assert!(agree(&repo, "sparse").is_some());
    let (items, errors) = fast(&repo).unwrap();
    assert_eq!(
        paths(&items),
        ["in/a", "other/d", "out/c", "out/deep/b", "out/two"]
    );
    assert!(errors.is_empty());

    // A directory among the files of an index that is not sparse.
    let whole = fs::read(repo.path(".git/index")).unwrap();
    let at = whole
        .windows(4)
        .rposition(|bytes| bytes == b"sdir")
        .unwrap();
    let mut bytes = whole.clone();
    bytes[at..at + 4].copy_from_slice(b"SDIR");
    fs::write(repo.path(".git/index"), signed(bytes)).unwrap();
    assert!(fast(&repo).unwrap_err().contains("index"));
    // A tree that is not there.
    fs::write(repo.path(".git/index"), whole).unwrap();
    let root = repo.git_says(&["write-tree"]);
    let oid = repo.oid(&format!("{root}:out"));
    let (shard, file) = oid.split_at(2);
    repo.remove(&format!(".git/objects/{shard}/{file}"));
    assert!(fast(&repo).unwrap_err().contains("missing"));
}
