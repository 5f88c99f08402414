//! The experiment's result as a table to print.

use super::tally::DatasetCounts;
use super::{DAMAGES, Row};
use std::fmt;
use teleinfo_proto::tic::Parity;

/// The table, with a sum for each mode and parity.
pub struct Table<'r>(pub &'r [Row]);

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "datasets refused by stage, and accepted; live = told before the end of the frame; kept = accepted of those that no damage touched\n"
        )?;
        writeln!(
            f,
            "{:8} {:6} {:21} {:>9} {:>11} {:>8} {:>8} {:>8} {:>8} {:>8} {:>11} {:>6} {:>6} {:>6} {:>6} {:>11} {:>6} {:>9}",
            "mode",
            "parity",
            "damage",
            "frames",
            "datasets",
            "parity",
            "checksum",
            "form",
            "implaus.",
            "no name",
            "right",
            "index!",
            "value!",
            "label!",
            "meter!",
            "live",
            "live!",
            "kept %"
        )?;
        for rows in self.0.chunks(DAMAGES.len()) {
            let mut sum = DatasetCounts::default();
            for row in rows {
                sum.add(&row.tally);
                line(f, row, row.damage.name, &row.tally)?;
            }
            if let Some(row) = rows.first() {
                line(f, row, "all", &sum)?;
            }
        }
        writeln!(f, "\naccepted and wrong, by label\n")?;
        self.0.iter().filter(|row| !row.tally.wrong.is_empty()).try_for_each(|row| wrong(f, row))
    }
}

fn wrong(f: &mut fmt::Formatter<'_>, row: &Row) -> fmt::Result {
    let mut labels: Vec<_> = row.tally.wrong.iter().collect();
    labels.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let labels: Vec<String> = labels.into_iter().map(|(label, count)| format!("{label} {count}")).collect();
    writeln!(f, "{:8} {:6} {:21} {}", row.mode.to_string(), parity(row), row.damage.name, labels.join(", "))
}

fn parity(row: &Row) -> &'static str {
    if row.parity == Parity::Even { "even" } else { "none" }
}

fn line(f: &mut fmt::Formatter<'_>, row: &Row, name: &str, tally: &DatasetCounts) -> fmt::Result {
    let parity = parity(row);
    let kept = 100.0 * tally.untouched_accepted as f64 / tally.untouched.max(1) as f64;
    writeln!(
        f,
        "{:8} {parity:6} {name:21} {:>9} {:>11} {:>8} {:>8} {:>8} {:>8} {:>8} {:>11} {:>6} {:>6} {:>6} {:>6} {:>11} {:>6} {kept:>9.4}",
        row.mode.to_string(),
        tally.frames,
        tally.offered,
        tally.parity,
        tally.checksum,
        tally.form,
        tally.implausible,
        tally.unidentified,
        tally.right,
        tally.wrong_index,
        tally.wrong_value,
        tally.wrong_label,
        tally.wrong_meter,
        tally.live,
        tally.wrong_live
    )
}
