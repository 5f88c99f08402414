//! Answers queries under a key with the seconds since its start, until it has answered HOW-MANY.
//!
//!     cargo run --example queryable -- tcp/127.0.0.1:7447 demo/uptime [HOW-MANY]

use std::error::Error;
use std::time::Instant;

use mio::{Events, Poll, Token};
use teleinfo_zenoh_client::{Client, Declaration, Event, Options};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(locator), Some(key)) = (arguments.next(), arguments.next()) else {
        return Err("usage: queryable LOCATOR KEY [HOW-MANY]".into());
    };
    let mut left = arguments.next().map_or(Ok(u64::MAX), |count| count.parse())?;

    let start = Instant::now();
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(16);
    let options = Options { locators: vec![locator.parse()?], ..Options::default() };
    let mut client = Client::new(poll.registry().try_clone()?, Token(0), options, start);
    client.declare(Declaration::Queryable, &key, start);

    while left > 0 {
        let now = Instant::now();
        client.handle_timeout(now);
        while let Some(event) = client.poll_event() {
            match event {
                Event::Connected { locator, .. } => println!("connected to {locator}"),
                Event::Disconnected { failures, retry_in } => println!("{failures}; again in {retry_in:?}"),
                Event::Query(query) => {
                    println!("asked for {}?{}", query.key, query.parameters);
                    client.reply(query.id, &key, start.elapsed().as_secs().to_string().as_bytes(), now)?;
                    client.finish(query.id, now)?;
                    left -= 1;
                }
                Event::Publication(_) | Event::NoRouter { .. } | Event::Room => {}
            }
        }
        let wait = client.poll_timeout(now).map(|due| due.saturating_duration_since(now));
        poll.poll(&mut events, wait)?;
        for event in &events {
            client.handle_event(event, Instant::now());
        }
    }
    client.close(Instant::now());
    Ok(())
}
