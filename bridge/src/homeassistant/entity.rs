//! What an entity of Home Assistant is made of: one line of [`super::entities`], built step by step in a `const`.

use crate::{
    homeassistant::shown::Seen,
    words::language::{Language, Words},
};

/// The Home Assistant platform of an entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Platform {
    /// A value.
    Sensor,
    /// On or off.
    BinarySensor,
    /// Something that happens.
    Event,
}

impl Platform {
    /// As discovery payloads spell it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sensor => "sensor",
            Self::BinarySensor => "binary_sensor",
            Self::Event => "event",
        }
    }
}

/// Where an entity's value is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The `value` of a label in the merged state.
    Label(&'static str),
    /// The `timestamp` of a label in the merged state.
    Time(&'static str),
    /// A field of a label's `decoded` object in the merged state.
    Decoded(&'static str, &'static str),
    /// A field of the derived values.
    Derived(&'static str),
    /// A path in the quality report, such as `reader.version`.
    Quality(&'static str),
    /// The meter's availability.
    Availability,
    /// The meter's events.
    Events,
}

/// Something beside the value, shown as attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attributes {
    /// None.
    None,
    /// `time`: the timestamp of a label.
    Time(&'static str),
    /// Fields of the derived values, under their own names.
    Derived(&'static [&'static str]),
    /// The blocks of a day profile.
    Blocks(&'static str),
}

/// One value of an enum: the code in our JSON and its words.
pub type Choice = (&'static str, Words);

/// On which meters an entity makes sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phases {
    /// All.
    Any,
    /// Single-phase.
    Single,
    /// Three-phase.
    Three,
}

/// One thing a person cares about.
#[derive(Debug, Clone, Copy)]
pub struct Entity {
    /// Last part of the unique id, and the component's key. Never changes.
    pub key: &'static str,
    /// What the meter must have shown for the entity to exist (see [`crate::homeassistant::shown::Seen`]); empty: nothing.
    pub needs: &'static str,
    /// On which meters.
    pub phases: Phases,
    /// Sensor, binary sensor or event.
    pub platform: Platform,
    /// Where its value is read.
    pub source: Source,
    /// Its name, without the device's.
    pub name: Words,
    /// Device class, or empty.
    pub class: &'static str,
    /// State class, or empty.
    pub state_class: &'static str,
    /// Unit, or empty.
    pub unit: &'static str,
    /// Decimals to show.
    pub precision: Option<u8>,
    /// Whether it belongs among the diagnostics.
    pub diagnostic: bool,
    /// Whether the user has to enable it first.
    pub hidden: bool,
    /// Whether it stays available while its meter is not: what is needed to find out why.
    pub outlives_meter: bool,
    /// Icon, or empty for that of the class.
    pub icon: &'static str,
    /// All its values, for an enum; all its types, for an event.
    pub choices: &'static [Choice],
    /// What is shown beside the value.
    pub attributes: Attributes,
}

impl Entity {
    const fn new(platform: Platform, key: &'static str, needs: &'static str, source: Source, name: Words) -> Self {
        Self {
            key,
            needs,
            phases: Phases::Any,
            platform,
            source,
            name,
            class: "",
            state_class: "",
            unit: "",
            precision: None,
            diagnostic: false,
            hidden: false,
            outlives_meter: false,
            icon: "",
            choices: &[],
            attributes: Attributes::None,
        }
    }

    /// A sensor for the value of a label, there once the meter has sent that label.
    pub(super) const fn label(key: &'static str, label: &'static str, english: &'static str, french: &'static str) -> Self {
        Self::new(Platform::Sensor, key, label, Source::Label(label), Words::new(english, french))
    }

    /// A sensor for anything else.
    pub(super) const fn sensor(
        key: &'static str,
        needs: &'static str,
        source: Source,
        english: &'static str,
        french: &'static str,
    ) -> Self {
        Self::new(Platform::Sensor, key, needs, source, Words::new(english, french))
    }

    /// A binary sensor.
    pub(super) const fn binary(
        key: &'static str,
        needs: &'static str,
        source: Source,
        english: &'static str,
        french: &'static str,
    ) -> Self {
        Self::new(Platform::BinarySensor, key, needs, source, Words::new(english, french))
    }

    /// An event.
    pub(super) const fn event(key: &'static str, english: &'static str, french: &'static str) -> Self {
        Self::new(Platform::Event, key, "", Source::Events, Words::new(english, french))
    }

    const fn measured(self, class: &'static str, state_class: &'static str, unit: &'static str) -> Self {
        Self { class, state_class, unit, precision: Some(0), ..self }
    }

    /// An index in Wh.
    pub(super) const fn energy(self) -> Self {
        self.measured("energy", "total_increasing", "Wh")
    }

    /// An index in varh. No device class: 2024.11 does not know `reactive_energy` and would refuse the entity.
    pub(super) const fn reactive_energy(self) -> Self {
        self.measured("", "total_increasing", "varh").icon("mdi:sine-wave")
    }

    /// VA of the moment.
    pub(super) const fn apparent_power(self) -> Self {
        self.measured("apparent_power", "measurement", "VA")
    }

    /// A power in VA that was agreed or reached, not measured now.
    pub(super) const fn fixed_power(self) -> Self {
        self.measured("apparent_power", "", "VA")
    }

    /// W.
    pub(super) const fn power(self) -> Self {
        self.measured("power", "measurement", "W")
    }

    /// A.
    pub(super) const fn current(self) -> Self {
        self.measured("current", "measurement", "A")
    }

    /// A current that was agreed or reached.
    pub(super) const fn fixed_current(self) -> Self {
        self.measured("current", "", "A")
    }

    /// V.
    pub(super) const fn voltage(self) -> Self {
        self.measured("voltage", "measurement", "V")
    }

    /// A share in %, with one decimal.
    pub(super) const fn percent(self) -> Self {
        Self { precision: Some(1), ..self.measured("", "measurement", "%") }
    }

    /// A point in time.
    pub(super) const fn timestamp(self) -> Self {
        Self { class: "timestamp", ..self }
    }

    /// One of several values, translated.
    pub(super) const fn choices(self, choices: &'static [Choice]) -> Self {
        Self { class: if matches!(self.platform, Platform::Sensor) { "enum" } else { self.class }, choices, ..self }
    }

    /// A count since the reader started.
    pub(super) const fn count(self) -> Self {
        Self { state_class: "total_increasing", ..self }
    }

    /// With this device class.
    pub(super) const fn class(self, class: &'static str) -> Self {
        Self { class, ..self }
    }

    /// With this icon.
    pub(super) const fn icon(self, icon: &'static str) -> Self {
        Self { icon, ..self }
    }

    /// Among the diagnostics.
    pub(super) const fn diagnostic(self) -> Self {
        Self { diagnostic: true, ..self }
    }

    /// Among the diagnostics, and disabled until the user enables it.
    pub(super) const fn hidden(self) -> Self {
        Self { hidden: true, ..self }.diagnostic()
    }

    /// About how the meter is read, rather than about the meter: among the diagnostics, and there as long as the bridge is.
    pub(super) const fn reading(self) -> Self {
        Self { outlives_meter: true, ..self }.diagnostic()
    }

    /// With the time of a label beside it.
    pub(super) const fn timed(self, label: &'static str) -> Self {
        Self { attributes: Attributes::Time(label), ..self }
    }

    /// With other attributes.
    pub(super) const fn attributes(self, attributes: Attributes) -> Self {
        Self { attributes, ..self }
    }

    /// Once this is seen, rather than its label.
    pub(super) const fn needs(self, needs: &'static str) -> Self {
        Self { needs, ..self }
    }

    /// On single-phase meters only.
    pub(super) const fn single(self) -> Self {
        Self { phases: Phases::Single, ..self }
    }

    /// On three-phase meters only.
    pub(super) const fn three(self) -> Self {
        Self { phases: Phases::Three, ..self }
    }

    /// Whether a meter that has shown this has this entity.
    #[must_use]
    pub fn is_for(&self, seen: &Seen) -> bool {
        let phases = match self.phases {
            Phases::Any => true,
            Phases::Single => !seen.three_phase(),
            Phases::Three => seen.three_phase(),
        };
        phases && seen.has(self.needs)
    }

    /// The words of all choices.
    pub fn options(&self, language: Language) -> impl Iterator<Item = &'static str> {
        self.choices.iter().map(move |(_, words)| words.get(language))
    }
}
