//! Going through a tree's entries for what they name, and nothing else.
//!
//! A closure looks at many more entries than objects, about fifty for each: this loop is where its time goes. It knows the
//! modes that Git writes; at the first entry with another one it leaves the rest to the parser that reads any.

use packhouse_object::edges::tree_entries;
use packhouse_object::{Kind, ObjectFormat, Result};

/// Call `visit(kind, name, raw id)` for each entry but submodules, in stored order.
///
/// # Errors
/// `CorruptObject` if the tree does not parse; entries before the damage were visited. What `visit` raises.
pub fn for_each_entry(
    format: ObjectFormat,
    content: &[u8],
    mut visit: impl FnMut(Kind, &[u8], &[u8]) -> Result<()>,
) -> Result<()> {
    let mut rest = content;
    while let Some((kind, mode_len)) = known_mode(rest)
        && let Some(name_len) = rest[mode_len..].iter().position(|&byte| byte == 0)
        && name_len > 0
        && let Some((oid, after)) = rest[mode_len + name_len + 1..].split_at_checked(format.oid_len())
    {
        let name = &rest[mode_len..mode_len + name_len];
        rest = after;
        if let Some(kind) = kind {
            visit(kind, name, oid)?;
        }
    }
    tree_entries(format, rest).try_for_each(|entry| {
        let entry = entry?;
        entry.kind().map_or(Ok(()), |kind| visit(kind, entry.name, entry.oid.as_bytes()))
    })
}

/// The kind that one of Git's modes stands for, and the length of the mode with its space.
fn known_mode(entry: &[u8]) -> Option<(Option<Kind>, usize)> {
    match entry.first_chunk()? {
        b"100644 " | b"100755 " | b"120000 " => Some((Some(Kind::Blob), 7)),
        b"160000 " => Some((None, 7)),
        [b'4', b'0', b'0', b'0', b'0', b' ', _] => Some((Some(Kind::Tree), 6)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(mode_and_name: &str, byte: u8) -> Vec<u8> {
        [mode_and_name.as_bytes(), &[0], &[byte; 20]].concat()
    }

    fn visited(content: &[u8]) -> (Vec<(Kind, u8, u8)>, bool) {
        let mut seen = Vec::new();
        let result = for_each_entry(ObjectFormat::Sha1, content, |kind, name, raw| {
            seen.push((kind, name[0], raw[0]));
            Ok(())
        });
        (seen, result.is_ok())
    }

    #[test]
    fn every_mode_is_read_and_submodules_are_no_edges() {
        let tree = [
            entry("100644 a", 1),
            entry("40000 b", 2),
            entry("160000 c", 3),
            entry("120000 d", 4),
            entry("100664 e", 5),
            entry("040000 f", 6),
            entry("100755 g", 7),
        ];
        let kinds =
            [(Kind::Blob, 1), (Kind::Tree, 2), (Kind::Blob, 4), (Kind::Blob, 5), (Kind::Tree, 6), (Kind::Blob, 7)];
        let expected: Vec<_> = kinds.into_iter().map(|(kind, byte)| (kind, b'a' - 1 + byte, byte)).collect();
        assert_eq!(visited(&tree.concat()), (expected, true));
    }

    #[test]
    fn damage_is_an_error_after_what_came_before() {
        for damaged in [&entry("100644 b", 2)[..15], &entry("100644 ", 2), b"100644 b", b"1006", b"x"] {
            let tree = [entry("100644 a", 1), damaged.to_vec()].concat();
            assert_eq!(visited(&tree), (vec![(Kind::Blob, b'a', 1)], false), "{damaged:?}");
        }
        assert_eq!(visited(b""), (vec![], true));
    }
}
