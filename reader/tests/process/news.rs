//! What the journal and `STATUS=` say of a line, when its trouble begins and when it is over.

use std::{
    os::unix::net::UnixDatagram,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use teleinfo_proto::tic::Mode;

use crate::bench::{Meter, Place, Process, Sends, until};

/// No bridge is there, which is another warning.
const CONFIG: &str = "[serial]\ndevice = \"DIR/meter\"\n[zenoh]\nconnect = [\"tcp/127.0.0.1:1\"]\n";

/// A reader, and the service manager that it reports to.
struct Service {
    place: Place,
    manager: UnixDatagram,
    _reader: Process,
}

impl Service {
    fn start() -> Self {
        let place = Place::new(CONFIG);
        let manager = UnixDatagram::bind(place.path("notify")).unwrap();
        manager.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        let reader = place.start_with(&[("NOTIFY_SOCKET", &place.path("notify"))]);
        Self { place, manager, _reader: reader }
    }

    /// The next status that has these words in it.
    fn until_status(&self, words: &str) {
        until(&format!("STATUS with {words:?}; the log is\n{}", self.place.log()), || {
            let mut buffer = [0; 512];
            let length = self.manager.recv(&mut buffer).ok()?;
            let said = String::from_utf8_lossy(&buffer[..length]).into_owned();
            (said.starts_with("STATUS=") && said.contains(words)).then_some(())
        });
    }

    /// Lines of the log about the line, without the reader's other news.
    fn lines(&self) -> Vec<String> {
        self.place.log().lines().filter(|line| line.contains("/meter:") || line.contains("/meter is")).map(str::to_owned).collect()
    }
}

/// All that is said of a line that comes, goes and is noisy, and of a bridge that is not there: in French, by the key or by the system.
#[test]
fn the_journal_speaks_french_where_it_is_told_to() {
    let place = Place::new(&format!("language = \"fr\"\n{CONFIG}"));
    let meter = Meter::plug_in(&place.path("meter"), Sends::Frames(Mode::Historic), true);
    let reader = place.start();
    place.until_logged("lecture du compteur 012345678912 en mode historique, 1200 bauds, parité ");
    place.until_logged("pas de liaison avec la passerelle");
    meter.now_sends(Sends::Noisy(Mode::Historic));
    place.until_logged("des groupes sont");
    drop(meter);
    place.until_logged("le périphérique a disparu");
    assert!(reader.stop().success());
    place.until_logged("octets ; trames : ");
    place.until_logged("arrêté");
    let english = [" the ", " is ", " of ", "reading", "stopped"];
    let log = place.log();
    assert!(!english.iter().any(|word| log.contains(word)), "{log}");

    let place = Place::new(CONFIG);
    let _meter = Meter::plug_in(&place.path("meter"), Sends::Frames(Mode::Historic), true);
    let _reader = place.start_with(&[("LANG", "fr_FR.UTF-8".as_ref())]);
    place.until_logged("lecture du compteur");
}

#[test]
fn an_adapter_that_comes_back_is_told() {
    let service = Service::start();
    let plug_in = || Meter::plug_in(&service.place.path("meter"), Sends::Frames(Mode::Historic), true);
    let meter = plug_in();
    service.until_status("reading meter");
    drop(meter);
    service.until_status("the device has gone");
    let _meter = plug_in();
    service.until_status("reading meter");
    let told = ["reading meter", "has gone", "reading meter"];
    // The reader may have started before the meter was plugged in.
    let lines: Vec<String> = service.lines().into_iter().skip_while(|line| line.contains("there is no such device")).collect();
    assert!(lines.iter().zip(told).all(|(line, words)| line.contains(words)) && lines.len() == told.len(), "{lines:#?}");
}

#[test]
fn noise_is_told_when_it_begins_and_when_it_is_over() {
    let service = Service::start();
    let meter = Meter::plug_in(&service.place.path("meter"), Sends::Frames(Mode::Standard), true);
    service.until_status("reading meter");
    meter.now_sends(Sends::Noisy(Mode::Standard));
    service.until_status("some datasets are damaged");
    meter.now_sends(Sends::Frames(Mode::Standard));
    service.until_status("reading meter");
    let lines = service.lines();
    assert_eq!(lines.iter().filter(|line| line.contains("damaged")).count(), 1, "{lines:#?}");
}

#[test]
fn a_silence_is_told_once() {
    let service = Service::start();
    let meter = Meter::plug_in(&service.place.path("meter"), Sends::Frames(Mode::Historic), true);
    service.until_status("reading meter");
    let before = service.lines().len();
    meter.now_sends(Sends::Nothing);
    service.until_status("not a byte");
    thread::sleep(Duration::from_secs(5));
    let lines = service.lines();
    assert_eq!(lines.len(), before + 1, "{lines:#?}");
}

/// A program that reads the line and throws away what it reads.
struct Thief(std::process::Child);

impl Drop for Thief {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_program_that_takes_the_bytes_is_named() {
    let service = Service::start();
    let line = service.place.path("meter");
    let _meter = Meter::plug_in(&line, Sends::Frames(Mode::Standard), true);
    service.until_status("reading meter");
    let thief = Thief(Command::new("cat").arg(&line).stdout(Stdio::null()).spawn().unwrap());
    service.until_status(&format!("held by cat (process {})", thief.0.id()));
    drop(thief);
    service.until_status("reading meter");
}
