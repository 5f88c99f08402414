//! `accept METER [WORDS]`: another reader may speak for a meter, the one with this fingerprint or the next one that comes. The command leaves a
//! line in a file, and the bridge takes it within seconds, or when it starts: so nobody has to stop it.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use teleinfo_proto::{seal::Fingerprint, tic::MeterId};
use tokio::sync::mpsc;

/// Its name in the state directory.
const FILE: &str = "accepted";
const BYTES_MAX: u64 = 65_536;
/// How often the bridge looks for it.
const EVERY: Duration = Duration::from_secs(2);
/// More than a person types before the bridge takes them.
const WAITING_MAX: usize = 64;

/// A reader that a person has accepted for a meter.
pub type Accepted = (MeterId, Option<Fingerprint>);

/// Leaves a line for the bridge.
///
/// # Errors
/// Those of the file system.
pub fn leave(directory: &Path, meter: MeterId, words: Option<Fingerprint>) -> io::Result<()> {
    let words = words.map_or_else(|| "-".into(), |words| words.to_string());
    let mut file = OpenOptions::new().create(true).append(true).open(directory.join(FILE))?;
    writeln!(file, "{meter} {words}")?;
    file.sync_all()
}

/// Looks for what is left, on a thread of its own: a disk that stalls stops nobody else.
#[must_use]
pub fn watch(directory: Option<PathBuf>) -> mpsc::Receiver<Accepted> {
    let (sender, accepted) = mpsc::channel(WAITING_MAX);
    if let Some(directory) = directory {
        thread::spawn(move || {
            while take(&directory).into_iter().all(|accepted| sender.blocking_send(accepted).is_ok()) && !sender.is_closed() {
                thread::sleep(EVERY);
            }
        });
    }
    accepted
}

/// Takes what was left. A line that cannot be read says nothing.
fn take(directory: &Path) -> Vec<Accepted> {
    let path = directory.join(FILE);
    let is_usable = fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_file() && metadata.len() <= BYTES_MAX);
    let Some(text) = is_usable.then(|| fs::read_to_string(&path).ok()).flatten() else { return Vec::new() };
    if fs::remove_file(&path).is_err() {
        return Vec::new();
    }
    text.lines().filter_map(line).collect()
}

fn line(line: &str) -> Option<Accepted> {
    let (meter, words) = line.split_once(' ')?;
    let words = if words == "-" { None } else { Some(words.parse().ok()?) };
    Some((meter.parse().ok()?, words))
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
        leave(directory.path(), meter, Some(words)).unwrap();
        leave(directory.path(), meter, None).unwrap();
        assert_eq!(take(directory.path()), [(meter, Some(words)), (meter, None)]);
        assert_eq!(take(directory.path()), []);
    }
}
