//! How a reader is doing, also when no meter can be found.

use serde::{Deserialize, Serialize};

use super::{BootId, Counters, Error};
use crate::tic::{MeterId, Mode};

/// The state of the serial line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LineState {
    /// There is no such device.
    Absent,
    /// The device may not be opened.
    Denied,
    /// Another program holds the device.
    Busy,
    /// Open, but not a byte comes.
    Silent,
    /// Bytes come, but nothing verifies yet.
    Searching,
    /// Datasets verify.
    Reading,
}

impl LineState {
    /// One word for machines.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Denied => "denied",
            Self::Busy => "busy",
            Self::Silent => "silent",
            Self::Searching => "searching",
            Self::Reading => "reading",
        }
    }
}

/// What is the likely cause of trouble on the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// No trouble.
    None,
    /// No device.
    NoDevice,
    /// No permission.
    NoPermission,
    /// Another program.
    DeviceInUse,
    /// Not a byte.
    NoSignal,
    /// Bytes that never make a dataset, at either speed.
    NotTic,
    /// Bits are lost: characters come with bits cleared.
    WeakSignal,
    /// Damage now and then.
    Noise,
    /// Good datasets, but never an identity.
    NoIdentity,
    /// The meter sends its identity only: its output sleeps.
    Asleep,
}

impl Cause {
    /// The words a person at the meter can act on: English, French.
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::None => ("no trouble", "aucun problème"),
            Self::NoDevice => (
                "the serial device is missing: check the adapter and the name of the device",
                "le port série est absent : vérifier l'adaptateur et le nom du périphérique",
            ),
            Self::NoPermission => (
                "the serial device may not be opened: put the user into the group dialout",
                "accès refusé au port série : ajouter l'utilisateur au groupe dialout",
            ),
            Self::DeviceInUse => (
                "another program holds the serial device: stop it, or free the console (serial-getty)",
                "un autre programme occupe le port série : l'arrêter, ou libérer la console (serial-getty)",
            ),
            Self::NoSignal => (
                "not a byte from the meter: check the two wires on I1 and I2",
                "aucun octet du compteur : vérifier les deux fils sur I1 et I2",
            ),
            Self::NotTic => (
                "bytes arrive but are no TIC at 1200 or 9600 baud: check the modem and the wires",
                "des octets arrivent mais ce n'est pas de la TIC à 1200 ou 9600 bauds : vérifier le modem et les fils",
            ),
            Self::WeakSignal => (
                "bits are lost on the line: check the modem's resistor, the wires and their length",
                "des bits se perdent sur la ligne : vérifier la résistance du modem, les fils et leur longueur",
            ),
            Self::Noise => (
                "some datasets are damaged: keep the wires away from mains cables, use a twisted pair",
                "des groupes sont abîmés : éloigner les fils des câbles secteur, utiliser une paire torsadée",
            ),
            Self::NoIdentity => (
                "datasets are good but the meter's address (ADCO or ADSC) never is: check the line's quality",
                "les groupes sont bons mais jamais l'adresse du compteur (ADCO ou ADSC) : vérifier la qualité de la ligne",
            ),
            Self::Asleep => (
                "the meter sends its address only: its output is asleep, ask the supplier",
                "le compteur n'envoie que son adresse : sa sortie est en veille, demander au fournisseur",
            ),
        }
    }

    /// What to do, in English.
    #[must_use]
    pub const fn english(self) -> &'static str {
        self.words().0
    }

    /// What to do, in French.
    #[must_use]
    pub const fn french(self) -> &'static str {
        self.words().1
    }
}

/// The samples that a reader's history holds, by sequence; 0 for none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extent {
    /// The oldest.
    pub oldest: u64,
    /// The newest.
    pub newest: u64,
}

/// A reader's report on itself, sent on change and every few seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status<'a> {
    /// The reader's name, as in its key.
    pub name: &'a str,
    /// Its release.
    pub release: &'a str,
    /// Its process.
    pub boot: BootId,
    /// Its wall clock, in milliseconds since 1970.
    pub unix_ms: i64,
    /// Milliseconds since its process started.
    pub uptime_ms: u64,
    /// The serial line.
    pub line: LineState,
    /// What seems to be wrong.
    pub cause: Cause,
    /// The mode found.
    pub mode: Option<Mode>,
    /// The meter found.
    pub meter: Option<MeterId>,
    /// All counters.
    pub counters: Counters,
    /// What the history holds.
    pub history: Extent,
}

impl<'a> Status<'a> {
    /// Room enough for a name and a release of 64 bytes each.
    pub const BYTES_MAX: usize = 384;

    /// Writes the status into `buffer`.
    ///
    /// # Errors
    ///
    /// [`Error::Full`].
    pub fn encode<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8], Error> {
        super::encode(self, buffer)
    }

    /// Reads a status.
    ///
    /// # Errors
    ///
    /// [`Error::Version`], [`Error::Truncated`] or [`Error::Malformed`].
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Error> {
        super::decode(bytes)
    }
}
