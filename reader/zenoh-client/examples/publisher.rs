//! Publishes a number a second under a key, and shows a liveliness token `<key>/alive` while it runs.
//!
//!     cargo run --example publisher -- tcp/127.0.0.1:7447 demo/count [HOW-MANY]

use std::error::Error;
use std::time::{Duration, Instant};

use mio::{Events, Poll, Token};
use teleinfo_zenoh_client::{Client, Declaration, Event, Options};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(locator), Some(key)) = (arguments.next(), arguments.next()) else {
        return Err("usage: publisher LOCATOR KEY [HOW-MANY]".into());
    };
    let count = arguments.next().map_or(Ok(u64::MAX), |count| count.parse())?;

    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(16);
    let options = Options { locators: vec![locator.parse()?], ..Options::default() };
    let mut client = Client::new(poll.registry().try_clone()?, Token(0), options, Instant::now());
    client.declare(Declaration::Key, &key, Instant::now());
    client.declare(Declaration::Token, &format!("{key}/alive"), Instant::now());

    let (mut number, mut next) = (0, Instant::now());
    while number < count {
        let now = Instant::now();
        client.handle_timeout(now);
        while let Some(event) = client.poll_event() {
            match event {
                Event::Connected { locator, .. } => println!("connected to {locator}"),
                Event::Disconnected { failures, retry_in } => println!("{failures}; again in {retry_in:?}"),
                Event::NoRouter { .. } | Event::Query(_) | Event::Publication(_) | Event::Room => {}
            }
        }
        if client.is_connected() && now >= next {
            number += 1;
            next = now + Duration::from_secs(1);
            client.publish(&key, number.to_string().as_bytes(), now)?;
            println!("{key} {number}");
        }
        let due = client.poll_timeout(now).unwrap_or(next).min(next.max(now + Duration::from_millis(10)));
        poll.poll(&mut events, Some(due.saturating_duration_since(now)))?;
        for event in &events {
            client.handle_event(event, Instant::now());
        }
    }
    client.close(Instant::now());
    Ok(())
}
