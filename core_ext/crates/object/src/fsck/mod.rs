//! Object checks: what Git's `index-pack --strict` finds in an object, by the same message ids.
//!
//! Each check looks at one object alone. Where Git stops checking an object at the first finding that is an error, so do
//! these; findings that a policy makes less than errors do not stop them.

mod commit;
mod config;
mod gitattributes;
mod gitmodules;
mod header;
mod ident;
mod look_alike;
mod message;
mod order;
mod policy;
mod tag;
mod tree;
mod url;

pub use message::{Message, Severity};
pub use policy::{Policy, PolicyError};

use crate::{Kind, ObjectFormat, Oid};

/// A file that Git reads on its own account: its content must be checked wherever a tree gives a blob that name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpecialFile {
    /// Submodules: their names, URLs and paths become arguments and file names.
    Gitmodules,
    /// Attributes, whose parser has limits.
    Gitattributes,
}

/// Why the content of a special file cannot be checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unchecked {
    /// It is not there.
    Missing,
    /// It is a tree, a commit or a tag.
    NotABlob,
    /// It is larger than what is held in memory.
    TooLarge,
}

/// Takes a finding that is not ignored: its severity, its id and a sentence.
pub type Report<'a> = dyn FnMut(Severity, &'static str, &str) + 'a;

/// Check an object as far as it can be checked alone.
///
/// `special` is told of every object that a tree gives the name of a special file; its content is to be checked with
/// [`check_special`], and what is no blob reported with [`report_unchecked`]. Blobs by themselves have nothing to check.
pub fn check(
    policy: &Policy,
    format: ObjectFormat,
    kind: Kind,
    content: &[u8],
    report: &mut Report<'_>,
    mut special: impl FnMut(SpecialFile, Oid),
) {
    let mut findings = Findings { policy, report };
    // A stop only says that an error was reported; the report has told all there is to tell.
    let _ = match kind {
        Kind::Blob => Ok(()),
        Kind::Tree => tree::check(&mut findings, format, content, &mut special),
        Kind::Commit => commit::check(&mut findings, format, content),
        Kind::Tag => tag::check(&mut findings, format, content),
    };
}

/// Check the content of a blob that some tree calls by a special name.
pub fn check_special(policy: &Policy, file: SpecialFile, content: &[u8], report: &mut Report<'_>) {
    let mut findings = Findings { policy, report };
    let _ = match file {
        SpecialFile::Gitmodules => gitmodules::check(&mut findings, content),
        SpecialFile::Gitattributes => gitattributes::check(&mut findings, content),
    };
}

/// Report a special file whose content cannot be checked.
pub fn report_unchecked(policy: &Policy, file: SpecialFile, why: Unchecked, report: &mut Report<'_>) {
    let (message, sentence) = match (file, why) {
        (SpecialFile::Gitmodules, Unchecked::Missing) => {
            (Message::GitmodulesMissing, "the .gitmodules blob is missing")
        }
        (SpecialFile::Gitmodules, Unchecked::NotABlob) => (Message::GitmodulesBlob, ".gitmodules is not a blob"),
        (SpecialFile::Gitmodules, Unchecked::TooLarge) => {
            (Message::GitmodulesLarge, ".gitmodules is too large to check")
        }
        (SpecialFile::Gitattributes, Unchecked::Missing) => {
            (Message::GitattributesMissing, "the .gitattributes blob is missing")
        }
        (SpecialFile::Gitattributes, Unchecked::NotABlob) => {
            (Message::GitattributesBlob, ".gitattributes is not a blob")
        }
        (SpecialFile::Gitattributes, Unchecked::TooLarge) => {
            (Message::GitattributesLarge, ".gitattributes is too large to check")
        }
    };
    let _ = Findings { policy, report }.add(message, sentence);
}

/// Where the checks leave what they find.
struct Findings<'a> {
    policy: &'a Policy,
    report: &'a mut Report<'a>,
}

/// An error was reported; Git looks no further into the object.
struct Stop;

type Checked = Result<(), Stop>;

impl Findings<'_> {
    /// Report a finding. `Err` if it refuses the object.
    fn add(&mut self, message: Message, sentence: &str) -> Checked {
        let severity = self.policy.severity(message);
        if severity != Severity::Ignore {
            (self.report)(severity, message.id(), sentence);
        }
        if severity.refuses() { Err(Stop) } else { Ok(()) }
    }

    /// Report a finding after which there is nothing more to look at, whatever it weighs.
    fn give_up(&mut self, message: Message, sentence: &str) -> Stop {
        self.add(message, sentence).err().unwrap_or(Stop)
    }
}
