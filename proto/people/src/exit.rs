//! How a program ends: exit codes of BSD's `sysexits.h`, so that systemd can tell a fault that a restart may cure from one that it cannot
//! (`RestartPreventExitStatus=`).

use std::process;

/// The codes in use, with their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// It did what it was asked for (`EX_OK`).
    Success = 0,
    /// The command line is wrong (`EX_USAGE`).
    Usage = 64,
    /// Something that the program cannot do without is not there (`EX_UNAVAILABLE`).
    Unavailable = 69,
    /// A fault of ours, or a system call failed that never does (`EX_SOFTWARE`).
    Internal = 70,
    /// The system does not allow it, and waiting will not change that (`EX_NOPERM`).
    Permission = 77,
    /// The configuration is wrong (`EX_CONFIG`).
    Config = 78,
}

impl From<ExitCode> for process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code as u8)
    }
}
