//! Keys inside of archives and compressed files, from end to end.

use std::io::Cursor;
use std::io::Write as _;

use bzip2::write::BzEncoder;
use flate2::Compression;
use flate2::write::GzEncoder;
use flate2::write::ZlibEncoder;
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
        (
            ruzstd::encoding::compress_to_vec(&env[..], CompressionLevel::Fastest),
            "null",
            "zstd",
        ),
        (zip(&[("a", b"a"), ("b/.env", &env)]), "b/.env", "zip"),
        (tar(&[("a", b"a"), ("b/.env", &env)]), "b/.env", "tar"),
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
    let digits = data_encoding::BASE64.encode(keys::project(1).as_bytes());
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

    for format in ["human", "short", "json"] {
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
