//! The findings that an object check can make, by Git's names (git-fsck(1), "FSCK MESSAGES").

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Not reported.
    Ignore,
    /// Reported; worth a look.
    Info,
    /// Reported; the object is accepted.
    Warn,
    /// The object is refused.
    Error,
    /// The object is refused, and no policy can change that: what follows cannot be checked.
    Fatal,
}

impl Severity {
    /// The severity of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Ignore, Self::Info, Self::Warn, Self::Error, Self::Fatal].into_iter().find(|known| known.name() == name)
    }

    /// Its name in lower case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ignore => "ignore",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
            Self::Fatal => "fatal",
        }
    }

    /// Whether an object with such a finding is refused.
    #[must_use]
    pub const fn refuses(self) -> bool {
        matches!(self, Self::Error | Self::Fatal)
    }
}

macro_rules! messages {
    ($($name:ident $id:literal $severity:ident;)*) => {
        /// What can be found.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs)] // git-fsck(1) has a line on each
        pub enum Message {
            $($name,)*
        }

        /// All messages with their ids and default severities, in the order of the enum.
        pub(super) const MESSAGES: &[(Message, &str, Severity)] = &[$((Message::$name, $id, Severity::$severity),)*];
    };
}

// Where Git refuses what real history contains (a person's line, a time zone, a padded mode), we warn: such a commit can
// not be mended, its name would change. What could harm whoever checks the tree out is refused, as Git does when strict.
messages! {
    NulInHeader "nulInHeader" Fatal;
    UnterminatedHeader "unterminatedHeader" Fatal;

    BadObjectSha1 "badObjectSha1" Error;
    BadParentSha1 "badParentSha1" Error;
    BadTree "badTree" Error;
    BadTreeSha1 "badTreeSha1" Error;
    BadType "badType" Error;
    DuplicateEntries "duplicateEntries" Error;
    MissingAuthor "missingAuthor" Error;
    MissingCommitter "missingCommitter" Error;
    MissingObject "missingObject" Error;
    MissingTag "missingTag" Error;
    MissingTagEntry "missingTagEntry" Error;
    MissingTree "missingTree" Error;
    MissingType "missingType" Error;
    MissingTypeEntry "missingTypeEntry" Error;
    MultipleAuthors "multipleAuthors" Error;
    TreeNotSorted "treeNotSorted" Error;
    BadGpgsig "badGpgsig" Error;
    BadHeaderContinuation "badHeaderContinuation" Error;

    EmptyName "emptyName" Error;
    FullPathname "fullPathname" Error;
    HasDot "hasDot" Error;
    HasDotdot "hasDotdot" Error;
    HasDotgit "hasDotgit" Error;
    NullSha1 "nullSha1" Error;
    GitmodulesBlob "gitmodulesBlob" Error;
    GitmodulesLarge "gitmodulesLarge" Error;
    GitmodulesMissing "gitmodulesMissing" Error;
    GitmodulesName "gitmodulesName" Error;
    GitmodulesPath "gitmodulesPath" Error;
    GitmodulesSymlink "gitmodulesSymlink" Error;
    GitmodulesUpdate "gitmodulesUpdate" Error;
    GitmodulesUrl "gitmodulesUrl" Error;
    GitattributesBlob "gitattributesBlob" Error;
    GitattributesLarge "gitattributesLarge" Error;
    GitattributesLineLength "gitattributesLineLength" Error;
    GitattributesMissing "gitattributesMissing" Error;

    BadDate "badDate" Warn;
    BadDateOverflow "badDateOverflow" Warn;
    BadEmail "badEmail" Warn;
    BadName "badName" Warn;
    BadTimezone "badTimezone" Warn;
    MissingEmail "missingEmail" Warn;
    MissingNameBeforeEmail "missingNameBeforeEmail" Warn;
    MissingSpaceBeforeDate "missingSpaceBeforeDate" Warn;
    MissingSpaceBeforeEmail "missingSpaceBeforeEmail" Warn;
    ZeroPaddedDate "zeroPaddedDate" Warn;
    ZeroPaddedFilemode "zeroPaddedFilemode" Warn;
    LargePathname "largePathname" Warn;
    NulInCommit "nulInCommit" Warn;

    BadFilemode "badFilemode" Info;
    BadTagName "badTagName" Info;
    MissingTaggerEntry "missingTaggerEntry" Info;
    GitattributesSymlink "gitattributesSymlink" Info;
    GitignoreSymlink "gitignoreSymlink" Info;
    GitmodulesParse "gitmodulesParse" Info;
    MailmapSymlink "mailmapSymlink" Info;

    ExtraHeaderEntry "extraHeaderEntry" Ignore;
}

impl Message {
    /// Its name in camel case, as in `fsck.<msg-id>`.
    #[must_use]
    pub const fn id(self) -> &'static str {
        MESSAGES[self as usize].1
    }

    /// The message of that name; as in Git's configuration, case does not matter.
    #[must_use]
    pub fn from_id(id: &str) -> Option<Self> {
        MESSAGES.iter().find(|(_, known, _)| known.eq_ignore_ascii_case(id)).map(|(message, _, _)| *message)
    }

    pub(super) const fn default_severity(self) -> Severity {
        MESSAGES[self as usize].2
    }
}
