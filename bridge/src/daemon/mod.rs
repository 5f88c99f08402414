//! The process around the bridge: command line, exit codes, log, systemd, secrets and TLS.
//!
//! What the bridge does stands elsewhere: these files would serve any other daemon. Begin with [`cli`] and [`exit`].

pub mod certificates;
pub mod cli;
pub mod credentials;
pub mod exit;
pub mod logging;
pub mod notify;
pub mod resources;
pub mod tls;
