//! How the reader is, in a file that `$HEALTH_FILE` names: for a container, in which no systemd listens, and where nobody else can open the
//! line to see for himself. `teleinfo-reader health` reads it.
//!
//! The first line is [`WELL`] or anything else, the second is for people. It is written when it changes, and now and then while the loop
//! turns, so an old file says that the loop stands. It belongs into memory (`/dev/shm`), not on a card.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};

use super::exit::{ExitCode, Failure};
use crate::{journal, language::Words};

const VARIABLE: &str = "HEALTH_FILE";
const WELL: &str = "well";
const WRITTEN_EVERY: Duration = Duration::from_secs(30);
/// Three of those, so that a busy machine is not taken for a loop that stands.
const OLD: Duration = Duration::from_secs(90);

const NO_VARIABLE: Words = Words::new(
    "HEALTH_FILE is not set: this is for containers; elsewhere systemctl status teleinfo-reader says how the reader is",
    "HEALTH_FILE n'est pas donnée : ceci sert aux conteneurs ; ailleurs, systemctl status teleinfo-reader dit comment va le lecteur",
);
const NOT_RUNNING: Words =
    Words::new("{}: {}: the reader does not run yet, or no more", "{} : {} : le lecteur ne tourne pas encore, ou plus");
const TOO_OLD: Words = Words::new(
    "the reader has said nothing for {} s: its loop stands, or it has ended",
    "le lecteur n'a rien dit depuis {} s : sa boucle est arrêtée, ou il a fini",
);
const NOT_WRITTEN: Words = Words::new("{}: cannot be written: {}", "{} : impossible à écrire : {}");

/// The writing side.
#[derive(Debug, Default)]
pub(crate) struct Health {
    path: Option<PathBuf>,
    was_well: Option<bool>,
    next: Option<Instant>,
}

impl Health {
    /// Without the variable nothing is written, ever.
    pub(crate) fn from_environment(now: Instant) -> Self {
        Self::new(env::var_os(VARIABLE).map(PathBuf::from), now)
    }

    fn new(path: Option<PathBuf>, now: Instant) -> Self {
        Self { next: path.is_some().then_some(now), path, was_well: None }
    }

    /// When it has to be written again.
    pub(crate) const fn poll_timeout(&self) -> Option<Instant> {
        self.next
    }

    /// Writes it, if that is due. The sentence is made only then.
    pub(crate) fn handle_state(&mut self, is_well: bool, sentence: impl FnOnce() -> String, now: Instant) {
        let Some(path) = &self.path else { return };
        if self.was_well == Some(is_well) && self.next.is_some_and(|next| now < next) {
            return;
        }
        if let Err(error) = write(path, is_well, &sentence())
            && self.was_well.is_none()
        {
            log::warn!("{}", journal::say(NOT_WRITTEN, &[&path.display(), &error]));
        }
        (self.was_well, self.next) = (Some(is_well), Some(now + WRITTEN_EVERY));
    }
}

/// Whole or not at all.
fn write(path: &Path, is_well: bool, sentence: &str) -> io::Result<()> {
    let new = path.with_extension("new");
    fs::write(&new, format!("{}\n{sentence}\n", if is_well { WELL } else { "ill" }))?;
    fs::rename(new, path)
}

/// The reading side: the sentence of a reader that is well.
///
/// # Errors
/// The same of one that is not, or why nothing is known.
pub(crate) fn ask() -> Result<String, Failure> {
    let Some(path) = env::var_os(VARIABLE) else {
        return Err(Failure::new(ExitCode::Usage, journal::say(NO_VARIABLE, &[]).to_string()));
    };
    read(Path::new(&path), SystemTime::now())
}

fn read(path: &Path, now: SystemTime) -> Result<String, Failure> {
    let failure = |text: &dyn ToString| Failure::new(ExitCode::Unavailable, text.to_string());
    let unreadable = |error| failure(&journal::say(NOT_RUNNING, &[&path.display(), &error]));
    let written = fs::metadata(path).and_then(|file| file.modified()).map_err(unreadable)?;
    let age = now.duration_since(written).unwrap_or_default();
    if age > OLD {
        return Err(failure(&journal::say(TOO_OLD, &[&age.as_secs()])));
    }
    let text = fs::read_to_string(path).map_err(unreadable)?;
    let (state, sentence) = text.split_once('\n').unwrap_or_default();
    if state == WELL { Ok(sentence.into()) } else { Err(failure(&sentence.trim_end())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_while_it_is_young() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("health");
        let (start, clock) = (Instant::now(), SystemTime::now());
        assert_eq!(read(&path, clock).unwrap_err().code, ExitCode::Unavailable, "nothing is there yet");
        let mut health = Health::new(Some(path.clone()), start);
        health.handle_state(true, || "reading".into(), start);
        assert_eq!(read(&path, clock), Ok("reading\n".into()));
        assert_eq!(read(&path, clock + OLD * 2).unwrap_err().code, ExitCode::Unavailable, "the loop stands");
        health.handle_state(false, || "no bridge".into(), start + Duration::from_secs(1));
        assert_eq!(read(&path, clock).unwrap_err().message, "no bridge", "a change does not wait");
    }

    #[test]
    fn it_is_written_seldom_and_the_sentence_is_made_only_then() {
        let directory = tempfile::tempdir().unwrap();
        let start = Instant::now();
        let mut health = Health::new(Some(directory.path().join("health")), start);
        let mut made = 0;
        for second in 0..=60 {
            let now = start + Duration::from_secs(second);
            health.handle_state(
                true,
                || {
                    made += 1;
                    String::new()
                },
                now,
            );
        }
        assert_eq!((made, health.poll_timeout()), (3, Some(start + Duration::from_secs(90))));
    }

    #[test]
    fn without_the_variable_nothing_happens() {
        let mut health = Health::new(None, Instant::now());
        health.handle_state(true, || unreachable!(), Instant::now());
        assert_eq!(health.poll_timeout(), None);
    }
}
