//! The doors for fuzz targets into what is nobody else's business. Only `.ci/fuzz` compiles them.

use std::{collections::BTreeMap, io, path::Path};

use teleinfo_proto::wire::Sample;

use crate::{
    config::{self, Flags, Settings},
    history::{ANSWER_BYTES, BYTES_MIN, History, Request},
    trust::keys::{Keys, Trusted},
};

/// What a configuration file says, or the one line that is said of its mistake: all that `--check-config` does without opening a secret.
///
/// # Errors
/// What `--check-config` would print.
pub fn check_config(file: &Path) -> Result<String, String> {
    let flags = Flags { config: Some(file.into()), ..Flags::default() };
    Settings::load(&flags).map(|settings| settings.origins()).map_err(|failure| failure.to_string())
}

/// The sections and keys of a text, each value written as Rust writes it; `None` if the text is refused.
#[must_use]
pub fn toml(text: &str) -> Option<BTreeMap<(String, String), String>> {
    config::entries(text)
}

/// What the reader made of a saved history.
pub struct Restored {
    history: History,
    /// In how many places the file was damaged.
    pub damaged: u32,
}

impl Restored {
    /// Of the bytes of a file.
    ///
    /// # Errors
    /// This is no history.
    pub fn of(file: &[u8]) -> io::Result<Self> {
        let mut history = History::new(BYTES_MIN);
        let damaged = history.take_in(|| Ok(file))?;
        Ok(Self { history, damaged })
    }

    /// The file that would be written of it.
    #[must_use]
    pub fn file(&self) -> Vec<u8> {
        let mut file = Vec::new();
        // Writing to memory does not fail.
        let _ = self.history.write(&mut file);
        file
    }

    /// Keeps a sample that comes now.
    pub fn push(&mut self, encoded: &[u8]) {
        if let Ok(sample) = Sample::decode(encoded) {
            self.history.push(&sample, encoded);
        }
    }

    /// The answer to a question of a bridge; `None` if it is none.
    #[must_use]
    pub fn answer(&self, question: &str) -> Option<Vec<Vec<u8>>> {
        let mut cursor = self.history.answer(question.parse::<Request>().ok()?);
        let (mut room, mut samples) = ([0; ANSWER_BYTES], Vec::new());
        while let Some((_, encoded)) = self.history.next(&mut cursor, &mut room) {
            samples.push(encoded.to_vec());
        }
        Some(samples)
    }
}

/// Which bridge is trusted by the files of a state directory, and in how many words that is complained of.
///
/// # Panics
/// The system has no random numbers.
#[must_use]
pub fn trusted(directory: &Path) -> (Trusted, usize) {
    let Ok((keys, remarks)) = Keys::load(Some(directory), false) else { return (Trusted::Nobody, 0) };
    (keys.trusted, remarks.len())
}
