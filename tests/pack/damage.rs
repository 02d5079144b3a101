//! Damage is told, never passed over: what is not told is as git has it.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use git_frisk::git::pack::Kinds;
use git_frisk::git::pack::Store;

use crate::repository::Objects;
use crate::repository::Repo;
use crate::repository::Seen;
use crate::repository::walked;

/// Replaces a file; those of packs cannot be written to.
fn replace(path: &Path, content: &[u8]) {
    fs::remove_file(path).unwrap();
    fs::write(path, content).unwrap();
}

/// A repository with one small pack.
fn small() -> Repo {
    let repo = Repo::new("sha1");
    repo.commits(0..6);
    repo.git("repack -adfq");
    repo
}

/// Walks what may be damaged, and says whether all was well. What is seen must be right, and all of
/// it must be seen if nothing is told.
fn is_whole(repo: &git2::Repository, expected: &Objects, kinds: Kinds) -> bool {
    let store = Store::open(repo).unwrap();
    let seen = walked(&store, kinds, 1);
    for (oid, object) in &seen.objects {
        assert!(expected.get(oid) == Some(object), "{oid} is wrong");
    }
    if !store.problems().is_empty() || !seen.failed.is_empty() {
        return false;
    }
    let wanted = expected.values().filter(|(kind, _)| kinds.contains(*kind));
    let count = wanted.count();
    assert_eq!(seen.objects.len(), count, "something was passed over");
    true
}

#[test]
fn a_flipped_bit_is_told() {
    for (version, extension, step) in [
        (2, "pack", 1),
        (2, "idx", 7),
        (1, "pack", 7),
        (1, "idx", 23),
    ] {
        let repo = small();
        repo.git(&format!("-c pack.indexVersion={version} repack -adfq"));
        let expected = repo.objects();
        let opened = repo.open();
        let path = repo.file(extension);
        let content = fs::read(&path).unwrap();
        let mut told = 0;
        let places = (0..content.len()).step_by(step);
        for at in places.clone() {
            let mut damaged = content.clone();
            damaged[at] ^= 1 << (at % 8);
            replace(&path, &damaged);
            let kinds = [Kinds::ALL, Kinds::BLOBS, Kinds::TREES][at % 3];
            told += usize::from(!is_whole(&opened, &expected, kinds));
        }
        // Of version 1 it is only known what does not have its hash.
        let all = places.count();
        let most = if version == 1 { all * 9 / 10 } else { all };
        assert!(told >= most, "{told} of {all} in {extension} {version}");
    }
}

#[test]
fn a_cut_is_told() {
    for extension in ["pack", "idx"] {
        let repo = small();
        let expected = repo.objects();
        let opened = repo.open();
        let path = repo.file(extension);
        let content = fs::read(&path).unwrap();
        for length in (0..content.len()).step_by(17) {
            replace(&path, &content[..length]);
            assert!(!is_whole(&opened, &expected, Kinds::BLOBS), "{length}");
        }
    }
}

#[test]
fn half_a_pack_is_told() {
    for extension in ["pack", "idx"] {
        let repo = small();
        repo.git("multi-pack-index write");
        let path = repo.file(extension);
        fs::remove_file(&path).unwrap();
        let problem = |repo: &Repo| {
            let store = repo.store();
            assert!(walked(&store, Kinds::ALL, 1).objects.is_empty());
            assert_eq!(store.problems().len(), 1);
            store.problems()[0].to_string()
        };
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        assert!(problem(&repo).contains(&name));
        assert!(problem(&repo).contains("git index-pack"));
        fs::create_dir(&path).unwrap();
        assert!(problem(&repo).contains("no regular file"));
        fs::remove_dir(&path).unwrap();
        fs::write(&path, "").unwrap();
        assert!(problem(&repo).contains("empty"));
        #[cfg(unix)]
        {
            fs::remove_file(&path).unwrap();
            let made = std::process::Command::new("mkfifo").arg(&path).status();
            assert!(made.unwrap().success());
            assert!(problem(&repo).contains("no regular file"));
        }
    }
}

#[test]
fn what_git_is_writing_is_let_be() {
    let repo = small();
    let packs = repo.directory().join(".git/objects/pack");
    fs::write(packs.join("tmp_pack_a1b2c3"), "PACK").unwrap();
    fs::write(packs.join(".tmp-12-pack-34.pack"), "PACK").unwrap();
    fs::write(repo.directory().join(".git/objects/00"), "").unwrap();
    let store = repo.store();
    assert_eq!(store.problems().len(), 1, "{:?}", store.problems());
    fs::remove_file(repo.directory().join(".git/objects/00")).unwrap();
    assert!(repo.store().problems().is_empty());
}

#[test]
fn a_pack_that_is_deleted_is_still_read() {
    let repo = small();
    let expected = repo.objects();
    let store = repo.store();
    fs::remove_file(repo.file("pack")).unwrap();
    fs::remove_file(repo.file("idx")).unwrap();
    assert!(walked(&store, Kinds::ALL, 2).objects == expected);
}

/// A repository with a long chain, of which the first object is damaged.
fn damaged_at_the_root() -> (Repo, Objects, git2::Oid, usize) {
    let repo = Repo::new("sha1");
    repo.commits(0..80);
    repo.git("repack -adfq --depth=100 --window=100");
    let objects = repo.objects();
    let bases = repo.bases();
    let root_of = |oid: &git2::Oid| {
        let mut at = *oid;
        while let Some(base) = bases.get(&at) {
            at = *base;
        }
        at
    };
    let mut sizes = std::collections::BTreeMap::new();
    for oid in objects.keys() {
        *sizes.entry(root_of(oid)).or_insert(0) += 1;
    }
    let (root, size) = sizes.into_iter().max_by_key(|(_, size)| *size).unwrap();
    let verified = repo.git(&format!("verify-pack -v {}", repo.file("idx").display()));
    let verified = String::from_utf8_lossy(&verified).into_owned();
    let line = verified
        .lines()
        .find(|line| line.starts_with(&root.to_string()))
        .unwrap();
    let offset: usize = line.split_whitespace().nth(4).unwrap().parse().unwrap();
    let path = repo.file("pack");
    let mut content = fs::read(&path).unwrap();
    content[offset + 20] ^= 4;
    replace(&path, &content);
    (repo, objects, root, size)
}

#[test]
fn a_damaged_base_costs_all_that_builds_on_it_and_nothing_else() {
    let (repo, objects, root, size) = damaged_at_the_root();
    assert!(size > 20);
    for threads in [1, 2] {
        let Seen {
            objects: seen,
            failed,
            ..
        } = walked(&repo.store(), Kinds::ALL, threads);
        assert_eq!(failed.len(), size);
        assert_eq!(seen.len() + size, objects.len());
        assert!(
            failed[&root]
                .to_string()
                .contains("not those the index was made for")
        );
        let named = |oid: &git2::Oid| failed[oid].to_string().contains(&oid.to_string());
        assert!(failed.keys().all(named));
    }
}

#[test]
fn another_copy_takes_the_place_of_a_damaged_one() {
    let (repo, objects, root, _) = damaged_at_the_root();
    let (kind, data) = &objects[&root];
    // Into this one git would not write what it has.
    let other = Repo::new("sha1");
    other.git_with(&format!("hash-object -w --stdin -t {kind}"), data);
    let hex = root.to_string();
    let (shard, file) = hex.split_at(2);
    let path = |repo: &Repo| repo.directory().join(".git/objects").join(shard);
    fs::create_dir_all(path(&repo)).unwrap();
    fs::copy(path(&other).join(file), path(&repo).join(file)).unwrap();
    let seen = walked(&repo.store(), Kinds::ALL, 1);
    assert_eq!(seen.failed.len(), 0);
    assert!(seen.objects == objects);
    assert_eq!(repo.store().read(root).unwrap(), objects[&root]);
}

#[test]
fn a_loose_object_that_seems_to_be_of_another_kind_is_told() {
    let lender = Repo::new("sha1");
    lender.git("config gc.auto 0");
    lender.commits(0..2);
    let expected = lender.objects();
    let borrower = Repo::borrowing(&lender);
    let blob = |(_, (kind, _)): &(_, &(git2::ObjectType, _))| *kind == git2::ObjectType::Blob;
    let (oid, (_, data)) = expected.iter().find(blob).unwrap();
    let hex = oid.to_string();
    let (shard, file) = hex.split_at(2);
    let path = format!(".git/objects/{shard}/{file}");
    let mut forged = ZlibEncoder::new(Vec::new(), Compression::fast());
    let header = format!("tree {}\0", data.len());
    forged
        .write_all(&[header.as_bytes(), data].concat())
        .unwrap();
    let path = borrower.directory().join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, forged.finish().unwrap()).unwrap();
    // Kind by kind, as a history is walked. The other one of them is a blob.
    let store = borrower.store();
    let walks = [Kinds::BLOBS, Kinds::TREES].map(|kinds| walked(&store, kinds, 1));
    let is_told = |seen: &Seen| seen.objects.contains_key(oid) || seen.failed.contains_key(oid);
    assert!(walks.iter().any(is_told), "{walks:?}");
}
