//! A whole pack and its idx in quarantine: it only has to be moved to where it belongs.

use crate::quarantine::{Quarantine, QuarantineFile};
use packhouse_object::{ObjectFormat, Oid, Result};
use packhouse_pack::{Bytes, IndexBuilder, Pack};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A pack and its idx. Their files go when it is dropped, unless they are released.
pub struct QuarantinedPack {
    digest: Oid,
    pack: Arc<Pack>,
    pack_file: Option<QuarantineFile>,
    idx_file: Option<QuarantineFile>,
}

impl QuarantinedPack {
    /// Write the idx to where the pack is, in memory or beside its file at `path`, and open both.
    ///
    /// digest: SHA-256 of the pack's bytes, the trailer counted.
    pub(crate) fn new(
        mut quarantine: Quarantine,
        path: &Path,
        idx: IndexBuilder,
        format: ObjectFormat,
        (trailer, digest): (&[u8], Oid),
    ) -> Result<Self> {
        let pack_bytes = quarantine.bytes()?;
        let pack_file = quarantine.into_file()?;
        let (idx_bytes, idx_file) = store_idx(idx, trailer, path, pack_file.is_some())?;
        let pack = Arc::new(Pack::new(path.display().to_string(), pack_bytes, idx_bytes, format)?);
        Ok(Self { digest, pack, pack_file, idx_file })
    }

    /// SHA-256 of the pack's bytes.
    #[must_use]
    pub const fn digest(&self) -> &Oid {
        &self.digest
    }

    /// The pack opened for reading; valid also after its files were moved.
    #[must_use]
    pub const fn pack(&self) -> &Arc<Pack> {
        &self.pack
    }

    /// Where the bytes lie, if not in memory.
    #[must_use]
    pub fn pack_path(&self) -> Option<&Path> {
        self.pack_file.as_ref().map(QuarantineFile::path)
    }

    /// Where the idx lies, if not in memory.
    #[must_use]
    pub fn idx_path(&self) -> Option<&Path> {
        self.idx_file.as_ref().map(QuarantineFile::path)
    }

    /// Make the bytes of the pack file durable, if there is one. The idx can be made again.
    ///
    /// # Errors
    /// `Io`.
    pub fn sync(&self) -> Result<()> {
        self.pack_file.as_ref().map_or(Ok(()), QuarantineFile::sync)
    }

    /// Somebody moved the files: do not delete them.
    pub fn release(&self) {
        [&self.pack_file, &self.idx_file].into_iter().flatten().for_each(QuarantineFile::release);
    }
}

/// Keep the idx where the pack is: in memory, or in a file beside it.
fn store_idx(
    idx: IndexBuilder,
    trailer: &[u8],
    pack_path: &Path,
    in_file: bool,
) -> Result<(Bytes, Option<QuarantineFile>)> {
    if !in_file {
        return Ok((Bytes::from(idx.to_bytes(trailer)?), None));
    }
    let file = QuarantineFile::create(&idx_path(pack_path))?;
    let mut out = BufWriter::with_capacity(256 << 10, file.writer());
    idx.write(trailer, &mut out)?;
    out.flush()?;
    drop(out);
    Ok((file.map()?, Some(file)))
}

/// `x.pack` has its idx at `x.idx`, anything else at its own name and `.idx`.
fn idx_path(pack_path: &Path) -> PathBuf {
    if pack_path.extension().is_some_and(|extension| extension == "pack") {
        return pack_path.with_extension("idx");
    }
    let mut name = pack_path.as_os_str().to_owned();
    name.push(".idx");
    PathBuf::from(name)
}
