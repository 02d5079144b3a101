//! Fills the templates of a rule's examples, so that no key-shaped text stands in the repository.

use crate::rule::Rule;
use crate::rule::RuleSet;

const ALNUM: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const BASE64URL: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const HEX: &[u8] = b"0123456789abcdef";
const LOWER: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";

/// Fills `{alnum:N}`, `{base64url:N}`, `{hex:N}`, `{lower:N}` with made-up characters, `{same:N}`
/// with one character and `{demo:N}` with a word that repeats. The same seed gives the same text;
/// anything else in braces stays.
pub fn fill(template: &str, seed: u64) -> String {
    let mut random = SplitMix(seed);
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let filled = after.split_once('}').and_then(|(token, tail)| {
            let (kind, length) = token.split_once(':')?;
            let length = length.parse::<usize>().ok()?;
            let text: String = match kind {
                "alnum" => random.text(ALNUM, length),
                "base64url" => random.text(BASE64URL, length),
                "hex" => random.text(HEX, length),
                "lower" => random.text(LOWER, length),
                "same" => "b".repeat(length),
                "demo" => "demo".chars().cycle().take(length).collect(),
                _ => return None,
            };
            Some((text, tail))
        });
        if let Some((text, tail)) = filled {
            out.push_str(&text);
            rest = tail;
        } else {
            out.push('{');
            rest = after;
        }
    }
    out.push_str(rest);
    out
}

/// A small generator of made-up numbers; Steele, Lea and Flood's `SplitMix64`.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn text(&mut self, alphabet: &[u8], length: usize) -> String {
        (0..length)
            .map(|_| {
                let index = self.next() % alphabet.len() as u64;
                char::from(alphabet[usize::try_from(index).unwrap_or(0)])
            })
            .collect()
    }
}

/// The templates that `pick` takes from each rule, filled, with the id of the rule.
pub fn fill_all(
    rules: &RuleSet,
    seed: u64,
    pick: impl Fn(&Rule) -> &[String],
) -> Vec<(String, String)> {
    let of_rule = |rule| {
        let filled = pick(rule).iter().map(|template| fill(template, seed));
        filled
            .map(|line| (rule.id.clone(), line))
            .collect::<Vec<_>>()
    };
    rules.rules().iter().flat_map(of_rule).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_what_it_knows_and_keeps_the_rest() {
        let filled = fill("a{alnum:3}b{same:2}c{nope:2}d{x", 1);
        assert_eq!(filled.len(), "a123bbbc{nope:2}d{x".len());
        assert!(filled.ends_with("bbbc{nope:2}d{x"));
        assert_eq!(filled, fill("a{alnum:3}b{same:2}c{nope:2}d{x", 1));
    }
}
