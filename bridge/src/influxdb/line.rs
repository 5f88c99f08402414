//! A record as a line of InfluxDB's line protocol (v2): `teleinfo,meter=021861000001 BASE=12345i,power=560i 1798765432500000000`.
//!
//! Numbers are integers, always: the type of a field is fixed by its first value. The time is in nanoseconds, which every receiver takes without being told.
//! The same meter and time again replaces the line, so a line that is sent twice does no harm.

use std::fmt::Write;

use crate::meter::record::Record;

/// The name of everything that we write.
const MEASUREMENT: &str = "teleinfo";
const NS_PER_MS: i64 = 1_000_000;

/// The line, with its end; nothing if its time cannot be written.
#[must_use]
pub fn line(record: &Record) -> Option<String> {
    let time = record.unix_ms.checked_mul(NS_PER_MS)?;
    let fields: Vec<String> = record.fields.iter().map(|(name, value)| format!("{}={value}i", escaped(name))).collect();
    let mut line = String::new();
    writeln!(line, "{MEASUREMENT},meter={} {} {time}", record.meter, fields.join(",")).ok()?;
    Some(line)
}

/// A name with what would end it marked. A label has none of these; who knows what a new meter sends.
fn escaped(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for letter in name.chars().map(|letter| if letter.is_control() { '_' } else { letter }) {
        if matches!(letter, ',' | '=' | ' ' | '\\') {
            text.push('\\');
        }
        text.push(letter);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(name: &str, unix_ms: i64) -> Record {
        Record { meter: "021861000001".parse().unwrap(), unix_ms, fields: vec![(name.into(), -12), ("BASE".into(), 7)] }
    }

    #[test]
    fn bytes_that_others_rely_on() {
        assert_eq!(
            line(&record("power", 1_798_765_432_500)).unwrap(),
            "teleinfo,meter=021861000001 power=-12i,BASE=7i 1798765432500000000\n"
        );
    }

    #[test]
    fn no_name_breaks_out_of_its_place() {
        let line = line(&record("a b,c=d\\e\nf", 1)).unwrap();
        assert_eq!(line, "teleinfo,meter=021861000001 a\\ b\\,c\\=d\\\\e_f=-12i,BASE=7i 1000000\n");
        assert_eq!(super::line(&record("a", i64::MAX)), None);
    }
}
