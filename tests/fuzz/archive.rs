//! Opening containers: no more comes out than is allowed, and what git-frisk is told of a container
//! that it cannot read is an error.

use std::io::Cursor;
use std::io::Write as _;

use git_frisk::decode::Layer;
use git_frisk::decode::container;
use git_frisk::decode::container::Budget;

use super::Input;
use super::Target;
use super::quickly;

/// What one input may expand to. A reader may get a buffer of bytes beyond it.
const BUDGET: u64 = 1 << 20;
const BUFFER: usize = 4096;

const KINDS: [Layer; 9] = [
    Layer::Gzip,
    Layer::Zlib,
    Layer::Bzip2,
    Layer::Xz,
    Layer::Zstd,
    Layer::Zip,
    Layer::Tar,
    Layer::Lzma,
    Layer::Deflate,
];

/// The target.
pub const TARGET: Target = Target {
    name: "archive",
    check,
    seeds,
};

/// Takes a first byte that says of what kind the rest is, or that its content tells.
pub fn check(data: &[u8]) {
    let mut input = Input(data);
    let chosen = usize::from(input.byte());
    let content = input.0;
    let told = container::kind(&content[..content.len().min(container::HEAD)])
        .or_else(|| container::kind_at_end(content));
    let Some(kind) = KINDS.get(chosen).copied().or(told) else {
        return;
    };
    let mut budget = Budget::new(BUDGET);
    let (mut sum, mut members) = (0, 0);
    quickly(|| {
        // What is wrong with it is said, not thrown; which of both it is does not matter here.
        let outcome =
            container::expand(kind, Cursor::new(content), &mut budget, &mut |_, member| {
                members += 1;
                let mut buffer = [0; BUFFER];
                loop {
                    match member.read(&mut buffer)? {
                        0 => return Ok(()),
                        read => sum += read as u64,
                    }
                }
            });
        if let Err(unread) = outcome {
            assert!(!unread.to_string().is_empty());
        }
    });
    assert!(sum <= BUDGET, "{sum} bytes came out");
    assert!(budget.used() <= BUDGET);
    assert!(members <= content.len() + 1, "{members} members");
}

fn seeds() -> Vec<Vec<u8>> {
    let text = b"a = 1\nb = 'two'\n".repeat(9);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&text).unwrap();
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::none());
    zlib.write_all(&text).unwrap();
    let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    bzip2.write_all(&text).unwrap();
    let options = lzma_rust2::XzOptions::with_preset(1);
    let mut xz = lzma_rust2::XzWriter::new(Vec::new(), options).unwrap();
    xz.write_all(&text).unwrap();
    let options = lzma_rust2::LzmaOptions::with_preset(1);
    let mut lzma = lzma_rust2::LzmaWriter::new_use_header(Vec::new(), &options, None).unwrap();
    lzma.write_all(&text).unwrap();
    // A frame of one raw block.
    let length = u8::try_from(text.len()).unwrap();
    let mut zstd = vec![0x28, 0xb5, 0x2f, 0xfd, 0x20, length];
    zstd.extend((u32::from(length) << 3 | 1).to_le_bytes().iter().take(3));
    zstd.extend(&text);
    let contents = [
        gzip.finish().unwrap(),
        zlib.finish().unwrap(),
        bzip2.finish().unwrap(),
        xz.finish().unwrap(),
        zstd,
        zip(&[("a.txt", &text), ("b/c.txt", &text), ("A.txt", b"again")]),
        tar(&[(b"a.txt", &text), (b"b/c.txt", &text)]),
        lzma.finish().unwrap(),
    ];
    let marked = |(kind, content): (usize, &Vec<u8>)| {
        let kind = u8::try_from(kind).unwrap();
        [&[kind][..], content].concat()
    };
    let told = [
        [&[255][..], &contents[0]].concat(),
        [b"\xff#!/bin/sh\n", &*contents[5]].concat(),
    ];
    contents
        .iter()
        .enumerate()
        .map(marked)
        .chain(told)
        .collect()
}

/// A zip of these members.
pub(super) fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in members {
        let options = zip::write::SimpleFileOptions::default();
        zip.start_file(*name, options).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A tar of these members.
pub(super) fn tar(members: &[(&[u8], &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, content) in members {
        let mut header = tar::Header::new_ustar();
        header.as_mut_bytes()[..100].fill(0);
        let length = name.len().min(99);
        header.as_mut_bytes()[..length].copy_from_slice(&name[..length]);
        header.set_size(content.len() as u64);
        header.set_cksum();
        tar.append(&header, *content).unwrap();
    }
    tar.into_inner().unwrap()
}
