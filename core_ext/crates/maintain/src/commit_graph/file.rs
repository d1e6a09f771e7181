//! The bytes of the file.

use super::commits::Commits;
use super::generations::Generations;
use packhouse_object::Result;
use packhouse_pack::Database;
use packhouse_pack::commit_graph::{MARK, MAX_ROW_DATE_S, NO_PARENT};
use packhouse_pack::derived::HashedWriter;
use std::io::Write;

const HEADER_LEN: u64 = 8;
const ENTRY_LEN: u64 = 12;

/// Write the file.
pub(super) fn write(db: &Database, commits: &Commits, generations: &Generations, out: impl Write) -> Result<()> {
    let offsets_s = offsets_of(commits, generations);
    let overflows: Vec<_> = offsets_s.iter().copied().filter(|&offset_s| overflows(offset_s)).collect();
    let edge_count: u64 = (0..commits.len()).map(|row| edges_of(commits.parents(row)).len() as u64).sum();
    let mut out = HashedWriter::new(db.format(), out);
    write_head(db, commits, overflows.len() as u64, edge_count, &mut out)?;
    write_fanout(db, commits, &mut out)?;
    commits.ordinals.iter().try_for_each(|&ordinal| out.put(db.oid_of(ordinal).as_bytes()))?;
    write_commits(commits, generations, &mut out)?;
    write_offsets(&offsets_s, &mut out)?;
    overflows.iter().try_for_each(|offset_s| out.put(&offset_s.to_be_bytes()))?;
    write_edges(commits, &mut out)?;
    out.finish()?;
    Ok(())
}

/// Signature, versions, and where each chunk starts.
fn write_head(
    db: &Database,
    commits: &Commits,
    overflow_count: u64,
    edge_count: u64,
    out: &mut HashedWriter<impl Write>,
) -> Result<()> {
    let (count, oid_len) = (u64::from(commits.len()), db.format().oid_len() as u64);
    let mut chunks = vec![
        (b"OIDF", 256 * 4),
        (b"OIDL", count * oid_len),
        (b"CDAT", count * (oid_len + 16)),
        (b"GDA2", count * 4),
        (b"GDO2", overflow_count * 8),
        (b"EDGE", edge_count * 4),
    ];
    chunks.retain(|(id, len)| *len > 0 || !matches!(*id, b"GDO2" | b"EDGE"));
    #[allow(clippy::cast_possible_truncation)] // at most six
    let chunk_count = chunks.len() as u8;
    out.put(&[b'C', b'G', b'P', b'H', 1, db.format().hash_id(), chunk_count, 0])?;
    let mut at = HEADER_LEN + (u64::from(chunk_count) + 1) * ENTRY_LEN;
    for (id, len) in chunks.into_iter().chain([(b"\0\0\0\0", 0)]) {
        out.put(id)?;
        out.put(&at.to_be_bytes())?;
        at += len;
    }
    Ok(())
}

fn write_fanout(db: &Database, commits: &Commits, out: &mut HashedWriter<impl Write>) -> Result<()> {
    let mut counts = [0u32; 256];
    for &ordinal in &commits.ordinals {
        counts[usize::from(db.oid_of(ordinal).as_bytes()[0])] += 1;
    }
    let mut total = 0;
    counts.iter().try_for_each(|count| {
        total += count;
        out.put(&total.to_be_bytes())
    })
}

fn write_commits(commits: &Commits, generations: &Generations, out: &mut HashedWriter<impl Write>) -> Result<()> {
    let mut edge = 0;
    for row in 0..commits.len() {
        let parents = commits.parents(row);
        let second = match edges_of(parents) {
            [] => parents.get(1).copied().unwrap_or(NO_PARENT),
            edges => {
                let start = edge;
                edge += edges.len();
                #[allow(clippy::cast_possible_truncation)] // `Commits` counts less than 2^31 parents
                let start = start as u32;
                start | MARK
            }
        };
        let date_s = commits.dates_s[row as usize] & MAX_ROW_DATE_S;
        out.put(commits.tree(row))?;
        out.put(&parents.first().copied().unwrap_or(NO_PARENT).to_be_bytes())?;
        out.put(&second.to_be_bytes())?;
        out.put(&(u64::from(generations.levels[row as usize]) << 34 | date_s).to_be_bytes())?;
    }
    Ok(())
}

/// By how much each generation is more than the date that the row has of the commit.
fn offsets_of(commits: &Commits, generations: &Generations) -> Vec<u64> {
    let dates_s = commits.dates_s.iter().map(|date_s| date_s & MAX_ROW_DATE_S);
    generations.corrected_s.iter().zip(dates_s).map(|(corrected_s, date_s)| corrected_s - date_s).collect()
}

const fn overflows(offset_s: u64) -> bool {
    offset_s >= MARK as u64
}

fn write_offsets(offsets_s: &[u64], out: &mut HashedWriter<impl Write>) -> Result<()> {
    let mut overflow_count = 0;
    offsets_s.iter().try_for_each(|&offset_s| match u32::try_from(offset_s) {
        Ok(small) if !overflows(offset_s) => out.put(&small.to_be_bytes()),
        _ => {
            overflow_count += 1;
            out.put(&(MARK | (overflow_count - 1)).to_be_bytes())
        }
    })
}

fn write_edges(commits: &Commits, out: &mut HashedWriter<impl Write>) -> Result<()> {
    for row in 0..commits.len() {
        if let Some((last, others)) = edges_of(commits.parents(row)).split_last() {
            others.iter().try_for_each(|parent| out.put(&parent.to_be_bytes()))?;
            out.put(&(last | MARK).to_be_bytes())?;
        }
    }
    Ok(())
}

/// What the list of edges holds of a commit: all parents but the first, if there are more than two.
fn edges_of(parents: &[u32]) -> &[u32] {
    if parents.len() > 2 { &parents[1..] } else { &[] }
}
