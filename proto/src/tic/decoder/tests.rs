//! The decoder on short lines, whole and damaged.

extern crate std;

use std::{format, string::String, vec, vec::Vec};

use super::{Beginning, Decoder, Ending, Event, FrameEnd};
use crate::tic::{Label, LabelKind, Mode, Parity, encode, spec};

/// The events as text, with the input given in pieces of `step` bytes.
fn events(parity: Parity, bytes: &[u8], step: usize) -> Vec<String> {
    let mut decoder = Decoder::new(parity);
    let mut seen = vec![];
    for mut piece in bytes.chunks(step.max(1)) {
        while let Some(event) = decoder.next_event(&mut piece) {
            seen.push(match event {
                Event::FrameStart => "start".into(),
                Event::Dataset(dataset) => format!("{}={}", dataset.label(), dataset.data()),
                Event::Refused(refusal) => format!("{refusal}"),
                Event::FrameEnd(end) => frame_end(end),
            });
        }
    }
    seen
}

fn frame_end(FrameEnd { beginning, ending, damaged_line_feeds, .. }: FrameEnd) -> String {
    let from = match beginning {
        Beginning::Stx => "",
        Beginning::Address => " from address",
        Beginning::Missed => " from middle",
    };
    let damaged = if damaged_line_feeds > 0 { format!(", {damaged_line_feeds} LF damaged") } else { String::new() };
    format!("{ending:?}{from}{damaged}")
}

fn stripped(bytes: &[u8]) -> Vec<String> {
    events(Parity::Stripped, bytes, bytes.len())
}

#[test]
fn a_frame() {
    assert_eq!(stripped(b"\x02\nPAPP 00540 *\r\nPTEC HP..  \r\x03"), ["start", "PAPP=00540", "PTEC=HP..", "Etx"]);
}

#[test]
fn joined_in_the_middle() {
    assert_eq!(stripped(b"540 *\r\nPTEC HP..  \r\x03\x02"), ["PTEC=HP..", "Etx from middle", "start"]);
}

#[test]
fn cooked_terminal() {
    let cooked = b"\x02\n\nPAPP 00540 *\n\nPTEC HP..  \n\x02\nPAPP 00540 *\n\n\x03";
    assert_eq!(stripped(cooked), ["start", "PAPP=00540", "PTEC=HP..", "Restart", "start", "PAPP=00540", "Etx"]);
}

#[test]
fn broken_off() {
    assert_eq!(
        stripped(b"\x02\nPAPP 00540 *\r\nPTE\x04"),
        ["start", "PAPP=00540", "dataset ? at byte 16: expected label, data and checksum, but a separator or more is lost", "Eot"]
    );
}

#[test]
fn silence_drops_what_was_in_progress() {
    let mut decoder = Decoder::new(Parity::Stripped);
    let mut input: &[u8] = b"\x02\nPAPP 00540 *\r\nPTEC HP..  ";
    while decoder.next_event(&mut input).is_some() {}
    assert_eq!(decoder.flush(), Some(FrameEnd::new(Beginning::Stx, Ending::Silence, 0)));
    assert_eq!(decoder.flush(), None);
    let mut input: &[u8] = b"\r\x02";
    assert_eq!(decoder.next_event(&mut input), Some(Event::FrameStart));
}

#[test]
fn lost_line_feed_and_lost_carriage_return() {
    let seen = stripped(b"\x02PAPP 00540 *\r\nPTEC HP..  \x0c\nIINST 009  \r\x03");
    assert_eq!(seen.len(), 5, "{seen:?}");
    assert_eq!((seen[1].as_str(), seen[3].as_str(), seen[4].as_str()), ("PAPP=00540", "IINST=009", "Etx, 1 LF damaged"));
    assert!(seen[2].contains("PTEC"), "{seen:?}");
}

#[test]
fn overlong_dataset_is_bounded() {
    for length in [255, 256, 257, 4_000] {
        let mut bytes = b"\x02\n".to_vec();
        bytes.resize(2 + length, b'X');
        bytes.extend(b"\r\nPAPP 00540 *\r\x03");
        for step in [1, 7, bytes.len()] {
            let seen = events(Parity::Stripped, &bytes, step);
            assert_eq!(seen.len(), 4, "{seen:?}");
            assert_eq!(seen[2], "PAPP=00540");
        }
    }
}

#[test]
fn parity_is_checked_and_removed() {
    let mut bytes = *b"\x02\nPAPP 00540 *\r\nPTEC HP..  \r\x03";
    encode::even_parity(&mut bytes);
    assert_eq!(events(Parity::Even, &bytes, 3), ["start", "PAPP=00540", "PTEC=HP..", "Etx"]);
    bytes[8] ^= 0x40;
    let seen = events(Parity::Even, &bytes, 3);
    assert_eq!(seen[1], "dataset PAPP at byte 2: a byte was damaged on the line (parity)");
    assert_eq!(seen[2], "PTEC=HP..");
}

#[test]
fn one_mode_per_frame() {
    let seen = stripped(b"\x02\nVTIC\t02\tJ\r\nPAPP 00540 *\r\x03\x02\nPAPP 00540 *\r\x03");
    assert_eq!(seen[2], "dataset PAPP at byte 13: a dataset of the historic mode in a frame of the other");
    assert_eq!(seen[5], "PAPP=00540");
}

#[test]
fn noise_between_frames_is_nothing() {
    assert!(stripped(b"\xff\x00abc\r\r\x03\x04def").is_empty());
}

/// A frame of the standard mode with what stands where each STX, each LF and each ETX should be.
fn damaged_frame(stx: &[u8], lf: &[u8], etx: &[u8]) -> Vec<u8> {
    let datasets: [&[u8]; 3] = [b"ADSC\t022361418503\t0\r", b"VTIC\t02\tJ\r", b"SINSTS\t00390\tR\r"];
    let lines = datasets.map(|dataset| [lf, dataset].concat()).concat();
    [stx, &lines, etx].concat()
}

const DATASETS: [&str; 3] = ["ADSC=022361418503", "VTIC=02", "SINSTS=00390"];

#[test]
fn whole_datasets_are_taken_whatever_became_of_line_feeds() {
    for lf in [&b"\x0f"[..], b"\x0e", b"\x00", b"\x1f", b"\x7f", b"\xca", b""] {
        let expected = [&["start"], &DATASETS[..], &["Etx, 3 LF damaged"]].concat().repeat(3);
        let bytes = damaged_frame(b"\x02", lf, b"\x03").repeat(3);
        for step in [1, 5, bytes.len()] {
            assert_eq!(events(Parity::Stripped, &bytes, step), expected, "{lf:x?}");
        }
    }
}

#[test]
fn frames_without_stx_begin_with_the_address() {
    for (stx, lf) in [("C", "\n"), ("", "\n"), ("C", "\x0f"), ("C", ""), ("", ""), ("\0", "\x0f"), ("\n", "\n"), ("\n", "\x0f")] {
        let bytes = damaged_frame(stx.as_bytes(), lf.as_bytes(), b"\x03").repeat(3);
        let end = if lf == "\n" { "Etx from address" } else { "Etx from address, 3 LF damaged" };
        assert_eq!(stripped(&bytes), [&DATASETS[..], &[end]].concat().repeat(3), "{stx:?} {lf:?}");
    }
}

#[test]
fn frames_without_stx_and_etx_end_where_the_address_comes_again() {
    for lf in ["\n", "\x0f", ""] {
        let bytes = damaged_frame(b"", lf.as_bytes(), b"").repeat(3);
        let end = if lf == "\n" { "Restart from address" } else { "Restart from address, 3 LF damaged" };
        let mut expected = [&DATASETS[..], &[end]].concat().repeat(3);
        expected.pop();
        for step in [1, 5, bytes.len()] {
            assert_eq!(events(Parity::Stripped, &bytes, step), expected, "{lf:?}");
        }
    }
    // What became of ETX and STX stands in the frame before, which nobody has ended.
    for (stx, etx) in [("C", ""), ("C", "\x0b"), ("\x0c", "\x0b"), ("", "\x0b")] {
        let seen = stripped(&damaged_frame(stx.as_bytes(), b"\x0f", etx.as_bytes()).repeat(2));
        assert_eq!(seen, [&DATASETS[..], &["Restart from address, 3 LF damaged"], &DATASETS[..]].concat(), "{stx:?} {etx:?}");
    }
}

#[test]
fn a_text_is_no_dataset_because_it_looks_like_one() {
    let refused: [&[u8]; 8] = [
        // Glued to the dataset before, whose end was lost.
        b"\x02\nVTIC\t02\tJ\x0fSINSTS\t00390\tR\r\x03",
        b"\x02\nVTIC\t02\tJSINSTS\t00390\tR\r\x03",
        b"\x02\nPAPP 00540 *IINST 009  \r\x03",
        // Behind a letter where the LF should be, or behind two bytes.
        b"\x02JSINSTS\t00390\tR\r\x03",
        b"\x02\x0f\x0fSINSTS\t00390\tR\r\x03",
        // A letter of the label was damaged, or lost.
        b"\x02\x0f\x03INSTS\t00390\tR\r\x03",
        b"\x02INSTS\t00390\tR\r\x03",
        // Its label is not known.
        b"\x02\x0fNEWLABEL\t42\t:\r\x03",
    ];
    for bytes in refused {
        let seen = stripped(bytes);
        assert!(seen.iter().all(|event| !event.contains('=')), "{bytes:x?}: {seen:?}");
    }
}

#[test]
fn an_unknown_label_needs_its_line_feed() {
    let seen = |lf: &[u8]| stripped(&[b"\x02", lf, b"NEWLABEL\t42\t\"\r\x03"].concat());
    assert_eq!(seen(b"\n")[1], "NEWLABEL=42");
    assert_eq!(seen(b"\x0f")[1], "dataset NEWLABEL at byte 1: the LF before it is damaged, and its label is not known");
}

/// So a label that lost its first letters is never another one: either there is none, or the sum of the lost letters shows.
#[test]
fn no_label_becomes_another_one_by_losing_its_beginning() {
    for mode in Mode::ALL {
        for label in Label::all(mode) {
            let becomes = |from: &usize| Label::find(mode, &label.code[*from..]).is_some();
            let lost = |from: usize| label.code.bytes().take(from).fold(0, u8::wrapping_add) & spec::CHECKSUM_MASK;
            assert!((1..label.code.len()).filter(becomes).all(|from| lost(from) != 0), "{}", label.code);
        }
    }
}

#[test]
fn labels_of_an_address_are_told_by_their_first_letters() {
    let mut labels = Mode::ALL.into_iter().flat_map(Label::all);
    assert!(labels.all(|label| label.kind != LabelKind::Identity || label.code.starts_with("AD")));
}
