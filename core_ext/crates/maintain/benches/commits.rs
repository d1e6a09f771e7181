//! Walks over commits, parsed and along the commit-graph: medians in microseconds.
//!
//! `cargo bench -p packhouse-maintain --bench commits -- PACK`, next to `git rev-list --count --all`,
//! `git merge-base --is-ancestor` and `git rev-list TIP --not HAVE...` in the same repository.

use packhouse_graph as graph;
use packhouse_maintain::write_commit_graph;
use packhouse_object::{CancelFlag, Kind, ObjectFormat, Oid, WorkCount};
use packhouse_pack::{Database, Limits, Ordinal, Pack};
use std::collections::HashSet;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

const CACHE_BYTES: usize = 96 << 20; // Git's core.deltaBaseCacheLimit
const ROUNDS: usize = 15;
const HAVES: usize = 256;

fn main() {
    let Some(path) = std::env::args().skip(1).find(|path| path.ends_with(".pack")) else {
        println!("usage: cargo bench -p packhouse-maintain --bench commits -- PACK");
        return;
    };
    let (plain, graphed) = (open(&path), open(&path));
    attach(&graphed);
    let history = longest_history(&graphed);
    for ((name, before), (_, after)) in measure(&plain, &history).into_iter().zip(measure(&graphed, &history)) {
        println!("{name:40} {:10.1} {:10.1}", before.as_secs_f64() * 1e6, after.as_secs_f64() * 1e6);
    }
}

fn open(path: &str) -> Database {
    let path = Path::new(path);
    let pack = Pack::open(path, &path.with_extension("idx"), ObjectFormat::Sha1).expect("a pack");
    let limits = Limits { max_object_bytes: 1 << 30, max_delta_depth: 4095 };
    Database::new(vec![Arc::new(pack)], ObjectFormat::Sha1, limits, CACHE_BYTES).expect("a pack")
}

fn attach(db: &Database) {
    let path = std::env::temp_dir().join(format!("commits-{}.graph", std::process::id()));
    let start = Instant::now();
    let count = write_commit_graph(db, &path, &CancelFlag::new(), &WorkCount::new()).expect("a closed pack");
    println!("{count} commits written in {:.3?}", start.elapsed());
    let start = Instant::now();
    db.packs()[0].attach_graph(&path).expect("its own graph");
    println!("attached in {:.3?}; parsed and along the graph, in microseconds:", start.elapsed());
    std::fs::remove_file(path).expect("our own file");
}

/// The commits that the one reaches which reaches most, newest first.
fn longest_history(db: &Database) -> Vec<Ordinal> {
    let commits = (0..db.ordinal_count()).filter(|&ordinal| db.kind_of(ordinal).expect("a chain") == Kind::Commit);
    let mut tips: Vec<_> = commits.collect();
    let parents: HashSet<_> =
        tips.iter().flat_map(|&commit| graph::read_commit(db, commit).expect("a commit").parents).collect();
    tips.retain(|tip| !parents.contains(tip));
    let reached = |&tip: &Ordinal| graph::count_commits(db, &[tip], &CancelFlag::new()).expect("a number");
    let tip = tips.into_iter().max_by_key(reached).expect("a commit");
    graph::walk_commits(db, &[tip], &[], 0..usize::MAX, &CancelFlag::new()).expect("a walk")
}

fn measure(db: &Database, history: &[Ordinal]) -> Vec<(&'static str, Duration)> {
    let (flag, tip, oldest) = (CancelFlag::new(), history[0], history[history.len() - 1]);
    let haves: Vec<_> = history[1..].iter().copied().take(HAVES).collect();
    let oids = |commits: &[Ordinal]| commits.iter().map(|&commit| db.oid_of(commit)).collect::<Vec<Oid>>();
    let (tip_oid, have_oids) = (oids(&[tip]), oids(&haves));
    let depth = |depth| NonZeroU32::new(depth).expect("a depth");
    vec![
        ("one new commit, 256 haves", median(|| graph::walk_commits(db, &[tip], &haves, 0..0, &flag).is_ok())),
        ("the same: time for ready", median(|| graph::all_reach(db, &tip_oid, &have_oids, &[], &flag).is_ok())),
        ("depth 1", median(|| graph::depth_boundary(db, &tip_oid, depth(1), &flag).is_ok())),
        ("depth 50", median(|| graph::depth_boundary(db, &tip_oid, depth(50), &flag).is_ok())),
        ("count", median(|| graph::count_commits(db, &[tip], &flag).is_ok())),
        ("is the oldest an ancestor", median(|| graph::is_ancestor(db, oldest, tip, &flag).is_ok())),
        ("is the newest an ancestor", median(|| graph::is_ancestor(db, tip, oldest, &flag).is_ok())),
        ("bases with the middle", {
            let middle = history[history.len() / 2];
            median(|| graph::merge_bases(db, tip, middle, &flag).is_ok())
        }),
        ("is the oldest reached", {
            let oldest = oids(&[oldest]);
            median(|| graph::reached_among(db, &tip_oid, &oldest, &[], &flag).is_ok())
        }),
        ("closure of the newest", median(|| graph::reachable(db, &tip_oid, &flag).is_ok())),
    ]
}

fn median(mut work: impl FnMut() -> bool) -> Duration {
    let mut times: Vec<_> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            assert!(work());
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[ROUNDS / 2]
}
