//! What can be wrong with a serial line, in words that say what to do. None of it ends the program.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use nix::errno::Errno;
use teleinfo_proto::wire;

/// A serial line that cannot be read, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The devices tried; the last one is meant unless all are absent.
    pub devices: Vec<PathBuf>,
    /// What happened.
    pub kind: FaultKind,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// There is no such device.
    Absent,
    /// This user may not open it.
    Denied,
    /// Another program holds it.
    Busy,
    /// The path leads to something else.
    NotSerial,
    /// It was there and has gone: unplugged, or the other side of a pseudo-terminal closed.
    Vanished,
    /// Something rarer.
    Other(Errno),
}

impl FaultKind {
    /// From an error of open(2), flock(2) or tcgetattr(3).
    pub fn of_opening(error: Errno) -> Self {
        match error {
            // EIO: a pseudo-terminal whose other side is closing.
            Errno::ENOENT | Errno::ENODEV | Errno::ENXIO | Errno::ENOTDIR | Errno::EIO => Self::Absent,
            Errno::EACCES | Errno::EPERM => Self::Denied,
            Errno::EBUSY | Errno::EWOULDBLOCK => Self::Busy,
            Errno::ENOTTY | Errno::EISDIR => Self::NotSerial,
            other => Self::Other(other),
        }
    }

    /// From an error of read(2) on an open line.
    pub fn of_reading(error: Errno) -> Self {
        match error {
            Errno::EIO | Errno::ENXIO | Errno::ENODEV => Self::Vanished,
            other => Self::Other(other),
        }
    }

    /// The same in the words of the status message.
    pub fn line(self) -> wire::LineState {
        match self {
            Self::Denied => wire::LineState::Denied,
            Self::Busy => wire::LineState::Busy,
            Self::Absent | Self::NotSerial | Self::Vanished | Self::Other(_) => wire::LineState::Absent,
        }
    }
}

impl Fault {
    /// A fault of one device, from an error of the system.
    pub fn of(device: &Path, error: &io::Error) -> Self {
        let errno = error.raw_os_error().map_or(Errno::UnknownErrno, Errno::from_raw);
        Self { devices: vec![device.into()], kind: FaultKind::of_opening(errno) }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [_, _, ..] = self.devices[..]
            && self.kind == FaultKind::Absent
        {
            let all: Vec<_> = self.devices.iter().map(|path| path.display().to_string()).collect();
            return write!(
                f,
                "no serial line found: none of {} exists; name yours in [serial] device (see ls /dev/serial/by-id)",
                all.join(", ")
            );
        }
        let device = self.devices.last().map(|path| path.display().to_string()).unwrap_or_default();
        match self.kind {
            FaultKind::Absent => {
                write!(f, "{device}: there is no such device: plug it in, or name yours in [serial] device (see ls /dev/serial/by-id)")
            }
            FaultKind::Denied => {
                write!(f, "{device}: permission denied: add this user to the group dialout (usermod -aG dialout USER), then start again")
            }
            FaultKind::Busy => {
                let name = device.strip_prefix("/dev/").unwrap_or(&device);
                write!(
                    f,
                    "{device}: held by another program: stop it (fuser -v {device} names it; a login: systemctl disable --now serial-getty@{name})"
                )
            }
            FaultKind::NotSerial => write!(f, "{device}: this is no serial line: name yours in [serial] device"),
            FaultKind::Vanished => write!(f, "{device}: the device has gone; waiting for it to come back"),
            FaultKind::Other(errno) => write!(f, "{device}: {}", errno.desc()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_says_what_to_do() {
        let fault = |kind| Fault { devices: vec!["/dev/ttyS0".into()], kind }.to_string();
        assert!(fault(FaultKind::Denied).contains("dialout"));
        assert!(fault(FaultKind::Busy).contains("serial-getty@ttyS0"));
        assert!(fault(FaultKind::Absent).contains("/dev/ttyS0: there is no such device"));
        let all = Fault { devices: vec!["/dev/a".into(), "/dev/b".into()], kind: FaultKind::Absent };
        assert!(all.to_string().contains("none of /dev/a, /dev/b exists"));
    }
}
