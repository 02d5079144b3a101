//! What a finding is known by from one run to the next: its key and its place, and no line number.

use std::collections::HashMap;

use data_encoding::HEXLOWER;
use sha2::Digest as _;
use sha2::Sha256;

use crate::finding::Finding;
use crate::place::Label;

/// Gives every finding of a report a name of its own. A key that moves within its file keeps it.
#[derive(Debug, Default)]
pub(super) struct Fingerprints {
    given: HashMap<String, u64>,
}

impl Fingerprints {
    /// The name of the next finding: 32 hex digits, a colon, and the number of findings of the same
    /// key at the same place so far.
    pub(super) fn next(&mut self, finding: &Finding) -> String {
        let name = of(finding);
        let number = self.given.entry(name.clone()).or_default();
        *number += 1;
        format!("{name}:{number}")
    }
}

fn of(finding: &Finding) -> String {
    let mut hash = Sha256::new();
    let member = finding.hit.member.as_ref();
    for part in [
        finding.hit.key_id.to_string().as_bytes(),
        finding.place.kind.word().as_bytes(),
        finding.place.label.as_bytes(),
        // Not everything lies in an archive.
        member.map(Label::as_bytes).unwrap_or_default(),
    ] {
        // With its length: no two lists of parts are the same bytes.
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    HEXLOWER.encode(&hash.finalize()[..16])
}
