//! The methods that can be asked: a method is one line. All of them read; anything else has no handler, as in a real one.
//!
//! A result is a text in which `$` marks what this meter fills in. Where that needs a power and there is none, there is no result.
//! Neither a cloud nor Modbus is on: some clients would go and look there.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::grid_meter::{shelly::values, sum::Total};

/// What the model is called in its names.
pub const MODEL: &str = "shellypro3em";
/// The version of the firmware.
pub const VERSION: &str = "1.7.1";
/// The firmware: one from before 2023-08-03 is refused by `aioshelly`.
pub const FIRMWARE: &str = "20250924-062729/1.7.1-gd336f31";

/// Name and result.
type Method = (&'static str, &'static str);

const METHODS: &[Method] = &[
    ("Cloud.GetConfig", r#"{"enable":false,"server":null}"#),
    ("Cloud.GetStatus", r#"{"connected":false}"#),
    ("EM.GetConfig", EM_CONFIG),
    ("EM.GetStatus", "$power"),
    ("EMData.GetConfig", "{}"),
    ("EMData.GetStatus", "$energy"),
    ("Script.List", r#"{"scripts":[]}"#),
    ("Shelly.GetComponents", r#"{"components":[],"cfg_rev":10,"offset":0,"total":0}"#),
    ("Shelly.GetConfig", CONFIG),
    (DEVICE_INFO, INFO),
    ("Shelly.GetStatus", STATUS),
    ("Shelly.ListMethods", r#"{"methods":$methods}"#),
    ("Sys.GetConfig", SYS_CONFIG),
    ("Sys.GetStatus", SYS),
    ("WiFi.GetStatus", WIFI),
];

/// Who this is; `GET /shelly` says the same.
pub const DEVICE_INFO: &str = "Shelly.GetDeviceInfo";

const INFO: &str = r#"{"name":null,"id":"$id","mac":"$mac","slot":1,"model":"SPEM-003CEBEU","gen":2,"fw_id":"$firmware","ver":"$version","app":"Pro3EM","auth_en":false,"auth_domain":null,"profile":"triphase"}"#;
const EM_CONFIG: &str = r#"{"id":0,"name":null,"blink_mode_selector":"active_energy","phase_selector":"all","monitor_phase_sequence":false,"reverse":{},"ct_type":"120A"}"#;
const WIFI: &str = r#"{"sta_ip":null,"status":"disconnected","ssid":null,"rssi":0}"#;
const SYS: &str = r#"{"mac":"$mac","restart_required":false,"time":"$clock","unixtime":$unixtime,"last_sync_ts":$unixtime,"uptime":$uptime,"ram_size":260000,"ram_free":120000,"fs_size":524288,"fs_free":180224,"cfg_rev":10,"kvs_rev":0,"schedule_rev":0,"webhook_rev":0,"available_updates":{},"reset_reason":1}"#;
const SYS_CONFIG: &str = r#"{"device":{"name":null,"mac":"$mac","fw_id":"$firmware","discoverable":true,"eco_mode":false,"profile":"triphase"},"location":{"tz":null,"lat":null,"lon":null},"debug":{"mqtt":{"enable":false},"websocket":{"enable":false},"udp":{"addr":null}},"ui_data":{},"rpc_udp":{"dst_addr":null,"listen_port":1010},"sntp":{"server":null},"cfg_rev":10}"#;
const STATUS: &str = r#"{"ble":{},"cloud":{"connected":false},"em:0":$power,"emdata:0":$energy,"eth":{"ip":null},"modbus":{},"mqtt":{"connected":false},"sys":$status_of_system,"wifi":$wifi,"ws":{"connected":false}}"#;
const CONFIG: &str = r#"{"ble":{"enable":false,"rpc":{"enable":false}},"cloud":{"enable":false,"server":null},"em:0":$config_of_meter,"emdata:0":{},"eth":{"enable":true},"modbus":{"enable":false},"mqtt":{"enable":false},"sys":$config_of_system,"wifi":{"ap":{"ssid":"$id","is_open":true,"enable":false},"sta":{"ssid":null,"enable":false},"sta1":{"ssid":null,"enable":false}},"ws":{"enable":false,"server":null,"ssl_ca":"ca.pem"}}"#;

/// Texts within others, which have marks themselves.
const PARTS: [(&str, &str); 4] =
    [("$status_of_system", SYS), ("$config_of_system", SYS_CONFIG), ("$config_of_meter", EM_CONFIG), ("$wifi", WIFI)];

/// Why there is no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failing {
    /// Nothing of that name can be asked here.
    NoMethod,
    /// There is no power that is fresh.
    NoValue,
}

/// What a meter says of itself.
#[derive(Debug, Clone, Copy)]
pub struct Moment<'a> {
    /// Twelve hexadecimal digits.
    pub serial: &'a str,
    /// What is measured, if it is fresh.
    pub total: Option<&'a Total>,
    /// How long it has run.
    pub uptime: Duration,
    /// The time of day.
    pub wall: SystemTime,
}

/// What the device is called; it never changes.
#[must_use]
pub fn device_id(serial: &str) -> String {
    format!("{MODEL}-{}", serial.to_ascii_lowercase())
}

impl Moment<'_> {
    /// The result of a method, whose name may be written in any case.
    ///
    /// # Errors
    /// There is no such method, or no value.
    pub fn call(&self, method: &str) -> Result<String, Failing> {
        let (_, text) = METHODS.iter().find(|(name, _)| name.eq_ignore_ascii_case(method)).ok_or(Failing::NoMethod)?;
        let mut text = PARTS.iter().fold((*text).to_owned(), |text, (mark, part)| text.replace(mark, part));
        for (mark, value) in [("$power", self.power()), ("$energy", self.energy())] {
            if text.contains(mark) {
                text = text.replace(mark, &value.ok_or(Failing::NoValue)?);
            }
        }
        Ok(self.marks().iter().fold(text, |text, (mark, value)| text.replace(mark, value)))
    }

    fn power(&self) -> Option<String> {
        self.total.map(|total| values::power(total).text())
    }

    fn energy(&self) -> Option<String> {
        self.total.and_then(values::energy).map(|energy| energy.text())
    }

    fn marks(&self) -> [(&'static str, String); 8] {
        let unixtime = self.wall.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let names: Vec<&str> = METHODS.iter().map(|(name, _)| *name).collect();
        let clock = format!("{:02}:{:02}", unixtime / 3_600 % 24, unixtime / 60 % 60);
        [
            ("$clock", clock),
            ("$id", device_id(self.serial)),
            ("$mac", self.serial.to_ascii_uppercase()),
            ("$firmware", FIRMWARE.to_owned()),
            ("$version", VERSION.to_owned()),
            ("$unixtime", unixtime.to_string()),
            ("$uptime", self.uptime.as_secs().to_string()),
            ("$methods", serde_json::to_string(&names).unwrap_or_default()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::grid_meter::shelly::values::tests::total;

    const NOTHING: Moment<'_> = Moment { serial: "0a1861000001", total: None, uptime: Duration::from_secs(4_711), wall: UNIX_EPOCH };

    #[test]
    fn every_method_gives_json_without_a_mark_and_those_of_power_alone_need_one() {
        let total = total();
        let moment = Moment { total: Some(&total), ..NOTHING };
        for (name, text) in METHODS {
            let result = moment.call(name).unwrap();
            assert!(serde_json::from_str::<Value>(&result).is_ok() && !result.contains('$'), "{name}: {result}");
            let needs_power = text.contains("$power") || text.contains("$energy");
            assert_eq!(NOTHING.call(name).err(), needs_power.then_some(Failing::NoValue), "{name}");
        }
    }

    /// Home Assistant's integration does not start without any of these.
    #[test]
    fn the_configuration_names_every_way_into_a_wireless_network() {
        let config: Value = serde_json::from_str(&NOTHING.call("Shelly.GetConfig").unwrap()).unwrap();
        for way in ["ap", "sta", "sta1"] {
            assert_eq!(config["wifi"][way]["enable"], Value::Bool(false), "{way}");
        }
    }

    #[test]
    fn only_what_reads_has_a_handler() {
        assert!(METHODS.iter().all(|(name, _)| name.contains(".Get") || name.contains(".List")));
        for method in ["Shelly.Reboot", "EM.SetConfig", "Shelly.Update", "Switch.Set", "", "EM"] {
            assert_eq!(NOTHING.call(method), Err(Failing::NoMethod), "{method}");
        }
        assert!(NOTHING.call("shelly.getdeviceinfo").unwrap().contains(r#""id":"shellypro3em-0a1861000001","mac":"0A1861000001""#));
    }
}
