//! The bytes of a pack or of its index: a mapped file, or memory.

use packhouse_object::Result;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// Immutable bytes that many threads read; cloning shares them.
#[derive(Clone)]
pub enum Bytes {
    /// A file mapped into memory; it may be renamed or unlinked meanwhile.
    Mapped(Arc<memmap2::Mmap>),
    /// Bytes in memory.
    Owned(Arc<[u8]>),
}

impl Bytes {
    /// Map the file at `path`.
    ///
    /// # Errors
    /// `Io` if it cannot be opened or mapped.
    pub fn open(path: &Path) -> Result<Self> {
        Ok(File::open(path).and_then(|file| map(&file)).map_err(|error| named(path, &error))?)
    }

    /// Map an open file, whose bytes never change again.
    ///
    /// # Errors
    /// `Io` if it cannot be mapped.
    pub fn map(file: &File) -> Result<Self> {
        Ok(map(file)?)
    }
}

fn map(file: &File) -> io::Result<Bytes> {
    if file.metadata()?.len() == 0 {
        return Ok(Bytes::Owned(Arc::new([]))); // mmap(2) refuses an empty file
    }
    // SAFETY: packs and their indexes are immutable under their digest (design, law 2): nothing of ours writes to a
    // file after it was published under its name, and it is created under another. Not guaranteed: an operator who
    // truncates a mapped file in place gets the process a SIGBUS, and one who overwrites it may change bytes between
    // two looks at them; no code here derives memory safety from a value that it read earlier. pread(2) would report
    // a short file as an error, at the price of a system call and a copy for each entry.
    #[allow(unsafe_code)]
    let map = unsafe { memmap2::Mmap::map(file)? };
    Ok(Bytes::Mapped(Arc::new(map)))
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

impl std::ops::Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Owned(bytes) => bytes,
        }
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Owned(bytes.into())
    }
}

impl From<Arc<[u8]>> for Bytes {
    fn from(bytes: Arc<[u8]>) -> Self {
        Self::Owned(bytes)
    }
}
