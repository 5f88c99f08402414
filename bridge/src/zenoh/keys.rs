//! The keys of the samples that come by another router, declared to Zenoh once each.
//!
//! A router passes samples on with their key as text. Zenoh then searches it among the keys of all meters, unless it was declared in this process: that
//! costs the more, the more meters there are. Readers that connect to this bridge declare their keys themselves.

use std::collections::{BTreeMap, HashMap};

use teleinfo_proto::{tic::MeterId, wire::keys};
use tracing::debug;
use zenoh::{Session, key_expr::KeyExpr};

/// Zenoh numbers declared keys with 16 bits on each connection; some are left for others.
const KEYS_MAX: usize = 60_000;

/// The keys that were declared, by each link; a key that is dropped is searched for again.
#[derive(Debug, Default)]
pub struct SampleKeys(BTreeMap<usize, Declared>);

#[derive(Debug)]
struct Declared {
    session: Session,
    keys: HashMap<MeterId, KeyExpr<'static>>,
}

impl SampleKeys {
    /// A link stands, perhaps anew: keys are declared there as samples come.
    pub fn handle_opened(&mut self, link: usize, session: Session) {
        self.0.insert(link, Declared { session, keys: HashMap::new() });
    }

    /// A link has ended, and with it what was declared there.
    pub fn handle_closed(&mut self, link: usize) {
        self.0.remove(&link);
    }

    /// Samples of this meter come.
    pub async fn handle_meter(&mut self, meter: MeterId) {
        for Declared { session, keys } in self.0.values_mut() {
            if keys.len() >= KEYS_MAX || keys.contains_key(&meter) {
                continue;
            }
            match session.declare_keyexpr(keys::sample(&meter).to_string()).await {
                Ok(key) => drop(keys.insert(meter, key)),
                Err(error) => debug!("meter {meter}: its key is not declared: {error}"),
            }
        }
    }
}
