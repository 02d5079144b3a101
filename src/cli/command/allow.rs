//! `git frisk allow`: writes exceptions into `.friskignore`.

use std::collections::BTreeSet;
use std::fs;
use std::fs::File;
use std::io;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;
use anyhow::bail;
use git_frisk::git::Opener;
use git_frisk::key_id::KeyId;
use git_frisk::matcher::Matcher;
use git_frisk::policy::exception;
use git_frisk::policy::exception::Exceptions;
use git_frisk::report::Verdict;
use git_frisk::reporter::page::Page;
use git_frisk::rule::RuleSet;
use git_frisk::scan::Redactor;
use git_frisk::source::project;
use git_frisk::source::project::Project;
use git_frisk::source::project::Version;

use crate::cli::args::Options;
use crate::cli::command::scan;
use crate::cli::config::Plan;
use crate::cli::output;

/// Which keys to allow.
#[derive(Debug)]
pub(crate) enum Which {
    /// Those with these ids, as they were given.
    Named(Vec<String>),
    /// All that stand in the worktree.
    Standing {
        /// Whether warnings count.
        strict: bool,
    },
}

/// Writes exceptions.
pub(crate) fn run(which: &Which, reason: &str, opener: &Opener) -> anyhow::Result<Verdict> {
    let matcher = Matcher::new(RuleSet::all_built_in())?;
    let redactor = Redactor::new(&matcher);
    check_reason(reason, redactor)?;
    let keys = match which {
        Which::Named(given) => named(given)?,
        Which::Standing { strict } => standing(*strict, opener)?,
    };
    let project = Project::open(opener, Version::Worktree)?;
    let Some(top) = project.top() else {
        bail!(
            "the repository is bare: it has no worktree to write {} in",
            exception::FILE
        );
    };
    let file = top.join(exception::FILE);
    let _lock = Lock::new(top)?;
    let shown = || file.display().to_string();
    let content = project::read_file(&file, exception::MAX_FILE)
        .with_context(shown)?
        // There need not be such a file yet; what cannot be read was an error above.
        .unwrap_or_default();
    let (known, malformed) = Exceptions::of_file(&content);
    if let Some(line) = malformed.first() {
        return Err(*line).with_context(|| format!("{}, which was not changed", shown()));
    }
    let mut page = Page::new(false);
    let mut new = Vec::new();
    for key in keys {
        match known.get(key) {
            None => new.push(key),
            Some(entry) if matches!(which, Which::Named(_)) => page
                .text(format_args!(
                    "{key} is allowed already, by line {} of {}",
                    entry.line,
                    exception::FILE
                ))
                .end(),
            Some(_) => {}
        }
    }
    if !new.is_empty() {
        let content = exception::append(&content, &new, reason);
        write(&file, &content).with_context(|| format!("writing {}", shown()))?;
        let (ids, next) = match &new[..] {
            [key] => (key.to_string(), "it"),
            keys => (format!("{} keys", keys.len()), "them"),
        };
        page.text(format_args!(
            "allowed {ids} in {}; to let {next} pass in commits, `git add` the file and commit it",
            exception::FILE
        ))
        .end();
    } else if matches!(which, Which::Standing { .. }) {
        page.text("no finding stands: nothing to allow").end();
    }
    output::to_stdout(page, redactor)?;
    Ok(Verdict::Clean)
}

/// Refuses a reason that would be more than one line, or would bring in a key.
fn check_reason(reason: &str, redactor: Redactor<'_>) -> anyhow::Result<()> {
    if reason.trim().is_empty() {
        bail!("--reason is empty: say why the key may stand");
    }
    if reason.chars().any(char::is_control) {
        bail!("--reason has to be one line without control characters");
    }
    if redactor.bytes(reason.as_bytes()) != reason.as_bytes() {
        bail!("--reason holds a key: say in words why it may stand");
    }
    Ok(())
}

/// The ids that were given. What is none is not shown: it may be the key.
fn named(given: &[String]) -> anyhow::Result<BTreeSet<KeyId>> {
    let mut keys = BTreeSet::new();
    for (index, text) in given.iter().enumerate() {
        let text = text.strip_prefix("frisk:").unwrap_or(text);
        let key = text.parse::<KeyId>().with_context(|| {
            format!(
                "argument {} is no key id, and is not shown since it may be a key; every finding names its \
                 `key`, and for one at hand it is what this begins with: printf %s \"$KEY\" | sha256sum",
                index + 1
            )
        })?;
        keys.insert(key);
    }
    Ok(keys)
}

/// The keys that stand in the worktree.
fn standing(strict: bool, opener: &Opener) -> anyhow::Result<BTreeSet<KeyId>> {
    let options = Options {
        strict,
        ..Options::default()
    };
    let plan = Plan::new(Version::Worktree, &options, opener)?;
    let Some(top) = plan.project.as_ref().and_then(Project::top) else {
        bail!("there is no worktree to scan");
    };
    let what = scan::What::Files {
        paths: vec![top.to_owned()],
        no_ignore: false,
        max_filesize: None,
    };
    let report = scan::report(&what, &plan, &options, opener, None)?;
    if !report.errors.is_empty() {
        let redactor = Redactor::new(&plan.matcher);
        scan::tell_errors(&report, redactor);
        bail!(
            "not everything was scanned, so {} was not changed",
            exception::FILE
        );
    }
    Ok(report
        .standing()
        .map(|finding| finding.hit.key_id)
        .collect())
}

/// Replaces a file at once, so that nobody reads half of it.
fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let mode = match fs::metadata(path) {
        Ok(metadata) => Some(metadata.permissions()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let new = lock_of(path);
    let mut file = File::options().write(true).truncate(true).open(&new)?;
    file.write_all(content)?;
    if let Some(mode) = mode {
        file.set_permissions(mode)?;
    }
    file.sync_all()?;
    fs::rename(&new, path)
}

/// Where the new content goes first, as git does it with its own files.
fn lock_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

/// Keeps another process from changing the file meanwhile.
struct Lock(PathBuf);

impl Lock {
    fn new(top: &Path) -> anyhow::Result<Self> {
        let path = lock_of(&top.join(exception::FILE));
        match File::options().write(true).create_new(true).open(&path) {
            Ok(_) => Ok(Self(path)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => bail!(
                "{} is there: another `git frisk allow` is at work, or was ended; then remove it",
                path.display()
            ),
            Err(error) => Err(error).with_context(|| format!("making {}", path.display())),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // It is gone already if it became the file.
        let _: io::Result<()> = fs::remove_file(&self.0);
    }
}
