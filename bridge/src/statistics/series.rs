//! Whole statistics, from their first hour on: for what is moved from one statistic to another, not corrected.

use serde_json::{Value, json};

use super::{
    recorder::{Commands, Error, INVALID_FORMAT, Kept, OLD_VERSIONS, Recorder},
    told,
};
use crate::words::utc;

/// A message of more than 4 MiB closes the connection. A row has some 75 bytes.
const ROWS_AT_ONCE: usize = 10_000;
/// The time before any statistic.
const BEGIN: i64 = 946_684_800;
/// The code of a command whose effect was not waited for any longer. It is queued all the same.
const LATE: &str = "timeout";
/// How the unique ids of our entities of energy begin, and what stands after the meter in them.
const OURS: (&str, &str) = ("teleinfo_", "_energy_");

/// An hour of a statistic, in Wh.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hour {
    /// Its start, in s since 1970.
    pub start: i64,
    /// Running total at its end.
    pub sum: f64,
    /// Index at its end, where there is one.
    pub state: Option<f64>,
}

impl<C: Commands> Recorder<C> {
    /// All statistics of energy, whoever made them.
    #[must_use]
    pub fn energies(&self) -> Vec<Kept> {
        let ids = self.statistics.as_array().into_iter().flatten().filter_map(|statistic| statistic["statistic_id"].as_str());
        ids.filter_map(|id| self.find_energy(id)).collect()
    }

    /// Whether this is the energy of an entity of this bridge, or of another one.
    #[must_use]
    pub fn is_ours(&self, kept: &Kept) -> bool {
        self.our_id(kept).is_some()
    }

    /// The unique id of the entity whose energy this is, if it is one of this bridge, or of another one.
    #[must_use]
    pub fn our_id(&self, kept: &Kept) -> Option<&str> {
        let is_it = |entry: &&Value| entry["platform"] == "mqtt" && entry["entity_id"] == kept.entity.as_str();
        let unique_id = self.registry.as_array()?.iter().find(is_it)?["unique_id"].as_str()?;
        (unique_id.starts_with(OURS.0) && unique_id.contains(OURS.1)).then_some(unique_id)
    }

    /// All its hours, oldest first.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn series(&mut self, kept: &Kept) -> Result<Vec<Hour>, Error> {
        Ok(self.answer(kept, "hour", BEGIN).await?.iter().filter_map(hour).collect())
    }

    /// Writes hours, in place of those there are.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn import_series(&mut self, kept: &Kept, hours: &[Hour]) -> Result<(), Error> {
        for some in hours.chunks(ROWS_AT_ONCE) {
            let scaled = |value: f64| value / kept.scale;
            let row = |hour: &Hour| match hour.state {
                Some(state) => json!({ "start": utc::rfc3339(hour.start), "sum": scaled(hour.sum), "state": scaled(state) }),
                None => json!({ "start": utc::rfc3339(hour.start), "sum": scaled(hour.sum) }),
            };
            self.import_rows(kept, some.iter().map(row).collect()).await?;
        }
        Ok(())
    }

    /// Takes the hours from one time to another away, in s since 1970. Returns whether it did: a version that can take away all hours
    /// only refuses it, and logs that as an error, so one of which this is known is not asked.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn clear(&mut self, kept: &Kept, from: i64, until: i64) -> Result<bool, Error> {
        if self.commands.version().starts_with(OLD_VERSIONS) {
            return Ok(false);
        }
        let command = json!({
            "type": "recorder/clear_statistics",
            "statistic_ids": [kept.entity],
            "start_time": utc::rfc3339(from),
            "end_time": utc::rfc3339(until),
        });
        match self.commands.command(command).await {
            Err(Error::Refused { code, .. }) if code == INVALID_FORMAT => Ok(false),
            Err(Error::Refused { code, .. }) if code == LATE => Ok(true),
            answer => answer.map(|_| true),
        }
    }

    /// Whether the Energy dashboard shows this statistic.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn is_in_dashboard(&mut self, id: &str) -> Result<bool, Error> {
        let preferences = self.preferences().await?;
        Ok(preferences.is_some_and(|all| names(&all, id)))
    }
}

fn names(value: &Value, id: &str) -> bool {
    match value {
        Value::String(text) => text == id,
        Value::Array(all) => all.iter().any(|value| names(value, id)),
        Value::Object(all) => all.values().any(|value| names(value, id)),
        _ => false,
    }
}

fn hour(row: &Value) -> Option<Hour> {
    Some(Hour { start: told::start(row)?, sum: told::amount(&row["sum"])?, state: told::amount(&row["state"]) })
}
