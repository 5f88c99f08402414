//! How a reader is doing, also when no meter can be found.

use serde::{Deserialize, Serialize};

use super::{
    BootId, Counters, Error,
    envelope::{self, Type},
    numbered::numbered,
};
use crate::tic::{MeterId, Mode};

numbered! {
    /// The state of the serial line.
    LineState {
        /// There is no such device.
        Absent = 0, "absent";
        /// The device may not be opened.
        Denied = 1, "denied";
        /// Another program holds the device.
        Busy = 2, "busy";
        /// Open, but not a byte comes.
        Silent = 3, "silent";
        /// Bytes come, but nothing verifies yet.
        Searching = 4, "searching";
        /// Datasets verify.
        Reading = 5, "reading";
    }
}

numbered! {
    /// What is the likely cause of trouble on the line. What to do about it: [`Cause::advice`].
    Cause {
        /// No trouble.
        None = 0, "none";
        /// No device.
        NoDevice = 1, "no-device";
        /// No permission.
        NoPermission = 2, "no-permission";
        /// Another program.
        DeviceInUse = 3, "device-in-use";
        /// Not a byte.
        NoSignal = 4, "no-signal";
        /// Bytes that never make a dataset, at either speed.
        NotTic = 5, "not-tic";
        /// Bits are lost: characters come with bits cleared.
        WeakSignal = 6, "weak-signal";
        /// Damage now and then.
        Noise = 7, "noise";
        /// Good datasets, but never an identity.
        NoIdentity = 8, "no-identity";
        /// The meter sends its identity only: its output sleeps.
        Asleep = 9, "asleep";
        /// Datasets are whole, but the control characters around them (LF, STX) are damaged.
        ControlsDamaged = 10, "controls-damaged";
        /// Bytes are missing, and those that come are whole.
        BytesMissing = 11, "bytes-missing";
        /// Another program has the line open too, and bytes are missing.
        BytesTaken = 12, "bytes-taken";
        /// One label is refused in every frame; see [`Status::label`].
        LabelRefused = 13, "label-refused";
        /// A yellow meter (CJE), which never sends an address.
        YellowMeter = 14, "yellow-meter";
        /// An ICE meter, which never sends an address.
        IceMeter = 15, "ice-meter";
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
    #[serde(with = "mode_number")]
    pub mode: Option<Mode>,
    /// The meter found.
    pub meter: Option<MeterId>,
    /// What the history holds.
    pub history: Extent,
    /// The label that the cause is about; empty if it is about none.
    pub label: &'a str,
    /// All counters.
    pub counters: Counters,
}

/// A mode as a number, 0 for none; one that is not known is none.
mod mode_number {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::tic::Mode;

    const NUMBERS: [(u32, Mode); 2] = [(1, Mode::Historic), (2, Mode::Standard)];

    pub(super) fn serialize<S: Serializer>(mode: &Option<Mode>, serializer: S) -> Result<S::Ok, S::Error> {
        let number = NUMBERS.iter().find(|(_, known)| *mode == Some(*known)).map_or(0, |(number, _)| *number);
        serializer.serialize_u32(number)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Mode>, D::Error> {
        let number = u32::deserialize(deserializer)?;
        Ok(NUMBERS.iter().find(|(known, _)| *known == number).map(|(_, mode)| *mode))
    }
}

impl<'a> Status<'a> {
    /// Room enough for a name and a release of 64 bytes each, and for some fields of a later release.
    pub const BYTES_MAX: usize = 512;

    /// Writes the status into `buffer`.
    ///
    /// # Errors
    ///
    /// [`Error::Full`].
    pub fn encode<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8], Error> {
        envelope::write(Type::Status, self, buffer)
    }

    /// Reads a status.
    ///
    /// # Errors
    ///
    /// Every [`Error`] but [`Error::Full`] and [`Error::Key`].
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Error> {
        envelope::read(Type::Status, bytes, Self::BYTES_MAX)
    }
}
