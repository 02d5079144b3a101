//! The members of archives of `ar`.

use std::io;
use std::io::Read;

use crate::decode::container::Each;
use crate::decode::container::budget::Budget;
use crate::decode::container::budget::Limited;
use crate::decode::container::count;
use crate::decode::container::trouble::Trouble;

/// The first bytes of an archive of `ar`.
pub(super) const AR: &[u8] = b"!<arch>\n";
/// Bytes of the header of each of its members.
const AR_HEADER: u64 = 60;

pub(super) fn ar(
    mut content: impl Read,
    budget: &mut Budget,
    each: &mut Each<'_>,
) -> io::Result<()> {
    io::copy(&mut content.by_ref().take(AR.len() as u64), &mut io::sink())?;
    for index in 0.. {
        let mut header = Vec::new();
        content.by_ref().take(AR_HEADER).read_to_end(&mut header)?;
        if header.iter().all(u8::is_ascii_whitespace) {
            break;
        }
        count(index)?;
        if header.len() as u64 != AR_HEADER {
            return Err(Trouble::Cut.into());
        }
        let size = std::str::from_utf8(&header[48..58])
            .ok() // what is no text is no number either
            .and_then(|size| size.trim_ascii().parse::<u64>().ok()) // see below
            .filter(|_| header.ends_with(b"`\n"))
            .ok_or(Trouble::Damaged)?;
        // As GNU ends it; BSD writes what does not fit before the content.
        let name = header[..16].trim_ascii_end();
        let name = name.strip_suffix(b"/").unwrap_or(name).to_vec();
        let mut member = content.by_ref().take(size);
        each(
            Some(&name),
            &mut Limited {
                content: &mut member,
                budget,
            },
        )?;
        io::copy(&mut member, &mut io::sink())?;
        if member.limit() > 0 {
            return Err(Trouble::Cut.into());
        }
        // Members begin at even places.
        io::copy(&mut content.by_ref().take(size % 2), &mut io::sink())?;
    }
    Ok(())
}
