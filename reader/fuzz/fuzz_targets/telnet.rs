//! A far side that sends anything: no panic, no more bytes than came, and no more to send than fits.
#![no_main]

use libfuzzer_sys::fuzz_target;
use teleinfo_proto::tic::Mode;
use teleinfo_reader::{reading::Framing, telnet::Telnet};

#[derive(arbitrary::Arbitrary, Debug)]
enum Step {
    Arrives(Vec<u8>),
    Set(bool, bool),
    Sent(u16),
}

fuzz_target!(|steps: Vec<Step>| {
    let mut telnet = Telnet::new();
    for step in steps {
        match step {
            Step::Arrives(mut bytes) => match telnet.handle_bytes(&mut bytes) {
                Ok(kept) => assert!(kept <= bytes.len()),
                Err(_) => return,
            },
            Step::Set(fast, even) => {
                let speed = if fast { Mode::Standard } else { Mode::Historic };
                telnet.set(speed, if even { Framing::SevenEven } else { Framing::EightNone });
            }
            Step::Sent(count) => telnet.handle_sent(count.into()),
        }
        let _ = telnet.poll_set();
        assert!(telnet.transmit().len() <= 512);
    }
});
