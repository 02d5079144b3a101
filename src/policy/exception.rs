//! Exceptions by key: the entries of `.friskignore` and of `FRISK_ALLOW`.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::finding::Finding;
use crate::finding::SuppressedBy;
use crate::finding::Suppression;
use crate::key_id::KeyId;
use crate::report::Report;

/// The file of exceptions, at the top of a repository.
pub const FILE: &str = ".friskignore";
/// Bytes it may have.
pub const MAX_FILE: u64 = 1 << 20;
/// What stands before a key id.
const PREFIX: &str = "frisk:";

/// Keys that are allowed to stand, and why.
#[derive(Debug, Default)]
pub struct Exceptions {
    entries: BTreeMap<KeyId, Entry>,
}

/// What is known of an exception.
#[derive(Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its line, or which of a list it is; counted from 1.
    pub line: usize,
    /// Why, as it was written; not masked.
    pub reason: Vec<u8>,
}

/// A line that is no exception. It does not say what stands there: that may be a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// A line of the file.
    #[error(
        "line {0}: is no `frisk:KEY-ID REASON`, where KEY-ID is 12 hex digits as findings name it; comments begin with `#`"
    )]
    Line(usize),
    /// An entry of the list.
    #[error("entry {0}: is no key id, which is 12 hex digits as findings name it")]
    Entry(usize),
}

impl Exceptions {
    /// Reads a file: one `frisk:KEY-ID REASON` a line, `#` begins a comment. What is well formed
    /// counts beside what is not.
    pub fn of_file(content: &[u8]) -> (Self, Vec<Malformed>) {
        let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
        let mut exceptions = Self::default();
        let mut malformed = Vec::new();
        for (index, line) in content.split(|byte| *byte == b'\n').enumerate() {
            let text = line.trim_ascii();
            if text.is_empty() || text.starts_with(b"#") {
                continue;
            }
            let word = text.split(u8::is_ascii_whitespace).next().unwrap_or(text);
            match id(word, true) {
                Some(key) => exceptions.add(key, index + 1, &text[word.len()..]),
                None => malformed.push(Malformed::Line(index + 1)),
            }
        }
        (exceptions, malformed)
    }

    /// Reads a list of key ids with commas or blanks between them.
    pub fn of_list(list: &[u8]) -> (Self, Vec<Malformed>) {
        let mut exceptions = Self::default();
        let mut malformed = Vec::new();
        let is_between = |byte: &u8| *byte == b',' || byte.is_ascii_whitespace();
        let words = list.split(is_between).filter(|word| !word.is_empty());
        for (index, word) in words.enumerate() {
            match id(word, false) {
                Some(key) => exceptions.add(key, index + 1, b""),
                None => malformed.push(Malformed::Entry(index + 1)),
            }
        }
        (exceptions, malformed)
    }

    fn add(&mut self, key: KeyId, line: usize, reason: &[u8]) {
        let reason = reason.trim_ascii().to_owned();
        // Two branches may have added the same one.
        self.entries.entry(key).or_insert(Entry { line, reason });
    }

    /// What is known of the exception of a key, if there is one.
    pub fn get(&self, key: KeyId) -> Option<&Entry> {
        self.entries.get(&key)
    }

    /// Marks the findings that are allowed and not yet marked; `show` masks and escapes a reason.
    pub fn apply(&self, report: &mut Report, by: SuppressedBy, show: impl Fn(&[u8]) -> String) {
        if self.entries.is_empty() {
            return;
        }
        let mark = |finding: &mut Finding| {
            if finding.hit.suppressed.is_none()
                && let Some(entry) = self.entries.get(&finding.hit.key_id)
            {
                let reason = show(&entry.reason);
                finding.hit.suppressed = Some(Suppression { by, reason });
            }
        };
        report.findings.iter_mut().for_each(mark);
        for key in &mut report.keys {
            mark(&mut key.first);
            mark(&mut key.last);
        }
    }

    /// The exceptions of which the report has no key, by line.
    pub fn unused(&self, report: &Report) -> Vec<(usize, KeyId)> {
        let found: BTreeSet<KeyId> = report.findings.iter().map(|f| f.hit.key_id).collect();
        let mut unused: Vec<_> = self
            .entries
            .iter()
            .filter(|(key, _)| !found.contains(key))
            .map(|(key, entry)| (entry.line, *key))
            .collect();
        unused.sort_unstable();
        unused
    }
}

/// The key id that a word is, with what has to stand before it.
fn id(word: &[u8], with_prefix: bool) -> Option<KeyId> {
    let word = std::str::from_utf8(word).ok()?;
    let id = match word.strip_prefix(PREFIX) {
        Some(id) => id,
        None if with_prefix => return None,
        None => word,
    };
    id.parse().ok()
}

/// A file with entries for more keys at its end. `reason` is one line.
pub fn append(content: &[u8], keys: &[KeyId], reason: &str) -> Vec<u8> {
    let mut lines = content.split_inclusive(|byte| *byte == b'\n');
    let end = if lines.next().is_some_and(|line| line.ends_with(b"\r\n")) {
        "\r\n"
    } else {
        "\n"
    };
    let mut out = content.to_vec();
    if !out.is_empty() && !out.ends_with(b"\n") {
        out.extend_from_slice(end.as_bytes());
    }
    for key in keys {
        let line = format!("{PREFIX}{key} {reason}");
        out.extend_from_slice(line.trim_end().as_bytes());
        out.extend_from_slice(end.as_bytes());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "ba7816bf8f01";

    fn key() -> KeyId {
        ID.parse().unwrap()
    }

    #[test]
    fn lines_are_entries_comments_or_errors() {
        let text = format!("\u{feff}# x\r\n\r\n  frisk:{ID}  made up \r\nfrisk:0123456789AB");
        let (read, malformed) = Exceptions::of_file(text.as_bytes());
        assert_eq!(malformed, []);
        let (line, reason) = (3, b"made up".to_vec());
        assert_eq!(read.get(key()), Some(&Entry { line, reason }));
        assert!(read.get("0123456789ab".parse().unwrap()).is_some());

        for bad in [
            "*",
            "frisk:",
            "frisk:allow x",
            &format!("frisk: {ID}"),
            &format!("{ID} x"),
            &format!("frisk:{ID}0"),
            &format!("frisk:{ID},x"),
            &format!("FRISK:{ID}"),
            &format!("x\u{0}frisk:{ID}"),
        ] {
            let (read, malformed) = Exceptions::of_file(format!("\n{bad}\n").as_bytes());
            assert_eq!(malformed, [Malformed::Line(2)], "{bad}");
            assert!(read.get(key()).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_list_has_commas_or_blanks() {
        let (read, malformed) = Exceptions::of_list(format!("{ID}, frisk:0123456789ab").as_bytes());
        assert_eq!((read.entries.len(), malformed.len()), (2, 0));
        let (_, malformed) = Exceptions::of_list(b"x,0123456789ab,*");
        assert_eq!(malformed, [Malformed::Entry(1), Malformed::Entry(3)]);
        assert_eq!(Exceptions::of_list(b" ,\n").1, []);
    }

    #[test]
    fn what_is_appended_is_a_line_of_its_own() {
        let text = |content: &[u8]| append(content, &[key()], "x").escape_ascii().to_string();
        assert_eq!(text(b""), format!("frisk:{ID} x\\n"));
        assert_eq!(text(b"# a"), format!("# a\\nfrisk:{ID} x\\n"));
        assert_eq!(
            text(b"# a\r\n# b"),
            format!("# a\\r\\n# b\\r\\nfrisk:{ID} x\\r\\n")
        );
    }
}
