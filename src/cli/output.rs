//! The way out of the process: nothing is written but through here, masked once more.

use std::io;
use std::io::Write as _;

use git_frisk::reporter::page::Page;
use git_frisk::scan::Redactor;

use crate::cli::args::ColorWhen;

/// Writes a page to standard output.
pub(crate) fn to_stdout(page: Page, redactor: Redactor<'_>) -> io::Result<()> {
    bytes_to_stdout(page.into_text().as_bytes(), redactor)
}

/// Writes to standard output what is for a program, such as a script.
pub(crate) fn bytes_to_stdout(bytes: &[u8], redactor: Redactor<'_>) -> io::Result<()> {
    let text = redactor.bytes(bytes);
    if text.is_empty() {
        return Ok(());
    }
    if let Some(trouble) = trouble(&io::stdout(), true) {
        // Nobody reads it, as with a broken pipe.
        let kind = io::ErrorKind::BrokenPipe;
        return Err(io::Error::new(kind, format!("standard output {trouble}")));
    }
    let mut out = io::stdout().lock();
    out.write_all(&text)?;
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

/// Writes a page to the end of a file, which is made if it is not there.
pub(crate) fn append(page: Page, redactor: Redactor<'_>, path: &std::path::Path) -> io::Result<()> {
    std::fs::File::options()
        .append(true)
        .create(true)
        .open(path)?
        .write_all(&redactor.bytes(page.into_text().as_bytes()))
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

/// Why a standard stream cannot do what is wanted of it.
///
/// The runtime hides it: it takes a descriptor that cannot be read or written for one that is at its
/// end. What was closed when the process began was replaced by `/dev/null`: open the wrong way round
/// by our own `main`; for both ways by Rust's library, as some callers give it too.
#[cfg(unix)]
pub(crate) fn trouble(
    stream: &(impl io::IsTerminal + std::os::fd::AsFd),
    write: bool,
) -> Option<&'static str> {
    use std::os::unix::fs::MetadataExt as _;

    use rustix::fs::OFlags;

    let (Ok(flags), Ok(stat)) = (rustix::fs::fcntl_getfl(stream), rustix::fs::fstat(stream)) else {
        return Some("cannot be used");
    };
    let wrong = if write {
        OFlags::RDONLY
    } else {
        OFlags::WRONLY
    };
    let mode = flags & OFlags::RWMODE;
    let is_null = || {
        std::fs::metadata("/dev/null")
            .is_ok_and(|null| (stat.st_rdev, stat.st_ino) == (null.rdev(), null.ino()))
    };
    // There it is known; elsewhere it is the safe side.
    let knows = cfg!(all(target_os = "linux", target_env = "gnu"));
    if mode == wrong {
        Some(if is_null() {
            "is closed"
        } else {
            "is open the wrong way round"
        })
    } else {
        (!knows && mode == OFlags::RDWR && is_null()).then_some("is closed")
    }
}

#[cfg(not(unix))]
pub(crate) fn trouble(_stream: &impl io::IsTerminal, _write: bool) -> Option<&'static str> {
    None
}

/// Whether a stream is a device: a terminal, or `/dev/null`.
#[cfg(unix)]
pub(crate) fn is_device(stream: &impl std::os::fd::AsFd) -> bool {
    rustix::fs::fstat(stream).is_ok_and(|stat| {
        rustix::fs::FileType::from_raw_mode(stat.st_mode) == rustix::fs::FileType::CharacterDevice
    })
}

#[cfg(not(unix))]
pub(crate) fn is_device(stream: &impl io::IsTerminal) -> bool {
    stream.is_terminal()
}
