//! The reader's Zenoh client: publishes, declares liveliness tokens, answers queries; one TCP connection, no thread, no runtime.
//!
//! Zenoh's own `zenoh-protocol` and `zenoh-codec` crates know what the bytes mean; this module knows when to send them. The words:
//! a *session* is one conversation with a router over one connection; a *locator* says where a router listens
//! (`tcp/192.168.1.10:7447`); a *token* is a key whose presence says that somebody lives; a *queryable* is a key that answers questions.
//!
//! | file | idea |
//! |---|---|
//! | `session` | the protocol, bytes in and bytes out, no socket and no clock |
//! | `framing`, `fragments` | batches on a stream; messages larger than a batch |
//! | `message`, `auth`, `aliases`, `entities` | what is sent, the password, the router's short names for keys, what has been declared |
//! | `client`, `attempts`, `connection` | which router, when to try again; several tried at a time; a session on its socket |
//! | `locator`, `resolve`, `backoff`, `scouting` | where routers are |
//!
//! What it does not do: subscribe, ask queries, TLS, QoS priorities, several links at once.

mod aliases;
mod attempts;
mod auth;
mod backoff;
mod client;
mod connection;
mod entities;
mod error;
mod fragments;
mod framing;
mod locator;
mod message;
mod resolve;
mod scouting;
mod session;

pub use auth::Credentials;
pub use client::{Client, Event, Options, Query, QueryId, TOKENS};
pub use error::{Error, SendError};
pub use locator::{Locator, LocatorError};
pub use session::{Identity, Session, SessionEvent, SessionQuery};
