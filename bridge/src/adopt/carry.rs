//! Writes what was planned into Home Assistant, or takes it back, in the order that leaves no half of it behind.
//!
//! Our sums are raised first, and only then the old hours come before them: a running bridge that found old hours before sums that begin
//! anew would raise these too. For the same reason the hours are taken away first. A raise must not be sent twice: the sum of our first hour
//! tells whether it was. Hours may be written any number of times. An answer of Home Assistant means that a command is queued, so the end of
//! each step is waited for.

use std::time::Duration;

use tokio::time::sleep;

use super::notes::Adopted;
use crate::statistics::{
    recorder::{Commands, Error, Kept, Recorder, Undone},
    series::Hour,
};

/// How often, and how long, what was sent is looked for: some thousand hours take seconds on a fast machine.
const LOOKS: u32 = 240;
const LOOK_EVERY: Duration = Duration::from_millis(if cfg!(test) { 1 } else { 500 });
/// Two sums that differ by less are the same, in Wh or in money.
const NOTHING: f64 = 0.001;

/// Writes the old hours before ours. Returns how many there are, or nothing if all of it stood there already.
///
/// # Errors
/// See [`Error`].
pub async fn write<C: Commands>(recorder: &mut Recorder<C>, old: &Kept, ours: &Kept, adopted: &Adopted) -> Result<Option<usize>, Error> {
    let mut hours = recorder.series(old).await?;
    hours.retain(|hour| hour.start < adopted.first);
    let last = hours.last().copied();
    if is_raised(recorder, ours, adopted).await? && is_there(recorder, ours, last).await? {
        return Ok(None);
    }
    raise(recorder, ours, adopted, true).await?;
    recorder.import_series(ours, &hours).await?;
    for _ in 0..LOOKS {
        if is_there(recorder, ours, last).await? {
            return Ok(Some(hours.len()));
        }
        sleep(LOOK_EVERY).await;
    }
    Err(not_there(ours))
}

/// Takes the old hours away, and what our sums were raised by. Returns whether the hours are gone: a Home Assistant of 2024 can take away
/// all hours only, so there they stay, with 0 Wh each.
///
/// # Errors
/// See [`Error`].
pub async fn undo<C: Commands>(recorder: &mut Recorder<C>, ours: &Kept, adopted: &Adopted) -> Result<bool, Error> {
    let is_gone = recorder.clear(ours, adopted.from, adopted.first).await?;
    if !is_gone {
        let mut hours = recorder.series(ours).await?;
        hours.retain(|hour| hour.start < adopted.first);
        hours.iter_mut().for_each(|hour| hour.sum = 0.0);
        recorder.import_series(ours, &hours).await?;
    }
    wait_until_empty(recorder, ours, adopted).await?;
    raise(recorder, ours, adopted, false).await?;
    Ok(is_gone)
}

/// Waits until nothing that counts is left before our first hour.
async fn wait_until_empty<C: Commands>(recorder: &mut Recorder<C>, ours: &Kept, adopted: &Adopted) -> Result<(), Error> {
    for _ in 0..LOOKS {
        let sums = recorder.sums(ours, adopted.from).await?;
        if sums.range(..adopted.first).all(|(_, sum)| sum.abs() < NOTHING) {
            return Ok(());
        }
        sleep(LOOK_EVERY).await;
    }
    Err(not_there(ours))
}

/// Raises our sums, or takes that back, unless it is so already.
async fn raise<C: Commands>(recorder: &mut Recorder<C>, ours: &Kept, adopted: &Adopted, up: bool) -> Result<(), Error> {
    if is_raised(recorder, ours, adopted).await? == up {
        return Ok(());
    }
    let by = if up { adopted.lift } else { -adopted.lift };
    recorder.adjust(ours, adopted.first, by).await?;
    for _ in 0..LOOKS {
        if is_raised(recorder, ours, adopted).await? == up {
            return Ok(());
        }
        sleep(LOOK_EVERY).await;
    }
    Err(not_there(ours))
}

async fn is_raised<C: Commands>(recorder: &mut Recorder<C>, ours: &Kept, adopted: &Adopted) -> Result<bool, Error> {
    let sums = recorder.sums(ours, adopted.first).await?;
    let first = sums.get(&adopted.first).ok_or_else(|| Error::NotDone(Undone::Changed, ours.entity.clone()))?;
    Ok(adopted.is_lifted(*first))
}

/// Whether the last hour that was sent stands there, and so all that were sent before it.
async fn is_there<C: Commands>(recorder: &mut Recorder<C>, ours: &Kept, last: Option<Hour>) -> Result<bool, Error> {
    let Some(last) = last else { return Ok(true) };
    let sums = recorder.sums(ours, last.start).await?;
    Ok(sums.get(&last.start).is_some_and(|sum| (sum - last.sum).abs() < NOTHING))
}

fn not_there(ours: &Kept) -> Error {
    Error::NotDone(Undone::NotThere, ours.entity.clone())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use super::*;
    use crate::adopt::join::{Reach, join};

    const OLD: &str = "sensor.old";
    const OURS: &str = "sensor.ours";
    const HOUR: i64 = 3_600;
    /// 2026-11-28T05:00:00Z; hours are counted from here.
    const START: i64 = 1_795_842_000;
    type Rows = BTreeMap<i64, (f64, Option<f64>)>;

    /// A recorder with an old statistic in kWh and ours in Wh.
    struct House {
        rows: BTreeMap<String, Rows>,
        /// An adjustment is answered, but the connection ends before what follows.
        is_cut: bool,
        clears: bool,
        adjustments: usize,
    }

    impl House {
        /// Ours begins at hour 100, in which it counts 100 of 300 Wh.
        fn new() -> Self {
            let row = |hour: i64, sum: f64| (START + hour * HOUR, (sum, Some(2e7 + 300.0 * (hour + 1) as f64)));
            let old = (0..103).map(|hour| row(hour, 300.0 * (hour + 1) as f64)).collect();
            let ours = (100..104).map(|hour| row(hour, 300.0 * (hour - 100) as f64 + 100.0)).collect();
            let rows = BTreeMap::from([(OLD.to_owned(), old), (OURS.to_owned(), ours)]);
            Self { rows, is_cut: false, clears: true, adjustments: 0 }
        }

        fn sums(&self) -> Vec<f64> {
            self.rows[OURS].values().map(|(sum, _)| sum.round()).collect()
        }
    }

    fn seconds(value: &Value) -> i64 {
        let text = value.as_str().unwrap();
        let number = |range: std::ops::Range<usize>| text[range].parse::<i64>().unwrap();
        // All days of this house are in November and the first of December.
        let day = number(8..10) + if &text[5..7] == "12" { 30 } else { 0 };
        START + (day - 28) * 24 * HOUR + (number(11..13) - 5) * HOUR
    }

    impl Commands for House {
        async fn command(&mut self, command: Value) -> Result<Value, Error> {
            let statistic = |id: &str, unit: &str| {
                json!({ "statistic_id": id, "statistics_unit_of_measurement": unit, "unit_class": "energy",
                        "source": "recorder", "name": null })
            };
            match command["type"].as_str().unwrap() {
                "config/entity_registry/list" => Ok(json!([])),
                "recorder/list_statistic_ids" => Ok(json!([statistic(OLD, "kWh"), statistic(OURS, "Wh")])),
                "recorder/statistics_during_period" => {
                    let (id, time) = (command["statistic_ids"][0].as_str().unwrap(), &command["start_time"]);
                    let since = if time.as_str().unwrap().starts_with("2000") { 0 } else { seconds(time) };
                    let row =
                        |(start, (sum, state)): (&i64, &(f64, Option<f64>))| json!({ "start": start * 1_000, "sum": sum, "state": state });
                    Ok(json!({ id: self.rows[id].range(since..).map(row).collect::<Vec<_>>() }))
                }
                "recorder/adjust_sum_statistics" => {
                    let (from, by) = (seconds(&command["start_time"]), command["adjustment"].as_f64().unwrap());
                    self.rows.get_mut(OURS).unwrap().range_mut(from..).for_each(|(_, (sum, _))| *sum += by);
                    self.adjustments += 1;
                    Ok(Value::Null)
                }
                "recorder/import_statistics" if self.is_cut => Err(Error::Connection("cut".into())),
                "recorder/import_statistics" => {
                    assert_eq!(command["metadata"]["unit_of_measurement"], "Wh");
                    for row in command["stats"].as_array().unwrap() {
                        let new = (row["sum"].as_f64().unwrap(), row["state"].as_f64());
                        self.rows.get_mut(OURS).unwrap().insert(seconds(&row["start"]), new);
                    }
                    Ok(Value::Null)
                }
                "recorder/clear_statistics" if !self.clears => {
                    Err(Error::Refused { code: "invalid_format".into(), message: "extra keys not allowed".into() })
                }
                "recorder/clear_statistics" => {
                    let (from, until) = (seconds(&command["start_time"]), seconds(&command["end_time"]));
                    self.rows.get_mut(OURS).unwrap().retain(|start, _| !(from..until).contains(start));
                    Ok(Value::Null)
                }
                other => panic!("{other}"),
            }
        }

        fn version(&self) -> &str {
            "2026.11.0"
        }
    }

    async fn opened(house: House) -> (Recorder<House>, Kept, Kept, Adopted) {
        let mut recorder = Recorder::open(house).await.unwrap();
        let [old, ours] = [OLD, OURS].map(|id| recorder.find_energy(id).unwrap());
        let [before, after] = [recorder.series(&old).await.unwrap(), recorder.series(&ours).await.unwrap()];
        let join = join(&before, &after, Reach::Near).unwrap();
        (recorder, old, ours, Adopted::new(OLD, OURS, &join))
    }

    #[tokio::test]
    async fn one_series_comes_of_two_and_two_of_one() {
        for clears in [true, false] {
            let house = House { clears, ..House::new() };
            let before = house.sums();
            let (mut recorder, old, ours, adopted) = opened(house).await;
            assert_eq!(write(&mut recorder, &old, &ours, &adopted).await, Ok(Some(100)));
            let sums = recorder.commands().sums();
            assert!(sums.windows(2).all(|two| two[1] - two[0] == 300.0), "{sums:?}");
            assert_eq!(write(&mut recorder, &old, &ours, &adopted).await, Ok(None), "once");
            assert_eq!(undo(&mut recorder, &ours, &adopted).await, Ok(clears));
            let after = recorder.commands().sums();
            assert_eq!(after[after.len() - before.len()..], before);
            assert!(after[..after.len() - before.len()].iter().all(|sum| *sum == 0.0) && (after.len() == before.len()) == clears);
            assert_eq!(undo(&mut recorder, &ours, &adopted).await, Ok(clears), "again, after a cut");
            assert_eq!(recorder.commands().adjustments, 2);
        }
    }

    #[tokio::test]
    async fn what_was_cut_in_the_middle_is_brought_to_its_end() {
        let (mut recorder, old, ours, adopted) = opened(House { is_cut: true, ..House::new() }).await;
        assert!(write(&mut recorder, &old, &ours, &adopted).await.is_err());
        recorder.commands_mut().is_cut = false;
        assert_eq!(write(&mut recorder, &old, &ours, &adopted).await, Ok(Some(100)));
        assert_eq!(recorder.commands().adjustments, 1);
        assert!(recorder.commands().sums().windows(2).all(|two| two[1] - two[0] == 300.0));
    }
}
