//! Which readers this bridge believes, and the seal between them and it. No socket and no task lives here: `zenoh/` brings what came and
//! sends what is to go.
//!
//! [`keys`] is the bridge's own key, [`pins`] which key speaks for which meter, [`code`] what a person types at a reader, [`decisions`] how a person changes that, [`readers`] joins them to each reader's end of the seal, [`incoming`] is what arrives of a message,
//! [`not_believed`] why one is refused.
//! Begin with [`readers`]. What the bytes are is in `teleinfo-proto`, `seal`.

pub mod code;
pub mod decisions;
pub mod incoming;
pub mod keys;
pub mod not_believed;
pub mod pins;
pub mod readers;
