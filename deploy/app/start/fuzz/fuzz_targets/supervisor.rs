//! Three lines: the options of the owner, the Supervisor's answer on the broker, and Home Assistant's on its language. What is taken can be told to a
//! program as variables, the bridge understands the broker as it was named, and no secret stands in a variable.
#![no_main]
#![allow(dead_code, reason = "only what understands something is tried here")]

#[path = "../../../../../bridge/src/config/broker_url.rs"]
mod broker_url;
#[path = "../../src/options.rs"]
mod options;
#[path = "../../src/supervisor.rs"]
mod supervisor;
#[path = "../../src/variables.rs"]
mod variables;

use libfuzzer_sys::fuzz_target;
use teleinfo_people::language::Language;

use broker_url::Url;
use options::Options;
use supervisor::{Broker, broker_of, language_of};
use variables::{Folders, Given, of_bridge, of_reader};

/// The longest reason that is shown to the owner, in bytes.
const REASON_MAX: usize = 800;

fn broker(line: &str) -> Option<Broker> {
    match broker_of(serde_json::from_str(line).ok()?) {
        Ok(broker) => Some(broker),
        Err(reason) => {
            assert!(reason.len() <= REASON_MAX && !reason.contains(char::is_control), "{reason:?}");
            None
        }
    }
}

/// The bridge reads the address again.
fn understood(broker: &Broker) {
    let url: Url = broker.address().parse().expect("an address that the bridge takes");
    let said = serde_json::to_value((&url.host, url.port, url.tls)).expect("JSON");
    assert!(url.user.is_none() && broker.address().ends_with(&format!("{url}")), "{said}");
}

fn told(all: &[(String, String)]) {
    for (name, value) in all {
        assert!(!name.is_empty() && !name.contains(['=', '\0']) && !value.contains('\0'), "{name:?}={value:?}");
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let mut lines = text.split('\n');
    let mut line = || lines.next().unwrap_or_default();
    let (options, broker, core) = (Options::parse(line()).unwrap_or_default(), broker(line()), serde_json::from_str(line()).ok());
    if let Some(broker) = &broker {
        understood(broker);
    }
    let language = core.and_then(|core| language_of(&core)).unwrap_or(Language::French);
    let device = options.device(|| None);
    assert!(options.meter_here == device.is_some() && device.as_deref() != Some(""));
    let password = broker.as_ref().map(|broker| broker.password.clone()).filter(|password| password.len() > 40);
    let own = options.variables.clone();
    let given = Given { language, device, broker, variables: options.variables };
    let folders = Folders { state: "/data".into(), secrets: "/run/teleinfo".into() };
    let bridge = of_bridge(&given, &folders);
    told(&bridge);
    let hidden = bridge.iter().take(bridge.len() - own.len()).all(|(_, value)| Some(value) != password.as_ref());
    assert!(hidden, "a secret in a variable");
    if let Some(reader) = of_reader(&given, &folders) {
        told(&reader);
    }
});
