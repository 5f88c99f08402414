//! What the owner wants served: which meter it looks like, where, and what it measures.

use std::net::SocketAddr;

use serde::Deserialize;
use teleinfo_proto::tic::MeterId;

use crate::grid_meter::sunspec::registers::Model;

/// The meters that can be stood for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Product {
    /// everHome EcoTracker.
    Ecotracker,
    /// HomeWizard P1, its local interface of version 1.
    Homewizard,
    /// Shelly Pro 3EM.
    Shelly,
    /// A SunSpec meter, over Modbus TCP.
    Sunspec,
}

impl Product {
    /// The name, as it is configured.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ecotracker => "ecotracker",
            Self::Homewizard => "homewizard",
            Self::Shelly => "shelly",
            Self::Sunspec => "sunspec",
        }
    }
}

/// One grid meter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setup {
    /// Which meter it looks like.
    pub product: Product,
    /// Where it answers.
    pub listen: SocketAddr,
    /// The meters whose sum it tells, at least one.
    pub meters: Vec<MeterId>,
    /// How a SunSpec meter writes what it measures.
    pub model: Model,
    /// Whether clients can find it by mDNS.
    pub announce: bool,
}
