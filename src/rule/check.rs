//! What a match must be beyond its pattern: at a boundary, balanced, not made up.

use std::ops::Range;

use memchr::memmem;

/// The checks of one rule.
#[derive(Debug, Clone, Default)]
pub struct Checks {
    /// A match shorter than this must stand at a left boundary.
    pub boundary_below: usize,
    /// What a match must not begin with.
    pub not_prefixed: Vec<String>,
    /// Words of which one must stand near, in lower case.
    pub context: Vec<String>,
    /// Words of which none may stand near, in lower case.
    pub not_context: Vec<String>,
    /// What stands between the halves of the body.
    pub marker: Option<String>,
    /// How far the lengths of the halves may differ.
    pub balanced_within: Option<usize>,
    /// Whether made-up bodies are rejected.
    pub reject_dull: bool,
    /// The least entropy of the body, instead of the one its length asks for.
    pub min_entropy: Option<f64>,
    /// Whether a zero last byte of the decoded body is looked for.
    pub zero_tail: bool,
    /// Whether a body without a marker has capitals and small letters too.
    pub both_cases: bool,
}

/// Why a match is no finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Rejection {
    /// It goes on to the left as a word: `desk-…`.
    PartOfWord,
    /// It begins as another rule's secrets do.
    OtherPrefix,
    /// The halves around the marker are too different in length.
    Unbalanced,
    /// The body uses too few different characters.
    FewCharacters,
    /// The body is too regular to be random.
    LowEntropy,
    /// `abcdefgh` or `87654321`.
    Sequence,
    /// One character six times.
    RepeatedCharacter,
    /// A piece that repeats.
    RepeatedPiece,
    /// Letters of one case only.
    OneCase,
    /// A word that says it is no key.
    Placeholder,
    /// Nothing near it says whose it is.
    NoContext,
    /// Something near it says that it is somebody else's.
    OtherContext,
}

impl Rejection {
    /// Whether the body itself speaks against it, and not its place, its length or its surroundings.
    pub fn is_made_up(self) -> bool {
        matches!(
            self,
            Self::FewCharacters
                | Self::LowEntropy
                | Self::Sequence
                | Self::RepeatedCharacter
                | Self::RepeatedPiece
                | Self::OneCase
                | Self::Placeholder
        )
    }

    /// The reason in words.
    pub fn reason(self) -> &'static str {
        match self {
            Self::PartOfWord => "it is the end of a longer word",
            Self::OtherPrefix => "its prefix belongs to another kind of key",
            Self::Unbalanced => "the parts before and after the marker differ too much in length",
            Self::FewCharacters => "it has too few different characters",
            Self::LowEntropy => "it is too regular to be random",
            Self::Sequence => "it holds a run of consecutive characters",
            Self::RepeatedCharacter => "it holds one character many times in a row",
            Self::RepeatedPiece => "it repeats itself",
            Self::OneCase => "its letters are all of one case",
            Self::Placeholder => "it holds a word that says it is a placeholder",
            Self::NoContext => "nothing near it says whose it is",
            Self::OtherContext => "what is near it says that it is somebody else's",
        }
    }
}

/// Words that nobody's random body holds but many a made-up one does.
const PLACEHOLDER_WORDS: [&str; 6] = [
    "dummy",
    "example",
    "placeholder",
    "not-a-real",
    "your-key",
    "redacted",
];
/// The same in any case: long enough that random text has one once in a million keys.
const LONG_WORDS: [&str; 19] = [
    "qwerty",
    "asdfgh",
    "zxcvbn",
    "openai",
    // The same in base64: with the marker, it is what the rules that know it say.
    "t3blbkfj",
    "apikey",
    "fakekey",
    "fakeapi",
    "fakesec",
    "realkey",
    "yourkey",
    "keygoes",
    "goeshere",
    "loremipsum",
    "foobar",
    "1qaz2wsx",
    "1q2w3e4r",
    "qwer1234",
    "asdf1234",
];
/// Pairs of letters of which English words are made, for the most part. One in fifteen of random text is one.
const PAIRS: &[u8] =
    b"thheineranreonatendntiesorteofedisitalarsttontngsehaasouiolevecomedehirironiicneearaceli\
    chllbemasiomurcaeltalansdifopeecusnotrkeey";
/// Longer bodies have to show more variety.
const LONG_BODY: usize = 64;
/// Bytes to either side of a match that are near.
const CONTEXT: usize = 240;
const SEQUENCE: usize = 8;
const REPEATED: usize = 6;
const MAX_PERIOD: usize = 24;

impl Checks {
    /// Checks a match: the secret and the part of it that should be random. [`Rejection::PartOfWord`]
    /// is the last reason to be given: all else is well with such a match.
    pub fn run(
        &self,
        text: &[u8],
        secret: &Range<usize>,
        body: &Range<usize>,
    ) -> Result<(), Rejection> {
        let matched = &text[secret.clone()];
        if self
            .not_prefixed
            .iter()
            .any(|prefix| matched.starts_with(prefix.as_bytes()))
        {
            return Err(Rejection::OtherPrefix);
        }
        let (left, right) = self.halves(&text[body.clone()]);
        if let Some(most) = self.balanced_within
            && left.len().abs_diff(right.len()) > most
        {
            return Err(Rejection::Unbalanced);
        }
        if self.reject_dull {
            self.reject_dull(left, right)?;
        }
        self.look_around(text, secret)?;
        if matched.len() < self.boundary_below && !at_boundary(&text[..secret.start]) {
            return Err(Rejection::PartOfWord);
        }
        Ok(())
    }

    /// Looks for the words that must, and must not, stand near.
    fn look_around(&self, text: &[u8], secret: &Range<usize>) -> Result<(), Rejection> {
        if self.context.is_empty() && self.not_context.is_empty() {
            return Ok(());
        }
        let from = secret.start.saturating_sub(CONTEXT);
        let to = text.len().min(secret.end + CONTEXT);
        let near =
            [&text[from..secret.start], &text[secret.end..to]].map(<[u8]>::to_ascii_lowercase);
        let has = |word: &String| {
            near.iter()
                .any(|near| memmem::find(near, word.as_bytes()).is_some())
        };
        if !self.context.is_empty() && !self.context.iter().any(has) {
            return Err(Rejection::NoContext);
        }
        if self.not_context.iter().any(has) {
            return Err(Rejection::OtherContext);
        }
        Ok(())
    }

    /// Whether the body decodes to bytes of which the last is zero, as the provider's own long
    /// keys do. Seen in every published vector and documented nowhere: it may raise confidence,
    /// never reject.
    pub fn has_zero_tail(&self, body: &[u8]) -> bool {
        let (left, right) = self.halves(body);
        let length = left.len() + right.len();
        self.zero_tail
            && length > LONG_BODY
            && length.is_multiple_of(4)
            && matches!(right, [.., last, b'A'] if base64url_digit(*last).is_some_and(|d| d % 4 == 0))
    }

    /// The body around the marker; all of it and nothing where the rule has no marker.
    fn halves<'a>(&self, body: &'a [u8]) -> (&'a [u8], &'a [u8]) {
        self.marker
            .as_deref()
            .and_then(|marker| {
                let at = memmem::find(body, marker.as_bytes())?;
                Some((&body[..at], &body[at + marker.len()..]))
            })
            .unwrap_or((body, &[]))
    }

    fn reject_dull(&self, left: &[u8], right: &[u8]) -> Result<(), Rejection> {
        let body = [left, right].concat();
        let (min_distinct, min_entropy) = if body.len() > LONG_BODY {
            (20, 4.6)
        } else {
            (10, 3.6)
        };
        let mut counts = [0_u32; 256];
        for &byte in &body {
            counts[usize::from(byte)] += 1;
        }
        let distinct = counts.iter().filter(|&&count| count > 0).count();
        let min_distinct = if self.min_entropy.is_some() {
            8
        } else {
            min_distinct
        };
        if distinct < min_distinct {
            return Err(Rejection::FewCharacters);
        }
        if entropy(&counts, body.len()) < self.min_entropy.unwrap_or(min_entropy) {
            return Err(Rejection::LowEntropy);
        }
        let runs = [left, right];
        if runs.iter().any(|run| longest_run(run, 0) >= REPEATED) {
            return Err(Rejection::RepeatedCharacter);
        }
        // `aBcDeFgH` is one too, and so are `a1B2c3D4e5F6g7H8` and `aAbBcCdDeEfFgGhH`.
        let is_sequence =
            |run: &[u8]| longest_run(run, 1) >= SEQUENCE || longest_run(run, -1) >= SEQUENCE;
        if runs.iter().any(|run| {
            let run = run.to_ascii_lowercase();
            let letters = run.iter().copied().filter(u8::is_ascii_alphabetic);
            let mut letters: Vec<_> = letters.collect();
            letters.dedup();
            is_sequence(&run) || is_sequence(&letters)
        }) {
            return Err(Rejection::Sequence);
        }
        if left == right
            || [left, right, &body]
                .iter()
                .any(|run| repeats_in_any_case(run))
        {
            return Err(Rejection::RepeatedPiece);
        }
        if runs.iter().any(|run| is_doubled(run)) {
            return Err(Rejection::RepeatedCharacter);
        }
        if self.marker.is_some() && runs.iter().any(|run| alternates(run)) {
            return Err(Rejection::LowEntropy);
        }
        if (self.marker.is_some() || self.both_cases)
            && (!body.iter().any(u8::is_ascii_uppercase)
                || !body.iter().any(u8::is_ascii_lowercase))
        {
            return Err(Rejection::OneCase);
        }
        // Words run together: no digit, which no long key lacks, and in a short one few changes
        // between capitals and small letters or hardly two capitals in a row.
        let case = |b: &u8| b.is_ascii_uppercase();
        let pairs = || body.windows(2).map(|pair| (case(&pair[0]), case(&pair[1])));
        let words = body.len() > LONG_BODY
            || pairs().filter(|(a, b)| a != b).count() * 3 < body.len()
            || pairs().filter(|(a, b)| *a && *b).count() <= 2;
        if self.marker.is_some() && !body.iter().any(u8::is_ascii_digit) && words {
            return Err(Rejection::LowEntropy);
        }
        let lower = body.to_ascii_lowercase();
        let in_any_case = |word: &&str| memmem::find(&lower, word.as_bytes()).is_some();
        if PLACEHOLDER_WORDS.iter().any(|word| has_word(&body, word))
            || runs.iter().any(|run| has_short_word(run))
            || LONG_WORDS.iter().any(in_any_case)
            || self.marker.is_some() && are_words(&lower)
        {
            return Err(Rejection::Placeholder);
        }
        Ok(())
    }
}

/// Entropy in bits a character.
fn entropy(counts: &[u32; 256], length: usize) -> f64 {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a match has a few hundred bytes"
    )]
    let length = length as f64;
    counts
        .iter()
        .filter(|&&count| count > 0)
        .map(|&count| {
            let share = f64::from(count) / length;
            // Not the system's: see `cli::progress`.
            -share * libm::log2(share)
        })
        .sum()
}

/// The most bytes in a row of which each is the one before plus `step`.
fn longest_run(bytes: &[u8], step: i16) -> usize {
    let mut longest = usize::from(!bytes.is_empty());
    let mut current = longest;
    for pair in bytes.windows(2) {
        if i16::from(pair[1]) - i16::from(pair[0]) == step {
            current += 1;
            longest = longest.max(current);
        } else {
            current = 1;
        }
    }
    longest
}

/// Whether a piece of at most [`MAX_PERIOD`] bytes repeats throughout, twice at least.
fn repeats(bytes: &[u8]) -> bool {
    (1..=MAX_PERIOD.min(bytes.len() / 2))
        .any(|period| bytes.iter().zip(&bytes[period..]).all(|(a, b)| a == b))
}

/// The same of the bytes in any case, and of the letters alone: `TestKey1TestKey2Test`.
fn repeats_in_any_case(bytes: &[u8]) -> bool {
    // Of fewer, some do by chance.
    const ENOUGH: usize = 12;
    let lower = bytes.to_ascii_lowercase();
    let mut letters = lower.clone();
    letters.retain(u8::is_ascii_alphabetic);
    repeats(&lower) || letters.len() >= ENOUGH && repeats(&letters)
}

/// Whether two of five bytes are the one before again, in any case: `AAA111BBB222`, `aAa1bBb2`. In random
/// text one in thirty is.
fn is_doubled(bytes: &[u8]) -> bool {
    let pairs = bytes.windows(2);
    let doubled = pairs.filter(|pair| pair[0].eq_ignore_ascii_case(&pair[1]));
    doubled.count() * 5 >= bytes.len().max(1) * 2
}

/// Whether every other byte is a digit, or a capital among small letters: `1q2w3e4r`, `aZbYcX`.
fn alternates(bytes: &[u8]) -> bool {
    const ENOUGH: usize = 12;
    let every_other = |is: fn(&u8) -> bool| bytes.windows(2).all(|p| is(&p[0]) != is(&p[1]));
    bytes.len() >= ENOUGH
        && (every_other(u8::is_ascii_digit)
            || every_other(u8::is_ascii_uppercase) && bytes.iter().all(u8::is_ascii_alphabetic))
}

/// Whether text in small letters has so many of the pairs that words have as one random text in a
/// million has.
fn are_words(lower: &[u8]) -> bool {
    let is_pair = |pair: &&[u8]| PAIRS.as_chunks::<2>().0.iter().any(|known| known == pair);
    let pairs = lower.windows(2).filter(is_pair).count();
    pairs >= 9 + lower.len() * 3 / 20
}

/// Whether `body` holds `word` in lower case, in capitals or with a capital first letter. Mixed
/// case is no sign: random text has four given letters, whatever their case, once in 16,000 keys.
fn has_word(body: &[u8], word: &str) -> bool {
    let upper = word.to_ascii_uppercase();
    let mut title = word.as_bytes().to_vec();
    title[..1].make_ascii_uppercase();
    [word.as_bytes(), upper.as_bytes(), &title]
        .iter()
        .any(|form| memmem::find(body, form).is_some())
}

/// Whether a half holds `fake` with no letters around, or begins with it. Anywhere, in one of the three forms,
/// one in forty thousand long keys has it.
fn has_short_word(run: &[u8]) -> bool {
    const FORMS: [&[u8]; 3] = [b"fake", b"FAKE", b"Fake"];
    let is_letter = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphabetic);
    FORMS.iter().any(|form| {
        run.starts_with(form)
            || memmem::find_iter(run, form).any(|at| {
                let before = at.checked_sub(1).and_then(|before| run.get(before));
                !is_letter(before) && !is_letter(run.get(at + form.len()))
            })
    })
}

fn base64url_digit(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'-' => Some(62),
        b'_' => Some(63),
        _ => None,
    }
}

/// Whether a key may begin after `before`: not in the middle of a word (`desk-`, `task-`), unless
/// its letter is the end of an escape (`\n`, `%3d`, `\u003d`, `ESC[0m`, `&quot`).
pub fn at_boundary(before: &[u8]) -> bool {
    match before.last() {
        Some(last) if last.is_ascii_lowercase() => {
            !begins_a_word(before)
                || ends_with_escape(before)
                || ends_with_two_byte_character(before)
        }
        _ => true,
    }
}

/// Whether `sk` ends a word here: `task`, `desk`, `disk`, `risk`, `whisk`, `obelisk`, `kiosk`,
/// `husk`. Other letters come from what a key is glued to: a column of a database, a string before
/// it in a program.
fn begins_a_word(before: &[u8]) -> bool {
    // `Desk` begins with a capital.
    let is_title = |first: u8, stem: &[u8]| first.to_ascii_lowercase() == stem[0];
    ["a", "u", "de", "di", "ri", "hi", "li", "io"]
        .iter()
        .map(|stem| stem.as_bytes())
        .any(|stem| match before {
            _ if before.ends_with(stem) => true,
            [.., first, last] => stem[1..] == [*last] && is_title(*first, stem),
            _ => false,
        })
}

fn ends_with_escape(before: &[u8]) -> bool {
    let hex = |digits: &[u8]| digits.iter().all(u8::is_ascii_hexdigit);
    match before {
        [
            ..,
            b'\\',
            b'a' | b'b' | b'e' | b'f' | b'n' | b'r' | b't' | b'v',
        ] => true,
        [.., b'%', a, b] if hex(&[*a, *b]) => true,
        // What is beyond ASCII takes two escapes at the least: `=de` and `=ca` begin a value.
        [.., b'=', c, d, b'=', a, b] if hex(&[*a, *b, *c, *d]) => true,
        [.., b'=', b'0'..=b'7', b] if hex(&[*b]) => true,
        [.., b'\\', b'x', a, b] if hex(&[*a, *b]) => true,
        [.., b'\\', b'u', a, b, c, d] if hex(&[*a, *b, *c, *d]) => true,
        [.., b'm'] => ends_with_colour(&before[..before.len() - 1]),
        _ => ["&quot", "&apos", "&amp", "&lt", "&gt", "&nbsp"]
            .iter()
            .any(|entity| before.ends_with(entity.as_bytes())),
    }
}

/// Whether the last letter is the second byte of a character, as in Shift-JIS, in which a quotation opens
/// with `0x81 u`. In UTF-8 no character has a letter in it.
fn ends_with_two_byte_character(before: &[u8]) -> bool {
    // Two bytes may look like UTF-8 by chance; so many do not.
    const SIGHT: usize = 32;
    let [before @ .., b'a' | b'u'] = before else {
        return false;
    };
    let near = &before[before.len().saturating_sub(SIGHT)..];
    let is_cut = near.len() < before.len();
    let cut = near
        .iter()
        .take(3)
        .take_while(|b| is_cut && **b & 0xc0 == 0x80);
    let whole = &near[cut.count()..];
    matches!(before, [.., 0x81..=0xfe]) && std::str::from_utf8(whole).is_err()
}

/// Whether `before` ends like a terminal's colour sequence without its last letter: `[1;31`.
fn ends_with_colour(before: &[u8]) -> bool {
    let digits = before
        .iter()
        .rev()
        .take_while(|b| b.is_ascii_digit() || **b == b';')
        .count();
    digits < 20 && before[..before.len() - digits].ends_with(b"[")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boundaries() {
        for yes in [
            "", " ", "=", "KEY", "9", "_", "-", ".", "/", "é", "\\n", "\\t", "%20", "%3d", "=3d",
            "\\u003d", "\\x3d", "\x1b[31m", "\\e[0m", "\x1b[m", "&quot", "\"", "s", "openai",
            "%61", "=3a", "=c3=ba",
        ] {
            assert!(at_boundary(yes.as_bytes()), "{yes:?}");
        }
        for (before, is_boundary) in [
            (&b"\x83L\x81[\x82\xcd\x81u"[..], true),
            (b"\x81u", true),
            (b"\xc3\xa9u", false),
            (b"x\xe3\x80\x8ca", false),
            ("ü".repeat(40).as_bytes(), true),
            (format!("{}a", "ü".repeat(40)).as_bytes(), false),
            (format!("{}ta", "ü".repeat(40)).as_bytes(), false),
            (b"\x82u\x81de", false),
        ] {
            assert_eq!(at_boundary(before), is_boundary, "{before:?}");
        }
        for no in [
            "de", "ta", "ri", "Ri", "a De", "=Di", "whi", "kio", "hu", "obeli", "ma", "K=de",
            "K=ca",
        ] {
            assert!(!at_boundary(no.as_bytes()), "{no:?}");
        }
    }

    #[test]
    fn letters_in_their_order_with_digits_between_are_no_body() {
        let checks = Checks {
            marker: Some("M".to_owned()),
            ..Checks::default()
        };
        assert_eq!(
            checks.reject_dull(b"A1b2C3d4E5f6G7h8I9j0", b"K1l2M3n4O5p6Q7r8S9t0"),
            Err(Rejection::Sequence)
        );
        let shuffled = checks.reject_dull(b"Ac1B32e4Dg56F7i8Hk90", b"Jm1L32o4Nq56P7s8Ru90");
        assert_eq!(shuffled, Ok(()));
    }

    #[test]
    fn halves_that_are_typed_are_no_body() {
        let checks = Checks {
            marker: Some("M".to_owned()),
            ..Checks::default()
        };
        let random = b"x7Qp2ZbW9kLmT4vRd8Hs";
        for typed in [
            "sampleSampleSampleSa",
            "TestKey1TestKey2Test",
            "AAA111BBB222CCC333DD",
            "aAa1bBb2cCc3dDd4eEe5",
            "1a2b3c4d5e6f7a8b9c0d",
            "aZbYcXdWeVfUgThSiRjQ",
            "FooBarBazQuxFooBarBa",
            "1qaz2wsx3edc4rfv5tgb",
        ] {
            assert!(
                checks.reject_dull(typed.as_bytes(), random).is_err(),
                "{typed}"
            );
            assert!(
                checks.reject_dull(random, typed.as_bytes()).is_err(),
                "{typed}"
            );
        }
        for (left, right) in [
            ("ThisIsTheFirstHalf00", "AndThisTheSecondOne1"),
            ("UnitTestOnlyKey12345", "NoSuchKeyExistsHere1"),
        ] {
            let words = checks.reject_dull(left.as_bytes(), right.as_bytes());
            assert_eq!(words, Err(Rejection::Placeholder), "{left}");
        }
        assert_eq!(checks.reject_dull(random, b"3nYc6TgK1wJx5BfV0zNq"), Ok(()));
    }

    #[test]
    fn a_word_that_random_keys_have_counts_where_it_stands_alone() {
        let checks = Checks {
            marker: Some("M".to_owned()),
            ..Checks::default()
        };
        let random = b"x7Qp2ZbW9kLmT4vRd8Hs";
        for made_up in [
            "fakeZbW9kLmT4vRd8Hs1",
            "x7Q4fake8kLmT4vRd8Hs",
            "x7Qp2ZbW9kLmT4v_FAKE",
            "x7Qp2aFakeKeyT4vRd8H",
        ] {
            for halves in [[made_up.as_bytes(), random], [random, made_up.as_bytes()]] {
                let rejected = checks.reject_dull(halves[0], halves[1]);
                assert_eq!(rejected, Err(Rejection::Placeholder), "{made_up}");
            }
        }
        for found in [
            "x7QpFAKEZbW9kLmT4vRd",
            "x7QpfakeZ5W9kLmT4vRd",
            "x7Qp2ZbW9kLmT4vRdfAk",
        ] {
            assert_eq!(
                checks.reject_dull(found.as_bytes(), random),
                Ok(()),
                "{found}"
            );
        }
        assert_eq!(
            checks.reject_dull(b"x7Qp2ZbW9kLmT4vRd8fa", b"ke2ZbW9kLmT4vRd8Hs3n"),
            Ok(())
        );
    }

    #[test]
    fn runs_and_periods() {
        assert_eq!(longest_run(b"xxabcdefghq", 1), 8);
        assert_eq!(longest_run(b"xx7654321q", -1), 7);
        assert_eq!(longest_run(b"abbbc", 0), 3);
        assert_eq!(longest_run(b"", 0), 0);
        assert!(repeats(b"demodemode"));
        assert!(!repeats(b"demodemons"));
    }
}
