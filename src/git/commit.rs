//! Commits and tags, read from their raw bytes: grafts and replacements hide nothing.

use std::collections::HashMap;
use std::sync::Arc;

use git2::Oid;

use crate::git::GitError;

/// Commits by their names. There are hundreds of thousands in a history: they are not copied.
pub type Commits = HashMap<Oid, Arc<Commit>>;

/// What a walk needs of a commit.
#[derive(Debug, Clone)]
pub struct Commit {
    /// Its object id.
    pub oid: Oid,
    /// The tree it holds.
    pub tree: Oid,
    /// The commits it comes from.
    pub parents: Box<[Oid]>,
    /// The committer's date in seconds since 1970.
    pub time: i64,
}

impl Commit {
    /// Reads the header of a raw commit.
    pub fn parse(oid: Oid, raw: &[u8]) -> Result<Self, GitError> {
        let malformed = || GitError::Malformed {
            kind: "commit",
            oid,
        };
        let mut tree = None;
        let mut parents = Vec::new();
        let mut time = 0;
        for line in header(raw) {
            if let Some(hex) = line.strip_prefix(b"tree ") {
                tree = Some(parse_oid(hex).ok_or_else(malformed)?);
            } else if let Some(hex) = line.strip_prefix(b"parent ") {
                parents.push(parse_oid(hex).ok_or_else(malformed)?);
            } else if let Some(committer) = line.strip_prefix(b"committer ") {
                // A date that cannot be read changes the order of reports, not what is scanned.
                time = signature(committer).map_or(0, |(_, seconds, _)| seconds);
            }
        }
        Ok(Self {
            oid,
            tree: tree.ok_or_else(malformed)?,
            parents: parents.into_boxed_slice(),
            time,
        })
    }
}

/// Name and address of a raw commit's author, and the date.
pub fn author(raw: &[u8]) -> Option<(&[u8], i64, i32)> {
    header(raw)
        .find_map(|line| line.strip_prefix(b"author "))
        .and_then(signature)
}

/// The object a raw tag names, the word for its kind, and the tag's name.
pub fn parse_tag(oid: Oid, raw: &[u8]) -> Result<(Oid, &[u8]), GitError> {
    let field = |name: &[u8]| header(raw).find_map(|line| line.strip_prefix(name));
    let target = field(b"object ").and_then(parse_oid);
    match (target, field(b"tag ")) {
        // A tag without a name is one all the same.
        (Some(target), name) => Ok((target, name.unwrap_or_default())),
        (None, _) => Err(GitError::Malformed { kind: "tag", oid }),
    }
}

/// The lines before the first empty one.
fn header(raw: &[u8]) -> impl Iterator<Item = &[u8]> {
    raw.split(|&byte| byte == b'\n')
        .take_while(|line| !line.is_empty())
}

/// Splits `Name <address> 1700000000 +0100` into name with address, seconds, and minutes east.
fn signature(line: &[u8]) -> Option<(&[u8], i64, i32)> {
    let end = line.iter().rposition(|&byte| byte == b'>')? + 1;
    let mut fields = std::str::from_utf8(&line[end..])
        // Only the date: `None` is told as one that is not known.
        .ok()?
        .split_ascii_whitespace();
    let seconds = fields.next()?.parse().ok()?;
    let zone: i32 = fields.next().map_or(Some(0), |zone| zone.parse().ok())?;
    Some((&line[..end], seconds, zone / 100 * 60 + zone % 100))
}

/// An object id written in hex, of either hash.
pub fn parse_oid(hex: &[u8]) -> Option<Oid> {
    let text = std::str::from_utf8(hex).ok()?;
    let format = match text.len() {
        40 => git2::ObjectFormat::Sha1,
        64 => git2::ObjectFormat::Sha256,
        _ => return None,
    };
    // What is no object id is told by the callers.
    Oid::from_str_ext(text, format).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RAW: &[u8] = b"tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n\
        parent 4b825dc642cb6eb9a060e54bf8d69288fbee4905\n\
        author A <a@b> 1700000000 -0130\ncommitter C > D <c@d> 1700000009 +0000\n\ntree x\n";

    #[test]
    fn a_header_is_read_and_a_message_is_not() {
        let oid = Oid::ZERO_SHA1;
        let commit = Commit::parse(oid, RAW).unwrap();
        assert_eq!(commit.parents.len(), 1);
        assert_eq!(commit.time, 1_700_000_009);
        assert_eq!(author(RAW), Some((&b"A <a@b>"[..], 1_700_000_000, -90)));
        assert!(Commit::parse(oid, b"author x\n\nmessage").is_err());
        assert!(Commit::parse(oid, b"tree 12\n").is_err());
    }
}
