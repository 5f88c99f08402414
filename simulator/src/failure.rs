//! How the program ends when it cannot go on: one line for the reader of the terminal, and an exit code of
//! `sysexits.h` for the script that called it.

use std::fmt;
use std::process::ExitCode;

/// A reason to give up: what happened and what to do, in one line.
#[derive(Debug)]
pub struct Failure {
    code: Code,
    message: String,
}

/// The codes of `sysexits.h` that this program uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// The command line makes no sense.
    Usage = 64,
    /// A file does not hold what it should.
    Data = 65,
    /// A file to read is missing or cannot be read.
    NoInput = 66,
    /// Something else that is needed is not there: a port, a broker, a sibling program.
    Unavailable = 69,
    /// A fault of this program or of the system.
    Software = 70,
    /// A file or link cannot be made.
    CannotCreate = 73,
    /// Reading or writing failed midway.
    Io = 74,
}

impl Failure {
    /// A failure that ends the program with this code, and its one line.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// The code it ends the program with.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code
    }

    /// The exit code.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code as u8)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// A result whose error ends the program.
pub type Outcome<T = ()> = Result<T, Failure>;

/// Turns a system error into a [`Failure`] with words.
pub trait OrFail<T> {
    /// The failure with this code; `what` says what was attempted, the system's own words follow.
    fn or_fail(self, code: Code, what: impl FnOnce() -> String) -> Outcome<T>;
}

impl<T, E: fmt::Display> OrFail<T> for Result<T, E> {
    fn or_fail(self, code: Code, what: impl FnOnce() -> String) -> Outcome<T> {
        self.map_err(|error| Failure::new(code, format!("{}: {error}", what())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_code_go_together() {
        let failure = std::fs::read("/nowhere/at/all").or_fail(Code::NoInput, || "cannot read /nowhere/at/all".into()).unwrap_err();
        assert_eq!(failure.code() as u8, 66);
        assert_eq!(failure.to_string(), "cannot read /nowhere/at/all: No such file or directory (os error 2)");
    }
}
