//! What a walk over packs sees is what git has.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "pack/damage.rs"]
mod damage;
#[path = "pack/forged.rs"]
mod forged;
#[path = "pack/repository.rs"]
mod repository;

use std::fs;

use git_frisk::git::pack::Kinds;

use crate::repository::Repo;
use crate::repository::walked;

/// Walks in each of several ways, and compares all that is seen with all that git has.
fn agree(repo: &Repo) {
    let expected = repo.objects();
    let store = repo.store();
    assert!(store.problems().is_empty(), "{:?}", store.problems());
    for threads in [1, 3] {
        for kinds in [Kinds::ALL, Kinds::BLOBS, Kinds::TREES | Kinds::COMMITS] {
            let seen = walked(&store, kinds, threads);
            assert!(seen.failed.is_empty(), "{:?}", seen.failed);
            let mut wanted = expected.clone();
            wanted.retain(|_, (kind, _)| kinds.contains(*kind));
            assert!(seen.objects == wanted, "{kinds:?}, {threads} threads");
        }
    }
    for (oid, (kind, data)) in expected.iter().step_by(7) {
        assert_eq!(store.read(*oid).unwrap(), (*kind, data.clone()));
    }
}

#[test]
fn an_empty_repository() {
    let repo = Repo::new("sha1");
    agree(&repo);
    let store = repo.store();
    assert!(store.is_empty());
    assert_eq!(store.find(git2::Oid::ZERO_SHA1.as_bytes()), None);
    assert_eq!(store.size_hint().packed_bytes, 0);
}

#[test]
fn deep_chains() {
    let repo = Repo::new("sha1");
    repo.commits(0..400);
    repo.git("repack -adfq --depth=250 --window=50");
    assert!(repo.deepest() > 60, "{}", repo.deepest());
    agree(&repo);
}

#[test]
fn sha256() {
    let repo = Repo::new("sha256");
    repo.commits(0..60);
    repo.git("repack -adfq");
    repo.commits(60..62);
    agree(&repo);
}

#[test]
fn bases_that_are_named() {
    for format in ["sha1", "sha256"] {
        let repo = Repo::new(format);
        repo.commits(0..60);
        repo.git("-c repack.useDeltaBaseOffset=false repack -adfq");
        assert!(repo.deepest() > 5);
        agree(&repo);
    }
}

#[test]
fn an_index_of_version_1() {
    let repo = Repo::new("sha1");
    repo.commits(0..60);
    repo.git("-c pack.indexVersion=1 repack -adfq");
    agree(&repo);
}

#[test]
fn offsets_of_64_bits() {
    let repo = Repo::new("sha1");
    repo.commits(0..30);
    repo.git("repack -adfq");
    let pack = repo.file("pack");
    fs::remove_file(repo.file("idx")).unwrap();
    repo.git(&format!(
        "index-pack --index-version=2,0x40 {}",
        pack.display()
    ));
    agree(&repo);
}

#[test]
fn several_packs_and_loose_objects() {
    let repo = Repo::new("sha1");
    for at in 0..5 {
        repo.commits(at * 20..at * 20 + 20);
        repo.git("repack -dq");
    }
    repo.commits(100..110);
    agree(&repo);
    // The same objects once more, in a pack and loose.
    let pack = fs::read(repo.files("pack").pop().unwrap()).unwrap();
    repo.git("repack -aq");
    repo.git_with("unpack-objects -q", &pack);
    agree(&repo);
    repo.git("multi-pack-index write");
    agree(&repo);
    repo.git("repack -adfq --write-midx");
    agree(&repo);
    let oid = *repo.objects().keys().next().unwrap();
    let store = repo.store();
    assert_eq!(store.oid(store.find(oid.as_bytes()).unwrap()), oid);
    assert!(!store.is_promisor());
    fs::write(repo.file("pack").with_extension("promisor"), "").unwrap();
    assert!(repo.store().is_promisor());
}

#[test]
fn loose_objects_alone() {
    let repo = Repo::new("sha256");
    repo.git("config gc.auto 0");
    repo.commits(0..5);
    repo.git("tag -a -m tag v1");
    agree(&repo);
}

#[test]
fn alternates_and_worktrees() {
    let repo = Repo::new("sha1");
    repo.commits(0..30);
    repo.git("repack -adfq");
    let borrower = Repo::borrowing(&repo);
    borrower.commits(30..40);
    borrower.git("repack -dlq");
    borrower.commits(40..42);
    agree(&borrower);
    let third = Repo::borrowing(&borrower);
    agree(&third);
    third.git("worktree add -q --detach ../linked");
    agree(&third.at("../linked"));
    // git goes on without the lender; who wants to see everything has to know.
    let list = third.directory().join(".git/objects/info/alternates");
    fs::write(&list, "/nowhere/at/all\n").unwrap();
    assert_eq!(third.store().problems().len(), 1);
    fs::remove_file(&list).unwrap();
    fs::create_dir(&list).unwrap();
    assert_eq!(third.store().problems().len(), 1);
}

#[test]
fn what_is_told_to_be_new_is_all_that_is() {
    let repo = Repo::new("sha1");
    repo.commits(0..200);
    repo.git("repack -adfq --depth=50");
    let objects = repo.objects();
    let bases = repo.bases();
    let seen = walked(&repo.store(), Kinds::ALL, 1);
    assert!(seen.fresh.len() > 200);
    assert_eq!(seen.fresh.len(), bases.len());
    let mut old_bytes = 0;
    for (oid, fresh) in &seen.fresh {
        let data = &objects[oid].1;
        let base = &objects[&bases[oid]].1;
        let mut old = Vec::new();
        let mut from = 0;
        for range in fresh {
            let (start, end) = (range.start as usize, range.end as usize);
            assert!(from <= start && start <= end && end <= data.len());
            old.push(from..start);
            from = end;
        }
        old.push(from..data.len());
        let last = old.len() - 1;
        for (at, range) in old.into_iter().enumerate() {
            old_bytes += range.len();
            let part = &data[range.clone()];
            let mut places = base.windows(part.len().max(1));
            let is_there = match (at == 0, at == last) {
                (true, true) => base == part,
                (true, false) => base.starts_with(part),
                (false, true) => base.ends_with(part),
                (false, false) => part.is_empty() || places.any(|place| place == part),
            };
            assert!(is_there, "{oid} {range:?} of {fresh:?}");
        }
    }
    assert!(old_bytes > 100_000);
}

#[test]
fn a_panic_costs_its_object_and_a_cancellation_the_rest() {
    let repo = Repo::new("sha1");
    repo.commits(0..50);
    repo.git("repack -adfq");
    let store = repo.store();
    let count = |of: u32| {
        let seen = std::sync::atomic::AtomicUsize::new(0);
        let failed = std::sync::atomic::AtomicUsize::new(0);
        let add = |to: &std::sync::atomic::AtomicUsize| {
            to.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
        };
        store.walk(
            Kinds::ALL,
            2,
            || of == 1 && seen.load(std::sync::atomic::Ordering::Relaxed) >= 10,
            |visit, _| {
                assert!(of == 1 || visit.number % of != 0, "on purpose");
                add(&seen);
                true
            },
            |_, _| {
                add(&failed);
            },
        );
        (seen.into_inner(), failed.into_inner())
    };
    let (seen, failed) = count(10);
    assert_eq!(seen + failed, store.len());
    assert_eq!(failed, store.len().div_ceil(10));
    let (seen, failed) = count(1);
    assert!((10..14).contains(&seen), "{seen}");
    assert_eq!(failed, 0);
}
