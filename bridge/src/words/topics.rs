//! Every MQTT topic name, in one place.
//!
//! | topic | what | retained |
//! |---|---|---|
//! | `teleinfo/<meter>` | JSON of the merged state, one object per label | no |
//! | `teleinfo/<meter>/home/power` | the power that Home Assistant shows: every two seconds at most, and when it has moved | no |
//! | `teleinfo/<meter>/home` | what Home Assistant's entities show: measurements once a minute, all else at once | no |
//! | `teleinfo/<meter>/power` | JSON of the signed power in W at the end of its own dataset, before its frame ends | no |
//! | `teleinfo/<meter>/derived` | JSON of what is worked out from it: all that was drawn, estimated power, Tempo, overload, head-room, last frame | no |
//! | `teleinfo/<meter>/history` | JSON of what was missed, each sample with its `time`, after an outage | no |
//! | `teleinfo/<meter>/prices` | JSON list of `start`, `end` and `value` in EUR/kWh, to the end of tomorrow or as far as it is known | yes |
//! | `teleinfo/<meter>/availability` | `online` or `offline` | yes |
//! | `teleinfo/<meter>/quality` | counters, line state, likely cause | yes |
//! | `teleinfo/<meter>/event` | JSON with `event_type` | no |
//! | `teleinfo/<meter>/ledger` | JSON of what a bridge must never forget of the meter's energy | yes |
//! | `teleinfo/bridge/state` | `online` or `offline`; the last will | yes |
//! | `teleinfo/bridge/quality` | what the bridge counts of itself, and its complaints | yes |
//! | `teleinfo/bridge/doctor` | an empty test message of `teleinfo-bridge doctor` | no |
//! | `teleinfo/bridge/marker` | read after all that is retained: what the bridge says to itself at its start | no |
//! | `homeassistant/device/teleinfo_<meter>/config` | device discovery | yes |
//! | `homeassistant/device/teleinfo_bridge_<base>/config` | device discovery of the bridge itself | yes |
//! | `homeassistant/status` | Home Assistant's birth and will; read, never written | |

use core::fmt::Display;

use teleinfo_proto::tic::MeterId;

use crate::words::scope::Owner;

/// Payload of a topic that says something is there.
pub const ONLINE: &str = "online";
/// Payload of a topic that says something is gone.
pub const OFFLINE: &str = "offline";

/// Topic names below a base topic and a discovery prefix; `<meter>` is the 12-digit identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topics {
    base: String,
    prefix: String,
}

impl Default for Topics {
    fn default() -> Self {
        Self::new("teleinfo", "homeassistant")
    }
}

impl Topics {
    /// What all topics of values begin with.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// What all topics of discovery begin with.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Names below `base` (values) and `prefix` (discovery); slashes at either end do not count.
    #[must_use]
    pub fn new(base: &str, prefix: &str) -> Self {
        Self { base: base.trim_matches('/').to_owned(), prefix: prefix.trim_matches('/').to_owned() }
    }

    /// The merged state of a meter.
    #[must_use]
    pub fn state(&self, meter: impl Display) -> String {
        format!("{}/{meter}", self.base)
    }

    /// The power at the end of its own dataset.
    #[must_use]
    pub fn power(&self, meter: impl Display) -> String {
        format!("{}/{meter}/power", self.base)
    }

    /// The power that Home Assistant shows.
    #[must_use]
    pub fn home_power(&self, meter: impl Display) -> String {
        format!("{}/{meter}/home/power", self.base)
    }

    /// What Home Assistant's entities show.
    #[must_use]
    pub fn home(&self, meter: impl Display) -> String {
        format!("{}/{meter}/home", self.base)
    }

    /// What is worked out from the merged state.
    #[must_use]
    pub fn derived(&self, meter: impl Display) -> String {
        format!("{}/{meter}/derived", self.base)
    }

    /// Indexes of the past, after an outage.
    #[must_use]
    pub fn history(&self, meter: impl Display) -> String {
        format!("{}/{meter}/history", self.base)
    }

    /// The prices to come.
    #[must_use]
    pub fn prices(&self, meter: impl Display) -> String {
        format!("{}/{meter}/prices", self.base)
    }

    /// Whether a meter is being read.
    #[must_use]
    pub fn availability(&self, meter: impl Display) -> String {
        format!("{}/{meter}/availability", self.base)
    }

    /// How well a meter is being read.
    #[must_use]
    pub fn quality(&self, meter: impl Display) -> String {
        format!("{}/{meter}/quality", self.base)
    }

    /// What happened at a meter.
    #[must_use]
    pub fn event(&self, meter: impl Display) -> String {
        format!("{}/{meter}/event", self.base)
    }

    /// What a bridge must never forget of a meter's energy.
    #[must_use]
    pub fn ledger(&self, meter: impl Display) -> String {
        format!("{}/{meter}/ledger", self.base)
    }

    /// Where the bridge says something to itself: when it comes back, all that the broker retains has come.
    #[must_use]
    pub fn marker(&self) -> String {
        format!("{}/bridge/marker", self.base)
    }

    /// Whether the bridge is connected; its last will.
    #[must_use]
    pub fn bridge_state(&self) -> String {
        format!("{}/bridge/state", self.base)
    }

    /// How the bridge itself is doing.
    #[must_use]
    pub fn bridge_quality(&self) -> String {
        format!("{}/bridge/quality", self.base)
    }

    /// Where Home Assistant says `online` after it has started.
    #[must_use]
    pub fn home_assistant_status(&self) -> String {
        format!("{}/status", self.prefix)
    }

    /// Device discovery of a meter.
    #[must_use]
    pub fn discovery(&self, meter: impl Display) -> String {
        format!("{}/device/{}/config", self.prefix, Self::object_id(meter))
    }

    /// Device discovery of the bridge.
    #[must_use]
    pub fn bridge_discovery(&self) -> String {
        format!("{}/device/{}/config", self.prefix, self.bridge_object_id())
    }

    /// The object id of the bridge's device and the first part of its unique ids. A base topic has one bridge, wherever that runs, so the
    /// device is named after it.
    #[must_use]
    pub fn bridge_object_id(&self) -> String {
        let base = self.base.replace(|character: char| !character.is_ascii_alphanumeric() && character != '-', "_");
        format!("teleinfo_bridge_{base}")
    }

    /// Where other programs announced one entity: `<prefix>/<platform>/<node>/<object>/config`.
    #[must_use]
    pub fn single_discovery(&self, platform: &str, node: &str, object: &str) -> String {
        format!("{}/{platform}/{node}/{object}/config", self.prefix)
    }

    /// Device discoveries of any device.
    #[must_use]
    pub fn discoveries(&self) -> String {
        format!("{}/device/+/config", self.prefix)
    }

    /// All topics of a meter, or of all meters and of the bridge.
    #[must_use]
    pub fn everything_of(&self, meter: Option<MeterId>) -> String {
        meter.map_or_else(|| format!("{}/#", self.base), |meter| format!("{}/#", self.state(meter)))
    }

    /// Whose topic this is; nothing for one that a bridge does not publish.
    #[must_use]
    pub fn owner(&self, topic: &str) -> Option<Owner> {
        let below = |start: &str| topic.strip_prefix(start)?.strip_prefix('/');
        if let Some(rest) = below(&self.base) {
            return Owner::of(rest.split('/').next()?);
        }
        let object = below(&self.prefix)?.strip_prefix("device/")?.strip_suffix("/config")?;
        if object == self.bridge_object_id() {
            return Some(Owner::Bridge);
        }
        // A meter may have further devices, whose names begin alike.
        object.strip_prefix("teleinfo_")?.split('_').next()?.parse().ok().map(Owner::Meter)
    }

    /// Where the doctor says something to hear it come back.
    #[must_use]
    pub fn doctor(&self) -> String {
        format!("{}/bridge/doctor", self.base)
    }

    /// The object id of a meter's device and the first part of its unique ids.
    #[must_use]
    pub fn object_id(meter: impl Display) -> String {
        format!("teleinfo_{meter}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_topic_has_its_owner() {
        let (topics, meter) = (Topics::default(), Owner::Meter("012345678912".parse().unwrap()));
        let of_meter = ["teleinfo/012345678912", "teleinfo/012345678912/ledger", "homeassistant/device/teleinfo_012345678912/config"];
        for topic in of_meter.into_iter().chain(["homeassistant/device/teleinfo_012345678912_0/config"]) {
            assert_eq!(topics.owner(topic), Some(meter), "{topic}");
        }
        for topic in ["teleinfo/bridge/state", "homeassistant/device/teleinfo_bridge_teleinfo/config"] {
            assert_eq!(topics.owner(topic), Some(Owner::Bridge), "{topic}");
        }
        for topic in [
            "teleinfo",
            "teleinfo/x",
            "teleinfo2/bridge/state",
            "homeassistant/device/zigbee/config",
            "homeassistant/device/teleinfo_/config",
        ] {
            assert_eq!(topics.owner(topic), None, "{topic}");
        }
        assert_eq!(topics.everything_of(None), "teleinfo/#");
    }

    #[test]
    fn names_of_a_meter() {
        let meter = "012345678912";
        let topics = Topics::default();
        assert_eq!(topics.state(meter), "teleinfo/012345678912");
        assert_eq!(topics.availability(meter), "teleinfo/012345678912/availability");
        assert_eq!(topics.bridge_state(), "teleinfo/bridge/state");
        assert_eq!(topics.bridge_quality(), "teleinfo/bridge/quality");
        assert_eq!(topics.discovery(meter), "homeassistant/device/teleinfo_012345678912/config");
        assert_eq!(topics.home_assistant_status(), "homeassistant/status");
    }

    #[test]
    fn base_and_prefix_may_carry_slashes() {
        let meter = "012345678912";
        let topics = Topics::new("/house/tic/", "ha/");
        assert_eq!(topics.event(meter), "house/tic/012345678912/event");
        assert_eq!(topics.discovery(meter), "ha/device/teleinfo_012345678912/config");
    }
}
