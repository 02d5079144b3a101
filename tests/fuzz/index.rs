//! The reader of git's index: what it reads is what libgit2 reads, and the rest is an error.

use std::fs;
use std::path::Path;

use git_frisk::git::index::Entry;
use git_frisk::git::index::Index;
use git_frisk::git::index::IndexError;
use git_frisk::git::index::Node;
use git2::ObjectFormat;
use sha1::Digest as _;
use sha1::Sha1;
use tempfile::TempDir;

use super::Input;
use super::Target;
use super::quickly;

thread_local! {
    static DIRECTORY: TempDir = tempfile::tempdir().unwrap();
}

/// The target.
pub const TARGET: Target = Target {
    name: "index",
    check,
    seeds,
};

/// What counts of an entry: path, mode, object, unmerged.
type Seen = (Vec<u8>, u32, Vec<u8>, bool);

/// Takes how the rest is meant: as a whole file, or as all of it but the checksum.
pub fn check(data: &[u8]) {
    let mut input = Input(data);
    let form = input.byte();
    let mut file = input.0.to_vec();
    if form & 1 == 0 {
        let sum = Sha1::digest(&file);
        file.extend(sum);
    }
    let format = if form & 2 == 0 {
        ObjectFormat::Sha1
    } else {
        ObjectFormat::Sha256
    };
    if form & 4 != 0 {
        split(&mut input, form);
        return;
    }
    DIRECTORY.with(|directory| {
        let path = directory.path().join("index");
        fs::write(&path, &file).unwrap();
        quickly(|| read(&path, format, &file));
    });
}

/// Takes an index without its end, what it says about the shared one, and that.
fn split(input: &mut Input<'_>, form: u8) -> Option<Vec<Seen>> {
    let lengths = [(); 2].map(|()| usize::from(input.byte()) << 8 | usize::from(input.byte()));
    let mut take = |length: usize| {
        let (taken, rest) = input.0.split_at(length.min(input.0.len()));
        input.0 = rest;
        taken.to_vec()
    };
    let (mut file, bits) = (take(lengths[0]), take(lengths[1]));
    let mut base = take(usize::MAX);
    let sum = Sha1::digest(&base);
    base.extend(sum);
    file.extend(b"link");
    file.extend(u32::try_from(bits.len() + sum.len()).unwrap().to_be_bytes());
    file.extend(sum);
    file.extend(&bits);
    if form & 8 != 0 {
        file.extend(b"sdir\0\0\0\0");
    }
    let own = Sha1::digest(&file);
    file.extend(own);
    DIRECTORY.with(|directory| {
        let path = directory.path().join("index");
        let name = git2::Oid::from_bytes(&sum).unwrap();
        let shared = directory.path().join(format!("sharedindex.{name}"));
        fs::write(&path, &file).unwrap();
        fs::write(&shared, &base).unwrap();
        let seen = quickly(|| {
            let open = || Index::open_any(&path, directory.path(), ObjectFormat::Sha1);
            let own = entries_of(open).ok()?;
            assert!(own.len() * 40 <= file.len() + base.len());
            assert!(own.is_sorted_by(|a, b| a.0 <= b.0 && !a.0.is_empty()));
            Some(own)
        });
        fs::remove_file(shared).unwrap();
        seen
    })
}

fn read(path: &Path, format: ObjectFormat, file: &[u8]) {
    let directory = path.parent().unwrap();
    let own = match entries(path, format) {
        Ok(own) => own,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    assert!(own.len() * 40 <= file.len());
    assert!(own.is_sorted_by(|a, b| a.0 <= b.0));
    for (path_of, ..) in own.iter().take(4) {
        let found = Index::look_up(path, directory, format, path_of).unwrap();
        if let Some((mode, oid)) = found {
            // A path that is merged may have the sides of its merge beside it.
            let entry = (path_of.clone(), mode, oid.as_bytes().to_vec(), false);
            assert!(own.contains(&entry));
        }
    }
    // libgit2 refuses more.
    let Ok(theirs) = git2::Index::open_ext(path, format) else {
        return;
    };
    let theirs: Vec<_> = theirs
        .iter()
        .map(|entry| (entry.path, entry.mode))
        .collect();
    // It takes some modes for others.
    assert_eq!(own.len(), theirs.len());
    for (own, theirs) in own.iter().zip(&theirs) {
        assert_eq!(own.0, theirs.0);
    }
}

/// All entries of an index that is right to its end. Tries on another reading to pass by what the
/// cache-tree knows.
fn entries(path: &Path, format: ObjectFormat) -> Result<Vec<Seen>, IndexError> {
    entries_of(|| Index::open(path, format))
}

fn entries_of(
    open: impl Fn() -> Result<Option<Index>, IndexError>,
) -> Result<Vec<Seen>, IndexError> {
    let mut seen = Vec::new();
    let mut index = open()?.unwrap();
    while let Some(entry) = index.current()? {
        seen.push(of(&entry));
        index.advance()?;
    }
    index.finish()?;
    let mut index = open()?.unwrap();
    if let Some(tree) = index.cache_tree()? {
        nodes(tree.root(), 0);
        for (name, node) in tree.root().children() {
            let directory = [name, b"/"].concat();
            while index.path().is_some_and(|path| path < &directory[..]) {
                index.advance()?;
            }
            let Some((count, _)) = node.entries() else {
                break;
            };
            if index.skip(count, &directory).is_err() {
                break;
            }
            let left = index.path().map(<[u8]>::to_vec);
            let passed = seen.iter().filter(|seen| seen.0.starts_with(&directory));
            assert_eq!(passed.count(), count as usize, "what was passed by");
            assert!(left.is_none_or(|path| path > directory));
        }
    }
    Ok(seen)
}

fn of(entry: &Entry<'_>) -> Seen {
    let oid = entry.oid.as_bytes().to_vec();
    (entry.path.to_vec(), entry.mode, oid, entry.is_unmerged)
}

fn nodes(node: Node<'_>, depth: usize) {
    let _ = node.entries();
    for (_, child) in node.children() {
        if depth < 20 {
            nodes(child, depth + 1);
        }
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for version in 2..=4_u32 {
        let names = ["a", "dir/b", "dir/c", "dir/sub/d", "e"];
        let mut file = b"DIRC".to_vec();
        file.extend(version.to_be_bytes());
        file.extend(u32::try_from(names.len()).unwrap().to_be_bytes());
        let mut previous = "";
        for name in names {
            let start = file.len();
            file.extend([0; 24]);
            file.extend(0o100_644_u32.to_be_bytes());
            file.extend([0; 12]);
            file.extend([7; 20]);
            file.extend(u16::try_from(name.len()).unwrap().to_be_bytes());
            if version == 4 {
                let same = name
                    .bytes()
                    .zip(previous.bytes())
                    .take_while(|(a, b)| a == b)
                    .count();
                file.push(u8::try_from(previous.len() - same).unwrap());
                file.extend(&name.as_bytes()[same..]);
                file.push(0);
            } else {
                file.extend(name.as_bytes());
                let pad = 8 - (file.len() - start) % 8;
                file.extend(vec![0; pad]);
            }
            previous = name;
        }
        let mut tree = b"\x005 1\n".to_vec();
        tree.extend([9; 20]);
        tree.extend(b"dir\x003 1\n");
        tree.extend([8; 20]);
        tree.extend(b"sub\x001 0\n");
        tree.extend([7; 20]);
        let bare = file.clone();
        file.extend(b"TREE");
        file.extend(u32::try_from(tree.len()).unwrap().to_be_bytes());
        file.extend(tree);
        seeds.push([&[0][..], &bare].concat());
        seeds.push([&[0][..], &file].concat());
        if version < 4 {
            seeds.push(split_seed(&bare));
        }
    }
    seeds
}

/// An index that replaces the second entry of a shared one, deletes the third and adds one.
fn split_seed(base: &[u8]) -> Vec<u8> {
    let mut file = b"DIRC\0\0\0\x02\0\0\0\x02".to_vec();
    for name in ["", "new"] {
        file.extend(&base[12..12 + 60]);
        file.extend(u16::try_from(name.len()).unwrap().to_be_bytes());
        file.extend(name.as_bytes());
        file.extend(vec![0; 8 - (62 + name.len()) % 8]);
    }
    let mut bits = Vec::new();
    for word in [4_u64, 2] {
        bits.extend([0, 0, 0, 5, 0, 0, 0, 2]);
        bits.extend((1_u64 << 33).to_be_bytes());
        bits.extend(word.to_be_bytes());
        bits.extend([0; 4]);
    }
    let lengths =
        [file.len(), bits.len()].map(|length| u16::try_from(length).unwrap().to_be_bytes());
    [&[4][..], &lengths.concat(), &file, &bits, base].concat()
}

#[test]
fn an_index_that_is_split_is_among_the_seeds() {
    let read = seeds().into_iter().filter(|seed| seed[0] == 4).map(|seed| {
        let own = split(&mut Input(&seed[1..]), seed[0]).unwrap();
        let paths: Vec<Vec<u8>> = own.into_iter().map(|entry| entry.0).collect();
        assert_eq!(paths.join(&b' '), b"a dir/b dir/sub/d e new");
    });
    assert!(read.count() > 1);
}
