//! Samples in: the Zenoh side, and the order of what comes from it.
//!
//! [`node`] is the bridge's place in the Zenoh network, [`arrivals`] what comes in by itself, [`history`] what is asked for.
//! [`intake`] puts both together, meter by meter.

pub mod arrivals;
pub mod history;
pub mod intake;
pub mod marks;
pub mod node;
pub mod received;
