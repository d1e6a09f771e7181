//! Checks of trees.

use super::look_alike::{self, GITATTRIBUTES, GITIGNORE, GITMODULES, MAILMAP};
use super::order::{Order, Place};
use super::{Checked, Findings, Message, SpecialFile};
use crate::edges::{TreeEntry, tree_entries};
use crate::{ObjectFormat, Oid};

/// Names longer than this are no file's on any system.
const MAX_NAME_BYTES: usize = 4096;

const SYMLINK: u32 = 0o120_000;

/// Check a tree. Unlike commits and tags it is checked to its end, each fault reported once.
pub fn check(
    findings: &mut Findings<'_>,
    format: ObjectFormat,
    content: &[u8],
    special: &mut dyn FnMut(SpecialFile, Oid),
) -> Checked {
    let mut faults = Faults::default();
    if !ends_with_an_id(format, content) {
        return findings.add(Message::BadTree, "it does not end with an entry");
    }
    let mut order = Order::default();
    let mut entries = tree_entries(format, content).peekable();
    while let Some(entry) = entries.next() {
        let Ok(entry) = entry else {
            faults.add(Message::BadTree);
            break;
        };
        faults.add_if(entry.mode_digits.starts_with(b"0"), Message::ZeroPaddedFilemode);
        faults.add_if(entry.oid.is_null(), Message::NullSha1);
        faults.add_if(entry.name.len() > MAX_NAME_BYTES, Message::LargePathname);
        if look_alike::is_suspect(entry.name) || memchr::memchr2(b'/', b'\\', entry.name).is_some() {
            faults.check_name(entry.name);
            faults.check_special(&entry, special);
        }
        // Git steps to the next entry before it looks at this one's mode and place, and stops if it cannot.
        if !matches!(entries.peek(), Some(Err(_))) {
            faults.check_mode(&entry);
            faults.check_place(order.place(&entry));
        }
    }
    faults.report(findings)
}

/// Git looks for the NUL before the last id first, and at nothing else if it is not there.
fn ends_with_an_id(format: ObjectFormat, content: &[u8]) -> bool {
    content.is_empty() || content.iter().rev().nth(format.oid_len()) == Some(&0)
}

/// A set of faults, each with its sentence.
#[derive(Default)]
struct Faults {
    seen: u32,
}

const SENTENCES: &[(Message, &str)] = &[
    (Message::GitmodulesSymlink, ".gitmodules is a symbolic link"),
    (Message::GitattributesSymlink, ".gitattributes is a symbolic link"),
    (Message::GitignoreSymlink, ".gitignore is a symbolic link"),
    (Message::MailmapSymlink, ".mailmap is a symbolic link"),
    (Message::BadTree, "it cannot be parsed"),
    (Message::NullSha1, "an entry names the null object"),
    (Message::FullPathname, "a name with a slash"),
    (Message::EmptyName, "an empty name"),
    (Message::HasDot, "an entry named '.'"),
    (Message::HasDotdot, "an entry named '..'"),
    (Message::HasDotgit, "an entry that some file system takes for '.git'"),
    (Message::ZeroPaddedFilemode, "a mode that starts with zero"),
    (Message::BadFilemode, "a mode that Git does not write"),
    (Message::DuplicateEntries, "two entries of one name"),
    (Message::TreeNotSorted, "entries out of order"),
    (Message::LargePathname, "a name of more than 4096 bytes"),
];

impl Faults {
    fn add(&mut self, message: Message) {
        let known = SENTENCES.iter().position(|(other, _)| *other == message);
        self.seen |= known.map_or(0, |at| 1 << at);
    }

    fn add_if(&mut self, fault: bool, message: Message) {
        if fault {
            self.add(message);
        }
    }

    fn check_name(&mut self, name: &[u8]) {
        self.add_if(memchr::memchr(b'/', name).is_some(), Message::FullPathname);
        self.add_if(name == b".", Message::HasDot);
        self.add_if(name == b"..", Message::HasDotdot);
        let is_dotgit = look_alike::is_dotgit(name) || after_backslashes(name).any(look_alike::is_dotgit_on_ntfs);
        self.add_if(is_dotgit, Message::HasDotgit);
    }

    fn check_special(&mut self, entry: &TreeEntry<'_>, special: &mut dyn FnMut(SpecialFile, Oid)) {
        let is_symlink = entry.mode & 0o170_000 == SYMLINK;
        if GITMODULES.is(entry.name) || after_backslashes(entry.name).any(|name| GITMODULES.is_on_ntfs(name)) {
            if is_symlink { self.add(Message::GitmodulesSymlink) } else { special(SpecialFile::Gitmodules, entry.oid) }
        }
        if GITATTRIBUTES.is(entry.name) {
            if is_symlink {
                self.add(Message::GitattributesSymlink)
            } else {
                special(SpecialFile::Gitattributes, entry.oid)
            }
        }
        self.add_if(is_symlink && GITIGNORE.is(entry.name), Message::GitignoreSymlink);
        self.add_if(is_symlink && MAILMAP.is(entry.name), Message::MailmapSymlink);
    }

    fn check_mode(&mut self, entry: &TreeEntry<'_>) {
        let known = matches!(entry.mode, 0o100_644 | 0o100_755 | SYMLINK | 0o040_000 | 0o160_000);
        self.add_if(!known, Message::BadFilemode);
    }

    fn check_place(&mut self, place: Place) {
        self.add_if(place == Place::OutOfOrder, Message::TreeNotSorted);
        self.add_if(place == Place::Duplicate, Message::DuplicateEntries);
    }

    fn report(&self, findings: &mut Findings<'_>) -> Checked {
        let mut checked = Ok(());
        for (at, (message, sentence)) in SENTENCES.iter().enumerate() {
            if self.seen >> at & 1 == 1 {
                checked = findings.add(*message, sentence).and(checked);
            }
        }
        checked
    }
}

/// What follows each backslash, which Windows takes for a directory separator.
fn after_backslashes(name: &[u8]) -> impl Iterator<Item = &[u8]> {
    memchr::memchr_iter(b'\\', name).map(|at| &name[at + 1..])
}
