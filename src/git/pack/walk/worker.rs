//! What one thread of a walk does: it makes objects, each right after what it builds on, and shows
//! them.

use std::ops::Range;

use git2::ObjectType;
use git2::Oid;

use crate::git::GitError;
use crate::git::pack::Damage;
use crate::git::pack::entry::Buffer;
use crate::git::pack::entry::Form;
use crate::git::pack::plan::Root;
use crate::git::pack::read;
use crate::git::pack::read::Reader;
use crate::git::pack::walk::Job;
use crate::git::pack::walk::visit::Made;
use crate::git::pack::walk::visit::Visit;
use crate::git::pack::walk::work::Field;
use crate::git::pack::walk::work::Unit;

/// An object that others build on.
struct Base {
    data: Buffer,
    /// Whether it was visited, and the visitor can go on from there.
    is_known: bool,
    /// What the visitor noted of it.
    notes: Vec<u32>,
    /// What is still to be made from it.
    children: Range<u32>,
}

/// What one thread has.
pub(super) struct Worker<'a> {
    job: &'a Job<'a>,
    reader: Reader,
    bases: Vec<Base>,
    /// Room for notes of bases to come.
    free_notes: Vec<Vec<u32>>,
    /// Ranks of entries that were not made, and why.
    broken: Vec<(u32, Damage)>,
}

impl<'a> Worker<'a> {
    pub(super) fn new(job: &'a Job<'a>) -> Self {
        Self {
            job,
            reader: Reader::new(),
            bases: Vec::new(),
            free_notes: Vec::new(),
            broken: Vec::new(),
        }
    }

    pub(super) fn unit(&mut self, unit: Unit<'_>) {
        match unit {
            Unit::Trees(fields, roots) => {
                for (at, root) in roots {
                    self.tree(&fields[*at], *root);
                    if (self.job.cancelled)() {
                        return;
                    }
                }
            }
            Unit::Lost(field) => {
                for (position, damage) in &field.lost {
                    self.lost(field, *position, *damage);
                }
            }
            Unit::Loose(objects) => {
                for (number, oid) in objects {
                    self.loose(*number, *oid);
                    if (self.job.cancelled)() {
                        return;
                    }
                }
            }
        }
    }

    fn loose(&mut self, number: u32, oid: Oid) {
        match self.job.store.loose_of(number, self.job.kinds) {
            Ok(Some((kind, data))) => {
                let visit = Visit {
                    number,
                    name: oid.as_bytes(),
                    kind,
                    data: &data,
                    made: None,
                };
                self.job.visit(visit, None);
            }
            Ok(None) => {}
            Err(error) => (self.job.failed)(oid, error),
        }
    }

    /// Reads an object that has no rank from where else it is.
    fn lost(&mut self, field: &Field<'_>, position: u32, damage: Damage) {
        let oid = field.pack.oid(position);
        match self.job.rescue(oid, field.pack) {
            Some((kind, data)) if self.job.kinds.contains(kind) => {
                let visit = Visit {
                    number: field.first + position,
                    name: oid.as_bytes(),
                    kind,
                    data: &data,
                    made: None,
                };
                self.job.visit(visit, None);
            }
            Some(_) => {}
            None => (self.job.failed)(oid, field.pack.error(position, damage)),
        }
    }

    /// Visits a delta tree.
    fn tree(&mut self, field: &Field<'_>, root: Root) {
        match self.root(field, root) {
            Ok((kind, data)) => self.descend(field, root.rank, kind, data),
            Err(damage) => self.broken.push((root.rank, damage)),
        }
        while let Some((rank, damage)) = self.broken.pop() {
            if (self.job.cancelled)() {
                self.broken.clear();
                return;
            }
            let position = field.plan.position(rank);
            let oid = field.pack.oid(position);
            // Another pack may have it, or a file of its own.
            if let Some((kind, data)) = self.job.rescue(oid, field.pack) {
                self.descend(field, rank, kind, Buffer::of(data));
                continue;
            }
            if field.is_wanted(rank) {
                (self.job.failed)(oid, field.pack.error(position, damage));
            }
            let mut children = field.plan.children(rank);
            while let Some(child) = field.next(&mut children) {
                self.broken.push((child, Damage::Base(oid)));
            }
        }
    }

    /// Reads a root of a tree. What it builds on may be elsewhere.
    fn root(&mut self, field: &Field<'_>, root: Root) -> Result<(ObjectType, Buffer), Damage> {
        let rank = root.rank;
        let entry = if root.kind.is_some() {
            field.plan.entry(field.pack, rank)?
        } else {
            field.plan.checked(field.pack, rank)?
        };
        let header = field.pack.header(entry)?;
        match header.form {
            Form::Whole(kind) => Ok((kind, self.reader.whole(entry, &header)?)),
            Form::Near(_) => Err(Damage::NoBase),
            Form::Named(_) if !self.job.is_patient() => Err(Damage::NoBase),
            Form::Named(_) => {
                let position = field.plan.position(rank);
                let store = self.job.store;
                match read::object(store, field.pack, position, &mut self.reader) {
                    Ok(object) => Ok(object),
                    Err(GitError::Packed { oid, damage, .. })
                        if oid == field.pack.oid(position) =>
                    {
                        Err(damage)
                    }
                    Err(GitError::Packed { oid, .. } | GitError::Loose { oid, .. }) => {
                        Err(Damage::Base(oid))
                    }
                    // It is told as damage.
                    Err(_) => Err(Damage::NoBase),
                }
            }
        }
    }

    /// Visits an object and all that builds on it, depth first.
    fn descend(&mut self, field: &Field<'_>, rank: u32, kind: ObjectType, data: Buffer) {
        if !self.job.kinds.contains(kind) && field.pack.index.has_crc() {
            self.reader.release(data);
            return;
        }
        self.show(field, rank, kind, data, None);
        while let Some(mut base) = self.bases.pop() {
            if (self.job.cancelled)() {
                self.bases.clear();
                return;
            }
            let Some(child) = field.next(&mut base.children) else {
                self.release(base);
                continue;
            };
            match make(&mut self.reader, field, child, base.data.data()) {
                Ok(data) if field.next(&mut base.children.clone()).is_none() => {
                    // What is made from its last child need not wait for it.
                    self.show(field, child, kind, data, Some(&base));
                    self.release(base);
                }
                Ok(data) => {
                    let at = self.bases.len();
                    self.show(field, child, kind, data, Some(&base));
                    self.bases.insert(at, base);
                }
                Err(damage) => {
                    self.broken.push((child, damage));
                    self.bases.push(base);
                }
            }
        }
    }

    /// Lets go of a base.
    fn release(&mut self, base: Base) {
        self.reader.release(base.data);
        self.free_notes.push(base.notes);
    }

    /// Gives an object to the visitor if it is wanted; it is the next base then, if anything is to be
    /// made from it.
    fn show(
        &mut self,
        field: &Field<'_>,
        rank: u32,
        kind: ObjectType,
        data: Buffer,
        from: Option<&Base>,
    ) {
        let position = field.plan.position(rank);
        if !field.pack.index.has_crc() && !field.pack.is(position, kind, data.data()) {
            self.broken.push((rank, Damage::Checksum));
            self.reader.release(data);
            return;
        }
        let children = field.plan.children(rank);
        let is_base = field.next(&mut children.clone()).is_some();
        // Room that is not there is made.
        let notes = self.free_notes.pop().unwrap_or_default();
        let mut base = Base {
            data,
            is_known: false,
            notes,
            children,
        };
        if field.is_wanted(rank) && self.job.kinds.contains(kind) {
            base.notes.clear();
            let visit = Visit {
                number: field.first + position,
                name: field.pack.index.raw(position),
                kind,
                data: base.data.data(),
                made: from.filter(|from| from.is_known).map(|from| Made {
                    fresh: &self.reader.changes.fresh,
                    copied: &self.reader.changes.copied,
                    base: from.data.data(),
                    notes: &from.notes,
                }),
            };
            base.is_known = self.job.visit(visit, is_base.then_some(&mut base.notes));
        }
        if is_base {
            self.bases.push(base);
        } else {
            self.release(base);
        }
    }
}

/// Makes an entry from its base.
fn make(reader: &mut Reader, field: &Field<'_>, rank: u32, base: &[u8]) -> Result<Buffer, Damage> {
    let entry = field.plan.entry(field.pack, rank)?;
    let header = field.pack.header(entry)?;
    reader.delta(base, entry, &header)
}
