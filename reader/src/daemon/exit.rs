//! How the program ends: exit codes of BSD's `sysexits.h`, so that systemd can tell a fault that a restart may cure from one
//! that it cannot (`RestartPreventExitStatus=`).
//!
//! A missing device or an unreachable bridge is not here: those are states, waited out, not reasons to end.

use std::{fmt, process};

/// The codes in use, with their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum ExitCode {
    /// The command line is wrong (`EX_USAGE`).
    Usage = 64,
    /// Something that the program cannot do without is not there (`EX_UNAVAILABLE`).
    Unavailable = 69,
    /// A fault of ours, or a system call failed that never does (`EX_SOFTWARE`).
    Internal = 70,
    /// A file may not be read, and waiting will not change that (`EX_NOPERM`).
    Permission = 77,
    /// The configuration is wrong (`EX_CONFIG`).
    Config = 78,
}

/// Why the program gives up: one line that says what happened and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// The exit code.
    pub(crate) code: ExitCode,
    /// One line, without a final stop.
    pub(crate) message: String,
}

impl Failure {
    /// A failure with its line.
    pub(crate) fn new(code: ExitCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// A system call failed that should not: `doing` says during what.
    pub(crate) fn internal(doing: &str, error: impl fmt::Display) -> Self {
        Self::new(ExitCode::Internal, format!("{doing}: {error}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

impl From<ExitCode> for process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code as u8)
    }
}
