//! Which files of the base a side has renamed, found as Git finds them.
//!
//! First files of the same content; then files of the same name that are alike enough, in the folder where the others went if
//! the name is frequent; then, of all pairs that are left, the most alike first. Only renames that can matter are looked for.

use crate::changes::{Changes, FolderNeed, SourceNeed};
use crate::folder_moves::{FolderMoves, NOWHERE, increment};
use crate::paths::{Path, REGULAR, Version, join, split};
use crate::similarity::{MAX_SCORE, Similarity};
use packhouse_object::{Oid, Result};
use std::collections::{HashMap, HashSet};

/// Files are alike from half their bytes on; with the same name, three quarters are asked for at first.
const MIN_SCORE: u64 = MAX_SCORE / 2;
const MIN_NAMESAKE_SCORE: u64 = MAX_SCORE / 4 * 3;
/// For each new file, so many of the most similar old ones are remembered.
const CANDIDATES: usize = 4;
/// Of old files with the same content, so many are looked at.
const MAX_SAME_CONTENT: usize = 100;
/// Find the renames of a side, and note them at its additions.
pub(crate) fn detect(
    changes: &mut Changes,
    similarity: &mut Similarity<'_>,
    empty_blob: &Oid,
    limit: u64,
) -> Result<FolderMoves> {
    let mut search = Search::new(changes, similarity, empty_blob);
    if search.sources.is_empty() || search.targets.is_empty() {
        return Ok(FolderMoves::new());
    }
    search.same_content();
    search.learn_folder_moves();
    search.same_names()?;
    search.drop_needless();
    if search.is_within(limit) {
        search.most_alike()?;
    }
    Ok(search.into_folder_moves())
}

struct Search<'s, 'c, 'a> {
    changes: &'c mut Changes,
    similarity: &'s mut Similarity<'a>,
    /// Indices of deletions that are not a rename's source yet.
    sources: Vec<usize>,
    /// Indices of additions that may be renames.
    targets: Vec<usize>,
    moves: FolderMoves,
    guesses: HashMap<Path, Path>,
}

impl<'s, 'c, 'a> Search<'s, 'c, 'a> {
    /// Empty files are like each other and nobody's rename.
    fn new(changes: &'c mut Changes, similarity: &'s mut Similarity<'a>, empty_blob: &Oid) -> Self {
        let sources = indices(changes.deletions.iter().map(|file| file.version.oid != *empty_blob));
        let targets = indices(changes.additions.iter().map(|addition| addition.file.version.oid != *empty_blob));
        Self { changes, similarity, sources, targets, moves: FolderMoves::new(), guesses: HashMap::new() }
    }

    fn old_path(&self, source: usize) -> &Path {
        &self.changes.deletions[source].path
    }

    fn new_path(&self, target: usize) -> &Path {
        &self.changes.additions[target].file.path
    }

    fn is_found(&self, target: usize) -> bool {
        self.changes.additions[target].source.is_some()
    }

    fn record(&mut self, source: usize, target: usize) {
        self.changes.additions[target].source = Some(self.changes.deletions[source].clone());
    }

    // --- files of the same content

    fn same_content(&mut self) {
        let mut by_oid: HashMap<Oid, Vec<usize>> = HashMap::new();
        for &source in &self.sources {
            by_oid.entry(self.changes.deletions[source].version.oid).or_default().push(source);
        }
        let mut used = HashSet::new();
        for at in 0..self.targets.len() {
            let target = self.targets[at];
            let candidates = by_oid.get(&self.changes.additions[target].file.version.oid);
            let best = candidates.and_then(|sources| self.best_of(sources, target, &used));
            if let Some(source) = best {
                used.insert(source);
                self.record(source, target);
            }
        }
        self.sources.retain(|source| !used.contains(source));
    }

    /// The first unused source of the same name, else the first.
    fn best_of(&self, sources: &[usize], target: usize, used: &HashSet<usize>) -> Option<usize> {
        let version = self.changes.additions[target].file.version;
        let fits = |source: &&usize| {
            !used.contains(source) && may_be_renamed(self.changes.deletions[**source].version, version)
        };
        let mut fitting = sources.iter().filter(fits).take(MAX_SAME_CONTENT).copied();
        let first = fitting.next()?;
        let is_namesake = |&source: &usize| split(self.old_path(source)).1 == split(self.new_path(target)).1;
        if is_namesake(&first) { Some(first) } else { fitting.find(is_namesake).or(Some(first)) }
    }

    // --- where folders went

    fn learn_folder_moves(&mut self) {
        for at in 0..self.targets.len() {
            self.count_move(self.targets[at]);
        }
        for (folder, moves) in &self.moves {
            self.guesses.extend(moves.guess().map(|to| (Path::clone(folder), Path::clone(to))));
        }
    }

    /// Count a rename for the folder that the file was in, and for those above while their names stayed the same.
    fn count_move(&mut self, target: usize) {
        let Some(source) = &self.changes.additions[target].source else { return };
        let (old, new) = (Path::clone(&source.path), Path::clone(&self.changes.additions[target].file.path));
        let ((mut old_folder, _), (mut new_folder, _)) = (split(&old), split(&new));
        let mut is_first = true;
        while self.changes.removed_folders.contains_key(old_folder) {
            let need = self.changes.folder_need(old_folder);
            if is_first || need == FolderNeed::Own {
                increment(&mut self.moves, old_folder, new_folder);
            }
            is_first = false;
            if need == FolderNeed::None || old_folder.is_empty() || new_folder.is_empty() {
                return;
            }
            let ((old_above, old_name), (new_above, new_name)) = (split(old_folder), split(new_folder));
            if old_name != new_name {
                return;
            }
            (old_folder, new_folder) = (old_above, new_above);
        }
    }

    // --- files of the same name

    fn same_names(&mut self) -> Result<()> {
        let old = by_name(self.sources.iter().map(|&source| (self.old_path(source), source)));
        let unfound: Vec<_> = self.targets.iter().copied().filter(|&target| !self.is_found(target)).collect();
        let new = by_name(unfound.iter().map(|&target| (self.new_path(target), target)));
        let by_path: HashMap<_, _> =
            unfound.iter().map(|&target| (Path::clone(self.new_path(target)), target)).collect();
        for source in self.sources.clone() {
            let path = Path::clone(self.old_path(source));
            if !self.changes.needed_sources.contains_key(&path) {
                continue;
            }
            let Some(&namesake) = new.get(split(&path).1) else { continue };
            let is_unique = old.get(split(&path).1).copied().flatten().is_some();
            let target = namesake.filter(|_| is_unique).or_else(|| self.guessed(&path, &by_path));
            if let Some(target) = target.filter(|&target| !self.is_found(target)) {
                self.try_namesake(source, target)?;
            }
        }
        Ok(())
    }

    /// Where a file would be if it went with the others of its folder.
    fn guessed(&self, path: &Path, by_path: &HashMap<Path, usize>) -> Option<usize> {
        let (folder, name) = split(path);
        let guess = self.guesses.get(folder).filter(|guess| !guess.is_empty())?;
        by_path.get(&join(guess, name)).copied()
    }

    fn try_namesake(&mut self, source: usize, target: usize) -> Result<()> {
        if self.score(source, target, MIN_NAMESAKE_SCORE)? >= MIN_NAMESAKE_SCORE {
            self.record(source, target);
            self.count_move(target);
        }
        Ok(())
    }

    fn score(&mut self, source: usize, target: usize, min_score: u64) -> Result<u64> {
        let (old, new) = (self.changes.deletions[source].version, self.changes.additions[target].file.version);
        if old.kind() != REGULAR || new.kind() != REGULAR {
            return Ok(0);
        }
        self.similarity.score(&old.oid, &new.oid, min_score)
    }

    // --- what need not be found

    fn drop_needless(&mut self) {
        let additions = &self.changes.additions;
        let used: HashSet<_> = additions.iter().filter_map(|new| new.source.as_ref()).map(|old| &old.path).collect();
        let deletions = &self.changes.deletions;
        let needed = &self.changes.needed_sources;
        self.sources.retain(|&source| {
            let path = &deletions[source].path;
            !used.contains(path) && needed.contains_key(path)
        });
        self.drop_where_folders_are_known();
    }

    /// If most files of a folder went to one place, it does not matter where the others went.
    fn drop_where_folders_are_known(&mut self) {
        for at in 0..self.sources.len() {
            let path = Path::clone(self.old_path(self.sources[at]));
            let mut folder = split(&path).0;
            while !folder.is_empty() && self.changes.folder_need(folder) != FolderNeed::None {
                increment(&mut self.moves, folder, NOWHERE);
                folder = split(folder).0;
            }
        }
        for (folder, moves) in &self.moves {
            if self.changes.folder_need(folder) == FolderNeed::Own && moves.is_decided() {
                self.changes.removed_folders.insert(Path::clone(folder), FolderNeed::Above);
            }
        }
        let changes = &self.changes;
        self.sources.retain(|&source| {
            let path = &changes.deletions[source].path;
            changes.needed_sources.get(path) != Some(&SourceNeed::Location) || is_location_open(changes, path)
        });
    }

    // --- any files

    fn is_within(&self, limit: u64) -> bool {
        let left = self.targets.iter().filter(|&&target| !self.is_found(target)).count() as u64;
        left.saturating_mul(self.sources.len() as u64) <= limit.saturating_mul(limit)
    }

    fn most_alike(&mut self) -> Result<()> {
        let mut pairs: Vec<Pair> = Vec::new();
        for at in 0..self.targets.len() {
            let target = self.targets[at];
            if !self.is_found(target) {
                pairs.extend(self.candidates(target)?);
            }
        }
        pairs.sort_by_key(|pair| std::cmp::Reverse(pair.rank()));
        let mut used = HashSet::new();
        for pair in pairs.into_iter().take_while(|pair| pair.score >= MIN_SCORE) {
            if !self.is_found(pair.target) && used.insert(pair.source) {
                self.record(pair.source, pair.target);
                self.count_move(pair.target);
            }
        }
        Ok(())
    }

    /// The most similar sources of a target. Of equal ones, those that are met first stay, as they do in Git's table of four.
    fn candidates(&mut self, target: usize) -> Result<Vec<Pair>> {
        let mut table: [Option<Pair>; CANDIDATES] = [None; CANDIDATES];
        for at in 0..self.sources.len() {
            let source = self.sources[at];
            let is_namesake = split(self.old_path(source)).1 == split(self.new_path(target)).1;
            let pair = Pair { score: self.score(source, target, MIN_SCORE)?, is_namesake, source, target };
            let mut worst = 0;
            for at in 1..CANDIDATES {
                if rank(table[at]) < rank(table[worst]) {
                    worst = at;
                }
            }
            if rank(table[worst]) < Some(pair.rank()) {
                table[worst] = Some(pair);
            }
        }
        Ok(table.into_iter().flatten().collect())
    }

    /// The moves of removed folders alone.
    fn into_folder_moves(mut self) -> FolderMoves {
        self.moves.retain(|folder, _| self.changes.folder_need(folder) != FolderNeed::None);
        self.moves
    }
}

#[derive(Clone, Copy)]
struct Pair {
    score: u64,
    is_namesake: bool,
    source: usize,
    target: usize,
}

impl Pair {
    const fn rank(&self) -> (u64, bool) {
        (self.score, self.is_namesake)
    }
}

fn rank(pair: Option<Pair>) -> Option<(u64, bool)> {
    pair.map(|pair| pair.rank())
}

fn indices(keep: impl Iterator<Item = bool>) -> Vec<usize> {
    keep.enumerate().filter_map(|(at, keep)| keep.then_some(at)).collect()
}

/// Links and submodules keep their mode; a file may become executable.
fn may_be_renamed(old: Version, new: Version) -> bool {
    (old.kind() == REGULAR && new.kind() == REGULAR) || old.mode == new.mode
}

/// Files by their last name; `None` for a name that several have.
fn by_name<'p>(files: impl Iterator<Item = (&'p Path, usize)>) -> HashMap<Vec<u8>, Option<usize>> {
    let mut names: HashMap<Vec<u8>, Option<usize>> = HashMap::new();
    for (path, index) in files {
        names.entry(split(path).1.to_vec()).and_modify(|index| *index = None).or_insert(Some(index));
    }
    names
}

/// Whether a folder above a path still needs to know where its files went.
fn is_location_open(changes: &Changes, path: &[u8]) -> bool {
    let mut folder = split(path).0;
    loop {
        match changes.folder_need(folder) {
            FolderNeed::None => return false,
            FolderNeed::Own => return true,
            FolderNeed::Above if folder.is_empty() => return false,
            FolderNeed::Above => folder = split(folder).0,
        }
    }
}
