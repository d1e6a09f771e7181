//! The second pass over a pack: make every delta into the object it stands for.
//!
//! Each thread walks down from a whole object, deltas before their siblings, with a stack of its own instead of recursion.
//! A base is let go when its last child is begun, so that a plain chain holds one content at a time. When the threads
//! together hold more than `base_cache_bytes`, a thread lets go of the bases at the bottom of its stack and makes them again
//! when it comes back to them. Memory: `base_cache_bytes`, and for each thread a base, a delta and a result, each of at most
//! `max_resident_object_bytes`.

use crate::entries::Entries;
use crate::examine::{Context, Examiner};
use crate::forest::Forest;
use crate::inflate::{at_offset, inflate};
use crate::lineage::{Budget, Content, Frame, Node};
use crate::options::Options;
use crate::parser::within;
use crate::progress::Progress;
use crate::share::{Seed, Share};
use crate::workers::panicked;
use packhouse_object::{Error, ObjectSource, Oid, Result, delta};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// A second thread does not pay for fewer deltas.
const DELTAS_PER_THREAD: usize = 64;

/// A buffer for deltas that grew larger is not kept, in bytes.
const KEPT_DELTA_BYTES: usize = 1 << 20;

/// What the second pass reads.
pub(crate) struct Resolver<'a> {
    pub pack: &'a [u8],
    pub entries: &'a Entries,
    pub forest: &'a Forest,
    /// Bases that are no entries: the first has the index `entries.len()`.
    pub outside: &'a [Oid],
    pub known: &'a dyn ObjectSource,
    pub context: &'a Arc<Context>,
    pub options: &'a Options,
    pub progress: &'a Progress,
}

impl Resolver<'_> {
    /// Resolve everything that hangs on the seeds.
    pub fn run(&self, seeds: Vec<Seed>, threads: usize) -> Result<()> {
        let threads = threads.min(self.forest.delta_count() / DELTAS_PER_THREAD).max(1);
        let (share, budget) = (Share::new(seeds, threads), Budget::new(self.options.base_cache_bytes));
        let walk = || Walker::new(self, &share, &budget).run();
        let work = || catch_unwind(AssertUnwindSafe(walk)).unwrap_or_else(|_| Err(panicked()));
        std::thread::scope(|scope| {
            let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
            let outcome = work();
            others
                .into_iter()
                .fold(outcome, |outcome, other| outcome.and(other.join().unwrap_or_else(|_| Err(panicked()))))
        })
    }

    /// The content of a whole object: an entry's, or that of a base outside of the pack.
    fn read_whole(&self, index: u32) -> Result<Vec<u8>> {
        if let Some(oid) = index.checked_sub(self.entries.len()).and_then(|at| self.outside.get(at as usize)) {
            let read = self.known.read(oid, self.options.max_resident_object_bytes)?;
            return read.map(|(_, content)| content).ok_or(Error::Missing { oid: *oid });
        }
        let mut content = Vec::new();
        self.inflate(index, &mut content)?;
        Ok(content)
    }

    fn inflate(&self, index: u32, out: &mut Vec<u8>) -> Result<()> {
        let (header, stream) = self.entries.read(self.pack, index, self.options.format)?;
        within("size in bytes of a delta base", header.size, self.options.max_resident_object_bytes)?;
        inflate(stream, header.size, &self.options.cancel, out)
            .map_err(|error| at_offset(self.entries.offset(index), error))
    }
}

/// One thread of the second pass.
struct Walker<'a> {
    resolver: &'a Resolver<'a>,
    share: &'a Share,
    budget: &'a Arc<Budget>,
    examiner: Examiner,
    /// Each frame is an ancestor of the one above.
    stack: Vec<Frame>,
    delta: Vec<u8>,
}

impl<'a> Walker<'a> {
    fn new(resolver: &'a Resolver<'a>, share: &'a Share, budget: &'a Arc<Budget>) -> Self {
        let examiner = Examiner::new(resolver.context.clone());
        Self { resolver, share, budget, examiner, stack: Vec::new(), delta: Vec::new() }
    }

    fn run(mut self) -> Result<()> {
        let _guard = StopOnPanic(self.share);
        while let Some(frame) = self.share.take() {
            self.stack.push(frame);
            self.walk().inspect_err(|_| self.share.stop())?;
        }
        self.examiner.flush();
        Ok(())
    }

    fn walk(&mut self) -> Result<()> {
        while !self.stack.is_empty() && !self.share.is_stopped() {
            if self.share.is_hungry() {
                self.give();
            }
            self.resolve_next()?;
        }
        Ok(())
    }

    /// Resolve the next child of the top frame. The frame goes back to the stack if it has more of them.
    fn resolve_next(&mut self) -> Result<()> {
        let forest = self.resolver.forest;
        let Some(mut top) = self.stack.pop() else { return Ok(()) };
        let Some(child) = forest.next(&mut top.children) else { return Ok(()) };
        let base = self.content_of(&top)?;
        let (node, kind) = (top.node.clone(), top.kind);
        if !top.children.is_empty() {
            top.content = Some(base.clone());
            self.stack.push(top);
        }
        let depth = node.depth + 1;
        within("delta chain depth", u64::from(depth), u64::from(self.resolver.options.max_delta_depth))?;
        let bytes = self.apply(child, &base)?;
        // What a base outside of the pack refers to was never noted, and need not be there any more when it is asked for.
        let own_base = (node.index < self.resolver.entries.len()).then_some(&**base);
        let oid = self.examiner.examine(child, kind, &bytes, own_base)?;
        drop(base);
        self.resolver.progress.resolved_deltas.fetch_add(1, Ordering::Relaxed);
        let children = forest.children(child, &oid);
        if !children.is_empty() {
            let content = Some(Content::new(bytes, self.budget));
            let node = Arc::new(Node { index: child, depth, base: Some(node) });
            self.stack.push(Frame { node, kind, content, children });
            self.let_go();
        }
        Ok(())
    }

    /// The content of a frame, made again if it was let go.
    fn content_of(&mut self, frame: &Frame) -> Result<Arc<Content>> {
        if let Some(content) = &frame.content {
            return Ok(content.clone());
        }
        let (mut node, mut path) = (frame.node.clone(), Vec::new());
        let mut content = loop {
            if let Some(content) = self.held(&node) {
                break content;
            }
            match node.base.clone() {
                None => break Content::new(self.resolver.read_whole(node.index)?, self.budget),
                Some(base) => {
                    path.push(node.index);
                    node = base;
                }
            }
        };
        for index in path.into_iter().rev() {
            content = Content::new(self.apply(index, &content)?, self.budget);
        }
        Ok(content)
    }

    fn held(&self, node: &Arc<Node>) -> Option<Arc<Content>> {
        self.stack.iter().find(|frame| Arc::ptr_eq(&frame.node, node)).and_then(|frame| frame.content.clone())
    }

    /// The object that the delta at `index` makes of its base.
    fn apply(&mut self, index: u32, base: &[u8]) -> Result<Vec<u8>> {
        let options = self.resolver.options;
        self.resolver.inflate(index, &mut self.delta)?;
        let max_bytes = options.max_object_bytes.min(options.max_resident_object_bytes);
        let applied = delta::apply(base, &self.delta, max_bytes);
        if self.delta.capacity() > KEPT_DELTA_BYTES {
            self.delta = Vec::new();
        }
        applied.map_err(|error| at_offset(self.resolver.entries.offset(index), error))
    }

    /// When too much is held, let go of contents from the bottom of the stack: those are needed last.
    fn let_go(&mut self) {
        let below_top = self.stack.len() - 1;
        for frame in &mut self.stack[..below_top] {
            if !self.budget.is_exceeded() {
                return;
            }
            frame.content = None;
        }
    }

    /// Give away work from the bottom of the stack: the largest subtrees hang there.
    fn give(&mut self) {
        let is_alone = self.stack.len() == 1;
        let Some(bottom) = self.stack.first_mut() else { return };
        if bottom.children.len() >= 2 {
            self.share.give(bottom.split());
        } else if !is_alone {
            self.share.give(self.stack.remove(0));
        }
    }
}

/// Lets the other threads end when this one panics.
struct StopOnPanic<'a>(&'a Share);

impl Drop for StopOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.stop();
        }
    }
}
