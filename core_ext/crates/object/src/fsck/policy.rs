//! What an operator thinks of each finding.

use super::message::{MESSAGES, Message, Severity};

/// A severity for each message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    severities: Vec<Severity>,
}

/// Why a policy cannot be.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// No message has that id.
    #[error("unknown fsck message id: {0:?}")]
    UnknownId(String),
    /// A message that makes further checks impossible can not be made light of.
    #[error("{id} is always fatal, it cannot be {severity:?}")]
    AlwaysFatal {
        /// The message.
        id: &'static str,
        /// What it was to be.
        severity: Severity,
    },
}

impl Default for Policy {
    fn default() -> Self {
        Self { severities: MESSAGES.iter().map(|(message, _, _)| message.default_severity()).collect() }
    }
}

impl Policy {
    /// The defaults with some severities changed, given by message id.
    ///
    /// # Errors
    /// `UnknownId`; `AlwaysFatal` for a fatal message that is to be less than an error.
    pub fn with<'a>(overrides: impl IntoIterator<Item = (&'a str, Severity)>) -> Result<Self, PolicyError> {
        let mut policy = Self::default();
        for (id, severity) in overrides {
            let message = Message::from_id(id).ok_or_else(|| PolicyError::UnknownId(id.to_owned()))?;
            if message.default_severity() == Severity::Fatal && !severity.refuses() {
                return Err(PolicyError::AlwaysFatal { id: message.id(), severity });
            }
            policy.severities[message as usize] = severity;
        }
        Ok(policy)
    }

    /// What a message weighs.
    #[must_use]
    pub fn severity(&self, message: Message) -> Severity {
        self.severities[message as usize]
    }
}
