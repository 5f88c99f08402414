//! Values for other formats (feature `serde`): quantities as numbers, everything else as the text that stands on the line.

use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{
    DayProfile, MeterId, MissingPhases, Relays, StatusRegister, TariffOption, TariffPeriod, Timestamp, Tomorrow, Unit, spec::METER_ID_WIDTH,
};

/// Serialises as the type prints itself.
macro_rules! as_text {
    ($($type:ty),+) => {$(
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    )+};
}

as_text!(DayProfile, MissingPhases, StatusRegister, TariffPeriod, Timestamp, Tomorrow, Unit);

impl Serialize for TariffOption {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl Serialize for Relays {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(self.bits())
    }
}

/// Text for people, its twelve bytes for machines.
impl Serialize for MeterId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() { serializer.serialize_str(self.as_str()) } else { self.0.serialize(serializer) }
    }
}

impl<'de> Deserialize<'de> for MeterId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return deserializer.deserialize_str(MeterIdText);
        }
        <[u8; METER_ID_WIDTH]>::deserialize(deserializer)?.try_into().map_err(de::Error::custom)
    }
}

/// Reads a meter's address from text.
struct MeterIdText;

impl de::Visitor<'_> for MeterIdText {
    type Value = MeterId;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the {METER_ID_WIDTH} digits of a meter's address")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<MeterId, E> {
        text.parse().map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::string::String;

    use crate::tic::{Dataset, MeterId, Mode};

    fn json(mode: Mode, label: &str, data: &str) -> String {
        serde_json::to_string(&Dataset::new(mode, label, None, data).unwrap().value()).unwrap()
    }

    #[test]
    fn values_as_json() {
        assert_eq!(json(Mode::Historic, "PAPP", "00540"), r#"{"apparent_power":540}"#);
        assert_eq!(json(Mode::Historic, "PTEC", "HPJR"), r#"{"period":"HPJR"}"#);
        assert_eq!(json(Mode::Standard, "STGE", "003A0001"), r#"{"status":"003A0001"}"#);
        assert_eq!(json(Mode::Historic, "DEMAIN", "----"), r#"{"tomorrow":"----"}"#);
    }

    #[test]
    fn an_address_comes_back() {
        let id: MeterId = "031961256789".parse().unwrap();
        let text = serde_json::to_string(&id).unwrap();
        assert_eq!((text.as_str(), serde_json::from_str(&text).unwrap()), (r#""031961256789""#, id));
        assert!(serde_json::from_str::<MeterId>(r#""0319""#).is_err());
    }
}
