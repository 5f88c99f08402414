//! The secret half of this bridge's pairing code: two words in the file `code` of the state directory, drawn when it is first needed. A reader
//! tells it to this bridge alone, sealed; so it can only be guessed here, one guess in ten seconds.

use std::{io, path::Path};

use teleinfo_proto::seal::{Identity, PairingCode};

use super::keys;

/// Its name in the state directory.
pub const FILE: &str = "code";

/// The code of the bridge with this key, made if there is none.
///
/// # Errors
/// The file cannot be read or written, or the system has no random numbers.
pub fn load(own: &Identity, directory: &Path) -> io::Result<PairingCode> {
    if let Some(code) = read(directory)? {
        return Ok(PairingCode { bridge: own.key().fingerprint(), ..code });
    }
    let mut bytes = [0; 4];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    // 0 is what a reader says that was told no secret.
    let code = PairingCode { bridge: own.key().fingerprint(), secret: u32::from_be_bytes(bytes).max(1) };
    keys::write(&directory.join(FILE), &format!("{code}\n"))?;
    Ok(code)
}

/// The code as it is kept; none before the bridge has made it.
///
/// # Errors
/// The file cannot be read, or is damaged.
pub fn read(directory: &Path) -> io::Result<Option<PairingCode>> {
    let Some((text, _)) = keys::read_text(&directory.join(FILE))? else { return Ok(None) };
    let code: PairingCode = text.trim_end().parse().map_err(|error| io::Error::new(io::ErrorKind::InvalidData, format!("{error}")))?;
    if code.secret == 0 { Err(io::Error::new(io::ErrorKind::InvalidData, "this is no code")) } else { Ok(Some(code)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_made_once_and_is_never_the_fingerprint_alone() {
        let (directory, own) = (tempfile::tempdir().unwrap(), Identity::from_seed(&[1; 32]));
        assert_eq!(read(directory.path()).unwrap(), None);
        let code = load(&own, directory.path()).unwrap();
        assert_eq!((load(&own, directory.path()).unwrap(), read(directory.path()).unwrap()), (code, Some(code)));
        assert_eq!(code.to_string().split('-').count(), 7);
        std::fs::write(directory.path().join(FILE), own.key().fingerprint().to_string()).unwrap();
        assert!(load(&own, directory.path()).is_err());
    }
}
