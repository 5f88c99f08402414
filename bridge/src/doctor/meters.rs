//! What is said of each meter: is it being read, how well, does Home Assistant know of it.

use serde_json::Value;
use teleinfo_proto::tic::{Label, Mode, Role};

use crate::{
    daemon::exit::ExitCode,
    doctor::{broker::Findings, report::Report},
    words::topics::{OFFLINE, ONLINE, Topics},
};

/// One after the other; none is a fault.
pub(super) fn check(report: &mut Report<'_>, findings: &Findings, topics: &Topics, discovery: bool) {
    let meters = meters(findings, topics);
    if meters.is_empty() {
        let advice = [
            "at the meter, on the reader's machine:",
            "$ teleinfo-reader doctor",
            "may it connect? see zenoh.listen, zenoh.users-file and the firewall (port 7447) here",
        ];
        report.wrong("readers", ExitCode::Unavailable, "no meter has ever been read by this bridge", &advice);
    }
    for meter in meters {
        reading(report, findings, topics, &meter);
        if discovery {
            announced(report, findings, topics, &meter);
        }
    }
}

/// Every meter that something retained speaks of, or a state.
fn meters(findings: &Findings, topics: &Topics) -> Vec<String> {
    let all = topics.availability("+");
    let Some((before, after)) = all.split_once('+') else { return Vec::new() };
    let meter = |topic: &str| topic.strip_prefix(before).and_then(|rest| rest.strip_suffix(after)).map(str::to_owned);
    let mut meters: Vec<_> =
        findings.messages.iter().filter(|message| !message.payload.is_empty()).filter_map(|message| meter(&message.topic)).collect();
    meters.sort();
    meters
}

fn reading(report: &mut Report<'_>, findings: &Findings, topics: &Topics, meter: &str) {
    let quality: Value = findings.text(&topics.quality(meter)).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let reader = quality["reader"]["name"].as_str().map(|name| format!(", by the reader on {name}")).unwrap_or_default();
    let cause = quality["cause_text"].as_str().unwrap_or("the reader has not said why");
    let told = quality["line"].as_str().is_some_and(|line| line != "reading");
    match findings.text(&topics.availability(meter)) {
        // A bridge that ends takes its meters with it: that says nothing of their readers.
        Some(OFFLINE) if findings.text(&topics.bridge_state()) != Some(ONLINE) => {
            report.skip("meter", &format!("{meter}{reader}: not known while the bridge is away"), &[]);
        }
        Some(OFFLINE) => {
            let why = if told { cause } else { "its reader is away: no power, no network, or stopped" };
            let advice = ["at the meter, on the reader's machine:", "$ teleinfo-reader doctor"];
            report.wrong("meter", ExitCode::Unavailable, &format!("{meter} is not being read{reader}: {why}"), &advice);
        }
        _ => {
            let power = power(findings, &topics.state(meter)).map(|power| format!(", {power} VA now")).unwrap_or_default();
            let reception = quality["reception"].as_f64().map(|share| format!(", {share} % of its frames good")).unwrap_or_default();
            report.good("meter", &format!("{meter} is being read{reader}{power}{reception}"));
            if quality["cause"].as_str().is_some_and(|cause| cause != "none") {
                report.doubt("line", &format!("{meter}: {cause}"), &[]);
            }
        }
    }
}

fn power(findings: &Findings, topic: &str) -> Option<u64> {
    let state: Value = serde_json::from_str(findings.text(topic)?).ok()?;
    let mut labels = Mode::ALL.into_iter().flat_map(|mode| Label::with_role(mode, Role::PowerWithdrawn));
    labels.find_map(|label| state[label.code]["value"].as_u64())
}

fn announced(report: &mut Report<'_>, findings: &Findings, topics: &Topics, meter: &str) {
    match findings.get(&topics.discovery(meter)).filter(|message| !message.payload.is_empty()) {
        Some(message) => {
            let kept = if message.retained { "and the broker keeps it" } else { "just now" };
            report.good("discovery", &format!("{meter} is announced to Home Assistant, {kept}"));
        }
        None => {
            let text = format!("{meter} is not announced to Home Assistant: nothing on {}", topics.discovery(meter));
            let advice = [
                "does the broker keep messages, and may this user write there? the bridge announces it again:",
                "$ systemctl restart teleinfo-bridge",
            ];
            report.wrong("discovery", ExitCode::Unavailable, &text, &advice);
        }
    }
}

/// What Home Assistant has said; its birth message is kept by the broker only if it is set so.
pub(super) fn home_assistant(report: &mut Report<'_>, findings: &Findings, topics: &Topics) {
    let topic = topics.home_assistant_status();
    match findings.text(&topic) {
        Some(ONLINE) => report.good("home assistant", "is connected to this broker"),
        Some(OFFLINE) => report.doubt("home assistant", "has left this broker, or is stopped", &[]),
        _ => {
            let text = format!(
                "its start message is not retained on this broker ({topic}), so it is not known here whether it is connected; this is normal"
            );
            report.skip("home assistant", &text, &["Settings > Devices & services > MQTT must name this same broker"]);
        }
    }
}
