//! The members of tar archives.

use std::io;
use std::io::Read;

use crate::decode::container::Each;
use crate::decode::container::budget::Budget;
use crate::decode::container::budget::Limited;
use crate::decode::container::count;

pub(super) fn tar(content: impl Read, budget: &mut Budget, each: &mut Each<'_>) -> io::Result<()> {
    for (index, entry) in tar::Archive::new(content).entries()?.enumerate() {
        let entry = entry?;
        count(index)?;
        let name = entry.path_bytes().into_owned();
        each(
            Some(&name),
            &mut Limited {
                content: entry,
                budget,
            },
        )?;
    }
    Ok(())
}
