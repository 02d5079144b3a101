//! What a tree has, and what it has no more, as against the one it is stored as a change of. A
//! history has a hundred times as many entries of trees as ever changed.

use std::ops::Range;

use git2::ObjectFormat;

use crate::git::pack::Copied;
use crate::git::pack::Made;
use crate::git::tree::EntryKind;
use crate::git::tree::Raw;
use crate::git::tree::RawEntry;

/// How a tree differs from its base. Used again for each tree.
#[derive(Debug, Default)]
pub(super) struct Difference {
    /// Where the entries are in the tree that were not taken over from the base.
    pub(super) added: Vec<Range<usize>>,
    /// Where the entries are in the base that were not taken over.
    pub(super) gone: Vec<Range<usize>>,
    /// Whether the tree counts as made from its base, and has all other entries of it.
    pub(super) is_heir: bool,
    /// The numbers of those that were.
    kept: Vec<Range<usize>>,
}

/// What a tree turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Its entries are in git's order, and so no two of them are the same.
    Sorted,
    /// They are not. All of them count as added, and nothing can go on from there.
    Unsorted,
    /// It breaks off, and all up to there counts as added.
    Malformed,
}

impl Difference {
    /// Compares a tree with its base, by how it was made from it; with none, or one that it has
    /// little of, all is added. Notes where each of its entries begins, and where the last one ends.
    pub(super) fn find(
        &mut self,
        tree: &[u8],
        made: Option<Made<'_>>,
        format: ObjectFormat,
        mut notes: Option<&mut Vec<u32>>,
    ) -> Form {
        self.is_heir = false;
        if let Some(made) = made {
            let (copied, known) = (made.copied, made.notes);
            let form = self.read(tree, copied, known, format, notes.as_deref_mut());
            // A few bytes may say that all of a large base is gone. What has lost more than it took
            // over is told with less by all that it has.
            let entries = known.len().saturating_sub(1);
            let kept: usize = self.kept.iter().map(Range::len).sum();
            if form == Form::Sorted && entries <= 2 * kept {
                self.find_gone(known);
                self.is_heir = true;
                return form;
            }
        }
        self.read(tree, &[], &[], format, notes)
    }

    /// Reads a tree; `known` says where the entries of its base are.
    fn read(
        &mut self,
        tree: &[u8],
        mut copied: &[Copied],
        known: &[u32],
        format: ObjectFormat,
        mut notes: Option<&mut Vec<u32>>,
    ) -> Form {
        self.added.clear();
        self.gone.clear();
        self.kept.clear();
        if let Some(notes) = &mut notes {
            notes.clear();
        }
        // What cannot be parsed is malformed, for whichever reason.
        let parse = |at: usize| Raw::from(tree, at, format).next().flatten();
        let mut form = Form::Sorted;
        let mut before: Option<RawEntry<'_>> = None;
        let mut at = 0;
        while at < tree.len() {
            let Some(first) = parse(at) else {
                return Form::Malformed;
            };
            if before.is_some_and(|before| !precedes(&before, &first)) {
                form = Form::Unsorted;
            }
            while let [piece, rest @ ..] = copied
                && (piece.at + piece.length) as usize <= at
            {
                copied = rest;
            }
            let near = self.kept.last().map_or(0, |kept| kept.end);
            let kept = copied
                .first()
                .and_then(|piece| entries(*piece, at, known, near));
            let Some(kept) = kept else {
                if let Some(notes) = &mut notes {
                    notes.push(short(at));
                }
                at = first.at.end;
                self.added.push(first.at.clone());
                before = Some(first);
                continue;
            };
            let there = known[kept.start];
            if let Some(notes) = &mut notes {
                let starts = known[kept.clone()].iter();
                notes.extend(starts.map(|start| start - there + short(at)));
            }
            before = parse(at + (known[kept.end - 1] - there) as usize);
            at += (known[kept.end] - there) as usize;
            self.kept.push(kept);
        }
        if let Some(notes) = &mut notes {
            notes.push(short(at));
        }
        form
    }

    /// Finds the entries of the base that were not taken over.
    fn find_gone(&mut self, known: &[u32]) {
        // git takes them over in order; others need not.
        self.kept.sort_unstable_by_key(|kept| kept.start);
        let mut at = 0;
        let end = known.len().saturating_sub(1);
        let end = end..end;
        for kept in self.kept.iter().chain([&end]) {
            let gone = known[at.min(kept.start)..=kept.start].windows(2);
            let gone = gone.map(|ends| ends[0] as usize..ends[1] as usize);
            self.gone.extend(gone);
            at = at.max(kept.end);
        }
    }
}

/// The numbers of the base's entries of which the first is copied to a place in a tree, and the
/// others follow in the same piece; `None` if no whole entry is. The first is mostly `near`.
fn entries(piece: Copied, at: usize, known: &[u32], near: usize) -> Option<Range<usize>> {
    let skipped = short(at).checked_sub(piece.at)?;
    let first = place(piece.from + skipped, known, near)?;
    let piece_end = piece.from + piece.length;
    let end = match known.last() {
        Some(end) if *end <= piece_end => known.len(),
        _ => first + known[first..].partition_point(|start| *start <= piece_end),
    } - 1;
    (first < end).then_some(first..end)
}

/// Where a number is among sorted ones; mostly it is there a little after `near`.
fn place(number: u32, known: &[u32], near: usize) -> Option<usize> {
    let is_before = |at: usize| known.get(at).is_some_and(|known| *known < number);
    let (mut start, mut step) = (near, 1);
    while is_before(start + step) {
        start += step;
        step *= 2;
    }
    let end = known.len().min(start + step + 1);
    if start > 0 && !is_before(start - 1) {
        start = 0;
    }
    let found = known.get(start..end)?.binary_search(&number).ok()?;
    Some(start + found)
}

/// Whether an entry stands before another one in a tree as git writes it, where a directory counts
/// as if its name ended with a slash.
fn precedes(entry: &RawEntry<'_>, next: &RawEntry<'_>) -> bool {
    let common = entry.name.len().min(next.name.len());
    let after = |entry: &RawEntry<'_>| {
        let end = if entry.kind == EntryKind::Tree {
            b'/'
        } else {
            0
        };
        entry.name.get(common).copied().unwrap_or(end)
    };
    let order = entry.name[..common].cmp(&next.name[..common]);
    order.then_with(|| after(entry).cmp(&after(next))).is_lt()
}

/// Objects are smaller than 4 GiB.
fn short(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: usize = 20;

    fn tree(entries: &[(&str, &str, u8)]) -> Vec<u8> {
        let entry = |(mode, name, object): &(&str, &str, u8)| {
            let head = format!("{mode} {name}\0");
            [head.as_bytes(), &[*object; HASH]].concat()
        };
        entries.iter().flat_map(entry).collect()
    }

    fn notes(tree: &[u8]) -> Vec<u32> {
        let mut notes = Vec::new();
        let form = Difference::default().find(tree, None, ObjectFormat::Sha1, Some(&mut notes));
        assert_eq!(form, Form::Sorted);
        notes
    }

    /// What was added and what is gone, by first bytes of objects, of a tree that has some pieces of
    /// its base.
    fn difference(base: &[u8], tree: &[u8], copied: &[Copied]) -> (Form, Vec<u8>, Vec<u8>) {
        for piece in copied {
            let of = |tree: &[u8], at: u32| tree[at as usize..][..piece.length as usize].to_vec();
            assert_eq!(of(tree, piece.at), of(base, piece.from));
        }
        let (known, mut found) = (notes(base), Vec::new());
        let made = Made {
            fresh: &[],
            copied,
            base,
            notes: &known,
        };
        let mut difference = Difference::default();
        let form = difference.find(tree, Some(made), ObjectFormat::Sha1, Some(&mut found));
        if form == Form::Sorted {
            assert_eq!(found, notes(tree));
        }
        let objects = |tree: &[u8], entries: &[Range<usize>]| {
            let objects = entries.iter().map(|at| tree[at.end - 1]);
            objects.collect()
        };
        let added = objects(tree, &difference.added);
        (form, added, objects(base, &difference.gone))
    }

    fn piece(at: usize, from: usize, length: usize) -> Copied {
        let [at, from, length] = [at, from, length].map(short);
        Copied { at, from, length }
    }

    #[test]
    fn what_was_added_and_what_is_gone_is_told() {
        let base = tree(&[
            ("100644", "a", 1),
            ("40000", "b", 2),
            ("100644", "c", 3),
            ("100644", "d", 4),
        ]);
        // All entries but `b` are of one length.
        let (file, directory) = (29, 28);
        let other = tree(&[("100644", "a", 1), ("40000", "b", 9), ("100644", "d", 4)]);
        let whole = [
            piece(0, 0, file),
            piece(file + directory, 2 * file + directory, file),
        ];
        let found = difference(&base, &other, &whole);
        assert_eq!(found, (Form::Sorted, vec![9], vec![2, 3]));
        // Pieces that cut entries, as git makes them: up to the name of the object, and from within
        // the one before.
        let cut = [
            piece(0, 0, file + 8),
            piece(file + directory - 1, 2 * file + directory - 1, file + 1),
        ];
        let other = tree(&[("100644", "a", 1), ("40000", "b", 3), ("100644", "d", 4)]);
        let found = difference(&base, &other, &cut);
        assert_eq!(found, (Form::Sorted, vec![3], vec![2, 3]));
        // Cut in two, and yet the same: it was lost and came back.
        let halves = [piece(0, 0, 40), piece(40, 40, base.len() - 40)];
        let found = difference(&base, &base, &halves);
        assert_eq!(found, (Form::Sorted, vec![2], vec![2]));
        // Most of the base is gone: it is not followed.
        assert_eq!(
            difference(&base, &base, &[]),
            (Form::Sorted, vec![1, 2, 3, 4], vec![])
        );
        let half = [&base[..file + directory], &tree(&[("100644", "x", 7)])].concat();
        assert_eq!(
            difference(&base, &half, &[piece(0, 0, file + directory)]),
            (Form::Sorted, vec![7], vec![3, 4])
        );
        let less = [&base[..file], &tree(&[("100644", "x", 7)])].concat();
        assert_eq!(
            difference(&base, &less, &[piece(0, 0, file)]),
            (Form::Sorted, vec![1, 7], vec![])
        );
        let all = [piece(0, 0, base.len())];
        assert_eq!(
            difference(&base, &base, &all),
            (Form::Sorted, vec![], vec![])
        );
        assert_eq!(difference(&base, &[], &[]), (Form::Sorted, vec![], vec![]));
        assert_eq!(
            difference(&[], &base, &[]),
            (Form::Sorted, vec![1, 2, 3, 4], vec![])
        );
    }

    #[test]
    fn a_number_is_found_wherever_it_is_sought_first() {
        let known: Vec<u32> = (0..40).map(|number| 3 * number + 1).collect();
        for near in 0..=known.len() {
            for number in 0..125 {
                let found = place(number, &known, near);
                assert_eq!(found, known.binary_search(&number).ok(), "{number} {near}");
            }
        }
        assert_eq!(place(0, &[], 0), None);
    }

    #[test]
    fn nothing_is_taken_over_by_what_is_not_sorted_or_breaks_off() {
        let base = tree(&[("100644", "a", 1), ("100644", "b", 2)]);
        let twice = [&base[..], &base[..29]].concat();
        let pieces = [piece(0, 0, 58), piece(58, 0, 29)];
        let found = difference(&base, &twice, &pieces);
        assert_eq!(found, (Form::Unsorted, vec![1, 2, 1], vec![]));
        let cut_off = [&base[..], b"100644 c"].concat();
        let found = difference(&base, &cut_off, &[piece(0, 0, 58)]);
        assert_eq!(found, (Form::Malformed, vec![1, 2], vec![]));
    }

    #[test]
    fn a_directory_is_sorted_as_if_it_ended_with_a_slash() {
        let format = ObjectFormat::Sha1;
        let form = |entries: &[(&str, &str, u8)]| {
            Difference::default().find(&tree(entries), None, format, None)
        };
        let sorted = [("100644", "a.b", 1), ("40000", "a", 1), ("100644", "a0", 1)];
        assert_eq!(form(&sorted), Form::Sorted);
        let unsorted = [("40000", "a", 1), ("100644", "a.b", 1)];
        assert_eq!(form(&unsorted), Form::Unsorted);
        let twice = [("100644", "a", 1), ("100644", "a", 2)];
        assert_eq!(form(&twice), Form::Unsorted);
    }
}
