//! What the main loop is built from, by the settings: the MQTT side, the statistics, the hub's options.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use teleinfo_proto::seal::Identity;
use tokio::sync::mpsc;
use tracing::{info, warn};

use crate::{
    archive::keeper::Archive,
    config::{
        file::{Pairing, ZenohMode},
        settings::{Embedded, External, Mqtt, Settings},
    },
    daemon::{
        exit::{ExitCode, Failure},
        resources,
    },
    former,
    grid_meter::serve,
    homeassistant::presentation::Presentation,
    hub::{Hub, HubOptions, Kept, complaints::Complaint, counters::Counters, station::StationOptions},
    influxdb::task::RecordSender,
    meter::cadence::Policy,
    mqtt::{Outlet, clients::relay::Doors, embedded, external},
    page::{
        self,
        feed::Feed,
        serve::{Question, Shown},
    },
    seal::{code, keys, pins, readers::Readers},
    statistics::{
        notes::{self, NoteSender},
        task::{self, Outcome},
    },
    store::{ledgers, memories, positions::Positions},
    words::{
        inbound::Inbound,
        journal,
        language::{Language, Words},
        limits::Limits,
        message::Message,
        topics::{OFFLINE, Topics},
    },
    zenoh::{
        arrivals::{self, Arrivals, Ear},
        history::Historian,
        network::Network,
        node::Node,
        sealed::Sealed,
    },
};

const FINGERPRINT: Words = Words::new("the fingerprint of this bridge is {}", "l'empreinte de cette passerelle est {}");
const BY_CODE: Words = Words::new(
    "new readers come in with the code of this bridge only: sudo teleinfo-bridge code shows it",
    "de nouveaux lecteurs n'entrent qu'avec le code de cette passerelle : sudo teleinfo-bridge code le montre",
);
const NO_CODE: Words = Words::new(
    "zenoh.pairing: \"code\" needs a state directory (STATE_DIRECTORY), where the code is kept",
    "zenoh.pairing : \"code\" a besoin d'un répertoire d'état (STATE_DIRECTORY), où le code est gardé",
);
const NO_KEY: Words = Words::new(
    "group.name: a group needs a state directory (STATE_DIRECTORY) with the key that all its members share: docs/groups.md",
    "group.name : un groupe a besoin d'un répertoire d'état (STATE_DIRECTORY) avec la clé que partagent tous ses membres : docs/fr/groups.md",
);
const FEW_FILES: Words = Words::new(
    "limits.meters: {} meters may take {} open files, and this process may have {}: raise LimitNOFILE= (sudo systemctl edit teleinfo-bridge)",
    "limits.meters : {} compteurs peuvent demander {} fichiers ouverts, et ce processus en a {} : augmentez LimitNOFILE= (sudo systemctl edit teleinfo-bridge)",
);
const LITTLE_MEMORY: Words = Words::new(
    "limits.meters: {} meters may take {} MB of memory, and this service may have {} MB: raise MemoryMax= (sudo systemctl edit teleinfo-bridge)",
    "limits.meters : {} compteurs peuvent demander {} Mo de mémoire, et ce service en a {} : augmentez MemoryMax= (sudo systemctl edit teleinfo-bridge)",
);
const HELLO: Words = Words::new("teleinfo-bridge {}: {}; {}", "teleinfo-bridge {} : {} ; {}");
const READERS_CONNECT: Words = Words::new("readers connect to {}", "les lecteurs se relient à {}");
const READERS_COME: Words =
    Words::new("readers come by the Zenoh router at {}", "les lecteurs passent par le routeur Zenoh à l'adresse {}");
const TO_BROKER: Words = Words::new("MQTT goes to {}", "MQTT va vers {}");
const CLIENTS_CONNECT: Words = Words::new("MQTT clients connect to {}", "les clients MQTT se relient à {}");
const OPEN: Words = Words::new(
    "anybody on the network can connect to {} and publish: set mqtt.users-file, or leave mqtt.listen out",
    "n'importe qui sur le réseau peut se relier à {} et publier : réglez mqtt.users-file, ou retirez mqtt.listen",
);

/// Home Assistant is told of a meter that nobody knew once it has sent so many samples: some seconds.
const SAMPLES_FIRST: u32 = 3;

/// The MQTT side, before anything of it is started.
pub(super) enum Way<'a> {
    /// To a broker.
    Broker(&'a External),
    /// To MQTT clients, behind these doors.
    Clients(&'a Embedded, Doors),
}

impl<'a> Way<'a> {
    /// Opens the port of MQTT clients, where there is no broker.
    ///
    /// # Errors
    /// It is in use.
    pub(super) fn open(mqtt: &'a Mqtt) -> Result<Self, Failure> {
        match mqtt {
            Mqtt::External(broker) => Ok(Self::Broker(broker)),
            Mqtt::Embedded(settings) => embedded::open(settings.listen).map(|doors| Self::Clients(settings, doors)),
        }
    }

    /// The configuration of the plugin that serves MQTT clients.
    pub(super) fn plugin(&self) -> Option<serde_json::Value> {
        match self {
            Self::Broker(_) => None,
            Self::Clients(settings, doors) => Some(embedded::plugin(settings, doors)),
        }
    }

    /// Starts it.
    ///
    /// # Errors
    /// A plugin that does not run.
    pub(super) async fn start(
        self,
        settings: &Settings,
        node: &Node,
        counters: Counters,
    ) -> Result<(Outlet, mpsc::Receiver<Inbound>), Failure> {
        let topics = &settings.topics;
        match self {
            Self::Clients(_, doors) => {
                let statuses = vec![topics.home_assistant_status()];
                embedded::start(node.session().clone(), doors, statuses, settings.limits, counters).await
            }
            Self::Broker(broker) => {
                let will = Message::retained(topics.bridge_state(), OFFLINE);
                let echoed = echoed(topics, settings.homeassistant.discovery);
                let subscriptions = [subscriptions(topics), echoed.clone()].concat();
                Ok(external::start(broker.clone(), will, subscriptions, echoed, settings.limits, counters))
            }
        }
    }
}

/// What others say that matters: Home Assistant's birth, and what the broker retained of an earlier run.
fn subscriptions(topics: &Topics) -> Vec<String> {
    vec![topics.home_assistant_status(), topics.availability("+"), topics.ledger("+"), topics.marker()]
}

/// What the bridge itself publishes, and listens to: where it does not come back, the broker's access list refuses it.
fn echoed(topics: &Topics, discovery: bool) -> Vec<String> {
    [topics.bridge_state()].into_iter().chain(discovery.then(|| topics.bridge_discovery())).collect()
}

/// The ways into the Zenoh network, and the readers that are believed there.
///
/// # Errors
/// Those of [`readers`].
pub(super) fn sealed(settings: &Settings, node: &Node, state_directory: Option<&Path>) -> Result<(Network, Sealed), Failure> {
    let network = network(settings, node);
    let readers = readers(state_directory, settings.zenoh.pairing, settings.limits)?;
    Ok((network.clone(), Sealed::start(&network, readers)))
}

/// Listens to readers by the ways that stand from the beginning.
///
/// # Errors
/// What Zenoh says.
pub(super) async fn listen(network: &Network, sealed: &Sealed, limits: Limits, counters: Counters) -> Result<(Ear, Arrivals), Failure> {
    let (ear, arrivals) = arrivals::ear(sealed, limits, counters);
    for (link, session) in network.links() {
        let listening = ear.listen(link, &session).await;
        listening.map_err(|error| Failure::new(ExitCode::Internal, format!("Zenoh: {error}")))?;
    }
    Ok((ear, arrivals))
}

/// The ways into the Zenoh network that stand from the beginning: of a guest there is none.
fn network(settings: &Settings, node: &Node) -> Network {
    if settings.zenoh.mode == ZenohMode::Client { Network::default() } else { Network::of(node.session()) }
}

/// What members of a group believe each other by: the bridges' common key.
///
/// # Errors
/// There is a group, and the key is not kept.
pub(super) fn secret_of_group(settings: &Settings, state_directory: Option<&Path>) -> Result<Option<[u8; 32]>, Failure> {
    if settings.group.is_none() {
        return Ok(None);
    }
    let key = state_directory.and_then(|directory| keys::read(&directory.join(keys::FILE)).ok().flatten());
    key.map(|(seed, _)| Some(seed)).ok_or_else(|| Failure::config(journal::say(NO_KEY, &[]).to_string()))
}

/// The key of this bridge and the readers that it knows. What a person should know is said.
///
/// # Errors
/// The file of the readers is damaged: to go on without it would be to believe anybody.
fn readers(state_directory: Option<&Path>, pairing: Pairing, limits: Limits) -> Result<Readers, Failure> {
    let (own, remark) =
        keys::load(state_directory).map_err(|error| Failure::new(ExitCode::Internal, format!("random numbers: {error}")))?;
    remark.into_iter().for_each(|remark| warn!("{remark}"));
    let pins = pins::load(state_directory).map_err(Failure::config)?.within(limits);
    let secret = secret(&own, state_directory, pairing)?;
    let readers = Readers::new(own, pins, limits, |bytes| getrandom::fill(bytes).is_ok(), Instant::now());
    info!("{}", journal::say(FINGERPRINT, &[&readers.fingerprint()]));
    Ok(match secret {
        Some(secret) => readers.with_code(secret),
        None => readers,
    })
}

/// What a reader must say that is not known, where a code is wanted.
fn secret(own: &Identity, state_directory: Option<&Path>, pairing: Pairing) -> Result<Option<u32>, Failure> {
    if pairing == Pairing::FirstContact {
        return Ok(None);
    }
    let directory = state_directory.ok_or_else(|| Failure::config(journal::say(NO_CODE, &[]).to_string()))?;
    let code = code::load(own, directory).map_err(|error| Failure::config(format!("{}: {error}", directory.join(code::FILE).display())))?;
    info!("{}", journal::say(BY_CODE, &[]));
    Ok(Some(code.secret))
}

/// The hub, with what an earlier process kept.
pub(super) fn hub(
    settings: &Settings,
    options: HubOptions,
    positions: &Positions,
    state_directory: Option<&Path>,
    counters: Counters,
    now: Instant,
) -> Hub {
    let (kept, damages) = kept(settings, positions, state_directory);
    let mut hub = Hub::new(options, kept, counters, now);
    say_damages(&damages, &mut hub, now);
    hub
}

/// What an earlier process kept, and what is wrong with its files. What it published under names that are no longer those of now is taken away.
fn kept(settings: &Settings, positions: &Positions, state_directory: Option<&Path>) -> (Kept, Vec<String>) {
    let (positions, mut damages) = positions.load();
    let Some(directory) = state_directory else { return (Kept { positions, ..Kept::default() }, damages) };
    let (memories, of_memories) = memories::load(directory);
    let (ledgers, of_ledgers) = ledgers::load(directory);
    damages.extend(of_memories.into_iter().chain(of_ledgers));
    let kept = Kept { positions, memories, ledgers, ..Kept::default() };
    former::start(settings, &kept, directory);
    (kept, damages)
}

/// Says what is wrong with files: a complaint is said in the journal too, but only one of a kind at once.
fn say_damages(damages: &[String], hub: &mut Hub, now: Instant) {
    damages.iter().skip(1).for_each(|damage| warn!("{damage}"));
    damages.iter().take(1).for_each(|damage| hub.handle_complaint(Complaint::Damaged, damage, now));
}

/// Says what the system does not let this bridge have, for as many meters as it was told to take on. Until there are so many it does no harm.
fn say_limits(limits: Limits) {
    let meters = limits.meters;
    let (files, memory) = (limits.files(), limits.memory_bytes());
    if let Some(given) = resources::files().filter(|given| *given < files) {
        warn!("{}", journal::say(FEW_FILES, &[&meters, &files, &given]));
    }
    if let Some(given) = resources::memory_bytes().filter(|given| *given < memory) {
        warn!("{}", journal::say(LITTLE_MEMORY, &[&meters, &(memory >> 20), &(given >> 20)]));
    }
}

/// What the main loop has of the page.
pub(super) struct Page {
    /// The memory, if there is a page that shows it.
    pub archive: Option<Archive>,
    /// What browsers are told.
    pub feed: Feed,
    /// What is asked there.
    pub questions: mpsc::Receiver<Question>,
}

/// Opens the page and its memory, if they are wanted. What a person should know of the memory is said; whatever is wrong, the bridge goes on without it.
pub(super) fn page(settings: &Settings, state_directory: Option<&Path>) -> Page {
    let archive = settings.page.as_ref().and_then(|_| Archive::start(state_directory, Box::new(|text| warn!("{text}"))));
    let feed = Feed::new(settings.topics.clone());
    let shown = Shown { archive: archive.clone(), door: feed.door(), is_member: settings.group.is_some() };
    Page { archive, feed, questions: page::serve::start(settings.page.clone(), shown) }
}

/// Starts what writes figures to InfluxDB, if that is wanted.
///
/// # Errors
/// Its address is that of TLS, and this system trusts nobody.
pub(super) fn records(settings: &Settings, counters: &Counters) -> Result<Option<RecordSender>, Failure> {
    let start = |target| RecordSender::start(target, counters.clone()).map_err(|error| Failure::config(format!("influxdb.url: {error}")));
    settings.influxdb.as_ref().map(|setup| start(setup.target.clone())).transpose()
}

/// Starts what corrects statistics, if there is an address and a token for it.
pub(super) fn correct_statistics(
    settings: &Settings,
    language: Language,
    historian: &Historian,
    state_directory: Option<PathBuf>,
    counters: Counters,
) -> (Option<NoteSender>, mpsc::Receiver<Outcome>) {
    let (sender, outcomes) = mpsc::channel(8);
    let statistics = settings.homeassistant.api.clone().map(|api| {
        let (statistics, notices) = notes::queue(counters);
        let published_every = if let Policy::Every(gap) = settings.policy { gap } else { Duration::ZERO };
        let token_file = settings.homeassistant.token_file.clone();
        let options = task::Options { api, token_file, state_directory, language, published_every };
        tokio::spawn(task::run(options, notices, historian.clone(), sender));
        statistics
    });
    (statistics, outcomes)
}

/// What the hub needs to know; `notes` says whether statistics are corrected, `archive` whether there is a memory.
pub(super) fn options(settings: &Settings, language: Language, sealed: &Sealed, notes: bool, archive: bool) -> HubOptions {
    let presentation = Presentation {
        topics: settings.topics.clone(),
        language,
        discovery: settings.homeassistant.discovery,
        migrate: settings.homeassistant.migrate,
        updates: settings.updates.is_some(),
        meters: settings.meters.clone(),
        prices: settings.prices.clone(),
    };
    let station = StationOptions {
        presentation: Arc::new(presentation),
        policy: settings.policy,
        offline_after: settings.homeassistant.offline_after,
        pace: settings.homeassistant.pace,
        archive,
        records: settings.influxdb.as_ref().map(|setup| setup.every),
    };
    let broker_keeps = matches!(settings.mqtt, Mqtt::External(_));
    HubOptions {
        limits: settings.limits,
        station,
        notes,
        broker_keeps,
        samples_first: SAMPLES_FIRST,
        measured: serve::meters_of(&settings.grid_meters),
        fingerprint: sealed.with(|readers| readers.fingerprint().to_string()),
        member: settings.group.as_ref().map(|group| group.member.clone()),
        seed: RandomState::new().build_hasher().finish(),
    }
}

/// Says in one line who connects to whom.
pub(super) fn say_hello(settings: &Settings) {
    let join = |endpoints: &[zenoh::config::EndPoint]| endpoints.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let zenoh = match settings.zenoh.mode {
        ZenohMode::Router => journal::say(READERS_CONNECT, &[&join(&settings.zenoh.listen)]),
        ZenohMode::Client => journal::say(READERS_COME, &[&join(&settings.zenoh.connect)]),
    };
    let mqtt = match &settings.mqtt {
        Mqtt::External(broker) => journal::say(TO_BROKER, &[&broker.url]),
        Mqtt::Embedded(plugin) => journal::say(CLIENTS_CONNECT, &[&plugin.listen]),
    };
    info!("{}", journal::say(HELLO, &[&env!("CARGO_PKG_VERSION"), &zenoh, &mqtt]));
    say_limits(settings.limits);
    if let Mqtt::Embedded(plugin) = &settings.mqtt
        && plugin.is_open()
    {
        warn!("{}", journal::say(OPEN, &[&plugin.listen]));
    }
}
