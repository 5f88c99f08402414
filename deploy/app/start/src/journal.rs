//! Lines of the app's journal, in the language of whoever keeps the machine.

use std::{
    fmt::Display,
    io::{self, Write},
};

use teleinfo_people::{journal, language::Words};

/// Something that is to be known.
pub(crate) fn say(words: Words, values: &[&dyn Display]) {
    line("INFO ", &journal::say(words, values));
}

/// Why the app ends.
pub(crate) fn fail(error: &dyn Display) {
    line("ERROR", error);
}

/// Lines of three programs go to one place, so each is written at once. A closed standard error is not our trouble.
fn line(level: &str, text: &dyn Display) {
    let _ = io::stderr().write_all(format!("{level} {text}\n").as_bytes());
}
