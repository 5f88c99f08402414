//! Messages to systemd (sd_notify(3)): started, alive, one line of status, stopping. Nothing happens when systemd is not there.

use std::{
    env,
    os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixDatagram},
    },
    time::Duration,
};

/// The way to the service manager, if there is one.
#[derive(Debug, Default)]
pub(crate) struct Notify {
    socket: Option<UnixDatagram>,
    watchdog: Option<Duration>,
}

impl Notify {
    /// From `$NOTIFY_SOCKET` and `$WATCHDOG_USEC`.
    pub(crate) fn from_environment() -> Self {
        Self::new(env::var("NOTIFY_SOCKET").ok().as_deref(), env::var("WATCHDOG_USEC").ok().as_deref())
    }

    fn new(path: Option<&str>, watchdog: Option<&str>) -> Self {
        let socket = path.and_then(|path| connect(path).ok());
        let watchdog = watchdog.and_then(|usec| usec.parse().ok()).map(Duration::from_micros);
        Self { watchdog: watchdog.filter(|_| socket.is_some()), socket }
    }

    /// How often [`Notify::alive`] is wanted: half of what the service manager allows. `None` = never.
    pub(crate) fn interval(&self) -> Option<Duration> {
        self.watchdog.map(|allowed| allowed / 2)
    }

    /// The program has started.
    pub(crate) fn ready(&self) {
        self.send("READY=1");
    }

    /// The loop turns.
    pub(crate) fn alive(&self) {
        self.send("WATCHDOG=1");
    }

    /// What `systemctl status` shows.
    pub(crate) fn status(&self, text: &str) {
        self.send(&format!("STATUS={text}"));
    }

    /// The program is about to end, as asked.
    pub(crate) fn stopping(&self) {
        self.send("STOPPING=1");
    }

    fn send(&self, message: &str) {
        if let Some(socket) = &self.socket {
            // A service manager that does not listen is not our trouble.
            let _ = socket.send(message.as_bytes());
        }
    }
}

fn connect(path: &str) -> std::io::Result<UnixDatagram> {
    let address = match path.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(path)?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    socket.connect_addr(&address)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_reach_the_service_manager() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        let notify = Notify::new(path.to_str(), Some("10000000"));
        assert_eq!(notify.interval(), Some(Duration::from_secs(5)));
        notify.ready();
        notify.status("reading");
        let mut buffer = [0; 64];
        let mut next = || {
            let length = manager.recv(&mut buffer).unwrap();
            String::from_utf8_lossy(&buffer[..length]).into_owned()
        };
        assert_eq!(next(), "READY=1");
        assert_eq!(next(), "STATUS=reading");
    }

    #[test]
    fn without_a_service_manager_nothing_happens() {
        let notify = Notify::new(None, Some("10000000"));
        assert_eq!(notify.interval(), None);
        notify.ready();
    }
}
