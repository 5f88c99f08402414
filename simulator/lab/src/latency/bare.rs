//! A yardstick: a bare loop that wakes for each byte, cuts datasets and frames, and publishes them. It checks nothing, keeps nothing and
//! survives nothing, so nobody can do the same for less. The two packets of MQTT that it needs are written by hand.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::Duration;
use teleinfo_simulator::failure::{Code, Failure, OrFail, Outcome};

/// Where it publishes frames, each label with what it said.
const FRAME: &str = "bare/frame";
/// Where it publishes the power at the end of its dataset.
const POWER: &str = "bare/power";

const STX: u8 = 2;
const ETX: u8 = 3;
const CR: u8 = 0x0D;

/// The loop, on a thread of its own.
pub(super) struct BareLoop {
    thread: JoinHandle<std::io::Result<()>>,
    /// The number of the thread, for the system.
    pub(super) id: u32,
}

impl BareLoop {
    /// Reads this line and publishes to this broker, until the line is hung up.
    pub(super) fn start(line: &Path, broker: u16) -> Outcome<Self> {
        let file = OpenOptions::new().read(true).open(line).or_fail(Code::Unavailable, || format!("cannot open {}", line.display()))?;
        let stream = connect(broker).or_fail(Code::Unavailable, || format!("no MQTT broker answers on 127.0.0.1:{broker}"))?;
        let (sender, id) = channel();
        let work = move || {
            let _ = sender.send(std::fs::read_link("/proc/thread-self"));
            turn(file, stream)
        };
        let thread =
            std::thread::Builder::new().name("bare".into()).spawn(work).or_fail(Code::Software, || "cannot start a thread".into())?;
        Ok(Self { thread, id: number(&id)? })
    }

    /// Waits for its end, once the line is hung up.
    pub(super) fn end(self) {
        // Its last read fails: the terminal is gone.
        let _ = self.thread.join();
    }
}

fn number(id: &Receiver<std::io::Result<std::path::PathBuf>>) -> Outcome<u32> {
    let path = id.recv_timeout(Duration::from_secs(5)).ok().and_then(Result::ok);
    let number = path.and_then(|path| path.file_name()?.to_str()?.parse().ok());
    number.ok_or_else(|| Failure::new(Code::Software, "a thread without a number"))
}

fn connect(broker: u16) -> std::io::Result<TcpStream> {
    let mut stream = TcpStream::connect(("127.0.0.1", broker))?;
    stream.set_nodelay(true)?;
    // CONNECT: version 4, a clean session, no keep-alive, the name "bare".
    stream.write_all(b"\x10\x10\x00\x04MQTT\x04\x02\x00\x00\x00\x04bare")?;
    stream.read_exact(&mut [0; 4])?;
    Ok(stream)
}

fn turn(mut line: File, mut broker: TcpStream) -> std::io::Result<()> {
    let (mut buffer, mut dataset, mut frame) = ([0; 64], Vec::with_capacity(128), String::with_capacity(4_096));
    loop {
        let count = line.read(&mut buffer)?;
        for byte in &buffer[..count] {
            match byte & 0x7F {
                STX => frame.clear(),
                ETX => publish(&mut broker, FRAME, &format!("{{{}}}", frame.trim_end_matches(',')))?,
                CR => {
                    take_dataset(&dataset, &mut frame, &mut broker)?;
                    dataset.clear();
                }
                byte => dataset.push(byte),
            }
        }
    }
}

/// Label, data and checksum, with a character between them. It begins with an LF.
fn take_dataset(dataset: &[u8], frame: &mut String, broker: &mut TcpStream) -> std::io::Result<()> {
    let text = str::from_utf8(dataset).unwrap_or_default().trim_start();
    let mut words = text.split(if text.contains('\t') { '\t' } else { ' ' });
    let (label, data) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    if label == "PAPP" || label == "SINSTS" {
        publish(broker, POWER, &format!("{{\"apparent\":{}}}", data.parse().unwrap_or(0_u32)))?;
    }
    *frame += &format!("\"{label}\":{{\"raw\":\"{data}\"}},");
    Ok(())
}

/// PUBLISH, without an acknowledgement.
fn publish(broker: &mut TcpStream, topic: &str, payload: &str) -> std::io::Result<()> {
    let length = 2 + topic.len() + payload.len();
    let mut packet = vec![0x30, (length % 128) as u8 | 0x80, (length / 128) as u8, 0, topic.len() as u8];
    packet.extend(topic.bytes().chain(payload.bytes()));
    broker.write_all(&packet)
}
