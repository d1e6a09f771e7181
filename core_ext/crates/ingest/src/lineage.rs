//! Contents of delta bases, how many bytes of them are held, and how to get one back that was let go.

use packhouse_object::Kind;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::forest::Children;

/// Bytes of contents that all threads hold together, and how many they may.
pub(crate) struct Budget {
    held_bytes: AtomicU64,
    limit_bytes: u64,
}

impl Budget {
    pub fn new(limit_bytes: u64) -> Arc<Self> {
        Arc::new(Self { held_bytes: AtomicU64::new(0), limit_bytes })
    }

    pub fn is_exceeded(&self) -> bool {
        self.held_bytes.load(Ordering::Relaxed) > self.limit_bytes
    }
}

/// The content of an object, counted as long as anybody has it.
pub(crate) struct Content {
    bytes: Vec<u8>,
    budget: Arc<Budget>,
}

impl Content {
    pub fn new(bytes: Vec<u8>, budget: &Arc<Budget>) -> Arc<Self> {
        budget.held_bytes.fetch_add(bytes.capacity() as u64, Ordering::Relaxed);
        Arc::new(Self { bytes, budget: budget.clone() })
    }
}

impl Drop for Content {
    fn drop(&mut self) {
        self.budget.held_bytes.fetch_sub(self.bytes.capacity() as u64, Ordering::Relaxed);
    }
}

impl std::ops::Deref for Content {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

/// An object and the chain of bases it was made from, down to a whole one.
pub(crate) struct Node {
    pub index: u32,
    pub depth: u32,
    pub base: Option<Arc<Node>>,
}

impl Drop for Node {
    /// Without recursion: a chain may be longer than a thread's stack allows.
    fn drop(&mut self) {
        let mut base = self.base.take();
        while let Some(mut last) = base.and_then(Arc::into_inner) {
            base = last.base.take();
        }
    }
}

/// An object with children that wait for its content.
pub(crate) struct Frame {
    pub node: Arc<Node>,
    pub kind: Kind,
    /// `None`: let go because too much was held; to be made again from the lineage.
    pub content: Option<Arc<Content>>,
    pub children: Children,
}

impl Frame {
    /// Give away about half of the children.
    pub fn split(&mut self) -> Self {
        let children = self.children.split();
        Self { node: self.node.clone(), kind: self.kind, content: self.content.clone(), children }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_of_any_length_is_dropped_without_recursion() {
        let mut node = Arc::new(Node { index: 0, depth: 0, base: None });
        for depth in 1..1_000_000 {
            node = Arc::new(Node { index: depth, depth, base: Some(node) });
        }
        drop(node);
    }

    #[test]
    fn a_content_counts_until_nobody_has_it() {
        let budget = Budget::new(9);
        let content = Content::new(vec![0; 10], &budget);
        let shared = content.clone();
        drop(content);
        assert!(budget.is_exceeded());
        drop(shared);
        assert!(!budget.is_exceeded());
    }
}
