//! What an entity of Home Assistant is made of: one line of [`super::entities`], built step by step in a `const`.

use teleinfo_proto::tic::{Phases, Role};

use super::shown::{Feature, Shown};
use crate::words::language::{Language, Words};

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
    /// The same, of whichever label the meter has for this.
    Role(Role),
    /// The `timestamp` of a label in the merged state.
    Time(&'static str),
    /// A field of a label's `decoded` object in the merged state.
    Decoded(&'static str, &'static str),
    /// A field of the derived values.
    Derived(&'static str),
    /// A field of the power that is told as soon as its dataset has come.
    Power(&'static str),
    /// A path in the quality report, such as `reader.version`.
    Quality(&'static str),
    /// The meter's availability.
    Availability,
    /// The meter's events of these types.
    Events(&'static [&'static str]),
}

/// Something beside the value, shown as attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attributes {
    /// None.
    None,
    /// `time`: the timestamp of a label.
    Time(&'static str),
    /// Fields of the derived values, under their own names: of a path such as `tempo_season.partial` the last one.
    Derived(&'static [&'static str]),
    /// Fields of the power, under their own names.
    Power(&'static [&'static str]),
    /// The blocks of a day profile.
    Blocks(&'static str),
}

/// One value of an enum: the code in our JSON and its words.
pub type Choice = (&'static str, Words);

/// What a meter must have shown for an entity to exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Nothing: every meter has it.
    Always,
    /// A label of the line.
    Label(&'static str),
    /// Whichever label it has for this: PAPP, SINSTS and SINST1 are one thing.
    Role(Role),
    /// Something that takes more than a label to know.
    Feature(Feature),
    /// Prices, which its owner gives.
    Prices,
    /// A price of the tariff with this key.
    PriceOf(&'static str),
}

/// One thing a person cares about.
#[derive(Debug, Clone, Copy)]
pub struct Entity {
    /// Last part of the unique id, and the component's key. Never changes.
    pub key: &'static str,
    /// What the meter must have shown for the entity to exist.
    pub needs: Need,
    /// On which meters.
    pub phases: Phases,
    /// Sensor, binary sensor or event.
    pub platform: Platform,
    /// Where its value is read.
    pub source: Source,
    /// Its name, without the device's.
    pub name: Words,
    /// Device class.
    pub class: Option<&'static str>,
    /// State class.
    pub state_class: Option<&'static str>,
    /// Unit.
    pub unit: Option<&'static str>,
    /// Whether its value is a thousand times the number in that unit.
    pub is_thousandfold: bool,
    /// Decimals to show.
    pub precision: Option<u8>,
    /// Whether it belongs among the diagnostics.
    pub diagnostic: bool,
    /// Whether the user has to enable it first.
    pub hidden: bool,
    /// Whether it stays available while its meter is not: what is needed to find out why.
    pub outlives_meter: bool,
    /// The derived value that tells when its number began anew.
    pub since: Option<&'static str>,
    /// Icon, where that of the device class does not fit.
    pub icon: Option<&'static str>,
    /// All its values, for an enum.
    pub choices: &'static [Choice],
    /// What is shown beside the value.
    pub attributes: Attributes,
}

impl Entity {
    const fn new(platform: Platform, key: &'static str, needs: Need, source: Source, name: Words) -> Self {
        Self {
            key,
            needs,
            phases: Phases::Any,
            platform,
            source,
            name,
            class: None,
            state_class: None,
            unit: None,
            is_thousandfold: false,
            precision: None,
            diagnostic: false,
            hidden: false,
            outlives_meter: false,
            since: None,
            icon: None,
            choices: &[],
            attributes: Attributes::None,
        }
    }

    /// A sensor for the value of a label, there once the meter has sent that label.
    pub(super) const fn label(key: &'static str, label: &'static str, english: &'static str, french: &'static str) -> Self {
        Self::new(Platform::Sensor, key, Need::Label(label), Source::Label(label), Words::new(english, french))
    }

    /// A sensor for the value of whichever label a meter has for this.
    pub(super) const fn role(key: &'static str, role: Role, english: &'static str, french: &'static str) -> Self {
        Self::new(Platform::Sensor, key, Need::Role(role), Source::Role(role), Words::new(english, french))
    }

    /// A sensor for anything else.
    pub(super) const fn sensor(key: &'static str, needs: Need, source: Source, english: &'static str, french: &'static str) -> Self {
        Self::new(Platform::Sensor, key, needs, source, Words::new(english, french))
    }

    /// A binary sensor.
    pub(super) const fn binary(key: &'static str, needs: Need, source: Source, english: &'static str, french: &'static str) -> Self {
        Self::new(Platform::BinarySensor, key, needs, source, Words::new(english, french))
    }

    /// Events of some types.
    pub(super) const fn event(
        key: &'static str,
        needs: Need,
        types: &'static [&'static str],
        english: &'static str,
        french: &'static str,
    ) -> Self {
        Self::new(Platform::Event, key, needs, Source::Events(types), Words::new(english, french))
    }

    /// A number in a unit, shown without decimals.
    const fn number(self, unit: &'static str) -> Self {
        Self { unit: Some(unit), precision: Some(0), ..self }
    }

    const fn state_class(self, state_class: &'static str) -> Self {
        Self { state_class: Some(state_class), ..self }
    }

    /// An index in Wh, shown in kWh as on the meter and on the bill.
    pub(super) const fn energy(self) -> Self {
        let kwh = Self { is_thousandfold: true, precision: Some(1), ..self.number("kWh") };
        kwh.class("energy").state_class("total_increasing")
    }

    /// An index in varh. No device class: 2024.11 does not know `reactive_energy` and would refuse the entity.
    pub(super) const fn reactive_energy(self) -> Self {
        self.number("varh").state_class("total_increasing").icon("mdi:sine-wave")
    }

    /// The apparent power of the moment, in VA.
    pub(super) const fn apparent_power(self) -> Self {
        self.fixed_power().state_class("measurement")
    }

    /// A power in VA that was agreed or reached, not measured now.
    pub(super) const fn fixed_power(self) -> Self {
        self.number("VA").class("apparent_power")
    }

    /// An active power, in W.
    pub(super) const fn power(self) -> Self {
        self.number("W").class("power").state_class("measurement")
    }

    /// An active power, in kW.
    pub(super) const fn kilowatts(self) -> Self {
        self.number("kW").class("power").state_class("measurement")
    }

    /// An energy that begins anew now and then: no statistics are kept of it.
    pub(super) const fn count_of(self, unit: &'static str) -> Self {
        self.number(unit).icon("mdi:counter")
    }

    /// A current of the moment, in A.
    pub(super) const fn current(self) -> Self {
        self.fixed_current().state_class("measurement")
    }

    /// A current that was agreed or reached.
    pub(super) const fn fixed_current(self) -> Self {
        self.number("A").class("current")
    }

    /// A voltage, in V.
    pub(super) const fn voltage(self) -> Self {
        self.number("V").class("voltage").state_class("measurement")
    }

    /// A share in %, with one decimal.
    pub(super) const fn percent(self) -> Self {
        Self { precision: Some(1), ..self.number("%").state_class("measurement") }
    }

    /// Days of a Tempo season that were counted: they begin anew each September.
    pub(super) const fn days(self) -> Self {
        let whole = Self { precision: Some(0), ..self.state_class("measurement") };
        whole.icon("mdi:calendar-multiselect").attributes(Attributes::Derived(&["tempo_season.partial", "tempo_season.since"])).diagnostic()
    }

    /// The price of a kWh that holds now.
    pub(super) const fn price_now(self) -> Self {
        self.price().state_class("measurement")
    }

    /// A price of a kWh.
    pub(super) const fn price(self) -> Self {
        Self { precision: Some(4), ..self.number("EUR/kWh").icon("mdi:currency-eur") }
    }

    /// What was paid for. Home Assistant takes no other state class for money.
    pub(super) const fn cost(self) -> Self {
        Self { precision: Some(2), ..self.number("EUR").class("monetary").state_class("total") }
    }

    /// With the time, a derived value, at which it began anew.
    pub(super) const fn since(self, since: &'static str) -> Self {
        Self { since: Some(since), ..self }
    }

    /// A time that is left, in s.
    pub(super) const fn seconds(self) -> Self {
        self.number("s").class("duration").state_class("measurement")
    }

    /// A point in time.
    pub(super) const fn timestamp(self) -> Self {
        self.class("timestamp")
    }

    /// One of several values, translated.
    pub(super) const fn choices(self, choices: &'static [Choice]) -> Self {
        Self { choices, ..self.class("enum") }
    }

    /// A count since the reader started.
    pub(super) const fn count(self) -> Self {
        self.state_class("total_increasing")
    }

    /// With this device class.
    pub(super) const fn class(self, class: &'static str) -> Self {
        Self { class: Some(class), ..self }
    }

    /// With this icon.
    pub(super) const fn icon(self, icon: &'static str) -> Self {
        Self { icon: Some(icon), ..self }
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

    /// An entity that needs this to be shown, rather than its label.
    pub(super) const fn needs(self, needs: Need) -> Self {
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

    /// This entity as a meter has it that has shown this, if it has it: roles have become the labels that it sends.
    #[must_use]
    pub fn of(&self, shown: &Shown) -> Option<Self> {
        let label = |role| shown.label_with_role(role);
        let needs = if let Need::Role(role) = self.needs { Need::Label(label(role)?) } else { self.needs };
        let source = if let Source::Role(role) = self.source { Source::Label(label(role)?) } else { self.source };
        self.is_for(shown).then_some(Self { needs, source, ..*self })
    }

    /// Whether a meter that has shown this has this entity.
    #[must_use]
    pub fn is_for(&self, shown: &Shown) -> bool {
        let need = match self.needs {
            Need::Always => true,
            Need::Label(label) => shown.has_label(label),
            Need::Role(role) => shown.label_with_role(role).is_some(),
            Need::Feature(feature) => shown.has(feature),
            // A meter shows none, and the owner may take them back.
            Need::Prices | Need::PriceOf(_) => false,
        };
        need && shown.fits(self.phases)
    }

    /// The words of all choices.
    pub fn options(&self, language: Language) -> impl Iterator<Item = &'static str> {
        self.choices.iter().map(move |(_, words)| words.get(language))
    }
}
