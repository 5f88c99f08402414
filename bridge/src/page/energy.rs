//! What a meter has counted, by half hours, hours, days or months: `/api/energy`, as JSON and as CSV.

use serde::Serialize;
use teleinfo_proto::tic::MeterId;

use crate::{
    archive::{
        block::{Curves, Grain},
        export,
        keeper::Archive,
        periods::{Period, Step},
        prices::{Names, Part, Row, Table},
        shared,
    },
    group::inquiries::{Gathered, Inquiry},
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
    /// Members of the group that did not say what they remember.
    silent: Vec<String>,
}

#[derive(Serialize)]
struct Named {
    label: String,
    tariff: Option<String>,
    part: Part,
}

/// What other members of a group are asked for it.
#[must_use]
pub fn inquiry(Wanted { meter, step, from, to }: Wanted) -> Inquiry {
    Inquiry::Curves(meter, step.grain(), from.at(0) / MINUTE_S, to.at(0) / MINUTE_S)
}

impl Told {
    /// Reads the memory, and joins what other members have told of theirs.
    ///
    /// # Errors
    /// What the disk says.
    pub fn read(wanted: Wanted, archive: &Archive, gathered: Gathered, names: &Names, book: &Book) -> Result<Self, redb::Error> {
        let Wanted { meter, step, from, to } = wanted;
        let (whole, mut silent) = (Period { start: from.at(0), end: to.at(0) }, gathered.silent);
        let (first, last) = (whole.start / MINUTE_S, whole.end / MINUTE_S);
        let mut curves = remembered(archive, meter, step.grain(), first, last)?;
        for (member, text) in gathered.answers {
            match shared::read(&text, first, last) {
                Some(others) => shared::join(&mut curves, others),
                None => silent.push(member),
            }
        }
        curves.retain(|_, curve| !curve.is_empty());
        Ok(Self { silent, ..Self::of(step, &step.periods(from, to), whole, &curves, names, book) })
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
            silent: Vec::new(),
        }
    }

    /// As a table for a spreadsheet.
    #[must_use]
    pub fn csv(&self) -> String {
        export::csv(self.registers.iter().map(|register| register.label.as_str()), &self.rows)
    }
}

/// What the memory of this bridge has of a meter, from one minute to another.
///
/// # Errors
/// What the disk says.
pub fn remembered(archive: &Archive, meter: MeterId, grain: Grain, first: i64, last: i64) -> Result<Curves, redb::Error> {
    let mut curves = archive.read(meter, grain, first, last)?;
    if grain == Grain::Hour {
        // Else a day has nothing before its first hour ends, and lacks up to an hour ever after.
        for (register, minutes) in archive.read(meter, Grain::Minute, newest(&curves).unwrap_or(first), last)? {
            curves.entry(register).or_default().extend(minutes);
        }
    }
    Ok(curves)
}

/// The minute of the last index.
fn newest(curves: &Curves) -> Option<i64> {
    curves.values().filter_map(|curve| curve.last_key_value()).map(|(minute, _)| *minute).max()
}
