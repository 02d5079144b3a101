//! The reader of packs: every object is what its deltas make of it, or an error, and told once.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::ops::Range;
use std::sync::Mutex;

use flate2::Compression;
use flate2::Crc;
use flate2::write::ZlibEncoder;
use git_frisk::git::pack::Kinds;
use git_frisk::git::pack::Store;
use git2::ObjectType;
use git2::Oid;
use git2::Repository;
use sha1::Digest as _;
use sha1::Sha1;
use tempfile::TempDir;

use super::Input;
use super::Target;
use super::quickly;

/// Objects of a pack.
const MAX_ENTRIES: usize = 24;
/// What is larger is not made here to be compared.
const MAX_MADE: usize = 1 << 22;
/// What an input may claim that one object is made of; one GiB is allowed, and takes its time.
const MAX_CLAIM: u64 = 1 << 24;

thread_local! {
    static REPOSITORY: (TempDir, Repository) = {
        let directory = tempfile::tempdir().unwrap();
        let repository = Repository::init_bare(directory.path()).unwrap();
        (directory, repository)
    };
}

/// The target.
pub const TARGET: Target = Target {
    name: "delta",
    check,
    seeds,
};

/// An object as it was put into the pack.
enum Made {
    Whole(Vec<u8>),
    /// A delta to another, if there is such.
    Delta(Option<usize>, Vec<u8>),
    /// Whatever it is.
    Raw,
}

/// What has to become of an object.
#[derive(Clone, PartialEq, Eq)]
enum Expected {
    Data(Vec<u8>),
    Error,
    Either,
}

/// Takes entries: what each is, and its bytes; then what is changed in the index.
pub fn check(data: &[u8]) {
    let mut input = Input(data);
    let damage = input.byte();
    let changes = input.bytes(usize::from(damage & 0xf) * 3);
    let (pack, entries, made) = pack(&mut input);
    let mut index = index(&entries, &pack);
    for change in changes.chunks_exact(3) {
        let at = usize::from(change[0]) << 8 | usize::from(change[1]);
        // The fan-out takes much room, and is not all there is.
        let at = if damage & 0x80 == 0 {
            at + 8 + 1024
        } else {
            at
        };
        let at = at % index.len();
        index[at] ^= change[2];
    }
    let sum = Sha1::digest(&index);
    index.extend(sum);
    REPOSITORY.with(|(directory, repository)| {
        let packs = directory.path().join("objects/pack");
        fs::write(packs.join("pack-0.pack"), &pack).unwrap();
        fs::write(packs.join("pack-0.idx"), &index).unwrap();
        quickly(|| {
            let store = Store::open(repository).unwrap();
            let expected = (changes.is_empty()).then(|| expectations(&made));
            if expected.is_some() {
                assert!(store.problems().is_empty(), "{:?}", store.problems());
            }
            walk(&store, expected.as_deref(), &made);
        });
    });
}

fn walk(store: &Store, expected: Option<&[Expected]>, made: &[Made]) {
    let seen = Mutex::new(BTreeMap::new());
    let failed = Mutex::new(BTreeMap::new());
    store.walk(
        Kinds::ALL,
        1,
        || false,
        |visit, _| {
            if let Some(fresh) = visit.fresh() {
                in_order(fresh, visit.data.len());
            }
            let data = visit.data[..visit.data.len().min(MAX_MADE)].to_vec();
            let before = seen.lock().unwrap().insert(visit.oid(), (visit.kind, data));
            assert!(before.is_none() || expected.is_none(), "told twice");
            true
        },
        |oid, error| {
            assert!(!error.to_string().contains("internal error"), "{error}");
            failed.lock().unwrap().insert(oid, error.to_string());
        },
    );
    let (seen, failed) = (seen.into_inner().unwrap(), failed.into_inner().unwrap());
    let Some(expected) = expected else {
        for oid in seen.keys().chain(failed.keys()) {
            // A name may be there twice by now.
            let _ = store.read(*oid);
        }
        return;
    };
    assert_eq!(made.len(), expected.len());
    for (number, expected) in expected.iter().enumerate() {
        let name = name(number);
        let told = (seen.get(&name), failed.get(&name));
        assert!(
            told.0.is_some() != told.1.is_some(),
            "told once, either way"
        );
        match expected {
            Expected::Either => {}
            Expected::Error => assert!(told.1.is_some(), "object {number} is no error"),
            Expected::Data(data) => {
                let object = told.0;
                assert!(object.is_some(), "object {number}: {:?}", told.1);
                assert!(object == Some(&(ObjectType::Blob, data.clone())));
            }
        }
        let read = store.read(name);
        assert_eq!(read.is_ok(), told.0.is_some(), "object {number}");
        if let (Ok((kind, data)), Some((seen_kind, seen))) = (read, told.0) {
            assert_eq!(kind, *seen_kind);
            assert!(data.starts_with(seen), "object {number}");
        }
    }
}

/// What is new in an object lies in it, in order, and apart.
fn in_order(fresh: &[Range<u32>], length: usize) {
    let mut before = None;
    for range in fresh {
        assert!(range.start <= range.end && range.end as usize <= length);
        assert!(
            before.is_none_or(|end| end < range.start || (range.is_empty() && end <= range.start))
        );
        before = Some(range.end);
    }
}

/// A name that no content has.
fn name(number: usize) -> Oid {
    let number = u32::try_from(number).unwrap();
    let mut raw = [0; 20];
    raw[..4].copy_from_slice(&number.wrapping_mul(0x9e37_79b9).to_be_bytes());
    raw[4..8].copy_from_slice(&number.to_be_bytes());
    Oid::from_bytes(&raw).unwrap()
}

/// Name, offset, CRC-32.
type Entry = (Oid, u64, u32);

/// Makes a pack of what the input says.
fn pack(input: &mut Input<'_>) -> (Vec<u8>, Vec<Entry>, Vec<Made>) {
    let mut pack = b"PACK\0\0\0\x02\0\0\0\0".to_vec();
    let (mut entries, mut made) = (Vec::new(), Vec::new());
    while made.len() < MAX_ENTRIES && !input.is_empty() {
        let number = made.len();
        let offset = pack.len() as u64;
        let (kind, base) = (input.byte(), usize::from(input.byte()));
        let length = usize::from(input.byte());
        let bytes = input.bytes(length);
        let (start, what) = match kind % 6 {
            0 => (header(3, bytes.len() as u64), Made::Whole(bytes.to_vec())),
            // As it is, or with sizes that are right before it.
            1 | 2 if number > 0 => {
                let base = base % number;
                let delta = delta(bytes, kind % 6 == 2, &made, base);
                let (_, at, _) = &entries[base];
                let back: u64 = offset - at;
                let start = [header(6, delta.len() as u64), distance(back)].concat();
                (start, Made::Delta(Some(base), delta))
            }
            3 | 4 => {
                // It may come later, be itself, or be missing.
                let base = base % (number + 3);
                let delta = delta(bytes, kind % 6 == 4, &made, base);
                let start = [&header(7, delta.len() as u64)[..], name(base).as_bytes()].concat();
                (start, Made::Delta(Some(base), delta))
            }
            _ => (bytes.to_vec(), Made::Raw),
        };
        let content = match &what {
            Made::Whole(data) | Made::Delta(_, data) => compressed(data),
            Made::Raw => Vec::new(),
        };
        let entry = [start, content].concat();
        let mut crc = Crc::new();
        crc.update(&entry);
        pack.extend(&entry);
        entries.push((name(number), offset, crc.sum()));
        made.push(what);
    }
    let count = u32::try_from(made.len()).unwrap();
    pack[8..12].copy_from_slice(&count.to_be_bytes());
    let sum = Sha1::digest(&pack);
    pack.extend(sum);
    for what in &mut made {
        if let Made::Delta(base, _) = what
            && base.is_some_and(|base| base >= count as usize)
        {
            *base = None;
        }
    }
    (pack, entries, made)
}

/// Instructions of a delta, with the sizes that they need before them if so.
fn delta(bytes: &[u8], with_sizes: bool, made: &[Made], base: usize) -> Vec<u8> {
    let base = match made.get(base) {
        Some(Made::Whole(data)) => data.len(),
        // The size of the result stands behind that of the base.
        Some(Made::Delta(_, delta)) => {
            let mut rest = &delta[..];
            let _ = number(&mut rest);
            usize::try_from(number(&mut rest).unwrap_or(0)).unwrap()
        }
        _ => 0,
    };
    if !with_sizes {
        // Else a few bytes claim a gigabyte, and get it: each takes a second.
        let mut rest = bytes;
        let claims = [number(&mut rest), number(&mut rest)];
        let large = claims.iter().flatten().any(|claim| *claim > MAX_CLAIM);
        return if large { Vec::new() } else { bytes.to_vec() };
    }
    let result = instructions(bytes).map_or(0, |all| all.iter().map(Instruction::length).sum());
    if result > MAX_MADE {
        return Vec::new();
    }
    [&size(base)[..], &size(result), bytes].concat()
}

fn expectations(made: &[Made]) -> Vec<Expected> {
    (0..made.len())
        .map(|at| expected(made, at, made.len()))
        .collect()
}

fn expected(made: &[Made], at: usize, depth: usize) -> Expected {
    match &made[at] {
        Made::Whole(data) => Expected::Data(data.clone()),
        Made::Raw => Expected::Either,
        Made::Delta(None, _) => Expected::Error,
        Made::Delta(Some(_), _) if depth == 0 => Expected::Error,
        Made::Delta(Some(base), delta) => match expected(made, *base, depth - 1) {
            Expected::Data(base) => apply(&base, delta),
            other => other,
        },
    }
}

enum Instruction<'a> {
    Copy(usize, usize),
    Insert(&'a [u8]),
}

impl Instruction<'_> {
    fn length(&self) -> usize {
        match self {
            Self::Copy(_, length) => *length,
            Self::Insert(bytes) => bytes.len(),
        }
    }
}

/// As git's documentation has it, one after the other.
fn instructions(mut rest: &[u8]) -> Option<Vec<Instruction<'_>>> {
    let mut all = Vec::new();
    while let Some((&code, mut after)) = rest.split_first() {
        if code & 0x80 == 0 {
            if code == 0 || after.len() < usize::from(code) {
                return None;
            }
            let (bytes, left) = after.split_at(usize::from(code));
            all.push(Instruction::Insert(bytes));
            rest = left;
            continue;
        }
        let mut numbers = [0; 7];
        for (bit, number) in numbers.iter_mut().enumerate() {
            if code & (1 << bit) != 0 {
                let (&byte, left) = after.split_first()?;
                (*number, after) = (byte, left);
            }
        }
        let (offset, size) = (&numbers[..4], &numbers[4..]);
        let little = |bytes: &[u8]| {
            bytes
                .iter()
                .rev()
                .fold(0, |all, byte| all << 8 | usize::from(*byte))
        };
        let length = little(size);
        let length = if length == 0 { 0x10000 } else { length };
        let start = little(offset);
        all.push(Instruction::Copy(start, length));
        rest = after;
    }
    Some(all)
}

fn apply(base: &[u8], delta: &[u8]) -> Expected {
    let mut rest = delta;
    let (Some(from), Some(to)) = (number(&mut rest), number(&mut rest)) else {
        return Expected::Error;
    };
    let Some(all) = instructions(rest).filter(|_| from == base.len() as u64) else {
        return Expected::Error;
    };
    if all.iter().map(Instruction::length).sum::<usize>() > MAX_MADE {
        return Expected::Either;
    }
    let mut out = Vec::new();
    for instruction in all {
        match instruction {
            Instruction::Insert(bytes) => out.extend(bytes),
            Instruction::Copy(start, length) => match base.get(start..start + length) {
                Some(bytes) => out.extend(bytes),
                None => return Expected::Error,
            },
        }
    }
    if out.len() as u64 == to {
        Expected::Data(out)
    } else {
        Expected::Error
    }
}

/// Seven bits a byte, the lowest first.
fn number(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..63).step_by(7) {
        let (&byte, after) = rest.split_first()?;
        *rest = after;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
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

/// The first bytes of an entry.
fn header(kind: u8, size: u64) -> Vec<u8> {
    let mut bytes = vec![kind << 4 | u8::try_from(size & 0xf).unwrap()];
    let mut left = size >> 4;
    while left > 0 {
        *bytes.last_mut().unwrap() |= 0x80;
        bytes.push(u8::try_from(left & 0x7f).unwrap());
        left >>= 7;
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

fn compressed(data: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

/// An index of version 2 but for its own checksum.
fn index(entries: &[Entry], pack: &[u8]) -> Vec<u8> {
    let mut entries = entries.to_vec();
    entries.sort();
    let mut index = b"\xfftOc\0\0\0\x02".to_vec();
    for byte in 0..=255 {
        let below = entries.partition_point(|entry| entry.0.as_bytes()[0] <= byte);
        index.extend(u32::try_from(below).unwrap().to_be_bytes());
    }
    for (oid, ..) in &entries {
        index.extend(oid.as_bytes());
    }
    for (_, _, crc) in &entries {
        index.extend(crc.to_be_bytes());
    }
    for (_, offset, _) in &entries {
        index.extend(u32::try_from(*offset).unwrap().to_be_bytes());
    }
    index.extend(&pack[pack.len() - 20..]);
    index
}

fn seeds() -> Vec<Vec<u8>> {
    let whole = b"\0\0\x0a0123456789";
    vec![
        // A blob, copies and inserts on it, and on that.
        [
            &b"\0"[..],
            whole,
            b"\x02\0\x08\x90\x04\x02ab\x91\x04\x06",
            b"\x02\x01\x05\x90\x03\x02xy",
        ]
        .concat(),
        // By name: of what comes later, of itself, of what is missing.
        [
            &b"\0"[..],
            b"\x04\x01\x02\x01a",
            whole,
            b"\x03\x02\x05\x0a\x03\x91\x07\x03\x04\x09\0",
        ]
        .concat(),
        // An entry that is none, with changes to the index.
        [
            &b"\x02\0\x20\xff\0\x01\x80"[..],
            whole,
            b"\x05\0\x04\xbf\xff\xff\x7f",
            whole,
        ]
        .concat(),
    ]
}
