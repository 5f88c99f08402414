//! This bridge beside others: whether they are a group, the ways to them, and whether this process stood still.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use teleinfo_proto::wire::keys;
use zenoh::config::EndPoint;

use crate::{
    config::{
        file::ZenohMode,
        settings::{Settings, Zenoh},
    },
    daemon::exit::Failure,
    group::{common::Common, member::Member, setup::Setup, talk::Talk},
    run::{
        start,
        together::{Together, Written},
    },
    words::language::Language,
    zenoh::{
        arrivals::Ear,
        links::{Address, Links, Neighbour},
        network::Network,
        node::LEASE_MS,
        sealed::Sealed,
    },
};
use tokio::sync::mpsc;

/// A member looks so often whether it stood still: others take its place after the lease.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// What is published takes less time.
const LATE: Duration = Duration::from_millis(1_000);

/// This bridge beside others.
#[derive(Debug)]
pub(super) struct Neighbourhood {
    pub(super) talk: Talk,
    pub(super) links: Links,
    pub(super) network: Network,
    /// What makes the page of each member that of all.
    pub(super) together: Together,
    is_member: bool,
    /// The readers that the others were told of, or told.
    pub(super) readers: String,
    /// When the main loop last looked around.
    looked: Option<Instant>,
}

/// What reports to the main loop of it.
pub(super) struct Nearby {
    pub(super) bridges: mpsc::Receiver<Neighbour>,
    pub(super) written: mpsc::Receiver<Written>,
}

impl Neighbourhood {
    /// Looks for other bridges, and tells them that this one is here.
    ///
    /// # Errors
    /// There is a group, and nothing that its members believe each other by.
    pub(super) fn start(
        settings: &Settings,
        language: Language,
        network: Network,
        ear: &Ear,
        sealed: &Sealed,
        state_directory: Option<&Path>,
    ) -> Result<(Self, Nearby), Failure> {
        let (now, secret) = (Instant::now(), start::secret_of_group(settings, state_directory)?);
        let (talk, readers) =
            (talk(settings.group.as_ref(), secret, now).set(common(settings, language)), sealed.with(|readers| readers.shared()));
        let (links, bridges) = Links::start(&network, addresses(settings), ear, talk.group(), talk.own());
        let (together, written) = Together::new();
        let neighbourhood = Self { talk, links, network, together, is_member: settings.group.is_some(), readers, looked: None };
        Ok((neighbourhood, Nearby { bridges, written }))
    }

    /// When the main loop must go on at the latest.
    pub(super) fn poll_timeout(&self, others: Instant, now: Instant) -> Instant {
        let look = self.is_member.then(|| now + LOOK_EVERY);
        look.into_iter().chain(self.talk.poll_timeout()).chain(self.together.poll_timeout()).fold(others, Instant::min)
    }

    /// Whether so much time has passed since the main loop last looked around that nothing more may be published before it does.
    pub(super) fn is_late(&self) -> bool {
        self.is_member && self.looked.is_some_and(|looked| looked.elapsed() > LATE)
    }

    /// For how long this process stood still, if that is beyond half of the lease.
    pub(super) fn poll_slept(&mut self, now: Instant) -> Option<Duration> {
        let slept = now.saturating_duration_since(self.looked.replace(now)?);
        (self.is_member && slept > Duration::from_millis(LEASE_MS.into()) / 2).then_some(slept)
    }
}

/// A run that no other process has.
pub(super) fn draw_run() -> u64 {
    let mut bytes = [0; 8];
    // Without random numbers the bridge has no key either, and does not start.
    let _ = getrandom::fill(&mut bytes);
    u64::from_be_bytes(bytes)
}

/// The voice of this bridge among others. `secret`: the seed of its key.
fn talk(group: Option<&Setup>, secret: Option<[u8; 32]>, now: Instant) -> Talk {
    match (group, secret) {
        (Some(group), Some(secret)) => {
            let own = Member { name: group.member.clone(), run: draw_run() };
            Talk::member(&group.name, own, group.weight, &secret, Duration::from_millis(LEASE_MS.into()), now)
        }
        _ => {
            let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
            let name = Some(host.trim()).filter(|name| keys::is_name(name)).unwrap_or("bridge").to_owned();
            Talk::alone(Member { name, run: draw_run() })
        }
    }
}

/// What decides how a meter is published, by the keys of the configuration.
fn common(settings: &Settings, language: Language) -> Common {
    let (topics, home_assistant) = (&settings.topics, &settings.homeassistant);
    Common::new([
        ("language", format!("{language:?}")),
        ("mqtt.base-topic", topics.base().into()),
        ("mqtt.publish", format!("{:?}", settings.policy)),
        ("homeassistant.discovery", home_assistant.discovery.to_string()),
        ("homeassistant.prefix", topics.prefix().into()),
        ("homeassistant.migrate", format!("{:?}", home_assistant.migrate)),
        ("homeassistant.offline-after", format!("{:?}", home_assistant.offline_after)),
        ("homeassistant.pace", format!("{:?}", home_assistant.pace)),
        ("meter", format!("{:?}", settings.meters)),
        ("prices", format!("{:?}", settings.prices)),
    ])
}

/// What the bridge's own node does: a guest goes to each router by a link.
pub(super) fn own_node(settings: &Settings) -> Zenoh {
    let is_guest = settings.zenoh.mode == ZenohMode::Client;
    let connect = if is_guest { Vec::new() } else { settings.zenoh.connect.clone() };
    Zenoh { connect, ..settings.zenoh.clone() }
}

/// Where links lead to: the routers that this bridge is a guest of, or those of the other members.
fn addresses(settings: &Settings) -> Vec<Address> {
    let address = |endpoint: &EndPoint| Address { endpoint: endpoint.clone(), login: settings.zenoh.login.clone(), lease_ms: LEASE_MS };
    let is_guest = settings.zenoh.mode == ZenohMode::Client;
    let routers = if is_guest { Some(&settings.zenoh.connect) } else { settings.group.as_ref().map(|group| &group.connect) };
    routers.into_iter().flatten().map(address).collect()
}
