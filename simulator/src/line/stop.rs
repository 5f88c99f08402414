//! When to stop: SIGINT, SIGTERM and SIGHUP arrive on a file descriptor, so that one `poll` sleeps to the next byte's
//! time and wakes up at once for the signal. Nothing runs inside a signal handler.

use crate::failure::{Code, OrFail, Outcome};
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::time::TimeSpec;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// Says when it is time to end. Once asked to stop it stays so.
#[derive(Debug)]
pub struct Stop(Source);

#[derive(Debug)]
enum Source {
    Signals(SignalFd),
    Hand(UnixStream),
}

/// Stops the [`Stop`] it was made with when it is dropped.
#[derive(Debug)]
pub struct StopHandle(#[expect(dead_code, reason = "its closing is the message")] UnixStream);

impl Stop {
    /// Stops on SIGINT, SIGTERM and SIGHUP. To be called before the first thread starts, since every thread inherits
    /// the mask that keeps these signals from killing the process.
    ///
    /// # Errors
    /// When the system has no file descriptor left.
    pub fn on_signals() -> Outcome<Self> {
        let mut mask = SigSet::empty();
        mask.add(Signal::SIGINT);
        mask.add(Signal::SIGTERM);
        mask.add(Signal::SIGHUP);
        mask.thread_block().or_fail(Code::Software, || "cannot block signals".into())?;
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        SignalFd::with_flags(&mask, flags)
            .map(|fd| Self(Source::Signals(fd)))
            .or_fail(Code::Software, || "cannot listen for signals".into())
    }

    /// Stops when the handle is dropped: for a meter on a thread of its own.
    ///
    /// # Errors
    /// When the system has no file descriptor left.
    pub fn by_hand() -> Outcome<(Self, StopHandle)> {
        let (ours, theirs) = UnixStream::pair().or_fail(Code::Software, || "cannot make a socket pair".into())?;
        Ok((Self(Source::Hand(ours)), StopHandle(theirs)))
    }

    /// Whether to stop now.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.wait(Duration::ZERO)
    }

    /// Sleeps this long, or until it is time to stop: true then.
    #[must_use]
    pub fn wait(&self, time: Duration) -> bool {
        // A broken poll would otherwise spin: stopping is the safe answer.
        self.poll(None, time).unwrap_or(true)
    }

    /// Sleeps until then, or until it is time to stop: true then.
    #[must_use]
    pub fn wait_until(&self, then: Instant) -> bool {
        self.wait(then.saturating_duration_since(Instant::now()))
    }

    /// Sleeps until the descriptor is ready, this long at most, or until it is time to stop: true then.
    #[must_use]
    pub fn wait_for(&self, fd: BorrowedFd<'_>, ready: PollFlags, time: Duration) -> bool {
        self.poll(Some(PollFd::new(fd, ready)), time).unwrap_or(true)
    }

    fn poll(&self, other: Option<PollFd<'_>>, time: Duration) -> nix::Result<bool> {
        let ours = PollFd::new(self.fd(), PollFlags::POLLIN);
        let mut fds = [ours, other.unwrap_or(PollFd::new(self.fd(), PollFlags::empty()))];
        match ppoll(&mut fds, Some(TimeSpec::from_duration(time)), None) {
            Err(nix::errno::Errno::EINTR) => Ok(false),
            Err(error) => Err(error),
            Ok(_) => Ok(fds[0].any().unwrap_or(true)),
        }
    }

    fn fd(&self) -> BorrowedFd<'_> {
        match &self.0 {
            Source::Signals(fd) => fd.as_fd(),
            Source::Hand(stream) => stream.as_fd(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_stops_and_it_lasts() {
        let (stop, handle) = Stop::by_hand().unwrap();
        assert!(!stop.is_set());
        assert!(!stop.wait(Duration::from_millis(5)));
        drop(handle);
        assert!(stop.wait(Duration::from_secs(60)));
        assert!(stop.is_set());
    }

    #[test]
    fn sleeping_lasts_as_long_as_asked() {
        let (stop, _handle) = Stop::by_hand().unwrap();
        let then = Instant::now() + Duration::from_millis(20);
        assert!(!stop.wait_until(then));
        assert!(Instant::now() >= then);
    }
}
