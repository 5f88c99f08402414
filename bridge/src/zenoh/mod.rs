//! The Zenoh side: the only place where the bridge talks to readers.
//!
//! [`node`] is the router that readers connect to, [`arrivals`] what comes in by itself, [`history`] what is asked for. What comes in is
//! put in order elsewhere (`order/`); [`sealed`] leads to what is believed (`seal/`); [`links`] lead to the routers of others, [`network`] has
//! all ways that stand; [`keys`] makes what comes by another router cheap; [`routers`] says whether
//! those are there; [`shedding`] what is heard where more comes than is taken; [`threads`] says how many there are. Begin with [`node`].

pub mod arrivals;
pub mod history;
pub mod keys;
pub mod links;
pub mod network;
pub mod node;
pub mod routers;
pub mod sealed;
pub mod shedding;
pub mod threads;
