//! What is fast agrees with what is simple.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "cli/keys.rs"]
#[expect(dead_code, reason = "the end-to-end tests use the rest of it")]
mod keys;

use std::ops::Range;
use std::sync::LazyLock;

use git_frisk::matcher::Matcher;
use git_frisk::rule::RuleSet;
use git_frisk::rule::template::fill;
use git_frisk::span::Base;
use git_frisk::span::LineIndex;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::keys::FAMILIES;

/// One for all cases: its patterns take a while to compile.
static MATCHER: LazyLock<Matcher> = LazyLock::new(|| Matcher::new(RuleSet::built_in()).unwrap());

/// Pieces that keys begin with, hold or end with, and what makes trouble around them.
const PIECES: [&str; 40] = [
    "sk-",
    "sk-proj-",
    "sk-svcacct-",
    "sk-admin-",
    "sk-None-",
    "sk-service-",
    "sk-ant-",
    "sk-ant-api03-",
    "sk-or-v1-",
    "sk-lf-",
    "sk-helicone-",
    "sk-api-",
    "sk-oh-",
    "csk-",
    "T3BlbkFJ",
    "T3Blbk",
    "T3BlbkFJT3BlbkFJ",
    "AA",
    "A",
    "-",
    "_",
    "s",
    "k",
    "de",
    "\\n",
    "%3d",
    "\\u003d",
    "\u{1b}[0m",
    "&quot",
    "\n",
    "\r\n",
    " ",
    "=",
    "\"",
    "é",
    "frisk:allow",
    "bbbbbbbb",
    "abcdefgh",
    "\0",
    "sk-sk-",
];

/// The lengths that halves of keys have, and their neighbours.
const LENGTHS: [usize; 18] = [
    1, 7, 12, 16, 19, 20, 21, 32, 42, 46, 48, 58, 64, 74, 75, 93, 119, 121,
];

fn text_of(kind: &str, length: usize, seed: u64) -> String {
    fill(&format!("{{{kind}:{length}}}"), seed)
}

/// A piece of a text: a part of a key, random characters, a whole key or one that was cut.
fn piece() -> impl Strategy<Value = String> {
    let random = (
        prop::sample::select(&["alnum", "base64url", "hex", "lower", "same"][..]),
        prop::sample::select(&LENGTHS[..]),
        any::<u64>(),
    )
        .prop_map(|(kind, length, seed)| text_of(kind, length, seed));
    let key = (0..FAMILIES.len(), any::<u64>())
        .prop_map(|(family, seed)| fill(FAMILIES[family].1, seed))
        .boxed();
    let cut =
        (key.clone(), any::<prop::sample::Index>(), any::<bool>()).prop_map(|(key, at, first)| {
            let (a, b) = key.split_at(at.index(key.len()));
            if first { a } else { b }.to_owned()
        });
    prop_oneof![
        4 => prop::sample::select(&PIECES[..]).prop_map(str::to_owned),
        3 => random,
        2 => key,
        2 => cut,
    ]
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(20_260_102),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config(400))]

    #[test]
    fn the_keyword_pass_loses_nothing(pieces in prop::collection::vec(piece(), 0..24)) {
        let text = pieces.concat();
        let fast = MATCHER.find_plain(text.as_bytes(), &[]).unwrap();
        let simple = MATCHER.find_without_keywords(text.as_bytes()).unwrap();
        prop_assert_eq!(fast.candidates, simple.candidates);
    }

    #[test]
    fn candidates_are_in_order_and_do_not_overlap(
        pieces in prop::collection::vec(piece(), 0..24),
    ) {
        let text = pieces.concat();
        let found = MATCHER.find(text.as_bytes()).unwrap().candidates;
        for pair in found.windows(2) {
            prop_assert!(pair[0].span.end <= pair[1].span.start);
        }
        for candidate in &found {
            prop_assert!(candidate.span.start < candidate.span.end);
            prop_assert!(candidate.span.end <= text.len());
        }
    }

    #[test]
    fn a_key_between_delimiters_is_found_whatever_else_there_is(
        left in prop::collection::vec(piece(), 0..8),
        family in 0..FAMILIES.len(),
        seed in any::<u64>(),
        right in prop::collection::vec(piece(), 0..8),
    ) {
        let key = fill(FAMILIES[family].1, seed);
        // Rarely, random characters look made up. Such a key is none when it stands alone either.
        let alone = MATCHER.find(key.as_bytes()).unwrap().candidates;
        prop_assume!(alone.len() == 1 && alone[0].span == (0..key.len()));
        let before = format!("{} \"", left.concat());
        let text = format!("{before}{key}\" {}", right.concat());
        let found = MATCHER.find(text.as_bytes()).unwrap().candidates;
        let wanted = before.len()..before.len() + key.len();
        let it = found.iter().find(|candidate| candidate.span == wanted);
        prop_assert_eq!(it.map(|candidate| candidate.rule), Some(alone[0].rule));
    }
}

/// Pieces of which decoding makes something, and what else stands around such.
fn writing() -> impl Strategy<Value = String> {
    let digits = (
        prop::sample::select(&["alnum", "base64url", "hex", "lower", "same"][..]),
        prop_oneof![20..50_usize, 60..80_usize, 100..140_usize, Just(75)],
        any::<u64>(),
    )
        .prop_map(|(kind, length, seed)| text_of(kind, length, seed));
    let between = [
        "\n",
        "=\n",
        "=\r\n",
        "==\n",
        " ",
        "  \"",
        "\",\n    \"",
        "%2B",
        "%2f",
        "\\/",
        "\\n",
        "\\u002b",
        "&#47;",
        "%",
        "&",
        ";",
        "\\",
        ".",
        "T3Bl",
        "bkFJ",
        "sk-",
        "sess-",
        "84;&",
        "=54=33",
        "a",
        "word",
        "(x, y)",
        "\0",
        "', '",
        "']",
        "';\nb = '",
        "</b>\n<b>",
        "                                        ",
        "?=\n =?utf-8?b?",
        "YWJjZGVm",
        "616263646566",
        "\n0000: 54 33 42 6c 62 6b 46 4a\n0008: 54 33\n",
        "'T', '3', ",
        "84, 51, 66, 108, 98, 107, 70, 74",
        "\\045",
        "\\2d ",
    ];
    prop_oneof![
        2 => digits,
        4 => prop::sample::select(between.to_vec()).prop_map(str::to_owned),
        2 => (20..200_usize).prop_map(|length| "some text; ".chars().cycle().take(length).collect()),
    ]
}

/// What a delta does: it copies, or it brings something new.
#[derive(Debug, Clone)]
enum Step {
    Copy(prop::sample::Index, prop::sample::Index),
    Insert(String),
}

fn step() -> impl Strategy<Value = Step> {
    let place = any::<prop::sample::Index>;
    prop_oneof![
        2 => (place(), place()).prop_map(|(a, b)| Step::Copy(a, b)),
        1 => writing().prop_map(Step::Insert),
    ]
}

/// The text that steps make from another one, and what is new in it, told as the walk over a pack
/// tells it.
fn made(base: &[u8], steps: &[Step]) -> (Vec<u8>, Vec<Range<u32>>) {
    let short = |length: usize| u32::try_from(length).unwrap();
    let (mut text, mut fresh) = (Vec::new(), Vec::new());
    let mut next = Some(0);
    for step in steps {
        let at = short(text.len());
        match step {
            Step::Copy(a, b) => {
                let (a, b) = (a.index(base.len() + 1), b.index(base.len() + 1));
                let (start, end) = (a.min(b), a.max(b));
                if next.is_some_and(|next| next != start) {
                    fresh.push(at..at);
                }
                text.extend_from_slice(&base[start..end]);
                next = Some(end);
            }
            Step::Insert(new) => {
                text.extend_from_slice(new.as_bytes());
                fresh.push(at..short(text.len()));
                next = None;
            }
        }
    }
    if next.is_some_and(|next| next != base.len()) {
        fresh.push(short(text.len())..short(text.len()));
    }
    (text, fresh)
}

proptest! {
    #![proptest_config(config(3000))]

    #[test]
    fn what_is_new_tells_as_much_as_the_whole(
        pieces in prop::collection::vec(writing(), 0..12),
        chain in prop::collection::vec(prop::collection::vec(step(), 1..6), 1..6),
    ) {
        let mut text = pieces.concat().into_bytes();
        let mut is_blank = MATCHER.is_blank(&text);
        for steps in chain {
            let (next, fresh) = made(&text, &steps);
            let by_all = MATCHER.is_blank(&next);
            if is_blank {
                prop_assert_eq!(MATCHER.is_still_blank(&next, &fresh), by_all, "{:?}", next);
            }
            (text, is_blank) = (next, by_all);
        }
    }

    #[test]
    fn in_what_is_blank_nothing_is_found(pieces in prop::collection::vec(writing(), 0..12)) {
        let text = pieces.concat();
        if MATCHER.is_blank(text.as_bytes()) {
            let found = MATCHER.find(text.as_bytes()).unwrap();
            prop_assert!(found.candidates.is_empty() && found.rejected.is_empty());
            prop_assert!(found.unopened.is_empty());
        }
    }
}

/// Line and column of every offset, by counting: each `end` ends a line.
fn counted(text: &[u8], end: u8) -> Vec<(u64, u64)> {
    let mut places = Vec::new();
    let (mut line, mut column) = (1, 1);
    for &byte in text {
        places.push((line, column));
        if byte == end {
            line += 1;
            column = 1;
        } else {
            column += 1;
        }
    }
    places.push((line, column));
    places
}

proptest! {
    #![proptest_config(config(500))]

    #[test]
    fn positions_are_those_of_counting_by_hand(
        pieces in prop::collection::vec(
            prop::sample::select(&["a", "bcd", "é", "\t", "\n", "\r", "\r\n", "\0", "\u{2028}"][..]),
            0..40,
        ),
        cut in any::<prop::sample::Index>(),
    ) {
        let text = pieces.concat().into_bytes();
        let end = if !text.contains(&b'\n') && text.contains(&b'\r') { b'\r' } else { b'\n' };
        let expected = counted(&text, end);
        let whole = LineIndex::new(&text, Base::start(&text));
        for (offset, &expected) in expected.iter().enumerate() {
            let position = whole.position(offset);
            prop_assert_eq!((position.line, position.column), expected, "at {}", offset);
        }

        // A piece that begins anywhere counts on.
        let cut = cut.index(text.len() + 1);
        let piece = LineIndex::new(&text[cut..], Base::start(&text).after(&text[..cut]));
        for (offset, &expected) in expected.iter().enumerate().skip(cut) {
            let position = piece.position(offset - cut);
            prop_assert_eq!((position.line, position.column), expected, "at {} of {}", offset, cut);
        }
    }

    #[test]
    fn lines_are_those_of_splitting(
        pieces in prop::collection::vec(prop::sample::select(&["a", "bc", "\n", "\r\n"][..]), 1..40),
    ) {
        let text = pieces.concat().into_bytes();
        let index = LineIndex::new(&text, Base::start(&text));
        let mut start = 0;
        for line in text.split_inclusive(|&byte| byte == b'\n') {
            let end = start + line.len();
            for offset in start..end {
                prop_assert_eq!(index.line(offset, usize::MAX), start..end, "at {}", offset);
            }
            start = end;
        }
    }
}
