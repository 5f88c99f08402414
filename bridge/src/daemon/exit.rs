//! How the bridge ends: the codes of `sysexits.h`, so that systemd starts it again after a failure that may pass, but not after a mistake
//! in the configuration.
//!
//! The bridge ends only where trying again does not help. It waits for readers and brokers that are away.

use std::fmt;

pub use teleinfo_people::exit::ExitCode;

use crate::words::printable::one_line;

/// Why the bridge ends: one line that says what happened and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    code: ExitCode,
    message: String,
}

impl Failure {
    /// A failure with its one line: what it quotes of a file or of the network cannot begin another.
    #[must_use]
    pub fn new(code: ExitCode, message: impl Into<String>) -> Self {
        Self { code, message: one_line(message.into()) }
    }

    /// The configuration is wrong.
    #[must_use]
    pub fn config(message: impl Into<String>) -> Self {
        Self::new(ExitCode::Config, message)
    }

    /// The same, of a key or a variable that led to it.
    #[must_use]
    pub fn of(self, key: &str) -> Self {
        Self::new(self.code, format!("{key}: {}", self.message))
    }

    /// What the process returns.
    #[must_use]
    pub fn code(&self) -> ExitCode {
        self.code
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}
