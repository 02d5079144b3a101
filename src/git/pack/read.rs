//! Reading one object of a pack, whatever it builds on.

use git2::ObjectType;

use crate::git::GitError;
use crate::git::pack::Damage;
use crate::git::pack::Store;
use crate::git::pack::delta;
use crate::git::pack::delta::Changes;
use crate::git::pack::entry::Buffer;
use crate::git::pack::entry::Form;
use crate::git::pack::entry::Header;
use crate::git::pack::entry::Inflater;
use crate::git::pack::file::Pack;
use crate::git::pack::plan::NONE;
use crate::git::pack::store::Slot;

/// Buffers above this are given back.
const KEEP: usize = 32 << 20;

/// What is needed to read objects, used again for each.
pub(super) struct Reader {
    inflater: Inflater,
    delta: Buffer,
    /// Buffers that nothing is in.
    free: Vec<Buffer>,
    /// What the last delta brought.
    pub(super) changes: Changes,
}

impl Reader {
    pub(super) fn new() -> Self {
        Self {
            inflater: Inflater::new(),
            delta: Buffer::default(),
            free: Vec::new(),
            changes: Changes::default(),
        }
    }

    /// Takes back a buffer that is not needed any more.
    pub(super) fn release(&mut self, buffer: Buffer) {
        if buffer.capacity() <= KEEP {
            self.free.push(buffer);
        }
    }

    /// Reads the content of an entry that has one.
    pub(super) fn whole(&mut self, entry: &[u8], header: &Header<'_>) -> Result<Buffer, Damage> {
        let mut buffer = self.free.pop().unwrap_or_default();
        let outcome = self.inflater.inflate(entry, header, &mut buffer);
        self.done(outcome, buffer)
    }

    /// Makes the content of an entry that is a delta.
    pub(super) fn delta(
        &mut self,
        base: &[u8],
        entry: &[u8],
        header: &Header<'_>,
    ) -> Result<Buffer, Damage> {
        self.inflater.inflate(entry, header, &mut self.delta)?;
        // A buffer that is not there is made.
        let mut buffer = self.free.pop().unwrap_or_default();
        let outcome = delta::apply(base, self.delta.data(), &mut buffer, &mut self.changes);
        if self.delta.capacity() > KEEP {
            self.delta = Buffer::default();
        }
        self.done(outcome, buffer)
    }

    fn done(&mut self, outcome: Result<(), Damage>, buffer: Buffer) -> Result<Buffer, Damage> {
        match outcome {
            Ok(()) => Ok(buffer),
            Err(damage) => {
                self.release(buffer);
                Err(damage)
            }
        }
    }
}

/// Reads an object of a pack, following its chain of deltas into other packs if need be. git has
/// none that leave their pack, but who reads them reads more.
pub(super) fn object(
    store: &Store,
    pack: &Pack,
    position: u32,
    reader: &mut Reader,
) -> Result<(ObjectType, Buffer), GitError> {
    let mut chain: Vec<(&Pack, u32, Header<'_>, &[u8])> = Vec::new();
    let mut at = (pack, position);
    let (kind, mut buffer) = loop {
        let (pack, position) = at;
        let failed = |damage: Damage| pack.error(position, damage);
        if chain.len() > store.len() {
            return Err(failed(Damage::Cycle));
        }
        let plan = pack.plan(1);
        let rank = plan.rank(pack, position).ok_or(failed(Damage::Place))?;
        let entry = plan.checked(pack, rank).map_err(failed)?;
        let header = pack.header(entry).map_err(failed)?;
        let base = match header.form {
            Form::Whole(kind) => {
                let content = reader.whole(entry, &header).map_err(failed)?;
                break (kind, content);
            }
            Form::Near(_) | Form::Named(_) if plan.parent(rank) != NONE => {
                (pack, plan.position(plan.parent(rank)))
            }
            Form::Near(_) => return Err(failed(Damage::NoBase)),
            Form::Named(name) => match store.slot_of(name).ok_or(failed(Damage::NoBase))? {
                Slot::Packed(other, position) => (other, position),
                Slot::Loose(oid) => {
                    chain.push((pack, position, header, entry));
                    let (kind, data) = store.loose(oid)?;
                    break (kind, Buffer::of(data));
                }
            },
        };
        chain.push((pack, position, header, entry));
        at = base;
    };
    for (pack, position, header, entry) in chain.iter().rev() {
        let made = reader
            .delta(buffer.data(), entry, header)
            .map_err(|damage| pack.error(*position, damage))?;
        reader.release(std::mem::replace(&mut buffer, made));
    }
    if !pack.index.has_crc() && !pack.is(position, kind, buffer.data()) {
        return Err(pack.error(position, Damage::Checksum));
    }
    Ok((kind, buffer))
}
