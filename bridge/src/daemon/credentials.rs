//! Passwords: from a file, or from the directory where systemd puts the credentials of a service. Never from a command line, and
//! never into a log.

use std::{
    env, fmt, fs, io,
    path::{Path, PathBuf},
};

use crate::daemon::exit::{ExitCode, Failure};

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
        Some(file) => read(file).map(Some),
        None if credential.exists() => read(credential).map(Some),
        None => Ok(None),
    }
}

fn read(file: &Path) -> Result<Secret, Failure> {
    let text = read_file(file)?;
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(Secret::new(line)),
        _ => Err(Failure::config(format!("{}: no password on the first line", file.display()))),
    }
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
    let text = read_file(file)?;
    let wrong = |number: usize| Failure::config(format!("{}:{number}: expected user:password", file.display()));
    for (index, line) in text.lines().enumerate() {
        match line.split_once(':') {
            Some((user, password)) if !user.is_empty() && !password.is_empty() => {}
            _ => return Err(wrong(index + 1)),
        }
    }
    if text.is_empty() { Err(wrong(1)) } else { Ok(()) }
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
