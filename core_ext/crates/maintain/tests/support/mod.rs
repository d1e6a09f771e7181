//! Random histories of up to 60 commits, so that a set of commits is a number of 64 bits.

#![allow(dead_code)] // each test binary uses a part of it

use packhouse_ingest::{Options, PackBuilder, index_bytes};
use packhouse_maintain::write_commit_graph;
use packhouse_object::{CancelFlag, Kind, ObjectFormat, Oid, WorkCount};
use packhouse_pack::{BitSet, Bytes, Database, Limits, Pack};
use proptest::prelude::*;
use std::sync::Arc;

const MAX_COMMITS: usize = 60;

/// A set of commits, by number.
pub type Commits = u64;

/// Commits, each after its parents.
#[derive(Clone, Debug)]
pub struct History {
    pub format: ObjectFormat,
    pub oids: Vec<Oid>,
    pub parents: Vec<Vec<usize>>,
    contents: Vec<Vec<u8>>,
}

impl History {
    fn new(format: ObjectFormat, commits: Vec<(Vec<usize>, u64)>) -> Self {
        let (oids, parents, contents) = (Vec::new(), Vec::new(), Vec::new());
        let mut history = Self { format, oids, parents, contents };
        for (steps, date_s) in commits {
            history.add(&steps, date_s);
        }
        history
    }

    /// steps: how many commits before this one each parent is.
    fn add(&mut self, steps: &[usize], date_s: u64) {
        let number = self.oids.len();
        let mut parents: Vec<_> = steps.iter().filter_map(|&step| number.checked_sub(step)).collect();
        parents.dedup();
        let lines: String = parents.iter().map(|&parent| format!("parent {}\n", self.oids[parent])).collect();
        let people = format!("author A <a@b> 1 +0000\ncommitter C <c@d> {date_s} +0000\n\n{number}\n");
        let content = format!("tree {}\n{lines}{people}", self.tree()).into_bytes();
        self.oids.push(packhouse_object::hash_object(self.format, Kind::Commit, &content).expect("an id"));
        self.contents.push(content);
        self.parents.push(parents);
    }

    fn tree(&self) -> Oid {
        packhouse_object::hash_object(self.format, Kind::Tree, b"").expect("an id")
    }

    pub fn all(&self) -> Commits {
        u64::MAX >> (64 - self.oids.len())
    }

    /// What some commits reach, themselves included, in a history that ends at `cut`.
    pub fn ancestors(&self, tips: Commits, cut: Commits) -> Commits {
        let mut reached = tips;
        for commit in (0..self.oids.len()).rev().filter(|commit| cut >> commit & 1 == 0) {
            if reached >> commit & 1 == 1 {
                reached |= self.parents[commit].iter().fold(0, |parents, parent| parents | 1 << parent);
            }
        }
        reached
    }

    /// A pack of some commits and the tree of all.
    pub fn pack(&self, commits: Commits) -> Arc<Pack> {
        let mut builder = PackBuilder::new(self.format, 0);
        builder.add(Kind::Tree, b"").expect("a tree");
        for commit in numbers(commits) {
            builder.add(Kind::Commit, &self.contents[commit]).expect("a commit");
        }
        let pack: Bytes = builder.finish().expect("a pack").into();
        let idx = index_bytes(&pack, &Options::for_stored(self.format, 1, CancelFlag::new())).expect("an idx");
        Arc::new(Pack::from_bytes(pack, idx, self.format).expect("a pack"))
    }

    pub fn database(&self, packs: Vec<Arc<Pack>>) -> Database {
        let limits = Limits { max_object_bytes: 1 << 20, max_delta_depth: 50 };
        Database::new(packs, self.format, limits, 1 << 20).expect("a database")
    }

    pub fn oids_of(&self, commits: Commits) -> Vec<Oid> {
        numbers(commits).map(|commit| self.oids[commit]).collect()
    }

    pub fn set_of<'o>(&self, oids: impl IntoIterator<Item = &'o Oid>) -> Commits {
        let number = |oid| self.oids.iter().position(|other| other == oid).expect("one of the commits");
        oids.into_iter().fold(0, |commits, oid| commits | 1 << number(oid))
    }

    pub fn set_of_homes(&self, db: &Database, homes: &BitSet) -> Commits {
        let oids: Vec<_> = homes.iter().map(|home| db.oid_of(home)).filter(|oid| *oid != self.tree()).collect();
        self.set_of(&oids)
    }
}

pub fn numbers(commits: Commits) -> impl Iterator<Item = usize> {
    (0..64).filter(move |number| commits >> number & 1 == 1)
}

/// The commit-graph of a pack.
pub fn graph_bytes(db: &Database) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("graph");
    write_commit_graph(db, &path, &CancelFlag::new(), &WorkCount::new()).expect("a closed pack");
    std::fs::read(path).expect("a file")
}

/// What clocks said: nearly the truth, anything, or what no row of a commit-graph can hold.
fn dates_s() -> impl Strategy<Value = Vec<u64>> {
    let near = prop::collection::vec(0u64..80_000, MAX_COMMITS);
    let any = prop::collection::vec(0u64..1 << 34, MAX_COMMITS);
    let extreme = prop::sample::select(vec![0, 1, u64::from(u32::MAX), (1 << 34) - 1, 1 << 34, 1 << 62, u64::MAX]);
    prop_oneof![near, any, prop::collection::vec(extreme, MAX_COMMITS)]
}

pub fn histories() -> impl Strategy<Value = History> {
    let formats = prop::sample::select(vec![ObjectFormat::Sha1, ObjectFormat::Sha256]);
    let steps = prop::collection::vec(prop::collection::vec(1usize..9, 0..4), 1..MAX_COMMITS);
    (formats, steps, dates_s())
        .prop_map(|(format, steps, dates_s)| History::new(format, steps.into_iter().zip(dates_s).collect()))
}
