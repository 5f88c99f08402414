//! What is told of the bridge itself: its counters, each by its row of [`counters`](crate::hub::counters), and what it is connected to.

use crate::{
    hub::{
        Hub,
        bridge_quality::Meters,
        counters::{Counter, Counters, Keeps},
    },
    metrics::exposition::{Family, Kind, Metric},
};

/// The families of the bridge.
pub fn families(hub: &Hub) -> impl Iterator<Item = Family> {
    let Meters { known, online } = hub.meters();
    let own = [
        gauge("meters", "Meters that were heard of since the start.", known as u64),
        gauge("meters_online", "Meters that are read.", online as u64),
        gauge("mqtt_up", "1 while MQTT is connected.", u64::from(hub.is_connected())),
        Family {
            name: "teleinfo_build".into(),
            kind: Kind::Info,
            unit: "".into(),
            help: "The release that runs.".into(),
            metrics: vec![Metric::new(vec![("version".into(), env!("CARGO_PKG_VERSION").into())], 1)],
        },
    ];
    own.into_iter().chain(of_counters(hub.counters()))
}

fn gauge(name: &str, help: &'static str, value: u64) -> Family {
    let metrics = vec![Metric::new(Vec::new(), value)];
    Family { name: format!("teleinfo_bridge_{name}"), kind: Kind::Gauge, unit: "".into(), help: help.into(), metrics }
}

/// A counter is a family, but `refused.version` and its like are one family with a reason.
fn of_counters(counters: &Counters) -> Vec<Family> {
    let mut families: Vec<Family> = Vec::new();
    for (counter, number) in counters.all() {
        let (name, reason) = match counter.row().name.split_once('.') {
            Some((name, reason)) => (name, Some(reason)),
            None => (counter.row().name, None),
        };
        let metric = Metric::new(reason.map(|reason| ("reason".into(), reason.to_owned())).into_iter().collect(), number);
        let name = format!("teleinfo_bridge_{name}");
        match families.iter_mut().find(|family| family.name == name) {
            Some(family) => family.metrics.push(metric),
            None => families.push(family(name, counter, reason.is_some(), metric)),
        }
    }
    families
}

fn family(name: String, counter: Counter, has_reasons: bool, metric: Metric) -> Family {
    let kind = match counter.row().keeps {
        Keeps::Sum => Kind::Counter,
        Keeps::Highest => Kind::Gauge,
    };
    let help = if has_reasons { "Messages of readers that were refused, by reason." } else { counter.row().words.english };
    Family { name, kind, unit: "".into(), help: help.into(), metrics: vec![metric] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::exposition::Format;

    #[test]
    fn every_counter_is_told() {
        let counters = Counters::default();
        counters.add(Counter::RefusedVersion, 3);
        counters.add(Counter::QueueHighest, 7);
        let families = of_counters(&counters);
        assert_eq!(families.iter().map(|family| family.metrics.len()).sum::<usize>(), Counter::ALL.len());
        assert!(families.iter().all(Family::is_sound), "another member takes them");
        let text = Format::OpenMetrics.text(&families);
        assert!(text.contains("\nteleinfo_bridge_refused_total{reason=\"version\"} 3\n"), "{text}");
        assert!(text.contains("# TYPE teleinfo_bridge_queue_highest gauge\n"), "{text}");
        assert_eq!(text.matches("# TYPE teleinfo_bridge_refused ").count(), 1);
    }
}
