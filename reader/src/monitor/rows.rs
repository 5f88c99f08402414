//! The frame as a table: a row for each label, in the order in which the meter sends them. A row changes when its dataset arrives, not at
//! the end of the frame: at 1200 baud that would be two seconds late.

use std::mem;

use teleinfo_proto::tic::{Colour, Dataset, Event, FrameEnd, Role, StatusRegister, Timestamp, Value};

use crate::language::Language;

/// One label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) label: String,
    /// With its unit, and with its date where it has one.
    pub(super) value: String,
    /// Empty for a label that is not known.
    pub(super) meaning: &'static str,
    /// How early it is wanted; the smallest first.
    pub(super) importance: u8,
    /// An index that has never counted.
    pub(super) idle: bool,
    /// Was in the frame that is coming in.
    fresh: bool,
}

/// All labels.
#[derive(Debug)]
pub(super) struct Table {
    language: Language,
    rows: Vec<Row>,
    /// Where a label that is new belongs: behind the one before it.
    next: usize,
    /// Whole frames, and frames with damage.
    pub(super) good: u32,
    pub(super) damaged: u32,
    refused: bool,
}

impl Table {
    pub(super) fn new(language: Language) -> Self {
        Self { language, rows: Vec::new(), next: 0, good: 0, damaged: 0, refused: false }
    }

    pub(super) fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Takes an event; `true` at the end of a frame.
    pub(super) fn handle_event(&mut self, event: &Event<'_>) -> bool {
        match event {
            Event::FrameStart => {}
            Event::Dataset(dataset) => self.handle_dataset(dataset),
            Event::Refused(_) => self.refused = true,
            Event::FrameEnd(end) => self.handle_frame_end(*end),
        }
        matches!(event, Event::FrameEnd(_))
    }

    fn handle_dataset(&mut self, dataset: &Dataset<'_>) {
        let row = row(dataset, self.language);
        let place = self.rows.iter().position(|old| old.label == row.label);
        match place {
            Some(place) => self.rows[place] = row,
            None => self.rows.insert(self.next.min(self.rows.len()), row),
        }
        self.next = place.unwrap_or(self.next) + 1;
    }

    /// A label that a whole frame lacks is gone, unless the frame was one of the short ones of an overload.
    fn handle_frame_end(&mut self, end: FrameEnd) {
        let (whole, refused) = (end.is_whole(), mem::take(&mut self.refused));
        self.good += u32::from(whole && !refused);
        self.damaged += u32::from(whole && refused);
        let fresh = self.rows.iter().filter(|row| row.fresh).count();
        if whole && !refused && fresh * 2 >= self.rows.len() {
            self.rows.retain(|row| row.fresh);
        }
        self.next = 0;
        self.rows.iter_mut().for_each(|row| row.fresh = false);
    }
}

/// What somebody at the meter looks for, in this order: is it in danger, how much now, how much in all.
fn importance(role: Option<Role>) -> u8 {
    match role {
        Some(Role::Overload(_)) => 0,
        Some(Role::PowerWithdrawn) => 1,
        Some(Role::PowerInjected) => 2,
        Some(Role::PhasePowerWithdrawn(_)) => 3,
        Some(Role::EnergyWithdrawn) => 4,
        Some(Role::EnergyInjected) => 5,
        Some(Role::Tariff) => 6,
        Some(Role::IndexOf(_)) => 7,
        Some(Role::Current(_)) => 8,
        Some(Role::Voltage(_)) => 9,
        Some(Role::SubscribedCurrent | Role::SubscribedPower | Role::CutOffPower | Role::Contract) => 10,
        _ => 11,
    }
}

fn row(dataset: &Dataset<'_>, language: Language) -> Row {
    let info = dataset.info();
    let mut value = value(dataset, language);
    if let Some(time) = dataset.time() {
        let date = date(&time);
        value = if value.is_empty() { date } else { format!("{value} ({date})") };
    }
    let idle = info.is_some_and(|info| info.kind.is_index()) && dataset.value().number() == Some(0);
    let meaning = info.map_or("", |info| language.choose(info.english, info.french));
    Row { label: dataset.label().into(), value, meaning, importance: importance(dataset.role()), idle, fresh: true }
}

fn value(dataset: &Dataset<'_>, language: Language) -> String {
    let value = dataset.value();
    match (value, value.number(), dataset.info().and_then(|info| info.unit())) {
        (_, Some(number), Some(unit)) => format!("{number} {unit}"),
        (Value::Status(register), ..) => facts(dataset.data(), register, language),
        _ => dataset.data().trim_matches(' ').into(),
    }
}

/// The register as it came, and what stands out in it.
fn facts(raw: &str, register: StatusRegister, language: Language) -> String {
    let flags = [
        (register.over_power(), "overload", "dépassement"),
        (register.over_voltage(), "over-voltage", "surtension"),
        (register.injecting(), "injecting", "injection"),
        (register.cover_open(), "cover open", "cache-bornes ouvert"),
        (register.clock_degraded(), "clock degraded", "horloge dégradée"),
    ];
    let mut text = raw.to_owned();
    for (_, english, french) in flags.into_iter().filter(|(set, ..)| *set) {
        text = text + ", " + language.choose(english, french);
    }
    for (colour, english, french) in [(register.today(), "today", "aujourd'hui"), (register.tomorrow(), "tomorrow", "demain")] {
        if let Some(colour) = colour {
            text = text + ", " + language.choose(english, french) + " " + colour_name(colour, language);
        }
    }
    text
}

fn colour_name(colour: Colour, language: Language) -> &'static str {
    match colour {
        Colour::Blue => language.choose("blue", "bleu"),
        Colour::White => language.choose("white", "blanc"),
        Colour::Red => language.choose("red", "rouge"),
    }
}

/// The meter's legal time, as it tells it.
fn date(time: &Timestamp) -> String {
    let (year, month, day) = (time.year(), time.month(), time.day());
    format!("{year}-{month:02}-{day:02} {:02}:{:02}:{:02}", time.hour(), time.minute(), time.second())
}

#[cfg(test)]
mod tests {
    use teleinfo_proto::tic::{Decoder, Parity};

    use super::*;

    fn feed(table: &mut Table, mut bytes: &[u8]) {
        let mut decoder = Decoder::new(Parity::Stripped);
        while let Some(event) = decoder.next_event(&mut bytes) {
            table.handle_event(&event);
        }
    }

    fn shown<'a>(table: &'a Table, label: &str) -> Option<(&'a str, &'static str)> {
        table.rows().iter().find(|row| row.label == label).map(|row| (row.value.as_str(), row.meaning))
    }

    #[test]
    fn values_have_their_unit_date_and_meaning() {
        let mut table = Table::new(Language::French);
        feed(&mut table, include_bytes!("../../../proto/tests/frames/syn-std-tempo-red-announced.tic"));
        assert!(table.good > 0 && table.damaged == 0);
        let labels: Vec<_> = table.rows().iter().take(4).map(|row| row.label.as_str()).collect();
        assert_eq!(labels, ["ADSC", "VTIC", "DATE", "NGTF"], "the meter's order");
        let (value, meaning) = shown(&table, "EAST").unwrap();
        assert!(value.ends_with(" Wh") && !value.starts_with('0') && meaning.contains('é'), "{value} {meaning}");
        assert!(shown(&table, "DATE").unwrap().0.starts_with("2024-"));
        assert!(shown(&table, "SMAXSN").unwrap().0.contains(" VA (2024-"));
        assert!(shown(&table, "STGE").unwrap().0.contains("demain rouge"), "{:?}", shown(&table, "STGE"));
        assert!(table.rows().iter().any(|row| row.idle));
    }

    #[test]
    fn labels_come_and_go_with_whole_frames_only() {
        let mut table = Table::new(Language::English);
        let overload = include_bytes!("../../../proto/tests/frames/syn-hist-adps-mono.tic");
        let end = overload.windows(4).position(|bytes| bytes == b"ADPS").unwrap() + 20;
        feed(&mut table, &overload[..end]);
        assert!(shown(&table, "ADPS").is_some());
        feed(&mut table, include_bytes!("../../../proto/tests/frames/syn-hist-base-mono.tic"));
        assert!(shown(&table, "ADPS").is_none(), "the overload is over");
        let before = table.rows().len();
        feed(&mut table, b"\x02\nADCO 012345678912 B\r\x03");
        assert_eq!(table.rows().len(), before, "a short frame takes nothing away");
    }
}
