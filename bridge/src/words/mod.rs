//! What everybody in the bridge may say: MQTT [`topics`] and [`message`]s, what comes back ([`inbound`]), times, the two
//! [`language`]s, what to do about a [`cause`] and about [`another_reader`], whose something is ([`scope`]), how
//! much a bridge takes on ([`limits`]), the [`checksum`] of what is kept, text from the network
//! made [`printable`], and text laid out for a [`terminal`].
//!
//! Nothing here depends on another folder of the bridge. Begin with [`topics`]: the table there is what users see.

pub mod another_reader;
pub mod cause;
pub mod checksum;
pub mod inbound;
pub mod limits;
pub mod message;
pub mod pace;
pub mod printable;
pub mod scope;
pub mod topics;
pub mod utc;

pub use teleinfo_people::{journal, language, terminal};
