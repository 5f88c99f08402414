//! `doctor`: is the broker there, does it let us in, does the bridge run, does Home Assistant listen, which meters are being read. One line
//! per check, with a mark, then what to do; a verdict; an exit code.
//!
//! It looks at what anybody can hear over MQTT, so it says the same of the embedded side as of a broker.

mod broker;
mod meters;
mod report;

use std::io;

use broker::Visit;
use report::Report;

use crate::{
    config::{
        broker_url::Url,
        settings::{Embedded, External, Login, Mqtt, Settings},
    },
    daemon::{
        credentials::{self, Secret},
        exit::{ExitCode, Failure},
    },
    words::topics::{OFFLINE, ONLINE, Topics},
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
    match broker::visit(&broker, &settings.topics).await {
        Ok(visit) => {
            entrance(&mut report, &broker, &visit, &settings.topics);
            bridge(&mut report, &visit, &settings.topics);
            meters::home_assistant(&mut report, &visit, &settings.topics);
            meters::check(&mut report, &visit, &settings.topics, settings.homeassistant.discovery);
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

fn entrance(report: &mut Report<'_>, broker: &External, visit: &Visit, topics: &Topics) {
    let who = broker.login.as_ref().map_or_else(|| "without a user".into(), |login| format!("as user {}", login.user));
    report.good("broker", &format!("{} lets us in {who}", broker.url));
    if !visit.echo || visit.denied {
        let text = format!("a test message on {} did not come back", topics.doctor());
        let advice = ["this user must be allowed to read and write below mqtt.base-topic and homeassistant.prefix: see the broker's ACL"];
        report.wrong("rights", ExitCode::Permission, &text, &advice);
    }
}

fn bridge(report: &mut Report<'_>, visit: &Visit, topics: &Topics) {
    let advice = ["$ systemctl status teleinfo-bridge", "$ journalctl -u teleinfo-bridge -n 20"];
    let topic = topics.bridge_state();
    match visit.text(&topic) {
        Some(ONLINE) => report.good("bridge", "runs, and is connected here"),
        Some(OFFLINE) => report.wrong("bridge", ExitCode::Unavailable, "has left this broker, or is stopped", &advice),
        _ => report.wrong("bridge", ExitCode::Unavailable, &format!("has never been here: nothing on {topic}"), &advice),
    }
}
