//! What the bridge counts of itself, from the start of its process: one line for each counter, with its name on the wire, its unit and its
//! meaning.
//!
//! Samples, messages and faults are counted where they happen: in the hub, in Zenoh's threads, in the task of the MQTT side. So
//! [`Counters`] is a handle that all of them share, and counting never waits. [`super::bridge_quality`] publishes them.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use crate::words::language::{Language, Words};

/// How a counter takes a new number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeps {
    /// All numbers, added up.
    Sum,
    /// The highest number.
    Highest,
}

/// What a counter says of the bridge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// The bridge works: this number grows all the time.
    Work,
    /// Something went wrong, or was refused: whoever looks should see it soon.
    Trouble,
}

/// What is known of a counter: one line of the table.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// Its place in the JSON; a dot stands between an object and its field.
    pub name: &'static str,
    /// What is counted.
    pub unit: &'static str,
    /// Sum or highest number.
    pub keeps: Keeps,
    /// Work or trouble.
    pub meaning: Meaning,
    /// What it means, in both languages.
    pub words: Words,
}

/// Makes the enum, the list of all its variants and the table from the same lines.
macro_rules! counters {
    ($($variant:ident $name:literal $unit:literal $keeps:ident $meaning:ident $english:literal $french:literal;)*) => {
        /// A counter of the bridge.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Counter {
            $(#[doc = $english] $variant,)*
        }

        impl Counter {
            /// All counters, in the order of the table.
            pub const ALL: [Self; ROWS.len()] = [$(Self::$variant,)*];
        }

        const ROWS: &[Row] = &[
            $(Row {
                name: $name,
                unit: $unit,
                keeps: Keeps::$keeps,
                meaning: Meaning::$meaning,
                words: Words::new($english, $french),
            },)*
        ];
    };
}

#[rustfmt::skip]
counters! {
    SamplesTaken        "samples_taken"      "samples"   Sum     Work    "samples published"                                         "échantillons publiés";
    SamplesLate         "samples_late"       "samples"   Sum     Work    "samples taken from a reader's history"                     "échantillons repris de l'historique d'un lecteur";
    SamplesDuplicate    "samples_duplicate"  "samples"   Sum     Work    "samples that came more than once"                          "échantillons reçus plusieurs fois";
    SamplesThinned      "samples_thinned"    "samples"   Sum     Work    "samples that a reader no longer held in full"              "échantillons qu'un lecteur ne gardait plus en entier";
    SamplesLive         "samples_live"       "samples"   Sum     Work    "live samples published, before the end of their frame"      "échantillons immédiats publiés, avant la fin de leur trame";
    SamplesLost         "samples_lost"       "samples"   Sum     Trouble "samples lost for good"                                     "échantillons perdus pour de bon";
    ArrivalsDropped     "arrivals_dropped"   "messages"  Sum     Trouble "messages of readers dropped: more came than was taken"      "messages de lecteurs abandonnés : il en arrivait plus que la passerelle n'en prenait";
    ArrivalsTwice       "arrivals_twice"     "messages"  Sum     Trouble "messages of readers that came by a second Zenoh router, too" "messages de lecteurs venus aussi par un second routeur Zenoh";
    QueueHighest        "queue_highest"      "messages"  Highest Work    "most messages of readers that waited at a time"            "plus grand nombre de messages de lecteurs en attente";
    MessagesDropped     "messages_dropped"   "messages"  Sum     Trouble "MQTT messages dropped: the queue was full"                 "messages MQTT abandonnés : la file était pleine";
    TopicsBeyondLimit   "topics_beyond_limit" "messages" Sum     Trouble "retained messages not remembered: too many topics"         "messages retenus non mémorisés : trop de topics";
    MessagesTooLarge    "messages_too_large" "messages"  Sum     Trouble "MQTT messages not sent: too large for the broker"           "messages MQTT non envoyés : trop grands pour le broker";
    ClientMessagesDropped "clients.messages_dropped" "messages" Sum Trouble "MQTT messages dropped for clients of the bridge that take too slowly" "messages MQTT abandonnés pour des clients de la passerelle trop lents";
    ClientsEnded        "clients.ended"      "connections" Sum   Trouble "connections of MQTT clients that the bridge ended: they took nothing, sent too much, or did not say who they are" "connexions de clients MQTT fermées par la passerelle : ils ne prenaient rien, envoyaient trop ou ne se nommaient pas";
    ClientsRefused      "clients.refused"    "connections" Sum   Trouble "connections of MQTT clients refused: there were too many" "connexions de clients MQTT refusées : il y en avait trop";
    InboundDropped      "inbound_dropped"    "messages"  Sum     Trouble "MQTT messages to the bridge dropped: the queue was full"   "messages MQTT vers la passerelle abandonnés : la file était pleine";
    NotesDropped        "notes_dropped"      "samples"   Sum     Trouble "samples not noted for statistics: the queue was full"      "échantillons non notés pour les statistiques : la file était pleine";
    ReadingsDropped     "readings_dropped"   "readings"  Sum     Trouble "indexes not remembered: the disk of the page's memory is too slow" "index non mémorisés : le disque de la mémoire de la page est trop lent";
    RecordsDropped      "records_dropped"    "lines"     Sum     Trouble "lines for InfluxDB dropped: it takes them too slowly, or refuses them" "lignes pour InfluxDB abandonnées : il les prend trop lentement, ou les refuse";
    RefusedTooLarge     "refused.too_large"  "messages"  Sum     Trouble "messages refused: too large"                               "messages refusés : trop grands";
    RefusedVersion      "refused.version"    "messages"  Sum     Trouble "messages refused: another version of the wire format"      "messages refusés : autre version du format";
    RefusedNewer        "refused.newer"      "messages"  Sum     Trouble "messages refused: of a type that only a newer release knows" "messages refusés : d'un type que seule une version plus récente connaît";
    RefusedMalformed    "refused.malformed"  "messages"  Sum     Trouble "messages refused: not readable"                            "messages refusés : illisibles";
    RefusedKey          "refused.key"        "messages"  Sum     Trouble "messages refused: key and content name different meters"   "messages refusés : la clé et le contenu nomment des compteurs différents";
    Strangers           "strangers"          "messages"  Sum     Trouble "messages under keys that name no meter and no reader"      "messages sous des clés qui ne nomment ni compteur ni lecteur";
    RefusedAnotherKey   "refused.another_key" "messages" Sum    Trouble "messages refused: of another reader than the one of the meter" "messages refusés : d'un autre lecteur que celui du compteur";
    RefusedNotForUs     "refused.not_for_us" "messages"  Sum     Trouble "messages refused: sealed for another bridge, or of unknown readers" "messages refusés : scellés pour une autre passerelle, ou de lecteurs inconnus";
    RefusedNotAuthentic "refused.not_authentic" "messages" Sum  Trouble "messages refused: they do not open, or came a second time"  "messages refusés : ils ne s'ouvrent pas, ou sont venus une seconde fois";
    MetersBeyondLimit   "meters_beyond_limit" "messages" Sum     Trouble "messages of meters beyond the limit"                       "messages de compteurs au-delà de la limite";
    NewMetersHeld       "new_meters_held"    "messages"  Sum     Trouble "messages of new meters that wait: too many came at once"   "messages de nouveaux compteurs en attente : trop sont venus à la fois";
    BrokerReconnections "broker_reconnections" "times"   Sum     Trouble "reconnections to the MQTT broker"                          "reconnexions au broker MQTT";
    ReaderReconnections "reader_reconnections" "times"   Sum     Trouble "readers that came back"                                    "retours de lecteurs";
    QuestionsAsked      "questions_asked"    "questions" Sum     Work    "questions to readers' histories"                           "questions aux historiques des lecteurs";
    DiskErrors          "disk_errors"        "errors"    Sum     Trouble "files that could not be written"                           "fichiers qui n'ont pas pu être écrits";
}

impl Counter {
    /// What is known of it.
    #[must_use]
    pub const fn row(self) -> &'static Row {
        &ROWS[self as usize]
    }

    /// Whether it counts what went wrong.
    #[must_use]
    pub const fn is_trouble(self) -> bool {
        matches!(self.row().meaning, Meaning::Trouble)
    }
}

/// The counters of this process. A copy counts into the same numbers.
#[derive(Debug, Clone)]
pub struct Counters(Arc<[AtomicU64; ROWS.len()]>);

impl Default for Counters {
    fn default() -> Self {
        Self(Arc::new(std::array::from_fn(|_| AtomicU64::new(0))))
    }
}

impl Counters {
    /// Counts one.
    pub fn count(&self, counter: Counter) {
        self.add(counter, 1);
    }

    /// Counts several at once, or takes a level that may be the highest.
    pub fn add(&self, counter: Counter, number: u64) {
        let place = &self.0[counter as usize];
        match counter.row().keeps {
            Keeps::Sum => place.fetch_add(number, Ordering::Relaxed),
            Keeps::Highest => place.fetch_max(number, Ordering::Relaxed),
        };
    }

    /// The number of one counter.
    #[must_use]
    pub fn get(&self, counter: Counter) -> u64 {
        self.0[counter as usize].load(Ordering::Relaxed)
    }

    /// All counters with their numbers, in the order of the table.
    pub fn all(&self) -> impl Iterator<Item = (Counter, u64)> {
        Counter::ALL.into_iter().map(|counter| (counter, self.get(counter)))
    }

    /// One line for the log: every counter that is not zero.
    #[must_use]
    pub fn line(&self, language: Language) -> String {
        let counted = self.all().filter(|(_, number)| *number > 0);
        let texts: Vec<String> = counted.map(|(counter, number)| format!("{number} {}", counter.row().words.get(language))).collect();
        texts.join(", ")
    }

    /// A few words for `systemctl status`: what was lost, dropped and refused; nothing while all of these are zero.
    #[must_use]
    pub fn short(&self, language: Language) -> Option<String> {
        let groups = GROUPS.map(|(word, counters)| (word, counters.iter().map(|counter| self.get(*counter)).sum::<u64>()));
        let texts: Vec<String> =
            groups.iter().filter(|(_, sum)| *sum > 0).map(|(word, sum)| format!("{sum} {}", word.get(language))).collect();
        (!texts.is_empty()).then(|| texts.join(", "))
    }
}

/// The words of [`Counters::short`], and what each of them adds up.
const GROUPS: [(Words, &[Counter]); 4] = [
    (Words::new("samples lost", "relevés perdus"), &[Counter::SamplesLost]),
    (
        Words::new("dropped", "abandonnés"),
        &[
            Counter::ArrivalsDropped,
            Counter::MessagesDropped,
            Counter::MessagesTooLarge,
            Counter::InboundDropped,
            Counter::NotesDropped,
            Counter::ReadingsDropped,
        ],
    ),
    (
        Words::new("refused", "refusés"),
        &[
            Counter::RefusedTooLarge,
            Counter::RefusedVersion,
            Counter::RefusedNewer,
            Counter::RefusedMalformed,
            Counter::RefusedKey,
            Counter::Strangers,
            Counter::RefusedAnotherKey,
            Counter::RefusedNotForUs,
            Counter::RefusedNotAuthentic,
        ],
    ),
    (Words::new("disk errors", "erreurs de disque"), &[Counter::DiskErrors]),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_line_of_the_table_is_complete_and_no_name_comes_twice() {
        let mut names = BTreeSet::new();
        for counter in Counter::ALL {
            let row = counter.row();
            assert!(names.insert(row.name), "{} comes twice", row.name);
            assert!(row.name.chars().all(|c| c.is_ascii_lowercase() || "_.".contains(c)), "{}", row.name);
            assert!(!row.unit.is_empty() && !row.words.english.is_empty() && !row.words.french.is_empty(), "{}", row.name);
        }
    }

    #[test]
    fn the_documentation_has_each_line_of_the_table_in_both_languages() {
        let (english, french) = (include_str!("../../../docs/bridge-quality.md"), include_str!("../../../docs/fr/bridge-quality.md"));
        for Row { name, unit, words, .. } in ROWS {
            let line = format!("| `{name}` | {unit} | {} |", words.english);
            assert!(english.contains(&line), "docs/bridge-quality.md lacks:\n{line}");
            // The unit is a word there too, which the table of counters has in English only.
            let (start, end) = (format!("| `{name}` | "), format!(" | {} |", words.french));
            let shown = french.lines().any(|line| line.starts_with(&start) && line.ends_with(&end));
            assert!(shown, "docs/fr/bridge-quality.md lacks:\n{start}…{end}");
        }
    }

    #[test]
    fn sums_add_up_and_levels_keep_the_highest() {
        let counters = Counters::default();
        let copy = counters.clone();
        counters.count(Counter::SamplesTaken);
        copy.add(Counter::SamplesTaken, 4);
        [3, 9, 5].into_iter().for_each(|level| counters.add(Counter::QueueHighest, level));
        assert_eq!((counters.get(Counter::SamplesTaken), counters.get(Counter::QueueHighest)), (5, 9));
    }

    #[test]
    fn each_counter_counts_for_itself() {
        let counters = Counters::default();
        Counter::ALL.iter().zip(1..).for_each(|(counter, number)| counters.add(*counter, number));
        assert!(counters.all().map(|(_, number)| number).eq(1..=Counter::ALL.len() as u64));
    }

    #[test]
    fn the_line_says_what_is_not_zero() {
        let counters = Counters::default();
        assert_eq!((counters.line(Language::English).as_str(), counters.short(Language::English)), ("", None));
        counters.add(Counter::SamplesTaken, 7);
        counters.add(Counter::RefusedVersion, 2);
        counters.add(Counter::Strangers, 3);
        assert!(counters.line(Language::English).starts_with("7 samples published, 2 messages refused"));
        assert!(counters.line(Language::French).starts_with("7 échantillons publiés, 2 messages refusés"));
        assert_eq!(counters.short(Language::English).as_deref(), Some("5 refused"));
    }
}
