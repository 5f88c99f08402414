//! `monitor`: on a terminal, into a pipe, and what it says when the line is not to be had.

use std::{
    fs::File,
    io::Read,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Instant,
};

use nix::{
    pty::openpty,
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use teleinfo_proto::tic::Mode;

use crate::bench::{METER, Meter, PATIENCE, Place, Sends, until};

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
    let terminal = openpty(None, None).unwrap();
    let mut command = place.command(&["monitor"]);
    command.stdout(Stdio::from(terminal.slave));
    let parts = [METER, "standard mode, ", "SINSTS", "260 VA", "\x1b[2J", "\x1b[1H", "2024-02-10 12:13:55", " good, 0 damaged"];
    shows(command, File::from(terminal.master), &parts);
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
