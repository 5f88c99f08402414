//! The language that Home Assistant said last, `en` or `fr` in a file of the state directory: it may start later than the bridge.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::{
    store::whole::{Outlives, read_whole, write_whole},
    words::language::Language,
};

/// Its name in the state directory.
const FILE: &str = "language";

/// Where it is kept.
#[must_use]
pub fn path(directory: &Path) -> PathBuf {
    directory.join(FILE)
}

/// What was kept, if it is a language.
#[must_use]
pub fn load(directory: &Path) -> Option<Language> {
    let bytes = read_whole(&path(directory)).ok()?;
    str::from_utf8(&bytes).ok()?.trim_end().parse().ok()
}

/// Keeps it.
///
/// # Errors
/// Those of the file system.
pub fn save(directory: &Path, language: Language) -> io::Result<()> {
    write_whole(&path(directory), language.choose("en", "fr").as_bytes(), Outlives::PowerCut)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_and_anything_else_is_none() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(load(directory.path()), None);
        for language in [Language::English, Language::French] {
            save(directory.path(), language).unwrap();
            assert_eq!(load(directory.path()), Some(language));
        }
        for (text, language) in [(&b"fr\n"[..], Some(Language::French)), (b"de", None), (b"", None), (b"\xff", None)] {
            std::fs::write(path(directory.path()), text).unwrap();
            assert_eq!(load(directory.path()), language, "{text:?}");
        }
    }
}
