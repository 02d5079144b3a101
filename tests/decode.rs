//! A key is found however it is written, once, under its own name, and nothing of it is shown.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "cli/keys.rs"]
#[expect(dead_code, reason = "the end-to-end tests use the rest of it")]
mod keys;
#[path = "decode/writing.rs"]
mod writing;

use std::collections::HashSet;
use std::io::Cursor;
use std::ops::Range;
use std::sync::LazyLock;
use std::time::Duration;
use std::time::Instant;

use git_frisk::decode::Layer;
use git_frisk::decode::View;
use git_frisk::decode::container;
use git_frisk::decode::container::Budget;
use git_frisk::decode::escape::unescape;
use git_frisk::decode::join::join;
use git_frisk::decode::join::literals;
use git_frisk::decode::token;
use git_frisk::decode::wide;
use git_frisk::decode::wide::Wide;
use git_frisk::key_id::KeyId;
use git_frisk::matcher::Candidate;
use git_frisk::matcher::Matcher;
use git_frisk::rule::Confidence;
use git_frisk::rule::RuleSet;
use git_frisk::rule::template::fill;
use git_frisk::scan::inspect::Inspector;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::keys::FAMILIES;
use crate::writing::Kind;
use crate::writing::Writing;
use crate::writing::Written;

/// One for all cases: its patterns take a while to compile.
static MATCHER: LazyLock<Matcher> = LazyLock::new(|| Matcher::new(RuleSet::built_in()).unwrap());

/// Families of OpenAI's keys, which come first.
const OPENAI: usize = 18;
/// Bytes in a row of the random part of a key, or of what it is written as, that nothing may show.
const PART: usize = 6;

/// What stands around a key in a file.
const AROUND: [(&str, &str); 9] = [
    ("", ""),
    ("OPENAI_API_KEY=", "\n"),
    ("key: \"", "\"\n"),
    ("{\"model\": \"gpt\", \"key\": \"", "\", \"n\": 1}\r\n"),
    ("curl -H 'Authorization: Bearer ", "' https://api.example\n"),
    ("<key>", "</key>\n"),
    ("data:\n  # of the service\n  token: ", "\n"),
    ("client = make(\n    key=(", "),\n)\nprint(client)\n"),
    ("a line\n| cell | ", " | cell |\n"),
];

/// A text with a key in it.
struct Text {
    key: String,
    /// What the key was made step by step; the last is the text.
    stages: Vec<Written>,
    /// Whether the text is UTF-16 or UTF-32.
    wide: bool,
    /// Bytes of the text that are the key with what was written along with it.
    piece: Range<usize>,
}

impl Text {
    /// Writes a key in some ways, one after the other, and puts it into its surroundings; what
    /// takes more than a word takes `inside` along.
    fn new(key: &str, writings: &[Writing], inside: (&str, &str), around: (&str, &str)) -> Self {
        let (last, first) = writings.split_last().unwrap();
        let wide = last.is_of_files();
        let mut stages = vec![Written::new(key.as_bytes())];
        for writing in if wide { first } else { writings } {
            let before = stages.last().unwrap();
            let wide = Wide::sniff(&before.bytes).is_some();
            stages.push(if writing.takes_more() && !wide {
                writing.write(&before.between(inside))
            } else {
                writing.write(before)
            });
        }
        let written = stages.last().unwrap();
        let mut piece = around.0.len()..around.0.len() + written.bytes.len();
        stages.push(written.between(around));
        if wide {
            let written = last.write(stages.last().unwrap());
            piece = 0..written.bytes.len();
            stages.push(written);
        }
        Self {
            key: key.to_owned(),
            stages,
            wide,
            piece,
        }
    }

    fn whole(&self) -> &Written {
        self.stages.last().unwrap()
    }

    /// Where an offset of the text lies, which is UTF-8 if it was not before.
    fn read(&self) -> &Written {
        &self.stages[self.stages.len() - 1 - usize::from(self.wide)]
    }

    /// Whether a rule's pattern matches something else in it, as it is or before it was written in
    /// the last way: a piece of a split key that looks like a whole one. Or whether there is none
    /// of the halves of its marker left.
    fn misleads(&self) -> bool {
        let plain = |written: &Written| MATCHER.find_plain(&written.bytes, &[]).unwrap();
        let other = |c: &Candidate| KeyId::of(&c.secret).to_string() != keys::id(&self.key);
        let first = &self.stages[1].bytes;
        let holds = |half: &str| memchr::memmem::find(first, half.as_bytes()).is_some();
        self.stages[1..]
            .iter()
            .map(plain)
            .any(|found| found.candidates.iter().any(other) || !found.rejected.is_empty())
            || !holds("T3Bl") && !holds("bkFJ")
    }

    /// The pieces of the secret, in each of its forms, that nothing may show. A digit of the
    /// secret may have become several characters.
    fn secrets(&self) -> Vec<(&Written, usize)> {
        let plain = self.key.len();
        let part = |written: &Written| (written.key.len() * PART).div_ceil(plain).max(PART);
        self.stages
            .iter()
            .map(|stage| (stage, part(stage)))
            .collect()
    }

    fn is_shown_in(&self, text: &str) -> bool {
        self.secrets().into_iter().any(|(written, length)| {
            // The first half has what all keys begin with, and the marker, in whatever form.
            let half =
                &written.bytes[written.key.start + written.key.len() / 2 + 16..written.key.end];
            let parts: HashSet<&[u8]> = half.windows(length).collect();
            text.as_bytes().windows(length).any(|part| {
                let random = part.iter().filter(|b| b.is_ascii_alphanumeric()).count() * 2 > length;
                random && parts.contains(part)
            })
        })
    }

    /// Fails unless the key is found once, by its name, where it is, and nothing of it is shown.
    fn check(&self) -> Result<(), String> {
        let text = &self.whole().bytes;
        let id = keys::id(&self.key);
        let inspected = Inspector::new(&MATCHER, true, false).bytes(text).unwrap();
        let found: Vec<_> = inspected
            .hits
            .iter()
            .map(|hit| (hit.key_id.to_string() == id, &hit.rule, &hit.layers))
            .collect();
        let [(true, ..)] = found[..] else {
            return Err(format!("finds {found:?}"));
        };
        let hit = &inspected.hits[0];
        if self.is_shown_in(hit.excerpt.text()) {
            return Err("shows a part of it".to_owned());
        }
        let read = self.read();
        let (start, end) = (
            place(&read.bytes, read.key.start),
            place(&read.bytes, read.key.end),
        );
        let told = [
            (hit.start.line, hit.start.column),
            (hit.end.line, hit.end.column),
        ];
        if told[0] > start || told[1] < end {
            return Err(format!(
                "is told at {told:?} and lies at {:?}",
                [start, end]
            ));
        }
        if self.wide {
            return Ok(());
        }
        let found = MATCHER.find(text).unwrap().candidates;
        let [candidate] = &found[..] else {
            return Err(format!("the matcher finds {}", found.len()));
        };
        let (span, key) = (&candidate.span, &self.whole().key);
        if span.start > key.start || span.end < key.end {
            return Err(format!("covers {span:?} and lies at {key:?}"));
        }
        if span.start < self.piece.start || span.end > self.piece.end {
            return Err(format!("covers {span:?}, more than {:?}", self.piece));
        }
        Ok(())
    }
}

/// Line and column, by counting.
fn place(text: &[u8], at: usize) -> (u64, u64) {
    let before = text[..at].iter().rev();
    let column = before.clone().take_while(|b| **b != b'\n').count();
    let lines = before.filter(|b| **b == b'\n').count();
    (lines as u64 + 1, column as u64 + 1)
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(20_260_103),
        failure_persistence: None,
        max_global_rejects: 100_000,
        ..ProptestConfig::default()
    }
}

/// A key that would be found if it stood there as it is: rarely, random characters look made up.
fn key(families: Range<usize>) -> impl Strategy<Value = String> {
    (families, any::<u64>())
        .prop_map(|(family, seed)| fill(FAMILIES[family].1, seed))
        .prop_filter("looks made up", |key| {
            let found = MATCHER.find(key.as_bytes()).unwrap().candidates;
            found.len() == 1 && found[0].span == (0..key.len())
        })
}

/// Surroundings; not empty ones where a file begins.
fn around() -> impl Strategy<Value = (&'static str, &'static str)> {
    prop::sample::select(&AROUND[..])
}

fn inside() -> impl Strategy<Value = (&'static str, &'static str)> {
    prop::sample::select(&AROUND[1..])
}

/// Whether a key is found that is written in one way and then in another. Everything is found in
/// base64, in hex and in wide text, and so is all in what is split; escapes of escapes hide the
/// marker, and digits are only told where they stand together.
fn holds(first: &Writing, second: &Writing) -> bool {
    let kind = Writing::kind;
    match (kind(first), kind(second)) {
        // Hex digits of these are digits and nothing else.
        (Kind::Escapes | Kind::Digits, Kind::Digits) => !second.is_hex() || first.is_base64(),
        (Kind::Wide | Kind::Pieces, Kind::Digits)
        | (Kind::Escapes | Kind::Digits | Kind::Pieces, Kind::Wide)
        | (Kind::Escapes, Kind::Pieces)
        | (Kind::Pieces, Kind::Escapes) => true,
        _ => false,
    }
}

proptest! {
    #![proptest_config(config(1200))]

    #[test]
    fn a_key_is_found_however_it_is_written(
        key in key(0..OPENAI),
        writing in writing::any(),
        inside in inside(),
        around in around(),
    ) {
        let text = Text::new(&key, std::slice::from_ref(&writing), inside, around);
        prop_assume!(!writing.cuts() || is_of_known_length(&key) && !text.misleads());
        prop_assert_eq!(text.check(), Ok(()), "{:?}", text.whole().bytes.escape_ascii().to_string());
    }

    #[test]
    fn a_key_is_found_that_is_written_in_two_ways(
        key in key(0..OPENAI),
        first in writing::any(),
        second in writing::any(),
        inside in inside(),
        around in around(),
    ) {
        prop_assume!(holds(&first, &second));
        // The first two characters of the marker tell one that is all escaped.
        let marker = key.find("T3BlbkFJ").unwrap();
        let hides = first.kind() == Kind::Escapes && second.cuts_at(marker + 1, key.len());
        prop_assume!(!hides);
        let text = Text::new(&key, &[first.clone(), second.clone()], inside, around);
        let cuts = first.cuts() || second.cuts();
        let misleads = || {
            let alone = |writing| Text::new(&key, &[writing], inside, around).misleads();
            [&first, &second]
                .into_iter()
                .any(|writing| writing.cuts() && alone(writing.clone()))
        };
        prop_assume!(!cuts || is_of_known_length(&key) && !misleads());
        prop_assert_eq!(text.check(), Ok(()), "{:?}", text.whole().bytes.escape_ascii().to_string());
    }

    #[test]
    fn a_key_of_another_provider_is_found_in_digits_and_wide_text(
        key in key(OPENAI..FAMILIES.len()),
        writing in writing::any(),
        inside in inside(),
        around in around(),
    ) {
        prop_assume!(matches!(writing.kind(), Kind::Digits | Kind::Wide));
        // Shorter runs of digits are not looked at.
        prop_assume!(key.len() >= 51);
        let text = Text::new(&key, &[writing], inside, around);
        prop_assert_eq!(text.check(), Ok(()), "{:?}", text.whole().bytes.escape_ascii().to_string());
    }
}

/// Only of these it can be told where they end, when they are put together from pieces.
fn is_of_known_length(key: &str) -> bool {
    let found = MATCHER.find(key.as_bytes()).unwrap().candidates;
    found[0].confidence >= Confidence::High
}

#[test]
fn a_key_that_is_split_behind_its_marker_is_found() {
    for family in [0, 1, 4, 7, 10] {
        let key = fill(FAMILIES[family].1, 1);
        let marker = key.find("T3BlbkFJ").unwrap();
        for cut in marker + 8..key.len() {
            let text = format!(
                "\"{}\" + \"{}\"",
                key.get(..cut).unwrap(),
                key.get(cut..).unwrap()
            );
            let found = MATCHER.find(text.as_bytes()).unwrap().candidates;
            let ids: Vec<_> = found
                .iter()
                .map(|c| KeyId::of(&c.secret).to_string())
                .collect();
            assert_eq!(ids, [keys::id(&key)], "{family}, {cut}");
        }
    }
}

#[test]
fn a_key_on_lines_that_go_on_is_told_to_be_in_pieces() {
    let key = fill(FAMILIES[0].1, 1);
    for joint in ["\\\n", "=\r\n"] {
        let text = [key.get(..40).unwrap(), key.get(40..).unwrap()].join(joint);
        let found = MATCHER.find(text.as_bytes()).unwrap().candidates;
        assert_eq!(found.len(), 1);
        assert!(!found[0].layers.is_empty(), "{joint:?}");
    }
}

#[test]
fn a_key_that_is_split_twice_inside_of_its_marker_is_found() {
    let key = fill(FAMILIES[0].1, 1);
    let (a, b) = key.split_once("T3BlbkFJ").unwrap();
    let text = format!("\"{a}T3\" + \"BlbkF\" + \"J{b}\"");
    assert_eq!(MATCHER.find(text.as_bytes()).unwrap().candidates.len(), 1);
}

#[test]
fn hex_before_a_line_that_begins_with_a_word_is_found() {
    let key = fill(FAMILIES[0].1, 1);
    let text = format!(
        "token: {}\n  user: x\n",
        data_encoding::HEXLOWER.encode(key.as_bytes())
    );
    assert_eq!(MATCHER.find(text.as_bytes()).unwrap().candidates.len(), 1);
}

#[test]
fn digits_of_few_kinds_are_found() {
    let key = fill(FAMILIES[0].1, 1);
    let percent = Writing::Percent.write(&Written::new(key.as_bytes()));
    for text in [
        data_encoding::BASE64.encode(&[b": ", &percent.bytes[..]].concat()),
        data_encoding::HEXLOWER.encode(&percent.bytes),
    ] {
        assert_eq!(
            MATCHER.find(text.as_bytes()).unwrap().candidates.len(),
            1,
            "{text}"
        );
    }
}

#[test]
fn a_stream_is_searched_like_the_whole_text_in_every_writing() {
    // As in the unit test of the inspector: around the places where one window ends.
    const WINDOW: usize = 4 << 20;
    const OVERLAP: usize = 16 << 10;
    let line = "a line of text, not long\n";
    for (index, writing) in writing::all().into_iter().enumerate() {
        for place in [WINDOW - OVERLAP - 200, WINDOW - OVERLAP - 20, WINDOW - 300] {
            let key = fill(FAMILIES[0].1, index as u64);
            let before = line.repeat(place / line.len() / writing.unit());
            let text = Text::new(
                &key,
                std::slice::from_ref(&writing),
                AROUND[1],
                (&before, "\n(end)\n"),
            );
            let after = line.repeat(4000).into_bytes();
            let text = [&text.whole().bytes[..], &after].concat();
            let whole = Inspector::new(&MATCHER, true, false).bytes(&text).unwrap();
            let inspector = Inspector::new(&MATCHER, true, false);
            let streamed = inspector.stream(&mut &text[..], || false).unwrap().0;
            assert_eq!(whole.hits.len(), 1, "{writing:?} at {place}");
            assert_eq!(whole.hits, streamed.hits, "{writing:?} at {place}");
        }
    }
}

/// Beginnings of what decoders look for.
const ODD: [&[u8]; 40] = [
    b"\\u005",
    b"\\u{110000}",
    b"\\u{0054",
    b"\\x5",
    b"\\777",
    b"\\",
    b"%",
    b"%5",
    b"%25",
    b"=\r\n",
    b"=",
    b"&#",
    b"&#x;",
    b"&#99999999999;",
    b"&quot;",
    b"T3Bl",
    b"bkFJ",
    b"\"+\"",
    b"\\\n",
    b"T\x003\0B\0l\0",
    b"3\0\0\0B\0\0\0",
    b"\xff\xfe",
    b"\xfe\xff",
    b"\xff\xfe\0\0",
    b"\0\0\xfe\xff",
    b"\xd8\0",
    b"\0\xdc",
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"\x1f\x8b\x08\0",
    b"BZh91AY&SY",
    b"\xfd7zXZ\0",
    b"\x28\xb5\x2f\xfd",
    b"\x78\x9c",
    b"ustar",
    b"H4sIAAAAAAAA",
    b"VDNCbGJrRk",
    b"\n",
    b"\0",
    b"sk-",
];

/// Bytes that lead decoders astray.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let fixed = prop::sample::select(&ODD[..]).prop_map(<[u8]>::to_vec);
    let digits = (
        prop::sample::select(&["{alnum:1}", "{alnum:76}\n", "{hex:120}", "{base64url:99}"][..]),
        any::<u64>(),
    )
        .prop_map(|(template, seed)| fill(template, seed).into_bytes());
    let key =
        (0..FAMILIES.len(), any::<u64>(), writing::any()).prop_map(|(family, seed, writing)| {
            writing
                .write(&Written::new(fill(FAMILIES[family].1, seed).as_bytes()))
                .bytes
        });
    let any = prop::collection::vec(any::<u8>(), 0..40);
    let piece = prop_oneof![4 => fixed, 2 => digits, 1 => key, 2 => any];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// Containers of some content, with some bytes changed and maybe cut off.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let kinds = prop::sample::select(&writing::CONTAINERS[..]);
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6);
    (
        kinds,
        pieces(),
        changes,
        any::<prop::sample::Index>(),
        any::<bool>(),
    )
        .prop_map(|(kind, content, changes, end, cut)| {
            let mut bytes = writing::contain(kind, &[("a.txt", &content)]);
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            if cut {
                bytes.truncate(end.index(bytes.len()));
            }
            bytes
        })
}

/// Runs every decoder on some bytes; what they make of these is of no interest.
fn decode_in_every_way(text: &[u8]) {
    let begun = Instant::now();
    let view = View::of(text);
    let joined = join(&view);
    let literals = literals(&view);
    let unescaped = unescape(&view);
    for view in [
        Some(&view),
        Some(&joined),
        Some(&literals),
        unescaped.as_ref(),
    ]
    .into_iter()
    .flatten()
    {
        let length = view.bytes().len();
        for span in [0..length, 0..length / 2, length / 2..length, length..length] {
            let source = view.source(&span);
            assert!(source.start <= source.end && source.end <= text.len());
            view.layers(&span);
        }
        assert!(view.seams().iter().all(|at| *at <= length));
    }
    token::runs(text, |decoded| {
        let length = decoded.bytes.len();
        for span in [0..length, 0..length / 2, length / 2..length] {
            let source = decoded.source(&span);
            assert!(source.start <= source.end && source.end <= text.len());
        }
        assert!(decoded.whole().end <= text.len());
        false
    });
    if let Some(wide) = Wide::sniff(text) {
        let cut = wide.boundary(text, text.len() / 2);
        assert!(cut <= text.len());
        wide.decode(text);
    }
    for at in [0, 1, text.len() / 2, text.len().saturating_sub(1)] {
        for unit in [2, 4] {
            if at < text.len() {
                let (view, range, _) = wide::run_around(text, at, unit, 1000);
                assert!(range.end <= text.len() && range.contains(&at));
                let length = view.bytes().len();
                assert!(length >= 1 && length <= 3 * range.len().div_ceil(2));
                for span in [0..length, 0..1, length - 1..length] {
                    let source = view.source(&span);
                    assert!(source.start <= source.end && source.end <= range.len());
                }
            }
        }
    }
    for kind in [
        Layer::Gzip,
        Layer::Zlib,
        Layer::Deflate,
        Layer::Bzip2,
        Layer::Xz,
        Layer::Lzma,
        Layer::Zstd,
        Layer::Zip,
        Layer::Tar,
        Layer::Ar,
    ] {
        let mut budget = Budget::new(1 << 20);
        let mut read = 0;
        let opened = container::expand(kind, Cursor::new(text), &mut budget, &mut |_, content| {
            let mut all = Vec::new();
            let outcome = content.read_to_end(&mut all);
            read += all.len();
            outcome.map(drop)
        });
        // Whether it can be opened depends on the bytes; how much comes out of it does not.
        drop(opened);
        assert!(read <= 2 << 20, "{kind:?} gave {read} bytes");
    }
    let inspected = Inspector::new(&MATCHER, true, true).bytes(text).unwrap();
    for hit in inspected.hits {
        assert!(hit.start.line >= 1 && hit.start.column >= 1);
        assert!((hit.start.line, hit.start.column) <= (hit.end.line, hit.end.column));
    }
    assert!(
        begun.elapsed() < Duration::from_secs(20),
        "took {:?}",
        begun.elapsed()
    );
}

proptest! {
    #![proptest_config(config(400))]

    #[test]
    fn no_bytes_make_a_decoder_panic(text in pieces()) {
        decode_in_every_way(&text);
    }

    #[test]
    fn no_random_bytes_make_a_decoder_panic(text in prop::collection::vec(any::<u8>(), 0..2000)) {
        decode_in_every_way(&text);
    }

    #[test]
    fn no_damaged_container_makes_a_decoder_panic(text in damaged()) {
        decode_in_every_way(&text);
    }
}

/// How long a text takes, which is generous: what is to be seen is what grows with the square.
fn takes(text: &[u8]) -> Duration {
    let begun = Instant::now();
    MATCHER.find(text).unwrap();
    begun.elapsed()
}

#[test]
fn no_text_takes_long() {
    const SIZE: usize = 256 << 10;
    let repeated = |text: &str| -> Vec<u8> { text.bytes().cycle().take(SIZE).collect() };
    let filled = |template: &str| -> Vec<u8> {
        let lines = (0..).flat_map(|seed| fill(template, seed).into_bytes());
        lines.take(SIZE).collect()
    };
    let keys = filled("sk-{alnum:20}T3BlbkFJ{alnum:20} ");
    let base64 = |bytes: &[u8]| data_encoding::BASE64.encode(bytes).into_bytes();
    let bomb = writing::contain(Layer::Gzip, &[("", &vec![b'a'; 16 << 20])]);
    for (name, text) in [
        ("halves of the marker", repeated("T3Bl")),
        ("halves in brackets", repeated("bkFJ (")),
        ("escaped markers", repeated("\\u0054")),
        ("escaped twice", repeated("\\\\\\\\u0054 ")),
        ("percent of percent", repeated("%2554")),
        (
            "lines of percent",
            repeated(&format!("{}\n", "%2554".repeat(40))),
        ),
        (
            "keys behind letters",
            filled("x-desk-{alnum:20}T3BlbkFJ{alnum:20}\n"),
        ),
        (
            "keys of no length",
            filled("sk-proj-{base64url:74}T3BlbkFJ{base64url:20}\n"),
        ),
        ("base64 of base64 of keys", base64(&base64(&keys))),
        ("base64 of markers", repeated("VDNCbGJrRk")),
        ("lines of base64", filled("{alnum:76}\n")),
        (
            "lists of markers",
            repeated("54, 33, 42, 6c, 62, 6b, 46, 4a, "),
        ),
        (
            "numbers of no one list",
            repeated("84,51,66,108,98,107,70,74 "),
        ),
        ("quotes that none closes", repeated("T3Bl \"\\\"'\\'")),
        (
            "bombs",
            repeated(&format!(
                "{} ",
                std::str::from_utf8(&base64(&bomb)).unwrap()
            )),
        ),
    ] {
        let took = takes(&text);
        assert!(took < Duration::from_secs(2), "{name}: {took:?}");
    }
}

#[test]
fn lists_of_many_markers_do_not_take_long() {
    // Each is shorter than what is searched again of one that is cut off.
    let numbers: Vec<String> = b"T3BlbkFJ".map(|byte| format!("{byte:#04x}")).to_vec();
    let list = format!("{{ {} }}\n", vec![numbers.join(", "); 190].join(", "));
    let text = list.repeat((2 << 20) / list.len());
    let took = takes(text.as_bytes());
    assert!(took < Duration::from_secs(2), "{took:?}");
}

#[test]
fn lines_that_might_be_dumps_do_not_take_long() {
    // Each is told by its text, and stands alone; or is as long as the text.
    let line = format!(
        "{}{}T3BlbkFJ{}",
        "54 ".repeat(34),
        "T".repeat(63),
        "T3Bl".repeat(19)
    );
    for end in ["\nx\n", " "] {
        let line = format!("{line}{end}");
        let text = line.repeat((1 << 20) / line.len());
        let took = takes(text.as_bytes());
        assert!(took < Duration::from_secs(3), "{end:?}: {took:?}");
    }
}

#[test]
fn markers_in_wide_text_do_not_take_long() {
    let text = "T3BlbkFJ ".encode_utf16().flat_map(u16::to_le_bytes);
    let text: Vec<u8> = [b'a'; 2048]
        .into_iter()
        .chain(text.cycle().take(64 << 10))
        .collect();
    let took = takes(&text);
    assert!(took < Duration::from_secs(1), "{took:?}");
}

/// Base64 with its own characters escaped, as addresses, strings, pages and mail do it.
#[test]
fn base64_is_found_in_which_some_characters_are_escaped() {
    let plus_and_slash: [(&str, &str, &str, Layer); 7] = [
        ("%2B", "%2F", "%3D", Layer::Percent),
        ("%2b", "%2f", "%3d", Layer::Percent),
        ("%252B", "%252F", "%253D", Layer::Percent),
        ("+", "\\/", "=", Layer::Escape),
        ("\\u002B", "\\u002F", "\\u003D", Layer::Escape),
        ("\\x2b", "\\x2f", "=", Layer::Escape),
        ("&#43;", "&#x2F;", "&#61;", Layer::Html),
    ];
    for seed in 0..60 {
        let key = fill("sk-proj-{base64url:74}T3BlbkFJ{base64url:74}", seed);
        // Bytes whose base64 is full of both characters stand before and behind it.
        let noise = "\u{fb}\u{ff}\u{fe}\u{3ff}".repeat(usize::try_from(seed).unwrap() % 7);
        let encoded =
            data_encoding::BASE64.encode(format!("{noise}? key>{key}~?>{noise}\n").as_bytes());
        for (plus, slash, equals, layer) in plus_and_slash {
            let written = encoded
                .replace('=', equals)
                .replace('+', plus)
                .replace('/', slash);
            let text = format!("GET /x?q={written}&r=1 HTTP/1.1\n");
            let found = MATCHER.find(text.as_bytes()).unwrap().candidates;
            assert_eq!(found.len(), 1, "{seed} {plus} {text}");
            assert_eq!(KeyId::of(&found[0].secret).to_string(), keys::id(&key));
            let expected = HashSet::from([Layer::Base64, layer]);
            assert!(found[0].layers.iter().all(|layer| expected.contains(layer)));
        }
        let lines = |width: usize, end: &str| {
            let lines = encoded
                .as_bytes()
                .chunks(width)
                .map(|line| std::str::from_utf8(line));
            lines.collect::<Result<Vec<_>, _>>().unwrap().join(end)
        };
        for text in [
            lines(75, "=\n"),
            lines(64, "%0A"),
            lines(76, " "),
            lines(64, "\t"),
        ] {
            let found = MATCHER.find(text.as_bytes()).unwrap().candidates;
            assert_eq!(found.len(), 1, "{seed} {text}");
            assert_eq!(KeyId::of(&found[0].secret).to_string(), keys::id(&key));
        }
    }
}

/// Each character escaped or not as it falls, as no program writes it that has to.
#[test]
fn a_key_of_which_any_characters_are_escaped_is_found() {
    type Escape = fn(u32) -> String;
    let kinds: [(Escape, Layer); 6] = [
        (|c| format!("\\u{c:04x}"), Layer::Escape),
        (|c| format!("\\\\u{c:04X}"), Layer::Escape),
        (|c| format!("\\x{c:02x}"), Layer::Escape),
        (|c| format!("\\{c:03o}"), Layer::Escape),
        (|c| format!("&#{c};"), Layer::Html),
        (|c| format!("&#x{c:X};"), Layer::Html),
    ];
    for (escape, layer) in kinds {
        let mut missed = 0;
        let mut state = 1_u32;
        let mut chance = |percent: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) % 100 < percent
        };
        for seed in 0..10 {
            for (_, template) in &FAMILIES[..OPENAI] {
                let key = fill(template, seed);
                for percent in [30, 70] {
                    let written = key.chars().map(|c| {
                        if chance(percent) {
                            escape(u32::from(c))
                        } else {
                            c.to_string()
                        }
                    });
                    let text = format!("key = '{}';\n", written.collect::<String>());
                    let found = MATCHER.find(text.as_bytes()).unwrap().candidates;
                    let is_key = |c: &Candidate| {
                        KeyId::of(&c.secret).to_string() == keys::id(&key) && c.layers == [layer]
                    };
                    missed += u32::from(found.len() != 1 || !found.iter().all(is_key));
                }
            }
        }
        // Of short ones, all that begins a search may happen to stand there as it is.
        assert!(missed <= 360 / 50, "{}: {missed}", escape(0x54));
    }
}
