//! Decodes a file with the bytes of a meter: `cargo run -p teleinfo-proto --example decode_file -- FILE`.

use std::{env, error::Error, fs};

use teleinfo_proto::tic::{Decoder, Event, Parity};

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args().nth(1).ok_or("expected the path of a file")?;
    let bytes = fs::read(path)?;
    let mut decoder = Decoder::new(Parity::Stripped);
    let mut input = bytes.as_slice();
    while let Some(event) = decoder.next_event(&mut input) {
        match event {
            Event::FrameStart => println!("--- frame"),
            Event::Dataset(dataset) => {
                let meaning = dataset.info().map_or("a label that is not known", |label| label.english);
                println!("{:9} {:?} ({meaning})", dataset.label(), dataset.value());
            }
            Event::Refused(refusal) => println!("!! {refusal}"),
            Event::FrameEnd(end) => println!("--- end: {end:?}"),
        }
    }
    Ok(())
}
