//! Home Assistant's recorder: the commands that read and write statistics, and in what its versions differ.
//!
//! A statistic is found by the unique id of its entity. Whatever unit its user has chosen, energy here is in Wh; money is in the unit of its
//! statistic. What is written is always written in the unit that the statistic has: Home Assistant would take another one for the unit of
//! all older rows too, without a word. The commands go through [`Commands`], so that the tests answer as a real Home Assistant did.

use std::fmt;

use serde_json::{Value, json};

use super::{
    corrections::Row,
    costs::Sums,
    hours::HOUR,
    prices::{self, Costed},
    told,
};
use crate::{
    config::api::KEPT_BACK,
    words::{
        language::{Language, Words},
        utc,
    },
};

/// The code of a command whose fields this version does not know, or misses.
pub(super) const INVALID_FORMAT: &str = "invalid_format";
/// The code of the answer to a question for preferences that were never saved.
const NOT_FOUND: &str = "not_found";
/// Versions that refuse the newer fields of `recorder/import_statistics` begin so.
pub(super) const OLD_VERSIONS: &str = "2024.";

/// What Home Assistant did not do, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// Nobody is there, or the connection broke: it is worth trying again.
    Connection(String),
    /// The two sides do not agree on TLS: why, in each language.
    Tls {
        /// In English.
        english: String,
        /// In French.
        french: String,
    },
    /// The token would cross the network unencrypted, so it was not sent.
    KeptBack,
    /// The token is not accepted, or not that of an administrator: trying again would only get this bridge banned.
    Token,
    /// A repair was not done, of this statistic or for want of this.
    NotDone(Undone, String),
    /// Home Assistant refused a command.
    Refused {
        /// Its code for it.
        code: String,
        /// Its words.
        message: String,
    },
}

/// Why a repair was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undone {
    /// Nobody knows what a kWh cost.
    NoPrice,
    /// Something else has changed the statistic meanwhile.
    Changed,
    /// What was written is not there.
    NotThere,
    /// What is to be sent could not be noted on disk before.
    NotNoted,
}

impl Undone {
    const fn words(self) -> Words {
        match self {
            Self::NoPrice => Words::new("nobody tells the price of these hours", "personne ne donne le prix de ces heures"),
            Self::Changed => Words::new("something else has changed it meanwhile", "autre chose l'a modifiée entre-temps"),
            Self::NotThere => Words::new("what was written is not there", "ce qui a été écrit n'y est pas"),
            Self::NotNoted => {
                Words::new("what is to be sent cannot be noted on disk", "ce qui est à envoyer ne peut être noté sur le disque")
            }
        }
    }
}

const NO_ANSWER: Words = Words::new("no answer", "pas de réponse");
const NO_TLS: Words = Words::new("no TLS: {}", "pas de TLS : {}");
const REFUSED: Words = Words::new("refused", "refusé");
const TOKEN: Words = Words::new(
    "the token is not accepted or not an administrator's; create a long-lived access token of an administrator",
    "le jeton n'est pas accepté ou n'est pas celui d'un administrateur ; créez un jeton d'accès longue durée d'un administrateur",
);

impl Error {
    /// What is wrong, for a person.
    #[must_use]
    pub fn words(&self, language: Language) -> String {
        match self {
            Self::Connection(what) => format!("{}: {what}", NO_ANSWER.get(language)),
            Self::Tls { english, french } => NO_TLS.say(language, &[language.choose(english, french)]).to_string(),
            Self::KeptBack => KEPT_BACK.get(language).to_owned(),
            Self::Token => TOKEN.get(language).to_owned(),
            Self::NotDone(why, what) => format!("{what}: {}", why.words().get(language)),
            Self::Refused { code, message } => format!("{}: {message} ({code})", REFUSED.get(language)),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words(Language::English))
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

/// The units of energy that Home Assistant may keep a statistic in, each with what it is in Wh.
const UNITS: [(&str, f64); 12] = [
    ("mWh", 1e-3),
    ("Wh", 1.0),
    ("kWh", 1e3),
    ("MWh", 1e6),
    ("GWh", 1e9),
    ("J", 1.0 / 3_600.0),
    ("kJ", 1e3 / 3_600.0),
    ("MJ", 1e6 / 3_600.0),
    ("GJ", 1e9 / 3_600.0),
    ("cal", 4.184 / 3_600.0),
    ("kcal", 4_184.0 / 3_600.0),
    ("Mcal", 4_184_000.0 / 3_600.0),
];

/// How the ids end that Home Assistant gives to what it makes of a price: the cost of what was drawn, and what injected energy brought.
const MADE: [&str; 2] = ["_cost", "_compensation"];

/// A statistic that the recorder keeps.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    /// The id of its entity, which is the id of the statistic.
    pub entity: String,
    /// The name of its unit, and what that is in ours.
    unit: String,
    pub(super) scale: f64,
    /// What else Home Assistant has of it, as it is to be sent back.
    class: Value,
    source: Value,
    name: Value,
}

impl Kept {
    /// Whether it is kept in a unit of energy.
    #[must_use]
    pub fn is_energy(&self) -> bool {
        UNITS.iter().any(|(unit, _)| self.unit == *unit)
    }

    /// The unit that its numbers are in here.
    #[must_use]
    pub fn unit(&self) -> &str {
        if self.is_energy() { "Wh" } else { &self.unit }
    }
}

/// The recorder of a Home Assistant.
#[derive(Debug)]
pub struct Recorder<C> {
    pub(super) commands: C,
    /// All entities.
    pub(super) registry: Value,
    /// All statistics with a sum.
    pub(super) statistics: Value,
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
        self.find_energy(&entity)
    }

    /// The statistic with this id, if it is kept in a unit of energy.
    #[must_use]
    pub fn find_energy(&self, id: &str) -> Option<Kept> {
        let kept = self.find_money(id)?;
        let (_, wh) = UNITS.into_iter().find(|(unit, _)| kept.unit == *unit)?;
        Some(Kept { scale: wh, ..kept })
    }

    /// The statistic with this id, in whatever unit it is kept.
    #[must_use]
    pub fn find_money(&self, id: &str) -> Option<Kept> {
        let kept = self.statistics.as_array()?.iter().find(|statistic| statistic["statistic_id"] == id)?;
        let unit = kept["statistics_unit_of_measurement"].as_str()?.to_owned();
        let [class, source, name] = ["unit_class", "source", "name"].map(|field| kept[field].clone());
        Some(Kept { entity: id.to_owned(), unit, scale: 1.0, class, source, name })
    }

    /// The statistic of what an energy costs: as the dashboard says, or the one that Home Assistant made of it as long as it was there.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn cost_of(&mut self, energy: &str) -> Result<Option<Kept>, Error> {
        let chosen = self.costed().await?.into_iter().find(|costed| costed.energy == energy).map(|costed| costed.cost);
        let made = || MADE.iter().map(|end| format!("{energy}{end}")).find(|id| self.find_money(id).is_some());
        Ok(chosen.or_else(made).and_then(|id| self.find_money(&id)))
    }

    /// The energies of the dashboard that have a cost.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn costed(&mut self) -> Result<Vec<Costed>, Error> {
        let Some(preferences) = self.preferences().await? else { return Ok(Vec::new()) };
        let info = self.commands.command(json!({ "type": "energy/info" })).await?;
        Ok(prices::costed(&preferences, &info))
    }

    /// What the Energy dashboard was told to show, if anything.
    pub(super) async fn preferences(&mut self) -> Result<Option<Value>, Error> {
        match self.commands.command(json!({ "type": "energy/get_prefs" })).await {
            Err(Error::Refused { code, .. }) if code == NOT_FOUND => Ok(None),
            answer => answer.map(Some),
        }
    }

    /// What an entity told of a price from one time to another, in s since 1970, and the hourly means of it.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn prices(&mut self, entity: &str, from: i64, until: i64) -> Result<(Value, Value), Error> {
        let history = json!({
            "type": "history/history_during_period",
            "start_time": utc::rfc3339(from),
            "end_time": utc::rfc3339(until),
            "entity_ids": [entity],
            "include_start_time_state": true,
            "significant_changes_only": false,
            "minimal_response": false,
            "no_attributes": false,
        });
        let states = self.commands.command(history).await?;
        let means = json!({
            "type": "recorder/statistics_during_period",
            "start_time": utc::rfc3339(from),
            "end_time": utc::rfc3339(until),
            "statistic_ids": [entity],
            "period": "hour",
            "types": ["mean"],
        });
        let means = self.commands.command(means).await?;
        Ok((part_of(states, entity), part_of(means, entity)))
    }

    /// The sums at the ends of hours since a time, in s since 1970.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn sums(&mut self, kept: &Kept, since: i64) -> Result<Sums, Error> {
        let rows = self.answer(kept, "hour", since).await?;
        let sum = |row: &Value| Some((told::start(row)?, told::amount(&row["sum"])?));
        Ok(rows.iter().filter_map(sum).collect())
    }

    /// Adds to the sums of all rows from a start on, in s since 1970. It does not say when it is done.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn adjust(&mut self, kept: &Kept, start: i64, by: f64) -> Result<(), Error> {
        let command = json!({
            "type": "recorder/adjust_sum_statistics",
            "statistic_id": kept.entity,
            "start_time": utc::rfc3339(start),
            "adjustment": by / kept.scale,
            "adjustment_unit_of_measurement": kept.unit,
        });
        self.commands.command(command).await.map(|_| ())
    }

    /// The hourly rows since a time, in s since 1970, oldest first.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn hours(&mut self, kept: &Kept, since: i64) -> Result<Vec<Row>, Error> {
        self.rows(kept, "hour", since).await
    }

    /// The rows of five minutes since a time, in s since 1970.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn five_minutes(&mut self, kept: &Kept, since: i64) -> Result<Vec<Row>, Error> {
        self.rows(kept, "5minute", since).await
    }

    async fn rows(&mut self, kept: &Kept, period: &str, since: i64) -> Result<Vec<Row>, Error> {
        Ok(self.answer(kept, period, since).await?.iter().filter_map(row).collect())
    }

    pub(super) async fn answer(&mut self, kept: &Kept, period: &str, since: i64) -> Result<Vec<Value>, Error> {
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
        Ok(answer[&kept.entity].as_array().cloned().unwrap_or_default())
    }

    /// Writes hourly rows, in place of those there are.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn import(&mut self, kept: &Kept, rows: &[Row]) -> Result<(), Error> {
        let scale = kept.scale;
        let row = |row: &Row| json!({ "start": utc::rfc3339(row.start), "sum": row.sum / scale, "state": row.state / scale });
        self.import_rows(kept, rows.iter().map(row).collect()).await
    }

    /// Writes the sums of hours, in place of the rows there are. They have no state then: what a cost entity shows begins at 0 whenever Home
    /// Assistant starts, and says nothing.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn import_sums(&mut self, kept: &Kept, sums: &Sums) -> Result<(), Error> {
        let row = |(start, sum): (&i64, &f64)| json!({ "start": utc::rfc3339(*start), "sum": sum / kept.scale });
        self.import_rows(kept, sums.iter().map(row).collect()).await
    }

    /// Since late 2025 Home Assistant wants `mean_type` and `unit_class`, and complains in its log without them; 2024 refuses them. The
    /// form that a version refuses is followed by the other.
    pub(super) async fn import_rows(&mut self, kept: &Kept, rows: Vec<Value>) -> Result<(), Error> {
        let is_old = self.commands.version().starts_with(OLD_VERSIONS);
        let (first, second) = if is_old { (Form::Old, Form::New) } else { (Form::New, Form::Old) };
        match self.commands.command(import(kept, &rows, first)).await {
            Err(Error::Refused { code, .. }) if code == INVALID_FORMAT => {
                self.commands.command(import(kept, &rows, second)).await.map(|_| ())
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

/// What an answer says of an entity; nothing, if it is of another form.
fn part_of(mut answer: Value, entity: &str) -> Value {
    answer.get_mut(entity).map(Value::take).unwrap_or_default()
}

fn import(kept: &Kept, rows: &[Value], form: Form) -> Value {
    let mut metadata = json!({
        "source": kept.source,
        "statistic_id": kept.entity,
        "name": kept.name,
        "has_sum": true,
        "has_mean": false,
        "unit_of_measurement": kept.unit,
    });
    if let Form::New = form {
        metadata["mean_type"] = json!(0);
        metadata["unit_class"] = kept.class.clone();
    }
    json!({ "type": "recorder/import_statistics", "metadata": metadata, "stats": rows })
}

/// A row as Home Assistant tells it, with its start in milliseconds since 1970.
fn row(row: &Value) -> Option<Row> {
    Some(Row { start: told::start(row)?, sum: told::amount(&row["sum"])?, state: told::amount(&row["state"])? })
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

    #[test]
    fn an_answer_of_another_form_says_nothing_of_an_entity() {
        for answer in [json!([1]), json!("x"), json!(null), json!({ "sensor.other": [1] })] {
            assert_eq!(part_of(answer, ENTITY), Value::Null);
        }
        assert_eq!(part_of(json!({ ENTITY: [1] }), ENTITY), json!([1]));
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
        pub(crate) const fn commands(&self) -> &C {
            &self.commands
        }

        pub(crate) const fn commands_mut(&mut self) -> &mut C {
            &mut self.commands
        }

        pub(in crate::statistics) fn into_commands(self) -> C {
            self.commands
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
        assert_eq!(recorder.five_minutes(&kept, 1_795_842_000).await, Ok(Vec::new()));
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
