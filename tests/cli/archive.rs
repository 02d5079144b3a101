//! Keys inside of archives and compressed files, from end to end.

use std::io::Cursor;
use std::io::Write as _;
use std::time::Duration;
use std::time::Instant;

use bzip2::write::BzEncoder;
use data_encoding::BASE64;
use flate2::Compression;
use flate2::write::GzEncoder;
use flate2::write::ZlibEncoder;
use lzma_rust2::LzmaOptions;
use lzma_rust2::LzmaWriter;
use ruzstd::encoding::CompressionLevel;
use zip::CompressionMethod;
use zip::write::SimpleFileOptions;

use crate::keys;
use crate::sandbox::Output;
use crate::sandbox::Report;
use crate::sandbox::Sandbox;

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn zip_as(method: CompressionMethod, members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in members {
        let options = SimpleFileOptions::default().compression_method(method);
        zip.start_file(*name, options).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    zip_as(CompressionMethod::Deflated, members)
}

fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, content) in members {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        tar.append_data(&mut header, name, *content).unwrap();
    }
    tar.into_inner().unwrap()
}

/// An LZMA stream, with its header.
fn lzma(content: &[u8]) -> Vec<u8> {
    let options = LzmaOptions::with_preset(6);
    let mut lzma = LzmaWriter::new_use_header(Vec::new(), &options, None).unwrap();
    lzma.write_all(content).unwrap();
    lzma.finish().unwrap()
}

/// A zip of one member that is packed by LZMA, as 7-Zip makes it: a stored member, with another
/// method, size and checksum in both of its records.
fn zip_of_lzma(name: &str, content: &[u8]) -> Vec<u8> {
    let stream = lzma(content);
    // The version of the packer, and the length of the parameters; then, without the length, the stream.
    let packed = [&[9, 20, 5, 0], &stream[..5], &stream[13..]].concat();
    let mut zip = zip_as(CompressionMethod::Stored, &[(name, &packed)]);
    let mut crc = flate2::Crc::new();
    crc.update(content);
    let size = u32::try_from(content.len()).unwrap();
    let directory = memchr::memmem::find(&zip, b"PK\x01\x02").unwrap();
    for (record, method, sum, length) in [(0, 8, 14, 22), (directory, 10, 16, 24)] {
        zip[record + method] = 14;
        zip[record + sum..][..4].copy_from_slice(&crc.sum().to_le_bytes());
        zip[record + length..][..4].copy_from_slice(&size.to_le_bytes());
    }
    zip
}

/// An xz stream of one block with the content as it is: nobody here compresses.
fn xz(content: &[u8]) -> Vec<u8> {
    let crc = |bytes: &[u8]| {
        let mut crc = flate2::Crc::new();
        crc.update(bytes);
        crc.sum().to_le_bytes()
    };
    let pad = |bytes: &mut Vec<u8>| bytes.resize(bytes.len().next_multiple_of(4), 0);
    let number = |mut value: usize, out: &mut Vec<u8>| {
        while value >= 0x80 {
            out.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
            value >>= 7;
        }
        out.push(u8::try_from(value).unwrap());
    };
    let flags = [0, 1];
    let mut out = [&b"\xfd7zXZ\0"[..], &flags, &crc(&flags)].concat();
    // One filter, LZMA2, with a dictionary of 4 KiB.
    let header = [2, 0, 0x21, 1, 0, 0, 0, 0];
    let mut block = [&header[..], &crc(&header)].concat();
    let size = u16::try_from(content.len() - 1).unwrap().to_be_bytes();
    block.extend([&[1][..], &size, content, &[0]].concat());
    let unpadded = block.len() + 4;
    pad(&mut block);
    block.extend(crc(content));
    out.extend(&block);
    let mut index = vec![0, 1];
    number(unpadded, &mut index);
    number(content.len(), &mut index);
    pad(&mut index);
    let sum = crc(&index);
    index.extend(sum);
    out.extend(&index);
    let backward = u32::try_from(index.len() / 4 - 1).unwrap().to_le_bytes();
    let footer = [&backward[..], &flags].concat();
    [&out[..], &crc(&footer), &footer, b"YZ"].concat()
}

/// An archive of `ar`.
fn ar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = b"!<arch>\n".to_vec();
    for (name, content) in members {
        let size = content.len();
        out.extend(
            format!(
                "{name:<16}{:<12}{:<6}{:<6}{:<8}{size:<10}`\n",
                0, 0, 0, 100_644
            )
            .bytes(),
        );
        out.extend(*content);
        out.extend((size % 2 == 1).then_some(b'\n'));
    }
    out
}

/// A file with a key on its second line.
fn env(seed: u64) -> Vec<u8> {
    format!("# ours\nOPENAI_API_KEY={}\n", keys::project(seed)).into_bytes()
}

/// Scans one file by its report.
fn scanned(path: &str, content: &[u8]) -> Report {
    let directory = Sandbox::without_repository();
    directory.write(path, content);
    directory.report(&["scan"])
}

/// Fails unless the status is 1, and one finding is in this member with these layers.
#[track_caller]
fn one_in(report: &Report, member: &str, layers: &str) {
    assert_eq!(report.each("member"), [member], "{report:#?}");
    assert_eq!(report.each("decoded"), [layers], "{report:#?}");
    assert_eq!(report.each("line"), ["2"], "{report:#?}");
    assert_eq!(report.each("key_id"), [keys::id(&keys::project(1))]);
    assert_eq!(report.status, 1, "{report:#?}");
    assert_eq!(report.remarks("skipped"), [""; 0]);
}

#[test]
fn every_kind_of_container_is_opened_by_its_content() {
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
    zlib.write_all(&env(1)).unwrap();
    let mut bzip2 = BzEncoder::new(Vec::new(), bzip2::Compression::default());
    bzip2.write_all(&env(1)).unwrap();
    let env = env(1);
    for (content, member, layers) in [
        (gzip(&env), "null", "gzip"),
        (zlib.finish().unwrap(), "null", "zlib"),
        (bzip2.finish().unwrap(), "null", "bzip2"),
        (xz(&env), "null", "xz"),
        (lzma(&env), "null", "lzma"),
        (zip_of_lzma("b/.env", &env), "b/.env", "zip"),
        (
            ruzstd::encoding::compress_to_vec(&env[..], CompressionLevel::Fastest),
            "null",
            "zstd",
        ),
        (zip(&[("a", b"a"), ("b/.env", &env)]), "b/.env", "zip"),
        (tar(&[("a", b"a"), ("b/.env", &env)]), "b/.env", "tar"),
        (ar(&[("a/", b"a"), (".env/", &env)]), ".env", "ar"),
    ] {
        let report = scanned("data.bin", &content);
        // What is stored is also there as it is: a tar, an xz that does not compress.
        let member_layers = format!("[\"{layers}\"]");
        let found: Vec<(String, String)> = report
            .each("member")
            .into_iter()
            .zip(report.each("decoded"))
            .collect();
        assert!(
            found.contains(&(member.to_owned(), member_layers)),
            "{layers}: {found:?}"
        );
        assert_eq!(report.status, 1, "{layers}");
    }
}

#[test]
fn all_frames_of_a_compressed_file_are_read() {
    let frame =
        |content: &[u8]| ruzstd::encoding::compress_to_vec(content, CompressionLevel::Fastest);
    let skipped = b"\x50\x2a\x4d\x18\x04\0\0\0size";
    let content = [
        &skipped[..],
        &frame(b"# ours\n"),
        skipped,
        &frame(&env(1)[7..]),
    ]
    .concat();
    let report = scanned("log.zst", &content);
    assert_eq!(report.each("line"), ["2"]);
    assert_eq!(report.each("decoded"), [r#"["zstd"]"#]);
    assert_eq!(report.remarks("skipped"), [""; 0]);

    // What stands behind them is none, and told.
    let report = scanned("log.zst", &[&frame(&env(1)), &b"no frame"[..]].concat());
    assert_eq!(report.each("line"), ["2"]);
    assert_eq!(report.remarks("skipped").len(), 1);
}

#[test]
fn a_debian_package_is_opened() {
    let data = gzip(&tar(&[("etc/a/env", &env(1))]));
    let package = ar(&[("debian-binary", b"2.0\n"), ("data.tar.gz", &data)]);
    let report = scanned("a.deb", &package);
    one_in(&report, "data.tar.gz!etc/a/env", r#"["ar","gzip","tar"]"#);

    for (cut, why) in [(100, "cut off"), (20, "cut off")] {
        let report = scanned("a.deb", &package[..cut]);
        assert!(report.remarks("skipped")[0].contains(why), "{report:?}");
    }
}

#[test]
fn a_staged_archive_blocks_the_commit_and_names_its_member() {
    let repo = Sandbox::new();
    let archive = zip(&[("README", b"read me\n"), ("conf/.env", &env(1))]);
    repo.write("site.zip", archive).git(&["add", "."]);

    one_in(&repo.report(&["staged"]), "conf/.env", r#"["zip"]"#);
    let people = repo.frisk(&["staged"]).stdout;
    assert!(
        people.contains(" --> site.zip!conf/.env:2:16\n"),
        "{people}"
    );
    assert!(people.contains("  = written as zip\n"), "{people}");
    let short = repo.frisk(&["staged", "--format", "short"]).stdout;
    assert!(
        short.starts_with("site.zip!conf/.env:2:16: openai-project: "),
        "{short}"
    );
}

#[test]
fn a_compressed_tar_in_a_commit_is_read() {
    let repo = Sandbox::new();
    let archive = gzip(&tar(&[("app/.env", &env(1))]));
    repo.commit_file("backup.tgz", archive);

    let report = repo.report(&["history"]);

    one_in(&report, "app/.env", r#"["gzip","tar"]"#);
}

#[test]
fn a_key_in_an_archive_that_stores_it_is_told_once() {
    for archive in [
        tar(&[("a/.env", &env(1))]),
        zip_as(CompressionMethod::Stored, &[("a/.env", &env(1))]),
    ] {
        assert_eq!(scanned("a.bin", &archive).each("member"), ["a/.env"]);
    }
}

#[test]
fn an_archive_in_an_archive_is_read() {
    let inner = zip(&[("conf/.env", &env(1))]);
    let outer = zip(&[("lib/app.jar", &inner)]);

    one_in(
        &scanned("a.war", &outer),
        "lib/app.jar!conf/.env",
        r#"["zip","zip"]"#,
    );
}

#[test]
fn what_is_written_in_another_way_inside_of_an_archive_is_read() {
    let digits = BASE64.encode(keys::project(1).as_bytes());
    let yaml = format!("data:\n  key: {digits}\n");

    let report = scanned("a.zip", &zip(&[("secret.yaml", yaml.as_bytes())]));

    one_in(&report, "secret.yaml", r#"["zip","base64"]"#);
}

#[test]
fn a_key_in_the_name_of_a_member_is_not_shown() {
    let key = keys::legacy(2);
    let archive = zip(&[(&format!("{key}.env"), &env(1))]);
    let directory = Sandbox::without_repository();
    directory.write("a.zip", archive);

    for format in [
        "human", "short", "json", "jsonl", "sarif", "github", "gitlab", "junit",
    ] {
        let Output { stdout, stderr, .. } = directory.frisk(&["scan", "--format", format]);
        let part = key.get(10..20).unwrap();
        assert!(stdout.contains("a.zip"), "{stdout}");
        assert!(!stdout.contains(part) && !stderr.contains(part), "{format}");
    }
}

#[test]
fn a_damaged_archive_is_named_and_its_bytes_are_searched() {
    let whole = zip_as(CompressionMethod::Stored, &[("a.env", &env(1))]);
    let cut = &whole[..whole.len() - 10];
    for (content, word) in [
        (cut.to_vec(), "zip"),
        ([&gzip(b"a text")[..12], &env(1)].concat(), "gzip"),
        ([b"BZh91AY&SY", &env(1)[..]].concat(), "bzip2"),
        ([b"\x28\xb5\x2f\xfd", &env(1)[..]].concat(), "zstd"),
    ] {
        let report = scanned("a.bin", &content);
        // The key stands there as it is, so it is found.
        assert_eq!(report.status, 1, "{word}: {report:#?}");
        assert_eq!(report.each("member"), ["null"], "{word}");
        let skipped = report.remarks("skipped");
        let expected = format!("a.bin: what the {word} holds was not all read: ");
        assert!(
            skipped.iter().any(|s| s.starts_with(&expected)),
            "{word}: {skipped:?}"
        );
        assert!(report.stderr.contains(&expected), "{}", report.stderr);
    }
}

#[test]
fn a_damaged_archive_without_a_key_is_no_error() {
    let directory = Sandbox::without_repository();
    let whole = zip(&[("a.txt", b"a text\n")]);
    directory.write("a.zip", &whole[..whole.len() - 10]);

    let output = directory.frisk(&["scan"]);

    assert_eq!((output.status, &*output.stdout), (0, ""));
    assert!(
        output
            .stderr
            .contains("left out: a.zip: what the zip holds was not all read"),
        "{output:?}"
    );
}

#[test]
fn one_bad_member_does_not_hide_the_others() {
    let mut archive = zip(&[("a.txt", &b"a text ".repeat(50)), ("b.env", &env(1))]);
    let at = memchr::memmem::find(&archive, b"a.txt").unwrap() + 8;
    archive[at..at + 8].fill(0xff);

    let report = scanned("a.zip", &archive);

    assert_eq!(report.each("member"), ["b.env"]);
    assert_eq!(report.status, 1);
    assert!(!report.remarks("skipped").is_empty());
}

#[test]
fn an_encrypted_member_is_named() {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("a.env", SimpleFileOptions::default())
        .unwrap();
    zip.write_all(&env(1)).unwrap();
    let mut archive = zip.finish().unwrap().into_inner();
    // The flag for it, in the member's header and in the directory.
    for (signature, flags) in [(b"PK\x03\x04", 6), (b"PK\x01\x02", 8)] {
        let at = memchr::memmem::find(&archive, signature).unwrap();
        archive[at + flags] |= 1;
    }

    let report = scanned("a.zip", &archive);

    assert_eq!(report.places(), [""; 0]);
    let skipped = report.remarks("skipped");
    assert!(
        skipped[0].starts_with("a.zip: what the zip holds was not all read: "),
        "{skipped:?}"
    );
}

#[test]
fn a_bomb_ends_with_a_remark_and_soon() {
    // Half a gigabyte and more of zeros, in half a megabyte, in a kilobyte.
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let zeros = vec![0; 1 << 20];
    for _ in 0..520 {
        encoder.write_all(&zeros).unwrap();
    }
    let bomb = encoder.finish().unwrap();
    let directory = Sandbox::without_repository();
    directory.write("a.gz", gzip(&bomb)).write("b.env", env(1));

    let report = directory.report(&["scan"]);

    report.finds(&["b.env:2"]);
    let skipped = report.remarks("skipped");
    assert!(
        skipped[0].contains("a.gz: what the gzip holds was not all read: "),
        "{skipped:?}"
    );
    assert!(skipped[0].contains("expands to too much"), "{skipped:?}");
}

#[test]
fn a_bomb_in_what_was_read_in_another_way_is_named() {
    let bomb = |size: usize| {
        let text = [&env(2)[..50], &vec![b'a'; size]].concat();
        let mut bzip2 = BzEncoder::new(Vec::new(), bzip2::Compression::default());
        bzip2.write_all(&text).unwrap();
        BASE64.encode(&bzip2.finish().unwrap())
    };
    let list = |text: &str| {
        let numbers: Vec<String> = text.bytes().map(|byte| byte.to_string()).collect();
        format!("[{}]\n", numbers.join(", "))
    };
    let marked = format!("T3Blbk{} {}", "FJ", bomb(17 << 20));
    let directory = Sandbox::without_repository();
    directory.write("list.txt", list(&marked));

    let report = directory.report(&["scan"]);

    assert_eq!(
        report.remarks("skipped"),
        [
            "list.txt: line 1: what the bzip2 in base64 in decimal holds was not all read: \
             it expands to too much"
        ]
    );

    // All that a text may have, and more in a list of numbers: the key after it is not looked for.
    let all = (0..8).map(|n| format!("{n}: \"{}\"\n", bomb((16 << 20) - 4096)));
    let all = all.collect::<Vec<_>>().concat();
    let outer = BASE64.encode(format!("{all}{}", list(&marked.repeat(3))).as_bytes());
    let key = BASE64.encode(&gzip(keys::project(1).repeat(2).as_bytes()));
    directory.write("list.txt", format!("\"{outer}\"\n\n\"{key}\"\n"));

    let report = directory.report(&["scan"]);

    let skipped = report.remarks("skipped");
    assert!(!skipped.is_empty() || report.status == 1, "{report:#?}");
}

#[test]
fn encoded_bombs_in_each_other_end_with_a_remark_and_soon() {
    // Sixteen megabytes of lines that hold as much each, of lines that hold as much each.
    const SIZE: usize = 15 << 20;
    let mut line = "a line of a text\n".to_owned();
    for _ in 0..3 {
        let lines = line.repeat(SIZE / line.len());
        line = format!("x = \"{}\"\n", BASE64.encode(&gzip(lines.as_bytes())));
    }
    let directory = Sandbox::without_repository();
    directory.write("a.txt", line).write("b.env", env(1));

    let begun = Instant::now();
    let report = directory.report(&["scan"]);

    assert!(begun.elapsed() < Duration::from_secs(20));
    report.finds(&["b.env:2"]);
    let skipped = report.remarks("skipped");
    assert!(skipped[0].contains("expands to too much"), "{skipped:?}");
}

#[test]
fn encoded_bombs_in_the_members_of_an_archive_have_one_budget() {
    let bomb = BASE64.encode(&gzip(&vec![b'a'; 15 << 20]));
    let names: Vec<String> = (0..12).map(|n| format!("{n}.txt")).collect();
    let members = names.iter().map(|name| (&**name, bomb.as_bytes()));
    let archive = zip(&members.collect::<Vec<_>>());

    let report = scanned("a.zip", &archive);

    let skipped = report.remarks("skipped");
    assert!(skipped[0].contains("expands to too much"), "{skipped:?}");
}

/// An archive with a key in the innermost of eight.
fn deep() -> Vec<u8> {
    (0..8).fold(zip(&[("a.env", &env(1))]), |archive, depth| {
        zip(&[(&format!("{depth}.zip"), &archive)])
    })
}

#[test]
fn archives_in_each_other_end_somewhere() {
    assert_eq!(
        scanned("a.zip", &deep()).json["errors"],
        serde_json::json!([])
    );
}

#[test]
fn what_lies_too_deep_is_named() {
    let report = scanned("a.zip", &deep());

    assert_eq!(report.places(), [""; 0]);
    assert_eq!(report.remarks("skipped").len(), 1, "{report:#?}");
}

#[test]
fn an_archive_on_standard_input_is_opened_or_named() {
    let nowhere = Sandbox::without_repository();
    let output = nowhere.frisk_fed(&gzip(&env(1)), &["scan", "-"]);

    assert!(
        output.status == 1
            || output
                .stderr
                .contains("<stdin>: what the gzip holds was not")
    );
}

#[test]
fn a_zip_behind_something_else_is_opened() {
    let archive = zip(&[("a.txt", b"a text\n"), ("b/.env", &env(1))]);
    let script = [b"#!/bin/sh\nexec unzip \"$0\"\n", &archive[..]].concat();
    let picture = [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", &archive[..]].concat();
    let mut commented = [b"MZ\x90\0\x03\0\0\0", &archive[..]].concat();
    let comment = b"made by a builder\n".repeat(100);
    let at = commented.len() - 2;
    let length = u16::try_from(comment.len()).unwrap();
    commented[at..].copy_from_slice(&length.to_le_bytes());
    commented.extend(comment);
    let large = [vec![b'\n'; 9 << 20], archive.clone()].concat();
    for (content, name) in [
        (script, "script"),
        (picture, "picture"),
        (commented, "commented"),
        (large, "large"),
    ] {
        let report = scanned(name, &content);
        one_in(&report, "b/.env", r#"["zip"]"#);
        let packed = tar(&[("app.run", &content)]);
        let report = scanned(name, &gzip(&packed));
        one_in(&report, "app.run!b/.env", r#"["gzip","tar","zip"]"#);
    }
}

#[test]
fn what_only_mentions_the_end_of_a_zip_is_none() {
    let record = [&b"PK\x05\x06"[..], &[0; 18]].concat();
    for content in [
        record[2..].to_vec(),
        [
            &b"a text with "[..],
            b"PK\x05\x06",
            b" in it, and more after that\n",
        ]
        .concat(),
        [&b"bytes \0 "[..], &record, b" and others"].concat(),
        [&b"bytes \0 "[..], &record].concat(),
    ] {
        let report = scanned("a.bin", &content);
        assert_eq!(report.status, 0);
        assert_eq!(report.remarks("skipped"), [""; 0]);
    }
}

#[test]
fn a_zip_too_large_behind_something_in_another_archive_is_named() {
    let archive = [
        b"#!/bin/sh\n".to_vec(),
        zip_as(
            CompressionMethod::Stored,
            &[("a.txt", &vec![b'\n'; 5 << 20]), ("b/.env", &env(1))],
        ),
    ]
    .concat();

    let report = scanned("a.tgz", &gzip(&tar(&[("app.run", &archive)])));

    // It is stored, so that its own bytes have the key.
    assert_eq!(report.each("member"), ["app.run"]);
    assert_eq!(report.status, 1, "{report:#?}");
    assert_eq!(report.remarks("skipped").len(), 1, "{report:#?}");
}

#[test]
fn an_encoded_archive_that_expands_to_too_much_is_named() {
    let zeros = vec![0; 17 << 20];
    let text = |content: &[u8]| format!("one\ndata: {}\n", BASE64.encode(content));

    let report = scanned("a.yaml", text(&gzip(&zeros)).as_bytes());

    assert_eq!(
        report.remarks("skipped"),
        ["a.yaml: line 2: what the gzip in base64 holds was not all read: it expands to too much"]
    );
    assert_eq!(report.status, 0);

    let inside = scanned("a.zip", &zip(&[("b.yaml", text(&gzip(&zeros)).as_bytes())]));
    assert_eq!(
        inside.remarks("skipped"),
        [
            "a.zip: line 2: what the gzip in base64 holds was not all read: it expands to too much \
         (in b.yaml)"
        ]
    );
}

#[test]
fn an_archive_in_an_encoded_one_is_read() {
    let archive = gzip(&tar(&[("a/.env", &env(1))]));
    let text = format!("data: {}\n", BASE64.encode(&archive));

    let report = scanned("a.yaml", text.as_bytes());

    assert_eq!(report.each("decoded"), [r#"["base64","gzip","tar"]"#]);
}

#[test]
fn the_members_that_are_encrypted_are_named() {
    let mut archive = zip(&[("a.env", &env(1)), ("b.env", &env(2)), ("c.env", &env(3))]);
    let mut rest = 0;
    // The flag for it, in the headers of two members and in the directory.
    for (signature, flags) in [(b"PK\x03\x04", 6), (b"PK\x01\x02", 8)] {
        for _ in 0..2 {
            let at = rest + memchr::memmem::find(&archive[rest..], signature).unwrap();
            archive[at + flags] |= 1;
            rest = at + 4;
        }
    }

    let report = scanned("a.zip", &archive);

    assert_eq!(report.each("member"), ["c.env"]);
    assert_eq!(
        report.remarks("skipped"),
        [
            "a.zip: what the zip holds was not all read: a.env is encrypted, and 1 more could not be \
         read"
        ]
    );
}

#[test]
fn a_large_tar_is_read_as_it_is_unpacked() {
    // Larger than any archive that is held, and than a window of its bytes.
    let filler = b"a line of text, and no more than that\n".repeat(2_000_000);
    let first = [&env(1)[..], &filler].concat();
    let second = [&filler[..], &env(2)].concat();
    let members: [(&str, &[u8]); 4] = [
        ("first.env", &first),
        ("inner.tgz", &gzip(&tar(&[("deep.env", &env(3))]))),
        ("second.env", &second),
        ("last.zip", &zip(&[("in.env", &env(4))])),
    ];
    // What stands behind its end belongs to no member.
    let content = [tar(&members), env(5)].concat();
    assert!(content.len() > 128 << 20);

    let report = scanned("all.tar.gz", &gzip(&content));

    let places = report.places();
    let places: Vec<&str> = places.iter().map(String::as_str).collect();
    assert_eq!(places.len(), 5, "{places:?}");
    let members = report.each("member");
    let expected = [
        "first.env",
        "inner.tgz!deep.env",
        "last.zip!in.env",
        "second.env",
    ];
    for member in expected {
        assert!(members.iter().any(|known| known == member), "{members:?}");
    }
    assert_eq!(report.remarks("skipped"), Vec::<String>::new());

    // Cut off, what is left is searched, and that there is less is said once for each of the two.
    let packed = gzip(&content);
    let report = scanned("all.tar.gz", &packed[..packed.len() / 2]);
    assert!(report.each("member").contains(&"first.env".to_owned()));
    assert_eq!(report.remarks("skipped").len(), 2);
}

#[test]
fn what_comes_before_the_damage_is_searched() {
    let text = [
        &env(1)[..],
        &b"a line of a log, no two alike\n".repeat(2000),
    ]
    .concat();
    let packed = gzip(&text);
    let report = scanned("a.log.gz", &packed[..packed.len() - 20]);
    assert_eq!(report.each("decoded"), [r#"["gzip"]"#]);
    assert_eq!(report.status, 1);
    assert_eq!(
        report.remarks("skipped"),
        ["a.log.gz: what the gzip holds was not all read: it is cut off"]
    );

    let packed = gzip(&tar(&[("a/.env", &env(1)), ("b", &text)]));
    let report = scanned("a.tgz", &packed[..packed.len() - 20]);
    assert!(report.each("member").contains(&"a/.env".to_owned()));
    assert_eq!(report.status, 1);
}

#[test]
fn members_of_the_same_name_are_all_read() {
    let mut archive = zip(&[("a.env", &env(1)), ("b.env", b"a text\n")]);
    let names: Vec<usize> = memchr::memmem::find_iter(&archive, b"b.env").collect();
    for at in names {
        archive[at] = b'a';
    }
    for before in [&b""[..], b"#!/bin/sh\n"] {
        let content = [before, &archive].concat();
        one_in(&scanned("a.zip", &content), "a.env", r#"["zip"]"#);
    }
    let packed = gzip(&tar(&[("a.env", &env(1)), ("a.env", b"a text\n")]));
    one_in(&scanned("a.tgz", &packed), "a.env", r#"["gzip","tar"]"#);
}

#[test]
fn a_piece_of_a_key_in_the_bytes_of_an_archive_is_not_told_beside_the_key() {
    // Stored in two blocks, the second of which begins in the key.
    let cut_at = |text: &[u8], at: usize| {
        let block = |last: u8, bytes: &[u8]| {
            let length = u16::try_from(bytes.len()).unwrap();
            [
                &[last][..],
                &length.to_le_bytes(),
                &(!length).to_le_bytes(),
                bytes,
            ]
            .concat()
        };
        let mut crc = flate2::Crc::new();
        crc.update(text);
        [
            &b"\x1f\x8b\x08\0\0\0\0\0\0\xff"[..],
            &block(0, &text[..at]),
            &block(1, &text[at..]),
            &crc.sum().to_le_bytes(),
            &crc.amount().to_le_bytes(),
        ]
        .concat()
    };
    let text = env(1);
    for at in 20..text.len() - 1 {
        let report = scanned("a.gz", &cut_at(&text, at));
        assert_eq!(report.each("decoded"), [r#"["gzip"]"#], "cut at {at}");
        assert_eq!(report.each("key_id"), [keys::id(&keys::project(1))]);
    }
}

#[test]
fn a_note_is_said_once_and_names_the_member() {
    let text = format!("key = 'sk-proj-{0}T3BlbkFJ{0}'\n", "abcdefghij".repeat(5));
    let directory = Sandbox::without_repository();
    directory
        .write("a.txt", &text)
        .write("b.tar", tar(&[("c.txt", text.as_bytes())]))
        .write("d.zip", zip(&[("e.txt", text.as_bytes())]));

    let stderr = directory.frisk(&["scan", "-v"]).stderr;

    for place in ["a.txt: line 1, ", "b.tar: line 1, ", "d.zip: line 1, "] {
        let notes = stderr.matches(&format!("note: {place}")).count();
        assert_eq!(notes, 1, "{stderr}");
    }
    assert_eq!(stderr.matches("note: ").count(), 3, "{stderr}");
    assert!(stderr.contains(" (in c.txt)") && stderr.contains(" (in e.txt)"));
}

/// A tar of one entry of any kind, with a header that is filled in by hand.
fn tar_entry(kind: tar::EntryType, name: &[u8], link: &str, content: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    header.as_old_mut().name[..name.len()].copy_from_slice(name);
    header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
    header.set_cksum();
    let mut archive = header.as_bytes().to_vec();
    archive.extend(content);
    archive.resize(archive.len().next_multiple_of(512), 0);
    archive
}

fn end_of_tar(entries: &[Vec<u8>]) -> Vec<u8> {
    [&entries.concat()[..], &[0; 1024]].concat()
}

#[test]
fn a_key_in_the_target_of_a_link_in_a_tar_is_found() {
    let key = keys::legacy(3);
    for kind in [tar::EntryType::Symlink, tar::EntryType::Link] {
        let archive = end_of_tar(&[tar_entry(kind, b"link", &key, b"")]);
        for content in [archive.clone(), gzip(&archive)] {
            let report = scanned("a.bin", &content);
            assert_eq!(report.each("key_id"), [keys::id(&key)], "{kind:?}");
            assert_eq!(report.remarks("skipped"), [""; 0]);
        }
    }
}

#[test]
fn names_that_lead_elsewhere_are_shown_and_nothing_is_written() {
    let nowhere = tempfile::tempdir().unwrap();
    let outside = nowhere.path().join("out.env");
    let outside = outside.to_str().unwrap();
    for name in ["../../out.env", outside, "a/../../out.env"] {
        let entry = tar_entry(tar::EntryType::Regular, name.as_bytes(), "", &env(1));
        let packed = gzip(&end_of_tar(&[entry]));
        one_in(&scanned("a.tgz", &packed), name, r#"["gzip","tar"]"#);
        one_in(
            &scanned("a.zip", &zip(&[(name, &env(1))])),
            name,
            r#"["zip"]"#,
        );
    }
    assert_eq!(std::fs::read_dir(nowhere.path()).unwrap().count(), 0);
}

#[test]
fn control_characters_in_the_name_of_a_member_are_escaped() {
    let directory = Sandbox::without_repository();
    directory.write("a.zip", zip(&[("a\x1b[2J\n::error::b", &env(1))]));
    for format in ["human", "short"] {
        let stdout = directory.frisk(&["scan", "--format", format]).stdout;
        assert!(stdout.contains("a.zip!a"), "{stdout}");
        assert!(
            !stdout.contains('\x1b') && !stdout.contains("\n::"),
            "{stdout}"
        );
    }
}

#[test]
fn long_names_of_every_kind_are_read() {
    let name = format!("{}a.env", "directory/".repeat(30));
    // As GNU tar writes it.
    let mut gnu = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(env(1).len() as u64);
    header.set_mode(0o644);
    gnu.append_data(&mut header, &name, &env(1)[..]).unwrap();
    // As POSIX does: a record of the name before the entry.
    let path = format!(" path={name}\n");
    let length = (path.len()..path.len() + 10).find(|n| n.to_string().len() + path.len() == *n);
    let record = format!("{}{path}", length.unwrap());
    let pax = end_of_tar(&[
        tar_entry(
            tar::EntryType::XHeader,
            b"PaxHeaders/a",
            "",
            record.as_bytes(),
        ),
        tar_entry(tar::EntryType::Regular, b"short", "", &env(1)),
    ]);
    for archive in [gnu.into_inner().unwrap(), pax] {
        let report = scanned("a.tgz", &gzip(&archive));
        one_in(&report, &name, r#"["gzip","tar"]"#);
    }
}

#[test]
fn a_sparse_member_is_read() {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::GNUSparse);
    header.set_path("disk.img").unwrap();
    header.set_mode(0o644);
    let mut content = b"\n".to_vec();
    content.extend(env(1).split_off(b"# ours\n".len()));
    content.resize(512, b'\n');
    header.set_size(512);
    let octal = |field: &mut [u8; 12], value: u64| {
        field.copy_from_slice(format!("{value:011o}\0").as_bytes());
    };
    let gnu = header.as_gnu_mut().unwrap();
    octal(&mut gnu.sparse[0].offset, 1 << 20);
    octal(&mut gnu.sparse[0].numbytes, 512);
    octal(&mut gnu.realsize, (1 << 20) + 512);
    header.set_cksum();
    let archive = end_of_tar(&[[header.as_bytes(), &content[..]].concat()]);

    one_in(
        &scanned("a.tgz", &gzip(&archive)),
        "disk.img",
        r#"["gzip","tar"]"#,
    );
}
