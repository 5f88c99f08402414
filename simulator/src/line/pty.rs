//! The serial line as a reader sees it: the slave side of a pseudo-terminal, reachable under a path of the
//! user's choice, which is a symbolic link to it.
//!
//! A real meter talks into the void. So the slave side is not kept open here: the kernel then tells whether a
//! reader is there, and bytes nobody listens to are dropped instead of waiting, stale, for the next reader.
//! A pseudo-terminal has no parity and no speed; termios settings are kept but change nothing.

use crate::failure::{Code, Failure, OrFail, Outcome};
use crate::line::stop::Stop;
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::{PtyMaster, grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::sys::stat::Mode;
use nix::sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr};
use std::io::ErrorKind;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How often to look again for a reader that is away: nothing wakes the master side when one arrives.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// At the end: so many looks in a row, this far apart, must find nothing unread.
const QUIET_LOOKS: u32 = 10;
const QUIET_LOOK: Duration = Duration::from_millis(5);

/// The meter's end of the line.
#[derive(Debug)]
pub struct Terminal {
    master: PtyMaster,
    slave: PathBuf,
    link: PathBuf,
}

impl Terminal {
    /// Makes a pseudo-terminal, raw, and `link` a symbolic link to what the reader opens.
    ///
    /// # Errors
    /// When no terminal is left, or `link` exists and is not a symbolic link.
    pub fn create(link: &Path) -> Outcome<Self> {
        let master = open_master().or_fail(Code::Unavailable, || "cannot make a pseudo-terminal (is /dev/pts mounted?)".into())?;
        let slave = PathBuf::from(ptsname_r(&master).or_fail(Code::Software, || "pseudo-terminal without a name".into())?);
        make_raw(&slave).or_fail(Code::Io, || format!("cannot set up {}", slave.display()))?;
        make_link(&slave, link)?;
        Ok(Self { master, slave, link: link.to_owned() })
    }

    /// The device behind the link, `/dev/pts/N`.
    #[must_use]
    pub fn device(&self) -> &Path {
        &self.slave
    }

    /// Whether somebody has the line open.
    #[must_use]
    pub fn has_reader(&self) -> bool {
        let mut fds = [PollFd::new(self.master.as_fd(), PollFlags::POLLOUT)];
        match poll(&mut fds, PollTimeout::ZERO) {
            Ok(_) => !fds[0].revents().is_some_and(|seen| seen.contains(PollFlags::POLLHUP)),
            Err(_) => false,
        }
    }

    /// Sends what fits now and returns its length; the rest is lost, as on a wire.
    ///
    /// # Errors
    /// When the terminal itself fails.
    pub fn offer(&self, bytes: &[u8]) -> Outcome<usize> {
        if !self.has_reader() {
            return Ok(0);
        }
        let mut sent = 0;
        while sent < bytes.len() {
            match self.write(&bytes[sent..])? {
                0 => break,
                n => sent += n,
            }
        }
        Ok(sent)
    }

    /// Sends everything, waiting for a reader and for room; false when it was time to stop first.
    ///
    /// # Errors
    /// When the terminal itself fails.
    pub fn send(&self, bytes: &[u8], stop: &Stop) -> Outcome<bool> {
        let mut sent = 0;
        while sent < bytes.len() {
            sent += self.offer(&bytes[sent..])?;
            if sent < bytes.len() && self.wait_for_room(stop) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Waits until the reader has taken every byte, or is gone, or `limit` has passed. Closing the terminal
    /// earlier would take the unread bytes away from it.
    pub fn drain(&self, limit: Duration, stop: &Stop) {
        let end = Instant::now() + limit;
        let mut quiet = 0;
        // One look is not enough: between two buffers of the kernel bytes cannot be seen.
        while quiet < QUIET_LOOKS && self.has_reader() && Instant::now() < end {
            quiet = if self.has_unread().unwrap_or(false) { 0 } else { quiet + 1 };
            if stop.wait(QUIET_LOOK) {
                return;
            }
        }
    }

    /// Whether bytes wait on the reader's side. Fails where the reader holds the line for itself.
    fn has_unread(&self) -> nix::Result<bool> {
        let slave = open_slave(&self.slave)?;
        let mut fds = [PollFd::new(slave.as_fd(), PollFlags::POLLIN)];
        poll(&mut fds, PollTimeout::ZERO)?;
        Ok(fds[0].any().unwrap_or(false))
    }

    fn wait_for_room(&self, stop: &Stop) -> bool {
        if self.has_reader() { stop.wait_for(self.master.as_fd(), PollFlags::POLLOUT, LOOK_AGAIN) } else { stop.wait(LOOK_AGAIN) }
    }

    /// One write; 0 when nothing fits now.
    fn write(&self, bytes: &[u8]) -> Outcome<usize> {
        match nix::unistd::write(&self.master, bytes) {
            Ok(n) => Ok(n),
            // EIO: the reader has just gone.
            Err(Errno::EAGAIN | Errno::EINTR | Errno::EIO) => Ok(0),
            Err(error) => Err(error).or_fail(Code::Io, || format!("cannot write to {}", self.slave.display())),
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Somebody else may have put another link there since: only ours is removed.
        if std::fs::read_link(&self.link).is_ok_and(|target| target == self.slave) {
            let _ = std::fs::remove_file(&self.link);
        }
    }
}

fn open_master() -> nix::Result<PtyMaster> {
    let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    let master = posix_openpt(flags)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    Ok(master)
}

fn open_slave(path: &Path) -> nix::Result<OwnedFd> {
    let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    open(path, flags, Mode::empty())
}

/// Raw from the start, so that `cat` shows what the meter sends. The settings live as long as the master;
/// closing the slave once also makes the kernel report that nobody listens yet.
fn make_raw(path: &Path) -> nix::Result<()> {
    let slave = open_slave(path)?;
    let mut settings = tcgetattr(&slave)?;
    cfmakeraw(&mut settings);
    tcsetattr(&slave, SetArg::TCSANOW, &settings)
}

/// Puts the link in place in one step: a reader that looks sees the old one or the new one, never none.
fn make_link(slave: &Path, link: &Path) -> Outcome {
    refuse_what_is_no_link(link)?;
    let mut name = link.as_os_str().to_owned();
    name.push(format!(".{}", std::process::id()));
    let fresh = PathBuf::from(name);
    let _ = std::fs::remove_file(&fresh);
    let what = || format!("cannot make the link {}", link.display());
    std::os::unix::fs::symlink(slave, &fresh).or_fail(Code::CannotCreate, what)?;
    std::fs::rename(&fresh, link).inspect_err(|_| drop(std::fs::remove_file(&fresh))).or_fail(Code::CannotCreate, what)
}

fn refuse_what_is_no_link(link: &Path) -> Outcome {
    match std::fs::symlink_metadata(link) {
        Ok(found) if !found.is_symlink() => Err(Failure::new(
            Code::CannotCreate,
            format!("{} exists and is not a symbolic link: choose another path for --pty, or remove it", link.display()),
        )),
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).or_fail(Code::CannotCreate, || format!("cannot make the link {}", link.display()))
        }
        _ => Ok(()),
    }
}
