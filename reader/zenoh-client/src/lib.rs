#![doc = include_str!("../README.md")]
//!
//! # The files, in the order to read them
//!
//! | file | idea |
//! |---|---|
//! | `session` | the protocol, bytes in and bytes out, no socket and no clock |
//! | `framing`, `fragments` | batches on a stream; messages larger than a batch |
//! | `message`, `auth`, `aliases`, `entities` | what is sent, the password, the router's short names for keys, what has been declared |
//! | `client`, `round`, `attempts`, `connection` | which router, and when to try again; one round of trying; several tried at a time; a session on its socket |
//! | `locator`, `resolve`, `backoff`, `scouting` | where routers are, and how long to wait |
//! | `error` | what went wrong, in words |

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
#[cfg(fuzzing)]
pub mod fuzzing;
mod locator;
mod message;
mod resolve;
mod round;
mod scouting;
mod session;

pub use attempts::{ATTEMPTS_MAX, AttemptEvent, Attempts};
pub use auth::Credentials;
pub use client::{Client, Event, Options, TOKENS};
pub use entities::Declaration;
pub use error::{Error, Failures, SendError};
pub use locator::{Locator, LocatorError};
pub use session::{Identity, Publication, Query, QueryId, Session, SessionEvent};
