//! Which key speaks for which meter: learnt at first contact, then kept. The file has a line for each meter, `METER KEY`, or
//! `METER WORDS` where a person has accepted a fingerprint that has not been heard yet; `- KEY` is a reader that has found no meter yet.

use std::{collections::BTreeMap, fmt::Write, fs, io, path::Path};

use teleinfo_proto::{
    seal::{Fingerprint, KeyId, PublicKey},
    tic::MeterId,
};

/// Meters that have a pin: twice as many as one bridge follows.
const PINS_MAX: usize = 4_096;
/// Readers without a meter: they are few, and strangers may fill these places.
const WITHOUT_METER_MAX: usize = 64;

/// Its name in the state directory.
pub const FILE: &str = "readers";

/// The pins of a state directory; none if there is no file.
///
/// # Errors
/// In words: the file cannot be read, or is damaged.
pub fn load(directory: Option<&Path>) -> Result<Pins, String> {
    let Some(path) = directory.map(|directory| directory.join(FILE)) else { return Ok(Pins::default()) };
    match fs::read_to_string(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Pins::default()),
        Err(error) => Err(format!("{}: {error}", path.display())),
        Ok(text) => Pins::parse(&text).map_err(|line| {
            let shown = path.display();
            format!("{shown}, line {line}: damaged; mend it, or begin again with every reader: sudo rm {shown}")
        }),
    }
}

/// Who speaks for a meter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pin {
    /// The reader with this key.
    Key(PublicKey),
    /// The reader with this fingerprint, once it comes.
    Expected(Fingerprint),
}

/// What becomes of a key that wants to speak for a meter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// It does so already.
    Known,
    /// From now on it does.
    Pinned,
    /// Another one does.
    Refused,
    /// There is no place left.
    Full,
}

/// All pins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pins {
    meters: BTreeMap<MeterId, Pin>,
    without_meter: Vec<PublicKey>,
}

impl Pins {
    /// Reads a file. A line that is damaged is an error: to leave it out would be to trust anybody for its meter.
    ///
    /// # Errors
    /// The number of the line.
    pub fn parse(text: &str) -> Result<Self, usize> {
        let mut pins = Self::default();
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            pins.take(line.trim()).ok_or(number + 1)?;
        }
        Ok(pins)
    }

    fn take(&mut self, line: &str) -> Option<()> {
        let (meter, who) = line.split_once(' ')?;
        match (meter, who.parse::<PublicKey>()) {
            ("-", key) => self.without_meter.push(key.ok()?),
            (meter, Ok(key)) => _ = self.meters.insert(meter.parse().ok()?, Pin::Key(key)),
            (meter, Err(_)) => _ = self.meters.insert(meter.parse().ok()?, Pin::Expected(who.parse().ok()?)),
        }
        Some(())
    }

    /// The text of the file.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (meter, pin) in &self.meters {
            let _ = match pin {
                Pin::Key(key) => writeln!(text, "{meter} {key}"),
                Pin::Expected(words) => writeln!(text, "{meter} {words}"),
            };
        }
        for key in &self.without_meter {
            let _ = writeln!(text, "- {key}");
        }
        text
    }

    /// Who speaks for a meter.
    #[must_use]
    pub fn of(&self, meter: &MeterId) -> Option<Pin> {
        self.meters.get(meter).copied()
    }

    /// All meters that have one.
    pub fn iter(&self) -> impl Iterator<Item = (&MeterId, &Pin)> {
        self.meters.iter()
    }

    /// The meters for which this key speaks.
    pub fn meters_of(&self, key: &PublicKey) -> impl Iterator<Item = MeterId> {
        self.meters.iter().filter(move |(_, pin)| **pin == Pin::Key(*key)).map(|(meter, _)| *meter)
    }

    /// The key of a reader that is known, whatever its meter.
    #[must_use]
    pub fn key_of(&self, id: KeyId) -> Option<PublicKey> {
        self.keys().find(|key| key.id() == id)
    }

    /// All keys that are known.
    pub fn keys(&self) -> impl Iterator<Item = PublicKey> {
        let of_meters = self.meters.values().filter_map(|pin| if let Pin::Key(key) = pin { Some(*key) } else { None });
        of_meters.chain(self.without_meter.iter().copied())
    }

    /// A key wants to speak for a meter, or for none yet. Nobody is replaced here: that is for a person to accept.
    pub fn claim(&mut self, meter: Option<MeterId>, key: &PublicKey) -> Claim {
        let Some(meter) = meter else { return self.claim_without_meter(key) };
        let is_full = self.meters.len() >= PINS_MAX;
        match self.of(&meter) {
            Some(Pin::Key(known)) if known == *key => return Claim::Known,
            Some(Pin::Key(_)) => return Claim::Refused,
            Some(Pin::Expected(words)) if words != key.fingerprint() => return Claim::Refused,
            None if is_full => return Claim::Full,
            Some(Pin::Expected(_)) | None => {}
        }
        self.meters.insert(meter, Pin::Key(*key));
        self.without_meter.retain(|known| known != key);
        Claim::Pinned
    }

    fn claim_without_meter(&mut self, key: &PublicKey) -> Claim {
        if self.keys().any(|known| known == *key) {
            return Claim::Known;
        }
        if self.without_meter.len() >= WITHOUT_METER_MAX {
            return Claim::Full;
        }
        self.without_meter.push(*key);
        Claim::Pinned
    }

    /// A person accepts another reader for a meter: the one with this fingerprint, or the next one that comes.
    pub fn accept(&mut self, meter: MeterId, words: Option<Fingerprint>) {
        match words {
            Some(words) => _ = self.meters.insert(meter, Pin::Expected(words)),
            None => _ = self.meters.remove(&meter),
        }
    }
}

#[cfg(test)]
mod tests {
    use teleinfo_proto::seal::Identity;

    use super::*;

    fn key(number: u8) -> PublicKey {
        *Identity::from_seed(&[number; 32]).key()
    }

    fn meter(number: u32) -> MeterId {
        format!("{number:012}").parse().unwrap()
    }

    #[test]
    fn a_meter_keeps_its_reader_until_a_person_accepts_another() {
        let mut pins = Pins::default();
        let m = Some(meter(1));
        assert_eq!([pins.claim(m, &key(1)), pins.claim(m, &key(1)), pins.claim(m, &key(2))], [Claim::Pinned, Claim::Known, Claim::Refused]);
        pins.accept(meter(1), Some(key(2).fingerprint()));
        assert_eq!(
            [pins.claim(m, &key(3)), pins.claim(m, &key(2)), pins.claim(m, &key(1))],
            [Claim::Refused, Claim::Pinned, Claim::Refused]
        );
        pins.accept(meter(1), None);
        assert_eq!(pins.claim(m, &key(3)), Claim::Pinned);
    }

    #[test]
    fn a_reader_without_a_meter_is_known_and_takes_one_later() {
        let mut pins = Pins::default();
        assert_eq!(pins.claim(None, &key(1)), Claim::Pinned);
        assert_eq!(pins.key_of(key(1).id()), Some(key(1)));
        assert_eq!(pins.claim(Some(meter(1)), &key(1)), Claim::Pinned);
        assert_eq!(pins.text(), format!("{} {}\n", meter(1), key(1)));
    }

    #[test]
    fn the_file_comes_back_and_a_damaged_one_is_refused() {
        let mut pins = Pins::default();
        pins.claim(Some(meter(1)), &key(1));
        pins.claim(None, &key(2));
        pins.accept(meter(3), Some(key(3).fingerprint()));
        assert_eq!(Pins::parse(&pins.text()), Ok(pins.clone()));
        for (line, number) in [("x", 1), ("012345678912", 1), (&*format!("\n012345678912 {}", &key(1).to_string()[1..]), 2), ("- lusab", 1)]
        {
            assert_eq!(Pins::parse(line), Err(number), "{line}");
        }
    }

    #[test]
    fn strangers_cannot_fill_it_without_end() {
        let mut pins = Pins::default();
        for number in 0..200_u8 {
            pins.claim(None, &key(number));
        }
        assert_eq!(pins.keys().count(), WITHOUT_METER_MAX);
        for number in 0..PINS_MAX as u32 {
            assert_eq!(pins.claim(Some(meter(number)), &key(1)), Claim::Pinned);
        }
        assert_eq!(pins.claim(Some(meter(999_999)), &key(1)), Claim::Full);
        assert_eq!(pins.claim(Some(meter(1)), &key(1)), Claim::Known, "one that is known is never locked out");
    }
}
