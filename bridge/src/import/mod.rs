//! `import`: the memory of the page gets the hours that Home Assistant has of our meters and it has not, also those of another program.
//!
//! [`registers`] say what a statistic of ours is of. Which hours are taken, [`crate::archive::fill`] decides; the command asks it of a copy of the memory, to say
//! what would be done, and the bridge once more when it takes what was handed over. An index is what is taken, never a sum: so the total of all
//! hours is what the meter itself counted. How two statistics are held against each other stands in [`crate::adopt`].

pub mod registers;

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use teleinfo_proto::tic::MeterId;
use tokio::time::sleep;

use crate::{
    adopt::{
        NO_ADDRESS, NO_STATISTIC, failure,
        join::{Unjoined, longest, same_register},
    },
    archive::{
        block::Grain,
        file::File,
        fill::{Curve, Different, Filling, filling},
        handed::{self, Handed},
        keeper::FILE_NAME,
    },
    config::settings::Settings,
    daemon::{
        cli::Import,
        exit::{ExitCode, Failure},
    },
    statistics::{
        recorder::{Commands, Kept, Recorder},
        series::Hour,
        websocket::Client,
    },
    store::ledgers,
    trust,
    words::{
        language::{Language, Sentence, Words},
        utc,
    },
};

/// How long the bridge is given to take what was handed over, and how often it is looked whether it has.
const LOOKS: u32 = 40;
const LOOK_EVERY: Duration = Duration::from_millis(500);

const NO_MEMORY: Words = Words::new(
    "page.listen is \"off\": there is no memory; take that line out of bridge.toml and start the bridge again",
    "page.listen vaut \"off\" : il n'y a pas de mémoire ; retirez cette ligne de bridge.toml et redémarrez la passerelle",
);
const NOT_READ: Words = Words::new(
    "{}: {}; as root: sudo teleinfo-bridge import ..., and once more if the bridge was writing it",
    "{} : {} ; en root : sudo teleinfo-bridge import ..., et une fois encore si la passerelle l'écrivait",
);
const NOT_LEFT: Words =
    Words::new("{}: {}; as root: sudo teleinfo-bridge import ...", "{} : {} ; en root : sudo teleinfo-bridge import ...");
const NOT_OURS: Words = Words::new(
    "{} is no energy of a register of our meters; the second name is one of ours: {}",
    "{} n'est pas une énergie d'un registre de nos compteurs ; le second nom est une des nôtres : {}",
);
const NO_INDEX: Words = Words::new(
    "{} has sums only, and no index of the meter: nothing of it can be taken",
    "{} n'a que des sommes, et pas d'index du compteur : rien ne peut en être pris",
);
const NOTHING_OURS: Words = Words::new(
    "Home Assistant has no statistic of energy of our meters yet: once more after the next full hour",
    "Home Assistant n'a pas encore de statistique d'énergie de nos compteurs : réessayez après la prochaine heure pleine",
);
const FROM: Words = Words::new("{} {}: from {}", "{} {} : de {}");
const HOURS: Words = Words::new("  {} hours that the memory has not, from {} to {}", "  {} heures que la mémoire n'a pas, de {} à {}");
const SEAM: Words = Words::new(
    "  the last of them shows {} Wh, and the memory goes on with {} Wh at {}",
    "  la dernière montre {} Wh, et la mémoire continue par {} Wh à {}",
);
const NO_HOURS: Words = Words::new("  the memory has all of its hours", "  la mémoire a toutes ses heures");
const LEFT_OUT: Words = Words::new(
    "  {} hours are left out: their index does not lead to the one that the memory has, another one stood there",
    "  {} heures sont laissées : leur index ne mène pas à celui de la mémoire, un autre se trouvait là",
);
const DIFFERENT: Words = Words::new(
    "  nothing is taken: at {} it shows {} Wh, and the memory heard {} Wh",
    "  rien n'est pris : à {} elle montre {} Wh, et la mémoire a entendu {} Wh",
);
const ONLY_SAID: Words = Words::new("nothing was written; --write does it", "rien n'a été écrit ; --write le fait");
const WRITTEN: Words = Words::new("written: {} hours", "écrit : {} heures");
const LATER: Words = Words::new(
    "{} hours are handed over: the bridge takes them when it runs (sudo systemctl start teleinfo-bridge)",
    "{} heures sont remises : la passerelle les prend quand elle tourne (sudo systemctl start teleinfo-bridge)",
);
const NOT_WRITTEN: Words = Words::new(
    "the bridge has not taken all of them: its journal says why (journalctl -u teleinfo-bridge)",
    "la passerelle ne les a pas toutes prises : son journal dit pourquoi (journalctl -u teleinfo-bridge)",
);

/// What Home Assistant has of one register.
#[derive(Debug, Clone, PartialEq)]
struct Offer {
    meter: MeterId,
    register: &'static str,
    /// The statistics that it is of.
    names: Vec<String>,
    hours: Curve,
}

/// Says what the memory would get, and hands it over if that is wanted.
///
/// # Errors
/// Home Assistant cannot be asked, there is no memory or it cannot be read, or what is handed over cannot be written.
pub async fn run(settings: &Settings, wanted: &Import, language: Language) -> Result<(), Failure> {
    let Some(api) = &settings.homeassistant.api else {
        return Err(Failure::config(NO_ADDRESS.get(language)));
    };
    if settings.page.is_none() {
        return Err(Failure::config(NO_MEMORY.get(language)));
    }
    let directory = trust::directory();
    let memory = Memory::read(&directory, language)?;
    let failed = |error| failure(&error, language);
    let client = Client::connect(api).await.map_err(failed)?;
    let mut history = History { recorder: Recorder::open(client).await.map_err(failed)?, language };
    let offers = match wanted.names.as_slice() {
        [old, ours] => vec![history.named(old, ours).await?],
        _ => history.found(&memory.meters(&directory)).await?,
    };
    let handed: Vec<Handed> =
        offers.iter().filter(|offer| memory.may_take(offer)).filter_map(|offer| memory.tell(offer, language)).collect();
    if !wanted.write {
        say(&ONLY_SAID.say(language, &[]));
        return Ok(());
    }
    hand_over(&directory, &handed, language).await
}

fn say(text: &Sentence) {
    let _ = writeln!(io::stdout(), "{text}");
}

/// Leaves the hours for the bridge, and says whether it has taken them.
async fn hand_over(directory: &Path, handed: &[Handed], language: Language) -> Result<(), Failure> {
    let hours: usize = handed.iter().map(|handed| handed.hours.len()).sum();
    if hours > 0 {
        let not_left = |error: io::Error| NOT_LEFT.say(language, &[&directory.display(), &error]);
        handed::leave(directory, handed).map_err(|error| Failure::new(ExitCode::Permission, not_left(error).as_str()))?;
    }
    for _ in 0..LOOKS {
        if !handed::is_left(directory) {
            let memory = Memory::read(directory, language)?;
            if handed.iter().all(|handed| memory.has(handed)) {
                say(&WRITTEN.say(language, &[&hours]));
                return Ok(());
            }
            return Err(Failure::new(ExitCode::Unavailable, NOT_WRITTEN.get(language)));
        }
        sleep(LOOK_EVERY).await;
    }
    say(&LATER.say(language, &[&hours]));
    Ok(())
}

/// The memory as it stood when the command began.
struct Memory(File);

impl Memory {
    fn read(directory: &Path, language: Language) -> Result<Self, Failure> {
        let path: PathBuf = directory.join(FILE_NAME);
        let file = if path.exists() { File::copy_of(&path) } else { File::in_memory() };
        let not_read = |error| NOT_READ.say(language, &[&path.display(), &error]);
        file.map(Self).map_err(|error| Failure::new(ExitCode::Permission, not_read(error).as_str()))
    }

    /// The meters of this bridge: Home Assistant may have those of another one, too.
    fn meters(&self, directory: &Path) -> BTreeSet<MeterId> {
        let remembered = self.0.newest().unwrap_or_default().into_keys().map(|(meter, _)| meter);
        remembered.chain(ledgers::load(directory).0.into_keys()).collect()
    }

    fn heard(&self, meter: MeterId, register: &str) -> Curve {
        let mut curves = self.0.read(meter, Grain::Hour, 0, i64::MAX).unwrap_or_default();
        curves.remove(register).unwrap_or_default()
    }

    /// A total is that of the meter only where the meter itself has shown it: the two must have been held against each other.
    fn may_take(&self, offer: &Offer) -> bool {
        let heard = || self.heard(offer.meter, offer.register);
        offer.register != registers::OF_TOTAL || heard().keys().any(|minute| offer.hours.contains_key(minute))
    }

    fn has(&self, handed: &Handed) -> bool {
        let heard = self.heard(handed.meter, &handed.register);
        handed.hours.keys().all(|minute| heard.contains_key(minute))
    }

    /// Says what of an offer would be taken, and returns it, if it is anything.
    fn tell(&self, Offer { meter, register, names, hours }: &Offer, language: Language) -> Option<Handed> {
        let heard = self.heard(*meter, register);
        say(&FROM.say(language, &[meter, register, &names.join(" + ")]));
        match filling(&heard, hours) {
            Ok(filling) => {
                tell(&filling, &heard, language);
                let Filling { hours, .. } = filling;
                (!hours.is_empty()).then(|| Handed { meter: *meter, register: (*register).to_owned(), hours })
            }
            Err(Different { minute, heard, offered }) => {
                say(&DIFFERENT.say(language, &[&time(minute), &offered, &heard]));
                None
            }
        }
    }
}

fn tell(Filling { hours, left_out }: &Filling, heard: &Curve, language: Language) {
    match hours.first_key_value().zip(hours.last_key_value()) {
        Some(((first, _), (last, wh))) => {
            say(&HOURS.say(language, &[&hours.len(), &time(*first), &time(*last)]));
            if let Some((next, goes_on)) = heard.range(last..).next() {
                say(&SEAM.say(language, &[wh, goes_on, &time(*next)]));
            }
        }
        None => say(&NO_HOURS.say(language, &[])),
    }
    if *left_out > 0 {
        say(&LEFT_OUT.say(language, &[left_out]));
    }
}

fn time(minute: i64) -> String {
    utc::rfc3339(minute * 60)
}

/// What Home Assistant has recorded.
struct History<C> {
    recorder: Recorder<C>,
    language: Language,
}

impl<C: Commands> History<C> {
    /// What these two have of one register.
    async fn named(&mut self, old: &str, ours: &str) -> Result<Offer, Failure> {
        let (old, ours) = (self.statistic(old)?, self.statistic(ours)?);
        let named = self.recorder.our_id(&ours).and_then(registers::register);
        let not_ours = || NOT_OURS.say(self.language, &[&ours.entity, &names(&self.ours())]);
        let (meter, register) = named.ok_or_else(|| Failure::new(ExitCode::Unavailable, not_ours().as_str()))?;
        let [before, after] = [self.series(&old).await?, self.series(&ours).await?];
        let indexes = curve(&before);
        if indexes.is_empty() {
            return Err(Failure::new(ExitCode::Unavailable, NO_INDEX.say(self.language, &[&old.entity]).as_str()));
        }
        if !same_register(&before, &after) {
            return Err(Failure::new(ExitCode::Unavailable, Unjoined::Different.words().get(self.language)));
        }
        Ok(Offer { meter, register, names: vec![old.entity, ours.entity], hours: both(indexes, curve(&after)) })
    }

    /// For each register of these meters what ours have of it, and what another program had of the same index.
    async fn found(&mut self, meters: &BTreeSet<MeterId>) -> Result<Vec<Offer>, Failure> {
        let (ours, others): (Vec<_>, Vec<_>) = self.recorder.energies().into_iter().partition(|kept| self.recorder.is_ours(kept));
        let mut olds = Vec::new();
        for other in others {
            olds.push((self.series(&other).await?, other));
        }
        let mut offers: BTreeMap<(MeterId, &'static str), Offer> = BTreeMap::new();
        for ours in ours {
            let named = self.recorder.our_id(&ours).and_then(registers::register);
            let Some((meter, register)) = named.filter(|(meter, _)| meters.contains(meter)) else { continue };
            let after = self.series(&ours).await?;
            let offer = offers.entry((meter, register));
            let offer = offer.or_insert_with(|| Offer { meter, register, names: Vec::new(), hours: Curve::new() });
            if let Some((before, old, _)) = longest(&olds, &after) {
                offer.names.push(old.entity.clone());
                offer.hours = both(curve(before), std::mem::take(&mut offer.hours));
            }
            offer.names.push(ours.entity);
            offer.hours = both(std::mem::take(&mut offer.hours), curve(&after));
        }
        if offers.is_empty() {
            return Err(Failure::new(ExitCode::Unavailable, NOTHING_OURS.get(self.language)));
        }
        Ok(offers.into_values().collect())
    }

    fn ours(&self) -> Vec<Kept> {
        self.recorder.energies().into_iter().filter(|kept| self.recorder.is_ours(kept)).collect()
    }

    fn statistic(&self, id: &str) -> Result<Kept, Failure> {
        let unknown = || NO_STATISTIC.say(self.language, &[&id, &names(&self.recorder.energies())]);
        self.recorder.find_energy(id).ok_or_else(|| Failure::new(ExitCode::Unavailable, unknown().as_str()))
    }

    async fn series(&mut self, kept: &Kept) -> Result<Vec<Hour>, Failure> {
        self.recorder.series(kept).await.map_err(|error| failure(&error, self.language))
    }
}

fn names(all: &[Kept]) -> String {
    let names: Vec<_> = all.iter().map(|kept| kept.entity.as_str()).collect();
    names.join(", ")
}

/// The indexes at the ends of hours, where they are known.
fn curve(hours: &[Hour]) -> Curve {
    let index = |hour: &Hour| {
        let wh = hour.state.map(f64::round).filter(|wh| (1.0..=f64::from(u32::MAX)).contains(wh))?;
        Some(((hour.start + 3_600) / 60, wh as u32))
    };
    hours.iter().filter_map(index).collect()
}

/// Ours are believed where both have an hour.
fn both(mut others: Curve, ours: Curve) -> Curve {
    others.extend(ours);
    others
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hour(number: i64, state: Option<f64>) -> Hour {
        Hour { start: number * 3_600, sum: 0.0, state }
    }

    #[test]
    fn an_hour_tells_the_index_at_its_end() {
        let hours = [hour(0, Some(1_000.4)), hour(1, None), hour(2, Some(0.0)), hour(3, Some(-5.0)), hour(4, Some(2_000.0))];
        assert_eq!(curve(&hours), Curve::from([(60, 1_000), (300, 2_000)]));
    }

    #[test]
    fn a_total_is_held_against_the_meter_first() {
        let memory = Memory(File::in_memory().unwrap());
        let meter: MeterId = "041876097767".parse().unwrap();
        let offer =
            |register, minutes: [i64; 2]| Offer { meter, register, names: Vec::new(), hours: minutes.map(|minute| (minute, 7)).into() };
        assert!(memory.may_take(&offer("EASF01", [60, 120])) && !memory.may_take(&offer("EAST", [60, 120])));
        memory.0.commit(&BTreeMap::from([((meter, "EAST".to_owned()), Curve::from([(120, 7)]))])).unwrap();
        assert!(memory.may_take(&offer("EAST", [60, 120])) && !memory.may_take(&offer("EAST", [0, 60])));
    }

    #[test]
    fn meters_of_another_bridge_are_not_ours() {
        let (memory, directory) = (Memory(File::in_memory().unwrap()), tempfile::tempdir().unwrap());
        assert!(memory.meters(directory.path()).is_empty());
        let meter: MeterId = "041876097767".parse().unwrap();
        memory.0.commit(&BTreeMap::from([((meter, "BASE".to_owned()), Curve::from([(120, 7)]))])).unwrap();
        assert_eq!(memory.meters(directory.path()), BTreeSet::from([meter]));
    }

    #[test]
    fn what_would_be_taken_is_what_the_memory_has_afterwards() {
        let memory = Memory(File::in_memory().unwrap());
        let meter: MeterId = "041876097767".parse().unwrap();
        let hours: Curve = (1..100).map(|hour| (hour * 60, 1_000 + hour as u32)).collect();
        let offer = Offer { meter, register: "BASE", names: vec!["sensor.linky_energy".into()], hours };
        for language in [Language::English, Language::French] {
            let handed = memory.tell(&offer, language).unwrap();
            assert!(handed.hours == offer.hours && !memory.has(&handed));
        }
        memory.0.commit(&BTreeMap::from([((meter, "BASE".to_owned()), offer.hours.clone())])).unwrap();
        assert_eq!(memory.tell(&offer, Language::French), None);
    }
}
