//! Where the bytes of a pack lie while it is taken in: in memory, and from a size on in a file.
//!
//! The file is created exclusively and locked until it is dropped, so that whoever sweeps a quarantine folder can tell a
//! pack that is arriving from what a killed process left behind (design, section 6). Bytes go to it in large writes.
//! Memory: at most `spill_bytes`, then `WRITE_BYTES`.

use packhouse_object::Result;
use packhouse_pack::Bytes;
use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

const WRITE_BYTES: usize = 512 << 10;

/// A file of the quarantine: it goes when it is dropped, unless it was given away.
pub(crate) struct QuarantineFile {
    file: File,
    path: PathBuf,
    is_released: AtomicBool,
}

impl QuarantineFile {
    /// Create the file, which must not exist, and lock it.
    pub fn create(path: &Path) -> Result<Self> {
        loop {
            let file = OpenOptions::new().read(true).write(true).create_new(true).open(path)?;
            let created = Self { file, path: path.to_owned(), is_released: AtomicBool::new(false) };
            if created.lock()? {
                return Ok(created);
            }
        }
    }

    /// Lock the new file. `false` if a sweep came before, took it for a dead process's and removed it.
    fn lock(&self) -> Result<bool> {
        self.file.lock()?;
        Ok(self.file.metadata()?.nlink() > 0)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Leave the file to somebody else, who has moved it.
    pub fn release(&self) {
        self.is_released.store(true, Ordering::Relaxed);
    }

    pub fn sync(&self) -> Result<()> {
        Ok(self.file.sync_all()?)
    }

    pub fn map(&self) -> Result<Bytes> {
        Bytes::map(&self.file)
    }

    /// For appending.
    pub const fn writer(&self) -> &File {
        &self.file
    }
}

impl Drop for QuarantineFile {
    fn drop(&mut self) {
        if !self.is_released.load(Ordering::Relaxed) {
            // A failure has nobody to be told to: the sweep of the folder finds the file, whose lock is free now.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// The bytes of one pack, appended as they come.
pub(crate) struct Quarantine {
    path: PathBuf,
    spill_bytes: u64,
    /// All bytes so far, or those that are not in the file yet.
    pending: Vec<u8>,
    file: Option<QuarantineFile>,
    len: u64,
}

impl Quarantine {
    pub fn new(path: PathBuf, spill_bytes: u64) -> Self {
        Self { path, spill_bytes, pending: Vec::new(), file: None, len: 0 }
    }

    /// Bytes so far.
    pub const fn len(&self) -> u64 {
        self.len
    }

    pub fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.len += bytes.len() as u64;
        if self.file.is_none() && self.len > self.spill_bytes {
            self.file = Some(QuarantineFile::create(&self.path)?);
        }
        let Some(file) = &self.file else {
            self.pending.extend_from_slice(bytes);
            return Ok(());
        };
        if self.pending.is_empty() && bytes.len() >= WRITE_BYTES {
            return Ok(file.writer().write_all(bytes)?);
        }
        self.pending.extend_from_slice(bytes);
        if self.pending.len() >= WRITE_BYTES {
            file.writer().write_all(&self.pending)?;
            self.pending.clear();
        }
        Ok(())
    }

    /// Overwrite bytes that were appended before.
    pub fn overwrite(&mut self, offset: u64, bytes: &[u8]) -> Result<()> {
        self.flush()?;
        if let Some(file) = &self.file {
            return Ok(file.writer().write_all_at(bytes, offset)?);
        }
        #[allow(clippy::cast_possible_truncation)] // in memory
        let start = offset as usize;
        self.pending[start..start + bytes.len()].copy_from_slice(bytes);
        Ok(())
    }

    /// Cut off what lies behind `len` bytes.
    pub fn truncate(&mut self, len: u64) -> Result<()> {
        self.flush()?;
        self.len = len;
        match &self.file {
            Some(file) => {
                file.writer().set_len(len)?;
                file.writer().seek(SeekFrom::Start(len))?;
            }
            #[allow(clippy::cast_possible_truncation)] // in memory
            None => self.pending.truncate(len as usize),
        }
        Ok(())
    }

    /// All bytes so far, for reading. Bytes in memory are copied.
    pub fn bytes(&mut self) -> Result<Bytes> {
        self.flush()?;
        match &self.file {
            Some(file) => file.map(),
            None => Ok(Bytes::from(self.pending.clone())),
        }
    }

    /// The file, if the bytes lie in one.
    pub fn into_file(mut self) -> Result<Option<QuarantineFile>> {
        self.flush()?;
        Ok(self.file)
    }

    fn flush(&mut self) -> Result<()> {
        if let Some(file) = &self.file {
            file.writer().write_all(&self.pending)?;
            self.pending = Vec::new();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_the_same_in_memory_and_in_a_file() {
        let folder = tempfile::tempdir().expect("a folder");
        for (spill_bytes, piece_len) in [(u64::MAX, 1000), (0, 1), (0, WRITE_BYTES + 1), (5_000, 1000)] {
            let path = folder.path().join("x");
            let mut quarantine = Quarantine::new(path.clone(), spill_bytes);
            let mut expected = vec![7; 10_000 + piece_len * 2];
            for piece in expected.chunks(piece_len) {
                quarantine.append(piece).expect("written");
            }
            quarantine.overwrite(8, b"new").expect("overwritten");
            expected[8..11].copy_from_slice(b"new");
            quarantine.truncate(9_000).expect("cut");
            quarantine.append(b"end").expect("written");
            expected.truncate(9_000);
            expected.extend_from_slice(b"end");
            assert_eq!(quarantine.len(), expected.len() as u64);
            assert_eq!(*quarantine.bytes().expect("mapped"), expected);
            assert_eq!(path.exists(), spill_bytes != u64::MAX);
            assert_eq!(quarantine.into_file().expect("flushed").is_some(), spill_bytes != u64::MAX);
            assert!(!path.exists());
        }
    }

    #[test]
    fn a_released_file_stays_and_any_other_goes() {
        let folder = tempfile::tempdir().expect("a folder");
        for is_released in [false, true] {
            let path = folder.path().join("x");
            let file = QuarantineFile::create(&path).expect("created");
            assert!(QuarantineFile::create(&path).is_err(), "it exists");
            assert!(File::open(&path).expect("readable").try_lock().is_err(), "it is locked");
            if is_released {
                file.release();
            }
            drop(file);
            assert_eq!(path.exists(), is_released);
        }
    }

    #[test]
    fn a_new_file_that_a_sweep_removed_before_it_was_locked_does_not_count() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x");
        let file = QuarantineFile::create(&path).expect("created");
        assert!(file.lock().expect("locked"));
        fs::remove_file(&path).expect("removed");
        assert!(!file.lock().expect("locked"));
    }
}
