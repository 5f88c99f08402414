//! A line at the far end of a network: raw, by RFC 2217, away and back, and when whoever answers there is something else.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

use teleinfo_proto::tic::Mode;
use teleinfo_reader::telnet::Telnet;

use crate::bench::{METER, Place, Sends, bytes, free_port, until};

/// Between two frames.
const PAUSE: Duration = Duration::from_millis(100);

/// How a far side behaves.
#[derive(Clone, Copy, PartialEq)]
enum Port {
    /// It sends what its UART gives, at one speed.
    Raw,
    /// It can be set; of settings with parity it says that it has none.
    Settable,
    /// It ends each connection after a moment.
    Flapping,
}

/// A meter in this mode behind a port. It serves one connection after the other until the test ends.
fn far_side(port: Port, mode: Mode) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let number = listener.local_addr().unwrap().port();
    serve(listener, port, mode);
    number
}

fn serve(listener: TcpListener, port: Port, mode: Mode) {
    thread::spawn(move || {
        for stream in listener.incoming() {
            // A reader that has gone is the end of this connection.
            let _ = connected(stream.unwrap(), port, mode);
        }
    });
}

fn connected(mut stream: TcpStream, port: Port, mode: Mode) -> std::io::Result<()> {
    stream.set_read_timeout(Some(PAUSE))?;
    let (mut server, start, mut speed) = (Server::default(), Instant::now(), mode.baud());
    for count in 0.. {
        if port == Port::Flapping && start.elapsed() > Duration::from_millis(300) {
            return Ok(());
        }
        if port == Port::Settable {
            let mut buffer = [0; 256];
            match stream.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(received) => stream.write_all(&server.answers(&buffer[..received], &mut speed))?,
                Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {}
                Err(error) => return Err(error),
            }
        } else {
            thread::sleep(PAUSE);
        }
        let is_right = speed == mode.baud();
        let mut data = bytes(if is_right { Sends::Frames(mode) } else { Sends::Noise }, true, count);
        if port == Port::Settable {
            data = data.iter().flat_map(|byte| if *byte == 255 { vec![255, 255] } else { vec![*byte] }).collect();
        }
        stream.write_all(&data)?;
    }
    Ok(())
}

/// The other side of RFC 2217, as far as this test needs it.
#[derive(Default)]
struct Server {
    pending: Vec<u8>,
}

impl Server {
    fn answers(&mut self, received: &[u8], speed: &mut u32) -> Vec<u8> {
        self.pending.extend_from_slice(received);
        let mut answers = vec![];
        while let Some((used, answer)) = self.next(speed) {
            self.pending.drain(..used);
            answers.extend(answer);
        }
        answers
    }

    /// Of a request: how long it is, and what is answered.
    fn next(&self, speed: &mut u32) -> Option<(usize, Vec<u8>)> {
        match self.pending.as_slice() {
            [255, 251, 44, ..] => Some((3, vec![255, 253, 44])),
            [255, 251..=254, _, ..] => Some((3, vec![])),
            [255, 250, 44, 1, a, b, c, d, 255, 240, ..] => {
                *speed = u32::from_be_bytes([*a, *b, *c, *d]);
                Some((10, vec![255, 250, 44, 101, *a, *b, *c, *d, 255, 240]))
            }
            // Eight bits and no parity, whatever was asked for.
            [255, 250, 44, 2, _, 255, 240, ..] => Some((7, vec![255, 250, 44, 102, 8, 255, 240])),
            [255, 250, 44, 3, _, 255, 240, ..] => Some((7, vec![255, 250, 44, 103, 1, 255, 240])),
            [255, 250, 44, _, _, 255, 240, ..] => Some((7, vec![])),
            _ => None,
        }
    }
}

fn place(device: &str) -> Place {
    Place::new(&format!("[serial]\ndevice = \"{device}\"\n[zenoh]\nconnect = [\"tcp/127.0.0.1:1\"]\n[led]\nmode = \"off\"\n"))
}

#[test]
fn a_raw_port_is_read_by_its_name_and_by_its_address() {
    let port = far_side(Port::Raw, Mode::Historic);
    for host in ["localhost", "127.0.0.1"] {
        let place = place(&format!("tcp://{host}:{port}"));
        let reader = place.start();
        place.until_logged(&format!("tcp://{host}:{port}: reading meter {METER} in historic mode"));
        assert!(place.log().contains("parity checked here"), "bit 7 comes through: {}", place.log());
        assert!(reader.stop().success());
    }
}

#[test]
fn a_port_that_can_be_set_is_set() {
    for mode in Mode::ALL {
        let port = far_side(Port::Settable, mode);
        let place = place(&format!("rfc2217://127.0.0.1:{port}"));
        let reader = place.start();
        place.until_logged(&format!("reading meter {METER} in {mode} mode, {} baud, parity checked here", mode.baud()));
        assert!(reader.stop().success());
    }
}

/// As a mini-UART: the parity that was wanted of the port is checked here.
#[test]
fn a_port_without_parity_is_coped_with() {
    let port = far_side(Port::Settable, Mode::Standard);
    let place = Place::new(&format!(
        "[serial]\ndevice = \"rfc2217://127.0.0.1:{port}\"\nparity = \"hardware\"\n[zenoh]\nconnect = [\"tcp/127.0.0.1:1\"]\n"
    ));
    let reader = place.start();
    place.until_logged("parity checked here");
    assert!(reader.stop().success());
}

#[test]
fn a_far_side_that_is_away_is_named_once_and_found_when_it_comes() {
    let port = free_port();
    let place = place(&format!("tcp://127.0.0.1:{port}"));
    let reader = place.start();
    place.until_logged("connection refused: is the adapter's service running");
    thread::sleep(Duration::from_secs(3));
    assert_eq!(place.count("connection refused: is the adapter"), 1, "{}", place.log());
    serve(TcpListener::bind(("127.0.0.1", port)).unwrap(), Port::Raw, Mode::Standard);
    place.until_logged("reading meter");
    assert!(reader.stop().success());
}

#[test]
fn a_far_side_that_comes_and_goes_fills_no_log() {
    let port = far_side(Port::Flapping, Mode::Standard);
    let place = place(&format!("tcp://127.0.0.1:{port}"));
    let reader = place.start();
    place.until_logged("ended the connection");
    thread::sleep(Duration::from_secs(6));
    assert_eq!(place.count("ended the connection"), 1, "{}", place.log());
    assert!(reader.stop().success());
}

#[test]
fn somebody_else_at_the_address_is_told_so() {
    let raw = far_side(Port::Raw, Mode::Standard);
    let place_of = |device: String| (place(&device), device);
    for ((place, device), expected) in [
        (place_of(format!("rfc2217://127.0.0.1:{raw}")), "does not speak RFC 2217"),
        (place_of("tcp://no-such-host.invalid:1".into()), "cannot be looked up"),
        (place_of("tcp://[fe80::1%nowhere0]:1".into()), "no network interface nowhere0"),
    ] {
        let reader = place.start();
        place.until_logged(&format!("{device}: "));
        until(expected, || (place.count(expected) > 0).then_some(()));
        assert!(reader.stop().success(), "{}", place.log());
    }
}

#[test]
fn doctor_and_monitor_look_at_a_far_line_too() {
    let port = far_side(Port::Raw, Mode::Historic);
    let place = place(&format!("tcp://127.0.0.1:{port}"));
    let output = place.command(&["doctor"]).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("as the far side is set") && said.contains(METER), "{said}");

    let nobody = format!("tcp://127.0.0.1:{}", free_port());
    let output = place.command(&["doctor", "--serial", &nobody]).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap().replace("\n   ", " ");
    assert!(said.contains("!! device") && said.contains("connection refused"), "{said}");

    let output = place.command(&["monitor", "--serial", &nobody, "--language", "fr"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("connexion refusée") && output.status.code() == Some(69), "{said}");
}

/// What is asked of a server is what RFC 2217 says, byte for byte.
#[test]
fn the_server_of_this_test_understands_the_client() {
    let mut client = Telnet::new();
    let mut speed = 0;
    let mut answers = Server::default().answers(client.transmit(), &mut speed);
    client.handle_sent(client.transmit().len());
    client.handle_bytes(&mut answers).unwrap();
    assert!(client.is_agreed());
}
