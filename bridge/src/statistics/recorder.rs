//! Home Assistant's recorder: the commands that read and write statistics, and in what its versions differ.
//!
//! A statistic is found by the unique id of its entity. Whatever unit its user has chosen, everything here is in Wh. The commands go
//! through [`Commands`], so that the tests answer as a real Home Assistant did.

use std::fmt;

use serde_json::{Value, json};

use super::{corrections::Row, hours::HOUR};
use crate::words::utc;

/// The code of a command whose fields this version does not know, or misses.
const INVALID_FORMAT: &str = "invalid_format";
/// Versions that refuse the newer fields of `recorder/import_statistics` begin so.
const OLD_VERSIONS: &str = "2024.";

/// What Home Assistant did not do, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// Nobody is there, or the connection broke: it is worth trying again.
    Connection(String),
    /// The token is not accepted, or not that of an administrator: trying again would only get this bridge banned.
    Token,
    /// Home Assistant refused a command.
    Refused {
        /// Its code for it.
        code: String,
        /// Its words.
        message: String,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection(what) => write!(f, "no answer: {what}"),
            Self::Token => {
                f.write_str("the token is not accepted or not an administrator's; create a long-lived access token of an administrator")
            }
            Self::Refused { code, message } => write!(f, "refused: {message} ({code})"),
        }
    }
}

impl std::error::Error for Error {}

/// Something that carries commands to a Home Assistant.
pub trait Commands {
    /// Sends a command, an object with its `type`, and returns its result.
    fn command(&mut self, command: Value) -> impl Future<Output = Result<Value, Error>> + Send;

    /// The version of Home Assistant, such as `2026.11.0`.
    fn version(&self) -> &str;
}

/// A unit of energy that Home Assistant may keep a statistic in.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Unit {
    name: &'static str,
    wh: f64,
}

const UNITS: [Unit; 3] = [Unit { name: "Wh", wh: 1.0 }, Unit { name: "kWh", wh: 1_000.0 }, Unit { name: "MWh", wh: 1_000_000.0 }];

/// A statistic that the recorder keeps.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    /// The id of its entity, which is the id of the statistic.
    pub entity: String,
    unit: Unit,
}

/// The recorder of a Home Assistant.
#[derive(Debug)]
pub struct Recorder<C> {
    commands: C,
    /// All entities.
    registry: Value,
    /// All statistics with a sum.
    statistics: Value,
}

impl<C: Commands> Recorder<C> {
    /// Asks which entities and which statistics there are.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn open(mut commands: C) -> Result<Self, Error> {
        let registry = commands.command(json!({ "type": "config/entity_registry/list" })).await?;
        let statistics = commands.command(json!({ "type": "recorder/list_statistic_ids", "statistic_type": "sum" })).await?;
        Ok(Self { commands, registry, statistics })
    }

    /// The statistic of the entity with this unique id; nothing if there is none, or it is kept in a unit that is none of energy.
    #[must_use]
    pub fn find(&self, unique_id: &str) -> Option<Kept> {
        let ours = |entry: &&Value| entry["platform"] == "mqtt" && entry["unique_id"] == unique_id;
        let entity = self.registry.as_array()?.iter().find(ours)?["entity_id"].as_str()?.to_owned();
        let kept = self.statistics.as_array()?.iter().find(|statistic| statistic["statistic_id"] == entity)?;
        let unit = UNITS.into_iter().find(|unit| kept["statistics_unit_of_measurement"] == unit.name)?;
        Some(Kept { entity, unit })
    }

    /// The hourly rows since a time, in s since 1970, oldest first.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn hours(&mut self, kept: &Kept, since: i64) -> Result<Vec<Row>, Error> {
        self.rows(kept, "hour", since).await
    }

    /// The newest row of five minutes since a time, in s since 1970.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn newest(&mut self, kept: &Kept, since: i64) -> Result<Option<Row>, Error> {
        Ok(self.rows(kept, "5minute", since).await?.pop())
    }

    async fn rows(&mut self, kept: &Kept, period: &str, since: i64) -> Result<Vec<Row>, Error> {
        let command = json!({
            "type": "recorder/statistics_during_period",
            "start_time": utc::rfc3339(since - since.rem_euclid(HOUR)),
            "statistic_ids": [kept.entity],
            "period": period,
            "types": ["sum", "state"],
            "units": { "energy": "Wh" },
        });
        let answer = self.commands.command(command).await?;
        // A statistic without rows is missing in the answer.
        Ok(answer[&kept.entity].as_array().map(|rows| rows.iter().filter_map(row).collect()).unwrap_or_default())
    }

    /// Writes hourly rows, in place of those there are.
    ///
    /// Since late 2025 Home Assistant wants `mean_type` and `unit_class`, and complains in its log without them; 2024 refuses them. The
    /// form that a version refuses is followed by the other.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn import(&mut self, kept: &Kept, rows: &[Row]) -> Result<(), Error> {
        let is_old = self.commands.version().starts_with(OLD_VERSIONS);
        let (first, second) = if is_old { (Form::Old, Form::New) } else { (Form::New, Form::Old) };
        match self.commands.command(import(kept, rows, first)).await {
            Err(Error::Refused { code, .. }) if code == INVALID_FORMAT => {
                self.commands.command(import(kept, rows, second)).await.map(|_| ())
            }
            other => other.map(|_| ()),
        }
    }
}

/// The two forms of the metadata of `recorder/import_statistics`.
#[derive(Debug, Clone, Copy)]
enum Form {
    Old,
    New,
}

fn import(kept: &Kept, rows: &[Row], form: Form) -> Value {
    let scale = kept.unit.wh;
    let row = |row: &Row| json!({ "start": utc::rfc3339(row.start), "sum": row.sum / scale, "state": row.state / scale });
    let mut metadata = json!({
        "source": "recorder",
        "statistic_id": kept.entity,
        "name": null,
        "has_sum": true,
        "has_mean": false,
        "unit_of_measurement": kept.unit.name,
    });
    if let Form::New = form {
        metadata["mean_type"] = json!(0);
        metadata["unit_class"] = json!("energy");
    }
    json!({ "type": "recorder/import_statistics", "metadata": metadata, "stats": rows.iter().map(row).collect::<Vec<_>>() })
}

/// A row as Home Assistant tells it, with its start in milliseconds since 1970.
fn row(row: &Value) -> Option<Row> {
    let start = row["start"].as_f64()? / 1_000.0;
    Some(Row { start: start as i64, sum: row["sum"].as_f64()?, state: row["state"].as_f64()? })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    const UNIQUE_ID: &str = "teleinfo_012345678912_energy_base";
    const ENTITY: &str = "sensor.linky_energy_base";

    /// Answers as Home Assistant did; what it answered was recorded from 2026.11.0, what 2024.11.3 refuses from that one.
    #[derive(Debug, Default)]
    pub(in crate::statistics) struct Fake {
        version: &'static str,
        takes_new_fields: bool,
        unit: &'static str,
        pub(in crate::statistics) hours: Value,
        pub(in crate::statistics) five_minutes: Value,
        /// Rows that were imported, with the metadata they came with.
        pub(in crate::statistics) imported: Vec<Value>,
        asked: Vec<Value>,
    }

    impl Fake {
        pub(in crate::statistics) fn new(version: &'static str, unit: &'static str) -> Self {
            Self { version, takes_new_fields: true, unit, hours: json!([]), five_minutes: json!([]), ..Self::default() }
        }

        fn answer(&mut self, command: &Value) -> Result<Value, Error> {
            match command["type"].as_str().unwrap() {
                "config/entity_registry/list" => Ok(json!([
                    { "entity_id": "person.owner", "platform": "person", "unique_id": "owner", "disabled_by": null },
                    { "entity_id": "sensor.of_a_template", "platform": "template", "unique_id": UNIQUE_ID, "disabled_by": null },
                    { "entity_id": ENTITY, "platform": "mqtt", "unique_id": UNIQUE_ID, "disabled_by": null },
                ])),
                "recorder/list_statistic_ids" => Ok(json!([{
                    "statistic_id": ENTITY, "display_unit_of_measurement": "kWh", "has_mean": false, "mean_type": 0, "has_sum": true,
                    "name": null, "source": "recorder", "statistics_unit_of_measurement": self.unit, "unit_class": "energy",
                }])),
                "recorder/statistics_during_period" => {
                    let rows = if command["period"] == "hour" { &self.hours } else { &self.five_minutes };
                    // A statistic without rows is not in the answer at all.
                    Ok(if rows.as_array().unwrap().is_empty() { json!({}) } else { json!({ ENTITY: rows }) })
                }
                "recorder/import_statistics" if !self.takes_new_fields && command["metadata"].get("mean_type").is_some() => {
                    let message = "extra keys not allowed @ data['metadata']['mean_type']. Got 0";
                    Err(Error::Refused { code: "invalid_format".into(), message: message.into() })
                }
                "recorder/import_statistics" => {
                    self.imported.push(command.clone());
                    Ok(Value::Null)
                }
                other => panic!("{other}"),
            }
        }
    }

    impl Commands for Fake {
        async fn command(&mut self, command: Value) -> Result<Value, Error> {
            self.asked.push(command.clone());
            self.answer(&command)
        }

        fn version(&self) -> &str {
            self.version
        }
    }

    impl<C> Recorder<C> {
        pub(in crate::statistics) const fn commands(&self) -> &C {
            &self.commands
        }
    }

    #[tokio::test]
    async fn a_statistic_is_found_by_the_unique_id_of_its_mqtt_entity() {
        let recorder = Recorder::open(Fake::new("2026.11.0", "Wh")).await.unwrap();
        assert_eq!(recorder.find(UNIQUE_ID).unwrap().entity, ENTITY);
        assert_eq!(recorder.find("owner"), None);
        let money = Recorder::open(Fake::new("2026.11.0", "EUR")).await.unwrap();
        assert_eq!(money.find(UNIQUE_ID), None, "not a unit of energy");
    }

    #[tokio::test]
    async fn rows_come_in_wh_and_in_seconds() {
        let mut fake = Fake::new("2026.11.0", "kWh");
        fake.hours = json!([
            { "start": 1_795_842_000_000_i64, "end": 1_795_845_600_000_i64, "state": 10_300.0, "sum": 300.0 },
            { "start": 1_795_845_600_000_i64, "end": 1_795_849_200_000_i64, "state": null, "sum": 600.0 },
        ]);
        let mut recorder = Recorder::open(fake).await.unwrap();
        let kept = recorder.find(UNIQUE_ID).unwrap();
        let rows = recorder.hours(&kept, 1_795_842_000 + 1_234).await.unwrap();
        assert_eq!(rows, [Row { start: 1_795_842_000, sum: 300.0, state: 10_300.0 }]);
        let asked = recorder.commands.asked.last().unwrap();
        assert_eq!((&asked["start_time"], &asked["units"]), (&json!("2026-11-28T05:00:00Z"), &json!({ "energy": "Wh" })));
        assert_eq!(recorder.newest(&kept, 1_795_842_000).await, Ok(None));
    }

    #[tokio::test]
    async fn rows_are_written_in_the_unit_that_the_user_chose() {
        for (unit, sum, state) in [("Wh", 900.0, 10_900.0), ("kWh", 0.9, 10.9), ("MWh", 0.0009, 0.0109)] {
            let mut recorder = Recorder::open(Fake::new("2026.11.0", unit)).await.unwrap();
            let kept = recorder.find(UNIQUE_ID).unwrap();
            recorder.import(&kept, &[Row { start: 1_795_842_000, sum: 900.0, state: 10_900.0 }]).await.unwrap();
            let imported = recorder.commands.imported.last().unwrap();
            assert_eq!(imported["metadata"]["unit_of_measurement"], unit);
            assert_eq!(imported["stats"], json!([{ "start": "2026-11-28T05:00:00Z", "sum": sum, "state": state }]));
        }
    }

    #[tokio::test]
    async fn each_version_gets_the_form_it_takes() {
        for (version, takes, commands, form) in
            [("2026.11.0", true, 1, Some(&json!(0))), ("2024.11.3", false, 1, None), ("2025.2.0", false, 2, None)]
        {
            let mut recorder = Recorder::open(Fake { takes_new_fields: takes, ..Fake::new(version, "Wh") }).await.unwrap();
            let kept = recorder.find(UNIQUE_ID).unwrap();
            recorder.commands.asked.clear();
            recorder.import(&kept, &[Row { start: 0, sum: 1.0, state: 2.0 }]).await.unwrap();
            assert_eq!(recorder.commands.asked.len(), commands, "{version}");
            assert_eq!(recorder.commands.imported[0]["metadata"].get("mean_type"), form, "{version}");
        }
    }
}
