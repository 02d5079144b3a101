//! Scans: joins a source, the matcher and the policy into a report.

pub mod history;
pub mod inspect;
pub mod pool;
pub mod redact;
mod regular;
pub mod staged;
pub mod stdin;
pub mod text;
pub mod worktree;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Instant;

use time::OffsetDateTime;

use crate::decode::Layer;
use crate::finding::CommitInfo;
use crate::finding::Finding;
use crate::finding::Hit;
use crate::key_id::KeyId;
use crate::matcher::Matcher;
use crate::place::Kind;
use crate::place::Label;
use crate::place::Place;
use crate::policy::exclude::Exclude;
use crate::report::Remark;
use crate::report::Report;
use crate::report::Stats;
use crate::scan::inspect::Inspected;
use crate::scan::inspect::Inspector;
use crate::scan::inspect::Note;
pub use crate::scan::pool::Cancel;
pub use crate::scan::redact::Redactor;
use crate::source::worktree::cannot_read;

/// What is the same for every source.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a setting that the user has"
)]
pub struct Settings {
    /// Whether exceptions are heeded.
    pub exceptions: bool,
    /// Whether inline exceptions of other tools are heeded too, where ours are.
    pub foreign_markers: bool,
    /// Whether warnings count.
    pub strict: bool,
    /// Whether rejected matches are told.
    pub explain: bool,
    /// Threads; 0: as many as the machine has.
    pub threads: usize,
    /// Paths to leave out.
    pub exclude: Exclude,
    /// Stops the scan.
    pub cancel: Cancel,
}

/// How far a scan is; may be looked at from any thread.
#[derive(Debug, Default)]
pub struct Progress {
    items: AtomicU64,
    bytes: AtomicU64,
    visited: AtomicU64,
    expected: AtomicU64,
}

impl Progress {
    /// Things that were scanned or passed over.
    pub fn seen(&self) -> u64 {
        let items = self.items.load(Ordering::Relaxed);
        items.max(self.visited.load(Ordering::Relaxed))
    }

    /// Bytes that were scanned.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// How many things there are; 0 where that is not known.
    pub fn expected(&self) -> u64 {
        self.expected.load(Ordering::Relaxed)
    }

    fn expect(&self, things: u64) {
        self.expected.store(things, Ordering::Relaxed);
    }

    fn visit(&self) {
        self.visited.fetch_add(1, Ordering::Relaxed);
    }
}

/// Scans things and collects what is said of them, from any thread.
#[derive(Debug)]
pub struct Scan<'a> {
    matcher: &'a Matcher,
    settings: &'a Settings,
    begun: Instant,
    progress: Arc<Progress>,
    report: Mutex<Report>,
}

impl<'a> Scan<'a> {
    /// Begins a scan.
    pub fn new(matcher: &'a Matcher, settings: &'a Settings) -> Self {
        Self {
            matcher,
            settings,
            begun: Instant::now(),
            progress: Arc::default(),
            report: Mutex::new(Report {
                strict: settings.strict,
                ..Report::default()
            }),
        }
    }

    /// How far it is.
    pub fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.progress)
    }

    /// Ends the scan. One that was cancelled is incomplete.
    pub fn finish(self) -> Report {
        if self.settings.cancel.is_cancelled() {
            self.failed(None, "interrupted: not everything was scanned");
        }
        let mut report = self
            .report
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        report.sort();
        report.stats = Stats {
            items: self.progress.items.load(Ordering::Relaxed),
            bytes: self.progress.bytes(),
            elapsed: self.begun.elapsed(),
            finished: OffsetDateTime::now_utc().unix_timestamp(),
        };
        report
    }

    fn inspector(&self) -> Inspector<'a> {
        Inspector::new(
            self.matcher,
            self.settings.exceptions,
            self.settings.explain,
        )
        .with_foreign_markers(self.settings.foreign_markers)
    }

    fn redactor(&self) -> Redactor<'a> {
        Redactor::new(self.matcher)
    }

    fn with_report<T>(&self, change: impl FnOnce(&mut Report) -> T) -> T {
        change(&mut self.report.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Counts one item.
    fn count(&self, bytes: u64) {
        self.progress.items.fetch_add(1, Ordering::Relaxed);
        self.progress.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    fn found(
        &self,
        place: &Place,
        hits: impl IntoIterator<Item = Hit>,
        commit: Option<&CommitInfo>,
    ) {
        let mut findings: Vec<_> = hits
            .into_iter()
            .map(|hit| Finding {
                place: place.clone(),
                hit,
                commit: commit.cloned(),
            })
            .collect();
        if !findings.is_empty() {
            self.with_report(|report| report.findings.append(&mut findings));
        }
    }

    /// Takes what an inspection says of the content of what is called `name`: findings, and rejected
    /// matches as notes.
    fn inspected(&self, name: &[u8], inspected: Inspected) {
        self.count(inspected.bytes);
        // Nearly always. A label is made by searching the name.
        if inspected.is_silent() {
            return;
        }
        let place = self.place(Kind::Content, name);
        self.remarks(&place.label, &inspected);
        self.found(&place, inspected.hits, None);
    }

    /// Takes what an inspection says beside hits.
    fn remarks(&self, label: &Label, inspected: &Inspected) {
        for reason in &inspected.unopened {
            let skipped = Remark {
                place: Some(label.clone()),
                reason: self.redactor().message(reason),
            };
            self.with_report(|report| report.skipped.push(skipped));
        }
        if let Some(error) = &inspected.cut {
            let error = Remark {
                place: Some(label.clone()),
                reason: self.redactor().message(cannot_read(error)),
            };
            self.with_report(|report| report.errors.push(error));
        }
        for Note {
            position, reason, ..
        } in &inspected.rejected
        {
            let note = Remark {
                place: Some(label.clone()),
                reason: format!(
                    "line {}, column {}: {reason}",
                    position.line, position.column
                ),
            };
            self.with_report(|report| report.notes.push(note));
        }
    }

    /// Notes what was asked for and not scanned.
    pub fn failed(&self, name: Option<&[u8]>, reason: impl std::fmt::Display) {
        let error = Remark {
            place: name.map(|name| self.redactor().label(name)),
            reason: self.redactor().message(reason),
        };
        self.with_report(|report| report.errors.push(error));
    }

    /// Notes what was passed over.
    pub fn passed_over(&self, name: &[u8], reason: impl std::fmt::Display) {
        self.skipped(name, &self.redactor().message(reason));
    }

    fn skipped(&self, name: &[u8], reason: &str) {
        let skipped = Remark {
            place: Some(self.redactor().label(name)),
            reason: reason.to_owned(),
        };
        self.with_report(|report| report.skipped.push(skipped));
    }

    /// Notes that work on an item panicked; what it had found until then is lost.
    fn broken(&self, name: &[u8]) {
        self.failed(
            Some(name),
            "not scanned: an error in git-frisk itself; please report it",
        );
    }

    fn place(&self, kind: Kind, name: &[u8]) -> Place {
        Place {
            label: self.redactor().label(name),
            kind,
        }
    }

    /// Finds secrets in the components of a path behind its first `known` bytes, each at the path
    /// that ends with it.
    fn path_hits(&self, path: &[u8], known: usize) -> Vec<(Place, Hit)> {
        let inspector = Inspector::new(self.matcher, false, false);
        let mut found = Vec::new();
        // Nearly every path is through with one look at it as a whole.
        if known < path.len()
            && !matches!(inspector.bytes(path), Ok(inspected) if inspected.hits.is_empty())
        {
            let mut end = 0;
            for component in path.split(|&byte| byte == b'/') {
                end += component.len();
                if end > known {
                    found.extend(self.name_hits(&path[..end], component));
                }
                end += 1;
            }
        }
        found
    }

    /// Finds secrets in the name at the end of a path.
    fn name_hits(&self, path: &[u8], name: &[u8]) -> Vec<(Place, Hit)> {
        let inspector = Inspector::new(self.matcher, false, false);
        match inspector.bytes(name) {
            Ok(inspected) if inspected.hits.is_empty() => Vec::new(),
            Ok(inspected) => {
                let place = self.place(Kind::Name, path);
                inspected
                    .hits
                    .into_iter()
                    .map(|hit| (place.clone(), hit))
                    .collect()
            }
            Err(error) => {
                self.failed(Some(path), &error);
                Vec::new()
            }
        }
    }

    fn is_excluded(&self, path: &[u8]) -> bool {
        let excluded = std::str::from_utf8(path)
            .is_ok_and(|path| self.settings.exclude.contains(Path::new(path)));
        if excluded {
            self.skipped(path, "excluded");
        }
        excluded
    }
}

/// The hits of `new` whose key is there more often than in each of the `old` versions: what the
/// change from these to `new` brings in. Of several places of a key the last ones count as new.
///
/// A key that lay in pieces before is brought in by being put together, not the other way round.
fn added<'h>(new: &'h [Hit], old: &[&[Hit]]) -> Vec<&'h Hit> {
    let in_pieces = |hit: &Hit| hit.layers.contains(&Layer::Concat);
    let mut known: HashMap<(KeyId, bool), usize> = HashMap::new();
    for version in old {
        let mut counts: HashMap<(KeyId, bool), usize> = HashMap::new();
        for hit in *version {
            let written = (hit.key_id, in_pieces(hit));
            let count = counts.entry(written).or_default();
            *count += 1;
            let most = known.entry(written).or_default();
            *most = (*most).max(*count);
        }
    }
    let mut take = |written| match known.get_mut(&written) {
        Some(left) if *left > 0 => {
            *left -= 1;
            true
        }
        _ => false,
    };
    new.iter()
        .filter(|hit| {
            let excused = in_pieces(hit) && take((hit.key_id, true)) || take((hit.key_id, false));
            !excused
        })
        .collect()
}
