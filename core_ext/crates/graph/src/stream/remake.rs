//! Compressing what has no usable stored form, ahead of the reader and in several threads.
//!
//! Jobs are taken back in the order in which they were given. Whoever wants the next one and finds that nobody has begun it
//! does it himself; while it is being done he does another. The threads start with the second job that waits and end with
//! the pack.

use super::answer::Answer;
use packhouse_object::{Error, Kind, Result, hash_object, zlib};
use packhouse_pack::{Database, EntryHeader, EntryKind, Ordinal};
use parking_lot::{Condvar, Mutex};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;

/// How objects are compressed again.
#[derive(Clone, Copy)]
pub(crate) struct Remaking {
    /// libdeflate's level.
    pub(crate) level: u32,
    /// Whether their content is hashed again, because nobody else will.
    pub(crate) checks_names: bool,
    /// Threads that do it, the reader's counted.
    pub(crate) threads: usize,
}

/// Objects that are being compressed again. Memory: what [`Self::waiting_bytes`] says, and for each thread an object.
pub(crate) struct Remaker {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    wanted_threads: usize,
}

struct Shared {
    answer: Arc<Answer>,
    remaking: Remaking,
    jobs: Mutex<Jobs>,
    /// Something was added, something is done, or all is over.
    changed: Condvar,
}

#[derive(Default)]
struct Jobs {
    queue: VecDeque<Job>,
    /// How many jobs were taken back before the first of the queue.
    taken: u64,
    /// How many at the front of the queue have been begun.
    begun: usize,
    /// The sizes of the objects in the queue.
    waiting_bytes: u64,
    is_over: bool,
}

struct Job {
    ordinal: Ordinal,
    size_bytes: u64,
    done: Option<Result<Vec<u8>>>,
}

impl Remaker {
    pub(crate) fn new(answer: Arc<Answer>, remaking: Remaking) -> Self {
        let shared = Shared { answer, remaking, jobs: Mutex::default(), changed: Condvar::new() };
        Self { shared: Arc::new(shared), threads: Vec::new(), wanted_threads: remaking.threads.saturating_sub(1) }
    }

    /// Whether it is of use to plan ahead.
    pub(crate) const fn works_ahead(&self) -> bool {
        self.wanted_threads > 0
    }

    /// The sizes of the objects that have not been taken back.
    pub(crate) fn waiting_bytes(&self) -> u64 {
        self.shared.jobs.lock().waiting_bytes
    }

    /// Give an object.
    pub(crate) fn add(&mut self, ordinal: Ordinal) -> Result<()> {
        let size_bytes = if self.works_ahead() { self.shared.answer.db.size_of(ordinal)? } else { 0 };
        let mut jobs = self.shared.jobs.lock();
        jobs.waiting_bytes += size_bytes;
        jobs.queue.push_back(Job { ordinal, size_bytes, done: None });
        let waiting = jobs.queue.len() - jobs.begun;
        drop(jobs);
        self.shared.changed.notify_one();
        if waiting > 1 { self.start_threads() } else { Ok(()) }
    }

    /// Take back the entry of the first object that was given: its header and its stream.
    pub(crate) fn take(&mut self) -> Result<Vec<u8>> {
        let mut jobs = self.shared.jobs.lock();
        loop {
            if let Some(done) = jobs.take_first() {
                return done;
            }
            if let Some((number, ordinal)) = jobs.begin() {
                drop(jobs);
                self.shared.finish(number, ordinal);
                jobs = self.shared.jobs.lock();
            } else {
                self.shared.changed.wait(&mut jobs);
            }
        }
    }

    fn start_threads(&mut self) -> Result<()> {
        while self.threads.len() < self.wanted_threads {
            let shared = Arc::clone(&self.shared);
            let thread = std::thread::Builder::new().name("compress".to_owned());
            self.threads.push(thread.spawn(move || shared.work())?);
        }
        Ok(())
    }
}

impl Drop for Remaker {
    fn drop(&mut self) {
        self.shared.jobs.lock().is_over = true;
        self.shared.changed.notify_all();
        for thread in self.threads.drain(..) {
            let _ = thread.join(); // what a thread met is in its job, and nobody wants that any more
        }
    }
}

impl Shared {
    fn work(&self) {
        let mut jobs = self.jobs.lock();
        while !jobs.is_over {
            if let Some((number, ordinal)) = jobs.begin() {
                drop(jobs);
                self.finish(number, ordinal);
                jobs = self.jobs.lock();
            } else {
                self.changed.wait(&mut jobs);
            }
        }
    }

    fn finish(&self, number: u64, ordinal: Ordinal) {
        // A job that was begun and never ends would stop its reader for ever.
        let done = catch_unwind(AssertUnwindSafe(|| remade(&self.answer, ordinal, self.remaking)));
        let panicked = || Err(Error::Io(std::io::Error::other("compressing an object panicked")));
        self.jobs.lock().end(number, done.unwrap_or_else(|_| panicked()));
        self.changed.notify_all();
    }
}

impl Jobs {
    fn begin(&mut self) -> Option<(u64, Ordinal)> {
        let job = self.queue.get(self.begun)?;
        self.begun += 1;
        Some((self.taken + self.begun as u64 - 1, job.ordinal))
    }

    fn end(&mut self, number: u64, done: Result<Vec<u8>>) {
        let job = usize::try_from(number - self.taken).ok().and_then(|at| self.queue.get_mut(at));
        if let Some(job) = job {
            job.done = Some(done);
        }
    }

    fn take_first(&mut self) -> Option<Result<Vec<u8>>> {
        let done = self.queue.front_mut()?.done.take()?;
        self.waiting_bytes -= self.queue.pop_front().map_or(0, |job| job.size_bytes);
        self.taken += 1;
        self.begun -= 1;
        Some(done)
    }
}

fn remade(answer: &Answer, ordinal: Ordinal, remaking: Remaking) -> Result<Vec<u8>> {
    answer.cancel.check()?;
    let db = &answer.db;
    let (kind, content) = db.read(ordinal, db.limits().max_object_bytes)?;
    if remaking.checks_names {
        check_name(db, ordinal, kind, &content)?;
    }
    let mut bytes = Vec::new();
    EntryHeader::write(EntryKind::Whole(kind), content.len() as u64, &mut bytes);
    bytes.extend_from_slice(&zlib::deflate(&content, remaking.level));
    Ok(bytes)
}

fn check_name(db: &Database, ordinal: Ordinal, kind: Kind, content: &[u8]) -> Result<()> {
    let oid = db.oid_of(ordinal);
    if hash_object(db.format(), kind, content)? == oid {
        return Ok(());
    }
    let (pack, offset) = db.pack_and_offset(ordinal);
    let what = format!("the content of {oid} does not hash to its name (pack {})", pack.name());
    Err(Error::CorruptPack { offset, what })
}
