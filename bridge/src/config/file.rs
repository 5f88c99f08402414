//! The configuration file as it is written: TOML, kebab-case, every key optional, unknown keys refused.
//!
//! `deploy/etc/bridge.toml` lists every key with its default and a reason. [`Settings`](crate::config::settings::Settings) is what becomes of it.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Deserializer};
use toml::{
    Table,
    de::{DeTable, DeValue},
};

use super::{
    figure::Figure,
    origins::{self, Origin, Origins},
};
use crate::{
    daemon::{credentials, exit::Failure, logging::Verbosity},
    grid_meter::setup::Product,
    homeassistant::predecessor::Migrate,
    words::{language::Language, limits::Limits},
};

/// Where the file is looked for when no flag names one.
pub const DEFAULT_PATH: &str = "/etc/teleinfo/bridge.toml";

/// The whole file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// Language of entity names and readable values, and of the journal; none for `auto`.
    #[serde(deserialize_with = "language")]
    pub language: Option<Language>,
    /// Where samples come from.
    pub zenoh: ZenohKeys,
    /// Where they go.
    pub mqtt: MqttKeys,
    /// What Home Assistant is told.
    pub homeassistant: HomeAssistantKeys,
    /// What the owner says of meters, by their twelve digits.
    pub meter: BTreeMap<String, MeterKeys>,
    /// What energy costs, by the date from which it holds.
    pub prices: BTreeMap<String, PriceKeys>,
    /// The grid meters that batteries and wallboxes find here.
    pub grid_meter: Vec<GridMeterKeys>,
    /// What is shown by HTTP.
    pub page: PageKeys,
    /// Where figures are written.
    pub influxdb: InfluxdbKeys,
    /// Where the newest version is told.
    pub updates: UpdatesKeys,
    /// The group that this bridge belongs to.
    pub group: GroupKeys,
    /// How much the bridge takes on.
    pub limits: LimitsKeys,
    /// What is logged.
    pub log: Log,
    /// Where the values come from.
    #[serde(skip)]
    pub origins: Origins,
}

/// Where samples come from.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ZenohKeys {
    /// A router of its own, or a client of one.
    pub mode: ZenohMode,
    /// Locators that readers connect to (router).
    pub listen: Vec<String>,
    /// Locators of the routers to be a guest of (client), or of further routers (router).
    pub connect: Vec<String>,
    /// Whether readers without a configured address find this router.
    pub scouting: bool,
    /// How a reader that is not known comes in.
    pub pairing: Pairing,
    /// `user:password` lines of those who may connect; none = anybody (router).
    pub users_file: Option<PathBuf>,
    /// Whom this bridge connects as.
    pub user: Option<String>,
    /// The password of `user`; or the credential `zenoh-password`.
    pub password_file: Option<PathBuf>,
}

impl Default for ZenohKeys {
    fn default() -> Self {
        Self {
            mode: ZenohMode::Router,
            listen: vec!["tcp/[::]:7447".into()],
            connect: Vec::new(),
            scouting: true,
            pairing: Pairing::FirstContact,
            users_file: None,
            user: None,
            password_file: None,
        }
    }
}

/// How a reader that is not known comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pairing {
    /// The first one that comes speaks for its meter.
    FirstContact,
    /// Only with the code of this bridge, or once a person has accepted its words.
    Code,
}

/// The bridge's place in the Zenoh network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ZenohMode {
    /// Readers connect to this bridge.
    Router,
    /// Readers and this bridge connect to a router that exists already.
    Client,
}

/// Where samples go.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct MqttKeys {
    /// `embedded`, or the address of a broker.
    pub url: String,
    /// Whom to connect as.
    pub user: Option<String>,
    /// The password of `user`; or the credential `mqtt-password`.
    pub password_file: Option<PathBuf>,
    /// The name of this client at the broker.
    pub client_id: Option<String>,
    /// Certificates that the broker's must lead to; none = those of the system.
    pub ca_file: Option<PathBuf>,
    /// The certificate that this bridge shows to the broker, and its private key.
    pub client_cert_file: Option<PathBuf>,
    /// See `client_cert_file`.
    pub client_key_file: Option<PathBuf>,
    /// First levels of every topic.
    pub base_topic: String,
    /// How often a meter's state is published.
    pub publish: Publish,
    /// Address of the embedded side; none = this machine alone, or with a users file every address.
    pub listen: Option<String>,
    /// `user:password` lines of those who may connect to the embedded side; none = anybody.
    pub users_file: Option<PathBuf>,
}

impl Default for MqttKeys {
    fn default() -> Self {
        Self {
            url: "embedded".into(),
            user: None,
            password_file: None,
            client_id: None,
            ca_file: None,
            client_cert_file: None,
            client_key_file: None,
            base_topic: "teleinfo".into(),
            publish: Publish::Named(PublishName::EveryFrame),
            listen: None,
            users_file: None,
        }
    }
}

/// `"every-frame"`, `"on-change"`, or a number of seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "expected \"every-frame\", \"on-change\" or a number of seconds")]
pub enum Publish {
    /// A policy with a name.
    Named(PublishName),
    /// At most once in so many seconds.
    Seconds(u32),
}

/// The policies that have names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PublishName {
    /// Each frame of the meter.
    EveryFrame,
    /// Only what differs from the last message.
    OnChange,
}

/// What Home Assistant is told.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct HomeAssistantKeys {
    /// Whether meters announce themselves.
    pub discovery: bool,
    /// First level of the discovery topics.
    pub prefix: String,
    /// Whose entities to take over.
    pub migrate: Migrate,
    /// Home Assistant's own address, to correct statistics after an outage.
    pub url: Option<String>,
    /// A long-lived access token for it; or the credential `homeassistant-token`.
    pub token_file: Option<PathBuf>,
    /// Certificates that Home Assistant's must lead to; none = those of the system.
    pub ca_file: Option<PathBuf>,
    /// Whether the token may be sent unencrypted to another machine.
    pub plain_token: bool,
    /// Seconds without a frame after which a meter is offline, if its reader did not say goodbye.
    pub offline_after: u32,
    /// Seconds between two measurements of an entity; 0: with each frame.
    pub pace: u32,
}

impl Default for HomeAssistantKeys {
    fn default() -> Self {
        Self {
            discovery: true,
            prefix: "homeassistant".into(),
            migrate: Migrate::None,
            url: None,
            token_file: None,
            ca_file: None,
            plain_token: false,
            offline_after: 30,
            pace: 60,
        }
    }
}

/// What the owner says of one meter.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct MeterKeys {
    /// What its device is called.
    pub name: Option<String>,
    /// The meter whose place it took: its total goes on from there.
    pub continues: Option<String>,
    /// What energy costs there, by the date from which it holds.
    pub prices: Option<BTreeMap<String, PriceKeys>>,
}

/// What energy costs from a date on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct PriceKeys {
    /// Of a kWh, in euros, by the tariff's name or index.
    pub kwh: BTreeMap<String, Figure>,
    /// Of a month, in euros.
    pub subscription: Option<Figure>,
    /// In %, if the prices are without it.
    pub vat: Option<Figure>,
}

/// One grid meter that a battery or a wallbox finds here.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct GridMeterKeys {
    /// Which meter it looks like.
    pub protocol: Product,
    /// The meters whose sum it tells, by their twelve digits.
    pub meters: Vec<String>,
    /// Where it answers.
    pub listen: Option<String>,
    /// The SunSpec model of its registers.
    pub model: Option<u16>,
    /// Whether clients can find it by mDNS.
    #[serde(default = "yes")]
    pub announce: bool,
}

/// What `language` may be.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum LanguageChoice {
    Auto,
    En,
    Fr,
}

fn language<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Language>, D::Error> {
    Ok(match LanguageChoice::deserialize(deserializer)? {
        LanguageChoice::Auto => None,
        LanguageChoice::En => Some(Language::English),
        LanguageChoice::Fr => Some(Language::French),
    })
}

const fn yes() -> bool {
    true
}

/// What is shown by HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct PageKeys {
    /// Where it is shown; without it, to this machine, or to the network if there is a password.
    pub listen: Option<String>,
    /// Further names of this machine, beside its own.
    pub hosts: Vec<String>,
    /// The addresses of proxies that have checked already who asks.
    pub proxies: Vec<String>,
    /// The file with the password.
    pub password_file: Option<PathBuf>,
}

/// Where figures are written.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct InfluxdbKeys {
    /// A server, a socket or a file; nowhere without it.
    pub url: Option<String>,
    /// The organisation at a server.
    pub org: Option<String>,
    /// The bucket at a server.
    pub bucket: Option<String>,
    /// The file with the token for a server.
    pub token_file: Option<PathBuf>,
    /// Seconds between two lines of a meter; 0: each frame.
    pub every: u32,
}

impl Default for InfluxdbKeys {
    fn default() -> Self {
        Self { url: None, org: None, bucket: None, token_file: None, every: 10 }
    }
}

/// Where the newest version is told.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct UpdatesKeys {
    /// A server or a file; nowhere without it.
    pub url: Option<String>,
}

/// The group that this bridge belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct GroupKeys {
    /// Its name; without it there is none.
    pub name: Option<String>,
    /// The name of this member; without it, that of the machine.
    pub member: Option<String>,
    /// How many meters it takes on, compared with others.
    pub weight: u32,
    /// Locators of the other members, where bridges are the routers of readers.
    pub connect: Vec<String>,
}

impl Default for GroupKeys {
    fn default() -> Self {
        Self { name: None, member: None, weight: 1, connect: Vec::new() }
    }
}

/// How much the bridge takes on.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct LimitsKeys {
    /// Meters that are followed.
    pub meters: u32,
}

impl Default for LimitsKeys {
    fn default() -> Self {
        Self { meters: Limits::default().meters as u32 }
    }
}

/// What is logged.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Log {
    /// Of the bridge itself.
    pub level: Verbosity,
    /// Of Zenoh, the MQTT libraries and TLS.
    pub libraries: Verbosity,
}

impl Default for Log {
    fn default() -> Self {
        Self { level: Verbosity::Info, libraries: Verbosity::Warn }
    }
}

/// What stands in a file that is right in itself.
#[derive(Debug, Default)]
pub struct Written {
    /// Tables, keys and values.
    pub table: Table,
    /// The line of each key.
    pub origins: Origins,
}

impl Written {
    /// Reads `path`; without one the default file if it exists, else nothing.
    ///
    /// # Errors
    /// The file cannot be read or does not parse: the message names file, line and key.
    pub fn read(path: Option<&Path>) -> Result<Self, Failure> {
        let path = match path {
            Some(path) => path,
            None if Path::new(DEFAULT_PATH).exists() => Path::new(DEFAULT_PATH),
            None => return Ok(Self::default()),
        };
        let text = credentials::read_file(path)?;
        Config::parse(&text).map_err(|(line, message)| Failure::config(format!("{}:{line}: {message}", path.display())))?;
        let mut written = Self { table: toml::from_str(&text).unwrap_or_default(), origins: Origins::default() };
        // It was understood above: nothing can be wrong here.
        if let Ok(table) = DeTable::parse(&text) {
            note_lines(table.get_ref(), "", &mut |key, start, is_table| {
                let origin = Origin::Line(path.into(), line_of(&text, start));
                if is_table { written.origins.add_table(key, origin) } else { written.origins.add(key, origin) }
            });
        }
        Ok(written)
    }
}

/// Tells the name of each key and of each table, and where it stands.
fn note_lines(table: &DeTable<'_>, prefix: &str, note: &mut dyn FnMut(String, usize, bool)) {
    for (name, value) in table {
        let (key, start) = (origins::dotted(prefix, name.get_ref()), name.span().start);
        match value.get_ref() {
            DeValue::Table(inner) => {
                note(key.clone(), start, true);
                note_lines(inner, &key, note);
            }
            _ => note(key, start, false),
        }
    }
}

/// The line, from 1, in which a byte stands.
fn line_of(text: &str, byte: usize) -> usize {
    text.get(..byte).unwrap_or_default().matches('\n').count() + 1
}

impl Config {
    /// Takes what the command line says, which wins over everything else.
    pub fn take_flags(&mut self, listen: &[String], mqtt: Option<&str>) {
        if !listen.is_empty() {
            self.zenoh.listen = listen.to_vec();
            self.origins.add("zenoh.listen", Origin::Flag("--listen"));
        }
        if let Some(url) = mqtt {
            self.mqtt.url = url.to_owned();
            self.origins.add("mqtt.url", Origin::Flag("--mqtt"));
        }
    }

    /// Parses the text of a file; an error is the line's number and what is wrong with it.
    ///
    /// # Errors
    /// Not TOML, an unknown key, or a value of the wrong kind.
    pub fn parse(text: &str) -> Result<Self, (usize, String)> {
        toml::from_str(text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            (line_of(text, start), error.message().trim().replace('\n', ", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_keys_are_named_with_their_line() {
        let (line, message) = Config::parse("language = \"fr\"\n\n[mqtt]\nurl = \"embedded\"\nretian = true\n").unwrap_err();
        assert_eq!(line, 5);
        assert!(message.contains("`retian`"), "{message}");
        let (line, message) = Config::parse("[mqt]\n").unwrap_err();
        assert_eq!(line, 1);
        assert!(message.contains("`mqt`"), "{message}");
    }

    #[test]
    fn wrong_values_say_what_is_expected() {
        for (text, expected) in [
            ("[mqtt]\npublish = true\n", "number of seconds"),
            ("[mqtt]\npublish = \"sometimes\"\n", "number of seconds"),
            ("[zenoh]\nmode = \"peer\"\n", "`router`"),
            ("language = \"de\"\n", "`fr`"),
            ("[zenoh\n", ""),
        ] {
            let (_, message) = Config::parse(text).unwrap_err();
            assert!(message.contains(expected), "{text}: {message}");
            assert!(!message.contains('\n'), "{message}");
        }
    }

    #[test]
    fn the_shipped_file_says_the_defaults() {
        let shipped = include_str!("../../../deploy/etc/bridge.toml");
        assert_eq!(Config::parse(shipped), Ok(Config::default()));
    }

    #[test]
    fn the_shipped_file_lists_every_key() {
        // Keys without a default stand there as comments: with the marks removed the file must still be understood.
        let shipped = include_str!("../../../deploy/etc/bridge.toml");
        let uncommented: String =
            shipped.lines().map(|line| line.strip_prefix("#: ").unwrap_or(line)).map(|line| format!("{line}\n")).collect();
        let all = Config::parse(&uncommented).unwrap();
        let missing = [
            all.zenoh.users_file.is_none(),
            all.zenoh.user.is_none(),
            all.zenoh.password_file.is_none(),
            all.mqtt.user.is_none(),
            all.mqtt.password_file.is_none(),
            all.mqtt.client_id.is_none(),
            all.mqtt.ca_file.is_none(),
            all.mqtt.client_cert_file.is_none(),
            all.mqtt.client_key_file.is_none(),
            all.mqtt.users_file.is_none(),
            all.mqtt.listen.is_none(),
            all.homeassistant.url.is_none(),
            all.homeassistant.token_file.is_none(),
            all.homeassistant.ca_file.is_none(),
            all.meter.values().all(|meter| meter.name.is_none()),
            all.meter.values().all(|meter| meter.continues.is_none()),
            all.meter.values().all(|meter| meter.prices.is_none()),
            all.prices.values().all(|prices| prices.kwh.is_empty()),
            all.prices.values().all(|prices| prices.subscription.is_none()),
            all.prices.values().all(|prices| prices.vat.is_none()),
            all.page.listen.is_none(),
            all.page.password_file.is_none(),
            all.updates.url.is_none(),
            all.influxdb.url.is_none(),
            all.influxdb.org.is_none(),
            all.influxdb.bucket.is_none(),
            all.influxdb.token_file.is_none(),
            all.grid_meter.iter().all(|grid_meter| grid_meter.listen.is_none()),
            all.grid_meter.iter().all(|grid_meter| grid_meter.model.is_none()),
        ];
        assert_eq!(missing, [false; 29]);
        for key in [
            "language",
            "mode",
            "listen",
            "connect",
            "scouting",
            "url",
            "base-topic",
            "publish",
            "discovery",
            "prefix",
            "migrate",
            "plain-token",
            "offline-after",
            "pace",
            "hosts",
            "proxies",
            "every",
            "level",
            "libraries",
        ] {
            assert!(shipped.contains(&format!("\n{key} = ")), "{key} is not listed");
        }
    }
}
