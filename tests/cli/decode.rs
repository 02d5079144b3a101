//! Keys that are written in another way, from end to end.

use std::io::Write;

use data_encoding::BASE64;

use crate::keys;
use crate::sandbox::Sandbox;

/// A text as PowerShell 5 writes it with `>`: UTF-16 with a byte-order mark.
fn utf16(text: &str) -> Vec<u8> {
    let units = text.encode_utf16().flat_map(u16::to_le_bytes);
    [0xff, 0xfe].into_iter().chain(units).collect()
}

/// Stages one file and tells what is found: place, layers and excerpt.
fn found_in(path: &str, content: impl AsRef<[u8]>) -> Vec<[String; 3]> {
    let repo = Sandbox::new();
    repo.write(path, content).git(&["add", "."]);
    let report = repo.report(&["staged"]);
    assert_eq!(report.status, 1, "{report:#?}");
    let decoded = report.each("decoded");
    let excerpts = report.each("excerpt");
    let places = report.places();
    places
        .into_iter()
        .zip(decoded)
        .zip(excerpts)
        .map(|((place, decoded), excerpt)| [place, decoded, excerpt])
        .collect()
}

/// Fails if anything is found in a file.
#[track_caller]
fn nothing_in(path: &str, content: impl AsRef<[u8]>) {
    let directory = Sandbox::without_repository();
    directory.write(path, content);
    let report = directory.report(&["scan"]);
    assert_eq!(report.status, 0, "{report:#?}");
}

#[test]
fn an_env_file_that_powershell_wrote_is_read() {
    let repo = Sandbox::new();
    let text = format!("# für uns\r\nOPENAI_API_KEY={}\r\n", keys::project(1));
    repo.write(".env", utf16(&text)).git(&["add", ".env"]);

    let report = repo.report(&["staged"]);

    report.finds(&[".env:2"]);
    // Line and column are those of the text as UTF-8, not of its bytes.
    assert_eq!(report.each("column"), ["16"]);
    assert_eq!(report.each("end_column"), ["180"]);
    assert_eq!(report.each("decoded"), [r#"["utf-16le"]"#]);
    assert_eq!(report.each("key_id"), [keys::id(&keys::project(1))]);
    assert_eq!(
        report.each("excerpt"),
        ["OPENAI_API_KEY=sk-proj-[164 characters hidden]"]
    );
    let people = repo.frisk(&["staged"]).stdout;
    assert!(people.contains("  = written as utf-16le\n"), "{people}");
}

#[test]
fn a_column_of_a_utf_16_file_counts_the_bytes_of_utf_8() {
    let [place, _, _] = &found_in("a.txt", utf16(&format!("é鍵 '{}'", keys::legacy(1))))[0];
    assert_eq!(place, "a.txt:1");

    let repo = Sandbox::new();
    repo.write("a.txt", utf16(&format!("é鍵 '{}'", keys::legacy(1))));
    assert_eq!(repo.report(&["scan"]).each("column"), ["8"]);
}

#[test]
fn utf_16_without_a_mark_and_utf_32_are_read() {
    let text = format!("KEY={}\n", keys::project(1));
    let wide: Vec<u8> = text
        .chars()
        .flat_map(|c| (c as u32).to_be_bytes())
        .collect();
    for (content, layer) in [
        (utf16(&text)[2..].to_vec(), r#"["utf-16le"]"#),
        (wide, r#"["utf-32be"]"#),
    ] {
        let found = found_in("a.txt", content);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0][..2], ["a.txt:1", layer]);
    }
}

#[test]
fn a_kubernetes_secret_is_read_and_not_shown() {
    let key = keys::project(1);
    let digits = BASE64.encode(key.as_bytes());
    let found = found_in(
        "secret.yaml",
        format!("kind: Secret\ndata:\n  OPENAI_API_KEY: {digits}\n  user: YWRtaW4=\n"),
    );

    let [[place, decoded, excerpt]] = &found[..] else {
        panic!("{found:?}");
    };
    assert_eq!((&**place, &**decoded), ("secret.yaml:3", r#"["base64"]"#));
    assert!(excerpt.starts_with("  OPENAI_API_KEY: "), "{excerpt}");
    for text in [&key, &digits] {
        for part in text.as_bytes()[12..].windows(6) {
            let part = std::str::from_utf8(part).unwrap();
            assert!(!excerpt.contains(part), "shows a part");
        }
    }
}

#[test]
fn a_split_string_is_read() {
    let key = keys::project(1);
    let (a, b) = key.split_at(40);
    for (path, text) in [
        ("a.py", format!("KEY = (\n    '{a}'\n    '{b}'\n)\n")),
        ("a.js", format!("x();\nconst k = \"{a}\" + \"{b}\";\n")),
        ("a.php", format!("<?php\n$k = '{a}' . '{b}';\n")),
        ("a.lua", format!("-- a\nlocal k = \"{a}\" .. \"{b}\"\n")),
        ("a.vb", format!("Sub A()\nk = \"{a}\" & _\n    \"{b}\"\n")),
    ] {
        let found = found_in(path, text);
        let [[place, decoded, excerpt]] = &found[..] else {
            panic!("{path}: {found:?}");
        };
        assert_eq!(
            (&**place, &**decoded),
            (&*format!("{path}:2"), r#"["concat"]"#)
        );
        for part in key.as_bytes()[10..].windows(6) {
            let part = std::str::from_utf8(part).unwrap();
            assert!(!excerpt.contains(part), "{path} shows a part");
        }
    }
}

#[test]
fn escapes_are_read() {
    let key = keys::project(1);
    let each = |form: fn(u8) -> String| key.bytes().map(form).collect::<String>();
    for (text, layer) in [
        (each(|b| format!("\\u{b:04x}")), r#"["escape"]"#),
        (each(|b| format!("%{b:02X}")), r#"["percent"]"#),
        (each(|b| format!("&#{b};")), r#"["html"]"#),
        (each(|b| format!("={b:02X}")), r#"["quoted-printable"]"#),
    ] {
        let found = found_in("a.txt", format!("\nk: \"{text}\"\n"));
        assert_eq!(found[0][..2], ["a.txt:2", layer]);
        assert_eq!(found.len(), 1);
    }
}

/// Each byte of a key in a form of its own.
fn each_byte(key: &str, form: fn(u8) -> String, between: &str) -> String {
    key.bytes().map(form).collect::<Vec<_>>().join(between)
}

#[test]
fn lists_of_numbers_are_read() {
    let key = keys::project(1);
    let list = |form, between| each_byte(&key, form, between);
    for (text, layer) in [
        (list(|b| format!("0x{b:02x}"), ", "), r#"["hex"]"#),
        (list(|b| format!("0x{b:02X}"), ","), r#"["hex"]"#),
        (list(|b| format!("0x{b:02x}"), ",\n  "), r#"["hex"]"#),
        (list(|b| format!("{b:02x}"), " "), r#"["hex"]"#),
        (list(|b| format!("{b:02X}"), "-"), r#"["hex"]"#),
        (list(|b| format!("{b:02x}"), ":"), r#"["hex"]"#),
        // The registry has UTF-16.
        (list(|b| format!("{b:02x}"), ",00,\\\r\n  "), r#"["hex"]"#),
        (list(|b| b.to_string(), ","), r#"["decimal"]"#),
        (list(|b| b.to_string(), ", "), r#"["decimal"]"#),
        (list(|b| b.to_string(), ",\n    "), r#"["decimal"]"#),
        (list(|b| format!("{b:02x}"), ", "), r#"["hex"]"#),
        (list(|b| format!("(byte) 0x{b:02x}"), ", "), r#"["hex"]"#),
        (list(|b| format!("(byte)0x{b:02X}"), ","), r#"["hex"]"#),
        (list(|b| format!("(byte) {b}"), ", "), r#"["decimal"]"#),
        (list(|b| format!("${b:02X}"), ", "), r#"["hex"]"#),
        (list(|b| format!("&H{b:02X}"), ", "), r#"["hex"]"#),
        (list(|b| format!("{b:02x}"), ";"), r#"["hex"]"#),
        (list(|b| format!("{b:3}"), " "), r#"["decimal"]"#),
    ] {
        let found = found_in("a.c", format!("\nk[] = {{ {text} }};\n"));
        assert_eq!(found[0][..2], ["a.c:2", layer]);
        assert_eq!(found.len(), 1);
    }
    // As JSON writes a typed array.
    for between in [",", ",\n  "] {
        let numbered = key.bytes().enumerate();
        let numbered = numbered.map(|(at, b)| format!("\"{at}\":{b}"));
        let object = numbered.collect::<Vec<_>>().join(between);
        let found = found_in("a.json", format!("\n{{{object}}}\n"));
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0][..2], ["a.json:2", r#"["decimal"]"#]);
    }
    let made_up = "x".repeat(20);
    let made_up = format!(
        "sk-{made_up}{}{made_up}",
        keys::project(1).get(82..90).unwrap()
    );
    let bytes: Vec<_> = made_up.bytes().map(|b| b.to_string()).collect();
    nothing_in("a.c", bytes.join(", "));
}

#[test]
fn literals_with_code_between_are_read() {
    let key = keys::project(1);
    let (left, right) = key.split_at(70);
    for text in [
        format!("a = \"{left}\"\nb = \"{right}\"\nkey = a + b\n"),
        format!("k = '{left}'\nk += '{right}'\n"),
        format!("new StringBuilder().Append(\"{left}\").Append(\"{right}\")\n"),
        format!("std::string(\"{left}\") + std::string(\"{right}\")\n"),
        format!("k: .ascii \"{left}\"\n   .asciz \"{right}\"\n"),
    ] {
        let found = found_in("a.txt", &text);
        assert_eq!(found.len(), 1, "{text}");
        assert_eq!(found[0][..2], ["a.txt:1", r#"["concat"]"#]);
    }
}

#[test]
fn values_with_anything_between_are_read() {
    let key = keys::project(1);
    let (a, b) = key.split_at(70);
    for text in [
        format!("KEY_1={a}\nKEY_2={b}\n"),
        format!("{{\"left\": \"{a}\", \"right\": \"{b}\"}}\n"),
        format!("tool --first {a} --second {b}\n"),
        format!("left,{a}\nright,{b}\n"),
        format!("$k = q{{{a}}} . q{{{b}}};\n"),
        format!("[({a})-12({b})] TJ\n"),
        format!("{{\\b {a}}}{{\\rtlch\\insrsid1234567 {b}}}\n"),
        format!("{a}\\allowbreak {b}\n"),
        format!("10  k={a}\n11    {b}\n"),
        format!(
            "KEY_1={}\nKEY_2={}\n",
            key.get(..8).unwrap(),
            key.get(8..).unwrap()
        ),
        format!("{{\"a\": \"sk-\", \"b\": \"{}\"}}\n", key.get(3..).unwrap()),
        format!("Sprintf(\"sk-%s\", \"{}\")\n", key.get(3..).unwrap()),
        format!(
            "\"-\".join([\"sk\", \"proj\", \"{}\"])\n",
            key.get(8..).unwrap()
        ),
        format!("{a}\0{b}\n"),
        format!("p = 'sk-proj-'; k = `${{p}}{}`\n", key.get(8..).unwrap()),
    ] {
        let found = found_in("a.txt", &text);
        assert_eq!(found.len(), 1, "{text}");
        assert_eq!(found[0][..2], ["a.txt:1", r#"["concat"]"#]);
        for part in key.as_bytes()[10..].windows(6) {
            let part = std::str::from_utf8(part).unwrap();
            assert!(!found[0][2].contains(part), "shows a part");
        }
    }
}

#[test]
fn dashes_of_word_processors_are_read() {
    for template in [
        "sk-proj-{base64url:74}T3BlbkFJ{base64url:74}",
        "sk-ci-{alnum:20}T3BlbkFJ{alnum:20}",
    ] {
        let key = git_frisk::rule::template::fill(template, 1);
        for dash in ["\u{2010}", "\u{2011}", "\u{2013}", "&#8209;", "\\u2011"] {
            let found = found_in("a.txt", format!("key: {}.\n", key.replace('-', dash)));
            assert_eq!(found.len(), 1, "{dash}");
            assert_eq!(found[0][0], "a.txt:1");
        }
    }
    let cut = keys::project(1);
    let (a, b) = cut.split_at(70);
    let b = b.get(10..).unwrap();
    nothing_in("a.txt", format!("{a} \u{2013} {b}\n"));
}

#[test]
fn a_word_of_the_code_is_no_name_in_a_key() {
    let key = git_frisk::rule::template::fill("sk-etl-{alnum:20}T3BlbkFJ{alnum:20}", 1);
    let body = key.strip_prefix("sk-").unwrap();
    let repo = Sandbox::without_repository();
    repo.write("a.py", format!("\"sk-{{}}\".format(\"{body}\")\n"));
    assert_eq!(repo.report(&["scan"]).each("key_id"), [keys::id(&key)]);
}

#[test]
fn a_word_that_ends_in_sk_is_none_in_pieces() {
    let word = git_frisk::rule::template::fill("desk-{alnum:20}T3BlbkFJ{alnum:20}", 1);
    let (a, b) = word.split_at(14);
    for text in [
        format!("K={a}\"{b}\"\n"),
        format!("A={a}\nB={b}\n"),
        format!("K={a}\\\n{b}\n"),
        format!("id=\"{}\"\n", word.replacen('d', "D", 1)),
    ] {
        nothing_in("a.sh", text);
    }
}

#[test]
fn a_wide_key_at_an_odd_byte_is_told_once() {
    let key = keys::project(1);
    let big: Vec<u8> = key.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let bytes = [b"\0\xff\x01", &*big, b"\x02\x03"].concat();
    for bytes in [&bytes[..], &big[1..]] {
        let directory = Sandbox::without_repository();
        directory.write("a.bin", bytes);
        let report = directory.report(&["scan"]);
        assert_eq!(report.each("key_id"), [keys::id(&key)]);
    }
}

#[test]
fn nothing_fills_up_a_key_that_was_cut_off() {
    let key = keys::project(1);
    let (a, b) = key.split_at(70);
    nothing_in("a.txt", format!("{a}... {b}\n"));
    nothing_in("a.txt", format!("{a} and then {b}\n"));
    nothing_in("a.txt", format!("{a}\nX=name-\nY={b}\n"));
}

#[test]
fn characters_one_by_one_are_read() {
    let key = keys::project(1);
    let each = |form, between| each_byte(&key, form, between);
    for (text, layer) in [
        (each(|b| format!("chr({b})"), "."), r#"["decimal"]"#),
        (each(|b| format!("Chr({b})"), " & "), r#"["decimal"]"#),
        (each(|b| format!("[char]{b}"), "+"), r#"["decimal"]"#),
        (each(|b| b.to_string(), " "), r#"["decimal"]"#),
        (each(|b| b.to_string(), ";"), r#"["decimal"]"#),
        (each(|b| format!("\\{b:03}"), ""), r#"["decimal"]"#),
        (
            each(|b| format!("'{}'", char::from(b)), ", "),
            r#"["concat"]"#,
        ),
        (
            each(|b| format!("\"{}\"", char::from(b)), ",\n"),
            r#"["concat"]"#,
        ),
    ] {
        let found = found_in("a.txt", format!("\nk = {text};\n"));
        assert_eq!(found.len(), 1, "{text}");
        assert_eq!(found[0][..2], ["a.txt:2", layer]);
    }
    // A list of them is no word, nor is what stands in it.
    let short = git_frisk::rule::template::fill("task-{alnum:20}T3BlbkFJ{alnum:20}", 1);
    let list: Vec<_> = short.chars().map(|c| format!("'{c}'")).collect();
    nothing_in("a.txt", list.join(", "));
}

#[test]
fn backslashes_of_other_languages_are_read() {
    let key = keys::project(1);
    for form in [
        r"\045",
        r"\2d ",
        r"\002d",
        r"\0055",
        r"\45\&",
        r"\x002d",
        r"\u45?",
        "^^2d",
        r"\N{U+2D}",
        r"\U002d",
    ] {
        let text = format!("\nk = \"{}\"\n", key.replace('-', form));
        let found = found_in("a.txt", &text);
        assert_eq!(found.len(), 1, "{text}");
        assert_eq!(found[0][..2], ["a.txt:2", r#"["escape"]"#]);
    }
}

#[test]
fn dumps_are_read() {
    let key = keys::project(1);
    let dump = |line: fn(usize, &[u8]) -> String| {
        let lines = key.as_bytes().chunks(16).enumerate();
        lines
            .map(|(at, bytes)| line(16 * at, bytes))
            .collect::<String>()
    };
    let all = [
        dump(|at, bytes| {
            let pairs = bytes
                .chunks(2)
                .map(|two| data_encoding::HEXLOWER.encode(two));
            let pairs = pairs.collect::<Vec<_>>().join(" ");
            let text = String::from_utf8_lossy(bytes);
            format!("{at:08x}: {pairs:39}  {text}\n")
        }),
        dump(|at, bytes| {
            let all = bytes.iter().map(|byte| format!("{byte:02x}"));
            let all = all.collect::<Vec<_>>().join(" ");
            let text = String::from_utf8_lossy(bytes);
            format!("{at:08x}  {all:49} |{text}|\n")
        }),
    ];
    for dump in all {
        let found = found_in("a.txt", format!("$ dump\n{dump}"));
        assert_eq!(found.len(), 1, "{dump}");
        assert_eq!(found[0][..2], ["a.txt:2", r#"["hex"]"#]);
    }
}

#[test]
fn dumps_in_boxes_comments_and_logs_are_read() {
    for seed in 1..20 {
        let key = keys::project(seed);
        let dump = |line: fn(usize, &str, &str) -> String| {
            let lines = key.as_bytes().chunks(16).enumerate();
            lines
                .map(|(at, bytes)| {
                    let pairs = bytes.iter().map(|byte| format!("{byte:02x}"));
                    let pairs = pairs.collect::<Vec<_>>().join(" ");
                    line(16 * at, &pairs, &String::from_utf8_lossy(bytes))
                })
                .collect::<String>()
        };
        for dump in [
            dump(|at, bytes, text| format!("|{at:08x}| {bytes:48}|{text:16}|\n")),
            dump(|at, bytes, text| format!("+{at:08x}  {bytes:49} |{text}|\n")),
            dump(|at, bytes, text| format!("# {at:08x}: {bytes:49} {text}\n")),
            dump(|at, bytes, text| format!("[{at:04x}] {bytes:48} {text}\n")),
            dump(|at, bytes, text| {
                format!("10:00:00.{at:03} DEBUG  {at:04x}  {bytes:48} {text}\n")
            }),
            dump(|_, bytes, text| format!("  {bytes:48} {text}\n")),
        ] {
            let found = found_in("a.txt", format!("$ dump\n{dump}"));
            assert_eq!(found.len(), 1, "{dump}");
            assert_eq!(found[0][..2], ["a.txt:2", r#"["hex"]"#], "{dump}");
            for piece in key.as_bytes()[8..].chunks(8) {
                let piece = std::str::from_utf8(piece).unwrap();
                assert!(!found[0][2].contains(piece), "{}", found[0][2]);
            }
        }
    }
}

#[test]
fn what_is_deflated_without_a_header_is_read_in_base64() {
    let deflate = |text: &str| {
        let level = flate2::Compression::default();
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), level);
        encoder.write_all(text.as_bytes()).unwrap();
        BASE64.encode(&encoder.finish().unwrap())
    };
    for seed in 1..20 {
        let key = keys::project(seed);
        // As draw.io has it, as PHP has it, and the key alone.
        let page = format!("%3CmxCell%20value%3D%22{key}%22%20style%3D%22rounded%3D0%22%2F%3E");
        for text in [page, format!("$key = '{key}';\n"), key] {
            let digits = deflate(&text);
            let found = found_in("a.xml", format!("\n<diagram>{digits}</diagram>\n"));
            assert_eq!(found.len(), 1, "{text}");
            assert_eq!(found[0][..2], ["a.xml:2", r#"["base64","deflate"]"#]);
            assert!(!found[0][2].contains(digits.get(..20).unwrap()));
        }
    }
    for before in [
        "        key: ",
        "{\n    \"key\": \"",
        "\n\n\n\nkey=",
        "<a><a><a>",
    ] {
        let digits = deflate(&format!("{before}{}", keys::legacy(1)));
        let found = found_in("a.xml", format!("\n<diagram>{digits}</diagram>\n"));
        assert_eq!(found.len(), 1, "{before}");
    }
    nothing_in("a.xml", deflate("no key in here: sk-proj-, and so on"));
}

#[test]
fn base32_before_another_line_is_read() {
    let key = keys::project(1);
    for text in [key.clone(), format!("K={key}\n")] {
        let digits = data_encoding::BASE32_NOPAD.encode(text.as_bytes());
        let found = found_in("a.txt", format!("seed:\n{digits}\nanother line\n"));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0][..2], ["a.txt:2", r#"["base32"]"#]);
    }
}

#[test]
fn base64_in_two_lines_of_a_log_or_a_merge_is_read() {
    let short = keys::legacy(1);
    let run = BASE64.encode(format!("# ours, for all\nkey: {short}\nport: 8080\n").as_bytes());
    let (first, rest) = run.split_at(76);
    for text in [
        format!("\n10:00:09.9 {first}\n10:00:10.0 {rest}\n"),
        format!("@@@ -1 -1 +1,2 @@@\n++{first}\n++{rest}\n"),
        format!("*** 1,2 ****\n! {first}\n! {rest}\n"),
    ] {
        let found = found_in("a.txt", &text);
        assert_eq!(found.len(), 1, "{text}");
        assert_eq!(found[0][1], r#"["base64"]"#);
    }
}

#[test]
fn a_variable_of_a_batch_file_is_no_escape() {
    let key = keys::project(1);
    for at in 20..60 {
        let (first, second) = key.split_at(at);
        let text = format!("set KEY=x{first}\r\nset KEY=%KEY%{second}\r\n");
        let found = found_in("a.bat", text);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0][1], r#"["concat"]"#);
    }
}

#[test]
fn a_quotation_in_shift_jis_is_no_word() {
    let mut text = b"\x83L\x81[\x82\xcd\x81u".to_vec();
    text.extend(keys::legacy(1).bytes());
    text.extend(b"\x81v");
    assert_eq!(found_in("a.txt", text).len(), 1);
}

#[test]
fn base64_in_the_elements_of_a_list_is_read() {
    let text = format!("# ours\nOPENAI_API_KEY={}\nPORT=8080\n", keys::project(1));
    let run = BASE64.encode(text.as_bytes());
    let lines = |width: usize, line: fn(usize, &str) -> String| {
        let parts = run.as_bytes().chunks(width).enumerate();
        let line = |(at, part): (usize, &[u8])| line(at, std::str::from_utf8(part).unwrap());
        parts.map(line).collect::<String>()
    };
    for width in [44, 61, 76] {
        for list in [
            lines(width, |_, part| format!("\"{part}\", ")),
            lines(width, |at, part| format!("const part_{at} = '{part}';\n")),
            lines(width, |_, part| format!("  \"{part}\" // more\n")),
            lines(width, |at, part| format!("{:3} | {part}\n", at + 8)),
            lines(width, |_, part| format!("<line>{part}</line>\n")),
            lines(width, |_, part| format!("sb.append(\"{part}\");\n")),
        ] {
            let found = found_in("a.txt", format!("\n{list}"));
            assert_eq!(found.len(), 1, "{list}");
            assert_eq!(found[0][1], r#"["base64"]"#);
        }
    }
    let base32 = data_encoding::BASE32.encode(text.as_bytes());
    assert_eq!(found_in("a.txt", base32)[0][1], r#"["base32"]"#);
}

#[test]
fn encoded_words_of_mail_are_read() {
    let key = keys::project(1);
    let (a, b) = key.split_at(60);
    let quoted = format!("Subject: =?utf-8?q?K=C3=A4se_{a}?=\n =?utf-8?q?{b}_x?=\n");
    let (first, rest) = (format!("key {a}x"), format!("y{b}"));
    let text = [first.trim_end_matches('x'), rest.trim_start_matches('y')].concat();
    let (first, rest) = text.split_at(63);
    let base64 = format!(
        "Subject: =?utf-8?B?{}?=\r\n =?utf-8?B?{}?=\r\n",
        BASE64.encode(first.as_bytes()),
        BASE64.encode(rest.as_bytes())
    );
    assert_eq!(found_in("m.eml", quoted)[0][1], r#"["quoted-printable"]"#);
    assert_eq!(found_in("m.eml", base64)[0][1], r#"["base64"]"#);
}

#[test]
fn a_value_that_begins_as_an_escape_does_is_a_word() {
    let key = git_frisk::rule::template::fill("sk-{alnum:20}T3BlbkFJ{alnum:20}", 1);
    for word in ["K=de", "K=ca"] {
        nothing_in("a.txt", format!("{word}{key}\n"));
    }
}

#[test]
fn a_word_that_ends_in_sk_makes_no_key_with_the_line_before() {
    let key = git_frisk::rule::template::fill("sk-{alnum:20}T3BlbkFJ{alnum:20}", 1);
    let body = key.strip_prefix("sk-").unwrap();
    for word in ["disk", "task", "kiosk"] {
        let text = format!("sk-means-clustering\n{word}-{body}\n");
        nothing_in("a.md", text);
    }
}

#[test]
fn layers_are_told_from_outside_in() {
    let json = format!("{{\"key\": \"{}\"}}", keys::project(1));
    let units: Vec<u8> = json.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let command = BASE64.encode(&units);

    let found = found_in("a.ps1", format!("powershell -EncodedCommand {command}\n"));

    assert_eq!(found[0][..2], ["a.ps1:1", r#"["base64","utf-16le"]"#]);
}

#[test]
fn an_exception_stands_on_the_line_of_the_encoding() {
    let directory = Sandbox::without_repository();
    let digits = BASE64.encode(keys::project(1).as_bytes());
    directory.write("a.yaml", format!("k: {digits} # frisk:allow made up\n"));

    let report = directory.report(&["scan"]);

    assert_eq!(
        (report.status, report.places().len()),
        (0, 1),
        "{report:#?}"
    );
}

#[test]
fn what_was_encoded_all_along_is_not_new() {
    let repo = Sandbox::new();
    let digits = BASE64.encode(keys::project(1).as_bytes());
    repo.commit_file("a.yaml", format!("k: {digits}\n"));
    repo.write("a.yaml", format!("k: {digits}\nuser: x\n"))
        .git(&["add", "."]);
    repo.report(&["staged"]).is_clean();

    // The same key in the clear is, once more.
    repo.write(
        "a.yaml",
        format!("k: {digits}\nuser: {}\n", keys::project(1)),
    )
    .git(&["add", "."]);
    repo.report(&["staged"]).finds(&["a.yaml:2"]);
}

#[test]
fn a_key_that_is_put_together_is_new() {
    let repo = Sandbox::new();
    let key = keys::project(1);
    let (a, b) = key.split_at(40);
    repo.commit_file("a.py", format!("K = '{a}' + '{b}'\n"));
    repo.write("a.py", format!("K = '{key}'\n"))
        .git(&["add", "."]);

    repo.report(&["staged"]).finds(&["a.py:1"]);
}

#[test]
fn history_and_standard_input_are_decoded_too() {
    let repo = Sandbox::new();
    let digits = BASE64.encode(keys::project(1).as_bytes());
    let oid = repo.commit_file("a.yaml", format!("k: {digits}\n"));

    let report = repo.report(&["history"]);
    report.finds(&["a.yaml:1"]);
    assert_eq!(report.each("commit"), [oid]);
    let output = repo.frisk_fed(digits.as_bytes(), &["scan", "-", "--format", "short"]);
    assert!(
        output.stdout.contains("<stdin>:1:1: openai-project"),
        "{output:?}"
    );
}

#[test]
fn a_name_that_is_encoded_is_told_and_not_shown() {
    let repo = Sandbox::new();
    let name = data_encoding::BASE64URL_NOPAD.encode(keys::legacy(1).as_bytes());
    repo.write(&format!("{name}.txt"), "a\n").git(&["add", "."]);

    let output = repo.frisk(&["staged", "-v"]);

    assert_eq!(output.status, 1);
    assert!(
        !output.stdout.contains(name.get(20..40).unwrap()),
        "{output:?}"
    );
    assert!(
        !output.stderr.contains(name.get(20..40).unwrap()),
        "{output:?}"
    );
}

#[test]
fn wide_text_of_other_letters_without_a_mark_is_read_as_such() {
    let texts = [
        (
            "鍵は秘密です。これは長い文章で、ほとんどの文字が日本語です。\n",
            "鍵: ",
        ),
        (
            "Это длинный текст на русском языке, и в нём есть ключ.\n",
            "ключ: ",
        ),
    ];
    for (filler, before) in texts {
        let text = format!(
            "{}{before}{}\nand more\n",
            filler.repeat(12),
            keys::project(1)
        );
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        for (bytes, layer) in [(little, "utf-16le"), (big, "utf-16be")] {
            let directory = Sandbox::without_repository();
            directory.write("a.txt", bytes);
            let report = directory.report(&["scan"]);
            assert_eq!(report.each("decoded"), [format!("[\"{layer}\"]")]);
            assert_eq!(report.each("line"), ["13"]);
            assert_eq!(report.each("column"), [(before.len() + 1).to_string()]);
            assert_eq!(report.each("key_id"), [keys::id(&keys::project(1))]);
        }
    }
}

#[test]
fn a_name_that_is_cut_in_the_middle_is_a_part_of_the_key() {
    let key =
        git_frisk::rule::template::fill("sk-service-summarizer-{alnum:20}T3BlbkFJ{alnum:20}", 7);
    let (prefix, rest) = key.split_at(3);
    let (name, rest) = rest.split_at("service-summ".len());
    let directory = Sandbox::without_repository();
    directory.write(
        "a.py",
        format!("k = ''.join(['{prefix}', '{name}', '{rest}'])\n"),
    );

    let report = directory.report(&["scan"]);

    assert_eq!(report.each("key_id"), [keys::id(&key)]);
}
