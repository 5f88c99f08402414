//! A serial line of this machine: opened without waiting, taken for us alone, set to raw bytes, read until it is empty.
//!
//! A pseudo-terminal is a line too, with two differences: it has no speed and no parity, so it reports back 8N1 whatever is asked;
//! and it keeps TIOCEXCL after its holder has died, for as long as its other side is open, so there only the lock is taken.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    os::{
        fd::{AsRawFd, RawFd},
        unix::fs::{MetadataExt, OpenOptionsExt},
    },
    path::{Path, PathBuf},
};

use nix::{errno::Errno, libc};
use teleinfo_proto::tic::Mode;

use super::{fault::Fault, marks::Marks, read::Read, termios};
use crate::reading::Framing;

/// An open serial line.
#[derive(Debug)]
pub(super) struct SerialLine {
    path: PathBuf,
    file: File,
    speed: Mode,
    framing: Framing,
    marks: Marks,
}

impl SerialLine {
    /// Opens the first of `devices` that exists, for us alone. Its settings are not touched yet.
    ///
    /// # Errors
    /// The fault of the one that exists, or that none does.
    pub(super) fn open(devices: &[PathBuf]) -> Result<Self, Fault> {
        let path = devices.iter().find(|path| path.exists()).ok_or_else(|| Fault::absent(devices))?;
        let file = open(path).map_err(|error| Fault::of(path, &error))?;
        Ok(Self { path: path.clone(), file, speed: Mode::Historic, framing: Framing::EightNone, marks: Marks::default() })
    }

    /// Where the line is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Sets speed and framing. `false`: the line did not take them all.
    ///
    /// # Errors
    /// The device has gone.
    pub(super) fn set(&mut self, speed: Mode, framing: Framing) -> Result<bool, Fault> {
        (self.speed, self.framing, self.marks) = (speed, framing, Marks::default());
        termios::set(&self.file, speed, framing).map_err(|error| Fault::of_reading(&self.path, error))
    }

    /// Has another program changed the settings since they were set and taken?
    ///
    /// # Errors
    /// The device has gone.
    pub(super) fn disturbed(&self) -> Result<bool, Fault> {
        let holds = termios::holds(&self.file, self.speed, self.framing);
        holds.map(|holds| !holds).map_err(|error| Fault::of_reading(&self.path, error))
    }

    /// Reads what is there. Bytes of wrong parity have bit 7 set.
    ///
    /// # Errors
    /// The device has gone.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<Read, Fault> {
        match nix::unistd::read(&self.file, buffer) {
            // End of file: the driver hung up.
            Ok(0) => Err(Fault::vanished(&self.path)),
            // Less than there was room for: that was all (epoll(7), on edge-triggered use).
            Ok(count) => Ok(Read { more: count == buffer.len(), count: self.unmark(&mut buffer[..count]) }),
            Err(Errno::EINTR) => self.read(buffer),
            Err(Errno::EAGAIN) => Ok(Read { count: 0, more: false }),
            Err(error) => Err(Fault::of_reading(&self.path, error)),
        }
    }

    fn unmark(&mut self, bytes: &mut [u8]) -> usize {
        match self.framing {
            Framing::SevenEven => self.marks.undo(bytes),
            Framing::EightNone => bytes.len(),
        }
    }
}

impl AsRawFd for SerialLine {
    fn as_raw_fd(&self) -> RawFd {
        self.file.as_raw_fd()
    }
}

impl Drop for SerialLine {
    fn drop(&mut self) {
        // A USB adapter keeps the flag while someone else has it open, a doctor for example.
        let _ = ioctl_rs::tiocnxcl(self.file.as_raw_fd());
    }
}

fn open(path: &Path) -> io::Result<File> {
    // O_NONBLOCK: do not wait for a carrier; O_NOCTTY: a break on the line must not signal us.
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    nix::sys::termios::tcgetattr(&file)?;
    lock(&file)?;
    if !termios::is_pseudo_terminal(file.metadata()?.rdev()) {
        ioctl_rs::tiocexcl(file.as_raw_fd())?;
    }
    Ok(file)
}

/// flock(2): the agreement among well-behaved programs, and among root's, whom TIOCEXCL does not stop.
fn lock(file: &File) -> io::Result<()> {
    file.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => Errno::EWOULDBLOCK.into(),
        TryLockError::Error(error) => error,
    })
}

#[cfg(test)]
mod tests;
