//! The signed apparent power at the end of its own dataset: positive when drawn from the grid, negative when injected.
//!
//! A meter in producer mode says what it draws (SINSTS) before what it injects (SINSTI). While it injects, the first is 0; that 0 is not
//! told, since the power is only known at the second. One power is told for each frame at least: if no live sample told it, the frame does.

use serde::Serialize;
use teleinfo_proto::{
    tic::{Dataset, Role},
    wire::BootId,
};

use crate::words::utc;

/// What is published at the end of a dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PowerNow {
    /// Signed, in VA.
    pub apparent: i64,
    /// When its dataset ended.
    pub time: String,
}

/// Follows the power of one meter from dataset to dataset.
#[derive(Debug, Default)]
pub struct Apparent {
    withdrawn: Option<i64>,
    /// The last sample that a live sample came behind and told a power.
    told_behind: Option<(BootId, u64)>,
}

impl Apparent {
    /// A live sample came behind the sample `number` of this run. `injects`: the meter also says what is injected.
    pub fn handle_live(&mut self, behind: (BootId, u64), dataset: &Dataset<'_>, injects: bool, unix_ms: i64) -> Option<PowerNow> {
        let power = self.handle_dataset(dataset, injects)?;
        self.told_behind = Some(behind);
        Some(PowerNow::at(power, unix_ms))
    }

    /// A frame came with this number. Nothing is told if a live sample did so before.
    pub fn handle_frame(
        &mut self,
        (boot, number): (BootId, u64),
        datasets: &[Dataset<'_>],
        injects: bool,
        unix_ms: i64,
    ) -> Option<PowerNow> {
        let power = datasets.iter().filter_map(|dataset| self.handle_dataset(dataset, injects)).last()?;
        (self.told_behind != Some((boot, number.wrapping_sub(1)))).then(|| PowerNow::at(power, unix_ms))
    }

    fn handle_dataset(&mut self, dataset: &Dataset<'_>, injects: bool) -> Option<i64> {
        let power = i64::try_from(dataset.value().number()?).ok()?;
        match dataset.role()? {
            Role::PowerWithdrawn => {
                self.withdrawn = Some(power);
                (power > 0 || !injects).then_some(power)
            }
            Role::PowerInjected if power > 0 => Some(-power),
            // What is drawn was told at its own dataset.
            Role::PowerInjected => self.withdrawn.filter(|withdrawn| *withdrawn == 0),
            _ => None,
        }
    }
}

impl PowerNow {
    fn at(apparent: i64, unix_ms: i64) -> Self {
        Self { apparent, time: utc::rfc3339_ms(unix_ms) }
    }
}

#[cfg(test)]
mod tests {
    use teleinfo_proto::tic::Mode;

    use super::*;

    const RUN: BootId = BootId::new(7);

    fn dataset<'a>(label: &'a str, data: &'a str) -> Dataset<'a> {
        let mode = if label == "PAPP" { Mode::Historic } else { Mode::Standard };
        Dataset::new(mode, label, None, data).unwrap()
    }

    /// What is told of each of these live samples, in VA.
    fn told<const N: usize>(injects: bool, lines: [(&str, &str); N]) -> [Option<i64>; N] {
        let mut apparent = Apparent::default();
        lines.map(|(label, data)| {
            let now = apparent.handle_live((RUN, 1), &dataset(label, data), injects, 0);
            now.map(|now| now.apparent)
        })
    }

    #[test]
    fn a_consumer_is_told_at_once() {
        assert_eq!(told(false, [("PAPP", "00540"), ("PAPP", "00000")]), [Some(540), Some(0)]);
        assert_eq!(told(false, [("SINSTS", "00000"), ("IRMS1", "003")]), [Some(0), None]);
    }

    #[test]
    fn a_producer_is_never_told_a_false_zero() {
        assert_eq!(told(true, [("SINSTS", "00000"), ("SINSTI", "01250")]), [None, Some(-1_250)]);
        assert_eq!(told(true, [("SINSTS", "00000"), ("SINSTI", "00000")]), [None, Some(0)]);
        assert_eq!(told(true, [("SINSTS", "00300"), ("SINSTI", "00000")]), [Some(300), None], "told once");
        assert_eq!(told(true, [("SINSTS", "00300"), ("SINSTI", "00090")]), [Some(300), Some(-90)], "the sign turned in between");
    }

    #[test]
    fn a_frame_tells_what_no_live_sample_told() {
        let mut apparent = Apparent::default();
        let frame = [dataset("SINSTS", "00000"), dataset("SINSTI", "01250")];
        let of_frame = |apparent: &mut Apparent, number| apparent.handle_frame((RUN, number), &frame, true, 1_500);
        assert_eq!(of_frame(&mut apparent, 1), Some(PowerNow { apparent: -1_250, time: "1970-01-01T00:00:01.500Z".into() }));
        apparent.handle_live((RUN, 1), &frame[0], true, 0);
        assert!(of_frame(&mut apparent, 2).is_some(), "the live sample with the power was lost");
        apparent.handle_live((RUN, 2), &frame[1], true, 0);
        assert_eq!(of_frame(&mut apparent, 3), None);
    }
}
