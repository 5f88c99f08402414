//! How the bridge ends: the codes of `sysexits.h`, so that a service manager can tell a wrong file from a bad day.
//!
//! Only what trying again cannot mend ends the bridge. Readers and brokers that are away are waited for.

use std::{fmt, process::ExitCode};

/// Why the bridge ended; the number is the process's exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Wrong flags (`EX_USAGE`).
    Usage = 64,
    /// A port is in use, or something else the bridge needs is not to be had (`EX_UNAVAILABLE`).
    Unavailable = 69,
    /// A fault of the bridge itself (`EX_SOFTWARE`).
    Internal = 70,
    /// The system does not allow it (`EX_NOPERM`).
    Permission = 77,
    /// The configuration is wrong (`EX_CONFIG`).
    Config = 78,
}

/// The last words of the bridge: one line that says what happened and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    reason: Reason,
    message: String,
}

impl Failure {
    /// A failure with its one line.
    #[must_use]
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }

    /// The configuration is wrong.
    #[must_use]
    pub fn config(message: impl Into<String>) -> Self {
        Self::new(Reason::Config, message)
    }

    /// What the process returns.
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.reason
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

impl From<Reason> for ExitCode {
    fn from(reason: Reason) -> Self {
        Self::from(reason as u8)
    }
}
