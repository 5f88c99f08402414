//! Which keys speak for which meter: the first one at first contact, each further one once a person has accepted it, until a person refuses it.
//!
//! The file has a line for each, all of a meter behind each other. `- KEY` is a reader that has found no meter yet.
//!
//! | line | who |
//! |---|---|
//! | `METER KEY` | the reader with this key |
//! | `METER WORDS` | a reader that a person has accepted by its fingerprint, and that has not come yet |
//! | `METER next` | the next reader that comes: a person has accepted it without words |
//! | `METER nobody` | a person has refused all, so that nobody comes in at first contact again |

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt::{self, Write},
    fs, io,
    path::Path,
    str::FromStr,
};

use teleinfo_proto::{
    seal::{Fingerprint, PublicKey},
    tic::{MeterId, ParseError},
};

use crate::words::limits::Limits;

/// Readers of one meter: two that watch it, and each of them exchanged once.
const READERS_MAX: usize = 4;
/// Meters that one reader may speak for by itself: it has one line, and may have been moved a few times.
const METERS_OF_A_READER_MAX: usize = 8;
/// Readers without a meter: they are few, and strangers may fill these places.
const WITHOUT_METER_MAX: usize = 64;

const NEXT: &str = "next";
const NOBODY: &str = "nobody";

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
    /// The next reader that comes.
    Next,
}

impl Pin {
    /// The fingerprint, where it is known.
    #[must_use]
    pub fn words(&self) -> Option<Fingerprint> {
        match self {
            Self::Key(key) => Some(key.fingerprint()),
            Self::Expected(words) => Some(*words),
            Self::Next => None,
        }
    }

    fn is_for(&self, key: &PublicKey) -> bool {
        match self {
            Self::Key(known) => known == key,
            Self::Expected(words) => *words == key.fingerprint(),
            Self::Next => true,
        }
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => key.fmt(f),
            Self::Expected(words) => words.fmt(f),
            Self::Next => f.write_str(NEXT),
        }
    }
}

impl FromStr for Pin {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let words = || text.parse().map(Self::Expected);
        if text == NEXT { Ok(Self::Next) } else { text.parse().map(Self::Key).or_else(|_| words()) }
    }
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pins {
    /// Meters that may have one.
    meters_max: usize,
    /// The one accepted last is the last. None: all were refused.
    meters: BTreeMap<MeterId, Vec<Pin>>,
    /// The same from the other side: for which meters each key speaks. Thousands of readers come at once.
    speakers: HashMap<PublicKey, BTreeSet<MeterId>>,
    without_meter: Vec<PublicKey>,
}

impl Default for Pins {
    fn default() -> Self {
        Self { meters_max: Limits::default().claims(), meters: BTreeMap::new(), speakers: HashMap::new(), without_meter: Vec::new() }
    }
}

impl Pins {
    /// The same, of a bridge with these limits.
    #[must_use]
    pub fn within(self, limits: Limits) -> Self {
        Self { meters_max: limits.claims(), ..self }
    }

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
        if meter == "-" {
            self.without_meter.push(who.parse().ok()?);
            return Some(());
        }
        let pin: Option<Pin> = if who == NOBODY { None } else { Some(who.parse().ok()?) };
        self.change(meter.parse().ok()?, |pins| pins.extend(pin));
        Some(())
    }

    /// The only way in which what is known of a meter changes, so that both sides of it agree.
    fn change<T>(&mut self, meter: MeterId, work: impl FnOnce(&mut Vec<Pin>) -> T) -> T {
        let pins = self.meters.entry(meter).or_default();
        for key in pins.iter().filter_map(key) {
            if let Some(meters) = self.speakers.get_mut(&key) {
                meters.remove(&meter);
            }
        }
        let (before, result) = (pins.clone(), work(pins));
        pins.iter().filter_map(key).for_each(|key| _ = self.speakers.entry(key).or_default().insert(meter));
        for key in before.iter().filter_map(key) {
            if self.speakers.get(&key).is_some_and(BTreeSet::is_empty) {
                self.speakers.remove(&key);
            }
        }
        result
    }

    /// The text of the file.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (meter, pins) in &self.meters {
            if pins.is_empty() {
                let _ = writeln!(text, "{meter} {NOBODY}");
            }
            pins.iter().for_each(|pin| _ = writeln!(text, "{meter} {pin}"));
        }
        for key in &self.without_meter {
            let _ = writeln!(text, "- {key}");
        }
        text
    }

    /// Who speaks for a meter. `None`: nobody yet, so that the first reader that comes will.
    #[must_use]
    pub fn of(&self, meter: &MeterId) -> Option<&[Pin]> {
        self.meters.get(meter).map(Vec::as_slice)
    }

    /// The keys that speak for a meter.
    pub fn keys_of(&self, meter: &MeterId) -> impl Iterator<Item = PublicKey> {
        self.of(meter).unwrap_or_default().iter().filter_map(key)
    }

    /// All meters that have one.
    pub fn iter(&self) -> impl Iterator<Item = (&MeterId, &[Pin])> {
        self.meters.iter().map(|(meter, pins)| (meter, pins.as_slice()))
    }

    /// The meters for which this key speaks.
    pub fn meters_of(&self, key: &PublicKey) -> impl Iterator<Item = MeterId> {
        self.speakers.get(key).into_iter().flatten().copied()
    }

    /// Readers that have found no meter yet.
    #[must_use]
    pub fn without_meter(&self) -> &[PublicKey] {
        &self.without_meter
    }

    /// All keys that are known.
    pub fn keys(&self) -> impl Iterator<Item = PublicKey> {
        self.meters.values().flatten().filter_map(key).chain(self.without_meter.iter().copied())
    }

    /// Whether this key speaks for a meter, or is here without one.
    #[must_use]
    pub fn has(&self, key: &PublicKey) -> bool {
        self.speakers.contains_key(key) || self.without_meter.contains(key)
    }

    /// What would become of a key that wants to speak for a meter.
    #[must_use]
    pub fn judge(&self, meter: &MeterId, key: &PublicKey) -> Claim {
        match self.of(meter) {
            None if self.is_full() || self.meters_of(key).count() >= METERS_OF_A_READER_MAX => Claim::Full,
            Some(pins) if pins.contains(&Pin::Key(*key)) => Claim::Known,
            Some(pins) if !pins.iter().any(|pin| pin.is_for(key)) => Claim::Refused,
            None | Some(_) => Claim::Pinned,
        }
    }

    /// Whether a person has accepted this key by its words, or it is known already.
    #[must_use]
    pub fn knows(&self, key: &PublicKey) -> bool {
        let is_it = |pin: &Pin| *pin != Pin::Next && pin.is_for(key);
        self.has(key) || self.meters.values().flatten().any(is_it)
    }

    /// A key wants to speak for a meter, or for none yet. Nobody is replaced here, and no second one let in: that is for a person to accept.
    pub fn claim(&mut self, meter: Option<MeterId>, key: &PublicKey) -> Claim {
        let Some(meter) = meter else { return self.claim_without_meter(key) };
        let claim = self.judge(&meter, key);
        if claim == Claim::Pinned {
            self.change(meter, |pins| {
                // Who was accepted by its words does not take the place of the next one.
                let by_words = pins.iter().position(|pin| *pin != Pin::Next && pin.is_for(key));
                if let Some(place) = by_words.or_else(|| pins.iter().position(|pin| *pin == Pin::Next)) {
                    pins.remove(place);
                }
                pins.push(Pin::Key(*key));
            });
            self.without_meter.retain(|known| known != key);
        }
        claim
    }

    fn claim_without_meter(&mut self, key: &PublicKey) -> Claim {
        if self.has(key) {
            return Claim::Known;
        }
        // The one that came first makes room: if it is honest, it says hello again.
        if self.without_meter.len() >= WITHOUT_METER_MAX {
            self.without_meter.remove(0);
        }
        self.without_meter.push(*key);
        Claim::Pinned
    }

    /// Another member of the group knows these readers. `replaces`: what it says of a meter counts in the place of what is known here, since it is
    /// newer. Returns whether that changes anything.
    pub fn merge(&mut self, theirs: &Self, replaces: bool) -> bool {
        let before = self.clone();
        for (meter, pins) in &theirs.meters {
            if self.meters.contains_key(meter) && replaces || !self.meters.contains_key(meter) && !self.is_full() {
                self.change(*meter, |own| own.clone_from(pins));
            }
        }
        theirs.without_meter.iter().for_each(|key| _ = self.claim_without_meter(key));
        *self != before
    }

    /// Whether there is a place for one more meter.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.meters.len() >= self.meters_max
    }

    /// A meter that was never announced makes room. Returns the keys that spoke for it.
    pub fn remove(&mut self, meter: &MeterId) -> Vec<PublicKey> {
        let pins = self.change(*meter, std::mem::take);
        self.meters.remove(meter);
        pins.iter().filter_map(key).collect()
    }

    /// A person accepts one more reader for a meter: the one with this fingerprint, or the next one that comes. Of too many, the oldest one
    /// that is not heard makes room.
    pub fn accept(&mut self, meter: MeterId, words: Option<Fingerprint>, is_heard: impl Fn(&PublicKey) -> bool) {
        self.change(meter, |pins| {
            if words.is_some() && pins.iter().any(|pin| pin.words() == words) {
                return;
            }
            if pins.len() >= READERS_MAX {
                let idle = pins.iter().position(|pin| !key(pin).is_some_and(|key| is_heard(&key)));
                pins.remove(idle.unwrap_or_default());
            }
            pins.push(words.map_or(Pin::Next, Pin::Expected));
        });
    }

    /// A person refuses a reader of a meter. Returns whether there was one with this fingerprint.
    pub fn refuse(&mut self, meter: MeterId, words: Fingerprint) -> bool {
        if !self.meters.contains_key(&meter) {
            return false;
        }
        self.change(meter, |pins| {
            let before = pins.len();
            pins.retain(|pin| pin.words() != Some(words));
            pins.len() < before
        })
    }
}

fn key(pin: &Pin) -> Option<PublicKey> {
    if let Pin::Key(key) = pin { Some(*key) } else { None }
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

    fn accept(pins: &mut Pins, number: u32, words: Option<u8>) {
        pins.accept(meter(number), words.map(|number| key(number).fingerprint()), |_| false);
    }

    /// Both sides of what is known, the slow way.
    fn agrees(pins: &Pins) -> bool {
        let speaks =
            |key: &PublicKey| pins.meters.iter().filter(|(_, pins)| pins.contains(&Pin::Key(*key))).map(|(meter, _)| *meter).collect();
        let keys: BTreeSet<PublicKey> = pins.meters.values().flatten().filter_map(super::key).collect();
        pins.speakers.keys().copied().collect::<BTreeSet<_>>() == keys && pins.speakers.iter().all(|(key, meters)| *meters == speaks(key))
    }

    #[test]
    fn whatever_happens_both_sides_of_what_is_known_agree() {
        let (mut pins, mut dice) = (Pins::default().within(Limits { meters: 3 }), 1_u64);
        let mut roll = |most: u32| {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (dice >> 33) as u32 % most
        };
        for _ in 0..5_000 {
            let (of, who) = (meter(roll(6)), key(roll(6) as u8));
            match roll(7) {
                0 => _ = pins.claim(Some(of), &who),
                1 => _ = pins.claim(None, &who),
                2 => pins.accept(of, None, |key| *key == who),
                3 => pins.accept(of, Some(who.fingerprint()), |_| false),
                4 => _ = pins.refuse(of, who.fingerprint()),
                5 => _ = pins.remove(&of),
                _ => _ = pins.merge(&Pins::parse(&format!("{of} {who}\n- {}\n", key(9))).unwrap(), roll(2) == 0),
            }
            assert!(agrees(&pins), "{pins:?}");
            assert_eq!(Pins::parse(&pins.text()).map(|again| again.speakers), Ok(pins.speakers.clone()));
        }
    }

    #[test]
    fn what_another_member_knows_fills_gaps_and_takes_places_only_where_it_is_newer() {
        let pins = |text: String| Pins::parse(&text).unwrap();
        let mut own = pins(format!("{} {}\n{} {NOBODY}\n", meter(1), key(1), meter(2)));
        let theirs = pins(format!("{} {}\n{} {}\n{} {}\n- {}\n", meter(1), key(9), meter(2), key(2), meter(3), key(3), key(4)));
        assert!(own.merge(&theirs, false) && !own.merge(&theirs, false));
        let after = format!("{} {}\n{} {NOBODY}\n{} {}\n- {}\n", meter(1), key(1), meter(2), meter(3), key(3), key(4));
        assert_eq!(own.text(), after);
        assert!(own.merge(&theirs, true));
        assert_eq!(own.text(), theirs.text());
    }

    #[test]
    fn a_meter_has_its_first_reader_and_those_that_a_person_accepts() {
        let mut pins = Pins::default();
        let claim = |pins: &mut Pins, number| pins.claim(Some(meter(1)), &key(number));
        assert_eq!([1, 1, 2].map(|number| claim(&mut pins, number)), [Claim::Pinned, Claim::Known, Claim::Refused]);
        accept(&mut pins, 1, Some(2));
        assert_eq!([3, 2, 1].map(|number| claim(&mut pins, number)), [Claim::Refused, Claim::Pinned, Claim::Known]);
        accept(&mut pins, 1, None);
        accept(&mut pins, 1, Some(4));
        assert_eq!([4, 3, 5].map(|number| claim(&mut pins, number)), [Claim::Pinned, Claim::Pinned, Claim::Refused]);
        assert_eq!(pins.keys_of(&meter(1)).collect::<Vec<_>>(), [key(1), key(2), key(4), key(3)]);
    }

    #[test]
    fn whom_a_person_refuses_does_not_come_back_at_first_contact() {
        let mut pins = Pins::default();
        pins.claim(Some(meter(1)), &key(1));
        assert!(pins.refuse(meter(1), key(1).fingerprint()) && !pins.refuse(meter(1), key(1).fingerprint()));
        assert_eq!([pins.claim(Some(meter(1)), &key(1)), pins.claim(Some(meter(1)), &key(2))], [Claim::Refused; 2]);
        assert_eq!((&*pins.text(), Pins::parse(&pins.text())), (&*format!("{} nobody\n", meter(1)), Ok(pins.clone())));
        accept(&mut pins, 1, None);
        assert_eq!(pins.claim(Some(meter(1)), &key(2)), Claim::Pinned);
    }

    #[test]
    fn of_too_many_readers_the_oldest_that_is_not_heard_makes_room() {
        let mut pins = Pins::default();
        for number in 0..4 {
            accept(&mut pins, 1, None);
            pins.claim(Some(meter(1)), &key(number));
        }
        pins.accept(meter(1), Some(key(9).fingerprint()), |known| *known == key(0));
        assert_eq!(pins.keys_of(&meter(1)).collect::<Vec<_>>(), [key(0), key(2), key(3)]);
        (0..100).for_each(|_| accept(&mut pins, 1, None));
        assert_eq!(pins.of(&meter(1)).unwrap().len(), READERS_MAX);
    }

    #[test]
    fn a_reader_without_a_meter_is_known_and_takes_one_later() {
        let mut pins = Pins::default();
        assert_eq!(pins.claim(None, &key(1)), Claim::Pinned);
        assert_eq!(pins.keys().collect::<Vec<_>>(), [key(1)]);
        assert_eq!(pins.claim(Some(meter(1)), &key(1)), Claim::Pinned);
        assert_eq!(pins.text(), format!("{} {}\n", meter(1), key(1)));
    }

    #[test]
    fn the_file_comes_back_and_a_damaged_one_is_refused() {
        let mut pins = Pins::default();
        pins.claim(Some(meter(1)), &key(1));
        pins.claim(None, &key(2));
        accept(&mut pins, 1, Some(3));
        accept(&mut pins, 1, None);
        assert_eq!(Pins::parse(&pins.text()), Ok(pins.clone()));
        for (line, number) in [("x", 1), ("012345678912", 1), (&*format!("\n012345678912 {}", &key(1).to_string()[1..]), 2), ("- lusab", 1)]
        {
            assert_eq!(Pins::parse(line), Err(number), "{line}");
        }
    }

    #[test]
    fn one_reader_speaks_for_few_meters() {
        let mut pins = Pins::default();
        let claims: Vec<Claim> = (0..100).map(|number| pins.claim(Some(meter(number)), &key(1))).collect();
        assert_eq!(claims.iter().filter(|claim| **claim == Claim::Pinned).count(), METERS_OF_A_READER_MAX);
        assert_eq!(pins.claim(Some(meter(200)), &key(2)), Claim::Pinned);
    }

    #[test]
    fn strangers_cannot_fill_it_without_end() {
        let mut pins = Pins::default();
        for number in 0..200_u8 {
            pins.claim(None, &key(number));
        }
        assert_eq!(pins.keys().count(), WITHOUT_METER_MAX);
        let key_of = |number: u32| PublicKey::from_bytes([number.to_le_bytes(); 8].concat().try_into().unwrap());
        for number in 0..Limits::default().claims() as u32 {
            let reader = if number == 1 { key(1) } else { key_of(number) };
            assert_eq!(pins.claim(Some(meter(number)), &reader), Claim::Pinned, "{number}");
        }
        assert_eq!(pins.claim(Some(meter(999_999)), &key(1)), Claim::Full);
        assert_eq!(pins.claim(Some(meter(1)), &key(1)), Claim::Known, "one that is known is never locked out");
    }
}
