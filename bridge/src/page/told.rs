//! What is known now, of all meters and of the bridge: `/api/now`. The page begins with this, and events go on from it.
//!
//! A member of a group asks the others for the same, and joins it: each meter belongs to the member that publishes it, and so does what a member says of itself.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    time::Instant,
};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use teleinfo_proto::tic::MeterId;

use crate::{
    group::inquiries::Gathered,
    hub::{Hub, station::Station},
    page::feed::{Feed, Point},
    words::language::Language,
};

/// Meters that are shown: the page is for a house.
const METERS_MAX: usize = 32;
/// Minutes of a meter that was another member's before are kept for so long, in s.
const MINUTES_S: i64 = 660;

/// Everything.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// In ms since 1970, by the clock of the bridge.
    time: i64,
    bridge: Bridge,
    /// The other members of the group, ...
    others: Vec<Bridge>,
    /// ... and those of them that do not answer.
    silent: Vec<String>,
    meters: Vec<Meter>,
    /// The last minutes of meters that others have by now: for them, not for browsers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    former: Vec<(MeterId, Vec<Point>)>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Bridge {
    /// Its name in the group.
    member: Option<String>,
    version: String,
    mqtt: bool,
    /// A line on each reader.
    readers: Vec<String>,
    /// What somebody should know.
    complaints: Vec<String>,
    /// What went wrong, and how often.
    troubles: Vec<(String, u64)>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Meter {
    id: MeterId,
    /// The member of the group that publishes it.
    member: Option<String>,
    online: bool,
    reachable: bool,
    power: Option<i64>,
    /// When the last frame ended, in s since 1970.
    last: Option<i64>,
    minutes: Vec<Point>,
    derived: Option<Value>,
    state: Option<Value>,
    quality: Option<Value>,
}

/// What is told at this time, in this language.
#[must_use]
pub fn now(hub: &Hub, feed: &Feed, language: Language, unix_ms: i64, now: Instant) -> Told {
    let troubles = hub.counters().all().filter(|(counter, number)| counter.is_trouble() && *number > 0);
    let bridge = Bridge {
        member: None,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        mqtt: hub.is_connected(),
        readers: hub.readers(language, now).collect(),
        complaints: hub.complaints().map(|(_, _, text)| text.to_owned()).collect(),
        troubles: troubles.map(|(counter, number)| (counter.row().words.get(language).to_owned(), number)).collect(),
    };
    let meters = hub.stations().take(METERS_MAX).map(|(id, station)| meter(*id, station, feed, language));
    let former = feed.all_minutes().filter(|(id, _)| !hub.is_ours(*id));
    let former = former.map(|(id, points)| (id, points.filter(|(at, _)| unix_ms / 1_000 - at <= MINUTES_S).collect::<Vec<_>>()));
    Told {
        time: unix_ms,
        bridge,
        others: Vec::new(),
        silent: Vec::new(),
        meters: meters.collect(),
        former: former.filter(|(_, points)| !points.is_empty()).collect(),
    }
}

impl Told {
    /// The same with what the other members have told.
    #[must_use]
    pub fn joined(self, gathered: Gathered) -> Self {
        let Gathered { own, answers, mut silent } = gathered;
        let mut others = Vec::new();
        for (member, text) in answers {
            match serde_json::from_str::<Self>(&text) {
                Ok(told) => others.push(told.of(Some(member))),
                Err(_) => silent.push(member),
            }
        }
        let Self { time, bridge, meters, mut former, .. } = self.of(own);
        let mut all: BTreeMap<MeterId, Meter> = meters.into_iter().map(|meter| (meter.id, meter)).collect();
        let own: Vec<MeterId> = all.keys().copied().collect();
        let mut bridges = Vec::new();
        for told in others {
            bridges.push(told.bridge);
            former.extend(told.former);
            for meter in told.meters {
                match all.entry(meter.id) {
                    Entry::Vacant(place) => _ = place.insert(meter),
                    // While it changes hands, two may tell of it.
                    Entry::Occupied(mut known) if !own.contains(&meter.id) && known.get().last < meter.last => _ = known.insert(meter),
                    Entry::Occupied(_) => {}
                }
            }
        }
        for (id, points) in former {
            all.entry(id).and_modify(|meter| meter.remember(points));
        }
        let meters = all.into_values().take(METERS_MAX).collect();
        Self { time, bridge, others: bridges, silent, meters, former: Vec::new() }
    }

    /// The same, as this member has told it.
    fn of(mut self, member: Option<String>) -> Self {
        self.meters.iter_mut().for_each(|meter| meter.member.clone_from(&member));
        Self { bridge: Bridge { member, ..self.bridge }, ..self }
    }
}

impl Meter {
    /// These are minutes that another member had of it.
    fn remember(&mut self, points: Vec<Point>) {
        self.minutes.extend(points);
        self.minutes.sort_unstable();
        self.minutes.dedup_by_key(|(at, _)| *at);
    }
}

fn meter(id: MeterId, station: &Station, feed: &Feed, language: Language) -> Meter {
    let figures = station.figures();
    let quality = station.reception().report(language);
    Meter {
        id,
        member: None,
        online: station.is_online(),
        reachable: station.reception().is_reachable(),
        power: station.power().map(|(power, _)| power.watts),
        last: figures.last_frame().map(|last| last.unix_seconds()),
        minutes: feed.minutes(id).collect(),
        derived: serde_json::to_value(figures.derived()).ok(),
        state: serde_json::from_slice(&station.merged_state()).ok(),
        quality: quality.and_then(|report| serde_json::from_slice(&report).ok()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meter(id: &str, power: i64, last: i64) -> Meter {
        Meter {
            id: id.parse().unwrap(),
            member: None,
            online: true,
            reachable: true,
            power: Some(power),
            last: Some(last),
            minutes: vec![(100, power)],
            derived: Some(serde_json::json!({ "price": 0.1325 })),
            state: None,
            quality: None,
        }
    }

    fn told(reader: &str, meters: &[Meter]) -> Told {
        let bridge = Bridge {
            member: None,
            version: "1".into(),
            mqtt: true,
            readers: vec![reader.into()],
            complaints: Vec::new(),
            troubles: Vec::new(),
        };
        Told { time: 1, bridge, others: Vec::new(), silent: Vec::new(), meters: meters.to_vec(), former: Vec::new() }
    }

    fn answer(name: &str, told: &Told) -> (String, String) {
        (name.into(), serde_json::to_string(told).unwrap())
    }

    const METERS: [&str; 4] = ["021861000001", "021861000002", "021861000003", "021861000004"];

    #[test]
    fn each_meter_is_of_the_member_that_publishes_it() {
        let own = told("attic's", &[meter(METERS[1], 20, 50), meter(METERS[2], 30, 50)]);
        // The second one was taken over from the cellar, which has not seen that yet; the fourth is on its way from the shed to the cellar.
        let cellar = told("cellar's", &[meter(METERS[0], 10, 50), meter(METERS[1], 99, 51), meter(METERS[3], 98, 49)]);
        let shed =
            Told { former: vec![(METERS[2].parse().unwrap(), vec![(95, 7), (100, 8)])], ..told("shed's", &[meter(METERS[3], 40, 50)]) };
        let answers = vec![answer("cellar", &cellar), answer("shed", &shed), ("garage".into(), "{}".into())];
        let all = own.joined(Gathered { own: Some("attic".into()), answers, silent: vec!["roof".into()] });
        let shown = all.meters.iter().map(|meter| (meter.id.to_string(), meter.member.as_deref().unwrap(), meter.power.unwrap()));
        let expected = [(METERS[0], "cellar", 10), (METERS[1], "attic", 20), (METERS[2], "attic", 30), (METERS[3], "shed", 40)];
        assert!(shown.eq(expected.map(|(id, member, power)| (id.to_owned(), member, power))));
        assert_eq!(all.meters[2].minutes.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [95, 100]);
        assert_eq!(all.meters[0].derived, meter(METERS[0], 0, 0).derived);
        let others: Vec<_> = all.others.iter().map(|bridge| (bridge.member.as_deref(), bridge.readers[0].as_str())).collect();
        assert_eq!(others, [(Some("cellar"), "cellar's"), (Some("shed"), "shed's")]);
        assert_eq!((all.bridge.member.as_deref(), all.silent.as_slice()), (Some("attic"), &["roof".into(), "garage".into()][..]));
        assert!(!serde_json::to_string(&all).unwrap().contains("former"));
    }

    #[test]
    fn without_a_group_it_is_what_this_bridge_tells() {
        let own = told("attic's", &[meter(METERS[0], 10, 50)]);
        assert_eq!(own.clone().joined(Gathered::default()), own);
    }

    #[test]
    fn the_page_is_for_a_house() {
        let many = |first: u64| (first..first + 30).map(|number| meter(&format!("{number:012}"), 1, 1)).collect::<Vec<_>>();
        let answers = vec![answer("cellar", &told("", &many(100)))];
        let all = told("", &many(200)).joined(Gathered { own: Some("attic".into()), answers, silent: Vec::new() });
        assert_eq!((all.meters.len(), all.meters[31].id.to_string()), (METERS_MAX, "000000000201".to_owned()));
    }
}
