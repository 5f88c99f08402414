//! Tells systemd how the bridge is: the protocol of `sd_notify(3)`, a datagram of `KEY=value` lines to `$NOTIFY_SOCKET`.
//!
//! Without systemd there is no socket and nothing happens.

use std::{
    env,
    os::{
        linux::net::SocketAddrExt,
        unix::{
            ffi::OsStrExt,
            net::{SocketAddr, UnixDatagram},
        },
    },
    time::{Duration, Instant},
};

/// A line to the service manager, if there is one.
#[derive(Debug, Default)]
pub struct Notifier(Option<(UnixDatagram, SocketAddr)>);

impl Notifier {
    /// Reads where the service manager listens from the environment.
    #[must_use]
    pub fn from_env() -> Self {
        Self(env::var_os("NOTIFY_SOCKET").and_then(|path| open(path.as_bytes())))
    }

    /// The bridge is up: its ports are open.
    pub fn ready(&self) {
        self.send("READY=1");
    }

    /// The main loop still turns.
    pub fn alive(&self) {
        self.send("WATCHDOG=1");
    }

    /// The bridge is going down on purpose.
    pub fn stopping(&self) {
        self.send("STOPPING=1");
    }

    /// One line for `systemctl status`.
    pub fn status(&self, text: &str) {
        self.send(&format!("STATUS={text}"));
    }

    fn send(&self, line: &str) {
        if let Some((socket, address)) = &self.0 {
            // A service manager that does not listen is none of our business.
            let _ = socket.send_to_addr(line.as_bytes(), address);
        }
    }
}

fn open(path: &[u8]) -> Option<(UnixDatagram, SocketAddr)> {
    let address = match path.split_first()? {
        (b'@', name) => SocketAddr::from_abstract_name(name).ok()?,
        _ => SocketAddr::from_pathname(std::ffi::OsStr::from_bytes(path)).ok()?,
    };
    let socket = UnixDatagram::unbound().ok()?;
    socket.set_nonblocking(true).ok()?;
    Some((socket, address))
}

/// When the service manager wants to hear that the main loop still turns: twice in the time that it allows, as it recommends.
#[derive(Debug, Clone, Copy)]
pub struct Watchdog(Option<(Duration, Instant)>);

impl Watchdog {
    /// What the service manager asks for in the environment, if it does.
    #[must_use]
    pub fn from_env(now: Instant) -> Self {
        let microseconds: Option<u64> = env::var("WATCHDOG_USEC").ok().and_then(|text| text.parse().ok());
        Self(microseconds.map(|time| (Duration::from_micros(time / 2), now)))
    }

    /// When to call [`Watchdog::poll_alive`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.0.map(|(_, due)| due)
    }

    /// Whether [`Notifier::alive`] is to be called now.
    pub fn poll_alive(&mut self, now: Instant) -> bool {
        match &mut self.0 {
            Some((interval, due)) if *due <= now => {
                *due = now + *interval;
                true
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_reach_the_socket() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        let notifier = Notifier(open(path.as_os_str().as_bytes()));
        notifier.ready();
        notifier.status("2 meters");
        let mut buffer = [0; 64];
        let length = manager.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..length], b"READY=1");
        let length = manager.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..length], b"STATUS=2 meters");
    }

    #[test]
    fn without_a_manager_nothing_happens() {
        Notifier(None).ready();
        Notifier(open(b"/nowhere/at/all")).ready();
    }
}
