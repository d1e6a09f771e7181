//! Commits, tags and trees taken apart, and their edges.

use packhouse_object::edges::{for_each_edge, tree_entries};
use packhouse_object::{Error, Kind, ObjectFormat, Oid, Result, parse};
use proptest::prelude::*;

const SHA1: ObjectFormat = ObjectFormat::Sha1;
const A: &str = "1111111111111111111111111111111111111111";
const B: &str = "2222222222222222222222222222222222222222";

fn oid(hex: &str) -> Oid {
    Oid::from_hex(hex.as_bytes()).expect("40 digits")
}

fn edges(kind: Kind, content: &[u8]) -> Result<Vec<(Oid, Kind)>> {
    let mut edges = Vec::new();
    for_each_edge(SHA1, kind, content, |oid, kind| {
        edges.push((oid, kind));
        Ok(())
    })?;
    Ok(edges)
}

fn is_corrupt<T: std::fmt::Debug>(result: Result<T>) -> bool {
    matches!(result, Err(Error::CorruptObject { .. }))
}

#[test]
fn a_commit_s_parts() {
    let text = format!(
        "tree {A}\nparent {B}\nparent {A}\nauthor A <a@b> 1 +0000\ncommitter C <c@d> 2 -0130\n\
         gpgsig -----BEGIN\n \n line\n -----END\nencoding latin-1\nnovalue\n\nsubject\n\nbody\n"
    );
    let commit = parse::commit(SHA1, text.as_bytes()).expect("a good commit");
    assert_eq!((commit.tree, commit.parents), (oid(A), vec![oid(B), oid(A)]));
    assert_eq!(
        (commit.author.as_slice(), commit.committer.as_slice()),
        (&b"A <a@b> 1 +0000"[..], &b"C <c@d> 2 -0130"[..])
    );
    assert_eq!(
        commit.others,
        [
            (&b"gpgsig"[..], b"-----BEGIN\n\nline\n-----END".to_vec()),
            (b"encoding", b"latin-1".to_vec()),
            (b"novalue", b"".to_vec())
        ]
    );
    assert_eq!(commit.message, b"subject\n\nbody\n");
    assert_eq!(
        edges(Kind::Commit, text.as_bytes()).expect("a good commit"),
        [(oid(A), Kind::Tree), (oid(B), Kind::Commit), (oid(A), Kind::Commit)]
    );
}

#[test]
fn a_commit_without_message_has_an_empty_one() {
    let text = format!("tree {A}\nauthor A <a@b> 1 +0000\ncommitter C <c@d> 2 -0130\n");
    assert_eq!(parse::commit(SHA1, text.as_bytes()).expect("a good commit").message, b"");
    assert_eq!(parse::commit(SHA1, text.trim_end().as_bytes()).expect("a good commit").committer, b"C <c@d> 2 -0130");
}

#[test]
fn a_commit_that_lacks_a_part_is_corrupt() {
    for text in [
        String::new(),
        format!("tree {A}"),
        format!("tree {A}\n"),
        format!("tree {A} \nauthor a\ncommitter b\n\n"),
        format!("tree {}\nauthor a\ncommitter b\n\n", &A[1..]),
        format!("tree {A}\nparent x\nauthor a\ncommitter b\n\n"),
        format!("tree {A}\n continued\nauthor a\ncommitter b\n\n"),
        format!("tree {A}\nauthor a\n\ncommitter b\n"),
        format!("author a\ntree {A}\ncommitter b\n\n"),
    ] {
        assert!(is_corrupt(parse::commit(SHA1, text.as_bytes())), "{text:?}");
    }
}

#[test]
fn a_tag_s_parts() {
    let text = format!("object {A}\ntype tree\ntag v1\ntagger T <t@u> 3 +0000\n\nmessage\n");
    let tag = parse::tag(SHA1, text.as_bytes()).expect("a good tag");
    assert_eq!((tag.target, tag.kind, tag.name.as_slice()), (oid(A), Kind::Tree, &b"v1"[..]));
    assert_eq!((tag.tagger.as_deref(), tag.message), (Some(&b"T <t@u> 3 +0000"[..]), &b"message\n"[..]));
    assert_eq!(edges(Kind::Tag, text.as_bytes()).expect("a good tag"), [(oid(A), Kind::Tree)]);
}

#[test]
fn a_tag_may_lack_its_tagger_and_no_more() {
    let without = format!("object {A}\ntype commit\ntag v1\n\nmessage\n");
    assert_eq!(parse::tag(SHA1, without.as_bytes()).expect("a good tag").tagger, None);
    for text in [
        format!("object {A}\ntype commit\n\n"),
        format!("object {A}\ntype wrong\ntag v1\n\n"),
        format!("object {A}\ntype blob"),
    ] {
        assert!(is_corrupt(parse::tag(SHA1, text.as_bytes())), "{text:?}");
    }
}

#[test]
fn a_submodule_is_no_edge() {
    let raw = oid(A);
    let entry = |mode: &str, name: &str| [mode.as_bytes(), b" ", name.as_bytes(), b"\0", raw.as_bytes()].concat();
    let tree = [entry("100644", "a"), entry("120000", "b"), entry("40000", "c"), entry("160000", "d")].concat();
    assert_eq!(
        edges(Kind::Tree, &tree).expect("a good tree"),
        [(raw, Kind::Blob), (raw, Kind::Blob), (raw, Kind::Tree)]
    );
}

#[test]
fn damaged_trees_are_corrupt() {
    let raw = oid(A);
    for entry in ["100644 a", "100644 a\0", " a\0", "10x644 a\0", "100644 \0", "100644"] {
        let short = &raw.as_bytes()[..19];
        assert!(is_corrupt(edges(Kind::Tree, &[entry.as_bytes(), short].concat())), "{entry:?}");
    }
    assert!(is_corrupt(edges(Kind::Tree, &[b"100644 \0", raw.as_bytes()].concat())));
}

#[test]
fn a_zero_padded_mode_is_read_and_shown() {
    let tree = [b"0040000 dir\0", oid(A).as_bytes()].concat();
    let entry = tree_entries(SHA1, &tree).next().expect("an entry").expect("a good one");
    assert_eq!((entry.mode, entry.mode_digits), (0o40000, &b"0040000"[..]));
}

proptest! {
    #[test]
    fn any_bytes_are_parsed_or_corrupt(content in prop::collection::vec(any::<u8>(), 0..200), prefix in prop::sample::select(vec!["", "tree ", "object ", "100644 "])) {
        let content = [prefix.as_bytes(), &content].concat();
        for format in [SHA1, ObjectFormat::Sha256] {
            let _ = parse::commit(format, &content);
            let _ = parse::tag(format, &content);
            for kind in [Kind::Commit, Kind::Tree, Kind::Tag] {
                let _ = for_each_edge(format, kind, &content, |_, _| Ok(()));
            }
        }
    }
}
