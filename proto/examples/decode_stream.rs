//! Decodes bytes as they come, however they are cut: `cat FILE | cargo run -p teleinfo-proto --example decode_stream`.
//!
//! On a real line give the UART's bytes instead. With eight data bits and no parity (8N1) the decoder checks parity itself:
//! [`Parity::Even`].

use std::io::{self, Read};

use teleinfo_proto::tic::{Decoder, Event, Parity, Role, Value};

fn main() -> io::Result<()> {
    let mut decoder = Decoder::new(Parity::Stripped);
    let mut piece = [0; 64];
    loop {
        let count = io::stdin().read(&mut piece)?;
        if count == 0 {
            return Ok(());
        }
        let mut input = &piece[..count];
        while let Some(event) = decoder.next_event(&mut input) {
            if let Event::Dataset(dataset) = event
                && dataset.role() == Some(Role::PowerWithdrawn)
                && let Value::ApparentPower(power) = dataset.value()
            {
                println!("{power} drawn now");
            }
        }
    }
}
