//! A tree without some of its entries.

use packhouse_object::edges::{TreeEntry, tree_entries};
use packhouse_object::{ObjectFormat, Oid, Result};

/// What becomes of an entry.
pub(crate) enum Entry {
    Stays,
    Goes,
    Names(Oid),
}

/// The content of a tree with each entry as `judge` says. Modes and names stay as they are stored, and so does the order.
///
/// # Errors
/// `CorruptObject` if it does not parse; what `judge` raises.
pub(crate) fn rewritten_tree(
    format: ObjectFormat,
    content: &[u8],
    mut judge: impl FnMut(&TreeEntry<'_>) -> Result<Entry>,
) -> Result<Vec<u8>> {
    let mut written = Vec::with_capacity(content.len());
    for entry in tree_entries(format, content) {
        let entry = entry?;
        let oid = match judge(&entry)? {
            Entry::Stays => entry.oid,
            Entry::Goes => continue,
            Entry::Names(oid) => oid,
        };
        written.extend_from_slice(entry.mode_digits);
        written.push(b' ');
        written.extend_from_slice(entry.name);
        written.push(0);
        written.extend_from_slice(oid.as_bytes());
    }
    Ok(written)
}
