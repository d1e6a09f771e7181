//! Whole objects on their way from the parser to the threads that name and check them.
//!
//! Bounded by bytes: when the queue is full the parser is handed its batch back and does the work itself, so that neither
//! side ever waits for the other while there is something to do.

use packhouse_object::Kind;
use parking_lot::{Condvar, Mutex};
use std::collections::VecDeque;

const BATCH_BYTES: usize = 128 << 10;
const BATCH_OBJECTS: usize = 64;
const QUEUE_BYTES: usize = 4 << 20;
/// A buffer that grew larger is not kept for the next object.
const KEPT_BUFFER_BYTES: usize = 32 << 10;

/// An inflated object that has no name yet.
pub(crate) struct Unnamed {
    pub index: u32,
    pub kind: Kind,
    pub content: Vec<u8>,
}

/// Some objects, handed over at once.
#[derive(Default)]
pub(crate) struct Batch {
    objects: Vec<Unnamed>,
    spare: Vec<Vec<u8>>,
    bytes: usize,
}

impl Batch {
    /// An empty buffer, perhaps a used one.
    pub fn buffer(&mut self) -> Vec<u8> {
        self.spare.pop().unwrap_or_default()
    }

    /// Give back a buffer that was not needed.
    pub fn recycle(&mut self, mut buffer: Vec<u8>) {
        if buffer.capacity() <= KEPT_BUFFER_BYTES && self.spare.len() < BATCH_OBJECTS {
            buffer.clear();
            self.spare.push(buffer);
        }
    }

    pub fn push(&mut self, object: Unnamed) {
        self.bytes += object.content.len();
        self.objects.push(object);
    }

    pub fn is_full(&self) -> bool {
        self.bytes >= BATCH_BYTES || self.objects.len() >= BATCH_OBJECTS
    }

    pub fn objects(&self) -> &[Unnamed] {
        &self.objects
    }

    /// Forget the objects and keep their buffers.
    pub fn clear(&mut self) {
        let mut objects = std::mem::take(&mut self.objects);
        for object in objects.drain(..) {
            self.recycle(object.content);
        }
        self.objects = objects;
        self.bytes = 0;
    }
}

/// The queue between one parser and its workers.
#[derive(Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    ready: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Batch>,
    empty: Vec<Batch>,
    bytes: usize,
    closed: bool,
}

impl Queue {
    /// Hand over a batch. Returns an empty one, or `Err` with the batch itself if too much is waiting.
    pub fn submit(&self, batch: Batch) -> Result<Batch, Batch> {
        let mut state = self.state.lock();
        if !state.waiting.is_empty() && state.bytes + batch.bytes > QUEUE_BYTES {
            return Err(batch);
        }
        state.bytes += batch.bytes;
        state.waiting.push_back(batch);
        let next = state.empty.pop().unwrap_or_default();
        drop(state);
        self.ready.notify_one();
        Ok(next)
    }

    /// Wait for a batch. `None` once the queue is closed and empty.
    pub fn take(&self) -> Option<Batch> {
        let mut state = self.state.lock();
        loop {
            if let Some(batch) = state.waiting.pop_front() {
                state.bytes -= batch.bytes;
                return Some(batch);
            }
            if state.closed {
                return None;
            }
            self.ready.wait(&mut state);
        }
    }

    /// A batch, if one is waiting.
    pub fn try_take(&self) -> Option<Batch> {
        let mut state = self.state.lock();
        let batch = state.waiting.pop_front()?;
        state.bytes -= batch.bytes;
        Some(batch)
    }

    /// Give back a batch that was worked off.
    pub fn recycle(&self, mut batch: Batch) {
        batch.clear();
        let mut state = self.state.lock();
        if state.empty.len() < 4 {
            state.empty.push(batch);
        }
    }

    /// Nothing more will come.
    pub fn close(&self) {
        self.state.lock().closed = true;
        self.ready.notify_all();
    }

    /// Nothing more will come, and what is waiting is not wanted.
    pub fn abandon(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        state.waiting.clear();
        state.bytes = 0;
        drop(state);
        self.ready.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(bytes: usize) -> Batch {
        let mut batch = Batch::default();
        batch.push(Unnamed { index: 0, kind: Kind::Blob, content: vec![0; bytes] });
        batch
    }

    #[test]
    fn a_full_queue_hands_the_batch_back_and_an_empty_one_takes_any() {
        let queue = Queue::default();
        assert!(queue.submit(batch(2 * QUEUE_BYTES)).is_ok());
        assert!(queue.submit(batch(1)).is_err());
        assert!(queue.take().is_some());
        assert!(queue.submit(batch(QUEUE_BYTES - 1)).is_ok());
        assert!(queue.submit(batch(1)).is_ok());
        assert!(queue.submit(batch(1)).is_err());
    }

    #[test]
    fn a_closed_queue_gives_what_is_left_and_an_abandoned_one_nothing() {
        let queue = Queue::default();
        assert!(queue.submit(batch(1)).is_ok());
        queue.close();
        assert!(queue.take().is_some());
        assert!(queue.take().is_none());
        let queue = Queue::default();
        assert!(queue.submit(batch(1)).is_ok());
        queue.abandon();
        assert!(queue.take().is_none());
    }

    #[test]
    fn a_used_buffer_comes_back_empty_unless_it_is_large() {
        let mut batch = batch(100);
        batch.clear();
        assert_eq!((batch.buffer().len(), batch.objects().len()), (0, 0));
        batch.recycle(vec![0; KEPT_BUFFER_BYTES * 2]);
        assert_eq!(batch.buffer().capacity(), 0);
    }
}
