//! The adapter of a meter, where no rule of udev gives it a name: Home Assistant OS has none of ours.
//!
//! As in `deploy/udev/60-teleinfo.rules`, only an adapter whose own name says that it is for TIC is taken: the others may be anything, and to
//! read from a Zigbee stick would disturb it. Its owner chooses such an adapter by hand.

use std::{fs, path::Path};

/// Names that stay, whatever number the kernel gave: `usb-Maker_Product_Serial-if00-port0`.
pub(crate) const BY_ID: &str = "/dev/serial/by-id";

/// Parts of such a name, in small letters; udev writes `_` for a space. Several of one row must all be there.
const NAMES: &[&[&str]] =
    &[&["teleinfo"], &["tic-din"], &["cartelectronic", "interface_usb", "tic"], &["cartelectronic", "interface_usb", "compteur"]];

/// The one adapter for a meter, if there is exactly one: of two, the owner chooses.
pub(crate) fn adapter(folder: &Path) -> Option<String> {
    let entries = fs::read_dir(folder).ok()?.flatten();
    let mut names = entries.filter_map(|entry| entry.file_name().into_string().ok()).filter(|name| is_for_a_meter(name));
    let (first, second) = (names.next()?, names.next());
    second.is_none().then(|| folder.join(first).display().to_string())
}

fn is_for_a_meter(name: &str) -> bool {
    let name = name.to_lowercase();
    NAMES.iter().any(|parts| parts.iter().all(|part| name.contains(part)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_adapter_is_known_by_its_own_name() {
        for name in [
            "usb-LiXee_TIC-DIN_DA1234-if00-port0",
            "usb-hallard.me_Micro_Teleinfo_V3.0_1234-if00",
            "usb-Cartelectronic_Interface_USB_1_TIC_DA3-if00-port0",
            "usb-Cartelectronic_Interface_USB_2_Compteurs_D-if00-port0",
        ] {
            assert!(is_for_a_meter(name), "{name}");
        }
        for name in [
            "usb-ITead_Sonoff_Zigbee_3.0_USB_Dongle_Plus_1-if00-port0",
            "usb-FTDI_FT232R_USB_UART_A5-if00-port0",
            "usb-Cartelectronic_X-if00",
        ] {
            assert!(!is_for_a_meter(name), "{name}");
        }
    }

    #[test]
    fn the_rule_of_udev_knows_the_same_names() {
        let rules = include_str!("../../../udev/60-teleinfo.rules").replace("[Tt]", "t").to_lowercase();
        for part in NAMES.iter().copied().flatten() {
            assert!(rules.contains(&part.replace('_', " ")), "{part}");
        }
    }

    #[test]
    fn of_two_adapters_none_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let add = |name: &str| fs::write(folder.path().join(name), "").unwrap();
        assert_eq!(adapter(folder.path()), None);
        add("usb-FTDI_FT232R_USB_UART_A5-if00-port0");
        add("usb-LiXee_TIC-DIN_1-if00-port0");
        assert!(adapter(folder.path()).unwrap().ends_with("/usb-LiXee_TIC-DIN_1-if00-port0"));
        add("usb-LiXee_TIC-DIN_2-if00-port0");
        assert_eq!(adapter(folder.path()), None);
        assert_eq!(adapter(&folder.path().join("none")), None);
    }
}
