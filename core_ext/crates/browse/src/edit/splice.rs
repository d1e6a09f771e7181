//! A tree's bytes with some entries changed: the runs between them are copied as they are.

use crate::folder::Folder;
use crate::path::append_entry;
use packhouse_object::Oid;
use std::ops::Range;

/// What stands under a name from now on, if anything.
pub(crate) type NewEntry = (Vec<u8>, Option<(u32, Oid)>);

/// The content of a tree in which these names stand for something else; names are distinct.
pub(crate) fn spliced(old: &Folder, entries: &[NewEntry]) -> Vec<u8> {
    let mut cuts: Vec<Range<usize>> = Vec::new();
    let mut added: Vec<(usize, &[u8], (u32, Oid))> = Vec::new();
    for (name, entry) in entries {
        cuts.extend(old.find(name).map(|found| found.bytes));
        added.extend(entry.map(|entry| (old.place_of(name, entry.0), &name[..], entry)));
    }
    cuts.sort_unstable_by_key(|cut| cut.start);
    added.sort_by(|left, right| crate::folder::order((left.1, left.2.0), (right.1, right.2.0)));
    let added_bytes: usize = added.iter().map(|(_, name, (_, oid))| name.len() + oid.as_bytes().len() + 8).sum();
    let mut content = Vec::with_capacity(old.content().len() + added_bytes);
    let (mut at, mut cuts) = (0, cuts.into_iter().peekable());
    for (place, name, (mode, oid)) in added {
        copy(old, &mut at, place, &mut cuts, &mut content);
        append_entry(&mut content, mode, name, &oid);
    }
    copy(old, &mut at, old.content().len(), &mut cuts, &mut content);
    content
}

/// Copy the old bytes up to `end`, but for the cuts.
fn copy(
    old: &Folder,
    at: &mut usize,
    end: usize,
    cuts: &mut std::iter::Peekable<impl Iterator<Item = Range<usize>>>,
    content: &mut Vec<u8>,
) {
    while let Some(cut) = cuts.next_if(|cut| cut.start < end) {
        content.extend_from_slice(&old.content()[*at..cut.start]);
        *at = cut.end;
    }
    if *at < end {
        content.extend_from_slice(&old.content()[*at..end]);
        *at = end;
    }
}
