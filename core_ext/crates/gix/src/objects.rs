//! Finding and writing objects, each counted.

use crate::names::{gix_kind, gix_oid, hash_kind, kind_of, oid_of};
use crate::overlay::{NewObject, Overlay};
use packhouse_object::{CancelFlag, Error, Kind, Oid, Result, hash_object};
use packhouse_pack::Database;
use std::cell::{Cell, RefCell};
use std::io::Read;

/// What one piece of work may read and write.
#[derive(Clone, Copy, Debug)]
pub struct ReadLimits {
    /// The largest object that is read, in bytes.
    pub max_object_bytes: u64,
    /// Bytes of all objects that are read, each as often as it is.
    pub max_read_bytes: u64,
    /// Bytes of all objects that are written: they stay in memory.
    pub max_new_bytes: u64,
}

/// The objects of a database and those written since. For one thread and one piece of work.
///
/// Gitoxide's errors forget what they were made of, so the first one of ours is kept: see [`Self::raised`].
pub struct Objects<'a> {
    db: &'a Database,
    limits: ReadLimits,
    cancel: CancelFlag,
    overlay: RefCell<Overlay>,
    failure: RefCell<Option<Error>>,
    read_bytes: Cell<u64>,
    read_count: Cell<u64>,
}

impl<'a> Objects<'a> {
    /// The objects of `db`, with nothing written yet.
    #[must_use]
    pub fn new(db: &'a Database, limits: ReadLimits, cancel: CancelFlag) -> Self {
        Self {
            db,
            limits,
            cancel,
            overlay: RefCell::default(),
            failure: RefCell::default(),
            read_bytes: Cell::new(0),
            read_count: Cell::new(0),
        }
    }

    /// The database behind.
    #[must_use]
    pub const fn db(&self) -> &'a Database {
        self.db
    }

    /// Look at the cancel flag, in work that reads nothing.
    ///
    /// # Errors
    /// `Cancelled`.
    pub fn check_cancelled(&self) -> Result<()> {
        self.cancel.check()
    }

    /// How many objects were read so far, and how many bytes they had.
    #[must_use]
    pub fn read_so_far(&self) -> (u64, u64) {
        (self.read_count.get(), self.read_bytes.get())
    }

    /// Whether an object was written here, and is not stored.
    #[must_use]
    pub fn is_new(&self, oid: &Oid) -> bool {
        self.overlay.borrow().find(oid).is_some()
    }

    /// What was written and is not stored, in the order of writing: what an object refers to comes before it.
    #[must_use]
    pub fn into_new_objects(self) -> Vec<NewObject> {
        self.overlay.into_inner().into_objects()
    }

    /// The error behind one of gitoxide's: ours if something here failed, else a corrupt object.
    #[must_use]
    pub fn raised(&self, error: &dyn std::error::Error) -> Error {
        let first = self.failure.borrow_mut().take();
        first.unwrap_or_else(|| Error::CorruptObject { oid: None, what: error.to_string() })
    }

    /// An object's kind and content.
    ///
    /// # Errors
    /// `Missing`, `Limit`, `Cancelled`; what reading can raise.
    pub fn read(&self, oid: &Oid) -> Result<(Kind, Vec<u8>)> {
        let mut content = Vec::new();
        let kind = self.read_into(oid, &mut content)?.ok_or(Error::Missing { oid: *oid })?;
        Ok((kind, content))
    }

    /// The content of an object that must be of a certain kind.
    ///
    /// # Errors
    /// As [`Self::read`]; `CorruptObject` for one of another kind.
    pub fn read_kind(&self, oid: &Oid, wanted: Kind) -> Result<Vec<u8>> {
        let (kind, content) = self.read(oid)?;
        if kind == wanted {
            return Ok(content);
        }
        Err(Error::CorruptObject { oid: Some(*oid), what: format!("a {kind} where a {wanted} must be") })
    }

    /// The size of an object in bytes; it is not read.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn size_of(&self, oid: &Oid) -> Result<u64> {
        self.header(oid)?.map(|(_, size_bytes)| size_bytes).ok_or(Error::Missing { oid: *oid })
    }

    /// Write an object, unless it is there.
    ///
    /// # Errors
    /// `Limit`, `Cancelled`, `Collision`.
    pub fn write_object(&self, kind: Kind, content: &[u8]) -> Result<Oid> {
        self.cancel.check()?;
        let oid = hash_object(self.db.format(), kind, content)?;
        if self.db.locate(&oid).is_none() && !self.is_new(&oid) {
            self.overlay.borrow_mut().add(oid, kind, content, self.limits.max_new_bytes)?;
        }
        Ok(oid)
    }

    fn read_into(&self, oid: &Oid, content: &mut Vec<u8>) -> Result<Option<Kind>> {
        self.cancel.check()?;
        content.clear();
        if let Some(new) = self.overlay.borrow().find(oid) {
            content.extend_from_slice(&new.content);
            return Ok(Some(new.kind));
        }
        let Some(ordinal) = self.db.locate(oid) else { return Ok(self.empty_kind(oid)) };
        self.charge(self.db.size_of(ordinal)?)?;
        let (kind, stored) = self.db.read(ordinal, self.limits.max_object_bytes)?;
        content.extend_from_slice(&stored);
        Ok(Some(kind))
    }

    /// The kind and size of an object.
    fn header(&self, oid: &Oid) -> Result<Option<(Kind, u64)>> {
        self.cancel.check()?;
        if let Some(new) = self.overlay.borrow().find(oid) {
            return Ok(Some((new.kind, new.content.len() as u64)));
        }
        let Some(ordinal) = self.db.locate(oid) else { return Ok(self.empty_kind(oid).map(|kind| (kind, 0))) };
        Ok(Some((self.db.kind_of(ordinal)?, self.db.size_of(ordinal)?)))
    }

    /// The empty tree is always there, as in Git.
    fn empty_kind(&self, oid: &Oid) -> Option<Kind> {
        gix_hash::ObjectId::empty_tree(hash_kind(self.db.format())).eq(&gix_oid(oid)).then_some(Kind::Tree)
    }

    fn charge(&self, size_bytes: u64) -> Result<()> {
        let read_bytes = self.read_bytes.get().saturating_add(size_bytes);
        let limit = self.limits.max_read_bytes;
        if read_bytes > limit {
            return Err(Error::Limit { what: "bytes of objects to be read", actual: read_bytes, limit });
        }
        self.read_bytes.set(read_bytes);
        self.read_count.set(self.read_count.get() + 1);
        Ok(())
    }

    /// Keep the first failure, and give gitoxide one that says the same.
    fn tell<T>(&self, result: Result<T>) -> gix_error::Result<T> {
        result.map_err(|error| {
            let told = gix_error::message!("{error}").into();
            self.failure.borrow_mut().get_or_insert(error);
            told
        })
    }

    /// As [`Self::tell`]. What is missing is no failure yet: some ask to find out.
    fn tell_found<T>(&self, oid: &Oid, result: Result<Option<T>>) -> gix_error::Result<Option<T>> {
        let found = self.tell(result)?;
        if found.is_none() {
            self.failure.borrow_mut().get_or_insert(Error::Missing { oid: *oid });
        }
        Ok(found)
    }
}

impl gix_object::Find for Objects<'_> {
    fn try_find<'b>(
        &self,
        id: &gix_hash::oid,
        buffer: &'b mut Vec<u8>,
    ) -> gix_error::Result<Option<gix_object::Data<'b>>> {
        let (oid, object_hash) = (oid_of(id), id.kind());
        let kind = self.tell_found(&oid, self.read_into(&oid, buffer))?;
        Ok(kind.map(|kind| gix_object::Data { kind: gix_kind(kind), object_hash, data: buffer }))
    }
}

impl gix_object::FindHeader for Objects<'_> {
    fn try_header(&self, id: &gix_hash::oid) -> gix_error::Result<Option<gix_object::Header>> {
        let oid = oid_of(id);
        let header = self.tell_found(&oid, self.header(&oid))?;
        Ok(header.map(|(kind, size)| gix_object::Header { kind: gix_kind(kind), size }))
    }
}

impl gix_object::Write for Objects<'_> {
    fn write_buf(&self, kind: gix_object::Kind, content: &[u8]) -> gix_error::Result<gix_hash::ObjectId> {
        self.tell(self.write_object(kind_of(kind), content)).map(|oid| gix_oid(&oid))
    }

    /// The id is computed all the same: objects get their names by collision-detecting hashing only.
    fn write_buf_with_known_id(
        &self,
        kind: gix_object::Kind,
        content: &[u8],
        _id: gix_hash::ObjectId,
    ) -> gix_error::Result<gix_hash::ObjectId> {
        self.write_buf(kind, content)
    }

    fn write_stream(
        &self,
        kind: gix_object::Kind,
        size: u64,
        from: &mut dyn Read,
    ) -> gix_error::Result<gix_hash::ObjectId> {
        let limit = self.limits.max_new_bytes;
        if size > limit {
            return self.tell(Err(Error::Limit { what: "bytes of a new object", actual: size, limit }));
        }
        let mut content = Vec::new();
        self.tell(from.take(size).read_to_end(&mut content).map_err(Error::from))?;
        self.write_buf(kind, &content)
    }

    fn write_stream_with_known_id(
        &self,
        kind: gix_object::Kind,
        size: u64,
        from: &mut dyn Read,
        _id: gix_hash::ObjectId,
    ) -> gix_error::Result<gix_hash::ObjectId> {
        self.write_stream(kind, size, from)
    }
}
