//! Repositories made by git, what git says is in them, and what a walk sees.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::ops::Range;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::Mutex;

use git_frisk::git::GitError;
use git_frisk::git::pack::Kinds;
use git_frisk::git::pack::Store;
use git2::ObjectFormat;
use git2::ObjectType;
use git2::Oid;
use tempfile::TempDir;

/// Kind and content of objects.
pub(crate) type Objects = BTreeMap<Oid, (ObjectType, Vec<u8>)>;

/// A repository in a directory of its own.
#[derive(Clone)]
pub(crate) struct Repo {
    directory: PathBuf,
    _temporary: Arc<TempDir>,
}

/// What a walk saw.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) objects: Objects,
    pub(crate) fresh: BTreeMap<Oid, Vec<Range<u32>>>,
    pub(crate) failed: BTreeMap<Oid, GitError>,
}

/// The id of hex digits, of either hash.
pub(crate) fn oid(hex: &str) -> Oid {
    let format = match hex.len() {
        40 => ObjectFormat::Sha1,
        _ => ObjectFormat::Sha256,
    };
    Oid::from_str_ext(hex, format).unwrap()
}

/// Walks, and insists on every object being seen at most once.
pub(crate) fn walked(store: &Store, kinds: Kinds, threads: usize) -> Seen {
    let seen = Mutex::new(Seen::default());
    store.walk(
        kinds,
        threads,
        || false,
        |visit, _| {
            assert_eq!(store.oid(visit.number), visit.oid());
            assert_eq!(store.find(visit.oid().as_bytes()), Some(visit.number));
            let mut seen = seen.lock().unwrap();
            let object = (visit.kind, visit.data.to_vec());
            let before = seen.objects.insert(visit.oid(), object);
            assert!(before.is_none(), "{} twice", visit.oid());
            if let Some(fresh) = visit.fresh() {
                seen.fresh.insert(visit.oid(), fresh.to_vec());
            }
            true
        },
        |oid, error| {
            let mut seen = seen.lock().unwrap();
            assert!(seen.failed.insert(oid, error).is_none(), "{oid} twice");
        },
    );
    let seen = seen.into_inner().unwrap();
    for oid in seen.failed.keys() {
        assert!(!seen.objects.contains_key(oid), "{oid} seen and failed");
    }
    seen
}

impl Repo {
    /// An empty repository of a hash.
    pub(crate) fn new(format: &str) -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let directory = temporary.path().join("repo");
        std::fs::create_dir(&directory).unwrap();
        let repo = Self {
            directory,
            _temporary: Arc::new(temporary),
        };
        repo.git(&format!("init -q -b main --object-format={format}"));
        repo
    }

    /// A repository that borrows the objects of another one.
    pub(crate) fn borrowing(lender: &Self) -> Self {
        let repo = Self::new("sha1");
        let from = lender.directory.display();
        repo.git(&format!("clone -q --shared {from} ../borrower"));
        repo.at("../borrower")
    }

    /// The same, seen from another directory.
    pub(crate) fn at(&self, directory: &str) -> Self {
        let directory = self.directory.join(directory);
        Self {
            directory: directory.canonicalize().unwrap(),
            ..self.clone()
        }
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Runs git.
    pub(crate) fn git(&self, arguments: &str) -> Vec<u8> {
        self.git_with(arguments, b"")
    }

    /// Runs git with an input.
    pub(crate) fn git_with(&self, arguments: &str, input: &[u8]) -> Vec<u8> {
        let mut git = Command::new("git")
            .args(arguments.split(' '))
            .current_dir(&self.directory)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", &self.directory)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .envs([("GIT_AUTHOR_NAME", "A"), ("GIT_AUTHOR_EMAIL", "a@b.c")])
            .envs([
                ("GIT_COMMITTER_NAME", "C"),
                ("GIT_COMMITTER_EMAIL", "c@d.e"),
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = git.stdin.take().unwrap();
        let input = input.to_vec();
        // git need not read all of it.
        let writer = std::thread::spawn(move || stdin.write_all(&input));
        let output = git.wait_with_output().unwrap();
        drop(writer.join().unwrap());
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "git {arguments}: {stderr}");
        output.stdout
    }

    /// Makes commits that change a line or two of one file, and now and then add another; few of
    /// them leave their objects loose.
    pub(crate) fn commits(&self, numbers: Range<u32>) {
        let mut stream = String::new();
        for number in numbers.clone() {
            let line = |line: &u32| {
                // The last commit that changed it.
                let last = (0..=number).rev().find(|at| at * 37 % 61 == line % 61);
                let word = u64::from(line * 1000 + last.unwrap_or(0)) + 1;
                format!("{line} {:x}\n", word.wrapping_mul(0x9e37_79b9_7f4a_7c15))
            };
            let content: String = (0..80 + number / 4).map(|at| line(&at)).collect();
            let message = format!("commit {number}");
            writeln!(stream, "commit refs/heads/main").unwrap();
            let date = 1_700_000_000 + number;
            writeln!(stream, "committer C <c@d.e> {date} +0000").unwrap();
            writeln!(stream, "data {}\n{message}", message.len()).unwrap();
            if number == numbers.start && number > 0 {
                writeln!(stream, "from refs/heads/main^0").unwrap();
            }
            let name = match number % 5 {
                0 => format!("d/{number}"),
                _ => "file".to_owned(),
            };
            writeln!(stream, "M 100644 inline {name}").unwrap();
            writeln!(stream, "data {}\n{content}", content.len()).unwrap();
        }
        let import = "-c fastimport.unpackLimit=50 fast-import --quiet";
        self.git_with(import, stream.as_bytes());
    }

    /// Everything, as git has it.
    pub(crate) fn objects(&self) -> Objects {
        let all = self.git("cat-file --batch-all-objects --batch --buffer");
        let mut rest = &all[..];
        let mut objects = Objects::new();
        while !rest.is_empty() {
            let end = rest.iter().position(|byte| *byte == b'\n').unwrap();
            let line = std::str::from_utf8(&rest[..end]).unwrap();
            let fields: Vec<&str> = line.split(' ').collect();
            let size: usize = fields[2].parse().unwrap();
            let kind = ObjectType::from_str(fields[1]).unwrap();
            let data = rest[end + 1..end + 1 + size].to_vec();
            objects.insert(oid(fields[0]), (kind, data));
            rest = &rest[end + 2 + size..];
        }
        objects
    }

    /// What each delta builds on.
    pub(crate) fn bases(&self) -> BTreeMap<Oid, Oid> {
        let format = "--batch-check=%(objectname),%(deltabase)";
        let all = self.git(&format!("cat-file --batch-all-objects {format}"));
        let lines = std::str::from_utf8(&all).unwrap().lines();
        lines
            .map(|line| line.split_once(',').unwrap())
            .filter(|(_, base)| base.contains(|c| c != '0'))
            .map(|(object, base)| (oid(object), oid(base)))
            .collect()
    }

    /// The length of the longest chain of deltas.
    pub(crate) fn deepest(&self) -> usize {
        let bases = self.bases();
        let depth = |oid: &Oid| std::iter::successors(bases.get(oid), |at| bases.get(at)).count();
        bases.keys().map(depth).max().unwrap_or(0)
    }

    /// The files of packs that end so.
    pub(crate) fn files(&self, extension: &str) -> Vec<PathBuf> {
        let directory = self.directory.join(".git/objects/pack");
        let mut files: Vec<PathBuf> = std::fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|e| e == extension))
            .collect();
        files.sort();
        files
    }

    /// The one file of a pack that ends so, writable.
    pub(crate) fn file(&self, extension: &str) -> PathBuf {
        let mut files = self.files(extension);
        assert_eq!(files.len(), 1);
        files.pop().unwrap()
    }

    pub(crate) fn store(&self) -> Store {
        Store::open(&self.open()).unwrap()
    }

    pub(crate) fn open(&self) -> git2::Repository {
        git2::Repository::open(&self.directory).unwrap()
    }
}
