//! What holds for any bytes: no panic, no difference between ways of splitting the input, and what was encoded comes back.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use teleinfo_proto::{
    tic::{Dataset, Decoder, Event, Label, LabelKind, Mode, Parity, Timestamp, encode},
    wire::{self, Goodbye, Sample, Status},
};

fn events(parity: Parity, pieces: &[&[u8]]) -> Vec<String> {
    let mut decoder = Decoder::new(parity);
    let mut seen = vec![];
    for piece in pieces {
        let mut input = *piece;
        while let Some(event) = decoder.next_event(&mut input) {
            seen.push(format!("{event:?}"));
        }
        assert!(input.is_empty(), "all of the input is taken");
    }
    let expected: usize = pieces.iter().map(|piece| piece.len()).sum();
    assert_eq!(decoder.offset(), expected as u64);
    seen
}

/// Bytes that look like TIC often enough to get into every state.
fn line() -> impl Strategy<Value = Vec<u8>> {
    let control = prop::sample::select(vec![2_u8, 3, 4, 9, 10, 13, 32]);
    let good = prop::sample::select(vec!["\nPAPP 00540 *\r", "\nVTIC\t02\tJ\r", "\nPTEC HP..  \r", "\x02", "\x03"]);
    let piece = prop_oneof![
        control.prop_map(|byte| vec![byte]),
        any::<u8>().prop_map(|byte| vec![byte]),
        good.prop_map(|text| text.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..300),
    ];
    prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

/// A byte that does not belong where it is.
fn damage() -> impl Strategy<Value = u8> {
    prop_oneof![prop::sample::select(vec![2_u8, 3, 4, 9, 10, 13, 32, b'A', 0x80]), any::<u8>()]
}

/// Data that a meter can send under a label.
fn data(label: &'static Label) -> BoxedStrategy<String> {
    let width = usize::from(label.width);
    let pattern = |class: &str| proptest::string::string_regex(&format!("{class}{{{width}}}")).unwrap().boxed();
    match label.kind {
        LabelKind::Relays => (0..=255_u8).prop_map(|relays| format!("{relays:03}")).boxed(),
        LabelKind::Period => prop::sample::select(vec!["TH..", "HC..", "HPJR", "PM.."]).prop_map(str::to_owned).boxed(),
        LabelKind::Tomorrow => prop::sample::select(vec!["----", "BLEU", "BLAN", "ROUG"]).prop_map(str::to_owned).boxed(),
        LabelKind::MissingPhases => prop::sample::select(vec!["00", "02", "0E"]).prop_map(str::to_owned).boxed(),
        LabelKind::Programme => pattern("[A-Z]"),
        LabelKind::Status | LabelKind::StatusWord => pattern("[0-9A-F]"),
        LabelKind::Text => pattern("[ -~]"),
        LabelKind::TariffOption => pattern("[ -_]"),
        LabelKind::DayProfile => {
            let block = prop_oneof![
                Just("NONUTILE".to_owned()),
                (0..24_u8, 0..60_u8, any::<u16>()).prop_map(|(hour, minute, action)| format!("{hour:02}{minute:02}{action:04X}")),
            ];
            prop::collection::vec(block, 11).prop_map(|blocks| blocks.join(" ")).boxed()
        }
        _ => pattern("[0-9]"),
    }
}

fn mode() -> impl Strategy<Value = Mode> {
    prop::sample::select(Mode::ALL.to_vec())
}

type Line = (&'static Label, Option<String>, String);

/// A frame: a mode, and some of its labels with data.
fn frame() -> impl Strategy<Value = (Mode, Vec<Line>)> {
    mode().prop_flat_map(|mode| {
        let labels = prop::sample::subsequence(Label::all(mode).to_vec(), 0..20);
        let lines = labels.prop_flat_map(move |labels| {
            let lines: Vec<_> = labels.iter().map(|label| line_of(Label::find(mode, label.code).unwrap())).collect();
            lines
        });
        (Just(mode), lines)
    })
}

fn line_of(label: &'static Label) -> impl Strategy<Value = Line> {
    let stamp = (946_684_800_i64..4_102_444_800).prop_map(|second| Timestamp::from_unix(second).to_string());
    (stamp, data(label)).prop_map(move |(stamp, data)| (label, label.dated.then_some(stamp), data))
}

proptest! {
    #[test]
    fn splitting_the_input_changes_nothing(bytes in line(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8), even: bool) {
        let parity = if even { Parity::Even } else { Parity::Stripped };
        let mut places: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        places.extend([0, bytes.len()]);
        places.sort_unstable();
        let pieces: Vec<_> = places.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
        prop_assert_eq!(events(parity, &pieces), events(parity, &[&bytes]));
    }

    #[test]
    fn what_is_encoded_comes_back((mode, lines) in frame()) {
        let mut buffer = [0; 4_096];
        let mut writer = encode::FrameWriter::new(&mut buffer, mode).unwrap();
        for (label, stamp, data) in &lines {
            writer.dataset(label.code, stamp.as_deref(), data).unwrap();
        }
        let mut bytes = writer.finish().unwrap().to_vec();
        encode::even_parity(&mut bytes);
        let (mut decoder, mut input, mut seen) = (Decoder::new(Parity::Even), bytes.as_slice(), vec![]);
        while let Some(event) = decoder.next_event(&mut input) {
            match event {
                Event::Dataset(dataset) => seen.push((dataset.label().to_owned(), dataset.timestamp().map(str::to_owned), dataset.data().to_owned())),
                Event::Refused(refusal) => return Err(TestCaseError::fail(refusal.to_string())),
                _ => {}
            }
        }
        let sent: Vec<_> = lines.into_iter().map(|(label, stamp, data)| (label.code.to_owned(), stamp, data)).collect();
        prop_assert_eq!(seen, sent);
    }

    #[test]
    fn byte_by_byte_comes_to_the_same_of_a_damaged_frame((mode, lines) in frame(), place: prop::sample::Index, byte in damage()) {
        let mut buffer = [0; 4_096];
        let mut writer = encode::FrameWriter::new(&mut buffer, mode).unwrap();
        for (label, stamp, data) in &lines {
            writer.dataset(label.code, stamp.as_deref(), data).unwrap();
        }
        let mut bytes = writer.finish().unwrap().to_vec();
        bytes.insert(place.index(bytes.len()), byte);
        prop_assert_eq!(events(Parity::Stripped, &bytes.chunks(1).collect::<Vec<_>>()), events(Parity::Stripped, &[&bytes]));
    }

    #[test]
    fn one_flipped_bit_is_never_taken_where_parity_is_known((mode, lines) in frame(), place: prop::sample::Index, bit in 0..8_u32) {
        let mut buffer = [0; 4_096];
        let mut writer = encode::FrameWriter::new(&mut buffer, mode).unwrap();
        for (label, stamp, data) in &lines {
            writer.dataset(label.code, stamp.as_deref(), data).unwrap();
        }
        let mut bytes = writer.finish().unwrap().to_vec();
        encode::even_parity(&mut bytes);
        let place = place.index(bytes.len());
        bytes[place] ^= 1 << bit;
        let (mut decoder, mut input) = (Decoder::new(Parity::Even), bytes.as_slice());
        while let Some(event) = decoder.next_event(&mut input) {
            if let Event::Dataset(dataset) = event {
                let sent = lines.iter().any(|(label, stamp, data)| {
                    (label.code, stamp.as_deref(), data.as_str()) == (dataset.label(), dataset.timestamp(), dataset.data())
                });
                prop_assert!(sent, "{:?} was never sent", dataset);
            }
        }
    }

    #[test]
    fn any_bytes_are_a_dataset_or_a_reason(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = Dataset::try_from(bytes.as_slice());
    }

    #[test]
    fn any_bytes_are_a_message_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..300), of in 3..8_u8, enveloped: bool) {
        let length = (bytes.len() as u16).to_be_bytes();
        let envelope = if enveloped { vec![wire::VERSION, of, 0, 0, length[0], length[1]] } else { vec![] };
        let message = [envelope, bytes].concat();
        if let Ok(sample) = Sample::decode(&message) {
            let _ = sample.datasets.iter(sample.mode).count();
        }
        let _ = (Status::decode(&message), Goodbye::decode(&message), wire::open("tic/v2/reader/pi/status", &message));
    }
}
