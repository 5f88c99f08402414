//! What is wrong with a serial line, in words that say what to do, in both languages. None of it ends the program.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use nix::errno::Errno;

use super::holders::login_unit;
use crate::{language::Language, reading::FaultKind};

/// A serial line that cannot be read, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The devices that were tried; the last one is meant unless all are absent.
    pub(crate) devices: Vec<PathBuf>,
    /// What happened.
    pub(crate) kind: FaultKind,
    /// What the system said.
    errno: Errno,
}

impl Fault {
    /// None of the devices exists.
    pub(super) fn absent(devices: &[PathBuf]) -> Self {
        Self { devices: devices.to_vec(), kind: FaultKind::Absent, errno: Errno::ENOENT }
    }

    /// The other side of the line has hung up.
    pub(super) fn vanished(device: &Path) -> Self {
        Self { devices: vec![device.into()], kind: FaultKind::Vanished, errno: Errno::EIO }
    }

    /// From an error of open(2), flock(2) or tcgetattr(3).
    pub(super) fn of_opening(device: &Path, errno: Errno) -> Self {
        let kind = match errno {
            // EIO: a pseudo-terminal whose other side is closing.
            Errno::ENOENT | Errno::ENODEV | Errno::ENXIO | Errno::ENOTDIR | Errno::EIO => FaultKind::Absent,
            Errno::EACCES | Errno::EPERM => FaultKind::Denied,
            Errno::EBUSY | Errno::EWOULDBLOCK => FaultKind::Busy,
            Errno::ENOTTY | Errno::EISDIR => FaultKind::NotSerial,
            _ => FaultKind::Other,
        };
        Self { devices: vec![device.into()], kind, errno }
    }

    /// From an error of read(2) or tcsetattr(3) on an open line.
    pub(super) fn of_reading(device: &Path, errno: Errno) -> Self {
        let kind = match errno {
            Errno::EIO | Errno::ENXIO | Errno::ENODEV => FaultKind::Vanished,
            _ => FaultKind::Other,
        };
        Self { devices: vec![device.into()], kind, errno }
    }

    /// From an error of the system while the line is opened.
    pub(super) fn of(device: &Path, error: &io::Error) -> Self {
        Self::of_opening(device, error.raw_os_error().map_or(Errno::UnknownErrno, Errno::from_raw))
    }

    /// From an error of the system before any device was tried.
    pub(crate) fn of_system(devices: &[PathBuf], error: &io::Error) -> Self {
        let errno = error.raw_os_error().map_or(Errno::UnknownErrno, Errno::from_raw);
        Self { devices: devices.to_vec(), kind: FaultKind::Other, errno }
    }

    /// One line that says what happened, and what to do.
    pub(crate) fn words(&self, language: Language) -> String {
        let device = self.devices.last().map(|path| path.display().to_string()).unwrap_or_default();
        let (english, french) = match (self.kind, self.devices.as_slice()) {
            (FaultKind::Absent, [_, _, ..]) => return self.none_found(language),
            (FaultKind::Absent, _) => (
                "there is no such device: plug it in, or name yours in [serial] device (see ls /dev/serial/by-id)".into(),
                "ce périphérique n'existe pas : le brancher, ou nommer le vôtre dans [serial] device (voir ls /dev/serial/by-id)".into(),
            ),
            (FaultKind::Denied, _) => (
                "permission denied: sudo teleinfo-reader doctor says who may open it, and what to do".into(),
                "accès refusé : sudo teleinfo-reader doctor dit qui peut l'ouvrir, et que faire".into(),
            ),
            (FaultKind::Busy, _) => {
                let login = self.devices.last().and_then(|path| login_unit(path));
                let login = |what| login.as_ref().map(|unit| format!("{what}systemctl disable --now {unit}")).unwrap_or_default();
                (
                    format!("held by another program: stop it (fuser -v {device} names it{})", login("; a login: ")),
                    format!("occupé par un autre programme : l'arrêter (fuser -v {device} le nomme{})", login(" ; une console : ")),
                )
            }
            (FaultKind::NotSerial, _) => (
                "this is no serial line: name yours in [serial] device".into(),
                "ce n'est pas un port série : nommer le vôtre dans [serial] device".into(),
            ),
            (FaultKind::Vanished, _) => {
                ("the device has gone; waiting for it to come back".into(), "le périphérique a disparu ; en attente de son retour".into())
            }
            (FaultKind::Other, _) => {
                let what = self.errno.desc();
                (what.to_owned(), format!("erreur du système : {what}"))
            }
        };
        match language {
            Language::English => format!("{device}: {english}"),
            Language::French => format!("{device} : {french}"),
        }
    }

    fn none_found(&self, language: Language) -> String {
        let names: Vec<_> = self.devices.iter().map(|path| path.display().to_string()).collect();
        let names = names.join(", ");
        let (of_all, advice) = language.choose(
            ("no serial line found: none of", "exists; name yours in [serial] device (see ls /dev/serial/by-id)"),
            ("aucun port série trouvé : aucun de", "n'existe ; nommer le vôtre dans [serial] device (voir ls /dev/serial/by-id)"),
        );
        format!("{of_all} {names} {advice}")
    }
}

/// In English, for the log.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words(Language::English))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_says_what_to_do() {
        let fault = |kind| Fault { devices: vec!["/dev/ttyS0".into()], kind, errno: Errno::EINVAL };
        for (kind, english, french) in [
            (FaultKind::Denied, "sudo teleinfo-reader doctor", "sudo teleinfo-reader doctor"),
            (FaultKind::Busy, "serial-getty@ttyS0", "serial-getty@ttyS0"),
            (FaultKind::Absent, "/dev/ttyS0: there is no such device", "/dev/ttyS0 : ce périphérique n'existe pas"),
            (FaultKind::NotSerial, "no serial line", "pas un port série"),
            (FaultKind::Vanished, "has gone", "a disparu"),
            (FaultKind::Other, "Invalid argument", "Invalid argument"),
        ] {
            let fault = fault(kind);
            assert!(fault.words(Language::English).contains(english), "{fault}");
            assert!(fault.words(Language::French).contains(french), "{fault}");
        }
        let held = Fault { devices: vec!["/dev/pts/7".into()], kind: FaultKind::Busy, errno: Errno::EBUSY };
        assert!(!held.to_string().contains("getty"), "no login is on a pseudo-terminal: {held}");
        let all = Fault::absent(&["/dev/a".into(), "/dev/b".into()]);
        assert!(all.to_string().contains("none of /dev/a, /dev/b exists"));
        assert!(all.words(Language::French).contains("aucun de /dev/a, /dev/b n'existe"));
    }

    #[test]
    fn errors_of_the_system_are_told_apart() {
        let device = Path::new("/dev/x");
        for (errno, opening, reading) in [
            (Errno::ENOENT, FaultKind::Absent, FaultKind::Other),
            (Errno::EIO, FaultKind::Absent, FaultKind::Vanished),
            (Errno::EACCES, FaultKind::Denied, FaultKind::Other),
            (Errno::EBUSY, FaultKind::Busy, FaultKind::Other),
            (Errno::ENOTTY, FaultKind::NotSerial, FaultKind::Other),
            (Errno::EMFILE, FaultKind::Other, FaultKind::Other),
        ] {
            assert_eq!((Fault::of_opening(device, errno).kind, Fault::of_reading(device, errno).kind), (opening, reading), "{errno}");
        }
    }
}
