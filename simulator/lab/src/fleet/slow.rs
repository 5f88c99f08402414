//! A way to a broker that lets no more than so many bytes a second through: what a bridge makes of more than can go out.
//!
//! What comes back is not slowed down. Little is held on the way, so that whoever writes feels at once that it is full.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};
use teleinfo_simulator::failure::{Code, OrFail, Outcome};

/// So much goes through at once.
const PIECE: usize = 2_048;

/// Opens the way to this port of loopback. Returns the port of its beginning; it is there as long as this process.
///
/// # Errors
/// No port is free.
pub(super) fn way_to(broker: u16, bytes_a_second: u64) -> Outcome<u16> {
    let no_port = || "no port of loopback for the way to the broker".into();
    let listener = TcpListener::bind(("127.0.0.1", 0)).or_fail(Code::Unavailable, no_port)?;
    let port = listener.local_addr().or_fail(Code::Unavailable, no_port)?.port();
    thread::spawn(move || {
        for bridge in listener.incoming().flatten() {
            let Ok(broker) = TcpStream::connect(("127.0.0.1", broker)) else { continue };
            let (Ok(back_from), Ok(back_to)) = (broker.try_clone(), bridge.try_clone()) else { continue };
            thread::spawn(move || carry(bridge, broker, Some(bytes_a_second)));
            thread::spawn(move || carry(back_from, back_to, None));
        }
    });
    Ok(port)
}

/// Carries bytes until one end is closed.
fn carry(mut from: TcpStream, mut to: TcpStream, bytes_a_second: Option<u64>) {
    let mut piece = [0; PIECE];
    let mut due = Instant::now();
    while let Ok(length @ 1..) = from.read(&mut piece) {
        if to.write_all(&piece[..length]).is_err() {
            break;
        }
        if let Some(rate) = bytes_a_second {
            // What was not used of the time before is lost: the way has no burst.
            due = due.max(Instant::now()) + Duration::from_secs(length as u64) / u32::try_from(rate).unwrap_or(u32::MAX).max(1);
            thread::sleep(due.saturating_duration_since(Instant::now()));
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_than_so_many_bytes_a_second_go_through() {
        let end = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = way_to(end.local_addr().unwrap().port(), 40_000).unwrap();
        let begun = Instant::now();
        let mut writer = TcpStream::connect(("127.0.0.1", port)).unwrap();
        thread::spawn(move || writer.write_all(&[7; 20_000]));
        let mut all = Vec::new();
        end.accept().unwrap().0.read_to_end(&mut all).unwrap();
        assert_eq!(all, [7; 20_000]);
        assert!(begun.elapsed() >= Duration::from_millis(400), "{:?}", begun.elapsed());
    }
}
