//! Where bytes lie inside of a file: in which members of which containers.

use crate::decode::Layer;
use crate::matcher::Allowance;
use crate::place::Label;
use crate::scan::redact::Redactor;

/// Where in a file the bytes lie that are searched: inside of what.
#[derive(Debug, Clone)]
pub(super) struct Inside<'left> {
    pub(super) member: Option<Label>,
    pub(super) layers: Vec<Layer>,
    /// What the encoded containers of all texts in the file may still expand to.
    pub(super) left: &'left Allowance,
}

impl<'left> Inside<'left> {
    /// The file itself.
    pub(super) fn file(left: &'left Allowance) -> Self {
        let (member, layers) = (None, Vec::new());
        Self {
            member,
            layers,
            left,
        }
    }

    /// The name of a member here.
    pub(super) fn join(&self, name: &[u8], redactor: Redactor<'_>) -> Label {
        let outer = self.member.as_ref();
        let outer = outer.map(|outer| [outer.as_bytes(), b"!"].concat());
        // Not everything lies in an archive.
        redactor.label(&[&outer.unwrap_or_default(), name].concat())
    }

    /// A container here, in words.
    pub(super) fn name(&self, kind: Layer) -> String {
        match &self.member {
            Some(member) => format!("{} {member}", kind.word()),
            None => kind.word().to_owned(),
        }
    }

    /// Where this is, in words, to follow others.
    pub(super) fn suffix(&self) -> String {
        match (&self.member, self.layers.last()) {
            (Some(member), _) => format!(" (in {member})"),
            (None, Some(layer)) => format!(" (in {})", layer.word()),
            (None, None) => String::new(),
        }
    }
}
