//! Checks of commits.

use super::header::{Lines, check_shape, is_oid};
use super::{Checked, Findings, Message, ident};
use crate::ObjectFormat;

/// Check a commit.
pub fn check(findings: &mut Findings<'_>, format: ObjectFormat, content: &[u8]) -> Checked {
    check_shape(findings, content)?;
    let mut lines = Lines::new(content);
    let Some(tree) = lines.value(b"tree ") else {
        return findings.add(Message::MissingTree, "it does not start with a tree line");
    };
    if !is_oid(format, tree) {
        findings.add(Message::BadTreeSha1, "the tree line does not name an object")?;
    }
    while let Some(parent) = lines.value(b"parent ") {
        if !is_oid(format, parent) {
            findings.add(Message::BadParentSha1, "a parent line does not name an object")?;
        }
    }
    check_authors(findings, &mut lines)?;
    let Some(committer) = lines.value(b"committer ") else {
        return findings.add(Message::MissingCommitter, "no committer line follows the author");
    };
    ident::check(findings, committer)?;
    if memchr::memchr(0, content).is_some() {
        findings.add(Message::NulInCommit, "NUL in the message")?;
    }
    Ok(())
}

fn check_authors(findings: &mut Findings<'_>, lines: &mut Lines<'_>) -> Checked {
    let mut count = 0;
    while let Some(author) = lines.value(b"author ") {
        ident::check(findings, author)?;
        count += 1;
    }
    match count {
        0 => findings.add(Message::MissingAuthor, "no author line follows the tree and the parents"),
        1 => Ok(()),
        _ => findings.add(Message::MultipleAuthors, &format!("{count} author lines")),
    }
}
