//! Whom the reader trusts: its own key, and the bridge that was pinned at first contact. `files` reads and writes what only the owner may
//! read, `keys` says what these files mean.
//!
//! What is sealed with a key, and what comes sealed, is in `uplink/`. Begin with `keys`.

mod files;
pub mod keys;
