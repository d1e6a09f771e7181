//! How the threads of the second pass share the work: seeds first, then frames that busy threads give to idle ones.

use crate::forest::Children;
use crate::lineage::{Frame, Node};
use packhouse_object::Kind;
use parking_lot::{Condvar, Mutex};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// A whole object with deltas hanging on it.
pub(crate) struct Seed {
    pub index: u32,
    pub kind: Kind,
    pub children: Children,
}

/// The work that nobody has begun with.
pub(crate) struct Share {
    state: Mutex<State>,
    changed: Condvar,
    threads: usize,
    /// Threads that wait for a frame; read without the lock by those who could give one.
    hungry: AtomicUsize,
    stopped: AtomicBool,
}

struct State {
    /// In reverse order.
    seeds: Vec<Seed>,
    given: Vec<Frame>,
    idle: usize,
}

impl Share {
    pub fn new(mut seeds: Vec<Seed>, threads: usize) -> Self {
        seeds.reverse();
        Self {
            state: Mutex::new(State { seeds, given: Vec::new(), idle: 0 }),
            changed: Condvar::new(),
            threads,
            hungry: AtomicUsize::new(0),
            stopped: AtomicBool::new(false),
        }
    }

    /// Something to do; waits for it. `None` when all is done, or some thread failed.
    pub fn take(&self) -> Option<Frame> {
        let mut state = self.state.lock();
        loop {
            if self.is_stopped() {
                return None;
            }
            if let Some(frame) = state.given.pop().or_else(|| state.seeds.pop().map(Seed::into_frame)) {
                return Some(frame);
            }
            state.idle += 1;
            if state.idle == self.threads {
                self.stopped.store(true, Ordering::Relaxed);
                self.changed.notify_all();
                return None;
            }
            self.hungry.fetch_add(1, Ordering::Relaxed);
            self.changed.wait(&mut state);
            self.hungry.fetch_sub(1, Ordering::Relaxed);
            state.idle -= 1;
        }
    }

    /// Whether some thread would be glad of a frame.
    pub fn is_hungry(&self) -> bool {
        self.hungry.load(Ordering::Relaxed) > 0
    }

    pub fn give(&self, frame: Frame) {
        self.state.lock().given.push(frame);
        self.changed.notify_one();
    }

    /// End all work: a thread failed.
    pub fn stop(&self) {
        let _state = self.state.lock(); // or a thread that is about to wait misses it
        self.stopped.store(true, Ordering::Relaxed);
        self.changed.notify_all();
    }

    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }
}

impl Seed {
    fn into_frame(self) -> Frame {
        let node = Arc::new(Node { index: self.index, depth: 0, base: None });
        Frame { node, kind: self.kind, content: None, children: self.children }
    }
}
