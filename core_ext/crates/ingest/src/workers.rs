//! The threads that name and check whole objects while the parser goes on.
//!
//! They start with the first full batch: a small push is worked off by the caller's thread alone.

use crate::examine::{Context, Examiner};
use crate::queue::{Batch, Queue, Unnamed};
use packhouse_object::{Error, Hasher, Result};
use std::sync::Arc;
use std::thread::JoinHandle;

/// The parser's end of the queue, and the threads at the other.
pub(crate) struct Workers {
    context: Arc<Context>,
    queue: Arc<Queue>,
    batch: Batch,
    examiner: Examiner,
    threads: Vec<JoinHandle<Result<()>>>,
    wanted_threads: usize,
}

impl Workers {
    /// threads: the caller's counted.
    pub fn new(context: Arc<Context>, threads: usize) -> Self {
        Self {
            examiner: Examiner::new(context.clone()),
            context,
            queue: Arc::default(),
            batch: Batch::default(),
            threads: Vec::new(),
            wanted_threads: threads.saturating_sub(1),
        }
    }

    /// An empty buffer for the content of the next object.
    pub fn buffer(&mut self) -> Vec<u8> {
        self.batch.buffer()
    }

    /// Give back a buffer.
    pub fn recycle(&mut self, buffer: Vec<u8>) {
        self.batch.recycle(buffer);
    }

    /// Have an object named and checked, soon.
    pub fn push(&mut self, object: Unnamed) -> Result<()> {
        self.batch.push(object);
        if self.batch.is_full() { self.hand_over() } else { Ok(()) }
    }

    /// Take the name of a blob that was too large to be held.
    pub fn name_large_blob(&mut self, index: u32, hasher: Hasher) -> Result<()> {
        self.examiner.name_large_blob(index, hasher)
    }

    /// Wait until all objects are named and checked.
    pub fn finish(mut self) -> Result<()> {
        work_off(&self.batch, &mut self.examiner)?;
        while let Some(batch) = self.queue.try_take() {
            work_off(&batch, &mut self.examiner)?;
        }
        self.queue.close();
        self.join()?;
        self.examiner.flush();
        Ok(())
    }

    fn hand_over(&mut self) -> Result<()> {
        if self.threads.iter().any(JoinHandle::is_finished) {
            return self.join(); // nobody has closed the queue: this one failed
        }
        if self.wanted_threads == 0 {
            work_off(&self.batch, &mut self.examiner)?;
            self.batch.clear();
            return Ok(());
        }
        self.start_threads()?;
        match self.queue.submit(std::mem::take(&mut self.batch)) {
            Ok(empty) => self.batch = empty,
            Err(full) => {
                self.batch = full;
                work_off(&self.batch, &mut self.examiner)?;
                self.batch.clear();
            }
        }
        Ok(())
    }

    fn start_threads(&mut self) -> Result<()> {
        while self.threads.len() < self.wanted_threads {
            let (queue, mut examiner) = (self.queue.clone(), Examiner::new(self.context.clone()));
            let work = move || {
                while let Some(batch) = queue.take() {
                    work_off(&batch, &mut examiner)?;
                    queue.recycle(batch);
                }
                examiner.flush();
                Ok(())
            };
            self.threads.push(std::thread::Builder::new().name("ingest".to_owned()).spawn(work)?);
        }
        Ok(())
    }

    fn join(&mut self) -> Result<()> {
        let mut outcome = Ok(());
        self.queue.close();
        for thread in self.threads.drain(..) {
            outcome = outcome.and(thread.join().unwrap_or_else(|_| Err(panicked())));
        }
        outcome
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.queue.abandon();
        for thread in self.threads.drain(..) {
            let _ = thread.join(); // the work is given up, and what went wrong in it with it
        }
    }
}

/// The error for a thread that panicked: a fault of ours, which takes down this ingest and nothing else.
pub(crate) fn panicked() -> Error {
    Error::Io(std::io::Error::other("a thread of the ingest panicked"))
}

fn work_off(batch: &Batch, examiner: &mut Examiner) -> Result<()> {
    batch
        .objects()
        .iter()
        .try_for_each(|object| examiner.examine(object.index, object.kind, &object.content, None).map(drop))
}
