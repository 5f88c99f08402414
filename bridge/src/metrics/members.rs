//! The metrics of all members of a group, as one of them tells them: a meter's come once, and what a bridge says of itself has its member's name; pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    group::inquiries::Gathered,
    metrics::exposition::{Family, Kind, Metric},
};

const METER: &str = "meter";
const MEMBER: &str = "member";
const UP: &str = "teleinfo_bridge_member_up";
const UP_HELP: &str = "1 while a member of the group answers: without it the figures of its meters are missing.";

/// What this member tells of itself, with what the others have told. Without a group that is its own.
#[must_use]
pub fn joined(own: Vec<Family>, gathered: Gathered) -> Vec<Family> {
    let Gathered { own: Some(name), answers, silent } = gathered else { return own };
    let mut all = All::default();
    all.add(&name, own);
    for (name, text) in answers {
        match serde_json::from_str::<Vec<Family>>(&text) {
            Ok(families) => all.add(&name, families),
            Err(_) => all.say_up(&name, false),
        }
    }
    silent.iter().for_each(|name| all.say_up(name, false));
    all.families
}

/// What has been told so far.
#[derive(Default)]
struct All {
    families: Vec<Family>,
    places: BTreeMap<String, usize>,
    /// Meters that a member has told of.
    meters: BTreeSet<String>,
}

impl All {
    /// What one member tells. While a meter changes hands two may tell of it: the first one is taken.
    fn add(&mut self, member: &str, families: Vec<Family>) {
        let mut meters = BTreeSet::new();
        for family in families.into_iter().filter(Family::is_sound) {
            let mut metrics = Vec::new();
            for metric in &family.metrics {
                match metric.tag(METER) {
                    Some(meter) if self.meters.contains(meter) => continue,
                    Some(meter) => {
                        meters.insert(meter.to_owned());
                        metrics.push(metric.clone());
                    }
                    None => metrics.push(metric.clone().of((MEMBER.into(), member.to_owned()))),
                }
            }
            self.push(Family { metrics, ..family });
        }
        self.meters.append(&mut meters);
        self.say_up(member, true);
    }

    fn say_up(&mut self, member: &str, is_up: bool) {
        let metrics = vec![Metric::new(vec![(MEMBER.into(), member.to_owned())], u8::from(is_up))];
        self.push(Family { name: UP.into(), kind: Kind::Gauge, unit: "".into(), help: UP_HELP.into(), metrics });
    }

    /// All numbers of a name stand together.
    fn push(&mut self, mut family: Family) {
        match self.places.get(&family.name) {
            Some(place) => self.families[*place].metrics.append(&mut family.metrics),
            None => {
                self.places.insert(family.name.clone(), self.families.len());
                self.families.push(family);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::exposition::Format;

    fn family(name: &str, metrics: Vec<Metric>) -> Family {
        Family { name: name.into(), kind: Kind::Gauge, unit: "".into(), help: "X.".into(), metrics }
    }

    fn told(meters: &[(&str, u32)], dropped: u32) -> Vec<Family> {
        let power = |(meter, watts): &(&str, u32)| Metric::new(vec![(METER.into(), (*meter).to_owned())], watts);
        vec![family("power", meters.iter().map(power).collect()), family("dropped", vec![Metric::new(Vec::new(), dropped)])]
    }

    #[test]
    fn a_meter_comes_once_and_what_a_bridge_says_of_itself_has_its_name() {
        let others = [("b", told(&[("02", 7), ("03", 9)], 4)), ("d", told(&[("04", 1)], 5))];
        let answers = others.map(|(name, families)| (name.to_owned(), serde_json::to_string(&families).unwrap()));
        let gathered = Gathered { own: Some("a".into()), answers: answers.into(), silent: vec!["c".into()] };
        let text = Format::Plain.text(&joined(told(&[("01", 5), ("02", 6)], 3), gathered));
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        let expected = [
            "power{meter=\"01\"} 5",
            "power{meter=\"02\"} 6",
            "power{meter=\"03\"} 9",
            "power{meter=\"04\"} 1",
            "dropped{member=\"a\"} 3",
            "dropped{member=\"b\"} 4",
            "dropped{member=\"d\"} 5",
            "teleinfo_bridge_member_up{member=\"a\"} 1",
            "teleinfo_bridge_member_up{member=\"b\"} 1",
            "teleinfo_bridge_member_up{member=\"d\"} 1",
            "teleinfo_bridge_member_up{member=\"c\"} 0",
        ];
        assert_eq!(lines, expected);
        assert_eq!(joined(told(&[], 3), Gathered::default()), told(&[], 3), "no group");
    }

    #[test]
    fn what_cannot_be_written_is_left_out() {
        let metric = |name: &'static str, value: &str| Metric::new(vec![(name.into(), String::new())], value);
        let families = [
            family("bad name", Vec::new()),
            family("bad_value", vec![metric("x", "1\ny 2")]),
            family("bad_label", vec![metric("x=\"\"", "1")]),
            family("good", vec![metric("x", "1")]),
            Family { help: "two\nlines".into(), ..family("bad_help", Vec::new()) },
        ];
        let answers = vec![("b".into(), serde_json::to_string(&families).unwrap()), ("c".into(), "nothing".into())];
        let all = joined(Vec::new(), Gathered { own: Some("a".into()), answers, silent: Vec::new() });
        assert_eq!(all.iter().map(|family| family.name.as_str()).collect::<Vec<_>>(), [UP, "good"]);
        assert_eq!(all[0].metrics.len(), 3);
    }
}
