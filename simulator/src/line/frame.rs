//! Frames: what a meter shows, put in the order of the label table and written by the protocol's own encoder.

use crate::line::speed::line_time;
use std::collections::BTreeMap;
use std::time::Duration;
use teleinfo_proto::tic::encode::FrameWriter;
use teleinfo_proto::tic::{Label, Mode, Timestamp};

/// Larger than every label of a mode at once.
const FRAME_BYTES_MAX: usize = 4096;
const CR: u8 = 0x0D;
const EOT: u8 = 0x04;

/// Labels and what they show, in no order.
#[derive(Debug, Default)]
pub struct Fields(BTreeMap<&'static str, Field>);

#[derive(Debug)]
struct Field {
    stamp: Option<Timestamp>,
    data: Data,
}

#[derive(Debug)]
enum Data {
    Number(u64),
    Text(String),
}

impl Fields {
    /// A number; it will fill the label's width with zeros, and stop at the highest number that fits.
    pub fn number(&mut self, label: &'static str, value: u64) {
        self.put(label, None, Data::Number(value));
    }

    /// One number for each label.
    pub fn numbers(&mut self, labels: &[&'static str], values: impl IntoIterator<Item = u64>) {
        for (label, value) in labels.iter().zip(values) {
            self.number(label, value);
        }
    }

    /// A text; it will be padded with spaces to the label's width, or cut.
    pub fn text(&mut self, label: &'static str, text: &str) {
        self.put(label, None, Data::Text(text.to_owned()));
    }

    /// A number with a timestamp.
    pub fn dated_number(&mut self, label: &'static str, stamp: Timestamp, value: u64) {
        self.put(label, Some(stamp), Data::Number(value));
    }

    /// A text with a timestamp.
    pub fn dated_text(&mut self, label: &'static str, stamp: Timestamp, text: &str) {
        self.put(label, Some(stamp), Data::Text(text.to_owned()));
    }

    fn put(&mut self, label: &'static str, stamp: Option<Timestamp>, data: Data) {
        self.0.insert(label, Field { stamp, data });
    }
}

/// One dataset of a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its label.
    pub label: &'static str,
    /// Its timestamp, if it has one.
    pub timestamp: Option<String>,
    /// Its data, as on the line.
    pub data: String,
}

impl Group {
    fn of(label: &Label, field: &Field) -> Self {
        let width = usize::from(label.width);
        Self {
            label: label.code,
            timestamp: field.stamp.map(|stamp| stamp.to_string()),
            data: match &field.data {
                Data::Number(value) => {
                    let highest = 10_u64.pow(u32::from(label.width)) - 1;
                    format!("{:0width$}", (*value).min(highest))
                }
                Data::Text(text) => format!("{text:width$.width$}"),
            },
        }
    }
}

/// A frame as a meter means it.
#[derive(Debug, Clone)]
pub struct Frame {
    /// In which mode.
    pub mode: Mode,
    /// Frames count from 0.
    pub number: u64,
    /// The meter's time at its start, in seconds since 1970.
    pub unix: i64,
    /// The datasets that are sent to their end.
    pub groups: Vec<Group>,
    /// From STX to ETX, or to where it was broken off.
    pub bytes: Vec<u8>,
    /// It ends with ETX.
    pub complete: bool,
    /// What the meter had drawn and injected at its start, in Wh, whatever the frame shows of it.
    pub energy: Total,
}

/// What was drawn and injected in all, in Wh.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Total {
    /// From the grid.
    pub drawn: u64,
    /// Into the grid.
    pub injected: u64,
}

impl Frame {
    /// Writes these fields as a frame. Labels that the mode does not know are left out.
    #[must_use]
    pub fn compose(mode: Mode, number: u64, unix: i64, fields: &Fields) -> Self {
        let groups: Vec<Group> = Label::all(mode).iter().filter_map(|label| Some(Group::of(label, fields.0.get(label.code)?))).collect();
        Self { mode, number, unix, bytes: write(mode, &groups), groups, complete: true, energy: Total::default() }
    }

    /// The time that its bytes take on the line.
    #[must_use]
    pub fn line_time(&self) -> Duration {
        line_time(self.bytes.len(), self.mode.baud())
    }

    /// Only its first `sent` bytes are sent.
    pub fn break_off(&mut self, sent: usize) {
        self.bytes.truncate(sent);
        let ended = self.bytes.iter().filter(|byte| **byte == CR).count();
        self.groups.truncate(ended);
        self.complete = false;
    }

    /// Sent up to the end of the group in which byte `sent` lies, then EOT. A frame that is in its last
    /// group goes on to its end.
    pub fn break_after_group(&mut self, sent: usize) {
        let rest = &self.bytes[sent.min(self.bytes.len())..];
        let end = rest.iter().position(|byte| *byte == CR);
        let Some(end) = end.map(|at| sent + at + 1).filter(|end| end + 1 < self.bytes.len()) else {
            return;
        };
        self.break_off(end);
        self.bytes.push(EOT);
    }
}

fn write(mode: Mode, groups: &[Group]) -> Vec<u8> {
    let mut buffer = [0; FRAME_BYTES_MAX];
    let written = FrameWriter::new(&mut buffer, mode).and_then(|mut writer| {
        for group in groups {
            writer.dataset(group.label, group.timestamp.as_deref(), &group.data)?;
        }
        writer.finish()
    });
    // The buffer holds every label of the table at once, as a test below proves.
    written.map(<[u8]>::to_vec).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> Frame {
        let mut fields = Fields::default();
        fields.number("PAPP", 540);
        fields.text("PTEC", "TH..");
        fields.text("ADCO", "012345678912");
        Frame::compose(Mode::Historic, 0, 0, &fields)
    }

    #[test]
    fn the_table_decides_order_and_width() {
        assert_eq!(small().bytes, b"\x02\nADCO 012345678912 G\r\nPTEC TH.. $\r\nPAPP 00540 *\r\x03");
    }

    #[test]
    fn broken_frames_keep_the_groups_that_ended() {
        let mut frame = small();
        frame.break_off(30);
        assert_eq!((frame.groups.len(), frame.bytes.len(), frame.complete), (1, 30, false));
        let mut frame = small();
        frame.break_after_group(25);
        assert!(frame.bytes.ends_with(b"PTEC TH.. $\r\x04"));
        assert_eq!((frame.groups.len(), frame.complete), (2, false));
        let mut frame = small();
        frame.break_after_group(40);
        assert_eq!((frame.groups.len(), frame.complete), (3, true));
    }

    #[test]
    fn every_label_at_once_fits() {
        for mode in [Mode::Historic, Mode::Standard] {
            let mut fields = Fields::default();
            for label in Label::all(mode) {
                fields.dated_text(label.code, Timestamp::from_unix(1_704_646_690), "x");
            }
            let frame = Frame::compose(mode, 0, 0, &fields);
            assert_eq!(frame.groups.len(), Label::all(mode).len());
            assert!(!frame.bytes.is_empty());
        }
    }
}
