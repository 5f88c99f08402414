//! The configuration, checked: what the rest of the bridge works with.
//!
//! Everything that can be wrong in a file or a flag is found here, before a port is opened.

use std::{
    collections::BTreeMap,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use teleinfo_proto::tic::MeterId;
use zenoh_protocol::core::EndPoint;

use crate::{
    config::{
        api::{self, Api},
        broker_url::Url,
        file::{self, Config, Pairing, PublishName, ZenohMode},
        grid_meters, group,
        idle::warn_of_idle_keys,
        influxdb, keys, limits, locators, meters,
        origins::{self, Origins},
        page, prices, updates,
    },
    daemon::{
        cli::Cli,
        credentials::{self, Secret},
        exit::Failure,
        tls::{Files, KeyNames, Tls},
    },
    grid_meter::setup::Setup,
    group::setup::Setup as GroupSetup,
    homeassistant::{predecessor::Migrate, presentation::MeterWishes},
    influxdb::setup::Setup as InfluxdbSetup,
    meter::cadence::Policy,
    page::setup::Setup as PageSetup,
    prices::book::Book,
    updates::setup::Source,
    words::{
        language::{Language, Words},
        limits::Limits,
        topics::Topics,
    },
};

const FOR_A_ROUTER: Words = Words::new(
    "{}: only for readers that connect to this bridge, and it is a client of a router",
    "{} : seulement pour des lecteurs reliés à cette passerelle, or elle est cliente d'un routeur",
);
const FOR_A_BROKER: Words = Words::new(
    "{}: only for a broker, and mqtt.url names none; who may connect to this bridge is in mqtt.users-file",
    "{} : seulement pour un broker, or mqtt.url n'en nomme pas ; qui peut se relier à cette passerelle est dans mqtt.users-file",
);
const FOR_OWN_CLIENTS: Words = Words::new(
    "{}: only for clients of this bridge, and mqtt.url names a broker",
    "{} : seulement pour des clients de cette passerelle, or mqtt.url nomme un broker",
);

/// Everything the bridge was told, checked.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Language of names and readable values, if the owner has chosen one.
    pub language: Option<Language>,
    /// Language of the journal, if it is to be another.
    pub journal: Option<Language>,
    /// Where samples come from.
    pub zenoh: Zenoh,
    /// Where they go.
    pub mqtt: Mqtt,
    /// What Home Assistant is told.
    pub homeassistant: HomeAssistant,
    /// What the owner says of meters.
    pub meters: BTreeMap<MeterId, MeterWishes>,
    /// What energy costs.
    pub prices: Book,
    /// The grid meters that batteries and wallboxes find here.
    pub grid_meters: Vec<Setup>,
    /// What is shown by HTTP, if it is.
    pub page: Option<PageSetup>,
    /// Where the newest version is told, if somebody wants to know.
    pub updates: Option<Source>,
    /// Where figures are written, if they are.
    pub influxdb: Option<InfluxdbSetup>,
    /// The group that this bridge belongs to, if it does.
    pub group: Option<GroupSetup>,
    /// How much the bridge takes on.
    pub limits: Limits,
    /// How often a state is published.
    pub policy: Policy,
    /// Topic names.
    pub topics: Topics,
    /// Where all of this comes from.
    origins: Origins,
}

/// The Zenoh side.
#[derive(Debug, Clone)]
pub struct Zenoh {
    /// Router or client.
    pub mode: ZenohMode,
    /// Where to listen (router).
    pub listen: Vec<EndPoint>,
    /// Where to connect.
    pub connect: Vec<EndPoint>,
    /// Whether to answer those who look for a router.
    pub scouting: bool,
    /// How a reader that is not known comes in.
    pub pairing: Pairing,
    /// Who may connect.
    pub users_file: Option<PathBuf>,
    /// Whom to connect as.
    pub login: Option<Login>,
}

/// A user with a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// The name.
    pub user: String,
    /// The password; empty where the other side asks for none.
    pub password: Secret,
}

/// The MQTT side: one of two.
#[derive(Debug, Clone)]
pub enum Mqtt {
    /// A client of a broker.
    External(External),
    /// The plugin in this process.
    Embedded(Embedded),
}

/// How to reach a broker.
#[derive(Debug, Clone)]
pub struct External {
    /// Host, port, TLS or not.
    pub url: Url,
    /// User and password.
    pub login: Option<Login>,
    /// Name of this client.
    pub client_id: String,
    /// Whom to trust, and who this bridge is, if the connection is encrypted.
    pub tls: Option<Tls>,
}

/// How to be reached by MQTT clients.
#[derive(Debug, Clone)]
pub struct Embedded {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Who may connect.
    pub users_file: Option<PathBuf>,
}

/// What Home Assistant is told.
#[derive(Debug, Clone)]
pub struct HomeAssistant {
    /// Whether meters announce themselves.
    pub discovery: bool,
    /// Whose entities to take over.
    pub migrate: Migrate,
    /// Where statistics are to be corrected.
    pub api: Option<Api>,
    /// The file of that token: another one is taken from there if this one is refused.
    pub token_file: Option<PathBuf>,
    /// Time without a frame after which a meter is offline, if its reader did not say goodbye.
    pub offline_after: Duration,
    /// How often measurements are told; zero: with each frame.
    pub pace: Duration,
}

/// Home Assistant's statistics have pieces of this length, in s.
const PACE_MAX: u32 = 300;
/// The keys that say how TLS is spoken to the broker.
pub const BROKER_KEYS: KeyNames =
    KeyNames { authority: "mqtt.ca-file", identity: Some(("mqtt.client-cert-file", "mqtt.client-key-file")), address: "mqtt.url" };

impl Settings {
    /// Checks a configuration, with the flags that win over it.
    ///
    /// # Errors
    /// The first thing that is wrong, by the name of its key and by what gave its value.
    pub fn new(mut config: Config, cli: &Cli) -> Result<Self, Failure> {
        config.take_flags(&cli.listen, cli.mqtt.as_deref());
        let origins = config.origins.clone();
        let settings = Self::checked(config).map_err(|failure| origins.explain(failure))?;
        Ok(Self { journal: cli.language, ..settings })
    }

    fn checked(config: Config) -> Result<Self, Failure> {
        let prefix = topic("homeassistant.prefix", &config.homeassistant.prefix)?;
        let topics = Topics::new(topic("mqtt.base-topic", &config.mqtt.base_topic)?, prefix);
        let policy = policy(config.mqtt.publish)?;
        let member = config.group.name.as_ref().and(config.group.member.clone());
        let (zenoh, mqtt) = (zenoh(config.zenoh)?, mqtt(config.mqtt, member)?);
        let settings = Self {
            group: group::checked(config.group, zenoh.mode, matches!(mqtt, Mqtt::External(_)), !zenoh.connect.is_empty())?,
            language: config.language,
            journal: None,
            topics,
            policy,
            zenoh,
            mqtt,
            homeassistant: home_assistant(config.homeassistant)?,
            meters: meters::checked(config.meter)?,
            prices: prices::checked(config.prices, "prices")?,
            origins: config.origins,
            grid_meters: grid_meters::checked(config.grid_meter)?,
            page: page::checked(config.page)?,
            influxdb: influxdb::checked(config.influxdb)?,
            updates: updates::checked(config.updates)?,
            limits: limits::checked(config.limits)?,
        };
        settings.ports_differ()?;
        Ok(settings)
    }

    /// Where the value of each key comes from, a line for each.
    #[must_use]
    pub fn describe_origins(&self) -> String {
        self.origins.describe(keys::all().map(|(table, name)| origins::dotted(table, name)))
    }

    /// Readers, MQTT clients and the clients of each grid meter cannot connect to one port.
    fn ports_differ(&self) -> Result<(), Failure> {
        self.grid_meters_have_ports()?;
        self.page_has_a_port()?;
        let Mqtt::Embedded(embedded) = &self.mqtt else { return Ok(()) };
        let port = embedded.listen.port().to_string();
        let of_readers = |endpoint: &EndPoint| {
            endpoint.protocol().as_str() == "tcp" && endpoint.address().as_str().rsplit_once(':').is_some_and(|(_, other)| other == port)
        };
        match self.zenoh.listen.iter().find(|endpoint| self.zenoh.mode == ZenohMode::Router && of_readers(endpoint)) {
            Some(endpoint) => Err(Failure::config(format!(
                "mqtt.listen: port {port} is that of zenoh.listen too ({endpoint}); set one of them to another port"
            ))),
            None => Ok(()),
        }
    }

    fn grid_meters_have_ports(&self) -> Result<(), Failure> {
        let mqtt = if let Mqtt::Embedded(embedded) = &self.mqtt { Some(embedded.listen) } else { None };
        match mqtt.and_then(|mqtt| self.grid_meters.iter().find(|setup| grid_meters::meet(setup.listen, mqtt))) {
            Some(setup) => {
                Err(Failure::config(format!("grid-meter.listen: {} is that of mqtt.listen too; set another port", setup.listen)))
            }
            None => Ok(()),
        }
    }
}

impl Settings {
    fn page_has_a_port(&self) -> Result<(), Failure> {
        let Some(page) = &self.page else { return Ok(()) };
        let mqtt = if let Mqtt::Embedded(embedded) = &self.mqtt { Some(("mqtt.listen", embedded.listen)) } else { None };
        let others = self.grid_meters.iter().map(|setup| ("grid-meter.listen", setup.listen)).chain(mqtt);
        match others.into_iter().find(|(_, other)| grid_meters::meet(page.listen, *other)) {
            Some((key, _)) => Err(Failure::config(format!("page.listen: {} is that of {key} too; set another port", page.listen))),
            None => Ok(()),
        }
    }
}

fn zenoh(config: file::ZenohKeys) -> Result<Zenoh, Failure> {
    let client = config.mode == ZenohMode::Client;
    if client && config.connect.is_empty() {
        return Err(Failure::config("zenoh.connect: mode \"client\" needs the locator of a router, for instance tcp/192.168.1.10:7447"));
    }
    if !client && config.listen.is_empty() {
        return Err(Failure::config("zenoh.listen: a router needs at least one locator, for instance tcp/[::]:7447"));
    }
    if let Some(file) = &config.users_file {
        credentials::check_users(file).map_err(|failure| failure.of("zenoh.users-file"))?;
    }
    warn_of_idle_keys(&[("zenoh.users-file", client && config.users_file.is_some())], FOR_A_ROUTER);
    Ok(Zenoh {
        mode: config.mode,
        listen: locators::to_listen("zenoh.listen", &config.listen)?,
        connect: locators::to_connect("zenoh.connect", &config.connect)?,
        scouting: config.scouting,
        pairing: config.pairing,
        login: with_password(login("zenoh", config.user, config.password_file.as_deref())?)?,
        users_file: config.users_file,
    })
}

/// Zenoh knows no user without a password.
fn with_password(login: Option<Login>) -> Result<Option<Login>, Failure> {
    match login {
        Some(login) if login.password.reveal().is_empty() => Err(Failure::config("zenoh.password-file: there is a user, but no password")),
        login => Ok(login),
    }
}

/// `member`: what this bridge is called in its group.
fn mqtt(config: file::MqttKeys, member: Option<String>) -> Result<Mqtt, Failure> {
    if config.url == "embedded" {
        let file::MqttKeys { user, password_file, ca_file, client_cert_file, client_key_file, client_id, .. } = &config;
        let set = [
            ("mqtt.user", user.is_some()),
            ("mqtt.password-file", password_file.is_some()),
            ("mqtt.ca-file", ca_file.is_some()),
            ("mqtt.client-cert-file", client_cert_file.is_some()),
            ("mqtt.client-key-file", client_key_file.is_some()),
            ("mqtt.client-id", client_id.is_some()),
        ];
        warn_of_idle_keys(&set, FOR_A_BROKER);
        return embedded(config).map(Mqtt::Embedded);
    }
    warn_of_idle_keys(&[("mqtt.users-file", config.users_file.is_some())], FOR_OWN_CLIENTS);
    let url: Url = config.url.parse().map_err(|problem| Failure::config(format!("mqtt.url: {problem}")))?;
    let tls = broker_tls(&config, &url)?;
    Ok(Mqtt::External(External {
        login: login("mqtt", config.user.or_else(|| url.user.clone()), config.password_file.as_deref())?,
        client_id: config.client_id.unwrap_or_else(|| default_client_id(member)),
        tls,
        url,
    }))
}

fn broker_tls(config: &file::MqttKeys, url: &Url) -> Result<Option<Tls>, Failure> {
    let files = Files {
        authority: config.ca_file.as_deref(),
        certificate: config.client_cert_file.as_deref(),
        key: config.client_key_file.as_deref(),
    };
    if url.tls {
        return Tls::load(files, BROKER_KEYS).map(Some);
    }
    let named = [("mqtt.ca-file", files.authority), ("mqtt.client-cert-file", files.certificate), ("mqtt.client-key-file", files.key)];
    match named.iter().find(|(_, file)| file.is_some()) {
        Some((name, _)) => Err(Failure::config(format!("{name}: only a mqtts:// address uses certificates"))),
        None => Ok(None),
    }
}

impl Embedded {
    /// Whether other machines can connect, and nobody is asked for a password.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.users_file.is_none() && !self.listen.ip().to_canonical().is_loopback()
    }
}

/// Where clients of the embedded side connect if nothing else is said: on every address where they are asked for a password, and from
/// this machine alone where nobody is.
const FOR_USERS: &str = "0.0.0.0:1883";
const FOR_ANYBODY: &str = "127.0.0.1:1883";

fn embedded(config: file::MqttKeys) -> Result<Embedded, Failure> {
    let listen = config.listen.as_deref().unwrap_or(if config.users_file.is_some() { FOR_USERS } else { FOR_ANYBODY });
    let listen: SocketAddr = listen
        .parse()
        .map_err(|_| Failure::config(format!("mqtt.listen: \"{listen}\" is no address; expected something like 0.0.0.0:1883")))?;
    if listen.port() == 0 {
        return Err(Failure::config("mqtt.listen: port 0 is no port that clients could connect to"));
    }
    if let Some(file) = &config.users_file {
        credentials::check_users(file).map_err(|failure| failure.of("mqtt.users-file"))?;
    }
    Ok(Embedded { listen, users_file: config.users_file })
}

/// A password needs a user; a user may do without a password (a broker may know it by name only). A credential that the unit hands over
/// for nobody is no mistake.
fn login(section: &str, user: Option<String>, file: Option<&Path>) -> Result<Option<Login>, Failure> {
    let Some(user) = user else {
        return match file {
            Some(_) => Err(Failure::config(format!("{section}.user: there is a password, but no user"))),
            None => Ok(None),
        };
    };
    let password = credentials::password(file, &format!("{section}-password"));
    let password = password.map_err(|failure| failure.of(&format!("{section}.password-file")))?;
    Ok(Some(Login { user, password: password.unwrap_or_else(|| Secret::new("")) }))
}

fn home_assistant(config: file::HomeAssistantKeys) -> Result<HomeAssistant, Failure> {
    if !(config.pace == 0 || PACE_MAX.is_multiple_of(config.pace)) {
        return Err(Failure::config(
            "homeassistant.pace: 0, or a part of the five minutes of Home Assistant's statistics, such as 10, 60 or 300",
        ));
    }
    if config.offline_after < 5 {
        return Err(Failure::config("homeassistant.offline-after: a frame takes up to two seconds; 5 is the least that makes sense"));
    }
    let api = api::checked(&config)?;
    Ok(HomeAssistant {
        discovery: config.discovery,
        migrate: config.migrate,
        api,
        token_file: config.token_file,
        offline_after: Duration::from_secs(config.offline_after.into()),
        pace: Duration::from_secs(config.pace.into()),
    })
}

fn policy(publish: file::Publish) -> Result<Policy, Failure> {
    match publish {
        file::Publish::Named(PublishName::EveryFrame) => Ok(Policy::EveryFrame),
        file::Publish::Named(PublishName::OnChange) => Ok(Policy::OnChange),
        file::Publish::Seconds(0) => Err(Failure::config("mqtt.publish: 0 seconds; write \"every-frame\" for no limit")),
        file::Publish::Seconds(seconds) => Ok(Policy::Every(Duration::from_secs(seconds.into()))),
    }
}

/// Topic levels that mean the same to MQTT and to Zenoh: no wildcards, no empty level, nothing either treats specially.
fn topic<'a>(key: &str, text: &'a str) -> Result<&'a str, Failure> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let good = |level: &str| !level.is_empty() && level.chars().all(allowed);
    if text.split('/').all(good) {
        return Ok(text);
    }
    Err(Failure::config(format!("{key}: \"{text}\"; use letters, digits, '-', '_' and '.', with single slashes between levels")))
}

/// One name per installation and always the same: a broker that has not noticed the end of the last connection closes it when the
/// same name comes again, and its last will is sent before, not after, the new connection says `online`. Members of a group may be on one machine.
fn default_client_id(member: Option<String>) -> String {
    let host = || fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("teleinfo-bridge-{}", member.unwrap_or_else(host).trim())
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;
    use crate::{
        config::{environment, keys},
        daemon::exit::ExitCode,
    };

    fn check(text: &str) -> Result<Settings, Failure> {
        Settings::new(Config::parse(text).unwrap(), &Cli::default())
    }

    #[test]
    fn the_embedded_side_is_open_only_where_somebody_says_so() {
        let users = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(users.path(), "ha:right\n").unwrap();
        let users = format!("users-file = \"{}\"", users.path().display());
        let rows = [
            ("", "127.0.0.1:1883", false),
            (users.as_str(), "0.0.0.0:1883", false),
            ("listen = \"0.0.0.0:1884\"", "0.0.0.0:1884", true),
            ("listen = \"[::]:1883\"", "[::]:1883", true),
            ("listen = \"[::1]:1883\"", "[::1]:1883", false),
        ];
        for (keys, listen, is_open) in rows {
            let Mqtt::Embedded(embedded) = check(&format!("[mqtt]\n{keys}\n")).unwrap().mqtt else { panic!("{keys}") };
            assert_eq!((embedded.listen.to_string().as_str(), embedded.is_open()), (listen, is_open), "{keys}");
        }
    }

    #[test]
    fn defaults_are_right() {
        let settings = check("").unwrap();
        assert_eq!(settings.policy, Policy::EveryFrame);
        assert!(matches!(settings.mqtt, Mqtt::Embedded(_)));
        assert_eq!(settings.zenoh.listen[0].to_string(), "tcp/[::]:7447");
    }

    /// By its variable, since there any text can be given to any key.
    #[test]
    fn whatever_a_key_is_given_its_complaint_is_one_line() {
        let broken = "tcp/a\nERROR sshd: accepted\u{1b}[2J\r\u{202e}:1";
        let mut refused = 0;
        for (table, name) in keys::all() {
            let variable = environment::variable_of(&[table, name]);
            let with = |text: &str| environment::load(None, [(OsString::from(&variable), OsString::from(text))].into_iter());
            for text in [broken, &format!("[\"{}\"]", broken.escape_default()), &format!("{{ a = \"{}\" }}", broken.escape_default())] {
                let Err(failure) = with(text).and_then(|config| Settings::new(config, &Cli::default())) else { continue };
                refused += 1;
                assert!(!failure.to_string().contains(['\n', '\r', '\x1b', '\u{202e}']), "{variable}: {:?}", failure.to_string());
            }
        }
        assert!(refused > keys::all().count(), "{refused}");
    }

    #[test]
    fn each_mistake_names_its_key() {
        for (text, key) in [
            ("[zenoh]\nmode = \"client\"", "zenoh.connect"),
            ("[zenoh]\nlisten = []", "zenoh.listen"),
            ("[zenoh]\nlisten = [\"7447\"]", "zenoh.listen"),
            ("[zenoh]\nlisten = [\"tcp/[::]:1883\"]", "mqtt.listen"),
            ("[zenoh]\nmode = \"client\"\nconnect = [\"tcp/router:99999\"]", "zenoh.connect"),
            ("[zenoh]\nuser = \"bridge\"", "zenoh.password-file"),
            ("[zenoh]\nuser = \"bridge\"\npassword-file = \"/none\"", "/none"),
            ("[mqtt]\nurl = \"mqtt://me@b\"\npassword-file = \"/none\"", "/none"),
            ("[mqtt]\nurl = \"mqtts://b\"\nca-file = \"/none\"", "/none"),
            ("[mqtt]\nusers-file = \"/none\"", "/none"),
            ("[mqtt]\nlisten = \"0.0.0.0:0\"", "mqtt.listen"),
            ("[homeassistant]\nurl = \"mqtt://ha\"", "homeassistant.url"),
            ("[homeassistant]\nurl = \"http://ha:8123\"\ntoken-file = \"/none\"", "/none"),
            ("[zenoh]\nusers-file = \"/none\"", "/none"),
            ("[mqtt]\nurl = \"http://broker\"", "mqtt.url"),
            ("[mqtt]\nurl = \"mqtt://b\"\nca-file = \"/x\"", "mqtt.ca-file"),
            ("[mqtt]\nurl = \"mqtt://b\"\nclient-key-file = \"/x\"", "mqtt.client-key-file"),
            ("[homeassistant]\nurl = \"http://ha:8123\"\nca-file = \"/x\"", "homeassistant.ca-file"),
            ("[homeassistant]\nurl = \"https://ha:8123\"\nca-file = \"/none\"", "homeassistant.ca-file"),
            ("[mqtt]\nurl = \"mqtt://b\"\npassword-file = \"/x\"", "mqtt.user"),
            ("[mqtt]\nlisten = \"1883\"", "mqtt.listen"),
            ("[mqtt]\nbase-topic = \"a//b\"", "mqtt.base-topic"),
            ("[mqtt]\nbase-topic = \"a/#\"", "mqtt.base-topic"),
            ("[mqtt]\npublish = 0", "mqtt.publish"),
            ("[homeassistant]\nprefix = \"\"", "homeassistant.prefix"),
            ("[homeassistant]\noffline-after = 1", "homeassistant.offline-after"),
            ("[homeassistant]\npace = 7", "homeassistant.pace"),
            ("[homeassistant]\npace = 600", "homeassistant.pace"),
            ("[[grid-meter]]\nprotocol = \"homewizard\"\nmeters = []", "grid-meter"),
            ("[[grid-meter]]\nprotocol = \"homewizard\"\nmeters = [\"021861000001\"]\nlisten = \"0.0.0.0:1883\"", "grid-meter"),
        ] {
            let failure = check(text).expect_err(text);
            assert_eq!(failure.code(), ExitCode::Config, "{text}");
            assert!(failure.to_string().contains(key), "{text}: {failure}");
        }
    }

    #[test]
    fn each_mistake_names_what_gave_the_value() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "[mqtt]\n\nbase-topic = \"a//b\"\n").unwrap();
        let load = |variable: &str, value: &str, cli: &Cli| {
            let variables = [(variable.into(), value.into())];
            Settings::new(environment::load(Some(file.path()), variables.into_iter()).unwrap(), cli).unwrap_err().to_string()
        };
        let none = Cli::default();
        let line = load("HOME", "/", &none);
        assert!(
            line.ends_with(":3: mqtt.base-topic: \"a//b\"; use letters, digits, '-', '_' and '.', with single slashes between levels"),
            "{line}"
        );
        let topic = load("TELEINFO_MQTT_BASE_TOPIC", "a/#", &none);
        assert!(topic.starts_with("TELEINFO_MQTT_BASE_TOPIC: mqtt.base-topic: "), "{topic}");
        fs::write(file.path(), "").unwrap();
        let users = load("TELEINFO_ZENOH_USERS_FILE", "/none", &none);
        assert!(users.starts_with("TELEINFO_ZENOH_USERS_FILE: zenoh.users-file: cannot read /none"), "{users}");
        fs::write(file.path(), "[prices.2026-08-01]\nkwh = { HC = 0.1,\n  HCC = 0.1 }\n").unwrap();
        let tariff = load("HOME", "/", &none);
        assert!(tariff.contains(":3: prices.2026-08-01.kwh.HCC: there is no such tariff"), "{tariff}");
        fs::write(file.path(), "\n[prices.august]\nkwh = { HC = 0.1 }\n").unwrap();
        let date = load("HOME", "/", &none);
        assert!(date.contains(":3: prices.august: expected a date"), "{date}");
        fs::write(file.path(), "").unwrap();
        let given = load("TELEINFO_PRICES", "{ 2026-08-01 = { kwh = { HC = 99 } } }", &none);
        assert!(given.starts_with("TELEINFO_PRICES: prices.2026-08-01.kwh.HC: this is too much"), "{given}");
        let flag = load("TELEINFO_MQTT_URL", "mqtt://b", &Cli { mqtt: Some("http://b".into()), ..Cli::default() });
        assert!(flag.starts_with("--mqtt: mqtt.url: "), "{flag}");
        fs::write(file.path(), "\n[zenoh]\nmode = \"client\"\n").unwrap();
        let missing = load("HOME", "/", &none);
        assert!(missing.contains(":2: zenoh.connect: mode \"client\" needs the locator"), "{missing}");
        fs::write(file.path(), "\n[zenoh]\nlisten = [\"tcp/127.0.0.1:1883\"]\n").unwrap();
        let other = load("HOME", "/", &none);
        assert!(other.contains(":3: mqtt.listen: port 1883 is that of zenoh.listen too"), "{other}");
    }

    #[test]
    fn flags_win() {
        let cli = Cli { listen: vec!["tcp/127.0.0.1:17447".into()], mqtt: Some("mqtt://me@broker".into()), ..Cli::default() };
        let settings = Settings::new(Config::default(), &cli).unwrap();
        assert_eq!(settings.zenoh.listen[0].to_string(), "tcp/127.0.0.1:17447");
        let Mqtt::External(external) = settings.mqtt else {
            panic!("expected the external broker");
        };
        assert_eq!(external.login.unwrap().user, "me");
        assert_eq!((external.url.host.as_str(), external.url.port), ("broker", 1883));
    }
}
