//! What object checks tell besides their findings. The findings themselves are held to Git's in tests/compat.

use packhouse_object::fsck::{self, Message, Policy, Severity, SpecialFile, Unchecked};
use packhouse_object::{Kind, ObjectFormat, Oid};
use proptest::prelude::*;

fn entry(mode: &str, name: &[u8], oid: &Oid) -> Vec<u8> {
    [mode.as_bytes(), b" ", name, b"\0", oid.as_bytes()].concat()
}

fn ids(check: impl FnOnce(&mut fsck::Report<'_>)) -> Vec<&'static str> {
    let mut ids = Vec::new();
    check(&mut |_, id, _| ids.push(id));
    ids
}

#[test]
fn the_special_files_of_a_tree_are_told() {
    for (format, len) in [(ObjectFormat::Sha1, 20), (ObjectFormat::Sha256, 32)] {
        let oids: Vec<Oid> = (1..5u8).map(|n| Oid::from_bytes(&vec![n; len]).expect("a known length")).collect();
        let tree = [
            entry("100644", b".gitattributes", &oids[0]),
            entry("120000", b".gitmodules", &oids[1]),
            entry("100644", b"GITMOD~1", &oids[2]),
            entry("40000", b"x\\.gitmodules", &oids[3]),
        ]
        .concat();
        let mut told = Vec::new();
        let found = ids(|report| {
            fsck::check(&Policy::default(), format, Kind::Tree, &tree, report, |file, oid| told.push((file, oid)));
        });
        assert_eq!(found, ["gitmodulesSymlink"]);
        assert_eq!(
            told,
            [
                (SpecialFile::Gitattributes, oids[0]),
                (SpecialFile::Gitmodules, oids[2]),
                (SpecialFile::Gitmodules, oids[3])
            ]
        );
    }
}

#[test]
fn a_special_file_that_cannot_be_checked_is_refused() {
    let unchecked = |file, why| ids(|report| fsck::report_unchecked(&Policy::default(), file, why, report));
    assert_eq!(unchecked(SpecialFile::Gitmodules, Unchecked::NotABlob), ["gitmodulesBlob"]);
    assert_eq!(unchecked(SpecialFile::Gitmodules, Unchecked::TooLarge), ["gitmodulesLarge"]);
    assert_eq!(unchecked(SpecialFile::Gitmodules, Unchecked::Missing), ["gitmodulesMissing"]);
    assert_eq!(unchecked(SpecialFile::Gitattributes, Unchecked::NotABlob), ["gitattributesBlob"]);
    assert_eq!(unchecked(SpecialFile::Gitattributes, Unchecked::TooLarge), ["gitattributesLarge"]);
    assert_eq!(unchecked(SpecialFile::Gitattributes, Unchecked::Missing), ["gitattributesMissing"]);
}

#[test]
fn a_gitattributes_file_over_git_s_limit_is_too_large() {
    // Zeros: behind the first of them only the size counts.
    let mut content = vec![0; (100 << 20) + 1];
    let check = |content: &[u8]| {
        ids(|report| fsck::check_special(&Policy::default(), SpecialFile::Gitattributes, content, report))
    };
    assert_eq!(check(&content), ["gitattributesLarge"]);
    content.pop();
    assert_eq!(check(&content), [""; 0]);
}

#[test]
fn an_oid_of_the_other_format_is_none() {
    let person = "A <a@b> 1 +0000";
    let commit = format!("tree {}\nauthor {person}\ncommitter {person}\n\n", "1".repeat(64));
    let check = |format| {
        ids(|report| fsck::check(&Policy::default(), format, Kind::Commit, commit.as_bytes(), report, |_, _| ()))
    };
    assert_eq!(check(ObjectFormat::Sha256), [""; 0]);
    assert_eq!(check(ObjectFormat::Sha1), ["badTreeSha1"]);
}

#[test]
fn a_policy_knows_its_ids_and_its_limits() {
    let policy = Policy::with([("hasdot", Severity::Ignore), ("badDate", Severity::Error)]).expect("both are known");
    assert_eq!(policy.severity(Message::HasDot), Severity::Ignore);
    assert_eq!(policy.severity(Message::BadDate), Severity::Error);
    assert_eq!(policy.severity(Message::HasDotgit), Severity::Error);
    assert!(Policy::with([("hasDots", Severity::Warn)]).is_err());
    assert!(Policy::with([("nulInHeader", Severity::Warn)]).is_err());
    assert!(Policy::with([("nulInHeader", Severity::Error)]).is_ok());
}

proptest! {
    #[test]
    fn with_all_made_light_of_a_check_still_ends(content in prop::collection::vec(any::<u8>(), 0..200), head in prop::sample::select(vec!["", "tree x\n", "object x\ntype x\n", "author "])) {
        let ids = ["badTreeSha1", "badObjectSha1", "badType", "missingAuthor", "badTree", "missingTree", "missingObject"];
        let policy = Policy::with(ids.map(|id| (id, Severity::Warn))).expect("all are known");
        let content = [head.as_bytes(), &content, b"\n"].concat();
        for kind in [Kind::Commit, Kind::Tree, Kind::Tag, Kind::Blob] {
            fsck::check(&policy, ObjectFormat::Sha1, kind, &content, &mut |_, _, _| (), |_, _| ());
        }
    }
}
