//! What a request is refused with.

use std::borrow::Cow;
use std::fmt;

/// The result of reading something that a client sent.
pub type Result<T> = std::result::Result<T, Error>;

/// A request that is refused: the status of the answer, and a sentence for whoever sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The status of the answer.
    pub status: u16,
    /// What is wrong, and which limit was passed.
    pub sentence: Cow<'static, str>,
}

impl Error {
    /// 400: it is not HTTP, or it could be read in two ways.
    pub fn bad(sentence: impl Into<Cow<'static, str>>) -> Self {
        Self { status: 400, sentence: sentence.into() }
    }

    /// 431: the head is over a limit.
    pub fn too_large(sentence: impl Into<Cow<'static, str>>) -> Self {
        Self { status: 431, sentence: sentence.into() }
    }

    /// 501: good HTTP that nobody here can do.
    pub fn unknown(sentence: impl Into<Cow<'static, str>>) -> Self {
        Self { status: 501, sentence: sentence.into() }
    }

    /// 505: good HTTP of another version.
    pub fn version(sentence: impl Into<Cow<'static, str>>) -> Self {
        Self { status: 505, sentence: sentence.into() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.sentence)
    }
}

impl std::error::Error for Error {}
