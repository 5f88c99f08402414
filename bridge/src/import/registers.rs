//! Which register of which meter a statistic of ours is of: its unique id says it.

use teleinfo_proto::tic::MeterId;

use crate::{
    archive::readings::is_kept,
    energy::meaning::TOTAL,
    homeassistant::{energies::shows, entities},
};

/// The register that the total of a meter shows, as long as the meter shows it itself.
pub const OF_TOTAL: &str = "EAST";
const OURS: &str = "teleinfo_";

/// The meter and the label of the register; nothing for an energy that is none of a register that the memory keeps.
#[must_use]
pub fn register(unique_id: &str) -> Option<(MeterId, &'static str)> {
    let (meter, key) = unique_id.strip_prefix(OURS)?.split_once('_')?;
    let key = without_beginning(key);
    let shown = entities::all().filter(|entity| entity.key == key).find_map(shows)?;
    let label = if shown == TOTAL { OF_TOTAL } else { shown };
    is_kept(label).then_some((meter.parse().ok()?, label))
}

/// An index that meant something else before has the time in its id since when it means this.
fn without_beginning(key: &str) -> &str {
    match key.rsplit_once('_') {
        Some((before, since)) if since.len() > 6 && since.bytes().all(|byte| byte.is_ascii_digit()) => before,
        _ => key,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unique_id_names_its_register() {
        let of = |key: &str| register(&format!("teleinfo_021861000001_{key}")).map(|(_, label)| label);
        let named = ["energy_base", "energy_hchp_1796000000", "energy_easf10", "energy_injected", "energy_total"];
        assert_eq!(named.map(of), ["BASE", "HCHP", "EASF10", "EAIT", "EAST"].map(Some));
        let others = ["energy_easd01", "reactive_energy_q1", "cost_total", "energy_", "energy_of_period"];
        assert_eq!(others.map(of), [None; 5]);
        assert_eq!(register("teleinfo2mqtt_021861000001_BASE"), None);
        assert_eq!(register("teleinfo_021861000001_energy_base").unwrap().0.as_str(), "021861000001");
    }
}
