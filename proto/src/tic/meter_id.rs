//! The identity of a meter, ADCO or ADSC: manufacturer, year, type and serial number (54E §6.2.3.1, EURIDIS codes V3.04A).
//!
//! The twelve characters are the same in both modes, so a meter keeps its identity when Enedis switches it.

use core::{fmt, str::FromStr};

use super::{ParseError, spec::METER_ID_WIDTH};

/// Twelve characters: two of manufacturer, two of year, two of type, six of serial number.
///
/// All digits on a Linky; the type of other appliances may be hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MeterId(pub(super) [u8; METER_ID_WIDTH]);

/// The digits of the type may be hexadecimal, but never are on a Linky.
const NO_ADDRESS: ParseError = ParseError::expected("the 12 digits of a meter's address");

/// What a type code says of a Linky or an older meter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MeterKind {
    /// Two characters of the identity.
    pub code: &'static str,
    /// What Enedis calls it.
    pub name: &'static str,
    /// One or three phases.
    pub phases: u8,
}

impl MeterId {
    /// The twelve characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Only ASCII gets in.
        core::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Who made it, if the code is attributed.
    #[must_use]
    pub fn manufacturer(&self) -> Option<&'static str> {
        let code = self.digits(0)?;
        MANUFACTURERS.iter().find(|(known, _)| *known == code).map(|(_, name)| *name)
    }

    /// The year it was made, 2000 to 2099 (or, for meters of the last century, 100 too late).
    #[must_use]
    pub fn year(&self) -> Option<u16> {
        self.digits(2).map(|year| 2000 + u16::from(year))
    }

    /// What its type code stands for, if it is one of a household meter.
    #[must_use]
    pub fn kind(&self) -> Option<&'static MeterKind> {
        KINDS.iter().find(|kind| kind.code.as_bytes() == &self.0[4..6])
    }

    /// The serial number within manufacturer, year and type.
    #[must_use]
    pub fn serial(&self) -> &str {
        self.as_str().get(6..).unwrap_or_default()
    }

    /// The identity as a number, where it has digits only.
    #[must_use]
    pub fn number(&self) -> Option<u64> {
        self.as_str().parse().ok()
    }

    fn digits(&self, at: usize) -> Option<u8> {
        self.as_str().get(at..at + 2)?.parse().ok()
    }
}

impl FromStr for MeterId {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        <[u8; METER_ID_WIDTH]>::try_from(text.as_bytes()).map_err(|_| NO_ADDRESS)?.try_into()
    }
}

impl TryFrom<[u8; METER_ID_WIDTH]> for MeterId {
    type Error = ParseError;

    fn try_from(id: [u8; METER_ID_WIDTH]) -> Result<Self, Self::Error> {
        if id.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F')) { Ok(Self(id)) } else { Err(NO_ADDRESS) }
    }
}

impl fmt::Display for MeterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for MeterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MeterId({self})")
    }
}

/// EURIDIS manufacturer codes (V3.04A, 2019), each with the name it goes by today.
const MANUFACTURERS: &[(u8, &str)] = &[
    (1, "Crouzet / Monetel"),
    (2, "Sagemcom"),
    (3, "Itron"),
    (4, "Landis+Gyr"),
    (5, "Sauter / Stepper"),
    (6, "Itron"),
    (7, "MAEC"),
    (8, "Chauvin Arnoux / Enerdis"),
    (9, "Faure-Herman"),
    (10, "SEVME / SIS"),
    (11, "Elster / Honeywell"),
    (12, "Gaz Thermique"),
    (14, "Dialog / Micronique"),
    (15, "Mecelec"),
    (16, "Legrand / Baco"),
    (17, "SERD-Schlumberger"),
    (18, "Schneider Electric"),
    (19, "General Electric"),
    (20, "Nuovo Pignone / Dresser"),
    (21, "SCLE"),
    (22, "EDF"),
    (23, "GDF Suez"),
    (24, "Hager"),
    (25, "Delta Dore"),
    (26, "RIZ"),
    (27, "Iskraemeco"),
    (28, "GMT"),
    (29, "Analog Device"),
    (30, "Michaud"),
    (31, "Hexing"),
    (32, "Siame"),
    (33, "Larsen & Toubro"),
    (34, "Elster / Honeywell"),
    (35, "Electronic Afzar Azma"),
    (36, "Advanced Electronic Company"),
    (37, "AEM"),
    (38, "Chint"),
    (39, "ZIV"),
    (70, "Landis+Gyr"),
    (71, "Landis+Gyr"),
    (81, "Sagemcom"),
    (82, "Landis+Gyr"),
    (83, "Elster / Honeywell"),
    (84, "Sagemcom"),
    (85, "Itron"),
];

const fn kind(code: &'static str, phases: u8, name: &'static str) -> MeterKind {
    MeterKind { code, name, phases }
}

/// EURIDIS type codes of meters in households.
const KINDS: &[MeterKind] = &[
    kind("60", 1, "Linky 60 A G1"),
    kind("61", 1, "Linky 60 A G3"),
    kind("62", 1, "Linky 90 A G1"),
    kind("63", 3, "Linky 60 A G1, three-phase"),
    kind("64", 1, "Linky 60 A G3"),
    kind("65", 1, "Linky 90 A G3 (trial)"),
    kind("67", 1, "Linky 90 A G1 (pilot)"),
    kind("68", 3, "Linky 60 A G1, three-phase (pilot)"),
    kind("70", 1, "Linky 60 A G3"),
    kind("71", 3, "Linky 60 A G3, three-phase"),
    kind("75", 1, "Linky 90 A G3"),
    kind("76", 3, "Linky 60 A G3, three-phase"),
    kind("86", 1, "Linky SEI"),
    kind("87", 3, "Linky SEI, three-phase"),
    kind("28", 1, "CBEMM multi-rate (2007)"),
    kind("30", 3, "CBETM three-phase (2007)"),
];

#[cfg(test)]
mod tests {
    use super::MeterId;

    #[test]
    fn identity_is_taken_apart() {
        let id: MeterId = "031961256789".parse().unwrap();
        assert_eq!(id.manufacturer(), Some("Itron"));
        assert_eq!(id.year(), Some(2019));
        assert_eq!(id.kind().map(|kind| (kind.name, kind.phases)), Some(("Linky 60 A G3", 1)));
        assert_eq!(id.serial(), "256789");
        assert_eq!(id.number(), Some(31_961_256_789));
    }

    #[test]
    fn unattributed_codes_are_no_error() {
        let id: MeterId = "9000FF000001".parse().unwrap();
        assert_eq!((id.manufacturer(), id.kind(), id.number()), (None, None, None));
    }

    #[test]
    fn other_widths_and_characters_are_refused() {
        for text in ["", "12345678901", "1234567890123", "12345678901x", "12345678901é"] {
            assert!(text.parse::<MeterId>().is_err(), "{text}");
        }
    }
}
