//! The keys of the samples that come by another router, declared to Zenoh once each.
//!
//! A router passes samples on with their key as text. Zenoh then searches it among the keys of all meters, unless it was declared in this process: that
//! costs the more, the more meters there are. Readers that connect to this bridge declare their keys themselves.

use std::collections::HashMap;

use teleinfo_proto::{tic::MeterId, wire::keys};
use tracing::debug;
use zenoh::{Session, key_expr::KeyExpr};

/// Zenoh numbers declared keys with 16 bits on each connection; some are left for others.
const KEYS_MAX: usize = 60_000;

/// The keys that were declared; a key that is dropped is searched for again.
#[derive(Debug)]
pub struct SampleKeys {
    session: Session,
    keys: HashMap<MeterId, KeyExpr<'static>>,
}

impl SampleKeys {
    /// None yet.
    #[must_use]
    pub fn new(session: Session) -> Self {
        Self { session, keys: HashMap::new() }
    }

    /// The network was joined anew: keys are declared again as samples come.
    pub fn handle_session(&mut self, session: Session) {
        *self = Self::new(session);
    }

    /// Samples of this meter come.
    pub async fn handle_meter(&mut self, meter: MeterId) {
        if self.keys.len() >= KEYS_MAX || self.keys.contains_key(&meter) {
            return;
        }
        match self.session.declare_keyexpr(keys::sample(&meter).to_string()).await {
            Ok(key) => drop(self.keys.insert(meter, key)),
            Err(error) => debug!("meter {meter}: its key is not declared: {error}"),
        }
    }
}
