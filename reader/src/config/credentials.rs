//! Passwords: from a file that the configuration names, or from systemd's credentials (systemd.exec(5), `LoadCredential=`).

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use crate::daemon::exit::{Code, Failure};

/// The credential's name in the unit file.
pub const ZENOH_PASSWORD: &str = "zenoh-password";

/// The Zenoh password: `file` if given, else the credential, else none.
///
/// # Errors
/// A file that is named and cannot be read, or is empty.
pub fn zenoh_password(file: Option<&Path>) -> Result<Option<String>, Failure> {
    match file {
        Some(path) => read(path).map(Some),
        None => credential().map_or(Ok(None), |path| read(&path).map(Some)),
    }
}

fn credential() -> Option<PathBuf> {
    let path = Path::new(&env::var_os("CREDENTIALS_DIRECTORY")?).join(ZENOH_PASSWORD);
    path.exists().then_some(path)
}

fn read(path: &Path) -> Result<String, Failure> {
    let text = fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
    match text.trim_end_matches(['\r', '\n']) {
        "" => Err(Failure::new(Code::Config, format!("{}: the password file is empty", path.display()))),
        password => Ok(password.to_owned()),
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    let code = if error.kind() == io::ErrorKind::PermissionDenied { Code::Permission } else { Code::Config };
    Failure::new(code, format!("{}: the password file cannot be read: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_loses_its_line_end_only() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("password");
        fs::write(&path, " a secret \n").unwrap();
        assert_eq!(zenoh_password(Some(&path)), Ok(Some(" a secret ".into())));
    }

    #[test]
    fn a_missing_or_empty_file_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("password");
        for expected in ["cannot be read", "empty"] {
            let failure = zenoh_password(Some(&path)).unwrap_err();
            assert_eq!(failure.code, Code::Config);
            assert!(failure.message.contains(expected) && failure.message.contains("password"), "{failure}");
            fs::write(&path, "\n").unwrap();
        }
    }
}
