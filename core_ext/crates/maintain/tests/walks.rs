//! Walks along commit-graphs against sets of commits: wrong clocks, cuts, graphs of parts of history, packs in any order.

mod support;

use packhouse_graph as graph;
use packhouse_object::{CancelFlag, Oid};
use packhouse_pack::{Database, Ordinal};
use proptest::prelude::*;
use std::num::NonZeroU32;
use support::{Commits, History, graph_bytes, histories, numbers};

/// A history in packs, of which some have graphs; and the commits that have generations.
#[derive(Debug)]
struct Stored {
    history: History,
    /// For each pack the commits in it, and whether it has a graph.
    packs: Vec<(Commits, bool)>,
    known: Commits,
}

impl Stored {
    fn database(&self) -> Database {
        let packs = self.packs.iter().map(|&(commits, has_graph)| {
            let pack = self.history.pack(commits);
            if has_graph {
                let bytes = graph_bytes(&self.history.database(vec![pack.clone()]));
                pack.attach_graph_bytes(bytes).expect("its own graph");
            }
            pack
        });
        self.history.database(packs.collect())
    }

    fn homes(&self, db: &Database, commits: Commits) -> Vec<Ordinal> {
        self.history.oids_of(commits).iter().map(|oid| db.require(oid).expect("stored")).collect()
    }

    fn set_of(&self, db: &Database, homes: &[Ordinal]) -> Commits {
        let oids: Vec<Oid> = homes.iter().map(|&home| db.oid_of(home)).collect();
        self.history.set_of(&oids)
    }
}

/// Some of the first 64 numbers, few of them.
fn few() -> impl Strategy<Value = Commits> {
    prop::collection::vec(0u32..60, 0..5).prop_map(|numbers| numbers.iter().fold(0, |set, number| set | 1 << number))
}

/// tips: what the packs with graphs hold; front: where the other packs stand among them; extra: what they hold besides.
fn stored() -> impl Strategy<Value = Stored> {
    (histories(), prop::collection::vec(few(), 1..3), any::<u64>(), 0usize..3).prop_map(
        |(history, tips, extra, front)| {
            let all = history.all();
            let closed: Vec<_> = tips.iter().map(|tips| history.ancestors(tips & all, 0)).collect();
            let known = closed.iter().fold(0, |known, commits| known | commits);
            let mut packs: Vec<_> = closed.into_iter().map(|commits| (commits, true)).collect();
            packs.insert(front.min(packs.len()), (all & !known | all & extra, false));
            Stored { history, packs, known }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn hidden_commits_are_exact_but_for_those_without_generation(stored in stored(), tips in few(), hidden in few()) {
        let (db, flag) = (stored.database(), CancelFlag::new());
        let (tips, hidden) = (tips & stored.history.all(), hidden & stored.history.all());
        let walked = graph::walk_commits(
            &db, &stored.homes(&db, tips), &stored.homes(&db, hidden), 0..99, &flag,
        ).expect("a walk");
        let wanted = stored.history.ancestors(tips, 0);
        let expected = wanted & !stored.history.ancestors(hidden, 0);
        let shown = stored.set_of(&db, &walked);
        prop_assert_eq!(walked.len(), shown.count_ones() as usize);
        prop_assert_eq!((shown & expected, shown & !wanted), (expected, 0));
        prop_assert_eq!(shown & stored.known & !expected, 0);
    }

    #[test]
    fn ancestry_bases_counts_and_levels_do_not_depend_on_clocks(
        stored in stored(), tips in few(), left in 0usize..60, right in 0usize..60, depth in 1u32..20,
    ) {
        let (db, flag, history) = (stored.database(), CancelFlag::new(), &stored.history);
        let (tips, count) = (tips & history.all(), history.oids.len());
        let (left, right) = (left % count, right % count);
        let (above, below) = (history.ancestors(1 << left, 0), history.ancestors(1 << right, 0));
        let homes = stored.homes(&db, 1 << left).into_iter().chain(stored.homes(&db, 1 << right)).collect::<Vec<_>>();
        let is_ancestor = graph::is_ancestor(&db, homes[0], homes[1], &flag).expect("an answer");
        prop_assert_eq!(is_ancestor, below >> left & 1 == 1);
        let common = above & below;
        let stale = numbers(common).fold(0, |stale, commit| stale | history.ancestors(1 << commit, 0) & !(1 << commit));
        let bases = graph::merge_bases(&db, homes[0], homes[1], &flag).expect("bases");
        prop_assert_eq!(stored.set_of(&db, &bases), common & !stale);
        let counted = graph::count_commits(&db, &stored.homes(&db, tips), &flag).expect("a number");
        prop_assert_eq!(counted, u64::from(history.ancestors(tips, 0).count_ones()));
        let depth = NonZeroU32::new(depth).expect("a depth");
        let found = graph::depth_boundary(&db, &history.oids_of(tips), depth, &flag).expect("a boundary");
        let (mut level, mut above) = (tips, 0);
        for _ in 1..depth.get() {
            above |= level;
            let parents = numbers(level).flat_map(|commit| &history.parents[commit]);
            level = parents.fold(0, |parents, parent| parents | 1 << parent) & !above;
        }
        prop_assert_eq!(history.set_of_homes(&db, &found.boundary), level);
        prop_assert_eq!(history.set_of_homes(&db, &found.above), above);
    }

    #[test]
    fn a_cut_holds_along_graphs(stored in stored(), tips in few(), candidates in few(), cut in few()) {
        let (db, flag, history) = (stored.database(), CancelFlag::new(), &stored.history);
        let [tips, candidates, cut] = [tips, candidates, cut].map(|set| set & history.all());
        let named = [tips, candidates, cut].map(|set| history.oids_of(set));
        let found = graph::reached_among(&db, &named[0], &named[1], &named[2], &flag).expect("an answer");
        let reached = history.ancestors(tips, cut);
        prop_assert_eq!(history.set_of(&found), reached & candidates);
        let ready = graph::all_reach(&db, &named[0], &named[1], &named[2], &flag).expect("an answer");
        let parents = numbers(candidates & !cut).flat_map(|have| &history.parents[have]);
        let haves = parents.fold(candidates, |haves, parent| haves | 1 << parent);
        let expected = candidates != 0 && numbers(tips).all(|tip| history.ancestors(1 << tip, cut) & haves != 0);
        prop_assert!(expected || !ready);
        prop_assert!(ready || !expected || stored.known != history.all());
    }
}
