//! Scanning: whatever stands around a key, it is found, and no part of it is shown.

use std::collections::HashMap;
use std::io::Cursor;
use std::io::Write as _;
use std::sync::LazyLock;

use git_frisk::key_id::KeyId;
use git_frisk::matcher::Matcher;
use git_frisk::policy::exclude::Exclude;
use git_frisk::reporter;
use git_frisk::reporter::Format;
use git_frisk::reporter::page::Page;
use git_frisk::rule::RuleSet;
use git_frisk::rule::template::fill;
use git_frisk::scan;
use git_frisk::scan::Cancel;
use git_frisk::scan::Scan;
use git_frisk::scan::Settings;
use git_frisk::scan::inspect::Inspected;
use git_frisk::scan::inspect::Inspector;
use git_frisk::secret::Secret;

use super::Input;
use super::Target;
use super::archive;
use super::count;
use super::quickly;

/// One for all inputs: its patterns take a while to compile.
static MATCHER: LazyLock<Matcher> = LazyLock::new(|| Matcher::new(RuleSet::built_in()).unwrap());

/// Keys that are looked for wherever they stand.
const TEMPLATES: [&str; 6] = [
    "sk-proj-{base64url:74}T3BlbkFJ{base64url:74}",
    "sk-proj-{alnum:20}T3BlbkFJ{alnum:20}",
    "sk-svcacct-{base64url:58}T3BlbkFJ{base64url:58}",
    "sk-admin-{base64url:74}T3BlbkFJ{base64url:74}",
    "sk-{alnum:20}T3BlbkFJ{alnum:20}",
    "sk-ci-runner-{alnum:20}T3BlbkFJ{alnum:20}",
];

/// What cannot be a part of a key.
const DELIMITERS: [u8; 8] = *b"\n \"',;()";

/// Bytes in a row of a key that nothing may show.
const PIECE: usize = 12;

/// The target.
pub const TARGET: Target = Target {
    name: "scan",
    check,
    seeds,
};

/// Takes how it is wrapped, a key, what is before and behind it, where it is put, and the text.
pub fn check(data: &[u8]) {
    let mut input = Input(data);
    let form = input.byte();
    let template = TEMPLATES[usize::from(input.byte()) % TEMPLATES.len()];
    let key = fill(template, u64::from(input.byte()));
    let delimiters = input.byte();
    let [left, right] = [delimiters, delimiters >> 3].map(|d| DELIMITERS[usize::from(d & 7)]);
    let place = input.number();
    let around = input.0;
    let (before, after) = around.split_at(place % (around.len() + 1));
    let mut planted = [&[left], key.as_bytes(), &[right]].concat();
    if form & 7 == 2 {
        // A wide text within another that is none.
        planted = planted.into_iter().flat_map(|byte| [byte, 0]).collect();
    }
    let text = [before, &planted, after].concat();
    quickly(|| {
        let file = wrapped(form, &text, &key, around);
        let inspector = Inspector::new(&MATCHER, form & 0x10 == 0, form & 0x20 != 0);
        let inspected = inspector.with_foreign_markers(true).bytes(&file).unwrap();
        let id = KeyId::of(&Secret::new(key.as_bytes(), 0));
        let found = inspected.hits.iter().any(|hit| hit.key_id == id);
        assert!(found, "a key is not found");
        let body = &key[template.find('{').unwrap()..];
        let mut secrets = vec![body.as_bytes().to_vec()];
        secrets.extend(others(&file));
        let said = all_of(&inspected);
        shows_none(&said, &secrets, around, &file);
        if form & 0x40 != 0 {
            for said in reports(&file) {
                shows_none(&said, &secrets, around, &file);
            }
        }
        if form & 0x80 != 0 {
            let inspector = Inspector::new(&MATCHER, form & 0x10 == 0, form & 0x20 != 0)
                .with_foreign_markers(true);
            let as_file = inspector.file(&mut Cursor::new(&file), || false).unwrap();
            assert!(as_file.hits == inspected.hits, "a file is not its bytes");
        }
    });
}

/// The text in one of several wrappings.
fn wrapped(form: u8, text: &[u8], key: &str, around: &[u8]) -> Vec<u8> {
    match form & 7 {
        3 => {
            let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            gzip.write_all(text).unwrap();
            gzip.finish().unwrap()
        }
        4 => archive::tar(&[(b"a.txt", b"a\n"), (b"b.txt", text)]),
        // A name of a tar has room for a hundred bytes.
        5 if key.len() < 78 => {
            let name: Vec<u8> = around
                .iter()
                .copied()
                .filter(|byte| *byte != 0)
                .take(20)
                .collect();
            let name = [&name[..], b"/", key.as_bytes()].concat();
            archive::tar(&[(&name, text)])
        }
        6 => archive::zip(&[("a.txt", b"a\n"), ("b.txt", text)]),
        7 => {
            let units = text.iter().flat_map(|byte| [*byte, 0]);
            b"\xff\xfe".iter().copied().chain(units).collect()
        }
        _ => text.to_vec(),
    }
}

/// The bytes of what else is found, where they stand as they are.
fn others(file: &[u8]) -> Vec<Vec<u8>> {
    let matches = MATCHER.find(file).unwrap();
    let plain = matches.candidates.iter().filter(|c| c.layers.is_empty());
    // The first letters may be the same in all keys.
    plain
        .filter_map(|candidate| file.get(candidate.span.start + 16..candidate.span.end))
        .map(<[u8]>::to_vec)
        .collect()
}

/// All that the library says of a text by itself.
fn all_of(inspected: &Inspected) -> String {
    let mut said = format!("{inspected:?}\n");
    for hit in &inspected.hits {
        said.push_str(hit.excerpt.text());
        said.push('\n');
        if let Some(member) = &hit.member {
            said.push_str(&member.to_string());
        }
    }
    for unopened in &inspected.unopened {
        said.push_str(unopened);
    }
    said
}

/// The reports in every format.
fn reports(text: &[u8]) -> Vec<String> {
    let settings = Settings {
        exceptions: true,
        foreign_markers: true,
        strict: false,
        explain: true,
        threads: 1,
        exclude: Exclude::nothing(),
        cancel: Cancel::default(),
    };
    let scan = Scan::new(&MATCHER, &settings);
    scan::stdin::scan(&scan, &mut &text[..]);
    let report = scan.finish();
    let mut said = vec![format!("{report:?}")];
    for format in Format::ALL {
        let mut page = Page::new(false);
        reporter::write(&report, MATCHER.rules(), format, &mut page);
        said.push(page.into_text());
    }
    said
}

/// Insists on no piece of a secret being shown. What stands in the text a second time is no secret
/// there, unless it is found.
fn shows_none(said: &str, secrets: &[Vec<u8>], around: &[u8], file: &[u8]) {
    let pieces = |secret: usize| {
        secrets[secret]
            .windows(PIECE)
            .map(move |piece| (piece, secret))
    };
    let mut all: HashMap<&[u8], usize> = HashMap::new();
    for (piece, secret) in (0..secrets.len()).rev().flat_map(pieces) {
        all.insert(piece, secret);
    }
    for shown in said.as_bytes().windows(PIECE) {
        let elsewhere = match all.get(shown) {
            None => continue,
            Some(0) => count(around, shown) > 0,
            Some(_) => count(file, shown) != 1,
        };
        assert!(elsewhere, "a piece of a secret is shown");
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let texts: [&[u8]; 9] = [
        b"import os\nOPENAI_API_KEY = \nprint(1)\n",
        b"x # frisk:allow because\n# gitleaks:allow\n",
        b"a = 'sk-' + 'proj-' + \\\n  'abc'\n",
        b"\x1b[31mred\x1b[0m \xe2\x80\xae\xe2\x80\x8b \xff\xfe\n",
        b"sk-proj-sk-proj-sk- T3BlbkFJ sk-svcacct-\n",
        br#"{"a": "\u0073k\u002d", "b": "%73k%2D", "c": "&#115;k-"}"#,
        b"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ejAxMjM0NTY3ODk=",
        b"k\0e\0y\0 \0=\0 \0",
        b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
    ];
    let mut seeds = Vec::new();
    for (number, text) in (0..).zip(texts) {
        for form in [0, 0x40 | (number % 8), 0xa0 | (number % 8)] {
            seeds.push([&[form, number, number, 9 * number, 0, 12], text].concat());
        }
    }
    seeds
}
