//! `doctor`: is the broker there, does it let us in, does the bridge run, does Home Assistant listen, which meters are being read, do
//! the grid meters answer. One line per check, with a mark, then what to do; a verdict; an exit code. In French or English, as wide as the
//! terminal is.
//!
//! But for grid meters, it looks at what anybody can receive over MQTT, so it says the same of the embedded side as of a broker.

mod broker;
mod grid_meters;
mod meters;
mod trust;

use std::io::{self, IsTerminal};

use broker::Findings;
use serde_json::Value;
use teleinfo_people::report::{Advice, Report, Style};

use crate::{
    config::{
        broker_url::Url,
        settings::{Embedded, External, Login, Mqtt, Settings},
    },
    daemon::{
        credentials::{self, Secret},
        exit::{ExitCode, Failure},
    },
    mqtt::trouble::Trouble,
    words::{
        language::{Language, Sentence, Words},
        printable::printable,
        terminal::reading_width,
        topics::{OFFLINE, ONLINE, Topics},
    },
};

const BROKER: Words = Words::alike("broker");
const EMBEDDED: Words = Words::new(
    "mqtt.url is \"embedded\": the bridge itself answers there, if it runs:",
    "mqtt.url vaut \"embedded\" : c'est la passerelle qui y répond, si elle est en service :",
);
const NO_PASSWORD: Words = Words::new(
    "no password was found; the bridge may have one that only root may read:",
    "aucun mot de passe n'a été trouvé ; la passerelle en a peut-être un que seul root peut lire :",
);
const WITHOUT_USER: Words = Words::new("{} lets us in without a user", "{} nous laisse entrer sans utilisateur");
const AS_USER: Words = Words::new("{} lets us in as user {}", "{} nous laisse entrer sous le nom {}");
const RIGHTS: Words = Words::new("rights", "droits");
const TEST_LOST: Words = Words::new("a test message on {} did not come back", "un message d'essai sur {} n'est pas revenu");
const ACL: Words = Words::new(
    "this user must be allowed to read and write below mqtt.base-topic and homeassistant.prefix: see the broker's ACL",
    "cet utilisateur doit avoir le droit de lire et d'écrire sous mqtt.base-topic et homeassistant.prefix : voir les ACL du broker",
);
const BRIDGE: Words = Words::new("bridge", "passerelle");
const RUNS: Words = Words::new("runs, and is connected here", "est en service, et connectée ici");
const HAS_LEFT: Words = Words::new("has left this broker, or is stopped", "a quitté ce broker, ou est arrêtée");
const NEVER_HERE: Words = Words::new("has never been here: nothing on {}", "n'est jamais venue ici : rien sur {}");
const COMPLAINS: Words = Words::new("it complains, {} times by now: {}", "elle se plaint, {} fois jusqu'ici : {}");

const STATUS: &str = "systemctl status teleinfo-bridge";
const JOURNAL: &str = "sudo journalctl -u teleinfo-bridge -n 20";

/// Looks at everything, and says what it finds on standard output. `None`: all is well.
///
/// # Errors
/// The embedded side's users cannot be read.
pub async fn run(settings: &Settings, language: Language) -> Result<Option<ExitCode>, Failure> {
    let (broker, embedded) = match &settings.mqtt {
        Mqtt::External(broker) => (broker.clone(), false),
        Mqtt::Embedded(plugin) => (of_plugin(plugin)?, true),
    };
    let mut out = io::stdout();
    let colour = out.is_terminal();
    let mut report = Report::new(&mut out, Style { language, colour, width: reading_width() });
    match broker::look(&broker, &settings.topics, language).await {
        Ok(findings) => {
            login(&mut report, &broker, &findings, &settings.topics);
            bridge(&mut report, &findings, &settings.topics);
            trust::check(&mut report, &findings, &settings.topics, settings.zenoh.pairing);
            meters::home_assistant(&mut report, &findings, &settings.topics);
            meters::check(&mut report, &findings, &settings.topics, settings.homeassistant.discovery);
        }
        Err(trouble) => no_broker(&mut report, &broker, &trouble, embedded),
    }
    grid_meters::check(&mut report, &settings.grid_meters, &look()).await;
    Ok(report.verdict())
}

fn no_broker(report: &mut Report<'_>, broker: &External, trouble: &Trouble, embedded: bool) {
    let without_password = broker.login.as_ref().is_some_and(|login| login.password.reveal().is_empty());
    let advice = match embedded {
        true => vec![report.advise(EMBEDDED, &[]), Advice::Type(STATUS.into())],
        false if trouble.refused_login && without_password => {
            vec![report.advise(NO_PASSWORD, &[]), Advice::Type("sudo teleinfo-bridge doctor".into())]
        }
        false => Vec::new(),
    };
    report.wrong(BROKER, ExitCode::Unavailable, &Sentence::of(&trouble.message), &advice);
}

/// Where a fault of the bridge itself is to be seen.
fn look() -> [Advice; 2] {
    [Advice::Type(STATUS.into()), Advice::Type(JOURNAL.into())]
}

/// How to be a client of the running bridge.
fn of_plugin(plugin: &Embedded) -> Result<External, Failure> {
    let users = plugin.users_file.as_deref().map(credentials::read_file).transpose()?;
    let login = users.as_deref().and_then(|text| text.lines().next()?.split_once(':'));
    let host = if plugin.listen.ip().is_unspecified() { "127.0.0.1".into() } else { plugin.listen.ip().to_string() };
    Ok(External {
        url: Url { tls: false, user: None, host, port: plugin.listen.port() },
        login: login.map(|(user, password)| Login { user: user.into(), password: Secret::new(password) }),
        client_id: String::new(),
        tls: None,
    })
}

fn login(report: &mut Report<'_>, broker: &External, findings: &Findings, topics: &Topics) {
    let text = match &broker.login {
        Some(login) => report.say(AS_USER, &[&broker.url, &login.user]),
        None => report.say(WITHOUT_USER, &[&broker.url]),
    };
    report.good(BROKER, &text);
    if !findings.test_came_back || findings.denied {
        let text = report.say(TEST_LOST, &[&topics.doctor()]);
        report.wrong(RIGHTS, ExitCode::Permission, &text, &[report.advise(ACL, &[])]);
    }
}

fn bridge(report: &mut Report<'_>, findings: &Findings, topics: &Topics) {
    let advice = look();
    let topic = topics.bridge_state();
    match findings.text(&topic) {
        Some(ONLINE) => {
            report.good(BRIDGE, &report.say(RUNS, &[]));
            complaints(report, findings, topics);
        }
        Some(OFFLINE) => report.wrong(BRIDGE, ExitCode::Unavailable, &report.say(HAS_LEFT, &[]), &advice),
        _ => report.wrong(BRIDGE, ExitCode::Unavailable, &report.say(NEVER_HERE, &[&topic]), &advice),
    }
}

/// What the running bridge complains of, by its own report, in its own words.
fn complaints(report: &mut Report<'_>, findings: &Findings, topics: &Topics) {
    let quality: Value = findings.text(&topics.bridge_quality()).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    for complaint in quality["complaints"].as_object().into_iter().flat_map(serde_json::Map::values) {
        let (text, count) = (complaint["text"].as_str().unwrap_or_default(), complaint["count"].as_u64().unwrap_or_default());
        report.doubt(BRIDGE, &report.say(COMPLAINS, &[&count, &printable(text)]), &[Advice::Type(JOURNAL.into())]);
    }
}

#[cfg(test)]
mod tests {
    use teleinfo_people::report::said;

    use super::{broker::Published, *};

    #[test]
    fn what_the_bridge_complains_of_is_a_doubt() {
        let topics = Topics::default();
        let published = |topic: String, text: &str| Published { topic, payload: text.into(), retained: true };
        let quality = r#"{"complaints": {"disk": {"count": 3, "text": "No space left on device"}}}"#;
        let messages = vec![published(topics.bridge_state(), ONLINE), published(topics.bridge_quality(), quality)];
        let (text, code) = said(|report| bridge(report, &Findings { messages, ..Findings::default() }, &topics));
        assert_eq!(code, None, "it works");
        assert!(text.contains("?? bridge: it complains, 3 times by now: No space left on device"), "{text}");
    }
}
