//! Secrets in names: those of refs, and of what lies in trees.

use std::collections::HashSet;

use crate::key_id::KeyId;
use crate::place::Kind;
use crate::scan::history::History;
use crate::scan::history::locked;
use crate::scan::inspect::Inspector;

/// Stands between names that are looked at together: no rule and no decoder knows it.
pub(super) const BETWEEN_NAMES: u8 = 2;
/// Names of refs that are looked at together.
const NAMES_AT_A_TIME: usize = 64;

impl History<'_> {
    pub(super) fn ref_names(&self) {
        let inspector = Inspector::new(self.scan.matcher, false, false);
        for some in self.walk.ref_names.chunks(NAMES_AT_A_TIME) {
            // There may be thousands, and nearly always there is nothing in any of them.
            let inspected = inspector.bytes(&some.join(&BETWEEN_NAMES));
            if inspected.is_ok_and(|inspected| inspected.hits.is_empty()) {
                continue;
            }
            for name in some {
                for (_, hit) in self.scan.name_hits(name, name) {
                    self.introduce(self.scan.place(Kind::Ref, name), hit, None);
                }
            }
        }
    }

    pub(super) fn look_at_name(&self, name: &[u8]) {
        if !self.scan.name_hits(name, name).is_empty() {
            locked(&self.names).insert(name.to_owned());
        }
    }

    /// Tells the names that no file's path holds, as those of empty directories.
    pub(super) fn names_without_files(&self) {
        let told: HashSet<KeyId> = locked(&self.introductions)
            .iter()
            .filter(|introduction| introduction.place.kind == Kind::Name)
            .map(|introduction| introduction.hit.key_id)
            .collect();
        let names = std::mem::take(&mut *locked(&self.names));
        for (place, hit) in names
            .iter()
            .flat_map(|name| self.scan.name_hits(name, name))
        {
            if !told.contains(&hit.key_id) {
                self.introduce(place, hit, None);
            }
        }
    }
}
