//! Packs that git would not write: every lie is an error, and none is a panic, a stack overflow or
//! a great deal of memory.

use std::fs;
use std::io::Write as _;

use flate2::Compression;
use flate2::Crc;
use flate2::write::ZlibEncoder;
use git_frisk::git::pack::Kinds;
use git2::ObjectType;
use git2::Oid;
use sha1::Digest as _;
use sha1::Sha1;

use crate::repository::Repo;
use crate::repository::Seen;
use crate::repository::walked;

/// A pack in the making.
struct Forgery {
    pack: Vec<u8>,
    /// Name, offset in the index, CRC-32.
    entries: Vec<(Oid, u64, u32)>,
}

/// A name that no content has.
fn name(number: u32) -> Oid {
    let mut raw = [0; 20];
    let spread = number.wrapping_mul(0x9e37_79b9);
    raw[..4].copy_from_slice(&spread.to_be_bytes());
    raw[4..8].copy_from_slice(&number.to_be_bytes());
    Oid::from_bytes(&raw).unwrap()
}

fn compressed(data: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// The first bytes of an entry.
fn header(kind: u8, mut size: u64) -> Vec<u8> {
    let low = |size: u64, bits: u32| u8::try_from(size & ((1 << bits) - 1)).unwrap();
    let mut bytes = vec![kind << 4 | low(size, 4)];
    size >>= 4;
    while size > 0 {
        *bytes.last_mut().unwrap() |= 0x80;
        bytes.push(low(size, 7));
        size >>= 7;
    }
    bytes
}

/// How far back a base is, as a pack has it.
fn distance(mut back: u64) -> Vec<u8> {
    let mut bytes = vec![u8::try_from(back & 0x7f).unwrap()];
    while back > 0x7f {
        back = (back >> 7) - 1;
        bytes.push(u8::try_from(back & 0x7f).unwrap() | 0x80);
    }
    bytes.reverse();
    bytes
}

fn size(mut size: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while size > 0x7f {
        bytes.push(u8::try_from(size & 0x7f).unwrap() | 0x80);
        size >>= 7;
    }
    bytes.push(u8::try_from(size).unwrap());
    bytes
}

/// A delta that puts bytes behind all of a base.
fn appending(base: usize, bytes: &[u8]) -> Vec<u8> {
    let length = u8::try_from(bytes.len()).unwrap();
    let mut delta = [size(base), size(base + bytes.len())].concat();
    let [low, high, ..] = base.to_le_bytes();
    delta.extend([0xb0, low, high, length]);
    delta.extend(bytes);
    delta
}

const BLOB: u8 = 3;

impl Forgery {
    fn new() -> Self {
        Self {
            pack: b"PACK\0\0\0\x02\0\0\0\0".to_vec(),
            entries: Vec::new(),
        }
    }

    /// Adds an entry of these bytes; gives its offset.
    fn raw(&mut self, oid: Oid, entry: &[u8]) -> u64 {
        let offset = self.pack.len() as u64;
        self.pack.extend(entry);
        self.entries.push((oid, offset, crc(entry)));
        offset
    }

    fn whole(&mut self, oid: Oid, data: &[u8]) -> u64 {
        let entry = [header(BLOB, data.len() as u64), compressed(data)].concat();
        self.raw(oid, &entry)
    }

    fn near(&mut self, oid: Oid, base: u64, delta: &[u8]) -> u64 {
        let back = self.pack.len() as u64 - base;
        let start = header(6, delta.len() as u64);
        self.raw(oid, &[start, distance(back), compressed(delta)].concat())
    }

    fn named(&mut self, oid: Oid, base: Oid, delta: &[u8]) -> u64 {
        let start = header(7, delta.len() as u64);
        self.raw(
            oid,
            &[&start[..], base.as_bytes(), &compressed(delta)].concat(),
        )
    }

    /// Writes the pack and an index with all the checksums right.
    fn write(mut self, repo: &Repo, name: &str) {
        let count = u32::try_from(self.entries.len()).unwrap();
        self.pack[8..12].copy_from_slice(&count.to_be_bytes());
        let checksum = Sha1::digest(&self.pack);
        self.pack.extend(checksum);
        self.entries.sort();
        let mut index = b"\xfftOc\0\0\0\x02".to_vec();
        for byte in 0..=255 {
            let below = self
                .entries
                .partition_point(|entry| entry.0.as_bytes()[0] <= byte);
            index.extend(u32::try_from(below).unwrap().to_be_bytes());
        }
        for (oid, ..) in &self.entries {
            index.extend(oid.as_bytes());
        }
        for (_, _, crc) in &self.entries {
            index.extend(crc.to_be_bytes());
        }
        let mut large: Vec<u64> = Vec::new();
        for (_, offset, _) in &self.entries {
            let short = u32::try_from(*offset).ok().filter(|short| *short < 1 << 31);
            let short = short.unwrap_or_else(|| {
                large.push(*offset);
                1 << 31 | u32::try_from(large.len() - 1).unwrap()
            });
            index.extend(short.to_be_bytes());
        }
        for offset in large {
            index.extend(offset.to_be_bytes());
        }
        index.extend(checksum);
        let checksum = Sha1::digest(&index);
        index.extend(checksum);
        let directory = repo.directory().join(".git/objects/pack");
        fs::write(directory.join(format!("pack-{name}.pack")), &self.pack).unwrap();
        fs::write(directory.join(format!("pack-{name}.idx")), &index).unwrap();
    }

    /// What a walk over it sees.
    fn seen(self) -> Seen {
        let repo = Repo::new("sha1");
        self.write(&repo, "0");
        seen(&repo)
    }
}

fn seen(repo: &Repo) -> Seen {
    let store = repo.store();
    assert!(store.problems().is_empty(), "{:?}", store.problems());
    let both = [1, 2].map(|threads| walked(&store, Kinds::BLOBS, threads));
    assert!(both[0].objects == both[1].objects);
    assert!(both[0].failed.keys().eq(both[1].failed.keys()));
    for oid in both[0].failed.keys() {
        assert!(store.read(*oid).is_err());
    }
    for (oid, object) in both[0].objects.iter().take(50) {
        assert_eq!(store.read(*oid).unwrap(), *object);
    }
    let [seen, _] = both;
    seen
}

#[test]
fn a_pack_made_by_hand_is_read() {
    let mut forgery = Forgery::new();
    let base = forgery.whole(name(1), b"base");
    forgery.near(name(2), base, &appending(4, b" and more"));
    // A base that comes later.
    forgery.named(name(3), name(4), &appending(5, b"!"));
    forgery.whole(name(4), b"later");
    let seen = forgery.seen();
    assert!(seen.failed.is_empty(), "{:?}", seen.failed);
    assert_eq!(seen.objects.len(), 4);
    assert_eq!(seen.objects[&name(2)].1, b"base and more");
    assert_eq!(
        seen.objects[&name(3)],
        (ObjectType::Blob, b"later!".to_vec())
    );
}

#[test]
fn a_chain_of_a_hundred_thousand() {
    let mut forgery = Forgery::new();
    let mut base = forgery.whole(name(0), &[b'a'; 200]);
    for number in 1..100_000 {
        // The last byte is another one each time.
        let byte = u8::try_from(number % 256).unwrap();
        let delta = [200, 1, 200, 1, 0x90, 199, 1, byte];
        base = forgery.near(name(number), base, &delta);
    }
    let repo = Repo::new("sha1");
    forgery.write(&repo, "0");
    let store = repo.store();
    let seen = walked(&store, Kinds::ALL, 2);
    assert!(seen.failed.is_empty());
    assert_eq!(seen.objects.len(), 100_000);
    assert_eq!(seen.objects[&name(99_999)].1[199], 0x9f);
    assert_eq!(store.read(name(99_999)).unwrap().1[199], 0x9f);
}

#[test]
fn a_long_chain_holds_little_memory() {
    // 300 objects of 4 MiB, of which two at a time are kept.
    let mut forgery = Forgery::new();
    let size = [0x80, 0x80, 0x80, 2];
    let mut base = forgery.whole(name(0), &vec![b'a'; 4 << 20]);
    let copy: [&[u8]; 4] = [
        &[0xc0, 0x10],
        &[0xc4, 0x10, 0x10],
        &[0xc4, 0x20, 0x10],
        &[0xc4, 0x30, 0x10],
    ];
    let delta = [&size[..], &size, &copy.concat()].concat();
    for number in 1..300 {
        base = forgery.near(name(number), base, &delta);
    }
    let repo = Repo::new("sha1");
    forgery.write(&repo, "0");
    let store = repo.store();
    let count = std::sync::atomic::AtomicU32::new(0);
    store.walk(
        Kinds::ALL,
        1,
        || false,
        |visit, _| {
            assert_eq!(visit.data.len(), 4 << 20);
            count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            true
        },
        |_, error| panic!("{error}"),
    );
    assert_eq!(count.into_inner(), 300);
}

#[test]
fn bases_elsewhere() {
    let repo = Repo::new("sha1");
    repo.git_with("hash-object -w --stdin", b"loose");
    let loose = Oid::hash_object(ObjectType::Blob, b"loose").unwrap();
    let mut first = Forgery::new();
    first.named(name(1), loose, &appending(5, b" end"));
    first.named(name(2), name(3), &appending(8, b" of it"));
    let base = first.named(name(4), name(99), &appending(1, b"x"));
    first.near(name(5), base, &appending(2, b"x"));
    first.write(&repo, "1");
    let mut second = Forgery::new();
    second.whole(name(3), b"a packed");
    second.named(name(6), name(2), &appending(14, b"!"));
    second.write(&repo, "2");
    let seen = seen(&repo);
    assert_eq!(seen.objects[&name(1)].1, b"loose end");
    assert_eq!(seen.objects[&name(2)].1, b"a packed of it");
    assert_eq!(seen.objects[&name(6)].1, b"a packed of it!");
    assert_eq!(seen.objects.len(), 5);
    assert!(
        seen.failed.keys().eq([name(4), name(5)]
            .iter()
            .collect::<std::collections::BTreeSet<_>>())
    );
    assert!(seen.failed[&name(4)].to_string().contains("not there"));
    assert!(
        seen.failed[&name(5)]
            .to_string()
            .contains(&name(4).to_string())
    );
}

#[test]
fn circles() {
    let repo = Repo::new("sha1");
    let mut first = Forgery::new();
    first.whole(name(0), b"good");
    first.named(name(1), name(2), &appending(4, b"x"));
    first.named(name(2), name(1), &appending(4, b"x"));
    first.named(name(3), name(3), &appending(4, b"x"));
    let base = first.named(name(4), name(5), &appending(4, b"x"));
    first.near(name(6), base, &appending(5, b"x"));
    first.write(&repo, "1");
    let mut second = Forgery::new();
    second.named(name(5), name(4), &appending(4, b"x"));
    second.write(&repo, "2");
    let seen = seen(&repo);
    assert_eq!(seen.objects.len(), 1);
    assert_eq!(seen.failed.len(), 6);
    assert!(
        seen.failed[&name(3)]
            .to_string()
            .contains("builds on itself")
    );
}

#[test]
fn lies() {
    let mut forgery = Forgery::new();
    let base = forgery.whole(name(0), b"good");
    let mut bad = Vec::new();
    let mut next = || {
        bad.push(name(100 + u32::try_from(bad.len()).unwrap()));
        *bad.last().unwrap()
    };
    // Copies out of the base, more than said, less than said, from another base, nothing at all.
    for delta in [
        &[4, 5, 0x90, 5][..],
        &[4, 2, 0x91, 3, 2],
        &[4, 3, 0x90, 4],
        &[4, 5, 0x90, 4],
        &[5, 4, 0x90, 4],
        &[4, 4, 0x90, 4, 0],
        &[4, 4, 9, b'a'],
        &[4, 0x80, 0x80, 0x80, 0x80, 0x10, 0x90, 4],
        &[4, 0x80, 0x80, 0x80, 0x80, 3, 0x90, 4],
        &[4],
        &[],
    ] {
        forgery.near(next(), base, delta);
    }
    // Sizes that are not those of what follows.
    for size in [0, 3, 5, 1 << 29, 1 << 31, 1 << 50] {
        forgery.raw(next(), &[header(BLOB, size), compressed(b"evil")].concat());
    }
    // Kinds that there are not, nothing after the header, no header, no zlib.
    for kind in [0, 5] {
        forgery.raw(next(), &[header(kind, 4), compressed(b"evil")].concat());
    }
    forgery.raw(next(), &header(BLOB, 4));
    forgery.raw(next(), &[0xbf; 30]);
    forgery.raw(next(), &[&header(BLOB, 4)[..], b"evil evil"].concat());
    // A base before the pack, between two entries, itself.
    let delta = compressed(&appending(4, b"x"));
    let start = header(6, appending(4, b"x").len() as u64);
    for back in [0, 1, 1 << 20, 1 << 40] {
        forgery.raw(next(), &[&start[..], &distance(back), &delta].concat());
    }
    // Places that are not in the pack.
    for offset in [0, 11, 1 << 30, 1 << 40, u64::MAX] {
        let oid = next();
        forgery.entries.push((oid, offset, 0));
    }
    let seen = forgery.seen();
    assert_eq!(seen.objects.keys().collect::<Vec<_>>(), [&name(0)]);
    let told: std::collections::BTreeSet<_> = seen.failed.keys().copied().collect();
    assert_eq!(told, bad.into_iter().collect());
}

#[test]
fn many_names_for_one_entry() {
    let mut forgery = Forgery::new();
    let offset = forgery.whole(name(0), b"once");
    let crc = forgery.entries[0].2;
    let more = (1..200_000).map(|number| (name(number), offset, crc));
    forgery.entries.extend(more);
    let repo = Repo::new("sha1");
    forgery.write(&repo, "0");
    let seen = walked(&repo.store(), Kinds::ALL, 1);
    assert_eq!(seen.objects.len(), 200_000);
}

#[test]
fn names_that_are_all_alike() {
    // As far as a guess at their place goes.
    let mut forgery = Forgery::new();
    let mut raw = [0; 20];
    for number in 0..5000_u32 {
        raw[16..].copy_from_slice(&number.to_be_bytes());
        forgery.whole(Oid::from_bytes(&raw).unwrap(), b"");
    }
    let seen = forgery.seen();
    assert_eq!(seen.objects.len(), 5000);
}

#[test]
fn two_names_for_one_entry() {
    let mut forgery = Forgery::new();
    forgery.whole(name(0), b"first");
    let offset = forgery.whole(name(1), b"second");
    let crc = forgery.entries[1].2;
    forgery.entries.push((name(2), offset, crc));
    forgery.named(name(3), name(2), &appending(6, b"!"));
    let seen = forgery.seen();
    assert!(seen.failed.is_empty(), "{:?}", seen.failed);
    assert_eq!(seen.objects[&name(1)], seen.objects[&name(2)]);
    assert_eq!(seen.objects[&name(3)].1, b"second!");
}
