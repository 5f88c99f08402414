//! What a person decides: `accept METER [WORDS]`, one more reader may speak for a meter, and `refuse METER WORDS`, one no longer may. The
//! command leaves a line in a file, and the bridge takes it within seconds, or when it starts: so nobody has to stop it.

use std::{
    fmt,
    fs::{self, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use teleinfo_proto::{seal::Fingerprint, tic::MeterId};
use tokio::sync::mpsc;

/// Its name in the state directory.
const FILE: &str = "decisions";
const BYTES_MAX: u64 = 65_536;
/// How often the bridge looks for it.
const EVERY: Duration = Duration::from_secs(2);
/// More than a person types before the bridge takes them.
const WAITING_MAX: usize = 64;

/// What a person has decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The reader with this fingerprint, or the next one that comes, may speak for a meter, too.
    Accept(MeterId, Option<Fingerprint>),
    /// The reader with this fingerprint no longer may.
    Refuse(MeterId, Fingerprint),
}

impl Decision {
    /// Reads a line; nothing if it says nothing.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let (what, meter, fingerprint) = (words.next()?, words.next()?.parse().ok()?, words.next().map(str::parse));
        match (what, fingerprint) {
            ("accept", None) => Some(Self::Accept(meter, None)),
            ("accept", Some(Ok(words))) => Some(Self::Accept(meter, Some(words))),
            ("refuse", Some(Ok(words))) => Some(Self::Refuse(meter, words)),
            _ => None,
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accept(meter, Some(words)) => write!(f, "accept {meter} {words}"),
            Self::Accept(meter, None) => write!(f, "accept {meter}"),
            Self::Refuse(meter, words) => write!(f, "refuse {meter} {words}"),
        }
    }
}

/// Leaves a line for the bridge.
///
/// # Errors
/// Those of the file system.
pub fn leave(directory: &Path, decision: Decision) -> io::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).open(directory.join(FILE))?;
    writeln!(file, "{decision}")?;
    file.sync_all()
}

/// Looks for what is left, on a thread of its own: a disk that stalls stops nobody else.
#[must_use]
pub fn watch(directory: Option<PathBuf>) -> mpsc::Receiver<Decision> {
    let (sender, decisions) = mpsc::channel(WAITING_MAX);
    if let Some(directory) = directory {
        thread::spawn(move || {
            while take(&directory).into_iter().all(|decision| sender.blocking_send(decision).is_ok()) && !sender.is_closed() {
                thread::sleep(EVERY);
            }
        });
    }
    decisions
}

/// Takes what was left. A line that cannot be read says nothing.
fn take(directory: &Path) -> Vec<Decision> {
    let path = directory.join(FILE);
    let is_usable = fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_file() && metadata.len() <= BYTES_MAX);
    let Some(text) = is_usable.then(|| fs::read_to_string(&path).ok()).flatten() else { return Vec::new() };
    if fs::remove_file(&path).is_err() {
        return Vec::new();
    }
    text.lines().filter_map(Decision::parse).collect()
}

#[cfg(test)]
mod tests {
    use teleinfo_proto::seal::Identity;

    use super::*;

    #[test]
    fn what_is_left_is_taken_once() {
        let directory = tempfile::tempdir().unwrap();
        let (meter, words) = ("012345678912".parse().unwrap(), Identity::from_seed(&[1; 32]).key().fingerprint());
        assert_eq!(take(directory.path()), []);
        let decisions = [Decision::Accept(meter, Some(words)), Decision::Accept(meter, None), Decision::Refuse(meter, words)];
        decisions.into_iter().for_each(|decision| leave(directory.path(), decision).unwrap());
        assert_eq!(take(directory.path()), decisions);
        assert_eq!(take(directory.path()), []);
        for wrong in ["accept", "accept 1", "refuse 012345678912", "accept 012345678912 lusab", "believe 012345678912"] {
            assert_eq!(Decision::parse(wrong), None, "{wrong}");
        }
    }
}
