//! How the programs speak to people: words in two languages, lines that fit the terminal, what a `doctor` says, and exit codes.
//!
//! What is said stands in the programs; here is only how. It is a crate of its own because reader and bridge say it alike, and neither may
//! depend on the other. Begin with [`language`]: everything that is said is made of its words.

pub mod exit;
pub mod journal;
pub mod language;
pub mod report;
pub mod terminal;
