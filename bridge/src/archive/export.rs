//! A table of periods as CSV: times in UTC, energies in Wh, costs in euros. What is not known is empty.

use crate::{archive::prices::Row, words::utc};

/// One line for each period, under the names of the registers.
#[must_use]
pub fn csv<'a>(registers: impl Iterator<Item = &'a str>, rows: &[Row]) -> String {
    let names = registers.map(|register| format!(",{register}_wh")).collect::<String>();
    let head = format!("start,end,withdrawn_wh,injected_wh,cost_eur,whole{names}\r\n");
    rows.iter().fold(head, |text, row| text + &line(row))
}

fn line(row: &Row) -> String {
    let number = |value: Option<u64>| value.map(|value| value.to_string()).unwrap_or_default();
    let cost = row.cost.and_then(|cost| serde_json::to_string(&cost).ok()).unwrap_or_default();
    let (start, end) = (utc::rfc3339(row.start), utc::rfc3339(row.end));
    let registers = row.registers.iter().map(|wh| format!(",{}", number(*wh))).collect::<String>();
    format!("{start},{end},{},{},{cost},{}{registers}\r\n", number(row.withdrawn), number(row.injected), row.whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_empty() {
        let row = Row {
            start: 0,
            end: 3_600,
            withdrawn: Some(1_200),
            injected: None,
            cost: None,
            whole: false,
            registers: vec![Some(1_200), None],
            costs: vec![None, None],
        };
        let text = csv(["HCHC", "HCHP"].into_iter(), &[row]);
        assert_eq!(
            text,
            "start,end,withdrawn_wh,injected_wh,cost_eur,whole,HCHC_wh,HCHP_wh\r\n1970-01-01T00:00:00Z,1970-01-01T01:00:00Z,1200,,,false,1200,\r\n"
        );
    }
}
