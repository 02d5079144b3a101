//! `git frisk scan --files-from`: paths that another program lists.

use std::fs;
use std::io;
use std::io::Read as _;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;
use anyhow::bail;

use crate::cli::output;

/// Adds the paths that a list has, each ended by a byte; `-` names standard input.
pub(crate) fn add_listed(paths: &mut Vec<PathBuf>, list: &Path, end: u8) -> anyhow::Result<()> {
    let stdin = Path::new("-");
    let content = if list != stdin {
        fs::read(list).with_context(|| format!("the list of files {}", list.display()))?
    } else if paths.iter().any(|path| path == stdin) {
        bail!("standard input is either the list of files or scanned itself");
    } else if let Some(trouble) = output::trouble(&io::stdin(), false) {
        bail!("the list of files: standard input {trouble}");
    } else {
        let mut content = Vec::new();
        let read = io::stdin().lock().read_to_end(&mut content);
        read.context("the list of files on standard input")?;
        content
    };
    // Each byte but the one that ends it may be part of a name.
    let listed = content
        .split(|byte| *byte == end)
        .filter(|path| !path.is_empty());
    paths.extend(listed.map(path_of));
    Ok(())
}

/// A path of the list, which is a path also where it reads `-`.
#[cfg(unix)]
fn path_of(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt as _;

    plain(Path::new(std::ffi::OsStr::from_bytes(bytes)))
}

/// A path of the list, which is a path also where it reads `-`.
#[cfg(not(unix))]
fn path_of(bytes: &[u8]) -> PathBuf {
    let text = String::from_utf8_lossy(bytes);
    plain(Path::new(text.trim_end_matches('\r')))
}

fn plain(path: &Path) -> PathBuf {
    if path == Path::new("-") {
        Path::new(".").join(path)
    } else {
        path.to_owned()
    }
}
