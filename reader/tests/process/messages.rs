//! Whatever is wrong: one clear line, and an exit code where waiting does not help.

use std::{fs, thread, time::Duration};

use crate::bench::{Meter, Place, Sends};

/// Configuration, arguments, exit code, and words of the one line.
const MISTAKES: [(&str, &[&str], i32, &str); 9] = [
    ("", &["--colour"], 64, "--colour"),
    ("", &["--serial"], 64, "--serial"),
    ("[serial]\nbaud = 1200\n", &[], 78, "reader.toml, line 2, key \"baud\": there is no such key"),
    ("[led]\n\"gpio\" = 54\n", &[], 78, "reader.toml, line 2, key \"gpio\": 54 is out of range: 0 to 53"),
    ("", &["--connect", "bridge:7447"], 78, "bridge:7447"),
    ("[zenoh]\npassword-file = \"x\"\n", &[], 78, "reader.toml, line 2, key \"password-file\": a password needs a user"),
    ("[zenoh]\nuser = \"me\"\n", &[], 78, "reader.toml, line 2, key \"user\": a user needs a password"),
    ("[zenoh]\nuser = \"me\"\npassword-file = \"DIR/none\"\n", &[], 78, "reader.toml, line 3, key \"password-file\": "),
    ("[zenoh]\nuser = \"me\"\npassword-file = \"DIR/none\"\n", &[], 78, "none: the password file cannot be read"),
];

/// What a start refuses, `--check-config` refuses in the same words.
#[test]
fn mistakes_end_the_program_with_a_line_and_a_code() {
    for (config, arguments, code, expected) in MISTAKES {
        let place = Place::new(config);
        for check in [&[][..], &["--check-config"]] {
            let output = place.command(check).args(arguments).output().unwrap();
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(code), "{said}");
            assert!(said.contains(expected) && said.lines().count() == 1 && said.starts_with("ERROR"), "{said}");
        }
    }
    let place = Place::new("");
    fs::remove_file(place.path("reader.toml")).unwrap();
    let output = place.command(&[]).output().unwrap();
    assert_eq!(output.status.code(), Some(78), "{output:?}");
}

#[test]
fn the_configuration_can_be_checked_only() {
    let output = Place::new(include_str!("../../../deploy/etc/reader.toml")).command(&["--check-config"]).output().unwrap();
    assert_eq!((output.status.code(), output.stderr.is_empty()), (Some(0), true));
    let output = Place::new("led = 1").command(&["--check-config"]).output().unwrap();
    assert_eq!(output.status.code(), Some(78));
    let output = Place::new("").command(&["--version"]).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("teleinfo-reader {}\n", env!("CARGO_PKG_VERSION")));
}

/// Runs a reader for a while; its only warning about the line must be this one.
fn warned(place: &Place, expected: &str) {
    let reader = place.start();
    place.until_logged(expected);
    thread::sleep(Duration::from_secs(2));
    let warnings = place.log().lines().filter(|line| line.starts_with("WARN") && line.contains("/meter")).count();
    assert_eq!(warnings, 1, "{}", place.log());
    assert!(reader.stop().success());
}

/// No bridge is there, which is another warning.
const CONFIG: &str = "[serial]\ndevice = \"DIR/meter\"\n[zenoh]\nconnect = [\"tcp/127.0.0.1:1\"]\n[log]\nlevel = \"debug\"\n";

#[test]
fn a_missing_device_is_named_once() {
    warned(&Place::new(CONFIG), "meter: there is no such device");
}

#[test]
fn something_that_is_no_line_is_named_once() {
    let place = Place::new(CONFIG);
    fs::write(place.path("meter"), "").unwrap();
    warned(&place, "this is no serial line");
}

#[test]
fn a_line_that_another_program_holds_is_named_once_and_taken_when_free() {
    let place = Place::new(CONFIG);
    let _meter = Meter::plug_in(&place.path("meter"), Sends::Nothing, true);
    let held = fs::File::open(place.path("meter")).unwrap();
    held.lock().unwrap();
    let reader = place.start();
    place.until_logged("held by another program");
    drop(held);
    place.until_logged("meter: open");
    assert!(reader.stop().success());
}

#[test]
fn noise_is_told_as_such() {
    let place = Place::new(CONFIG);
    let _meter = Meter::plug_in(&place.path("meter"), Sends::Noise, true);
    warned(&place, "bytes arrive but are no TIC");
}
