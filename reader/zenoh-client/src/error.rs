//! Why a session ended, and why a message was not taken: in words that say what to do.

use std::fmt;
use std::time::Duration;

use zenoh_protocol::VERSION;
use zenoh_protocol::transport::close::reason;

/// Why a session ended. The connection is of no more use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The router speaks another version of Zenoh's protocol.
    Version {
        /// The router's version, when it has said so.
        theirs: Option<u8>,
    },
    /// The router wants a user and a password, and none is configured.
    PasswordMissing,
    /// The router does not accept this user or this password.
    PasswordRefused,
    /// The router has closed the session, for this reason (a number of Zenoh's `transport::close::reason`).
    Closed(u8),
    /// Nothing has been heard for as long as the router's lease.
    Silent(Duration),
    /// The connection stands, but the handshake does not end.
    NoAnswer(Duration),
    /// What arrived is not Zenoh, or not in its place.
    Malformed(&'static str),
    /// A batch larger than we announced.
    Oversized {
        /// Its length in bytes.
        length: usize,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version { theirs: Some(theirs) } => {
                write!(f, "the router speaks version {theirs} of the Zenoh protocol, expected {VERSION}: install matching releases")
            }
            Self::Version { theirs: None } => {
                write!(f, "the router does not accept version {VERSION} of the Zenoh protocol: install matching releases")
            }
            Self::PasswordMissing => f.write_str("the router wants a user and a password: configure zenoh.user and zenoh.password-file"),
            Self::PasswordRefused => f.write_str(
                "the router does not accept this user or password: compare zenoh.user and zenoh.password-file with the router's users file",
            ),
            Self::Closed(code) => write!(f, "the router closed the session: {}", close_words(*code)),
            Self::Silent(lease) => {
                write!(f, "the router has been silent for {lease:?}: the network or the router is gone")
            }
            Self::NoAnswer(patience) => {
                write!(f, "connected, but no Zenoh router answers within {patience:?}: is this the bridge's Zenoh port?")
            }
            Self::Malformed(what) => write!(f, "protocol error: {what}; is this a Zenoh router?"),
            Self::Oversized { length } => {
                write!(f, "protocol error: a batch of {length} bytes, larger than agreed; is this a Zenoh router?")
            }
        }
    }
}

impl std::error::Error for Error {}

/// What a reason in a Close message means for whoever reads the log.
fn close_words(code: u8) -> &'static str {
    match code {
        reason::GENERIC => "it is stopping, or it refuses this reader (see its log)",
        reason::UNSUPPORTED => "it does not support what was asked",
        reason::INVALID => "it found a message invalid",
        reason::MAX_SESSIONS => "it has as many sessions as it allows (raise transport/unicast/max_sessions there)",
        reason::MAX_LINKS => "this session is already connected",
        reason::EXPIRED => "it has heard nothing from us for our lease",
        reason::UNRESPONSIVE => "it found us unresponsive",
        reason::CONNECTION_TO_SELF => "it is this very program",
        _ => "for a reason this version does not know",
    }
}

/// Why a message was not taken. Nothing of it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendError {
    /// The transmit buffer is full: the network is slower than the meter, or gone.
    Full,
    /// Larger than a batch (16 kB with its key).
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
