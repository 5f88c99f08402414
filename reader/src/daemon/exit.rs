//! How the program ends: exit codes of BSD's `sysexits.h`, so that systemd can tell a fault that a restart may cure from one
//! that it cannot (`RestartPreventExitStatus=`).
//!
//! A missing device or an unreachable bridge is not here: those are states, waited out, not reasons to end.

use std::fmt;

pub(crate) use teleinfo_people::exit::ExitCode;

use super::logging::printable;

/// Why the program gives up: one line that says what happened and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// The exit code.
    pub(crate) code: ExitCode,
    /// One line, without a final stop.
    pub(crate) message: String,
}

impl Failure {
    /// A failure with its line, which stays one line whatever a file or a variable has put into it.
    pub(crate) fn new(code: ExitCode, message: impl Into<String>) -> Self {
        Self { code, message: printable(&message.into()).into_owned() }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_says_does_not_begin_a_line_of_its_own() {
        let failure = Failure::new(ExitCode::Config, "expected = after \"l\nname\u{1b}[2J\"");
        assert_eq!(failure.to_string(), "expected = after \"l\\nname\\u{1b}[2J\"");
    }
}
