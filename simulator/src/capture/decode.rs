//! What is in a capture: the project's own decoder, one JSON object per line and frame.
//!
//! `mode`, `offset` (of the frame's first byte), `complete` (from STX to ETX), `datasets` (label to `raw`,
//! `value`, and `unit` and `timestamp` where there are any) and `refused` (label, offset, reason).

use crate::capture::ordered::Object;
use crate::failure::{Code, OrFail, Outcome};
use crate::line::replay::carries_parity;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::io::{Read, Write};
use teleinfo_proto::tic::{Dataset, Decoder, Event, Parity, Refusal, Value};

/// Enough bytes to tell whether they carry parity.
const PROBE: usize = 64;

/// A frame, as printed.
#[derive(Debug, Default, Serialize)]
pub struct FrameLine {
    mode: Option<String>,
    offset: u64,
    complete: bool,
    datasets: Object<DatasetLine>,
    refused: Vec<RefusedLine>,
}

#[derive(Debug, Serialize)]
struct DatasetLine {
    raw: String,
    value: serde_json::Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<String>,
}

#[derive(Debug, Serialize)]
struct RefusedLine {
    label: Option<String>,
    offset: u64,
    reason: String,
}

/// What was found in all.
#[derive(Debug, Default, Clone)]
pub struct Summary {
    /// Bytes read.
    pub bytes: u64,
    /// Frames, whole or not.
    pub frames: u64,
    /// Frames from STX to ETX without a refusal.
    pub clean: u64,
    /// Datasets that passed every check.
    pub good: u64,
    /// Datasets refused, by reason.
    pub refused: BTreeMap<&'static str, u64>,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let refused: u64 = self.refused.values().sum();
        write!(f, "{} bytes, {} frames ({} clean), {} datasets good, {refused} refused", self.bytes, self.frames, self.clean, self.good)?;
        for (reason, count) in &self.refused {
            write!(f, ", {reason} {count}")?;
        }
        Ok(())
    }
}

/// Collects the events of a decoder into frames.
#[derive(Debug, Default)]
struct Collector {
    frame: Option<FrameLine>,
    /// Where the last frame ended: where one begins whose STX was not seen.
    end: u64,
    summary: Summary,
}

impl Collector {
    /// Takes an event, after this many bytes; gives the frame that it ends.
    fn take(&mut self, event: &Event<'_>, read: u64) -> Option<FrameLine> {
        match event {
            Event::FrameStart => self.end = read - 1,
            Event::Dataset(dataset) => self.dataset(dataset),
            Event::Refused(refusal) => self.refusal(refusal),
            Event::FrameEnd(end) => return self.end(end.is_whole(), read),
        }
        None
    }

    fn frame(&mut self) -> &mut FrameLine {
        let offset = self.end;
        self.frame.get_or_insert_with(|| FrameLine { offset, ..FrameLine::default() })
    }

    fn dataset(&mut self, dataset: &Dataset<'_>) {
        self.summary.good += 1;
        let frame = self.frame();
        frame.mode.get_or_insert_with(|| dataset.mode().to_string());
        frame.datasets.set(dataset.label(), dataset_line(dataset));
    }

    fn refusal(&mut self, refusal: &Refusal<'_>) {
        *self.summary.refused.entry(refusal.reason.kind().name()).or_default() += 1;
        self.frame().refused.push(RefusedLine {
            label: refusal.label.map(str::to_owned),
            offset: refusal.offset,
            reason: refusal.reason.to_string(),
        });
    }

    fn end(&mut self, complete: bool, read: u64) -> Option<FrameLine> {
        let frame = self.frame.take();
        self.end = read;
        let mut frame = frame?;
        frame.complete = complete;
        self.summary.frames += 1;
        self.summary.clean += u64::from(complete && frame.refused.is_empty());
        Some(frame)
    }
}

fn dataset_line(dataset: &Dataset<'_>) -> DatasetLine {
    DatasetLine {
        raw: dataset.data().to_owned(),
        value: value(dataset),
        unit: dataset.info().and_then(|label| label.unit()).map(|unit| unit.to_string()),
        timestamp: dataset.timestamp().map(str::to_owned),
    }
}

/// A number where the label is one, else the text without its padding: dots at the end of tariff codes, spaces
/// around texts.
fn value(dataset: &Dataset<'_>) -> serde_json::Value {
    let value = dataset.value();
    if let Some(number) = value.number() {
        return number.into();
    }
    let text = dataset.data().trim_matches(' ');
    match value {
        Value::Period(_) | Value::TariffOption(_) => text.trim_end_matches('.').into(),
        _ => text.into(),
    }
}

/// Decodes everything that comes and writes each frame as it ends. `parity` none = found from the bytes.
///
/// # Errors
/// When reading or writing fails.
pub fn decode(input: &mut dyn Read, output: &mut dyn Write, parity: Option<Parity>) -> Outcome<Summary> {
    let mut chunk = probe(input)?;
    let found = if carries_parity(&chunk) { Parity::Even } else { Parity::Stripped };
    let mut decoder = Decoder::new(parity.unwrap_or(found));
    let mut collector = Collector::default();
    while !chunk.is_empty() {
        feed(&mut decoder, &mut collector, &chunk, output)?;
        chunk = read(input, 4096)?;
    }
    // What has not ended by now never will.
    if let Some(frame) = collector.end(false, decoder.offset()) {
        write(output, &frame)?;
    }
    collector.summary.bytes = decoder.offset();
    Ok(collector.summary)
}

fn feed(decoder: &mut Decoder, collector: &mut Collector, chunk: &[u8], output: &mut dyn Write) -> Outcome {
    let before = decoder.offset();
    let mut input = chunk;
    while let Some(event) = decoder.next_event(&mut input) {
        let read = before + (chunk.len() - input.len()) as u64;
        if let Some(frame) = collector.take(&event, read) {
            write(output, &frame)?;
        }
    }
    Ok(())
}

fn write(output: &mut dyn Write, frame: &FrameLine) -> Outcome {
    let mut line = serde_json::to_vec(frame).or_fail(Code::Software, || "cannot write JSON".into())?;
    line.push(b'\n');
    output.write_all(&line).or_fail(Code::Io, || "cannot write to standard output".into())
}

/// The first bytes: a line gives them one by one.
fn probe(input: &mut dyn Read) -> Outcome<Vec<u8>> {
    let mut bytes = Vec::new();
    while bytes.len() < PROBE {
        let more = read(input, 4096)?;
        if more.is_empty() {
            break;
        }
        bytes.extend(more);
    }
    Ok(bytes)
}

fn read(input: &mut dyn Read, most: usize) -> Outcome<Vec<u8>> {
    let mut bytes = vec![0; most];
    let n = input.read(&mut bytes).or_fail(Code::Io, || "cannot read".into())?;
    bytes.truncate(n);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(bytes: &[u8]) -> (Vec<serde_json::Value>, Summary) {
        let mut output = Vec::new();
        let summary = decode(&mut &bytes[..], &mut output, None).unwrap();
        let text = String::from_utf8(output).unwrap();
        (text.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), summary)
    }

    #[test]
    fn a_frame_is_a_line() {
        let (lines, summary) = lines(b"\x02\nPAPP 00540 *\r\nPTEC TH.. $\r\x03\x02\nDATE\tE170915101601\t\t>\r\nVTIC\t02\tX\r\x03");
        assert_eq!(
            lines[0],
            serde_json::json!({"mode": "historic", "offset": 0, "complete": true, "refused": [],
                "datasets": {"PAPP": {"raw": "00540", "value": 540, "unit": "VA"}, "PTEC": {"raw": "TH..", "value": "TH"}}})
        );
        assert_eq!(
            lines[1],
            serde_json::json!({"mode": "standard", "offset": 29, "complete": true,
                "datasets": {"DATE": {"raw": "", "value": "", "timestamp": "E170915101601"}},
                "refused": [{"label": "VTIC", "offset": 54, "reason": "expected checksum 0x4a, but found 0x58"}]})
        );
        assert_eq!((summary.frames, summary.clean, summary.good), (2, 1, 3));
        assert_eq!(summary.to_string(), "65 bytes, 2 frames (1 clean), 3 datasets good, 1 refused, checksum 1");
    }

    #[test]
    fn streams_start_and_end_anywhere() {
        let (lines, summary) = lines(b"540 *\r\nPTEC TH.. $\r\x03\x02\nPAPP 00540 *\r\nPTE");
        assert_eq!(lines.len(), 2);
        assert!(lines.iter().all(|line| line["complete"] == false));
        assert_eq!(lines[1]["datasets"]["PAPP"]["raw"], "00540");
        assert_eq!(summary.good, 2);
    }

    #[test]
    fn parity_is_found() {
        let mut bytes = b"\x02\nPAPP 00540 *\r\x03".repeat(5);
        teleinfo_proto::tic::encode::even_parity(&mut bytes);
        let (lines, summary) = lines(&bytes);
        assert_eq!((lines.len(), summary.good, summary.clean), (5, 5, 5));
        assert_eq!(lines[0]["datasets"]["PAPP"]["value"], 540);
    }
}
