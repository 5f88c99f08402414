//! Signals as a file descriptor, so that they wake the loop like everything else (signalfd(2)).

use std::os::fd::{AsRawFd, RawFd};

use nix::sys::{
    signal::{SigSet, Signal},
    signalfd::{SfdFlags, SignalFd},
};

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// SIGTERM, SIGINT: say goodbye and end.
    Stop,
    /// SIGHUP: write the counters to the log.
    Report,
}

/// TERM, INT and HUP, taken from the process and put into a queue.
#[derive(Debug)]
pub(crate) struct Signals(SignalFd);

impl Signals {
    /// Takes the signals. From here on they do nothing by themselves.
    ///
    /// # Errors
    /// When the system has no signalfd to give.
    pub(crate) fn take() -> nix::Result<Self> {
        let set: SigSet = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP].into_iter().collect();
        set.thread_block()?;
        Ok(Self(SignalFd::with_flags(&set, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?))
    }

    /// The next request, if there is one.
    pub(crate) fn next_request(&self) -> Option<Request> {
        let signal = self.0.read_signal().ok()??;
        Some(if signal.ssi_signo == Signal::SIGHUP as u32 { Request::Report } else { Request::Stop })
    }
}

impl AsRawFd for Signals {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}
