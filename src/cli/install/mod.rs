//! The hooks in a repository: where they go, what was there, and the way back.

pub(crate) mod check;
pub(crate) mod git;
pub(crate) mod global;
pub(crate) mod hooks;
pub(crate) mod manager;
pub(crate) mod shim;

use std::ffi::OsStr;
use std::path::PathBuf;

use anyhow::Context as _;
use anyhow::bail;

/// The hooks of those who commit and push.
pub(crate) const HOOKS: [&str; 4] = ["pre-commit", "pre-merge-commit", "commit-msg", "pre-push"];
/// The hooks of a server.
pub(crate) const SERVER_HOOKS: [&str; 1] = ["pre-receive"];

/// A word as a shell reads it back.
pub(crate) fn quote(word: &OsStr) -> Vec<u8> {
    let mut quoted = vec![b'\''];
    for &byte in word.as_encoded_bytes() {
        if byte == b'\'' {
            quoted.extend_from_slice(b"'\\''");
        } else {
            quoted.push(byte);
        }
    }
    quoted.push(b'\'');
    quoted
}

/// Where this program is.
pub(crate) fn program() -> anyhow::Result<PathBuf> {
    let program = std::env::current_exe().context("git-frisk does not know where it is")?;
    if !program.is_file() {
        bail!(
            "git-frisk is not at {} any more; start it from where it is now",
            program.display()
        );
    }
    Ok(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted() {
        assert_eq!(quote(OsStr::new("a b")), b"'a b'");
        assert_eq!(quote(OsStr::new("it's")), b"'it'\\''s'");
    }
}
