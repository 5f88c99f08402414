//! What a meter has counted, by half hours, hours, days or months: `/api/energy`, as JSON and as CSV.

use serde::Serialize;

use crate::{
    archive::{
        block::Grain,
        export,
        file::Curves,
        keeper::Archive,
        periods::{Period, Step},
        prices::{Names, Part, Row, Table},
    },
    page::wanted::Wanted,
    prices::book::Book,
};

const MINUTE_S: i64 = 60;

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
        let (first, last) = (start / MINUTE_S, end / MINUTE_S);
        let mut curves = archive.read(meter, step.grain(), first, last)?;
        if step.grain() == Grain::Hour {
            // Else a day has nothing before its first hour ends, and lacks up to an hour ever after.
            for (register, minutes) in archive.read(meter, Grain::Minute, newest(&curves).unwrap_or(first), last)? {
                curves.entry(register).or_default().extend(minutes);
            }
        }
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

/// The minute of the last index.
fn newest(curves: &Curves) -> Option<i64> {
    curves.values().filter_map(|curve| curve.last_key_value()).map(|(minute, _)| *minute).max()
}
