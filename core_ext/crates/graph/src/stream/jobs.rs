//! Entries that are to be made: given and taken back in one order, begun and done by anybody.

use packhouse_object::Result;
use packhouse_pack::Ordinal;
use std::collections::VecDeque;

/// What was given, in that order.
#[derive(Default)]
pub(crate) struct Jobs {
    queue: VecDeque<Job>,
    /// How many jobs were taken back before the first of the queue.
    taken: u64,
    /// How many at the front of the queue have been begun.
    begun: usize,
    /// The sizes of the objects in the queue.
    waiting_bytes: u64,
}

/// An object whose entry is wanted.
pub(crate) struct Job {
    ordinal: Ordinal,
    size_bytes: u64,
    done: Option<Result<Vec<u8>>>,
}

impl Jobs {
    /// Whether there is a job that nobody has begun.
    pub(crate) fn has_waiting(&self) -> bool {
        self.queue.len() > self.begun
    }

    /// The sizes of the objects that have not been taken back.
    pub(crate) const fn waiting_bytes(&self) -> u64 {
        self.waiting_bytes
    }

    pub(crate) fn add(&mut self, ordinal: Ordinal, size_bytes: u64) {
        self.waiting_bytes += size_bytes;
        self.queue.push_back(Job { ordinal, size_bytes, done: None });
    }

    /// The first job that nobody has begun, from now on the caller's: its number, and what is wanted.
    pub(crate) fn begin(&mut self) -> Option<(u64, Ordinal)> {
        let job = self.queue.get(self.begun)?;
        self.begun += 1;
        Some((self.taken + self.begun as u64 - 1, job.ordinal))
    }

    /// Note what became of a job. There is none any more if all was given up.
    pub(crate) fn end(&mut self, number: u64, done: Result<Vec<u8>>) {
        let job = usize::try_from(number - self.taken).ok().and_then(|at| self.queue.get_mut(at));
        if let Some(job) = job {
            job.done = Some(done);
        }
    }

    /// What became of the first job, once it is done.
    pub(crate) fn take_first(&mut self) -> Option<Result<Vec<u8>>> {
        let done = self.queue.front_mut()?.done.take()?;
        self.waiting_bytes -= self.queue.pop_front().map_or(0, |job| job.size_bytes);
        self.taken += 1;
        self.begun -= 1;
        Some(done)
    }

    /// Forget all jobs. Returns them, to be freed by who has time.
    pub(crate) fn give_up(&mut self) -> VecDeque<Job> {
        std::mem::take(&mut self.queue)
    }
}
