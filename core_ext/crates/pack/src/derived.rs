//! Writing files that are made of a pack: hashed while they are written, and under their name only when they are whole.

use packhouse_object::{Hasher, ObjectFormat, Oid, Result};
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// Written at a time.
const PIECE_BYTES: usize = 256 << 10;

/// A writer that hashes what passes and appends the hash at the end.
pub struct HashedWriter<W> {
    out: W,
    hasher: Hasher,
}

impl<W: Write> HashedWriter<W> {
    /// Hash what goes to `out`.
    pub fn new(format: ObjectFormat, out: W) -> Self {
        Self { out, hasher: Hasher::unchecked(format) }
    }

    /// Write more bytes.
    ///
    /// # Errors
    /// `Io` if `out` fails.
    pub fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.hasher.update(bytes);
        Ok(self.out.write_all(bytes)?)
    }

    /// Write the hash of all before. Returns it.
    ///
    /// # Errors
    /// `Io` if `out` fails.
    pub fn finish(mut self) -> Result<Oid> {
        let trailer = self.hasher.finish()?;
        self.out.write_all(trailer.as_bytes())?;
        self.out.flush()?;
        Ok(trailer)
    }
}

/// Write a file: to a temporary one beside `path`, then renamed. It is not synced: it can be made again.
///
/// # Errors
/// Those of `write`; `Io`. What was at `path` before is still there then.
pub fn write_renamed(path: &Path, write: impl FnOnce(&mut BufWriter<&File>) -> Result<()>) -> Result<()> {
    let temporary = Temporary::create(path)?;
    let mut out = BufWriter::with_capacity(PIECE_BYTES, &temporary.file);
    write(&mut out)?;
    out.flush()?;
    drop(out);
    temporary.rename(path)
}

/// A file that goes when it is dropped, unless it was renamed.
struct Temporary {
    file: File,
    path: PathBuf,
}

impl Temporary {
    /// A new file beside `target`. The process and the thread are in its name: two may write the same file at once.
    fn create(target: &Path) -> Result<Self> {
        let mut path = target.as_os_str().to_owned();
        path.push(format!(".{}-{:?}.tmp", std::process::id(), std::thread::current().id()));
        let path = PathBuf::from(path);
        Ok(Self { file: File::create(&path)?, path })
    }

    fn rename(mut self, target: &Path) -> Result<()> {
        fs::rename(&self.path, target)?;
        self.path = PathBuf::new();
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.path.as_os_str().is_empty() {
            let _ = fs::remove_file(&self.path); // nobody to tell; the name says that it is temporary
        }
    }
}
