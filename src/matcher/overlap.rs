//! Who has the bytes that two rules claim.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::matcher::Candidate;

/// Keeps, of candidates that overlap, the one of the rule with the highest rank, then the longer,
/// then the earlier. What is left is sorted by place.
pub(super) fn resolve(candidates: &mut Vec<Candidate>) {
    if candidates.len() > 1 {
        candidates.sort_by_key(|c| (c.rule, Reverse(c.span.len()), c.span.start));
        let mut taken: BTreeMap<usize, usize> = BTreeMap::new();
        candidates.retain(|candidate| {
            let span = &candidate.span;
            let before = taken.range(..span.end).next_back();
            let free = before.is_none_or(|(_, &end)| end <= span.start);
            if free {
                taken.insert(span.start, span.end);
            }
            free
        });
        candidates.sort_unstable_by_key(|c| c.span.start);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::Confidence;
    use crate::secret::Secret;

    fn resolved(
        claims: &[(usize, std::ops::Range<usize>)],
    ) -> Vec<(usize, std::ops::Range<usize>)> {
        let mut candidates: Vec<_> = claims
            .iter()
            .map(|(rule, span)| Candidate {
                rule: *rule,
                span: span.clone(),
                confidence: Confidence::High,
                secret: Secret::new(b"x", 0),
                layers: Vec::new(),
            })
            .collect();
        resolve(&mut candidates);
        candidates.into_iter().map(|c| (c.rule, c.span)).collect()
    }

    #[test]
    fn the_higher_rank_wins_wherever_it_lies() {
        assert_eq!(resolved(&[(1, 0..9), (0, 5..12)]), [(0, 5..12)]);
        assert_eq!(resolved(&[(1, 0..9), (0, 2..4)]), [(0, 2..4)]);
        assert_eq!(
            resolved(&[(0, 2..4), (1, 4..9), (1, 0..2)]),
            [(1, 0..2), (0, 2..4), (1, 4..9)]
        );
    }
}
