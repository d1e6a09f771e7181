//! One received pack on its way to a stored one.

use crate::checks::Checks;
use crate::entries::Entries;
use crate::examine::Context;
use crate::forest::Forest;
use crate::ingested::{Facts, IngestedPack, check_against_known};
use crate::intake::{Intake, PackHashes, Received};
use crate::names::Names;
use crate::options::Options;
use crate::progress::Progress;
use crate::quarantine::Quarantine;
use crate::quarantined::QuarantinedPack;
use crate::resolve::Resolver;
use crate::share::Seed;
use crate::workers::panicked;
use crate::{table, thin};
use packhouse_object::{ObjectSource, Oid, Result};
use packhouse_pack::{Database, Limits, Pack};
use parking_lot::Mutex;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A pack that is being received. What goes wrong ends it, and its file with it.
pub struct Ingest {
    options: Options,
    context: Arc<Context>,
    intake: Intake,
    quarantine: Quarantine,
    path: PathBuf,
    progress: Arc<Progress>,
}

impl Ingest {
    /// An ingest that keeps bytes over `options.spill_bytes` in a new file at `path`, and the idx beside it.
    #[must_use]
    pub fn new(path: &Path, options: Options) -> Self {
        let progress = Arc::new(Progress::default());
        let context = new_context(&options, true);
        Self {
            intake: Intake::new(context.clone(), &options, progress.clone()),
            quarantine: Quarantine::new(path.to_owned(), options.spill_bytes),
            path: path.to_owned(),
            context,
            options,
            progress,
        }
    }

    /// The counters, for another thread.
    #[must_use]
    pub fn progress(&self) -> Arc<Progress> {
        self.progress.clone()
    }

    /// Take in bytes as they arrive. Returns how many belonged to the pack: fewer than there are once it has ended.
    ///
    /// # Errors
    /// `CorruptPack`, `CorruptObject`, `Collision`, `Fsck`: what arrived is refused; `Limit`; `Io`; `Cancelled`. After an
    /// error there is nothing to be done but to drop the ingest.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<usize> {
        self.options.cancel.check()?;
        let used = self.intake.feed(bytes, &self.options)?;
        let size_bytes = self.quarantine.len() + used as u64;
        crate::parser::within("pack size in bytes", size_bytes, self.options.max_pack_bytes)?;
        self.quarantine.append(&bytes[..used])?;
        Ok(used)
    }

    /// Resolve all deltas, complete a thin pack from `known`, check every object, write the idx.
    ///
    /// # Errors
    /// As [`Self::feed`]; `CorruptPack` for a pack that is cut short, a delta without base or an object sent twice.
    pub fn finish(self, known: &dyn ObjectSource) -> Result<IngestedPack> {
        let Self { options, context, intake, mut quarantine, path, progress } = self;
        let mut received = intake.finish()?;
        let own_count = received.entries.len();
        let pack = quarantine.bytes()?;
        let bases = resolve_all(&mut received.entries, &pack, known, &context, &options, &progress)?;
        drop(pack);
        if !bases.is_empty() {
            complete(&mut received, &mut quarantine, &bases, known, &context, &options)?;
        }
        let (idx, kinds) = table::sort(&received.entries, &context.names.lock(), own_count, options.format)?;
        drop(received.entries);
        *context.names.lock() = Names::new(options.format);
        let hashes = (&received.trailer[..], received.digest);
        let stored = QuarantinedPack::new(quarantine, &path, idx, options.format, hashes)?;
        let pack = stored.pack();
        check_against_known(pack, &kinds, known)?;
        let checks = Arc::into_inner(context).and_then(|context| context.checks).ok_or_else(panicked)?;
        checks.special_files(&database(pack, &options)?, known, options.max_resident_object_bytes)?;
        let thin_base_count = u32::try_from(bases.len()).unwrap_or(u32::MAX);
        let (warnings, edges) = checks.into_parts();
        let facts = Facts { thin_base_count, kinds, edges, warnings };
        Ok(IngestedPack { options, stored, facts })
    }
}

/// The objects of one pack, for reading.
pub(crate) fn database(pack: &Arc<Pack>, options: &Options) -> Result<Database> {
    let limits =
        Limits { max_object_bytes: options.max_resident_object_bytes, max_delta_depth: options.max_delta_depth };
    let cache_bytes = usize::try_from(options.base_cache_bytes).unwrap_or(usize::MAX);
    Database::new(vec![Arc::clone(pack)], options.format, limits, cache_bytes)
}

pub(crate) fn new_context(options: &Options, checks: bool) -> Arc<Context> {
    Arc::new(Context {
        format: options.format,
        cancel: options.cancel.clone(),
        names: Mutex::new(Names::new(options.format)),
        checks: checks.then(|| Checks::new(options.format, options.policy.clone())),
    })
}

/// Name and check every delta of a pack. Returns the bases outside of it that were needed.
pub(crate) fn resolve_all(
    entries: &mut Entries,
    pack: &[u8],
    known: &dyn ObjectSource,
    context: &Arc<Context>,
    options: &Options,
    progress: &Progress,
) -> Result<Vec<Oid>> {
    context.names.lock().grow(entries.len());
    let forest = Forest::new(entries);
    let seeds = whole_bases(&forest, &context.names.lock())?;
    let inside = Resolver { pack, entries, forest: &forest, outside: &[], known, context, options, progress };
    inside.run(seeds, options.threads)?;
    let pending = forest.unclaimed();
    if pending.is_empty() {
        return Ok(Vec::new());
    }
    let outside: Vec<Oid> = pending.iter().map(|&(_, oid)| oid).collect();
    thin::resolve_outside(&Resolver { outside: &outside, ..inside }, &pending)
}

fn whole_bases(forest: &Forest, names: &Names) -> Result<Vec<Seed>> {
    let mut seeds = Vec::new();
    #[allow(clippy::cast_possible_truncation)] // a pack announces its entries in 32 bits
    for index in 0..names.len() as u32 {
        let Some(kind) = names.kind(index) else { continue };
        let children = forest.children(index, &names.oid(index)?);
        if !children.is_empty() {
            seeds.push(Seed { index, kind, children });
        }
    }
    Ok(seeds)
}

/// Append the bases of a thin pack, and write its count, its trailer and its digest anew.
fn complete(
    received: &mut Received,
    quarantine: &mut Quarantine,
    bases: &[Oid],
    known: &dyn ObjectSource,
    context: &Context,
    options: &Options,
) -> Result<()> {
    quarantine.truncate(quarantine.len() - options.format.oid_len() as u64)?;
    let source = thin::Source { known, max_bytes: options.max_resident_object_bytes, format: options.format };
    thin::append(quarantine, &mut received.entries, &mut context.names.lock(), bases, &source)?;
    quarantine.overwrite(8, &received.entries.len().to_be_bytes())?;
    let mut hashes = PackHashes::new(options.format);
    for piece in quarantine.bytes()?.chunks(1 << 20) {
        options.cancel.check()?;
        hashes.update(piece);
    }
    let (trailer, digest) = hashes.finish()?;
    quarantine.append(trailer.as_bytes())?;
    (received.trailer, received.digest) = (trailer.as_bytes().to_vec(), digest);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use packhouse_object::source::NoObjects;
    use packhouse_object::{CancelFlag, Error, Kind, ObjectFormat, zlib};
    use packhouse_pack::{EntryHeader, EntryKind};

    /// A source whose storage brings the reader down.
    struct Panicking;

    impl ObjectSource for Panicking {
        fn kind_of(&self, _oid: &Oid) -> Result<Option<Kind>> {
            Ok(Some(Kind::Blob))
        }

        fn read(&self, _oid: &Oid, _max_bytes: u64) -> Result<Option<(Kind, Vec<u8>)>> {
            panic!("as the test wants it")
        }
    }

    fn options(threads: usize) -> Options {
        Options::for_stored(ObjectFormat::Sha1, threads, CancelFlag::new())
    }

    /// A pack of deltas on as many bases that are not in it.
    fn thin_pack(count: u32) -> Vec<u8> {
        let mut pack = b"PACK\0\0\0\x02".to_vec();
        pack.extend_from_slice(&count.to_be_bytes());
        for number in 0..count {
            let mut base = [0; 20];
            base[..4].copy_from_slice(&number.to_be_bytes());
            let base = Oid::from_bytes(&base).expect("20 bytes");
            EntryHeader::write(EntryKind::RefDelta(base), 4, &mut pack);
            pack.extend_from_slice(&zlib::deflate(b"\x00\x01\x01x", 6));
        }
        let mut hashes = PackHashes::new(ObjectFormat::Sha1);
        hashes.update(&pack);
        let (trailer, _) = hashes.finish().expect("a trailer is not checked");
        pack.extend_from_slice(trailer.as_bytes());
        pack
    }

    #[test]
    fn a_panic_in_any_thread_is_an_error_and_every_thread_ends() {
        let folder = tempfile::tempdir().expect("a folder");
        for threads in [1, 2, 4] {
            let mut ingest = Ingest::new(&folder.path().join("x.pack"), options(threads));
            let pack = thin_pack(1000);
            assert_eq!(ingest.feed(&pack).expect("well formed"), pack.len());
            assert!(matches!(ingest.finish(&Panicking), Err(Error::Io(_))));
            assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
        }
    }

    #[test]
    fn a_bad_object_seen_by_another_thread_ends_the_ingest() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut builder = crate::PackBuilder::new(ObjectFormat::Sha1, 1);
        for number in 0..5_000u32 {
            builder.add(Kind::Tree, &number.to_be_bytes()).expect("no collision");
        }
        let pack = builder.finish().expect("a pack");
        let mut ingest = Ingest::new(&folder.path().join("x.pack"), options(2));
        let outcome = pack.chunks(1000).try_for_each(|piece| ingest.feed(piece).map(drop));
        assert!(outcome.and_then(|()| ingest.finish(&NoObjects).map(drop)).is_err());
    }
}
