//! What a meter has counted, by half hours, hours, days or months: `/api/energy`, as JSON and as CSV.

use serde::Serialize;
use teleinfo_proto::tic::MeterId;

use crate::{
    archive::{
        export,
        file::Curves,
        keeper::Archive,
        periods::{Period, Step},
        prices::{Names, Part, Row, Table},
    },
    hours::day::Day,
    page::query,
    prices::book::Book,
};

const MINUTE_S: i64 = 60;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Of which meter.
    pub meter: MeterId,
    step: Step,
    /// From this day on.
    from: Day,
    /// Until this day, which is not included.
    to: Day,
}

impl Wanted {
    /// By what follows the question mark.
    ///
    /// # Errors
    /// What is missing, or too long.
    pub fn of(text: &str) -> Result<Self, &'static str> {
        let meter = query::value(text, "meter").and_then(|meter| meter.parse().ok()).ok_or("meter=041876097767 is missing")?;
        let step = query::value(text, "step").and_then(Step::named).ok_or("step=half-hour, hour, day or month is missing")?;
        let day = |name| query::value(text, name).and_then(|day| day.parse::<Day>().ok());
        let (from, to) = day("from").zip(day("to")).ok_or("from=2026-08-01 and to=2026-09-01 are missing")?;
        match to.number() - from.number() {
            days if days < 1 => Err("to must be later than from"),
            days if days > step.days_max() => Err("that is too long for this step"),
            _ => Ok(Self { meter, step, from, to }),
        }
    }
}

/// What is told of it.
#[derive(Serialize)]
pub struct Told {
    step: Step,
    registers: Vec<Named>,
    rows: Vec<Row>,
    /// The whole time as one period.
    sum: Row,
}

#[derive(Serialize)]
struct Named {
    label: String,
    tariff: Option<String>,
    part: Part,
}

impl Told {
    /// Reads the memory.
    ///
    /// # Errors
    /// What the disk says.
    pub fn read(wanted: Wanted, archive: &Archive, names: &Names, book: &Book) -> Result<Self, redb::Error> {
        let Wanted { meter, step, from, to } = wanted;
        let (start, end) = (from.at(0), to.at(0));
        let mut curves = archive.read(meter, step.grain(), start / MINUTE_S, end / MINUTE_S)?;
        curves.retain(|_, curve| !curve.is_empty());
        Ok(Self::of(step, &step.periods(from, to), Period { start, end }, &curves, names, book))
    }

    fn of(step: Step, periods: &[Period], whole: Period, curves: &Curves, names: &Names, book: &Book) -> Self {
        let table = Table::new(step, curves, names, book);
        let named =
            |label: &String| Named { label: label.clone(), tariff: names.at(label, whole.end).map(str::to_owned), part: Part::of(label) };
        Self {
            step,
            registers: curves.keys().map(named).collect(),
            rows: periods.iter().map(|period| table.row(*period)).collect(),
            sum: table.row(whole),
        }
    }

    /// As a table for a spreadsheet.
    #[must_use]
    pub fn csv(&self) -> String {
        export::csv(self.registers.iter().map(|register| register.label.as_str()), &self.rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_bounded() {
        let asked = |rest: &str| Wanted::of(&format!("meter=041876097767&{rest}"));
        assert!(asked("step=day&from=2026-11-01&to=2026-12-01").is_ok());
        assert_eq!(Wanted::of("step=day"), Err("meter=041876097767 is missing"));
        assert_eq!(asked("step=year&from=2026-11-01&to=2026-12-01"), Err("step=half-hour, hour, day or month is missing"));
        assert_eq!(asked("step=day&from=2026-11-01"), Err("from=2026-08-01 and to=2026-09-01 are missing"));
        assert_eq!(asked("step=day&from=2026-11-01&to=2026-11-01"), Err("to must be later than from"));
        assert_eq!(asked("step=half-hour&from=2026-10-01&to=2026-12-01"), Err("that is too long for this step"));
    }
}
