//! What is to be said of blobs beside their hits, each at the first place that it is seen at.

use std::collections::BTreeMap;
use std::sync::Mutex;

use git2::Oid;

use crate::scan::history::History;
use crate::scan::history::locked;
use crate::scan::history::short;

/// The first place that is known, whichever thread came across it.
pub(super) type First = Mutex<Option<(usize, Vec<u8>)>>;

impl History<'_> {
    /// Tells what is to be said of a blob beside hits, at the first place it is seen at, which is in
    /// the commit or extra of this number.
    pub(super) fn come_across(&self, number: usize, oid: Oid, path: &[u8]) {
        if let Some(first) = self.firsts.get(&oid)
            && !self.scan.is_excluded(path)
        {
            let first = &mut *locked(first);
            if first.as_ref().is_none_or(|(known, _)| number < *known) {
                *first = Some((number, path.to_owned()));
            }
        }
        let inspected = self.remarks.get(&oid);
        if (inspected.is_some() || self.has_hits(oid))
            && locked(&self.seen).insert(oid)
            && let Some(inspected) = inspected
        {
            let label = self.scan.redactor().label(path);
            self.scan.remarks(&label, inspected);
        }
    }

    /// Room for the first places of those of which something is to be said.
    pub(super) fn room_for_firsts(&self) -> BTreeMap<Oid, First> {
        let untold = locked(&self.untold);
        untold.keys().map(|oid| (*oid, Mutex::default())).collect()
    }

    /// Tells what is to be said of the blobs that were read as they were come across.
    pub(super) fn tell_untold(&self) {
        for (oid, outcome) in std::mem::take(&mut *locked(&self.untold)) {
            let first = self.firsts.get(&oid);
            let first = first.and_then(|first| locked(first).take());
            let path = first.map(|(_, path)| path);
            match outcome {
                Ok(inspected) => {
                    let unnamed = || format!("blob {}", short(oid)).into_bytes();
                    let label = self.scan.redactor().label(&path.unwrap_or_else(unnamed));
                    self.scan.remarks(&label, &inspected);
                }
                Err(error) => self.scan.failed(path.as_deref(), &error),
            }
        }
    }
}
