//! The identity of a meter, ADCO or ADSC: manufacturer, year, type and serial number (54E §6.2.3.1, EURIDIS codes V3.04A).
//!
//! The twelve characters are the same in both modes, so a meter keeps its identity when Enedis switches it.

use core::{fmt, str::FromStr};

use super::{
    ParseError,
    digits::{self, DIGITS},
    spec::METER_ID_WIDTH,
};
use MeterFamily::{Blue, Concentrator, Ice, Linky, PmePmi, Yellow};

/// Twelve characters: two of manufacturer, two of year, two of type, six of serial number.
///
/// All digits on a Linky; the type of other appliances may be hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MeterId(pub(super) [u8; METER_ID_WIDTH]);

/// What the digits of [`MeterId::ends`] that stand in both count.
const OVERLAP: u32 = 10_u32.pow((2 * DIGITS - METER_ID_WIDTH) as u32);

/// The digits of the type may be hexadecimal, but never are on a Linky.
const NO_ADDRESS: ParseError = ParseError::expected("the 12 digits of a meter's address");

/// The families of meters with a TIC output (02E §2, EURIDIS type codes V3.04A). What a label means depends on it: PMAX is a power in W
/// on every meter but a Linky.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum MeterFamily {
    /// A Linky, whichever its generation.
    Linky,
    /// Compteur bleu électronique, CBEMM and CBETM: the households' meters before Linky.
    Blue,
    /// Compteur jaune électronique, CJE: 36 to 250 kVA.
    Yellow,
    /// PME-PMI: the yellow meter's successor.
    PmePmi,
    /// ICE, interface clientèle émeraude, in two or four quadrants: above 250 kVA.
    Ice,
    /// A box that reads other meters and repeats what they say.
    Concentrator,
}

/// What a type code says of a meter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MeterKind {
    /// Two characters of the identity.
    pub code: &'static str,
    /// Its family.
    pub family: MeterFamily,
    /// What Enedis calls it, in English.
    pub name: &'static str,
    /// The same in French.
    pub french: &'static str,
    /// One or three phases, where the type says it.
    pub phases: Option<u8>,
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

    /// Whether it is a Linky. The table has every older type, so one that is not in it came later.
    #[must_use]
    pub fn is_linky(&self) -> bool {
        self.kind().is_none_or(|kind| kind.family == MeterFamily::Linky)
    }

    /// What its type code stands for, if that is published.
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
        let [first, last] = self.ends().map(digits::number);
        Some(u64::from(first? / OVERLAP) * u64::from(digits::BEYOND) + u64::from(last?))
    }

    /// The first digits and the last ones, as many as are read at a time. They overlap.
    const fn ends(&self) -> [[u8; DIGITS]; 2] {
        let [a, b, c, d, e, f, g, h, i, j, k, l] = self.0;
        [[a, b, c, d, e, f, g, h], [e, f, g, h, i, j, k, l]]
    }

    /// Reads the characters of a field.
    pub(super) fn parse(text: &[u8]) -> Result<Self, ParseError> {
        <[u8; METER_ID_WIDTH]>::try_from(text).map_err(|_| NO_ADDRESS)?.try_into()
    }

    fn digits(&self, at: usize) -> Option<u8> {
        self.as_str().get(at..at + 2)?.parse().ok()
    }
}

impl FromStr for MeterId {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text.as_bytes())
    }
}

impl TryFrom<[u8; METER_ID_WIDTH]> for MeterId {
    type Error = ParseError;

    fn try_from(id: [u8; METER_ID_WIDTH]) -> Result<Self, Self::Error> {
        Some(Self(id)).filter(|id| id.ends().into_iter().all(digits::are_capital_hexadecimal)).ok_or(NO_ADDRESS)
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

const fn kind(code: &'static str, family: MeterFamily, phases: u8, name: &'static str, french: &'static str) -> MeterKind {
    MeterKind { code, family, name, french, phases: if phases == 0 { None } else { Some(phases) } }
}

/// EURIDIS type codes (V3.04A, 2019); 0 where a type does not say how many phases the meter has.
const KINDS: &[MeterKind] = &[
    kind("60", Linky, 1, "Linky 60 A G1", "Linky 60 A G1"),
    kind("61", Linky, 1, "Linky 60 A G3", "Linky 60 A G3"),
    kind("62", Linky, 1, "Linky 90 A G1", "Linky 90 A G1"),
    kind("63", Linky, 3, "Linky 60 A G1, three-phase", "Linky 60 A G1, triphasé"),
    kind("64", Linky, 1, "Linky 60 A G3", "Linky 60 A G3"),
    kind("65", Linky, 1, "Linky 90 A G3 (trial)", "Linky 90 A G3 (essai)"),
    kind("67", Linky, 1, "Linky 90 A G1 (pilot)", "Linky 90 A G1 (pilote)"),
    kind("68", Linky, 3, "Linky 60 A G1, three-phase (pilot)", "Linky 60 A G1, triphasé (pilote)"),
    kind("70", Linky, 1, "Linky 60 A G3", "Linky 60 A G3"),
    kind("71", Linky, 3, "Linky 60 A G3, three-phase", "Linky 60 A G3, triphasé"),
    kind("75", Linky, 1, "Linky 90 A G3", "Linky 90 A G3"),
    kind("76", Linky, 3, "Linky 60 A G3, three-phase", "Linky 60 A G3, triphasé"),
    kind("86", Linky, 1, "Linky SEI", "Linky SEI"),
    kind("87", Linky, 3, "Linky SEI, three-phase", "Linky SEI, triphasé"),
    kind("92", Linky, 0, "Linky ORES", "Linky ORES"),
    kind("93", Linky, 0, "Linky ORES", "Linky ORES"),
    kind("94", Linky, 0, "Linky ORES", "Linky ORES"),
    kind("01", Blue, 0, "CBE, first generation", "CBE, première génération"),
    kind("05", Blue, 0, "CBE, first generation", "CBE, première génération"),
    kind("09", Blue, 0, "CBE, first generation", "CBE, première génération"),
    kind("15", Blue, 0, "CBE, first generation", "CBE, première génération"),
    kind("20", Blue, 0, "CBE, first generation", "CBE, première génération"),
    kind("21", Blue, 0, "CBE, first generation", "CBE, première génération"),
    kind("22", Blue, 0, "CBE, second generation", "CBE, deuxième génération"),
    kind("23", Blue, 0, "CBE, second generation", "CBE, deuxième génération"),
    kind("25", Blue, 0, "CBE, second generation", "CBE, deuxième génération"),
    kind("26", Blue, 0, "CBE, second generation", "CBE, deuxième génération"),
    kind("27", Blue, 0, "CBE, second generation", "CBE, deuxième génération"),
    kind("28", Blue, 1, "CBEMM multi-rate (2007)", "CBEMM multitarif (2007)"),
    kind("29", Blue, 0, "CBE (2007)", "CBE (2007)"),
    kind("30", Blue, 3, "CBETM three-phase (2007)", "CBETM triphasé (2007)"),
    kind("31", Blue, 0, "CBE (2007)", "CBE (2007)"),
    kind("06", Yellow, 3, "CJE", "CJE"),
    kind("10", Yellow, 3, "CJE", "CJE"),
    kind("33", Yellow, 3, "CJE", "CJE"),
    kind("36", PmePmi, 3, "PME-PMI", "PME-PMI"),
    kind("07", Ice, 3, "ICE", "ICE"),
    kind("34", Ice, 3, "ICE, four quadrants", "ICE, quatre quadrants"),
    kind("03", Concentrator, 0, "Concentrator", "Concentrateur"),
    kind("04", Concentrator, 0, "Concentrator", "Concentrateur"),
    kind("19", Concentrator, 0, "Concentrator", "Concentrateur"),
];

#[cfg(test)]
mod tests {
    extern crate std;

    use std::format;

    use super::{KINDS, MeterFamily, MeterId};

    #[test]
    fn identity_is_taken_apart() {
        let id: MeterId = "031961256789".parse().unwrap();
        assert_eq!(id.manufacturer(), Some("Itron"));
        assert_eq!(id.year(), Some(2019));
        assert_eq!(id.kind().map(|kind| (kind.name, kind.phases)), Some(("Linky 60 A G3", Some(1))));
        assert_eq!(id.serial(), "256789");
        assert_eq!(id.number(), Some(31_961_256_789));
    }

    #[test]
    fn a_meter_older_than_linky_is_not_called_linky() {
        let of_type = |code: &str| format!("0104{code}000051").parse::<MeterId>().unwrap();
        for kind in KINDS {
            assert_eq!(of_type(kind.code).kind(), Some(kind), "{} stands there once", kind.code);
            assert_eq!(of_type(kind.code).is_linky(), kind.family == MeterFamily::Linky, "{}", kind.code);
            for name in [kind.name, kind.french] {
                assert!(!name.is_empty(), "{}", kind.code);
                assert_eq!(name.starts_with("Linky"), kind.family == MeterFamily::Linky, "{}", kind.code);
            }
        }
        assert!(of_type("77").kind().is_none() && of_type("77").is_linky(), "a type that came later");
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
