//! What any service of systemd needs, whatever it does: exit codes, a journal, readiness, watchdog and health, signals,
//! complaints that are said once.
//!
//! Nothing of meters or of the network lives here. The files stand side by side; begin with `exit`.

pub(crate) mod clock;
pub(crate) mod exit;
pub(crate) mod health;
pub(crate) mod logging;
pub(crate) mod notify;
pub(crate) mod on_change;
pub(crate) mod signals;
