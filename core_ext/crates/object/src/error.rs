//! The one error type of the compiled core.

use crate::Oid;

/// What can be wrong with bytes that a stranger sent, or with the machine.
///
/// Each variant becomes one Python exception class (see `core_ext/src/errors.rs`).
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A commit, tree or tag that cannot be parsed, or content that does not hash to its name.
    #[error("corrupt object {}: {what}", display_oid(.oid))]
    CorruptObject {
        /// The object, where its name is known.
        oid: Option<Oid>,
        /// What is wrong with it.
        what: String,
    },
    /// A pack stream or stored pack that breaks gitformat-pack(5).
    #[error("corrupt pack at byte {offset}: {what}")]
    CorruptPack {
        /// Bytes from the start of the pack.
        offset: u64,
        /// What is wrong there.
        what: String,
    },
    /// An idx or rev file that breaks gitformat-pack(5) or contradicts its pack.
    #[error("corrupt index: {what}")]
    CorruptIndex {
        /// What is wrong.
        what: String,
    },
    /// A delta that breaks its own format or reaches beyond its base.
    #[error("corrupt delta: {what}")]
    CorruptDelta {
        /// What is wrong.
        what: String,
    },
    /// A zlib stream that does not inflate, or does not inflate to the promised size.
    #[error("corrupt zlib stream: {what}")]
    CorruptZlib {
        /// What is wrong.
        what: String,
    },
    /// A length from outside that is beyond its limit. Checked before memory is taken.
    #[error("{what} is {actual}, over the limit of {limit}")]
    Limit {
        /// The name of what was measured, with its unit.
        what: &'static str,
        /// The measured or announced value.
        actual: u64,
        /// The limit that was passed in.
        limit: u64,
    },
    /// An object that is needed and is not there (or is not visible to the asker).
    #[error("missing object {oid}")]
    Missing {
        /// The object.
        oid: Oid,
    },
    /// An object refers to one that is not there (or is not visible to the asker): law 1 is broken.
    #[error("missing object {oid}, which {from} refers to")]
    MissingEdge {
        /// The target of the edge.
        oid: Oid,
        /// The object that refers to it.
        from: Oid,
    },
    /// Two commits to be merged have no common ancestor.
    #[error("refusing to merge unrelated histories: {left} and {right} have no common ancestor")]
    Unrelated {
        /// A commit.
        left: Oid,
        /// Another one.
        right: Oid,
    },
    /// Content that carries the mark of a SHA-1 collision attack.
    #[error("SHA-1 collision attack detected in object {oid}")]
    Collision {
        /// The (unsafe) name of the content.
        oid: Oid,
    },
    /// An object that a push must not bring (git-fsck(1) names the ids).
    #[error("object {oid}: {id}: {message}")]
    Fsck {
        /// The object.
        oid: Oid,
        /// Git's message id, as in `fsck.<msg-id>`.
        id: &'static str,
        /// The sentence after it.
        message: String,
    },
    /// An argument that cannot be meant: the caller's mistake, not that of stored bytes.
    #[error("{what}")]
    Invalid {
        /// Which argument, and what is wrong with it.
        what: String,
    },
    /// The caller asked the work to stop.
    #[error("cancelled")]
    Cancelled,
    /// The operating system refused.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

/// The result of everything in the compiled core.
pub type Result<T> = std::result::Result<T, Error>;

fn display_oid(oid: &Option<Oid>) -> String {
    oid.map_or_else(|| "(name unknown)".to_owned(), |oid| oid.to_string())
}
