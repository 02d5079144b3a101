//! Nothing that is printed holds a secret: whatever it is found in, whatever stands around it.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "cli/keys.rs"]
#[expect(dead_code, reason = "the end-to-end tests use the rest of it")]
mod keys;
#[path = "cli/sandbox.rs"]
#[expect(dead_code, reason = "the end-to-end tests use the rest of it")]
mod sandbox;

use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;

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
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::keys::FAMILIES;
use crate::sandbox::Output;
use crate::sandbox::Sandbox;

/// One for all cases: its patterns take a while to compile.
static MATCHER: LazyLock<Matcher> = LazyLock::new(|| Matcher::new(RuleSet::built_in()).unwrap());

/// Bytes in a row of the random part of a key that nothing may show.
const PART: usize = 6;
/// The same of a key in hex: six digits that a commit's id has as well would be no rare thing.
const HEX_PART: usize = 9;
/// Of these, all but so many are random: hyphens and markers between them are no secret.
const FIXED: usize = 2;

/// A key and what of it is secret.
#[derive(Clone)]
struct Key {
    family: usize,
    seed: u64,
    text: String,
    parts: Vec<String>,
}

/// What it is made of is enough to make it again.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (_, template) = FAMILIES[self.family];
        write!(f, "fill({template:?}, {})", self.seed)
    }
}

impl Key {
    fn new(family: usize, seed: u64) -> Self {
        let (_, template) = FAMILIES[family];
        let text = fill(template, seed);
        // Two fillings agree where nothing is random, and nearly nowhere else.
        let others: Vec<String> = (1..4).map(|n| fill(template, seed ^ (n << 40))).collect();
        let is_random = |at: usize| {
            let same = |other: &String| other.as_bytes()[at] == text.as_bytes()[at];
            !others.iter().all(same)
        };
        let length = part_length(template);
        let parts = (0..=text.len() - length)
            .filter(|&at| (at..at + length).filter(|&at| !is_random(at)).count() <= FIXED)
            .filter_map(|at| text.get(at..at + length))
            .map(str::to_owned)
            .collect();
        Self {
            family,
            seed,
            text,
            parts,
        }
    }
}

/// The first of `keys`, by its place in the list, of which `text` shows a part.
fn shown_in(text: &str, keys: &[Key]) -> Option<usize> {
    let parts: HashMap<&[u8], usize> = keys
        .iter()
        .enumerate()
        .flat_map(|(at, key)| key.parts.iter().map(move |part| (part.as_bytes(), at)))
        .collect();
    [PART, HEX_PART].into_iter().find_map(|length| {
        let mut windows = text.as_bytes().windows(length);
        windows.find_map(|window| parts.get(window).copied())
    })
}

fn part_length(template: &str) -> usize {
    if template.contains("{hex:") {
        HEX_PART
    } else {
        PART
    }
}

fn key() -> impl Strategy<Value = Key> {
    (0..FAMILIES.len(), any::<u64>()).prop_map(|(family, seed)| Key::new(family, seed))
}

/// What may stand before a key: anything that does not make it the end of a longer word.
fn before() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "[ -~]{0,30}[ =:\"'`(<\\[{/,;|]",
        "(https?://|Bearer |export K=|\\\\n|%3D|\u{1b}\\[0m|\u{202e}|é|鍵{1,60}|\t{1,9})",
        "[A-Za-z ]{100,400} ",
    ]
}

/// What may stand after a key.
fn after() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "[ \"'`)>\\]}/,;|&.][ -~]{0,30}",
        "(_old|-2|\\\\n|\u{9b}2J|\u{200b}|é|鍵{1,60}|\t)",
        " [A-Za-z ]{100,400}",
        "[A-Za-z0-9_-]{1,40}",
    ]
}

/// How a line ends.
fn end() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        Just(""),
        Just(" # frisk:allow made up\n"),
        Just("\n"),
        Just("\r"),
        Just("\r\n"),
    ]
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(20_260_101),
        failure_persistence: None,
        max_shrink_iters: 60,
        ..ProptestConfig::default()
    }
}

/// Fails if an output shows a part of a key. Does not show the output, which might hold one.
fn check(output: &Output, keys: &[Key], what: &str) -> Result<(), TestCaseError> {
    for (stream, text) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
        if let Some(at) = shown_in(text, keys) {
            let message = format!("{what}: {stream} shows a part of key {at}");
            return Err(TestCaseError::fail(message));
        }
    }
    Ok(())
}

/// Every form of a report, with all that can be said.
const FORMS: [&[&str]; 9] = [
    &["--format", "human", "-v", "--color", "always"],
    &["--format", "short", "-v", "--no-allow"],
    &["--format", "json", "-v"],
    &["--format", "json", "--no-allow", "-o", "/dev/stdout"],
    &["--format", "jsonl"],
    &["--format", "sarif"],
    &["--format", "github"],
    &["--format", "gitlab"],
    &["--format", "junit"],
];

/// Lines full of keys, as a text, and the keys.
fn text() -> impl Strategy<Value = (String, Vec<Key>)> {
    let pieces = prop::collection::vec((before(), key(), after()), 1..4);
    prop::collection::vec((pieces, end()), 1..12).prop_map(|lines| {
        let mut text = String::new();
        let mut keys = Vec::new();
        for (pieces, end) in lines {
            for (before, key, after) in pieces {
                text.extend([&*before, &*key.text, &*after]);
                keys.push(key);
            }
            text.push_str(end);
        }
        (text, keys)
    })
}

/// All that the library says of a text: each form, each remark, and what `{:?}` makes of it.
fn said_of(text: &str, exceptions: bool) -> Vec<String> {
    let settings = Settings {
        exceptions,
        foreign_markers: true,
        strict: false,
        explain: true,
        threads: 1,
        exclude: Exclude::new(&[]).unwrap(),
        cancel: Cancel::default(),
    };
    let scan = Scan::new(&MATCHER, &settings);
    scan::stdin::scan(&scan, &mut text.as_bytes());
    let report = scan.finish();
    assert!(
        !report.findings.is_empty(),
        "nothing is found, so nothing is shown"
    );
    let mut said = vec![format!("{report:?}")];
    for format in Format::ALL {
        let mut page = Page::new(false);
        reporter::write(&report, MATCHER.rules(), format, &mut page);
        said.push(page.into_text());
    }
    let mut page = Page::new(false);
    reporter::summary(&report, MATCHER.rules(), &mut page);
    said.push(page.into_text());
    said
}

proptest! {
    #![proptest_config(config(60))]

    #[test]
    fn nothing_the_library_says_of_a_text_shows_a_key((text, keys) in text()) {
        for exceptions in [true, false] {
            for said in said_of(&text, exceptions) {
                prop_assert_eq!(shown_in(&said, &keys), None, "key shown in {:.20}…", said);
            }
        }
    }
}

proptest! {
    #![proptest_config(config(6))]

    #[test]
    fn no_report_on_a_file_shows_a_key((text, keys) in text()) {
        let directory = Sandbox::without_repository();
        directory.write("file.txt", &text);
        for form in FORMS {
            let output = directory.frisk(&[&["scan"], form].concat());
            check(&output, &keys, &format!("scan {form:?}"))?;
        }
        let output = directory.frisk_fed(text.as_bytes(), &[&["scan", "-"], FORMS[0]].concat());
        check(&output, &keys, "scan -")?;
    }
}

proptest! {
    #![proptest_config(config(6))]

    #[test]
    fn no_report_on_a_repository_shows_a_key(
        before in "[A-Z ._=,é\u{202e}\u{1b}-]{0,12}",
        after in "[ ._=,é\u{202e}\u{1b}-]{0,12}",
        in_name in key(),
        in_file in key(),
        in_message in key(),
        in_author in key(),
        in_tag in key(),
        in_branch in key(),
    ) {
        let repo = Sandbox::new();
        let name = format!("{before}{}{after}", in_name.text);
        repo.write(&format!("{name}x/{name}y"), format!("{before}{}{after}\n", in_file.text));
        let author = format!("A{before} {} <a@b>", in_author.text);
        let message = format!("A subject\n\n{before}{}{after}\n", in_message.text);
        repo.git(&["add", "-A"]);
        let secrets = [in_name, in_file, in_message, in_author, in_tag, in_branch];
        for form in FORMS {
            let output = repo.frisk(&[&["staged"], form].concat());
            check(&output, &secrets, &format!("staged {form:?}"))?;
        }
        repo.git(&["commit", "-q", "-m", &message, "--author", &author])
            .git(&["tag", "-a", "v1", "-m", &secrets[4].text])
            .git(&["branch", &format!("feature/{}", secrets[5].text)]);
        for form in FORMS {
            let output = repo.frisk(&[&["history"], form].concat());
            prop_assert_eq!(output.status, 1);
            check(&output, &secrets, &format!("history {form:?}"))?;
        }
    }

    #[test]
    fn no_error_shows_a_key(
        before in prop_oneof![Just(String::new()), "[ -,./:-@A-Z\\[\\]_`é\u{202e}\u{1b}\n]{0,12}[ /=:.]"],
        after in "[ -~é\u{202e}\u{1b}\n]{0,12}",
        key in key(),
    ) {
        let repo = Sandbox::new();
        repo.commit_file("a.py", "a\n");
        let text = format!("{before}{}{after}", key.text);
        let option = format!("--{text}");
        let range = format!("{text}..HEAD");
        let valued = format!("--format={text}");
        let runs = [
            &["scan", "--", &*text][..],
            &["scan", &option],
            &["scan", &valued],
            &["scan", "--max-filesize", &text],
            &["scan", "--exclude", &text, "-v"],
            &["scan", "--exclude", &format!("[{text}")],
            &["scan", "--rules", &text],
            &["scan", "-o", &format!("missing/{text}")],
            &["-C", &text, "scan"],
            &["history", "--", &text],
            &["history", "--", &range],
            &["history", "--", &format!("HEAD...{text}")],
            &["history", "--", &format!("^{text}")],
            &["explain", "--", &text],
            &["hook", "--", &text],
            &[&text],
        ];
        let secrets = [key];
        for args in runs {
            let output = repo.frisk(args);
            check(&output, &secrets, args[0])?;
        }
    }
}

#[test]
fn a_key_that_follows_a_letter_is_not_shown_either() {
    // It is taken for the end of a word, and not found; wherever that is wrong, it is a key.
    let key = Key::new(12, 1);
    let name = format!("desk{}", key.text);
    let directory = Sandbox::without_repository();
    let other = Key::new(0, 2);
    directory.write(&format!("{name}/a.py"), &other.text).write(
        "b.py",
        format!("{} # {name} frisk:allow {name}\n", other.text),
    );
    let keys = [key, other];
    for form in FORMS {
        for path in [".", &*format!("missing/{name}")] {
            let output = directory.frisk(&[&["scan", path], form].concat());
            let outcome = check(&output, &keys, &format!("{path:.3} {form:?}"));
            assert_eq!(outcome.map_err(|error| error.to_string()), Ok(()));
        }
    }
}

#[test]
fn a_key_after_an_escape_in_an_argument_is_not_shown() {
    // A terminal takes `ESC . s` for one sequence; who strips it takes the key's first letter.
    let key = Key::new(0, 1);
    let nowhere = Sandbox::without_repository();
    for escape in ["\u{1b}", "\u{1b}.", "\u{1b}[", "\u{1b}]0;", "\u{9b}"] {
        let text = format!("{escape}{}", key.text);
        for args in [
            &["scan", &*format!("--format={text}")][..],
            &["scan", &format!("--x{text}")],
            &["scan", "--", &text],
            &[&text],
        ] {
            let outcome = check(&nowhere.frisk(args), std::slice::from_ref(&key), args[0]);
            assert_eq!(outcome.map_err(|error| error.to_string()), Ok(()));
        }
    }
}

#[test]
fn the_check_can_fail() {
    for (family, (_, template)) in FAMILIES.iter().enumerate() {
        let key = Key::new(family, 5);
        assert!(key.parts.len() >= 20, "{template}");
        let end = key.text.len() - 2;
        let piece = key.text.get(end - part_length(template)..end).unwrap();
        let shown = format!("see {piece}.");
        let hidden = "sk-proj-[164 characters hidden]";
        assert_eq!(shown_in(&shown, std::slice::from_ref(&key)), Some(0));
        assert_eq!(shown_in(hidden, &[key]), None);
    }
}
