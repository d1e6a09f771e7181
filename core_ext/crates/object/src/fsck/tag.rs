//! Checks of annotated tags.

use super::header::{Lines, check_shape, is_oid};
use super::{Checked, Findings, Message, ident};
use crate::{Kind, ObjectFormat};

/// Check an annotated tag.
pub fn check(findings: &mut Findings<'_>, format: ObjectFormat, content: &[u8]) -> Checked {
    check_shape(findings, content)?;
    let mut lines = Lines::new(content);
    check_target(findings, format, &mut lines)?;
    let Some(name) = lines.value(b"tag ") else {
        return findings.add(Message::MissingTagEntry, "no tag line follows the type");
    };
    if !is_tag_name(name) {
        let name = String::from_utf8_lossy(name);
        findings.add(Message::BadTagName, &format!("{name:?} is no name for a tag"))?;
    }
    match lines.value(b"tagger ") {
        Some(tagger) => ident::check(findings, tagger)?,
        None => findings.add(Message::MissingTaggerEntry, "no tagger line follows the name")?,
    }
    skip_signature(&mut lines);
    if !lines.at_end() && !lines.starts_with(b"\n") {
        findings.add(Message::ExtraHeaderEntry, "more header lines follow the tagger")?;
    }
    Ok(())
}

fn check_target(findings: &mut Findings<'_>, format: ObjectFormat, lines: &mut Lines<'_>) -> Checked {
    let Some(target) = lines.value(b"object ") else {
        return Err(findings.give_up(Message::MissingObject, "it does not start with an object line"));
    };
    if !is_oid(format, target) {
        findings.add(Message::BadObjectSha1, "the object line does not name an object")?;
    }
    let Some(kind) = lines.value(b"type ") else {
        return Err(findings.give_up(Message::MissingTypeEntry, "no type line follows the object"));
    };
    if !std::str::from_utf8(kind).is_ok_and(|name| Kind::from_name(name).is_some()) {
        findings.add(Message::BadType, "the type line does not name a kind of object")?;
    }
    Ok(())
}

/// A signature in the header, where the other hash function's name of the object is signed.
fn skip_signature(lines: &mut Lines<'_>) {
    if lines.value(b"gpgsig ").or_else(|| lines.value(b"gpgsig-sha256 ")).is_some() {
        while lines.value(b" ").is_some() {}
    }
}

/// Whether `refs/tags/` and this make a well-formed ref name (git-check-ref-format(1)).
fn is_tag_name(name: &[u8]) -> bool {
    name.split(|&byte| byte == b'/').all(is_component) && name.last() != Some(&b'.')
}

fn is_component(component: &[u8]) -> bool {
    let bad = |byte: &u8| byte.is_ascii_control() || b" ~^:?*[\\".contains(byte);
    !component.is_empty()
        && !component.starts_with(b".")
        && !component.ends_with(b".lock")
        && !component.iter().any(bad)
        && !component.windows(2).any(|pair| pair == b".." || pair == b"@{")
}
