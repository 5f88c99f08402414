//! Taking over the entities of teleinfo2mqtt or teleinfo2mqtt-rs, with their history.
//!
//! Home Assistant keeps an entity id and its statistics as long as the unique id stays. So the entities that those programs announced
//! keep the unique ids they had, now under our device; and `migrate_discovery` on the old topics makes Home Assistant let go of them
//! without deleting anything.

use serde::{Deserialize, Serialize};
use teleinfo_proto::tic::MeterId;

use super::entity::Entity;
use crate::topics::Topics;

/// Whose entities are taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Migrate {
    /// Nobody's.
    #[default]
    None,
    /// Those of teleinfo2mqtt: unique id = the label.
    Teleinfo2mqtt,
    /// Those of teleinfo2mqtt-rs: unique id = `linky_<adco>_<key>`.
    #[serde(rename = "teleinfo2mqtt-rs")]
    Teleinfo2mqttRs,
}

impl Migrate {
    /// The unique id of an entity.
    #[must_use]
    pub fn unique_id(self, entity: &Entity, meter: &MeterId) -> String {
        format!("{}_{}", Topics::object_id(meter), entity.key)
    }
}
