//! What a bridge must never forget of a meter's energy: the total, and where each register stood.
//!
//! It is kept twice, in the state directory and as a retained message on the broker, so that the loss of one machine costs nothing. The
//! newer one counts. An old one does no harm: what registers counted since is added to its total.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use teleinfo_proto::tic::{MeterId, spec::INDEX_MAX};

use crate::{
    energy::{
        judge::Reading,
        limit::Limit,
        meaning::{Meaning, Meanings},
        register::Register,
        total::Total,
    },
    prices::costs::Costs,
    words::{
        checksum::{DIGITS, checksum},
        language::Words,
    },
};

/// What is retained ends with a checksum of all before it, as the last field of the JSON.
const CHECKSUM: &[u8] = br#","checksum":""#;
/// The form of what is kept. Another one is not read.
const VERSION: u32 = 1;
/// A ledger is much shorter; more is not read.
pub const BYTES_MAX: usize = 32_768;
/// No house draws so much in a hundred years, in Wh.
const TOTAL_MAX: u64 = 100_000_000_000;
/// More registers than there are.
const REGISTERS_MAX: usize = 64;
/// More meanings than there can be.
const MEANINGS_MAX: usize = 128;

/// What is kept of one meter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// The form.
    version: u32,
    /// The meter, as its twelve digits.
    meter: String,
    /// Counts the times that it was written; of two the higher one is newer.
    pub sequence: u64,
    /// When it was written, in ms since 1970.
    pub written_ms: i64,
    /// What was drawn in all.
    pub total: Option<Total>,
    /// What each register last said.
    pub indexes: BTreeMap<Register, Reading>,
    /// What the indexes mean.
    pub meanings: Meanings,
    /// The meter whose total this one goes on from, as its twelve digits.
    pub continues: Option<String>,
    /// What was paid for.
    #[serde(default)]
    pub costs: Costs,
    /// The ids of the meanings that hold now: what Home Assistant makes an entity available by.
    current: Vec<String>,
}

/// Why a ledger is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Its checksum is wrong, or missing.
    Damaged,
    /// It cannot be read.
    Unreadable,
    /// It is of another form.
    Version,
    /// It is of another meter.
    Meter,
    /// A number in it cannot be.
    Bounds,
    /// It is newer than the one beside it, and yet its total is lower.
    StepsBack,
    /// It is newer than the one beside it, and more was drawn in between than can be.
    TooFar,
}

impl Refusal {
    /// In words.
    #[must_use]
    pub const fn words(self) -> Words {
        match self {
            Self::Damaged => Words::new("it is damaged", "il est abîmé"),
            Self::Unreadable => Words::new("it cannot be read", "il est illisible"),
            Self::Version => Words::new("another release wrote it", "une autre version l'a écrit"),
            Self::Meter => Words::new("it is of another meter", "il est d'un autre compteur"),
            Self::Bounds => Words::new("a number in it cannot be", "un de ses nombres est impossible"),
            Self::StepsBack => Words::new("its total is below that of an older one", "son total est sous celui d'un plus ancien"),
            Self::TooFar => Words::new(
                "its total is further ahead of an older one than the time between them allows",
                "son total dépasse celui d'un plus ancien de plus que le temps entre eux ne le permet",
            ),
        }
    }
}

impl Ledger {
    /// A ledger of a meter.
    #[must_use]
    pub fn new(
        meter: MeterId,
        sequence: u64,
        written_ms: i64,
        total: Option<Total>,
        indexes: BTreeMap<Register, Reading>,
        meanings: Meanings,
    ) -> Self {
        let current = meanings.current().map(Meaning::id).collect();
        Self {
            version: VERSION,
            meter: meter.to_string(),
            sequence,
            written_ms,
            total,
            indexes,
            meanings,
            continues: None,
            costs: Costs::default(),
            current,
        }
    }

    /// Reads the ledger of a meter from what is retained.
    ///
    /// # Errors
    /// It is damaged, of another meter, or cannot be.
    pub fn read(meter: MeterId, json: &[u8]) -> Result<Self, Refusal> {
        if json.len() > BYTES_MAX {
            return Err(Refusal::Unreadable);
        }
        let json = whole(json).ok_or(Refusal::Damaged)?;
        let ledger: Self = serde_json::from_slice(&json).map_err(|_| Refusal::Unreadable)?;
        ledger.check(meter)?;
        Ok(ledger)
    }

    /// Whether it can be the ledger of a meter.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self, meter: MeterId) -> Result<(), Refusal> {
        if self.version != VERSION {
            return Err(Refusal::Version);
        }
        if self.meter.parse() != Ok(meter) {
            return Err(Refusal::Meter);
        }
        let totals = self.total.iter().flat_map(|total| total.registers.values().chain([&total.wh]));
        let fits = self.indexes.len() <= REGISTERS_MAX
            && self.indexes.values().all(|reading| reading.wh <= INDEX_MAX)
            && totals.clone().all(|wh| *wh <= TOTAL_MAX)
            && totals.count() <= REGISTERS_MAX
            && self.costs.can_be()
            && self.meanings.count() <= MEANINGS_MAX
            && self.sequence < u64::MAX / 2;
        if fits { Ok(()) } else { Err(Refusal::Bounds) }
    }

    /// Of two ledgers of a meter the newer one, unless it cannot follow from the older; then the older one, and why.
    #[must_use]
    pub fn newest(kept: Option<Self>, other: Self) -> (Self, Option<Refusal>) {
        let Some(kept) = kept else { return (other, None) };
        let age = |ledger: &Self| (ledger.sequence, ledger.written_ms);
        let (older, newer) = if age(&kept) <= age(&other) { (kept, other) } else { (other, kept) };
        let refusal = match (&older.total, &newer.total) {
            (Some(_), None) => Some(Refusal::StepsBack),
            (Some(before), Some(after)) if after.wh < before.wh => Some(Refusal::StepsBack),
            (Some(before), Some(after)) => {
                let elapsed = u64::try_from(after.at_ms.saturating_sub(before.at_ms)).unwrap_or(0);
                (after.wh - before.wh > Limit::default().possible(true, elapsed)).then_some(Refusal::TooFar)
            }
            (None, _) => None,
        };
        (if refusal.is_some() { older } else { newer }, refusal)
    }

    /// The JSON that is retained. `None` if it cannot be written: an empty payload would delete what the broker holds.
    #[must_use]
    pub fn json(&self) -> Option<Vec<u8>> {
        serde_json::to_vec(self).ok().map(|json| with_checksum(&json))
    }
}

/// The same JSON object with a checksum of it as its last field.
fn with_checksum(json: &[u8]) -> Vec<u8> {
    let open = json.strip_suffix(b"}").unwrap_or(json);
    [open, CHECKSUM, checksum(open).as_bytes(), b"\"}"].concat()
}

/// The JSON object without its checksum, if that is right.
fn whole(json: &[u8]) -> Option<Vec<u8>> {
    let (rest, expected) = json.strip_suffix(b"\"}")?.split_last_chunk::<DIGITS>()?;
    let open = rest.strip_suffix(CHECKSUM)?;
    (checksum(open).as_bytes() == expected).then(|| [open, b"}"].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::total::Shown;

    const METER: &str = "021861000001";

    fn meter() -> MeterId {
        METER.parse().unwrap()
    }

    fn ledger(sequence: u64, wh: u32) -> Ledger {
        let indexes = BTreeMap::from([(Register::WITHDRAWN, Reading { wh, at_ms: 7 }), (Register::BASE, Reading { wh: 1, at_ms: 7 })]);
        Ledger::new(meter(), sequence, 9, Some(Total::new(&Shown::Base(wh), 7)), indexes, Meanings::default())
    }

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(Ledger::read(meter(), &ledger(3, 1_000).json().unwrap()), Ok(ledger(3, 1_000)));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let text = serde_json::to_string(&ledger(3, 1_000)).unwrap();
        let read = |json: &str| Ledger::read(meter(), &with_checksum(json.as_bytes())).unwrap_err();
        assert_eq!(read("{}"), Refusal::Unreadable);
        assert_eq!(read(&" ".repeat(BYTES_MAX + 1)), Refusal::Unreadable);
        assert_eq!(read(&text.replace("EAST", "PAPP")), Refusal::Unreadable);
        assert_eq!(read(&text.replace("1000", "-1")), Refusal::Unreadable);
        assert_eq!(read(&text.replace("\"version\":1", "\"version\":2")), Refusal::Version);
        assert_eq!(read(&text.replace(METER, "042161000021")), Refusal::Meter);
        assert_eq!(read(&text.replace("\"wh\":1000,\"at_ms\":7,\"reg", "\"wh\":100000000001,\"at_ms\":7,\"reg")), Refusal::Bounds);
        assert_eq!(read(&text.replace("\"wh\":1000,", "\"wh\":1000000000,")), Refusal::Bounds);
        assert_eq!(read(&text.replace("\"carried\":0", "\"carried\":5000000000")), Refusal::Bounds);
    }

    #[test]
    fn a_flip_of_any_bit_and_any_cut_is_told() {
        let whole = ledger(3, 1_000).json().unwrap();
        for bit in 0..whole.len() * 8 {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Ledger::read(meter(), &bytes), Err(Refusal::Damaged), "bit {bit}");
        }
        for length in 0..whole.len() {
            assert_eq!(Ledger::read(meter(), &whole[..length]), Err(Refusal::Damaged), "{length} bytes");
        }
        assert_eq!(Ledger::read(meter(), &serde_json::to_vec(&ledger(3, 1_000)).unwrap()), Err(Refusal::Damaged), "no checksum");
    }

    #[test]
    fn the_newer_one_counts_if_it_can_follow_from_the_older() {
        let newer = |one, other| {
            let (ledger, refusal) = Ledger::newest(Some(one), other);
            (ledger.sequence, refusal)
        };
        assert_eq!(newer(ledger(3, 1_000), ledger(4, 1_050)), (4, None));
        assert_eq!(newer(ledger(4, 1_050), ledger(3, 1_000)), (4, None));
        assert_eq!(newer(ledger(3, 1_000), ledger(4, 990)), (3, Some(Refusal::StepsBack)));
        assert_eq!(newer(ledger(3, 1_000), ledger(4, 2_000)), (3, Some(Refusal::TooFar)));
    }
}
