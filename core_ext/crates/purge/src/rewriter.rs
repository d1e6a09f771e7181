//! The walk: each object is looked at after everything that it refers to, and written anew if any of that was.
//!
//! Each distinct tree is judged once. Memory: a bit an object of the database, and about 60 bytes for each that is written
//! anew; beside them what waits to be looked at, four bytes for each edge on the way down, a batch of new objects, and the
//! latest versions of up to 1,024 folders, of 64 KiB at most, which the next versions are deltas against.

use crate::doomed::Doomed;
use crate::history::{rewritten_commit, rewritten_tag};
use crate::output::{Output, Target};
use crate::tree::{Entry, rewritten_tree};
use hashbrown::HashMap;
use packhouse_graph::for_each_entry;
use packhouse_ingest::QuarantinedPack;
use packhouse_object::edges::for_each_edge;
use packhouse_object::{CancelFlag, Error, Kind, Oid, Result, WorkCount};
use packhouse_pack::{BitSet, Database, Ordinal};

/// A history without some blobs.
pub struct Rewritten {
    /// What takes the place of each tip, in their order: itself where it reaches none of the blobs, `None` for what named
    /// one and nothing else.
    pub tips: Vec<Option<Oid>>,
    /// How many commits were written anew.
    pub commits: u64,
    /// Trees, likewise; those that came to nothing are counted.
    pub trees: u64,
    /// Annotated tags, likewise.
    pub tags: u64,
    /// The new objects. What they refer to is in these packs or in the database.
    pub packs: Vec<QuarantinedPack>,
}

/// Write what `tips` reach anew, as far as it reaches any of these blobs.
///
/// Commits stay, also those whose trees came to be empty or those of their parents. Cost: every commit and tree that the tips
/// reach is read, some of them twice. work: counts objects that were looked at; how many there are is not known.
///
/// # Errors
/// `Missing`, `MissingEdge`; `CorruptObject`; `Limit`; `Cancelled`; `Io`; what reading can raise. Nothing is left then.
pub fn without_blobs(
    db: &Database,
    tips: &[Oid],
    blobs: &[Oid],
    target: Target<'_>,
    cancel: &CancelFlag,
    work: &WorkCount,
) -> Result<Rewritten> {
    work.start(0);
    let mut rewriter = Rewriter::new(db, blobs, target);
    let tips = tips.iter().map(|tip| rewriter.rewrite(tip, cancel, work)).collect::<Result<_>>()?;
    let [commits, trees, tags] = rewriter.counts;
    Ok(Rewritten { tips, commits, trees, tags, packs: rewriter.output.finish()? })
}

/// What an object that reaches a blob becomes: an object of that id, or nothing.
type Successor = Option<Oid>;

struct Rewriter<'a> {
    db: &'a Database,
    doomed: Doomed,
    judged: BitSet,
    /// Of those that were judged and do not stay.
    successors: HashMap<Ordinal, Successor>,
    counts: [u64; 3],
    output: Output<'a>,
}

impl<'a> Rewriter<'a> {
    fn new(db: &'a Database, blobs: &[Oid], target: Target<'_>) -> Self {
        Self {
            db,
            doomed: Doomed::new(blobs),
            judged: BitSet::new(db.ordinal_count()),
            successors: HashMap::new(),
            counts: [0; 3],
            output: Output::new(db, target),
        }
    }

    fn rewrite(&mut self, tip: &Oid, cancel: &CancelFlag, work: &WorkCount) -> Result<Option<Oid>> {
        let ordinal = self.db.require(tip)?;
        if self.db.kind_of(ordinal)? == Kind::Blob {
            return Ok((!self.doomed.has(tip.as_bytes())).then_some(*tip));
        }
        self.judge_from(ordinal, cancel, work)?;
        match self.successors.get(&ordinal) {
            None => Ok(Some(*tip)),
            Some(Some(oid)) => Ok(Some(*oid)),
            Some(None) if self.db.kind_of(ordinal)? == Kind::Tree => self.output.add(Kind::Tree, b"").map(Some),
            Some(None) => Ok(None),
        }
    }

    /// Judge an object and all that it reaches.
    fn judge_from(&mut self, ordinal: Ordinal, cancel: &CancelFlag, work: &WorkCount) -> Result<()> {
        let mut waiting = vec![ordinal];
        while let Some(&at) = waiting.last() {
            cancel.check()?;
            if self.judged.get(at) || self.judge(at, &mut waiting).map_err(|error| self.named(at, error))? {
                waiting.pop();
                work.add(u64::from(self.judged.insert(at)));
            }
        }
        Ok(())
    }

    /// Judge an object, unless something that it refers to must be judged before: that is to wait in front of it then.
    fn judge(&mut self, at: Ordinal, waiting: &mut Vec<Ordinal>) -> Result<bool> {
        let (kind, content) = self.db.read(at, self.db.limits().max_object_bytes)?;
        let (before, mut is_touched) = (waiting.len(), false);
        self.each_edge(kind, &content, |this, kind, raw| {
            if kind == Kind::Blob {
                is_touched |= this.doomed.has(raw);
                return Ok(());
            }
            let target = this.edge(at, raw)?;
            if this.judged.get(target) {
                is_touched |= this.successors.contains_key(&target);
            } else {
                waiting.push(target);
            }
            Ok(())
        })?;
        if waiting.len() > before {
            return Ok(false);
        }
        if is_touched {
            let successor = self.successor(kind, &content)?;
            self.successors.insert(at, successor);
        }
        Ok(true)
    }

    fn each_edge(
        &self,
        kind: Kind,
        content: &[u8],
        mut visit: impl FnMut(&Self, Kind, &[u8]) -> Result<()>,
    ) -> Result<()> {
        let format = self.db.format();
        if kind == Kind::Tree {
            return for_each_entry(format, content, |kind, _, raw| visit(self, kind, raw));
        }
        for_each_edge(format, kind, content, |oid, kind| visit(self, kind, oid.as_bytes()))
    }

    fn edge(&self, from: Ordinal, raw: &[u8]) -> Result<Ordinal> {
        let oid = Oid::from_bytes(raw)?;
        self.db.locate(&oid).ok_or_else(|| Error::MissingEdge { oid, from: self.db.oid_of(from) })
    }

    fn successor(&mut self, kind: Kind, content: &[u8]) -> Result<Successor> {
        match kind {
            Kind::Commit => self.new_commit(content),
            Kind::Tag => self.new_tag(content),
            Kind::Tree => self.new_tree(content),
            Kind::Blob => Ok(None),
        }
    }

    fn new_commit(&mut self, content: &[u8]) -> Result<Successor> {
        self.counts[0] += 1;
        let is_empty = |oid: &Oid| self.successor_of(oid) == Some(None);
        let mut emptied = None;
        for_each_edge(self.db.format(), Kind::Commit, content, |oid, kind| {
            emptied = emptied.or_else(|| (kind == Kind::Tree && is_empty(&oid)).then_some(oid));
            Ok(())
        })?;
        let empty = emptied.map(|_| self.output.add(Kind::Tree, b"")).transpose()?;
        let new_id = |oid: &Oid| self.successor_of(oid).and_then(|successor| successor.or(empty));
        let commit = rewritten_commit(self.db.format(), content, new_id)?;
        self.output.add(Kind::Commit, &commit).map(Some)
    }

    fn new_tag(&mut self, content: &[u8]) -> Result<Successor> {
        self.counts[2] += 1;
        let (target, kind) = packhouse_object::edges::tag_target(self.db.format(), content)?;
        match self.successor_of(&target) {
            Some(Some(oid)) => self.output.add(Kind::Tag, &rewritten_tag(content, &oid)).map(Some),
            _ if kind == Kind::Tree => {
                let empty = self.output.add(Kind::Tree, b"")?;
                self.output.add(Kind::Tag, &rewritten_tag(content, &empty)).map(Some)
            }
            _ => Ok(None),
        }
    }

    fn new_tree(&mut self, content: &[u8]) -> Result<Successor> {
        self.counts[1] += 1;
        let tree = rewritten_tree(self.db.format(), content, |entry| {
            Ok(match entry.kind() {
                Some(Kind::Tree) => match self.successor_of(&entry.oid) {
                    None => Entry::Stays,
                    Some(None) => Entry::Goes,
                    Some(Some(oid)) => Entry::Names(oid),
                },
                Some(_) if self.doomed.has(entry.oid.as_bytes()) => Entry::Goes,
                _ => Entry::Stays,
            })
        })?;
        if tree.is_empty() { Ok(None) } else { self.output.add(Kind::Tree, &tree).map(Some) }
    }

    /// What takes the place of an object; `None` if it stays.
    fn successor_of(&self, oid: &Oid) -> Option<Successor> {
        self.successors.get(&self.db.locate(oid)?).copied()
    }

    fn named(&self, at: Ordinal, error: Error) -> Error {
        match error {
            Error::CorruptObject { oid: None, what } => Error::CorruptObject { oid: Some(self.db.oid_of(at)), what },
            other => other,
        }
    }
}
