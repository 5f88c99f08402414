//! Brings a cost up to the energy it belongs to, in the order that leaves no half of it behind.
//!
//! First the sum from the hour of the return on is adjusted, since the newest row of five minutes is what Home Assistant counts on from.
//! That is not done twice: it is noted on disk before it is sent. Then the hours of the gap are written, which may be done any number of
//! times. At last all of it is read back, because an answer of Home Assistant means that a command is queued, and no more.

use std::time::Duration;

use tokio::time::sleep;
use tracing::info;

use super::{
    costs::{CENT_HALF, Sums, right_sums, shared_sums},
    hours::HOUR,
    prices::{Costed, Price, Told, means},
    recorder::{Commands, Error, Kept, Recorder, Undone},
    repairs::{Adjustment, QUEUED, Repair, Repairs},
};
use crate::words::{journal, language::Words, utc};

const COSTS: Words =
    Words::new("{}: the cost of {} hours from {} follows their energy", "{} : le coût de {} heures à partir de {} suit leur énergie");

/// Rows before the gap are looked for over this time, in s.
const BEFORE: i64 = 49 * HOUR;
/// The price that holds at the beginning of a gap may be as old as this, in s.
const PRICE_BEFORE: i64 = 24 * HOUR;
/// A row of an hour that is not there so long after its end will not come, in s.
const LATEST: i64 = 3 * HOUR;
/// How often, and how long, what was written is looked for.
const LOOKS: u32 = 20;
const LOOK_EVERY: Duration = Duration::from_millis(if cfg!(test) { 1 } else { 500 });
/// A smaller difference is that of numbers with a point.
const NOTHING: f64 = 0.000_5;

/// How far a repair has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// The hour of the return is not over, or its row not there yet.
    Waits,
    /// All that there was to do is done.
    Done,
}

/// Repairs the costs of one energy, at `now`, in s since 1970.
///
/// # Errors
/// See [`Error`].
pub async fn settle<C: Commands>(
    recorder: &mut Recorder<C>,
    costed: &[Costed],
    repair: &Repair,
    repairs: &mut Repairs,
    now: i64,
) -> Result<Progress, Error> {
    let Some(energy) = recorder.find_energy(&repair.energy) else { return Ok(Progress::Done) };
    for cost in costed.iter().filter(|cost| cost.energy == repair.energy) {
        let Some(kept) = recorder.find_money(&cost.cost) else { continue };
        let mut work = Work { recorder, kept, repair, repairs, now };
        if work.repair_cost(&energy, &cost.price).await? == Progress::Waits {
            return Ok(Progress::Waits);
        }
    }
    Ok(Progress::Done)
}

/// One cost that is repaired.
struct Work<'a, C> {
    recorder: &'a mut Recorder<C>,
    kept: Kept,
    repair: &'a Repair,
    repairs: &'a mut Repairs,
    now: i64,
}

impl<C: Commands> Work<'_, C> {
    async fn repair_cost(&mut self, energy: &Kept, price: &Price) -> Result<Progress, Error> {
        let since = self.repair.first - BEFORE;
        let energy = self.recorder.sums(energy, since).await?;
        let cost = self.recorder.sums(&self.kept, since).await?;
        let back = self.repair.back;
        let Some(is) = cost.get(&back).copied().filter(|_| energy.contains_key(&back)) else {
            return if self.now > back + HOUR + LATEST { Ok(Progress::Done) } else { Ok(Progress::Waits) };
        };
        let Some(right) = self.right_sums(&energy, &cost, price).await? else { return Ok(Progress::Done) };
        let wanted = right.get(&back).copied().unwrap_or(is);
        let is_adjusted = self.adjust(is, wanted).await?;
        if !is_adjusted {
            return Ok(Progress::Waits);
        }
        let gap: Sums = right.into_iter().filter(|(hour, _)| *hour < back).collect();
        let differs = |(hour, sum): (&i64, &f64)| cost.get(hour).is_none_or(|is| (is - sum).abs() > NOTHING);
        if gap.iter().any(differs) {
            self.recorder.import_sums(&self.kept, &gap).await?;
            self.wait_for(&gap).await?;
            let (name, from) = (&self.kept.entity, utc::rfc3339(self.repair.first));
            info!("{}", journal::say(COSTS, &[name, &(gap.len() + 1), &from]));
        }
        Ok(Progress::Done)
    }

    async fn right_sums(&mut self, energy: &Sums, cost: &Sums, price: &Price) -> Result<Option<Sums>, Error> {
        let gap = self.repair.gap();
        match price {
            Price::Fixed(price) => Ok(right_sums(gap, energy, cost, |_| Some(*price))),
            Price::Unknown => Ok(shared_sums(gap, energy, cost)),
            Price::Entity(entity) => {
                let (states, rows) = self.recorder.prices(entity, gap.first - PRICE_BEFORE, gap.back + HOUR).await?;
                let (told, means) = (Told::of(&states), means(&rows));
                let price = |hour| told.of_hour(hour).or_else(|| means.get(&hour).copied());
                if gap.hours().any(|hour| price(hour).is_none()) {
                    return Err(Error::NotDone(Undone::NoPrice, format!("{entity}, {}", utc::rfc3339(gap.first))));
                }
                Ok(right_sums(gap, energy, cost, price))
            }
        }
    }

    /// Brings the sum in the hour of the return to what it should be. Returns whether it is there.
    async fn adjust(&mut self, is: f64, wanted: f64) -> Result<bool, Error> {
        if (wanted - is).abs() <= NOTHING {
            return Ok(true);
        }
        if let Some(last) = self.repair.adjustments.get(&self.kept.entity) {
            let is_done = (is - last.before - last.by).abs() < CENT_HALF;
            let is_untouched = (is - last.before).abs() < CENT_HALF;
            if is_done {
                return Ok(true);
            }
            if !is_untouched {
                return Err(Error::NotDone(Undone::Changed, self.kept.entity.clone()));
            }
            if self.now - last.sent < QUEUED {
                return Ok(false);
            }
        }
        let back = self.repair.back;
        let adjustment = Adjustment { start: back, before: is, by: wanted - is, sent: self.now };
        let by = adjustment.by;
        self.repairs.handle_sending(self.repair, &self.kept.entity, adjustment);
        self.repairs.save().map_err(|error| Error::NotDone(Undone::NotNoted, error.to_string()))?;
        self.recorder.adjust(&self.kept, back, by).await?;
        self.wait_for(&Sums::from([(back, wanted)])).await?;
        Ok(true)
    }

    /// Waits until these sums stand there.
    async fn wait_for(&mut self, sums: &Sums) -> Result<(), Error> {
        for _ in 0..LOOKS {
            let found = self.recorder.sums(&self.kept, self.repair.first).await?;
            if sums.iter().all(|(hour, sum)| found.get(hour).is_some_and(|is| (is - sum).abs() < CENT_HALF)) {
                return Ok(());
            }
            sleep(LOOK_EVERY).await;
        }
        Err(Error::NotDone(Undone::NotThere, self.kept.entity.clone()))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use super::*;

    /// 2026-11-28T05:00:00Z; hours are counted from here.
    const START: i64 = 1_795_842_000;
    const ENERGY: &str = "sensor.energy";
    const COST: &str = "sensor.energy_cost";

    fn hour(number: i64) -> i64 {
        START + number * HOUR
    }

    /// A recorder with one energy in kWh and its cost, as they stand after the energy of a gap of two hours was corrected: 300 Wh in each
    /// of four hours. It keeps what it is sent.
    struct House {
        sums: BTreeMap<&'static str, Sums>,
        prices: Value,
        /// Commands that write.
        written: Vec<Value>,
        /// Answers come at once, and nothing is done.
        is_deaf: bool,
    }

    impl House {
        fn new(cost: &[(i64, f64)]) -> Self {
            let energy = (-1..=3).map(|number| (hour(number), 0.3 * (number + 1) as f64)).collect();
            let cost = cost.iter().map(|(number, sum)| (hour(*number), *sum)).collect();
            Self { sums: BTreeMap::from([(ENERGY, energy), (COST, cost)]), prices: json!([]), written: Vec::new(), is_deaf: false }
        }

        fn cost(&self) -> Vec<f64> {
            self.sums[COST].values().map(|sum| (sum * 1_000.0).round() / 1_000.0).collect()
        }
    }

    impl Commands for House {
        async fn command(&mut self, command: Value) -> Result<Value, Error> {
            let seconds = |text: &str| hour(text[11..13].parse::<i64>().unwrap() - 5);
            let statistic = |id: &str, unit: &str, class: Value| {
                json!({ "statistic_id": id, "has_sum": true, "source": "recorder", "name": null,
                        "statistics_unit_of_measurement": unit, "unit_class": class })
            };
            Ok(match command["type"].as_str().unwrap() {
                "config/entity_registry/list" => json!([]),
                "recorder/list_statistic_ids" => json!([statistic(ENERGY, "kWh", json!("energy")), statistic(COST, "EUR", Value::Null)]),
                "recorder/statistics_during_period" if command["types"] == json!(["mean"]) => json!({}),
                "recorder/statistics_during_period" => {
                    let id = command["statistic_ids"][0].as_str().unwrap();
                    let scale = if id == ENERGY { 1_000.0 } else { 1.0 };
                    let rows =
                        self.sums[id].iter().map(|(start, sum)| json!({ "start": start * 1_000, "sum": sum * scale, "state": null }));
                    json!({ id: rows.collect::<Vec<_>>() })
                }
                "history/history_during_period" => json!({ "sensor.price": self.prices }),
                "recorder/adjust_sum_statistics" => {
                    assert_eq!((&command["statistic_id"], &command["adjustment_unit_of_measurement"]), (&json!(COST), &json!("EUR")));
                    let (from, by) = (seconds(command["start_time"].as_str().unwrap()), command["adjustment"].as_f64().unwrap());
                    if !self.is_deaf {
                        self.sums.get_mut(COST).unwrap().range_mut(from..).for_each(|(_, sum)| *sum += by);
                    }
                    self.written.push(command);
                    Value::Null
                }
                "recorder/import_statistics" => {
                    assert_eq!(
                        (&command["metadata"]["unit_of_measurement"], &command["metadata"]["unit_class"]),
                        (&json!("EUR"), &Value::Null)
                    );
                    for row in command["stats"].as_array().unwrap() {
                        let start = seconds(row["start"].as_str().unwrap());
                        self.sums.get_mut(COST).unwrap().insert(start, row["sum"].as_f64().unwrap());
                    }
                    self.written.push(command);
                    Value::Null
                }
                other => panic!("{other}"),
            })
        }

        fn version(&self) -> &str {
            "2026.11.0"
        }
    }

    /// The repair of the gap from hour 1 to the return in hour 3.
    async fn settled(house: House, price: Price, repairs: &mut Repairs, now: i64) -> (Result<Progress, Error>, House) {
        if repairs.all().is_empty() {
            repairs.handle_corrected(ENERGY, super::super::costs::Gap { first: hour(1), back: hour(3) });
        }
        let repair = repairs.all()[0].clone();
        let mut recorder = Recorder::open(house).await.unwrap();
        let costed = [Costed { energy: ENERGY.into(), cost: COST.into(), price }];
        let progress = settle(&mut recorder, &costed, &repair, repairs, now).await;
        (progress, recorder.into_commands())
    }

    #[tokio::test]
    async fn a_fixed_price_moves_the_cost_into_the_hours_and_touches_no_sum() {
        // All of the gap was priced in hour 3.
        let house = House::new(&[(-1, 0.0), (0, 0.06), (3, 0.24)]);
        let (progress, house) = settled(house, Price::Fixed(0.2), &mut Repairs::default(), hour(4)).await;
        assert_eq!((progress, house.cost()), (Ok(Progress::Done), vec![0.0, 0.06, 0.12, 0.18, 0.24]));
        assert!(house.written.iter().all(|command| command["type"] == "recorder/import_statistics"));
        let (_, again) = settled(house, Price::Fixed(0.2), &mut Repairs::default(), hour(4)).await;
        assert_eq!(again.written.len(), 1, "nothing is left to do");
    }

    #[tokio::test]
    async fn the_price_of_each_hour_counts_and_the_total_is_adjusted_once() {
        let (mut repairs, now) = (Repairs::default(), hour(4));
        // 0.10 until hour 3, then 0.30: all of the gap was priced at 0.30.
        let mut house = House::new(&[(-1, 0.0), (0, 0.03), (3, 0.30), (4, 0.39)]);
        house.prices = json!([{ "s": "0.10", "lu": hour(0) }, { "s": "0.30", "lu": hour(3) }]);
        let price = || Price::Entity("sensor.price".into());
        let (progress, house) = settled(house, price(), &mut repairs, now).await;
        assert_eq!((progress, house.cost()), (Ok(Progress::Done), vec![0.0, 0.03, 0.06, 0.09, 0.18, 0.27]));
        let sent = &repairs.all()[0].adjustments[COST];
        assert!((sent.by + 0.12).abs() < 1e-9 && (sent.before - 0.30).abs() < 1e-9, "noted before: {sent:?}");
        let (_, house) = settled(house, price(), &mut repairs, now).await;
        assert_eq!(house.written.len(), 2, "one adjustment and one import in all");
    }

    #[tokio::test]
    async fn an_adjustment_that_is_not_seen_is_not_sent_twice_at_once() {
        let (mut repairs, now) = (Repairs::default(), hour(4));
        let house = House { is_deaf: true, ..House::new(&[(-1, 0.0), (0, 0.06), (3, 0.90)]) };
        let (progress, house) = settled(house, Price::Fixed(0.2), &mut repairs, now).await;
        assert_eq!(progress, Err(Error::NotDone(Undone::NotThere, COST.into())));
        let (progress, mut house) = settled(house, Price::Fixed(0.2), &mut repairs, now + 60).await;
        assert_eq!((progress, house.written.len()), (Ok(Progress::Waits), 1));
        house.is_deaf = false;
        house.sums.get_mut(COST).unwrap().insert(hour(3), 5.0);
        let (progress, mut house) = settled(house, Price::Fixed(0.2), &mut repairs, now + 120).await;
        assert_eq!(progress, Err(Error::NotDone(Undone::Changed, COST.into())));
        house.sums.get_mut(COST).unwrap().insert(hour(3), 0.90);
        let (progress, house) = settled(house, Price::Fixed(0.2), &mut repairs, now + QUEUED).await;
        assert_eq!((progress, house.cost()), (Ok(Progress::Done), vec![0.0, 0.06, 0.12, 0.18, 0.24]));
    }

    #[tokio::test]
    async fn the_hour_of_the_return_is_waited_for_and_a_price_that_nobody_tells_is_said() {
        let open = || House::new(&[(-1, 0.0), (0, 0.06)]);
        let (progress, _) = settled(open(), Price::Fixed(0.2), &mut Repairs::default(), hour(3) + 600).await;
        assert_eq!(progress, Ok(Progress::Waits));
        let (progress, _) = settled(open(), Price::Fixed(0.2), &mut Repairs::default(), hour(8)).await;
        assert_eq!(progress, Ok(Progress::Done), "it will not come");
        let closed = House::new(&[(-1, 0.0), (0, 0.06), (3, 0.24)]);
        let (progress, house) = settled(closed, Price::Entity("sensor.price".into()), &mut Repairs::default(), hour(4)).await;
        assert!(matches!(progress, Err(Error::NotDone(Undone::NoPrice, _))) && house.written.is_empty(), "{progress:?}");
    }

    #[tokio::test]
    async fn a_cost_of_others_is_shared_among_the_hours() {
        let house = House::new(&[(-1, 0.0), (0, 0.06), (3, 0.24)]);
        let (progress, house) = settled(house, Price::Unknown, &mut Repairs::default(), hour(4)).await;
        assert_eq!((progress, house.cost()), (Ok(Progress::Done), vec![0.0, 0.06, 0.12, 0.18, 0.24]));
        let own_way = House::new(&[(-1, 0.0), (0, 0.06), (1, 0.20), (2, 0.22), (3, 0.24)]);
        let (progress, house) = settled(own_way, Price::Unknown, &mut Repairs::default(), hour(4)).await;
        assert_eq!((progress, house.written.len()), (Ok(Progress::Done), 0));
    }
}
