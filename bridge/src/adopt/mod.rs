//! `adopt`: what Home Assistant recorded of another program comes before our own energy, so that the Energy dashboard shows one series.
//!
//! [`mod@join`] says how two statistics are joined, [`carry`] writes it and takes it back, [`notes`] keep what was written. Which programs there
//! are does not matter: the index of the meter tells that two statistics are of one register. Begin with [`mod@join`]. How Home Assistant is
//! spoken to stands in `statistics/`.

pub mod carry;
pub mod join;
pub mod notes;

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use join::{Join, Reach, Unjoined, join, join_costs, longest};
use notes::{Adopted, Notes};

use crate::{
    config::settings::Settings,
    daemon::{
        cli::Adopt,
        exit::{ExitCode, Failure},
    },
    statistics::{
        recorder::{Commands, Error, Kept, Recorder},
        series::Hour,
        websocket::Client,
    },
    store::positions,
    words::{
        language::{Language, Sentence, Words},
        utc,
    },
};

/// The state directory of the unit, where systemd has not named one.
const STATE_DIRECTORY: &str = "/var/lib/teleinfo-bridge";

/// What is said where Home Assistant cannot be asked.
pub const NO_ADDRESS: Words = Words::new(
    "homeassistant.url and homeassistant.token-file are needed: the address of Home Assistant, and the token of an administrator",
    "il faut homeassistant.url et homeassistant.token-file : l'adresse de Home Assistant, et le jeton d'un administrateur",
);
/// What is said of a statistic that is not there.
pub const NO_STATISTIC: Words = Words::new(
    "Home Assistant has no statistic of energy {}; it has: {}",
    "Home Assistant n'a pas de statistique d'énergie {} ; il a : {}",
);
const TWO_KINDS: Words = Words::new(
    "{} is kept in {}, and {} in {}: they are not of one kind",
    "{} est en {}, et {} en {} : elles ne sont pas de la même sorte",
);
const NOT_NOTED: Words =
    Words::new("{}: {}; as root: sudo teleinfo-bridge adopt ...", "{} : {} ; en root : sudo teleinfo-bridge adopt ...");
const NOTHING_FOUND: Words = Words::new(
    "no statistic shows the same index as one of ours within two days; name two: teleinfo-bridge adopt OLD OURS. There are: {}",
    "aucune statistique ne montre le même index qu'une des nôtres à moins de deux jours ; nommez-en deux : teleinfo-bridge adopt ANCIENNE NÔTRE. Il y a : {}",
);
const NOTHING_TO_UNDO: Words = Words::new("nothing was joined", "rien n'a été relié");
const HOURS: Words = Words::new(
    "  {} hours since {} come before {}; sums from then on are raised by {} {}",
    "  {} heures depuis {} se placent avant {} ; les sommes à partir de là montent de {} {}",
);
const BETWEEN: Words = Words::new(
    "  the hour of {} will show {} Wh: what was drawn since the last old hour ({} h)",
    "  l'heure de {} montrera {} Wh : ce qui a été soutiré depuis la dernière heure ancienne ({} h)",
);
const COSTS_TOO: Words = Words::new(
    "  what it cost is in {}: to have that before the cost of ours, too: sudo teleinfo-bridge adopt {} {} --write",
    "  ce qu'elle a coûté est dans {} : pour le placer aussi avant le coût de la nôtre : sudo teleinfo-bridge adopt {} {} --write",
);
const COSTS_LATER: Words = Words::new(
    "  what it cost is in {}: choose {} with its price in the Energy dashboard, and run this once more an hour later",
    "  ce qu'elle a coûté est dans {} : choisissez {} avec son prix dans le tableau de bord Énergie, et relancez cette commande une heure après",
);
const BOTH_COUNT: Words = Words::new(
    "  {} is in the Energy dashboard: choose {} in its place, or both count",
    "  {} est dans le tableau de bord Énergie : choisissez {} à sa place, sinon les deux comptent",
);
const ONLY_SAID: Words = Words::new("nothing was written; --write does it", "rien n'a été écrit ; --write le fait");
const WRITTEN: Words = Words::new("  written: {} hours; --undo takes them back", "  écrit : {} heures ; --undo les retire");
const WAS_WRITTEN: Words = Words::new("  was written before", "  était déjà écrit");
const UNDONE: Words = Words::new("{} begins again where it began", "{} commence de nouveau là où elle commençait");
const UNDONE_EMPTY: Words = Words::new(
    "{} begins again where it began; this Home Assistant cannot take hours away, so those before show 0 Wh",
    "{} commence de nouveau là où elle commençait ; ce Home Assistant ne sait pas retirer des heures, celles d'avant montrent donc 0 Wh",
);

impl Unjoined {
    /// Why, for a person.
    #[must_use]
    pub const fn words(self) -> Words {
        match self {
            Self::TooEarly => Words::new(
                "ours has no full hour yet: once more after the next full hour",
                "la nôtre n'a pas encore une heure entière : réessayez après la prochaine heure pleine",
            ),
            Self::NothingBefore => Words::new("the old one has nothing before ours", "l'ancienne n'a rien avant la nôtre"),
            Self::Different => Words::new(
                "they do not show one index, and have no hour in common: wait until the old one has hours of the same time as ours",
                "elles ne montrent pas un même index, et n'ont aucune heure en commun : attendez que l'ancienne ait des heures du même temps que la nôtre",
            ),
            Self::Step => Words::new(
                "between the two the meter would have drawn less than nothing, or more than it lets through: they are of different registers",
                "entre les deux, le compteur aurait soutiré moins que rien, ou plus qu'il ne laisse passer : ce sont des registres différents",
            ),
            Self::BelowZero => Words::new(
                "sums of the old one are below 0: correct it first (Developer tools, Statistics)",
                "des sommes de l'ancienne sont sous 0 : corrigez-la d'abord (Outils de développement, Statistiques)",
            ),
        }
    }
}

/// Joins statistics, or takes that back, and says what it did on standard output.
///
/// # Errors
/// Home Assistant cannot be asked or refuses, two statistics cannot be joined, or what is written cannot be noted on disk.
pub async fn run(settings: &Settings, wanted: &Adopt, language: Language) -> Result<(), Failure> {
    let Some(api) = &settings.homeassistant.api else {
        return Err(Failure::config(NO_ADDRESS.get(language)));
    };
    let directory = positions::directory("STATE_DIRECTORY").unwrap_or_else(|| PathBuf::from(STATE_DIRECTORY));
    let notes = Notes::load(&directory).map_err(|damage| Failure::new(ExitCode::Unavailable, damage))?;
    let failed = |error: Error| failure(&error, language);
    let client = Client::connect(api).await.map_err(failed)?;
    let recorder = Recorder::open(client).await.map_err(failed)?;
    let mut work = Work { recorder, notes, directory, language };
    if wanted.undo { work.undo(&wanted.names).await } else { work.join(wanted).await }
}

/// What Home Assistant did not do, as the end of a command.
#[must_use]
pub fn failure(error: &Error, language: Language) -> Failure {
    let code = if *error == Error::Token { ExitCode::Permission } else { ExitCode::Unavailable };
    Failure::new(code, error.words(language))
}

fn say(text: &Sentence) {
    let _ = writeln!(io::stdout(), "{text}");
}

/// A statistic of another program, one of ours, and how they are joined.
struct Pair {
    old: Kept,
    ours: Kept,
    adopted: Adopted,
    /// Nothing, if it was noted before.
    join: Option<Join>,
}

struct Work<C> {
    recorder: Recorder<C>,
    notes: Notes,
    directory: PathBuf,
    language: Language,
}

impl<C: Commands> Work<C> {
    async fn join(&mut self, wanted: &Adopt) -> Result<(), Failure> {
        let pairs = match wanted.names.as_slice() {
            [old, ours] => vec![self.named(old, ours).await?],
            _ => self.found().await?,
        };
        for pair in &pairs {
            self.tell(pair).await?;
            if wanted.write {
                self.write(pair).await?;
            }
        }
        if !wanted.write {
            say(&ONLY_SAID.say(self.language, &[]));
        }
        Ok(())
    }

    /// These two, if they can be joined.
    async fn named(&mut self, old: &str, ours: &str) -> Result<Pair, Failure> {
        let (old, ours) = (self.statistic(old)?, self.statistic(ours)?);
        if old.unit() != ours.unit() {
            let text = TWO_KINDS.say(self.language, &[&old.entity, &old.unit(), &ours.entity, &ours.unit()]);
            return Err(Failure::new(ExitCode::Unavailable, text.as_str()));
        }
        if let Some(adopted) = self.notes.of(&ours.entity).filter(|adopted| adopted.old == old.entity) {
            return Ok(Pair { adopted: adopted.clone(), old, ours, join: None });
        }
        let [before, after] = [self.series(&old).await?, self.series(&ours).await?];
        let join = if ours.is_energy() { join(&before, &after, Reach::Any) } else { join_costs(&before, &after) };
        let join = join.map_err(|why| Failure::new(ExitCode::Unavailable, why.words().get(self.language)))?;
        Ok(Pair { adopted: Adopted::new(&old.entity, &ours.entity, &join), old, ours, join: Some(join) })
    }

    /// For each of ours the longest that shows the same index.
    async fn found(&mut self) -> Result<Vec<Pair>, Failure> {
        let (ours, others): (Vec<_>, Vec<_>) = self.recorder.energies().into_iter().partition(|kept| self.recorder.is_ours(kept));
        let mut olds = Vec::new();
        for other in others {
            olds.push((self.series(&other).await?, other));
        }
        let mut pairs = Vec::new();
        for ours in ours {
            if let Some(adopted) = self.notes.of(&ours.entity).cloned() {
                let old = self.statistic(&adopted.old)?;
                pairs.push(Pair { old, ours, adopted, join: None });
                continue;
            }
            let after = self.series(&ours).await?;
            if let Some((_, old, join)) = longest(&olds, &after) {
                let adopted = Adopted::new(&old.entity, &ours.entity, &join);
                pairs.push(Pair { adopted, old: old.clone(), ours, join: Some(join) });
            }
        }
        if pairs.is_empty() {
            return Err(Failure::new(ExitCode::Unavailable, NOTHING_FOUND.say(self.language, &[&self.names()]).as_str()));
        }
        Ok(pairs)
    }

    fn statistic(&self, id: &str) -> Result<Kept, Failure> {
        let unknown = || Failure::new(ExitCode::Unavailable, NO_STATISTIC.say(self.language, &[&id, &self.names()]).as_str());
        self.recorder.find_energy(id).or_else(|| self.recorder.find_money(id)).ok_or_else(unknown)
    }

    fn names(&self) -> String {
        let names: Vec<_> = self.recorder.energies().into_iter().map(|kept| kept.entity).collect();
        names.join(", ")
    }

    async fn series(&mut self, kept: &Kept) -> Result<Vec<Hour>, Failure> {
        self.recorder.series(kept).await.map_err(|error| failure(&error, self.language))
    }

    async fn tell(&mut self, pair: &Pair) -> Result<(), Failure> {
        let (language, old, ours) = (self.language, &pair.old.entity, &pair.ours.entity);
        say(&Sentence::of(format!("{old} -> {ours}")));
        if let Some(join) = &pair.join {
            let first = utc::rfc3339(join.first);
            let lift = if pair.ours.is_energy() { format!("{:.0}", join.lift) } else { format!("{:.2}", join.lift) };
            say(&HOURS.say(language, &[&join.hours, &utc::rfc3339(join.from), &first, &lift, &pair.ours.unit()]));
            if pair.ours.is_energy() {
                say(&BETWEEN.say(language, &[&first, &format!("{:.0}", join.drawn), &join.between]));
            }
        }
        self.tell_costs(pair).await?;
        let is_shown = self.recorder.is_in_dashboard(old).await.map_err(|error| failure(&error, language))?;
        if is_shown {
            say(&BOTH_COUNT.say(language, &[old, ours]));
        }
        Ok(())
    }

    /// What the old energy cost in past years is in a statistic of its own.
    async fn tell_costs(&mut self, pair: &Pair) -> Result<(), Failure> {
        let failed = |error: Error| failure(&error, self.language);
        let Some(old) = self.recorder.cost_of(&pair.old.entity).await.map_err(failed)? else { return Ok(()) };
        let ours = self.recorder.cost_of(&pair.ours.entity).await.map_err(failed)?;
        match ours {
            Some(ours) if self.notes.of(&ours.entity).is_some() => {}
            Some(ours) => say(&COSTS_TOO.say(self.language, &[&old.entity, &old.entity, &ours.entity])),
            None => say(&COSTS_LATER.say(self.language, &[&old.entity, &pair.ours.entity])),
        }
        Ok(())
    }

    async fn write(&mut self, pair: &Pair) -> Result<(), Failure> {
        if pair.join.is_some() {
            self.notes.add(pair.adopted.clone()).map_err(|error| not_noted(&self.directory, &error, self.language))?;
        }
        let written = carry::write(&mut self.recorder, &pair.old, &pair.ours, &pair.adopted).await;
        match written.map_err(|error| failure(&error, self.language))? {
            Some(hours) => say(&WRITTEN.say(self.language, &[&hours])),
            None => say(&WAS_WRITTEN.say(self.language, &[])),
        }
        Ok(())
    }

    /// Takes back what was joined: these two, or everything.
    async fn undo(&mut self, names: &[String]) -> Result<(), Failure> {
        let is_meant = |adopted: &&Adopted| names.is_empty() || [&adopted.old, &adopted.ours].into_iter().eq(names);
        let joined: Vec<_> = self.notes.all().iter().filter(is_meant).cloned().collect();
        if joined.is_empty() {
            say(&NOTHING_TO_UNDO.say(self.language, &[]));
        }
        for adopted in joined {
            let ours = self.statistic(&adopted.ours)?;
            let is_gone = carry::undo(&mut self.recorder, &ours, &adopted).await.map_err(|error| failure(&error, self.language))?;
            self.notes.remove(&adopted.ours).map_err(|error| not_noted(&self.directory, &error, self.language))?;
            let words = if is_gone { UNDONE } else { UNDONE_EMPTY };
            say(&words.say(self.language, &[&adopted.ours]));
        }
        Ok(())
    }
}

fn not_noted(directory: &Path, error: &io::Error, language: Language) -> Failure {
    Failure::new(ExitCode::Permission, NOT_NOTED.say(language, &[&directory.display(), error]).as_str())
}
