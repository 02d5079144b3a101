//! The command line: from arguments to an exit status.

mod args;
mod command;
mod output;

use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;
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

/// Runs the program.
pub(crate) fn run() -> ExitCode {
    quiet_panics();
    let Ok(matcher) = Matcher::new(RuleSet::built_in()) else {
        return status(Verdict::Incomplete);
    };
    let redactor = Redactor::new(&matcher);
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error, redactor),
    };
    match execute(cli) {
        Ok(verdict) => status(verdict),
        Err(error) => {
            tell_error(&format!("{error:#}"), redactor);
            status(Verdict::Incomplete)
        }
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
fn status(verdict: Verdict) -> ExitCode {
    ExitCode::from(match verdict {
        Verdict::Clean => 0,
        Verdict::Findings => 1,
        Verdict::Incomplete => 2,
    })
}

/// Help goes to standard output and is no error; anything else the parser says is one.
fn usage(error: &clap::Error, redactor: Redactor<'_>) -> ExitCode {
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

/// The rules of the program and those of files.
fn matcher(files: &[PathBuf]) -> anyhow::Result<Matcher> {
    let mut rules = RuleSet::built_in();
    for file in files {
        rules.load(file)?;
    }
    Matcher::new(rules).context("the rules' keywords are too many")
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

/// Turns SIGINT, SIGTERM and SIGHUP into a cancelled scan. One that does not stop in time, since
/// it waits for input, is ended here.
fn stop_on_signals(cancel: &Cancel) {
    let cancel = cancel.clone();
    let handler = move || {
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
    };
    // Without a handler a signal ends the process, and its status says so.
    let _: Result<(), ctrlc::Error> = ctrlc::set_handler(handler);
}
