//! The command line: from arguments to an exit status.

mod args;
mod command;
mod config;
mod install;
mod output;
mod progress;

use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser as _;
use git_frisk::git::Opener;
use git_frisk::matcher::Matcher;
use git_frisk::report::Verdict;
use git_frisk::reporter::page::Page;
use git_frisk::rule::RuleSet;
use git_frisk::scan::Cancel;
use git_frisk::scan::Redactor;

use crate::cli::args::Cli;

/// How long a scan that was interrupted may take to say so itself.
const GRACE: Duration = Duration::from_millis(700);

/// Bytes of stack, whatever `ulimit -s` leaves the main thread.
const STACK: usize = 8 << 20;
/// The exit status after a panic, which has said where it happened.
pub(crate) const PANICKED: u8 = 2;

/// Runs the program with enough stack; says its exit status.
pub(crate) fn start() -> u8 {
    end_aborts_with_status();
    if has_stack() {
        return run();
    }
    match std::thread::Builder::new().stack_size(STACK).spawn(run) {
        Ok(thread) => thread.join().unwrap_or(PANICKED),
        // No thread to be had: what stack there is may do.
        Err(_) => run(),
    }
}

/// Makes what ends the process at once, such as memory that is not to be had, which is said, end it
/// with the status of what is incomplete.
#[cfg(unix)]
fn end_aborts_with_status() {
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    use signal_hook::consts::SIGABRT;
    use signal_hook::flag;

    let always = Arc::new(AtomicBool::new(true));
    // Where a handler cannot be had, the status is that of a process that a signal ended.
    let _: io::Result<signal_hook::SigId> =
        flag::register_conditional_shutdown(SIGABRT, PANICKED.into(), always);
}

#[cfg(not(unix))]
fn end_aborts_with_status() {}

/// Refuses to begin where a standard stream is closed and nothing can take its place: the next file
/// would be taken for it.
#[cfg(all(target_os = "linux", target_env = "gnu", not(test)))]
pub(crate) fn without_streams() -> u8 {
    failed("a standard stream is closed, and /dev/null cannot be opened to take its place")
}

/// Whether the main thread may use as much itself; another one costs a tenth of a scan.
#[cfg(target_os = "linux")]
fn has_stack() -> bool {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Stack);
    limit.current.is_none_or(|bytes| bytes >= STACK as u64)
}

#[cfg(not(target_os = "linux"))]
fn has_stack() -> bool {
    false
}

/// Runs the program; says its exit status.
fn run() -> u8 {
    quiet_panics();
    if let Some(argument) = option_like_range() {
        let cure = "to give a value to an option, write it as a word of its own";
        return failed(&format!(
            "`{argument}` is no revision, since it begins with `-`; {cure}"
        ));
    }
    match Cli::try_parse().map(execute) {
        Ok(Ok(verdict)) => status(verdict),
        Ok(Err(error)) => failed(&format!("{error:#}")),
        Err(error) => redacted(|redactor| usage(&error, redactor)),
    }
}

/// Says an error.
fn failed(message: &str) -> u8 {
    redacted(|redactor| {
        tell_error(message, redactor);
        status(Verdict::Incomplete)
    })
}

/// Says something with what masks the secrets of the built-in rules, which is made for it: most
/// runs need none but the one they scan with.
fn redacted(say: impl FnOnce(Redactor<'_>) -> u8) -> u8 {
    match Matcher::new(RuleSet::built_in()) {
        Ok(matcher) => say(Redactor::new(&matcher)),
        // Nothing can be masked, so nothing is said but by the status.
        Err(_) => status(Verdict::Incomplete),
    }
}

fn execute(cli: Cli) -> anyhow::Result<Verdict> {
    for directory in &cli.directory {
        std::env::set_current_dir(directory)
            .with_context(|| format!("cannot change to {}", directory.display()))?;
    }
    let opener = if cli.directory.is_empty() {
        Opener::Environment
    } else {
        Opener::From(PathBuf::from("."))
    };
    command::run(cli.command, &opener)
}

/// The verdict as an exit status.
fn status(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Clean => 0,
        Verdict::Findings => 1,
        Verdict::Incomplete => 2,
    }
}

/// Help goes to standard output and is no error; anything else the parser says is one.
fn usage(error: &clap::Error, redactor: Redactor<'_>) -> u8 {
    let mut page = Page::new(false);
    // As it is: taking escape sequences out could cut a key so that it is not recognized.
    for line in error.render().ansi().to_string().lines() {
        page.text(line).end();
    }
    if error.use_stderr() {
        output::to_stderr(page, redactor);
        return status(Verdict::Incomplete);
    }
    match output::to_stdout(page, redactor) {
        Ok(()) => status(Verdict::Clean),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => status(Verdict::Clean),
        Err(error) => {
            tell_error(&format!("writing the help: {error}"), redactor);
            status(Verdict::Incomplete)
        }
    }
}

fn tell_error(message: &str, redactor: Redactor<'_>) {
    let mut page = Page::new(false);
    page.text("error: ").text(message).end();
    output::to_stderr(page, redactor);
}

/// Finds what the rules of the program are for, where nothing is scanned.
fn matcher() -> anyhow::Result<Matcher> {
    Matcher::new(RuleSet::built_in()).context("the rules' keywords are too many")
}

/// A panic's own message may hold scanned text, so only its place is told. The item that it cost
/// is named by the scan.
fn quiet_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let mut page = Page::new(false);
        page.text("internal error");
        if let Some(location) = panic.location() {
            let file = Path::new(location.file()).display();
            page.text(format_args!(" at {file}:{}", location.line()));
        }
        page.text("; please report it").end();
        let text = page.into_text();
        // There is nobody left to tell of a failure.
        let _: io::Result<()> = io::Write::write_all(&mut io::stderr().lock(), text.as_bytes());
    }));
}

/// Turns SIGINT, SIGTERM and SIGHUP into a cancelled scan, and SIGXFSZ into a failed write.
///
/// A scan that does not stop in time, since it waits for input, is ended by a thread. One that
/// `is_short` waits for none, and does not wait for a thread to start either: a second signal ends
/// it.
#[cfg(unix)]
fn stop_on_signals(cancel: &Cancel, is_short: bool) {
    use signal_hook::consts::SIGHUP;
    use signal_hook::consts::SIGINT;
    use signal_hook::consts::SIGTERM;
    use signal_hook::consts::SIGXFSZ;
    use signal_hook::flag;

    const STOPPING: [i32; 3] = [SIGINT, SIGTERM, SIGHUP];

    // Where a handler cannot be had, a signal ends the process, and its status says so.
    let unheeded = std::sync::Arc::default();
    let _: io::Result<signal_hook::SigId> = flag::register(SIGXFSZ, unheeded);
    if is_short {
        for signal in STOPPING {
            let stopped = cancel.flag();
            // As above.
            let _: io::Result<signal_hook::SigId> =
                flag::register_conditional_shutdown(signal, 2, stopped)
                    .and_then(|_| flag::register(signal, cancel.flag()));
        }
        return;
    }
    let Ok(mut signals) = signal_hook::iterator::Signals::new(STOPPING) else {
        return;
    };
    let cancel = cancel.clone();
    let wait = move || {
        if signals.forever().next().is_some() {
            cancel.cancel();
            std::thread::sleep(GRACE);
            let mut page = Page::new(false);
            page.text("error: interrupted: not everything was scanned")
                .end();
            let text = page.into_text();
            // There is nobody left to tell of a failure.
            let _: io::Result<()> = io::Write::write_all(&mut io::stderr().lock(), text.as_bytes());
            #[expect(clippy::exit, reason = "the main thread waits for input and cannot")]
            std::process::exit(2);
        }
    };
    // Without the thread a signal ends the process as it does all others.
    let _: io::Result<std::thread::JoinHandle<()>> = std::thread::Builder::new()
        .stack_size(256 << 10)
        .spawn(wait);
}

#[cfg(not(unix))]
fn stop_on_signals(_cancel: &Cancel, _is_short: bool) {}

/// An argument of `history` that looks like an option with a range in it. A revision is never taken
/// for an option, and an option should not eat one.
fn option_like_range() -> Option<String> {
    let arguments: Vec<String> = std::env::args_os()
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    let history = arguments
        .iter()
        .position(|argument| argument == "history")?;
    arguments[history..]
        .iter()
        .take_while(|argument| *argument != "--")
        .find(|argument| argument.starts_with('-') && holds_range(argument))
        .cloned()
}

/// Whether `..` stands in a text other than in a path.
fn holds_range(text: &str) -> bool {
    text.match_indices("..").any(|(at, _)| {
        let bytes = text.as_bytes();
        let before = at.checked_sub(1).map(|before| bytes[before]);
        before != Some(b'/') && bytes.get(at + 2) != Some(&b'/')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_and_paths() {
        assert!(holds_range("--output=x..HEAD"));
        assert!(holds_range("-h..HEAD"));
        assert!(!holds_range("--output=../x"));
        assert!(!holds_range("--strict"));
    }
}
