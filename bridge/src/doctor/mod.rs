//! `doctor`: is the broker there, does it let us in, does the bridge run, does Home Assistant listen, which meters are being read. One line
//! per check, with a mark, then what to do; a verdict; an exit code.
//!
//! It looks at what anybody can receive over MQTT, so it says the same of the embedded side as of a broker.

mod broker;
mod meters;
mod report;

use std::io;

use broker::Findings;
use report::Report;
use serde_json::Value;

use crate::{
    config::{
        broker_url::Url,
        settings::{Embedded, External, Login, Mqtt, Settings},
    },
    daemon::{
        credentials::{self, Secret},
        exit::{ExitCode, Failure},
    },
    words::{
        printable::printable,
        topics::{OFFLINE, ONLINE, Topics},
    },
};

/// Looks at everything, and says what it finds on standard output. `None`: all is well.
///
/// # Errors
/// The embedded side's users cannot be read.
pub async fn run(settings: &Settings) -> Result<Option<ExitCode>, Failure> {
    let (broker, embedded) = match &settings.mqtt {
        Mqtt::External(broker) => (broker.clone(), false),
        Mqtt::Embedded(plugin) => (of_plugin(plugin)?, true),
    };
    let mut out = io::stdout();
    let mut report = Report::new(&mut out);
    match broker::look(&broker, &settings.topics).await {
        Ok(findings) => {
            login(&mut report, &broker, &findings, &settings.topics);
            bridge(&mut report, &findings, &settings.topics);
            meters::home_assistant(&mut report, &findings, &settings.topics);
            meters::check(&mut report, &findings, &settings.topics, settings.homeassistant.discovery);
        }
        Err(trouble) => {
            let own = ["mqtt.url is \"embedded\": the bridge itself answers there, if it runs:", "$ systemctl status teleinfo-bridge"];
            let sudo = ["no password was found; the bridge may have one that only root may read:", "$ sudo teleinfo-bridge doctor"];
            let without_password = broker.login.as_ref().is_some_and(|login| login.password.reveal().is_empty());
            let advice: &[&str] = match embedded {
                true => &own,
                false if trouble.refused_login && without_password => &sudo,
                false => &[],
            };
            report.wrong("broker", ExitCode::Unavailable, &trouble.message, advice);
        }
    }
    Ok(report.verdict())
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
        authorities: None,
    })
}

fn login(report: &mut Report<'_>, broker: &External, findings: &Findings, topics: &Topics) {
    let who = broker.login.as_ref().map_or_else(|| "without a user".into(), |login| format!("as user {}", login.user));
    report.good("broker", &format!("{} lets us in {who}", broker.url));
    if !findings.test_came_back || findings.denied {
        let text = format!("a test message on {} did not come back", topics.doctor());
        let advice = ["this user must be allowed to read and write below mqtt.base-topic and homeassistant.prefix: see the broker's ACL"];
        report.wrong("rights", ExitCode::Permission, &text, &advice);
    }
}

fn bridge(report: &mut Report<'_>, findings: &Findings, topics: &Topics) {
    let advice = ["$ systemctl status teleinfo-bridge", "$ journalctl -u teleinfo-bridge -n 20"];
    let topic = topics.bridge_state();
    match findings.text(&topic) {
        Some(ONLINE) => {
            report.good("bridge", "runs, and is connected here");
            complaints(report, findings, topics);
        }
        Some(OFFLINE) => report.wrong("bridge", ExitCode::Unavailable, "has left this broker, or is stopped", &advice),
        _ => report.wrong("bridge", ExitCode::Unavailable, &format!("has never been here: nothing on {topic}"), &advice),
    }
}

/// What the running bridge complains of, by its own report.
fn complaints(report: &mut Report<'_>, findings: &Findings, topics: &Topics) {
    let quality: Value = findings.text(&topics.bridge_quality()).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    for complaint in quality["complaints"].as_object().into_iter().flat_map(serde_json::Map::values) {
        let (text, count) = (complaint["text"].as_str().unwrap_or_default(), complaint["count"].as_u64().unwrap_or_default());
        report.doubt(
            "bridge",
            &format!("it complains, {count} times by now: {}", printable(text)),
            &["$ journalctl -u teleinfo-bridge -n 20"],
        );
    }
}

#[cfg(test)]
mod tests {
    use super::{broker::Published, *};

    #[test]
    fn what_the_bridge_complains_of_is_a_doubt() {
        let topics = Topics::default();
        let published = |topic: String, text: &str| Published { topic, payload: text.into(), retained: true };
        let quality = r#"{"complaints": {"disk": {"count": 3, "text": "No space left on device"}}}"#;
        let messages = vec![published(topics.bridge_state(), ONLINE), published(topics.bridge_quality(), quality)];
        let mut out = Vec::new();
        let mut report = Report::new(&mut out);
        bridge(&mut report, &Findings { messages, ..Findings::default() }, &topics);
        assert_eq!(report.verdict(), None, "it works");
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("?? bridge: it complains, 3 times by now: No space left on device"), "{text}");
    }
}
