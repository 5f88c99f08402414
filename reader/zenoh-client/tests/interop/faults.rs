//! What is no router, or another one than expected, behind the port.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::harness::{Program, free_port, router};

/// Listens, and lets `behave` have every connection.
fn stranger(behave: impl Fn(TcpStream) + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || listener.incoming().map_while(Result::ok).for_each(behave));
    port
}

fn reason(port: u16) -> String {
    Program::to(port, None).expect_disconnected().0
}

#[test]
fn whatever_answers_the_reason_is_clear() {
    let http = stranger(|mut stream| drop(stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")));
    assert!(reason(http).contains("is this a Zenoh router?"), "{}", reason(http));

    let garbage = stranger(|mut stream| drop(stream.write_all(&[4, 0, 0xff, 0xff, 0xff, 0xff])));
    assert!(reason(garbage).contains("protocol error: an unknown message"), "{}", reason(garbage));

    let closes = stranger(|stream| drop(stream.shutdown(Shutdown::Both)));
    assert!(reason(closes).contains("the router ended the connection"), "{}", reason(closes));

    let nobody = free_port();
    assert!(reason(nobody).contains("connection refused"), "{}", reason(nobody));
}

#[test]
fn a_port_that_never_answers_is_given_up_after_some_seconds() {
    let mute = stranger(|stream| {
        thread::sleep(Duration::from_secs(30));
        drop(stream);
    });
    let start = Instant::now();
    let reason = reason(mute);
    assert!(reason.contains("no Zenoh router answers within 5s"), "{reason}");
    assert!(start.elapsed() < Duration::from_secs(7));
}

/// Forwards to a real router and changes one byte of what it, or the client, sends first.
fn tampering(target: u16, to_router: bool, index: usize, value: u8) -> u16 {
    stranger(move |mut client| {
        let Ok(mut server) = TcpStream::connect(("127.0.0.1", target)) else { return };
        let mut chunk = [0; 4096];
        let count = client.read(&mut chunk).unwrap_or(0);
        if to_router {
            chunk[index] = value;
        }
        let _ = server.write_all(&chunk[..count]);
        let count = server.read(&mut chunk).unwrap_or(0);
        if !to_router {
            chunk[index] = value;
        }
        let _ = client.write_all(&chunk[..count]);
        // Lets the client read before the connection ends.
        let _ = client.shutdown(Shutdown::Write);
        let _ = client.read(&mut chunk);
    })
}

/// Length (2), header (1), then the version, in InitSyn and in InitAck.
const VERSION: usize = 3;

#[test]
fn another_protocol_version_is_named_whoever_notices_it() {
    let port = free_port();
    let _router = router(port, "");
    let ours = reason(tampering(port, true, VERSION, 0x0a));
    assert!(ours.contains("does not accept version 9 of the Zenoh protocol"), "{ours}");
    let theirs = reason(tampering(port, false, VERSION, 0x0a));
    assert!(theirs.contains("speaks version 10 of the Zenoh protocol, expected 9"), "{theirs}");
}

#[test]
fn a_router_under_fire_keeps_our_session() {
    let port = free_port();
    let _router = router(port, "");
    let mut program = Program::connected(port);
    for seed in 0..20u8 {
        if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) {
            let noise: Vec<u8> = (0..1000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8 ^ seed).collect();
            let _ = stream.write_all(&noise);
        }
        program.turn(Duration::from_millis(1));
    }
    program.run(Duration::from_millis(300));
    assert!(program.client.is_connected());
}
