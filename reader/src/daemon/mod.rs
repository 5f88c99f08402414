//! What any service of systemd needs, whatever it does: exit codes, a journal, readiness and watchdog, signals.
//!
//! Nothing of meters or of the network lives here. The files stand side by side; begin with `exit`.

pub(crate) mod clock;
pub mod exit;
pub mod logging;
pub mod notify;
pub mod signals;
