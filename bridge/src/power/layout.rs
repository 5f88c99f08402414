//! When each dataset of a frame was read: a frame that comes whole says only when it ended.
//!
//! The index and the power of one frame are read half a second apart or more, and a power factor learnt without that is much worse.
//! A dataset takes its share of the bytes. Frames last longer than their bytes, since a meter may be silent between datasets
//! (Enedis-NOI-CPT_54E v3 §5.3.6); how much longer is seen from one frame's end to the next.

use std::time::Duration;

use teleinfo_proto::tic::{
    Dataset, Mode,
    spec::{BAUD_HISTORIC, BAUD_STANDARD, BITS_PER_CHARACTER, TIMESTAMP_WIDTH},
};

/// Bytes of a dataset beside label and data: LF, two separators, checksum, CR.
const AROUND: usize = 5;
/// Bytes of a frame beside its datasets: STX, ETX.
const AROUND_FRAME: usize = 2;
/// The longest that a frame lasts, over its bytes: seen on real meters.
const LONGEST: f64 = 1.25;

/// How long before the end of its frame each dataset ended. `period` is the time since the end of the frame before, if that is known.
#[must_use]
pub fn ages(mode: Mode, datasets: &[Dataset<'_>], period: Option<Duration>) -> Vec<Duration> {
    let bytes: usize = AROUND_FRAME + datasets.iter().map(length).sum::<usize>();
    let per_byte = line_time(mode, bytes).mul_f64(stretch(line_time(mode, bytes), period)) / u32::try_from(bytes).unwrap_or(u32::MAX);
    let mut left = bytes - 1;
    let age = |dataset| {
        left -= length(dataset);
        per_byte * u32::try_from(left).unwrap_or(u32::MAX)
    };
    datasets.iter().map(age).collect()
}

fn length(dataset: &Dataset<'_>) -> usize {
    AROUND + dataset.label().len() + dataset.data().len() + dataset.timestamp().map_or(0, |_| TIMESTAMP_WIDTH + 1)
}

fn line_time(mode: Mode, bytes: usize) -> Duration {
    let baud = match mode {
        Mode::Historic => BAUD_HISTORIC,
        Mode::Standard => BAUD_STANDARD,
    };
    Duration::from_secs_f64(bytes as f64 * f64::from(BITS_PER_CHARACTER) / f64::from(baud))
}

/// How much longer than its bytes a frame lasts. After a frame that was lost the period is that of two.
fn stretch(line: Duration, period: Option<Duration>) -> f64 {
    let seen = period.map_or(1.0, |period| period.as_secs_f64() / line.as_secs_f64());
    if seen > LONGEST { 1.0 } else { seen.max(1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame() -> Vec<Dataset<'static>> {
        let dataset = |label, data| Dataset::new(Mode::Historic, label, None, data).unwrap();
        vec![dataset("BASE", "012345678"), dataset("IINST", "003"), dataset("PAPP", "00640")]
    }

    #[test]
    fn the_last_dataset_ends_just_before_the_frame() {
        let ages = ages(Mode::Historic, &frame(), None);
        let byte = 10.0 / 1_200.0;
        assert!((ages[2].as_secs_f64() - byte).abs() < 1e-6, "{ages:?}");
        assert!((ages[0].as_secs_f64() - 28.0 * byte).abs() < 1e-6, "{ages:?}");
    }

    #[test]
    fn a_frame_with_pauses_is_longer_and_a_lost_one_is_not() {
        let plain = ages(Mode::Historic, &frame(), None)[0];
        let line = line_time(Mode::Historic, 47);
        assert_eq!(ages(Mode::Historic, &frame(), Some(line.mul_f64(2.0)))[0], plain);
        let slow = ages(Mode::Historic, &frame(), Some(line.mul_f64(1.2)))[0];
        assert!((slow.as_secs_f64() / plain.as_secs_f64() - 1.2).abs() < 1e-3);
    }
}
