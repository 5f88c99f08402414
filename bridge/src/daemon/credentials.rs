//! Passwords: from a file, or from the directory where systemd puts the credentials of a service. Never from a command line, and
//! never into a log.

use std::{
    env, fmt, fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use tracing::warn;

use crate::{
    daemon::exit::{ExitCode, Failure},
    words::{journal, language::Words},
};

const OPEN_TO_ALL: Words = Words::new(
    "every user of this machine can read {}; mend it with: {}",
    "tout utilisateur de cette machine peut lire {} ; y remédier avec : {}",
);

/// Where the package's unit takes the credentials from; only root may read there.
const STORE: &str = "/etc/credstore/teleinfo-bridge.";

/// The credential that is Home Assistant's token.
pub const TOKEN_CREDENTIAL: &str = "homeassistant-token";

/// Text that must not be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Hides `text`.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that needs it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The first line of `file`, or else of the credential `name` (`LoadCredential=` of a systemd unit); none if neither exists. Started by
/// hand, as `doctor` is, the bridge looks for the credential where its unit would take it from.
///
/// # Errors
/// A file that is named must be readable and not empty.
pub fn password(file: Option<&Path>, name: &str) -> Result<Option<Secret>, Failure> {
    let credential = match env::var_os("CREDENTIALS_DIRECTORY") {
        Some(directory) => PathBuf::from(directory).join(name),
        None => PathBuf::from(format!("{STORE}{name}")),
    };
    password_in(file, &credential)
}

fn password_in(file: Option<&Path>, credential: &Path) -> Result<Option<Secret>, Failure> {
    match file {
        Some(file) => {
            let password = read(file)?;
            warn_of_readers(file);
            Ok(Some(password))
        }
        None if credential.exists() => read(credential).map(Some),
        None => Ok(None),
    }
}

fn read(file: &Path) -> Result<Secret, Failure> {
    let text = read_secrets(file)?;
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(Secret::new(line)),
        _ => Err(Failure::config(format!("{}: no password on the first line", file.display()))),
    }
}

/// The text of a file with a private key.
///
/// # Errors
/// It must be readable, and a file.
pub fn key(file: &Path) -> Result<Secret, Failure> {
    let text = read_secrets(file)?;
    warn_of_readers(file);
    Ok(Secret::new(text))
}

/// Says so where a secret can be read by anybody.
fn warn_of_readers(file: &Path) {
    if let Some(command) = mending(file) {
        warn!("{}", journal::say(OPEN_TO_ALL, &[&file.display(), &command]));
    }
}

/// The command after which others can no longer read a file, if they can. The service may be its owner, or be let in by its group.
fn mending(file: &Path) -> Option<String> {
    let metadata = fs::metadata(file).ok().filter(|metadata| metadata.mode() & 0o004 != 0)?;
    let own = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == metadata.uid());
    let path = file.display();
    Some(if own { format!("chmod 600 {path}") } else { format!("sudo chgrp teleinfo-bridge {path} && sudo chmod 640 {path}") })
}

/// Reads a file with secrets. A link is followed, as systemd and containers make them; a device or a pipe might never end.
fn read_secrets(file: &Path) -> Result<String, Failure> {
    if fs::metadata(file).is_ok_and(|metadata| !metadata.is_file()) {
        return Err(Failure::config(format!("{} is no file", file.display())));
    }
    read_file(file)
}

/// Reads a file that the configuration names, with the failure that fits.
///
/// # Errors
/// Not there, not allowed, not text.
pub fn read_file(file: &Path) -> Result<String, Failure> {
    fs::read_to_string(file).map_err(|error| {
        let reason = match error.kind() {
            io::ErrorKind::PermissionDenied => ExitCode::Permission,
            _ => ExitCode::Config,
        };
        Failure::new(reason, format!("cannot read {}: {error}", file.display()))
    })
}

/// Checks a file of `user:password` lines, as Zenoh and the embedded MQTT side read it themselves.
///
/// # Errors
/// Names the first line that is not of that form.
pub fn check_users(file: &Path) -> Result<(), Failure> {
    let text = read_secrets(file)?;
    let wrong = |number: usize| Failure::config(format!("{}:{number}: expected user:password", file.display()));
    for (index, line) in text.lines().enumerate() {
        match line.split_once(':') {
            Some((user, password)) if !user.is_empty() && !password.is_empty() => {}
            _ => return Err(wrong(index + 1)),
        }
    }
    if text.is_empty() {
        return Err(wrong(1));
    }
    warn_of_readers(file);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_counts_and_is_never_printed() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("mqtt-password");
        fs::write(&file, "s3cret: word \nignored\n").unwrap();
        let secret = password_in(None, &file).unwrap().unwrap();
        assert_eq!(secret.reveal(), "s3cret: word ");
        assert_eq!(format!("{secret:?}"), "***");
        let missing = directory.path().join("other");
        assert_eq!(password_in(None, &missing), Ok(None));
        assert_eq!(password_in(Some(&file), &missing).unwrap(), Some(secret));
    }

    #[test]
    fn a_secret_that_others_can_read_is_told_with_the_command_that_mends_it() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert_eq!(mending(file.path()), None, "it is made for its owner alone");
        let set = |mode| fs::set_permissions(file.path(), std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
        for (mode, is_open) in [(0o644, true), (0o604, true), (0o640, false), (0o600, false)] {
            set(mode);
            assert_eq!(mending(file.path()).is_some(), is_open, "{mode:o}");
        }
        set(0o644);
        let command = mending(file.path()).unwrap();
        assert!(std::process::Command::new("sh").args(["-c", &command]).status().unwrap().success());
        assert_eq!(mending(file.path()), None, "{command}");
    }

    #[test]
    fn a_device_is_no_password_file() {
        let failure = password_in(Some(Path::new("/dev/zero")), Path::new("/none")).unwrap_err();
        assert!(failure.to_string().contains("/dev/zero is no file"), "{failure}");
    }

    #[test]
    fn a_named_file_must_hold_a_password() {
        let directory = tempfile::tempdir().unwrap();
        let missing = directory.path().join("missing");
        let failure = password_in(Some(&missing), &missing).unwrap_err();
        assert_eq!(failure.code(), ExitCode::Config);
        assert!(failure.to_string().contains(&missing.display().to_string()));
        let empty = directory.path().join("empty");
        fs::write(&empty, "\n").unwrap();
        assert!(password_in(Some(&empty), &missing).is_err());
    }

    #[test]
    fn users_are_checked_line_by_line() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "pi:pass:word\nother:x\n").unwrap();
        assert_eq!(check_users(file.path()), Ok(()));
        fs::write(file.path(), "pi:x\nno password\n").unwrap();
        let failure = check_users(file.path()).unwrap_err();
        assert!(failure.to_string().ends_with(":2: expected user:password"), "{failure}");
    }
}
