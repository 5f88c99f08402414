//! `monitor`: on a terminal, into a pipe, and what it says when the line is not to be had.

use std::{
    fs::File,
    io::{Read, Write},
    process::{Child, Command},
    sync::mpsc,
    thread,
    time::Instant,
};

use nix::{
    sys::{
        signal::{Signal, kill},
        termios::{LocalFlags, tcgetattr},
    },
    unistd::Pid,
};
use teleinfo_proto::tic::Mode;

use crate::bench::{METER, Meter, PATIENCE, Place, Sends, terminal, until};

fn place() -> Place {
    Place::new("[serial]\ndevice = \"DIR/meter\"\n")
}

/// Dropped, it is killed.
struct Monitor(Child);

impl Drop for Monitor {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts it, waits until its output has all of these, and ends it by Ctrl-C.
fn shows(mut command: Command, output: impl Read + Send + 'static, expected: &[&str]) {
    let mut monitor = Monitor(command.spawn().unwrap());
    drop(command);
    let (sender, parts) = mpsc::channel();
    thread::spawn(move || {
        let (mut output, mut buffer) = (output, [0; 4096]);
        while let Ok(count @ 1..) = output.read(&mut buffer) {
            let _ = sender.send(buffer[..count].to_vec());
        }
    });
    let (mut all, start) = (Vec::new(), Instant::now());
    let text = |all: &[u8]| String::from_utf8_lossy(all).into_owned();
    while !expected.iter().all(|part| text(&all).contains(part)) {
        let part = parts.recv_timeout(PATIENCE.saturating_sub(start.elapsed()));
        all.extend(part.unwrap_or_else(|_| panic!("{expected:?} is not all in:\n{}", text(&all))));
    }
    kill(Pid::from_raw(monitor.0.id().try_into().unwrap()), Signal::SIGINT).unwrap();
    let status = until("its end", || monitor.0.try_wait().unwrap());
    assert!(status.success(), "{status}");
}

#[test]
fn into_a_pipe_frame_follows_frame() {
    let place = place();
    let _meter = Meter::plug_in(&place.path("meter"), Sends::Frames(Mode::Historic), true);
    let (reader, writer) = std::io::pipe().unwrap();
    let mut command = place.command(&["monitor", "--language", "fr"]);
    command.stdout(writer);
    shows(command, reader, &[METER, "mode historique, ", "PAPP", "260 VA", "puissance apparente", "intensité"]);
}

#[test]
fn on_a_terminal_the_table_is_drawn_over_itself() {
    let place = place();
    let _meter = Meter::plug_in(&place.path("meter"), Sends::Frames(Mode::Standard), false);
    let (screen, shown) = terminal(80, 24);
    let mut command = place.command(&["monitor"]);
    command.stdout(shown);
    let parts = [METER, "standard mode, ", "SINSTS", "260 VA", "\x1b[2J", "\x1b[1H", "2024-02-10 12:13:55", " good, 0 damaged"];
    shows(command, screen, &parts);
}

/// A noisy line is read on, and what is wrong with it stands in the head, with words that fit.
#[test]
fn trouble_is_said_while_the_line_is_read() {
    for (language, columns, expected) in [
        ("en", 80, ["reception: ", " refused. ", "some datasets are damaged"]),
        ("fr", 40, ["réception : ", " refusés", "des groupes sont"]),
    ] {
        let place = place();
        let _meter = Meter::plug_in(&place.path("meter"), Sends::Noisy(Mode::Historic), true);
        let (screen, shown) = terminal(columns, 24);
        let mut command = place.command(&["monitor", "--language", language]);
        command.stdout(shown);
        shows(command, screen, &expected);
    }
}

/// Another program that empties the line is named.
#[test]
fn who_takes_bytes_away_is_named() {
    let place = place();
    let _meter = Meter::plug_in(&place.path("meter"), Sends::Frames(Mode::Historic), true);
    let mut thief = Command::new("cat").arg(place.path("meter")).stdout(std::process::Stdio::null()).spawn().unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    let mut command = place.command(&["monitor", "--language", "fr"]);
    command.stdout(writer);
    shows(command, reader, &["cat", "il prend des octets au compteur"]);
    let _ = thief.kill();
    let _ = thief.wait();
}

/// On a telephone: power is seen at once, the rest is a key away, and the terminal is left as it was.
#[test]
fn keys_lead_to_what_does_not_fit() {
    let place = place();
    let _meter = Meter::plug_in(&place.path("meter"), Sends::Frames(Mode::Standard), false);
    let (mut telephone, shown) = terminal(40, 8);
    let mut command = place.command(&["monitor", "--language", "fr"]);
    command.stdin(shown.try_clone().unwrap()).stdout(shown.try_clone().unwrap());
    let mut monitor = Monitor(command.spawn().unwrap());
    let mut text = String::new();
    let mut wait_for = |telephone: &mut File, part: &str| {
        let (start, mut buffer) = (Instant::now(), [0; 4096]);
        while !text.contains(part) {
            assert!(start.elapsed() < PATIENCE, "{part:?} is not in:\n{text}");
            let count = telephone.read(&mut buffer).unwrap();
            text.push_str(&String::from_utf8_lossy(&buffer[..count]));
        }
        text.split_off(0)
    };
    let first = wait_for(&mut telephone, "suite ; q : fin");
    assert!(first.contains("SINSTS") && !first.contains("VTIC"), "{first}");
    telephone.write_all(b"\x1b[F").unwrap();
    wait_for(&mut telephone, "VTIC");
    telephone.write_all(b"q").unwrap();
    let status = until("its end", || monitor.0.try_wait().unwrap());
    assert!(status.success(), "{status}");
    assert!(tcgetattr(&shown).unwrap().local_flags.contains(LocalFlags::ICANON | LocalFlags::ECHO), "the terminal is left raw");
}

#[test]
fn a_line_that_cannot_be_had_ends_it_with_a_word() {
    let place = place();
    let output = place.command(&["monitor"]).output().unwrap();
    assert_eq!(output.status.code(), Some(69));
    assert!(String::from_utf8_lossy(&output.stderr).contains("there is no such device"));

    let output = place.command(&["monitor", "--language", "fr", "--serial", "/tmp/none"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("/tmp/none : ce périphérique n'existe pas") && !said.contains("there is no"), "{said}");

    let _meter = Meter::plug_in(&place.path("meter"), Sends::Nothing, true);
    let reader = place.start();
    place.until_logged("not a byte");
    let output = place.command(&["monitor"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("is held by teleinfo-reader (process") && said.contains("free it: sudo kill"), "{said}");
    assert_eq!(output.status.code(), Some(69));
    assert!(reader.stop().success());
}
