//! What counts for a scan: the command line, before git's configuration, before `.frisk.toml`.

use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;
use anyhow::anyhow;
use clap::ValueEnum as _;
use git_frisk::finding::SuppressedBy;
use git_frisk::git::GitError;
use git_frisk::git::Opener;
use git_frisk::matcher::Matcher;
use git_frisk::policy::config;
use git_frisk::policy::config::Config;
use git_frisk::policy::exception;
use git_frisk::policy::exception::Exceptions;
use git_frisk::policy::exclude::Anchored;
use git_frisk::policy::exclude::Exclude;
use git_frisk::report::Remark;
use git_frisk::report::Report;
use git_frisk::rule::RuleSet;
use git_frisk::rule::load;
use git_frisk::scan::Cancel;
use git_frisk::scan::Redactor;
use git_frisk::scan::Scan;
use git_frisk::scan::Settings;
use git_frisk::source::project;
use git_frisk::source::project::Project;
use git_frisk::source::project::Version;
use git_frisk::text::escape;
use git2::ErrorClass;

use crate::cli::args::FormatName;
use crate::cli::args::Options;

/// Names key ids that are allowed this once.
const VARIABLE: &str = "FRISK_ALLOW";
/// What remarks call git's configuration.
const GIT_CONFIG: &str = "git config";
/// The keys that git's configuration may have for us, in lower case, as git gives them.
const GIT_KEYS: [&str; 5] = ["exclude", "format", "rules", "strict", "threads"];
/// Lines of a file of exceptions that are named, if they are wrong.
const NAMED: usize = 10;

/// All that a scan goes by.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Finds what is looked for.
    pub(crate) matcher: Matcher,
    /// What is the same for every source.
    pub(crate) settings: Settings,
    /// The form of the report.
    pub(crate) format: FormatName,
    /// Where the files are that this came from; `None` if there is no repository to scan.
    pub(crate) project: Option<Project>,
    /// What the configuration leaves out, from the top of the worktree.
    exclude: Vec<String>,
    troubles: Vec<Trouble>,
    /// Why no configuration was looked for.
    unread: Option<String>,
    /// Why the repository that is to be scanned could not be opened to look for one.
    unopened: Option<String>,
}

/// Something that is wrong with a file, a variable or git's configuration. The scan goes on without
/// it, and is incomplete.
#[derive(Debug)]
struct Trouble {
    place: String,
    reason: String,
}

/// How much is scanned of what exceptions can be for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Some of it: nothing can be told of what it has no key for.
    Part,
    /// All files as they are now.
    Files,
    /// All commits.
    History,
}

impl Plan {
    /// Puts together what counts. What is wrong on the command line is an error; what is wrong in
    /// the repository is told by the scan, which goes on without it.
    pub(crate) fn new(
        version: Version,
        options: &Options,
        opener: &Opener,
    ) -> anyhow::Result<Self> {
        let mut troubles = Vec::new();
        let mut unopened = None;
        let (project, unread) = match Project::open(opener, version) {
            Ok(project) => (Some(project), None),
            // There may be rules that would count.
            Err(error) if version == Version::Worktree && may_have_rules(&error) => {
                let reason = format!("cannot be looked for: {error}");
                troubles.push(Trouble::new(config::FILE, reason));
                (None, None)
            }
            Err(error) if version == Version::Worktree => (None, Some(error.to_string())),
            // The scan opens it once more, and says why it cannot.
            Err(error) => {
                unopened = Some(error.to_string());
                (None, None)
            }
        };
        let own = git_config(project.as_ref(), &mut troubles);
        let config = match &options.config {
            Some(file) => named_config(file)?,
            None => project.as_ref().map_or_else(Config::default, |project| {
                found_config(project, &mut troubles)
            }),
        };
        // What was asked for has to be well; what was found is told, and the scan goes on.
        let mut blame = |error: anyhow::Error| {
            if let Some(file) = &options.config {
                return Err(error.context(file.display().to_string()));
            }
            troubles.push(Trouble::new(config::FILE, format!("{error:#}")));
            Ok(())
        };
        let mut rules = if options.all_rules || config.all_rules == Some(true) {
            RuleSet::all_built_in()
        } else {
            RuleSet::built_in()
        };
        for file in &options.rules {
            rules.load(file)?;
        }
        for file in &config.rules {
            let base = options.config.as_deref().and_then(Path::parent);
            let loaded = match (base, &project) {
                (Some(base), _) => rules.load(&base.join(file)).map_err(Into::into),
                (None, Some(project)) => load_rules(&mut rules, project, file),
                (None, None) => Ok(()),
            };
            loaded.or_else(&mut blame)?;
        }
        let levels = config.set_levels(&mut rules);
        levels.or_else(|error| blame(error.into()))?;
        // What is wrong is said, also where something else counts.
        let format = config.format.as_deref().map(format_named).transpose();
        let format = format.or_else(|error| blame(error).map(|()| None))?;
        for file in &own.rules {
            if let Err(error) = rules.load(file) {
                troubles.push(Trouble::new(GIT_CONFIG, format!("{:#}", anyhow!(error))));
            }
        }
        let exclude = joined(config.exclude, own.exclude, &mut troubles);
        let all = [&exclude[..], &options.exclude].concat();
        Ok(Self {
            matcher: Matcher::new(rules).context("the rules' keywords are too many")?,
            settings: Settings {
                exceptions: !options.no_allow,
                foreign_markers: config.compat == Some(true),
                strict: options.strict || own.strict.or(config.strict) == Some(true),
                explain: options.verbose,
                threads: match options.threads {
                    0 => own.threads.unwrap_or(0),
                    threads => threads,
                },
                exclude: Exclude::new(&all).context("--exclude")?,
                cancel: Cancel::default(),
            },
            format: (options.format.or(own.format).or(format)).unwrap_or(FormatName::Human),
            project,
            exclude,
            troubles,
            unread,
            unopened,
        })
    }

    /// What the configuration leaves out of a scan of files.
    pub(crate) fn configured(&self) -> anyhow::Result<Anchored> {
        let top = self.project.as_ref().and_then(Project::top);
        let (Some(top), false) = (top, self.exclude.is_empty()) else {
            return Ok(Anchored::nothing());
        };
        match (top.canonicalize(), std::env::current_dir()) {
            (Ok(top), Ok(here)) => Ok(Anchored::new(Exclude::new(&self.exclude)?, top, here)),
            // Where nothing can be placed, nothing is left out.
            _ => Ok(Anchored::nothing()),
        }
    }

    /// Tells a scan what of the configuration does not count.
    pub(crate) fn tell(&self, scan: &Scan<'_>) {
        for Trouble { place, reason } in &self.troubles {
            scan.failed(Some(place.as_bytes()), reason);
        }
        if let Some(reason) = &self.unread {
            let reason = format!("was not looked for: {reason}");
            scan.passed_over(config::FILE.as_bytes(), reason);
        }
    }

    /// What of the configuration does not count, and why, where nothing is scanned.
    pub(crate) fn troubles(&self) -> impl Iterator<Item = String> {
        let troubles = self.troubles.iter();
        troubles.map(|trouble| format!("{}: {}", trouble.place, trouble.reason))
    }

    /// Tells that the repository could be opened for the scan and not for its configuration, which
    /// may have named rules.
    pub(crate) fn tell_unopened(&self, scan: &Scan<'_>) {
        if let Some(reason) = &self.unopened {
            let reason = format!("cannot be looked for: {reason}");
            scan.failed(Some(config::FILE.as_bytes()), reason);
        }
    }

    /// Marks what the exceptions by key allow, and names those that are not used any more.
    pub(crate) fn allow(&self, report: &mut Report, options: &Options, extent: Extent) {
        if options.no_allow {
            return;
        }
        let redactor = Redactor::new(&self.matcher);
        let show = |reason: &[u8]| escape(&redactor.bytes(reason));
        let remark = |place: &str, reason: String| Remark {
            place: Some(redactor.label(place.as_bytes())),
            reason: redactor.message(reason),
        };
        // Where nothing was found, there is nothing to excuse.
        if let Some(project) = &self.project
            && (extent != Extent::Part || report.shown().next().is_some())
        {
            match read_exceptions(project) {
                Ok((exceptions, wrong)) => {
                    exceptions.apply(report, SuppressedBy::IgnoreFile, show);
                    if extent != Extent::Part && report.errors.is_empty() {
                        let why = if extent == Extent::History {
                            "allows nothing any more; it can go"
                        } else {
                            "allows nothing here; it can go, unless the history has the key"
                        };
                        for (line, key) in exceptions.unused(report) {
                            let reason = format!("line {line}: frisk:{key} {why}");
                            report.unused.push(remark(exception::FILE, reason));
                        }
                    }
                    let wrong = wrong.into_iter().map(|line| remark(exception::FILE, line));
                    report.errors.extend(wrong);
                }
                Err(error) => report
                    .errors
                    .push(remark(exception::FILE, error.to_string())),
            }
        }
        if let Some(list) = std::env::var_os(VARIABLE) {
            let (exceptions, wrong) = Exceptions::of_list(list.as_encoded_bytes());
            exceptions.apply(report, SuppressedBy::Environment, show);
            let wrong = wrong
                .iter()
                .map(|entry| remark(VARIABLE, entry.to_string()));
            report.errors.extend(wrong);
        }
        report.sort();
    }
}

/// Whether a repository that cannot be opened may have a configuration that would count: the disk
/// fails, or one lies there.
fn may_have_rules(error: &GitError) -> bool {
    let GitError::Open(error) = error else {
        return false;
    };
    let here = Path::new(".").canonicalize();
    error.class() == ErrorClass::Os
        || here.is_ok_and(|here| {
            let mut above = here.ancestors();
            above.any(|directory| directory.join(config::FILE).symlink_metadata().is_ok())
        })
}

impl Trouble {
    fn new(place: &str, reason: impl std::fmt::Display) -> Self {
        Self {
            place: place.to_owned(),
            reason: reason.to_string(),
        }
    }
}

/// The exceptions of a repository, and what is wrong with lines of them.
fn read_exceptions(project: &Project) -> Result<(Exceptions, Vec<String>), project::ReadError> {
    let content = project.read(exception::FILE, exception::MAX_FILE)?;
    let (exceptions, malformed) = Exceptions::of_file(&content.unwrap_or_default());
    let mut wrong: Vec<String> = malformed
        .iter()
        .take(NAMED)
        .map(ToString::to_string)
        .collect();
    if malformed.len() > NAMED {
        wrong.push(format!("and {} lines more", malformed.len() - NAMED));
    }
    Ok((exceptions, wrong))
}

/// The configuration that was named on the command line.
fn named_config(file: &Path) -> anyhow::Result<Config> {
    let read = || -> anyhow::Result<Config> {
        Ok(Config::parse(&project::read_named(
            file,
            config::MAX_FILE,
        )?)?)
    };
    read().with_context(|| file.display().to_string())
}

/// The configuration of the repository; none if it is refused.
fn found_config(project: &Project, troubles: &mut Vec<Trouble>) -> Config {
    let reason = match project.read(config::FILE, config::MAX_FILE) {
        Ok(None) => return Config::default(),
        Ok(Some(content)) => match Config::parse(&content) {
            Ok(config) => return config,
            Err(error) => error.to_string(),
        },
        Err(error) => error.to_string(),
    };
    troubles.push(Trouble::new(config::FILE, reason));
    Config::default()
}

/// Loads a rule file of the repository, in the version that its configuration is of.
fn load_rules(rules: &mut RuleSet, project: &Project, file: &str) -> anyhow::Result<()> {
    let path = Path::new(file);
    let plain = |part| matches!(part, std::path::Component::Normal(_));
    if file.is_empty() || file.contains('\\') || !path.components().all(plain) {
        anyhow::bail!(
            "`rules`: {file:?} is no path inside of the repository; name other files with --rules"
        );
    }
    let content = project
        .read(file, load::MAX_FILE)
        .with_context(|| format!("`rules`: {file}"))?
        .with_context(|| format!("`rules`: {file} is not there"))?;
    Ok(rules.load_bytes(path, &content)?)
}

/// The patterns of both configurations, which together may not leave out everything either.
fn joined(mut all: Vec<String>, own: Vec<String>, troubles: &mut Vec<Trouble>) -> Vec<String> {
    if !own.is_empty() {
        let before = all.len();
        all.extend(own);
        if let Err(error) = config::check_globs(&all) {
            all.truncate(before);
            troubles.push(Trouble::new(GIT_CONFIG, format!("frisk.exclude: {error}")));
        }
    }
    all
}

/// The form of a report, by its name.
fn format_named(name: &str) -> anyhow::Result<FormatName> {
    FormatName::from_str(name, false).map_err(|_| {
        let values = FormatName::value_variants().iter();
        let values: Vec<_> = values.filter_map(FormatName::to_possible_value).collect();
        let near = config::nearest(
            name,
            values.iter().map(clap::builder::PossibleValue::get_name),
        );
        let near = near.map_or_else(String::new, |near| format!("; is `{near}` meant?"));
        anyhow!("`format`: there is no format `{name}`{near}")
    })
}

/// What git's configuration says.
#[derive(Debug, Default)]
struct GitConfig {
    strict: Option<bool>,
    format: Option<FormatName>,
    exclude: Vec<String>,
    rules: Vec<PathBuf>,
    threads: Option<usize>,
}

/// Reads the keys of git's configuration that are for us.
fn git_config(project: Option<&Project>, troubles: &mut Vec<Trouble>) -> GitConfig {
    let mut own = GitConfig::default();
    let Some((project, repository)) = project.and_then(|p| Some((p, p.repository()?))) else {
        return own;
    };
    let top = project.top().unwrap_or(repository.path());
    let mut read = || -> Result<(), git2::Error> {
        let config = repository.config()?;
        let mut entries = config.entries(Some("^frisk\\."))?;
        while let Some(entry) = entries.next() {
            let entry = entry?;
            // A name that is no UTF-8 is none of ours.
            let name = entry.name().unwrap_or_default();
            let Some(key) = name.strip_prefix("frisk.") else {
                continue;
            };
            let Ok(value) = entry.has_value().then(|| entry.value()).transpose() else {
                let reason = format!("frisk.{key}: its value is no UTF-8");
                troubles.push(Trouble::new(GIT_CONFIG, reason));
                continue;
            };
            if let Err(error) = own.set(key, value, top) {
                troubles.push(Trouble::new(GIT_CONFIG, format!("frisk.{key}: {error:#}")));
            }
        }
        Ok(())
    };
    if let Err(error) = read() {
        let reason = format!("cannot be read: {}", error.message());
        troubles.push(Trouble::new(GIT_CONFIG, reason));
    }
    own
}

impl GitConfig {
    /// Takes a value. Later ones win, or are added where there may be several. A key without any is
    /// true.
    fn set(&mut self, key: &str, value: Option<&str>, top: &Path) -> anyhow::Result<()> {
        let text = || value.context("has no value");
        match key {
            "strict" => self.strict = Some(value.map_or(Ok(true), git2::Config::parse_bool)?),
            "format" => self.format = Some(format_named(text()?)?),
            "exclude" => self.exclude.push(text()?.to_owned()),
            "rules" => self.rules.push(top.join(at_home(text()?)?)),
            "threads" => self.threads = Some(text()?.parse().context("is no number")?),
            // Others may keep something there; what looks like a slip is one.
            other => {
                if let Some(near) = config::nearest(other, GIT_KEYS) {
                    anyhow::bail!("there is no such key; is `frisk.{near}` meant?");
                }
            }
        }
        Ok(())
    }
}

/// A path in which a leading `~/` stands for the user's own directory.
fn at_home(path: &str) -> anyhow::Result<PathBuf> {
    match path.strip_prefix("~/") {
        None => Ok(PathBuf::from(path)),
        Some(rest) => {
            let home = std::env::var_os("HOME").context("HOME is not set")?;
            Ok(PathBuf::from(home).join(rest))
        }
    }
}
