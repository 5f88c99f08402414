//! A router that sends anything: no panic, and no more to transmit than fits.
#![no_main]

use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use teleinfo_zenoh_client::{Declaration, Identity, Session, SessionEvent};

#[derive(arbitrary::Arbitrary, Debug)]
enum Step {
    /// A batch with the length it claims.
    Batch(Vec<u8>),
    /// Bytes as they come.
    Raw(Vec<u8>),
    Publish,
    Wait(u16),
    Sent(u16),
}

fuzz_target!(|steps: Vec<Step>| {
    let mut now = Instant::now();
    let Ok(mut session) = Session::new(Identity { id: [7; 16], first_sn: 1 }, None, now) else { return };
    session.declare(Declaration::Subscriber, "sensors/**");
    for step in steps {
        let kept = match step {
            Step::Batch(bytes) => {
                let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
                session.handle_bytes(&[&length.to_le_bytes()[..], &bytes].concat(), now)
            }
            Step::Raw(bytes) => session.handle_bytes(&bytes, now),
            Step::Publish => {
                let _ = session.publish("sensors/1/sample", &[1; 300]);
                Ok(())
            }
            Step::Wait(ms) => {
                now += Duration::from_millis(ms.into());
                session.handle_timeout(now)
            }
            Step::Sent(count) => {
                let sent = session.transmit().len().min(count.into());
                session.handle_sent(sent, now);
                Ok(())
            }
        };
        while let Some(event) = session.poll_event() {
            if let SessionEvent::Query(query) = event {
                let _ = session.reply(query.id, "sensors/1/sample", b"held");
                let _ = session.finish(query.id);
            }
        }
        if kept.is_err() {
            return;
        }
    }
});
