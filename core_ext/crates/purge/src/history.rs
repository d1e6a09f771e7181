//! Commits and tags that name something else, without the signatures that they had.
//!
//! Header lines are kept byte by byte: whatever a commit has beside its edges and signatures stays.

use packhouse_object::edges::for_each_edge;
use packhouse_object::{Kind, ObjectFormat, Oid, Result};

/// Headers that sign the commit or tag that they are in.
const SIGNATURES: [&[u8]; 2] = [b"gpgsig", b"gpgsig-sha256"];

/// A merged tag, whole: it signs what it names.
const MERGED_TAG: &[u8] = b"mergetag";

/// How a signature at the end of a tag's message begins (gitformat-signature(5)).
const ARMOURS: [&[u8]; 4] = [
    b"-----BEGIN PGP SIGNATURE-----",
    b"-----BEGIN PGP MESSAGE-----",
    b"-----BEGIN SIGNED MESSAGE-----",
    b"-----BEGIN SSH SIGNATURE-----",
];

/// A commit with each edge replaced as `new_id` says. A merged tag goes with what it named.
///
/// # Errors
/// `CorruptObject` if the content does not parse.
pub(crate) fn rewritten_commit(
    format: ObjectFormat,
    content: &[u8],
    new_id: impl Fn(&Oid) -> Option<Oid>,
) -> Result<Vec<u8>> {
    let mut written = Vec::with_capacity(content.len());
    let mut edges_len = 0;
    for_each_edge(format, Kind::Commit, content, |oid, kind| {
        let key = if kind == Kind::Tree { "tree" } else { "parent" };
        written.extend_from_slice(format!("{key} {}\n", new_id(&oid).unwrap_or(oid)).as_bytes());
        edges_len = written.len(); // an id of the same length stands for each
        Ok(())
    })?;
    let (headers, message) = split(&content[edges_len..]);
    for header in headers {
        let (key, value) = key_and_value(header);
        let goes = SIGNATURES.contains(&key) || (key == MERGED_TAG && names_replaced(value, &new_id));
        if !goes {
            written.extend_from_slice(header);
        }
    }
    written.extend_from_slice(message);
    Ok(written)
}

/// A tag of `target` in the place of what it named.
pub(crate) fn rewritten_tag(content: &[u8], target: &Oid) -> Vec<u8> {
    let mut written = format!("object {target}\n").into_bytes();
    let (headers, message) = split(content);
    for header in headers.skip(1).filter(|header| !SIGNATURES.contains(&key_and_value(header).0)) {
        written.extend_from_slice(header);
    }
    written.extend_from_slice(unsigned(message));
    written
}

/// The headers, each with its continuation lines, and what follows: an empty line and the message.
fn split(content: &[u8]) -> (impl Iterator<Item = &[u8]>, &[u8]) {
    let end = if content.starts_with(b"\n") {
        0
    } else {
        memchr::memmem::find(content, b"\n\n").map_or(content.len(), |at| at + 1)
    };
    let (mut rest, message) = content.split_at(end);
    let headers = std::iter::from_fn(move || {
        let (header, after) = rest.split_at(header_len(rest));
        rest = after;
        (!header.is_empty()).then_some(header)
    });
    (headers, message)
}

fn header_len(headers: &[u8]) -> usize {
    memchr::memchr_iter(b'\n', headers)
        .map(|at| at + 1)
        .find(|&end| headers.get(end) != Some(&b' '))
        .unwrap_or(headers.len())
}

fn key_and_value(header: &[u8]) -> (&[u8], &[u8]) {
    let end = memchr::memchr2(b' ', b'\n', header).unwrap_or(header.len());
    (&header[..end], header.get(end + 1..).unwrap_or_default())
}

/// Whether a tag, as it begins in a header, names what is replaced.
fn names_replaced(tag: &[u8], new_id: impl Fn(&Oid) -> Option<Oid>) -> bool {
    let line = tag.split(|&byte| byte == b'\n').next().unwrap_or_default();
    line.strip_prefix(b"object ").and_then(|hex| Oid::from_hex(hex).ok()).is_some_and(|oid| new_id(&oid).is_some())
}

/// A message up to the line at which its signature begins.
fn unsigned(message: &[u8]) -> &[u8] {
    let mut starts = std::iter::once(0).chain(memchr::memchr_iter(b'\n', message).map(|at| at + 1));
    let signed = starts.rfind(|&start| ARMOURS.iter().any(|armour| message[start..].starts_with(armour)));
    &message[..signed.unwrap_or(message.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "1111111111111111111111111111111111111111";
    const NEW: &str = "2222222222222222222222222222222222222222";
    const TREE: &str = "3333333333333333333333333333333333333333";

    fn new_id(oid: &Oid) -> Option<Oid> {
        (oid.to_string() == OLD).then(|| Oid::from_hex(NEW.as_bytes()).expect("an id"))
    }

    fn commit(headers: &str) -> String {
        format!("tree {TREE}\n{headers}\n\nmessage\n\ngpgsig stays here\n")
    }

    fn rewritten(headers: &str) -> String {
        let written = rewritten_commit(ObjectFormat::Sha1, commit(headers).as_bytes(), new_id).expect("a commit");
        String::from_utf8(written).expect("text")
    }

    #[test]
    fn parents_are_replaced_and_signatures_left_out() {
        let people = "author A <a> 1 +0000\ncommitter C <c> 1 +0000";
        let signed =
            format!("parent {OLD}\nparent {TREE}\n{people}\ngpgsig -----BEGIN\n \n abc\n -----END\nencoding x");
        assert_eq!(rewritten(&signed), commit(&format!("parent {NEW}\nparent {TREE}\n{people}\nencoding x")));
    }

    #[test]
    fn a_merged_tag_goes_with_what_it_named() {
        let tag = |oid| format!("author A\ncommitter C\nmergetag object {oid}\n type commit\n \n message");
        assert_eq!(rewritten(&tag(OLD)), commit("author A\ncommitter C"));
        assert_eq!(rewritten(&tag(TREE)), commit(&tag(TREE)));
    }

    #[test]
    fn a_commit_without_message_or_people_is_kept_as_it_is() {
        for rest in ["", "\n", "author", "author\n", "\n\n"] {
            let content = format!("tree {OLD}\n{rest}");
            let written = rewritten_commit(ObjectFormat::Sha1, content.as_bytes(), new_id).expect("a commit");
            assert_eq!(String::from_utf8(written).expect("text"), format!("tree {NEW}\n{rest}"), "{rest:?}");
        }
    }

    #[test]
    fn a_tag_loses_the_signature_at_its_end_and_in_its_headers() {
        let target = Oid::from_hex(NEW.as_bytes()).expect("an id");
        let head = |oid| format!("object {oid}\ntype commit\ntag v1\ntagger T <t> 1 +0000\n");
        let signed = format!("{}gpgsig-sha256 x\n y\n\nv1\n-----BEGIN PGP SIGNATURE-----\nabc\n-----END", head(OLD));
        let written = String::from_utf8(rewritten_tag(signed.as_bytes(), &target)).expect("text");
        assert_eq!(written, format!("{}\nv1\n", head(NEW)));
        let plain = format!("{}\nv1\n -----BEGIN PGP SIGNATURE-----\n", head(OLD));
        let written = String::from_utf8(rewritten_tag(plain.as_bytes(), &target)).expect("text");
        assert_eq!(written, format!("{}\nv1\n -----BEGIN PGP SIGNATURE-----\n", head(NEW)));
    }
}
