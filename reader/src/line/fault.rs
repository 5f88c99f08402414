//! What is wrong with a serial line, in words that say what to do, in both languages. None of it ends the program.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use nix::errno::Errno;
use teleinfo_zenoh_client::Error;

use super::holders::login_unit;
use crate::{journal, language::Language, reading::FaultKind};

/// A serial line that cannot be read, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The devices that were tried; the last one is meant unless all are absent.
    pub(crate) devices: Vec<PathBuf>,
    /// What happened.
    pub(crate) kind: FaultKind,
    detail: Detail,
}

/// What was said to us.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Detail {
    /// By the system.
    System(Errno),
    /// About the way to a far line.
    Network(NetworkTrouble),
}

/// What is wrong with the way to a far line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NetworkTrouble {
    /// Its name has no address, in the words of the system's resolver.
    Name(String),
    /// The network interface of its address is not there.
    Interface(String),
    /// Nobody listens there.
    Refused,
    /// There is no way to its address.
    NoWay,
    /// It does not answer.
    NoAnswer,
    /// It has ended the connection.
    Ended,
    /// It does not speak RFC 2217.
    NotSpoken,
    /// The system reports an error that is rarer.
    Other(String),
}

impl NetworkTrouble {
    /// From a connection that could not be made.
    pub(super) fn of_connecting(error: &Error) -> Self {
        match error {
            Error::Lookup { words } => Self::Name(words.clone()),
            Error::Interface { name } => Self::Interface(name.clone()),
            Error::Socket { kind, words } => Self::of_socket(*kind, words),
            other => Self::Other(other.to_string()),
        }
    }

    /// From a connection that stood.
    pub(super) fn of_connection(error: &io::Error) -> Self {
        Self::of_socket(error.kind(), &error.to_string())
    }

    fn of_socket(kind: io::ErrorKind, words: &str) -> Self {
        match kind {
            io::ErrorKind::ConnectionRefused => Self::Refused,
            io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => Self::NoWay,
            io::ErrorKind::TimedOut => Self::NoAnswer,
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => Self::Ended,
            _ => Self::Other(words.into()),
        }
    }

    fn kind(&self) -> FaultKind {
        match self {
            Self::Ended => FaultKind::Ended,
            Self::NotSpoken => FaultKind::NotSpoken,
            _ => FaultKind::Unreachable,
        }
    }

    fn words(&self) -> (String, String) {
        let both = |english: &str, french: &str| (english.to_owned(), french.to_owned());
        match self {
            Self::Name(why) => (
                format!("this name cannot be looked up ({why}): is it right?"),
                format!("ce nom reste introuvable ({why}) : est-il juste ?"),
            ),
            Self::Interface(name) => {
                (format!("there is no network interface {name} here"), format!("il n'y a pas d'interface réseau {name} ici"))
            }
            Self::Refused => both(
                "connection refused: is the adapter's service running, and is this its port?",
                "connexion refusée : le service de l'adaptateur tourne-t-il, est-ce bien son port ?",
            ),
            Self::NoWay => both(
                "no way there: is the network up, is the address right?",
                "aucun chemin : le réseau est-il actif, l'adresse est-elle juste ?",
            ),
            Self::NoAnswer => both(
                "no answer: is the adapter on, is the address right, does a firewall drop it?",
                "pas de réponse : l'adaptateur est-il allumé, l'adresse juste, un pare-feu bloque-t-il ?",
            ),
            Self::Ended => both(
                "the far side has ended the connection (does another program use it?); trying again",
                "l'autre côté a coupé la connexion (un autre programme l'utilise-t-il ?) ; nouvel essai",
            ),
            Self::NotSpoken => both(
                "the far side does not speak RFC 2217: for a port that sends its bytes raw, write tcp:// instead",
                "l'autre côté ne parle pas RFC 2217 : pour un port qui envoie ses octets bruts, écrire tcp://",
            ),
            Self::Other(why) => (why.clone(), format!("erreur du système : {why}")),
        }
    }
}

impl Fault {
    /// None of the devices exists.
    pub(super) fn absent(devices: &[PathBuf]) -> Self {
        Self { devices: devices.to_vec(), kind: FaultKind::Absent, detail: Detail::System(Errno::ENOENT) }
    }

    /// The other side of the line has hung up.
    pub(super) fn vanished(device: &Path) -> Self {
        Self { devices: vec![device.into()], kind: FaultKind::Vanished, detail: Detail::System(Errno::EIO) }
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
        Self { devices: vec![device.into()], kind, detail: Detail::System(errno) }
    }

    /// From an error of read(2) or tcsetattr(3) on an open line.
    pub(super) fn of_reading(device: &Path, errno: Errno) -> Self {
        let kind = match errno {
            Errno::EIO | Errno::ENXIO | Errno::ENODEV => FaultKind::Vanished,
            _ => FaultKind::Other,
        };
        Self { devices: vec![device.into()], kind, detail: Detail::System(errno) }
    }

    /// From an error of the system while the line is opened.
    pub(super) fn of(device: &Path, error: &io::Error) -> Self {
        Self::of_opening(device, error.raw_os_error().map_or(Errno::UnknownErrno, Errno::from_raw))
    }

    /// From the way to a far line.
    pub(super) fn of_network(name: &Path, trouble: NetworkTrouble) -> Self {
        Self { devices: vec![name.into()], kind: trouble.kind(), detail: Detail::Network(trouble) }
    }

    /// From an error of the system before any device was tried.
    pub(crate) fn of_system(error: &io::Error) -> Self {
        let errno = error.raw_os_error().map_or(Errno::UnknownErrno, Errno::from_raw);
        Self { devices: Vec::new(), kind: FaultKind::Other, detail: Detail::System(errno) }
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
            (FaultKind::Unreachable | FaultKind::Ended | FaultKind::NotSpoken | FaultKind::Other, _) => self.detail.words(),
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

impl Detail {
    fn words(&self) -> (String, String) {
        match self {
            Self::System(errno) => (errno.desc().into(), format!("erreur du système : {}", errno.desc())),
            Self::Network(trouble) => trouble.words(),
        }
    }
}

/// For the journal.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words(journal::language()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_says_what_to_do() {
        let fault = |kind| Fault { devices: vec!["/dev/ttyS0".into()], kind, detail: Detail::System(Errno::EINVAL) };
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
        let held = Fault { devices: vec!["/dev/pts/7".into()], kind: FaultKind::Busy, detail: Detail::System(Errno::EBUSY) };
        assert!(!held.to_string().contains("getty"), "no login is on a pseudo-terminal: {held}");
        for (trouble, kind, english, french) in [
            (NetworkTrouble::Refused, FaultKind::Unreachable, "tcp://x:1: connection refused", "tcp://x:1 : connexion refusée"),
            (NetworkTrouble::NoAnswer, FaultKind::Unreachable, "no answer", "pas de réponse"),
            (NetworkTrouble::Name("why".into()), FaultKind::Unreachable, "looked up (why)", "introuvable (why)"),
            (NetworkTrouble::NotSpoken, FaultKind::NotSpoken, "does not speak RFC 2217", "ne parle pas RFC 2217"),
            (NetworkTrouble::Ended, FaultKind::Ended, "ended the connection", "coupé la connexion"),
        ] {
            let fault = Fault::of_network(Path::new("tcp://x:1"), trouble);
            assert_eq!(fault.kind, kind);
            assert!(fault.to_string().contains(english) && fault.words(Language::French).contains(french), "{fault}");
        }
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
