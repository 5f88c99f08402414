//! What was really sent, for tests to compare with: one JSON object per line and frame, as the meter meant it,
//! with what became of it: the faults that touched it and the bytes that nobody took.

use crate::capture::ordered::Object;
use crate::failure::{Code, OrFail, Outcome};
use crate::line::player::Sent;
use crate::line::source::Burst;
use serde::Serialize;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

#[derive(Serialize)]
struct TruthLine<'b> {
    frame: u64,
    mode: String,
    /// The meter's time at the frame's start, seconds since 1970.
    time: i64,
    complete: bool,
    /// What the meter had drawn and injected by then, in Wh, whatever it shows.
    drawn: u64,
    injected: u64,
    datasets: Object<Dataset<'b>>,
    bytes: usize,
    lost: usize,
    faults: &'b [&'static str],
}

#[derive(Serialize)]
struct Dataset<'b> {
    raw: &'b str,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<&'b str>,
}

/// A file of true frames.
#[derive(Debug)]
pub struct Truth {
    path: PathBuf,
    file: File,
}

impl Truth {
    /// Starts an empty file.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn create(path: &Path) -> Outcome<Self> {
        let file = File::create(path).or_fail(Code::CannotCreate, || format!("cannot write {}", path.display()))?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// Adds a line for the frame of this burst, if it is one.
    ///
    /// # Errors
    /// When writing fails.
    pub fn write(&mut self, burst: &Burst, sent: Sent) -> Outcome {
        let Some(line) = line(burst, sent) else {
            return Ok(());
        };
        let mut text = serde_json::to_vec(&line).or_fail(Code::Software, || "cannot write JSON".into())?;
        text.push(b'\n');
        // One write per line: who follows the file never sees a part of one.
        self.file.write_all(&text).or_fail(Code::Io, || format!("cannot write {}", self.path.display()))
    }
}

fn line(burst: &Burst, sent: Sent) -> Option<TruthLine<'_>> {
    let frame = burst.frame.as_ref()?;
    let mut datasets = Object::default();
    for group in &frame.groups {
        datasets.set(group.label, Dataset { raw: &group.data, timestamp: group.timestamp.as_deref() });
    }
    Some(TruthLine {
        frame: frame.number,
        mode: frame.mode.to_string(),
        time: frame.unix,
        complete: frame.complete,
        drawn: frame.energy.drawn,
        injected: frame.energy.injected,
        datasets,
        bytes: burst.bytes.len(),
        lost: sent.lost,
        faults: &burst.faults,
    })
}
