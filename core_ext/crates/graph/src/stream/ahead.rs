//! Making entries ahead of the reader, in several threads.
//!
//! Jobs are taken back in the order in which they were given. Whoever wants the next one and finds that nobody has begun it
//! does it himself; while it is being done he does another. The threads start once so much waits that it is worth them.
//!
//! Nobody waits for the threads: who drops the jobs may hold a lock that others need (Python's), and an object can take
//! seconds. They own what they use, begin nothing any more, and end with the step of the object that they are at.

use super::jobs::Jobs;
use packhouse_object::{CancelFlag, Error, Result};
use packhouse_pack::Ordinal;
use parking_lot::{Condvar, Mutex};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Objects of so many bytes in all are compressed in about the time that it takes until a thread has started.
pub(crate) const WORTH_THREADS_BYTES: u64 = 64 << 10;

/// What is done in the threads.
pub(crate) trait Make: Send + Sync + 'static {
    /// The size of an object, in bytes.
    fn size_of(&self, ordinal: Ordinal) -> Result<u64>;

    /// The entry of an object. Nobody wants it any more once `over` is set.
    fn make(&self, ordinal: Ordinal, over: &CancelFlag) -> Result<Vec<u8>>;
}

/// Entries that are being made. Memory: what [`Self::waiting_bytes`] says, and for each thread an object; once this is
/// dropped only the latter, until the threads see it.
pub(crate) struct Ahead<M: Make> {
    shared: Arc<Shared<M>>,
    threads: usize,
    wanted_threads: usize,
    worth_threads_bytes: u64,
}

struct Shared<M> {
    maker: M,
    jobs: Mutex<Jobs>,
    /// Something was added, something is done, or all is over.
    changed: Condvar,
    /// Set with `jobs` locked, so that nobody begins to wait after it.
    over: CancelFlag,
}

impl<M: Make> Ahead<M> {
    /// No jobs yet, to be done by so many threads, the reader's counted, once there is so much to do.
    pub(crate) fn new(maker: M, threads: usize, worth_threads_bytes: u64) -> Self {
        let shared = Shared { maker, jobs: Mutex::default(), changed: Condvar::new(), over: CancelFlag::new() };
        Self { shared: Arc::new(shared), threads: 0, wanted_threads: threads.saturating_sub(1), worth_threads_bytes }
    }

    /// Whether it is of use to plan ahead.
    pub(crate) const fn works_ahead(&self) -> bool {
        self.wanted_threads > 0
    }

    /// The sizes of the objects that have not been taken back.
    pub(crate) fn waiting_bytes(&self) -> u64 {
        self.shared.jobs.lock().waiting_bytes()
    }

    /// Give an object. It has not been given if this fails.
    pub(crate) fn add(&mut self, ordinal: Ordinal) -> Result<()> {
        let size_bytes = if self.works_ahead() { self.shared.maker.size_of(ordinal)? } else { 0 };
        if self.threads < self.wanted_threads && self.is_worth_threads(size_bytes) {
            self.start_threads()?;
        }
        self.shared.jobs.lock().add(ordinal, size_bytes);
        self.shared.changed.notify_one();
        Ok(())
    }

    /// Take back the entry of the first object that was given.
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

    /// Whether with one more object there is enough for somebody else to do.
    fn is_worth_threads(&self, size_bytes: u64) -> bool {
        let jobs = self.shared.jobs.lock();
        jobs.has_waiting() && jobs.waiting_bytes() + size_bytes >= self.worth_threads_bytes
    }

    fn start_threads(&mut self) -> Result<()> {
        while self.threads < self.wanted_threads {
            let shared = Arc::clone(&self.shared);
            let thread = std::thread::Builder::new().name("compress".to_owned());
            thread.spawn(move || shared.work())?;
            self.threads += 1;
        }
        Ok(())
    }
}

impl<M: Make> Drop for Ahead<M> {
    fn drop(&mut self) {
        let mut jobs = self.shared.jobs.lock();
        self.shared.over.set();
        let unwanted = jobs.give_up();
        drop(jobs);
        self.shared.changed.notify_all();
        drop(unwanted); // now, not when the last thread ends
    }
}

impl<M: Make> Shared<M> {
    fn work(&self) {
        let mut jobs = self.jobs.lock();
        while !self.over.is_set() {
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
        let done = catch_unwind(AssertUnwindSafe(|| self.maker.make(ordinal, &self.over)));
        let panicked = || Err(Error::Io(std::io::Error::other("compressing an object panicked")));
        self.jobs.lock().end(number, done.unwrap_or_else(|_| panicked()));
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
    use std::time::Duration;

    /// Longer than anything here takes: only a test that fails waits so long.
    const FAILED: Duration = Duration::from_secs(20);
    const PANICS: Ordinal = 7;
    const FAILS: Ordinal = 8;

    /// Says what it begins, waits at a gate, and says whether it was over then.
    struct Gated {
        begun: Sender<Ordinal>,
        gate: Mutex<Receiver<()>>,
        was_over: Sender<bool>,
    }

    struct Outside {
        begun: Receiver<Ordinal>,
        gate: Sender<()>,
        was_over: Receiver<bool>,
    }

    fn gated() -> (Gated, Outside) {
        let ((begun, begun_outside), (gate_outside, gate), (was_over, was_over_outside)) =
            (channel(), channel(), channel());
        let outside = Outside { begun: begun_outside, gate: gate_outside, was_over: was_over_outside };
        (Gated { begun, gate: Mutex::new(gate), was_over }, outside)
    }

    impl Make for Gated {
        fn size_of(&self, _: Ordinal) -> Result<u64> {
            Ok(1)
        }

        fn make(&self, ordinal: Ordinal, over: &CancelFlag) -> Result<Vec<u8>> {
            let _ = self.begun.send(ordinal);
            let _ = self.gate.lock().recv();
            let _ = self.was_over.send(over.is_set());
            assert_ne!(ordinal, PANICS, "this test wants a panic");
            if ordinal == FAILS { Err(Error::Cancelled) } else { Ok(ordinal.to_be_bytes().to_vec()) }
        }
    }

    /// Jobs of which a thread has begun the first, and is held at the gate.
    fn held_at(first: Ordinal, second: Ordinal) -> Result<(Ahead<Gated>, Outside)> {
        let (maker, outside) = gated();
        let mut ahead = Ahead::new(maker, 2, 0);
        ahead.add(first)?;
        ahead.add(second)?;
        assert_eq!(outside.begun.recv_timeout(FAILED), Ok(first));
        Ok((ahead, outside))
    }

    /// What some work returns; an error, and no test that hangs, if it waits for ever.
    fn in_time<T: Send + 'static>(
        work: impl FnOnce() -> T + Send + 'static,
    ) -> std::result::Result<T, RecvTimeoutError> {
        let (done, was_done) = channel();
        std::thread::spawn(move || {
            let _ = done.send(work());
        });
        was_done.recv_timeout(FAILED)
    }

    fn dropped(ahead: Ahead<Gated>) {
        assert_eq!(in_time(move || drop(ahead)), Ok(()), "dropping waits for a thread that is held at the gate");
    }

    #[test]
    fn what_is_little_is_done_by_its_reader_alone() -> Result<()> {
        let (maker, outside) = gated();
        let mut ahead = Ahead::new(maker, 2, 3);
        drop(outside.gate);
        for ordinal in [1, 2] {
            ahead.add(ordinal)?;
        }
        assert_eq!(ahead.threads, 0);
        ahead.add(3)?;
        assert_eq!(ahead.threads, 1);
        assert_eq!([ahead.take()?, ahead.take()?, ahead.take()?], [[0, 0, 0, 1], [0, 0, 0, 2], [0, 0, 0, 3]]);
        Ok(())
    }

    #[test]
    fn dropping_waits_for_no_thread_and_the_thread_can_see_it() -> Result<()> {
        let (ahead, outside) = held_at(1, 2)?;
        dropped(ahead);
        drop(outside.gate);
        assert_eq!(outside.was_over.recv_timeout(FAILED), Ok(true));
        Ok(())
    }

    #[test]
    fn a_thread_ends_after_the_object_in_hand_and_frees_what_it_used() -> Result<()> {
        let (ahead, outside) = held_at(1, 2)?;
        let shared = Arc::downgrade(&ahead.shared);
        dropped(ahead);
        assert!(shared.upgrade().is_some_and(|shared| !shared.jobs.lock().has_waiting()));
        drop(outside.gate);
        // The maker's end of the channel goes with the last thread, which did not begin the second job.
        assert_eq!(outside.begun.recv_timeout(FAILED), Err(RecvTimeoutError::Disconnected));
        Ok(())
    }

    #[test]
    fn a_thread_that_waits_for_jobs_ends_too() -> Result<()> {
        let (mut ahead, outside) = held_at(1, 2)?;
        drop(outside.gate);
        assert_eq!(ahead.take()?, [0, 0, 0, 1]);
        assert_eq!(ahead.take()?, [0, 0, 0, 2]);
        dropped(ahead);
        assert_eq!(outside.begun.recv_timeout(FAILED), Ok(2));
        assert_eq!(outside.begun.recv_timeout(FAILED), Err(RecvTimeoutError::Disconnected));
        Ok(())
    }

    #[test]
    fn an_error_and_a_panic_of_a_thread_reach_the_reader() -> Result<()> {
        for (bad, error) in [(PANICS, "compressing an object panicked"), (FAILS, "cancelled")] {
            let (mut ahead, outside) = held_at(bad, 1)?;
            drop(outside.gate);
            let taken = in_time(move || [ahead.take(), ahead.take()].map(|taken| taken.map_err(|e| e.to_string())));
            assert_eq!(taken, Ok([Err(error.to_owned()), Ok(vec![0, 0, 0, 1])]));
        }
        Ok(())
    }
}
