//! Which cost belongs to which energy, and what a kWh cost in each hour.
//!
//! The Energy dashboard names, for each energy drawn or injected, a fixed price, an entity that tells the price, or a statistic that is the
//! cost itself. Of a price Home Assistant makes a cost entity of its own. The preferences have had another form since 2026.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::statistics::{hours::HOUR, told};

/// How the cost of an energy comes about.
#[derive(Debug, Clone, PartialEq)]
pub enum Price {
    /// The same price all the time, for a kWh.
    Fixed(f64),
    /// The price is the state of this entity.
    Entity(String),
    /// The cost is a statistic of its own; nobody says what price it is made from.
    Unknown,
}

/// An energy of the dashboard that has a cost.
#[derive(Debug, Clone, PartialEq)]
pub struct Costed {
    /// The statistic of the energy.
    pub energy: String,
    /// The statistic of its cost.
    pub cost: String,
    /// What it is made from.
    pub price: Price,
}

/// Under which keys an energy stands, its own cost, the entity of its price, its fixed price.
type Keys = [&'static str; 4];

const DRAWN: Keys = ["stat_energy_from", "stat_cost", "entity_energy_price", "number_energy_price"];
const INJECTED: Keys = ["stat_energy_to", "stat_compensation", "entity_energy_price_export", "number_energy_price_export"];
/// Until 2025 each flow was an object of its own.
const INJECTED_APART: Keys = ["stat_energy_to", "stat_compensation", "entity_energy_price", "number_energy_price"];

/// The energies that have a cost: `preferences` is the answer to `energy/get_prefs`, `info` that to `energy/info`.
#[must_use]
pub fn costed(preferences: &Value, info: &Value) -> Vec<Costed> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let grids = list(&preferences["energy_sources"]).into_iter().filter(|source| source["type"] == "grid");
    let mut found = Vec::new();
    for grid in grids {
        let apart = list(&grid["flow_from"]).into_iter().map(|flow| (flow, DRAWN));
        let apart = apart.chain(list(&grid["flow_to"]).into_iter().map(|flow| (flow, INJECTED_APART)));
        let together = [(grid.clone(), DRAWN), (grid.clone(), INJECTED)];
        found.extend(apart.chain(together).filter_map(|(flow, keys)| costed_flow(&flow, keys, info)));
    }
    found
}

fn costed_flow(flow: &Value, [energy, own, entity, number]: Keys, info: &Value) -> Option<Costed> {
    let energy = flow[energy].as_str()?.to_owned();
    let made = || info["cost_sensors"][energy.as_str()].as_str().map(str::to_owned);
    let (cost, price) = match (flow[own].as_str(), flow[entity].as_str(), told::amount(&flow[number])) {
        (Some(own), ..) => (own.to_owned(), Price::Unknown),
        (_, Some(entity), _) => (made()?, Price::Entity(entity.to_owned())),
        (_, _, Some(price)) => (made()?, Price::Fixed(price)),
        _ => return None,
    };
    Some(Costed { energy, cost, price })
}

/// The prices that an entity told: when, in s since 1970, and how much for a kWh.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Told(Vec<(f64, f64)>);

impl Told {
    /// Of the states of an entity, as `history/history_during_period` answers: a state that is no number is none, and the price before it
    /// goes on.
    #[must_use]
    pub fn of(states: &Value) -> Self {
        let list = states.as_array().cloned().unwrap_or_default();
        let unit = list.iter().find_map(|state| state["a"]["unit_of_measurement"].as_str()).unwrap_or_default().to_owned();
        let price = |state: &Value| {
            let price: f64 = state["s"].as_str()?.parse().ok()?;
            Some((state["lu"].as_f64()?, price * kwh_per_unit(&unit)))
        };
        let can_be = |(at, price): &(f64, f64)| told::is_amount(*at) && told::is_amount(*price);
        let mut told: Vec<(f64, f64)> = list.iter().filter_map(price).filter(can_be).collect();
        told.sort_by(|one, other| one.0.total_cmp(&other.0));
        Self(told)
    }

    /// The price of an hour, that begins at a time in s since 1970: the mean over its time.
    #[must_use]
    pub fn of_hour(&self, hour: i64) -> Option<f64> {
        let (start, end) = (hour as f64, (hour + HOUR) as f64);
        let before = self.0.iter().rev().find(|(at, _)| *at <= start);
        let within: Vec<&(f64, f64)> = self.0.iter().filter(|(at, _)| *at > start && *at < end).collect();
        let (mut at, mut price) = (start, before.or(within.first().copied())?.1);
        let mut sum = 0.0;
        for (next, new) in within {
            sum += price * (next - at);
            (at, price) = (*next, *new);
        }
        Some((sum + price * (end - at)) / HOUR as f64)
    }
}

/// A price may be that of another amount than a kWh.
fn kwh_per_unit(unit: &str) -> f64 {
    match unit.rsplit('/').next() {
        Some("Wh") => 1_000.0,
        Some("MWh") => 0.001,
        _ => 1.0,
    }
}

/// The hourly means of a price, as `recorder/statistics_during_period` answers, for hours whose states are gone.
#[must_use]
pub fn means(rows: &Value) -> BTreeMap<i64, f64> {
    let mean = |row: &Value| Some((told::start(row)?, told::amount(&row["mean"])?));
    rows.as_array().map(|rows| rows.iter().filter_map(mean).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn preferences_of_both_forms_are_read() {
        let info = json!({ "cost_sensors": { "sensor.fixed": "sensor.fixed_cost", "sensor.in": "sensor.in_compensation" } });
        let new = json!({ "energy_sources": [
            { "type": "solar", "stat_energy_from": "sensor.sun" },
            { "type": "grid", "stat_energy_from": "sensor.fixed", "stat_cost": null, "entity_energy_price": null, "number_energy_price": 0.2,
              "stat_energy_to": "sensor.in", "entity_energy_price_export": "sensor.price", "number_energy_price_export": null },
            { "type": "grid", "stat_energy_from": "sensor.own", "stat_cost": "teleinfo:cost", "number_energy_price": null },
            { "type": "grid", "stat_energy_from": "sensor.free" },
        ] });
        let old = json!({ "energy_sources": [{ "type": "grid", "cost_adjustment_day": 0,
            "flow_from": [
                { "stat_energy_from": "sensor.fixed", "stat_cost": null, "entity_energy_price": null, "number_energy_price": 0.2 },
                { "stat_energy_from": "sensor.own", "stat_cost": "teleinfo:cost", "entity_energy_price": null, "number_energy_price": null },
            ],
            "flow_to": [{ "stat_energy_to": "sensor.in", "stat_compensation": null, "entity_energy_price": "sensor.price", "number_energy_price": null }],
        }] });
        let of = |energy: &str, cost: &str, price| Costed { energy: energy.into(), cost: cost.into(), price };
        let right = [
            of("sensor.fixed", "sensor.fixed_cost", Price::Fixed(0.2)),
            of("sensor.in", "sensor.in_compensation", Price::Entity("sensor.price".into())),
            of("sensor.own", "teleinfo:cost", Price::Unknown),
        ];
        for preferences in [new, old] {
            let mut found = costed(&preferences, &info);
            found.sort_by(|one, other| one.energy.cmp(&other.energy));
            assert_eq!(found, right);
        }
        assert_eq!(costed(&Value::Null, &info), []);
    }

    #[test]
    fn a_price_holds_until_the_next_one() {
        let states = json!([
            { "s": "0.10", "a": { "unit_of_measurement": "EUR/kWh" }, "lu": 1_000.0 },
            { "s": "unavailable", "lu": 5_000.0 },
            { "s": "0.30", "lu": 7_200.0 + 1_800.0 },
        ]);
        let told = Told::of(&states);
        assert_eq!([0, HOUR, 4 * HOUR].map(|hour| told.of_hour(hour).unwrap()), [0.10, 0.10, 0.30]);
        assert!((told.of_hour(2 * HOUR).unwrap() - 0.20).abs() < 1e-9, "half of the hour each");
        assert_eq!(Told::default().of_hour(0), None);
        let dear = Told::of(&json!([{ "s": "150", "a": { "unit_of_measurement": "EUR/MWh" }, "lu": 0.0 }]));
        assert!((dear.of_hour(HOUR).unwrap() - 0.15).abs() < 1e-9);
    }
}
