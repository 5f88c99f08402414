//! Signals as a file descriptor (signalfd(2)), so that one can wait for them, but not for ever.

use std::{io, os::fd::AsFd, time::Duration};

use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::{
        signal::{SigSet, Signal},
        signalfd::{SfdFlags, SignalFd},
    },
};

/// Why the wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wake {
    /// The app is to end.
    Stop,
    /// A program has ended.
    Ended,
    /// The time is over.
    Time,
}

/// TERM, INT and CHLD, taken from the process and put into a queue.
pub(crate) struct Signals(SignalFd);

impl Signals {
    /// Takes the signals. From here on they do nothing by themselves; programs that are started get them as ever.
    pub(crate) fn take() -> io::Result<Self> {
        let set: SigSet = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGCHLD].into_iter().collect();
        set.thread_block()?;
        Ok(Self(SignalFd::with_flags(&set, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?))
    }

    /// Until there is a signal, or the time is over.
    pub(crate) fn wait(&self, time: Duration) -> Wake {
        let limit = PollTimeout::try_from(time).unwrap_or(PollTimeout::MAX);
        let _ = poll(&mut [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)], limit);
        match self.0.read_signal() {
            Ok(Some(signal)) if signal.ssi_signo == Signal::SIGCHLD as u32 => Wake::Ended,
            Ok(Some(_)) => Wake::Stop,
            _ => Wake::Time,
        }
    }
}
