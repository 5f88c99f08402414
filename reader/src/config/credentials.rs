//! Passwords: from a file that the configuration names, or from systemd's credentials (systemd.exec(5), `LoadCredential=`).

use std::{
    env, fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use crate::{
    daemon::exit::{ExitCode, Failure},
    journal,
    language::Words,
};

/// The credential's name in the unit file.
const CREDENTIAL: &str = "zenoh-password";
/// Where the unit takes the credential from, below the root of the machine. Only root may read it.
const STORE: &str = "etc/credstore/teleinfo-reader.zenoh-password";

const OPEN: Words =
    Words::new("{}: others may read the password: sudo chmod o-r {}", "{} : d'autres peuvent lire le mot de passe : sudo chmod o-r {}");

/// Who wants the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asker<'a> {
    /// The service, which has the credential.
    Service,
    /// Somebody who looks at what the service will have, on the machine with this root.
    Inspector(&'a Path),
}

/// The password from `file` if it is given, else the credential, else none.
///
/// # Errors
/// A file that is there or is named, and that cannot be read or is empty.
pub(super) fn zenoh_password(file: Option<&Path>, asker: Asker<'_>) -> Result<Option<String>, Failure> {
    if let Some(path) = file.map(PathBuf::from).or_else(credential) {
        if asker == Asker::Service {
            warn_of_readers(&path);
        }
        return read(&path).map(Some);
    }
    let Asker::Inspector(root) = asker else { return Ok(None) };
    let store = root.join(STORE);
    match fs::metadata(&store) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        _ => read(&store).map(Some),
    }
}

/// Says so where anybody can read a password.
fn warn_of_readers(path: &Path) {
    if fs::metadata(path).is_ok_and(|metadata| metadata.mode() & 0o004 != 0) {
        log::warn!("{}", journal::say(OPEN, &[&path.display(), &path.display()]));
    }
}

fn credential() -> Option<PathBuf> {
    let path = Path::new(&env::var_os("CREDENTIALS_DIRECTORY")?).join(CREDENTIAL);
    path.exists().then_some(path)
}

fn read(path: &Path) -> Result<String, Failure> {
    let text = fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
    match text.trim_end_matches(['\r', '\n']) {
        "" => Err(Failure::new(ExitCode::Config, format!("{}: the password file is empty", path.display()))),
        password => Ok(password.to_owned()),
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    let code = if error.kind() == io::ErrorKind::PermissionDenied { ExitCode::Permission } else { ExitCode::Config };
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
        assert_eq!(zenoh_password(Some(&path), Asker::Service), Ok(Some(" a secret ".into())));
    }

    #[test]
    fn a_missing_or_empty_file_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("password");
        for expected in ["cannot be read", "empty"] {
            let failure = zenoh_password(Some(&path), Asker::Service).unwrap_err();
            assert_eq!(failure.code, ExitCode::Config);
            assert!(failure.message.contains(expected) && failure.message.contains("password"), "{failure}");
            fs::write(&path, "\n").unwrap();
        }
    }

    #[test]
    fn an_inspector_sees_what_systemd_will_give_the_service() {
        let root = tempfile::tempdir().unwrap();
        let asker = Asker::Inspector(root.path());
        assert_eq!(zenoh_password(None, asker), Ok(None));
        let store = root.path().join(STORE);
        fs::create_dir_all(store.parent().unwrap()).unwrap();
        fs::write(&store, "secret\n").unwrap();
        assert_eq!(zenoh_password(None, asker), Ok(Some("secret".into())));
        assert_eq!(zenoh_password(None, Asker::Service), Ok(None));
    }
}
