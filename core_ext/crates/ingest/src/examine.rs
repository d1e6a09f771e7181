//! What is done with every object once: name it, check it, note its edges.

use crate::checks::Checks;
use crate::names::Names;
use packhouse_object::{CancelFlag, Hasher, Kind, ObjectFormat, Oid, Result};
use parking_lot::Mutex;
use std::sync::Arc;

/// Results are written to the common table so many at a time.
const FLUSH_OBJECTS: usize = 256;

/// Hashed between two looks at the cancel flag, in bytes.
const PIECE_BYTES: usize = 1 << 20;

/// What all threads of an ingest share.
pub(crate) struct Context {
    pub format: ObjectFormat,
    pub cancel: CancelFlag,
    pub names: Mutex<Names>,
    /// `None` if the pack was checked before and needs only names.
    pub checks: Option<Checks>,
}

/// What one thread needs to examine objects.
pub(crate) struct Examiner {
    context: Arc<Context>,
    named: Vec<(u32, Oid, Kind)>,
}

impl Examiner {
    pub fn new(context: Arc<Context>) -> Self {
        Self { context, named: Vec::with_capacity(FLUSH_OBJECTS) }
    }

    /// Name and check one object. The name is in the common table after [`Self::flush`].
    ///
    /// base: the content of the object of this pack that it was made from, if it was.
    pub fn examine(&mut self, index: u32, kind: Kind, content: &[u8], base: Option<&[u8]>) -> Result<Oid> {
        let mut hasher = Hasher::object(self.context.format, kind, content.len() as u64);
        for piece in content.chunks(PIECE_BYTES) {
            self.context.cancel.check()?;
            hasher.update(piece);
        }
        let oid = hasher.finish()?;
        if let Some(checks) = &self.context.checks {
            checks.object(&oid, kind, content, base)?;
        }
        self.note(index, oid, kind);
        Ok(oid)
    }

    /// Take the name of a blob that was too large to be held.
    pub fn name_large_blob(&mut self, index: u32, hasher: Hasher) -> Result<()> {
        self.note(index, hasher.finish()?, Kind::Blob);
        Ok(())
    }

    /// Write the names to the common table.
    pub fn flush(&mut self) {
        let mut names = self.context.names.lock();
        for (index, oid, kind) in self.named.drain(..) {
            names.set(index, &oid, kind);
        }
    }

    fn note(&mut self, index: u32, oid: Oid, kind: Kind) {
        self.named.push((index, oid, kind));
        if self.named.len() >= FLUSH_OBJECTS {
            self.flush();
        }
    }
}
