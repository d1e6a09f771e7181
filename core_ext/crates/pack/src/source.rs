//! The database as the source that ingest asks for stored objects.

use crate::Database;
use packhouse_object::{Kind, ObjectSource, Oid, Result};

impl ObjectSource for Database {
    fn kind_of(&self, oid: &Oid) -> Result<Option<Kind>> {
        self.locate(oid).map(|ordinal| Self::kind_of(self, ordinal)).transpose()
    }

    fn read(&self, oid: &Oid, max_bytes: u64) -> Result<Option<(Kind, Vec<u8>)>> {
        let object = self.locate(oid).map(|ordinal| Self::read(self, ordinal, max_bytes)).transpose()?;
        Ok(object.map(|(kind, content)| (kind, content.into_vec())))
    }
}
