//! `git frisk scan`, `staged` and `history`: scan, report, tell how it ended.

use std::env;
use std::io;
use std::mem::ManuallyDrop;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;
use git_frisk::finding::SuppressedBy;
use git_frisk::git::Opener;
use git_frisk::git::index::Ahead;
use git_frisk::policy::exclude::Exclude;
use git_frisk::report::Remark;
use git_frisk::report::Report;
use git_frisk::report::Verdict;
use git_frisk::reporter;
use git_frisk::reporter::Format;
use git_frisk::reporter::page::Page;
use git_frisk::rule::RuleSet;
use git_frisk::scan;
use git_frisk::scan::Redactor;
use git_frisk::scan::Scan;
use git_frisk::scan::text::Text;
use git_frisk::source::history;
use git_frisk::source::project::Project;
use git_frisk::source::project::Version;
use git_frisk::source::staged;
use git_frisk::source::worktree;

use crate::cli;
use crate::cli::args::FormatName;
use crate::cli::args::Options;
use crate::cli::config::Extent;
use crate::cli::config::Plan;
use crate::cli::output;
use crate::cli::progress::Shown;

/// Errors, and left-out paths, that are named on standard error; of more, only their number.
const NAMED: usize = 100;
/// Left-out paths that are named without `-v`.
const NAMED_BRIEFLY: usize = 10;

/// What is to be scanned.
#[derive(Debug)]
pub(crate) enum What {
    Files {
        paths: Vec<PathBuf>,
        no_ignore: bool,
        max_filesize: Option<u64>,
    },
    Staged(staged::Selection),
    History(history::Selection),
    /// Texts on their way; who asked reads the report on standard error.
    Texts {
        texts: Vec<Text>,
        /// Which version of the repository's own files counts.
        version: Version,
    },
}

impl What {
    /// Which version of the repository's own files counts: what a commit is judged by is part of
    /// it.
    fn version(&self) -> Version {
        match self {
            Self::Files { .. } => Version::Worktree,
            Self::Texts { version, .. } => *version,
            Self::Staged(_) => Version::Index,
            Self::History(_) => Version::Head,
        }
    }

    /// Whether all is scanned that an exception can be for.
    fn extent(&self, project: Option<&Project>) -> Extent {
        let is_top = |path: &PathBuf| {
            let top = project.and_then(Project::top).map(Path::canonicalize);
            matches!((top, path.canonicalize()), (Some(Ok(top)), Ok(path)) if top == path)
        };
        match self {
            Self::Files { paths, .. } if paths.iter().any(is_top) => Extent::Files,
            Self::Staged(staged::Selection::Everything) => Extent::Files,
            Self::History(history::Selection::Everything) => Extent::History,
            _ => Extent::Part,
        }
    }
}

/// Scans, and writes the report.
pub(crate) fn run(what: &What, options: &Options, opener: &Opener) -> anyhow::Result<Verdict> {
    let ahead = match what {
        // Beside all that is done before the index is read.
        What::Staged(_) => opener.probable_index().as_deref().and_then(Ahead::begin),
        What::Files { .. } | What::History(_) | What::Texts { .. } => None,
    };
    // The system takes memory back at once, and this would be piece by piece.
    let plan = ManuallyDrop::new(Plan::new(what.version(), options, opener)?);
    let redactor = Redactor::new(&plan.matcher);
    let report = report(what, &plan, options, opener, ahead)?;
    let written = write(
        &report,
        plan.format,
        plan.matcher.rules(),
        options,
        matches!(what, What::Texts { .. }),
        redactor,
    );
    summary(&report, options, redactor);
    let verdict = report.verdict();
    match written {
        Ok(()) => Ok(verdict),
        // `| head` has seen enough; what it did not see does not change what was found.
        Err(error) if is_broken_pipe(&error) && verdict == Verdict::Findings => Ok(verdict),
        Err(error) => Err(error),
    }
}

/// Scans; the checksum of the index may have been begun.
pub(crate) fn report(
    what: &What,
    plan: &Plan,
    options: &Options,
    opener: &Opener,
    ahead: Option<Ahead>,
) -> anyhow::Result<Report> {
    let is_short = matches!(what, What::Staged(staged::Selection::Changed));
    cli::stop_on_signals(&plan.settings.cancel, is_short);
    let scan = Scan::new(&plan.matcher, &plan.settings);
    plan.tell(&scan);
    // A commit is not kept waiting for a thread that has nothing to show.
    let takes_long = matches!(what, What::Files { .. } | What::History(_));
    let shown = (takes_long && !options.quiet).then(|| Shown::begin(scan.progress()));
    match what {
        What::Files {
            paths,
            no_ignore,
            max_filesize,
        } => {
            let (stdin, files): (Vec<_>, Vec<_>) = paths
                .iter()
                .cloned()
                .partition(|path| path == Path::new("-"));
            if !stdin.is_empty() {
                match output::trouble(&io::stdin(), false) {
                    Some(trouble) => scan.failed(None, format_args!("standard input {trouble}")),
                    None => scan::stdin::scan(&scan, &mut io::stdin().lock()),
                }
            }
            let walk = worktree::Options {
                no_ignore: *no_ignore,
                max_filesize: *max_filesize,
                exclude: Exclude::new(&options.exclude).context("--exclude")?,
                configured: plan.configured()?,
            };
            scan::worktree::scan(&scan, &files, &walk);
        }
        What::Staged(selection) => {
            let scanned = match plan.project.as_ref().and_then(Project::repository) {
                Some(repository) => {
                    scan::staged::scan_in(&scan, opener, repository, *selection, ahead)
                }
                None => scan::staged::scan(&scan, opener, *selection),
            };
            match scanned {
                Ok(()) => plan.tell_unopened(&scan),
                Err(error) => scan.failed(None, &error),
            }
        }
        What::History(selection) => match scan::history::scan(&scan, opener, selection) {
            Ok(()) => plan.tell_unopened(&scan),
            Err(error) => scan.failed(None, &error),
        },
        What::Texts { texts, .. } => {
            plan.tell_unopened(&scan);
            for text in texts {
                scan::text::scan(&scan, text);
            }
        }
    }
    drop(shown);
    let mut report = scan.finish();
    let extent = what.extent(plan.project.as_ref());
    plan.allow(&mut report, options, extent);
    Ok(report)
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<io::Error>()
        .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// Writes the report to where it belongs.
fn write(
    report: &Report,
    format: FormatName,
    rules: &RuleSet,
    options: &Options,
    on_stderr: bool,
    redactor: Redactor<'_>,
) -> anyhow::Result<()> {
    let format = match format {
        FormatName::Human => Format::Human,
        FormatName::Short => Format::Short,
        FormatName::Json => Format::Json,
        FormatName::Jsonl => Format::Jsonl,
        FormatName::Sarif => Format::Sarif,
        FormatName::Github => Format::Github,
        FormatName::Gitlab => Format::Gitlab,
        FormatName::Junit => Format::Junit,
    };
    let page = |format, colour| {
        let mut page = Page::new(colour);
        reporter::write(report, rules, format, &mut page);
        page
    };
    if let Some(path) = &options.output {
        let written = output::to_file(page(format, false), redactor, path);
        // Also where the report is lost.
        if !options.quiet {
            let colour = output::colour_stderr(options.color);
            output::to_stderr(page(Format::Human, colour), redactor);
        }
        written.with_context(|| format!("writing the report to {}", path.display()))?;
    } else if on_stderr && !options.quiet {
        let page = page(format, output::colour_stderr(options.color));
        output::to_stderr(page, redactor);
    } else if !options.quiet {
        let page = page(format, output::colour_stdout(options.color));
        output::to_stdout(page, redactor).context("writing the report")?;
    }
    if format == Format::Github
        && !options.quiet
        && let Some(path) = env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty())
    {
        let mut page = Page::new(false);
        reporter::summary(report, rules, &mut page);
        output::append(page, redactor, Path::new(&path))
            .context("writing the summary of the job, to GITHUB_STEP_SUMMARY")?;
    }
    Ok(())
}

/// Says on standard error what was not scanned, and what it all comes to. Nothing if it was clean.
fn summary(report: &Report, options: &Options, redactor: Redactor<'_>) {
    let mut page = Page::new(output::colour_stderr(options.color));
    remarks(&mut page, "error: ", &report.errors, NAMED);
    if !options.quiet {
        if options.verbose {
            remarks(&mut page, "note: ", &report.notes, usize::MAX);
        }
        let named = if options.verbose {
            usize::MAX
        } else {
            NAMED_BRIEFLY
        };
        let left_out: Vec<Remark> = report
            .skipped
            .iter()
            .filter(|skipped| options.verbose || skipped.reason != worktree::NOT_A_FILE)
            .cloned()
            .collect();
        remarks(&mut page, "left out: ", &left_out, named);
        remarks(&mut page, "note: ", &report.unused, named);
        last_line(report, options, left_out.len(), &mut page);
    }
    output::to_stderr(page, redactor);
}

/// Says on standard error what was not scanned.
pub(crate) fn tell_errors(report: &Report, redactor: Redactor<'_>) {
    let mut page = Page::new(false);
    remarks(&mut page, "error: ", &report.errors, NAMED);
    output::to_stderr(page, redactor);
}

fn remarks(page: &mut Page, word: &str, remarks: &[Remark], most: usize) {
    for remark in remarks.iter().take(most) {
        page.text(word);
        if let Some(place) = &remark.place {
            page.text(place).text(": ");
        }
        page.text(&remark.reason).end();
    }
    if remarks.len() > most {
        page.text(format_args!("{word}… and {} more", remarks.len() - most))
            .end();
    }
}

fn last_line(report: &Report, options: &Options, left_out: usize, page: &mut Page) {
    let mut parts = Vec::new();
    let shown = report.shown().count();
    if shown > 0 {
        let keys: std::collections::BTreeSet<_> = report.shown().map(|f| f.hit.key_id).collect();
        parts.push(format!(
            "{} found in {}",
            count(keys.len(), "secret"),
            count(shown, "place")
        ));
    }
    if report.allowed() > 0 {
        let allowed = count(report.allowed(), "finding");
        parts.push(format!("{allowed} allowed{}", by_what(report)));
    }
    if left_out > 0 {
        parts.push(format!(
            "{} left out or not opened",
            count(left_out, "path")
        ));
    }
    match report.verdict() {
        Verdict::Incomplete => parts.push("not everything was scanned".to_owned()),
        Verdict::Clean if shown > 0 => parts.push("only warnings".to_owned()),
        Verdict::Clean | Verdict::Findings => {}
    }
    if options.verbose {
        parts.push(format!(
            "scanned {}, {} bytes in {:.3} s",
            count(
                usize::try_from(report.stats.items).unwrap_or(usize::MAX),
                "item"
            ),
            report.stats.bytes,
            report.stats.elapsed.as_secs_f64()
        ));
    }
    if !parts.is_empty() {
        page.text("git-frisk: ").text(parts.join("; ")).end();
    }
}

/// What allows findings, where it is not only comments beside them.
fn by_what(report: &Report) -> String {
    let by = |by: SuppressedBy| {
        let reasons = report
            .findings
            .iter()
            .filter_map(|f| f.hit.suppressed.as_ref());
        reasons.filter(|reason| reason.by == by).count()
    };
    let ways = [
        (by(SuppressedBy::Inline), "inline"),
        (by(SuppressedBy::IgnoreFile), "by .friskignore"),
        (by(SuppressedBy::Environment), "by FRISK_ALLOW"),
    ];
    if ways[0].0 == report.allowed() {
        return String::new();
    }
    let used = ways.iter().filter(|(number, _)| *number > 0);
    let used: Vec<String> = used
        .map(|(number, way)| format!("{number} {way}"))
        .collect();
    format!(" ({})", used.join(", "))
}

fn count(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}
