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

#[cfg(test)]
mod tests {
    use super::*;

    fn seeds(count: u32) -> Vec<Seed> {
        (0..count).map(|index| Seed { index, kind: Kind::Blob, children: Children::default() }).collect()
    }

    #[test]
    fn all_seeds_and_all_given_frames_are_taken_once() {
        let share = Share::new(seeds(100), 4);
        let taken = AtomicUsize::new(0);
        let work = || {
            while let Some(frame) = share.take() {
                taken.fetch_add(1, Ordering::Relaxed);
                if frame.node.depth == 0 {
                    let node = Arc::new(Node { index: frame.node.index, depth: 1, base: Some(frame.node.clone()) });
                    share.give(Frame { node, ..frame });
                }
            }
        };
        std::thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(work))));
        assert_eq!(taken.into_inner(), 200);
    }

    #[test]
    fn a_stop_ends_those_who_wait_and_leaves_the_rest() {
        let share = Share::new(seeds(1), 2);
        let _mine = share.take();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| share.take().is_none());
            share.stop();
            assert!(waiting.join().expect("no panic"));
        });
        assert!(Share::new(seeds(1), 1).take().is_some());
    }
}
