//! The way out of the process: nothing is written but through here, masked once more.

use std::io;
use std::io::IsTerminal as _;
use std::io::Write as _;

use git_frisk::reporter::page::Page;
use git_frisk::scan::Redactor;

use crate::cli::args::ColorWhen;

/// Writes a page to standard output.
pub(crate) fn to_stdout(page: Page, redactor: Redactor<'_>) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(&redactor.bytes(page.into_text().as_bytes()))?;
    out.flush()
}

/// Writes a page to standard error. Where even that fails, only the exit status is left to tell.
pub(crate) fn to_stderr(page: Page, redactor: Redactor<'_>) {
    let text = redactor.bytes(page.into_text().as_bytes());
    // There is nobody left to tell of a failure; the exit status does not depend on it.
    let _: io::Result<()> = io::stderr().lock().write_all(&text);
}

/// Writes a page to a file, made anew.
pub(crate) fn to_file(
    page: Page,
    redactor: Redactor<'_>,
    path: &std::path::Path,
) -> io::Result<()> {
    std::fs::write(path, redactor.bytes(page.into_text().as_bytes()))
}

/// Whether to colour what goes to a stream.
pub(crate) fn colour(when: ColorWhen, stream: &impl io::IsTerminal) -> bool {
    match when {
        ColorWhen::Always => true,
        ColorWhen::Never => false,
        ColorWhen::Auto => {
            let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
            let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
            stream.is_terminal() && !set("NO_COLOR") && !dumb
        }
    }
}

/// Whether to colour standard output.
pub(crate) fn colour_stdout(when: ColorWhen) -> bool {
    colour(when, &io::stdout())
}

/// Whether to colour standard error.
pub(crate) fn colour_stderr(when: ColorWhen) -> bool {
    colour(when, &io::stderr())
}

/// Whether standard input was closed when the process began: the runtime then put `/dev/null` in
/// its place, open for reading and writing, which nobody else does.
#[cfg(unix)]
pub(crate) fn stdin_was_closed() -> bool {
    use std::os::unix::fs::MetadataExt as _;

    use rustix::fs::OFlags;

    let stdin = io::stdin();
    if stdin.is_terminal() {
        return false;
    }
    let (Ok(flags), Ok(stat), Ok(null)) = (
        rustix::fs::fcntl_getfl(&stdin),
        rustix::fs::fstat(&stdin),
        std::fs::metadata("/dev/null"),
    ) else {
        // Whoever cannot ask will be told by the first read.
        return false;
    };
    flags.contains(OFlags::RDWR) && stat.st_rdev == null.rdev() && stat.st_ino == null.ino()
}

#[cfg(not(unix))]
pub(crate) fn stdin_was_closed() -> bool {
    false
}
