//! Why no session stands, and why a message was not taken, in words that say what to look at.
//!
//! Whoever decides something on an error matches the variant; the words are for a person and may change.

use std::fmt;
use std::io;
use std::ops::Deref;
use std::time::Duration;

use zenoh_protocol::VERSION;
use zenoh_protocol::transport::close::reason;

use crate::locator::Locator;

/// Why a router could not be reached, or why a session with it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The host name could not be turned into an address.
    Lookup {
        /// What the system's resolver says.
        words: String,
    },
    /// The address counts on a network interface that is not there.
    Interface {
        /// The interface's name.
        name: String,
    },
    /// The connection was refused, was lost, or could not be made.
    Socket {
        /// Which kind of trouble, for whoever decides something on it.
        kind: io::ErrorKind,
        /// What the system says.
        words: String,
    },
    /// The router ended the connection without a Zenoh message.
    Ended,
    /// The router speaks another version of Zenoh's protocol.
    Version {
        /// The router's version, when it has said so.
        theirs: Option<u8>,
    },
    /// The router wants a user and a password, and the client has none.
    PasswordMissing,
    /// The router does not accept this user or this password.
    PasswordRefused,
    /// The client has a password, and the router asks for none: it is not the one that the password is for.
    PasswordNotAsked,
    /// The router has as many sessions as it allows.
    Full,
    /// The router has closed the session, for this reason (a number of Zenoh's `transport::close::reason`).
    Closed(u8),
    /// Nothing has been heard for as long as the router's lease.
    Silent(Duration),
    /// The connection stands, but the handshake does not end.
    NoAnswer(Duration),
    /// What arrived is not Zenoh, or not in its place.
    Malformed(&'static str),
    /// A batch is larger than the client announced.
    Oversized {
        /// Its length in bytes.
        length: usize,
    },
    /// The system gives no random numbers, which a session's identity is made of.
    Random {
        /// What the system says.
        words: String,
    },
}

impl Error {
    /// The router has answered and said no: it will say so again until somebody has changed something.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::PasswordMissing | Self::PasswordRefused | Self::PasswordNotAsked | Self::Version { .. })
    }

    pub(crate) fn lookup(error: &io::Error) -> Self {
        Self::Lookup { words: error.to_string() }
    }

    pub(crate) fn socket(error: &io::Error) -> Self {
        Self::Socket { kind: error.kind(), words: error.to_string() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interface { name } => write!(f, "there is no network interface {name} here"),
            Self::Lookup { words } => write!(f, "cannot look up the name: {words}"),
            Self::Socket { kind, words } => f.write_str(socket_words(*kind).unwrap_or(words)),
            Self::Ended => f.write_str("the router ended the connection"),
            Self::Version { theirs: Some(theirs) } => {
                write!(f, "the router speaks version {theirs} of the Zenoh protocol, expected {VERSION}: install matching releases")
            }
            Self::Version { theirs: None } => {
                write!(f, "the router does not accept version {VERSION} of the Zenoh protocol: install matching releases")
            }
            Self::PasswordMissing => f.write_str("the router wants a user and a password"),
            Self::PasswordRefused => f.write_str("the router does not accept this user or password"),
            Self::PasswordNotAsked => f.write_str("the router asks for no password, so it is not the one that the password is for"),
            Self::Full => f.write_str("the router has as many sessions as it allows (raise transport/unicast/max_sessions there)"),
            Self::Closed(code) => write!(f, "the router closed the session: {}", close_words(*code)),
            Self::Silent(lease) => write!(f, "the router has been silent for {lease:?}: the network or the router is gone"),
            Self::NoAnswer(patience) => {
                write!(f, "connected, but no Zenoh router answers within {patience:?}: is this the port of a Zenoh router?")
            }
            Self::Malformed(what) => write!(f, "protocol error: {what}; is this a Zenoh router?"),
            Self::Oversized { length } => {
                write!(f, "protocol error: a batch of {length} bytes, larger than agreed; is this a Zenoh router?")
            }
            Self::Random { words } => write!(f, "no random numbers: {words}"),
        }
    }
}

impl std::error::Error for Error {}

/// What an error of a socket means, and what to look at; nothing for the rare kinds, where the system's own words must do.
fn socket_words(kind: io::ErrorKind) -> Option<&'static str> {
    match kind {
        io::ErrorKind::ConnectionRefused => Some("connection refused: is the router running, and is this its port?"),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            Some("no way there: is the network up, is the address right?")
        }
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => Some("the router ended the connection"),
        io::ErrorKind::TimedOut => Some("no answer: is the machine on, is the address right, does a firewall drop it?"),
        _ => None,
    }
}

/// What a reason in a Close message means for whoever reads the log.
fn close_words(code: u8) -> &'static str {
    match code {
        reason::GENERIC => "it is stopping, or it refuses this client (see its log)",
        reason::UNSUPPORTED => "it does not support what was asked",
        reason::INVALID => "it found a message invalid",
        reason::MAX_LINKS => "this session is already connected",
        reason::EXPIRED => "it has heard nothing from us for our lease",
        reason::UNRESPONSIVE => "it found us unresponsive",
        reason::CONNECTION_TO_SELF => "it is this very program",
        _ => "for a reason this version does not know",
    }
}

/// Which routers could not be reached, and why, in the order of the locators.
///
/// Two rounds that fail alike give equal values, so that a program can log a trouble once and not with every round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failures(Vec<(Locator, Error)>);

impl Failures {
    pub(crate) fn new(failures: Vec<(Locator, Error)>) -> Self {
        Self(failures)
    }
}

impl Deref for Failures {
    type Target = [(Locator, Error)];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl fmt::Display for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (locator, error)) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{locator}: {error}")?;
        }
        Ok(())
    }
}

/// Why a message was not taken. Nothing of it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendError {
    /// The transmit buffer is full: the network is slower than the program, or gone.
    Full,
    /// The message is larger than a batch (8 kB with its key).
    TooLong,
    /// No session stands.
    Offline,
    /// The query belongs to a session that has ended: nobody waits for this reply.
    Gone,
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "the transmit buffer is full",
            Self::TooLong => "the message is larger than a Zenoh batch",
            Self::Offline => "not connected",
            Self::Gone => "the query belongs to a session that has ended",
        })
    }
}

impl std::error::Error for SendError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_name_each_locator_with_its_trouble() {
        let failures = Failures::new(vec![
            ("tcp/10.0.0.1:7447".parse().unwrap(), Error::socket(&io::ErrorKind::ConnectionRefused.into())),
            ("tcp/bridge.lan:7447".parse().unwrap(), Error::Lookup { words: "no such name".into() }),
        ]);
        assert_eq!(
            failures.to_string(),
            "tcp/10.0.0.1:7447: connection refused: is the router running, and is this its port?; \
             tcp/bridge.lan:7447: cannot look up the name: no such name"
        );
    }

    #[test]
    fn a_rare_trouble_of_a_socket_is_told_in_the_words_of_the_system() {
        let error = Error::socket(&io::Error::from_raw_os_error(105));
        assert_eq!(error.to_string(), io::Error::from_raw_os_error(105).to_string());
    }
}
