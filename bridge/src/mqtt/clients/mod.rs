//! What stands between MQTT clients and the plugin, which holds for a client whatever it does not take, without a bound.
//!
//! [`packets`] finds where one packet ends, [`outbox`] is what one client has not taken yet; both are pure. [`relay`] is the I/O: clients
//! connect to it, and it connects to the plugin for each of them. What a client may do there is decided here, what MQTT means by the plugin.

pub mod outbox;
pub mod packets;
pub mod relay;
